//! Sets of entries that an event names, and contradictions.

use crate::domain::fold::rows::Note;
use crate::domain::id::{EntryId, EventSeq};
use crate::domain::ranges::EntryRanges;

pub(super) fn contradicts(seq: EventSeq, what: &str, tell: &mut dyn FnMut(Note)) {
    tell(Note::Contradiction { what: what.to_owned(), seq });
}

/// Ranges of entries, ascending, none touching the next.
pub(super) type Merged = Vec<(EntryId, EntryId)>;

/// The union of sets of entries; `None` when an entry stands in two of them, or was never recorded. Ranges
/// are never walked: a forged one may span billions.
pub(super) fn merged<'a>(
    sets: impl IntoIterator<Item = &'a EntryRanges>,
    last_entry: i64,
) -> Option<Merged> {
    let mut ranges: Merged = sets.into_iter().flat_map(EntryRanges::ranges).collect();
    ranges.sort_unstable();
    let mut merged = Merged::new();
    for (first, last) in ranges {
        if last.get() > last_entry {
            return None;
        }
        match merged.last_mut() {
            Some((_, above)) if *above >= first => return None,
            Some((_, above)) if above.next() == first => *above = last,
            _ => merged.push((first, last)),
        }
    }
    Some(merged)
}
