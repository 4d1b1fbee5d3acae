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
    // The browser gets the limits that the user has.
    if first == browser::OPENER {
        return browser::opener();
    }
    process::forbid_core_dumps();
    signals::survive_file_limit();
    match first {
        commands::COMPLETER => return commands::complete(),
        refresher::REFRESHER => return refresher::main(env::args().nth(2)),
        _ => {}
    }
    environment::drop_overridden_settings();
    process::name_session_bus();
    let code = commands::run(process::take_client_secret());
    // What was lost is part of the code already.
    let _ = terminal::finish();
    files::end();
    code
}
