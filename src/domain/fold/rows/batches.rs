//! Batches and the jobs that they led to: begun, ended, settled by their answers.

use crate::domain::event::{BatchAnswered, BatchBegun, BatchReturned, BatchUnanswered, JobEnded};
use crate::domain::fold::merged::{Merged, contradicts, merged};
use crate::domain::fold::row::{Ending, Expected, OpenBatch};
use crate::domain::fold::rows::{MOST_ENTRIES, Note, Rows};
use crate::domain::fold::{Cell, Table};
use crate::domain::id::{BatchId, EntryId, EventSeq, RunId};
use crate::domain::ranges::EntryRanges;
use crate::domain::state::Outcome;

impl Rows {
    pub(super) fn begun(&mut self, seq: EventSeq, data: &BatchBegun, tell: &mut dyn FnMut(Note)) {
        self.of_run(seq, data.run, tell);
        if data.batch.get() != self.add(Table::Batch, 1) {
            contradicts(seq, "batches are not numbered one after the other", tell);
        }
        let known = self.templates.get(&data.template).map(|(known, _)| *known);
        let template = known.unwrap_or_else(|| {
            let number = self.add(Table::Template, 1);
            self.templates.insert(data.template.clone(), (number, seq));
            number
        });
        for (first, last) in data.entries.ranges() {
            let gone: Vec<EntryId> = self.shares.range(first..=last).map(|(e, _)| *e).collect();
            for entry in gone {
                self.shares.remove(&entry);
            }
        }
        let mut data = data.clone();
        if data.entries.len() > MOST_ENTRIES {
            contradicts(seq, "the batch holds more entries than any call carries", tell);
            data.entries = EntryRanges::default();
        }
        let batch = data.batch;
        let open = OpenBatch { begun: seq, data, template };
        self.open.insert(batch, open);
    }

    /// Takes a batch out of the open ones and tells its row. `false` when the event does not fit it.
    fn end(
        &mut self,
        (run, batch): (RunId, BatchId),
        entries: Option<&Merged>,
        ending: Ending,
        tell: &mut dyn FnMut(Note),
    ) -> bool {
        let seq = ending.seq;
        self.of_run(seq, run, tell);
        let Some(open) = self.open.remove(&batch) else {
            contradicts(seq, "it ends a batch that is not open", tell);
            return false;
        };
        if entries.is_none() || entries != merged([&open.data.entries], self.last_entry).as_ref() {
            contradicts(seq, "its entries are not those of the batch", tell);
            return false;
        }
        tell(Note::Row(open.expected(Some(ending))));
        self.add(Table::Attempt, open.data.entries.len());
        true
    }

    pub(super) fn answered(
        &mut self,
        seq: EventSeq,
        data: &BatchAnswered,
        tell: &mut dyn FnMut(Note),
    ) {
        let entries = merged(data.groups.iter().map(|group| &group.entries), self.last_entry);
        let ending = Ending {
            seq,
            name: "answered",
            sent_at: data.sent_at.into(),
            sent_before: Cell::Null,
            http_status: data.http_status.into(),
            complete: data.complete.into(),
        };
        if !self.end((data.run, data.batch), entries.as_ref(), ending, tell) {
            return;
        }
        self.add(Table::Answer, 1);
        let queued = data.groups.iter().any(|group| group.outcome == Outcome::Queued);
        if queued != data.job.is_some() {
            contradicts(seq, "entries are queued without a job, or the other way round", tell);
        }
        if data.job.is_some() {
            self.add(Table::Job, 1);
            self.jobs.insert(data.batch, seq);
        }
        let returned = data.groups.iter().filter(|group| group.outcome == Outcome::Returned);
        if let Some(share) = data.share {
            for entry in returned.flat_map(|group| group.entries.iter()) {
                self.shares.insert(entry, (share, seq));
            }
        }
    }

    pub(super) fn unanswered(
        &mut self,
        seq: EventSeq,
        data: &BatchUnanswered,
        tell: &mut dyn FnMut(Note),
    ) {
        let entries = merged([&data.entries], self.last_entry);
        let ending = Ending {
            seq,
            name: "unanswered",
            sent_at: data.sent_at.into(),
            sent_before: data.sent_before.into(),
            http_status: Cell::Null,
            complete: Cell::Null,
        };
        self.end((data.run, data.batch), entries.as_ref(), ending, tell);
    }

    pub(super) fn returned(
        &mut self,
        seq: EventSeq,
        data: &BatchReturned,
        tell: &mut dyn FnMut(Note),
    ) {
        let entries = merged([&data.entries], self.last_entry);
        let ending = Ending {
            seq,
            name: "returned",
            sent_at: Cell::Null,
            sent_before: Cell::Null,
            http_status: Cell::Null,
            complete: Cell::Null,
        };
        self.end((data.run, data.batch), entries.as_ref(), ending, tell);
    }

    pub(super) fn job_ended(&mut self, seq: EventSeq, data: &JobEnded, tell: &mut dyn FnMut(Note)) {
        self.of_run(seq, data.run, tell);
        if self.jobs.remove(&data.batch).is_none() {
            contradicts(seq, "it ends a job that is not open", tell);
        }
        tell(Note::Row(Expected {
            table: Table::Job,
            key: vec![data.batch.into()],
            cells: vec![
                ("ended_seq", seq.into()),
                ("ending", data.ending.wire_name().into()),
                ("total", data.total.into()),
                ("deleted", data.deleted.into()),
                ("failed", data.failed.into()),
            ],
            since: seq,
        }));
    }
}
