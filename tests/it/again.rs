//! A login that is made again: with its own client, authorization server, redirect URI and scopes, by the command that a
//! hint gives.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use serde_json::{json, Value};

use crate::support::fake::{Fake, Reply, Seen};
use crate::support::program::{Finished, Program};

/// A fake whose MCP server names no authorization server, and whose refreshes are refused.
fn unnamed() -> Fake {
    Fake::with(|seen, _| match seen.path.as_str() {
        "/mcp" if seen.header("authorization").is_none() => Some(Reply::status(403)),
        "/.well-known/oauth-protected-resource/mcp" => Some(Reply::status(404)),
        "/.well-known/oauth-authorization-server" => Some(Reply::status(404)),
        _ => refuse_refresh(seen),
    })
}

fn refuse_refresh(seen: &Seen) -> Option<Reply> {
    let is_refresh = seen.parameter("grant_type").as_deref() == Some("refresh_token");
    (seen.path == "/token" && is_refresh)
        .then(|| Reply::json(400, &json!({"error": "invalid_grant"})))
}

/// Logs in, lets the refresh be refused, and runs the command of the hint to the authorization page and back.
fn again(first: Program, server: &str) -> (Finished, Finished) {
    let first = first.agree().expect(0);
    let refused = Program::new()
        .at_home(first.home())
        .args(["token", "--refresh", "--json", "--store", "file", server])
        .run()
        .expect(3);
    let error: Value = serde_json::from_str(&refused.stderr).expect("JSON");
    let hint = error["hint"].as_str().expect("a hint").to_owned();
    assert!(
        !hint.contains(['<', '>']) && !hint.contains("URL") && !hint.contains("SERVER"),
        "{hint}"
    );
    let second = Program::new().at_home(first.home()).pasted(&hint).agree();
    (first, second)
}

#[apply(test)]
fn c54_c55_the_command_of_the_hint_repeats_a_login_with_a_client_of_its_own() {
    let port = crate::support::closed_address().port();
    let fake = Fake::with(|seen, _| refuse_refresh(seen));
    let redirect_uri = format!("http://localhost:{port}/oauth/cb");
    let first = Program::login(&fake)
        .args([
            "--client-id",
            "mine",
            "--redirect-uri",
            &redirect_uri,
            "--scope",
            "read special",
            "--param",
            "audience=x",
        ])
        .args(["--resource", "urn:example:api", "--issuer", &fake.origin()])
        .env("MCP_LOGIN_CLIENT_SECRET", "s3cret-0123456789");
    let (first, second) = again(first, &fake.mcp());
    let second = second.expect(0);
    assert!(
        second.event("logged_in").get("already").is_none(),
        "a marked login is not live"
    );
    let pages = fake.seen_at("/authorize");
    assert_eq!(pages.len(), 2);
    for name in ["client_id", "redirect_uri", "scope", "resource", "audience"] {
        assert_eq!(pages[0].parameter(name), pages[1].parameter(name), "{name}");
    }
    assert_eq!(pages[1].parameter("redirect_uri"), Some(redirect_uri));
    let tokens = fake.seen_at("/token");
    let codes: Vec<_> = tokens
        .iter()
        .filter(|seen| seen.parameter("code").is_some())
        .collect();
    assert_eq!(
        codes[0].header("authorization"),
        codes[1].header("authorization")
    );
    assert!(codes[1]
        .header("authorization")
        .is_some_and(|value| value.starts_with("Basic ")));
    assert_eq!(
        fake.seen_at("/register").len(),
        0,
        "it does not become another client"
    );
    // Nor does --force make it one, nor the login after that.
    for _ in 0..2 {
        let forced = Program::login(&fake)
            .arg("--force")
            .at_home(first.home())
            .agree()
            .expect(0);
        assert_eq!(forced.event("logged_in")["client_id"], "mine");
    }
    assert_eq!(fake.seen_at("/register").len(), 0);
    // What an option says is as it says.
    let other = Program::login(&fake)
        .args(["--force", "--client-id", "other", "--port", "0"])
        .at_home(first.home());
    assert_eq!(
        other.agree().expect(0).event("logged_in")["client_id"],
        "other"
    );
    let anew = Program::login(&fake)
        .args(["--force", "--registration", "dcr"])
        .at_home(first.home())
        .agree()
        .expect(0);
    assert_eq!(anew.event("logged_in")["client_id"], "client-1");
}

