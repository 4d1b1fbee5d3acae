//! Logins without a person by a JWT: of the platform, and of an enterprise's identity provider.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;

use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::Engine as _;
use serde_json::{json, Value};

use crate::support::fake::{Fake, Reply, Seen};
use crate::support::leaks::{assert_hides, forms};
use crate::support::program::Program;
use crate::support::rotating::Home;

const SIGNATURE: &str = "c4naryAssertionSignature1234";
const LATE: i64 = 32_503_680_000;

/// Returns a JWT with these claims, which nobody here verifies.
fn jwt(header: &Value, claims: &Value) -> String {
    let [header, claims] = [header, claims].map(|it| URL_SAFE_NO_PAD.encode(it.to_string()));
    format!("{header}.{claims}.{SIGNATURE}")
}

/// Returns what a platform issues for an audience.
fn assertion(audience: &str, number: u64, exp: i64) -> String {
    jwt(
        &json!({"alg": "RS256"}),
        &json!({"sub": "job", "aud": audience, "exp": exp, "jti": number}),
    )
}

/// Returns the servers; what `hook` answers is done in its way.
fn servers(hook: impl Fn(&Seen, &Fake) -> Option<Reply> + Send + Sync + 'static) -> Fake {
    let issued = AtomicU64::new(0);
    Fake::with(move |seen, fake| {
        if let Some(reply) = hook(seen, fake) {
            return Some(reply);
        }
        if seen.path != "/token" || seen.parameter("code").is_some() {
            return None;
        }
        let number = issued.fetch_add(1, Ordering::SeqCst) + 1;
        let tokens = json!({"access_token": format!("access-{number}"), "token_type": "Bearer", "expires_in": 3600});
        Some(Reply::json(200, &tokens))
    })
}

/// Prepares a command with the grant of a platform's JWT.
fn command(home: &Home, name: &str, fake: &Fake) -> Program {
    home.command(
        name,
        &[
            "--grant",
            "jwt-bearer",
            "--issuer",
            &fake.origin(),
            &fake.mcp(),
        ],
    )
}

fn asked(fake: &Fake) -> Vec<Option<String>> {
    let asked = fake.seen_at("/token");
    asked
        .iter()
        .map(|seen| seen.parameter("assertion"))
        .collect()
}

#[apply(test)]
fn g20_the_jwt_of_the_platform_is_read_anew_for_each_request() {
    let fake = servers(|_, _| None);
    let home = Home::new();
    let path = home.path().join("token");
    let [first, second] = [1, 2].map(|number| assertion(&fake.origin(), number, LATE));
    fs::write(&path, format!("{first}\n")).expect("writing");
    let file = ["--assertion-file", path.to_str().expect("a path")];
    let finished = command(&home, "token", &fake)
        .args(file)
        .arg("-vv")
        .run()
        .expect(0);
    assert_eq!(finished.stdout, "access-1");
    assert_hides(&finished.stderr, SIGNATURE);
    command(&home, "login", &fake)
        .args(file)
        .arg("--json")
        .run()
        .expect(0);
    assert_hides(&home.text(), SIGNATURE);
    home.expire();
    // The kubelet swaps a symbolic link.
    fs::remove_file(&path).expect("removing");
    fs::write(home.path().join("new"), &second).expect("writing");
    std::os::unix::fs::symlink("new", &path).expect("a link");
    assert_eq!(home.token(&fake).expect(0).stdout, "access-3");
    assert_eq!(
        asked(&fake),
        [Some(first.clone()), Some(first), Some(second)]
    );
    let request = &fake.seen_at("/token")[0];
    for (name, value) in [
        (
            "grant_type",
            Some("urn:ietf:params:oauth:grant-type:jwt-bearer".to_owned()),
        ),
        ("resource", Some(fake.mcp())),
        ("client_id", None),
        ("client_secret", None),
    ] {
        assert_eq!(request.parameter(name), value, "{name}");
    }
    assert_eq!(request.header("authorization"), None);
    home.at("logout", &fake).run();
    assert!(path.exists(), "the file is the platform's");
}

