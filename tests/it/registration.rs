//! Becoming a client: by hand, by document, by registration; what is sent with a client's secret, and to whom.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::Duration;

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use serde_json::{json, Value};

use crate::support::browser::FakeBrowser;
use crate::support::fake::{Fake, Reply, Seen};
use crate::support::program::{Finished, Program};
use crate::support::{parameter, wait_for, LIMITS};

/// A client identifier and a secret that only arrive whole if they are form-encoded where they have to be.
const ODD_ID: &str = "id: 1+1=2 & \u{fc}%41";
const ODD_SECRET: &str = "s:ecret/+ =&%20\u{20ac}";

/// A fake that registers nothing and takes any client, whose metadata lists these ways of client authentication.
fn listing(methods: Value) -> Fake {
    Fake::with(move |seen, fake| {
        (seen.path == "/.well-known/oauth-authorization-server").then(|| {
            let mut metadata = fake.server_metadata();
            metadata["token_endpoint_auth_methods_supported"] = methods.clone();
            Reply::json(200, &metadata)
        })
    })
}

/// What a token request says of its client: the identifier in the body, the secret there, and the decoded header.
fn client_of(request: &Seen) -> (Option<String>, Option<String>, Option<(String, String)>) {
    let decode = |text: &str| {
        let pair = format!("x={text}");
        let (_, value) = url::form_urlencoded::parse(pair.as_bytes())
            .next()
            .expect("a pair");
        value.into_owned()
    };
    let header = request.header("authorization").map(|value| {
        let basic = STANDARD
            .decode(value.strip_prefix("Basic ").expect("Basic"))
            .expect("base64");
        let basic = String::from_utf8(basic).expect("text");
        let (id, secret) = basic.split_once(':').expect("a colon");
        (decode(id), decode(secret))
    });
    (
        request.parameter("client_id"),
        request.parameter("client_secret"),
        header,
    )
}

/// What a token request has to say of its client.
fn expected(
    method: &str,
    id: &str,
    secret: &str,
) -> (Option<String>, Option<String>, Option<(String, String)>) {
    let (id, secret) = (id.to_owned(), secret.to_owned());
    match method {
        "client_secret_basic" => (Some(id.clone()), None, Some((id, secret))),
        "client_secret_post" => (Some(id), Some(secret), None),
        _ => (Some(id), None, None),
    }
}

fn secret_file(secret: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(file.path(), format!("{secret}\n")).expect("writing");
    file
}

#[apply(test)]
fn m14_m28a_m28b_m29_m29a_a_client_registered_by_hand() {
    let file = secret_file(ODD_SECRET);
    for (listed, with_secret, without_secret) in [
        (
            json!(["none", "client_secret_basic", "client_secret_post"]),
            "client_secret_basic",
            "none",
        ),
        (
            json!(["client_secret_post", "client_secret_basic"]),
            "client_secret_basic",
            "none",
        ),
        (json!(["client_secret_post"]), "client_secret_post", "none"),
        (
            json!(["client_secret_post", "private_key_jwt"]),
            "client_secret_post",
            "none",
        ),
        (json!(["none"]), "none", "none"),
        (json!(null), "client_secret_basic", "none"),
        (json!(["private_key_jwt"]), "client_secret_basic", "none"),
    ] {
        let fake = listing(listed.clone());
        let login = || Program::login(&fake).args(["--client-id", ODD_ID]);
        let finished = login()
            .arg("--client-secret-file")
            .arg(file.path())
            .agree()
            .expect(0);
        let token = fake.seen_at("/token").remove(0);
        assert_eq!(
            client_of(&token),
            expected(with_secret, ODD_ID, ODD_SECRET),
            "{listed}"
        );
        assert_eq!(finished.kept(&fake.mcp())["client_auth"], with_secret);
        assert_eq!(finished.kept(&fake.mcp())["registration"], "static");
        assert!(!format!("{}{}", finished.stdout, finished.stderr).contains(ODD_SECRET));
        login().agree().expect(0);
        let token = fake.seen_at("/token").remove(1);
        assert_eq!(
            client_of(&token),
            expected(without_secret, ODD_ID, ""),
            "{listed}"
        );
        assert_eq!(fake.seen_at("/register").len(), 0);
    }
}

/// As in a secret of Kubernetes that was made by `echo SECRET | base64`.
#[apply(test)]
fn m14_a_variable_ends_with_a_line_end() {
    for secret in ["s\n", "s\r\n", "s"] {
        let fake = listing(json!(["client_secret_post"]));
        let login = Program::login(&fake).args(["--client-id", "i"]);
        login
            .env("MCP_LOGIN_CLIENT_SECRET", secret)
            .agree()
            .expect(0);
        let token = fake.seen_at("/token").remove(0);
        assert_eq!(client_of(&token), expected("client_secret_post", "i", "s"));
    }
    let finished = Program::login(&Fake::start())
        .args(["--client-id", "i"])
        .env("MCP_LOGIN_CLIENT_SECRET", "\n")
        .agree()
        .expect(0);
    assert!(!finished.stderr.contains("secret"), "{}", finished.stderr);
}

