//! The probe: an MCP request without a token, and what its response shows about a login.

use std::thread;

use url::Url;

use super::search::Search;
use super::{trace, DiscoverError, ServerSource};
use crate::http::{HttpError, Redirects, Response};
use crate::mcp;
use crate::oauth::challenge::{self, BearerChallenge, Credential};
use crate::oauth::endpoint;
use crate::oauth::metadata;
use crate::oauth::text::printable;

/// The response to a request without a token.
#[derive(Debug, Default)]
pub(super) struct Probe {
    /// The status code; 0 if there was no answer.
    pub status: u16,
    /// The challenge to follow.
    pub challenge: Option<BearerChallenge>,
    /// What the server asks for instead of an OAuth token.
    pub credential: Option<Credential>,
    is_html: bool,
    outcome: RpcOutcome,
}

/// What the MCP message in the response shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum RpcOutcome {
    /// There is no MCP message.
    #[default]
    None,
    /// The request was served, or refused only for its form.
    Open,
    /// The request was refused because it lacks a login.
    LoginWanted,
    /// The request failed for another reason.
    Failed,
}

/// JSON-RPC errors that are about the form of the request: unknown method, invalid parameters, unknown MCP version.
///
/// Spec: JSON-RPC 2.0 section 5.1; MCP 2026-07-28, Errors.
const ERRORS_OF_FORM: [i64; 3] = [-32601, -32602, -32022];

/// Parts of messages with which servers refuse a request that lacks a login.
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
    /// Reads the message of a successful response. An event stream without a message yet is that of an MCP server.
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
        let challenges = match status {
            401 | 403 => response.header_values("www-authenticate"),
            _ => Vec::new(),
        };
        Self {
            status,
            challenge: challenge::bearer(challenges.iter().copied()),
            credential: challenge::other_credential(challenges.iter().copied()),
            is_html: response.is("text/html") || response.is("application/xhtml+xml"),
            outcome: RpcOutcome::of(response),
        }
    }

    /// Tells whether the server wants a login of some kind.
    pub fn is_protected(&self) -> bool {
        matches!(self.status, 401 | 403) || self.outcome == RpcOutcome::LoginWanted
    }

    /// Tells whether an MCP server answered without a login.
    pub fn is_open(&self) -> bool {
        self.outcome == RpcOutcome::Open
    }

    /// Tells whether the server is only unavailable now.
    pub fn is_temporary(&self) -> bool {
        super::fetch::is_temporary(self.status)
    }

    /// Returns the error for a URL that is not that of an MCP server: nothing is there, or a web page. A server that wants a
    /// login, or is unavailable, may say so with a web page.
    pub fn not_mcp(&self) -> Option<DiscoverError> {
        let Self {
            status, is_html, ..
        } = *self;
        let is_page = is_html && !self.is_protected() && !self.is_temporary();
        let is_nothing = matches!(status, 404 | 410);
        (is_page || is_nothing).then_some(DiscoverError::NotMcp { status, is_html })
    }
}

impl Search<'_> {
    /// Probes the server; in parallel, fetches the documents that the next steps will probably need.
    pub(super) fn probe_and_prefetch(&self, server: &Url) -> Result<Probe, DiscoverError> {
        if let Some(challenge) = self.request.challenge {
            let challenge = challenge::bearer([challenge]);
            let probe = Probe {
                status: 401,
                challenge,
                ..Probe::default()
            };
            self.note(server, || {
                format!("not sent: {}", trace::describe_probe(&probe))
            });
            return Ok(probe);
        }
        let issuer_urls = self
            .request
            .last_issuer
            .and_then(|issuer| metadata::server_metadata_urls(issuer, self.policy).ok());
        let of_resource = metadata::resource_metadata_urls(server).into_iter().next();
        let of_issuer = issuer_urls.and_then(|urls| urls.into_iter().next());
        if let Some(url) = self.likely_metadata(server).filter(|_| of_issuer.is_none()) {
            self.documents.guess(&url);
        }
        thread::scope(|scope| {
            for url in of_resource.iter().chain(&of_issuer) {
                let fetch = || self.documents.prefetch(url);
                let thread = thread::Builder::new().name("discovery".to_owned());
                if let Err(err) = thread.spawn_scoped(scope, fetch) {
                    log::debug!("no thread to fetch {url} ahead: {err}");
                }
            }
            self.probe(server)
        })
    }

    /// Returns where the metadata of the authorization server is if that has the origin of the MCP server, as with most hosted
    /// ones. The document counts only as that of an issuer that was found. Nothing is guessed where it saves no time, on plain
    /// loopback, and nothing for a trace, which shows what is needed.
    fn likely_metadata(&self, server: &Url) -> Option<Url> {
        let is_search = matches!(self.request.source, ServerSource::Search);
        if !is_search || self.request.trace.is_some() || server.scheme() != "https" {
            return None;
        }
        let origin = server.origin().ascii_serialization();
        let urls = metadata::server_metadata_urls(&origin, self.policy).ok()?;
        urls.into_iter().next()
    }

    fn probe(&self, server: &Url) -> Result<Probe, DiscoverError> {
        let first = self.ask(
            server,
            &mcp::modern_request(mcp::LIST_TOOLS, None),
            &mcp::modern_headers(mcp::LIST_TOOLS),
        );
        let probe = match first {
            Ok(probe) => probe,
            Err(err) if err.is_security() => return Err(unanswered(err)),
            Err(err) => {
                // Metadata is enough for a login. Without it, the server is unreachable.
                let url = metadata::resource_metadata_urls(server).into_iter().next();
                return match url.map(|url| self.documents.get(&url)) {
                    Some(Ok(_)) => Ok(Probe::default()),
                    _ => Err(DiscoverError::Http(err)),
                };
            }
        };
        let is_unclear =
            matches!(probe.status, 400 | 404 | 405 | 406) || probe.outcome == RpcOutcome::Failed;
        if probe.challenge.is_some() || !is_unclear {
            return Ok(probe);
        }
        self.ask(server, &mcp::initialize(None), &[])
            .map_err(unanswered)
    }

    fn ask(&self, server: &Url, body: &str, extra: &[(&str, &str)]) -> Result<Probe, HttpError> {
        let headers: Vec<_> = mcp::HEADERS.iter().chain(extra).copied().collect();
        let sent = self
            .http
            .post(server, &headers, body.as_bytes(), Redirects::SameOrigin);
        if let Some(trace) = self.request.trace {
            trace.asked(server, sent.as_ref().ok());
        }
        let response = sent.inspect_err(|err| self.note(server, || err.to_string()))?;
        let probe = Probe::of(response);
        self.note(server, || trace::describe_probe(&probe));
        Ok(probe)
    }
}

/// Returns the error for a probe without a response. A redirect to a login page does not lead to an MCP server.
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
