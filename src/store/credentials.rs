//! The record of one login, as every backend keeps it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use super::{Place, StoreError, StoredId};
use crate::failure::words;
use crate::oauth::client::{Client, ClientAuth, RegistrationKind};
use crate::oauth::grant::Unattended;
use crate::oauth::jwt::assertion::ClientKeyRecord;
use crate::oauth::secret::{self, Secret};
use crate::oauth::text::printable;
use crate::oauth::token::{TokenType, Tokens};
use crate::os::clock::Time;
use crate::providers::{self, Provider};

/// What is stored of a login: the tokens and everything needed to use and refresh them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Credentials {
    /// The server, as in [`StoredId::server`].
    pub server: String,
    /// The profile, as in [`StoredId::profile`].
    pub profile: String,
    /// Counts the writes of this login; of two copies the higher one is the newer.
    pub generation: u64,
    /// The validated issuer of the authorization server that these credentials belong to.
    pub issuer: String,
    /// The RFC 8707 resource, byte for byte as it was sent; `None` if none was.
    pub resource: Option<String>,
    /// How the login was granted; older records do not have this member.
    #[serde(default)]
    pub grant: Tag<GrantType>,
    /// How we became a client.
    pub registration: Tag<RegistrationKind>,
    /// The client identifier.
    pub client_id: String,
    /// The client secret, if there is one.
    #[serde(serialize_with = "secret::stored_option")]
    pub client_secret: Option<Secret>,
    /// When the client secret expires, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret_expires_at: Option<Time>,
    /// The private key of the client, if it authenticates by assertions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_key: Option<ClientKeyRecord>,
    /// How the client authenticates at the token endpoint.
    pub client_auth: Tag<ClientAuth>,
    /// The redirect URI of the login.
    pub redirect_uri: String,
    /// The token endpoint: refreshes go there and nowhere else.
    pub token_endpoint: String,
    /// The revocation endpoint, if the server has one.
    pub revocation_endpoint: Option<String>,
    /// The scopes that were asked for.
    pub scopes_requested: Vec<String>,
    /// The scopes that were granted.
    pub scopes: Vec<String>,
    /// The provider, by its name in the table of providers, if it is one of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The user's account at the server, as far as the server told it.
    pub account: Option<String>,
    /// The access token.
    #[serde(serialize_with = "secret::stored")]
    pub access_token: Secret,
    /// How the access token is used.
    #[serde(default, skip_serializing_if = "is_bearer")]
    pub token_type: Tag<TokenType>,
    /// The key that the tokens are bound to, if they are, in PKCS#8 and base64url.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(serialize_with = "secret::stored_option")]
    pub dpop_key: Option<Secret>,
    /// The refresh token, if one was given.
    #[serde(serialize_with = "secret::stored_option")]
    pub refresh_token: Option<Secret>,
    /// The ID token of a login at an identity provider: identity assertions are requested with it.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "secret::stored_option"
    )]
    pub id_token: Option<Secret>,
    /// When the access token was obtained.
    pub obtained_at: Time,
    /// When the access token expires, if the server said so.
    pub expires_at: Option<Time>,
    /// The server has refused the refresh token: only a new login helps.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub needs_login: bool,
    /// Another program has this login now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handed_over: Option<HandedOver>,
    /// What the user chose by options at the login.
    #[serde(default, skip_serializing_if = "LoginOptions::is_default")]
    pub options: LoginOptions,
    /// What gets the tokens without a person.
    #[serde(default, skip_serializing_if = "Unattended::is_default")]
    pub unattended: Unattended,
    /// What a newer version of this program wrote and this one does not know; left as it is.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl Credentials {
    /// Returns the name of this login.
    pub fn key(&self) -> StoredId {
        StoredId::new(&self.server, &self.profile)
    }

    /// Returns the client that this login belongs to, without its key.
    pub fn client(&self) -> Client {
        Client {
            id: self.client_id.clone(),
            secret: self.client_secret.clone(),
            secret_expires_at: self.client_secret_expires_at.map(|at| at.unix_seconds()),
            key: None,
            auth: self.client_auth.known().unwrap_or(ClientAuth::None),
            kind: self
                .registration
                .known()
                .unwrap_or(RegistrationKind::Static),
        }
    }

    /// Returns this login with an access token that has just come. The server has granted `scopes` unless it says otherwise.
    pub fn renewed(self, tokens: Tokens, scopes: &[String]) -> Self {
        let now = Time::now();
        let granted = |scopes| providers::granted(self.known_provider(), scopes);
        Self {
            scopes: tokens.scopes.map_or_else(|| scopes.to_vec(), granted),
            access_token: tokens.access_token,
            token_type: tokens.token_type.into(),
            obtained_at: now,
            expires_at: tokens.expires_in.map(|seconds| now.plus(seconds)),
            needs_login: false,
            ..self
        }
    }

    /// Tells whether each request with the access token needs a proof.
    pub fn is_bound(&self) -> bool {
        self.token_type == TokenType::Dpop
    }

    /// Returns the provider of this login, if it is in the table of providers.
    pub fn known_provider(&self) -> Option<&'static Provider> {
        providers::of_login(self.provider.as_deref(), &self.issuer)
    }

    /// Returns the URLs that the user typed, as far as they are stored: other servers may be asked as these allow.
    pub fn typed_urls(&self) -> Vec<Url> {
        [&self.server, &self.issuer]
            .into_iter()
            .filter_map(|url| Url::parse(url).ok())
            .collect()
    }

    /// Returns these credentials if they are those of `key`, under whose name `place` holds them.
    pub(super) fn belonging_to(
        self,
        key: &StoredId,
        place: impl FnOnce() -> Place,
    ) -> Result<Self, StoreError> {
        if self.key() == *key {
            return Ok(self);
        }
        let why = format!("it is the login to {}", printable(&self.key().store_name()));
        Err(StoreError::Unreadable {
            key: key.clone(),
            place: place().to_string(),
            why,
        })
    }

    /// Tells whether no person takes part in this login.
    pub fn is_unattended(&self) -> bool {
        self.grant.known().is_some_and(GrantType::is_unattended)
    }

    /// Tells whether there can be a new access token without a new login.
    pub fn is_renewable(&self) -> bool {
        self.refresh_token.is_some() || self.is_unattended() && self.handed_over.is_none()
    }

    /// Tells whether the access token has expired, as far as the server said when.
    pub fn has_expired(&self) -> bool {
        self.expires_at.is_some_and(Time::has_passed)
    }

    /// Tells whether the access token was obtained later than now: the clock was wrong then, or is wrong now.
    pub fn is_from_the_future(&self) -> bool {
        is_from_the_future(self.obtained_at)
    }
}

