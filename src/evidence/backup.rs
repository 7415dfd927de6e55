//! A copy of the journal to keep elsewhere: one file, verified, that can be looked at and is never written to.
//!
//! In this order: what others left unsynced made durable, so that no copy is ever longer than its journal; the
//! copy under another name; its verification; its own name, durably. A crash leaves at most the other name.

use std::fs;
use std::path::{Path, PathBuf};

use crate::evidence::anchor::beside;
use crate::evidence::checkpoint::SignedCheckpoint;
use crate::evidence::keeper::{COMPANIONS, Keeper, KeeperError};
use crate::platform::{self, FileProblem, Sharing};
use crate::store::StoreError;
use crate::store::upgrade::{Copied, examine_copy};

/// A copy that was made.
#[derive(Debug)]
pub struct Backup {
    /// What was found in it when it was verified.
    pub copied: Copied,
    /// A checkpoint of the journal, which the copy holds or goes beyond.
    pub given: SignedCheckpoint,
}

impl Keeper {
    /// Makes a verified copy where nothing lies. A run may be on meanwhile: the copy is of one moment.
    pub fn back_up(&mut self, to: &Path) -> Result<Backup, KeeperError> {
        let part = Part::begin(to)?;
        let given = self.checkpoint()?;
        self.store().copy_into(&part.0)?;
        let copied = examine_copy(&part.0)?;
        let same = self.store().created()?.is_some_and(|(journal, _)| journal == copied.journal);
        if !same || self.store().root_at(copied.head.size)? != Some(copied.head.root) {
            let what = "it tells another history".to_owned();
            return Err(StoreError::BadCopy { path: part.0.clone(), what }.into());
        }
        check_free(to)?;
        platform::put_in_place(&part.0, to)
            .map_err(|source| FileProblem::Io { path: to.to_owned(), source })?;
        Ok(Backup { copied, given })
    }
}

/// Fails where anything lies under a name, or beside it what SQLite would take for a part of it.
pub(super) fn check_free(path: &Path) -> Result<(), KeeperError> {
    for end in [""].into_iter().chain(COMPANIONS) {
        let taken = beside(path, end);
        if fs::symlink_metadata(&taken).is_ok() {
            return Err(KeeperError::CopyTaken(taken));
        }
    }
    Ok(())
}

/// A copy that is being made. Goes when it is dropped. One that a killed process left is not removed here:
/// it could be that of another backup, which is still on.
pub(super) struct Part(pub(super) PathBuf);

impl Part {
    pub(super) fn begin(to: &Path) -> Result<Self, KeeperError> {
        let path = beside(to, ".part");
        check_free(to)?;
        check_free(&path)?;
        platform::create_exclusive(&path, b"", Sharing::OwnerOnly)
            .map_err(|source| FileProblem::Io { path: path.clone(), source })?;
        Ok(Self(path))
    }
}

impl Part {
    /// It stays, whatever comes.
    pub(super) fn keep(mut self) -> PathBuf {
        std::mem::take(&mut self.0)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if self.0.as_os_str().is_empty() {
            return;
        }
        for end in [""].into_iter().chain(COMPANIONS) {
            // Gone already: it has its name now.
            fs::remove_file(beside(&self.0, end)).ok();
        }
    }
}
