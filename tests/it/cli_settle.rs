//! `settle`: a person decides what no read could, through the binary.

use std::process::Child;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::Value;
use zoho_journal::clock::{Clock, SystemClock};
use zoho_journal::domain::id::EntryId;
use zoho_journal::domain::ranges::EntryRanges;
use zoho_journal::domain::state::Verdict;
use zoho_journal::domain::time::Timestamp;
use zoho_journal::evidence::verify::check_journal;
use zoho_journal::reconcile::options::RunOptions;
use zoho_journal::simulator::Fault;
use zoho_journal::store::query::SettledBy;
use zoho_journal::store::settling::NewDecision;

use crate::env::{Env, Ran, lines, whoami};
use crate::middle::{Middle, Way};
use crate::world::{Ask, World, config};

const UNDECIDED: [&str; 5] = ["list", "--state", "unknown", "--code", "UNDECIDED"];

/// Leads whose deletion got no answer and which were changed since: perhaps somebody restored them. E1 to E3
/// are UNDECIDED; no call of ours changed anything.
fn untouched() -> Env {
    let env = Env::new(4);
    let leads = env.leads();
    env.record(&leads[..3]);
    env.zoho.plan_faults(vec![Fault::LoseRequest]);
    env.journal(["sync", "--yes", "--wait", "0s", "--quarantine", "1h"]).exits(4);
    env.next_write();
    for id in &leads[..3] {
        env.zoho.touch(*id);
    }
    let ran = env.journal(["replay", "--yes"]).exits(4);
    assert!(ran.said().contains("3 entries UNDECIDED"), "{ran}");
    assert!(
        ran.said().contains("journal settle E… --state done|absent|failed --reason TEXT"),
        "{ran}"
    );
    assert_eq!(env.states(), "unknown 3");
    env
}

/// The answer to removing a tag got lost, and nobody read that it was there before: E1 and E2.
fn untagged() -> Env {
    let env = Env::new(3);
    let leads = env.leads();
    env.zoho.tag("Leads", &["Prime"], &leads[..2]);
    let args =
        ["untag", "Leads", "--tag", "Prime", "--no-snapshot", "--from", "-", "--reason", "x"];
    env.journal_reading(args, lines(&leads[..2])).exits(0);
    env.zoho.plan_faults(vec![Fault::LoseAnswer]);
    env.journal(["sync", "--yes"]).exits(4);
    assert_eq!(env.states(), "unknown 2");
    env
}

fn settle<'a>(entries: &'a str, state: &'a str) -> [&'a str; 7] {
    ["settle", entries, "--state", state, "--reason", "seen in the audit log.", "--json"]
}

/// Rows of the export by entry.
fn rows(env: &Env) -> Vec<Value> {
    env.journal(["export", "--format", "jsonl"]).exits(0).json_lines()
}

