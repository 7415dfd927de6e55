//! Full snapshots: which entries ever had one, and which request wants them.

use std::collections::BTreeMap;

use crate::domain::event::{FullSnapshotTaken, FullSnapshotsShredded, RequestRecorded};
use crate::domain::fold::merged::contradicts;
use crate::domain::fold::{Expected, Note, Rows, Table};
use crate::domain::id::{EntryId, EventSeq, RequestId};
use crate::domain::ranges::EntryRanges;

/// What the fold knows of them.
#[derive(Debug, Default)]
pub(super) struct FullSnapshots {
    /// Requests that want them, with their entries.
    wanted: BTreeMap<RequestId, (EntryId, EntryId)>,
    /// Entries of which one was kept, whether it is there still or not.
    kept: EntryRanges,
}

impl FullSnapshots {
    /// Remembers what a request wants; tells what contradicts itself.
    pub(super) fn recorded(&mut self, data: &RequestRecorded) -> Option<&'static str> {
        if data.full_retention_ms.is_some() != data.full_recipient.is_some() {
            return Some("it wants full snapshots for nobody, or names somebody for none");
        }
        if data.full_retention_ms.is_some() {
            let entries = i64::try_from(data.entries).unwrap_or(i64::MAX);
            let last = data.first_entry.get().saturating_add(entries).saturating_sub(1);
            self.wanted.insert(data.request, (data.first_entry, EntryId::new(last)));
        }
        None
    }

    fn is_wanted(&self, data: &FullSnapshotTaken) -> bool {
        let mut ranges = data.entries.ranges();
        self.wanted.get(&data.request).is_some_and(|(first, last)| {
            !data.entries.is_empty() && ranges.all(|(from, to)| *first <= from && to <= *last)
        })
    }
}

impl Rows {
    pub(super) fn full_snapshot(
        &mut self,
        seq: EventSeq,
        data: &FullSnapshotTaken,
        tell: &mut dyn FnMut(Note),
    ) {
        self.reading(seq, data.run, data.reading, tell);
        if self.full.is_wanted(data) {
            self.full.kept.join(&data.entries);
            self.add(Table::FullSnapshot, data.entries.len());
        } else {
            contradicts(seq, "it keeps full snapshots that its request does not want", tell);
        }
    }

    pub(super) fn shredded(
        &mut self,
        seq: EventSeq,
        data: &FullSnapshotsShredded,
        tell: &mut dyn FnMut(Note),
    ) {
        let known = |(first, last)| self.full.kept.holds(first, last);
        if data.entries.is_empty() || !data.entries.ranges().all(known) {
            contradicts(seq, "it shreds full snapshots that were never kept", tell);
        }
        let number = self.add(Table::Shredding, 1);
        let (key, cells) = (vec![number.into()], vec![("seq", seq.into())]);
        tell(Note::Row(Expected { table: Table::Shredding, key, cells, since: seq }));
    }
}
