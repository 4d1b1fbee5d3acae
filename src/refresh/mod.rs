//! The live access token: this program is the one that refreshes, and any number of its processes refresh once.
//!
//! Look into the store; if the token is due, take the login's lock and look again, for somebody else may have refreshed
//! meanwhile; else note in the journal what is about to happen, and let a process of its own do it ([`refresher`]).

mod command;
mod credential;
#[cfg(test)]
mod hostile_tests;
mod id_jag;
mod journal;
mod locked;
pub mod refresher;
mod renewal;
mod unattended;
mod unstored;

use std::time::Duration;

use url::Url;

use crate::context::{Context, Settings};
use crate::error::Error;
use crate::failure::Hint;
use crate::oauth::secret::Secret;
use crate::os::clock::{Deadline, Time};
use crate::store::{
    Credentials, HandedOver, IndexEntry, Interaction, Store, Stored, StoredId, DEFAULT_PROFILE,
};

pub use credential::{credential, dpop, warn_of_no_binding};
pub use journal::{unfinished, RefreshNote};
pub use locked::LockedLogin;
pub use unattended::obtain;

/// Longest time for the whole of it: the programs that call this give up after 10 s.
pub const LIMIT: Duration = Duration::from_secs(8);

/// A refresh is not begun with less time left than this.
const LEAST_TIME: Duration = Duration::from_secs(5);

/// Longest wait for the lock where a login is only to be marked.
const MARK_LIMIT: Duration = Duration::from_secs(3);

/// What a caller needs.
#[derive(Clone, Copy, Debug)]
pub struct Freshness {
    /// The least time that the token has to live on.
    pub min_ttl: Duration,
    /// Refresh in any case, once.
    pub refresh: bool,
}

impl Freshness {
    /// Tells whether a token is due: less is left than what is needed, or than half its life if that is shorter; or it is
    /// from the future, so that the clock was wrong then or is wrong now, and nobody knows when it expires.
    pub fn is_due(&self, login: &Credentials) -> bool {
        let Some(expires_at) = login.expires_at else {
            return false;
        };
        let lifetime = expires_at.0.saturating_sub(login.obtained_at.0);
        let needed = i64::try_from(self.min_ttl.as_secs()).unwrap_or(i64::MAX);
        login.is_from_the_future() || expires_at.seconds_left() < needed.min(lifetime / 2).max(1)
    }

    /// Tells whether a login gives the caller what it needs, so that nothing is refreshed. `seen` is the login as the
    /// caller saw it before it waited for the lock.
    ///
    /// # Errors
    ///
    /// [`Error::NotLoggedIn`] if only a login helps.
    fn is_met_by(
        &self,
        login: &Credentials,
        seen: Option<&Credentials>,
        settings: &Settings,
    ) -> Result<bool, Error> {
        // What came while the caller waited is as new as anything that it could ask for.
        let is_new =
            seen.is_some_and(|seen| seen.access_token != login.access_token) && !login.needs_login;
        if is_new || !self.refresh && !self.is_due(login) {
            return Ok(true);
        }
        // A refused login is tried again only with --refresh, by a caller that knew of the refusal.
        let was_refused = seen.is_none_or(|seen| seen.needs_login);
        if login.needs_login && !(self.refresh && was_refused) {
            return Err(refused_before(login, settings));
        }
        let why = match (login.is_renewable(), self.refresh) {
            (true, _) => return Ok(false),
            // A token without a refresh token serves until it expires.
            (false, false) if !has_expired(login) => return Ok(true),
            (false, false) => "its access token has expired, and there is no refresh token",
            (false, true) => "it cannot be refreshed, for the server gave no refresh token",
        };
        // As long as the token lives, only --force makes a login of it.
        let options: &[&str] = match has_expired(login) || login.needs_login {
            true => &[],
            false => &["--force"],
        };
        Err(needs_login_again(login, why, options, settings))
    }
}

/// Returns credentials whose access token is live now.
///
/// # Errors
///
/// [`Error::NotLoggedIn`] if only a login helps; [`Error::Busy`] if the time is up, which changes nothing.
pub fn live(key: &StoredId, need: Freshness, context: &Context) -> Result<Credentials, Error> {
    live_instead_of(None, key, need, context)
}

