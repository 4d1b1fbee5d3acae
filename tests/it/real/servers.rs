//! Logins at oidc-provider with a real browser, at FastMCP and at the demo server of the MCP TypeScript SDK.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;

use super::bed::{Bed, Part};
use super::running::{Finished, Run, Server};
use crate::support::repeat;

/// Logs in with this browser into the file store.
pub fn login(bed: &Bed, server: &Server, browser: &Path) -> Finished {
    let mut command = bed.program();
    command
        .args([
            "--timeout",
            "180s",
            "--store",
            &bed.file_store(),
            &server.url,
        ])
        .env("BROWSER", browser);
    Run::start(&mut command).finish()
}

/// Runs one of the other commands with the file store, until it is done.
pub fn ask(bed: &Bed, server: &Server, words: &[&str]) -> Finished {
    repeat("a command that waits for a token", || {
        let mut command = bed.command(env!("CARGO_BIN_EXE_mcp-login"));
        command
            .arg(words[0])
            .args(bed.options())
            .args(["--store", &bed.file_store()])
            .args(&words[1..])
            .arg(&server.url);
        let finished = Run::start(&mut command).finish();
        (!finished.has_given_up()).then_some(finished)
    })
}

/// Requires that no secret of the credentials file stands in what was printed.
#[track_caller]
pub fn keeps_secrets(bed: &Bed, finished: &Finished) {
    let stored: Value =
        serde_json::from_str(&bed.read("credentials.json")).expect("the credentials are JSON");
    for name in ["access_token", "refresh_token", "client_secret"] {
        for secret in strings(&stored, name) {
            assert!(!finished.stdout.contains(&secret), "{name} on stdout");
            assert!(!finished.stderr.contains(&secret), "{name} on stderr");
        }
    }
}

/// Returns every string under this name, at any depth.
fn strings(value: &Value, name: &str) -> Vec<String> {
    match value {
        Value::Object(map) => map
            .iter()
            .flat_map(|(key, inner)| match inner.as_str() {
                Some(text) if key == name => vec![text.to_owned()],
                _ => strings(inner, name),
            })
            .collect(),
        Value::Array(list) => list.iter().flat_map(|inner| strings(inner, name)).collect(),
        _ => Vec::new(),
    }
}

/// Chromium takes seconds to start.
#[apply(long_test)]
fn chromium_consents_at_oidc_provider() {
    let bed = Bed::with(&[Part::Npm, Part::Chromium]);
    let server = bed.oidc_provider();
    let finished = login(&bed, &server, &bed.chromium("consent")).exits(0);

    let event = finished.event("logged_in");
    assert_eq!(event["refreshable"], true, "{event}");
    assert_eq!(event["scopes"], serde_json::json!(["mcp:read"]), "{event}");
    assert_eq!(event["store"], "file", "{event}");
    let stored =
        serde_json::from_str(&bed.read("credentials.json")).expect("the credentials are JSON");
    assert_eq!(strings(&stored, "refresh_token").len(), 1);
    let mode = fs::metadata(bed.path("credentials.json"))
        .expect("the credentials")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    keeps_secrets(&bed, &finished);

    ask(&bed, &server, &["check"]).exits(0);
    server.wait_for_event("mcp tools/list");
    server.wait_for_count("event authorization_code.consumed", 1);
    assert!(!server.log().contains("error"), "{}", server.log());

    let seen = bed.seen("consent");
    assert_eq!(seen["status"], 200, "{seen}");
    let text = seen["text"].as_str().unwrap_or_default().to_lowercase();
    assert!(text.contains("logged in"), "{seen}");
    assert_eq!(seen["headers"]["referrer-policy"], "no-referrer", "{seen}");
    assert!(
        !seen["html"].as_str().unwrap_or_default().contains("code="),
        "{seen}"
    );
}

/// Chromium takes seconds to start.
#[apply(long_test)]
fn chromium_cancels_at_oidc_provider() {
    let bed = Bed::with(&[Part::Npm, Part::Chromium]);
    let server = bed.oidc_provider();
    let finished = login(&bed, &server, &bed.chromium("cancel")).exits(3);

    let event = finished.event("error");
    assert_eq!(event["code"], "access_denied", "{event}");
    assert_eq!(event["exit"], 3, "{event}");
    assert!(!bed.path("credentials.json").exists(), "nothing was stored");
    let seen = bed.seen("cancel");
    let text = seen["text"].as_str().unwrap_or_default().to_lowercase();
    assert!(!text.contains("you are logged in"), "{seen}");
}

#[apply(test)]
fn fastmcp_logs_in_checks_and_logs_out() {
    let bed = Bed::with(&[Part::FastMcp, Part::Curl]);
    let server = bed.fastmcp();
    let finished = login(&bed, &server, &bed.curl()).exits(0);
    assert_eq!(finished.event("logged_in")["refreshable"], true);
    keeps_secrets(&bed, &finished);
    ask(&bed, &server, &["check"]).exits(0);
    // Its revocation endpoint wants a `client_secret` in the body beside that in the header.
    let finished = ask(&bed, &server, &["logout"]).exits(0);
    assert!(
        finished.stderr.contains("its tokens are revoked"),
        "{}",
        finished.stderr
    );
}

#[apply(test)]
fn typescript_sdk_logs_in_and_checks() {
    let bed = Bed::with(&[Part::Npm, Part::Curl]);
    let server = bed.sdk_server();
    let finished = login(&bed, &server, &bed.curl()).exits(0);
    assert_eq!(finished.event("logged_in")["refreshable"], false);
    keeps_secrets(&bed, &finished);
    ask(&bed, &server, &["check"]).exits(0);
}
