//! Whether a thing can be brought back, and until when.

use serde::{Deserialize, Serialize};

use crate::domain::evidence::Look;
use crate::domain::evidence::deletion::Facts;
use crate::domain::evidence::presence::{Before, ThingFacts};
use crate::domain::limits::BIN_KEEPS;
use crate::domain::scope::Operation;
use crate::domain::state::EntryState;
use crate::domain::target::{Product, named_set};
use crate::domain::time::Timestamp;
use crate::store::query::{EntryView, UndoneBy};

named_set!(
    /// Whether a thing can be brought back.
    UndoState, "undo", {
        /// As it was: it lies in the recycle bin, or what was there before is known.
        Possible = "possible",
        /// Something like it: a tag that is made again has a new id and is on no record.
        Partial = "partial",
        /// It never went to a bin, is beyond it, or nobody knows what was there before.
        Impossible = "impossible",
        /// The bin has kept it for as long as it does.
        Expired = "expired",
        /// It was brought back.
        Undone = "undone",
        /// Nothing was changed.
        NothingToUndo = "nothing_to_undo",
    }
);

/// Whether a thing can be brought back, and until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Undo {
    /// Whether.
    pub state: UndoState,
    /// Until when the bin keeps it, where it lies or lay in one.
    pub until: Option<Timestamp>,
}

impl Undo {
    /// For an entry at some time; `None` while it is open. `has_bin` is what its module says, and a bin is
    /// assumed where it could not be read.
    pub fn of(entry: &EntryView, has_bin: Option<bool>, now: Timestamp) -> Option<Self> {
        if entry.state != EntryState::Done {
            return entry.state.is_settled().then_some(Self::without_end(UndoState::NothingToUndo));
        }
        if entry.undone_by.is_some_and(UndoneBy::is_back) {
            return Some(Self::without_end(UndoState::Undone));
        }
        // What it was about was forgotten.
        if entry.target.is_none() {
            return Some(Self::without_end(UndoState::Impossible));
        }
        let known = entry.snapshot().as_ref().map(ThingFacts::before);
        let was_there = matches!(known, Some(Before::There { .. }));
        Some(match entry.scope.operation {
            Operation::Delete => Self::of_deletion(entry, has_bin, now),
            // Tags are added again by the Add Tags call (CRM v8, Bigin v2), relations by the call that links.
            Operation::Untag | Operation::Unlink if was_there => {
                Self::without_end(UndoState::Possible)
            }
            // A tag that is created again gets a new id, and no record carries it.
            Operation::DeleteTags if was_there => Self::without_end(UndoState::Partial),
            Operation::Untag | Operation::Unlink | Operation::DeleteTags => {
                Self::without_end(UndoState::Impossible)
            }
            // To take away again what came back is a decision of its own, recorded as a request of its own.
            Operation::Restore | Operation::Retag | Operation::Relink | Operation::RecreateTags => {
                Self::without_end(UndoState::NothingToUndo)
            }
        })
    }

    const fn without_end(state: UndoState) -> Self {
        Self { state, until: None }
    }

    fn of_deletion(entry: &EntryView, has_bin: Option<bool>, now: Timestamp) -> Self {
        let facts = entry.facts();
        let beyond = facts.as_ref().is_some_and(is_beyond_the_bin);
        if entry.scope.product == Product::Bigin || has_bin == Some(false) || beyond {
            return Self::without_end(UndoState::Impossible);
        }
        let deleted = facts.as_ref().and_then(deleted_at);
        let sent = || entry.last_batch().and_then(|batch| batch.submitted_at());
        let until = deleted.or_else(sent).map(|from| from.plus(BIN_KEEPS));
        let over = until.is_some_and(|until| until <= now);
        let state = if over { UndoState::Expired } else { UndoState::Possible };
        Self { state, until }
    }
}

/// When Zoho deleted it, by what was read.
pub(super) fn deleted_at(facts: &Facts) -> Option<Timestamp> {
    match (&facts.bin, &facts.deleted) {
        (Look::Seen(deletion), _) | (_, Look::Seen(deletion)) => deletion.at,
        _ => None,
    }
}

fn is_beyond_the_bin(facts: &Facts) -> bool {
    match (&facts.bin, &facts.deleted) {
        (Look::Seen(deletion), _) | (_, Look::Seen(deletion)) => deletion.permanent,
        _ => false,
    }
}
