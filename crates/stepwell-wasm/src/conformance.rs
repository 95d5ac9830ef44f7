//! The suite of the Store port, and that of the engine on it, for tests in a browser: one exported class that runs a
//! scenario by its name.
//!
//! Each opening of a scenario gets a database of its own, in memory or in one OPFS pool.

use rusqlite::{Connection, OpenFlags};
use sqlite_wasm_rs::vfs::VfsFilesManager as _;
use sqlite_wasm_vfs::sahpool::OpfsSAHPoolUtil;
use stepwell_engine::conformance::durable::durable_scenarios;
use stepwell_engine::conformance::{Open, scenarios};
use stepwell_engine::{Ownership, Store};
use stepwell_sqlite::{Durability, Medium, OpenOptions, SqliteStore};
use wasm_bindgen::prelude::*;

use crate::failure::Failure;
use crate::pool::{STRICT_VFS, open_pool};

/// Two files an opening, and more openings than any scenario makes.
const CAPACITY: usize = 16;

/// Runs scenarios on empty stores. A scenario that fails panics: the instance is lost then, and the worker with it.
#[wasm_bindgen]
pub struct StepwellConformance {
    /// `None`: the stores are in memory.
    pool: Option<OpfsSAHPoolUtil>,
}

#[wasm_bindgen]
impl StepwellConformance {
    /// Runs on a pool in this folder of OPFS, whatever was in it; in memory where there is no folder.
    pub async fn open(directory: Option<String>) -> Result<StepwellConformance, JsValue> {
        let Some(directory) = directory else {
            return Ok(Self { pool: None });
        };
        let pool = open_pool(&directory, CAPACITY, true).await?;
        Ok(Self { pool: Some(pool) })
    }

    /// The names of all scenarios that apply.
    pub fn names() -> Vec<String> {
        applicable().map(|(name, _)| name).collect()
    }

    /// Runs one scenario, and returns how many stores it opened. Synchronous, so that a panic is thrown here.
    pub fn run(&self, name: &str) -> Result<u32, JsValue> {
        let (_, scenario) = applicable()
            .find(|(known, _)| known == name)
            .unwrap_or_else(|| panic!("there is no scenario {name}"));
        let mut opened = 0;
        scenario(&mut || {
            opened += 1;
            let store = self.open_store(opened);
            assert_eq!(
                store.ownership(),
                Ownership::Exclusive,
                "scenarios are chosen by it"
            );
            Box::new(store)
        });
        if let Some(pool) = &self.pool {
            pool.clear().map_err(Failure::from)?;
        }
        Ok(opened)
    }
}

impl StepwellConformance {
    fn open_store(&self, number: u32) -> SqliteStore {
        if self.pool.is_none() {
            return SqliteStore::open_in_memory(Durability::Strict).expect("memory opens");
        }
        // As `storage::open`, which knows one file only.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let file = format!("{number}.sqlite3");
        let connection = Connection::open_with_flags_and_vfs(file, flags, STRICT_VFS);
        let options = OpenOptions {
            ownership: Ownership::Exclusive,
            durability: Durability::Strict,
            medium: Medium::Opfs,
        };
        SqliteStore::open(connection.expect("the file opens"), options).expect("the database opens")
    }
}

impl std::fmt::Debug for StepwellConformance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StepwellConformance")
            .field("is_in_memory", &self.pool.is_none())
            .finish()
    }
}

/// What runs a scenario.
type Run = fn(Open<'_>);

/// The scenarios of the Store port that apply to what is opened here, then those of the engine, as `engine/NAME`.
fn applicable() -> impl Iterator<Item = (String, Run)> {
    let of_store = scenarios()
        .into_iter()
        .filter(|scenario| scenario.applies_to(Ownership::Exclusive))
        .map(|scenario| (scenario.name.to_owned(), scenario.run));
    let of_engine = durable_scenarios()
        .into_iter()
        .map(|scenario| (format!("engine/{}", scenario.name), scenario.run));
    of_store.chain(of_engine)
}
