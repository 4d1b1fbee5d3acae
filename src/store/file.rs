//! Credentials in one file that only the user can read.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::ledger::Ledger;
use super::{CredentialStore, Credentials, Key, Place, StoreError};
use crate::clock::Deadline;

/// A file of credentials.
#[derive(Debug)]
pub struct FileStore {
    path: PathBuf,
    lock_limit: Duration,
}

impl FileStore {
    /// Returns the store that is the file at `path`, which need not exist; `lock_limit` is the longest wait for its lock.
    pub fn new(path: impl Into<PathBuf>, lock_limit: Duration) -> Self {
        Self { path: path.into(), lock_limit }
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
    fn get(&self, key: &Key) -> Result<Option<Credentials>, StoreError> {
        Ledger::find(&self.path, &key.account())
    }

    fn write(&self, credentials: &Credentials) -> Result<(), StoreError> {
        let account = credentials.key().account();
        Ledger::update(&self.path, self.deadline(), |entries| entries.insert(&account, credentials))
    }

    fn delete(&self, key: &Key) -> Result<bool, StoreError> {
        // A file that is not there needs neither a lock nor a directory.
        if Ledger::read(&self.path)?.is_none() {
            return Ok(false);
        }
        Ledger::update(&self.path, self.deadline(), |entries| Ok(entries.remove(&key.account())))
    }

    fn prove(&self) -> Result<(), StoreError> {
        Ledger::prove(&self.path, self.deadline())
    }

    fn place(&self) -> Place {
        Place::File(self.path.clone())
    }
}
