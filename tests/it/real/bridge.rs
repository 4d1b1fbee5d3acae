//! `connect` between real clients and real servers: Codex, Claude Code and the client of the MCP TypeScript SDK; FastMCP and the
//! demo server of the SDK.

use serde_json::json;

use super::bed::{node, script, Bed, Part};
use super::clients::{claude_code_with, codex_with, Place};
use super::running::{Finished, Run, Server};
use super::servers::login;

const PROGRAM: &str = env!("CARGO_BIN_EXE_mcp-login");

/// Requires that all calls came through the bridge, for this client, and that its tool was called with the newest token.
fn prove(place: &Place, bed: &Bed, name: &str, version: &str, finished: &Finished) {
    let calls = place.calls();
    let said = || format!("{calls:#?}\n{}\n{}", finished.stdout, finished.stderr);
    let is_ours = |agent: &str| agent.starts_with("mcp-login/");
    assert!(calls.iter().all(|call| is_ours(&call.agent)), "{}", said());
    let opened = calls.iter().find(|call| call.method == "initialize");
    let client = &opened
        .unwrap_or_else(|| panic!("no session: {}", said()))
        .parameters["clientInfo"];
    assert_eq!(
        (&client["name"], &client["version"]),
        (&json!(name), &json!(version))
    );
    let called: Vec<_> = calls
        .iter()
        .filter(|call| call.method == "tools/call")
        .collect();
    let token = &called
        .last()
        .unwrap_or_else(|| panic!("no call: {}", said()))
        .token;
    assert_eq!(token, "access-3", "{}", said());
    place.prove_refreshes(bed);
}

/// The client takes seconds to start.
#[apply(long_test)]
fn codex_works_through_the_bridge() {
    let bed = Bed::with(&[Part::Codex]);
    let place = Place::start();
    place.log_in(&bed);
    let arguments = json!(["connect", "--store", "file", place.fake.mcp()]);
    let entry = format!("command = {PROGRAM:?}\nargs = {arguments}");
    let client = codex_with(&bed, &place, &entry);
    let finished = place.finish(place.start_client(client));
    prove(&place, &bed, "codex-mcp-client", "0.171.0", &finished);
}

/// The client takes seconds to start.
#[apply(long_test)]
fn claude_code_works_through_the_bridge() {
    let bed = Bed::with(&[Part::ClaudeCode]);
    let place = Place::start();
    place.log_in(&bed);
    let arguments = ["connect", "--store", "file", &place.fake.mcp()].map(str::to_owned);
    let entry = json!({"command": PROGRAM, "args": arguments});
    let client = claude_code_with(&bed, &place, &entry);
    let finished = place.finish(place.start_client(client));
    prove(&place, &bed, "claude-code", "2.1.332", &finished);
}

/// Lets the client of the SDK call a tool through the bridge; returns what it printed.
fn call(bed: &Bed, server: &Server, tool: &str, arguments: &str) -> String {
    let mut client = bed.command(node());
    client
        .arg(script("stdio-client.mjs"))
        .arg(PROGRAM)
        .arg("connect");
    client
        .args(&bed.options()[1..])
        .args(["--store", &bed.file_store(), &server.url]);
    client.env("MCP_TOOL", tool).env("MCP_ARGUMENTS", arguments);
    Run::start(&mut client).finish().exits(0).stdout
}

#[apply(test)]
fn the_sdk_calls_fastmcp_through_the_bridge() {
    let bed = Bed::with(&[Part::Npm, Part::FastMcp, Part::Curl]);
    let server = bed.fastmcp();
    login(&bed, &server, &bed.curl()).exits(0);
    let said = call(&bed, &server, "greet", "{\"name\": \"bridge\"}");
    assert!(said.contains("hello bridge"), "{said}");
}

#[apply(test)]
fn the_sdk_calls_its_demo_server_through_the_bridge() {
    let bed = Bed::with(&[Part::Npm, Part::Curl]);
    let server = bed.sdk_server();
    login(&bed, &server, &bed.curl()).exits(0);
    let said = call(&bed, &server, "greet", "{\"name\": \"bridge\"}");
    assert!(said.contains("Hello, bridge!"), "{said}");
    // A stream of notifications before the result, and one that asks for it again.
    let said = call(&bed, &server, "multi-greet", "{\"name\": \"bridge\"}");
    assert!(said.contains("Good morning, bridge!"), "{said}");
}