fn is_bearer(kind: &Tag<TokenType>) -> bool {
    *kind == TokenType::Bearer
}

/// The most that a clock may be put back in between without being called wrong, in seconds.
const MAX_CLOCK_STEP: i64 = 60;

/// Tells whether an access token that was obtained then is one from the future: see [`Credentials::is_from_the_future`].
pub fn is_from_the_future(obtained_at: Time) -> bool {
    obtained_at.seconds_left() > MAX_CLOCK_STEP
}

/// What the user chose by options at a login, beside what other members hold; the next login to the server repeats it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LoginOptions {
    /// The issuer was named.
    pub issuer: bool,
    /// The port of the redirect URI was named.
    pub port: bool,
    /// Scopes were named.
    pub scopes: bool,
    /// The resource was named, or that there is none.
    pub resource: bool,
    /// PKCE was assumed to be supported.
    pub assume_pkce: bool,
    /// Bound tokens were wanted.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dpop: bool,
    /// The authorization endpoint, if it was named.
    pub authorization_endpoint: Option<String>,
    /// Where the metadata of the authorization server is, if it was named.
    pub issuer_metadata: Option<String>,
    /// The URL of a client ID metadata document, if it was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_metadata_url: Option<String>,
    /// Further parameters of the authorization request.
    pub parameters: Vec<(String, String)>,
}

impl LoginOptions {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// To whom a login went. As long as its tokens are still here, it is not known whether they arrived there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandedOver {
    /// The client, such as `hermes`.
    pub to: String,
    /// When it went there.
    pub at: Time,
}

/// A name in a record: one that this version knows, or one of a newer version, which is left as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Tag<T> {
    /// A name that this version knows.
    Known(T),
    /// The name as a newer version wrote it.
    Unknown(String),
}

impl<T: Copy> Tag<T> {
    /// Returns the value; `None` if only a newer version knows the name.
    pub fn known(&self) -> Option<T> {
        match self {
            Self::Known(value) => Some(*value),
            Self::Unknown(_) => None,
        }
    }
}

impl<T> From<T> for Tag<T> {
    fn from(value: T) -> Self {
        Self::Known(value)
    }
}

impl<T: Default> Default for Tag<T> {
    fn default() -> Self {
        Self::Known(T::default())
    }
}

impl<T: PartialEq> PartialEq<T> for Tag<T> {
    fn eq(&self, value: &T) -> bool {
        matches!(self, Self::Known(known) if known == value)
    }
}

words! {
    /// How the authorization server granted a login.
    ///
    /// Spec: RFC 7591 section 2, `grant_types`; RFC 8628 section 3.4; RFC 6749 section 4.4; RFC 7523 section 2.1.
    #[derive(Default)]
    GrantType {
        #[default] AuthorizationCode "authorization_code" "a person agreed in a browser, and the server sent a code";
        DeviceCode "urn:ietf:params:oauth:grant-type:device_code" "a person entered a code on a page of the server, in any browser";
        ClientCredentials "client_credentials" "the client itself, for its own secret, key or assertion";
        JwtBearer "jwt_bearer" "a JWT that the platform gives to this workload";
        IdJag "id_jag" "an identity assertion that the enterprise's provider issues for a login of a person there";
    }
}

impl GrantType {
    /// Tells whether no person takes part, neither now nor when the access token is renewed.
    pub fn is_unattended(self) -> bool {
        matches!(
            self,
            Self::ClientCredentials | Self::JwtBearer | Self::IdJag
        )
    }

    /// Returns the extension of MCP that this grant is, if it is one: a client that uses it names it among its capabilities.
    pub fn extension(self) -> Option<&'static str> {
        match self {
            Self::ClientCredentials => Some("io.modelcontextprotocol/oauth-client-credentials"),
            Self::IdJag => Some("io.modelcontextprotocol/enterprise-managed-authorization"),
            _ => None,
        }
    }
}
