//! Why it could not be found out how to log in.

use super::FetchError;
use crate::http::HttpError;
use crate::oauth::challenge::Credential;
use crate::oauth::endpoint::UrlError;
use crate::oauth::metadata::MetadataError;
use crate::oauth::text::{printable, printable_list};

/// Most entries of a list that a message names.
const MAX_LISTED: usize = 10;

/// Why nothing was found out.
#[derive(Debug, thiserror::Error)]
pub enum DiscoverError {
    /// A request that everything depends on came to nothing.
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
    /// The challenge names metadata at another place than the server's, which does not speak for it.
    #[error("the server's challenge names metadata at {0}, which is not its own")]
    ForeignMetadata(String),
    /// A document that had to be read cannot be.
    #[error("reading {url}: {why}")]
    Document {
        /// Where it stands.
        url: String,
        /// What is wrong.
        why: FetchError,
    },
    /// There is no metadata where the user says that it is.
    #[error("there is no metadata at {url}: {why}")]
    NoDocument {
        /// The URL that the user names.
        url: String,
        /// What came of it.
        why: FetchError,
    },
    /// The metadata of the server's origin is for another path there: probably the one that was meant.
    #[error("the metadata at {url} is for {found}, not for {server}")]
    OtherPath {
        /// Where it stands.
        url: String,
        /// The server that was named.
        server: String,
        /// The resource that the metadata is for.
        found: String,
    },
    /// The metadata names a resource that is more than the server, and does not stand where that resource has its own.
    #[error(
        "the metadata at {url} asks for a token for all of {found}, and does not belong to it"
    )]
    TooWide {
        /// Where it stands.
        url: String,
        /// The server that was named.
        server: String,
        /// The resource that the metadata names.
        found: String,
    },
    /// What is at the URL is no MCP server.
    #[error("there is no MCP server at this URL: it answers with {0}")]
    NotMcp(OtherContent),
    /// The server sends whoever asks to a web page where people log in.
    #[error("a web login stands in front of this server: it redirects to {0}")]
    LoginPage(String),
    /// The server answered without a login, and names no authorization server: there is nothing to log in to.
    #[error("the server answers without a login")]
    NoLoginNeeded,
    /// No metadata was found anywhere.
    #[error("{}; tried{}", .0.headline(), list(&.0.tried))]
    NoAuthorizationServer(Nowhere),
    /// The authorization server does not give out codes, or does not protect them.
    #[error("{issuer}: {why}")]
    Unsuitable {
        /// The authorization server.
        issuer: String,
        /// [`MetadataError::NoPkce`] or [`MetadataError::NoCodeFlow`].
        why: MetadataError,
        /// The metadata says nothing about PKCE, so that `--assume-pkce` would help.
        silent: bool,
    },
    /// The issuer that the user names publishes no metadata, and a document at another place claims to be its own.
    #[error("the document at {url} says that it is that of {named}, which publishes none itself")]
    Impersonated {
        /// What the user named.
        named: String,
        /// Where the document stands.
        url: String,
    },
    /// The issuer that the user names is not one that the server uses.
    #[error(
        "the server uses {}, not the issuer {named}",
        printable_list(found, ", ", MAX_LISTED)
    )]
    OtherIssuer {
        /// What the user named.
        named: String,
        /// What the server's metadata names.
        found: Vec<String>,
        /// The one that was probably meant.
        near: Option<String>,
    },
    /// The metadata of the issuer that the user names is that of another one at the same place.
    #[error("the metadata of {named} is that of {found}")]
    NearIssuer {
        /// What the user named.
        named: String,
        /// What the metadata names.
        found: String,
    },
}

/// What is at a URL in place of an MCP server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OtherContent {
    /// The status code.
    pub status: u16,
    /// It is a page for people.
    pub is_html: bool,
}

impl std::fmt::Display for OtherContent {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.status, self.is_html) {
            (404 | 410, _) => write!(formatter, "status {}", self.status),
            (_, true) => write!(formatter, "a web page (status {})", self.status),
            (_, false) => write!(formatter, "status {}", self.status),
        }
    }
}

/// That no authorization server was found, and where it was looked for.
#[derive(Clone, Debug, Default)]
pub struct Nowhere {
    /// What was tried, and what came of it.
    pub tried: Vec<(String, String)>,
    /// Some of it is only not available now.
    pub is_temporary: bool,
    /// There is a document, but something in it is wrong.
    pub is_broken: bool,
    /// The server wants a login of some kind.
    pub is_protected: bool,
    /// What the server asks for instead of an OAuth token.
    pub credential: Option<Credential>,
    /// Other authorization servers that the protected resource names, which were not tried.
    pub others: Vec<String>,
    /// It is the user who names the issuer.
    pub is_named: bool,
}

impl Nowhere {
    fn headline(&self) -> String {
        let wanted = match &self.credential {
            _ if self.is_temporary => return "the metadata is not available now".to_owned(),
            Some(Credential::ApiKey) => "an API key",
            Some(Credential::Password) => "a user name and a password",
            Some(Credential::Scheme(scheme)) => {
                &format!("a login of the kind {}", printable(scheme))
            }
            None => return "no authorization server was found".to_owned(),
        };
        format!("the server wants {wanted}, and names no authorization server")
    }
}

fn list(tried: &[(String, String)]) -> String {
    tried
        .iter()
        .map(|(url, result)| format!(" {url} ({result})"))
        .collect::<Vec<_>>()
        .join(",")
}

impl DiscoverError {
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
            Self::OtherPath { .. } | Self::NotMcp(_) | Self::LoginPage(_) => false,
            Self::NoLoginNeeded | Self::NoAuthorizationServer(_) => false,
            Self::OtherIssuer { .. } | Self::NearIssuer { .. } | Self::NoDocument { .. } => false,
        }
    }

    /// Returns the exit code of a login that ends here.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::NoLoginNeeded => 0,
            Self::LoginPage(_) => 2,
            Self::OtherPath { .. }
            | Self::NotMcp(_)
            | Self::OtherIssuer { .. }
            | Self::NearIssuer { .. } => 2,
            Self::NoAuthorizationServer(nowhere) if nowhere.is_temporary => 5,
            Self::NoAuthorizationServer(_) => 2,
            Self::Document { why, .. } if why.is_definite() => 2,
            Self::Http(err)
            | Self::Document {
                why: FetchError::Http(err),
                ..
            } if err.is_hopeless() => 2,
            Self::NoDocument { .. } => 2,
            Self::Unsuitable {
                why: MetadataError::NoCodeFlow(_),
                ..
            } => 2,
            _ if self.is_security() => 6,
            _ => 5,
        }
    }

    /// Tells whether the servers are only not available now.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Document { why, .. } => why.is_temporary(),
            Self::NoAuthorizationServer(nowhere) => nowhere.is_temporary,
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
