//! What the system tells about a running program, and what is sent to it.

use std::fs;
use std::time::Duration;

#[cfg(unix)]
use rustix::process::{kill_process, Pid, Signal};

/// A running program, seen from outside.
#[derive(Clone, Copy, Debug)]
pub struct Process(pub u32);

impl Process {
    /// Ends it at once.
    pub fn kill(self) {
        #[cfg(unix)]
        self.signal(Signal::KILL);
        #[cfg(windows)]
        {
            let words = ["/F", "/PID", &self.0.to_string()];
            let status = std::process::Command::new("taskkill").args(words).status();
            assert!(status.expect("taskkill").success());
        }
    }

    #[cfg(unix)]
    pub fn signal(self, signal: Signal) {
        let pid = Pid::from_raw(self.0.try_into().expect("a pid")).expect("a pid");
        kill_process(pid, signal).expect("sending a signal");
    }

    /// Tells whether each thread is in this state.
    #[cfg(target_os = "linux")]
    fn all_threads_are(self, wanted: char) -> bool {
        let threads = fs::read_dir(format!("/proc/{}/task", self.0)).expect("threads");
        let is_so = |thread: fs::DirEntry| {
            let stat = fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
            let state = stat.rsplit_once(") ").map(|(_, state)| state);
            state.is_none_or(|state| state.starts_with(wanted))
        };
        threads.flatten().all(is_so)
    }

    /// Tells whether each thread waits for something.
    #[cfg(target_os = "linux")]
    pub fn is_asleep(self) -> bool {
        self.all_threads_are('S')
    }

    /// Stops it, and waits until no thread of it runs any more: a signal that was sent is only on its way.
    #[cfg(target_os = "linux")]
    pub fn stop(self) {
        self.signal(Signal::STOP);
        super::wait_for("the stop of each thread", || {
            self.all_threads_are('T').then_some(())
        });
    }

    /// Returns the one program that it has started.
    #[cfg(target_os = "linux")]
    pub fn child(self) -> Self {
        let path = format!("/proc/{0}/task/{0}/children", self.0);
        super::wait_for("a child", || {
            let children = fs::read_to_string(&path).expect("a running program");
            children.trim().parse().map(Self).ok()
        })
    }

    /// Returns one number of `/proc/PID/status`, such as `Threads` or `VmRSS` (in KiB).
    pub fn status(self, name: &str) -> u64 {
        let status =
            fs::read_to_string(format!("/proc/{}/status", self.0)).expect("a running program");
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let number = line.and_then(|line| line.split_whitespace().next());
        number
            .and_then(|number| number.parse().ok())
            .unwrap_or_else(|| panic!("no {name} in {status}"))
    }

    /// Returns the fields of `/proc/PID/stat` from the state on; `None` if the program has ended.
    pub fn stat(self) -> Option<Vec<String>> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0)).ok()?;
        let (_, fields) = stat.rsplit_once(')')?;
        Some(fields.split_whitespace().map(str::to_owned).collect())
    }

    /// Returns the state: `S` sleeping, `T` stopped and so on.
    pub fn state(self) -> char {
        self.stat()
            .and_then(|fields| fields.first()?.chars().next())
            .unwrap_or('X')
    }

    /// Returns the processor time used so far, in ticks of 10 ms.
    pub fn ticks(self) -> u64 {
        let fields = self.stat().expect("a running program");
        fields[11].parse::<u64>().expect("a number") + fields[12].parse::<u64>().expect("a number")
    }

    /// Returns the processor time that its first thread has used so far.
    pub fn waiting_thread_time(self) -> Duration {
        let path = format!("/proc/{0}/task/{0}/schedstat", self.0);
        let text = fs::read_to_string(path).expect("a running program");
        let time = text.split_whitespace().next().expect("a time");
        Duration::from_nanos(time.parse().expect("nanoseconds"))
    }
}

/// Tells whether a text names these tests as a process: `process 123`. What they start has all their sockets until its
/// program runs, so it may be named in their place.
pub fn names_these_tests(text: &str) -> bool {
    let own = std::process::id();
    let named = text.split("process ").skip(1).filter_map(|rest| {
        let end = rest.find(|it: char| !it.is_ascii_digit());
        rest[..end.unwrap_or(rest.len())].parse().ok()
    });
    let is_started_here = |pid| {
        // The fields are counted from the state on; the second is the parent.
        let stat = Process(pid).stat();
        stat.is_none_or(|fields| fields[1] == own.to_string())
    };
    named
        .into_iter()
        .any(|pid: u32| pid == own || is_started_here(pid))
}
