//! Step one: finding out which authorization server a login needs, and what to ask it for.
//!
//! What can be asked at the same time is asked at the same time: the probe, the metadata at its usual place, and what
//! is remembered of the authorization server.

mod documents;
mod steps;

pub use documents::Missing;
pub use steps::{Step, Steps};

use std::thread;

use url::Url;

use crate::http::{Http, HttpError, Redirects};
use crate::mcp;
use crate::oauth::challenge::{self, BearerChallenge};
use crate::oauth::endpoint::{Reach, UrlError};
use crate::oauth::metadata::{self, AuthorizationServer, MetadataError, ResourceMetadata};
use crate::oauth::text::printable;
use crate::providers;
use crate::store::cache::Cache;
use documents::Documents;

/// What is to be found out.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The MCP server; `None` for a login at a provider without one.
    pub server: Option<&'a Url>,
    /// The server as the user typed it, without its fragment.
    pub server_text: &'a str,
    /// What the user says about the authorization server.
    pub authority: Authority<'a>,
    /// The issuer that the server used at its last login.
    pub last_issuer: Option<&'a str>,
    /// A `WWW-Authenticate` value that a client just received; it stands in for the probe.
    pub challenge: Option<&'a str>,
    /// Go on though the metadata does not say that PKCE is supported.
    pub assume_pkce: bool,
    /// Where to note what is asked and decided.
    pub steps: Option<&'a Steps>,
}

