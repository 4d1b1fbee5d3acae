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

use serde_json::Value;

use crate::support::mcp_server::{McpServer, Wire};
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
