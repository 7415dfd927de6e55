//! `--snapshot full`, afterwards: copies that were edited, handed out in certificates, shredded when due and before.

#![cfg(feature = "full-snapshot")]

use std::fs;
use std::time::Instant;

use rusqlite::Connection;
use zoho_journal::simulator::Fault;

use crate::cli_certificate::{contrib, python};
use crate::cli_full_snapshot::{World, verifies};
use crate::env::{Env, PATIENCE};

/// Changes the journal behind the program's back.
fn edit(env: &Env, sql: &str) {
    let conn = Connection::open(env.db()).unwrap();
    assert_eq!(conn.execute(sql, []).unwrap(), 1);
}

#[test]
fn an_edited_copy_is_found_named_and_not_handed_out() {
    for (sql, what) in [
        (
            "UPDATE full_snapshot SET file = CAST(file || x'00' AS BLOB) WHERE entry = 2",
            "the file is not the one that was kept",
        ),
        (
            "UPDATE full_snapshot SET file = NULL WHERE entry = 2",
            "no event says that it was shredded",
        ),
        ("UPDATE full_snapshot SET until_ms = until_ms + 1 WHERE entry = 2", "until another time"),
    ] {
        let world = World::deleted(3);
        edit(&world.env, sql);
        let report = world.env.journal(["verify", "--json"]).exits(12).json();
        let findings = report["findings"].to_string();
        assert!(findings.contains("full snapshot of E2") && findings.contains(what), "{findings}");
        if sql.contains("x'00'") {
            let ran = world.env.journal(["snapshot", "E2", "-o", "out"]).exits(12);
            assert!(ran.stderr.contains("it was edited"), "{ran}");
            assert!(!world.env.dir.path().join("out/E2.json.age").exists());
        }
    }
}

/// The certificate of an entry, as a file.
fn certificate(world: &World, entry: &str, directory: &str) -> String {
    world.env.journal(["certificate", entry, "-o", directory]).exits(0);
    let path = world.env.dir.path().join(directory).join(format!("{entry}.certificate.json"));
    path.display().to_string()
}

#[test]
fn certificates_from_before_and_after_the_shredding_verify_and_tell_of_it() {
    let world = World::deleted(2);
    let env = &world.env;
    let before = certificate(&world, "E1", "before");
    let key = env.journal(["key", "show", "--json"]).exits(0).json();
    let key = env.file("key", format!("{}\n", key["key"].as_str().unwrap()));
    env.journal(["forget", "E1", "--snapshots", "--reason", "the person asked", "--yes"]).exits(0);
    let after = certificate(&world, "E1", "after");
    for (file, shredded) in [(&before, false), (&after, true)] {
        let ran = env.journal(["verify", "--certificate", file, "--key", &key]).exits(0);
        assert!(ran.stdout.contains("a full copy was kept, encrypted, to stay until"), "{ran}");
        assert_eq!(
            ran.stdout.contains("was shredded here: somebody decided so"),
            shredded,
            "{ran}"
        );
        let script = contrib("verify_certificate.py");
        let Some(seen) = python(&[&script, "--key", &key, file]) else { continue };
        let told = String::from_utf8_lossy(&seen.stdout).into_owned();
        assert!(seen.status.success() && told.contains("full_snapshot_taken"), "{told}");
        assert_eq!(told.contains("full_snapshots_shredded"), shredded, "{told}");
    }
    verifies(env);
}

