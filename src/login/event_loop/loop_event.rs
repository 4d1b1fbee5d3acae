//! What the wait can bring.

use crate::callback::pages::Page;
use crate::oauth::callback::{AuthorizationResponse, Rejection};
use crate::os::signals::Signal;

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
    /// The state is doubled, or of another login.
    StateMismatch,
    /// There is no state.
    NoState,
    /// There is only the beginning of our state.
    CutState,
    /// The issuer is another one.
    IssuerMismatch,
    /// The issuer is missing though it is promised.
    NoIssuer,
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
            Self::StateMismatch | Self::NoState | Self::CutState => "state_mismatch",
            Self::IssuerMismatch | Self::NoIssuer => "issuer_mismatch",
            Self::Ambiguous => "ambiguous",
            Self::Malformed => "malformed",
            Self::NotARedirect => "not_a_redirect",
            Self::ForeignPeer => "foreign_peer",
            Self::Temporary => "temporary",
        }
    }

    /// Returns the reason that stands for all those with the same word.
    pub fn general(self) -> Self {
        match self {
            Self::NoState | Self::CutState => Self::StateMismatch,
            Self::NoIssuer => Self::IssuerMismatch,
            reason => reason,
        }
    }

    /// Returns the page for the browser that sent it.
    pub fn page(self) -> Page {
        match self {
            Self::ForeignPeer => Page::ForeignPeer,
            Self::Temporary => Page::Temporary,
            Self::NoIssuer => Page::NoIssuer,
            Self::IssuerMismatch => Page::OtherIssuer,
            // Whether what there is of a state is right is for the user to know, and for nobody who guesses.
            _ => Page::OtherLogin,
        }
    }

    /// Returns which messages these are, as part of a sentence.
    pub fn as_kind(self) -> &'static str {
        match self {
            Self::StateMismatch => "of another login",
            Self::NoState => "without this login's state",
            Self::CutState => "with a part of this login's state",
            Self::IssuerMismatch => "of another authorization server",
            Self::NoIssuer => "without the issuer that the server promises to name",
            Self::Ambiguous | Self::Malformed => "that could not be read",
            Self::NotARedirect => "that were no redirect",
            Self::ForeignPeer => "from another user's program",
            Self::Temporary => "that the server was busy",
        }
    }
}

impl From<&Rejection> for Reason {
    fn from(rejection: &Rejection) -> Self {
        match rejection {
            Rejection::State => Self::StateMismatch,
            Rejection::NoState { is_cut: true, .. } => Self::CutState,
            Rejection::NoState { .. } => Self::NoState,
            Rejection::Issuer => Self::IssuerMismatch,
            Rejection::NoIssuer { .. } => Self::NoIssuer,
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
        answer: AuthorizationResponse,
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
