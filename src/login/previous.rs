//! The stored login, which may still serve.

use std::time::Duration;

use url::Url;

use super::{Report, Request, Resource};
use crate::context::Context;
use crate::error::Error;
use crate::oauth::authorization::OFFLINE_ACCESS;
use crate::oauth::metadata::{same_issuer, AuthorizationServer};
use crate::refresh::{self, Freshness};
use crate::registration::Identity;
use crate::store::{Credentials, Interaction, StoreError};
use crate::warning::warn_user;

/// A stored login that expires within this time is refreshed, or replaced by a new one.
const MIN_TTL: Duration = Duration::from_secs(60);

/// Reads the stored login that this one replaces.
pub fn load(request: &Request, context: &Context) -> Result<Option<Credentials>, Error> {
    let store = context.store_to_read(Interaction::Allowed);
    match store.load(&request.key) {
        // The new login goes to the store that works; a keyring that does not answer is not needed for it.
        Err(err @ StoreError::Backend { .. }) if context.settings.store.backend().is_none() => {
            log::info!("{err}");
            Ok(None)
        }
        Err(err @ StoreError::Unreadable { .. }) if request.force => {
            warn_user!(LoginUnreadable, "{err}; the new login takes its place");
            Ok(None)
        }
        loaded => loaded.map_err(|err| Error::unreadable(&request.key, err)),
    }
}

/// Returns the stored login if it serves: it covers what is requested, and is live or can be refreshed at once.
pub fn live_login(
    request: &Request,
    stored: Option<&Credentials>,
    context: &Context,
) -> Option<Report> {
    if !serves(request, stored?) {
        return None;
    }
    let need = Freshness::new(MIN_TTL, false);
    match refresh::live(&request.key, need, context) {
        // One that can be refreshed has just been, if it was due.
        Ok(live) if live.is_renewable() || !need.is_due(&live) => {
            let store = context.store_to_read(Interaction::Allowed);
            let logins = store.list().unwrap_or_default();
            let entry = logins.into_iter().find(|entry| entry.key() == request.key);
            Some(Report::new(&live, entry.map(|entry| entry.place), true))
        }
        Ok(_) => None,
        Err(err) => {
            log::info!("{}; logging in anew", err.one_line());
            None
        }
    }
}

/// Returns whether a stored login is one that the request would lead to: whatever the request names, it was made with.
pub fn serves(request: &Request, stored: &Credentials) -> bool {
    let is_forced = request.force || request.challenge.is_some() || stored.needs_login;
    let is_same_resource = match &request.resource {
        Resource::Discovery => true,
        Resource::Omitted => stored.resource.is_none(),
        Resource::Given(resource) => stored.resource.as_ref() == Some(resource),
    };
    let is_same_grant = (!request.is_grant_named || stored.grant == request.grant)
        && (request.unattended.is_default() || request.unattended.is_like(&stored.unattended));
    !is_forced
        && is_same_grant
        && (!request.dpop || stored.dpop_key.is_some())
        && is_made_as(&request.identity, stored)
        && is_made_at(request, stored)
        && is_same_resource
        && covers(stored, &request.scopes)
}

/// Returns whether the user names no other client than that of the stored login, and no other key of it. Another secret is used
/// at once only where no person takes part.
fn is_made_as(identity: &Identity, stored: &Credentials) -> bool {
    let is_same_kind = (identity.method).is_none_or(|kind| stored.registration == kind);
    let is_stored = |id: &String| *id == stored.client_id;
    let is_same_secret = |secret| stored.client_secret.as_ref() == Some(secret);
    // A server that accepts no such documents has registered another client for the same option.
    let is_document =
        |url: &String| is_stored(url) || stored.options.client_metadata_url.as_ref() == Some(url);
    is_same_kind
        && identity.client_id.as_ref().is_none_or(is_stored)
        && (!stored.is_unattended() || identity.client_secret.as_ref().is_none_or(is_same_secret))
        && (identity.client_key.as_ref()).is_none_or(|key| key.is_of(stored))
        && identity.metadata_url.as_ref().is_none_or(is_document)
}

/// Returns whether the user names no other authorization server, endpoint or metadata than the stored login was made with.
fn is_made_at(request: &Request, stored: &Credentials) -> bool {
    let is_issuer = |issuer: &String| same_issuer(&stored.issuer, issuer);
    let is_metadata = |url: &Url| stored.options.issuer_metadata.as_deref() == Some(url.as_str());
    let is_endpoint =
        |server: &AuthorizationServer| stored.token_endpoint == server.token_endpoint.as_str();
    request.issuer.as_ref().is_none_or(is_issuer)
        && request.issuer_metadata.as_ref().is_none_or(is_metadata)
        && request.preset.as_ref().is_none_or(is_endpoint)
}

/// Returns whether a stored login covers these scopes: it was granted them, or it was made by the very same request, of which
/// the server grants no more.
fn covers(stored: &Credentials, scopes: &[String]) -> bool {
    let is_granted = |scope: &String| {
        stored.scopes.contains(scope) || scope == OFFLINE_ACCESS && stored.refresh_token.is_some()
    };
    let requested = &stored.scopes_requested;
    let is_same_request = scopes.iter().all(|scope| requested.contains(scope))
        && requested.iter().all(|scope| scopes.contains(scope));
    scopes.iter().all(is_granted) || is_same_request
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{tests::credentials, StoredId};

    #[test]
    fn e10_what_a_stored_login_covers() {
        let mut stored = credentials(&StoredId {
            server: "https://mcp.example".into(),
            profile: "default".into(),
        });
        let list = |text: &str| {
            text.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        for (requested, granted, refreshable, asked, expected) in [
            (
                "openid offline_access",
                "openid",
                true,
                "openid offline_access",
                true,
            ),
            (
                "openid offline_access",
                "openid",
                false,
                "openid offline_access",
                true,
            ),
            (
                "openid offline_access",
                "openid",
                false,
                "offline_access openid",
                true,
            ),
            (
                "openid offline_access",
                "openid",
                false,
                "offline_access",
                false,
            ),
            ("openid", "openid", true, "offline_access", true),
            ("openid", "openid", false, "offline_access", false),
            ("read write", "read", true, "read write", true),
            ("read write", "read", true, "read", true),
            ("read write", "read", true, "write", false),
            ("read", "read write", true, "write", true),
            ("read", "read", true, "read admin", false),
            ("read", "read", true, "", true),
        ] {
            (stored.scopes_requested, stored.scopes) = (list(requested), list(granted));
            stored.refresh_token = refreshable.then(|| crate::oauth::secret::Secret::new("r"));
            assert_eq!(
                covers(&stored, &list(asked)),
                expected,
                "{requested} {granted} {refreshable} {asked}"
            );
        }
    }
}
