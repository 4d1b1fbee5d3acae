//! Requests to the token endpoint and the revocation endpoint of an authorization server.
//!
//! The `oauth2` crate builds every request, `client_auth` decides how the client authenticates, and `oauth::token_endpoint`
//! reads the responses, more leniently than `oauth2` does.

pub mod assertion;
mod client_auth;
mod client_key;
mod device;
mod exchange;
mod grant;
mod revoke;

pub use assertion::AssertionError;
pub use client_key::{client_of, ClientKeyError, GivenKey};
pub use device::{DeviceError, DeviceRequest};
pub use exchange::{ExchangeError, TokenRequest};
pub use revoke::{revoke, RevokeError};

use std::time::Duration;

use oauth2::HttpRequest;
use url::{form_urlencoded, Url};
use zeroize::Zeroizing;

use crate::failure::{About, Hint};
use crate::http::{Http, HttpError, Redirects, Response};
use crate::oauth::client::Client;
use crate::oauth::secret::Secret;
use crate::oauth::token_endpoint::ErrorResponse;
use crate::os::clock::{in_words, Time};

/// What to do about a client that the server does not accept.
const UNKNOWN_CLIENT: &str =
    "run the command again to register a new client; for a client of your own, check --client-id and --client-secret-file";

/// Returns what to do about an error response: what is known of the provider; else what `other` says of its code.
fn hint_about(
    words: &ErrorResponse,
    about: &About,
    other: impl FnOnce(&str) -> &'static str,
) -> &'static str {
    let known = about.explain(words.code(), words.description.as_deref());
    known.unwrap_or_else(|| match words.code() {
        "invalid_client" => UNKNOWN_CLIENT,
        error => other(error),
    })
}

/// Longest time that a hint repeats: who is told to come back in a thousand years is told nothing.
const MAX_NAMED_TIME: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Returns what to do about a server that is busy.
fn busy_hint(retry_after: Option<Duration>) -> Hint {
    match retry_after.filter(|wanted| !wanted.is_zero() && *wanted <= MAX_NAMED_TIME) {
        Some(wanted) => format!("run the command again in {}", in_words(wanted)).into(),
        None => "run the command again in a while".into(),
    }
}

/// The parameters of a request that no error may quote.
const SECRET_PARAMETERS: [&str; 9] = [
    "assertion",
    "client_assertion",
    "client_secret",
    "code",
    "code_verifier",
    "device_code",
    "refresh_token",
    "subject_token",
    "token",
];

/// Returns the secrets in the body of a request, the client secret, and both as they are in the `Authorization` header.
fn secrets(request: &HttpRequest, client: &Client) -> Vec<Secret> {
    let header = request.headers().get("authorization");
    let basic = header.and_then(|header| header.to_str().ok()?.strip_prefix("Basic "));
    form_urlencoded::parse(request.body())
        .filter(|(name, _)| SECRET_PARAMETERS.contains(&&**name))
        .map(|(_, value)| Secret::new(value))
        .chain(client.secret.clone())
        .chain(basic.map(|basic| Secret::new(basic.to_owned())))
        .collect()
}

/// Sends a request to `endpoint`, with one more header if there is one.
fn send(
    http: &Http,
    endpoint: &Url,
    request: &HttpRequest,
    header: Option<(&str, &str)>,
) -> Result<Response, HttpError> {
    let headers: Vec<_> = request
        .headers()
        .iter()
        .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
        .chain(header)
        .collect();
    http.post(endpoint, &headers, request.body(), Redirects::Refuse)
}

/// A response that was read to its end.
struct EndpointResponse {
    status: u16,
    retry_after: Option<Duration>,
    date: Option<Time>,
    body: Zeroizing<Vec<u8>>,
    /// What no error may quote.
    secrets: Vec<Secret>,
}

impl EndpointResponse {
    fn read(response: Response, secrets: Vec<Secret>) -> Result<Self, HttpError> {
        Ok(Self {
            status: response.status,
            retry_after: response.retry_after(),
            date: response.date(),
            body: response.read()?.into(),
            secrets,
        })
    }
}
