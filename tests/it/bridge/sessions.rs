//! Sessions that are lost, streams that are cut.

use std::time::Duration;

use serde_json::json;

use super::{error, finish, finish_after_trouble, legacy};
use crate::support::fake::Reply;
use crate::support::mcp_server::{McpServer, Message, Settings, Wire};
use crate::support::program::Program;
use crate::support::repeat;
use crate::support::stdio_client::text_of;

#[apply(test)]
fn br21_a_restart_of_the_server_is_not_noticed() {
    let server = McpServer::start(Wire::Legacy);
    let (_home, mut client) = legacy(&server);
    client.text("echo", json!({}));
    server.restart();
    assert_eq!(
        client.text("echo", json!({"text": "still here"})),
        "still here"
    );
    let opened = server.all("initialize");
    assert_eq!(opened.len(), 2);
    assert_eq!(opened[0].json["params"], opened[1].json["params"]);
    assert_eq!(server.count("notifications/initialized"), 2);
    // The stream of GET belongs to the new session.
    server.wait_for_streams(1);
    assert_eq!(server.sessions(), 1);
    finish(&server, client);
    assert_eq!(server.sessions(), 0);
}

/// The calls that meet the restart together open one session.
#[apply(test)]
fn br21_br22_many_calls_meet_a_restart() {
    let server = McpServer::start(Wire::Legacy);
    let (_home, mut client) = legacy(&server);
    for round in 2..5 {
        server.restart();
        let ids: Vec<_> = (0..16)
            .map(|it| client.ask_tool("echo", json!({"text": it.to_string()})))
            .collect();
        for (number, id) in ids.iter().enumerate() {
            assert_eq!(text_of(&client.answer(id)), number.to_string());
        }
        assert_eq!(server.count("initialize"), round);
    }
    finish(&server, client);
}

/// A load balancer that tells by a cookie which instance has the session.
#[apply(test)]
fn br48_the_cookies_of_a_server_lead_back_to_its_instance() {
    let server = McpServer::with(Settings::on(Wire::Legacy), |message, state| {
        let is_elsewhere = message.header("cookie") != Some("instance=b");
        match message.method() {
            "server/discover" => None,
            "initialize" => Some(
                (state.behave_without_session(message))
                    .with("Set-Cookie", "instance=a; Path=/")
                    .with("Set-Cookie", "instance=b; Path=/; HttpOnly; SameSite=None")
                    .with("Set-Cookie", "page=1; Path=/page"),
            ),
            _ => is_elsewhere.then(|| Reply::status(404)),
        }
    });
    let (_home, mut client) = legacy(&server);
    assert_eq!(client.text("echo", json!({"text": "here"})), "here");
    server.wait_for_streams(1);
    finish(&server, client);
    assert_eq!(server.count("initialize"), 1);
    assert_eq!(server.sessions(), 0);
}

/// A header without a value opens no session: it is not sent back, and there is nothing to end.
#[apply(test)]
fn br23_an_empty_session_id_is_none() {
    let settings = Settings {
        has_sessions: false,
        ..Settings::on(Wire::Legacy)
    };
    let server = McpServer::with(settings, |message, state| {
        (message.method() == "initialize").then(|| state.behave(message).with("Mcp-Session-Id", ""))
    });
    let (home, mut client) = legacy(&server);
    assert_eq!(client.text("echo", json!({"text": "hello"})), "hello");
    client.finish().expect(0);
    let check = Program::new().args(["check", "--store", "file", &server.url()]);
    check.at_home(home.home()).run().expect(0);
    let messages = server.messages();
    let named = |message: &Message| message.header("mcp-session-id").is_some();
    assert!(!messages.iter().any(named), "{messages:?}");
    assert_eq!(server.count("DELETE"), 0);
}

/// Servers that say with a 400 what others say with a 404.
#[apply(test)]
fn br21_a_session_that_is_refused_with_400() {
    let server = McpServer::with(Settings::on(Wire::Legacy), |message, state| {
        let is_old = message
            .header("mcp-session-id")
            .is_some_and(|id| id.starts_with("session-1-"));
        (message.tool() == "echo" && is_old && state.noted("lost") > 0).then(|| {
            let error =
                json!({"code": -32000, "message": "Bad Request: No valid session ID provided"});
            Reply::json(400, &json!({"jsonrpc": "2.0", "id": null, "error": error}))
        })
    });
    let (_home, mut client) = legacy(&server);
    client.text("echo", json!({}));
    server.note("lost");
    assert_eq!(client.text("echo", json!({"text": "new"})), "new");
    assert_eq!(server.count("initialize"), 2);
    finish(&server, client);
}

