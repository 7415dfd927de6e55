//! The one place with `unsafe`: SQLite's table of C functions, and what stands behind each.
//!
//! Every function turns pointers into references and calls safe code. No panic crosses into C: it
//! becomes an I/O error. SQLite's promises that the comments name are those of `sqlite3_vfs` and
//! `sqlite3_io_methods` in its documentation.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Arc, Once};
use std::{ptr, slice};

use rusqlite::ffi::{self, sqlite3_file, sqlite3_int64, sqlite3_io_methods, sqlite3_vfs};

use crate::directory::Name;
use crate::handle::{self, Handle};
use crate::mount;
use crate::seeding;
use crate::state::{Outcome, Shared};

/// The operating system's VFS, which serves all paths that lie on no disk.
static ORIGINAL: AtomicPtr<sqlite3_vfs> = AtomicPtr::new(ptr::null_mut());

static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    // Without xFetch: no memory maps.
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

/// What SQLite keeps an open file in: it allocates `szOsFile` bytes and passes their address.
#[repr(C)]
struct OpenFile {
    base: sqlite3_file,
    /// Owned; from [`Box::into_raw`].
    handle: *mut Handle,
}

/// Makes the simulated VFS the default of this process, once. [`Disk::mount`](crate::Disk::mount)
/// does it too; called before anything else opens a database, SQLite's random numbers are seeded.
///
/// # Panics
///
/// If SQLite has no VFS to build on, or takes no other: no test can go on then.
pub fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        seeding::install();
        // SAFETY: initialising is allowed at any time; the VFS found is static in SQLite.
        let original = unsafe {
            ffi::sqlite3_initialize();
            ffi::sqlite3_vfs_find(ptr::null())
        };
        assert!(!original.is_null(), "SQLite has no default VFS");
        ORIGINAL.store(original, Ordering::Release);
        // SAFETY: not null, and SQLite leaves a registered VFS as it is.
        let mut vfs = unsafe { *original };
        let own = c_int::try_from(size_of::<OpenFile>()).unwrap_or(c_int::MAX);
        // Large enough for either kind, since xOpen decides only then which it is.
        vfs.szOsFile = vfs.szOsFile.max(own);
        vfs.pNext = ptr::null_mut();
        vfs.zName = c"simulated".as_ptr();
        vfs.xOpen = Some(open);
        vfs.xDelete = Some(delete);
        vfs.xAccess = Some(access);
        vfs.xFullPathname = Some(full_pathname);
        vfs.xRandomness = Some(randomness);
        vfs.xSleep = Some(sleep);
        // SAFETY: leaked, so it outlives SQLite; functions and sizes fit each other.
        let code = unsafe { ffi::sqlite3_vfs_register(Box::leak(Box::new(vfs)), 1) };
        assert_eq!(code, ffi::SQLITE_OK, "SQLite does not take the simulated VFS");
    });
}

fn original() -> *mut sqlite3_vfs {
    ORIGINAL.load(Ordering::Acquire)
}

/// Runs safe code for C, and turns its end into a code.
fn answer(if_it_panics: c_int, act: impl FnOnce() -> Outcome) -> c_int {
    match catch_unwind(AssertUnwindSafe(act)) {
        Ok(Ok(())) => ffi::SQLITE_OK,
        Ok(Err(code)) => code,
        Err(_) => if_it_panics,
    }
}

/// The disk and the name there, of a path that SQLite passes.
///
/// # Safety
///
/// `path` is null or a C string that lives during the call.
unsafe fn place(path: *const c_char) -> Option<(Arc<Shared>, Name)> {
    if path.is_null() {
        return None;
    }
    // SAFETY: as the caller promises.
    let path = unsafe { CStr::from_ptr(path) }.to_str().ok()?;
    mount::find(path)
}

/// The handle behind a file.
///
/// # Safety
///
/// `file` was filled by [`open`] with [`METHODS`] and not closed. SQLite calls the methods of one file
/// from one thread at a time, so that the reference is the only one.
unsafe fn of<'a>(file: *mut sqlite3_file) -> &'a mut Handle {
    // SAFETY: as the caller promises, `file` is an `OpenFile` whose handle is live.
    unsafe { &mut *(*file.cast::<OpenFile>()).handle }
}

/// Bytes of a buffer that SQLite passes with its length.
fn size(count: c_int) -> usize {
    usize::try_from(count).unwrap_or(0)
}

