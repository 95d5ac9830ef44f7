//! Which writes of a log are held back, and until when.
//!
//! The format is SQLite's (<https://www.sqlite.org/fileformat2.html#walformat>): after a header of 32 bytes, frames of a
//! 24-byte header and a page. Bytes 4 to 7 of a frame's header are 0 but in the last frame of a commit.

use std::ffi::c_int;

use crate::held::{Held, OK, Sink};

const LOG_HEADER_BYTES: u64 = 32;
const FRAME_HEADER_BYTES: usize = 24;

/// When a transaction has to be in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gather {
    /// When its last frame is written: `synchronous=NORMAL`, where no flush follows.
    UntilCommit,
    /// When the log is flushed, which `synchronous=FULL` does before a commit returns.
    UntilSync,
}

/// The frame that is being written.
#[derive(Clone, Copy, Debug)]
struct Frame {
    end: u64,
    /// Its transaction ends with it.
    is_last: bool,
    /// A part of it is in the file: a flush came in its midst. Nothing follows that the rest could be held for.
    is_begun: bool,
}

/// Frames on their way to the file. They follow one another without a gap.
#[derive(Debug)]
pub(crate) struct Frames {
    gather: Gather,
    page_bytes: u64,
    held: Held,
    frame: Option<Frame>,
    /// A part of a frame is held whose rest comes after a flush, and after nothing else.
    is_split: bool,
}

impl Frames {
    pub(crate) const fn new(gather: Gather, page_bytes: u32) -> Self {
        Self {
            gather,
            page_bytes: page_bytes as u64,
            held: Held::new(),
            frame: None,
            is_split: false,
        }
    }

    /// Holds the write back where it continues a row of frames, else makes it. An error is of this write or of one that
    /// was held: SQLite fails the transaction of all of them.
    pub(crate) fn write(&mut self, offset: u64, data: &[u8], sink: Sink<'_>) -> c_int {
        let end = offset + data.len() as u64;
        let continues = self.held.ends_at(offset) && !self.is_split;
        match self.frame {
            None if continues && self.is_frame_header(offset, data) => {
                self.frame = Some(Frame {
                    end: end + self.page_bytes,
                    is_last: data[4..8] != [0; 4],
                    is_begun: false,
                });
                self.held.hold(data);
                OK
            }
            Some(frame) if continues && end <= frame.end => {
                self.held.hold(data);
                if end < frame.end {
                    self.is_split = true;
                    return OK;
                }
                self.frame = None;
                let is_committed = frame.is_last && self.gather == Gather::UntilCommit;
                match is_committed || frame.is_begun || self.held.is_full() {
                    true => self.flush(sink),
                    false => OK,
                }
            }
            _ => {
                let code = self.flush(sink);
                if code != OK {
                    return code;
                }
                self.frame = None;
                self.held.write_at_once(offset, data, sink)
            }
        }
    }

    /// Makes the writes that are held.
    pub(crate) fn flush(&mut self, sink: Sink<'_>) -> c_int {
        self.is_split = false;
        if self.held.is_empty() {
            return OK;
        }
        let code = self.held.flush(sink);
        if code != OK {
            // SQLite rolls back, and what it writes next begins somewhere before.
            self.frame = None;
        } else if let Some(frame) = &mut self.frame {
            frame.is_begun = true;
        }
        code
    }

    /// Where what is held ends; `None` where nothing is.
    pub(crate) fn held_end(&self) -> Option<u64> {
        self.held.held_end()
    }

