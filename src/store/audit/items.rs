//! Items as they stand in the file: entries, answers, attempts, evidence, rows left out, secrets.

use flate2::{FlushDecompress, Status};
use rusqlite::types::FromSql;
use rusqlite::{OptionalExtension, Row, named_params};

use crate::domain::fold::Table;
use crate::domain::id::{BatchId, EntryId, RequestId};
use crate::domain::recheck::Found;
use crate::domain::scope::Scope;
use crate::domain::state::{EntryState, Outcome, Verdict};
use crate::store::audit::{AT_MOST, Audit, DOING};
use crate::store::code::Sql;
use crate::store::error::{Doing, Result};
use crate::store::scope;

/// An entry's derived columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryStateRow {
    /// Its number.
    pub entry: i64,
    /// The number of its scope.
    pub scope: i64,
    /// Its state; `None` for a number that is no state.
    pub state: Option<EntryState>,
}

/// An entry's sealed columns; `None` when erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ItemRow {
    /// Its number.
    pub entry: i64,
    /// The number of its scope.
    pub scope: i64,
    /// Zoho's id.
    pub target: Option<i64>,
    /// The row of the source.
    pub row: Option<i64>,
}

/// One entry in one batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttemptRow {
    /// The entry.
    pub entry: i64,
    /// What came of it; `None` for a number that is no outcome.
    pub outcome: Option<Outcome>,
    /// The number of what Zoho said.
    pub said: i64,
}

/// An answer; each part `None` when erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawAnswerRow {
    /// The body, deflated.
    pub body: Option<Vec<u8>>,
    /// Where each item's bytes stand.
    pub cuts: Option<Vec<u8>>,
}

/// What evidence says about one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvidenceRow {
    /// The entry.
    pub entry: i64,
    /// The verdict; `None` for a number that is none.
    pub verdict: Option<Verdict>,
    /// The code.
    pub code: String,
    /// The facts; `None` when erased.
    pub facts: Option<String>,
}

/// What was there before an entry's call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotRow {
    /// The entry.
    pub entry: i64,
    /// The facts; `None` when erased.
    pub facts: Option<String>,
}

/// What a later look showed of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecheckRow {
    /// The entry.
    pub entry: i64,
    /// What was found; `None` for a number that is none.
    pub found: Option<Found>,
    /// The facts; `None` when erased.
    pub facts: Option<String>,
}

/// A row that did not become an entry; parts are `None` when erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedRow {
    /// Its number.
    pub ordinal: i64,
    /// Its line.
    pub line: Option<i64>,
    /// What stood there.
    pub value: Option<String>,
    /// Why it was left out.
    pub reason: Option<String>,
}

/// A node of a request's tree of secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretRow {
    /// `items` or `rejected`.
    pub purpose: String,
    /// Depth below the root.
    pub level: i64,
    /// Position within the level.
    pub idx: i64,
    /// The key.
    pub key: Vec<u8>,
}