/// As PowerShell 5.1 and Notepad write text.
#[apply(test)]
fn m14_files_of_a_client_begin_with_a_byte_order_mark() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("file");
    let client = json!({"installed": {"client_id": "i", "client_secret": "s"}}).to_string();
    for (options, text) in [
        (&["--client-id", "i", "--client-secret-file"][..], "s"),
        (&["--client-file"], client.as_str()),
    ] {
        std::fs::write(&file, format!("\u{feff}{text}\r\n")).expect("writing");
        let fake = listing(json!(["client_secret_post"]));
        Program::login(&fake)
            .args(options)
            .arg(&file)
            .agree()
            .expect(0);
        let token = fake.seen_at("/token").remove(0);
        assert_eq!(
            client_of(&token),
            expected("client_secret_post", "i", "s"),
            "{options:?}"
        );
    }
}

#[apply(test)]
fn m14_u20_the_redirect_uri_of_a_web_clients_file_is_used() {
    let port = crate::support::closed_address().port();
    let fake = Fake::start();
    for (file, wanted) in [
        (
            json!({"web": {"client_id": "w", "client_secret": "s", "redirect_uris":
            ["https://app.example/cb", format!("http://127.0.0.1:{port}/oauth2/cb")]}}),
            Some("/oauth2/cb"),
        ),
        (
            json!({"web": {"client_id": "w", "client_secret": "s", "redirect_uris":
            [format!("http://localhost:{port}/cb")]}}),
            Some("/cb"),
        ),
        (
            json!({"installed": {"client_id": "w", "redirect_uris": ["http://localhost"]}}),
            None,
        ),
        (json!({"client_id": "w"}), None),
    ] {
        let path = secret_file(&file.to_string());
        let mut login = Program::login(&fake)
            .arg("--client-file")
            .arg(path.path())
            .start();
        let uri = login.event("listening")["redirect_uri"]
            .as_str()
            .expect("a URI")
            .to_owned();
        match wanted {
            Some(path) => assert!(uri.ends_with(&format!(":{port}{path}")), "{uri}"),
            None => assert!(
                uri.starts_with("http://127.0.0.1:") && uri.ends_with("/callback"),
                "{uri}"
            ),
        }
        assert_eq!(login.agree().status, 200);
        login.finish().expect(0);
        let token = fake.seen_at("/token").pop().expect("a request");
        assert_eq!(token.parameter("redirect_uri"), Some(uri));
        assert_eq!(token.parameter("client_id").as_deref(), Some("w"));
    }
}

#[apply(test)]
fn u20_files_without_a_client_are_reported() {
    let fake = Fake::start();
    for text in [
        "",
        "{}",
        "[]",
        "<html>",
        "{\"installed\":{}}",
        "{\"installed\":7}",
        "{\"client_id\":7}",
    ] {
        let file = secret_file(text);
        let finished = Program::login(&fake)
            .arg("--client-file")
            .arg(file.path())
            .run()
            .expect_error(2, "usage");
        assert!(
            finished.stderr.contains(&file.path().display().to_string()),
            "{}",
            finished.stderr
        );
    }
    for option in ["--client-file", "--client-secret-file"] {
        let large = secret_file(&" ".repeat(1 << 17));
        for path in [Path::new("/nowhere/at/all"), Path::new("/"), large.path()] {
            let login = Program::login(&fake)
                .args(["--client-id", "x"])
                .arg("--client-secret-file")
                .arg(path);
            let login = if option == "--client-file" {
                Program::login(&fake).arg(option).arg(path)
            } else {
                login
            };
            login.run().expect_error(2, "usage");
        }
    }
    for none in ["", " \n", "first\nsecond", "a\0b"] {
        let file = secret_file(none);
        let login = Program::login(&fake)
            .args(["--client-id", "x", "--client-secret-file"])
            .arg(file.path());
        login.run().expect_error(2, "usage");
    }
    assert_eq!(fake.seen().len(), 0);
}

#[apply(test)]
fn sec1_a_secret_as_an_argument_is_refused_and_not_repeated() {
    let fake = Fake::start();
    for args in [
        vec!["--client-secret", "c4nary"],
        vec!["--client-secret=c4nary"],
    ] {
        let finished = Program::login(&fake).args(args).run().expect(2);
        assert!(
            finished.stderr.contains("MCP_LOGIN_CLIENT_SECRET"),
            "{}",
            finished.stderr
        );
        assert!(!format!("{}{}", finished.stdout, finished.stderr).contains("c4nary"));
        assert!(finished.stderr.lines().count() <= 2, "{}", finished.stderr);
    }
}

