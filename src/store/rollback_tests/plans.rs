//! Statements that run for every batch, or over a million entries, find their rows by a key.

use rusqlite::Connection;

use crate::store::schema;

const ENTRY: &str = include_str!("../entry.rs");
const OVERVIEW: &str = include_str!("../overview.rs");
const QUEUE: &str = include_str!("../queue.rs");
const READING: &str = include_str!("../reading.rs");
const BATCH: &str = include_str!("../batch.rs");
const ITEMS: &str = include_str!("../items.rs");
const LOG: &str = include_str!("../log.rs");

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

/// Steps of a plan that look at a large table from end to end.
fn scans(plan: &[String]) -> Vec<&String> {
    let large = |step: &&String| {
        let mut words = step.split(' ');
        words.next() == Some("SCAN")
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
    let mut names = Vec::new();
    for source in [BATCH, ENTRY, ITEMS, LOG, OVERVIEW, QUEUE, READING] {
        for (name, sql) in statements(source) {
            // Put together from parts; it looks nothing up.
            if name == "insert_entries" {
                continue;
            }
            let plan = plan(&conn, &sql);
            assert_eq!(scans(&plan), [""; 0], "{name}: {plan:#?}");
            names.push(name);
        }
    }
    for hot in [
        "due_requests",
        "fill",
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
