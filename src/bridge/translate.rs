//! A client that opens a session in front of a server that knows only the wire of 2026-07-28.
//!
//! `server/discover` stands in for `initialize`. Each request gets what it has to say of the client; a result that requires input
//! becomes requests to the client, and the request is sent again with their results; one subscription brings the notifications.
//!
//! Spec: MCP 2026-07-28, Versioning; Multi Round-Trip Requests; Subscriptions.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::value::RawValue;
use serde_json::{json, Value};

use super::exchange::NoAnswer;
use super::json::{self, with_members};
use super::message::{self, Kind, RpcMessage};
use super::{replies, Bridge};
use crate::error::{Error, ServerFault};
use crate::http::Abort;
use crate::mcp::{CLASSIC, MODERN};
use crate::oauth::text::printable;
use crate::os::sync::lock;

/// The versions that clients ask for in `initialize`; another one is answered with the newest.
const SESSION_VERSIONS: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", CLASSIC];

/// Most times that a request is sent again because the server requires more input.
const MAX_ROUNDS: u32 = 32;

/// The pause before a request is sent again for which no input is required.
const ROUND_PAUSE: Duration = Duration::from_millis(250);

/// What begins the ids of our own requests.
const OWN: &str = "mcp-login:";

/// What is remembered of the client and for it.
pub struct Translation {
    /// What each request says of the client, as members of its `_meta`.
    about_client: String,
    capabilities: Value,
    state: Mutex<ClientWishes>,
    last_id: AtomicU64,
}

#[derive(Default)]
struct ClientWishes {
    log_level: Option<Value>,
    /// The resources whose changes the client wants to know.
    resources: BTreeSet<String>,
    subscription: Option<Abort>,
    /// Our requests to the client that have no answer, each with the request of the client that it belongs to.
    asked: HashMap<String, (String, Sender<RpcMessage>)>,
}

