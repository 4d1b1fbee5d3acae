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
