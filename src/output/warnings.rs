//! Warnings, as sentences on stderr and as lines for scripts.

use super::line::Line;
use crate::oauth::text::json_line;
use crate::os::terminal;
use crate::warning::{self, Warning};

/// How warnings are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WarningFormat {
    /// As sentences on stderr.
    Text,
    /// As sentences on stderr, and as events on stdout, which carries the events of the command.
    Events,
    /// As events on stderr: stdout carries one result.
    EventsOnStderr,
}

/// From now on warnings of this process are written in this format.
pub fn show_warnings(format: WarningFormat) {
    warning::set_receiver(move |warning, message| {
        write_line(format, warning, message);
        match format {
            WarningFormat::EventsOnStderr => {}
            // The user has to see these even with --quiet.
            _ if warning.is_essential() => {
                terminal::insist_labelled(terminal::Label::Warning, message)
            }
            _ => terminal::say_labelled(terminal::Label::Warning, message),
        }
    });
}

fn write_line(format: WarningFormat, code: Warning, message: &str) {
    let line = || json_line(&Line::Warning { code, message }).unwrap_or_default();
    match format {
        WarningFormat::Text => {}
        // If stdout takes nothing, the events of the command tell so.
        WarningFormat::Events => drop(terminal::product(&line())),
        WarningFormat::EventsOnStderr => terminal::show(&line()),
    }
}
