//! Discovery: which authorization server a login needs, and what to ask it for.
//!
//! `search` holds the order of the steps. Requests that do not depend on each other run in parallel: the probe, the resource
//! metadata at its well-known URL, and the metadata of the issuer of the last login.

mod authorization_server;
mod error;
mod fetch;
mod probe;
mod resource;
mod search;
mod trace;

pub use error::{DiscoverError, NoServerReason};
pub use fetch::{FailedFetch, FetchError};
pub use search::discover;
pub use trace::{Step, Trace};

use url::Url;

use crate::oauth::metadata::AuthorizationServer;
use crate::store::GrantType;

/// What a discovery starts from.
#[derive(Clone, Copy, Debug)]
pub struct DiscoveryRequest<'a> {
    /// The MCP server; `None` for a login at a provider without one.
    pub server: Option<&'a Url>,
    /// The server as the user typed it, without its fragment.
    pub server_text: &'a str,
    /// Where the metadata of the authorization server comes from.
    pub source: ServerSource<'a>,
    /// The issuer of the last login at this server.
    pub last_issuer: Option<&'a str>,
    /// A `WWW-Authenticate` value that a client just received, used in place of the probe.
    pub challenge: Option<&'a str>,
    /// The user names the resource, or asks for none: the metadata need not name the server.
    pub resource_is_given: bool,
    /// The grant of the login: only one by browser needs the authorization code flow and PKCE, and only where a person takes
    /// part may the server name another issuer than that of `source`.
    pub grant: GrantType,
    /// Go on without metadata about PKCE.
    pub assume_pkce: bool,
    /// Records the requests and decisions.
    pub trace: Option<&'a Trace>,
}

/// Where the metadata of the authorization server comes from. No document of the MCP server overrides what the user names.
#[derive(Clone, Copy, Debug)]
pub enum ServerSource<'a> {
    /// The metadata of the MCP server names it.
    Search,
    /// The user names the issuer; only the documents at its own well-known URLs count.
    Issuer(&'a str),
    /// The user names the URL of the document, and perhaps the issuer that it must have.
    Metadata(&'a Url, Option<&'a str>),
    /// The user names the endpoints; no metadata is read.
    Endpoints(&'a AuthorizationServer),
}

impl ServerSource<'_> {
    /// Returns the issuer that the user names.
    fn issuer(&self) -> Option<&str> {
        match self {
            Self::Issuer(issuer) => Some(issuer),
            Self::Metadata(_, issuer) => *issuer,
            Self::Endpoints(server) => Some(&server.issuer),
            Self::Search => None,
        }
    }
}

/// The result of a discovery.
#[derive(Debug)]
pub struct Discovery {
    /// The authorization server.
    pub server: AuthorizationServer,
    /// The RFC 8707 resource to ask for, byte for byte; `None` without an MCP server.
    pub resource: Option<String>,
    /// The scopes of the challenge.
    pub challenged_scopes: Vec<String>,
    /// The scopes of the resource metadata.
    pub resource_scopes: Vec<String>,
    /// The resource accepts only tokens that are bound to a key.
    pub is_dpop_required: bool,
    /// Set if no metadata was found, and the endpoints are the default ones of MCP 2025-03-26: the error of a login that
    /// finds nothing at them.
    pub assumed: Option<DiscoverError>,
}

impl Discovery {
    /// Returns the discovery of a login at an authorization server without an MCP server.
    fn of_server(server: AuthorizationServer) -> Self {
        Self {
            server,
            resource: None,
            challenged_scopes: Vec::new(),
            resource_scopes: Vec::new(),
            is_dpop_required: false,
            assumed: None,
        }
    }
}
