//! Errors of discovery.

use std::fmt;

use url::Url;

use super::fetch::{FailedFetch, FetchError};
use crate::failure::{About, Class, Code, Failure, Hint, LoginCommand};
use crate::http::HttpError;
use crate::oauth::challenge::Credential;
use crate::oauth::device;
use crate::oauth::endpoint::UrlError;
use crate::oauth::metadata::{self, MetadataError};
use crate::oauth::text::{printable, printable_list};

/// Most entries of a list that a message names.
const MAX_LISTED: usize = 10;

/// Most authorization servers that a hint names.
const MAX_CHOICES: usize = 3;

/// Why discovery failed.
#[derive(Clone, Debug, thiserror::Error)]
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
    #[error("there is no MCP server at this URL: it answers with {}", describe_content(*.status, *.is_html))]
    NotMcp {
        /// The status code.
        status: u16,
        /// The content type is that of a web page.
        is_html: bool,
    },
    /// The server redirects to a web page where people log in.
    #[error("a web login protects this server: it redirects to {0}")]
    LoginPage(String),
    /// The server answers without a login, and names no authorization server.
    #[error("the server answers without a login")]
    NoLoginNeeded,
    /// There is no usable metadata of an authorization server anywhere.
    #[error("{reason}; tried{}", list(tried))]
    NoServer {
        /// What that means.
        reason: NoServerReason,
        /// The URLs at which metadata was looked for, with the result of each.
        tried: Vec<FailedFetch>,
        /// Other authorization servers of the protected resource, which were not tried.
        others: Vec<String>,
    },
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
    /// The server does not use the issuer that is pinned for a login without a person.
    #[error(
        "the server uses {}, and this login is pinned to {pinned}; nothing was sent there",
        printable_list(found, ", ", MAX_LISTED)
    )]
    NotPinned {
        /// The pinned issuer.
        pinned: String,
        /// What the server's metadata names.
        found: Vec<String>,
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

/// What it means that no authorization server was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoServerReason {
    /// Some of the metadata is not available now.
    Unavailable,
    /// The issuer that the user names publishes no usable metadata.
    IssuerWithoutMetadata,
    /// The metadata of the authorization server that is named is missing, or has a mistake in it.
    NoMetadata,
    /// The server asks for credentials that are no OAuth token.
    OtherCredential(Credential),
    /// The server refuses a request without a token, and names no authorization server.
    Unnamed,
    /// The server does not ask for a login either.
    Nothing,
}

impl fmt::Display for NoServerReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let credential = match self {
            Self::Unavailable => return formatter.write_str("the metadata is not available now"),
            Self::OtherCredential(Credential::ApiKey) => "an API key".to_owned(),
            Self::OtherCredential(Credential::Password) => "a user name and a password".to_owned(),
            Self::OtherCredential(Credential::Scheme(scheme)) => {
                format!("a login of the kind {}", printable(scheme))
            }
            _ => return formatter.write_str("no authorization server was found"),
        };
        write!(
            formatter,
            "the server wants {credential}, and names no authorization server"
        )
    }
}

/// Returns each URL with the result of its request.
fn list(tried: &[FailedFetch]) -> String {
    let tried = tried
        .iter()
        .map(|FailedFetch { url, why }| format!(" {} ({why})", printable(url.as_str())));
    tried.collect::<Vec<_>>().join(",")
}

/// Describes a response that is not that of an MCP server.
fn describe_content(status: u16, is_html: bool) -> String {
    match (status, is_html) {
        (404 | 410, _) | (_, false) => format!("status {status}"),
        (_, true) => format!("a web page (status {status})"),
    }
}

impl DiscoverError {
    /// Returns the error of a document that a login cannot do without.
    pub(super) fn document(url: &Url, why: impl Into<FetchError>) -> Self {
        Self::Document {
            url: printable(url.as_str()),
            why: why.into(),
        }
    }

    /// Tells whether the search ended without an authorization server, and would end so again.
    pub fn is_without_server(&self) -> bool {
        matches!(self, Self::NoServer { .. }) && self.class() != Class::Unavailable
    }

