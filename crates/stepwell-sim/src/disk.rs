//! A disk in memory. Each file has what a power loss cannot take (`durable`) and what its readers see (`volatile`);
//! between the two lie the writes that no flush has confirmed.

use std::collections::BTreeMap;

use crate::rng::Rng;

/// A power loss tears writes at these boundaries.
const SECTOR_BYTES: usize = 512;

/// Why an operation failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DiskError {
    Full,
    Write,
    Sync,
    /// The process that asks has died; nothing of what it asks is done.
    Dead,
}

/// What the next operations run into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The process dies at this write or flush, counted from 0.
    Crash(u32),
    /// This write fails.
    Write(u32),
    /// This flush fails.
    Sync(u32),
}

#[derive(Clone, Debug)]
enum Pending {
    Write { offset: usize, data: Vec<u8> },
    Truncate(usize),
}

#[derive(Clone, Debug, Default)]
struct File {
    durable: Vec<u8>,
    volatile: Vec<u8>,
    pending: Vec<Pending>,
}

/// How a power loss treats what was not flushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PowerLoss {
    Lost,
    Torn,
}

/// The files of one database.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    files: Vec<File>,
    names: BTreeMap<String, usize>,
    /// The process that may use the disk now; files opened by an earlier one are dead.
    incarnation: u64,
    dead: bool,
    /// While set, files cannot grow and nothing can be written.
    pub(crate) full: bool,
    trouble: Option<Trouble>,
    /// Whether the planned trouble has struck, or writes met a full disk, since last asked.
    hit: Option<DiskError>,
}

impl Disk {
    pub(crate) fn incarnation(&self) -> u64 {
        self.incarnation
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.dead
    }

    pub(crate) fn plan(&mut self, trouble: Option<Trouble>) {
        self.trouble = trouble;
    }

    pub(crate) fn take_hit(&mut self) -> Option<DiskError> {
        self.hit.take()
    }

    pub(crate) fn exists(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }

    /// Creating and deleting a file is durable at once, as in OPFS, where a pool of files stands ready.
    pub(crate) fn open(&mut self, name: &str) -> usize {
        if let Some(&file) = self.names.get(name) {
            return file;
        }
        self.files.push(File::default());
        self.names.insert(name.to_owned(), self.files.len() - 1);
        self.files.len() - 1
    }

    pub(crate) fn delete(&mut self, name: &str) {
        self.names.remove(name);
    }

    pub(crate) fn size(&self, file: usize) -> usize {
        self.files[file].volatile.len()
    }

    /// How many bytes were there to read.
    pub(crate) fn read(&self, file: usize, offset: usize, into: &mut [u8]) -> usize {
        let data = self.files[file].volatile.get(offset..).unwrap_or_default();
        let length = data.len().min(into.len());
        into[..length].copy_from_slice(&data[..length]);
        into[length..].fill(0);
        length
    }

    pub(crate) fn write(
        &mut self,
        by: u64,
        file: usize,
        offset: usize,
        data: &[u8],
    ) -> Result<(), DiskError> {
        let dying = self.meets(by, false)?;
        let file = &mut self.files[file];
        let write = Pending::Write {
            offset,
            data: data.to_vec(),
        };
        apply(&mut file.volatile, &write);
        file.pending.push(write);
        match dying {
            true => Err(DiskError::Dead),
            false => Ok(()),
        }
    }

    pub(crate) fn truncate(&mut self, by: u64, file: usize, size: usize) -> Result<(), DiskError> {
        let dying = self.meets(by, false)?;
        let file = &mut self.files[file];
        apply(&mut file.volatile, &Pending::Truncate(size));
        file.pending.push(Pending::Truncate(size));
        match dying {
            true => Err(DiskError::Dead),
            false => Ok(()),
        }
    }

    pub(crate) fn sync(&mut self, by: u64, file: usize) -> Result<(), DiskError> {
        if self.meets(by, true)? {
            return Err(DiskError::Dead);
        }
        let file = &mut self.files[file];
        for pending in file.pending.drain(..) {
            apply(&mut file.durable, &pending);
        }
        Ok(())
    }

    /// Runs into what is planned. `true`: the process dies with this operation, whose write may still reach the disk.
    fn meets(&mut self, by: u64, is_sync: bool) -> Result<bool, DiskError> {
        if self.dead || by != self.incarnation {
            return Err(DiskError::Dead);
        }
        if self.full && !is_sync {
            self.hit = Some(DiskError::Full);
            return Err(DiskError::Full);
        }
        let (left, error) = match &mut self.trouble {
            Some(Trouble::Crash(left)) => (left, DiskError::Dead),
            Some(Trouble::Write(left)) if !is_sync => (left, DiskError::Write),
            Some(Trouble::Sync(left)) if is_sync => (left, DiskError::Sync),
            _ => return Ok(false),
        };
        if *left > 0 {
            *left -= 1;
            return Ok(false);
        }
        self.trouble = None;
        self.hit = Some(error);
        if error == DiskError::Dead {
            self.dead = true;
            return Ok(true);
        }
        Err(error)
    }

    /// Nothing more reaches the disk from the process that has it now.
    pub(crate) fn kill(&mut self) {
        self.dead = true;
    }

    /// The process is gone; what it wrote is in the hands of the operating system, which lives.
    pub(crate) fn end_process(&mut self) {
        self.incarnation += 1;
        self.dead = false;
        self.trouble = None;
    }

    /// The machine is gone. Whether anything was lost or torn.
    pub(crate) fn lose_power(&mut self, how: PowerLoss, rng: &mut Rng) -> bool {
        self.end_process();
        let mut harmed = false;
        for file in &mut self.files {
            for pending in file.pending.drain(..) {
                harmed = true;
                if how == PowerLoss::Torn {
                    tear(&mut file.durable, &pending, rng);
                }
            }
            file.volatile.clone_from(&file.durable);
        }
        harmed
    }
}

fn apply(content: &mut Vec<u8>, pending: &Pending) {
    match pending {
        Pending::Write { offset, data } => {
            let end = offset + data.len();
            if content.len() < end {
                content.resize(end, 0);
            }
            content[*offset..end].copy_from_slice(data);
        }
        Pending::Truncate(size) => content.resize(*size, 0),
    }
}

/// Keeps all of a write, nothing of it, or some of its sectors; later writes may be kept where earlier ones are lost.
fn tear(content: &mut Vec<u8>, pending: &Pending, rng: &mut Rng) {
    match (rng.below(3), pending) {
        (0, _) => {}
        (1, _) | (_, Pending::Truncate(_)) => apply(content, pending),
        (_, Pending::Write { offset, data }) => {
            let mut at = 0;
            while at < data.len() {
                let to_boundary = SECTOR_BYTES - (offset + at) % SECTOR_BYTES;
                let end = (at + to_boundary).min(data.len());
                if rng.chance(500) {
                    let piece = Pending::Write {
                        offset: offset + at,
                        data: data[at..end].to_vec(),
                    };
                    apply(content, &piece);
                }
                at = end;
            }
        }
    }
}
