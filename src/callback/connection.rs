//! One connection to the callback socket: its request is read within limits, its page written without waiting.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use super::pages::Page;
use super::request::MAX_HEAD_BYTES;
use crate::os::clock::Deadline;
use crate::os::peer;
use crate::os::poll::PollFlags;

/// Longest time for a whole head to come, with the form that follows it.
const HEAD_LIMIT: Duration = Duration::from_secs(10);

/// Longest time for a page to go out.
const PAGE_LIMIT: Duration = Duration::from_secs(2);

/// Longest time to wait for the peer to hang up after its page, so that what it still sends does not reset the
/// connection under it.
const LINGER_LIMIT: Duration = Duration::from_millis(500);

/// A connection and how far it has come.
#[derive(Debug)]
pub struct Connection {
    peer: SocketAddr,
    local: SocketAddr,
    stream: TcpStream,
    server: Arc<str>,
    state: ConnectionState,
    deadline: Deadline,
}

#[derive(Debug)]
enum ConnectionState {
    Reading(Vec<u8>),
    /// The answer of the login was read; its page is not known yet.
    Held,
    Writing {
        bytes: Vec<u8>,
        sent: usize,
    },
    Lingering,
    Over,
}

impl Connection {
    /// Serves an accepted stream; `None` if it is closed already. Pages name this server.
    pub fn new(stream: TcpStream, peer: SocketAddr, server: Arc<str>) -> Option<Self> {
        stream.set_nonblocking(true).ok()?;
        let local = stream.local_addr().ok()?;
        Some(Self {
            peer,
            local,
            stream,
            server,
            state: ConnectionState::Reading(Vec::new()),
            deadline: Deadline::after(HEAD_LIMIT),
        })
    }

    /// Returns the socket.
    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Returns what to wait for.
    pub fn interest(&self) -> PollFlags {
        match self.state {
            ConnectionState::Writing { .. } => PollFlags::OUT,
            ConnectionState::Held => PollFlags::empty(),
            ConnectionState::Reading(_) | ConnectionState::Lingering | ConnectionState::Over => {
                PollFlags::IN
            }
        }
    }

    /// Returns whether the peer has sent nothing yet.
    pub fn is_silent(&self) -> bool {
        matches!(&self.state, ConnectionState::Reading(bytes) if bytes.is_empty())
    }

    /// Returns whether the connection may be dropped to make room: no page is awaited in it, or on its way.
    pub fn is_expendable(&self) -> bool {
        matches!(
            self.state,
            ConnectionState::Reading(_) | ConnectionState::Lingering
        )
    }

    /// Returns whether the connection waits for its page.
    pub fn is_held(&self) -> bool {
        matches!(self.state, ConnectionState::Held)
    }

    /// Returns whether nothing is left to do.
    pub fn is_over(&self) -> bool {
        matches!(self.state, ConnectionState::Over)
    }

    /// Returns the moment at which [`Self::expire`] has to be called; a held connection waits as long as its login.
    pub fn deadline(&self) -> Option<Deadline> {
        (!self.is_held()).then_some(self.deadline)
    }

    /// Returns what has come of the request so far.
    pub fn received(&self) -> &[u8] {
        match &self.state {
            ConnectionState::Reading(bytes) => bytes,
            _ => &[],
        }
    }

    /// Asks the system whether the program at the other end belongs to another user, or has exited.
    pub fn is_foreign(&self) -> bool {
        peer::is_foreign(self.local, self.peer)
    }

    /// Lets the browser wait until [`Self::answer`] is called.
    pub fn hold(&mut self) {
        self.state = ConnectionState::Held;
    }

    /// Does what can be done without waiting; returns whether more of a request was read. A request has at most `limit` bytes.
    pub fn advance(&mut self, limit: usize) -> bool {
        match &mut self.state {
            ConnectionState::Reading(_) => return self.read(limit),
            ConnectionState::Writing { .. } => self.write(),
            ConnectionState::Held => self.notice_hang_up(),
            ConnectionState::Lingering => self.drain(),
            ConnectionState::Over => {}
        }
        false
    }

    fn read(&mut self, limit: usize) -> bool {
        let ConnectionState::Reading(bytes) = &mut self.state else {
            return false;
        };
        let mut chunk = [0; 16 * 1024];
        let room = limit.saturating_sub(bytes.len()).min(chunk.len());
        match self.stream.read(chunk.get_mut(..room).unwrap_or_default()) {
            Ok(count) if count > 0 => {
                bytes.extend_from_slice(chunk.get(..count).unwrap_or_default());
                true
            }
            Err(err) if is_early(&err) => false,
            Ok(_) | Err(_) => {
                self.state = ConnectionState::Over;
                false
            }
        }
    }

    /// Sends a page and closes the connection after it.
    pub fn answer(&mut self, page: Page) {
        self.state = ConnectionState::Writing {
            bytes: page.bytes(&self.server),
            sent: 0,
        };
        self.deadline = Deadline::after(PAGE_LIMIT);
        self.write();
    }

    fn write(&mut self) {
        let ConnectionState::Writing { bytes, sent } = &mut self.state else {
            return;
        };
        while let Some(rest) = bytes.get(*sent..).filter(|rest| !rest.is_empty()) {
            match self.stream.write(rest) {
                Ok(count) if count > 0 => *sent += count,
                Err(err) if err.kind() == ErrorKind::Interrupted => {}
                Err(err) if err.kind() == ErrorKind::WouldBlock => return,
                Ok(_) | Err(_) => {
                    self.state = ConnectionState::Over;
                    return;
                }
            }
        }
        self.state = ConnectionState::Lingering;
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
                Err(err) if is_early(&err) => return,
                Ok(_) | Err(_) => break,
            }
        }
        self.state = ConnectionState::Over;
    }

    /// A held connection whose browser has gone needs no page.
    fn notice_hang_up(&mut self) {
        // A half-closed peer still reads; one that sends more will be answered all the same.
        if self.stream.peek(&mut [0]).is_err_and(|err| !is_early(&err)) {
            self.state = ConnectionState::Over;
        }
    }

    /// Acts on the deadline: a request that takes too long is answered, everything else is closed.
    pub fn expire(&mut self) {
        match &self.state {
            ConnectionState::Reading(bytes) if !bytes.is_empty() => self.answer(Page::TooSlow),
            ConnectionState::Held => {}
            _ => self.state = ConnectionState::Over,
        }
    }
}

/// Tells whether the socket may be tried again.
fn is_early(err: &io::Error) -> bool {
    matches!(err.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
