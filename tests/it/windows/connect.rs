//! The stdio server, device codes, and the end by Ctrl-C.

use serde_json::{json, Value};

use super::{login, windows};
use crate::support::device::{DeviceServer, Poll};
use crate::support::mcp_server::{McpServer, Wire, LEGACY};
use crate::support::program::Program;
use crate::support::stdio_client::{text_of, StdioClient};

/// Somewhat more than the 10 MiB that other programs take as a line.
const LONG: usize = 11 << 20;

/// Asks, and waits for the answer however busy the machine is.
fn ask(client: &mut StdioClient, method: &str, params: Value) -> Value {
    let id = client.ask(method, params);
    client.next("the answer", |line| line.json["id"] == id).json
}

/// Opens a session.
fn open(program: Program) -> StdioClient {
    let mut client = StdioClient::start(program);
    let info = json!({"name": "tests", "version": "7"});
    let params = json!({"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": info});
    let answer = ask(&mut client, "initialize", params);
    assert_eq!(answer["result"]["serverInfo"]["name"], "fake", "{answer}");
    client.notify("notifications/initialized", json!({}));
    client
}

fn echo(client: &mut StdioClient, text: &str) -> String {
    let call = json!({"name": "echo", "arguments": {"text": text}});
    text_of(&ask(client, "tools/call", call))
}

#[apply(test)]
fn win9_connect_passes_calls_on() {
    for wire in [Wire::Legacy, Wire::Modern] {
        let server = McpServer::start(wire);
        let finished = login(server.fake()).agree().expect(0);
        let words = ["connect", "--store", "file", &server.url()];
        let program = windows().at_home(finished.home()).with_stdin().args(words);
        let mut client = open(program);
        for text in ["once", "\u{fc}\u{20ac}\u{1f600}", "a\r\nb", ""] {
            assert_eq!(echo(&mut client, text), text);
        }
        server.expire();
        assert_eq!(echo(&mut client, "later"), "later");
        client.finish().expect(0);
    }
}

#[apply(long_test)]
fn win9_connect_passes_a_long_line_on() {
    let server = McpServer::start(Wire::Legacy);
    let finished = login(server.fake()).agree().expect(0);
    let words = ["connect", "--store", "file", &server.url()];
    let program = windows().at_home(finished.home()).with_stdin().args(words);
    let mut client = open(program);
    assert_eq!(echo(&mut client, &"y".repeat(LONG)).len(), LONG);
    client.finish().expect(0);
}

#[apply(test)]
fn win9_a_login_with_a_device_code() {
    let polls = [Poll::Error("authorization_pending"), Poll::Tokens];
    let server = DeviceServer::polled(polls).start();
    let mut running = login(&server.fake).arg("--device").start();
    running.event("device_code");
    let finished = running.finish().expect(0);
    assert_eq!(server.polls().len(), 2);
    assert_eq!(
        finished.kept(&server.fake.mcp())["access_token"],
        "access-1"
    );
}

#[cfg(unix)]
#[apply(test)]
fn win3_control_c_in_a_console_ends_a_login() {
    use crate::support::fake::Fake;
    use crate::support::pty::Pty;

    let fake = Fake::start();
    let mut pty = Pty::open();
    let (login, _) = super::waiting(login(&fake).on(&pty));
    pty.wait_for("paste");
    pty.type_in("\u{3}");
    let finished = login.finish();
    assert_eq!(finished.code, Some(130), "{}", pty.shown());
}
