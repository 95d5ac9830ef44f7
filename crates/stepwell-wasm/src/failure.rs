//! How errors cross to JavaScript: as an `ErrorInfo`, with one more field for the host's retry.

use serde::Serialize;
use sqlite_wasm_vfs::sahpool::OpfsSAHError;
use stepwell_engine::StoreError;
use stepwell_protocol::{ErrorCode, ErrorInfo};
use wasm_bindgen::JsValue;

/// Why the engine could not be opened or closed.
#[derive(Debug, Serialize)]
pub(crate) struct Failure {
    code: ErrorCode,
    message: String,
    /// Another worker still has the files open: worth another try. A terminated one's handles take up to 150 ms to come
    /// free.
    busy: bool,
}

impl Failure {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            busy: false,
        }
    }
}

impl From<Failure> for JsValue {
    fn from(failure: Failure) -> Self {
        crate::convert::to_js(&failure)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let ErrorInfo { code, message } = error.info();
        Self {
            code,
            message,
            busy: matches!(error, StoreError::Busy(_)),
        }
    }
}

impl From<OpfsSAHError> for Failure {
    fn from(error: OpfsSAHError) -> Self {
        let text = error.to_string();
        let store_error = match error {
            OpfsSAHError::InvalidHeader { .. } | OpfsSAHError::DuplicateFilename(_) => {
                StoreError::Corrupt(text)
            }
            OpfsSAHError::OutOfMemory => StoreError::NoMemory,
            _ if text.contains("NoModificationAllowedError") => StoreError::Busy(text),
            _ if text.contains("QuotaExceededError") => StoreError::Full,
            _ => StoreError::Unavailable(text),
        };
        store_error.into()
    }
}
