//! Adoption: a journal that is not known to hold all of its log goes on under a name of its own.
//!
//! A restored backup, a log whose end was cut off, a copy, a journal whose anchor is gone: each may lack events that
//! were recorded elsewhere, by which things were sent. So it takes another id and another key (what it signs from then on can
//! never be taken for what the lost part signed, or a journal that lives on under the old name), and everything that the
//! lost part may have sent is read before anything is sent.
//!
//! The order is: the reconciler's lock; the whole of `verify`; the new key's file; the event with the states that
//! follow from it; the anchor. *Crash before the event:* the journal is as it was, beside a key that nothing names.
//! *Crash after it:* the anchor is still the old one, so that nobody writes; adopting again finds the event and only
//! publishes.

use std::path::{Path, PathBuf};

use secrecy::zeroize::Zeroizing;

use crate::domain::entropy::Entropy;
use crate::domain::event::{AdoptionCause, Event};
use crate::domain::ranges::EntryRanges;
use crate::domain::time::Timestamp;
use crate::evidence::anchor::{Anchor, AnchorState, Published};
use crate::evidence::keeper::{
    KeeperError, Operator, check_writer, lock_path, new_key, prepare_keys, read_key,
};
use crate::evidence::key::{JournalKey, key_path};
use crate::evidence::note::VerifierKey;
use crate::evidence::upgrade;
use crate::evidence::verify::{Options, verify};
use crate::platform::{self, Access, FileProblem, Holder, OsLock, Sharing};
use crate::store::adopting::{Adoption, Doubtful, NewAdoption};
use crate::store::creation::JournalId;
use crate::store::moving::Mark;
use crate::store::upgrade::Older;
use crate::store::{Head, Reader, Store, StoreError};

/// A journal that can be adopted, kept from everybody else while that is decided.
#[derive(Debug)]
pub struct Orphan {
    path: PathBuf,
    sharing: Sharing,
    store: Store,
    seen: Published,
    _lock: OsLock,
    /// Why it does not simply go on.
    pub cause: AdoptionCause,
    /// What is anchored, where there is an anchor.
    pub published: Option<Head>,
    /// What the journal holds.
    pub stood: Head,
    /// When its last event was written.
    pub last_at: Option<Timestamp>,
    /// What of it a lost part of its log may have changed.
    pub doubtful: Doubtful,
    /// An adoption that was recorded and not published: nothing is recorded again.
    pub unfinished: Option<Adoption>,
}

/// An adoption that is done.
#[derive(Debug)]
pub struct Adopted {
    /// The journal's id from now on.
    pub journal: JournalId,
    /// Its public key from now on.
    pub key: VerifierKey,
    /// Entries that were pending and are read first.
    pub unknown: EntryRanges,
    /// The log with the event.
    pub head: Head,
}

