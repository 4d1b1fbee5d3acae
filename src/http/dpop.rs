//! The credentials of requests: a token, and a proof of its key for each request if it is bound to one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use oauth2::CsrfToken;
use url::Url;
use zeroize::Zeroizing;

use super::Response;
use crate::oauth::challenge;
use crate::oauth::jwt::dpop::{is_nonce, DpopKey};
use crate::oauth::secret::Secret;
use crate::os::clock::Time;
use crate::os::sync::lock;

/// The bytes of the identifier of a proof.
const JTI_BYTES: u32 = 16;

/// Most servers whose nonces are kept.
const MAX_ORIGINS: usize = 64;

/// The newest nonce of each server, by its origin.
///
/// Spec: RFC 9449 sections 8.2 and 9.
#[derive(Clone, Debug, Default)]
pub struct Nonces(Arc<Mutex<BTreeMap<String, String>>>);

impl Nonces {
    /// Notes the nonce of a server; what cannot be one is ignored.
    pub fn learn(&self, url: &Url, nonce: Option<&str>) {
        let Some(nonce) = nonce.filter(|nonce| is_nonce(nonce)) else {
            return;
        };
        let mut nonces = lock(&self.0);
        let origin = url.origin().ascii_serialization();
        if nonces.len() < MAX_ORIGINS || nonces.contains_key(&origin) {
            nonces.insert(origin, nonce.to_owned());
        }
    }

    fn of(&self, url: &Url) -> Option<String> {
        let nonces = lock(&self.0);
        nonces.get(&url.origin().ascii_serialization()).cloned()
    }
}

/// The key of a login, and the nonces that its servers want.
#[derive(Clone, Debug)]
pub struct Dpop {
    key: Arc<DpopKey>,
    nonces: Nonces,
}

impl Dpop {
    /// Returns the key with the nonces that are known.
    pub fn new(key: DpopKey, nonces: Nonces) -> Self {
        Self {
            key: Arc::new(key),
            nonces,
        }
    }

    /// Returns the key.
    pub fn key(&self) -> &DpopKey {
        &self.key
    }

    /// Returns a proof for one request now, with the newest nonce of its server; `None` if the key cannot sign.
    pub fn proof(&self, method: &str, url: &Url, token: Option<&Secret>) -> Option<Secret> {
        let jti = CsrfToken::new_random_len(JTI_BYTES).into_secret();
        let nonce = self.nonces.of(url);
        let at = (Time::now(), jti.as_str());
        self.key.proof((method, url), token, nonce.as_deref(), at)
    }

    /// Notes the nonce in a response, whatever its status is, and returns whether there is one.
    pub fn learn(&self, url: &Url, response: &Response) -> bool {
        let nonce = response.header("dpop-nonce");
        self.nonces.learn(url, nonce);
        nonce.is_some_and(is_nonce)
    }
}

/// The credentials of requests to a resource.
pub struct TokenCredential {
    token: Secret,
    dpop: Option<Dpop>,
}

impl TokenCredential {
    /// Returns the credentials that an access token is; `dpop` has the key that it is bound to.
    pub fn new(token: &Secret, dpop: Option<Dpop>) -> Self {
        Self {
            token: token.clone(),
            dpop,
        }
    }

    /// Returns the access token.
    pub fn token(&self) -> &Secret {
        &self.token
    }

    /// Returns the `Authorization` header.
    ///
    /// Spec: RFC 6750 section 2.1; RFC 9449 section 7.1.
    pub fn authorization(&self) -> (&'static str, Zeroizing<String>) {
        let scheme = match self.dpop {
            Some(_) => "DPoP",
            None => "Bearer",
        };
        let value = format!("{scheme} {}", self.token.expose());
        ("Authorization", Zeroizing::new(value))
    }

    /// Returns the headers of one request: `Authorization`, and `DPoP` with a proof if the token is bound.
    ///
    /// Spec: RFC 9449 section 7.1.
    pub fn headers(&self, method: &str, url: &Url) -> Vec<(&'static str, Zeroizing<String>)> {
        let mut headers = vec![self.authorization()];
        let proof = |dpop: &Dpop| dpop.proof(method, url, Some(&self.token));
        if let Some(proof) = self.dpop.as_ref().and_then(proof) {
            headers.push(("DPoP", Zeroizing::new(proof.expose().to_owned())));
        }
        headers
    }

    /// Sends a request with these credentials; once more if the server wants a proof with the nonce that it names.
    ///
    /// # Errors
    ///
    /// The error of the last request.
    ///
    /// Spec: RFC 9449 section 9.
    pub fn send<E>(
        &self,
        method: &str,
        url: &Url,
        mut send: impl FnMut(&[(&str, &str)]) -> Result<Response, E>,
    ) -> Result<Response, E> {
        let send = || {
            let headers = self.headers(method, url);
            let headers: Vec<_> = headers
                .iter()
                .map(|(name, it)| (*name, it.as_str()))
                .collect();
            let response = send(&headers)?;
            let has_nonce = self
                .dpop
                .as_ref()
                .is_some_and(|it| it.learn(url, &response));
            Ok((response, has_nonce))
        };
        send_with_nonce(send, wants_nonce)
    }
}

/// Sends a request, and once more if the server wants a proof with the nonce that its response names: it has not served the
/// first one. `send` makes the proof, and returns also whether the response has a nonce.
///
/// # Errors
///
/// The error of the last request.
///
/// Spec: RFC 9449 sections 8 and 9.
pub fn send_with_nonce<T, E>(
    mut send: impl FnMut() -> Result<(T, bool), E>,
    wants_nonce: impl FnOnce(&T) -> bool,
) -> Result<T, E> {
    let (first, has_nonce) = send()?;
    if !has_nonce || !wants_nonce(&first) {
        return Ok(first);
    }
    log::info!("the server wants a nonce in the proof");
    Ok(send()?.0)
}

/// Tells whether a resource refuses a proof for want of a nonce.
fn wants_nonce(response: &Response) -> bool {
    let challenges = challenge::parse(response.header_values("www-authenticate"));
    let is_meant = |it: &challenge::Challenge| it.parameter("error") == Some("use_dpop_nonce");
    response.status == 401 && challenges.iter().any(is_meant)
}
