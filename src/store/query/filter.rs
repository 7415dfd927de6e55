//! Which entries are wanted, and where they can be without looking at all of them.

use std::rc::Rc;

use rusqlite::types::Value;
use rusqlite::{Connection, named_params};

use crate::domain::id::{EntryId, EventSeq, ModuleName, RecordId, RequestId};
use crate::domain::scope::Operation;
use crate::domain::state::EntryState;
use crate::domain::time::Timestamp;
use crate::store::code::{Name, Sql};
use crate::store::error::{Doing, Result, StoreError};
use crate::store::log;
use crate::store::query::view::{EntryView, RequestView};

/// Which entries are wanted: within a kind any of the values, across kinds all of them. Empty means all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EntryFilter {
    /// Entries for these records: what is deleted, untagged or taken out of a list, the record whose list it
    /// is, and tags by their id.
    pub records: Vec<RecordId>,
    /// These entries.
    pub entries: Vec<EntryId>,
    /// In these states.
    pub states: Vec<EntryState>,
    /// Of these operations.
    pub operations: Vec<Operation>,
    /// In these modules.
    pub modules: Vec<ModuleName>,
    /// Of these requests.
    pub requests: Vec<RequestId>,
    /// Of requests with these tickets.
    pub tickets: Vec<String>,
    /// With these codes.
    pub codes: Vec<String>,
    /// Settled at this time or later, or not settled.
    pub since: Option<Timestamp>,
    /// Settled before this time, or not settled.
    pub until: Option<Timestamp>,
}

/// A value is wanted when its kind names it or names nothing.
fn any<T: PartialEq>(wanted: &[T], value: &T) -> bool {
    wanted.is_empty() || wanted.contains(value)
}

impl EntryFilter {
    /// Whether it asks for nothing that a request alone does not decide.
    pub fn is_about_requests_only(&self) -> bool {
        let Self { records, entries, states, codes, since, until, .. } = self;
        records.is_empty()
            && entries.is_empty()
            && states.is_empty()
            && codes.is_empty()
            && since.is_none()
            && until.is_none()
    }

    /// Whether it lets everything through.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a request's entries can be wanted at all.
    pub fn wants_request(&self, request: &RequestView) -> bool {
        any(&self.requests, &request.request)
            && any(&self.operations, &request.operation)
            && any(&self.modules, &request.module)
            && (self.tickets.is_empty()
                || request.ticket.as_ref().is_some_and(|ticket| self.tickets.contains(ticket)))
    }

    /// Whether an entry of a wanted request is wanted.
    pub(super) fn wants_entry(&self, view: &EntryView) -> bool {
        let in_time = || {
            let settled = view.settled().map(|settled| settled.at);
            settled.is_none_or(|at| {
                self.since.is_none_or(|since| since <= at)
                    && self.until.is_none_or(|until| at < until)
            })
        };
        any(&self.states, &view.state)
            && (self.codes.is_empty() || self.codes.iter().any(|code| code == view.code()))
            && ((self.since.is_none() && self.until.is_none()) || in_time())
    }

    /// The wanted states as SQL takes a list.
    pub(super) fn state_codes(&self) -> Rc<Vec<Value>> {
        Rc::new(self.states.iter().map(|state| Value::from(Sql(*state).code())).collect())
    }

    /// Ranges of entries that hold all that are wanted, ascending and disjoint. By record it is the index
    /// that knows, else requests are left out by what they are and by their tallies.
    pub(super) fn ranges(&self, conn: &Connection) -> Result<Vec<(EntryId, EntryId)>> {
        for request in &self.requests {
            request_exists(conn, *request)?;
        }
        let mut ranges = if self.records.is_empty() && self.entries.is_empty() {
            self.ranges_of_requests(conn)?
        } else {
            let mut ranges: Vec<_> = self.entries.iter().map(|entry| (*entry, *entry)).collect();
            for record in &self.records {
                ranges.extend(entries_for(conn, *record)?.into_iter().map(|one| (one, one)));
            }
            ranges
        };
        ranges.sort_unstable();
        ranges.dedup();
        Ok(ranges)
    }

