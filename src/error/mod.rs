//! How a login can fail: one variant, one exit code, one message, one hint.

mod describe;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::callback::BindError;
use crate::clients::writer::WriteError;
use crate::discovery::DiscoverError;
use crate::failure::{without_os_number, Class, Code, Hint, LoginCommand};
use crate::http::HttpError;
use crate::oauth::callback::Denial;
use crate::oauth::text::printable;
use crate::os::clock::in_words;
use crate::os::peer::Holder;
use crate::providers::Provider;
use crate::registration::RegisterError;
use crate::store::{StoreError, StoredId};
use crate::token_endpoint::{
    AssertionError, ClientKeyError, DeviceError, ExchangeError, RevokeError,
};

/// What it tells that a server did not serve us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerFault {
    /// Nothing at the URL speaks MCP.
    NotMcp,
    /// It may be another server than the one that was meant.
    Doubtful,
    /// The server says that the same request will fail again.
    Lasting,
    /// The same request may succeed later.
    Passing,
}

/// A login that was not completed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command makes no sense.
    #[error("{message}")]
    Usage {
        /// What is wrong with it.
        message: String,
        /// What to do instead.
        hint: Option<Hint>,
    },
    /// MCP clients mean different servers by one name.
    #[error("{name} is the name of several servers")]
    Ambiguous {
        /// The name.
        name: String,
        /// Which they are: the full name and the URL of each.
        choices: Vec<(String, String)>,
    },
    /// There is no socket for the callback, and no other way.
    #[error("cannot listen on {place}{}", by(holder))]
    Bind {
        /// The host and port.
        place: String,
        /// The program that holds the port.
        holder: Option<Holder>,
        /// What the system said.
        source: BindError,
        /// The authorization server offers logins with a device code.
        offers_device: bool,
    },
    /// It could not be found out how to log in.
    #[error("cannot find out how to log in to {server}")]
    Discover {
        /// The server.
        server: String,
        /// What went wrong.
        source: DiscoverError,
    },
    /// There is no client to log in with.
    #[error("cannot register a client with {issuer}")]
    Register {
        /// The authorization server.
        issuer: String,
        /// Whose it is, if its ways are known.
        provider: Option<&'static Provider>,
        /// What went wrong.
        source: RegisterError,
    },
    /// The key of the client cannot be used.
    #[error(transparent)]
    ClientKey(#[from] ClientKeyError),
    /// The user or the authorization server refused.
    #[error("the login to {server} was refused: {denial}")]
    Denied {
        /// The server.
        server: String,
        /// Whose authorization server it was, if its ways are known.
        provider: Option<&'static Provider>,
        /// The refusal.
        denial: Denial,
    },
    /// The code was not exchanged for tokens.
    #[error("cannot get tokens from {issuer}")]
    Exchange {
        /// The authorization server.
        issuer: String,
        /// Whose it is, if its ways are known.
        provider: Option<&'static Provider>,
        /// The command for a login that may be the way out.
        login: Option<Box<LoginCommand>>,
        /// What went wrong.
        source: ExchangeError,
    },
    /// The login with a device code failed.
    #[error("cannot log in to {server} with a device code")]
    Device {
        /// The server.
        server: String,
        /// Whose authorization server it is, if its ways are known.
        provider: Option<&'static Provider>,
        /// The command that logs in with tokens that are bound to a key, if the server wants those.
        with_dpop: Option<Box<LoginCommand>>,
        /// What went wrong.
        source: DeviceError,
    },
    /// The server takes no other tokens than those that are bound to a key.
    #[error("{server} takes only tokens that are bound to a key (DPoP)")]
    DpopRequired {
        /// The server.
        server: String,
        /// The command that gets such tokens; `None` for a login without a person.
        login: Option<Box<LoginCommand>>,
    },
    /// There is no assertion that can be sent.
    #[error("cannot get tokens from {issuer} without a person")]
    Assertion {
        /// The authorization server.
        issuer: String,
        /// What went wrong.
        source: AssertionError,
    },
    /// A grant without a person brought no tokens.
    #[error("cannot get tokens from {issuer} without a person")]
    Grant {
        /// The authorization server.
        issuer: String,
        /// The command that makes the stored login again; `None` if there is none.
        login: Option<Box<LoginCommand>>,
        /// The tokens were to be bound to a key.
        has_proof: bool,
        /// What went wrong.
        source: ExchangeError,
    },
    /// The store cannot be used, or did not store the login.
    #[error("cannot {doing} {}", whose(server))]
    Store {
        /// What was being done: `store`, `read` or `remove`.
        doing: &'static str,
        /// The server; empty if it is about all logins.
        server: String,
        /// What went wrong; shared by all logins of a run.
        source: Arc<StoreError>,
    },
    /// No answer came in time.
    #[error("no answer came for {server} within {}{}", in_words(*timeout), after_semicolon(rejections))]
    TimedOut {
        /// The server.
        server: String,
        /// The limit that passed.
        timeout: Duration,
        /// How many answers were not accepted, and why.
        rejections: Option<String>,
        /// What was asked for, as a part of a sentence; `None` if no page was shown yet.
        asked: Option<String>,
        /// The authorization server offers logins with a device code.
        offers_device: bool,
    },
    /// No answer can come.
    #[error("no answer for {server} can arrive: nothing listens, and nothing can be pasted")]
    NoWay {
        /// The server.
        server: String,
        /// The authorization server offers logins with a device code.
        offers_device: bool,
    },
    /// The stored login does not work.
    #[error("{message}")]
    NotLoggedIn {
        /// What is wrong with it.
        message: String,
        /// The command that logs in.
        hint: Hint,
    },
    /// The time was up; nothing has changed.
    #[error("could not get a valid token for {0} in time")]
    Busy(String),
    /// The process that refreshes was killed. What it had done is in the journal.
    #[error("the refresh of the login to {0} was interrupted")]
    Interrupted(String),
    /// The command to run cannot be run.
    #[error("cannot run {program}")]
    Command {
        /// The command.
        program: String,
        /// There is no such command.
        not_found: bool,
        /// What the system said.
        source: std::io::Error,
    },
    /// The login is removed, but the server did not revoke its tokens.
    #[error("logged out of {server}, but its tokens were not revoked")]
    NotRevoked {
        /// The server.
        server: String,
        /// Which tokens live, and until when.
        lives: String,
        /// What went wrong.
        source: RevokeError,
    },
    /// A client could not be given a login, and has nothing of it; or what it was given cannot be taken back.
    #[error("cannot {doing} {client}")]
    HandOver {
        /// What was being done, before the name of the client.
        doing: &'static str,
        /// The client.
        client: &'static str,
        /// What went wrong.
        source: WriteError,
    },
    /// What another process of this program reports.
    #[error("{}", .0.message)]
    Reported(ErrorReport),
    /// The server is out of reach.
    #[error("cannot ask {server}")]
    Unreachable {
        /// The server.
        server: String,
        /// What went wrong.
        source: HttpError,
    },
    /// The server did not serve us, though it should have.
    #[error("{message}")]
    Server {
        /// What it did.
        message: String,
        /// What that tells.
        fault: ServerFault,
    },
    /// The server accepts the login, and refuses whoever it is for.
    #[error("{server} refuses this account{words}")]
    AccountRefused {
        /// The server.
        server: String,
        /// What it says, after a colon.
        words: String,
        /// The command that logs in with another account.
        login: Box<LoginCommand>,
    },
    /// The server cannot be asked in the forms of MCP that are spoken here.
    #[error("{0} speaks the older SSE transport of MCP, which check cannot ask")]
    OlderTransport(String),
    /// Something that should work everywhere does not work here.
    #[error("{what}")]
    Unexpected {
        /// What was being done.
        what: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
}

/// A failure as it is reported: to scripts, and from one process of this program to another.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ErrorReport {
    /// Its class, which decides the exit status.
    pub class: Class,
    /// Its code.
    pub code: Code,
    /// The message and its causes in one line.
    pub message: String,
    /// What to do next.
    pub hint: Option<Hint>,
}