#[apply(test)]
fn g20_a_jwt_in_the_environment_or_of_a_command() {
    let fake = servers(|_, _| None);
    let home = Home::new();
    let token = assertion(&fake.origin(), 1, LATE);
    let exec = command(&home, "exec", &fake)
        .args(["--assertion-env", "ID_TOKEN", "--", "sh", "-c", "env"])
        .env("ID_TOKEN", &token)
        .run()
        .expect(0);
    assert!(
        exec.stdout.contains("MCP_LOGIN_BEARER=access-1"),
        "{}",
        exec.stdout
    );
    assert_hides(&exec.stdout, SIGNATURE);
    let line = format!("printf '%s\\nmore\\n' {token}");
    let finished = command(&home, "token", &fake)
        .args(["--assertion-command", &line])
        .run()
        .expect(0);
    assert_eq!(
        (finished.stdout.as_str(), finished.stderr.as_str()),
        ("access-2", "")
    );
    assert_eq!(asked(&fake), [Some(token.clone()), Some(token.clone())]);
    // The client authenticates by it, where the authorization server wants that.
    home.command(
        "token",
        &[
            "--grant",
            "client-credentials",
            "--issuer",
            &fake.origin(),
            &fake.mcp(),
        ],
    )
    .args(["--client-id", "robot", "--assertion-env", "ID_TOKEN"])
    .env("ID_TOKEN", &token)
    .run()
    .expect(0);
    let request = &fake.seen_at("/token")[2];
    for (name, value) in [
        ("grant_type", "client_credentials"),
        ("client_id", "robot"),
        (
            "client_assertion_type",
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        ),
        ("client_assertion", &token),
    ] {
        assert_eq!(request.parameter(name).as_deref(), Some(value), "{name}");
    }
}

#[apply(test)]
fn g21_github_actions_issues_a_jwt_for_the_issuer() {
    let fake = servers(|seen, fake| {
        if seen.path != "/idtoken" {
            return None;
        }
        let is_job = seen.header("authorization") == Some("bearer c4nary-request-token-Zq7");
        let audience = seen
            .parameter("audience")
            .filter(|_| is_job && seen.query.starts_with("api-version=2.0&"));
        let token = assertion(&audience?, 7, LATE);
        assert!(fake.origin().starts_with("http"));
        Some(Reply::json(200, &json!({"value": token, "count": 1})))
    });
    let home = Home::new();
    let run = |name: &str, fake: &Fake, options: &[&str]| {
        command(&home, name, fake)
            .args(["--assertion", "github-actions", "-vv"])
            .args(options)
            .env(
                "ACTIONS_ID_TOKEN_REQUEST_URL",
                format!("{}/idtoken?api-version=2.0", fake.origin()),
            )
            .env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "c4nary-request-token-Zq7")
            .run()
    };
    let finished = run("token", &fake, &[]).expect(0);
    assert_hides(&finished.stderr, "c4nary-request-token-Zq7");
    run("token", &fake, &["--assertion-audience", "mcp"]).expect(0);
    let sent =
        [fake.origin(), "mcp".to_owned()].map(|audience| Some(assertion(&audience, 7, LATE)));
    assert_eq!(asked(&fake), sent);
    // A job without the permission has no such variables.
    let refused = command(&home, "token", &fake)
        .args(["--assertion", "github-actions"])
        .run()
        .expect(2);
    assert!(
        refused.stderr.contains("id-token: write"),
        "{}",
        refused.stderr
    );
}

