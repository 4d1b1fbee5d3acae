//! A login without a person: nothing listens, opens or asks; its client requests the tokens itself.

use super::workers::WorkerHandle;
use super::{completion, preparation, server, Report, Request};
use crate::context::Context;
use crate::discovery::Discovery;
use crate::error::Error;
use crate::oauth::authorization::{choose_scopes, ScopeSources};
use crate::oauth::text::scope_list;
use crate::os::clock::Deadline;
use crate::refresh;
use crate::store::{Credentials, GrantType, StoredId};
use crate::warning::warn_user;

/// Logs in, and stores the login in place of an earlier one. The store has to work before anything is requested.
pub fn log_in(
    request: &Request,
    stored: Option<&Credentials>,
    context: &Context,
    worker: &WorkerHandle,
) -> Result<Report, Error> {
    context.store(&request.key)?;
    let login = record(request, stored, context, worker.deadline)?;
    let login = refresh::obtain(&login, &context.settings, worker.deadline)?;
    let is_missing = |scope: &&String| !login.scopes.contains(scope);
    let missing: Vec<_> = login.scopes_requested.iter().filter(is_missing).collect();
    if !missing.is_empty() {
        let missing: Vec<_> = missing.into_iter().cloned().collect();
        warn_user!(
            ScopesNotGranted,
            "not all was granted: {} is missing",
            scope_list(&missing, "nothing")
        );
    }
    completion::store_unattended(login, context)
}

/// Returns the login that a request leads to, without tokens. The servers are asked for their metadata, and sent nothing.
///
/// # Errors
///
/// [`Error::Usage`] for a request that lacks the issuer or something of the client; [`Error::Discover`], also if the MCP
/// server names another issuer.
pub fn record(
    request: &Request,
    stored: Option<&Credentials>,
    context: &Context,
    deadline: Deadline,
) -> Result<Credentials, Error> {
    check(request)?;
    let http = request.http(&context.settings.http, deadline);
    let discovery = server::find(request, None, &http, None)?;
    let mut unattended = request.unattended.clone();
    if let Some(idp) = unattended
        .idp
        .as_mut()
        .filter(|it| it.id_token_file.is_some())
    {
        idp.token_endpoint = Some(token_endpoint_of(&idp.issuer, context, deadline)?);
    }
    let scopes = scopes(request, &discovery, stored);
    let dpop = preparation::dpop(request, &discovery, context)?;
    let client = request.identity.client_at(&discovery.server)?;
    let mut login = completion::record(request, discovery, client, stored);
    login.scopes_requested = scopes;
    login.dpop_key = dpop.map(|dpop| dpop.key().stored().clone());
    login.unattended = unattended;
    Ok(login)
}

/// Returns the token endpoint of an identity provider, as its own metadata has it.
fn token_endpoint_of(issuer: &str, context: &Context, deadline: Deadline) -> Result<String, Error> {
    let mut request = Request::new(StoredId::new(issuer, ""), None, issuer.to_owned());
    request.issuer = Some(issuer.to_owned());
    request.grant = GrantType::IdJag;
    let http = request.http(&context.settings.http, deadline);
    let discovery = server::find(&request, None, &http, None)?;
    Ok(discovery.server.token_endpoint.into())
}

/// Checks that a request has what its grant needs.
///
/// # Errors
///
/// [`Error::Usage`] with the option that is missing.
pub fn check(request: &Request) -> Result<(), Error> {
    let identity = &request.identity;
    let shows_itself = identity.client_secret.is_some()
        || identity.client_key.is_some()
        || request.unattended.assertion.is_some();
    match request.grant {
        _ if request.issuer.is_none() => Err(missing(
            "an issuer: without a person, no server may choose who is sent a secret",
            "name the authorization server with --issuer",
        )),
        GrantType::ClientCredentials if identity.client_id.is_none() => Err(missing(
            "a client: no server registers one for it",
            "register it by hand, and name it with --client-id",
        )),
        GrantType::ClientCredentials if !shows_itself => Err(missing(
            "a key, a secret or a JWT, with which the client authenticates",
            "use --client-key-file, --client-secret-file or --assertion-file, or set MCP_LOGIN_CLIENT_KEY or MCP_LOGIN_CLIENT_SECRET",
        )),
        GrantType::JwtBearer if request.unattended.assertion.is_none() => Err(missing(
            "a JWT of the platform",
            "name where it is: --assertion-file, --assertion-env, --assertion-command, or --assertion github-actions",
        )),
        GrantType::IdJag if request.unattended.idp.is_none() => Err(missing(
            "an identity provider of the enterprise",
            "name its issuer with --idp; the login there is an ordinary one: mcp-login --issuer URL --client-id ID idp",
        )),
        GrantType::IdJag if identity.client_id.is_none() => Err(missing(
            "a client at the authorization server of the MCP server",
            "name it with --client-id",
        )),
        _ => Ok(()),
    }
}

/// Chooses the scopes to request: those that the user names, else those of the stored login that were named, else those of
/// the challenge or the resource.
fn scopes(request: &Request, discovery: &Discovery, stored: Option<&Credentials>) -> Vec<String> {
    let named = stored.filter(|stored| stored.options.scopes && request.scopes.is_empty());
    let (scopes, _) = choose_scopes(ScopeSources {
        asked: named.map_or(&request.scopes, |stored| &stored.scopes_requested),
        challenged: &discovery.challenged_scopes,
        before: &[],
        resource: &discovery.resource_scopes,
        // What they are for, such as refresh tokens, only a person can grant.
        server: &[],
    });
    scopes
}

fn missing(what: &str, hint: &str) -> Error {
    Error::usage(format!("this grant needs {what}"), hint)
}
