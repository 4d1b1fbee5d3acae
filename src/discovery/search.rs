//! The order of a discovery: probe, resource metadata, authorization server metadata.

use url::Url;

use super::fetch::{Documents, FailedFetch};
use super::probe::Probe;
use super::resource::{other_path, ProtectedResource};
use super::{DiscoverError, Discovery, DiscoveryRequest, ServerSource};
use crate::http::Http;
use crate::oauth::endpoint::{self, UrlPolicy};
use crate::oauth::metadata::{AuthorizationServer, Ignored};
use crate::oauth::text::printable;
use crate::providers;
use crate::store::GrantType;
use crate::warning::warn_user;

/// Finds the authorization server, and what to ask it for.
///
/// # Errors
///
/// A [`DiscoverError`]. Nothing was registered and no browser opened.
///
/// Spec: MCP 2026-07-28, authorization server discovery.
pub fn discover(request: DiscoveryRequest, http: &Http) -> Result<Discovery, DiscoverError> {
    let issuer = request.source.issuer().and_then(|it| Url::parse(it).ok());
    let document = match request.source {
        ServerSource::Metadata(url, _) => Some(url),
        _ => None,
    };
    let mut typed = request.server.into_iter().chain(&issuer).chain(document);
    let policy = UrlPolicy {
        loopback: typed.any(endpoint::is_loopback),
    };
    let search = Search {
        request,
        http,
        documents: Documents::new(http, request.trace),
        policy,
    };
    let discovery = match request.server {
        Some(server) => search.for_mcp_server(server)?,
        None => search.for_authorization_server()?,
    };
    search.check_flow(&discovery.server)?;
    Ok(discovery)
}

pub(super) struct Search<'a> {
    pub request: DiscoveryRequest<'a>,
    pub http: &'a Http,
    pub documents: Documents<'a>,
    pub policy: UrlPolicy,
}

