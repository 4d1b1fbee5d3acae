//! Step one: finding out which authorization server a login needs, and what to ask it for.
//!
//! What can be asked at the same time is asked at the same time: the probe, the metadata at its usual place, and what
//! is remembered of the authorization server.

mod authority;
mod error;
mod fetch;
mod probe;
mod resource;
mod trace;

pub use error::{DiscoverError, Nowhere};
pub use fetch::FetchError;
pub use trace::{Step, Trace};

use url::Url;

use crate::http::Http;
use crate::oauth::endpoint::{self, UrlPolicy};
use crate::oauth::metadata::{AuthorizationServer, Ignored};
use crate::oauth::text::printable;
use crate::providers;
use crate::store::cache::Cache;
use fetch::Documents;
use probe::Probe;
use resource::ProtectedResource;

/// What is to be found out.
#[derive(Clone, Copy, Debug)]
pub struct DiscoveryRequest<'a> {
    /// The MCP server; `None` for a login at a provider without one.
    pub server: Option<&'a Url>,
    /// The server as the user typed it, without its fragment.
    pub server_text: &'a str,
    /// What the user says about the authorization server.
    pub authority: ServerSource<'a>,
    /// The issuer that the server used at its last login.
    pub last_issuer: Option<&'a str>,
    /// A `WWW-Authenticate` value that a client just received; it stands in for the probe.
    pub challenge: Option<&'a str>,
    /// The user says what the resource is, or that none is named: it does not matter what the metadata says.
    pub resource_is_settled: bool,
    /// Go on though the metadata does not say that PKCE is supported.
    pub assume_pkce: bool,
    /// Where to note what is asked and decided.
    pub steps: Option<&'a Trace>,
}

/// What the user says about the authorization server. What is named here is the user's own word: no document of the MCP
/// server overrules it.
#[derive(Clone, Copy, Debug)]
pub enum ServerSource<'a> {
    /// Nothing: the MCP server's metadata names it.
    Search,
    /// Its issuer. Only the documents at the issuer's own well-known URLs speak for it.
    Issuer(&'a str),
    /// The URL of its metadata; the issuer is the document's own, and has to be this one if the user names one too.
    Metadata(&'a Url, Option<&'a str>),
    /// Its endpoints: nothing is read.
    Endpoints(&'a AuthorizationServer),
}

impl ServerSource<'_> {
    /// Returns the issuer that the user names.
    fn issuer(&self) -> Option<&str> {
        match self {
            Self::Issuer(issuer) => Some(issuer),
            Self::Metadata(_, issuer) => *issuer,
            Self::Endpoints(server) => Some(&server.issuer),
            Self::Search => None,
        }
    }
}

/// What was found out.
#[derive(Debug)]
pub struct Discovery {
    /// The authorization server.
    pub server: AuthorizationServer,
    /// The RFC 8707 resource to ask for, byte for byte; `None` without an MCP server.
    pub resource: Option<String>,
    /// The scopes that the challenge names.
    pub challenged_scopes: Vec<String>,
    /// The scopes that the protected resource lists.
    pub resource_scopes: Vec<String>,
    /// There is no metadata: the endpoints are the default ones, and nobody knows whether they are there.
    pub assumed: Option<Nowhere>,
}

impl Discovery {
    /// Takes what is known of an authorization server, in place of a search.
    pub fn known(server: AuthorizationServer) -> Self {
        Self {
            server,
            resource: None,
            challenged_scopes: Vec::new(),
            resource_scopes: Vec::new(),
            assumed: None,
        }
    }
}

/// Finds the authorization server and what to ask it for.
///
/// # Errors
///
/// A [`DiscoverError`]. Nothing was registered and no browser opened.
///
/// Spec: MCP 2026-07-28, authorization server discovery.
pub fn discover(
    question: DiscoveryRequest,
    http: &Http,
    cache: &Cache,
) -> Result<Discovery, DiscoverError> {
    let typed = question.server.into_iter().map(UrlPolicy::of);
    let issuer = question
        .authority
        .issuer()
        .and_then(|issuer| Url::parse(issuer).ok());
    let document = match question.authority {
        ServerSource::Metadata(url, _) => Some(url),
        _ => None,
    };
    let loopback = typed
        .chain(issuer.iter().chain(document).map(UrlPolicy::of))
        .any(|reach| reach.loopback);
    let search = Search {
        question,
        http,
        documents: Documents::new(http, cache, question.steps),
        reach: UrlPolicy { loopback },
    };
    let discovered = match question.server {
        Some(server) => search.for_server(server)?,
        None => search.without_server()?,
    };
    let server = &discovered.server;
    let known = providers::of_url(&server.issuer).is_some_and(|provider| provider.supports_pkce);
    let check = || {
        server
            .check_code_flow()
            .and_then(|()| server.check_pkce(question.assume_pkce || known))
    };
    check().map_err(|why| {
        let silent = server.code_challenge_methods.is_none();
        DiscoverError::Unsuitable {
            issuer: printable(&server.issuer),
            why,
            silent,
        }
    })?;
    if server.code_challenge_methods.is_none() && !known {
        log::warn!(
            "{} does not say that it supports PKCE; going on as you asked",
            printable(&server.issuer)
        );
    }
    search.documents.keep();
    Ok(discovered)
}

