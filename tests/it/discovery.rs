//! Finding the authorization server: challenges, metadata, issuers, PKCE, redirects, busy servers, what is kept.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use serde_json::{json, Value};

use crate::support::fake::{Fake, Reply, Seen};
use crate::support::parameter;
use crate::support::program::{Finished, Program};

const RESOURCE: &str = "/.well-known/oauth-protected-resource";
const OAUTH: &str = "/.well-known/oauth-authorization-server";
const OPENID: &str = "/.well-known/openid-configuration";

/// Most requests for metadata in one login.
const MAX_METADATA_REQUESTS: usize = 6;

fn is_metadata(seen: &Seen) -> bool {
    seen.method == "GET" && seen.path.contains(".well-known")
}

fn asked(fake: &Fake) -> Vec<String> {
    fake.seen()
        .iter()
        .filter(|seen| is_metadata(seen))
        .map(|seen| seen.path.clone())
        .collect()
}

/// Logs in, which has to succeed within the requests that a login may make.
#[track_caller]
fn succeeds(fake: &Fake, login: Program) -> Finished {
    let finished = login.agree().expect(0);
    assert!(
        asked(fake).len() <= MAX_METADATA_REQUESTS,
        "{:?}",
        asked(fake)
    );
    finished
}

/// Tries to log in, which has to fail before anything is registered and before there is a page to open.
#[track_caller]
fn fails(fake: &Fake, login: Program, exit: i32, code: &str) -> Finished {
    let finished = login.run().expect_error(exit, code);
    assert!(
        !finished
            .events
            .iter()
            .any(|event| event["event"] == "authorization_url"),
        "{}",
        finished.stdout
    );
    assert_eq!(fake.seen_at("/register").len(), 0);
    assert!(
        asked(fake).len() <= MAX_METADATA_REQUESTS,
        "{:?}",
        asked(fake)
    );
    assert!(!finished.stderr.contains("panicked"), "{}", finished.stderr);
    finished
}

/// A 401 with these `WWW-Authenticate` lines; `{P}` stands for the URL of metadata at an unusual place.
fn challenged(fake: &Fake, status: u16, lines: &[&str]) -> Reply {
    let mut reply = Reply::json(status, &json!({}));
    for line in lines {
        reply = reply.with(
            "WWW-Authenticate",
            &line.replace("{P}", &format!("{}/meta", fake.origin())),
        );
    }
    reply
}

/// Answers an MCP request that carries no token, and leaves the others to the fake.
fn without_token(seen: &Seen, fake: &Fake, reply: impl Fn(&Fake) -> Reply) -> Option<Reply> {
    (seen.method == "POST" && seen.path == "/mcp" && seen.header("authorization").is_none())
        .then(|| reply(fake))
}

#[apply(test)]
fn m1_m2_m2a_challenges_as_they_come_over_the_wire() {
    let forms: [(u16, &'static [&'static str]); 11] = [
        (401, &["Bearer resource_metadata=\"{P}\", scope=\"deep\""]),
        (401, &["bearer SCOPE=\"deep\", RESOURCE_METADATA=\"{P}\""]),
        (401, &["Bearer scope=deep,resource_metadata=\"{P}\""]),
        (
            401,
            &["Basic realm=\"a, Bearer b\", Bearer scope=\"deep\", resource_metadata=\"{P}\""],
        ),
        (
            401,
            &[
                "Basic realm=\"x\"",
                "Bearer scope=\"deep\", resource_metadata=\"{P}\"",
            ],
        ),
        (
            401,
            &[
                "Negotiate, DPoP algs=\"ES256\"",
                "Bearer resource_metadata = \"{P}\" , scope = \"deep\"",
            ],
        ),
        (
            401,
            &["Negotiate abc==, Bearer resource_metadata=\"{P}\", scope=\"deep\""],
        ),
        (
            401,
            &["Bearer realm=\"say \\\"hi\\\"\", resource_metadata=\"{P}\", scope=\"deep\""],
        ),
        (
            401,
            &["Bearer, Bearer resource_metadata=\"{P}\", scope=\"deep\""],
        ),
        (
            403,
            &["Bearer error=\"insufficient_scope\", scope=\"deep\", resource_metadata=\"{P}\""],
        ),
        (401, &["Bearer resource_metadata={P}, scope=\"deep\""]),
    ];
    for (status, lines) in forms {
        let fake = Fake::with(move |seen, fake| match seen.path.as_str() {
            "/meta" => Some(Reply::json(200, &fake.resource_metadata())),
            path if path.starts_with(RESOURCE) => Some(Reply::status(404)),
            _ => without_token(seen, fake, |fake| challenged(fake, status, lines)),
        });
        let mut login = Program::login(&fake).start();
        let url = login.authorization_url();
        assert_eq!(
            parameter(&url, "scope").as_deref(),
            Some("deep"),
            "{lines:?}"
        );
        crate::support::visit(&login.redirect(&url));
        login.finish().expect(0);
        assert_eq!(fake.seen_at("/meta").len(), 1, "{lines:?}");
        // M3a: the root form is not asked for; the path form may be, while the probe is still running.
        assert!(
            !asked(&fake).contains(&RESOURCE.to_owned()),
            "{lines:?}: {:?}",
            asked(&fake)
        );
    }
}

#[apply(test)]
fn m2a_a_header_folded_over_lines_does_not_end_the_login() {
    // No HTTP/1.1 client has to read such a response; what it would have said is looked up at its usual place.
    let fake = Fake::with(|seen, fake| {
        let folded =
            "Bearer error=\"invalid_token\",\r\n  resource_metadata=\"{P}\",\r\n\tscope=\"deep\"";
        without_token(seen, fake, |fake| challenged(fake, 401, &[folded]))
    });
    succeeds(&fake, Program::login(&fake));
}

#[apply(test)]
fn m3_m5_without_a_header_the_path_form_then_the_root_form() {
    for (found_at, resource) in [("/mcp", "/mcp"), ("", "/mcp"), ("", ""), ("", "/")] {
        let fake = Fake::with(move |seen, fake| match seen.path.as_str() {
            path if path == format!("{RESOURCE}{found_at}") => {
                let mut metadata = fake.resource_metadata();
                metadata["resource"] = format!("{}{resource}", fake.origin()).into();
                Some(Reply::json(200, &metadata))
            }
            path if path.starts_with(RESOURCE) => Some(Reply::status(404)),
            _ => without_token(seen, fake, |_| Reply::status(401)),
        });
        let finished = succeeds(&fake, Program::login(&fake));
        let expected = format!("{}{resource}", fake.origin());
        assert_eq!(finished.kept(&fake.mcp())["resource"], expected);
        // M20b, M21a, M28: byte for byte, in both requests.
        for path in ["/authorize", "/token"] {
            assert_eq!(
                fake.seen_at(path)[0].parameter("resource"),
                Some(expected.clone())
            );
        }
        let expected = if found_at.is_empty() { 2 } else { 1 };
        let order: Vec<_> = asked(&fake)
            .into_iter()
            .filter(|path| path.starts_with(RESOURCE))
            .collect();
        assert_eq!(
            order,
            [format!("{RESOURCE}/mcp"), RESOURCE.to_owned()][..expected]
        );
    }
}

