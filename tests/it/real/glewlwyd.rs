//! Logins at glewlwyd, which is before a protected MCP server: with the browser, with a device code, and with bound tokens.

use super::bed::{Bed, Part};
use super::device;
use super::running::Run;
use super::servers::{ask, keeps_secrets};
use super::tokens::token;
use super::user_agent::{login_by_paste, UserAgent};

/// Three logins, and glewlwyd takes seconds to start.
#[apply(long_test)]
fn dv8_glewlwyd_with_a_browser_a_device_code_and_a_key() {
    let bed = Bed::with(&[Part::Glewlwyd]);
    let server = bed.glewlwyd();
    let agree = |url: &str| UserAgent::default().agree(url);
    let finished = login_by_paste(&bed, &server, &[], agree).exits(0);
    keeps_secrets(&bed, &finished);
    let event = finished.event("logged_in");
    assert_eq!(event["refreshable"], true, "{event}");
    ask(&bed, &server, &["check"]).exits(0);
    let first = token(ask(&bed, &server, &["token"]));
    let second = token(ask(&bed, &server, &["token", "--refresh"]));
    assert_ne!(first, second);
    assert_eq!(server.status_with(&second), 405);
    ask(&bed, &server, &["logout"]).exits(0);
    assert_eq!(server.status_with(&second), 401);
    ask(&bed, &server, &["token"]).exits(3);

    // Its registration does not know the grant by its name, and that is told.
    let mut command = bed.program();
    let options = ["--device", "--no-browser", "--store", &bed.file_store()];
    let refused = Run::start(command.args(options).arg(&server.url)).finish();
    let refused = refused.exits(3).event("error");
    assert_eq!(refused["code"], "registration_refused", "{refused}");
    let hint = refused["hint"].as_str().unwrap_or_default();
    assert!(hint.contains("--client-id"), "{refused}");

    let enter = |page: &str, code: &str| UserAgent::default().enter_code(page, code, "accept");
    let finished = device::login(&bed, &server, &["--client-id", "tool"], enter).exits(0);
    keeps_secrets(&bed, &finished);
    ask(&bed, &server, &["check"]).exits(0);
    ask(&bed, &server, &["token", "--refresh"]).exits(0);
    // A client without a secret may not revoke, which its answer with status 401 says in no words.
    let logout = ask(&bed, &server, &["logout"]).exits(5);
    assert!(
        logout.stderr.contains("were not revoked"),
        "{}",
        logout.stderr
    );

    let finished = login_by_paste(&bed, &server, &["--dpop", "-vv"], agree).exits(0);
    assert!(
        finished.stderr.contains("wants a nonce in the proof"),
        "{}",
        finished.stderr
    );
    assert!(bed.read("credentials.json").contains("\"DPoP\""));
    ask(&bed, &server, &["refresh"]).exits(0);
    ask(&bed, &server, &["logout"]).exits(0);
}
