//! The clients that stand on the MCP SDK for Python, and get a login as their own: Hermes and FastMCP.
//!
//! Each is the real program, started with the files that a hand-over has written, and without any way to log in by itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{json, Value};

use super::bed::{hermes, python, script, Bed, Part};
use super::clients::answer;
use super::running::{Finished, Run};
use crate::support::fake::{Fake, Reply, Seen};
use crate::support::program::Program;
use crate::support::wait_for;

/// A protected MCP server that rotates refresh tokens; the access token of the login lives for `lifetime` seconds.
fn servers(lifetime: u64) -> Fake {
    let issued = Arc::new(Mutex::new(0));
    Fake::with(
        move |seen, fake| match (seen.method.as_str(), seen.path.as_str()) {
            ("POST", "/token") => Some(issue(
                &mut issued.lock().expect("a number"),
                lifetime,
                seen,
                fake,
            )),
            ("POST", "/mcp") => {
                let live = format!("Bearer access-{}", issued.lock().expect("a number"));
                (seen.header("authorization") == Some(&live)).then(|| answer(seen, "echoed"))
            }
            _ => None,
        },
    )
}

fn issue(issued: &mut u64, lifetime: u64, seen: &Seen, fake: &Fake) -> Reply {
    let mut answer = match seen.parameter("refresh_token") {
        None => match fake.behave(seen) {
            Reply::Full {
                status: 200, body, ..
            } => serde_json::from_slice(&body).expect("JSON"),
            refusal => return refusal,
        },
        Some(refresh) if refresh == format!("refresh-{issued}") => fake.tokens(*issued + 1, None),
        Some(_) => return Reply::json(400, &json!({"error": "invalid_grant"})),
    };
    *issued += 1;
    if *issued == 1 {
        answer["expires_in"] = lifetime.into();
    }
    Reply::json(200, &answer)
}

/// Logs in, hands the login over, and waits until the access token has expired, if it does soon.
fn give(bed: &Bed, fake: &Fake, args: &[&str]) {
    let login = Program::login(fake).at_home(bed.home()).agree().expect(0);
    let expires_at = login.event("logged_in")["expires_at"]
        .as_str()
        .expect("a time")
        .to_owned();
    let expires_at = chrono::DateTime::parse_from_rfc3339(&expires_at)
        .expect("a time")
        .timestamp();
    Program::new()
        .at_home(bed.home())
        .args(["handover", "--store", "file", &fake.mcp()])
        .args(args)
        .run()
        .expect(0);
    let now = || {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("a time")
            .as_secs() as i64
    };
    if expires_at < now() + 60 {
        wait_for("the end of the access token", || {
            (now() > expires_at).then_some(())
        });
    }
}

/// Starts a client and waits for its end; returns what it asked the servers for, too.
fn run(fake: &Fake, mut client: Command) -> (Finished, Vec<Seen>) {
    let before = fake.seen().len();
    for name in ["HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"] {
        client.env(name, fake.origin());
    }
    client
        .env("NO_PROXY", "127.0.0.1")
        .env("no_proxy", "127.0.0.1");
    let finished = Run::start(&mut client).finish().exits(0);
    let seen = fake.seen().split_off(before);
    assert!(
        seen.iter().all(|seen| seen.method != "CONNECT"),
        "nothing goes to another machine: {seen:#?}"
    );
    (finished, seen)
}

fn paths(seen: &[Seen]) -> Vec<&str> {
    seen.iter().map(|seen| seen.path.as_str()).collect()
}

/// Requires that the client refreshed the login once, with our client and resource, and then used the new token only.
fn prove_refresh(fake: &Fake, seen: &[Seen], said: &str) {
    let (refreshes, rest): (Vec<_>, Vec<_>) = seen.iter().partition(|seen| seen.path == "/token");
    assert_eq!(refreshes.len(), 1, "{said} {seen:#?}");
    for (name, value) in [
        ("grant_type", "refresh_token".to_owned()),
        ("refresh_token", "refresh-1".to_owned()),
        ("client_id", "client-1".to_owned()),
        ("resource", fake.mcp()),
    ] {
        assert_eq!(refreshes[0].parameter(name), Some(value), "{name}");
    }
    prove_calls(rest, "Bearer access-2", said);
}

fn prove_calls<'a>(seen: impl IntoIterator<Item = &'a Seen>, token: &str, said: &str) {
    let calls: Vec<_> = seen
        .into_iter()
        .filter(|seen| seen.path == "/mcp")
        .collect();
    assert!(
        calls.iter().any(|call| call.body.contains("tools/list")),
        "{said}"
    );
    assert!(
        calls
            .iter()
            .all(|call| call.header("authorization") == Some(token)),
        "{said} {calls:#?}"
    );
}

const TO_HERMES: [&str; 2] = ["--to", "hermes"];

