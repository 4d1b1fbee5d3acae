//! The device authorization endpoint, and polls of the token endpoint for the tokens of a device code.

use std::time::Duration;

use oauth2::{PkceCodeChallenge, PkceCodeVerifier};
use url::Url;

use super::client_auth::{authenticate, build, AuthForm, Endpoint};
use super::{busy_hint, hint_about, secrets, send, EndpointResponse, TokenRequest};
use crate::failure::{About, Class, Code, Failure, Hint};
use crate::http::{Http, HttpError};
use crate::oauth::callback::refusal_hint;
use crate::oauth::client::{self, Client};
use crate::oauth::device::{
    DeviceEnd, DeviceResponse, DeviceResponseError, PollResponse, Polling, GRANT_TYPE,
};
use crate::oauth::endpoint::UrlPolicy;
use crate::oauth::token::Tokens;
use crate::oauth::token_endpoint::{self, ErrorResponse, TokenResponse};
use crate::os::clock::Deadline;
use crate::providers::standard_device_error;

/// Why a login with a device code has failed.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// The authorization server has no device authorization endpoint.
    #[error("the authorization server does not offer logins with a device code")]
    Unsupported,
    /// The device authorization endpoint refused.
    #[error("the device authorization endpoint refused the request with status {status}{}", words.details())]
    NoCode {
        /// The status code.
        status: u16,
        /// The error response.
        words: ErrorResponse,
    },
    /// The device authorization endpoint cannot answer now.
    #[error("the device authorization endpoint cannot answer now (status {status}){}", words.details())]
    Busy {
        /// The status code.
        status: u16,
        /// The error response.
        words: ErrorResponse,
        /// The `Retry-After` of the response.
        retry_after: Option<Duration>,
    },
    /// The response of the device authorization endpoint cannot be used.
    #[error("the answer of the device authorization endpoint (status {status}, {bytes} bytes) cannot be used: {why}")]
    Response {
        /// The status code.
        status: u16,
        /// The size of the body, in bytes.
        bytes: usize,
        /// What is wrong.
        why: DeviceResponseError,
    },
    /// A request failed.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// A request could not be built.
    #[error("the request for a device code cannot be built")]
    Request,
    /// No tokens will come for the code.
    #[error("{}", describe(.0))]
    Ended(DeviceEnd),
}

fn describe(end: &DeviceEnd) -> String {
    match end {
        DeviceEnd::Denied(words) => format!(
            "the login was refused on the page, or the server no longer knows the code{}",
            words.details()
        ),
        DeviceEnd::Expired => "the code has expired before the login was agreed to".to_owned(),
        DeviceEnd::Lost => {
            "the answer of the token endpoint was lost, and the code is used up".to_owned()
        }
        DeviceEnd::Unknown(words) | DeviceEnd::Refused(words) => {
            format!("the token endpoint refused the code{}", words.details())
        }
        DeviceEnd::Unusable(why) => {
            format!("the answer of the token endpoint cannot be used: {why}")
        }
    }
}

impl DeviceError {
    /// Tells whether the server wants a proof with the request.
    pub fn wants_proof(&self) -> bool {
        match self {
            Self::NoCode { words, .. } | Self::Ended(DeviceEnd::Refused(words)) => {
                words.wants_proof()
            }
            _ => false,
        }
    }

    /// Tells whether a new registration may help: the server does not know the client, or not for this grant.
    pub fn may_be_about_client(&self) -> bool {
        let Self::NoCode { status, words } = self else {
            return false;
        };
        match words.error.as_deref() {
            // Servers differ in how they call a client without the grant.
            Some("invalid_request" | "invalid_grant" | "unsupported_grant_type") => true,
            Some(error) => client::is_unknown(error),
            None => matches!(status, 400 | 401 | 403),
        }
    }
}

