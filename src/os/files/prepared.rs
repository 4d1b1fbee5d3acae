//! A file that is prepared before it is known what it will hold.

use std::fs::Permissions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context;
use tempfile::NamedTempFile;

use super::{cannot, directory_of, name_of, open, prepare, temporary, DiskError};
use crate::os::signals::Deferral;
use crate::warning::warn_user;

/// A private file under a temporary name. What it will hold may be known at a moment at which nothing may fail any more;
/// then it takes three system calls to store it.
#[derive(Debug)]
pub struct PreparedFile {
    temporary: NamedTempFile,
    _deferral: Deferral,
    target: PathBuf,
    /// What the user calls it.
    path: PathBuf,
}

impl PreparedFile {
    /// Prepares a file of at most `size_bytes` at `path`, as [`super::write_atomically`] would write it. Space is reserved
    /// where the file system can do that.
    ///
    /// # Errors
    ///
    /// Those of [`super::write_atomically`].
    pub fn new(path: &Path, size_bytes: u64) -> Result<Self, DiskError> {
        let prepared = Self::open(prepare(path)?, path)?;
        let reserved = open::reserve(prepared.temporary.as_file(), size_bytes);
        reserved.with_context(|| cannot("write", path))?;
        Ok(prepared)
    }

    /// Prepares a file at `target`, whose way is safe; `path` is what the user calls it.
    pub(super) fn open(target: PathBuf, path: &Path) -> Result<Self, DiskError> {
        temporary::sweep(directory_of(&target), name_of(&target));
        let (deferral, temporary) = temporary::beside(&target)?;
        Ok(Self {
            temporary,
            _deferral: deferral,
            target,
            path: path.to_owned(),
        })
    }

    /// Returns where the file will be.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the file another mode than 0600.
    pub(super) fn set_mode(&self, mode: Permissions) -> Result<(), DiskError> {
        let set = self.temporary.as_file().set_permissions(mode);
        Ok(set.with_context(|| cannot("write", &self.path))?)
    }

    /// Writes the file, and gives it its name: `write`, `fsync` and `rename`. The directory is synchronised after that.
    ///
    /// # Errors
    ///
    /// The failure of the disk; the old file is then as it was.
    pub fn store(mut self, bytes: &[u8]) -> Result<(), DiskError> {
        let written = self
            .temporary
            .as_file_mut()
            .write_all(bytes)
            .and_then(|()| self.temporary.as_file().sync_all());
        written.with_context(|| cannot("write", &self.path))?;
        open::persist(self.temporary, &self.target)
            .with_context(|| cannot("replace", &self.path))?;
        if let Err(err) = open::sync_directory(directory_of(&self.target)) {
            warn_user!(
                FileNotSynced,
                "{} is written, but may not survive a power cut: {err}",
                self.path.display()
            );
        }
        Ok(())
    }

    /// As [`PreparedFile::store`], for what can be made again: nothing waits for the disk.
    pub(super) fn store_unsynced(mut self, bytes: &[u8]) -> Result<(), DiskError> {
        let written = self.temporary.as_file_mut().write_all(bytes);
        written.with_context(|| cannot("write", &self.path))?;
        let named = open::persist(self.temporary, &self.target);
        Ok(named.with_context(|| cannot("replace", &self.path))?)
    }
}