/// A column that holds the number of a member of a closed set; `None` for any other number.
fn member<T>(row: &Row<'_>, column: usize) -> Option<T>
where
    Sql<T>: FromSql,
{
    row.get::<_, Sql<T>>(column).ok().map(|Sql(one)| one)
}

impl Audit<'_> {
    /// The number that stands for a state in the file.
    pub fn number_of(state: EntryState) -> i64 {
        Sql(state).code()
    }

    /// Hands the entries of a range on, in order, with what the log decides about them.
    pub fn each_entry_state(
        &self,
        first: i64,
        last: i64,
        mut visit: impl FnMut(EntryStateRow),
    ) -> Result<()> {
        let mut statement = self
            .conn
            .prepare_cached(
                "-- audit_entry_states\nSELECT id, scope, state FROM entry
                 WHERE id BETWEEN :first AND :last ORDER BY id",
            )
            .doing(DOING)?;
        let mut rows =
            statement.query(named_params! {":first": first, ":last": last}).doing(DOING)?;
        while let Some(row) = rows.next().doing(DOING)? {
            let read = || -> rusqlite::Result<_> {
                Ok(EntryStateRow { entry: row.get(0)?, scope: row.get(1)?, state: member(row, 2) })
            };
            visit(read().doing(DOING)?);
        }
        Ok(())
    }

    /// Hands the entries of a range on, in order, with what their leaves name.
    pub fn each_item(
        &self,
        (first, last): (EntryId, EntryId),
        mut visit: impl FnMut(ItemRow),
    ) -> Result<()> {
        let mut statement = self
            .conn
            .prepare_cached(
                "-- audit_items\nSELECT id, scope, target, row FROM entry
                 WHERE id BETWEEN :first AND :last ORDER BY id",
            )
            .doing(DOING)?;
        let mut rows = statement
            .query(named_params! {":first": Sql(first), ":last": Sql(last)})
            .doing(DOING)?;
        while let Some(row) = rows.next().doing(DOING)? {
            let read = || -> rusqlite::Result<_> {
                let (entry, scope) = (row.get(0)?, row.get(1)?);
                Ok(ItemRow { entry, scope, target: row.get(2)?, row: row.get(3)? })
            };
            visit(read().doing(DOING)?);
        }
        Ok(())
    }

    /// Adds the attempts of a range of entries in one batch to `attempts`, in order.
    pub fn attempts(
        &self,
        batch: BatchId,
        (first, last): (EntryId, EntryId),
        attempts: &mut Vec<AttemptRow>,
    ) -> Result<()> {
        let mut statement = self
            .conn
            .prepare_cached(
                "-- audit_attempts\nSELECT entry, outcome, said FROM attempt
                 WHERE entry BETWEEN :first AND :last AND batch = :batch ORDER BY entry",
            )
            .doing(DOING)?;
        let mut rows = statement
            .query(named_params! {":first": Sql(first), ":last": Sql(last), ":batch": Sql(batch)})
            .doing(DOING)?;
        while let Some(row) = rows.next().doing(DOING)? {
            let read = || -> rusqlite::Result<_> {
                Ok(AttemptRow { entry: row.get(0)?, outcome: member(row, 1), said: row.get(2)? })
            };
            attempts.push(read().doing(DOING)?);
        }
        Ok(())
    }

    /// What Zoho said, by its number: code and message.
    pub fn said(&self, id: i64) -> Result<Option<(String, String)>> {
        self.conn
            .prepare_cached("-- audit_said\nSELECT code, message FROM said WHERE id = :id")
            .and_then(|mut statement| {
                statement
                    .query_row(named_params! {":id": id}, |row| Ok((row.get(0)?, row.get(1)?)))
                    .optional()
            })
            .doing(DOING)
    }

    /// Hands the number of everything that Zoho said on.
    pub fn each_said(&self, mut visit: impl FnMut(i64)) -> Result<()> {
        let mut statement = self
            .conn
            .prepare("-- audit_each_said\nSELECT id FROM said ORDER BY id")
            .doing(DOING)?;
        let mut rows = statement.query([]).doing(DOING)?;
        while let Some(row) = rows.next().doing(DOING)? {
            visit(row.get(0).doing(DOING)?);
        }
        Ok(())
    }

    /// The answer to a batch.
    pub fn answer(&self, batch: BatchId) -> Result<Option<RawAnswerRow>> {
        self.conn
            .prepare_cached("-- audit_answer\nSELECT body, cuts FROM answer WHERE batch = :batch")
            .and_then(|mut statement| {
                statement
                    .query_row(named_params! {":batch": Sql(batch)}, |row| {
                        Ok(RawAnswerRow { body: row.get(0)?, cuts: row.get(1)? })
                    })
                    .optional()
            })
            .doing(DOING)
    }

    /// Adds what one later look showed of a range of entries to `found`, in order.
    pub fn rechecks(
        &self,
        reading: i64,
        (first, last): (EntryId, EntryId),
        found: &mut Vec<RecheckRow>,
    ) -> Result<()> {
        let mut statement = self
            .conn
            .prepare_cached(
                "-- audit_rechecks\nSELECT entry, found, facts FROM recheck
                 WHERE entry BETWEEN :first AND :last AND reading = :reading ORDER BY entry",
            )
            .doing(DOING)?;
        let rows = statement
            .query_map(
                named_params! {":first": Sql(first), ":last": Sql(last), ":reading": reading},
                |row| {
                    let found = row.get::<_, Sql<Found>>(1).ok().map(|Sql(found)| found);
                    Ok(RecheckRow { entry: row.get(0)?, found, facts: row.get(2)? })
                },
            )
            .doing(DOING)?;
        for row in rows {
            found.push(row.doing(DOING)?);
        }
        Ok(())
    }

    /// Adds the snapshots of a range of entries in one reading to `found`, in order.
    pub fn snapshots(
        &self,
        reading: i64,
        (first, last): (EntryId, EntryId),
        found: &mut Vec<SnapshotRow>,
    ) -> Result<()> {
        let mut statement = self
            .conn
            .prepare_cached(
                "-- audit_snapshots\nSELECT entry, facts FROM snapshot
                 WHERE entry BETWEEN :first AND :last AND reading = :reading ORDER BY entry",
            )
            .doing(DOING)?;
        let rows = statement
            .query_map(
                named_params! {":first": Sql(first), ":last": Sql(last), ":reading": reading},
                |row| Ok(SnapshotRow { entry: row.get(0)?, facts: row.get(1)? }),
            )
            .doing(DOING)?;
        for row in rows {
            found.push(row.doing(DOING)?);
        }
        Ok(())
    }

    /// The scope of a number; `None` for one that is not there, or not whole.
    pub fn scope(&self, id: i64) -> Result<Option<Scope>> {
        self.conn
            .prepare_cached(
                "-- audit_scope\nSELECT operation, product, module, parent, related_list, tags
                 FROM scope WHERE id = :id",
            )
            .and_then(|mut statement| {
                statement.query_row(named_params! {":id": id}, |row| scope::read(row, 0)).optional()
            })
            .map(Option::flatten)
            .doing(DOING)
    }

    /// Hands the number of every scope on, with the text of all that it holds.
    pub fn each_scope(&self, mut visit: impl FnMut(i64, String)) -> Result<()> {
        let mut statement = self
            .conn
            .prepare(
                "-- audit_scopes\nSELECT id, json_array(operation, product, module, parent,
                     related_list, tags) FROM scope ORDER BY id",
            )
            .doing(DOING)?;
        let mut rows = statement.query([]).doing(DOING)?;
        while let Some(row) = rows.next().doing(DOING)? {
            let read = || -> rusqlite::Result<_> { Ok((row.get(0)?, row.get(1)?)) };
            let (id, text) = read().doing(DOING)?;
            visit(id, text);
        }
        Ok(())
    }

    /// Adds the evidence of a range of entries in one reading to `found`, in order.
    pub fn evidence(
        &self,
        reading: i64,
        (first, last): (EntryId, EntryId),
        found: &mut Vec<EvidenceRow>,
    ) -> Result<()> {
        let mut statement = self
            .conn
            .prepare_cached(
                "-- audit_evidence\nSELECT entry, verdict, code, facts FROM evidence
                 WHERE entry BETWEEN :first AND :last AND reading = :reading ORDER BY entry",
            )
            .doing(DOING)?;
        let mut rows = statement
            .query(named_params! {":first": Sql(first), ":last": Sql(last), ":reading": reading})
            .doing(DOING)?;
        while let Some(row) = rows.next().doing(DOING)? {
            let read = || -> rusqlite::Result<_> {
                let (entry, verdict) = (row.get(0)?, member(row, 1));
                Ok(EvidenceRow { entry, verdict, code: row.get(2)?, facts: row.get(3)? })
            };
            found.push(read().doing(DOING)?);
        }
        Ok(())
    }

    /// Hands a request's rows that did not become entries on, in the order of their numbers.
    pub fn each_rejected(
        &self,
        request: RequestId,
        mut visit: impl FnMut(&RejectedRow),
    ) -> Result<()> {
        let mut statement = self
            .conn
            .prepare_cached(
                "-- audit_rejected\nSELECT ordinal, line, value, reason FROM rejected
                 WHERE request = :request ORDER BY ordinal",
            )
            .doing(DOING)?;
        let mut rows = statement.query(named_params! {":request": Sql(request)}).doing(DOING)?;
        while let Some(row) = rows.next().doing(DOING)? {
            let read = || -> rusqlite::Result<_> {
                let (ordinal, line) = (row.get(0)?, row.get(1)?);
                Ok(RejectedRow { ordinal, line, value: row.get(2)?, reason: row.get(3)? })
            };
            visit(&read().doing(DOING)?);
        }
        Ok(())
    }

    /// A request's secrets.
    pub fn secrets(&self, request: RequestId) -> Result<Vec<SecretRow>> {
        let mut statement = self
            .conn
            .prepare_cached(
                "-- audit_secrets\nSELECT purpose, level, idx, key FROM secret
                 WHERE request = :request ORDER BY purpose, level, idx",
            )
            .doing(DOING)?;
        let rows = statement
            .query_map(named_params! {":request": Sql(request)}, |row| {
                let (purpose, level) = (row.get(0)?, row.get(1)?);
                Ok(SecretRow { purpose, level, idx: row.get(2)?, key: row.get(3)? })
            })
            .doing(DOING)?;
        rows.collect::<rusqlite::Result<_>>().doing(DOING)
    }

    /// Rows of a numbered table whose numbers lie outside of `1..=last`.
    pub fn outside(&self, table: Table, last: i64) -> Result<Vec<i64>> {
        macro_rules! outside {
            ($name:literal) => {
                concat!(
                    "-- audit_outside\nSELECT id FROM ",
                    $name,
                    " WHERE id < 1 OR id > :last ORDER BY id LIMIT :at_most"
                )
            };
        }
        let sql = match table {
            Table::Run => outside!("run"),
            Table::Request => outside!("request"),
            Table::Template => outside!("template"),
            Table::Batch => outside!("batch"),
            Table::Reading => outside!("reading"),
            Table::Entry => outside!("entry"),
            Table::Hold => outside!("hold"),
            Table::Policy => outside!("policy"),
            Table::Erasure => outside!("erasure"),
            Table::Adoption => outside!("adoption"),
            Table::Shredding => outside!("shredding"),
            Table::Binding
            | Table::Module
            | Table::Share
            | Table::Secret
            | Table::Rejected
            | Table::Answer
            | Table::Attempt
            | Table::Job
            | Table::Snapshot
            | Table::FullSnapshot
            | Table::Recheck
            | Table::Cancellation
            | Table::Pause
            | Table::HoldId
            | Table::HoldSecret
            | Table::Evidence => return Ok(Vec::new()),
        };
        let mut statement = self.conn.prepare(sql).doing(DOING)?;
        let rows = statement
            .query_map(named_params! {":last": last, ":at_most": AT_MOST}, |row| row.get(0))
            .doing(DOING)?;
        rows.collect::<rusqlite::Result<_>>().doing(DOING)
    }
}

