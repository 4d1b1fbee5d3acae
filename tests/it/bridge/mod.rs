//! `connect`: the bridge between a client on stdio and a protected MCP server.

mod end;
mod hostile;
mod legacy;
mod load;
mod login;
mod modern;
mod sessions;
mod sse_transport;
mod start;
mod stdio;
mod streams;
mod token;
mod translated;
mod trouble;

use serde_json::{json, Value};

use crate::support::fake::Reply;
use crate::support::mcp_server::{McpServer, Message, Wire};
use crate::support::program::Finished;
use crate::support::stdio_client::{connect, log_in, StdioClient};

/// The wires of what is the same on both.
const WIRES: [Wire; 2] = [Wire::Legacy, Wire::Modern];

/// Logs in, and starts the bridge for a client of this wire.
fn on(wire: Wire, server: &McpServer) -> (Finished, StdioClient) {
    match wire {
        Wire::Modern => modern(server),
        _ => legacy(server),
    }
}

/// Logs in, and opens a session through the bridge.
fn legacy(server: &McpServer) -> (Finished, StdioClient) {
    let home = log_in(server);
    let client = StdioClient::legacy(connect(server, home.home()));
    (home, client)
}

/// Logs in, and starts the bridge for a client of the revision without state.
fn modern(server: &McpServer) -> (Finished, StdioClient) {
    let home = log_in(server);
    let client = StdioClient::modern(connect(server, home.home()));
    (home, client)
}

/// Ends a bridge that had no trouble: it has said nothing, and has broken no rule.
#[track_caller]
fn finish(server: &McpServer, client: StdioClient) {
    let finished = finish_after_trouble(server, client);
    assert_eq!(finished.stderr, "");
}

/// Ends a bridge that had to say something.
#[track_caller]
fn finish_after_trouble(server: &McpServer, client: StdioClient) -> Finished {
    let finished = client.finish().expect(0);
    // The bridge waits for the answer to its last request, but not for long.
    server.fake().wait_until_noted();
    server.assert_rules();
    finished
}

/// Checks that an answer is an error of the bridge with this code, and returns its message.
#[track_caller]
fn error(answer: &Value, code: i64) -> String {
    assert_eq!(answer["error"]["code"], code, "{answer}");
    let message = answer["error"]["message"].as_str();
    message.expect("a message").to_owned()
}

/// Ways in which a server refuses a call, as names of tools that [`refusal`] knows.
fn refusals() -> Vec<String> {
    let statuses = [
        300, 304, 400, 404, 405, 406, 410, 415, 429, 500, 501, 502, 503,
    ];
    let kinds = ["empty", "page", "oauth", "list"];
    let named = statuses.map(|status| kinds.map(|kind| format!("refused-{status}-{kind}")));
    named.concat()
}

/// Returns the refusal that a tool stands for.
fn refusal(message: &Message) -> Option<Reply> {
    let (status, kind) = message.tool().strip_prefix("refused-")?.split_once('-')?;
    let (kind, body) = match kind {
        "empty" => ("text/plain", ""),
        "page" => ("text/html", "<html><body>no</body></html>"),
        "oauth" => ("application/json", r#"{"error": "invalid_request"}"#),
        _ => ("application/json", "[]"),
    };
    Some(Reply::text(status.parse().expect("a status"), kind, body))
}

/// Checks that each refusal is one error for its call, which is sent again in another session at most, and that the next call
/// works.
#[track_caller]
fn assert_refusals(server: &McpServer, client: &mut StdioClient) {
    for name in refusals() {
        let answer = client.call(&name, json!({}));
        let code = answer["error"]["code"].as_i64();
        let is_ours = code.is_some_and(|code| [-31002, -31005, -31001].contains(&code));
        assert!(is_ours, "{name}: {answer}");
        // No implementation of the method will come.
        let is_lasting = code == Some(-31002);
        assert!(is_lasting || !name.contains("501"), "{name}: {answer}");
        let most = if name.contains("404") { 2 } else { 1 };
        assert!(server.calls(&name).len() <= most, "{name}");
        assert_eq!(client.text("echo", json!({"text": name})), name);
    }
}
