//! Why only a login helps, and the command for it.

use url::Url;

use super::renewal;
use crate::context::Settings;
use crate::error::Error;
use crate::failure::Hint;
use crate::store::{Credentials, HandedOver, IndexEntry, Store, StoredId, DEFAULT_PROFILE};

/// Returns the login if no other program has it.
pub(super) fn check_ours(login: Credentials, settings: &Settings) -> Result<Credentials, Error> {
    let Some(HandedOver { to, at }) = &login.handed_over else {
        return Ok(login);
    };
    let at = at.rfc3339();
    let why = match login.refresh_token {
        None => format!("it was handed over to {to} at {at}, which refreshes it from then on"),
        // Two programs that use one refresh token lose it, so nobody but a person can tell what to do.
        Some(_) => {
            format!("its hand-over to {to} at {at} is under way or was interrupted, and {to} may have it")
        }
    };
    Err(needs_login_again(&login, &why, &[], settings))
}

/// Says that there is no login, and whether there is one that was perhaps meant: of another profile, or at the same origin.
pub(super) fn no_login(store: &Store, key: &StoredId, settings: &Settings) -> Error {
    let origin = |server: &str| Url::parse(server).ok().map(|url| url.origin());
    let is_near =
        |other: &StoredId| origin(&other.server).is_some_and(|it| Some(it) == origin(&key.server));
    let logins: Vec<_> = store
        .list()
        .unwrap_or_default()
        .iter()
        .map(IndexEntry::key)
        .collect();
    let same_server = logins.iter().find(|other| other.server == key.server);
    let near = same_server.or_else(|| logins.iter().find(|other| is_near(other)));
    let login = settings.login(key, &[]);
    let hint = near.map(|near| {
        let meant = match (near.profile == key.profile, near.profile == DEFAULT_PROFILE) {
            (true, _) => near.server.clone(),
            (false, false) => format!("--profile {} {}", near.profile, near.server),
            (false, true) => format!("{} without --profile", near.server),
        };
        let meant = format!("did you mean {meant}, which is logged in? If not");
        Hint::Else(meant, login.clone())
    });
    let server = &key.server;
    Error::NotLoggedIn {
        message: format!("{server} needs a login: there is no login to it in the store"),
        hint: hint.unwrap_or(Hint::Login(login)),
    }
}

/// Says that only a login helps, as was found out before.
pub fn refused_before(login: &Credentials, settings: &Settings) -> Error {
    let why = "the server refused it before";
    let meaning = login
        .refresh_token
        .as_ref()
        .and_then(|_| renewal::meaning(login, "invalid_grant"));
    needs_login_again(
        login,
        &meaning.map_or(why.to_owned(), |it| format!("{why}: {it}")),
        &[],
        settings,
    )
}

/// Says that only a login helps, and how: with these options. The login may be unknown.
pub fn needs_login(key: &StoredId, why: &str, options: &[&str], settings: &Settings) -> Error {
    Error::NotLoggedIn {
        message: format!("{} needs a login: {why}", key.server),
        hint: Hint::Login(settings.login(key, options)),
    }
}

/// Says that this login has to be made again, and how: with these options beside those that it needs anyway.
pub fn needs_login_again(
    login: &Credentials,
    why: &str,
    options: &[&str],
    settings: &Settings,
) -> Error {
    Error::NotLoggedIn {
        message: format!("{} needs a login: {why}", login.server),
        hint: Hint::Login(settings.login_again(login, options)),
    }
}

/// Says that the server refuses a login; `wants_bound` if it takes only tokens that are bound to a key.
pub fn refused(login: &Credentials, wants_bound: bool, settings: &Settings) -> Error {
    if !wants_bound || login.is_bound() {
        let why = "it does not accept the stored login";
        return needs_login_again(login, why, &["--force"], settings);
    }
    if login.generation == 0 {
        // It was made for this run.
        return Error::DpopRequired {
            server: login.server.clone(),
            login: None,
        };
    }
    let why = "it accepts only tokens that are bound to a key (DPoP)";
    needs_login_again(login, why, &["--force", "--dpop"], settings)
}
