//! What is done with a stored login: tokens refreshed at real servers, and given back at the end.

use serde_json::Value;

use super::bed::{Bed, Part};
use super::keyring::in_session;
use super::running::{Finished, Run};
use super::servers::{ask, login};
use super::user_agent::{login_by_paste, UserAgent};

#[apply(test)]
fn oidc_provider_rotates_and_revokes() {
    let bed = Bed::with(&[Part::Npm]);
    let server = bed.oidc_provider();
    let agree = |url: &str| UserAgent::default().agree(url);
    login_by_paste(&bed, &server, &[], agree).exits(0);

    let first = token(ask(&bed, &server, &["token"]));
    let second = token(ask(&bed, &server, &["token", "--refresh"]));
    let third = token(ask(&bed, &server, &["token", "--refresh"]));
    assert!(
        first != second && second != third,
        "each refresh brings another token"
    );
    server.wait_for_count("event refresh_token.consumed", 2);
    ask(&bed, &server, &["check"]).exits(0);

    ask(&bed, &server, &["logout"]).exits(0);
    server.wait_for_event("refresh_token.destroyed");
    assert!(
        !bed.read("credentials.json").contains(&third),
        "the token is forgotten"
    );
    ask(&bed, &server, &["token"]).exits(3);
    assert!(!server.log().contains("error"), "{}", server.log());
}

#[apply(test)]
fn several_at_once_never_use_a_refresh_token_twice() {
    let bed = Bed::with(&[Part::Npm]);
    let server = bed.oidc_provider();
    let agree = |url: &str| UserAgent::default().agree(url);
    login_by_paste(&bed, &server, &[], agree).exits(0);
    let command = || {
        let mut command = bed.command(env!("CARGO_BIN_EXE_mcp-login"));
        command.args(["token", "--json", "--refresh", "--store", &bed.file_store()]);
        command
            .arg("--data-dir")
            .arg(bed.path("data"))
            .arg(&server.url);
        command
    };
    let runs: Vec<Run> = (0..4).map(|_| Run::start(&mut command())).collect();
    let finished = runs.into_iter().map(Run::finish);
    let finished = finished.filter(|finished| !finished.has_given_up());
    let tokens: Vec<String> = finished.map(token).collect();
    let kept = token(ask(&bed, &server, &["token"]));
    assert!(
        tokens.contains(&kept),
        "the stored token is one of those that were printed"
    );
    ask(&bed, &server, &["check"]).exits(0);
    assert!(
        !server.log().contains("error"),
        "a refresh token was used twice: {}",
        server.log()
    );
}

#[apply(test)]
fn fastmcp_refreshes() {
    let bed = Bed::with(&[Part::FastMcp, Part::Curl]);
    let server = bed.fastmcp();
    login(&bed, &server, &bed.curl()).exits(0);
    let first = token(ask(&bed, &server, &["token"]));
    let second = token(ask(&bed, &server, &["token", "--refresh"]));
    assert_ne!(first, second);
    ask(&bed, &server, &["check"]).exits(0);
}

#[apply(test)]
fn an_unlocked_keyring_gives_and_forgets() {
    let bed = Bed::with(&[Part::FastMcp, Part::Curl, Part::Keyring]);
    let server = bed.fastmcp();
    let lookup = format!(
        "secret-tool lookup service mcp-login username '{}'",
        server.url
    );
    let text = format!(
        "set -e
        \"$1\" {options} --timeout 180s '{url}'
        \"$1\" token {options} '{url}' > token
        {lookup} > stored
        # This server does not take back the tokens of a client without a secret, which is told: 5.
        \"$1\" logout {options} '{url}' > logout || test $? = 5
        if {lookup} > left; then exit 99; fi",
        options = format_args!(
            "--json --data-dir '{}' --store keyring",
            bed.path("data").display()
        ),
        url = server.url,
    );
    in_session(&bed, "unlocked", &text, &[], &bed.curl()).exits(0);
    assert!(
        bed.read("token").contains("test_access_token_"),
        "{}",
        bed.read("token")
    );
    assert!(
        bed.read("stored").contains("test_refresh_token_"),
        "{}",
        bed.read("stored")
    );
    assert_eq!(bed.read("left"), "");
}

/// Returns the access token that `token` printed.
#[track_caller]
pub fn token(finished: Finished) -> String {
    let finished = finished.exits(0);
    let printed: Value = serde_json::from_str(&finished.stdout).expect("the token is JSON");
    printed["access_token"]
        .as_str()
        .expect("a token")
        .to_owned()
}
