//! The way out: tokens are given back, and forgotten here whatever the server says.

use std::path::PathBuf;

use serde_json::{json, Value};

use crate::support::fake::{Fake, Reply, Seen};
use crate::support::program::{Finished, Program};
use crate::support::rotating::{login, login_to, Home, Rotating};
#[cfg(target_os = "linux")]
use crate::support::skip::needs;
#[cfg(target_os = "linux")]
use crate::support::strace::traced;
use crate::support::wait_for;

fn revoking(reply: Reply) -> Fake {
    Fake::with(move |seen, _| (seen.path == "/revoke").then(|| reply.clone()))
}

fn line(finished: &Finished) -> Value {
    finished
        .events
        .first()
        .cloned()
        .unwrap_or_else(|| panic!("nothing said; {}", finished.stderr))
}

#[apply(test)]
fn logout_gives_both_tokens_back_as_the_client_that_got_them() {
    for (auth, secret, header) in [
        ("none", None, None),
        (
            "client_secret_basic",
            Some("s3cret"),
            Some("Basic bWluZTpzM2NyZXQ="),
        ),
        ("client_secret_post", Some("s3cret"), None),
    ] {
        let fake = revoking(Reply::status(200));
        let home = Home::with(&fake, json!({"client_auth": auth, "client_secret": secret}));
        let finished = home
            .command("logout", &["--json", &fake.mcp()])
            .run()
            .expect(0);
        assert_eq!(line(&finished)["tokens"], "revoked", "{}", finished.stdout);
        let seen = fake.seen();
        let tokens: Vec<_> = seen
            .iter()
            .filter_map(|seen| seen.parameter("token"))
            .collect();
        assert_eq!(tokens, ["refresh-0", "access-0"]);
        for seen in &seen {
            assert_eq!(
                (seen.method.as_str(), seen.path.as_str()),
                ("POST", "/revoke")
            );
            assert_eq!(seen.header("authorization"), header, "{auth}");
            let in_body = secret.filter(|_| auth == "client_secret_post");
            assert_eq!(
                seen.parameter("client_secret").as_deref(),
                in_body,
                "{auth}"
            );
        }
        assert!(home.kept(&fake).is_null() && !home.text().contains("refresh-0"));
        // Once more is fine, and asks nobody.
        let again = home
            .command("logout", &["--json", &fake.mcp()])
            .run()
            .expect(0);
        assert_eq!(line(&again)["tokens"], "not_there");
        assert_eq!(fake.seen().len(), 2);
    }
}

#[apply(test)]
fn logout_forgets_in_any_case_and_tells_by_its_exit_code() {
    let unreachable = json!({"revocation_endpoint": "http://127.0.0.1:1/revoke"});
    let nowhere = json!({"revocation_endpoint": null});
    for (reply, members, code, word) in [
        (Reply::status(503), json!({}), 5, None),
        (
            Reply::json(400, &json!({"error": "unsupported_token_type"})),
            json!({}),
            5,
            None,
        ),
        (
            Reply::redirect(307, "http://127.0.0.1:9/revoke"),
            json!({}),
            5,
            None,
        ),
        (Reply::Raw(Vec::new()), json!({}), 5, None),
        (Reply::status(200), unreachable, 5, None),
        (Reply::status(200), nowhere, 0, Some("cannot_revoke")),
        (Reply::status(204), json!({}), 0, Some("revoked")),
    ] {
        let fake = revoking(reply.clone());
        let home = Home::with(&fake, members);
        let finished = home.command("logout", &["--json", &fake.mcp()]).run();
        let what = format!(
            "{reply:?}: {:?} {} {}",
            finished.code, finished.stdout, finished.stderr
        );
        assert_eq!(finished.code, Some(code), "{what}");
        match word {
            Some(word) => assert_eq!(line(&finished)["tokens"], word, "{what}"),
            None => assert_eq!(line(&finished)["exit"], 5, "{what}"),
        }
        assert!(
            !what.contains("refresh-0") && !what.contains("access-0"),
            "{what}"
        );
        assert!(home.kept(&fake).is_null(), "{what}");
        home.token(&fake).expect(3);
    }
}