#[apply(test)]
fn sec1_sec3_u21_a_secret_reaches_the_token_endpoint_and_no_child() {
    for by_file in [false, true] {
        let fake = Fake::start();
        let browser = FakeBrowser::new(
            "cat /proc/$$/environ /proc/$$/cmdline /proc/$PPID/environ /proc/$PPID/cmdline >dump.new\nmv dump.new dump",
        );
        let file = secret_file("c4nary-secret");
        let login = Program::new()
            .args([
                "--json",
                "--store",
                "file",
                "--timeout",
                "60s",
                "--client-id",
                "mine",
            ])
            .env("BROWSER", browser.path())
            .arg(fake.mcp());
        let login = match by_file {
            true => login.arg("--client-secret-file").arg(file.path()),
            false => login.env("MCP_LOGIN_CLIENT_SECRET", "c4nary-secret"),
        };
        let mut login = login.start();
        let dump = wait_for("the browser", || browser.note("dump"));
        assert!(dump.contains("PATH="), "{dump}");
        assert!(!dump.contains("c4nary"), "{dump}");
        let cmdline = fs::read(format!("/proc/{}/cmdline", login.pid())).expect("a command line");
        assert!(!String::from_utf8_lossy(&cmdline).contains("c4nary"));
        login.agree();
        let finished = login.finish().expect(0);
        let token = fake.seen_at("/token").remove(0);
        assert_eq!(
            client_of(&token),
            expected("client_secret_basic", "mine", "c4nary-secret")
        );
        assert!(!format!("{}{}", finished.stdout, finished.stderr).contains("c4nary"));
    }
}

const DOCUMENT: &str = "https://app.example/mcp-login/client.json";

#[apply(test)]
fn m13_m15_m15d_a_metadata_document_is_used_where_it_is_advertised() {
    for (advertised, taken) in [
        (json!(true), true),
        (json!(false), false),
        (json!(null), false),
        (json!("true"), false),
        (json!(1), false),
    ] {
        let fake = Fake::with(move |seen, fake| {
            let mut metadata = fake.server_metadata();
            metadata["client_id_metadata_document_supported"] = advertised.clone();
            seen.path
                .contains("oauth-authorization-server")
                .then(|| Reply::json(200, &metadata))
        });
        let login = || Program::login(&fake).args(["--client-metadata-url", DOCUMENT]);
        let finished = login().agree().expect(0);
        let kept = finished.kept(&fake.mcp());
        assert_eq!(kept["registration"], if taken { "cimd" } else { "dcr" });
        assert_eq!(kept["client_id"] == DOCUMENT, taken);
        assert_eq!(fake.seen_at("/register").len(), usize::from(!taken));
        let token = fake.seen_at("/token").remove(0);
        assert!(
            token.header("authorization").is_none() && token.parameter("client_secret").is_none()
        );
        match taken {
            true => drop(login().args(["--registration", "cimd"]).agree().expect(0)),
            false => drop(
                login()
                    .args(["--registration", "cimd"])
                    .run()
                    .expect_error(2, "client_id_needed"),
            ),
        }
        // M13: what the user registered by hand comes first; and the user has the last word.
        let by_hand = login().args(["--client-id", "mine"]).agree().expect(0);
        assert_eq!(by_hand.kept(&fake.mcp())["client_id"], "mine");
        let dynamic = login()
            .args(["--registration", "dcr", "--client-id", "mine"])
            .agree()
            .expect(0);
        assert_eq!(dynamic.kept(&fake.mcp())["registration"], "dcr");
    }
}

#[apply(test)]
fn m13_m15a_kinds_of_registration_that_do_not_work() {
    let fake = Fake::with(|seen, fake| {
        let mut metadata = fake.server_metadata();
        metadata
            .as_object_mut()
            .expect("an object")
            .remove("registration_endpoint");
        seen.path
            .contains("oauth-authorization-server")
            .then(|| Reply::json(200, &metadata))
    });
    for args in [
        &[][..],
        &["--registration", "static"],
        &["--registration", "cimd"],
        &["--registration", "dcr"],
    ] {
        let finished = Program::login(&fake)
            .args(args)
            .run()
            .expect_error(2, "client_id_needed");
        assert!(
            finished.stderr.contains("--client-id"),
            "{}",
            finished.stderr
        );
    }
    for url in [
        "http://app.example/client.json",
        "https://app.example",
        "https://app.example/a/../client.json",
        "https://user@app.example/client.json",
        "https://app.example/client.json#x",
        "client.json",
    ] {
        Program::login(&fake)
            .args(["--client-metadata-url", url])
            .run()
            .expect_error(2, "usage");
    }
}

