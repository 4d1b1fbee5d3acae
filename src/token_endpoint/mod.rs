//! Requests to the token endpoint and the revocation endpoint of an authorization server.
//!
//! The `oauth2` crate builds every request, `client_auth` decides how the client authenticates, and `oauth::token_endpoint`
//! reads the responses, more leniently than `oauth2` does.

mod client_auth;
mod exchange;
mod revoke;

pub use exchange::{ExchangeError, IssuedTokens, TokenRequest};
pub use revoke::{RevocationEndpoint, RevokeError};

use std::cell::OnceCell;
use std::fmt;

use oauth2::{HttpRequest, HttpResponse};
use url::Url;

use crate::http::{Http, HttpError, Redirects, Response};

/// Returns the request that `oauth2` has built; `None` if it could not. `oauth2` gives a request only to a function that sends
/// it, and reads the response itself, so `request` gets one that keeps the request instead.
fn built<T>(
    request: impl FnOnce(&dyn Fn(HttpRequest) -> Result<HttpResponse, fmt::Error>) -> T,
) -> Option<HttpRequest> {
    let built = OnceCell::new();
    request(&|request| {
        let _ = built.set(request);
        Err(fmt::Error)
    });
    built.into_inner()
}

/// Sends a request to `endpoint`.
fn send(http: &Http, endpoint: &Url, request: &HttpRequest) -> Result<Response, HttpError> {
    let headers: Vec<_> = request
        .headers()
        .iter()
        .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
        .collect();
    http.post(endpoint, &headers, request.body(), Redirects::Refuse)
}
