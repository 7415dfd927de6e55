//! Random numbers of SQLite that depend on nothing but the disk's seed.
//!
//! SQLite has one generator for the whole process, seeded by the default VFS when it is first used, so
//! that with several worlds in several threads each draw depends on all others. But it takes a mutex
//! for every draw, and mutexes can be replaced: ours are SQLite's own, only that taking this one resets
//! the generator (`sqlite3_randomness(0, NULL)`), which then seeds itself from the VFS, in the thread
//! that draws, and there from the disk of this thread.

use std::cell::Cell;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use rusqlite::ffi::{self, sqlite3_mutex, sqlite3_mutex_methods};

static THEIRS: OnceLock<sqlite3_mutex_methods> = OnceLock::new();
static GENERATOR: AtomicPtr<sqlite3_mutex> = AtomicPtr::new(ptr::null_mut());
static SEEDED: AtomicBool = AtomicBool::new(false);

thread_local! {
    static RESETTING: Cell<bool> = const { Cell::new(false) };
}

/// Whether SQLite's random numbers come from the disks' seeds. False if it was in use before
/// [`install`](crate::install): then salts differ from run to run.
pub fn random_numbers_are_seeded() -> bool {
    SEEDED.load(Ordering::Relaxed)
}

/// Replaces the mutexes, if SQLite has not been started yet.
pub(crate) fn install() {
    let mut methods = sqlite3_mutex_methods {
        xMutexInit: None,
        xMutexEnd: None,
        xMutexAlloc: None,
        xMutexFree: None,
        xMutexEnter: None,
        xMutexTry: None,
        xMutexLeave: None,
        xMutexHeld: None,
        xMutexNotheld: None,
    };
    // SAFETY: the option takes a pointer to such a table. SQLite refuses it once it is started; so it
    // is not when this succeeds, and starting and stopping it, which fills the table, harms nobody.
    let theirs = unsafe {
        ffi::sqlite3_config(ffi::SQLITE_CONFIG_GETMUTEX, &raw mut methods) == ffi::SQLITE_OK
            && ffi::sqlite3_initialize() == ffi::SQLITE_OK
            && ffi::sqlite3_shutdown() == ffi::SQLITE_OK
            && ffi::sqlite3_config(ffi::SQLITE_CONFIG_GETMUTEX, &raw mut methods) == ffi::SQLITE_OK
    };
    if !theirs || THEIRS.set(methods).is_err() {
        return;
    }
    // SAFETY: the option takes an integer. Without sums of memory used, which nobody here asks for,
    // SQLite takes no lock of the whole process for each allocation: worlds in threads do not wait
    // for each other.
    unsafe { ffi::sqlite3_config(ffi::SQLITE_CONFIG_MEMSTATUS, 0) };
    methods.xMutexEnter = Some(enter);
    methods.xMutexLeave = Some(leave);
    // SAFETY: the option copies the table. Static mutexes may be asked for once SQLite is started.
    let seeded = unsafe {
        ffi::sqlite3_config(ffi::SQLITE_CONFIG_MUTEX, &raw mut methods) == ffi::SQLITE_OK
            && ffi::sqlite3_initialize() == ffi::SQLITE_OK
            && {
                let generator = ffi::sqlite3_mutex_alloc(ffi::SQLITE_MUTEX_STATIC_PRNG);
                GENERATOR.store(generator, Ordering::Release);
                !generator.is_null()
            }
    };
    SEEDED.store(seeded, Ordering::Relaxed);
}

/// Whether this is the generator's mutex, taken by our own reset of the generator.
fn is_ours(mutex: *mut sqlite3_mutex) -> bool {
    mutex == GENERATOR.load(Ordering::Acquire) && RESETTING.get()
}

unsafe extern "C" fn enter(mutex: *mut sqlite3_mutex) {
    if is_ours(mutex) {
        return;
    }
    if let Some(enter) = THEIRS.get().and_then(|theirs| theirs.xMutexEnter) {
        // SAFETY: SQLite's own function, with the mutex that SQLite passed.
        unsafe { enter(mutex) };
    }
    if mutex == GENERATOR.load(Ordering::Acquire) {
        RESETTING.set(true);
        // SAFETY: this resets the generator under the mutex that is held just now.
        unsafe { ffi::sqlite3_randomness(0, ptr::null_mut()) };
        RESETTING.set(false);
    }
}

unsafe extern "C" fn leave(mutex: *mut sqlite3_mutex) {
    if is_ours(mutex) {
        return;
    }
    if let Some(leave) = THEIRS.get().and_then(|theirs| theirs.xMutexLeave) {
        // SAFETY: SQLite's own function, with the mutex that SQLite passed.
        unsafe { leave(mutex) };
    }
}
