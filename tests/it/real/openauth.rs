//! Logins at OpenAuth, which registers nobody, revokes nothing, and does not say that it protects codes.

use super::bed::{Bed, Part};
use super::running::Run;
use super::servers::{ask, keeps_secrets};
use super::tokens::token;
use super::user_agent::{login_by_paste, UserAgent};

const WORDS: [&str; 3] = ["--assume-pkce", "--client-id", "tool"];

#[apply(test)]
fn openauth_refuses_logs_in_and_refreshes() {
    let bed = Bed::with(&[Part::OpenAuth]);
    let server = bed.openauth();
    let mut command = bed.program();
    let options = [
        "--no-browser",
        "--paste",
        "--client-id",
        "tool",
        &server.url,
    ];
    let silent = Run::start(command.args(options)).finish().exits(6);
    assert_eq!(silent.event("error")["code"], "pkce_unsupported");

    // Its errors come back without the state, so a no is told and not believed; a code still logs in.
    let mut command = bed.program();
    command.args(["--no-browser", "--paste", "--timeout", "180s"]);
    command.args(["--store", &bed.file_store()]);
    let mut run = Run::start(command.args(WORDS).arg(&server.url));
    let event = run.wait_for_event("authorization_url");
    let url = event["url"].as_str().expect("a URL");
    let refused = UserAgent::default().refuse(url);
    assert!(!refused.contains("state="), "{refused}");
    run.type_line(&refused);
    assert_eq!(run.wait_for_event("rejected")["reason"], "state_mismatch");
    run.type_line(&UserAgent::default().agree(url));
    let finished = run.finish().exits(0);
    assert!(
        finished.stderr.contains("unproven: access_denied"),
        "{}",
        finished.stderr
    );
    keeps_secrets(&bed, &finished);
    assert_eq!(finished.event("logged_in")["refreshable"], true);

    // Its tokens say neither their type nor their scope.
    ask(&bed, &server, &["check"]).exits(0);
    server.wait_for_event("mcp tools/list");
    let first = token(ask(&bed, &server, &["token"]));
    let second = token(ask(&bed, &server, &["token", "--refresh"]));
    let third = token(ask(&bed, &server, &["token", "--refresh"]));
    assert!(first != second && second != third, "each refresh rotates");
    ask(&bed, &server, &["check"]).exits(0);
    let logout = ask(&bed, &server, &["logout"]).exits(0);
    assert!(logout.stderr.contains("cannot revoke"), "{}", logout.stderr);

    let agree = |url: &str| UserAgent::default().agree(url);
    login_by_paste(&bed, &server, &WORDS, agree).exits(0);
    ask(&bed, &server, &["check"]).exits(0);
}
