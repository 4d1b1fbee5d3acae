//! Servers that need no login, and other starts.

use serde_json::{json, Value};

use super::{error, legacy};
use crate::support::fake::{Fake, Reply, Seen};
use crate::support::mcp_server::{McpServer, Wire};
use crate::support::program::Program;
use crate::support::stdio_client::{connect, log_in, StdioClient};

/// Returns a server that asks for no token.
fn open_server() -> Fake {
    Fake::with(|seen: &Seen, _| {
        (seen.path == "/mcp").then(|| {
            let message: Value = serde_json::from_str(&seen.body).unwrap_or_default();
            let result = match message["method"].as_str() {
                Some("initialize") => json!({
                    "protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": {"name": "fake", "version": "1"},
                }),
                Some("tools/call") => json!({"content": [{"type": "text", "text": "open"}]}),
                _ => return Reply::status(if seen.method == "POST" { 202 } else { 405 }),
            };
            Reply::json(200, &json!({"jsonrpc": "2.0", "id": message["id"], "result": result}))
        })
    })
}

#[apply(test)]
fn br42_a_server_that_needs_no_login() {
    let server = open_server();
    let program = Program::new()
        .with_stdin()
        .args(["connect", "--store", "file", &server.mcp()]);
    let mut client = StdioClient::legacy(program);
    assert_eq!(client.text("any", json!({})), "open");
    let finished = client.finish().expect(0);
    assert_eq!(finished.stderr, "");
    assert!(server
        .seen()
        .iter()
        .all(|seen| seen.header("authorization").is_none()));
}

/// The stored login is for what it names; nothing is asked of a server before the client has said something.
#[apply(test)]
fn br2_nothing_is_asked_before_the_first_line() {
    let server = McpServer::start(Wire::Both);
    let home = log_in(&server);
    let before = server.fake().seen().len();
    let client = StdioClient::start(connect(&server, home.home()));
    let finished = client.finish().expect(0);
    assert_eq!(
        (finished.stdout.as_str(), finished.stderr.as_str()),
        ("", "")
    );
    assert_eq!(server.fake().seen().len(), before);
}

#[apply(test)]
fn br13_an_id_that_is_still_open() {
    let (server, gate) = McpServer::behind_a_gate(Wire::Legacy, "slow");
    let (_home, mut client) = legacy(&server);
    let call =
        json!({"jsonrpc": "2.0", "id": "same", "method": "tools/call", "params": {"name": "slow"}});
    client.send(&call);
    server.wait_until("the call", |state| state.noted("held") == 1);
    client.send(&call);
    error(&client.answer(&"same".into()), -32600);
    gate.open();
    assert_eq!(
        client.answer(&"same".into())["result"]["content"][0]["text"],
        "at last"
    );
    assert_eq!(server.calls("slow").len(), 1);
    client.finish().expect(0);
}