unsafe extern "C" fn open(
    _: *mut sqlite3_vfs,
    path: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: SQLite passes null or a path.
    let Some((disk, name)) = (unsafe { place(path) }) else {
        let original = original();
        // SAFETY: the original VFS gets its own address and the rest unchanged; `file` is large enough
        // for it, and it writes its own methods there, so that none of ours is called with this file.
        return unsafe {
            (*original)
                .xOpen
                .map_or(ffi::SQLITE_CANTOPEN, |open| open(original, path, file, flags, out_flags))
        };
    };
    // SAFETY: `file` has `szOsFile` bytes to write to. Null methods: nothing is to be closed.
    unsafe { (*file).pMethods = ptr::null() };
    answer(ffi::SQLITE_CANTOPEN, || {
        let handle = Handle::open(disk, &name, flags)?;
        let open = OpenFile {
            base: sqlite3_file { pMethods: &raw const METHODS },
            handle: Box::into_raw(Box::new(handle)),
        };
        // SAFETY: as above; `out_flags` is null or an integer to write to.
        unsafe {
            file.cast::<OpenFile>().write(open);
            if let Some(out_flags) = out_flags.as_mut() {
                *out_flags = flags;
            }
        }
        Ok(())
    })
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    answer(ffi::SQLITE_IOERR_CLOSE, || {
        // SAFETY: SQLite closes an open file once, and does not use it afterwards.
        drop(unsafe { Box::from_raw((*file.cast::<OpenFile>()).handle) });
        Ok(())
    })
}

unsafe extern "C" fn read(
    file: *mut sqlite3_file,
    into: *mut c_void,
    count: c_int,
    offset: sqlite3_int64,
) -> c_int {
    // SAFETY: an open file, and a buffer of `count` bytes that nobody else uses during the call.
    answer(ffi::SQLITE_IOERR_READ, || unsafe {
        of(file).read(slice::from_raw_parts_mut(into.cast(), size(count)), offset)
    })
}

unsafe extern "C" fn write(
    file: *mut sqlite3_file,
    from: *const c_void,
    count: c_int,
    offset: sqlite3_int64,
) -> c_int {
    // SAFETY: an open file, and `count` bytes that nobody changes during the call.
    answer(ffi::SQLITE_IOERR_WRITE, || unsafe {
        of(file).write(slice::from_raw_parts(from.cast(), size(count)), offset)
    })
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, len: sqlite3_int64) -> c_int {
    // SAFETY: an open file.
    answer(ffi::SQLITE_IOERR_TRUNCATE, || unsafe { of(file) }.set_len(len))
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, _: c_int) -> c_int {
    // SAFETY: an open file.
    answer(ffi::SQLITE_IOERR_FSYNC, || unsafe { of(file) }.sync())
}

unsafe extern "C" fn file_size(file: *mut sqlite3_file, len: *mut sqlite3_int64) -> c_int {
    // SAFETY: an open file, and an integer to write to.
    answer(ffi::SQLITE_IOERR_FSTAT, || unsafe {
        *len = of(file).len()?;
        Ok(())
    })
}

unsafe extern "C" fn lock(file: *mut sqlite3_file, level: c_int) -> c_int {
    // SAFETY: an open file.
    answer(ffi::SQLITE_IOERR_LOCK, || unsafe { of(file) }.lock(level))
}

unsafe extern "C" fn unlock(file: *mut sqlite3_file, level: c_int) -> c_int {
    // SAFETY: an open file.
    answer(ffi::SQLITE_IOERR_UNLOCK, || unsafe { of(file) }.unlock(level))
}

unsafe extern "C" fn check_reserved_lock(file: *mut sqlite3_file, is: *mut c_int) -> c_int {
    // SAFETY: an open file, and an integer to write to.
    answer(ffi::SQLITE_IOERR_CHECKRESERVEDLOCK, || unsafe {
        *is = c_int::from(of(file).is_reserved()?);
        Ok(())
    })
}

unsafe extern "C" fn file_control(file: *mut sqlite3_file, what: c_int, arg: *mut c_void) -> c_int {
    let number = arg.cast::<c_int>();
    // SAFETY: an open file; for each of these operations `arg` is an integer to read and write.
    answer(ffi::SQLITE_IOERR, || unsafe {
        match what {
            ffi::SQLITE_FCNTL_LOCKSTATE => *number = of(file).lock_level()?,
            ffi::SQLITE_FCNTL_HAS_MOVED => *number = c_int::from(of(file).has_moved()?),
            ffi::SQLITE_FCNTL_EXTERNAL_READER | ffi::SQLITE_FCNTL_LAST_ERRNO => *number = 0,
            ffi::SQLITE_FCNTL_POWERSAFE_OVERWRITE => *number = 1,
            ffi::SQLITE_FCNTL_PERSIST_WAL if *number < 0 => {
                *number = c_int::from(of(file).persist_wal);
            }
            ffi::SQLITE_FCNTL_PERSIST_WAL => of(file).persist_wal = *number != 0,
            ffi::SQLITE_FCNTL_SIZE_HINT => {}
            _ => return Err(ffi::SQLITE_NOTFOUND),
        }
        Ok(())
    })
}

unsafe extern "C" fn sector_size(_: *mut sqlite3_file) -> c_int {
    4096
}

unsafe extern "C" fn device_characteristics(_: *mut sqlite3_file) -> c_int {
    ffi::SQLITE_IOCAP_POWERSAFE_OVERWRITE
}

