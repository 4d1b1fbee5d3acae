//! Logins without a person: nothing listens, opens or asks, and nobody but the pinned issuer is sent anything.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{json, Value};

use crate::support::fake::{Fake, Reply, Seen};
use crate::support::jwt;
use crate::support::leaks::assert_hides;
use crate::support::program::{Finished, Program};
use crate::support::rotating::Home;
use crate::support::stdio_client::StdioClient;

const SECRET: &str = "s:%/+ c4nary-client-Secret";

/// Returns the servers, which issue tokens to clients that show a secret by Basic.
fn servers() -> Fake {
    servers_with(|_, _| None)
}

/// As [`servers`]; what `hook` answers is done in its way.
fn servers_with(hook: impl Fn(&Seen, &Fake) -> Option<Reply> + Send + Sync + 'static) -> Fake {
    let issued = AtomicU64::new(0);
    Fake::with(move |seen, fake| {
        if let Some(reply) = hook(seen, fake) {
            return Some(reply);
        }
        if seen.path != "/token" {
            return None;
        }
        let number = issued.fetch_add(1, Ordering::SeqCst) + 1;
        let tokens = json!({"access_token": format!("access-{number}"), "token_type": "Bearer", "expires_in": 3600,
            "refresh_token": "not asked for"});
        Some(Reply::json(200, &tokens))
    })
}

/// The form-encoded client and secret, as Basic has them.
fn basic() -> String {
    use base64::Engine as _;
    let encoded = "robot:s%3A%25%2F%2B+c4nary-client-Secret";
    let encoded = base64::engine::general_purpose::STANDARD.encode(encoded);
    format!("Basic {encoded}")
}

/// The options of a client with a secret.
fn client(issuer: &str) -> Vec<String> {
    let options = [
        "--grant",
        "client-credentials",
        "--client-id",
        "robot",
        "--issuer",
        issuer,
    ];
    options.map(str::to_owned).to_vec()
}

/// Prepares a command with a client's own grant, in this home.
fn command(home: &Home, name: &str, fake: &Fake) -> Program {
    home.command(name, &[&fake.mcp()])
        .args(client(&fake.origin()))
        .env("MCP_LOGIN_CLIENT_SECRET", SECRET)
}

/// Logs in by a client's own grant.
fn log_in(home: &Home, fake: &Fake) -> Finished {
    command(home, "login", fake).arg("--json").run()
}

/// Checks that a run left nothing behind.
#[track_caller]
fn assert_nothing_stored(home: &Home) {
    assert!(!home.credentials().exists(), "{}", home.text());
}

#[apply(test)]
fn g10_a_client_asks_for_itself() {
    let fake = servers();
    let home = Home::new();
    let finished = command(&home, "token", &fake).run().expect(0);
    assert_eq!(
        (finished.stdout.as_str(), finished.stderr.as_str()),
        ("access-1", "")
    );
    let asked = fake.seen_at("/token");
    let [asked] = asked.as_slice() else {
        panic!("{asked:?}")
    };
    assert_eq!(asked.header("authorization"), Some(basic().as_str()));
    for (name, value) in [
        ("grant_type", Some("client_credentials".to_owned())),
        ("resource", Some(fake.mcp())),
        ("scope", Some("read".to_owned())),
        ("client_secret", None),
        ("client_id", None),
    ] {
        assert_eq!(asked.parameter(name), value, "{name}");
    }
    assert!(fake.seen_at("/register").is_empty() && fake.seen_at("/authorize").is_empty());
    assert_nothing_stored(&home);
}

