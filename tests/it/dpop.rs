//! Tokens that are bound to a key: `login --dpop`, and what sends the proofs.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::Engine as _;
use serde_json::{json, Value};
use sha2::{Digest as _, Sha256};

use crate::support::fake::{Fake, Reply, Seen};
use crate::support::jwt;
use crate::support::leaks::assert_hides;
use crate::support::program::{Finished, Program};
use crate::support::stdio_client::StdioClient;

fn hash(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(text))
}

/// Checks the proof in a request, and returns the thumbprint of its key and its claims.
#[track_caller]
pub fn proof(seen: &Seen, fake: &Fake) -> (String, Value) {
    let proof = seen.header("dpop").expect("a proof");
    let (header, _) = jwt::unverified(proof);
    let (header, claims) = jwt::verified(proof, &header["jwk"]);
    assert_eq!(header["typ"], "dpop+jwt");
    assert_eq!(claims["htm"], seen.method.as_str());
    assert_eq!(claims["htu"], format!("{}{}", fake.origin(), seen.path));
    let scheme = seen
        .header("authorization")
        .filter(|_| seen.path != "/token")
        .map(|it| it.split_once(' ').expect("a token"));
    match scheme {
        Some((scheme, token)) => {
            assert_eq!((scheme, &claims["ath"]), ("DPoP", &json!(hash(token))));
        }
        None => assert!(claims.get("ath").is_none()),
    }
    (hash(&header["jwk"].to_string()), claims)
}

/// What the servers want of each proof.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Nonce {
    /// Nothing more.
    None,
    /// The nonce of the last response; each response has another one.
    Newest,
    /// A nonce that nobody can know.
    Another,
}

/// Servers that bind tokens to keys, and their metadata says so.
pub fn servers(wanted: Nonce) -> Fake {
    let answers = Arc::new(AtomicUsize::new(0));
    Fake::with(move |seen, fake| {
        let reply = answer(seen, fake);
        let has_proof = seen.header("dpop").is_some();
        if !has_proof || wanted == Nonce::None {
            return reply;
        }
        let number = answers.fetch_add(1, Ordering::SeqCst);
        let (_, claims) = proof(seen, fake);
        let is_good = wanted == Nonce::Newest && claims["nonce"] == format!("nonce-{number}");
        let reply = match (is_good, seen.path.as_str()) {
            (true, _) => reply.unwrap_or_else(|| fake.behave(seen)),
            (false, "/token") => Reply::json(400, &json!({"error": "use_dpop_nonce"})),
            (false, _) => {
                Reply::status(401).with("WWW-Authenticate", "DPoP error=\"use_dpop_nonce\"")
            }
        };
        Some(reply.with("DPoP-Nonce", &format!("nonce-{}", number + 1)))
    })
}

pub fn answer(seen: &Seen, fake: &Fake) -> Option<Reply> {
    let bound = |number| {
        let mut tokens = fake.tokens(number, None);
        tokens["token_type"] = json!("DPoP");
        Some(Reply::json(200, &tokens))
    };
    match seen.path.as_str() {
        "/.well-known/oauth-authorization-server" => {
            let mut metadata = fake.server_metadata();
            metadata["dpop_signing_alg_values_supported"] = json!(["RS256", "ES256"]);
            Some(Reply::json(200, &metadata))
        }
        "/token" => {
            proof(seen, fake);
            let is_refresh = seen.parameter("grant_type").as_deref() == Some("refresh_token");
            bound(if is_refresh { 2 } else { 1 })
        }
        "/revoke" => Some(Reply::status(200)),
        "/mcp" if seen.header("authorization").is_some() && seen.method == "POST" => {
            proof(seen, fake);
            let message: Value = serde_json::from_str(&seen.body).expect("a message");
            let id = message.get("id")?;
            let result = match message["method"].as_str() {
                Some("initialize") => json!({
                    "protocolVersion": "2025-11-25", "capabilities": {"tools": {}},
                    "serverInfo": {"name": "fake", "version": "1"},
                }),
                _ => json!({"tools": [{"name": "echo", "inputSchema": {"type": "object"}}]}),
            };
            Some(Reply::json(
                200,
                &json!({"jsonrpc": "2.0", "id": id, "result": result}),
            ))
        }
        "/mcp" if seen.method == "POST" => {
            let metadata = format!("{}/.well-known/oauth-protected-resource/mcp", fake.origin());
            let challenge = format!("DPoP algs=\"ES256\", resource_metadata=\"{metadata}\"");
            Some(Reply::status(401).with("WWW-Authenticate", &challenge))
        }
        _ => None,
    }
}

