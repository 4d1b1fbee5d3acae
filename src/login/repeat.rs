//! A login at a provider that repeats an earlier one: what the user does not say is as it was.

use url::Url;

use super::Request;
use crate::error::LoginError;
use crate::listener::RedirectHost;
use crate::oauth::client::Origin;
use crate::oauth::metadata::same_issuer;
use crate::providers::{Provider, Redirect};
use crate::register::RegisterError;
use crate::store::Credentials;

/// Completes a login at a provider with the client and the scopes of the one before it. A client registered by hand is
/// shown to no other authorization server.
///
/// # Errors
///
/// [`LoginError::Register`] if there is no client at all.
pub fn complete(mut request: Request, before: Option<&Credentials>) -> Result<Request, LoginError> {
    let (Some(provider), None) = (request.provider, &request.server) else { return Ok(request) };
    if request.identity.client_id.is_some() || request.identity.metadata_url.is_some() {
        return Ok(request);
    }
    let Some(before) = before.filter(|before| is_same(before, provider, request.issuer.as_deref())) else {
        return Err(LoginError::Register {
            issuer: provider.title.to_owned(),
            provider: Some(provider),
            source: RegisterError::NoWay("it registers no clients by itself, and none was given"),
        });
    };
    request.identity.client_id = Some(before.client_id.clone());
    request.identity.client_secret = request.identity.client_secret.or_else(|| before.client_secret.clone());
    if request.google_tools.is_none() && request.scopes == provider.scopes {
        request.scopes.clone_from(&before.scopes_requested);
    }
    if request.port.is_none() {
        take_redirect_uri(&mut request, provider, &before.redirect_uri);
    }
    Ok(request)
}

fn is_same(before: &Credentials, provider: &Provider, issuer: Option<&str>) -> bool {
    let same_issuer = issuer.is_some_and(|issuer| same_issuer(&before.issuer, issuer));
    let by_hand = before.registration == Origin::Static.as_str();
    by_hand && same_issuer && before.provider.as_deref() == Some(provider.name)
}

/// Takes the redirect URI of the login before; one that we did not choose ourselves was registered, port and all.
fn take_redirect_uri(request: &mut Request, provider: &Provider, redirect_uri: &str) {
    let Ok(url) = Url::parse(redirect_uri) else { return };
    let host = url.host_str().unwrap_or_default();
    let our_choice = match provider.redirect {
        Redirect::AnyPort => Some("127.0.0.1"),
        Redirect::AnyPortOfLocalhost => Some("localhost"),
        Redirect::Registered => None,
    };
    if our_choice == Some(host) && url.path() == "/callback" {
        return;
    }
    request.redirect_host = match host {
        "localhost" => RedirectHost::Localhost,
        "[::1]" => RedirectHost::V6,
        _ => RedirectHost::V4,
    };
    request.redirect_path = url.path().to_owned();
    request.redirect_uri = Some(redirect_uri.to_owned());
    request.port = url.port();
}
