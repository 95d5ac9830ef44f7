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

/// 16 fresh random bytes.
pub(crate) fn entropy() -> Entropy {
    let mut bytes = [0; 16];
    get_random_values(&mut bytes);
    Entropy(bytes)
}