#[apply(test)]
fn m3_m21a_a_server_without_a_path_has_only_the_root_form() {
    let fake = Fake::with(
        |seen, fake| match (seen.method.as_str(), seen.path.as_str()) {
            ("POST", "/") => Some(Reply::status(401)),
            ("GET", RESOURCE) => {
                let mut metadata = fake.resource_metadata();
                metadata["resource"] = fake.origin().into();
                Some(Reply::json(200, &metadata))
            }
            _ => None,
        },
    );
    let finished = succeeds(&fake, Program::login_at(&fake.origin()));
    assert_eq!(finished.kept(&fake.origin())["resource"], fake.origin());
    assert_eq!(
        fake.seen_at("/token")[0].parameter("resource"),
        Some(fake.origin())
    );
    assert_eq!(
        asked(&fake)
            .iter()
            .filter(|path| path.starts_with(RESOURCE))
            .count(),
        1
    );
}

#[apply(test)]
fn m3a_v11_an_unusable_url_in_the_header_ends_the_login() {
    let rows: [(&'static str, i32, &str); 6] = [
        ("http://127.0.0.2:1/meta", 6, "foreign_metadata"),
        ("https://as.example/meta", 6, "foreign_metadata"),
        ("http://as.example/meta", 6, "forbidden_url"),
        ("file:///etc/passwd", 6, "forbidden_url"),
        ("http://user@127.0.0.1/meta", 6, "forbidden_url"),
        ("http://169.254.169.254/latest", 6, "forbidden_url"),
    ];
    for (url, exit, code) in rows {
        let fake = Fake::with(move |seen, fake| {
            let line = format!("Bearer resource_metadata=\"{url}\"");
            without_token(seen, fake, |fake| challenged(fake, 401, &[&line]))
        });
        let finished = fails(&fake, Program::login(&fake), exit, code);
        assert!(finished.stderr.contains(url), "{url}: {}", finished.stderr);
        assert!(
            !asked(&fake).contains(&RESOURCE.to_owned()),
            "{url}: {:?}",
            asked(&fake)
        );
    }
}

#[apply(test)]
fn m56_a_challenge_that_names_no_absolute_url_is_ignored() {
    for url in [
        "/meta",
        "/.well-known/oauth-protected-resource/mcp",
        "meta",
        "",
        "//127.0.0.2:1/meta",
    ] {
        let fake = Fake::with(move |seen, fake| {
            let line = format!("Bearer resource_metadata=\"{url}\", scope=\"deep\"");
            without_token(seen, fake, |fake| challenged(fake, 401, &[&line]))
        });
        let finished = succeeds(&fake, Program::login(&fake));
        assert_eq!(
            finished.kept(&fake.mcp())["scopes_requested"],
            json!(["deep"]),
            "{url}"
        );
        assert_eq!(fake.seen_at("/meta").len(), 0, "{url}");
        let warned = finished.stderr.contains("it is not an absolute URL");
        assert!(warned || url.is_empty(), "{url}: {}", finished.stderr);
    }
}

#[apply(test)]
fn m4_m4b_b4_m50_metadata_of_another_resource_is_refused() {
    let other = Fake::start();
    for (resource, exit) in [
        // Another path of the same server is a typing error.
        ("{O}/mcp/more", 2),
        ("{O}/mc", 2),
        ("{O}/MCP", 2),
        ("{O}/other", 2),
        ("{O}/mcp?tenant=1", 2),
        ("{L}/mcp", 6),
        ("{F}/mcp", 6),
        ("https://{A}/mcp", 6),
        ("http://{A}.evil.example/mcp", 6),
        ("http://user@{A}/mcp", 6),
        ("{O}/mcp#part", 6),
        ("mcp", 6),
        ("", 6),
    ] {
        let fill = {
            let foreign = other.origin();
            move |fake: &Fake| {
                let local = fake.origin().replace("127.0.0.1", "localhost");
                let text = resource
                    .replace("{O}", &fake.origin())
                    .replace("{L}", &local);
                text.replace("{F}", &foreign)
                    .replace("{A}", &fake.address().to_string())
            }
        };
        let filled = fill.clone();
        let fake = Fake::with(move |seen, fake| {
            let mut metadata = fake.resource_metadata();
            metadata["resource"] = filled(fake).into();
            seen.path
                .starts_with(RESOURCE)
                .then(|| Reply::json(200, &metadata))
        });
        let finished = fails(&fake, Program::login(&fake), exit, "resource_mismatch");
        for shown in [fill(&fake), fake.mcp()] {
            assert!(
                finished.stderr.contains(&shown),
                "{resource}: {}",
                finished.stderr
            );
        }
        let hint = match resource {
            "{L}/mcp" => "calls itself localhost".to_owned(),
            _ if exit == 2 => format!("did you mean {}?", fill(&fake)),
            _ => format!("--resource {} says so", fake.mcp()),
        };
        assert!(
            finished.stderr.contains(&hint),
            "{resource}: {}",
            finished.stderr
        );
        assert!(
            !finished.stderr.contains("not safe"),
            "{resource}: {}",
            finished.stderr
        );
    }
    assert_eq!(other.seen().len(), 0);
}

#[apply(test)]
fn m5_metadata_without_an_authorization_server_ends_it() {
    for (servers, has_header) in [
        (json!([]), true),
        (json!(null), true),
        (json!([]), false),
        (json!(null), false),
        (json!([7]), true),
        (json!({}), true),
        (json!(5), false),
        (json!(""), true),
        (json!([""]), false),
        (json!(["not a url", "/as", "//as.example"]), true),
    ] {
        let named = servers.clone();
        let fake = Fake::with(move |seen, fake| {
            let mut metadata = fake.resource_metadata();
            metadata["authorization_servers"] = named.clone();
            if seen.path.starts_with(RESOURCE) {
                return Some(Reply::json(200, &metadata));
            }
            if has_header {
                return None;
            }
            without_token(seen, fake, |_| Reply::status(401))
        });
        let finished = fails(&fake, Program::login(&fake), 2, "metadata_unusable");
        for shown in ["authorization_servers", "--issuer"] {
            assert!(
                finished.stderr.contains(shown),
                "{servers}: {}",
                finished.stderr
            );
        }
        // M9b, case 1 by analogy: the user knows what the metadata does not say.
        succeeds(
            &fake,
            Program::login(&fake).args(["--issuer", &fake.origin()]),
        );
    }
}

#[apply(test)]
fn m5a_the_first_entry_is_used_and_issuer_names_another() {
    let second = Fake::start();
    let origin = second.origin();
    let fake = Fake::with(move |seen, fake| {
        let mut metadata = fake.resource_metadata();
        metadata["authorization_servers"] = json!([fake.origin(), origin]);
        seen.path
            .starts_with(RESOURCE)
            .then(|| Reply::json(200, &metadata))
    });
    let finished = succeeds(&fake, Program::login(&fake));
    assert_eq!(finished.kept(&fake.mcp())["issuer"], fake.origin());
    assert_eq!(second.seen().len(), 0);
    let finished = succeeds(
        &fake,
        Program::login(&fake).args(["--issuer", &second.origin()]),
    );
    assert_eq!(finished.kept(&fake.mcp())["issuer"], second.origin());
    assert_eq!(second.seen_at("/token").len(), 1);
}

#[apply(test)]
fn m55_an_entry_that_is_not_a_url_is_skipped() {
    for broken in ["", "not a url", "/as", "//as.example"] {
        let fake = Fake::with(move |seen, fake| {
            let mut metadata = fake.resource_metadata();
            metadata["authorization_servers"] = json!([broken, fake.origin()]);
            seen.path
                .starts_with(RESOURCE)
                .then(|| Reply::json(200, &metadata))
        });
        let finished = succeeds(&fake, Program::login(&fake));
        assert!(
            finished.stderr.contains("ignoring authorization_servers"),
            "{broken}: {}",
            finished.stderr
        );
    }
}

#[apply(test)]
fn m54_a_required_endpoint_that_is_not_a_url_is_named() {
    for has_resource in [true, false] {
        for member in ["authorization_endpoint", "token_endpoint"] {
            for value in [json!(""), json!("/token"), json!(7), json!(null)] {
                let written = value.clone();
                let fake = Fake::with(move |seen, fake| {
                    let mut metadata = fake.server_metadata();
                    metadata[member] = written.clone();
                    match seen.path.as_str() {
                        OAUTH => Some(Reply::json(200, &metadata)),
                        path if path.starts_with(RESOURCE) && !has_resource => {
                            Some(Reply::status(404))
                        }
                        _ => without_token(seen, fake, |_| Reply::status(401)),
                    }
                });
                let finished = fails(&fake, Program::login(&fake), 2, "no_authorization_server");
                for shown in [member, "--issuer", "--authorization-endpoint"] {
                    assert!(
                        finished.stderr.contains(shown),
                        "{member} {value}: {}",
                        finished.stderr
                    );
                }
            }
        }
    }
}

#[apply(test)]
fn m5a_if_the_first_entry_does_not_answer_the_others_are_named() {
    for (others, hint) in [
        (
            json!(["https://b.example"]),
            "names 1 other authorization server: https://b.example; --issuer URL chooses",
        ),
        (
            json!([
                "https://b\u{1b}[2J\u{7}",
                "https://c.example",
                "https://d.example",
                "https://e.example"
            ]),
            r"names 4 other authorization servers: https://b\u{7}, https://c.example, https://d.example and 1 more; --issuer",
        ),
        (
            json!([]),
            "report this to the operator of the authorization server; --authorization-endpoint and",
        ),
    ] {
        let fake = Fake::with(move |seen, fake| {
            let mut metadata = fake.resource_metadata();
            metadata["authorization_servers"]
                .as_array_mut()
                .expect("a list")
                .extend(others.as_array().cloned().expect("a list"));
            match seen.path.as_str() {
                path if path.starts_with(RESOURCE) => Some(Reply::json(200, &metadata)),
                OAUTH => Some(Reply::status(404)),
                _ => None,
            }
        });
        let finished = fails(&fake, Program::login(&fake), 2, "no_authorization_server");
        assert!(finished.stderr.contains(hint), "{}", finished.stderr);
    }
}

#[apply(test)]
fn m22_scopes_that_are_none_or_too_many_are_left_out() {
    let many: Vec<_> = (0..20_000)
        .map(|number| format!("scope-{number}"))
        .collect();
    for (offered, asked, warning) in [
        (
            json!(["read", "a\"b", "a\\b", "\u{e9}", "write"]),
            "read write".to_owned(),
            "3 of the scopes that ",
        ),
        (
            json!(many),
            many[..100].join(" "),
            "19900 of the scopes that ",
        ),
    ] {
        let fake = Fake::with(move |seen, fake| {
            let mut metadata = fake.resource_metadata();
            metadata["scopes_supported"] = offered.clone();
            match seen.path.as_str() {
                path if path.starts_with(RESOURCE) => Some(Reply::json(200, &metadata)),
                _ => without_token(seen, fake, |_| Reply::status(401)),
            }
        });
        let finished = succeeds(&fake, Program::login(&fake));
        assert_eq!(
            fake.seen_at("/authorize")[0].parameter("scope"),
            Some(asked)
        );
        assert_eq!(
            finished.stderr.matches(warning).count(),
            1,
            "{}",
            finished.stderr
        );
        // The sentence at the end names a few.
        let more = if warning.starts_with('3') {
            "scopes:  read write\n"
        } else {
            " scope-19 and 80 more\n"
        };
        assert!(finished.stderr.contains(more), "{}", finished.stderr);
    }
}

/// A server of MCP 2025-03-26: no resource metadata; `document` and `challenge` are what it has of the rest.
fn old_server(status: u16, document: Option<fn(&Fake) -> Reply>, challenge: &'static str) -> Fake {
    Fake::with(move |seen, fake| match seen.path.as_str() {
        path if path.starts_with(RESOURCE) => Some(Reply::status(404)),
        OAUTH => Some(document.map_or(Reply::status(404), |document| document(fake))),
        _ => without_token(seen, fake, |_| {
            Reply::json(status, &json!({})).with("WWW-Authenticate", challenge)
        }),
    })
}

#[apply(test)]
fn m6_servers_without_resource_metadata() {
    // With a document at the root; M21b: the resource is the URL that was typed.
    let fake = old_server(
        401,
        Some(|fake| Reply::json(200, &fake.server_metadata())),
        "Bearer",
    );
    let finished = succeeds(&fake, Program::login(&fake));
    assert_eq!(finished.kept(&fake.mcp())["resource"], fake.mcp());
    // Without one, after a 401: the endpoints that 2025-03-26 names.
    for challenge in ["Bearer", "Basic", ""] {
        let fake = old_server(401, None, challenge);
        let finished = succeeds(&fake, Program::login(&fake));
        assert_eq!(finished.kept(&fake.mcp())["issuer"], fake.origin());
        assert_eq!(fake.seen_at("/register").len(), 1);
        assert_eq!(
            fake.seen_at("/token")[0].parameter("resource"),
            Some(fake.mcp())
        );
    }
    // Without a 401 nothing says that there is anything to log in to.
    for (status, exit) in [(403, 2), (400, 2), (405, 2), (500, 5), (429, 5)] {
        let fake = old_server(status, None, "Basic");
        fails(
            &fake,
            Program::login(&fake),
            exit,
            "no_authorization_server",
        );
    }
    // What is only unavailable is not absent: the default endpoints would be a guess.
    let busy: [fn(&Fake) -> Reply; 3] = [
        |_| Reply::status(500),
        |_| Reply::status(503).with("Retry-After", "3600"),
        |_| Reply::Raw(b"junk".to_vec()),
    ];
    for reply in busy {
        let fake = old_server(401, Some(reply), "Bearer");
        fails(&fake, Program::login(&fake), 5, "no_authorization_server");
    }
}

#[apply(test)]
fn m7_a_server_that_never_challenges_and_a_provider_like_google() {
    let fake = Fake::with(
        |seen, fake| match (seen.method.as_str(), seen.path.as_str()) {
            ("POST", "/mcp/v1") => Some(Reply::json(
                200,
                &json!({"jsonrpc": "2.0", "id": 1, "result": {"tools": []}}),
            )),
            ("GET", "/.well-known/oauth-protected-resource/mcp/v1") => Some(Reply::json(
                200,
                &json!({
                    "resource": format!("{}/mcp/v1", fake.origin()),
                    "authorization_servers": [format!("{}/", fake.origin())],
                    "scopes_supported": ["calendar.read"],
                }),
            )),
            ("GET", OAUTH) => {
                let mut metadata = fake.server_metadata();
                metadata
                    .as_object_mut()
                    .expect("an object")
                    .remove("registration_endpoint");
                metadata["token_endpoint_auth_methods_supported"] =
                    json!(["client_secret_post", "client_secret_basic"]);
                Some(Reply::json(200, &metadata))
            }
            ("POST", "/token") => {
                let offline = fake.seen_at("/authorize")[0]
                    .parameter("access_type")
                    .as_deref()
                    == Some("offline");
                let mut tokens = fake.tokens(1, seen.parameter("scope"));
                if !offline {
                    tokens
                        .as_object_mut()
                        .expect("an object")
                        .remove("refresh_token");
                }
                Some(Reply::json(200, &tokens))
            }
            _ => None,
        },
    );
    let client = tempfile::NamedTempFile::new().expect("a file");
    let installed = json!({"installed": {
        "client_id": "1-a.apps.example", "client_secret": "GOCSPX-canary", "redirect_uris": ["http://localhost"],
    }});
    std::fs::write(client.path(), installed.to_string()).expect("writing");
    let url = format!("{}/mcp/v1", fake.origin());
    let login = || {
        Program::login_at(&url)
            .arg("--client-file")
            .arg(client.path())
    };
    let finished = succeeds(&fake, login().args(["--param", "access_type=offline"]));
    let kept = finished.kept(&url);
    assert_eq!(kept["refresh_token"], "refresh-1");
    assert_eq!(kept["issuer"], fake.origin());
    assert_eq!(kept["scopes_requested"], json!(["calendar.read"]));
    let token = &fake.seen_at("/token")[0];
    assert_eq!(
        token.parameter("client_secret").is_some(),
        token.header("authorization").is_none()
    );
    // Without the client there is no way, and it is said before a browser opens.
    let finished = Program::login_at(&url)
        .run()
        .expect_error(2, "client_id_needed");
    assert!(
        finished.stderr.contains("--client-file"),
        "{}",
        finished.stderr
    );
}

/// A server whose issuer has a path, with its metadata at one place.
fn tenant(found_at: &'static str, issuer: &'static str) -> Fake {
    Fake::with(move |seen, fake| {
        let issuer = format!("{}{issuer}", fake.origin());
        let mut document = fake.server_metadata();
        document["issuer"] = issuer.clone().into();
        let mut resource = fake.resource_metadata();
        resource["authorization_servers"] = json!([issuer]);
        match seen.path.as_str() {
            path if path.starts_with(RESOURCE) => Some(Reply::json(200, &resource)),
            path if path == found_at => Some(Reply::json(200, &document)),
            // M8a: what stands at the root is not for this issuer.
            "/t1/.well-known/openid-configuration" => Some(Reply::status(500)),
            OAUTH | OPENID => Some(Reply::json(200, &fake.server_metadata())),
            _ => None,
        }
    })
}

#[apply(test)]
fn m8_m8a_m8b_metadata_of_an_issuer_with_a_path() {
    let order = [
        "/.well-known/oauth-authorization-server/t1",
        "/.well-known/openid-configuration/t1",
        "/t1/.well-known/openid-configuration",
        "/t1/.well-known/oauth-authorization-server",
    ];
    for issuer in ["/t1", "/t1/"] {
        for (number, found_at) in order.into_iter().enumerate() {
            let fake = tenant(found_at, issuer);
            let finished = succeeds(&fake, Program::login(&fake));
            assert_eq!(
                finished.kept(&fake.mcp())["issuer"],
                format!("{}{issuer}", fake.origin())
            );
            let mut places = asked(&fake);
            places.retain(|path| !path.starts_with(RESOURCE));
            assert_eq!(places, order[..=number]);
        }
    }
}

#[apply(test)]
fn m8_a_root_issuer_may_have_only_an_openid_document() {
    for status in [404, 401, 500, 200] {
        let fake = Fake::with(move |seen, fake| match seen.path.as_str() {
            OAUTH => Some(Reply::text(
                status,
                "text/html",
                "<html>not this one</html>",
            )),
            OPENID => Some(Reply::json(200, &fake.server_metadata())),
            _ => None,
        });
        succeeds(&fake, Program::login(&fake));
        assert_eq!(&asked(&fake)[1..], [OAUTH, OPENID]);
    }
}

/// Fills in an issuer: `{O}` is the fake's origin, `{A}` its address, `{H}` its port.
fn filled(text: &str, fake: &Fake) -> String {
    let (address, port) = (
        fake.address().to_string(),
        fake.address().port().to_string(),
    );
    text.replace("{O}", &fake.origin())
        .replace("{A}", &address)
        .replace("{H}", &port)
}

/// A server whose resource metadata names one issuer, and whose document names another.
fn two_minds(entry: &'static str, document: &'static str) -> Fake {
    Fake::with(move |seen, fake| {
        let mut metadata = fake.server_metadata();
        metadata["issuer"] = filled(document, fake).into();
        let mut resource = fake.resource_metadata();
        resource["authorization_servers"] = json!([filled(entry, fake)]);
        match seen.path.as_str() {
            path if path.starts_with(RESOURCE) => Some(Reply::json(200, &resource)),
            path if path.contains("oauth-authorization-server") => {
                Some(Reply::json(200, &metadata))
            }
            _ => None,
        }
    })
}

#[apply(test)]
fn m9_m9a_m19_b2_b3_issuers() {
    for (entry, document) in [
        ("{O}", "{O}"),
        ("{O}/", "{O}"),
        ("{O}", "{O}/"),
        ("{O}/", "{O}/"),
        ("{O}/t1", "{O}/t1"),
        ("{O}/t1/", "{O}/t1/"),
        ("http://localhost:{H}", "http://localhost:{H}/"),
    ] {
        let fake = two_minds(entry, document);
        let finished = succeeds(&fake, Program::login(&fake));
        let recorded = filled(document, &fake);
        assert_eq!(finished.kept(&fake.mcp())["issuer"], recorded);
        assert_eq!(finished.event("logged_in")["issuer"], recorded);
    }
    for (entry, document) in [
        ("{O}/t1", "{O}/t1/"),
        ("{O}/t1/", "{O}/t1"),
        ("{O}/t1", "{O}"),
        ("{O}", "{O}/t1"),
        ("{O}", "{O}//"),
        ("http://localhost:{H}", "http://LOCALHOST:{H}"),
        ("http://localhost:{H}", "HTTP://localhost:{H}"),
        ("{O}", "http://localhost:{H}"),
        ("{O}", "https://honest.example"),
        ("{O}", ""),
        ("{O}", " {O}"),
    ] {
        let fake = two_minds(entry, document);
        let finished = fails(&fake, Program::login(&fake), 6, "issuer_mismatch");
        for shown in [filled(entry, &fake), filled(document, &fake)] {
            assert!(
                finished.stderr.contains(&shown),
                "{entry} {document}: {}",
                finished.stderr
            );
        }
    }
}

#[apply(test)]
fn m9b_without_resource_metadata_the_named_issuer_is_used() {
    let other = Fake::start();
    for status in [401, 200] {
        let fake = old_server(status, None, "Basic");
        let finished = succeeds(
            &fake,
            Program::login(&fake).args(["--issuer", &other.origin()]),
        );
        assert_eq!(finished.kept(&fake.mcp())["issuer"], other.origin());
        assert_eq!(finished.kept(&fake.mcp())["resource"], fake.mcp());
        assert_eq!(fake.seen_at("/token").len(), 0);
    }
}

#[apply(test)]
fn m9b_an_entry_of_the_resource_is_chosen_with_or_without_its_slash() {
    for (entry, named) in [
        ("{O}", "{O}"),
        ("{O}/", "{O}"),
        ("{O}", "{O}/"),
        ("{O}/t1", "{O}/t1"),
    ] {
        let fake = two_minds(entry, entry);
        let named = filled(named, &fake);
        succeeds(&fake, Program::login(&fake).args(["--issuer", &named]));
    }
}

#[apply(test)]
fn m9b_m9c_a1_only_the_named_issuers_own_documents_speak_for_it() {
    // The issuer that the document names serves nothing itself: nobody else may speak for it, whatever was typed.
    let silent = Fake::with(move |seen, fake| {
        let mut resource = fake.resource_metadata();
        resource["authorization_servers"] = json!([format!("{}/app", fake.origin())]);
        let mut metadata = fake.server_metadata();
        metadata["issuer"] = format!("{}/real", fake.origin()).into();
        match seen.path.as_str() {
            path if path.starts_with(RESOURCE) => Some(Reply::json(200, &resource)),
            "/.well-known/oauth-authorization-server/app" => Some(Reply::json(200, &metadata)),
            _ => None,
        }
    });
    let real = format!("{}/real", silent.origin());
    let finished = fails(
        &silent,
        Program::login(&silent).args(["--issuer", &real]),
        6,
        "issuer_mismatch",
    );
    for shown in [
        &real,
        "--authorization-endpoint",
        "--token-endpoint",
        "--issuer-metadata",
    ] {
        assert!(finished.stderr.contains(shown), "{}", finished.stderr);
    }
    // A typing error is no attack.
    for wrong in [
        "{O}/real/",
        "{O}/REAL",
        "{O}/app2",
        "https://honest.example",
    ] {
        let login = Program::login(&silent).args(["--issuer", &filled(wrong, &silent)]);
        let finished = login.run().expect_error(2, "issuer_mismatch");
        assert!(
            finished.stderr.contains(&filled(wrong, &silent)),
            "{}",
            finished.stderr
        );
        assert!(!finished.stderr.contains("not safe"), "{}", finished.stderr);
    }
    // Where the named issuer has a document of its own, that one is used.
    let fake = two_minds("{O}/app", "{O}/real");
    let named = format!("{}/real", fake.origin());
    succeeds(&fake, Program::login(&fake).args(["--issuer", &named]));
}

/// A hostile MCP server vouches for an honest issuer with a token endpoint of its own.
fn impostor(honest: &Fake, entries: &'static [&'static str]) -> Fake {
    let honest = honest.origin();
    Fake::with(move |seen, fake| {
        let mut resource = fake.resource_metadata();
        resource["authorization_servers"] = entries
            .iter()
            .map(|entry| format!("{}{entry}", fake.origin()))
            .collect();
        let mut metadata = fake.server_metadata();
        metadata["issuer"] = honest.clone().into();
        match seen.path.as_str() {
            RESOURCE => Some(Reply::json(200, &resource)),
            "/z/.well-known/oauth-authorization-server" => Some(Reply::json(200, &metadata)),
            path if path.contains(".well-known") => Some(Reply::status(404)),
            _ => without_token(seen, fake, |_| Reply::status(401)),
        }
    })
}