#[test]
fn a_decision_is_recorded_as_the_person_s_and_settles_for_good() {
    let env = untouched();
    let before = env.events();
    let settled = env
        .journal([
            "settle",
            "E1-E2",
            "--state",
            "failed",
            "--reason",
            "seen in the audit log.",
            "--ticket",
            "OPS-9",
            "--as",
            "Bert",
            "--json",
        ])
        .exits(0)
        .json();
    assert_eq!((&settled["settled"], &settled["entries"]), (&2.into(), &"E1-E2".into()));
    assert_eq!((&settled["state"], &settled["settled_by"]), (&"failed".into(), &"Bert".into()));
    assert_eq!(settled["dry_run"], false);
    // One is left.
    let next = settled["next"].as_str().unwrap();
    assert!(next.starts_with("journal list --state unknown --code UNDECIDED, then journal settle"));
    assert_eq!((env.states().as_str(), env.events()), ("failed 2, unknown 1", before + 1));
    env.journal(["verify"]).exits(0);

    let rows = rows(&env);
    let row = &rows[0];
    assert_eq!((&row["state"], &row["settled_by"]), (&"failed".into(), &"person".into()));
    assert_eq!((&row["code"], &row["undo"]), (&Value::Null, &"nothing_to_undo".into()));
    assert_eq!(row["message"], "decided by Bert: seen in the audit log (OPS-9)");
    assert_eq!(row["log_index"], before);
    assert!(row["settled_at"].is_string() && row["leaf_hash"].as_str().unwrap().len() == 64);
    let words = row["in_words"].as_str().unwrap();
    assert!(words.starts_with("Not done, tried on "), "{words}");
    assert!(words.contains("no read could tell, and Bert decided on "), "{words}");
    assert!(
        words.ends_with("that our calls changed nothing: seen in the audit log (OPS-9)."),
        "{words}"
    );
    assert_eq!((&rows[2]["state"], &rows[2]["settled_by"]), (&"unknown".into(), &Value::Null));

    // The same leaf in the view of events, and no person in the event.
    let event = env.journal(["log", "--kind", "entries_settled", "--json"]).exits(0).json();
    assert_eq!((&event["seq"], &event["leaf"]), (&row["log_index"], &row["leaf_hash"]));
    for typed in ["Bert", "audit", "OPS-9"] {
        assert!(!event["event"].to_string().contains(typed), "{event}");
    }
    let log = env.journal(["log", "--kind", "entries_settled"]).exits(0);
    let told = "E1-E2 settled as failed by Bert: seen in the audit log. (OPS-9)";
    assert!(log.stdout.contains(told), "{log}");
    let shown = env.journal(["show", "E1"]).exits(0);
    let recorded = format!(
        "settled as failed by Bert, recorded by {}: seen in the audit log. (OPS-9)",
        whoami(&env)
    );
    assert!(shown.stdout.contains(&recorded), "{shown}");
    let story = env.journal(["show", "E1", "--json"]).exits(0).json();
    assert_eq!(story["story"].as_array().unwrap().last().unwrap()["kind"], "entries_settled");

    // Never sent again, whatever replay is told; and the id can be asked for anew.
    let (sent, third) = (env.sent(), settle("E3", "failed"));
    env.journal(third).exits(0);
    env.journal(["replay", "--yes"]).exits(0);
    assert_eq!((env.states().as_str(), env.sent()), ("failed 3", sent));
    assert_eq!(env.record(&env.leads()[..1]), "R2");
    env.journal(["sync", "--yes"]).exits(0);
    assert_eq!(env.states(), "done 1, failed 3");
    env.agrees();
    env.journal(["verify"]).exits(0);
}

#[test]
fn what_is_done_by_a_person_s_word_can_be_brought_back_from_the_bin_for_sixty_days() {
    let env = untouched();
    env.journal(settle("E1", "done")).exits(0);
    env.journal(settle("E2", "absent")).exits(0);
    let rows = rows(&env);
    assert_eq!((&rows[0]["undo"], &rows[0]["settled_by"]), (&"possible".into(), &"person".into()));
    let sent: Timestamp = rows[0]["submitted_at"].as_str().unwrap().parse().unwrap();
    let until: Timestamp = rows[0]["undo_until"].as_str().unwrap().parse().unwrap();
    assert_eq!(until, sent.plus(Duration::from_hours(60 * 24)));
    let words = rows[0]["in_words"].as_str().unwrap();
    let who = whoami(&env);
    assert!(words.contains(&format!("no read could tell, and {who} decided on ")), "{words}");
    assert!(
        words.contains("that our call did it: seen in the audit log; it can be restored until ")
    );
    assert_eq!(
        (&rows[1]["undo"], &rows[1]["state"]),
        (&"nothing_to_undo".into(), &"absent".into())
    );
    let words = rows[1]["in_words"].as_str().unwrap();
    assert!(words.starts_with("Already gone: no read could tell, and "), "{words}");
    // The row as CSV: by whom and why, and no code.
    let csv = env.journal(["export", "--id", &env.leads()[0].to_string()]).exits(0);
    let mut read = csv::Reader::from_reader(csv.stdout.as_bytes());
    let header = read.headers().unwrap().clone();
    let record = read.records().next().unwrap().unwrap();
    let cell = |name: &str| record.get(header.iter().position(|one| one == name).unwrap()).unwrap();
    assert_eq!((cell("state"), cell("code"), cell("settled_by")), ("done", "", "person"));
    assert_eq!(cell("message"), format!("decided by {who}: seen in the audit log"));
    env.journal(["verify"]).exits(0);
}

