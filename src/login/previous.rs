//! A login that repeats an earlier one: what the user does not say is as it was.

use url::Url;

use super::{Request, Resource};
use crate::callback::RedirectHost;
use crate::error::Error;
use crate::oauth::challenge;
use crate::oauth::client::RegistrationKind;
use crate::oauth::metadata::{same_issuer, AuthorizationServer};
use crate::providers::{self, Provider, Redirect};
use crate::registration::{RegisterError, RegistrationMethod};
use crate::store::{Credentials, LoginOptions};

/// Completes a login with what the one before it was made with: the client, the authorization server, the redirect URI, the
/// resource, the parameters. Whatever an option says is as it says. A client registered by hand is shown to no other
/// authorization server.
///
/// # Errors
///
/// [`Error::Register`] if there is no client at all; [`Error::Usage`] if nothing tells where to log in.
pub fn complete(mut request: Request, before: Option<&Credentials>) -> Result<Request, Error> {
    if let (Some(provider), None) = (request.provider, &request.server) {
        return at_provider(request, provider, before);
    }
    if let Some(before) = before.filter(|before| is_same_server(&request, before)) {
        take_authority(&mut request, before);
        let is_same_client = take_client(&mut request, before);
        if is_same_client && !request.is_redirect_given {
            take_redirect(&mut request, before);
        }
        take_options(&mut request, before);
    }
    let is_named =
        request.issuer.is_some() || request.known.is_some() || request.issuer_metadata.is_some();
    if request.server.is_none() && !is_named {
        return Err(Error::Usage {
            message: format!(
                "there is no login {} in the profile {}",
                request.key.server, request.key.profile
            ),
            hint: Some(
                "name the issuer with --issuer, or the profile of the login with --profile".into(),
            ),
        });
    }
    Ok(request)
}

/// Returns what the user chose by options at a login that was completed, now or at the one before.
pub fn options(request: &Request, before: Option<&Credentials>) -> LoginOptions {
    let named_before =
        before.is_some_and(|before| before.options.scopes && is_same_server(request, before));
    let endpoint = request.known.as_ref().filter(|_| request.names_endpoints());
    LoginOptions {
        issuer: request.issuer.is_some(),
        port: request.port.is_some(),
        scopes: !request.scopes.is_empty()
            || names_scopes(request.challenge.as_deref())
            || named_before,
        resource: request.resource != Resource::Discovery,
        assume_pkce: request.assume_pkce,
        authorization_endpoint: endpoint.map(|server| server.authorization_endpoint.to_string()),
        issuer_metadata: request.issuer_metadata.as_ref().map(Url::to_string),
        parameters: request.parameters.clone(),
    }
}

/// Tells whether a challenge that the user gave names scopes: the server does not name them in its metadata, so that only
/// the stored login tells them to the next one.
///
/// Spec: RFC 6750 section 3.
fn names_scopes(challenge: Option<&str>) -> bool {
    challenge
        .and_then(|value| challenge::bearer([value]))
        .is_some_and(|bearer| !bearer.scopes.is_empty())
}

/// Returns the scopes that a login without a word about them asks for again: those that were named, and those of a client
/// registered by hand, of which the authorization server may grant no others.
pub fn scopes<'a>(request: &Request, before: &'a Credentials) -> &'a [String] {
    let is_by_hand = before.registration == RegistrationKind::Static;
    let is_other = request
        .identity
        .client_id
        .as_ref()
        .is_some_and(|id| *id != before.client_id);
    if before.options.scopes || is_by_hand && !is_other {
        &before.scopes_requested
    } else {
        &[]
    }
}

/// Returns a request that names the issuer of the login before, for a server that does not name it itself. Only a client
/// registered by hand is bound to that issuer; a login of an older version does not tell whether it was named.
pub fn with_issuer(request: &Request, before: Option<&Credentials>) -> Option<Request> {
    let before = before.filter(|before| before.registration == RegistrationKind::Static)?;
    let is_ours = request.identity.client_id.as_ref() == Some(&before.client_id);
    let is_open =
        request.issuer.is_none() && request.known.is_none() && request.issuer_metadata.is_none();
    (is_ours && is_open).then(|| {
        let mut request = request.clone();
        request.issuer = Some(before.issuer.clone());
        request.identity.issuer.clone_from(&request.issuer);
        request
    })
}

/// Tells whether the user names no other authorization server than that of the login before.
fn is_same_server(request: &Request, before: &Credentials) -> bool {
    let is_open = request.known.is_none() && request.issuer_metadata.is_none();
    is_open
        && request
            .issuer
            .as_ref()
            .is_none_or(|issuer| same_issuer(&before.issuer, issuer))
}

fn take_authority(request: &mut Request, before: &Credentials) {
    if request.issuer.is_some() {
        return;
    }
    let options = &before.options;
    let endpoint = options
        .authorization_endpoint
        .as_ref()
        .and_then(|url| Url::parse(url).ok());
    let metadata = options
        .issuer_metadata
        .as_ref()
        .and_then(|url| Url::parse(url).ok());
    let issuer = Some(before.issuer.clone());
    match (endpoint, Url::parse(&before.token_endpoint), metadata) {
        (Some(page), Ok(tokens), _) => {
            let mut server = AuthorizationServer::known(&before.issuer, page, tokens);
            server.client_auth_methods = None;
            request.known = Some(server);
            request.issuer.clone_from(&issuer);
        }
        (_, _, Some(url)) => request.issuer_metadata = Some(url),
        _ if options.issuer || request.server.is_none() => request.issuer.clone_from(&issuer),
        _ => return,
    }
    request.identity.issuer = issuer;
}

