//! Why a store helper cannot be used.

use std::time::Duration;

use super::super::{Fault, StoreError};
use super::protocol::{Verb, VERSION};
use crate::failure::{About, Code, Failure, Hint};

/// Why a store helper cannot be used, or did not do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ExecFault {
    /// There is no such program.
    #[error("cannot use the store helper: there is no program {0}")]
    NotFound(String),
    /// It cannot be run.
    #[error("cannot use the store helper: {0} cannot be run: {1}")]
    NotRun(String, String),
    /// It did not end in time.
    #[error("the store helper did not end `{verb}` within {} s", limit.as_secs())]
    Silent {
        /// What it was asked to do.
        verb: Verb,
        /// How long it had.
        limit: Duration,
    },
    /// All calls together have taken the time that they have.
    #[error("the store helper has used up the time for all its calls, at `{0}`")]
    Slow(Verb),
    /// It wrote too much.
    #[error("the answer of the store helper to `{0}` is too long")]
    TooLong(Verb),
    /// It failed.
    #[error("the store helper failed at `{verb}` ({status}){said}")]
    Failed {
        /// What it was asked to do.
        verb: Verb,
        /// How it ended.
        status: String,
        /// What it wrote to stderr, escaped, behind a colon.
        said: String,
    },
    /// It speaks another version of the protocol.
    #[error("the store helper speaks version {0} of the protocol, not {VERSION}")]
    Version(u64),
    /// Its answer is none.
    #[error("the store helper answered `{0}` with {1}")]
    Malformed(Verb, &'static str),
    /// What it keeps was written by a newer version of this program.
    #[error("the store helper has a login that a newer mcp-login wrote (format {0})")]
    Newer(u64),
    /// The value is changed again and again by others.
    #[error("the store helper has another revision each time")]
    Contended,
    /// It does not behave as it has to.
    #[error("the store helper {0}")]
    Misbehaves(String),
}

impl ExecFault {
    /// Tells whether no answer came in time.
    pub(super) fn is_silent(&self) -> bool {
        matches!(self, Self::Silent { .. } | Self::Slow(_))
    }
}

impl Failure for ExecFault {
    fn code(&self) -> Code {
        match self {
            Self::Newer(_) => Code::StoreNewer,
            _ => Code::StoreUnusable,
        }
    }

    fn hint(&self, _about: &About) -> Option<Hint> {
        let hint = match self {
            Self::NotFound(_) | Self::NotRun(..) => {
                "name a program that is there, as in --store 'exec:/path/to/helper ARGUMENT'"
            }
            Self::Silent { .. } | Self::Slow(_) | Self::Failed { .. } | Self::Contended => {
                "check that what keeps the logins can be reached, then try again; `mcp-login doctor` with the same --store tests the helper"
            }
            Self::Newer(_) => "update mcp-login",
            _ => "`mcp-login doctor` with the same --store tests the helper; mcp-login-store(7) describes the protocol",
        };
        Some(hint.into())
    }
}

impl From<ExecFault> for StoreError {
    fn from(failure: ExecFault) -> Self {
        let fault = match failure.is_silent() {
            true => Fault::Silent,
            false => Fault::Other,
        };
        Self::Backend {
            fault,
            failure: Box::new(failure),
        }
    }
}
