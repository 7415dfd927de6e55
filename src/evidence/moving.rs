//! A journal that goes to another place for good: closed here, open there.
//!
//! Two files hold the same log then, and the log itself says which one is the journal: here it ends with `moved`, there
//! `arrived` follows. Nothing is written behind `moved` but that, or an adoption; so a copy of the closed file made by
//! hand is as closed as the file.
//!
//! The order is: `moved` in the log, and the anchor; a copy of the closed journal under another name, with `arrived`,
//! verified whole; its anchor and key beside it; the mark of the closed file, which says that its copy is whole; the copy's own
//! name. *Crash before the mark:* the journal is closed and nobody has a copy: moving it again makes one anew, there or
//! elsewhere. *Crash after the mark:* the copy lies there whole, and moving it again there gives it its name. Only one
//! copy is ever made that is marked as whole, so that two never live.

use std::fs;
use std::path::{Path, PathBuf};

use crate::domain::entropy::Entropy;
use crate::domain::merkle::Hash;
use crate::domain::time::Timestamp;
use crate::evidence::adoption::take_lock;
use crate::evidence::anchor::{Anchor, AnchorState, Published, anchor_path, beside};
use crate::evidence::backup::{Part, check_free};
use crate::evidence::keeper::{
    COMPANIONS, Keeper, KeeperError, Operator, check_local, check_writer, directory_of,
    prepare_keys, read_key,
};
use crate::evidence::key::{JournalKey, key_path};
use crate::evidence::verify::{Options, verify};
use crate::platform::{self, Access, FileProblem, OsLock, Sharing};
use crate::store::creation::JournalId;
use crate::store::moving::{Departure, Mark};
use crate::store::upgrade::examine_copy;
use crate::store::{Head, Reader, Store, StoreError};

/// A journal that was moved.
#[derive(Debug)]
pub struct MovedTo {
    /// Its id.
    pub journal: JournalId,
    /// The journal, where it goes on.
    pub file: PathBuf,
    /// Its anchor.
    pub anchor: PathBuf,
    /// Its signing key.
    pub key: PathBuf,
    /// Its log.
    pub head: Head,
    /// Whether an earlier move, which died, was finished.
    pub again: bool,
}

/// What makes random bytes; asked for anew for each file that is opened.
pub type NewEntropy<'a> = &'a dyn Fn() -> Box<dyn Entropy>;

/// Moves a journal into another file, or finishes a move that died.
pub fn move_journal(
    path: &Path,
    to: &Path,
    entropy: NewEntropy<'_>,
    by: Operator<'_>,
    now: Timestamp,
) -> Result<MovedTo, KeeperError> {
    let sharing = check_writer(path)?;
    let lock = take_lock(path, sharing, "backup --move", now)?;
    let closed = Reader::open(path)?.departed()?;
    let again = closed.is_some();
    let departure = match closed {
        Some(departure) => departure,
        None => close(path, to, &lock, entropy, by, now)?,
    };
    let store = Store::open_refused(path, entropy())?;
    store.checkpoint()?;
    let mut moving = Moving { path, to, sharing, store, departure, again };
    if moving.store.mark()? == Mark::HandedOver {
        return moving.finish(entropy);
    }
    moving.copy(entropy, by, now)
}

/// Closes the journal for good.
fn close(
    path: &Path,
    to: &Path,
    lock: &OsLock,
    entropy: NewEntropy<'_>,
    by: Operator<'_>,
    now: Timestamp,
) -> Result<Departure, KeeperError> {
    let mut keeper = Keeper::open_for_run(path, lock, entropy(), by, now)?;
    if keeper.store().has_open_batches()? {
        return Err(KeeperError::BatchIsOpen(path.to_owned()));
    }
    // All that could stand in the way is looked at before anything is closed.
    check_place(to)?;
    for taken in [to.to_owned(), beside(to, ".part")] {
        check_free(&taken)?;
    }
    if fs::symlink_metadata(anchor_path(to)).is_ok() {
        return Err(KeeperError::CopyTaken(anchor_path(to)));
    }
    let sharing = Sharing::seen_at(path)?;
    place_key(path, to, keeper.journal(), sharing)?;
    let destination = std::path::absolute(to).unwrap_or_else(|_| to.to_owned());
    let destination = destination.display().to_string();
    keeper
        .write("moving the journal", now, |tx| tx.depart(&destination, by.program, by.account))?;
    let departed = keeper.store().departed()?;
    departed
        .ok_or_else(|| StoreError::NotFound("the event that closes the journal".to_owned()).into())
}

