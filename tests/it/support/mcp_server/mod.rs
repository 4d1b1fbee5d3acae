//! A fake MCP server with its authorization server, on both wires: 2025-11-25 with sessions, streams and requests of its own,
//! and 2026-07-28 without state. It counts what a client does against the rules.
//!
//! By itself it behaves well. A test gives only its deviation: a function that may answer a message in another way.

mod behaviour;
mod rules;
mod stream;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Instant;

use serde_json::Value;

use super::fake::{Fake, Gate, Reply, Seen};
use super::rotating::Rotating;
use super::PATIENCE;

/// The revision without state.
pub const MODERN: &str = "2026-07-28";

/// The newest revision with sessions.
pub const LEGACY: &str = "2025-11-25";

/// Where a modern message names its revision.
pub const VERSION_KEY: &str = "io.modelcontextprotocol/protocolVersion";

/// Where a modern message names what its client can do.
pub const CAPABILITIES_KEY: &str = "io.modelcontextprotocol/clientCapabilities";

/// Which revisions the server speaks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wire {
    /// Only those that begin with `initialize`.
    Legacy,
    /// Only the one without state.
    Modern,
    /// All of them.
    Both,
}

/// How the server behaves by itself.
#[derive(Clone, Debug)]
pub struct Settings {
    pub wire: Wire,
    /// It gives session ids.
    pub has_sessions: bool,
    /// It has a stream for GET.
    pub has_get: bool,
    /// The revision that it answers an `initialize` with.
    pub answers_version: &'static str,
}

impl Settings {
    /// Returns the usual behaviour on this wire.
    pub fn on(wire: Wire) -> Self {
        Self {
            wire,
            has_sessions: true,
            has_get: true,
            answers_version: LEGACY,
        }
    }
}

/// A request to the MCP endpoint that came with a good token.
#[derive(Clone, Debug)]
pub struct Message {
    /// The request; its body is in [`Message::json`] only if it is long.
    pub seen: Seen,
    /// The message of a POST; null for another method of HTTP.
    pub json: Value,
    /// When it came.
    pub at: Instant,
}

impl Message {
    /// Returns the method of the message; of a response the empty text; of another request the method of HTTP.
    pub fn method(&self) -> &str {
        if self.seen.method == "POST" {
            self.json["method"].as_str().unwrap_or_default()
        } else {
            &self.seen.method
        }
    }

    /// Returns the name of the tool that is called.
    pub fn tool(&self) -> &str {
        let is_call = self.method() == "tools/call";
        let name = self.json["params"]["name"].as_str();
        name.filter(|_| is_call).unwrap_or_default()
    }

    /// Returns a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.seen.header(name)
    }

    /// Returns the response with this result.
    pub fn result(&self, result: Value) -> Value {
        serde_json::json!({"jsonrpc": "2.0", "id": self.json["id"], "result": result})
    }

    /// Returns the response of a tool that says this.
    pub fn says(&self, text: &str) -> Value {
        self.result(serde_json::json!({"content": [{"type": "text", "text": text}]}))
    }
}

type Deviation = dyn Fn(&Message, &Arc<State>) -> Option<Reply> + Send + Sync;

/// Returns the number of an access token.
fn token(seen: &Seen) -> Option<u64> {
    let value = seen.header("authorization")?;
    value.strip_prefix("Bearer access-")?.parse().ok()
}

/// What the server knows and has seen.
pub struct State {
    pub settings: Settings,
    log: Mutex<Log>,
    changed: Condvar,
}

#[derive(Default)]
struct Log {
    /// Counts the changes, for those who wait.
    changes: u64,
    messages: Vec<Message>,
    broken: Vec<String>,
    /// Every session that was ever opened, with its revision.
    versions: BTreeMap<String, String>,
    /// The sessions that are alive.
    sessions: BTreeSet<String>,
    /// The streams of GET.
    streams: Vec<Sender<stream::Push>>,
    /// Access tokens up to this number are refused.
    refused: u64,
    refuses_all: bool,
    unauthorized: usize,
    /// What a script has noted.
    notes: Vec<String>,
}

