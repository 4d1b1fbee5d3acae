//! Signals, turned into bytes on a socket that the wait loop watches.

use std::io::{self, Read as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGXFSZ};
use signal_hook::low_level;

use super::Signal;
use crate::os::environment::job;

/// The signals that a login answers to.
const WATCHED: [i32; 6] = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT];

/// How many parts of the program watch for signals now.
static WATCHERS: AtomicUsize = AtomicUsize::new(0);

/// Whether signals do what they do without us, because nobody watches for them. It is made by the first watcher.
static BY_DEFAULT: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// The signals that have come and were not yet looked at.
#[derive(Debug)]
pub struct Signals {
    socket: UnixStream,
    pending: Vec<(i32, Arc<AtomicBool>)>,
}

impl Signals {
    /// Starts to watch. A signal that this process was started to ignore stays ignored.
    ///
    /// # Errors
    ///
    /// If the system has no socket or no handler for us.
    pub fn watch() -> io::Result<Self> {
        let (socket, sender) = UnixStream::pair()?;
        socket.set_nonblocking(true)?;
        let ignored = ignored();
        let mut pending = Vec::new();
        let by_default = Arc::clone(BY_DEFAULT.get_or_init(Arc::default));
        for signal in WATCHED
            .into_iter()
            .filter(|signal| !ignored.contains(signal))
        {
            let flag = Arc::new(AtomicBool::new(false));
            signal_hook::flag::register(signal, Arc::clone(&flag))?;
            low_level::pipe::register(signal, sender.try_clone()?)?;
            if signal != SIGCONT && WATCHERS.load(Ordering::SeqCst) == 0 {
                signal_hook::flag::register_conditional_default(signal, Arc::clone(&by_default))?;
            }
            pending.push((signal, flag));
        }
        by_default.store(false, Ordering::SeqCst);
        WATCHERS.fetch_add(1, Ordering::SeqCst);
        Ok(Self { socket, pending })
    }

    /// Returns what to wait for.
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Returns the next signal that has come.
    pub fn take(&mut self) -> Option<Signal> {
        let mut bytes = [0; 64];
        while self.socket.read(&mut bytes).is_ok_and(|count| count > 0) {}
        let (signal, _) = self
            .pending
            .iter()
            .find(|(_, flag)| flag.swap(false, Ordering::SeqCst))?;
        Some(match *signal {
            SIGTSTP => Signal::Stop,
            SIGCONT => Signal::Continue,
            signal => Signal::End(signal),
        })
    }
}

/// What comes after the last watcher is gone ends or stops this process as it would have done without us.
impl Drop for Signals {
    fn drop(&mut self) {
        if WATCHERS.fetch_sub(1, Ordering::SeqCst) == 1 {
            set_default(true);
        }
    }
}

/// Does something for which nobody watches for signals: they end this process at once.
pub fn unwatched<T>(work: impl FnOnce() -> T) -> T {
    set_default(true);
    let done = work();
    set_default(WATCHERS.load(Ordering::SeqCst) == 0);
    done
}

fn set_default(on: bool) {
    if let Some(by_default) = BY_DEFAULT.get() {
        by_default.store(on, Ordering::SeqCst);
    }
}

/// Lets a write beyond the largest size of a file that is allowed here fail, rather than end this process.
pub fn survive_file_limit() {
    let _ = signal_hook::flag::register(SIGXFSZ, Arc::default());
}

/// Lets the signals that ask this process to end pass by: what it does is short, and must be done whole.
pub fn put_off() {
    for signal in [SIGINT, SIGTERM, SIGHUP, SIGQUIT] {
        let _ = signal_hook::flag::register(signal, Arc::default());
    }
}

/// Ends or stops this process as the signal would have done without us.
pub fn act(signal: i32) {
    let _ = low_level::emulate_default_handler(signal);
}

/// Stops this process until it is continued, unless nobody would do that.
pub fn stop() {
    if job::has_a_shell() {
        act(SIGTSTP);
    }
}

/// Returns the signals that this process was started to ignore, as a shell starts its background jobs.
fn ignored() -> Vec<i32> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0);
    WATCHED
        .into_iter()
        .filter(|signal| mask & (1 << (signal - 1)) != 0)
        .collect()
}
