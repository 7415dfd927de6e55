//! Untagging, unlinking and deleting tags, through the engine: in both products, in every version.

use std::time::Duration;

use zoho_journal::domain::calls::{Limits, Versions};
use zoho_journal::domain::scope::Task;
use zoho_journal::domain::target::{ApiVersion, Product};
use zoho_journal::reconcile::options::{RunKind, RunOptions};
use zoho_journal::simulator::{Config, Fault};

use crate::world::{Ask, World, config, for_each_fault};

fn with_versions(world: &World, crm: ApiVersion, bigin: ApiVersion) -> RunOptions {
    RunOptions { versions: Versions { crm, bigin }, ..world.options() }
}

fn in_version(world: &World, product: Product, version: ApiVersion) -> RunOptions {
    match product {
        Product::Crm => with_versions(world, version, ApiVersion::V2),
        Product::Bigin => with_versions(world, ApiVersion::V8, version),
    }
}

/// The lines and bodies of the write calls so far.
fn calls(world: &World) -> Vec<String> {
    let writes = world.zoho.requests().into_iter().filter(|call| call.is_write);
    writes
        .map(|call| format!("{} {} {}", call.method, call.url, call.body).trim().to_owned())
        .collect()
}

const CRM: [ApiVersion; 8] = [
    ApiVersion::V2,
    ApiVersion::V2_1,
    ApiVersion::V3,
    ApiVersion::V4,
    ApiVersion::V5,
    ApiVersion::V6,
    ApiVersion::V7,
    ApiVersion::V8,
];

#[tokio::test]
async fn tags_are_removed_in_every_version_and_what_was_never_there_is_told() {
    for version in CRM {
        let mut world = World::with(config(&[("Leads", 8)]));
        let leads = world.live("Leads");
        world.zoho.tag("Leads", &["Prime", "Attend First", "Nurture"], &leads[..6]);
        world.zoho.lock(leads[5]);
        let unknown = 999_999_999_999_999_999;
        let ids = [&leads[..7], &[unknown]].concat();
        world.ask(&Ask::untag("Leads", &["Prime", "Attend First"], &ids));
        world.run(with_versions(&world, version, ApiVersion::V2)).await.unwrap();
        // One never carried them, one is locked, one is no record.
        assert_eq!(world.states(), "done 5, absent 1, failed 2", "{version}");
        world.agrees();
        let zoho = world.zoho.snapshot();
        assert_eq!(zoho.tags_of(leads[0]), ["Nurture"]);
        assert_eq!(calls(&world).len(), 1, "{version}: {:?}", calls(&world));
    }
}

#[tokio::test]
async fn bigin_s_tags_come_back_as_strings() {
    let mut world = World::with(config(&[("Pipelines", 3), ("Contacts", 2)]));
    let (deals, contacts) = (world.live("Pipelines"), world.live("Contacts"));
    world.zoho.tag("Pipelines", &["Hot & new", "x"], &deals[..2]);
    world.zoho.tag("Contacts", &["Hot & new"], &contacts);
    for (module, ids) in [("Pipelines", &deals), ("Contacts", &contacts)] {
        world.ask(&Ask { product: Product::Bigin, ..Ask::untag(module, &["Hot & new"], ids) });
    }
    world.sync().await;
    assert_eq!(world.states(), "done 4, absent 1");
    world.agrees();
    let sent = calls(&world);
    assert!(sent[0].contains("/bigin/v2/Pipelines/actions/remove_tags?ids="), "{sent:?}");
    assert!(sent[0].ends_with("&tag_names=Hot%20%26%20new"), "{sent:?}");
    assert_eq!(world.zoho.snapshot().tags_of(deals[0]), ["x"]);
}

#[tokio::test]
async fn what_shares_a_call_shares_it_across_requests_and_nothing_else_does() {
    let mut world = World::with(config(&[("Leads", 12)]));
    let leads = world.live("Leads");
    world.zoho.tag("Leads", &["a", "b"], &leads);
    world.ask(&Ask::untag("Leads", &["a", "b"], &leads[..4]));
    // The same tags in another order are the same tags.
    world.ask(&Ask::untag("Leads", &["b", "a"], &leads[4..8]));
    world.ask(&Ask::untag("Leads", &["a"], &leads[8..12]));
    world.sync().await;
    assert_eq!(world.states(), "done 12");
    world.agrees();
    assert_eq!(calls(&world).len(), 2);
    assert_eq!(world.zoho.snapshot().tags_of(leads[9]), ["b"]);
}

