//! From the code to tokens: what is sent, which answers are taken, what is never sent again, printed or kept.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::Engine as _;
use serde_json::{json, Value};

use crate::support::fake::{Fake, Reply};
use crate::support::leaks::{assert_hides, assert_plain};
use crate::support::program::{Finished, Program};
use crate::support::{each, in_time, parameter, visit, LIMITS};

const CANARY: &str = "c4nary-5ecret-T0ken-Zq";

/// The claims of an ID token for the client `mine`.
fn id_token_claims(fake: &Fake) -> Value {
    json!({"iss": fake.origin(), "aud": "mine", "exp": 4_000_000_000_u64, "jti": CANARY})
}

fn id_token(claims: &Value) -> String {
    format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims.to_string()))
}

/// Text that takes over a terminal that it is printed to.
const HOSTILE: &str = "a\u{1b}[2J\u{1b}]0;owned\u{7}\u{1b}]8;;https://evil.example\u{1b}\\b\r\n\u{9b}31mc\u{202e}d\u{2066}e\u{200d}f\u{0}g\\h\u{7f}\u{e9}";

/// Logs in with a client that is known, so that no refusal is taken for a stale registration.
fn login(fake: &Fake) -> Program {
    Program::login(fake).args(["--client-id", "mine"])
}

fn is_stored(finished: &Finished) -> bool {
    let text = std::fs::read_to_string(finished.credentials_path()).unwrap_or_default();
    text.contains("access_token")
}

/// Checks that the login failed, that nothing of it is kept, and that the code was spent at most once.
#[track_caller]
fn fails(fake: &Fake, login: Program, exit: i32, code: &str) -> Finished {
    let finished = login.agree().expect_error(exit, code);
    assert!(!is_stored(&finished));
    assert!(
        fake.seen_at("/token").len() <= 1,
        "{:?}",
        fake.seen_at("/token")
    );
    finished
}

#[apply(test)]
fn m20_m28_b6_b7_b11_what_is_sent() {
    let fake = Fake::start();
    let mut login = login(&fake).start();
    let url = login.authorization_url();
    let code = parameter(&login.redirect(&url), "code").expect("a code");
    // The first code is left alone: the page of the second visit is the one that answers.
    visit(&login.redirect(&url));
    login.finish().expect(0);
    let (page, token) = (&fake.seen_at("/authorize")[1], &fake.seen_at("/token")[0]);
    let form: Vec<(String, String)> = url::form_urlencoded::parse(token.body.as_bytes())
        .into_owned()
        .collect();
    let mut names: Vec<_> = form.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "client_id",
            "code",
            "code_verifier",
            "grant_type",
            "redirect_uri",
            "resource"
        ]
    );
    assert_eq!(
        token.parameter("grant_type").as_deref(),
        Some("authorization_code")
    );
    assert_eq!(
        token.header("content-type"),
        Some("application/x-www-form-urlencoded")
    );
    assert_eq!(token.header("accept"), Some("application/json"));
    assert_eq!(token.query, "");
    for name in ["redirect_uri", "resource", "client_id"] {
        assert_eq!(token.parameter(name), page.parameter(name), "{name}");
    }
    assert_ne!(token.parameter("code").as_deref(), Some(code.as_str()));
    assert_eq!(
        token
            .parameter("code_verifier")
            .map(|verifier| verifier.len()),
        Some(43)
    );
    assert_eq!(
        page.parameter("code_challenge_method").as_deref(),
        Some("S256")
    );
}

#[apply(test)]
fn b11_m20b_the_resource_may_be_named_or_left_out() {
    for (args, expected) in [
        (&["--no-resource"][..], None),
        (&["--resource", "urn:example:API"], Some("urn:example:API")),
        (
            &["--resource", "HTTPS://Example.com"],
            Some("HTTPS://Example.com"),
        ),
    ] {
        let fake = Fake::start();
        let finished = login(&fake).args(args).agree().expect(0);
        for path in ["/authorize", "/token"] {
            assert_eq!(
                fake.seen_at(path)[0].parameter("resource").as_deref(),
                expected,
                "{path}"
            );
        }
        assert_eq!(finished.kept(&fake.mcp())["resource"].as_str(), expected);
    }
    let fake = Fake::answering(
        "/token",
        Reply::json(400, &json!({"error": "invalid_target"})),
    );
    let finished = fails(&fake, login(&fake), 3, "invalid_target");
    assert!(
        finished.stderr.contains("--no-resource"),
        "{}",
        finished.stderr
    );
}

/// It runs a login for each error and each way that it may come.
#[apply(long_test)]
fn o2_errors_are_known_by_their_member() {
    for error in [
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
    ] {
        for status in [400, 401, 200, 403, 422] {
            for kind in ["application/json", "text/plain", ""] {
                let body = json!({"error": error, "error_description": "so it is"}).to_string();
                let fake = Fake::answering("/token", Reply::text(status, kind, body));
                let finished = fails(&fake, login(&fake), 3, error);
                assert!(
                    finished.stderr.contains(&format!("{error}: so it is")),
                    "{}",
                    finished.stderr
                );
            }
        }
    }
    // B6: a server that does not want the verifier is not asked again without it.
    let body =
        json!({"error": "invalid_request", "error_description": "code_verifier not expected"});
    let fake = Fake::answering("/token", Reply::json(400, &body));
    fails(&fake, login(&fake), 3, "invalid_request");
    assert!(fake.seen_at("/token")[0]
        .parameter("code_verifier")
        .is_some());
    for (body, code) in [
        (json!({"error": "weird"}), "token_refused"),
        (json!({"error": 7}), "token_refused"),
    ] {
        let fake = Fake::answering("/token", Reply::json(400, &body));
        fails(&fake, login(&fake), 3, code);
    }
}

