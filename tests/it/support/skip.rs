//! What a test cannot do without. A test whose machine lacks it is skipped: the runner counts it as ignored, not as
//! passed, and gives the reason at the end. With `CI=true` it fails instead, because everything must be there.

use std::fmt::Display;
use std::panic::resume_unwind;
use std::process::Command;
use std::{env, fs};

#[cfg(unix)]
use rustix::process::Signal;

use super::find_program;

/// Why a test was skipped. The runner finds it where a failed test has its panic.
pub struct Skipped(pub String);

/// Ends the test that calls it, in the thread that the test was started in, because this machine lacks something.
#[track_caller]
pub fn skip(reason: impl Display) -> ! {
    assert!(
        env::var("CI").as_deref() != Ok("true"),
        "with CI=true nothing may be skipped: {reason}"
    );
    not_here(reason)
}

/// Ends the test that calls it as [`skip`] does, also with `CI=true`: the program does something else in this place, and has to.
pub fn not_here(reason: impl Display) -> ! {
    // Not a panic: the hook of panics would print a message.
    resume_unwind(Box::new(Skipped(reason.to_string())))
}

/// Skips the test unless it runs as root.
#[track_caller]
pub fn needs_root() {
    if !is_root() {
        skip("it needs root");
    }
}

/// Tells whether the tests run as root.
#[cfg(unix)]
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// There is no such user.
#[cfg(windows)]
pub fn is_root() -> bool {
    false
}

/// Skips the test unless all these programs are installed.
#[track_caller]
pub fn needs(programs: &[&str]) {
    for program in programs {
        if find_program(program).is_none() {
            skip(format_args!("it needs the program {program}"));
        }
    }
}

/// Skips the test in a container, unless it is a system with an init of its own.
pub fn needs_a_system() {
    let namespace = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    let first = fs::read_to_string("/proc/1/comm").unwrap_or_default();
    let is_system = ["systemd", "init"].iter().any(|it| first.starts_with(it));
    if !is_system && !["", "pid:[4026531836]"].contains(&&*namespace.to_string_lossy()) {
        not_here("in a container that ends with it a command waits for the end of a refresh");
    }
}

/// Starts a program as the first process of a container, as far as processes are concerned.
pub const CONTAINER: [&str; 5] = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"];

/// Skips the test unless [`CONTAINER`] works.
#[track_caller]
pub fn needs_container() {
    let mut command = Command::new(CONTAINER[0]);
    let status = command.args(&CONTAINER[1..]).arg("true").status();
    if !status.is_ok_and(|status| status.success()) {
        skip("no container of processes can be made here");
    }
}

/// Skips the test if the tests were started with a signal ignored, as a script starts a background job: what they start
/// ignores it too, and has to.
#[cfg(unix)]
#[track_caller]
pub fn needs_signal(signal: Signal) {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0);
    if mask & (1 << (signal.as_raw() - 1)) != 0 {
        skip(format_args!(
            "it needs {signal:?}, which the tests were started to ignore"
        ));
    }
}
