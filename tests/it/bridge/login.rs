//! `connect --login`: one login through the browser, and no more.

use serde_json::json;

use super::error;
use crate::support::browser::FakeBrowser;
use crate::support::mcp_server::{McpServer, Wire};
use crate::support::skip::needs;
use crate::support::stdio_client::{connect, StdioClient};

#[apply(test)]
fn br42_one_login_is_allowed() {
    needs(&["curl"]);
    let server = McpServer::start(Wire::Legacy);
    let home = tempfile::tempdir().expect("a home");
    let browser = FakeBrowser::new("exec curl -sL -o /dev/null \"$1\"");
    let program = connect(&server, home.path())
        .args(["--login"])
        .env("BROWSER", browser.path());
    let mut client = StdioClient::legacy(program);
    assert_eq!(client.text("echo", json!({"text": "in"})), "in");
    assert_eq!(server.fake().seen_at("/authorize").len(), 1);
    server.login.revoke_all();
    server.expire();
    error(&client.call("echo", json!({})), -31003);
    assert_eq!(server.fake().seen_at("/authorize").len(), 1, "once");
    client.finish().expect(0);
    server.assert_rules();
}

/// Without the option nothing is opened, and with it many requests open one page.
#[apply(test)]
fn br42_a_page_is_opened_once_for_many_requests() {
    needs(&["curl"]);
    let server = McpServer::start(Wire::Modern);
    let home = tempfile::tempdir().expect("a home");
    let browser = FakeBrowser::new("exec curl -sL -o /dev/null \"$1\"");
    let start = |options: &[&str]| {
        let program = connect(&server, home.path()).args(options);
        StdioClient::modern(program.env("BROWSER", browser.path()))
    };
    let mut client = start(&[]);
    error(&client.call("echo", json!({})), -31003);
    client.finish().expect(0);
    assert!(!browser.was_started());
    let mut client = start(&["--login"]);
    let ids: Vec<_> = (0..8).map(|_| client.ask_tool("echo", json!({}))).collect();
    for id in ids {
        assert_eq!(client.answer(&id)["result"]["content"][0]["text"], "echoed");
    }
    assert_eq!(server.fake().seen_at("/authorize").len(), 1);
    client.finish().expect(0);
}
