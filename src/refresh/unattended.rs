//! New tokens for a login without a person: its grant is requested again, in place of spending a refresh token.

use super::{credential, id_jag, renewal, LockedLogin};
use crate::context::Settings;
use crate::error::Error;
use crate::http::Http;
use crate::oauth::grant::{CLIENT_CREDENTIALS, JWT_BEARER};
use crate::oauth::jwt::assertion::CLIENT_ASSERTION_TYPE;
use crate::oauth::secret::Secret;
use crate::oauth::text::printable;
use crate::oauth::token::TokenType;
use crate::os::clock::Deadline;
use crate::store::{Credentials, GrantType, StoreError, Stored};
use crate::token_endpoint::{assertion, client_of, ExchangeError, TokenRequest};

/// Requests new tokens, and returns the login with them. A refresh token that comes is not stored: the grant itself can be
/// requested again.
///
/// # Errors
///
/// [`Error::Grant`].
///
/// Spec: RFC 6749 section 4.4.3.
pub fn obtain(
    login: &Credentials,
    settings: &Settings,
    retry_until: Deadline,
) -> Result<Credentials, Error> {
    let http = Http::new(&settings.http, &login.typed_urls(), renewal::REQUEST_LIMIT);
    let failed = |source| failed(login, settings, source);
    let read = |assertion| {
        let read = assertion::read(assertion, login, &settings.http);
        read.map_err(|source| Error::Assertion {
            issuer: printable(&login.issuer),
            source,
        })
    };
    let platform = login.unattended.assertion.as_ref();
    let (grant_type, assertion) = match login.grant.known() {
        Some(GrantType::ClientCredentials) => (CLIENT_CREDENTIALS, platform.map(read).transpose()?),
        Some(GrantType::JwtBearer) => {
            let platform = platform.ok_or_else(|| failed(ExchangeError::Request))?;
            (JWT_BEARER, Some(read(platform)?))
        }
        Some(GrantType::IdJag) => {
            let assertion = id_jag::request(login, settings, &http, retry_until)?;
            (JWT_BEARER, Some(assertion))
        }
        _ => return Err(failed(ExchangeError::Request)),
    };
    let assertion = assertion.as_ref().map(Secret::expose);
    let parameters: Vec<_> = match (assertion, grant_type) {
        (None, _) => Vec::new(),
        (Some(assertion), JWT_BEARER) => vec![("assertion", assertion)],
        (Some(assertion), _) => vec![
            ("client_assertion_type", CLIENT_ASSERTION_TYPE),
            ("client_assertion", assertion),
        ],
    };
    let client = client_of(login)?;
    let send =
        |request: &TokenRequest| request.grant(grant_type, &parameters, &login.scopes_requested);
    let tokens = credential::request((login, &client), &http, retry_until, send).map_err(failed)?;
    if login.dpop_key.is_some() && tokens.token_type == TokenType::Bearer {
        credential::warn_of_no_binding();
    }
    Ok(login.clone().renewed(tokens, &login.scopes_requested))
}

/// Requests new tokens for a locked login, stores them, and returns the login as it is then.
pub(super) fn renew(
    locked: &LockedLogin,
    stored: &Stored,
    settings: &Settings,
    retry_until: Deadline,
) -> Result<Credentials, Error> {
    let key = &locked.id;
    let not_stored = |err: StoreError| Error::not_stored(key, err);
    locked
        .store
        .backend(stored)
        .prove_replaceable()
        .map_err(not_stored)?;
    let renewed = obtain(&stored.credentials, settings, retry_until)?;
    let now = renewal::store_renewed(locked, stored, renewed).map_err(not_stored)?;
    now.ok_or_else(|| renewal::logged_out(key, settings))
}

fn failed(login: &Credentials, settings: &Settings, source: ExchangeError) -> Error {
    let has_proof = login.dpop_key.is_some();
    let options: &[_] = match source.wants_proof() && !has_proof {
        true => &["--force", "--dpop"],
        false => &["--force"],
    };
    Error::Grant {
        issuer: printable(&login.issuer),
        // What is stored nowhere has no command that makes it again.
        login: (login.generation > 0).then(|| settings.login_again(login, options)),
        has_proof,
        source,
    }
}
