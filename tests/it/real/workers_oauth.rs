//! Logins at Cloudflare's authorization server for MCP servers, which knows neither device codes nor bound tokens.

use super::bed::{Bed, Part};
use super::servers::{ask, keeps_secrets};
use super::tokens::token;
use super::user_agent::{login_by_paste, UserAgent};

/// workerd takes seconds to start.
#[apply(long_test)]
fn workers_oauth_refuses_refreshes_and_revokes() {
    let bed = Bed::with(&[Part::WorkersOauth]);
    let server = bed.workers_oauth();
    let mut user = UserAgent::default();
    let refused = login_by_paste(&bed, &server, &[], |url| user.refuse(url)).exits(3);
    assert_eq!(refused.event("error")["code"], "access_denied");

    let finished = login_by_paste(&bed, &server, &[], |url| user.agree(url)).exits(0);
    keeps_secrets(&bed, &finished);
    let event = finished.event("logged_in");
    assert_eq!(event["refreshable"], true, "{event}");
    let scopes = serde_json::json!(["mcp:read", "offline_access"]);
    assert_eq!(event["scopes"], scopes, "{event}");
    ask(&bed, &server, &["check"]).exits(0);
    server.wait_for_event("mcp tools/list");

    let first = token(ask(&bed, &server, &["token"]));
    let second = token(ask(&bed, &server, &["token", "--refresh"]));
    let third = token(ask(&bed, &server, &["token", "--refresh"]));
    assert!(first != second && second != third, "each refresh rotates");
    ask(&bed, &server, &["check"]).exits(0);

    // Another login of the same user at the same client ends the first one, its access token too. It is told, and a login helps.
    let words = ["--profile", "other"];
    login_by_paste(&bed, &server, &words, |url| user.agree(url)).exits(0);
    ask(&bed, &server, &["check", "--profile", "other"]).exits(0);
    assert_eq!(server.status_with(&third), 401);
    let ended = ask(&bed, &server, &["check"]).exits(3);
    assert!(ended.stderr.contains("needs a login"), "{}", ended.stderr);
    login_by_paste(&bed, &server, &[], |url| user.agree(url)).exits(0);

    // Its revocation endpoint is its token endpoint.
    let last = token(ask(&bed, &server, &["token"]));
    assert_eq!(server.status_with(&last), 405);
    ask(&bed, &server, &["logout"]).exits(0);
    assert_eq!(server.status_with(&last), 401);
    ask(&bed, &server, &["token"]).exits(3);
}
