//! A journal open for writing, together with its key and its anchor.

use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::zeroize::Zeroizing;

use crate::domain::entropy::{Entropy, EntropyError};
use crate::domain::time::Timestamp;
use crate::evidence::anchor::{Anchor, AnchorError, AnchorState, Published, beside};
use crate::evidence::key::{JournalKey, KeyError, key_path, keys_dir};
use crate::evidence::note::{NoteError, SignedNote, VerifierKey};
use crate::evidence::sweeping::{self, Unswept};
use crate::evidence::{rotation, upgrade};
use crate::platform::{
    self, Access, FileProblem, Holder, OsLock, Sharing, Unsupported, shell_quoted,
};
use crate::store::creation::JournalId;
use crate::store::{self, Head, Store, StoreError, WriteTx};

pub use crate::evidence::anchor::anchor_path;
pub use crate::evidence::upgrade::{Upgraded, backup_path};

/// The file whose lock the reconciler of a journal holds.
pub fn lock_path(db: &Path) -> PathBuf {
    beside(db, ".lock")
}

/// What SQLite adds to the name of a database for the files that it keeps beside it while it is in use.
pub(super) const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Who works with a journal, as its log records it.
#[derive(Debug, Clone, Copy)]
pub struct Operator<'a> {
    /// OS account and host; sealed in the log.
    pub account: &'a str,
    /// Name and version of the program.
    pub program: &'a str,
}

