//! Credentials in one file that only the user can read.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::backend::{Argument, Backend, BackendKind, Place};
use super::logins_file::LoginsFile;
use super::{lock_dir_in, Credentials, StoreChoice, StoreError, StoredId};
use crate::os::files;

/// The name of this backend.
const NAME: &str = "file";

/// The backend: the default file, or one that the user names.
pub const KIND: BackendKind = BackendKind {
    name: NAME,
    place: "the file",
    argument: Some(Argument {
        what: "PATH",
        example: "/run/user/1000/login.json",
        is_needed: false,
        is_file: true,
        option: |path| {
            let path = std::path::absolute(path).unwrap_or_else(|_| path.into());
            path.display().to_string()
        },
    }),
    open: |argument, data_dir, interaction| {
        let lock_limit = interaction.lock_limit();
        Box::new(FileBackend(match argument {
            // A file of the user's own may hold anything: it is not changed before it has proved to hold logins.
            Some(path) => LoginsFile::named(path, lock_limit),
            None => LoginsFile::new(data_dir.join("credentials.json"), lock_limit),
        }))
    },
};

/// A file of credentials.
#[derive(Debug)]
pub struct FileBackend(LoginsFile);

impl FileBackend {
    /// Returns the backend that is the file at `path`, which need not exist; `lock_limit` is the longest wait for its lock.
    pub fn new(path: impl Into<PathBuf>, lock_limit: Duration) -> Self {
        Self(LoginsFile::new(path, lock_limit))
    }

    /// Returns the choice of the file at this path.
    pub fn choice(path: &Path) -> StoreChoice {
        StoreChoice::only(NAME, Some(path.into()))
    }
}

impl Backend for FileBackend {
    fn name(&self) -> &'static str {
        NAME
    }

    fn read(&self, id: &StoredId) -> Result<Option<Credentials>, StoreError> {
        let found: Option<Credentials> = self.0.get(&id.store_name())?;
        found
            .map(|found| found.belonging_to(id, || self.place()))
            .transpose()
    }

    fn write(&self, credentials: &Credentials, replaces: Option<u64>) -> Result<bool, StoreError> {
        let name = credentials.key().store_name();
        self.0.update(|logins| {
            if let Some(replaces) = replaces {
                let is_changed = match logins.get::<Credentials>(&name) {
                    Ok(found) => found.is_none_or(|found| found.generation != replaces),
                    Err(_) => false,
                };
                if is_changed {
                    return Ok(false);
                }
            }
            logins.insert(&name, credentials)?;
            Ok(true)
        })
    }

    fn delete(&self, id: &StoredId) -> Result<bool, StoreError> {
        self.0.remove(&id.store_name())
    }

    fn prove(&self) -> Result<(), StoreError> {
        self.check_replaceable()?;
        self.0.prove()
    }

    fn prove_replaceable(&self) -> Result<(), StoreError> {
        self.prove()
    }

    fn check_replaceable(&self) -> Result<(), StoreError> {
        Ok(files::check_replaceable(self.0.path())?)
    }

    fn list(&self) -> Result<Option<Vec<Result<Credentials, StoreError>>>, StoreError> {
        self.0.all().map(Some)
    }

    fn is_own_index(&self) -> bool {
        self.0.is_named
    }

    fn place(&self) -> Place {
        Place {
            name: NAME.to_owned(),
            path: Some(self.0.path().to_owned()),
        }
    }

    /// Beside a file that the user named, so that all who use it share the directory; else in the data directory.
    fn lock_dir(&self) -> PathBuf {
        let path = self.0.path();
        if !self.0.is_named {
            return lock_dir_in(path.parent().unwrap_or(path));
        }
        let mut directory = files::real_path(path)
            .unwrap_or_else(|_| path.to_owned())
            .into_os_string();
        directory.push(".refresh");
        directory.into()
    }
}
