//! The good login, end to end.

use crate::support::fake::Fake;
use crate::support::program::Program;

#[apply(test)]
fn a_login_is_exchanged_stored_and_reported() {
    let fake = Fake::start();
    let mut login = Program::login(&fake).start();
    let listening = login.event("listening");
    let page = login.agree();
    assert_eq!(page.status, 200);
    assert!(page.body.contains("You are logged in"), "{}", page.body);
    let finished = login.finish().expect(0);

    let kept = finished.kept(&fake.mcp());
    assert_eq!(kept["refresh_token"], "refresh-1");
    assert_eq!(kept["resource"], fake.mcp());
    assert_eq!(kept["redirect_uri"], listening["redirect_uri"]);
    let logged_in = finished.event("logged_in");
    assert_eq!(logged_in["issuer"], fake.origin());
    assert_eq!(logged_in["scopes"], serde_json::json!(["read"]));
    assert_eq!(logged_in["store"], "file");
    assert_eq!(logged_in["refreshable"], true);
    assert!(!finished.stdout.contains("access-1") && !finished.stderr.contains("access-1"));
}

/// Probe, two metadata documents, registration, token: five requests. A second login needs three before the page.
#[apply(test)]
fn a_login_needs_few_requests() {
    let fake = Fake::start();
    let mut login = Program::login(&fake).start();
    login.agree();
    let first = login.finish().expect(0);
    let ours = |fake: &Fake| {
        fake.seen()
            .iter()
            .filter(|seen| seen.path != "/authorize")
            .count()
    };
    assert_eq!(ours(&fake), 5, "{:?}", fake.seen());

    let mut again = Program::login(&fake)
        .arg("--force")
        .at_home(first.home())
        .start();
    again.authorization_url();
    assert!(ours(&fake) <= 5 + 3, "{:?}", fake.seen());
    assert_eq!(
        fake.seen_at("/register").len(),
        1,
        "the registration is used again"
    );
}

/// Servers that count both as one grant would end the new login with the old one.
#[apply(test)]
fn b14_what_a_new_login_replaces_is_not_revoked() {
    let fake = Fake::start();
    let first = Program::login(&fake).agree().expect(0);
    let replaced = first.kept(&fake.mcp())["refresh_token"].clone();
    let forced = Program::login(&fake).arg("--force");
    forced.at_home(first.home()).agree().expect(0);
    assert_ne!(first.kept(&fake.mcp())["refresh_token"], replaced);
    assert!(fake.seen_at("/revoke").is_empty());
}

#[apply(test)]
fn a_live_login_stays_unless_forced() {
    let fake = Fake::start();
    let mut login = Program::login(&fake).start();
    login.agree();
    let first = login.finish().expect(0);
    let again = Program::login(&fake).at_home(first.home()).run().expect(0);
    assert_eq!(again.event("logged_in")["already"], true);
    let wider = Program::login(&fake)
        .args(["--scope", "write"])
        .at_home(first.home());
    let mut wider = wider.start();
    assert_eq!(wider.agree().status, 200);
    wider.finish().expect(0);
}
