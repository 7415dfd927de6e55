//! Journals of an older schema: they are looked at as they are, and written to only after an upgrade.
//!
//! A reader never changes the file. In its own memory it lays views over the older tables, which have the
//! columns that are missing, with what a migration puts there, and the tables that are missing, empty. SQLite
//! looks for names in these first. So every statement is written for the newest schema only.

use std::path::Path;

use rusqlite::Connection;

use crate::store::error::{Doing, Result, StoreError};
use crate::store::schema;

/// For each older schema what makes it look like the newest. A new migration adds its part to every one of
/// them; a test compares the columns.
const OVERLAYS: &[(u32, &[&str])] = &[
    (1, &[LACKS_V2, LACKS_V3, LACKS_V4, LACKS_V5, LACKS_V6, LACKS_V7, REQUEST_OF_V1]),
    (2, &[LACKS_V3, LACKS_V4, LACKS_V5, LACKS_V6, LACKS_V7, REQUEST_OF_V2]),
    (3, &[LACKS_V4, LACKS_V5, LACKS_V6, LACKS_V7, REQUEST_OF_V2]),
    (4, &[LACKS_V5, LACKS_V6, LACKS_V7, REQUEST_OF_V4]),
    (5, &[LACKS_V6, LACKS_V7, REQUEST_OF_V5]),
    (6, &[LACKS_V7, REQUEST_OF_V5]),
];

/// What the migration to schema 5 finds out from the events that recorded the requests.
macro_rules! awaits {
    () => {
        "coalesce((SELECT json_extract(CAST(e.body AS TEXT), '$.data.awaiting_approval')
                   FROM main.event e WHERE e.seq = r.seq), 0) AS awaits,
         CASE WHEN (SELECT json_extract(CAST(e.body AS TEXT), '$.data.awaiting_approval')
                    FROM main.event e WHERE e.seq = r.seq) THEN r.seq END AS asked_seq,
         NULL AS approved_seq, 0 AS second, NULL AS expired_seq,
         NULL AS full_retention_ms
         FROM main.request r;"
    };
}

const REQUEST_OF_V1: &str = concat!(
    "-- lay_over (requests of schema 1)
     CREATE TEMP VIEW request AS
     SELECT id, seq, operation, product, module, workflows, first_entry, last_entry, not_before_ms,
            valid_until_ms, source_rows, duplicates, rejected, parked_seq,
            NULL AS related_list, 1 AS snapshot, NULL AS module_seq, NULL AS after_request, ",
    awaits!()
);

const REQUEST_OF_V2: &str = concat!(
    "-- lay_over (requests of schemas 2 and 3)
     CREATE TEMP VIEW request AS
     SELECT id, seq, operation, product, module, workflows, first_entry, last_entry, not_before_ms,
            valid_until_ms, source_rows, duplicates, rejected, parked_seq,
            related_list, snapshot, module_seq, NULL AS after_request, ",
    awaits!()
);

const REQUEST_OF_V4: &str = concat!(
    "-- lay_over (requests of schema 4)
     CREATE TEMP VIEW request AS
     SELECT id, seq, operation, product, module, workflows, first_entry, last_entry, not_before_ms,
            valid_until_ms, source_rows, duplicates, rejected, parked_seq,
            related_list, snapshot, module_seq, after_request, ",
    awaits!()
);

const REQUEST_OF_V5: &str = "-- lay_over (requests of schemas 5 and 6)
     CREATE TEMP VIEW request AS SELECT *, NULL AS full_retention_ms FROM main.request;";

const LACKS_V2: &str = "-- lay_over (schema 2)
     CREATE TEMP VIEW snapshot AS SELECT NULL AS entry, NULL AS reading, NULL AS facts WHERE 0;
     CREATE TEMP VIEW job AS
     SELECT NULL AS batch, NULL AS ended_seq, NULL AS ending, NULL AS total, NULL AS deleted,
            NULL AS failed
     WHERE 0;";

const LACKS_V3: &str = "-- lay_over (schema 3)
     CREATE TEMP VIEW usage AS SELECT NULL AS minute, NULL AS calls, NULL AS credits WHERE 0;
     CREATE TEMP VIEW breaker AS SELECT NULL AS one, NULL AS not_before_ms, NULL AS setbacks WHERE 0;
     CREATE TEMP VIEW credits_left AS SELECT NULL AS one, NULL AS credits, NULL AS at_ms WHERE 0;";