/// Whether a journal can be used where it is to go.
fn check_place(to: &Path) -> Result<(), KeeperError> {
    let directory = directory_of(to);
    platform::check_directory(&directory, Sharing::OwnerOnly)?;
    check_local(&directory)
}

/// The signing key beside the journal that goes on.
fn place_key(
    path: &Path,
    to: &Path,
    journal: JournalId,
    sharing: Sharing,
) -> Result<JournalKey, KeeperError> {
    let missing = || FileProblem::Missing(key_path(path, journal));
    let key = read_key(path, journal, sharing)?.ok_or_else(missing)?;
    prepare_keys(to, Sharing::OwnerOnly)?;
    let file = key_path(to, journal);
    match read_key(to, journal, Sharing::OwnerOnly)? {
        Some(there) if there.verifier() == key.verifier() => Ok(key),
        Some(_) => Err(KeeperError::CopyTaken(file)),
        None => match key.create_file(&file, Sharing::OwnerOnly) {
            Ok(()) => Ok(key),
            Err(source) => Err(FileProblem::Io { path: file, source }.into()),
        },
    }
}

/// A closed journal on its way.
struct Moving<'a> {
    path: &'a Path,
    to: &'a Path,
    sharing: Sharing,
    store: Store,
    departure: Departure,
    again: bool,
}

