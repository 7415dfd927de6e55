//! `forget`: personal data of settled entries leaves the journal, through the binary.

use rusqlite::Connection;
use serde_json::Value;
use zoho_journal::clock::{Clock, SystemClock};
use zoho_journal::domain::entropy::SystemEntropy;
use zoho_journal::evidence::keeper::{Keeper, Operator, lock_path};
use zoho_journal::platform::{Holder, OsLock, Sharing};
use zoho_journal::simulator::Fault;
use zoho_journal::store::forgetting::NewErasure;

use crate::env::{Env, Ran, lines};

/// R1: E1 to E3 deleted, of five leads, asked for with a reason that stands nowhere else.
fn deleted() -> Env {
    let env = Env::new(5);
    let args = ["delete", "Leads", "--from", "-", "--reason", REASON, "--requested-by", WHO];
    env.journal_reading(args, lines(&env.leads()[..3])).exits(0);
    env.journal(["sync", "--yes"]).exits(0);
    assert_eq!(states(&env), "done 3");
    env
}

const REASON: &str = "wish-of-the-person-4711";
const WHO: &str = "Quentin Quaestor";

fn states(env: &Env) -> String {
    let sql = "SELECT group_concat(w.name || ' ' || n, ', ') FROM
                   (SELECT state, count(*) AS n FROM entry GROUP BY state) e
               JOIN word w ON w.kind = 'state' AND w.number = e.state";
    env.sqlite().query_row(sql, [], |row| row.get(0)).unwrap()
}

fn forget<'a>(what: &[&'a str]) -> Vec<&'a str> {
    let flags = ["--even-restorable", "--reason", "time is up", "--yes"];
    ["forget"].iter().chain(what).chain(&flags).copied().collect()
}

/// Where in the journal's files any of these stands, if anywhere: as text, and ids also as SQLite stores them.
fn found_in_files(env: &Env, texts: &[&str]) -> Option<String> {
    for suffix in ["", "-wal", "-shm"] {
        let path = format!("{}{suffix}", env.db().display());
        let bytes = std::fs::read(&path).unwrap_or_default();
        for text in texts {
            let number = text.parse::<i64>().map(|id| id.to_be_bytes().to_vec());
            for wanted in [Some(text.as_bytes().to_vec()), number.ok()].into_iter().flatten() {
                if bytes.windows(wanted.len()).any(|window| window == wanted) {
                    return Some(format!("{text} in {path}"));
                }
            }
        }
    }
    None
}

#[track_caller]
fn verifies(env: &Env) {
    let ran = env.journal(["verify", "--json"]).exits(0);
    assert_eq!(ran.json()["ok"], true, "{ran}");
}

fn rows(env: &Env) -> Vec<Value> {
    env.journal(["export", "--format", "jsonl"]).exits(0).json_lines()
}

