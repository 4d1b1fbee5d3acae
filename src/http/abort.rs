//! Ends a request from another thread, by closing its connection.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};

use ureq::unversioned::transport::ShutdownHandle;

use crate::os::sync::lock;

/// Ends one request, whether it waits for its response or reads it.
#[derive(Clone, Debug)]
pub struct Abort {
    id: u64,
    state: Arc<Mutex<AbortState>>,
}

#[derive(Debug, Default)]
struct AbortState {
    is_aborted: bool,
    socket: Option<Arc<Socket>>,
}

impl Default for Abort {
    fn default() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Self {
            id: LAST.fetch_add(1, Ordering::Relaxed) + 1,
            state: Arc::default(),
        }
    }
}

impl Abort {
    /// Closes the connection of the request now, or as soon as it has one. A connection that serves another request by now
    /// is left alone.
    pub fn abort(&self) {
        let mut state = lock(&self.state);
        state.is_aborted = true;
        if let Some(socket) = state.socket.take() {
            socket.shut_down_for(self.id);
        }
    }

    /// Closes the connection of the request, if it still serves it, without ending what the request is for.
    pub fn close(&self) {
        if let Some(socket) = lock(&self.state).socket.take() {
            socket.shut_down_for(self.id);
        }
    }

    /// Tells whether the request was ended so.
    pub fn is_aborted(&self) -> bool {
        lock(&self.state).is_aborted
    }

    /// Notes that a connection serves a request from now on, which `abort` can end.
    pub(super) fn take_over(socket: &Arc<Socket>, abort: Option<&Self>) {
        *lock(&socket.request) = abort.map_or(0, |abort| abort.id);
        let Some(abort) = abort else { return };
        let mut state = lock(&abort.state);
        if state.is_aborted {
            socket.shut_down_for(abort.id);
        } else {
            state.socket = Some(Arc::clone(socket));
        }
    }
}

/// The socket of a connection, and which request it serves.
#[derive(Debug)]
pub(super) struct Socket {
    handle: Weak<dyn ShutdownHandle>,
    request: Mutex<u64>,
}

impl Socket {
    pub fn new(handle: Weak<dyn ShutdownHandle>) -> Arc<Self> {
        Arc::new(Self {
            handle,
            request: Mutex::new(0),
        })
    }

    fn shut_down_for(&self, id: u64) {
        let request = lock(&self.request);
        if let Some(handle) = self.handle.upgrade().filter(|_| *request == id) {
            handle.shutdown();
        }
    }
}
