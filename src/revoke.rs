//! The last step: giving tokens back to the authorization server.

use http::header::AUTHORIZATION;
use url::form_urlencoded::{byte_serialize, Serializer};
use url::Url;
use zeroize::Zeroizing;

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;

use crate::http::{Http, HttpError, Redirects};
use crate::oauth::client::{Client, ClientAuth};
use crate::oauth::secret::Secret;
use crate::oauth::text::printable;
use crate::oauth::token;

/// Why a token was not given back.
#[derive(Debug, thiserror::Error)]
pub enum RevokeError {
    /// The server refused.
    #[error("the revocation endpoint answered with status {status}{}", .error.as_ref().map(|error| format!(": {}", printable(error))).unwrap_or_default())]
    Refused {
        /// The status code.
        status: u16,
        /// The error code of the answer.
        error: Option<String>,
    },
    /// The request came to nothing.
    #[error(transparent)]
    Http(#[from] HttpError),
}

/// Gives a token back. `kind` is `refresh_token` or `access_token`. A token that the server does not know is fine.
///
/// # Errors
///
/// A [`RevokeError`]; the token may still be good.
///
/// Spec: RFC 7009 sections 2.1 and 2.2.
pub fn revoke(endpoint: &Url, client: &Client, token: &Secret, kind: &str, http: &Http) -> Result<(), RevokeError> {
    match send(endpoint, client, token, kind, http, None) {
        // Deviates: servers on the Python SDK want the member even of a client that has no secret.
        Err(RevokeError::Refused { status: 400 | 401, .. }) if client.auth == ClientAuth::None => {
            send(endpoint, client, token, kind, http, Some(&Secret::new("")))
        }
        result => result,
    }
}

fn send(
    endpoint: &Url,
    client: &Client,
    token: &Secret,
    kind: &str,
    http: &Http,
    empty: Option<&Secret>,
) -> Result<(), RevokeError> {
    let mut form = Serializer::new(String::new());
    form.append_pair("token", token.expose()).append_pair("token_type_hint", kind).append_pair("client_id", &client.id);
    let secret = client.secret.as_ref();
    if let Some(secret) = secret.filter(|_| client.auth == ClientAuth::Post).or(empty) {
        form.append_pair("client_secret", secret.expose());
    }
    let body = Zeroizing::new(form.finish());
    let basic = secret.filter(|_| client.auth == ClientAuth::Basic).map(|secret| basic(&client.id, secret));
    let mut headers = vec![("Content-Type", "application/x-www-form-urlencoded")];
    headers.extend(basic.as_ref().map(|basic| (AUTHORIZATION.as_str(), basic.as_str())));
    let response = http.post(endpoint, &headers, body.as_bytes(), Redirects::Refuse)?;
    let status = response.status;
    if (200..300).contains(&status) {
        return Ok(());
    }
    let error = response.read().ok().and_then(|body| token::read_error(&body)).map(|(error, _)| error);
    Err(RevokeError::Refused { status, error })
}

/// Returns the header value for a client with a secret.
///
/// Spec: RFC 6749 section 2.3.1.
fn basic(id: &str, secret: &Secret) -> Zeroizing<String> {
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let pair = Zeroizing::new(format!("{}:{}", encoded(id), encoded(secret.expose())));
    Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())))
}
