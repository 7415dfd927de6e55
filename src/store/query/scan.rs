//! Entries in key order, each with its story, in constant memory.

use rusqlite::types::Value;
use rusqlite::{Connection, named_params};
use std::collections::HashMap;
use std::rc::Rc;

use crate::domain::id::{BatchId, EntryId, RecordId};
use crate::domain::ranges::EntryRanges;
use crate::domain::recheck::Found;
use crate::domain::scope::Operation;
use crate::domain::state::{EntryState, Outcome, Verdict};
use crate::store::Reader;
use crate::store::code::Sql;
use crate::store::error::{Doing, Result, StoreError};
use crate::store::query::filter::EntryFilter;
use crate::store::query::later::{RecheckView, UndoneBy};
use crate::store::query::lookup::Lookups;
use crate::store::query::view::{AttemptResult, EntryView, Step};
use crate::store::{recheck, undo};

/// Entries that are read at a time. More gains nothing.
const CHUNK: usize = 1024;

/// When the wanted entries of a chunk lie further apart than this on average, their attempts are looked up
/// one by one instead of being read through.
const SPARSE: u64 = 8;

const READING: &str = "reading entries";

impl Reader {
    /// Hands every wanted entry to `visit`, in key order, one at a time, and returns how many.
    pub fn entries<E: From<StoreError>>(
        &self,
        filter: &EntryFilter,
        mut visit: impl FnMut(&EntryView) -> std::result::Result<(), E>,
    ) -> std::result::Result<u64, E> {
        let mut scan = Scan::new(&self.conn, filter)?;
        let mut visited = 0;
        for range in filter.ranges(&self.conn)? {
            scan.each(range, &mut |view: &EntryView| -> std::result::Result<(), E> {
                if filter.wants_request(&view.request) && filter.wants_entry(view) {
                    visit(view)?;
                    visited += 1;
                }
                Ok(())
            })?;
        }
        Ok(visited)
    }

    /// One entry with its story.
    pub fn entry(&self, entry: EntryId) -> Result<EntryView> {
        let filter = EntryFilter { entries: vec![entry], ..EntryFilter::default() };
        let mut found = None;
        self.entries(&filter, |view| {
            found = Some(view.clone());
            Ok::<_, StoreError>(())
        })?;
        found.ok_or_else(|| StoreError::NotFound(entry.to_string()))
    }
}

/// Hands every entry of a set that is there to `visit`, in key order, also within a write transaction.
pub(crate) fn each_of<E: From<StoreError>>(
    conn: &Connection,
    entries: &EntryRanges,
    mut visit: impl FnMut(&EntryView) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    let mut scan = Scan::new(conn, &EntryFilter::default())?;
    entries.ranges().try_for_each(|range| scan.each(range, &mut visit))
}

struct EntryRow {
    entry: EntryId,
    scope: i64,
    target: Option<RecordId>,
    row: Option<i64>,
    state: EntryState,
}

struct AttemptRow {
    entry: EntryId,
    batch: BatchId,
    outcome: Outcome,
    said: i64,
}

struct EvidenceRow {
    entry: EntryId,
    reading: i64,
    verdict: Verdict,
    code: String,
    facts: Option<String>,
}

struct RecheckRow {
    entry: EntryId,
    reading: i64,
    found: Found,
    facts: Option<String>,
}

struct SnapshotRow {
    entry: EntryId,
    reading: i64,
    facts: Option<String>,
}

/// One chunk of entries with their attempts and evidence, and how far the merge has come.
struct Scan<'c> {
    lookups: Lookups<'c>,
    states: Rc<Vec<Value>>,
    /// Whether anything was ever undone: else nobody looks for it.
    any_undo: bool,
    /// Who brought back what was forgotten since; read where the first such entry is met.
    undone_and_forgotten: Option<HashMap<EntryId, UndoneBy>>,
    /// The same of later looks.
    any_recheck: bool,
    /// Batches that are open now: few, since a run has only so many calls under way.
    open: Vec<(BatchId, EntryRanges)>,
    entries: Vec<EntryRow>,
    attempts: Vec<AttemptRow>,
    evidence: Vec<EvidenceRow>,
    snapshots: Vec<SnapshotRow>,
    rechecks: Vec<RecheckRow>,
    next_attempt: usize,
    next_evidence: usize,
    next_snapshot: usize,
    next_recheck: usize,
    current: Option<EntryView>,
}

