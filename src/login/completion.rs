//! Step three of a login: tokens for the code, and the stored login.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::pending::{PendingAuthorization, Preparation};
use super::workers::{Message, WorkerHandle};
use super::{defaults, Report, Request};
use crate::context::Context;
use crate::discovery::Discovery;
use crate::error::Error;
use crate::oauth::callback::AuthorizationCode;
use crate::oauth::client::Client;
use crate::oauth::grant::Unattended;
use crate::oauth::jwt::assertion::ClientKey;
use crate::oauth::secret::Secret;
use crate::oauth::text::printable;
use crate::oauth::token::{TokenType, Tokens};
use crate::os::clock::{Deadline, Time};
use crate::refresh::{self, LockedLogin};
use crate::store::cache::Cache;
use crate::store::{Credentials, Place, Store, StoredId};
use crate::token_endpoint::ExchangeError;
use crate::warning::warn_user;

/// Longest wait for a refresh of the same login.
const REFRESH_LIMIT: Duration = Duration::from_secs(3);

/// How long an accepted code is sent again where the token endpoint cannot be reached.
const EXCHANGE_RETRIES: Duration = Duration::from_secs(30);

/// How far the clock of this computer may differ from the server's without a warning.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(60);

/// Exchanges the code for tokens.
pub fn exchange(
    pending: &PendingAuthorization,
    code: AuthorizationCode,
    worker: &WorkerHandle,
) -> Result<Tokens, ExchangeError> {
    let PendingAuthorization {
        preparation,
        client,
        ..
    } = pending;
    let verifier = pending.authorization().map(|it| &it.verifier);
    let verifier = verifier.ok_or(ExchangeError::Request)?;
    let http = preparation.http.within(super::REQUEST_LIMIT);
    let retry_until = worker.deadline.min(Deadline::after(EXCHANGE_RETRIES));
    let request = preparation.token_request(client, &http, retry_until);
    let tokens = request.exchange_code(code, verifier, &preparation.redirect_uri)?;
    warn_of_clock(tokens.issued_at);
    Ok(tokens)
}

/// Says why the code was not exchanged, and whether a new registration may help.
pub fn not_exchanged(
    pending: Box<PendingAuthorization>,
    source: ExchangeError,
    context: &Context,
) -> Result<Message, Error> {
    let can_reregister = pending.can_reregister(source.error_code());
    let preparation = &pending.preparation;
    let error = Error::Exchange {
        issuer: printable(&preparation.discovery.server.issuer),
        provider: preparation.provider(),
        login: preparation.with_dpop(source.wants_proof(), context),
        source,
    };
    match can_reregister {
        true => Ok(Message::ClientUnknown(pending, error)),
        false => Err(error),
    }
}

/// Warns of a clock that is wrong: from now on it decides when the token expires.
pub fn warn_of_clock(answered_at: Option<Time>) {
    if let Some(off) = answered_at.and_then(|date| date.clock_difference(CLOCK_TOLERANCE)) {
        warn_user!(
            ClockWrong,
            "{off}: when it is set right, the token is refreshed; if the server's is wrong, nothing needs to be done"
        );
    }
}

/// Stores the login, in place of an earlier one.
pub fn store(
    pending: Box<PendingAuthorization>,
    tokens: Tokens,
    account: Option<String>,
    context: &Context,
) -> Result<Report, Error> {
    let PendingAuthorization {
        mut preparation,
        client,
        ..
    } = *pending;
    let key = preparation.request.key.clone();
    let store = context.store(&key)?;
    let mut locked = lock(store, &key);
    let mut is_adopted = true;
    if tokens.refresh_token.is_none() {
        // The stored refresh token stays, and a refresh may have replaced it while the user was away.
        if let Some(Err(err)) = locked.as_mut().map(LockedLogin::adopt) {
            // The next refresh tries again; until then its note and its file stay.
            warn_user!(LoginUnreadable, "{}", err.one_line());
            is_adopted = false;
        }
        let current = match &locked {
            Some(locked) => locked.stored().map(|stored| stored.cloned()),
            None => store.find(&key).map_err(Arc::new),
        };
        if let Ok(current) = current {
            preparation.stored = current.map(|stored| stored.credentials);
        }
    }
    let google_tools = preparation.request.google_tools.clone();
    let mut credentials = credentials(preparation, client, tokens, account);
    let place = save(&mut credentials, store, locked.filter(|_| is_adopted))?;
    let unusable_tools = google_tools
        .map(|tools| tools.without(&credentials.scopes))
        .unwrap_or_default();
    if !unusable_tools.is_empty() {
        warn_user!(
            ScopesNotGranted,
            "not all was granted: {} will not work",
            unusable_tools.join(", ")
        );
    }
    Ok(Report::new(&credentials, Some(place), false))
}

