//! One connection to the callback socket: its head is read within limits, its answer written without waiting.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use super::pages::Page;
use super::request::{self, Accepted, Verdict, MAX_FORM_BYTES, MAX_HEAD_BYTES};
use crate::os::clock::Deadline;

/// Longest time for a whole head to come, with the form that follows it.
const HEAD_LIMIT: Duration = Duration::from_secs(10);

/// Longest time for an answer to go out.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);

/// Longest time to wait for the peer to hang up after its answer, so that what it still sends does not reset the
/// connection under it.
const LINGER_LIMIT: Duration = Duration::from_millis(500);

/// A connection and how far it has come.
#[derive(Debug)]
pub struct Connection {
    /// Distinguishes the connections of one listener.
    pub id: u64,
    /// The address of the peer.
    pub peer: SocketAddr,
    /// Our own address on this connection.
    pub local: SocketAddr,
    stream: TcpStream,
    stage: Stage,
    deadline: Deadline,
}

#[derive(Debug)]
enum Stage {
    Reading(Vec<u8>),
    /// A callback was read; its page is not known yet.
    Held,
    Answering {
        bytes: Vec<u8>,
        sent: usize,
    },
    Lingering,
    Over,
}

/// What became readable in a connection.
#[derive(Debug, PartialEq, Eq)]
pub enum Progress {
    /// Nothing that others have to know.
    Nothing,
    /// A request that is no callback was answered.
    Ignored,
    /// A callback with this query arrived and is held.
    Callback(String),
}

impl Connection {
    /// Takes over an accepted stream; `None` if it is dead already.
    pub fn new(id: u64, stream: TcpStream, peer: SocketAddr) -> Option<Self> {
        stream.set_nonblocking(true).ok()?;
        let local = stream.local_addr().ok()?;
        let (stage, deadline) = (Stage::Reading(Vec::new()), Deadline::after(HEAD_LIMIT));
        Some(Self {
            id,
            peer,
            local,
            stream,
            stage,
            deadline,
        })
    }

    /// Returns the socket.
    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Tells whether the connection waits for room to write, rather than for bytes to read.
    pub fn is_answering(&self) -> bool {
        matches!(self.stage, Stage::Answering { .. })
    }

    /// Tells whether the peer has not said anything yet.
    pub fn is_silent(&self) -> bool {
        matches!(&self.stage, Stage::Reading(head) if head.is_empty())
    }

    /// Tells whether the connection may be dropped to make room: no callback waits in it, no answer is on its way.
    pub fn is_expendable(&self) -> bool {
        matches!(self.stage, Stage::Reading(_) | Stage::Lingering)
    }

    /// Tells whether the connection waits for its page.
    pub fn is_held(&self) -> bool {
        matches!(self.stage, Stage::Held)
    }

    /// Tells whether nothing is left to do.
    pub fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over)
    }

    /// Returns the moment at which [`Self::expire`] has to be called; a held connection waits as long as its login.
    pub fn deadline(&self) -> Option<Deadline> {
        (!self.is_held()).then_some(self.deadline)
    }

    /// Does what can be done without waiting.
    pub fn advance(&mut self, accepted: &Accepted) -> Progress {
        match &mut self.stage {
            Stage::Reading(_) => self.read_head(accepted),
            Stage::Answering { .. } => {
                self.write();
                Progress::Nothing
            }
            Stage::Held => {
                self.notice_hang_up();
                Progress::Nothing
            }
            Stage::Lingering => {
                self.drain();
                Progress::Nothing
            }
            Stage::Over => Progress::Nothing,
        }
    }

    fn read_head(&mut self, accepted: &Accepted) -> Progress {
        let Stage::Reading(head) = &mut self.stage else {
            return Progress::Nothing;
        };
        let mut chunk = [0; 16 * 1024];
        let most = if accepted.forms {
            MAX_HEAD_BYTES + MAX_FORM_BYTES
        } else {
            MAX_HEAD_BYTES
        };
        let room = most.saturating_sub(head.len()).min(chunk.len());
        let count = match self.stream.read(chunk.get_mut(..room).unwrap_or_default()) {
            Ok(0) => return self.end(),
            Ok(count) => count,
            Err(err) if matches!(err.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                return Progress::Nothing
            }
            Err(_) => return self.end(),
        };
        head.extend_from_slice(chunk.get(..count).unwrap_or_default());
        let read = match request::read(head, accepted) {
            Verdict::Incomplete => return Progress::Nothing,
            Verdict::Not(page) => Err(page),
            Verdict::Callback(query) => Ok(query),
            Verdict::Form { head: start, body } => {
                match head.get(start..start.saturating_add(body)) {
                    Some(form) => request::read_form(form),
                    None => return Progress::Nothing,
                }
            }
        };
        match read {
            Ok(query) => {
                self.stage = Stage::Held;
                Progress::Callback(query)
            }
            Err(page) => {
                self.answer(page);
                Progress::Ignored
            }
        }
    }

    fn end(&mut self) -> Progress {
        self.stage = Stage::Over;
        Progress::Nothing
    }

    /// Sends a page and closes the connection after it.
    pub fn answer(&mut self, page: Page) {
        self.stage = Stage::Answering {
            bytes: page.bytes(),
            sent: 0,
        };
        self.deadline = Deadline::after(ANSWER_LIMIT);
        self.write();
    }

    fn write(&mut self) {
        let Stage::Answering { bytes, sent } = &mut self.stage else {
            return;
        };
        while let Some(rest) = bytes.get(*sent..).filter(|rest| !rest.is_empty()) {
            match self.stream.write(rest) {
                Ok(count) if count > 0 => *sent += count,
                Err(err) if err.kind() == ErrorKind::Interrupted => {}
                Err(err) if err.kind() == ErrorKind::WouldBlock => return,
                Ok(_) | Err(_) => {
                    self.stage = Stage::Over;
                    return;
                }
            }
        }
        self.stage = Stage::Lingering;
        self.deadline = Deadline::after(LINGER_LIMIT);
        let _ = self.stream.shutdown(Shutdown::Write);
        self.drain();
    }

    /// Reads what the peer still sends, up to the size of a head, and ends when it hangs up.
    fn drain(&mut self) {
        let mut chunk = [0; 4096];
        for _ in 0..MAX_HEAD_BYTES / chunk.len() {
            match self.stream.read(&mut chunk) {
                Ok(count) if count > 0 => {}
                Err(err)
                    if matches!(err.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) =>
                {
                    return
                }
                Ok(_) | Err(_) => break,
            }
        }
        self.stage = Stage::Over;
    }

    /// A held connection whose browser has gone needs no page.
    fn notice_hang_up(&mut self) {
        let mut byte = [0; 1];
        match self.stream.peek(&mut byte) {
            Err(err) if matches!(err.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            // A half-closed peer still reads; one that sends more will be answered all the same.
            Ok(_) => {}
            Err(_) => self.stage = Stage::Over,
        }
    }

    /// Acts on the deadline: a head that takes too long is answered, everything else is closed.
    pub fn expire(&mut self) {
        match &self.stage {
            Stage::Reading(head) if !head.is_empty() => self.answer(Page::TooSlow),
            Stage::Held => {}
            _ => self.stage = Stage::Over,
        }
    }
}
