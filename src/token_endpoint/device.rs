//! The device authorization endpoint, and polls of the token endpoint for the tokens of a device code.

use std::time::Duration;

use oauth2::{
    DeviceAuthorizationUrl, EmptyExtraDeviceAuthorizationFields, HttpRequest, PkceCodeChallenge,
    PkceCodeVerifier, Scope, StandardDeviceAuthorizationResponse, TokenUrl,
};
use serde_json::json;
use url::Url;
use zeroize::Zeroizing;

use super::client_auth::{authenticate, oauth2_client, AuthForm, Endpoint};
use super::{built, busy_hint, secrets, send, TokenRequest, UNKNOWN_CLIENT};
use crate::failure::{About, Class, Code, Failure, Hint};
use crate::http::{Http, HttpError};
use crate::oauth::callback::refusal_hint;
use crate::oauth::client::{self, Client};
use crate::oauth::device::{DeviceEnd, DeviceResponse, DeviceResponseError, PollResponse};
use crate::oauth::endpoint::UrlPolicy;
use crate::oauth::secret::Secret;
use crate::oauth::text::printable;
use crate::oauth::token_endpoint::{self, ErrorResponse, TokenResponse};
use crate::os::clock::Time;
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
        DeviceEnd::Refused(words) => {
            let error = words.error.as_deref().map(printable);
            let description = words.description.as_deref().map(printable);
            let words = [error, description].into_iter().flatten();
            let words: Vec<_> = words.collect();
            format!("the token endpoint refused the code: {}", words.join(": "))
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
        let of_error = |words: &ErrorResponse, otherwise| {
            Code::of_oauth_error(words.error.as_deref().unwrap_or_default(), otherwise)
        };
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
            Self::Ended(DeviceEnd::Refused(words)) => of_error(words, Code::TokenRefused),
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
            Self::NoCode { words, .. } | Self::Ended(DeviceEnd::Refused(words)) => {
                let error = words.error.as_deref().unwrap_or_default();
                match (about.explain(error, words.description.as_deref()), error) {
                    (Some(hint), _) => hint,
                    (None, "invalid_client") => UNKNOWN_CLIENT,
                    (None, "unauthorized_client") => {
                        "the client may not use device codes: allow it in its registration, or leave --device out"
                    }
                    (None, "invalid_scope" | "invalid_target") => refusal_hint(error),
                    (None, _) => {
                        "run the command again for a new code; if it is refused again, ask the operator of the server"
                    }
                }
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
        let send = |form| self.send_once(|| self.request(challenge.as_ref(), form));
        let is_about_client = |err: &DeviceError| {
            matches!(
                err,
                DeviceError::NoCode {
                    status: 400 | 401,
                    ..
                }
            ) && err.may_be_about_client()
        };
        authenticate(self.client, Endpoint::Token, send, is_about_client)
    }

    fn request(
        &self,
        challenge: Option<&PkceCodeChallenge>,
        form: AuthForm,
    ) -> Option<HttpRequest> {
        let (client, parameters) = oauth2_client(self.client, form)?;
        let endpoint = DeviceAuthorizationUrl::from_url(self.endpoint.clone());
        let client = client.set_device_authorization_url(endpoint);
        let scopes = self.scopes.iter().map(|scope| Scope::new(scope.clone()));
        let mut request = client.exchange_device_code().add_scopes(scopes);
        let given = [
            ("resource", self.resource),
            ("code_challenge", challenge.map(PkceCodeChallenge::as_str)),
            ("code_challenge_method", challenge.map(|_| "S256")),
        ];
        let given = given
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?.to_owned())));
        for (name, value) in parameters.into_iter().chain(given) {
            request = request.add_extra_param(name, value);
        }
        for (name, value) in self.extra {
            request = request.add_extra_param(name, value);
        }
        built(|keep| request.request::<_, EmptyExtraDeviceAuthorizationFields>(&keep))
    }

    /// Sends the request, and again to a busy server, built anew: an assertion of the client is valid once.
    fn send_once(
        &self,
        build: impl Fn() -> Option<HttpRequest>,
    ) -> Result<DeviceResponse, DeviceError> {
        let mut sent = Vec::new();
        let response = self.http.while_busy(|| {
            let request = build().ok_or(DeviceError::Request)?;
            sent = secrets(&request, self.client);
            Ok::<_, DeviceError>(send(self.http, self.endpoint, &request)?)
        })?;
        let (status, retry_after) = (response.status, response.retry_after());
        let body = Zeroizing::new(response.read()?);
        // Its own URL was checked against the server that the user named.
        let policy = UrlPolicy::of(self.endpoint);
        let check = |page: &str| {
            let page = policy.check_page(page)?;
            self.http.check_address(&page)?;
            Ok(page)
        };
        let why = match DeviceResponse::read(&body, self.has_form_response, check) {
            Ok(device) if (200..300).contains(&status) => return Ok(device),
            Ok(_) => DeviceResponseError::NotJson,
            Err(why) => why,
        };
        let mut words = token_endpoint::error_words(&body);
        if words.error.is_none() && (200..300).contains(&status) {
            let bytes = body.len();
            return Err(DeviceError::Response { status, bytes, why });
        }
        words.drop_quotes_of(&sent);
        Err(match token_endpoint::classify(status, &body) {
            TokenResponse::Busy(_) => DeviceError::Busy {
                status,
                words,
                retry_after,
            },
            _ => DeviceError::NoCode { status, words },
        })
    }
}

