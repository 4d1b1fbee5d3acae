//! Processes: what keeps secrets inside this one, how others are started, and whether one is alive.

#[cfg_attr(unix, path = "unix.rs")]
#[cfg_attr(windows, path = "windows.rs")]
mod platform;

use std::env;
use std::panic;
use std::process;

use crate::failure::Class;
use crate::oauth::secret::Secret;
use crate::os::files;
use crate::os::terminal;

pub use platform::{
    become_command, forbid_core_dumps, found, host_name, is_alive, kill_group, leave_session,
    name_session_bus, parent, restore_core_limit, spawn_detached, spawn_group, started_at,
    was_killed, without_console,
};
#[cfg(windows)]
pub use platform::{name, owner};

/// The environment variable that may hold a client secret.
pub const SECRET_VARIABLE: &str = "MCP_LOGIN_CLIENT_SECRET";

/// Makes a panic end the program with constant text: its own might hold a secret.
pub fn install_panic_hook() {
    panic::set_hook(Box::new(|info| {
        terminal::countdown(None);
        terminal::paste::restore();
        files::end();
        let place = info
            .location()
            .map(|place| format!(" at {}:{}", place.file(), place.line()))
            .unwrap_or_default();
        terminal::insist_labelled(
            terminal::Label::Error,
            &format!("this is a bug in mcp-login{place}"),
        );
        terminal::insist_labelled(
            terminal::Label::Hint,
            "please report it, with what you did; nothing that was stored is lost",
        );
        let _ = terminal::finish();
        process::exit(i32::from(Class::Bug.exit()));
    }));
}

/// Takes the client secret out of the environment, so that no child inherits it. To be called before any thread
/// starts.
pub fn take_client_secret() -> Option<Secret> {
    let secret = env::var(SECRET_VARIABLE)
        .ok()
        .filter(|secret| !secret.is_empty())
        .map(Secret::new);
    env::remove_var(SECRET_VARIABLE);
    secret
}
