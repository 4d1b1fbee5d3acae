//! The program: it guards its secrets, reads its arguments, does one thing and says how it went.

use std::process::ExitCode;

use mcp_login::token::refresher;
use mcp_login::{app, browser, disk, guard, signals, terminal};

fn main() -> ExitCode {
    guard::install_panic_hook();
    if std::env::args_os()
        .nth(1)
        .is_some_and(|argument| argument == browser::OPENER)
    {
        return browser::opener();
    }
    if std::env::args_os()
        .nth(1)
        .is_some_and(|argument| argument == app::COMPLETER)
    {
        return app::complete(std::env::args().nth(2).as_deref());
    }
    guard::close_doors();
    signals::survive_file_limit();
    if std::env::args_os()
        .nth(1)
        .is_some_and(|argument| argument == refresher::REFRESHER)
    {
        return refresher::main(std::env::args().nth(2));
    }
    guard::settle_environment();
    guard::find_bus();
    let code = app::run(guard::take_secret());
    // What was lost is part of the code already.
    let _ = terminal::finish();
    disk::end();
    code
}
