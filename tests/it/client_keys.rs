//! A client that authenticates by its private key: `private_key_jwt`.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use serde_json::{json, Value};

use crate::support::fake::{Fake, Reply, Seen};
use crate::support::jwt;
use crate::support::leaks::assert_hides;
use crate::support::program::{Finished, Program};

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Servers that know the client `mine` by the P-256 key of the tests, and no other one.
fn servers() -> Fake {
    Fake::with(answer)
}

fn answer(seen: &Seen, fake: &Fake) -> Option<Reply> {
    match seen.path.as_str() {
        "/.well-known/oauth-authorization-server" => {
            let mut metadata = fake.server_metadata();
            metadata["token_endpoint_auth_methods_supported"] = json!(["private_key_jwt"]);
            metadata["token_endpoint_auth_signing_alg_values_supported"] =
                json!(["RS256", "ES256"]);
            Some(Reply::json(200, &metadata))
        }
        "/token" if seen.parameter("grant_type").as_deref() == Some("refresh_token") => {
            claims(seen);
            Some(Reply::json(200, &fake.tokens(9, None)))
        }
        "/token" if seen.parameter("grant_type").as_deref() == Some("client_credentials") => {
            claims(seen);
            Some(Reply::json(200, &fake.tokens(1, None)))
        }
        "/token" => {
            claims(seen);
            None
        }
        "/revoke" => {
            claims(seen);
            Some(Reply::status(200))
        }
        _ => None,
    }
}

/// Returns the header and the claims of the assertion in a request, which holds no other proof of the client.
#[track_caller]
fn claims(seen: &Seen) -> (Value, Value) {
    assert_eq!(seen.header("authorization"), None);
    assert_eq!(seen.parameter("client_secret"), None);
    let kind = seen.parameter("client_assertion_type");
    assert_eq!(kind.as_deref(), Some(ASSERTION_TYPE));
    let assertion = seen.parameter("client_assertion").expect("an assertion");
    let key: Value = serde_json::from_str(jwt::key("p256.jwk")).expect("a JWK");
    let (header, claims) = jwt::verified(&assertion, &key);
    assert_eq!(
        (&claims["iss"], &claims["sub"]),
        (&json!("mine"), &json!("mine"))
    );
    let lifetime = claims["exp"].as_i64().zip(claims["iat"].as_i64());
    assert_eq!(lifetime.map(|(end, start)| end - start), Some(60));
    (header, claims)
}

/// Writes a key of the tests into the home of a run, and returns its path.
fn write(home: &Path, name: &str) -> PathBuf {
    let path = home.join("client.key");
    fs::write(&path, jwt::key(name)).expect("writing");
    fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("a mode");
    path
}

/// Prepares a login with a key of the tests.
fn login(fake: &Fake, key: &str) -> Program {
    let login = Program::login(fake);
    let path = write(login.home(), key);
    login
        .args(["--client-id", "mine", "--client-key-file"])
        .arg(path)
}

/// Runs another command in the home of a finished one.
fn then(home: &Path, args: &[&str]) -> Finished {
    Program::new().at_home(home).args(args).run()
}

#[apply(test)]
fn ck3_ck4_the_key_proves_the_client_at_each_request() {
    let fake = servers();
    let login = login(&fake, "p256.pkcs8").arg("-vv").agree().expect(0);
    let kept = login.kept(&fake.mcp());
    assert_eq!(kept["client_auth"], "private_key_jwt");
    let path = login.home().join("client.key");
    assert_eq!(kept["client_key"]["file"], json!(path));
    let url = fake.mcp();
    let token = then(login.home(), &["token", "--refresh", "-vv", &url]).expect(0);
    assert_eq!(token.stdout, "access-9");
    let logout = then(login.home(), &["logout", "-vv", &url]).expect(0);
    let requests: Vec<Seen> = [fake.seen_at("/token"), fake.seen_at("/revoke")].concat();
    assert_eq!(requests.len(), 4);
    let mut identifiers = BTreeSet::new();
    for seen in &requests {
        let (header, claims) = claims(seen);
        assert_eq!(
            header,
            json!({"typ": "client-authentication+jwt", "alg": "ES256"})
        );
        assert_eq!(claims["aud"], json!(fake.origin()));
        identifiers.insert(claims["jti"].to_string());
    }
    assert_eq!(identifiers.len(), 4, "each request has its own assertion");
    let printed: String = [login, token, logout]
        .iter()
        .flat_map(|it| [it.stdout.as_str(), it.stderr.as_str()])
        .collect();
    for line in jwt::key("p256.pkcs8")
        .lines()
        .filter(|line| !line.starts_with('-'))
    {
        assert_hides(&printed, line);
    }
    for seen in &requests {
        assert_hides(
            &printed,
            &seen.parameter("client_assertion").expect("an assertion"),
        );
    }
}