#[apply(test)]
fn m16_m16a_m16b_na8_what_a_registration_asks_for() {
    for (listed, method) in [
        (json!(["none", "client_secret_post"]), "none"),
        (
            json!(["client_secret_post", "client_secret_basic"]),
            "client_secret_basic",
        ),
        (json!(["client_secret_post"]), "client_secret_post"),
        (json!(["private_key_jwt"]), "none"),
        (json!(null), "none"),
    ] {
        let fake = listing(listed.clone());
        let finished = Program::login(&fake).agree().expect(0);
        let request = fake.seen_at("/register").remove(0);
        assert_eq!(request.header("content-type"), Some("application/json"));
        let body: Value = serde_json::from_str(&request.body).expect("JSON");
        let wanted = json!({
            "client_name": "mcp-login",
            "redirect_uris": [finished.kept(&fake.mcp())["redirect_uri"]],
            "application_type": "native",
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": method,
            "scope": "read",
        });
        assert_eq!(body, wanted, "{listed}");
    }
}

/// A fake that answers registrations with these members beside an identifier, and lists these methods.
fn registering(status: u16, members: Value, listed: Value) -> Fake {
    Fake::with(move |seen, fake| {
        if seen.path == "/register" {
            let mut answer = members.clone();
            answer["client_id"] = "given".into();
            return Some(Reply::json(status, &answer));
        }
        let mut metadata = fake.server_metadata();
        metadata["token_endpoint_auth_methods_supported"] = listed.clone();
        seen.path
            .contains("oauth-authorization-server")
            .then(|| Reply::json(200, &metadata))
    })
}

#[apply(test)]
fn m16d_m28a_m28b_the_answer_decides() {
    let both = json!(["client_secret_basic", "client_secret_post"]);
    for (members, listed, method) in [
        (
            json!({"client_secret": "s"}),
            both.clone(),
            "client_secret_basic",
        ),
        (
            json!({"client_secret": "s"}),
            json!(["client_secret_post"]),
            "client_secret_post",
        ),
        (
            json!({"client_secret": "s"}),
            json!(null),
            "client_secret_basic",
        ),
        (json!({"client_secret": "s"}), json!(["none"]), "none"),
        (
            json!({"client_secret": "s", "token_endpoint_auth_method": "none"}),
            both.clone(),
            "none",
        ),
        (
            json!({"client_secret": "s", "token_endpoint_auth_method": "client_secret_post"}),
            json!(["none"]),
            "client_secret_post",
        ),
        (
            json!({"client_secret": "s", "token_endpoint_auth_method": "client_secret_basic"}),
            both.clone(),
            "client_secret_basic",
        ),
        (
            json!({"token_endpoint_auth_method": "client_secret_basic"}),
            both.clone(),
            "none",
        ),
        (
            json!({"client_secret": "", "token_endpoint_auth_method": "client_secret_basic"}),
            both.clone(),
            "none",
        ),
        (
            json!({"client_secret": null, "client_secret_expires_at": 0}),
            both.clone(),
            "none",
        ),
    ] {
        let fake = registering(201, members.clone(), listed);
        let finished = Program::login(&fake).agree().expect(0);
        let token = fake.seen_at("/token").remove(0);
        assert_eq!(
            client_of(&token),
            expected(method, "given", "s"),
            "{members}"
        );
        assert_eq!(finished.kept(&fake.mcp())["client_auth"], method);
    }
}

#[apply(test)]
fn m16d_m16e_unusual_responses_are_accepted() {
    for (status, members) in [
        (200, json!({})),
        (201, json!({"redirect_uris": []})),
        (
            201,
            json!({"redirect_uris": ["https://elsewhere.example/"], "issuer": "https://evil.example"}),
        ),
        (
            201,
            json!({"grant_types": null, "scope": 7, "client_secret_expires_at": "soon", "x": {"y": []}}),
        ),
        (299, json!({"application_type": "web"})),
    ] {
        let fake = registering(status, members.clone(), json!(["none"]));
        let finished = Program::login(&fake).agree().expect(0);
        assert_eq!(
            finished.kept(&fake.mcp())["issuer"],
            fake.origin(),
            "{members}"
        );
        assert_eq!(
            fake.seen_at("/token")[0].parameter("client_id").as_deref(),
            Some("given")
        );
    }
}

#[track_caller]
fn fails(fake: &Fake, exit: i32, code: &str) -> Finished {
    let finished = Program::login(fake)
        .arg("-vv")
        .run()
        .expect_error(exit, code);
    assert!(!finished
        .events
        .iter()
        .any(|event| event["event"] == "authorization_url"));
    finished
}

