//! The client's side: lines from stdin, lines to stdout, and what ends the bridge.

use std::fs::File;
use std::io::{self, BufRead as _, ErrorKind, Read as _, Write as _};
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use crate::os::poll::{self, AsFd as _, OwnedFd, PollFlags};
use crate::os::process;
use crate::os::signals::{Signal, Signals};
use crate::os::socket::{self, PairSocket};
use crate::os::stdio::{self, Stdin};
use crate::os::sync::lock;

/// Longest line that is read, in bytes.
pub const MAX_LINE_BYTES: usize = 256 * 1024 * 1024;

/// How much is read at once, in bytes.
const CHUNK_BYTES: usize = 64 * 1024;

/// What comes from the client.
#[derive(Debug)]
pub enum Arrival {
    /// A line, without its end.
    Line(Vec<u8>),
    /// A line that is too long was skipped.
    TooLong,
    /// The client wants no more, after it got what is under way.
    InputEnded,
    /// The client, or the user, ends the bridge now.
    Ended,
}

/// Reads lines, and waits for nothing else than the client, its end, signals and [`Waker`].
pub struct LineInput {
    stdin: Stdin,
    signals: Signals,
    parent: Option<OwnedFd>,
    woken: PairSocket,
    chunk: Vec<u8>,
    read_to: usize,
    line: Vec<u8>,
    is_too_long: bool,
}

/// Lets [`LineInput`] look again: there is room for more work, or the output is closed.
#[derive(Debug)]
pub struct Waker {
    socket: PairSocket,
    is_output_closed: AtomicBool,
}

impl Waker {
    /// Wakes the thread that reads.
    pub fn wake(&self) {
        // If the socket is full, it will wake up anyway.
        let _ = (&self.socket).write(&[0]);
    }

    fn output_is_closed(&self) {
        self.is_output_closed.store(true, Ordering::SeqCst);
        self.wake();
    }
}

impl LineInput {
    /// Prepares to read stdin.
    ///
    /// # Errors
    ///
    /// If the system has no socket or no handler for signals.
    pub fn new() -> io::Result<(Self, Arc<Waker>)> {
        let (socket, woken) = socket::nonblocking_pair()?;
        let input = Self {
            stdin: Stdin::open()?,
            signals: Signals::watch()?,
            parent: process::parent(),
            woken,
            chunk: Vec::with_capacity(CHUNK_BYTES),
            read_to: 0,
            line: Vec::new(),
            is_too_long: false,
        };
        let waker = Waker {
            socket,
            is_output_closed: AtomicBool::new(false),
        };
        Ok((input, Arc::new(waker)))
    }

    /// Waits for what the client does next. While `has_room` says no, nothing is read, and the client has to wait.
    pub fn next(&mut self, waker: &Waker, has_room: impl Fn() -> bool) -> Arrival {
        loop {
            if has_room() {
                if let Some(arrival) = self.take_line() {
                    return arrival;
                }
            }
            match self.wait(waker, has_room()) {
                Some(true) => {}
                Some(false) => continue,
                None => return Arrival::Ended,
            }
            self.chunk.resize(CHUNK_BYTES, 0);
            let count = match self.stdin.read(&mut self.chunk) {
                Ok(count) => count,
                Err(err)
                    if matches!(err.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) =>
                {
                    self.chunk.clear();
                    self.read_to = 0;
                    continue;
                }
                Err(_) => 0,
            };
            self.chunk.truncate(count);
            self.read_to = 0;
            if count == 0 {
                let rest = mem::take(&mut self.line);
                return match rest.trim_ascii().is_empty() {
                    true => Arrival::InputEnded,
                    false => Arrival::Line(rest),
                };
            }
        }
    }

    /// Takes the next complete line of what was read.
    fn take_line(&mut self) -> Option<Arrival> {
        loop {
            let mut unread = self.chunk.get(self.read_to..).filter(|it| !it.is_empty())?;
            let before = self.line.len();
            unread.read_until(b'\n', &mut self.line).ok()?;
            self.read_to += self.line.len() - before;
            let is_whole = self.line.pop_if(|last| *last == b'\n').is_some();
            self.is_too_long |= self.line.len() > MAX_LINE_BYTES;
            if self.is_too_long {
                self.line = Vec::new();
            }
            if !is_whole {
                return None;
            }
            let line = mem::take(&mut self.line);
            if mem::take(&mut self.is_too_long) {
                return Some(Arrival::TooLong);
            }
            if !line.trim_ascii().is_empty() {
                return Some(Arrival::Line(line));
            }
        }
    }

    /// Waits for something to do, and tells whether stdin can be read; returns `None` if the bridge has to end.
    fn wait(&mut self, waker: &Waker, reads: bool) -> Option<bool> {
        let (readable, parent_is_gone) = {
            let mut watched = vec![self.signals.as_fd(), self.woken.as_fd()];
            watched.extend(self.parent.as_ref().map(|it| it.as_fd()));
            watched.extend(reads.then(stdio::stdin).transpose().ok()?);
            let watched: Vec<_> = watched.into_iter().map(|it| (it, PollFlags::IN)).collect();
            let ready = poll::wait(&watched, None).ok()?;
            let is_ready = |at: usize| ready.get(at).is_some_and(|flags| !flags.is_empty());
            (
                reads && is_ready(watched.len() - 1),
                self.parent.is_some() && is_ready(2),
            )
        };
        let mut bytes = [0; 64];
        while self.woken.read(&mut bytes).is_ok_and(|count| count > 0) {}
        while let Some(signal) = self.signals.take() {
            match signal {
                Signal::End(_) => return None,
                Signal::Stop => crate::os::signals::stop(),
                Signal::Continue => {}
            }
        }
        let is_over = parent_is_gone || waker.is_output_closed.load(Ordering::SeqCst);
        (!is_over).then_some(readable)
    }
}

/// Writes lines to stdout, one at a time; who writes waits until the client takes it.
#[derive(Debug)]
pub struct LineOutput {
    stdout: Mutex<File>,
    waker: Arc<Waker>,
}

impl LineOutput {
    /// Prepares to write to stdout.
    ///
    /// # Errors
    ///
    /// If there is no stdout.
    pub fn new(waker: Arc<Waker>) -> io::Result<Self> {
        Ok(Self {
            stdout: Mutex::new(stdio::stdout_file()?),
            waker,
        })
    }

    /// Writes a line. If nobody reads it any more, the bridge ends.
    pub fn write(&self, line: &str) {
        let mut stdout = lock(&self.stdout);
        if write_line(&mut stdout, line).is_err() {
            self.waker.output_is_closed();
        }
    }
}

fn write_line(stdout: &mut File, line: &str) -> io::Result<()> {
    let mut parts = [io::IoSlice::new(line.as_bytes()), io::IoSlice::new(b"\n")];
    let mut parts = parts.as_mut_slice();
    while !parts.is_empty() {
        match stdout.write_vectored(parts) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => io::IoSlice::advance_slices(&mut parts, count),
            Err(err) if err.kind() == ErrorKind::Interrupted => {}
            Err(err) if err.kind() == ErrorKind::WouldBlock => {
                stdio::wait_to_write(stdout);
            }
            Err(err) => return Err(err),
        }
    }
    Ok(())
}
