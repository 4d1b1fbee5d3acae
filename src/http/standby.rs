//! One connection that stays open while a login waits for its answer, so that the answer costs one round trip.

use std::net::Shutdown;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ureq::http::Request;
use url::Url;

use super::connector::{only_open, ConnectError};
use super::open::Origin;
use super::translate::{translate, RequestContext};
use super::{authority, run, Http, HttpError, CONNECT_LIMIT};
use crate::os::clock::Deadline;
use crate::os::poll::{self, AsFd as _, PollFlags};
use crate::os::socket::{self, PairSocket};
use crate::os::sync::{lock, start_thread};

/// How often a connection that the server has closed is opened again.
const MAX_REOPENINGS: usize = 5;

/// How long before a server closes a connection it is replaced.
const MARGIN: Duration = Duration::from_secs(1);

/// Most connections of all logins that are kept open so, each by a thread.
const MAX_AT_ONCE: usize = 32;

/// How many there are.
static AT_ONCE: AtomicUsize = AtomicUsize::new(0);

/// Keeps a connection open until it is dropped. The thread that does so has the other one of a pair.
#[derive(Debug)]
pub struct Standby {
    /// Set before the first request that may use the connection: none is closed after that.
    is_over: Arc<Mutex<bool>>,
    /// Its other end is closed then.
    socket: PairSocket,
}

impl Standby {
    fn pair() -> Option<(Self, Self)> {
        let (ours, socket) = socket::pair().ok()?;
        let is_over = Arc::<Mutex<bool>>::default();
        let standby = Self {
            is_over: Arc::clone(&is_over),
            socket: ours,
        };
        Some((standby, Self { is_over, socket }))
    }
}

impl Drop for Standby {
    fn drop(&mut self) {
        *lock(&self.is_over) = true;
    }
}

/// Counts one of [`AT_ONCE`] until it is dropped.
struct StandbyPermit;

impl StandbyPermit {
    fn new() -> Option<Self> {
        let counted = Self;
        (AT_ONCE.fetch_add(1, Ordering::Relaxed) < MAX_AT_ONCE).then_some(counted)
    }
}

impl Drop for StandbyPermit {
    fn drop(&mut self) {
        AT_ONCE.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Http {
    /// Closes all connections that wait for another request, and keeps none open.
    pub fn close_connections(&self) {
        self.pool.open.close_others(None);
    }

    /// Keeps one connection to the server of a URL open, and closes all others. One that the server closes is opened again, at
    /// most five times and only up to the deadline of the requests. A server that has closed all its connections by now keeps
    /// none; one that was not asked for anything yet is connected to if it speaks TLS. `None` if no connection is kept.
    pub fn stand_by(&self, url: &Url) -> Option<Standby> {
        let (origin, open) = (Origin::from(url), &self.pool.open);
        let found = open.find(&origin);
        open.close_others(found.as_ref());
        if found.is_none() && (open.knows(&origin) || url.scheme() != "https") {
            return None;
        }
        let counted = StandbyPermit::new()?;
        let (standby, stop) = Standby::pair()?;
        let (http, url) = (self.clone(), url.clone());
        let keep = move || {
            let _counted = counted;
            http.keep_open(&url, &origin, &stop);
        };
        start_thread("standby", keep).ok()?;
        Some(standby)
    }

    /// Does so until it is stopped. A connection that the server says it will close is replaced before that, so that no answer
    /// meets the end of one.
    fn keep_open(&self, url: &Url, origin: &Origin, stop: &Standby) {
        let (host, open) = (authority(url), &self.pool.open);
        let mut reopenings = usize::from(open.knows(origin));
        // The server counts from its last response; no request was sent on the later connections.
        let idle_limit = open.idle_limit(origin);
        let mut replace_at = idle_limit.map(|limit| Deadline::after(limit.saturating_sub(MARGIN)));
        let end = self.deadline.unwrap_or(Deadline::after(Duration::MAX));
        while !end.passed() {
            if let Some(stream) = open.find(origin) {
                let watched = [stop.socket.as_fd(), stream.as_fd()].map(|fd| (fd, PollFlags::IN));
                let until = replace_at.map_or(end, |at| at.min(end));
                match poll::wait(&watched, Some(until.left())).as_deref() {
                    Ok([stop, _]) if stop.is_empty() => {}
                    _ => return,
                }
                let is_due = replace_at.is_some_and(Deadline::passed);
                let is_open = open
                    .find(origin)
                    .is_some_and(|it| Arc::ptr_eq(&it, &stream));
                if is_open && !is_due {
                    continue;
                }
                replace_at = None;
                let is_stopped = lock(&stop.is_over);
                if *is_stopped {
                    return;
                }
                // The pool drops it when it is next asked for one.
                let _ = stream.shutdown(Shutdown::Both);
            } else if reopenings > MAX_REOPENINGS {
                return log::info!("{host} closes its connections; none is kept open");
            } else {
                reopenings += 1;
                match self.open_ahead(url) {
                    Ok(()) => log::info!("opened a connection to {host} for the answer"),
                    Err(err) => return log::info!("no connection is kept open: {err}"),
                }
            }
        }
    }

    /// Opens a connection for a later request, by the rules for all requests.
    fn open_ahead(&self, url: &Url) -> Result<(), HttpError> {
        let limit = CONNECT_LIMIT.min(self.left());
        let (agent, proxy) = self.agent(url)?;
        let request = Request::get(url.as_str());
        let opened = only_open(|| run(&agent, request.body(()), limit, None));
        let Err(err) = opened else { return Ok(()) };
        let is_open = matches!(&err, ureq::Error::Other(err) if matches!(err.downcast_ref(), Some(ConnectError::OpenedAhead)));
        if is_open {
            return Ok(());
        }
        let of = RequestContext {
            host: authority(url),
            limit,
            proxy: proxy.as_ref(),
            sent: false,
        };
        Err(translate(err, &of))
    }
}
