//! From events to whole rows.

mod batches;
mod readings;

use std::collections::{BTreeMap, HashMap};

use crate::domain::event::{
    Event, ModuleSeen, RequestPinned, RequestRecorded, RunEnded, RunStarted, SchemaUpgraded,
    UserSeen,
};
use crate::domain::fold::forgotten::ForgottenSoFar;
use crate::domain::fold::full_snapshot::FullSnapshots;
use crate::domain::fold::governance::{Governance, HoldRow, Standing};
use crate::domain::fold::merged::contradicts;
use crate::domain::fold::row::{BindingRow, Expected, OpenBatch, RunRow};
use crate::domain::fold::{Cell, Table};
use crate::domain::id::{BatchId, EntryId, EventSeq, ModuleName, RequestId, RunId};
use crate::domain::ranges::EntryRanges;
use crate::domain::scope::RelatedList;
use crate::domain::target::{Product, Target};

/// What the fold has to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// A row must be so, from now on for good.
    Row(Expected),
    /// An event contradicts earlier ones: no program of ours writes such a log.
    Contradiction {
        /// What is wrong.
        what: String,
        /// The event.
        seq: EventSeq,
    },
}

/// No call of any API carries so many. A forged batch of billions must not be walked.
const MOST_ENTRIES: u64 = 10_000;

/// What of a request's row can change.
#[derive(Debug, Clone, Copy)]
struct RequestRow {
    /// Where it was set aside.
    parked: Option<EventSeq>,
    /// Where its module's id was read.
    pinned: Option<EventSeq>,
    /// Whether it may be sent.
    standing: Standing,
}

/// Folds events into rows. Rows that cannot change any more are told as soon as they are known; the rest
/// by [`finish`](Self::finish). Memory grows with requests, never with entries or batches.
#[derive(Debug, Default)]
pub struct Rows {
    binding: Option<BindingRow>,
    run: Option<RunRow>,
    modules: BTreeMap<(Product, ModuleName), (Option<bool>, EventSeq)>,
    templates: HashMap<String, (i64, EventSeq)>,
    open: BTreeMap<BatchId, OpenBatch>,
    shares: BTreeMap<EntryId, (u32, EventSeq)>,
    requests: Vec<RequestRow>,
    /// Jobs that are not over, with the event that speaks of them.
    jobs: BTreeMap<BatchId, EventSeq>,
    pub(super) last_entry: i64,
    pub(super) forgotten: ForgottenSoFar,
    /// The schema that the last upgrade led to.
    schema: Option<(u32, EventSeq)>,
    governance: Governance,
    /// The event that closed the journal, and nothing has opened since.
    pub(super) closed: Option<EventSeq>,
    pub(super) full: FullSnapshots,
    counts: BTreeMap<Table, u64>,
}

impl Rows {
    /// How many rows each table must hold. Complete after [`finish`](Self::finish).
    pub fn count(&self, table: Table) -> u64 {
        self.counts.get(&table).copied().unwrap_or(0)
    }

    /// The last entry that was recorded; 0 when none was.
    pub fn last_entry(&self) -> EntryId {
        EntryId::new(self.last_entry)
    }

    /// The schema that the log says, and where; `None` for a journal that was never upgraded.
    pub fn schema(&self) -> Option<(u32, EventSeq)> {
        self.schema
    }

    /// Every hold, in order.
    pub fn holds(&self) -> &[HoldRow] {
        self.governance.holds()
    }

    pub(super) fn add(&mut self, table: Table, rows: u64) -> i64 {
        let count = self.counts.entry(table).or_default();
        *count = count.saturating_add(rows);
        i64::try_from(*count).unwrap_or(i64::MAX)
    }

