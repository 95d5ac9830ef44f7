//! Bytes on their way to a file, without a gap.

use std::ffi::c_int;

pub(crate) const OK: c_int = 0;

/// More is written in pieces.
const BYTES_MAX: usize = 256 * 1024;

/// Makes a write: its offset, its bytes; SQLite's code.
pub(crate) type Sink<'a> = &'a mut dyn FnMut(u64, &[u8]) -> c_int;

/// What is held, and where it belongs.
#[derive(Debug)]
pub(crate) struct Held {
    bytes: Vec<u8>,
    /// Where what was written last ends, held or not; `None` at first and after an error.
    end: Option<u64>,
}

impl Held {
    pub(crate) const fn new() -> Self {
        Self {
            bytes: Vec::new(),
            end: None,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.bytes.len() >= BYTES_MAX
    }

    /// Where what is held ends; `None` where nothing is.
    pub(crate) fn held_end(&self) -> Option<u64> {
        self.end.filter(|_| !self.bytes.is_empty())
    }

    /// Whether a write there continues the last one.
    pub(crate) fn ends_at(&self, offset: u64) -> bool {
        self.end == Some(offset)
    }

    /// Holds what continues the last write.
    pub(crate) fn hold(&mut self, data: &[u8]) {
        self.bytes.extend_from_slice(data);
        self.end = self.end.map(|end| end + data.len() as u64);
    }

    /// Holds what begins elsewhere. Nothing may be held.
    pub(crate) fn hold_at(&mut self, offset: u64, data: &[u8]) {
        self.end = Some(offset);
        self.hold(data);
    }

    /// Makes a write. Nothing may be held.
    pub(crate) fn write_at_once(&mut self, offset: u64, data: &[u8], sink: Sink<'_>) -> c_int {
        let code = sink(offset, data);
        self.end = (code == OK).then_some(offset + data.len() as u64);
        code
    }

    /// Makes one write of all that is held, and forgets it, whether it succeeds or not.
    pub(crate) fn flush(&mut self, sink: Sink<'_>) -> c_int {
        let Some(end) = self.held_end() else {
            return OK;
        };
        let code = sink(end - self.bytes.len() as u64, &self.bytes);
        self.bytes.clear();
        if code != OK {
            self.end = None;
        }
        code
    }
}
