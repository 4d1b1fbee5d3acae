//! Step four: the code becomes tokens, and later the refresh token does. Either is spent at the token endpoint that was
//! recorded with it, and nowhere else.

use std::cell::Cell;
use std::thread;
use std::time::Duration;

use oauth2::basic::BasicErrorResponse;
use oauth2::{
    AuthorizationCode as OauthCode, HttpRequest, HttpResponse, PkceCodeVerifier, RedirectUrl,
    RefreshToken, RequestTokenError,
};
use url::Url;

use crate::failure::{About, Code, Failure, Hint};
use crate::http::{Http, HttpError, Redirects};
use crate::oauth::callback::{refusal_hint, AuthorizationCode};
use crate::oauth::client::{self, Client, ClientAuth};
use crate::oauth::secret::Secret;
use crate::oauth::text::printable;
use crate::oauth::token::{self, TokenResponseError, Tokens};
use crate::oauth::token_endpoint::{self, ErrorResponse, TokenResponse};
use crate::os::clock::{self, Deadline, Time};

/// The first pause before a request is sent again that the server cannot have seen; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// The longest time after which a busy server may want to be asked again with the same code.
const BUSY_LIMIT: Duration = Duration::from_secs(8);

/// The shortest secret that is looked for in the words of a server, in bytes.
const LEAST_SECRET: usize = 4;

/// What is exchanged, and for whom.
#[derive(Debug)]
pub struct Exchange<'a> {
    /// The token endpoint.
    pub token_endpoint: &'a Url,
    /// The client.
    pub client: &'a Client,
    /// The redirect URI, byte for byte as it was sent.
    pub redirect_uri: &'a str,
    /// The resource, byte for byte as it was sent.
    pub resource: Option<&'a str>,
}

/// How long a request is tried again.
#[derive(Clone, Copy, Debug)]
pub struct Retries {
    /// Until when it is sent again where the server cannot have seen it.
    pub until: Deadline,
    /// Which requests are sent again as well when a busy server names a time for it, with `Retry-After`, that is not later.
    pub when_busy: WhenBusy,
}

/// What is sent again to a server that was busy and named a time for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenBusy {
    /// Every request, as often as there is time.
    Always,
    /// A request that the answer shows not to have been served, once, within 8 s: it spends a code, which is good
    /// for one request.
    OnceIfUnserved,
}

/// What came of an exchange.
#[derive(Debug)]
pub struct Exchanged {
    /// The tokens.
    pub tokens: Tokens,
    /// The server's time when it answered, if it says so.
    pub answered_at: Option<Time>,
}

/// Why there are no tokens.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The server refused.
    #[error("the token endpoint {}", refusal(*status, words))]
    Refused {
        /// The status code.
        status: u16,
        /// What the server says.
        words: ErrorResponse,
    },
    /// The server answered with something else than tokens or an error.
    #[error(
        "the answer of the token endpoint (status {status}, {bytes} bytes) cannot be used: {why}"
    )]
    Unusable {
        /// The status code.
        status: u16,
        /// The size of the answer, in bytes.
        bytes: usize,
        /// What is wrong.
        why: TokenResponseError,
    },
    /// The server cannot answer now.
    #[error("the token endpoint cannot answer now (status {status}){}", in_words([&words.error, &words.description]))]
    Busy {
        /// The status code.
        status: u16,
        /// What the server says.
        words: ErrorResponse,
        /// How long the server wants to be left alone, if it says so.
        retry_after: Option<Duration>,
    },
    /// The request came to nothing.
    #[error(transparent)]
    Http(HttpError),
    /// The request could not be built.
    #[error("the token request cannot be built")]
    Request,
}

impl Failure for ExchangeError {
    fn code(&self) -> Code {
        match self {
            Self::Refused { words, .. } => {
                let error = words.error.as_deref().unwrap_or_default();
                Code::of_oauth_error(error, Code::TokenRefused)
            }
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
            Self::Refused { words, .. } => {
                let error = words.error.as_deref().unwrap_or_default();
                match (about.explain(error, words.description.as_deref()), error) {
                    (Some(hint), _) => hint,
                    (None, "invalid_client") => {
                        "the server does not accept this client: check --client-id and --client-secret-file"
                    }
                    (None, "invalid_scope" | "invalid_target" | "unauthorized_client") => {
                        refusal_hint(error)
                    }
                    (None, _) => {
                        "run the command again; if the code is refused again, ask the operator of the server"
                    }
                }
            }
            Self::Http(err) => return err.hint(about),
            Self::Busy {
                retry_after: Some(wanted),
                ..
            } if !wanted.is_zero() => {
                let hint = format!("run the command again in {}", clock::in_words(*wanted));
                return Some(hint.into());
            }
            Self::Busy { .. }
            | Self::Unusable {
                why: TokenResponseError::NotTokens,
                ..
            } => "run the command again in a while",
            Self::Unusable { .. } | Self::Request => {
                "tell the operator of the authorization server"
            }
        };
        Some(hint.into())
    }
}