impl<'c> Scan<'c> {
    fn new(conn: &'c Connection, filter: &EntryFilter) -> Result<Self> {
        Ok(Self {
            lookups: Lookups::new(conn),
            states: filter.state_codes(),
            any_undo: undo::is_any(conn)?,
            undone_and_forgotten: None,
            any_recheck: recheck::is_any(conn)?,
            open: open_batches(conn)?,
            entries: Vec::with_capacity(CHUNK),
            attempts: Vec::with_capacity(CHUNK),
            evidence: Vec::new(),
            snapshots: Vec::new(),
            rechecks: Vec::new(),
            next_attempt: 0,
            next_evidence: 0,
            next_snapshot: 0,
            next_recheck: 0,
            current: None,
        })
    }

    /// Hands the entries of a range on, in key order.
    fn each<E: From<StoreError>>(
        &mut self,
        (first, last): (EntryId, EntryId),
        visit: &mut impl FnMut(&EntryView) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let mut from = first;
        while self.load(from, last)? {
            for position in 0..self.entries.len() {
                if let Some(view) = self.view(position)? {
                    visit(view)?;
                }
            }
            from = self.entries.last().map_or(last, |row| row.entry).next();
        }
        Ok(())
    }

    /// Reads the next chunk. `false` when there is nothing more.
    fn load(&mut self, from: EntryId, last: EntryId) -> Result<bool> {
        self.attempts.clear();
        self.evidence.clear();
        self.snapshots.clear();
        self.rechecks.clear();
        (self.next_attempt, self.next_evidence, self.next_snapshot) = (0, 0, 0);
        self.next_recheck = 0;
        self.load_entries(from, last)?;
        let (Some(first), Some(last)) = (self.entries.first(), self.entries.last()) else {
            return Ok(false);
        };
        let (first, last) = (first.entry, last.entry);
        let wanted = u64::try_from(self.entries.len()).unwrap_or(u64::MAX);
        if first.get().abs_diff(last.get()) / wanted < SPARSE {
            self.load_steps(first, last)?;
        } else {
            for position in 0..self.entries.len() {
                let entry = self.entries.get(position).map_or(first, |row| row.entry);
                self.load_steps(entry, entry)?;
            }
        }
        Ok(true)
    }

    fn load_entries(&mut self, from: EntryId, last: EntryId) -> Result<()> {
        self.entries.clear();
        let mut statement = self
            .lookups
            .conn
            .prepare_cached(
                "-- load_entries\nSELECT id, scope, target, row, state FROM entry
                 WHERE id BETWEEN :from AND :last AND (:any_state OR state IN rarray(:states))
                 ORDER BY id LIMIT :chunk",
            )
            .doing(READING)?;
        let mut rows = statement
            .query(named_params! {
                ":from": Sql(from), ":last": Sql(last), ":any_state": self.states.is_empty(),
                ":states": self.states, ":chunk": i64::try_from(CHUNK).unwrap_or(i64::MAX),
            })
            .doing(READING)?;
        while let Some(row) = rows.next().doing(READING)? {
            let read = || -> rusqlite::Result<_> {
                Ok(EntryRow {
                    entry: row.get::<_, Sql<_>>(0)?.0,
                    scope: row.get(1)?,
                    target: row.get::<_, Option<Sql<_>>>(2)?.map(|Sql(id)| id),
                    row: row.get(3)?,
                    state: row.get::<_, Sql<_>>(4)?.0,
                })
            };
            self.entries.push(read().doing(READING)?);
        }
        Ok(())
    }

