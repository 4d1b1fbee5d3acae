//! Tokens that are bound to a key: for one run without a stored login, and where a server takes no others.

use std::collections::BTreeSet;

use serde_json::{json, Value};

use crate::dpop::{answer, error, proof, servers, then, Nonce};
use crate::support::fake::{Fake, Reply, Seen};
use crate::support::program::Program;
use crate::support::stdio_client::StdioClient;

/// Prepares a command whose client requests tokens for this run.
fn command(home: &tempfile::TempDir, name: &str, fake: &Fake) -> Program {
    let program = Program::new()
        .at_home(home.path())
        .args(["--store", "file", name]);
    program
        .args(["--grant", "client-credentials", "--client-id", "mine"])
        .args(["--issuer", &fake.origin()])
        .env("MCP_LOGIN_CLIENT_SECRET", "s3cret-of-mine")
        .arg(fake.mcp())
}

fn home() -> tempfile::TempDir {
    tempfile::tempdir().expect("a directory")
}

/// Returns the thumbprints of the keys in all proofs, of which none is there twice.
fn keys(fake: &Fake) -> BTreeSet<String> {
    let seen = fake.seen().into_iter();
    let proofs: Vec<_> = seen
        .filter(|seen| seen.header("dpop").is_some())
        .map(|seen| proof(&seen, fake))
        .collect();
    let identifiers: BTreeSet<_> = proofs
        .iter()
        .map(|(_, claims)| claims["jti"].to_string())
        .collect();
    assert!(proofs.len() >= 2 && identifiers.len() == proofs.len());
    proofs.into_iter().map(|(key, _)| key).collect()
}

#[apply(test)]
fn dp8_a_run_without_a_stored_login_has_a_key_of_its_own() {
    for wanted in [Nonce::None, Nonce::Newest] {
        let (fake, home) = (servers(wanted), home());
        let check = command(&home, "check", &fake)
            .args(["--dpop", "--json"])
            .run()
            .expect(0);
        assert!(check.stdout.contains("\"proven\":true"), "{}", check.stdout);
        assert_eq!(keys(&fake).len(), 1, "one key for the run");
        let program = command(&home, "connect", &fake).arg("--dpop").with_stdin();
        let mut client = StdioClient::legacy(program);
        let answer = client.request("tools/list", json!({}));
        assert_eq!(answer["result"]["tools"][0]["name"], "echo", "{answer}");
        client.finish().expect(0);
        assert_eq!(keys(&fake).len(), 2, "another key for another run");
        assert!(!home
            .path()
            .join(".local/share/mcp-login/credentials.json")
            .exists());
    }
}

#[apply(test)]
fn dp8_headers_of_a_run_without_a_stored_login() {
    let (fake, home) = (servers(Nonce::None), home());
    let request = ["--dpop", "--method", "POST", "--url", &fake.mcp()];
    let printed = command(&home, "headers", &fake)
        .args(request)
        .run()
        .expect(0);
    let headers: Value = serde_json::from_str(&printed.stdout).expect("JSON");
    assert_eq!(headers["Authorization"], "DPoP access-1");
    let sent = Seen {
        connection: 0,
        method: "POST".to_owned(),
        path: "/mcp".to_owned(),
        query: String::new(),
        headers: ["Authorization", "DPoP"]
            .map(|name| {
                (
                    name.to_owned(),
                    headers[name].as_str().expect("a value").to_owned(),
                )
            })
            .to_vec(),
        body: String::new(),
    };
    let (key, _) = proof(&sent, &fake);
    assert_eq!(proof(&fake.seen_at("/token")[0], &fake).0, key);
}

#[apply(test)]
fn dp8_what_cannot_send_proofs_refuses_before_anything_is_sent() {
    let fake = servers(Nonce::None);
    for (name, args) in [
        ("token", &["--dpop", "--json"][..]),
        ("exec", &["--dpop", "--json", "--", "true"]),
        ("headers", &["--dpop", "--json"]),
        ("headers", &["--dpop", "--json", "--method", "POST"]),
    ] {
        let finished = command(&home(), name, &fake).args(args).run().expect(2);
        let error = finished.stderr.to_string();
        assert!(error.contains("--dpop"), "{error}");
    }
    for name in ["check", "connect"] {
        let finished = then(home().path(), &[name, "--json", "--dpop", &fake.mcp()]).expect(2);
        let said = format!("{}{}", finished.stdout, finished.stderr);
        assert!(said.contains("with --grant"), "{said}");
    }
    assert!(fake.seen().is_empty());
}