#[tokio::test]
async fn one_record_is_under_way_once_whatever_is_done_to_it() {
    let mut world = World::with(config(&[("Leads", 3)]));
    let leads = world.live("Leads");
    world.zoho.tag("Leads", &["a", "b"], &leads);
    world.ask(&Ask::untag("Leads", &["a"], &leads));
    world.ask(&Ask::untag("Leads", &["b"], &leads));
    world.ask(&Ask::new("Leads", Task::Delete, &leads));
    world.zoho.plan_faults(vec![Fault::LoseAnswer]);
    world.sync().await;
    world.agrees();
    let states = world.states();
    assert!(states == "done 9" || states == "done 6, failed 3", "{states}");
}

#[tokio::test]
async fn five_hundred_records_go_in_one_call_in_the_body_and_in_the_query() {
    for (product, version) in [
        (Product::Crm, ApiVersion::V8),
        (Product::Crm, ApiVersion::V2_1),
        (Product::Crm, ApiVersion::V2),
        (Product::Bigin, ApiVersion::V2),
    ] {
        for (count, expected) in [(499, 1), (500, 1), (501, 2)] {
            let mut world = World::with(config(&[("Contacts", count)]));
            let contacts = world.live("Contacts");
            world.zoho.tag("Contacts", &["Prime"], &contacts);
            world.ask(&Ask { product, ..Ask::untag("Contacts", &["Prime"], &contacts) });
            world.run(in_version(&world, product, version)).await.unwrap();
            assert_eq!(world.states(), format!("done {count}"));
            assert_eq!(calls(&world).len(), expected, "{product} {version} {count}");
            world.agrees();
        }
    }
}

/// What the Delete Records and Delink pages of CRM and Bigin allow a call.
#[tokio::test]
async fn a_hundred_records_go_in_one_call_and_one_more_makes_another() {
    for (product, version) in [
        (Product::Crm, ApiVersion::V2),
        (Product::Bigin, ApiVersion::V1),
        (Product::Bigin, ApiVersion::V2),
    ] {
        for (count, expected) in [(99, 1), (100, 1), (101, 2)] {
            let mut world = World::with(config(&[("Products", 1), ("Contacts", count)]));
            let (parent, contacts) = (world.live("Products")[0], world.live("Contacts"));
            world.zoho.link("Products", parent, "Contacts", &contacts);
            let unlink = Ask::unlink("Products", parent, "Contacts", &contacts);
            let delete = Ask::new("Contacts", Task::Delete, &contacts);
            for (ask, round) in [(unlink, 1), (delete, 2)] {
                world.ask(&Ask { product, ..ask });
                world.run(in_version(&world, product, version)).await.unwrap();
                assert_eq!(world.states(), format!("done {}", round * count));
                let sent = calls(&world).len();
                assert_eq!(sent, round * expected, "{product} {version} {count}");
            }
            world.agrees();
        }
    }
}

/// A server that takes shorter lines than the pages promise.
#[tokio::test]
async fn a_line_that_is_too_long_for_the_server_is_halved() {
    let mut world = World::with(Config { max_url_bytes: 4_000, ..config(&[("Leads", 300)]) });
    let leads = world.live("Leads");
    world.zoho.tag("Leads", &["Prime"], &leads);
    world.ask(&Ask::untag("Leads", &["Prime"], &leads));
    world.run(with_versions(&world, ApiVersion::V2_1, ApiVersion::V2)).await.unwrap();
    assert_eq!(world.states(), "done 300");
    world.agrees();
}

#[tokio::test]
async fn relations_are_taken_apart_in_every_version_and_their_records_stay() {
    for version in CRM {
        let mut world = World::with(config(&[("Campaigns", 2), ("Contacts", 6)]));
        let (campaigns, contacts) = (world.live("Campaigns"), world.live("Contacts"));
        world.zoho.link("Campaigns", campaigns[0], "Contacts", &contacts[..4]);
        world.zoho.link("Campaigns", campaigns[1], "Contacts", &contacts[..2]);
        let unknown = 999_999_999_999_999_999;
        let ids = [&contacts[..5], &[unknown]].concat();
        world.ask(&Ask::unlink("Campaigns", campaigns[0], "Contacts", &ids));
        world.run(with_versions(&world, version, ApiVersion::V2)).await.unwrap();
        // One was never in the list, one is no record at all.
        assert_eq!(world.states(), "done 4, absent 1, failed 1", "{version}");
        world.agrees();
        let zoho = world.zoho.snapshot();
        assert!(zoho.linked(campaigns[0], "Contacts").is_empty());
        assert_eq!(zoho.linked(campaigns[1], "Contacts"), &contacts[..2]);
        assert_eq!(zoho.modules["Contacts"].live.len(), 6);
    }
}

