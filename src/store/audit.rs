//! Raw reads for `verify`: rows as they stand in the file, without any meaning put into them.
//!
//! What other code takes for granted (a state that has a name, an answer that inflates) may not hold in a
//! file that somebody edited, so every odd value comes out as a value here, not as an error.

mod erased;
mod full_snapshots;
mod holds;
mod items;
mod schema;

pub use erased::{PrunedRow, PrunedTree, ScopeKind};
pub use full_snapshots::FullSnapshotRow;
pub use holds::HeldIdRow;
pub use items::{
    AttemptRow, EntryStateRow, EvidenceRow, ItemRow, RawAnswerRow, RecheckRow, RejectedRow,
    SecretRow, SnapshotRow, inflate,
};
pub use schema::Difference;

use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, OptionalExtension, ToSql, named_params, params_from_iter};

use crate::domain::fold::{Cell, Table};
use crate::domain::merkle::Hash;
use crate::store::Reader;
use crate::store::error::{Doing, Result};
use crate::store::log;

const DOING: &str = "verifying the journal";

/// Findings of one kind that SQLite or a query names one by one.
const AT_MOST: i64 = 25;

/// A journal under examination.
#[derive(Clone, Copy)]
pub struct Audit<'a> {
    pub(super) conn: &'a Connection,
}

impl std::fmt::Debug for Audit<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Audit").finish_non_exhaustive()
    }
}

impl Reader {
    /// Looks at the journal as `verify` does.
    pub fn audit(&self) -> Audit<'_> {
        Audit::of(&self.conn)
    }
}

impl<'a> Audit<'a> {
    pub(super) fn of(conn: &'a Connection) -> Self {
        Self { conn }
    }
}

/// An event as it stands in the file.
#[derive(Debug, Clone, Copy)]
pub struct RawEvent<'a> {
    /// Its position.
    pub seq: i64,
    /// Its bytes.
    pub body: &'a [u8],
    /// Its stored leaf.
    pub leaf: &'a [u8],
}

/// A row of `sealed`.
#[derive(Debug, Clone)]
pub struct SealedRow {
    /// The salt; `None` when erased.
    pub salt: Option<Vec<u8>>,
    /// The value; `None` when erased.
    pub value: Option<String>,
}

impl ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::Owned(Value::Null),
            Self::Integer(number) => ToSqlOutput::Owned(Value::Integer(*number)),
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Self::Bytes(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
        })
    }
}

/// A value as it stands. STRICT tables hold no reals; one that is there all the same reads as its text.
fn cell(value: ValueRef<'_>) -> Cell {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) => Cell::Integer(number),
        ValueRef::Real(real) => Cell::Text(real.to_string()),
        ValueRef::Text(text) => {
            String::from_utf8(text.to_vec()).map_or_else(|_| Cell::Bytes(text.to_vec()), Cell::Text)
        }
        ValueRef::Blob(bytes) => Cell::Bytes(bytes.to_vec()),
    }
}

/// The statements that read one row by its key, and count rows.
const fn statements(table: Table) -> (&'static str, &'static str) {
    macro_rules! of {
        ($name:literal, $key:literal) => {
            (
                concat!("-- audit_row\nSELECT * FROM ", $name, " WHERE ", $key),
                concat!("-- audit_count\nSELECT count(*) FROM ", $name),
            )
        };
    }
    match table {
        Table::Binding => of!("binding", "one = ?1"),
        Table::Run => of!("run", "id = ?1"),
        Table::Module => of!("module", "product = ?1 AND module = ?2"),
        Table::Request => of!("request", "id = ?1"),
        Table::Entry => of!("entry", "id = ?1"),
        Table::Share => of!("share", "entry = ?1"),
        Table::Secret => of!("secret", "request = ?1 AND purpose = ?2 AND level = ?3 AND idx = ?4"),
        Table::Rejected => of!("rejected", "request = ?1 AND ordinal = ?2"),
        Table::Template => of!("template", "id = ?1"),
        Table::Batch => of!("batch", "id = ?1"),
        Table::Answer => of!("answer", "batch = ?1"),
        Table::Attempt => of!("attempt", "entry = ?1 AND batch = ?2"),
        Table::Reading => of!("reading", "id = ?1"),
        Table::Evidence => of!("evidence", "entry = ?1 AND reading = ?2"),
        Table::Job => of!("job", "batch = ?1"),
        Table::Recheck => of!("recheck", "entry = ?1 AND reading = ?2"),
        Table::Erasure => of!("erasure", "id = ?1"),
        Table::Adoption => of!("adoption", "id = ?1"),
        Table::FullSnapshot => of!("full_snapshot", "entry = ?1 AND reading = ?2"),
        Table::Shredding => of!("shredding", "id = ?1"),
        Table::Snapshot => of!("snapshot", "entry = ?1 AND reading = ?2"),
        Table::Cancellation => of!("cancellation", "first_entry = ?1"),
        Table::Pause => of!("pause", "one = ?1"),
        Table::Hold => of!("hold", "id = ?1"),
        Table::HoldId => of!("hold_id", "hold = ?1 AND place = ?2"),
        Table::HoldSecret => of!("hold_secret", "hold = ?1 AND level = ?2 AND idx = ?3"),
        Table::Policy => of!("policy", "id = ?1"),
    }
}