#[apply(test)]
fn c54_the_issuer_of_a_server_that_names_none_is_stored() {
    let server = |seen: &Seen, fake: &Fake| match seen.path.as_str() {
        "/mcp" if seen.header("authorization").is_none() => Some(Reply::status(403)),
        "/.well-known/oauth-protected-resource/mcp" => Some(Reply::status(404)),
        "/.well-known/oauth-authorization-server" => Some(Reply::status(404)),
        "/.well-known/oauth-authorization-server/as" => {
            let mut metadata = fake.server_metadata();
            metadata["issuer"] = format!("{}/as", fake.origin()).into();
            Some(Reply::json(200, &metadata))
        }
        _ => refuse_refresh(seen),
    };
    let fake = Fake::with(server);
    let issuer = format!("{}/as", fake.origin());
    for client in [&["--client-id", "mine"][..], &[]] {
        let login = Program::login(&fake)
            .args(["--issuer", &issuer])
            .args(client);
        let (first, second) = again(login, &fake.mcp());
        let second = second.expect(0);
        let told = second.event("logged_in");
        assert_eq!(told["issuer"], issuer.as_str());
        assert_eq!(told["client_id"], first.event("logged_in")["client_id"]);
    }
    // A login of an older version does not tell that the issuer was named.
    let login = Program::login(&fake)
        .args(["--issuer", &issuer, "--client-id", "mine"])
        .agree()
        .expect(0);
    forget_options(&login, &fake);
    let second = Program::login(&fake)
        .arg("--force")
        .at_home(login.home())
        .agree()
        .expect(0);
    assert_eq!(second.event("logged_in")["client_id"], "mine");
    assert_eq!(second.event("logged_in")["issuer"], issuer.as_str());
}

/// The issuer of the stored login is asked where the server names none: what is wrong there counts more than the silence.
#[apply(test)]
fn c54_m9_an_attack_at_the_issuer_of_the_stored_login_is_reported() {
    for (status, exit, code) in [
        (200, 6, "issuer_mismatch"),
        (503, 5, "no_authorization_server"),
        (404, 2, "no_authorization_server"),
    ] {
        let changed = Arc::new(AtomicBool::new(false));
        let is_changed = Arc::clone(&changed);
        let fake = Fake::with(move |seen, fake| match seen.path.as_str() {
            "/.well-known/oauth-authorization-server/as" => {
                let mut metadata = fake.server_metadata();
                let is_changed = is_changed.load(Ordering::SeqCst);
                metadata["issuer"] = match is_changed {
                    true => "https://other.example".into(),
                    false => format!("{}/as", fake.origin()).into(),
                };
                Some(Reply::json(
                    if is_changed { status } else { 200 },
                    &metadata,
                ))
            }
            "/mcp" => Some(Reply::status(403)),
            "/.well-known/oauth-protected-resource/mcp"
            | "/.well-known/oauth-authorization-server" => Some(Reply::status(404)),
            _ => None,
        });
        let login = Program::login(&fake)
            .args(["--issuer", &format!("{}/as", fake.origin())])
            .args(["--client-id", "mine"])
            .agree()
            .expect(0);
        // As in a login of an older version, which does not tell that the issuer was named.
        forget_options(&login, &fake);
        changed.store(true, Ordering::SeqCst);
        let again = Program::login(&fake)
            .arg("--force")
            .at_home(login.home())
            .run();
        again.expect_error(exit, code);
    }
}

/// Removes what a login of an older version does not tell: the options that it was made with.
fn forget_options(login: &Finished, fake: &Fake) {
    let text = std::fs::read_to_string(login.credentials_path()).expect("the file");
    let mut file: Value = serde_json::from_str(&text).expect("JSON");
    file["logins"][fake.mcp()]
        .as_object_mut()
        .expect("a login")
        .remove("options")
        .expect("options");
    std::fs::write(login.credentials_path(), file.to_string()).expect("writing");
}

