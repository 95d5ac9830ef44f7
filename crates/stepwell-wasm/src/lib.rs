//! The engine's shell in the browser: opens the OPFS pool and SQLite in it. The only crate that knows `JsValue`.
//!
//! First cut: it proves the tool chain. Empty on native targets.
#![cfg(all(target_family = "wasm", target_os = "unknown"))]

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use sqlite_wasm_vfs::sahpool::{OpfsSAHPoolCfgBuilder, install};
use wasm_bindgen::prelude::*;

const VFS_NAME: &str = "stepwell-opfs";

#[wasm_bindgen(start)]
fn start() {
    console_error_panic_hook::set_once();
}

#[wasm_bindgen]
#[derive(Debug)]
pub struct StepwellEngine {
    /// Pragmas and SQL are stepwell-sqlite's; held here so that the handles stay open.
    _connection: Connection,
}

#[wasm_bindgen]
impl StepwellEngine {
    /// Opens (and creates) the database `file` in the OPFS folder `directory`.
    pub async fn open(directory: String, file: String) -> Result<StepwellEngine, JsError> {
        let config = OpfsSAHPoolCfgBuilder::new()
            .vfs_name(VFS_NAME)
            .directory(&directory)
            .initial_capacity(3)
            .build();
        install::<sqlite_wasm_rs::WasmOsCallback>(&config, true).await?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let connection = Connection::open_with_flags_and_vfs(&file, flags, VFS_NAME)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        Ok(Self {
            _connection: connection,
        })
    }

    #[wasm_bindgen(js_name = sqliteVersion)]
    pub fn sqlite_version(&self) -> String {
        rusqlite::version().to_owned()
    }
}
