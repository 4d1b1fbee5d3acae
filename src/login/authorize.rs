//! The authorization request, with a state and a verifier that no one can guess.

use oauth2::{CsrfToken, PkceCodeChallenge, PkceCodeVerifier};

use super::pending::{PendingAnswer, PendingAuthorization, Preparation};
use crate::error::Error;
use crate::oauth::authorization::AuthorizationRequest;
use crate::oauth::callback::ExpectedResponse;
use crate::oauth::client::Client;
use crate::oauth::metadata::AuthorizationServer;
use crate::oauth::secret::Secret;

/// Bytes of randomness in a state.
const STATE_BYTES: u32 = 32;

/// An authorization request, and what its answer has to carry.
#[derive(Debug)]
pub struct Authorization {
    /// The URL for the browser.
    pub url: String,
    /// What the answer has to carry.
    pub expected: ExpectedResponse,
    /// The PKCE code verifier.
    pub verifier: PkceCodeVerifier,
    /// The nonce that an ID token has to carry; `None` if none was sent. Spec: OpenID Connect Core 1.0 section 3.1.3.7.
    pub nonce: Option<Secret>,
}

impl Authorization {
    /// Prepares a request, and records the issuer that its answer has to come from.
    ///
    /// # Errors
    ///
    /// If the redirect URI is no URL.
    ///
    /// Spec: RFC 7636 section 7.1; MCP 2026-07-28, Authorization Response Validation.
    pub fn new(
        request: &AuthorizationRequest,
        server: &AuthorizationServer,
    ) -> Result<Self, url::ParseError> {
        let random = || Secret::new(CsrfToken::new_random_len(STATE_BYTES).into_secret());
        let (_, verifier) = PkceCodeChallenge::new_random_sha256();
        let state = random();
        let nonce = match request.given("nonce") {
            Some(given) => Some(Secret::new(given)),
            None => request.asks_for_identity().then(random),
        };
        let url = request.url(&state, &verifier, nonce.as_ref())?;
        let expected = ExpectedResponse {
            state,
            issuer: server.issuer.clone(),
            iss_promised: server.iss_promised,
        };
        Ok(Self {
            url,
            expected,
            verifier,
            nonce,
        })
    }
}

/// Prepares the authorization request. The issuer is recorded here, before any browser opens.
pub fn authorize(preparation: Preparation, client: Client) -> Result<PendingAuthorization, Error> {
    let Preparation {
        request, discovery, ..
    } = &preparation;
    let redirect_uri = &preparation.redirect_uri;
    let by_standard = request.hints_by_standard();
    let mut extra = request.parameters.clone();
    // Spec: RFC 9449 section 10: a stolen code is of no use without the key.
    let thumbprint = preparation.dpop.as_ref().map(|it| it.key().thumbprint());
    extra.extend(thumbprint.map(|it| ("dpop_jkt".to_owned(), it)));
    let parameters = AuthorizationRequest {
        endpoint: &discovery.server.authorization_endpoint,
        client_id: &client.id,
        redirect_uri,
        scopes: &preparation.scopes,
        resource: discovery.resource.as_deref(),
        login_hint: request.login_hint.as_deref().filter(|_| by_standard),
        extra: &extra,
    };
    let authorization =
        Authorization::new(&parameters, &discovery.server).map_err(|err| Error::Usage {
            message: format!("the redirect URI {redirect_uri} cannot be used: {err}"),
            hint: None,
        })?;
    Ok(PendingAuthorization {
        preparation,
        client,
        answer: PendingAnswer::Redirect(authorization),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use url::Url;

    use super::*;

    #[test]
    fn b7_states_and_verifiers_are_long_plain_and_never_repeat() {
        let mut seen = BTreeSet::new();
        let server =
            AuthorizationServer::assumed_at(&Url::parse("https://as.example").expect("a URL"));
        let request = AuthorizationRequest {
            endpoint: &server.authorization_endpoint,
            client_id: "c",
            redirect_uri: "http://127.0.0.1:1/callback",
            scopes: &["openid".to_owned()],
            resource: None,
            login_hint: None,
            extra: &[],
        };
        for _ in 0..5_000 {
            let authorization = Authorization::new(&request, &server).expect("a request");
            let nonce = authorization.nonce.as_ref().expect("a nonce");
            for secret in [
                authorization.expected.state.expose(),
                authorization.verifier.secret(),
                nonce.expose(),
            ] {
                assert_eq!(secret.len(), 43);
                assert!(
                    secret
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)),
                    "{secret}"
                );
                assert!(seen.insert(secret.to_owned()));
            }
        }
    }
}
