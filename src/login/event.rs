//! What a run of logins reports while it goes on, and how it ends.

use std::time::Duration;

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use super::{AnswerSource, Reason};
use crate::error::Error;
use crate::os::browser::Skip;
use crate::os::clock::Time;
use crate::store::{Credentials, GrantType, Place, StoredId};

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

/// What happens while logins go on, for the user and for scripts. In JSON the order of the members is part of the contract;
/// what is skipped there is for people only.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event<'a> {
    /// The socket of a login is bound.
    Listening {
        /// The server to log in to.
        server: &'a str,
        /// The redirect URI.
        redirect_uri: &'a str,
    },
    /// The socket of a login could not be bound; it goes on by paste.
    #[serde(skip)]
    NotListening {
        /// The server to log in to.
        server: &'a str,
        /// Why there is no socket.
        failure: &'a Error,
    },
    /// The page that the user has to see.
    AuthorizationUrl(AuthorizationPage<'a>),
    /// The code that the user has to enter.
    DeviceCode(DevicePage<'a>),
    /// Messages were not accepted; the wait goes on.
    Rejected {
        /// Whose socket they came to; `None` for a paste that belongs to no login.
        server: Option<&'a str>,
        /// Where they came from.
        source: AnswerSource,
        /// Why they were not accepted.
        reason: Reason,
        /// What the user may know about the first of them.
        #[serde(skip)]
        detail: Option<&'a str>,
        /// How many they are.
        #[serde(skip_serializing_if = "is_one")]
        count: u64,
    },
    /// An answer was accepted; its code is exchanged now.
    AnswerReceived {
        /// The server to log in to.
        server: &'a str,
    },
    /// A signal ends the run before these logins are complete.
    #[serde(skip)]
    Cancelled {
        /// The servers to log in to.
        servers: &'a [String],
        /// How many logins of the run are complete and stored.
        stored: usize,
    },
    /// Nothing has come for a while.
    #[serde(skip)]
    Silent {
        /// The server to log in to.
        server: &'a str,
        /// What the authorization server was asked for, as a part of a sentence.
        asked: &'a str,
    },
    /// The server refused our registration; a new one is made.
    #[serde(skip)]
    Registering {
        /// The server to log in to.
        server: &'a str,
    },
    /// Nothing can be pasted any more.
    #[serde(skip)]
    PasteEnded,
    /// A second has passed.
    #[serde(skip)]
    Waiting {
        /// How many logins of the run still wait for their answer.
        open: usize,
        /// How many logins the run has.
        total: usize,
        /// How much time is left.
        left: Duration,
        /// Whether all that is waited for is that codes are entered.
        for_code: bool,
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
    #[serde(skip)]
    Failed {
        /// The server to log in to.
        server: &'a str,
        /// What went wrong.
        error: &'a Error,
    },
}

/// The page that the user has to see, and how it can be reached.
#[derive(Debug, Serialize)]
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
    #[serde(skip)]
    pub skip: Option<Skip>,
    /// The answer can be pasted.
    #[serde(skip)]
    pub paste: bool,
    /// The answer could be pasted if the program were not in the background of its shell.
    #[serde(skip)]
    pub in_background: bool,
    /// The answer can come to our socket.
    #[serde(skip)]
    pub listening: bool,
}

/// The page on which the user enters a code.
#[derive(Debug, Serialize)]
pub struct DevicePage<'a> {
    /// The server to log in to.
    pub server: &'a str,
    /// The page.
    pub verification_uri: &'a str,
    /// The page with the code in its URL.
    pub verification_uri_complete: Option<&'a str>,
    /// The code.
    pub user_code: &'a str,
    /// When the code expires, or the wait ends.
    pub expires_at: Time,
    /// The authorization server.
    #[serde(skip)]
    pub issuer: &'a str,
    /// The scopes that are requested.
    #[serde(skip)]
    pub scopes: &'a [String],
    /// Why no browser is opened; `None` if one is.
    #[serde(skip)]
    pub skip: Option<Skip>,
}

/// A login that is complete and stored.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Its name in the store.
    #[serde(flatten)]
    pub key: StoredId,
    /// The authorization server.
    pub issuer: String,
    /// Our client identifier there.
    pub client_id: String,
    /// The scopes that were granted.
    pub scopes: Vec<String>,
    /// When the access token expires.
    pub expires_at: Option<Time>,
    /// Whether there is a refresh token.
    pub refreshable: bool,
    /// Where it is stored, if that is known.
    #[serde(flatten, serialize_with = "store_and_path")]
    pub place: Option<Box<Place>>,
    /// The grant, if no person took part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<GrantType>,
    /// The user's account, as far as the server names it.
    pub account: Option<String>,
    /// It was stored before: nothing had to be done.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub already: bool,
}

/// Writes the members `store` and `path`, which are null if they are not known.
fn store_and_path<S: Serializer>(
    place: &Option<Box<Place>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let path = place.as_ref().and_then(|place| place.path.as_ref());
    let mut members = serializer.serialize_map(Some(2))?;
    members.serialize_entry("store", &place.as_ref().map(|place| &place.name))?;
    members.serialize_entry("path", &path.map(|path| path.display().to_string()))?;
    members.end()
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde hands out references
fn is_one(count: &u64) -> bool {
    *count == 1
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
            refreshable: credentials.is_renewable() && !credentials.needs_login,
            grant: credentials.grant.known().filter(|it| it.is_unattended()),
            place: place.map(Box::new),
            already,
        }
    }
}
