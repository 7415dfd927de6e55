//! Erasing what names people and records from the journal, of settled entries, so that everything else still
//! verifies: hashes take the place of leaves, and the log says what was forgotten.
//!
//! The rows go in one transaction with the event; the bytes go when the file is [swept](crate::store::sweep).

mod blank;
mod hashes;
mod rows;

use std::collections::HashSet;

use rusqlite::{Connection, named_params};

use crate::domain::erasure::common;
use crate::domain::event::{Event, Forgotten, ForgottenRows, LoggedEvent};
use crate::domain::id::{BatchId, EntryId, EventSeq, RequestId};
use crate::domain::ranges::EntryRanges;
use crate::domain::state::EntryState;
use crate::store::code::Sql;
use crate::store::entry;
use crate::store::error::{Doing, Result, StoreError};
use crate::store::holding::hold_on;
use crate::store::log::Seals;
use crate::store::query::{self, EntryView};
use crate::store::{Reader, WriteTx};

const FORGETTING: &str = "forgetting entries";

/// What is to be forgotten.
#[derive(Debug, Clone, Copy)]
pub struct NewErasure<'a> {
    /// The entries. Those that were forgotten before are passed over.
    pub entries: &'a EntryRanges,
    /// Whether also those go that could still be brought back.
    pub even_restorable: bool,
    /// Who decided.
    pub forgotten_by: &'a str,
    /// The OS account.
    pub recorded_by: &'a str,
    /// Why.
    pub reason: &'a str,
    /// The ticket.
    pub ticket: Option<&'a str>,
    /// Name and version of the program.
    pub program: &'a str,
}

/// Tells of a settled entry whether it can still be brought back, and so must be kept.
pub type Restorable<'a> = &'a dyn Fn(&EntryView) -> bool;

/// An entry that cannot be forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needed {
    /// The entry.
    pub entry: EntryId,
    /// Why it is needed.
    pub why: Why,
}

/// Why an entry cannot be forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// There is no such entry.
    NotThere,
    /// It is not settled.
    Open(EntryState),
    /// An entry of an undo is to bring it back.
    UndoIsOpen(EntryId),
    /// It brought back another entry's thing, which would seem gone without it.
    BroughtBack(EntryId),
    /// A hold covers what it is about.
    Held,
    /// It can still be brought back.
    Restorable,
}

/// What was forgotten, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Erasure {
    /// The entries; without those that were forgotten before.
    pub entries: EntryRanges,
    /// Requests of which nothing is left.
    pub requests: Vec<RequestId>,
    /// Rows that had been left out, of any request.
    pub left_out: u64,
    /// How many of the entries were forgotten before.
    pub before: u64,
}

/// What became of an erasure: made, or every entry that stood in its way.
pub type Decided = std::result::Result<Erasure, Vec<Needed>>;

impl Reader {
    /// What forgetting these entries would do, without doing it.
    pub fn would_forget(
        &self,
        entries: &EntryRanges,
        restorable: Option<Restorable<'_>>,
    ) -> Result<Decided> {
        let plan = match plan(&self.conn, entries, restorable)? {
            Ok(plan) => plan,
            Err(needed) => return Ok(Err(needed)),
        };
        let rows = rows::named_by(&self.conn, &plan.fresh, &plan.requests)?;
        Ok(Ok(plan.told(&rows)))
    }

    /// Entries that were forgotten.
    pub fn forgotten(&self) -> Result<EntryRanges> {
        blank_entries(&self.conn)
    }

    /// Whether bytes of what was forgotten may still lie in the file.
    pub fn is_unswept(&self) -> Result<bool> {
        crate::store::sweep::since(&self.conn).map(|since| since.is_some())
    }
}