#[cfg(target_os = "linux")]
#[apply(test)]
fn e12_a_logout_that_cannot_remove_the_login_tells_that_its_tokens_are_revoked() {
    needs(&["strace"]);
    for (reply, is_revoked) in [(Reply::status(200), true), (Reply::status(503), false)] {
        let fake = revoking(reply);
        let home = Home::with(&fake, json!({}));
        let logout = home.command("logout", &[&fake.mcp()]);
        const RENAMES: &str = "rename,renameat,renameat2";
        let error = format!("{RENAMES}:error=EROFS");
        let finished = traced(logout, RENAMES, "/dev/null", Some(&error)).expect(7);
        let told = finished.stderr.contains("are revoked");
        assert_eq!(told, is_revoked, "{}", finished.stderr);
        assert!(!home.kept(&fake).is_null());
    }
}

#[apply(test)]
fn logout_of_several_and_of_all() {
    let (good, bad) = (revoking(Reply::status(200)), revoking(Reply::status(503)));
    let home = Home::new();
    let all = [
        login(&good, json!({})),
        login(&bad, json!({})),
        login_to("https://third.example/mcp", &good, json!({})),
        login_to(
            "https://third.example/mcp",
            &good,
            json!({"profile": "work"}),
        ),
    ];
    home.put(&all);
    let finished = home
        .command("logout", &["--json", &bad.mcp(), &good.mcp()])
        .run()
        .expect(5);
    assert_eq!(
        finished.events.len(),
        2,
        "every one is told: {}",
        finished.stdout
    );
    assert_eq!(home.logins().len(), 2);
    let finished = home.command("logout", &["--all", "--json"]).run().expect(0);
    assert_eq!(
        (finished.events.len(), home.logins().len()),
        (2, 0),
        "{}",
        finished.stdout
    );
    for args in [&["--all"][..], &[]] {
        let finished = home.command("logout", args).run().expect(0);
        assert!(
            finished.stderr.contains("there are no logins"),
            "{}",
            finished.stderr
        );
    }
    home.command("logout", &["--all", &good.mcp()])
        .run()
        .expect(2);
}

#[apply(test)]
fn c1_a_refresh_under_way_is_waited_for_and_its_tokens_are_given_back() {
    let (servers, gate) = Rotating::behind_a_gate();
    let home = Home::expired(&servers);
    let token = home.at("token", &servers.fake).start();
    wait_for("the refresh", || (servers.refreshes() == 1).then_some(()));
    let logout = home.at("logout", &servers.fake).start();
    gate.open();
    let token = token.finish();
    assert!(matches!(token.code, Some(0 | 3)) || token.has_given_up());
    logout.finish().expect(0);
    assert!(home.kept(&servers.fake).is_null());
    assert!(!servers.was_reused());
    assert_eq!(servers.fake.seen_at("/revoke").len(), 2);
    let given_back = servers.fake.seen_at("/revoke")[0]
        .parameter("token")
        .expect("a token");
    assert!(!servers.is_good(&given_back));
    home.token(&servers.fake).expect(3);
}

/// Returns the locks and notes of refreshes.
fn files_of_refreshes(home: &Home) -> impl Iterator<Item = PathBuf> {
    let files = std::fs::read_dir(home.data().join("refresh"));
    files
        .into_iter()
        .flatten()
        .flatten()
        .map(|file| file.path())
}

