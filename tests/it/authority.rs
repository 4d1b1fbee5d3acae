//! The authorization server in the user's own words: its issuer, its endpoints or its metadata. Nothing that the MCP
//! server says overrules them, and nothing else speaks for a server that the user names.

use std::fs;

use serde_json::{json, Value};

use crate::support::fake::{Fake, Reply, Seen};
use crate::support::parameter;
use crate::support::program::{Finished, Program};

const RESOURCE: &str = "/.well-known/oauth-protected-resource";

/// An honest authorization server without any metadata of its own.
fn silent() -> Fake {
    Fake::with(|seen, _| {
        seen.path
            .contains(".well-known")
            .then(|| Reply::status(404))
    })
}

/// A hostile MCP server: its metadata names itself as authorization server, whose document claims to be that of `honest`,
/// with the page of `honest` and a token endpoint of its own.
fn hostile(honest: &Fake, place: &'static str) -> Fake {
    let honest = honest.origin();
    Fake::with(move |seen, fake| {
        let mut resource = fake.resource_metadata();
        resource["authorization_servers"] = json!([fake.origin()]);
        let mut document = fake.server_metadata();
        document["issuer"] = honest.clone().into();
        document["authorization_endpoint"] = format!("{honest}/authorize").into();
        match seen.path.as_str() {
            path if path.starts_with(RESOURCE) => Some(Reply::json(200, &resource)),
            path if path.contains(place) => Some(Reply::json(200, &document)),
            path if path.contains(".well-known") => Some(Reply::status(404)),
            _ => None,
        }
    })
}

fn secret() -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(file.path(), "s3cret-of-the-user").expect("writing");
    file
}

#[apply(test)]
fn a1_no_document_elsewhere_speaks_for_an_issuer_that_the_user_names() {
    let file = secret();
    let secret: [&str; 3] = [
        "--client-secret-file",
        file.path().to_str().expect("a path"),
        "--quiet",
    ];
    for place in ["oauth-authorization-server", "openid-configuration"] {
        for options in [
            &[][..],
            &["--client-id", "mine"],
            &[&["--client-id", "mine"][..], &secret].concat(),
        ] {
            let honest = silent();
            let fake = hostile(&honest, place);
            let login = Program::login(&fake)
                .args(["--issuer", &honest.origin()])
                .args(options);
            let finished = login.agree().expect_error(6, "issuer_mismatch");
            for path in ["/token", "/register"] {
                assert_eq!(fake.seen_at(path).len(), 0, "{place} {options:?}");
            }
            assert_eq!(honest.seen_at("/authorize").len(), 0, "{place} {options:?}");
            for shown in [
                honest.origin(),
                "--authorization-endpoint".to_owned(),
                "--issuer-metadata".to_owned(),
            ] {
                assert!(finished.stderr.contains(&shown), "{}", finished.stderr);
            }
        }
    }
}

/// Checks a login at `honest` of which `fake` learned nothing but its own part.
#[track_caller]
fn went_to(finished: &Finished, honest: &Fake, fake: &Fake) {
    assert_eq!(honest.seen_at("/token").len(), 1, "{}", finished.stderr);
    for path in ["/token", "/register", "/authorize"] {
        assert_eq!(fake.seen_at(path).len(), 0, "{path}");
    }
    assert_eq!(
        honest.seen_at("/token")[0].parameter("resource"),
        Some(fake.mcp())
    );
    let kept = finished.kept(&fake.mcp());
    assert_eq!(kept["token_endpoint"], format!("{}/token", honest.origin()));
    // Whoever asked for quiet sees this as well.
    let host = honest.address().ip().to_string();
    let line = format!("the page to log in is at {host}, and the tokens come from {host}");
    assert!(finished.stderr.contains(&line), "{}", finished.stderr);
}

#[apply(test)]
fn n1_endpoints_from_the_user_override_those_of_the_server() {
    let file = secret();
    type Says = fn(&Seen, &Fake) -> Option<Reply>;
    let servers: [Says; 6] = [
        |_, _| None,
        |seen, _| {
            seen.path
                .contains(".well-known")
                .then(|| Reply::status(404))
        },
        |_, _| Some(Reply::status(404)),
        |_, _| Some(Reply::status(503)),
        |seen, _| {
            seen.path
                .contains(".well-known")
                .then(|| Reply::text(200, "text/html", "<html>"))
        },
        |seen, fake| {
            let mut resource = fake.resource_metadata();
            resource["authorization_servers"] = json!(["https://nowhere.invalid"]);
            seen.path
                .starts_with(RESOURCE)
                .then(|| Reply::json(200, &resource))
        },
    ];
    for says in servers {
        let (honest, fake) = (silent(), Fake::with(says));
        let [page, tokens] =
            ["authorize", "token"].map(|path| format!("{}/{path}", honest.origin()));
        let login = Program::login(&fake)
            .args(["--quiet", "--client-id", "mine", "--client-secret-file"])
            .arg(file.path())
            .args([
                "--authorization-endpoint",
                &page,
                "--token-endpoint",
                &tokens,
            ]);
        let finished = login.agree().expect(0);
        went_to(&finished, &honest, &fake);
        assert_eq!(finished.kept(&fake.mcp())["issuer"], honest.origin());
    }
    // Through the environment, with an issuer that has a path, and without an MCP server.
    let honest = silent();
    let [page, tokens] = ["authorize", "token"].map(|path| format!("{}/{path}", honest.origin()));
    let issuer = format!("{}/o", honest.origin());
    let finished = Program::login_at("work")
        .env("MCP_LOGIN_AUTHORIZATION_ENDPOINT", &page)
        .env("MCP_LOGIN_TOKEN_ENDPOINT", &tokens)
        .args(["--client-id", "mine", "--issuer", &issuer])
        .agree()
        .expect(0);
    assert_eq!(finished.kept("work")["issuer"], issuer);
    assert_eq!(finished.kept("work")["resource"], Value::Null);
}