impl Failure for DeviceError {
    fn code(&self) -> Code {
        let of_error =
            |words: &ErrorResponse, otherwise| Code::of_oauth_error(words.code(), otherwise);
        match self {
            Self::Unsupported => Code::DeviceFlowUnsupported,
            Self::NoCode { words, .. } => of_error(words, Code::Refused),
            Self::Response {
                why: DeviceResponseError::Uri(_),
                ..
            } => Code::ForbiddenUrl,
            Self::Busy { .. } | Self::Response { .. } | Self::Request => {
                Code::DeviceEndpointUnavailable
            }
            Self::Http(err) => err.code(),
            Self::Ended(DeviceEnd::Denied(_)) => Code::AccessDenied,
            Self::Ended(DeviceEnd::Expired) => Code::DeviceCodeExpired,
            Self::Ended(DeviceEnd::Lost) => Code::DeviceAnswerLost,
            Self::Ended(DeviceEnd::Unknown(words) | DeviceEnd::Refused(words)) => {
                of_error(words, Code::TokenRefused)
            }
            Self::Ended(DeviceEnd::Unusable(_)) => Code::TokenResponseUnusable,
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Request => Class::Usage,
            // A page in place of the answer may be that of a gateway; the same answer comes again otherwise.
            Self::Response { why, .. } if self.code() == Code::DeviceEndpointUnavailable => {
                match why {
                    DeviceResponseError::NotJson => Class::Unavailable,
                    _ => Class::Usage,
                }
            }
            _ => self.code().class(),
        }
    }

    fn hint(&self, about: &About) -> Option<Hint> {
        let hint = match self {
            Self::Unsupported => {
                "leave --device out: any browser will do then, also that of another computer, whose last address can be pasted"
            }
            Self::NoCode { words, .. }
            | Self::Ended(DeviceEnd::Unknown(words) | DeviceEnd::Refused(words)) => {
                hint_about(words, about, |error| match error {
                    "unauthorized_client" => {
                        "the client may not use device codes: allow it in its registration, or leave --device out"
                    }
                    "invalid_scope" | "invalid_target" => refusal_hint(error),
                    _ => {
                        "run the command again for a new code; if it is refused again, ask the operator of the server"
                    }
                })
            }
            Self::Busy { retry_after, .. } => return Some(busy_hint(*retry_after)),
            Self::Response {
                why: DeviceResponseError::NotJson,
                ..
            } => "run the command again in a while",
            Self::Response { .. } | Self::Request | Self::Ended(DeviceEnd::Unusable(_)) => {
                "report this to the operator of the authorization server"
            }
            Self::Http(err) => return err.hint(about),
            Self::Ended(DeviceEnd::Denied(_)) => {
                "run the command again for a new code, and agree on the page"
            }
            Self::Ended(DeviceEnd::Expired) => {
                "run the command again for a new code; if the page itself refused, an administrator may have forbidden device \
                 codes"
            }
            Self::Ended(DeviceEnd::Lost) => "run the command again for a new code",
        };
        Some(hint.into())
    }
}

/// A request for a device code.
#[derive(Clone, Copy)]
pub struct DeviceRequest<'a> {
    /// The device authorization endpoint.
    pub endpoint: &'a Url,
    /// The client.
    pub client: &'a Client,
    /// The scopes; none leaves the parameter out.
    pub scopes: &'a [String],
    /// The RFC 8707 resource, byte for byte; `None` leaves the parameter out.
    pub resource: Option<&'a str>,
    /// Further parameters.
    pub extra: &'a [(String, String)],
    /// The provider may answer with a form.
    pub has_form_response: bool,
    /// Sends the request.
    pub http: &'a Http,
}

