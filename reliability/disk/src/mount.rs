//! Which paths lie on which disk, and which process a thread is.

use std::cell::RefCell;
use std::path::Path;
use std::ptr;
use std::sync::{Arc, PoisonError, RwLock, Weak};

use crate::directory::Name;
use crate::fault::ProcessId;
use crate::state::Shared;

/// A directory's path, and the disk in its place. A directory reached through links has two lines.
static MOUNTS: RwLock<Vec<(String, Arc<Shared>)>> = RwLock::new(Vec::new());

thread_local! {
    static ENTERED: RefCell<Vec<(Arc<Shared>, ProcessId)>> = const { RefCell::new(Vec::new()) };
    static TOUCHED: RefCell<Option<Touched>> = const { RefCell::new(None) };
}

/// What a thread used last: a disk, as a process, in which of the disk's lives.
struct Touched {
    disk: Weak<Shared>,
    process: ProcessId,
    boot: u64,
}

impl Touched {
    fn is(&self, disk: &Arc<Shared>) -> bool {
        ptr::eq(self.disk.as_ptr(), Arc::as_ptr(disk))
    }
}

/// Puts a disk in a directory's place.
pub(crate) fn add(dir: &Path, disk: &Arc<Shared>) {
    let canonical = dir.canonicalize().ok();
    let mut mounts = MOUNTS.write().unwrap_or_else(PoisonError::into_inner);
    for path in [Some(dir), canonical.as_deref()].into_iter().flatten().filter_map(Path::to_str) {
        let path = path.trim_end_matches('/').to_owned();
        if !mounts.iter().any(|(mounted, of)| *mounted == path && Arc::ptr_eq(of, disk)) {
            // The newest of a directory counts.
            mounts.insert(0, (path, Arc::clone(disk)));
        }
    }
}

pub(crate) fn remove(disk: &Arc<Shared>) {
    let mut mounts = MOUNTS.write().unwrap_or_else(PoisonError::into_inner);
    mounts.retain(|(_, of)| !Arc::ptr_eq(of, disk));
}

/// The disk that a path lies on, and the file's name there.
pub(crate) fn find(path: &str) -> Option<(Arc<Shared>, Name)> {
    let mounts = MOUNTS.read().unwrap_or_else(PoisonError::into_inner);
    mounts.iter().find_map(|(dir, disk)| {
        let name = path.strip_prefix(dir.as_str())?.strip_prefix('/')?;
        (!name.is_empty()).then(|| (Arc::clone(disk), Arc::from(name)))
    })
}

pub(crate) fn enter(disk: &Arc<Shared>, process: ProcessId) {
    ENTERED.with_borrow_mut(|entered| entered.push((Arc::clone(disk), process)));
}

pub(crate) fn leave(disk: &Arc<Shared>, process: ProcessId) {
    ENTERED.with_borrow_mut(|entered| {
        let last = entered.iter().rposition(|(of, id)| Arc::ptr_eq(of, disk) && *id == process);
        last.map(|last| entered.remove(last))
    });
}

/// Whose a database is that this thread opens.
pub(crate) fn process(disk: &Arc<Shared>) -> ProcessId {
    let entered = ENTERED.with_borrow(|entered| {
        entered.iter().rev().find(|(of, _)| Arc::ptr_eq(of, disk)).map(|(_, process)| *process)
    });
    entered.unwrap_or_else(|| disk.lock().current)
}

/// Whose a file is that SQLite names on behalf of a database: whose file it used just before, in this
/// thread, which is right also where a connection is dropped outside its process.
pub(crate) fn process_behind(disk: &Arc<Shared>) -> ProcessId {
    let touched = TOUCHED.with_borrow(|touched| {
        let touched = touched.as_ref().filter(|touched| touched.is(disk))?;
        Some((touched.process, touched.boot))
    });
    match touched {
        Some((process, boot)) if boot == disk.lock().boot => process,
        // A connection from before a power cut is about to close.
        Some(_) => ProcessId::NOBODY,
        None => process(disk),
    }
}

/// Remembers which disk this thread used last, and as whom.
pub(crate) fn touch(disk: &Arc<Shared>, process: ProcessId, boot: u64) {
    TOUCHED.with_borrow_mut(|touched| match touched {
        Some(touched) if touched.is(disk) => {
            touched.process = process;
            touched.boot = boot;
        }
        _ => *touched = Some(Touched { disk: Arc::downgrade(disk), process, boot }),
    });
}

/// The disk this thread is busy with, if any.
pub(crate) fn disk() -> Option<Arc<Shared>> {
    let entered = ENTERED.with_borrow(|entered| entered.last().map(|(disk, _)| Arc::clone(disk)));
    entered.or_else(|| TOUCHED.with_borrow(|touched| touched.as_ref()?.disk.upgrade()))
}
