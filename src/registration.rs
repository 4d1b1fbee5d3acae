//! Step two: becoming a client of the authorization server.

use serde::{Deserialize, Serialize};
use url::Url;

use crate::failure::{About, Class, Code, Failure, Hint};
use crate::http::{Http, HttpError, Redirects};
use crate::oauth::client::{self, Client, ClientAuth, Registration, RegistrationKind};
use crate::oauth::endpoint::UrlError;
use crate::oauth::metadata::{AuthorizationServer, MetadataError};
use crate::oauth::secret::Secret;
use crate::oauth::text::printable;
use crate::oauth::token_endpoint::{self, ErrorResponse, TokenResponse};
use crate::store::cache::Cache;
use crate::store::Credentials;

/// Most registrations that are remembered for one authorization server.
const MAX_REMEMBERED: usize = 8;

/// How we become a client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RegistrationMethod {
    /// The best that the server offers.
    #[default]
    Auto,
    /// A client identifier that the user gives.
    Static,
    /// A client ID metadata document.
    MetadataDocument,
    /// Dynamic registration.
    Dynamic,
}

/// What the user says about the client.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    /// How we become one.
    pub method: RegistrationMethod,
    /// A client identifier registered by hand.
    pub client_id: Option<String>,
    /// Its secret.
    pub client_secret: Option<Secret>,
    /// The URL of a client ID metadata document.
    pub metadata_url: Option<String>,
    /// The authorization server that the client belongs to, if the user says so.
    pub issuer: Option<String>,
}

/// Why we are no client.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// The server takes no unknown clients, and the user named none.
    #[error("{0}")]
    NoMethod(&'static str),
    /// The client that the user gives was used at another authorization server before.
    #[error("the client {client_id} belongs to {before}, and the server uses {now} now")]
    OtherIssuer {
        /// The client identifier.
        client_id: String,
        /// The authorization server that it was used at.
        before: String,
        /// The one that the server uses now.
        now: String,
    },
    /// The registration endpoint of the metadata must not be used.
    #[error(transparent)]
    Endpoint(MetadataError),
    /// The server registers no clients that it does not know.
    #[error(
        "it registers only clients that it knows (status {status}{})",
        detail(error, description)
    )]
    Closed {
        /// The status code.
        status: u16,
        /// The error code of the answer.
        error: Option<String>,
        /// What the server adds for people.
        description: Option<String>,
    },
    /// The server refused the registration.
    #[error(
        "the registration was refused with status {status}{}",
        detail(error, description)
    )]
    Refused {
        /// The status code.
        status: u16,
        /// The error code of the answer.
        error: Option<String>,
        /// What the server adds for people.
        description: Option<String>,
    },
    /// The server's answer holds no client identifier.
    #[error("the answer to the registration holds no client identifier")]
    NoClientId,
    /// The server could not answer.
    #[error("the registration endpoint answered with status {0}")]
    Unavailable(u16),
    /// The request came to nothing.
    #[error(transparent)]
    Http(#[from] HttpError),
}

impl Failure for RegisterError {
    fn code(&self) -> Code {
        match self {
            Self::NoMethod(_) | Self::Closed { .. } => Code::ClientIdNeeded,
            Self::OtherIssuer { .. } => Code::IssuerChanged,
            Self::Endpoint(_) => Code::ForbiddenUrl,
            Self::Refused { .. } => Code::RegistrationRefused,
            Self::NoClientId | Self::Unavailable(_) => Code::RegistrationUnavailable,
            Self::Http(err) => err.code(),
        }
    }

    fn class(&self) -> Class {
        match self {
            // Each new attempt may leave another client behind, and gets the same answer.
            Self::NoClientId => Class::Usage,
            _ => self.code().class(),
        }
    }

