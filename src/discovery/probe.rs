//! What is at the URL: a request without a token, and what its answer tells.

use std::thread;

use url::Url;

use super::error::OtherContent;
use super::{trace, DiscoverError, Search};
use crate::http::{HttpError, Redirects, Response};
use crate::mcp;
use crate::oauth::challenge::{self, BearerChallenge, Credential};
use crate::oauth::endpoint;
use crate::oauth::metadata;
use crate::oauth::text::printable;

/// What the server answered to a request without a token.
#[derive(Debug, Default)]
pub(super) struct Probe {
    /// The status code; 0 if there was no answer.
    pub status: u16,
    /// The challenge to follow.
    pub challenge: Option<BearerChallenge>,
    /// What it asks for that is no OAuth token.
    pub credential: Option<Credential>,
    is_html: bool,
    /// What the MCP message of a successful answer tells.
    message: RpcOutcome,
}

/// What an MCP message, which answers a request without a token, tells of the login.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum RpcOutcome {
    /// There is none, or none that can be understood.
    #[default]
    None,
    /// The request was served, or refused for its form alone.
    Open,
    /// The request was refused for want of a login.
    LoginWanted,
    /// The request failed for another reason.
    Failed,
}

/// JSON-RPC errors that are about the form of the request: unknown method, invalid parameters, unknown MCP version.
///
/// Spec: JSON-RPC 2.0 section 5.1; MCP 2026-07-28, Errors.
const ERRORS_OF_FORM: [i64; 3] = [-32601, -32602, -32022];

/// Parts of words that a server refuses a request with which lacks a login.
const WORDS_OF_LOGIN: [&str; 10] = [
    "auth",
    "login",
    "log in",
    "logged in",
    "sign in",
    "signed in",
    "token",
    "credential",
    "api key",
    "access denied",
];

impl RpcOutcome {
    /// Reads the message of a successful answer. A stream of events without a message yet is one of an MCP server.
    fn of(response: Response) -> Self {
        let is_stream = response.is("text/event-stream");
        if !(200..300).contains(&response.status) || !(is_stream || response.is("application/json"))
        {
            return Self::None;
        }
        match response
            .read_until(|body| mcp::find_response(body, is_stream))
            .unwrap_or_default()
        {
            Some(mcp::McpResponse::Result(_)) => Self::Open,
            Some(mcp::McpResponse::Error(code, words)) => Self::of_error(code, &words),
            None if is_stream => Self::Open,
            None => Self::None,
        }
    }

    fn of_error(code: i64, words: &str) -> Self {
        let words = words.to_ascii_lowercase();
        if WORDS_OF_LOGIN.iter().any(|word| words.contains(word)) {
            Self::LoginWanted
        } else if ERRORS_OF_FORM.contains(&code) {
            Self::Open
        } else {
            Self::Failed
        }
    }
}

impl Probe {
    fn of(response: Response) -> Self {
        let status = response.status;
        let challenges = || response.header_values("www-authenticate");
        let is_protected = matches!(status, 401 | 403);
        Self {
            status,
            challenge: is_protected
                .then(|| challenge::bearer(challenges()))
                .flatten(),
            credential: is_protected
                .then(|| challenge::other_credential(challenges()))
                .flatten(),
            is_html: response.is("text/html") || response.is("application/xhtml+xml"),
            message: RpcOutcome::of(response),
        }
    }

    /// Tells whether the server wants a login of some kind.
    pub fn is_protected(&self) -> bool {
        matches!(self.status, 401 | 403) || self.message == RpcOutcome::LoginWanted
    }

    /// Tells whether an MCP server answered without a login.
    pub fn is_open(&self) -> bool {
        self.message == RpcOutcome::Open
    }

    /// Tells whether the server is only not available now.
    pub fn is_temporary(&self) -> bool {
        super::fetch::is_temporary(self.status)
    }

    /// Returns what is there if it is no MCP server: nothing, or a page for people. A server that wants a login, or is
    /// not available, may say so with a page.
    pub fn page(&self) -> Option<OtherContent> {
        let Self {
            status, is_html, ..
        } = *self;
        let is_page = is_html && !self.is_protected() && !self.is_temporary();
        (is_page || matches!(status, 404 | 410)).then_some(OtherContent { status, is_html })
    }
}

