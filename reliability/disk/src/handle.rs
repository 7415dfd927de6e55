//! What SQLite holds of an open file. No `unsafe` from here on inwards.

use std::sync::Arc;

use rusqlite::ffi;

use crate::directory::Name;
use crate::fault::ProcessId;
use crate::memory::Memory;
use crate::mount;
use crate::state::{How, Key, Outcome, Shared, State};

/// An open file of a simulated disk.
#[derive(Debug)]
pub(crate) struct Handle {
    disk: Arc<Shared>,
    process: ProcessId,
    key: Key,
    /// Kept from unmapping until closing also where the process died: SQLite has its addresses.
    memory: Option<Arc<Memory>>,
    /// `PRAGMA`-like switch of SQLite: keep the WAL at the last close.
    pub(crate) persist_wal: bool,
}

/// The kinds of files whose first sync includes the directory (`isNewJrnl` in `unixOpen`).
const JOURNALS: i32 =
    ffi::SQLITE_OPEN_SUPER_JOURNAL | ffi::SQLITE_OPEN_MAIN_JOURNAL | ffi::SQLITE_OPEN_WAL;

impl Handle {
    pub(crate) fn open(disk: Arc<Shared>, name: &Name, flags: i32) -> Outcome<Self> {
        let database = flags & ffi::SQLITE_OPEN_MAIN_DB != 0;
        let process = if database { mount::process(&disk) } else { mount::process_behind(&disk) };
        let create = flags & ffi::SQLITE_OPEN_CREATE != 0;
        let how = How {
            create,
            exclusive: flags & ffi::SQLITE_OPEN_EXCLUSIVE != 0,
            sync_directory: create && flags & JOURNALS != 0,
        };
        let key = disk.lock().open(process, name, how)?;
        mount::touch(&disk, process, key.boot());
        Ok(Self { disk, process, key, memory: None, persist_wal: false })
    }

    fn with<T>(&self, act: impl FnOnce(&mut State, Key) -> Outcome<T>) -> Outcome<T> {
        mount::touch(&self.disk, self.process, self.key.boot());
        act(&mut self.disk.lock(), self.key)
    }

    /// Fills the rest with zeros where the file ends before, as SQLite asks for.
    pub(crate) fn read(&self, into: &mut [u8], offset: i64) -> Outcome {
        let offset = place(offset)?;
        let count = self.with(|disk, key| disk.read(key, offset, into))?;
        if count < into.len() {
            into[count..].fill(0);
            return Err(ffi::SQLITE_IOERR_SHORT_READ);
        }
        Ok(())
    }

    pub(crate) fn write(&self, bytes: &[u8], offset: i64) -> Outcome {
        let offset = place(offset)?;
        self.with(|disk, key| disk.write(key, offset, bytes))
    }

    pub(crate) fn set_len(&self, len: i64) -> Outcome {
        let len = place(len)?;
        self.with(|disk, key| disk.set_len(key, len))
    }

    pub(crate) fn sync(&self) -> Outcome {
        self.with(State::sync)
    }

    pub(crate) fn len(&self) -> Outcome<i64> {
        let len = self.with(State::len)?;
        i64::try_from(len).map_err(|_| ffi::SQLITE_IOERR_FSTAT)
    }

    pub(crate) fn lock(&self, level: i32) -> Outcome {
        self.with(|disk, key| disk.lock(key, level))
    }

    pub(crate) fn unlock(&self, level: i32) -> Outcome {
        self.with(|disk, key| disk.unlock(key, level))
    }

    pub(crate) fn lock_level(&self) -> Outcome<i32> {
        self.with(State::lock_level)
    }

    pub(crate) fn is_reserved(&self) -> Outcome<bool> {
        self.with(State::is_reserved)
    }

    pub(crate) fn has_moved(&self) -> Outcome<bool> {
        self.with(State::has_moved)
    }

    pub(crate) fn map(&mut self, region: i32, size: i32, extend: bool) -> Outcome<Option<*mut u8>> {
        let region = usize::try_from(region).map_err(|_| ffi::SQLITE_IOERR_SHMMAP)?;
        let size = usize::try_from(size).map_err(|_| ffi::SQLITE_IOERR_SHMMAP)?;
        let memory = self.with(State::map)?;
        let address = memory.region(region, size, extend);
        self.memory = Some(memory);
        Ok(address)
    }

    pub(crate) fn unmap(&mut self) -> Outcome {
        self.memory = None;
        self.with(State::unmap)
    }

    pub(crate) fn lock_memory(&self, first: i32, count: i32, flags: i32) -> Outcome {
        let places = (
            u32::try_from(first).map_err(|_| ffi::SQLITE_IOERR_SHMLOCK)?,
            u32::try_from(count).map_err(|_| ffi::SQLITE_IOERR_SHMLOCK)?,
        );
        if flags & ffi::SQLITE_SHM_UNLOCK != 0 {
            self.with(|disk, key| disk.unlock_memory(key, places))
        } else {
            let exclusive = flags & ffi::SQLITE_SHM_EXCLUSIVE != 0;
            self.with(|disk, key| disk.lock_memory(key, places, exclusive))
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        mount::touch(&self.disk, self.process, self.key.boot());
        self.disk.lock().close(self.key);
    }
}

/// Removes a file, on behalf of whose database this thread used last.
pub(crate) fn delete(disk: &Arc<Shared>, name: &Name, sync: bool) -> Outcome {
    let process = mount::process_behind(disk);
    disk.lock().delete(process, name, sync)
}

/// Whether a file can be used so. Like `unixAccess`, an empty file does not exist.
pub(crate) fn access(disk: &Arc<Shared>, name: &Name, flags: i32) -> Outcome<bool> {
    let process = mount::process_behind(disk);
    let len = disk.lock().stat(process, name).map_err(|_| ffi::SQLITE_IOERR_ACCESS)?;
    Ok(len.is_some_and(|len| flags != ffi::SQLITE_ACCESS_EXISTS || len > 0))
}

fn place(offset: i64) -> Outcome<usize> {
    usize::try_from(offset).map_err(|_| ffi::SQLITE_IOERR_SEEK)
}