    /// Appends the attempts and the evidence of a range of entries.
    fn load_steps(&mut self, first: EntryId, last: EntryId) -> Result<()> {
        let conn = self.lookups.conn;
        let mut statement = conn
            .prepare_cached(
                "-- load_attempts\nSELECT entry, batch, outcome, said FROM attempt
                 WHERE entry BETWEEN :first AND :last ORDER BY entry, batch",
            )
            .doing(READING)?;
        let range = named_params! {":first": Sql(first), ":last": Sql(last)};
        let mut rows = statement.query(range).doing(READING)?;
        while let Some(row) = rows.next().doing(READING)? {
            let read = || -> rusqlite::Result<_> {
                Ok(AttemptRow {
                    entry: row.get::<_, Sql<_>>(0)?.0,
                    batch: row.get::<_, Sql<_>>(1)?.0,
                    outcome: row.get::<_, Sql<_>>(2)?.0,
                    said: row.get(3)?,
                })
            };
            self.attempts.push(read().doing(READING)?);
        }
        let mut statement = conn
            .prepare_cached(
                "-- load_evidence\nSELECT entry, reading, verdict, code, facts FROM evidence
                 WHERE entry BETWEEN :first AND :last ORDER BY entry, reading",
            )
            .doing(READING)?;
        let mut rows = statement.query(range).doing(READING)?;
        while let Some(row) = rows.next().doing(READING)? {
            let read = || -> rusqlite::Result<_> {
                Ok(EvidenceRow {
                    entry: row.get::<_, Sql<_>>(0)?.0,
                    reading: row.get(1)?,
                    verdict: row.get::<_, Sql<_>>(2)?.0,
                    code: row.get(3)?,
                    facts: row.get(4)?,
                })
            };
            self.evidence.push(read().doing(READING)?);
        }
        let mut statement = conn
            .prepare_cached(
                "-- load_snapshots\nSELECT entry, reading, facts FROM snapshot
                 WHERE entry BETWEEN :first AND :last ORDER BY entry, reading",
            )
            .doing(READING)?;
        let mut rows = statement.query(range).doing(READING)?;
        while let Some(row) = rows.next().doing(READING)? {
            let read = || -> rusqlite::Result<_> {
                let (Sql(entry), reading) = (row.get(0)?, row.get(1)?);
                Ok(SnapshotRow { entry, reading, facts: row.get(2)? })
            };
            self.snapshots.push(read().doing(READING)?);
        }
        if self.any_recheck { self.load_rechecks(first, last) } else { Ok(()) }
    }

    fn load_rechecks(&mut self, first: EntryId, last: EntryId) -> Result<()> {
        let conn = self.lookups.conn;
        let mut statement = conn
            .prepare_cached(
                "-- load_rechecks\nSELECT entry, reading, found, facts FROM recheck
                 WHERE entry BETWEEN :first AND :last ORDER BY entry, reading",
            )
            .doing(READING)?;
        let range = named_params! {":first": Sql(first), ":last": Sql(last)};
        let mut rows = statement.query(range).doing(READING)?;
        while let Some(row) = rows.next().doing(READING)? {
            let read = || -> rusqlite::Result<_> {
                let (Sql(entry), reading, Sql(found)) = (row.get(0)?, row.get(1)?, row.get(2)?);
                Ok(RecheckRow { entry, reading, found, facts: row.get(3)? })
            };
            self.rechecks.push(read().doing(READING)?);
        }
        Ok(())
    }

    /// The entry at a position of the chunk, merged with its steps. Positions must ascend.
    fn view(&mut self, position: usize) -> Result<Option<&EntryView>> {
        let Some((entry, state)) = self.entries.get(position).map(|row| (row.entry, row.state))
        else {
            return Ok(None);
        };
        // The list of steps is taken over from the entry before: no allocation an entry.
        let mut steps = self.current.take().map(|view| view.steps).unwrap_or_default();
        steps.clear();
        self.add_steps(entry, state, &mut steps)?;
        let rechecks = self.rechecks_of(entry)?;
        let Some(row) = self.entries.get(position) else { return Ok(None) };
        let scope = self.lookups.scope(row.scope)?;
        let keeps = state == EntryState::Held;
        let hold = if keeps { self.lookups.hold_on(&scope, row.target)? } else { None };
        let (target, row_number) = (row.target, row.row);
        let undone_by = self.undone_by(entry, state, (scope.operation, target))?;
        let tags = scope.operation == Operation::DeleteTags && state == EntryState::Done;
        let put_back = if self.any_undo && tags && target.is_some() {
            undo::put_back(self.lookups.conn, entry)?
        } else {
            Vec::new()
        };
        let mut view = EntryView {
            entry,
            adoptions: self.lookups.adoptions(entry)?,
            request: self.lookups.request_of(entry)?,
            undone_by,
            put_back,
            rechecks,
            scope,
            hold,
            target,
            row: row_number,
            state,
            steps,
        };
        view.leave_out_later_adoptions();
        self.current = Some(view);
        Ok(self.current.as_ref())
    }

