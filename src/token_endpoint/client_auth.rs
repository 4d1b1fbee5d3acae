//! Client authentication: how a request shows which client sends it.

use oauth2::basic::BasicClient;
use oauth2::{AuthType, ClientId, ClientSecret, CsrfToken};

use crate::oauth::client::{Client, ClientAuth};
use crate::oauth::jwt::assertion::CLIENT_ASSERTION_TYPE;
use crate::os::clock::Time;

/// The bytes of the identifier of an assertion.
const JTI_BYTES: u32 = 16;

/// The endpoint that a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    Token,
    Revocation,
}

/// A form of client authentication.
///
/// Spec: RFC 6749 section 2.3.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AuthForm {
    /// The client identifier in the body.
    Identifier,
    /// The client identifier and an empty secret in the body.
    EmptySecret,
    /// The client identifier and the secret in the body.
    Post,
    /// The `Authorization` header, and the client identifier in the body.
    BasicAndIdentifier,
    /// The `Authorization` header alone.
    Basic,
    /// The client identifier and an assertion in the body. Spec: RFC 7523 section 2.2.
    Assertion,
}

/// Parameters of a request.
pub(super) type Parameters = Vec<(&'static str, String)>;

/// The parameter that holds an assertion of the client.
const ASSERTION_PARAMETER: &str = "client_assertion";

/// Returns the forms in which a client authenticates, in the order in which they are tried.
fn forms(client: &Client, endpoint: Endpoint) -> (AuthForm, &'static [AuthForm]) {
    match (client.auth, endpoint) {
        (ClientAuth::Post, _) => (AuthForm::Post, &[]),
        // Never a second one with another audience: that is what a server that collects assertions wants.
        (ClientAuth::PrivateKeyJwt, _) => (AuthForm::Assertion, &[]),
        // Deviates: RFC 6749 section 2.3.1 has no client_id in the body with Basic; servers on the Python SDK want it.
        (ClientAuth::Basic, _) => (AuthForm::BasicAndIdentifier, &[AuthForm::Basic]),
        (ClientAuth::None, Endpoint::Token) => (AuthForm::Identifier, &[]),
        // Deviates: canaille gives public clients a secret, and wants it at this endpoint.
        (ClientAuth::None, Endpoint::Revocation) if client.secret.is_some() => (
            AuthForm::Identifier,
            &[AuthForm::Basic, AuthForm::EmptySecret],
        ),
        // Deviates: servers on the Python SDK want client_secret even from a client that has none.
        (ClientAuth::None, Endpoint::Revocation) => {
            (AuthForm::Identifier, &[AuthForm::EmptySecret])
        }
    }
}

/// Sends a request in one form after another, until an error is not about the client. If every error is, the first one
/// counts. A server that did not authenticate the client has not used up the code or token in the request.
///
/// Spec: RFC 6749 section 2.3: a request uses one form only.
pub(super) fn authenticate<T, E>(
    client: &Client,
    endpoint: Endpoint,
    mut send: impl FnMut(AuthForm) -> Result<T, E>,
    is_about_client: impl Fn(&E) -> bool,
) -> Result<T, E> {
    let is_about_client = |result: &Result<T, E>| result.as_ref().is_err_and(&is_about_client);
    let (form, others) = forms(client, endpoint);
    let first = send(form);
    if is_about_client(&first) {
        for form in others {
            log::debug!("trying another form of client authentication: {form:?}");
            let next = send(*form);
            if !is_about_client(&next) {
                return next;
            }
        }
    }
    first
}

/// Returns the client of `oauth2` that authenticates in this form, and the parameters that it does not set itself; `None` if
/// there is no assertion. Each call makes another one.
pub(super) fn oauth2_client(client: &Client, form: AuthForm) -> Option<(BasicClient, Parameters)> {
    let secret = client.secret.as_ref().map(|secret| secret.expose());
    let secret = match form {
        AuthForm::Identifier | AuthForm::Assertion => None,
        AuthForm::EmptySecret => Some(""),
        AuthForm::Post | AuthForm::BasicAndIdentifier | AuthForm::Basic => secret,
    };
    let auth_type = match form {
        AuthForm::BasicAndIdentifier | AuthForm::Basic => AuthType::BasicAuth,
        _ => AuthType::RequestBody,
    };
    let mut builder = BasicClient::new(ClientId::new(client.id.clone())).set_auth_type(auth_type);
    if let Some(secret) = secret {
        builder = builder.set_client_secret(ClientSecret::new(secret.to_owned()));
    }
    let mut parameters = Parameters::new();
    // Without a secret, `oauth2` puts the identifier into the body in any case.
    if form == AuthForm::BasicAndIdentifier && secret.is_some() {
        parameters.push(("client_id", client.id.clone()));
    }
    if form == AuthForm::Assertion {
        let jti = CsrfToken::new_random_len(JTI_BYTES).into_secret();
        let key = client.key.as_ref()?;
        let assertion = key.assertion(&client.id, Time::now(), &jti)?;
        parameters.push(("client_assertion_type", CLIENT_ASSERTION_TYPE.to_owned()));
        parameters.push((ASSERTION_PARAMETER, assertion.expose().to_owned()));
    }
    Some((builder, parameters))
}

#[cfg(test)]
mod tests {
    use super::AuthForm::{Assertion, Basic, BasicAndIdentifier, EmptySecret, Identifier, Post};
    use super::*;
    use crate::oauth::client::RegistrationKind;
    use crate::oauth::secret::Secret;

    fn client(auth: ClientAuth, secret: Option<&str>) -> Client {
        Client {
            id: "me".to_owned(),
            secret: secret.map(Secret::new),
            secret_expires_at: None,
            key: None,
            auth,
            kind: RegistrationKind::Dynamic,
        }
    }

    /// Returns the forms that were tried when the server refuses all but the last `accepted`.
    fn tried(client: &Client, endpoint: Endpoint, refused: usize) -> (Vec<AuthForm>, bool) {
        let mut tried = Vec::new();
        let send = |form| {
            tried.push(form);
            match tried.len() > refused {
                true => Ok(()),
                false => Err("invalid_client"),
            }
        };
        let result = authenticate(client, endpoint, send, |err| *err == "invalid_client");
        (tried, result.is_ok())
    }

    #[test]
    fn each_endpoint_has_its_forms_in_order() {
        for (auth, secret, endpoint, expected) in [
            (ClientAuth::None, None, Endpoint::Token, &[Identifier][..]),
            (ClientAuth::None, Some("s"), Endpoint::Token, &[Identifier]),
            (ClientAuth::Post, Some("s"), Endpoint::Token, &[Post]),
            (
                ClientAuth::Basic,
                Some("s"),
                Endpoint::Token,
                &[BasicAndIdentifier, Basic],
            ),
            (
                ClientAuth::Basic,
                Some("s"),
                Endpoint::Revocation,
                &[BasicAndIdentifier, Basic],
            ),
            (ClientAuth::Post, Some("s"), Endpoint::Revocation, &[Post]),
            (
                ClientAuth::PrivateKeyJwt,
                None,
                Endpoint::Token,
                &[Assertion],
            ),
            (
                ClientAuth::PrivateKeyJwt,
                None,
                Endpoint::Revocation,
                &[Assertion],
            ),
            (
                ClientAuth::None,
                None,
                Endpoint::Revocation,
                &[Identifier, EmptySecret],
            ),
            (
                ClientAuth::None,
                Some("s"),
                Endpoint::Revocation,
                &[Identifier, Basic, EmptySecret],
            ),
        ] {
            let client = client(auth, secret);
            for accepted in 0..expected.len() {
                let (forms, is_ok) = tried(&client, endpoint, accepted);
                assert_eq!((forms.as_slice(), is_ok), (&expected[..=accepted], true));
            }
            let (forms, is_ok) = tried(&client, endpoint, expected.len());
            assert_eq!((forms.as_slice(), is_ok), (expected, false));
        }
    }

    #[test]
    fn an_error_that_is_not_about_the_client_ends_the_attempts() {
        let client = client(ClientAuth::Basic, Some("s"));
        let mut tries = 0;
        let send = |_| {
            tries += 1;
            Err::<(), _>("invalid_grant")
        };
        let result = authenticate(&client, Endpoint::Token, send, |err| {
            *err != "invalid_grant"
        });
        assert_eq!((result, tries), (Err("invalid_grant"), 1));
    }
}
