//! Servers that keep nothing to its end, or send what nobody can use: no request waits for another one.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{error, finish, finish_after_trouble, legacy};
use crate::support::fake::{Gate, Reply};
use crate::support::mcp_server::{McpServer, Settings, Wire};
use crate::support::stdio_client::{connect, log_in, text_of, StdioClient};
use crate::support::{in_time, repeat};

/// How many requests the bridge has under way at most.
const MOST_REQUESTS: usize = 128;

/// The stream with the answer to `initialize` stays open; the session is there all the same.
#[apply(test)]
fn br13_a_stream_that_goes_on_after_the_opening() {
    let server = McpServer::with(
        Settings {
            has_sessions: false,
            has_get: false,
            ..Settings::on(Wire::Legacy)
        },
        |message, state| {
            (message.method() == "initialize").then(|| {
                let Reply::Full { body, .. } = state.behave(message) else {
                    panic!("a whole answer");
                };
                Reply::events(move |events| {
                    events.raw(&[b"data: ", body.as_slice(), b"\n\n"].concat());
                    events.until_closed();
                })
            })
        },
    );
    let (_home, mut client) = legacy(&server);
    assert_eq!(client.text("echo", json!({"text": "at once"})), "at once");
    finish(&server, client);
}

/// The server asks something before it answers `initialize`, and waits for the response.
#[apply(test)]
fn br13_a_question_before_the_session_is_open() {
    let gate = Gate::default();
    let server = McpServer::with(Settings::on(Wire::Legacy), move |message, state| {
        if message.json["id"] == "early" {
            let is_of_session = message.header("mcp-session-id").is_some();
            state.note(if is_of_session { "early" } else { "lost" });
            gate.open();
            return Some(Reply::status(202));
        }
        let asked = gate.clone();
        (message.method() == "initialize").then(|| {
            let Reply::Full { headers, body, .. } = state.behave(message) else {
                panic!("a whole answer");
            };
            Reply::pieces(move |pieces| {
                let headers: Vec<_> = headers
                    .iter()
                    .map(|(name, value)| (name.as_str(), value.as_str()))
                    .filter(|(name, _)| name.eq_ignore_ascii_case("mcp-session-id"))
                    .collect();
                pieces.begin("text/event-stream", &headers);
                pieces
                    .chunk(b"data: {\"jsonrpc\":\"2.0\",\"id\":\"early\",\"method\":\"ping\"}\n\n");
                asked.pass();
                pieces.chunk(&[b"data: ", body.as_slice(), b"\n\n"].concat());
                pieces.end();
            })
        })
    });
    let home = log_in(&server);
    let mut client = StdioClient::start(connect(&server, home.home()));
    let params = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}});
    let id = client.ask("initialize", params);
    assert_eq!(client.server_says("ping")["id"], "early");
    client.send(&json!({"jsonrpc": "2.0", "id": "early", "result": {}}));
    assert!(client.answer(&id)["result"].is_object());
    assert_eq!((server.noted("early"), server.noted("lost")), (1, 0));
    client.notify("notifications/initialized", json!({}));
    assert_eq!(client.text("echo", json!({"text": "open"})), "open");
    // The revision of a session that is not open cannot be named.
    assert_eq!(client.finish().expect(0).stderr, "");
}

/// Notifications are answered with streams that do not end; what is sent after them arrives.
#[apply(test)]
fn br4_streams_that_answer_notifications() {
    const NOTE: &str = "notifications/roots/list_changed";
    let server = McpServer::with(Settings::on(Wire::Legacy), |message, _| {
        (message.method() == NOTE).then(|| {
            Reply::events(|events| {
                events.until_closed();
            })
        })
    });
    let (_home, mut client) = legacy(&server);
    for _ in 0..2 * MOST_REQUESTS {
        client.notify(NOTE, json!({}));
    }
    assert_eq!(client.text("echo", json!({"text": "after"})), "after");
    server.wait_until("each of them", |state| {
        state.count(NOTE) == 2 * MOST_REQUESTS
    });
    finish(&server, client);
}