#[apply(test)]
fn w6_responses_without_a_client_are_refused() {
    let json = |text: &str| Reply::text(201, "application/json", text.to_owned());
    for reply in [
        json(""),
        json("{}"),
        json("[\"c4nary\"]"),
        json("{\"client_id\":null}"),
        json("\u{feff}{}"),
        Reply::text(200, "text/html", "<html>c4nary"),
        json("{\"client_id\":7,\"client_secret\":\"c4nary\"}"),
        json("{\"client_id\":\"\",\"client_secret\":\"c4nary\"}"),
        json("{\"client_id\":\"c4nary\\u0007\"}"),
        json("{\"client_id\":\"c4nary\""),
        json("<html>c4nary"),
    ] {
        let fake = Fake::answering("/register", reply.clone());
        let finished = fails(&fake, 2, "registration_unavailable");
        assert!(
            finished.stderr.contains("--client-id"),
            "{}",
            finished.stderr
        );
        assert!(
            !finished.stderr.contains("again in a while"),
            "{}",
            finished.stderr
        );
        assert_eq!(fake.seen_at("/register").len(), 1);
        assert!(
            !format!("{}{}", finished.stdout, finished.stderr).contains("c4nary"),
            "{reply:?}"
        );
    }
    fails(
        &Fake::answering("/register", json(&"x".repeat(2 << 20))),
        5,
        "server_unavailable",
    );
    fails(
        &Fake::answering(
            "/register",
            Reply::Raw(b"HTTP/1.1 201 OK\r\nContent-Length: 99\r\n\r\n{".to_vec()),
        ),
        5,
        "server_unavailable",
    );
}

#[apply(test)]
fn w6_a_byte_order_mark_before_a_registration_is_ignored() {
    let reply = Reply::text(
        201,
        "application/json",
        "\u{feff}{\"client_id\":\"marked\"}".to_owned(),
    );
    let url = Program::login(&Fake::answering("/register", reply))
        .start()
        .authorization_url();
    assert_eq!(parameter(&url, "client_id").as_deref(), Some("marked"));
}

#[apply(test)]
fn m16c_m62_refusals_are_printed_escaped() {
    let escape = "no \u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}such\u{9b}31m \u{2066}thing";
    for (status, body, exit, shown) in [
        (
            400,
            json!({"error": "invalid_redirect_uri", "error_description": escape}),
            3,
            "invalid_redirect_uri: no ",
        ),
        (
            422,
            json!({"error": {"code": "bad", "message": escape}}),
            3,
            "bad: no ",
        ),
        (
            400,
            json!({"error": "invalid_client_metadata"}),
            3,
            "status 400: invalid_client_metadata",
        ),
        (
            400,
            json!({"error": "invalid_client_metadata", "error_description": "redirect_uris must be http://localhost"}),
            3,
            "invalid_client_metadata: redirect_uris must",
        ),
        (404, json!("c4nary"), 3, "status 404"),
        // Closed to those that it does not know: no refusal of this login, and no use to try again.
        (
            403,
            json!({"error": "access_denied", "error_description": "Client registration is disabled"}),
            2,
            "disabled",
        ),
        (
            403,
            json!({"error": "access_denied"}),
            2,
            "it registers only clients that it knows (status 403: access_denied)",
        ),
        (
            401,
            json!({"detail": "c4nary"}),
            2,
            "clients that it knows (status 401)",
        ),
        (
            401,
            json!({"error": "invalid_token", "error_description": escape}),
            2,
            "(status 401: invalid_token: no ",
        ),
    ] {
        let fake = Fake::answering("/register", Reply::json(status, &body));
        let code = if exit == 2 {
            "client_id_needed"
        } else {
            "registration_refused"
        };
        let finished = fails(&fake, exit, code);
        assert!(finished.stderr.contains(shown), "{}", finished.stderr);
        assert!(
            finished.stderr.contains("--client-id"),
            "{}",
            finished.stderr
        );
        let has_words = finished.stderr.contains("the words after the colon");
        assert!(!has_words || shown.contains(": "), "{}", finished.stderr);
        let is_for_the_host = body["error"] == "invalid_redirect_uri";
        assert_eq!(
            finished.stderr.contains("--redirect-host"),
            is_for_the_host,
            "{}",
            finished.stderr
        );
        assert_eq!(fake.seen_at("/register").len(), 1);
        let all = format!("{}{}", finished.stdout, finished.stderr);
        assert!(
            all.bytes()
                .all(|byte| byte == b'\n' || (b' '..=b'~').contains(&byte)),
            "{all}"
        );
        assert!(!all.contains("c4nary") && !all.contains("owned"), "{all}");
    }
}

#[apply(test)]
fn m62_a_registration_endpoint_that_is_not_available_may_be_later() {
    for (status, error) in [
        (429, "rate_limited"),
        (429, "temporarily_unavailable"),
        (400, "temporarily_unavailable"),
        (403, "temporarily_unavailable"),
        (400, "slow_down"),
        (400, "server_error"),
        (503, "invalid_client_metadata"),
        (408, "timeout"),
    ] {
        let fake = Fake::answering(
            "/register",
            Reply::json(status, &json!({"error": error})).with("Retry-After", "3600"),
        );
        let finished = fails(&fake, 5, "registration_unavailable");
        assert!(
            finished.stderr.contains("again in a while"),
            "{}",
            finished.stderr
        );
    }
}

