//! workspace-mcp, the real one from PyPI: it works with a login that it was handed, and refreshes it by itself.
//!
//! Google is a stand-in on this machine; what is meant for Google's own machines goes nowhere.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use serde_json::{json, Value};

use super::bed::{script, workspace_mcp, Bed, Part};
use super::running::Run;
use crate::support::google::Google;
use crate::support::program::Program;
use crate::support::visit;

const EMAIL: &str = "Ann@example.com";

/// A stand-in whose access tokens are due at once for workspace-mcp, which refreshes some minutes early.
fn google() -> Google {
    let google = Google::start();
    google.behave(|manners| manners.lifetime = 60);
    google
}

/// Returns the login that ends with a file for workspace-mcp.
fn login(bed: &Bed, google: &Google, client_file: PathBuf) -> Program {
    let login = google.login(bed.home(), &client_file).args([
        "--tools",
        "gmail,drive,calendar",
        "--login-hint",
        EMAIL,
    ]);
    login
        .args(["--handover", "workspace-mcp", "--credentials-dir"])
        .arg(bed.path("credentials"))
}

fn credentials(bed: &Bed) -> Value {
    serde_json::from_str(&bed.read(&format!("credentials/{EMAIL}.json")))
        .expect("a credentials file")
}

/// Starts workspace-mcp as a client does, and returns its answer to a call of a tool.
fn call(bed: &Bed) -> String {
    let mut command = bed.command(workspace_mcp());
    command.args(["--tools", "gmail", "drive", "calendar"]);
    command.env("WORKSPACE_MCP_CREDENTIALS_DIR", bed.path("credentials"));
    command
        .env("PYTHONPATH", script("offline"))
        .env("PYTHONDONTWRITEBYTECODE", "1");
    let mut server = Run::start(&mut command);
    let client = json!({"name": "test", "version": "1"});
    let initialize =
        json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client});
    server.type_line(
        &json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": initialize})
            .to_string(),
    );
    server.wait_for_line("\"id\":1");
    server.type_line(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string());
    let call = json!({"name": "list_gmail_labels", "arguments": {"user_google_email": EMAIL}});
    server.type_line(
        &json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call}).to_string(),
    );
    server.wait_for_line("\"id\":2")
}

/// Requires that workspace-mcp refreshes what it was handed, keeps what came, and asks nobody to log in.
fn prove_that_it_refreshes(bed: &Bed, google: &Google) {
    let before = credentials(bed);
    let file = fs::metadata(bed.path(&format!("credentials/{EMAIL}.json"))).expect("the file");
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
    assert_eq!(
        (&before["token"], &before["refresh_token"]),
        (&json!("access-1"), &json!("refresh-1"))
    );
    let seen = google.fake.seen_at("/token").len();
    let answer = call(bed);
    let refreshed: Vec<_> = google.fake.seen_at("/token").split_off(seen);
    assert!(!refreshed.is_empty(), "no refresh: {answer}");
    for (name, value) in [
        ("grant_type", "refresh_token"),
        ("refresh_token", "refresh-1"),
    ] {
        assert_eq!(refreshed[0].parameter(name).as_deref(), Some(value));
    }
    let scopes: Vec<_> = before["scopes"]
        .as_array()
        .expect("scopes")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert_eq!(
        refreshed[0].parameter("scope"),
        Some(scopes.join(" ")),
        "what was granted is asked for"
    );
    let after = credentials(bed);
    assert_eq!(
        after["token"],
        format!("access-{}", seen + 1),
        "it keeps the new token"
    );
    assert_eq!(after["refresh_token"], "refresh-1");
    for word in [
        "authorization_url",
        "/o/oauth2/",
        "ACTION REQUIRED",
        "credentials not found",
        "Authentication",
    ] {
        assert!(
            !answer.contains(word),
            "it asks for a login ({word}): {answer}"
        );
    }
    assert!(
        answer.contains("Unable to find the server at gmail.googleapis.com"),
        "it goes on to Gmail: {answer}"
    );
}

/// workspace-mcp takes seconds to start.
#[apply(long_test)]
fn workspace_mcp_refreshes_the_login_of_a_desktop_client() {
    let bed = Bed::with(&[Part::WorkspaceMcp]);
    let google = google();
    login(&bed, &google, google.desktop_file())
        .agree()
        .expect(0);
    prove_that_it_refreshes(&bed, &google);
}

/// workspace-mcp takes seconds to start.
#[apply(long_test)]
fn workspace_mcp_refreshes_the_login_of_a_web_client_whose_port_was_in_use() {
    let bed = Bed::with(&[Part::WorkspaceMcp]);
    let google = google();
    let held = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = held.local_addr().expect("an address").port();
    let file = google.web_file(&format!("http://localhost:{port}/oauth2callback"));
    let mut running = login(&bed, &google, file)
        .arg("--paste")
        .with_stdin()
        .start();
    let url = running.authorization_url();
    let answer = visit(&url)
        .header("location")
        .expect("a redirect")
        .to_owned();
    running.type_in(&format!("{answer}\n"));
    running.finish().expect(0);
    prove_that_it_refreshes(&bed, &google);
}

/// workspace-mcp takes seconds to start.
#[apply(long_test)]
fn without_the_hand_over_workspace_mcp_asks_for_a_login() {
    let bed = Bed::with(&[Part::WorkspaceMcp]);
    let google = google();
    let answer = call(&bed);
    assert!(answer.contains("credentials not found"), "{answer}");
    assert!(google.fake.seen_at("/token").is_empty());
}
