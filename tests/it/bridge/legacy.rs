//! The revisions with `initialize`, sessions and streams: headers, notifications, requests of the server.

use serde_json::json;

use super::{finish, legacy};
use crate::support::fake::Reply;
use crate::support::leaks::assert_hides;
use crate::support::mcp_server::{McpServer, Settings, Wire};
use crate::support::stdio_client::{connect, log_in, text_of, StdioClient};

/// The server counts each header that is missing or wrong.
#[apply(test)]
fn br6_br7_br8_br9_br46_headers() {
    for version in ["2025-11-25", "2025-06-18", "2025-03-26"] {
        let mut settings = Settings::on(Wire::Legacy);
        settings.answers_version = version;
        let server = McpServer::with(settings, |_, _| None);
        let (_home, mut client) = legacy(&server);
        assert_eq!(client.text("echo", json!({"text": "\u{65e5}"})), "\u{65e5}");
        server.wait_for_streams(1);
        finish(&server, client);
        assert_eq!(server.count("GET"), 1);
        assert_eq!(server.count("DELETE"), 1);
    }
}

#[apply(test)]
fn br9_the_session_id_is_said_to_nobody() {
    let server = McpServer::start(Wire::Legacy);
    let home = log_in(&server);
    let program = connect(&server, home.home()).args(["-vv"]);
    let mut client = StdioClient::legacy(program);
    client.text("echo", json!({}));
    server.restart();
    client.text("echo", json!({}));
    let finished = client.finish().expect(0);
    for id in server.session_ids() {
        assert_hides(&finished.stderr, &id);
    }
    assert!(!finished.stderr.contains("access-"), "{}", finished.stderr);
}

#[apply(test)]
fn br10_a_server_without_sessions() {
    let mut settings = Settings::on(Wire::Legacy);
    settings.has_sessions = false;
    let server = McpServer::with(settings, |_, _| None);
    let (_home, mut client) = legacy(&server);
    assert_eq!(client.text("echo", json!({"text": "a"})), "a");
    assert_eq!(client.text("echo", json!({"text": "b"})), "b");
    finish(&server, client);
    assert_eq!(server.count("DELETE"), 0);
}

#[apply(test)]
fn br11_answers_are_json_or_events() {
    let server = McpServer::tool(Wire::Both, "kinds", |message, _| {
        let kind = message.json["params"]["arguments"]["kind"].as_str();
        let kind = kind.expect("a kind").to_owned();
        let text = message.says(&kind).to_string();
        if kind.to_ascii_lowercase().contains("stream") {
            return Reply::text(200, &kind, format!("data: {text}\n\n"));
        }
        Reply::text(200, &kind, text)
    });
    let (_home, mut client) = legacy(&server);
    for kind in [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON;charset=UTF-8",
        "text/event-stream",
        "text/event-stream; charset=utf-8",
        "Text/Event-Stream;charset=utf-8",
    ] {
        assert_eq!(client.text("kinds", json!({"kind": kind})), kind);
    }
    finish(&server, client);
}

#[apply(test)]
fn br12_what_is_accepted_has_no_answer() {
    let server = McpServer::start(Wire::Legacy);
    let (_home, mut client) = legacy(&server);
    for number in 0..5 {
        client.notify("notifications/x", json!({"number": number}));
    }
    client.send(&json!({"jsonrpc": "2.0", "id": "nobody asked", "result": {}}));
    client.text("echo", json!({}));
    server.wait_until("all notifications", |state| {
        state.count("notifications/x") == 5
    });
    let numbers = server.all("notifications/x");
    let numbers: Vec<_> = numbers
        .iter()
        .map(|it| it.json["params"]["number"].as_u64())
        .collect();
    assert_eq!(
        numbers,
        (0..5).map(Some).collect::<Vec<_>>(),
        "in their order"
    );
    server.response(&"nobody asked".into());
    finish(&server, client);
}

