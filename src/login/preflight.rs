//! What a login would do, found out without doing it.

use serde::{Deserialize, Serialize};
use url::Url;

use super::{previous, Request, Resource, REQUEST_LIMIT};
use crate::callback::peer;
use crate::callback::{BindError, RedirectTarget};
use crate::discovery::{discover, Discovery, DiscoveryRequest, ServerSource, Trace};
use crate::error::Error;
use crate::http::{self, Http};
use crate::oauth::authorization::{choose_scopes, ScopeSources};
use crate::oauth::client::{Client, RegistrationKind};
use crate::oauth::metadata::AuthorizationServer;
use crate::oauth::text::printable;
use crate::os::clock::Deadline;
use crate::os::terminal;
use crate::providers::{self, Provider};
use crate::registration::{self, ClientPlan};
use crate::store::cache::Cache;
use crate::store::Credentials;

/// What a login would do.
#[derive(Debug)]
pub struct Outlook {
    /// What was found out about the server.
    pub found: Discovery,
    /// The scopes that it would ask for; none leaves the parameter out.
    pub scopes: Vec<String>,
    /// How it would become a client.
    pub client: Result<ClientPlan, Error>,
}

/// Finds out what a login would do. The servers are asked for their metadata, all of it within the time of one request,
/// and nothing is changed anywhere.
///
/// # Errors
///
/// What the login would end with.
pub fn outlook(
    request: &Request,
    settings: &http::HttpSettings,
    memory: (&Cache, Option<&Credentials>),
    redirect_uri: &str,
    steps: &Trace,
) -> Result<Outlook, Error> {
    let (cache, before) = memory;
    let request = &previous::complete(request.clone(), before)?;
    let http = Http::new(settings, &typed_urls(request), REQUEST_LIMIT)
        .until(Deadline::after(REQUEST_LIMIT));
    let found = ask(request, None, &http, Some(steps))?;
    let scopes = scopes(request, &found, before);
    let issuer = || printable(&found.server.issuer);
    let client = registration::choose(
        &found.server,
        &request.identity,
        redirect_uri,
        &scopes,
        (cache, before),
    )
    .map_err(|source| Error::Register {
        issuer: issuer(),
        provider: provider(request, &found.server),
        source,
    })
    .and_then(|chosen| match &chosen {
        ClientPlan::Client(client) => {
            check_issuer_of_client(request, client, &found.server, before).map(|()| chosen)
        }
        ClientPlan::Registration(_) => Ok(chosen),
    });
    Ok(Outlook {
        found,
        scopes,
        client,
    })
}

/// Asks the servers, and applies what the user says about the resource.
pub(super) fn ask(
    request: &Request,
    last: Option<&LastLogin>,
    http: &Http,
    trace: Option<&Trace>,
) -> Result<Discovery, Error> {
    let source = match (
        &request.known,
        &request.issuer_metadata,
        request.issuer.as_deref(),
    ) {
        (Some(server), _, _) => ServerSource::Endpoints(server),
        (None, Some(url), issuer) => ServerSource::Metadata(url, issuer),
        (None, None, Some(issuer)) => ServerSource::Issuer(issuer),
        (None, None, None) => ServerSource::Search,
    };
    let question = |source| DiscoveryRequest {
        server: request.server.as_ref(),
        server_text: &request.server_text,
        source,
        last_issuer: last.map(|last| last.issuer.as_str()),
        challenge: request.challenge.as_deref(),
        resource_is_given: request.settles_resource(),
        assume_pkce: request.assume_pkce,
        trace,
    };
    let search = discover(question(source), http);
    let is_nowhere = match &search {
        Ok(found) => found.assumed.is_some(),
        Err(err) => err.is_without_server(),
    };
    let (search, of_whom) = match request.fallback.as_ref().filter(|_| is_nowhere) {
        Some(server) => (
            discover(question(ServerSource::Endpoints(server)), http),
            Some("no metadata leads to an authorization server; as the client's file says"),
        ),
        None => (search, request.names_endpoints().then_some("as you asked")),
    };
    let mut found = search.map_err(|source| Error::Discover {
        server: request.key.server.clone(),
        source,
    })?;
    if let Some(of_whom) = of_whom {
        let host = |url: &Url| url.host_str().map(printable).unwrap_or_default();
        let server = &found.server;
        let (page, tokens) = (
            host(&server.authorization_endpoint),
            host(&server.token_endpoint),
        );
        terminal::insist(&format!(
            "{of_whom}, the page to log in is at {page}, and the tokens come from {tokens}"
        ));
        if server.issuer == server.authorization_endpoint.origin().ascii_serialization() {
            let issuer = printable(&server.issuer);
            terminal::say(&format!(
                "  if its answers name another issuer than {issuer}, name that one with --issuer"
            ));
        }
    }
    found.resource = match &request.resource {
        Resource::Discovery => found.resource,
        Resource::Omitted => None,
        Resource::Given(resource) => Some(resource.clone()),
    };
    Ok(found)
}