fn log_in(fake: &Fake) -> Finished {
    Program::login(fake)
        .args(["--dpop", "-vv"])
        .agree()
        .expect(0)
}

/// Runs another command in the home of a finished one.
pub fn then(home: &Path, args: &[&str]) -> Finished {
    Program::new().at_home(home).args(args).run()
}

/// Returns the one error that a run printed as JSON on stderr.
pub fn error(finished: &Finished) -> Value {
    serde_json::from_str(&finished.stderr).expect("an error")
}

#[apply(test)]
fn dp1_each_request_of_a_login_has_a_proof_of_its_key() {
    let fake = servers(Nonce::None);
    let url = fake.mcp();
    let login = log_in(&fake);
    let home = login.home();
    let check = then(home, &["check", "-vv", "--json", &url]).expect(0);
    assert!(check.stdout.contains("\"proven\":true"), "{}", check.stdout);
    let refresh = then(home, &["refresh", "-vv", &url]).expect(0);
    let kept = login.kept(&url);
    assert_eq!(kept["token_type"], "DPoP");
    let key = kept["dpop_key"].as_str().expect("a key").to_owned();
    let again = then(home, &["check", "-vv", &url]).expect(0);
    let (mut keys, mut identifiers) = (BTreeSet::new(), BTreeSet::new());
    let with_proof: Vec<Seen> = fake.seen();
    let with_proof = with_proof
        .iter()
        .filter(|seen| seen.header("dpop").is_some());
    for seen in with_proof.clone() {
        let (thumbprint, claims) = proof(seen, &fake);
        keys.insert(thumbprint);
        identifiers.insert(claims["jti"].to_string());
    }
    assert_eq!(
        identifiers.len(),
        with_proof.count(),
        "no proof is used twice"
    );
    assert!(identifiers.len() >= 4);
    let asked = fake.seen_at("/authorize")[0].parameter("dpop_jkt");
    assert_eq!(
        keys,
        BTreeSet::from([asked.expect("a thumbprint")]),
        "one key"
    );
    for finished in [&login, &check, &refresh, &again] {
        for text in [&finished.stdout, &finished.stderr] {
            assert_hides(text, &key);
            assert!(
                !text.contains("dpop+jwt") && !text.contains("eyJ"),
                "{text}"
            );
        }
    }
}

#[apply(test)]
fn dp2_each_login_has_a_key_of_its_own() {
    let fake = servers(Nonce::None);
    let keys: BTreeSet<String> = (0..2)
        .map(|_| log_in(&fake).kept(&fake.mcp())["dpop_key"].to_string())
        .collect();
    assert_eq!(keys.len(), 2);
    let login = log_in(&fake);
    let home = login.home();
    then(home, &["logout", &fake.mcp()]).expect(0);
    let text = std::fs::read_to_string(login.credentials_path()).unwrap_or_default();
    assert!(!text.contains("dpop_key"), "it goes with the login");
}

#[apply(test)]
fn dp2_the_next_login_asks_for_bound_tokens_again() {
    let fake = servers(Nonce::None);
    let login = log_in(&fake);
    let args = [
        "--json",
        "--store",
        "file",
        "--no-browser",
        "--force",
        &fake.mcp(),
    ];
    let again = Program::new()
        .at_home(login.home())
        .args(args)
        .agree()
        .expect(0);
    assert_eq!(login.kept(&fake.mcp())["token_type"], "DPoP");
    drop(again);
}

#[apply(test)]
fn dp3_a_server_gets_the_nonce_that_it_wants() {
    let fake = servers(Nonce::Newest);
    let url = fake.mcp();
    let login = log_in(&fake);
    assert_eq!(fake.seen_at("/token").len(), 2, "once more with the nonce");
    then(login.home(), &["check", &url]).expect(0);
    then(login.home(), &["refresh", &url]).expect(0);
    assert_eq!(fake.seen_at("/token").len(), 4);
}

#[apply(test)]
fn dp3_a_server_that_wants_ever_another_nonce_gets_two_requests() {
    let fake = servers(Nonce::Another);
    let login = Program::login(&fake).args(["--dpop", "--client-id", "mine"]);
    login.agree().expect_error(3, "token_refused");
    assert_eq!(fake.seen_at("/token").len(), 2);
}

