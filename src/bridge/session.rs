//! The wire of 2025-11-25 and before: a session that begins with `initialize`.
//!
//! A session that the server has lost is opened anew behind the client's back, once for all requests; a stream that was cut
//! is resumed; what the server sends by itself comes on a stream of its own.
//!
//! Spec: MCP 2025-11-25, Transports, Streamable HTTP; Lifecycle.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::exchange::{Ended, Reading, RefusedMessage, ServerAnswer};
use super::memory::Held;
use super::message::{Kind, RpcMessage};
use super::upstream::{Outgoing, ANSWER_LIMIT, QUIET_LIMIT};
use super::Bridge;
use crate::error::{Error, ServerFault};
use crate::http::{Abort, Response};
use crate::mcp;

/// The notification that completes the opening of a session.
const INITIALIZED: &str = "notifications/initialized";

/// Longest wait for the session, and for its confirmation, before a request is sent all the same.
const OPENING_LIMIT: Duration = Duration::from_secs(60);
const CONFIRMATION_LIMIT: Duration = Duration::from_secs(3);

/// How long a stream that was cut is asked for again.
const RESUME_LIMIT: Duration = Duration::from_secs(7);

/// The shortest pause before a stream is opened again, whatever the server asks for.
const MIN_PAUSE: Duration = Duration::from_millis(250);

/// The pause before a stream is opened again where the server names none, and the longest one after failures.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// The session of the bridge; there may be none yet, or the server may want none.
#[derive(Default)]
pub struct Session {
    state: Mutex<SessionState>,
    changed: Condvar,
    renewal: Mutex<()>,
}

#[derive(Default)]
struct SessionState {
    view: Arc<View>,
    /// The client's own messages, for opening the session again.
    initialize: Option<RpcMessage>,
    initialized: Option<RpcMessage>,
    /// `initialize` has no answer yet, or `initialized` was not sent yet: what comes behind waits.
    is_opening: bool,
    is_confirming: bool,
    /// What ends the stream of the server.
    stream: Option<Abort>,
}

/// A session as one request sees it.
#[derive(Clone, Debug, Default)]
pub struct View {
    headers: Vec<(String, String)>,
    has_id: bool,
    generation: u64,
}

#[derive(Deserialize)]
struct InitializeResult {
    #[serde(rename = "protocolVersion")]
    protocol_version: String,
}

impl View {
    /// Returns the headers of a message in this session.
    fn headers(&self) -> Vec<(String, String)> {
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        mcp::HEADERS
            .into_iter()
            .map(owned)
            .chain(self.headers.iter().cloned())
            .collect()
    }

    /// Returns the headers of a request for a stream of events.
    fn stream_headers(&self, last_id: Option<&str>) -> Vec<(String, String)> {
        let accept = ("Accept".to_owned(), "text/event-stream".to_owned());
        let last_id = last_id.map(|id| ("Last-Event-ID".to_owned(), id.to_owned()));
        [accept]
            .into_iter()
            .chain(last_id)
            .chain(self.headers.iter().cloned())
            .collect()
    }

    /// Tells whether a refusal means that the server does not know the session any more.
    fn is_lost(&self, refusal: &RefusedMessage) -> bool {
        self.has_id
            && (refusal.status == 404 || refusal.status == 400 && refusal.is_about_session())
    }
}