    /// Folds the next event.
    pub fn apply(&mut self, seq: EventSeq, event: &Event, tell: &mut dyn FnMut(Note)) {
        self.speaks_of_what_there_is(seq, event, tell);
        match event {
            Event::JournalCreated(_) if seq.get() != 0 => {
                contradicts(seq, "the journal is created a second time", tell);
            }
            Event::KeyReplaced(_)
            | Event::JournalCreated(_)
            | Event::NothingRecorded(_)
            | Event::Arrived(_)
            | Event::Moved(_) => {}
            Event::SchemaUpgraded(data) => self.upgraded(seq, data, tell),
            Event::RequestRecorded(data) => self.recorded(seq, data, tell),
            Event::RunStarted(data) => self.run_started(seq, data, tell),
            Event::Bound(data) => {
                self.of_run(seq, data.run, tell);
                self.pin(seq, &data.target, tell);
                match &mut self.binding {
                    Some(BindingRow { bound: Some(_), .. }) => {
                        contradicts(seq, "the journal is bound a second time", tell);
                    }
                    Some(binding) => binding.bound = Some(seq),
                    None => {}
                }
            }
            Event::UserSeen(data) => self.user_seen(seq, data, tell),
            Event::ModuleSeen(data) => {
                self.of_run(seq, data.run, tell);
                let ModuleSeen { product, module, recycle_bin, .. } = data;
                self.modules.insert((*product, module.clone()), (*recycle_bin, seq));
            }
            Event::BatchBegun(data) => self.begun(seq, data, tell),
            Event::BatchAnswered(data) => self.answered(seq, data, tell),
            Event::BatchUnanswered(data) => self.unanswered(seq, data, tell),
            Event::BatchReturned(data) => self.returned(seq, data, tell),
            Event::EvidenceRead(data) => self.evidence(seq, data, tell),
            Event::EntriesSettled(data) => self.settled(seq, data, tell),
            Event::Adopted(data) => self.adopted(seq, data, tell),
            Event::EntriesReopened(data) => self.of_run(seq, data.run, tell),
            Event::RequestParked(data) => {
                self.of_run(seq, data.run, tell);
                self.park(seq, data.request, Some(seq), tell);
            }
            Event::RequestUnparked(data) => {
                self.of_run(seq, data.run, tell);
                self.park(seq, data.request, None, tell);
            }
            Event::RequestPinned(data) => self.pinned(seq, data, tell),
            Event::SnapshotTaken(data) => self.snapshot(seq, data, tell),
            Event::EntriesRechecked(data) => self.rechecked(seq, data, tell),
            Event::FullSnapshotTaken(data) => self.full_snapshot(seq, data, tell),
            Event::FullSnapshotsShredded(data) => self.shredded(seq, data, tell),
            Event::JobEnded(data) => self.job_ended(seq, data, tell),
            Event::Forgotten(data) => self.forget(seq, data, tell),
            Event::RunEnded(data) => self.run_ended(seq, data, tell),
            Event::RequestApproved(_)
            | Event::ApprovalNeeded(_)
            | Event::RequestRejected(_)
            | Event::EntriesCancelled(_)
            | Event::EntriesHeld(_)
            | Event::Paused(_)
            | Event::Resumed(_)
            | Event::HoldPlaced(_)
            | Event::HoldReleased(_)
            | Event::PolicySet(_)
            | Event::PolicyApproved(_)
            | Event::PolicyRejected(_) => self.decided(seq, event, tell),
        }
    }

    fn pinned(&mut self, seq: EventSeq, data: &RequestPinned, tell: &mut dyn FnMut(Note)) {
        self.of_run(seq, data.run, tell);
        match self.request(data.request) {
            Some(RequestRow { pinned: Some(_), .. }) => {
                contradicts(seq, "it pins a request a second time", tell);
            }
            Some(row) => row.pinned = Some(seq),
            None => contradicts(seq, NO_REQUEST, tell),
        }
    }

    /// What a person decided, or what follows from it.
    fn decided(&mut self, seq: EventSeq, event: &Event, tell: &mut dyn FnMut(Note)) {
        if let Event::RequestApproved(data) = event {
            match self.request(data.request) {
                Some(row) => row.standing.approved(seq, data),
                None => contradicts(seq, NO_REQUEST, tell),
            }
        } else if let Event::ApprovalNeeded(data) = event {
            self.of_run(seq, data.run, tell);
            match self.request(data.request) {
                Some(row) => row.standing.needs(seq, data.cause),
                None => contradicts(seq, NO_REQUEST, tell),
            }
        } else if let Event::RequestRejected(data) = event {
            self.cancelled(seq, &data.entries, tell);
        } else if let Event::EntriesCancelled(data) = event {
            self.cancelled(seq, &data.entries, tell);
        } else if let Event::EntriesHeld(data) = event {
            self.of_run(seq, data.run, tell);
        } else {
            self.governance.apply(seq, event, tell);
        }
    }