#[tokio::test]
async fn one_request_over_many_parents_makes_a_call_a_parent() {
    for (product, version) in [
        (Product::Crm, ApiVersion::V8),
        (Product::Bigin, ApiVersion::V2),
        (Product::Bigin, ApiVersion::V1),
    ] {
        let mut world = World::with(config(&[("Products", 3), ("Contacts", 101)]));
        let (products, contacts) = (world.live("Products"), world.live("Contacts"));
        for parent in &products {
            world.zoho.link("Products", *parent, "Contacts", &contacts);
        }
        let items = [(0, &contacts[..101]), (1, &contacts[..100]), (2, &contacts[..99])];
        let items = items
            .iter()
            .flat_map(|(parent, ids)| ids.iter().map(|id| (Some(products[*parent]), *id)));
        let task = Task::Unlink("Contacts".parse().unwrap());
        let ask = Ask { product, items: items.collect(), ..Ask::new("Products", task, &[]) };
        world.ask(&ask);
        // Another request over one of the parents fills its call up.
        world.ask(&Ask {
            product,
            ..Ask::unlink("Products", products[2], "Contacts", &contacts[99..100])
        });
        world.run(in_version(&world, product, version)).await.unwrap();
        assert_eq!(world.states(), "done 301");
        world.agrees();
        // 101 are two calls.
        assert_eq!(calls(&world).len(), 4, "{product} {version}");
    }
}

#[tokio::test]
async fn a_parent_that_is_gone_refuses_its_own_entries_only() {
    let mut world = World::with(config(&[("Campaigns", 2), ("Leads", 3)]));
    let (campaigns, leads) = (world.live("Campaigns"), world.live("Leads"));
    for parent in &campaigns {
        world.zoho.link("Campaigns", *parent, "Leads", &leads);
    }
    world.zoho.delete_as_other_user(campaigns[0]);
    for parent in &campaigns {
        world.ask(&Ask::unlink("Campaigns", *parent, "Leads", &leads));
    }
    world.sync().await;
    assert_eq!(world.states(), "done 3, failed 3");
    world.agrees();
}

#[tokio::test]
async fn bigin_deletes_records_in_both_versions() {
    for (version, module) in [(ApiVersion::V1, "Deals"), (ApiVersion::V2, "Pipelines")] {
        let mut world = World::with(config(&[(module, 102)]));
        let deals = world.live(module);
        world
            .ask(&Ask { product: Product::Bigin, ..Ask::new(module, Task::Delete, &deals[..101]) });
        world.zoho.plan_faults(vec![Fault::LoseAnswer]);
        world.run(with_versions(&world, ApiVersion::V8, version)).await.unwrap();
        assert_eq!(world.states(), "done 101");
        world.agrees();
        let sent = calls(&world);
        let trigger = version == ApiVersion::V1;
        assert!(sent.iter().all(|call| call.contains("wf_trigger=") == trigger), "{sent:?}");
    }
}

/// The page's relations of Bigin, under each version's names: what was never linked needs no call.
#[tokio::test]
async fn bigin_s_relations_are_read_first_in_both_versions() {
    for (version, deals) in [(ApiVersion::V1, "Deals"), (ApiVersion::V2, "Pipelines")] {
        for list in ["Contacts", "Accounts", deals] {
            let mut world = World::with(config(&[("Products", 1), (list, 2)]));
            let (product, related) = (world.live("Products")[0], world.live(list));
            world.zoho.link("Products", product, list, &related[..1]);
            let unlink = Ask::unlink("Products", product, list, &related);
            world.ask(&Ask { product: Product::Bigin, ..unlink });
            world.run(with_versions(&world, ApiVersion::V8, version)).await.unwrap();
            assert_eq!(world.states(), "done 1, absent 1", "{version} {list}");
            assert_eq!(calls(&world).len(), 1, "{version} {list}");
            world.agrees();
        }
    }
}

fn tag_names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("tag {number:03}")).collect()
}

/// A world with so many tags in Leads, and their ids.
fn with_tags(count: usize, config: Config) -> (World, Vec<u64>) {
    let world = World::with(config);
    let names = tag_names(count);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let ids = world.zoho.tag("Leads", &names, &[]);
    (world, ids)
}

