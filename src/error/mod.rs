//! How a login can fail: one variant, one exit code, one message, one hint.

mod discovery;
mod hint;
mod words;

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::callback::peer::Holder;
use crate::callback::BindError;
use crate::clients::writer::WriteError;
use crate::clients::HandoverError;
use crate::discovery::{DiscoverError, FetchError};
use crate::http::{HttpError, ProxyFault, TlsFault};
use crate::oauth::callback::Denial;
use crate::oauth::metadata::MetadataError;
use crate::oauth::text::{printable, scope_list};
use crate::oauth::token::TokenResponseError;
use crate::providers::Provider;
use crate::registration::RegisterError;
use crate::store::{StoreError, StoredId};
use crate::token_endpoint::exchange::ExchangeError;
use crate::token_endpoint::revoke::RevokeError;
use discovery::{discover_code, register_code, register_exit};
use words::{denial_code, handover_code, http_code, token_code};

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
        hint: Option<String>,
    },
    /// MCP clients mean different servers by one name.
    #[error("{name} is the name of several servers")]
    Ambiguous {
        /// The name.
        name: String,
        /// Which they are: the full name and the URL of each.
        choices: Vec<String>,
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
    },
    /// It could not be found out how to log in.
    #[error("cannot find out how to log in to {server}")]
    Discover {
        /// The server.
        server: String,
        /// What went wrong.
        source: DiscoverError,
    },
    /// We could not become a client.
    #[error("cannot become a client of {issuer}")]
    Register {
        /// The authorization server.
        issuer: String,
        /// Whose it is, if its ways are known.
        provider: Option<&'static Provider>,
        /// What went wrong.
        source: RegisterError,
    },
    /// The server has another authorization server than the one that the client was registered at by hand.
    #[error("{server} now uses {now}, and the client belongs to {before}")]
    IssuerChanged {
        /// The server.
        server: String,
        /// The issuer of the stored login.
        before: String,
        /// The issuer that the server names now.
        now: String,
    },
    /// The user or the authorization server refused.
    #[error("the login to {server} was refused: {}{}", printable(&denial.error), words(denial))]
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
        /// What went wrong.
        source: ExchangeError,
    },
    /// The store cannot be used, or did not take the login.
    #[error("cannot {doing} {}", whose(server))]
    Store {
        /// What was being done: `keep`, `read` or `forget`.
        doing: &'static str,
        /// The server; empty if it is about all logins.
        server: String,
        /// What went wrong; shared by all logins of a run.
        source: Arc<StoreError>,
    },
    /// No answer came in time.
    #[error("no answer came for {server} within {}{}", in_words(*timeout), after_semicolon(turned_away))]
    TimedOut {
        /// The server.
        server: String,
        /// The limit that passed.
        timeout: Duration,
        /// How many answers were not accepted, and why.
        turned_away: Option<String>,
        /// What was asked for, as [`asked`] puts it; `None` if no page was shown yet.
        asked: Option<String>,
    },
    /// No answer can come.
    #[error("there is no way left on which an answer for {server} could come")]
    NoWay {
        /// The server.
        server: String,
    },
    /// The stored login does not work.
    #[error("{message}")]
    NotLoggedIn {
        /// What is wrong with it.
        message: String,
        /// The command that logs in.
        hint: String,
    },
    /// The time was up; nothing has changed.
    #[error("no live token for {server} could be had in time")]
    Busy {
        /// The server.
        server: String,
    },
    /// The process that refreshes was killed. What it had done is in the journal.
    #[error("the refresh of the login to {server} was interrupted")]
    Interrupted {
        /// The server.
        server: String,
    },
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
    /// The login is forgotten, but the server has not taken its tokens back.
    #[error("logged out of {server} here, but its tokens were not taken back")]
    NotRevoked {
        /// The server.
        server: String,
        /// Which tokens live, and until when.
        lives: String,
        /// What went wrong.
        source: RevokeError,
    },
    /// A client could not be given a login, and has nothing of it.
    #[error("cannot hand the login over to {client}")]
    HandOver {
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
        login: String,
    },
    /// The server cannot be asked in the forms of MCP that are spoken here.
    #[error("{server} speaks the older SSE transport of MCP, which check cannot ask")]
    OlderTransport {
        /// The server.
        server: String,
    },
    /// Something that should work everywhere does not work here.
    #[error("{what}")]
    Unexpected {
        /// What was being done.
        what: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
}

