//! The pool of OPFS file handles that SQLite's files live in: opened once, asynchronously; everything after is
//! synchronous.

use sqlite_wasm_vfs::sahpool::{OpfsSAHPoolCfgBuilder, OpfsSAHPoolUtil, install};

use crate::failure::Failure;

/// A worker has one pool, so a constant will do.
pub(crate) const VFS_NAME: &str = "stepwell-opfs";
/// The database, its WAL, and one to spare. More would cost a flush each at every open.
const CAPACITY: usize = 3;

/// The open handles of one folder.
pub(crate) struct Pool(OpfsSAHPoolUtil);

impl Pool {
    /// Opens (and makes) the folder. Fails as busy while another worker has it open.
    pub(crate) async fn open(directory: &str) -> Result<Self, Failure> {
        let config = OpfsSAHPoolCfgBuilder::new()
            .vfs_name(VFS_NAME)
            .directory(directory)
            .initial_capacity(CAPACITY)
            .build();
        let pool = install::<sqlite_wasm_rs::WasmOsCallback>(&config, false).await?;
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

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool")
            .field("paused", &self.0.is_paused())
            .finish()
    }
}
