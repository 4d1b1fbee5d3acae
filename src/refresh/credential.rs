//! A login as the credentials of requests: a Bearer token, or one that needs a proof for each request.

use url::Url;

use crate::http::dpop::{Dpop, Nonces, TokenCredential};
use crate::http::Http;
use crate::oauth::client::Client;
use crate::oauth::jwt::dpop::DpopKey;
use crate::oauth::token::Tokens;
use crate::os::clock::Deadline;
use crate::store::Credentials;
use crate::token_endpoint::{ExchangeError, TokenRequest};
use crate::warning::warn_user;

/// Returns the key that the tokens of a login are bound to, with the nonces that are known; `None` if they are not.
pub fn dpop(login: &Credentials, nonces: &Nonces) -> Option<Dpop> {
    let key = DpopKey::read(login.dpop_key.as_ref()?)?;
    Some(Dpop::new(key, nonces.clone()))
}

/// Requests tokens at the token endpoint of a login, as its client.
pub(super) fn request(
    (login, client): (&Credentials, &Client),
    http: &Http,
    retry_until: Deadline,
    send: impl FnOnce(&TokenRequest) -> Result<Tokens, ExchangeError>,
) -> Result<Tokens, ExchangeError> {
    let token_endpoint = Url::parse(&login.token_endpoint).map_err(|_| ExchangeError::Request)?;
    let dpop = dpop(login, &Nonces::default());
    let request = TokenRequest {
        dpop: dpop.as_ref(),
        token_endpoint: &token_endpoint,
        client,
        resource: login.resource.as_deref(),
        http,
        retry_until,
    };
    send(&request)
}

/// Returns the credentials of requests to the server of a login.
pub fn credential(login: &Credentials, nonces: &Nonces) -> TokenCredential {
    let dpop = dpop(login, nonces).filter(|_| login.is_bound());
    TokenCredential::new(&login.access_token, dpop)
}

/// Warns that an authorization server ignores proofs.
pub fn warn_of_no_binding() {
    warn_user!(
        DpopIgnored,
        "the authorization server does not bind tokens to a key: whoever has this one can use it"
    );
}
