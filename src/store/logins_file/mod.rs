//! The file format of credentials and index: one JSON object, one login a line.
//!
//! ```text
//! {"version":1,"logins":{
//! "https://mcp.example/mcp": {"server":"https://mcp.example/mcp",…},
//! "https://mcp.example/mcp#work": {"server":"https://mcp.example/mcp",…}
//! }}
//! ```
//! What this version does not know, other logins and other members, survives every change as it is. A file that cannot be
//! read is never taken for an empty one, and never written over.

mod logins;
#[cfg(test)]
mod tests;

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::StoreError;
use crate::digest;
use crate::os::clock::Deadline;
use crate::os::files::{self, LockFile};
use crate::os::signals;

pub use logins::Logins;

/// The largest file that is read, in bytes; thousands of logins take a tenth of it.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// A file of logins: where it is, and how it is used.
#[derive(Clone, Debug)]
pub struct LoginsFile {
    path: PathBuf,
    /// The user named the file. It may be anything, so it is not changed in any way before it has proved to hold logins.
    pub is_named: bool,
    /// How long its lock is waited for.
    lock_limit: Duration,
}

impl LoginsFile {
    /// Returns the file at `path`, which need not exist.
    pub fn new(path: impl Into<PathBuf>, lock_limit: Duration) -> Self {
        Self {
            path: path.into(),
            is_named: false,
            lock_limit,
        }
    }

    /// Returns a file that the user named: a file that holds something else is left as it is in every way, and an empty
    /// one holds no logins.
    pub fn named(path: impl Into<PathBuf>, lock_limit: Duration) -> Self {
        Self {
            is_named: true,
            ..Self::new(path, lock_limit)
        }
    }

    /// Returns where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Tells whether there is a file.
    ///
    /// # Errors
    ///
    /// [`StoreError::Corrupt`] if the file does not hold logins, and then a copy of it is made, unless the user named the
    /// file; [`StoreError::Disk`].
    pub fn exists(&self) -> Result<bool, StoreError> {
        Ok(self.read(|_| ())?.is_some())
    }

    /// Reads one login; `None` if the file has none of this name.
    ///
    /// # Errors
    ///
    /// Those of [`LoginsFile::exists`] and [`Logins::get`].
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, StoreError> {
        Ok(self.read(|logins| logins.get(name))?.transpose()?.flatten())
    }

    /// Reads all logins; in place of one that cannot be read, the reason.
    ///
    /// # Errors
    ///
    /// Those of [`LoginsFile::exists`].
    pub fn all<T: DeserializeOwned>(&self) -> Result<Vec<Result<T, StoreError>>, StoreError> {
        Ok(self.read(|logins| logins.all())?.unwrap_or_default())
    }

    /// Reads the file, and returns what `with` makes of the logins; `None` if there is no file.
    fn read<T>(&self, with: impl FnOnce(&Logins<'_>) -> T) -> Result<Option<T>, StoreError> {
        let Some(bytes) = self.read_bytes()? else {
            return Ok(None);
        };
        let logins = self.parse(&bytes)?;
        if self.is_named {
            // Only now it is known to be ours: the permissions of others are removed.
            files::open_private(&self.path)?;
        }
        Ok(Some(with(&logins)))
    }

    /// Changes the file: takes its lock, reads it again, lets `change` work on the logins, and replaces it in one step. The
    /// new text is parsed and compared before it takes the place of the old one.
    ///
    /// # Errors
    ///
    /// Those of [`LoginsFile::exists`] and of `change`; [`StoreError::Newer`] if a newer version wrote the file;
    /// [`StoreError::Disk`] if the lock is not free in time; [`StoreError::Altered`] if the new text does not
    /// read as what was to be written. The file is then as it was.
    pub fn update<T>(
        &self,
        change: impl FnOnce(&mut Logins<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let _lock = self.lock()?;
        let before = self.read_bytes()?;
        let mut logins = match &before {
            Some(bytes) => self.parse(bytes)?,
            None => Logins::new(&self.path),
        };
        logins.check_version()?;
        logins.put_on_one_line();
        let outcome = change(&mut logins)?;
        let after = logins.checked_text()?;
        let is_changed = match &before {
            Some(before) => before.as_slice() != after.as_bytes(),
            None => !logins.is_empty(),
        };
        if is_changed {
            files::write_atomically(&self.path, after.as_bytes())?;
        }
        Ok(outcome)
    }

    /// Removes a login; returns whether there was one. A file that is not there needs neither a lock nor a directory.
    ///
    /// # Errors
    ///
    /// Those of [`LoginsFile::update`].
    pub fn remove(&self, name: &str) -> Result<bool, StoreError> {
        Ok(self.exists()? && self.update(|logins| Ok(logins.remove(name)))?)
    }

    /// Shows that [`LoginsFile::update`] would work.
    ///
    /// # Errors
    ///
    /// Those of [`LoginsFile::update`].
    pub fn prove(&self) -> Result<(), StoreError> {
        let _lock = self.lock()?;
        self.read(|logins| logins.check_version())?.transpose()?;
        Ok(files::prove_writable(&self.path)?)
    }

    /// Takes the lock of the file. It lies beside the file itself, so that all paths to the file share it; but beside
    /// something that is no file of ours, such as a device that a link leads to, nothing is made.
    fn lock(&self) -> Result<LockFile, StoreError> {
        if self.is_named {
            self.exists()?;
        }
        files::open_private(&self.path)?;
        let mut lock = files::real_path(&self.path)?.into_os_string();
        lock.push(".lock");
        let deadline = Deadline::after(self.lock_limit);
        Ok(LockFile::acquire(Path::new(&lock), deadline)?)
    }

    fn read_bytes(&self) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        Ok(if self.is_named {
            files::read_untouched(&self.path, MAX_BYTES)?
        } else {
            files::read_private(&self.path, MAX_BYTES)?
        })
    }

    fn parse<'a>(&self, bytes: &'a [u8]) -> Result<Logins<'a>, StoreError> {
        if bytes.is_empty() && self.is_named {
            return Ok(Logins::new(&self.path));
        }
        Logins::parse(&self.path, bytes).map_err(|err| match err {
            StoreError::Corrupt { path, why, .. } => StoreError::Corrupt {
                path,
                why,
                copy: self.keep_copy(),
            },
            other => other,
        })
    }

    /// Copies a broken file, unless it is one of the user's own.
    fn keep_copy(&self) -> Option<PathBuf> {
        if self.is_named {
            return None;
        }
        keep_copy(&self.path)
            .inspect_err(|err| log::debug!("cannot copy {}: {err:#}", self.path.display()))
            .ok()
    }
}

/// Copies a broken file once to `<name>.corrupt-<hash of what it holds>`, and returns the copy.
fn keep_copy(path: &Path) -> anyhow::Result<PathBuf> {
    let path = files::real_path(path)?;
    let bytes = files::read_private(&path, MAX_BYTES)?.unwrap_or_default();
    let hash = digest::hex(&digest::sha256(&*bytes), 8);
    let mut copy = path.clone().into_os_string();
    copy.push(format!(".corrupt-{hash}"));
    let copy = PathBuf::from(copy);
    // A copy appears whole: others that find the same damage at the same time may use it at once.
    let _deferral = signals::defer();
    let mut temporary = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new("/")))?;
    temporary.write_all(&bytes)?;
    match temporary.persist_noclobber(&copy) {
        Err(failed) if failed.error.kind() != ErrorKind::AlreadyExists => Err(failed.error.into()),
        _ => Ok(copy),
    }
}
