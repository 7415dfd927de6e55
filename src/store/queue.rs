//! The queue: which pending entries the next batch carries.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, OptionalExtension, named_params};

use crate::domain::call::{CallItem, CallKind, Operation};
use crate::domain::id::{EntryId, ModuleName, RecordId, RequestId};
use crate::domain::limits::items_in_next_call;
use crate::domain::outcome::Judgement;
use crate::domain::state::Outcome;
use crate::domain::target::{ApiVersion, Product};
use crate::domain::time::Timestamp;
use crate::store::code::{Name, Sql};
use crate::store::error::{Doing, Result};

/// Which API version the write calls of each product use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Versions {
    /// For Zoho CRM.
    pub crm: ApiVersion,
    /// For Bigin.
    pub bigin: ApiVersion,
}

impl Versions {
    /// The version for a product.
    pub fn of(self, product: Product) -> ApiVersion {
        match product {
            Product::Crm => self.crm,
            Product::Bigin => self.bigin,
        }
    }
}

/// Entries that may share a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picked {
    /// What the call carries apart from its items.
    pub kind: CallKind,
    /// The items, ascending by entry.
    pub items: Vec<CallItem>,
}

/// Remembers up to where each request's range holds nothing pending, so that a million entries are not
/// scanned for each batch.
#[derive(Debug, Default)]
pub(crate) struct Cursors(HashMap<RequestId, EntryId>);

impl Cursors {
    /// To be called when entries went back to pending: the next look starts at the front again.
    pub(crate) fn rewind(&mut self) {
        self.0.clear();
    }

    /// The same, when an answer gives entries back.
    pub(crate) fn rewind_if(&mut self, judgement: &Judgement) {
        if judgement.results.iter().any(|result| result.outcome == Outcome::Returned) {
            self.rewind();
        }
    }
}

/// A request with something pending that may be sent now.
struct Due {
    request: RequestId,
    first: EntryId,
    last: EntryId,
    kind: CallKind,
}

/// Picks the entries of the next batch: of the first due request, filled up from others that may share
/// its call, `requests` only. `None` when nothing is due.
pub(crate) fn pick(
    conn: &Connection,
    cursors: &mut Cursors,
    versions: Versions,
    requests: &HashSet<RequestId>,
    now: Timestamp,
    at_most: usize,
) -> Result<Option<Picked>> {
    let due = due_requests(conn, versions, requests, now)?;
    if at_most == 0 {
        return Ok(None);
    }
    if let Some(picked) = pick_split(conn, &due, at_most)? {
        return Ok(Some(picked));
    }
    let mut done: HashSet<&CallKind> = HashSet::new();
    for leader in &due {
        if !done.insert(&leader.kind) {
            continue;
        }
        let limit = items_in_next_call(leader.kind.operation, None).min(at_most);
        let mut items: Vec<CallItem> = Vec::with_capacity(limit);
        for request in due.iter().filter(|one| one.kind == leader.kind) {
            fill(conn, cursors, request, &mut items, limit)?;
            if items.len() >= limit {
                break;
            }
        }
        if !items.is_empty() {
            return Ok(Some(Picked { kind: leader.kind.clone(), items }));
        }
    }
    Ok(None)
}

fn due_requests(
    conn: &Connection,
    versions: Versions,
    requests: &HashSet<RequestId>,
    now: Timestamp,
) -> Result<Vec<Due>> {
    let doing = "looking for pending entries";
    let mut statement = conn
        .prepare_cached(
            "-- due_requests\nSELECT r.id, r.first_entry, r.last_entry, r.operation, r.product,
                    r.module, r.workflows
             FROM tally t JOIN request r ON r.id = t.request
             WHERE t.state = 3 AND t.entries > 0 AND r.parked_seq IS NULL
               AND (r.not_before_ms IS NULL OR r.not_before_ms <= :now) AND r.valid_until_ms > :now
             ORDER BY r.first_entry",
        )
        .doing(doing)?;
    let rows = statement
        .query_map(named_params! {":now": Sql(now)}, |row| {
            let (Sql(request), Sql(first), Sql(last)) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let Name(operation) = row.get::<_, Name<Operation>>(3)?;
            let Name(product) = row.get::<_, Name<Product>>(4)?;
            let Name(module) = row.get::<_, Name<ModuleName>>(5)?;
            let api_version = versions.of(product);
            let workflows = row.get(6)?;
            let kind = CallKind { operation, product, api_version, module, workflows };
            Ok(Due { request, first, last, kind })
        })
        .doing(doing)?;
    let due = rows.collect::<rusqlite::Result<Vec<Due>>>().doing(doing)?;
    Ok(due.into_iter().filter(|one| requests.contains(&one.request)).collect())
}

