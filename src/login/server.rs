//! The authorization server of a login.

use url::Url;

use super::client::last_issuer;
use super::workers::WorkerHandle;
use super::{defaults, Request, Resource};
use crate::context::Context;
use crate::discovery::{self, Discovery, DiscoveryRequest, ServerSource, Trace};
use crate::error::Error;
use crate::failure::{Class, Code};
use crate::http::Http;
use crate::oauth::metadata::AuthorizationServer;
use crate::oauth::text::printable;
use crate::os::terminal;
use crate::store::Credentials;

/// Finds the authorization server. Where nothing names one, a client registered by hand is still bound to the issuer of the
/// stored login, which the returned request then names; it is asked by other rules for addresses, and so over connections of its
/// own.
pub fn discover(
    request: Request,
    stored: Option<&Credentials>,
    context: &Context,
    worker: &WorkerHandle,
) -> Result<(Request, Discovery, Http), Error> {
    let settings = &context.settings.http;
    let http = request.http(settings, worker.deadline);
    let last = last_issuer(&request, &context.cache());
    let is_nowhere = |err: &Error| {
        matches!(
            err.code(),
            Code::NoAuthorizationServer | Code::NotAnMcpServer
        )
    };
    let nowhere = match find(&request, last.as_deref(), &http, None) {
        Ok(discovery) => return Ok((request, discovery, http)),
        Err(err) if is_nowhere(&err) => err,
        Err(err) => return Err(err),
    };
    let Some(bound) = defaults::with_issuer(&request, stored) else {
        return Err(nowhere);
    };
    let http = bound.http(settings, worker.deadline);
    match find(&bound, last.as_deref(), &http, None) {
        Ok(discovery) => Ok((bound, discovery, http)),
        // A possible attack, or an issuer that is only unavailable now, is more than a server that names none.
        Err(err) if matches!(err.class(), Class::Security | Class::Unavailable) => Err(err),
        Err(_) => Err(nowhere),
    }
}

/// Asks the servers, and applies `--resource` and `--no-resource`. The server used `last_issuer` at its last login; `trace`
/// notes each step.
pub fn find(
    request: &Request,
    last_issuer: Option<&str>,
    http: &Http,
    trace: Option<&Trace>,
) -> Result<Discovery, Error> {
    let source = match (
        &request.preset,
        &request.issuer_metadata,
        request.issuer.as_deref(),
    ) {
        (Some(server), _, _) => ServerSource::Endpoints(server),
        (None, Some(url), issuer) => ServerSource::Metadata(url, issuer),
        (None, None, Some(issuer)) => ServerSource::Issuer(issuer),
        (None, None, None) => ServerSource::Search,
    };
    let ask = |source| {
        let request = DiscoveryRequest {
            server: request.server.as_ref(),
            server_text: &request.server_text,
            source,
            last_issuer,
            challenge: request.challenge.as_deref(),
            resource_is_given: request.settles_resource(),
            grant: request.grant,
            assume_pkce: request.assume_pkce,
            trace,
        };
        discovery::discover(request, http)
    };
    let mut found = ask(source);
    let is_nowhere = match &found {
        Ok(discovery) => discovery.assumed.is_some(),
        Err(err) => err.is_without_server(),
    };
    let mut named = request.names_endpoints().then_some("as you asked");
    if let Some(server) = request.fallback.as_ref().filter(|_| is_nowhere) {
        found = ask(ServerSource::Endpoints(server));
        named = Some("no metadata leads to an authorization server; as the client's file says");
    }
    let mut discovery = found.map_err(|source| Error::Discover {
        server: request.key.server.clone(),
        source,
    })?;
    if let Some(why) = named {
        show_endpoints(why, &discovery.server);
    }
    match &request.resource {
        Resource::Discovery => {}
        Resource::Omitted => discovery.resource = None,
        Resource::Given(resource) => discovery.resource = Some(resource.clone()),
    }
    Ok(discovery)
}

/// Tells the user which hosts were named in place of a search.
fn show_endpoints(why: &str, server: &AuthorizationServer) {
    let host = |url: &Url| url.host_str().map(printable).unwrap_or_default();
    terminal::insist(&format!(
        "{why}, the page to log in is at {}, and the tokens come from {}",
        host(&server.authorization_endpoint),
        host(&server.token_endpoint)
    ));
    if server.issuer == server.authorization_endpoint.origin().ascii_serialization() {
        let issuer = printable(&server.issuer);
        terminal::say(&format!(
            "  if its answers name another issuer than {issuer}, name that one with --issuer"
        ));
    }
}
