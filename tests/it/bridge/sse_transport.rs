//! Servers of the transport before Streamable HTTP: answers come on a stream that names where messages are posted.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use serde_json::json;

use super::{assert_refusals, error, legacy, refusal};
use crate::support::fake::{Fake, Reply};
use crate::support::mcp_server::{McpServer, Message, Settings, State, Wire};
use crate::support::stdio_client::{connect, log_in, text_of, StdioClient};
use crate::support::{repeat, PATIENCE};

/// How often a server sends something on a stream, and so sees whether it was closed.
const PULSE: Duration = Duration::from_millis(50);

/// Returns a server that speaks HTTP+SSE, for each `GET` on a stream of its own. The path behind `endpoint` says where its messages
/// are posted, and a message is answered on its stream. The tool `held` has no answer until `release` is called on the same
/// stream; `end` cuts the stream of this number.
fn server(endpoint: &'static str) -> McpServer {
    type Streams = Vec<Option<mpsc::Sender<String>>>;
    let streams = Mutex::new((Streams::new(), Vec::<(usize, String)>::new()));
    let answer = |message: &Message, state: &State| match state.behave_without_session(message) {
        Reply::Full { body, .. } => String::from_utf8(body).expect("UTF-8"),
        other => panic!("{other:?}"),
    };
    McpServer::with(Settings::on(Wire::Legacy), move |message, state| {
        let (streams, held) = &mut *streams.lock().expect("the streams");
        let (method, query) = (message.seen.method.as_str(), message.seen.query.as_str());
        if method == "GET" {
            let (sender, receiver) = mpsc::channel::<String>();
            let (receiver, number) = (Mutex::new(receiver), streams.len());
            streams.push(Some(sender));
            let state = Arc::clone(state);
            return Some(Reply::events(move |events| {
                events.raw(format!("event: endpoint\ndata: {endpoint}{number}\n\n").as_bytes());
                let answers = receiver.lock().expect("the stream");
                let mut next = || match answers.recv_timeout(PULSE) {
                    Ok(text) => events.raw(format!("data: {text}\n\n").as_bytes()),
                    Err(RecvTimeoutError::Timeout) => events.raw(b": still here\n\n"),
                    Err(RecvTimeoutError::Disconnected) => false,
                };
                while next() {}
                state.note("ended");
            }));
        }
        let Some(number) = query.strip_prefix("session=") else {
            return Some(Reply::status(405));
        };
        let number: usize = number.parse().expect("a stream");
        if state.noted("restart") > number {
            return Some(Reply::status(404));
        }
        if let Some(refusal) = refusal(message) {
            return Some(refusal);
        }
        if message.tool() == "held" {
            held.push((number, answer(message, state)));
            state.note("held");
            return Some(Reply::status(202));
        }
        if message.tool() == "end" {
            let stream = message.json["params"]["arguments"]["stream"].as_u64();
            streams[usize::try_from(stream.expect("a stream")).expect("a number")] = None;
        }
        let Some(stream) = &streams[number] else {
            return Some(Reply::status(202));
        };
        let mut answers = Vec::new();
        if message.tool() == "release" {
            let released = held.extract_if(.., |(stream, _)| *stream == number);
            answers.extend(released.map(|(_, text)| text));
        }
        if message.tool() == "asks" {
            let id = &message.json["params"]["arguments"]["id"];
            let asks = json!({"jsonrpc": "2.0", "id": id, "method": "elicitation/create"});
            answers.push(asks.to_string());
        }
        if message.tool() == "anonymous" {
            state.note("anonymous");
            let error = json!({"code": -32_603, "message": "broken"});
            answers.push(json!({"jsonrpc": "2.0", "id": null, "error": error}).to_string());
        } else if message.tool() == "broken" {
            let id = &message.json["id"];
            answers.push(format!(
                r#"{{"jsonrpc":"2.0","id":{id},"result":{{"x":NaN}}}}"#
            ));
        } else if message.json.get("id").is_some() && message.json.get("method").is_some() {
            answers.push(answer(message, state));
        }
        for text in answers {
            stream.send(text).expect("a reader");
        }
        Some(Reply::text(202, "text/plain", "Accepted"))
    })
}

#[apply(test)]
fn old_servers_of_the_transport_with_an_endpoint_are_bridged() {
    for endpoint in ["/mcp?session=", "?session="] {
        let server = server(endpoint);
        let (_home, mut client) = legacy(&server);
        assert_eq!(client.text("echo", json!({"text": "old"})), "old");
        let ids: Vec<_> = (0..8)
            .map(|it| client.ask_tool("echo", json!({"text": it.to_string()})))
            .collect();
        for (number, id) in ids.iter().enumerate() {
            let answer = client.answer(id);
            assert_eq!(answer["result"]["content"][0]["text"], number.to_string());
        }
        client.finish().expect(0);
    }
}

