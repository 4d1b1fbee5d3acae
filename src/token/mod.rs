//! The live access token: this program is the one that refreshes, and any number of its processes refresh once.
//!
//! Look into the store; if the token is due, take the login's lock and look again, for somebody else may have refreshed
//! meanwhile; else note in the journal what is about to happen, and let a process of its own do it ([`refresher`]).

pub mod refresher;

use std::time::Duration;

use url::Url;

use crate::clock::Deadline;
use crate::error::LoginError;
use crate::providers;
use crate::store::journal::Journal;
use crate::store::{Credentials, HandedOver, IndexEntry, Key, Patience, Store, DEFAULT_PROFILE};
use crate::tools::Tools;

/// Longest time for the whole of it: the programs that call this give up after 10 s.
pub const LIMIT: Duration = Duration::from_secs(8);

/// A refresh is not begun with less time left than this.
const LEAST_TIME: Duration = Duration::from_secs(5);

/// What a caller needs.
#[derive(Clone, Copy, Debug)]
pub struct Need {
    /// The least time that the token has to live on.
    pub min_ttl: Duration,
    /// Refresh in any case, once.
    pub refresh: bool,
}

impl Need {
    /// Tells whether a token is due: less is left than what is needed, or than half its life if that is shorter.
    pub fn is_due(&self, kept: &Credentials) -> bool {
        let Some(expires_at) = kept.expires_at else { return false };
        let lifetime = expires_at.0.saturating_sub(kept.obtained_at.0);
        let needed = i64::try_from(self.min_ttl.as_secs()).unwrap_or(i64::MAX);
        expires_at.seconds_left() < needed.min(lifetime / 2).max(1)
    }
}

/// Returns credentials whose access token is live now.
///
/// # Errors
///
/// [`LoginError::NotLoggedIn`] if only a login helps; [`LoginError::Busy`] if the time is up, which changes nothing.
pub fn live(key: &Key, need: Need, tools: &Tools, deadline: Deadline) -> Result<Credentials, LoginError> {
    let store = Store::open_to_read(&tools.store, &tools.data_dir, Patience::Strict);
    let seen = load(&store, key)?;
    if !need.refresh && !need.is_due(&seen) {
        return Ok(seen);
    }
    if seen.refresh_token.is_none() && need.refresh {
        return Err(needs_login(key, "it cannot be refreshed, for the server gave no refresh token"));
    }
    if seen.refresh_token.is_none() {
        return without_refresh_token(seen);
    }
    let journal = Journal::of(&tools.data_dir, &tools.store, key);
    let lock = journal.lock(deadline.min(Deadline::after(LIMIT))).map_err(|err| match &err {
        _ if deadline.passed() => LoginError::Busy { server: key.server.clone() },
        _ => LoginError::unreadable(key, err),
    })?;
    let kept = load(&store, key)?;
    let renewed = kept.generation != seen.generation && !kept.needs_login;
    if !need.is_due(&kept) && (renewed || !need.refresh) {
        return Ok(kept);
    }
    if kept.refresh_token.is_none() {
        return without_refresh_token(kept);
    }
    if kept.needs_login {
        let why = "its refresh token was refused before";
        let meaning = refresher::meaning(&kept, "invalid_grant");
        return Err(needs_login_again(&kept, &meaning.map_or(why.to_owned(), |it| format!("{why}: {it}"))));
    }
    if deadline.left() < LEAST_TIME {
        return Err(LoginError::Busy { server: key.server.clone() });
    }
    refresher::refresh(key, tools, lock, deadline)?;
    without_refresh_token(load(&store, key)?)
}

