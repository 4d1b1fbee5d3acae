//! The revision without state, spoken by both sides.

use serde_json::{json, Value};

use super::{error, finish, finish_after_trouble, modern};
use crate::support::fake::{Gate, Reply};
use crate::support::mcp_server::{McpServer, Message, Settings, Wire};
use crate::support::stdio_client::text_of;

fn is_header(message: &Message, name: &str, value: Option<&str>) {
    assert_eq!(message.header(name), value, "{name} of {}", message.json);
}

/// The server compares each header with the body.
#[apply(test)]
fn br28_br29_br30_br31_headers() {
    let server = McpServer::with(Settings::on(Wire::Modern), |message, _| {
        ["prompts/get", "resources/read"]
            .contains(&message.method())
            .then(|| Reply::json(200, &message.result(json!({}))))
    });
    let (_home, mut client) = modern(&server);
    let discovered = client.request("server/discover", json!({}));
    assert_eq!(
        discovered["result"]["supportedVersions"],
        json!(["2026-07-28"])
    );
    let names = [
        ("plain", "plain"),
        ("two words", "two words"),
        ("Hello, \u{4e16}\u{754c}", "=?base64?SGVsbG8sIOS4lueVjA==?="),
        (" padded ", "=?base64?IHBhZGRlZCA=?="),
        ("line1\nline2", "=?base64?bGluZTEKbGluZTI=?="),
        ("=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="),
        ("=?BASE64?literal?=", "=?BASE64?literal?="),
        ("\u{65e5}\u{672c}\u{8a9e}", "=?base64?5pel5pys6Kqe?="),
    ];
    for (name, header) in names {
        assert_eq!(client.text(name, json!({})), format!("called {name}"));
        is_header(&server.calls(name)[0], "mcp-name", Some(header));
    }
    client.request("prompts/get", json!({"name": "a prompt"}));
    client.request("resources/read", json!({"uri": "file:///a%20b"}));
    client.request("tools/list", json!({}));
    is_header(&server.all("prompts/get")[0], "mcp-name", Some("a prompt"));
    is_header(
        &server.all("resources/read")[0],
        "mcp-name",
        Some("file:///a%20b"),
    );
    is_header(&server.all("tools/list")[0], "mcp-name", None);
    is_header(
        &server.all("tools/list")[0],
        "mcp-method",
        Some("tools/list"),
    );
    finish(&server, client);
    assert_eq!((server.count("GET"), server.count("DELETE")), (0, 0));
}

#[apply(test)]
fn br20_a_stream_that_is_cut_is_an_error() {
    let server = McpServer::tool(Wire::Modern, "cut", |_, _| {
        Reply::events(|events| {
            events.send_with_id("7", &json!({"jsonrpc": "2.0", "method": "notifications/x"}));
        })
    });
    let (_home, mut client) = modern(&server);
    let answer = client.call("cut", json!({}));
    client.server_says("notifications/x");
    error(&answer, -31005);
    assert_eq!(client.text("echo", json!({"text": "goes on"})), "goes on");
    finish_after_trouble(&server, client);
    assert_eq!(server.calls("cut").len(), 1, "never sent again by itself");
    assert_eq!(server.count("GET"), 0);
}

#[apply(test)]
fn br25_a_cancelled_request_closes_its_stream() {
    let server = McpServer::tool(Wire::Modern, "slow", |_, state| {
        let state = state.clone();
        Reply::events(move |events| {
            events.send(&json!({"jsonrpc": "2.0", "method": "notifications/x"}));
            events.until_closed();
            state.note("closed");
        })
    });
    let (_home, mut client) = modern(&server);
    let (id, other) = (
        client.ask_tool("slow", json!({})),
        client.ask_tool("slow", json!({})),
    );
    client.server_says("notifications/x");
    client.server_says("notifications/x");
    client.notify("notifications/cancelled", json!({"requestId": id}));
    server.wait_until("the end of the stream", |state| state.noted("closed") == 1);
    assert_eq!(client.text("echo", json!({"text": "goes on"})), "goes on");
    client.notify("notifications/cancelled", json!({"requestId": other}));
    server.wait_until("the end of the other stream", |state| {
        state.noted("closed") == 2
    });
    finish(&server, client);
    assert_eq!(server.count("notifications/cancelled"), 0);
}

