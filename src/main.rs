//! The program: hardens the process, parses the arguments, runs the command.

use std::env;
use std::ffi::OsStr;
use std::process::ExitCode;

use mcp_login::cli::environment;
use mcp_login::commands;
use mcp_login::os::browser;
use mcp_login::os::files;
use mcp_login::os::process;
use mcp_login::os::signals;
use mcp_login::os::terminal;
use mcp_login::refresh::refresher;

fn main() -> ExitCode {
    process::install_panic_hook();
    let first = env::args_os().nth(1);
    let first = first.as_deref().and_then(OsStr::to_str).unwrap_or_default();
    // Before the limits change: the browser inherits those of the user.
    if first == browser::OPENER {
        return browser::opener();
    }
    process::forbid_core_dumps();
    signals::survive_file_limit();
    match first {
        commands::COMPLETER => return commands::complete(),
        refresher::REFRESHER => {
            return refresher::main(env::args_os().nth(2).and_then(|it| it.into_string().ok()))
        }
        _ => {}
    }
    environment::drop_overridden_settings();
    process::name_session_bus();
    let code = commands::run(process::take_secrets());
    refresher::wait_for_the_last();
    // `run` has already put lost output into the exit status.
    let _ = terminal::finish();
    files::end();
    code
}
