//! What the wait can bring.

use crate::listener::page::Page;
use crate::oauth::callback::{Answer, Rejection};
use crate::signals::Signal;

/// Where a message came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// The loopback socket.
    Callback,
    /// The terminal, or a pipe.
    Paste,
}

/// Why a message was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The state is missing, doubled, or of another login.
    StateMismatch,
    /// The issuer is missing though promised, or another one.
    IssuerMismatch,
    /// Something is there twice.
    Ambiguous,
    /// It cannot be read.
    Malformed,
    /// What was pasted is no answer.
    NotARedirect,
    /// It came from another user's program, or from one that is gone.
    ForeignPeer,
    /// The server cannot answer just now.
    Temporary,
}

impl Reason {
    /// Returns the word of the machine-readable output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StateMismatch => "state_mismatch",
            Self::IssuerMismatch => "issuer_mismatch",
            Self::Ambiguous => "ambiguous",
            Self::Malformed => "malformed",
            Self::NotARedirect => "not_a_redirect",
            Self::ForeignPeer => "foreign_peer",
            Self::Temporary => "temporary",
        }
    }

    /// Returns the page for the browser that sent it.
    pub fn page(self) -> Page {
        match self {
            Self::ForeignPeer => Page::ForeignPeer,
            Self::Temporary => Page::Temporary,
            _ => Page::Foreign,
        }
    }
}

impl From<&Rejection> for Reason {
    fn from(rejection: &Rejection) -> Self {
        match rejection {
            Rejection::State => Self::StateMismatch,
            Rejection::Issuer => Self::IssuerMismatch,
            Rejection::Ambiguous => Self::Ambiguous,
            Rejection::Malformed => Self::Malformed,
            Rejection::Temporary(_) => Self::Temporary,
        }
    }
}

/// What the wait has brought.
#[derive(Debug)]
pub enum Happening {
    /// A login has its answer.
    Answer {
        /// Which login.
        seat: usize,
        /// What the answer says.
        answer: Answer,
    },
    /// A message was not taken; the wait goes on.
    Rejected {
        /// Whose socket it came to; `None` for a paste that belongs to no login.
        seat: Option<usize>,
        /// Where it came from.
        source: Source,
        /// Why it was not taken.
        reason: Reason,
        /// What a person wants to know about it.
        detail: Option<String>,
        /// How many like it there were since the last one was announced.
        count: u64,
    },
    /// There will be no more pastes.
    PasteEnded,
    /// A worker has something to say.
    Woken,
    /// A signal has come.
    Signal(Signal),
    /// A second has passed.
    Tick,
    /// The time is up.
    DeadlinePassed,
}
