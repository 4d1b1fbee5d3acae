//! The access token: it is refreshed once for all calls, and a login that is needed is said and taken up.

use std::fs;
use std::path::Path;

use chrono::{SecondsFormat, TimeDelta, Utc};
use serde_json::{json, Value};

use super::{error, finish, finish_after_trouble, legacy};
use crate::support::fake::{Gate, Reply};
use crate::support::mcp_server::{McpServer, Settings, Wire};
use crate::support::program::Program;
use crate::support::rotating::Home;
use crate::support::stdio_client::{connect, log_in, text_of, StdioClient};
use crate::support::write_program;

/// Returns the command that an error of the bridge names.
#[track_caller]
fn hint(answer: &Value) -> String {
    error(answer, -31003);
    let hint = answer["error"]["data"]["hint"].as_str();
    let hint = hint.unwrap_or_else(|| panic!("no hint: {answer}"));
    let message = answer["error"]["message"].as_str().expect("a message");
    assert!(message.contains(hint), "{message} holds {hint}");
    hint.to_owned()
}

#[apply(test)]
fn br42_an_expired_token_is_refreshed_once() {
    let server = McpServer::start(Wire::Legacy);
    let (_home, mut client) = legacy(&server);
    for round in 1..=3 {
        server.expire();
        assert_eq!(client.text("echo", json!({"text": "a"})), "a");
        assert_eq!(client.text("echo", json!({"text": "b"})), "b");
        assert_eq!(server.login.refreshes(), round);
    }
    finish(&server, client);
    assert_eq!(
        server.fake().seen_at("/authorize").len(),
        1,
        "the login of before"
    );
}

/// All calls have arrived when their token expires: each is answered, none is done twice, one refresh.
#[apply(test)]
fn br42_sixteen_calls_meet_an_expiry() {
    let gate = Gate::default();
    let held = gate.clone();
    let server = McpServer::with(Settings::on(Wire::Legacy), move |message, state| {
        (message.tool() == "late").then(|| {
            state.note("arrived");
            held.pass();
            if !state.is_live(message) {
                let challenge = "Bearer error=\"invalid_token\"";
                return Reply::status(401).with("WWW-Authenticate", challenge);
            }
            state.note("done");
            Reply::json(200, &message.says(&message.json["id"].to_string()))
        })
    });
    let (home, mut client) = legacy(&server);
    let ids: Vec<_> = (0..16)
        .map(|_| client.ask_tool("late", json!({})))
        .collect();
    server.wait_until("16 calls", |state| state.noted("arrived") == 16);
    server.expire();
    gate.open();
    for id in &ids {
        assert_eq!(text_of(&client.answer(id)), id.to_string());
    }
    assert_eq!(server.noted("done"), 16);
    assert_eq!(server.login.refreshes(), 1);
    let kept = home.kept(&server.url());
    let kept = kept["refresh_token"].as_str().expect("a refresh token");
    assert!(server.login.is_good(kept));
    finish(&server, client);
    assert_eq!(server.fake().seen_at("/authorize").len(), 1);
}

/// A package is updated while a client has the bridge open.
#[apply(test)]
fn c9_an_update_while_the_bridge_runs() {
    let server = McpServer::start(Wire::Legacy);
    let home = log_in(&server);
    let own = Path::new(env!("CARGO_BIN_EXE_mcp-login"));
    let installed = tempfile::tempdir_in(own.parent().expect("a directory")).expect("a directory");
    let (program, update) = (
        installed.path().join("mcp-login"),
        installed.path().join("new"),
    );
    fs::hard_link(own, &program).expect("a link");
    let bridge = Program::of(&program).at_home(home.home()).with_stdin();
    let options = ["connect", "--store", "file", "-vv", &server.url()];
    let mut client = StdioClient::legacy(bridge.args(options));
    // The new file takes the name, then there is none; the system tells the old name with an end of its own, which others may use.
    fs::write(&update, "another version").expect("writing");
    fs::rename(&update, &program).expect("renaming");
    fs::remove_file(&program).expect("removing");
    let planted = installed.path().join("mcp-login (deleted)");
    write_program(&planted, "#!/bin/sh\ntouch \"$0.ran\"");
    server.expire();
    assert_eq!(client.text("echo", json!({"text": "a"})), "a");
    assert_eq!(server.login.refreshes(), 1);
    let stderr = finish_after_trouble(&server, client).stderr;
    assert!(!stderr.contains("no process of its own"), "{stderr}");
    assert!(!installed.path().join("mcp-login (deleted).ran").exists());
}

