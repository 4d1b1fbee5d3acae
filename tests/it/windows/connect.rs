//! The stdio server, device codes, and the end by Ctrl-C.

use serde_json::json;

use super::{login, windows};
use crate::support::device::{DeviceServer, Poll};
use crate::support::mcp_server::{McpServer, Wire};
use crate::support::stdio_client::{text_of, StdioClient};

/// Somewhat more than the 10 MiB that other programs take as a line.
const LONG: usize = 11 << 20;

#[apply(test)]
fn win9_connect_passes_calls_on() {
    for wire in [Wire::Legacy, Wire::Modern] {
        let server = McpServer::start(wire);
        let finished = login(server.fake()).agree().expect(0);
        let words = ["connect", "--store", "file", &server.url()];
        let program = windows().at_home(finished.home()).with_stdin().args(words);
        let mut client = StdioClient::legacy(program);
        for text in ["once", "\u{fc}\u{20ac}\u{1f600}", "a\r\nb", ""] {
            assert_eq!(client.text("echo", json!({"text": text})), text);
        }
        server.expire();
        assert_eq!(client.text("echo", json!({"text": "later"})), "later");
        client.finish().expect(0);
    }
}

#[apply(long_test)]
fn win9_connect_passes_a_long_line_on() {
    let server = McpServer::start(Wire::Legacy);
    let finished = login(server.fake()).agree().expect(0);
    let words = ["connect", "--store", "file", &server.url()];
    let program = windows().at_home(finished.home()).with_stdin().args(words);
    let mut client = StdioClient::legacy(program);
    let id = client.ask_tool("echo", json!({"text": "y".repeat(LONG)}));
    let answer = client.next("the answer", |line| line.json["id"] == id);
    assert_eq!(text_of(&answer.json).len(), LONG);
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