/// Servers whose metadata says that the MCP server takes only bound tokens.
fn strict_servers() -> Fake {
    Fake::with(|seen, fake| {
        let is_resource = seen
            .path
            .starts_with("/.well-known/oauth-protected-resource");
        if is_resource {
            let mut metadata = fake.resource_metadata();
            metadata["dpop_bound_access_tokens_required"] = json!(true);
            return Some(Reply::json(200, &metadata));
        }
        answer(seen, fake)
    })
}

#[apply(test)]
fn dp9_metadata_that_requires_bound_tokens_leads_to_the_command() {
    let fake = strict_servers();
    let url = fake.mcp();
    for (args, command) in [
        (&[][..], format!("mcp-login --dpop {url} --store file")),
        (
            &["--device"],
            format!("mcp-login --device --dpop {url} --store file"),
        ),
        (
            &["--profile", "work"],
            format!("mcp-login --profile work --dpop {url} --store file"),
        ),
    ] {
        let login = Program::login(&fake).args(args).run();
        let login = login.expect_error(2, "dpop_required");
        let hint = login.event("error")["hint"].to_string();
        assert!(hint.contains(&command), "{hint}");
    }
    assert!(fake.seen_at("/authorize").is_empty() && fake.seen_at("/register").is_empty());
    let refused = command(&home(), "check", &fake)
        .arg("--json")
        .run()
        .expect(2);
    assert!(refused.stdout.contains("add --dpop"), "{}", refused.stdout);
    assert!(fake.seen_at("/token").is_empty());
    command(&home(), "check", &fake)
        .arg("--dpop")
        .run()
        .expect(0);
    let login = Program::login(&fake).arg("--dpop").agree().expect(0);
    then(login.home(), &["check", &url]).expect(0);
}

/// Servers that take any token request but one without a proof, which they refuse in these words.
fn refusing(words: &'static str) -> Fake {
    Fake::with(move |seen, _| {
        let is_refused = seen.path == "/token" && seen.header("dpop").is_none();
        let refusal = Reply::json(400, &json!({"error": words})).with("DPoP-Nonce", "n-1");
        is_refused.then_some(refusal)
    })
}

#[apply(test)]
fn dp9_a_token_endpoint_that_wants_proofs_leads_to_the_command() {
    for words in ["use_dpop_nonce", "invalid_dpop_proof"] {
        let fake = refusing(words);
        let command = format!("mcp-login --dpop {} --store file", fake.mcp());
        let login = Program::login(&fake)
            .agree()
            .expect_error(3, "token_refused");
        let hint = login.event("error")["hint"].to_string();
        assert!(hint.contains(&command), "{hint}");
        assert_eq!(fake.seen_at("/token").len(), 1, "one request");
        let refused = self::command(&home(), "token", &fake)
            .arg("--json")
            .run()
            .expect(3);
        let refused = error(&refused);
        assert!(
            refused["hint"].to_string().contains("add --dpop"),
            "{refused}"
        );
        let login = self::command(&home(), "login", &fake)
            .arg("--json")
            .run()
            .expect(3);
        let hint = login.event("error")["hint"].to_string();
        assert!(hint.contains("add --dpop"), "{hint}");
    }
}

#[apply(test)]
fn dp9_a_refresh_that_wants_proofs_leads_to_the_command() {
    let fake = Fake::with(|seen, _| {
        let is_refresh = seen.parameter("grant_type").as_deref() == Some("refresh_token");
        is_refresh.then(|| Reply::json(400, &json!({"error": "invalid_dpop_proof"})))
    });
    let login = Program::login(&fake).agree().expect(0);
    let url = fake.mcp();
    let refused = then(login.home(), &["token", "--json", "--refresh", &url]).expect(3);
    let hint = error(&refused)["hint"].to_string();
    assert!(hint.contains(&format!("mcp-login --dpop {url}")), "{hint}");
}