#[apply(test)]
fn o3_m30_m30a_m30b_answers_that_are_accepted() {
    let token = |more: Value| {
        let mut answer = json!({"access_token": "t", "token_type": "Bearer"});
        answer
            .as_object_mut()
            .expect("an object")
            .extend(more.as_object().expect("an object").clone());
        answer
    };
    let asked = json!(["read"]);
    // The answer; the lifetime that is believed; the scopes; whether there is a refresh token.
    for (answer, lifetime, scopes, refreshable) in [
        (token(json!({})), None, asked.clone(), false),
        (
            token(json!({"refresh_token": "r", "expires_in": 3600})),
            Some(3600),
            asked.clone(),
            true,
        ),
        (
            token(json!({"token_type": "bearer"})),
            None,
            asked.clone(),
            false,
        ),
        (
            token(json!({"token_type": "BEARER", "expires_in": "3600"})),
            Some(3600),
            asked.clone(),
            false,
        ),
        (json!({"access_token": "t"}), None, asked.clone(), false),
        (
            token(json!({"expires_in": 3600.5, "scope": ""})),
            Some(3600),
            asked.clone(),
            false,
        ),
        (
            token(json!({"expires_in": 0, "scope": "read write"})),
            Some(0),
            json!(["read", "write"]),
            false,
        ),
        (
            token(json!({"expires_in": -1, "scope": " a  b "})),
            Some(0),
            json!(["a", "b"]),
            false,
        ),
        (
            token(json!({"expires_in": -1, "refresh_token": "r"})),
            Some(0),
            asked.clone(),
            true,
        ),
        (
            token(json!({"expires_in": 1e12, "scope": ["x", "y"]})),
            None,
            json!(["x", "y"]),
            false,
        ),
        (
            token(json!({"expires_in": "never", "scope": 7})),
            None,
            asked.clone(),
            false,
        ),
        (
            token(json!({"expires_in": null, "refresh_token": ""})),
            None,
            asked.clone(),
            false,
        ),
        (
            token(json!({"expires_in": [], "refresh_token": null})),
            None,
            asked.clone(),
            false,
        ),
        (
            token(json!({"error": "not_one", "x": {"y": [1]}, "id_token": "x.y.z"})),
            None,
            asked.clone(),
            false,
        ),
    ] {
        let fake = Fake::answering("/token", Reply::json(200, &answer));
        let finished = login(&fake).agree().expect(0);
        let (told, kept) = (finished.event("logged_in"), finished.kept(&fake.mcp()));
        assert_eq!(kept["access_token"], "t", "{answer}");
        assert_eq!(kept["scopes"], scopes, "{answer}");
        assert_eq!(told["scopes"], scopes, "{answer}");
        assert_eq!(told["refreshable"], refreshable, "{answer}");
        assert_eq!(kept["refresh_token"].is_string(), refreshable, "{answer}");
        assert_eq!(kept["expires_at"].is_null(), lifetime.is_none(), "{answer}");
        assert_eq!(told["expires_at"].is_null(), lifetime.is_none(), "{answer}");
    }
    // Any way of saying 200, and any content type.
    let body = json!({"access_token": "t", "token_type": "Bearer"}).to_string();
    for reply in [
        Reply::text(201, "application/json", body.clone()),
        Reply::Slow(
            Duration::from_millis(300),
            Box::new(Reply::text(200, "application/json", body.clone())),
        ),
        Reply::text(200, "text/html; charset=utf-8", body.clone()),
        Reply::text(200, "", format!("\u{feff}{body}\n\n")),
        Reply::text(
            200,
            "application/x-www-form-urlencoded",
            "access_token=t&token_type=bearer&expires_in=3600",
        ),
        Reply::Raw(format!("HTTP/1.0 200 OK\r\n\r\n{body}").into_bytes()),
        Reply::Raw(
            format!(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
                body.len()
            )
            .into_bytes(),
        ),
    ] {
        let fake = Fake::answering("/token", reply);
        assert_eq!(
            login(&fake).agree().expect(0).kept(&fake.mcp())["access_token"],
            "t"
        );
    }
}

/// An answer that holds this member twice.
fn doubled(member: &str) -> String {
    format!(
        r#"{{"{member}":"x","access_token":"{CANARY}","refresh_token":"{CANARY}","token_type":"Bearer"}}"#
    )
}

#[apply(test)]
fn w11_well_formed_answers_that_cannot_be_used() {
    for answer in [
        json!({"access_token": CANARY, "token_type": "DPoP"}),
        json!({"access_token": CANARY, "token_type": "mac"}),
        json!({"access_token": CANARY, "token_type": "N_A"}),
        json!({"access_token": CANARY, "token_type": ["DPoP"]}),
        json!({"access_token": CANARY, "token_type": {"x": "DPoP"}}),
        json!({"access_token": CANARY, "token_type": 7}),
        json!({"access_token": CANARY, "token_type": true}),
        json!({"token_type": "Bearer", "refresh_token": CANARY}),
        json!({"access_token": "", "token_type": "Bearer", "refresh_token": CANARY}),
        json!({"access_token": null, "refresh_token": CANARY}),
        json!({"access_token": [CANARY]}),
        json!({"access_token": {"token": CANARY}}),
        json!({"access_token": 7, "refresh_token": CANARY}),
        json!({"access_token": format!("{CANARY}\r\nX: y"), "token_type": "Bearer"}),
        json!({"access_token": format!("{CANARY} {CANARY}"), "token_type": "Bearer"}),
        json!({"access_token": format!("{CANARY}\u{e9}"), "token_type": "Bearer"}),
        json!({"Access_Token": CANARY}),
        json!({"data": {"access_token": CANARY}}),
        json!({}),
    ]
    .map(|answer| answer.to_string())
    .into_iter()
    .chain(["access_token", "refresh_token"].map(doubled))
    {
        let fake = Fake::answering("/token", Reply::text(200, "application/json", answer));
        let finished = fails(&fake, login(&fake).arg("-vv"), 1, "token_response_unusable");
        assert_hides(&format!("{}{}", finished.stdout, finished.stderr), CANARY);
    }
}

/// Bodies that are no answer of a token endpoint, each with something that must not be printed.
fn broken_bodies() -> Vec<Vec<u8>> {
    let good =
        format!("{{\"access_token\":\"{CANARY}\",\"token_type\":\"Bearer\",\"expires_in\":60}}");
    let mut bodies: Vec<Vec<u8>> = Vec::new();
    // Cut off at many places behind the secret, and with rubbish put in there.
    let behind = good.find(CANARY).expect("the secret") + CANARY.len();
    bodies.extend((behind..good.len()).map(|end| good.as_bytes()[..end].to_vec()));
    for rubbish in [
        "\0",
        "\u{feff}",
        "}",
        "]",
        ",,",
        "\\",
        "\\u12",
        "\\ud800\"",
        "1e999",
        "NaN",
        "/*x*/",
        "'",
        "\n\"",
    ] {
        bodies.push(
            [
                &good.as_bytes()[..=behind],
                rubbish.as_bytes(),
                &good.as_bytes()[behind + 1..],
            ]
            .concat(),
        );
    }
    for text in [
        format!("[{good}]"),
        format!("\"{CANARY}\""),
        format!("<html><body>{CANARY}</body></html>"),
        format!("{good}{good}"),
        format!("{good}x"),
        format!("null {CANARY}"),
        format!("token={CANARY}"),
        format!(")]}}'\n{good}"),
        format!("callback({good})"),
        format!(
            "{{\"access_token\":\"{CANARY}\",\"x\":{}}}",
            "[".repeat(5000)
        ),
    ] {
        bodies.push(text.into_bytes());
    }
    bodies.push([good.as_bytes(), b"\xff\xfe"].concat());
    bodies.push(
        [
            b"\xff\xfe".to_vec(),
            good.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        ]
        .concat(),
    );
    bodies
}

