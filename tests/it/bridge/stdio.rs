//! The side of stdin and stdout.

use serde_json::{json, Value};

use super::{finish, finish_after_trouble, legacy, on, WIRES};
use crate::support::fake::{Gate, Reply};
use crate::support::mcp_server::{
    McpServer, Settings, Wire, CAPABILITIES_KEY, MODERN, VERSION_KEY,
};
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

/// They may have been requests: each gets an answer, with its id where one can be read, but for empty ones.
#[apply(test)]
fn br1_br13_lines_that_are_no_message() {
    let server = McpServer::start(Wire::Legacy);
    let (_home, mut client) = legacy(&server);
    for line in ["", "  ", "\r"] {
        client.line(line);
    }
    let (broken, invalid) = (-32700, -32600);
    for (line, id, code) in [
        ("hello", json!(null), broken),
        ("{\"id\":", json!(null), broken),
        ("7", json!(null), invalid),
        ("\"x\"", json!(null), invalid),
        ("{}", json!(null), invalid),
        ("[]", json!(null), invalid),
        ("[7,{},\"x\"]", json!(null), invalid),
        ("{\"a\": 1}", json!(null), invalid),
        (r#"{"id":70,"result":{"x":NaN}}"#, json!(null), broken),
        (
            r#"{"id":70,"method":"ping","params":{"x":NaN}}"#,
            json!(70),
            broken,
        ),
        (r#"{"method":"ping","id":"s","para"#, json!("s"), broken),
        (r#"{"method":7,"id":"t"}"#, json!("t"), invalid),
    ] {
        client.line(line);
        let answer = client.answer(&id);
        assert_eq!(answer["error"]["code"], code, "{line}: {answer}");
    }
    client.line(
        r#"[{"id":71,"method":[]},{"jsonrpc":"2.0","id":72,"method":"tools/call","params":{"name":"echo"}}]"#,
    );
    assert_eq!(client.answer(&71.into())["error"]["code"], invalid);
    assert_eq!(text_of(&client.answer(&72.into())), "echoed");
    client
        .running
        .type_in(b"{\"id\":73,\"method\":\"ping\",\"params\":{\"x\":\"\xff\"}}\n");
    assert_eq!(client.answer(&73.into())["error"]["code"], invalid);
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

/// A line that cannot be read has the id of a call: that of the call is still to come.
#[apply(test)]
fn br13_an_open_id_on_a_line_that_cannot_be_read() {
    let (server, gate) = McpServer::behind_a_gate(Wire::Legacy, "slow");
    let (_home, mut client) = legacy(&server);
    let slow = client.ask_tool("slow", json!({}));
    server.wait_until("the call", |state| state.noted("held") == 1);
    client.line(&format!(r#"{{"id":{slow},"method":"x","params":NaN}}"#));
    assert_eq!(client.answer(&json!(null))["error"]["code"], -32700);
    gate.open();
    assert_eq!(text_of(&client.answer(&slow)), "at last");
    finish_after_trouble(&server, client);
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

/// Ids as clients write them, and as servers do that keep numbers in double precision, or texts of digits as numbers.
const REWRITTEN_IDS: &[(&str, &str)] = &[
    ("9007199254740992", "9007199254740992"),
    ("9007199254740993", "9007199254740992"),
    ("-9007199254740993", "-9.007199254740992e+15"),
    ("18446744073709551617", "18446744073709552000"),
    ("12345678901234567890123", "1.2345678901234568e+22"),
    ("1000000000000000000000", "1e+21"),
    ("1.0", "1"),
    ("1e3", "1000"),
    ("1000", "1000.0"),
    ("2.50", "2.5"),
    ("\"7\"", "7"),
    ("7", "\"7\""),
    ("\"\\u00fc\\/\"", "\"\u{fc}/\""),
    ("\"12345678901234567890\"", "\"12345678901234567890\""),
    ("8", "null"),
];

/// All are open at once, so that an answer could go to another request; each carries the id as the client wrote it.
#[apply(test)]
fn br13_ids_that_the_server_writes_in_another_way() {
    for (wire, client_wire) in [
        (Wire::Legacy, Wire::Legacy),
        (Wire::Modern, Wire::Modern),
        (Wire::Modern, Wire::Legacy),
    ] {
        let gate = Gate::default();
        let held = gate.clone();
        let server = McpServer::tool(wire, "rewrites", move |message, state| {
            let arguments = &message.json["params"]["arguments"];
            let id = arguments["as"].as_str().expect("an id").to_owned();
            let rest = json!({"content": [{"type": "text", "text": arguments["text"]}]});
            let answer = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{rest}}}"#);
            let is_stream = arguments["stream"] == true;
            state.note("held");
            held.pass();
            match is_stream {
                true => Reply::text(200, "text/event-stream", format!("data: {answer}\n\n")),
                false => Reply::text(200, "application/json", answer),
            }
        });
        let (_home, mut client) = on(client_wire, &server);
        let mut meta = json!({});
        if client_wire == Wire::Modern {
            meta[VERSION_KEY] = MODERN.into();
            meta[CAPABILITIES_KEY] = json!({});
        }
        for (number, (id, rewritten)) in REWRITTEN_IDS.iter().enumerate() {
            let arguments = json!({"as": rewritten, "text": id, "stream": number % 2 == 0});
            let params = json!({"name": "rewrites", "arguments": arguments, "_meta": meta});
            client.line(&format!(
                r#"{{"jsonrpc":"2.0","method":"tools/call","id":{id},"params":{params}}}"#
            ));
        }
        let open = REWRITTEN_IDS.len();
        server.wait_until("all calls", |state| state.noted("held") == open);
        gate.open();
        for (id, _) in REWRITTEN_IDS {
            let member = format!(r#""id":{id},"#);
            let answer = client.next(id, |line| line.text.contains(&member));
            assert_eq!(text_of(&answer.json), *id);
        }
        client.finish().expect(0);
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
    // What is behind the last line is no line.
    client.running.type_in(" \r");
    finish(&server, client);
}
