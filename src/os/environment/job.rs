//! The job that this process belongs to: whether a terminal listens to it, whether a shell looks after it, and what its end ends.
//!
//! Groups and sessions are compared as plain numbers: in a container each may be 0, which means one outside of it.

use std::env;

pub use platform::{has_a_shell, is_in_foreground};

/// Tells whether what this process leaves behind may be killed when it ends: by a CI system, or with the container or the sandbox
/// that is there for it alone.
pub fn ends_with_us() -> bool {
    env::var_os("CI").is_some_and(|value| !value.is_empty()) || platform::is_in_container()
}

#[cfg(unix)]
mod platform {
    use std::fs;
    use std::iter;
    use std::os::fd::AsFd;
    use std::os::unix::fs::MetadataExt;

    use nix::unistd::{getpgid, getpgrp, getppid, getsid, tcgetpgrp, Pid};

    use crate::os::process::parent_of;

    /// Tells whether this is the job that the terminal listens to; `None` if the stream is no terminal of this session.
    pub fn is_in_foreground(stream: impl AsFd) -> Option<bool> {
        let listened_to = tcgetpgrp(stream).ok()?;
        Some(listened_to == getpgrp())
    }

    /// Tells whether a shell of this session looks after this job, and can continue what is stopped. Where there is none, as
    /// in a remote command or a container, the system itself lets Ctrl-Z stop nothing.
    pub fn has_a_shell() -> bool {
        let (session, group) = (getsid(None), getpgrp());
        let mut ancestor = getppid();
        while ancestor.as_raw() != 0 {
            match parent_of(ancestor.as_raw()) {
                _ if getsid(Some(ancestor)) != session => return false,
                _ if getpgid(Some(ancestor)) != Ok(group) => return true,
                Some(parent) => ancestor = Pid::from_raw(parent),
                // Where the system does not tell, it is believed.
                None => return true,
            }
        }
        false
    }

    /// The number of the namespace that has all processes.
    ///
    /// Spec: linux/nsfs.h, `PID_NS_INIT_INO`.
    const ALL_PROCESSES: u64 = 0xEFFF_FFFC;

    /// Tells whether the first process of a container is this one or has led to it: all others are killed when that ends. A system
    /// with an init of its own goes on, as a distribution of WSL does.
    ///
    /// Spec: pid_namespaces(7).
    pub(super) fn is_in_container() -> bool {
        let parent = getppid().as_raw();
        let first = fs::read_to_string("/proc/1/comm").unwrap_or_default();
        let is_system = ["systemd", "init"].iter().any(|it| first.starts_with(it));
        let namespace = fs::metadata("/proc/self/ns/pid");
        let is_apart = namespace.is_ok_and(|it| it.ino() != ALL_PROCESSES);
        let mut ancestors = iter::successors(Some(parent), |process| parent_of(*process));
        // The parent of the first process has the number 0 there, and so has whatever came in from outside.
        parent <= 1 || !is_system && is_apart && ancestors.find(|it| *it <= 1) == Some(1)
    }
}

/// Windows has no jobs of a shell: whoever has the console may use it.
#[cfg(windows)]
mod platform {
    use std::io::IsTerminal;

    /// Tells whether the terminal listens to this process; `None` if the stream is no terminal.
    pub fn is_in_foreground(stream: impl IsTerminal) -> Option<bool> {
        stream.is_terminal().then_some(true)
    }

    /// Nobody could continue what is stopped.
    pub fn has_a_shell() -> bool {
        false
    }

    /// Nothing is known of that.
    pub(super) fn is_in_container() -> bool {
        false
    }
}