impl<'a> Audit<'a> {
    /// Reads in order need no large cache; several connections with one each would.
    pub fn save_memory(&self) -> Result<()> {
        self.conn.execute_batch("-- save_memory\nPRAGMA cache_size = -4096").doing(DOING)
    }

    /// One row, all its columns; `None` when there is none.
    pub fn row(&self, table: Table, key: &[Cell]) -> Result<Option<Vec<(String, Cell)>>> {
        let mut statement = self.conn.prepare_cached(statements(table).0).doing(DOING)?;
        let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
        statement
            .query_row(params_from_iter(key), |row| {
                names
                    .into_iter()
                    .enumerate()
                    .map(|(column, name)| Ok((name, cell(row.get_ref(column)?))))
                    .collect()
            })
            .optional()
            .doing(DOING)
    }

    /// How many rows a table holds.
    pub fn count(&self, table: Table) -> Result<u64> {
        self.conn
            .prepare_cached(statements(table).1)
            .and_then(|mut statement| statement.query_row([], |row| row.get::<_, i64>(0)))
            .map(|rows| u64::try_from(rows).unwrap_or(0))
            .doing(DOING)
    }

    /// Hands every event on, in the order of their numbers.
    pub fn each_event(&self, mut visit: impl FnMut(RawEvent<'_>) -> Result<()>) -> Result<()> {
        let mut statement = self
            .conn
            .prepare_cached("-- audit_events\nSELECT seq, body, leaf FROM event ORDER BY seq")
            .doing(DOING)?;
        let mut rows = statement.query([]).doing(DOING)?;
        while let Some(row) = rows.next().doing(DOING)? {
            let read = || -> rusqlite::Result<_> {
                let (body, leaf) = (row.get_ref(1)?.as_bytes()?, row.get_ref(2)?.as_bytes()?);
                Ok(RawEvent { seq: row.get(0)?, body, leaf })
            };
            visit(read().doing(DOING)?)?;
        }
        Ok(())
    }

    /// The root that the log had at a size, from the stored nodes; `None` where it has fewer events.
    pub fn root_at(&self, size: u64) -> Result<Option<Hash>> {
        if size > log::head(self.conn)?.size {
            return Ok(None);
        }
        log::root_at(self.conn, size).map(Some)
    }

    /// The rows of `head`: number, size, root. There should be one.
    pub fn heads(&self) -> Result<Vec<(i64, i64, Vec<u8>)>> {
        let mut statement =
            self.conn.prepare("-- audit_head\nSELECT one, size, root FROM head").doing(DOING)?;
        let rows = statement
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .doing(DOING)?;
        rows.collect::<rusqlite::Result<_>>().doing(DOING)
    }

    /// Nodes of one level in order: index and hash.
    pub fn nodes(&self, level: u32) -> Stream<'a, i64, Vec<u8>> {
        let conn = self.conn;
        Stream::new(i64::MIN, move |after: &i64| {
            let mut statement = conn
                .prepare_cached(
                    "-- audit_nodes\nSELECT idx, hash FROM node
                     WHERE level = :level AND idx > :after ORDER BY idx LIMIT 512",
                )
                .doing(DOING)?;
            let rows = statement
                .query_map(named_params! {":level": level, ":after": after}, |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
                .doing(DOING)?;
            rows.collect::<rusqlite::Result<_>>().doing(DOING)
        })
    }

    /// Nodes of levels that the tree does not have: level and index.
    pub fn nodes_beyond(&self, levels: u32) -> Result<Vec<(i64, i64)>> {
        let mut statement = self
            .conn
            .prepare(
                "-- audit_nodes_beyond\nSELECT level, idx FROM node
                 WHERE level < 1 OR level > :levels LIMIT :at_most",
            )
            .doing(DOING)?;
        let rows = statement
            .query_map(named_params! {":levels": levels, ":at_most": AT_MOST}, |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .doing(DOING)?;
        rows.collect::<rusqlite::Result<_>>().doing(DOING)
    }

    /// The opened form of every seal, by event and field.
    pub fn seals(&self) -> Stream<'a, (i64, String), SealedRow> {
        let conn = self.conn;
        Stream::new((i64::MIN, String::new()), move |(seq, field): &(i64, String)| {
            let mut statement = conn
                .prepare_cached(
                    "-- audit_seals\nSELECT seq, field, salt, value FROM sealed
                     WHERE (seq, field) > (:seq, :field) ORDER BY seq, field LIMIT 512",
                )
                .doing(DOING)?;
            let rows = statement
                .query_map(named_params! {":seq": seq, ":field": field}, |row| {
                    let key = (row.get(0)?, row.get(1)?);
                    Ok((key, SealedRow { salt: row.get(2)?, value: row.get(3)? }))
                })
                .doing(DOING)?;
            rows.collect::<rusqlite::Result<_>>().doing(DOING)
        })
    }

    /// The opened value of one seal.
    pub fn opened(&self, seq: i64, field: &str) -> Result<Option<String>> {
        crate::store::log::opened(self.conn, crate::domain::id::EventSeq::new(seq), field)
    }

    /// The stored counts of entries by request and state: request, number of the state, entries.
    pub fn tallies(&self) -> Stream<'a, (i64, i64), i64> {
        let conn = self.conn;
        Stream::new((i64::MIN, i64::MIN), move |(request, state): &(i64, i64)| {
            let mut statement = conn
                .prepare_cached(
                    "-- audit_tallies\nSELECT request, state, entries FROM tally
                     WHERE (request, state) > (:request, :state)
                     ORDER BY request, state LIMIT 512",
                )
                .doing(DOING)?;
            let rows = statement
                .query_map(named_params! {":request": request, ":state": state}, |row| {
                    Ok(((row.get(0)?, row.get(1)?), row.get(2)?))
                })
                .doing(DOING)?;
            rows.collect::<rusqlite::Result<_>>().doing(DOING)
        })
    }
}

