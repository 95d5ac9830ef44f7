//! One native database file for several engines.

use std::fmt;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

/// A file in a directory of its own, which goes with it.
pub(super) struct SharedFile {
    directory: PathBuf,
}

static FILES: AtomicU64 = AtomicU64::new(0);

impl SharedFile {
    pub(super) fn new() -> Self {
        loop {
            let number = FILES.fetch_add(1, Ordering::Relaxed);
            let name = format!("stepwell-sim-{}-{number}", std::process::id());
            let directory = std::env::temp_dir().join(name);
            match std::fs::create_dir(&directory) {
                Ok(()) => return Self { directory },
                // Left by a killed process that had this one's number.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => panic!("a directory for temporary files: {error}"),
            }
        }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.directory.join("stepwell.db")
    }
}

impl fmt::Debug for SharedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without its number: two courses of one seed are alike.
        f.write_str("SharedFile")
    }
}

impl Drop for SharedFile {
    fn drop(&mut self) {
        // What stays behind is in a directory for temporary files.
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}