#[apply(test)]
fn g22_what_is_no_assertion_is_named_and_not_sent() {
    let fake = servers(|_, _| None);
    let home = Home::new();
    let path = home.path().join("token");
    let name = path.to_str().expect("a path").to_owned();
    let run = |code: i32, says: &str| {
        let refused = command(&home, "token", &fake)
            .args(["--assertion-file", &name, "--json"])
            .run()
            .expect(code);
        assert!(refused.stderr.contains(says), "{says}: {}", refused.stderr);
        assert_hides(&refused.stderr, SIGNATURE);
    };
    run(2, "no such file");
    run(2, "such as by a projected volume of Kubernetes");
    fs::write(&path, "\n").expect("writing");
    run(2, "it is empty");
    fs::write(&path, "no token").expect("writing");
    run(2, "not a JSON Web Token");
    fs::write(&path, "x".repeat(1 << 20)).expect("writing");
    run(2, "larger than 16 KiB");
    fs::write(&path, assertion(&fake.origin(), 1, 1_000_000_000)).expect("writing");
    run(3, "assertion_expired");
    let both = "expired at 2001-09-09T01:46:40Z; the clock of this computer says 20";
    run(3, both);
    fs::write(
        &path,
        assertion("https://kubernetes.default.svc.cluster.local", 1, LATE),
    )
    .expect("writing");
    run(2, "the API server of its cluster");
    fs::remove_file(&path).expect("removing");
    fs::create_dir(&path).expect("a directory");
    run(2, "not a regular file");
    fs::remove_dir(&path).expect("removing");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &path,
        rustix::fs::FileType::Fifo,
        0o600.into(),
        0,
    )
    .expect("a pipe");
    run(2, "not a regular file");
    for (command_line, code, says) in [
        ("/nonexistent/agent", 2, "no such program"),
        (
            "sh -c 'echo lost the socket >&2; exit 4'",
            5,
            "lost the socket",
        ),
        (
            "sh -c 'echo got eyJhbGciOiJub25lIn0.c4naryAssertionSignature1234 >&2; exit 4'",
            5,
            "exit status: 4: got ***",
        ),
        ("sh -c 'kill -9 $$'", 5, "(SIGKILL)\n"),
        ("true", 2, "it is empty"),
    ] {
        let refused = command(&home, "token", &fake)
            .args(["--assertion-command", command_line])
            .run()
            .expect(code);
        assert!(
            refused.stderr.contains(says),
            "{command_line}: {}",
            refused.stderr
        );
    }
    let unset = command(&home, "token", &fake)
        .args(["--assertion-env", "NOWHERE"])
        .run()
        .expect(2);
    for said in ["it is not set", "such as by `id_tokens` of GitLab"] {
        assert!(unset.stderr.contains(said), "{}", unset.stderr);
    }
    let provider = provider(|_| None);
    let unread = enterprise(&home, "token", &fake, &provider)
        .args(["--idp-client-id", "desk"])
        .args(["--id-token-file", "/nonexistent/token"])
        .run()
        .expect(2);
    assert!(
        unread
            .stderr
            .contains("hint: --id-token-file names the file"),
        "{}",
        unread.stderr
    );
    let long = command(&home, "token", &fake)
        .args(["--assertion-env", "LONG"])
        .env(
            "LONG",
            format!(
                "{}{}",
                assertion(&fake.origin(), 1, LATE),
                "x".repeat(1 << 14)
            ),
        )
        .run()
        .expect(2);
    assert!(
        long.stderr.contains("larger than 16 KiB"),
        "{}",
        long.stderr
    );
    assert!(fake.seen_at("/token").is_empty());
    // An audience that only the server can judge is sent, with a warning.
    fs::remove_file(&path).expect("removing");
    fs::write(&path, assertion("api://other", 1, LATE)).expect("writing");
    let warned = command(&home, "token", &fake)
        .args(["--assertion-file", &name])
        .run()
        .expect(0);
    assert!(warned.stderr.contains("api://other"), "{}", warned.stderr);
}

#[apply(test)]
fn g20_what_notepad_puts_before_a_jwt_is_no_part_of_it() {
    let fake = servers(|_, _| None);
    let home = Home::new();
    let path = home.path().join("token");
    let token = assertion(&fake.origin(), 1, LATE);
    fs::write(&path, format!("\u{feff}{token}\r\n")).expect("writing");
    let name = path.to_str().expect("a path");
    let given = command(&home, "token", &fake).args(["--assertion-file", name]);
    assert_eq!(given.run().expect(0).stdout, "access-1");
    assert_eq!(asked(&fake), [Some(token)]);
}

#[apply(test)]
fn g23_a_refused_assertion_is_sent_once_and_by_no_other_grant() {
    let fake = servers(|seen, _| {
        let error =
            json!({"error": "invalid_grant", "error_description": seen.parameter("assertion")?});
        (seen.path == "/token").then(|| Reply::json(400, &error))
    });
    let home = Home::new();
    let token = assertion(&fake.origin(), 1, LATE);
    let refused = command(&home, "token", &fake)
        .args(["--assertion-env", "ID_TOKEN"])
        .env("ID_TOKEN", &token)
        .run()
        .expect(3);
    assert!(
        refused.stderr.contains("invalid_grant") && refused.stderr.contains("audience"),
        "{}",
        refused.stderr
    );
    assert_hides(&refused.stderr, SIGNATURE);
    assert_eq!(fake.seen_at("/token").len(), 1);
}