#[test]
fn a_record_is_forgotten_and_no_byte_of_it_stays() {
    let env = deleted();
    let leads = env.zoho.snapshot().modules["Leads"].binned.clone();
    let ids: Vec<String> = leads.iter().map(ToString::to_string).collect();
    let first = env.sqlite().query_row("SELECT target FROM entry WHERE id = 1", [], |row| {
        row.get::<_, i64>(0).map(|id| id.to_string())
    });
    let first = first.unwrap();
    assert!(ids.contains(&first));
    assert!(found_in_files(&env, &[&first]).is_some());
    let before = env.events();
    let dry = env.journal(["forget", &first, "--even-restorable", "--dry-run", "--json"]).exits(0);
    let dry = dry.json();
    assert_eq!((&dry["forgotten"], &dry["entries"]), (&1.into(), &"E1".into()));
    assert_eq!((&dry["dry_run"], &dry["swept"]), (&true.into(), &Value::Null));
    assert_eq!(env.events(), before);
    let ran = env.journal(forget(&[&first, "--ticket", "DSR-7", "--json"])).exits(0);
    let told = ran.json();
    assert_eq!((&told["forgotten"], &told["swept"]), (&1.into(), &true.into()), "{ran}");
    assert_eq!((&told["requests"], &told["left"]), (&Value::Array(vec![]), &Value::Null));
    assert_eq!((env.events(), states(&env).as_str()), (before + 1, "done 3"));
    assert_eq!(found_in_files(&env, &[&first]), None);
    verifies(&env);

    // The others are as they were, and the request still says why.
    let rows = rows(&env);
    assert_eq!((&rows[0]["target_id"], &rows[0]["state"]), (&Value::Null, &"done".into()));
    assert_eq!((&rows[0]["undo"], &rows[0]["message"]), (&"impossible".into(), &Value::Null));
    assert_eq!(rows[0]["reason"], REASON);
    assert!(rows[1]["target_id"].is_string() && rows[1]["message"] == "record deleted");
    let shown = env.journal(["show", "E1"]).exits(0);
    assert!(shown.stdout.contains("(erased)") && !shown.stdout.contains(&first), "{shown}");
    // Its own bytes of the answer, which the answer of the whole call shows beside the others' own.
    assert!(!shown.stdout.contains("**"), "{shown}");
    assert_eq!(
        env.journal(["show", "E1", "--json"]).exits(0).json()["story"][2]["answer"],
        Value::Null
    );
    let shown = env.journal(["show", "B1"]).exits(0).stdout;
    assert!(!shown.contains("**") && shown.matches("\"(erased)\"").count() == 1, "{shown}");
    assert_eq!(shown.matches("record deleted").count(), 2, "{shown}");
    env.journal(["show", "R1"]).exits(0);
    let log = env.journal(["log", "--kind", "forgotten"]).exits(0);
    assert!(log.stdout.contains("E1 forgotten by ") && log.stdout.contains("time is up (DSR-7)"));
    let event = env.journal(["log", "--kind", "forgotten", "--json"]).exits(0).stdout;
    assert!(!event.contains("time is up") && !event.contains("DSR-7"), "{event}");
    let again = env.journal(forget(&[&first])).exits(1);
    assert!(again.stderr.contains("nothing in this journal is about what was named"), "{again}");
    env.journal(["undo", "E1", "--reason", "x"]).exits(3);
    env.journal(["sync", "--yes"]).exits(0);

    // All of it: what was typed goes, too.
    let ran = env.journal(forget(&["R1"])).exits(0);
    assert!(
        ran.stdout.contains("all of R1 and with it who asked, why, ticket and source"),
        "{ran}"
    );
    let ids: Vec<&str> = ids.iter().map(String::as_str).chain([REASON, WHO]).collect();
    assert_eq!(found_in_files(&env, &ids), None);
    verifies(&env);
    for command in ["list", "status", "plan", "jobs", "doctor", "log"] {
        env.journal([command]).exits(0);
    }
    for view in ["entries", "attempts", "batches", "requests", "rejected", "events"] {
        env.journal(["export", "--view", view]).exits(0);
    }
    let told = env.journal(forget(&["R1", "--json"])).exits(0).json();
    assert_eq!((&told["forgotten"], &told["before"]), (&0.into(), &3.into()));
    // The same record can be asked for again.
    env.journal(["delete", "Leads", &first, "--reason", "again"]).exits(0);
    env.journal(["sync", "--yes"]);
    verifies(&env);
}

#[track_caller]
fn refused(ran: Ran, why: &str) {
    let ran = ran.exits(7);
    assert!(ran.stderr.contains(why) && ran.stderr.contains("nothing was forgotten"), "{ran}");
}

#[test]
fn what_is_still_needed_is_named_and_nothing_is_forgotten() {
    let env = deleted();
    let leads = env.leads();
    let before = env.events();
    let plain = ["forget", "R1", "--reason", "x", "--yes"];
    refused(env.journal(plain), "E1 can still be brought back; E2 can still be brought back");
    let asked = env.journal(["forget", "E1", "--even-restorable", "--reason", "x"]).exits(8);
    assert!(asked.stderr.contains("confirmation is missing; nothing was forgotten"), "{asked}");
    assert_eq!(env.events(), before);
    env.journal(["forget", "E1"]).exits(2);
    env.journal(["forget", "E1", "--reason", " "]).exits(2);
    env.journal(forget(&["E99"])).exits(1);
    // Pending.
    env.record(&leads[..1]);
    refused(env.journal(forget(&["E1", "E4"])), "E4 is pending, and not settled");
    // Unknown.
    env.zoho.plan_faults(vec![Fault::LoseRequest]);
    env.journal(["sync", "--yes", "--wait", "0s", "--quarantine", "1h"]).exits(4);
    refused(env.journal(forget(&["R1", "R2"])), "E4 is unknown, and not settled");
    // Being brought back.
    env.journal(["undo", "E2", "--reason", "x"]).exits(0);
    refused(env.journal(forget(&["E2"])), "E2 is being brought back by E5");
    assert_eq!(env.sqlite().query_row("SELECT count(*) FROM erasure", [], |row| row.get(0)), Ok(0));
    verifies(&env);
}

