//! A file that is prepared before it is known what it will hold.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{anyhow, Context};
use rustix::fs::{fallocate, FallocateFlags};
use rustix::io::Errno;
use tempfile::NamedTempFile;

use super::{cannot, directory_of, name_of, prepare, temporary, DiskError};

/// A private file under a temporary name, open and with its space reserved. What it will hold may be known at a moment at
/// which nothing may fail any more; then it takes three system calls to store it.
#[derive(Debug)]
pub struct PreparedFile {
    temporary: NamedTempFile,
    target: PathBuf,
}

impl PreparedFile {
    /// Prepares a file of at most `size_bytes` at `path`, as [`super::write_atomically`] would write it. Space is reserved
    /// where the file system can do that.
    ///
    /// # Errors
    ///
    /// Those of [`super::write_atomically`].
    pub fn new(path: &Path, size_bytes: u64) -> Result<Self, DiskError> {
        let target = prepare(path)?;
        temporary::sweep(directory_of(&target), name_of(&target));
        let temporary = temporary::beside(&target)?;
        reserve(temporary.as_file(), size_bytes).with_context(|| cannot("write", path))?;
        Ok(Self { temporary, target })
    }

    /// Returns where the file will be.
    pub fn path(&self) -> &Path {
        &self.target
    }

    /// Writes the file, and gives it its name: `write`, `fsync` and `rename`. The directory is synchronised after that.
    ///
    /// # Errors
    ///
    /// The failure of the disk; there is no file then.
    pub fn store(self, bytes: &[u8]) -> Result<(), DiskError> {
        let Self {
            mut temporary,
            target,
        } = self;
        temporary
            .write_all(bytes)
            .with_context(|| cannot("write", &target))?;
        temporary
            .as_file()
            .sync_all()
            .with_context(|| cannot("write", &target))?;
        temporary
            .persist(&target)
            .map_err(|err| err.error)
            .with_context(|| cannot("replace", &target))?;
        if let Err(err) = File::open(directory_of(&target)).and_then(|opened| opened.sync_all()) {
            log::debug!(
                "{} is written, but may not survive a power cut: {err}",
                target.display()
            );
        }
        Ok(())
    }
}

fn reserve(file: &File, size_bytes: u64) -> anyhow::Result<()> {
    match fallocate(file, FallocateFlags::KEEP_SIZE, 0, size_bytes) {
        // Not every file system can: a proof that it takes something has to do then.
        Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL | Errno::PERM) => Ok(()),
        reserved => reserved.map_err(|err| anyhow!(std::io::Error::from(err))),
    }
}
