//! What a person pastes: read from a terminal without the limits of its line editor, or from a pipe as it comes.
//!
//! A terminal in its usual mode silently cuts a line at 4,095 bytes, and the end of a redirect URL holds the state. So while
//! a paste is awaited the terminal delivers every byte, without echo; it is set back whenever the program ends, stops or
//! fails. A program in the background does not read, because the system would stop all of it.

use std::io::{self, ErrorKind, IsTerminal as _};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use super::mode::{self, Mode};
use crate::oauth::paste::MAX_PASTE_BYTES;
use crate::os::clock::Deadline;
use crate::os::environment::job;
use crate::os::poll::BorrowedFd;
use crate::os::stdio::{read_stdin, stdin};
use crate::os::sync::lock;

/// What a person reads when nothing can be pasted because the program is a background job of its shell.
pub const IN_BACKGROUND: &str =
    "this runs in the background: nothing can be pasted until it is in the foreground";

/// What comes within this time belongs to one paste, so that a wrapped address is read as one.
const PASTE_PAUSE: Duration = Duration::from_millis(250);

/// Most that is kept of one paste: an address of the largest size, and what a terminal puts around it.
const MAX_KEPT_BYTES: usize = MAX_PASTE_BYTES + 64;

const BRACKET_OPEN: &[u8] = b"\x1b[200~";
const BRACKET_CLOSE: &[u8] = b"\x1b[201~";
const KILL_LINE: u8 = 0x15;
const END_OF_INPUT: u8 = 0x04;
const BACKSPACES: [u8; 2] = [0x08, 0x7f];

/// The settings that the terminal had before; kept where a panic hook can reach them.
static SAVED: Mutex<Option<Mode>> = Mutex::new(None);

fn saved() -> MutexGuard<'static, Option<Mode>> {
    lock(&SAVED)
}

/// Text that is being pasted.
#[derive(Debug)]
pub struct Paste {
    /// It is typed or pasted into a terminal; otherwise it comes from a pipe.
    is_terminal: bool,
    open: bool,
    buffer: Vec<u8>,
    dropped: usize,
    /// When what has come so far is to be judged.
    pub quiet_at: Option<Deadline>,
}

/// One paste, ready to be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pasted {
    /// The bytes, as they came.
    pub bytes: Vec<u8>,
    /// Whether it is finished: a line end, the end of a bracketed paste or the end of input was seen. If not, the
    /// person may still be typing.
    pub finished: bool,
    /// How many bytes beyond the limit were thrown away.
    pub dropped: usize,
}

impl Paste {
    /// Reads from stdin if it is the terminal that the person looks at: both it and stderr are terminals.
    pub fn from_terminal() -> Option<Self> {
        let ours = io::stdin().is_terminal() && io::stderr().is_terminal();
        ours.then(|| Self::new(true))
    }

    /// Reads from stdin whatever it is.
    pub fn from_stdin() -> Self {
        Self::new(io::stdin().is_terminal())
    }

    fn new(is_terminal: bool) -> Self {
        Self {
            is_terminal,
            open: true,
            buffer: Vec::new(),
            dropped: 0,
            quiet_at: None,
        }
    }

    /// Tells whether more may come.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Tells whether the program may read now. In the background of a shell it may not.
    pub fn is_readable(&self) -> bool {
        self.open && (!self.is_terminal || is_foreground())
    }

    /// Returns what to wait for; `None` while nothing may be read.
    pub fn interest(&self) -> Option<BorrowedFd<'static>> {
        self.is_readable().then(stdin)?.ok()
    }

    /// Returns how many bytes have come of a paste that is not finished.
    pub fn held(&self) -> usize {
        self.buffer.len() + self.dropped
    }

    /// Prepares the terminal, if it is ours to prepare. To be called once signals are watched for, so that none of them
    /// leaves it prepared, and again after the program was continued.
    pub fn arm(&mut self) {
        if self.is_terminal && self.open && is_foreground() {
            let mut saved = saved();
            if saved.is_none() {
                *saved = mode::deliver_every_byte();
            }
        }
    }

    /// Reads what is there. To be called when [`Self::interest`] is readable.
    pub fn advance(&mut self) {
        let mut chunk = [0; 16 * 1024];
        match read_stdin(&mut chunk) {
            // What was typed can be gone again: the terminal drops it at a Ctrl-C or Ctrl-Z.
            Ok(0) if self.is_terminal && is_armed() && !mode::is_hung_up() => {}
            Ok(0) => self.end(),
            Ok(count) => self.take(chunk.get(..count).unwrap_or_default()),
            Err(err) if matches!(err.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => {}
            Err(_) => self.end(),
        }
    }

    fn end(&mut self) {
        self.open = false;
        self.quiet_at = (!self.buffer.is_empty()).then(|| Deadline::after(Duration::ZERO));
        restore();
    }

    fn take(&mut self, bytes: &[u8]) {
        self.quiet_at = Some(Deadline::after(PASTE_PAUSE));
        for byte in bytes {
            match *byte {
                END_OF_INPUT if self.is_terminal => return self.end(),
                KILL_LINE if self.is_terminal => self.forget(),
                byte if self.is_terminal && BACKSPACES.contains(&byte) => {
                    self.buffer.pop();
                }
                _ if self.buffer.len() >= MAX_KEPT_BYTES => self.dropped += 1,
                byte => self.buffer.push(byte),
            }
        }
        if self.buffer.ends_with(BRACKET_CLOSE) {
            self.quiet_at = Some(Deadline::after(Duration::ZERO));
        }
    }

    /// Returns what has come, once it has been silent for a while. An unfinished paste is kept as well, and comes again
    /// with what is added to it, unless [`Self::forget`] is called.
    pub fn judge(&mut self) -> Option<Pasted> {
        if !self.quiet_at.is_some_and(Deadline::passed) {
            return None;
        }
        self.quiet_at = None;
        let ends_line = self.buffer.iter().any(|byte| matches!(byte, b'\n' | b'\r'));
        let closed =
            self.buffer.ends_with(BRACKET_CLOSE) || (ends_line && !self.is_inside_bracket());
        let finished = closed || !self.open || self.dropped > 0;
        let pasted = Pasted {
            bytes: self.buffer.clone(),
            finished,
            dropped: self.dropped,
        };
        if finished {
            self.forget();
        }
        Some(pasted)
    }

    fn is_inside_bracket(&self) -> bool {
        let last = |mark: &[u8]| {
            self.buffer
                .windows(mark.len())
                .rposition(|window| window == mark)
        };
        last(BRACKET_OPEN) > last(BRACKET_CLOSE)
    }

    /// Throws away what has come so far.
    pub fn forget(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.buffer);
        self.dropped = 0;
    }
}

impl Drop for Paste {
    fn drop(&mut self) {
        self.forget();
        restore();
    }
}

/// Gives the terminal back as it was. Safe to call at any time, and more than once.
pub fn restore() {
    // Out of the foreground a change would stop us; the shell restores its own settings there.
    if let Some(before) = saved().take().filter(|_| is_foreground()) {
        mode::set(&before);
    }
}

/// Tells whether the terminal is prepared: a read of it then never waits.
fn is_armed() -> bool {
    saved().is_some()
}

/// Tells whether we are the job that the terminal listens to.
fn is_foreground() -> bool {
    job::is_in_foreground(io::stdin()) == Some(true)
}
