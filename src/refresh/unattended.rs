//! New tokens for a login without a person: its grant is requested again, in place of spending a refresh token.

use super::{credential, id_jag, renewal, LockedLogin};
use crate::context::Settings;
use crate::error::Error;
use crate::http::Http;
use crate::oauth::grant::{Assertion, JWT_BEARER};
use crate::oauth::jwt::assertion::CLIENT_ASSERTION_TYPE;
use crate::oauth::secret::Secret;
use crate::oauth::text::printable;
use crate::oauth::token::TokenType;
use crate::os::clock::Deadline;
use crate::store::{Credentials, GrantType, StoreError, Stored};
use crate::token_endpoint::{
    assertion, client_of, ExchangeError, GrantParameters, TokenRequest, CLIENT_CREDENTIALS,
};

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
    let request = GrantRequest {
        login,
        settings,
        http: &http,
        retry_until,
    };
    match login.grant.known() {
        Some(GrantType::ClientCredentials) => match &login.unattended.assertion {
            None => request.send(CLIENT_CREDENTIALS, &[]),
            Some(assertion) => {
                let assertion = request.assertion(assertion)?;
                let parameters = [
                    ("client_assertion_type", CLIENT_ASSERTION_TYPE),
                    ("client_assertion", assertion.expose()),
                ];
                request.send(CLIENT_CREDENTIALS, &parameters)
            }
        },
        Some(GrantType::JwtBearer) => match &login.unattended.assertion {
            None => Err(request.failed(ExchangeError::Request)),
            Some(assertion) => {
                let assertion = request.assertion(assertion)?;
                request.send(JWT_BEARER, &[("assertion", assertion.expose())])
            }
        },
        Some(GrantType::IdJag) => {
            let assertion = id_jag::request(login, settings, &http, retry_until)?;
            request.send(JWT_BEARER, &[("assertion", assertion.expose())])
        }
        _ => Err(request.failed(ExchangeError::Request)),
    }
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

/// A request by the grant of a login.
struct GrantRequest<'a> {
    login: &'a Credentials,
    settings: &'a Settings,
    http: &'a Http,
    retry_until: Deadline,
}

impl GrantRequest<'_> {
    fn send(&self, grant_type: &str, parameters: GrantParameters) -> Result<Credentials, Error> {
        let login = self.login;
        let client = client_of(login)?;
        let send =
            |request: &TokenRequest| request.grant(grant_type, parameters, &login.scopes_requested);
        let tokens = credential::request((login, &client), self.http, self.retry_until, send)
            .map_err(|source| self.failed(source))?;
        if login.dpop_key.is_some() && tokens.token_type == TokenType::Bearer {
            credential::warn_of_no_binding();
        }
        Ok(login.clone().renewed(tokens, &login.scopes_requested))
    }

    /// Reads the JWT of the platform.
    fn assertion(&self, assertion: &Assertion) -> Result<Secret, Error> {
        assertion::read(assertion, self.login, &self.settings.http).map_err(|source| {
            Error::Assertion {
                issuer: printable(&self.login.issuer),
                source,
            }
        })
    }

    fn failed(&self, source: ExchangeError) -> Error {
        let has_proof = self.login.dpop_key.is_some();
        let options: &[_] = match source.wants_proof() && !has_proof {
            true => &["--force", "--dpop"],
            false => &["--force"],
        };
        Error::Grant {
            issuer: printable(&self.login.issuer),
            // What is stored nowhere has no command that makes it again.
            login: (self.login.generation > 0)
                .then(|| self.settings.login_again(self.login, options)),
            has_proof,
            source,
        }
    }
}