#[apply(test)]
fn g23_a_refusal_quotes_an_assertion_in_no_form() {
    let home = Home::new();
    for form in [
        "raw",
        "percent",
        "percent, small",
        "hex",
        "HEX",
        "base64, padded",
        "a half",
    ] {
        let fake = servers(move |seen, _| {
            let sent = seen.parameter("assertion")?;
            let quoted = match form {
                "a half" => sent[sent.len() - SIGNATURE.len()..].to_owned(),
                _ => forms(&sent).into_iter().find(|it| it.0 == form)?.1,
            };
            let words = format!("cannot use '{quoted}'");
            let error = json!({"error": "invalid_grant", "error_description": words});
            Some(Reply::json(400, &error))
        });
        let refused = command(&home, "token", &fake)
            .args(["--assertion-env", "ID_TOKEN"])
            .env("ID_TOKEN", assertion(&fake.origin(), 1, LATE))
            .run()
            .expect(3);
        let said = &refused.stderr;
        assert!(
            said.contains("invalid_grant") && !said.contains("cannot use"),
            "{form}: {said}"
        );
    }
}

#[apply(test)]
fn e6_what_is_no_access_token_is_not_one_because_it_calls_itself_an_assertion() {
    for kind in ["N_A", "DPoP"] {
        let fake = servers(move |seen, _| {
            let tokens = json!({"access_token": "a", "token_type": kind, "issued_token_type": "urn:ietf:params:oauth:token-type:id-jag"});
            (seen.path == "/token").then(|| Reply::json(200, &tokens))
        });
        let home = Home::new();
        let refused = command(&home, "token", &fake)
            .args(["--assertion-env", "ID_TOKEN"])
            .env("ID_TOKEN", assertion(&fake.origin(), 1, LATE))
            .run()
            .expect(1);
        assert!(
            refused.stderr.contains("not a Bearer token"),
            "{}",
            refused.stderr
        );
    }
}

/// Returns an identity provider that logs people in, and issues identity assertions for `audience`.
fn provider(hook: impl Fn(&Seen) -> Option<Reply> + Send + Sync + 'static) -> Fake {
    let issued = AtomicU64::new(0);
    Fake::with(move |seen, fake| {
        if seen.path != "/token" {
            return None;
        }
        if let Some(reply) = hook(seen) {
            return Some(reply);
        }
        if seen.parameter("grant_type").as_deref()
            != Some("urn:ietf:params:oauth:grant-type:token-exchange")
        {
            let id_token = jwt(
                &json!({"alg": "RS256"}),
                &json!({"iss": fake.origin(), "aud": "desk", "exp": LATE, "email": "ann@example.com", "sub": "ann"}),
            );
            let mut tokens = fake.tokens(9, None);
            tokens["id_token"] = id_token.into();
            return Some(Reply::json(200, &tokens));
        }
        let number = issued.fetch_add(1, Ordering::SeqCst) + 1;
        let jag = jwt(
            &json!({"alg": "RS256", "typ": "oauth-id-jag+jwt"}),
            &json!({"aud": seen.parameter("audience"), "client_id": "robot", "jti": number,
                "resource": seen.parameter("resource")}),
        );
        let answer = json!({"access_token": jag, "token_type": "N_A", "expires_in": 300,
            "issued_token_type": "urn:ietf:params:oauth:token-type:id-jag"});
        Some(Reply::json(200, &answer))
    })
}

/// Prepares a command with the grant of an identity assertion.
fn enterprise(home: &Home, name: &str, fake: &Fake, idp: &Fake) -> Program {
    home.command(
        name,
        &["--grant", "id-jag", "--issuer", &fake.origin(), &fake.mcp()],
    )
    .args(["--client-id", "robot", "--idp", &idp.origin()])
    .env("MCP_LOGIN_CLIENT_SECRET", "c4nary-robot-secret")
}

/// Logs in at an identity provider, as a person does.
fn log_in_at(idp: &Fake, home: &Path) {
    Program::new()
        .at_home(home)
        .args([
            "--json",
            "--store",
            "file",
            "--no-browser",
            "--client-id",
            "desk",
            "--issuer",
            &idp.origin(),
            "idp",
        ])
        .agree()
        .expect(0);
}

