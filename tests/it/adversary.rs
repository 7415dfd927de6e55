//! What an adversary finds: interleavings and answers that make the journal lie, hang, or guess.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use zoho_journal::clock::SystemClock;
use zoho_journal::domain::answer::{JobSeen, Related};
use zoho_journal::domain::calls::Versions;
use zoho_journal::domain::scope::Task;
use zoho_journal::domain::target::ApiVersion;
use zoho_journal::reconcile::options::RunOptions;
use zoho_journal::simulator::{Config, Fault};

use crate::middle::{Middle, Slowed, Way};
use crate::world::{Ask, World, config};

fn in_version(world: &World, crm: ApiVersion) -> RunOptions {
    RunOptions { versions: Versions { crm, ..Versions::default() }, ..world.options() }
}

/// The id is a tag's of Contacts; the request says Leads, where no such tag is.
#[tokio::test]
async fn a_tag_of_another_module_is_not_deleted() {
    for version in [ApiVersion::V8, ApiVersion::V6] {
        let mut world = World::with(config(&[("Leads", 1), ("Contacts", 1)]));
        world.zoho.tag("Leads", &["x"], &[]);
        let foreign = world.zoho.tag("Contacts", &["Keep me"], &[]);
        world.ask(&Ask::new("Leads", Task::DeleteTags, &foreign));
        world.run(in_version(&world, version)).await.unwrap();
        let left =
            world.zoho.snapshot().tags.get("Contacts").map_or(0, std::collections::BTreeMap::len);
        assert_eq!(left, 1, "{version}: the tag of Contacts is gone: {}", world.states());
    }
}

/// The status of a job is not there yet when it is asked for a second after the job was accepted.
#[tokio::test]
async fn a_job_that_is_not_known_yet_is_not_over() {
    let slow = Config { job_scheduled_ms: 2_500, ..config(&[("Leads", 1)]) };
    let mut world = World::with(slow);
    let tags = world.zoho.tag("Leads", &["a", "b"], &[]);
    world.ask(&Ask::new("Leads", Task::DeleteTags, &tags));
    let middle = Middle::new(&world).jobs(|number| {
        let (code, message) = ("INVALID_DATA".to_owned(), "job details not found".to_owned());
        (number == 0).then_some(JobSeen::Forgotten { code, message })
    });
    world.run_on(middle, SystemClock, world.options()).await.unwrap();
    world.zoho.finish_jobs();
    world.agrees();
}

/// The job fails and counts nothing as deleted; meanwhile somebody else deletes the tags.
#[tokio::test]
async fn what_a_failed_job_did_not_delete_is_not_done() {
    let slow = Config { job_scheduled_ms: 500, ..config(&[("Leads", 1)]) };
    let mut world = World::with(slow);
    let tags = world.zoho.tag("Leads", &["a", "b"], &[]);
    world.ask(&Ask::new("Leads", Task::DeleteTags, &tags));
    world.zoho.plan_faults(vec![Fault::JobFails]);
    let options = RunOptions { wait: Duration::ZERO, ..world.options() };
    world.run(options).await.unwrap();
    assert_eq!(world.zoho.drop_tags("Leads", &["a", "b"]), 2);
    world.sync().await;
    world.agrees();
}

/// The first request deletes the tag; the second one's snapshot is a list from before that, its call is
/// refused, and the refusal is lost.
#[tokio::test]
async fn a_list_from_before_our_own_call_is_no_snapshot() {
    let mut world = World::with(config(&[("Leads", 1)]));
    let tags = world.zoho.tag("Leads", &["a"], &[]);
    world.ask(&Ask::new("Leads", Task::DeleteTags, &tags));
    world.ask_again(&Ask::new("Leads", Task::DeleteTags, &tags));
    let middle = Middle::new(&world)
        .submits(|number| if number == 1 { Way::AnswerLost } else { Way::Straight });
    let options = in_version(&world, ApiVersion::V6);
    world.run_on(middle, SystemClock, options).await.unwrap();
    world.agrees();
}

/// The record carries another tag that differs in capitals. Zoho answers with success and says that it still
/// has it.
#[tokio::test]
async fn another_tag_that_differs_in_capitals_is_not_ours() {
    let mut world = World::with(config(&[("Leads", 1)]));
    let leads = world.live("Leads");
    world.zoho.tag("Leads", &["Prime"], &[]);
    world.zoho.tag("Leads", &["PRIME"], &leads);
    world.ask(&Ask::untag("Leads", &["Prime"], &leads));
    world.sync().await;
    world.agrees();
}

