//! A login as the credentials of requests: a Bearer token, or one that needs a proof for each request.

use crate::http::dpop::{Dpop, Nonces, TokenCredential};
use crate::oauth::jwt::dpop::DpopKey;
use crate::store::Credentials;
use crate::warning::warn_user;

/// Returns the key that the tokens of a login are bound to, with the nonces that are known; `None` if they are not.
pub fn dpop(login: &Credentials, nonces: &Nonces) -> Option<Dpop> {
    let key = DpopKey::read(login.dpop_key.as_ref()?)?;
    Some(Dpop::new(key, nonces.clone()))
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