#[apply(test)]
fn w6_v14_sec5_broken_answers_are_not_printed() {
    let bodies = broken_bodies();
    assert!(bodies.len() >= 60, "{}", bodies.len());
    for (number, body) in bodies.into_iter().enumerate() {
        let shown = String::from_utf8_lossy(&body).into_owned();
        let kind = ["application/json", "text/html", ""][number % 3];
        let fake = Fake::answering(
            "/token",
            Reply::text([200, 200, 400][number % 3], kind, body),
        );
        let login = login(&fake)
            .arg("-vv")
            .env("RUST_BACKTRACE", "1")
            .env("RUST_LOG", "trace");
        let finished = login.agree();
        // With a status of failure it is a refusal, whatever it says.
        let is_right = if number % 3 == 2 {
            finished.code == Some(3)
        } else {
            matches!(finished.code, Some(1 | 5))
        };
        assert!(is_right, "{shown}: {:?} {}", finished.code, finished.stderr);
        assert!(!is_stored(&finished), "{shown}");
        assert_hides(&format!("{}{}", finished.stdout, finished.stderr), CANARY);
        assert_eq!(fake.seen_at("/token").len(), 1, "{shown}");
    }
}

#[apply(test)]
fn w6_an_answer_that_is_not_http_is_called_that() {
    let answered: &[&[u8]] = &[
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x15\x03\x01\x00\x02\x02\x0a",
        b"HTTP/1.1 200 OK\r\nbad header\r\n\r\n",
    ];
    for bytes in answered {
        let reply = Reply::pieces(move |pieces| {
            pieces.raw(bytes);
        });
        let failed = login(&Fake::answering("/token", reply)).agree().expect(5);
        for words in [
            "is not valid HTTP (invalid",
            "check the scheme and the port",
        ] {
            assert!(failed.stderr.contains(words), "{}", failed.stderr);
        }
    }
}

#[apply(test)]
fn w6_an_answer_that_breaks_off_is_called_that() {
    for bytes in [&b""[..], b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"] {
        let reply = Reply::pieces(move |pieces| {
            pieces.raw(bytes);
        });
        let failed = login(&Fake::answering("/token", reply)).agree().expect(5);
        for words in [
            "no complete answer from 127.0.0.1",
            "it closed the connection",
        ] {
            assert!(failed.stderr.contains(words), "{}", failed.stderr);
        }
    }
}

#[apply(test)]
fn w6_without_a_response_trying_again_is_sensible() {
    for reply in [
        Reply::text(200, "text/html", "<html>sign in to the hotel</html>"),
        Reply::text(200, "application/json", ""),
        Reply::text(200, "application/json", "[]"),
        Reply::text(200, "application/json", "null"),
    ] {
        let fake = Fake::answering("/token", reply);
        fails(&fake, login(&fake), 5, "token_endpoint_unavailable");
    }
}

#[apply(test)]
fn sec5_sec6_a_good_login_prints_no_secret_either() {
    let fake = Fake::with(|seen, fake| match seen.path.as_str() {
        "/authorize" => {
            let (uri, state) = (seen.parameter("redirect_uri")?, seen.parameter("state")?);
            Some(Reply::redirect(
                302,
                &format!("{uri}?code=code-{CANARY}&state={state}"),
            ))
        }
        "/token" => {
            let mut tokens = fake.tokens(1, None);
            tokens["access_token"] = format!("access-{CANARY}").into();
            tokens["refresh_token"] = format!("refresh-{CANARY}").into();
            let mut claims = id_token_claims(fake);
            claims["email"] = "ada@example.com".into();
            tokens["id_token"] = id_token(&claims).into();
            Some(Reply::json(200, &tokens))
        }
        _ => None,
    });
    let finished = login(&fake)
        .arg("-vv")
        .env("MCP_LOGIN_CLIENT_SECRET", format!("secret-{CANARY}"))
        .agree()
        .expect(0);
    assert_eq!(
        finished.kept(&fake.mcp())["access_token"],
        format!("access-{CANARY}")
    );
    let all = format!("{}{}", finished.stdout, finished.stderr);
    assert_hides(&all, CANARY);
    assert_hides(
        &all,
        &fake.seen_at("/token")[0]
            .parameter("code_verifier")
            .expect("a verifier"),
    );
    assert_eq!(finished.event("logged_in")["account"], "ada@example.com");
}

#[apply(test)]
fn m31_b8_w7_the_token_endpoint_is_not_left() {
    let other = Fake::start();
    for status in [301, 302, 303, 307, 308] {
        for target in [
            format!("{}/token", other.origin()),
            "/token2".to_owned(),
            "//evil.example/token".to_owned(),
        ] {
            let fake = Fake::answering("/token", Reply::redirect(status, &target));
            fails(&fake, login(&fake), 6, "redirect_refused");
            assert_eq!(fake.seen_at("/token").len(), 1);
            assert_eq!(fake.seen_at("/token2").len(), 0);
        }
    }
    assert_eq!(other.seen().len(), 0);
}

