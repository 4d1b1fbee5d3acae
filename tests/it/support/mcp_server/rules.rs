//! The rules that a client has to keep, as far as the server can see.
//!
//! Spec: MCP 2025-11-25, Transports; MCP 2026-07-28, Streamable HTTP.

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;

use super::super::fake::Seen;
use super::behaviour::is_modern;
use super::{Log, Message, Settings, Wire, CAPABILITIES_KEY, VERSION_KEY};

impl Log {
    /// Returns what a request does against the rules.
    pub(super) fn check(&self, message: &Message, seen: &Seen, settings: &Settings) -> Vec<String> {
        let mut broken = Vec::new();
        let mut rule = |is_kept: bool, text: &str| {
            if !is_kept {
                broken.push(format!("{text}: {} {}", message.method(), message.json));
            }
        };
        let has = |name: &str, part: &str| {
            let value = seen.header(name).unwrap_or_default();
            value.to_ascii_lowercase().contains(part)
        };
        rule(seen.header("origin").is_none(), "an Origin header");
        rule(!seen.query.contains("access"), "a token in the query");
        rule(
            seen.method == "DELETE" || has("accept", "text/event-stream"),
            "Accept without text/event-stream",
        );
        let is_post = seen.method == "POST";
        if is_post {
            rule(
                has("accept", "application/json"),
                "Accept without application/json",
            );
            rule(has("content-type", "application/json"), "Content-Type");
            rule(message.json.is_object(), "not one message");
            rule(message.json["jsonrpc"] == "2.0", "jsonrpc");
            rule(!seen.body.contains('\u{fffd}'), "not UTF-8");
        }
        if is_modern(message) {
            check_modern(message, &mut rule);
            // What a client sends before it knows the server may be on the other wire.
            rule(
                settings.wire != Wire::Legacy || message.method() == "server/discover",
                "a modern message to a legacy server",
            );
        } else if message.method() == "initialize" {
            rule(
                seen.header("mcp-session-id").is_none(),
                "a session id at initialize",
            );
        } else {
            self.check_legacy(message, settings, &mut rule);
        }
        broken
    }

    fn check_legacy(
        &self,
        message: &Message,
        settings: &Settings,
        rule: &mut impl FnMut(bool, &str),
    ) {
        let session = message.header("mcp-session-id");
        rule(
            session.is_some() == settings.has_sessions,
            "a session id, or none",
        );
        let version = match session {
            Some(session) => self.versions.get(session).map(String::as_str),
            None => Some(settings.answers_version),
        };
        rule(version.is_some(), "a session id that was never given");
        rule(
            message.header("mcp-protocol-version") == version,
            "another MCP-Protocol-Version",
        );
        rule(
            message.seen.method == "GET" || message.header("last-event-id").is_none(),
            "Last-Event-ID without GET",
        );
    }
}

fn check_modern(message: &Message, rule: &mut impl FnMut(bool, &str)) {
    let (json, params) = (&message.json, &message.json["params"]);
    let meta = &params["_meta"];
    for name in ["mcp-session-id", "last-event-id"] {
        rule(message.header(name).is_none(), name);
    }
    rule(
        message.seen.method == "POST",
        "another method of HTTP than POST",
    );
    rule(json.get("method").is_some(), "a response");
    rule(
        message.header("mcp-protocol-version") == meta[VERSION_KEY].as_str(),
        "MCP-Protocol-Version",
    );
    if json.get("id").is_none() {
        return;
    }
    rule(
        meta[CAPABILITIES_KEY].is_object(),
        "no client capabilities in _meta",
    );
    rule(
        message.header("mcp-method") == Some(message.method()),
        "Mcp-Method",
    );
    let name = match message.method() {
        "tools/call" | "prompts/get" => params["name"].as_str(),
        "resources/read" => params["uri"].as_str(),
        _ => None,
    };
    let sent = message.header("mcp-name").map(decode);
    rule(sent.as_deref() == name, "Mcp-Name");
}

/// Reads the value of a header that may be in base64.
pub fn decode(value: &str) -> String {
    let inner = value
        .strip_prefix("=?base64?")
        .and_then(|rest| rest.strip_suffix("?="));
    match inner {
        None => value.to_owned(),
        Some(inner) => {
            let bytes = STANDARD.decode(inner).unwrap_or_default();
            String::from_utf8(bytes).unwrap_or_default()
        }
    }
}
