//! Reads responses: the answer to a request comes as JSON or in a stream of events, among other messages for the client.

use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::json::members_of;
use super::message::{self, is_same_id, may_be_same_id, Kind, RpcMessage};
use super::stdio::MAX_LINE_BYTES;
use super::Bridge;
use crate::error::{Error, ServerFault};
use crate::http::{Abort, BodyStream, HttpError, Response};
use crate::mcp::sse::{Parser, StreamEvent};
use crate::oauth::text::printable;
use crate::os::memory::{append, Held};

/// The notification that begins a subscription.
const ACKNOWLEDGED: &str = "notifications/subscriptions/acknowledged";

/// How much is read at once, in bytes.
const CHUNK_BYTES: usize = 64 * 1024;

/// Longest time in which the body of a refusal is read.
const BRIEF_LIMIT: Duration = Duration::from_secs(5);

/// Most streams that are read on after the answer has come. Most servers end a stream then, and its connection can be used again.
const MAX_LINGERING: usize = 16;

/// The streams that are read on now.
static LINGERING: AtomicUsize = AtomicUsize::new(0);

/// The answer to a request.
pub struct ServerAnswer {
    /// The response.
    pub message: RpcMessage,
    /// What its memory counts for, until it is written.
    held: Held,
    rest: Option<Box<BodyStream>>,
}

/// What is read of a response, and for which request.
pub struct Reading<'a> {
    /// The request that is answered; `None` for messages that answer nothing.
    id: Option<&'a str>,
    /// What ends the request.
    abort: &'a Abort,
    /// Where its events are read; a stream that is resumed goes on here.
    pub parser: Parser,
    held: Held,
}

impl<'a> Reading<'a> {
    /// Prepares to read the answer to a request, or what answers none.
    pub fn of(request: Option<&'a RpcMessage>, abort: &'a Abort) -> Self {
        Self {
            id: request.map(RpcMessage::id),
            abort,
            parser: Parser::default(),
            held: Held::default(),
        }
    }

    /// Forgets what was read of an event that is not complete: the stream has ended.
    pub fn forget_unfinished(&mut self) {
        self.parser.forget_unfinished();
        self.held = Held::default();
    }
}

/// A response that refuses a message.
pub struct RefusedMessage {
    /// The status code.
    pub status: u16,
    /// What the body says, if that is JSON-RPC.
    message: Option<RpcMessage>,
    text: String,
}

/// Why there is no answer to a request.
pub enum NoAnswer {
    /// The server refused the message.
    Refused(Box<RefusedMessage>),
    /// Something else.
    Failed(Box<Error>),
}

impl NoAnswer {
    /// Reads a response that refuses a message.
    pub fn refused(response: Response, abort: &Abort) -> Self {
        Self::Refused(Box::new(RefusedMessage::read(response, abort)))
    }
}

impl From<Error> for NoAnswer {
    fn from(err: Error) -> Self {
        Self::Failed(Box::new(err))
    }
}

impl RefusedMessage {
    /// Reads the response.
    pub fn read(response: Response, abort: &Abort) -> Self {
        let status = response.status;
        let body = read_briefly(response, abort);
        let text = String::from_utf8_lossy(&body).into_owned();
        let mut messages = message::read(text.clone()).into_iter().flatten();
        // Other errors, such as those of OAuth, have no number for a code.
        let message = messages.find(|message| message.error_code().is_some());
        Self {
            status,
            message,
            text,
        }
    }

    /// Tells whether the server perhaps speaks another wire.
    pub fn is_of_another_wire(&self) -> bool {
        matches!(self.status, 400..=499)
            && !matches!(self.status, 401 | 403 | 407 | 408 | 425 | 429)
    }

    /// Tells whether the server perhaps speaks the transport of 2024-11-05.
    ///
    /// Spec: MCP 2025-11-25, Transports, Backwards Compatibility.
    pub fn is_of_older_transport(&self) -> bool {
        matches!(self.status, 400 | 404 | 405 | 406)
    }

    /// Returns the code of the server's error.
    pub fn error_code(&self) -> Option<i64> {
        self.message.as_ref()?.error_code()
    }

    /// Tells whether the server says something about the session.
    pub fn is_about_session(&self) -> bool {
        let is_general = matches!(self.error_code(), Some(-32_000 | -32_001 | -32_600));
        let says = |it: &RpcMessage| it.body().to_ascii_lowercase().contains("session");
        is_general && self.message.as_ref().is_some_and(says)
    }
}

impl Bridge {
    /// Answers a request, and lets the stream of the answer end.
    pub fn reply(&self, id: &str, answer: ServerAnswer) {
        finish(self.deliver(id, answer));
    }

    /// Answers a request, and returns what is left of the stream of the answer.
    pub fn deliver(&self, id: &str, answer: ServerAnswer) -> Option<Box<BodyStream>> {
        self.answer(id, answer.message);
        drop(answer.held);
        answer.rest
    }