#[apply(test)]
fn w4_o6_a_code_is_not_sent_twice() {
    let partial =
        b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"access_token\":\"c4nary-5ecret".to_vec();
    for (reply, code) in [
        (Reply::Raw(Vec::new()), "server_unavailable"),
        (Reply::Raw(b"HTTP/1.1 200".to_vec()), "server_unavailable"),
        (Reply::Raw(partial), "server_unavailable"),
        (
            Reply::Raw(b"c4nary-5ecret\r\n\r\n".to_vec()),
            "server_unavailable",
        ),
        (Reply::status(500), "token_endpoint_unavailable"),
        (Reply::status(502), "token_endpoint_unavailable"),
        (
            Reply::status(500).with("Retry-After", "0"),
            "token_endpoint_unavailable",
        ),
        (
            Reply::status(502).with("Retry-After", "1"),
            "token_endpoint_unavailable",
        ),
        (
            Reply::status(504).with("Retry-After", "1"),
            "token_endpoint_unavailable",
        ),
        (
            Reply::status(408).with("Retry-After", "1"),
            "token_endpoint_unavailable",
        ),
        (Reply::status(503), "token_endpoint_unavailable"),
        (Reply::status(429), "token_endpoint_unavailable"),
        (
            Reply::status(503).with("Retry-After", "9"),
            "token_endpoint_unavailable",
        ),
        (
            Reply::status(429).with("Retry-After", "3600"),
            "token_endpoint_unavailable",
        ),
        (
            Reply::json(400, &json!({"error": "temporarily_unavailable"})),
            "token_endpoint_unavailable",
        ),
        (
            Reply::text(200, "application/json", "x".repeat(2 << 20)),
            "server_unavailable",
        ),
        (
            Reply::Raw([b"HTTP/1.1 200 OK\r\nX: ".to_vec(), vec![b'x'; 200_000]].concat()),
            "server_unavailable",
        ),
    ] {
        let fake = Fake::answering("/token", reply.clone());
        let finished = fails(&fake, login(&fake), 5, code);
        assert_eq!(fake.seen_at("/token").len(), 1);
        assert!(!finished.stderr.contains("c4nary"), "{}", finished.stderr);
    }
}

/// It waits for the end of all attempts to reach the token endpoint.
#[apply(waiting_test)]
fn w1_a_token_endpoint_without_a_listener() {
    let closed = crate::support::closed_address();
    for (endpoint, code) in [
        (format!("http://{closed}/token"), "server_unavailable"),
        (
            "https://no-such-host.invalid/token".to_owned(),
            "server_unavailable",
        ),
    ] {
        let fake = Fake::with(move |seen, fake| {
            let mut metadata = fake.server_metadata();
            metadata["token_endpoint"] = endpoint.clone().into();
            seen.path
                .contains("oauth-authorization-server")
                .then(|| Reply::json(200, &metadata))
        });
        // All attempts come after the page, which has to be there before the limit.
        let attempt = |limit: &&str| {
            let finished = login(&fake).args(["--timeout", limit]).agree();
            let is_late = finished.event("error")["code"] == "timed_out";
            (!is_late).then_some(finished)
        };
        let finished = LIMITS.iter().find_map(attempt).expect("a page in time");
        let finished = finished.expect_error(5, code);
        assert!(!is_stored(&finished) && fake.seen_at("/token").is_empty());
        assert!(
            finished.stderr.contains("127.0.0.1") || finished.stderr.contains("invalid"),
            "{}",
            finished.stderr
        );
        let said = finished
            .stderr
            .matches("the token endpoint does not answer; trying again")
            .count();
        assert_eq!(said, 1, "{}", finished.stderr);
    }
}

#[apply(test)]
fn e13_a_code_waits_for_a_token_endpoint_that_comes_back() {
    let endpoint = crate::support::closed_address();
    let fake = Fake::with(move |seen, fake| {
        let mut metadata = fake.server_metadata();
        metadata["token_endpoint"] = format!("http://{endpoint}/token").into();
        seen.path
            .contains("oauth-authorization-server")
            .then(|| Reply::json(200, &metadata))
    });
    let mut login = login(&fake).start();
    let url = login.authorization_url();
    let back = login.redirect(&url);
    let browser = std::thread::spawn(move || visit(&back));
    login.said("the token endpoint does not answer; trying again");
    // The server is there again, and takes the code that came before.
    let server = TcpListener::bind(endpoint).expect("the port");
    let answer = fake.tokens(7, None).to_string();
    let served = std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        let (mut stream, _) = server.accept().expect("a connection");
        let mut request = Vec::new();
        while !String::from_utf8_lossy(&request).contains("code_verifier=") {
            let mut chunk = [0; 4096];
            let count = stream.read(&mut chunk).expect("a request");
            request.extend_from_slice(&chunk[..count]);
        }
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            answer.len()
        );
        stream
            .write_all(format!("{head}{answer}").as_bytes())
            .expect("an answer");
    });
    let finished = login.finish().expect(0);
    served.join().expect("the server");
    browser.join().expect("the browser");
    assert_eq!(finished.kept(&fake.mcp())["access_token"], "access-7");
}

#[apply(test)]
fn e13_a_signal_ends_a_login_that_waits_for_the_token_endpoint() {
    let closed = crate::support::closed_address();
    let fake = Fake::with(move |seen, fake| {
        let mut metadata = fake.server_metadata();
        metadata["token_endpoint"] = format!("http://{closed}/token").into();
        seen.path
            .contains("oauth-authorization-server")
            .then(|| Reply::json(200, &metadata))
    });
    let mut login = login(&fake).start();
    let url = login.authorization_url();
    let back = login.redirect(&url);
    let browser = std::thread::spawn(move || std::panic::catch_unwind(|| visit(&back)).is_ok());
    login.said("the token endpoint does not answer; trying again");
    let asked = Instant::now();
    login.process().signal(rustix::process::Signal::INT);
    let finished = login.finish();
    assert!(
        finished.signal == Some(2) || finished.code == Some(130),
        "{:?} {}",
        finished.code,
        finished.stderr
    );
    in_time("the end", asked, Duration::from_secs(10));
    assert!(!is_stored(&finished));
    browser.join().expect("the browser");
}