/// A failure as one process tells it to another.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ErrorReport {
    exit: u8,
    code: String,
    message: String,
    hint: Option<String>,
}

impl From<&Error> for ErrorReport {
    fn from(err: &Error) -> Self {
        let (exit, code) = (err.exit_code(), err.code().to_owned());
        Self {
            exit,
            code,
            message: err.one_line(),
            hint: err.hint(),
        }
    }
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

fn words(denial: &Denial) -> String {
    denial
        .description
        .as_ref()
        .map(|words| format!(": {}", printable(words)))
        .unwrap_or_default()
}

/// Returns the login to a server in words, or all logins.
fn whose(server: &str) -> String {
    if server.is_empty() {
        "logins".to_owned()
    } else {
        format!("the login to {server}")
    }
}

/// Returns what an authorization request asked for, for who has to find out why the server's own page shows an error.
pub fn asked(client_id: &str, redirect_uri: &str, scopes: &[String]) -> String {
    let scopes = match scopes {
        [] => "none".to_owned(),
        scopes => scope_list(scopes),
    };
    format!(
        "client ID {}, redirect URI {redirect_uri}, scopes {scopes}",
        printable(client_id)
    )
}

/// Returns a length of time as people say it, such as `10 min` or `1 min 30 s`; days from two on.
pub fn in_words(time: Duration) -> String {
    let hours = time.as_secs() / 3600;
    let days = if hours >= 48 { hours / 24 } else { 0 };
    let (minutes, seconds) = (time.as_secs() / 60 % 60, time.as_secs() % 60);
    let parts = [
        (days, "d"),
        (hours - days * 24, "h"),
        (minutes, "min"),
        (seconds, "s"),
    ];
    let said: Vec<_> = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count} {unit}"))
        .collect();
    if said.is_empty() {
        "0 s".to_owned()
    } else {
        said.join(" ")
    }
}

impl Error {
    /// The store cannot be used for a new login, or did not take it.
    pub fn not_kept(key: &StoredId, source: Arc<StoreError>) -> Self {
        Self::Store {
            doing: "keep",
            server: key.server.clone(),
            source,
        }
    }

    /// The stored login could not be removed.
    pub fn not_forgotten(key: &StoredId, source: StoreError) -> Self {
        Self::Store {
            doing: "forget",
            server: key.server.clone(),
            source: Arc::new(source),
        }
    }

    /// The stored login cannot be read.
    pub fn unreadable(key: &StoredId, source: StoreError) -> Self {
        Self::Store {
            doing: "read",
            server: key.server.clone(),
            source: Arc::new(source),
        }
    }

    /// Tells whether the server answered without a login, so that it probably needs none.
    pub fn needs_no_login(&self) -> bool {
        let Self::Discover { source, .. } = self else {
            return false;
        };
        matches!(source, DiscoverError::NoLoginNeeded)
    }

    /// Returns the URL of the server that was probably meant.
    pub fn suggestion(&self) -> Option<&str> {
        let Self::Discover { source, .. } = self else {
            return None;
        };
        source.suggestion()
    }

    /// Returns the message and its causes in one line.
    pub fn one_line(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(err) = cause {
            text.push_str(": ");
            text.push_str(&err.to_string());
            cause = err.source();
        }
        text
    }

