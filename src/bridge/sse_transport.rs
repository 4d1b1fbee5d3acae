//! The transport of 2024-11-05, HTTP+SSE: one stream brings all answers, and names where messages are posted.
//!
//! Spec: MCP 2024-11-05, Transports, HTTP with SSE; MCP 2025-11-25, Transports, Backwards Compatibility.

use std::sync::mpsc::{self, Sender};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use url::Url;

use super::exchange::{is_success, read_briefly, read_stream, NoAnswer, Reading};
use super::message::{may_be_same_id, Kind, RpcMessage};
use super::session::{one_for_all, ACCEPT_EVENTS};
use super::upstream::QUIET_LIMIT;
use super::Bridge;
use crate::error::{Error, ServerFault};
use crate::http::{Abort, HttpError, StreamRequest};
use crate::mcp::sse::StreamEvent;
use crate::oauth::endpoint::has_userinfo;
use crate::os::sync::lock;

/// Longest wait for the event that names where messages are posted, and for the answer to `initialize` after a break.
const ENDPOINT_LIMIT: Duration = Duration::from_secs(5);

/// A server of this transport.
#[derive(Default)]
pub struct SseTransport {
    /// The server speaks it.
    pub is_used: bool,
    /// How many streams have been opened.
    last_number: u64,
    /// The streams that are open.
    streams: Vec<AnswerStream>,
    /// The number of the one for which messages are posted; `None` while there is none.
    current: Option<u64>,
    /// The client's own messages, for after a break.
    opened_with: Vec<RpcMessage>,
    /// Who waits for the answer to `initialize` after a break.
    reopening: Option<(String, Sender<()>)>,
}

/// A stream that brings the answers to what was posted for it.
struct AnswerStream {
    number: u64,
    /// Where messages are posted.
    endpoint: Url,
    /// What closes it.
    abort: Abort,
}

impl Bridge {
    /// Asks a server that takes no `initialize` whether it speaks this transport; if so, posts the message there.
    pub fn initialize_by_sse(
        self: &Arc<Self>,
        initialize: &RpcMessage,
        abort: &Abort,
    ) -> Result<bool, Error> {
        if !self.open_stream()? {
            return Ok(false);
        }
        let endpoint = self.endpoint_for(initialize);
        let endpoint = endpoint.ok_or_else(|| self.stream_ended())?;
        let mut state = lock(&self.sse);
        (state.is_used, state.opened_with) = (true, vec![initialize.clone()]);
        drop(state);
        let posted = self.post_to(&endpoint, initialize, abort);
        posted.or_else(|why| self.refuse(initialize.id(), why))?;
        Ok(true)
    }

    /// Posts a message; its answer comes on the stream. A stream that was cut, or that the server does not know any more, is
    /// opened again first.
    pub fn send_by_sse(self: &Arc<Self>, message: &RpcMessage, abort: &Abort) -> Result<(), Error> {
        let endpoint = self.reopen_stream(message)?;
        if message.method == "notifications/initialized" {
            lock(&self.sse).opened_with.push(message.clone());
        }
        let mut posted = self.post_to(&endpoint, message, abort);
        if matches!(&posted, Err(NoAnswer::Refused(it)) if it.status == 404 || it.is_about_session())
        {
            self.pending.expect_on(message, None);
            self.leave_stream(&endpoint);
            posted = self.post_to(&self.reopen_stream(message)?, message, abort);
        }
        posted.or_else(|why| match message.kind {
            Kind::Request => self.refuse(message.id(), why),
            _ => Err(self.not_sent(why)),
        })
    }

    /// Returns where a message is posted now, and notes on which stream its answer will come.
    fn endpoint_for(&self, message: &RpcMessage) -> Option<Url> {
        let state = lock(&self.sse);
        let is_current = |it: &&AnswerStream| Some(it.number) == state.current;
        let stream = state.streams.iter().find(is_current)?;
        self.pending.expect_on(message, Some(stream.number));
        Some(stream.endpoint.clone())
    }

    /// Posts no more for the stream with this endpoint, if that is the current one.
    fn leave_stream(&self, endpoint: &Url) {
        let mut state = lock(&self.sse);
        let left = state.streams.iter().rfind(|it| it.endpoint == *endpoint);
        let left = left.map(|it| it.number);
        state.current.take_if(|current| Some(*current) == left);
        self.close_unused(&state);
    }

