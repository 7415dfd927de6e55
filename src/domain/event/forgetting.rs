//! What of an event goes when entries are forgotten, and which leaves it holds the root of.

use std::collections::HashSet;

use crate::domain::event::Event;
use crate::domain::id::{EntryId, RequestId};
use crate::domain::ranges::EntryRanges;

impl Event {
    /// The entries whose leaves it holds the root of.
    pub fn items(&self) -> Option<EntryRanges> {
        let groups = |sets: &mut dyn Iterator<Item = &EntryRanges>| {
            let mut all = EntryRanges::default();
            sets.for_each(|set| all.join(set));
            Some(all)
        };
        match self {
            Self::RequestRecorded(data) => {
                let entries = i64::try_from(data.entries).unwrap_or(i64::MAX);
                let last = data.first_entry.get().saturating_add(entries).saturating_sub(1);
                Some(EntryRanges::span(data.first_entry, EntryId::new(last)))
            }
            Self::BatchAnswered(data) => groups(&mut data.groups.iter().map(|one| &one.entries)),
            Self::EvidenceRead(data) => groups(&mut data.groups.iter().map(|one| &one.entries)),
            Self::EntriesRechecked(data) => groups(&mut data.groups.iter().map(|one| &one.entries)),
            Self::SnapshotTaken(data) => groups(&mut [&data.entries].into_iter()),
            Self::EntriesSettled(data) => groups(&mut [&data.entries].into_iter()),
            Self::FullSnapshotTaken(data) => groups(&mut [&data.entries].into_iter()),
            Self::JournalCreated(_)
            | Self::KeyReplaced(_)
            | Self::SchemaUpgraded(_)
            | Self::NothingRecorded(_)
            | Self::RunStarted(_)
            | Self::Bound(_)
            | Self::UserSeen(_)
            | Self::ModuleSeen(_)
            | Self::RequestPinned(_)
            | Self::BatchBegun(_)
            | Self::BatchUnanswered(_)
            | Self::BatchReturned(_)
            | Self::JobEnded(_)
            | Self::EntriesReopened(_)
            | Self::RequestParked(_)
            | Self::RequestUnparked(_)
            | Self::RequestApproved(_)
            | Self::RequestRejected(_)
            | Self::ApprovalNeeded(_)
            | Self::EntriesCancelled(_)
            | Self::EntriesHeld(_)
            | Self::Paused(_)
            | Self::Resumed(_)
            | Self::HoldPlaced(_)
            | Self::HoldReleased(_)
            | Self::PolicySet(_)
            | Self::PolicyApproved(_)
            | Self::PolicyRejected(_)
            | Self::Adopted(_)
            | Self::Moved(_)
            | Self::Arrived(_)
            | Self::FullSnapshotsShredded(_)
            | Self::Forgotten(_)
            | Self::RunEnded(_) => None,
        }
    }

    /// Whether the opened form of its seals goes once these entries were forgotten: when it speaks of entries,
    /// and of no others. `requests` are those of which nothing is left: what decided about one of them and moved
    /// none of its entries goes with it.
    pub fn goes_with(&self, forgotten: &EntryRanges, requests: &HashSet<RequestId>) -> bool {
        let all = |sets: &[&EntryRanges]| {
            let mut ranges = sets.iter().flat_map(|set| set.ranges()).peekable();
            ranges.peek().is_some() && ranges.all(|(first, last)| forgotten.holds(first, last))
        };
        match self {
            _ if forgotten.is_empty() => false,
            Self::RequestRecorded(data) => {
                let entries = i64::try_from(data.entries).unwrap_or(i64::MAX);
                let last = data.first_entry.get().saturating_add(entries).saturating_sub(1);
                entries > 0 && forgotten.holds(data.first_entry, EntryId::new(last))
            }
            Self::BatchAnswered(data) => {
                all(&data.groups.iter().map(|group| &group.entries).collect::<Vec<_>>())
            }
            Self::BatchUnanswered(data) => all(&[&data.entries]),
            Self::BatchReturned(data) => all(&[&data.entries]),
            Self::EntriesSettled(data) => all(&[&data.entries]),
            Self::RequestApproved(data) => {
                let named = [data.entries.as_ref(), data.unread.as_ref()];
                requests.contains(&data.request)
                    || all(&named.into_iter().flatten().collect::<Vec<_>>())
            }
            Self::RequestRejected(data) => all(&[&data.entries]),
            Self::EntriesCancelled(data) => all(&[&data.entries]),
            // The journal's own story, and who ran it and erased from it, stay.
            Self::JournalCreated(_)
            | Self::KeyReplaced(_)
            | Self::SchemaUpgraded(_)
            | Self::NothingRecorded(_)
            | Self::RunStarted(_)
            | Self::Bound(_)
            | Self::UserSeen(_)
            | Self::ModuleSeen(_)
            | Self::RequestPinned(_)
            | Self::SnapshotTaken(_)
            | Self::FullSnapshotTaken(_)
            | Self::FullSnapshotsShredded(_)
            | Self::BatchBegun(_)
            | Self::JobEnded(_)
            | Self::EvidenceRead(_)
            | Self::EntriesReopened(_)
            | Self::RequestParked(_)
            | Self::RequestUnparked(_)
            | Self::EntriesRechecked(_)
            | Self::ApprovalNeeded(_)
            | Self::EntriesHeld(_)
            | Self::Paused(_)
            | Self::Resumed(_)
            | Self::HoldPlaced(_)
            | Self::HoldReleased(_)
            | Self::PolicySet(_)
            | Self::PolicyApproved(_)
            | Self::PolicyRejected(_)
            | Self::Adopted(_)
            | Self::Moved(_)
            | Self::Arrived(_)
            | Self::Forgotten(_)
            | Self::RunEnded(_) => false,
        }
    }
}
