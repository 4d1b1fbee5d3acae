//! Writing to stdout and stderr without waiting for their readers.
//!
//! A terminal that was halted with Ctrl-S and a pipe that nobody reads take nothing, perhaps for ever. So what is written
//! goes into a queue of limited size, and from there to the stream as far as it takes something now. At the end a stream
//! that takes nothing is given up.
//!
//! `O_NONBLOCK` belongs to the open file, which other programs share, and must not be set on it. On Linux the same
//! terminal or pipe is opened once more instead; where that is not possible, the stream is asked before each write.

use std::fmt;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::PollFlags;
use rustix::fs::{fstat, major, minor, FileType};
use rustix::io::{write, Errno};
use rustix::net::{send, SendFlags};
use rustix::termios::isatty;

use crate::os::clock::Deadline;
use crate::os::poll;

/// Most bytes that wait for a stream; further lines are dropped.
const MAX_QUEUED_BYTES: usize = 256 * 1024;

/// Most bytes of one write to a pipe: what a pipe with room takes at once. Spec: POSIX.1-2024, `write`, `PIPE_BUF`.
const PIPE_PIECE: usize = if cfg!(target_os = "linux") { 4096 } else { 512 };

/// Most bytes of one write to a terminal that was asked before. One that has room has at least 256 bytes of it, and a line
/// end takes two.
const TERMINAL_PIECE: usize = 128;

/// How long a stream may take nothing at the end, before it is given up.
const STALL_LIMIT: Duration = Duration::from_secs(1);

/// Longest time for a stream to take the rest at the end, however steadily it does.
const FINISH_LIMIT: Duration = Duration::from_secs(5);

/// How a stream is written to without waiting.
#[derive(Debug)]
enum Access {
    /// Through an open file of our own, which does not block.
    Own(OwnedFd),
    /// A socket; each write is marked not to block.
    Socket,
    /// A file or a device that takes everything at once.
    Plain,
    /// After asking, and at most this many bytes at once.
    Asked(usize),
}

/// One of the output streams of this process, and what it has not taken yet.
pub(super) struct Output {
    stream: fn() -> BorrowedFd<'static>,
    access: Option<Access>,
    queue: Vec<u8>,
    waits: bool,
    is_lossy: bool,
}

impl fmt::Debug for Output {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Output")
            .field("queued", &self.queue.len())
            .finish_non_exhaustive()
    }
}

impl Output {
    /// Returns a stream that waits for its reader, as the output of most programs does.
    pub const fn new(stream: fn() -> BorrowedFd<'static>) -> Self {
        Self {
            stream,
            access: None,
            queue: Vec::new(),
            waits: true,
            is_lossy: false,
        }
    }

    /// From now on nothing waits for the reader.
    pub fn never_block(&mut self) {
        self.waits = false;
    }

    /// Writes text, or puts it into the queue as far as the stream does not take it now.
    pub fn write(&mut self, text: &str) {
        if self.queue.len() + text.len() > MAX_QUEUED_BYTES && !self.waits {
            self.is_lossy = true;
            return;
        }
        self.queue.extend_from_slice(text.as_bytes());
        self.advance();
        while self.waits && !self.queue.is_empty() {
            self.is_ready(None);
            self.advance();
        }
    }

    /// Writes what the stream takes now.
    pub fn advance(&mut self) {
        while !self.queue.is_empty() {
            match self.write_piece() {
                Ok(count) => {
                    self.queue.drain(..count.min(self.queue.len()));
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return,
                Err(_) => self.give_up(),
            }
        }
    }

    fn write_piece(&mut self) -> rustix::io::Result<usize> {
        let access = self.access.get_or_insert_with(|| access((self.stream)()));
        let bytes = self.queue.as_slice();
        match access {
            Access::Own(own) => write(own, bytes),
            // Rust ignores SIGPIPE for the whole program.
            Access::Socket => send((self.stream)(), bytes, SendFlags::DONTWAIT),
            Access::Plain => write((self.stream)(), bytes),
            Access::Asked(most) => {
                let piece = bytes.get(..*most).unwrap_or(bytes);
                if !is_ready((self.stream)(), Some(Duration::ZERO)) {
                    return Err(Errno::AGAIN);
                }
                write((self.stream)(), piece)
            }
        }
    }

    /// Tells whether a write would be taken now. Nothing may be waiting then.
    pub fn takes_output(&self) -> bool {
        self.queue.is_empty() && self.is_ready(Some(Duration::ZERO))
    }

    fn is_ready(&self, limit: Option<Duration>) -> bool {
        is_ready((self.stream)(), limit)
    }

    /// Returns the stream if something waits for it.
    pub fn pending(&self) -> Option<BorrowedFd<'static>> {
        (!self.queue.is_empty()).then(self.stream)
    }

    /// Lets the stream take the rest, unless it takes nothing any more. Returns whether all was taken since the start.
    pub fn finish(&mut self) -> bool {
        let (end, mut stalled) = (Deadline::after(FINISH_LIMIT), Deadline::after(STALL_LIMIT));
        loop {
            let before = self.queue.len();
            self.advance();
            if self.queue.is_empty() {
                return !self.is_lossy;
            }
            if self.queue.len() < before {
                stalled = Deadline::after(STALL_LIMIT);
            }
            let left = end.min(stalled).left();
            if left.is_zero() {
                self.give_up();
            } else {
                self.is_ready(Some(left));
            }
        }
    }

    fn give_up(&mut self) {
        self.queue.clear();
        self.is_lossy = true;
    }

    /// Tells whether something was lost since this was asked last.
    pub fn take_loss(&mut self) -> bool {
        std::mem::take(&mut self.is_lossy)
    }
}

fn is_ready(stream: BorrowedFd, limit: Option<Duration>) -> bool {
    poll::is_ready(stream, PollFlags::OUT, limit).unwrap_or(false)
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