/// A stored login serves only a command that it could have come from.
#[apply(test)]
fn e10_a_login_made_otherwise_is_not_the_one_that_is_asked_for() {
    let fake = Fake::with(|seen, fake| {
        let mut metadata = fake.server_metadata();
        metadata["client_id_metadata_document_supported"] = true.into();
        ["/.well-known/oauth-authorization-server", "/one", "/other"]
            .contains(&seen.path.as_str())
            .then(|| Reply::json(200, &metadata))
    });
    let [one, other] = ["one", "other"].map(|name| format!("{}/{name}", fake.origin()));
    let (mine, theirs) = ("https://app.example/mine", "https://app.example/theirs");
    for (first, second, is_served) in [
        (&[][..], &["--issuer-metadata", &one][..], false),
        (
            &["--issuer-metadata", &other],
            &["--issuer-metadata", &one],
            false,
        ),
        (
            &["--issuer-metadata", &one],
            &["--issuer-metadata", &one],
            true,
        ),
        (&["--issuer-metadata", &one], &[], true),
        (&[], &["--client-metadata-url", mine], false),
        (
            &["--client-metadata-url", theirs],
            &["--client-metadata-url", mine],
            false,
        ),
        (
            &["--client-metadata-url", mine],
            &["--client-metadata-url", mine],
            true,
        ),
        (&["--client-metadata-url", mine], &[], true),
        (&[], &["--registration", "dcr"], true),
        (&["--client-id", "mine"], &["--registration", "dcr"], false),
        (&[], &["--issuer", &format!("{}/", fake.origin())], true),
    ] {
        let login = Program::login(&fake).args(first).agree().expect(0);
        let again = Program::login(&fake).args(second).at_home(login.home());
        let again = match is_served {
            true => again.run(),
            false => again.agree(),
        };
        let again = again.expect(0);
        assert_eq!(
            again.event("logged_in")["already"] == true,
            is_served,
            "{first:?} {second:?}"
        );
    }
}

/// A server that accepts no metadata documents registers the client itself: the same command finds that login again.
#[apply(test)]
fn e10_the_same_command_is_served_by_a_server_without_metadata_documents() {
    let fake = Fake::start();
    let args = ["--client-metadata-url", "https://app.example/mine"];
    let login = Program::login(&fake).args(args).agree().expect(0);
    let again = Program::login(&fake).args(args).at_home(login.home()).run();
    assert_eq!(again.expect(0).event("logged_in")["already"], true);
}

#[apply(test)]
fn c54_a_login_with_a_name_of_its_own_is_repeated_by_that_name() {
    let fake = Fake::with(|seen, _| refuse_refresh(seen));
    let first = || {
        Program::new()
            .args([
                "--json",
                "--store",
                "file",
                "--no-browser",
                "--timeout",
                "60s",
                "work",
            ])
            .args(["--issuer", &fake.origin(), "--client-id", "mine"])
    };
    let (first, second) = again(first(), "work");
    let second = second.expect(0);
    assert_eq!(second.event("logged_in")["client_id"], "mine");
    let words = ["--json", "--store", "file", "--no-browser", "work"];
    let already = Program::new()
        .at_home(first.home())
        .args(words)
        .run()
        .expect(0);
    assert_eq!(already.event("logged_in")["already"], true);
    let other = Program::new()
        .at_home(first.home())
        .args(["--profile", "other"])
        .args(words)
        .run();
    other.expect_error(2, "usage");
}

#[apply(test)]
fn c54_endpoints_that_were_named_are_stored() {
    let fake = unnamed();
    let login = Program::login(&fake).args([
        "--authorization-endpoint",
        &format!("{}/authorize", fake.origin()),
        "--token-endpoint",
        &format!("{}/token", fake.origin()),
        "--client-id",
        "mine",
    ]);
    let (_, second) = again(login, &fake.mcp());
    assert_eq!(second.expect(0).event("logged_in")["client_id"], "mine");
    assert_eq!(fake.seen_at("/authorize").len(), 2);
}

#[apply(test)]
fn c54_a_client_of_ones_own_is_shown_to_no_other_authorization_server() {
    let (one, other) = (Fake::start(), Fake::start());
    let (first, second) = (one.clone(), other.clone());
    let moved = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let flag = std::sync::Arc::clone(&moved);
    let server = Fake::with(move |seen, fake| {
        let now = if flag.load(std::sync::atomic::Ordering::Relaxed) {
            &second
        } else {
            &first
        };
        let mut metadata = fake.resource_metadata();
        metadata["authorization_servers"] = json!([now.origin()]);
        seen.path
            .contains("oauth-protected-resource")
            .then(|| Reply::json(200, &metadata))
    });
    let secret = |login: Program| login.env("MCP_LOGIN_CLIENT_SECRET", "s3cret-0123456789");
    let login = secret(Program::login(&server).args(["--client-id", "mine"]))
        .agree()
        .expect(0);
    moved.store(true, std::sync::atomic::Ordering::Relaxed);
    let refused = Program::login(&server)
        .arg("--force")
        .at_home(login.home())
        .run();
    refused.expect_error(6, "issuer_changed");
    assert!(
        other
            .seen()
            .iter()
            .all(|seen| seen.method == "GET" && seen.query.is_empty()),
        "{:?}",
        other.seen()
    );
}

