//! The program: it guards its secrets, reads its arguments, does one thing and says how it went.

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
    if std::env::args_os()
        .nth(1)
        .is_some_and(|argument| argument == browser::OPENER)
    {
        return browser::opener();
    }
    if std::env::args_os()
        .nth(1)
        .is_some_and(|argument| argument == commands::COMPLETER)
    {
        return commands::complete(std::env::args().nth(2).as_deref());
    }
    process::forbid_core_dumps();
    signals::survive_file_limit();
    if std::env::args_os()
        .nth(1)
        .is_some_and(|argument| argument == refresher::REFRESHER)
    {
        return refresher::main(std::env::args().nth(2));
    }
    environment::drop_overridden_settings();
    process::name_session_bus();
    let code = commands::run(process::take_client_secret());
    // What was lost is part of the code already.
    let _ = terminal::finish();
    files::end();
    code
}
