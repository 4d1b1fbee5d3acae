//! The side of stdin and stdout.

use serde_json::{json, Value};

use super::{finish, finish_after_trouble, legacy, on, WIRES};
use crate::support::fake::Reply;
use crate::support::mcp_server::{McpServer, Settings, Wire};
use crate::support::stdio_client::text_of;

/// Line ends inside a message, as JSON allows them between its parts.
#[apply(test)]
fn br1_one_message_is_one_line() {
    let server = McpServer::tool(Wire::Both, "pretty", |message, _| {
        let pretty = serde_json::to_string_pretty(&message.says("a\nb\u{2028}c")).expect("JSON");
        if message.json["params"]["arguments"]["by"] == "events" {
            let lines: String = pretty
                .lines()
                .map(|line| format!("data: {line}\n"))
                .collect();
            let text = format!("event: message\n{lines}\n");
            return Reply::text(200, "text/event-stream", text);
        }
        Reply::text(200, "application/json", pretty.replace('\n', "\r\n") + "\n")
    });
    let (_home, mut client) = legacy(&server);
    for by in ["body", "events"] {
        assert_eq!(client.text("pretty", json!({"by": by})), "a\nb\u{2028}c");
    }
    finish(&server, client);
}

#[apply(test)]
fn br4_br13_answers_come_in_any_order_each_to_its_request() {
    for wire in WIRES {
        let (server, gate) = McpServer::behind_a_gate(wire, "slow");
        let (_home, mut client) = on(wire, &server);
        let slow: Vec<_> = (0..16)
            .map(|_| client.ask_tool("slow", json!({})))
            .collect();
        server.wait_until("16 calls at once", |state| state.noted("held") == 16);
        assert_eq!(client.text("echo", json!({"text": "first"})), "first");
        gate.open();
        for id in slow.iter().rev() {
            assert_eq!(text_of(&client.answer(id)), "at last");
        }
        finish(&server, client);
    }
}

#[apply(test)]
fn br5_a_batch_is_split() {
    let server = McpServer::start(Wire::Legacy);
    let (_home, mut client) = legacy(&server);
    let call = |id: &str, text: &str| {
        let params = json!({"name": "echo", "arguments": {"text": text}});
        json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params})
    };
    let note = json!({"jsonrpc": "2.0", "method": "notifications/roots/list_changed"});
    client.send(&json!([call("one", "1"), note, call("two", "2")]));
    for (id, text) in [("two", "2"), ("one", "1")] {
        assert_eq!(text_of(&client.answer(&id.into())), text);
    }
    let name = "notifications/roots/list_changed";
    server.wait_until("the notification", |state| state.count(name) == 1);
    finish(&server, client);
}

/// They may have been requests: each gets an answer, but for empty ones.
#[apply(test)]
fn br1_br13_lines_that_are_no_message() {
    let server = McpServer::start(Wire::Legacy);
    let (_home, mut client) = legacy(&server);
    for line in ["", "  ", "\r"] {
        client.line(line);
    }
    for line in ["hello", "{\"id\":", "7", "\"x\"", "{}", "[]", "{\"a\": 1}"] {
        client.line(line);
        let answer = client.answer(&json!(null));
        assert_eq!(answer["error"]["code"], -32600, "{line}: {answer}");
    }
    assert_eq!(client.text("echo", json!({"text": "goes on"})), "goes on");
    let known = [
        "initialize",
        "notifications/initialized",
        "GET",
        "tools/call",
    ];
    let messages = server.messages();
    let odd: Vec<_> = messages
        .iter()
        .map(|it| it.method())
        .filter(|it| !known.contains(it))
        .collect();
    assert_eq!(odd, Vec::<&str>::new());
    let said = finish_after_trouble(&server, client).stderr;
    assert!(!said.is_empty(), "a line that is no JSON is named");
}

