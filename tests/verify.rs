//! `journal verify`, through the binary, and after every fault that the simulator knows.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    dead_code,
    missing_docs,
    unreachable_pub,
    missing_debug_implementations,
    reason = "tests"
)]

#[path = "it/world.rs"]
mod world;

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use zoho_journal::evidence::verify::check_journal;
use zoho_journal::simulator::{Config, Fault};

use crate::world::World;

struct Said {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Said {
    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap()
    }
}

/// Runs `journal` with nothing of the surroundings, in a directory of its own.
fn journal(place: &Path, arguments: &[&str]) -> Said {
    let output = Command::cargo_bin("journal")
        .unwrap()
        .env_clear()
        .env("HOME", place)
        .env("JOURNAL_DB", place.join("a.db"))
        .current_dir(place)
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said {
        code: output.status.code().unwrap(),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

fn place() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// A journal with one request, never sent.
fn recorded(place: &Path) -> PathBuf {
    assert_eq!(journal(place, &["init"]).code, 0);
    let ids = ["410405000002264040", "410405000002264041"];
    let said =
        journal(place, &["delete", "Leads", ids[0], ids[1], "--reason", "asked by the person"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    place.join("a.db")
}

/// What somebody with a plain SQLite client does.
fn edit(db: &Path, sql: &str) {
    let conn = Connection::open_with_flags(db, OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
    conn.execute_batch(sql).unwrap();
}

#[test]
fn a_journal_that_nobody_touched_is_verified_against_its_anchor() {
    let place = place();
    recorded(place.path());
    let said = journal(place.path(), &["verify", "--json"]);
    assert_eq!(said.code, 0, "{}", said.stdout);
    let report = said.json();
    assert_eq!(report["ok"], true);
    assert_eq!(report["anchored"], true);
    assert_eq!(report["events"], 2);
    assert_eq!(report["root"].as_str().unwrap().len(), 64);
    assert_eq!(report["findings"], Value::Array(Vec::new()));
    let said = journal(place.path(), &["verify"]);
    assert_eq!(said.code, 0);
    assert!(said.stdout.starts_with("verified: "), "{}", said.stdout);
    assert!(said.stdout.contains("anchor: it extends"), "{}", said.stdout);
}

#[test]
fn without_an_anchor_verify_says_that_it_could_not_tell_an_older_copy() {
    let place = place();
    let db = recorded(place.path());
    fs::remove_file(db.with_file_name("a.db.anchor")).unwrap();
    let said = journal(place.path(), &["verify", "--json"]);
    assert_eq!(said.code, 0);
    assert_eq!((&said.json()["ok"], &said.json()["anchored"]), (&true.into(), &false.into()));
    assert!(journal(place.path(), &["verify"]).stdout.contains("an older copy"));
}

#[test]
fn an_edited_state_is_found_with_its_entry() {
    let place = place();
    let db = recorded(place.path());
    edit(&db, "UPDATE entry SET state = 7 WHERE id = 2");
    let said = journal(place.path(), &["verify", "--json"]);
    assert_eq!(said.code, 12);
    let report = said.json();
    // The log still extends what was published of it: it is the row that was edited.
    assert_eq!((&report["ok"], &report["anchored"]), (&false.into(), &true.into()));
    let findings = report["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(findings[0]["where"], "entry E2");
    assert_eq!(findings[0]["what"], "it is done, and by the log it is pending");
    let said = journal(place.path(), &["verify"]);
    assert_eq!(said.code, 12);
    assert!(said.stdout.contains("entry E2: it is done"), "{}", said.stdout);
    assert!(said.stderr.contains("Do not run sync"), "{}", said.stderr);
}

#[test]
fn a_dropped_trigger_an_altered_view_and_a_stranger_are_found() {
    let place = place();
    let db = recorded(place.path());
    edit(
        &db,
        "DROP TRIGGER event_no_update; DROP VIEW entry_readable;
         CREATE VIEW entry_readable AS SELECT 1 AS entry; CREATE TABLE notes (text TEXT);",
    );
    let said = journal(place.path(), &["verify", "--json"]);
    assert_eq!(said.code, 12);
    let report = said.json();
    let found: Vec<(&str, &str)> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["where"].as_str().unwrap(), one["what"].as_str().unwrap()))
        .collect();
    assert_eq!(
        found,
        [
            ("table notes", "does not belong to a journal"),
            ("trigger event_no_update", "is missing"),
            ("view entry_readable", "was altered"),
        ]
    );
}

#[test]
fn an_older_copy_is_found_against_the_anchor() {
    let place = place();
    assert_eq!(journal(place.path(), &["init"]).code, 0);
    let db = place.path().join("a.db");
    edit(&db, "PRAGMA wal_checkpoint(TRUNCATE)");
    let old = fs::read(&db).unwrap();
    recorded_into(place.path());
    edit(&db, "PRAGMA wal_checkpoint(TRUNCATE)");
    fs::write(&db, old).unwrap();
    let said = journal(place.path(), &["verify", "--json"]);
    assert_eq!(said.code, 12, "{}", said.stdout);
    assert_eq!(said.json()["findings"][0]["where"], "anchor");
}

fn recorded_into(place: &Path) {
    let said = journal(place, &["delete", "Leads", "410405000002264040", "--reason", "x"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
}

#[test]
fn what_cannot_be_read_as_a_journal_is_not_verified_and_what_is_not_there_is_told_apart() {
    let place = place();
    let said = journal(place.path(), &["verify", "--json"]);
    assert_eq!(said.code, 10, "{}", said.stdout);
    let db = place.path().join("a.db");
    fs::write(&db, "not an SQLite file, but long enough to have been one: ".repeat(100)).unwrap();
    let said = journal(place.path(), &["verify", "--json"]);
    assert_eq!(said.code, 12, "{}", said.stdout);
    assert_eq!((&said.json()["ok"], &said.json()["root"]), (&false.into(), &Value::Null));
    assert_eq!(journal(place.path(), &["verify"]).code, 12);
}

#[test]
fn a_damaged_page_is_found() {
    let place = place();
    let db = recorded(place.path());
    edit(&db, "PRAGMA wal_checkpoint(TRUNCATE)");
    let whole = fs::read(&db).unwrap();
    let page = 4096;
    for number in 1..whole.len() / page {
        let mut damaged = whole.clone();
        damaged[number * page..(number + 1) * page].fill(0x5a);
        fs::write(&db, &damaged).unwrap();
        let said = journal(place.path(), &["verify", "--json"]);
        assert_eq!(said.code, 12, "page {number}: {}{}", said.stdout, said.stderr);
        assert_eq!(said.json()["ok"], false);
    }
}

/// After each fault the journal is what its log says, word by word and byte by byte.
#[tokio::test]
async fn the_journal_verifies_after_every_fault() {
    for fault in Fault::ALL {
        if fault == Fault::NeverAnswers {
            // As a lost answer, only slower.
            continue;
        }
        let mut world = World::with(Config {
            records: vec![("Leads".to_owned(), 150)],
            delay_ms: 1,
            late_ms: 1,
            retry_after_s: 0,
            ..Config::default()
        });
        let leads = world.leads();
        world.record("Leads", &leads);
        world.zoho.plan_faults(vec![fault]);
        // Some faults stop the run; the journal must be whole all the same.
        let options = world.options();
        let _stopped = world.run(options).await.is_err();
        assert_eq!(check_journal(&world.reader()), Ok(()), "{fault}");
    }
}
