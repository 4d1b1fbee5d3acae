//! The refresh itself: spends the refresh token of a locked login, and stores what comes.

use std::time::Duration;

use super::credential;
use super::journal::Journal;
use super::{needs_login, needs_login_again, refused_before, unattended, LockedLogin};
use crate::context::Settings;
use crate::error::Error;
use crate::http::Http;
use crate::oauth::client::{self, Client, RegistrationKind};
use crate::oauth::secret::Secret;
use crate::oauth::text::printable;
use crate::os::clock::Deadline;
use crate::providers;
use crate::registration::{self, CachedRegistration};
use crate::store::cache::Cache;
use crate::store::{Credentials, StoreError, Stored, StoredId};
use crate::token_endpoint::{client_of, ExchangeError, TokenRequest};
use crate::warning::warn_user;

/// Longest time of the request.
pub(super) const REQUEST_LIMIT: Duration = Duration::from_secs(30);

/// How long before the end of the time of whoever asked a request is sent again at the latest.
const LAST_RETRY: Duration = Duration::from_secs(1);

/// Spends the refresh token of a login, stores what comes, and returns the login as it is then. `deadline` is that of
/// whoever asked: what has been sent is waited for beyond it, and nothing is sent again. `seen` is the generation that they want
/// to be replaced.
///
/// # Errors
///
/// [`Error::NotLoggedIn`] if only a login helps, [`Error::Exchange`], [`Error::Store`].
pub(super) fn renew(
    mut locked: LockedLogin,
    seen: Option<u64>,
    settings: &Settings,
    deadline: Deadline,
) -> Result<Credentials, Error> {
    let retry_until = Deadline::after(deadline.left().saturating_sub(LAST_RETRY));
    if let Some(now) = lease_unless_refreshed(&mut locked, seen, settings, deadline)? {
        return match now.needs_login {
            true => Err(refused_before(&now, settings)),
            false => Ok(now),
        };
    }
    let stored = locked.ours(settings)?;
    let login = &stored.credentials;
    let key = &login.key();
    let Some(refresh_token) = &login.refresh_token else {
        if login.is_unattended() {
            return unattended::renew(&locked, &stored, settings, retry_until);
        }
        return Err(needs_login(key, "there is no refresh token", &[], settings));
    };
    let not_stored = |err: StoreError| Error::not_stored(key, err);
    let client = client_of(login)?;
    let interrupted = match locked.journal.interrupted(refresh_token) {
        Some(since) => Some(format!("a refresh was interrupted at {}", since.rfc3339())),
        None => locked
            .is_interrupted_elsewhere()
            .then(|| "a refresh on another machine was interrupted".to_owned()),
    };
    // What cannot be stored must not be spent.
    let backend = locked.store.backend(&stored);
    backend.prove_replaceable().map_err(not_stored)?;
    let prepared = locked.journal.prepare(login).map_err(not_stored)?;
    let http = Http::new(&settings.http, &login.typed_urls(), REQUEST_LIMIT);
    if !locked.start_spending() {
        return Err(Error::Busy(login.server.clone()));
    }
    let begun = locked.journal.begin(login, refresh_token);
    begun
        .inspect_err(|_| locked.was_not_spent())
        .map_err(not_stored)?;
    let journal = &locked.journal;
    match spend((login, &client), refresh_token, &http, retry_until) {
        Ok(renewed) => {
            // Nothing comes before this: until it is done the only good refresh token is in memory.
            let written = prepared.map_or(Ok(()), |file| Journal::store_renewed(file, &renewed));
            drop(written.inspect_err(|err| log::debug!("{err}")));
            let now = store_renewed(&locked, &stored, renewed)
                .map_err(|err| not_stored(point_to_rescued(err, login, refresh_token, journal)))?;
            locked.end();
            now.ok_or_else(|| logged_out(key, settings))
        }
        Err(refusal @ ExchangeError::Refused { .. }) => {
            mark_refresh_token_refused(&locked, login, &refusal, interrupted, settings)
        }
        Err(source) => {
            if !source.may_have_spent() {
                locked.end();
                locked.was_not_spent();
            }
            Err(Error::Exchange {
                issuer: printable(&login.issuer),
                provider: login.known_provider(),
                login: Some(settings.login_again(login, &[])),
                source,
            })
        }
    }
}

/// Excludes all other machines from the login, and stores what an interrupted refresh has left. Returns the login instead if
/// another machine has refreshed it, or has tried to, since whoever asked has looked.
fn lease_unless_refreshed(
    locked: &mut LockedLogin,
    seen: Option<u64>,
    settings: &Settings,
    deadline: Deadline,
) -> Result<Option<Credentials>, Error> {
    let seen = seen.or(locked.generation());
    let mut has_adopted = false;
    loop {
        let now = locked.ours(settings)?.credentials;
        if Some(now.generation) != seen && !has_adopted {
            return Ok(Some(now));
        }
        if locked.lease(deadline)? {
            match locked.adopt()? {
                true => has_adopted = true,
                false => return Ok(None),
            }
        }
    }
}

