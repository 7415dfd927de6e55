//! A write that is stopped at any of its rows leaves nothing, and can be made afterwards.

use std::collections::BTreeSet;

use rusqlite::Connection;

use super::cases::{ANYBODY, Case, OF_A_RUN, start};
use super::{Before, assert_whole, governed_cases, moving_cases, tables};
use crate::store::StoreError;

/// Counts every row that is inserted, updated or deleted, and stops the one after `allow`.
fn watch(conn: &Connection) {
    conn.execute_batch(
        "CREATE TEMP TABLE step (number INTEGER PRIMARY KEY, place TEXT NOT NULL);
         CREATE TEMP TABLE allowed (steps INTEGER NOT NULL);
         INSERT INTO allowed VALUES (0);",
    )
    .unwrap();
    for table in tables(conn) {
        for kind in ["insert", "update", "delete"] {
            conn.execute_batch(&format!(
                "CREATE TEMP TRIGGER watch_{table}_{kind} AFTER {kind} ON main.{table} BEGIN
                     INSERT INTO step (place) VALUES ('{table} {kind}');
                     SELECT RAISE(ABORT, 'stopped by the test')
                     WHERE (SELECT count(*) FROM step) > (SELECT steps FROM allowed);
                 END"
            ))
            .unwrap();
        }
    }
}

fn allow(conn: &Connection, steps: usize) {
    conn.execute("UPDATE allowed SET steps = ?1", [i64::try_from(steps).unwrap()]).unwrap();
}

/// The places that the last write, which was not stopped, touched; one for each row.
fn steps(conn: &Connection) -> Vec<String> {
    let mut statement = conn.prepare("SELECT place FROM step ORDER BY number").unwrap();
    let places = statement.query_map([], |row| row.get(0)).unwrap();
    places.collect::<rusqlite::Result<_>>().unwrap()
}

fn stop_at_every_row(case: &Case) {
    let name = case.name;
    let (mut journal, write) = case.ready();
    let before = Before::of(&journal);
    watch(&journal.store.conn);
    let mut stopped = 0;
    loop {
        allow(&journal.store.conn, stopped);
        let Err(error) = journal.store.write(name, journal.now, |tx| write(tx)) else { break };
        let what = format!("{name}, stopped after {stopped} rows: {error}");
        assert!(matches!(error, StoreError::Sqlite { .. }), "{what}");
        assert!(error.to_string().contains("stopped by the test"), "{what}");
        before.stands(&journal, &what);
        stopped += 1;
        assert!(stopped < 200, "{name} never ends");
    }
    let steps = steps(&journal.store.conn);
    assert_eq!(steps.len(), stopped, "{name}: it was stopped at every row");
    let touched: BTreeSet<&str> = steps.iter().map(String::as_str).collect();
    let head = if before.head.size == 0 { "head insert" } else { "head update" };
    let expected = case.writes.split(", ").chain(["event insert", head]).collect();
    assert_eq!(touched, expected, "{name}");
    assert_eq!(journal.store.head().unwrap().size, before.head.size + 1, "{name}");
    let path = journal.path();
    let changed = before.dump.changed(&path);
    for place in expected {
        let (table, _) = place.split_once(' ').unwrap();
        assert!(changed.iter().any(|one| one == table), "{name}: {place} is not in the file");
    }
    assert_whole(&path, name);
}

#[test]
fn a_recording_stopped_at_any_row_leaves_nothing_and_can_be_made_again() {
    let others = governed_cases::ANYBODY.iter().chain(moving_cases::ANYBODY);
    ANYBODY.iter().chain(others).for_each(stop_at_every_row);
}

#[test]
fn a_run_s_write_stopped_at_any_row_leaves_nothing_and_can_be_made_again() {
    OF_A_RUN.iter().chain(governed_cases::OF_A_RUN).for_each(stop_at_every_row);
}

#[test]
fn a_run_that_a_newer_one_replaced_can_write_nothing_whatever() {
    for case in OF_A_RUN.iter().chain(governed_cases::OF_A_RUN) {
        let (mut journal, write) = case.ready();
        let newer = journal.write(start);
        let before = Before::of(&journal);
        let refused = journal.store.write(case.name, journal.now, |tx| write(tx)).unwrap_err();
        assert!(matches!(refused, StoreError::StaleRun { run } if run < newer), "{refused}");
        before.stands(&journal, case.name);
    }
}

#[test]
fn a_commit_that_is_refused_leaves_nothing_and_the_next_one_goes_through() {
    let governed = governed_cases::ANYBODY.iter().chain(governed_cases::OF_A_RUN);
    let governed = governed.chain(moving_cases::ANYBODY);
    for case in ANYBODY.iter().chain(OF_A_RUN).chain(governed) {
        let (mut journal, write) = case.ready();
        let before = Before::of(&journal);
        let refused = journal.store.write(case.name, journal.now, |tx| {
            write(tx)?;
            // A row without its entry, which is looked for at COMMIT and not before.
            let orphan = "PRAGMA defer_foreign_keys = ON; INSERT INTO share VALUES (999, 1)";
            tx.tx.execute_batch(orphan).unwrap();
            Ok(())
        });
        let error = refused.unwrap_err();
        assert!(error.to_string().contains("FOREIGN KEY"), "{}: {error}", case.name);
        before.stands(&journal, case.name);
        journal.store.write(case.name, journal.now, |tx| write(tx)).unwrap();
    }
}
