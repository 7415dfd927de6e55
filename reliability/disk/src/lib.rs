//! A simulated disk under the real SQLite.
//!
//! A [`Disk`] takes the place of a directory: databases below it live in memory, and a seed decides
//! what a kill, a failing system call or a power cut leaves of them. All other paths are the
//! operating system's. SQLite itself is the one that the program links.
//!
//! # What is modelled
//!
//! * **Unsynced writes.** After a power cut each 512-byte sector of each unsynced write is there or
//!   not, independent of all others; sizes and names likewise. New space that nothing arrived for
//!   holds zeros or garbage. This is weaker than any file system that SQLite supports, and what its
//!   own crash tests assume (<https://www.sqlite.org/testing.html>, "Crash Testing").
//! * **Only overwrites are power-safe** (`SQLITE_IOCAP_POWERSAFE_OVERWRITE`, the default of SQLite's
//!   unix VFS): bytes beside a write are never damaged. No atomic or ordered writes, no safe append.
//! * **Names** are on the disk after a sync of the directory: the first sync of a journal or WAL that
//!   was opened with CREATE (`unixSync`, `UNIXFILE_DIRSYNC`), and a deletion that asks for it
//!   (`unixDelete`). Syncing a database file does not make its name durable, as POSIX says.
//! * **A killed process** loses its locks at once and leaves its writes to the system.
//! * **A failing sync** comes in two kinds: [`Fault::Error`] leaves everything dirty,
//!   [`Fault::SyncFails`] does what Linux does: the pages count as clean. SQLite cannot cope with the
//!   second: a commit that failed so is believed by the next process, and gone after a power cut; a
//!   checkpoint of it that the power cut interrupts damages the database.
//! * **Shared memory** of a WAL lives as long as somebody has it mapped, and never on the disk.
//! * **Locks** are those of SQLite's unix VFS between processes; every open file is a process of its
//!   own in this respect, so that connections of one process exclude each other too.
//! * **Sectors** are reported as 4096 bytes, as the unix VFS does, so that files are byte-equal to
//!   those of a real disk.
//! * **Time and chance.** SQLite never sleeps in a thread that uses a disk. Its random numbers (salts
//!   of the WAL, nonces of journals, `random()`) come from the seed of the disk that the thread uses,
//!   also where several threads run at once, unless SQLite was started before [`install`].
//!
//! # What is not
//!
//! Bit rot, damage beside a write, lost names of other causes, renames, files that the program opens
//! without SQLite, memory maps (`PRAGMA mmap_size` has no effect), and memory running out. SQLite's
//! clock (`CURRENT_TIMESTAMP`) is the real one. Temporary files without a name are real files.
//!
//! ```
//! # fn main() -> rusqlite::Result<()> {
//! use journal_disk::{Disk, Fault, Moment};
//!
//! let disk = Disk::mount("/simulated/example".as_ref());
//! let process = disk.start();
//! let inside = disk.enter(process);
//! let conn = rusqlite::Connection::open(disk.path("a.db"))?;
//! conn.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (x)")?;
//! disk.plan(process, 3, Fault::PowerCut(Moment::Middle));
//! while conn.execute_batch("INSERT INTO t VALUES (1)").is_ok() {}
//! assert!(!disk.is_alive(process));
//! # drop((conn, inside));
//! # Ok(())
//! # }
//! ```

mod content;
mod directory;
mod disk;
mod fault;
mod file;
mod handle;
mod image;
mod lock;
mod memory;
mod mount;
mod power;
#[allow(unsafe_code, reason = "SQLite's configuration is a C function, its mutexes are C pointers")]
mod seeding;
mod state;
mod trace;
#[allow(unsafe_code, reason = "SQLite calls a VFS through C pointers")]
mod vfs;

pub use content::Content;
pub use disk::{Disk, Entered};
pub use fault::{Fault, Moment, ProcessId, Times};
pub use file::Survival;
pub use image::Image;
pub use seeding::random_numbers_are_seeded;
pub use trace::{Death, Event, Kind};
pub use vfs::install;