/// An error that names no request, on a stream on which one answer is expected.
#[apply(test)]
fn br13_an_error_without_an_id_on_the_stream() {
    let server = server("?session=");
    let (_home, mut client) = legacy(&server);
    for _ in 0..2 {
        assert_eq!(
            client.call("anonymous", json!({}))["error"]["message"],
            "broken"
        );
    }
    let held = client.ask_tool("held", json!({}));
    server.wait_until("the held call", |state| state.noted("held") == 1);
    error(&client.call("broken", json!({})), -31005);
    let lost = client.ask_tool("anonymous", json!({}));
    server.wait_until("the third one", |state| state.noted("anonymous") == 3);
    client.text("release", json!({}));
    assert_eq!(text_of(&client.answer(&held)), "called held");
    client.notify("notifications/cancelled", json!({"requestId": lost}));
    assert_eq!(client.text("echo", json!({"text": "on"})), "on");
    client.finish().expect(0);
}

/// A client that begins anew has two streams. The end of one is that of its own calls, and of no others; an earlier stream on
/// which nothing is expected is closed.
#[apply(test)]
fn br13_br19_the_end_of_one_stream_of_several() {
    repeat("a stream that opens in time", || {
        let server = server("?session=");
        let (_home, mut client) = legacy(&server);
        let first = client.ask_tool("held", json!({}));
        server.wait_until("the first call", |state| state.noted("held") == 1);
        let opened = client.initialize(json!({}));
        opened.get("result")?;
        let second = client.ask_tool("held", json!({}));
        server.wait_until("the second call", |state| state.noted("held") == 2);
        client.text("end", json!({"stream": 0}));
        let message = error(&client.answer(&first), -31005);
        assert!(message.contains("ended its stream"), "{message}");
        client.text("release", json!({}));
        assert_eq!(text_of(&client.answer(&second)), "called held");
        assert_eq!(server.count("GET"), 2);
        // Each is refused at the server's URL first.
        assert_eq!(server.count("initialize"), 4);
        // Nothing is expected on the second stream when the third one opens.
        let opened = client.initialize(json!({}));
        opened.get("result")?;
        server.wait_until("the end of the second stream", |state| {
            state.noted("ended") == 2
        });
        assert_eq!(client.text("echo", json!({"text": "third"})), "third");
        client.finish().expect(0);
        Some(())
    });
}

/// The stream is opened again for what comes next, with what the client had opened it with; one stream for all.
#[apply(test)]
fn br21_br22_a_stream_that_ended_is_opened_again() {
    repeat("a stream that opens again in time", || {
        let server = server("?session=");
        let (_home, mut client) = legacy(&server);
        let end = client.ask_tool("end", json!({"stream": 0}));
        error(&client.answer(&end), -31005);
        let ids: Vec<_> = (0..16)
            .map(|it| client.ask_tool("echo", json!({"text": it.to_string()})))
            .collect();
        for (number, id) in ids.iter().enumerate() {
            let answer = client.answer(id);
            answer.get("result")?;
            assert_eq!(text_of(&answer), number.to_string());
        }
        let counts = ["GET", "initialize", "notifications/initialized"].map(|it| server.count(it));
        // The first one is refused at the server's URL.
        assert_eq!(counts, [2, 3, 2]);
        client.finish().expect(0);
        Some(())
    });
}

/// The server knows the session no more, but the stream stays open: one new stream for all calls, and none is lost.
#[apply(test)]
fn br21_br22_a_session_with_an_endpoint_that_is_lost() {
    repeat("a stream that opens again in time", || {
        let server = server("?session=");
        let (_home, mut client) = legacy(&server);
        server.note("restart");
        let ids: Vec<_> = (0..16)
            .map(|it| client.ask_tool("echo", json!({"text": it.to_string()})))
            .collect();
        for (number, id) in ids.iter().enumerate() {
            let answer = client.answer(id);
            answer.get("result")?;
            assert_eq!(text_of(&answer), number.to_string());
        }
        server.wait_until("the end of the first stream", |state| {
            state.noted("ended") == 1
        });
        assert_eq!(server.count("GET"), 2);
        // The next ones are lost at once: an error, and no loop.
        (0..8).for_each(|_| server.note("restart"));
        error(&client.call("echo", json!({})), -31002);
        assert_eq!(server.count("GET"), 3);
        client.finish().expect(0);
        Some(())
    });
}