impl State {
    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().expect("the log")
    }

    /// Changes something, and wakes those who wait.
    fn change<T>(&self, change: impl FnOnce(&mut Log) -> T) -> T {
        let mut log = self.log();
        log.changes += 1;
        let result = change(&mut log);
        drop(log);
        self.changed.notify_all();
        result
    }

    /// Notes something that a test waits for.
    pub fn note(&self, text: &str) {
        self.change(|log| log.notes.push(text.to_owned()));
    }

    /// Tells whether the token of a message is good by now.
    pub fn is_live(&self, message: &Message) -> bool {
        let log = self.log();
        !log.refuses_all && token(&message.seen).is_some_and(|number| number > log.refused)
    }

    /// Returns the messages so far that call a tool.
    pub fn calls(&self, tool: &str) -> Vec<Message> {
        let mut calls = self.messages();
        calls.retain(|message| message.tool() == tool);
        calls
    }

    /// Returns the messages so far of a method.
    pub fn all(&self, method: &str) -> Vec<Message> {
        let mut all = self.messages();
        all.retain(|message| message.method() == method);
        all
    }

    /// Returns how often something was noted.
    pub fn noted(&self, text: &str) -> usize {
        self.log().notes.iter().filter(|note| *note == text).count()
    }

    /// Returns all messages so far.
    pub fn messages(&self) -> Vec<Message> {
        self.log().messages.clone()
    }

    /// Returns how many messages of a method there were so far.
    pub fn count(&self, method: &str) -> usize {
        let log = self.log();
        let all = log.messages.iter();
        all.filter(|message| message.method() == method).count()
    }

    /// Waits until something is true of the server.
    ///
    /// # Panics
    ///
    /// After [`PATIENCE`], with what was waited for and what has come.
    pub fn wait_until(&self, what: &str, is_true: impl Fn(&State) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let before = self.log().changes;
            if is_true(self) {
                return;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "still waiting for {what}: {}", self.told());
            let waited = self
                .changed
                .wait_timeout_while(self.log(), left, |log| log.changes == before);
            drop(waited);
        }
    }

    /// Waits for the client's response to a request of the server.
    pub fn response(&self, id: &Value) -> Value {
        let find = |state: &State| {
            let log = state.log();
            let mut all = log.messages.iter();
            let found = all.find(|it| {
                it.json["id"] == *id && it.json["method"].is_null() && it.seen.method == "POST"
            });
            found.map(|it| it.json.clone())
        };
        self.wait_until(&format!("a response to {id}"), |state| {
            find(state).is_some()
        });
        find(self).expect("a response")
    }

    fn told(&self) -> String {
        let log = self.log();
        let names: Vec<_> = log.messages.iter().map(Message::method).collect();
        format!("{names:?}, noted {:?}, broken {:?}", log.notes, log.broken)
    }
}

/// The servers. They stop with the test process.
#[derive(Clone)]
pub struct McpServer {
    pub login: Rotating,
    pub state: Arc<State>,
}

impl std::ops::Deref for McpServer {
    type Target = State;

    fn deref(&self) -> &State {
        &self.state
    }
}

impl McpServer {
    /// Starts servers that behave well.
    pub fn start(wire: Wire) -> Self {
        Self::with(Settings::on(wire), |_, _| None)
    }

    /// Starts servers that answer some messages in another way: those for which `deviation` gives a reply.
    pub fn with(
        settings: Settings,
        deviation: impl Fn(&Message, &Arc<State>) -> Option<Reply> + Send + Sync + 'static,
    ) -> Self {
        Self::beside(settings, |_, _| None, deviation)
    }

    /// Starts servers that answer a tool in another way.
    pub fn tool(
        wire: Wire,
        name: &'static str,
        answer: impl Fn(&Message, &Arc<State>) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::with(Settings::on(wire), move |message, state| {
            (message.tool() == name).then(|| answer(message, state))
        })
    }

    /// Starts servers that answer a tool when the gate is opened.
    pub fn behind_a_gate(wire: Wire, name: &'static str) -> (Self, Gate) {
        let gate = Gate::default();
        let held = gate.clone();
        let server = Self::tool(wire, name, move |message, state| {
            state.note("held");
            held.pass();
            Reply::json(200, &message.says("at last"))
        });
        (server, gate)
    }

    /// Starts servers that may answer a refresh in another way too.
    pub fn beside(
        settings: Settings,
        refresh: impl Fn(&Seen, usize) -> Option<Reply> + Send + Sync + 'static,
        deviation: impl Fn(&Message, &Arc<State>) -> Option<Reply> + Send + Sync + 'static,
    ) -> Self {
        let state = Arc::new(State {
            settings,
            log: Mutex::default(),
            changed: Condvar::new(),
        });
        let (shared, deviation): (_, Box<Deviation>) = (Arc::clone(&state), Box::new(deviation));
        let login = Rotating::beside(refresh, move |seen, fake| {
            (seen.path == "/mcp").then(|| State::serve(&shared, seen, fake, &*deviation))
        });
        Self { login, state }
    }

    /// Returns the fake of the authorization server.
    pub fn fake(&self) -> &Fake {
        &self.login.fake
    }

    pub fn url(&self) -> String {
        self.login.fake.mcp()
    }

    /// From now on all access tokens that were issued are refused.
    pub fn expire(&self) {
        self.log().refused = self.login.newest();
    }

    /// From now on every access token is refused, or none for that reason any more.
    pub fn refuse_all(&self, refuses: bool) {
        self.change(|log| log.refuses_all = refuses);
    }

    /// Returns how many requests with an access token were refused.
    pub fn unauthorized(&self) -> usize {
        self.log().unauthorized
    }

    /// Forgets all sessions, and cuts the streams of GET, as a restart does.
    pub fn restart(&self) {
        self.change(|log| {
            log.sessions.clear();
            log.streams.clear();
        });
    }

    /// Returns how many sessions are alive.
    pub fn sessions(&self) -> usize {
        self.log().sessions.len()
    }

    /// Returns all session ids that were ever given.
    pub fn session_ids(&self) -> Vec<String> {
        self.log().versions.keys().cloned().collect()
    }

    /// Returns the rules that the client has broken.
    pub fn broken(&self) -> Vec<String> {
        self.log().broken.clone()
    }

    /// Checks that the client has broken no rule.
    #[track_caller]
    pub fn assert_rules(&self) {
        let broken = self.broken();
        assert!(broken.is_empty(), "broken rules: {broken:#?}");
        assert!(!self.login.was_reused(), "a spent refresh token came again");
    }
}
