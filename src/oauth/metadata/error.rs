//! Why a metadata document is not used.

use url::Url;

use crate::failure::{About, Code, Failure, Hint};
use crate::oauth::endpoint::{self, UrlError};
use crate::oauth::text::{printable, printable_list};

/// Most grant types that a message names.
const MAX_LISTED: usize = 10;

/// Why a metadata document is not used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// The body is not JSON, as far as JSON can be read.
    #[error("the answer cannot be read as JSON")]
    NotMetadata,
    /// The body is JSON, but something else than an object.
    #[error("the answer is JSON, but not an object")]
    NotAnObject,
    /// A member that a login needs has another type.
    #[error("the member {member} of the metadata is not {expected}")]
    WrongType {
        /// Its name.
        member: &'static str,
        /// What it has to be.
        expected: &'static str,
    },
    /// A member that is used is there twice.
    #[error("the metadata holds the member {0} twice")]
    Doubled(&'static str),
    /// A member that a login needs is missing.
    #[error("the metadata does not say {meaning}: there is no usable member {member}")]
    Missing {
        /// Its name.
        member: &'static str,
        /// What it would say.
        meaning: &'static str,
    },
    /// The document is that of another protected resource.
    #[error(
        "the metadata is for the resource {}, not for {}",
        printable(found),
        printable(server)
    )]
    Resource {
        /// The MCP server that was asked.
        server: String,
        /// What the document names.
        found: String,
    },
    /// The document is that of another authorization server.
    #[error(
        "the metadata names issuer {}, not {}",
        printable(found),
        printable(expected)
    )]
    Issuer {
        /// The issuer that the document was looked up for.
        expected: String,
        /// What the document names.
        found: String,
    },
    /// A URL in the document breaks the rules for URLs.
    #[error("the {member} of the metadata cannot be used: {why}")]
    Url {
        /// The member that holds the URL.
        member: &'static str,
        /// The rule that it breaks.
        why: UrlError,
    },
    /// The server issues no authorization codes.
    #[error("the authorization server does not offer the authorization code flow, only {}", printable_list(.0, ", ", MAX_LISTED))]
    NoCodeFlow(Vec<String>),
    /// The server does not accept proofs with our algorithm.
    #[error("the authorization server accepts no DPoP proofs with ES256, only with {}", printable_list(.0, ", ", MAX_LISTED))]
    NoDpop(Vec<String>),
    /// The server does not say that it protects codes with PKCE and S256.
    #[error("the authorization server does not offer PKCE with S256")]
    NoPkce,
}

impl MetadataError {
    /// Tells whether going on would be unsafe, rather than merely impossible.
    pub fn is_security(&self) -> bool {
        match self {
            Self::Resource { .. } | Self::Issuer { .. } | Self::Url { .. } | Self::NoPkce => true,
            Self::NotMetadata | Self::NotAnObject | Self::WrongType { .. } | Self::Doubled(_) => {
                false
            }
            Self::Missing { .. } | Self::NoCodeFlow(_) | Self::NoDpop(_) => false,
        }
    }
}

impl Failure for MetadataError {
    fn code(&self) -> Code {
        match self {
            Self::Issuer { .. } => Code::IssuerMismatch,
            Self::Resource { .. } => Code::ResourceMismatch,
            Self::Url { .. } => Code::ForbiddenUrl,
            Self::NoPkce => Code::PkceUnsupported,
            Self::NoCodeFlow(_) => Code::CodeFlowUnsupported,
            Self::NoDpop(_) => Code::DpopUnsupported,
            Self::NotMetadata | Self::NotAnObject | Self::Missing { .. } => Code::MetadataUnusable,
            Self::WrongType { .. } | Self::Doubled(_) => Code::MetadataUnusable,
        }
    }

    /// Returns what helps. What the user can settle is no danger.
    fn hint(&self, about: &About) -> Option<Hint> {
        let server = about.name;
        let hint = match self {
            Self::Resource { found, .. } if is_same_machine(server, found) => other_name(found),
            Self::Resource { .. } => format!(
                "report this to the operator of {server}; if you know that the URL is right, --resource {server} says so"
            ),
            Self::Issuer { found, .. } if endpoint::parse(found).is_ok() => {
                let found = printable(found);
                format!(
                    "report this to the operator of {server}; if you know that {found} is the right one, --issuer {found} \
                     logs in by its own metadata"
                )
            }
            Self::NoDpop(_) => "leave out --dpop".to_owned(),
            _ if self.is_security() => not_safe(server),
            Self::Missing {
                member: "resource", ..
            }
            | Self::WrongType {
                member: "resource", ..
            } => "--resource says which resource the server is".to_owned(),
            _ => "--issuer names the authorization server, if you know it".to_owned(),
        };
        Some(hint.into())
    }
}

/// Returns the hint where a login to a server would be unsafe.
pub fn not_safe(server: &str) -> String {
    format!("report this to the operator of {server}; logging in there is not safe")
}

/// Tells whether two URLs name the same host and port, one perhaps by another name.
pub fn is_same_machine(one: &str, other: &str) -> bool {
    let (one, other) = (Url::parse(one), Url::parse(other));
    one.is_ok_and(|one| other.is_ok_and(|other| endpoint::is_same_machine(&one, &other)))
}

/// Returns the hint where a server calls itself otherwise than the user does.
pub fn other_name(found: &str) -> String {
    let host = Url::parse(found)
        .ok()
        .and_then(|url| url.host_str().map(str::to_owned))
        .unwrap_or_default();
    format!("the server calls itself {host}; name it so in its URL")
}
