//! Errors of discovery.

use std::fmt;

use super::FetchError;
use crate::http::HttpError;
use crate::oauth::challenge::Credential;
use crate::oauth::endpoint::UrlError;
use crate::oauth::metadata::MetadataError;
use crate::oauth::text::{printable, printable_list};

/// Most entries of a list that a message names.
const MAX_LISTED: usize = 10;

/// Why discovery failed.
#[derive(Debug, thiserror::Error)]
pub enum DiscoverError {
    /// The probe, or another request that a login cannot do without, failed.
    #[error(transparent)]
    Http(HttpError),
    /// A URL that the server names breaks the rules for URLs.
    #[error("{what} cannot be used: {why}")]
    Url {
        /// Which URL, with its value.
        what: String,
        /// The rule that it breaks.
        why: UrlError,
    },
    /// The challenge names metadata at another origin, which is not for this server.
    #[error("the server's challenge names metadata at {0}, which is not its own")]
    ForeignMetadata(String),
    /// A document that a login cannot do without cannot be read or used.
    #[error("reading {url}: {why}")]
    Document {
        /// The URL of the document.
        url: String,
        /// What is wrong.
        why: FetchError,
    },
    /// There is no metadata at the URL that the user names.
    #[error("there is no metadata at {url}: {why}")]
    NoDocument {
        /// The URL that the user names.
        url: String,
        /// The result of the request.
        why: FetchError,
    },
    /// The metadata at the server's origin is for another path there, which the user probably meant.
    #[error("the metadata at {url} is for {found}, not for {server}")]
    OtherPath {
        /// The URL of the metadata.
        url: String,
        /// The server that the user named.
        server: String,
        /// The resource of the metadata.
        found: String,
    },
    /// The metadata names a resource that is wider than the server, and is not at that resource's well-known URL.
    #[error(
        "the metadata at {url} asks for a token for all of {found}, and does not belong to it"
    )]
    TooWide {
        /// The URL of the metadata.
        url: String,
        /// The server that the user named.
        server: String,
        /// The resource of the metadata.
        found: String,
    },
    /// The URL is not that of an MCP server.
    #[error("there is no MCP server at this URL: it answers with {0}")]
    NotMcp(OtherContent),
    /// The server redirects to a web page where people log in.
    #[error("a web login stands in front of this server: it redirects to {0}")]
    LoginPage(String),
    /// The server answers without a login, and names no authorization server.
    #[error("the server answers without a login")]
    NoLoginNeeded,
    /// Some of the metadata is not available now.
    #[error("the metadata is not available now; {0}")]
    MetadataUnavailable(Attempts),
    /// The issuer that the user names publishes no usable metadata.
    #[error("no authorization server was found; {0}")]
    IssuerWithoutMetadata(Attempts),
    /// There is metadata, with a mistake in it.
    #[error("no authorization server was found; {0}")]
    BrokenMetadata(Attempts),
    /// The server asks for credentials that are no OAuth token.
    #[error("the server wants {}, and names no authorization server; {}", credential_name(.0), .1)]
    OtherCredential(Credential, Attempts),
    /// The server refuses a request without a token, and names no authorization server.
    #[error("no authorization server was found; {0}")]
    UnnamedAuthorizationServer(Attempts),
    /// No authorization server was found, and the server does not ask for a login either.
    #[error("no authorization server was found; {0}")]
    NoAuthorizationServer(Attempts),
    /// The authorization server does not issue codes, or does not protect them with PKCE.
    #[error("{issuer}: {why}")]
    Unsuitable {
        /// The authorization server.
        issuer: String,
        /// [`MetadataError::NoPkce`] or [`MetadataError::NoCodeFlow`].
        why: MetadataError,
        /// The metadata does not mention PKCE, so that `--assume-pkce` would help.
        silent: bool,
    },
    /// The issuer that the user names publishes no metadata, and a document at another URL claims to be its metadata.
    #[error("the document at {url} says that it is that of {named}, which publishes none itself")]
    Impersonated {
        /// What the user named.
        named: String,
        /// The URL of the document.
        url: String,
    },
    /// The server does not use the issuer that the user names.
    #[error(
        "the server uses {}, not the issuer {named}",
        printable_list(found, ", ", MAX_LISTED)
    )]
    OtherIssuer {
        /// What the user named.
        named: String,
        /// What the server's metadata names.
        found: Vec<String>,
        /// The one that the user probably meant.
        near: Option<String>,
    },
    /// The metadata of the issuer that the user names is that of another issuer at the same origin.
    #[error("the metadata of {named} is that of {found}")]
    NearIssuer {
        /// What the user named.
        named: String,
        /// What the metadata names.
        found: String,
    },
}

/// What a URL answers that is not an MCP server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OtherContent {
    /// The status code.
    pub status: u16,
    /// The content type is that of a web page.
    pub is_html: bool,
}

