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

#[cfg(unix)]
pub use platform::parent_of;
pub use platform::{
    become_command, close_inherited, forbid_core_dumps, found, host_name, is_alive, kill_group,
    leave_session, name_session_bus, parent, restore_core_limit, spawn_detached, spawn_group,
    started_at, was_killed, without_console, Group,
};
#[cfg(windows)]
pub use platform::{name, owner};

/// The environment variable that may hold a client secret.
const SECRET_VARIABLE: &str = "MCP_LOGIN_CLIENT_SECRET";

/// The environment variable that may hold the private key of a client.
pub const KEY_VARIABLE: &str = "MCP_LOGIN_CLIENT_KEY";

/// What the environment holds of a client that nobody else may see.
#[derive(Clone, Debug, Default)]
pub struct EnvironmentSecrets {
    /// The client secret.
    pub client_secret: Option<Secret>,
    /// The private key.
    pub client_key: Option<Secret>,
}

impl EnvironmentSecrets {
    /// Tells whether there are any.
    pub fn is_any(&self) -> bool {
        self.client_secret.is_some() || self.client_key.is_some()
    }
}

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

/// Takes the secrets of the client out of the environment, so that no child inherits them. To be called before any thread
/// starts.
pub fn take_secrets() -> EnvironmentSecrets {
    let take = |name| {
        let secret = zeroize::Zeroizing::new(env::var(name).unwrap_or_default());
        env::remove_var(name);
        // No secret holds a line end (RFC 6749 appendix A.2), but a variable of Kubernetes often ends with one.
        let secret = secret.trim_matches(char::is_control);
        (!secret.is_empty()).then(|| Secret::new(secret))
    };
    EnvironmentSecrets {
        client_secret: take(SECRET_VARIABLE),
        client_key: take(KEY_VARIABLE),
    }
}
