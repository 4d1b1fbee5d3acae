//! The defaults of a login, taken from the stored one: its client, its authorization server and its options.

use url::Url;

use super::{Request, Resource};
use crate::callback::RedirectHost;
use crate::error::Error;
use crate::oauth::challenge;
use crate::oauth::client::RegistrationKind;
use crate::oauth::metadata::{same_issuer, AuthorizationServer};
use crate::providers::{self, Provider, RedirectRule};
use crate::registration::RegisterError;
use crate::store::{Credentials, LoginOptions};
use crate::token_endpoint::GivenKey;

/// Fills a request up with what the stored login was made with: the client, the authorization server, the redirect URI, the
/// resource, the parameters. Options win. A client registered by hand is shown to no other authorization server.
///
/// # Errors
///
/// [`Error::Register`] if there is no client at all; [`Error::Usage`] if nothing names the authorization server.
pub fn apply(mut request: Request, stored: Option<&Credentials>) -> Result<Request, Error> {
    if let (Some(provider), None) = (request.provider, &request.server) {
        return at_provider(request, provider, stored);
    }
    if let Some(stored) = stored.filter(|stored| is_same_server(&request, stored)) {
        apply_grant(&mut request, stored);
        apply_authority(&mut request, stored);
        let is_same_client = apply_client(&mut request, stored)?;
        if is_same_client && !request.is_redirect_given {
            apply_redirect_uri(&mut request, stored);
        }
        apply_options(&mut request, stored);
    }
    if request.server.is_none() && !request.names_authority() {
        return Err(Error::usage(
            format!(
                "there is no login {} in the profile {}",
                request.key.server, request.key.profile
            ),
            "name the issuer with --issuer, or the profile of the login with --profile",
        ));
    }
    Ok(request)
}

/// Returns what the user chose by options, now or at the stored login.
pub fn options(request: &Request, stored: Option<&Credentials>) -> LoginOptions {
    let named_earlier =
        stored.is_some_and(|stored| stored.options.scopes && is_same_server(request, stored));
    let endpoint = request
        .preset
        .as_ref()
        .filter(|_| request.names_endpoints());
    LoginOptions {
        issuer: request.issuer.is_some(),
        port: request.port.is_some(),
        scopes: !request.scopes.is_empty()
            || names_scopes(request.challenge.as_deref())
            || named_earlier,
        resource: request.resource != Resource::Discovery,
        assume_pkce: request.assume_pkce,
        dpop: request.dpop,
        authorization_endpoint: endpoint.map(|server| server.authorization_endpoint.to_string()),
        issuer_metadata: request.issuer_metadata.as_ref().map(Url::to_string),
        client_metadata_url: request.identity.metadata_url.clone(),
        parameters: request.parameters.clone(),
    }
}

/// Returns whether a challenge that the user gave names scopes: the server's metadata may leave them out, so that only the
/// stored login hands them on to the next one.
///
/// Spec: RFC 6750 section 3.
fn names_scopes(challenge: Option<&str>) -> bool {
    challenge
        .and_then(|value| challenge::bearer([value]))
        .is_some_and(|bearer| !bearer.scopes.is_empty())
}

/// Returns the scopes that a login without `--scope` requests again: those that were named, and those of a client registered
/// by hand, to which the authorization server may grant no others.
pub fn scopes<'a>(request: &Request, stored: &'a Credentials) -> &'a [String] {
    let named = request.identity.client_id.as_ref();
    let is_same_client = named.is_none_or(|id| *id == stored.client_id);
    if stored.options.scopes || stored.registration == RegistrationKind::Static && is_same_client {
        &stored.scopes_requested
    } else {
        &[]
    }
}

/// Returns a request that names the issuer of the stored login, for a server that does not name it itself. Only a client
/// registered by hand is bound to that issuer; a login of an older version does not record whether it was named.
pub fn with_issuer(request: &Request, stored: Option<&Credentials>) -> Option<Request> {
    let stored = stored.filter(|stored| stored.registration == RegistrationKind::Static)?;
    let is_ours = request.identity.client_id.as_ref() == Some(&stored.client_id);
    if !is_ours || request.names_authority() {
        return None;
    }
    let mut request = request.clone();
    request.name_issuer(&stored.issuer);
    Some(request)
}

/// Returns whether the user names no other authorization server than that of the stored login.
fn is_same_server(request: &Request, stored: &Credentials) -> bool {
    let is_issuer = |issuer: &String| same_issuer(&stored.issuer, issuer);
    request.preset.is_none()
        && request.issuer_metadata.is_none()
        && request.issuer.as_ref().is_none_or(is_issuer)
}

fn apply_authority(request: &mut Request, stored: &Credentials) {
    if request.issuer.is_some() {
        return;
    }
    let options = &stored.options;
    let parse = |url: &Option<String>| Url::parse(url.as_deref()?).ok();
    let endpoint = parse(&options.authorization_endpoint);
    let metadata = parse(&options.issuer_metadata);
    let issuer = Some(stored.issuer.clone());
    match (endpoint, Url::parse(&stored.token_endpoint), metadata) {
        (Some(page), Ok(tokens), _) => {
            let mut server = AuthorizationServer::known(&stored.issuer, page, tokens);
            server.client_auth_methods = None;
            request.preset = Some(server);
            request.issuer.clone_from(&issuer);
        }
        (_, _, Some(url)) => request.issuer_metadata = Some(url),
        _ if options.issuer || request.server.is_none() => request.issuer.clone_from(&issuer),
        _ => return,
    }
    request.identity.issuer = issuer;
}

