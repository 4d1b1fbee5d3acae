//! The metadata of the authorization server: which document counts for which issuer.

use url::Url;

use super::error::{DiscoverError, NoServerReason};
use super::probe::Probe;
use super::resource::ProtectedResource;
use super::search::Search;
use super::{trace, FailedFetch, FetchError};
use crate::oauth::endpoint;
use crate::oauth::metadata::{self, AuthorizationServer, MetadataError};
use crate::oauth::text::printable;

/// How many requests are left for the metadata of the issuer that the user names.
const RESERVED_REQUESTS: usize = 1;

impl Search<'_> {
    /// Reads metadata, and checks that it is that of `issuer`; with `None` any issuer will do.
    fn read_server(
        &self,
        url: &Url,
        issuer: Option<&str>,
    ) -> Result<AuthorizationServer, FetchError> {
        let check = |endpoint: &str| {
            let endpoint = self.policy.check(endpoint)?;
            self.http.check_address(&endpoint)?;
            Ok(endpoint)
        };
        let read = self
            .documents
            .get(url)
            .and_then(|body| Ok(AuthorizationServer::read(&body, issuer, check)?));
        self.note(url, || trace::describe_server(&read));
        read
    }

    /// Finds the authorization server that the resource names first.
    pub(super) fn first_of_resource(
        &self,
        resource: &ProtectedResource,
    ) -> Result<AuthorizationServer, DiscoverError> {
        let Some((first, rest)) = resource.metadata.authorization_servers.split_first() else {
            let why = MetadataError::Missing {
                member: "authorization_servers",
                meaning: "which authorization server to use",
            };
            return Err(DiscoverError::document(&resource.url, why));
        };
        self.authorization_server(first, Vec::new())
            .map_err(|mut err| {
                if let DiscoverError::NoServer { others, .. } = &mut err {
                    *others = rest.to_vec();
                    others.retain(|other| other != first);
                }
                err
            })
    }

    /// Finds the authorization server that the user chose among those of the resource. For an issuer that the resource does
    /// not name, metadata of one that it names has to name it, and its own metadata says where its endpoints are.
    ///
    /// Spec: RFC 8414 section 3.3; RFC 9700 section 4.4.
    pub(super) fn issuer_of_resource(
        &self,
        resource: &ProtectedResource,
        named: &str,
    ) -> Result<AuthorizationServer, DiscoverError> {
        self.check_pinned(resource, named)?;
        let listed = &resource.metadata.authorization_servers;
        if listed.is_empty() {
            return self.issuer_of_user(named);
        }
        if let Some(listed) = listed
            .iter()
            .find(|listed| metadata::same_issuer(listed, named))
        {
            return self.issuer_of_user(listed);
        }
        match self.find_metadata_naming(named, listed) {
            Ok(Some(url)) => self.issuer_of_user(named).map_err(|err| {
                // Metadata that is only unavailable may still be published later.
                if err.is_without_server() {
                    DiscoverError::Impersonated {
                        named: printable(named),
                        url: printable(url.as_str()),
                    }
                } else {
                    err
                }
            }),
            // Some documents were not read.
            Err(_) => self.issuer_of_user(named),
            Ok(None) => Err(DiscoverError::OtherIssuer {
                named: printable(named),
                found: listed.clone(),
                near: listed
                    .iter()
                    .find(|listed| is_near(listed, named))
                    .map(|near| printable(near)),
            }),
        }
    }

    /// Checks, where no person takes part, that the resource names the pinned issuer if it names any: whoever runs the MCP
    /// server must not choose who is sent a secret, a key's signature or a workload's token.
    pub(super) fn check_pinned(
        &self,
        resource: &ProtectedResource,
        pinned: &str,
    ) -> Result<(), DiscoverError> {
        let listed = &resource.metadata.authorization_servers;
        let mut same = listed
            .iter()
            .filter(|listed| metadata::same_issuer(listed, pinned));
        if !self.request.grant.is_unattended() || listed.is_empty() || same.next().is_some() {
            return Ok(());
        }
        Err(DiscoverError::NotPinned {
            pinned: printable(pinned),
            found: listed.clone(),
        })
    }

    /// Finds metadata of one of the listed issuers that names `issuer` instead, byte for byte.
    fn find_metadata_naming(
        &self,
        issuer: &str,
        listed: &[String],
    ) -> Result<Option<Url>, FetchError> {
        let urls = listed
            .iter()
            .filter_map(|listed| metadata::server_metadata_urls(listed, self.policy).ok());
        for url in urls.flatten() {
            if self.documents.requests_left() <= RESERVED_REQUESTS {
                return Err(FetchError::LimitReached);
            }
            let server = self.read_server(&url, Some(issuer));
            if server.is_ok_and(|server| server.issuer == issuer) {
                return Ok(Some(url));
            }
        }
        Ok(None)
    }

    /// Finds the authorization server that the user names.
    pub(super) fn issuer_of_user(&self, named: &str) -> Result<AuthorizationServer, DiscoverError> {
        self.authorization_server(named, Vec::new())
            .map_err(|err| match err {
                DiscoverError::NoServer {
                    reason: NoServerReason::NoMetadata,
                    tried,
                    others,
                } => DiscoverError::NoServer {
                    reason: NoServerReason::IssuerWithoutMetadata,
                    tried,
                    others,
                },
                DiscoverError::Document {
                    why: FetchError::Metadata(MetadataError::Issuer { found, .. }),
                    ..
                } if is_near(&found, named) => DiscoverError::NearIssuer {
                    named: printable(named),
                    found: printable(&found),
                },
                err => err,
            })
    }

    /// Reads the metadata at the URL that the user names. Without an issuer of the user's, any issuer will do.
    pub(super) fn metadata_at(
        &self,
        url: &Url,
        issuer: Option<&str>,
    ) -> Result<AuthorizationServer, DiscoverError> {
        let server = self.read_server(url, None).map_err(|why| {
            if !why.is_definite() {
                return DiscoverError::document(url, why);
            }
            let url = printable(url.as_str());
            DiscoverError::NoDocument { url, why }
        })?;
        match issuer.filter(|issuer| !metadata::same_issuer(issuer, &server.issuer)) {
            Some(issuer) => Err(DiscoverError::NearIssuer {
                named: printable(issuer),
                found: printable(&server.issuer),
            }),
            None => Ok(server),
        }
    }

    /// Reads the metadata of an issuer at its well-known URLs.
    fn authorization_server(
        &self,
        issuer: &str,
        mut failed: Vec<FailedFetch>,
    ) -> Result<AuthorizationServer, DiscoverError> {
        let urls = metadata::server_metadata_urls(issuer, self.policy).map_err(|why| {
            DiscoverError::Url {
                what: format!("the issuer {}", printable(issuer)),
                why,
            }
        })?;
        for url in urls {
            match self.read_server(&url, Some(issuer)) {
                Ok(found) => return Ok(found),
                Err(why) => failed.push(FailedFetch { url, why }),
            }
        }
        Err(not_found(failed))
    }

    /// Finds the authorization server of a server without resource metadata: at its own origin, as in MCP 2025-03-26. Without
    /// metadata there, its endpoints are the default ones.
    ///
    /// Spec: MCP 2025-03-26, Fallbacks for Servers without Metadata Discovery.
    pub(super) fn without_resource(
        &self,
        server: &Url,
        probe: &Probe,
        failed: Vec<FailedFetch>,
    ) -> Result<(AuthorizationServer, Option<DiscoverError>), DiscoverError> {
        // Resource metadata that is unavailable now may name another authorization server than the origin.
        if failed.iter().any(|it| it.why.is_temporary()) {
            return Err(not_found(failed));
        }
        let origin = server.origin().ascii_serialization();
        let (reason, tried) = match self.authorization_server(&origin, failed) {
            Ok(found) => return Ok((found, None)),
            Err(DiscoverError::NoServer { reason, tried, .. }) => (reason, tried),
            Err(err) => return Err(err),
        };
        let all = |is: fn(&FetchError) -> bool| tried.iter().all(|it| is(&it.why));
        let is_broken = !all(|why| !why.is_broken_document());
        let unnamed = match &probe.credential {
            Some(credential) => NoServerReason::OtherCredential(credential.clone()),
            None => NoServerReason::Unnamed,
        };
        if probe.status == 401 && !is_broken && all(FetchError::is_definite) {
            log::info!(
                "no metadata anywhere: assuming the endpoints of MCP 2025-03-26 at {origin}"
            );
            let nothing_found = no_server(unnamed, tried);
            return Ok((AuthorizationServer::assumed_at(server), Some(nothing_found)));
        }
        if probe.is_open() && all(FetchError::is_absence) {
            return Err(DiscoverError::NoLoginNeeded);
        }
        let reason = if reason == NoServerReason::Unavailable || probe.is_temporary() {
            NoServerReason::Unavailable
        } else if is_broken {
            NoServerReason::NoMetadata
        } else if probe.credential.is_some() || probe.is_protected() {
            unnamed
        } else {
            NoServerReason::Nothing
        };
        Err(no_server(reason, tried))
    }
}

/// Tells whether one issuer was probably meant by the other: both have the same origin.
fn is_near(one: &str, other: &str) -> bool {
    match (endpoint::parse(one), endpoint::parse(other)) {
        (Ok(one), Ok(other)) => {
            one.origin() == other.origin() || endpoint::is_same_machine(&one, &other)
        }
        _ => false,
    }
}

fn no_server(reason: NoServerReason, tried: Vec<FailedFetch>) -> DiscoverError {
    DiscoverError::NoServer {
        reason,
        tried,
        others: Vec::new(),
    }
}

/// Returns the error for documents that all failed. One failed check outweighs any number of missing documents.
fn not_found(mut tried: Vec<FailedFetch>) -> DiscoverError {
    if let Some(at) = tried.iter().position(|it| it.why.is_security()) {
        let FailedFetch { url, why } = tried.swap_remove(at);
        return DiscoverError::document(&url, why);
    }
    let reason = match tried.iter().any(|it| it.why.is_temporary()) {
        true => NoServerReason::Unavailable,
        false => NoServerReason::NoMetadata,
    };
    no_server(reason, tried)
}
