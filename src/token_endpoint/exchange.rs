//! Token requests: an authorization code or a refresh token is exchanged for tokens, at the token endpoint that was recorded
//! with it.

use std::time::Duration;

use oauth2::PkceCodeVerifier;
use url::Url;

use super::client_auth::{authenticate, build, AuthForm, Endpoint};
use super::{busy_hint, hint_about, secrets, send, EndpointResponse};
use crate::failure::{About, Code, Failure, Hint};
use crate::http::dpop::{send_with_nonce, Dpop};
use crate::http::retry::{repeat, FIRST_PAUSE};
use crate::http::{Http, HttpError};
use crate::oauth::callback::{refusal_hint, AuthorizationCode};
use crate::oauth::client::{self, Client};
use crate::oauth::grant::NO_ACCESS_TOKEN;
use crate::oauth::secret::Secret;
use crate::oauth::text::printable;
use crate::oauth::token::{TokenResponseError, TokenType, Tokens};
use crate::oauth::token_endpoint::{self, ErrorResponse, TokenResponse};
use crate::os::clock::Deadline;
use crate::warning::warn_user;

/// Longest pause that a busy server may ask for before the same code is sent again.
const MAX_PAUSE_FOR_CODE: Duration = Duration::from_secs(8);

/// How far the clock of this computer may differ from the server's before a refused signature is explained by it.
///
/// Spec: RFC 7523 section 3 and RFC 9449 section 11.1 for the times that are signed.
const SIGNATURE_TOLERANCE: Duration = Duration::from_secs(30);

/// A token request, but for what it spends.
#[derive(Clone, Copy)]
pub struct TokenRequest<'a> {
    /// The token endpoint.
    pub token_endpoint: &'a Url,
    /// The client.
    pub client: &'a Client,
    /// The resource, byte for byte as in the authorization request.
    pub resource: Option<&'a str>,
    /// The key that the tokens are bound to, if they are to be.
    pub dpop: Option<&'a Dpop>,
    /// Sends the requests.
    pub http: &'a Http,
    /// Until when a request is sent again: one that the server cannot have received, or that it was too busy for.
    pub retry_until: Deadline,
}

/// Why there are no tokens.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The server refused.
    #[error("the token endpoint {}", refusal(*status, words))]
    Refused {
        /// The status code.
        status: u16,
        /// The error response.
        words: ErrorResponse,
    },
    /// The response holds neither tokens nor an error.
    #[error(
        "the answer of the token endpoint (status {status}, {bytes} bytes) cannot be used: {why}"
    )]
    Unusable {
        /// The status code.
        status: u16,
        /// The size of the body, in bytes.
        bytes: usize,
        /// What is wrong.
        why: TokenResponseError,
    },
    /// The server cannot answer now.
    #[error("the token endpoint cannot answer now (status {status}){}", words.details())]
    Busy {
        /// The status code.
        status: u16,
        /// The error response.
        words: ErrorResponse,
        /// The `Retry-After` of the response.
        retry_after: Option<Duration>,
    },
    /// The request failed.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The request could not be built.
    #[error("the token request cannot be built")]
    Request,
}

impl ExchangeError {
    /// Returns the error code with which the server refuses; empty if it names none, or does not refuse.
    pub fn error_code(&self) -> &str {
        match self {
            Self::Refused { words, .. } => words.code(),
            _ => "",
        }
    }

    /// Tells whether the server wants a proof with the request.
    pub fn wants_proof(&self) -> bool {
        matches!(self, Self::Refused { words, .. } if words.wants_proof())
    }

    /// Tells whether the server may have used up the code or refresh token.
    pub fn may_have_spent(&self) -> bool {
        match self {
            Self::Refused { .. } | Self::Request => false,
            Self::Http(err) => !err.is_unsent(),
            // A gateway may have lost the response of a server that served the request.
            Self::Busy { status, words, .. } => {
                *status >= 500 && *status != 503 && !words.is("temporarily_unavailable")
            }
            Self::Unusable { .. } => true,
        }
    }

    /// Tells whether the server may have refused the client authentication, and not the code or refresh token.
    fn may_be_about_client(&self) -> bool {
        let Self::Refused {
            status: 400 | 401,
            words,
        } = self
        else {
            return false;
        };
        let error = words.error.as_deref();
        error.is_none_or(|error| client::is_unknown(error) || error == "invalid_request")
    }
}