#[apply(test)]
fn dp9_a_server_that_wants_bound_tokens_leads_to_the_command() {
    let fake = Fake::with(|seen, _| {
        let refusal = "DPoP error=\"invalid_token\", algs=\"ES256\"";
        let is_request = seen.path == "/mcp" && seen.header("authorization").is_some();
        is_request.then(|| Reply::status(401).with("WWW-Authenticate", refusal))
    });
    let login = Program::login(&fake).agree().expect(0);
    let url = fake.mcp();
    let refused = then(login.home(), &["check", "--json", &url]).expect(3);
    let error = refused.event("error");
    assert!(
        error["message"].to_string().contains("bound to a key"),
        "{error}"
    );
    let command = format!("mcp-login --force --dpop {url}");
    assert!(error["hint"].to_string().contains(&command), "{error}");
}

/// Asks through the bridge, and returns its error.
fn bridged(program: Program) -> Value {
    let mut client = StdioClient::start(program.with_stdin());
    let answer = client.initialize(json!({}));
    client.finish().expect(0);
    answer["error"].clone()
}

/// A client of the bridge is told the command as well: a refresh would not help, and none is made.
#[apply(test)]
fn dp9_the_bridge_to_a_server_that_wants_bound_tokens_names_the_command() {
    let fake = Fake::with(|seen, fake| {
        let is_bearer = |it: &str| it.starts_with("Bearer ");
        let refusal = "DPoP error=\"invalid_token\", algs=\"ES256\"";
        match (seen.path.as_str(), seen.header("authorization")) {
            ("/mcp", Some(it)) if is_bearer(it) => {
                Some(Reply::status(401).with("WWW-Authenticate", refusal))
            }
            ("/token", _) if seen.header("dpop").is_none() => {
                Some(Reply::json(200, &fake.tokens(7, None)))
            }
            _ => answer(seen, fake),
        }
    });
    let url = fake.mcp();
    let connect = |home: &std::path::Path| {
        let program = Program::new().at_home(home);
        program.args(["connect", "--store", "file", &url])
    };
    let nowhere = home();
    let unknown = bridged(connect(nowhere.path()));
    let hint = unknown["data"]["hint"].as_str().expect("a hint").to_owned();
    let command = format!("mcp-login --dpop {url} --store file");
    assert!(hint.contains(&command), "{unknown}");

    let login = Program::login(&fake).agree().expect(0);
    let before = fake.seen_at("/token").len();
    let refused = bridged(connect(login.home()));
    let hint = refused["data"]["hint"].as_str().expect("a hint").to_owned();
    let command = format!("mcp-login --force --dpop {url} --store file");
    let message = refused["message"].as_str().expect("a message");
    assert!(hint.contains(&command), "{refused}");
    assert!(message.contains("bound to a key") && message.contains(&command));
    assert_eq!(fake.seen_at("/token").len(), before, "no refresh");

    // The same bridge goes on with the login that it asked for.
    let mut client = StdioClient::start(connect(login.home()).with_stdin());
    assert!(client.initialize(json!({}))["error"].is_object());
    let again = Program::login(&fake).at_home(login.home());
    again.args(["--force", "--dpop"]).agree().expect(0);
    let answered = client.initialize(json!({}));
    assert_eq!(
        answered["result"]["serverInfo"]["name"], "fake",
        "{answered}"
    );
    client.finish().expect(0);
}

#[apply(test)]
fn dp9_a_run_without_a_stored_login_is_told_to_add_the_option() {
    let fake = Fake::with(|seen, fake| match seen.path.as_str() {
        "/token" => Some(Reply::json(200, &fake.tokens(7, None))),
        "/mcp" => Some(Reply::status(401).with("WWW-Authenticate", "DPoP algs=\"ES256\"")),
        _ => answer(seen, fake),
    });
    let refused = bridged(command(&home(), "connect", &fake));
    assert!(refused.to_string().contains("add --dpop"), "{refused}");
    let check = command(&home(), "check", &fake).arg("--json").run();
    let check = check.expect(2);
    assert!(check.stdout.contains("add --dpop"), "{}", check.stdout);
}
