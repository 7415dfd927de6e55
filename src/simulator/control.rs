//! What can be done to a record from outside, by the handle and by the control routes.

use super::state::{Actor, Mark, World};

/// One kind of interference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Control {
    Lock,
    Unlock,
    Unapprove,
    EnterBlueprint,
    Convert,
    DeleteAsOther,
    DeleteAsOurs,
    Purge,
    Restore,
    Touch,
}

impl Control {
    /// The one with this name in a control URL.
    pub(crate) fn find(name: &str) -> Option<Self> {
        Some(match name {
            "lock" => Self::Lock,
            "unlock" => Self::Unlock,
            "unapprove" => Self::Unapprove,
            "enter-blueprint" => Self::EnterBlueprint,
            "convert" => Self::Convert,
            "delete-as-other" => Self::DeleteAsOther,
            "delete-as-ours" => Self::DeleteAsOurs,
            "purge" => Self::Purge,
            "restore" => Self::Restore,
            "touch" => Self::Touch,
            _ => return None,
        })
    }

    /// Does it to a record; `false` when the record is not where that is possible.
    pub(crate) fn apply(self, world: &mut World, id: u64, now: i64) -> bool {
        match self {
            Self::Lock => world.mark(id, Mark::Locked),
            Self::Unlock => world.unmark(id, Mark::Locked),
            Self::Unapprove => world.mark(id, Mark::Unapproved),
            Self::EnterBlueprint => world.mark(id, Mark::InBlueprint),
            Self::Convert => world.mark(id, Mark::Converted),
            Self::DeleteAsOther => world.delete_by_hand(id, Actor::OtherUser, now),
            Self::DeleteAsOurs => world.delete_by_hand(id, Actor::TokenUser, now),
            Self::Purge => world.purge(id, now),
            Self::Restore => world.restore(id, now),
            Self::Touch => world.touch(id, now),
        }
    }
}
