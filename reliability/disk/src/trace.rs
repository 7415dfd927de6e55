//! What was done to a disk, for debugging and to compare two runs.

use rusqlite::ffi;

use crate::directory::Name;
use crate::fault::ProcessId;

/// The kinds of operations that faults strike. Reads and locks count only on demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A file is opened that may have to be created.
    Create,
    /// Bytes are written.
    Write,
    /// A file's size is set.
    Truncate,
    /// A file is synced, and with a journal or WAL just opened its directory.
    Sync,
    /// A name is removed.
    Delete,
    /// Bytes are read.
    Read,
    /// A lock is taken, of the file or in the shared memory.
    Lock,
}

impl Kind {
    /// The bit of this kind in a set.
    pub(crate) fn bit(self) -> u8 {
        match self {
            Self::Create => 1,
            Self::Write => 2,
            Self::Truncate => 4,
            Self::Sync => 8,
            Self::Delete => 16,
            Self::Read => 32,
            Self::Lock => 64,
        }
    }

    /// What SQLite's unix VFS reports when the system call fails with `EIO`.
    pub(crate) fn error(self) -> i32 {
        match self {
            Self::Create => ffi::SQLITE_CANTOPEN,
            Self::Write => ffi::SQLITE_IOERR_WRITE,
            Self::Truncate => ffi::SQLITE_IOERR_TRUNCATE,
            Self::Sync => ffi::SQLITE_IOERR_FSYNC,
            Self::Delete => ffi::SQLITE_IOERR_DELETE,
            Self::Read => ffi::SQLITE_IOERR_READ,
            Self::Lock => ffi::SQLITE_IOERR_LOCK,
        }
    }
}

/// One operation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Event {
    /// How many operations the disk had done before.
    pub number: u64,
    /// Who did it.
    pub process: ProcessId,
    /// What it was.
    pub kind: Kind,
    /// The file's path below the directory.
    pub file: Name,
    /// Where in the file: the first byte, the new size, or the lock.
    pub offset: usize,
    /// How many bytes, or locks.
    pub len: usize,
    /// SQLite's result code.
    pub code: i32,
}

impl std::fmt::Display for Event {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { number, process, kind, file, offset, len, code } = self;
        write!(f, "{number} {process} {kind:?} {file} {offset}+{len}")?;
        if *code == ffi::SQLITE_OK { Ok(()) } else { write!(f, " = {code}") }
    }
}

/// How a process came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Death {
    /// Who died.
    pub process: ProcessId,
    /// How many operations the disk had done.
    pub at: u64,
    /// Whether all died with it.
    pub power_cut: bool,
}