/// A request with a wrong module must end as refused, and keep no other from its work.
#[tokio::test]
async fn a_request_whose_snapshot_cannot_be_read_keeps_no_other_from_its_work() {
    let mut world = World::with(config(&[("Leads", 3)]));
    let leads = world.live("Leads");
    world.ask(&Ask::untag("Leadz", &["Prime"], &leads));
    world.ask(&Ask::new("Leads", Task::Delete, &leads));
    for _ in 0..3 {
        world.sync().await;
    }
    assert_eq!(world.states(), "done 3, failed 3");
}

#[tokio::test]
async fn a_list_that_zoho_does_not_know_keeps_no_other_request_from_its_work() {
    let mut world = World::with(config(&[("Leads", 3), ("Campaigns", 1)]));
    let leads = world.live("Leads");
    let campaign = world.live("Campaigns")[0];
    world.ask(&Ask::unlink("Campaigns", campaign, "Leeds", &leads));
    world.ask(&Ask::new("Leads", Task::Delete, &leads));
    world.sync().await;
    assert_eq!(world.states(), "done 3, failed 3");
}

/// Somebody adds a row to the list between two pages: the last row of the first page comes again, and what we
/// ask for stands on the third page.
#[tokio::test]
async fn a_row_that_comes_twice_does_not_end_the_list() {
    let mut world = World::with(config(&[("Campaigns", 1), ("Leads", 2)]));
    let (campaign, leads) = (world.live("Campaigns")[0], world.live("Leads"));
    world.zoho.link("Campaigns", campaign, "Leads", &leads);
    world.ask(&Ask::unlink("Campaigns", campaign, "Leads", &leads));
    let mut middle = Middle::new(&world);
    let all: std::sync::Mutex<Vec<Related>> = std::sync::Mutex::default();
    middle.lists = Box::new(move |page, rows| {
        let mut all = all.lock().unwrap();
        if page == 1 {
            *all = rows.rows.clone();
        }
        rows.more = page < 3;
        let row = usize::from(page > 2);
        rows.rows = all[row..=row].to_vec();
    });
    let options = world.options();
    world.run_on(middle, SystemClock, options).await.unwrap();
    assert_eq!(world.states(), "done 2");
}

/// A list that ends nowhere, and a lost answer: what cannot be read is not read for ever.
#[tokio::test]
async fn a_list_without_end_is_not_read_over_and_over() {
    let mut world = World::with(config(&[("Campaigns", 1), ("Leads", 2)]));
    let (campaign, leads) = (world.live("Campaigns")[0], world.live("Leads"));
    world.zoho.link("Campaigns", campaign, "Leads", &leads);
    world.ask(&Ask::unlink("Campaigns", campaign, "Leads", &leads));
    let middle = Middle::new(&world).submits(|_| Way::Swallowed);
    let options = RunOptions { wait: Duration::ZERO, ..world.options() };
    world.run_on(middle, SystemClock, options).await.unwrap();
    assert_eq!(world.states(), "unknown 2");
    let mut middle = Middle::new(&world);
    middle.lists = Box::new(|_, rows| {
        rows.more = true;
        rows.rows.clear();
    });
    let reads = Arc::clone(&middle.reads);
    let options = world.options();
    let summary = world.run_on(middle, SystemClock, options).await.unwrap();
    let reads = reads.load(Ordering::SeqCst);
    assert!(reads <= 200, "{reads} reads in twenty seconds: {summary:?}");
}

/// A job carries tags of two requests; only the second one is named.
#[tokio::test]
async fn a_named_request_is_settled_though_another_one_s_entry_leads_its_job() {
    let slow = Config { job_scheduled_ms: 60_000, ..config(&[("Leads", 1)]) };
    let mut world = World::with(slow);
    let tags = world.zoho.tag("Leads", &["a", "b"], &[]);
    world.ask(&Ask::new("Leads", Task::DeleteTags, &tags[..1]));
    let second = world.ask(&Ask::new("Leads", Task::DeleteTags, &tags[1..]));
    let options = RunOptions { wait: Duration::ZERO, ..world.options() };
    world.run(options).await.unwrap();
    assert_eq!(world.states(), "queued 2");
    world.zoho.finish_jobs();
    let options = RunOptions { wanted: Some(vec![second]), ..world.options() };
    let summary = world.run(options).await.unwrap();
    assert_eq!(summary.unfinished, 0, "{} {:?}", world.states(), summary);
}