impl Failure for ExchangeError {
    fn code(&self) -> Code {
        match self {
            Self::Refused { words, .. } => Code::of_oauth_error(words.code(), Code::TokenRefused),
            Self::Busy { .. }
            | Self::Unusable {
                why: TokenResponseError::NotTokens,
                ..
            } => Code::TokenEndpointUnavailable,
            Self::Unusable { .. } | Self::Request => Code::TokenResponseUnusable,
            Self::Http(err) => err.code(),
        }
    }

    fn hint(&self, about: &About) -> Option<Hint> {
        let hint = match self {
            Self::Refused { words, .. } => hint_about(words, about, |error| {
                match error {
                "invalid_scope" | "invalid_target" | "unauthorized_client" => refusal_hint(error),
                _ => {
                    "run the command again; if the code is refused again, ask the operator of the server"
                }
            }
            }),
            Self::Http(err) => return err.hint(about),
            Self::Busy { retry_after, .. } => return Some(busy_hint(*retry_after)),
            Self::Unusable {
                why: TokenResponseError::NotTokens,
                ..
            } => "run the command again in a while",
            Self::Unusable { .. } | Self::Request => {
                "report this to the operator of the authorization server"
            }
        };
        Some(hint.into())
    }
}

fn refusal(status: u16, words: &ErrorResponse) -> String {
    let answered = match &words.error {
        Some(error) => format!("answered {}", printable(error)),
        None => format!("refused the request with status {status}"),
    };
    match &words.description {
        Some(description) => format!("{answered}: {}", printable(description)),
        None => answered,
    }
}