/// Entries that a refused call gave back share their next call with few others: these go first.
/// CROSS JOIN fixes the order of the tables: the few rows of `share`, then their entries.
fn pick_split(conn: &Connection, due: &[Due], at_most: usize) -> Result<Option<Picked>> {
    let doing = "looking for pending entries";
    let mut statement = conn
        .prepare_cached(
            "-- pick_split\nSELECT s.entry, s.at_most, e.target FROM share s
             CROSS JOIN entry e ON e.id = s.entry
             WHERE e.state = 3 AND s.entry BETWEEN :first AND :last
             ORDER BY s.at_most, s.entry LIMIT 500",
        )
        .doing(doing)?;
    for request in due {
        let rows = statement
            .query_map(
                named_params! {":first": Sql(request.first), ":last": Sql(request.last)},
                |row| {
                    let (Sql(entry), share) = (row.get(0)?, row.get::<_, u32>(1)?);
                    Ok((entry, share, row.get::<_, Option<Sql<RecordId>>>(2)?))
                },
            )
            .doing(doing)?;
        let rows = rows.collect::<rusqlite::Result<Vec<_>>>().doing(doing)?;
        // Those that may share with the fewest first; where all of them are busy, the next ones.
        for same in rows.chunk_by(|one, other| one.1 == other.1) {
            let share = same.first().map(|(_, share, _)| *share);
            let limit = items_in_next_call(request.kind.operation, share).min(at_most);
            let mut items = Vec::new();
            for (entry, _, target) in same {
                if let Some(Sql(target)) = target {
                    push_if_free(conn, &request.kind, &mut items, *entry, *target)?;
                }
                if items.len() >= limit {
                    break;
                }
            }
            if !items.is_empty() {
                return Ok(Some(Picked { kind: request.kind.clone(), items }));
            }
        }
    }
    Ok(None)
}

/// Fills a batch up with pending entries of one request, in key order.
fn fill(
    conn: &Connection,
    cursors: &mut Cursors,
    due: &Due,
    items: &mut Vec<CallItem>,
    limit: usize,
) -> Result<()> {
    let doing = "looking for pending entries";
    let mut from = cursors.0.get(&due.request).copied().unwrap_or(due.first);
    let mut skipped: Option<EntryId> = None;
    let mut statement = conn
        .prepare_cached(
            "-- fill\nSELECT e.id, e.target,
                    (SELECT 1 FROM share s WHERE s.entry = e.id) IS NOT NULL
             FROM entry e
             WHERE e.id BETWEEN :from AND :last AND e.state = 3 ORDER BY e.id",
        )
        .doing(doing)?;
    let mut rows =
        statement.query(named_params! {":from": Sql(from), ":last": Sql(due.last)}).doing(doing)?;
    while items.len() < limit {
        let Some(row) = rows.next().doing(doing)? else {
            from = due.last.next();
            break;
        };
        let read = || -> rusqlite::Result<_> {
            let (Sql(entry), target) = (row.get(0)?, row.get::<_, Option<Sql<RecordId>>>(1)?);
            Ok((entry, target, row.get::<_, bool>(2)?))
        };
        let (entry, target, split): (EntryId, _, bool) = read().doing(doing)?;
        let free = match target {
            Some(Sql(target)) if !split => push_if_free(conn, &due.kind, items, entry, target)?,
            _ => false,
        };
        if !free {
            skipped.get_or_insert(entry);
        }
        from = entry.next();
    }
    cursors.0.insert(due.request, skipped.unwrap_or(from));
    Ok(())
}

/// Adds an entry unless its record is under way already: else a call would carry an id twice, and
/// evidence could not be put down to one of them.
fn push_if_free(
    conn: &Connection,
    kind: &CallKind,
    items: &mut Vec<CallItem>,
    entry: EntryId,
    target: RecordId,
) -> Result<bool> {
    if items.iter().any(|item| item.target == target) || is_busy(conn, kind, entry, target)? {
        return Ok(false);
    }
    items.push(CallItem { entry, target });
    Ok(true)
}

/// Whether another entry for the same record is in flight, queued or unknown.
fn is_busy(conn: &Connection, kind: &CallKind, entry: EntryId, target: RecordId) -> Result<bool> {
    conn.prepare_cached(
        "-- is_busy\nSELECT 1 FROM entry e JOIN scope s ON s.id = e.scope
         WHERE e.target = :target AND e.id <> :entry AND e.state IN (4, 5, 6)
           AND s.product = :product AND s.module = :module LIMIT 1",
    )
    .and_then(|mut statement| {
        statement
            .query_row(
                named_params! {
                    ":target": Sql(target), ":entry": Sql(entry),
                    ":product": kind.product.wire_name(), ":module": kind.module.as_str(),
                },
                |_| Ok(()),
            )
            .optional()
    })
    .map(|row| row.is_some())
    .doing("looking for calls under way")
}