#[apply(test)]
fn c54_scopes_are_asked_for_again() {
    // A server that names the scopes that it lists only, and refuses to refresh.
    let fake = Fake::with(|seen, fake| match seen.path.as_str() {
        "/mcp" if seen.header("authorization").is_none() => {
            let metadata = format!("{}/.well-known/oauth-protected-resource/mcp", fake.origin());
            Some(Reply::status(401).with(
                "WWW-Authenticate",
                &format!("Bearer resource_metadata=\"{metadata}\""),
            ))
        }
        _ => refuse_refresh(seen),
    });
    let (first, second) = again(
        Program::login(&fake).args(["--scope", "read special"]),
        &fake.mcp(),
    );
    second.expect(0);
    Program::login(&fake)
        .arg("--force")
        .at_home(first.home())
        .agree()
        .expect(0);
    Program::login(&fake)
        .args(["--scope", "read"])
        .arg("--force")
        .at_home(first.home())
        .agree()
        .expect(0);
    let asked: Vec<_> = fake
        .seen_at("/authorize")
        .iter()
        .filter_map(|page| page.parameter("scope"))
        .collect();
    assert_eq!(
        asked,
        ["read special", "read special", "read special", "read"]
    );
}

#[apply(test)]
fn c54_a_login_without_a_page_is_for_one_attempt() {
    let fake = Fake::start();
    let silent = ["--param", "prompt=none", "--param", "audience=x"];
    let first = Program::login(&fake).args(silent).agree().expect(0);
    Program::login(&fake)
        .arg("--force")
        .at_home(first.home())
        .agree()
        .expect(0);
    let pages = fake.seen_at("/authorize");
    assert_eq!(
        pages
            .iter()
            .map(|page| page.parameter("prompt"))
            .collect::<Vec<_>>(),
        [Some("none".into()), None]
    );
    assert_eq!(pages[1].parameter("audience"), Some("x".into()));
}

#[apply(test)]
fn c54_scopes_of_a_challenge_are_asked_for_again() {
    for listed in [json!(["read"]), Value::Null] {
        let scopes = listed.clone();
        let fake = Fake::with(move |seen, fake| match seen.path.as_str() {
            "/mcp" if seen.header("authorization").is_none() => {
                let metadata =
                    format!("{}/.well-known/oauth-protected-resource/mcp", fake.origin());
                Some(Reply::status(401).with(
                    "WWW-Authenticate",
                    &format!("Bearer resource_metadata=\"{metadata}\""),
                ))
            }
            "/mcp" => {
                let challenge = "Bearer error=\"insufficient_scope\", scope=\"files:write\"";
                Some(Reply::status(403).with("WWW-Authenticate", challenge))
            }
            "/.well-known/oauth-protected-resource/mcp" => {
                let mut metadata = fake.resource_metadata();
                metadata["scopes_supported"] = scopes.clone();
                Some(Reply::json(200, &metadata))
            }
            "/.well-known/oauth-authorization-server" => {
                let mut metadata = fake.server_metadata();
                metadata["scopes_supported"] = Value::Null;
                Some(Reply::json(200, &metadata))
            }
            _ => refuse_refresh(seen),
        });
        let first = Program::login(&fake).agree().expect(0);
        let run = |words: &[&str]| {
            let words = Program::new()
                .at_home(first.home())
                .args(words)
                .args(["--json", "--store", "file"]);
            words.run().expect(3)
        };
        let hint = |refused: &Finished| {
            let lines = refused.stderr.lines().chain(refused.stdout.lines());
            let told = lines.filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let hints: Vec<_> = told
                .filter_map(|it| it["hint"].as_str().map(str::to_owned))
                .collect();
            hints.first().expect("a hint").clone()
        };
        let stepped_up = hint(&run(&["check", &fake.mcp()]));
        assert!(stepped_up.contains("--challenge"), "{stepped_up}");
        Program::new()
            .at_home(first.home())
            .pasted(&stepped_up)
            .agree()
            .expect(0);
        let again = hint(&run(&["token", "--refresh", &fake.mcp()]));
        assert!(!again.contains("--challenge"), "{again}");
        Program::new()
            .at_home(first.home())
            .pasted(&again)
            .agree()
            .expect(0);
        Program::login(&fake)
            .arg("--force")
            .at_home(first.home())
            .agree()
            .expect(0);
        let asked: Vec<_> = fake
            .seen_at("/authorize")
            .iter()
            .map(|page| page.parameter("scope"))
            .collect();
        let (first, later) = match listed {
            Value::Null => (None, "files:write"),
            _ => (Some("read".to_owned()), "read files:write"),
        };
        let later = Some(later.to_owned());
        assert_eq!(
            asked,
            [first, later.clone(), later.clone(), later],
            "{listed}"
        );
    }
}
