//! The transport of 2024-11-05, HTTP+SSE: one stream brings all answers, and names where messages are posted.
//!
//! Spec: MCP 2024-11-05, Transports, HTTP with SSE; MCP 2025-11-25, Transports, Backwards Compatibility.

use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use url::Url;

use super::exchange::{is_success, read_briefly, read_stream, NoAnswer, Reading};
use super::message::{self, Kind, RpcMessage};
use super::session::ACCEPT_EVENTS;
use super::sse::StreamEvent;
use super::upstream::QUIET_LIMIT;
use super::Bridge;
use crate::error::{Error, ServerFault};
use crate::http::{Abort, HttpError, StreamRequest};
use crate::oauth::endpoint::has_userinfo;
use crate::os::sync::lock;

/// Longest wait for the event that names where messages are posted, and for the answer to `initialize` after a break.
const ENDPOINT_LIMIT: Duration = Duration::from_secs(5);

/// A server of this transport.
#[derive(Default)]
pub struct SseTransport {
    state: Mutex<SseState>,
    /// Held while a stream is opened.
    opening: Mutex<()>,
}

#[derive(Default)]
struct SseState {
    is_used: bool,
    /// Where messages are posted; `None` while there is no stream.
    endpoint: Option<Url>,
    /// The client's own messages, for after a break.
    opened_with: Vec<RpcMessage>,
    /// Who waits for the answer to `initialize` after a break.
    reopening: Option<(String, Sender<()>)>,
}

impl SseTransport {
    /// Tells whether the server speaks it.
    pub fn is_used(&self) -> bool {
        lock(&self.state).is_used
    }
}

impl Bridge {
    /// Asks a server that takes no `initialize` whether it speaks this transport; if so, posts the message there.
    pub fn initialize_by_sse(
        self: &Arc<Self>,
        initialize: &RpcMessage,
        abort: &Abort,
    ) -> Result<bool, Error> {
        let Some(endpoint) = self.open_stream()? else {
            return Ok(false);
        };
        let mut state = lock(&self.sse.state);
        if state.endpoint.is_none() {
            return Err(self.stream_ended());
        }
        (state.is_used, state.opened_with) = (true, vec![initialize.clone()]);
        drop(state);
        let posted = self.post_to(&endpoint, initialize, abort);
        posted.or_else(|why| self.refuse(initialize.id(), why))?;
        Ok(true)
    }

    /// Posts a message; its answer comes on the stream. After a break the stream is opened again first.
    pub fn send_by_sse(self: &Arc<Self>, message: &RpcMessage, abort: &Abort) -> Result<(), Error> {
        let endpoint = self.reopen_stream()?;
        if message.method == "notifications/initialized" {
            lock(&self.sse.state).opened_with.push(message.clone());
        }
        let posted = self.post_to(&endpoint, message, abort);
        posted.or_else(|why| match message.kind {
            Kind::Request => self.refuse(message.id(), why),
            _ => Err(self.not_sent(why)),
        })
    }

    fn post_to(&self, endpoint: &Url, message: &RpcMessage, abort: &Abort) -> Result<(), NoAnswer> {
        let response = self.upstream.send(&StreamRequest {
            url: endpoint,
            until_head: QUIET_LIMIT,
            ..self.upstream.post(message, [], abort)
        })?;
        if !is_success(&response) {
            return Err(NoAnswer::refused(response, abort));
        }
        // It says nothing; read, the connection can be used again.
        drop(read_briefly(response, abort));
        Ok(())
    }