/// As many requests as there may be wait for what comes behind them: it comes.
#[apply(test)]
fn br4_what_requests_wait_for_is_not_behind_them() {
    let (server, gate) = McpServer::behind_a_gate(Wire::Legacy, "slow");
    let (_home, mut client) = legacy(&server);
    let slow: Vec<_> = (0..MOST_REQUESTS)
        .map(|_| client.ask_tool("slow", json!({})))
        .collect();
    server.wait_until("the calls", |state| state.noted("held") == MOST_REQUESTS);
    let next = client.ask_tool("echo", json!({"text": "next"}));
    client.send(&json!({"jsonrpc": "2.0", "id": "of the server", "result": {"of": "client"}}));
    let response = server.response(&"of the server".into());
    assert_eq!(response["result"]["of"], "client");
    let cancelled = json!({"requestId": slow[0]});
    client.notify("notifications/cancelled", cancelled);
    assert_eq!(text_of(&client.answer(&next)), "next");
    gate.open();
    for id in &slow[1..] {
        assert_eq!(text_of(&client.answer(id)), "at last");
    }
    finish(&server, client);
}

/// What a server wants to have back in headers cannot be in any: what it serves, the client gets all the same.
#[apply(test)]
fn br47_what_no_header_can_hold() {
    let server = McpServer::with(Settings::on(Wire::Legacy), |message, state| {
        if message.tool() == "cut" {
            return Some(Reply::events(|events| {
                events.raw(b"id: \x1b[31m\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/cut\"}\n\n");
            }));
        }
        if message.method() != "initialize" {
            let is_named = message.header("mcp-protocol-version").is_some();
            state.note(if is_named { "named" } else { "unnamed" });
            return (message.tool() == "odd").then(|| Reply::json(200, &message.says("at once")));
        }
        let result = json!({"protocolVersion": "1\r\nx: y", "capabilities": {}, "serverInfo": {"name": "fake", "version": ""}});
        let answer = json!({"jsonrpc": "2.0", "id": message.json["id"], "result": result});
        Some(Reply::json(200, &answer))
    });
    let (_home, mut client) = legacy(&server);
    assert_eq!(text_of(&client.call("odd", json!({}))), "at once");
    assert_eq!(server.noted("named"), 0);
    // Without an id that can be sent back, nothing is resumed.
    repeat("the end of a stream", || {
        let started = Instant::now();
        let message = error(&client.call("cut", json!({})), -31005);
        assert!(message.contains("ended its stream"), "{message}");
        client.server_says("notifications/cut");
        (started.elapsed().as_secs() < 5).then_some(())
    });
    client.finish().expect(0);
}

