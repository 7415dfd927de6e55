//! The anchor: the last published checkpoint, in a file of its own beside the journal.
//!
//! A restored backup, or a log whose tail was cut off, is a consistent journal and cannot be told from
//! the true one by itself. The anchor tells: a journal must extend it. It is written only after a
//! COMMIT returned, so a crash leaves it behind the journal and never ahead, and it only ever moves
//! forward. It counts fully only on storage that whoever restores the journal does not restore with it.

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::domain::merkle::Hash;
use crate::evidence::key::JournalKey;
use crate::evidence::note::{Checkpoint, NOTE_LIMIT, NoteError, SignedNote, VerifierKey};
use crate::platform::{self, Access, FileProblem, Holder, OsLock, Sharing};
use crate::store::creation::{JournalId, JournalIdentity};
use crate::store::{self, Head, Reader, Store};

/// How often, and how long apart, to try for the lock. It is held for one small write, 5 s in all
/// is what a writer waits for another's transaction, too.
const LOCK_TRIES: u32 = 500;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// Where the anchor of a journal lies.
pub fn anchor_path(db: &Path) -> PathBuf {
    beside(db, ".anchor")
}

/// The path with something added to its file name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

/// How a journal stands to its anchor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnchorState {
    /// The journal is the anchored one, perhaps longer.
    Extends {
        /// What is anchored.
        anchor: Head,
        /// Who signed it.
        signed_by: VerifierKey,
    },
    /// There is no anchor, so nothing shows that this is not an older copy.
    Missing,
    /// The journal is shorter than what was published: an older copy was put back, or its end cut off.
    Behind {
        /// What is anchored.
        anchor: Head,
        /// What the journal holds.
        journal: Head,
    },
    /// The journal is long enough, but its beginning is not what was published: it was changed.
    Forked {
        /// What is anchored.
        anchor: Head,
    },
    /// The anchor is not signed by a key of this journal, or it is another journal's.
    BadSignature(String),
    /// The anchor cannot be read, or holds no checkpoint.
    Unreadable(String),
}

impl fmt::Display for AnchorState {
    /// Continues a sentence that begins with the journal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Extends { anchor, .. } => {
                write!(f, "extends its anchor of {} events", anchor.size)
            }
            Self::Missing => f.write_str("has no anchor, so it may be an older copy"),
            Self::Behind { anchor, journal } => write!(
                f,
                "holds {} events and its anchor {}: it is an older copy, or its end was cut off",
                journal.size, anchor.size
            ),
            Self::Forked { anchor } => write!(
                f,
                "differs from its anchor within the first {} events: it was changed",
                anchor.size
            ),
            Self::BadSignature(why) => write!(f, "has an anchor that is not its own: {why}"),
            Self::Unreadable(why) => write!(f, "has an anchor that cannot be read: {why}"),
        }
    }
}

/// The anchor could not be moved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AnchorError {
    /// Somebody else moves it for longer than we wait.
    #[error("{} is held by another process", .0.display())]
    Busy(PathBuf),
    /// What is there is not ours to replace.
    #[error("the anchor {} {why}", .path.display())]
    Spoiled {
        /// The anchor.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileProblem),
    /// The checkpoint could not be signed.
    #[error(transparent)]
    Sign(#[from] NoteError),
}

/// A log that can be held against an anchor.
pub trait AnchoredLog {
    /// Its id and first key, if it has begun.
    fn created(&self) -> store::Result<Option<(JournalId, String)>>;
    /// Its id and all its keys.
    fn identity(&self) -> store::Result<JournalIdentity>;
    /// Its size and root.
    fn head(&self) -> store::Result<Head>;
    /// The root that it had at a size.
    fn root_at(&self, size: u64) -> store::Result<Option<Hash>>;
}

macro_rules! anchored {
    ($($name:ident),+) => {$(
        impl AnchoredLog for $name {
            fn created(&self) -> store::Result<Option<(JournalId, String)>> {
                Self::created(self)
            }

            fn identity(&self) -> store::Result<JournalIdentity> {
                self.journal_identity()
            }

            fn head(&self) -> store::Result<Head> {
                Self::head(self)
            }

            fn root_at(&self, size: u64) -> store::Result<Option<Hash>> {
                Self::root_at(self, size)
            }
        }
    )+};
}
anchored!(Store, Reader);

/// What stood in the anchor at one moment.
///
/// Whoever compares it with a log reads the anchor first: a writer that commits and publishes between
/// the two readings would else make the log look as if it were behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Published {
    /// Nothing.
    Missing,
    /// Nothing that could be understood.
    Unreadable(String),
    /// A checkpoint; its signature is not checked yet.
    Note(SignedNote, Checkpoint),
}

impl Published {
    /// The note, as it stands there.
    pub(super) fn note(&self) -> Option<String> {
        match self {
            Self::Note(note, _) => Some(note.to_string()),
            Self::Missing | Self::Unreadable(_) => None,
        }
    }

