//! Requests as the erasure needs them, their secrets, and rows that had been left out.

use std::collections::{BTreeMap, HashMap, HashSet};

use rusqlite::{Connection, named_params};

use crate::domain::erasure::{SecretNode, kept_secrets, spans};
use crate::domain::event::ForgottenRows;
use crate::domain::id::{EntryId, EventSeq, RecordId, RequestId};
use crate::domain::ranges::EntryRanges;
use crate::domain::seal::Secret;
use crate::store::WriteTx;
use crate::store::code::{Sql, count, uncount};
use crate::store::error::{Doing, Result, StoreError};
use crate::store::forgetting::{FORGETTING, Plan};
use crate::store::items::secret_nodes;

/// The entries of a request.
pub(super) fn range_of(conn: &Connection, request: RequestId) -> Result<(EntryId, EntryId)> {
    conn.prepare_cached(
        "-- range_of\nSELECT first_entry, last_entry FROM request WHERE id = :request",
    )
    .and_then(|mut statement| {
        statement.query_row(named_params! {":request": Sql(request)}, |row| {
            let (Sql(first), Sql(last)) = (row.get(0)?, row.get(1)?);
            Ok((first, last))
        })
    })
    .doing(FORGETTING)
}

/// The event that recorded a request.
pub(super) fn event_of(conn: &Connection, request: RequestId) -> Result<EventSeq> {
    conn.prepare_cached("-- event_of\nSELECT seq FROM request WHERE id = :request")
        .and_then(|mut statement| {
            statement.query_row(named_params! {":request": Sql(request)}, |row| {
                row.get::<_, Sql<EventSeq>>(0)
            })
        })
        .map(|Sql(seq)| seq)
        .doing(FORGETTING)
}

/// How many rows of a request were left out.
pub(super) fn left_out_of(conn: &Connection, request: RequestId) -> Result<u64> {
    conn.prepare_cached("-- left_out_of\nSELECT count(*) FROM rejected WHERE request = :request")
        .and_then(|mut statement| {
            statement.query_row(named_params! {":request": Sql(request)}, |row| row.get(0))
        })
        .map(uncount)
        .doing(FORGETTING)
}

/// Rows that go with some entries: all of requests of which nothing is left, and those of any request that name
/// one of the entries' records.
pub(super) fn named_by(
    conn: &Connection,
    fresh: &EntryRanges,
    whole: &[RequestId],
) -> Result<Vec<ForgottenRows>> {
    let mut statement = conn
        .prepare(
            "-- rows_left\nSELECT request, ordinal, value FROM rejected WHERE value IS NOT NULL
             ORDER BY request, ordinal",
        )
        .doing(FORGETTING)?;
    if !statement.exists([]).doing(FORGETTING)? {
        return Ok(Vec::new());
    }
    let records = records_of(conn, fresh)?;
    let names = |value: &str| {
        let record = value.rsplit('/').next().and_then(|text| text.parse::<RecordId>().ok());
        record.is_some_and(|record| records.contains(&record.get()))
    };
    let mut found: BTreeMap<RequestId, EntryRanges> = BTreeMap::new();
    let mut rows = statement.query([]).doing(FORGETTING)?;
    while let Some(row) = rows.next().doing(FORGETTING)? {
        let read = || -> rusqlite::Result<(RequestId, i64, String)> {
            Ok((row.get::<_, Sql<RequestId>>(0)?.0, row.get(1)?, row.get(2)?))
        };
        let (request, ordinal, value) = read().doing(FORGETTING)?;
        if whole.contains(&request) || names(&value) {
            found.entry(request).or_default().push(EntryId::new(ordinal.saturating_add(1)));
        }
    }
    Ok(found.into_iter().map(|(request, rows)| ForgottenRows { request, rows }).collect())
}

/// What entries are about.
fn records_of(conn: &Connection, entries: &EntryRanges) -> Result<HashSet<i64>> {
    let mut statement = conn
        .prepare(
            "-- records_of\nSELECT target FROM entry
             WHERE id BETWEEN :first AND :last AND target IS NOT NULL",
        )
        .doing(FORGETTING)?;
    let mut records = HashSet::new();
    for (first, last) in entries.ranges() {
        let rows = statement
            .query_map(named_params! {":first": Sql(first), ":last": Sql(last)}, |row| row.get(0))
            .doing(FORGETTING)?;
        for record in rows {
            records.insert(record.doing(FORGETTING)?);
        }
    }
    Ok(records)
}

