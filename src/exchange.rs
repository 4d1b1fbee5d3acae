//! Step four: the code becomes tokens, and later the refresh token does. Either is spent at the token endpoint that was
//! recorded with it, and nowhere else.

use oauth2::basic::BasicErrorResponse;
use oauth2::{
    AuthorizationCode as Code, HttpRequest, HttpResponse, PkceCodeVerifier, RedirectUrl, RefreshToken,
    RequestTokenError,
};
use url::Url;

use crate::http::{Http, HttpError, Redirects};
use crate::oauth::callback::AuthorizationCode;
use crate::oauth::client::{Client, ClientAuth};
use crate::oauth::secret::Secret;
use crate::oauth::text::printable;
use crate::oauth::token::{self, Tokens, Unusable};

/// Most times that a request is sent again when the server cannot have seen it.
const MAX_RETRIES: usize = 2;

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

/// Why there are no tokens.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The server refused.
    #[error("the token endpoint answered {}{}", printable(error), words(description))]
    Refused {
        /// The error code.
        error: String,
        /// What the server adds for people.
        description: Option<String>,
    },
    /// The server answered with something else than tokens or an error.
    #[error("the answer of the token endpoint (status {status}, {bytes} bytes) cannot be used: {why}")]
    Unusable {
        /// The status code.
        status: u16,
        /// The size of the answer, in bytes.
        bytes: usize,
        /// What is wrong.
        why: Unusable,
    },
    /// The server could not answer.
    #[error("the token endpoint answered with status {0}")]
    Unavailable(u16),
    /// The request came to nothing.
    #[error(transparent)]
    Http(HttpError),
    /// The request could not be built.
    #[error("the token request cannot be built")]
    Request,
}

impl ExchangeError {
    /// Drops the words of a server that quotes a secret back at us.
    fn without(self, secrets: &[Secret]) -> Self {
        let Self::Refused { error, description } = self else { return self };
        let quotes = |text: &str| secrets.iter().any(|secret| text.contains(secret.expose()));
        let error = if quotes(&error) { "unknown_error".to_owned() } else { error };
        Self::Refused { error, description: description.filter(|words| !quotes(words)) }
    }

    /// Tells whether the server may have taken what was spent, so that it is perhaps used up.
    pub fn may_have_spent(&self) -> bool {
        match self {
            Self::Refused { .. } | Self::Request => false,
            Self::Http(err) => !err.is_unsent(),
            Self::Unusable { .. } | Self::Unavailable(_) => true,
        }
    }
}

fn words(description: &Option<String>) -> String {
    description.as_ref().map(|words| format!(": {}", printable(words))).unwrap_or_default()
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
    verifier: PkceCodeVerifier,
    http: &Http,
) -> Result<Tokens, ExchangeError> {
    let client = token::token_client(ask.client, ask.token_endpoint.as_str()).map_err(|_| ExchangeError::Request)?;
    let redirect_uri = RedirectUrl::new(ask.redirect_uri.to_owned()).map_err(|_| ExchangeError::Request)?;
    let client = client.set_redirect_uri(redirect_uri);
    let code = code.into_secret();
    let secrets = [code.clone(), Secret::new(verifier.secret().clone())];
    let mut request = client.exchange_code(Code::new(code.expose().to_owned())).set_pkce_verifier(verifier);
    for (name, value) in ask.extra() {
        request = request.add_extra_param(name, value);
    }
    let send = |request: HttpRequest| send(http, ask.token_endpoint, &request).map_err(Carried);
    tokens(request.request(&send)).map_err(|err| err.without(&secrets))
}

/// Spends the refresh token. If the server sends no new one, the old one stays good.
///
/// # Errors
///
/// An [`ExchangeError`]. Unless it is [`ExchangeError::Refused`], the refresh token may have been used up or not.
///
/// Spec: RFC 6749 section 6; RFC 8707 section 2.2.
pub fn refresh(ask: &Exchange, refresh_token: &Secret, http: &Http) -> Result<Tokens, ExchangeError> {
    let client = token::token_client(ask.client, ask.token_endpoint.as_str()).map_err(|_| ExchangeError::Request)?;
    let spent = RefreshToken::new(refresh_token.expose().to_owned());
    let mut request = client.exchange_refresh_token(&spent);
    for (name, value) in ask.extra() {
        request = request.add_extra_param(name, value);
    }
    let send = |request: HttpRequest| send(http, ask.token_endpoint, &request).map_err(Carried);
    tokens(request.request(&send)).map_err(|err| err.without(std::slice::from_ref(refresh_token)))
}

impl Exchange<'_> {
    /// Returns the parameters that the `oauth2` crate does not set by itself.
    fn extra(&self) -> Vec<(&'static str, String)> {
        // Deviates: RFC 6749 section 2.3.1 has no client_id in the body with Basic; servers on the Python SDK want it.
        let client_id = (self.client.auth == ClientAuth::Basic).then(|| ("client_id", self.client.id.clone()));
        self.resource.map(|resource| ("resource", resource.to_owned())).into_iter().chain(client_id).collect()
    }
}

type Answered = Result<token::Response, RequestTokenError<Carried, BasicErrorResponse>>;

fn tokens(answered: Answered) -> Result<Tokens, ExchangeError> {
    match answered {
        Ok(response) => Ok(Tokens::from(response)),
        Err(RequestTokenError::ServerResponse(err)) => {
            let description = err.error_description().cloned();
            Err(ExchangeError::Refused { error: err.error().to_string(), description })
        }
        Err(RequestTokenError::Request(Carried(err))) => Err(err),
        // These hold the body of the answer, and with it perhaps tokens: nothing of them is kept.
        Err(RequestTokenError::Parse(..) | RequestTokenError::Other(_)) => Err(ExchangeError::Request),
    }
}

/// Sends a token request and brings the answer into the form that the `oauth2` crate reads.
fn send(http: &Http, endpoint: &Url, request: &HttpRequest) -> Result<HttpResponse, ExchangeError> {
    let text = |value: &http::HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let headers: Vec<_> = request.headers().iter().map(|(name, value)| (name.as_str(), text(value))).collect();
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut retries = 0;
    let response = loop {
        match http.post(endpoint, &headers, request.body(), Redirects::Refuse) {
            Ok(response) => break response,
            Err(err) if err.is_unsent() && retries < MAX_RETRIES => retries += 1,
            Err(err) => return Err(ExchangeError::Http(err)),
        }
    };
    let status = response.status;
    let body = zeroize::Zeroizing::new(response.read().map_err(ExchangeError::Http)?);
    let (normal_status, normal_body) = match token::normalise(&body, status >= 400) {
        Ok(answer) => answer,
        Err(_) if status >= 500 || status == 429 => return Err(ExchangeError::Unavailable(status)),
        Err(why) => return Err(ExchangeError::Unusable { status, bytes: body.len(), why }),
    };
    let answer = http::Response::builder()
        .status(normal_status)
        .header(http::header::CONTENT_TYPE, "application/json")
        .body(normal_body);
    answer.map_err(|_| ExchangeError::Request)
}
