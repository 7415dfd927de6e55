//! The forecast of calls and credits, against what a run then makes.

use std::time::Duration;

use zoho_journal::clock::{Clock, SystemClock};
use zoho_journal::domain::calls::Versions;
use zoho_journal::domain::plan::{Plan, Rules, plan};
use zoho_journal::domain::scope::Task;
use zoho_journal::domain::target::ApiVersion;
use zoho_journal::reconcile::options::RunOptions;

use crate::middle::{Middle, Way};
use crate::world::{Ask, World, config};

const THROTTLED: &str =
    r#"{"code":"TOO_MANY_REQUESTS","details":{},"message":"","status":"error"}"#;
const TOO_MANY: &str = r#"{"code":"LIMIT_EXCEEDED","details":{},"message":"","status":"error"}"#;

/// Without jobs: how often they are asked for is no part of a forecast.
fn options(world: &World) -> RunOptions {
    RunOptions {
        versions: Versions { crm: ApiVersion::V6, ..Versions::default() },
        ..world.options()
    }
}

fn forecast(world: &World) -> Plan {
    let RunOptions { versions, limits, .. } = options(world);
    let requests = world.reader().overview(None, true).unwrap();
    plan(&requests, |_| false, SystemClock.now(), Rules { versions, limits, concurrency: 4 })
}

/// A run whose first calls go these ways, and that ends when Zoho throttles the next one.
async fn interrupted(world: &mut World, ways: &'static [fn() -> Way]) {
    let middle = Middle::new(world).submits(|number| match ways.get(number) {
        Some(way) => way(),
        None => Way::Refused(429, THROTTLED),
    });
    let options = RunOptions { wait: Duration::ZERO, concurrency: 1, ..options(world) };
    world.run_on(middle, SystemClock, options).await.unwrap();
}

/// Writes, and reads beside those of org, user and one module.
fn writes_and_reads(plan: &Plan) -> (u64, u64) {
    (plan.batches, plan.calls - plan.batches - 3)
}

/// The forecast says so much, and the run makes that.
async fn comes_true(world: &mut World, expected: (u64, u64)) {
    let plan = forecast(world);
    assert_eq!(writes_and_reads(&plan), expected, "{}", world.states());
    let summary = world.run(options(world)).await.unwrap();
    assert_eq!(summary.unfinished, 0, "{}", world.states());
    assert_eq!((summary.calls, summary.credits), (plan.calls, plan.credits));
    world.agrees();
}

/// 250 leads with a tag, and a request to remove it.
fn tagged(snapshot: bool) -> World {
    let mut world = World::with(config(&[("Leads", 250)]));
    let leads = world.live("Leads");
    world.zoho.tag("Leads", &["Prime"], &leads);
    world.ask(&Ask { snapshot, ..Ask::untag("Leads", &["Prime"], &leads) });
    world
}

#[tokio::test]
async fn records_are_read_by_the_hundred_and_not_without_a_snapshot() {
    comes_true(&mut tagged(true), (1, 3)).await;
    comes_true(&mut tagged(false), (1, 0)).await;
}

/// They have snapshots, and no call of them can have acted.
#[tokio::test]
async fn what_was_read_before_a_call_that_did_nothing_is_read_again() {
    let mut world = tagged(true);
    interrupted(&mut world, &[]).await;
    assert_eq!(world.states(), "pending 250");
    comes_true(&mut world, (1, 3)).await;
}

/// A newer snapshot might show our own success.
#[tokio::test]
async fn what_was_read_before_a_call_that_may_have_acted_is_not_read_again() {
    let mut world = tagged(true);
    interrupted(&mut world, &[|| Way::Swallowed]).await;
    assert_eq!(world.states(), "pending 250");
    comes_true(&mut world, (1, 0)).await;
}

/// Each half reads its own records.
#[tokio::test]
async fn halves_of_a_refused_call_are_read_each_for_itself() {
    let mut world = tagged(true);
    let middle = Middle::new(&world).submits(|_| Way::Refused(400, TOO_MANY));
    // Org, user, module, three reads, and the call that is refused.
    let budget = RunOptions { max_calls: Some(7), ..options(&world) };
    world.run_on(middle, SystemClock, budget).await.unwrap();
    assert_eq!(world.states(), "pending 250");
    comes_true(&mut world, (2, 4)).await;
}

#[tokio::test]
async fn the_lists_of_two_parents_are_read_one_by_one_and_again() {
    let mut world = World::with(config(&[("Campaigns", 2), ("Leads", 3)]));
    let (campaigns, leads) = (world.live("Campaigns"), world.live("Leads"));
    for parent in &campaigns {
        world.zoho.link("Campaigns", *parent, "Leads", &leads);
    }
    let items = campaigns.iter().flat_map(|parent| leads.iter().map(|lead| (Some(*parent), *lead)));
    let (items, task) = (items.collect(), Task::Unlink("Leads".parse().unwrap()));
    world.ask(&Ask { items, ..Ask::new("Campaigns", task, &[]) });
    interrupted(&mut world, &[]).await;
    comes_true(&mut world, (2, 2)).await;
}

/// The call for one tag names no module: the list is read whether or not a snapshot was asked for.
#[tokio::test]
async fn the_list_of_tags_is_read_with_and_without_a_snapshot() {
    for snapshot in [true, false] {
        let mut world = World::with(config(&[("Leads", 1)]));
        let tags = world.zoho.tag("Leads", &["Prime"], &[]);
        world.ask(&Ask { snapshot, ..Ask::new("Leads", Task::DeleteTags, &tags) });
        interrupted(&mut world, &[]).await;
        comes_true(&mut world, (1, 1)).await;
    }
}

/// Each call makes the list stale that was read before it. Calls side by side share one: how many do is chance.
#[tokio::test]
async fn the_list_of_tags_is_read_about_once_a_call() {
    let names: Vec<String> = (0..10).map(|number| format!("tag {number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut world = World::with(config(&[("Leads", 1)]));
    let tags = world.zoho.tag("Leads", &names, &[]);
    world.ask(&Ask::new("Leads", Task::DeleteTags, &tags));
    let plan = forecast(&world);
    assert_eq!(writes_and_reads(&plan), (10, 10));
    let one_by_one = RunOptions { concurrency: 1, ..options(&world) };
    let summary = world.run(one_by_one).await.unwrap();
    assert_eq!(world.states(), "done 10");
    assert!((plan.calls - 5..=plan.calls).contains(&summary.calls), "{summary:?}");
}
