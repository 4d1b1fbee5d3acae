//! The access token: that of the stored login, refreshed ahead of time and once when the server refuses it.
//!
//! All requests share one token. Whoever finds it due or refused refreshes it, and the others wait for that; other processes
//! are kept out by the lock of the refresh itself.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::context::Context;
use crate::error::{Error, ErrorReport};
use crate::failure::Class;
use crate::oauth::secret::{quotes, Secret};
use crate::os::sync::lock;
use crate::refresh::{self, Freshness};
use crate::store::{Credentials, Interaction, StoredId};

/// What the token has to live on, or half its life if that is shorter.
const NEED: Freshness = Freshness::new(Duration::from_secs(60), false);

/// How long a token that the server refused although it was fresh is not refreshed again, and how long a token that lives
/// on is used before a failed refresh is tried again.
const PATIENCE: Duration = Duration::from_secs(60);

/// The login that the bridge uses.
pub struct TokenSource {
    key: StoredId,
    context: Arc<Context>,
    state: Mutex<TokenState>,
}

#[derive(Default)]
struct TokenState {
    login: Option<Arc<Credentials>>,
    /// When a refresh failed last, and why.
    failed: Option<(Instant, ErrorReport)>,
    /// The fresh token that the server refused, when, and whether it takes only bound ones.
    refused: Option<(Secret, Instant, bool)>,
}

impl TokenSource {
    /// Prepares; the store is not read yet.
    pub fn new(key: StoredId, context: Arc<Context>) -> Self {
        Self {
            key,
            context,
            state: Mutex::default(),
        }
    }

    /// Returns the login with a live token, another one than `refused`; `None` if there is no login at all.
    ///
    /// # Errors
    ///
    /// Those of [`refresh::live_instead_of`].
    pub fn live(&self, refused: Option<&Secret>) -> Result<Option<Arc<Credentials>>, Error> {
        let asked = Instant::now();
        let mut state = lock(&self.state);
        let failed_before = state.failed.as_ref();
        // Somebody else tried while this request waited for it; or it has just tried itself, ahead of time.
        let is_same =
            |at: &Instant| *at >= asked || refused.is_some() && at.elapsed() < refresh::LIMIT;
        if let Some((_, report)) = failed_before.filter(|(at, _)| is_same(at)) {
            return Err(Error::Reported(report.clone()));
        }
        let failed_lately = failed_before.is_some_and(|(at, _)| at.elapsed() < PATIENCE);
        if let Some(login) = &state.login {
            let is_good = refused != Some(&login.access_token);
            if is_good && (!NEED.is_due(login) || failed_lately && is_alive(login)) {
                return Ok(Some(Arc::clone(login)));
            }
        }
        let hopeless = state
            .refused
            .as_ref()
            .filter(|(token, at, _)| Some(token) == refused && at.elapsed() < PATIENCE);
        if let Some((_, _, wants_bound)) = hopeless {
            let wants_bound = *wants_bound;
            return self.another(&mut state, refused, wants_bound);
        }
        match refresh::live_instead_of(refused, &self.key, NEED, &self.context) {
            Ok(login) => {
                state.failed = None;
                Ok(Some(state.keep(login)))
            }
            Err(err) => self.without_refresh(&mut state, refused, err),
        }
    }

    /// Notes that the server refused a token that was fresh, and whether it takes only bound ones.
    pub fn refuse(&self, login: &Credentials, wants_bound: bool) {
        let token = login.access_token.clone();
        lock(&self.state).refused = Some((token, Instant::now(), wants_bound));
    }

    /// Returns another login than the one with this token, if there is one in the store by now.
    ///
    /// # Errors
    ///
    /// Those of reading the store.
    pub fn newer(&self, than: &Secret) -> Result<Option<Arc<Credentials>>, Error> {
        let mut state = lock(&self.state);
        let stored = self
            .stored()?
            .filter(|stored| stored.access_token != *than && !stored.needs_login);
        Ok(stored.map(|stored| state.keep(stored)))
    }

