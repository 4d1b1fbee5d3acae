//! Ctrl-C and Ctrl-Break, a console that is closed, the end of the session: each runs a closure in a thread of its own, which
//! writes bytes to sockets that the wait loops watch.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Once};

use super::Signal;
use crate::os::files;
use crate::os::poll::{AsFd as _, BorrowedFd};
use crate::os::socket;
use crate::os::sync::lock;
use crate::os::terminal::paste;

/// The number of Ctrl-C elsewhere, by which programs name their end.
const INTERRUPT: i32 = 2;

/// What those who watch are told by.
static WATCHERS: Mutex<Vec<Watcher>> = Mutex::new(Vec::new());

/// Whether the events do nothing, and whether they end this process although somebody watches.
static ARE_PUT_OFF: AtomicBool = AtomicBool::new(false);
static ARE_UNWATCHED: AtomicBool = AtomicBool::new(false);

struct Watcher {
    waker: TcpStream,
    has_come: Arc<AtomicBool>,
}

fn watchers() -> std::sync::MutexGuard<'static, Vec<Watcher>> {
    lock(&WATCHERS)
}

/// The events that have come and were not yet looked at.
#[derive(Debug)]
pub struct ConsoleEvents {
    socket: TcpStream,
    has_come: Arc<AtomicBool>,
}

impl ConsoleEvents {
    /// Starts to watch.
    ///
    /// # Errors
    ///
    /// If the system has no socket or no handler for us.
    pub fn watch() -> io::Result<Self> {
        install()?;
        let (socket, waker) = socket::nonblocking_pair()?;
        let has_come = Arc::new(AtomicBool::new(false));
        watchers().push(Watcher {
            waker,
            has_come: Arc::clone(&has_come),
        });
        Ok(Self { socket, has_come })
    }

    /// Returns what to wait for.
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Returns the next event that has come. Windows does not stop programs.
    pub fn take(&mut self) -> Option<Signal> {
        let mut bytes = [0; 64];
        while self.socket.read(&mut bytes).is_ok_and(|count| count > 0) {}
        let has_come = self.has_come.swap(false, Ordering::SeqCst);
        has_come.then_some(Signal::End(INTERRUPT))
    }
}

/// What comes after the last watcher is gone ends this process.
impl Drop for ConsoleEvents {
    fn drop(&mut self) {
        watchers().retain(|it| !Arc::ptr_eq(&it.has_come, &self.has_come));
    }
}

/// Installs the handler, once.
fn install() -> io::Result<()> {
    static INSTALLED: Once = Once::new();
    let mut installed = Ok(());
    INSTALLED.call_once(|| installed = ctrlc::set_handler(on_event).map_err(io::Error::other));
    installed
}

fn on_event() {
    if ARE_PUT_OFF.load(Ordering::SeqCst) {
        return;
    }
    let watchers = watchers();
    if watchers.is_empty() || ARE_UNWATCHED.load(Ordering::SeqCst) {
        drop(watchers);
        return act(INTERRUPT);
    }
    for watcher in watchers.iter() {
        watcher.has_come.store(true, Ordering::SeqCst);
        // If the socket is full, its reader wakes up anyway.
        let _ = (&watcher.waker).write(&[1]);
    }
}

/// Does something for which nobody watches for events: they end this process at once.
pub fn unwatched<T>(work: impl FnOnce() -> T) -> T {
    ARE_UNWATCHED.store(true, Ordering::SeqCst);
    let done = work();
    ARE_UNWATCHED.store(false, Ordering::SeqCst);
    done
}

/// A moment in which something lies where it must not be left behind.
#[derive(Debug)]
pub struct Tidying;

/// Begins such a moment: from now on an event that ends this process tidies up first.
pub fn defer() -> Tidying {
    let _ = install();
    Tidying
}

/// Windows has no largest size of a file that ends a process.
pub fn survive_file_limit() {}

/// Lets the events that ask this process to end pass by.
pub fn put_off() {
    ARE_PUT_OFF.store(true, Ordering::SeqCst);
    // Without a handler Ctrl-C ends this process, as it does in every other program.
    let _ = install();
}

/// Ends this process as others say that a signal ended it.
pub fn act(signal: i32) {
    paste::restore();
    files::end();
    process::exit(128 + signal)
}

/// Windows stops no programs.
pub fn stop() {}