#[apply(test)]
fn n1_metadata_from_the_user_overrides_that_of_the_server() {
    let place = "/tenant/.well-known/openid-configuration";
    for (issuer, named, exit) in [
        ("/tenant", None, 0),
        ("", None, 0),
        ("/tenant", Some("/tenant"), 0),
        ("", Some("/"), 0),
        ("/tenant", Some("/tenant/"), 2),
        ("/tenant", Some(""), 2),
    ] {
        let honest = Fake::with(move |seen, fake| {
            let mut document = fake.server_metadata();
            document["issuer"] = format!("{}{issuer}", fake.origin()).into();
            match seen.path.as_str() {
                path if path == place => Some(Reply::json(200, &document)),
                path if path.contains(".well-known") => Some(Reply::status(404)),
                _ => None,
            }
        });
        let fake = Fake::with(|seen, _| {
            seen.path
                .contains(".well-known")
                .then(|| Reply::status(404))
        });
        let url = format!("{}{place}", honest.origin());
        let mut login = Program::login(&fake).args(["--quiet", "--issuer-metadata", &url]);
        if let Some(named) = named {
            login = login.args(["--issuer", &format!("{}{named}", honest.origin())]);
        }
        if exit == 0 {
            let finished = login.agree().expect(0);
            went_to(&finished, &honest, &fake);
            assert_eq!(
                finished.kept(&fake.mcp())["issuer"],
                format!("{}{issuer}", honest.origin())
            );
        } else {
            let finished = login.agree().expect_error(exit, "issuer_mismatch");
            assert!(finished.stderr.contains("--issuer"), "{}", finished.stderr);
            assert_eq!(honest.seen_at("/authorize").len(), 0);
        }
    }
    // Where there is no such document, the user's typing is wrong; one that is only not available may come later.
    for (reply, exit, shown) in [
        (Reply::status(404), 2, "--issuer-metadata"),
        (Reply::text(200, "text/html", "<p>"), 2, "--issuer-metadata"),
        (Reply::json(200, &json!([])), 2, "JSON, but not an object"),
        (Reply::status(503), 5, "not available now"),
    ] {
        let honest = Fake::with(move |_, _| Some(reply.clone()));
        let fake = Fake::start();
        let url = format!("{}/meta", honest.origin());
        let finished = Program::login(&fake)
            .args(["--issuer-metadata", &url])
            .run();
        let finished = finished.expect_error(exit, "metadata_unusable");
        assert!(finished.stderr.contains(shown), "{}", finished.stderr);
        assert_eq!(fake.seen_at("/register").len(), 0);
    }
}

#[apply(test)]
fn n1_what_the_user_names_is_checked_before_anything_is_asked() {
    let fake = Fake::start();
    let good = "https://as.example/x";
    for args in [
        &["--authorization-endpoint", good][..],
        &["--token-endpoint", good],
        &[
            "--authorization-endpoint",
            "http://as.example/a",
            "--token-endpoint",
            good,
        ],
        &[
            "--authorization-endpoint",
            good,
            "--token-endpoint",
            "as.example/token",
        ],
        &[
            "--authorization-endpoint",
            "https://as.example/a?state=x",
            "--token-endpoint",
            good,
        ],
        &[
            "--authorization-endpoint",
            good,
            "--token-endpoint",
            good,
            "--issuer-metadata",
            good,
        ],
        &["--issuer-metadata", "http://as.example/meta"],
        &["--issuer-metadata", "file:///etc/passwd"],
        &["--issuer-metadata", "https://user:pw@as.example/meta"],
        &["--issuer-metadata", ""],
    ] {
        let finished = Program::login(&fake)
            .args(args)
            .run()
            .expect_error(2, "usage");
        assert!(!finished.stderr.contains("pw@"), "{}", finished.stderr);
    }
    // They belong to one server.
    let (one, other) = (Fake::start(), Fake::start());
    Program::login(&one)
        .arg(other.mcp())
        .args(["--issuer-metadata", good])
        .run()
        .expect_error(2, "usage");
    assert!([fake, one, other].iter().all(|fake| fake.seen().is_empty()));
}

#[apply(test)]
fn n1_a_client_of_the_users_is_used_at_the_server_that_the_user_names() {
    // As for --issuer: a client that was used elsewhere before goes where the user says.
    let (honest, fake) = (silent(), Fake::start());
    let first = Program::login(&fake)
        .args(["--client-id", "mine"])
        .agree()
        .expect(0);
    let [page, tokens] = ["authorize", "token"].map(|path| format!("{}/{path}", honest.origin()));
    let mut login = Program::login(&fake)
        .at_home(first.home())
        .args([
            "--client-id",
            "mine",
            "--authorization-endpoint",
            &page,
            "--token-endpoint",
            &tokens,
        ])
        .start();
    let url = login.authorization_url();
    assert_eq!(parameter(&url, "client_id").as_deref(), Some("mine"));
    assert!(url.starts_with(&page), "{url}");
    login.agree_at(&url);
    let finished = login.finish().expect(0);
    assert_eq!(honest.seen_at("/token").len(), 1);
    let note = format!(
        "another issuer than {}, name that one with --issuer",
        honest.origin()
    );
    assert!(finished.stderr.contains(&note), "{}", finished.stderr);
}