/// It waits for whoever holds the login, 10 s.
#[apply(waiting_test)]
fn c1_a_hanging_refresh_neither_blocks_nor_undoes_a_logout() {
    crate::support::skip::needs_a_system();
    let (servers, gate) = Rotating::behind_a_gate();
    let home = Home::expired(&servers);
    let token = home.at("token", &servers.fake).start();
    wait_for("the refresh", || (servers.refreshes() == 1).then_some(()));
    let finished = home.at("logout", &servers.fake).run().expect(0);
    assert!(finished.stderr.contains("holds it"), "{}", finished.stderr);
    let is_note = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "json");
    let notes = || files_of_refreshes(&home).filter(is_note).count();
    assert_eq!(notes(), 1, "it does not end what it has not locked");
    token.finish().expect(5);
    gate.open();
    // The lock is free once the refresher is done.
    home.token(&servers.fake).expect(3);
    wait_for("the refresher", || {
        let is_lock = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "lock");
        // Whoever is done with a lock removes it.
        let is_held = |path| std::fs::File::open(path).is_ok_and(|lock| lock.try_lock().is_err());
        (!files_of_refreshes(&home).filter(is_lock).any(is_held)).then_some(())
    });
    assert_eq!(notes(), 0);
    assert!(home.kept(&servers.fake).is_null(), "it is not brought back");
}

/// A fake that answers revocations by the token that is given back.
fn by_token(refresh: Reply, access: Reply) -> Fake {
    Fake::with(move |seen, _| {
        let is_refresh = seen
            .parameter("token")
            .is_some_and(|token| token.starts_with("refresh"));
        (seen.path == "/revoke").then(|| {
            if is_refresh {
                refresh.clone()
            } else {
                access.clone()
            }
        })
    })
}

#[apply(test)]
fn e12_a_logout_names_the_tokens_that_stay_valid_and_until_when() {
    let fine = || Reply::status(200);
    let unsupported = || {
        let words = json!({"error": "unsupported_token_type", "error_description": "JWT access tokens cannot be revoked"});
        Reply::json(400, &words)
    };
    let unknown = || {
        Reply::json(
            400,
            &json!({"error": "invalid_request", "error_description": "token not found"}),
        )
    };
    let ended = || {
        let words =
            json!({"error": "invalid_token", "error_description": "Token expired or revoked"});
        Reply::json(400, &words)
    };
    let unauthenticated = || Reply::json(401, &json!({"error": "invalid_token"}));
    let live = json!({"expires_at": "2999-01-01T00:00:00Z"});
    let lasting = json!({"expires_at": null});
    let refused = json!({"needs_login": true, "expires_at": "2999-01-01T00:00:00Z"});
    let dead = json!({"needs_login": true});
    let alone = json!({"refresh_token": null, "expires_at": "2999-01-01T00:00:00Z"});
    let until = "lives until 2999-01-01T00:00:00Z";
    for (refresh, access, members, code, word, said) in [
        (
            fine(),
            fine(),
            live.clone(),
            0,
            "revoked",
            "its tokens are revoked",
        ),
        (
            fine(),
            unsupported(),
            live.clone(),
            0,
            "access_token_lives",
            until,
        ),
        (
            fine(),
            unsupported(),
            lasting,
            0,
            "access_token_lives",
            "lives until the server ends it",
        ),
        (
            fine(),
            unsupported(),
            json!({}),
            0,
            "revoked",
            "its tokens are revoked",
        ),
        (
            fine(),
            unknown(),
            live.clone(),
            0,
            "revoked",
            "its tokens are revoked",
        ),
        (
            fine(),
            unsupported(),
            alone.clone(),
            0,
            "access_token_lives",
            until,
        ),
        (fine(), Reply::status(503), alone, 5, "not_revoked", until),
        (
            unsupported(),
            unsupported(),
            live.clone(),
            5,
            "not_revoked",
            "the refresh token lives until the server ends it",
        ),
        (
            Reply::status(503),
            fine(),
            live.clone(),
            5,
            "not_revoked",
            "the refresh token lives until the server ends it",
        ),
        (
            unknown(),
            fine(),
            refused.clone(),
            0,
            "revoked",
            "its tokens are revoked",
        ),
        (
            unknown(),
            unsupported(),
            refused,
            0,
            "access_token_lives",
            until,
        ),
        (
            ended(),
            ended(),
            live.clone(),
            0,
            "ended",
            "had refused its tokens before",
        ),
        (
            ended(),
            fine(),
            live.clone(),
            0,
            "revoked",
            "its tokens are revoked",
        ),
        (
            fine(),
            ended(),
            live.clone(),
            0,
            "revoked",
            "its tokens are revoked",
        ),
        (
            ended(),
            ended(),
            json!({"refresh_token": null}),
            0,
            "ended",
            "had refused its tokens before",
        ),
        (
            ended(),
            unsupported(),
            live.clone(),
            0,
            "access_token_lives",
            until,
        ),
        (
            ended(),
            Reply::status(503),
            live.clone(),
            5,
            "not_revoked",
            until,
        ),
        (
            unauthenticated(),
            unauthenticated(),
            live.clone(),
            5,
            "not_revoked",
            "the refresh token lives",
        ),
        (
            unknown(),
            unknown(),
            dead.clone(),
            0,
            "ended",
            "had refused its tokens before",
        ),
        (
            Reply::Raw(Vec::new()),
            Reply::Raw(Vec::new()),
            dead,
            0,
            "ended",
            "had refused its tokens before",
        ),
    ] {
        let fake = by_token(refresh, access);
        let home = Home::with(&fake, members);
        let finished = home.command("logout", &["--json", &fake.mcp()]).run();
        let what = format!(
            "{:?} {} {}",
            finished.code, finished.stdout, finished.stderr
        );
        assert_eq!(finished.code, Some(code), "{word}: {what}");
        let told = if code == 0 {
            &line(&finished)["tokens"]
        } else {
            &line(&finished)["code"]
        };
        assert_eq!(told, word, "{what}");
        assert!(finished.stderr.contains(said), "{said}: {what}");
        assert!(home.kept(&fake).is_null());
    }
    let fake = Fake::start();
    let home = Home::with(
        &fake,
        json!({"revocation_endpoint": null, "expires_at": "2999-01-01T00:00:00Z"}),
    );
    let finished = home
        .command("logout", &["--json", &fake.mcp()])
        .run()
        .expect(0);
    assert!(
        finished.stderr.contains(until)
            && finished
                .stderr
                .contains("the refresh token, which lives until the server ends it")
    );
}

