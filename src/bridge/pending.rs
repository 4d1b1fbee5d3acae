//! The requests of the client that have no answer yet: each gets exactly one.

use std::collections::HashMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::http::Abort;

/// The requests under way, by their ids as the client wrote them.
#[derive(Debug, Default)]
pub struct Pending {
    state: Mutex<OpenRequests>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct OpenRequests {
    open: HashMap<String, Abort>,
    answers_being_written: usize,
}

impl Pending {
    /// Notes a request, and returns what ends it; `None` if one with this id is still open.
    pub fn begin(&self, id: &str) -> Option<Abort> {
        let mut state = self.lock();
        if state.open.contains_key(id) {
            return None;
        }
        let abort = Abort::default();
        state.open.insert(id.to_owned(), abort.clone());
        Some(abort)
    }

    /// Tells whether a request has no answer yet.
    pub fn is_open(&self, id: &str) -> bool {
        self.lock().open.contains_key(id)
    }

    /// Calls `write` if the request has no answer yet.
    pub fn answer(&self, id: &str, write: impl FnOnce()) {
        let mut state = self.lock();
        if state.open.remove(id).is_none() {
            return;
        }
        state.answers_being_written += 1;
        drop(state);
        write();
        self.lock().answers_being_written -= 1;
        self.changed.notify_all();
    }

    /// Ends a request without an answer.
    pub fn cancel(&self, id: &str) {
        let abort = self.lock().open.remove(id);
        if let Some(abort) = abort {
            abort.abort();
        }
        self.changed.notify_all();
    }

    /// Returns the ids of all open requests.
    pub fn ids(&self) -> Vec<String> {
        self.lock().open.keys().cloned().collect()
    }

    /// Waits until all requests are answered, but not longer than `limit`.
    pub fn wait(&self, limit: Duration) {
        let deadline = Instant::now() + limit;
        let mut state = self.lock();
        while !(state.open.is_empty() && state.answers_being_written == 0) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, OpenRequests> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