#[test]
fn tags_that_nobody_saw_before_are_settled_by_a_person() {
    let env = untagged();
    env.journal(settle("E1-E2", "done")).exits(0);
    let rows = rows(&env);
    assert_eq!(
        (&rows[0]["undo"], &rows[0]["settled_by"]),
        (&"impossible".into(), &"person".into())
    );
    let words = rows[0]["in_words"].as_str().unwrap();
    assert!(words.starts_with("Tag \"Prime\" removed on "), "{words}");
    assert!(
        words.ends_with("it cannot be undone, since what was there before was not read."),
        "{words}"
    );
    let status = env.journal(["status", "--json"]).exits(0).json();
    assert_eq!((&status["undecided"], &status["entries"]["done"]), (&0.into(), &2.into()));
    env.agrees();
    env.journal(["verify"]).exits(0);
}

#[test]
fn anything_else_is_refused_as_a_whole() {
    let env = untouched();
    env.record(&env.leads()[3..]);
    let before = env.events();
    let refused = env.journal(settle("E1-E4", "done")).exits(7).error();
    let told =
        "nothing was settled: E4 is pending: it waits to be sent, so there is nothing to decide";
    assert_eq!(refused, told);
    let missing = env.journal(settle("E9", "done")).exits(1).error();
    assert_eq!(missing, "nothing was settled: E9 is not in this journal");
    for wrong in [
        &["settle", "E1", "--state", "done"][..],
        &["settle", "E1", "--reason", "x"],
        &["settle", "E1", "--state", "pending", "--reason", "x"],
        &["settle", "E1", "--state", "done", "--reason", ""],
        &["settle", "R1", "--state", "done", "--reason", "x"],
        &["settle", "--state", "done", "--reason", "x"],
    ] {
        env.journal(wrong.iter().copied()).exits(2);
    }
    let would =
        env.journal(settle("E1-E3", "done").into_iter().chain(["--dry-run"])).exits(0).json();
    assert_eq!((&would["settled"], &would["dry_run"]), (&3.into(), &true.into()));
    assert_eq!((env.states().as_str(), env.events()), ("pending 1, unknown 3", before));
    let listed = env.journal(UNDECIDED).exits(0);
    assert_eq!(listed.stdout.lines().count(), 4, "{listed}");
    env.journal(["verify"]).exits(0);
}

#[test]
fn of_several_people_who_decide_at_once_one_has_decided() {
    let env = untouched();
    let before = env.events();
    let start = |state| env.start(settle("E1-E3", state));
    let all: Vec<Child> = ["done", "absent", "failed", "done"].map(start).into();
    let ended: Vec<Ran> = all.into_iter().map(Ran::of_child).collect();
    let mut codes: Vec<_> = ended.iter().map(|ran| ran.code.unwrap()).collect();
    codes.sort_unstable();
    assert_eq!(codes, [0, 7, 7, 7]);
    let winner = ended.iter().find(|ran| ran.code == Some(0)).unwrap().json();
    assert_eq!(env.states(), format!("{} 3", winner["state"].as_str().unwrap()));
    for ran in ended.iter().filter(|ran| ran.code == Some(7)) {
        assert!(ran.error().contains("a person settled it at "), "{ran}");
    }
    assert_eq!(env.events(), before + 1);
    env.journal(["verify"]).exits(0);
}

#[test]
fn while_a_run_is_on_a_person_can_decide() {
    let env = untouched();
    let leads = env.leads();
    env.record(&leads[3..]);
    // The call is held back: the run is on for as long as we like.
    env.zoho.plan_faults(vec![Fault::NeverAnswers]);
    let mut run = env.start(["sync", "--yes", "--timeout", "10m", "--json"]);
    env.next_write();
    env.journal(settle("E1-E3", "failed")).exits(0);
    let refused = env.journal(settle("E4", "failed")).exits(7).error();
    assert!(refused.contains("E4 is in_flight: its call is not over"), "{refused}");
    run.kill().unwrap();
    run.wait().unwrap();
    // It was changed when it was made, within the very second of the call: what became of it may stay open.
    env.journal(["replay", "--yes"]);
    assert!(env.states().starts_with("failed 3, ") || env.states().ends_with(", failed 3"));
    env.agrees();
    env.journal(["verify"]).exits(0);
}

