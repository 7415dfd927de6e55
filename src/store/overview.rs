//! Requests at a glance: what planning and the engine need to know of each.

use std::collections::BTreeMap;

use rusqlite::{Connection, named_params};

use crate::domain::event::Event;
use crate::domain::id::{EventSeq, RecordId, RequestId};
use crate::domain::plan::{PendingPart, RequestOverview};
use crate::domain::scope::TagSet;
use crate::domain::state::EntryState;
use crate::store::code::{Name, Sql, uncount};
use crate::store::error::{Doing, Result, StoreError};
use crate::store::scope::{self, ScopeId};
use crate::store::{Reader, WriteTx, entry, log};

impl Reader {
    /// Every request that the filter lets through, in order. `unsettled_only` skips those that are done.
    pub fn overview(
        &self,
        wanted: Option<&[RequestId]>,
        unsettled_only: bool,
    ) -> Result<Vec<RequestOverview>> {
        overview(&self.conn, wanted, unsettled_only)
    }

    /// How many entries of all requests stand in each state; states without any are left out.
    pub fn totals(&self) -> Result<Vec<(EntryState, u64)>> {
        entry::totals(&self.conn)
    }

    /// How many batches there are.
    pub fn batches(&self) -> Result<u64> {
        self.conn
            .query_row("-- batches\nSELECT coalesce(max(id), 0) FROM batch", [], |row| row.get(0))
            .map(uncount)
            .doing("counting batches")
    }
}

impl WriteTx<'_> {
    /// The same, inside a write transaction.
    pub(crate) fn overview(&self, wanted: Option<&[RequestId]>) -> Result<Vec<RequestOverview>> {
        overview(&self.tx, wanted, true)
    }
}

fn overview(
    conn: &Connection,
    wanted: Option<&[RequestId]>,
    unsettled_only: bool,
) -> Result<Vec<RequestOverview>> {
    let doing = "reading the requests";
    let mut statement = conn
        .prepare_cached(
            "-- overview\nSELECT r.id, r.seq, r.operation, r.product, r.module, r.workflows,
                    r.first_entry, r.last_entry, r.not_before_ms, r.valid_until_ms,
                    r.parked_seq IS NOT NULL, m.recycle_bin, r.related_list, r.snapshot,
                    r.module_seq, r.awaits, r.second, r.full_retention_ms IS NOT NULL
             FROM request r LEFT JOIN module m ON m.product = r.product AND m.module = r.module
             WHERE NOT :unsettled OR EXISTS (
                 SELECT 1 FROM tally t
                 WHERE t.request = r.id AND t.entries > 0 AND t.state IN (2, 3, 4, 5, 6, 10))
             ORDER BY r.id",
        )
        .doing(doing)?;
    let rows = statement
        .query_map(named_params! {":unsettled": unsettled_only}, |row| {
            let overview = RequestOverview {
                request: row.get::<_, Sql<_>>(0)?.0,
                operation: row.get::<_, Name<_>>(2)?.0,
                product: row.get::<_, Name<_>>(3)?.0,
                module: row.get::<_, Name<_>>(4)?.0,
                list: row.get::<_, Option<Name<_>>>(12)?.map(|Name(list)| list),
                tags: None,
                workflows: row.get(5)?,
                snapshot: row.get(13)?,
                snapshot_records: false,
                full: row.get(17)?,
                after: None,
                module_id: None,
                first: row.get::<_, Sql<_>>(6)?.0,
                last: row.get::<_, Sql<_>>(7)?.0,
                recorded_at: crate::domain::time::Timestamp::from_millis(0),
                requested_by: None,
                reason: None,
                ticket: None,
                not_before: row.get::<_, Option<Sql<_>>>(8)?.map(|Sql(at)| at),
                valid_until: row.get::<_, Sql<_>>(9)?.0,
                parked: row.get(10)?,
                unapproved: row.get(15)?,
                waits_by: None,
                lapsed: None,
                second: row.get(16)?,
                tally: BTreeMap::new(),
                pending: Vec::new(),
                recycle_bin: row.get(11)?,
            };
            let pinned = row.get::<_, Option<Sql<EventSeq>>>(14)?.map(|Sql(seq)| seq);
            Ok((overview, row.get::<_, Sql<EventSeq>>(1)?.0, pinned))
        })
        .doing(doing)?
        .collect::<rusqlite::Result<Vec<_>>>()
        .doing(doing)?;
    let mut requests = Vec::new();
    for (mut request, seq, pinned) in rows {
        if wanted.is_some_and(|wanted| !wanted.contains(&request.request)) {
            continue;
        }
        complete(conn, &mut request, seq)?;
        request.module_id = pinned.map(|seq| module_id(conn, seq)).transpose()?.flatten();
        requests.push(request);
    }
    if let Some(missing) = wanted
        .into_iter()
        .flatten()
        .find(|one| !unsettled_only && !requests.iter().any(|request| request.request == **one))
    {
        return Err(StoreError::NotFound(missing.to_string()));
    }
    Ok(requests)
}

