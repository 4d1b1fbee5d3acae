//! What a login is asked to do, and what it tells.

use std::time::Duration;

use url::Url;

use crate::callback::RedirectHost;
use crate::error::Error;
use crate::login::event_loop::{Reason, Source};
use crate::oauth::metadata::AuthorizationServer;
use crate::os::browser::Skip;
use crate::os::clock::Time;
use crate::providers::{google, Provider};
use crate::registration::Identity;
use crate::store::{Credentials, Place, StoredId};

/// The RFC 8707 resource that a login asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resource {
    /// What the server's metadata says.
    Discovery,
    /// None at all.
    Omitted,
    /// What the user says.
    Given(String),
}

/// One login as the user wants it.
#[derive(Clone, Debug)]
pub struct Request {
    /// Its name in the store.
    pub key: StoredId,
    /// The MCP server; `None` for a login at a provider without one.
    pub server: Option<Url>,
    /// The server as the user typed it, without fragment.
    pub server_text: String,
    /// The issuer that the user names.
    pub issuer: Option<String>,
    /// A challenge that a client just received.
    pub challenge: Option<String>,
    /// Go on though the metadata does not say that PKCE is supported.
    pub assume_pkce: bool,
    /// Log in though a live login is stored.
    pub force: bool,
    /// The whole redirect URI as it is registered, to be sent byte for byte; what follows is what it means.
    pub redirect_uri: Option<String>,
    /// The host of the redirect URI.
    pub redirect_host: RedirectHost,
    /// The path of the redirect URI.
    pub redirect_path: String,
    /// The one port that will do.
    pub port: Option<u16>,
    /// The user, or the user's own file, says something about the redirect URI.
    pub is_redirect_given: bool,
    /// The ports to try first, if any will do.
    pub likely_ports: Vec<u16>,
    /// Who we are.
    pub identity: Identity,
    /// The scopes to ask for; none for what the server wants.
    pub scopes: Vec<String>,
    /// The resource to ask for.
    pub resource: Resource,
    /// Further parameters of the authorization request.
    pub parameters: Vec<(String, String)>,
    /// The account that the server should offer.
    pub login_hint: Option<String>,
    /// The provider, if its ways are known.
    pub provider: Option<&'static Provider>,
    /// The authorization server, where it needs no search: the provider's own, or the endpoints that the user names.
    pub known: Option<AuthorizationServer>,
    /// The URL of the authorization server's metadata, as the user names it: `https`, or on loopback. `known` wins.
    pub issuer_metadata: Option<Url>,
    /// The authorization server to turn to where a search finds none: that of the client's own file.
    pub fallback: Option<AuthorizationServer>,
    /// The tools that the login is for.
    pub google_tools: Option<google::Tools>,
}

impl Request {
    /// Tells whether the user names the endpoints of the authorization server, or its metadata. What a provider is known
    /// for is not the user's word.
    pub(super) fn names_endpoints(&self) -> bool {
        let is_own = |server: &AuthorizationServer| {
            self.provider.is_none_or(|it| {
                !it.owns_url(&server.authorization_endpoint) || !it.owns_url(&server.token_endpoint)
            })
        };
        self.issuer_metadata.is_some() || self.known.as_ref().is_some_and(is_own)
    }

    /// Tells whether the user asks for the answer as a form.
    ///
    /// Spec: OAuth 2.0 Form Post Response Mode section 2.
    pub(super) fn wants_form(&self) -> bool {
        self.parameters
            .iter()
            .any(|(name, value)| name == "response_mode" && value == "form_post")
    }

    /// Tells whether the user says what the resource is. That a provider takes none is not the user's word.
    pub(super) fn settles_resource(&self) -> bool {
        match self.resource {
            Resource::Discovery => false,
            Resource::Given(_) => true,
            Resource::Omitted => self.provider.is_none_or(|provider| provider.takes_resource),
        }
    }

    /// Tells whether the account is named by the standard's parameter; else it stands among the other parameters.
    pub(super) fn hints_by_standard(&self) -> bool {
        self.provider
            .is_none_or(|provider| provider.hint_parameter == "login_hint")
    }
}