struct Search<'a> {
    question: DiscoveryRequest<'a>,
    http: &'a Http,
    documents: Documents<'a>,
    reach: UrlPolicy,
}

/// A place that was asked in vain.
struct FailedFetch {
    url: Url,
    why: FetchError,
}

impl Search<'_> {
    /// A login at an authorization server itself, without an MCP server.
    fn without_server(&self) -> Result<Discovery, DiscoverError> {
        Ok(Discovery::known(match self.question.authority {
            ServerSource::Endpoints(server) => server.clone(),
            ServerSource::Metadata(url, issuer) => self.document_of_the_user(url, issuer)?,
            ServerSource::Issuer(issuer) => self.named_issuer(issuer)?,
            ServerSource::Search => self.named_issuer(self.question.server_text)?,
        }))
    }

    fn for_server(&self, server: &Url) -> Result<Discovery, DiscoverError> {
        let named = match self.question.authority {
            ServerSource::Endpoints(server) => Some(server.clone()),
            ServerSource::Metadata(url, issuer) => Some(self.document_of_the_user(url, issuer)?),
            ServerSource::Issuer(_) | ServerSource::Search => None,
        };
        if let Some(named) = named {
            return Ok(self.with_authority_of_the_user(server, named));
        }
        let probe = self.ask_around(server)?;
        let mut tried = Vec::new();
        let resource = self.resource(server, &probe, &mut tried)?;
        self.check_target(server, &probe, resource.as_ref())?;
        let resource = resource
            .map(|found| self.no_wider(found, server))
            .transpose()?;
        let (found, assumed) = match (&resource, self.question.authority.issuer()) {
            (Some(resource), Some(issuer)) => (self.chosen(resource, issuer)?, None),
            (Some(resource), None) => (self.first_named(resource)?, None),
            (None, Some(issuer)) => (self.named_issuer(issuer)?, None),
            (None, None) => self.without_resource(server, &probe, tried)?,
        };
        Ok(Discovery {
            assumed,
            ..self.discovered(found, probe, resource)
        })
    }

    /// Stops where there is no MCP server, unless its metadata names this very URL or the user says how to go on: a path
    /// that is mistyped must not become a login.
    fn check_target(
        &self,
        server: &Url,
        probe: &Probe,
        resource: Option<&ProtectedResource>,
    ) -> Result<(), DiscoverError> {
        let Some(page) = probe.page() else {
            return Ok(());
        };
        let is_settled =
            self.question.resource_is_settled || self.question.authority.issuer().is_some();
        let is_named = resource.is_some_and(|resource| resource.metadata.names(server));
        if is_settled || is_named {
            return Ok(());
        }
        let wider =
            resource.map(|resource| (resource, endpoint::parse(&resource.metadata.resource)));
        match wider {
            Some((ProtectedResource { url, .. }, Ok(found))) if found.path() != "/" => {
                Err(DiscoverError::OtherPath {
                    url: printable(url.as_str()),
                    server: printable(server.as_str()),
                    found: printable(found.as_str()),
                })
            }
            _ => Err(self
                .usual_path(server)
                .unwrap_or(DiscoverError::NotMcp(page))),
        }
    }

    /// The user names the authorization server: the MCP server is asked only which resource and scopes it wants, and
    /// whatever is wrong with its answers ends nothing.
    fn with_authority_of_the_user(&self, server: &Url, named: AuthorizationServer) -> Discovery {
        let (probe, resource) = match self.ask_around(server) {
            Ok(probe) => {
                let resource = self.resource(server, &probe, &mut Vec::new());
                let resource = resource
                    .and_then(|found| found.map(|found| self.no_wider(found, server)).transpose());
                let resource = resource
                    .inspect_err(|err| log::info!("{err}"))
                    .unwrap_or_default();
                (probe, resource)
            }
            Err(err) => {
                log::info!("{err}");
                (Probe::default(), None)
            }
        };
        self.discovered(named, probe, resource)
    }

    fn discovered(
        &self,
        server: AuthorizationServer,
        probe: Probe,
        resource: Option<ProtectedResource>,
    ) -> Discovery {
        let ignored = resource
            .iter()
            .flat_map(|resource| &resource.metadata.ignored)
            .chain(&server.ignored);
        for Ignored { member, why } in ignored {
            log::warn!("ignoring {member} in the metadata: {why}");
        }
        let (resource, resource_scopes) = match resource {
            Some(ProtectedResource { metadata, .. }) => (metadata.resource, metadata.scopes),
            None => (self.question.server_text.to_owned(), Vec::new()),
        };
        let challenged_scopes = probe.challenge.unwrap_or_default().scopes;
        Discovery {
            server,
            resource: Some(resource),
            challenged_scopes,
            resource_scopes,
            assumed: None,
        }
    }

    /// Notes what was decided, if anybody wants to know.
    fn note(&self, url: &Url, what: impl FnOnce() -> String) {
        if let Some(steps) = self.question.steps {
            steps.decided(url, &what());
        }
    }
}
