//! Seeing to it that the bytes of what was forgotten leave the journal's file.
//!
//! The rows are blank from the erasure's commit on. Its bytes go later: the file is written anew while no run is on
//! and nobody reads. A mark in the journal stays until that is done; whoever opens the journal for writing next
//! tries again, so a crash at any step leaves nothing but the mark.

use std::time::Duration;

use crate::domain::time::Timestamp;
use crate::evidence::keeper::{KeeperError, lock_path};
use crate::platform::{self, Holder, OsLock, Sharing};
use crate::store::Store;
use crate::store::sweep::Swept;

/// Why bytes of what was forgotten may still lie in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unswept {
    /// A run is on; its note, where it says so.
    RunIsOn(Option<Holder>),
    /// Somebody reads or writes the journal.
    InUse,
}

impl std::fmt::Display for Unswept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::RunIsOn(Some(Holder { command, pid, host, .. })) => {
                write!(f, "{command} is on, process {pid} on {host}")
            }
            Self::RunIsOn(None) => f.write_str("a run is on"),
            Self::InUse => f.write_str("another command reads or writes the journal"),
        }
    }
}

/// Sweeps the file if it needs it. `held` is the lock of the reconciler, where the caller has it. `None` when
/// nothing is left.
pub(super) fn sweep(
    store: &mut Store,
    sharing: Sharing,
    held: Option<&OsLock>,
    (now, patience): (Timestamp, Duration),
) -> Result<Option<Unswept>, KeeperError> {
    if !store.is_unswept()? {
        return Ok(None);
    }
    let path = lock_path(store.path());
    let _own = match held {
        Some(_) => None,
        // A run must not wait for it, nor it for a run.
        None => match OsLock::try_acquire(&path, sharing, &Holder::this_process("forget", now))? {
            Some(lock) => Some(lock),
            None => return Ok(Some(Unswept::RunIsOn(platform::holder(&path).ok().flatten()))),
        },
    };
    Ok(match store.sweep(patience)? {
        Swept::Clean | Swept::Done => None,
        Swept::InUse => Some(Unswept::InUse),
    })
}
