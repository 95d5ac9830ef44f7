//! Stepwell's [`Store`](stepwell_engine::Store) on SQLite: the same SQL natively (bundled) and in WebAssembly.
//!
//! **Owns** every SQL statement (`sql/`), the schema and its migrations, the pragmas. **Must not** decide anything
//! about runs, read a clock (times come with the calls) or parse a user's payload.

mod children;
mod deletion;
mod error;
mod held;
mod leases;
mod migrations;
mod open;
mod pages;
mod rows;
mod runs;
mod salvage;
mod signals;
mod sql;
mod steps;
mod store;
mod suspension;
mod transfer;
mod upkeep;
mod waits;
mod writes;

#[cfg(test)]
mod tests;

pub use migrations::SCHEMA_VERSION;
pub use open::{Durability, Medium, OpenOptions, PAGE_BYTES};
pub use salvage::salvage;
pub use store::SqliteStore;
pub use transfer::BlobFile;