    /// Entries are cancelled for good, so each range of them is a row from here on.
    fn cancelled(&mut self, seq: EventSeq, entries: &EntryRanges, tell: &mut dyn FnMut(Note)) {
        for (first, last) in entries.ranges() {
            self.add(Table::Cancellation, 1);
            tell(Note::Row(Expected {
                table: Table::Cancellation,
                key: vec![first.into()],
                cells: vec![("last_entry", last.into()), ("seq", seq.into())],
                since: seq,
            }));
        }
    }

    /// A newer run fences off every older one, so an event of an older run is a contradiction.
    fn of_run(&self, seq: EventSeq, run: RunId, tell: &mut dyn FnMut(Note)) {
        if self.run.as_ref().is_none_or(|newest| newest.id != run) {
            contradicts(seq, "it was written by a run that is not the newest", tell);
        }
    }

    fn pin(&mut self, seq: EventSeq, target: &Target, tell: &mut dyn FnMut(Note)) {
        let binding = self.binding.get_or_insert_with(|| BindingRow {
            target: target.clone(),
            pinned: seq,
            bound: None,
        });
        if binding.target != *target {
            contradicts(seq, "it is for another target than the journal", tell);
        }
    }

    fn recorded(&mut self, seq: EventSeq, data: &RequestRecorded, tell: &mut dyn FnMut(Note)) {
        let request = self.add(Table::Request, 1);
        let first = self.last_entry.saturating_add(1);
        let entries = i64::try_from(data.entries).unwrap_or(i64::MAX);
        let last = first.saturating_add(entries).saturating_sub(1);
        if data.request.get() != request || data.first_entry.get() != first || entries == 0 {
            contradicts(seq, "requests and entries are not numbered one after the other", tell);
        }
        let left_out = data.duplicates.saturating_add(data.rejected);
        if (left_out > 0) != data.rejected_root.is_some() {
            contradicts(seq, "rows were left out, but not sealed, or the other way round", tell);
        }
        let strays = data.held.iter().flat_map(EntryRanges::ranges);
        if strays.into_iter().any(|(from, until)| from.get() < first || until.get() > last) {
            contradicts(seq, "it holds entries of another request", tell);
        }
        self.last_entry = last;
        if let Some(what) = self.full.recorded(data) {
            contradicts(seq, what, tell);
        }
        self.pin(seq, &data.target, tell);
        let pinned = data.module_id.map(|_| seq);
        let standing = Standing::recorded(seq, data);
        self.requests.push(RequestRow { parked: None, pinned, standing });
        self.forgotten.recorded(EntryId::new(first), data.entries, left_out);
        self.add(Table::Entry, data.entries);
        self.add(Table::Secret, 1 + u64::from(left_out > 0));
        self.add(Table::Rejected, left_out);
        tell(Note::Row(Expected {
            table: Table::Request,
            key: vec![request.into()],
            cells: vec![
                ("seq", seq.into()),
                ("operation", data.operation.wire_name().into()),
                ("product", data.product.wire_name().into()),
                ("module", data.module.as_str().into()),
                ("workflows", data.workflows.into()),
                ("first_entry", first.into()),
                ("last_entry", last.into()),
                ("not_before_ms", data.not_before.into()),
                ("source_rows", data.source_rows.into()),
                ("duplicates", data.duplicates.into()),
                ("rejected", data.rejected.into()),
                ("related_list", data.related_list.as_ref().map(RelatedList::as_str).into()),
                ("snapshot", data.snapshot.unwrap_or(true).into()),
                ("after_request", data.after.into()),
                ("full_retention_ms", data.full_retention_ms.into()),
            ],
            since: seq,
        }));
    }

    fn request(&mut self, request: RequestId) -> Option<&mut RequestRow> {
        self.requests.get_mut(usize::try_from(request.get().checked_sub(1)?).ok()?)
    }

    fn park(
        &mut self,
        seq: EventSeq,
        request: RequestId,
        parked: Option<EventSeq>,
        tell: &mut dyn FnMut(Note),
    ) {
        match self.request(request) {
            Some(row) => row.parked = parked,
            None => contradicts(seq, NO_REQUEST, tell),
        }
    }