/// A session that is lost again and again ends in an error, not in a loop.
#[apply(test)]
fn br21_a_server_that_forgets_every_session() {
    let server = McpServer::with(Settings::on(Wire::Legacy), |message, _| {
        (message.tool() == "echo").then(|| Reply::status(404))
    });
    let (_home, mut client) = legacy(&server);
    let answer = client.call("echo", json!({}));
    assert!(answer["error"]["message"].is_string(), "{answer}");
    assert!(
        server.count("initialize") <= 3,
        "{}",
        server.count("initialize")
    );
    finish_after_trouble(&server, client);
}

/// The server opens no other session: all calls get an error in time.
#[apply(waiting_test)]
fn br13_br22_a_session_that_does_not_open_again() {
    let server = McpServer::with(Settings::on(Wire::Legacy), |message, state| {
        let hangs = message.method() == "initialize" && state.noted("hangs") > 0;
        hangs.then(|| {
            Reply::pieces(|pieces| {
                pieces.until_closed();
            })
        })
    });
    let (_home, mut client) = legacy(&server);
    server.note("hangs");
    server.restart();
    let ids: Vec<_> = (0..16)
        .map(|_| client.ask_tool("echo", json!({})))
        .collect();
    for id in &ids {
        let message = error(&client.answer(id), -31005);
        assert!(message.contains("opens no session"), "{message}");
    }
    finish_after_trouble(&server, client);
}

/// A client that begins anew has two sessions at the server, and none at the end.
#[apply(test)]
fn br9_br23_a_client_that_begins_anew() {
    repeat("the end of both sessions", || {
        let (server, gate) = McpServer::behind_a_gate(Wire::Legacy, "slow");
        let (_home, mut client) = legacy(&server);
        server.wait_for_streams(1);
        let slow = client.ask_tool("slow", json!({}));
        server.wait_until("the call", |state| state.noted("held") == 1);
        client.initialize(json!({}));
        assert_eq!(client.text("echo", json!({"text": "anew"})), "anew");
        gate.open();
        assert_eq!(text_of(&client.answer(&slow)), "at last");
        server.wait_for_streams(2);
        assert_eq!(server.sessions(), 2);
        finish(&server, client);
        // Both have one second.
        let at_the_end = (server.sessions(), server.count("DELETE"));
        if at_the_end != (0, 2) {
            return None;
        }
        Some(())
    });
}

#[apply(test)]
fn br17_br18_the_stream_of_get_is_opened_again() {
    let server = McpServer::start(Wire::Legacy);
    let (_home, mut client) = legacy(&server);
    server.wait_for_streams(1);
    server.cut_streams();
    server.wait_for_streams(1);
    let note = |number: u64| json!({"jsonrpc": "2.0", "method": "notifications/x", "params": {"number": number}});
    server.push(Some("event-9"), &note(1));
    assert_eq!(client.server_says("notifications/x"), note(1));
    server.cut_streams();
    server.wait_for_streams(1);
    let last: Vec<_> = server
        .all("GET")
        .iter()
        .map(|it| it.header("last-event-id").map(str::to_owned))
        .collect();
    assert_eq!(last, [None, None, Some("event-9".to_owned())]);
    server.push(None, &note(2));
    assert_eq!(client.server_says("notifications/x"), note(2));
    finish(&server, client);
}

/// A server that has not seen yet that the stream was cut, and one that does not know the last event any more.
#[apply(waiting_test)]
fn br17_a_stream_that_is_refused_when_it_is_opened_again() {
    for (refused, opens_at) in [(409, 3), (400, 3)] {
        let server = McpServer::with(Settings::on(Wire::Legacy), move |message, state| {
            let is_get = message.method() == "GET";
            let is_refused = match refused {
                409 => state.count("GET") == 2,
                _ => message.header("last-event-id").is_some(),
            };
            (is_get && is_refused).then(|| Reply::text(refused, "text/plain", "not now"))
        });
        let (_home, mut client) = legacy(&server);
        server.wait_for_streams(1);
        let note = |number: u64| json!({"jsonrpc": "2.0", "method": "notifications/x", "params": {"number": number}});
        server.push(Some("event-9"), &note(1));
        client.server_says("notifications/x");
        server.cut_streams();
        server.wait_for_streams(1);
        assert_eq!(server.count("GET"), opens_at, "{refused}");
        server.push(None, &note(2));
        assert_eq!(client.server_says("notifications/x"), note(2));
        assert_eq!(server.count("initialize"), 1);
        finish(&server, client);
    }
}

