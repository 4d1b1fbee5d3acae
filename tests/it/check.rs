//! The check: does the stored login work? In both forms of MCP, and without ever showing the token to anybody else.

use std::path::Path;

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use serde_json::{json, Value};

use crate::support::fake::{Fake, Reply, Seen};
use crate::support::leaks::{assert_hides, assert_plain};
use crate::support::program::{Finished, Program};

const TOKEN: &str = "c4nary-5ecret-T0ken-Zq";

fn has_token(seen: &Seen) -> bool {
    seen.header("authorization")
        .is_some_and(|value| value == format!("Bearer {TOKEN}"))
}

/// Puts a login to a server into the default store of a home, as a login would.
fn kept(server: &str, more: Value) -> tempfile::TempDir {
    let home = tempfile::tempdir().expect("a directory");
    let mut entry = json!({
        "server": server, "profile": "default", "generation": 1, "issuer": "https://as.example", "resource": server,
        "registration": "dcr", "client_id": "c", "client_secret": null, "client_auth": "none",
        "redirect_uri": "http://127.0.0.1:1/callback", "token_endpoint": "https://as.example/token",
        "revocation_endpoint": null, "scopes_requested": [], "scopes": [], "account": null, "access_token": TOKEN,
        "refresh_token": null, "obtained_at": "2020-01-01T00:00:00Z", "expires_at": null,
    });
    entry
        .as_object_mut()
        .expect("an object")
        .extend(more.as_object().expect("an object").clone());
    let directory = home.path().join(".local/share/mcp-login");
    std::fs::create_dir_all(&directory).expect("directories");
    let account = match entry["profile"].as_str() {
        Some("default") | None => server.to_owned(),
        Some(profile) => format!("{server}#{profile}"),
    };
    let file = json!({"version": 1, "logins": {account: entry}});
    std::fs::write(directory.join("credentials.json"), file.to_string()).expect("writing");
    home
}

fn check_at(home: &Path, server: &str) -> Program {
    Program::new()
        .at_home(home)
        .args(["--store", "file", "--json", "-vv", "check", server])
}

/// Checks the login to a fake; whatever comes of it, the token is not printed.
fn check(fake: &Fake) -> Finished {
    let home = kept(&fake.mcp(), json!({}));
    let finished = check_at(home.path(), &fake.mcp()).run();
    assert_hides(&format!("{}{}", finished.stdout, finished.stderr), TOKEN);
    assert_plain(&finished.stderr);
    finished
}

fn product(finished: &Finished) -> Value {
    serde_json::from_str(&finished.stdout)
        .unwrap_or_else(|_| panic!("{} {}", finished.stdout, finished.stderr))
}

fn tools(id: u64) -> Value {
    let tools = json!([{"name": "a", "inputSchema": {}}, {"name": "b", "inputSchema": {}}]);
    json!({"jsonrpc": "2.0", "id": id, "result": {"tools": tools}})
}