/// Takes the client of the login before, if the user names no other one; tells whether it is the same client then.
fn take_client(request: &mut Request, before: &Credentials) -> bool {
    let identity = &mut request.identity;
    let is_by_hand = before.registration == RegistrationKind::Static;
    let is_document = before.registration == RegistrationKind::MetadataDocument;
    match (&identity.client_id, &identity.metadata_url, identity.method) {
        (Some(id), _, _) if *id != before.client_id => return false,
        (Some(_), _, _) => {}
        (None, Some(url), _) => return *url == before.client_id,
        (None, None, RegistrationMethod::Auto | RegistrationMethod::Static) if is_by_hand => {
            identity.client_id = Some(before.client_id.clone())
        }
        (None, None, RegistrationMethod::Auto | RegistrationMethod::MetadataDocument)
            if is_document =>
        {
            identity.metadata_url = Some(before.client_id.clone());
        }
        (None, None, RegistrationMethod::Auto | RegistrationMethod::Dynamic) => {
            return before.registration == RegistrationKind::Dynamic
        }
        (None, None, _) => return false,
    }
    if is_by_hand && identity.client_secret.is_none() {
        identity.client_secret.clone_from(&before.client_secret);
    }
    true
}

/// Takes the redirect URI of the login before: with its port if that was named, else with the same one if it is free.
fn take_redirect(request: &mut Request, before: &Credentials) {
    let Ok(url) = Url::parse(&before.redirect_uri) else {
        return;
    };
    request.redirect_host = host(&url);
    request.redirect_path = url.path().to_owned();
    match url.port() {
        Some(port) if before.options.port => {
            request.redirect_uri = Some(before.redirect_uri.clone());
            request.port = Some(port);
        }
        Some(port) => request.likely_ports.insert(0, port),
        None => {}
    }
}

fn take_options(request: &mut Request, before: &Credentials) {
    let options = &before.options;
    request.assume_pkce |= options.assume_pkce;
    if options.resource && request.resource == Resource::Discovery {
        request.resource = before
            .resource
            .clone()
            .map_or(Resource::Omitted, Resource::Given);
    }
    let known = |name: &String| request.parameters.iter().any(|(known, _)| known == name);
    let is_repeated = |(name, value): &&(String, String)| !known(name) && !is_silent(name, value);
    let new: Vec<_> = options
        .parameters
        .iter()
        .filter(is_repeated)
        .cloned()
        .collect();
    request.parameters.extend(new);
    if request.provider.is_none() {
        request.provider = before.provider.as_deref().and_then(providers::find);
    }
}

/// Tells whether a parameter demands that the user sees no page, which is for one attempt only: the next one may need it.
///
/// Spec: OpenID Connect Core 1.0 section 3.1.2.1.
fn is_silent(name: &str, value: &str) -> bool {
    name == "prompt" && value == "none"
}

/// Completes a login at a provider itself, which registers no clients.
fn at_provider(
    mut request: Request,
    provider: &'static Provider,
    before: Option<&Credentials>,
) -> Result<Request, Error> {
    if request.identity.client_id.is_some() || request.identity.metadata_url.is_some() {
        return Ok(request);
    }
    let Some(before) = before.filter(|before| is_same(before, provider, request.issuer.as_deref()))
    else {
        return Err(Error::Register {
            issuer: provider.title.to_owned(),
            provider: Some(provider),
            source: RegisterError::NoMethod(
                "it registers no clients by itself, and none was given",
            ),
        });
    };
    request.identity.client_id = Some(before.client_id.clone());
    request.identity.client_secret = request
        .identity
        .client_secret
        .or_else(|| before.client_secret.clone());
    if request.google_tools.is_none() && request.scopes == provider.scopes {
        request.scopes.clone_from(&before.scopes_requested);
    }
    if request.port.is_none() {
        take_redirect_uri(&mut request, provider, &before.redirect_uri);
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

fn is_same(before: &Credentials, provider: &Provider, issuer: Option<&str>) -> bool {
    let same_issuer = issuer.is_some_and(|issuer| same_issuer(&before.issuer, issuer));
    let by_hand = before.registration == RegistrationKind::Static;
    by_hand && same_issuer && before.provider.as_deref() == Some(provider.name)
}

/// Takes the redirect URI of the login before; one that we did not choose ourselves was registered, port and all.
fn take_redirect_uri(request: &mut Request, provider: &Provider, redirect_uri: &str) {
    let Ok(url) = Url::parse(redirect_uri) else {
        return;
    };
    let host = url.host_str().unwrap_or_default();
    let our_choice = match provider.redirect {
        Redirect::AnyPort => Some("127.0.0.1"),
        Redirect::AnyPortOfLocalhost => Some("localhost"),
        Redirect::Registered => None,
    };
    if our_choice == Some(host) && url.path() == "/callback" {
        return;
    }
    request.redirect_host = self::host(&url);
    request.redirect_path = url.path().to_owned();
    request.redirect_uri = Some(redirect_uri.to_owned());
    request.port = url.port();
}