/// The body of a refusal never ends.
#[apply(test)]
fn br45_a_refusal_that_does_not_end() {
    let server = McpServer::tool(Wire::Legacy, "refused", |_, _| {
        Reply::pieces(|pieces| {
            pieces.raw(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 100\r\n\r\nbecause");
            pieces.until_closed();
        })
    });
    let (_home, mut client) = legacy(&server);
    let message = error(&client.call("refused", json!({})), -31002);
    assert!(message.contains("status 400"), "{message}");
    assert_eq!(client.text("echo", json!({"text": "on"})), "on");
    finish_after_trouble(&server, client);
}

/// The pause that a server asks for before its stream is opened again: too long a one is an end, none at all is no loop.
#[apply(test)]
fn br46_pauses_that_nobody_can_keep() {
    let gate = Gate::default();
    let opened = gate.clone();
    let server = McpServer::with(Settings::on(Wire::Legacy), move |message, state| {
        let pause = match (message.method(), message.tool()) {
            ("GET", _) => "0",
            (_, "cut") => "86400000",
            (_, "count") => {
                let text = state.noted("GET").to_string();
                return Some(Reply::json(200, &message.says(&text)));
            }
            _ => return None,
        };
        state.note(message.method());
        if state.noted("GET") == 8 {
            opened.open();
        }
        let text = format!("id: 1\nretry: {pause}\ndata:\n\n");
        Some(Reply::text(200, "text/event-stream", text))
    });
    let home = log_in(&server);
    let began = Instant::now();
    let mut client = StdioClient::legacy(connect(&server, home.home()));
    error(&client.call("cut", json!({})), -31005);
    gate.pass();
    let count: u128 = client.text("count", json!({})).parse().expect("a count");
    let most = 1 + began.elapsed().as_millis() / 250;
    assert!(count <= most, "{count} streams, at most {most}");
    finish_after_trouble(&server, client);
}

/// A server that repeats what it was sent: the token is in no sentence of ours.
#[apply(test)]
fn br46_a_server_that_repeats_the_token() {
    let server = McpServer::with(Settings::on(Wire::Legacy), |message, _| {
        let status = message.tool().parse().ok()?;
        let token = message.header("authorization").unwrap_or_default();
        let text = format!("do not know \x1b]0;x\x07{token}\r\nmcp-login: forged");
        Some(Reply::text(status, "text/plain", text))
    });
    let (home, mut client) = legacy(&server);
    let kept = home.kept(&server.url());
    let token = kept["access_token"].as_str().expect("a token").to_owned();
    for status in ["400", "403", "500"] {
        let answer = client.call(status, json!({})).to_string();
        assert!(answer.contains("do not know Bearer ***"), "{answer}");
        assert!(!answer.contains(&token), "{answer}");
    }
    let said = finish_after_trouble(&server, client).stderr;
    assert!(
        said.contains("do not know") && !said.contains(&token),
        "{said}"
    );
    let is_plain = |line: &str| line.starts_with("mcp-login: ") && !line.contains('\x1b');
    assert!(said.lines().all(is_plain), "{said}");
    assert!(!said.contains("\nmcp-login: forged"), "{said}");
}

#[apply(test)]
fn br45_a_refusal_that_is_a_page() {
    let server = McpServer::with(Settings::on(Wire::Legacy), |message, _| {
        let status = message.tool().parse().ok()?;
        Some(Reply::text(status, "text/html", "<h1>Forbidden</h1>"))
    });
    let (_home, mut client) = legacy(&server);
    for (status, words) in [
        ("403", "refuses this account (a web page); "),
        ("404", "answered with status 404 (a web page); "),
        ("500", "answered with status 500 (a web page); "),
    ] {
        let answer = client.call(status, json!({})).to_string();
        assert!(answer.contains(words), "{answer}");
    }
    finish_after_trouble(&server, client);
}

/// An id that is still open, used for `initialize`: only that one is refused, and nothing waits for it.
#[apply(test)]
fn br13_an_opening_that_is_refused_here() {
    let (server, gate) = McpServer::behind_a_gate(Wire::Legacy, "slow");
    let (_home, mut client) = legacy(&server);
    let slow = client.ask_tool("slow", json!({}));
    server.wait_until("the call", |state| state.noted("held") == 1);
    client.send(&json!({"jsonrpc": "2.0", "id": slow, "method": "initialize", "params": {}}));
    assert_eq!(client.answer(&slow)["error"]["code"], -32600);
    assert_eq!(client.text("echo", json!({"text": "next"})), "next");
    gate.open();
    assert_eq!(text_of(&client.answer(&slow)), "at last");
    finish(&server, client);
}

/// The stream of an old server ends before anything was posted.
#[apply(test)]
fn br13_a_stream_that_only_names_where_to_post() {
    let server = McpServer::with(Settings::on(Wire::Legacy), |message, _| {
        let seen = &message.seen;
        Some(match (seen.method.as_str(), seen.query.as_str()) {
            ("GET", _) => Reply::text(
                200,
                "text/event-stream",
                "event: endpoint\ndata: /mcp?session=7\n\n",
            ),
            ("POST", "session=7") => Reply::status(202),
            _ => Reply::status(405),
        })
    });
    let home = log_in(&server);
    let mut client = StdioClient::start(connect(&server, home.home()));
    error(&client.initialize(json!({})), -31005);
    client.finish().expect(0);
}

/// A line of more than 256 MiB may have been a request.
#[apply(test)]
fn br46_a_line_that_is_too_long() {
    let server = McpServer::start(Wire::Legacy);
    let (_home, mut client) = legacy(&server);
    client.line(&"y".repeat(256 * 1024 * 1024 + 1));
    assert!(error(&client.answer(&json!(null)), -32600).contains("too long"));
    assert_eq!(client.text("echo", json!({"text": "goes on"})), "goes on");
    finish_after_trouble(&server, client);
}

/// Interim responses may come in any number, but not for ever.
#[apply(test)]
fn br46_interim_responses_without_end() {
    const INTERIM: &[u8] = b"HTTP/1.1 102 Processing\r\n\r\n";
    let server = McpServer::with(Settings::on(Wire::Legacy), |message, _| {
        let answer = message.says("good").to_string();
        match message.tool() {
            "some" => Some(Reply::Raw(
                [
                    INTERIM.repeat(1000),
                    format!(
                        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{answer}",
                        answer.len()
                    )
                    .into_bytes(),
                ]
                .concat(),
            )),
            "endless" => Some(Reply::Endless {
                head: INTERIM.to_vec(),
                again: INTERIM.repeat(1000),
                pause: Duration::ZERO,
            }),
            _ => None,
        }
    });
    let (_home, mut client) = legacy(&server);
    assert_eq!(client.text("some", json!({})), "good");
    let started = Instant::now();
    let answer = client.call("endless", json!({}));
    in_time("the error", started, Duration::from_secs(10));
    let said = error(&answer, -31005);
    assert!(said.contains("is too large"), "{said}");
    assert_eq!(server.calls("endless").len(), 1);
    finish_after_trouble(&server, client);
}
