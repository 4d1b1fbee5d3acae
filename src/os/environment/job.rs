//! The job that this process belongs to: whether a terminal listens to it, and whether a shell looks after it.
//!
//! Groups and sessions are compared as plain numbers: in a container each may be 0, which means one outside of it.

pub use platform::{has_a_shell, is_in_foreground};

#[cfg(unix)]
mod platform {
    use std::fs;
    use std::os::fd::AsFd;

    use nix::unistd::{getpgid, getpgrp, getppid, getsid, tcgetpgrp, Pid};

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
            if getsid(Some(ancestor)) != session {
                return false;
            }
            if getpgid(Some(ancestor)) != Ok(group) {
                return true;
            }
            // Where the system does not tell, it is believed.
            let Some(parent) = parent_of(ancestor) else {
                return true;
            };
            ancestor = parent;
        }
        false
    }

    fn parent_of(process: Pid) -> Option<Pid> {
        let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        let mut lines = status.lines();
        let parent = lines.find_map(|line| line.strip_prefix("PPid:"))?;
        Some(Pid::from_raw(parent.trim().parse().ok()?))
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
}