/// Before the response has begun, too.
#[apply(test)]
fn br25_a_request_without_an_answer_so_far_is_cancelled() {
    let server = McpServer::tool(Wire::Modern, "slow", |_, state| {
        let state = state.clone();
        state.note("held");
        Reply::pieces(move |pieces| {
            pieces.until_closed();
            state.note("closed");
        })
    });
    let (_home, mut client) = modern(&server);
    let id = client.ask_tool("slow", json!({}));
    server.wait_until("the call", |state| state.noted("held") == 1);
    client.notify("notifications/cancelled", json!({"requestId": id}));
    server.wait_until("the end of the connection", |state| {
        state.noted("closed") == 1
    });
    finish(&server, client);
}

/// Returns a notification of a subscription.
fn of_subscription(id: &Value, method: &str) -> Value {
    let meta = json!({"io.modelcontextprotocol/subscriptionId": id});
    json!({"jsonrpc": "2.0", "method": method, "params": {"_meta": meta}})
}

#[apply(test)]
fn br26_br27_subscriptions() {
    let gates = [Gate::default(), Gate::default()];
    let held = gates.clone();
    let server = McpServer::with(Settings::on(Wire::Modern), move |message, _| {
        (message.method() == "subscriptions/listen").then(|| {
            let (id, gates) = (message.json["id"].clone(), held.clone());
            Reply::events(move |events| {
                events.send(&of_subscription(
                    &id,
                    "notifications/subscriptions/acknowledged",
                ));
                gates[0].pass();
                events.send(&of_subscription(&id, "notifications/tools/list_changed"));
                gates[1].pass();
            })
        })
    });
    let (_home, mut client) = modern(&server);
    let id = client.ask(
        "subscriptions/listen",
        json!({"notifications": {"toolsListChanged": true}}),
    );
    let ours =
        |note: &Value| note["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"] == id;
    assert!(ours(
        &client.server_says("notifications/subscriptions/acknowledged")
    ));
    assert_eq!(
        client.text("echo", json!({"text": "beside it"})),
        "beside it"
    );
    gates[0].open();
    assert!(ours(
        &client.server_says("notifications/tools/list_changed")
    ));
    // The server drops it: the client is told.
    gates[1].open();
    error(&client.answer(&id), -31005);
    finish_after_trouble(&server, client);
}

fn with_headers() -> Value {
    let properties = json!({
        "region": {"type": "string", "x-mcp-header": "Region"},
        "count": {"type": "integer", "x-mcp-header": "Count"},
        "dry": {"type": "boolean", "x-mcp-header": "Dry-Run"},
        "deep": {"type": "object", "properties": {"er": {"type": "string", "x-mcp-header": "Deeper"}}},
        "plain": {"type": "string"},
    });
    json!({"name": "query", "inputSchema": {"type": "object", "properties": properties}})
}

#[apply(test)]
fn br32_parameters_in_headers() {
    let server = McpServer::with(Settings::on(Wire::Modern), |message, _| {
        (message.method() == "tools/list")
            .then(|| Reply::json(200, &message.result(json!({"tools": [with_headers()]}))))
    });
    let (_home, mut client) = modern(&server);
    let listed = client.request("tools/list", json!({}));
    assert_eq!(listed["result"]["tools"], json!([with_headers()]));
    for (arguments, headers) in [
        (
            json!({"region": "us-west1", "count": -7, "dry": true, "deep": {"er": "x"}, "plain": "p"}),
            [Some("us-west1"), Some("-7"), Some("true"), Some("x")],
        ),
        (
            json!({"region": "Hello, \u{4e16}\u{754c}", "count": 9_007_199_254_740_991_u64, "dry": false}),
            [
                Some("=?base64?SGVsbG8sIOS4lueVjA==?="),
                Some("9007199254740991"),
                Some("false"),
                None,
            ],
        ),
        (
            json!({"region": null, "er": "elsewhere"}),
            [None, None, None, None],
        ),
        (
            json!({"region": " padded "}),
            [Some("=?base64?IHBhZGRlZCA=?="), None, None, None],
        ),
    ] {
        client.text("query", arguments);
        let call = server.calls("query").pop().expect("a call");
        for (name, value) in ["region", "count", "dry-run", "deeper"].iter().zip(headers) {
            is_header(&call, &format!("mcp-param-{name}"), value);
        }
    }
    finish(&server, client);
}

