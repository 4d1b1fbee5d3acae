//! Logins with a device code: what the server is asked, what the user sees, and how they end.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{json, Value};

use crate::support::device::{DeviceFake, DeviceServer, Poll, DEVICE_CODE, GRANT, USER_CODE};
use crate::support::fake::{Fake, Gate, Reply};
use crate::support::program::{Finished, Program, Running};
use crate::support::{each, repeat, wait_for, LIMITS};

use Poll::{Error, Tokens};

const PENDING: Poll = Error("authorization_pending");

fn login(server: &DeviceFake) -> Program {
    Program::login(&server.fake).arg("--device")
}

/// Checks that the device code is in no output.
fn is_secret(finished: &Finished) {
    for text in [&finished.stdout, &finished.stderr] {
        assert!(!text.contains(DEVICE_CODE), "{text}");
        assert!(!text.contains("access-1") && !text.contains("refresh-1"));
    }
}

#[apply(waiting_test)]
fn dv5_a_login_with_a_device_code_is_stored() {
    let server = DeviceServer::polled([PENDING, Tokens]).start();
    let mut running = login(&server).args(["-vv"]).start();
    let event = running.event("device_code");
    let finished = running.finish().expect(0);

    let page = format!("{}/device", server.fake.origin());
    assert_eq!(event["server"], server.fake.mcp());
    assert_eq!(event["verification_uri"], page);
    assert_eq!(
        event["verification_uri_complete"],
        format!("{page}?user_code={USER_CODE}")
    );
    assert_eq!(event["user_code"], USER_CODE);
    assert!(event["expires_at"]
        .as_str()
        .is_some_and(|at| at.ends_with('Z')));
    assert_eq!(
        event.as_object().map(|members| members.len()),
        Some(6),
        "{event}"
    );
    assert!(finished
        .events
        .iter()
        .all(|event| event["event"] != "listening"));

    let registered = &server.fake.seen_at("/register")[0];
    let registered: Value = serde_json::from_str(&registered.body).expect("JSON");
    assert_eq!(
        registered["grant_types"],
        json!(["authorization_code", "refresh_token", GRANT])
    );
    assert_eq!(
        registered["redirect_uris"],
        json!(["http://127.0.0.1/callback"])
    );
    let asked = &server.fake.seen_at("/device_authorization")[0];
    assert_eq!(asked.parameter("scope").as_deref(), Some("read"));
    assert_eq!(asked.parameter("resource"), Some(server.fake.mcp()));
    assert_eq!(
        asked.parameter("code_challenge_method").as_deref(),
        Some("S256")
    );
    for poll in server.polls() {
        assert_eq!(poll.parameter("resource"), Some(server.fake.mcp()));
        assert!(poll.parameter("code_verifier").is_some());
    }
    assert_eq!(server.polls().len(), 2);

    let kept = finished.kept(&server.fake.mcp());
    assert_eq!(
        (&kept["grant"], &kept["refresh_token"]),
        (&json!(GRANT), &json!("refresh-1"))
    );
    is_secret(&finished);
    let logged = finished.stderr.matches(USER_CODE).count();
    assert_eq!(logged, 1, "the code is shown once: {}", finished.stderr);
}

#[apply(waiting_test)]
fn dv6_the_user_reads_who_asks_for_what_and_then_the_code_alone() {
    let server = DeviceServer::polled([Tokens]).start();
    let finished = Program::new()
        .args([
            "--store",
            "file",
            "--no-browser",
            "--device",
            &server.fake.mcp(),
        ])
        .run()
        .expect(0);
    assert_eq!(finished.stdout, "");
    let lines: Vec<_> = finished.stderr.lines().collect();
    let line = |text: &str| {
        let at = lines.iter().position(|line| line.contains(text));
        at.unwrap_or_else(|| panic!("no {text:?} in {lines:?}"))
    };
    let code = lines.iter().position(|line| *line == USER_CODE);
    let code = code.unwrap_or_else(|| panic!("the code is not alone: {lines:?}"));
    let page = format!("{}/device", server.fake.origin());
    let page = lines
        .iter()
        .position(|line| *line == page)
        .expect("the page");
    let scopes = line("scopes:               read");
    let issuer = line(&format!("authorization server: {}", server.fake.origin()));
    let warning = line("only if you started this login yourself");
    assert!(line("log in to") < issuer && issuer < scopes && scopes < warning);
    assert!(warning < page && page < code);
}

