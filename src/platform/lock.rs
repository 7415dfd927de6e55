//! The lock that dies with its process.
//!
//! It is `flock` on a small file beside the journal: the kernel lets go of it when the process
//! ends, however it ends, so nothing expires and nobody has to unlock anything. The file is never
//! deleted: two processes could then hold locks on two files of the same name.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::file::{Access, FileProblem, Sharing, check_owner_only, judge};
use super::os::{self, Facts};
use crate::domain::time::Timestamp;
use crate::planted::Mistake;

/// How often, and how long apart, to try again while only lookers ([`is_held`]) are in the way.
const LOOKER_TRIES: u32 = 200;
const LOOKER_PAUSE: Duration = Duration::from_millis(1);

/// A note of who holds the lock is one line, far shorter than this.
const NOTE_LIMIT: u64 = 4096;

/// Who holds a lock, or held it last and died.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Its process number.
    pub pid: u32,
    /// Its machine.
    pub host: String,
    /// The command's name, without its arguments: those may name people.
    pub command: String,
    /// Since when.
    pub since: Timestamp,
}

impl Holder {
    /// This process, as it carries out a command.
    pub fn this_process(command: &str, since: Timestamp) -> Self {
        Self {
            pid: super::process_id(),
            host: super::host_name(),
            command: command.to_owned(),
            since,
        }
    }
}

/// An exclusive lock, held until it is dropped or the process ends.
#[derive(Debug)]
#[must_use = "the lock is let go when this is dropped"]
pub struct OsLock {
    file: File,
}

impl OsLock {
    /// Takes the lock, without waiting: `None` when another process (or another lock of this one)
    /// holds it. The file is created where it is missing; it must pass the same checks as a
    /// journal, since its contents are overwritten.
    pub fn try_acquire(
        path: &Path,
        sharing: Sharing,
        holder: &Holder,
    ) -> Result<Option<Self>, FileProblem> {
        let of = |error| FileProblem::of(path, error);
        let file = open_to_lock(path, sharing)?;
        if !lock_exclusively(&file).map_err(of)? {
            return Ok(None);
        }
        let mut lock = Self { file };
        lock.write_note(holder).map_err(of)?;
        Ok(Some(lock))
    }

    /// Takes the lock of one account, and waits for it as long as it takes: for a thread of its own.
    pub fn acquire(path: &Path, holder: &Holder) -> Result<Self, FileProblem> {
        let of = |error| FileProblem::of(path, error);
        let file = open_to_lock(path, Sharing::OwnerOnly)?;
        file.lock().map_err(of)?;
        let mut lock = Self { file };
        lock.write_note(holder).map_err(of)?;
        Ok(lock)
    }

    fn write_note(&mut self, holder: &Holder) -> io::Result<()> {
        let mut line = serde_json::to_vec(holder)?;
        line.push(b'\n');
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(&line)
    }
}

impl Drop for OsLock {
    /// An orderly end clears the note, so that what remains in an unheld file tells of a death.
    /// The lock itself goes with the file, after that.
    fn drop(&mut self) {
        self.file.set_len(0).ok();
    }
}

fn open_to_lock(path: &Path, sharing: Sharing) -> Result<File, FileProblem> {
    let of = |error| FileProblem::of(path, error);
    match check_owner_only(path, Access::Write, sharing) {
        Err(problem) if !problem.is_missing() => return Err(problem),
        Ok(()) | Err(_) => {}
    }
    let file = os::kept_file(sharing.file_mode()).open(path).map_err(of)?;
    let facts = Facts::from(&file.metadata().map_err(of)?);
    // Again, on what was really opened. The umask may have narrowed a group's new file.
    judge(path, &facts, Access::Write, sharing)?;
    if sharing == Sharing::Group && facts.owner == os::effective_uid() {
        os::set_mode(&file, sharing.file_mode()).map_err(of)?;
    }
    Ok(file)
}

/// Someone who only looks holds a shared lock for an instant. That must not make a run give up:
/// where a shared lock can be had too, no run holds the file, and it is worth trying again.
fn lock_exclusively(file: &File) -> io::Result<bool> {
    if Mistake::IgnoresTheLock.is_made() {
        return Ok(true);
    }
    for _ in 0..LOOKER_TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) => {}
        }
        match file.try_lock_shared() {
            Ok(()) => file.unlock()?,
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) => return Ok(false),
        }
        std::thread::sleep(LOOKER_PAUSE);
    }
    Ok(false)
}

/// Whether some process holds the lock now. The file is opened only for reading, which suffices
/// on local file systems. An account that may not read the file gets
/// [`FileProblem::Io`] with `PermissionDenied`: then it cannot be known.
pub fn is_held(path: &Path) -> Result<bool, FileProblem> {
    let Some(file) = open_to_look(path)? else {
        return Ok(false);
    };
    match file.try_lock_shared() {
        // Closing the file lets go of the shared lock.
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(FileProblem::of(path, error)),
    }
}