impl Moving<'_> {
    /// Makes the copy that is the journal from then on.
    fn copy(
        &mut self,
        entropy: NewEntropy<'_>,
        by: Operator<'_>,
        now: Timestamp,
    ) -> Result<MovedTo, KeeperError> {
        check_place(self.to)?;
        let (journal, _) =
            self.store.created()?.ok_or_else(|| KeeperError::interrupted(self.path))?;
        self.check_extends(journal)?;
        let key = place_key(self.path, self.to, journal, self.sharing)?;
        if self.again {
            self.clear_remains(journal)?;
        }
        let part = Part::begin(self.to)?;
        self.store.copy_into(&part.0)?;
        let copied = examine_copy(&part.0)?;
        if copied.head != self.store.head()? {
            let what = "it tells another history".to_owned();
            return Err(StoreError::BadCopy { path: part.0.clone(), what }.into());
        }
        let head = {
            let mut arriving = Store::open_refused(&part.0, entropy())?;
            let head = arriving.arrive(self.departure.leaf, by.program, by.account, now)?;
            arriving.checkpoint()?;
            head
        };
        self.check_whole(&part.0, head)?;
        settle_companions(&part.0, entropy)?;
        let note = key.sign(head)?.to_string();
        let anchor = anchor_path(self.to);
        platform::sync_file(&part.0)
            .and_then(|()| platform::write_atomically(&anchor, note.as_bytes(), Sharing::OwnerOnly))
            .map_err(|source| FileProblem::Io { path: anchor, source })?;
        // It is a journal from the mark on, and the mark may stand though setting it failed: no part that goes with an
        // error. Without the mark moving again clears it away.
        let whole = part.keep();
        self.store.hand_over()?;
        self.put_in_place(&whole)?;
        self.forget_key(journal)?;
        Ok(self.moved(journal, head))
    }

    /// Gives a copy its name that was whole when a move died.
    fn finish(&self, entropy: NewEntropy<'_>) -> Result<MovedTo, KeeperError> {
        let part = beside(self.to, ".part");
        let departed = || StoreError::Departed(Box::new(self.departure.clone()));
        let (journal, _) = self.store.created()?.ok_or_else(departed)?;
        for whole in [part.as_path(), self.to] {
            if !whole.exists() {
                continue;
            }
            let reader = Reader::open(whole)?;
            if reader.arrived()? != Some(self.departure.leaf) {
                continue;
            }
            let head = reader.head()?;
            drop(reader);
            if whole == part {
                settle_companions(whole, entropy)?;
                check_free(self.to)?;
                self.put_in_place(whole)?;
            }
            self.forget_key(journal)?;
            return Ok(self.moved(journal, head));
        }
        Err(departed().into())
    }

    fn put_in_place(&self, part: &Path) -> Result<(), KeeperError> {
        platform::put_in_place(part, self.to)
            .map_err(|source| FileProblem::Io { path: self.to.to_owned(), source }.into())
    }

    /// Nothing is signed here any more. The key stays where both journals lie in one directory.
    fn forget_key(&self, journal: JournalId) -> Result<(), KeeperError> {
        let (here, there) = (key_path(self.path, journal), key_path(self.to, journal));
        let same = match (fs::canonicalize(&here), fs::canonicalize(&there)) {
            (Ok(here), Ok(there)) => here == there,
            // Gone already, or carried away together with the journal.
            (Err(_), _) | (_, Err(_)) => true,
        };
        if same {
            return Ok(());
        }
        fs::remove_file(&here).map_err(|source| FileProblem::Io { path: here, source }.into())
    }

    fn moved(&self, journal: JournalId, head: Head) -> MovedTo {
        MovedTo {
            journal,
            file: self.to.to_owned(),
            anchor: anchor_path(self.to),
            key: key_path(self.to, journal),
            head,
            again: self.again,
        }
    }

    /// A closed file that is an older copy itself is no journal to be moved.
    fn check_extends(&self, journal: JournalId) -> Result<(), KeeperError> {
        let own = read_key(self.path, journal, self.sharing)?;
        let seen = Anchor::of(self.path, self.sharing).read(Access::Write);
        let state = seen.check(&self.store, own.as_ref().map(JournalKey::verifier))?;
        if let AnchorState::Extends { .. } = state {
            return Ok(());
        }
        let path = self.path.to_owned();
        Err(KeeperError::NotAnchored { path, state: Box::new(state) })
    }

    /// What a move left that died before its copy was whole. The lock is held, so that none is at work.
    fn clear_remains(&self, journal: JournalId) -> Result<(), KeeperError> {
        let part = beside(self.to, ".part");
        let there = std::path::absolute(self.to).unwrap_or_else(|_| self.to.to_owned());
        let meant = self.departure.to.as_deref() == Some(&*there.to_string_lossy());
        // Whatever lies elsewhere is not known to be of this move.
        if meant && fs::symlink_metadata(&part).is_ok_and(|file| file.is_file()) {
            for end in [""].into_iter().chain(COMPANIONS) {
                fs::remove_file(beside(&part, end)).ok();
            }
        }
        let anchor = anchor_path(self.to);
        match Anchor::of(self.to, Sharing::OwnerOnly).read(Access::Write) {
            Published::Missing => Ok(()),
            Published::Note(_, checkpoint) if checkpoint.origin == journal.origin() => Ok(()),
            Published::Note(..) | Published::Unreadable(_) => Err(KeeperError::CopyTaken(anchor)),
        }
    }

    /// Nothing is handed over that does not verify.
    fn check_whole(&self, part: &Path, head: Head) -> Result<(), KeeperError> {
        let reader = Reader::open(part)?;
        let report = verify(&reader, &Options::default())?;
        let bad = |what: String| StoreError::BadCopy { path: part.to_owned(), what };
        if let Some(finding) = report.findings.first() {
            return Err(bad(format!("{}: {}", finding.where_, finding.what)).into());
        }
        let left: Option<Hash> = reader.arrived()?;
        if (reader.head()?, left) != (head, Some(self.departure.leaf)) {
            return Err(bad("it tells another history".to_owned()).into());
        }
        Ok(())
    }
}

/// Takes away what a look at a journal leaves beside it, so that nothing of it is left under another name.
fn settle_companions(path: &Path, entropy: NewEntropy<'_>) -> Result<(), KeeperError> {
    let store = Store::open_refused(path, entropy())?;
    Ok(store.checkpoint()?)
}