impl fmt::Display for OtherContent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.status, self.is_html) {
            (404 | 410, _) | (_, false) => write!(formatter, "status {}", self.status),
            (_, true) => write!(formatter, "a web page (status {})", self.status),
        }
    }
}

/// The URLs at which metadata was looked for, and the result of each.
#[derive(Clone, Debug, Default)]
pub struct Attempts {
    /// Each URL with its result.
    pub tried: Vec<(String, String)>,
    /// Other authorization servers of the protected resource, which were not tried.
    pub others: Vec<String>,
}

impl fmt::Display for Attempts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("tried")?;
        for (at, (url, result)) in self.tried.iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            write!(formatter, "{comma} {url} ({result})")?;
        }
        Ok(())
    }
}

/// The endpoints of MCP 2025-03-26, used where a server has no metadata at all: nothing proves that they exist.
#[derive(Debug)]
pub struct AssumedEndpoints {
    pub(super) attempts: Attempts,
    pub(super) credential: Option<Credential>,
}

impl AssumedEndpoints {
    /// Returns the error of a login that found nothing at an endpoint that was assumed.
    pub fn refuted(&self, url: &str, result: String) -> DiscoverError {
        let mut attempts = self.attempts.clone();
        attempts.tried.push((printable(url), result));
        DiscoverError::without_server(self.credential.clone(), attempts)
    }
}

fn credential_name(credential: &Credential) -> String {
    match credential {
        Credential::ApiKey => "an API key".to_owned(),
        Credential::Password => "a user name and a password".to_owned(),
        Credential::Scheme(scheme) => format!("a login of the kind {}", printable(scheme)),
    }
}

impl DiscoverError {
    /// Returns the error for a server that asks for a login and names no authorization server.
    pub(super) fn without_server(credential: Option<Credential>, attempts: Attempts) -> Self {
        match credential {
            Some(credential) => Self::OtherCredential(credential, attempts),
            None => Self::UnnamedAuthorizationServer(attempts),
        }
    }

    /// Returns the URLs that were tried, if no authorization server was found at any of them.
    pub fn attempts(&self) -> Option<&Attempts> {
        match self {
            Self::MetadataUnavailable(attempts)
            | Self::IssuerWithoutMetadata(attempts)
            | Self::BrokenMetadata(attempts)
            | Self::OtherCredential(_, attempts)
            | Self::UnnamedAuthorizationServer(attempts)
            | Self::NoAuthorizationServer(attempts) => Some(attempts),
            _ => None,
        }
    }

    pub(super) fn attempts_mut(&mut self) -> Option<&mut Attempts> {
        match self {
            Self::MetadataUnavailable(attempts)
            | Self::IssuerWithoutMetadata(attempts)
            | Self::BrokenMetadata(attempts)
            | Self::NoAuthorizationServer(attempts) => Some(attempts),
            _ => None,
        }
    }

    /// Tells whether the search ended without an authorization server, and would end so again.
    pub fn is_without_server(&self) -> bool {
        self.attempts().is_some() && !self.is_temporary()
    }

    /// Tells whether a security check failed, rather than the network or the user's typing.
    pub fn is_security(&self) -> bool {
        match self {
            Self::Http(err) => err.is_security(),
            Self::Document { why, .. } => why.is_security(),
            Self::Unsuitable { why, .. } => why.is_security(),
            Self::Url { .. }
            | Self::ForeignMetadata(_)
            | Self::TooWide { .. }
            | Self::Impersonated { .. } => true,
            _ => false,
        }
    }

    /// Returns the exit code of a login that ends here.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::NoLoginNeeded => 0,
            Self::LoginPage(_)
            | Self::OtherPath { .. }
            | Self::NotMcp(_)
            | Self::OtherIssuer { .. }
            | Self::NearIssuer { .. }
            | Self::NoDocument { .. } => 2,
            Self::MetadataUnavailable(_) => 5,
            _ if self.is_without_server() => 2,
            Self::Document { why, .. } if why.is_definite() => 2,
            Self::Http(err)
            | Self::Document {
                why: FetchError::Http(err),
                ..
            } if err.is_hopeless() => 2,
            Self::Unsuitable {
                why: MetadataError::NoCodeFlow(_),
                ..
            } => 2,
            _ if self.is_security() => 6,
            _ => 5,
        }
    }

    /// Tells whether the servers are only unavailable now.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Document { why, .. } => why.is_temporary(),
            Self::MetadataUnavailable(_) => true,
            _ => false,
        }
    }

    /// Returns the URL that the user probably meant.
    pub fn suggestion(&self) -> Option<&str> {
        match self {
            Self::OtherPath { found, .. } => Some(found),
            _ => None,
        }
    }
}
