//! Waiting until streams can be read or written. On Windows these are sockets: nothing else can be waited for there.

use std::io;
use std::time::Duration;

use rustix::event::{PollFd, Timespec};
use rustix::io::Errno;

pub use rustix::event::PollFlags;
pub use rustix::fd::{AsFd, BorrowedFd, OwnedFd};

/// Waits until one of the streams is ready for what is asked of it, at most this long; without a limit as long as it takes.
/// Returns what each is ready for: nothing at all if the time is up or a signal came. A stream whose other end has gone is
/// ready, and its flags may then be none of those asked for.
///
/// # Errors
///
/// What the operating system reports.
pub fn wait(
    watched: &[(BorrowedFd<'_>, PollFlags)],
    limit: Option<Duration>,
) -> io::Result<Vec<PollFlags>> {
    let is_polled = |flags: &PollFlags| cfg!(unix) || !flags.is_empty();
    let mut polled: Vec<_> = watched
        .iter()
        .filter(|(_, flags)| is_polled(flags))
        .map(|(stream, flags)| PollFd::from_borrowed_fd(*stream, *flags))
        .collect();
    match poll(&mut polled, limit) {
        Ok(()) | Err(Errno::INTR) => {}
        Err(err) => return Err(err.into()),
    }
    let mut polled = polled.iter().map(PollFd::revents);
    let ready = watched.iter().map(|(_, flags)| match is_polled(flags) {
        true => polled.next().unwrap_or(PollFlags::empty()),
        false => PollFlags::empty(),
    });
    Ok(ready.collect())
}

/// Waits until a stream is ready, as [`wait`] does, and returns whether it is.
///
/// # Errors
///
/// What the operating system reports.
pub fn is_ready(stream: impl AsFd, events: PollFlags, limit: Option<Duration>) -> io::Result<bool> {
    let ready = wait(&[(stream.as_fd(), events)], limit)?;
    Ok(ready.iter().any(|flags| !flags.is_empty()))
}

fn poll(polled: &mut [PollFd<'_>], limit: Option<Duration>) -> rustix::io::Result<()> {
    // Windows reports an error when there is nothing to wait for, and ends a wait with a socket whose peer has hung up even if
    // nothing is asked of it; those are left out.
    #[cfg(windows)]
    if let (true, Some(limit)) = (polled.is_empty(), limit) {
        std::thread::sleep(limit);
        return Ok(());
    }
    let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
    rustix::event::poll(polled, limit.as_ref()).map(drop)
}