    fn hint(&self, about: &About) -> Option<Hint> {
        let hint = match (self, about.provider) {
            (Self::NoMethod(_) | Self::Closed { .. }, Some(provider)) => {
                let hint = format!(
                    "register a client at {}, then name it with --client-id or --client-file",
                    provider.registration
                );
                return Some(hint.into());
            }
            (Self::NoMethod(_) | Self::Closed { .. } | Self::Refused { error: None, .. }, _) => {
                "register a client at the provider by hand, then name it with --client-id or --client-file"
            }
            (Self::Endpoint(_), _) => {
                "report this to the operator of the authorization server; a client that is registered by hand and named with \
                 --client-id does without that endpoint"
            }
            (Self::OtherIssuer { now, .. }, _) => {
                let hint = format!("if the client belongs to {now} as well, say so with --issuer {now}");
                return Some(hint.into());
            }
            (Self::Refused { error: Some(error), .. }, _) if error == "invalid_redirect_uri" => {
                "the server does not accept our redirect URI: --redirect-host localhost may help, or a client that is \
                 registered by hand and named with --client-id"
            }
            (Self::Refused { error: Some(_), .. }, _) => {
                "the words after the colon are the server's; a client that is registered by hand may help: name it with \
                 --client-id"
            }
            (Self::NoClientId, _) => {
                "report this to the operator of the authorization server; a client that is registered by hand and named with \
                 --client-id does without registration"
            }
            (Self::Unavailable(_), _) => "run the command again in a while",
            (Self::Http(err), _) => return err.hint(about),
        };
        Some(hint.into())
    }
}

impl RegisterError {
    /// Tells whether the answer came from no registration endpoint at all: nothing of RFC 7591 is in it.
    ///
    /// Spec: RFC 7591 section 3.2.2.
    pub fn is_of_no_endpoint(&self) -> bool {
        let known = |error: &str| {
            matches!(
                error,
                "invalid_redirect_uri"
                    | "invalid_client_metadata"
                    | "invalid_software_statement"
                    | "unapproved_software_statement"
            )
        };
        match self {
            Self::NoClientId => true,
            Self::Closed { error, .. } => !error.as_deref().is_some_and(known),
            Self::Refused { status, error, .. } => match error.as_deref() {
                Some(error) => *status != 400 && !known(error),
                None => true,
            },
            _ => false,
        }
    }
}

/// Puts the words of a server behind ours.
fn detail(error: &Option<String>, description: &Option<String>) -> String {
    let words = [error, description]
        .into_iter()
        .flatten()
        .map(|words| printable(words));
    words.map(|words| format!(": {words}")).collect()
}

/// A registration that a later login may use again, or may not. Registrations with a secret are among them only while
/// they are in doubt: they stand with the login, and nowhere else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct CachedRegistration {
    client_id: String,
    redirect_uri: String,
    scopes: Vec<String>,
    /// A login with it has begun and did not end well, or not yet. A server that has forgotten a client tells the user, in
    /// the browser, and not us; so the next login does not use it.
    #[serde(default)]
    is_doubtful: bool,
}

/// How we become a client of a server.
#[derive(Debug)]
pub enum ClientPlan {
    /// We are one already.
    Client(Client),
    /// A registration has to be made at this endpoint.
    Registration(Url),
}

/// Chooses how to become a client for a redirect URI and these scopes, and asks nobody: by the identifier that the user
/// gives, by a metadata document if the server takes them, by a registration that is remembered, or by a new one.
///
/// # Errors
///
/// [`RegisterError::NoMethod`] or [`RegisterError::OtherIssuer`].
///
/// Spec: MCP 2026-07-28, client registration.
pub fn choose(
    server: &AuthorizationServer,
    identity: &Identity,
    redirect_uri: &str,
    scopes: &[String],
    kept: (&Cache, Option<&Credentials>),
) -> Result<ClientPlan, RegisterError> {
    let (cache, before) = kept;
    let listed = server.client_auth_methods.as_deref();
    match (identity.method, &identity.client_id, &identity.metadata_url) {
        (RegistrationMethod::Auto | RegistrationMethod::Static, Some(id), _) => {
            check_binding(id, server, identity, before)?;
            let auth = ClientAuth::choose(identity.client_secret.is_some(), None, listed);
            let secret = identity.client_secret.clone();
            return Ok(ClientPlan::Client(Client {
                id: id.clone(),
                secret,
                secret_expires_at: None,
                auth,
                kind: RegistrationKind::Static,
            }));
        }
        (RegistrationMethod::Static, None, _) => {
            return Err(RegisterError::NoMethod("no client identifier was given"))
        }
        (RegistrationMethod::MetadataDocument, _, None) => {
            return Err(RegisterError::NoMethod("no client metadata URL was given"))
        }
        (RegistrationMethod::MetadataDocument, _, Some(_)) if !server.takes_metadata_documents => {
            return Err(RegisterError::NoMethod(
                "the authorization server does not take client metadata documents",
            ));
        }
        (RegistrationMethod::MetadataDocument | RegistrationMethod::Auto, _, Some(url))
            if server.takes_metadata_documents =>
        {
            let (id, kind) = (url.clone(), RegistrationKind::MetadataDocument);
            return Ok(ClientPlan::Client(Client {
                id,
                secret: None,
                secret_expires_at: None,
                auth: ClientAuth::None,
                kind,
            }));
        }
        _ => {}
    }
    if let Some(client) = remembered(server, redirect_uri, scopes, cache, before) {
        return Ok(ClientPlan::Client(client));
    }
    match (&server.registration_endpoint, &server.unusable_registration) {
        (Some(endpoint), _) => Ok(ClientPlan::Registration(endpoint.clone())),
        // An endpoint that is no URL is none.
        (None, None | Some(UrlError::Unreadable)) => Err(RegisterError::NoMethod(
            "the authorization server does not register clients by itself",
        )),
        (None, Some(why)) => Err(RegisterError::Endpoint(MetadataError::Url {
            member: "registration endpoint",
            why: why.clone(),
        })),
    }
}