/// The job deletes one tag of two, somebody else the other one; then each request is looked at on its own.
#[tokio::test]
async fn one_deletion_of_a_job_is_not_put_down_to_two_requests() {
    let slow = Config { job_scheduled_ms: 60_000, ..config(&[("Leads", 1)]) };
    let mut world = World::with(slow);
    let tags = world.zoho.tag("Leads", &["a", "b"], &[]);
    let first = world.ask(&Ask::new("Leads", Task::DeleteTags, &tags[..1]));
    let second = world.ask(&Ask::new("Leads", Task::DeleteTags, &tags[1..]));
    world.zoho.plan_faults(vec![Fault::JobPartial]);
    let options = RunOptions { wait: Duration::ZERO, ..world.options() };
    world.run(options.clone()).await.unwrap();
    assert_eq!(world.states(), "queued 2");
    world.zoho.finish_jobs();
    assert_eq!(world.zoho.drop_tags("Leads", &["b"]), 1);
    for request in [first, second] {
        world.run(RunOptions { wanted: Some(vec![request]), ..options.clone() }).await.unwrap();
    }
    assert_eq!(world.states(), "unknown 2", "nobody can say which of the two the job deleted");
    world.agrees();
}

/// Five reads of seven seconds each come before a call for 500 records: always older than allowed.
#[tokio::test]
async fn slow_reads_before_a_call_come_to_an_end() {
    let mut world = World::with(config(&[("Leads", 500)]));
    let leads = world.live("Leads");
    world.zoho.tag("Leads", &["Prime"], &leads);
    world.ask(&Ask::untag("Leads", &["Prime"], &leads));
    let mut middle = Middle::new(&world);
    middle.read_ms = 7_000;
    let (clock, reads) =
        (Slowed(Arc::clone(&middle.slow), Arc::default()), Arc::clone(&middle.reads));
    let options = world.options();
    let run = world.run_on(middle, clock, options);
    let ended = tokio::time::timeout(Duration::from_secs(8), run).await;
    assert!(ended.is_ok(), "after {} reads it reads still", reads.load(Ordering::SeqCst));
}

const BUSY: &str =
    r#"{"code":"ALREADY_SCHEDULED","details":{},"message":"another job","status":"error"}"#;
const IN_USE: &str = r#"{"code":"NOT_ALLOWED","details":{},"message":"tags has been associated to features","status":"error"}"#;

const MODULE: &str = r#"{"code":"INVALID_DATA","details":{"json_path":"$.mass_delete[0].module.id"},"message":"the id given seems to be invalid","status":"error"}"#;

/// Zoho refuses the module of the call, not a tag.
#[tokio::test]
async fn a_refusal_that_speaks_of_the_module_is_not_worked_around() {
    let mut world = World::with(config(&[("Leads", 1)]));
    let tags = world.zoho.tag("Leads", &["a", "b"], &[]);
    world.ask(&Ask::new("Leads", Task::DeleteTags, &tags));
    let middle = Middle::new(&world)
        .submits(|number| if number == 0 { Way::Refused(400, MODULE) } else { Way::Straight });
    world.run_on(middle, SystemClock, world.options()).await.unwrap();
    assert_eq!(world.states(), "failed 2");
}

/// The same relation from both sides is under way twice; the second call never arrives.
#[tokio::test]
async fn a_relation_seen_from_both_sides_is_one_thing() {
    let mut world = World::with(config(&[("Leads", 1), ("Campaigns", 1)]));
    let (lead, campaign) = (world.live("Leads")[0], world.live("Campaigns")[0]);
    world.zoho.link("Campaigns", campaign, "Leads", &[lead]);
    world.zoho.link("Leads", lead, "Campaigns", &[campaign]);
    world.ask(&Ask::unlink("Campaigns", campaign, "Leads", &[lead]));
    world.ask(&Ask::unlink("Leads", lead, "Campaigns", &[campaign]));
    let middle = Middle::new(&world)
        .submits(|number| if number == 0 { Way::Slow(500) } else { Way::Swallowed });
    let options = RunOptions { quarantine: Duration::from_secs(1), ..world.options() };
    world.run_on(middle, SystemClock, options).await.unwrap();
    assert_ne!(world.states(), "done 2", "one relation, one call that arrived");
}

