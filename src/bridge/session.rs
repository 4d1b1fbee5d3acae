//! The wire of 2025-11-25 and before: a session that begins with `initialize`.
//!
//! A session that the server has lost is opened anew behind the client's back, once for all requests; a stream that was cut
//! is resumed; what the server sends by itself comes on a stream of its own.
//!
//! Spec: MCP 2025-11-25, Transports, Streamable HTTP; Lifecycle.

use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::exchange::{
    finish, is_passing, is_success, within, NoAnswer, Reading, RefusedMessage, ServerAnswer,
};
use super::json;
use super::message::{Kind, RpcMessage};
use super::streams::{FIRST_PAUSE, MAX_PAUSE, MIN_PAUSE};
use super::upstream::QUIET_LIMIT;
use super::Bridge;
use crate::error::{Error, ErrorReport, ServerFault};
use crate::http::{Abort, BodyStream, Response, StreamRequest};
use crate::mcp;
use crate::os::sync::{lock, wait};

/// The header of a request for a stream of events.
pub const ACCEPT_EVENTS: (&str, &str) = ("Accept", "text/event-stream");

/// The notification that completes the opening of a session.
const INITIALIZED: &str = "notifications/initialized";

/// Longest wait for the session, and for its confirmation, before a request is sent all the same.
const OPENING_LIMIT: Duration = Duration::from_secs(60);
const CONFIRMATION_LIMIT: Duration = Duration::from_secs(3);

/// Most sessions that are left and ended later.
const MAX_LEFT: usize = 16;

/// How long a session that was lost may take to open again.
const REOPENING_LIMIT: Duration = Duration::from_secs(5);

/// How long a stream that was cut is asked for again.
const RESUME_LIMIT: Duration = Duration::from_secs(7);

/// When an attempt that many threads need failed last, and why.
pub type LastFailure = Option<(Instant, ErrorReport)>;

/// The session of the bridge; there may be none yet, or the server may want none.
#[derive(Default)]
pub struct Session {
    state: Mutex<SessionState>,
    changed: Condvar,
    /// Held while a session that was lost is opened again.
    reopening: Mutex<LastFailure>,
}

#[derive(Default)]
struct SessionState {
    info: Arc<SessionInfo>,
    /// Sessions that the client has left by opening another one.
    left: Vec<Arc<SessionInfo>>,
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
pub struct SessionInfo {
    version: Option<String>,
    /// The id, if the server wants one.
    pub id: Option<String>,
    /// How often a session has been opened.
    generation: u64,
}

impl SessionInfo {
    /// Returns the headers of a message in this session.
    fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let version = self.version.as_deref();
        let version = version.map(|version| ("MCP-Protocol-Version", version));
        let id = self.id.as_deref().map(|id| ("Mcp-Session-Id", id));
        version.into_iter().chain(id)
    }

    /// Tells whether a refusal means that the server does not know the session any more.
    pub fn is_lost(&self, refusal: &RefusedMessage) -> bool {
        self.id.is_some()
            && (refusal.status == 404 || refusal.status == 400 && refusal.is_about_session())
    }
}

/// Makes an attempt, or waits for that of another thread: its failure is that of all who waited for it.
pub fn one_for_all<T>(
    last_failure: &Mutex<LastFailure>,
    attempt: impl FnOnce() -> Result<T, Error>,
) -> Result<T, Error> {
    let asked = Instant::now();
    let mut failed = lock(last_failure);
    if let Some((_, report)) = failed.as_ref().filter(|(at, _)| *at >= asked) {
        return Err(Error::Reported(report.clone()));
    }
    let done = attempt();
    *failed = done
        .as_ref()
        .err()
        .map(|err| (Instant::now(), err.report()));
    done
}

impl Session {
    /// Notes what ends the stream of the server, and returns what ends the earlier one.
    pub fn replace_stream(&self, abort: Abort) -> Option<Abort> {
        lock(&self.state).stream.replace(abort)
    }

    fn info(&self) -> Arc<SessionInfo> {
        Arc::clone(&lock(&self.state).info)
    }

    /// Notes a message on which those behind it have to wait.
    pub fn expect(&self, message: &RpcMessage) {
        match (message.kind, message.method.as_str()) {
            (Kind::Request, "initialize") => lock(&self.state).is_opening = true,
            (Kind::Notification, INITIALIZED) => lock(&self.state).is_confirming = true,
            _ => {}
        }
    }