#[apply(test)]
fn w4_a_busy_registration_endpoint_is_asked_three_times() {
    for (status, wish, tries) in [
        (503, "0", 3),
        (429, "0", 3),
        (503, "1000000000", 1),
        (500, "0", 1),
        (501, "0", 1),
    ] {
        let fake = Fake::answering("/register", Reply::status(status).with("Retry-After", wish));
        fails(&fake, 5, "registration_unavailable");
        assert_eq!(fake.seen_at("/register").len(), tries, "{status} {wish}");
    }
    let busy = Arc::new(AtomicBool::new(true));
    let fake = Fake::with(move |seen, _| {
        (seen.path == "/register" && busy.swap(false, Ordering::SeqCst))
            .then(|| Reply::status(503).with("Retry-After", "0"))
    });
    Program::login(&fake).agree().expect(0);
}

#[apply(test)]
fn b8_a_registration_is_not_redirected() {
    let other = Fake::start();
    for status in [301, 302, 303, 307, 308] {
        for target in [
            format!("{}/register", other.origin()),
            "/register2".to_owned(),
        ] {
            let fake = Fake::answering("/register", Reply::redirect(status, &target));
            fails(&fake, 6, "redirect_refused");
            assert_eq!(fake.seen_at("/register2").len(), 0);
        }
    }
    assert_eq!(other.seen().len(), 0);
}

fn redirect_uri(finished: &Finished, fake: &Fake) -> String {
    finished.kept(&fake.mcp())["redirect_uri"]
        .as_str()
        .expect("a URI")
        .to_owned()
}

fn again(fake: &Fake, home: &Path) -> Program {
    Program::login(fake).at_home(home).arg("--force")
}

#[apply(test)]
fn m17a_m18_a_registration_is_used_again_with_its_redirect_uri() {
    for members in [
        json!({}),
        json!({"client_secret": "c4nary", "token_endpoint_auth_method": "client_secret_basic"}),
    ] {
        let fake = registering(201, members.clone(), json!(["none"]));
        let first = Program::login(&fake).agree().expect(0);
        for _ in 0..2 {
            again(&fake, first.home()).agree().expect(0);
        }
        assert_eq!(fake.seen_at("/register").len(), 1, "{members}");
        let used: Vec<_> = fake
            .seen_at("/authorize")
            .iter()
            .map(|it| it.parameter("redirect_uri"))
            .collect();
        assert!(
            used.iter()
                .all(|uri| *uri == Some(redirect_uri(&first, &fake))),
            "{used:?}"
        );
        // The secret stands with the login and nowhere else.
        let directory = first
            .credentials_path()
            .parent()
            .expect("a directory")
            .to_owned();
        let holding = std::process::Command::new("grep")
            .args(["-rl", "c4nary"])
            .arg(&directory)
            .output()
            .expect("grep");
        let holding = String::from_utf8_lossy(&holding.stdout).trim().to_owned();
        let expected = if members == json!({}) {
            String::new()
        } else {
            first.credentials_path().display().to_string()
        };
        assert_eq!(holding, expected);
        // Scopes that the registration was not made for need another one.
        again(&fake, first.home())
            .args(["--scope", "write"])
            .agree()
            .expect(0);
        assert_eq!(fake.seen_at("/register").len(), 2);
    }
}

#[apply(test)]
fn m16d_a_registration_with_an_expired_secret_is_not_used_again() {
    let basic = "client_secret_basic";
    for (expires_at, registrations) in [(99, 2), (0, 1), (4_000_000_000_u64, 1)] {
        let members = json!({"client_secret": "s", "client_secret_expires_at": expires_at, "token_endpoint_auth_method": basic});
        let fake = registering(201, members, json!([basic]));
        let first = Program::login(&fake).agree().expect(0);
        again(&fake, first.home()).agree().expect(0);
        assert_eq!(
            fake.seen_at("/register").len(),
            registrations,
            "{expires_at}"
        );
    }
}

/// A server that has forgotten a client says so to the user only: a login that did not end well is not repeated with it.
#[apply(test)]
fn m18_a_registration_that_did_not_work_is_not_used_again() {
    for members in [
        json!({}),
        json!({"client_secret": "c4nary", "token_endpoint_auth_method": "client_secret_basic"}),
    ] {
        let fake = registering(201, members, json!(["none"]));
        let first = Program::login(&fake).agree().expect(0);
        let home = first.home();
        // The page was shown before the time was up.
        let waits = LIMITS.iter().find_map(|limit| {
            let waits = again(&fake, home).args(["--timeout", limit]).run();
            let has_page = waits.stdout.contains("authorization_url");
            has_page.then(|| waits.expect(4))
        });
        let waits = waits.expect("a page in time");
        assert_eq!(fake.seen_at("/register").len(), 1, "{}", waits.stderr);
        again(&fake, home).agree().expect(0);
        assert_eq!(fake.seen_at("/register").len(), 2);
        again(&fake, home).agree().expect(0);
        assert_eq!(
            fake.seen_at("/register").len(),
            2,
            "the new one has proven itself"
        );
    }
}