#[apply(test)]
fn br33_tools_with_wrong_headers_are_taken_out() {
    let bad = [
        (
            "empty",
            json!({"a": {"type": "string", "x-mcp-header": ""}}),
        ),
        (
            "no token",
            json!({"a": {"type": "string", "x-mcp-header": "a b"}}),
        ),
        (
            "twice",
            json!({"a": {"type": "string", "x-mcp-header": "A"}, "b": {"type": "string", "x-mcp-header": "a"}}),
        ),
        (
            "number",
            json!({"a": {"type": "number", "x-mcp-header": "A"}}),
        ),
        (
            "object",
            json!({"a": {"type": "object", "x-mcp-header": "A"}}),
        ),
        (
            "items",
            json!({"a": {"type": "array", "items": {"type": "string", "x-mcp-header": "A"}}}),
        ),
        (
            "either",
            json!({"a": {"oneOf": [{"type": "string", "x-mcp-header": "A"}]}}),
        ),
    ];
    let tool = |(name, properties): &(&str, Value)| json!({"name": name, "inputSchema": {"type": "object", "properties": properties}});
    let mut tools: Vec<_> = bad.iter().map(tool).collect();
    tools.insert(3, with_headers());
    tools.push(json!({"name": "last", "inputSchema": {"type": "object"}}));
    let server = McpServer::with(Settings::on(Wire::Modern), move |message, _| {
        (message.method() == "tools/list").then(|| {
            let result = json!({"tools": tools, "nextCursor": "more"});
            Reply::json(200, &message.result(result))
        })
    });
    let (_home, mut client) = modern(&server);
    let listed = client.request("tools/list", json!({}));
    let expected = json!({
        "tools": [with_headers(), {"name": "last", "inputSchema": {"type": "object"}}],
        "nextCursor": "more",
    });
    assert_eq!(listed["result"], expected);
    let said = finish_after_trouble(&server, client).stderr;
    for (name, _) in &bad {
        assert!(said.contains(name), "{name} is named: {said}");
    }
}

/// The headers are not those that the tool wants by now: the bridge looks, and calls once more.
#[apply(test)]
fn br32_br36_headers_that_the_server_does_not_take() {
    let server = McpServer::with(Settings::on(Wire::Modern), |message, _| {
        let mismatch = || {
            let error = json!({"code": -32020, "message": "Header mismatch"});
            Some(Reply::json(
                400,
                &json!({"jsonrpc": "2.0", "id": message.json["id"], "error": error}),
            ))
        };
        match (message.method(), message.tool()) {
            ("tools/list", _) => Some(Reply::json(
                200,
                &message.result(json!({"tools": [with_headers()]})),
            )),
            (_, "query") if message.header("mcp-param-region").is_none() => mismatch(),
            (_, "never") => mismatch(),
            _ => None,
        }
    });
    let (_home, mut client) = modern(&server);
    assert_eq!(
        client.text("query", json!({"region": "eu"})),
        "called query"
    );
    assert_eq!(server.calls("query").len(), 2);
    let answer = client.call("never", json!({}));
    assert_eq!(
        answer["error"],
        json!({"code": -32020, "message": "Header mismatch"})
    );
    assert_eq!(server.calls("never").len(), 1);
    finish_after_trouble(&server, client);
}

#[apply(test)]
fn br35_br36_br37_errors_are_handed_on() {
    let server = McpServer::with(Settings::on(Wire::Modern), |message, _| {
        (message.method() == "prompts/list").then(|| {
            let data = json!({"supported": ["2027-01-01"], "requested": "2026-07-28"});
            let error =
                json!({"code": -32022, "message": "Unsupported protocol version", "data": data});
            Reply::json(
                400,
                &json!({"jsonrpc": "2.0", "id": message.json["id"], "error": error}),
            )
        })
    });
    let (_home, mut client) = modern(&server);
    let answer = client.request("prompts/list", json!({}));
    assert_eq!(answer["error"]["code"], -32022);
    assert_eq!(answer["error"]["data"]["supported"], json!(["2027-01-01"]));
    let answer = client.request("no/such", json!({}));
    assert_eq!(
        answer["error"]["code"], -32601,
        "an answer, no lost session"
    );
    assert_eq!(client.text("echo", json!({"text": "goes on"})), "goes on");
    finish_after_trouble(&server, client);
    assert_eq!((server.count("initialize"), server.count("GET")), (0, 0));
}

