//! The way out: tokens are given back, and forgotten here whatever the server says.

use serde_json::{json, Value};

use crate::support::fake::{Fake, Reply};
use crate::support::program::Finished;
use crate::support::rotating::{login, login_to, Home, Rotating};
use crate::support::wait_for;

fn revoking(reply: Reply) -> Fake {
    Fake::with(move |seen, _| (seen.path == "/revoke").then(|| reply.clone()))
}

fn line(finished: &Finished) -> Value {
    finished.events.first().cloned().unwrap_or_else(|| panic!("nothing said; {}", finished.stderr))
}

#[test]
fn logout_gives_both_tokens_back_as_the_client_that_got_them() {
    for (auth, secret, header) in [
        ("none", None, None),
        ("client_secret_basic", Some("s3cret"), Some("Basic bWluZTpzM2NyZXQ=")),
        ("client_secret_post", Some("s3cret"), None),
    ] {
        let fake = revoking(Reply::status(200));
        let home = Home::with(&fake, json!({"client_auth": auth, "client_secret": secret}));
        let finished = home.command("logout", &["--json", &fake.mcp()]).run().expect(0);
        assert_eq!(line(&finished)["tokens"], "revoked", "{}", finished.stdout);
        let seen = fake.seen();
        let tokens: Vec<_> = seen.iter().filter_map(|seen| seen.parameter("token")).collect();
        assert_eq!(tokens, ["refresh-0", "access-0"]);
        for seen in &seen {
            assert_eq!((seen.method.as_str(), seen.path.as_str()), ("POST", "/revoke"));
            assert_eq!(seen.header("authorization"), header, "{auth}");
            let in_body = secret.filter(|_| auth == "client_secret_post");
            assert_eq!(seen.parameter("client_secret").as_deref(), in_body, "{auth}");
        }
        assert!(home.kept(&fake).is_null() && !home.text().contains("refresh-0"));
        // Once more is fine, and asks nobody.
        let again = home.command("logout", &["--json", &fake.mcp()]).run().expect(0);
        assert_eq!(line(&again)["tokens"], "not_there");
        assert_eq!(fake.seen().len(), 2);
    }
}

#[test]
fn logout_forgets_in_any_case_and_tells_by_its_exit_code() {
    let unreachable = json!({"revocation_endpoint": "http://127.0.0.1:1/revoke"});
    let nowhere = json!({"revocation_endpoint": null});
    for (reply, members, code, word) in [
        (Reply::status(503), json!({}), 5, None),
        (Reply::json(400, &json!({"error": "unsupported_token_type"})), json!({}), 5, None),
        (Reply::redirect(307, "http://127.0.0.1:9/revoke"), json!({}), 5, None),
        (Reply::Raw(Vec::new()), json!({}), 5, None),
        (Reply::status(200), unreachable, 5, None),
        (Reply::status(200), nowhere, 0, Some("cannot_revoke")),
        (Reply::status(204), json!({}), 0, Some("revoked")),
    ] {
        let fake = revoking(reply.clone());
        let home = Home::with(&fake, members);
        let finished = home.command("logout", &["--json", &fake.mcp()]).run();
        let what = format!("{reply:?}: {:?} {} {}", finished.code, finished.stdout, finished.stderr);
        assert_eq!(finished.code, Some(code), "{what}");
        match word {
            Some(word) => assert_eq!(line(&finished)["tokens"], word, "{what}"),
            None => assert_eq!(line(&finished)["exit"], 5, "{what}"),
        }
        assert!(!what.contains("refresh-0") && !what.contains("access-0"), "{what}");
        assert!(home.kept(&fake).is_null(), "{what}");
        home.token(&fake).expect(3);
    }
}

#[test]
fn logout_of_several_and_of_all() {
    let (good, bad) = (revoking(Reply::status(200)), revoking(Reply::status(503)));
    let home = Home::new();
    let all = [
        login(&good, json!({})),
        login(&bad, json!({})),
        login_to("https://third.example/mcp", &good, json!({})),
        login_to("https://third.example/mcp", &good, json!({"profile": "work"})),
    ];
    home.put(&all);
    let finished = home.command("logout", &["--json", &bad.mcp(), &good.mcp()]).run().expect(5);
    assert_eq!(finished.events.len(), 2, "every one is told: {}", finished.stdout);
    assert_eq!(home.logins().len(), 2);
    let finished = home.command("logout", &["--all", "--json"]).run().expect(0);
    assert_eq!((finished.events.len(), home.logins().len()), (2, 0), "{}", finished.stdout);
    home.command("logout", &["--all"]).run().expect(0);
    home.command("logout", &[]).run().expect(2);
    home.command("logout", &["--all", &good.mcp()]).run().expect(2);
}

#[test]
fn c1_a_refresh_under_way_is_waited_for_and_its_tokens_are_given_back() {
    let (servers, gate) = Rotating::behind_a_gate();
    let home = Home::expired(&servers);
    let token = home.at("token", &servers.fake).start();
    wait_for("the refresh", || (servers.refreshes() == 1).then_some(()));
    let logout = home.at("logout", &servers.fake).start();
    gate.open();
    assert!(matches!(token.finish().code, Some(0 | 3)));
    logout.finish().expect(0);
    assert!(home.kept(&servers.fake).is_null());
    assert!(!servers.was_reused());
    assert_eq!(servers.fake.seen_at("/revoke").len(), 2);
    let given_back = servers.fake.seen_at("/revoke")[0].parameter("token").expect("a token");
    assert!(!servers.is_good(&given_back));
    home.token(&servers.fake).expect(3);
}

#[test]
fn c1_a_refresh_that_hangs_neither_keeps_a_login_nor_brings_it_back() {
    let (servers, gate) = Rotating::behind_a_gate();
    let home = Home::expired(&servers);
    let token = home.at("token", &servers.fake).start();
    wait_for("the refresh", || (servers.refreshes() == 1).then_some(()));
    let finished = home.at("logout", &servers.fake).run().expect(0);
    assert!(finished.stderr.contains("holds it"), "{}", finished.stderr);
    token.finish().expect(5);
    gate.open();
    // The lock is free once the refresher is done.
    home.token(&servers.fake).expect(3);
    let lock = home
        .files_with(".lock")
        .into_iter()
        .find(|path| path.starts_with(home.data().join("refresh")))
        .expect("a lock");
    wait_for("the refresher", || std::fs::File::open(&lock).expect("the lock").try_lock().ok());
    assert!(home.kept(&servers.fake).is_null(), "it is not brought back");
}
