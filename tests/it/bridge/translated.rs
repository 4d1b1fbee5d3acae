//! A client that opens a session, and a server without state: the bridge speaks for both.

use serde_json::{json, Value};

use super::{finish, legacy};
use crate::support::fake::{Gate, Reply};
use crate::support::mcp_server::{McpServer, Settings, Wire, CAPABILITIES_KEY};
use crate::support::stdio_client::text_of;

#[apply(test)]
fn br34_an_old_client_and_a_new_server() {
    let server = McpServer::start(Wire::Modern);
    let (_home, mut client) = legacy(&server);
    assert_eq!(client.text("echo", json!({"text": "over"})), "over");
    let meta = server.calls("echo")[0].json["params"]["_meta"].clone();
    let expected = json!({"sampling": {}, "elicitation": {}, "roots": {}});
    assert_eq!(meta[CAPABILITIES_KEY], expected, "of its initialize");
    let tools = client.request("tools/list", json!({}));
    assert_eq!(tools["result"]["tools"][0]["name"], "echo");
    assert_eq!(client.request("ping", json!({}))["result"], json!({}));
    let answer = client.request("no/such", json!({}));
    assert_eq!(answer["error"]["code"], -32601);
    let finished = client.finish().expect(0);
    assert_eq!(finished.stderr, "");
    assert_eq!((server.count("GET"), server.count("DELETE")), (0, 0));
    let broken = server.broken();
    // What the bridge sends before it knows the server.
    assert!(
        broken.iter().all(|it| it.contains("initialize")),
        "{broken:?}"
    );
}

/// The server wants input: the client is asked as on its own wire, and the state goes back as it came.
#[apply(test)]
fn br34_br38_input_is_asked_of_an_old_client() {
    let server = McpServer::tool(Wire::Modern, "asks", |message, _| {
        let params = &message.json["params"];
        if params["requestState"] == "st\u{e4}te" {
            let responses = &params["inputResponses"];
            assert_eq!(responses["one"]["action"], "accept", "{params}");
            assert_eq!(responses["two"]["model"], "m", "{params}");
            assert_eq!(params["arguments"], json!({"a": 1}));
            return Reply::json(200, &message.says("thanks"));
        }
        Reply::json(
            200,
            &message.result(json!({
                "resultType": "input_required",
                "inputRequests": {
                    "one": {"method": "elicitation/create", "params": {"message": "who?"}},
                    "two": {"method": "sampling/createMessage", "params": {"maxTokens": 7}},
                },
                "requestState": "st\u{e4}te",
            })),
        )
    });
    let (_home, mut client) = legacy(&server);
    let id = client.ask_tool("asks", json!({"a": 1}));
    let answer = |asked: Value, result: Value| json!({"jsonrpc": "2.0", "id": asked["id"], "result": result});
    let asked = client.server_says("sampling/createMessage");
    assert_eq!(asked["params"]["maxTokens"], 7);
    client.send(&answer(
        asked,
        json!({"model": "m", "role": "assistant", "content": []}),
    ));
    let asked = client.server_says("elicitation/create");
    assert_eq!(asked["params"]["message"], "who?");
    client.send(&answer(asked, json!({"action": "accept"})));
    assert_eq!(text_of(&client.answer(&id)), "thanks");
    let ids: Vec<_> = server
        .calls("asks")
        .iter()
        .map(|it| it.json["id"].clone())
        .collect();
    assert!(ids.len() == 2 && ids[0] != ids[1], "{ids:?}");
    client.finish().expect(0);
}

/// Changes of lists reach an old client, which cannot subscribe.
#[apply(test)]
fn br26_br34_changes_reach_an_old_client() {
    let gate = Gate::default();
    let held = gate.clone();
    let server = McpServer::with(Settings::on(Wire::Modern), move |message, state| {
        (message.method() == "subscriptions/listen").then(|| {
            let (id, gate) = (message.json["id"].clone(), held.clone());
            state.note("listening");
            Reply::events(move |events| {
                for method in [
                    "notifications/subscriptions/acknowledged",
                    "notifications/tools/list_changed",
                ] {
                    let meta = json!({"io.modelcontextprotocol/subscriptionId": id});
                    events.send(
                        &json!({"jsonrpc": "2.0", "method": method, "params": {"_meta": meta}}),
                    );
                    if method.ends_with("acknowledged") {
                        gate.pass();
                    }
                }
                events.until_closed();
            })
        })
    });
    let (_home, mut client) = legacy(&server);
    server.wait_until("a subscription", |state| state.noted("listening") == 1);
    gate.open();
    client.server_says("notifications/tools/list_changed");
    client.finish().expect(0);
}

/// The other pairs need no translation.
#[apply(test)]
fn br34_br35_a_server_of_both_wires() {
    let server = McpServer::start(Wire::Both);
    let (_home, mut client) = legacy(&server);
    assert_eq!(client.text("echo", json!({"text": "old"})), "old");
    assert_eq!(server.sessions(), 1, "it speaks as its client does");
    finish(&server, client);
    let (_home, mut client) = super::modern(&server);
    assert_eq!(client.text("echo", json!({"text": "new"})), "new");
    finish(&server, client);
    assert_eq!(server.count("initialize"), 1);
}

/// What an old client sends, and a new server does not know any more.
#[apply(test)]
fn br25_br34_a_cancellation_and_a_level_of_an_old_client() {
    let server = McpServer::tool(Wire::Modern, "slow", |_, state| {
        let state = state.clone();
        Reply::events(move |events| {
            events.send(&json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progress": 1}}));
            events.until_closed();
            state.note("closed");
        })
    });
    let (_home, mut client) = legacy(&server);
    let answer = client.request("logging/setLevel", json!({"level": "debug"}));
    assert_eq!(answer["result"], json!({}));
    let id = client.ask_tool("slow", json!({}));
    assert_eq!(
        client.server_says("notifications/progress")["params"]["progress"],
        1
    );
    client.notify("notifications/cancelled", json!({"requestId": id}));
    server.wait_until("the end of the stream", |state| state.noted("closed") == 1);
    assert_eq!(client.text("echo", json!({"text": "goes on"})), "goes on");
    let meta = server.calls("echo")[0].json["params"]["_meta"].clone();
    assert_eq!(meta["io.modelcontextprotocol/logLevel"], "debug", "{meta}");
    client.finish().expect(0);
    assert_eq!(server.count("notifications/cancelled"), 0);
    assert_eq!(server.count("logging/setLevel"), 0);
}

/// The token expires; the login dies; both are as on the other wires.
#[apply(test)]
fn br34_br42_an_expiry_of_an_old_client_at_a_new_server() {
    let server = McpServer::start(Wire::Modern);
    let (_home, mut client) = legacy(&server);
    server.expire();
    let ids: Vec<_> = (0..16)
        .map(|_| client.ask_tool("echo", json!({})))
        .collect();
    for id in &ids {
        assert_eq!(text_of(&client.answer(id)), "echoed");
    }
    assert_eq!(server.login.refreshes(), 1);
    server.login.revoke_all();
    server.expire();
    super::error(&client.call("echo", json!({})), -31003);
    client.finish().expect(0);
    assert!(!server.login.was_reused());
}