/// Becomes a client, as [`choose`] says.
///
/// # Errors
///
/// A [`RegisterError`].
///
/// Spec: RFC 7591 section 3.
pub fn register(
    server: &AuthorizationServer,
    identity: &Identity,
    redirect_uri: &str,
    scopes: &[String],
    tools: (&Http, &Cache, Option<&Credentials>),
) -> Result<Client, RegisterError> {
    let (http, cache, before) = tools;
    let endpoint = match choose(server, identity, redirect_uri, scopes, (cache, before))? {
        ClientPlan::Client(client) => {
            if client.kind == RegistrationKind::Dynamic {
                doubt(cache, &server.issuer, &client.id, redirect_uri, scopes);
            }
            return Ok(client);
        }
        ClientPlan::Registration(endpoint) => endpoint,
    };
    let listed = server.client_auth_methods.as_deref();
    let client = register_anew(&endpoint, listed, redirect_uri, scopes, http)?;
    doubt(cache, &server.issuer, &client.id, redirect_uri, scopes);
    Ok(client)
}

/// A client that the user gives is not shown to another authorization server than before, unless the user names it.
///
/// Spec: MCP 2026-07-28, Authorization Server Binding.
fn check_binding(
    client_id: &str,
    server: &AuthorizationServer,
    identity: &Identity,
    before: Option<&Credentials>,
) -> Result<(), RegisterError> {
    let same = |before: &&Credentials| {
        before.registration == RegistrationKind::Static
            && before.client_id == client_id
            && identity.issuer.is_none()
    };
    match before.filter(same) {
        Some(before) if before.issuer != server.issuer => Err(RegisterError::OtherIssuer {
            client_id: printable(client_id),
            before: printable(&before.issuer),
            now: printable(&server.issuer),
        }),
        _ => Ok(()),
    }
}

fn read(cache: &Cache, issuer: &str) -> Vec<CachedRegistration> {
    cache.get("clients", issuer).unwrap_or_default()
}

/// Returns the redirect URIs of the registrations that are remembered for an issuer, the newest first.
pub fn remembered_redirect_uris(
    cache: &Cache,
    issuer: &str,
    before: Option<&Credentials>,
) -> Vec<String> {
    let own = before.filter(|before| {
        before.issuer == issuer && before.registration == RegistrationKind::Dynamic
    });
    let own = own.map(|before| before.redirect_uri.clone());
    own.into_iter()
        .chain(
            read(cache, issuer)
                .into_iter()
                .map(|client| client.redirect_uri),
        )
        .collect()
}