impl Translation {
    /// Prepares to speak for the client of this `initialize`.
    fn of(initialize: &RpcMessage) -> Self {
        let [capabilities, info] = initialize.members(["capabilities", "clientInfo"]);
        let info =
            info.map(|info| format!(r#","io.modelcontextprotocol/clientInfo":{}"#, info.get()));
        let about_client = format!(
            r#""io.modelcontextprotocol/protocolVersion":"{MODERN}","io.modelcontextprotocol/clientCapabilities":{}{}"#,
            capabilities.map_or("{}", RawValue::get),
            info.unwrap_or_default()
        );
        Self {
            about_client,
            capabilities: Value::Null,
            state: Mutex::default(),
            last_id: AtomicU64::new(0),
        }
    }

    fn own_id(&self) -> String {
        format!(
            "\"{OWN}{}\"",
            self.last_id.fetch_add(1, Ordering::Relaxed) + 1
        )
    }

    /// Returns a request as the server wants it: with what it has to say of the client, and further params.
    fn complete(&self, message: &RpcMessage, id: &str, further: &str) -> Option<RpcMessage> {
        let level = lock(&self.state).log_level.clone();
        let level = level.map(|level| format!(r#","io.modelcontextprotocol/logLevel":{level}"#));
        let about = format!("{}{}", self.about_client, level.unwrap_or_default());
        let params = match message.body() {
            "" => "{}",
            params => params,
        };
        let [meta] = json::members_of(params, ["_meta"]);
        let params = match meta.map(RawValue::get) {
            Some(meta) => json::replaced(params, meta, &with_members(meta, &about)?)?,
            None => with_members(params, &format!(r#""_meta":{{{about}}}"#))?,
        };
        let params = match further {
            "" => params,
            further => with_members(&params, further)?,
        };
        message::read_one(replies::request(id, &message.method, &params))
    }

    /// Returns the request for what the server offers and the client wants, in place of an earlier one; `None` if that is
    /// nothing. `abort` ends it.
    pub fn subscription(&self, abort: &Abort) -> Option<RpcMessage> {
        let mut state = lock(&self.state);
        if let Some(earlier) = state.subscription.replace(abort.clone()) {
            earlier.abort();
        }
        let offers = |list: &&str| {
            let capability = self.capabilities.get(list);
            capability.and_then(|it| it.get("listChanged")) == Some(&Value::Bool(true))
        };
        let lists = ["tools", "prompts", "resources"].into_iter().filter(offers);
        let mut wanted: serde_json::Map<_, _> = lists
            .map(|list| (format!("{list}ListChanged"), json!(true)))
            .collect();
        if !state.resources.is_empty() {
            wanted.insert("resourceSubscriptions".to_owned(), json!(state.resources));
        }
        drop(state);
        if wanted.is_empty() {
            return None;
        }
        let id = self.own_id();
        let listen = format!(r#"{{"method":"subscriptions/listen","id":{id}}}"#);
        let filter = format!(r#""notifications":{}"#, Value::Object(wanted));
        self.complete(&message::read_one(listen)?, &id, &filter)
    }

    /// Takes a response of the client to one of our requests.
    pub fn take_response(&self, response: RpcMessage) {
        if let Some((_, waiting)) = lock(&self.state).asked.remove(response.id()) {
            let _ = waiting.send(response);
        }
    }

    /// Forgets what was asked for a request that the client gives up.
    pub fn give_up(&self, request: &str) {
        lock(&self.state)
            .asked
            .retain(|_, (owner, _)| owner != request);
    }
}

impl Bridge {
    /// Asks a server that opens no session whether it speaks the wire without one; if so, returns the answer to `initialize`.
    pub fn translate(
        self: &Arc<Self>,
        initialize: &RpcMessage,
        abort: &Abort,
    ) -> Result<Option<String>, Error> {
        let mut translation = Translation::of(initialize);
        let Some(found) = self.discover(&translation, abort)? else {
            return Ok(None);
        };
        let [asked] = initialize.members(["protocolVersion"]);
        let asked = json::string(asked);
        let known = SESSION_VERSIONS
            .into_iter()
            .find(|known| asked.as_deref() == Some(known));
        let info = found.get("serverInfo");
        let info = info.or_else(|| found.pointer("/_meta/io.modelcontextprotocol~1serverInfo"));
        let unnamed = || json!({"name": self.upstream.server.as_str(), "version": ""});
        let capabilities = found.get("capabilities").cloned();
        translation.capabilities = capabilities.unwrap_or_else(|| json!({}));
        let mut answer = json!({
            "protocolVersion": known.unwrap_or(CLASSIC),
            "capabilities": translation.capabilities,
            "serverInfo": info.cloned().unwrap_or_else(unnamed),
        });
        if let Some(instructions) = found.get("instructions") {
            answer["instructions"] = instructions.clone();
        }
        *lock(&self.translation) = Some(Arc::new(translation));
        Ok(Some(replies::result(initialize.id(), &answer)))
    }

    /// Asks the server what it can do without a session; returns `None` if that is nothing.
    fn discover(&self, translation: &Translation, abort: &Abort) -> Result<Option<Value>, Error> {
        let request = format!(r#"{{"method":"server/discover","id":"{OWN}discover"}}"#);
        let request = message::read_one(request);
        let request = request.and_then(|it| translation.complete(&it, it.id(), ""));
        let Some(request) = request else {
            return Ok(None);
        };
        let answer = match self.ask(&request, MODERN, abort) {
            Ok(answer) => answer.message,
            Err(NoAnswer::Refused(_)) => return Ok(None),
            Err(NoAnswer::Failed(err)) => return Err(*err),
        };
        if answer.is_error || answer.text.len() > json::MAX_PARSED_BYTES {
            return Ok(None);
        }
        let found: Value = answer.parse().unwrap_or_default();
        let Some(versions) = found.get("supportedVersions").and_then(Value::as_array) else {
            return Ok(None);
        };
        if !versions.iter().any(|version| version == MODERN) {
            let named = versions.iter().filter_map(Value::as_str).map(printable);
            let what = format!("speaks only MCP {}", named.collect::<Vec<_>>().join(", "));
            return Err(self.upstream.fault(&what, ServerFault::Lasting));
        }
        Ok(Some(found))
    }

    /// Returns the translation, if there has to be one.
    pub fn translation(&self) -> Option<Arc<Translation>> {
        lock(&self.translation).clone()
    }

    /// Answers a request of a client that has a session, from a server that has none.
    pub fn call_translated(
        self: &Arc<Self>,
        translation: &Arc<Translation>,
        message: &RpcMessage,
        abort: &Abort,
    ) -> Result<(), Error> {
        let params: Value = message.parse().unwrap_or_default();
        match message.method.as_str() {
            "ping" => {}
            "logging/setLevel" => lock(&translation.state).log_level = params.get("level").cloned(),
            "resources/subscribe" | "resources/unsubscribe" => {
                let uri = params
                    .get("uri")
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned();
                match message.method.as_str() {
                    "resources/subscribe" => lock(&translation.state).resources.insert(uri),
                    _ => lock(&translation.state).resources.remove(&uri),
                };
                self.subscribe(translation);
            }
            _ => return self.call_in_rounds(translation, message, abort),
        }
        let done = replies::result(message.id(), &json!({}));
        self.answer_with(message.id(), &done);
        Ok(())
    }

    /// Sends a request, and again with the input that the server requires, until there is a result.
    fn call_in_rounds(
        &self,
        translation: &Translation,
        message: &RpcMessage,
        abort: &Abort,
    ) -> Result<(), Error> {
        let (mut id, mut further) = (message.id().to_owned(), String::new());
        for _ in 0..MAX_ROUNDS {
            let Some(request) = translation.complete(message, &id, &further) else {
                let error = replies::error(
                    message.id(),
                    replies::INVALID_PARAMS,
                    "the params are no object",
                );
                self.answer_with(message.id(), &error);
                return Ok(());
            };
            let answer = match self.ask(&request, MODERN, abort) {
                Ok(answer) => answer,
                Err(why) => return self.refuse(message.id(), why),
            };
            let names = ["resultType", "inputRequests", "requestState"];
            let [kind, requests, state] = answer.message.members(names);
            if json::string(kind).as_deref() != Some("input_required") {
                self.reply(message.id(), answer);
                return Ok(());
            }
            further = match self.input(translation, message, requests, state) {
                Ok(Some(further)) => further,
                Ok(None) => return Ok(()),
                Err(error) => {
                    self.answer_with(message.id(), &error);
                    return Ok(());
                }
            };
            id = translation.own_id();
        }
        Err(self
            .upstream
            .fault("requires input again and again", ServerFault::Doubtful))
    }

    /// Asks the client for input, and returns it as members of the params; `None` if the request was given up meanwhile. The
    /// error is the answer to the request.
    fn input(
        &self,
        translation: &Translation,
        message: &RpcMessage,
        requests: Option<&RawValue>,
        state: Option<&RawValue>,
    ) -> Result<Option<String>, String> {
        let mut members = Vec::new();
        match requests {
            Some(requests) => match self.ask_client(translation, message, requests)? {
                Some(responses) => members.push(format!(r#""inputResponses":{responses}"#)),
                None => return Ok(None),
            },
            None => thread::sleep(ROUND_PAUSE),
        }
        members.extend(state.map(|state| format!(r#""requestState":{}"#, state.get())));
        Ok(Some(members.join(",")))
    }

    fn ask_client(
        &self,
        translation: &Translation,
        message: &RpcMessage,
        requests: &RawValue,
    ) -> Result<Option<String>, String> {
        let (sender, responses) = mpsc::channel();
        let unknown = || {
            let what = "the server requires input in a way that is not known";
            replies::error(message.id(), replies::INTERNAL_ERROR, what)
        };
        let requests = serde_json::from_str::<HashMap<String, &RawValue>>(requests.get());
        let mut keys = HashMap::new();
        for (key, request) in requests.map_err(|_| unknown())? {
            let request = message::read_one(request.get());
            let request = request.filter(|it| it.kind != Kind::Response);
            let request = request.ok_or_else(unknown)?;
            let id = translation.own_id();
            let params = match request.body() {
                "" => "{}",
                params => params,
            };
            let line = replies::request(&id, &request.method, params);
            lock(&translation.state)
                .asked
                .insert(id.clone(), (message.id().to_owned(), sender.clone()));
            keys.insert(id, (key, request.method));
            self.output.write(&line);
        }
        drop(sender);
        let mut members = Vec::new();
        while members.len() < keys.len() {
            let response = responses
                .recv()
                .ok()
                .filter(|_| self.pending.is_open(message.id()));
            let Some(response) = response else {
                return Ok(None);
            };
            let Some((key, method)) = keys.get(response.id()) else {
                continue;
            };
            if response.is_error {
                translation.give_up(message.id());
                let method = printable(method);
                let what = format!("the server requires {method}, which the client refuses");
                return Err(replies::error(message.id(), replies::INTERNAL_ERROR, &what));
            }
            members.push(format!("{}:{}", Value::from(key.as_str()), response.body()));
        }
        Ok(Some(format!("{{{}}}", members.join(","))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> RpcMessage {
        message::read_one(text).expect("a message")
    }

    #[test]
    fn br34_what_a_request_says_of_its_client() {
        let initialize = r#"{"id":0,"method":"initialize","params":{"capabilities":{"sampling":{}},"clientInfo":{"name":"c"}}}"#;
        let translation = Translation::of(&one(initialize));
        let about = r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"sampling":{}},"io.modelcontextprotocol/clientInfo":{"name":"c"}"#;
        for (request, further, expected) in [
            (r#"{"id":1,"method":"a"}"#, "", "{\"_meta\":{ABOUT}}"),
            (
                r#"{"id":1,"method":"a","params":{ }}"#,
                "",
                "{\"_meta\":{ABOUT}}",
            ),
            (
                r#"{"id":1,"method":"a","params":{"x":1.0}}"#,
                "",
                "{\"_meta\":{ABOUT},\"x\":1.0}",
            ),
            (
                r#"{"id":1,"method":"a","params":{"y":{"_meta":{}},"_meta":{"progressToken":1},"x":"_meta"}}"#,
                "",
                "{\"y\":{\"_meta\":{}},\"_meta\":{ABOUT,\"progressToken\":1},\"x\":\"_meta\"}",
            ),
            (
                r#"{"id":1,"method":"a","params":{"_meta":{}}}"#,
                "\"requestState\":\"s\"",
                "{\"requestState\":\"s\",\"_meta\":{ABOUT}}",
            ),
        ] {
            let complete = translation
                .complete(&one(request), "\"i\"", further)
                .expect("a request");
            assert_eq!(
                complete.body(),
                expected.replace("ABOUT", about),
                "{request}"
            );
            assert_eq!((complete.id(), complete.method.as_str()), ("\"i\"", "a"));
        }
        for request in [
            r#"{"id":1,"method":"a","params":[]}"#,
            r#"{"id":1,"method":"a","params":{"_meta":1}}"#,
        ] {
            assert!(
                translation.complete(&one(request), "1", "").is_none(),
                "{request}"
            );
        }
    }
}
