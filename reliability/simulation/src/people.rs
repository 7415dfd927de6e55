//! Other people who work in the same org, and the requests that ours make.

use std::sync::Arc;

use zoho_journal::domain::policy::ApprovalPolicy;
use zoho_journal::domain::scope::{TagSet, Task};
use zoho_journal::simulator::{Config, Fault};

use crate::chance::Chance;
use crate::clock::MachineClock;
use crate::process::Ask;
use crate::world::World;

/// The tags that leads carry.
const TAGS: [&str; 3] = ["Prime", "Old", "Cold"];

/// Faults of Zoho itself that a run gets over, and that end.
const FAULTS: [Fault; 17] = [
    Fault::Refuse,
    Fault::Throttle,
    Fault::ThrottleRetryAfter,
    Fault::Html,
    Fault::HtmlApplied,
    Fault::InternalError,
    Fault::InternalErrorApplied,
    Fault::MissingId,
    Fault::UnknownId,
    Fault::DoubleId,
    Fault::Anonymous,
    Fault::Shuffle,
    Fault::ReadInternalError,
    Fault::ReadThrottle,
    Fault::JobFails,
    Fault::JobPartial,
    Fault::JobForgotten,
];

/// An org of a few records.
pub fn org(chance: &mut Chance, clock: &MachineClock) -> Config {
    let clock = clock.clone();
    let leads = chance.between(4, 14);
    Config {
        seed: chance.bits(),
        records: vec![
            ("Leads".to_owned(), leads),
            ("Contacts".to_owned(), 3),
            ("Campaigns".to_owned(), 2),
        ],
        clock_skew_ms: if chance.percent(50) { 0 } else { skew(chance) },
        latency_ms: 0,
        delay_ms: 0,
        retry_after_s: 1,
        job_scheduled_ms: 500,
        job_running_ms: 1000,
        now: Arc::new(move || clock.true_ms()),
        ..Config::default()
    }
}

/// Up to an hour off, either way.
fn skew(chance: &mut Chance) -> i64 {
    i64::try_from(chance.below(7_200_000)).unwrap_or(0) - 3_600_000
}

/// Tags and links that are there from the start.
pub fn furnish(world: &World) {
    let (leads, campaigns) = (live(world, "Leads"), live(world, "Campaigns"));
    let mut chance = world.chance();
    for tag in TAGS {
        let some = chance.some(&leads, 60);
        world.zoho.tag("Leads", &[tag], &some);
    }
    for parent in campaigns {
        let some = chance.some(&leads, 60);
        world.zoho.link("Campaigns", parent, "Leads", &some);
    }
}

/// Zoho misbehaves in some ways from now on.
pub fn misbehave(world: &World, chance: &mut Chance) {
    for fault in FAULTS {
        if chance.percent(25) {
            let percent = u32::try_from(chance.between(1, 30)).unwrap_or(1);
            world.zoho.set_rate(fault, f64::from(percent) / 100.0);
        }
    }
}

fn live(world: &World, module: &str) -> Vec<u64> {
    world.zoho.snapshot().modules.get(module).map(|module| module.live.clone()).unwrap_or_default()
}

/// Every record that there is or was.
pub fn everything(world: &World, module: &str) -> Vec<u64> {
    let snapshot = world.zoho.snapshot();
    let Some(module) = snapshot.modules.get(module) else { return Vec::new() };
    [&module.live[..], &module.binned, &module.purged].concat()
}

/// Something that somebody wants done.
pub fn wish(world: &World, chance: &mut Chance) -> Ask {
    let ask = |module, task, items| Ask {
        module,
        task,
        items,
        snapshot: true,
        again: false,
        policy: ApprovalPolicy::Never,
    };
    let each = |ids: Vec<u64>| ids.into_iter().map(|id| (None, id)).collect();
    let again = chance.percent(40);
    let ask = match chance.below(10) {
        0..=4 => {
            let module = if chance.percent(85) { "Leads" } else { "Contacts" };
            let mut ids = chance.some(&everything(world, module), 60);
            if chance.percent(15) {
                // Nobody ever had this id. Another module has others.
                let never = 4_876_876_999_999_000_000 + 100 * u64::from(module == "Contacts");
                ids.push(never + u64::try_from(chance.below(9)).unwrap_or(0));
            }
            ask(module, Task::Delete, each(ids))
        }
        5 | 6 => {
            let tags = chance.some(&TAGS, 50);
            let tags = if tags.is_empty() { vec![TAGS[0]] } else { tags };
            let tags = TagSet::new(tags.iter().filter_map(|tag| tag.parse().ok()));
            let task = Task::Untag(tags.expect("tags that there can be"));
            ask("Leads", task, each(chance.some(&everything(world, "Leads"), 60)))
        }
        7 | 8 => {
            let task = Task::Unlink("Leads".parse().expect("a related list"));
            let mut items = Vec::new();
            for parent in everything(world, "Campaigns") {
                let leads = chance.some(&everything(world, "Leads"), 40);
                items.extend(leads.into_iter().map(|lead| (Some(parent), lead)));
            }
            ask("Campaigns", task, items)
        }
        _ => {
            let snapshot = world.zoho.snapshot();
            let tags: Vec<u64> = snapshot
                .tags
                .get("Leads")
                .map(|tags| tags.values().copied().collect())
                .unwrap_or_default();
            ask("Leads", Task::DeleteTags, each(chance.some(&tags, 50)))
        }
    };
    let policy = if world.governed && chance.percent(25) {
        ApprovalPolicy::Always
    } else {
        ApprovalPolicy::Never
    };
    Ask { again, snapshot: chance.percent(80), policy, ..ask }
}

/// Somebody else does something.
pub fn meddle(world: &World, chance: &mut Chance) {
    let zoho = &world.zoho;
    let all = everything(world, "Leads");
    let Some(lead) = chance.pick(&all).copied() else { return };
    let tag = *chance.pick(&TAGS).unwrap_or(&TAGS[0]);
    world.count("deeds of others");
    match chance.below(10) {
        0 | 1 => drop(zoho.delete_as_other_user(lead)),
        2 => drop(zoho.restore(lead)),
        3 => drop(zoho.purge(lead)),
        4 => drop(zoho.lock(lead)),
        5 => drop(zoho.unlock(lead)),
        6 => drop(zoho.touch(lead)),
        7 => drop(zoho.untag("Leads", &[tag], &[lead])),
        8 => drop(zoho.tag("Leads", &[tag], &[lead])),
        _ => {
            let campaigns = live(world, "Campaigns");
            if let Some(parent) = chance.pick(&campaigns).copied() {
                if chance.percent(50) {
                    zoho.link("Campaigns", parent, "Leads", &[lead]);
                } else {
                    zoho.unlink("Campaigns", parent, "Leads", &[lead]);
                }
            }
        }
    }
}
