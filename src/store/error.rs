//! Why a login cannot be stored, found or deleted.

use std::path::PathBuf;

use super::StoredId;
use crate::failure::{About, Code, Failure, Hint};
use crate::os::files::{move_away, DiskError};
use crate::os::places;

/// What is wrong with a backend that cannot be used at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// There is no such backend here, so no login is in it.
    Absent,
    /// It is locked, or refused access.
    Locked,
    /// It did not answer in time.
    Silent,
    /// Anything else.
    Other,
}

/// Why credentials cannot be stored, found or deleted. The exit code is always 7.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file cannot be used.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// A file is not what this program wrote. It is left as it is.
    #[error("cannot read {}: {why}", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
        /// A copy of it, made so that repairing the file cannot lose anything.
        copy: Option<PathBuf>,
    },
    /// What a store holds of one login cannot be read. It is left as it is, and the other logins work.
    #[error("cannot read what {place} holds of {}: {why}", key.store_name())]
    Unreadable {
        /// The login.
        key: StoredId,
        /// What holds it.
        place: String,
        /// What is wrong.
        why: String,
    },
    /// A newer version of this program wrote the file; this one may not change it.
    #[error("cannot change {}: a newer mcp-login wrote it (format {version})", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// The version of its format.
        version: u64,
    },
    /// A backend cannot be used at all.
    #[error("{failure}")]
    Backend {
        /// What is wrong with it.
        fault: Fault,
        /// The failure as the backend describes it.
        failure: Box<dyn Failure + Send + Sync>,
    },
    /// What was read back is not what was stored.
    #[error("cannot store the login in {0}: reading it back gave something else")]
    Altered(String),
    /// There is no directory to keep anything in.
    #[error(
        "cannot find the data directory: {} is not set to an absolute path",
        places::HOME
    )]
    NoHome,
    /// The login succeeded, and no store took the credentials.
    #[error(
        "cannot store the login: it is complete, but {}",
        rescued_in_words(rescued)
    )]
    NotStored {
        /// The file that holds the credentials now.
        rescued: Option<PathBuf>,
        /// Why the store did not take them.
        source: Box<StoreError>,
    },
}

fn rescued_in_words(rescued: &Option<PathBuf>) -> String {
    match rescued {
        Some(path) => format!("only an emergency file holds it: {}", path.display()),
        None => "it is lost, as no file could be written either".to_owned(),
    }
}

impl StoreError {
    /// Tells whether there is no such backend here at all.
    pub(super) fn is_absence(&self) -> bool {
        matches!(
            self,
            Self::Backend {
                fault: Fault::Absent,
                ..
            }
        )
    }
}

impl Failure for StoreError {
    fn code(&self) -> Code {
        match self {
            Self::Disk(err) => err.code(),
            Self::Backend { failure, .. } => failure.code(),
            Self::Corrupt { .. } | Self::Unreadable { .. } => Code::StoreCorrupt,
            Self::Newer { .. } => Code::StoreNewer,
            Self::NotStored { .. } => Code::NotStored,
            Self::Altered(_) | Self::NoHome => Code::StoreUnusable,
        }
    }

    fn hint(&self, about: &About) -> Option<Hint> {
        let hint = match self {
            Self::Disk(err) => return err.hint(about),
            Self::Backend { failure, .. } => return failure.hint(about),
            Self::NoHome => "name one with --data-dir DIR; --store file:PATH needs none".to_owned(),
            Self::Corrupt { path, copy, .. } => match copy {
                None => move_away(path),
                Some(copy) => format!("{}; a copy is {}", move_away(path), copy.display()),
            },
            Self::Newer { .. } => {
                "update mcp-login, or use a file of its own with --store file:PATH".to_owned()
            }
            Self::Unreadable { key, .. } => {
                let words = key.words();
                format!("log in anew with `mcp-login --force {words}`, or remove it with `mcp-login logout {words}`")
            }
            Self::Altered(_) => "keep the login in a file with --store file".to_owned(),
            Self::NotStored {
                rescued: Some(path),
                ..
            } => {
                format!("use it from there with --store file:{}", path.display())
            }
            Self::NotStored {
                rescued: None,
                source,
            } => return source.hint(about),
        };
        Some(hint.into())
    }
}