/// Returns the credentials of a login that is ours.
///
/// # Errors
///
/// [`LoginError::NotLoggedIn`] if there is none, or if another program has it.
pub fn load(store: &Store, key: &Key) -> Result<Credentials, LoginError> {
    let kept = store.load(key).map_err(|err| LoginError::unreadable(key, err))?;
    let kept = kept.ok_or_else(|| no_login(store, key))?;
    let Some(HandedOver { to, at }) = &kept.handed_over else { return Ok(kept) };
    let at = at.rfc3339();
    Err(needs_login(
        key,
        &match kept.refresh_token {
            None => format!("it was handed over to {to} at {at}, which refreshes it from then on"),
            // Two programs that use one refresh token lose it, so nobody but a person can tell what to do.
            Some(_) => format!("its hand-over to {to} at {at} was interrupted, and {to} may be using it"),
        },
    ))
}

/// Says that there is no login, and whether there is one that was perhaps meant: to the same host, or of another profile.
fn no_login(store: &Store, key: &Key) -> LoginError {
    let host = |server: &str| Url::parse(server).ok()?.host_str().map(str::to_owned);
    let is_near =
        |other: &Key| other.server == key.server || host(&other.server).is_some_and(|it| Some(it) == host(&key.server));
    let near = store.list().unwrap_or_default().iter().map(IndexEntry::key).find(is_near);
    match (needs_login(key, "there is no login to it in the store"), near) {
        (LoginError::NotLoggedIn { message, hint }, Some(near)) => LoginError::NotLoggedIn {
            message,
            hint: format!("did you mean {}{}, which is logged in? If not: {hint}", option(&near), near.server),
        },
        (err, _) => err,
    }
}

/// A token without a refresh token serves until it expires.
fn without_refresh_token(kept: Credentials) -> Result<Credentials, LoginError> {
    if kept.expires_at.is_none_or(|expires_at| expires_at.seconds_left() > 0) {
        return Ok(kept);
    }
    Err(needs_login_again(&kept, "its access token has expired, and there is no refresh token"))
}

/// Says that only a login helps, and how.
pub fn needs_login(key: &Key, why: &str) -> LoginError {
    let how = if providers::find(&key.server).is_some() { "--provider " } else { "" };
    not_logged_in(key, &format!("{how}{}", key.server), why)
}

/// Says that this login has to be made again, and how.
pub fn needs_login_again(kept: &Credentials, why: &str) -> LoginError {
    let (server, key) = (&kept.server, kept.key());
    let provider = kept.provider.as_deref().filter(|_| !server.contains("://")).and_then(providers::find);
    let how = match provider.map(|provider| (provider.name, provider.options(&kept.issuer))) {
        Some((name, options)) if name == server => options,
        Some((_, options)) => format!("{options} {server}"),
        None => server.clone(),
    };
    not_logged_in(&key, &how, why)
}

fn not_logged_in(key: &Key, how: &str, why: &str) -> LoginError {
    LoginError::NotLoggedIn {
        message: format!("{} needs a login: {why}", key.server),
        hint: format!("mcp-login {}{how}", option(key)),
    }
}

/// Returns the option that names the profile, if it is not the default one.
fn option(key: &Key) -> String {
    if key.profile == DEFAULT_PROFILE {
        return String::new();
    }
    format!("--profile {} ", key.profile)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Time;

    #[test]
    fn when_a_token_is_due() {
        let key = Key { server: "https://mcp.example".into(), profile: "default".into() };
        let mut kept = crate::store::tests::credentials(&key);
        let now = Time::now();
        let need = Need { min_ttl: Duration::from_secs(60), refresh: false };
        for (age, left, due) in [
            (0, Some(3600), false),
            (3500, Some(100), false),
            (3550, Some(50), true),
            (3700, Some(-100), true),
            (0, Some(60), false),
            (0, Some(40), false),
            (25, Some(15), true),
            (0, Some(1), false),
            (1, Some(0), true),
            (9999, None, false),
        ] {
            kept.obtained_at = Time(now.0 - age);
            kept.expires_at = left.map(|left| Time(now.0 + left));
            assert_eq!(need.is_due(&kept), due, "{age} {left:?}");
        }
    }
}