    fn ranges_of_requests(&self, conn: &Connection) -> Result<Vec<(EntryId, EntryId)>> {
        let doing = "looking for entries";
        let mut statement = conn
            .prepare_cached(
                "-- ranges_of_requests\nSELECT r.id, r.seq, r.operation, r.module, r.first_entry,
                        r.last_entry
                 FROM request r
                 WHERE :any_state OR EXISTS (
                     SELECT 1 FROM tally t WHERE t.request = r.id AND t.entries > 0
                       AND t.state IN rarray(:states))
                 ORDER BY r.first_entry",
            )
            .doing(doing)?;
        let mut rows = statement
            .query(named_params! {
                ":any_state": self.states.is_empty(), ":states": self.state_codes(),
            })
            .doing(doing)?;
        let mut ranges: Vec<(EntryId, EntryId)> = Vec::new();
        while let Some(row) = rows.next().doing(doing)? {
            let read = || -> rusqlite::Result<_> {
                let (Sql(id), Sql(seq)) = (row.get(0)?, row.get(1)?);
                let (Name(operation), Name(module)) = (row.get(2)?, row.get(3)?);
                let (Sql(first), Sql(last)) = (row.get(4)?, row.get(5)?);
                Ok((id, seq, operation, module, first, last))
            };
            let (id, seq, operation, module, first, last) = read().doing(doing)?;
            let wanted = any(&self.requests, &id)
                && any(&self.operations, &operation)
                && any(&self.modules, &module)
                && self.has_ticket(conn, seq)?;
            if !wanted {
                continue;
            }
            match ranges.last_mut() {
                Some((_, end)) if end.next() == first => *end = last,
                _ => ranges.push((first, last)),
            }
        }
        Ok(ranges)
    }

    fn has_ticket(&self, conn: &Connection, seq: EventSeq) -> Result<bool> {
        if self.tickets.is_empty() {
            return Ok(true);
        }
        let ticket = log::opened(conn, seq, "ticket")?;
        Ok(ticket.is_some_and(|ticket| self.tickets.contains(&ticket)))
    }
}

/// A request that is asked for by its number must be there: an empty list would look like an answer.
fn request_exists(conn: &Connection, request: RequestId) -> Result<()> {
    let found = conn
        .prepare_cached("-- request_exists\nSELECT 1 FROM request WHERE id = :id")
        .and_then(|mut statement| statement.exists(named_params! {":id": Sql(request)}))
        .doing("looking for a request")?;
    if found { Ok(()) } else { Err(StoreError::NotFound(request.to_string())) }
}

/// The entries that name a record, by the index, and those of the lists that it is the parent of.
pub(crate) fn entries_for(conn: &Connection, record: RecordId) -> Result<Vec<EntryId>> {
    let by_target = "-- entries_for\nSELECT id FROM entry WHERE target = :record";
    let mut entries = entries_by(conn, by_target, record)?;
    // Only relations have a parent, and its entries lie within the requests that unlink.
    let by_parent = "-- entries_of_parent\nSELECT e.id FROM request r
                     JOIN entry e ON e.id BETWEEN r.first_entry AND r.last_entry
                     WHERE r.operation IN ('unlink', 'relink') AND e.scope IN
                         (SELECT id FROM scope
                          WHERE operation IN ('unlink', 'relink') AND parent = :record)";
    if is_parent(conn, record)? {
        entries.extend(entries_by(conn, by_parent, record)?);
    }
    Ok(entries)
}

fn entries_by(conn: &Connection, sql: &'static str, record: RecordId) -> Result<Vec<EntryId>> {
    let doing = "looking for a record's entries";
    let mut statement = conn.prepare_cached(sql).doing(doing)?;
    let rows = statement
        .query_map(named_params! {":record": Sql(record)}, |row| {
            row.get::<_, Sql<EntryId>>(0).map(|Sql(id)| id)
        })
        .doing(doing)?;
    rows.collect::<rusqlite::Result<_>>().doing(doing)
}

/// Whether something was to be taken out of one of its lists.
fn is_parent(conn: &Connection, record: RecordId) -> Result<bool> {
    conn.prepare_cached(
        "-- is_parent\nSELECT 1 FROM scope WHERE operation IN ('unlink', 'relink') AND parent = :record",
    )
    .and_then(|mut statement| statement.exists(named_params! {":record": Sql(record)}))
    .doing("looking for a record's entries")
}
