//! The requests of the client that have no answer yet: each gets exactly one.

use std::collections::HashMap;
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use super::message::{Kind, RpcMessage};
use crate::http::Abort;
use crate::os::sync::{lock, wait};

/// The requests under way, by their ids as the client wrote them.
#[derive(Debug, Default)]
pub struct Pending {
    state: Mutex<OpenRequests>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct OpenRequests {
    open: HashMap<String, OpenRequest>,
    answers_being_written: usize,
}

#[derive(Debug)]
struct OpenRequest {
    abort: Abort,
    is_stateless: bool,
    /// The stream that brings its answer, if that is not the response to its POST.
    stream: Option<u64>,
}

impl Pending {
    /// Notes a request, and returns what ends it; `None` if one with this id is still open.
    pub fn begin(&self, id: &str, is_stateless: bool) -> Option<Abort> {
        let mut state = lock(&self.state);
        if state.open.contains_key(id) {
            return None;
        }
        let abort = Abort::default();
        let request = OpenRequest {
            abort: abort.clone(),
            is_stateless,
            stream: None,
        };
        state.open.insert(id.to_owned(), request);
        Some(abort)
    }

    /// Tells whether a request has no answer yet.
    pub fn is_open(&self, id: &str) -> bool {
        lock(&self.state).open.contains_key(id)
    }

    /// Tells whether a request is given up by closing its stream, and by nothing else.
    pub fn is_stateless(&self, id: &str) -> bool {
        lock(&self.state)
            .open
            .get(id)
            .is_some_and(|request| request.is_stateless)
    }

    /// Calls `write` if the request has no answer yet.
    pub fn answer(&self, id: &str, write: impl FnOnce()) {
        let mut state = lock(&self.state);
        if state.open.remove(id).is_none() {
            return;
        }
        state.answers_being_written += 1;
        drop(state);
        write();
        self.written();
    }

    /// Notes an answer to no request that is about to be written.
    pub fn begin_writing(&self) {
        lock(&self.state).answers_being_written += 1;
    }

    /// Notes that an answer has been written.
    pub fn written(&self) {
        lock(&self.state).answers_being_written -= 1;
        self.changed.notify_all();
    }

    /// Ends a request without an answer.
    pub fn cancel(&self, id: &str) {
        let request = lock(&self.state).open.remove(id);
        if let Some(request) = request {
            request.abort.abort();
        }
        self.changed.notify_all();
    }

    /// Returns the id of the open request with this id; else of one whose id `is_same` as this one.
    pub fn find(&self, id: &str, is_same: impl Fn(&str, &str) -> bool) -> Option<String> {
        let state = lock(&self.state);
        let exact = state.open.get_key_value(id).map(|(own, _)| own);
        let other = || state.open.keys().find(|own| is_same(own, id));
        exact.or_else(other).cloned()
    }

    /// Notes the stream on which the answer to a request will come.
    pub fn expect_on(&self, message: &RpcMessage, stream: Option<u64>) {
        let mut state = lock(&self.state);
        let open = state.open.get_mut(message.id());
        // The ids of responses are those of the server.
        if let Some(request) = open.filter(|_| message.kind == Kind::Request) {
            request.stream = stream;
        }
    }

    /// Returns the ids of the open requests whose answers are expected on a stream.
    pub fn ids_on(&self, stream: u64) -> Vec<String> {
        let state = lock(&self.state);
        let open = state.open.iter();
        let expected = open.filter(|(_, request)| request.stream == Some(stream));
        expected.map(|(id, _)| id.clone()).collect()
    }

    /// Waits until all requests are answered, but not longer than `limit`.
    pub fn wait(&self, limit: Duration) {
        let deadline = Instant::now() + limit;
        let mut state = lock(&self.state);
        while !(state.open.is_empty() && state.answers_being_written == 0) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = wait(&self.changed, state, left);
        }
    }
}
