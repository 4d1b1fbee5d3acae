//! Where logins are stored: in one of several backends, such as the operating system's keyring, a file, or a
//! program of the user's choice.
//!
//! [`Store`] is the way in. It chooses between the [`backend::Backend`]s, knows from an index which login is stored where,
//! and never gives up credentials that it was handed.

pub mod backend;
pub mod cache;
mod choice;
mod credentials;
mod error;
mod exec;
pub mod file;
mod index;
pub mod keyring;
mod listing;
pub mod logins_file;
mod router;
mod save;
#[cfg(test)]
pub mod tests;
pub mod text;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use url::Url;

use crate::oauth::text::quoted;

pub use backend::{Backend, Check, Interaction, LeaseAttempt, Leases, Place};
pub use choice::{data_dir, usual_data_dir, StoreChoice};
pub use credentials::{is_from_the_future, Credentials, GrantType, HandedOver, LoginOptions, Tag};
pub use error::{Fault, StoreError};
pub use index::IndexEntry;
pub use router::{Store, Stored};
pub use save::Saved;

/// Names one login: the server and which of the user's accounts there.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StoredId {
    /// The server: its URL serialised, without fragment, a lone `/` dropped; or the user's own
    /// name for a login at a provider without an MCP server.
    pub server: String,
    /// The profile, `default` unless the user named one.
    pub profile: String,
}

/// Returns the name of a server in the store: its URL, without the slash after a bare host.
pub fn server_name(url: &Url) -> &str {
    match url.path() {
        "/" if url.query().is_none() => url.as_str().trim_end_matches('/'),
        _ => url.as_str(),
    }
}

/// The profile of a login for which the user named none.
pub const DEFAULT_PROFILE: &str = "default";

impl StoredId {
    /// Returns the name of the login to this server with this profile.
    pub fn new(server: impl Into<String>, profile: impl Into<String>) -> Self {
        Self {
            server: server.into(),
            profile: profile.into(),
        }
    }

    /// Tells whether this is a login to the server at a URL.
    pub fn is_for(&self, url: &str) -> bool {
        Url::parse(url).is_ok_and(|url| server_name(&url) == self.server)
    }

    /// Returns the name under which a store keeps this login: `<server>`, or `<server>#<profile>`.
    pub fn store_name(&self) -> String {
        if self.profile == DEFAULT_PROFILE {
            self.server.clone()
        } else {
            format!("{}#{}", self.server, self.profile)
        }
    }

    /// Returns the login that a store keeps under this name.
    pub(crate) fn of_store_name(name: &str) -> Self {
        // A server's name has no `#`, for its URL is stored without its fragment.
        let (server, profile) = name.rsplit_once('#').unwrap_or((name, DEFAULT_PROFILE));
        Self::new(server, profile)
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

/// Returns the directory of locks and journals in a data directory.
fn lock_dir_in(data_dir: &Path) -> PathBuf {
    data_dir.join("refresh")
}
