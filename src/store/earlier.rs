//! What this journal itself did before to the thing that an entry is about.

use crate::domain::id::{EntryId, EventSeq};
use crate::domain::scope::Operation;
use crate::domain::state::EntryState;
use crate::store::query::{EntryFilter, EntryView};
use crate::store::{Reader, Result, StoreError};

impl Reader {
    /// The entry that did the same to the same thing before this one was settled, where no entry did the opposite since.
    pub fn done_before(&self, entry: &EntryView) -> Result<Option<EntryId>> {
        let (Some(target), Some(settled)) = (entry.target, entry.settled()) else {
            return Ok(None);
        };
        let own = entry.scope.operation;
        let filter = EntryFilter {
            records: vec![target],
            states: vec![EntryState::Done],
            operations: Operation::ALL
                .iter()
                .copied()
                .filter(|one| {
                    *one == own || one.opposite() == Some(own) || own.opposite() == Some(*one)
                })
                .collect(),
            ..EntryFilter::default()
        };
        let mut last: Option<(EventSeq, Operation, EntryId)> = None;
        self.entries(&filter, |other| {
            let before = other.settled().map(|one| one.seq).filter(|seq| *seq < settled.seq);
            if let Some(seq) = before
                && is_the_same(entry, other)
                && last.is_none_or(|(latest, ..)| latest < seq)
            {
                last = Some((seq, other.scope.operation, other.entry));
            }
            Ok::<_, StoreError>(())
        })?;
        Ok(last.and_then(|(_, operation, entry)| (operation == own).then_some(entry)))
    }
}

/// Whether two entries of one operation, or of its opposite, are about the same record, relation or tag.
fn is_the_same(one: &EntryView, other: &EntryView) -> bool {
    let (own, theirs) = (&one.scope, &other.scope);
    let shares_a_tag = || own.tags.iter().any(|tag| theirs.tags.contains(tag));
    one.entry != other.entry
        && one.target == other.target
        && own.product == theirs.product
        && own.parent == theirs.parent
        && own.related_list == theirs.related_list
        && (own.tags.is_empty() || shares_a_tag())
}