/// Sends the request for new tokens, and returns the login with them.
fn spend(
    (login, client): (&Credentials, &Client),
    refresh_token: &Secret,
    http: &Http,
    retry_until: Deadline,
) -> Result<Credentials, ExchangeError> {
    let send = |request: &TokenRequest| request.refresh(refresh_token);
    let mut tokens = credential::request((login, client), http, retry_until, send)?;
    let (refresh_token, id_token) = (tokens.refresh_token.take(), tokens.id_token.take());
    Ok(Credentials {
        // A server that does not rotate sends none; the old one stays good.
        refresh_token: refresh_token.or(login.refresh_token.clone()),
        id_token: (login.id_token.as_ref())
            .map(|stored| id_token.unwrap_or_else(|| stored.clone())),
        ..login.clone().renewed(tokens, &login.scopes)
    })
}

/// Stores what came, and returns the login as it is then; `None` if it was logged out meanwhile. A new login, or a logout,
/// that could not wait for the lock wins.
pub(super) fn store_renewed(
    locked: &LockedLogin,
    stored: &Stored,
    mut renewed: Credentials,
) -> Result<Option<Credentials>, StoreError> {
    let (store, spent) = (locked.store, &stored.credentials.refresh_token);
    let saved = match store.replace(stored, &mut renewed)? {
        Some(saved) => saved,
        None => match store.load(&locked.id)? {
            None => return Ok(None),
            Some(now) if now.refresh_token != *spent || spent.is_none() => return Ok(Some(now)),
            // It is the same login, and was only marked.
            Some(now) if now.access_token == stored.credentials.access_token => {
                renewed.handed_over = now.handed_over;
                store.save(&mut renewed)?
            }
            Some(now) => {
                // The new login brought no refresh token, and kept the one that has just been spent.
                renewed = Credentials {
                    refresh_token: renewed.refresh_token,
                    ..now
                };
                store.save(&mut renewed)?
            }
        },
    };
    if let Some(notice) = saved.notice {
        warn_user!(StoreFallback, "{notice}");
    }
    Ok(Some(renewed))
}

/// Notes in the journal which file holds what no store took.
fn point_to_rescued(
    err: StoreError,
    login: &Credentials,
    spent: &Secret,
    journal: &Journal,
) -> StoreError {
    let StoreError::NotStored { rescued, source } = err else {
        // The file of the journal holds it.
        return err;
    };
    if let Some(file) = &rescued {
        match journal.point_to(file, login, spent) {
            Ok(()) => journal.forget_renewed(),
            Err(err) => warn_user!(JournalNotWritten, "{err:#}"),
        }
    }
    StoreError::NotStored {
        rescued: rescued.or_else(|| journal.rescued(spent)),
        source,
    }
}

/// Marks a login whose refresh token the server refuses, and keeps it. The store is read once more before that: a new
/// login that could not wait for the lock is returned. Where the server does not know our registration any more, the next
/// login makes a new one.
fn mark_refresh_token_refused(
    locked: &LockedLogin,
    login: &Credentials,
    refusal: &ExchangeError,
    interrupted: Option<String>,
    settings: &Settings,
) -> Result<Credentials, Error> {
    let key = &locked.id;
    let find = || {
        let found = locked.store.find(key);
        found.map_err(|err| Error::unreadable(key, err))
    };
    let changed = |found: Option<Stored>| {
        locked.end();
        let login = found.map(|found| found.credentials);
        login.ok_or_else(|| logged_out(key, settings))
    };
    let found = match find()? {
        Some(found) if found.credentials.refresh_token == login.refresh_token => found,
        other => return changed(other),
    };
    let mut now = found.credentials.clone();
    let error = refusal.error_code();
    let is_unknown = login.registration == RegistrationKind::Dynamic && client::is_unknown(error);
    if is_unknown {
        let (cache, registration) = (
            Cache::new(&settings.data_dir),
            CachedRegistration::of(login),
        );
        registration::mark_unconfirmed(&cache, &login.issuer, registration);
    }
    now.needs_login = true;
    let marked = locked.store.replace(&found, &mut now);
    if marked.map_err(|err| Error::not_stored(key, err))?.is_none() {
        return changed(find()?);
    }
    locked.end();
    let why = match interrupted {
        // The other code that may mean this is used of refresh tokens, too.
        _ if is_unknown && error == "invalid_client" => {
            format!("the authorization server does not know its client any more: {refusal}")
        }
        Some(interrupted) => format!("{interrupted}, and its token is lost"),
        None => format!("the refresh token was refused: {refusal}"),
    };
    let why = meaning(login, error).map_or(why.clone(), |it| format!("{why}: {it}"));
    let lacks_proof = refusal.wants_proof() && login.dpop_key.is_none();
    let options: &[_] = if lacks_proof { &["--dpop"] } else { &[] };
    Err(needs_login_again(login, &why, options, settings))
}

pub(super) fn logged_out(key: &StoredId, settings: &Settings) -> Error {
    needs_login(key, "it was logged out meanwhile", &[], settings)
}

/// Returns what the refusal of a refresh token means at the provider of a login, if that is known.
pub(super) fn meaning(login: &Credentials, error: &str) -> Option<&'static str> {
    providers::explain_refresh(login.known_provider(), error)
}
