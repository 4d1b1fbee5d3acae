//! The metadata of the MCP server: where it is looked for, and which resource it may name.

use url::{Position, Url};

use super::error::DiscoverError;
use super::probe::Probe;
use super::search::Search;
use super::{trace, FailedFetch, FetchError};
use crate::oauth::endpoint;
use crate::oauth::metadata::{self, MetadataError, ResourceMetadata};
use crate::oauth::text::printable;
use crate::warning::warn_user;

/// The path of most MCP servers.
const USUAL_PATH: &str = "/mcp";

/// The metadata of the MCP server, and its URL.
#[derive(Debug)]
pub(super) struct ProtectedResource {
    pub url: Url,
    pub metadata: ResourceMetadata,
}

impl Search<'_> {
    /// Finds the metadata of the server: at the URL in its challenge, else at the well-known URLs.
    pub(super) fn resource(
        &self,
        server: &Url,
        probe: &Probe,
        failed: &mut Vec<FailedFetch>,
    ) -> Result<Option<ProtectedResource>, DiscoverError> {
        let challenge = probe.challenge.as_ref();
        let named = challenge.and_then(|challenge| challenge.resource_metadata.as_deref());
        let from_challenge = match named {
            Some(named) => self.resource_of_challenge(named, server, failed)?,
            None => None,
        };
        if from_challenge.is_some() {
            return Ok(from_challenge);
        }
        let well_known = self.well_known_resource(server, failed)?;
        // Broken metadata that the challenge names is not replaced by a guess, unless the user names the issuer.
        let may_guess =
            self.request.source.issuer().is_some() || failed.iter().any(|it| it.why.is_temporary());
        match failed.first() {
            Some(FailedFetch {
                url,
                why: why @ FetchError::Metadata(_),
            }) if well_known.is_none() && named.is_some() && !may_guess => {
                Err(unusable(url, server, why.clone()))
            }
            _ => Ok(well_known),
        }
    }

    /// Reads metadata, and checks that it is for the server.
    fn read_resource(&self, url: &Url, server: &Url) -> Result<ResourceMetadata, FetchError> {
        let is_given = self.request.resource_is_given;
        let read = self
            .documents
            .get(url)
            .and_then(|body| Ok(ResourceMetadata::read(&body, server, is_given)?));
        self.note(url, || trace::describe_resource(&read));
        read
    }

    /// Reads the metadata at the URL in the challenge; `None` if there is no usable document.
    fn resource_of_challenge(
        &self,
        named: &str,
        server: &Url,
        failed: &mut Vec<FailedFetch>,
    ) -> Result<Option<ProtectedResource>, DiscoverError> {
        if !endpoint::is_absolute(named) {
            warn_user!(
                MetadataIgnored,
                "ignoring the metadata URL {} of the challenge: it is not an absolute URL",
                printable(named)
            );
            return Ok(None);
        }
        let url = self.policy.check(named).map_err(|why| DiscoverError::Url {
            what: format!("the metadata URL {} of the challenge", printable(named)),
            why,
        })?;
        let is_foreign = url.origin() != server.origin();
        match self.read_resource(&url, server) {
            Ok(metadata) if is_foreign => {
                foreign_resource(ProtectedResource { url, metadata }, server).map(Some)
            }
            Ok(metadata) => Ok(Some(ProtectedResource { url, metadata })),
            Err(why) if is_foreign && !matches!(why, FetchError::Status(_)) => {
                Err(DiscoverError::ForeignMetadata(printable(named)))
            }
            Err(why) if why.is_definite() => {
                failed.push(FailedFetch { url, why });
                Ok(None)
            }
            Err(why) => Err(unusable(&url, server, why)),
        }
    }

    /// Looks for metadata at the well-known URLs.
    fn well_known_resource(
        &self,
        server: &Url,
        failed: &mut Vec<FailedFetch>,
    ) -> Result<Option<ProtectedResource>, DiscoverError> {
        for url in metadata::resource_metadata_urls(server) {
            if failed.iter().any(|it| it.url == url) {
                continue;
            }
            match self.read_resource(&url, server) {
                Ok(metadata) => return Ok(Some(ProtectedResource { url, metadata })),
                Err(FetchError::Metadata(why)) if why.is_security() => {
                    return Err(unusable(&url, server, why.into()))
                }
                Err(why) => failed.push(FailedFetch { url, why }),
            }
        }
        Ok(None)
    }

    /// Returns the error that suggests the path of most MCP servers, if there is metadata for it.
    pub(super) fn usual_path(&self, server: &Url) -> Option<DiscoverError> {
        let meant = metadata::at(server, USUAL_PATH);
        if meant == *server {
            return None;
        }
        let url = metadata::resource_metadata_urls(&meant)
            .into_iter()
            .next()?;
        let found = self.read_resource(&url, &meant).ok()?;
        found
            .names(&meant)
            .then(|| other_path(&url, server, &found.resource))
    }

    /// Accepts a resource that is wider than the server only from the well-known URL of that resource, with a warning: the
    /// token would be valid for all of it.
    ///
    /// Deviates: RFC 9728 section 3.3 asks for identity; many servers have one document for their whole origin.
    pub(super) fn narrow_or_own(
        &self,
        found: ProtectedResource,
        server: &Url,
    ) -> Result<ProtectedResource, DiscoverError> {
        if self.request.resource_is_given || found.metadata.names(server) {
            return Ok(found);
        }
        let too_wide = || DiscoverError::TooWide {
            url: printable(found.url.as_str()),
            server: printable(server.as_str()),
            found: printable(&found.metadata.resource),
        };
        let wide = endpoint::parse(&found.metadata.resource).map_err(|_| too_wide())?;
        let own = metadata::resource_metadata_urls(&wide)
            .into_iter()
            .next()
            .ok_or_else(too_wide)?;
        let accepted = if found.url == own {
            found
        } else {
            match self.read_resource(&own, server) {
                Ok(metadata) if metadata.names(&wide) => ProtectedResource { url: own, metadata },
                Err(why) if why.is_temporary() => return Err(unusable(&own, server, why)),
                _ => return Err(too_wide()),
            }
        };
        warn_user!(
            WideResource,
            "{} asks for a token for all of {}",
            printable(server.as_str()),
            printable(wide[Position::BeforeHost..Position::AfterPath].trim_end_matches('/'))
        );
        Ok(accepted)
    }
}

