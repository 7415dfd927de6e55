//! The engine against the simulator: what is asked for is done, once, and accounted for.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use zoho_journal::clock::{Clock, SystemClock};
use zoho_journal::domain::policy::ApprovalPolicy;
use zoho_journal::reconcile::options::{Limit, RunOptions, Stop};
use zoho_journal::simulator::{Config, Fault};

use crate::world::{World, for_each_fault};

#[tokio::test]
async fn what_was_recorded_is_deleted_and_every_answer_is_kept() {
    let mut world = World::new(250);
    let leads = world.leads();
    world.record("Leads", &leads[..230]);
    let summary = world.sync().await;
    assert_eq!(world.states(), "done 230");
    assert_eq!((summary.sent, summary.failed, summary.unfinished), (230, 0, 0));
    world.agrees();
    assert_eq!(world.writes(), 3);
    assert_eq!(world.zoho.snapshot().modules["Leads"].live.len(), 20);
}

/// Each fault once, in the first of two batches: nothing is done twice, nothing is lost.
#[test]
fn every_fault_ends_with_the_journal_telling_the_truth() {
    for_each_fault(meet);
}

async fn meet(fault: Fault) {
    let mut world =
        World::with(Config { delay_ms: 1, late_ms: 1, retry_after_s: 0, ..config(150) });
    let leads = world.leads();
    world.record("Leads", &leads);
    world.zoho.plan_faults(vec![fault]);
    let summary = world.sync().await;
    world.agrees();
    let states = world.states();
    assert!(
        states == "done 150" || (fault == Fault::Refuse && states == "done 149, failed 1"),
        "{fault}: {states}, {summary:?}"
    );
}

fn config(leads: usize) -> Config {
    Config { records: vec![("Leads".to_owned(), leads)], ..Config::default() }
}

#[tokio::test]
async fn a_lost_answer_is_settled_from_evidence_without_a_second_call() {
    let mut world = World::new(100);
    let leads = world.leads();
    world.record("Leads", &leads);
    world.zoho.plan_faults(vec![Fault::LoseAnswer]);
    world.sync().await;
    assert_eq!(world.states(), "done 100");
    world.agrees();
    assert_eq!(world.writes(), 1);
}

#[tokio::test]
async fn a_lost_request_is_sent_again_only_after_the_quarantine() {
    let mut world = World::new(10);
    let leads = world.leads();
    world.record("Leads", &leads);
    world.zoho.plan_faults(vec![Fault::LoseRequest]);
    let patient = Duration::from_mins(1);
    let options = RunOptions { quarantine: patient, wait: Duration::ZERO, ..world.options() };
    let summary = world.run(options).await.unwrap();
    assert_eq!(world.states(), "unknown 10");
    assert_eq!(summary.unfinished, 10);
    assert_eq!(world.writes(), 1);
    world.sync().await;
    assert_eq!(world.states(), "done 10");
    assert_eq!(world.writes(), 2);
    world.agrees();
}

#[tokio::test]
async fn what_was_gone_locked_or_never_there_is_told_apart() {
    // Zoho's clock; it is an hour earlier at first.
    let zoho = Arc::new(AtomicI64::new(-3_600_000));
    let ahead = Arc::clone(&zoho);
    let now = Arc::new(move || SystemClock.now().millis() + ahead.load(Ordering::SeqCst));
    let mut world = World::with(Config { now, ..config(10) });
    let leads = world.leads();
    world.zoho.lock(leads[0]);
    world.zoho.unapprove(leads[1]);
    world.zoho.unapprove(leads[2]);
    world.zoho.delete_as_other_user(leads[3]);
    world.zoho.delete_as_our_user(leads[4]);
    world.zoho.delete_as_other_user(leads[5]);
    world.zoho.purge(leads[5]);
    zoho.store(0, Ordering::SeqCst);
    let mut ids = leads.clone();
    ids.push(999_999_999_999_999_999);
    world.record("Leads", &ids);
    let summary = world.sync().await;
    // Locked, twice not approved, never there: refused. Gone before us, whoever did it: absent.
    assert_eq!(world.states(), "done 4, absent 3, failed 4");
    assert_eq!((summary.failed, summary.unfinished), (4, 0));
    world.agrees();
}

#[tokio::test]
async fn a_replay_takes_up_what_may_pass_now_and_nothing_else() {
    let mut world = World::new(4);
    let leads = world.leads();
    world.zoho.lock(leads[0]);
    world.record("Leads", &[leads[0], leads[1], 999_999_999_999_999_999]);
    world.sync().await;
    assert_eq!(world.states(), "done 1, failed 2");
    let before = world.writes();
    let summary = world.replay().await;
    assert_eq!(summary.reopened, 1);
    assert_eq!(world.states(), "done 1, failed 2");
    assert_eq!(world.writes(), before + 1);
    world.agrees();
}

