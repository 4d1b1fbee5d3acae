//! The live access token: this program is the one that refreshes, and any number of its processes refresh once.
//!
//! Look into the store; if the token is due, take the login's lock and look again, for somebody else may have refreshed
//! meanwhile; else note in the journal what is about to happen, and let a process of its own do it ([`refresher`]).

mod command;
mod credential;
mod freshness;
#[cfg(test)]
mod hostile_tests;
mod id_jag;
mod journal;
mod locked;
mod needs_login;
pub mod refresher;
mod renewal;
mod unattended;
mod unstored;

use std::time::Duration;

use crate::context::{Context, Settings};
use crate::error::Error;
use crate::oauth::secret::Secret;
use crate::os::clock::{Deadline, Time};
use crate::store::{Credentials, Interaction, Store, Stored, StoredId};

use needs_login::{check_ours, no_login};

pub use credential::{credential, dpop, warn_of_no_binding};
pub use freshness::Freshness;
pub use journal::{unfinished, RefreshNote};
pub use locked::LockedLogin;
pub use needs_login::{needs_login, needs_login_again, refused, refused_before};
pub use unattended::obtain;

/// Longest time for the whole of it: the programs that call this give up after 10 s.
pub const LIMIT: Duration = Duration::from_secs(8);

/// A refresh is not begun with less time left than this.
const LEAST_TIME: Duration = Duration::from_secs(5);

/// Longest wait for the lock where a login is only to be marked.
const MARK_LIMIT: Duration = Duration::from_secs(3);

/// Returns credentials whose access token is live now.
///
/// # Errors
///
/// [`Error::NotLoggedIn`] if only a login helps; [`Error::Busy`] if the time is up, which changes nothing.
pub fn live(key: &StoredId, need: Freshness, context: &Context) -> Result<Credentials, Error> {
    live_instead_of(None, key, need, context)
}

/// As [`live`], for a caller whose access token the server refuses: a newer one that is stored already is enough; else that
/// token is refreshed, whatever life it has left.
///
/// # Errors
///
/// Those of [`live`].
pub fn live_instead_of(
    refused: Option<&Secret>,
    key: &StoredId,
    need: Freshness,
    context: &Context,
) -> Result<Credentials, Error> {
    if let Some(unstored) = &context.unstored {
        return unstored::live(unstored, refused, need, context);
    }
    live_stored(refused, key, need, &context.settings)
}

/// As [`live_instead_of`], for a login that is stored.
fn live_stored(
    refused: Option<&Secret>,
    key: &StoredId,
    need: Freshness,
    settings: &Settings,
) -> Result<Credentials, Error> {
    let deadline = Deadline::after(LIMIT);
    let store = settings.store_to_read(Interaction::None);
    let found = find(&store, key, settings)?;
    let seen = &found.credentials;
    let is_refused = |login: &Credentials| refused == Some(&login.access_token);
    let need_of = |login: &Credentials| Freshness {
        refresh: need.refresh || is_refused(login),
        ..need
    };
    if is_refused(seen) && seen.needs_login {
        return Err(refused_before(seen, settings));
    }
    let check_replaceable = || {
        let checked = store.backend(&found).check_replaceable();
        checked.map_err(|err| Error::not_stored(key, err))
    };
    // A store that takes no login is named before what is wrong with this one.
    if need_of(seen).refresh {
        check_replaceable()?;
    }
    if need_of(seen).is_met_by(seen, None, settings)? {
        return Ok(found.credentials);
    }
    // The token is due.
    check_replaceable()?;
    let busy = || Error::Busy(key.server.clone());
    let mut has_refresher = true;
    loop {
        let locked = LockedLogin::acquire(&store, key, deadline);
        let locked = locked.map_err(|err| match deadline.passed() {
            true => busy(),
            false => Error::not_stored(key, err),
        })?;
        // The second look: whoever held the lock may have refreshed.
        let now = locked.ours(settings)?.credentials;
        if need_of(&now).is_met_by(&now, Some(seen), settings)? {
            return Ok(now);
        }
        if deadline.left() < LEAST_TIME {
            return Err(busy());
        }
        let refreshed = match has_refresher {
            true => refresher::refresh(locked, settings, deadline)?,
            false => {
                let seen = locked.generation();
                Some(renewal::renew(locked, seen, settings, deadline)?)
            }
        };
        match refreshed {
            Some(login) => return check_ours(login, settings),
            // The refresher did not get the lock, and spent nothing.
            None => has_refresher = false,
        }
    }
}

/// Marks a login whose access token the server refuses: nobody is given that token again. A login that was renewed
/// meanwhile is left as it is. Where the mark cannot be stored, the refusal is told all the same.
pub fn mark_access_token_refused(refused: &Credentials, context: &Context) {
    match &context.unstored {
        Some(unstored) => unstored.forget(),
        None => mark_stored_refused(refused, &context.settings),
    }
}

/// Marks a login that is stored, as [`mark_access_token_refused`] does.
fn mark_stored_refused(refused: &Credentials, settings: &Settings) {
    if let Err(err) = store_refusal(refused, settings) {
        log::info!("{}", err.one_line());
    }
}

fn store_refusal(refused: &Credentials, settings: &Settings) -> Result<(), Error> {
    let key = &refused.key();
    let store = settings.store_to_read(Interaction::None);
    let deadline = Deadline::after(MARK_LIMIT);
    let mut locked =
        LockedLogin::acquire(&store, key, deadline).map_err(|err| Error::not_stored(key, err))?;
    locked.exclude_others(deadline)?;
    let stored = locked.stored().map_err(|err| Error::unreadable(key, err))?;
    let Some(mut login) = stored
        .map(|stored| stored.credentials.clone())
        .filter(|login| login.access_token == refused.access_token)
    else {
        return Ok(());
    };
    // Without a person the next request is for another token in any case.
    login.needs_login = !login.is_unattended();
    let now = Time::now();
    login.expires_at = Some(login.expires_at.map_or(now, |at| at.min(now)));
    store
        .save(&mut login)
        .map_err(|err| Error::not_stored(key, err))?;
    Ok(())
}

/// Returns the credentials of a login that is ours.
///
/// # Errors
///
/// [`Error::NotLoggedIn`] if there is none, or if another program has it.
pub fn load(store: &Store, key: &StoredId, settings: &Settings) -> Result<Credentials, Error> {
    Ok(find(store, key, settings)?.credentials)
}

/// As [`load`], with what is needed to replace the login.
fn find(store: &Store, key: &StoredId, settings: &Settings) -> Result<Stored, Error> {
    let found = store.find(key).map_err(|err| Error::unreadable(key, err))?;
    ours(found, store, key, settings)
}

/// Returns a login that was found, if there is one and no other program has it.
fn ours(
    found: Option<Stored>,
    store: &Store,
    key: &StoredId,
    settings: &Settings,
) -> Result<Stored, Error> {
    let mut found = found.ok_or_else(|| no_login(store, key, settings))?;
    found.credentials = check_ours(found.credentials, settings)?;
    Ok(found)
}
