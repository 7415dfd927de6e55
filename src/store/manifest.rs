//! What `verify` covers: every column of the schema, and how an edit of it is found.
//!
//! A test walks the schema and fails on a column that is not listed here; another one edits every column
//! that is covered, row by row, and fails when `verify` has nothing to say.

use Cover::{Derived, Operational, Sealed};

/// How a column is covered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cover {
    /// It follows from the log (or from the migrations), and is compared with what follows.
    Derived,
    /// The log holds a salted hash of it, in a seal or in an item's leaf.
    Sealed,
    /// Of mere operation: an edit changes nothing that the journal states.
    Operational,
}

/// A table's columns, each with how it is covered.
pub(crate) type Columns = &'static [(&'static str, Cover)];

/// Every table and column of the schema.
pub const MANIFEST: &[(&str, Columns)] = &[
    ("word", &[("kind", Derived), ("number", Derived), ("name", Derived)]),
    ("event", &[("seq", Derived), ("body", Sealed), ("leaf", Derived)]),
    ("node", &[("level", Derived), ("idx", Derived), ("hash", Derived)]),
    ("head", &[("one", Derived), ("size", Derived), ("root", Derived)]),
    ("sealed", &[("seq", Sealed), ("field", Sealed), ("salt", Sealed), ("value", Sealed)]),
    (
        "secret",
        &[
            ("request", Sealed),
            ("purpose", Sealed),
            ("level", Sealed),
            ("idx", Sealed),
            ("key", Sealed),
        ],
    ),
    (
        "binding",
        &[
            ("one", Derived),
            ("data_center", Derived),
            ("environment", Derived),
            ("api_origin", Derived),
            ("pinned_seq", Derived),
            ("bound_seq", Derived),
        ],
    ),
    (
        "run",
        &[
            ("id", Derived),
            ("started_seq", Derived),
            ("command", Derived),
            ("quarantine_ms", Derived),
            ("user_seq", Derived),
            ("clock_offset_ms", Derived),
            ("ended_seq", Derived),
            ("exit_code", Derived),
            ("calls", Derived),
            ("credits", Derived),
        ],
    ),
    (
        "module",
        &[("product", Derived), ("module", Derived), ("recycle_bin", Derived), ("seq", Derived)],
    ),
    (
        "request",
        &[
            ("id", Derived),
            ("seq", Derived),
            ("operation", Derived),
            ("product", Derived),
            ("module", Derived),
            ("workflows", Derived),
            ("first_entry", Derived),
            ("last_entry", Derived),
            ("not_before_ms", Derived),
            ("valid_until_ms", Derived),
            ("source_rows", Derived),
            ("duplicates", Derived),
            ("rejected", Derived),
            ("parked_seq", Derived),
            ("related_list", Derived),
            ("snapshot", Derived),
            ("module_seq", Derived),
            ("after_request", Derived),
            ("awaits", Derived),
            ("asked_seq", Derived),
            ("approved_seq", Derived),
            ("second", Derived),
            ("expired_seq", Derived),
            ("full_retention_ms", Derived),
        ],
    ),
    ("tally", &[("request", Derived), ("state", Derived), ("entries", Derived)]),
    (
        "scope",
        &[
            ("id", Derived),
            ("operation", Derived),
            ("product", Derived),
            ("module", Derived),
            ("parent", Sealed),
            ("related_list", Derived),
            ("tags", Sealed),
        ],
    ),
    (
        "entry",
        &[
            ("id", Derived),
            ("scope", Derived),
            ("target", Sealed),
            ("row", Sealed),
            ("state", Derived),
        ],
    ),
    ("share", &[("entry", Derived), ("at_most", Derived)]),
    (
        "rejected",
        &[
            ("request", Sealed),
            ("ordinal", Sealed),
            ("line", Sealed),
            ("value", Sealed),
            ("reason", Sealed),
        ],
    ),
    ("template", &[("id", Derived), ("text", Derived)]),
    (
        "batch",
        &[
            ("id", Derived),
            ("begun_seq", Derived),
            ("run", Derived),
            ("api_version", Derived),
            ("template", Derived),
            ("entries", Derived),
            ("size", Derived),
            ("send_by_ms", Derived),
            ("seen_before", Derived),
            ("ended_seq", Derived),
            ("ending", Derived),
            ("sent_at_ms", Derived),
            ("sent_before_ms", Derived),
            ("http_status", Derived),
            ("complete", Derived),
        ],
    ),
    ("answer", &[("batch", Derived), ("body", Sealed), ("cuts", Sealed)]),
    ("said", &[("id", Sealed), ("code", Sealed), ("message", Sealed)]),
    ("attempt", &[("entry", Derived), ("batch", Derived), ("outcome", Derived), ("said", Sealed)]),
    ("reading", &[("id", Derived), ("seq", Derived), ("run", Derived)]),
    (
        "evidence",
        &[
            ("entry", Derived),
            ("reading", Derived),
            ("verdict", Derived),
            ("code", Derived),
            ("facts", Sealed),
        ],
    ),
    ("snapshot", &[("entry", Derived), ("reading", Derived), ("facts", Sealed)]),
    ("recheck", &[("entry", Derived), ("reading", Derived), ("found", Derived), ("facts", Sealed)]),
    (
        "job",
        &[
            ("batch", Derived),
            ("ended_seq", Derived),
            ("ending", Derived),
            ("total", Derived),
            ("deleted", Derived),
            ("failed", Derived),
        ],
    ),
    ("cancellation", &[("first_entry", Derived), ("last_entry", Derived), ("seq", Derived)]),
    ("pause", &[("one", Derived), ("seq", Derived)]),
    (
        "hold",
        &[
            ("id", Derived),
            ("seq", Derived),
            ("module", Derived),
            ("whole", Derived),
            ("ids", Derived),
            ("review_by_ms", Derived),
            ("ended_seq", Derived),
        ],
    ),
    (
        "hold_id",
        &[("hold", Derived), ("place", Derived), ("target", Sealed), ("released_seq", Derived)],
    ),
    ("hold_secret", &[("hold", Sealed), ("level", Sealed), ("idx", Sealed), ("key", Sealed)]),
    (
        "policy",
        &[
            ("id", Derived),
            ("seq", Derived),
            ("require_approval", Derived),
            ("in_force_seq", Derived),
            ("rejected_seq", Derived),
        ],
    ),
    ("erasure", &[("id", Derived), ("seq", Derived)]),
    (
        "full_snapshot",
        &[
            ("entry", Derived),
            ("reading", Derived),
            ("until_ms", Derived),
            ("sha256", Sealed),
            ("file", Sealed),
        ],
    ),
    ("shredding", &[("id", Derived), ("seq", Derived)]),
    (
        "pruned",
        &[("seq", Sealed), ("tree", Sealed), ("level", Sealed), ("idx", Sealed), ("hash", Sealed)],
    ),
    (
        "adoption",
        &[("id", Derived), ("seq", Derived), ("events", Derived), ("last_entry", Derived)],
    ),
    ("sweep", &[("one", Operational), ("since_seq", Operational)]),
    ("usage", &[("minute", Operational), ("calls", Operational), ("credits", Operational)]),
    ("breaker", &[("one", Operational), ("not_before_ms", Operational), ("setbacks", Operational)]),
    ("credits_left", &[("one", Operational), ("credits", Operational), ("at_ms", Operational)]),
    ("migration", &[("version", Derived), ("name", Derived), ("sha256", Derived)]),
    // refinery's own list of what it applied. When it did so is told by the log's first event.
    (
        "refinery_schema_history",
        &[
            ("version", Derived),
            ("name", Derived),
            ("applied_on", Operational),
            ("checksum", Derived),
        ],
    ),
];

/// How a column is covered; `None` for one that is not listed.
pub fn cover(table: &str, column: &str) -> Option<Cover> {
    let (_, columns) = MANIFEST.iter().find(|(name, _)| *name == table)?;
    columns.iter().find(|(name, _)| *name == column).map(|(_, cover)| *cover)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::store::schema;

    #[test]
    fn every_column_of_the_schema_is_listed_and_no_other() {
        let conn = schema::fresh(schema::newest()).unwrap();
        let mut statement = conn
            .prepare(
                "SELECT m.name, c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c
                 WHERE m.type = 'table'",
            )
            .unwrap();
        let real: BTreeSet<(String, String)> = statement
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
            .collect::<rusqlite::Result<_>>()
            .unwrap();
        let listed: Vec<(String, String)> = MANIFEST
            .iter()
            .flat_map(|(table, columns)| {
                columns.iter().map(|(column, _)| ((*table).to_owned(), (*column).to_owned()))
            })
            .collect();
        assert_eq!(listed.len(), real.len(), "a column is listed twice");
        assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), real);
    }
}