/// Returns the most memory that a process has had, in KiB.
fn peak_memory(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[apply(test)]
fn v15_w6_endless_answers_cost_neither_time_nor_memory() {
    let chunk = [b"10000\r\n".to_vec(), vec![b' '; 1 << 16], b"\r\n".to_vec()].concat();
    for (head, again) in [
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n",
            vec![b'x'; 1 << 16],
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            chunk,
        ),
        (
            "HTTP/1.1 200 OK\r\n\r\n{\"access_token\":\"",
            vec![b'x'; 1 << 16],
        ),
        ("HTTP/1.1 200 OK\r\n", b"X-Header: value\r\n".to_vec()),
        ("HTTP/1.1 200 OK\r\nX: ", vec![b'x'; 1 << 16]),
        (
            "HTTP/1.1 100 Continue\r\n\r\n",
            b"HTTP/1.1 100 Continue\r\n\r\n".to_vec(),
        ),
    ] {
        let (head, pause) = (head.as_bytes().to_vec(), Duration::ZERO);
        let fake = Fake::answering("/token", Reply::Endless { head, again, pause });
        let mut login = login(&fake).start();
        let url = login.authorization_url();
        let (pid, before) = (login.pid(), peak_memory(login.pid()).expect("its memory"));
        let started = Instant::now();
        let back = login.redirect(&url);
        let browser = std::thread::spawn(move || visit(&back));
        let mut peak = before;
        while let Some(now) = peak_memory(pid) {
            peak = peak.max(now);
            std::thread::sleep(Duration::from_millis(2));
        }
        let finished = login.finish().expect(5);
        assert_eq!(fake.seen_at("/token").len(), 1);
        in_time("the end", started, Duration::from_secs(15));
        assert!(
            peak - before <= 4 * 1024,
            "{} KiB more: {}",
            peak - before,
            finished.stderr
        );
        browser.join().expect("the browser");
    }
}

#[apply(test)]
fn v13_t2_t3_text_of_servers_cannot_control_the_terminal() {
    let query =
        |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    // An answer with a control character in it is not read at all.
    let visible = "a\u{202e}b\u{2066}c\u{200d}d\\e\u{e9}\u{1f600}";
    type Deviation = Box<dyn Fn(&crate::support::fake::Seen, &Fake) -> Option<Reply> + Send + Sync>;
    let at = |place: &'static str, reply: Reply| -> Deviation {
        Box::new(move |seen, _| (seen.path == place).then(|| reply.clone()))
    };
    let back = |more: String| -> Deviation {
        Box::new(move |seen, _| {
            let (uri, state) = (seen.parameter("redirect_uri")?, seen.parameter("state")?);
            (seen.path == "/authorize")
                .then(|| Reply::redirect(302, &format!("{uri}?state={state}&{more}")))
        })
    };
    let changed = |place: &'static str, member: &'static str, value: Value| -> Deviation {
        Box::new(move |seen, fake| {
            let mut metadata = if place.contains("protected") {
                fake.resource_metadata()
            } else {
                fake.server_metadata()
            };
            metadata[member] = value.clone();
            seen.path
                .starts_with(place)
                .then(|| Reply::json(200, &metadata))
        })
    };
    let (resource, server) = (
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-authorization-server",
    );
    let tokens = |more: Value| {
        let mut answer = json!({"access_token": "t", "token_type": "Bearer"});
        answer
            .as_object_mut()
            .expect("an object")
            .extend(more.as_object().expect("an object").clone());
        Reply::json(200, &answer)
    };
    let raw_header = format!("HTTP/1.1 401 {HOSTILE}\r\nContent-Length: 0\r\n\r\n");
    let fields: Vec<(&str, i32, Deviation)> = vec![
        ("error", 3, back(format!("error={}", query(visible)))),
        (
            "error_description",
            3,
            back(format!(
                "error=access_denied&error_description={}",
                query(visible)
            )),
        ),
        (
            "error_uri",
            3,
            back(format!("error=access_denied&error_uri={}", query(HOSTILE))),
        ),
        (
            "the token error",
            3,
            at(
                "/token",
                Reply::json(
                    400,
                    &json!({"error": HOSTILE, "error_description": HOSTILE}),
                ),
            ),
        ),
        (
            "the token error inside",
            3,
            at(
                "/token",
                Reply::json(
                    400,
                    &json!({"error": {"code": HOSTILE, "message": HOSTILE}}),
                ),
            ),
        ),
        ("scope", 0, at("/token", tokens(json!({"scope": HOSTILE})))),
        (
            "the account",
            0,
            Box::new(|seen: &crate::support::fake::Seen, fake: &Fake| {
                let mut claims = id_token_claims(fake);
                (claims["email"], claims["aud"]) = (HOSTILE.into(), "client-1".into());
                let answer = json!({"access_token": "t", "id_token": id_token(&claims)});
                (seen.path == "/token").then(|| Reply::json(200, &answer))
            }),
        ),
        (
            "client_name",
            0,
            at(
                "/register",
                Reply::json(201, &json!({"client_id": "x", "client_name": HOSTILE})),
            ),
        ),
        (
            "client_id",
            0,
            at(
                "/register",
                Reply::json(201, &json!({"client_id": visible})),
            ),
        ),
        (
            "the registration error",
            3,
            at(
                "/register",
                Reply::json(
                    400,
                    &json!({"error": HOSTILE, "error_description": HOSTILE}),
                ),
            ),
        ),
        (
            "resource_name",
            0,
            changed(resource, "resource_name", json!(HOSTILE)),
        ),
        ("resource", 6, changed(resource, "resource", json!(HOSTILE))),
        (
            "scopes_supported",
            0,
            changed(resource, "scopes_supported", json!([HOSTILE])),
        ),
        (
            "an entry",
            6,
            changed(
                resource,
                "authorization_servers",
                json!([format!("https://{HOSTILE}.example")]),
            ),
        ),
        (
            "a host",
            6,
            changed(
                resource,
                "authorization_servers",
                json!(["http://xn--80ak6aa92e.example"]),
            ),
        ),
        ("issuer", 6, changed(server, "issuer", json!(HOSTILE))),
        (
            "an endpoint",
            2,
            changed(server, "token_endpoint", json!(HOSTILE)),
        ),
        (
            "service_documentation",
            0,
            changed(server, "service_documentation", json!(HOSTILE)),
        ),
        (
            "the reason phrase",
            0,
            at("/mcp", Reply::Raw(raw_header.into_bytes())),
        ),
        (
            "a redirect",
            6,
            at(
                "/token",
                Reply::redirect(302, "https://evil.example/$(id)%1b[2J\u{202e}]0;x"),
            ),
        ),
    ];
    for (field, exit, deviation) in fields {
        let fake = Fake::with(deviation);
        let finished = Program::login(&fake).arg("-vv").agree();
        assert_eq!(
            finished.code,
            Some(exit),
            "{field}: {} {}",
            finished.stdout,
            finished.stderr
        );
        assert_plain(&finished.stderr);
        assert_plain(&finished.stdout);
        assert!(
            !finished.stderr.contains("owned"),
            "{field}: {}",
            finished.stderr
        );
        assert!(!finished.events.is_empty(), "{field}");
        // In JSON the text is escaped, not changed.
        match field {
            "the account" => assert_eq!(finished.event("logged_in")["account"], HOSTILE),
            "client_id" => assert_eq!(finished.event("logged_in")["client_id"], visible),
            _ => {}
        }
    }
}