/// A journal cannot be opened for writing or made, or what was written could not be published.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeeperError {
    /// Not on this operating system.
    #[error(transparent)]
    Unsupported(#[from] Unsupported),
    /// Rights, owner or kind of a file or directory. The text says what mends it.
    #[error(transparent)]
    Rights(#[from] FileProblem),
    /// Neither locks nor shared memory work there.
    #[error("{} lies on a network file system ({kind}): put the journal on a local disk", shell_quoted(.path))]
    Network {
        /// The journal.
        path: PathBuf,
        /// The file system.
        kind: &'static str,
    },
    /// The directory is there already and its group is not the one that was named.
    #[error("the directory {} is not the group's: run `chgrp {} {} && chmod 2770 {}`, or name a directory that does not exist yet", shell_quoted(.path), shell_quoted(Path::new(.group)), shell_quoted(.path), shell_quoted(.path))]
    GroupDirectory {
        /// The directory.
        path: PathBuf,
        /// The group.
        group: String,
    },
    /// Files of another journal lie where the new one's would.
    #[error("{} lies there already, from a journal that is gone: move it away, or choose another --db", shell_quoted(.0))]
    LeftOver(PathBuf),
    /// An `init` did not come to its end. Nothing was ever recorded there.
    #[error("{} is only half made: an init was interrupted before anything was recorded there", shell_quoted(.path))]
    Interrupted {
        /// The journal.
        path: PathBuf,
        /// What is to be removed before another `init`: the journal and its companions.
        remains: Vec<PathBuf>,
    },
    /// The journal is not the one that was published last. Nothing may be written to it.
    #[error("the journal {} {state}", shell_quoted(.path))]
    NotAnchored {
        /// The journal.
        path: PathBuf,
        /// How it stands to its anchor.
        state: Box<AnchorState>,
    },
    /// It goes on by itself: nothing of it is known to be lost.
    #[error("the journal {} {state}, and it is no copy: there is nothing to adopt", shell_quoted(.path))]
    NothingToAdopt {
        /// The journal.
        path: PathBuf,
        /// How it stands to its anchor.
        state: Box<AnchorState>,
    },
    /// The journal is not what its log says, which no adoption pardons.
    #[error("the journal {} does not verify, and adopting it would hide that: {} ({more} more)", shell_quoted(.path), .first)]
    NotWhole {
        /// The journal.
        path: PathBuf,
        /// The first finding.
        first: String,
        /// How many more there are.
        more: usize,
    },
    /// A batch is open of which nothing tells what became.
    #[error("the journal {} cannot be moved: a run died with a batch under way", shell_quoted(.0))]
    BatchIsOpen(PathBuf),
    /// What was written is safe; its checkpoint could not be published. The next writing command
    /// publishes it.
    #[error("what was recorded is safe, but the anchor could not follow: {0}")]
    NotPublished(#[source] AnchorError),
    /// An older program made the journal, and it cannot be upgraded while a run of such a program may be on.
    #[error("the journal {} must be upgraded first, and another run is on{}", shell_quoted(.path), who(.holder.as_ref()))]
    RunIsOn {
        /// The journal.
        path: PathBuf,
        /// Who holds the lock, where it says so.
        holder: Option<Holder>,
    },
    /// A run goes on with the journal as it is.
    #[error("a run is on with {}, which nothing else may change meanwhile{}", shell_quoted(.path), who(.holder.as_ref()))]
    RunGoesOn {
        /// The journal.
        path: PathBuf,
        /// Who holds the lock, where it says so.
        holder: Option<Holder>,
    },
    /// A run signs with the key that was to be replaced.
    #[error("the signing key of {} is not replaced while a run is on{}", shell_quoted(.path), who(.holder.as_ref()))]
    RunUsesKey {
        /// The journal.
        path: PathBuf,
        /// Who holds the lock, where it says so.
        holder: Option<Holder>,
    },
    /// Something lies where the copy from before an upgrade belongs.
    #[error("the journal must be upgraded first, and {} lies where its copy belongs and is none of it", shell_quoted(.0))]
    BackupTaken(PathBuf),
    /// Something lies where a copy was to be made. Nothing is ever written over.
    #[error("{} is there already, and no copy is written over anything", shell_quoted(.0))]
    CopyTaken(PathBuf),
    /// The signing key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A key or checkpoint could not be made.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// No random bytes.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// The journal's file.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn who(holder: Option<&Holder>) -> String {
    holder.map_or_else(String::new, |one| {
        let Holder { command, pid, host, since } = one;
        format!(": {command} with process id {pid} on {host}, since {since}")
    })
}

/// Checks the file of a journal that is only looked at: it may be somebody else's, but nobody outside
/// may be able to change it, and it is no link.
pub fn check_reader(path: &Path) -> Result<(), KeeperError> {
    check_file(path, Access::Read).map(|_| ())
}

fn check_file(path: &Path, access: Access) -> Result<Sharing, KeeperError> {
    let sharing = match Sharing::seen_at(path) {
        Err(problem) if problem.is_missing() => {
            return Err(StoreError::NoJournal(path.to_owned()).into());
        }
        other => other?,
    };
    platform::check_owner_only(path, access, sharing)?;
    Ok(sharing)
}

/// Checks everything around a journal that decides who else could change it. Opens and writes nothing.
pub fn check_writer(path: &Path) -> Result<Sharing, KeeperError> {
    platform::supported()?;
    let sharing = check_file(path, Access::Write)?;
    check_local(path)?;
    platform::check_directory(&directory_of(path), sharing)?;
    // SQLite believes what these hold. In a sticky directory anybody could have put them there.
    for suffix in COMPANIONS {
        match platform::check_owner_only(&beside(path, suffix), Access::Write, sharing) {
            Err(problem) if !problem.is_missing() => return Err(problem.into()),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(sharing)
}

/// Refuses a network file system.
pub(super) fn check_local(path: &Path) -> Result<(), KeeperError> {
    let kind = platform::network_file_system(path)
        .map_err(|source| FileProblem::Io { path: path.to_owned(), source })?;
    match kind {
        Some(kind) => Err(KeeperError::Network { path: path.to_owned(), kind }),
        None => Ok(()),
    }
}

/// The directory that a file lies in.
pub(super) fn directory_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        Some(_) | None => PathBuf::from("."),
    }
}

/// Publishes checkpoints of one journal. Goes with the store into a run's writing thread.
#[derive(Debug)]
pub struct Publisher {
    key: JournalKey,
    anchor: Anchor,
    /// Keys that may have signed the anchor that is there.
    trusted: Vec<VerifierKey>,
    last: Head,
    holder: Holder,
}

impl KeeperError {
    /// The remains of an interrupted `init`. Only where no anchor is: it is written when the first event
    /// is durable, so with an anchor the journal was emptied later.
    pub(super) fn interrupted(path: &Path) -> Self {
        let companions = COMPANIONS.map(|suffix| beside(path, suffix));
        let remains = std::iter::once(path.to_owned())
            .chain(companions.into_iter().filter(|file| file.exists()))
            .collect();
        Self::Interrupted { path: path.to_owned(), remains }
    }
}

impl Publisher {
    pub(super) fn new(
        key: JournalKey,
        anchor: Anchor,
        signed_by: VerifierKey,
        last: Head,
        now: Timestamp,
    ) -> Self {
        let trusted = vec![key.verifier().clone(), signed_by];
        Self { key, anchor, trusted, last, holder: Holder::this_process("anchor", now) }
    }

    /// Signs a head and moves the anchor to it; does nothing when it was published already.
    ///
    /// Only for the head of a commit of ours that has returned. What another process wrote and was
    /// killed over may be seen and yet not be durable: an anchor of that would, after a power cut, be
    /// ahead of its journal.
    pub fn publish(&mut self, head: Head) -> Result<(), KeeperError> {
        if head == self.last {
            return Ok(());
        }
        self.anchor
            .advance(&self.key, &self.trusted, head, &self.holder)
            .map_err(KeeperError::NotPublished)?;
        self.last = head;
        Ok(())
    }

    /// The public key.
    pub fn verifier(&self) -> &VerifierKey {
        self.key.verifier()
    }
}

/// A journal open for writing.
#[derive(Debug)]
pub struct Keeper {
    store: Store,
    journal: JournalId,
    publisher: Publisher,
    warnings: Vec<String>,
    upgraded: Option<Upgraded>,
}

impl Keeper {
    pub(super) fn new(store: Store, journal: JournalId, publisher: Publisher) -> Self {
        Self { store, journal, publisher, warnings: Vec::new(), upgraded: None }
    }

    /// Opens an existing journal for writing, if it is safe and extends its anchor.
    ///
    /// The anchor is not moved here, only by what is written from now on: see [`Publisher::publish`].
    /// A signing key that is gone is replaced, and the log says so. A journal that an older program made is
    /// upgraded first, unless a run is on.
    pub fn open(
        path: &Path,
        entropy: Box<dyn Entropy>,
        by: Operator<'_>,
        now: Timestamp,
    ) -> Result<Self, KeeperError> {
        Self::open_with(path, None, entropy, by, now)
    }

    /// The same for a run, which holds the lock of the reconciler already.
    pub fn open_for_run(
        path: &Path,
        lock: &OsLock,
        entropy: Box<dyn Entropy>,
        by: Operator<'_>,
        now: Timestamp,
    ) -> Result<Self, KeeperError> {
        Self::open_with(path, Some(lock), entropy, by, now)
    }

    fn open_with(
        path: &Path,
        lock: Option<&OsLock>,
        entropy: Box<dyn Entropy>,
        by: Operator<'_>,
        now: Timestamp,
    ) -> Result<Self, KeeperError> {
        let sharing = check_writer(path)?;
        let anchor = Anchor::of(path, sharing);
        // Before the log, else a writer between the two would make the log look behind.
        let seen = anchor.read(Access::Write);
        let mut store = Store::open(path, entropy)?;
        if let Some(departure) = store.departed()? {
            return Err(StoreError::Departed(Box::new(departure)).into());
        }
        let created = store.created()?;
        if created.is_none() && seen == Published::Missing {
            return Err(KeeperError::interrupted(path));
        }
        let own = match created {
            Some((journal, _)) => read_key(path, journal, sharing)?,
            None => None,
        };
        let state = seen.check(&store, own.as_ref().map(JournalKey::verifier))?;
        let (Some((journal, _)), AnchorState::Extends { anchor: last, signed_by }) =
            (created, state.clone())
        else {
            let state = Box::new(state);
            return Err(KeeperError::NotAnchored { path: path.to_owned(), state });
        };
        let own = rotation::take_up(&store, path, journal, sharing, own)?;
        // An upgrade makes durable what is there before it copies it.
        let upgraded = upgrade::if_older(&mut store, sharing, lock, by, now)?;
        // What a killed process left unsynced is not built upon. A run does the same when it begins, and waits.
        if lock.is_none() {
            store.checkpoint_at_once()?;
        }
        let mut warnings = Vec::new();
        let key = if let Some(key) = own {
            key
        } else {
            warnings.push(format!(
                "the signing key {} was missing: a new one was made, and the log says so",
                shell_quoted(&key_path(path, journal))
            ));
            new_key(&mut store, path, journal, sharing)?
        };
        let unnamed = *key.verifier() != signed_by && !is_in_force(&store, key.verifier())?;
        // Whatever keeps it from that is no reason to keep the command from its own work.
        let nobody_waits = (now, Duration::ZERO);
        match sweeping::sweep(&mut store, sharing, lock, nobody_waits) {
            Ok(None) => {}
            Ok(Some(why)) => warnings.push(unswept(&why)),
            Err(error) => warnings.push(unswept(&error)),
        }
        let publishing = Publisher::new(key, anchor, signed_by, last, now);
        let mut keeper = Self { store, journal, publisher: publishing, warnings, upgraded };
        if unnamed {
            // Also when a crash came between the new key's file and this event.
            keeper.name_key(by, now)?;
        }
        // Not before the log names the key that signs.
        if let Some(upgraded) = &keeper.upgraded {
            keeper.publisher.publish(upgraded.head)?;
        }
        Ok(keeper)
    }

    /// Removes the bytes of what was forgotten from the file; waits so long for others. `None` when nothing is left.
    pub fn sweep(
        &mut self,
        now: Timestamp,
        patience: Duration,
    ) -> Result<Option<Unswept>, KeeperError> {
        let sharing = Sharing::seen_at(self.store.path())?;
        sweeping::sweep(&mut self.store, sharing, None, (now, patience))
    }

    fn name_key(&mut self, by: Operator<'_>, now: Timestamp) -> Result<(), KeeperError> {
        let key = self.publisher.verifier().to_string();
        let replaced = self.write("naming the new signing key", now, |tx| {
            tx.replace_key(&key, by.program, by.account)
        })?;
        if replaced {
            self.warnings.push(format!(
                "checkpoints are signed by another key from now on: give auditors {key}"
            ));
        }
        Ok(())
    }

    /// Runs one write transaction, then moves the anchor. Only when this returns may anything be
    /// reported. With [`KeeperError::NotPublished`] everything is written.
    pub fn write<T>(
        &mut self,
        name: &'static str,
        now: Timestamp,
        work: impl FnOnce(&mut WriteTx<'_>) -> store::Result<T>,
    ) -> Result<T, KeeperError> {
        let mut before = 0;
        let (value, head) = self.store.write(name, now, |tx| {
            before = tx.log_size();
            work(tx)
        })?;
        // A transaction that wrote nothing synced nothing either: what it saw may not be durable.
        if head.size > before {
            self.publisher.publish(head)?;
        }
        Ok(value)
    }

    /// Runs one write transaction and gives its head, without moving the anchor.
    pub(super) fn write_only(
        &mut self,
        name: &'static str,
        now: Timestamp,
        work: impl FnOnce(&mut WriteTx<'_>) -> store::Result<()>,
    ) -> Result<Head, KeeperError> {
        Ok(self.store.write(name, now, work)?.1)
    }

    /// Fresh bytes from the journal's own source of randomness.
    pub(super) fn fresh_bytes(&mut self) -> Result<[u8; 32], KeeperError> {
        Ok(self.store.fresh_bytes()?)
    }

    /// Signs with another key from now on, which the log names already.
    pub(super) fn sign_with(&mut self, key: JournalKey) {
        self.publisher.trusted.push(key.verifier().clone());
        self.publisher.key = key;
    }

    /// Signs a head that is durable, moves the anchor to it, and gives the note.
    pub(super) fn publish_seen(&mut self, head: Head) -> Result<SignedNote, KeeperError> {
        self.publisher.publish(head)?;
        Ok(self.publisher.key.sign(head)?)
    }

    /// What is in the anchor now.
    pub(super) fn published_note(&self) -> Result<SignedNote, KeeperError> {
        match self.publisher.anchor.read(Access::Write) {
            Published::Note(note, _) => Ok(note),
            // It was there when this was opened, and is only ever replaced.
            Published::Missing | Published::Unreadable(_) => {
                Ok(self.publisher.key.sign(self.publisher.last)?)
            }
        }
    }

    /// The journal's id.
    pub fn journal(&self) -> JournalId {
        self.journal
    }

    /// The store, for looking.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The public key of its checkpoints.
    pub fn verifier(&self) -> &VerifierKey {
        self.publisher.verifier()
    }

    /// What went on but should be known.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The upgrade that opening it made, if it was an older program's.
    pub fn upgraded(&self) -> Option<&Upgraded> {
        self.upgraded.as_ref()
    }

    /// Takes it apart for a run, whose writing thread owns the store and publishes as it commits.
    pub fn into_run(self) -> (Store, Publisher) {
        (self.store, self.publisher)
    }
}

fn unswept(why: &dyn std::fmt::Display) -> String {
    format!(
        "bytes of what was forgotten may still lie in the file ({why}): journal forget --finish removes them"
    )
}

/// Whether the log already names the key as the one in force. Reads the whole log, so it is asked only
/// when another key signed the anchor.
fn is_in_force(store: &Store, key: &VerifierKey) -> Result<bool, KeeperError> {
    let keys = store.journal_identity()?.keys;
    Ok(keys.last() == Some(&key.to_string()))
}

pub(super) fn read_key(
    path: &Path,
    journal: JournalId,
    sharing: Sharing,
) -> Result<Option<JournalKey>, KeeperError> {
    match platform::check_directory(&keys_dir(path), sharing) {
        Err(problem) if problem.is_missing() => return Ok(None),
        other => other?,
    }
    Ok(JournalKey::read(&key_path(path, journal), journal, sharing)?)
}

/// Makes the directory of the keys, where it is missing.
pub(super) fn prepare_keys(path: &Path, sharing: Sharing) -> Result<(), KeeperError> {
    let directory = keys_dir(path);
    if directory.exists() {
        return Ok(());
    }
    if sharing == Sharing::Group {
        // Its group must be able to use it, and which group that is was only said to `init`.
        return Err(FileProblem::Missing(directory).into());
    }
    Ok(platform::create_directory_private(&directory)?)
}

/// Makes a key in the place of one that is gone. Another process may do the same: the first one's key
/// counts.
pub(super) fn new_key(
    store: &mut Store,
    path: &Path,
    journal: JournalId,
    sharing: Sharing,
) -> Result<JournalKey, KeeperError> {
    let file = key_path(path, journal);
    prepare_keys(path, sharing)?;
    let seed = Zeroizing::new(store.fresh_bytes()?);
    let key = JournalKey::from_seed(journal, &seed)?;
    match key.create_file(&file, sharing) {
        Ok(()) => Ok(key),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            read_key(path, journal, sharing)?.ok_or_else(|| FileProblem::Missing(file).into())
        }
        Err(source) => Err(FileProblem::Io { path: file, source }.into()),
    }
}

#[cfg(test)]
#[path = "keeper_tests.rs"]
mod tests;