#[apply(test)]
fn m17a_a_port_in_use_means_a_new_registration() {
    let fake = Fake::start();
    let first = Program::login(&fake).agree().expect(0);
    let uri = url::Url::parse(&redirect_uri(&first, &fake)).expect("a URI");
    let holder = TcpListener::bind(("127.0.0.1", uri.port().expect("a port"))).expect("the port");
    let second = again(&fake, first.home()).agree().expect(0);
    assert_eq!(fake.seen_at("/register").len(), 2);
    assert_ne!(
        fake.seen_at("/authorize")[1]
            .parameter("redirect_uri")
            .as_deref(),
        Some(uri.as_str())
    );
    drop((holder, second));
}

#[apply(test)]
fn b12_m18_another_authorization_server_gets_nothing_of_the_old_one() {
    let (old, new) = (
        registering(
            201,
            json!({"client_secret": "c4nary", "token_endpoint_auth_method": "client_secret_post"}),
            json!(null),
        ),
        Fake::start(),
    );
    let (fake, moved) = moving(&old, &new);
    let first = Program::login(&fake).agree().expect(0);
    let before = first.kept(&fake.mcp());
    assert_eq!(before["client_secret"], "c4nary");
    moved.store(true, Ordering::SeqCst);
    let seen_before = old.seen().len();
    again(&fake, first.home()).agree().expect(0);
    assert_eq!(new.seen_at("/register").len(), 1);
    for seen in new.seen() {
        for secret in ["given", "c4nary", "refresh-1", "access-1"] {
            assert!(
                !format!("{seen:?}").contains(secret),
                "{secret} in {seen:?}"
            );
        }
    }
    // What is remembered of the old one may be looked at again, with nothing but a question for its metadata.
    assert!(old.seen()[seen_before..]
        .iter()
        .all(|seen| seen.method == "GET" && seen.path.contains(".well-known")));
    // Back again, the old registration is found again.
    moved.store(false, Ordering::SeqCst);
    again(&fake, first.home()).agree().expect(0);
}

/// Two authorization servers, and an MCP server that moves from the first to the second when the flag is set.
fn moving(old: &Fake, new: &Fake) -> (Fake, Arc<AtomicBool>) {
    let moved = Arc::new(AtomicBool::new(false));
    let (origins, state) = ([old.origin(), new.origin()], Arc::clone(&moved));
    let fake = Fake::with(move |seen, fake| {
        let mut metadata = fake.resource_metadata();
        metadata["authorization_servers"] =
            json!([origins[usize::from(state.load(Ordering::SeqCst))]]);
        seen.path
            .starts_with("/.well-known/oauth-protected")
            .then(|| Reply::json(200, &metadata))
    });
    (fake, moved)
}

#[apply(test)]
fn m14a_a_client_that_was_registered_by_us_and_is_named_by_hand_is_bound_too() {
    let (old, new) = (Fake::start(), Fake::start());
    let (fake, moved) = moving(&old, &new);
    let first = Program::login(&fake).agree().expect(0);
    let client_id = first.kept(&fake.mcp())["client_id"].clone();
    let client_id = client_id.as_str().expect("a client identifier").to_owned();
    moved.store(true, Ordering::SeqCst);
    let client = |login: Program| {
        login
            .args(["--client-id", &client_id])
            .env("MCP_LOGIN_CLIENT_SECRET", "c4nary")
    };
    let finished = client(again(&fake, first.home()))
        .run()
        .expect_error(6, "issuer_changed");
    for shown in [old.origin(), new.origin()] {
        assert!(finished.stderr.contains(&shown), "{}", finished.stderr);
    }
    for seen in new.seen() {
        assert!(seen.method == "GET" && seen.path.contains(".well-known"));
    }
    // The user may say that the client belongs there too.
    client(again(&fake, first.home()))
        .args(["--issuer", &new.origin()])
        .agree()
        .expect(0);
}

#[apply(test)]
fn m14a_a_client_of_the_users_is_not_shown_to_another_authorization_server() {
    let (old, new) = (Fake::start(), Fake::start());
    let (fake, moved) = moving(&old, &new);
    let client = |login: Program| {
        login
            .args(["--client-id", "mine"])
            .env("MCP_LOGIN_CLIENT_SECRET", "c4nary")
    };
    let first = client(Program::login(&fake)).agree().expect(0);
    moved.store(true, Ordering::SeqCst);
    let finished = client(again(&fake, first.home()))
        .run()
        .expect_error(6, "issuer_changed");
    for shown in [old.origin(), new.origin()] {
        assert!(finished.stderr.contains(&shown), "{}", finished.stderr);
    }
    assert!(new
        .seen()
        .iter()
        .all(|seen| seen.method == "GET" && seen.path.contains(".well-known")));
    // The user may say that the client belongs there too.
    client(again(&fake, first.home()))
        .args(["--issuer", &new.origin()])
        .agree()
        .expect(0);
    // And a client that was never used elsewhere has nothing to compare with.
    client(Program::login(&fake)).agree().expect(0);
}