/// The record carries another tag that differs in capitals only; the call took effect, its answer is lost.
#[tokio::test]
async fn another_spelling_that_was_there_beside_ours_is_not_a_rest_of_ours() {
    let mut world = World::with(config(&[("Leads", 1)]));
    let leads = world.live("Leads");
    world.zoho.tag("Leads", &["Prime", "PRIME"], &leads);
    world.ask(&Ask::untag("Leads", &["Prime"], &leads));
    let middle = Middle::new(&world)
        .submits(|number| if number == 0 { Way::AnswerLost } else { Way::Straight });
    world.run_on(middle, SystemClock, world.options()).await.unwrap();
    world.agrees();
    assert_eq!(world.writes(), 1, "what was done is sent again");
}

/// Every parent is gone.
#[tokio::test]
async fn refusals_in_a_row_park_an_unlink_over_many_parents_too() {
    let mut world = World::with(config(&[("Campaigns", 150), ("Leads", 1)]));
    let (campaigns, lead) = (world.live("Campaigns"), world.live("Leads")[0]);
    for campaign in &campaigns {
        world.zoho.delete_as_other_user(*campaign);
    }
    let items = campaigns.iter().map(|parent| (Some(*parent), lead)).collect();
    let task = Task::Unlink("Leads".parse().unwrap());
    world.ask(&Ask { items, ..Ask::new("Campaigns", task, &[]) });
    let options = RunOptions { max_failures: 20, ..world.options() };
    let summary = world.run(options).await.unwrap();
    assert_eq!(summary.parked.len(), 1);
    assert!(world.writes() < 40, "{}", world.writes());
}

/// Somebody else's job is under way at first; then our call is refused. Nothing is left to do.
#[tokio::test]
async fn a_run_ends_when_all_is_settled_after_somebody_else_s_job() {
    let mut world = World::with(config(&[("Leads", 1)]));
    let tags = world.zoho.tag("Leads", &["a"], &[]);
    world.ask(&Ask::new("Leads", Task::DeleteTags, &tags));
    let middle = Middle::new(&world).submits(|number| {
        if number == 0 { Way::Refused(400, BUSY) } else { Way::Refused(400, IN_USE) }
    });
    let options = world.options();
    let run = world.run_on(middle, SystemClock, options);
    let ended = tokio::time::timeout(Duration::from_secs(10), run).await.is_ok();
    assert_eq!(world.states(), "failed 1");
    assert!(ended, "all is settled, and the run goes on");
}

/// The same, and then our job is accepted and takes three seconds.
#[tokio::test]
async fn a_run_does_not_spin_while_its_job_goes_on_after_somebody_else_s() {
    let slow = Config { job_scheduled_ms: 3_000, ..config(&[("Leads", 1)]) };
    let mut world = World::with(slow);
    let tags = world.zoho.tag("Leads", &["a"], &[]);
    world.ask(&Ask::new("Leads", Task::DeleteTags, &tags));
    let middle = Middle::new(&world)
        .submits(|number| if number == 0 { Way::Refused(400, BUSY) } else { Way::Straight });
    let (options, sleeps) = (world.options(), Arc::new(AtomicUsize::new(0)));
    world.run_on(middle, Slowed(Arc::default(), Arc::clone(&sleeps)), options).await.unwrap();
    assert_eq!(world.states(), "done 1");
    let sleeps = sleeps.load(Ordering::SeqCst);
    assert!(sleeps < 20, "it woke up {sleeps} times");
}

/// Two tags that go alone were claimed before, and came back; a third one's call succeeds.
#[tokio::test]
async fn what_was_left_behind_a_culprit_is_found_again() {
    let mut world = World::with(config(&[("Leads", 1), ("Contacts", 1)]));
    world.zoho.tag("Leads", &["x"], &[]);
    let tags = world.zoho.tag("Contacts", &["a", "b", "c"], &[]);
    world.ask(&Ask::new("Leads", Task::DeleteTags, &tags));
    let throttled = r#"{"code":"TOO_MANY_REQUESTS","details":{},"message":"","status":"error"}"#;
    for _ in 0..3 {
        let middle = Middle::new(&world).submits(move |_| Way::Refused(429, throttled));
        let options = RunOptions { wait: Duration::ZERO, concurrency: 3, ..world.options() };
        world.run_on(middle, SystemClock, options).await.unwrap();
    }
    let middle = Middle::new(&world).submits(|_| Way::Refused(400, IN_USE));
    let options = RunOptions { concurrency: 1, ..world.options() };
    world.run_on(middle, SystemClock, options).await.unwrap();
    assert_eq!(world.states(), "failed 3");
}

