//! Servers of the transport before Streamable HTTP: answers come on a stream that names where messages are posted.

use std::sync::{mpsc, Mutex};

use serde_json::json;

use super::legacy;
use crate::support::fake::{Fake, Reply};
use crate::support::mcp_server::{McpServer, Message, Settings, State, Wire};
use crate::support::stdio_client::{connect, log_in, StdioClient};

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