/// Rows of a request that were forgotten before, counted from 1.
pub(super) fn blank_rows_of(conn: &Connection, request: RequestId) -> Result<EntryRanges> {
    let mut statement = conn
        .prepare_cached(
            "-- blank_rows_of\nSELECT ordinal + 1 FROM rejected
             WHERE request = :request AND value IS NULL ORDER BY ordinal",
        )
        .doing(FORGETTING)?;
    let rows = statement
        .query_map(named_params! {":request": Sql(request)}, |row| row.get::<_, Sql<EntryId>>(0))
        .doing(FORGETTING)?;
    let mut blank = EntryRanges::default();
    for row in rows {
        blank.push(row.doing(FORGETTING)?.0);
    }
    Ok(blank)
}

impl WriteTx<'_> {
    /// Blanks rows that had been left out.
    pub(super) fn blank_rows(&self, rows: &[ForgottenRows]) -> Result<()> {
        let mut blank = self
            .tx
            .prepare(
                "-- blank_rows\nUPDATE rejected SET line = NULL, value = NULL, reason = NULL
                 WHERE request = :request AND ordinal BETWEEN :first AND :last",
            )
            .doing(FORGETTING)?;
        for one in rows {
            for (first, last) in one.rows.ranges() {
                blank
                    .execute(named_params! {
                        ":request": Sql(one.request),
                        ":first": first.get() - 1, ":last": last.get() - 1,
                    })
                    .doing(FORGETTING)?;
            }
        }
        Ok(())
    }

    /// Replaces secrets by those of what stays.
    pub(super) fn keep_secrets(&self, plan: &Plan, rows: &[ForgottenRows]) -> Result<()> {
        let mut gone_rows: HashMap<RequestId, EntryRanges> = HashMap::new();
        let mut requests: Vec<RequestId> = plan.owners.iter().map(|(one, ..)| *one).collect();
        for one in rows {
            let mut gone = blank_rows_of(&self.tx, one.request)?;
            gone.join(&one.rows);
            gone_rows.insert(one.request, gone);
            requests.push(one.request);
        }
        requests.sort_unstable();
        requests.dedup();
        for request in requests {
            let (first, last) = range_of(&self.tx, request)?;
            let gone = spans(&plan.after.part(first, last), first);
            let rows = match gone_rows.remove(&request) {
                Some(rows) => rows,
                None => blank_rows_of(&self.tx, request)?,
            };
            let (items, rows) = kept_secrets(
                (first.get().abs_diff(last.get()) + 1, &gone),
                (left_out_of(&self.tx, request)?, &spans(&rows, EntryId::new(1))),
            );
            self.replace_secrets(request, "items", &items)?;
            self.replace_secrets(request, "rejected", &rows)?;
        }
        Ok(())
    }

    /// Replaces the secrets of a request by these, which lie at or below those that are there.
    fn replace_secrets(
        &self,
        request: RequestId,
        purpose: &str,
        kept: &[SecretNode],
    ) -> Result<()> {
        let there: HashMap<SecretNode, Secret> =
            secret_nodes(&self.tx, request, purpose)?.into_iter().collect();
        let secrets: Option<Vec<Secret>> = kept.iter().map(|node| derive(&there, *node)).collect();
        let secrets = secrets.ok_or_else(|| {
            StoreError::corrupt("secret", format!("{request}: one that is needed is not there"))
        })?;
        self.tx
            .execute(
                "-- drop_secrets\nDELETE FROM secret WHERE request = :request AND purpose = :purpose",
                named_params! {":request": Sql(request), ":purpose": purpose},
            )
            .doing(FORGETTING)?;
        let mut insert = self
            .tx
            .prepare_cached(
                "-- keep_secret\nINSERT INTO secret (request, purpose, level, idx, key)
                 VALUES (:request, :purpose, :level, :idx, :key)",
            )
            .doing(FORGETTING)?;
        for ((level, idx), secret) in kept.iter().zip(secrets) {
            insert
                .execute(named_params! {
                    ":request": Sql(request), ":purpose": purpose, ":level": level,
                    ":idx": count(*idx), ":key": secret.bytes(),
                })
                .doing(FORGETTING)?;
        }
        Ok(())
    }
}

/// The secret of a node, from the one at it or above it.
fn derive(there: &HashMap<SecretNode, Secret>, (level, idx): SecretNode) -> Option<Secret> {
    (0..=level).find_map(|levels| {
        let above = there.get(&(level - levels, idx >> levels))?;
        Some(above.below(levels, idx & ((1 << levels) - 1)))
    })
}