const LACKS_V4: &str = "-- lay_over (schema 4)
     CREATE TEMP VIEW recheck AS
     SELECT NULL AS entry, NULL AS reading, NULL AS found, NULL AS facts WHERE 0;";

const LACKS_V5: &str = "-- lay_over (schema 5)
     CREATE TEMP VIEW cancellation AS
     SELECT NULL AS first_entry, NULL AS last_entry, NULL AS seq WHERE 0;
     CREATE TEMP VIEW pause AS SELECT NULL AS one, NULL AS seq WHERE 0;
     CREATE TEMP VIEW hold AS
     SELECT NULL AS id, NULL AS seq, NULL AS module, NULL AS whole, NULL AS ids, NULL AS review_by_ms,
            NULL AS ended_seq
     WHERE 0;
     CREATE TEMP VIEW hold_id AS
     SELECT NULL AS hold, NULL AS place, NULL AS target, NULL AS released_seq WHERE 0;
     CREATE TEMP VIEW hold_secret AS
     SELECT NULL AS hold, NULL AS level, NULL AS idx, NULL AS key WHERE 0;
     CREATE TEMP VIEW policy AS
     SELECT NULL AS id, NULL AS seq, NULL AS require_approval, NULL AS in_force_seq,
            NULL AS rejected_seq
     WHERE 0;";

const LACKS_V6: &str = "-- lay_over (schema 6)
     CREATE TEMP VIEW erasure AS SELECT NULL AS id, NULL AS seq WHERE 0;
     CREATE TEMP VIEW pruned AS
     SELECT NULL AS seq, NULL AS tree, NULL AS level, NULL AS idx, NULL AS hash WHERE 0;
     CREATE TEMP VIEW sweep AS SELECT NULL AS one, NULL AS since_seq WHERE 0;";

const LACKS_V7: &str = "-- lay_over (schema 7)
     CREATE TEMP VIEW adoption AS
     SELECT NULL AS id, NULL AS seq, NULL AS events, NULL AS last_entry WHERE 0;
     CREATE TEMP VIEW full_snapshot AS
     SELECT NULL AS entry, NULL AS reading, NULL AS until_ms, NULL AS sha256, NULL AS file WHERE 0;
     CREATE TEMP VIEW shredding AS SELECT NULL AS id, NULL AS seq WHERE 0;";

/// Makes an older schema look like the newest, for this connection only. To be called within the reader's
/// snapshot: before it, another process may upgrade the file.
pub(crate) fn lay_over(conn: &Connection, path: &Path) -> Result<()> {
    let (found, known) = (schema::known_version(conn, path)?, schema::newest());
    if found == known {
        return Ok(());
    }
    let (_, lacking) = OVERLAYS
        .iter()
        .find(|(version, _)| *version == found)
        .ok_or_else(|| StoreError::SchemaTooOld { path: path.to_owned(), found, known })?;
    lacking.iter().try_for_each(|sql| conn.execute_batch(sql)).doing("opening the journal")
}

/// Refuses to write to any schema but the newest.
pub(crate) fn refuse(conn: &Connection, path: &Path) -> Result<()> {
    let (found, known) = (schema::known_version(conn, path)?, schema::newest());
    if found == known {
        return Ok(());
    }
    Err(StoreError::SchemaTooOld { path: path.to_owned(), found, known })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(conn: &Connection, table: &str) -> Vec<String> {
        conn.prepare(&format!("SELECT * FROM {table}"))
            .unwrap()
            .column_names()
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn every_older_schema_looks_like_the_newest() {
        let newest = schema::fresh(schema::newest()).unwrap();
        let tables: Vec<String> = newest
            .prepare("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')")
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<rusqlite::Result<_>>()
            .unwrap();
        for version in 1..schema::newest() {
            let older = schema::fresh(version).unwrap();
            lay_over(&older, Path::new("older.db")).unwrap();
            for table in &tables {
                assert_eq!(columns(&older, table), columns(&newest, table), "{version}: {table}");
            }
        }
    }

    #[test]
    fn an_older_schema_is_never_written_to() {
        let refused = |version| refuse(&schema::fresh(version).unwrap(), Path::new("x.db"));
        assert!(matches!(refused(1), Err(StoreError::SchemaTooOld { found: 1, .. })));
        refused(schema::newest()).unwrap();
    }
}
