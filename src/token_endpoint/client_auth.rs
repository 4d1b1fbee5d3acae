//! Client authentication: how a request shows which client sends it.

use std::cell::OnceCell;
use std::fmt;

use oauth2::basic::BasicClient;
use oauth2::{AuthType, ClientId, ClientSecret, CsrfToken, HttpRequest, HttpResponse, TokenUrl};
use url::{form_urlencoded, Url};

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
    /// The `Authorization` header, and the client identifier and an empty secret in the body.
    BasicAndEmptySecret,
    /// The `Authorization` header alone.
    Basic,
    /// The client identifier and an assertion in the body. Spec: RFC 7523 section 2.2.
    Assertion,
}

/// Returns the forms in which a client authenticates, in the order in which they are tried: the registered one first. Another
/// one is tried where repeating a request costs nothing, as at the revocation endpoint, for which the metadata may name other
/// methods, and means `client_secret_basic` if it names none.
///
/// Spec: RFC 7009 section 2.1; RFC 8414 section 2.
fn forms(client: &Client, endpoint: Endpoint) -> (AuthForm, &'static [AuthForm]) {
    use AuthForm::*;
    match (client.auth, endpoint) {
        (ClientAuth::None, Endpoint::Token) => (Identifier, &[]),
        (ClientAuth::Post, Endpoint::Token) => (Post, &[]),
        (ClientAuth::Post, Endpoint::Revocation) => (Post, &[Basic, BasicAndIdentifier]),
        // Never a second one with another audience: that is what a server that collects assertions wants.
        (ClientAuth::PrivateKeyJwt, _) => (Assertion, &[]),
        // Deviates: RFC 6749 section 2.3.1 has no client_id in the body with Basic; servers on the Python SDK want it,
        // or the secret in the body, for they do not decode it in the header,
        (ClientAuth::Basic, Endpoint::Token) => (BasicAndIdentifier, &[Basic, Post]),
        // and for a revocation client_secret as well, whatever it says.
        (ClientAuth::Basic, Endpoint::Revocation) => {
            (BasicAndIdentifier, &[Basic, Post, BasicAndEmptySecret])
        }
        // Deviates: canaille gives public clients a secret, and wants it at this endpoint.
        (ClientAuth::None, _) if client.secret.is_some() => (Identifier, &[Basic, EmptySecret]),
        // Deviates: servers on the Python SDK want client_secret even from a client that has none.
        (ClientAuth::None, Endpoint::Revocation) => (Identifier, &[EmptySecret]),
    }
}

/// Sends a request in one form after another, until an outcome is not about the client. If every one is, the first one
/// counts. A server that did not authenticate the client has not used up the code or token in the request.
///
/// Spec: RFC 6749 section 2.3: a request uses one form only.
pub(super) fn authenticate<T>(
    client: &Client,
    endpoint: Endpoint,
    mut send: impl FnMut(AuthForm) -> T,
    is_about_client: impl Fn(&T) -> bool,
) -> T {
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

/// Builds a request to an endpoint with these parameters, in which the client authenticates in this form; `None` if it cannot be
/// built. Each call makes another assertion.
pub(super) fn build(
    client: &Client,
    form: AuthForm,
    endpoint: &Url,
    parameters: &[(&str, &str)],
) -> Option<HttpRequest> {
    let secret = client.secret.as_ref().map(|secret| secret.expose());
    let secret = match form {
        AuthForm::Identifier | AuthForm::Assertion => None,
        AuthForm::EmptySecret => Some(""),
        _ => secret,
    };
    let has_more = form == AuthForm::BasicAndIdentifier || form == AuthForm::BasicAndEmptySecret;
    let auth_type = match form == AuthForm::Basic || has_more {
        true => AuthType::BasicAuth,
        false => AuthType::RequestBody,
    };
    let mut builder = BasicClient::new(ClientId::new(client.id.clone()))
        .set_auth_type(auth_type)
        .set_token_uri(TokenUrl::from_url(endpoint.clone()));
    if let Some(secret) = secret {
        builder = builder.set_client_secret(ClientSecret::new(secret.to_owned()));
    }
    let mut request = builder.exchange_client_credentials();
    // Without a secret, `oauth2` puts the identifier into the body in any case.
    if has_more && secret.is_some() {
        request = request.add_extra_param("client_id", client.id.clone());
    }
    if form == AuthForm::BasicAndEmptySecret {
        request = request.add_extra_param("client_secret", "");
    }
    if form == AuthForm::Assertion {
        let jti = CsrfToken::new_random_len(JTI_BYTES).into_secret();
        let key = client.key.as_ref()?;
        let assertion = key.assertion(&client.id, Time::now(), &jti)?;
        request = request
            .add_extra_param("client_assertion_type", CLIENT_ASSERTION_TYPE)
            .add_extra_param("client_assertion", assertion.expose().to_owned());
    }
    // `oauth2` gives a request only to a function that sends it, and reads the response itself.
    let built = OnceCell::new();
    let keep = |request: HttpRequest| {
        let _ = built.set(request);
        Ok::<_, fmt::Error>(HttpResponse::default())
    };
    let _ = request.request(&keep);
    let (head, body) = built.into_inner()?.into_parts();
    // Only what shows the client is taken from it. A client without an identifier does not show itself.
    let of_client = form_urlencoded::parse(&body)
        .filter(|(name, _)| name != "grant_type")
        .filter(|(name, _)| name != "client_id" || !client.id.is_empty());
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(parameters)
        .extend_pairs(of_client)
        .finish();
    Some(HttpRequest::from_parts(head, body.into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::AuthForm::{
        Assertion, Basic, BasicAndEmptySecret, BasicAndIdentifier, EmptySecret, Identifier, Post,
    };
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
        let is_about_client = |sent: &Result<(), _>| *sent == Err("invalid_client");
        let result = authenticate(client, endpoint, send, is_about_client);
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
                &[BasicAndIdentifier, Basic, Post],
            ),
            (
                ClientAuth::Basic,
                Some("s"),
                Endpoint::Revocation,
                &[BasicAndIdentifier, Basic, Post, BasicAndEmptySecret],
            ),
            (
                ClientAuth::Post,
                Some("s"),
                Endpoint::Revocation,
                &[Post, Basic, BasicAndIdentifier],
            ),
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
        let result = authenticate(&client, Endpoint::Token, send, |sent| {
            *sent != Err("invalid_grant")
        });
        assert_eq!((result, tries), (Err("invalid_grant"), 1));
    }
}
