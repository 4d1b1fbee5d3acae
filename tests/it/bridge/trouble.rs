//! Servers that fail: every request is answered in time, and the bridge goes on.

use serde_json::json;

use super::{assert_refusals, error, finish_after_trouble, legacy, on, refusal};
use crate::support::closed_address;
use crate::support::fake::{Fake, Reply};
use crate::support::mcp_server::{McpServer, Settings, Wire};
use crate::support::program::Program;
use crate::support::stdio_client::StdioClient;

/// Each answer of the server, and the error that it becomes. The call is sent once: nobody knows what was done.
#[apply(test)]
fn br13_br45_answers_that_are_none() {
    let page = "<!DOCTYPE html><title>502 Bad Gateway</title>";
    let cases: [(&str, Reply, i64); 10] = [
        (
            "letters",
            Reply::text(
                200,
                "application/json",
                b"{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":\"\xff\"}",
            ),
            -31005,
        ),
        ("busy", Reply::status(429).with("Retry-After", "1"), -31005),
        (
            "away",
            Reply::status(503).with("Retry-After", "600"),
            -31005,
        ),
        (
            "failed",
            Reply::text(500, "text/plain", "stack trace"),
            -31005,
        ),
        ("gateway", Reply::text(502, "text/html", page), -31005),
        ("page", Reply::text(200, "text/html", page), -31002),
        ("empty", Reply::text(200, "application/json", ""), -31005),
        (
            "half",
            Reply::text(200, "application/json", "{\"jsonrpc\":"),
            -31005,
        ),
        ("nothing", Reply::Raw(Vec::new()), -31005),
        ("accepted", Reply::status(202), -31005),
    ];
    let replies = cases.clone();
    let server = McpServer::with(Settings::on(Wire::Legacy), move |message, _| {
        let mut all = replies.iter();
        all.find(|(name, _, _)| *name == message.tool())
            .map(|(_, reply, _)| reply.clone())
    });
    let (_home, mut client) = legacy(&server);
    for (name, reply, code) in &cases {
        let answer = client.call(name, json!({}));
        let is_ours = [*code, -31002, -31005]
            .iter()
            .any(|it| answer["error"]["code"] == *it);
        assert!(is_ours, "{name} {reply:?}: {answer}");
        let message = answer["error"]["message"].as_str().expect("a message");
        assert!(!message.contains('<'), "{name}: {message}");
        assert_eq!(server.calls(name).len(), 1, "{name}");
        assert_eq!(client.text("echo", json!({"text": name})), *name);
    }
    finish_after_trouble(&server, client);
}

/// What the server says in the form of JSON-RPC is handed on, whatever its status, with the id of the request.
#[apply(test)]
fn br13_errors_of_the_server_are_handed_on() {
    let server = McpServer::with(Settings::on(Wire::Legacy), |message, _| {
        let status: u16 = message.tool().strip_prefix("status-")?.parse().ok()?;
        let error = json!({"code": -32_050, "message": "my own", "data": {"status": status}});
        let body = json!({"jsonrpc": "2.0", "id": if status == 500 { json!(null) } else { message.json["id"].clone() }, "error": error});
        Some(Reply::json(status, &body))
    });
    let (_home, mut client) = legacy(&server);
    for status in [400, 409, 422, 500, 503] {
        let answer = client.call(&format!("status-{status}"), json!({}));
        let expected = json!({"code": -32_050, "message": "my own", "data": {"status": status}});
        assert_eq!(answer["error"], expected);
    }
    finish_after_trouble(&server, client);
}

#[apply(test)]
fn br45_nobody_listens() {
    let url = format!("http://{}/mcp", closed_address());
    let program = Program::new()
        .with_stdin()
        .args(["connect", "--store", "file", &url]);
    let mut client = StdioClient::start(program);
    for _ in 0..2 {
        let answer = client.initialize(json!({}));
        let message = error(&answer, -31005);
        assert!(message.contains("127.0.0.1"), "{message}");
    }
    let finished = client.finish().expect(0);
    assert!(finished.stderr.contains("127.0.0.1"), "{}", finished.stderr);
}