impl ExchangeError {
    /// Drops the words of a server that quotes a secret back at us.
    fn without(mut self, secrets: &[Option<&Secret>]) -> Self {
        if let Self::Refused { words, .. } | Self::Busy { words, .. } = &mut self {
            let secrets: Vec<_> = secrets.iter().flatten().map(|it| it.expose()).collect();
            let quotes = |text: &String| {
                secrets
                    .iter()
                    .any(|it| it.len() >= LEAST_SECRET && text.contains(it))
            };
            words.error.take_if(|text| quotes(text));
            words.description.take_if(|text| quotes(text));
        }
        self
    }

    /// Tells whether the server may have taken what was spent, so that it is perhaps used up.
    pub fn may_have_spent(&self) -> bool {
        match self {
            Self::Refused { .. } | Self::Request => false,
            Self::Http(err) => !err.is_unsent(),
            // Behind a gateway the request may have been served, and the answer lost.
            Self::Busy { status, words, .. } => {
                *status >= 500
                    && *status != 503
                    && words.error.as_deref() != Some("temporarily_unavailable")
            }
            Self::Unusable { .. } => true,
        }
    }

    /// Tells whether the server may have refused the way in which the client authenticates, and not what was to be spent.
    fn may_be_about_client(&self) -> bool {
        let Self::Refused {
            status: 400 | 401,
            words,
        } = self
        else {
            return false;
        };
        words
            .error
            .as_deref()
            .is_none_or(|error| client::is_unknown(error) || error == "invalid_request")
    }
}

fn refusal(status: u16, words: &ErrorResponse) -> String {
    match &words.error {
        Some(error) => format!(
            "answered {}{}",
            printable(error),
            in_words([&words.description])
        ),
        None => format!(
            "refused the request with status {status}{}",
            in_words([&words.description])
        ),
    }
}

fn in_words<const N: usize>(words: [&Option<String>; N]) -> String {
    words
        .into_iter()
        .flatten()
        .map(|words| format!(": {}", printable(words)))
        .collect()
}

/// What goes wrong inside a request; the `oauth2` crate carries it to us.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct Carried(ExchangeError);

/// Spends the code.
///
/// # Errors
///
/// An [`ExchangeError`]. The code may have been used up.
///
/// Spec: RFC 6749 section 4.1.3; RFC 7636 section 4.5; RFC 8707 section 2.2.
pub fn exchange(
    ask: &Exchange,
    code: AuthorizationCode,
    verifier: &PkceCodeVerifier,
    sender: (&Http, Retries),
) -> Result<Exchanged, ExchangeError> {
    let client = token::token_client(ask.client, ask.token_endpoint.as_str())
        .map_err(|_| ExchangeError::Request)?;
    let redirect_uri =
        RedirectUrl::new(ask.redirect_uri.to_owned()).map_err(|_| ExchangeError::Request)?;
    let client = client.set_redirect_uri(redirect_uri);
    let (code, verifier) = (code.into_secret(), Secret::new(verifier.secret().clone()));
    let spend = |is_basic_alone| {
        let verifier = PkceCodeVerifier::new(verifier.expose().to_owned());
        let mut request = client
            .exchange_code(OauthCode::new(code.expose().to_owned()))
            .set_pkce_verifier(verifier);
        for (name, value) in ask.extra(is_basic_alone) {
            request = request.add_extra_param(name, value);
        }
        ask.send(sender, |send| request.request(&send))
    };
    ask.once_more_by_basic_alone(spend)
        .map_err(|err| err.without(&[Some(&code), Some(&verifier), ask.secret()]))
}

/// Spends the refresh token. If the server sends no new one, the old one stays good.
///
/// # Errors
///
/// An [`ExchangeError`]. Unless it is [`ExchangeError::Refused`], the refresh token may have been used up or not.
///
/// Spec: RFC 6749 section 6; RFC 8707 section 2.2.
pub fn refresh(
    ask: &Exchange,
    refresh_token: &Secret,
    sender: (&Http, Retries),
) -> Result<Exchanged, ExchangeError> {
    let client = token::token_client(ask.client, ask.token_endpoint.as_str())
        .map_err(|_| ExchangeError::Request)?;
    let spent = RefreshToken::new(refresh_token.expose().to_owned());
    let spend = |is_basic_alone| {
        let mut request = client.exchange_refresh_token(&spent);
        for (name, value) in ask.extra(is_basic_alone) {
            request = request.add_extra_param(name, value);
        }
        ask.send(sender, |send| request.request(&send))
    };
    ask.once_more_by_basic_alone(spend)
        .map_err(|err| err.without(&[Some(refresh_token), ask.secret()]))
}

type Answered = Result<token::Response, RequestTokenError<Carried, BasicErrorResponse>>;

