//! Revocation of a token.

use url::Url;

use super::client_auth::{authenticate, build, Endpoint};
use super::{secrets, send, ClientKeyError};
use crate::http::{Http, HttpError};
use crate::oauth::client::Client;
use crate::oauth::secret::Secret;
use crate::oauth::token_endpoint::{self, ErrorResponse};

/// Why a token was not revoked.
#[derive(Debug, thiserror::Error)]
pub enum RevokeError {
    /// The server refused.
    #[error("the revocation endpoint answered with status {status}{}", words.details())]
    Refused {
        /// The status code.
        status: u16,
        /// The error response.
        words: ErrorResponse,
    },
    /// The request failed.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The client has a key that cannot be used.
    #[error(transparent)]
    Key(#[from] ClientKeyError),
    /// The request could not be built.
    #[error("the revocation request cannot be built")]
    Request,
}

impl RevokeError {
    /// Tells whether the server cannot revoke tokens of this kind, such as those that it keeps no record of.
    ///
    /// Spec: RFC 7009 section 2.2.1.
    pub fn is_unsupported(&self) -> bool {
        matches!(self, Self::Refused { words, .. } if words.is("unsupported_token_type"))
    }

    /// Tells whether the server says that the token is no longer valid. With another status than 400 this may be about the
    /// client authentication.
    ///
    /// Deviates: RFC 7009 section 2.2 wants status 200 for it; Google answers this.
    pub fn is_of_ended_token(&self) -> bool {
        matches!(self, Self::Refused { status: 400, words } if words.is("invalid_token"))
    }

    fn may_be_about_client(&self) -> bool {
        let is_refused = matches!(
            self,
            Self::Refused {
                status: 400 | 401,
                ..
            }
        );
        is_refused && !self.is_unsupported() && !self.is_of_ended_token()
    }
}

/// Revokes a token of this kind, `access_token` or `refresh_token`, at a revocation endpoint. It is no error if the server does
/// not know it.
///
/// # Errors
///
/// A [`RevokeError`]; the token may still be valid.
///
/// Spec: RFC 7009 sections 2.1 and 2.2.
pub fn revoke(
    endpoint: &Url,
    client: &Client,
    (kind, token): (&str, &Secret),
    http: &Http,
) -> Result<(), RevokeError> {
    let parameters = [("token", token.expose()), ("token_type_hint", kind)];
    let send = |form| {
        let request = build(client, form, endpoint, &parameters).ok_or(RevokeError::Request)?;
        let response = send(http, endpoint, &request, None)?;
        let status = response.status;
        if (200..300).contains(&status) {
            return Ok(());
        }
        let mut words = response
            .read()
            .map(|body| token_endpoint::error_words(&body))
            .unwrap_or_default();
        words.drop_quotes_of(&secrets(&request, client));
        Err(RevokeError::Refused { status, words })
    };
    authenticate(client, Endpoint::Revocation, send, |sent| {
        sent.as_ref().is_err_and(RevokeError::may_be_about_client)
    })
}
