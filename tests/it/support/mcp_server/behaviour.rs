//! What the server does by itself.

use std::sync::Arc;
use std::time::Instant;

use serde_json::{json, Value};

use super::super::fake::{Fake, Reply, Seen};
use super::{token, Deviation, Message, State, Wire, MODERN, VERSION_KEY};

/// Bodies up to this many bytes are kept.
const KEPT: usize = 1 << 20;

impl State {
    /// Answers a request to the MCP endpoint.
    pub(super) fn serve(
        self: &Arc<Self>,
        seen: &Seen,
        fake: &Fake,
        deviation: &Deviation,
    ) -> Reply {
        let Some(number) = token(seen) else {
            return fake.mcp_answer(&without_token(seen));
        };
        let refused = self.change(|log| {
            let refused = log.refuses_all || number <= log.refused;
            log.unauthorized += usize::from(refused);
            refused
        });
        if refused {
            return fake.mcp_answer(&without_token(seen));
        }
        let mut message = Message {
            seen: seen.clone(),
            json: serde_json::from_str(&seen.body).unwrap_or_default(),
            at: Instant::now(),
        };
        if message.seen.body.len() > KEPT {
            message.seen.body = String::new();
        }
        self.change(|log| {
            let broken = log.check(&message, seen, &self.settings);
            log.broken.extend(broken);
            log.messages.push(message.clone());
        });
        deviation(&message, self).unwrap_or_else(|| self.behave(&message))
    }

    /// Answers as a good server does.
    pub fn behave(&self, message: &Message) -> Reply {
        let is_modern = is_modern(message);
        match (self.settings.wire, is_modern) {
            (Wire::Modern, false) => return refuse_version(message),
            (Wire::Legacy, true) => return Reply::text(400, "text/plain", "no valid session"),
            (_, true) => return answer(message, true),
            _ => {}
        }
        if message.method() == "initialize" {
            return self.initialize(message);
        }
        if self.settings.has_sessions {
            let session = message.header("mcp-session-id").unwrap_or_default();
            if !self.log().sessions.contains(session) {
                let error = json!({"code": -32001, "message": "Session not found"});
                let body = json!({"jsonrpc": "2.0", "id": null, "error": error});
                return Reply::json(404, &body);
            }
        }
        match message.method() {
            "GET" if self.settings.has_get => self.open_stream(),
            "GET" => Reply::status(405),
            "DELETE" => {
                let session = message.header("mcp-session-id").unwrap_or_default();
                self.change(|log| log.sessions.remove(session));
                Reply::status(200)
            }
            _ => answer(message, false),
        }
    }

    /// Answers a message of a POST, whatever its session.
    pub fn behave_without_session(&self, message: &Message) -> Reply {
        if message.method() == "initialize" {
            return self.initialize(message);
        }
        answer(message, false)
    }

    fn initialize(&self, message: &Message) -> Reply {
        let version = self.settings.answers_version;
        let result = json!({
            "protocolVersion": version,
            "capabilities": {"tools": {"listChanged": true}, "logging": {}},
            "serverInfo": {"name": "fake", "version": "1"},
        });
        let mut log = self.log();
        let session = format!("session-{}-{:08x}", log.versions.len() + 1, 0x5eed_1234);
        log.versions.insert(session.clone(), version.to_owned());
        log.sessions.insert(session.clone());
        let reply = Reply::json(200, &message.result(result));
        if self.settings.has_sessions {
            reply.with("Mcp-Session-Id", &session)
        } else {
            reply
        }
    }
}

/// Tells whether a message speaks the revision without state.
pub(super) fn is_modern(message: &Message) -> bool {
    let meta = &message.json["params"]["_meta"];
    !meta[VERSION_KEY].is_null() || message.header("mcp-protocol-version") == Some(MODERN)
}

fn without_token(seen: &Seen) -> Seen {
    let mut seen = seen.clone();
    seen.headers
        .retain(|(name, _)| !name.eq_ignore_ascii_case("authorization"));
    seen
}

fn refuse_version(message: &Message) -> Reply {
    if message.seen.method != "POST" {
        return Reply::status(405);
    }
    let data = json!({"supported": [MODERN], "requested": null});
    let error = json!({"code": -32022, "message": "Unsupported protocol version", "data": data});
    Reply::json(
        400,
        &json!({"jsonrpc": "2.0", "id": message.json["id"], "error": error}),
    )
}

/// Answers a message whose wire and session are right.
fn answer(message: &Message, is_modern: bool) -> Reply {
    if message.seen.method != "POST" {
        return Reply::status(405);
    }
    if message.json.get("id").is_none() || message.json.get("method").is_none() {
        return Reply::status(202);
    }
    let result = match message.method() {
        "server/discover" if is_modern => json!({
            "supportedVersions": [MODERN],
            "capabilities": {"tools": {"listChanged": true}},
            "serverInfo": {"name": "fake", "version": "1"},
        }),
        "ping" if !is_modern => json!({}),
        "tools/list" => json!({"tools": [tool("echo"), tool("size")]}),
        "tools/call" => call(message),
        _ => {
            let error = json!({"code": -32601, "message": "Method not found"});
            let body = json!({"jsonrpc": "2.0", "id": message.json["id"], "error": error});
            return Reply::json(if is_modern { 404 } else { 200 }, &body);
        }
    };
    Reply::json(200, &message.result(result))
}

/// Returns the description of a tool without parameters of its own.
pub fn tool(name: &str) -> Value {
    json!({"name": name, "inputSchema": {"type": "object"}})
}

/// Runs a tool: `echo` gives its text back, `size` a text of so many bytes or the size of the text that came.
fn call(message: &Message) -> Value {
    let arguments = &message.json["params"]["arguments"];
    let text = match message.tool() {
        "size" => match arguments["bytes"].as_u64() {
            Some(bytes) => "x".repeat(usize::try_from(bytes).expect("a size")),
            None => arguments["text"].as_str().map_or(0, str::len).to_string(),
        },
        "echo" => arguments["text"].as_str().unwrap_or("echoed").to_owned(),
        other => format!("called {other}"),
    };
    json!({"content": [{"type": "text", "text": text}]})
}