    /// Returns the error of a login that also found nothing at this URL.
    pub fn after(mut self, url: Url, why: FetchError) -> Self {
        if let Self::NoServer { tried, .. } = &mut self {
            tried.push(FailedFetch { url, why });
        }
        self
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
            Self::NotMcp { .. } | Self::LoginPage(_) => Code::NotAnMcpServer,
            Self::NoLoginNeeded => Code::NoLoginNeeded,
            Self::NoDocument { .. } => Code::MetadataUnusable,
            Self::NoServer { .. } => Code::NoAuthorizationServer,
            Self::OtherIssuer { .. }
            | Self::NearIssuer { .. }
            | Self::NotPinned { .. }
            | Self::Impersonated { .. } => Code::IssuerMismatch,
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Document { why, .. } => why.class(),
            // Probably a typing error.
            Self::OtherPath { .. } | Self::OtherIssuer { .. } | Self::NearIssuer { .. } => {
                Class::Usage
            }
            Self::NoServer {
                reason: NoServerReason::Unavailable,
                ..
            } => Class::Unavailable,
            _ => self.code().class(),
        }
    }

    fn hint(&self, about: &About) -> Option<Hint> {
        let server = about.name;
        let hint = match self {
            Self::Http(err) => return err.hint(about),
            Self::Document { why, .. } => return why.hint(about),
            Self::NoLoginNeeded => "use the server as it is",
            Self::OtherPath { found, .. } => return Some(format!("did you mean {found}?").into()),
            Self::TooWide { server, .. } => {
                let hint = format!("--resource {server} asks for a token for this server alone");
                return Some(hint.into());
            }
            Self::NotMcp { status: 200, is_html: true } => {
                "check the URL of the server, and whether the network wants a login of its own first (a captive portal); to log \
                 in all the same, use --issuer or --resource"
            }
            Self::LoginPage(_) => {
                "check the URL of the server; if a gateway of its operator is in the way (single sign-on, a VPN), ask the \
                 operator for a way that clients other than browsers can take"
            }
            Self::NotMcp { .. } => {
                "check the URL: the path of an MCP server is often /mcp; to log in all the same, use --issuer or --resource"
            }
            Self::NoServer { reason, others, .. } => return Some(no_server_hint(reason, others).into()),
            Self::NoDocument { .. } => "check --issuer-metadata: it takes the URL of the document itself",
            Self::ForeignMetadata(named) if metadata::is_same_machine(server, named) => {
                return Some(metadata::other_name(named).into());
            }
            Self::Unsuitable { silent: true, why: MetadataError::NoPkce, .. } => {
                "if you know that it protects codes with PKCE all the same, --assume-pkce goes on"
            }
            Self::Unsuitable { why: MetadataError::NoCodeFlow(offered), .. }
                if offered.iter().any(|grant| grant == device::GRANT_TYPE) =>
            {
                let login = LoginCommand {
                    options: vec!["--device".to_owned()],
                    target: vec![server.to_owned()],
                    ..LoginCommand::default()
                };
                let text = "log in with a code that you enter in any browser";
                return Some(Hint::Else(text.to_owned(), Box::new(login)));
            }
            Self::Unsuitable { why: MetadataError::NoCodeFlow(_), .. } => {
                "a login in a browser needs the authorization code flow; --grant client-credentials and --grant jwt-bearer \
                 do without a person, and --issuer names another authorization server of the server"
            }
            Self::OtherIssuer { near: Some(near), .. } => {
                return Some(format!("did you mean --issuer {near}?").into());
            }
            Self::OtherIssuer { .. } => "check --issuer: name one that the server uses, or leave it out",
            Self::NearIssuer { found, .. } => {
                return Some(format!("did you mean --issuer {found}?").into());
            }
            Self::NotPinned { .. } => {
                "ask the operator of the server which authorization server is right; if it is the other one, name that \
                 one with --issuer"
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

fn no_server_hint(reason: &NoServerReason, others: &[String]) -> String {
    if !others.is_empty() {
        let plural = if others.len() == 1 { "" } else { "s" };
        let named = printable_list(others, ", ", MAX_CHOICES);
        return format!(
            "the server names {} other authorization server{plural}: {named}; --issuer URL chooses one",
            others.len()
        );
    }
    match reason {
        NoServerReason::Unavailable => {
            "run the command again in a while; --issuer does without the metadata of the MCP server, and \
             --authorization-endpoint with --token-endpoint without that of the authorization server"
        }
        NoServerReason::IssuerWithoutMetadata => {
            "check --issuer; for one that publishes no metadata, --authorization-endpoint and --token-endpoint name its \
             endpoints, and --issuer-metadata names a document at another place"
        }
        NoServerReason::NoMetadata => {
            "report this to the operator of the authorization server; --authorization-endpoint and --token-endpoint name \
             its endpoints, and --issuer another authorization server, if you know them"
        }
        NoServerReason::OtherCredential(Credential::ApiKey) => {
            "there is nothing to log in to: get an API key from the operator of the server, and give it to your client; if \
             there is an authorization server after all, name it with --issuer"
        }
        NoServerReason::OtherCredential(_) => {
            "there is nothing to log in to: give your client what the server asks for; if there is an authorization server \
             after all, name it with --issuer"
        }
        NoServerReason::Unnamed => {
            "the server wants a token, but does not say where to get one: it may want an API key; --issuer names an \
             authorization server that the server does not name itself"
        }
        NoServerReason::Nothing => {
            "check the URL of the server; --issuer names an authorization server that the server does not name itself"
        }
    }
    .to_owned()
}
