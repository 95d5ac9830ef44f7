//! The host's clocks and randomness: the only place where Stepwell reads them.

use stepwell_engine::Entropy;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn performance_now() -> f64;

    // Not through web-sys: its `Crypto` needs the type of the global scope, and would differ in a page.
    #[wasm_bindgen(js_namespace = crypto, js_name = getRandomValues)]
    fn get_random_values(bytes: &mut [u8]);
}

/// What the two clocks say now.
pub(crate) struct Reading {
    pub(crate) wall_ms: i64,
    pub(crate) monotonic_ms: f64,
}

impl Reading {
    pub(crate) fn take() -> Self {
        // Whole milliseconds since 1970: far below 2^53.
        #[allow(clippy::cast_possible_truncation)]
        let wall_ms = js_sys::Date::now() as i64;
        Self {
            wall_ms,
            monotonic_ms: performance_now(),
        }
    }
}

/// How many bytes are drawn at once: a call of the browser's costs as much as some steps' texts.
const DRAWN_BYTES: usize = 4096;

/// Fresh random bytes, 16 at a time. None is given out twice.
#[derive(Debug, Default)]
pub(crate) struct Randomness {
    /// Not given out yet.
    drawn: Vec<u8>,
}

impl Randomness {
    pub(crate) fn take(&mut self) -> Entropy {
        let mut entropy = Entropy([0; 16]);
        if self.drawn.is_empty() {
            self.drawn.resize(DRAWN_BYTES, 0);
            get_random_values(&mut self.drawn);
        }
        let rest = self.drawn.len() - entropy.0.len();
        entropy.0.copy_from_slice(&self.drawn[rest..]);
        self.drawn.truncate(rest);
        entropy
    }
}