fn after_semicolon(words: &Option<String>) -> String {
    words
        .as_ref()
        .map(|words| format!("; {words}"))
        .unwrap_or_default()
}

fn by(holder: &Option<Holder>) -> String {
    let Some(Holder { pid, name }) = holder else {
        return String::new();
    };
    format!(": {} (process {pid}) holds it", printable(name))
}

/// Returns the login to a server in words, or all logins.
fn whose(server: &str) -> String {
    if server.is_empty() {
        "logins".to_owned()
    } else {
        format!("the login to {server}")
    }
}

impl Error {
    /// Says what is wrong with the command, and what to do instead.
    pub fn usage(message: impl Into<String>, hint: impl Into<Hint>) -> Self {
        Self::Usage {
            message: message.into(),
            hint: Some(hint.into()),
        }
    }

    /// The store cannot be used for a new login, or did not store it.
    pub fn not_stored(key: &StoredId, source: impl Into<Arc<StoreError>>) -> Self {
        Self::store("store", &key.server, source)
    }

    /// The stored login could not be removed.
    pub fn not_removed(key: &StoredId, source: StoreError) -> Self {
        Self::store("remove", &key.server, source)
    }

    /// The stored login cannot be read.
    pub fn unreadable(key: &StoredId, source: impl Into<Arc<StoreError>>) -> Self {
        Self::store("read", &key.server, source)
    }

    /// What is about all logins could not be done.
    pub fn all_logins(doing: &'static str, source: StoreError) -> Self {
        Self::store(doing, "", source)
    }

    fn store(doing: &'static str, server: &str, source: impl Into<Arc<StoreError>>) -> Self {
        Self::Store {
            doing,
            server: server.to_owned(),
            source: source.into(),
        }
    }

    /// Tells whether the server answered without a login, so that it probably needs none.
    pub fn needs_no_login(&self) -> bool {
        self.code() == Code::NoLoginNeeded
    }

    /// Returns what makes an error of a failure of the system, for `map_err`.
    pub fn unexpected(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Unexpected { what, source }
    }

    /// Returns the URL of the server that was probably meant.
    pub fn suggestion(&self) -> Option<&str> {
        let Self::Discover { source, .. } = self else {
            return None;
        };
        source.suggestion()
    }

    /// Returns the message and its causes.
    pub fn sentences(&self) -> Vec<String> {
        let mut sentences = Vec::new();
        let mut cause: Option<&dyn std::error::Error> = Some(self);
        while let Some(err) = cause {
            sentences.push(without_os_number(&err.to_string()));
            cause = err.source();
        }
        sentences
    }

    /// Returns the message and its causes in one line.
    pub fn one_line(&self) -> String {
        self.sentences().join(": ")
    }

    /// Returns the code.
    pub fn code(&self) -> Code {
        self.report().code
    }

    /// Returns the class, which decides the exit status.
    pub fn class(&self) -> Class {
        self.report().class
    }

    /// Returns what is reported of this failure.
    pub fn report(&self) -> ErrorReport {
        let (class, code, hint) = self.describe();
        ErrorReport {
            class,
            code,
            message: self.one_line(),
            hint: crate::os::limits::hint(self).map(Hint::from).or(hint),
        }
    }
}