#[apply(test)]
fn t2_paths_have_no_power_over_a_terminal() {
    let home = tempfile::tempdir().expect("a directory");
    let file = home.path().join("a\u{1b}[2J\u{202e}b");
    std::fs::write(&file, "not a store").expect("writing");
    let fake = Fake::start();
    let finished = Program::new()
        .arg("--json")
        .arg("--store")
        .arg(format!("file:{}", file.display()))
        .arg(fake.mcp());
    let finished = finished.run().expect_error(7, "store_corrupt");
    assert_plain(&finished.stderr);
    assert_plain(&finished.stdout);
}

#[apply(test)]
fn o1_refusals_of_the_authorization_server() {
    for (error, code) in [
        ("access_denied", "access_denied"),
        ("invalid_request", "invalid_request"),
        ("unsupported_response_type", "unsupported_response_type"),
        ("invalid_scope", "invalid_scope"),
        ("interaction_required", "interaction_required"),
        ("login_required", "login_required"),
        ("consent_required", "consent_required"),
        ("invalid_target", "invalid_target"),
        ("something_new", "refused"),
    ] {
        let fake = Fake::with(move |seen, _| {
            let (uri, state) = (seen.parameter("redirect_uri")?, seen.parameter("state")?);
            let target = format!("{uri}?error={error}&error_description=so+it+is&state={state}");
            (seen.path == "/authorize").then(|| Reply::redirect(302, &target))
        });
        let finished = fails(&fake, login(&fake), 3, code);
        assert!(
            finished.stderr.contains(&format!("{error}: so it is")),
            "{}",
            finished.stderr
        );
        assert_eq!(fake.seen_at("/token").len(), 0);
    }
    for error in ["server_error", "temporarily_unavailable"] {
        let fake = Fake::start();
        let mut login = login(&fake).start();
        let url = login.authorization_url();
        let (uri, state) = (
            parameter(&url, "redirect_uri").expect("a URI"),
            parameter(&url, "state").expect("a state"),
        );
        visit(&format!("{uri}?error={error}&state={state}"));
        assert_eq!(login.event("rejected")["reason"], "temporary");
        visit(&login.redirect(&url));
        login.finish().expect(0);
    }
}

/// It waits for the end of four logins, 15 s each, two at a time: what comes before has to be in time.
#[apply(waiting_test)]
fn a54_a_temporary_error_with_the_right_state_shows_that_the_client_is_known() {
    let cases = [
        ("temporarily_unavailable", true, 1),
        ("server_error", true, 1),
        ("slow_down", true, 1),
        ("temporarily_unavailable", false, 2),
    ];
    each(&cases, |_, &(error, state_is_ours, registrations)| {
        let fake = Fake::start();
        let home = tempfile::tempdir().expect("a directory");
        let mut login = Program::login(&fake)
            .at_home(home.path())
            .args(["--timeout", "15s"])
            .start();
        let url = login.authorization_url();
        let uri = parameter(&url, "redirect_uri").expect("a URI");
        let state = parameter(&url, "state")
            .filter(|_| state_is_ours)
            .unwrap_or_else(|| "another".to_owned());
        visit(&format!("{uri}?error={error}&state={state}"));
        login.event("rejected");
        login.finish().expect(4);
        Program::login(&fake).at_home(home.path()).agree().expect(0);
        assert_eq!(
            fake.seen_at("/register").len(),
            registrations,
            "{error} {state_is_ours}"
        );
    });
}

#[apply(test)]
fn o4_m24b_the_query_of_an_endpoint_stays() {
    let fake = Fake::with(|seen, fake| {
        let mut metadata = fake.server_metadata();
        metadata["authorization_endpoint"] =
            format!("{}/authorize?tenant=a%20b&x", fake.origin()).into();
        metadata["token_endpoint"] = format!("{}/token?tenant=1", fake.origin()).into();
        seen.path
            .contains("oauth-authorization-server")
            .then(|| Reply::json(200, &metadata))
    });
    login(&fake).agree().expect(0);
    assert!(
        fake.seen_at("/authorize")[0]
            .query
            .starts_with("tenant=a%20b&x"),
        "{:?}",
        fake.seen_at("/authorize")
    );
    assert_eq!(fake.seen_at("/token")[0].query, "tenant=1");
    for ours in [
        "client_id",
        "state",
        "redirect_uri",
        "code_challenge",
        "response_type",
        "scope",
    ] {
        let fake = Fake::with(move |seen, fake| {
            let mut metadata = fake.server_metadata();
            metadata["authorization_endpoint"] =
                format!("{}/authorize?a=b&{ours}=x", fake.origin()).into();
            seen.path
                .contains("oauth-authorization-server")
                .then(|| Reply::json(200, &metadata))
        });
        let finished = login(&fake).run().expect_error(6, "forbidden_url");
        assert!(finished.stderr.contains(ours), "{}", finished.stderr);
    }
}