    /// Answers a request that has no answer: with the server's own error, if there is one.
    ///
    /// # Errors
    ///
    /// What else went wrong; [`Error::Server`] if the server does not say it as JSON-RPC.
    pub fn refuse(&self, id: &str, why: NoAnswer) -> Result<(), Error> {
        match why {
            NoAnswer::Refused(refusal) => match refusal.message {
                Some(message) => {
                    self.answer(id, message);
                    Ok(())
                }
                None => Err(self.refused(refusal.status, &refusal.text)),
            },
            NoAnswer::Failed(err) => Err(*err),
        }
    }

    /// Says what went wrong with a message that nobody waits for.
    pub fn not_sent(&self, why: NoAnswer) -> Error {
        match why {
            NoAnswer::Refused(refusal) => self.refused(refusal.status, ""),
            NoAnswer::Failed(err) => *err,
        }
    }

    /// Says that the server refused a message.
    pub fn refused(&self, status: u16, text: &str) -> Error {
        let is_page = text.trim_start().starts_with('<');
        let words = match text.trim() {
            "" => String::new(),
            _ if is_page => " (a web page)".to_owned(),
            text => format!(": {}", printable(&self.upstream.tokens.remove_from(text))),
        };
        let fault = match status {
            403 => return self.upstream.tokens.forbidden(&words),
            404 | 405 | 410 | 501 => ServerFault::NotMcp,
            status if is_passing(status) => ServerFault::Passing,
            _ => ServerFault::Lasting,
        };
        self.upstream
            .fault(&format!("answered with status {status}{words}"), fault)
    }

    /// Reads the response to a request until its answer, and passes on what comes before it. Returns `None` if it was cut.
    ///
    /// # Errors
    ///
    /// [`NoAnswer`] if the server refuses the request, or if there is no answer in the response.
    pub fn read(
        &self,
        response: Response,
        reading: &mut Reading,
    ) -> Result<Option<ServerAnswer>, NoAnswer> {
        if !is_success(&response) {
            return Err(NoAnswer::refused(response, reading.abort));
        }
        if response.is("text/event-stream") {
            let mut body = response.into_stream();
            let read = self.read_events(&mut body, reading);
            let held = mem::take(&mut reading.held);
            return match read {
                Ok(Some(message)) => Ok(Some(ServerAnswer {
                    message,
                    held,
                    rest: Some(Box::new(body)),
                })),
                Err(HttpError::TooLarge(_)) => Err(self.no_room().into()),
                Ok(None) | Err(_) => Ok(None),
            };
        }
        let (status, is_json) = (response.status, response.is("application/json"));
        let mut held = Held::default();
        let Some(body) = self.read_all(response, &mut held)? else {
            return Ok(None);
        };
        held.complete();
        let is_empty = body.trim_ascii().is_empty();
        let text = String::from_utf8(body).unwrap_or_default();
        if let Some(message) = self.pass_all_on(text, reading) {
            return Ok(Some(ServerAnswer {
                message,
                held,
                rest: None,
            }));
        }
        let (what, fault) = match is_json {
            _ if is_empty => ("and nothing else", ServerFault::Doubtful),
            true => ("and JSON that is no response", ServerFault::Doubtful),
            false => ("and something that is no MCP", ServerFault::NotMcp),
        };
        let what = format!("answered with status {status} {what}");
        Err(self.upstream.fault(&what, fault).into())
    }

    /// Reads events until the answer to a request, or to the end, and passes on everything else.
    ///
    /// # Errors
    ///
    /// Those of [`read_stream`].
    pub fn read_events(
        &self,
        body: &mut BodyStream,
        reading: &mut Reading,
    ) -> Result<Option<RpcMessage>, HttpError> {
        read_stream(body, reading, |event, reading| match event.name.as_str() {
            "" | "message" => self.pass_all_on(event.data, reading),
            _ => None,
        })
    }

    /// Says that an answer waited too long for memory that others hold.
    pub fn no_room(&self) -> Error {
        let what = "stopped in the middle of other long answers, so this one, to a request that may have been executed, was not read";
        self.upstream.fault(what, ServerFault::Passing)
    }

    /// Reads a body of any length that a line may have; `None` if it was cut.
    fn read_all(&self, response: Response, held: &mut Held) -> Result<Option<Vec<u8>>, Error> {
        let mut text = Vec::new();
        let mut body = response.into_stream();
        let mut buffer = vec![0; CHUNK_BYTES];
        loop {
            let Ok(count) = body.read(&mut buffer) else {
                return Ok(None);
            };
            if count == 0 {
                return Ok(Some(text));
            }
            if text.len() + count > MAX_LINE_BYTES {
                let what = "answered with more than can be passed on";
                return Err(self.upstream.fault(what, ServerFault::Lasting));
            }
            if !held.resize(text.len() + count) {
                return Err(self.no_room());
            }
            append(&mut text, buffer.get(..count).unwrap_or_default());
        }
    }

    /// Reads a stream that answers nothing, in a thread of its own: it may last as long as it wants.
    pub fn read_in_background(self: &Arc<Self>, mut body: BodyStream) {
        let bridge = Arc::clone(self);
        if LINGERING.fetch_add(1, Ordering::SeqCst) < MAX_LINGERING {
            let _ = thread::Builder::new().spawn(move || {
                let _ = bridge.read_events(&mut body, &mut Reading::of(None, &Abort::default()));
                LINGERING.fetch_sub(1, Ordering::SeqCst);
            });
        } else {
            LINGERING.fetch_sub(1, Ordering::SeqCst);
        }
    }