/// As [`live`], for a caller whose access token the server refuses: a newer one that is stored already is enough; else that
/// token is refreshed, whatever life it has left.
///
/// # Errors
///
/// Those of [`live`].
pub fn live_instead_of(
    refused: Option<&Secret>,
    key: &StoredId,
    need: Freshness,
    context: &Context,
) -> Result<Credentials, Error> {
    if let Some(unstored) = &context.unstored {
        return unstored::live(unstored, refused, need, context);
    }
    live_stored(refused, key, need, &context.settings)
}

fn live_stored(
    refused: Option<&Secret>,
    key: &StoredId,
    need: Freshness,
    settings: &Settings,
) -> Result<Credentials, Error> {
    let deadline = Deadline::after(LIMIT);
    let store = settings.store_to_read(Interaction::None);
    let busy = || Error::Busy {
        server: key.server.clone(),
    };
    let found = find(&store, key, settings)?;
    let seen = &found.credentials;
    let is_refused = |login: &Credentials| refused == Some(&login.access_token);
    let need_of = |login: &Credentials| Freshness {
        refresh: need.refresh || is_refused(login),
        ..need
    };
    if is_refused(seen) && seen.needs_login {
        return Err(refused_before(seen, settings));
    }
    let check_replaceable = || {
        let checked = store.backend(&found).check_replaceable();
        checked.map_err(|err| Error::not_stored(key, err))
    };
    if need_of(seen).refresh {
        check_replaceable()?;
    }
    if need_of(seen).is_met_by(seen, None, settings)? {
        return Ok(found.credentials);
    }
    check_replaceable()?;
    let mut has_refresher = true;
    loop {
        let locked = LockedLogin::acquire(&store, key, deadline);
        let locked = locked.map_err(|err| match deadline.passed() {
            true => busy(),
            false => Error::not_stored(key, err),
        })?;
        // Whoever held the lock may have refreshed.
        let now = locked.ours(settings)?.credentials;
        if need_of(&now).is_met_by(&now, Some(seen), settings)? {
            return Ok(now);
        }
        if deadline.left() < LEAST_TIME {
            return Err(busy());
        }
        let refreshed = match has_refresher {
            true => refresher::refresh(locked, settings, deadline)?,
            false => {
                let seen = locked.generation();
                Some(renewal::renew(locked, seen, settings, deadline)?)
            }
        };
        match refreshed {
            Some(login) => return check_ours(login, settings),
            // The refresher did not get the lock, and spent nothing.
            None => has_refresher = false,
        }
    }
}

/// Marks a login whose access token the server refuses: nobody is given that token again. A login that was renewed
/// meanwhile is left as it is.
///
/// # Errors
///
/// [`Error::Store`] if the mark could not be stored.
pub fn mark_access_token_refused(refused: &Credentials, context: &Context) -> Result<(), Error> {
    if let Some(unstored) = &context.unstored {
        unstored.forget();
        return Ok(());
    }
    mark_refused(refused, &context.settings)
}

/// Marks a login that is stored, as [`mark_access_token_refused`] does.
fn mark_refused(refused: &Credentials, settings: &Settings) -> Result<(), Error> {
    let key = &refused.key();
    let store = settings.store_to_read(Interaction::None);
    let deadline = Deadline::after(MARK_LIMIT);
    let mut locked =
        LockedLogin::acquire(&store, key, deadline).map_err(|err| Error::not_stored(key, err))?;
    locked.exclude_others(deadline)?;
    let stored = locked.stored().map_err(|err| Error::unreadable(key, err))?;
    let Some(mut login) = stored
        .map(|stored| stored.credentials.clone())
        .filter(|login| login.access_token == refused.access_token)
    else {
        return Ok(());
    };
    // Without a person the next request is for another token in any case.
    login.needs_login = !login.is_unattended();
    let now = Time::now();
    login.expires_at = Some(login.expires_at.map_or(now, |at| at.min(now)));
    store
        .save(&mut login)
        .map_err(|err| Error::not_stored(key, err))?;
    Ok(())
}

