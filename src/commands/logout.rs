//! Logging out: the tokens are given back to the authorization server, and forgotten here in any case.

use std::time::Duration;

use url::Url;

use crate::context::Context;
use crate::error::Error;
use crate::http::Http;
use crate::os::clock::{Deadline, Time};
use crate::refresh::refresher::{bring_home, client_of};
use crate::store::{Credentials, HandedOver, Interaction, Store, StoreError, StoredId};
use crate::token_endpoint::revoke::{revoke, RevokeError};

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
    /// The tokens had ended before: the server had refused them.
    Ended,
    /// The refresh token is ended; the server cannot revoke the access token, which lives until then.
    AccessTokenLives(Option<Time>),
    /// Its tokens are with another program, which goes on using them.
    HandedOver(String),
    /// The server has no way to take tokens back: the access token lives until then, the refresh token, if there is one,
    /// until the server ends it.
    CannotRevoke {
        /// When the access token expires, if the server said so.
        until: Option<Time>,
        /// There is a refresh token.
        is_refreshable: bool,
    },
    /// The server was asked to take the tokens back, and did not.
    NotRevoked {
        /// Why not.
        source: RevokeError,
        /// Which tokens live, and until when.
        lives: String,
    },
}

/// Logs out of one server. A refresh that is under way is waited for, and cannot bring the login back.
///
/// # Errors
///
/// [`Error::Store`] if the login could not be forgotten.
pub fn logout(key: &StoredId, context: &Context) -> Result<LoggedOut, Error> {
    let store = Store::open_to_read(&context.store, &context.data_dir, Interaction::Allowed);
    let unreadable = |err| Error::unreadable(key, err);
    let journal = store.journal(key);
    let _lock = match store.load(key) {
        // A refresh that hangs does not keep a login alive; it finds the login gone, and leaves it so.
        Ok(Some(_)) => journal
            .lock(Deadline::after(LOCK_LIMIT))
            .inspect_err(|err| log::warn!("{err}"))
            .ok(),
        Ok(None) => None,
        Err(err @ StoreError::Unreadable { .. }) => {
            log::warn!("{err}; its tokens cannot be revoked");
            store
                .delete(key)
                .map_err(|err| Error::not_forgotten(key, err))?;
            journal.end();
            return Ok(LoggedOut::CannotRevoke {
                until: None,
                is_refreshable: true,
            });
        }
        Err(err) => return Err(unreadable(err)),
    };
    let Some(kept) = store.load(key).map_err(unreadable)? else {
        // The index may know of a login that its store does not have any more.
        store
            .delete(key)
            .map_err(|err| Error::not_forgotten(key, err))?;
        return Ok(LoggedOut::NotThere);
    };
    // What a refresh that was interrupted had got is given back too.
    let kept = bring_home(&store, kept.clone(), &journal).unwrap_or(kept);
    let how = give_back(&kept, context);
    store
        .delete(key)
        .map_err(|err| Error::not_forgotten(key, err))?;
    journal.end();
    if let Some(HandedOver { to, .. }) = kept.handed_over.filter(|_| kept.refresh_token.is_none()) {
        return Ok(LoggedOut::HandedOver(to));
    }
    Ok(how)
}

/// Gives both tokens back, the refresh token first.
fn give_back(kept: &Credentials, context: &Context) -> LoggedOut {
    let endpoint = kept
        .revocation_endpoint
        .as_ref()
        .and_then(|endpoint| Url::parse(endpoint).ok());
    let has_expired = kept.expires_at.is_some_and(|at| at.seconds_left() <= 0);
    let (until, is_refreshable) = (
        kept.expires_at,
        kept.refresh_token.is_some() && !kept.needs_login,
    );
    let Some(endpoint) = endpoint.filter(|_| !kept.access_token.expose().is_empty()) else {
        return match kept.needs_login && has_expired {
            true => LoggedOut::Ended,
            false => LoggedOut::CannotRevoke {
                until,
                is_refreshable,
            },
        };
    };
    let typed: Vec<Url> = [&kept.server, &kept.issuer]
        .into_iter()
        .filter_map(|url| Url::parse(url).ok())
        .collect();
    let (http, client) = (
        Http::new(&context.http, &typed, REQUEST_LIMIT),
        client_of(kept),
    );
    let refresh = kept
        .refresh_token
        .as_ref()
        .map(|token| revoke(&endpoint, &client, token, "refresh_token", &http));
    let access = revoke(
        &endpoint,
        &client,
        &kept.access_token,
        "access_token",
        &http,
    );
    let is_revoked = matches!(refresh, Some(Ok(())));
    match (refresh, access) {
        // What the server has refused before needs no end.
        (Some(Err(source)), _) if is_refreshable && !source.is_of_ended_token() => {
            LoggedOut::NotRevoked {
                source,
                lives: lives(kept, true),
            }
        }
        (_, Ok(())) => LoggedOut::Revoked,
        (_, Err(err)) if has_expired || err.is_of_ended_token() => {
            if is_revoked {
                LoggedOut::Revoked
            } else {
                LoggedOut::Ended
            }
        }
        (_, Err(err)) if err.is_unsupported() => LoggedOut::AccessTokenLives(until),
        // A server that takes the refresh token back ends the access token with it, if it can end it at all.
        (_, Err(_)) if is_revoked => LoggedOut::Revoked,
        (_, Err(source)) => LoggedOut::NotRevoked {
            source,
            lives: lives(kept, false),
        },
    }
}

/// Says which tokens live, and until when.
fn lives(kept: &Credentials, with_refresh_token: bool) -> String {
    let access = match kept.expires_at {
        Some(at) if at.seconds_left() <= 0 => None,
        Some(at) => Some(format!("the access token lives until {}", at.rfc3339())),
        None => Some("the access token lives until the server ends it".to_owned()),
    };
    let refresh =
        with_refresh_token.then(|| "the refresh token lives until the server ends it".to_owned());
    [access, refresh]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(", ")
}
