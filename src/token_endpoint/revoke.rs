//! Revocation of a token.

use oauth2::{AccessToken, HttpRequest, RefreshToken, RevocationUrl, StandardRevocableToken};
use url::Url;

use super::client_auth::{authenticate, oauth2_client, AuthForm, Endpoint};
use super::{built, secrets, send, ClientKeyError};
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

/// The revocation endpoint, for one client.
#[derive(Clone, Copy)]
pub struct RevocationEndpoint<'a> {
    /// Its URL.
    pub url: &'a Url,
    /// The client that the tokens were issued to.
    pub client: &'a Client,
    /// Sends the requests.
    pub http: &'a Http,
}

impl RevocationEndpoint<'_> {
    /// Revokes a refresh token. It is no error if the server does not know it.
    ///
    /// # Errors
    ///
    /// A [`RevokeError`]; the token may still be valid.
    ///
    /// Spec: RFC 7009 sections 2.1 and 2.2.
    pub fn revoke_refresh_token(&self, token: &Secret) -> Result<(), RevokeError> {
        self.revoke(RefreshToken::new(token.expose().to_owned()).into())
    }

    /// Revokes an access token, like [`Self::revoke_refresh_token`].
    ///
    /// # Errors
    ///
    /// A [`RevokeError`]; the token may still be valid.
    pub fn revoke_access_token(&self, token: &Secret) -> Result<(), RevokeError> {
        self.revoke(AccessToken::new(token.expose().to_owned()).into())
    }

    fn revoke(&self, token: StandardRevocableToken) -> Result<(), RevokeError> {
        authenticate(
            self.client,
            Endpoint::Revocation,
            |form| self.send(&token, form),
            RevokeError::may_be_about_client,
        )
    }

    fn send(&self, token: &StandardRevocableToken, form: AuthForm) -> Result<(), RevokeError> {
        let request = self.request(token, form).ok_or(RevokeError::Request)?;
        let response = send(self.http, self.url, &request)?;
        let status = response.status;
        if (200..300).contains(&status) {
            return Ok(());
        }
        let mut words = response
            .read()
            .map(|body| token_endpoint::error_words(&body))
            .unwrap_or_default();
        words.drop_quotes_of(&secrets(&request, self.client));
        Err(RevokeError::Refused { status, words })
    }

    fn request(&self, token: &StandardRevocableToken, form: AuthForm) -> Option<HttpRequest> {
        let (client, parameters) = oauth2_client(self.client, form)?;
        // `oauth2` refuses http. The rule for URLs allows it for loopback addresses, and the request goes to `self.url`.
        let mut url = self.url.clone();
        url.set_scheme("https").ok()?;
        let client = client.set_revocation_url(RevocationUrl::from_url(url));
        let mut request = client.revoke_token(token.clone()).ok()?;
        for (name, value) in parameters {
            request = request.add_extra_param(name, value);
        }
        built(|keep| request.request(&keep))
    }
}