#[apply(test)]
fn m9b_b3_the_named_issuers_own_endpoints_are_used_and_never_an_impostors() {
    // Two requests for resource metadata, four for the entry: none would be left for the honest issuer.
    let honest = Fake::start();
    let fake = impostor(&honest, &["/z"]);
    let finished = Program::login(&fake)
        .args(["--issuer", &honest.origin()])
        .agree();
    assert_eq!(
        fake.seen_at("/token").len(),
        0,
        "the impostor got a code: {}",
        finished.stderr
    );
    assert_eq!(fake.seen_at("/register").len(), 0);
    // An honest issuer that is only unavailable does not make an impostor honest either.
    let busy = Fake::with(|_, _| Some(Reply::status(503).with("Retry-After", "100000")));
    let fake = impostor(&busy, &["/z"]);
    let finished = Program::login(&fake)
        .args(["--issuer", &busy.origin()])
        .agree();
    assert_eq!(
        fake.seen_at("/token").len(),
        0,
        "the impostor got a code: {}",
        finished.stderr
    );
    assert_eq!(finished.code, Some(5), "{}", finished.stderr);
}

#[apply(test)]
fn m42_a_name_with_an_issuer_and_no_mcp_server() {
    let fake = Fake::with(|seen, fake| {
        (seen.path == "/token").then(|| Reply::json(200, &fake.tokens(1, None)))
    });
    let finished = succeeds(
        &fake,
        Program::login_at("work-account").args(["--issuer", &fake.origin()]),
    );
    let kept = finished.kept("work-account");
    assert_eq!(kept["issuer"], fake.origin());
    assert_eq!(kept["resource"], Value::Null);
    for path in ["/authorize", "/token"] {
        assert_eq!(fake.seen_at(path)[0].parameter("resource"), None, "{path}");
    }
    assert_eq!(fake.seen_at("/mcp").len(), 0);
    let login = Program::login_at("other").args([
        "--issuer",
        &fake.origin(),
        "--resource",
        "urn:example:api",
    ]);
    assert_eq!(
        login.agree().expect(0).kept("other")["resource"],
        "urn:example:api"
    );
}