/// Two bridges and `token` share one login.
#[apply(test)]
fn br42_two_bridges_meet_an_expiry() {
    let server = McpServer::start(Wire::Legacy);
    let (home, mut one) = legacy(&server);
    let mut other = StdioClient::legacy(connect(&server, home.home()));
    server.expire();
    let ids: Vec<_> = (0..8)
        .map(|_| {
            (
                one.ask_tool("echo", json!({})),
                other.ask_tool("echo", json!({})),
            )
        })
        .collect();
    for (first, second) in &ids {
        assert_eq!(text_of(&one.answer(first)), "echoed");
        assert_eq!(text_of(&other.answer(second)), "echoed");
    }
    assert_eq!(server.login.refreshes(), 1);
    finish(&server, one);
    finish(&server, other);
    assert_eq!(server.sessions(), 0);
}

/// A token that has expired, or will before long, is not sent: the refresh comes first.
#[apply(test)]
fn br42_a_token_is_refreshed_ahead_of_time() {
    let ago = |seconds| Utc::now() - TimeDelta::seconds(seconds);
    for (obtained, expires) in [(7200, 3600), (3600, 0), (3570, -30)] {
        let server = McpServer::start(Wire::Legacy);
        let members = json!({
            "refresh_token": server.login.family(),
            "obtained_at": ago(obtained).to_rfc3339_opts(SecondsFormat::Secs, true),
            "expires_at": ago(expires).to_rfc3339_opts(SecondsFormat::Secs, true),
        });
        let home = Home::with(server.fake(), members);
        let mut client = StdioClient::legacy(connect(&server, home.path()));
        client.text("echo", json!({}));
        assert_eq!(server.login.refreshes(), 1, "{expires}");
        assert_eq!(server.unauthorized(), 0, "{expires}");
        finish(&server, client);
    }
}

/// The login is dead: that is said with the command, and after that command the bridge goes on.
#[apply(test)]
fn br42_a_dead_login_and_the_next_one() {
    let server = McpServer::start(Wire::Legacy);
    let (home, mut client) = legacy(&server);
    server.login.revoke_all();
    server.expire();
    let ids: Vec<_> = (0..4).map(|_| client.ask_tool("echo", json!({}))).collect();
    let hints: Vec<_> = ids.iter().map(|id| hint(&client.answer(id))).collect();
    assert!(hints.iter().all(|it| *it == hints[0]), "{hints:?}");
    assert!(hints[0].contains(&server.url()), "{}", hints[0]);
    let before = server.login.refreshes();
    hint(&client.call("echo", json!({})));
    assert_eq!(server.login.refreshes(), before, "nothing is tried again");
    assert_eq!(server.fake().seen_at("/authorize").len(), 1, "no page");
    Program::new()
        .pasted(&hints[0])
        .at_home(home.home())
        .agree()
        .expect(0);
    assert_eq!(client.text("echo", json!({"text": "again"})), "again");
    let said = client.finish().expect(0).stderr;
    assert!(said.contains(&hints[0]), "{said}");
    assert!(!server.login.was_reused());
}