/// The note in the lock file: who holds the lock, or, when [`is_held`] says that nobody does, who
/// died holding it. `None` after an orderly end, and while a note is being written.
pub fn holder(path: &Path) -> Result<Option<Holder>, FileProblem> {
    let Some(file) = open_to_look(path)? else {
        return Ok(None);
    };
    let mut note = Vec::new();
    file.take(NOTE_LIMIT).read_to_end(&mut note).map_err(|error| FileProblem::of(path, error))?;
    Ok(serde_json::from_slice(&note).ok())
}

fn open_to_look(path: &Path) -> Result<Option<File>, FileProblem> {
    match os::existing_file(false).open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(FileProblem::Io { path: PathBuf::from(path), source }),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn run(command: &str) -> Holder {
        Holder::this_process(command, "2026-08-22T10:00:00Z".parse().unwrap())
    }

    fn acquire(path: &Path) -> Option<OsLock> {
        OsLock::try_acquire(path, Sharing::OwnerOnly, &run("sync")).unwrap()
    }

    #[test]
    fn only_one_holds_the_lock_and_it_is_known_who() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("acme.db.lock");
        assert!(!is_held(&path).unwrap());
        assert_eq!(holder(&path).unwrap(), None);

        let lock = acquire(&path).unwrap();
        assert!(acquire(&path).is_none());
        assert!(is_held(&path).unwrap());
        let seen = holder(&path).unwrap().unwrap();
        assert_eq!((seen.pid, seen.command.as_str()), (std::process::id(), "sync"));
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode, 0o600);

        drop(lock);
        assert!(!is_held(&path).unwrap());
        assert_eq!(holder(&path).unwrap(), None);
        assert!(path.exists());
        assert!(acquire(&path).is_some());
    }

    const CHILD: &str = "JOURNAL_TEST_LOCK_CHILD";

    /// The other process of the test below; alone it does nothing.
    #[test]
    fn holds_the_lock_until_killed() {
        let Some(path) = std::env::var_os(CHILD) else {
            return;
        };
        let _lock = acquire(Path::new(&path)).unwrap();
        println!("\nheld");
        io::stdin().read_to_end(&mut Vec::new()).unwrap();
    }

    #[test]
    fn a_killed_holder_blocks_nobody_and_leaves_its_note() {
        use std::io::BufRead;
        use std::process::{Command, Stdio};

        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("acme.db.lock");
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "platform::lock::tests::holds_the_lock_until_killed"])
            .args(["--nocapture"])
            .env(CHILD, &path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = io::BufReader::new(child.stdout.take().unwrap());
        assert!(said.lines().any(|line| line.unwrap() == "held"));
        assert!(acquire(&path).is_none());
        assert!(is_held(&path).unwrap());

        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!is_held(&path).unwrap());
        assert_eq!(holder(&path).unwrap().unwrap().pid, child.id());
        assert!(acquire(&path).is_some());
    }

    #[test]
    fn the_note_of_a_dead_holder_stays_until_the_next_one() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("acme.db.lock");
        // A killed process lets go of the lock without clearing its note.
        let note = serde_json::to_string(&run("replay of a long, long ago")).unwrap();
        fs::write(&path, note).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(!is_held(&path).unwrap());
        assert_eq!(holder(&path).unwrap().unwrap().command, "replay of a long, long ago");
        let _lock = acquire(&path).unwrap();
        assert_eq!(holder(&path).unwrap(), Some(run("sync")));
    }

    #[test]
    fn a_damaged_note_is_no_note() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("lock");
        for damaged in ["", "{\"pid\":1", "\0\0\0", "[]"] {
            fs::write(&path, damaged).unwrap();
            assert_eq!(holder(&path).unwrap(), None);
        }
    }

    #[test]
    fn a_looker_does_not_turn_a_run_away() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("lock");
        drop(acquire(&path));
        let looker = File::open(&path).unwrap();
        looker.lock_shared().unwrap();
        std::thread::scope(|scope| {
            let run = scope.spawn(|| acquire(&path).is_some());
            looker.unlock().unwrap();
            assert!(run.join().unwrap());
        });
    }

    #[test]
    fn who_waits_for_the_lock_gets_it_when_it_is_let_go() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("token.lock");
        let lock = acquire(&path).unwrap();
        std::thread::scope(|scope| {
            let next = scope.spawn(|| OsLock::acquire(&path, &run("sync")).map(drop).is_ok());
            drop(lock);
            assert!(next.join().unwrap());
        });
    }

    #[test]
    fn a_lock_file_that_is_really_another_file_is_left_alone() {
        let place = tempfile::tempdir().unwrap();
        let (victim, path) = (place.path().join("victim"), place.path().join("lock"));
        fs::write(&victim, "precious").unwrap();
        symlink(&victim, &path).unwrap();
        let refused = OsLock::try_acquire(&path, Sharing::OwnerOnly, &run("sync"));
        assert!(matches!(refused, Err(FileProblem::Link(_))));
        fs::remove_file(&path).unwrap();
        fs::hard_link(&victim, &path).unwrap();
        let refused = OsLock::try_acquire(&path, Sharing::OwnerOnly, &run("sync"));
        assert!(matches!(refused, Err(FileProblem::HardLinks { .. })));
        assert_eq!(fs::read(&victim).unwrap(), b"precious");
    }
}