    /// Passes messages on to the client, but returns the first that is the answer which is read.
    fn pass_all_on(&self, text: String, reading: &Reading) -> Option<RpcMessage> {
        let messages = self.read_messages(text, reading).into_iter();
        let answers = messages.filter_map(|message| self.pass_on(message, reading));
        answers.reduce(|first, _| first)
    }

    /// Reads messages of the server. An answer that is none, such as one with `NaN` in it, is an error to its request.
    pub fn read_messages(&self, text: String, reading: &Reading) -> Vec<RpcMessage> {
        let answer = |text: String| {
            let [id, method] = members_of(&text, ["id", "method"]);
            let id = id.filter(|_| method.is_none())?.get();
            let is_own = reading.id.is_some_and(|own| may_be_same_id(own, id));
            if !is_own && self.pending.find(id, may_be_same_id).is_none() {
                return None;
            }
            let what = "answered with JSON that is no response";
            let err = self.upstream.fault(what, ServerFault::Doubtful);
            message::read_one(self.failure(id, &err))
        };
        let read = message::read(text).into_iter();
        read.filter_map(|it| it.map_or_else(answer, Some)).collect()
    }

    /// Passes a message on to the client, but returns it if it is the answer that is read.
    pub fn pass_on(&self, message: RpcMessage, reading: &Reading) -> Option<RpcMessage> {
        if message.kind != Kind::Response {
            let is_ours = message.method == ACKNOWLEDGED && self.translation().is_some();
            if !is_ours && !reading.abort.is_aborted() {
                self.output.write(&message.text);
            }
            return None;
        }
        let (own, pending) = (message.id(), &self.pending);
        let is_asked = |id: &str| own.is_empty() || may_be_same_id(own, id);
        if reading.id.is_some_and(is_asked) {
            return Some(message);
        }
        let other = pending.find(own, is_same_id);
        let other = other.or_else(|| pending.find(own, may_be_same_id));
        if let Some(id) = other {
            self.answer(&id, message);
        }
        None
    }
}

/// Tells whether the server took what it was sent.
pub fn is_success(response: &Response) -> bool {
    (200..300).contains(&response.status)
}

/// Tells whether the server may take the same request later, for example when it has seen that an earlier stream was cut.
pub fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 409 | 423 | 425 | 429 | 500..)
}

/// Reads a stream to its end, so that its connection can be used again; gives it up if too many go on after their answers.
pub fn finish(rest: Option<Box<BodyStream>>) {
    let Some(mut rest) = rest else { return };
    let mut buffer = [0; 1024];
    if LINGERING.fetch_add(1, Ordering::SeqCst) < MAX_LINGERING {
        while rest.read(&mut buffer).is_ok_and(|count| count > 0) {}
    }
    LINGERING.fetch_sub(1, Ordering::SeqCst);
}

/// Reads a stream of events, within the memory that all share, until `take` returns an answer, or to the end.
///
/// # Errors
///
/// The error of the connection; [`HttpError::TooLarge`] if other answers hold the memory and do not get on.
pub fn read_stream(
    body: &mut BodyStream,
    reading: &mut Reading,
    mut take: impl FnMut(StreamEvent, &Reading) -> Option<RpcMessage>,
) -> Result<Option<RpcMessage>, HttpError> {
    let mut buffer = vec![0; CHUNK_BYTES];
    loop {
        let count = body.read(&mut buffer)?;
        let piece = buffer.get(..count).unwrap_or_default();
        let mut events = Vec::new();
        if !reading.held.resize(reading.parser.length() + count) {
            return Err(HttpError::TooLarge("the server".to_owned()));
        }
        let fits = reading.parser.read(piece, |event| events.push(event));
        let has_events = !events.is_empty();
        if has_events {
            reading.held.complete();
        }
        let mut answer = None;
        for event in events {
            let own = take(event, reading);
            answer = answer.or(own);
        }
        if answer.is_some() || count == 0 || !fits {
            return Ok(answer);
        }
        if has_events {
            reading.held = Held::default();
        }
    }
}

/// Reads the body of a response that has nothing more to wait for; empty if it does not end soon.
pub fn read_briefly(response: Response, abort: &Abort) -> Vec<u8> {
    let connection = abort.clone();
    let read = within(
        BRIEF_LIMIT,
        move || connection.close(),
        || response.read().unwrap_or_default(),
    );
    read.unwrap_or_default()
}

/// Does some work, and calls `give_up` in another thread if it is not done in time. Returns `None` if there is no such thread.
pub fn within<T>(
    limit: Duration,
    give_up: impl FnOnce() + Send + 'static,
    work: impl FnOnce() -> T,
) -> Option<T> {
    let (done, ended) = mpsc::channel::<()>();
    let watch = thread::Builder::new().spawn(move || {
        if ended.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
            give_up();
        }
    });
    let result = watch.is_ok().then(work);
    drop(done);
    result
}
