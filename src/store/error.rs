//! What can go wrong with the journal file, by what the caller may do about it.

use std::path::PathBuf;

use rusqlite::ffi::{SQLITE_IOERR_SHMSIZE, SQLITE_READONLY_ROLLBACK};

use crate::domain::entropy::EntropyError;
use crate::domain::event::EventError;
use crate::domain::id::{EntryId, RunId};
use crate::domain::state::IllegalTransition;
use crate::store::moving::Departure;
use crate::store::pausing::PauseView;

/// An error of the store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// No journal at this path. `journal init` makes one.
    #[error("no journal at {}", .0.display())]
    NoJournal(PathBuf),
    /// A journal is there already; `init` never overwrites one.
    #[error("{} exists already", .0.display())]
    Exists(PathBuf),
    /// The file is something else.
    #[error("{} is not a journal: {why}", .path.display())]
    NotAJournal {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        why: String,
    },
    /// Its tables were never made.
    #[error("{} is not a journal: its tables were never made: init was interrupted; remove it and run init again", .0.display())]
    HalfMade(PathBuf),
    /// A newer program made or upgraded it.
    #[error("{} has schema {found}; this program knows schemas up to {known}", .path.display())]
    SchemaTooNew {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: u32,
        /// The newest schema of this program.
        known: u32,
    },
    /// An older program made it, and it was not upgraded yet. It can be looked at.
    #[error("{} has schema {found}, and this program writes schema {known}", .path.display())]
    SchemaTooOld {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: u32,
        /// The schema of this program.
        known: u32,
    },
    /// A copy of a journal: a backup, or from before an upgrade. It can be looked at, and is never written to.
    #[error("{} is a copy of a journal: it is not written to", .0.display())]
    Copy(PathBuf),
    /// It was moved elsewhere, and is closed here for good.
    #[error("{} was closed {}: the journal was moved to {}", .0.path.display(), .0.at, .0.to.as_deref().unwrap_or("another place"))]
    Departed(Box<Departure>),
    /// A copy of the journal could not be verified. The journal was not changed.
    #[error("the copy {} is not the journal as it is: {what}; nothing was changed", .path.display())]
    BadCopy {
        /// The copy.
        path: PathBuf,
        /// What differs.
        what: String,
    },
    /// The file's rights, owner or place are not safe.
    #[error("{0}")]
    Unsafe(String),
    /// The directory or file cannot be made or read.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The disk is full. What was reported before is safe.
    #[error("the disk is full: {doing} was not recorded")]
    DiskFull {
        /// What was being done.
        doing: &'static str,
    },
    /// Another process writes for longer than we wait.
    #[error("the journal is busy: another process is writing to it ({doing})")]
    Busy {
        /// What was being done.
        doing: &'static str,
    },
    /// SQLite failed.
    #[error("the journal could not be used ({doing}): {source}")]
    Sqlite {
        /// What was being done.
        doing: &'static str,
        /// SQLite's own error.
        source: rusqlite::Error,
    },
    /// A row holds what no program of ours writes.
    #[error("the journal is damaged: {table}: {what}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// What is wrong.
        what: String,
    },
    /// A stored event cannot be understood.
    #[error("event {seq}: {source}")]
    Event {
        /// Its position in the log.
        seq: i64,
        /// Why.
        source: EventError,
    },
    /// A state changed between reading and writing. Nothing was written.
    #[error("{entry} is not in the state that {doing} expects; nothing was written")]
    Conflict {
        /// The first entry of the range.
        entry: EntryId,
        /// What was being done.
        doing: &'static str,
    },
    /// A newer run took over; this one must stop and may not write.
    #[error("{run} is over: a newer run took over")]
    StaleRun {
        /// The stale run.
        run: RunId,
    },
    /// What is recorded is bound to another target.
    #[error("this journal belongs to {bound}, and this is {given}")]
    OtherTarget {
        /// The journal's.
        bound: String,
        /// The one that was given.
        given: String,
    },
    /// A run would send more entries than its cap allows. Nothing was written.
    #[error("this run would send {entries} entries, and the cap is {cap}")]
    OverCap {
        /// Entries that it would send.
        entries: u64,
        /// The cap.
        cap: u64,
    },
    /// Somebody paused: no run claims anything. Nothing was written.
    #[error("{0}: no run sends anything")]
    Paused(Box<PauseView>),
    /// There is no such request, entry or batch.
    #[error("{0} is not in this journal")]
    NotFound(String),
    /// Our own state machine forbids it.
    #[error(transparent)]
    Transition(#[from] IllegalTransition),
    /// No random bytes.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// The writing thread is gone: an earlier error stopped it.
    #[error("the journal's writer has stopped")]
    WriterGone,
}

/// A result of the store.
pub type Result<T> = std::result::Result<T, StoreError>;

impl StoreError {
    /// Wraps an error of SQLite, telling a full disk and a busy file apart.
    pub(crate) fn sqlite(doing: &'static str) -> impl Fn(rusqlite::Error) -> Self {
        move |source| match source.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::DiskFull { doing },
            // What it says when the memory that connections share cannot grow.
            Some(_) if extended_code(&source) == Some(SQLITE_IOERR_SHMSIZE) => {
                Self::DiskFull { doing }
            }
            Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => {
                Self::Busy { doing }
            }
            _ => Self::Sqlite { doing, source },
        }
    }

    /// Whether an `init` was killed before there were tables: they were never made, or what was begun would
    /// have to be rolled back first.
    pub(crate) fn is_of_a_half_made_file(&self) -> bool {
        let must_be_rolled_back = matches!(self, Self::Sqlite { source, .. }
            if extended_code(source) == Some(SQLITE_READONLY_ROLLBACK));
        must_be_rolled_back || matches!(self, Self::HalfMade(_))
    }

    /// A damaged row.
    pub(crate) fn corrupt(table: &'static str, what: impl Into<String>) -> Self {
        Self::Corrupt { table, what: what.into() }
    }
}

fn extended_code(error: &rusqlite::Error) -> Option<i32> {
    error.sqlite_error().map(|error| error.extended_code)
}

/// Names what was being done when SQLite failed.
pub(crate) trait Doing<T> {
    /// Attaches the name of the step.
    fn doing(self, what: &'static str) -> Result<T>;
}

impl<T> Doing<T> for rusqlite::Result<T> {
    fn doing(self, what: &'static str) -> Result<T> {
        self.map_err(StoreError::sqlite(what))
    }
}