#[apply(test)]
fn g24_g27_each_access_token_has_a_fresh_identity_assertion() {
    let (fake, idp) = (servers(|_, _| None), provider(|_| None));
    let home = Home::new();
    // Without a login at the provider, the command is that of the login there.
    let missing = enterprise(&home, "token", &fake, &idp).run().expect(3);
    assert!(
        missing
            .stderr
            .contains(&format!("--issuer {}", idp.origin())),
        "{}",
        missing.stderr
    );
    log_in_at(&idp, home.path());
    assert_eq!(
        enterprise(&home, "token", &fake, &idp)
            .run()
            .expect(0)
            .stdout,
        "access-1"
    );
    enterprise(&home, "login", &fake, &idp)
        .arg("--json")
        .run()
        .expect(0);
    home.expire();
    assert_eq!(home.token(&fake).expect(0).stdout, "access-3");
    home.command("check", &[&fake.mcp()]).run().expect(0);
    let asked_as =
        r#""extensions":{"io.modelcontextprotocol/enterprise-managed-authorization":{}}"#;
    let with_token = |seen: &Seen| seen.header("authorization").is_some();
    let mut checks = fake.seen_at("/mcp").into_iter().filter(with_token);
    assert!(checks
        .next_back()
        .is_some_and(|it| it.body.contains(asked_as)));
    let exchanges: Vec<_> = idp
        .seen_at("/token")
        .into_iter()
        .filter(|seen| seen.parameter("subject_token").is_some())
        .collect();
    assert_eq!(exchanges.len(), 3);
    for (name, value) in [
        (
            "requested_token_type",
            "urn:ietf:params:oauth:token-type:id-jag".to_owned(),
        ),
        (
            "subject_token_type",
            "urn:ietf:params:oauth:token-type:id_token".to_owned(),
        ),
        ("audience", fake.origin()),
        ("resource", fake.mcp()),
        ("client_id", "desk".to_owned()),
    ] {
        assert_eq!(exchanges[0].parameter(name), Some(value), "{name}");
    }
    let sent = asked(&fake);
    assert!(
        sent.iter().all(Option::is_some) && sent[0] != sent[1] && sent[1] != sent[2],
        "{sent:?}"
    );
    assert!(fake
        .seen_at("/token")
        .iter()
        .all(|seen| seen.header("authorization").is_some()));
    assert!(
        !home.logins()[&fake.mcp()].to_string().contains(SIGNATURE),
        "an assertion is stored"
    );
}

/// Returns the state of the login at the identity provider, as `status` has it.
fn state_at_idp(home: &Home) -> String {
    let status = home.command("status", &["--json"]).run();
    let status: Value = serde_json::from_str(&status.stdout).expect("JSON");
    let mut logins = status["logins"].as_array().into_iter().flatten();
    let login = logins.find(|login| login["server"] == "idp");
    let state = login.and_then(|login| login["state"].as_str());
    state.unwrap_or_default().to_owned()
}

#[apply(test)]
fn g25_a_provider_that_wants_the_person_again_is_logged_in_to_again() {
    // What the provider answers to the exchange, and to the refresh that is tried then; the state of the login after it.
    for (error, refresh, state) in [
        ("login_required", 400, "needs_login"),
        ("login_required", 200, "needs_login"),
        ("invalid_grant", 400, "needs_login"),
        ("invalid_grant", 200, "live"),
        ("access_denied", 200, "live"),
    ] {
        let idp = provider(move |seen| {
            let is_exchange = seen.parameter("subject_token").is_some();
            let is_refresh = seen.parameter("refresh_token").is_some();
            let refused = is_exchange || is_refresh && refresh == 400;
            refused.then(|| Reply::json(400, &json!({"error": error})))
        });
        let fake = servers(|_, _| None);
        let home = Home::new();
        log_in_at(&idp, home.path());
        assert_eq!(state_at_idp(&home), "live");
        let ask = || {
            let refused = enterprise(&home, "token", &fake, &idp).arg("--json").run();
            serde_json::from_str::<Value>(&refused.expect(3).stderr).expect("JSON")
        };
        let told = ask();
        assert_eq!(state_at_idp(&home), state, "{error} {refresh}: {told}");
        let hint = told["hint"].as_str().unwrap_or_default();
        let is_named = hint.starts_with("mcp-login ") && hint.contains(" idp --store file");
        assert_eq!(is_named, error != "access_denied", "{told}");
        // A dead login is not asked for again and again.
        (0..2).for_each(|_| drop(ask()));
        let count = |name| {
            let seen = idp.seen_at("/token");
            let with = seen.iter().filter(|seen| seen.parameter(name).is_some());
            with.count()
        };
        let expected = match state {
            "needs_login" => (2, 1),
            _ if error == "access_denied" => (3, 0),
            _ => (6, 3),
        };
        let asked = (count("subject_token"), count("refresh_token"));
        assert_eq!(asked, expected, "{error} {refresh}");
        assert!(fake.seen_at("/token").is_empty());
    }
}

