//! The status: what is logged in, until when, and kept where.

use serde::Serialize;

use crate::context::Context;
use crate::error::Error;
use crate::failure::{About, Failure as _};
use crate::store::{is_from_the_future, IndexEntry, Interaction, Store, StoreError, StoredId};

/// What can be expected of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LoginState {
    /// Its access token is live.
    Live,
    /// Its access token will be refreshed when it is asked for.
    RefreshDue,
    /// Only a new login helps.
    NeedsLogin,
    /// Another program has it now.
    HandedOver,
}

impl LoginState {
    /// Returns the word for scripts.
    pub fn word(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::RefreshDue => "refresh_due",
            Self::NeedsLogin => "needs_login",
            Self::HandedOver => "handed_over",
        }
    }
}

/// One login.
#[derive(Clone, Debug, Serialize)]
pub struct Login {
    /// What the index knows of it.
    #[serde(flatten)]
    pub entry: IndexEntry,
    /// What can be expected of it.
    pub state: LoginState,
}

impl Login {
    /// Judges what is known of a login.
    pub fn of(entry: IndexEntry) -> Self {
        let has_expired = entry
            .expires_at
            .is_some_and(|expires_at| expires_at.seconds_left() <= 0);
        if entry.handed_over.is_some() {
            return Self {
                entry,
                state: LoginState::HandedOver,
            };
        }
        // When such a token really expires, nobody knows.
        let is_odd =
            entry.expires_at.is_some() && entry.obtained_at.is_some_and(is_from_the_future);
        let state = match (
            entry.needs_login,
            has_expired || is_odd && entry.refreshable,
            entry.refreshable,
        ) {
            (true, ..) | (false, true, false) => LoginState::NeedsLogin,
            (false, true, true) => LoginState::RefreshDue,
            (false, false, _) => LoginState::Live,
        };
        Self { entry, state }
    }

    /// Returns its name in the store.
    pub fn key(&self) -> StoredId {
        self.entry.key()
    }
}

/// Lists all logins, by server and profile.
///
/// # Errors
///
/// [`Error::Store`] if the index cannot be read.
pub fn status(context: &Context) -> Result<Vec<Login>, Error> {
    let store = Store::open_to_read(&context.store, &context.data_dir, Interaction::None);
    let (entries, faults) = store.examine().map_err(cannot_list)?;
    for fault in &faults {
        let hint = fault
            .hint(&About::default())
            .map(|hint| format!("; {}", crate::output::hint::hint(&hint)))
            .unwrap_or_default();
        log::warn!("{fault}{hint}");
    }
    let mut logins: Vec<_> = entries.into_iter().map(Login::of).collect();
    logins.sort_by_key(Login::key);
    Ok(logins)
}

/// Lists the names of all logins, without a look into the keyring.
///
/// # Errors
///
/// Those of [`status`].
pub fn keys(context: &Context) -> Result<Vec<StoredId>, Error> {
    let store = Store::open_to_read(&context.store, &context.data_dir, Interaction::None);
    Ok(store
        .list()
        .map_err(cannot_list)?
        .iter()
        .map(IndexEntry::key)
        .collect())
}

fn cannot_list(source: StoreError) -> Error {
    Error::Store {
        doing: "read",
        server: String::new(),
        source: source.into(),
    }
}