#[test]
fn what_brought_something_back_goes_with_it_or_after_it() {
    let env = deleted();
    env.journal(["undo", "E2", "--reason", "x"]).exits(0);
    env.journal(["sync", "--yes"]).exits(0);
    assert_eq!(states(&env), "done 4");
    refused(env.journal(forget(&["R2"])), "E4 brought E2 back, which would seem gone without it");
    assert_eq!(rows(&env)[1]["undo"], "undone");
    // What was brought back needs no undo, so that nothing has to be overridden.
    env.journal(["forget", "E2", "--reason", "x", "--yes"]).exits(0);
    verifies(&env);
    env.journal(forget(&["R2", "E3"])).exits(0);
    verifies(&env);
}

#[test]
fn a_reader_keeps_the_bytes_and_the_next_writer_removes_them() {
    let env = deleted();
    let reader = env.sqlite();
    reader.execute_batch("BEGIN; SELECT count(*) FROM entry;").unwrap();
    let ran = env.journal(forget(&["R1"])).exits(4);
    assert!(ran.stderr.contains("another command reads or writes the journal"), "{ran}");
    assert!(ran.stderr.contains("journal forget --finish"), "{ran}");
    // The rows are blank already, and everything verifies.
    verifies(&env);
    let status = env.journal(["status", "--json"]).exits(0).json();
    assert_eq!(status["unswept"], true);
    let doctor = env.journal(["doctor"]);
    assert!(doctor.stdout.contains("journal forget --finish"), "{doctor}");
    let finish = env.journal(["forget", "--finish"]).exits(4);
    assert!(finish.stdout.contains("Not yet"), "{finish}");
    env.journal(forget(&["R1"])).exits(4);
    drop(reader);
    env.record(&env.leads()[..1]);
    assert_eq!(env.journal(["status", "--json"]).exits(0).json()["unswept"], false);
    assert_eq!(found_in_files(&env, &[REASON, WHO]), None);
    let finish = env.journal(["forget", "--finish"]).exits(0);
    assert!(finish.stdout.contains("Nothing is left to remove."), "{finish}");
    verifies(&env);
}

#[test]
fn a_run_is_not_disturbed() {
    let env = deleted();
    let held = Holder::this_process("sync", SystemClock.now());
    let lock = OsLock::try_acquire(&lock_path(&env.db()), Sharing::OwnerOnly, &held).unwrap();
    assert!(lock.is_some());
    let ran = env.journal(forget(&["R1"])).exits(4);
    assert!(ran.stderr.contains("sync is on, process "), "{ran}");
    drop(lock);
    let finish = env.journal(["forget", "--finish", "--json"]).exits(0).json();
    assert_eq!(finish["swept"], true);
    assert_eq!(found_in_files(&env, &[REASON, WHO]), None);
    verifies(&env);
}

#[test]
fn a_process_that_dies_after_the_commit_leaves_the_rest_to_the_next_run() {
    let env = deleted();
    let by = Operator { account: "a test", program: "test/1" };
    let now = SystemClock.now();
    let mut keeper = Keeper::open(&env.db(), Box::new(SystemEntropy), by, now).unwrap();
    let entries = "1-3".parse().unwrap();
    let new = NewErasure {
        entries: &entries,
        even_restorable: true,
        forgotten_by: "x",
        recorded_by: "x",
        reason: "x",
        ticket: None,
        program: "test/1",
    };
    keeper.write("a test", now, |tx| tx.forget(&new, None)).unwrap().unwrap();
    drop(keeper);
    assert_eq!(env.journal(["status", "--json"]).exits(0).json()["unswept"], true);
    env.journal(["sync", "--yes"]).exits(0);
    assert_eq!(found_in_files(&env, &[REASON, WHO]), None);
    verifies(&env);
}