/// What a person or a script is told while logins go on.
#[derive(Debug)]
pub enum Event<'a> {
    /// The socket of a login is bound.
    Listening {
        /// The server to log in to.
        server: &'a str,
        /// The redirect URI.
        redirect_uri: &'a str,
    },
    /// The socket of a login could not be bound; it goes on by paste.
    NotListening {
        /// The server to log in to.
        server: &'a str,
        /// Why there is no socket.
        failure: &'a Error,
    },
    /// The page that the user has to see.
    AuthorizationUrl(Invitation<'a>),
    /// A message was not taken; the wait goes on.
    Rejected {
        /// Whose socket it came to; `None` for a paste that belongs to no login.
        server: Option<&'a str>,
        /// Where it came from.
        source: Source,
        /// Why it was not taken.
        reason: Reason,
        /// What a person wants to know about it.
        detail: Option<&'a str>,
        /// How many like it there were.
        count: u64,
    },
    /// An answer was accepted; its code is exchanged now.
    AnswerReceived {
        /// The server to log in to.
        server: &'a str,
    },
    /// A signal ends the run before these logins are complete.
    Cancelled {
        /// The servers to log in to.
        servers: &'a [String],
        /// How many logins of the run are complete and stored.
        stored: usize,
    },
    /// Nothing has come for a while.
    Silent {
        /// The server to log in to.
        server: &'a str,
        /// What the authorization server was asked for, as a part of a sentence.
        asked: &'a str,
    },
    /// The server refused our registration; a new one is made.
    Registering {
        /// The server to log in to.
        server: &'a str,
    },
    /// Nothing can be pasted any more.
    PasteEnded,
    /// A second has passed.
    Waiting {
        /// How much time is left.
        left: Duration,
        /// Whether an answer can come to a socket.
        listening: bool,
        /// Whether something can be pasted now.
        paste: bool,
        /// How many bytes were typed or pasted that are not judged yet.
        pasted: usize,
    },
    /// A login is complete and kept.
    LoggedIn(&'a Report),
    /// A login failed.
    Failed {
        /// The server to log in to.
        server: &'a str,
        /// What went wrong.
        error: &'a Error,
    },
}

/// The page that the user has to see, and how it can be reached.
#[derive(Debug)]
pub struct Invitation<'a> {
    /// The server to log in to.
    pub server: &'a str,
    /// The authorization URL.
    pub url: &'a str,
    /// Where its answer goes.
    pub redirect_uri: &'a str,
    /// When the wait ends.
    pub expires_at: Time,
    /// Why no browser is opened; `None` if one is.
    pub skip: Option<Skip>,
    /// The answer can be pasted.
    pub paste: bool,
    /// The answer could be pasted if the program were not in the background of its shell.
    pub in_background: bool,
    /// The answer can come to our socket.
    pub listening: bool,
}

/// A login that is kept.
#[derive(Clone, Debug)]
pub struct Report {
    /// Its name in the store.
    pub key: StoredId,
    /// The authorization server.
    pub issuer: String,
    /// Our client identifier there.
    pub client_id: String,
    /// The scopes that were granted.
    pub scopes: Vec<String>,
    /// The user's account, as far as the server told it.
    pub account: Option<String>,
    /// When the access token expires.
    pub expires_at: Option<Time>,
    /// Whether there is a refresh token.
    pub refreshable: bool,
    /// Where it is kept; `None` if the store does not say.
    pub place: Option<Place>,
    /// It was there before: nothing had to be done.
    pub already: bool,
}

impl Report {
    pub(super) fn of(credentials: &Credentials, place: Option<Place>, already: bool) -> Self {
        Self {
            key: credentials.key(),
            issuer: credentials.issuer.clone(),
            client_id: credentials.client_id.clone(),
            scopes: credentials.scopes.clone(),
            account: credentials.account.clone(),
            expires_at: credentials.expires_at,
            refreshable: credentials.refresh_token.is_some() && !credentials.needs_login,
            place,
            already,
        }
    }
}