impl WriteTx<'_> {
    /// Forgets entries: all of those that were not forgotten before, or none. Nothing is appended when none is
    /// left.
    pub fn forget(
        &mut self,
        new: &NewErasure<'_>,
        restorable: Option<Restorable<'_>>,
    ) -> Result<Decided> {
        let plan = match plan(&self.tx, new.entries, restorable)? {
            Ok(plan) if plan.fresh.is_empty() => return Ok(Ok(plan.told(&[]))),
            Ok(plan) => plan,
            Err(needed) => return Ok(Err(needed)),
        };
        let rows = rows::named_by(&self.tx, &plan.fresh, &plan.requests)?;
        let told = plan.told(&rows);
        // Hashes first: they are made of what goes afterwards.
        let concerned = Concerned::of(&self.tx, &plan)?;
        for seq in &concerned.of_items {
            self.keep_hashes(*seq, &plan)?;
        }
        for one in &rows {
            self.keep_hashes_of_rows(one)?;
        }
        let envelopes = self.blank_answers(&concerned.answered, &plan)?;
        self.blank_words(&plan.fresh)?;
        self.blank_facts(&plan.fresh)?;
        for seq in concerned.of_items.iter().chain(&concerned.others) {
            self.blank_seals(*seq, &plan)?;
        }
        self.keep_secrets(&plan, &rows)?;
        self.blank_rows(&rows)?;
        self.blank_entries(&plan.fresh)?;
        self.append_erasure(new, plan, rows, envelopes)?;
        Ok(Ok(told))
    }

    fn append_erasure(
        &mut self,
        new: &NewErasure<'_>,
        plan: Plan,
        left_out: Vec<ForgottenRows>,
        envelopes: Vec<BatchId>,
    ) -> Result<()> {
        let mut seals = Seals::default();
        let entropy = &mut *self.entropy;
        let event = Event::from(Forgotten {
            entries: plan.fresh,
            requests: plan.requests,
            left_out,
            envelopes,
            even_restorable: new.even_restorable,
            program: new.program.to_owned(),
            forgotten_by: seals.add(entropy, "forgotten_by", new.forgotten_by)?,
            recorded_by: seals.add(entropy, "recorded_by", new.recorded_by)?,
            reason: seals.add(entropy, "reason", new.reason)?,
            ticket: seals.add_some(entropy, "ticket", new.ticket)?,
        });
        let seq = self.append(event, seals)?;
        self.tx
            .execute(
                "-- insert_erasure\nINSERT INTO erasure (id, seq)
                 SELECT coalesce(max(id), 0) + 1, :seq FROM erasure",
                named_params! {":seq": Sql(seq)},
            )
            .doing(FORGETTING)?;
        self.mark_unswept(seq)
    }

    /// Notes that bytes of what this event took away may still lie in the file. A later one of another process moves
    /// the mark: a sweep that began before takes none away.
    pub(crate) fn mark_unswept(&self, seq: EventSeq) -> Result<()> {
        self.tx
            .execute(
                "-- mark_unswept\nINSERT INTO sweep (one, since_seq) VALUES (1, :seq)
                 ON CONFLICT (one) DO UPDATE SET since_seq = excluded.since_seq",
                named_params! {":seq": Sql(seq)},
            )
            .map(|_| ())
            .doing(FORGETTING)
    }
}

/// What goes, and what will have gone then.
struct Plan {
    /// Entries that go now.
    fresh: EntryRanges,
    /// All that will have gone.
    after: EntryRanges,
    /// Requests that entries go of, with their entries.
    owners: Vec<(RequestId, EntryId, EntryId)>,
    /// Those of them of which nothing will be left.
    requests: Vec<RequestId>,
    before: u64,
}

impl Plan {
    fn told(&self, rows: &[ForgottenRows]) -> Erasure {
        Erasure {
            entries: self.fresh.clone(),
            requests: self.requests.clone(),
            left_out: rows.iter().map(|one| one.rows.len()).sum(),
            before: self.before,
        }
    }
}