#[apply(test)]
fn dv7_a_server_without_device_codes_is_named_before_anything_is_registered() {
    let fake = Fake::start();
    let finished = Program::login(&fake)
        .arg("--device")
        .run()
        .expect_error(2, "device_flow_unsupported");
    assert!(fake.seen_at("/register").is_empty());
    assert!(finished.event("error")["hint"]
        .as_str()
        .is_some_and(|it| it.contains("--device")));
}

#[apply(test)]
fn dv7_a_server_with_nothing_but_device_codes_is_named_with_the_command() {
    let server = DeviceServer::polled([Tokens])
        .metadata(json!({"grant_types_supported": ["client_credentials", GRANT]}))
        .start();
    let finished = Program::login(&server.fake)
        .run()
        .expect_error(2, "code_flow_unsupported");
    let error = finished.event("error");
    let hint = error["hint"].as_str().expect("a hint");
    assert!(
        hint.ends_with(&format!("mcp-login --device {}", server.fake.mcp())),
        "{hint}"
    );
    assert!(error["message"]
        .as_str()
        .is_some_and(|it| it.contains("client_credentials")));
    assert!(finished
        .events
        .iter()
        .all(|event| event["event"] != "authorization_url"));
    login(&server).run().expect(0);
}

/// Each ends with the first poll, which comes after a second.
#[apply(waiting_test)]
fn dv4_how_a_login_with_a_device_code_fails() {
    let lost = || Poll::Reply(Reply::Raw(Vec::new()));
    let words = json!({"error": "invalid_grant", "error_description": format!("no {DEVICE_CODE}")});
    let cases = [
        (
            vec![Error("access_denied")],
            3,
            "access_denied",
            "no longer knows the code",
        ),
        (
            vec![Error("authorization_declined")],
            3,
            "access_denied",
            "no longer knows the code",
        ),
        (
            vec![Error("invalid_grant")],
            3,
            "invalid_grant",
            "refused the code",
        ),
        (
            vec![Poll::Reply(Reply::json(400, &words))],
            3,
            "invalid_grant",
            "refused the code",
        ),
        (
            vec![Error("invalid_client")],
            3,
            "invalid_client",
            "refused the code",
        ),
        (
            vec![Error("expired_token")],
            4,
            "device_code_expired",
            "expired",
        ),
        (
            vec![lost(), Error("invalid_grant")],
            5,
            "device_answer_lost",
            "lost",
        ),
        (
            vec![lost(), Error("access_denied")],
            5,
            "device_answer_lost",
            "lost",
        ),
        (
            vec![Poll::Reply(Reply::json(200, &json!({})))],
            1,
            "token_response_unusable",
            "no access token",
        ),
        (
            vec![Poll::Reply(Reply::redirect(307, "https://evil.example/"))],
            6,
            "redirect_refused",
            "redirect",
        ),
    ];
    each(&cases, |_, (polls, code, word, said)| {
        let server = DeviceServer::polled(polls.clone()).start();
        let finished = login(&server).run().expect_error(*code, word);
        let message = finished.event("error")["message"]
            .as_str()
            .expect("a message");
        assert!(message.contains(said), "{message}");
        assert_eq!(server.polls().len(), polls.len(), "{message}");
        is_secret(&finished);
    });
}

#[apply(waiting_test)]
fn dv4_a_code_that_has_expired_by_our_own_clock_is_polled_no_more() {
    let server = DeviceServer::polled([Error("invalid_grant")])
        .response(json!({"expires_in": 1, "interval": 5}))
        .start();
    login(&server).run().expect_error(4, "device_code_expired");
    assert!(server.polls().is_empty());
    let at_once = DeviceServer::polled([Tokens])
        .response(json!({"expires_in": 0}))
        .start();
    login(&at_once).run().expect_error(4, "device_code_expired");
    assert!(at_once.polls().is_empty());
}

/// It waits for seven seconds: `slow_down` adds five to the interval.
#[apply(long_test)]
fn dv3_a_server_that_asks_for_it_is_polled_more_slowly() {
    let server = DeviceServer::polled([Error("slow_down"), Tokens]).start();
    login(&server).run().expect(0);
    let pauses = server.pauses();
    assert!(pauses.len() == 1 && pauses[0] >= 6.0, "{pauses:?}");
}

