//! Server-sent events, in every form in which they come.

use serde_json::{json, Value};

use super::{error, finish, finish_after_trouble, legacy};
use crate::support::fake::{Gate, Reply};
use crate::support::mcp_server::{McpServer, Wire};
use crate::support::stdio_client::text_of;

/// What stands for the answer in a stream, and for the two halves of it that are a valid line each.
const ANSWER: &str = "ANSWER";

/// Forms of a stream with one answer.
const FORMS: &[(&str, &str)] = &[
    ("LF", "event: message\ndata: ANSWER\n\n"),
    ("CRLF", "event: message\r\ndata: ANSWER\r\n\r\n"),
    ("CR", "event: message\rdata: ANSWER\r\r"),
    ("a byte order mark", "\u{feff}data: ANSWER\n\n"),
    ("comments", ": hello\n\n:\n: and\ndata: ANSWER\n: more\n\n"),
    ("no blank", "data:ANSWER\n\n"),
    (
        "fields that nobody knows",
        "x: y\nfoo\ndata: ANSWER\nretry: soon\n\n",
    ),
    ("an id and a pause", "id: 1\nretry: 5\ndata: ANSWER\n\n"),
    ("empty data before", "id: 0\ndata:\n\ndata: ANSWER\n\n"),
    ("no data before", "id: 0\n\nevent: ping\n\ndata: ANSWER\n\n"),
    (
        "several lines",
        "data: {\ndata: \"jsonrpc\": \"2.0\",\ndata: REST\n\n",
    ),
    (
        "several lines, CRLF",
        "data: {\r\ndata: \"jsonrpc\": \"2.0\",\r\ndata: REST\r\n\r\n",
    ),
    (
        "a last event that is not finished",
        "data: ANSWER\n\ndata: {\"jsonrpc\": \"2.0\", \"method\": \"notifications/never\"}\n",
    ),
];

fn form(name: &str, answer: &Value) -> Vec<u8> {
    let (_, form) = FORMS.iter().find(|(it, _)| *it == name).expect("a form");
    let rest = json!({"id": answer["id"], "result": answer["result"]}).to_string();
    form.replace(ANSWER, &answer.to_string())
        .replace("REST", &rest[1..])
        .into_bytes()
}

/// Each form comes whole, in chunks of three bytes, which divide letters, and byte by byte.
#[apply(test)]
fn br40_forms_of_events() {
    let server = McpServer::tool(Wire::Both, "odd", |message, _| {
        let arguments = &message.json["params"]["arguments"];
        let name = arguments["form"].as_str().expect("a form");
        let size = usize::try_from(arguments["size"].as_u64().expect("a size")).expect("a size");
        let bytes = form(name, &message.says(&format!("\u{65e5}\u{1f600} {name}")));
        Reply::events(move |events| {
            for part in bytes.chunks(size) {
                events.raw(part);
            }
            events.end();
        })
    });
    let (_home, mut client) = legacy(&server);
    for (name, _) in FORMS {
        for size in [1 << 20, 3, 1] {
            let text = client.text("odd", json!({"form": name, "size": size}));
            assert_eq!(text, format!("\u{65e5}\u{1f600} {name}"), "{size}");
        }
    }
    finish(&server, client);
}

/// A stream is decoded like any text of the web: what is no UTF-8 costs its letter, and not the answer. The stream stays open.
#[apply(test)]
fn br40_an_answer_with_what_is_no_utf_8() {
    let gate = Gate::default();
    let held = gate.clone();
    let server = McpServer::tool(Wire::Both, "odd", move |message, _| {
        let (answer, gate) = (message.says("a?\u{65e5}").to_string(), held.clone());
        let odd: Vec<_> = answer
            .bytes()
            .map(|it| if it == b'?' { 0xff } else { it })
            .collect();
        Reply::events(move |events| {
            events.raw(&[b"data: ", odd.as_slice(), b"\n\n"].concat());
            gate.pass();
        })
    });
    let (_home, mut client) = legacy(&server);
    assert_eq!(client.text("odd", json!({})), "a\u{fffd}\u{65e5}");
    gate.open();
    finish(&server, client);
}

