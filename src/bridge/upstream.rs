//! The server's side: a request with the token, and what is done when the server refuses it.

use std::collections::HashMap;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::value::RawValue;
use url::Url;

use super::cookies::Cookies;
use super::json::{self, members_of, replaced, with_members};
use super::message::{Kind, RpcMessage, NULL};
use super::token::TokenSource;
use crate::context::Context;
use crate::error::{Error, ServerFault};
use crate::http::dpop::Nonces;
use crate::http::{Abort, Http, HttpError, Response, StreamRequest};
use crate::mcp;
use crate::oauth::challenge::{self, BearerChallenge};
use crate::oauth::secret;
use crate::oauth::text::scope_list;
use crate::refresh;
use crate::store::{Credentials, GrantType, StoredId};

/// Longest time for finding the server, and for connecting to it.
const CONNECT_LIMIT: Duration = Duration::from_secs(4);

/// Longest wait for the response to a request: what takes that long has been forgotten.
const ANSWER_LIMIT: Duration = Duration::from_secs(60 * 60);

/// Longest wait for the response to what has no answer.
pub const QUIET_LIMIT: Duration = Duration::from_secs(10);

/// Where a request of 2026-07-28 says what its client can do.
const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

/// The pauses before a request is sent again that did not reach the server.
const PAUSES: [Duration; 3] = [
    Duration::from_millis(200),
    Duration::from_millis(600),
    Duration::from_millis(1200),
];

/// The MCP server.
pub struct Upstream {
    /// Its URL.
    pub server: Url,
    http: Http,
    /// The token.
    pub tokens: TokenSource,
    nonces: Nonces,
    cookies: Cookies,
}

impl Upstream {
    /// Prepares; nothing is asked yet.
    pub fn new(server: Url, key: StoredId, context: &Arc<Context>) -> Self {
        let http = Http::new(
            &context.settings.http,
            std::slice::from_ref(&server),
            CONNECT_LIMIT,
        );
        Self {
            server,
            http,
            tokens: TokenSource::new(key, Arc::clone(context)),
            nonces: Nonces::default(),
            cookies: Cookies::default(),
        }
    }

