//! Registration: becoming a client of the authorization server.

mod error;

pub use error::RegisterError;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::http::{Http, Redirects};
use crate::oauth::client::{self, Client, ClientAuth, RegistrationKind};
use crate::oauth::device;
use crate::oauth::endpoint::UrlError;
use crate::oauth::metadata::{AuthorizationServer, MetadataError};
use crate::oauth::secret::Secret;
use crate::oauth::text::printable;
use crate::oauth::token_endpoint::{self, TokenResponse};
use crate::os::clock::Time;
use crate::store::cache::Cache;
use crate::store::{Credentials, GrantType};
use crate::token_endpoint::{ClientKeyError, GivenKey};

/// Most registrations that are cached for one authorization server.
const MAX_CACHED: usize = 8;

/// How to become a client; `None` for the best way that the server offers.
pub type RegistrationMethod = Option<RegistrationKind>;

/// The client, as far as the user names it.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    /// How to become a client.
    pub method: RegistrationMethod,
    /// The identifier of a client registered by hand.
    pub client_id: Option<String>,
    /// Its secret.
    pub client_secret: Option<Secret>,
    /// Its private key.
    pub client_key: Option<GivenKey>,
    /// The URL of a client ID metadata document.
    pub metadata_url: Option<String>,
    /// The issuer that the client belongs to, if the user names it.
    pub issuer: Option<String>,
}

impl Identity {
    /// Returns the client that was registered by hand, as it authenticates at a server; its identifier is empty if none is named.
    ///
    /// # Errors
    ///
    /// The error of its private key.
    pub fn client_at(&self, server: &AuthorizationServer) -> Result<Client, ClientKeyError> {
        let key = self
            .client_key
            .as_ref()
            .filter(|_| self.client_id.is_some());
        let key = key.map(|key| key.at(server)).transpose()?;
        let has_secret = self.client_secret.is_some();
        let listed = server.client_auth_methods.as_deref();
        Ok(Client {
            id: self.client_id.clone().unwrap_or_default(),
            auth: match key {
                Some(_) => ClientAuth::PrivateKeyJwt,
                None => ClientAuth::choose(has_secret, None, listed),
            },
            secret: self.client_secret.clone(),
            secret_expires_at: None,
            key,
            kind: RegistrationKind::Static,
        })
    }
}

/// A registration without a secret, for later logins; one with a secret is stored with the login, and is here only while it is
/// unconfirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CachedRegistration {
    client_id: String,
    /// Empty for a client that is registered for device codes alone.
    redirect_uri: String,
    scopes: Vec<String>,
    /// It is registered for device codes as well.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    has_device: bool,
    /// No login with it was completed since it was used last. A server that does not know a client shows this in the browser
    /// only, so the next login does not use it.
    #[serde(default, rename = "is_doubtful")]
    is_unconfirmed: bool,
}

impl CachedRegistration {
    /// Returns the registration that a stored login has used.
    pub fn of(login: &Credentials) -> Self {
        Self {
            client_id: login.client_id.clone(),
            redirect_uri: login.redirect_uri.clone(),
            scopes: login.scopes_requested.clone(),
            has_device: false,
            is_unconfirmed: true,
        }
    }
}

/// How to become a client of a server.
#[derive(Debug)]
pub enum ClientPlan {
    /// Use this client.
    Client(Client),
    /// Register at this endpoint.
    Registration(Url),
}

/// What the choice of a client depends on.
#[derive(Clone, Copy)]
pub struct ClientRequest<'a> {
    /// The authorization server.
    pub server: &'a AuthorizationServer,
    /// What the user says about the client.
    pub identity: &'a Identity,
    /// The redirect URI of this login; one with a device code sends it nowhere.
    pub redirect_uri: &'a str,
    /// The grant of this login.
    pub grant: GrantType,
    /// The scopes of this login.
    pub scopes: &'a [String],
    /// Holds the registrations of earlier logins.
    pub cache: &'a Cache,
    /// The stored login.
    pub stored: Option<&'a Credentials>,
    /// A registration of an earlier login may be used.
    pub may_reuse: bool,
}

