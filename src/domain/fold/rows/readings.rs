//! Readings: snapshots, evidence, later looks, and what a person decided in the place of one.

use crate::domain::event::{EntriesRechecked, EntriesSettled, EvidenceRead, SnapshotTaken};
use crate::domain::fold::Table;
use crate::domain::fold::merged::{contradicts, merged};
use crate::domain::fold::row::Expected;
use crate::domain::fold::rows::{MOST_ENTRIES, Note, Rows};
use crate::domain::id::{EventSeq, RunId};
use crate::domain::ranges::EntryRanges;

impl Rows {
    /// The row of the next reading.
    pub(in crate::domain::fold) fn reading(
        &mut self,
        seq: EventSeq,
        run: RunId,
        given: i64,
        tell: &mut dyn FnMut(Note),
    ) {
        self.of_run(seq, run, tell);
        let number = self.add(Table::Reading, 1);
        if given != number {
            contradicts(seq, "readings are not numbered one after the other", tell);
        }
        tell(Note::Row(Expected {
            table: Table::Reading,
            key: vec![number.into()],
            cells: vec![("seq", seq.into()), ("run", run.into())],
            since: seq,
        }));
    }

    pub(super) fn snapshot(
        &mut self,
        seq: EventSeq,
        data: &SnapshotTaken,
        tell: &mut dyn FnMut(Note),
    ) {
        self.reading(seq, data.run, data.reading, tell);
        let entries = merged([&data.entries], self.last_entry);
        let inside = |absent: &EntryRanges| {
            absent
                .iter()
                .take(usize::try_from(MOST_ENTRIES).unwrap_or(0))
                .all(|one| data.entries.contains(one))
        };
        if entries.is_none() || data.entries.len() > MOST_ENTRIES {
            contradicts(seq, "its entries are none", tell);
        } else if data.absent.as_ref().is_some_and(|absent| !inside(absent)) {
            contradicts(seq, "it settles entries that it did not read", tell);
        }
        self.add(Table::Snapshot, data.entries.len());
    }

    pub(super) fn evidence(
        &mut self,
        seq: EventSeq,
        data: &EvidenceRead,
        tell: &mut dyn FnMut(Note),
    ) {
        self.reading(seq, data.run, data.evidence, tell);
        match merged(data.groups.iter().map(|group| &group.entries), self.last_entry) {
            Some(_) => {
                let entries = data.groups.iter().map(|group| group.entries.len()).sum();
                self.add(Table::Evidence, entries);
            }
            None => contradicts(seq, "an entry stands in two groups", tell),
        }
    }

    pub(super) fn rechecked(
        &mut self,
        seq: EventSeq,
        data: &EntriesRechecked,
        tell: &mut dyn FnMut(Note),
    ) {
        self.reading(seq, data.run, data.reading, tell);
        match merged(data.groups.iter().map(|group| &group.entries), self.last_entry) {
            Some(_) => {
                let entries = data.groups.iter().map(|group| group.entries.len()).sum();
                self.add(Table::Recheck, entries);
            }
            None => contradicts(seq, "an entry stands in two groups", tell),
        }
    }

    /// A person's decision stands in the place of a reading: it is numbered as one, after the run that read
    /// last, and each entry's row has a verdict and no facts.
    pub(super) fn settled(
        &mut self,
        seq: EventSeq,
        data: &EntriesSettled,
        tell: &mut dyn FnMut(Note),
    ) {
        let Some(run) = self.run.as_ref().map(|run| run.id) else {
            contradicts(seq, "it settles entries before anything was read", tell);
            return;
        };
        self.reading(seq, run, data.reading, tell);
        match merged([&data.entries], self.last_entry) {
            Some(merged) if !merged.is_empty() => {
                self.add(Table::Evidence, data.entries.len());
            }
            Some(_) | None => contradicts(seq, "its entries are none", tell),
        }
    }
}