#[apply(test)]
fn m10_m10a_m10b_b5_pkce_is_listed_or_refused() {
    let rows = [
        (json!(null), 6, 0),
        (json!([]), 6, 6),
        (json!(["plain"]), 6, 6),
        (json!(["s256"]), 6, 6),
        (json!(["plain", "S256"]), 0, 0),
    ];
    for place in [OAUTH, OPENID] {
        for (methods, without, with) in rows.clone() {
            let listed = methods.clone();
            let fake = Fake::with(move |seen, fake| {
                let mut metadata = fake.server_metadata();
                metadata["code_challenge_methods_supported"] = listed.clone();
                match seen.path.as_str() {
                    path if path == place => Some(Reply::json(200, &metadata)),
                    OAUTH => Some(Reply::status(404)),
                    _ => None,
                }
            });
            match without {
                0 => drop(succeeds(&fake, Program::login(&fake))),
                exit => drop(fails(
                    &fake,
                    Program::login(&fake),
                    exit,
                    "pkce_unsupported",
                )),
            }
            let finished = Program::login(&fake)
                .arg("--assume-pkce")
                .agree()
                .expect(with);
            // The fake checks the challenge: S256 is sent all the same.
            assert_eq!(
                finished.stderr.contains("warning"),
                methods.is_null(),
                "{}",
                finished.stderr
            );
        }
    }
}