#[tokio::test]
async fn tags_are_deleted_by_jobs_and_one_by_one_where_there_are_none() {
    for (version, writes) in
        [(ApiVersion::V8, 2), (ApiVersion::V7, 2), (ApiVersion::V6, 101), (ApiVersion::V2, 101)]
    {
        let (mut world, tags) = with_tags(102, config(&[("Leads", 1)]));
        world.ask(&Ask::new("Leads", Task::DeleteTags, &tags[..101]));
        let summary = world.run(with_versions(&world, version, ApiVersion::V2)).await.unwrap();
        assert_eq!(world.states(), "done 101", "{version}: {summary:?}");
        assert_eq!(calls(&world).len(), writes, "{version}");
        world.agrees();
        assert_eq!(world.zoho.snapshot().tags["Leads"].len(), 1);
    }
    let (mut world, tags) = with_tags(2, config(&[("Leads", 1)]));
    let bigin = world.zoho.tag("Contacts", &["old"], &[]);
    let ask = Ask::new("Contacts", Task::DeleteTags, &bigin);
    world.ask(&Ask { product: Product::Bigin, ..ask });
    world.ask(&Ask::new("Leads", Task::DeleteTags, &tags));
    world.sync().await;
    assert_eq!(world.states(), "done 3");
    world.agrees();
}

#[tokio::test]
async fn a_job_takes_two_hundred_tags_where_the_user_says_so() {
    for (count, writes) in [(199, 1), (200, 1), (201, 2)] {
        let (mut world, tags) = with_tags(count, config(&[("Leads", 1)]));
        world.ask(&Ask::new("Leads", Task::DeleteTags, &tags));
        let options = RunOptions {
            limits: Limits { tags_per_job: 200, ..Limits::default() },
            ..world.options()
        };
        world.run(options).await.unwrap();
        assert_eq!(world.states(), format!("done {count}"));
        assert_eq!(calls(&world).len(), writes);
        world.agrees();
    }
}

#[tokio::test]
async fn one_bad_tag_among_many_is_refused_alone() {
    let (mut world, tags) = with_tags(6, config(&[("Leads", 1)]));
    world.zoho.use_tags("Leads", &["tag 003"]);
    world.zoho.drop_tags("Leads", &["tag 005"]);
    let ids = [&tags[..], &[999_999_999_999_999_999]].concat();
    world.ask(&Ask::new("Leads", Task::DeleteTags, &ids));
    world.sync().await;
    // Used by automation, deleted by somebody before, never there.
    assert_eq!(world.states(), "done 4, failed 3");
    world.agrees();
}

#[tokio::test]
async fn without_waiting_a_run_returns_with_the_job_s_id_and_the_next_one_settles() {
    let slow = Config { job_scheduled_ms: 300, ..config(&[("Leads", 1)]) };
    let (mut world, tags) = with_tags(3, slow);
    world.ask(&Ask::new("Leads", Task::DeleteTags, &tags));
    let options = RunOptions { wait: Duration::ZERO, ..world.options() };
    let summary = world.run(options).await.unwrap();
    assert_eq!(world.states(), "queued 3");
    let job = world.zoho.snapshot().jobs[0].id.to_string();
    assert_eq!((summary.jobs, summary.unfinished), (vec![job], 3));
    world.agrees();
    world.sync().await;
    assert_eq!(world.states(), "done 3");
    assert_eq!(calls(&world).len(), 1);
    world.agrees();
}

#[tokio::test]
async fn what_a_job_did_is_read_tag_by_tag_however_it_ended() {
    for (fault, states) in [
        (Fault::JobFails, "failed 5"),
        (Fault::JobPartial, "done 4, failed 1"),
        (Fault::JobForgotten, "done 5"),
    ] {
        let (mut world, tags) = with_tags(5, config(&[("Leads", 1)]));
        world.ask(&Ask::new("Leads", Task::DeleteTags, &tags));
        world.zoho.plan_faults(vec![fault]);
        let summary = world.sync().await;
        assert_eq!(world.states(), states, "{fault}: {summary:?}");
        world.agrees();
        // What a job left is sent again by a replay, and only that.
        world.replay().await;
        assert_eq!(world.states(), "done 5", "{fault}");
        world.agrees();
    }
}

