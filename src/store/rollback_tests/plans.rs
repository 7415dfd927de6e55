//! Statements that run for every batch, or over a million entries, find their rows by a key.

use rusqlite::{Connection, StatementStatus};

use super::cases::created;
use crate::store::schema;

const ENTRY: &str = include_str!("../entry.rs");
const OVERVIEW: &str = include_str!("../overview.rs");
const QUEUE: &str = include_str!("../queue.rs");
const READING: &str = include_str!("../reading.rs");
const REOPENING: &str = include_str!("../reopening.rs");
const SETTLING: &str = include_str!("../settling.rs");
const UNKNOWN: &str = include_str!("../unknown.rs");
const USAGE: &str = include_str!("../usage.rs");
const BATCH: &str = include_str!("../batch.rs");
const ITEMS: &str = include_str!("../items.rs");
const LOG: &str = include_str!("../log.rs");
const JOB: &str = include_str!("../job.rs");
const SCOPE: &str = include_str!("../scope.rs");
const SNAPSHOT: &str = include_str!("../snapshot.rs");

/// Tables that grow with what was asked and done, and the names that statements give them.
const LARGE: [(&str, &str); 6] = [
    ("entry", "e"),
    ("attempt", "a"),
    ("evidence", "v"),
    ("event", "event"),
    ("batch", "b"),
    ("rejected", "rejected"),
];

/// Statements of a source file: each begins with its own name as a comment.
fn statements(source: &str) -> Vec<(String, String)> {
    source
        .split("\"-- ")
        .skip(1)
        .map(|rest| {
            let (sql, _) = rest.split_once('"').unwrap();
            let (name, sql) = sql.split_once("\\n").unwrap();
            (name.to_owned(), sql.to_owned())
        })
        .collect()
}

fn plan(conn: &Connection, sql: &str) -> Vec<String> {
    let mut statement = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let rows = statement.raw_query();
    rows.mapped(|row| row.get::<_, String>("detail")).collect::<rusqlite::Result<_>>().unwrap()
}

/// Steps of a plan that look at a large table from end to end. The index of open batches holds only the few.
fn scans(plan: &[String]) -> Vec<&String> {
    let large = |step: &&String| {
        let mut words = step.split(' ');
        !step.ends_with("USING INDEX batch_open")
            && words.next() == Some("SCAN")
            && words.next().is_some_and(|name| {
                LARGE.iter().any(|(table, alias)| name == *table || name == *alias)
            })
    };
    plan.iter().filter(large).collect()
}

#[test]
fn no_statement_of_a_run_looks_at_a_large_table_from_end_to_end() {
    // No journal has statistics: nothing runs ANALYZE.
    let conn = schema::fresh(schema::newest()).unwrap();
    let (mut names, mut scanning) = (Vec::new(), Vec::new());
    let all = [
        BATCH, ENTRY, ITEMS, JOB, LOG, OVERVIEW, QUEUE, READING, REOPENING, SCOPE, SETTLING,
        SNAPSHOT, UNKNOWN, USAGE,
    ];
    for source in all {
        for (name, sql) in statements(source) {
            // The first is put together from parts and looks nothing up; of the other see below.
            if ["insert_entries", "append_event"].contains(&name.as_str()) {
                continue;
            }
            let plan = plan(&conn, &sql);
            if !scans(&plan).is_empty() {
                scanning.push(format!("{name}: {plan:#?}"));
            }
            names.push(name);
        }
    }
    assert!(scanning.is_empty(), "{}", scanning.join("\n"));
    for hot in [
        "due_requests",
        "pending_from",
        "parent_at",
        "pick_split",
        "is_busy",
        "open_duplicate",
        "move_range",
        "unknown_in",
        "attempts_of",
        "undecided",
        "failed_entries",
        "overview",
        "splits_of",
        "tally_of",
        "items_of",
        "open_batches",
        "each_event",
    ] {
        assert!(names.iter().any(|name| name == hot), "{hot} is not among {names:?}");
    }
}

/// Its plan holds scans for rows that wait for this event to be there; without such rows none is made.
#[test]
fn an_event_is_appended_without_a_look_at_the_tables_that_refer_to_events() {
    let mut journal = created();
    journal.delete(1, 4);
    journal.start("sync");
    let prepared = journal.begin(&[1, 2, 3, 4]);
    journal.succeed(&prepared);
    journal.end(0);
    let (_, append) = statements(LOG).into_iter().find(|(name, _)| name == "append_event").unwrap();
    let size = i64::try_from(journal.store.head().unwrap().size).unwrap();
    let mut statement = journal.store.conn.prepare(&append).unwrap();
    statement.execute((size, b"{}", [0_u8; 32])).unwrap();
    assert_eq!(statement.get_status(StatementStatus::FullscanStep), 0);
}

#[test]
fn a_plan_that_scans_is_recognised() {
    let conn = schema::fresh(schema::newest()).unwrap();
    for sql in [
        "SELECT count(*) FROM entry WHERE state = 3",
        "SELECT e.id FROM entry e WHERE e.state = 3",
        "SELECT 1 FROM attempt a JOIN batch b ON b.id = a.batch WHERE b.id = 1",
        "SELECT v.code FROM evidence v WHERE v.reading = 1",
        "SELECT count(*) FROM entry",
    ] {
        let plan = plan(&conn, sql);
        assert_eq!(scans(&plan).len(), 1, "{sql}: {plan:?}");
    }
}
