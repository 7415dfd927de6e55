//! The disk as a test sees it.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::fault::{Due, Fault, ProcessId};
use crate::file::Survival;
use crate::image::Image;
use crate::state::Shared;
use crate::trace::{Death, Event, Kind};
use crate::{mount, vfs};

/// A simulated disk in the place of a directory, until it is dropped. Connections that are open then
/// go on with the disk that nobody else sees any more.
#[derive(Debug)]
pub struct Disk {
    shared: Arc<Shared>,
    dir: PathBuf,
}

impl Disk {
    /// Puts an empty disk, seeded with 0, in the place of `dir`, an absolute path. Of two disks on one
    /// directory the newer counts. The directory may exist; SQLite sees nothing of what is in it.
    pub fn mount(dir: &Path) -> Self {
        vfs::install();
        let shared = Arc::new(Shared::new(0));
        mount::add(dir, &shared);
        Self { shared, dir: dir.to_owned() }
    }

    /// The same, with these files.
    pub fn mount_image(dir: &Path, image: &Image) -> Self {
        let disk = Self::mount(dir);
        disk.load(image);
        disk
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The path of a file on it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Starts the random numbers anew: those that decide what is torn and lost, and those that SQLite
    /// draws in threads that use this disk.
    pub fn seed(&self, seed: u64) {
        self.shared.lock().seed(seed);
    }

    /// Replaces all files, settled, and starts anew with everything but the seed: no process, no
    /// fault, nothing counted. Files that are open are dead.
    pub fn load(&self, image: &Image) {
        let mut state = self.shared.lock();
        state.boot_from(image);
        state.forget_lives();
    }

    /// What processes see.
    pub fn volatile(&self) -> Image {
        self.shared.lock().volatile()
    }

    /// What a power cut leaves for certain: what was synced. To look into it with SQLite, mount a
    /// second disk with it elsewhere ([`mount_image`](Self::mount_image)).
    pub fn durable(&self) -> Image {
        self.shared.lock().durable()
    }

    /// How many changes of a file no sync has confirmed: writes, sizes, its name; after a failed sync
    /// one more for the pages that it forgot.
    pub fn unsynced(&self, name: &str) -> usize {
        self.shared.lock().unsynced(name)
    }

    /// Whether a file, as processes see it, would survive a power cut for certain.
    ///
    /// This asks more than whether its commits would: a checkpoint that empties the WAL does not sync
    /// the new size, and needs not to. For that see [`has_unsynced_writes`](Self::has_unsynced_writes).
    pub fn is_settled(&self, name: &str) -> bool {
        self.unsynced(name) == 0
    }

    /// Whether bytes of a file await a sync, or were forgotten by a failed one. While this is false
    /// of a database in WAL mode and of its WAL, all commits that can be seen are durable: SQLite
    /// syncs the database before it empties the log.
    pub fn has_unsynced_writes(&self, name: &str) -> bool {
        self.shared.lock().has_unsynced_writes(name)
    }

    /// A new process.
    pub fn start(&self) -> ProcessId {
        self.shared.lock().start()
    }

    /// Makes this thread the process until the guard is dropped: databases opened meanwhile are its.
    /// So are those that other threads open which entered none. Guards nest.
    #[must_use = "the thread leaves the process when this is dropped"]
    pub fn enter(&self, process: ProcessId) -> Entered {
        mount::enter(&self.shared, process);
        let before = std::mem::replace(&mut self.shared.lock().current, process);
        Entered { disk: Arc::clone(&self.shared), process, before, thread: PhantomData }
    }

    /// Kills a process. Its locks are free at once, what it wrote stays, unsynced, and whatever it
    /// does from now on fails without effect. Drop its connections before others go on: they could
    /// still write to memory that is shared, which no disk sees.
    pub fn kill(&self, process: ProcessId) {
        self.shared.lock().kill(process);
    }

    /// The power fails. All processes die; of what was not synced nothing, everything or a random
    /// part is left, in a quarter, a quarter and half of the cases. Says which.
    pub fn power_cut(&self) -> Survival {
        self.shared.lock().power_cut(None)
    }

    /// A power cut of this kind.
    pub fn power_cut_with(&self, survival: Survival) {
        self.shared.lock().power_cut(Some(survival));
    }

    /// Whether it has not died. [`ProcessId::OUTSIDE`] never does.
    pub fn is_alive(&self, process: ProcessId) -> bool {
        self.shared.lock().is_alive(process)
    }

    /// Who died of a kill or a power cut, in order.
    pub fn died(&self) -> Vec<Death> {
        self.shared.lock().deaths.clone()
    }

    /// Plans a fault after so many more operations of the process: 0 is its next one. Several can be
    /// planned; each operation is struck by one at most, and the others wait for the next.
    pub fn plan(&self, process: ProcessId, after: u64, fault: Fault) {
        let mut state = self.shared.lock();
        let at = state.operations_of(process) + after;
        state.faults.plan(process, Due::At(at), fault);
    }

    /// Plans a fault for an operation of this kind, after so many more of them.
    pub fn plan_at(&self, process: ProcessId, kind: Kind, after: u64, fault: Fault) {
        self.shared.lock().faults.plan(process, Due::Kind(kind, after), fault);
    }

    /// Mends the disk for a process: nothing planned strikes it any more, nothing goes on failing.
    pub fn clear(&self, process: ProcessId) {
        self.shared.lock().faults.clear(process);
    }

    /// How often each fault struck.
    pub fn faults_struck(&self) -> BTreeMap<Fault, u64> {
        self.shared.lock().faults.struck().clone()
    }

    /// How many operations there were of kinds that count.
    pub fn operations(&self) -> u64 {
        self.shared.lock().operations
    }

    /// The same of one process.
    pub fn operations_of(&self, process: ProcessId) -> u64 {
        self.shared.lock().operations_of(process)
    }

    /// Whether operations of a kind count, and can be struck: by default all but reads and locks.
    pub fn count(&self, kind: Kind, on: bool) {
        let mut state = self.shared.lock();
        state.counted = if on { state.counted | kind.bit() } else { state.counted & !kind.bit() };
    }

    /// Records the operations that count, or stops to.
    pub fn trace(&self, on: bool) {
        self.shared.lock().trace = on.then(Vec::new);
    }

    /// What was recorded since the last call.
    pub fn take_trace(&self) -> Vec<Event> {
        self.shared.lock().trace.as_mut().map(std::mem::take).unwrap_or_default()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        mount::remove(&self.shared);
    }
}

/// A thread is a process while it has this.
#[derive(Debug)]
pub struct Entered {
    disk: Arc<Shared>,
    process: ProcessId,
    before: ProcessId,
    /// The process is the thread's.
    thread: PhantomData<*const ()>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        mount::leave(&self.disk, self.process);
        self.disk.lock().current = self.before;
    }
}