/// The id that Zoho gives its job has a slash in it, and when it is asked for, Zoho knows no such job.
#[tokio::test]
async fn a_job_whose_id_cannot_be_asked_for_is_settled_by_reading() {
    let mut world = World::with(config(&[("Leads", 1)]));
    let tags = world.zoho.tag("Leads", &["a", "b"], &[]);
    world.ask(&Ask::new("Leads", Task::DeleteTags, &tags));
    let odd =
        r#"{"code":"SCHEDULED","details":{"job_id":"job/789"},"message":"","status":"success"}"#;
    let middle = Middle::new(&world).submits(move |_| Way::Answered(202, odd));
    let options = RunOptions { wait: Duration::from_secs(2), ..world.options() };
    world.run_on(middle, SystemClock, options).await.unwrap();
    world.sync().await;
    assert_eq!(world.states(), "done 2");
}

/// Zoho says that a job is scheduled, and names no id: nobody can ask how it goes.
#[tokio::test]
async fn a_job_without_a_readable_id_is_not_taken_for_a_refusal() {
    let slow = Config { job_scheduled_ms: 1_500, ..config(&[("Leads", 1)]) };
    let mut world = World::with(slow);
    let tags = world.zoho.tag("Leads", &["a", "b"], &[]);
    world.ask(&Ask::new("Leads", Task::DeleteTags, &tags));
    let scheduled = r#"{"code":"SCHEDULED","details":{},"message":"tags scheduled successfully","status":"success"}"#;
    let middle = Middle::new(&world).submits(move |_| Way::Answered(202, scheduled));
    let options = RunOptions { quarantine: Duration::from_secs(3), ..world.options() };
    world.run_on(middle, SystemClock, options).await.unwrap();
    world.zoho.finish_jobs();
    world.agrees();
}

/// The same records in two requests, one right after the other; the second one's call is lost before or after
/// Zoho read it, and changes nothing either way.
#[tokio::test]
async fn a_record_that_an_earlier_request_deleted_is_not_put_down_to_the_next_one() {
    for lost in [|| Way::Swallowed, || Way::AnswerLost] {
        let mut world = World::with(config(&[("Leads", 2)]));
        let leads = world.leads();
        let ask = Ask::new("Leads", Task::Delete, &leads);
        world.ask(&ask);
        world.sync().await;
        world.ask_again(&ask);
        let middle = Middle::new(&world).submits(move |_| lost());
        world.run_on(middle, SystemClock, world.options()).await.unwrap();
        assert_eq!(world.states(), "done 2, absent 2");
        world.agrees();
    }
}

/// The call never arrives; the records are deleted by another request of this journal.
#[tokio::test]
async fn a_relation_that_went_with_its_record_was_not_taken_out_by_us() {
    let mut world = World::with(config(&[("Leads", 3), ("Campaigns", 1)]));
    let leads = world.live("Leads");
    let campaign = world.live("Campaigns")[0];
    world.zoho.link("Campaigns", campaign, "Leads", &leads);
    world.ask(&Ask::unlink("Campaigns", campaign, "Leads", &leads));
    world.ask(&Ask::new("Leads", Task::Delete, &leads));
    let middle = Middle::new(&world)
        .submits(|number| if number == 0 { Way::Swallowed } else { Way::Straight });
    let options =
        RunOptions { concurrency: 1, quarantine: Duration::from_secs(1), ..world.options() };
    world.run_on(middle, SystemClock, options).await.unwrap();
    world.agrees();
}

/// The untag never arrives; the tag is deleted by another request of this journal.
#[tokio::test]
async fn a_tag_that_went_with_its_definition_was_not_removed_by_us() {
    let mut world = World::with(config(&[("Leads", 3)]));
    let leads = world.live("Leads");
    let tags = world.zoho.tag("Leads", &["Prime"], &leads);
    world.ask(&Ask::untag("Leads", &["Prime"], &leads));
    world.ask(&Ask::new("Leads", Task::DeleteTags, &tags));
    let middle = Middle::new(&world)
        .submits(|number| if number == 0 { Way::Swallowed } else { Way::Straight });
    let options =
        RunOptions { concurrency: 1, quarantine: Duration::from_secs(1), ..world.options() };
    world.run_on(middle, SystemClock, options).await.unwrap();
    world.agrees();
}

