//! Errors of discovery.

use std::fmt;

use super::FetchError;
use crate::failure::{About, Class, Code, Failure, Hint};
use crate::http::HttpError;
use crate::oauth::challenge::Credential;
use crate::oauth::endpoint::UrlError;
use crate::oauth::metadata::{self, MetadataError};
use crate::oauth::text::{printable, printable_list};

/// Most entries of a list that a message names.
const MAX_LISTED: usize = 10;

/// Most authorization servers that a hint names.
const MAX_CHOICES: usize = 3;

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

impl Failure for DiscoverError {
    fn code(&self) -> Code {
        match self {
            Self::Http(err) => err.code(),
            Self::Document { why, .. } => why.code(),
            Self::Unsuitable { why, .. } => why.code(),
            Self::Url { .. } => Code::ForbiddenUrl,
            Self::ForeignMetadata(_) => Code::ForeignMetadata,
            Self::OtherPath { .. } | Self::TooWide { .. } => Code::ResourceMismatch,
            Self::NotMcp(_) | Self::LoginPage(_) => Code::NotAnMcpServer,
            Self::NoLoginNeeded => Code::NoLoginNeeded,
            Self::NoDocument { .. } => Code::MetadataUnusable,
            Self::MetadataUnavailable(_)
            | Self::IssuerWithoutMetadata(_)
            | Self::BrokenMetadata(_)
            | Self::OtherCredential(..)
            | Self::UnnamedAuthorizationServer(_)
            | Self::NoAuthorizationServer(_) => Code::NoAuthorizationServer,
            Self::OtherIssuer { .. } | Self::NearIssuer { .. } | Self::Impersonated { .. } => {
                Code::IssuerMismatch
            }
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Document { why, .. } => why.class(),
            // Probably a typing error.
            Self::OtherPath { .. } | Self::OtherIssuer { .. } | Self::NearIssuer { .. } => {
                Class::Usage
            }
            Self::MetadataUnavailable(_) => Class::Unavailable,
            _ => self.code().class(),
        }
    }

    fn hint(&self, about: &About) -> Option<Hint> {
        let server = about.name;
        let others = self.attempts().map_or(&[][..], |it| &it.others);
        if !others.is_empty() {
            let plural = if others.len() == 1 { "" } else { "s" };
            let named = printable_list(others, ", ", MAX_CHOICES);
            let hint = format!(
                "the server names {} other authorization server{plural}: {named}; --issuer URL chooses one",
                others.len()
            );
            return Some(hint.into());
        }
        let hint = match self {
            Self::Http(err) => return err.hint(about),
            Self::Document { why, .. } => return why.hint(about),
            Self::NoLoginNeeded => "use the server as it is",
            Self::OtherPath { found, .. } => return Some(format!("did you mean {found}?").into()),
            Self::TooWide { server, .. } => {
                let hint = format!("--resource {server} asks for a token for this server alone");
                return Some(hint.into());
            }
            Self::NotMcp(page) if page.is_html && page.status == 200 => {
                "check the URL of the server, and whether the network wants a login of its own first (a captive portal); to log \
                 in all the same, use --issuer or --resource"
            }
            Self::LoginPage(_) => {
                "check the URL of the server; if a gateway of its operator is in the way (single sign-on, a VPN), ask the \
                 operator for a way that clients other than browsers can take"
            }
            Self::NotMcp(_) => {
                "check the URL: the path of an MCP server is often /mcp; to log in all the same, use --issuer or --resource"
            }
            Self::MetadataUnavailable(_) => {
                "run the command again in a while; --issuer does without the metadata of the server, if you know its \
                 authorization server"
            }
            Self::IssuerWithoutMetadata(_) => {
                "check --issuer; for one that publishes no metadata, --authorization-endpoint and --token-endpoint name its \
                 endpoints, and --issuer-metadata names a document at another place"
            }
            Self::BrokenMetadata(_) => {
                "report this to the operator of the authorization server; --authorization-endpoint and --token-endpoint name \
                 its endpoints, and --issuer another authorization server, if you know them"
            }
            Self::OtherCredential(Credential::ApiKey, _) => {
                "there is nothing to log in to: get an API key from the operator of the server, and give it to your client; if \
                 there is an authorization server after all, name it with --issuer"
            }
            Self::OtherCredential(..) => {
                "there is nothing to log in to: give your client what the server asks for; if there is an authorization server \
                 after all, name it with --issuer"
            }
            Self::UnnamedAuthorizationServer(_) => {
                "the server wants a token, but does not say where to get one: it may want an API key; --issuer names an \
                 authorization server that the server does not name itself"
            }
            Self::NoAuthorizationServer(_) => {
                "check the URL of the server; --issuer names an authorization server that the server does not name itself"
            }
            Self::NoDocument { .. } => "check --issuer-metadata: it takes the URL of the document itself",
            Self::ForeignMetadata(named) if metadata::is_same_machine(server, named) => {
                return Some(metadata::other_name(named).into());
            }
            Self::Unsuitable { silent: true, why: MetadataError::NoPkce, .. } => {
                "if you know that it protects codes with PKCE all the same, --assume-pkce goes on"
            }
            Self::Unsuitable { why: MetadataError::NoCodeFlow(_), .. } => {
                "mcp-login needs the authorization code flow; --issuer names another authorization server of the server"
            }
            Self::OtherIssuer { near: Some(near), .. } => {
                return Some(format!("did you mean --issuer {near}?").into());
            }
            Self::OtherIssuer { .. } => "check --issuer: name one that the server uses, or leave it out",
            Self::NearIssuer { found, .. } => {
                return Some(format!("did you mean --issuer {found}?").into());
            }
            Self::Impersonated { named, .. } => {
                let hint = format!(
                    "only {named} itself can say where its endpoints are; if you know them, name them with \
                     --authorization-endpoint and --token-endpoint, or its metadata with --issuer-metadata"
                );
                return Some(hint.into());
            }
            Self::Url { .. } | Self::ForeignMetadata(_) | Self::Unsuitable { .. } => {
                return Some(metadata::not_safe(server).into());
            }
        };
        Some(hint.into())
    }
}
