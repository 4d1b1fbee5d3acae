//! Logins with a device code at real authorization servers; the user enters the code with the simplest of browsers.

use serde_json::{json, Value};

use super::bed::{Bed, Part};
use super::running::{Finished, Run, Server};
use super::servers::{ask, keeps_secrets};
use super::user_agent::UserAgent;

/// Logs in into the file store with a device code; `decide` does on the page what the event of the code says.
pub fn login(
    bed: &Bed,
    server: &Server,
    words: &[&str],
    decide: impl FnOnce(&str, &str) -> String,
) -> Finished {
    let mut command = bed.program();
    command.args(["--device", "--no-browser", "--timeout", "180s", "--store"]);
    let run = Run::start(command.arg(bed.file_store()).args(words).arg(&server.url));
    let event = run.wait_for_event("device_code");
    let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
    let last = decide(&text("verification_uri"), &text("user_code"));
    let finished = run.finish();
    assert!(!last.is_empty(), "{event}");
    finished
}

fn grant(bed: &Bed) -> Value {
    let stored: Value = serde_json::from_str(&bed.read("credentials.json")).expect("JSON");
    let logins = stored["logins"].as_object().expect("logins");
    logins.values().next().expect("a login")["grant"].clone()
}

/// oidc-provider takes seconds to start, and names an interval of five seconds by naming none.
#[apply(long_test)]
fn dv4_dv5_dv8_device_codes_of_oidc_provider() {
    let bed = Bed::with(&[Part::Npm]);
    let server = bed.oidc_provider();
    let mut user = UserAgent::default();
    let refused = login(&bed, &server, &[], |page, code| {
        user.enter_code(page, code, "deny")
    });
    let refused = refused.exits(3);
    assert_eq!(
        refused.event("error")["code"],
        "access_denied",
        "{}",
        refused.stderr
    );
    assert!(!bed.path("credentials.json").exists(), "nothing was stored");

    let agree = |page: &str, code: &str| user.enter_code(page, code, "accept");
    let finished = login(&bed, &server, &[], agree).exits(0);
    let event = finished.event("logged_in");
    assert_eq!(event["refreshable"], true, "{event}");
    assert_eq!(event["scopes"], json!(["mcp:read"]), "{event}");
    assert_eq!(grant(&bed), "urn:ietf:params:oauth:grant-type:device_code");
    keeps_secrets(&bed, &finished);
    ask(&bed, &server, &["check"]).exits(0);
    ask(&bed, &server, &["token", "--refresh"]).exits(0);
    ask(&bed, &server, &["check"]).exits(0);
    server.wait_for_count("registration_create.success", 1);
}

/// better-auth takes seconds to start.
#[apply(long_test)]
fn dv4_dv5_dv8_device_codes_of_better_auth() {
    let bed = Bed::with(&[Part::BetterAuth]);
    let server = bed.better_auth(0);
    let mut user = UserAgent::default();
    let refused = login(&bed, &server, &[], |page, code| {
        user.enter_code(page, code, "deny")
    });
    let refused = refused.exits(3);
    assert_eq!(
        refused.event("error")["code"],
        "access_denied",
        "{}",
        refused.stderr
    );

    let agree = |page: &str, code: &str| user.enter_code(page, code, "accept");
    let words = ["--scope", "openid offline_access"];
    let finished = login(&bed, &server, &words, agree).exits(0);
    let event = finished.event("logged_in");
    assert_eq!(event["refreshable"], true, "{event}");
    keeps_secrets(&bed, &finished);
    ask(&bed, &server, &["check"]).exits(0);
    ask(&bed, &server, &["token", "--refresh"]).exits(0);
    ask(&bed, &server, &["check"]).exits(0);
}