#[tokio::test]
async fn a_job_that_never_ends_stays_queued_and_keeps_no_other_module_from_its_work() {
    let (mut world, tags) = with_tags(2, config(&[("Leads", 3)]));
    let leads = world.live("Leads");
    world.ask(&Ask::new("Leads", Task::DeleteTags, &tags));
    world.ask(&Ask::new("Leads", Task::Delete, &leads));
    world.zoho.plan_faults(vec![Fault::JobStuck]);
    let options = RunOptions { wait: Duration::from_secs(1), ..world.options() };
    let summary = world.run(options).await.unwrap();
    assert_eq!(world.states(), "queued 2, done 3");
    assert_eq!(summary.unfinished, 2);
    world.agrees();
}

/// Each fault before and after the effect, for each operation: nothing is done twice, nothing is lost, and
/// the journal tells the truth. In each product, and in the version that has no jobs and no bodies.
#[test]
fn every_fault_ends_with_the_journal_telling_the_truth_for_every_operation() {
    for_each_fault(|fault| async move {
        tokio::join!(
            meet(fault, Product::Crm, ApiVersion::V8),
            meet(fault, Product::Crm, ApiVersion::V2),
            meet(fault, Product::Bigin, ApiVersion::V2),
        );
    });
}

/// One fault, once for each operation.
async fn meet(fault: Fault, product: Product, version: ApiVersion) {
    let mut world = World::with(config(&[("Contacts", 30), ("Products", 1), ("Accounts", 20)]));
    let (contacts, accounts) = (world.live("Contacts"), world.live("Accounts"));
    let parent = world.live("Products")[0];
    world.zoho.tag("Contacts", &["Prime", "Hot"], &contacts);
    world.zoho.link("Products", parent, "Accounts", &accounts);
    let tags = world.zoho.tag("Accounts", &["a", "b", "c"], &accounts);
    let by_job = product == Product::Crm && version == ApiVersion::V8;
    let stuck = by_job && fault == Fault::JobStuck;
    for ask in [
        Ask::untag("Contacts", &["Prime", "Hot"], &contacts),
        Ask::unlink("Products", parent, "Accounts", &accounts),
        Ask::new("Accounts", Task::DeleteTags, &tags),
    ] {
        let request = world.ask(&Ask { product, ..ask });
        world.zoho.plan_faults(vec![fault]);
        let wanted = Some(vec![request]);
        let mut options = RunOptions { wanted, ..in_version(&world, product, version) };
        if stuck {
            // All of it is waited for.
            options.wait = Duration::from_secs(6);
        }
        let summary = world.run(options).await.unwrap();
        world.zoho.clear_faults();
        world.agrees();
        if !stuck {
            let states = world.states();
            assert_eq!(summary.unfinished, 0, "{fault} {product} {version}: {states}, {summary:?}");
        }
    }
    let states = world.states();
    let spoilt = [Fault::JobFails, Fault::JobPartial, Fault::JobStuck].contains(&fault);
    let refused = fault == Fault::Refuse || (by_job && spoilt);
    assert!(states == "done 53" || refused, "{fault} {product} {version}: {states}");
}

#[tokio::test]
async fn without_a_snapshot_a_lost_answer_stays_undecided_and_a_clear_one_counts() {
    let mut world = World::with(config(&[("Leads", 4)]));
    let leads = world.live("Leads");
    world.zoho.tag("Leads", &["Prime"], &leads);
    world.ask(&Ask { snapshot: false, ..Ask::untag("Leads", &["Prime"], &leads[..2]) });
    world.sync().await;
    assert_eq!(world.states(), "done 2");
    world.ask(&Ask { snapshot: false, ..Ask::untag("Leads", &["Prime"], &leads[2..]) });
    world.zoho.plan_faults(vec![Fault::LoseAnswer]);
    let summary = world.sync().await;
    // Nobody read that the tags were there: nothing says whose call took them away.
    assert_eq!(world.states(), "unknown 2, done 2");
    assert_eq!(summary.undecided, 2);
}

#[tokio::test]
async fn a_second_attempt_never_takes_our_own_success_for_something_that_was_never_there() {
    let mut world = World::with(config(&[("Leads", 3)]));
    let leads = world.live("Leads");
    world.zoho.tag("Leads", &["Prime"], &leads);
    world.ask(&Ask::untag("Leads", &["Prime"], &leads));
    world.zoho.plan_faults(vec![Fault::LoseAnswer]);
    world.sync_until_unknown().await;
    world.sync().await;
    assert_eq!(world.states(), "done 3");
    assert_eq!(calls(&world).len(), 1);
    world.agrees();
}