/// Killed at each of many moments: nothing was forgotten, or all of it, and the next command sees to the bytes.
#[test]
fn an_erasure_that_is_killed_is_made_whole_by_the_next_command() {
    let (mut before, mut after) = (0, 0);
    for moment in 0..18 {
        let env = deleted();
        let erasures = || -> i64 {
            let sql = "SELECT count(*) FROM erasure";
            env.sqlite().query_row(sql, [], |row| row.get(0)).unwrap_or(0)
        };
        let wal = std::path::PathBuf::from(format!("{}-wal", env.db().display()));
        let mut run = env.start(forget(&["R1"]));
        let reached = || match moment % 3 {
            0 => true,
            1 => std::fs::metadata(&wal).is_ok_and(|file| file.len() > 0),
            _ => erasures() > 0,
        };
        while !reached() && run.try_wait().unwrap().is_none() {
            std::hint::spin_loop();
        }
        for _ in 0..moment * 30 {
            std::thread::yield_now();
        }
        run.kill().unwrap();
        run.wait().unwrap();
        verifies(&env);
        if erasures() == 0 {
            before += 1;
            assert_eq!(rows(&env)[0]["reason"], REASON, "moment {moment}");
        } else {
            after += 1;
            assert_eq!(rows(&env)[0]["reason"], Value::Null, "moment {moment}");
        }
        env.journal(forget(&["R1"])).exits(0);
        env.journal(["forget", "--finish"]).exits(0);
        assert_eq!(
            (erasures(), found_in_files(&env, &[REASON, WHO])),
            (1, None),
            "moment {moment}"
        );
        verifies(&env);
    }
    assert!(before > 0 && after > 0, "{before} before the commit, {after} after it");
}

/// An unlink over two parents: the parent goes with the last entry of its list.
#[test]
fn a_parent_is_forgotten_with_all_that_was_taken_from_it() {
    let env = Env::new(3);
    let leads = env.leads();
    let (parent, other) = (leads[0].to_string(), leads[1].to_string());
    let related = [410_405_000_000_777_001_u64, 410_405_000_000_777_002].map(|id| id.to_string());
    for (parent, related) in [(&parent, &related[0]), (&parent, &related[1]), (&other, &related[0])]
    {
        let args = ["unlink", "Leads", parent, "Campaigns", related, "--reason", "x"];
        env.journal(args).exits(0);
    }
    env.journal(["sync", "--yes"]);
    let open = "SELECT count(*) FROM entry WHERE state NOT IN (7, 8, 9, 11)";
    assert_eq!(env.sqlite().query_row(open, [], |row| row.get(0)), Ok(0), "{}", states(&env));
    env.journal(forget(&[&related[1]])).exits(0);
    verifies(&env);
    assert_eq!(found_in_files(&env, &[&related[1]]), None);
    assert!(found_in_files(&env, &[&parent]).is_some(), "another entry needs it");
    env.journal(forget(&[&parent])).exits(0);
    verifies(&env);
    assert_eq!(found_in_files(&env, &[&parent, &related[1]]), None);
    assert!(found_in_files(&env, &[&other]).is_some());
    env.journal(["export"]).exits(0);
    env.journal(["show", "E1"]).exits(0);
    env.journal(["show", "B1"]).exits(0);
}

#[test]
fn what_was_settled_long_ago_is_forgotten_at_once() {
    let env = deleted();
    let all = ["--settled-before", "2999-01-01"];
    let none = ["--settled-before", "2001-01-01"];
    let told = env.journal(forget(&none)).exits(0);
    assert!(told.stdout.contains("Nothing is to be forgotten"), "{told}");
    env.record(&env.leads()[..1]);
    let told = env.journal(forget(&all)).exits(0);
    assert!(told.stdout.contains("3 entries (E1-E3); all of R1"), "{told}");
    let told = env.journal(forget(&all)).exits(0);
    assert!(told.stdout.contains("Nothing is to be forgotten"), "{told}");
    verifies(&env);
    let edit = Connection::open(env.db()).unwrap();
    edit.execute_batch("UPDATE entry SET target = NULL, row = NULL WHERE id = 4").unwrap();
    let found = env.journal(["verify"]).exits(12);
    assert!(found.stdout.contains("no event says that it was forgotten"), "{found}");
}

