//! What an authorization request needs, but for the client: the server, the scopes, the key for the tokens.

use std::io;

use super::pending::Preparation;
use super::workers::WorkerHandle;
use super::{defaults, server, Request};
use crate::context::Context;
use crate::discovery::{DiscoverError, Discovery};
use crate::error::Error;
use crate::http::dpop::{Dpop, Nonces};
use crate::oauth::authorization::{choose_scopes, ScopeSources};
use crate::oauth::jwt::dpop::DpopKey;
use crate::oauth::text::printable;
use crate::store::Credentials;
use crate::warning::warn_user;

impl Preparation {
    /// Discovers the authorization server, and what its authorization request needs, but for the client.
    pub fn discover(
        request: Request,
        redirect_uri: String,
        stored: Option<Credentials>,
        context: &Context,
        worker: &WorkerHandle,
    ) -> Result<Self, Error> {
        let (request, discovery, http) =
            server::discover(request, stored.as_ref(), context, worker)?;
        Ok(Self {
            dpop: dpop(&request, &discovery, context)?,
            scopes: scopes(&request, &discovery, stored.as_ref()),
            request,
            discovery,
            redirect_uri,
            stored,
            has_reregistered: false,
            http,
            standby: None,
        })
    }
}

/// Chooses the scopes to request.
pub fn scopes(
    request: &Request,
    discovery: &Discovery,
    stored: Option<&Credentials>,
) -> Vec<String> {
    let server = &discovery.server;
    // Spec: MCP 2026-07-28, Scope Selection Strategy: what a challenge names joins what was requested before.
    let is_challenged = request.challenge.is_some() || !discovery.challenged_scopes.is_empty();
    let stored = stored.filter(|stored| stored.issuer == server.issuer);
    let requested_before = stored.filter(|_| is_challenged);
    let (scopes, left_out) = choose_scopes(ScopeSources {
        asked: match stored {
            Some(stored) if request.scopes.is_empty() && !is_challenged => {
                defaults::scopes(request, stored)
            }
            _ => &request.scopes,
        },
        challenged: &discovery.challenged_scopes,
        before: requested_before.map_or(&[], |stored| &stored.scopes_requested),
        resource: &discovery.resource_scopes,
        server: &server.scopes,
    });
    if left_out > 0 {
        warn_user!(
            ScopesLeftOut,
            "{left_out} of the scopes that {} offers cannot be asked for, or are too many; --scope names those that you need",
            request.key.server
        );
    }
    scopes
}

/// Makes the key that the tokens are to be bound to; `None` if the user wants none.
///
/// # Errors
///
/// [`Error::DpopRequired`] if the server takes no others; [`Error::Discover`] if proofs cannot be made for it.
pub fn dpop(
    request: &Request,
    discovery: &Discovery,
    context: &Context,
) -> Result<Option<Dpop>, Error> {
    let server = &discovery.server;
    if !request.dpop && discovery.is_dpop_required {
        return Err(Error::DpopRequired {
            server: request.key.server.clone(),
            login: (!request.is_unattended()).then(|| request.with_dpop(&context.settings)),
        });
    }
    if !request.dpop {
        return Ok(None);
    }
    server.check_dpop().map_err(|why| Error::Discover {
        server: request.key.server.clone(),
        source: DiscoverError::Unsuitable {
            issuer: printable(&server.issuer),
            why,
            silent: false,
        },
    })?;
    let key = DpopKey::generate().ok_or_else(|| Error::Unexpected {
        what: "cannot make a key",
        source: io::Error::other("the system has no random numbers"),
    })?;
    Ok(Some(Dpop::new(key, Nonces::default())))
}