/// Finds a registration with this very redirect URI, made for at least these scopes.
fn remembered(
    server: &AuthorizationServer,
    redirect_uri: &str,
    scopes: &[String],
    cache: &Cache,
    before: Option<&Credentials>,
) -> Option<Client> {
    let covers =
        |known: &[String]| known.is_empty() || scopes.iter().all(|scope| known.contains(scope));
    let known = read(cache, &server.issuer);
    let fits = |it: &&CachedRegistration| {
        it.redirect_uri == redirect_uri && covers(&it.scopes) && !it.is_doubtful
    };
    if let Some(client) = known.iter().find(fits) {
        log::info!("using the registration of an earlier login");
        return Some(Client {
            id: client.client_id.clone(),
            secret: None,
            secret_expires_at: None,
            auth: ClientAuth::None,
            kind: RegistrationKind::Dynamic,
        });
    }
    let before = before.filter(|before| {
        let dynamic =
            before.registration == RegistrationKind::Dynamic && before.client_secret.is_some();
        let is_doubtful = known.iter().any(|it| it.client_id == before.client_id);
        let is_over = before
            .client_secret_expires_at
            .is_some_and(|at| at.seconds_left() <= 0);
        dynamic
            && !is_doubtful
            && !is_over
            && before.issuer == server.issuer
            && before.redirect_uri == redirect_uri
    })?;
    log::info!("using the registration of the login that is stored");
    covers(&before.scopes_requested).then_some(())?;
    Some(Client {
        id: before.client_id.clone(),
        secret: before.client_secret.clone(),
        secret_expires_at: before.client_secret_expires_at.map(|at| at.0),
        auth: before.client_auth.known()?,
        kind: RegistrationKind::Dynamic,
    })
}

/// Notes that nobody knows whether the server still accepts a registration: no login uses it before one with it has ended
/// well. It takes the place of another one with the same redirect URI.
pub fn doubt(cache: &Cache, issuer: &str, client_id: &str, redirect_uri: &str, scopes: &[String]) {
    let (client_id, redirect_uri) = (client_id.to_owned(), redirect_uri.to_owned());
    let known = read(cache, issuer);
    let before = known.iter().find(|it| it.client_id == client_id);
    let scopes = before.map_or(scopes, |before| &before.scopes).to_vec();
    let new = CachedRegistration {
        client_id,
        redirect_uri,
        scopes,
        is_doubtful: true,
    };
    let others = known
        .into_iter()
        .filter(|it| it.redirect_uri != new.redirect_uri && it.client_id != new.client_id);
    let kept: Vec<_> = [new.clone()]
        .into_iter()
        .chain(others)
        .take(MAX_REMEMBERED)
        .collect();
    cache.put("clients", issuer, &kept);
}

/// Notes that a login with this client has ended well: the next one may use it. One with a secret stands with the login.
pub fn confirm(cache: &Cache, issuer: &str, client: &Client) {
    let mut known = read(cache, issuer);
    let Some(place) = known.iter().position(|it| it.client_id == client.id) else {
        return;
    };
    match client.secret {
        Some(_) => drop(known.remove(place)),
        None => known
            .iter_mut()
            .skip(place)
            .take(1)
            .for_each(|it| it.is_doubtful = false),
    }
    cache.put("clients", issuer, &known);
}

fn register_anew(
    endpoint: &Url,
    listed: Option<&[String]>,
    redirect_uri: &str,
    scopes: &[String],
    http: &Http,
) -> Result<Client, RegisterError> {
    let request =
        client::registration_request(redirect_uri, ClientAuth::to_register(listed), scopes)
            .to_string();
    let headers = [("Content-Type", "application/json")];
    let send = || http.post(endpoint, &headers, request.as_bytes(), Redirects::Refuse);
    let response = http.while_busy(send)?;
    let (status, body) = (response.status, response.read()?);
    if !(200..300).contains(&status) {
        if let TokenResponse::Busy(_) = token_endpoint::classify(status, &body) {
            return Err(RegisterError::Unavailable(status));
        }
        let ErrorResponse { error, description } = token_endpoint::error_words(&body);
        return Err(match status {
            401 | 403 => RegisterError::Closed {
                status,
                error,
                description,
            },
            _ => RegisterError::Refused {
                status,
                error,
                description,
            },
        });
    }
    let answer = Registration::read(&body).ok_or(RegisterError::NoClientId)?;
    let auth = ClientAuth::choose(answer.client_secret.is_some(), answer.auth, listed);
    // One that came unasked is kept: some endpoints of the server take a client with a secret only.
    let (secret, secret_expires_at) = (answer.client_secret, answer.secret_expires_at);
    Ok(Client {
        id: answer.client_id,
        secret,
        secret_expires_at,
        auth,
        kind: RegistrationKind::Dynamic,
    })
}
