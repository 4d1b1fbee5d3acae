//! What a login would do, found out without doing it: `doctor` shows it.

use super::client::not_registered;
use super::{defaults, preparation, server, Request, REQUEST_LIMIT};
use crate::discovery::{Discovery, Step, Trace};
use crate::error::Error;
use crate::http::HttpSettings;
use crate::os::clock::Deadline;
use crate::registration::{ClientPlan, ClientRequest};
use crate::store::cache::Cache;
use crate::store::Credentials;

/// What a login would do.
#[derive(Debug)]
pub struct Preflight {
    /// The authorization server.
    pub discovery: Discovery,
    /// The scopes to request; none leaves the parameter out.
    pub scopes: Vec<String>,
    /// How the login would become a client.
    pub client: Result<ClientPlan, Error>,
}

/// Finds out what a login would do, and which steps of discovery lead there. The servers are asked for their metadata, all
/// of it within the time of one request, and nothing is changed anywhere.
///
/// # Errors
///
/// The error that the login would end with.
pub fn preflight(
    request: &Request,
    settings: &HttpSettings,
    cache: &Cache,
    stored: Option<&Credentials>,
    redirect_uri: &str,
) -> (Vec<Step>, Result<Preflight, Error>) {
    let trace = Trace::default();
    let plan = || {
        let request = &defaults::apply(request.clone(), stored)?;
        let http = request.http(settings, Deadline::after(REQUEST_LIMIT));
        let discovery = server::find(request, None, &http, Some(&trace))?;
        let scopes = preparation::scopes(request, &discovery, stored);
        let client = ClientRequest {
            server: &discovery.server,
            identity: &request.identity,
            redirect_uri,
            grant: request.grant,
            scopes: &scopes,
            cache,
            stored,
            may_reuse: true,
        };
        let client = client.plan();
        let client = client.map_err(|source| not_registered(request, &discovery, source));
        Ok(Preflight {
            discovery,
            scopes,
            client,
        })
    };
    let plan = plan();
    (trace.into_list(), plan)
}