#[test]
fn what_is_due_is_shredded_and_nothing_else_and_no_byte_of_it_stays() {
    let world = World::new(6);
    let env = &world.env;
    let ids = env.leads();
    world.record(&ids[..2], &["--snapshot-retention", "1s"]);
    world.record(&ids[2..4], &[]);
    env.journal(["sync", "--yes"]).exits(0);
    // Of this one the copy is made, and the record is not deleted yet.
    world.record(&ids[4..5], &["--snapshot-retention", "1s"]);
    env.zoho.plan_faults(vec![Fault::LoseRequest]);
    env.journal(["sync", "--yes", "--wait", "0s", "--quarantine", "1h"]).exits(4);
    assert_eq!((env.states().as_str(), world.files()), ("done 4, unknown 1", 5));
    let file: Vec<u8> = env
        .sqlite()
        .query_row("SELECT file FROM full_snapshot WHERE entry = 1", [], |row| row.get(0))
        .unwrap();
    let tail = file[file.len() - 24..].to_vec();
    let is_there = || {
        ["", "-wal", "-shm"].iter().any(|suffix| {
            let bytes = fs::read(format!("{}{suffix}", env.db().display())).unwrap_or_default();
            bytes.windows(tail.len()).any(|part| part == tail)
        })
    };
    assert!(is_there());
    let until: i64 = env
        .sqlite()
        .query_row("SELECT max(until_ms) FROM full_snapshot WHERE entry IN (1, 2, 5)", [], |row| {
            row.get(0)
        })
        .unwrap();
    let began = Instant::now();
    while zoho_journal::clock::Clock::now(&zoho_journal::clock::SystemClock).millis() <= until {
        assert!(began.elapsed() < PATIENCE);
        std::thread::yield_now();
    }
    let status = env.journal(["status", "--json"]).exits(0).json();
    assert_eq!((&status["full_snapshots"], &status["full_snapshots_due"]), (&5.into(), &3.into()));
    let said = env.journal(["status"]).exits(0).stdout + &env.journal(["doctor"]).stdout;
    assert_eq!(said.matches("forget --snapshots-due").count(), 2, "{said}");
    let dry = env.journal(["forget", "--snapshots-due", "--dry-run", "--json"]).exits(0).json();
    assert_eq!((&dry["shredded"], &dry["entries"]), (&2.into(), &"E1-E2".into()));
    let asked = env.journal(["forget", "--snapshots-due"]).exits(8);
    assert!(asked.stderr.contains("nothing was shredded"), "{asked}");
    assert_eq!(world.files(), 5);
    let ran = env.journal(["forget", "--snapshots-due", "--yes", "--json"]).exits(0).json();
    assert_eq!((&ran["shredded"], &ran["swept"]), (&2.into(), &true.into()), "{ran}");
    assert_eq!(ran["kept"][0]["reason"], "E5 is unknown, and not settled");
    assert_eq!((world.files(), is_there()), (3, false));
    let again = env.journal(["forget", "--snapshots-due", "--yes"]).exits(0);
    assert!(again.stdout.contains("is to be shredded now"), "{again}");
    // The records can still be brought back from Zoho's bin: only the copy went.
    let undo = env.journal(["export", "--view", "undo", "--format", "jsonl"]).exits(0).json_lines();
    assert_eq!(undo[0]["undo"], "possible");
    let shown = env.journal(["show", "E1"]).exits(0);
    assert!(shown.stdout.contains("there was one; it was shredded at"), "{shown}");
    verifies(env);
}

#[test]
fn a_copy_is_shredded_early_on_purpose_and_with_its_entry() {
    let world = World::deleted(3);
    let env = &world.env;
    env.journal(["forget", "E1", "--snapshots", "--yes"]).exits(2);
    env.journal(["forget", "--snapshots", "--reason", "x", "--yes"]).exits(2);
    env.journal(["forget", "E9", "--snapshots", "--reason", "x", "--yes"]).exits(1);
    let (_, lead, _) = env.entries()[1].clone();
    env.journal(["hold", "add", "Leads", &lead.to_string(), "--reason", "case"]).exits(0);
    let held = env.journal(["forget", "R1", "--snapshots", "--reason", "x", "--yes"]).exits(7);
    assert!(held.stderr.contains("what E2 is about is under a hold"), "{held}");
    let shred =
        ["forget", "E1", "--snapshots", "--reason", "wish-4711", "--ticket", "DSR-7", "--yes"];
    let ran = env.journal(shred).exits(0);
    assert!(ran.stdout.contains("the full snapshots of 1 entry (E1)"), "{ran}");
    assert_eq!(world.files(), 2);
    let log = env.journal(["log", "--kind", "full_snapshots_shredded"]).exits(0);
    assert!(log.stdout.contains("wish-4711 (DSR-7)"), "{log}");
    let raw = env.journal(["log", "--kind", "full_snapshots_shredded", "--json"]).exits(0);
    assert!(!raw.stdout.contains("wish-4711") && !raw.stdout.contains("DSR-7"), "{raw}");
    verifies(env);
    // With its entry.
    let forget = ["forget", "E3", "--even-restorable", "--reason", "x", "--yes"];
    env.journal(forget).exits(0);
    assert_eq!(world.files(), 1);
    let hashes = "SELECT count(*) FROM full_snapshot WHERE sha256 IS NOT NULL";
    assert_eq!(env.sqlite().query_row(hashes, [], |row| row.get::<_, i64>(0)), Ok(2));
    verifies(env);
    env.journal(["show", "E3"]).exits(0);
    env.journal(["show", "R1"]).exits(0);
}
