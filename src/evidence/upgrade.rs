//! Upgrading a journal that an older program made, before anything else is written to it.
//!
//! In this order: the lock of the reconciler, so that no run is on; the journal made durable; a copy of it
//! beside it, verified, synced and named; the migrations and the event that tells of them, in one
//! transaction. A crash before the COMMIT leaves the journal as it was and perhaps a copy, which the next
//! upgrade takes, replaces or removes; a crash after it leaves an anchor that lies behind.

use std::fs;
use std::path::{Path, PathBuf};

use crate::domain::time::Timestamp;
use crate::evidence::anchor::beside;
use crate::evidence::keeper::{COMPANIONS, KeeperError, Operator, lock_path};
use crate::platform::{self, Access, FileProblem, Holder, OsLock, Sharing};
use crate::store::upgrade::{Copied, Older, examine_copy};
use crate::store::{Head, Store, StoreError};

/// How often to begin anew when others record between the copy and the upgrade. Recording needs no lock.
const TRIES: u32 = 5;

/// An upgrade that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upgraded {
    /// The schema that the journal had.
    pub from: u32,
    /// The schema that it has.
    pub to: u32,
    /// The copy of it as it was.
    pub backup: PathBuf,
    /// The log with the event of the upgrade.
    pub(super) head: Head,
}

/// Where the copy of a journal lies as it was before it was upgraded from a schema.
pub fn backup_path(db: &Path, schema: u32) -> PathBuf {
    beside(db, &format!(".v{schema}.backup"))
}

/// Upgrades the journal if it needs it. Its anchor must have been compared with it before. `held` is the
/// lock of the reconciler, where the caller has it.
pub(super) fn if_older(
    store: &mut Store,
    sharing: Sharing,
    held: Option<&OsLock>,
    by: Operator<'_>,
    now: Timestamp,
) -> Result<Option<Upgraded>, KeeperError> {
    if store.older()?.is_none() {
        return Ok(None);
    }
    let path = store.path().to_owned();
    let _own = match held {
        Some(_) => None,
        None => Some(take_lock(&path, sharing, now)?),
    };
    store.check_upgradable()?;
    for _ in 0..TRIES {
        // Whoever had the lock before may have done it.
        let Some(Older { from, to }) = store.older()? else { return Ok(None) };
        // What a killed process left unsynced: a power cut must not leave a copy that is longer than the
        // journal.
        store.checkpoint()?;
        let backup = backup_path(&path, from);
        let copied = back_up(store, &backup, from, sharing)?;
        if let Some(head) = store.upgrade(&copied, by.program, by.account, now)? {
            return Ok(Some(Upgraded { from, to, backup, head }));
        }
    }
    Err(StoreError::Busy { doing: "upgrading the journal" }.into())
}

/// Copies a journal of an older schema before it is adopted, which upgrades it. The caller has the lock.
pub(super) fn copy_if_older(store: &Store, sharing: Sharing) -> Result<(), KeeperError> {
    let Some(Older { from, .. }) = store.older()? else { return Ok(()) };
    store.check_upgradable()?;
    let backup = backup_path(store.path(), from);
    back_up(store, &backup, from, sharing).map(drop)
}

fn take_lock(db: &Path, sharing: Sharing, now: Timestamp) -> Result<OsLock, KeeperError> {
    let path = lock_path(db);
    let note = Holder::this_process("upgrade", now);
    OsLock::try_acquire(&path, sharing, &note)?.ok_or_else(|| {
        let holder = platform::holder(&path).ok().flatten();
        KeeperError::RunIsOn { path: db.to_owned(), holder }
    })
}

/// A verified copy of the journal as it stands, durable under its name; the one of an upgrade that was
/// interrupted, where nothing was recorded since.
fn back_up(
    store: &Store,
    backup: &Path,
    schema: u32,
    sharing: Sharing,
) -> Result<Copied, KeeperError> {
    let io = |path: &Path, source| FileProblem::Io { path: path.to_owned(), source };
    if let Some(copied) = left_over(store, backup, schema, sharing)?
        && copied.head == store.head()?
    {
        // Its contents were synced before it got its name, the name perhaps not yet.
        let directory = super::keeper::directory_of(backup);
        platform::sync_directory(&directory).map_err(|source| io(&directory, source))?;
        return Ok(copied);
    }
    let part = Part::begin(backup, sharing)?;
    store.copy_into(&part.0)?;
    let copied = examine_copy(&part.0)?;
    if !is_of(store, schema, &copied)? {
        let what = "it tells another history".to_owned();
        return Err(StoreError::BadCopy { path: part.0.clone(), what }.into());
    }
    platform::put_in_place(&part.0, backup).map_err(|source| io(backup, source))?;
    Ok(copied)
}

/// Whether a copy is one of this journal, perhaps of earlier, with a schema.
fn is_of(store: &Store, schema: u32, copied: &Copied) -> Result<bool, KeeperError> {
    let same = store.created()?.is_some_and(|(journal, _)| journal == copied.journal);
    let extends = store.root_at(copied.head.size)? == Some(copied.head.root);
    Ok(same && extends && copied.schema == schema)
}

/// The copy that an interrupted upgrade left. Anything else that has the name is left alone.
fn left_over(
    store: &Store,
    backup: &Path,
    schema: u32,
    sharing: Sharing,
) -> Result<Option<Copied>, KeeperError> {
    // SQLite would believe what these say about the copy.
    for suffix in COMPANIONS {
        let companion = beside(backup, suffix);
        if fs::symlink_metadata(&companion).is_ok() {
            return Err(KeeperError::BackupTaken(companion));
        }
    }
    match platform::check_owner_only(backup, Access::Write, sharing) {
        Err(problem) if problem.is_missing() => return Ok(None),
        Err(_) => return Err(KeeperError::BackupTaken(backup.to_owned())),
        Ok(()) => {}
    }
    match examine_copy(backup) {
        Ok(copied) if is_of(store, schema, &copied)? => Ok(Some(copied)),
        Ok(_) | Err(_) => Err(KeeperError::BackupTaken(backup.to_owned())),
    }
}

/// A copy that is being made, under a name of its own. Goes when it is dropped; what a killed process left
/// of one is removed by the next, which holds the lock and so knows that nobody is making it.
struct Part(PathBuf);

impl Part {
    fn begin(backup: &Path, sharing: Sharing) -> Result<Self, KeeperError> {
        let path = beside(backup, ".part");
        for file in std::iter::once(path.clone()).chain(COMPANIONS.map(|end| beside(&path, end))) {
            match platform::check_owner_only(&file, Access::Write, sharing) {
                Err(problem) if problem.is_missing() => continue,
                Err(_) => return Err(KeeperError::BackupTaken(file)),
                Ok(()) => {}
            }
            fs::remove_file(&file)
                .map_err(|source| FileProblem::Io { path: file.clone(), source })?;
        }
        platform::create_exclusive(&path, b"", sharing)
            .map_err(|source| FileProblem::Io { path: path.clone(), source })?;
        Ok(Self(path))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        for end in [""].into_iter().chain(COMPANIONS) {
            // Gone already: it has its name now.
            fs::remove_file(beside(&self.0, end)).ok();
        }
    }
}

#[cfg(test)]
#[path = "upgrade_tests.rs"]
mod tests;
