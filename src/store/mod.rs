//! Where logins are kept: the operating system's keyring, or a file that only the user can read.
//!
//! [`Store`] is the way in. It chooses between the two, knows from an index which login is kept where, and never gives up
//! credentials that it was handed.

pub mod cache;
mod choice;
mod credentials;
pub mod file;
mod index;
pub mod journal;
pub mod keyring;
pub mod logins_file;
mod router;
#[cfg(test)]
pub mod tests;
mod text;

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::failure::{About, Code, Failure, Hint};
use crate::os::files::{move_away, DiskError};

pub use choice::{data_dir, usual_data_dir, StoreChoice};
pub use credentials::{is_from_the_future, Credentials, GrantType, HandedOver, LoginOptions, Tag};
pub use index::IndexEntry;
pub use keyring::{Interaction, KeyringFault};
pub use router::{Saved, Store};

/// Names one login: the server and which of the user's accounts there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StoredId {
    /// The server as an account string: its URL serialised, without fragment, a lone `/` dropped; or the user's own
    /// name for a login at a provider without an MCP server.
    pub server: String,
    /// The profile, `default` unless the user named one.
    pub profile: String,
}

/// The profile of a login for which the user named none.
pub const DEFAULT_PROFILE: &str = "default";

impl StoredId {
    /// Returns the name under which a store keeps this login: `<server>`, or `<server>#<profile>`.
    pub fn store_name(&self) -> String {
        if self.profile == DEFAULT_PROFILE {
            self.server.clone()
        } else {
            format!("{}#{}", self.server, self.profile)
        }
    }

    /// Returns the login that a store keeps under this name.
    pub(crate) fn of_store_name(account: &str) -> Self {
        // A server's name has no `#`, for its URL is kept without its fragment.
        let (server, profile) = account
            .rsplit_once('#')
            .unwrap_or((account, DEFAULT_PROFILE));
        Self {
            server: server.to_owned(),
            profile: profile.to_owned(),
        }
    }

    /// Returns the words of a command line that name this login.
    fn words(&self) -> String {
        let server = quoted(&self.server);
        if self.profile == DEFAULT_PROFILE {
            server
        } else {
            format!("--profile {} {server}", quoted(&self.profile))
        }
    }
}

/// Returns a word as a shell reads it back.
fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@%+=,".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// A place that keeps credentials.
pub trait CredentialStore: Send + Sync {
    /// Returns the credentials of a login; `None` if this store has none.
    ///
    /// # Errors
    ///
    /// Any [`StoreError`]: what cannot be read is never taken for absent.
    fn get(&self, key: &StoredId) -> Result<Option<Credentials>, StoreError>;

    /// Writes credentials, in place of older ones of the same login, without looking at the result.
    ///
    /// # Errors
    ///
    /// Any [`StoreError`]; the older ones are then still there.
    fn write(&self, credentials: &Credentials) -> Result<(), StoreError>;

    /// Forgets a login; tells whether there was one.
    ///
    /// # Errors
    ///
    /// Any [`StoreError`]; the login is then still there.
    fn delete(&self, key: &StoredId) -> Result<bool, StoreError>;

    /// Checks, without writing anything, that what stands in this store may be replaced at all.
    ///
    /// # Errors
    ///
    /// Why it may not.
    fn check_replaceable(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Shows by doing it that this store can write, read and delete.
    ///
    /// # Errors
    ///
    /// What a later [`CredentialStore::put`] would fail with.
    fn prove(&self) -> Result<(), StoreError>;

    /// Returns all logins, and in place of one that cannot be read, why it cannot. The keyring lists none: the index does.
    ///
    /// # Errors
    ///
    /// Any [`StoreError`] of the store as a whole.
    fn list(&self) -> Result<Vec<Result<Credentials, StoreError>>, StoreError> {
        Ok(Vec::new())
    }

    /// Returns where this store keeps its credentials.
    fn place(&self) -> Place;

    /// Stores credentials and reads them back: some keyrings cut off what is too long, and say nothing.
    ///
    /// # Errors
    ///
    /// Any [`StoreError`]; [`StoreError::Altered`] if something else came back.
    fn put(&self, credentials: &Credentials) -> Result<(), StoreError> {
        self.write(credentials)?;
        match self.get(&credentials.key())? {
            Some(found) if found == *credentials || found.generation > credentials.generation => {
                Ok(())
            }
            _ => Err(StoreError::Altered(self.place())),
        }
    }
}

/// Where a login is kept. In JSON: `"store":"keyring"`, or `"store":"file","path":PATH`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "store", content = "path", rename_all = "lowercase")]
pub enum Place {
    /// The operating system's keyring.
    Keyring,
    /// This file.
    File(PathBuf),
}

impl Place {
    /// Returns `keyring` or `file`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Keyring => "keyring",
            Self::File(_) => "file",
        }
    }

    /// Returns the file's path; `None` for the keyring.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Keyring => None,
            Self::File(path) => Some(path),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keyring => formatter.write_str("the keyring"),
            Self::File(path) => path.display().fmt(formatter),
        }
    }
}

/// Why credentials cannot be kept, found or forgotten. The exit code is always 7.
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
        /// The store.
        place: Place,
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
    /// The keyring cannot be used.
    #[error(transparent)]
    Keyring(#[from] KeyringFault),
    /// What was read back is not what was stored.
    #[error("cannot store the login in {0}: reading it back gave something else")]
    Altered(Place),
    /// There is no directory to keep anything in.
    #[error("cannot find the data directory: HOME is not set to an absolute path")]
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

impl Failure for StoreError {
    fn code(&self) -> Code {
        match self {
            Self::Disk(err) => err.code(),
            Self::Keyring(fault) => fault.code(),
            Self::Corrupt { .. } | Self::Unreadable { .. } => Code::StoreCorrupt,
            Self::Newer { .. } => Code::StoreNewer,
            Self::NotStored { .. } => Code::NotStored,
            Self::Altered(_) | Self::NoHome => Code::StoreUnusable,
        }
    }

    fn hint(&self, about: &About) -> Option<Hint> {
        let hint = match self {
            Self::Disk(err) => return err.hint(about),
            Self::Keyring(fault) => return fault.hint(about),
            Self::NoHome => {
                "keep the login elsewhere with --data-dir DIR or --store file:PATH".to_owned()
            }
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
