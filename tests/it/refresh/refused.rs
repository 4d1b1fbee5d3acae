//! What the answers of a token endpoint mean for a stored login: whose refresh is refused needs a login, and is not asked
//! again; whoever is busy is asked later.

use std::time::Instant;

use serde_json::{json, Value};

use super::LIMIT;
use crate::support::fake::{Fake, Reply};
use crate::support::in_time;
use crate::support::program::Program;
use crate::support::rotating::Home;

fn answer(status: u16, body: &str) -> Reply {
    Reply::text(status, "application/json", body)
}

/// It runs five commands for each of many answers.
#[apply(long_test)]
fn e2_a_refusal_of_any_form_marks_the_login_and_is_not_repeated() {
    for (status, body, words) in [
        (400, r#"{"error":"invalid_request"}"#, "invalid_request"),
        (400, r#"{"error":"TOKEN_EXPIRED"}"#, "TOKEN_EXPIRED"),
        (401, "", "status 401"),
        (401, r#"{"error":"invalid_grant"}"#, "invalid_grant"),
        (403, "", "status 403"),
        (
            403,
            "<html><title>403 Forbidden</title></html>",
            "403 Forbidden",
        ),
        (400, "", "status 400"),
        (
            400,
            r#"{"error":"interaction_required"}"#,
            "interaction_required",
        ),
        (400, r#"{"error":"login_required"}"#, "login_required"),
        (400, r#"{"error":"consent_required"}"#, "consent_required"),
        (
            400,
            r#"{"code":400,"error_code":"refresh_token_not_found","msg":"Not Found"}"#,
            "refresh_token_not_found: Not",
        ),
        (400, r#"[{"error":"invalid_grant"}]"#, "invalid_grant"),
        (422, r#"{"message":"bad token"}"#, "bad token"),
        (404, "gone", "gone"),
        (410, "{}", "status 410"),
        (418, "", "status 418"),
        (
            400,
            "error=invalid_grant&error_description=a+b",
            "invalid_grant: a b",
        ),
        (400, r#"{"error":"invalid_target"}"#, "invalid_target"),
        (401, r#"{"error":"invalid_client"}"#, "invalid_client"),
        (
            400,
            r#"{"error":"unauthorized_client"}"#,
            "unauthorized_client",
        ),
        // Atlassian.
        (
            403,
            r#"{"error":"unauthorized_client","error_description":"refresh_token is invalid"}"#,
            "the refresh token was refused: the token endpoint answered unauthorized_client: refresh_token is invalid",
        ),
        (
            401,
            r#"{"error":"invalid_client","error_description":"gone since May"}"#,
            "does not know its client any more: the token endpoint answered invalid_client: gone since May",
        ),
        (200, r#"{"error":"invalid_grant"}"#, "invalid_grant"),
        (
            200,
            r#"{"ok":false,"error":"token_expired"}"#,
            "token_expired",
        ),
    ] {
        let body_sent = body.to_owned();
        let fake =
            Fake::with(move |seen, _| (seen.path == "/token").then(|| answer(status, &body_sent)));
        let home = Home::with(&fake, json!({}));
        let before = home.kept(&fake);
        let finished = home
            .command("token", &["--json", &fake.mcp()])
            .run()
            .expect(3);
        let error: Value = serde_json::from_str(&finished.stderr).expect("JSON");
        let hint = format!("mcp-login {} --store file", fake.mcp());
        assert_eq!(
            (&error["code"], &error["hint"]),
            (&json!("not_logged_in"), &json!(hint)),
            "{body}"
        );
        assert!(
            error["message"]
                .as_str()
                .is_some_and(|message| message.contains(words)),
            "{body}: {error}"
        );
        let after = home.kept(&fake);
        assert_eq!(after["needs_login"], true, "{body}");
        assert_eq!(after["refresh_token"], before["refresh_token"], "{body}");
        let status = home
            .command("status", &["--json", &fake.mcp()])
            .run()
            .expect(3);
        assert!(
            status.stdout.contains("\"state\":\"needs_login\"")
                && status.stdout.contains("\"refreshable\":false")
        );
        for command in ["token", "headers"] {
            let again = home.at(command, &fake).run().expect(3);
            assert!(
                again.stderr.contains(&hint) && again.stdout.is_empty(),
                "{}",
                again.stderr
            );
        }
        assert_eq!(fake.seen_at("/token").len(), 1, "{body}");
        home.command("token", &["--refresh", &fake.mcp()])
            .run()
            .expect(3);
        assert_eq!(fake.seen_at("/token").len(), 2, "{body}");
    }
}

#[apply(test)]
fn e1_a_busy_server_does_not_refuse() {
    for (status, body) in [
        (429, r#"{"error":"rate_limited"}"#),
        (
            429,
            r#"{"type":"error","error":{"type":"rate_limit_error"}}"#,
        ),
        (500, r#"{"error":"server_error"}"#),
        (500, r#"{"error":"invalid_grant"}"#),
        (502, "<html><title>502 Bad Gateway</title></html>"),
        (503, r#"{"error":"temporarily_unavailable"}"#),
        (504, ""),
        (529, ""),
        (408, ""),
        (425, ""),
        (400, r#"{"error":"temporarily_unavailable"}"#),
        (400, r#"{"error":{"code":"server_error"}}"#),
        (400, "error=slow_down"),
        (200, r#"{"error":"temporarily_unavailable"}"#),
        // Slack.
        (200, r#"{"ok":false,"error":"internal_error"}"#),
        (200, r#"{"ok":false,"error":"fatal_error"}"#),
    ] {
        let body_sent = body.to_owned();
        let fake = Fake::with(move |seen, _| {
            (seen.path == "/token").then(|| answer(status, &body_sent).with("Retry-After", "3600"))
        });
        let home = Home::with(&fake, json!({}));
        let before = home.text();
        let finished = home
            .command("token", &["--json", &fake.mcp()])
            .run()
            .expect(5);
        let error: Value = serde_json::from_str(&finished.stderr).expect("JSON");
        assert_eq!(error["code"], "token_endpoint_unavailable", "{body}");
        // Whoever fails for ever may mean that the login has ended, as a server behind another one.
        let hint = error["hint"].as_str().expect("a hint");
        let rest = hint.strip_prefix("run the command again in 1 h");
        let login = format!(
            "; if it keeps failing, log in again: mcp-login {} --store file",
            fake.mcp()
        );
        let is_unclear = matches!(status, 500 | 502 | 504 | 529);
        assert!(
            rest == Some(if is_unclear { &login } else { "" }),
            "{status} {body}: {hint}"
        );
        assert_eq!(
            (home.text(), fake.seen_at("/token").len()),
            (before, 1),
            "{body}"
        );
        let status = home
            .command("status", &["--json", &fake.mcp()])
            .run()
            .expect(0);
        assert!(
            status.stdout.contains("\"state\":\"refresh_due\""),
            "{}",
            status.stdout
        );
    }
}

/// It waits as long as a busy server wants, as often as the time allows.
#[apply(waiting_test)]
fn e1_retry_after_is_obeyed_as_far_as_the_time_allows() {
    let past = "Sun, 06 Nov 1994 08:49:37 GMT";
    // By the server's clock, which may be another one.
    let (date, future) = (
        "Sat, 06 Nov 2094 08:49:36 GMT",
        "Sat, 06 Nov 2094 08:49:37 GMT",
    );
    for (wanted, date) in [("0", None), ("1", None), (past, None), (future, Some(date))] {
        let fake = Fake::with(move |seen, fake| {
            let is_first = fake.seen_at("/token").len() == 1;
            let busy =
                answer(503, r#"{"error":"temporarily_unavailable"}"#).with("Retry-After", wanted);
            let busy = date.map_or(busy.clone(), |date| busy.clone().with("Date", date));
            let tokens = json!({"access_token": "access-new", "token_type": "Bearer"});
            (seen.path == "/token").then(|| {
                if is_first {
                    busy
                } else {
                    Reply::json(200, &tokens)
                }
            })
        });
        let home = Home::with(&fake, json!({}));
        assert_eq!(home.token(&fake).expect(0).stdout, "access-new");
        assert_eq!(fake.seen_at("/token").len(), 2);
        assert_eq!(
            fake.seen_at("/token")[1]
                .parameter("refresh_token")
                .as_deref(),
            Some("refresh-0")
        );
    }
    // A server that is busy for ever.
    let fake = Fake::with(|seen, _| {
        (seen.path == "/token").then(|| answer(429, "").with("Retry-After", "2"))
    });
    let home = Home::with(&fake, json!({}));
    let started = Instant::now();
    home.token(&fake).expect(5);
    in_time("the refusal", started, LIMIT);
    let asked = fake.seen_at("/token").len();
    assert!((2..=4).contains(&asked), "{asked}");
    assert!(home
        .files_with(".json")
        .iter()
        .all(|path| !path.starts_with(home.data().join("refresh"))));
}

#[apply(test)]
fn e13_a_refresh_waits_for_a_token_endpoint_that_comes_back() {
    let endpoint = crate::support::closed_address();
    let fake = Fake::start();
    let home = Home::with(
        &fake,
        json!({"token_endpoint": format!("http://{endpoint}/token")}),
    );
    let mut running = home.at("token", &fake).start();
    running.said("the token endpoint does not answer; trying again");
    let server = std::net::TcpListener::bind(endpoint).expect("the port");
    let served = std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        let (mut stream, _) = server.accept().expect("a connection");
        let mut request = Vec::new();
        while !String::from_utf8_lossy(&request).contains("refresh-0") {
            let mut chunk = [0; 4096];
            let count = stream.read(&mut chunk).expect("a request");
            request.extend_from_slice(&chunk[..count]);
        }
        let answer = r#"{"access_token":"access-new","token_type":"Bearer","expires_in":3600}"#;
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            answer.len()
        );
        stream
            .write_all(format!("{head}{answer}").as_bytes())
            .expect("an answer");
    });
    let finished = running.finish_or(|| home.at("token", &fake));
    assert_eq!(finished.expect(0).stdout, "access-new");
    served.join().expect("the server");
}

#[apply(test)]
fn e7_a_token_without_a_lifetime_is_refreshed_before_each_use() {
    for life in [json!(0), json!(-1), json!("-3600")] {
        let fake = Fake::with(move |seen, fake| {
            let number = fake.seen_at("/token").len();
            let tokens = json!({"access_token": format!("access-{number}"), "refresh_token": "r", "expires_in": life});
            (seen.path == "/token").then(|| Reply::json(200, &tokens))
        });
        let finished = Program::login(&fake).agree().expect(0);
        let token = || {
            let words = ["token", "--store", "file", &fake.mcp()];
            Program::new()
                .at_home(finished.home())
                .args(words)
                .run()
                .expect(0)
                .stdout
        };
        assert_eq!(
            (token().as_str(), token().as_str()),
            ("access-2", "access-3")
        );
        // And it is a live login all the same.
        let again = Program::login(&fake)
            .at_home(finished.home())
            .run()
            .expect(0);
        assert_eq!(again.event("logged_in")["already"], true);
    }
}

#[apply(test)]
fn e8_a_token_from_the_future_is_refreshed() {
    let tokens = json!({"access_token": "access-new", "token_type": "Bearer", "expires_in": 3600});
    let fake =
        Fake::with(move |seen, _| (seen.path == "/token").then(|| Reply::json(200, &tokens)));
    let home = Home::with(
        &fake,
        json!({"obtained_at": "2999-01-01T00:00:00Z", "expires_at": "2999-01-01T01:00:00Z"}),
    );
    let status = home.command("status", &["--json"]).run().expect(0);
    assert!(
        status.stdout.contains("\"state\":\"refresh_due\""),
        "{}",
        status.stdout
    );
    assert_eq!(home.token(&fake).expect(0).stdout, "access-new");
    let status = home.command("status", &["--json"]).run().expect(0);
    assert!(
        status.stdout.contains("\"state\":\"live\""),
        "{}",
        status.stdout
    );
}