/// An old server refuses what it does not know; the client is told in a way that lets it open a session.
#[apply(test)]
fn br35_a_new_client_and_an_old_server() {
    let server = McpServer::start(Wire::Legacy);
    let (_home, mut client) = modern(&server);
    let answer = client.request("server/discover", json!({}));
    let code = answer["error"]["code"].as_i64().expect("an error");
    assert!(![-32022, -32021, -32020].contains(&code), "{answer}");
    client.speak_legacy();
    let opened = client.initialize(json!({}));
    assert_eq!(opened["result"]["protocolVersion"], "2025-11-25");
    assert_eq!(client.text("echo", json!({"text": "old"})), "old");
    finish_after_trouble(&server, client);
}

#[apply(test)]
fn br38_br39_requests_for_input_pass_unread() {
    let required = json!({
        "resultType": "input_required",
        "inputRequests": {"q": {"method": "elicitation/create", "params": {"message": "who?", "z": 1.5}}},
        "requestState": "\u{e9}\u{0}opaque==",
    });
    let expected = required.clone();
    let server = McpServer::tool(Wire::Modern, "asks", move |message, _| {
        let params = &message.json["params"];
        if params["requestState"] == required["requestState"] {
            assert_eq!(params["inputResponses"], json!({"q": {"action": "accept"}}));
            return Reply::json(200, &message.says("thanks"));
        }
        Reply::json(200, &message.result(required.clone()))
    });
    let (_home, mut client) = modern(&server);
    let answer = client.call("asks", json!({}));
    assert_eq!(answer["result"], expected);
    client.send(&json!({"jsonrpc": "2.0", "id": "stray", "result": {}}));
    let id = client.ask(
        "tools/call",
        json!({
            "name": "asks", "arguments": {}, "inputResponses": {"q": {"action": "accept"}},
            "requestState": expected["requestState"],
        }),
    );
    assert_eq!(text_of(&client.answer(&id)), "thanks");
    finish(&server, client);
}

/// Sixteen calls meet an expiry, as on the other wire.
#[apply(test)]
fn br42_an_expiry_without_a_session() {
    let server = McpServer::start(Wire::Modern);
    let (_home, mut client) = modern(&server);
    for round in 1..=3 {
        server.expire();
        let ids: Vec<_> = (0..16)
            .map(|_| client.ask_tool("echo", json!({})))
            .collect();
        for id in &ids {
            assert_eq!(text_of(&client.answer(id)), "echoed");
        }
        assert_eq!(server.login.refreshes(), round);
    }
    server.login.revoke_all();
    server.expire();
    let message = error(&client.call("echo", json!({})), -31003);
    assert!(message.contains("mcp-login "), "{message}");
    client.finish().expect(0);
    assert!(!server.login.was_reused());
}

/// The connection ends before anything has come.
#[apply(test)]
fn br20_a_connection_that_is_closed_is_an_error() {
    let server = McpServer::tool(Wire::Modern, "closed", |_, _| Reply::Raw(Vec::new()));
    let (_home, mut client) = modern(&server);
    error(&client.call("closed", json!({})), -31005);
    assert_eq!(client.text("echo", json!({"text": "goes on"})), "goes on");
    finish_after_trouble(&server, client);
    assert_eq!(server.calls("closed").len(), 1);
}

/// The end of stdin ends a subscription too.
#[apply(test)]
fn br2_br26_the_end_with_a_subscription() {
    let server = McpServer::with(Settings::on(Wire::Modern), |message, state| {
        (message.method() == "subscriptions/listen").then(|| {
            let (id, state) = (message.json["id"].clone(), state.clone());
            Reply::events(move |events| {
                events.send(&of_subscription(
                    &id,
                    "notifications/subscriptions/acknowledged",
                ));
                events.until_closed();
                state.note("closed");
            })
        })
    });
    let (_home, mut client) = modern(&server);
    client.ask(
        "subscriptions/listen",
        json!({"notifications": {"toolsListChanged": true}}),
    );
    client.server_says("notifications/subscriptions/acknowledged");
    client.running.close_stdin();
    server.wait_until("the end of the stream", |state| state.noted("closed") == 1);
    client.running.finish().expect(0);
    server.assert_rules();
}