/// Takes over a grant without a person, if the user names no other one; and the issuer, which is pinned for such a grant.
fn apply_grant(request: &mut Request, stored: &Credentials) {
    if !request.is_grant_named && stored.is_unattended() {
        request.grant = stored.grant.known().unwrap_or_default();
    }
    if stored.grant == request.grant && request.unattended.is_default() {
        request.unattended = stored.unattended.clone();
    }
    if request.is_unattended() && request.issuer.is_none() {
        request.name_issuer(&stored.issuer);
    }
}

/// Takes over the client of the stored login, if the user names no other one; returns whether both have the same client.
fn apply_client(request: &mut Request, stored: &Credentials) -> Result<bool, Error> {
    let identity = &mut request.identity;
    let is_by_hand = stored.registration == RegistrationKind::Static;
    match (&identity.client_id, &identity.metadata_url) {
        (Some(id), _) if *id != stored.client_id => return Ok(false),
        (Some(_), _) => {}
        (None, Some(url)) => return Ok(*url == stored.client_id),
        (None, None) if (identity.method).is_some_and(|kind| stored.registration != kind) => {
            return Ok(false)
        }
        (None, None) => match stored.registration.known() {
            Some(RegistrationKind::Static) => identity.client_id = Some(stored.client_id.clone()),
            Some(RegistrationKind::MetadataDocument) => {
                identity.metadata_url = Some(stored.client_id.clone());
            }
            Some(RegistrationKind::Dynamic) => return Ok(true),
            None => return Ok(false),
        },
    }
    if is_by_hand && identity.client_secret.is_none() && identity.client_key.is_none() {
        identity.client_secret.clone_from(&stored.client_secret);
        identity.client_key = GivenKey::stored(stored)?;
    }
    Ok(true)
}

/// Takes over the redirect URI of the stored login: its port if that was named, else the same port if it is free.
fn apply_redirect_uri(request: &mut Request, stored: &Credentials) {
    let Ok(url) = Url::parse(&stored.redirect_uri) else {
        return;
    };
    request.redirect_host = host(&url);
    request.redirect_path = url.path().to_owned();
    match url.port() {
        Some(port) if stored.options.port => {
            request.redirect_uri = Some(stored.redirect_uri.clone());
            request.port = Some(port);
        }
        Some(port) => request.likely_ports.insert(0, port),
        None => {}
    }
}

fn apply_options(request: &mut Request, stored: &Credentials) {
    let options = &stored.options;
    request.assume_pkce |= options.assume_pkce;
    request.dpop |= options.dpop;
    if options.resource && request.resource == Resource::Discovery {
        request.resource = match &stored.resource {
            Some(resource) => Resource::Given(resource.clone()),
            None => Resource::Omitted,
        };
    }
    let is_given = |name: &String| request.parameters.iter().any(|(given, _)| given == name);
    let is_new = |(name, value): &&(String, String)| !is_given(name) && !is_silent(name, value);
    let new: Vec<_> = options.parameters.iter().filter(is_new).cloned().collect();
    request.parameters.extend(new);
    if request.provider.is_none() {
        request.provider = stored.provider.as_deref().and_then(providers::find);
    }
}

/// Returns whether a parameter demands that the user sees no page, which is for one attempt only: the next one may need it.
///
/// Spec: OpenID Connect Core 1.0 section 3.1.2.1.
fn is_silent(name: &str, value: &str) -> bool {
    name == "prompt" && value == "none"
}

/// Fills up the request of a login at a provider itself, which registers no clients.
fn at_provider(
    mut request: Request,
    provider: &'static Provider,
    stored: Option<&Credentials>,
) -> Result<Request, Error> {
    if request.identity.client_id.is_some() || request.identity.metadata_url.is_some() {
        return Ok(request);
    }
    let Some(stored) = stored.filter(|stored| is_same(stored, provider, request.issuer.as_deref()))
    else {
        return Err(Error::Register {
            issuer: provider.title.to_owned(),
            provider: Some(provider),
            source: RegisterError::NoMethod(
                "it registers no clients by itself, and none was given",
            ),
        });
    };
    request.identity.client_id = Some(stored.client_id.clone());
    request.identity.client_secret = request
        .identity
        .client_secret
        .or_else(|| stored.client_secret.clone());
    if request.google_tools.is_none() && request.scopes == provider.scopes {
        request.scopes.clone_from(&stored.scopes_requested);
    }
    if request.port.is_none() {
        apply_registered_redirect_uri(&mut request, provider, &stored.redirect_uri);
    }
    Ok(request)
}

fn host(redirect_uri: &Url) -> RedirectHost {
    match redirect_uri.host_str().unwrap_or_default() {
        "localhost" => RedirectHost::Localhost,
        "[::1]" => RedirectHost::V6,
        _ => RedirectHost::V4,
    }
}

fn is_same(stored: &Credentials, provider: &Provider, issuer: Option<&str>) -> bool {
    let same_issuer = issuer.is_some_and(|issuer| same_issuer(&stored.issuer, issuer));
    let by_hand = stored.registration == RegistrationKind::Static;
    by_hand && same_issuer && stored.provider.as_deref() == Some(provider.name)
}

/// Takes over the redirect URI of the stored login; one that we did not choose ourselves was registered, port and all.
fn apply_registered_redirect_uri(request: &mut Request, provider: &Provider, redirect_uri: &str) {
    let Ok(url) = Url::parse(redirect_uri) else {
        return;
    };
    let host = url.host_str().unwrap_or_default();
    let our_choice = match provider.redirect {
        RedirectRule::AnyPort => Some("127.0.0.1"),
        RedirectRule::AnyPortOfLocalhost => Some("localhost"),
        RedirectRule::Registered => None,
    };
    if our_choice == Some(host) && url.path() == "/callback" {
        return;
    }
    request.redirect_host = self::host(&url);
    request.redirect_path = url.path().to_owned();
    request.redirect_uri = Some(redirect_uri.to_owned());
    request.port = url.port();
}
