//! What SQLite itself finds, and whether the schema is that of a fresh journal.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use rusqlite::Connection;

use crate::domain::fold::Cell;
use crate::store::audit::{AT_MOST, Audit, DOING, cell};
use crate::store::error::{Doing, Result};
use crate::store::schema;

/// Something in the file that is not as a fresh journal has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Which table, index, trigger, view or row.
    pub place: String,
    /// What is wrong.
    pub what: String,
}

/// Tables whose rows follow from the migrations alone.
const CONSTANT: &[(&str, &str)] = &[
    ("word", "-- audit_words\nSELECT kind, number, name FROM word"),
    ("migration", "-- audit_migrations\nSELECT version, name, sha256 FROM migration"),
    (
        "refinery_schema_history",
        "-- audit_history\nSELECT version, name, checksum FROM refinery_schema_history",
    ),
];

impl Audit<'_> {
    /// What SQLite's own check of its structures, indexes and constraints finds.
    pub fn integrity(&self) -> Result<Vec<String>> {
        let mut statement =
            self.conn.prepare("-- integrity\nPRAGMA integrity_check(25)").doing(DOING)?;
        let rows = statement.query_map([], |row| row.get::<_, String>(0)).doing(DOING)?;
        let mut found = rows.collect::<rusqlite::Result<Vec<_>>>().doing(DOING)?;
        found.retain(|line| line != "ok");
        Ok(found)
    }

    /// Rows that refer to rows which are not there.
    pub fn foreign_keys(&self) -> Result<Vec<Difference>> {
        let mut statement =
            self.conn.prepare("-- foreign_keys\nPRAGMA foreign_key_check").doing(DOING)?;
        let mut rows = statement.query([]).doing(DOING)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().doing(DOING)?
            && i64::try_from(found.len()).is_ok_and(|found| found < AT_MOST)
        {
            let read = || -> rusqlite::Result<_> {
                let (table, id) = (row.get::<_, String>(0)?, row.get::<_, Option<i64>>(1)?);
                Ok((table, id, row.get::<_, String>(2)?))
            };
            let (table, id, parent) = read().doing(DOING)?;
            let place = id.map_or_else(|| table.clone(), |id| format!("{table} {id}"));
            found.push(Difference { place, what: format!("refers to no row of {parent}") });
        }
        Ok(found)
    }

    /// The number of the schema, as the file says it.
    pub fn schema(&self) -> Result<u32> {
        schema::version(self.conn)
    }

    /// Where the schema, and the rows that migrations wrote, differ from those of a fresh journal.
    pub fn schema_differences(&self) -> Result<Vec<Difference>> {
        let version = schema::version(self.conn)?;
        let older;
        let fresh = match FRESH.get() {
            Some(fresh) if version == schema::newest() => fresh,
            _ => {
                let fresh = Fresh::of(version)?;
                if version == schema::newest() {
                    FRESH.get_or_init(|| fresh)
                } else {
                    older = fresh;
                    &older
                }
            }
        };
        let mut found: Vec<Difference> = schema::check_applied(self.conn)?
            .into_iter()
            .map(|what| Difference { place: "migration".to_owned(), what })
            .collect();
        let (ours, theirs) = (&fresh.objects, &objects(self.conn)?);
        for (kind, name, ..) in ours.symmetric_difference(theirs) {
            let has =
                |set: &BTreeSet<Object>| set.iter().any(|one| (&one.0, &one.1) == (kind, name));
            let what = match (has(ours), has(theirs)) {
                (true, false) => "is missing",
                (false, true) => "does not belong to a journal",
                _ => "was altered",
            };
            let place = format!("{kind} {name}");
            if !found.iter().any(|one| one.place == place) {
                found.push(Difference { place, what: what.to_owned() });
            }
        }
        for ((table, sql), ours) in CONSTANT.iter().zip(&fresh.rows) {
            let theirs = rows(self.conn, sql)?;
            for row in ours.symmetric_difference(&theirs) {
                let what =
                    if ours.contains(row) { "a row is missing" } else { "a row does not belong" };
                let row: Vec<String> = row.iter().map(ToString::to_string).collect();
                let what = format!("{what}: {}", row.join(", "));
                found.push(Difference { place: (*table).to_owned(), what });
            }
        }
        Ok(found)
    }
}

/// What a fresh journal holds before its first event.
struct Fresh {
    objects: BTreeSet<Object>,
    /// The rows of each of the [`CONSTANT`] tables.
    rows: Vec<BTreeSet<Vec<Cell>>>,
}

/// That of the newest schema. Tests verify thousands of journals in one process.
static FRESH: OnceLock<Fresh> = OnceLock::new();

impl Fresh {
    fn of(version: u32) -> Result<Self> {
        let conn = schema::fresh(version)?;
        let rows = CONSTANT.iter().map(|(_, sql)| rows(&conn, sql)).collect::<Result<_>>()?;
        Ok(Self { objects: objects(&conn)?, rows })
    }
}

/// Kind, name, table and text of something in the schema.
type Object = (String, String, String, Option<String>);

fn objects(conn: &Connection) -> Result<BTreeSet<Object>> {
    let mut statement = conn
        .prepare("-- audit_schema\nSELECT type, name, tbl_name, sql FROM sqlite_schema")
        .doing(DOING)?;
    let rows = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .doing(DOING)?;
    rows.collect::<rusqlite::Result<_>>().doing(DOING)
}

fn rows(conn: &Connection, sql: &str) -> Result<BTreeSet<Vec<Cell>>> {
    let mut statement = conn.prepare(sql).doing(DOING)?;
    let columns = statement.column_count();
    let rows = statement
        .query_map([], |row| (0..columns).map(|column| Ok(cell(row.get_ref(column)?))).collect())
        .doing(DOING)?;
    rows.collect::<rusqlite::Result<_>>().doing(DOING)
}
