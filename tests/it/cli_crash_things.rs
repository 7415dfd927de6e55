//! Kill, while tags are removed, relations taken apart and tags deleted: a replay finds out what happened.

use zoho_journal::clock::{Clock, SystemClock};
use zoho_journal::simulator::{Config, Fault, RequestSeen};

use crate::cli_crash::wait_for;
use crate::cli_jobs::{Slow, record, record_tags, with};
use crate::env::{Env, PATIENCE};
use crate::world::Ask;

/// Under which fault a run is killed, whether its call did what it asks for, and what the journal knows then. A
/// lost answer may be recorded, and settled by what is read at once, before the kill comes.
const KILLS: [(Fault, bool, &[&str]); 4] = [
    (Fault::Delay, true, &["in_flight"]),
    (Fault::NeverAnswers, false, &["in_flight"]),
    (Fault::LoseAnswer, true, &["in_flight", "unknown", "done"]),
    (Fault::LoseRequest, false, &["unknown"]),
];

/// A Zoho of some leads and campaigns, which holds an answer back for longer than any test takes.
fn zoho(version: &str) -> Env {
    let delayed = Config { delay_ms: 600_000, ..with(&[("Leads", 4), ("Campaigns", 1)]) };
    let mut env = Env::with(delayed);
    env.set("JOURNAL_API_VERSION", version);
    env
}

/// Waits until the first write call has done something.
fn wait_for_effect(env: &Env) {
    let began = SystemClock.elapsed();
    while env.zoho.requests().iter().all(|call| call.applied == 0) {
        assert!(SystemClock.elapsed() < began + PATIENCE, "the call did nothing");
        std::thread::yield_now();
    }
}

/// Kills a run at its first write call, at each of [`KILLS`], and replays. `prepare` records what is asked for;
/// in the end all of it is done, but for what was never there.
fn killed_and_replayed(version: &str, prepare: fn(&Env), states: &str) {
    for (fault, acted, known) in KILLS {
        let mut env = zoho(version);
        prepare(&env);
        env.zoho.plan_faults(vec![fault]);
        env.set("JOURNAL_QUARANTINE", "1h");
        let args = ["sync", "--yes", "--concurrency", "1", "--timeout", "10m", "--wait", "2h"];
        let mut run = env.start(args);
        let first = env.next_write();
        if acted {
            wait_for_effect(&env);
        } else if fault == Fault::LoseRequest {
            wait_for(&mut run, "waiting");
        }
        run.kill().unwrap();
        let ended = run.wait().unwrap().code();
        assert!(ended.is_none() || fault == Fault::LoseAnswer, "{fault}: {ended:?}");
        let left = env.states();
        assert!(known.iter().any(|state| left.contains(state)), "{fault}: {left}");
        env.agrees();
        env.set("JOURNAL_QUARANTINE", "200ms");
        let ran = env.journal(["replay", "--yes"]).exits(0);
        let told = ran.stderr.contains("earlier run ended");
        assert_eq!(told, left.contains("in_flight"), "{fault}: {ran}");
        assert_eq!(env.states(), states, "{fault}, left as {left}: {ran}");
        // What was done is not sent again, and what was not done is.
        let same = |call: &RequestSeen| call.ids == first.ids;
        let again = env.zoho.requests().into_iter().filter(same).count();
        assert_eq!(again, 1 + usize::from(!acted), "{fault}");
        env.agrees();
        env.journal(["verify"]).exits(0);
    }
}

#[test]
fn an_untag_that_was_killed_is_settled_by_a_replay() {
    let prepare = |env: &Env| {
        let leads = env.leads();
        env.zoho.tag("Leads", &["Prime", "Hot"], &leads[..3]);
        record(env, &Ask::untag("Leads", &["Prime", "Hot"], &leads));
    };
    // One record never carried the tags.
    killed_and_replayed("v8", prepare, "absent 1, done 3");
}

#[test]
fn an_unlink_that_was_killed_is_settled_by_a_replay() {
    let prepare = |env: &Env| {
        let (leads, campaign) = (env.leads(), env.zoho.snapshot().modules["Campaigns"].live[0]);
        env.zoho.link("Campaigns", campaign, "Leads", &leads[..3]);
        record(env, &Ask::unlink("Campaigns", campaign, "Leads", &leads));
    };
    // One record never stood in the list.
    killed_and_replayed("v8", prepare, "absent 1, done 3");
}

#[test]
fn a_job_whose_submission_was_killed_is_settled_by_a_replay() {
    let prepare = |env: &Env| drop(record_tags(env, &["Prime", "Hot", "Cold"]));
    killed_and_replayed("v8", prepare, "done 3");
}

#[test]
fn the_deletion_of_one_tag_that_was_killed_is_settled_by_a_replay() {
    let prepare = |env: &Env| drop(record_tags(env, &["Prime", "Hot", "Cold"]));
    killed_and_replayed("v6", prepare, "done 3");
}

#[test]
fn a_run_that_was_killed_with_a_job_open_leaves_the_job_to_the_next_one() {
    let slow = Slow::new();
    let env = &slow.env;
    record_tags(env, &["Prime", "Hot"]);
    let mut run = env.start(["sync", "--yes", "--wait", "2h"]);
    wait_for(&mut run, "waiting");
    run.kill().unwrap();
    assert_eq!(run.wait().unwrap().code(), None);
    assert_eq!(env.states(), "queued 2");
    let job = env.zoho.snapshot().jobs[0].id.to_string();
    let jobs = env.journal(["jobs", "--json"]).exits(0).json();
    assert_eq!(jobs["jobs"][0]["job_id"], job);
    // Zoho is not done with it yet, and nobody asks it twice.
    env.journal(["replay", "--yes", "--wait", "0s"]).exits(4);
    assert_eq!((env.states().as_str(), env.sent()), ("queued 2", 1));
    slow.let_jobs_end();
    let ran = env.journal(["replay", "--yes"]).exits(0);
    assert!(ran.said().contains(&format!("Zoho's job {job} completed: 2 of 2 deleted")), "{ran}");
    assert_eq!((env.states().as_str(), env.sent()), ("done 2", 1));
    env.agrees();
}
