//! What asks this program to end or to stop: signals, and on Windows the events of the console and of the session.

#[cfg_attr(unix, path = "unix.rs")]
#[cfg_attr(windows, path = "windows.rs")]
mod platform;

pub use platform::{act, defer, put_off, stop, survive_file_limit, unwatched};
#[cfg(windows)]
pub use platform::{ConsoleEvents as Signals, Tidying as Deferral};
#[cfg(unix)]
pub use platform::{Deferral, Signals};

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// The program is to end, by this signal.
    End(i32),
    /// The program is to stop until it is continued.
    Stop,
    /// The program was continued.
    Continue,
}