/// A request of the server within the response to a call.
#[apply(test)]
fn br15_the_server_asks_on_the_stream_of_a_call() {
    let server = McpServer::tool(Wire::Legacy, "asks", |message, state| {
        let (result, state) = (message.says("asked"), state.clone());
        Reply::events(move |events| {
            for (id, method) in [
                (json!(77), "elicitation/create"),
                (json!("s-1"), "sampling/createMessage"),
                (json!("p"), "ping"),
            ] {
                events.send(
                    &json!({"jsonrpc": "2.0", "id": id, "method": method, "params": {"a": 1}}),
                );
                let response = state.response(&id);
                assert_eq!(response["result"]["to"], method, "{response}");
            }
            events.send(&result);
            events.end();
        })
    });
    let (_home, mut client) = legacy(&server);
    let id = client.ask_tool("asks", json!({}));
    for method in ["elicitation/create", "sampling/createMessage", "ping"] {
        let asked = client.server_says(method);
        client.send(&json!({"jsonrpc": "2.0", "id": asked["id"], "result": {"to": method}}));
    }
    assert_eq!(text_of(&client.answer(&id)), "asked");
    finish(&server, client);
}

#[apply(test)]
fn br15_br16_the_server_asks_on_the_stream_of_get() {
    let server = McpServer::start(Wire::Legacy);
    let (_home, mut client) = legacy(&server);
    server.wait_for_streams(1);
    let note = json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"});
    server.push(None, &note);
    assert_eq!(client.server_says("notifications/tools/list_changed"), note);
    for (id, method) in [(json!(5), "ping"), (json!("r"), "roots/list")] {
        let ask = json!({"jsonrpc": "2.0", "id": id, "method": method});
        server.push(None, &ask);
        assert_eq!(client.server_says(method), ask);
        client.send(&json!({"jsonrpc": "2.0", "id": id, "result": {}}));
        server.response(&id);
    }
    // An error is an answer too.
    server.push(
        None,
        &json!({"jsonrpc": "2.0", "id": 6, "method": "sampling/createMessage"}),
    );
    client.server_says("sampling/createMessage");
    client.send(&json!({"jsonrpc": "2.0", "id": 6, "error": {"code": -1, "message": "no"}}));
    assert_eq!(server.response(&json!(6))["error"]["code"], -1);
    finish(&server, client);
}

#[apply(test)]
fn br16_a_server_without_a_stream_of_get() {
    let mut settings = Settings::on(Wire::Legacy);
    settings.has_get = false;
    let server = McpServer::with(settings, |_, _| None);
    let (_home, mut client) = legacy(&server);
    server.wait_until("the GET", |state| state.count("GET") == 1);
    for _ in 0..3 {
        client.text("echo", json!({}));
    }
    finish(&server, client);
    assert_eq!(server.count("GET"), 1);
    assert_eq!(server.count("initialize"), 1);
}

/// The server is told, and then the connection of the call is closed.
#[apply(test)]
fn br24_a_call_is_cancelled() {
    let server = McpServer::with(Settings::on(Wire::Legacy), |message, state| {
        if message.method() == "notifications/cancelled" {
            // Nothing comes of the call any more when the server hears of it.
            state.wait_until("the end of the call", |state| state.noted("closed") == 1);
            state.note("told");
        }
        let state = state.clone();
        (message.tool() == "slow").then(|| {
            state.note("held");
            Reply::pieces(move |pieces| {
                pieces.until_closed();
                state.note("closed");
            })
        })
    });
    let (_home, mut client) = legacy(&server);
    let id = client.ask_tool("slow", json!({}));
    server.wait_until("the call", |state| state.noted("held") == 1);
    let params = json!({"requestId": id, "reason": "enough"});
    client.notify("notifications/cancelled", params.clone());
    server.wait_until("the cancellation", |state| state.noted("told") == 1);
    let told = server.all("notifications/cancelled");
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].json["params"], params);
    assert_eq!(client.text("echo", json!({"text": "goes on"})), "goes on");
    finish(&server, client);
}
