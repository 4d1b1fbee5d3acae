//! Logins at better-auth, with its MCP plugin in front of an MCP server.

use serde_json::{json, Value};

use super::bed::{Bed, Part};
use super::running::{Run, Server};
use super::servers::{ask, keeps_secrets, login};
use super::tokens::token;
use super::user_agent::{login_by_paste, UserAgent};
use crate::support::visit;

/// Chromium and better-auth take seconds to start.
#[apply(long_test)]
fn chromium_consents_at_better_auth() {
    let bed = Bed::with(&[Part::BetterAuth, Part::Npm, Part::Chromium]);
    let server = bed.better_auth(0);
    let finished = login(&bed, &server, &bed.chromium("consent")).exits(0);

    // Asked for no scope, it grants every one that it has.
    let event = finished.event("logged_in");
    assert_eq!(event["refreshable"], true, "{event}");
    assert_eq!(
        event["scopes"],
        json!(["openid", "profile", "email", "offline_access"]),
        "{event}"
    );
    keeps_secrets(&bed, &finished);
    let seen = bed.seen("better-auth");
    assert!(
        seen["text"]
            .as_str()
            .unwrap_or_default()
            .to_lowercase()
            .contains("logged in"),
        "{seen}"
    );
    ask(&bed, &server, &["check"]).exits(0);
}

/// better-auth takes seconds to start, and starts twice.
#[apply(long_test)]
fn better_auth_refuses_refreshes_restarts_and_forgets() {
    let bed = Bed::with(&[Part::BetterAuth]);
    let server = bed.better_auth(0);
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
    let server = bed.better_auth(port);
    let third = token(ask(&bed, &server, &["token", "--refresh"]));
    assert!(
        first != second && second != third,
        "each refresh brings another token"
    );
    ask(&bed, &server, &["check"]).exits(0);

    // The consent is remembered with the client: no page, a code at once.
    let again = login_by_paste(&bed, &server, &["--force"], |url| user.agree(url)).exits(0);
    assert_eq!(again.event("logged_in")["client_id"], client);
    assert!(!server.log().contains("/consent"), "{}", server.log());

    // Its refresh token can be taken back, a JWT cannot, which is told.
    let last = token(ask(&bed, &server, &["token"]));
    let out = ask(&bed, &server, &["logout"]).exits(0);
    assert_eq!(
        out.event("logged_out")["tokens"],
        "access_token_lives",
        "{}",
        out.stdout
    );
    assert_eq!(server.status_with(&last), 405, "{}", out.stderr);
    login_by_paste(&bed, &server, &[], |url| user.agree(url)).exits(0);

    // What belongs to a client goes with it, but for JWTs.
    assert_eq!(visit(&server.at("/forget-clients")).status, 204);
    ask(&bed, &server, &["token", "--refresh"]).exits(3);
    ask(&bed, &server, &["check"]).exits(0);
    a53_a_page_that_never_comes_back(&bed, &server, &client);
    let finished = login_by_paste(&bed, &server, &[], |url| user.agree(url)).exits(0);
    assert_ne!(
        finished.event("logged_in")["client_id"],
        client,
        "a client that the server knows"
    );
}

/// Logs in with the deleted client: better-auth shows an error of its own, and nothing comes back.
fn a53_a_page_that_never_comes_back(bed: &Bed, server: &Server, client: &Value) {
    let mut command = bed.program();
    command.args([
        "--no-browser",
        "--timeout",
        // The page comes before.
        "8s",
        "--store",
        &bed.file_store(),
        &server.url,
    ]);
    let run = Run::start(&mut command);
    let event = run.wait_for_event("authorization_url");
    let answer = visit(event["url"].as_str().expect("a URL"));
    assert!(
        answer
            .header("location")
            .is_some_and(|to| to.contains("error=invalid_client")),
        "{answer:?}"
    );
    let finished = run.finish().exits(4);
    assert!(
        finished.stderr.contains(client.as_str().expect("a client")),
        "{}",
        finished.stderr
    );
}