unsafe extern "C" fn shm_map(
    file: *mut sqlite3_file,
    region: c_int,
    size: c_int,
    extend: c_int,
    address: *mut *mut c_void,
) -> c_int {
    // SAFETY: an open file, and a pointer to write to. The region lives as long as its handle has it
    // mapped, which is as long as SQLite uses it; its words are cells, so that others may write to it.
    answer(ffi::SQLITE_IOERR_SHMMAP, || unsafe {
        *address = ptr::null_mut();
        if let Some(memory) = of(file).map(region, size, extend != 0)? {
            *address = memory.cast();
        }
        Ok(())
    })
}

unsafe extern "C" fn shm_lock(
    file: *mut sqlite3_file,
    first: c_int,
    count: c_int,
    flags: c_int,
) -> c_int {
    // SAFETY: an open file.
    answer(ffi::SQLITE_IOERR_SHMLOCK, || unsafe { of(file) }.lock_memory(first, count, flags))
}

unsafe extern "C" fn shm_barrier(_: *mut sqlite3_file) {
    std::sync::atomic::fence(Ordering::SeqCst);
}

unsafe extern "C" fn shm_unmap(file: *mut sqlite3_file, _: c_int) -> c_int {
    // SAFETY: an open file; SQLite uses no address of its memory afterwards.
    answer(ffi::SQLITE_IOERR_SHMMAP, || unsafe { of(file) }.unmap())
}

unsafe extern "C" fn delete(_: *mut sqlite3_vfs, path: *const c_char, sync: c_int) -> c_int {
    // SAFETY: SQLite passes a path.
    if let Some((disk, name)) = unsafe { place(path) } {
        answer(ffi::SQLITE_IOERR_DELETE, || handle::delete(&disk, &name, sync & 1 != 0))
    } else {
        let original = original();
        // SAFETY: the original VFS gets its own address and the rest unchanged.
        unsafe {
            (*original)
                .xDelete
                .map_or(ffi::SQLITE_IOERR_DELETE, |delete| delete(original, path, sync))
        }
    }
}

unsafe extern "C" fn access(
    _: *mut sqlite3_vfs,
    path: *const c_char,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: SQLite passes a path.
    if let Some((disk, name)) = unsafe { place(path) } {
        answer(ffi::SQLITE_IOERR_ACCESS, || {
            let can = handle::access(&disk, &name, flags)?;
            // SAFETY: an integer to write to.
            unsafe { *out = c_int::from(can) };
            Ok(())
        })
    } else {
        let original = original();
        // SAFETY: the original VFS gets its own address and the rest unchanged.
        unsafe {
            (*original)
                .xAccess
                .map_or(ffi::SQLITE_IOERR_ACCESS, |access| access(original, path, flags, out))
        }
    }
}

unsafe extern "C" fn full_pathname(
    _: *mut sqlite3_vfs,
    path: *const c_char,
    count: c_int,
    out: *mut c_char,
) -> c_int {
    // SAFETY: SQLite passes a path.
    let bytes = unsafe { CStr::from_ptr(path) }.to_bytes_with_nul();
    let plain = !bytes
        .split(|byte| *byte == b'/')
        .skip(1)
        .any(|part| matches!(part, b"" | b"." | b".." | b".\0" | b"..\0"));
    // Asking the operating system for each part of the path would take longer than all the rest.
    // SAFETY: as above.
    if plain && bytes.len() <= size(count) && unsafe { place(path) }.is_some() {
        // SAFETY: `out` has `count` bytes, and lies elsewhere than `path`.
        unsafe { ptr::copy_nonoverlapping(path, out, bytes.len()) };
        return ffi::SQLITE_OK;
    }
    let original = original();
    // SAFETY: the original VFS gets its own address and the rest unchanged.
    unsafe {
        (*original)
            .xFullPathname
            .map_or(ffi::SQLITE_CANTOPEN, |full| full(original, path, count, out))
    }
}

unsafe extern "C" fn randomness(_: *mut sqlite3_vfs, count: c_int, out: *mut c_char) -> c_int {
    let drawn = catch_unwind(|| {
        let disk = mount::disk()?;
        // SAFETY: a buffer of `count` bytes that nobody else uses during the call.
        let into = unsafe { slice::from_raw_parts_mut(out.cast::<u8>(), size(count)) };
        disk.lock().salts.fill(into);
        Some(count)
    });
    drawn.ok().flatten().unwrap_or_else(|| {
        let original = original();
        // SAFETY: the original VFS gets its own address and the rest unchanged.
        unsafe { (*original).xRandomness.map_or(0, |random| random(original, count, out)) }
    })
}

unsafe extern "C" fn sleep(_: *mut sqlite3_vfs, microseconds: c_int) -> c_int {
    if matches!(catch_unwind(mount::disk), Ok(Some(_))) {
        return microseconds;
    }
    let original = original();
    // SAFETY: the original VFS gets its own address and the rest unchanged.
    unsafe { (*original).xSleep.map_or(0, |sleep| sleep(original, microseconds)) }
}