#[apply(test)]
fn g25_a_login_at_a_provider_whose_id_token_is_refused_is_refreshed_once() {
    let refreshed = Arc::new(AtomicBool::new(false));
    let idp = provider(move |seen| {
        if seen.parameter("refresh_token").is_some() {
            refreshed.store(true, Ordering::SeqCst);
        }
        let is_exchange = seen.parameter("subject_token").is_some();
        let refused = is_exchange && !refreshed.load(Ordering::SeqCst);
        refused.then(|| Reply::json(400, &json!({"error": "invalid_grant"})))
    });
    let fake = servers(|_, _| None);
    let home = Home::new();
    log_in_at(&idp, home.path());
    let token = enterprise(&home, "token", &fake, &idp).run().expect(0);
    assert_eq!(token.stdout, "access-1");
    assert_eq!(state_at_idp(&home), "live");
}

#[apply(test)]
fn g25_a_refused_id_token_in_a_file_is_replaced_by_another() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let id_token = jwt(
        &json!({"alg": "RS256"}),
        &json!({"aud": "desk", "exp": LATE}),
    );
    fs::write(file.path(), id_token).expect("the file is written");
    for error in ["login_required", "interaction_required", "invalid_grant"] {
        let idp = provider(move |seen| {
            seen.parameter("subject_token")?;
            Some(Reply::json(400, &json!({"error": error})))
        });
        let fake = servers(|_, _| None);
        let home = Home::new();
        let refused = enterprise(&home, "token", &fake, &idp)
            .args(["--idp-client-id", "desk", "--id-token-file"])
            .arg(file.path())
            .run()
            .expect(3);
        let path = file.path().display().to_string();
        for words in [error, &format!("a new ID token of the person into {path}")] {
            assert!(refused.stderr.contains(words), "{}", refused.stderr);
        }
        let login = format!("mcp-login --issuer {} --scope", idp.origin());
        assert!(refused.stderr.contains(&login), "{}", refused.stderr);
        assert_hides(&refused.stderr, SIGNATURE);
        assert!(fake.seen_at("/token").is_empty());
    }
}

#[apply(test)]
fn g26_an_identity_assertion_for_something_else_is_not_sent() {
    for (member, value) in [
        ("aud", json!("https://other.example")),
        ("client_id", json!("other")),
        ("resource", json!("https://other.example/mcp")),
    ] {
        let idp = provider(move |seen| {
            let mut claims = json!({"aud": seen.parameter("audience"), "client_id": "robot",
                "resource": seen.parameter("resource")});
            seen.parameter("subject_token")?;
            claims[member] = value.clone();
            let jag = jwt(&json!({"typ": "oauth-id-jag+jwt"}), &claims);
            Some(Reply::json(
                200,
                &json!({"access_token": jag, "token_type": "N_A",
                "issued_token_type": "urn:ietf:params:oauth:token-type:id-jag"}),
            ))
        });
        let fake = servers(|_, _| None);
        let home = Home::new();
        log_in_at(&idp, home.path());
        let refused = enterprise(&home, "token", &fake, &idp)
            .arg("--json")
            .run()
            .expect(2);
        for words in [
            "assertion_unsuitable",
            "the operator of the identity provider",
        ] {
            assert!(
                refused.stderr.contains(words),
                "{member}: {}",
                refused.stderr
            );
        }
        assert_hides(&refused.stderr, SIGNATURE);
        assert!(fake.seen_at("/token").is_empty());
    }
}
