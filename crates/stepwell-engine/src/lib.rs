//! Stepwell's engine.
mod store;
pub use store::*;