    /// Closes the streams for which nothing is posted any more, and on which no answer is expected.
    fn close_unused(&self, state: &SseTransport) {
        let others = state.streams.iter();
        let others = others.filter(|it| Some(it.number) != state.current);
        others
            .filter(|it| self.pending.ids_on(it.number).is_empty())
            .for_each(|it| it.abort.abort());
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

    /// Returns where a message is posted, and opens the stream and what the client had opened on it again if it was cut.
    fn reopen_stream(self: &Arc<Self>, message: &RpcMessage) -> Result<Url, Error> {
        one_for_all(&self.sse_opening, || {
            if let Some(endpoint) = self.endpoint_for(message) {
                return Ok(endpoint);
            }
            let what = "opens no stream any more";
            let failed = || self.upstream.fault(what, ServerFault::Passing);
            if !self.open_stream()? {
                return Err(failed());
            }
            let endpoint = self.endpoint_for(message).ok_or_else(failed)?;
            match self.repeat_opening(&endpoint) {
                Ok(()) => Ok(endpoint),
                Err(err) => {
                    self.leave_stream(&endpoint);
                    Err(err)
                }
            }
        })
    }

    /// Posts what the client had opened the stream with that was cut.
    fn repeat_opening(&self, endpoint: &Url) -> Result<(), Error> {
        let (abort, messages) = (Abort::default(), lock(&self.sse).opened_with.clone());
        for message in &messages {
            let (sender, answered) = mpsc::channel();
            if message.kind == Kind::Request {
                lock(&self.sse).reopening = Some((message.id().to_owned(), sender));
            }
            let posted = self.post_to(endpoint, message, &abort);
            posted.map_err(|why| self.not_sent(why))?;
            if message.kind == Kind::Request {
                let opened = answered.recv_timeout(ENDPOINT_LIMIT);
                opened.map_err(|_| self.stream_ended())?;
            }
        }
        Ok(())
    }

    /// Opens a stream for the messages that are posted from now on. Returns `false` if the server has no such stream.
    fn open_stream(self: &Arc<Self>) -> Result<bool, Error> {
        let (sender, opened) = mpsc::channel();
        let (bridge, abort) = (Arc::clone(self), Abort::default());
        let ends = abort.clone();
        let reader = thread::Builder::new().spawn(move || bridge.read_answers(&sender, &ends));
        reader.map_err(Error::unexpected("cannot start a thread"))?;
        match opened.recv_timeout(ENDPOINT_LIMIT) {
            Ok(opened) => opened,
            Err(_) => {
                abort.abort();
                Ok(false)
            }
        }
    }

    /// Reads a stream to its end. What was posted for it and is not answered then never will be.
    fn read_answers(&self, opened: &Sender<Result<bool, Error>>, abort: &Abort) {
        let response = self.upstream.send(&StreamRequest {
            until_head: ENDPOINT_LIMIT,
            ..self.upstream.get([ACCEPT_EVENTS], abort)
        });
        let mut body = match response {
            Ok(response) if response.status == 200 && response.is("text/event-stream") => {
                response.into_stream()
            }
            Ok(_) => return drop(opened.send(Ok(false))),
            Err(err) => return drop(opened.send(Err(err))),
        };
        let mut state = lock(&self.sse);
        state.last_number += 1;
        let number = state.last_number;
        drop(state);
        let mut reading = Reading::of(None, abort);
        let read = read_stream(&mut body, &mut reading, |event, reading| {
            match event.name.as_str() {
                "endpoint" => drop(opened.send(self.begin_stream(number, &event, abort))),
                _ => self.take_event(event, number, reading),
            }
            None
        });
        let mut state = lock(&self.sse);
        state.streams.retain(|it| it.number != number);
        state.current.take_if(|current| *current == number);
        drop(state);
        let err = match read {
            Err(HttpError::TooLarge(_)) => self.no_room(),
            _ => self.stream_ended(),
        };
        let unanswered = self.pending.ids_on(number);
        unanswered.iter().for_each(|id| self.fail(id, &err));
    }

    fn stream_ended(&self) -> Error {
        let what = "ended its stream before the answer, and the request may have been executed";
        self.upstream.fault(what, ServerFault::Passing)
    }

    /// Takes where messages are posted from now on from the event that names it. The token goes to no other origin.
    fn begin_stream(&self, number: u64, event: &StreamEvent, abort: &Abort) -> Result<bool, Error> {
        let Ok(endpoint) = self.upstream.server.join(event.data.trim()) else {
            return Ok(false);
        };
        if endpoint.origin() != self.upstream.server.origin() || has_userinfo(&endpoint) {
            let origin = endpoint.origin().ascii_serialization();
            return Err(self.upstream.unreachable(HttpError::Redirect(origin)));
        }
        let mut state = lock(&self.sse);
        state.streams.retain(|it| it.number != number);
        state.streams.push(AnswerStream {
            number,
            endpoint,
            abort: abort.clone(),
        });
        state.current = state.current.max(Some(number));
        self.close_unused(&state);
        Ok(true)
    }

    fn take_event(&self, event: StreamEvent, number: u64, reading: &Reading) {
        for message in self.read_messages(event.data, reading) {
            if message.kind == Kind::Response && message.id().is_empty() {
                // It answers the only request on this stream; nobody knows which of several.
                if let [only] = self.pending.ids_on(number).as_slice() {
                    self.answer(only, message);
                }
                continue;
            }
            let mut state = lock(&self.sse);
            let is_reopened = |(id, _): &mut (String, _)| {
                message.kind == Kind::Response && may_be_same_id(message.id(), id)
            };
            let reopened = state.reopening.take_if(is_reopened);
            drop(state);
            match reopened {
                Some((_, waiting)) => drop(waiting.send(())),
                None => drop(self.pass_on(message, reading)),
            }
        }
        self.close_unused(&lock(&self.sse));
    }
}