/// What the user says about the authorization server. What is named here is the user's own word: no document of the MCP
/// server overrules it.
#[derive(Clone, Copy, Debug)]
pub enum Authority<'a> {
    /// Nothing: the MCP server's metadata names it.
    Search,
    /// Its issuer. Only the documents at the issuer's own well-known URLs speak for it.
    Issuer(&'a str),
    /// The URL of its metadata; the issuer is the document's own, and has to be this one if the user names one too.
    Metadata(&'a Url, Option<&'a str>),
    /// Its endpoints: nothing is read.
    Endpoints(&'a AuthorizationServer),
}

impl Authority<'_> {
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
pub struct Discovered {
    /// The authorization server.
    pub server: AuthorizationServer,
    /// The RFC 8707 resource to ask for, byte for byte; `None` without an MCP server.
    pub resource: Option<String>,
    /// The scopes that the challenge names.
    pub challenged_scopes: Vec<String>,
    /// The scopes that the protected resource lists.
    pub resource_scopes: Vec<String>,
}

/// Why nothing was found out.
#[derive(Debug, thiserror::Error)]
pub enum DiscoverError {
    /// A request that everything depends on came to nothing.
    #[error(transparent)]
    Http(HttpError),
    /// A URL that the server names breaks the rules for URLs.
    #[error("{what} cannot be used: {why}")]
    Url {
        /// Which URL, with its value.
        what: String,
        /// The rule that it breaks.
        why: UrlError,
    },
    /// The challenge names metadata at another place than the server's.
    #[error("the server's challenge names metadata at {0}, which is not its own")]
    ForeignMetadata(String),
    /// A document that had to be read cannot be.
    #[error("reading {url}: {why}")]
    Document {
        /// Where it stands.
        url: String,
        /// What is wrong.
        why: Missing,
    },
    /// No metadata was found anywhere.
    #[error("no authorization server was found; tried{}", list(tried))]
    NoAuthorizationServer {
        /// What was tried, and what came of it.
        tried: Vec<(String, String)>,
        /// Every place was answered with something that is no metadata, as in a network that wants a login first.
        portal: bool,
        /// The server answered without a login.
        open: bool,
        /// Other authorization servers that the protected resource names, which were not tried.
        others: Vec<String>,
    },
    /// The authorization server does not protect codes.
    #[error("{issuer}: {why}")]
    Pkce {
        /// The authorization server.
        issuer: String,
        /// Always [`MetadataError::NoPkce`].
        why: MetadataError,
        /// The metadata says nothing about PKCE, so that `--assume-pkce` would help.
        silent: bool,
    },
    /// The issuer that the user names publishes no metadata, and a document at another place claims to be its own.
    #[error("the document at {url} says that it is that of {named}, which publishes none itself")]
    Impersonated {
        /// What the user named.
        named: String,
        /// Where the document stands.
        url: String,
    },
    /// The issuer that the user names is not the one that the server uses.
    #[error("the server uses {found}, not the issuer {named}")]
    OtherIssuer {
        /// What the user named.
        named: String,
        /// What the server's metadata names.
        found: String,
    },
}

impl Discovered {
    /// Takes what is known of an authorization server, in place of a search.
    pub fn known(server: AuthorizationServer) -> Self {
        Self { server, resource: None, challenged_scopes: Vec::new(), resource_scopes: Vec::new() }
    }
}

impl DiscoverError {
    /// Tells whether a security check failed, rather than the network.
    pub fn is_security(&self) -> bool {
        match self {
            Self::Http(err) => err.is_security(),
            Self::Document { why, .. } => why.is_security(),
            Self::NoAuthorizationServer { .. } | Self::OtherIssuer { .. } => false,
            Self::Url { .. } | Self::ForeignMetadata(_) | Self::Pkce { .. } | Self::Impersonated { .. } => true,
        }
    }
}

fn list(tried: &[(String, String)]) -> String {
    tried.iter().map(|(url, result)| format!(" {url} ({result})")).collect::<Vec<_>>().join(",")
}

/// Finds the authorization server and what to ask it for.
///
/// # Errors
///
/// A [`DiscoverError`]. Nothing was registered and no browser opened.
///
/// Spec: MCP 2026-07-28, authorization server discovery.
pub fn discover(question: Question, http: &Http, cache: &Cache) -> Result<Discovered, DiscoverError> {
    let typed = question.server.into_iter().map(Reach::of);
    let issuer = question.authority.issuer().and_then(|issuer| Url::parse(issuer).ok());
    let document = match question.authority {
        Authority::Metadata(url, _) => Some(url),
        _ => None,
    };
    let loopback = typed.chain(issuer.iter().chain(document).map(Reach::of)).any(|reach| reach.loopback);
    let search =
        Search { question, http, documents: Documents::new(http, cache, question.steps), reach: Reach { loopback } };
    let discovered = match question.server {
        Some(server) => search.for_server(server)?,
        None => search.without_server()?,
    };
    let server = &discovered.server;
    let known = providers::of_url(&server.issuer).is_some_and(|provider| provider.supports_pkce);
    server.check_pkce(question.assume_pkce || known).map_err(|why| {
        let silent = server.code_challenge_methods.is_none();
        DiscoverError::Pkce { issuer: printable(&server.issuer), why, silent }
    })?;
    if server.code_challenge_methods.is_none() && !known {
        log::warn!("{} does not say that it supports PKCE; going on as you asked", printable(&server.issuer));
    }
    search.documents.keep();
    Ok(discovered)
}

struct Search<'a> {
    question: Question<'a>,
    http: &'a Http,
    documents: Documents<'a>,
    reach: Reach,
}

/// What the server answered to a request without a token.
#[derive(Debug, Default)]
struct Probe {
    status: u16,
    challenge: Option<BearerChallenge>,
}