/// Configures Hermes; the server's name is found there.
fn configure_hermes(bed: &Bed, fake: &Fake) {
    let config = format!(
        "mcp_servers:\n  x:\n    url: {}\n    auth: oauth\n",
        fake.mcp()
    );
    fs::create_dir(bed.path(".hermes")).expect("a home for Hermes");
    fs::write(bed.path(".hermes/config.yaml"), config).expect("a configuration");
}

/// Runs `hermes mcp test x`.
fn run_hermes(bed: &Bed, fake: &Fake) -> (Finished, Vec<Seen>) {
    let mut client = bed.command(hermes());
    client.args(["mcp", "test", "x"]);
    let (finished, seen) = run(fake, client);
    let said = format!("{}{}", finished.stdout, finished.stderr);
    assert!(
        said.contains("Connected") && said.contains("Tools discovered: 1"),
        "{said} {seen:#?}"
    );
    (finished, seen)
}

fn json_at(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("a file")).expect("JSON")
}

#[apply(test)]
fn hermes_uses_a_login_that_it_was_given() {
    let bed = Bed::with(&[Part::Hermes]);
    let fake = servers(3600);
    configure_hermes(&bed, &fake);
    give(&bed, &fake, &TO_HERMES);
    let (finished, seen) = run_hermes(&bed, &fake);
    assert!(
        paths(&seen).iter().all(|path| *path == "/mcp"),
        "all is known: {:?}",
        paths(&seen)
    );
    prove_calls(&seen, "Bearer access-1", &finished.stdout);
}

/// Hermes takes seconds to start, and starts twice.
#[apply(long_test)]
fn hermes_refreshes_a_login_that_it_was_given() {
    let bed = Bed::with(&[Part::Hermes]);
    let fake = servers(1);
    configure_hermes(&bed, &fake);
    give(&bed, &fake, &TO_HERMES);
    let (finished, seen) = run_hermes(&bed, &fake);
    prove_refresh(&fake, &seen, &finished.stdout);
    assert_eq!(paths(&seen)[0], "/token", "the metadata is known");
    let kept = json_at(&bed.path(".hermes/mcp-tokens/x.json"));
    assert_eq!(
        kept["refresh_token"], "refresh-2",
        "the login is Hermes' now"
    );
    let (finished, seen) = run_hermes(&bed, &fake);
    prove_calls(&seen, "Bearer access-2", &finished.stdout);
}

#[apply(test)]
fn hermes_finds_out_what_is_not_known_any_more() {
    let bed = Bed::with(&[Part::Hermes]);
    let fake = servers(1);
    configure_hermes(&bed, &fake);
    Program::login(&fake).at_home(bed.home()).agree().expect(0);
    fs::remove_dir_all(bed.path(".local/share/mcp-login/cache")).expect("a cache");
    let to = ["handover", "--store", "file", &fake.mcp()];
    Program::new()
        .at_home(bed.home())
        .args(to)
        .args(TO_HERMES)
        .run()
        .expect(0);
    let tokens = bed.path(".hermes/mcp-tokens/x.json");
    let mut expired = json_at(&tokens);
    expired["expires_at"] = 0.into();
    fs::write(&tokens, expired.to_string()).expect("the tokens");
    let (finished, seen) = run_hermes(&bed, &fake);
    assert!(
        paths(&seen).contains(&"/.well-known/oauth-authorization-server"),
        "{:?}",
        paths(&seen)
    );
    prove_refresh(&fake, &seen, &finished.stdout);
}

/// FastMCP takes seconds to start, and starts twice.
#[apply(long_test)]
fn fastmcp_uses_and_refreshes_a_login_that_it_was_given() {
    let bed = Bed::with(&[Part::FastMcp]);
    let given = |lifetime: u64| {
        let fake = servers(lifetime);
        let store = bed.path(&format!("store-{lifetime}"));
        let directory = store.display().to_string();
        give(
            &bed,
            &fake,
            &["--to", "fastmcp", "--fastmcp-dir", &directory],
        );
        (fake, store)
    };
    let (live, expired) = (given(3600), given(1));
    let run_client = |logins: &[&(Fake, PathBuf)]| {
        let mut client = bed.command(python());
        client.arg(script("fastmcp-client.py"));
        for (fake, store) in logins {
            client.arg(fake.mcp()).arg(store);
        }
        let before = expired.0.seen().len();
        let (finished, seen) = run(&live.0, client);
        let said = vec!["tools: echo"; logins.len()].join("\n");
        assert_eq!(finished.stdout, said, "{}", finished.stderr);
        (finished.stderr, seen, expired.0.seen().split_off(before))
    };
    let (said, used, refreshed) = run_client(&[&live, &expired]);
    prove_calls(&used, "Bearer access-1", &said);
    assert_eq!(
        paths(&refreshed)[0],
        "/token",
        "it takes the place of the token endpoint for granted"
    );
    prove_refresh(&expired.0, &refreshed, &said);
    let (said, _, used) = run_client(&[&expired]);
    prove_calls(&used, "Bearer access-2", &said);
}
