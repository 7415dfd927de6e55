//! The events of full snapshots: whole records that are kept, encrypted, and shredded. They move no entry.

use serde::{Deserialize, Serialize};

use crate::domain::id::{ModuleName, RequestId, RunId};
use crate::domain::merkle::Hash;
use crate::domain::ranges::EntryRanges;
use crate::domain::time::Timestamp;

/// See [`super::Event::FullSnapshotTaken`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FullSnapshotTaken {
    /// The run.
    pub run: RunId,
    /// The reading's number; it is counted together with all others.
    pub reading: i64,
    /// The request, which says to whom they are encrypted.
    pub request: RequestId,
    /// The module that was read.
    pub module: ModuleName,
    /// Its entries whose records were kept.
    pub entries: EntryRanges,
    /// How long they are kept.
    pub until: Timestamp,
    /// RFC 6962 root over the items' leaves, in entry order: each holds the SHA-256 of its age file.
    pub items_root: Hash,
}

/// See [`super::Event::FullSnapshotsShredded`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FullSnapshotsShredded {
    /// The entries: every full snapshot of theirs so far is gone.
    pub entries: EntryRanges,
    /// Whether they went because their time was over.
    pub due: bool,
    /// Name and version of the program.
    pub program: String,
    /// Seal: who decided.
    pub shredded_by: Hash,
    /// Seal: the OS account that recorded it.
    pub recorded_by: Hash,
    /// Seal: why, where it was not because their time was over.
    pub reason: Option<Hash>,
    /// Seal: the ticket.
    pub ticket: Option<Hash>,
}