impl Search<'_> {
    /// A login at an authorization server itself, without an MCP server.
    fn without_server(&self) -> Result<Discovered, DiscoverError> {
        Ok(Discovered::known(match self.question.authority {
            Authority::Endpoints(server) => server.clone(),
            Authority::Metadata(url, issuer) => self.document_of_the_user(url, issuer)?,
            Authority::Issuer(issuer) => self.authorization_server(issuer, &mut Vec::new())?,
            Authority::Search => self.authorization_server(self.question.server_text, &mut Vec::new())?,
        }))
    }

    fn for_server(&self, server: &Url) -> Result<Discovered, DiscoverError> {
        let named = match self.question.authority {
            Authority::Endpoints(server) => Some(server.clone()),
            Authority::Metadata(url, issuer) => Some(self.document_of_the_user(url, issuer)?),
            Authority::Issuer(_) | Authority::Search => None,
        };
        if let Some(named) = named {
            return Ok(self.with_authority_of_the_user(server, named));
        }
        let probe = self.ask_around(server)?;
        if probe.status == 404 {
            log::warn!("{server} answers 404 at this path; is the URL right?");
        }
        let mut tried = Vec::new();
        let resource = self.resource(server, &probe, &mut tried)?;
        let found = match (&resource, self.question.authority.issuer()) {
            (Some((_, resource)), Some(issuer)) => self.chosen(resource, issuer)?,
            (Some((url, resource)), None) => self.first_named(url, resource)?,
            (None, Some(issuer)) => self.authorization_server(issuer, &mut tried)?,
            (None, None) => self.without_resource(server, probe.status, tried)?,
        };
        Ok(self.discovered(found, probe, resource))
    }

    /// The user names the authorization server: the MCP server is asked only which resource and scopes it wants, and
    /// whatever is wrong with its answers ends nothing.
    fn with_authority_of_the_user(&self, server: &Url, named: AuthorizationServer) -> Discovered {
        let (probe, resource) = match self.ask_around(server) {
            Ok(probe) => {
                let resource = self.resource(server, &probe, &mut Vec::new());
                let resource = resource.inspect_err(|err| log::info!("{err}")).unwrap_or_default();
                (probe, resource)
            }
            Err(err) => {
                log::info!("{err}");
                (Probe::default(), None)
            }
        };
        self.discovered(named, probe, resource)
    }

    /// Finds the metadata of the server: where its challenge says, else at the usual places.
    fn resource(
        &self,
        server: &Url,
        probe: &Probe,
        tried: &mut Vec<Tried>,
    ) -> Result<Option<(Url, ResourceMetadata)>, DiscoverError> {
        match probe.challenge.as_ref().and_then(|challenge| challenge.resource_metadata.as_ref()) {
            Some(url) => self.named_resource(url, server).map(Some),
            None => self.usual_resource(server, tried),
        }
    }

    fn discovered(
        &self,
        server: AuthorizationServer,
        probe: Probe,
        resource: Option<(Url, ResourceMetadata)>,
    ) -> Discovered {
        let (resource, resource_scopes) = match resource {
            Some((_, metadata)) => (metadata.resource, metadata.scopes),
            None => (self.question.server_text.to_owned(), Vec::new()),
        };
        let challenged_scopes = probe.challenge.unwrap_or_default().scopes;
        Discovered { server, resource: Some(resource), challenged_scopes, resource_scopes }
    }

    /// Probes the server, and fetches in the meantime what the next steps are likely to need.
    fn ask_around(&self, server: &Url) -> Result<Probe, DiscoverError> {
        if let Some(challenge) = self.question.challenge {
            let probe = Probe { status: 401, challenge: challenge::bearer([challenge]) };
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
        let (status, probe) = match first {
            Ok(answer) => answer,
            Err(err) if err.is_security() => return Err(DiscoverError::Http(err)),
            Err(err) => {
                // Metadata is enough for a login. Where there is none either, the server is simply out of reach.
                let mut usual = metadata::resource_metadata_urls(server).into_iter().take(1);
                let readable = usual.any(|url| self.documents.get(&url).is_ok());
                return if readable { Ok(Probe::default()) } else { Err(DiscoverError::Http(err)) };
            }
        };
        if probe.challenge.is_some() || !matches!(status, 400 | 404 | 405 | 406) {
            return Ok(probe);
        }
        let (_, probe) = self.ask(server, &mcp::initialize(), &[]).map_err(DiscoverError::Http)?;
        Ok(probe)
    }

    fn ask(&self, server: &Url, body: &str, extra: &[(&str, &str)]) -> Result<(u16, Probe), HttpError> {
        let headers: Vec<_> = mcp::HEADERS.iter().chain(extra).copied().collect();
        let sent = self.http.post(server, &headers, body.as_bytes(), Redirects::SameOrigin);
        if let Some(steps) = self.question.steps {
            steps.asked(server, sent.as_ref().ok());
        }
        let response = sent.inspect_err(|err| self.note(server, || err.to_string()))?;
        let status = response.status;
        let challenged = matches!(status, 401 | 403);
        let challenge = challenged.then(|| challenge::bearer(response.header_values("www-authenticate"))).flatten();
        self.note(server, || steps::probe_in_words(status, challenge.as_ref()));
        Ok((status, Probe { status, challenge }))
    }

    /// Notes what was decided, if anybody wants to know.
    fn note(&self, url: &Url, what: impl FnOnce() -> String) {
        if let Some(steps) = self.question.steps {
            steps.decided(url, &what());
        }
    }

    /// Reads the metadata of the server, and checks that it speaks for it.
    fn read_resource(&self, url: &Url, server: &Url) -> Result<ResourceMetadata, Missing> {
        let read = self.documents.get(url).and_then(|body| Ok(ResourceMetadata::read(&body, server)?));
        self.note(url, || steps::resource_in_words(&read));
        read
    }

    /// Reads metadata, and checks that it speaks for an issuer.
    fn read_server(&self, url: &Url, issuer: &str) -> Result<AuthorizationServer, Missing> {
        let read = self.documents.get(url).and_then(|body| {
            let server = AuthorizationServer::read(&body, issuer, self.reach)?;
            Ok(server.within(|endpoint| self.http.check_address(endpoint))?)
        });
        self.note(url, || steps::server_in_words(&read));
        read
    }

    /// Reads the metadata that the challenge names. It must stand with the server itself.
    fn named_resource(&self, named: &str, server: &Url) -> Result<(Url, ResourceMetadata), DiscoverError> {
        let url = self.reach.check(named).map_err(|why| DiscoverError::Url {
            what: format!("the metadata URL {} of the challenge", printable(named)),
            why,
        })?;
        if url.origin() != server.origin() {
            return Err(DiscoverError::ForeignMetadata(printable(named)));
        }
        match self.read_resource(&url, server) {
            Ok(found) => Ok((url, found)),
            Err(why) => Err(DiscoverError::Document { url: printable(named), why }),
        }
    }

    /// Looks for metadata at the usual places.
    fn usual_resource(
        &self,
        server: &Url,
        tried: &mut Vec<Tried>,
    ) -> Result<Option<(Url, ResourceMetadata)>, DiscoverError> {
        for url in metadata::resource_metadata_urls(server) {
            match self.read_resource(&url, server) {
                Ok(found) => return Ok(Some((url, found))),
                Err(Missing::Unsafe(why)) => {
                    return Err(DiscoverError::Document { url: printable(url.as_str()), why: Missing::Unsafe(why) });
                }
                Err(why) => tried.push(Tried { url, why }),
            }
        }
        Ok(None)
    }

    /// Finds the authorization server that the resource names first.
    fn first_named(&self, url: &Url, resource: &ResourceMetadata) -> Result<AuthorizationServer, DiscoverError> {
        let Some((first, rest)) = resource.authorization_servers.split_first() else {
            let why = Missing::Useless(MetadataError::Missing("which authorization server to use"));
            return Err(DiscoverError::Document { url: printable(url.as_str()), why });
        };
        self.authorization_server(first, &mut Vec::new()).map_err(|mut err| {
            if let DiscoverError::NoAuthorizationServer { others, .. } = &mut err {
                others.extend(rest.iter().filter(|other| *other != first).cloned());
            }
            err
        })
    }

    /// Finds the authorization server that the user chose among those of the resource.
    fn chosen(&self, resource: &ResourceMetadata, named: &str) -> Result<AuthorizationServer, DiscoverError> {
        let entries = &resource.authorization_servers;
        if entries.is_empty() {
            return self.authorization_server(named, &mut Vec::new());
        }
        if let Some(entry) = entries.iter().find(|entry| metadata::same_issuer(entry, named)) {
            return self.authorization_server(entry, &mut Vec::new());
        }
        let Some(claimed_at) = entries.iter().find_map(|entry| self.document_naming(entry, named)) else {
            let found = printable(&entries.join(", "));
            return Err(DiscoverError::OtherIssuer { named: printable(named), found });
        };
        let mut tried = Vec::new();
        self.authorization_server(named, &mut tried).map_err(|err| {
            // What is only unavailable may still speak for itself later.
            match tried.iter().all(|it| it.why.is_definite()) {
                true => DiscoverError::Impersonated { named: printable(named), url: printable(claimed_at.as_str()) },
                false => err,
            }
        })
    }

    /// Returns where metadata of an entry stands that names this issuer, to the letter.
    fn document_naming(&self, entry: &str, issuer: &str) -> Option<Url> {
        let urls = metadata::server_metadata_urls(entry, self.reach).ok()?;
        urls.into_iter().find(|url| self.read_server(url, issuer).is_ok_and(|server| server.issuer == issuer))
    }

    /// Reads the metadata that the user names. Without an issuer of the user's it speaks for whatever issuer it names.
    fn document_of_the_user(&self, url: &Url, issuer: Option<&str>) -> Result<AuthorizationServer, DiscoverError> {
        let read = self.documents.get(url).and_then(|body| {
            let server = AuthorizationServer::read_named(&body, self.reach)?;
            Ok(server.within(|endpoint| self.http.check_address(endpoint))?)
        });
        self.note(url, || steps::server_in_words(&read));
        let server = read.map_err(|why| DiscoverError::Document { url: printable(url.as_str()), why })?;
        match issuer.filter(|issuer| !metadata::same_issuer(issuer, &server.issuer)) {
            Some(issuer) => {
                let found = printable(&server.issuer);
                Err(DiscoverError::OtherIssuer { named: printable(issuer), found })
            }
            None => Ok(server),
        }
    }

    /// Reads the metadata of an authorization server, wherever it stands.
    fn authorization_server(&self, issuer: &str, tried: &mut Vec<Tried>) -> Result<AuthorizationServer, DiscoverError> {
        let urls = metadata::server_metadata_urls(issuer, self.reach)
            .map_err(|why| DiscoverError::Url { what: format!("the issuer {}", printable(issuer)), why })?;
        for url in urls {
            match self.read_server(&url, issuer) {
                Ok(found) => return Ok(found),
                Err(why) => tried.push(Tried { url, why }),
            }
        }
        Err(nowhere(tried))
    }

    /// A server without resource metadata follows MCP 2025-03-26: its authorization server is its own origin.
    fn without_resource(
        &self,
        server: &Url,
        status: u16,
        mut tried: Vec<Tried>,
    ) -> Result<AuthorizationServer, DiscoverError> {
        let origin = server.origin().ascii_serialization();
        let found = self.authorization_server(&origin, &mut tried);
        let is_answered = !tried.iter().any(|it| matches!(it.why, Missing::Http(_)));
        match found {
            Ok(found) => Ok(found),
            Err(_) if status == 401 && tried.iter().all(|it| it.why.is_definite()) => {
                log::info!("no metadata anywhere: assuming the endpoints of MCP 2025-03-26 at {origin}");
                Ok(AuthorizationServer::assumed_at(server))
            }
            Err(DiscoverError::NoAuthorizationServer { tried, portal, others, .. }) => {
                let open = (200..300).contains(&status) && !portal && is_answered;
                Err(DiscoverError::NoAuthorizationServer { tried, portal, open, others })
            }
            Err(err) => Err(err),
        }
    }
}

/// A place that was asked in vain.
struct Tried {
    url: Url,
    why: Missing,
}

/// Says what came of all that was tried. One failed check outweighs any number of missing documents.
fn nowhere(tried: &mut Vec<Tried>) -> DiscoverError {
    if let Some(unsafe_one) = tried.iter().position(|it| it.why.is_security()) {
        let Tried { url, why } = tried.swap_remove(unsafe_one);
        return DiscoverError::Document { url: printable(url.as_str()), why };
    }
    let portal = tried.iter().all(|it| matches!(it.why, Missing::Useless(MetadataError::NotMetadata)));
    let tried = tried.iter().map(|it| (printable(it.url.as_str()), it.why.to_string())).collect();
    DiscoverError::NoAuthorizationServer { tried, portal, open: false, others: Vec::new() }
}
