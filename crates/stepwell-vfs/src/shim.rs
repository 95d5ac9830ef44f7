//! The table of C callbacks.
//!
//! What makes it sound: SQLite calls a file's methods only between its `xOpen` and its `xClose`, one at a time; each
//! pointer argument is used as SQLite's contract says; the VFS below is never unregistered.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_int, c_void};
use std::ptr;
use std::slice;

use rusqlite::ffi;

use crate::frames::{Frames, Gather};
use crate::held::Sink;
use crate::pages::Pages;

/// A copy of the VFS below, but for its name and how files are opened.
#[repr(C)]
struct Vfs {
    vfs: ffi::sqlite3_vfs,
    below: *mut ffi::sqlite3_vfs,
    gather: Gather,
    page_bytes: u32,
}

/// What SQLite allocates for a database and for a log: our part first, then the file below.
#[repr(C, align(8))]
struct File {
    base: ffi::sqlite3_file,
    /// From `Box::into_raw`.
    writes: *mut Writes,
}

/// What is on its way to a file.
enum Writes {
    Log(Frames),
    Database(Pages),
}

impl Writes {
    fn write(&mut self, offset: u64, data: &[u8], sink: Sink<'_>) -> c_int {
        match self {
            Self::Log(frames) => frames.write(offset, data, sink),
            Self::Database(pages) => pages.write(offset, data, sink),
        }
    }

    fn flush(&mut self, sink: Sink<'_>) -> c_int {
        match self {
            Self::Log(frames) => frames.flush(sink),
            Self::Database(pages) => pages.flush(sink),
        }
    }

    /// Where what is held ends.
    fn held_end(&self) -> Option<u64> {
        match self {
            Self::Log(frames) => frames.held_end(),
            Self::Database(pages) => pages.held_end(),
        }
    }
}

/// Registers the VFS `name` over the one that is called `below`. For logs of databases with pages of `page_bytes`; those
/// of others are written as they come. Without shared memory: one connection at a time, in exclusive locking mode, and
/// `synchronous` is at least `NORMAL`. To be called once for a name.
///
/// # Errors
/// SQLite's code, `SQLITE_NOTFOUND` where there is no VFS `below`.
pub fn register(
    name: &'static CStr,
    below: &CStr,
    gather: Gather,
    page_bytes: u32,
) -> Result<(), c_int> {
    // SAFETY: a C string.
    let found = unsafe { ffi::sqlite3_vfs_find(below.as_ptr()) };
    if found.is_null() {
        return Err(ffi::SQLITE_NOTFOUND);
    }
    // SAFETY: SQLite's own list has it. Its callbacks get a copy that differs in nothing they read: `pAppData` is theirs.
    let copy = unsafe { *found };
    let own_bytes = c_int::try_from(size_of::<File>()).unwrap_or(c_int::MAX);
    let vfs = Box::new(Vfs {
        vfs: ffi::sqlite3_vfs {
            szOsFile: own_bytes + copy.szOsFile,
            zName: name.as_ptr(),
            pNext: ptr::null_mut(),
            xOpen: Some(x_open),
            ..copy
        },
        below: found,
        gather,
        page_bytes,
    });
    // SAFETY: never freed, and `Vfs` begins with `sqlite3_vfs`.
    match unsafe { ffi::sqlite3_vfs_register(Box::into_raw(vfs).cast(), 0) } {
        ffi::SQLITE_OK => Ok(()),
        code => Err(code),
    }
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 1,
    xClose: Some(x_close),
    xRead: Some(x_read),
    xWrite: Some(x_write),
    xTruncate: Some(x_truncate),
    xSync: Some(x_sync),
    xFileSize: Some(x_file_size),
    xLock: Some(x_lock),
    xUnlock: Some(x_unlock),
    xCheckReservedLock: Some(x_check_reserved_lock),
    xFileControl: Some(x_file_control),
    xSectorSize: Some(x_sector_size),
    xDeviceCharacteristics: Some(x_device_characteristics),
    xShmMap: None,
    xShmLock: None,
    xShmBarrier: None,
    xShmUnmap: None,
    xFetch: None,
    xUnfetch: None,
};

/// The file below.
fn below(file: *mut ffi::sqlite3_file) -> *mut ffi::sqlite3_file {
    file.cast::<File>().wrapping_add(1).cast()
}

/// Calls a method of the file below.
macro_rules! call_below {
    ($file:expr, $method:ident $(, $argument:expr)*) => {{
        let file = below($file);
        // SAFETY: it is open as long as this one, and its table has all methods of version 1.
        unsafe {
            match (*(*file).pMethods).$method {
                Some(method) => method(file $(, $argument)*),
                None => ffi::SQLITE_IOERR,
            }
        }
    }};
}

fn write_below(file: *mut ffi::sqlite3_file, offset: u64, data: &[u8]) -> c_int {
    let (Ok(amount), Ok(offset)) = (c_int::try_from(data.len()), i64::try_from(offset)) else {
        return ffi::SQLITE_IOERR_WRITE;
    };
    call_below!(file, xWrite, data.as_ptr().cast::<c_void>(), amount, offset)
}

