//! How inputs and outputs cross between JavaScript and the engine: as one JSON text each way, for every value that crosses
//! by itself costs more than the reading of a text.
//!
//! What is long, and bytes, would have to be escaped: they travel **beside** the text, and `{"$beside":n}` stands in
//! their place. `packages/core/src/engine-worker/crossing.ts` is the other end.

mod read;
mod write;

pub use read::read_input;
pub use write::{Beside, write_text};

/// The one field of what stands in the place of something beside the text. No user's value is mistaken for it: payloads
/// are texts here, and labels have texts as values.
const MARK: &str = "$beside";

#[cfg(test)]
mod tests;
