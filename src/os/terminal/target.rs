//! How stdout and stderr are written to without waiting for their readers.

#[cfg(unix)]
pub(super) use platform::Access;
#[cfg(windows)]
pub(super) use platform::ConsoleAccess as Access;

/// A stream of this process that is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OutputStream {
    /// Stdout.
    Stdout,
    /// Stderr.
    Stderr,
}

#[cfg(unix)]
mod platform {
    use std::io;
    use std::os::fd::OwnedFd;
    use std::time::Duration;

    use rustix::fs::{fstat, major, minor, FileType};
    use rustix::io::write;
    use rustix::net::{send, SendFlags};
    use rustix::termios::isatty;

    use super::OutputStream;
    use crate::os::poll::{self, BorrowedFd, PollFlags};

    /// Most bytes of one write to a pipe: what a pipe with room takes at once. Spec: POSIX.1-2024, `write`, `PIPE_BUF`.
    const PIPE_PIECE: usize = if cfg!(target_os = "linux") { 4096 } else { 512 };

    /// Most bytes of one write to a terminal that was asked before. One that has room has at least 256 bytes of it, and a line
    /// end takes two.
    const TERMINAL_PIECE: usize = 128;

    /// How a stream is written to without waiting.
    #[derive(Debug)]
    pub enum Access {
        /// Through an open file of our own, which does not block.
        Own(OwnedFd),
        /// A socket; each write is marked not to block.
        Socket,
        /// A file or a device that takes everything at once.
        Plain,
        /// After asking, and at most this many bytes at once.
        Asked(usize),
    }

    impl Access {
        /// Finds out how a stream is written to without waiting.
        pub fn of(target: OutputStream, _waits: bool) -> Self {
            access(target.stream())
        }

        /// Writes what the stream takes now, and returns how many bytes that are.
        ///
        /// # Errors
        ///
        /// `WouldBlock` if it takes nothing now, and what the operating system reports.
        pub fn write(&mut self, target: OutputStream, bytes: &[u8]) -> io::Result<usize> {
            let stream = target.stream();
            Ok(match self {
                Self::Own(own) => write(own, bytes),
                // Rust ignores SIGPIPE for the whole program.
                Self::Socket => send(stream, bytes, SendFlags::DONTWAIT),
                Self::Plain => write(stream, bytes),
                Self::Asked(most) => {
                    let piece = bytes.get(..*most).unwrap_or(bytes);
                    if !target.is_ready(Some(Duration::ZERO)) {
                        return Err(io::ErrorKind::WouldBlock.into());
                    }
                    write(stream, piece)
                }
            }?)
        }

        /// Waits until the stream takes something, at most this long; returns whether it does.
        pub fn is_ready(&self, target: OutputStream, limit: Option<Duration>) -> bool {
            target.is_ready(limit)
        }

        /// Waits until what was written has reached the stream, at most this long; returns whether it has.
        pub fn is_written(&self, _limit: Duration) -> bool {
            true
        }
    }

    impl OutputStream {
        fn stream(self) -> BorrowedFd<'static> {
            match self {
                Self::Stdout => rustix::stdio::stdout(),
                Self::Stderr => rustix::stdio::stderr(),
            }
        }

        /// Returns what to wait for until it takes something.
        pub fn to_wait_for(self) -> Option<BorrowedFd<'static>> {
            Some(self.stream())
        }

        /// Waits until it takes something, at most this long; returns whether it does.
        pub fn is_ready(self, limit: Option<Duration>) -> bool {
            poll::is_ready(self.stream(), PollFlags::OUT, limit).unwrap_or(false)
        }
    }

    /// Finds out how a stream is written to without waiting.
    fn access(stream: BorrowedFd) -> Access {
        let Ok(stat) = fstat(stream) else {
            return Access::Plain;
        };
        // Each opening of the master of a pseudo-terminal makes a new terminal.
        let is_master = (major(stat.st_rdev), minor(stat.st_rdev)) == (5, 2);
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Fifo => open_anew(stream).map_or(Access::Asked(PIPE_PIECE), Access::Own),
            FileType::CharacterDevice if !isatty(stream) => Access::Plain,
            FileType::CharacterDevice if is_master => Access::Asked(TERMINAL_PIECE),
            FileType::CharacterDevice => {
                open_anew(stream).map_or(Access::Asked(TERMINAL_PIECE), Access::Own)
            }
            FileType::Socket => Access::Socket,
            _ => Access::Plain,
        }
    }

    /// Opens what a stream leads to once more, so that its flags are our own.
    #[cfg(target_os = "linux")]
    fn open_anew(stream: BorrowedFd) -> Option<OwnedFd> {
        use rustix::fs::{open, Mode, OFlags};
        use std::os::fd::{AsFd as _, AsRawFd as _};

        let path = format!("/proc/self/fd/{}", stream.as_raw_fd());
        let own = open(
            path,
            OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC,
            Mode::empty(),
        )
        .ok()?;
        let (own_stat, stat) = (fstat(own.as_fd()).ok()?, fstat(stream).ok()?);
        ((own_stat.st_dev, own_stat.st_ino) == (stat.st_dev, stat.st_ino)).then_some(own)
    }

    /// Elsewhere opening a descriptor by its number only duplicates it.
    #[cfg(not(target_os = "linux"))]
    fn open_anew(_stream: BorrowedFd) -> Option<OwnedFd> {
        None
    }
}