#[apply(test)]
fn ck2_a_key_that_cannot_be_used_is_refused_before_anything_is_sent() {
    for (key, reason, hint) in [
        (
            "p256.encrypted",
            "the key is encrypted",
            "openssl pkey -in ",
        ),
        ("p256.nopub.pkcs8", "its public key", "openssl ec -in "),
        ("ssh", "format of OpenSSH", "ssh-keygen -p -m PKCS8 "),
        ("p521.pkcs8", "P-521", "openssl genpkey "),
        (
            "rsa1024.pkcs8",
            "shorter than 2048 bits",
            "openssl genpkey ",
        ),
        ("p256.pub", "no private key", "PKCS#8"),
    ] {
        let fake = servers();
        let finished = login(&fake, key)
            .run()
            .expect_error(2, "client_key_unusable");
        let error = finished.event("error");
        let said = |member: &str| error[member].as_str().unwrap_or_default().to_owned();
        assert!(said("message").contains(reason), "{error}");
        assert!(said("hint").contains(hint), "{error}");
        assert!(fake.seen().is_empty());
    }
}

#[apply(test)]
fn ck1_a_key_without_an_algorithm_of_the_server_is_refused() {
    let fake = servers();
    let finished = login(&fake, "p384.pkcs8").run();
    let finished = finished.expect_error(2, "client_key_unusable");
    let message = finished.event("error")["message"].to_string();
    assert!(
        message
            .contains("signs with ES384, and the authorization server accepts only RS256, ES256"),
        "{message}"
    );
    assert!(fake.seen_at("/authorize").is_empty() && fake.seen_at("/token").is_empty());
}

#[apply(test)]
fn ck5_another_audience_is_only_for_an_authorization_server_that_the_user_names() {
    for (args, expected) in [
        (&["--client-key-audience", "token-endpoint"][..], "/token"),
        (&["--client-key-typ", "JWT"], ""),
    ] {
        let fake = servers();
        let issuer = fake.origin();
        let login = login(&fake, "p256.sec1")
            .args(args)
            .args(["--issuer", &issuer]);
        login.args(["--client-key-id", "my key"]).agree().expect(0);
        let (header, claims) = claims(&fake.seen_at("/token")[0]);
        let typ = match expected {
            "" => "JWT",
            _ => "client-authentication+jwt",
        };
        assert_eq!(header, json!({"typ": typ, "alg": "ES256", "kid": "my key"}));
        assert_eq!(claims["aud"], json!(format!("{issuer}{expected}")));
    }
    let fake = servers();
    let login = login(&fake, "p256.sec1").args(["--client-key-audience", "token-endpoint"]);
    login.run().expect_error(2, "usage");
    assert!(fake.seen().is_empty());
}

#[apply(test)]
fn ck6_the_key_stays_in_its_file_but_for_one_from_a_pipe() {
    let fake = servers();
    let url = fake.mcp();
    // A shell gives a here-document of this size through a pipe.
    let document = format!("3<<'END'\n{}\nEND", jwt::key("p256.jwk"));
    let login = Program::login(&fake).through_shell("", &document);
    let login = login.args(["--client-id", "mine", "--client-key-file", "/dev/fd/3"]);
    let login = login.agree().expect(0);
    assert!(login.kept(&url)["client_key"]["key"].is_string());
    then(login.home(), &["token", "--refresh", &url]).expect(0);
    let (header, _) = claims(&fake.seen_at("/token")[1]);
    assert_eq!(header["kid"], "key-1");
}

#[apply(test)]
fn ck6_a_key_file_is_read_anew_and_without_it_nothing_is_spent() {
    let fake = servers();
    let url = fake.mcp();
    let login = login(&fake, "p256.pkcs8").agree().expect(0);
    let path = login.home().join("client.key");
    fs::remove_file(&path).expect("removing");
    let args = ["token", "--refresh", "--json", &url];
    let failed = then(login.home(), &args).expect(2);
    let error: Value = serde_json::from_str(&failed.stderr).expect("an error");
    assert_eq!(error["code"], "client_key_unusable");
    assert_eq!(fake.seen_at("/token").len(), 1, "nothing was sent");
    // The same key in another form, which other users could read.
    write(login.home(), "p256.sec1");
    fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("a mode");
    let token = then(login.home(), &["token", "--refresh", &url]).expect(0);
    assert_eq!(token.stdout, "access-9");
    assert!(token.stderr.contains("chmod 600"), "{}", token.stderr);
    // A name of the file from here, and the one that is stored, are those of one file.
    let relative = Program::login(&fake)
        .at_home(login.home())
        .through_shell("cd \"$HOME\" &&", "")
        .args(["--force", "--client-id", "mine"])
        .args(["--client-key-file", "client.key"])
        .agree()
        .expect(0);
    let warnings = relative.stdout.matches("chmod 600").count();
    assert_eq!(warnings, 1, "{}", relative.stdout);
    then(login.home(), &["logout", &url]).expect(0);
    assert!(path.exists(), "the file is not ours");
}