/// The approval of what waits for none moves no entry, so it goes with the request.
#[test]
fn who_approved_without_moving_anything_is_forgotten_with_the_request() {
    let mut env = Env::new(2);
    env.record(&env.leads());
    env.set("JOURNAL_REQUIRE_APPROVAL", "always");
    env.journal(["approve", "R1", "--as", "Bertram Bestimmer"]).exits(0);
    let event = env.journal(["log", "--kind", "request_approved", "--json"]).exits(0).json();
    assert_eq!(event["event"]["data"]["entries"], Value::Null, "{event}");
    env.journal(["sync", "--yes"]).exits(0);
    assert_eq!(states(&env), "done 2");
    env.journal(forget(&["E1"])).exits(0);
    assert!(found_in_files(&env, &["Bertram Bestimmer"]).is_some(), "the other entry needs it");
    verifies(&env);
    env.journal(forget(&["E2"])).exits(0);
    assert_eq!(found_in_files(&env, &["Bertram Bestimmer"]), None);
    verifies(&env);
    for command in [&["show", "R1"][..], &["show", "E1"], &["export"], &["log"]] {
        env.journal(command.to_vec()).exits(0);
    }
    let edit = Connection::open(env.db()).unwrap();
    let sql =
        "UPDATE sealed SET salt = zeroblob(32), value = 'Bertram' WHERE field = 'approved_by'";
    assert_eq!(edit.execute(sql, []), Ok(1));
    let found = env.journal(["verify"]).exits(12);
    assert!(found.stdout.contains("it was forgotten, and it is still there"), "{found}");
}

#[test]
fn mail_addresses_in_reasons_are_warned_of() {
    let env = Env::new(2);
    let id = env.leads()[0].to_string();
    let ran =
        env.journal(["delete", "Leads", &id, "--reason", "asked by ann@example.com"]).exits(0);
    assert!(ran.stderr.contains("--reason holds a mail address"), "{ran}");
    let id = env.leads()[1].to_string();
    let ran = env.journal(["delete", "Leads", &id, "--reason", "ticket 12"]).exits(0);
    assert!(!ran.stderr.contains("mail address"), "{ran}");
}

/// Tags, related records and tag definitions, with what was read before.
#[test]
fn every_operation_is_forgotten() {
    let env = Env::new(4);
    let leads = env.leads();
    let ids = lines(&leads[..2]);
    env.zoho.tag("Leads", &["Vorname Nachname"], &leads[..2]);
    let untag = ["untag", "Leads", "--tag", "Vorname Nachname", "--from", "-", "--reason", REASON];
    env.journal_reading(untag, &ids).exits(0);
    env.journal(["sync", "--yes", "--wait", "30s"]).exits(0);
    let delete = ["delete-tags", "Leads", "--name", "Vorname Nachname", "--reason", REASON];
    env.journal(delete).exits(0);
    env.journal(["sync", "--yes", "--wait", "30s"]).exits(0);
    assert_eq!(states(&env), "done 3");
    assert!(found_in_files(&env, &["Vorname Nachname"]).is_some());
    env.journal(forget(&["E1"])).exits(0);
    verifies(&env);
    env.journal(forget(&["R1", "R2"])).exits(0);
    verifies(&env);
    let ids = leads[..2].iter().map(ToString::to_string).collect::<Vec<_>>();
    let texts = [ids[0].as_str(), ids[1].as_str(), "Vorname Nachname", REASON];
    assert_eq!(found_in_files(&env, &texts), None);
    for entry in ["E1", "E3", "R1", "R2", "B1", "B2"] {
        env.journal(["show", entry]).exits(0);
    }
    env.journal(["export", "--view", "entries"]).exits(0);
}
