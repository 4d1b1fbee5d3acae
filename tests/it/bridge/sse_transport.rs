//! Servers of the transport before Streamable HTTP: answers come on a stream that names where messages are posted.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{mpsc, Arc, Mutex, RwLock};

use serde_json::json;

use super::legacy;
use crate::support::fake::{Fake, Reply};
use crate::support::mcp_server::{McpServer, Message, Settings, State, Wire};
use crate::support::stdio_client::{connect, log_in, StdioClient, ANSWER};

/// Returns a server that speaks HTTP+SSE: `endpoint` says where messages are posted; answers come on the stream of `GET`.
fn server(endpoint: &'static str) -> McpServer {
    let stream = Mutex::new(None::<mpsc::Sender<String>>);
    let answer = |message: &Message, state: &State| match state.behave_without_session(message) {
        Reply::Full { body, .. } => String::from_utf8(body).expect("UTF-8"),
        other => panic!("{other:?}"),
    };
    McpServer::with(Settings::on(Wire::Legacy), move |message, state| {
        let mut stream = stream.lock().expect("the stream");
        match (message.seen.method.as_str(), message.seen.query.as_str()) {
            ("GET", "") => {
                let (sender, receiver) = mpsc::channel::<String>();
                *stream = Some(sender);
                let receiver = Mutex::new(receiver);
                Some(Reply::events(move |events| {
                    events.raw(format!("event: endpoint\ndata: {endpoint}\n\n").as_bytes());
                    for text in receiver.lock().expect("the stream").iter() {
                        events.raw(format!("event: message\ndata: {text}\n\n").as_bytes());
                    }
                }))
            }
            ("POST", "session=7") => {
                if message.json.get("id").is_some() {
                    let text = answer(message, state);
                    stream
                        .as_ref()
                        .expect("a stream")
                        .send(text)
                        .expect("a reader");
                }
                Some(Reply::text(202, "text/plain", "Accepted"))
            }
            _ => Some(Reply::status(405)),
        }
    })
}

#[apply(test)]
fn old_servers_of_the_transport_with_an_endpoint_are_bridged() {
    for endpoint in ["/mcp?session=7", "?session=7"] {
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
            has_posted.recv_timeout(ANSWER).expect("a message");
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
