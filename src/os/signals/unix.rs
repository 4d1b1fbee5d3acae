//! Signals, turned into bytes on a socket that the wait loop watches.

use std::io::{self, Read as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGXFSZ};
use signal_hook::{flag, low_level};

use super::Signal;
use crate::os::environment::job;

/// The signals that a login answers to.
const WATCHED: [i32; 6] = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT];

/// The signals that end this process.
const ENDING: [i32; 4] = [SIGINT, SIGTERM, SIGHUP, SIGQUIT];

/// How many parts of the program watch for signals now.
static WATCHERS: AtomicUsize = AtomicUsize::new(0);

/// How many parts of the program must not be ended now.
static DEFERRALS: AtomicUsize = AtomicUsize::new(0);

/// Whether signals pass by for good, and whether they end this process although somebody watches.
static ARE_PUT_OFF: AtomicBool = AtomicBool::new(false);
static ARE_UNWATCHED: AtomicBool = AtomicBool::new(false);

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
            let has_come = Arc::new(AtomicBool::new(false));
            flag::register(signal, Arc::clone(&has_come))?;
            low_level::pipe::register(signal, sender.try_clone()?)?;
            if signal != SIGCONT && WATCHERS.load(Ordering::SeqCst) == 0 {
                let_act(signal, Arc::clone(&by_default))?;
            }
            pending.push((signal, has_come));
        }
        WATCHERS.fetch_add(1, Ordering::SeqCst);
        settle();
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
        WATCHERS.fetch_sub(1, Ordering::SeqCst);
        settle();
    }
}

/// Does something for which nobody watches for signals: they end this process at once.
pub fn unwatched<T>(work: impl FnOnce() -> T) -> T {
    ARE_UNWATCHED.store(true, Ordering::SeqCst);
    settle();
    let done = work();
    ARE_UNWATCHED.store(false, Ordering::SeqCst);
    settle();
    done
}

/// Decides whether signals do what they do without us, and returns it.
fn settle() -> bool {
    let is_free = DEFERRALS.load(Ordering::SeqCst) == 0;
    let is_watched = WATCHERS.load(Ordering::SeqCst) > 0 && !ARE_UNWATCHED.load(Ordering::SeqCst);
    let by_default = is_free && !is_watched;
    if let Some(shared) = BY_DEFAULT.get() {
        shared.store(by_default, Ordering::SeqCst);
    }
    by_default
}

/// A moment in which this process must not be ended, for something lies where it would be left behind. A signal that comes
/// ends the process after it, unless somebody watches for signals and decides.
#[derive(Debug)]
pub struct Deferral(&'static [(i32, Arc<AtomicBool>)]);

/// Begins such a moment.
pub fn defer() -> Deferral {
    static PENDING: OnceLock<Vec<(i32, Arc<AtomicBool>)>> = OnceLock::new();
    if ARE_PUT_OFF.load(Ordering::SeqCst) {
        return Deferral(&[]);
    }
    let first = DEFERRALS.fetch_add(1, Ordering::SeqCst) == 0;
    let pending = PENDING.get_or_init(|| {
        let by_default = BY_DEFAULT.get_or_init(Arc::default);
        let ignored = ignored();
        let ending = ENDING.into_iter().filter(|it| !ignored.contains(it));
        ending
            .map(|signal| {
                let has_come = Arc::new(AtomicBool::new(false));
                let _ = flag::register(signal, Arc::clone(&has_come));
                let _ = let_act(signal, Arc::clone(by_default));
                (signal, has_come)
            })
            .collect()
    });
    if first {
        // What came before was for those who watched then.
        for (_, flag) in pending {
            flag.store(false, Ordering::SeqCst);
        }
    }
    settle();
    Deferral(pending)
}

impl Drop for Deferral {
    fn drop(&mut self) {
        if ARE_PUT_OFF.load(Ordering::SeqCst) {
            return;
        }
        DEFERRALS.fetch_sub(1, Ordering::SeqCst);
        if settle() {
            let mut come = self.0.iter();
            if let Some((signal, _)) = come.find(|(_, flag)| flag.load(Ordering::SeqCst)) {
                act(*signal);
            }
        }
    }
}

/// Lets a write beyond the largest size of a file that is allowed here fail, rather than end this process.
pub fn survive_file_limit() {
    let _ = flag::register(SIGXFSZ, Arc::default());
}

/// Lets the signals that ask this process to end pass by: what it does is short, and must be done whole.
pub fn put_off() {
    ARE_PUT_OFF.store(true, Ordering::SeqCst);
    for signal in ENDING {
        let _ = flag::register(signal, Arc::default());
    }
}

/// Ends or stops this process as the signal would have done without us. The first process of a container would not have been ended
/// by it: that one exits.
///
/// Spec: pid_namespaces(7).
pub fn act(signal: i32) {
    match is_first() && ENDING.contains(&signal) {
        true => low_level::exit(128 + signal),
        false => drop(low_level::emulate_default_handler(signal)),
    }
}

/// Lets a signal do what [`act`] does while the flag is set.
fn let_act(signal: i32, by_default: Arc<AtomicBool>) -> io::Result<()> {
    match is_first() && ENDING.contains(&signal) {
        true => flag::register_conditional_shutdown(signal, 128 + signal, by_default).map(drop),
        false => flag::register_conditional_default(signal, by_default).map(drop),
    }
}

/// Tells whether this is the first process of a container.
fn is_first() -> bool {
    std::process::id() == 1
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
