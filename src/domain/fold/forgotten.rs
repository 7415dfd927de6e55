//! What was forgotten, and what that leaves of secrets.

use std::collections::BTreeMap;

use crate::domain::erasure::{kept_secrets, spans};
use crate::domain::event::{Event, Forgotten, ForgottenRows};
use crate::domain::fold::merged::contradicts;
use crate::domain::fold::{Expected, Note, Rows, Table};
use crate::domain::id::{EntryId, EventSeq, RequestId};
use crate::domain::ranges::EntryRanges;

/// A request as far as its secrets need it.
#[derive(Debug, Clone, Copy, Default)]
struct Owner {
    first: i64,
    entries: u64,
    left_out: u64,
}

/// Everything that was forgotten so far.
#[derive(Debug, Default)]
pub(super) struct ForgottenSoFar {
    entries: EntryRanges,
    rows: BTreeMap<RequestId, EntryRanges>,
    owners: Vec<Owner>,
}

impl ForgottenSoFar {
    pub(super) fn recorded(&mut self, first: EntryId, entries: u64, left_out: u64) {
        self.owners.push(Owner { first: first.get(), entries, left_out });
    }

    /// Whether an event moves what was forgotten before: nothing can be done to that any more.
    pub(super) fn is_touched_by(&self, event: &Event) -> bool {
        let touched = |(first, last)| self.entries.touches(first, last);
        !self.entries.is_empty()
            && event.steps().iter().any(|step| step.entries.ranges().any(touched))
    }

    /// Adds what an event says; tells what contradicts earlier ones.
    pub(super) fn add(&mut self, data: &Forgotten, last: EntryId) -> Option<&'static str> {
        let strange = |(first, to)| to > last || self.entries.touches(first, to);
        if data.entries.is_empty() || data.entries.ranges().any(strange) {
            return Some("it forgets entries that were never recorded, or forgotten before");
        }
        self.entries.join(&data.entries);
        for ForgottenRows { request, rows } in &data.left_out {
            let known = self.owner(*request).map_or(0, |owner| owner.left_out);
            let within = rows.last().is_some_and(|last| last.get().unsigned_abs() <= known);
            let before = self.rows.entry(*request).or_default();
            if !within || rows.ranges().any(|(first, last)| before.touches(first, last)) {
                return Some("it forgets rows that were never left out, or forgotten before");
            }
            before.join(rows);
        }
        let whole = |(number, owner): (i64, &Owner)| {
            let (first, last) = owner.range();
            (data.entries.touches(first, last) && self.entries.holds(first, last))
                .then(|| RequestId::new(number))
        };
        let requests: Vec<RequestId> = (1..).zip(&self.owners).filter_map(whole).collect();
        if requests != data.requests {
            return Some("the requests that it leaves nothing of are not those that it names");
        }
        let all_rows = |request: &RequestId| {
            let left_out = self.owner(*request).map_or(0, |owner| owner.left_out);
            self.rows.get(request).map_or(0, EntryRanges::len) == left_out
        };
        let told = requests.iter().all(all_rows);
        (!told).then_some("it keeps rows of a request that it leaves nothing of")
    }

    fn owner(&self, request: RequestId) -> Option<&Owner> {
        self.owners.get(usize::try_from(request.get().checked_sub(1)?).ok()?)
    }

    /// By how much the number of secrets differs from that of a journal that forgot nothing.
    pub(super) fn secrets(&self) -> (u64, u64) {
        let (mut kept, mut were) = (0_u64, 0_u64);
        for (number, owner) in (1..).zip(&self.owners) {
            let (first, last) = owner.range();
            let rows = self.rows.get(&RequestId::new(number));
            if !self.entries.touches(first, last) && rows.is_none() {
                continue;
            }
            let gone = spans(&self.entries.part(first, last), first);
            let gone_rows = rows.map(|rows| spans(rows, EntryId::new(1))).unwrap_or_default();
            let (items, rows) = kept_secrets((owner.entries, &gone), (owner.left_out, &gone_rows));
            kept += u64::try_from(items.len() + rows.len()).unwrap_or(0);
            were += 1 + u64::from(owner.left_out > 0);
        }
        (kept, were)
    }
}

impl Rows {
    pub(super) fn forget(&mut self, seq: EventSeq, data: &Forgotten, tell: &mut dyn FnMut(Note)) {
        if let Some(what) = self.forgotten.add(data, EntryId::new(self.last_entry)) {
            contradicts(seq, what, tell);
        }
        let number = self.add(Table::Erasure, 1);
        let (key, cells) = (vec![number.into()], vec![("seq", seq.into())]);
        tell(Note::Row(Expected { table: Table::Erasure, key, cells, since: seq }));
    }
}

impl Owner {
    fn range(&self) -> (EntryId, EntryId) {
        let entries = i64::try_from(self.entries).unwrap_or(i64::MAX);
        let last = self.first.saturating_add(entries).saturating_sub(1);
        (EntryId::new(self.first), EntryId::new(last))
    }
}
