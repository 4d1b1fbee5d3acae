//! Credentials in one file that only the user can read.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::logins_file::{Location, LoginsFile};
use super::{CredentialStore, Credentials, Place, StoreChoice, StoreError, StoredId};
use crate::os::clock::Deadline;
use crate::os::files;

/// A file of credentials.
#[derive(Debug)]
pub struct FileStore {
    path: PathBuf,
    /// The user named the file.
    is_named: bool,
    lock_limit: Duration,
}

impl FileStore {
    /// Returns the store that is the file at `path`, which need not exist; `lock_limit` is the longest wait for its lock.
    pub fn new(path: impl Into<PathBuf>, lock_limit: Duration) -> Self {
        Self {
            path: path.into(),
            is_named: false,
            lock_limit,
        }
    }

    /// Returns the store that is a file which the user named: as [`FileStore::new`], but a file that holds something else
    /// is left as it is in every way, and an empty one holds no logins.
    pub fn named(path: impl Into<PathBuf>, lock_limit: Duration) -> Self {
        Self {
            is_named: true,
            ..Self::new(path, lock_limit)
        }
    }

    /// Returns the store that a choice of the user's means; `data_dir` is where the default file is.
    pub fn chosen(choice: &StoreChoice, data_dir: &Path, lock_limit: Duration) -> Self {
        match choice {
            StoreChoice::File(Some(path)) => Self::named(path, lock_limit),
            _ => Self::new(Self::default_path(data_dir), lock_limit),
        }
    }

    /// Reads the whole file; `None` if there is none.
    ///
    /// # Errors
    ///
    /// Those of [`LoginsFile::read`].
    pub(super) fn read(&self) -> Result<Option<LoginsFile>, StoreError> {
        LoginsFile::read(self.location())
    }

    fn location(&self) -> Location<'_> {
        if self.is_named {
            Location::named(&self.path)
        } else {
            Location::from(&self.path)
        }
    }

    /// Returns the default file in the data directory.
    pub fn default_path(data_dir: &Path) -> PathBuf {
        data_dir.join("credentials.json")
    }

    fn deadline(&self) -> Deadline {
        Deadline::after(self.lock_limit)
    }
}

impl CredentialStore for FileStore {
    fn get(&self, key: &StoredId) -> Result<Option<Credentials>, StoreError> {
        let found: Option<Credentials> = LoginsFile::find(self.location(), &key.store_name())?;
        found
            .map(|found| found.belonging_to(key, || self.place()))
            .transpose()
    }

    fn write(&self, credentials: &Credentials) -> Result<(), StoreError> {
        let account = credentials.key().store_name();
        LoginsFile::update(self.location(), self.deadline(), |entries| {
            entries.insert(&account, credentials)
        })
    }

    fn delete(&self, key: &StoredId) -> Result<bool, StoreError> {
        // A file that is not there needs neither a lock nor a directory.
        if self.read()?.is_none() {
            return Ok(false);
        }
        LoginsFile::update(self.location(), self.deadline(), |entries| {
            Ok(entries.remove(&key.store_name()))
        })
    }

    fn check_replaceable(&self) -> Result<(), StoreError> {
        Ok(files::check_replaceable(&self.path)?)
    }

    fn prove(&self) -> Result<(), StoreError> {
        self.check_replaceable()?;
        LoginsFile::prove(self.location(), self.deadline())
    }

    fn list(&self) -> Result<Vec<Result<Credentials, StoreError>>, StoreError> {
        Ok(self.read()?.map_or(Vec::new(), |ledger| ledger.all()))
    }

    fn place(&self) -> Place {
        Place::File(self.path.clone())
    }
}