#[tokio::test]
async fn without_permission_the_run_stops_and_entries_stay_pending() {
    for (fault, barred) in [
        (Fault::Scope, (false, 1)),
        (Fault::NoPermission, (false, 1)),
        (Fault::ExpiredToken, (true, 0)),
    ] {
        let mut world = World::new(300);
        let leads = world.leads();
        world.record("Leads", &leads);
        world.zoho.set_rate(fault, 1.0);
        let options = RunOptions { concurrency: 1, ..world.options() };
        let summary = world.run(options).await.unwrap();
        let stopped = matches!(summary.stop, Some(Stop::NotSignedIn { .. }));
        assert_eq!((stopped, summary.not_allowed.len()), barred, "{fault}: {summary:?}");
        assert_eq!(world.states(), "pending 300", "{fault}");
        world.agrees();
    }
}

#[tokio::test]
async fn a_run_that_may_not_even_read_the_org_stops_before_it_sends_anything() {
    for (fault, signed_in) in [(Fault::ReadScope, true), (Fault::ReadExpiredToken, false)] {
        let mut world = World::new(3);
        let leads = world.leads();
        world.record("Leads", &leads);
        world.zoho.plan_faults(vec![fault]);
        let summary = world.sync().await;
        let expected = match &summary.stop {
            Some(Stop::NotAllowed(_)) => signed_in,
            Some(Stop::NotSignedIn { .. }) => !signed_in,
            _ => false,
        };
        assert!(expected, "{fault}: {summary:?}");
        assert_eq!((world.states().as_str(), world.writes()), ("pending 3", 0), "{fault}");
        world.agrees();
    }
}

#[tokio::test]
async fn a_wrong_module_is_set_aside_before_everything_is_refused() {
    let mut world = World::new(1);
    let wrong: Vec<u64> = (0..1000).map(|number| 500_000_000_000_000_000 + number).collect();
    let request = world.record("Leads", &wrong);
    let options = RunOptions { concurrency: 1, ..world.options() };
    let summary = world.run(options).await.unwrap();
    assert_eq!(summary.parked, [request]);
    assert!(world.writes() <= 2, "{} calls", world.writes());
    world.agrees();
    let states = world.states();
    // A later run leaves it alone; naming it takes it up again.
    let before = world.writes();
    world.sync().await;
    assert_eq!((world.states(), world.writes()), (states, before));
    let options = RunOptions { wanted: Some(vec![request]), concurrency: 1, ..world.options() };
    world.run(options).await.unwrap();
    assert!(world.writes() > before);
}

#[tokio::test]
async fn a_hundred_records_that_are_gone_already_do_not_set_a_request_aside() {
    let mut world = World::new(150);
    let leads = world.leads();
    for id in &leads[..120] {
        world.zoho.delete_as_other_user(*id);
    }
    world.record("Leads", &leads);
    let options = RunOptions { concurrency: 1, ..world.options() };
    let summary = world.run(options).await.unwrap();
    assert_eq!(summary.parked, []);
    assert_eq!(world.states(), "done 30, absent 120");
    world.agrees();
}

#[tokio::test]
async fn budgets_stop_a_run_cleanly() {
    let mut world = World::new(500);
    let leads = world.leads();
    world.record("Leads", &leads);
    let options = RunOptions { max_calls: Some(5), concurrency: 1, ..world.options() };
    let summary = world.run(options).await.unwrap();
    // Org, user and module are three of the five.
    assert_eq!((summary.stop, summary.calls), (Some(Stop::Budget(Limit::Calls(5))), 5));
    assert_eq!(world.states(), "pending 300, done 200");
    assert_eq!(world.zoho.requests().len(), 5);
    world.agrees();
}

#[tokio::test]
async fn a_cap_refuses_before_anything_is_sent_or_written() {
    let mut world = World::new(20);
    let leads = world.leads();
    world.record("Leads", &leads);
    let events = world.reader().head().unwrap().size;
    let options = RunOptions { max_entries: 19, ..world.options() };
    assert!(world.run(options).await.is_err());
    assert_eq!(world.zoho.requests().len(), 0);
    assert_eq!(world.reader().head().unwrap().size, events);
}

#[tokio::test]
async fn the_same_record_is_under_way_only_once() {
    let mut world = World::new(10);
    let leads = world.leads();
    world.record("Leads", &leads);
    let again = world.try_record("Leads", &leads, false);
    assert_eq!((again.request, again.duplicates), (None, 10));
    world.try_record("Leads", &leads, true);
    world.sync().await;
    assert_eq!(world.states(), "done 10, absent 10");
    world.agrees();
}

#[tokio::test]
async fn requests_share_calls_and_each_entry_keeps_its_own_request() {
    let mut world = World::new(150);
    let leads = world.leads();
    world.record("Leads", &leads[..70]);
    world.record("Leads", &leads[70..140]);
    world.sync().await;
    assert_eq!(world.states(), "done 140");
    assert_eq!(world.writes(), 2);
    world.agrees();
}

