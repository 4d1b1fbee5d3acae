//! The stdio bridge: the client speaks MCP over stdin and stdout, the server over HTTP, and the token is that of the login.
//!
//! The main thread reads lines (`stdio`) and sees what each of them is (`message`). A thread for each request (`workers`)
//! sends it with a live token (`token`, `upstream`) in the form that the server speaks, and writes the answer (`pending`: each
//! request gets exactly one, with the id that the client wrote). `exchange` reads responses, JSON or events (`sse`);
//! `memory` bounds what all of them hold together.
//!
//! `session` speaks the wire of 2025-11-25 and before: `initialize`, a session, a stream for what the server sends by itself.
//! `stateless` speaks that of 2026-07-28: headers for each request (`tools` knows those of parameters), no session. A message
//! shows which one the client speaks; where the server knows only the newer one, `translate` speaks for an older client.
//! `streams` are for what the server sends by itself. `sse_transport` is for servers of 2024-11-05. `login` is the one login that the user may allow.

mod cookies;
mod exchange;
mod json;
mod login;
mod message;
mod pending;
mod replies;
mod session;
mod sse_transport;
mod stateless;
mod stdio;
mod streams;
mod token;
mod tools;
mod translate;
mod upstream;
mod workers;

use std::string::FromUtf8Error;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use url::Url;

use crate::context::Context;
use crate::error::{Error, ErrorReport};
use crate::failure::LoginCommand;
use crate::http::Abort;
use crate::os::memory;
use crate::os::sync::lock;
use crate::store::StoredId;
pub use cookies::Cookies;
use login::AllowedLogin;
use message::{Kind, RpcMessage, NULL};
use pending::Pending;
use session::{LastFailure, Session};
use sse_transport::SseTransport;
use stdio::{Arrival, LineInput, LineOutput};
use tools::MirroredTools;
use translate::Translation;
use upstream::Upstream;
use workers::{JobKind, RequestWorkers};

/// How long requests under way may go on when the client has closed our stdin.
const LAST_ANSWERS: Duration = Duration::from_millis(500);

/// How long the end of the session may take.
const END_LIMIT: Duration = Duration::from_secs(1);

/// The notification by which a client gives up a request.
const CANCELLED: &str = "notifications/cancelled";

/// The person behind the client.
pub trait Person: Send + Sync {
    /// Says what is wrong, and returns it as the client is told it: one sentence with what to do, and the hint alone.
    fn tell(&self, report: &ErrorReport) -> (String, Option<String>);

    /// Tells whether the person allows a login.
    fn may_log_in(&self) -> bool;

    /// Lets the person log in, and waits until that is done.
    ///
    /// # Errors
    ///
    /// The error of the login.
    fn log_in(&self, command: &LoginCommand) -> Result<(), Error>;
}

/// Bridges until the client ends it. The login is that of `key`; there need not be one yet.
///
/// # Errors
///
/// [`Error::Unexpected`] if the system lacks what every run needs.
pub fn run(
    server: Url,
    key: StoredId,
    context: &Arc<Context>,
    person: Box<dyn Person>,
) -> Result<(), Error> {
    let failed = || Error::unexpected("cannot use stdin and stdout");
    let (mut input, waker) = LineInput::new().map_err(failed())?;
    let workers = RequestWorkers::new(Arc::clone(&waker));
    let bridge = Arc::new(Bridge {
        upstream: Upstream::new(server, key, context),
        output: LineOutput::new(Arc::clone(&waker)).map_err(failed())?,
        pending: Pending::default(),
        session: Session::default(),
        client_version: Mutex::default(),
        translation: Mutex::default(),
        sse: Mutex::default(),
        sse_opening: Mutex::default(),
        login: AllowedLogin::default(),
        tools: Mutex::default(),
        workers,
        person,
    });
    loop {
        match input.next(&waker, || bridge.workers.has_room()) {
            Arrival::Line(line) => bridge.take(line),
            Arrival::TooLong => {
                let what = "the client sent a message that is too long";
                bridge.decline(NULL, replies::INVALID_REQUEST, what);
            }
            Arrival::InputEnded => {
                bridge.pending.wait(LAST_ANSWERS);
                break;
            }
            Arrival::Ended => break,
        }
    }
    bridge.close();
    Ok(())
}