/// Nothing but the stream of the server meets a restart: what it sends by itself goes on to come.
#[apply(test)]
fn br17_br21_a_restart_that_the_stream_meets() {
    for status in [404, 400] {
        let server =
            McpServer::with(Settings::on(Wire::Legacy), move |message, state| {
                let is_old = message
                    .header("mcp-session-id")
                    .is_some_and(|id| id.starts_with("session-1-"));
                (message.method() == "GET" && is_old && state.noted("lost") > 0).then(|| {
                let error =
                    json!({"code": -32000, "message": "Bad Request: No valid session ID provided"});
                Reply::json(status, &json!({"jsonrpc": "2.0", "id": null, "error": error}))
            })
            });
        let (_home, mut client) = legacy(&server);
        server.wait_for_streams(1);
        server.note("lost");
        server.restart();
        server.wait_for_streams(1);
        let note = json!({"jsonrpc": "2.0", "method": "notifications/x"});
        server.push(None, &note);
        assert_eq!(client.server_says("notifications/x"), note);
        assert_eq!(server.count("initialize"), 2, "{status}");
        finish(&server, client);
    }
}

/// How the server goes on after it has cut the stream of a call.
fn resuming(fails: usize) -> McpServer {
    McpServer::with(Settings::on(Wire::Legacy), move |message, state| {
        if message.tool() == "cut" {
            let first =
                json!({"jsonrpc": "2.0", "method": "notifications/x", "params": {"part": 1}});
            state.note(&message.json["id"].to_string());
            return Some(Reply::events(move |events| {
                events.raw(b"retry: 300\n");
                events.send_with_id("part-1", &first);
            }));
        }
        if message.method() == "GET" && message.header("last-event-id") == Some("part-1") {
            state.note("resumed");
            if state.noted("resumed") <= fails {
                return Some(Reply::status(503));
            }
            let id = state.calls("cut")[0].json["id"].clone();
            let second =
                json!({"jsonrpc": "2.0", "method": "notifications/x", "params": {"part": 2}});
            let result = json!({"jsonrpc": "2.0", "id": id, "result": {"content": [{"type": "text", "text": "whole"}]}});
            return Some(Reply::stream(vec![second, result]));
        }
        None
    })
}

#[apply(test)]
fn br18_br19_the_stream_of_a_call_is_resumed() {
    for fails in [0, 2] {
        let server = resuming(fails);
        let (_home, mut client) = legacy(&server);
        let id = client.ask_tool("cut", json!({}));
        for part in [1, 2] {
            assert_eq!(
                client.server_says("notifications/x")["params"]["part"],
                part
            );
        }
        assert_eq!(text_of(&client.answer(&id)), "whole");
        assert_eq!(server.calls("cut").len(), 1, "a call is sent once");
        let resumed = server.all("GET");
        let resumed = resumed
            .iter()
            .find(|it| it.header("last-event-id").is_some())
            .expect("a GET");
        let after = resumed.at - server.calls("cut")[0].at;
        assert!(
            after >= Duration::from_millis(300),
            "the pause that the server asks for: {after:?}"
        );
        finish(&server, client);
        assert_eq!(server.count("notifications/cancelled"), 0);
    }
}

/// Without an id of an event there is nothing to go on from: what was done is not known.
#[apply(test)]
fn br18_br19_a_stream_without_ids_is_cut() {
    let server = McpServer::tool(Wire::Legacy, "cut", |_, _| {
        Reply::events(|events| {
            events.send(&json!({"jsonrpc": "2.0", "method": "notifications/x"}));
        })
    });
    let (_home, mut client) = legacy(&server);
    let answer = client.call("cut", json!({}));
    client.server_says("notifications/x");
    error(&answer, -31005);
    assert_eq!(client.text("echo", json!({"text": "goes on"})), "goes on");
    finish_after_trouble(&server, client);
    assert_eq!(server.calls("cut").len(), 1);
    assert_eq!(server.count("notifications/cancelled"), 0);
    assert!(server
        .all("GET")
        .iter()
        .all(|it| it.header("last-event-id").is_none()));
}