/// No fault at all: the untag is slow, and this journal's own deletion of the tag overtakes it.
#[tokio::test]
async fn a_tag_is_not_deleted_while_it_is_taken_off_records() {
    let mut world = World::with(config(&[("Leads", 3)]));
    let leads = world.live("Leads");
    let tags = world.zoho.tag("Leads", &["Prime"], &leads);
    world.ask(&Ask::untag("Leads", &["Prime"], &leads));
    world.ask(&Ask::new("Leads", Task::DeleteTags, &tags));
    let middle = Middle::new(&world)
        .submits(|number| if number == 0 { Way::Slow(1_000) } else { Way::Straight });
    let options = world.options();
    world.run_on(middle, SystemClock, options).await.unwrap();
    world.agrees();
}

/// The same with two tags of one record by two requests, and a deletion of the record behind them.
#[tokio::test]
async fn what_is_done_to_one_record_is_done_one_after_the_other() {
    let mut world = World::with(config(&[("Leads", 3)]));
    let leads = world.live("Leads");
    world.zoho.tag("Leads", &["a", "b"], &leads);
    world.ask(&Ask::untag("Leads", &["a"], &leads));
    world.ask(&Ask::untag("Leads", &["b"], &leads));
    world.ask(&Ask::new("Leads", Task::Delete, &leads));
    let middle = Middle::new(&world).submits(|number| match number {
        0 => Way::Swallowed,
        1 => Way::AnswerLost,
        _ => Way::Slow(200),
    });
    let options = RunOptions { quarantine: Duration::from_millis(500), ..world.options() };
    world.run_on(middle, SystemClock, options).await.unwrap();
    world.agrees();
    assert!(!world.states().contains("unknown"), "{}", world.states());
}

/// Refused as locked; somebody else removes the tag; unlocked; sent again with the snapshot of back then.
#[tokio::test]
async fn a_snapshot_from_before_a_refusal_proves_nothing_about_a_later_call() {
    let mut world = World::with(config(&[("Leads", 1)]));
    let leads = world.live("Leads");
    world.zoho.tag("Leads", &["Prime"], &leads);
    world.zoho.lock(leads[0]);
    world.ask(&Ask::untag("Leads", &["Prime"], &leads));
    world.sync().await;
    assert_eq!(world.states(), "failed 1");
    world.zoho.unlock(leads[0]);
    world.zoho.untag("Leads", &["Prime"], &leads);
    world.replay().await;
    world.agrees();
}

/// Fewer calls than a batch's reads: every run spends them and none gets on.
#[tokio::test]
async fn a_small_budget_gets_on_from_run_to_run() {
    let mut world = World::with(config(&[("Leads", 500)]));
    let leads = world.live("Leads");
    world.zoho.tag("Leads", &["Prime"], &leads);
    world.ask(&Ask::untag("Leads", &["Prime"], &leads));
    for _ in 0..5 {
        let options = RunOptions { max_calls: Some(7), ..world.options() };
        world.run(options).await.unwrap();
    }
    assert_ne!(world.states(), "pending 500");
}

/// One contact in many campaigns, calls of 40 ms: four at once must take about a quarter of the time.
#[tokio::test]
async fn one_record_of_many_parents_is_unlinked_by_several_calls_at_once() {
    let mut times = Vec::new();
    for several in [false, true] {
        let count = 60;
        let slow =
            Config { latency_ms: 40, ..config(&[("Campaigns", count), ("Contacts", count)]) };
        let mut world = World::with(slow);
        let (campaigns, contacts) = (world.live("Campaigns"), world.live("Contacts"));
        let pairs: Vec<(u64, u64)> = campaigns
            .iter()
            .zip(&contacts)
            .map(|(parent, contact)| (*parent, if several { *contact } else { contacts[0] }))
            .collect();
        for (parent, contact) in &pairs {
            world.zoho.link("Campaigns", *parent, "Contacts", &[*contact]);
        }
        let items = pairs.iter().map(|(parent, contact)| (Some(*parent), *contact)).collect();
        let task = Task::Unlink("Contacts".parse().unwrap());
        world.ask(&Ask { items, ..Ask::new("Campaigns", task, &[]) });
        let begun = std::time::Instant::now();
        world.sync().await;
        assert_eq!(world.states(), format!("done {count}"));
        times.push(begun.elapsed().as_millis());
    }
    assert!(times[0] < times[1] * 2, "{times:?} ms");
}