#[apply(test)]
fn ck4_an_assertion_is_never_sent_twice() {
    let was_busy = Arc::new(AtomicBool::new(false));
    let fake = Fake::with(move |seen, fake| {
        let is_first = seen.path == "/token" && !was_busy.swap(true, Ordering::SeqCst);
        let busy = || Reply::status(503).with("Retry-After", "0");
        is_first.then(busy).or_else(|| answer(seen, fake))
    });
    login(&fake, "p256.pkcs8").agree().expect(0);
    let sent = fake.seen_at("/token");
    let identifiers: Vec<_> = sent
        .iter()
        .map(|seen| claims(seen).1["jti"].clone())
        .collect();
    assert_eq!(identifiers.len(), 2);
    assert_ne!(identifiers[0], identifiers[1]);
}

#[apply(test)]
fn ck4_words_of_the_server_that_quote_the_assertion_are_dropped() {
    let fake = Fake::with(|seen, fake| match seen.path.as_str() {
        "/token" => {
            let assertion = seen.parameter("client_assertion").expect("an assertion");
            let words =
                json!({"error": "invalid_client", "error_description": format!("bad {assertion}")});
            Some(Reply::json(401, &words))
        }
        _ => answer(seen, fake),
    });
    let finished = login(&fake, "p256.pkcs8").arg("-vv").agree();
    let finished = finished.expect_error(3, "invalid_client");
    let sent = fake.seen_at("/token");
    assert_eq!(sent.len(), 1, "no other form is tried");
    let assertion = sent[0].parameter("client_assertion").expect("an assertion");
    assert_hides(&finished.stdout, &assertion);
    assert_hides(&finished.stderr, &assertion);
}

#[apply(test)]
fn e8_a_refused_signature_is_explained_by_a_clock_that_is_wrong() {
    let grant = ["--grant", "client-credentials", "--client-id", "mine"];
    for (date, is_signed, said) in [
        ("Sun, 06 Nov 1994 08:49:37 GMT", true, Some("ahead of")),
        ("Wed, 02 Jan 2999 03:04:05 GMT", true, Some("behind")),
        ("Wed, 02 Jan 2999 03:04:05 GMT", false, None),
        ("not a date", true, None),
    ] {
        let fake = Fake::with(move |seen, fake| match seen.path.as_str() {
            "/token" => {
                let refused = Reply::json(401, &json!({"error": "invalid_client"}));
                Some(refused.with("Date", date))
            }
            _ => answer(seen, fake),
        });
        let home = tempfile::tempdir().expect("a directory");
        let program = Program::new().at_home(home.path()).arg("token").args(grant);
        let program = program.args(["--issuer", &fake.origin(), &fake.mcp()]);
        let program = match is_signed {
            true => program
                .arg("--client-key-file")
                .arg(write(home.path(), "p256.pkcs8")),
            false => program.env("MCP_LOGIN_CLIENT_SECRET", "c4nary-secret"),
        };
        let finished = program.run().expect(3);
        let told = finished.stderr.as_str();
        assert_eq!(
            told.contains("the clock of this computer"),
            said.is_some(),
            "{told}"
        );
        assert!(said.is_none_or(|said| told.contains(said)), "{told}");
        assert_eq!(fake.seen_at("/token").len(), 1);
    }
}

#[apply(test)]
fn ck7_a_login_that_signs_with_a_key_is_not_moved_to_a_client() {
    let fake = servers();
    let login = login(&fake, "p256.pkcs8").agree().expect(0);
    let args = [
        "handover",
        "--json",
        "--to",
        "hermes",
        "--mode",
        "move",
        &fake.mcp(),
    ];
    let finished = then(login.home(), &args).expect_error(2, "handover_impossible");
    let message = finished.event("error")["message"].to_string();
    assert!(message.contains("private key"), "{message}");
}

/// Returns a text in base64, as variables of one line hold files.
fn in_base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

