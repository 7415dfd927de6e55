//! A new signing key in the place of one that is still there.
//!
//! The order is: the new key into `keys/<id>.next`, durably; the event that names it, signed over by both
//! keys; the new key's file over the old one's; the anchor. *Crash before the event:* the old key stays in
//! force, and the next rotation takes up the key that lies there. *Crash after it:* whoever opens the journal
//! for writing next puts the file in place, before anything is signed.

use std::path::{Path, PathBuf};

use secrecy::zeroize::Zeroizing;

use crate::domain::time::Timestamp;
use crate::evidence::anchor::beside;
use crate::evidence::handover;
use crate::evidence::keeper::{Keeper, KeeperError, Operator, lock_path};
use crate::evidence::key::{JournalKey, KeyError, key_path};
use crate::evidence::note::VerifierKey;
use crate::platform::{self, FileProblem, Holder, OsLock, Sharing};
use crate::store::Store;
use crate::store::creation::{JournalId, NextKey};

/// Where the key lies that is about to follow.
pub fn next_key_path(db: &Path, journal: JournalId) -> PathBuf {
    beside(&key_path(db, journal), ".next")
}

/// What a rotation did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// The key until now.
    pub old: VerifierKey,
    /// The key from now on.
    pub new: VerifierKey,
}

impl Keeper {
    /// Replaces the signing key. Refused while a run is on, which signs with the old one.
    pub fn rotate(
        &mut self,
        reason: &str,
        by: Operator<'_>,
        now: Timestamp,
    ) -> Result<Rotated, KeeperError> {
        let (path, journal) = (self.store().path().to_owned(), self.journal());
        let sharing = Sharing::seen_at(&path)?;
        let _lock = lock(&path, sharing, now)?;
        let file = key_path(&path, journal);
        // Read again: another rotation may have ended since this journal was opened.
        let old = JournalKey::read(&file, journal, sharing)?
            .ok_or_else(|| FileProblem::Missing(file.clone()))?;
        let next_file = next_key_path(&path, journal);
        let new = if let Some(left) = left_over(&next_file, journal, sharing)? {
            left
        } else {
            let seed = Zeroizing::new(self.fresh_bytes()?);
            let key = JournalKey::from_seed(journal, &seed)?;
            key.create_file(&next_file, sharing)
                .map_err(|source| FileProblem::Io { path: next_file.clone(), source })?;
            key
        };
        let note = handover::sign(&old, &new)?.to_string();
        let rotated = Rotated { old: old.verifier().clone(), new: new.verifier().clone() };
        let (old_name, new_name) = (rotated.old.to_string(), rotated.new.to_string());
        let next = NextKey {
            old: &old_name,
            new: &new_name,
            handover: &note,
            reason,
            program: by.program,
            replaced_by: by.account,
        };
        // Not published before the file is in place: whoever finds the anchor signed by the new key must find
        // the key as well.
        let head = self.write_only("replacing the signing key", now, |tx| tx.rotate_key(&next))?;
        put_in_place(&next_file, &file)?;
        self.sign_with(new);
        self.publish_seen(head)?;
        Ok(rotated)
    }
}

/// The key that a rotation left which died before its event. What is no key there was never named by the log, or
/// [`take_up`] would have met it: it makes room.
fn left_over(
    next: &Path,
    journal: JournalId,
    sharing: Sharing,
) -> Result<Option<JournalKey>, KeeperError> {
    match JournalKey::read(next, journal, sharing) {
        Err(KeyError::Damaged { .. }) => {
            std::fs::remove_file(next)
                .map_err(|source| FileProblem::Io { path: next.to_owned(), source })?;
            Ok(None)
        }
        other => Ok(other?),
    }
}

/// Puts a key in place that the log names already: a rotation died between its event and that. Gives the key
/// that counts from now on.
pub(super) fn take_up(
    store: &Store,
    path: &Path,
    journal: JournalId,
    sharing: Sharing,
    own: Option<JournalKey>,
) -> Result<Option<JournalKey>, KeeperError> {
    let next_file = next_key_path(path, journal);
    if !next_file.exists() {
        return Ok(own);
    }
    let named = store.journal_identity()?.keys.last().cloned();
    // Whatever lies there then, it is not needed, and must not be in anybody's way.
    if named.is_some() && own.as_ref().map(|key| key.verifier().to_string()) == named {
        return Ok(own);
    }
    let Some(next) = JournalKey::read(&next_file, journal, sharing)? else { return Ok(own) };
    if named != Some(next.verifier().to_string()) {
        return Ok(own);
    }
    put_in_place(&next_file, &key_path(path, journal))?;
    Ok(Some(next))
}

fn put_in_place(next: &Path, file: &Path) -> Result<(), FileProblem> {
    match platform::put_in_place(next, file) {
        // Another process was faster.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && file.exists() => Ok(()),
        other => other.map_err(|source| FileProblem::Io { path: file.to_owned(), source }),
    }
}

fn lock(db: &Path, sharing: Sharing, now: Timestamp) -> Result<OsLock, KeeperError> {
    let path = lock_path(db);
    let holder = Holder::this_process("key rotate", now);
    OsLock::try_acquire(&path, sharing, &holder)?.ok_or_else(|| KeeperError::RunUsesKey {
        path: db.to_owned(),
        holder: platform::holder(&path).ok().flatten(),
    })
}

#[cfg(test)]
#[path = "rotation_tests.rs"]
mod tests;