/// What the threads share.
struct Bridge {
    upstream: Upstream,
    output: LineOutput,
    pending: Pending,
    session: Session,
    /// How the client speaks.
    client_version: Mutex<ClientVersion>,
    /// What speaks for a client with a session before a server without one.
    translation: Mutex<Option<Arc<Translation>>>,
    /// What a server of 2024-11-05 has instead of all this.
    sse: Mutex<SseTransport>,
    /// Held while a stream of such a server that was cut is opened again.
    sse_opening: Mutex<LastFailure>,
    login: AllowedLogin,
    /// The parameters that are mirrored into headers.
    tools: Mutex<MirroredTools>,
    workers: Arc<RequestWorkers>,
    person: Box<dyn Person>,
}

/// How the client speaks: the first messages show it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum ClientVersion {
    /// Nothing has shown it yet.
    #[default]
    Unknown,
    /// It has opened a session.
    Session,
    /// Its requests name this version.
    Stateless(String),
}

impl Bridge {
    /// Takes a line of the client.
    fn take(self: &Arc<Self>, line: Vec<u8>) {
        let lossy = |err: FromUtf8Error| String::from_utf8_lossy(err.as_bytes()).into_owned();
        let messages = match String::from_utf8(line) {
            Ok(text) => message::read(text),
            Err(err) => vec![Err(lossy(err))],
        };
        let what = "the client sent a line that is no JSON-RPC message";
        let mut unnamed = None;
        for message in messages {
            let text = match message {
                Ok(message) => {
                    self.take_message(message);
                    continue;
                }
                Err(text) => text,
            };
            let code = match json::is_valid(&text) {
                true => replies::INVALID_REQUEST,
                false => replies::PARSE_ERROR,
            };
            match message::meant_id(&text).filter(|id| !self.pending.is_open(id)) {
                Some(id) => self.decline(id, code, what),
                None => unnamed = Some(code),
            }
        }
        // However many they are: nobody could tell which answer is whose.
        unnamed
            .into_iter()
            .for_each(|code| self.decline(NULL, code, what));
    }

    fn take_message(self: &Arc<Self>, message: RpcMessage) {
        let (bridge, bytes) = (Arc::clone(self), message.text.len());
        match message.kind {
            Kind::Request => {
                let version = self.version(&message);
                let abort = self.pending.begin(message.id(), version.is_some());
                if abort.is_some() {
                    self.session.expect(&message);
                }
                self.workers
                    .submit(JobKind::Request, bytes, move || match abort {
                        Some(abort) => bridge.request(&message, version, &abort),
                        None => {
                            let error =
                                "there is a request with this id already; wait for its answer";
                            bridge.output.write(&replies::error(
                                message.id(),
                                replies::INVALID_REQUEST,
                                error,
                            ));
                        }
                    });
            }
            Kind::Notification if message.method == CANCELLED => {
                self.workers
                    .submit(JobKind::Brief, bytes, move || bridge.cancel(&message));
            }
            Kind::Notification => {
                self.session.expect(&message);
                self.workers
                    .submit(JobKind::Ordered, bytes, move || bridge.notify(&message));
            }
            Kind::Response => match self.translation() {
                Some(translation) => translation.take_response(message),
                None => self
                    .workers
                    .submit(JobKind::Brief, bytes, move || bridge.send_quietly(&message)),
            },
        }
    }

    /// Returns the version that a request names; a client with a session names none.
    fn version(&self, message: &RpcMessage) -> Option<String> {
        let mut client = lock(&self.client_version);
        if message.method == "initialize" {
            *client = ClientVersion::Session;
        }
        if *client == ClientVersion::Session {
            return None;
        }
        let version = stateless::version(message)?;
        *client = ClientVersion::Stateless(version.clone());
        Some(version)
    }

    /// Sends a request, and answers it whatever comes.
    fn request(self: &Arc<Self>, message: &RpcMessage, version: Option<String>, abort: &Abort) {
        let (began, version) = (Instant::now(), version.as_deref());
        let send = || self.send_request(message, version, abort);
        let done = send().or_else(|err| self.log_in(began, err).and_then(|()| send()));
        if let Err(err) = done {
            self.fail(message.id(), &err);
        }
    }