#[apply(test)]
fn ck8_the_key_may_be_in_a_variable_that_no_child_inherits() {
    for key in ["p256.pkcs8", "p256.sec1", "p256.jwk"] {
        let text = jwt::key(key);
        for value in [
            text.to_owned(),
            text.trim().replace('\n', "\\n"),
            text.trim().replace('\n', " "),
            in_base64(text),
        ] {
            let fake = servers();
            let url = fake.mcp();
            let issuer = fake.origin();
            let home = tempfile::tempdir().expect("a directory");
            let exec = Program::new().at_home(home.path());
            let exec = exec.args([
                "exec",
                "--grant",
                "client-credentials",
                "--client-id",
                "mine",
            ]);
            let exec = exec.args(["--issuer", &issuer, "-vv", &url, "--", "env"]);
            let exec = exec.env("MCP_LOGIN_CLIENT_KEY", &value).run().expect(0);
            assert!(exec.stdout.contains("MCP_LOGIN_BEARER=access-1"));
            claims(&fake.seen_at("/token")[0]);
            let is_of_key = |line: &&str| line.len() > 20 && !line.starts_with('-');
            for line in text.lines().filter(is_of_key).chain([value.as_str()]) {
                assert_hides(&exec.stdout, line);
                assert_hides(&exec.stderr, line);
            }
            assert!(!exec.stdout.contains("MCP_LOGIN_CLIENT_KEY"));
        }
    }
}

#[apply(test)]
fn ck8_a_key_from_a_variable_is_stored_with_the_login_and_a_new_one_makes_it_anew() {
    let fake = servers();
    let (url, issuer) = (fake.mcp(), fake.origin());
    let options = ["--client-id", "mine", "--issuer", &issuer];
    let login = Program::login(&fake)
        .args(["--grant", "client-credentials"])
        .args(options);
    let login = login.env("MCP_LOGIN_CLIENT_KEY", jwt::key("p256.pkcs8"));
    let login = login.run().expect(0);
    let kept = login.kept(&url);
    assert_eq!(kept["client_auth"], "private_key_jwt");
    assert!(kept["client_key"]["file"].is_null() && kept["client_key"]["key"].is_string());
    then(login.home(), &["token", "--refresh", &url]).expect(0);
    assert_eq!(fake.seen_at("/token").len(), 2);
    let again = |key: &str| {
        let program = Program::new()
            .at_home(login.home())
            .args(["--store", "file", "token"]);
        let program = program
            .args(["--grant", "client-credentials"])
            .args(options);
        program
            .env("MCP_LOGIN_CLIENT_KEY", key)
            .arg(&url)
            .run()
            .expect(0);
        fake.seen_at("/token").len()
    };
    assert_eq!(again(jwt::key("p256.pkcs8")), 2, "the stored token");
    assert_eq!(
        again(jwt::key("p256.jwk")),
        3,
        "another key may be another client"
    );
}

#[apply(test)]
fn ck8_a_variable_that_holds_no_key_is_named() {
    for (value, reason) in [
        (
            jwt::key("p256.encrypted").to_owned(),
            "the key is encrypted",
        ),
        (jwt::key("p256.pub").to_owned(), "no private key"),
        ("s3cret-that-is-no-key".to_owned(), "neither PEM nor a JWK"),
        (
            "-----BEGIN PRIVATE KEY-----".to_owned(),
            "MCP_LOGIN_CLIENT_KEY",
        ),
        (
            in_base64("-----BEGIN PRIVATE KEY-----\n"),
            "MCP_LOGIN_CLIENT_KEY",
        ),
    ] {
        let fake = servers();
        let login = Program::login(&fake).args(["--client-id", "mine"]);
        let finished = login.env("MCP_LOGIN_CLIENT_KEY", &value).run();
        let finished = finished.expect_error(2, "client_key_unusable");
        let error = finished.event("error").to_string();
        assert!(
            error.contains(reason) && error.contains("in MCP_LOGIN_CLIENT_KEY"),
            "{error}"
        );
        assert!(!error.contains("s3cret") && fake.seen().is_empty());
    }
}

#[apply(test)]
fn ck8_a_key_is_no_argument_and_what_is_said_of_one_needs_one() {
    for (args, name) in [
        (
            ["--client-key", "-----BEGIN PRIVATE KEY-----"],
            "MCP_LOGIN_CLIENT_KEY",
        ),
        (["--client-key-id", "k"], "--client-key-id"),
        (["--client-key-alg", "ES256"], "--client-key-alg"),
    ] {
        let fake = servers();
        let login = Program::login(&fake)
            .args(["--client-id", "mine"])
            .args(args);
        let finished = login.run().expect_error(2, "usage");
        let error = finished.event("error").to_string();
        assert!(error.contains(name) && !error.contains("BEGIN"), "{error}");
        assert!(fake.seen().is_empty());
    }
    // A key without a client is of no use, as a client secret is.
    let fake = Fake::start();
    let login = Program::login(&fake).env("MCP_LOGIN_CLIENT_KEY", jwt::key("p256.pkcs8"));
    let login = login.agree().expect(0);
    assert_eq!(
        login.kept(&fake.mcp())["client_key"],
        Value::Null,
        "no client is named"
    );
}