#[apply(test)]
fn m11_m39_an_authorization_server_in_the_clear_or_in_private_is_refused() {
    for issuer in [
        "http://as.example",
        "http://10.0.0.1",
        "http://169.254.169.254",
        "https://0.0.0.0",
        "https://user:pw@as.example",
        "https://as.example#x",
        "ftp://as.example",
        "javascript:alert(1)",
    ] {
        let fake = Fake::with(move |seen, fake| {
            let mut metadata = fake.resource_metadata();
            metadata["authorization_servers"] = json!([issuer]);
            seen.path
                .starts_with(RESOURCE)
                .then(|| Reply::json(200, &metadata))
        });
        fails(&fake, Program::login(&fake), 6, "forbidden_url");
    }
}

#[apply(test)]
fn m11a_loopback_by_name_works_whole() {
    let server = Fake::with(|_, _| None);
    let issuer = server.origin().replace("127.0.0.1", "localhost");
    let named = issuer.clone();
    let document = Fake::with(move |seen, fake| {
        let mut metadata = fake.resource_metadata();
        metadata["resource"] = fake.mcp().replace("127.0.0.1", "localhost").into();
        metadata["authorization_servers"] = json!([named]);
        let header = format!(
            "Bearer resource_metadata=\"{}{RESOURCE}/mcp\"",
            fake.origin().replace("127.0.0.1", "localhost")
        );
        match seen.path.as_str() {
            path if path.starts_with(RESOURCE) => Some(Reply::json(200, &metadata)),
            _ => without_token(seen, fake, |_| {
                Reply::status(401).with("WWW-Authenticate", &header)
            }),
        }
    });
    // The metadata of the first fake names an issuer with its address; the one with the name is refused (M9).
    let login = Program::login_at(&document.mcp().replace("127.0.0.1", "localhost"));
    login.run().expect_error(6, "issuer_mismatch");
    let both = Fake::with(move |seen, fake| {
        let named = fake.origin().replace("127.0.0.1", "localhost");
        let mut metadata: Value = serde_json::from_str(
            &fake
                .server_metadata()
                .to_string()
                .replace("127.0.0.1", "localhost"),
        )
        .expect("JSON");
        let mut resource = fake.resource_metadata();
        resource["resource"] = format!("{named}/mcp").into();
        resource["authorization_servers"] = json!([named]);
        metadata["issuer"] = named.into();
        match seen.path.as_str() {
            path if path.starts_with(RESOURCE) => Some(Reply::json(200, &resource)),
            OAUTH => Some(Reply::json(200, &metadata)),
            _ => without_token(seen, fake, |_| Reply::status(401)),
        }
    });
    succeeds(
        &both,
        Program::login_at(&both.mcp().replace("127.0.0.1", "localhost")),
    );
}

