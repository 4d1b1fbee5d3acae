//! Whose account a login is for: what the provider says, and what the user expected.

use std::time::Duration;

use url::Url;

use super::{typed_urls, Attempt};
use crate::context::Context;
use crate::http::Http;
use crate::oauth::id_token;
use crate::oauth::secret::Secret;
use crate::oauth::text::printable;
use crate::oauth::token::{self, Tokens};
use crate::os::clock::Time;

/// Longest time for asking who the user is: the browser waits meanwhile, and the login is good without it.
const LIMIT: Duration = Duration::from_secs(8);

/// Finds out the account: from the ID token; at a provider also from its userinfo endpoint, and where there is none, it
/// is the one that the user named.
pub fn find(attempt: &Attempt, tokens: &Tokens, context: &Context) -> Option<String> {
    let (request, server) = (&attempt.request, &attempt.found.server);
    let told = tokens
        .id_token
        .as_ref()
        .and_then(|token| told(token, attempt));
    let Some(provider) = request.provider else {
        return told;
    };
    let is_address = told.as_ref().is_some_and(|account| account.contains('@'));
    let asked = server.userinfo_endpoint.as_ref().filter(|_| !is_address);
    let asked = asked.and_then(|url| ask(url, &tokens.access_token, &typed_urls(request), context));
    let account = asked.or(told);
    match (&account, &request.login_hint) {
        (None, Some(hint)) => {
            log::warn!(
                "{} does not say whose account this is; taking {}, as you named it",
                provider.title,
                printable(hint)
            );
            return Some(hint.clone());
        }
        (Some(account), Some(hint)) if account != hint => {
            log::warn!(
                "this is the account {}, and you named {}",
                printable(account),
                printable(hint)
            );
        }
        _ => {}
    }
    account
}

/// Reads the account in an ID token, if that was made for this login.
fn told(id_token: &Secret, attempt: &Attempt) -> Option<String> {
    let (issuer, client_id) = (
        attempt.found.server.issuer.as_str(),
        attempt.client.id.as_str(),
    );
    // For all tenants at once, each token names its own.
    let is_tenant = |iss: &str| {
        attempt
            .provider
            .is_some_and(|it| it.tenant_of(issuer).and(it.tenant_of(iss)).is_some())
    };
    let nonce = attempt.authorization.nonce.as_ref().map(Secret::expose);
    let expected = id_token::ExpectedClaims {
        issuer,
        client_id,
        nonce,
        now: Time::now().0,
    };
    let account = id_token::account(id_token.expose(), &expected, is_tenant);
    account
        .inspect_err(|why| log::info!("the ID token does not tell whose account this is: {why}"))
        .ok()
        .flatten()
}

fn ask(url: &Url, access_token: &Secret, typed: &[Url], context: &Context) -> Option<String> {
    let bearer = zeroize::Zeroizing::new(format!("Bearer {}", access_token.expose()));
    let response = Http::new(&context.http, typed, LIMIT).get(url, &[("Authorization", &bearer)]);
    let answer = response.and_then(|response| match response.status {
        200 => response.read().map(Some),
        _ => Ok(None),
    });
    match answer {
        Ok(body) => body.and_then(|body| token::userinfo_account(&body)),
        Err(err) => {
            log::info!("cannot ask whose account this is: {err}");
            None
        }
    }
}