impl Session {
    fn lock(&self) -> MutexGuard<'_, SessionState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn view(&self) -> Arc<View> {
        Arc::clone(&self.lock().view)
    }

    /// Notes a message on which those behind it have to wait.
    pub fn expect(&self, message: &RpcMessage) {
        match (message.kind, message.method.as_str()) {
            (Kind::Request, "initialize") => self.lock().is_opening = true,
            (Kind::Notification, INITIALIZED) => self.lock().is_confirming = true,
            _ => {}
        }
    }

    /// Waits until what was expected before a message is done.
    pub fn wait(&self, message: &RpcMessage) {
        let (began, is_initialized) = (Instant::now(), message.method == INITIALIZED);
        let mut state = self.lock();
        while state.is_opening || state.is_confirming && !is_initialized {
            let limit = match state.is_opening {
                true => OPENING_LIMIT,
                false => CONFIRMATION_LIMIT,
            };
            let left = limit.saturating_sub(began.elapsed());
            if left.is_zero() {
                // Those behind have waited long enough too.
                state.is_confirming = false;
                return;
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Notes that a notification was sent; after that of the opening, the stream of the server can be opened.
    pub fn confirmed(&self, bridge: &Arc<Bridge>, message: &RpcMessage) {
        if message.method != INITIALIZED {
            return;
        }
        let mut state = self.lock();
        state.is_confirming = false;
        state.initialized = Some(message.clone());
        let view = Arc::clone(&state.view);
        drop(state);
        self.changed.notify_all();
        match bridge.translation() {
            Some(translation) => bridge.subscribe(&translation),
            None if bridge.sse.is_used() => {}
            None => bridge.listen(view),
        }
    }

    /// Notes the id of a session that is not open yet: the server may ask the client something before it opens it.
    fn begin(&self, id: &str) {
        let mut state = self.lock();
        if state.view.generation == 0 {
            state.view = Arc::new(View {
                has_id: true,
                headers: vec![("Mcp-Session-Id".to_owned(), id.to_owned())],
                generation: 0,
            });
        }
    }

    /// Notes the session that an answer to `initialize` opens.
    fn open(&self, answer: &RpcMessage, id: Option<&str>) {
        let result: Option<InitializeResult> = answer.parse().filter(|_| !answer.is_error);
        let Some(result) = result else { return };
        // What cannot be a header, the client will refuse as well.
        let version = Some(result.protocol_version).filter(|version| mcp::is_header_value(version));
        let version = version.map(|version| ("MCP-Protocol-Version".to_owned(), version));
        let id = id.map(|id| ("Mcp-Session-Id".to_owned(), id.to_owned()));
        let mut state = self.lock();
        state.view = Arc::new(View {
            has_id: id.is_some(),
            headers: version.into_iter().chain(id).collect(),
            generation: state.view.generation + 1,
        });
    }
}

impl Bridge {
    /// Opens the session for the client; speaks for it if the server knows only the wire without a session.
    pub fn initialize(self: &Arc<Self>, message: &RpcMessage, abort: &Abort) -> Result<(), Error> {
        let done = self.initialize_on_some_wire(message, abort);
        self.session.lock().is_opening = false;
        self.session.changed.notify_all();
        // The stream may end much later.
        if let Some(answer) = done? {
            answer.finish();
        }
        Ok(())
    }

    fn initialize_on_some_wire(
        self: &Arc<Self>,
        message: &RpcMessage,
        abort: &Abort,
    ) -> Result<Option<ServerAnswer>, Error> {
        let opened = self.open_session(message, abort);
        let translated = match &opened {
            Ok(Ok(answer)) if answer.message.is_error => self.translate(message, abort),
            Ok(Err(refused)) if refused.is_of_another_wire() => self.translate(message, abort),
            _ => Ok(None),
        };
        let is_open = matches!(&opened, Ok(Ok(answer)) if !answer.message.is_error);
        let mut state = self.session.lock();
        state.initialize = is_open.then(|| message.clone());
        if !is_open && state.view.generation == 0 {
            state.view = Arc::default();
        }
        drop(state);
        match (translated?, opened?) {
            (Some(line), _) => self
                .pending
                .answer(message.id(), || self.output.write(&line)),
            (None, Ok(answer)) => return Ok(Some(self.deliver(message.id(), answer))),
            (None, Err(refused)) => {
                if !refused.is_of_older_transport() || !self.initialize_by_sse(message, abort)? {
                    self.refuse(message.id(), refused)?;
                }
            }
        }
        Ok(None)
    }

    /// Sends `initialize`, which belongs to no session yet.
    fn open_session(
        &self,
        message: &RpcMessage,
        abort: &Abort,
    ) -> Result<Result<ServerAnswer, RefusedMessage>, Error> {
        let response = self.post(message, &View::default(), abort)?;
        if !(200..300).contains(&response.status) {
            return Ok(Err(RefusedMessage::read(response, abort)));
        }
        let id = response.header("mcp-session-id").map(str::to_owned);
        id.iter().for_each(|id| self.session.begin(id));
        match self.read(response, &mut Reading::of(message, abort))? {
            Ended::Answered(answer) => {
                self.session.open(&answer.message, id.as_deref());
                Ok(Ok(answer))
            }
            Ended::Cut => Err(self.cut(message)),
        }
    }

    /// Sends a request in the session, and answers it.
    pub fn call(self: &Arc<Self>, message: &RpcMessage, abort: &Abort) -> Result<(), Error> {
        let mut view = self.session.view();
        let mut response = self.post(message, &view, abort)?;
        if !(200..300).contains(&response.status) {
            let refusal = RefusedMessage::read(response, abort);
            if !view.is_lost(&refusal) {
                return self.refuse(message.id(), refusal);
            }
            self.renew(&view)?;
            view = self.session.view();
            response = self.post(message, &view, abort)?;
            if !(200..300).contains(&response.status) {
                return self.refuse(message.id(), RefusedMessage::read(response, abort));
            }
        }
        let mut reading = Reading::of(message, abort);
        let answer = match self.read(response, &mut reading)? {
            Ended::Answered(answer) => answer,
            Ended::Cut => self.resume(message, &view, &mut reading, abort)?,
        };
        self.reply(message.id(), answer);
        Ok(())
    }

    /// Sends a notification or a response in the session.
    pub fn send_in_session(self: &Arc<Self>, message: &RpcMessage) -> Result<(), Error> {
        let (view, abort) = (self.session.view(), Abort::default());
        let mut response = self.post(message, &view, &abort)?;
        if !(200..300).contains(&response.status) {
            let refusal = RefusedMessage::read(response, &abort);
            if !view.is_lost(&refusal) {
                return Err(self.refused(refusal.status, ""));
            }
            self.renew(&view)?;
            response = self.post(message, &self.session.view(), &abort)?;
        }
        if response.is("text/event-stream") {
            self.read_aside(response.into_stream());
        }
        Ok(())
    }

    fn post(&self, message: &RpcMessage, view: &View, abort: &Abort) -> Result<Response, Error> {
        let headers = view.headers();
        self.upstream.send(&Outgoing {
            method: "POST",
            url: None,
            headers: &headers,
            body: Some(&message.text),
            abort,
            limit: match message.kind {
                Kind::Request => ANSWER_LIMIT,
                _ => QUIET_LIMIT,
            },
        })
    }

    fn get(&self, view: &View, last_id: Option<&str>, abort: &Abort) -> Result<Response, Error> {
        let headers = view.stream_headers(last_id);
        self.upstream.send(&Outgoing {
            method: "GET",
            url: None,
            headers: &headers,
            body: None,
            abort,
            limit: ANSWER_LIMIT,
        })
    }

    /// Answers a request, and lets the stream of the answer end.
    pub fn reply(&self, id: &str, answer: ServerAnswer) {
        self.deliver(id, answer).finish();
    }

    /// Answers a request, and returns what is left of the answer.
    fn deliver(&self, id: &str, mut answer: ServerAnswer) -> ServerAnswer {
        let message = std::mem::replace(&mut answer.message, RpcMessage::none());
        self.answer(id, message);
        answer.held = Held::default();
        answer
    }

    /// Says that a stream ended before the answer.
    pub fn cut(&self, message: &RpcMessage) -> Error {
        let what = format!(
            "ended its stream before the answer to {}, which may have been executed",
            crate::oauth::text::printable(&message.method)
        );
        self.upstream.fault(&what, ServerFault::Passing)
    }

    /// Opens the session again that the server has lost, unless another thread has done so.
    ///
    /// Spec: MCP 2025-11-25, Transports, Session Management.
    fn renew(self: &Arc<Self>, lost: &View) -> Result<(), Error> {
        let _one_at_a_time = self
            .session
            .renewal
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let state = self.session.lock();
        if state.view.generation != lost.generation {
            return Ok(());
        }
        let (initialize, initialized) = (state.initialize.clone(), state.initialized.clone());
        drop(state);
        let Some(initialize) = initialize else {
            return Err(self
                .upstream
                .fault("does not know its session any more", ServerFault::Passing));
        };
        log::info!(
            "{} has lost the session; opening another one",
            self.upstream.server
        );
        let abort = Abort::default();
        match self.open_session(&initialize, &abort)? {
            Ok(answer) if !answer.message.is_error => {}
            Ok(_) => {
                return Err(self
                    .upstream
                    .fault("opens no session any more", ServerFault::Passing))
            }
            Err(refusal) => return Err(self.refused(refusal.status, "")),
        }
        let view = self.session.view();
        if let Some(initialized) = initialized {
            self.post(&initialized, &view, &abort)?;
            self.listen(view);
        }
        Ok(())
    }

    /// Asks for the rest of a stream that was cut before its answer, as long as the server lets it be resumed.
    ///
    /// Spec: MCP 2025-11-25, Transports, Resumability and Redelivery.
    fn resume(
        &self,
        message: &RpcMessage,
        view: &View,
        reading: &mut Reading,
        abort: &Abort,
    ) -> Result<ServerAnswer, Error> {
        let mut given_up_at = Instant::now() + RESUME_LIMIT;
        while let Some(last_id) = reading.parser.last_id.clone() {
            reading.forget_unfinished();
            let pause = reading.parser.retry.unwrap_or(FIRST_PAUSE);
            if pause > MAX_PAUSE {
                break;
            }
            thread::sleep(pause.max(MIN_PAUSE));
            if !self.pending.is_open(message.id()) {
                break;
            }
            match self.get(view, Some(&last_id), abort) {
                Ok(response) if response.status == 200 => {
                    if let Ended::Answered(answer) = self.read(response, reading)? {
                        return Ok(answer);
                    }
                    if reading.parser.last_id.as_ref() != Some(&last_id) {
                        given_up_at = Instant::now() + RESUME_LIMIT;
                    }
                }
                Ok(response) if response.status < 500 => break,
                Ok(_) | Err(_) => {}
            }
            if Instant::now() > given_up_at {
                break;
            }
        }
        Err(self.cut(message))
    }

    /// Opens the stream of what the server sends by itself, in a thread of its own.
    fn listen(self: &Arc<Self>, view: Arc<View>) {
        let (bridge, abort) = (Arc::clone(self), Abort::default());
        if let Some(earlier) = self.session.lock().stream.replace(abort.clone()) {
            earlier.abort();
        }
        // Without a thread, only what the server sends by itself is missing.
        let _ = thread::Builder::new().spawn(move || bridge.keep_listening(&view, &abort));
    }

    /// Reads the stream for as long as the session lives, and opens it again when it ends. A server that has none says so.
    fn keep_listening(self: &Arc<Self>, view: &View, abort: &Abort) {
        let mut reading = Reading::of_others(abort);
        let (mut pause, mut has_worked) = (FIRST_PAUSE, false);
        while !abort.is_aborted() {
            let last_id = reading.parser.last_id.clone();
            match self.get(view, last_id.as_deref(), abort) {
                Ok(response) if response.status == 200 && response.is("text/event-stream") => {
                    (pause, has_worked) = (FIRST_PAUSE, true);
                    let _ = self.read_events(&mut response.into_stream(), &mut reading);
                    reading.forget_unfinished();
                }
                Ok(response) if response.status == 404 && view.has_id && has_worked => {
                    if self.renew(view).is_ok() {
                        return;
                    }
                }
                Ok(response) if matches!(response.status, 429 | 500..) => {}
                Ok(_) => return,
                Err(err) => log::info!("no stream of the server: {err}"),
            }
            thread::sleep(reading.parser.retry.unwrap_or(pause).max(MIN_PAUSE));
            pause = MAX_PAUSE.min(pause * 2);
        }
    }

    /// Tells the server that the session is not needed any more.
    pub fn end_session(&self) {
        let view = self.session.view();
        if view.has_id {
            let abort = Abort::default();
            let _ = self.upstream.send(&Outgoing {
                method: "DELETE",
                url: None,
                headers: &view.headers,
                body: None,
                abort: &abort,
                limit: QUIET_LIMIT,
            });
        }
    }
}
