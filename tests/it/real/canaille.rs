//! Logins at canaille, which has no MCP of its own, through the protected MCP server in front of it.

use super::bed::{Bed, Part};
use super::running::{Run, Server};
use super::servers::{ask, keeps_secrets, login};
use super::tokens::token;
use super::user_agent::{login_by_paste, UserAgent};
use crate::support::{parameter, visit};

/// Chromium and canaille take seconds to start.
#[apply(long_test)]
fn chromium_consents_at_canaille() {
    let bed = Bed::with(&[Part::Canaille, Part::Npm, Part::Chromium]);
    let server = bed.canaille(0);
    let finished = login(&bed, &server, &bed.chromium("consent")).exits(0);

    // The ID token that `openid` brings is only given for a nonce.
    let event = finished.event("logged_in");
    assert_eq!(event["refreshable"], true, "{event}");
    assert_eq!(
        event["scopes"],
        serde_json::json!(["openid", "profile"]),
        "{event}"
    );
    assert_eq!(event["account"], "Some Body", "{event}");
    keeps_secrets(&bed, &finished);
    let seen = bed.seen("canaille");
    assert!(
        seen["text"]
            .as_str()
            .unwrap_or_default()
            .to_lowercase()
            .contains("logged in"),
        "{seen}"
    );
    ask(&bed, &server, &["check"]).exits(0);
    server.wait_for_event("mcp tools/list");
}

/// canaille takes seconds to start, and starts twice.
#[apply(long_test)]
fn canaille_refuses_refreshes_restarts_and_forgets() {
    let bed = Bed::with(&[Part::Canaille]);
    let server = bed.canaille(0);
    let mut user = UserAgent::default();
    let refused = login_by_paste(&bed, &server, &[], |url| user.refuse(url)).exits(3);
    assert_eq!(refused.event("error")["code"], "access_denied");
    assert!(!bed.path("credentials.json").exists(), "nothing was stored");

    let finished = login_by_paste(&bed, &server, &[], |url| user.agree(url)).exits(0);
    keeps_secrets(&bed, &finished);
    let client = finished.event("logged_in")["client_id"].clone();
    let first = token(ask(&bed, &server, &["token"]));
    let second = token(ask(&bed, &server, &["token", "--refresh"]));
    ask(&bed, &server, &["check"]).exits(0);

    let port = server.port();
    drop(server);
    let server = bed.canaille(port);
    let third = token(ask(&bed, &server, &["token", "--refresh"]));
    assert!(
        first != second && second != third,
        "each refresh brings another token"
    );
    ask(&bed, &server, &["check"]).exits(0);

    // Its access tokens go on living, and so does the login until the next refresh.
    assert_eq!(visit(&server.at("/forget-clients")).status, 204);
    let refused = ask(&bed, &server, &["token", "--refresh"]).exits(3);
    assert!(
        refused.stderr.contains("does not know its client any more"),
        "{}",
        refused.stderr
    );
    let finished = login_by_paste(&bed, &server, &[], |url| user.agree(url)).exits(0);
    assert_ne!(
        finished.event("logged_in")["client_id"],
        client,
        "a client that the server knows"
    );
    ask(&bed, &server, &["check"]).exits(0);

    // It revokes nothing for a public client, but for the secret that it gave to one.
    let last = token(ask(&bed, &server, &["token"]));
    assert_eq!(server.status_with(&last), 405);
    ask(&bed, &server, &["logout"]).exits(0);
    assert_eq!(server.status_with(&last), 401);
    ask(&bed, &server, &["token"]).exits(3);

    a50_an_answer_without_issuer(&bed, &server, &mut user);
}

/// Asks canaille to answer without a page. In a browser where nobody is signed in, its answer has no `iss`, though promised: it
/// is told, and not believed. A code from the page still logs in.
fn a50_an_answer_without_issuer(bed: &Bed, server: &Server, user: &mut UserAgent) {
    let mut command = bed.program();
    command.args([
        "--no-browser",
        "--paste",
        "--timeout",
        "180s",
        "--store",
        &bed.file_store(),
    ]);
    command.args(["--param", "prompt=none", &server.url]);
    let mut run = Run::start(&mut command);
    let event = run.wait_for_event("authorization_url");
    let url = event["url"].as_str().expect("a URL");
    let answer = UserAgent::default().agree(url);
    assert_eq!(
        (
            parameter(&answer, "error").as_deref(),
            parameter(&answer, "iss")
        ),
        (Some("login_required"), None)
    );
    run.type_line(&answer);
    assert_eq!(run.wait_for_event("rejected")["reason"], "issuer_mismatch");
    run.type_line(&user.agree(&url.replace("&prompt=none", "")));
    let finished = run.finish().exits(0);
    assert!(
        finished.stderr.contains("unproven: login_required"),
        "{}",
        finished.stderr
    );
}
