//! What a place that stores logins has to do. `router.rs` has the list of them.

use std::ffi::OsStr;
use std::fmt;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::router::BACKENDS;
use super::{Credentials, StoreError, StoredId};
use crate::os::clock::Deadline;
use crate::os::environment;

/// How a backend is named and made: one constant in the file of each.
pub struct BackendKind {
    /// The name, as in `--store NAME` and in the index.
    pub name: &'static str,
    /// What messages call the place of a login that is in no file.
    pub place: &'static str,
    /// What `--store NAME:ARGUMENT` names; `None` if there is no argument.
    pub argument: Option<Argument>,
    /// Makes the backend from the argument, the data directory, which is empty if there is none and none is needed, and how
    /// long the caller can wait. Nothing is read or asked yet.
    pub open: fn(Option<&OsStr>, &Path, Interaction) -> Box<dyn Backend>,
}

/// The argument of a backend.
pub struct Argument {
    /// What it is, in one word.
    pub what: &'static str,
    /// An example.
    pub example: &'static str,
    /// There is no such backend without it, so it has to be chosen by name.
    pub is_needed: bool,
    /// It is the file of the logins, so that no data directory is needed.
    pub is_file: bool,
    /// Returns it in a form that means the same in every directory.
    pub option: fn(&OsStr) -> String,
}

/// How long the program that called us can wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interaction {
    /// Three seconds and no prompt: another program waits for the answer.
    None,
    /// Nobody waits: what was begun is brought to its end.
    Detached,
    /// A person is there and may unlock a store, if there is a way to ask.
    Allowed,
}

impl Interaction {
    /// Returns the longest wait for the lock of a file.
    pub fn lock_limit(self) -> Duration {
        match self {
            Self::None | Self::Detached => Duration::from_secs(3),
            Self::Allowed => Duration::from_secs(10),
        }
    }

    /// Returns the longest wait for one answer of a store helper.
    pub fn helper_limit(self) -> Duration {
        Duration::from_secs(match self {
            Self::None => 5,
            Self::Detached => 10,
            Self::Allowed => 30,
        })
    }

    /// Tells whether a window may be opened that waits for the user.
    pub(super) fn may_prompt(self) -> bool {
        self == Self::Allowed && environment::has_display() && std::io::stderr().is_terminal()
    }
}

/// A place that stores credentials.
pub trait Backend: Send + Sync {
    /// Returns the name: that of the [`BackendKind`].
    fn name(&self) -> &'static str;

    /// Returns the credentials of a login; `None` if this backend has none.
    ///
    /// # Errors
    ///
    /// Any [`StoreError`]: what cannot be read is not absent.
    fn read(&self, id: &StoredId) -> Result<Option<Credentials>, StoreError>;

    /// Writes credentials, in place of older ones of the same login, without looking at the result.
    ///
    /// With `replaces`, they are written only if the backend still has the login in this generation: somebody else may
    /// have logged in or out meanwhile. Returns whether they were written.
    ///
    /// # Errors
    ///
    /// Any [`StoreError`]; the older credentials are then still there.
    fn write(&self, credentials: &Credentials, replaces: Option<u64>) -> Result<bool, StoreError>;

    /// Deletes a login; returns whether there was one.
    ///
    /// # Errors
    ///
    /// Any [`StoreError`]; the login is then still there.
    fn delete(&self, id: &StoredId) -> Result<bool, StoreError>;

    /// Shows by doing it that this backend can write, read and delete.
    ///
    /// # Errors
    ///
    /// What a later [`Backend::write`] would fail with.
    fn prove(&self) -> Result<(), StoreError>;

    /// As [`Backend::prove`], for a login that was just read and is about to be replaced. A backend for which this
    /// would cost more than it shows does nothing.
    ///
    /// # Errors
    ///
    /// Those of [`Backend::prove`].
    fn prove_replaceable(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Checks, without writing anything, that logins in this backend may be replaced at all.
    ///
    /// # Errors
    ///
    /// Why they may not.
    fn check_replaceable(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Tests whether what others provide behind this backend does what it has to: what was tested, up to the first failure.
    /// Empty if [`Backend::prove`] shows all that there is.
    fn conformance(&self) -> Vec<Check> {
        Vec::new()
    }

    /// Returns all logins, and in place of one that cannot be read, the reason. `None` if the backend cannot list them:
    /// the index does.
    ///
    /// # Errors
    ///
    /// Any [`StoreError`] of the backend as a whole.
    fn list(&self) -> Result<Option<Vec<Result<Credentials, StoreError>>>, StoreError> {
        Ok(None)
    }

    /// Tells whether this backend needs no index: nothing else knows of its logins.
    fn is_own_index(&self) -> bool {
        false
    }

    /// Returns where this backend stores its logins.
    fn place(&self) -> Place {
        Place {
            name: self.name().to_owned(),
            path: None,
        }
    }

    /// Tells whether its logins may be in files on this machine for a moment.
    fn may_use_files(&self) -> bool {
        self.place().path.is_some()
    }

    /// Returns how its logins are leased, if several machines share them.
    fn leases(&self) -> Option<&dyn Leases> {
        None
    }

    /// Returns the directory of the locks and journals of its logins: the same for all who can read them.
    fn lock_dir(&self) -> PathBuf;
}

/// How machines that share a backend exclude each other. A machine has the lock of the login on this machine then.
pub trait Leases: Send + Sync {
    /// Tries to lease a login as it was read.
    ///
    /// # Errors
    ///
    /// Any [`StoreError`]; whether the login is leased is not known then.
    fn try_lease(&self, login: &Credentials) -> Result<LeaseAttempt, StoreError>;

    /// Ends a lease under which nothing was spent. One that was written over has ended.
    fn release(&self, id: &StoredId);
}

/// What came of an attempt to lease a login.
#[derive(Clone, Copy, Debug)]
pub enum LeaseAttempt {
    /// No other machine spends its refresh token now.
    Taken {
        /// Nothing may be spent if that was not begun until then.
        begin_until: Deadline,
        /// Another machine was about to spend this refresh token, and was not heard of again.
        is_interrupted: bool,
    },
    /// Another machine has it.
    Held,
    /// It is not the same login any more.
    Changed,
}

/// One test of what others provide behind a backend.
pub struct Check {
    /// What has to hold.
    pub what: &'static str,
    /// Whether it holds.
    pub outcome: Result<(), StoreError>,
}

/// Where a login is stored. In JSON: `"store":NAME`, and `"path":PATH` for a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The name of the backend.
    #[serde(rename = "store")]
    pub name: String,
    /// The file, if the backend stores its logins in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => path.display().fmt(formatter),
            None => match BACKENDS.iter().find(|kind| kind.name == self.name) {
                Some(kind) => formatter.write_str(kind.place),
                None => write!(formatter, "the {}", self.name),
            },
        }
    }
}
