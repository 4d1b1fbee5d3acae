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
use crate::oauth::token_endpoint::{self, ErrorResponse};

/// Why a token was not given back.
#[derive(Debug, thiserror::Error)]
pub enum RevokeError {
    /// The server refused.
    #[error(
        "the revocation endpoint answered with status {status}{}",
        in_words(words)
    )]
    Refused {
        /// The status code.
        status: u16,
        /// What the server says.
        words: ErrorResponse,
    },
    /// The request came to nothing.
    #[error(transparent)]
    Http(#[from] HttpError),
}

impl RevokeError {
    /// Tells whether the server cannot revoke tokens of this kind, such as those that it keeps no record of.
    ///
    /// Spec: RFC 7009 section 2.2.1.
    pub fn is_unsupported(&self) -> bool {
        let Self::Refused { words, .. } = self else {
            return false;
        };
        words.error.as_deref() == Some("unsupported_token_type")
    }

    /// Tells whether the server says that the token is not valid any more, so that there is nothing left to revoke. With
    /// another status than 400 it may be about how the client authenticated.
    ///
    /// Deviates: RFC 7009 section 2.2 wants status 200 for it; Google answers this.
    pub fn is_of_ended_token(&self) -> bool {
        let Self::Refused { status: 400, words } = self else {
            return false;
        };
        words.error.as_deref() == Some("invalid_token")
    }
}

fn in_words(words: &ErrorResponse) -> String {
    let words = [&words.error, &words.description].into_iter().flatten();
    words
        .map(|words| format!(": {}", printable(words)))
        .collect()
}

/// How a client shows who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ClientAuthMethod {
    /// By its identifier in the body.
    Identifier,
    /// By its identifier and an empty secret.
    EmptySecret,
    /// By its identifier and its secret in the body.
    Post,
    /// By the `Authorization` header, and its identifier in the body.
    BasicAndIdentifier,
    /// By the `Authorization` header alone.
    Basic,
}

/// Gives a token back. `kind` is `refresh_token` or `access_token`. A token that the server does not know is fine.
///
/// # Errors
///
/// A [`RevokeError`]; the token may still be good.
///
/// Spec: RFC 7009 sections 2.1 and 2.2.
pub fn revoke(
    endpoint: &Url,
    client: &Client,
    token: &Secret,
    kind: &str,
    http: &Http,
) -> Result<(), RevokeError> {
    let ways: &[ClientAuthMethod] = match (client.auth, &client.secret) {
        // Deviates: servers on the Python SDK want the member even of a client that has no secret; canaille refuses
        // public clients, and gives them a secret.
        (ClientAuth::None, Some(_)) => &[
            ClientAuthMethod::Identifier,
            ClientAuthMethod::Basic,
            ClientAuthMethod::EmptySecret,
        ],
        (ClientAuth::None, None) => &[ClientAuthMethod::Identifier, ClientAuthMethod::EmptySecret],
        // Deviates: as at the token endpoint, the identifier stands in the body where that is not refused.
        (ClientAuth::Basic, _) => &[
            ClientAuthMethod::BasicAndIdentifier,
            ClientAuthMethod::Basic,
        ],
        (ClientAuth::Post, _) => &[ClientAuthMethod::Post],
    };
    let mut result = Ok(());
    for way in ways {
        result = send(endpoint, client, token, kind, http, *way);
        match &result {
            Err(
                err @ RevokeError::Refused {
                    status: 400 | 401, ..
                },
            ) if !err.is_unsupported() && !err.is_of_ended_token() => {}
            _ => break,
        }
    }
    result
}

fn send(
    endpoint: &Url,
    client: &Client,
    token: &Secret,
    kind: &str,
    http: &Http,
    way: ClientAuthMethod,
) -> Result<(), RevokeError> {
    let mut form = Serializer::new(String::new());
    form.append_pair("token", token.expose())
        .append_pair("token_type_hint", kind);
    if way != ClientAuthMethod::Basic {
        form.append_pair("client_id", &client.id);
    }
    let secret = client.secret.as_ref();
    let in_body = match way {
        ClientAuthMethod::EmptySecret => Some(""),
        ClientAuthMethod::Post => secret.map(Secret::expose),
        ClientAuthMethod::Identifier
        | ClientAuthMethod::BasicAndIdentifier
        | ClientAuthMethod::Basic => None,
    };
    if let Some(secret) = in_body {
        form.append_pair("client_secret", secret);
    }
    let body = Zeroizing::new(form.finish());
    let is_basic = matches!(
        way,
        ClientAuthMethod::BasicAndIdentifier | ClientAuthMethod::Basic
    );
    let basic = secret
        .filter(|_| is_basic)
        .map(|secret| basic(&client.id, secret));
    let mut headers = vec![("Content-Type", "application/x-www-form-urlencoded")];
    headers.extend(
        basic
            .as_ref()
            .map(|basic| (AUTHORIZATION.as_str(), basic.as_str())),
    );
    let response = http.post(endpoint, &headers, body.as_bytes(), Redirects::Refuse)?;
    let status = response.status;
    if (200..300).contains(&status) {
        return Ok(());
    }
    let mut words = response
        .read()
        .map(|body| token_endpoint::error_words(&body))
        .unwrap_or_default();
    for said in [&mut words.error, &mut words.description] {
        said.take_if(|said| said.contains(token.expose()));
    }
    Err(RevokeError::Refused { status, words })
}

/// Returns the header value for a client with a secret.
///
/// Spec: RFC 6749 section 2.3.1.
fn basic(id: &str, secret: &Secret) -> Zeroizing<String> {
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let pair = Zeroizing::new(format!("{}:{}", encoded(id), encoded(secret.expose())));
    Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())))
}