#[apply(test)]
fn m12_m7_w6_the_shape_of_what_is_asked() {
    let fake = Fake::start();
    succeeds(&fake, Program::login(&fake));
    for seen in fake.seen().iter().filter(|seen| is_metadata(seen)) {
        assert_eq!(
            seen.header("mcp-protocol-version"),
            Some("2026-07-28"),
            "{}",
            seen.path
        );
        assert_eq!(
            seen.header("accept"),
            Some("application/json"),
            "{}",
            seen.path
        );
        assert!(seen
            .header("user-agent")
            .is_some_and(|name| name.starts_with("mcp-login/")));
    }
    // A server may compress what it sends to whoever does not say that nothing can be unpacked.
    for seen in fake.seen().iter().filter(|seen| seen.path != "/authorize") {
        assert_eq!(
            seen.header("accept-encoding"),
            Some("identity"),
            "{}",
            seen.path
        );
    }
    let probes = fake.seen_at("/mcp");
    assert_eq!(probes.len(), 1, "{probes:?}");
    let body: Value = serde_json::from_str(&probes[0].body).expect("JSON");
    let meta = &body["params"]["_meta"];
    assert_eq!(body["jsonrpc"], "2.0");
    assert_eq!(
        probes[0].header("mcp-protocol-version"),
        meta["io.modelcontextprotocol/protocolVersion"].as_str()
    );
    assert_eq!(probes[0].header("mcp-method"), body["method"].as_str());
    assert_eq!(probes[0].header("content-type"), Some("application/json"));
    assert_eq!(
        probes[0].header("accept"),
        Some("application/json, text/event-stream")
    );
    assert_eq!(
        meta["io.modelcontextprotocol/clientInfo"]["name"],
        "mcp-login"
    );
    assert!(fake
        .seen()
        .iter()
        .all(|seen| seen.header("authorization").is_none()));
}

#[apply(test)]
fn m7_initialize_is_asked_only_where_the_modern_form_is_not_known() {
    for (status, asks_again) in [
        (200, false),
        (202, false),
        (401, false),
        (403, false),
        (429, false),
        (500, false),
        (503, false),
        (400, true),
        (404, true),
        (405, true),
        (406, true),
    ] {
        let fake = Fake::with(move |seen, fake| {
            let challenge =
                |fake: &Fake| challenged(fake, 401, &["Bearer resource_metadata=\"{P}\""]);
            if seen.path == "/meta" {
                return Some(Reply::json(200, &fake.resource_metadata()));
            }
            without_token(seen, fake, |fake| {
                match seen.body.contains("\"initialize\"") {
                    true => challenge(fake),
                    false => Reply::json(status, &json!({})).with("Retry-After", "0"),
                }
            })
        });
        succeeds(&fake, Program::login(&fake));
        let asked = fake.seen_at("/mcp");
        assert_eq!(asked.len(), 1 + usize::from(asks_again), "{status}");
        assert_eq!(
            fake.seen_at("/meta").len(),
            usize::from(asks_again),
            "{status}"
        );
        if let Some(second) = asked.get(1) {
            let body: Value = serde_json::from_str(&second.body).expect("JSON");
            assert_eq!(body["params"]["protocolVersion"], "2025-11-25");
            assert_eq!(second.header("mcp-method"), None);
        }
    }
}

#[apply(test)]
fn m35a_a_challenge_of_a_client_replaces_the_probe() {
    let fake = Fake::with(|seen, fake| {
        (seen.path == "/meta").then(|| Reply::json(200, &fake.resource_metadata()))
    });
    let challenge = format!(
        "Bearer error=\"insufficient_scope\", scope=\"write\", resource_metadata=\"{}/meta\"",
        fake.origin()
    );
    let first = succeeds(&fake, Program::login(&fake));
    let mut step_up = Program::login(&fake)
        .at_home(first.home())
        .args(["--challenge", &challenge])
        .start();
    let url = step_up.authorization_url();
    let scope = parameter(&url, "scope").expect("a scope");
    let mut scopes: Vec<_> = scope.split(' ').collect();
    scopes.sort_unstable();
    assert_eq!(scopes, ["read", "write"]);
    assert_eq!(
        fake.seen_at("/mcp").len(),
        1,
        "there is no probe with a challenge"
    );
    assert_eq!(fake.seen_at("/meta").len(), 1);
    for foreign in ["https://evil.example/meta", "http://169.254.169.254/"] {
        let challenge = format!("Bearer resource_metadata=\"{foreign}\"");
        let finished = Program::login(&fake)
            .args(["--challenge", &challenge])
            .run()
            .expect(6);
        assert!(finished.stderr.contains(foreign), "{}", finished.stderr);
    }
}

#[apply(test)]
fn m35b_a_challenge_adds_to_what_was_asked_for_before() {
    for (challenge, issuer, options, expected) in [
        ("Bearer scope=\"read\"", 0, vec![], Some("write read")),
        (
            "Bearer scope=\"read\"",
            0,
            vec!["--scope", "read"],
            Some("read"),
        ),
        ("Bearer scope=\"read\"", 1, vec![], Some("read")),
        // Where the server names none, the user's own are asked for again.
        ("Bearer", 0, vec![], Some("write")),
        ("Bearer", 1, vec![], Some("read write")),
    ] {
        let other = Fake::start();
        let moved = Arc::new(AtomicUsize::new(0));
        let (state, other_origin) = (Arc::clone(&moved), other.origin());
        let fake = Fake::with(move |seen, fake| {
            if seen.path.starts_with(RESOURCE) {
                let mut metadata = fake.resource_metadata();
                let entries = [fake.origin(), other_origin.clone()];
                metadata["authorization_servers"] = json!([entries[state.load(Ordering::SeqCst)]]);
                return Some(Reply::json(200, &metadata));
            }
            without_token(seen, fake, |fake| challenged(fake, 401, &[challenge]))
        });
        let first = succeeds(&fake, Program::login(&fake).args(["--scope", "write"]));
        moved.store(issuer, Ordering::SeqCst);
        Program::login(&fake)
            .at_home(first.home())
            .arg("--force")
            .args(options)
            .agree()
            .expect(0);
        let asked: Vec<_> = [&fake, &other]
            .iter()
            .flat_map(|it| it.seen_at("/authorize"))
            .collect();
        assert_eq!(
            asked[1].parameter("scope").as_deref(),
            expected,
            "{challenge} {issuer}"
        );
    }
}