#[apply(test)]
fn g10_the_metadata_decides_how_the_secret_is_sent() {
    let fake = servers_with(|seen, fake| {
        let mut metadata = fake.server_metadata();
        metadata["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"]);
        // Nothing that a person would need.
        metadata["grant_types_supported"] = json!(["client_credentials"]);
        for member in [
            "authorization_endpoint",
            "code_challenge_methods_supported",
            "response_types_supported",
        ] {
            metadata.as_object_mut().expect("members").remove(member);
        }
        (seen.path == "/.well-known/oauth-authorization-server")
            .then(|| Reply::json(200, &metadata))
    });
    let home = Home::new();
    let options = ["--scope", "admin", "--scope", "read write", "--no-resource"];
    command(&home, "token", &fake).args(options).run().expect(0);
    let asked = &fake.seen_at("/token")[0];
    assert_eq!(asked.header("authorization"), None);
    for (name, value) in [
        ("client_id", Some("robot")),
        ("client_secret", Some(SECRET)),
        ("scope", Some("admin read write")),
        ("resource", None),
    ] {
        assert_eq!(asked.parameter(name).as_deref(), value, "{name}");
    }
    // A person is told which option there is.
    let refused = home
        .command("login", &["--json", &fake.mcp()])
        .run()
        .expect(2);
    let error = refused.events.last().expect("an error");
    assert_eq!(error["code"], "code_flow_unsupported", "{error}");
    assert!(error["hint"]
        .as_str()
        .is_some_and(|it| it.contains("--grant client-credentials")));
}