    fn run_started(&mut self, seq: EventSeq, data: &RunStarted, tell: &mut dyn FnMut(Note)) {
        if data.run.get() != self.add(Table::Run, 1) {
            contradicts(seq, "runs are not numbered one after the other", tell);
        }
        if self.binding.as_ref().is_some_and(|binding| binding.target != data.target) {
            contradicts(seq, "it is for another target than the journal", tell);
        }
        let next = RunRow {
            id: data.run,
            started: seq,
            command: data.command.clone(),
            quarantine_ms: data.quarantine_ms,
            user: None,
            ended: None,
        };
        // A run that a newer one replaced can write nothing any more.
        if let Some(run) = self.run.replace(next) {
            tell(Note::Row(run.expected()));
        }
    }

    fn user_seen(&mut self, seq: EventSeq, data: &UserSeen, tell: &mut dyn FnMut(Note)) {
        self.of_run(seq, data.run, tell);
        if let Some(run) = &mut self.run {
            run.user = Some((seq, data.clock_offset_ms));
        }
    }

    fn upgraded(&mut self, seq: EventSeq, data: &SchemaUpgraded, tell: &mut dyn FnMut(Note)) {
        let goes_on = self.schema.is_none_or(|(schema, _)| schema == data.from);
        if data.from >= data.to || !goes_on {
            contradicts(seq, "it upgrades from another schema than the journal had", tell);
        }
        self.schema = Some((data.to, seq));
    }

    fn run_ended(&mut self, seq: EventSeq, data: &RunEnded, tell: &mut dyn FnMut(Note)) {
        self.of_run(seq, data.run, tell);
        if let Some(run) = &mut self.run {
            run.ended = Some((seq, data.exit_code, data.calls, data.credits));
        }
    }

    /// Tells the rows that the next event could still have changed. To be called once, at the end.
    pub fn finish(&mut self, tell: &mut dyn FnMut(Note)) {
        self.add(Table::Binding, u64::from(self.binding.is_some()));
        self.add(Table::Module, u64::try_from(self.modules.len()).unwrap_or(u64::MAX));
        self.add(Table::Share, u64::try_from(self.shares.len()).unwrap_or(u64::MAX));
        let (kept, were) = self.forgotten.secrets();
        let secrets = self.counts.entry(Table::Secret).or_default();
        *secrets = secrets.saturating_add(kept).saturating_sub(were);
        self.run.iter().for_each(|run| tell(Note::Row(run.expected())));
        self.open.values().for_each(|batch| tell(Note::Row(batch.expected(None))));
        self.binding.iter().for_each(|binding| tell(Note::Row(binding.expected())));
        let row = |table, key, cells, since| Note::Row(Expected { table, key, cells, since });
        for ((product, module), (bin, seq)) in &self.modules {
            let key = vec![product.wire_name().into(), module.as_str().into()];
            let cells = vec![("recycle_bin", (*bin).into()), ("seq", (*seq).into())];
            tell(row(Table::Module, key, cells, *seq));
        }
        for (batch, seq) in &self.jobs {
            let open = ["ended_seq", "ending", "total", "deleted", "failed"];
            let cells = open.map(|column| (column, Cell::Null)).to_vec();
            tell(row(Table::Job, vec![(*batch).into()], cells, *seq));
        }
        for (text, (number, seq)) in &self.templates {
            let cells = vec![("text", text.as_str().into())];
            tell(row(Table::Template, vec![(*number).into()], cells, *seq));
        }
        for (entry, (share, seq)) in &self.shares {
            let cells = vec![("at_most", (*share).into())];
            tell(row(Table::Share, vec![(*entry).into()], cells, *seq));
        }
        for (number, request) in (1_i64..).zip(&self.requests) {
            let RequestRow { parked, pinned, standing } = request;
            let since = (*parked).max(*pinned).max(Some(standing.since)).unwrap_or(standing.since);
            let mut cells =
                vec![("parked_seq", (*parked).into()), ("module_seq", (*pinned).into())];
            cells.extend(standing.cells());
            tell(row(Table::Request, vec![number.into()], cells, since));
        }
        let mut counted = Vec::new();
        self.governance.finish(tell, &mut |table, rows| counted.push((table, rows)));
        for (table, rows) in counted {
            self.add(table, rows);
        }
    }
}

const NO_REQUEST: &str = "it speaks of a request that was never recorded";