impl Search<'_> {
    /// Probes the server, and fetches in the meantime what the next steps are likely to need.
    pub(super) fn ask_around(&self, server: &Url) -> Result<Probe, DiscoverError> {
        if let Some(challenge) = self.question.challenge {
            let challenge = challenge::bearer([challenge]);
            let probe = Probe {
                status: 401,
                challenge,
                ..Probe::default()
            };
            self.note(server, || {
                format!("not asked: {}", trace::probe_in_words(&probe))
            });
            return Ok(probe);
        }
        let likely = metadata::resource_metadata_urls(server).into_iter().next();
        let remembered = self.question.last_issuer;
        let remembered = remembered.and_then(|issuer| {
            metadata::server_metadata_urls(issuer, self.reach)
                .ok()?
                .into_iter()
                .next()
        });
        thread::scope(|scope| {
            for url in likely.iter().chain(remembered.as_ref()) {
                // If there is no thread to be had, the document is fetched when its turn comes.
                let fetch = || self.documents.prefetch(url);
                drop(
                    thread::Builder::new()
                        .name("discovery".to_owned())
                        .spawn_scoped(scope, fetch),
                );
            }
            self.probe(server)
        })
    }

    fn probe(&self, server: &Url) -> Result<Probe, DiscoverError> {
        let first = self.ask(
            server,
            &mcp::modern_request(mcp::LIST_TOOLS),
            &mcp::modern_headers(mcp::LIST_TOOLS),
        );
        let probe = match first {
            Ok(probe) => probe,
            Err(err) if err.is_security() => return Err(unanswered(err)),
            Err(err) => {
                // Metadata is enough for a login. Where there is none either, the server is simply out of reach.
                let mut usual = metadata::resource_metadata_urls(server).into_iter().take(1);
                let readable = usual.any(|url| self.documents.get(&url).is_ok());
                return if readable {
                    Ok(Probe::default())
                } else {
                    Err(DiscoverError::Http(err))
                };
            }
        };
        let is_unclear =
            matches!(probe.status, 400 | 404 | 405 | 406) || probe.message == RpcOutcome::Failed;
        if probe.challenge.is_some() || !is_unclear {
            return Ok(probe);
        }
        self.ask(server, &mcp::initialize(), &[])
            .map_err(unanswered)
    }

    fn ask(&self, server: &Url, body: &str, extra: &[(&str, &str)]) -> Result<Probe, HttpError> {
        let headers: Vec<_> = mcp::HEADERS.iter().chain(extra).copied().collect();
        let sent = self
            .http
            .post(server, &headers, body.as_bytes(), Redirects::SameOrigin);
        if let Some(steps) = self.question.steps {
            steps.asked(server, sent.as_ref().ok());
        }
        let response = sent.inspect_err(|err| self.note(server, || err.to_string()))?;
        let probe = Probe::of(response);
        self.note(server, || trace::probe_in_words(&probe));
        Ok(probe)
    }
}

/// Tells why there is no answer. A redirect to the page of a login leads to no MCP server, rather than to another one.
fn unanswered(err: HttpError) -> DiscoverError {
    match err {
        HttpError::Redirect(page)
            if Url::parse(&page).is_ok_and(|page| endpoint::is_login_page(&page)) =>
        {
            DiscoverError::LoginPage(printable(&page))
        }
        err => DiscoverError::Http(err),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m53_which_errors_are_those_of_an_open_server() {
        for (code, words, expected) in [
            (-32601, "Method not found", RpcOutcome::Open),
            (-32602, "Invalid params", RpcOutcome::Open),
            (-32022, "Unsupported protocol version", RpcOutcome::Open),
            (
                -32001,
                "Unauthorized: please authenticate",
                RpcOutcome::LoginWanted,
            ),
            (-32602, "Missing API key", RpcOutcome::LoginWanted),
            (-32000, "Not logged in", RpcOutcome::LoginWanted),
            (401, "", RpcOutcome::Failed),
            (-32000, "Server not initialized", RpcOutcome::Failed),
        ] {
            assert_eq!(
                RpcOutcome::of_error(code, words),
                expected,
                "{code} {words}"
            );
        }
    }
}
