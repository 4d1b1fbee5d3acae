//! Token requests of a client without a person.

use super::client_auth::AuthForm;
use super::{ExchangeError, TokenRequest};
use crate::oauth::callback::refusal_hint;
use crate::oauth::client::ClientAuth;
use crate::oauth::token::Tokens;

impl ExchangeError {
    /// Returns what helps where a grant without a person is refused; `None` for any other error.
    pub fn grant_hint(&self) -> Option<&'static str> {
        let Self::Refused { words, .. } = self else {
            return None;
        };
        Some(match words.code() {
            "invalid_client" => {
                "check --client-id, and the secret, key or assertion that the client authenticates with"
            }
            "unauthorized_client" | "unsupported_grant_type" | "access_denied" => {
                "ask the operator of the authorization server to allow this client this grant"
            }
            "invalid_grant" => {
                "compare the issuer, subject and audience of the assertion with what the authorization server trusts"
            }
            error => refusal_hint(error),
        })
    }
}

impl TokenRequest<'_> {
    /// Requests tokens by a grant without a person. It is sent again only where the server cannot have received it, or was
    /// too busy: no other form of client authentication is tried. A client without an identifier does not show itself.
    ///
    /// # Errors
    ///
    /// An [`ExchangeError`].
    ///
    /// Spec: RFC 6749 section 4.4; RFC 7523 sections 2.1 and 2.2; RFC 8693 section 2.1; RFC 8707 section 2.2.
    pub fn grant(
        &self,
        grant_type: &str,
        parameters: &[(&str, &str)],
        scopes: &[String],
    ) -> Result<Tokens, ExchangeError> {
        let form = match self.client.auth {
            ClientAuth::None => AuthForm::Identifier,
            ClientAuth::Basic => AuthForm::Basic,
            ClientAuth::Post => AuthForm::Post,
            ClientAuth::PrivateKeyJwt => AuthForm::Assertion,
        };
        let scope = scopes.join(" ");
        let scope = (!scope.is_empty()).then_some(("scope", scope.as_str()));
        let grant_type = [("grant_type", grant_type)];
        let parameters = [&grant_type[..], scope.as_slice(), parameters].concat();
        self.send_with_retries(form, &parameters, false)
    }
}