/// Answers that cannot be read, and those that are only odd, on streams that stay open: each is the end of its call.
#[apply(test)]
fn br13_answers_that_cannot_be_read() {
    let gate = Gate::default();
    let held = gate.clone();
    let server = McpServer::tool(Wire::Both, "odd", move |message, _| {
        let form = message.json["params"]["arguments"]["form"].as_str();
        let form = form.expect("a form").to_owned();
        let (id, gate) = (message.json["id"].to_string(), held.clone());
        Reply::events(move |events| {
            // Neither is an answer to anything.
            events.raw(
                b"data: ping\n\ndata: {\"method\":\"notifications/x\",\"params\":{\"x\":NaN}}\n\n",
            );
            events.raw(format!("data: {}\n\n", form.replace("ID", &id)).as_bytes());
            gate.pass();
        })
    });
    let (_home, mut client) = legacy(&server);
    for form in [
        r#"{"jsonrpc":"2.0","id":ID,"result":{"x":NaN}}"#,
        r#"{"jsonrpc":"2.0","id":ID,"result":{"x":"#,
        r#"{"jsonrpc":"2.0","id":ID}"#,
    ] {
        let message = error(&client.call("odd", json!({"form": form})), -31005);
        assert!(message.contains("JSON that is no response"), "{message}");
    }
    for (form, member) in [
        (r#"{"jsonrpc":"2.0","id":ID,"result":null}"#, "result"),
        (
            r#"{"jsonrpc":"2.0","result":null,"error":{"code":7,"message":"m"},"id":ID}"#,
            "error",
        ),
    ] {
        let id = client.ask_tool("odd", json!({"form": form}));
        let line = client.answer_line(&id);
        assert_eq!(line.text, form.replace("ID", &id.to_string()));
        assert!(line.json.get(member).is_some());
    }
    gate.open();
    finish_after_trouble(&server, client);
}

/// An event that ends with its stream and not with an empty line never happened.
#[apply(test)]
fn br40_an_answer_that_is_not_finished() {
    let server = McpServer::tool(Wire::Legacy, "odd", |message, _| {
        let text = format!("data: {}\n", message.says("half"));
        Reply::text(200, "text/event-stream", text)
    });
    let (_home, mut client) = legacy(&server);
    let answer = client.call("odd", json!({}));
    error(&answer, -31005);
    finish_after_trouble(&server, client);
}

#[apply(test)]
fn br40_five_megabytes_in_one_event() {
    let server = McpServer::tool(Wire::Both, "big", |message, _| {
        Reply::stream(vec![message.says(&"\u{fc}".repeat(2_500_000))])
    });
    let (_home, mut client) = legacy(&server);
    let text = client.text("big", json!({}));
    assert_eq!(text.len(), 5_000_000);
    finish(&server, client);
}

#[apply(test)]
fn br41_progress_comes_before_the_result_in_order() {
    let server = McpServer::tool(Wire::Both, "work", |message, _| {
        let progress = |number| {
            let params = json!({"progressToken": "t", "progress": number, "total": 100});
            json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": params})
        };
        let messages = (1..=100).map(progress).chain([message.says("done")]);
        Reply::stream(messages.collect())
    });
    let (_home, mut client) = legacy(&server);
    let params = json!({"name": "work", "arguments": {}, "_meta": {"progressToken": "t"}});
    let id = client.ask("tools/call", params);
    for number in 1..=100 {
        let line = client.next("a line", |_| true).json;
        assert_eq!(line["params"]["progress"], number, "{line}");
    }
    let last = client.next("a line", |_| true).json;
    assert_eq!((&last["id"], text_of(&last).as_str()), (&id, "done"));
    finish(&server, client);
}

/// The server sends the next notification only when the client has the one before.
#[apply(test)]
fn br41_notifications_come_as_they_are_sent() {
    let gates = [Gate::default(), Gate::default()];
    let held = gates.clone();
    let server = McpServer::tool(Wire::Both, "work", move |message, _| {
        let (gates, result) = (held.clone(), message.says("done"));
        Reply::events(move |events| {
            for (number, gate) in gates.iter().enumerate() {
                let params = json!({"level": "info", "data": number});
                events.send(
                    &json!({"jsonrpc": "2.0", "method": "notifications/message", "params": params}),
                );
                gate.pass();
            }
            events.send(&result);
            events.end();
        })
    });
    let (_home, mut client) = legacy(&server);
    let id = client.ask_tool("work", json!({}));
    for (number, gate) in gates.iter().enumerate() {
        let note = client.server_says("notifications/message");
        assert_eq!(note["params"]["data"], number);
        gate.open();
    }
    assert_eq!(text_of(&client.answer(&id)), "done");
    finish(&server, client);
}