#[apply(test)]
fn br13_ids_keep_their_type_and_value() {
    for wire in WIRES {
        let server = McpServer::start(wire);
        let (_home, mut client) = on(wire, &server);
        let ids = [
            json!(9_007_199_254_740_991_u64),
            json!(-9_007_199_254_740_991_i64),
            json!("7"),
            json!(7_000),
            json!("7000"),
            json!("\u{fc}-\"1\\\u{1f600}\n"),
            json!(""),
            json!(0),
        ];
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        for id in &ids {
            let mut params = json!({"name": "echo", "arguments": {"text": id.to_string()}});
            if wire == Wire::Modern {
                params["_meta"] = meta.clone();
            }
            client.send(
                &json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}),
            );
        }
        for id in ids.iter().rev() {
            assert_eq!(text_of(&client.answer(id)), id.to_string());
        }
        finish(&server, client);
    }
}

/// What the bridge need not understand passes as it came: unknown members, their order, the form of numbers and texts.
#[apply(test)]
fn br14_bytes_pass_unchanged() {
    const ANSWER: &str = r#"{"result":{"z":1.0e2,"a":9007199254740993,"resultType":"later","_meta":{"x/y":[1.50,-0]},"structuredContent":{"\u00fc":"\/"},"content":[]},"future":true,"id":"b","jsonrpc":"2.0"}"#;
    const NOTE: &str =
        r#"{"params":{"n":1.10,"b":"\u0041"},"method":"notifications/x/future","jsonrpc":"2.0"}"#;
    const ASK: &str = r#"{"id":"b","params":{"name":"odd","extra":{"n":1.0e2,"big":12345678901234567890123},"arguments":{"\u00fc":"\/"}},"method":"tools/call","future":[],"jsonrpc":"2.0"}"#;
    for is_stream in [false, true] {
        let server = McpServer::with(Settings::on(Wire::Legacy), move |message, _| {
            (message.tool() == "odd").then(|| {
                if is_stream {
                    let text = format!("data: {NOTE}\n\ndata: {ANSWER}\n\n");
                    Reply::text(200, "text/event-stream; charset=utf-8", text)
                } else {
                    Reply::text(200, "application/json; charset=utf-8", ANSWER)
                }
            })
        });
        let (_home, mut client) = legacy(&server);
        client.line(ASK);
        assert_eq!(client.answer_line(&Value::from("b")).text, ANSWER);
        if is_stream {
            let is_note = |line: &crate::support::stdio_client::Line| line.text == NOTE;
            client.next("the notification", is_note);
        }
        assert_eq!(server.calls("odd")[0].seen.body, ASK);
        finish(&server, client);
    }
}

#[apply(test)]
fn br13_a_method_of_an_extension_and_its_error() {
    let server = McpServer::with(Settings::on(Wire::Legacy), |message, _| {
        (message.method() == "x/y").then(|| {
            let error = json!({"code": -7, "message": "no", "data": {"why": [1, 2]}});
            Reply::json(
                200,
                &json!({"jsonrpc": "2.0", "id": message.json["id"], "error": error}),
            )
        })
    });
    let (_home, mut client) = legacy(&server);
    let answer = client.request("x/y", json!({"deep": {"er": null}}));
    assert_eq!(
        answer["error"],
        json!({"code": -7, "message": "no", "data": {"why": [1, 2]}})
    );
    let answer = client.request("no/such", json!({}));
    assert_eq!(answer["error"]["code"], -32601);
    finish(&server, client);
}

#[apply(test)]
fn br1_lines_may_end_as_on_windows() {
    let server = McpServer::start(Wire::Legacy);
    let (_home, mut client) = legacy(&server);
    let call =
        json!({"jsonrpc": "2.0", "id": 70, "method": "tools/call", "params": {"name": "echo"}});
    client.line(&format!("{call}\r"));
    assert_eq!(text_of(&client.answer(&70.into())), "echoed");
    finish(&server, client);
}
