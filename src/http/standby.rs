//! One connection that stays open while a login waits for its answer, so that the answer costs one round trip.

use std::net::Shutdown;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use ureq::http::Request;
use url::Url;

use super::connector::{only_open, ConnectError};
use super::open::Origin;
use super::translate::{translate, RequestContext};
use super::{run, Http, HttpError, Limits, CONNECT_LIMIT};
use crate::os::poll::{self, AsFd as _, PollFlags};
use crate::os::socket::{self, PairSocket};

/// How often a connection that the server has closed is opened again.
const MAX_REOPENINGS: usize = 5;

/// Most connections of all logins that are kept open so, each by a thread.
const MAX_AT_ONCE: usize = 32;

/// How many there are.
static AT_ONCE: AtomicUsize = AtomicUsize::new(0);

/// Keeps a connection open until it is dropped.
#[derive(Debug)]
pub struct Standby {
    _stop: PairSocket,
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
        let (stop, stopped) = socket::pair().ok()?;
        let (http, url) = (self.clone(), url.clone());
        let keep = move || {
            let _counted = counted;
            http.keep_open(&url, &origin, &stopped);
        };
        let thread = thread::Builder::new().name("standby".to_owned());
        thread.spawn(keep).ok()?;
        Some(Standby { _stop: stop })
    }

    /// Does so until the other end of `stopped` is closed.
    fn keep_open(&self, url: &Url, origin: &Origin, stopped: &PairSocket) {
        let host = host(url);
        let mut reopenings = usize::from(self.pool.open.knows(origin));
        loop {
            let left = self
                .deadline
                .map_or(Duration::MAX, |deadline| deadline.left());
            match self.pool.open.find(origin) {
                _ if left.is_zero() => return,
                Some(stream) => {
                    let watched = [stopped.as_fd(), stream.as_fd()].map(|fd| (fd, PollFlags::IN));
                    match poll::wait(&watched, Some(left)).as_deref() {
                        Ok([stop, _]) if stop.is_empty() => {}
                        _ => return,
                    }
                    let found = self.pool.open.find(origin);
                    if !found.is_some_and(|found| Arc::ptr_eq(&found, &stream)) {
                        // The server has closed it, or says something that nobody asked for.
                        let _ = stream.shutdown(Shutdown::Both);
                    }
                }
                None if reopenings > MAX_REOPENINGS => {
                    return log::info!("{host} closes its connections; none is kept open")
                }
                None => {
                    reopenings += 1;
                    match self.open_ahead(url) {
                        Ok(()) => log::info!("opened a connection to {host} for the answer"),
                        Err(err) => return log::info!("no connection is kept open: {err}"),
                    }
                }
            }
        }
    }

    /// Opens a connection for a later request, by the rules for all requests.
    fn open_ahead(&self, url: &Url) -> Result<(), HttpError> {
        let limit = CONNECT_LIMIT.min(self.left());
        let (agent, proxy) = self.agent(url)?;
        let request = Request::get(url.as_str());
        let opened = only_open(|| run(&agent, request.body(()), Limits::Whole(limit)));
        let Err(err) = opened else { return Ok(()) };
        let is_open = matches!(&err, ureq::Error::Other(err) if matches!(err.downcast_ref(), Some(ConnectError::OpenedAhead)));
        if is_open {
            return Ok(());
        }
        let of = RequestContext {
            host: host(url),
            limit,
            proxy: proxy.as_ref(),
            sent: false,
        };
        Err(translate(err, &of))
    }
}

fn host(url: &Url) -> &str {
    &url[url::Position::BeforeHost..url::Position::AfterPort]
}
