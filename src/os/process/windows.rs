//! Processes of Windows.

use std::ffi::OsStr;
use std::io;
use std::os::windows::io::AsRawHandle as _;
use std::os::windows::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, ExitStatus};
use std::sync::OnceLock;

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};
use win32job::{ExtendedLimitInfo, Job};

use crate::os::poll::OwnedFd;
use crate::os::signals;

/// How processes are started: without the console of this one, in a group of their own, and out of the job that this process is
/// in, which may end all of its processes at once.
///
/// Spec: Process Creation Flags.
const DETACHED_PROCESS: u32 = 0x8;
const CREATE_NEW_PROCESS_GROUP: u32 = 0x200;
const CREATE_BREAKAWAY_FROM_JOB: u32 = 0x0100_0000;
const CREATE_NO_WINDOW: u32 = 0x0800_0000;

/// Access denied, also to the way out of a job. Spec: System Error Codes.
const ACCESS_DENIED: i32 = 5;

/// The code of a process that the Task Manager ended. Negative ones are those of exceptions; others that end a process may
/// choose any, and Wine has 0.
const TERMINATED: i32 = 1;

/// Windows writes no core dumps but those that an administrator asks for.
pub fn forbid_core_dumps() {}

/// See [`forbid_core_dumps`].
pub fn restore_core_limit() {}

/// Windows has no session bus.
pub fn name_session_bus() {}

/// Windows cannot wait for a process and for sockets at once; the end of stdin tells that the parent has gone.
pub fn parent() -> Option<OwnedFd> {
    None
}

/// Asks the system about one process.
fn look_up<T>(pid: i32, answer: impl FnOnce(&sysinfo::Process) -> T) -> Option<T> {
    let pid = Pid::from_u32(pid.cast_unsigned());
    let mut system = System::new();
    let wanted = ProcessRefreshKind::nothing().with_user(UpdateKind::Always);
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), false, wanted);
    system.process(pid).map(answer)
}

/// Tells whether a process is there and has not ended.
pub fn is_alive(pid: i32) -> bool {
    look_up(pid, |_| ()).is_some()
}

/// Returns when a process started, in seconds since 1970; `None` if the system does not tell.
pub fn started_at(pid: i32) -> Option<String> {
    look_up(pid, |process| process.start_time().to_string())
}

/// Returns whose a process is, as the text of a security identifier; `None` if the system does not tell, as for the processes
/// of other users.
pub fn owner(pid: u32) -> Option<String> {
    look_up(pid.cast_signed(), |process| {
        process.user_id().map(|user| user.to_string())
    })?
}

/// Returns the name of a process.
pub fn name(pid: u32) -> Option<String> {
    look_up(pid.cast_signed(), |process| {
        process.name().to_string_lossy().into_owned()
    })
}

/// Returns the name of this machine.
pub fn host_name() -> String {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| System::host_name().unwrap_or_default())
        .clone()
}

/// There is nothing to do: a process is started without its console, or with it.
pub fn leave_session() {}

/// There is nothing to do: a process inherits only what it is given.
pub fn close_inherited() {}

/// Starts a process that may outlive this one, and that no key of its console ends.
///
/// # Errors
///
/// What the operating system reports.
pub fn spawn_detached(command: &mut Command) -> io::Result<Child> {
    let flags = DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP;
    match command
        .creation_flags(flags | CREATE_BREAKAWAY_FROM_JOB)
        .spawn()
    {
        Err(err) if err.raw_os_error() == Some(ACCESS_DENIED) => {
            command.creation_flags(flags).spawn()
        }
        spawned => spawned,
    }
}

/// A process and what it starts are a job, unless Windows makes none.
pub type Group = Option<Job>;

/// Starts a process that no key of the console reaches, so that [`kill_group`] ends what it starts as well.
///
/// # Errors
///
/// What the operating system reports.
pub fn spawn_group(command: &mut Command) -> io::Result<(Child, Group)> {
    without_console(command);
    let child = command.spawn()?;
    let handle = child.as_raw_handle().addr().cast_signed();
    let job = Job::create().ok();
    let job = job.filter(|job| job.assign_process(handle).is_ok());
    Ok((child, job))
}

/// Kills what [`spawn_group`] has started.
pub fn kill_group(child: &mut Child, group: &mut Group) {
    if let Some(job) = group.take() {
        let mut limits = ExtendedLimitInfo::new();
        let _ = job.set_extended_limit_info(limits.limit_kill_on_job_close());
    }
    let _ = child.kill();
}

/// Returns the path of a program with its ending: `npx` is `npx.cmd`, which only a search by PATHEXT finds.
///
/// # Errors
///
/// `NotFound`.
pub fn found(program: &OsStr) -> io::Result<PathBuf> {
    which::which(program).map_err(|_| io::ErrorKind::NotFound.into())
}

/// Lets a command be started without the console of this process, so that no key typed there ends it. Its own one has no window:
/// without any, each program that it starts would open one.
pub fn without_console(command: &mut Command) {
    command.creation_flags(CREATE_NO_WINDOW | CREATE_NEW_PROCESS_GROUP);
}

/// Runs the command, and ends as it does: Windows cannot replace a running program. Ctrl-C is for the command alone.
///
/// # Errors
///
/// What the operating system reports.
pub fn become_command(command: Command) -> io::Result<ExitCode> {
    let mut found = Command::new(found(command.get_program())?);
    found.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => found.env(name, value),
            None => found.env_remove(name),
        };
    }
    signals::put_off();
    let mut child = found.spawn()?;
    // What was made for the child, with the token in it, is not needed any more.
    drop((command, found));
    let code = child.wait()?.code().unwrap_or(TERMINATED);
    std::process::exit(code)
}

/// Tells whether a process was ended from outside, if it has not said that it ended by itself.
pub fn was_killed(status: ExitStatus) -> bool {
    status.code().is_none_or(|code| code <= TERMINATED)
}
