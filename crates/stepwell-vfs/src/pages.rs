//! Writes to the database itself: a checkpoint's, which come in the order of their pages and end with a flush.

use std::ffi::c_int;

use crate::held::{Held, OK, Sink};

/// Neighbouring pages on their way to the file.
#[derive(Debug)]
pub(crate) struct Pages(Held);

impl Pages {
    pub(crate) const fn new() -> Self {
        Self(Held::new())
    }

    /// Holds the write back. An error is of one that was held.
    pub(crate) fn write(&mut self, offset: u64, data: &[u8], sink: Sink<'_>) -> c_int {
        if !self.0.is_empty() && self.0.ends_at(offset) && !self.0.is_full() {
            self.0.hold(data);
            return OK;
        }
        let code = self.0.flush(sink);
        if code == OK {
            self.0.hold_at(offset, data);
        }
        code
    }

    /// Where what is held ends; `None` where nothing is.
    pub(crate) fn held_end(&self) -> Option<u64> {
        self.0.held_end()
    }

    /// Makes the writes that are held.
    pub(crate) fn flush(&mut self, sink: Sink<'_>) -> c_int {
        self.0.flush(sink)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: [u8; 4_096] = [3; 4_096];

    #[test]
    fn neighbours_are_one_write_and_all_is_written_by_the_flush() {
        let mut writes = Vec::new();
        let mut sink = |offset: u64, data: &[u8]| {
            writes.push((offset / 4_096, data.len() / 4_096));
            OK
        };
        let mut pages = Pages::new();
        for number in [0, 1, 2, 7, 8, 4, 4] {
            assert_eq!(pages.write(number * 4_096, &PAGE, &mut sink), OK);
        }
        assert_eq!(pages.flush(&mut sink), OK);
        assert_eq!(pages.flush(&mut sink), OK);
        assert_eq!(writes, [(0, 3), (7, 2), (4, 1), (4, 1)]);
    }

    #[test]
    fn an_error_is_told_and_what_it_was_of_is_not_written_later() {
        const FULL: c_int = 13;
        let mut pages = Pages::new();
        assert_eq!(pages.write(0, &PAGE, &mut |_, _| FULL), OK);
        assert_eq!(pages.write(8_192, &PAGE, &mut |_, _| FULL), FULL);
        assert_eq!(pages.flush(&mut |_, _| FULL), OK);
    }
}