/// SAFETY: `file` is one of ours between `xOpen` and `xClose`.
unsafe fn writes<'a>(file: *mut ffi::sqlite3_file) -> &'a mut Writes {
    // SAFETY: set by `x_open`; SQLite calls one method at a time.
    unsafe { &mut *(*file.cast::<File>()).writes }
}

/// Makes the writes that are held.
///
/// SAFETY: as for `writes`.
unsafe fn flush(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { writes(file) }.flush(&mut |offset, data| write_below(file, offset, data))
}

unsafe extern "C" fn x_open(
    vfs: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    let is_log = flags & ffi::SQLITE_OPEN_WAL != 0;
    let is_ours = is_log || flags & ffi::SQLITE_OPEN_MAIN_DB != 0;
    // SAFETY: registered as a `Vfs`, and SQLite allocated room for a `File` and the file below it.
    let (code, has_methods) = unsafe {
        let vfs = vfs.cast::<Vfs>();
        let Some(open) = (*(*vfs).below).xOpen else {
            return ffi::SQLITE_CANTOPEN;
        };
        if !is_ours {
            return open((*vfs).below, name, file, flags, out_flags);
        }
        (*file).pMethods = ptr::null();
        let real = below(file);
        (*real).pMethods = ptr::null();
        let code = open((*vfs).below, name, real, flags, out_flags);
        if code == ffi::SQLITE_OK {
            let writes = match is_log {
                true => Writes::Log(Frames::new((*vfs).gather, (*vfs).page_bytes)),
                false => Writes::Database(Pages::new()),
            };
            (*file.cast::<File>()).writes = Box::into_raw(Box::new(writes));
            (*file).pMethods = &raw const METHODS;
        }
        (code, !(*real).pMethods.is_null())
    };
    // What has methods although it failed is to be closed.
    if code != ffi::SQLITE_OK && has_methods {
        call_below!(file, xClose);
    }
    code
}

unsafe extern "C" fn x_close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: an open file of ours, closed once.
    let flushed = unsafe {
        let code = flush(file);
        drop(Box::from_raw((*file.cast::<File>()).writes));
        code
    };
    match call_below!(file, xClose) {
        ffi::SQLITE_OK => flushed,
        code => code,
    }
}

unsafe extern "C" fn x_write(
    file: *mut ffi::sqlite3_file,
    from: *const c_void,
    amount: c_int,
    offset: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: an open file of ours, and `amount` bytes to read.
    let (writes, data) = unsafe {
        let amount = usize::try_from(amount).unwrap_or(0);
        (
            writes(file),
            slice::from_raw_parts(from.cast::<u8>(), amount),
        )
    };
    let Ok(offset) = u64::try_from(offset) else {
        return ffi::SQLITE_IOERR_WRITE;
    };
    writes.write(offset, data, &mut |offset, data| {
        write_below(file, offset, data)
    })
}

/// Methods that come after all that is held, with what they say where it cannot be written. Only those whose errors SQLite
/// heeds while something is held. (It ignores those of a file control, and makes one between a checkpoint's writes and
/// its flush: the simulator found that.)
macro_rules! after_flush {
    ($($name:ident = $method:ident($($argument:ident: $type:ty),*);)*) => {$(
        unsafe extern "C" fn $name(file: *mut ffi::sqlite3_file $(, $argument: $type)*) -> c_int {
            // SAFETY: an open file of ours.
            match unsafe { flush(file) } {
                ffi::SQLITE_OK => call_below!(file, $method $(, $argument)*),
                code => code,
            }
        }
    )*};
}

after_flush! {
    x_read = xRead(into: *mut c_void, amount: c_int, offset: ffi::sqlite3_int64);
    x_truncate = xTruncate(size: ffi::sqlite3_int64);
    x_sync = xSync(flags: c_int);
}

/// Without a flush: SQLite may ignore an error of this one, and the writes would be lost without a word.
unsafe extern "C" fn x_file_size(
    file: *mut ffi::sqlite3_file,
    size: *mut ffi::sqlite3_int64,
) -> c_int {
    let code = call_below!(file, xFileSize, size);
    if code == ffi::SQLITE_OK {
        // SAFETY: an open file of ours, and a place for the answer.
        unsafe {
            let end = writes(file).held_end().unwrap_or(0);
            *size = (*size).max(i64::try_from(end).unwrap_or(i64::MAX));
        }
    }
    code
}

/// Methods that have nothing to do with what is written.
macro_rules! passed_on {
    ($($name:ident = $method:ident($($argument:ident: $type:ty),*);)*) => {$(
        unsafe extern "C" fn $name(file: *mut ffi::sqlite3_file $(, $argument: $type)*) -> c_int {
            call_below!(file, $method $(, $argument)*)
        }
    )*};
}

passed_on! {
    x_file_control = xFileControl(operation: c_int, argument: *mut c_void);
    x_lock = xLock(level: c_int);
    x_unlock = xUnlock(level: c_int);
    x_check_reserved_lock = xCheckReservedLock(out: *mut c_int);
    x_sector_size = xSectorSize();
    x_device_characteristics = xDeviceCharacteristics();
}