    fn is_frame_header(&self, offset: u64, data: &[u8]) -> bool {
        let frame_bytes = FRAME_HEADER_BYTES as u64 + self.page_bytes;
        data.len() == FRAME_HEADER_BYTES
            && offset
                .checked_sub(LOG_HEADER_BYTES)
                .is_some_and(|into| into % frame_bytes == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE_BYTES: usize = 4_096;
    const IO_ERROR: c_int = 10;

    /// A file, and the lengths of the writes that made it.
    #[derive(Default)]
    struct File {
        bytes: Vec<u8>,
        writes: Vec<usize>,
        fails: bool,
    }

    impl File {
        fn write(&mut self, offset: u64, data: &[u8]) -> c_int {
            if self.fails {
                return IO_ERROR;
            }
            let offset = usize::try_from(offset).expect("a small file");
            self.bytes
                .resize(self.bytes.len().max(offset + data.len()), 0);
            self.bytes[offset..][..data.len()].copy_from_slice(data);
            self.writes.push(data.len());
            OK
        }
    }

    /// A log as SQLite writes it, and what it should be.
    struct Log {
        frames: Frames,
        file: File,
        expected: File,
    }

    impl Log {
        fn new(gather: Gather) -> Self {
            let mut log = Self {
                frames: Frames::new(gather, 4_096),
                file: File::default(),
                expected: File::default(),
            };
            log.write(0, &[7; 32]);
            log
        }

        fn write(&mut self, offset: usize, data: &[u8]) -> c_int {
            let Self { frames, file, .. } = self;
            self.expected.write(offset as u64, data);
            frames.write(offset as u64, data, &mut |at, bytes| file.write(at, bytes))
        }

        fn flush(&mut self) -> c_int {
            let Self { frames, file, .. } = self;
            frames.flush(&mut |at, bytes| file.write(at, bytes))
        }

        fn header(&mut self, number: usize, size_after: u32) -> c_int {
            let mut header = [1; FRAME_HEADER_BYTES];
            header[4..8].copy_from_slice(&size_after.to_be_bytes());
            self.write(at(number), &header)
        }

        fn page(&mut self, number: usize) -> c_int {
            let fill = u8::try_from(number).expect("a short log");
            self.write(at(number) + FRAME_HEADER_BYTES, &[fill; PAGE_BYTES])
        }

        fn is_whole(&self) -> bool {
            self.file.bytes == self.expected.bytes
        }
    }

    fn at(number: usize) -> usize {
        32 + number * (FRAME_HEADER_BYTES + PAGE_BYTES)
    }

    const FRAME: usize = FRAME_HEADER_BYTES + PAGE_BYTES;

    #[test]
    fn a_commit_is_one_write_and_is_there_when_its_last_write_returns() {
        let mut log = Log::new(Gather::UntilCommit);
        for (number, size_after) in [(0, 0), (1, 0), (2, 9)] {
            log.header(number, size_after);
            assert!(!log.is_whole());
            log.page(number);
        }
        assert_eq!(log.file.writes, [32, 3 * FRAME]);
        assert!(log.is_whole());
    }

    #[test]
    fn a_frame_that_a_flush_divides_is_in_the_file_as_far_as_it_was_written() {
        let mut log = Log::new(Gather::UntilSync);
        log.header(0, 9);
        log.page(0);
        // As SQLite pads to a sector's end.
        log.header(1, 9);
        log.write(at(1) + FRAME_HEADER_BYTES, &[4; 1_000]);
        assert!(!log.is_whole());
        log.flush();
        assert!(log.is_whole());
        let rest = PAGE_BYTES - 1_000;
        log.write(at(1) + FRAME_HEADER_BYTES + 1_000, &vec![4; rest]);
        assert!(log.is_whole());
        log.header(2, 9);
        log.page(2);
        log.flush();
        let first = FRAME + FRAME_HEADER_BYTES + 1_000;
        assert_eq!(log.file.writes, [32, first, rest, FRAME]);
        assert!(log.is_whole());
    }

    #[test]
    fn pages_of_another_size_are_never_held_beyond_their_commit() {
        let mut log = Log::new(Gather::UntilCommit);
        log.header(0, 9);
        log.write(at(0) + FRAME_HEADER_BYTES, &[1; 1_024]);
        let next = at(0) + FRAME_HEADER_BYTES + 1_024;
        log.write(next, &[1; FRAME_HEADER_BYTES]);
        log.write(next + FRAME_HEADER_BYTES, &[1; 1_024]);
        assert!(log.is_whole());
    }

    #[test]
    fn what_begins_elsewhere_is_written_at_once_after_what_is_held() {
        let mut log = Log::new(Gather::UntilCommit);
        log.header(0, 0);
        log.page(0);
        // A page that is spilled twice is overwritten, and the checksums behind it are made anew.
        log.write(at(0) + FRAME_HEADER_BYTES, &[8; PAGE_BYTES]);
        assert!(log.is_whole());
        log.header(0, 0);
        log.header(1, 9);
        assert!(log.is_whole());
    }

    #[test]
    fn a_large_transaction_is_written_in_pieces() {
        let mut log = Log::new(Gather::UntilCommit);
        for number in 0..200 {
            log.header(number, 0);
            log.page(number);
        }
        assert!(log.file.writes.len() > 2);
        log.header(200, 9);
        log.page(200);
        assert!(log.is_whole());
    }

    #[test]
    fn an_error_is_told_once_and_nothing_of_it_is_written_later() {
        let mut log = Log::new(Gather::UntilCommit);
        log.header(0, 0);
        log.page(0);
        log.file.fails = true;
        log.header(1, 9);
        assert_eq!(log.page(1), IO_ERROR);
        log.file.fails = false;
        assert_eq!(log.flush(), OK);
        assert_eq!(log.file.writes, [32]);
        for number in [0, 1] {
            log.header(number, 9);
            log.page(number);
        }
        assert!(log.is_whole());
    }
}
