//! The client of a login, which the next login to the same server uses again.

use serde_json::{json, Value};

use super::pending::{provider, Preparation};
use super::Request;
use crate::context::Context;
use crate::discovery::{Discovery, FetchError};
use crate::error::Error;
use crate::oauth::client::{Client, RegistrationKind};
use crate::oauth::text::printable;
use crate::registration::{ClientPlan, ClientRequest, RegisterError};
use crate::store::cache::Cache;

/// Becomes a client of the authorization server, and remembers it for the next login.
pub fn register(preparation: &Preparation, context: &Context) -> Result<Client, Error> {
    let request = &preparation.request;
    let server = &preparation.discovery.server;
    let cache = context.cache();
    let client = client_request(preparation, &cache)
        .register(&preparation.http)
        .map_err(|source| not_registered(request, &preparation.discovery, source))?;
    let last = json!({ "issuer": server.issuer });
    cache.put("last", &request.key.server, &last);
    cache.put("servers", &server.issuer, &server.document());
    Ok(client)
}

/// Tells whether a login would use the registration of an earlier one.
pub fn has_registration(preparation: &Preparation, context: &Context) -> bool {
    let planned = client_request(preparation, &context.cache()).plan();
    matches!(planned, Ok(ClientPlan::Client(client)) if client.kind == RegistrationKind::Dynamic)
}

fn client_request<'a>(preparation: &'a Preparation, cache: &'a Cache) -> ClientRequest<'a> {
    ClientRequest {
        server: &preparation.discovery.server,
        identity: &preparation.request.identity,
        redirect_uri: &preparation.redirect_uri,
        grant: preparation.request.grant,
        scopes: &preparation.scopes,
        cache,
        stored: preparation.stored.as_ref(),
        may_reuse: !preparation.has_reregistered,
    }
}

/// Returns why there is no client. Where the endpoints were only assumed, and nothing at the one for registrations speaks
/// RFC 7591, there is no authorization server either.
pub fn not_registered(request: &Request, discovery: &Discovery, source: RegisterError) -> Error {
    match (&discovery.assumed, &discovery.server.registration_endpoint) {
        (Some(assumed), Some(endpoint)) if source.is_of_no_endpoint() => Error::Discover {
            server: request.key.server.clone(),
            source: assumed.clone().after(
                endpoint.clone(),
                FetchError::NoRegistration(source.to_string()),
            ),
        },
        _ => Error::Register {
            issuer: printable(&discovery.server.issuer),
            provider: provider(request, discovery),
            source,
        },
    }
}

/// Returns the issuer of the last login to the server of a request: the next login begins there.
pub fn last_issuer(request: &Request, cache: &Cache) -> Option<String> {
    let last: Value = cache.get("last", &request.key.server)?;
    last["issuer"].as_str().map(str::to_owned)
}