impl DeviceRequest<'_> {
    /// Asks for a device code. With a verifier the polls have to prove that they come from here, where the server checks it.
    ///
    /// # Errors
    ///
    /// A [`DeviceError`].
    ///
    /// Spec: RFC 8628 section 3.1; RFC 7636 section 4.3; RFC 8707 section 2.
    pub fn send(&self, verifier: Option<&PkceCodeVerifier>) -> Result<DeviceResponse, DeviceError> {
        let challenge = verifier.map(PkceCodeChallenge::from_code_verifier_sha256);
        let scope = self.scopes.join(" ");
        let given = [
            ("scope", Some(scope.as_str()).filter(|it| !it.is_empty())),
            ("resource", self.resource),
            (
                "code_challenge",
                challenge.as_ref().map(PkceCodeChallenge::as_str),
            ),
            ("code_challenge_method", verifier.map(|_| "S256")),
        ];
        let given = given
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        let extra = self.extra.iter().map(|(name, value)| (&**name, &**value));
        let parameters: Vec<_> = given.chain(extra).collect();
        let is_about_client = |sent: &Result<_, DeviceError>| matches!(sent, Err(err @ DeviceError::NoCode { status: 400 | 401, .. }) if err.may_be_about_client());
        let send = |form| self.send_once(form, &parameters);
        authenticate(self.client, Endpoint::Token, send, is_about_client)
    }

    /// Sends the request, and again to a busy server, built anew: an assertion of the client is valid once.
    fn send_once(
        &self,
        form: AuthForm,
        parameters: &[(&str, &str)],
    ) -> Result<DeviceResponse, DeviceError> {
        let mut sent = Vec::new();
        let response = self.http.while_busy(|| {
            let request = build(self.client, form, self.endpoint, parameters);
            let request = request.ok_or(DeviceError::Request)?;
            sent = secrets(&request, self.client);
            Ok::<_, DeviceError>(send(self.http, self.endpoint, &request, None)?)
        })?;
        let answer = EndpointResponse::read(response, sent)?;
        let (status, body) = (answer.status, &answer.body);
        // Its own URL was checked against the server that the user named.
        let policy = UrlPolicy::of(self.endpoint);
        let check = |page: &str| {
            let page = policy.check_page(page)?;
            self.http.check_address(&page)?;
            Ok(page)
        };
        let why = match DeviceResponse::read(body, self.has_form_response, check) {
            Ok(device) if (200..300).contains(&status) => return Ok(device),
            Ok(_) => DeviceResponseError::NotJson,
            Err(why) => why,
        };
        let mut words = token_endpoint::error_words(body);
        if words.error.is_none() && (200..300).contains(&status) {
            let bytes = body.len();
            return Err(DeviceError::Response { status, bytes, why });
        }
        words.drop_quotes_of(&answer.secrets);
        Err(match token_endpoint::classify(status, body) {
            TokenResponse::Busy(_) => DeviceError::Busy {
                status,
                words,
                retry_after: answer.retry_after,
            },
            _ => DeviceError::NoCode { status, words },
        })
    }
}

impl TokenRequest<'_> {
    /// Asks once whether there are tokens for a device code that is valid until `expires`; `None` if another poll has to
    /// follow, as `polling` says. Nothing is sent again.
    ///
    /// # Errors
    ///
    /// [`DeviceError::Ended`], or the error of the request. Unless that is [`HttpError::is_unsent`], the server may have used up
    /// the code.
    ///
    /// Spec: RFC 8628 section 3.4; RFC 7636 section 4.5; RFC 8707 section 2.2.
    pub fn poll(
        &self,
        device: &DeviceResponse,
        verifier: Option<&PkceCodeVerifier>,
        polling: &mut Polling,
        expires: Deadline,
    ) -> Result<Option<Tokens>, DeviceError> {
        let parameters = [
            ("grant_type", GRANT_TYPE),
            ("device_code", device.device_code.expose()),
        ];
        let verifier = verifier.map(|verifier| ("code_verifier", verifier.secret().as_str()));
        let parameters = [&parameters[..], verifier.as_slice()].concat();
        let send = |form| {
            let answer = self.ask(form, &parameters, || DeviceError::Request)?;
            let (status, has_proof) = (answer.status, self.dpop.is_some());
            let mut response =
                PollResponse::read(status, &answer.body, has_proof, standard_device_error);
            response.drop_quotes_of(&answer.secrets);
            Ok((response, answer))
        };
        let is_about_client = |polled: &Result<_, DeviceError>| matches!(polled, Ok((PollResponse::End(DeviceEnd::Refused(words)), _)) if words.error.as_deref().is_none_or(client::is_unknown));
        let polled = authenticate(self.client, Endpoint::Token, send, is_about_client);
        let (response, answer) = polled?;
        let tokens = polling.after(response, answer.retry_after, expires.passed());
        let tokens = tokens.map_err(DeviceError::Ended)?;
        Ok(tokens.map(|tokens| Tokens {
            issued_at: answer.date,
            ..tokens
        }))
    }
}