/// What the server asks, a cancellation, and an expired token.
#[apply(test)]
fn br15_br24_br42_messages_beside_calls_on_a_stream_with_an_endpoint() {
    let server = server("?session=");
    let (_home, mut client) = legacy(&server);
    let held = client.ask_tool("held", json!({}));
    server.wait_until("the call", |state| state.noted("held") == 1);
    // The ids of the server are its own.
    let id = client.ask_tool("asks", json!({"id": held}));
    let asked = client.server_says("elicitation/create");
    assert_eq!(asked["id"], held);
    client.send(&json!({"jsonrpc": "2.0", "id": held, "result": {"to": "server"}}));
    assert_eq!(server.response(&held)["result"]["to"], "server");
    assert_eq!(text_of(&client.answer(&id)), "called asks");
    server.expire();
    assert_eq!(
        client.text("echo", json!({"text": "new token"})),
        "new token"
    );
    assert_eq!(server.login.refreshes(), 1);
    client.notify("notifications/cancelled", json!({"requestId": held}));
    server.wait_until("the cancellation", |state| {
        state.count("notifications/cancelled") == 1
    });
    assert_eq!(client.finish().expect(0).stderr, "");
}

/// Messages and the token go to no other origin.
#[apply(test)]
fn br46_an_endpoint_of_another_origin() {
    let other = Fake::start();
    for user in ["", "ann@"] {
        let endpoint = other.mcp().replace("://", &format!("://{user}"));
        let server = server(endpoint.leak());
        let home = log_in(&server);
        let mut client = StdioClient::start(connect(&server, home.home()));
        let answer = client.initialize(json!({}));
        assert!(
            answer["error"]["code"]
                .as_i64()
                .is_some_and(|code| code < -31000),
            "{answer}"
        );
        client.finish().expect(0);
    }
    assert!(other.seen().is_empty(), "{:?}", other.seen());
}

/// Long answers on several streams at once, as with Streamable HTTP. A client that begins anew gets a stream each time.
#[cfg(target_os = "linux")]
#[apply(long_test)]
fn br47_long_results_on_streams_with_an_endpoint_share_memory() {
    const STREAMS: usize = 16;
    const BYTES: usize = 8_000_000;
    let streams = AtomicUsize::new(0);
    let (posted, has_posted) = mpsc::channel();
    // Held until all streams are open.
    let gate = Arc::new(RwLock::new(()));
    let closed = gate.write().expect("the gate");
    let server = McpServer::with(Settings::on(Wire::Legacy), {
        let gate = Arc::clone(&gate);
        move |message, _| match (message.seen.method.as_str(), message.seen.query.as_str()) {
            ("GET", _) => {
                let id = streams.fetch_add(1, Ordering::SeqCst) + 1;
                let gate = Arc::clone(&gate);
                Some(Reply::events(move |events| {
                    events.raw(b"event: endpoint\ndata: ?session=7\n\n");
                    drop(gate.read());
                    let start = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"text":""#);
                    let text = "x".repeat(BYTES);
                    let event = ["data: ", &start, &text, "\"}}\n\n"].concat();
                    events.raw(event.as_bytes());
                    events.until_closed();
                }))
            }
            (_, "") => Some(Reply::status(405)),
            _ => {
                posted.send(()).expect("the test");
                Some(Reply::status(202))
            }
        }
    });
    let home = log_in(&server);
    let mut client = StdioClient::start(connect(&server, home.home()));
    let process = client.running.process();
    client.line("no message");
    client.next("that it has started", |line| line.json["id"].is_null());
    let before = process.status("VmHWM");
    let ids: Vec<_> = (0..STREAMS)
        .map(|_| {
            let id = client.ask("initialize", json!({}));
            has_posted.recv_timeout(PATIENCE).expect("a message");
            id
        })
        .collect();
    drop(closed);
    for id in &ids {
        let answer = client.next("an answer", |line| line.json["id"] == *id);
        let text = answer.json["result"]["text"].as_str();
        let text = text.unwrap_or_else(|| panic!("{}", answer.text));
        assert_eq!(text.len(), BYTES);
    }
    let (after, of_all) = (process.status("VmHWM"), (STREAMS * BYTES) as u64 / 1024);
    println!("peak memory: {before} KiB, with {STREAMS} results of {BYTES} bytes {after} KiB");
    // What is shared, and one answer beyond it.
    let most = before + 64 * 1024 + (BYTES as u64 / 1024) + 24 * 1024;
    assert!(after < most && most < of_all, "{after} KiB of {most}");
    client.finish().expect(0);
}

#[apply(test)]
fn br13_br45_refusals_of_servers_with_an_endpoint() {
    let server = server("?session=");
    let (_home, mut client) = legacy(&server);
    assert_refusals(&server, &mut client);
    client.finish().expect(0);
}