    /// Waits until what was expected before a message is done.
    pub fn wait(&self, message: &RpcMessage) {
        let (began, is_initialized) = (Instant::now(), message.method == INITIALIZED);
        let mut state = lock(&self.state);
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
            state = wait(&self.changed, state, left);
        }
    }

    /// Notes that a notification was sent; after that of the opening, the stream of the server can be opened.
    pub fn confirmed(&self, bridge: &Arc<Bridge>, message: &RpcMessage) {
        if message.method != INITIALIZED {
            return;
        }
        let mut state = lock(&self.state);
        state.is_confirming = false;
        state.initialized = Some(message.clone());
        let info = Arc::clone(&state.info);
        drop(state);
        self.changed.notify_all();
        match bridge.translation() {
            Some(translation) => bridge.subscribe(&translation),
            None if lock(&bridge.sse).is_used => {}
            None => bridge.listen(info),
        }
    }

    /// Notes the id of a session that is not open yet: the server may ask the client something before it opens it.
    fn begin(&self, id: &str) {
        let mut state = lock(&self.state);
        if state.info.generation == 0 {
            state.info = Arc::new(SessionInfo {
                id: Some(id.to_owned()),
                ..SessionInfo::default()
            });
        }
    }

    /// Notes the session that an answer to `initialize` opens.
    fn open(&self, answer: &RpcMessage, id: Option<String>) {
        let [version] = answer.members(["protocolVersion"]);
        let Some(version) = json::string(version).filter(|_| !answer.is_error) else {
            return;
        };
        // What cannot be a header, the client will refuse as well.
        let version = Some(version).filter(|version| mcp::is_header_value(version));
        let mut state = lock(&self.state);
        state.info = Arc::new(SessionInfo {
            version,
            id,
            generation: state.info.generation + 1,
        });
    }
}

impl Bridge {
    /// Opens the session for the client; speaks for it if the server knows only the wire without a session.
    pub fn initialize(self: &Arc<Self>, message: &RpcMessage, abort: &Abort) -> Result<(), Error> {
        let done = self.initialize_on_some_wire(message, abort);
        lock(&self.session.state).is_opening = false;
        self.session.changed.notify_all();
        // The stream may end much later.
        finish(done?);
        Ok(())
    }

    fn initialize_on_some_wire(
        self: &Arc<Self>,
        message: &RpcMessage,
        abort: &Abort,
    ) -> Result<Option<Box<BodyStream>>, Error> {
        let earlier = self.session.info();
        let opened = self.open_session(message, abort);
        let (is_open, may_be_newer) = match &opened {
            Ok(answer) => (!answer.message.is_error, answer.message.is_error),
            Err(NoAnswer::Refused(refusal)) => (false, refusal.is_of_another_wire()),
            Err(NoAnswer::Failed(_)) => (false, false),
        };
        let translated = match may_be_newer {
            true => self.translate(message, abort),
            false => Ok(None),
        };
        let mut state = lock(&self.session.state);
        state.initialize = is_open.then(|| message.clone());
        if is_open && earlier.id.is_some() && state.left.len() < MAX_LEFT {
            state.left.push(earlier);
        }
        if !is_open && state.info.generation == 0 {
            state.info = Arc::default();
        }
        drop(state);
        if let Some(line) = translated? {
            self.answer_with(message.id(), &line);
            return Ok(None);
        }
        match opened {
            Ok(answer) => return Ok(self.deliver(message.id(), answer)),
            Err(NoAnswer::Refused(refusal))
                if refusal.is_of_older_transport() && self.initialize_by_sse(message, abort)? => {}
            Err(why) => self.refuse(message.id(), why)?,
        }
        Ok(None)
    }

    /// Sends `initialize`, which belongs to no session yet.
    fn open_session(&self, message: &RpcMessage, abort: &Abort) -> Result<ServerAnswer, NoAnswer> {
        let response = self.post(message, &SessionInfo::default(), abort)?;
        let mut id = response.header("mcp-session-id").map(str::to_owned);
        match is_success(&response) {
            true => id.iter().for_each(|id| self.session.begin(id)),
            false => id = None,
        }
        let answer = self.read(response, &mut Reading::of(Some(message), abort))?;
        let answer = answer.ok_or_else(|| self.cut(message))?;
        self.session.open(&answer.message, id);
        Ok(answer)
    }

    /// Sends a request in the session, and answers it.
    pub fn call(self: &Arc<Self>, message: &RpcMessage, abort: &Abort) -> Result<(), Error> {
        let mut reading = Reading::of(Some(message), abort);
        let answer =
            self.post_in_session(message, abort)
                .and_then(
                    |(session, response)| match self.read(response, &mut reading)? {
                        Some(answer) => Ok(answer),
                        None => self.resume(message, &session, &mut reading, abort),
                    },
                );
        match answer {
            Ok(answer) => self.reply(message.id(), answer),
            Err(why) => return self.refuse(message.id(), why),
        }
        Ok(())
    }

    /// Sends a notification or a response in the session.
    pub fn send_in_session(self: &Arc<Self>, message: &RpcMessage) -> Result<(), Error> {
        match self.post_in_session(message, &Abort::default()) {
            Ok((_, response)) if response.is("text/event-stream") => {
                self.read_in_background(response.into_stream());
            }
            Ok(_) => {}
            Err(why) => return Err(self.not_sent(why)),
        }
        Ok(())
    }

