//! The event of a later look at what entries took away. It moves no entry.

use serde::{Deserialize, Serialize};

use crate::domain::id::{ModuleName, RunId};
use crate::domain::merkle::Hash;
use crate::domain::ranges::EntryRanges;
use crate::domain::recheck::Found;

/// Entries whose things were found alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecheckGroup {
    /// Where they are.
    pub found: Found,
    /// The entries.
    pub entries: EntryRanges,
}

/// See [`super::Event::EntriesRechecked`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntriesRechecked {
    /// The run.
    pub run: RunId,
    /// The reading's number; it is counted together with all others.
    pub reading: i64,
    /// The module that was read; of a relation, the parent's.
    pub module: ModuleName,
    /// What was found; every entry stands in exactly one group.
    pub groups: Vec<RecheckGroup>,
    /// RFC 6962 root over the items' leaves, in entry order.
    pub items_root: Hash,
}