#[tokio::test]
async fn a_module_without_a_bin_is_read_before_so_that_a_lost_answer_can_be_settled() {
    let mut world =
        World::with(Config { records: vec![("Logs__c".to_owned(), 5)], ..Config::default() });
    let ids: Vec<u64> = world.zoho.snapshot().modules["Logs__c"].live.clone();
    world.record("Logs__c", &ids);
    world.zoho.plan_faults(vec![Fault::LoseAnswer]);
    world.sync().await;
    assert_eq!(world.states(), "done 5");
    assert_eq!(world.writes(), 1);
    world.agrees();
}

#[tokio::test]
async fn when_no_read_can_tell_an_entry_stays_unknown() {
    let mut world = World::new(3);
    let leads = world.leads();
    world.record("Leads", &leads);
    world.zoho.plan_faults(vec![Fault::LoseRequest]);
    world.sync_until_unknown().await;
    // Changed after our call: that may be somebody's restore of what our call deleted.
    for id in &leads {
        world.zoho.touch(*id);
    }
    let summary = world.sync().await;
    assert_eq!(world.states(), "unknown 3");
    assert_eq!((summary.undecided, summary.unfinished), (3, 3));
    assert_eq!(world.writes(), 1);
}

/// Found by the thousand ids under faults: the list of deletions was read only since our own first call,
/// and so what had been erased long before looked as if Zoho had never known it.
#[tokio::test]
async fn what_was_erased_long_before_is_absent_also_after_calls_that_changed_nothing() {
    let hours = std::sync::Arc::new(std::sync::atomic::AtomicI64::new(-5));
    let (shift, real) = (std::sync::Arc::clone(&hours), Config::default().now);
    let clock = move || real() + shift.load(std::sync::atomic::Ordering::Relaxed) * 3_600_000;
    let mut world = World::with(Config { now: std::sync::Arc::new(clock), ..config(3) });
    let lead = world.leads()[0];
    world.zoho.delete_as_other_user(lead);
    world.zoho.purge(lead);
    hours.store(0, std::sync::atomic::Ordering::Relaxed);
    world.record("Leads", &[lead]);
    world.zoho.plan_faults(vec![Fault::InternalError]);
    world.sync().await;
    assert_eq!(world.states(), "absent 1");
    world.agrees();
    // The same when the run gave up before, and a replay takes it up.
    let other = world.leads()[0];
    hours.store(-5, std::sync::atomic::Ordering::Relaxed);
    world.zoho.delete_as_other_user(other);
    world.zoho.purge(other);
    hours.store(0, std::sync::atomic::Ordering::Relaxed);
    world.record("Leads", &[other]);
    world.zoho.plan_faults(vec![Fault::InternalError; 3]);
    world.sync().await;
    assert_eq!(world.states(), "absent 1, failed 1");
    world.replay().await;
    assert_eq!(world.states(), "absent 2");
    world.agrees();
}

#[tokio::test]
async fn what_is_recorded_while_a_run_goes_on_is_the_next_runs_business() {
    let mut world = World::new(300);
    let leads = world.leads();
    world.record("Leads", &leads[..100]);
    world.record_after_contact("Leads", &leads[100..]);
    let summary = world.sync().await;
    assert_eq!(world.states(), "pending 200, done 100");
    // It was neither counted nor confirmed, so it is nothing that this run left undone.
    assert_eq!((summary.sent, summary.unfinished), (100, 0));
    world.agrees();
    world.sync().await;
    assert_eq!(world.states(), "done 300");
    world.agrees();
}

#[tokio::test]
async fn a_stricter_policy_holds_back_what_met_a_looser_one() {
    let mut world = World::new(10);
    let leads = world.leads();
    world.record("Leads", &leads);
    let options = RunOptions { policy: ApprovalPolicy::From(10).into(), ..world.options() };
    let summary = world.run(options).await.unwrap();
    assert_eq!((world.states().as_str(), world.writes()), ("awaiting_approval 10", 0));
    assert_eq!((summary.awaiting_approval, summary.warnings.len()), (10, 1));
    // A looser policy later gives nobody's approval.
    let options = RunOptions { policy: ApprovalPolicy::From(11).into(), ..world.options() };
    let summary = world.run(options).await.unwrap();
    assert_eq!((world.states().as_str(), world.writes()), ("awaiting_approval 10", 0));
    assert_eq!((summary.awaiting_approval, summary.warnings.len()), (10, 0));
}

#[tokio::test]
async fn what_was_set_aside_is_left_undone_and_every_run_says_so() {
    let mut world = World::new(1);
    let wrong: Vec<u64> = (0..300).map(|number| 500_000_000_000_000_000 + number).collect();
    let request = world.record("Leads", &wrong);
    let options = RunOptions { concurrency: 1, ..world.options() };
    world.run(options).await.unwrap();
    let later = world.sync().await;
    assert_eq!(later.unfinished, 200);
    assert!(later.warnings.iter().any(|one| one.contains(&request.to_string())), "{later:?}");
}
