//! Withdrawals: entries that were not sent yet and never will be.

use rusqlite::{Connection, OptionalExtension, named_params};

use crate::domain::event::{EntriesCancelled, Event};
use crate::domain::id::{EntryId, EventSeq, RecordId, RequestId};
use crate::domain::merkle::Hash;
use crate::domain::ranges::EntryRanges;
use crate::domain::state::{Change, EntryState};
use crate::domain::time::Timestamp;
use crate::store::approval::By;
use crate::store::code::Sql;
use crate::store::error::{Doing, Result, StoreError};
use crate::store::log::{self, Seals};
use crate::store::query::entries_for;
use crate::store::standing::each_state;
use crate::store::{Reader, WriteTx, entry};

const DOING: &str = "withdrawing entries";

/// What is to be withdrawn.
#[derive(Debug, Clone, Default)]
pub struct Withdrawn {
    /// All that is left of these requests.
    pub requests: Vec<RequestId>,
    /// Entries, from the first to the last of each pair.
    pub entries: Vec<(EntryId, EntryId)>,
    /// Every entry for these records.
    pub records: Vec<RecordId>,
}

/// What became of a withdrawal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cancelled {
    /// Entries that are cancelled now.
    pub entries: EntryRanges,
    /// Entries that stay what they are, by state: what was sent cannot be withdrawn.
    pub left: Vec<(EntryState, EntryRanges)>,
}

/// Who cancelled an entry, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancellationView {
    /// The event.
    pub seq: EventSeq,
    /// When.
    pub at: Timestamp,
    /// Its leaf hash.
    pub leaf: Hash,
    /// Whether the request was rejected; else entries were withdrawn.
    pub rejected: bool,
    /// Who; `None` once erased.
    pub by: Option<String>,
    /// The OS account that recorded it; `None` once erased.
    pub account: Option<String>,
    /// Why; `None` once erased.
    pub reason: Option<String>,
}

impl CancellationView {
    /// The code that stands for it in lists and exports.
    pub const fn code(&self) -> &'static str {
        if self.rejected { "REJECTED" } else { "WITHDRAWN" }
    }
}

impl Reader {
    /// What a withdrawal would do, without doing it.
    pub fn would_cancel(&self, wanted: &Withdrawn) -> Result<Cancelled> {
        sorted(&self.conn, wanted)
    }
}

impl WriteTx<'_> {
    /// Withdraws what of it was not sent. Nothing is written when there is nothing of the kind.
    pub fn cancel(&mut self, wanted: &Withdrawn, by: By<'_>) -> Result<Cancelled> {
        let cancelled = sorted(&self.tx, wanted)?;
        if cancelled.entries.is_empty() {
            return Ok(cancelled);
        }
        let mut seals = Seals::default();
        let event = Event::from(EntriesCancelled {
            entries: cancelled.entries.clone(),
            program: by.program.to_owned(),
            cancelled_by: seals.add(self.entropy, "cancelled_by", by.who)?,
            recorded_by: seals.add(self.entropy, "recorded_by", by.account)?,
            reason: seals.add(self.entropy, "reason", by.reason)?,
        });
        entry::apply(&self.tx, &event)?;
        let seq = self.append(event, seals)?;
        insert(&self.tx, &cancelled.entries, seq)?;
        Ok(cancelled)
    }
}

/// Rows for entries that an event cancelled.
pub(crate) fn insert(conn: &Connection, entries: &EntryRanges, seq: EventSeq) -> Result<()> {
    let mut statement = conn
        .prepare_cached(
            "-- insert_cancellation\nINSERT INTO cancellation (first_entry, last_entry, seq)
             VALUES (:first, :last, :seq)",
        )
        .doing(DOING)?;
    for (first, last) in entries.ranges() {
        let row = named_params! {":first": Sql(first), ":last": Sql(last), ":seq": Sql(seq)};
        statement.execute(row).doing(DOING)?;
    }
    Ok(())
}

/// The entries that are named, by whether they can be withdrawn.
fn sorted(conn: &Connection, wanted: &Withdrawn) -> Result<Cancelled> {
    let mut ranges: Vec<(EntryId, EntryId)> = wanted.entries.clone();
    let newest = entry::next_id(conn)?;
    if let Some((_, last)) = ranges.iter().find(|(_, last)| *last >= newest) {
        return Err(StoreError::NotFound(last.to_string()));
    }
    for request in &wanted.requests {
        ranges.push(range_of(conn, *request)?);
    }
    for record in &wanted.records {
        let entries = entries_for(conn, *record)?;
        if entries.is_empty() {
            return Err(StoreError::NotFound(record.to_string()));
        }
        ranges.extend(entries.into_iter().map(|entry| (entry, entry)));
    }
    ranges.sort_unstable();
    let mut open = EntryRanges::default();
    let mut left: Vec<(EntryState, EntryRanges)> = Vec::new();
    let mut next = EntryId::new(1);
    for (first, last) in ranges {
        each_state(conn, first.max(next), last, |entry, state| {
            if state.next(Change::Cancelled).is_ok() {
                open.push(entry);
            } else if let Some((_, entries)) = left.iter_mut().find(|(one, _)| *one == state) {
                entries.push(entry);
            } else {
                left.push((state, EntryRanges::span(entry, entry)));
            }
        })?;
        next = next.max(last.next());
    }
    left.sort_by_key(|(state, _)| EntryState::ALL.iter().position(|one| one == state));
    Ok(Cancelled { entries: open, left })
}

fn range_of(conn: &Connection, request: RequestId) -> Result<(EntryId, EntryId)> {
    conn.prepare_cached("-- range_of\nSELECT first_entry, last_entry FROM request WHERE id = :id")
        .and_then(|mut statement| {
            statement
                .query_row(named_params! {":id": Sql(request)}, |row| {
                    let (Sql(first), Sql(last)) = (row.get(0)?, row.get(1)?);
                    Ok((first, last))
                })
                .optional()
        })
        .doing(DOING)?
        .ok_or_else(|| StoreError::NotFound(request.to_string()))
}

/// The event that cancelled an entry.
pub(crate) fn cancellation_of(conn: &Connection, entry: EntryId) -> Result<Option<EventSeq>> {
    let found: Option<(Sql<EntryId>, Sql<EventSeq>)> = conn
        .prepare_cached(
            "-- cancellation_of\nSELECT last_entry, seq FROM cancellation
             WHERE first_entry <= :entry ORDER BY first_entry DESC LIMIT 1",
        )
        .and_then(|mut statement| {
            statement
                .query_row(named_params! {":entry": Sql(entry)}, |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
                .optional()
        })
        .doing("reading an entry")?;
    Ok(found.filter(|(Sql(last), _)| entry <= *last).map(|(_, Sql(seq))| seq))
}

/// What an event that cancelled entries says.
pub(crate) fn cancellation(conn: &Connection, seq: EventSeq) -> Result<CancellationView> {
    let stored = log::event(conn, seq)?;
    let logged = stored.decode()?;
    let (rejected, who) = if let Event::RequestRejected(_) = logged.event {
        (true, "rejected_by")
    } else if let Event::EntriesCancelled(_) = logged.event {
        (false, "cancelled_by")
    } else {
        let what = format!("event {seq} cancels nothing");
        return Err(StoreError::corrupt("cancellation", what));
    };
    Ok(CancellationView {
        seq,
        at: logged.at,
        leaf: stored.leaf,
        rejected,
        by: log::opened(conn, seq, who)?,
        account: log::opened(conn, seq, "recorded_by")?,
        reason: log::opened(conn, seq, "reason")?,
    })
}