    /// Returns the exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Unexpected { .. } => 1,
            Self::Usage { .. } | Self::Ambiguous { .. } | Self::OlderTransport { .. } => 2,
            Self::Register { source, .. } => register_exit(source),
            Self::Denied { .. } | Self::NotLoggedIn { .. } | Self::AccountRefused { .. } => 3,
            Self::Exchange {
                source: ExchangeError::Refused { .. },
                ..
            } => 3,
            Self::HandOver {
                source: WriteError::Refused(HandoverError::Unsuitable { .. }),
                ..
            } => 2,
            Self::HandOver {
                source: WriteError::Command { .. },
                ..
            } => 2,
            Self::HandOver { .. } => 7,
            Self::TimedOut { .. } => 4,
            Self::Command {
                not_found: true, ..
            } => 127,
            Self::Command { .. } => 126,
            Self::NotRevoked { .. } => 5,
            Self::Busy { .. } | Self::Interrupted { .. } => 5,
            Self::Reported(told) => told.exit,
            Self::IssuerChanged { .. } => 6,
            Self::Discover { source, .. } => source.exit_code(),
            Self::Unreachable { source, .. } if source.is_hopeless() => 2,
            Self::Exchange {
                source: ExchangeError::Http(err),
                ..
            } if err.is_hopeless() => 2,
            Self::Unreachable { source, .. } if source.is_security() => 6,
            Self::Exchange {
                source: ExchangeError::Http(err),
                ..
            } if err.is_security() => 6,
            Self::Exchange {
                source:
                    ExchangeError::Unusable {
                        why: TokenResponseError::NotTokens,
                        ..
                    },
                ..
            } => 5,
            Self::Exchange {
                source: ExchangeError::Unusable { .. } | ExchangeError::Request,
                ..
            } => 1,
            Self::Exchange { .. } => 5,
            Self::Server {
                fault: ServerFault::NotMcp,
                ..
            } => 2,
            Self::Unreachable { .. } | Self::Server { .. } => 5,
            Self::Store { .. } => 7,
            Self::Bind { .. } => 8,
            Self::NoWay { .. } => 9,
        }
    }

    /// Returns the stable word for scripts.
    pub fn code(&self) -> &str {
        match self {
            Self::Command { .. } => "command_failed",
            Self::NotRevoked { .. } => "not_revoked",
            Self::Busy { .. } => "busy",
            Self::Interrupted { .. } => "interrupted",
            Self::HandOver { source, .. } => handover_code(source),
            Self::Reported(told) => &told.code,
            Self::Unexpected { .. } => "unexpected",
            Self::Usage { .. } | Self::Ambiguous { .. } => "usage",
            Self::Bind {
                source: BindError::Taken { .. },
                ..
            } => "port_taken",
            Self::Bind {
                source: BindError::UsedUp | BindError::Impossible(_),
                ..
            } => "cannot_listen",
            Self::Discover { source, .. } => discover_code(source),
            Self::Register { source, .. } => register_code(source),
            Self::IssuerChanged { .. } => "issuer_changed",
            Self::Denied { denial, .. } => denial_code(&denial.error),
            Self::Exchange { source, .. } => match source {
                ExchangeError::Refused { words, .. } => {
                    token_code(words.error.as_deref().unwrap_or_default())
                }
                ExchangeError::Busy { .. }
                | ExchangeError::Unusable {
                    why: TokenResponseError::NotTokens,
                    ..
                } => "token_endpoint_unavailable",
                ExchangeError::Unusable { .. } | ExchangeError::Request => {
                    "token_response_unusable"
                }
                ExchangeError::Http(err) => http_code(err),
            },
            Self::Store { source, .. } => source.code(),
            Self::TimedOut { .. } => "timed_out",
            Self::NoWay { .. } => "no_way_to_answer",
            Self::NotLoggedIn { .. } => "not_logged_in",
            Self::Unreachable { source, .. } => http_code(source),
            Self::Server {
                fault: ServerFault::NotMcp,
                ..
            } => "not_an_mcp_server",
            Self::Server { .. } => "server_failed",
            Self::AccountRefused { .. } => "account_refused",
            Self::OlderTransport { .. } => "older_transport",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_in_words() {
        for (seconds, expected) in [
            (0, "0 s"),
            (45, "45 s"),
            (600, "10 min"),
            (90, "1 min 30 s"),
            (3600, "1 h"),
            (36 * 3600, "36 h"),
            (60 * 86_400, "60 d"),
            (50 * 3600 + 60, "2 d 2 h 1 min"),
        ] {
            assert_eq!(in_words(Duration::from_secs(seconds)), expected);
        }
    }
}