    /// Returns where messages are posted, and opens the stream and what the client had opened on it again if it was cut.
    fn reopen_stream(self: &Arc<Self>) -> Result<Url, Error> {
        let _one_at_a_time = lock(&self.sse.opening);
        if let Some(endpoint) = lock(&self.sse.state).endpoint.clone() {
            return Ok(endpoint);
        }
        let failed = || {
            self.upstream
                .fault("opens no stream any more", ServerFault::Passing)
        };
        let endpoint = self.open_stream()?.ok_or_else(failed)?;
        let (sender, answered) = mpsc::channel();
        let messages = lock(&self.sse.state).opened_with.clone();
        let abort = Abort::default();
        for message in &messages {
            if message.kind == Kind::Request {
                lock(&self.sse.state).reopening = Some((message.id().to_owned(), sender.clone()));
            }
            self.post_to(&endpoint, message, &abort)
                .map_err(|why| self.not_sent(why))?;
            if message.kind == Kind::Request {
                answered
                    .recv_timeout(ENDPOINT_LIMIT)
                    .map_err(|_| failed())?;
            }
        }
        Ok(endpoint)
    }

    /// Opens the stream, and returns where messages are posted; `None` if the server has no such stream.
    fn open_stream(self: &Arc<Self>) -> Result<Option<Url>, Error> {
        let (sender, opened) = mpsc::channel();
        let (bridge, abort) = (Arc::clone(self), Abort::default());
        let ends = abort.clone();
        let reader = thread::Builder::new().spawn(move || bridge.read_answers(&sender, &ends));
        reader.map_err(Error::unexpected("cannot start a thread"))?;
        match opened.recv_timeout(ENDPOINT_LIMIT) {
            Ok(opened) => opened,
            Err(_) => {
                abort.abort();
                Ok(None)
            }
        }
    }

    /// Reads the stream to its end. What is not answered then never will be.
    fn read_answers(&self, opened: &Sender<Result<Option<Url>, Error>>, abort: &Abort) {
        let response = self.upstream.send(&StreamRequest {
            until_head: ENDPOINT_LIMIT,
            ..self.upstream.get([ACCEPT_EVENTS], abort)
        });
        let mut body = match response {
            Ok(response) if response.status == 200 && response.is("text/event-stream") => {
                response.into_stream()
            }
            Ok(_) => return drop(opened.send(Ok(None))),
            Err(err) => return drop(opened.send(Err(err))),
        };
        let mut reading = Reading::of_others(abort);
        let read = read_stream(&mut body, &mut reading, |event, reading| {
            match event.name.as_str() {
                "endpoint" => drop(opened.send(self.endpoint(&event))),
                _ => self.take_event(event, reading),
            }
            None
        });
        let mut state = lock(&self.sse.state);
        let was_used = state.endpoint.take().is_some() && state.is_used;
        drop(state);
        if was_used {
            let err = match read {
                Err(HttpError::TooLarge(_)) => self.no_room(),
                _ => self.stream_ended(),
            };
            self.pending.ids().iter().for_each(|id| self.fail(id, &err));
        }
    }

    fn stream_ended(&self) -> Error {
        let what = "ended its stream before the answer, and the request may have been executed";
        self.upstream.fault(what, ServerFault::Passing)
    }

    /// Takes where messages are posted from the event that names it. The token goes to no other origin.
    fn endpoint(&self, event: &StreamEvent) -> Result<Option<Url>, Error> {
        let text = String::from_utf8_lossy(&event.data);
        let Ok(endpoint) = self.upstream.server.join(text.trim()) else {
            return Ok(None);
        };
        if endpoint.origin() != self.upstream.server.origin() || has_userinfo(&endpoint) {
            let origin = endpoint.origin().ascii_serialization();
            return Err(self.upstream.unreachable(HttpError::Redirect(origin)));
        }
        lock(&self.sse.state).endpoint = Some(endpoint.clone());
        Ok(Some(endpoint))
    }

    fn take_event(&self, event: StreamEvent, reading: &Reading) {
        for message in message::read(event.data).unwrap_or_default() {
            let mut state = lock(&self.sse.state);
            let is_reopened =
                |(id, _): &mut (String, _)| message.kind == Kind::Response && message.answers(id);
            let reopened = state.reopening.take_if(is_reopened);
            drop(state);
            match reopened {
                Some((_, waiting)) => drop(waiting.send(())),
                None => drop(self.pass_on(message, reading)),
            }
        }
    }
}