#[apply(waiting_test)]
fn dv3_the_pause_is_counted_from_the_end_of_the_last_answer() {
    let slow = Reply::Slow(
        std::time::Duration::from_millis(700),
        Box::new(Reply::json(400, &json!({"error": "authorization_pending"}))),
    );
    let server = DeviceServer::polled([Poll::Reply(slow), Tokens]).start();
    login(&server).run().expect(0);
    let pauses = server.pauses();
    assert!(pauses.len() == 1 && pauses[0] >= 1.7, "{pauses:?}");
}

#[apply(waiting_test)]
fn dv2_what_providers_answer_to_a_poll_is_understood() {
    let form = |status, body: &str| {
        Poll::Reply(Reply::text(
            status,
            "application/x-www-form-urlencoded",
            body,
        ))
    };
    let json = |status, error: &str| Poll::Reply(Reply::json(status, &json!({"error": error})));
    let server = DeviceServer::polled([
        form(200, "error=authorization_pending&error_description=x"),
        json(403, "authorization_pending"),
        json(428, "authorization_pending"),
        Tokens,
    ])
    .response(json!({
        "verification_uri": null, "verification_url": "https://www.google.com/device",
        "verification_uri_complete": null, "expires_in": "600", "interval": "1",
    }))
    .start();
    let finished = login(&server).run().expect(0);
    let event = finished.event("device_code");
    assert_eq!(event["verification_uri"], "https://www.google.com/device");
    assert_eq!(event["verification_uri_complete"], Value::Null);
    assert_eq!(server.polls().len(), 4);
}

#[apply(waiting_test)]
fn dv8_a_registration_without_the_grant_is_made_anew_once() {
    let again = |server: &DeviceFake, first: &Finished| {
        login(server).arg("--force").at_home(first.home()).run()
    };
    let registrations = |server: &DeviceFake| server.fake.seen_at("/register").len();
    // One of a time when the server had no device codes.
    let server = DeviceServer::polled([Tokens]).after_a_login().start();
    let first = Program::login(&server.fake).agree().expect(0);
    again(&server, &first).expect(0);
    assert_eq!(registrations(&server), 2);
    again(&server, &first).expect(0);
    assert_eq!(registrations(&server), 2, "the new one is used again");
    // One for both ways to log in.
    let server = DeviceServer::polled([Tokens]).start();
    let first = Program::login(&server.fake).agree().expect(0);
    again(&server, &first).expect(0);
    assert_eq!(registrations(&server), 1);
    // A server that has forgotten the client, and one that refuses each.
    let refused = Reply::json(
        400,
        &json!({"error": "invalid_request", "error_description": "not allowed for this client"}),
    );
    for (refusals, code) in [(1, 0), (2, 3)] {
        let replies = [vec![ok()], vec![refused.clone(); refusals]].concat();
        let server = DeviceServer::polled([Tokens]).first(replies).start();
        let first = login(&server).run().expect(0);
        again(&server, &first).expect(code);
        assert_eq!(registrations(&server), 2);
    }
}

/// A login by browser needs no client for device codes.
#[apply(test)]
fn dv8_a_server_that_registers_no_such_client_still_gets_a_login_by_browser() {
    let server = DeviceServer::polled([Tokens])
        .refusing_clients(|client| client.contains("device_code"))
        .start();
    Program::login(&server.fake).agree().expect(0);
    login(&server)
        .arg("--force")
        .run()
        .expect_error(3, "registration_refused");
}

