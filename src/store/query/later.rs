//! What came later of an entry that took something away: who brought it back, and what was seen of it.

use std::rc::Rc;

use crate::domain::id::{EntryId, RecordId};
use crate::domain::recheck::Found;
use crate::domain::state::EntryState;
use crate::domain::undo::Failed;
use crate::store::query::view::ReadingView;

/// The entry of a later request that brings back what this one took away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UndoneBy {
    /// That entry: of several the one that did it, else one that is to do it, else the last.
    pub entry: EntryId,
    /// Where it stands.
    pub state: EntryState,
    /// What is known of its failure, if it failed.
    pub failed: Option<Failed>,
}

impl UndoneBy {
    /// Whether what was taken away is there again, by this entry or as it found it.
    pub fn is_back(self) -> bool {
        matches!(self.state, EntryState::Done | EntryState::Absent)
    }

    /// Whether it is to come back still.
    pub fn is_under_way(self) -> bool {
        !self.state.is_settled()
    }
}

/// The entry of a later request that puts a deleted tag back on a record that carried it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PutBack {
    /// The record.
    pub record: RecordId,
    /// That entry.
    pub by: UndoneBy,
}

/// What a later look showed of what an entry took away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecheckView {
    /// The reading.
    pub reading: Rc<ReadingView>,
    /// Where it was.
    pub found: Found,
    /// What was read, as JSON; `None` once erased.
    pub facts: Option<String>,
}
