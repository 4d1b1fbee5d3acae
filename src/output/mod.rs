//! What people and scripts read: sentences on stderr, JSON lines and tables on stdout.

mod device;
pub mod hint;
mod line;
mod login;
mod table;
mod warnings;

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::process::ExitCode;

use serde::Serialize;

use crate::error::Error;
use crate::failure::{without_os_number, Class};
use crate::login::Outcome;
use crate::oauth::text::json_line;
use crate::os::environment::Environment;
use crate::os::files;
use crate::os::signals;
use crate::os::terminal::{self, paste};
use crate::store::{StoredId, DEFAULT_PROFILE};

pub use line::Line;
pub use table::{aligned, duration_in_words, fitted};
pub use warnings::{show_warnings, WarningFormat};

/// Reports what happens: as sentences, and for scripts as JSON.
#[derive(Debug)]
pub struct Reporter {
    /// Scripts read what is printed.
    pub json: bool,
    environment: Environment,
    several: bool,
    /// The address may be put into the clipboard.
    pub may_copy: bool,
    /// An address may be drawn as a QR code.
    pub may_draw: bool,
    /// The user has read how to answer, and further logins need not say it.
    advised: bool,
    /// What comes after each login, as a command for a shell.
    pub next: BTreeMap<StoredId, String>,
    /// Why something could not be written to stdout.
    lost_output: Option<io::Error>,
}

impl Reporter {
    /// Prepares to report one or several logins, with `json` for scripts too.
    pub fn new(json: bool, several: bool) -> Self {
        Self {
            json,
            environment: Environment::detect(),
            several,
            may_copy: false,
            may_draw: false,
            advised: false,
            next: BTreeMap::new(),
            lost_output: None,
        }
    }

    /// Prints a line for scripts.
    pub fn json(&mut self, line: &impl Serialize) {
        if self.json {
            let text = json_line(line).map_err(io::Error::from);
            let written = text.and_then(|text| terminal::product(&text));
            self.lost_output = self.lost_output.take().or(written.err());
        }
    }

    /// Prints a result to stdout.
    pub fn product(&mut self, text: &str) {
        let written = terminal::product(text);
        self.lost_output = self.lost_output.take().or(written.err());
    }

    /// Reports a failure; `server` is the login it belongs to.
    pub fn fail(&mut self, server: Option<&str>, error: &Error) {
        self.json(&Line::failure(server, error));
        let whose = server.filter(|server| self.several && !error.to_string().contains(server));
        let whose = whose.map(|it| format!("{it}: ")).unwrap_or_default();
        let sentences = error.sentences();
        let (message, causes) = sentences.split_first().unwrap_or((&whose, &[]));
        terminal::insist_labelled(terminal::Label::Error, &format!("{whose}{message}"));
        if let Error::Ambiguous { choices, .. } = error {
            let width = choices.iter().map(|(name, _)| name.len()).max();
            let width = width.unwrap_or_default();
            for (name, url) in choices {
                terminal::show(&format!("{name:width$}  {url}"));
            }
        }
        for cause in causes {
            terminal::insist_labelled(terminal::Label::CausedBy, cause);
        }
        if let Some(hint) = error.report().hint {
            terminal::insist_labelled(terminal::Label::Hint, &hint::hint(&hint));
        }
    }

    /// Returns the exit status of a command that ends with `class`; another one if its output was lost.
    pub fn exit_code(&self, class: Class) -> ExitCode {
        match (&self.lost_output, class) {
            (Some(err), Class::Success) => lost(err),
            (_, class) => class.into(),
        }
    }

    /// Ends a run of logins: by the signal that ended it, or with the status of the first failure that is not forgiven.
    pub fn conclude(&self, outcome: &Outcome, is_forgiven: impl Fn(&Error) -> bool) -> ExitCode {
        match outcome {
            Outcome::Done(results) => {
                let mut failures = results.iter().filter_map(|result| result.as_ref().err());
                let failure = failures.find(|err| !is_forgiven(err)).map(Error::class);
                let is_lost = self.lost_output.is_some() || terminal::finish().is_err();
                if is_lost {
                    terminal::insist_labelled(
                        terminal::Label::Warning,
                        "output is lost: stdout did not take all of it",
                    );
                }
                let lost = is_lost.then_some(Class::Storage);
                failure.or(lost).unwrap_or(Class::Success).into()
            }
            Outcome::Signal(signal) => {
                terminal::countdown(None);
                paste::restore();
                let _ = terminal::finish();
                files::end();
                signals::act(*signal);
                ExitCode::from(u8::try_from(128 + signal).unwrap_or(Class::Unexpected.exit()))
            }
        }
    }
}

/// Prints a result to stdout. A reader that closes the pipe wants no more, as `head` does.
pub fn print(text: &str) -> ExitCode {
    printed(terminal::product(text))
}

/// Returns the exit status for a result that was printed, or says why it was not.
pub fn printed(result: io::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) if err.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(err) => lost(&err),
    }
}

/// Says why stdout takes nothing, unless its reader has closed it, and returns the exit status for that.
pub fn lost(err: &io::Error) -> ExitCode {
    if err.kind() != ErrorKind::BrokenPipe {
        let why = format!(
            "cannot write to stdout: {}",
            without_os_number(&err.to_string())
        );
        terminal::insist_labelled(terminal::Label::Error, &why);
    }
    Class::Storage.into()
}

/// Reports a failure where stdout carries nothing but a token: as JSON on stderr.
pub fn fail_on_stderr(server: Option<&str>, error: &Error) {
    terminal::show(&json_line(&Line::failure(server, error)).unwrap_or_default());
}

/// Prints a result to stdout as one line of JSON.
pub fn print_json(result: &impl Serialize) -> ExitCode {
    print(&json_line(result).unwrap_or_default())
}

/// Prints a result to stdout that somebody has to read to its end; nothing if it is empty. `class` is the exit status if
/// that works.
pub fn print_all(text: &str, class: Class) -> ExitCode {
    if text.is_empty() {
        return class.into();
    }
    match terminal::product(text.trim_end()) {
        Ok(()) => class.into(),
        Err(err) => lost(&err),
    }
}

/// Returns a number of things, such as `1 login` or `2 logins`.
pub fn counted(count: usize, thing: &str) -> String {
    match count {
        1 => format!("1 {thing}"),
        _ => format!("{count} {thing}s"),
    }
}

/// Returns the profile for a sentence, if it is not the default one.
pub fn profile_in_words(profile: &str) -> String {
    match profile {
        DEFAULT_PROFILE => String::new(),
        profile => format!(" (profile {profile})"),
    }
}