    /// Sends a message in the session, and once more in another one if the server has lost it. Returns the session and the
    /// response of a server that takes the message.
    fn post_in_session(
        self: &Arc<Self>,
        message: &RpcMessage,
        abort: &Abort,
    ) -> Result<(Arc<SessionInfo>, Response), NoAnswer> {
        let mut session = self.session.info();
        let mut response = self.post(message, &session, abort)?;
        if !is_success(&response) {
            let refusal = RefusedMessage::read(response, abort);
            if !session.is_lost(&refusal) {
                return Err(NoAnswer::Refused(Box::new(refusal)));
            }
            session = self.reopen_session(&session)?;
            response = self.post(message, &session, abort)?;
        }
        match is_success(&response) {
            true => Ok((session, response)),
            false => Err(NoAnswer::refused(response, abort)),
        }
    }

    fn post(
        &self,
        message: &RpcMessage,
        session: &SessionInfo,
        abort: &Abort,
    ) -> Result<Response, Error> {
        let request = self.upstream.post(message, session.headers(), abort);
        self.upstream.send(&request)
    }

    /// Asks for a stream of events, from behind the event with this id.
    pub fn get_stream(
        &self,
        session: &SessionInfo,
        last_id: Option<&str>,
        abort: &Abort,
    ) -> Result<Response, Error> {
        let last_id = last_id.map(|id| ("Last-Event-ID", id));
        let headers = [ACCEPT_EVENTS].into_iter().chain(last_id);
        let request = self.upstream.get(headers.chain(session.headers()), abort);
        self.upstream.send(&request)
    }

    /// Says that a stream ended before the answer.
    pub fn cut(&self, message: &RpcMessage) -> Error {
        let what = format!(
            "ended its stream before the answer to {}, which may have been executed",
            crate::oauth::text::printable(&message.method)
        );
        self.upstream.fault(&what, ServerFault::Passing)
    }

    /// Opens the session again that the server has lost, unless another thread has done so, and returns it.
    ///
    /// Spec: MCP 2025-11-25, Transports, Session Management.
    pub fn reopen_session(self: &Arc<Self>, lost: &SessionInfo) -> Result<Arc<SessionInfo>, Error> {
        one_for_all(&self.session.reopening, || {
            let state = lock(&self.session.state);
            if state.info.generation != lost.generation {
                return Ok(Arc::clone(&state.info));
            }
            let (initialize, initialized) = (state.initialize.clone(), state.initialized.clone());
            drop(state);
            let passing = |what| self.upstream.fault(what, ServerFault::Passing);
            let initialize =
                initialize.ok_or_else(|| passing("does not know its session any more"))?;
            log::info!(
                "{} has lost the session; opening another one",
                self.upstream.server
            );
            let (abort, late) = (Abort::default(), Abort::default());
            let give_up = late.clone();
            let opened = within(
                REOPENING_LIMIT,
                move || give_up.abort(),
                || self.open_session(&initialize, &late),
            );
            match opened {
                Some(Ok(answer)) if !answer.message.is_error => {}
                Some(Err(why)) if !late.is_aborted() => return Err(self.not_sent(why)),
                _ => return Err(passing("opens no session any more")),
            }
            let session = self.session.info();
            if let Some(initialized) = initialized {
                self.post(&initialized, &session, &abort)?;
                self.listen(Arc::clone(&session));
            }
            Ok(session)
        })
    }

    /// Asks for the rest of a stream that was cut before its answer, as long as the server lets it be resumed.
    ///
    /// Spec: MCP 2025-11-25, Transports, Resumability and Redelivery.
    fn resume(
        &self,
        message: &RpcMessage,
        session: &SessionInfo,
        reading: &mut Reading,
        abort: &Abort,
    ) -> Result<ServerAnswer, NoAnswer> {
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
            match self.get_stream(session, Some(&last_id), abort) {
                Ok(response) if response.status == 200 => {
                    if let Some(answer) = self.read(response, reading)? {
                        return Ok(answer);
                    }
                    if reading.parser.last_id.as_ref() != Some(&last_id) {
                        given_up_at = Instant::now() + RESUME_LIMIT;
                    }
                }
                Ok(response) if !is_passing(response.status) => break,
                Ok(_) | Err(_) => {}
            }
            if Instant::now() > given_up_at {
                break;
            }
        }
        Err(self.cut(message).into())
    }

    /// Tells the server that its sessions are not needed any more.
    pub fn end_session(&self) {
        let (session, abort) = (self.session.info(), Abort::default());
        let left = std::mem::take(&mut lock(&self.session.state).left);
        let sessions = [session].into_iter().chain(left);
        for session in sessions.filter(|it| it.id.is_some()) {
            let _ = self.upstream.send(&StreamRequest {
                method: "DELETE",
                until_head: QUIET_LIMIT,
                ..self.upstream.get(session.headers(), &abort)
            });
        }
    }
}