#[cfg(windows)]
mod platform {
    use std::io::{self, Write as _};
    use std::sync::mpsc::{self, Sender};
    use std::sync::{Arc, Condvar, Mutex, MutexGuard};
    use std::time::Duration;

    use super::OutputStream;
    use crate::os::poll::BorrowedFd;
    use crate::os::sync::{lock, start_thread};

    /// How a stream is written to. A console in which somebody selects text takes nothing, and cannot be asked.
    #[derive(Debug)]
    pub enum ConsoleAccess {
        /// As most programs do: a write waits.
        Plain,
        /// By a thread, which takes the next bytes once it has written the last ones.
        Thread(Sender<Vec<u8>>, Arc<WriteProgress>),
    }

    /// Whether the thread is writing, and whether a write has failed.
    #[derive(Debug, Default)]
    pub struct WriteProgress {
        state: Mutex<(bool, bool)>,
        changed: Condvar,
    }

    impl WriteProgress {
        fn state(&self) -> MutexGuard<'_, (bool, bool)> {
            lock(&self.state)
        }

        fn set(&self, is_busy: bool, has_failed: bool) {
            *self.state() = (is_busy, has_failed);
            self.changed.notify_all();
        }

        fn is_idle(&self, limit: Option<Duration>) -> bool {
            let is_busy = |state: &mut (bool, bool)| state.0;
            let limit = limit.unwrap_or(Duration::MAX);
            let waited = self
                .changed
                .wait_timeout_while(self.state(), limit, is_busy);
            waited.is_ok_and(|(state, _)| !state.0)
        }
    }

    impl ConsoleAccess {
        /// Returns how a stream is written to; `waits` tells whether a write may wait.
        pub fn of(target: OutputStream, waits: bool) -> Self {
            if waits {
                return Self::Plain;
            }
            let (sender, chunks) = mpsc::channel::<Vec<u8>>();
            let progress = Arc::new(WriteProgress::default());
            let its_progress = Arc::clone(&progress);
            let work = move || {
                for chunk in chunks {
                    let has_failed = target.write_all(&chunk).is_err();
                    its_progress.set(false, has_failed);
                }
            };
            match start_thread("output", work) {
                Ok(_) => Self::Thread(sender, progress),
                Err(_) => Self::Plain,
            }
        }

        /// Writes what the stream takes now, and returns how many bytes that are.
        ///
        /// # Errors
        ///
        /// `WouldBlock` if it takes nothing now, and what the operating system reports.
        pub fn write(&mut self, target: OutputStream, bytes: &[u8]) -> io::Result<usize> {
            match self {
                Self::Plain => target.write_all(bytes)?,
                Self::Thread(_, progress) if !progress.is_idle(Some(Duration::ZERO)) => {
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                Self::Thread(_, progress) if progress.state().1 => {
                    return Err(io::ErrorKind::BrokenPipe.into());
                }
                Self::Thread(sender, progress) => {
                    progress.set(true, false);
                    if sender.send(bytes.to_vec()).is_err() {
                        return Err(io::ErrorKind::BrokenPipe.into());
                    }
                }
            }
            Ok(bytes.len())
        }

        /// Waits until the stream takes something, at most this long; returns whether it does.
        pub fn is_ready(&self, _target: OutputStream, limit: Option<Duration>) -> bool {
            match self {
                Self::Plain => true,
                Self::Thread(_, progress) => progress.is_idle(limit),
            }
        }

        /// Waits until what was written has reached the stream, at most this long; returns whether it has.
        pub fn is_written(&self, limit: Duration) -> bool {
            match self {
                Self::Plain => true,
                Self::Thread(_, progress) => progress.is_idle(Some(limit)) && !progress.state().1,
            }
        }
    }

    impl OutputStream {
        fn write_all(self, bytes: &[u8]) -> io::Result<()> {
            match self {
                Self::Stdout => {
                    let mut stdout = io::stdout().lock();
                    stdout.write_all(bytes).and_then(|()| stdout.flush())
                }
                Self::Stderr => io::stderr().write_all(bytes),
            }
        }

        /// Nothing can be waited for; the thread writes by itself, and what comes after is written at the next event.
        pub fn to_wait_for(self) -> Option<BorrowedFd<'static>> {
            None
        }

        /// A write to it waits.
        pub fn is_ready(self, _limit: Option<Duration>) -> bool {
            true
        }
    }
}