/// Returns the credentials of a login that is ours.
///
/// # Errors
///
/// [`Error::NotLoggedIn`] if there is none, or if another program has it.
pub fn load(store: &Store, key: &StoredId, settings: &Settings) -> Result<Credentials, Error> {
    Ok(find(store, key, settings)?.credentials)
}

/// As [`load`], with what is needed to replace the login.
fn find(store: &Store, key: &StoredId, settings: &Settings) -> Result<Stored, Error> {
    let found = store.find(key).map_err(|err| Error::unreadable(key, err))?;
    ours(found, store, key, settings)
}

/// Returns a login that was found, if there is one and no other program has it.
fn ours(
    found: Option<Stored>,
    store: &Store,
    key: &StoredId,
    settings: &Settings,
) -> Result<Stored, Error> {
    let mut found = found.ok_or_else(|| no_login(store, key, settings))?;
    found.credentials = check_ours(found.credentials, settings)?;
    Ok(found)
}

/// Returns the login if no other program has it.
fn check_ours(login: Credentials, settings: &Settings) -> Result<Credentials, Error> {
    let Some(HandedOver { to, at }) = &login.handed_over else {
        return Ok(login);
    };
    let at = at.rfc3339();
    let why = match login.refresh_token {
        None => format!("it was handed over to {to} at {at}, which refreshes it from then on"),
        // Two programs that use one refresh token lose it, so nobody but a person can tell what to do.
        Some(_) => {
            format!("its hand-over to {to} at {at} was interrupted, and {to} may be using it")
        }
    };
    Err(needs_login_again(&login, &why, &[], settings))
}

/// Says that there is no login, and whether there is one that was perhaps meant: of another profile, or at the same origin.
fn no_login(store: &Store, key: &StoredId, settings: &Settings) -> Error {
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
    Error::NotLoggedIn {
        message: format!(
            "{} needs a login: there is no login to it in the store",
            key.server
        ),
        hint: hint.unwrap_or(Hint::Login(login)),
    }
}

fn has_expired(login: &Credentials) -> bool {
    login
        .expires_at
        .is_some_and(|expires_at| expires_at.seconds_left() <= 0)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_a_token_is_due() {
        let key = StoredId::new("https://mcp.example", "default");
        let mut login = crate::store::tests::credentials(&key);
        let now = Time::now();
        let need = Freshness {
            min_ttl: Duration::from_secs(60),
            refresh: false,
        };
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
            login.obtained_at = Time(now.0 - age);
            login.expires_at = left.map(|left| Time(now.0 + left));
            assert_eq!(need.is_due(&login), due, "{age} {left:?}");
        }
    }

    #[test]
    fn e8_a_token_from_the_future_is_due() {
        let key = StoredId::new("https://mcp.example", "default");
        let mut login = crate::store::tests::credentials(&key);
        let now = Time::now();
        let need = Freshness {
            min_ttl: Duration::from_secs(60),
            refresh: false,
        };
        for (ahead, life, due) in [
            (7200, Some(3600), true),
            (7200, Some(86_400), true),
            (61, Some(3600), true),
            (1, Some(3600), false),
            (0, Some(3600), false),
            (-7200, Some(86_400), false),
            (7200, None, false),
        ] {
            login.obtained_at = Time(now.0 + ahead);
            login.expires_at = life.map(|life| Time(now.0 + ahead + life));
            assert_eq!(need.is_due(&login), due, "{ahead} {life:?}");
        }
    }

    #[test]
    fn a13_no_time_at_all_may_be_asked_for() {
        let key = StoredId::new("https://mcp.example", "default");
        let mut login = crate::store::tests::credentials(&key);
        let need = Freshness {
            min_ttl: Duration::ZERO,
            refresh: false,
        };
        for (left, due) in [(3600, false), (5, false), (0, true), (-5, true)] {
            login.obtained_at = Time(Time::now().0 - 3600);
            login.expires_at = Some(Time(Time::now().0 + left));
            assert_eq!(need.is_due(&login), due, "{left}");
        }
    }
}