/// Locks a login, if that can be done soon: a refresh that is under way ends first; one that hangs must not cost a login, and
/// will not overwrite it.
fn lock<'a>(store: &'a Store, key: &StoredId) -> Option<LockedLogin<'a>> {
    LockedLogin::acquire(store, key, Deadline::after(REFRESH_LIMIT))
        .inspect_err(|err| log::debug!("{err}"))
        .ok()
}

/// Stores a login, and returns where it is. What an earlier refresh has left is of no use any more, if its lock is held.
fn save(
    login: &mut Credentials,
    store: &Store,
    locked: Option<LockedLogin>,
) -> Result<Place, Error> {
    let saved = store
        .save(login)
        .map_err(|err| Error::not_stored(&login.key(), err))?;
    if let Some(notice) = saved.notice {
        warn_user!(StoreFallback, "{notice}");
    }
    if let Some(locked) = locked {
        locked.end();
    }
    Ok(saved.place)
}

/// Stores a login that no person took part in, in place of an earlier one.
pub fn store_unattended(mut login: Credentials, context: &Context) -> Result<Report, Error> {
    let key = login.key();
    let store = context.store(&key)?;
    let locked = lock(store, &key);
    let place = save(&mut login, store, locked)?;
    Ok(Report::new(&login, Some(place), false))
}

/// Returns the record of the login.
fn credentials(
    preparation: Preparation,
    client: Client,
    mut tokens: Tokens,
    account: Option<String>,
) -> Credentials {
    let provider = preparation.provider();
    let Preparation {
        request,
        discovery,
        scopes,
        redirect_uri,
        stored,
        dpop,
        ..
    } = preparation;
    let server = &discovery.server;
    let is_same_account = |stored: &Credentials| match (&stored.account, &account) {
        (Some(stored), Some(account)) => stored == account,
        _ => true,
    };
    let is_same_grant = |stored: &&Credentials| {
        stored.issuer == server.issuer
            && stored.client_id == client.id
            && is_same_account(stored)
            && stored.handed_over.is_none()
    };
    let stored_refresh_token = stored
        .as_ref()
        .filter(is_same_grant)
        .and_then(|stored| stored.refresh_token.clone());
    if tokens.refresh_token.is_none() && stored_refresh_token.is_some() {
        warn_user!(
            RefreshTokenReused,
            "the server sent no new refresh token; the previous one is stored again"
        );
    }
    // Only at a provider itself is it of use later.
    let id_token = tokens.id_token.take().filter(|_| request.server.is_none());
    let refresh_token = tokens.refresh_token.take().or(stored_refresh_token);
    // A server that ignores proofs binds nothing.
    let dpop = dpop.filter(|_| tokens.token_type == TokenType::Dpop);
    if request.dpop && dpop.is_none() {
        refresh::warn_of_no_binding();
    }
    let mut login = record(&request, discovery, client, stored.as_ref());
    login.scopes_requested.clone_from(&scopes);
    Credentials {
        redirect_uri,
        provider: provider.map(|provider| provider.name.to_owned()),
        account,
        dpop_key: dpop.map(|dpop| dpop.key().stored().clone()),
        refresh_token,
        id_token,
        ..login.renewed(tokens, &scopes)
    }
}

/// Returns the record of a login that has no tokens yet, and so has expired.
pub fn record(
    request: &Request,
    discovery: Discovery,
    client: Client,
    stored: Option<&Credentials>,
) -> Credentials {
    let server = discovery.server;
    Credentials {
        options: defaults::options(request, stored),
        server: request.key.server.clone(),
        profile: request.key.profile.clone(),
        generation: 0,
        issuer: server.issuer,
        resource: discovery.resource,
        grant: request.grant.into(),
        registration: client.kind.into(),
        client_id: client.id,
        client_secret: client.secret,
        client_secret_expires_at: client.secret_expires_at.map(Time::at),
        client_key: client.key.map(ClientKey::into_record),
        client_auth: client.auth.into(),
        redirect_uri: String::new(),
        token_endpoint: server.token_endpoint.into(),
        revocation_endpoint: server.revocation_endpoint.map(String::from),
        scopes: Vec::new(),
        scopes_requested: Vec::new(),
        provider: request.provider.map(|provider| provider.name.to_owned()),
        account: None,
        access_token: Secret::new(""),
        token_type: TokenType::Bearer.into(),
        dpop_key: None,
        refresh_token: None,
        obtained_at: Time::at(0),
        expires_at: Some(Time::at(0)),
        needs_login: false,
        handed_over: None,
        id_token: None,
        unattended: Unattended::default(),
        rest: serde_json::Map::new(),
    }
}

/// Returns the metadata of the authorization server of a stored login, as in RFC 8414, from when it was last logged in to;
/// `None` if it is not known any more, or the login is older.
pub fn metadata(cache: &Cache, stored: &Credentials) -> Option<Value> {
    let document: Value = cache.get("servers", &stored.issuer)?;
    (document["token_endpoint"] == stored.token_endpoint).then_some(document)
}