impl Search<'_> {
    /// A login at an authorization server, without an MCP server.
    fn for_authorization_server(&self) -> Result<Discovery, DiscoverError> {
        let server = match self.request.source {
            ServerSource::Endpoints(server) => server.clone(),
            ServerSource::Metadata(url, issuer) => self.metadata_at(url, issuer)?,
            ServerSource::Issuer(issuer) => self.issuer_of_user(issuer)?,
            ServerSource::Search => self.issuer_of_user(self.request.server_text)?,
        };
        Ok(Discovery::of_server(server))
    }

    /// A login at an MCP server.
    fn for_mcp_server(&self, server: &Url) -> Result<Discovery, DiscoverError> {
        match self.request.source {
            ServerSource::Endpoints(named) => {
                return self.with_server_of_user(server, named.clone());
            }
            ServerSource::Metadata(url, issuer) => {
                let named = self.metadata_at(url, issuer)?;
                return self.with_server_of_user(server, named);
            }
            ServerSource::Issuer(_) | ServerSource::Search => {}
        }
        let probe = self.probe_and_prefetch(server)?;
        let mut failed: Vec<FailedFetch> = Vec::new();
        let resource = self.resource(server, &probe, &mut failed)?;
        self.check_is_mcp(server, &probe, resource.as_ref())?;
        let narrow = |resource| self.narrow_or_own(resource, server);
        let resource = resource.map(narrow).transpose()?;
        let (found, assumed) = match (&resource, self.request.source.issuer()) {
            (Some(resource), Some(issuer)) => (self.issuer_of_resource(resource, issuer)?, None),
            (Some(resource), None) => (self.first_of_resource(resource)?, None),
            (None, Some(issuer)) => (self.issuer_of_user(issuer)?, None),
            (None, None) => self.without_resource(server, &probe, failed)?,
        };
        Ok(Discovery {
            assumed,
            ..self.add_resource(found, probe, resource)
        })
    }

    /// Stops if the URL is not that of an MCP server, unless its metadata names this URL or the user names the
    /// resource or issuer: a mistyped path must not become a login.
    fn check_is_mcp(
        &self,
        server: &Url,
        probe: &Probe,
        resource: Option<&ProtectedResource>,
    ) -> Result<(), DiscoverError> {
        let Some(not_mcp) = probe.not_mcp() else {
            return Ok(());
        };
        if self.request.resource_is_given
            || self.request.source.issuer().is_some()
            || resource.is_some_and(|resource| resource.metadata.names(server))
        {
            return Ok(());
        }
        if let Some(ProtectedResource { url, metadata }) = resource {
            let wider = endpoint::parse(&metadata.resource).ok();
            if let Some(wider) = wider.filter(|wider| wider.path() != "/") {
                return Err(other_path(url, server, wider.as_str()));
            }
        }
        Err(self.usual_path(server).unwrap_or(not_mcp))
    }

    /// The user names the authorization server. The MCP server is asked only for its resource and scopes; errors are logged.
    fn with_server_of_user(
        &self,
        server: &Url,
        named: AuthorizationServer,
    ) -> Result<Discovery, DiscoverError> {
        let probe = match self.probe_and_prefetch(server) {
            Ok(probe) => probe,
            Err(err) => {
                log::info!("{err}");
                return Ok(self.add_resource(named, Probe::default(), None));
            }
        };
        let resource = match self.resource(server, &probe, &mut Vec::new()) {
            Ok(Some(resource)) => self.narrow_or_own(resource, server).map(Some),
            other => other,
        };
        let resource = resource
            .inspect_err(|err| log::info!("{err}"))
            .unwrap_or_default();
        if let Some(resource) = &resource {
            self.check_pinned(resource, &named.issuer)?;
        }
        Ok(self.add_resource(named, probe, resource))
    }

    fn add_resource(
        &self,
        server: AuthorizationServer,
        probe: Probe,
        resource: Option<ProtectedResource>,
    ) -> Discovery {
        let of_resource = resource.iter().flat_map(|it| &it.metadata.ignored);
        for Ignored { member, why } in of_resource.chain(&server.ignored) {
            warn_user!(MetadataIgnored, "ignoring {member} in the metadata: {why}");
        }
        let is_dpop_required = (resource.as_ref()).is_some_and(|it| it.metadata.is_dpop_required);
        let (resource, resource_scopes) = match resource {
            Some(ProtectedResource { metadata, .. }) => (metadata.resource, metadata.scopes),
            None => (self.request.server_text.to_owned(), Vec::new()),
        };
        Discovery {
            resource: Some(resource),
            challenged_scopes: probe.challenge.unwrap_or_default().scopes,
            resource_scopes,
            is_dpop_required,
            ..Discovery::of_server(server)
        }
    }

    /// Checks that the authorization server issues codes, and protects them with PKCE, if the login needs that.
    fn check_flow(&self, server: &AuthorizationServer) -> Result<(), DiscoverError> {
        if self.request.grant != GrantType::AuthorizationCode {
            return Ok(());
        }
        let is_silent = server.code_challenge_methods.is_none();
        let is_documented =
            providers::of_url(&server.issuer).is_some_and(|provider| provider.supports_pkce);
        server
            .check_code_flow()
            .and_then(|()| server.check_pkce(self.request.assume_pkce || is_documented))
            .map_err(|why| DiscoverError::Unsuitable {
                issuer: printable(&server.issuer),
                why,
                silent: is_silent,
            })?;
        if is_silent && !is_documented {
            warn_user!(
                PkceAssumed,
                "{} does not say that it supports PKCE; going on as you asked",
                printable(&server.issuer)
            );
        }
        Ok(())
    }

    /// Records a decision, if there is a trace.
    pub(super) fn note(&self, url: &Url, decision: impl FnOnce() -> String) {
        if let Some(trace) = self.request.trace {
            trace.decided(url, &decision());
        }
    }
}
