//! What is at the URL: a request without a token, and what its answer tells.

use std::thread;

use url::Url;

use super::error::Page;
use super::{steps, DiscoverError, Search};
use crate::http::{HttpError, Redirects, Response};
use crate::mcp;
use crate::oauth::challenge::{self, BearerChallenge, Credential};
use crate::oauth::metadata;

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
    is_mcp: bool,
}

impl Probe {
    fn of(response: &Response) -> Self {
        let status = response.status;
        let challenges = || response.header_values("www-authenticate");
        let is_protected = matches!(status, 401 | 403);
        Self {
            status,
            challenge: is_protected.then(|| challenge::bearer(challenges())).flatten(),
            credential: is_protected.then(|| challenge::other_credential(challenges())).flatten(),
            is_html: response.is("text/html") || response.is("application/xhtml+xml"),
            is_mcp: response.is("application/json") || response.is("text/event-stream"),
        }
    }

    /// Tells whether the server wants a login of some kind.
    pub fn is_protected(&self) -> bool {
        matches!(self.status, 401 | 403)
    }

    /// Tells whether an MCP server answered without a login.
    pub fn is_open(&self) -> bool {
        (200..300).contains(&self.status) && self.is_mcp
    }

    /// Tells whether the server is only not available now.
    pub fn is_temporary(&self) -> bool {
        super::documents::is_temporary(self.status)
    }

    /// Returns what is there if it is no MCP server: nothing, or a page for people. A server that wants a login, or is
    /// not available, may say so with a page.
    pub fn page(&self) -> Option<Page> {
        let Self { status, is_html, .. } = *self;
        let is_page = is_html && !self.is_protected() && !self.is_temporary();
        (is_page || matches!(status, 404 | 410)).then_some(Page { status, is_html })
    }
}

impl Search<'_> {
    /// Probes the server, and fetches in the meantime what the next steps are likely to need.
    pub(super) fn ask_around(&self, server: &Url) -> Result<Probe, DiscoverError> {
        if let Some(challenge) = self.question.challenge {
            let challenge = challenge::bearer([challenge]);
            let probe = Probe { status: 401, challenge, ..Probe::default() };
            self.note(server, || format!("not asked: {}", steps::probe_in_words(401, probe.challenge.as_ref())));
            return Ok(probe);
        }
        let likely = metadata::resource_metadata_urls(server).into_iter().next();
        let remembered = self.question.last_issuer;
        let remembered =
            remembered.and_then(|issuer| metadata::server_metadata_urls(issuer, self.reach).ok()?.into_iter().next());
        thread::scope(|scope| {
            for url in likely.iter().chain(remembered.as_ref()) {
                // If there is no thread to be had, the document is fetched when its turn comes.
                let fetch = || self.documents.prefetch(url);
                drop(thread::Builder::new().name("discovery".to_owned()).spawn_scoped(scope, fetch));
            }
            self.probe(server)
        })
    }

    fn probe(&self, server: &Url) -> Result<Probe, DiscoverError> {
        let first = self.ask(server, &mcp::modern_request(mcp::LIST_TOOLS), &mcp::modern_headers(mcp::LIST_TOOLS));
        let probe = match first {
            Ok(probe) => probe,
            Err(err) if err.is_security() => return Err(DiscoverError::Http(err)),
            Err(err) => {
                // Metadata is enough for a login. Where there is none either, the server is simply out of reach.
                let mut usual = metadata::resource_metadata_urls(server).into_iter().take(1);
                let readable = usual.any(|url| self.documents.get(&url).is_ok());
                return if readable { Ok(Probe::default()) } else { Err(DiscoverError::Http(err)) };
            }
        };
        if probe.challenge.is_some() || !matches!(probe.status, 400 | 404 | 405 | 406) {
            return Ok(probe);
        }
        self.ask(server, &mcp::initialize(), &[]).map_err(DiscoverError::Http)
    }

    fn ask(&self, server: &Url, body: &str, extra: &[(&str, &str)]) -> Result<Probe, HttpError> {
        let headers: Vec<_> = mcp::HEADERS.iter().chain(extra).copied().collect();
        let sent = self.http.post(server, &headers, body.as_bytes(), Redirects::SameOrigin);
        if let Some(steps) = self.question.steps {
            steps.asked(server, sent.as_ref().ok());
        }
        let response = sent.inspect_err(|err| self.note(server, || err.to_string()))?;
        let probe = Probe::of(&response);
        self.note(server, || steps::probe_in_words(probe.status, probe.challenge.as_ref()));
        Ok(probe)
    }
}