/// The run reads both entries, and before it records what it saw a person has settled one of them.
#[tokio::test]
async fn a_run_that_reads_leaves_what_a_person_settled_meanwhile_and_goes_on() {
    let mut world = World::with(config(&[("Campaigns", 1), ("Leads", 2)]));
    let (campaign, leads) = (world.live("Campaigns")[0], world.live("Leads"));
    world.zoho.link("Campaigns", campaign, "Leads", &leads);
    let unlink =
        |lead: &[u64]| Ask { snapshot: false, ..Ask::unlink("Campaigns", campaign, "Leads", lead) };
    world.ask(&unlink(&leads[..1]));
    let middle = Middle::new(&world).submits(|_| Way::AnswerLost);
    let options = world.options();
    world.run_on(middle, SystemClock, options.clone()).await.unwrap();
    // No read can decide the first. The second's call never arrives: read later, it is sent once more.
    world.ask(&unlink(&leads[1..]));
    let middle = Middle::new(&world).submits(|_| Way::Swallowed);
    let patient = Duration::from_mins(1);
    let impatient = RunOptions { quarantine: patient, wait: Duration::ZERO, ..options };
    world.run_on(middle, SystemClock, impatient).await.unwrap();
    assert_eq!((world.states().as_str(), world.undecided()), ("unknown 2", 1));
    let mut middle = Middle::new(&world);
    let store = Mutex::new(world.store());
    middle.lists = Box::new(move |_, _| {
        let entries = EntryRanges::span(EntryId::new(1), EntryId::new(1));
        let decision = NewDecision {
            entries: &entries,
            verdict: Verdict::Done,
            settled_by: "Bert",
            recorded_by: "bert",
            reason: "Zoho's timeline shows it",
            ticket: None,
            program: "test/1",
        };
        let mut store = store.lock().unwrap();
        // Once only: later reads find it settled.
        drop(store.write("settling", SystemClock.now(), |tx| tx.settle(&decision)).unwrap());
    });
    let options = world.options();
    let summary = world.run_on(middle, SystemClock, options).await.unwrap();
    assert_eq!((world.states().as_str(), summary.sent, summary.stop), ("done 2", 1, None));
    let settled_by =
        |entry| world.reader().entry(EntryId::new(entry)).unwrap().settled().unwrap().by;
    assert_eq!((settled_by(1), settled_by(2)), (SettledBy::Person, SettledBy::Answer));
    check_journal(&world.reader()).unwrap();
}

/// Killed at each of many moments: all of it or nothing, and the next one goes on.
#[test]
fn a_decision_that_is_killed_is_recorded_whole_or_not_at_all() {
    let (mut before, mut after) = (0, 0);
    let env = untouched();
    let mut events = env.events();
    for moment in 0..40 {
        let mut run = env.start(settle("E1-E3", "failed"));
        let wal = env.db().with_extension("db-wal");
        let reached = || moment % 2 == 0 || wal.metadata().is_ok_and(|file| file.len() > 0);
        while !reached() && run.try_wait().unwrap().is_none() {
            std::hint::spin_loop();
        }
        for _ in 0..moment * 50 {
            std::thread::yield_now();
        }
        run.kill().unwrap();
        run.wait().unwrap();
        let settled = env.states() == "failed 3";
        assert!(settled || env.states() == "unknown 3", "moment {moment}: {}", env.states());
        assert_eq!(env.events(), events + i64::from(settled), "moment {moment}");
        env.journal(["verify"]).exits(0);
        if settled {
            after += 1;
            break;
        }
        before += 1;
        events = env.events();
    }
    if after == 0 {
        env.journal(settle("E1-E3", "failed")).exits(0);
    }
    env.journal(settle("E1", "failed")).exits(7);
    assert_eq!(env.states(), "failed 3");
    env.journal(["verify"]).exits(0);
    assert!(before + after > 0);
}