#[apply(test)]
fn dp4_what_cannot_send_proofs_gets_no_token() {
    let fake = servers(Nonce::None);
    let url = fake.mcp();
    let login = log_in(&fake);
    let home = login.home();
    for command in ["token", "headers"] {
        let finished = then(home, &[command, &url]).expect(2);
        assert_eq!(finished.stdout, "");
        for part in [
            "bound to a key (DPoP)",
            "mcp-login connect",
            "headers --dpop",
        ] {
            assert!(
                finished.stderr.contains(part),
                "{command}: {}",
                finished.stderr
            );
        }
    }
    let token = then(home, &["token", "--json", &url]).expect(0);
    assert!(
        token.stdout.contains("\"token_type\":\"DPoP\""),
        "{}",
        token.stdout
    );
    for client in ["hermes", "claude-code", "dotenv"] {
        let args = ["handover", "--json", "--to", client, &url];
        let finished = then(home, &args).expect_error(2, "handover_impossible");
        let hint = finished.event("error")["hint"].to_string();
        assert!(hint.contains("mcp-login connect"), "{hint}");
    }
    let any = then(home, &["handover", "--to", "any", &url]).expect(0);
    assert!(any.stdout.contains("connect"), "{}", any.stdout);
}

#[apply(test)]
fn dp5_headers_are_for_one_request_to_the_server() {
    let fake = servers(Nonce::None);
    let url = fake.mcp();
    let login = log_in(&fake);
    let home = login.home();
    let of = |args: &[&str]| then(home, &[&["headers", "--json", "--dpop"], args].concat());
    let request = ["--method", "POST", "--url", &url, "--dpop-nonce", "n-1"];
    let printed = of(&[&request[..], &[&url]].concat()).expect(0);
    let headers: Value = serde_json::from_str(&printed.stdout).expect("JSON");
    let header = |name: &str| {
        let value = headers[name].as_str().expect("a value").to_owned();
        (name.to_owned(), value)
    };
    let sent = Seen {
        connection: 0,
        method: "POST".to_owned(),
        path: "/mcp".to_owned(),
        query: String::new(),
        headers: vec![header("Authorization"), header("DPoP")],
        body: String::new(),
    };
    let (_, claims) = proof(&sent, &fake);
    assert_eq!(claims["nonce"], "n-1");
    // The server says that the token is invalid: another one is got first.
    let challenge = [
        "--challenge",
        "DPoP error=\"invalid_token\", algs=\"ES256\"",
    ];
    of(&[&request[..], &challenge, &[&url]].concat()).expect(0);
    assert_eq!(fake.seen_at("/token").len(), 2);
    let elsewhere = [
        "--method",
        "POST",
        "--url",
        "https://other.example/mcp",
        &url,
    ];
    assert_eq!(error(&of(&elsewhere).expect(2))["code"], "usage");
    of(&["--method", "POST", &url]).expect(2);
    of(&["--method", "PO\nST", "--url", &url, &url]).expect(2);
}

#[apply(test)]
fn dp5_a_login_without_a_key_needs_no_proofs() {
    let fake = Fake::start();
    let url = fake.mcp();
    let login = Program::login(&fake).agree().expect(0);
    let args = [
        "headers", "--json", "--dpop", "--method", "POST", "--url", &url, &url,
    ];
    assert_eq!(error(&then(login.home(), &args).expect(2))["code"], "usage");
    then(login.home(), &["headers", &url]).expect(0);
}

#[apply(test)]
fn dp6_a_server_that_ignores_proofs_is_named() {
    let fake = Fake::start();
    let login = Program::login(&fake).arg("--dpop").agree().expect(0);
    assert_eq!(login.event("warning")["code"], "dpop_ignored");
    let kept = login.kept(&fake.mcp());
    assert!(kept.get("dpop_key").is_none() && kept.get("token_type").is_none());
    then(login.home(), &["token", &fake.mcp()]).expect(0);
}

#[apply(test)]
fn dp6_a_server_without_our_algorithm_is_refused_before_the_browser_opens() {
    let fake = Fake::with(|seen, fake| {
        let is_metadata = seen.path == "/.well-known/oauth-authorization-server";
        is_metadata.then(|| {
            let mut metadata = fake.server_metadata();
            metadata["dpop_signing_alg_values_supported"] = json!(["RS256"]);
            Reply::json(200, &metadata)
        })
    });
    let login = Program::login(&fake).arg("--dpop").run();
    login.expect_error(2, "dpop_unsupported");
    assert!(fake.seen_at("/authorize").is_empty() && fake.seen_at("/register").is_empty());
}

