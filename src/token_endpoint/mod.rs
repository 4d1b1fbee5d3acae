//! Requests to the token endpoint and the revocation endpoint of an authorization server.
//!
//! The `oauth2` crate builds every request, `client_auth` decides how the client authenticates, and `oauth::token_endpoint`
//! reads the responses, more leniently than `oauth2` does.

mod client_auth;
mod exchange;
mod revoke;

pub use exchange::{ExchangeError, IssuedTokens, TokenRequest};
pub use revoke::{RevocationEndpoint, RevokeError};

use std::fmt;

use oauth2::{ErrorResponse, HttpRequest, HttpResponse, RequestTokenError};
use url::Url;

use crate::http::{Http, HttpError, Redirects, Response};

/// A request that `oauth2` has built. It is carried as an error, for `oauth2` gives a request only to a function that sends
/// it, and reads the response itself.
#[derive(thiserror::Error)]
#[error("the request was not sent")]
struct BuiltRequest(Box<HttpRequest>);

impl fmt::Debug for BuiltRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The request holds secrets.
        formatter.write_str("BuiltRequest")
    }
}

/// Takes the place of the function that sends a request of `oauth2`.
fn keep_request(request: HttpRequest) -> Result<HttpResponse, BuiltRequest> {
    Err(BuiltRequest(Box::new(request)))
}

/// Returns the request that was given to [`keep_request`]; `None` if `oauth2` could not build it.
fn built<T, E: ErrorResponse>(
    result: Result<T, RequestTokenError<BuiltRequest, E>>,
) -> Option<HttpRequest> {
    match result {
        Err(RequestTokenError::Request(BuiltRequest(request))) => Some(*request),
        _ => None,
    }
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