/// The answer to a poll.
#[derive(Debug)]
pub struct PollAnswer {
    /// What it says.
    pub response: PollResponse,
    /// The pause that it asks for.
    pub retry_after: Option<Duration>,
    /// Its `Date`.
    pub date: Option<Time>,
}

impl TokenRequest<'_> {
    /// Asks once whether there are tokens for a device code. Nothing is sent again: who polls decides what follows.
    ///
    /// # Errors
    ///
    /// The error of the request. Unless it is [`HttpError::is_unsent`], the server may have used up the code.
    ///
    /// Spec: RFC 8628 section 3.4; RFC 7636 section 4.5; RFC 8707 section 2.2.
    pub fn poll(
        &self,
        device: &DeviceResponse,
        verifier: Option<&PkceCodeVerifier>,
    ) -> Result<PollAnswer, DeviceError> {
        let send = |form| {
            let poll = || {
                let request = self.poll_request(&device.device_code, verifier, form);
                let request = request.ok_or_else(|| Box::new(Err(DeviceError::Request)))?;
                let polled = self.poll_once(&request);
                polled.map_err(|err| Box::new(Err(DeviceError::Http(err))))
            };
            let (mut polled, has_nonce) = poll()?;
            // Spec: RFC 9449 section 8: the server wants a proof with this nonce, and has not served the request.
            if has_nonce
                && matches!(&polled.response, PollResponse::Refused(words) if words.is("use_dpop_nonce"))
            {
                polled = poll()?.0;
            }
            let is_about_client = matches!(
                &polled.response,
                PollResponse::Refused(words) if words.error.as_deref().is_none_or(client::is_unknown)
            );
            match is_about_client {
                true => Err(Box::new(Ok(polled))),
                false => Ok(polled),
            }
        };
        authenticate(self.client, Endpoint::Token, send, |failed| failed.is_ok())
            .or_else(|failed| *failed)
    }

    fn poll_request(
        &self,
        device_code: &Secret,
        verifier: Option<&PkceCodeVerifier>,
        form: AuthForm,
    ) -> Option<HttpRequest> {
        let (client, parameters) = oauth2_client(self.client, form)?;
        let client = client.set_token_uri(TokenUrl::from_url(self.token_endpoint.clone()));
        // Only the device code of this goes into the request.
        let device: StandardDeviceAuthorizationResponse = serde_json::from_value(json!({
            "device_code": device_code.expose(),
            "user_code": "",
            "verification_uri": "https://localhost/",
            "expires_in": 1,
        }))
        .ok()?;
        let mut request = client.exchange_device_access_token(&device);
        let verifier = verifier.map(|verifier| ("code_verifier", verifier.secret().clone()));
        for (name, value) in self
            .extra_parameters(parameters)
            .into_iter()
            .chain(verifier)
        {
            request = request.add_extra_param(name, value);
        }
        built(|keep| request.request(&keep, |_| {}, None))
    }

    /// Polls, and returns also whether the response has a nonce for proofs.
    fn poll_once(&self, request: &HttpRequest) -> Result<(PollAnswer, bool), HttpError> {
        let (response, has_nonce) = self.send_with_proof(request)?;
        let (status, retry_after, date) =
            (response.status, response.retry_after(), response.date());
        let body = Zeroizing::new(response.read()?);
        let has_proof = self.dpop.is_some();
        let mut response = PollResponse::read(status, &body, has_proof, standard_device_error);
        if let PollResponse::Denied(words)
        | PollResponse::Unknown(words)
        | PollResponse::Refused(words) = &mut response
        {
            words.drop_quotes_of(&secrets(request, self.client));
        }
        let answer = PollAnswer {
            response,
            retry_after,
            date,
        };
        Ok((answer, has_nonce))
    }
}