impl Exchange<'_> {
    /// Returns the parameters that the `oauth2` crate does not set by itself.
    fn extra(&self, is_basic_alone: bool) -> Vec<(&'static str, String)> {
        // Deviates: RFC 6749 section 2.3.1 has no client_id in the body with Basic; servers on the Python SDK want it.
        let with_id = self.client.auth == ClientAuth::Basic && !is_basic_alone;
        let client_id = with_id.then(|| ("client_id", self.client.id.clone()));
        self.resource
            .map(|resource| ("resource", resource.to_owned()))
            .into_iter()
            .chain(client_id)
            .collect()
    }

    fn secret(&self) -> Option<&Secret> {
        self.client.secret.as_ref()
    }

    /// Spends something; where the client identifier beside Basic may be why that was refused, once more without it. A
    /// client that failed to authenticate has used nothing up.
    ///
    /// Spec: RFC 6749 section 2.3: no more than one way of client authentication in a request.
    fn once_more_by_basic_alone(
        &self,
        spend: impl Fn(bool) -> Result<Exchanged, ExchangeError>,
    ) -> Result<Exchanged, ExchangeError> {
        let first = spend(false);
        match &first {
            Err(err) if self.client.auth == ClientAuth::Basic && err.may_be_about_client() => {}
            _ => return first,
        }
        log::debug!("the token endpoint may want Basic authentication alone");
        match spend(true) {
            // Then it was not the way, and the first refusal is the one that counts.
            Err(err) if err.may_be_about_client() => first,
            second => second,
        }
    }

    /// Sends one request of the `oauth2` crate, and understands its answer.
    fn send(
        &self,
        (http, retries): (&Http, Retries),
        request: impl FnOnce(&dyn Fn(HttpRequest) -> Result<HttpResponse, Carried>) -> Answered,
    ) -> Result<Exchanged, ExchangeError> {
        let answered_at = Cell::new(None);
        let send = |request: HttpRequest| {
            let (answer, date) =
                send(http, self.token_endpoint, &request, retries).map_err(Carried)?;
            answered_at.set(date);
            Ok(answer)
        };
        match request(&send) {
            Ok(response) => Ok(Exchanged {
                tokens: Tokens::from(response),
                answered_at: answered_at.get(),
            }),
            Err(RequestTokenError::Request(Carried(err))) => Err(err),
            // These hold the body of the answer, and with it perhaps tokens: nothing of them is kept.
            Err(_) => Err(ExchangeError::Request),
        }
    }
}

/// Sends a token request, again where that is sensible, and brings tokens into the form that the `oauth2` crate reads.
fn send(
    http: &Http,
    endpoint: &Url,
    request: &HttpRequest,
    retries: Retries,
) -> Result<(HttpResponse, Option<Time>), ExchangeError> {
    let text = |value: &http::HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let headers: Vec<_> = request
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str(), text(value)))
        .collect();
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let mut pause = FIRST_PAUSE;
    let mut was_busy = false;
    loop {
        let response = match http.post(endpoint, &headers, request.body(), Redirects::Refuse) {
            Ok(response) => response,
            Err(err) if err.may_be_repeated() && !retries.until.passed() => {
                if pause == FIRST_PAUSE {
                    log::warn!("the token endpoint does not answer; trying again");
                }
                thread::sleep(pause.min(retries.until.left()));
                pause *= 2;
                continue;
            }
            Err(err) => return Err(ExchangeError::Http(err)),
        };
        let (status, date, retry_after) =
            (response.status, response.date(), response.retry_after());
        let body = zeroize::Zeroizing::new(response.read().map_err(ExchangeError::Http)?);
        let tokens = match token_endpoint::classify(status, &body) {
            TokenResponse::Tokens(tokens) => tokens,
            TokenResponse::Refused(words) => return Err(ExchangeError::Refused { status, words }),
            TokenResponse::Busy(words) => {
                let may_repeat = |wanted: &Duration| match retries.when_busy {
                    WhenBusy::Always => true,
                    WhenBusy::OnceIfUnserved => {
                        !was_busy && *wanted <= BUSY_LIMIT && is_unserved(status, &words)
                    }
                };
                match retry_after.filter(may_repeat) {
                    Some(wanted) if wanted < retries.until.left() => {
                        let seconds = wanted.as_secs();
                        let level = match retries.when_busy {
                            WhenBusy::Always => log::Level::Info,
                            // Somebody waits for the login.
                            WhenBusy::OnceIfUnserved => log::Level::Warn,
                        };
                        log::log!(level, "the token endpoint is busy (status {status}); trying again in {seconds} s");
                        thread::sleep(wanted.max(FIRST_PAUSE));
                        was_busy = true;
                    }
                    _ => {
                        return Err(ExchangeError::Busy {
                            status,
                            words,
                            retry_after,
                        })
                    }
                }
                continue;
            }
            TokenResponse::Unusable(why) => {
                return Err(ExchangeError::Unusable {
                    status,
                    bytes: body.len(),
                    why,
                })
            }
        };
        let answer = http::Response::builder()
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(tokens);
        return answer
            .map(|answer| (answer, date))
            .map_err(|_| ExchangeError::Request);
    }
}

/// Tells whether a server that was busy says that it has not served the request. A gateway that answers 500, 502 or 504
/// may have lost the answer.
///
/// Spec: RFC 6585 section 4; RFC 9110 section 15.6.4; RFC 6749 section 4.1.2.1 for the word.
fn is_unserved(status: u16, words: &ErrorResponse) -> bool {
    match status {
        429 | 503 => true,
        ..=499 => words.error.as_deref() == Some("temporarily_unavailable"),
        _ => false,
    }
}
