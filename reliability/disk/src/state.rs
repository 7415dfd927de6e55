//! One disk: its files, who has them open, and what an operation of a process does.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fastrand::Rng;
use rusqlite::ffi;

use crate::directory::{Directory, FileId, Name};
use crate::fault::{Course, End, Extent, Faults, ProcessId};
use crate::file::File;
use crate::memory::Memory;
use crate::trace::{Death, Event, Kind};

/// A result, or SQLite's code for what went wrong.
pub(crate) type Outcome<T = ()> = Result<T, i32>;

/// What a dead process gets to hear.
pub(crate) const DEAD: i32 = ffi::SQLITE_IOERR;

/// A disk, as its open files and the table of mounts hold it.
#[derive(Debug)]
pub(crate) struct Shared(Mutex<State>);

impl Shared {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Mutex::new(State::new(seed)))
    }

    /// A panic within is a defect of this package; what it left is still whole enough to look at.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which open file: good until the power fails.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    boot: u64,
    slot: usize,
}

impl Key {
    /// Which of the disk's lives between two power cuts it belongs to.
    pub(crate) fn boot(self) -> u64 {
        self.boot
    }

    /// Whether it is this place in the table, which holds open files of the present only.
    pub(crate) fn is(self, slot: usize) -> bool {
        self.slot == slot
    }
}

/// An open file.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) process: ProcessId,
    pub(crate) file: FileId,
    name: Name,
    /// SQLite's level, from none to exclusive.
    pub(crate) lock: i32,
    /// The first sync of a journal or WAL just opened is one of the directory too: `unixOpen` sets
    /// `UNIXFILE_DIRSYNC` for these, `unixSync` obeys it once.
    sync_directory: bool,
    pub(crate) mapped: Option<Mapped>,
}

/// Shared memory that an open file has mapped, and its locks in there, a bit each.
#[derive(Debug)]
pub(crate) struct Mapped {
    pub(crate) memory: Arc<Memory>,
    pub(crate) shared: u16,
    pub(crate) exclusive: u16,
}

#[derive(Debug)]
struct Process {
    alive: bool,
    operations: u64,
}

/// How a file is to be opened.
#[derive(Debug, Clone, Copy)]
pub(crate) struct How {
    pub(crate) create: bool,
    pub(crate) exclusive: bool,
    pub(crate) sync_directory: bool,
}

/// All that a disk knows.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) boot: u64,
    pub(crate) files: Vec<File>,
    pub(crate) directory: Directory,
    pub(crate) open: Vec<Option<Open>>,
    /// Shared memory that a living process has mapped.
    pub(crate) memories: Vec<(FileId, Arc<Memory>)>,
    /// Shared memory as a process left it when it was killed: its code runs on until it hears of it.
    pub(crate) frozen: Vec<(Arc<Memory>, Vec<Vec<u64>>)>,
    processes: Vec<Process>,
    /// Whose the files are that a thread opens which entered no process.
    pub(crate) current: ProcessId,
    pub(crate) faults: Faults,
    pub(crate) deaths: Vec<Death>,
    pub(crate) rng: Rng,
    /// What SQLite draws its salts from.
    pub(crate) salts: Rng,
    pub(crate) operations: u64,
    pub(crate) counted: u8,
    pub(crate) trace: Option<Vec<Event>>,
}

impl State {
    fn new(seed: u64) -> Self {
        let counted = [Kind::Create, Kind::Write, Kind::Truncate, Kind::Sync, Kind::Delete];
        let mut state = Self {
            boot: 0,
            files: Vec::new(),
            directory: Directory::default(),
            open: Vec::new(),
            memories: Vec::new(),
            frozen: Vec::new(),
            processes: vec![Process { alive: true, operations: 0 }],
            current: ProcessId::OUTSIDE,
            faults: Faults::default(),
            deaths: Vec::new(),
            rng: Rng::new(),
            salts: Rng::new(),
            operations: 0,
            counted: counted.into_iter().map(Kind::bit).sum(),
            trace: None,
        };
        state.seed(seed);
        state
    }

    /// Forgets who used the disk: processes, operations, faults.
    pub(crate) fn forget_lives(&mut self) {
        self.processes.truncate(1);
        self.processes.iter_mut().for_each(|outside| outside.operations = 0);
        self.current = ProcessId::OUTSIDE;
        self.faults = Faults::default();
        self.deaths.clear();
        self.operations = 0;
        self.trace = self.trace.is_some().then(Vec::new);
    }

