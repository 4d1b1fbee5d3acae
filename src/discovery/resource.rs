//! The metadata of the MCP server: where it is looked for, and which resource it may name.

use url::{Position, Url};

use super::error::DiscoverError;
use super::probe::Probe;
use super::{trace, FailedFetch, FetchError, Search};
use crate::oauth::endpoint;
use crate::oauth::metadata::{self, MetadataError, ResourceMetadata};
use crate::oauth::text::printable;

/// The path of most MCP servers.
const USUAL_PATH: &str = "/mcp";

/// The metadata of the MCP server, and where it stands.
#[derive(Debug)]
pub(super) struct ProtectedResource {
    pub url: Url,
    pub metadata: ResourceMetadata,
}

impl Search<'_> {
    /// Finds the metadata of the server: where its challenge says, else at the well-known URLs.
    pub(super) fn resource(
        &self,
        server: &Url,
        probe: &Probe,
        tried: &mut Vec<FailedFetch>,
    ) -> Result<Option<ProtectedResource>, DiscoverError> {
        let named = probe
            .challenge
            .as_ref()
            .and_then(|challenge| challenge.resource_metadata.as_deref());
        if let Some(found) = named
            .map(|named| self.named_resource(named, server, tried))
            .transpose()?
            .flatten()
        {
            return Ok(Some(found));
        }
        if let Some(found) = self.usual_resource(server, tried)? {
            return Ok(Some(found));
        }
        // The server has metadata, so that nobody may guess what it says; but the user may know it.
        let is_settled = self.question.authority.issuer().is_some()
            || tried.iter().any(|it| it.why.is_temporary());
        let first = tried.first().filter(|_| named.is_some() && !is_settled);
        match first
            .filter(|it| matches!(it.why, FetchError::Unusable(_)))
            .map(|it| it.url.clone())
        {
            Some(url) => Err(unusable(&url, server, tried.swap_remove(0).why)),
            None => Ok(None),
        }
    }

    /// Reads the metadata of the server, and checks that it speaks for it.
    fn read_resource(&self, url: &Url, server: &Url) -> Result<ResourceMetadata, FetchError> {
        let settled = self.question.resource_is_settled;
        let read = self
            .documents
            .get(url)
            .and_then(|body| Ok(ResourceMetadata::read(&body, server, settled)?));
        self.note(url, || trace::resource_in_words(&read));
        read
    }

    /// Reads the metadata that the challenge names; `None` if there is none at that place, or it is of no use.
    fn named_resource(
        &self,
        named: &str,
        server: &Url,
        tried: &mut Vec<FailedFetch>,
    ) -> Result<Option<ProtectedResource>, DiscoverError> {
        if !endpoint::is_absolute(named) {
            log::warn!(
                "ignoring the metadata URL {} of the challenge: it is not an absolute URL",
                printable(named)
            );
            return Ok(None);
        }
        let url = self.reach.check(named).map_err(|why| DiscoverError::Url {
            what: format!("the metadata URL {} of the challenge", printable(named)),
            why,
        })?;
        let is_foreign = url.origin() != server.origin();
        match self.read_resource(&url, server) {
            Ok(metadata) if !is_foreign => Ok(Some(ProtectedResource { url, metadata })),
            Ok(metadata) => self
                .foreign_resource(ProtectedResource { url, metadata }, server)
                .map(Some),
            Err(why @ FetchError::Status(_)) if why.is_definite() => {
                tried.push(FailedFetch { url, why });
                Ok(None)
            }
            Err(why) if is_foreign && !matches!(why, FetchError::Status(_)) => {
                Err(DiscoverError::ForeignMetadata(printable(named)))
            }
            Err(why) if why.is_definite() => {
                tried.push(FailedFetch { url, why });
                Ok(None)
            }
            Err(why) => Err(unusable(&url, server, why)),
        }
    }

    /// Takes metadata that an authorization server keeps for the MCP server, if it names exactly that one. Of the
    /// authorization servers that it names only those at its own place count.
    ///
    /// Spec: RFC 9728 sections 3.3 and 5.1.
    fn foreign_resource(
        &self,
        mut found: ProtectedResource,
        server: &Url,
    ) -> Result<ProtectedResource, DiscoverError> {
        let origin = found.url.origin();
        let is_there =
            |issuer: &String| endpoint::parse(issuer).is_ok_and(|issuer| issuer.origin() == origin);
        found.metadata.authorization_servers.retain(is_there);
        if !found.metadata.is_identical(server) || found.metadata.authorization_servers.is_empty() {
            return Err(DiscoverError::ForeignMetadata(printable(
                found.url.as_str(),
            )));
        }
        Ok(found)
    }

    /// Looks for metadata at the well-known URLs.
    fn usual_resource(
        &self,
        server: &Url,
        tried: &mut Vec<FailedFetch>,
    ) -> Result<Option<ProtectedResource>, DiscoverError> {
        for url in metadata::resource_metadata_urls(server) {
            if tried.iter().any(|it| it.url == url) {
                continue;
            }
            match self.read_resource(&url, server) {
                Ok(metadata) => return Ok(Some(ProtectedResource { url, metadata })),
                Err(why @ FetchError::Unsafe(_)) => return Err(unusable(&url, server, why)),
                Err(why) => tried.push(FailedFetch { url, why }),
            }
        }
        Ok(None)
    }

    /// Returns that the path of most MCP servers was meant, if there is metadata for it.
    pub(super) fn usual_path(&self, server: &Url) -> Option<DiscoverError> {
        let meant = metadata::at(server, USUAL_PATH);
        let url = metadata::resource_metadata_urls(&meant)
            .into_iter()
            .next()
            .filter(|_| meant != *server)?;
        let found = self
            .read_resource(&url, &meant)
            .ok()
            .filter(|found| found.names(&meant))?;
        let [url, server, found] = [url.as_str(), server.as_str(), &found.resource].map(printable);
        Some(DiscoverError::OtherPath { url, server, found })
    }

    /// A resource that is more than the server is taken only from the place of its own metadata, and said: the token would
    /// be good for all of it.
    ///
    /// Deviates: RFC 9728 section 3.3 asks for identity; many servers have one document for their whole origin.
    pub(super) fn no_wider(
        &self,
        found: ProtectedResource,
        server: &Url,
    ) -> Result<ProtectedResource, DiscoverError> {
        let metadata = &found.metadata;
        if self.question.resource_is_settled || metadata.names(server) {
            return Ok(found);
        }
        let wide = endpoint::parse(&metadata.resource).ok();
        let own = wide
            .as_ref()
            .and_then(|wide| metadata::resource_metadata_urls(wide).into_iter().next());
        let place = |url: &Url| {
            url[Position::BeforeHost..Position::AfterPath]
                .trim_end_matches('/')
                .to_owned()
        };
        let (Some(wide), Some(own)) = (wide, own) else {
            return Err(too_wide(&found, server));
        };
        let found = match found.url == own {
            true => found,
            false => match self.read_resource(&own, server) {
                Ok(metadata) if metadata.names(&wide) => ProtectedResource { url: own, metadata },
                Err(why) if why.is_temporary() => return Err(unusable(&own, server, why)),
                _ => return Err(too_wide(&found, server)),
            },
        };
        log::warn!(
            "{} asks for a token for all of {}",
            printable(server.as_str()),
            printable(&place(&wide))
        );
        Ok(found)
    }
}

fn too_wide(found: &ProtectedResource, server: &Url) -> DiscoverError {
    DiscoverError::TooWide {
        url: printable(found.url.as_str()),
        server: printable(server.as_str()),
        found: printable(&found.metadata.resource),
    }
}

/// Says what is wrong with a document. One for another path of the server's own origin tells which URL was meant.
fn unusable(url: &Url, server: &Url, why: FetchError) -> DiscoverError {
    if let FetchError::Unsafe(MetadataError::Resource { found, .. }) = &why {
        if endpoint::parse(found).is_ok_and(|found| found.origin() == server.origin()) {
            let [url, server, found] = [url.as_str(), server.as_str(), found].map(printable);
            return DiscoverError::OtherPath { url, server, found };
        }
    }
    DiscoverError::Document {
        url: printable(url.as_str()),
        why,
    }
}