/// Reads the rows after a key.
type Fetch<'a, K, T> = dyn Fn(&K) -> Result<Vec<(K, T)>> + 'a;

/// Rows in the order of their key, fetched page by page, so that no statement stays open between them.
pub struct Stream<'a, K, T> {
    fetch: Box<Fetch<'a, K, T>>,
    after: K,
    page: std::iter::Peekable<std::vec::IntoIter<(K, T)>>,
    at_end: bool,
}

impl<K: std::fmt::Debug, T> std::fmt::Debug for Stream<'_, K, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stream").field("after", &self.after).finish_non_exhaustive()
    }
}

impl<'a, K: Clone, T> Stream<'a, K, T> {
    fn new(before_all: K, fetch: impl Fn(&K) -> Result<Vec<(K, T)>> + 'a) -> Self {
        let page = Vec::new().into_iter().peekable();
        Self { fetch: Box::new(fetch), after: before_all, page, at_end: false }
    }

    /// The next row's key, without taking the row.
    pub fn peek(&mut self) -> Result<Option<&K>> {
        if self.page.peek().is_none() && !self.at_end {
            let page = (self.fetch)(&self.after)?;
            match page.last() {
                Some((key, _)) => self.after = key.clone(),
                None => self.at_end = true,
            }
            self.page = page.into_iter().peekable();
        }
        Ok(self.page.peek().map(|(key, _)| key))
    }

    /// Takes the next row.
    pub fn take(&mut self) -> Result<Option<(K, T)>> {
        self.peek()?;
        Ok(self.page.next())
    }
}