    pub(crate) fn seed(&mut self, seed: u64) {
        self.rng = Rng::with_seed(seed);
        self.salts = self.rng.fork();
    }

    pub(crate) fn start(&mut self) -> ProcessId {
        let id = ProcessId(u32::try_from(self.processes.len()).unwrap_or(u32::MAX));
        self.processes.push(Process { alive: true, operations: 0 });
        id
    }

    fn process(&mut self, id: ProcessId) -> Option<&mut Process> {
        self.processes.get_mut(usize::try_from(id.0).ok()?)
    }

    pub(crate) fn is_alive(&self, id: ProcessId) -> bool {
        usize::try_from(id.0).is_ok_and(|at| self.processes.get(at).is_some_and(|it| it.alive))
    }

    pub(crate) fn operations_of(&self, id: ProcessId) -> u64 {
        let process = usize::try_from(id.0).ok().and_then(|at| self.processes.get(at));
        process.map_or(0, |process| process.operations)
    }

    /// Marks it dead; false if it was, or cannot be.
    pub(crate) fn bury(&mut self, id: ProcessId, power_cut: bool) -> bool {
        let at = self.operations;
        let dies = id != ProcessId::OUTSIDE
            && self.process(id).is_some_and(|process| std::mem::take(&mut process.alive));
        if dies {
            self.deaths.push(Death { process: id, at, power_cut });
        }
        dies
    }

    pub(crate) fn living(&self) -> Vec<ProcessId> {
        let ids = (0..).map(ProcessId).zip(&self.processes);
        ids.filter(|(_, process)| process.alive).map(|(id, _)| id).collect()
    }

    /// An open file of somebody who lives.
    pub(crate) fn opened(&mut self, key: Key) -> Outcome<&mut Open> {
        if key.boot != self.boot {
            return Err(DEAD);
        }
        let process = self.open.get(key.slot).and_then(Option::as_ref).map(|open| open.process);
        self.speaks(process.ok_or(DEAD)?)?;
        self.open.get_mut(key.slot).and_then(Option::as_mut).ok_or(DEAD)
    }

    /// Whoever does something to the disk must live; and the dead are silent from then on.
    fn speaks(&mut self, process: ProcessId) -> Outcome {
        if !self.is_alive(process) {
            return Err(DEAD);
        }
        for (memory, copy) in self.frozen.drain(..) {
            memory.restore(&copy);
        }
        Ok(())
    }

    /// Counts an operation, and says how it goes.
    pub(crate) fn course(
        &mut self,
        process: ProcessId,
        kind: Kind,
        name: &Name,
        (offset, len): (usize, usize),
    ) -> Course {
        if self.counted & kind.bit() == 0 {
            return Course::GOOD;
        }
        let Some(count) = self.process(process).map(|process| &mut process.operations) else {
            return Course { extent: Extent::None, end: End::Report(DEAD) };
        };
        let done = *count;
        *count += 1;
        let number = self.operations;
        self.operations += 1;
        let fault = self.faults.strike(process, done, kind);
        let course = fault.map_or(Course::GOOD, |fault| fault.course(kind));
        if let Some(trace) = &mut self.trace {
            let code = if let End::Report(code) = course.end { code } else { DEAD };
            let file = Arc::clone(name);
            trace.push(Event { number, process, kind, file, offset, len, code });
        }
        course
    }

    /// Lets the end come that an operation is to have.
    pub(crate) fn finish(&mut self, process: ProcessId, end: End) -> Outcome {
        match end {
            End::Report(ffi::SQLITE_OK) => return Ok(()),
            End::Report(code) => return Err(code),
            End::Kill => self.kill(process),
            End::PowerCut => {
                self.power_cut(None);
            }
        }
        Err(DEAD)
    }

    /// Whether an operation without parts happens.
    fn happens(&mut self, extent: Extent) -> bool {
        match extent {
            Extent::None | Extent::Forgotten => false,
            Extent::Part => self.rng.bool(),
            Extent::Whole => true,
        }
    }

