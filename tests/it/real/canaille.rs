//! Logins at canaille, which has no MCP of its own, through the protected MCP server in front of it.

use super::bed::{Bed, Part};
use super::running::Run;
use super::servers::{ask, keeps_secrets};
use super::tokens::token;
use super::user_agent::{login_by_paste, UserAgent};
use crate::support::visit;

/// A scope that canaille gives without an ID token.
const SCOPE: [&str; 2] = ["--scope", "profile"];

#[test]
fn chromium_consents_at_canaille() {
    let Some(bed) = Bed::with(&[Part::Canaille, Part::Npm, Part::Chromium]) else { return };
    let server = bed.canaille(0);
    let mut command = bed.program();
    command.args(["--timeout", "60s", "--store", &bed.file_store()]).args(SCOPE).arg(&server.url);
    let finished = Run::start(command.env("BROWSER", bed.chromium("consent"))).finish().exits(0);

    let event = finished.event("logged_in");
    assert_eq!(event["refreshable"], true, "{event}");
    assert_eq!(event["scopes"], serde_json::json!(["profile"]), "{event}");
    keeps_secrets(&bed, &finished);
    let seen = bed.seen("canaille");
    assert!(seen["text"].as_str().unwrap_or_default().to_lowercase().contains("logged in"), "{seen}");
    ask(&bed, &server, &["check"]).exits(0);
    server.wait_for_event("mcp tools/list");
}

#[test]
fn canaille_refuses_refreshes_restarts_and_forgets() {
    let Some(bed) = Bed::with(&[Part::Canaille]) else { return };
    let server = bed.canaille(0);
    let mut user = UserAgent::default();
    let refused = login_by_paste(&bed, &server, &SCOPE, |url| user.refuse(url)).exits(3);
    assert_eq!(refused.event("error")["code"], "access_denied");
    assert!(!bed.path("credentials.json").exists(), "nothing was stored");

    let finished = login_by_paste(&bed, &server, &SCOPE, |url| user.agree(url)).exits(0);
    keeps_secrets(&bed, &finished);
    let client = finished.event("logged_in")["client_id"].clone();
    let first = token(ask(&bed, &server, &["token"]));
    let second = token(ask(&bed, &server, &["token", "--refresh"]));
    ask(&bed, &server, &["check"]).exits(0);

    let port = server.port();
    drop(server);
    let server = bed.canaille(port);
    let third = token(ask(&bed, &server, &["token", "--refresh"]));
    assert!(first != second && second != third, "each refresh brings another token");
    ask(&bed, &server, &["check"]).exits(0);

    // Its access tokens go on living, and so does the login until the next refresh.
    assert_eq!(visit(&server.at("/forget-clients")).status, 204);
    let refused = ask(&bed, &server, &["token", "--refresh"]).exits(3);
    assert!(refused.stderr.contains("does not know its client any more"), "{}", refused.stderr);
    let words = [&SCOPE[..], &["--force"]].concat();
    let finished = login_by_paste(&bed, &server, &words, |url| user.agree(url)).exits(0);
    assert_ne!(finished.event("logged_in")["client_id"], client, "a client that the server knows");
    ask(&bed, &server, &["check"]).exits(0);

    // It revokes nothing for a public client, but for the secret that it gave to one.
    let last = token(ask(&bed, &server, &["token"]));
    assert_eq!(server.status_with(&last), 405);
    ask(&bed, &server, &["logout"]).exits(0);
    assert_eq!(server.status_with(&last), 401);
    ask(&bed, &server, &["token"]).exits(3);
}