#[apply(test)]
fn e11_a_secret_that_came_unasked_is_used_where_the_endpoint_wants_one() {
    let fake = Fake::with(|seen, _| match seen.path.as_str() {
        "/register" => {
            let mut answer: Value = serde_json::from_str(&seen.body).ok()?;
            (answer["client_id"], answer["client_secret"]) = ("c".into(), "unasked-s3cret".into());
            Some(Reply::json(201, &answer))
        }
        "/revoke" if seen.header("authorization").is_some() => Some(Reply::status(200)),
        "/revoke" => Some(Reply::json(401, &json!({"error": "invalid_client"}))),
        _ => None,
    });
    let login = Program::login(&fake).agree().expect(0);
    let token = &fake.seen_at("/token")[0];
    assert!(token.header("authorization").is_none() && token.parameter("client_secret").is_none());
    let run = |words: &[&str]| {
        Program::new()
            .at_home(login.home())
            .args(words)
            .args(["--store", "file"])
            .run()
    };
    let finished = run(&["logout", "--json", &fake.mcp()]).expect(0);
    assert_eq!(line(&finished)["tokens"], "revoked");
    let seen = fake.seen_at("/revoke");
    assert!(
        seen[0].header("authorization").is_none(),
        "first as a public client"
    );
    assert_eq!(
        seen[1].header("authorization"),
        Some("Basic Yzp1bmFza2VkLXMzY3JldA==")
    );
    assert_eq!(seen[1].parameter("client_id"), None);
}

/// Whether a request has the secret in its header, and what it has as `client_id` and `client_secret` in its body.
type Authentication<'a> = (bool, Option<&'a str>, Option<&'a str>);

#[apply(test)]
fn e5_revocation_takes_another_form_of_client_authentication_where_the_registered_one_is_refused() {
    let (id, secret) = (Some("mine"), Some("s3cret"));
    let basic: &[Authentication] = &[
        (true, id, None),
        (true, None, None),
        (false, id, secret),
        (true, id, Some("")),
    ];
    let post: &[Authentication] = &[(false, id, secret), (true, None, None), (true, id, None)];
    let public: &[Authentication] = &[(false, id, None), (false, id, Some(""))];
    for (auth, forms) in [
        ("client_secret_basic", basic),
        ("client_secret_post", post),
        ("none", public),
    ] {
        for accepted in 0..=forms.len() {
            let refusal = match accepted % 3 {
                0 => Reply::json(401, &json!({"error": "invalid_client"})),
                1 => Reply::status(401),
                _ => Reply::json(400, &json!({"error": "invalid_request"})),
            };
            check_forms(auth, forms, accepted, refusal);
        }
    }
}