/// Chooses the scopes to ask for.
pub(super) fn scopes(
    request: &Request,
    found: &Discovery,
    before: Option<&Credentials>,
) -> Vec<String> {
    let server = &found.server;
    // Spec: MCP 2026-07-28, Scope Selection Strategy: what a challenge names joins what was asked for before.
    let is_challenged = request.challenge.is_some() || !found.challenged_scopes.is_empty();
    let earlier = before.filter(|before| before.issuer == server.issuer);
    let repeated = earlier.filter(|_| request.scopes.is_empty() && !is_challenged);
    let earlier = earlier.filter(|_| is_challenged);
    let (scopes, left_out) = choose_scopes(ScopeSources {
        asked: repeated.map_or(&request.scopes, |before| previous::scopes(request, before)),
        challenged: &found.challenged_scopes,
        before: earlier.map_or(&[], |before| &before.scopes_requested),
        resource: &found.resource_scopes,
        server: &server.scopes,
    });
    if left_out > 0 {
        log::warn!(
            "{left_out} of the scopes that {} offers cannot be asked for, or are too many; --scope names those that you need",
            request.key.server
        );
    }
    scopes
}

/// Checks that a client registered by hand is still meant for this authorization server: its identifier and secret are
/// not shown to another one unless the user names it.
///
/// Spec: MCP 2026-07-28, Authorization Server Binding.
pub(super) fn check_issuer_of_client(
    request: &Request,
    client: &Client,
    server: &AuthorizationServer,
    before: Option<&Credentials>,
) -> Result<(), Error> {
    let moved =
        |before: &&Credentials| before.client_id == client.id && before.issuer != server.issuer;
    match before.filter(moved) {
        Some(before)
            if client.kind == RegistrationKind::Static && request.identity.issuer.is_none() =>
        {
            Err(Error::IssuerChanged {
                server: request.key.server.clone(),
                before: printable(&before.issuer),
                now: printable(&server.issuer),
            })
        }
        _ => Ok(()),
    }
}

/// Where a server was last logged in to, so that the next login can begin where this one ended.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct LastLogin {
    pub issuer: String,
    pub redirect_uri: String,
}

impl LastLogin {
    pub fn of(request: &Request, cache: &Cache) -> Option<Self> {
        cache.get("last", &request.key.server)
    }

    pub fn keep(&self, request: &Request, cache: &Cache) {
        cache.put("last", &request.key.server, self);
    }
}

/// Returns the redirect URI that a login wants: with a fixed port, or with the ports of earlier registrations first.
pub fn wanted(request: &Request, cache: &Cache, before: Option<&Credentials>) -> RedirectTarget {
    let last = LastLogin::of(request, cache);
    let remembered = last
        .map(|last| registration::remembered_redirect_uris(cache, &last.issuer, before))
        .unwrap_or_default();
    let remembered = remembered
        .iter()
        .filter_map(|uri| Url::parse(uri).ok()?.port());
    RedirectTarget {
        literal: request.redirect_uri.clone(),
        forms: request.wants_form(),
        host: request.redirect_host,
        path: request.redirect_path.clone(),
        ports: match request.port {
            Some(port) => vec![port],
            None => remembered
                .chain(request.likely_ports.iter().copied())
                .collect(),
        },
        any_port: request.port.is_none(),
    }
}

/// Returns the failure of a login that cannot listen, with the program that is in its way.
pub fn cannot_listen(wanted: &RedirectTarget, source: BindError) -> Error {
    let redirect_uri = wanted.uri_without_socket();
    let place = redirect_uri
        .trim_start_matches("http://")
        .split('/')
        .next()
        .unwrap_or_default()
        .to_owned();
    let holder = match source {
        BindError::Taken { port } => peer::holder(port),
        BindError::UsedUp | BindError::Impossible(_) => None,
    };
    Error::Bind {
        place,
        holder,
        source,
    }
}

/// Returns the URLs that the user typed.
pub(super) fn typed_urls(request: &Request) -> Vec<Url> {
    let issuer = request
        .issuer
        .iter()
        .filter_map(|issuer| Url::parse(issuer).ok());
    let known = request
        .known
        .iter()
        .flat_map(|server| [&server.authorization_endpoint, &server.token_endpoint]);
    let metadata = request.issuer_metadata.iter();
    request
        .server
        .iter()
        .cloned()
        .chain(issuer)
        .chain(known.chain(metadata).cloned())
        .collect()
}

/// Returns the provider whose ways a login follows.
pub(super) fn provider(
    request: &Request,
    server: &AuthorizationServer,
) -> Option<&'static Provider> {
    request
        .provider
        .or_else(|| providers::of_url(&server.issuer))
}