impl ClientRequest<'_> {
    /// Chooses the client without any request: the identifier that the user gives, a metadata document if the server accepts
    /// them, the registration of an earlier login, or a new one.
    ///
    /// # Errors
    ///
    /// [`RegisterError::NoMethod`], [`RegisterError::OtherIssuer`] or [`RegisterError::Endpoint`].
    ///
    /// Spec: MCP 2026-07-28, client registration.
    pub fn plan(&self) -> Result<ClientPlan, RegisterError> {
        let (identity, server) = (self.identity, self.server);
        let accepts_documents = server.accepts_metadata_documents;
        match (identity.method, &identity.client_id, &identity.metadata_url) {
            (None | Some(RegistrationKind::Static), Some(id), _) => {
                self.check_binding(id)?;
                return Ok(ClientPlan::Client(identity.client_at(server)?));
            }
            (Some(RegistrationKind::Static), None, _) => {
                return Err(RegisterError::NoMethod("no client identifier was given"))
            }
            (Some(RegistrationKind::MetadataDocument), _, None) => {
                return Err(RegisterError::NoMethod("no client metadata URL was given"))
            }
            (Some(RegistrationKind::MetadataDocument), _, Some(_)) if !accepts_documents => {
                return Err(RegisterError::NoMethod(
                    "the authorization server does not accept client ID metadata documents",
                ));
            }
            (None | Some(RegistrationKind::MetadataDocument), _, Some(url))
                if accepts_documents =>
            {
                let kind = RegistrationKind::MetadataDocument;
                return Ok(ClientPlan::Client(Client::public(url.clone(), kind)));
            }
            _ => {}
        }
        if let Some(client) = self.registered_before() {
            return Ok(ClientPlan::Client(client));
        }
        match (&server.registration_endpoint, &server.unusable_registration) {
            (Some(endpoint), _) => Ok(ClientPlan::Registration(endpoint.clone())),
            // A registration endpoint that is not a URL counts as absent.
            (None, None | Some(UrlError::Unreadable)) => Err(RegisterError::NoMethod(
                "the authorization server does not register clients by itself",
            )),
            (None, Some(why)) => Err(RegisterError::Endpoint(MetadataError::Url {
                member: "registration endpoint",
                why: why.clone(),
            })),
        }
    }

    /// Becomes a client, as [`Self::plan`] says.
    ///
    /// # Errors
    ///
    /// A [`RegisterError`].
    ///
    /// Spec: RFC 7591 section 3.
    pub fn register(&self, http: &Http) -> Result<Client, RegisterError> {
        let (client, grants) = match self.plan()? {
            ClientPlan::Client(client) => (client, &[client::CODE_GRANT][..]),
            ClientPlan::Registration(endpoint) => self.register_for_all(&endpoint, http)?,
        };
        if client.kind == RegistrationKind::Dynamic {
            let has_code = grants.contains(&client::CODE_GRANT);
            let registration = CachedRegistration {
                client_id: client.id.clone(),
                redirect_uri: if has_code { self.redirect_uri } else { "" }.to_owned(),
                scopes: self.scopes.to_vec(),
                has_device: grants.contains(&device::GRANT_TYPE),
                is_unconfirmed: true,
            };
            mark_unconfirmed(self.cache, &self.server.issuer, registration);
        }
        Ok(client)
    }

    /// Registers one client for every grant that the server offers to users, or for the one that this login needs where the
    /// server refuses such a client, and returns the grants.
    fn register_for_all(
        &self,
        endpoint: &Url,
        http: &Http,
    ) -> Result<(Client, &'static [&'static str]), RegisterError> {
        const ALL: &[&str] = &[client::CODE_GRANT, device::GRANT_TYPE];
        let (code, device) = ALL.split_at(1);
        let is_device = self.grant == GrantType::DeviceCode;
        let needed = if is_device { device } else { code };
        let has_both = self.server.device_authorization_endpoint.is_some();
        let first = if has_both { ALL } else { needed };
        match self.register_at(endpoint, first, http) {
            Err(RegisterError::Refused { status: 400, .. }) if has_both => {
                Ok((self.register_at(endpoint, needed, http)?, needed))
            }
            registered => Ok((registered?, first)),
        }
    }

    /// Checks that a client registered by hand belongs to this authorization server: its identifier and secret are shown to
    /// no other one, unless the user names its issuer. The stored login shows where the client was used; how that login got
    /// the client does not matter.
    ///
    /// Spec: MCP 2026-07-28, Authorization Server Binding.
    fn check_binding(&self, client_id: &str) -> Result<(), RegisterError> {
        let now = &self.server.issuer;
        let is_of_other = |stored: &&Credentials| {
            stored.client_id == client_id && stored.issuer != *now && self.identity.issuer.is_none()
        };
        match self.stored.filter(is_of_other) {
            Some(stored) => Err(RegisterError::OtherIssuer {
                client_id: printable(client_id),
                before: printable(&stored.issuer),
                now: printable(now),
            }),
            None => Ok(()),
        }
    }

    /// Returns the client of an earlier registration with the same redirect URI, for at least these scopes.
    fn registered_before(&self) -> Option<Client> {
        let includes_scopes = |registered: &[String]| {
            registered.is_empty() || self.scopes.iter().all(|scope| registered.contains(scope))
        };
        let cached = read(self.cache, &self.server.issuer);
        let is_for_grant = |it: &CachedRegistration| match self.grant {
            GrantType::DeviceCode => it.has_device,
            _ => it.redirect_uri == self.redirect_uri,
        };
        let usable = cached
            .iter()
            .find(|it| is_for_grant(it) && !it.is_unconfirmed && includes_scopes(&it.scopes));
        if let Some(registration) = usable {
            log::info!("using the registration of an earlier login");
            let id = registration.client_id.clone();
            return Some(Client::public(id, RegistrationKind::Dynamic));
        }
        let stored = self.stored.filter(|_| self.may_reuse)?;
        let expires_at = stored.client_secret_expires_at;
        let is_usable = stored.registration == RegistrationKind::Dynamic
            && stored.client_secret.is_some()
            && stored.issuer == self.server.issuer
            && stored.redirect_uri == self.redirect_uri
            && includes_scopes(&stored.scopes_requested)
            && !expires_at.is_some_and(Time::has_passed)
            && !cached.iter().any(|it| it.client_id == stored.client_id);
        if !is_usable {
            return None;
        }
        log::info!("using the registration of the login that is stored");
        stored.client_auth.known().map(|_| stored.client())
    }

    fn register_at(
        &self,
        endpoint: &Url,
        grants: &[&str],
        http: &Http,
    ) -> Result<Client, RegisterError> {
        let listed = self.server.client_auth_methods.as_deref();
        let auth = ClientAuth::to_register(listed);
        let request = client::registration_request(self.redirect_uri, auth, self.scopes, grants);
        let body = request.to_string();
        let headers = [("Content-Type", "application/json")];
        let send = || http.post(endpoint, &headers, body.as_bytes(), Redirects::Refuse);
        let response = http.while_busy(send)?;
        let (status, body) = (response.status, response.read()?);
        if !(200..300).contains(&status) {
            if let TokenResponse::Busy(_) = token_endpoint::classify(status, &body) {
                return Err(RegisterError::Unavailable(status));
            }
            let words = token_endpoint::error_words(&body);
            return Err(RegisterError::Refused { status, words });
        }
        Client::registered(&body, listed).ok_or(RegisterError::NoClientId)
    }
}

