//! SQLite's view of [`Disk`]: a VFS without shared memory, as OPFS has none.
//!
//! A file with `unsafe`, as `stepwell-vfs` has the other one: a VFS is a table of C callbacks that get raw pointers. What makes it
//! sound: SQLite calls a file's methods only between its `xOpen` and its `xClose`; a connection and its disk stay on
//! the thread that made them; each pointer argument is used for as many bytes as SQLite's contract gives it.
#![allow(unsafe_code)]

use std::cell::RefCell;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;
use std::rc::Rc;
use std::slice;
use std::sync::Once;

use rusqlite::ffi;
use rusqlite::{Connection, OpenFlags};

use stepwell_sqlite::PAGE_BYTES;
use stepwell_vfs::Gather;

use crate::disk::{Disk, DiskError};

/// A disk in the hands of the world and of SQLite.
pub(crate) type SharedDisk = Rc<RefCell<Disk>>;

const NAME: &CStr = c"stepwell-sim";
/// As in the browser, what a commit writes to the log comes in one write.
const GATHERED: &CStr = c"stepwell-sim-gathered";
/// As SQLite assumes of a disk that says nothing.
const SECTOR_BYTES: c_int = 4_096;
const PATH_BYTES_MAX: c_int = 64;
/// 2026-11-23 as a Julian day: SQLite reads the time for nothing that is stored here.
const JULIAN_DAY: f64 = 2_461_368.0;

thread_local! {
    /// The disk of the simulation that runs on this thread.
    static DISK: RefCell<Option<SharedDisk>> = const { RefCell::new(None) };
}

/// Opens the database of a disk.
pub(crate) fn open(disk: &SharedDisk) -> rusqlite::Result<Connection> {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        register();
        stepwell_vfs::register(GATHERED, NAME, Gather::UntilSync, PAGE_BYTES)
            .expect("SQLite takes a VFS");
    });
    DISK.with(|current| *current.borrow_mut() = Some(Rc::clone(disk)));
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags_and_vfs("db", flags, GATHERED)
}

/// What SQLite allocates for a file: its own part first, then ours.
#[repr(C)]
struct SimFile {
    base: ffi::sqlite3_file,
    /// From `Box::into_raw`; null before `xOpen` and after `xClose`.
    handle: *mut Handle,
}

struct Handle {
    disk: SharedDisk,
    file: usize,
    incarnation: u64,
}