impl TokenRequest<'_> {
    /// Exchanges an authorization code. `redirect_uri` is that of the authorization request, byte for byte.
    ///
    /// # Errors
    ///
    /// An [`ExchangeError`]. The code may be used up.
    ///
    /// Spec: RFC 6749 section 4.1.3; RFC 7636 section 4.5; RFC 8707 section 2.2.
    pub fn exchange_code(
        &self,
        code: AuthorizationCode,
        verifier: &PkceCodeVerifier,
        redirect_uri: &str,
    ) -> Result<Tokens, ExchangeError> {
        let code = code.into_secret();
        let parameters = [
            ("grant_type", "authorization_code"),
            ("code", code.expose()),
            ("code_verifier", verifier.secret()),
            ("redirect_uri", redirect_uri),
        ];
        self.send(&parameters, true)
    }

    /// Exchanges a refresh token. A server that issues no new one leaves it valid.
    ///
    /// # Errors
    ///
    /// An [`ExchangeError`]. With [`ExchangeError::Refused`] the refresh token is not used up; with others it may be, see
    /// [`ExchangeError::may_have_spent`].
    ///
    /// Spec: RFC 6749 section 6; RFC 8707 section 2.2.
    pub fn refresh(&self, refresh_token: &Secret) -> Result<Tokens, ExchangeError> {
        let parameters = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token.expose()),
        ];
        self.send(&parameters, false)
    }

    fn send(&self, parameters: &[(&str, &str)], is_code: bool) -> Result<Tokens, ExchangeError> {
        authenticate(
            self.client,
            Endpoint::Token,
            |form| self.send_with_retries(form, parameters, is_code),
            |sent| sent.as_ref().is_err_and(ExchangeError::may_be_about_client),
        )
    }

    /// Sends a request again if the server cannot have received it, or if it was busy and names a time for it. A code is
    /// valid for one request: it is sent again once, within 8 s, and only if the status means that it was not served.
    pub(super) fn send_with_retries(
        &self,
        form: AuthForm,
        parameters: &[(&str, &str)],
        is_code: bool,
    ) -> Result<Tokens, ExchangeError> {
        let (mut next_pause, mut was_busy) = (FIRST_PAUSE, false);
        repeat(
            || self.send_once(form, parameters),
            |sent, _| match sent {
                Err(ExchangeError::Http(err))
                    if err.may_be_repeated() && !self.retry_until.passed() =>
                {
                    if next_pause == FIRST_PAUSE {
                        warn_user!(Retrying, "the token endpoint does not answer; trying again");
                    }
                    let pause = next_pause.min(self.retry_until.left());
                    next_pause *= 2;
                    Some(pause)
                }
                Err(ExchangeError::Busy {
                    status,
                    words,
                    retry_after: Some(wanted),
                }) if *wanted < self.retry_until.left() => {
                    let may_send_code =
                        !was_busy && *wanted <= MAX_PAUSE_FOR_CODE && is_unserved(*status, words);
                    if is_code && !may_send_code {
                        return None;
                    }
                    let seconds = wanted.as_secs();
                    let busy = format!(
                        "the token endpoint is busy (status {status}); trying again in {seconds} s"
                    );
                    // A code is exchanged while somebody waits for the login.
                    match is_code {
                        true => warn_user!(Retrying, "{busy}"),
                        false => log::info!("{busy}"),
                    }
                    was_busy = true;
                    Some(FIRST_PAUSE.max(*wanted))
                }
                _ => None,
            },
        )
    }

    fn send_once(
        &self,
        form: AuthForm,
        parameters: &[(&str, &str)],
    ) -> Result<Tokens, ExchangeError> {
        let answer = self.ask(form, parameters, || ExchangeError::Request)?;
        let EndpointResponse { status, date, .. } = answer;
        let is_exchange = parameters.iter().any(|it| it.0 == "requested_token_type");
        let other_type = match self.dpop {
            Some(_) => Some(TokenType::Dpop.as_str()),
            None => is_exchange.then_some(NO_ACCESS_TOKEN),
        };
        let mut response = token_endpoint::classify_with(status, &answer.body, other_type);
        if let TokenResponse::Refused(words) | TokenResponse::Busy(words) = &mut response {
            words.drop_quotes_of(&answer.secrets);
        }
        match response {
            TokenResponse::Tokens(tokens) => Ok(Tokens {
                issued_at: date,
                ..tokens
            }),
            TokenResponse::Refused(words) => {
                let is_signed = form == AuthForm::Assertion || self.dpop.is_some();
                let off = date.filter(|_| is_signed);
                if let Some(off) = off.and_then(|it| it.clock_difference(SIGNATURE_TOLERANCE)) {
                    warn_user!(
                        ClockWrong,
                        "{off}: what it signs may be refused for that; if it is wrong, set it right"
                    );
                }
                Err(ExchangeError::Refused { status, words })
            }
            TokenResponse::Busy(words) => Err(ExchangeError::Busy {
                status,
                words,
                retry_after: answer.retry_after,
            }),
            TokenResponse::Unusable(why) => Err(ExchangeError::Unusable {
                status,
                bytes: answer.body.len(),
                why,
            }),
        }
    }

    /// Sends a request with these parameters and the resource; with a proof, if the tokens are to be bound. Each request is
    /// built anew: an assertion of the client is valid once.
    ///
    /// # Errors
    ///
    /// The error of the request; `not_built` if it cannot be built.
    ///
    /// Spec: RFC 9449 sections 5 and 8.
    pub(super) fn ask<E: From<HttpError>>(
        &self,
        form: AuthForm,
        parameters: &[(&str, &str)],
        not_built: impl Fn() -> E,
    ) -> Result<EndpointResponse, E> {
        let url = self.token_endpoint;
        let resource = self.resource.map(|resource| ("resource", resource));
        let parameters = [parameters, resource.as_slice()].concat();
        let send = || {
            let request = build(self.client, form, url, &parameters).ok_or_else(&not_built)?;
            let proof = self.dpop.and_then(|dpop| dpop.proof("POST", url, None));
            let proof = proof.as_ref().map(|proof| ("DPoP", proof.expose()));
            let response = send(self.http, url, &request, proof)?;
            let has_nonce = self.dpop.is_some_and(|dpop| dpop.learn(url, &response));
            let answer = EndpointResponse::read(response, secrets(&request, self.client))?;
            Ok((answer, has_nonce))
        };
        send_with_nonce(send, |answer| {
            let response = token_endpoint::classify(answer.status, &answer.body);
            matches!(response, TokenResponse::Refused(words) if words.is("use_dpop_nonce"))
        })
    }
}

/// Tells whether a busy server says that it has not served the request. A gateway that answers 500, 502 or 504 may have lost
/// the response.
///
/// Spec: RFC 6585 section 4; RFC 9110 section 15.6.4; RFC 6749 section 4.1.2.1 for the error code.
fn is_unserved(status: u16, words: &ErrorResponse) -> bool {
    match status {
        429 | 503 => true,
        ..=499 => words.is("temporarily_unavailable"),
        _ => false,
    }
}