/// A fake that knows a client no more once it has been told so; `at_callback` says it to the browser already.
fn forgetful(known: Arc<AtomicBool>, at_callback: bool, error: &'static str) -> Fake {
    Fake::with(move |seen, _| {
        let stale = seen.parameter("client_id").as_deref() == Some("client-1")
            && !known.load(Ordering::SeqCst);
        match seen.path.as_str() {
            "/authorize" if stale && at_callback => {
                let (uri, state) = (seen.parameter("redirect_uri")?, seen.parameter("state")?);
                Some(Reply::redirect(
                    302,
                    &format!("{uri}?error={error}&state={state}"),
                ))
            }
            "/token" if stale && !at_callback => Some(Reply::json(401, &json!({"error": error}))),
            _ => None,
        }
    })
}

#[apply(test)]
fn a_registration_that_the_server_forgot_is_renewed_once() {
    for (at_callback, error) in [
        (false, "invalid_client"),
        (false, "unauthorized_client"),
        (true, "unauthorized_client"),
        (true, "invalid_client"),
    ] {
        let known = Arc::new(AtomicBool::new(true));
        let fake = forgetful(Arc::clone(&known), at_callback, error);
        let first = Program::login(&fake).agree().expect(0);
        known.store(false, Ordering::SeqCst);
        let mut second = again(&fake, first.home()).start();
        let urls = [0, 1].map(|_| {
            let url = second.authorization_url();
            crate::support::visit(&second.redirect(&url));
            url
        });
        let finished = second.finish().expect(0);
        assert!(
            finished.stderr.contains("registering again"),
            "{}",
            finished.stderr
        );
        assert_eq!(fake.seen_at("/register").len(), 2);
        assert_eq!(
            finished
                .events
                .iter()
                .filter(|event| event["event"] == "listening")
                .count(),
            1
        );
        assert_eq!(
            parameter(&urls[0], "redirect_uri"),
            parameter(&urls[1], "redirect_uri")
        );
        for name in ["state", "code_challenge", "client_id"] {
            assert_ne!(
                parameter(&urls[0], name),
                parameter(&urls[1], name),
                "{name}"
            );
        }
        // The next login uses the new registration.
        again(&fake, first.home()).agree().expect(0);
        assert_eq!(fake.seen_at("/register").len(), 2);
    }
}

/// After the deadline nobody waits for another page: the refusal ends the login, and the next one registers anew.
#[apply(test)]
fn l20_a_registration_that_is_refused_after_the_deadline_is_not_renewed() {
    // The code comes before the deadline, and the refusal after it.
    let attempt = |seconds: u64| {
        let fake = Fake::with(move |seen, _| {
            let stale = seen.parameter("client_id").as_deref() == Some("client-1");
            let refusal = Reply::json(401, &json!({"error": "invalid_client"}));
            let pause = Duration::from_secs(seconds + 1);
            (seen.path == "/token" && stale).then(|| Reply::Slow(pause, Box::new(refusal)))
        });
        let limit = format!("{seconds}s");
        let finished = Program::login(&fake).args(["--timeout", &limit]).agree();
        let is_late = finished.event("error")["code"] == "timed_out";
        (!is_late).then_some((fake, finished))
    };
    let (fake, finished) = [3, 15]
        .into_iter()
        .find_map(attempt)
        .expect("a code in time");
    let finished = finished.expect_error(3, "invalid_client");
    assert!(
        finished.stderr.contains("run the command again"),
        "{}",
        finished.stderr
    );
    assert_eq!(fake.seen_at("/register").len(), 1);
    let urls = finished.events.iter();
    let urls = urls.filter(|event| event["event"] == "authorization_url");
    assert_eq!(urls.count(), 1);
    again(&fake, finished.home()).agree().expect(0);
    assert_eq!(fake.seen_at("/register").len(), 2);
}

#[apply(test)]
fn a_registration_that_is_refused_twice_and_a_client_of_the_users_end_it() {
    for error in ["invalid_client", "unauthorized_client"] {
        let fake = Fake::with(move |seen, _| {
            (seen.path == "/token").then(|| Reply::json(401, &json!({"error": error})))
        });
        let mut login = Program::login(&fake).start();
        login.agree();
        login.agree();
        login.finish().expect_error(3, error);
        assert_eq!(fake.seen_at("/register").len(), 2);
        let finished = Program::login(&fake)
            .args(["--client-id", "mine"])
            .agree()
            .expect_error(3, error);
        assert!(
            finished.stderr.contains("--client-id"),
            "{}",
            finished.stderr
        );
        assert_eq!(fake.seen_at("/register").len(), 2);
    }
    // Any other refusal ends the login: no second page, no second registration.
    let fake = Fake::with(|seen, _| {
        (seen.path == "/token").then(|| Reply::json(400, &json!({"error": "invalid_grant"})))
    });
    Program::login(&fake)
        .agree()
        .expect_error(3, "invalid_grant");
    assert_eq!(
        (
            fake.seen_at("/register").len(),
            fake.seen_at("/token").len()
        ),
        (1, 1)
    );
}