    fn send_request(
        self: &Arc<Self>,
        message: &RpcMessage,
        version: Option<&str>,
        abort: &Abort,
    ) -> Result<(), Error> {
        match (version, message.method.as_str()) {
            (Some(version), _) => return self.call_stateless(message, version, abort),
            (None, "initialize") => return self.initialize(message, abort),
            (None, _) => self.session.wait(message),
        }
        match self.translation() {
            Some(translation) => self.call_translated(&translation, message, abort),
            None if lock(&self.sse).is_used => self.send_by_sse(message, abort),
            None => self.call(message, abort),
        }
    }

    /// Answers what cannot be read and so may have been a request, and tells the person too: to an answer without an id, few
    /// clients listen. A worker does it: stdout and stderr may be full.
    ///
    /// Spec: JSON-RPC 2.0 section 5.
    fn decline(self: &Arc<Self>, id: &str, code: i64, what: &'static str) {
        let (bridge, id) = (Arc::clone(self), id.to_owned());
        self.pending.begin_writing();
        self.workers.submit(JobKind::Brief, 0, move || {
            let error = Error::Usage {
                message: format!("{what}; it is passed over"),
                hint: None,
            };
            let (sentence, _) = bridge.person.tell(&error.report());
            let answer = replies::error(&id, code, &sentence);
            bridge.output.write(&answer);
            bridge.pending.written();
        });
    }

    /// Sends a notification.
    fn notify(self: &Arc<Self>, message: &RpcMessage) {
        self.send_quietly(message);
        self.session.confirmed(self, message);
    }

    /// Sends a message that has no answer. On the wire without sessions there are no responses of clients, and behind a
    /// translation there is nobody for them.
    fn send_quietly(self: &Arc<Self>, message: &RpcMessage) {
        let client = lock(&self.client_version).clone();
        let sent = match (client, message.kind) {
            (ClientVersion::Stateless(_), Kind::Response) => Ok(()),
            (ClientVersion::Stateless(version), _) => self.notify_stateless(message, &version),
            _ => {
                // The server may wait for a response before it opens the session.
                if message.kind != Kind::Response {
                    self.session.wait(message);
                }
                match self.translation() {
                    Some(_) => Ok(()),
                    None if lock(&self.sse).is_used => self.send_by_sse(message, &Abort::default()),
                    None => self.send_in_session(message),
                }
            }
        };
        if let Err(err) = sent {
            self.person.tell(&err.report());
        }
    }

    /// Gives up a request, as the client wants it.
    ///
    /// Spec: MCP 2025-11-25, Cancellation.
    fn cancel(self: &Arc<Self>, message: &RpcMessage) {
        let Some(id) = self.cancelled_request(message) else {
            return;
        };
        let is_stateless = self.pending.is_stateless(&id);
        // Whatever comes for it from now on would be ignored.
        self.pending.cancel(&id);
        match self.translation() {
            Some(translation) => translation.give_up(&id),
            None if is_stateless => {}
            None => self.send_quietly(message),
        }
    }

    fn cancelled_request(&self, message: &RpcMessage) -> Option<String> {
        let [wanted] = message.members(["requestId"]);
        self.pending.find(wanted?.get(), message::is_same_id)
    }

    /// Answers a request with the response of the server.
    fn answer(&self, id: &str, response: RpcMessage) {
        let line = response.text_with_id(id);
        self.answer_with(id, &line);
        memory::recycle(line);
    }

    /// Answers a request with this line.
    fn answer_with(&self, id: &str, line: &str) {
        self.pending.answer(id, || self.output.write(line));
    }

    /// Answers a request with a failure, unless it has been given up.
    fn fail(&self, id: &str, err: &Error) {
        if self.pending.is_open(id) {
            self.answer_with(id, &self.failure(id, err));
        }
    }

    /// Tells the person of a failure, and returns it as the answer to a request.
    fn failure(&self, id: &str, err: &Error) -> String {
        let report = err.report();
        let (sentence, hint) = self.person.tell(&report);
        let code = report.code.as_str();
        replies::failure(id, report.class, &sentence, code, hint.as_deref())
    }

    /// Ends the session at the server, if that is quickly done.
    fn close(self: &Arc<Self>) {
        let (sender, done) = mpsc::channel();
        let bridge = Arc::clone(self);
        let thread = thread::Builder::new().spawn(move || {
            bridge.end_session();
            let _ = sender.send(());
        });
        if thread.is_ok() {
            let _ = done.recv_timeout(END_LIMIT);
        }
    }
}