#[apply(test)]
fn br42_a_login_that_is_not_there() {
    let server = McpServer::start(Wire::Legacy);
    let home = tempfile::tempdir().expect("a home");
    let mut client = StdioClient::start(connect(&server, home.path()));
    let answer = client.initialize(json!({}));
    let hint = hint(&answer);
    assert!(hint.contains(&server.url()), "{hint}");
    Program::new()
        .pasted(&hint)
        .at_home(home.path())
        .agree()
        .expect(0);
    let answer = client.initialize(json!({}));
    assert_eq!(answer["result"]["serverInfo"]["name"], "fake", "{answer}");
    assert_eq!(client.text("echo", json!({"text": "in"})), "in");
    client.finish().expect(0);
}

/// A login that another process has stored meanwhile is used, without a refresh.
#[apply(test)]
fn br42_a_newer_login_in_the_store_is_used() {
    let server = McpServer::start(Wire::Legacy);
    let (home, mut client) = legacy(&server);
    server.wait_for_streams(1);
    client.text("echo", json!({}));
    server.wait_for_streams(1);
    server.expire();
    Program::login(server.fake())
        .at_home(home.home())
        .arg("--force")
        .agree()
        .expect(0);
    assert_eq!(client.text("echo", json!({"text": "newer"})), "newer");
    assert_eq!(server.login.refreshes(), 0);
    finish(&server, client);
}

/// A token that was issued a moment ago is refused: no loop, no page, and the bridge recovers with the server.
#[apply(test)]
fn br43_a_fresh_token_is_refused() {
    let server = McpServer::start(Wire::Legacy);
    let (_home, mut client) = legacy(&server);
    server.wait_for_streams(1);
    server.refuse_all(true);
    let before = server.unauthorized();
    hint(&client.call("echo", json!({})));
    assert!(
        server.unauthorized() - before <= 2,
        "{}",
        server.unauthorized() - before
    );
    hint(&client.call("echo", json!({})));
    assert_eq!(server.login.refreshes(), 1);
    assert_eq!(server.fake().seen_at("/authorize").len(), 1, "no page");
    server.refuse_all(false);
    assert_eq!(client.text("echo", json!({"text": "again"})), "again");
    finish_after_trouble(&server, client);
}

#[apply(test)]
fn br44_a_scope_is_missing() {
    let challenge = "Bearer error=\"insufficient_scope\", scope=\"files:write admin\"";
    let server = McpServer::tool(Wire::Legacy, "write", move |_, _| {
        Reply::json(403, &json!({"error": "insufficient_scope"}))
            .with("WWW-Authenticate", challenge)
    });
    let (_home, mut client) = legacy(&server);
    let hint = hint(&client.call("write", json!({})));
    for scope in ["files:write", "admin", "read"] {
        assert!(hint.contains(scope), "{hint}");
    }
    assert_eq!(server.calls("write").len(), 1);
    assert_eq!(server.login.refreshes(), 0);
    assert_eq!(
        client.text("echo", json!({"text": "others work"})),
        "others work"
    );
    finish_after_trouble(&server, client);
    assert_eq!(server.fake().seen_at("/authorize").len(), 1, "no page");
}

/// The token endpoint is gone for a while: that is said in time, and nothing is lost.
#[apply(test)]
fn br42_br45_the_token_endpoint_fails() {
    crate::support::skip::needs_a_system();
    for reply in [Reply::status(503), Reply::Hang, Reply::Raw(Vec::new())] {
        let is_over = Gate::default();
        let (over, failing) = (is_over.clone(), reply.clone());
        let server = McpServer::beside(
            Settings::on(Wire::Legacy),
            move |_, _| (!over.is_open()).then(|| failing.clone()),
            |_, _| None,
        );
        let (_home, mut client) = legacy(&server);
        server.expire();
        let answer = client.call("echo", json!({}));
        assert!(
            answer["error"]["message"].is_string(),
            "{reply:?}: {answer}"
        );
        is_over.open();
        // A refresh that got no answer may have been done; then a login is needed.
        let answer = client.call("echo", json!({}));
        assert!(answer["id"].is_u64(), "{answer}");
        client.finish().expect(0);
        assert!(!server.login.was_reused());
    }
}