/// What stands where metadata should be. None of it may be repeated in a message.
fn odd_bodies() -> Vec<(&'static str, Reply)> {
    let json = |text: &str| Reply::text(200, "application/json", text.to_owned());
    let good = "{\"resource\":\"c4nary\",\"issuer\":\"c4nary\"";
    vec![
        ("truncated", json(&format!("{good},\"x\":\"c4nary"))),
        ("a wrong length", Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{\"c4nary\":1".to_vec())),
        ("huge", json(&format!("{{\"c4nary\":\"{}\"}}", "x".repeat(2 << 20)))),
        ("HTML", Reply::text(200, "text/html", "<html>c4nary</html>")),
        ("HTML, called JSON", json("<html>c4nary</html>")),
        ("empty", json("")),
        ("an array", json("[\"c4nary\"]")),
        ("null", json("null")),
        ("a number", json("1e999")),
        ("NaN", json("{\"c4nary\":NaN}")),
        ("deep", json(&"[".repeat(100_000))),
        ("deep inside", json(&format!("{{\"c4nary\":{}", "[".repeat(100_000)))),
        (
            "a doubled member",
            json("{\"issuer\":\"c4nary\",\"issuer\":\"c4nary\",\"resource\":\"c4nary\",\"resource\":\"c4nary\"}"),
        ),
        ("no UTF-8", Reply::text(200, "application/json", b"{\"c4nary\":\"\xff\xfe\"}".to_vec())),
        ("UTF-16", Reply::text(200, "application/json", b"\xff\xfe{\0}\0".to_vec())),
        (
            "wrong types",
            json("{\"issuer\":[\"c4nary\"],\"resource\":{\"c4nary\":1},\"authorization_servers\":\"c4nary\"}"),
        ),
        ("gzip", Reply::text(200, "application/json", b"\x1f\x8b\x08c4nary".to_vec()).with("Content-Encoding", "gzip")),
        ("no HTTP", Reply::Raw(b"c4nary\r\n\r\n".to_vec())),
        ("nothing", Reply::Raw(Vec::new())),
        ("a bad header", Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{\"c4nary\":1}".to_vec())),
        ("an endless head", Reply::Raw([b"HTTP/1.1 200 OK\r\nX: ".to_vec(), vec![b'c'; 200_000]].concat())),
    ]
}

/// A whole answer that holds no metadata will hold none later; one that is cut or no HTTP may.
fn exit_of(what: &str) -> i32 {
    match what {
        "a wrong length" | "huge" | "no HTTP" | "nothing" | "a bad header" | "an endless head" => 5,
        _ => 2,
    }
}

#[apply(test)]
fn w6_w9_unusual_resource_metadata_is_skipped_and_never_quoted() {
    for (what, reply) in odd_bodies() {
        // Then the root form is asked for and good.
        let odd = reply.clone();
        let fake = Fake::with(move |seen, fake| match seen.path.as_str() {
            RESOURCE => Some(Reply::json(200, &fake.resource_metadata())),
            path if path.starts_with(RESOURCE) => Some(odd.clone()),
            _ => without_token(seen, fake, |_| Reply::status(401)),
        });
        let finished = succeeds(&fake, Program::login(&fake).arg("-vv"));
        assert!(
            !finished.stderr.contains("c4nary"),
            "{what}: {}",
            finished.stderr
        );
        // Named by the challenge there is no second place.
        let fake =
            Fake::with(move |seen, _| seen.path.starts_with(RESOURCE).then(|| reply.clone()));
        let finished = Program::login(&fake).arg("-vv").run().expect(exit_of(what));
        assert!(
            !finished.stderr.contains("c4nary"),
            "{what}: {}",
            finished.stderr
        );
        assert!(
            !finished.stdout.contains("c4nary"),
            "{what}: {}",
            finished.stdout
        );
    }
}

#[apply(test)]
fn w6_w9_unusual_server_metadata_is_skipped_and_never_quoted() {
    for (what, reply) in odd_bodies() {
        let odd = reply.clone();
        let fake = Fake::with(move |seen, fake| match seen.path.as_str() {
            OAUTH => Some(odd.clone()),
            OPENID => Some(Reply::json(200, &fake.server_metadata())),
            _ => None,
        });
        let finished = succeeds(&fake, Program::login(&fake).arg("-vv"));
        assert!(
            !finished.stderr.contains("c4nary"),
            "{what}: {}",
            finished.stderr
        );
        let fake = Fake::with(move |seen, _| {
            [OAUTH, OPENID]
                .contains(&seen.path.as_str())
                .then(|| reply.clone())
        });
        let finished = fails(
            &fake,
            Program::login(&fake).arg("-vv"),
            exit_of(what),
            "no_authorization_server",
        );
        assert!(
            !finished.stderr.contains("c4nary"),
            "{what}: {}",
            finished.stderr
        );
        assert!(
            !finished.stdout.contains("c4nary"),
            "{what}: {}",
            finished.stdout
        );
    }
}

#[apply(test)]
fn w9_every_candidate_may_fail_in_any_way() {
    let failures: [fn() -> Reply; 5] = [
        || Reply::status(404),
        || Reply::status(401),
        || Reply::status(500),
        || Reply::text(200, "text/html", "<html>"),
        || Reply::Raw(Vec::new()),
    ];
    for first in failures {
        for second in failures {
            let fake = Fake::with(move |seen, fake| {
                let mut metadata = fake.server_metadata();
                metadata["issuer"] = format!("{}/t1", fake.origin()).into();
                let mut resource = fake.resource_metadata();
                resource["authorization_servers"] = json!([metadata["issuer"]]);
                match seen.path.as_str() {
                    path if path.starts_with(RESOURCE) => Some(Reply::json(200, &resource)),
                    "/.well-known/oauth-authorization-server/t1" => Some(first()),
                    "/.well-known/openid-configuration/t1" => Some(second()),
                    "/t1/.well-known/openid-configuration" => Some(Reply::json(200, &metadata)),
                    _ => None,
                }
            });
            succeeds(&fake, Program::login(&fake));
        }
    }
}

#[apply(test)]
fn w10_a_captive_portal_is_recognised() {
    let fake = Fake::with(|_, _| {
        Some(Reply::text(
            200,
            "text/html",
            "<html>please log in to the hotel</html>",
        ))
    });
    let finished = fails(&fake, Program::login(&fake), 2, "not_an_mcp_server");
    assert!(
        finished.stderr.contains("captive portal"),
        "{}",
        finished.stderr
    );
    assert!(!finished.stderr.contains("hotel"), "{}", finished.stderr);
}