#[apply(test)]
fn br46_a_redirect_does_not_take_the_token_elsewhere() {
    for status in [301, 302, 307, 308] {
        let other = Fake::start();
        let target = other.mcp();
        let server = McpServer::tool(Wire::Legacy, "away", move |_, _| {
            Reply::redirect(status, &target)
        });
        let (_home, mut client) = legacy(&server);
        let answer = client.call("away", json!({}));
        assert!(
            answer["error"]["code"]
                .as_i64()
                .is_some_and(|code| code < -31000),
            "{answer}"
        );
        assert_eq!(client.text("echo", json!({"text": "here"})), "here");
        finish_after_trouble(&server, client);
        let with_token = other
            .seen()
            .iter()
            .filter(|seen| seen.header("authorization").is_some())
            .count();
        assert_eq!(with_token, 0);
    }
}

/// What names no MCP server ends at once, with nothing on stdout. Without a name the only login is meant; here is none.
#[apply(test)]
fn br1_arguments_that_name_no_server() {
    for (arguments, status) in [
        (&["connect", "--store", "file"][..], 3),
        (&["connect", "ftp://x.example/"], 2),
        (&["connect", "--no-such"], 2),
    ] {
        let program = Program::new().with_stdin().args(arguments);
        let finished = program.run().expect(status);
        assert_eq!(finished.stdout, "");
        assert!(!finished.stderr.is_empty());
    }
}

/// Exactly one answer, whatever the server makes of it.
#[apply(test)]
fn br13_br40_answers_of_odd_servers() {
    let server = McpServer::with(Settings::on(Wire::Legacy), |message, _| {
        let answer = message.says("good");
        let text = |body: String| Some(Reply::text(200, "application/json", body));
        let pieces = |ends: bool| {
            let answer = answer.to_string();
            Some(Reply::pieces(move |pieces| {
                pieces.begin("application/json", &[]);
                let (first, second) = answer.split_at(9);
                pieces.chunk(first.as_bytes());
                if ends {
                    pieces.chunk(second.as_bytes());
                    pieces.end();
                }
            }))
        };
        match message.tool() {
            "array" => text(json!([answer]).to_string()),
            "bom" => text(format!("\u{feff}{answer}\n")),
            "chunks" => pieces(true),
            "cut" => pieces(false),
            "twice" => Some(Reply::stream(vec![answer.clone(), answer])),
            "ends" => Some(Reply::stream(vec![])),
            "another" => text(json!({"jsonrpc": "2.0", "id": "other", "result": {}}).to_string()),
            "list" => text("[]".to_owned()),
            "number" => text("7".to_owned()),
            _ => None,
        }
    });
    let (_home, mut client) = legacy(&server);
    for name in ["array", "bom", "chunks", "twice"] {
        assert_eq!(client.text(name, json!({})), "good", "{name}");
    }
    for name in ["cut", "ends", "another", "list", "number"] {
        let answer = client.call(name, json!({}));
        assert!(
            answer["error"]["code"]
                .as_i64()
                .is_some_and(|code| code < -31000),
            "{name}: {answer}"
        );
        assert_eq!(server.calls(name).len(), 1, "{name}");
    }
    finish_after_trouble(&server, client);
}

/// The server was restarted, and the token has expired meanwhile: one refresh, one session, and no call is lost.
#[apply(test)]
fn br22_br42_a_restart_and_an_expiry_at_once() {
    let server = McpServer::start(Wire::Legacy);
    let (_home, mut client) = legacy(&server);
    for round in 1..4 {
        server.wait_for_streams(1);
        server.restart();
        server.expire();
        let ids: Vec<_> = (0..16)
            .map(|it| client.ask_tool("echo", json!({"text": it.to_string()})))
            .collect();
        for (number, id) in ids.iter().enumerate() {
            assert_eq!(
                client.answer(id)["result"]["content"][0]["text"],
                number.to_string()
            );
        }
        assert_eq!(server.login.refreshes(), round);
        assert_eq!(server.count("initialize"), round + 1);
    }
    finish_after_trouble(&server, client);
}

/// Whatever status a server of either wire answers a call with, for clients of either wire.
#[apply(test)]
fn br13_br45_refusals_on_each_wire() {
    for (client_wire, server_wire) in [
        (Wire::Legacy, Wire::Legacy),
        (Wire::Modern, Wire::Modern),
        (Wire::Legacy, Wire::Modern),
    ] {
        let settings = Settings::on(server_wire);
        let server = McpServer::with(settings, |message, _| refusal(message));
        let (_home, mut client) = on(client_wire, &server);
        assert_refusals(&server, &mut client);
        client.finish().expect(0);
    }
}