/// A fake that answers requests with the token like this, and others as `behave` does.
fn served(reply: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Fake {
    Fake::with(move |seen, _| has_token(seen).then(|| reply(seen)))
}

fn events(message: &Value) -> Reply {
    let noise = json!({"jsonrpc": "2.0", "method": "notifications/message", "params": {}});
    Reply::text(
        200,
        "text/event-stream",
        format!(": hi\n\ndata: {noise}\n\nevent: message\nid: 7\ndata: {message}\n\n"),
    )
}

#[apply(test)]
fn m37_m38_m38a_m38c_the_stateless_form() {
    for reply in [Reply::json(200, &tools(1)), events(&tools(1))] {
        let fake = served(move |_| reply.clone());
        let finished = check(&fake).expect(0);
        let name = fake.mcp();
        assert_eq!(
            product(&finished),
            json!({"server": name, "profile": "default", "revision": "2026-07-28", "tools": 2, "proven": true})
        );
        assert!(finished.stderr.contains("works"), "{}", finished.stderr);
        let seen = fake.seen_at("/mcp");
        assert_eq!(seen.len(), 2, "once with the token, once without");
        assert!(has_token(&seen[0]) && seen[1].header("authorization").is_none());
        for seen in seen {
            assert_eq!(seen.header("mcp-method"), Some("tools/list"));
            assert_eq!(
                seen.header("accept"),
                Some("application/json, text/event-stream")
            );
            assert_eq!(seen.query, "");
        }
    }
}

#[apply(test)]
fn m38_m38b_the_form_with_a_session() {
    let refusals: [fn() -> Reply; 6] = [
        || Reply::status(400),
        || {
            Reply::json(
                400,
                &json!({"jsonrpc": "2.0", "id": null, "error": {"code": -32000, "message": "no session"}}),
            )
        },
        || {
            Reply::json(
                400,
                &json!({"jsonrpc": "2.0", "id": 1, "error": {"code": -32022, "message": "old"}}),
            )
        },
        || {
            Reply::json(
                404,
                &json!({"jsonrpc": "2.0", "id": 1, "error": {"code": -32601, "message": "unknown"}}),
            )
        },
        || Reply::status(405),
        || {
            Reply::json(
                200,
                &json!({"jsonrpc": "2.0", "id": 1, "error": {"code": -32601, "message": "unknown"}}),
            )
        },
    ];
    for refusal in refusals {
        for session in [Some("s-1"), None] {
            let fake = served(move |seen| {
                let body: Value = serde_json::from_str(&seen.body).unwrap_or_default();
                let with_session = |reply: Reply| match session {
                    Some(session) => reply.with("Mcp-Session-Id", session),
                    None => reply,
                };
                match (seen.method.as_str(), body["method"].as_str()) {
                    ("DELETE", _) => Reply::status(200),
                    (_, Some("initialize")) => {
                        with_session(events(&json!({"jsonrpc": "2.0", "id": 1, "result": {}})))
                    }
                    (_, Some("notifications/initialized")) => Reply::status(202),
                    (_, Some("tools/list")) if seen.header("mcp-method").is_none() => {
                        Reply::json(200, &tools(2))
                    }
                    _ => refusal(),
                }
            });
            let finished = check(&fake).expect(0);
            assert_eq!(product(&finished)["revision"], "2025-11-25");
            assert_eq!(product(&finished)["tools"], 2);
            let seen: Vec<_> = fake.seen().into_iter().filter(has_token).collect();
            let in_session: Vec<_> = seen
                .iter()
                .filter(|seen| seen.header("mcp-session-id") == session)
                .collect();
            if session.is_some() {
                assert_eq!(in_session.len(), 3, "{seen:?}");
                assert_eq!(seen.last().map(|seen| seen.method.as_str()), Some("DELETE"));
            } else {
                assert!(seen.iter().all(|seen| seen.method == "POST"));
            }
        }
    }
}

/// A server that opens sessions, and answers what a session asks for like this.
fn in_session(answer: impl Fn() -> Reply + Send + Sync + 'static) -> Fake {
    served(move |seen| {
        let body: Value = serde_json::from_str(&seen.body).unwrap_or_default();
        match body["method"].as_str() {
            Some("initialize") => events(&json!({"jsonrpc": "2.0", "id": 1, "result": {}})),
            Some("tools/list") if seen.header("mcp-method").is_none() => answer(),
            Some("tools/list") => Reply::status(400),
            _ => Reply::status(202),
        }
    })
}

#[apply(test)]
fn m38e_a_server_without_tools_takes_the_login() {
    let fake = in_session(|| {
        let error = json!({"code": -32601, "message": "tools not supported"});
        Reply::json(200, &json!({"jsonrpc": "2.0", "id": 2, "error": error}))
    });
    let finished = check(&fake).expect(0);
    assert_eq!(product(&finished)["tools"], 0);
    assert_eq!(product(&finished)["proven"], true);
}

#[apply(test)]
fn m38e_what_a_server_says_within_a_session_is_told() {
    let refused = |words: &str| {
        let error = json!({"code": -32000, "message": words});
        Reply::json(400, &json!({"jsonrpc": "2.0", "id": null, "error": error}))
    };
    let fake = in_session(move || refused("Unsupported protocol version"));
    let stderr = check(&fake).expect_error(5, "server_failed").stderr;
    assert!(
        stderr.contains("error -32000: Unsupported protocol version"),
        "{stderr}"
    );
    assert!(!stderr.contains("check the URL"), "{stderr}");
    // Neither form is taken.
    let fake = served(move |_| refused("Server already initialized"));
    let stderr = check(&fake).expect_error(5, "server_failed").stderr;
    assert!(
        stderr.contains("error -32000: Server already initialized"),
        "{stderr}"
    );
    // What is gone within a session is no wrong URL.
    let fake = in_session(|| Reply::status(404));
    let stderr = check(&fake).expect_error(2, "server_rejects").stderr;
    assert!(stderr.contains("it answered with status 404"), "{stderr}");
}

/// The SDKs of earlier revisions refuse a request of the session that names another revision than they know.
#[apply(test)]
fn m38a_a_session_speaks_the_revision_that_the_server_answered() {
    for (answered, spoken) in [
        (json!("2025-06-18"), "2025-06-18"),
        (json!("x\u{1b}[31m\r\ny: z"), "2025-11-25"),
        (json!(null), "2025-11-25"),
    ] {
        let fake = served(move |seen| {
            let body: Value = serde_json::from_str(&seen.body).unwrap_or_default();
            let named = seen.header("mcp-protocol-version");
            match body["method"].as_str() {
                Some("initialize") => {
                    let result = json!({"protocolVersion": answered, "capabilities": {}});
                    Reply::json(200, &json!({"jsonrpc": "2.0", "id": 1, "result": result}))
                }
                _ if named != Some(spoken) => Reply::status(400),
                Some("tools/list") => Reply::json(200, &tools(2)),
                _ => Reply::status(202),
            }
        });
        let finished = check(&fake).expect(0);
        assert_eq!(product(&finished)["revision"], spoken);
        assert_eq!(product(&finished)["tools"], 2);
    }
}

/// A load balancer tells by a cookie which instance has the session.
#[apply(test)]
fn br48_a_check_sends_the_cookies_of_the_server_back() {
    let fake = served(|seen| {
        let body: Value = serde_json::from_str(&seen.body).unwrap_or_default();
        let is_known = seen.header("cookie") == Some("instance=2");
        match body["method"].as_str() {
            Some("initialize") => {
                let answer = json!({"jsonrpc": "2.0", "id": 1, "result": {}});
                Reply::json(200, &answer).with("Set-Cookie", "instance=2; Path=/")
            }
            Some("tools/list") if is_known => Reply::json(200, &tools(2)),
            Some("notifications/initialized") if is_known => Reply::status(202),
            _ => Reply::status(404),
        }
    });
    let finished = check(&fake).expect(0);
    assert_eq!(product(&finished)["tools"], 2);
    let asked_by_nobody = |seen: &Seen| seen.header("authorization").is_none();
    let seen = fake.seen_at("/mcp").into_iter().filter(asked_by_nobody);
    assert!(seen.into_iter().all(|it| it.header("cookie").is_none()));
}

#[apply(test)]
fn m7_a_server_that_serves_anybody_proves_nothing() {
    let fake = Fake::with(|seen, _| (seen.path == "/mcp").then(|| Reply::json(200, &tools(1))));
    let finished = check(&fake).expect(0);
    assert_eq!(product(&finished)["proven"], false);
    assert!(
        finished.stderr.contains("the login is not proven"),
        "{}",
        finished.stderr
    );
    // Nor does one that fails without the token for another reason than the missing token.
    for status in [429, 500, 503] {
        let fake = Fake::with(move |seen, _| {
            let reply = if has_token(seen) {
                Reply::json(200, &tools(1))
            } else {
                Reply::status(status)
            };
            (seen.path == "/mcp").then_some(reply)
        });
        let finished = check(&fake).expect(0);
        assert_eq!(product(&finished)["proven"], false, "{status}");
    }
    let closed = Fake::with(|seen, _| {
        let reply = if has_token(seen) {
            Reply::json(200, &tools(1))
        } else {
            Reply::Raw(Vec::new())
        };
        (seen.path == "/mcp").then_some(reply)
    });
    assert_eq!(product(&check(&closed).expect(0))["proven"], false);
}

#[apply(test)]
fn m34_a_login_that_is_missing_expired_or_revoked_needs_another() {
    let fake = Fake::start();
    let home = tempfile::tempdir().expect("a directory");
    let missing = check_at(home.path(), &fake.mcp()).run();
    let expired = kept(&fake.mcp(), json!({"expires_at": "2020-01-01T00:00:00Z"}));
    let expired = check_at(expired.path(), &fake.mcp()).run();
    assert_eq!(fake.seen().len(), 0, "nothing has to be asked for that");
    let mut failed = vec![missing, expired];
    for status in [401, 403] {
        let challenge = "Bearer error=\"invalid_token\"";
        let fake = served(move |_| Reply::status(status).with("WWW-Authenticate", challenge));
        failed.push(check(&fake));
        assert_eq!(fake.seen().len(), 1, "{status}");
    }
    for finished in failed {
        let finished = finished.expect_error(3, "not_logged_in");
        let hint = finished.event("error")["hint"]
            .as_str()
            .expect("a hint")
            .to_owned();
        let command = hint.replace("--force ", "");
        assert!(
            command.starts_with("mcp-login http://127.0.0.1:")
                && command.ends_with("/mcp --store file"),
            "{hint}"
        );
    }
    // Of another profile, its own command.
    let home = kept(&fake.mcp(), json!({"profile": "work"}));
    check_at(home.path(), &fake.mcp()).run().expect(3);
    let served = served(|_| Reply::status(401));
    let home = kept(&served.mcp(), json!({"profile": "work"}));
    let finished = check_at(home.path(), &served.mcp())
        .args(["--profile", "work"])
        .run()
        .expect(3);
    assert!(
        finished
            .stderr
            .contains("mcp-login --profile work --force http"),
        "{}",
        finished.stderr
    );
}

/// A fake whose MCP server takes one access token only, and whose token endpoint gives these, one after the other.
fn taking(good: &'static str, given: &'static [&'static str]) -> Fake {
    Fake::with(move |seen, fake| {
        let bearer = seen
            .header("authorization")
            .and_then(|value| value.strip_prefix("Bearer "));
        match (seen.path.as_str(), bearer) {
            ("/mcp", Some(token)) if token == good => Some(Reply::json(200, &tools(1))),
            ("/mcp", _) => {
                Some(Reply::status(401).with("WWW-Authenticate", "Bearer error=\"invalid_token\""))
            }
            ("/token", _) if seen.parameter("grant_type").as_deref() == Some("refresh_token") => {
                let token = given.get(fake.seen_at("/token").len() - 1)?;
                let answer =
                    json!({"access_token": token, "refresh_token": "r", "expires_in": 3600});
                Some(Reply::json(200, &answer))
            }
            _ => None,
        }
    })
}

/// A live login to a fake that has a refresh token.
fn refreshable(fake: &Fake) -> tempfile::TempDir {
    let token_endpoint = format!("{}/token", fake.origin());
    kept(
        &fake.mcp(),
        json!({"token_endpoint": token_endpoint, "issuer": fake.origin(), "refresh_token": "refresh-0"}),
    )
}

#[apply(test)]
fn c50_a_token_that_the_server_refuses_is_refreshed_once() {
    let fake = taking("access-fresh", &["access-fresh"]);
    let home = refreshable(&fake);
    let finished = check_at(home.path(), &fake.mcp()).run().expect(0);
    assert_eq!(product(&finished)["proven"], true);
    assert_eq!(fake.seen_at("/token").len(), 1);
    let token = || {
        Program::new()
            .at_home(home.path())
            .args(["token", "--store", "file", &fake.mcp()])
            .run()
    };
    assert_eq!(token().expect(0).stdout, "access-fresh");
}

#[apply(test)]
fn c50_a_login_that_stays_refused_is_marked_and_the_hint_logs_in_again() {
    for (fake, home) in [
        (taking("none", &["access-fresh", "access-later"]), true),
        (taking("none", &[]), false),
    ]
    .map(|(fake, has_refresh)| {
        let home = if has_refresh {
            refreshable(&fake)
        } else {
            kept(&fake.mcp(), json!({}))
        };
        (fake, home)
    }) {
        let finished = check_at(home.path(), &fake.mcp())
            .run()
            .expect_error(3, "not_logged_in");
        let hint = finished.event("error")["hint"]
            .as_str()
            .expect("a hint")
            .to_owned();
        assert_eq!(
            hint,
            format!("mcp-login --force {} --store file", fake.mcp())
        );
        let run = |words: &[&str]| {
            Program::new()
                .at_home(home.path())
                .args(words)
                .args(["--store", "file"])
                .run()
        };
        let asked = fake.seen().len();
        for command in ["token", "headers", "check"] {
            assert!(
                run(&[command, &fake.mcp()]).expect(3).stdout.is_empty(),
                "{command}"
            );
        }
        assert_eq!(fake.seen().len(), asked, "what is known is not asked again");
        assert!(run(&["status", "--json", &fake.mcp()])
            .expect(3)
            .stdout
            .contains("\"state\":\"needs_login\""));
        // The plain command is no circle either.
        let login = Program::login(&fake).at_home(home.path()).agree().expect(0);
        assert!(login.event("logged_in").get("already").is_none());
        assert_eq!(run(&["token", &fake.mcp()]).expect(0).stdout, "access-1");
    }
}

#[apply(test)]
fn c50_a_refusal_is_told_where_no_mark_can_be_stored() {
    let fake = taking("none", &[]);
    let home = kept(&fake.mcp(), json!({}));
    // A file where the directory of locks belongs: nobody can take a lock, not even root.
    let locks = home.path().join(".local/share/mcp-login/refresh");
    std::fs::write(&locks, "").expect("writing");
    let finished = check_at(home.path(), &fake.mcp())
        .run()
        .expect_error(3, "not_logged_in");
    assert!(
        finished.stderr.contains("cannot store"),
        "{}",
        finished.stderr
    );
}

#[apply(test)]
fn c50_a_refused_token_is_not_printed_if_its_refresh_is_refused_too() {
    let fake = Fake::with(|seen, _| match seen.path.as_str() {
        "/mcp" => Some(Reply::status(401)),
        "/token" => Some(Reply::json(400, &json!({"error": "invalid_grant"}))),
        _ => None,
    });
    let home = refreshable(&fake);
    check_at(home.path(), &fake.mcp())
        .run()
        .expect_error(3, "not_logged_in");
    for command in ["token", "headers"] {
        let run = Program::new()
            .at_home(home.path())
            .args([command, "--store", "file", &fake.mcp()])
            .run();
        assert!(run.expect(3).stdout.is_empty(), "{command}");
    }
    assert_eq!(
        fake.seen_at("/token").len(),
        1,
        "what is known is not asked again"
    );
}

#[apply(test)]
fn sec5_a_server_that_quotes_the_token_is_not_quoted() {
    let answers: [fn(&str) -> Reply; 7] = [
        |token| Reply::json(403, &json!({"message": format!("no {token}")})),
        |token| Reply::json(403, &json!({"message": format!("no {}", percent(token))})),
        |token| {
            Reply::json(
                403,
                &json!({"message": format!("no {}", STANDARD.encode(token))}),
            )
        },
        |token| {
            Reply::status(403).with(
                "WWW-Authenticate",
                &format!("Bearer error=\"insufficient_scope\", error_description=\"{token}\", scope=\"a {token}\""),
            )
        },
        |token| {
            Reply::json(
                200,
                &json!({"jsonrpc": "2.0", "id": 1, "error": {"code": -32000, "message": token}}),
            )
        },
        |token| {
            Reply::status(302).with(
                "Location",
                &format!("https://other.example/{token}?t={token}"),
            )
        },
        |token| Reply::status(403).with("WWW-Authenticate", &format!("Bearer scope=\"{token}\"")),
    ];
    for answer in answers {
        let fake = Fake::with(move |seen, _| {
            let token = seen
                .header("authorization")?
                .strip_prefix("Bearer ")?
                .to_owned();
            (seen.path == "/mcp").then(|| answer(&token))
        });
        let home = refreshable(&fake);
        let finished = check_at(home.path(), &fake.mcp()).run();
        assert_ne!(finished.code, Some(0));
        let said = format!("{}{}", finished.stdout, finished.stderr);
        for quotation in [TOKEN, &percent(TOKEN), &STANDARD.encode(TOKEN)] {
            assert!(!said.contains(quotation), "{said}");
        }
    }
}

fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[apply(test)]
fn c51_scopes_that_are_missing_are_named_and_the_hint_asks_for_them() {
    for (status, challenge, named) in [
        (
            403,
            "Bearer error=\"insufficient_scope\", scope=\"write admin\"",
            "the server wants write admin",
        ),
        (
            401,
            "Bearer error=\"insufficient_scope\", scope=\"write\"",
            "the server wants write",
        ),
        (403, "Bearer scope=\"write\"", "the server wants write"),
        (
            403,
            "Bearer error=\"insufficient_scope\", error_description=\"it's not enough\"",
            "does not name",
        ),
    ] {
        let fake = Fake::with(move |seen, _| {
            let has_scope = seen
                .header("authorization")
                .is_some_and(|value| value == "Bearer access-1");
            let is_asked = seen.path == "/mcp" && seen.header("authorization").is_some();
            (is_asked && !has_scope)
                .then(|| Reply::status(status).with("WWW-Authenticate", challenge))
        });
        let home = refreshable(&fake);
        let finished = check_at(home.path(), &fake.mcp())
            .run()
            .expect_error(3, "not_logged_in");
        let error = finished.event("error");
        assert!(
            error["message"]
                .as_str()
                .is_some_and(|message| message.contains(named)),
            "{error}"
        );
        let hint = error["hint"].as_str().expect("a hint");
        assert!(hint.starts_with("mcp-login --challenge 'Bearer "), "{hint}");
        let login = Program::new().at_home(home.path()).pasted(hint);
        let mut login = login.start();
        login.agree();
        let told = login.finish();
        assert!(
            told.events
                .iter()
                .any(|event| event["event"] == "logged_in"),
            "{} {}",
            told.stdout,
            told.stderr
        );
        let asked = fake.seen_at("/authorize")[0]
            .parameter("scope")
            .unwrap_or_default();
        assert!(
            !challenge.contains("scope=\"write") || asked.contains("write"),
            "{asked}"
        );
        assert_eq!(
            fake.seen_at("/token").len(),
            1,
            "the stored token is not refreshed for that"
        );
    }
}

#[apply(test)]
fn c52_a_server_that_refuses_the_account() {
    for (reply, words) in [
        (Reply::status(403), "refuses this account"),
        (
            Reply::json(403, &json!({"message": "user is not assigned"})),
            "refuses this account: user is not assigned",
        ),
        (
            Reply::text(403, "text/plain", "not assigned\nx"),
            "refuses this account: not assigned",
        ),
        (
            Reply::status(403).with(
                "WWW-Authenticate",
                "Bearer error=\"access_denied\", error_description=\"not assigned\"",
            ),
            "refuses this account: not assigned",
        ),
    ] {
        let fake = served(move |_| reply.clone());
        let finished = check(&fake).expect_error(3, "account_refused");
        assert!(finished.stderr.contains(words), "{}", finished.stderr);
        assert!(
            finished
                .stderr
                .contains(&format!("mcp-login --force {}", fake.mcp())),
            "{}",
            finished.stderr
        );
    }
}

#[apply(test)]
fn c52_a_server_of_the_older_transport() {
    for status in [404, 405, 400] {
        let fake = served(move |seen| match seen.method.as_str() {
            "GET" => Reply::text(
                200,
                "text/event-stream",
                "event: endpoint\ndata: /messages?id=1\n\n",
            ),
            _ => Reply::status(status),
        });
        let finished = check(&fake).expect_error(2, "older_transport");
        assert!(
            finished.stderr.contains("speaks the older SSE transport"),
            "{}",
            finished.stderr
        );
    }
}

#[apply(test)]
fn w6_servers_that_fail() {
    for (reply, code) in [
        (Reply::status(500), "server_failed"),
        (Reply::status(503), "server_failed"),
        (Reply::status(429), "server_failed"),
        (Reply::json(200, &json!([])), "server_failed"),
        (Reply::text(200, "application/json", ""), "server_failed"),
        (
            Reply::text(200, "text/event-stream", "data: {\"c4nary\n\n"),
            "server_failed",
        ),
        (
            Reply::json(
                200,
                &json!({"error": {"code": -32603, "message": "a\u{1b}[2J\u{202e}b"}}),
            ),
            "server_failed",
        ),
        (Reply::status(406), "server_failed"),
        (
            Reply::json(
                200,
                &json!({"error": {"code": -32001, "message": "Request timed out"}}),
            ),
            "server_failed",
        ),
        (Reply::Raw(Vec::new()), "server_unavailable"),
        (
            Reply::text(200, "application/json", "x".repeat(2 << 20)),
            "server_unavailable",
        ),
    ] {
        let fake = served(move |_| reply.clone());
        let finished = check(&fake).expect_error(5, code);
        assert!(!finished.stderr.contains("c4nary"), "{}", finished.stderr);
    }
    let closed = crate::support::closed_address();
    let server = format!("http://{closed}/mcp");
    let home = kept(&server, json!({}));
    check_at(home.path(), &server)
        .run()
        .expect_error(5, "server_unavailable");
}

#[apply(test)]
fn w6_where_nothing_speaks_mcp_the_url_is_to_be_checked() {
    for (reply, how) in [
        (Reply::status(404), "status 404"),
        (Reply::status(405), "status 405"),
        (Reply::status(410), "status 410"),
        (Reply::text(404, "text/html", "<html>c4nary"), "status 404"),
        (Reply::text(200, "text/html", "<html>c4nary"), "a web page"),
        (
            Reply::text(200, "text/html; charset=utf-8", "<!DOCTYPE html>c4nary"),
            "a web page",
        ),
    ] {
        let fake = served(move |_| reply.clone());
        let finished = check(&fake).expect_error(2, "not_an_mcp_server");
        assert!(
            finished
                .stderr
                .contains(&format!("nothing there speaks MCP: it answered with {how}")),
            "{how}"
        );
        let hint = finished.event("error")["hint"].as_str().unwrap_or_default();
        assert!(hint.starts_with("check the URL"), "{hint}");
        assert!(!finished.stderr.contains("c4nary"), "{}", finished.stderr);
    }
}

#[apply(test)]
fn w6_a_failure_that_will_last_is_not_to_be_tried_again() {
    for (status, exit, code, hint) in [
        (400, 5, "server_failed", "check the URL"),
        (402, 3, "account_refused", "ask the operator for access"),
        (409, 5, "server_failed", "try again later"),
        (415, 2, "server_rejects", "ask the operator of the server"),
        (429, 5, "server_failed", "try again later"),
        (451, 3, "account_refused", "ask the operator for access"),
        (501, 2, "not_an_mcp_server", "check the URL"),
        (503, 5, "server_failed", "try again later"),
    ] {
        // A challenge for a payment is none for a token.
        let fake = served(move |_| Reply::status(status).with("WWW-Authenticate", "Payment x=y"));
        let finished = check(&fake).expect_error(exit, code);
        let told = finished.event("error")["hint"].as_str().unwrap_or_default();
        assert!(told.starts_with(hint), "{status}: {told}");
    }
}

#[apply(test)]
fn c50_an_unauthorized_error_in_a_message_counts_as_status_401() {
    for (code, message) in [
        (-32001, "Unauthorized"),
        (-32001, ""),
        (-32603, "Authentication required"),
    ] {
        // A refresh helps, or it does not.
        for good in ["access-fresh", "none"] {
            let fake = Fake::with(move |seen, fake| {
                let error =
                    json!({"jsonrpc": "2.0", "id": 1, "error": {"code": code, "message": message}});
                let bearer = seen
                    .header("authorization")
                    .and_then(|value| value.strip_prefix("Bearer "));
                match seen.path.as_str() {
                    "/mcp" if bearer == Some(good) => Some(Reply::json(200, &tools(1))),
                    "/mcp" => Some(Reply::json(200, &error)),
                    "/token" if fake.seen_at("/token").len() == 1 => {
                        let answer = json!({"access_token": "access-fresh", "refresh_token": "r", "expires_in": 3600});
                        Some(Reply::json(200, &answer))
                    }
                    _ => None,
                }
            });
            let home = refreshable(&fake);
            let finished = check_at(home.path(), &fake.mcp()).run();
            if good == "none" {
                finished.expect_error(3, "not_logged_in");
            } else {
                assert_eq!(product(&finished.expect(0))["proven"], true);
            }
            assert_eq!(fake.seen_at("/token").len(), 1, "{code} {message}");
        }
    }
}

#[apply(test)]
fn m37a_a_redirect_takes_the_token_nowhere_else() {
    let other = Fake::start();
    for status in [301, 302, 303, 307, 308] {
        for target in [other.mcp(), "https://evil.example/".to_owned()] {
            let fake = served(move |_| Reply::redirect(status, &target));
            check(&fake).expect_error(6, "redirect_refused");
        }
        // The port belongs to the origin; the name does, too.
        let fake = Fake::with(move |seen, fake| {
            let target = fake.mcp().replace("127.0.0.1", "localhost");
            has_token(seen).then(|| Reply::redirect(status, &target))
        });
        check(&fake).expect_error(6, "redirect_refused");
        assert_eq!(fake.seen().len(), 1);
    }
    assert_eq!(other.seen().len(), 0);
    // Clients do not send the same request again after these: the check would prove nothing.
    for status in [301, 302, 303] {
        let fake = served(move |seen| match seen.path.as_str() {
            "/mcp" => Reply::redirect(status, "/mcp/"),
            _ => Reply::json(200, &tools(1)),
        });
        let refused = check(&fake).expect_error(6, "redirect_refused");
        let said = refused.event("error").to_string();
        for shown in ["/, which is not followed", "/?"] {
            assert!(said.contains(&(fake.mcp() + shown)), "{said}");
        }
    }
    let moved = Fake::with(|seen, _| match seen.path.as_str() {
        "/mcp" => Some(Reply::redirect(308, "/v2/mcp")),
        _ if has_token(seen) => Some(Reply::json(200, &tools(1))),
        _ => Some(Reply::status(401)),
    });
    assert_eq!(product(&check(&moved).expect(0))["proven"], true);
}

#[apply(test)]
fn a_check_after_a_login() {
    let fake = Fake::start();
    let first = Program::login(&fake).agree().expect(0);
    let finished = check_at(first.home(), &fake.mcp()).run().expect(0);
    assert_eq!(product(&finished)["proven"], true);
    // U14: another path is another server.
    check_at(first.home(), &format!("{}/", fake.mcp()))
        .run()
        .expect_error(3, "not_logged_in");
}