#[apply(test)]
fn dp6_a_bound_token_that_was_not_asked_for_is_not_taken() {
    let fake = Fake::with(|seen, fake| {
        (seen.path == "/token").then(|| {
            let mut tokens = fake.tokens(1, None);
            tokens["token_type"] = json!("DPoP");
            Reply::json(200, &tokens)
        })
    });
    let login = Program::login(&fake).agree();
    login.expect_error(1, "token_response_unusable");
}

#[apply(test)]
fn dp7_the_bridge_sends_a_proof_with_each_request() {
    for wanted in [Nonce::None, Nonce::Newest] {
        let fake = servers(wanted);
        let login = log_in(&fake);
        let program = Program::new().at_home(login.home()).with_stdin();
        let program = program.args(["--store", "file", "connect", &fake.mcp()]);
        let mut client = StdioClient::legacy(program);
        let answer = client.request("tools/list", json!({}));
        assert_eq!(answer["result"]["tools"][0]["name"], "echo", "{answer}");
        client.finish().expect(0);
        let posts = fake.seen_at("/mcp").into_iter();
        let bound: Vec<Seen> = posts.filter(|seen| seen.header("dpop").is_some()).collect();
        let identifiers: BTreeSet<_> = bound
            .iter()
            .map(|seen| proof(seen, &fake).1["jti"].to_string())
            .collect();
        assert!(bound.len() >= 3 && identifiers.len() == bound.len());
    }
}

#[apply(test)]
fn dp7_a_command_is_told_that_its_token_needs_proofs() {
    let fake = servers(Nonce::None);
    let login = log_in(&fake);
    let args = [
        "exec",
        &fake.mcp(),
        "--",
        "sh",
        "-c",
        "echo $MCP_LOGIN_TOKEN_TYPE $MCP_LOGIN_BEARER",
    ];
    let finished = then(login.home(), &args).expect(0);
    assert_eq!(finished.stdout.trim(), "DPoP access-1");
    assert!(
        finished.stderr.contains("headers --dpop"),
        "{}",
        finished.stderr
    );
}

#[apply(test)]
fn dp1_dp3_a_login_without_a_person_is_bound_too() {
    let fake = servers(Nonce::Newest);
    let url = fake.mcp();
    let grant = ["--grant", "client-credentials", "--client-id", "mine"];
    let issuer = fake.origin();
    let login = Program::login(&fake)
        .args(grant)
        .args(["--issuer", &issuer]);
    let login = login
        .arg("--dpop")
        .env("MCP_LOGIN_CLIENT_SECRET", "s3cret-of-mine");
    let login = login.run().expect(0);
    let kept = login.kept(&url);
    assert_eq!(kept["token_type"], "DPoP");
    then(login.home(), &["check", &url]).expect(0);
    then(login.home(), &["refresh", &url]).expect(0);
    let keys: BTreeSet<String> = fake
        .seen_at("/token")
        .iter()
        .map(|seen| proof(seen, &fake).0)
        .collect();
    assert_eq!(keys.len(), 1, "one key");
}

/// The first poll comes after the interval of a second.
#[apply(waiting_test)]
fn dp1_a_login_with_a_device_code_is_bound_too() {
    let fake = Fake::with(|seen, fake| match seen.path.as_str() {
        "/.well-known/oauth-authorization-server" => {
            let mut metadata = fake.server_metadata();
            metadata["device_authorization_endpoint"] = json!(format!("{}/code", fake.origin()));
            Some(Reply::json(200, &metadata))
        }
        "/code" => {
            let page = format!("{}/device", fake.origin());
            let device = json!({"device_code": "d3vice", "user_code": "ABCD", "verification_uri": page, "interval": 1, "expires_in": 60});
            Some(Reply::json(200, &device))
        }
        _ => answer(seen, fake),
    });
    let login = Program::login(&fake).args(["--device", "--dpop"]).run();
    let kept = login.expect(0).kept(&fake.mcp());
    assert_eq!(kept["token_type"], "DPoP");
    assert!(fake.seen_at("/token")[0].header("dpop").is_some());
}
