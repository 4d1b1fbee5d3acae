//! Writing to stdout and stderr without waiting for their readers.
//!
//! A terminal that was halted with Ctrl-S and a pipe that nobody reads take nothing, perhaps for ever. So what is written
//! goes into a queue of limited size, and from there to the stream as far as it takes something now. At the end a stream
//! that takes nothing is given up.
//!
//! `O_NONBLOCK` belongs to the open file, which other programs share, and must not be set on it. On Linux the same
//! terminal or pipe is opened once more instead; where that is not possible, the stream is asked before each write.

use std::io::{self, ErrorKind};
use std::time::Duration;

use super::target::Access;
use crate::os::clock::Deadline;
use crate::os::poll::BorrowedFd;

pub(super) use super::target::OutputStream;

/// Most bytes that wait for a stream; further lines are dropped.
const MAX_QUEUED_BYTES: usize = 256 * 1024;

/// How long a stream may take nothing at the end, before it is given up.
const STALL_LIMIT: Duration = Duration::from_secs(1);

/// Longest time for a stream to take the rest at the end, however steadily it does.
const FINISH_LIMIT: Duration = Duration::from_secs(5);

/// One of the output streams of this process, and what it has not taken yet.
pub(super) struct Output {
    target: OutputStream,
    access: Option<Access>,
    queue: Vec<u8>,
    waits: bool,
    is_lossy: bool,
}

impl Output {
    /// Returns a stream that waits for its reader, as the output of most programs does.
    pub const fn new(target: OutputStream) -> Self {
        Self {
            target,
            access: None,
            queue: Vec::new(),
            waits: true,
            is_lossy: false,
        }
    }

    /// From now on nothing waits for the reader.
    pub fn never_block(&mut self) {
        self.waits = false;
        self.access = None;
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
                Err(err) if err.kind() == ErrorKind::Interrupted => {}
                Err(err) if err.kind() == ErrorKind::WouldBlock => return,
                Err(_) => self.give_up(),
            }
        }
    }

    fn write_piece(&mut self) -> io::Result<usize> {
        let (target, waits) = (self.target, self.waits);
        let access = self.access.get_or_insert_with(|| Access::of(target, waits));
        access.write(target, self.queue.as_slice())
    }

    /// Tells whether a write would be taken now. Nothing may be waiting then.
    pub fn takes_output(&self) -> bool {
        self.queue.is_empty() && self.is_ready(Some(Duration::ZERO))
    }

    fn is_ready(&self, limit: Option<Duration>) -> bool {
        match &self.access {
            Some(access) => access.is_ready(self.target, limit),
            None => self.target.is_ready(limit),
        }
    }

    /// Returns the stream if something waits for it.
    pub fn pending(&self) -> Option<BorrowedFd<'static>> {
        (!self.queue.is_empty()).then(|| self.target.to_wait_for())?
    }

    /// Lets the stream take the rest, unless it takes nothing any more. Returns whether all was taken since the start.
    pub fn finish(&mut self) -> bool {
        let (end, mut stalled) = (Deadline::after(FINISH_LIMIT), Deadline::after(STALL_LIMIT));
        loop {
            let before = self.queue.len();
            self.advance();
            if self.queue.is_empty() {
                let is_written = |access: &Access| access.is_written(STALL_LIMIT);
                return self.access.as_ref().is_none_or(is_written) && !self.is_lossy;
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
