//! The engine's shell in the browser: opens the OPFS pool and SQLite in it, reads the clocks, sets the timer, and converts
//! what crosses. The only crate that knows `JsValue`. It decides nothing.
//!
//! Empty on native targets.
#![cfg(all(target_family = "wasm", target_os = "unknown"))]

#[cfg(feature = "conformance")]
mod conformance;
mod convert;
mod engine;
mod failure;
mod pool;
mod sources;
mod storage;

#[cfg(feature = "conformance")]
pub use conformance::StepwellConformance;
pub use engine::{StepwellEngine, salvage_database};

use wasm_bindgen::prelude::*;

/// A panic is told with its message and place before the instance is lost.
#[wasm_bindgen(start)]
fn start() {
    console_error_panic_hook::set_once();
}
