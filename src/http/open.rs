//! Connections that are open while no request uses them.

use std::fmt;
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;

use ureq::http::Uri;
use ureq::unversioned::transport::{NextTimeout, Transport};
use url::Url;

use super::authority;
use crate::os::poll::{is_ready, PollFlags};
use crate::os::sync::lock;

/// Longest wait for the rest of a TLS record that has begun to arrive. Nobody waits for a response then.
const REST_OF_RECORD: Duration = Duration::from_millis(2);

/// How often more is read where nothing was asked for.
const MAX_READS: usize = 16;

/// The origin that a connection leads to, as in a URL.
///
/// Spec: RFC 6454 section 6.2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    /// Returns the origin that a request of ureq is sent to.
    pub fn of(uri: &Uri) -> Self {
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        let scheme = uri.scheme_str().unwrap_or_default();
        Self(format!("{scheme}://{authority}"))
    }
}

impl From<&Url> for Origin {
    fn from(url: &Url) -> Self {
        Self(format!("{}://{}", url.scheme(), authority(url)))
    }
}

/// The connections of the requests that share a pool.
#[derive(Default)]
pub struct OpenConnections(Mutex<State>);

#[derive(Default)]
struct State {
    /// Each connection that is open, and one of each origin to which there was any.
    noted: Vec<(Origin, Option<Weak<TcpStream>>)>,
    /// How long a server lets a connection be idle, as it says.
    idle_limits: Vec<(Origin, Duration)>,
    /// Those that no request has used yet.
    unused: Vec<(Origin, Box<dyn Transport>)>,
}

impl OpenConnections {
    /// Notes a new connection.
    pub(super) fn note(&self, origin: &Origin, stream: Option<Weak<TcpStream>>) {
        let mut state = self.lock();
        state
            .noted
            .retain(|(known, stream)| known != origin || upgrade(stream).is_some());
        state.noted.push((origin.clone(), stream));
    }

    /// Adds a connection for a later request.
    pub(super) fn put(&self, origin: Origin, transport: Box<dyn Transport>) {
        self.lock().unused.push((origin, transport));
    }

    /// Removes a connection that was opened for a later request, if it is still open.
    pub(super) fn take(&self, origin: &Origin) -> Option<Box<dyn Transport>> {
        let mut state = self.lock();
        while let Some(at) = state.unused.iter().position(|(of, _)| of == origin) {
            let (_, mut transport) = state.unused.swap_remove(at);
            if read_ahead(&mut *transport) {
                return Some(transport);
            }
        }
        None
    }

    /// Notes how long a server lets a connection be idle, if its response says so.
    pub(super) fn note_idle_limit(&self, origin: Origin, keep_alive: Option<&str>) {
        let Some(limit) = keep_alive.and_then(idle_limit) else {
            return;
        };
        let limits = &mut self.lock().idle_limits;
        limits.retain(|(known, _)| *known != origin);
        limits.push((origin, limit));
    }

    /// Returns how long a server lets a connection be idle after its last response, if it has said so.
    pub fn idle_limit(&self, origin: &Origin) -> Option<Duration> {
        let state = self.lock();
        let limit = state.idle_limits.iter().find(|(known, _)| known == origin);
        limit.map(|(_, limit)| *limit)
    }

    /// Returns whether there was any connection to an origin.
    pub fn knows(&self, origin: &Origin) -> bool {
        self.lock().noted.iter().any(|(known, _)| known == origin)
    }

    /// Returns a connection to an origin that is open and has nothing to read; those that the server has ended are closed.
    pub fn find(&self, origin: &Origin) -> Option<Arc<TcpStream>> {
        let mut state = self.lock();
        state
            .unused
            .retain_mut(|(of, transport)| of != origin || read_ahead(&mut **transport));
        let streams = state.noted.iter().filter(|(known, _)| known == origin);
        let mut streams = streams.filter_map(|(_, stream)| upgrade(stream));
        streams.find(|stream| !has_input(stream))
    }

    /// Closes all connections but this one.
    pub fn close_others(&self, kept: Option<&Arc<TcpStream>>) {
        let state = self.lock();
        for stream in state.noted.iter().filter_map(|(_, stream)| upgrade(stream)) {
            if kept.is_none_or(|kept| !Arc::ptr_eq(&stream, kept)) {
                // The pool drops it when it is next asked for one.
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.0)
    }
}

impl fmt::Debug for OpenConnections {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("OpenConnections")
    }
}

fn upgrade(stream: &Option<Weak<TcpStream>>) -> Option<Arc<TcpStream>> {
    stream.as_ref().and_then(Weak::upgrade)
}

/// Returns whether there is something to read, or the other end has closed.
fn has_input(stream: &TcpStream) -> bool {
    // What cannot be asked counts as closed.
    is_ready(stream, PollFlags::IN, Some(Duration::ZERO)).unwrap_or(true)
}

/// Reads what a server sends after the handshake, such as session tickets, and returns whether the connection can be used:
/// it is open, and the server has answered nothing, as nothing was asked.
///
/// Spec: RFC 8446 section 4.6.1.
fn read_ahead(transport: &mut dyn Transport) -> bool {
    let limit = NextTimeout {
        after: REST_OF_RECORD.into(),
        ..NextTimeout::default()
    };
    for _ in 0..MAX_READS {
        if transport.is_open() {
            return true;
        }
        if !matches!(transport.await_input(limit), Err(ureq::Error::Timeout(_))) {
            return false;
        }
    }
    false
}

/// Reads the value of a `Keep-Alive` header, such as `timeout=5, max=100`.
///
/// Spec: draft-thomson-hybi-http-timeout-03 section 2.
fn idle_limit(keep_alive: &str) -> Option<Duration> {
    let seconds = keep_alive.split(',').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let value = value.trim().trim_matches('"');
        name.trim().eq_ignore_ascii_case("timeout").then_some(value)
    });
    seconds?.parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p68_how_long_a_server_keeps_connections() {
        for (header, expected) in [
            ("timeout=5", Some(5)),
            ("max=100, Timeout = \"15\"", Some(15)),
            ("timeout=5;max=3", None),
            ("timeout=-1", None),
            ("max=100", None),
            ("", None),
        ] {
            assert_eq!(
                idle_limit(header),
                expected.map(Duration::from_secs),
                "{header}"
            );
        }
    }
}
