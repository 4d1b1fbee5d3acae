//! MCP messages: the stateless request of 2026-07-28, the `initialize` of earlier revisions, and their responses.

pub mod sse;

use serde_json::{json, Value};

/// The newest MCP revision that is supported.
pub const MODERN: &str = "2026-07-28";

/// The newest revision that begins with `initialize`.
pub const CLASSIC: &str = "2025-11-25";

/// The headers of every request that carries a message.
pub const HEADERS: [(&str, &str); 2] = [
    ("Content-Type", "application/json"),
    ("Accept", "application/json, text/event-stream"),
];

/// The name of a request, for asking which tools there are.
pub const LIST_TOOLS: &str = "tools/list";

/// The longest text of a server that is sent back in a header, in bytes.
const MAX_HEADER_BYTES: usize = 4096;

/// Tells whether a text of a server can be sent back to it in a header.
///
/// Spec: RFC 9110 section 5.5.
pub fn is_header_value(text: &str) -> bool {
    (1..=MAX_HEADER_BYTES).contains(&text.len())
        && !text.bytes().any(|byte| byte.is_ascii_control())
}

/// JSON-RPC 2.0 section 5.1: the method is not known.
pub const METHOD_NOT_FOUND: i64 = -32601;

/// MCP 2026-07-28, Error Codes: the version of the request is not known.
pub const UNSUPPORTED_VERSION: i64 = -32022;

fn client_info() -> Value {
    json!({"name": "mcp-login", "version": env!("CARGO_PKG_VERSION")})
}

/// Returns our capabilities: the extension, if there is one, by which the token of the request was obtained.
///
/// Spec: MCP 2026-07-28, Extensions, Negotiation; SEP-2133.
fn capabilities(extension: Option<&str>) -> Value {
    match extension {
        Some(extension) => json!({"extensions": {extension: {}}}),
        None => json!({}),
    }
}

/// Returns a request in the stateless form, with a token that was obtained by this extension.
///
/// Spec: MCP 2026-07-28, Streamable HTTP, Request Metadata.
pub fn modern_request(method: &str, extension: Option<&str>) -> String {
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientInfo": client_info(),
        "io.modelcontextprotocol/clientCapabilities": capabilities(extension),
    });
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": {"_meta": meta}}).to_string()
}

/// Returns the headers that a stateless request needs beside [`HEADERS`].
pub fn modern_headers(method: &str) -> [(&str, &str); 2] {
    [("MCP-Protocol-Version", MODERN), ("Mcp-Method", method)]
}

/// Returns the request that opens a session, with a token that was obtained by this extension.
///
/// Spec: MCP 2025-11-25, Lifecycle, Initialization.
pub fn initialize(extension: Option<&str>) -> String {
    let capabilities = capabilities(extension);
    let params = json!({"protocolVersion": CLASSIC, "capabilities": capabilities, "clientInfo": client_info()});
    json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}).to_string()
}

/// Returns the revision of a session that the server has opened; where it names none, the newest one.
///
/// Spec: MCP 2025-11-25, Lifecycle, Version Negotiation.
pub fn revision(opened: &Value) -> String {
    let named = opened["protocolVersion"].as_str();
    let named = named.filter(|named| is_header_value(named));
    named.unwrap_or(CLASSIC).to_owned()
}

/// Returns the notification that completes the opening of a session.
pub fn initialized() -> String {
    json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string()
}

/// Returns a request within a session.
pub fn classic_request(method: &str) -> String {
    json!({"jsonrpc": "2.0", "id": 2, "method": method, "params": {}}).to_string()
}

/// The response to a request.
#[derive(Clone, Debug, PartialEq)]
pub enum McpResponse {
    /// The result.
    Result(Value),
    /// The error code and the server's message: untrusted text.
    Error(i64, String),
}

/// Finds the response to a request in a body: one JSON message, or a stream of events.
///
/// `None` means that it has not arrived yet. Other messages are ignored.
///
/// Spec: JSON-RPC 2.0 section 5; MCP 2025-11-25, Streamable HTTP, Sending Messages to the Server.
pub fn find_response(body: &[u8], is_stream: bool) -> Option<McpResponse> {
    if !is_stream {
        return read_response(body);
    }
    let mut found = None;
    sse::Parser::default().read(body, |event| {
        found = found
            .take()
            .or_else(|| read_response(event.data.as_bytes()));
    });
    found
}