fn plan(
    conn: &Connection,
    entries: &EntryRanges,
    restorable: Option<Restorable<'_>>,
) -> Result<std::result::Result<Plan, Vec<Needed>>> {
    let before = blank_entries(conn)?;
    let (mut fresh, mut needed, mut expected) =
        (EntryRanges::default(), Vec::new(), entries.iter());
    let missing = |entry| Needed { entry, why: Why::NotThere };
    let goes = |entry| before.contains(entry) || entries.contains(entry);
    query::each_of(conn, entries, |view| {
        needed.extend(expected.by_ref().take_while(|entry| *entry != view.entry).map(missing));
        match why_needed(conn, view, restorable)? {
            _ if before.contains(view.entry) => {}
            Some(why) => needed.push(Needed { entry: view.entry, why }),
            None => match brought_back(view).filter(|one| !goes(*one)) {
                Some(one) => needed.push(Needed { entry: view.entry, why: Why::BroughtBack(one) }),
                None => drop(fresh.push(view.entry)),
            },
        }
        Ok::<_, StoreError>(())
    })?;
    needed.extend(expected.map(missing));
    if !needed.is_empty() {
        return Ok(Err(needed));
    }
    let mut after = before.clone();
    after.join(&fresh);
    let mut owners: Vec<(RequestId, EntryId, EntryId)> = Vec::new();
    for (first, last) in fresh.ranges() {
        for (request, ..) in entry::requests_of(conn, first, last)? {
            if owners.last().is_none_or(|(known, ..)| *known != request) {
                let (first, last) = rows::range_of(conn, request)?;
                owners.push((request, first, last));
            }
        }
    }
    let whole = |(_, first, last): &&(RequestId, EntryId, EntryId)| after.holds(*first, *last);
    let requests = owners.iter().filter(whole).map(|(request, ..)| *request).collect();
    let before = entries.len() - fresh.len();
    Ok(Ok(Plan { fresh, after, owners, requests, before }))
}

fn why_needed(
    conn: &Connection,
    view: &EntryView,
    restorable: Option<Restorable<'_>>,
) -> Result<Option<Why>> {
    if !view.state.is_settled() {
        return Ok(Some(Why::Open(view.state)));
    }
    let names = (&view.scope.module, view.scope.related_list.as_deref());
    if view.target.is_some() && hold_on(conn, names, (view.target, view.scope.parent))?.is_some() {
        return Ok(Some(Why::Held));
    }
    let putting = view.put_back.iter().map(|one| one.by);
    if let Some(undo) = view.undone_by.into_iter().chain(putting).find(|by| by.is_under_way()) {
        return Ok(Some(Why::UndoIsOpen(undo.entry)));
    }
    Ok(restorable.is_some_and(|restorable| restorable(view)).then_some(Why::Restorable))
}

/// The entry whose thing an entry of an undo brought back, or found to be there again.
fn brought_back(view: &EntryView) -> Option<EntryId> {
    let is_back = matches!(view.state, EntryState::Done | EntryState::Absent);
    let undone = view.row.filter(|_| is_back && view.scope.operation.is_undo());
    undone.map(EntryId::new)
}

/// Entries that were forgotten. They are found by the index of their records.
fn blank_entries(conn: &Connection) -> Result<EntryRanges> {
    let mut statement = conn
        .prepare("-- blank_entries\nSELECT id FROM entry WHERE target IS NULL ORDER BY id")
        .doing(FORGETTING)?;
    let rows = statement.query_map([], |row| row.get::<_, Sql<EntryId>>(0)).doing(FORGETTING)?;
    let mut blank = EntryRanges::default();
    for row in rows {
        blank.push(row.doing(FORGETTING)?.0);
    }
    Ok(blank)
}

/// Events that speak of what goes.
#[derive(Default)]
struct Concerned {
    /// Those with leaves of items.
    of_items: Vec<EventSeq>,
    /// Batches that were answered.
    answered: Vec<BatchId>,
    /// Ends of batches without an answer.
    others: Vec<EventSeq>,
}