/// Entries that wait for what no read can decide say so everywhere, with the very command that ends it.
#[test]
fn what_waits_for_an_undecided_entry_names_it_and_the_command_that_ends_it() {
    let env = untouched();
    let leads = env.leads();
    let again = |ids: &[u64]| {
        let args = ["delete", "Leads", "--from", "-", "--reason", "again", "--again"];
        env.journal_reading(args, lines(ids)).exits(0);
    };
    again(&leads[..2]);
    let settle = |entries: &str| {
        format!("journal settle {entries} --state done|absent|failed --reason TEXT")
    };
    let waits = |entry: &str, by: &str| {
        format!("{entry} waits for {by}, which no read can decide: {}", settle(by))
    };
    let first = waits("E4", "E1");

    // Before a run, and after one that comes no further.
    let plan = env.journal(["plan"]).exits(0);
    assert!(plan.stdout.contains(&first), "{plan}");
    let planned = env.journal(["plan", "--json"]).exits(0).json();
    assert_eq!(
        (&planned["blocked"], &planned["waits_for"][1]["waits_for"]),
        (&2.into(), &"E2".into())
    );
    let ran = env.journal(["sync", "--yes"]).exits(4);
    assert!(ran.said().contains(&first) && ran.said().contains(&waits("E5", "E2")), "{ran}");
    let next = format!("Next: {}, then journal sync --yes", settle("E1 E2"));
    assert!(ran.said().contains(&next), "{ran}");
    // Also where the request that holds it up is another one than the named.
    let ran = env.journal(["replay", "R2", "--yes", "--json"]).exits(4);
    let lines = ran.json_lines();
    let summary = lines.last().unwrap();
    assert_eq!((&summary["unfinished"], &summary["undecided"]), (&2.into(), &0.into()));
    assert_eq!(summary["blocked"], 2);
    assert_eq!(
        summary["waits_for"][0],
        serde_json::json!({
            "entry_id": "E4", "waits_for": "E1", "state": "unknown", "undecided": true,
            "next": settle("E1"),
        })
    );
    assert_eq!(summary["next"], format!("{}, then journal sync R2 --yes", settle("E1 E2")));
    assert_eq!(env.states(), "pending 2, unknown 3");

    let status = env.journal(["status"]).exits(0);
    assert!(status.stdout.contains(&format!("waiting   {first}")), "{status}");
    let status = env.journal(["status", "--json"]).exits(0).json();
    assert_eq!(
        (&status["blocked"], &status["waits_for"][0]["entry_id"]),
        (&2.into(), &"E4".into())
    );
    assert!(status["next"].as_str().unwrap().contains("list --state unknown --code UNDECIDED"));
    let shown = env.journal(["show", "E4"]).exits(0);
    assert!(
        shown.stdout.contains(&format!("E1, which no read can decide: {}", settle("E1"))),
        "{shown}"
    );
    assert_eq!(
        env.journal(["show", "E4", "--json"]).exits(0).json()["waits_for"]["waits_for"],
        "E1"
    );
    assert!(env.journal(["show", "E1", "--json"]).exits(0).json()["waits_for"].is_null());

    // What can be sent is sent first, and once a person has decided the rest follows.
    again(&leads[3..]);
    assert!(env.journal(["status"]).exits(0).stdout.contains("journal sync"));
    env.journal(["sync", "--yes"]).exits(4);
    assert_eq!(env.states(), "done 1, pending 2, unknown 3");
    env.journal(["settle", "E1", "E2", "--state", "failed", "--reason", "still there"]).exits(0);
    env.journal(["sync", "R2", "--yes"]).exits(0);
    assert_eq!(env.states(), "done 3, failed 2, unknown 1");
    env.journal(["verify"]).exits(0);
}

/// A call that may still take effect is read by its own request's run.
#[test]
fn what_waits_for_an_unknown_entry_of_another_request_says_which_run_finds_out() {
    let env = Env::new(2);
    let leads = env.leads();
    env.record(&leads[..1]);
    env.zoho.plan_faults(vec![Fault::LoseRequest]);
    env.journal(["sync", "--yes", "--wait", "0s", "--quarantine", "1h"]).exits(4);
    let args = ["delete", "Leads", "--from", "-", "--reason", "again", "--again"];
    env.journal_reading(args, lines(&leads[..1])).exits(0);
    let ran = env.journal(["sync", "R2", "--yes", "--wait", "0s"]).exits(4);
    let told = "E2 waits for E1, whose call may have been carried out: journal replay R1";
    assert!(ran.said().contains(told), "{ran}");
    assert!(ran.said().contains("Next: journal replay R2 R1 --yes"), "{ran}");
    let row = env.journal(["status", "--json"]).exits(0).json()["waits_for"][0].clone();
    assert_eq!((&row["undecided"], &row["next"]), (&false.into(), &"journal replay R1".into()));
    env.journal(["replay", "R2", "R1", "--yes", "--quarantine", "1ms"]).exits(0);
    assert_eq!(env.states(), "absent 1, done 1");
    env.journal(["verify"]).exits(0);
}