/// Accepts metadata at the authorization server's origin, if it names exactly this MCP server. Of the authorization servers
/// that it names, only those at that origin count.
///
/// Spec: RFC 9728 sections 3.3 and 5.1.
fn foreign_resource(
    mut found: ProtectedResource,
    server: &Url,
) -> Result<ProtectedResource, DiscoverError> {
    let origin = found.url.origin();
    let is_there =
        |issuer: &String| endpoint::parse(issuer).is_ok_and(|issuer| issuer.origin() == origin);
    found.metadata.authorization_servers.retain(is_there);
    if !found.metadata.is_identical(server) || found.metadata.authorization_servers.is_empty() {
        let url = printable(found.url.as_str());
        return Err(DiscoverError::ForeignMetadata(url));
    }
    Ok(found)
}

/// Returns the error for a document that cannot be used. One for another path of the server's origin shows which URL was
/// meant.
fn unusable(url: &Url, server: &Url, why: FetchError) -> DiscoverError {
    match &why {
        FetchError::Metadata(MetadataError::Resource { found, .. })
            if endpoint::parse(found).is_ok_and(|found| found.origin() == server.origin()) =>
        {
            other_path(url, server, found)
        }
        _ => DiscoverError::document(url, why),
    }
}

/// Returns the error for metadata of another path, which the user probably meant.
pub(super) fn other_path(url: &Url, server: &Url, found: &str) -> DiscoverError {
    DiscoverError::OtherPath {
        url: printable(url.as_str()),
        server: printable(server.as_str()),
        found: printable(found),
    }
}