impl Concerned {
    fn of(conn: &Connection, plan: &Plan) -> Result<Self> {
        let mut concerned = Self::default();
        for (request, ..) in &plan.owners {
            concerned.of_items.push(rows::event_of(conn, *request)?);
        }
        let mut batches = conn
            .prepare(
                "-- batches_concerned\nSELECT DISTINCT b.id, b.ended_seq, b.ending FROM attempt a
                 JOIN batch b ON b.id = a.batch WHERE a.entry BETWEEN :first AND :last",
            )
            .doing(FORGETTING)?;
        let mut readings = conn
            .prepare(
                "-- readings_concerned\nSELECT g.seq FROM reading g WHERE g.id IN (
                     SELECT reading FROM evidence WHERE entry BETWEEN :first AND :last
                     UNION SELECT reading FROM snapshot WHERE entry BETWEEN :first AND :last
                     UNION SELECT reading FROM recheck WHERE entry BETWEEN :first AND :last
                     UNION SELECT reading FROM full_snapshot WHERE entry BETWEEN :first AND :last)",
            )
            .doing(FORGETTING)?;
        let mut known: HashSet<i64> = HashSet::new();
        for (first, last) in plan.fresh.ranges() {
            let range = named_params! {":first": Sql(first), ":last": Sql(last)};
            let mut rows = batches.query(range).doing(FORGETTING)?;
            while let Some(row) = rows.next().doing(FORGETTING)? {
                let read = || -> rusqlite::Result<_> {
                    let (Sql(batch), Sql(seq)) = (row.get(0)?, row.get::<_, Sql<EventSeq>>(1)?);
                    Ok((batch, seq, row.get::<_, String>(2)? == "answered"))
                };
                let (batch, seq, answered) = read().doing(FORGETTING)?;
                if known.insert(seq.get()) {
                    if answered {
                        concerned.answered.push(batch);
                        concerned.of_items.push(seq);
                    } else {
                        concerned.others.push(seq);
                    }
                }
            }
            let mut rows = readings.query(range).doing(FORGETTING)?;
            while let Some(row) = rows.next().doing(FORGETTING)? {
                let Sql(seq) = row.get::<_, Sql<EventSeq>>(0).doing(FORGETTING)?;
                if known.insert(seq.get()) {
                    concerned.of_items.push(seq);
                }
            }
        }
        concerned.others.extend(decisions_on(conn, plan)?);
        Ok(concerned)
    }
}

/// Events by which people decided about entries or whole requests that go now. They are few, and found by their kinds.
fn decisions_on(conn: &Connection, plan: &Plan) -> Result<Vec<EventSeq>> {
    let mut statement = conn
        .prepare(
            "-- decisions\nSELECT seq, body FROM event
             WHERE substr(CAST(body AS TEXT), 1, 120) GLOB '*\"kind\":\"request_approved\"*'
                OR substr(CAST(body AS TEXT), 1, 120) GLOB '*\"kind\":\"request_rejected\"*'
                OR substr(CAST(body AS TEXT), 1, 120) GLOB '*\"kind\":\"entries_cancelled\"*'
             ORDER BY seq",
        )
        .doing(FORGETTING)?;
    let mut rows = statement.query([]).doing(FORGETTING)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().doing(FORGETTING)? {
        let read =
            || -> rusqlite::Result<(Sql<EventSeq>, Vec<u8>)> { Ok((row.get(0)?, row.get(1)?)) };
        let (Sql(seq), body) = read().doing(FORGETTING)?;
        let event = LoggedEvent::decode(&body)
            .map_err(|source| StoreError::Event { seq: seq.get(), source })?
            .event;
        let mut goes = false;
        let about = if let Event::RequestApproved(data) = &event {
            // An approval need not move anything.
            goes = plan.requests.contains(&data.request);
            data.entries.as_ref()
        } else if let Event::RequestRejected(data) = &event {
            Some(&data.entries)
        } else if let Event::EntriesCancelled(data) = &event {
            Some(&data.entries)
        } else {
            None
        };
        if goes || about.is_some_and(|about| !common(about, &plan.fresh).is_empty()) {
            found.push(seq);
        }
    }
    Ok(found)
}