/// What stands in other tables and in the request's own event.
fn complete(conn: &Connection, request: &mut RequestOverview, seq: EventSeq) -> Result<()> {
    let doing = "reading the requests";
    let mut tally = conn
        .prepare_cached(
            "-- tally_of\nSELECT state, entries FROM tally WHERE request = :id AND entries > 0",
        )
        .doing(doing)?;
    request.tally = tally
        .query_map(named_params! {":id": Sql(request.request)}, |row| {
            Ok((row.get::<_, Sql<EntryState>>(0)?.0, uncount(row.get(1)?)))
        })
        .doing(doing)?
        .collect::<rusqlite::Result<_>>()
        .doing(doing)?;
    if request.count(EntryState::Pending) > 0 {
        request.pending = pending_parts(conn, request)?;
    }
    let logged = log::event(conn, seq)?.decode()?;
    let Event::RequestRecorded(event) = logged.event else {
        return Err(StoreError::corrupt(
            "request",
            format!("{} has another event", request.request),
        ));
    };
    request.snapshot_records = event.snapshot_records.unwrap_or(false);
    request.after = event.after;
    request.recorded_at = logged.at;
    request.requested_by = log::opened(conn, seq, "requested_by")?;
    request.reason = log::opened(conn, seq, "reason")?;
    request.ticket = log::opened(conn, seq, "ticket")?;
    request.tags = log::opened(conn, seq, "tags")?.as_deref().and_then(TagSet::from_json);
    Ok(())
}

/// Zoho's id of a module, from the event that pinned it.
pub(crate) fn module_id(conn: &Connection, pinned: EventSeq) -> Result<Option<RecordId>> {
    let text = log::opened(conn, pinned, "module_id")?;
    Ok(text.and_then(|text| text.parse().ok()))
}

/// A request's pending entries by scope. Only relations have more than one: for the others the counts that are
/// kept say all, and a million entries are not looked at. A snapshot saves the next read only where a call may
/// have acted since, as in `snapshot::split`.
fn pending_parts(conn: &Connection, request: &RequestOverview) -> Result<Vec<PendingPart>> {
    let doing = "counting pending entries";
    let range = named_params! {":first": Sql(request.first), ":last": Sql(request.last)};
    let mut parts: BTreeMap<ScopeId, (u64, u64, BTreeMap<u32, u64>)> = BTreeMap::new();
    if request.list.is_some() {
        let mut statement = conn
            .prepare_cached(
                "-- pending_by_scope\nSELECT e.scope, count(*),
                     sum(NOT (EXISTS (SELECT 1 FROM snapshot p WHERE p.entry = e.id)
                          AND EXISTS (SELECT 1 FROM attempt a
                                      WHERE a.entry = e.id AND a.outcome IN (2, 4, 5))))
                 FROM entry e
                 WHERE e.id BETWEEN :first AND :last AND e.state = 3 GROUP BY e.scope",
            )
            .doing(doing)?;
        let mut rows = statement.query(range).doing(doing)?;
        while let Some(row) = rows.next().doing(doing)? {
            let read = || -> rusqlite::Result<_> {
                let scope = ScopeId(row.get(0)?);
                Ok((scope, (uncount(row.get(1)?), uncount(row.get(2)?), BTreeMap::new())))
            };
            let (scope, part) = read().doing(doing)?;
            parts.insert(scope, part);
        }
    } else {
        let (scope, read) = conn
            .prepare_cached(
                "-- scope_and_snapshots\nSELECT
                     (SELECT scope FROM entry WHERE id = :first),
                     (SELECT count(DISTINCT p.entry) FROM snapshot p CROSS JOIN entry e ON e.id = p.entry
                      WHERE p.entry BETWEEN :first AND :last AND e.state = 3
                        AND EXISTS (SELECT 1 FROM attempt a
                                    WHERE a.entry = e.id AND a.outcome IN (2, 4, 5)))",
            )
            .and_then(|mut statement| {
                statement.query_row(range, |row| Ok((ScopeId(row.get(0)?), uncount(row.get(1)?))))
            })
            .doing(doing)?;
        let pending = request.count(EntryState::Pending);
        parts.insert(scope, (pending, pending.saturating_sub(read), BTreeMap::new()));
    }
    let mut splits = conn
        .prepare_cached(
            "-- splits_of\nSELECT e.scope, s.at_most, count(*)
             FROM share s CROSS JOIN entry e ON e.id = s.entry
             WHERE s.entry BETWEEN :first AND :last AND e.state = 3 GROUP BY e.scope, s.at_most",
        )
        .doing(doing)?;
    let mut rows = splits.query(range).doing(doing)?;
    while let Some(row) = rows.next().doing(doing)? {
        let read = || -> rusqlite::Result<_> {
            Ok((ScopeId(row.get(0)?), row.get(1)?, uncount(row.get(2)?)))
        };
        let (scope, share, entries) = read().doing(doing)?;
        if let Some((_, _, splits)) = parts.get_mut(&scope) {
            splits.insert(share, entries);
        }
    }
    parts
        .into_iter()
        .map(|(id, (entries, unread, splits))| {
            Ok(PendingPart { scope: scope::get(conn, id)?, entries, splits, unread })
        })
        .collect()
}
