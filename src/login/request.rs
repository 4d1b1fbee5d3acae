//! What the user wants of a login.

use url::Url;

use crate::callback::RedirectHost;
use crate::context::Settings;
use crate::failure::LoginCommand;
use crate::http::{Http, HttpSettings};
use crate::oauth::grant::Unattended;
use crate::oauth::metadata::AuthorizationServer;
use crate::os::clock::Deadline;
use crate::providers::{google, Provider};
use crate::registration::Identity;
use crate::store::{GrantType, StoredId};

/// The RFC 8707 resource that a login asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Resource {
    /// The resource that the server's metadata names.
    #[default]
    Discovery,
    /// None at all.
    Omitted,
    /// The resource that the user names.
    Given(String),
}

/// One login as the user wants it.
#[derive(Clone, Debug, Default)]
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
    /// No connection stays open while the login waits: the server has few threads.
    pub closes_connections: bool,
    /// Go on though the metadata does not say that PKCE is supported.
    pub assume_pkce: bool,
    /// How the server is asked for the login.
    pub grant: GrantType,
    /// Ask for tokens that are bound to a key.
    pub dpop: bool,
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
    /// The user, or the user's own file, gives a part of the redirect URI.
    pub is_redirect_given: bool,
    /// The ports to try first, if any will do.
    pub likely_ports: Vec<u16>,
    /// Who we are.
    pub identity: Identity,
    /// The scopes to request; empty for those that the server wants.
    pub scopes: Vec<String>,
    /// The resource to ask for.
    pub resource: Resource,
    /// The user names the grant; else it may be that of the stored login.
    pub is_grant_named: bool,
    /// What gets the tokens of a grant without a person, beside the client.
    pub unattended: Unattended,
    /// Further parameters of the authorization request.
    pub parameters: Vec<(String, String)>,
    /// The account that the server should offer.
    pub login_hint: Option<String>,
    /// The provider, if its ways are known.
    pub provider: Option<&'static Provider>,
    /// The authorization server, where it needs no search: the provider's own, or the endpoints that the user names.
    pub preset: Option<AuthorizationServer>,
    /// The URL of the authorization server's metadata, as the user names it: `https`, or on loopback. `preset` wins.
    pub issuer_metadata: Option<Url>,
    /// The authorization server of the client's own file, used if discovery finds none.
    pub fallback: Option<AuthorizationServer>,
    /// The tools that the login is for.
    pub google_tools: Option<google::GoogleTools>,
}

impl Request {
    /// Returns the request of a user who says nothing but which server it is.
    pub fn new(key: StoredId, server: Option<Url>, server_text: String) -> Self {
        Self {
            key,
            server,
            server_text,
            redirect_path: "/callback".to_owned(),
            ..Self::default()
        }
    }

    /// Returns whether the user names the endpoints of the authorization server, or its metadata. What a provider is known
    /// for is not the user's choice.
    pub(super) fn names_endpoints(&self) -> bool {
        let is_own = |server: &AuthorizationServer| {
            self.provider.is_none_or(|it| {
                !it.owns_url(&server.authorization_endpoint) || !it.owns_url(&server.token_endpoint)
            })
        };
        self.issuer_metadata.is_some() || self.preset.as_ref().is_some_and(is_own)
    }

    /// Returns whether the authorization server is named: by its issuer, its metadata or its endpoints.
    pub(super) fn names_authority(&self) -> bool {
        self.issuer.is_some() || self.preset.is_some() || self.issuer_metadata.is_some()
    }

    /// Names the issuer of the authorization server, which is then also that of the client.
    pub fn name_issuer(&mut self, issuer: &str) {
        self.issuer = Some(issuer.to_owned());
        self.identity.issuer.clone_from(&self.issuer);
    }

    /// Returns whether no person takes part.
    pub fn is_unattended(&self) -> bool {
        self.grant.is_unattended()
    }

    /// Returns the command of this login with tokens that are bound to a key.
    pub(super) fn with_dpop(&self, settings: &Settings) -> Box<LoginCommand> {
        let device = (self.grant == GrantType::DeviceCode).then_some("--device");
        let options: Vec<_> = device.into_iter().chain(["--dpop"]).collect();
        settings.login(&self.key, &options)
    }

    /// Prepares the requests of this login up to its authorization. The hosts that the user typed may be private.
    pub(super) fn http(&self, settings: &HttpSettings, deadline: Deadline) -> Http {
        let issuer = self.issuer.as_ref().and_then(|url| Url::parse(url).ok());
        let endpoints = self
            .preset
            .iter()
            .flat_map(|server| [&server.authorization_endpoint, &server.token_endpoint]);
        let typed = [&self.server, &issuer, &self.issuer_metadata];
        let typed = typed.into_iter().flatten().chain(endpoints);
        let typed: Vec<_> = typed.cloned().collect();
        Http::new(settings, &typed, super::REQUEST_LIMIT).until(deadline)
    }

    /// Returns whether the user asks for the answer as a form.
    ///
    /// Spec: OAuth 2.0 Form Post Response Mode section 2.
    pub(super) fn wants_form(&self) -> bool {
        let is_form =
            |(name, value): &(String, String)| name == "response_mode" && value == "form_post";
        self.parameters.iter().any(is_form)
    }

    /// Returns whether the user chose the resource. A provider that supports none is not the user's choice.
    pub(super) fn settles_resource(&self) -> bool {
        match self.resource {
            Resource::Discovery => false,
            Resource::Given(_) => true,
            Resource::Omitted => self.provider.is_none_or(|provider| provider.takes_resource),
        }
    }

    /// Returns whether the account is sent as `login_hint`; else it is among the other parameters.
    pub(super) fn hints_by_standard(&self) -> bool {
        self.provider
            .is_none_or(|provider| provider.hint_parameter == "login_hint")
    }
}
