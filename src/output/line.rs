//! The lines of the machine-readable output, beside those of the events of a login.

use serde::Serialize;

use crate::error::Error;
use crate::failure::{Code, Hint};
use crate::login::Event;
use crate::warning::Warning;

/// A line of the machine-readable output. The order of its members is part of the contract: `event` comes first.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[allow(missing_docs)] // the names are those of the contract
pub enum Line<'a> {
    Cancelled {
        server: &'a str,
    },
    Named {
        server: &'a str,
        name: &'a str,
        client: &'a str,
        path: String,
        in_project: bool,
    },
    Skipped {
        server: Option<&'a str>,
        name: &'a str,
        client: &'a str,
        reason: &'a str,
    },
    NoLoginNeeded {
        server: &'a str,
    },
    LoggedOut {
        server: &'a str,
        profile: &'a str,
        tokens: &'static str,
    },
    Forgotten {
        removed: Vec<String>,
    },
    HandedOver {
        server: &'a str,
        profile: &'a str,
        client: &'a str,
        name: &'a str,
        mode: String,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        written: Vec<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        setting: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        path: Option<String>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        cut_off: Vec<String>,
        note: &'a str,
    },
    TakenBack {
        server: &'a str,
        profile: &'a str,
        client: &'a str,
        name: &'a str,
        path: String,
        restored: bool,
    },
    Warning {
        code: Warning,
        message: &'a str,
    },
    Error {
        server: Option<&'a str>,
        code: Code,
        exit: u8,
        message: String,
        #[serde(serialize_with = "super::hint::serialize")]
        hint: Option<Hint>,
    },
}

/// The event of a login that is complete, with the command that comes next.
#[derive(Serialize)]
pub struct WithNext<'a> {
    /// The event.
    #[serde(flatten)]
    pub event: &'a Event<'a>,
    /// The command, for a shell; `None` if there is nothing to do.
    pub next: Option<&'a str>,
}

impl<'a> Line<'a> {
    /// Returns the line that reports a failure.
    pub fn failure(server: Option<&'a str>, error: &'a Error) -> Self {
        let report = error.report();
        Self::Error {
            server,
            code: report.code,
            exit: report.class.exit(),
            message: report.message,
            hint: report.hint,
        }
    }
}