/// Logs out at a server that accepts one of these forms only, or none.
fn check_forms(auth: &str, forms: &[Authentication], accepted: usize, refusal: Reply) {
    let what = format!("{auth} {accepted} {refusal:?}");
    let authentication = |seen: &Seen| {
        (
            seen.header("authorization").is_some(),
            seen.parameter("client_id"),
            seen.parameter("client_secret"),
        )
    };
    let owned = |(header, id, secret): Authentication| {
        (header, id.map(str::to_owned), secret.map(str::to_owned))
    };
    let wanted = forms.get(accepted).copied().map(owned);
    let fake = Fake::with(move |seen, _| {
        let is_right = Some(authentication(seen)) == wanted;
        (seen.path == "/revoke").then(|| match is_right {
            true => Reply::status(200),
            false => refusal.clone(),
        })
    });
    let secret = (auth != "none").then_some("s3cret");
    let home = Home::with(&fake, json!({"client_auth": auth, "client_secret": secret}));
    let finished = home.command("logout", &["--json", &fake.mcp()]).run();
    match accepted < forms.len() {
        true => assert_eq!(line(&finished.expect(0))["tokens"], "revoked", "{what}"),
        false => assert_eq!(line(&finished.expect(5))["code"], "not_revoked", "{what}"),
    }
    // Each token in each form, until one is accepted.
    let sent: Vec<_> = (fake.seen_at("/revoke").iter().map(authentication)).collect();
    let tried = &forms[..forms.len().min(accepted + 1)];
    let tried: Vec<_> = tried.iter().copied().map(owned).collect();
    assert_eq!(sent, [tried.clone(), tried].concat(), "{what}");
}

#[apply(test)]
fn a_logout_that_forgets_leaves_no_file_of_ours_and_takes_no_other() {
    let servers = Rotating::start();
    let fake = &servers.fake;
    let home = Home::new();
    let named = home.path().join("x.json");
    let store = format!("file:{}", named.display());
    for store in ["file", &store] {
        let program = Program::new()
            .at_home(home.path())
            .env("MCP_LOGIN_TIMEOUT", "60s");
        let program = program.args(["--json", "--no-browser", "--store", store, &fake.mcp()]);
        program.agree().expect(0);
    }
    home.command("refresh", &[]).run().expect(0);
    home.command("handover", &["--to", "dotenv"])
        .run()
        .expect(0);
    let note = home.data().join("notes.txt");
    std::fs::write(&note, "mine").expect("writing");

    let of_named = Program::new()
        .at_home(home.path())
        .args(["logout", "--all", "--forget", "--store", &store])
        .run()
        .expect(0);
    assert!(
        of_named.stderr.contains("other logins are stored"),
        "{}",
        of_named.stderr
    );
    let is_of_named = |path: &PathBuf| path.parent() == Some(home.path());
    assert!(
        !home.all_files().iter().any(is_of_named),
        "{:?}",
        home.all_files()
    );
    assert_eq!(home.logins().len(), 1, "the other login is left");

    let finished = home
        .command("logout", &["--all", "--forget", "--json"])
        .run()
        .expect(0);
    assert!(!finished.event("forgotten")["removed"]
        .as_array()
        .expect("files")
        .is_empty());
    assert_eq!(home.all_files(), std::slice::from_ref(&note));
    std::fs::remove_file(note).expect("removing");
    home.command("logout", &["--all", "--forget"])
        .run()
        .expect(0);
    assert!(!home.data().exists());
    home.command("logout", &["--forget"]).run().expect(2);
    home.command("logout", &["--all", "--forget", "--profile", "work"])
        .run()
        .expect(2);
}
