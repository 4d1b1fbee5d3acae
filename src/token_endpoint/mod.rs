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
pub use client_key::{client_of, AssertionOptions, ClientKeyError, GivenKey};
pub use device::{DeviceError, DeviceRequest, PollAnswer};
pub use exchange::{ExchangeError, IssuedTokens, TokenRequest};
pub use grant::{GrantParameters, CLIENT_CREDENTIALS};
pub use revoke::{RevocationEndpoint, RevokeError};

use std::cell::OnceCell;
use std::fmt;
use std::time::Duration;

use oauth2::{HttpRequest, HttpResponse};
use url::{form_urlencoded, Url};

use crate::failure::Hint;
use crate::http::{Http, HttpError, Redirects, Response};
use crate::oauth::client::Client;
use crate::oauth::secret::Secret;
use crate::os::clock::in_words;

/// Returns the request that `oauth2` has built; `None` if it could not. `oauth2` gives a request only to a function that sends
/// it, and reads the response itself, so `request` gets one that keeps the request instead.
fn built<T>(
    request: impl FnOnce(&dyn Fn(HttpRequest) -> Result<HttpResponse, fmt::Error>) -> T,
) -> Option<HttpRequest> {
    let built = OnceCell::new();
    request(&|request| {
        let _ = built.set(request);
        // An empty response ends the polls of `oauth2`; after an error it would go on.
        Ok(HttpResponse::default())
    });
    built.into_inner()
}

/// What to do about a client that the server does not accept.
const UNKNOWN_CLIENT: &str =
    "run the command again to register a new client; for a client of your own, check --client-id and --client-secret-file";

/// Returns what to do about a server that is busy.
fn busy_hint(retry_after: Option<Duration>) -> Hint {
    match retry_after.filter(|wanted| !wanted.is_zero()) {
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

/// Sends a request to `endpoint`.
fn send(http: &Http, endpoint: &Url, request: &HttpRequest) -> Result<Response, HttpError> {
    send_with(http, endpoint, request, None)
}

/// Sends a request to `endpoint`, with one more header.
fn send_with(
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