#[apply(test)]
fn e3_the_text_of_a_refusal_is_shown() {
    for (status, body, code, words) in [
        (
            403,
            r#"{"error":"invalid_code"}"#,
            "token_refused",
            "answered invalid_code",
        ),
        (
            401,
            r#"{"message":"Bad code"}"#,
            "token_refused",
            "status 401: Bad code",
        ),
        (
            422,
            r#"{"errors":[{"message":"too old"}]}"#,
            "token_refused",
            "status 422: too old",
        ),
        (
            400,
            r#"[{"error":"invalid_grant","error_description":"no"}]"#,
            "invalid_grant",
            "answered invalid_grant: no",
        ),
        (
            400,
            r#"{"code":400,"error_code":"bad_code","msg":"no such code"}"#,
            "token_refused",
            "answered bad_code: no such",
        ),
        (
            400,
            r#"{"error":{"type":"x","message":"one\nsecond line"}}"#,
            "token_refused",
            "answered x: one",
        ),
        (404, "not here", "token_refused", "status 404: not here"),
        (
            403,
            "<html><title>403 Forbidden</title><body>x</body></html>",
            "token_refused",
            "status 403: 403 Forbidden",
        ),
        (
            400,
            "",
            "token_refused",
            "refused the request with status 400",
        ),
        (
            410,
            "[]",
            "token_refused",
            "refused the request with status 410",
        ),
        (
            400,
            r#"{"access_token":"c4nary"}"#,
            "token_refused",
            "refused the request with status 400",
        ),
        (
            200,
            r#"{"error":"bad_verification_code"}"#,
            "token_refused",
            "answered bad_verification_code",
        ),
    ] {
        let fake = Fake::answering("/token", Reply::text(status, "application/json", body));
        let finished = fails(&fake, login(&fake), 3, code);
        assert!(
            finished.stderr.contains(words),
            "{body}: {}",
            finished.stderr
        );
        assert!(
            !finished.stderr.contains("second line") && !finished.stderr.contains("c4nary"),
            "{}",
            finished.stderr
        );
        assert!(
            finished.stderr.contains("hint: run the command again"),
            "{}",
            finished.stderr
        );
    }
    // A server that quotes what it was sent.
    let fake = Fake::with(|seen, _| {
        let quoted = |name: &str| seen.parameter(name).unwrap_or_default();
        let words = format!("no {} for {}", quoted("code"), quoted("code_verifier"));
        (seen.path == "/token")
            .then(|| Reply::json(403, &json!({"message": words, "error": quoted("code")})))
    });
    let finished = fails(&fake, login(&fake).arg("-vv"), 3, "token_refused");
    let all = format!("{}{}", finished.stdout, finished.stderr);
    assert_hides(
        &all,
        &fake.seen_at("/token")[0]
            .parameter("code_verifier")
            .expect("a verifier"),
    );
    assert!(!all.contains("code-1"), "{all}");
}