    /// The entry that brings back what one took away. Of what was forgotten only the number tells which.
    fn undone_by(
        &mut self,
        entry: EntryId,
        state: EntryState,
        (operation, target): (Operation, Option<RecordId>),
    ) -> Result<Option<UndoneBy>> {
        let Some(opposite) = operation.opposite() else { return Ok(None) };
        if !self.any_undo || state != EntryState::Done {
            return Ok(None);
        }
        if let Some(target) = target {
            return undo::of_entry(self.lookups.conn, entry, target, opposite);
        }
        if self.undone_and_forgotten.is_none() {
            self.undone_and_forgotten = Some(undo::of_forgotten(self.lookups.conn)?);
        }
        Ok(self.undone_and_forgotten.as_ref().and_then(|known| known.get(&entry)).copied())
    }

    /// What later looks showed of the entry.
    fn rechecks_of(&mut self, entry: EntryId) -> Result<Vec<RecheckView>> {
        let mut found = Vec::new();
        while let Some(row) = self.rechecks.get_mut(self.next_recheck)
            && row.entry <= entry
        {
            if row.entry == entry {
                let reading = self.lookups.reading(row.reading)?;
                found.push(RecheckView { reading, found: row.found, facts: row.facts.take() });
            }
            self.next_recheck += 1;
        }
        Ok(found)
    }

    /// Adds what happened to the entry, in the order of the log.
    fn add_steps(
        &mut self,
        entry: EntryId,
        state: EntryState,
        steps: &mut Vec<Step>,
    ) -> Result<()> {
        while let Some(attempt) = self.attempts.get(self.next_attempt)
            && attempt.entry <= entry
        {
            if attempt.entry == entry {
                let said = self.lookups.said(attempt.said)?;
                let result = Some(AttemptResult { outcome: attempt.outcome, said });
                steps.push(Step::Attempt { batch: self.lookups.batch(attempt.batch)?, result });
            }
            self.next_attempt += 1;
        }
        let mut read = false;
        while let Some(evidence) = self.evidence.get_mut(self.next_evidence)
            && evidence.entry <= entry
        {
            if evidence.entry == entry {
                read = true;
                let (reading, verdict) =
                    (self.lookups.reading(evidence.reading)?, evidence.verdict);
                steps.push(match &reading.person {
                    Some(person) => Step::Person { person: Rc::clone(person), reading, verdict },
                    None => Step::Evidence {
                        reading,
                        verdict,
                        code: std::mem::take(&mut evidence.code),
                        facts: evidence.facts.take(),
                    },
                });
            }
            self.next_evidence += 1;
        }
        while let Some(snapshot) = self.snapshots.get_mut(self.next_snapshot)
            && snapshot.entry <= entry
        {
            if snapshot.entry == entry {
                read = true;
                let reading = self.lookups.reading(snapshot.reading)?;
                let never_there = reading.absent.contains(entry);
                steps.push(Step::Snapshot { reading, facts: snapshot.facts.take(), never_there });
            }
            self.next_snapshot += 1;
        }
        if read {
            steps.sort_by_key(Step::seq);
        }
        steps.extend(last_step(&mut self.lookups, &self.open, entry, state)?);
        Ok(())
    }
}

/// The step that has no end yet, or that ended all: the open batch that carries an entry, or its withdrawal.
fn last_step(
    lookups: &mut Lookups<'_>,
    open: &[(BatchId, EntryRanges)],
    entry: EntryId,
    state: EntryState,
) -> Result<Option<Step>> {
    if state == EntryState::Cancelled {
        let cancellation = lookups.cancellation(entry)?;
        return Ok(cancellation.map(|cancellation| Step::Cancelled { cancellation }));
    }
    let mut open = open.iter().filter(|_| state == EntryState::InFlight);
    match open.find(|(_, entries)| entries.contains(entry)) {
        Some((batch, _)) => Ok(Some(Step::Attempt { batch: lookups.batch(*batch)?, result: None })),
        None => Ok(None),
    }
}

fn open_batches(conn: &Connection) -> Result<Vec<(BatchId, EntryRanges)>> {
    let mut statement = conn
        .prepare_cached(
            "-- open_ranges\nSELECT id, entries FROM batch WHERE ended_seq IS NULL ORDER BY id",
        )
        .doing(READING)?;
    let rows = statement
        .query_map([], |row| Ok((row.get::<_, Sql<BatchId>>(0)?.0, row.get::<_, String>(1)?)))
        .doing(READING)?;
    let mut open = Vec::new();
    for row in rows {
        let (batch, entries) = row.doing(READING)?;
        let entries = entries
            .parse()
            .map_err(|_| StoreError::corrupt("batch", format!("{batch}: its entries")))?;
        open.push((batch, entries));
    }
    Ok(open)
}