/// The code that some servers use for a request without a valid login. It is also used for other errors:
/// a request that took too long, a session that is unknown, headers that do not fit the message.
const UNAUTHORIZED: i64 = -32001;

/// Tells whether an error says that the request needs a valid login, for servers that do not answer with status 401.
pub fn is_unauthorized(code: i64, message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    let login = [
        "unauthori",
        "unauthenticated",
        "authenticat",
        "invalid token",
        "invalid_token",
        "invalid access token",
    ];
    let other = ["timeout", "timed out", "session", "header", "mismatch"];
    says(&login) || code == UNAUTHORIZED && !says(&other)
}

fn read_response(message: &[u8]) -> Option<McpResponse> {
    let mut message: Value = serde_json::from_slice(message).ok()?;
    if let Some(error) = message.get("error").filter(|error| error.is_object()) {
        let text = error
            .get("message")
            .and_then(Value::as_str)
            .unwrap_or_default();
        return Some(McpResponse::Error(
            error.get("code").and_then(Value::as_i64).unwrap_or(0),
            text.to_owned(),
        ));
    }
    message
        .get_mut("result")
        .map(|result| McpResponse::Result(result.take()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m38a_header_and_body_agree_on_the_version() {
        let request: Value = serde_json::from_str(&modern_request(LIST_TOOLS, None)).expect("JSON");
        let meta = &request["params"]["_meta"];
        assert_eq!(meta["io.modelcontextprotocol/protocolVersion"], MODERN);
        assert!(meta["io.modelcontextprotocol/clientCapabilities"].is_object());
        assert_eq!(
            modern_headers(LIST_TOOLS),
            [("MCP-Protocol-Version", MODERN), ("Mcp-Method", LIST_TOOLS)]
        );
    }

    #[test]
    fn c50_errors_that_say_that_a_login_is_needed() {
        for (code, message, expected) in [
            (-32001, "Unauthorized", true),
            (-32001, "", true),
            (-32001, "login required", true),
            (-32000, "UNAUTHORIZED: token expired", true),
            (-32603, "not authenticated", true),
            (-32000, "Authentication required", true),
            (-32000, "please authenticate", true),
            (401, "Unauthorised", true),
            (-32000, "invalid_token", true),
            (-32001, "Request timed out", false),
            (-32001, "Request timeout", false),
            (-32001, "Session not found", false),
            (-32001, "Header mismatch", false),
            (-32603, "Internal error", false),
            (-32602, "unknown author", false),
            (0, "", false),
        ] {
            assert_eq!(is_unauthorized(code, message), expected, "{code} {message}");
        }
    }

    #[test]
    fn m38c_answers_come_as_json_or_as_events() {
        let result = Some(McpResponse::Result(json!({"tools": []})));
        let error = Some(McpResponse::Error(-32022, "old".to_owned()));
        let good = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[]}}"#;
        let bad = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32022,"message":"old"}}"#;
        for (body, is_stream, expected) in [
            (good.to_owned(), false, result.clone()),
            (bad.to_owned(), false, error.clone()),
            (
                format!("event: message\ndata: {good}\n\n"),
                true,
                result.clone(),
            ),
            (
                format!("event: message\r\ndata: {good}\r\n\r\n"),
                true,
                result.clone(),
            ),
            (
                format!(": hello\n\ndata: {{\"method\":\"x\"}}\n\nid: 7\ndata:{bad}\n\n"),
                true,
                error,
            ),
            (format!("\u{feff}data: {good}\r\r"), true, result),
            (format!("data: {good}\r"), true, None),
            (format!("data: {good}\n"), true, None),
            (good.to_owned(), true, None),
            (String::new(), false, None),
            ("<html>".to_owned(), false, None),
            ("[]".to_owned(), false, None),
        ] {
            assert_eq!(
                find_response(body.as_bytes(), is_stream),
                expected,
                "{body}"
            );
        }
    }
}