    pub(crate) fn open(&mut self, process: ProcessId, name: &Name, how: How) -> Outcome<Key> {
        self.speaks(process)?;
        let mut found = self.directory.find(name);
        if found.is_some() && how.exclusive {
            return Err(ffi::SQLITE_CANTOPEN);
        }
        if how.create {
            let course = self.course(process, Kind::Create, name, (0, 0));
            if found.is_none() && self.happens(course.extent) {
                found = Some(self.files.len());
                self.files.push(File::default());
                self.directory.create(name, self.files.len() - 1);
            }
            self.finish(process, course.end)?;
        }
        let open = Open {
            process,
            file: found.ok_or(ffi::SQLITE_CANTOPEN)?,
            name: Arc::clone(name),
            lock: ffi::SQLITE_LOCK_NONE,
            sync_directory: how.sync_directory,
            mapped: None,
        };
        let free = self.open.iter().position(Option::is_none);
        let slot = free.unwrap_or(self.open.len());
        match self.open.get_mut(slot) {
            Some(place) => *place = Some(open),
            None => self.open.push(Some(open)),
        }
        Ok(Key { boot: self.boot, slot })
    }

    /// Also for the dead: SQLite closes what it opened.
    pub(crate) fn close(&mut self, key: Key) {
        if key.boot == self.boot
            && let Some(place) = self.open.get_mut(key.slot)
        {
            *place = None;
            self.forget_memories();
        }
    }

    pub(crate) fn read(&mut self, key: Key, offset: usize, into: &mut [u8]) -> Outcome<usize> {
        let (process, file, name) = self.whose(key)?;
        let course = self.course(process, Kind::Read, &name, (offset, into.len()));
        let count = self.files[file].volatile().read(offset, into);
        self.finish(process, course.end)?;
        Ok(count)
    }

    pub(crate) fn write(&mut self, key: Key, offset: usize, bytes: &[u8]) -> Outcome {
        let (process, file, name) = self.whose(key)?;
        let course = self.course(process, Kind::Write, &name, (offset, bytes.len()));
        let count = match course.extent {
            Extent::None | Extent::Forgotten => 0,
            Extent::Part => self.rng.usize(..bytes.len().max(1)),
            Extent::Whole => bytes.len(),
        };
        self.files[file].write(offset, &bytes[..count]);
        self.finish(process, course.end)
    }

    pub(crate) fn set_len(&mut self, key: Key, len: usize) -> Outcome {
        let (process, file, name) = self.whose(key)?;
        let course = self.course(process, Kind::Truncate, &name, (len, 0));
        if self.happens(course.extent) && self.files[file].volatile().len() != len {
            self.files[file].set_len(len);
        }
        self.finish(process, course.end)
    }

    pub(crate) fn sync(&mut self, key: Key) -> Outcome {
        let (process, file, name) = self.whose(key)?;
        let course = self.course(process, Kind::Sync, &name, (0, 0));
        if course.extent == Extent::Forgotten {
            self.files[file].sync_fails(&mut self.rng);
        } else if self.happens(course.extent) {
            self.files[file].sync();
            if std::mem::take(&mut self.opened(key)?.sync_directory) {
                self.directory.sync();
            }
        }
        self.finish(process, course.end)
    }

    pub(crate) fn len(&mut self, key: Key) -> Outcome<usize> {
        let (_, file, _) = self.whose(key)?;
        Ok(self.files[file].volatile().len())
    }

    pub(crate) fn has_moved(&mut self, key: Key) -> Outcome<bool> {
        let (_, file, name) = self.whose(key)?;
        Ok(self.directory.find(&name) != Some(file))
    }

    pub(crate) fn delete(&mut self, process: ProcessId, name: &Name, sync: bool) -> Outcome {
        self.speaks(process)?;
        if self.directory.find(name).is_none() {
            return Err(ffi::SQLITE_IOERR_DELETE_NOENT);
        }
        let course = self.course(process, Kind::Delete, name, (0, 0));
        if self.happens(course.extent) {
            self.directory.delete(name);
            if sync {
                self.directory.sync();
            }
        }
        self.finish(process, course.end)
    }

    /// Length of a file that a process asks for by name.
    pub(crate) fn stat(&mut self, process: ProcessId, name: &str) -> Outcome<Option<usize>> {
        self.speaks(process)?;
        Ok(self.directory.find(name).map(|file| self.files[file].volatile().len()))
    }

    pub(crate) fn whose(&mut self, key: Key) -> Outcome<(ProcessId, FileId, Name)> {
        let open = self.opened(key)?;
        Ok((open.process, open.file, Arc::clone(&open.name)))
    }
}