/// How often each fault strikes a call.
const RATES: [(Fault, f64); 16] = [
    (Fault::LoseAnswer, 0.08),
    (Fault::LoseRequest, 0.08),
    (Fault::Late, 0.03),
    (Fault::Throttle, 0.08),
    (Fault::Html, 0.06),
    (Fault::HtmlApplied, 0.05),
    (Fault::InternalError, 0.06),
    (Fault::InternalErrorApplied, 0.06),
    (Fault::CutBody, 0.06),
    (Fault::MissingId, 0.08),
    (Fault::UnknownId, 0.05),
    (Fault::DoubleId, 0.05),
    (Fault::Shuffle, 0.10),
    (Fault::Anonymous, 0.05),
    (Fault::ReadLost, 0.05),
    (Fault::JobPartial, 0.10),
];

/// All operations in both products at once, on things that others changed before, under faults all the time.
async fn settles(seed: u64) {
    let records =
        [("Leads", 700), ("Contacts", 130), ("Campaigns", 4), ("Products", 2), ("Pipelines", 150)];
    let mut world = World::with(Config { seed, concurrency_limit: Some(4), ..config(&records) });
    let (leads, contacts) = (world.live("Leads"), world.live("Contacts"));
    let (campaigns, deals) = (world.live("Campaigns"), world.live("Pipelines"));
    let products = world.live("Products");
    let never = [999_999_999_999_999_991, 999_999_999_999_999_992];

    world.zoho.tag("Leads", &["Prime", "Hot"], &leads[..600]);
    world.zoho.lock(leads[3]);
    world.zoho.delete_as_other_user(leads[5]);
    let untagged = [&leads[..620], &never[..]].concat();
    world.ask(&Ask::untag("Leads", &["Hot", "Prime"], &untagged[..300]));
    world.ask(&Ask::untag("Leads", &["Prime", "Hot"], &untagged[300..]));
    let unused = tag_names(60);
    let unused: Vec<&str> = unused.iter().map(String::as_str).collect();
    let tags = world.zoho.tag("Contacts", &unused, &contacts[..5]);
    world.zoho.use_tags("Contacts", &["tag 007"]);
    world.zoho.drop_tags("Contacts", &["tag 009"]);
    world.ask(&Ask::new("Contacts", Task::DeleteTags, &[&tags[..], &never[..1]].concat()));
    let mut items = Vec::new();
    for parent in &campaigns {
        world.zoho.link("Campaigns", *parent, "Contacts", &contacts[..110]);
        items.extend(contacts[..115].iter().map(|id| (Some(*parent), *id)));
    }
    items.push((Some(campaigns[0]), never[0]));
    let task = Task::Unlink("Contacts".parse().unwrap());
    world.ask(&Ask { items, ..Ask::new("Campaigns", task, &[]) });
    world.zoho.tag("Pipelines", &["Old"], &deals[..40]);
    let bigin = |ask| Ask { product: Product::Bigin, ..ask };
    world.ask(&bigin(Ask::untag("Pipelines", &["Old"], &deals[..45])));
    world.ask(&bigin(Ask::new("Pipelines", Task::Delete, &deals[45..])));
    world.zoho.link("Products", products[0], "Contacts", &contacts[..30]);
    world.ask(&bigin(Ask::unlink("Products", products[0], "Contacts", &contacts[..30])));
    world.ask(&Ask::new("Leads", Task::Delete, &leads[650..]));

    for (fault, rate) in RATES {
        world.zoho.set_rate(fault, rate);
    }
    for round in 0..20 {
        let kind = if round == 0 { RunKind::Sync } else { RunKind::Replay };
        let options = RunOptions { kind, quarantine: Duration::from_millis(20), ..world.options() };
        let summary = world.run(options).await.unwrap();
        world.agrees();
        if summary.unfinished == 0 && round > 2 {
            break;
        }
    }
    world.zoho.clear_faults();
    let summary = world.replay().await;
    // A lock, a record that somebody deleted, two that never were; a tag in use, one dropped, one that never
    // was; a relation that never was.
    let expected = "done 1321, absent 45, failed 8";
    assert_eq!(world.states(), expected, "seed {seed}: {summary:?}");
    world.agrees();
}

#[test]
fn everything_at_once_settles_under_faults_with_four_seeds() {
    std::thread::scope(|threads| {
        for seed in 1..=4 {
            threads.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.unwrap().block_on(settles(seed));
            });
        }
    });
}
