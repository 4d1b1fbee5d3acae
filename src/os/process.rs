//! What keeps secrets inside the process: no core dumps, no looking in from outside, no text of a panic.

use std::env;
use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::panic;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::OnceLock;

use rustix::process::{setrlimit, Resource, Rlimit};

use crate::failure::Class;
use crate::oauth::secret::Secret;
use crate::os::files;
use crate::os::poll::OwnedFd;
use crate::os::terminal;

/// The environment variable that may hold a client secret.
pub const SECRET_VARIABLE: &str = "MCP_LOGIN_CLIENT_SECRET";

/// The environment variable that names the session bus.
const BUS_VARIABLE: &str = "DBUS_SESSION_BUS_ADDRESS";

/// The size of core dumps that was allowed when we started.
static CORE_LIMIT: OnceLock<Option<u64>> = OnceLock::new();

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

/// Forbids core dumps and, where the system can, reading the memory of this process from another one.
pub fn forbid_core_dumps() {
    let before = rustix::process::getrlimit(Resource::Core);
    let _ = CORE_LIMIT.set(before.current);
    let _ = setrlimit(
        Resource::Core,
        Rlimit {
            current: Some(0),
            maximum: before.maximum,
        },
    );
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

/// Allows core dumps again, as far as they were allowed before: for the command that this process becomes.
pub fn restore_core_limit() {
    let hard = rustix::process::getrlimit(Resource::Core).maximum;
    let current = CORE_LIMIT.get().copied().flatten();
    let _ = setrlimit(
        Resource::Core,
        Rlimit {
            current,
            maximum: hard,
        },
    );
}

/// Names the user's session bus, and with it the keyring, where the environment does not: some programs start their
/// helpers with an empty one. To be called before any thread starts.
pub fn name_session_bus() {
    let is_set = env::var_os(BUS_VARIABLE).is_some_and(|address| !address.is_empty());
    let user = rustix::process::geteuid().as_raw();
    let runtime = PathBuf::from(format!("/run/user/{user}"));
    if let Some(bus) = bus_in(&runtime, user).filter(|_| cfg!(target_os = "linux") && !is_set) {
        env::set_var(BUS_VARIABLE, bus);
    }
}

/// Returns the address of the bus in a runtime directory, if both belong to this user alone.
fn bus_in(runtime: &Path, user: u32) -> Option<String> {
    let directory = fs::symlink_metadata(runtime).ok()?;
    let bus = fs::symlink_metadata(runtime.join("bus")).ok()?;
    let is_private = directory.is_dir() && directory.uid() == user && directory.mode() & 0o022 == 0;
    let is_ours = is_private && bus.file_type().is_socket() && bus.uid() == user;
    is_ours.then(|| format!("unix:path={}/bus", runtime.display()))
}

/// Returns what becomes readable when the process that started this one ends; `None` where the system has no such thing.
pub fn parent() -> Option<OwnedFd> {
    #[cfg(target_os = "linux")]
    {
        let parent = rustix::process::getppid().filter(|parent| !parent.is_init())?;
        rustix::process::pidfd_open(parent, rustix::process::PidfdFlags::empty()).ok()
    }
    #[cfg(not(target_os = "linux"))]
    None
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn k1_only_a_bus_of_our_own_is_found() {
        let user = rustix::process::geteuid().as_raw();
        let runtime = tempfile::tempdir().unwrap();
        let bus = runtime.path().join("bus");
        assert_eq!(bus_in(runtime.path(), user), None);
        fs::write(&bus, "").unwrap();
        assert_eq!(bus_in(runtime.path(), user), None, "a file is no bus");
        fs::remove_file(&bus).unwrap();
        let listener = std::os::unix::net::UnixListener::bind(&bus).unwrap();
        assert_eq!(
            bus_in(runtime.path(), user),
            Some(format!("unix:path={}", bus.display()))
        );
        assert_eq!(bus_in(runtime.path(), user + 1), None, "another user's");
        fs::set_permissions(runtime.path(), fs::Permissions::from_mode(0o777)).unwrap();
        assert_eq!(
            bus_in(runtime.path(), user),
            None,
            "anybody could have put it there"
        );
        drop(listener);
    }
}