fn register() {
    let vfs = ffi::sqlite3_vfs {
        iVersion: 1,
        szOsFile: c_int::try_from(size_of::<SimFile>()).expect("a small struct"),
        mxPathname: PATH_BYTES_MAX,
        pNext: ptr::null_mut(),
        zName: NAME.as_ptr(),
        pAppData: ptr::null_mut(),
        xOpen: Some(x_open),
        xDelete: Some(x_delete),
        xAccess: Some(x_access),
        xFullPathname: Some(x_full_pathname),
        xDlOpen: None,
        xDlError: None,
        xDlSym: None,
        xDlClose: None,
        xRandomness: Some(x_randomness),
        xSleep: Some(x_sleep),
        xCurrentTime: Some(x_current_time),
        xGetLastError: Some(x_get_last_error),
        xCurrentTimeInt64: None,
        xSetSystemCall: None,
        xGetSystemCall: None,
        xNextSystemCall: None,
    };
    // SAFETY: the VFS is never freed, and not made the default.
    let code = unsafe { ffi::sqlite3_vfs_register(Box::into_raw(Box::new(vfs)), 0) };
    assert_eq!(code, ffi::SQLITE_OK, "SQLite takes a VFS");
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
    xUnlock: Some(x_lock),
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

fn current_disk() -> Option<SharedDisk> {
    DISK.with(|current| current.borrow().clone())
}

/// SAFETY: `name` is null or a C string.
unsafe fn name_of<'a>(name: *const c_char) -> Option<&'a str> {
    if name.is_null() {
        return None;
    }
    // SAFETY: not null, so a C string by the caller's promise.
    unsafe { CStr::from_ptr(name) }.to_str().ok()
}

/// SAFETY: `file` is one of ours between `xOpen` and `xClose`.
unsafe fn handle<'a>(file: *mut ffi::sqlite3_file) -> &'a Handle {
    // SAFETY: `SimFile` begins with `sqlite3_file`, and its handle was set by `x_open`.
    unsafe { &*(*file.cast::<SimFile>()).handle }
}

fn code_of(result: Result<(), DiskError>) -> c_int {
    match result {
        Ok(()) => ffi::SQLITE_OK,
        Err(DiskError::Full) => ffi::SQLITE_FULL,
        Err(DiskError::Write | DiskError::Dead) => ffi::SQLITE_IOERR_WRITE,
        Err(DiskError::Sync) => ffi::SQLITE_IOERR_FSYNC,
    }
}

fn offset_of(offset: ffi::sqlite3_int64) -> usize {
    usize::try_from(offset).expect("SQLite's offsets are not negative")
}

unsafe extern "C" fn x_open(
    _vfs: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: SQLite allocated `szOsFile` bytes, and expects `pMethods` to be null where opening fails.
    unsafe { (*file).pMethods = ptr::null() };
    // SAFETY: SQLite's file names are C strings, or null for a temporary file.
    let (Some(name), Some(disk)) = (unsafe { name_of(name) }, current_disk()) else {
        return ffi::SQLITE_CANTOPEN;
    };
    let handle = {
        let mut open = disk.borrow_mut();
        Handle {
            file: open.open(name),
            incarnation: open.incarnation(),
            disk: Rc::clone(&disk),
        }
    };
    // SAFETY: as above; `out_flags` may be null.
    unsafe {
        (*file.cast::<SimFile>()).handle = Box::into_raw(Box::new(handle));
        (*file).pMethods = &raw const METHODS;
        if !out_flags.is_null() {
            *out_flags = flags;
        }
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn x_close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: made by `Box::into_raw` in `x_open`, and closed once.
    unsafe {
        let file = file.cast::<SimFile>();
        drop(Box::from_raw((*file).handle));
        (*file).handle = ptr::null_mut();
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn x_read(
    file: *mut ffi::sqlite3_file,
    into: *mut c_void,
    amount: c_int,
    offset: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: an open file of ours, and a buffer of `amount` bytes.
    let (handle, into) = unsafe {
        let amount = usize::try_from(amount).unwrap_or(0);
        (
            handle(file),
            slice::from_raw_parts_mut(into.cast::<u8>(), amount),
        )
    };
    let disk = handle.disk.borrow();
    if disk.is_dead() || disk.incarnation() != handle.incarnation {
        return ffi::SQLITE_IOERR_READ;
    }
    match disk.read(handle.file, offset_of(offset), into) == into.len() {
        true => ffi::SQLITE_OK,
        false => ffi::SQLITE_IOERR_SHORT_READ,
    }
}

unsafe extern "C" fn x_write(
    file: *mut ffi::sqlite3_file,
    from: *const c_void,
    amount: c_int,
    offset: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: an open file of ours, and `amount` bytes to read.
    let (handle, data) = unsafe {
        let amount = usize::try_from(amount).unwrap_or(0);
        (
            handle(file),
            slice::from_raw_parts(from.cast::<u8>(), amount),
        )
    };
    let mut disk = handle.disk.borrow_mut();
    code_of(disk.write(handle.incarnation, handle.file, offset_of(offset), data))
}

unsafe extern "C" fn x_truncate(file: *mut ffi::sqlite3_file, size: ffi::sqlite3_int64) -> c_int {
    // SAFETY: an open file of ours.
    let handle = unsafe { handle(file) };
    let mut disk = handle.disk.borrow_mut();
    code_of(disk.truncate(handle.incarnation, handle.file, offset_of(size)))
}

unsafe extern "C" fn x_sync(file: *mut ffi::sqlite3_file, _flags: c_int) -> c_int {
    // SAFETY: an open file of ours.
    let handle = unsafe { handle(file) };
    code_of(
        handle
            .disk
            .borrow_mut()
            .sync(handle.incarnation, handle.file),
    )
}

unsafe extern "C" fn x_file_size(
    file: *mut ffi::sqlite3_file,
    size: *mut ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: an open file of ours, and a place for the answer.
    unsafe {
        let handle = handle(file);
        *size = i64::try_from(handle.disk.borrow().size(handle.file)).unwrap_or(i64::MAX);
    }
    ffi::SQLITE_OK
}

/// One process at a time has the disk: there is nothing to lock.
unsafe extern "C" fn x_lock(_file: *mut ffi::sqlite3_file, _level: c_int) -> c_int {
    ffi::SQLITE_OK
}

unsafe extern "C" fn x_check_reserved_lock(
    _file: *mut ffi::sqlite3_file,
    out: *mut c_int,
) -> c_int {
    // SAFETY: a place for the answer.
    unsafe { *out = 0 };
    ffi::SQLITE_OK
}

unsafe extern "C" fn x_file_control(
    _file: *mut ffi::sqlite3_file,
    _op: c_int,
    _arg: *mut c_void,
) -> c_int {
    ffi::SQLITE_NOTFOUND
}

unsafe extern "C" fn x_sector_size(_file: *mut ffi::sqlite3_file) -> c_int {
    SECTOR_BYTES
}

unsafe extern "C" fn x_device_characteristics(_file: *mut ffi::sqlite3_file) -> c_int {
    0
}

unsafe extern "C" fn x_delete(
    _vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    _sync_dir: c_int,
) -> c_int {
    // SAFETY: a C string.
    if let (Some(name), Some(disk)) = (unsafe { name_of(name) }, current_disk()) {
        let mut disk = disk.borrow_mut();
        if disk.is_dead() {
            return ffi::SQLITE_IOERR_DELETE;
        }
        disk.delete(name);
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn x_access(
    _vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    _flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: a C string and a place for the answer.
    unsafe {
        let exists = match (name_of(name), current_disk()) {
            (Some(name), Some(disk)) => disk.borrow().exists(name),
            _ => false,
        };
        *out = c_int::from(exists);
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn x_full_pathname(
    _vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    out_bytes: c_int,
    out: *mut c_char,
) -> c_int {
    // SAFETY: a C string, and a buffer of `out_bytes`, into which it is copied only where it fits with its end.
    unsafe {
        let bytes = CStr::from_ptr(name).to_bytes_with_nul();
        if bytes.len() > usize::try_from(out_bytes).unwrap_or(0) {
            return ffi::SQLITE_CANTOPEN;
        }
        ptr::copy_nonoverlapping(bytes.as_ptr().cast(), out, bytes.len());
    }
    ffi::SQLITE_OK
}

/// SQLite seeds its own generator from the default VFS. It makes the salts of the log with it, on which nothing depends
/// here but which bytes they are.
unsafe extern "C" fn x_randomness(
    _vfs: *mut ffi::sqlite3_vfs,
    bytes: c_int,
    out: *mut c_char,
) -> c_int {
    // SAFETY: a buffer of so many bytes.
    unsafe { ptr::write_bytes(out, 0x5A, usize::try_from(bytes).unwrap_or(0)) };
    bytes
}

unsafe extern "C" fn x_sleep(_vfs: *mut ffi::sqlite3_vfs, microseconds: c_int) -> c_int {
    microseconds
}

unsafe extern "C" fn x_current_time(_vfs: *mut ffi::sqlite3_vfs, out: *mut f64) -> c_int {
    // SAFETY: a place for the answer.
    unsafe { *out = JULIAN_DAY };
    ffi::SQLITE_OK
}

unsafe extern "C" fn x_get_last_error(
    _vfs: *mut ffi::sqlite3_vfs,
    _bytes: c_int,
    _out: *mut c_char,
) -> c_int {
    0
}
