//! What crosses to and from JavaScript: inputs and outputs as texts, everything else value by value. Users' values are
//! text inside them and stay text.

use js_sys::{Array, Uint8Array};
use serde::Serialize;
use serde::de::DeserializeOwned;
use stepwell_protocol::{Beside, Input, Output, Payload, read_input, write_text};
use wasm_bindgen::prelude::*;

/// A value for JavaScript: plain objects, numbers, `undefined` for `None`.
pub(crate) fn to_js<T: Serialize + ?Sized>(value: &T) -> JsValue {
    let serializer = serde_wasm_bindgen::Serializer::new().serialize_maps_as_objects(true);
    value
        .serialize(&serializer)
        .expect("a protocol type has only strings, and numbers below 2^53")
}

/// A value from JavaScript.
pub(crate) fn from_js<T: DeserializeOwned>(value: JsValue) -> Result<T, serde_wasm_bindgen::Error> {
    serde_wasm_bindgen::from_value(value)
}

/// The inputs of a batch, of one line each. What travelled beside the text is taken out of `beside`.
///
/// The host has checked the shape. What cannot be read even so is left out and reported: a message of a peer that breaks
/// the protocol must not bring down the work of the others.
pub(crate) fn read_inputs(lines: &str, beside: &Array) -> Vec<Input> {
    let has_beside = beside.length() > 0;
    let find = |place| payload_from_js(&beside.get(place));
    let find: Option<&dyn Fn(u32) -> Option<Payload>> = if has_beside { Some(&find) } else { None };
    let mut inputs = Vec::new();
    for line in lines.lines() {
        match read_input(line, find) {
            Ok(input) => inputs.push(input),
            Err(error) => report(&format!(
                "Stepwell ignored a message it cannot read: {error}"
            )),
        }
    }
    if has_beside {
        beside.set_length(0);
    }
    inputs
}

/// The output's text. What travels beside it is put into `beside`, which is empty.
pub(crate) fn write_output(output: &Output, beside: &Array) -> String {
    write_text(output, &mut |what| {
        beside.push(&match what {
            Beside::Text(text) => JsValue::from_str(text),
            Beside::Bytes(bytes) => Uint8Array::from(bytes).into(),
        });
    })
}

fn payload_from_js(value: &JsValue) -> Option<Payload> {
    match value.as_string() {
        Some(text) => Some(Payload::Text(text)),
        None => value
            .dyn_ref::<Uint8Array>()
            .map(|bytes| Payload::Bytes(bytes.to_vec())),
    }
}

#[wasm_bindgen]
extern "C" {
    /// For what nobody waits for.
    #[wasm_bindgen(js_namespace = console, js_name = error)]
    pub(crate) fn report(message: &str);
}
