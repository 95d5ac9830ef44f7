//! A SQLite VFS over another one: what a commit writes to the log reaches the file in one write, and so do the pages
//! that lie beside each other when a checkpoint copies them into the database.
//!
//! SQLite writes each frame of a WAL as 24 bytes and a page, so that a step's commit is six to eight writes. Each write
//! through a `FileSystemSyncAccessHandle` has Chromium send its browser process a message, so that it costs 20 µs and
//! more, whatever its length. Here the frames of a transaction are gathered, and written when the last one has come.
//!
//! **Owns** when writes reach the file below. **Must not** let SQLite believe that something is in the file that is
//! not: a flush, a read and a truncation each come after all that was gathered, and where a commit is no flush, so does the
//! return of its last write.

mod frames;
mod held;
mod pages;
mod shim;

pub use frames::Gather;
pub use shim::register;
