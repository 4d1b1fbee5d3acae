//! Token requests of a client without a person.

use oauth2::{HttpRequest, Scope, TokenUrl};
use url::form_urlencoded;

use super::client_auth::{oauth2_client, AuthForm};
use super::{built, ExchangeError, IssuedTokens, TokenRequest};
use crate::oauth::callback::refusal_hint;
use crate::oauth::client::ClientAuth;

/// The grant type of a client that asks for itself. Spec: RFC 6749 section 4.4.2.
pub const CLIENT_CREDENTIALS: &str = "client_credentials";

/// The parameters of a token request, beside those of client authentication and the resource.
pub type GrantParameters<'a> = &'a [(&'static str, &'a str)];

impl ExchangeError {
    /// Returns what helps where a grant without a person is refused; `None` for any other error.
    pub fn grant_hint(&self) -> Option<&'static str> {
        let Self::Refused { words, .. } = self else {
            return None;
        };
        Some(match words.error.as_deref().unwrap_or_default() {
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
        parameters: GrantParameters,
        scopes: &[String],
    ) -> Result<IssuedTokens, ExchangeError> {
        let form = match self.client.auth {
            ClientAuth::None => AuthForm::Identifier,
            ClientAuth::Basic => AuthForm::Basic,
            ClientAuth::Post => AuthForm::Post,
            ClientAuth::PrivateKeyJwt => AuthForm::Assertion,
        };
        let build = || {
            let (client, own) = oauth2_client(self.client, form)?;
            let client = client.set_token_uri(TokenUrl::from_url(self.token_endpoint.clone()));
            let scopes = scopes.iter().cloned().map(Scope::new);
            let mut request = client.exchange_client_credentials().add_scopes(scopes);
            for (name, value) in self.extra_parameters(own) {
                request = request.add_extra_param(name, value);
            }
            for (name, value) in parameters {
                request = request.add_extra_param(*name, *value);
            }
            let request = built(|keep| request.request(&keep))?;
            Some(self.with_grant_type(request, grant_type))
        };
        self.send_with_retries(build, false)
    }

    /// Sets the grant type of a request: `oauth2` knows those of RFC 6749 only.
    fn with_grant_type(&self, request: HttpRequest, grant_type: &str) -> HttpRequest {
        let (head, body) = request.into_parts();
        let mut form = form_urlencoded::Serializer::new(String::new());
        for (name, value) in form_urlencoded::parse(&body) {
            match &*name {
                "grant_type" => form.append_pair(&name, grant_type),
                "client_id" if self.client.id.is_empty() => &mut form,
                _ => form.append_pair(&name, &value),
            };
        }
        HttpRequest::from_parts(head, form.finish().into_bytes())
    }
}
