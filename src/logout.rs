//! Logging out: the tokens are given back to the authorization server, and forgotten here in any case.

use std::time::Duration;

use url::Url;

use crate::clock::Deadline;
use crate::error::LoginError;
use crate::http::Http;
use crate::revoke::{revoke, RevokeError};
use crate::store::{Credentials, HandedOver, Key, Patience, Store, StoreError};
use crate::token::refresher::{bring_home, client_of};
use crate::tools::Tools;

/// Longest time of one request.
const REQUEST_LIMIT: Duration = Duration::from_secs(10);

/// Longest wait for a refresh that is under way.
const LOCK_LIMIT: Duration = Duration::from_secs(10);

/// How a logout went. The login is forgotten here in each case.
#[derive(Debug)]
pub enum LoggedOut {
    /// There was no login.
    NotThere,
    /// The server has taken the tokens back.
    Revoked,
    /// Its tokens are with another program, which goes on using them.
    HandedOver(String),
    /// The server has no way to take tokens back: they live until they expire.
    CannotRevoke,
    /// The server was asked to take the tokens back, and did not.
    NotRevoked(RevokeError),
}

/// Logs out of one server. A refresh that is under way is waited for, and cannot bring the login back.
///
/// # Errors
///
/// [`LoginError::Store`] if the login could not be forgotten.
pub fn logout(key: &Key, tools: &Tools) -> Result<LoggedOut, LoginError> {
    let store = Store::open_to_read(&tools.store, &tools.data_dir, Patience::Person);
    let unreadable = |err| LoginError::unreadable(key, err);
    let journal = store.journal(key);
    let _lock = match store.load(key) {
        // A refresh that hangs does not keep a login alive; it finds the login gone, and leaves it so.
        Ok(Some(_)) => journal.lock(Deadline::after(LOCK_LIMIT)).inspect_err(|err| log::warn!("{err}")).ok(),
        Ok(None) => None,
        Err(err @ StoreError::Unreadable { .. }) => {
            log::warn!("{err}; its tokens cannot be revoked");
            store.delete(key).map_err(|err| LoginError::not_forgotten(key, err))?;
            journal.end();
            return Ok(LoggedOut::CannotRevoke);
        }
        Err(err) => return Err(unreadable(err)),
    };
    let Some(kept) = store.load(key).map_err(unreadable)? else {
        // The index may know of a login that its store does not have any more.
        store.delete(key).map_err(|err| LoginError::not_forgotten(key, err))?;
        return Ok(LoggedOut::NotThere);
    };
    // What a refresh that was interrupted had got is given back too.
    let kept = bring_home(&store, kept.clone(), &journal).unwrap_or(kept);
    let revoked = give_back(&kept, tools);
    store.delete(key).map_err(|err| LoginError::not_forgotten(key, err))?;
    journal.end();
    if let Some(HandedOver { to, .. }) = kept.handed_over.filter(|_| kept.refresh_token.is_none()) {
        return Ok(LoggedOut::HandedOver(to));
    }
    Ok(match revoked {
        None => LoggedOut::CannotRevoke,
        Some(Ok(())) => LoggedOut::Revoked,
        Some(Err(err)) => LoggedOut::NotRevoked(err),
    })
}

/// Gives both tokens back, the refresh token first; `None` if there is no endpoint for it.
fn give_back(kept: &Credentials, tools: &Tools) -> Option<Result<(), RevokeError>> {
    if kept.access_token.expose().is_empty() {
        return None;
    }
    let endpoint = Url::parse(kept.revocation_endpoint.as_ref()?).ok()?;
    let typed: Vec<Url> = [&kept.server, &kept.issuer].into_iter().filter_map(|url| Url::parse(url).ok()).collect();
    let (http, client) = (Http::new(&tools.http, &typed, REQUEST_LIMIT), client_of(kept));
    let refresh = kept.refresh_token.as_ref().map(|token| revoke(&endpoint, &client, token, "refresh_token", &http));
    let access = revoke(&endpoint, &client, &kept.access_token, "access_token", &http);
    Some(match refresh {
        // A server that takes the refresh token back ends the access token with it, if it can end it at all.
        Some(Ok(())) => Ok(()),
        Some(Err(err)) => Err(err),
        None => access,
    })
}
