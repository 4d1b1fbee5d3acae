//! What a run of logins reports while it goes on, and how it ends.

use std::time::Duration;

use super::{Reason, Source};
use crate::error::Error;
use crate::os::browser::Skip;
use crate::os::clock::Time;
use crate::store::{Credentials, Place, StoredId};

/// How a run ended.
#[derive(Debug)]
pub enum Outcome {
    /// Every login is complete or has failed; in the order of the requests.
    Done(Vec<Result<Report, Error>>),
    /// A signal ended it.
    Signal(i32),
}

impl Outcome {
    /// Returns the failure of a run that was for one login.
    pub fn failure(&self) -> Option<&Error> {
        match self {
            Self::Done(results) if results.len() == 1 => results.first()?.as_ref().err(),
            Self::Done(_) | Self::Signal(_) => None,
        }
    }
}

/// What happens while logins go on, for the user and for scripts.
#[derive(Debug)]
pub enum Event<'a> {
    /// The socket of a login is bound.
    Listening {
        /// The server to log in to.
        server: &'a str,
        /// The redirect URI.
        redirect_uri: &'a str,
    },
    /// The socket of a login could not be bound; it goes on by paste.
    NotListening {
        /// The server to log in to.
        server: &'a str,
        /// Why there is no socket.
        failure: &'a Error,
    },
    /// The page that the user has to see.
    AuthorizationUrl(AuthorizationPage<'a>),
    /// Messages were not accepted; the wait goes on.
    Rejected {
        /// Whose socket they came to; `None` for a paste that belongs to no login.
        server: Option<&'a str>,
        /// Where they came from.
        source: Source,
        /// Why they were not accepted.
        reason: Reason,
        /// What the user may know about the first of them.
        detail: Option<&'a str>,
        /// How many they are.
        count: u64,
    },
    /// An answer was accepted; its code is exchanged now.
    AnswerReceived {
        /// The server to log in to.
        server: &'a str,
    },
    /// A signal ends the run before these logins are complete.
    Cancelled {
        /// The servers to log in to.
        servers: &'a [String],
        /// How many logins of the run are complete and stored.
        stored: usize,
    },
    /// Nothing has come for a while.
    Silent {
        /// The server to log in to.
        server: &'a str,
        /// What the authorization server was asked for, as a part of a sentence.
        asked: &'a str,
    },
    /// The server refused our registration; a new one is made.
    Registering {
        /// The server to log in to.
        server: &'a str,
    },
    /// Nothing can be pasted any more.
    PasteEnded,
    /// A second has passed.
    Waiting {
        /// How much time is left.
        left: Duration,
        /// Whether an answer can come to a socket.
        listening: bool,
        /// Whether something can be pasted now.
        paste: bool,
        /// How many bytes were typed or pasted that are not judged yet.
        pasted: usize,
    },
    /// A login is complete and stored.
    LoggedIn(&'a Report),
    /// A login failed.
    Failed {
        /// The server to log in to.
        server: &'a str,
        /// What went wrong.
        error: &'a Error,
    },
}

/// The page that the user has to see, and how it can be reached.
#[derive(Debug)]
pub struct AuthorizationPage<'a> {
    /// The server to log in to.
    pub server: &'a str,
    /// The authorization URL.
    pub url: &'a str,
    /// Where its answer goes.
    pub redirect_uri: &'a str,
    /// When the wait ends.
    pub expires_at: Time,
    /// Why no browser is opened; `None` if one is.
    pub skip: Option<Skip>,
    /// The answer can be pasted.
    pub paste: bool,
    /// The answer could be pasted if the program were not in the background of its shell.
    pub in_background: bool,
    /// The answer can come to our socket.
    pub listening: bool,
}

/// A login that is complete and stored.
#[derive(Clone, Debug)]
pub struct Report {
    /// Its name in the store.
    pub key: StoredId,
    /// The authorization server.
    pub issuer: String,
    /// Our client identifier there.
    pub client_id: String,
    /// The scopes that were granted.
    pub scopes: Vec<String>,
    /// The user's account, as far as the server names it.
    pub account: Option<String>,
    /// When the access token expires.
    pub expires_at: Option<Time>,
    /// Whether there is a refresh token.
    pub refreshable: bool,
    /// Where it is stored; `None` if the store does not say.
    pub place: Option<Box<Place>>,
    /// It was stored before: nothing had to be done.
    pub already: bool,
}

impl Report {
    pub(super) fn new(credentials: &Credentials, place: Option<Place>, already: bool) -> Self {
        Self {
            key: credentials.key(),
            issuer: credentials.issuer.clone(),
            client_id: credentials.client_id.clone(),
            scopes: credentials.scopes.clone(),
            account: credentials.account.clone(),
            expires_at: credentials.expires_at,
            refreshable: credentials.refresh_token.is_some() && !credentials.needs_login,
            place: place.map(Box::new),
            already,
        }
    }
}