    /// Returns a text without the tokens that the server was sent lately.
    pub fn remove_from(&self, text: &str) -> String {
        let state = lock(&self.state);
        let current = state.login.as_ref().map(|login| &login.access_token);
        let refused = state.refused.as_ref().map(|(token, ..)| token);
        let tokens = [current, refused].into_iter().flatten();
        let tokens: Vec<_> = tokens
            .map(Secret::expose)
            .filter(|token| !token.is_empty())
            .collect();
        let text = tokens
            .iter()
            .fold(text.to_owned(), |text, token| text.replace(token, "***"));
        match quotes(&text, &tokens, "") {
            true => "***".to_owned(),
            false => text,
        }
    }

    /// Says that only a login helps; `wants_bound` if the server takes only tokens that are bound to a key.
    pub fn needs_login(&self, login: Option<&Credentials>, wants_bound: bool) -> Error {
        let settings = &self.context.settings;
        let options: &[_] = if wants_bound { &["--dpop"] } else { &[] };
        match login {
            Some(login) => refresh::refused(login, wants_bound, settings),
            None => {
                let why = "there is no login to it in the store";
                refresh::needs_login(&self.key, why, options, settings)
            }
        }
    }

    /// Says that the server wants scopes that the login lacks. The command asks for these and for those that it has.
    pub fn needs_scopes(&self, login: &Credentials, challenge: &str, wanted: &str) -> Error {
        let why = format!("the server wants more than the login may do: {wanted}");
        let options = ["--challenge", challenge];
        refresh::needs_login_again(login, &why, &options, &self.context.settings)
    }

    /// Says that the server refuses whoever the login is for; only another one may help.
    pub fn forbidden(&self, words: &str) -> Error {
        let settings = &self.context.settings;
        let login = lock(&self.state).login.clone();
        Error::AccountRefused {
            server: self.key.server.clone(),
            words: words.to_owned(),
            login: match login {
                Some(login) => settings.login_again(&login, &["--force"]),
                None => settings.login(&self.key, &[]),
            },
        }
    }

    /// What remains where no refresh is possible: a token that lives on, or a server that perhaps needs no login.
    fn without_refresh(
        &self,
        state: &mut TokenState,
        refused: Option<&Secret>,
        err: Error,
    ) -> Result<Option<Arc<Credentials>>, Error> {
        let report = err.report();
        if report.class == Class::LoginNeeded {
            state.login = None;
            let may_need_none = refused.is_none() && self.context.unstored.is_none();
            if may_need_none && self.stored()?.is_none() {
                return Ok(None);
            }
        }
        state.failed = Some((Instant::now(), report.clone()));
        let stored = match report.class {
            Class::Unavailable => self.stored()?,
            _ => None,
        };
        match stored.filter(|stored| refused != Some(&stored.access_token) && is_alive(stored)) {
            Some(stored) => {
                log::info!("{}; its token lives on", report.message);
                Ok(Some(state.keep(stored)))
            }
            None => Err(err),
        }
    }

    fn another(
        &self,
        state: &mut TokenState,
        refused: Option<&Secret>,
        wants_bound: bool,
    ) -> Result<Option<Arc<Credentials>>, Error> {
        match self.stored()? {
            Some(stored) if refused == Some(&stored.access_token) => {
                Err(self.needs_login(Some(&stored), wants_bound))
            }
            Some(stored) => Ok(Some(state.keep(stored))),
            None => Err(self.needs_login(None, wants_bound)),
        }
    }

    fn stored(&self) -> Result<Option<Credentials>, Error> {
        if let Some(unstored) = &self.context.unstored {
            return Ok(unstored.hold().clone());
        }
        let store = self.context.store_to_read(Interaction::None);
        store
            .load(&self.key)
            .map_err(|err| Error::unreadable(&self.key, err))
    }
}

impl TokenState {
    fn keep(&mut self, login: Credentials) -> Arc<Credentials> {
        let login = Arc::new(login);
        self.login = Some(Arc::clone(&login));
        login
    }
}

fn is_alive(login: &Credentials) -> bool {
    !login.needs_login && !login.has_expired()
}