#[apply(test)]
fn g10_every_command_that_uses_a_token_does_without_a_stored_login() {
    let fake = servers();
    let home = Home::new();
    let headers = command(&home, "headers", &fake).run().expect(0);
    assert_eq!(headers.stdout, "{\"Authorization\":\"Bearer access-1\"}");
    let json = command(&home, "token", &fake).arg("--json").run().expect(0);
    let token: Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!(
        (&token["access_token"], &token["server"]),
        (&json!("access-2"), &json!(fake.mcp()))
    );
    let exec = command(&home, "exec", &fake)
        .args(["--", "sh", "-c", "env; cat /proc/$PPID/environ || true"])
        .run()
        .expect(0);
    assert!(
        exec.stdout.contains("MCP_LOGIN_BEARER=access-3"),
        "{}",
        exec.stdout
    );
    assert!(!exec.stdout.contains("CLIENT_SECRET"), "{}", exec.stdout);
    assert_hides(&exec.stdout, SECRET);
    let check = command(&home, "check", &fake).arg("--json").run().expect(0);
    assert!(
        check.stdout.contains(r#""proven":true"#),
        "{}",
        check.stdout
    );
    assert_nothing_stored(&home);
}

#[apply(test)]
fn g27_a_check_names_the_extension_by_which_it_has_its_token() {
    let with_token = |seen: &Seen| seen.path == "/mcp" && seen.header("authorization").is_some();
    for is_modern in [true, false] {
        let fake = servers_with(move |seen, _| {
            let is_refused = with_token(seen) && seen.body.contains("_meta") && !is_modern;
            is_refused.then(|| Reply::status(400))
        });
        let declared = || -> Vec<Value> {
            let seen = fake.seen_at("/mcp").into_iter().filter(with_token);
            let messages = seen.map(|it| serde_json::from_str(&it.body).expect("JSON"));
            let capabilities = messages.map(|it: Value| match is_modern {
                true => it["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"].clone(),
                false => it["params"]["capabilities"].clone(),
            });
            capabilities.filter(|it| !it.is_null()).collect()
        };
        let home = Home::new();
        command(&home, "check", &fake).run().expect(0);
        let extension = json!({"io.modelcontextprotocol/oauth-client-credentials": {}});
        assert_eq!(
            declared(),
            [json!({"extensions": extension})],
            "{is_modern}"
        );
        // The login of a person is no extension.
        let home = Home::with(&fake, json!({}));
        home.command("check", &[&fake.mcp()]).run().expect(0);
        assert_eq!(declared()[1..], [json!({})], "{is_modern}");
    }
}

#[apply(test)]
fn g27_the_bridge_names_that_extension_for_its_client_and_changes_nothing_else() {
    const OWN: &str = r#""io.modelcontextprotocol/oauth-client-credentials":{}"#;
    let fake = servers();
    let (of_client, of_person) = (Home::new(), Home::with(&fake, json!({})));
    let sent = |bridge: Program, line: &str| {
        let mut client = StdioClient::start(bridge.with_stdin());
        client.line(line);
        client.answer(&json!(7));
        client.finish();
        let mut seen = fake.seen_at("/mcp").into_iter().rev();
        let is_meant =
            |seen: &Seen| seen.header("authorization").is_some() && seen.body.contains("\"id\": 7");
        seen.find(is_meant).expect("the request").body
    };
    let messages = [
        r#"{"method":"initialize" ,"z":1.10,"params":{"capabilities": CAN ,"protocolVersion":"2025-11-25","clientInfo":{"name":"c","version":"1"}},"id": 7,"jsonrpc":"2.0"}"#,
        r#"{"jsonrpc":"2.0","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities": CAN },"x":[1.0]},"id": 7,"method":"tools/list"}"#,
    ];
    for message in messages {
        for (can, named) in [
            ("{ }", r#"{"extensions":{OWN}}"#),
            (
                r#"{"roots": {},"x":1.0}"#,
                r#"{"extensions":{OWN},"roots": {},"x":1.0}"#,
            ),
            (
                r#"{"x":1,"extensions": {"a/b":{"n":1e2}} }"#,
                r#"{"x":1,"extensions": {OWN,"a/b":{"n":1e2}} }"#,
            ),
            (r#"{"extensions": null}"#, r#"{"extensions": {OWN}}"#),
            (r#"{"extensions":{ OWN }}"#, r#"{"extensions":{ OWN }}"#),
            ("[]", "[]"),
        ] {
            let line = message.replace("CAN", &can.replace("OWN", OWN));
            let expected = message.replace("CAN", &named.replace("OWN", OWN));
            let bridge = command(&of_client, "connect", &fake);
            assert_eq!(sent(bridge, &line), expected);
            let bridge = of_person.command("connect", &[&fake.mcp()]);
            assert_eq!(sent(bridge, &line), line, "the login of a person");
        }
    }
}

#[apply(test)]
fn g10_a_job_without_a_home_needs_no_place_for_logins() {
    let fake = servers();
    let home = Home::new();
    let without_home = |command: Program| {
        let names = ["HOME", "XDG_DATA_HOME", "LOCALAPPDATA", "USERPROFILE"];
        names.iter().fold(command, |it, name| it.env(name, ""))
    };
    let homeless = |name| without_home(command(&home, name, &fake));
    let given = homeless("token").run().expect(0);
    assert_eq!(
        (given.stdout.as_str(), given.stderr.as_str()),
        ("access-1", "")
    );
    homeless("check").run().expect(0);
    let exec = homeless("exec").args(["--", "true"]).run().expect(0);
    assert_eq!(exec.stderr, "");
    assert_nothing_stored(&home);
    // A login that is stored needs one.
    homeless("login").run().expect(7);
    let stored = Program::new().args(["token", &fake.mcp()]);
    without_home(stored).run().expect(7);
}

#[apply(test)]
fn g10_the_bridge_renews_a_token_that_is_stored_nowhere() {
    let fake = servers_with(|seen, _| {
        // The first token ends at once.
        let refused = seen.header("authorization") == Some("Bearer access-1");
        (seen.path == "/mcp" && refused)
            .then(|| Reply::status(401).with("WWW-Authenticate", "Bearer error=\"invalid_token\""))
    });
    let home = Home::new();
    let bridge = command(&home, "connect", &fake).with_stdin();
    let mut client = StdioClient::modern(bridge);
    let answer = client.request("tools/list", json!({}));
    assert_eq!(answer["result"]["tools"][0]["name"], "echo", "{answer}");
    client.finish().expect(0);
    assert_eq!(fake.seen_at("/token").len(), 2);
    assert_nothing_stored(&home);
}

#[apply(test)]
fn g11_a_stored_login_is_renewed_without_a_person() {
    let fake = servers();
    let home = Home::new();
    let login = log_in(&home, &fake).expect(0);
    let said = "the access token in 1 h; then another one is requested";
    assert!(login.stderr.contains(said), "{}", login.stderr);
    let event = login.events.last().expect("an event");
    assert_eq!(
        (&event["event"], &event["refreshable"], &event["grant"]),
        (
            &json!("logged_in"),
            &json!(true),
            &json!("client_credentials")
        ),
        "{event}"
    );
    assert!(login
        .events
        .iter()
        .all(|it| it["event"] != "listening" && it["event"] != "authorization_url"));
    let stored = home.kept(&fake);
    assert_eq!(
        (&stored["refresh_token"], &stored["grant"]),
        (&Value::Null, &json!("client_credentials"))
    );
    // A live token costs nothing, with the options of the login and without.
    assert_eq!(home.token(&fake).expect(0).stdout, "access-1");
    assert_eq!(
        command(&home, "token", &fake).run().expect(0).stdout,
        "access-1"
    );
    home.expire();
    assert_eq!(home.token(&fake).expect(0).stdout, "access-2");
    assert_eq!(
        home.at("token", &fake)
            .arg("--refresh")
            .run()
            .expect(0)
            .stdout,
        "access-3"
    );
    assert_eq!(home.at("refresh", &fake).run().expect(0).stdout, "");
    let asked = fake.seen_at("/token");
    assert_eq!(asked.len(), 4);
    for asked in &asked {
        assert_eq!(
            asked.parameter("grant_type").as_deref(),
            Some("client_credentials")
        );
        assert_eq!(asked.header("authorization"), Some(basic().as_str()));
    }
    // A login that serves is not made again, and one that is made again repeats the options.
    let again = home
        .command("login", &["--json", &fake.mcp()])
        .run()
        .expect(0);
    assert_eq!(again.events.last().expect("an event")["already"], true);
    home.command("login", &["--json", "--force", &fake.mcp()])
        .run()
        .expect(0);
    assert_eq!(home.kept(&fake)["access_token"], "access-5");
}

#[apply(waiting_test)]
fn g11_many_processes_request_one_token() {
    let fake = servers();
    let home = Home::new();
    log_in(&home, &fake).expect(0);
    home.expire();
    let running: Vec<_> = (0..16).map(|_| home.at("token", &fake).start()).collect();
    for running in running {
        let finished = running.finish_or(|| home.at("token", &fake));
        assert_eq!(finished.expect(0).stdout, "access-2");
    }
    assert_eq!(fake.seen_at("/token").len(), 2);
}

#[apply(test)]
fn g12_the_issuer_is_pinned() {
    let fake = servers();
    let evil = Fake::start();
    let home = Home::new();
    // Without a person no server chooses who is sent the secret.
    let unpinned = home
        .command(
            "token",
            &[
                "--grant",
                "client-credentials",
                "--client-id",
                "robot",
                &fake.mcp(),
            ],
        )
        .env("MCP_LOGIN_CLIENT_SECRET", SECRET)
        .run()
        .expect(2);
    assert!(unpinned.stderr.contains("--issuer"), "{}", unpinned.stderr);
    assert_eq!(fake.seen().len(), 0);
    // A hostile server names its own.
    let origin = evil.origin();
    let hostile = servers_with(move |seen, fake| {
        let mut metadata = fake.resource_metadata();
        metadata["authorization_servers"] = json!([origin]);
        (seen.path == "/.well-known/oauth-protected-resource/mcp")
            .then(|| Reply::json(200, &metadata))
    });
    for name in ["token", "headers", "check", "login", "exec"] {
        let tail: &[&str] = if name == "exec" { &["--", "true"] } else { &[] };
        let refused = home
            .command(name, &["--json", &hostile.mcp()])
            .args(client(&fake.origin()))
            .env("MCP_LOGIN_CLIENT_SECRET", SECRET)
            .args(tail)
            .run();
        let text = format!("{}{}", refused.stdout, refused.stderr);
        refused.expect(6);
        assert!(text.contains("issuer_mismatch"), "{name}: {text}");
        assert_hides(&text, SECRET);
    }
    assert!(evil.seen().is_empty(), "{:?}", evil.seen());
    assert!(fake.seen_at("/token").is_empty() && hostile.seen_at("/token").is_empty());
}

#[apply(test)]
fn g12_a_stored_login_stays_pinned() {
    let evil = Fake::start();
    let origin = evil.origin();
    let is_hostile = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let switch = std::sync::Arc::clone(&is_hostile);
    let fake = servers_with(move |seen, fake| {
        let mut metadata = fake.resource_metadata();
        metadata["authorization_servers"] = json!([origin]);
        (seen.path == "/.well-known/oauth-protected-resource/mcp" && switch.load(Ordering::SeqCst))
            .then(|| Reply::json(200, &metadata))
    });
    let home = Home::new();
    log_in(&home, &fake).expect(0);
    is_hostile.store(true, Ordering::SeqCst);
    let refused = home
        .command("login", &["--json", "--force", &fake.mcp()])
        .run()
        .expect(6);
    assert_eq!(
        refused.events.last().expect("an error")["code"],
        "issuer_mismatch"
    );
    // The token endpoint that was recorded is asked again, and nobody else.
    home.expire();
    assert_eq!(home.token(&fake).expect(0).stdout, "access-2");
    assert!(evil.seen().is_empty(), "{:?}", evil.seen());
}

#[apply(test)]
fn g13_a_refusal_is_told_once_and_quotes_no_secret() {
    let fake = servers_with(|seen, _| {
        let error =
            json!({"error": "invalid_client", "error_description": format!("not {SECRET}")});
        (seen.path == "/token").then(|| Reply::json(401, &error))
    });
    let home = Home::new();
    for options in [&[][..], &["-vv"]] {
        let before = fake.seen_at("/token").len();
        let refused = command(&home, "token", &fake).args(options).run().expect(3);
        assert!(
            refused.stderr.contains("invalid_client"),
            "{}",
            refused.stderr
        );
        assert!(refused.stderr.contains("--client-id"), "{}", refused.stderr);
        assert_hides(&refused.stderr, SECRET);
        assert_eq!(
            (refused.stdout.as_str(), fake.seen_at("/token").len()),
            ("", before + 1)
        );
    }
    let refused = log_in(&home, &fake).expect(3);
    assert_eq!(
        refused.events.last().expect("an error")["code"],
        "invalid_client"
    );
    assert_nothing_stored(&home);
}

/// The secret is in the header too, in another form.
#[apply(test)]
fn g13_a_refusal_quotes_no_authorization_header() {
    let fake = servers_with(|seen, _| {
        let error = json!({"error": format!("no {:?}", seen.header("authorization"))});
        (seen.path == "/token").then(|| Reply::json(400, &error))
    });
    let refused = command(&Home::new(), "token", &fake)
        .arg("-vv")
        .run()
        .expect(3);
    let header = fake.seen_at("/token")[0]
        .header("authorization")
        .map(str::to_owned);
    let sent = header.expect("Basic authentication").replace("Basic ", "");
    assert!(!refused.stderr.contains(&sent), "{}", refused.stderr);
}

#[apply(test)]
fn g13_a_stored_login_that_is_refused_names_the_command_and_recovers() {
    let refuses = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let switch = std::sync::Arc::clone(&refuses);
    let fake = servers_with(move |seen, _| {
        (seen.path == "/token" && switch.load(Ordering::SeqCst))
            .then(|| Reply::json(400, &json!({"error": "unauthorized_client"})))
    });
    let home = Home::new();
    log_in(&home, &fake).expect(0);
    home.expire();
    refuses.store(true, Ordering::SeqCst);
    let refused = home.at("token", &fake).arg("--json").run().expect(3);
    let error: Value = serde_json::from_str(&refused.stderr).expect("JSON");
    let command = format!("mcp-login --force {} --store file", fake.mcp());
    assert!(
        error["hint"]
            .as_str()
            .is_some_and(|it| it.ends_with(&command)),
        "{error}"
    );
    // What was wrong there is put right there.
    refuses.store(false, Ordering::SeqCst);
    assert_eq!(home.token(&fake).expect(0).stdout, "access-2");
}

#[apply(test)]
fn g14_a_login_without_a_person_is_not_handed_over_and_can_be_ended() {
    let fake = servers_with(|seen, _| (seen.path == "/revoke").then(|| Reply::status(200)));
    let home = Home::new();
    log_in(&home, &fake).expect(0);
    for client in ["hermes", "opencode", "dotenv"] {
        let refused = home
            .at("handover", &fake)
            .args(["--to", client])
            .run()
            .expect(2);
        assert!(
            refused.stderr.contains("no person"),
            "{client}: {}",
            refused.stderr
        );
        assert!(
            !refused.stdout.contains("access-1"),
            "{client}: {}",
            refused.stdout
        );
    }
    home.at("logout", &fake).run().expect(0);
    assert_eq!(home.kept(&fake), Value::Null);
    let revoked = fake.seen_at("/revoke");
    assert_eq!(revoked.len(), 1);
    assert_eq!(revoked[0].parameter("token").as_deref(), Some("access-1"));
}

#[apply(test)]
fn g15_what_a_grant_lacks_is_named_before_anything_is_sent() {
    let fake = servers();
    let home = Home::new();
    let issuer = fake.origin();
    for (options, missing) in [
        (&["--client-id", "robot"][..], "--issuer"),
        (&["--issuer", &issuer], "--client-id"),
        (
            &["--issuer", &issuer, "--client-id", "robot"],
            "MCP_LOGIN_CLIENT_SECRET",
        ),
        (
            &["--issuer", "as.example", "--client-id", "robot"],
            "issuer",
        ),
    ] {
        for name in ["token", "login"] {
            let refused = home
                .command(name, &["--grant", "client-credentials", &fake.mcp()])
                .args(options)
                .run()
                .expect(2);
            assert!(
                refused.stderr.contains(missing),
                "{options:?}: {}",
                refused.stderr
            );
        }
    }
    let options = client(&issuer);
    let refused = home.command("login", &[]).args(&options).run().expect(2);
    assert!(refused.stderr.contains("no SERVER"), "{}", refused.stderr);
    assert!(fake.seen().is_empty(), "{:?}", fake.seen());
}

#[apply(test)]
fn g16_a_key_signs_for_each_request_and_stays_where_it_is() {
    let fake = servers();
    let home = Home::new();
    let path = home.path().join("client.key");
    std::fs::write(&path, jwt::key("p256.pkcs8")).expect("writing");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(&path, mode).expect("a mode");
    let run = |name: &str, options: &[&str]| {
        home.command(
            name,
            &["--grant", "client-credentials", "--client-id", "robot"],
        )
        .args(["--issuer", &fake.origin(), &fake.mcp(), "--client-key-file"])
        .arg(&path)
        .args(options)
        .run()
        .expect(0)
    };
    let token = run("token", &[]);
    assert_eq!(token.stdout, "access-1");
    assert_eq!(
        token.stderr.matches("chmod 600").count(),
        1,
        "{}",
        token.stderr
    );
    assert_nothing_stored(&home);
    run("login", &["--json"]);
    home.expire();
    assert_eq!(home.token(&fake).expect(0).stdout, "access-3");
    let key: Value = serde_json::from_str(jwt::key("p256.jwk")).expect("a JWK");
    let mut identifiers = std::collections::BTreeSet::new();
    for asked in fake.seen_at("/token") {
        assert_eq!(asked.header("authorization"), None);
        let assertion = asked.parameter("client_assertion").expect("an assertion");
        let (_, claims) = jwt::verified(&assertion, &key);
        assert_eq!(
            (&claims["aud"], &claims["sub"]),
            (&json!(fake.origin()), &json!("robot"))
        );
        assert!(identifiers.insert(claims["jti"].to_string()), "used twice");
    }
    assert_eq!(identifiers.len(), 3);
    home.at("logout", &fake).run();
    assert!(path.exists(), "the key is its owner's");
}
