//! Locks: of a database file, and in the shared memory of its log.

use std::sync::Arc;

use rusqlite::ffi;

use crate::directory::FileId;
use crate::memory::Memory;
use crate::state::{Key, Mapped, Open, Outcome, State};
use crate::trace::Kind;

impl State {
    /// Other open files of the same file. Those of the dead hold no locks any more.
    fn others(&self, file: FileId, key: Key) -> impl Iterator<Item = &Open> {
        let others = self.open.iter().enumerate().filter(move |(slot, _)| !key.is(*slot));
        others.filter_map(|(_, open)| open.as_ref()).filter(move |open| open.file == file)
    }

    /// Raises the lock, by the rules at the head of `unixLock`.
    pub(crate) fn lock(&mut self, key: Key, level: i32) -> Outcome {
        let (process, file, name) = self.whose(key)?;
        let offset = usize::try_from(level).unwrap_or(0);
        let course = self.course(process, Kind::Lock, &name, (offset, 0));
        self.finish(process, course.end)?;
        let held = self.opened(key)?.lock;
        if held >= level {
            return Ok(());
        }
        let highest = self.others(file, key).map(|other| other.lock).max();
        let highest = highest.unwrap_or(ffi::SQLITE_LOCK_NONE);
        let barrier = match level {
            ffi::SQLITE_LOCK_SHARED => ffi::SQLITE_LOCK_PENDING,
            ffi::SQLITE_LOCK_RESERVED => ffi::SQLITE_LOCK_RESERVED,
            _ => ffi::SQLITE_LOCK_SHARED,
        };
        if highest < barrier {
            self.opened(key)?.lock = level;
            return Ok(());
        }
        // Who writes and waits for readers to leave lets no new ones in.
        if level == ffi::SQLITE_LOCK_EXCLUSIVE && held == ffi::SQLITE_LOCK_RESERVED {
            self.opened(key)?.lock = ffi::SQLITE_LOCK_PENDING;
        }
        Err(ffi::SQLITE_BUSY)
    }

    pub(crate) fn unlock(&mut self, key: Key, level: i32) -> Outcome {
        let open = self.opened(key)?;
        open.lock = open.lock.min(level);
        Ok(())
    }

    pub(crate) fn lock_level(&mut self, key: Key) -> Outcome<i32> {
        Ok(self.opened(key)?.lock)
    }

    pub(crate) fn is_reserved(&mut self, key: Key) -> Outcome<bool> {
        let open = self.opened(key)?;
        let (own, file) = (open.lock, open.file);
        let others = self.others(file, key).map(|other| other.lock);
        Ok(others.chain([own]).any(|lock| lock >= ffi::SQLITE_LOCK_RESERVED))
    }

    /// The shared memory of the file, made when the first maps it: like `unixLockSharedMemory`, which
    /// empties a file that nobody else has open.
    pub(crate) fn map(&mut self, key: Key) -> Outcome<Arc<Memory>> {
        let open = self.opened(key)?;
        if let Some(mapped) = &open.mapped {
            return Ok(Arc::clone(&mapped.memory));
        }
        let file = open.file;
        let there = self.memories.iter().find(|(of, _)| *of == file);
        let memory = if let Some((_, memory)) = there {
            Arc::clone(memory)
        } else {
            let memory = Arc::new(Memory::default());
            self.memories.push((file, Arc::clone(&memory)));
            memory
        };
        let mapped = Mapped { memory: Arc::clone(&memory), shared: 0, exclusive: 0 };
        self.opened(key)?.mapped = Some(mapped);
        Ok(memory)
    }

    pub(crate) fn unmap(&mut self, key: Key) -> Outcome {
        self.opened(key)?.mapped = None;
        self.forget_memories();
        Ok(())
    }

    /// Locks `count` places of the shared memory from `first` on, as `unixShmLock` does.
    pub(crate) fn lock_memory(
        &mut self,
        key: Key,
        (first, count): (u32, u32),
        exclusive: bool,
    ) -> Outcome {
        let (process, file, name) = self.whose(key)?;
        let place = usize::try_from(first).unwrap_or(0);
        let course = self.course(process, Kind::Lock, &name, (100 + place, 1));
        self.finish(process, course.end).map_err(|code| match code {
            ffi::SQLITE_IOERR_LOCK => ffi::SQLITE_IOERR_SHMLOCK,
            other => other,
        })?;
        let mask = mask(first, count);
        let in_the_way = self
            .others(file, key)
            .filter_map(|other| other.mapped.as_ref())
            .any(|other| other.exclusive & mask != 0 || (exclusive && other.shared & mask != 0));
        if in_the_way {
            return Err(ffi::SQLITE_BUSY);
        }
        let mapped = self.opened(key)?.mapped.as_mut().ok_or(ffi::SQLITE_IOERR_SHMLOCK)?;
        if exclusive {
            mapped.exclusive |= mask;
        } else {
            mapped.shared |= mask;
        }
        Ok(())
    }

    pub(crate) fn unlock_memory(&mut self, key: Key, (first, count): (u32, u32)) -> Outcome {
        if let Some(mapped) = &mut self.opened(key)?.mapped {
            mapped.shared &= !mask(first, count);
            mapped.exclusive &= !mask(first, count);
        }
        Ok(())
    }

    /// Shared memory that nobody alive has mapped is gone: the next who maps it gets zeros, and
    /// SQLite reads the log anew.
    pub(crate) fn forget_memories(&mut self) {
        let mut memories = std::mem::take(&mut self.memories);
        memories.retain(|(_, memory)| self.users_of(memory).next().is_some());
        self.memories = memories;
    }

    pub(crate) fn users_of(&self, memory: &Arc<Memory>) -> impl Iterator<Item = &Open> {
        self.open.iter().flatten().filter(|open| {
            let mapped = open.mapped.as_ref();
            mapped.is_some_and(|mapped| Arc::ptr_eq(&mapped.memory, memory))
        })
    }
}

fn mask(first: u32, count: u32) -> u16 {
    (first..first + count).filter_map(|bit| 1_u16.checked_shl(bit)).sum()
}