/// As django-oauth-toolkit does: there is a client for each way to log in, and neither takes the other one's place.
#[apply(waiting_test)]
fn dv8_a_server_that_registers_a_client_for_one_grant() {
    for gives_secrets in [false, true] {
        let server = DeviceServer::polled([Tokens])
            .refusing_clients(|it| it.contains("device_code") && it.contains("authorization_code"))
            .giving_secrets(gives_secrets)
            .start();
        let registrations = || server.fake.seen_at("/register").len();
        let first = login(&server).run().expect(0);
        let body = server.fake.seen_at("/register").remove(1).body;
        assert!(body.contains(r#""response_types":[]"#), "{body}");
        let force = |program: Program| program.arg("--force").at_home(first.home());
        assert_eq!(registrations(), 2);
        force(Program::login(&server.fake)).agree().expect(0);
        assert_eq!(registrations(), 4, "another client for the browser");
        // A client with a secret is kept with the login, of which there is one.
        if !gives_secrets {
            force(login(&server)).run().expect(0);
            force(Program::login(&server.fake)).agree().expect(0);
            assert_eq!(registrations(), 4, "both are used again");
        }
    }
}

/// Returns a device response.
fn ok() -> Reply {
    Reply::json(
        200,
        &json!({
            "device_code": DEVICE_CODE, "user_code": USER_CODE, "verification_uri": "https://as.example/device",
            "expires_in": 600, "interval": 1,
        }),
    )
}

#[apply(test)]
fn dv1_odd_answers_of_the_device_endpoint() {
    let with = |changes: Value| DeviceServer::polled([Tokens]).response(changes);
    let first = |reply: Reply| DeviceServer::polled([Tokens]).first([reply]);
    let page = "<html><title>Sign in to the network</title></html>";
    for (server, code, word) in [
        (
            with(json!({"user_code": "A\u{1b}[2JB"})),
            2,
            "device_endpoint_unavailable",
        ),
        (
            with(json!({"user_code": null})),
            2,
            "device_endpoint_unavailable",
        ),
        (
            with(json!({"device_code": null})),
            2,
            "device_endpoint_unavailable",
        ),
        (
            with(json!({"verification_uri": "javascript:alert(1)"})),
            6,
            "forbidden_url",
        ),
        (
            with(json!({"verification_uri": "https://me:pw@as.example/"})),
            6,
            "forbidden_url",
        ),
        (
            with(json!({"verification_uri": "http://as.example/device"})),
            6,
            "forbidden_url",
        ),
        (
            with(json!({"verification_uri": "https://10.0.0.1/device"})),
            6,
            "forbidden_url",
        ),
        (
            first(Reply::text(200, "text/html", page)),
            5,
            "device_endpoint_unavailable",
        ),
        (first(Reply::text(400, "text/html", page)), 3, "refused"),
        (
            first(Reply::json(400, &json!({"error": "invalid_scope"}))),
            3,
            "invalid_scope",
        ),
        (
            first(Reply::json(200, &json!({"error": "device_flow_disabled"}))),
            3,
            "refused",
        ),
        (
            first(Reply::json(401, &json!({"error": "invalid_client"}))),
            3,
            "invalid_client",
        ),
        (
            first(Reply::redirect(302, "/elsewhere")),
            6,
            "redirect_refused",
        ),
    ] {
        let server = server.start();
        let finished = login(&server).run().expect_error(code, word);
        is_secret(&finished);
        assert_eq!(server.fake.seen_at("/register").len(), 1);
        assert!(finished
            .events
            .iter()
            .all(|event| event["event"] != "device_code"));
    }
    let foreign =
        with(json!({"verification_uri_complete": "https://evil.example/?user_code=WDJB-MJHT"}));
    let server = foreign.start();
    let mut running = login(&server).start();
    assert_eq!(
        running.event("device_code")["verification_uri_complete"],
        Value::Null
    );
}

#[apply(waiting_test)]
fn dv9_several_servers_are_polled_side_by_side() {
    let slow = DeviceServer::polled([PENDING, PENDING, Tokens]).start();
    let refused = DeviceServer::polled([Error("access_denied")]).start();
    let quick = DeviceServer::polled([Tokens]).start();
    let without = Fake::start();
    let finished = login(&slow)
        .args([refused.fake.mcp(), quick.fake.mcp(), without.mcp()])
        .run();
    assert_eq!(finished.code, Some(3), "{}", finished.stderr);
    let logged_in = |event: &&Value| event["event"] == "logged_in";
    let servers: Vec<_> = finished
        .events
        .iter()
        .filter(logged_in)
        .map(|event| event["server"].clone())
        .collect();
    assert_eq!(servers, [quick.fake.mcp(), slow.fake.mcp()]);
}

#[apply(waiting_test)]
fn dv10_the_time_limit_and_ctrl_c_end_the_wait() {
    let server = DeviceServer::polled([PENDING]).start();
    let finished = login(&server)
        .args(["--timeout", "2s"])
        .run()
        .expect_error(4, "timed_out");
    assert!(server.polls().len() <= 2);
    is_secret(&finished);
    let mut running = login(&server).start();
    running.event("device_code");
    running.process().signal(Signal::INT);
    let finished = running.finish();
    assert_eq!(
        (finished.code, finished.signal),
        (None, Some(Signal::INT.as_raw())),
        "{}",
        finished.stderr
    );
    assert!(finished.stdout.contains("cancelled"));
}

/// A signal waits for it too, but only for a moment.
#[apply(waiting_test)]
fn dv10_a_poll_under_way_at_the_end_may_bring_the_tokens() {
    let held = || {
        let gate = Gate::default();
        let held = gate.clone();
        let reply = Reply::pieces(move |pieces| {
            held.pass();
            let tokens = json!({"access_token": "a", "refresh_token": "r", "token_type": "Bearer"});
            pieces.begin("application/json", &[]);
            pieces.chunk(tokens.to_string().as_bytes());
            pieces.end();
        });
        let server = DeviceServer::polled([Poll::Reply(reply)]).start();
        (server, gate)
    };
    let has_tokens = |server: &DeviceFake, finished: &Finished| {
        is_secret(finished);
        finished.credentials_path().exists()
            && finished.kept(&server.fake.mcp())["refresh_token"] == "r"
    };

    let (server, _gate) = held();
    let interrupted = login(&server).start();
    wait_for("a poll", || server.polls().pop());
    interrupted.process().signal(Signal::INT);
    let interrupted = interrupted.finish();
    assert_eq!(interrupted.signal, Some(Signal::INT.as_raw()));
    is_secret(&interrupted);

    // The poll that is under way is waited for ten seconds beyond the time limit, and two beyond a signal.
    let mut limit = 1;
    repeat("the answer after the time limit", || {
        // On a busy machine it takes longer until there is a poll.
        limit = (2 * limit).min(32);
        let (server, gate) = held();
        let started = Instant::now();
        let mut late = login(&server)
            .args(["--timeout", &format!("{limit}s")])
            .start();
        let is_polled = || (!server.polls().is_empty()).then_some(true);
        let has_ended =
            |late: &mut Running| late.child.try_wait().expect("its state").map(|_| false);
        if !wait_for("a poll", || is_polled().or_else(|| has_ended(&mut late))) {
            return None;
        }
        let is_late = || started.elapsed() > Duration::from_secs(limit + 1);
        wait_for("the end of the time", || is_late().then_some(()));
        gate.open();
        let finished = late.finish();
        let is_held_up = started.elapsed() > Duration::from_secs(limit + 10);
        (has_tokens(&server, &finished) || !is_held_up).then(|| finished.expect(0))
    });
    repeat("the answer after a signal", || {
        let (server, gate) = held();
        let interrupted = login(&server).start();
        wait_for("a poll", || server.polls().pop());
        let signalled = Instant::now();
        interrupted.process().signal(Signal::INT);
        gate.open();
        let finished = interrupted.finish();
        let is_held_up = signalled.elapsed() > Duration::from_secs(2);
        let has_tokens = has_tokens(&server, &finished);
        assert!(has_tokens || is_held_up, "{}", finished.stderr);
        has_tokens.then_some(())
    });
}

/// The thread that waits; the requests are made by others.
#[apply(waiting_test)]
fn dv10_waiting_takes_no_processor_time() {
    let server = DeviceServer::polled([PENDING]).start();
    let mut running = login(&server).start();
    running.event("device_code");
    let polls = |count: usize| wait_for("polls", || (server.polls().len() >= count).then_some(()));
    polls(1);
    let (before, started) = (running.process().waiting_thread_time(), Instant::now());
    polls(4);
    let spent = running.process().waiting_thread_time() - before;
    let limit = started.elapsed() / 1000;
    assert!(spent < limit, "{spent:?}, and at most {limit:?}");
}

#[apply(test)]
fn dv11_hints_name_the_option_only_where_the_server_offers_it() {
    let hint = |finished: &Finished| {
        let error = finished.event("error");
        error["hint"].as_str().expect("a hint").contains("--device")
    };
    let without = Fake::start();
    let with = DeviceServer::polled([Tokens]).start();
    for (fake, expected) in [(&with.fake, true), (&without, false)] {
        let timed_out = LIMITS.iter().find_map(|limit| {
            let login = Program::login(fake).args(["--timeout", limit]);
            let finished = login.run().expect(4);
            let has_page = finished.stdout.contains("authorization_url");
            has_page.then_some(finished)
        });
        assert_eq!(hint(&timed_out.expect("a page in time")), expected);
        let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = taken.local_addr().expect("an address").port().to_string();
        let cannot_listen = Program::login(fake).args(["--port", &port]).run().expect(8);
        assert_eq!(hint(&cannot_listen), expected);
        let mut no_way = Program::login(fake)
            .args(["--port", &port, "--paste"])
            .with_stdin()
            .start();
        no_way.authorization_url();
        no_way.close_stdin();
        assert_eq!(hint(&no_way.finish().expect(9)), expected);
    }
}
