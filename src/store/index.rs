//! Which logins there are and where each is stored: a file without secrets beside the credentials file.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::logins_file::LoginsFile;
use super::{Credentials, GrantType, HandedOver, Place, StoreError, StoredId, Tag};
use crate::os::clock::Time;
use crate::warning::warn_user;

/// What is known of a login without opening the store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexEntry {
    /// The server, as in [`StoredId::server`].
    pub server: String,
    /// The profile, as in [`StoredId::profile`].
    pub profile: String,
    /// The issuer of the authorization server.
    pub issuer: String,
    /// The client identifier.
    pub client_id: String,
    /// The scopes that were granted.
    pub scopes: Vec<String>,
    /// The user's account at the server, as far as the server told it.
    #[serde(default)]
    pub account: Option<String>,
    /// How the login was granted.
    #[serde(default)]
    pub grant: Tag<GrantType>,
    /// When the access token was obtained; unknown for what an older version wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub obtained_at: Option<Time>,
    /// When the access token expires, if the server said so.
    pub expires_at: Option<Time>,
    /// Tells whether there is a refresh token.
    pub refreshable: bool,
    /// The server has refused the refresh token: only a new login helps.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub needs_login: bool,
    /// Another program has this login now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handed_over: Option<HandedOver>,
    /// Where the credentials are stored.
    #[serde(flatten)]
    pub place: Place,
    /// The generation of the credentials stored there.
    pub generation: u64,
}

impl IndexEntry {
    /// Describes credentials that are stored in `place`.
    pub fn of(credentials: &Credentials, place: Place) -> Self {
        Self {
            server: credentials.server.clone(),
            profile: credentials.profile.clone(),
            issuer: credentials.issuer.clone(),
            client_id: credentials.client_id.clone(),
            scopes: credentials.scopes.clone(),
            account: credentials.account.clone(),
            grant: credentials.grant.clone(),
            obtained_at: Some(credentials.obtained_at),
            expires_at: credentials.expires_at,
            refreshable: credentials.is_renewable() && !credentials.needs_login,
            needs_login: credentials.needs_login,
            handed_over: credentials.handed_over.clone(),
            place,
            generation: credentials.generation,
        }
    }

    /// Describes a login of which nothing but its name can be read in `place`.
    pub(super) fn unreadable(key: &StoredId, place: Place) -> Self {
        Self {
            server: key.server.clone(),
            profile: key.profile.clone(),
            needs_login: true,
            place,
            ..Self::default()
        }
    }

    /// Returns the name of this login.
    pub fn key(&self) -> StoredId {
        StoredId::new(&self.server, &self.profile)
    }
}

/// The index of a data directory.
#[derive(Debug)]
pub(super) struct Index(LoginsFile);

impl Index {
    pub(super) fn new(data_dir: &Path, lock_limit: Duration) -> Self {
        Self(LoginsFile::new(data_dir.join("index.json"), lock_limit))
    }

    /// Returns the entry of a login. An index that cannot be read only costs a look into every store.
    pub(super) fn get(&self, key: &StoredId) -> Option<IndexEntry> {
        self.0.get(&key.store_name()).unwrap_or_else(|err| {
            warn_user!(IndexUnreadable, "{err:#}");
            None
        })
    }

    pub(super) fn put(&self, entry: &IndexEntry) -> Result<(), StoreError> {
        let name = entry.key().store_name();
        self.0.update(|entries| entries.insert(&name, entry))
    }

    pub(super) fn remove(&self, key: &StoredId) -> Result<bool, StoreError> {
        self.0.remove(&key.store_name())
    }

    /// Returns the entries. One that cannot be read is skipped: its store knows the same.
    pub(super) fn list(&self) -> Result<Vec<IndexEntry>, StoreError> {
        let readable = |entry: Result<_, StoreError>| {
            entry
                .inspect_err(|err| warn_user!(IndexUnreadable, "{err:#}"))
                .ok()
        };
        Ok(self.0.all()?.into_iter().filter_map(readable).collect())
    }
}