    /// Compares with a log. `own` is the signing key at hand, which an older copy of the log need not
    /// know.
    pub fn check(
        &self,
        log: &impl AnchoredLog,
        own: Option<&VerifierKey>,
    ) -> store::Result<AnchorState> {
        let (note, checkpoint) = match self {
            Self::Missing => return Ok(AnchorState::Missing),
            Self::Unreadable(why) => return Ok(AnchorState::Unreadable(why.clone())),
            Self::Note(note, checkpoint) => (note, checkpoint),
        };
        let Some((journal, first_key)) = log.created()? else {
            // An emptied file has no keys to check a signature with.
            return Ok(AnchorState::Behind { anchor: checkpoint.head, journal: log.head()? });
        };
        if checkpoint.origin != journal.origin() {
            return Ok(AnchorState::BadSignature(format!("it is of {}", checkpoint.origin)));
        }
        let first = [first_key];
        let mut signed_by = verified(note, &first, own);
        if signed_by == Err(NoteError::Unknown) {
            // Later keys are looked for only now: that reads the whole log.
            signed_by = verified(note, &log.identity()?.keys, own);
        }
        let signed_by = match signed_by {
            Ok(key) => key,
            Err(why) => return Ok(AnchorState::BadSignature(why.to_string())),
        };
        let anchor = checkpoint.head;
        Ok(match log.root_at(anchor.size)? {
            Some(root) if root == anchor.root => AnchorState::Extends { anchor, signed_by },
            Some(_) => AnchorState::Forked { anchor },
            None => AnchorState::Behind { anchor, journal: log.head()? },
        })
    }
}

/// Which key signed a note, of those that the log names and the one at hand.
fn verified(
    note: &SignedNote,
    named: &[String],
    own: Option<&VerifierKey>,
) -> Result<VerifierKey, NoteError> {
    let named = named.iter().filter_map(|key| key.parse().ok());
    let keys: Vec<VerifierKey> = named.chain(own.cloned()).collect();
    note.verify(&keys).cloned()
}

/// The anchor of one journal.
#[derive(Debug, Clone)]
pub struct Anchor {
    path: PathBuf,
    sharing: Sharing,
}

impl Anchor {
    /// The anchor of the journal at a path.
    pub fn of(db: &Path, sharing: Sharing) -> Self {
        Self { path: anchor_path(db), sharing }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads it. Needs no lock: it is only ever replaced as a whole.
    pub fn read(&self, access: Access) -> Published {
        match self.read_bytes(access) {
            Err(problem) if problem.is_missing() => Published::Missing,
            Err(problem) => Published::Unreadable(problem.to_string()),
            Ok(bytes) => {
                let note = SignedNote::parse(&bytes)
                    .and_then(|note| Checkpoint::parse(note.text()).map(|point| (note, point)));
                match note {
                    Ok((note, checkpoint)) => Published::Note(note, checkpoint),
                    Err(error) => Published::Unreadable(error.to_string()),
                }
            }
        }
    }

    fn read_bytes(&self, access: Access) -> Result<Vec<u8>, FileProblem> {
        platform::check_owner_only(&self.path, access, self.sharing)?;
        let limit = u64::try_from(NOTE_LIMIT).unwrap_or(u64::MAX);
        let mut bytes = Vec::new();
        File::open(&self.path)
            .and_then(|file| file.take(limit + 1).read_to_end(&mut bytes))
            .map_err(|source| self.failed(source))?;
        Ok(bytes)
    }

    /// Publishes a head whose commit has returned. Says whether the anchor moved: it does not when it
    /// stands there already, or further on, since another process published what came later.
    ///
    /// `trusted` are the keys that may have signed the one before. Everything happens under a lock of
    /// its own, so that of two processes the slower one cannot take the anchor back.
    pub fn advance(
        &self,
        key: &JournalKey,
        trusted: &[VerifierKey],
        head: Head,
        holder: &Holder,
    ) -> Result<bool, AnchorError> {
        let _lock = self.lock(holder)?;
        let before = self.published_by(trusted)?;
        if before.origin != key.verifier().name() {
            return Err(self.spoiled(format!("is of {}", before.origin)));
        }
        let before = before.head;
        if before.size == head.size && before.root != head.root {
            return Err(self.spoiled("tells another history of the same length"));
        }
        if before.size >= head.size {
            return Ok(false);
        }
        let note = key.sign(head)?.to_string();
        platform::write_atomically(&self.path, note.as_bytes(), self.sharing)
            .map_err(|source| self.failed(source))?;
        Ok(true)
    }

    /// Puts the checkpoint of an adopted journal in the place of what was published before, if that is still what
    /// was seen; what it is now, is what it was to become.
    pub(super) fn replace(
        &self,
        seen: &Published,
        note: &SignedNote,
        holder: &Holder,
    ) -> Result<(), AnchorError> {
        let _lock = self.lock(holder)?;
        if self.read(Access::Write) != *seen {
            return Err(self.spoiled("was replaced meanwhile"));
        }
        platform::write_atomically(&self.path, note.to_string().as_bytes(), self.sharing)
            .map_err(|source| self.failed(source).into())
    }

    fn published_by(&self, trusted: &[VerifierKey]) -> Result<Checkpoint, AnchorError> {
        match self.read(Access::Write) {
            Published::Missing => Err(self.spoiled("was removed meanwhile")),
            Published::Unreadable(why) => Err(self.spoiled(format!("cannot be read: {why}"))),
            Published::Note(note, checkpoint) => match note.verify(trusted) {
                Ok(_) => Ok(checkpoint),
                Err(why) => Err(self.spoiled(format!("was replaced meanwhile: {why}"))),
            },
        }
    }

    fn lock(&self, holder: &Holder) -> Result<OsLock, AnchorError> {
        let path = beside(&self.path, ".lock");
        for _ in 0..LOCK_TRIES {
            if let Some(lock) = OsLock::try_acquire(&path, self.sharing, holder)? {
                return Ok(lock);
            }
            std::thread::sleep(LOCK_PAUSE);
        }
        Err(AnchorError::Busy(path))
    }

    fn spoiled(&self, why: impl Into<String>) -> AnchorError {
        AnchorError::Spoiled { path: self.path.clone(), why: why.into() }
    }

    fn failed(&self, source: io::Error) -> FileProblem {
        FileProblem::Io { path: self.path.clone(), source }
    }
}

#[cfg(test)]
#[path = "anchor_tests.rs"]
mod tests;