impl Orphan {
    /// Takes a journal's lock and looks at it. An error where it goes on by itself, where a run is on, and where
    /// anything else is wrong with it than that something may be missing.
    pub fn take(
        path: &Path,
        entropy: Box<dyn Entropy>,
        now: Timestamp,
    ) -> Result<Self, KeeperError> {
        let sharing = check_writer(path)?;
        let lock = take_lock(path, sharing, "adopt", now)?;
        // Before the log, as everywhere.
        let seen = Anchor::of(path, sharing).read(Access::Write);
        let store = Store::open_refused(path, entropy)?;
        // What a killed process left unsynced is not built upon.
        store.checkpoint()?;
        let own = match store.created()? {
            Some((journal, _)) => read_key(path, journal, sharing)?,
            None => return Err(KeeperError::interrupted(path)),
        };
        let state = seen.check(&store, own.as_ref().map(JournalKey::verifier))?;
        let unfinished = unfinished(&store, &seen)?;
        let cause = match &unfinished {
            Some(adoption) => adoption.event.cause,
            None => cause(path, &store, &state)?,
        };
        check_whole(path)?;
        let published = match (&state, &seen) {
            (AnchorState::Missing, _) => None,
            (_, Published::Note(_, checkpoint)) => Some(checkpoint.head),
            (_, Published::Missing | Published::Unreadable(_)) => None,
        };
        let last_at = match store.last_event()? {
            Some(event) => Some(event.decode()?.at),
            None => None,
        };
        let (stood, doubtful) = (store.head()?, store.doubtful()?);
        let path = path.to_owned();
        Ok(Self {
            path,
            sharing,
            store,
            seen,
            _lock: lock,
            cause,
            published,
            stood,
            last_at,
            doubtful,
            unfinished,
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many events are known to be missing, by the anchor.
    pub fn missing(&self) -> Option<u64> {
        let published = self.published?;
        Some(published.size.saturating_sub(self.stood.size)).filter(|missing| *missing > 0)
    }

    /// The schema of an older program, which adopting it upgrades.
    pub fn older(&self) -> Result<Option<Older>, KeeperError> {
        Ok(self.store.older()?)
    }

    /// Adopts it, or publishes what was adopted before.
    pub fn adopt(
        mut self,
        reason: &str,
        by: Operator<'_>,
        now: Timestamp,
    ) -> Result<Adopted, KeeperError> {
        if let Some(adoption) = self.unfinished.take() {
            return self.publish(&adoption, by, now);
        }
        let journal = {
            let bytes = self.store.fresh_bytes()?;
            let mut id = [0; 16];
            id.iter_mut().zip(bytes).for_each(|(byte, random)| *byte = random);
            JournalId::new(id)
        };
        prepare_keys(&self.path, self.sharing)?;
        let seed = Zeroizing::new(self.store.fresh_bytes()?);
        let key = JournalKey::from_seed(journal, &seed)?;
        let file = key_path(&self.path, journal);
        key.create_file(&file, self.sharing)
            .map_err(|source| FileProblem::Io { path: file, source })?;
        upgrade::copy_if_older(&self.store, self.sharing)?;
        let published = self.seen.note();
        let name = key.verifier().to_string();
        let new = NewAdoption {
            stood: self.stood,
            journal,
            key: &name,
            cause: self.cause,
            published: published.as_deref(),
            reason,
            adopted_by: by.account,
            program: by.program,
        };
        let Some((unknown, head)) = self.store.adopt(&new, now)? else {
            return Err(StoreError::Busy { doing: "adopting the journal" }.into());
        };
        self.move_anchor(&key, head, now)?;
        Ok(Adopted { journal, key: key.verifier().clone(), unknown, head })
    }

    /// What another process died over: the event is there, and its checkpoint is not published.
    fn publish(
        &mut self,
        adoption: &Adoption,
        by: Operator<'_>,
        now: Timestamp,
    ) -> Result<Adopted, KeeperError> {
        let Some((journal, named)) = self.store.created()? else {
            return Err(KeeperError::interrupted(&self.path));
        };
        let own = read_key(&self.path, journal, self.sharing)?;
        let key = match own {
            Some(key) => key,
            None => new_key(&mut self.store, &self.path, journal, self.sharing)?,
        };
        let name = key.verifier().to_string();
        if name != named {
            // Nothing is signed by a key that the log does not name.
            self.store.write("naming the new signing key", now, |tx| {
                tx.replace_key(&name, by.program, by.account)
            })?;
        }
        let head = self.store.head()?;
        self.move_anchor(&key, head, now)?;
        let unknown = adoption.event.entries.clone().unwrap_or_default();
        Ok(Adopted { journal, key: key.verifier().clone(), unknown, head })
    }

    fn move_anchor(&self, key: &JournalKey, head: Head, now: Timestamp) -> Result<(), KeeperError> {
        let anchor = Anchor::of(&self.path, self.sharing);
        let holder = Holder::this_process("anchor", now);
        anchor.replace(&self.seen, &key.sign(head)?, &holder).map_err(KeeperError::NotPublished)
    }
}

/// The lock of the reconciler.
pub(super) fn take_lock(
    db: &Path,
    sharing: Sharing,
    command: &'static str,
    now: Timestamp,
) -> Result<OsLock, KeeperError> {
    let path = lock_path(db);
    let holder = Holder::this_process(command, now);
    OsLock::try_acquire(&path, sharing, &holder)?.ok_or_else(|| KeeperError::RunGoesOn {
        path: db.to_owned(),
        holder: platform::holder(&path).ok().flatten(),
    })
}

/// Why a journal does not simply go on.
fn cause(path: &Path, store: &Store, state: &AnchorState) -> Result<AdoptionCause, KeeperError> {
    let path = path.to_owned();
    let closed = store.departed()?.is_some();
    let copy = store.mark()? == Mark::Copy;
    match state {
        AnchorState::Forked { .. } | AnchorState::BadSignature(_) | AnchorState::Unreadable(_) => {
            Err(KeeperError::NotAnchored { path, state: Box::new(state.clone()) })
        }
        AnchorState::Extends { .. } | AnchorState::Missing | AnchorState::Behind { .. }
            if closed =>
        {
            Ok(AdoptionCause::Moved)
        }
        AnchorState::Extends { .. } | AnchorState::Missing if copy => Ok(AdoptionCause::Copy),
        AnchorState::Behind { .. } => Ok(AdoptionCause::Behind),
        AnchorState::Missing => Ok(AdoptionCause::Missing),
        AnchorState::Extends { .. } => {
            Err(KeeperError::NothingToAdopt { path, state: Box::new(state.clone()) })
        }
    }
}

/// An adoption whose event is the last one, and beside which still lies what it found there.
fn unfinished(store: &Store, seen: &Published) -> Result<Option<Adoption>, KeeperError> {
    let Some(adoption) = store.newest_adoption()? else { return Ok(None) };
    // Publishing it may have replaced a key that was lost meanwhile.
    let is_last = match store.last_event()? {
        Some(last) if last.seq == adoption.seq => true,
        Some(last) if last.seq.get() == adoption.seq.get() + 1 => {
            matches!(last.decode()?.event, Event::KeyReplaced(_))
        }
        Some(_) | None => false,
    };
    let as_found = match seen {
        Published::Unreadable(_) => false,
        Published::Missing | Published::Note(..) => seen.note() == adoption.event.published,
    };
    Ok(Some(adoption).filter(|_| is_last && as_found))
}

/// Adopting is no pardon for edits: nothing else may be wrong than that something may be missing.
fn check_whole(path: &Path) -> Result<(), KeeperError> {
    let reader = Reader::open(path)?;
    let findings = verify(&reader, &Options::default())?.findings;
    let Some(first) = findings.first() else { return Ok(()) };
    Err(KeeperError::NotWhole {
        path: path.to_owned(),
        first: format!("{}: {}", first.where_, first.what),
        more: findings.len().saturating_sub(1),
    })
}