fn read(cache: &Cache, issuer: &str) -> Vec<CachedRegistration> {
    cache.get("clients", issuer).unwrap_or_default()
}

/// Returns the redirect URIs of earlier registrations at an issuer, the newest first.
pub fn registered_redirect_uris(
    cache: &Cache,
    issuer: &str,
    stored: Option<&Credentials>,
) -> Vec<String> {
    let of_stored = stored
        .filter(|it| it.issuer == issuer && it.registration == RegistrationKind::Dynamic)
        .map(|it| it.redirect_uri.clone());
    let of_cache = read(cache, issuer).into_iter().map(|it| it.redirect_uri);
    of_stored.into_iter().chain(of_cache).collect()
}

/// Marks a registration as one that the server may not know: no login uses it until one with it was completed. It replaces
/// another one with the same redirect URI. What is known of it already counts.
pub fn mark_unconfirmed(cache: &Cache, issuer: &str, registration: CachedRegistration) {
    let mut cached = read(cache, issuer);
    let is_same = |it: &&CachedRegistration| it.client_id == registration.client_id;
    let known = cached.iter().find(is_same).cloned();
    let mut marked = known.unwrap_or(registration);
    marked.is_unconfirmed = true;
    cached.retain(|it| it.redirect_uri != marked.redirect_uri && it.client_id != marked.client_id);
    cached.insert(0, marked);
    cached.truncate(MAX_CACHED);
    cache.put("clients", issuer, &cached);
}

/// Marks the registration of a completed login as one that the next login may use.
pub fn mark_confirmed(cache: &Cache, issuer: &str, client: &Client) {
    let mut cached = read(cache, issuer);
    if client.secret.is_some() {
        // It is stored with the login.
        cached.retain(|it| it.client_id != client.id);
    }
    for registration in cached.iter_mut().filter(|it| it.client_id == client.id) {
        registration.is_unconfirmed = false;
    }
    cache.put("clients", issuer, &cached);
}
