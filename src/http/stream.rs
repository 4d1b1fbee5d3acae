//! Bytes over a TCP connection, each transfer within its time limit.

use std::fmt;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use ureq::unversioned::transport::time::Duration as Limit;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, LazyBuffers, NextTimeout, ShutdownHandle, Transport,
};

use super::connector::{note_written, Opened};
use crate::os::socket;

/// The size of a buffer for TLS, in bytes: more than the longest record, so that many bytes come in few reads.
const TLS_BUFFER_BYTES: usize = 20 * 1024;

/// A TCP connection as ureq uses it.
pub struct TcpTransport {
    stream: Arc<TcpStream>,
    buffers: LazyBuffers,
}

impl TcpTransport {
    /// Takes over a connection. Its buffers hold a head of HTTP, unless TLS, which has such buffers too, reads from the first byte.
    pub fn new(stream: TcpStream, details: &ConnectionDetails) -> Self {
        let config = details.config;
        let is_tls = details.needs_tls() && config.proxy().is_none();
        let most = if is_tls { TLS_BUFFER_BYTES } else { usize::MAX };
        let buffers = LazyBuffers::new(
            config.input_buffer_size().min(most),
            config.output_buffer_size().min(most),
        );
        Self {
            stream: Arc::new(stream),
            buffers,
        }
    }

    /// Returns the socket, as other threads may use it: to end it, or to see what has come.
    pub fn opened(&self) -> Opened {
        let stream = Arc::downgrade(&self.stream);
        Opened {
            handle: Weak::clone(&stream) as Weak<dyn ShutdownHandle>,
            stream: Some(stream),
        }
    }
}

impl Transport for TcpTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        let (mut stream, started) = (&*self.stream, Instant::now());
        let mut output = self.buffers.output().get(..amount).unwrap_or_default();
        while !output.is_empty() {
            accept(stream.set_write_timeout(left(started, timeout)?))?;
            match stream.write(output) {
                Ok(0) => return Err(io::Error::from(ErrorKind::WriteZero).into()),
                Ok(written) => {
                    note_written();
                    output = output.get(written..).unwrap_or_default();
                }
                Err(err) if is_early(&err) => {}
                Err(err) => return Err(err.into()),
            }
        }
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        let (mut stream, started) = (&*self.stream, Instant::now());
        let input = self.buffers.input_append_buf();
        loop {
            accept(stream.set_read_timeout(left(started, timeout)?))?;
            match stream.read(input) {
                Ok(count) => {
                    self.buffers.input_appended(count);
                    return Ok(count > 0);
                }
                Err(err) if is_early(&err) => {}
                Err(err) => return Err(err.into()),
            }
        }
    }

    fn is_open(&mut self) -> bool {
        // A connection with unread bytes cannot be reused: no request has asked for them.
        let probe = |stream: &TcpStream| {
            stream.set_nonblocking(true)?;
            let read = stream.peek(&mut [0]);
            stream.set_nonblocking(false)?;
            read
        };
        probe(&self.stream).is_err_and(|err| err.kind() == ErrorKind::WouldBlock)
    }
}

impl fmt::Debug for TcpTransport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TcpTransport")
            .field("peer", &self.stream.peer_addr().ok())
            .finish()
    }
}

/// Passes over a time limit that macOS does not take any more because the other end has closed: what has arrived can
/// still be read, and an earlier limit counts on.
fn accept(set: io::Result<()>) -> io::Result<()> {
    set.or_else(|err| match err.kind() {
        ErrorKind::InvalidInput if socket::REFUSES_LIMITS_OF_THE_CLOSED => Ok(()),
        _ => Err(err),
    })
}

/// Tells whether a transfer ended before its time limit, or with it, and without a fault of the connection.
fn is_early(err: &io::Error) -> bool {
    matches!(
        err.kind(),
        ErrorKind::Interrupted | ErrorKind::WouldBlock | ErrorKind::TimedOut
    ) && !socket::is_dead_peer(err)
}

/// Returns how much time is left of the limit of a transfer that began then; `None` if there is no limit.
fn left(started: Instant, timeout: NextTimeout) -> Result<Option<Duration>, ureq::Error> {
    let Limit::Exact(limit) = timeout.after else {
        return Ok(None);
    };
    match limit.saturating_sub(started.elapsed()) {
        Duration::ZERO => Err(ureq::Error::Timeout(timeout.reason)),
        left => Ok(Some(left)),
    }
}
