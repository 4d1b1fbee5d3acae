//! The account that a login is for: as the provider names it, or as the user expects it.

use std::time::Duration;

use url::Url;

use super::pending::PendingAuthorization;
use crate::http::dpop::{Dpop, TokenCredential};
use crate::http::Http;
use crate::oauth::id_token;
use crate::oauth::secret::Secret;
use crate::oauth::text::printable;
use crate::oauth::token::{self, TokenType, Tokens};
use crate::os::clock::Time;
use crate::warning::warn_user;

/// Longest time for asking the provider: the browser waits meanwhile, and the login is good without it.
const LIMIT: Duration = Duration::from_secs(8);

/// Finds the account: in the ID token; at a provider also at its userinfo endpoint, and if neither names one, it is the
/// account that the user named.
pub fn find(pending: &PendingAuthorization, tokens: &Tokens) -> Option<String> {
    let preparation = &pending.preparation;
    let request = &preparation.request;
    let in_id_token = tokens
        .id_token
        .as_ref()
        .and_then(|token| read_id_token(token, pending));
    let Some(provider) = request.provider else {
        return in_id_token;
    };
    let is_address = in_id_token
        .as_ref()
        .is_some_and(|account| account.contains('@'));
    let endpoint = preparation.discovery.server.userinfo_endpoint.as_ref();
    let at_provider = endpoint.filter(|_| !is_address).and_then(|url| {
        let http = preparation.http.within(LIMIT);
        ask_userinfo(url, preparation.dpop.as_ref(), tokens, &http)
    });
    let account = at_provider.or(in_id_token);
    match (&account, &request.login_hint) {
        (None, Some(hint)) => {
            warn_user!(
                AccountUnknown,
                "{} does not say whose account this is; taking {}, as you named it",
                provider.title,
                printable(hint)
            );
            return Some(hint.clone());
        }
        (Some(account), Some(hint)) if account != hint => {
            warn_user!(
                OtherAccount,
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
fn read_id_token(id_token: &Secret, pending: &PendingAuthorization) -> Option<String> {
    let (preparation, client) = (&pending.preparation, &pending.client);
    let nonce = pending.authorization().and_then(|it| it.nonce.as_ref());
    let issuer = preparation.discovery.server.issuer.as_str();
    // For all tenants at once, each token names its own.
    let is_tenant = |iss: &str| {
        preparation.provider().is_some_and(|provider| {
            provider.tenant_of(issuer).is_some() && provider.tenant_of(iss).is_some()
        })
    };
    let expected = id_token::ExpectedClaims {
        issuer,
        client_id: &client.id,
        nonce: nonce.map(Secret::expose),
        now: Time::now().unix_seconds(),
    };
    match id_token::account(id_token.expose(), &expected, is_tenant) {
        Ok(account) => account,
        Err(why) => {
            log::info!("the ID token does not tell whose account this is: {why}");
            None
        }
    }
}

fn ask_userinfo(url: &Url, dpop: Option<&Dpop>, tokens: &Tokens, http: &Http) -> Option<String> {
    let is_bound = tokens.token_type == TokenType::Dpop;
    let credential = TokenCredential::new(&tokens.access_token, dpop.filter(|_| is_bound).cloned());
    let response = credential.send("GET", url, |headers| http.get(url, headers));
    let body = response.and_then(|response| match response.status {
        200 => response.read().map(Some),
        _ => Ok(None),
    });
    match body {
        Ok(body) => token::userinfo_account(&body?),
        Err(err) => {
            log::info!("cannot ask whose account this is: {err}");
            None
        }
    }
}
