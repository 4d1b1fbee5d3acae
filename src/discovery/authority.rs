//! The metadata of the authorization server: whose word counts for which issuer.

use url::Url;

use super::error::{DiscoverError, Nowhere};
use super::probe::Probe;
use super::resource::ProtectedResource;
use super::{trace, FailedFetch, FetchError, Search};
use crate::oauth::endpoint;
use crate::oauth::metadata::{self, AuthorizationServer, MetadataError};
use crate::oauth::text::printable;

/// How many requests are kept for the documents of the issuer that the user names.
const KEPT_FOR_THE_ISSUER: usize = 1;

impl Search<'_> {
    /// Reads metadata, and checks that it speaks for an issuer.
    fn read_server(&self, url: &Url, issuer: &str) -> Result<AuthorizationServer, FetchError> {
        let read = self.documents.get(url).and_then(|body| {
            let server = AuthorizationServer::read(&body, issuer, self.reach)?;
            Ok(server.within(|endpoint| self.http.check_address(endpoint))?)
        });
        self.note(url, || trace::server_in_words(&read));
        read
    }

    /// Finds the authorization server that the resource names first.
    pub(super) fn first_named(
        &self,
        resource: &ProtectedResource,
    ) -> Result<AuthorizationServer, DiscoverError> {
        let Some((first, rest)) = resource.metadata.authorization_servers.split_first() else {
            let why = FetchError::Unusable(MetadataError::Missing {
                member: "authorization_servers",
                meaning: "which authorization server to use",
            });
            return Err(DiscoverError::Document {
                url: printable(resource.url.as_str()),
                why,
            });
        };
        self.authorization_server(first, &mut Vec::new())
            .map_err(|mut err| {
                if let DiscoverError::NoAuthorizationServer(nowhere) = &mut err {
                    nowhere
                        .others
                        .extend(rest.iter().filter(|other| *other != first).cloned());
                }
                err
            })
    }

    /// Finds the authorization server that the user chose among those of the resource. One that is not among them has to
    /// be named by a document of one of them; but what it is, only its own documents say.
    ///
    /// Spec: RFC 8414 section 3.3; RFC 9700 section 4.4.
    pub(super) fn chosen(
        &self,
        resource: &ProtectedResource,
        named: &str,
    ) -> Result<AuthorizationServer, DiscoverError> {
        let entries = &resource.metadata.authorization_servers;
        if entries.is_empty() {
            return self.named_issuer(named);
        }
        if let Some(entry) = entries
            .iter()
            .find(|entry| metadata::same_issuer(entry, named))
        {
            return self.named_issuer(entry);
        }
        let (claimed_at, is_cut) = self.document_naming(entries, named);
        let Some(claimed_at) = claimed_at else {
            if is_cut {
                // Not every document could be looked at; its own has the last word in any case.
                return self.named_issuer(named);
            }
            let near = entries
                .iter()
                .find(|entry| is_near(entry, named))
                .map(|near| printable(near));
            return Err(DiscoverError::OtherIssuer {
                named: printable(named),
                found: entries.clone(),
                near,
            });
        };
        self.named_issuer(named).map_err(|err| match err {
            // What is only unavailable may still speak for itself later.
            DiscoverError::NoAuthorizationServer(nowhere) if !nowhere.is_temporary => {
                DiscoverError::Impersonated {
                    named: printable(named),
                    url: printable(claimed_at.as_str()),
                }
            }
            err => err,
        })
    }

    /// Returns where metadata of one of these issuers stands that names another one, to the letter; and whether some of it
    /// could not be looked at.
    fn document_naming(&self, entries: &[String], issuer: &str) -> (Option<Url>, bool) {
        let urls = entries
            .iter()
            .filter_map(|entry| metadata::server_metadata_urls(entry, self.reach).ok());
        for url in urls.flatten() {
            if self.documents.left() <= KEPT_FOR_THE_ISSUER {
                return (None, true);
            }
            if self
                .read_server(&url, issuer)
                .is_ok_and(|server| server.issuer == issuer)
            {
                return (Some(url), false);
            }
        }
        (None, false)
    }

    /// Finds the authorization server that the user names; a typing error in its name is told as one.
    pub(super) fn named_issuer(&self, named: &str) -> Result<AuthorizationServer, DiscoverError> {
        self.authorization_server(named, &mut Vec::new())
            .map_err(|err| match err {
                DiscoverError::NoAuthorizationServer(nowhere) => {
                    DiscoverError::NoAuthorizationServer(Nowhere {
                        is_named: true,
                        ..nowhere
                    })
                }
                DiscoverError::Document {
                    why: FetchError::Unsafe(MetadataError::Issuer { found, .. }),
                    ..
                } if is_near(&found, named) => DiscoverError::NearIssuer {
                    named: printable(named),
                    found: printable(&found),
                },
                err => err,
            })
    }

    /// Reads the metadata that the user names. Without an issuer of the user's it speaks for whatever issuer it names.
    pub(super) fn document_of_the_user(
        &self,
        url: &Url,
        issuer: Option<&str>,
    ) -> Result<AuthorizationServer, DiscoverError> {
        let read = self.documents.get(url).and_then(|body| {
            let server = AuthorizationServer::read_named(&body, self.reach)?;
            Ok(server.within(|endpoint| self.http.check_address(endpoint))?)
        });
        self.note(url, || trace::server_in_words(&read));
        let server = read.map_err(|why| {
            let url = printable(url.as_str());
            match why.is_definite() {
                true => DiscoverError::NoDocument { url, why },
                false => DiscoverError::Document { url, why },
            }
        })?;
        match issuer.filter(|issuer| !metadata::same_issuer(issuer, &server.issuer)) {
            Some(issuer) => Err(DiscoverError::NearIssuer {
                named: printable(issuer),
                found: printable(&server.issuer),
            }),
            None => Ok(server),
        }
    }

    /// Reads the metadata of an authorization server, wherever it stands.
    fn authorization_server(
        &self,
        issuer: &str,
        tried: &mut Vec<FailedFetch>,
    ) -> Result<AuthorizationServer, DiscoverError> {
        let urls = metadata::server_metadata_urls(issuer, self.reach).map_err(|why| {
            DiscoverError::Url {
                what: format!("the issuer {}", printable(issuer)),
                why,
            }
        })?;
        for url in urls {
            match self.read_server(&url, issuer) {
                Ok(found) => return Ok(found),
                Err(why) => tried.push(FailedFetch { url, why }),
            }
        }
        Err(nowhere(tried))
    }

    /// A server without resource metadata follows MCP 2025-03-26: its authorization server is its own origin. Without any
    /// metadata there its endpoints are the default ones, which nobody has seen yet: then what was tried is returned too.
    ///
    /// Spec: MCP 2025-03-26, Fallbacks for Servers without Metadata Discovery.
    pub(super) fn without_resource(
        &self,
        server: &Url,
        probe: &Probe,
        mut tried: Vec<FailedFetch>,
    ) -> Result<(AuthorizationServer, Option<Nowhere>), DiscoverError> {
        // What is only not available now may name another authorization server than the one that would be guessed.
        if tried.iter().any(|it| it.why.is_temporary()) {
            return Err(nowhere(&mut tried));
        }
        let origin = server.origin().ascii_serialization();
        let failed = match self.authorization_server(&origin, &mut tried) {
            Ok(found) => return Ok((found, None)),
            Err(failed) => failed,
        };
        let DiscoverError::NoAuthorizationServer(mut nowhere) = failed else {
            return Err(failed);
        };
        nowhere.is_broken = tried.iter().any(|it| it.why.is_broken());
        nowhere.is_protected = probe.is_protected();
        nowhere.credential.clone_from(&probe.credential);
        if probe.status == 401 && tried.iter().all(|it| it.why.is_definite()) && !nowhere.is_broken
        {
            log::info!(
                "no metadata anywhere: assuming the endpoints of MCP 2025-03-26 at {origin}"
            );
            return Ok((AuthorizationServer::assumed_at(server), Some(nowhere)));
        }
        let is_absent = |why: &FetchError| match why {
            FetchError::Status(_) => why.is_definite(),
            FetchError::Unusable(err) => *err == MetadataError::NotMetadata,
            _ => false,
        };
        if probe.is_open() && tried.iter().all(|it| is_absent(&it.why)) {
            return Err(DiscoverError::NoLoginNeeded);
        }
        nowhere.is_temporary |= probe.is_temporary();
        Err(DiscoverError::NoAuthorizationServer(nowhere))
    }
}

/// Tells whether one issuer is probably meant by the other: they are at the same place.
fn is_near(one: &str, other: &str) -> bool {
    match (endpoint::parse(one), endpoint::parse(other)) {
        (Ok(one), Ok(other)) => {
            one.origin() == other.origin() || endpoint::is_same_machine(&one, &other)
        }
        _ => false,
    }
}

/// Says what came of all that was tried. One failed check outweighs any number of missing documents.
fn nowhere(tried: &mut Vec<FailedFetch>) -> DiscoverError {
    if let Some(unsafe_one) = tried.iter().position(|it| it.why.is_security()) {
        let FailedFetch { url, why } = tried.swap_remove(unsafe_one);
        return DiscoverError::Document {
            url: printable(url.as_str()),
            why,
        };
    }
    DiscoverError::NoAuthorizationServer(Nowhere {
        is_temporary: tried.iter().any(|it| it.why.is_temporary()),
        is_broken: tried
            .iter()
            .any(|it| matches!(it.why, FetchError::Unusable(_))),
        tried: tried
            .iter()
            .map(|it| (printable(it.url.as_str()), it.why.to_string()))
            .collect(),
        ..Nowhere::default()
    })
}
