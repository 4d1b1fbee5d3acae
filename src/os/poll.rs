//! Waiting until a stream can be read or written.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::event::{poll, PollFd, PollFlags, Timespec};
use rustix::io::Errno;

/// Waits until a stream is ready for `events`, at most this long; without a limit as long as it takes. Returns whether it
/// is: a signal ends the wait as well.
///
/// # Errors
///
/// What the operating system reports.
pub fn is_ready(stream: impl AsFd, events: PollFlags, limit: Option<Duration>) -> io::Result<bool> {
    let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
    match poll(&mut [PollFd::new(&stream, events)], limit.as_ref()) {
        Ok(ready) => Ok(ready > 0),
        Err(Errno::INTR) => Ok(false),
        Err(err) => Err(err.into()),
    }
}
