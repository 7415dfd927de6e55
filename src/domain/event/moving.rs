//! What events hold by which a journal becomes another one, or goes to another place. Key order is part of the
//! format.

use serde::{Deserialize, Serialize};

use crate::domain::id::EntryId;
use crate::domain::merkle::Hash;
use crate::domain::ranges::EntryRanges;
use crate::domain::target::named_set;

named_set!(
    /// Why a journal did not simply go on.
    AdoptionCause, "cause", {
        /// Its anchor was published for more events: an older copy was put back, or its end was cut off.
        Behind = "behind",
        /// There was no anchor, so that it may have been an older copy.
        Missing = "missing",
        /// It was a copy that a backup made.
        Copy = "copy",
        /// It had been moved to another place, and the journal there is lost.
        Moved = "moved",
    }
);

/// See [`super::Event::Adopted`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adopted {
    /// The journal's id from now on, as in [`super::JournalCreated`]: nothing that is signed from here on can be
    /// taken for what the lost part, or a journal that goes on elsewhere, signs under the old one.
    pub journal: String,
    /// The public key of its checkpoints from now on.
    pub key: String,
    /// Why.
    pub cause: AdoptionCause,
    /// Events that the journal held.
    pub events: u64,
    /// RFC 6962 root over them.
    pub root: Hash,
    /// The checkpoint that lay beside it, verbatim. It is signed, and tells of events that are not here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<String>,
    /// The last entry so far; 0 where there is none. Of all that is not settled, calls may be lost.
    pub last_entry: EntryId,
    /// Entries that were pending: they may have been sent.
    pub entries: Option<EntryRanges>,
    /// Name and version of the program.
    pub program: String,
    /// Seal: account and host.
    pub adopted_by: Hash,
    /// Seal: why.
    pub reason: Hash,
}

/// See [`super::Event::Moved`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Moved {
    /// Name and version of the program.
    pub program: String,
    /// Seal: account and host.
    pub moved_by: Hash,
    /// Seal: the file that it goes to.
    pub destination: Hash,
}

/// See [`super::Event::Arrived`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arrived {
    /// The leaf of the event that closed the journal where it was.
    pub content: Hash,
    /// Name and version of the program.
    pub program: String,
    /// Seal: account and host.
    pub arrived_by: Hash,
}
