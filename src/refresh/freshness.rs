//! Whether a login has to be refreshed, for what its caller needs.

use std::time::Duration;

use super::needs_login::{needs_login_again, refused_before};
use crate::context::Settings;
use crate::error::Error;
use crate::store::Credentials;

/// What a caller needs.
#[derive(Clone, Copy, Debug)]
pub struct Freshness {
    /// The least time that the token has to live on.
    pub min_ttl: Duration,
    /// Refresh in any case, once.
    pub refresh: bool,
}

impl Freshness {
    /// A token that lives on for this time at least; in any case a new one, if `refresh`.
    pub const fn new(min_ttl: Duration, refresh: bool) -> Self {
        Self { min_ttl, refresh }
    }

    /// Tells whether a token is due: less is left than what is needed, or than half its life if that is shorter; or it is
    /// from the future, so that the clock was wrong then or is wrong now, and nobody knows when it expires.
    pub fn is_due(&self, login: &Credentials) -> bool {
        let Some(expires_at) = login.expires_at else {
            return false;
        };
        let lifetime = expires_at.seconds_since(login.obtained_at);
        let needed = i64::try_from(self.min_ttl.as_secs()).unwrap_or(i64::MAX);
        login.is_from_the_future() || expires_at.seconds_left() < needed.min(lifetime / 2).max(1)
    }

    /// Tells whether a login gives the caller what it needs, so that nothing is refreshed. `seen` is the login as the
    /// caller saw it before it waited for the lock.
    ///
    /// # Errors
    ///
    /// [`Error::NotLoggedIn`] if only a login helps.
    pub(super) fn is_met_by(
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
            (false, false) if !login.has_expired() => return Ok(true),
            (false, false) => "its access token has expired, and there is no refresh token",
            (false, true) => "it cannot be refreshed, for the server gave no refresh token",
        };
        // As long as the token lives, only --force makes a login of it.
        let options: &[&str] = match login.has_expired() || login.needs_login {
            true => &[],
            false => &["--force"],
        };
        Err(needs_login_again(login, why, options, settings))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::clock::Time;
    use crate::store::StoredId;

    fn login() -> Credentials {
        crate::store::tests::credentials(&StoredId::new("https://mcp.example", "default"))
    }

    fn need(min_ttl: Duration) -> Freshness {
        Freshness::new(min_ttl, false)
    }

    #[test]
    fn when_a_token_is_due() {
        let (mut login, now) = (login(), Time::now());
        let need = need(Duration::from_secs(60));
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
            login.obtained_at = Time::at(now.unix_seconds() - age);
            login.expires_at = left.map(|left| Time::at(now.unix_seconds() + left));
            assert_eq!(need.is_due(&login), due, "{age} {left:?}");
        }
    }

    #[test]
    fn e8_a_token_from_the_future_is_due() {
        let (mut login, now) = (login(), Time::now());
        let need = need(Duration::from_secs(60));
        for (ahead, life, due) in [
            (7200, Some(3600), true),
            (7200, Some(86_400), true),
            (61, Some(3600), true),
            (1, Some(3600), false),
            (0, Some(3600), false),
            (-7200, Some(86_400), false),
            (7200, None, false),
        ] {
            login.obtained_at = Time::at(now.unix_seconds() + ahead);
            login.expires_at = life.map(|life| Time::at(now.unix_seconds() + ahead + life));
            assert_eq!(need.is_due(&login), due, "{ahead} {life:?}");
        }
    }

    #[test]
    fn a13_no_time_at_all_may_be_asked_for() {
        let (mut login, need) = (login(), need(Duration::ZERO));
        for (left, due) in [(3600, false), (5, false), (0, true), (-5, true)] {
            login.obtained_at = Time::at(Time::now().unix_seconds() - 3600);
            login.expires_at = Some(Time::at(Time::now().unix_seconds() + left));
            assert_eq!(need.is_due(&login), due, "{left}");
        }
    }
}