#[apply(test)]
fn e1_a_busy_token_endpoint_does_not_refuse_the_code() {
    for (status, body) in [
        (500, r#"{"error":"invalid_request"}"#),
        (500, r#"{"error":"server_error"}"#),
        (503, r#"{"error":"temporarily_unavailable"}"#),
        (
            429,
            r#"{"type":"error","error":{"type":"rate_limit_error","message":"slow"}}"#,
        ),
        (429, r#"{"error":"rate_limited"}"#),
        (408, ""),
        (425, ""),
        (400, r#"{"error":"temporarily_unavailable"}"#),
        (400, "error=slow_down"),
        (200, r#"{"error":"server_error"}"#),
    ] {
        let fake = Fake::answering(
            "/token",
            Reply::text(status, "application/json", body).with("Retry-After", "120"),
        );
        let finished = fails(&fake, login(&fake), 5, "token_endpoint_unavailable");
        assert!(
            finished
                .stderr
                .contains("hint: run the command again in 2 min"),
            "{body}: {}",
            finished.stderr
        );
    }
}

/// It waits a second for each of eight busy servers.
#[apply(waiting_test)]
fn e1_a_code_that_a_busy_server_did_not_use_is_sent_once_more() {
    let busy = |wanted: &str| {
        [
            Reply::status(503),
            Reply::status(429),
            Reply::json(429, &json!({"error": "rate_limited"})),
            Reply::json(400, &json!({"error": "temporarily_unavailable"})),
        ]
        .map(|reply| reply.with("Retry-After", wanted))
    };
    for reply in busy("1").into_iter().chain(busy("0")) {
        // Then the server is healthy: the login succeeds with the very same request.
        let first = reply.clone();
        let fake = Fake::with(move |seen, fake| {
            (seen.path == "/token" && fake.seen_at("/token").len() == 1).then(|| first.clone())
        });
        let finished = login(&fake).agree().expect(0);
        let said = finished
            .stderr
            .matches("the token endpoint is busy (status")
            .count();
        assert_eq!(said, 1, "{}", finished.stderr);
        let sent: Vec<_> = fake
            .seen_at("/token")
            .into_iter()
            .map(|seen| seen.body)
            .collect();
        assert!(
            matches!(&sent[..], [one, other] if one == other),
            "{sent:?}"
        );
        // It stays busy: no third request.
        let fake = Fake::answering("/token", reply);
        let finished = login(&fake)
            .agree()
            .expect_error(5, "token_endpoint_unavailable");
        assert!(!is_stored(&finished));
        assert_eq!(fake.seen_at("/token").len(), 2);
    }
    // Any other answer to the second request counts as it is.
    let fake = Fake::with(|seen, fake| {
        let second = || Reply::json(400, &json!({"error": "invalid_grant"}));
        let first = || Reply::status(503).with("Retry-After", "0");
        (seen.path == "/token").then(|| {
            if fake.seen_at("/token").len() == 1 {
                first()
            } else {
                second()
            }
        })
    });
    login(&fake).agree().expect_error(3, "invalid_grant");
    assert_eq!(fake.seen_at("/token").len(), 2);
}

#[apply(test)]
fn a18_a52_an_account_is_believed_if_the_id_token_is_for_this_login() {
    for (member, value, account) in [
        ("email", json!("ada@example.com"), json!("ada@example.com")),
        ("aud", json!(["other", "mine"]), json!("ada@example.com")),
        ("aud", json!("other"), Value::Null),
        ("iss", json!("https://evil.example"), Value::Null),
        ("iss", Value::Null, Value::Null),
        ("exp", json!(1), Value::Null),
        ("exp", Value::Null, Value::Null),
        ("email", json!("4711"), Value::Null),
    ] {
        let (wanted, given) = (value.clone(), member);
        let fake = Fake::with(move |seen, fake| {
            let mut claims = id_token_claims(fake);
            claims["email"] = "ada@example.com".into();
            claims[given] = value.clone();
            let mut tokens = fake.tokens(1, None);
            tokens["id_token"] = id_token(&claims).into();
            (seen.path == "/token").then(|| Reply::json(200, &tokens))
        });
        let finished = login(&fake).agree().expect(0);
        assert_eq!(
            finished.event("logged_in")["account"],
            account,
            "{member} {wanted}"
        );
        assert_eq!(
            finished.kept(&fake.mcp())["account"],
            account,
            "{member} {wanted}"
        );
    }
    // The nonce of this login, another one, and none.
    for (own, nonce, account) in [
        (true, Value::Null, json!("ada@example.com")),
        (false, json!("other"), Value::Null),
        (false, Value::Null, json!("ada@example.com")),
    ] {
        let fake = Fake::with(move |seen, fake| {
            let mut claims = id_token_claims(fake);
            claims["email"] = "ada@example.com".into();
            let sent = fake
                .seen_at("/authorize")
                .first()
                .and_then(|page| page.parameter("nonce"));
            match (own, &nonce) {
                (true, _) => claims["nonce"] = sent.into(),
                (false, Value::Null) => {}
                (false, other) => claims["nonce"] = other.clone(),
            }
            let mut tokens = fake.tokens(1, None);
            tokens["id_token"] = id_token(&claims).into();
            (seen.path == "/token").then(|| Reply::json(200, &tokens))
        });
        let finished = login(&fake).args(["--scope", "openid"]).agree().expect(0);
        assert!(fake.seen_at("/authorize")[0].parameter("nonce").is_some());
        assert_eq!(finished.event("logged_in")["account"], account);
    }
}

#[apply(test)]
fn e5_basic_alone_where_a_client_identifier_beside_it_is_refused() {
    let basic = |fake: &Fake| login(fake).env("MCP_LOGIN_CLIENT_SECRET", "s3cret");
    for (status, refusal) in [
        (
            400,
            json!({"error": "invalid_request", "error_description": "multiple authentication methods"}),
        ),
        (401, json!({"error": "invalid_client"})),
        (400, json!({"error": "invalid_client"})),
    ] {
        let fake = Fake::with(move |seen, fake| {
            let is_doubled =
                seen.header("authorization").is_some() && seen.parameter("client_id").is_some();
            match (seen.path.as_str(), is_doubled) {
                ("/token", true) => Some(Reply::json(status, &refusal)),
                ("/token", false) => Some(Reply::json(200, &fake.tokens(1, None))),
                _ => None,
            }
        });
        let finished = basic(&fake).agree().expect(0);
        let seen = fake.seen_at("/token");
        assert_eq!(seen.len(), 2);
        assert_eq!(seen[0].parameter("code"), seen[1].parameter("code"));
        assert_eq!(
            seen[0].header("authorization"),
            seen[1].header("authorization")
        );
        assert_eq!(
            seen[1].parameter("code_verifier"),
            seen[0].parameter("code_verifier")
        );
        // And so does the refresh.
        Program::new()
            .at_home(finished.home())
            .args(["token", "--refresh", "--store", "file", &fake.mcp()])
            .run()
            .expect(0);
        let refreshes = fake.seen_at("/token").split_off(2);
        assert_eq!(refreshes.len(), 2);
        assert_eq!(refreshes[1].parameter("client_id"), None);
    }
    // A server that does not decode what is in the header finds the secret in the body.
    let fake = Fake::with(|seen, fake| match seen.path.as_str() {
        "/token" if seen.header("authorization").is_some() => {
            Some(Reply::json(401, &json!({"error": "invalid_client"})))
        }
        "/token" => Some(Reply::json(200, &fake.tokens(1, None))),
        _ => None,
    });
    let secret = "a+b/c=";
    login(&fake)
        .env("MCP_LOGIN_CLIENT_SECRET", secret)
        .agree()
        .expect(0);
    let seen = fake.seen_at("/token");
    assert_eq!(seen.len(), 3);
    assert_eq!(seen[2].parameter("client_secret").as_deref(), Some(secret));
    // Where it is not that, the first refusal is told; and what is about the code is not sent again.
    let fake = Fake::answering(
        "/token",
        Reply::json(
            401,
            &json!({"error": "invalid_client", "error_description": "wrong"}),
        ),
    );
    let finished = basic(&fake).agree().expect_error(3, "invalid_client");
    assert!(
        finished.stderr.contains("invalid_client: wrong"),
        "{}",
        finished.stderr
    );
    let fake = Fake::answering(
        "/token",
        Reply::json(400, &json!({"error": "invalid_grant"})),
    );
    fails(&fake, basic(&fake), 3, "invalid_grant");
}

#[apply(test)]
fn e8_a_clock_that_differs_from_the_servers_is_reported() {
    for (date, said) in [
        ("Sun, 06 Nov 1994 08:49:37 GMT", Some("ahead of")),
        ("Wed, 02 Jan 2999 03:04:05 GMT", Some("behind")),
        ("not a date", None),
    ] {
        let fake = Fake::with(move |seen, fake| {
            let tokens = fake.tokens(1, None);
            (seen.path == "/token").then(|| Reply::json(200, &tokens).with("Date", date))
        });
        let finished = login(&fake).agree().expect(0);
        let found = finished.stderr.contains("the clock of this computer");
        assert_eq!(found, said.is_some(), "{date}: {}", finished.stderr);
        assert!(
            said.is_none_or(|said| finished.stderr.contains(said)),
            "{}",
            finished.stderr
        );
    }
}

#[apply(test)]
fn m52_a_resource_in_the_authorization_endpoint_gives_way_to_ours() {
    for (options, expected) in [
        (&[][..], true),
        (&["--no-resource"], false),
        (&["--resource", "urn:x"], true),
    ] {
        let fake = Fake::with(|seen, fake| {
            let mut metadata = fake.server_metadata();
            let page = format!(
                "{}/authorize?resource=https://other.example&tenant=1",
                fake.origin()
            );
            metadata["authorization_endpoint"] = page.into();
            seen.path
                .contains("oauth-authorization-server")
                .then(|| Reply::json(200, &metadata))
        });
        login(&fake).args(options).agree().expect(0);
        let page = fake.seen_at("/authorize")[0].clone();
        let named: Vec<_> = page
            .query
            .split('&')
            .filter(|pair| pair.starts_with("resource="))
            .collect();
        assert_eq!(named.len(), usize::from(expected), "{}", page.query);
        assert!(
            !page.query.contains("other.example") && page.query.contains("tenant=1"),
            "{}",
            page.query
        );
    }
}

#[apply(test)]
fn sec5_a_redirect_that_quotes_a_secret_is_not_quoted() {
    let fake = Fake::with(|seen, _| {
        let spent = seen
            .parameter("code")
            .or_else(|| seen.parameter("refresh_token"))?;
        (seen.path == "/token").then(|| {
            Reply::status(302).with(
                "Location",
                &format!("https://other.example/{spent}?code={spent}"),
            )
        })
    });
    let finished = Program::login(&fake)
        .arg("-vv")
        .agree()
        .expect_error(6, "redirect_refused");
    let code = fake.seen_at("/token")[0].parameter("code").expect("a code");
    let said = format!("{}{}", finished.stdout, finished.stderr);
    assert!(
        said.contains("https://other.example") && !said.contains(&code),
        "{said}"
    );
}