    /// Returns a request that carries a message, with these headers beside the usual ones.
    pub fn post<'a>(
        &'a self,
        message: &'a RpcMessage,
        headers: impl IntoIterator<Item = (&'a str, &'a str)>,
        abort: &'a Abort,
    ) -> StreamRequest<'a> {
        StreamRequest {
            method: "POST",
            body: Some(message.text.as_bytes()),
            until_head: match message.kind {
                Kind::Request => ANSWER_LIMIT,
                _ => QUIET_LIMIT,
            },
            ..self.get(mcp::HEADERS.into_iter().chain(headers), abort)
        }
    }

    /// Returns a request without a message.
    pub fn get<'a>(
        &'a self,
        headers: impl IntoIterator<Item = (&'a str, &'a str)>,
        abort: &'a Abort,
    ) -> StreamRequest<'a> {
        StreamRequest {
            method: "GET",
            url: &self.server,
            headers: headers.into_iter().collect(),
            body: None,
            abort,
            until_head: ANSWER_LIMIT,
        }
    }

    /// Sends a request with a live token, once more with another token if the server refuses that one, and returns the response.
    /// What did not reach the server is sent again a few times.
    ///
    /// # Errors
    ///
    /// [`Error::NotLoggedIn`] if only a login helps; [`Error::Unreachable`] if the server is.
    pub fn send(&self, request: &StreamRequest) -> Result<Response, Error> {
        let mut login = self.tokens.live(None)?;
        let mut response = self.send_with(request, login.as_deref())?;
        if response.status == 401 {
            let bound_only = wants_bound(&response);
            let Some(refused) = &login else {
                return Err(self.tokens.needs_login(None, bound_only));
            };
            let token = &refused.access_token;
            login = match bound_only && !refused.is_bound() {
                // Another token of this login would not be bound either.
                true => match self.tokens.newer(token)? {
                    None => return Err(self.tokens.needs_login(Some(refused), true)),
                    newer => newer,
                },
                false => self.tokens.live(Some(token))?,
            };
            response = self.send_with(request, login.as_deref())?;
            if response.status == 401 {
                let bound_only = wants_bound(&response);
                login
                    .as_deref()
                    .inspect(|login| self.tokens.refuse(login, bound_only));
                return Err(self.tokens.needs_login(login.as_deref(), bound_only));
            }
        }
        let Some(used) = &login else {
            return Ok(response);
        };
        let Some(wanted) = wanted_scopes(&response, used) else {
            return Ok(response);
        };
        // A login with more scopes may have been made meanwhile.
        if let Some(newer) = self.tokens.newer(&used.access_token)? {
            let response = self.send_with(request, Some(&newer))?;
            return match wanted_scopes(&response, &newer) {
                Some(wanted) => Err(self.needs_scopes(&newer, wanted)),
                None => Ok(response),
            };
        }
        Err(self.needs_scopes(used, wanted))
    }

    fn needs_scopes(&self, login: &Credentials, mut challenge: BearerChallenge) -> Error {
        let wanted = scope_list(&challenge.scopes, "it does not say which scopes");
        let missing = |scope: &&String| !challenge.scopes.contains(scope);
        let granted: Vec<_> = login.scopes.iter().filter(missing).cloned().collect();
        challenge.scopes = [granted, challenge.scopes].concat();
        self.tokens
            .needs_scopes(login, &challenge.to_header(), &wanted)
    }

    fn send_with(
        &self,
        request: &StreamRequest,
        login: Option<&Credentials>,
    ) -> Result<Response, Error> {
        let cookies = self.cookies.header(request.url);
        let extension = login
            .and_then(|login| login.grant.known())
            .and_then(GrantType::extension);
        let named = extension.zip(request.body);
        let named = named.and_then(|(name, body)| with_extension(body, name));
        let open = |headers: &[(&str, &str)]| {
            let mut headers = [&request.headers, headers].concat();
            headers.extend(cookies.iter().map(|it| ("cookie", it.as_str())));
            let response = self.open(&StreamRequest {
                headers,
                body: named.as_ref().map(String::as_bytes).or(request.body),
                ..request.clone()
            })?;
            self.cookies.keep(request.url, &response);
            Ok(response)
        };
        match login {
            Some(login) => {
                let credential = refresh::credential(login, &self.nonces);
                credential.send(request.method, request.url, open)
            }
            None => open(&[]),
        }
    }

    fn open(&self, request: &StreamRequest) -> Result<Response, Error> {
        let (mut pauses, began) = (PAUSES.iter(), Instant::now());
        loop {
            match self.http.open(request) {
                Err(err) if err.may_be_repeated() && !request.abort.is_aborted() => {
                    match pauses.next().filter(|_| began.elapsed() < CONNECT_LIMIT) {
                        Some(pause) => thread::sleep(*pause),
                        None => return Err(self.unreachable(err)),
                    }
                }
                result => return result.map_err(|err| self.unreachable(err)),
            }
        }
    }

    /// Says that the server is out of reach, or that its answer did not come.
    pub fn unreachable(&self, source: HttpError) -> Error {
        match source {
            HttpError::Unreachable {
                why, unsent: false, ..
            }
            | HttpError::NotHttp { why, .. } => {
                let what =
                    format!("gave no answer, and the message may have been acted on ({why})");
                self.fault(&what, ServerFault::Passing)
            }
            source => Error::Unreachable {
                server: self.server.to_string(),
                source,
            },
        }
    }

    /// Says that the server did something that it should not.
    pub fn fault(&self, what: &str, fault: ServerFault) -> Error {
        Error::Server {
            message: format!("{} {what}", self.server),
            fault,
        }
    }
}

/// Returns a message in which the client names this extension too among what it can do; `None` if that changes nothing.
///
/// Spec: MCP 2025-11-25, Lifecycle, Initialization; MCP 2026-07-28, Extensions, Negotiation; SEP-2133.
fn with_extension(message: &[u8], extension: &str) -> Option<String> {
    let message = std::str::from_utf8(message).ok()?;
    let [method, params] = members_of(message, ["method", "params"]);
    let params = params?.get();
    let [capabilities] = match json::string(method)?.as_str() {
        "initialize" => members_of(params, ["capabilities"]),
        _ => members_of(members_of(params, ["_meta"])[0]?.get(), [CAPABILITIES]),
    };
    let capabilities = capabilities?.get();
    let own = format!(r#""{extension}":{{}}"#);
    let known: HashMap<String, &RawValue> = serde_json::from_str(capabilities).ok()?;
    let (old, new) = match known.get("extensions").map(|it| it.get()) {
        None => (capabilities, format!(r#""extensions":{{{own}}}"#)),
        Some(none @ NULL) => return replaced(message, none, &format!("{{{own}}}")),
        Some(others) => (others, own),
    };
    match members_of(old, [extension]) {
        [Some(_)] => None,
        [None] => replaced(message, old, &with_members(old, &new)?),
    }
}

/// Tells whether a refusal says that the server takes only tokens that are bound to a key.
fn wants_bound(response: &Response) -> bool {
    challenge::wants_bound(response.header_values("www-authenticate"))
}

/// Returns the challenge of a response that asks for more scopes than a login has.
fn wanted_scopes(response: &Response, login: &Credentials) -> Option<BearerChallenge> {
    let token = [login.access_token.expose()];
    let quotes_token = |text: &str| secret::quotes(text, &token, "");
    let challenges = response.header_values("www-authenticate");
    let wanted = challenge::wanted_scopes(response.status, challenges, quotes_token);
    wanted.filter(|_| response.status == 403)
}
