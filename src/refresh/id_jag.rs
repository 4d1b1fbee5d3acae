//! Enterprise-managed authorization: an identity assertion for each access token, requested with the ID token of a login at the
//! enterprise's identity provider.
//!
//! Spec: draft-ietf-oauth-identity-assertion-authz-grant.

use std::path::Path;
use std::time::Duration;

use url::Url;

use super::{live_stored, mark_stored_refused, needs_login_again, Freshness};
use crate::context::Settings;
use crate::error::Error;
use crate::failure::{Hint, LoginCommand};
use crate::http::Http;
use crate::oauth::client::{Client, RegistrationKind};
use crate::oauth::grant::{IdentityProvider, Jwt, ID_JAG, ID_TOKEN, TOKEN_EXCHANGE};
use crate::oauth::metadata::same_issuer;
use crate::oauth::secret::Secret;
use crate::oauth::text::printable;
use crate::oauth::token::Tokens;
use crate::os::clock::{Deadline, Time};
use crate::store::{Credentials, IndexEntry, Interaction, StoredId};
use crate::token_endpoint::{assertion, client_of, AssertionError, ExchangeError, TokenRequest};

/// The errors by which a provider says that it wants the person again.
const PERSON_WANTED: [&str; 4] = [
    "invalid_grant",
    "interaction_required",
    "login_required",
    "consent_required",
];

/// What identity assertions are requested with.
struct Subject {
    id_token: Secret,
    token_endpoint: String,
    client: Client,
    /// The login at the provider, unless the ID token is in a file.
    login: Option<Credentials>,
}

/// Requests an identity assertion for a login, and checks that it is for it. It is used once, and stored nowhere.
///
/// # Errors
///
/// [`Error::NotLoggedIn`] with the command for the login at the provider, if that wants the person again;
/// [`Error::Assertion`], [`Error::Grant`].
///
/// Spec: draft-ietf-oauth-identity-assertion-authz-grant section 4.3.
pub(super) fn request(
    login: &Credentials,
    settings: &Settings,
    http: &Http,
    retry_until: Deadline,
) -> Result<Secret, Error> {
    let Some(idp) = &login.unattended.idp else {
        return Err(refused(&login.issuer, ExchangeError::Request));
    };
    let tokens = exchange(login, idp, settings, http, retry_until)?;
    let checked = match tokens.issued_token_type.as_deref() {
        Some(ID_JAG) => Jwt::read(tokens.access_token.expose())
            .ok_or_else(|| "is not a JSON Web Token".to_owned())
            .and_then(|jwt| {
                jwt.check_id_jag(&login.issuer, &login.client_id, login.resource.as_deref())
            }),
        other => Err(format!("is of type {:?}", other.unwrap_or_default())),
    };
    checked.map_err(|why| {
        unusable(
            login,
            AssertionError::Unsuitable {
                from: printable(&idp.issuer),
                why: printable(&why),
                hint: "ask the operator of the identity provider; it has to issue it for this authorization server, client and resource",
            },
        )
    })?;
    Ok(tokens.access_token)
}

/// Exchanges an ID token for an identity assertion. One that the provider does not accept is refreshed once; if that does not
/// help, the login at the provider is marked.
fn exchange(
    login: &Credentials,
    idp: &IdentityProvider,
    settings: &Settings,
    http: &Http,
    retry_until: Deadline,
) -> Result<Tokens, Error> {
    let mut refresh = false;
    loop {
        let subject = subject(login, idp, refresh, settings)?;
        let token_endpoint = Url::parse(&subject.token_endpoint)
            .map_err(|_| refused(&idp.issuer, ExchangeError::Request))?;
        let request = TokenRequest {
            dpop: None,
            token_endpoint: &token_endpoint,
            client: &subject.client,
            resource: login.resource.as_deref(),
            http,
            retry_until,
        };
        let parameters = [
            ("requested_token_type", ID_JAG),
            ("subject_token", subject.id_token.expose()),
            ("subject_token_type", ID_TOKEN),
            ("audience", login.issuer.as_str()),
        ];
        let source = match request.grant(TOKEN_EXCHANGE, &parameters, &login.scopes_requested) {
            Ok(tokens) => return Ok(tokens),
            Err(source) => source,
        };
        if !PERSON_WANTED.contains(&source.error_code()) {
            return Err(refused(&idp.issuer, source));
        }
        let why = format!("the identity provider wants the person again: {source}");
        match &subject.login {
            Some(at_idp) if may_be_refreshed(at_idp) && !refresh => refresh = true,
            Some(at_idp) => {
                // What was refreshed just now is alive, and refused for this use alone.
                if !(refresh && source.error_code() == "invalid_grant") {
                    mark_stored_refused(at_idp, settings);
                }
                return Err(needs_login_again(at_idp, &why, &["--force"], settings));
            }
            None => {
                let file = idp.id_token_file.as_deref().unwrap_or(Path::new(""));
                let advice = format!(
                    "put a new ID token of the person into {}, or leave out --id-token-file and log in at the provider",
                    printable(&file.to_string_lossy())
                );
                return Err(Error::NotLoggedIn {
                    message: format!("{} needs a login: {why}", printable(&idp.issuer)),
                    hint: Hint::Else(advice, login_command(idp, &login.profile, settings)),
                });
            }
        }
    }
}

