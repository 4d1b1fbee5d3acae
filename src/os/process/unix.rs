//! Processes of Unix systems.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus};
use std::sync::OnceLock;

use rustix::io::Errno;
use rustix::process::{
    kill_process_group, setrlimit, test_kill_process, Pid, Resource, Rlimit, Signal,
};

use crate::os::poll::OwnedFd;

/// The environment variable that names the session bus.
const BUS_VARIABLE: &str = "DBUS_SESSION_BUS_ADDRESS";

/// The size of core dumps that was allowed when we started.
static CORE_LIMIT: OnceLock<Option<u64>> = OnceLock::new();

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

/// Tells whether a process is there and has not ended.
pub fn is_alive(pid: i32) -> bool {
    let exists = Pid::from_raw(pid).is_some_and(|pid| test_kill_process(pid) != Err(Errno::SRCH));
    // In a container nobody may take note of its end, and it stays so for ever.
    exists && !stat(pid, 3).is_some_and(|state| state.starts_with(['Z', 'X']))
}

/// Returns when a process started, in ticks since the system did; `None` if the system does not tell.
pub fn started_at(pid: i32) -> Option<String> {
    stat(pid, 22)
}

/// Returns the number of the process that started another one; `None` if the system does not tell.
pub fn parent_of(pid: i32) -> Option<i32> {
    stat(pid, 4)?.parse().ok()
}

/// Returns a field of the state of a process, from the third on.
///
/// Spec: proc_pid_stat(5).
fn stat(pid: i32, field: usize) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name of the program comes second, and may hold anything.
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(field - 3).map(str::to_owned)
}

/// Returns the name of this machine.
pub fn host_name() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

/// Makes a session of its own for this process: no key of our terminal reaches it, and it finds no terminal to take.
pub fn leave_session() {
    let _ = rustix::process::setsid();
    // Linux names it after the file that was started, which is `exe` here.
    #[cfg(target_os = "linux")]
    let _ = nix::sys::prctl::set_name(c"mcp-login");
}

/// Closes what this process has inherited beside stdin, stdout and stderr. Among it may be a lock, such as that of `flock`,
/// which each program that it starts would hold as long as it runs.
pub fn close_inherited() {
    let entries = fs::read_dir("/dev/fd").into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    for number in numbers.collect::<Vec<_>>() {
        if number > 2 {
            let _ = nix::unistd::close(number);
        }
    }
}

/// Starts a process that may outlive this one, and that no key of its terminal ends.
///
/// # Errors
///
/// What the operating system reports.
pub fn spawn_detached(command: &mut Command) -> io::Result<Child> {
    command.process_group(0).spawn()
}

/// A group has the number of its first process.
pub type Group = ();

/// Starts a process with a group of its own, so that [`kill_group`] ends what it starts as well.
///
/// # Errors
///
/// What the operating system reports.
pub fn spawn_group(command: &mut Command) -> io::Result<(Child, Group)> {
    Ok((command.process_group(0).spawn()?, ()))
}

/// Kills what [`spawn_group`] has started.
pub fn kill_group(child: &mut Child, _: &mut Group) {
    let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
}

/// Returns a program as the system finds it by itself.
///
/// # Errors
///
/// None here.
pub fn found(program: &OsStr) -> io::Result<PathBuf> {
    Ok(program.into())
}

/// Nothing but a console needs this.
pub fn without_console(_: &mut Command) {}

/// Makes this process the command: signals, the terminal and the exit status are the command's own. Returns only if that fails.
///
/// # Errors
///
/// What the operating system reports.
pub fn become_command(mut command: Command) -> io::Result<ExitCode> {
    Err(command.exec())
}

/// Tells whether a process was ended from outside.
pub fn was_killed(status: ExitStatus) -> bool {
    status.signal().is_some()
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