#[apply(test)]
fn w7_v11_redirects_of_metadata_within_the_origin_and_no_further() {
    let other = Fake::start();
    for status in [301, 302, 303, 307, 308] {
        for document in [format!("{RESOURCE}/mcp"), OAUTH.to_owned()] {
            let place = document.clone();
            let fake = Fake::with(move |seen, fake| match seen.path.as_str() {
                path if path == place => Some(Reply::redirect(status, "/moved")),
                "/moved" if place == OAUTH => Some(Reply::json(200, &fake.server_metadata())),
                "/moved" => Some(Reply::json(200, &fake.resource_metadata())),
                _ => None,
            });
            succeeds(&fake, Program::login(&fake));
            for target in [
                format!("{}/x", other.origin()),
                "https://evil.example/x".to_owned(),
            ] {
                let (place, shown) = (document.clone(), target.clone());
                let fake = Fake::with(move |seen, _| {
                    (seen.path == place).then(|| Reply::redirect(status, &target))
                });
                let finished = fails(&fake, Program::login(&fake), 6, "redirect_refused");
                assert!(finished.stderr.contains(&shown), "{}", finished.stderr);
            }
        }
    }
    assert_eq!(other.seen().len(), 0);
}

#[apply(test)]
fn w7_a_probe_is_not_redirected_elsewhere_and_redirects_end() {
    let other = Fake::start();
    let target = other.mcp();
    let fake =
        Fake::with(move |seen, _| (seen.path == "/mcp").then(|| Reply::redirect(307, &target)));
    fails(&fake, Program::login(&fake), 6, "redirect_refused");
    assert_eq!(other.seen().len(), 0);
    let round = Fake::with(|seen, _| {
        seen.path
            .starts_with(RESOURCE)
            .then(|| Reply::redirect(302, &seen.path))
    });
    fails(&round, Program::login(&round), 6, "redirect_refused");
    assert!(round.seen().len() < 10, "{}", round.seen().len());
    // The password of a URL would be sent as `Authorization`.
    let named = Fake::with(|seen, fake| {
        let target = fake.origin().replace("://", "://ann:secret@");
        let is_moved = seen.path.starts_with(RESOURCE) && seen.header("authorization").is_none();
        is_moved.then(|| Reply::redirect(307, &format!("{target}{}", seen.path)))
    });
    fails(&named, Program::login(&named), 6, "redirect_refused");
    let with_name = |seen: &&Seen| seen.header("authorization").is_some();
    assert_eq!(named.seen().iter().filter(with_name).count(), 0);
    // A gateway sends everybody to its login: no attack, and no MCP server either.
    for path in [
        "/login?next=%2Fmcp",
        "/oauth2/authorize?client_id=gateway",
        "/adfs/ls/saml",
        "/cdn-cgi/access/login/x",
    ] {
        let page = format!("{}{path}", other.origin());
        let shown = page.split('?').next().expect("a page").to_owned();
        let gateway =
            Fake::with(move |seen, _| (seen.path == "/mcp").then(|| Reply::redirect(302, &page)));
        let finished = fails(&gateway, Program::login(&gateway), 2, "not_an_mcp_server");
        for shown in ["a web login protects this server", &shown] {
            assert!(
                finished.stderr.contains(shown),
                "{path}: {}",
                finished.stderr
            );
        }
        assert_eq!(other.seen().len(), 0);
    }
    // Within the origin a probe may move, with its body.
    let moved = Fake::with(|seen, fake| match seen.path.as_str() {
        "/mcp" => Some(Reply::redirect(308, "/v2/mcp")),
        "/v2/mcp" => Some(fake.mcp_answer(seen)),
        _ => None,
    });
    succeeds(&moved, Program::login(&moved));
    assert!(moved.seen_at("/v2/mcp")[0].body.contains("tools/list"));
}

/// It waits as long as the servers wish.
#[apply(waiting_test)]
fn w4_busy_servers_are_asked_again_when_they_wish() {
    for (status, wish, waits) in [
        (503, Some("0"), 0),
        (429, Some("1"), 1),
        (503, Some("-5"), 0),
        (502, None, 0),
        (429, Some("Thu, 01 Jan 1998 00:00:00 GMT"), 0),
        (504, Some("soon"), 0),
    ] {
        for place in [RESOURCE, OAUTH] {
            let count = Arc::new(AtomicUsize::new(0));
            let fake = Fake::with(move |seen, _| {
                let first =
                    seen.path.starts_with(place) && count.fetch_add(1, Ordering::SeqCst) == 0;
                let busy = Reply::status(status);
                first.then(|| {
                    wish.map_or(busy.clone(), |wish| busy.clone().with("Retry-After", wish))
                })
            });
            let started = std::time::Instant::now();
            succeeds(&fake, Program::login(&fake));
            assert!(started.elapsed().as_secs() >= waits, "{status} {wish:?}");
        }
    }
    // What is absurd is not waited for, and a server that stays busy is asked three times.
    for (wish, tries) in [("1000000000", 1), ("99999999999999999999999", 3), ("0", 3)] {
        let fake = Fake::with(move |seen, _| {
            (seen.path == format!("{RESOURCE}/mcp"))
                .then(|| Reply::status(503).with("Retry-After", wish))
        });
        fails(&fake, Program::login(&fake), 5, "metadata_unusable");
        assert_eq!(asked(&fake).len(), tries, "{wish}");
    }
}

/// Logs in twice in one home; gives the metadata requests of the second login.
fn second_login(fake: &Fake) -> Vec<Seen> {
    let first = Program::login(fake).agree().expect(0);
    let before = fake.seen().len();
    Program::login(fake)
        .at_home(first.home())
        .arg("--force")
        .agree()
        .expect(0);
    fake.seen()
        .split_off(before)
        .into_iter()
        .filter(is_metadata)
        .collect()
}

#[apply(test)]
fn each_login_fetches_the_metadata_again() {
    for (name, value) in [
        ("Cache-Control", "max-age=3600"),
        ("Cache-Control", "private, max-age=600, must-revalidate"),
        ("Expires", "Fri, 01 Jan 2100 00:00:00 GMT"),
        ("ETag", "\"v1\""),
        ("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT"),
    ] {
        let fake = Fake::with(move |seen, fake| {
            is_metadata(seen).then(|| fake.behave(seen).with(name, value))
        });
        let seen = second_login(&fake);
        assert_eq!(seen.len(), 2, "{name}: {value}");
        for request in &seen {
            assert_eq!(request.header("if-none-match"), None, "{name}: {value}");
            assert_eq!(request.header("if-modified-since"), None, "{name}: {value}");
        }
    }
    // A server that answers 304 to a request without a condition has no document.
    let fake = Fake::with(|seen, _| (seen.path == OAUTH).then(|| Reply::status(304)));
    fails(&fake, Program::login(&fake), 2, "no_authorization_server");
}

#[apply(test)]
fn a_refused_document_is_asked_for_again_once_its_server_is_repaired() {
    let repaired = Arc::new(AtomicUsize::new(0));
    let state = Arc::clone(&repaired);
    let fake = Fake::with(move |seen, fake| {
        let mut metadata = fake.server_metadata();
        if state.load(Ordering::SeqCst) == 0 {
            metadata["issuer"] = "https://wrong.example".into();
        }
        (seen.path == OAUTH)
            .then(|| Reply::json(200, &metadata).with("Cache-Control", "max-age=3600"))
    });
    let refused = fails(&fake, Program::login(&fake), 6, "issuer_mismatch");
    repaired.store(1, Ordering::SeqCst);
    Program::login(&fake)
        .at_home(refused.home())
        .agree()
        .expect(0);
}