/// Tells whether a login has a refresh token that was not refused yet.
fn may_be_refreshed(login: &Credentials) -> bool {
    login.refresh_token.is_some() && !login.needs_login
}

/// Returns a live ID token, and the client that it was issued to; with `refresh`, one that has just been refreshed.
fn subject(
    login: &Credentials,
    idp: &IdentityProvider,
    refresh: bool,
    settings: &Settings,
) -> Result<Subject, Error> {
    if let (Some(path), Some(token_endpoint)) = (&idp.id_token_file, &idp.token_endpoint) {
        let id = idp.client_id.clone().unwrap_or_default();
        return Ok(Subject {
            id_token: assertion::read_id_token(path).map_err(|source| unusable(login, source))?,
            token_endpoint: token_endpoint.clone(),
            client: Client::public(id, RegistrationKind::Static),
            login: None,
        });
    }
    let key = login_at(idp, &login.profile, settings)?;
    let live = |refresh| {
        let need = Freshness::new(Duration::ZERO, refresh);
        live_stored(None, &key, need, settings)
    };
    let has_expired = |at_idp: &Credentials| {
        let jwt = at_idp
            .id_token
            .as_ref()
            .and_then(|it| Jwt::read(it.expose()));
        jwt.is_none_or(|jwt| jwt.expired_at(Time::now().unix_seconds()).is_some())
    };
    let mut at_idp = live(refresh)?;
    if has_expired(&at_idp) && may_be_refreshed(&at_idp) && !refresh {
        at_idp = live(true)?;
    }
    match &at_idp.id_token {
        Some(id_token) if !has_expired(&at_idp) => Ok(Subject {
            id_token: id_token.clone(),
            token_endpoint: at_idp.token_endpoint.clone(),
            client: client_of(&at_idp)?,
            login: Some(at_idp),
        }),
        other => {
            let why = match other {
                Some(_) => "its ID token has expired, and a refresh brought no other one",
                None => "it has no ID token",
            };
            let options = ["--force", "--scope", "openid offline_access"];
            Err(needs_login_again(&at_idp, why, &options, settings))
        }
    }
}

/// Finds the login at a provider: that of the same profile, else the only one.
fn login_at(idp: &IdentityProvider, profile: &str, settings: &Settings) -> Result<StoredId, Error> {
    let entries = settings.store_to_read(Interaction::None).list();
    let entries = entries.unwrap_or_default();
    let is_there = |entry: &&IndexEntry| {
        same_issuer(&entry.issuer, &idp.issuer) && !entry.server.contains("://")
    };
    let found: Vec<_> = entries.iter().filter(is_there).collect();
    let same = found.iter().find(|entry| entry.profile == profile);
    match (same, found.as_slice()) {
        (Some(entry), _) | (None, [entry]) => Ok(entry.key()),
        _ => Err(Error::NotLoggedIn {
            message: format!(
                "there is no login at the identity provider {}",
                printable(&idp.issuer)
            ),
            hint: Hint::Login(login_command(idp, profile, settings)),
        }),
    }
}

/// Returns the command that logs in at a provider.
fn login_command(idp: &IdentityProvider, profile: &str, settings: &Settings) -> Box<LoginCommand> {
    let mut options = vec!["--issuer", &idp.issuer, "--scope", "openid offline_access"];
    if let Some(client_id) = &idp.client_id {
        options.extend(["--client-id", client_id]);
    }
    settings.login(&StoredId::new("idp", profile), &options)
}

fn unusable(login: &Credentials, source: AssertionError) -> Error {
    Error::Assertion {
        issuer: printable(&login.issuer),
        source,
    }
}

fn refused(issuer: &str, source: ExchangeError) -> Error {
    Error::Grant {
        issuer: printable(issuer),
        login: None,
        // None can be asked of the identity provider.
        has_proof: true,
        source,
    }
}