/// The largest answer that is read back: as much as was ever accepted from the network, and some.
const MAX_ANSWER: u64 = 64 * 1024 * 1024;

/// Inflates an answer. `None` when the bytes are damaged, too many, or something follows them: nothing may
/// hide behind an answer's end.
pub fn inflate(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut inflater = flate2::Decompress::new(false);
    let mut body = Vec::with_capacity(bytes.len().saturating_mul(8).clamp(1 << 10, 1 << 20));
    loop {
        let taken = usize::try_from(inflater.total_in()).ok()?;
        let (rest, before) = (bytes.get(taken..)?, inflater.total_out());
        let status = inflater.decompress_vec(rest, &mut body, FlushDecompress::None).ok()?;
        let whole = inflater.total_in() == u64::try_from(bytes.len()).ok()?;
        match status {
            Status::StreamEnd => return whole.then_some(body),
            // Neither an end nor a byte more, though there is room: it breaks off.
            Status::Ok | Status::BufError
                if inflater.total_out() == before && body.len() < body.capacity() =>
            {
                return None;
            }
            Status::Ok | Status::BufError => {}
        }
        if inflater.total_out() > MAX_ANSWER {
            return None;
        }
        if body.len() == body.capacity() {
            body.reserve(body.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_inflates_whole_or_not_at_all() {
        let body: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
        for body in [&body[..], b"", b"{}"] {
            let mut deflated = Vec::new();
            std::io::Write::write_all(
                &mut flate2::write::DeflateEncoder::new(
                    &mut deflated,
                    flate2::Compression::default(),
                ),
                body,
            )
            .unwrap();
            assert_eq!(inflate(&deflated).as_deref(), Some(body));
            assert_eq!(inflate(&deflated[..deflated.len() - 1]), None);
            deflated.push(0);
            assert_eq!(inflate(&deflated), None);
        }
        assert_eq!(inflate(b""), None);
    }
}
