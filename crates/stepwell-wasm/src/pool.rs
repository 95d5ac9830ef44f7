//! The pool of OPFS file handles that SQLite's files live in: opened once, asynchronously; everything after is
//! synchronous.

use std::ffi::{CStr, c_int};
use std::sync::OnceLock;

use sqlite_wasm_vfs::sahpool::{OpfsSAHPoolCfgBuilder, OpfsSAHPoolUtil, install};
use stepwell_protocol::ErrorCode;
use stepwell_sqlite::PAGE_BYTES;
use stepwell_vfs::Gather;

use crate::failure::Failure;

/// A worker has one pool, so constants will do.
const POOL_VFS: &CStr = c"stepwell-pool";
/// What databases are opened with: the pool, with what a commit writes to the log in one write.
pub(crate) const STRICT_VFS: &CStr = c"stepwell-strict";
pub(crate) const RELAXED_VFS: &CStr = c"stepwell-relaxed";
/// The database, its WAL, and one to spare. More would cost a flush each at every open.
const CAPACITY: usize = 3;

/// The open handles of one folder.
pub(crate) struct Pool(OpfsSAHPoolUtil);

impl Pool {
    /// Opens (and makes) the folder. Fails as busy while another worker has it open.
    pub(crate) async fn open(directory: &str) -> Result<Self, Failure> {
        let pool = open_pool(directory, CAPACITY, false).await?;
        if pool.is_paused() {
            pool.resume().await?;
            // Its files may have been set aside meanwhile.
            pool.ensure_capacity(CAPACITY).await?;
        }
        Ok(Self(pool))
    }

    /// Closes the handles, so that another worker can open the folder. No connection may be open.
    pub(crate) fn close(&self) -> Result<(), Failure> {
        Ok(self.0.pause()?)
    }
}

/// With the VFSs over it.
pub(crate) async fn open_pool(
    directory: &str,
    capacity: usize,
    is_cleared: bool,
) -> Result<OpfsSAHPoolUtil, Failure> {
    let config = OpfsSAHPoolCfgBuilder::new()
        .vfs_name(&POOL_VFS.to_string_lossy())
        .directory(directory)
        .initial_capacity(capacity)
        .clear_on_init(is_cleared)
        .build();
    let pool = install::<sqlite_wasm_rs::WasmOsCallback>(&config, false).await?;
    gather_log_writes()?;
    Ok(pool)
}

/// Once a worker, however often a pool is opened.
fn gather_log_writes() -> Result<(), Failure> {
    static REGISTERED: OnceLock<Result<(), c_int>> = OnceLock::new();
    let register = || {
        let strict = (STRICT_VFS, Gather::UntilSync);
        for (name, gather) in [strict, (RELAXED_VFS, Gather::UntilCommit)] {
            stepwell_vfs::register(name, POOL_VFS, gather, PAGE_BYTES)?;
        }
        Ok(())
    };
    REGISTERED.get_or_init(register).map_err(|code| {
        let message = format!("SQLite did not take the file system of its files ({code})");
        Failure::new(ErrorCode::Internal, message)
    })
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool")
            .field("paused", &self.0.is_paused())
            .finish()
    }
}
