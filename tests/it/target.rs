//! What the URL that the user types leads to: the server that was meant, another one, none, or one without a login.

use serde_json::json;

use crate::support::fake::{Fake, Reply, Seen};
use crate::support::program::{Finished, Program};
use crate::support::pty::Pty;

const RESOURCE: &str = "/.well-known/oauth-protected-resource";
const SERVER: &str = "/.well-known/oauth-authorization-server";

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
    assert_eq!(fake.seen_at("/register").len(), 0, "{}", finished.stderr);
    let asked = fake
        .seen()
        .iter()
        .filter(|seen| seen.method == "GET" && seen.path.contains(".well-known"))
        .count();
    assert!(asked <= 6, "{asked}");
    if exit == 2 {
        assert!(!finished.stderr.contains("not safe"), "{}", finished.stderr);
    }
    finished
}

/// A server whose metadata stands at the root, and which answers at its own path only.
fn at_root(resource: &'static str) -> Fake {
    Fake::with(move |seen, fake| {
        let mut metadata = fake.resource_metadata();
        metadata["resource"] = format!("{}{resource}", fake.origin()).into();
        match seen.path.as_str() {
            RESOURCE => Some(Reply::json(200, &metadata)),
            path if path.starts_with(RESOURCE) => Some(Reply::status(404)),
            _ => None,
        }
    })
}

#[apply(test)]
fn m50_the_url_that_the_metadata_is_for_is_suggested() {
    for (typed, resource) in [
        ("", "/mcp"),
        ("/", "/mcp"),
        ("/mpc", "/mcp"),
        ("/MCP", "/mcp"),
        ("/sse", "/mcp"),
        ("/v1/mcp", "/v2/mcp"),
        ("/mcp/tools", "/mcp"),
    ] {
        let fake = at_root(resource);
        let meant = format!("{}{resource}", fake.origin());
        let finished = fails(
            &fake,
            Program::login_at(&format!("{}{typed}", fake.origin())),
            2,
            "resource_mismatch",
        );
        assert!(
            finished
                .stderr
                .contains(&format!("hint: did you mean {meant}?")),
            "{typed}: {}",
            finished.stderr
        );
        assert_eq!(
            finished.event("error")["hint"],
            format!("did you mean {meant}?")
        );
    }
    // Servers that have metadata for the usual path only.
    for typed in ["", "/", "/mpc", "/sse"] {
        let fake = Fake::start();
        let finished = fails(
            &fake,
            Program::login_at(&format!("{}{typed}", fake.origin())),
            2,
            "resource_mismatch",
        );
        assert!(
            finished
                .stderr
                .contains(&format!("hint: did you mean {}?", fake.mcp())),
            "{}",
            finished.stderr
        );
    }
    // The challenge may say so as well; and the user's own words settle it.
    let fake = Fake::with(|seen, fake| (seen.path == "/").then(|| fake.mcp_answer(seen)));
    fails(
        &fake,
        Program::login_at(&fake.origin()),
        2,
        "resource_mismatch",
    );
    for options in [&["--no-resource"][..], &["--resource", "urn:mine"]] {
        Program::login_at(&fake.origin())
            .args(options)
            .agree()
            .expect(0);
    }
}

#[apply(test)]
fn m50_a_terminal_asks() {
    for (answer, goes_on) in [
        ("y\n", true),
        ("yes\n", true),
        ("n\n", false),
        ("\n", false),
        ("\u{4}", false),
    ] {
        let (fake, mut pty) = (at_root("/mcp"), Pty::open());
        let login = Program::new().args(["--store", "file", "--no-browser", "--timeout", "60s"]);
        let login = login.arg(fake.origin()).on(&pty).start();
        pty.wait_for(&format!("did you mean {}? [y/N]", fake.mcp()));
        assert!(!pty.is_raw(), "the paste of the first try is over");
        pty.type_in(answer);
        if goes_on {
            let shown = pty.wait_for("press Enter");
            let mut words = shown
                .split(|it: char| it.is_whitespace() || it.is_control() || it == ';' || it == '\\');
            login.agree_at(
                words
                    .find(|it| it.contains("code_challenge="))
                    .expect("the address"),
            );
        }
        let finished = login.finish().expect(if goes_on { 0 } else { 2 });
        assert_eq!(finished.stdout, "");
        assert_eq!(
            fake.seen_at("/token").len(),
            usize::from(goes_on),
            "{answer:?}: {}",
            pty.shown()
        );
        assert_eq!(pty.shown().contains("error: "), !goes_on, "{}", pty.shown());
    }
    // Scripts are not asked, nor is anybody with a pipe for stdin.
    let (fake, mut pty) = (at_root("/mcp"), Pty::open());
    Program::login_at(&fake.origin())
        .on(&pty)
        .run()
        .expect_error(2, "resource_mismatch");
    assert!(!pty.shown().contains("[y/N]"), "{}", pty.shown());
}

#[apply(test)]
fn m51_a_path_without_an_mcp_server_gives_no_login() {
    type Says = fn(&Seen, &Fake) -> Option<Reply>;
    let page = |status| Reply::text(status, "text/html; charset=utf-8", "<html>hello</html>");
    let rows: [(&str, Says, &str); 7] = [
        (
            "a website without the page",
            |_, _| Some(Reply::status(404)),
            "status 404",
        ),
        (
            "a website",
            |_, _| Some(Reply::text(200, "text/html", "<html>")),
            "a web page",
        ),
        (
            "a page at the path only",
            |seen, _| match seen.path.as_str() {
                "/mcp" => Some(Reply::text(405, "text/html", "<p>")),
                path => path.starts_with(RESOURCE).then(|| Reply::status(404)),
            },
            "a web page (status 405)",
        ),
        (
            "a mistyped path, and a document for the whole origin",
            |seen, fake| {
                let mut metadata = fake.resource_metadata();
                metadata["resource"] = fake.origin().into();
                match seen.path.as_str() {
                    RESOURCE => Some(Reply::json(200, &metadata)),
                    "/mcp" | "/.well-known/oauth-protected-resource/mcp" => {
                        Some(Reply::status(404))
                    }
                    _ => None,
                }
            },
            "status 404",
        ),
        (
            "an authorization server",
            |seen, _| {
                (seen.path == "/mcp" || seen.path.starts_with(RESOURCE)).then(|| Reply::status(404))
            },
            "status 404",
        ),
        (
            "a page that is gone",
            |_, _| Some(Reply::status(410)),
            "status 410",
        ),
        (
            "a page of XHTML",
            |_, _| Some(Reply::text(200, "application/xhtml+xml", "<html/>")),
            "a web page",
        ),
    ];
    for (what, says, shown) in rows {
        let fake = Fake::with(says);
        let named_whole = what.contains("whole origin");
        let finished = fails(&fake, Program::login(&fake), 2, "not_an_mcp_server");
        assert!(
            finished.stderr.contains(shown),
            "{what}: {}",
            finished.stderr
        );
        for option in ["--issuer", "--resource"] {
            assert!(
                finished.stderr.contains(option),
                "{what}: {}",
                finished.stderr
            );
        }
        // With the user's own word it goes on.
        let issuer = Fake::start();
        if !named_whole {
            Program::login(&fake)
                .args(["--issuer", &issuer.origin()])
                .agree()
                .expect(0);
        }
        if named_whole || what.starts_with("an authorization") || what.starts_with("a page at") {
            Program::login(&fake)
                .args(["--resource", &fake.mcp()])
                .agree()
                .expect(0);
        }
    }
    // Metadata that names this very URL is enough, whatever the server answers to a stranger.
    for reply in [Reply::status(404), page(200), page(405)] {
        let fake = Fake::with(move |seen, _| (seen.path == "/mcp").then(|| reply.clone()));
        Program::login(&fake).agree().expect(0);
    }
}

#[apply(test)]
fn a_server_without_login_is_not_an_error() {
    let open = |reply: fn() -> Reply, elsewhere: fn() -> Reply| {
        Fake::with(move |seen, _| {
            Some(if seen.path == "/mcp" {
                reply()
            } else {
                elsewhere()
            })
        })
    };
    let tools = || {
        Reply::json(
            200,
            &json!({"jsonrpc": "2.0", "id": 1, "result": {"tools": []}}),
        )
    };
    let events = || {
        Reply::text(
            200,
            "text/event-stream",
            "data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n\n",
        )
    };
    for (reply, elsewhere) in [
        (
            tools as fn() -> Reply,
            (|| Reply::status(404)) as fn() -> Reply,
        ),
        (events, || Reply::status(404)),
        (tools, || Reply::text(200, "text/html", "<html>")),
        (tools, || Reply::status(405)),
    ] {
        let fake = open(reply, elsewhere);
        let finished = Program::login(&fake).run().expect(0);
        let event = json!({"event": "no_login_needed", "server": fake.mcp()});
        assert_eq!(*finished.event("no_login_needed"), event);
        assert!(
            finished
                .events
                .iter()
                .all(|event| event["event"] != "error"),
            "{}",
            finished.stdout
        );
        assert!(!finished.stderr.contains("error"), "{}", finished.stderr);
        let plain = Program::new()
            .args(["--store", "file", "--no-browser"])
            .arg(fake.mcp())
            .run()
            .expect(0);
        assert_eq!(
            (plain.stdout.as_str(), plain.stderr.lines().count()),
            ("", 1),
            "{}",
            plain.stderr
        );
        assert!(plain.stderr.contains("without a login"), "{}", plain.stderr);
        // There is no token for it, and the doctor agrees.
        let token = Program::new()
            .args(["--json", "--store", "file", "token"])
            .arg(fake.mcp())
            .run()
            .expect(3);
        assert!(token.stderr.contains("not_logged_in"), "{}", token.stderr);
        Program::new()
            .args(["--store", "file", "doctor"])
            .arg(fake.mcp())
            .run()
            .expect(0);
    }
    // Metadata that is not available may still say that a login is needed.
    let fake = open(tools, || Reply::status(503));
    fails(&fake, Program::login(&fake), 5, "no_authorization_server");
}

#[apply(test)]
fn m53_a_refusal_with_status_200_is_not_open() {
    let error = |code: i64, words: &str| json!({"jsonrpc": "2.0", "id": 1, "error": {"code": code, "message": words}});
    let refusal = error(-32001, "Unauthorized: please authenticate");
    for (reply, exit) in [
        (Reply::json(200, &refusal), 2),
        (
            Reply::text(
                200,
                "text/event-stream",
                format!("event: message\ndata: {refusal}\n\n"),
            ),
            2,
        ),
        (Reply::json(200, &error(-32603, "Internal error")), 2),
        (Reply::json(200, &error(-32602, "Missing access token")), 2),
        (Reply::json(200, &json!({"error": "unauthorized"})), 2),
        (Reply::json(200, &json!({})), 2),
        (Reply::json(200, &error(-32601, "Method not found")), 0),
        (
            Reply::json(200, &error(-32022, "Unsupported protocol version")),
            0,
        ),
    ] {
        let answer = reply.clone();
        let fake = Fake::with(move |seen, _| {
            Some(if seen.path == "/mcp" {
                answer.clone()
            } else {
                Reply::status(404)
            })
        });
        if exit == 0 {
            Program::login(&fake)
                .run()
                .expect(0)
                .event("no_login_needed");
            continue;
        }
        let finished = fails(
            &fake,
            Program::login(&fake),
            exit,
            "no_authorization_server",
        );
        assert!(finished.stderr.contains("--issuer"), "{}", finished.stderr);
    }
}

#[apply(test)]
fn m53_a_server_without_an_authorization_server_is_reported() {
    for (challenge, register, shown) in [
        ("", Reply::status(404), "may want an API key"),
        ("Bearer", Reply::status(404), "may want an API key"),
        (
            "Bearer",
            Reply::text(200, "text/html", "<html>"),
            "may want an API key",
        ),
        (
            "Bearer",
            Reply::json(401, &json!({"error": "unauthorized"})),
            "may want an API key",
        ),
        ("Bearer", Reply::status(405), "may want an API key"),
        ("ApiKey realm=\"x\"", Reply::status(404), "wants an API key"),
        (
            "Bearer realm=\"API key required\"",
            Reply::status(401),
            "wants an API key",
        ),
        ("X-API-Key", Reply::status(403), "wants an API key"),
        (
            "Basic realm=\"x\"",
            Reply::status(404),
            "a user name and a password",
        ),
        ("Negotiate", Reply::status(404), "negotiate"),
    ] {
        let (line, answer) = (challenge, register.clone());
        let fake = Fake::with(move |seen, _| {
            Some(match (seen.method.as_str(), seen.path.as_str()) {
                ("POST", "/mcp") if line.is_empty() => Reply::status(401),
                ("POST", "/mcp") => Reply::status(401).with("WWW-Authenticate", line),
                ("POST", "/register") => answer.clone(),
                _ => Reply::status(404),
            })
        });
        let finished = Program::login(&fake)
            .run()
            .expect_error(2, "no_authorization_server");
        assert!(
            finished
                .events
                .iter()
                .all(|event| event["event"] != "authorization_url"),
            "{}",
            finished.stdout
        );
        for shown in [shown, "--issuer", RESOURCE, SERVER, "/register"] {
            assert!(
                finished.stderr.contains(shown),
                "{challenge} {shown}: {}",
                finished.stderr
            );
        }
        assert!(
            !finished.stderr.contains("the words after the colon"),
            "{}",
            finished.stderr
        );
    }
    // Somebody is at the default endpoint: what he says counts.
    for (reply, exit, code) in [
        (
            Reply::json(400, &json!({"error": "invalid_redirect_uri"})),
            3,
            "registration_refused",
        ),
        (
            Reply::status(503).with("Retry-After", "3600"),
            5,
            "registration_unavailable",
        ),
    ] {
        let fake = Fake::with(move |seen, _| {
            Some(match (seen.method.as_str(), seen.path.as_str()) {
                ("POST", "/mcp") => Reply::status(401),
                ("POST", "/register") => reply.clone(),
                _ => Reply::status(404),
            })
        });
        Program::login(&fake).run().expect_error(exit, code);
    }
}

#[apply(test)]
fn m56_the_well_known_places_are_asked_where_the_challenge_names_none() {
    for status in [404, 410, 401, 403] {
        let fake = Fake::with(
            move |seen, fake| match (seen.method.as_str(), seen.path.as_str()) {
                ("GET", "/meta") => Some(Reply::status(status)),
                ("POST", "/mcp") if seen.header("authorization").is_none() => {
                    let line = format!(
                        "Bearer resource_metadata=\"{}/meta\", scope=\"deep\"",
                        fake.origin()
                    );
                    Some(Reply::status(401).with("WWW-Authenticate", &line))
                }
                _ => None,
            },
        );
        let finished = Program::login(&fake).agree().expect(0);
        assert_eq!(
            finished.kept(&fake.mcp())["scopes_requested"],
            json!(["deep"])
        );
        assert_eq!(finished.kept(&fake.mcp())["resource"], fake.mcp());
    }
}

#[apply(test)]
fn m57_metadata_at_the_authorization_servers_place_has_to_be_for_this_very_server() {
    // The port of the server is known only once it runs: the document is made from the challenge that was sent.
    for (resource, authorization_server, exit) in [
        ("{S}/mcp", "{K}", 0),
        ("{S}/mcp", "{K}/tenant", 0),
        ("{S}/mcp/", "{K}", 6),
        ("{S}", "{K}", 6),
        ("{K}/mcp", "{K}", 6),
        ("{S}/mcp", "{S}", 6),
        ("{S}/mcp", "https://other.example", 6),
    ] {
        let keeper = std::sync::Arc::new(std::sync::OnceLock::<String>::new());
        let place = std::sync::Arc::clone(&keeper);
        let server = Fake::with(
            move |seen, _| match (seen.method.as_str(), seen.path.as_str()) {
                ("POST", "/mcp") if seen.header("authorization").is_none() => {
                    let line = format!(
                        "Bearer resource_metadata=\"{}/meta\"",
                        place.get().expect("the place")
                    );
                    Some(Reply::status(401).with("WWW-Authenticate", &line))
                }
                (_, path) if path.contains(".well-known") => Some(Reply::status(404)),
                _ => None,
            },
        );
        let origin = server.origin();
        let honest = Fake::with(move |seen, fake| {
            let fill = |text: &str| text.replace("{S}", &origin).replace("{K}", &fake.origin());
            let mut document = fake.server_metadata();
            document["issuer"] = fill(authorization_server).into();
            match seen.path.as_str() {
                "/meta" => Some(Reply::json(
                    200,
                    &json!({"resource": fill(resource), "authorization_servers": [fill(authorization_server)]}),
                )),
                path if path.contains("oauth-authorization-server") => {
                    Some(Reply::json(200, &document))
                }
                _ => None,
            }
        });
        keeper.set(honest.origin()).expect("it is set once");
        let login = Program::login(&server);
        if exit == 0 {
            let finished = login.agree().expect(0);
            assert_eq!(finished.kept(&server.mcp())["resource"], server.mcp());
            assert_eq!(honest.seen_at("/token").len(), 1);
        } else {
            fails(&server, login, exit, "foreign_metadata");
            assert_eq!(honest.seen_at("/register").len(), 0);
        }
    }
}

#[apply(test)]
fn m58_a_server_without_the_code_flow_is_reported_before_the_browser() {
    for (member, offered) in [
        (
            "grant_types_supported",
            json!([
                "client_credentials",
                "urn:ietf:params:oauth:grant-type:device_code"
            ]),
        ),
        ("grant_types_supported", json!(["implicit"])),
        ("response_types_supported", json!(["token", "id_token"])),
    ] {
        let listed = offered.clone();
        let fake = Fake::with(move |seen, fake| {
            let mut metadata = fake.server_metadata();
            metadata[member] = listed.clone();
            // Such a server has no use for PKCE either.
            metadata
                .as_object_mut()
                .expect("an object")
                .remove("code_challenge_methods_supported");
            (seen.path == SERVER).then(|| Reply::json(200, &metadata))
        });
        for options in [&[][..], &["--client-id", "mine"]] {
            let finished = fails(
                &fake,
                Program::login(&fake).args(options),
                2,
                "code_flow_unsupported",
            );
            for name in offered.as_array().expect("a list") {
                assert!(
                    finished.stderr.contains(name.as_str().expect("a name")),
                    "{}",
                    finished.stderr
                );
            }
        }
    }
}

#[apply(test)]
fn m56_a_challenge_that_names_an_unusable_document_is_skipped() {
    let text = |kind: &str, body: &str| Reply::text(200, kind, body.to_owned());
    let broken = [
        (text("text/html", "<html>"), "JSON"),
        (text("text/plain", "hello"), "JSON"),
        (text("application/json", ""), "JSON"),
        (text("application/json", "[]"), "not an object"),
        (text("application/json", "null"), "not an object"),
        (text("application/json", "{}"), "resource"),
        (text("application/json", "{\"resource\":null}"), "resource"),
        (
            text(
                "application/json",
                "{\"resource\":\"a\",\"resource\":\"a\"}",
            ),
            "the member resource twice",
        ),
    ];
    let server = |reply: &Reply, elsewhere: bool| {
        let reply = reply.clone();
        Fake::with(
            move |seen, fake| match (seen.method.as_str(), seen.path.as_str()) {
                ("GET", "/meta") => Some(reply.clone()),
                ("GET", path) if path.starts_with(RESOURCE) && !elsewhere => Some(reply.clone()),
                ("POST", "/mcp") if seen.header("authorization").is_none() => {
                    let line = format!("Bearer resource_metadata=\"{}/meta\"", fake.origin());
                    Some(Reply::status(401).with("WWW-Authenticate", &line))
                }
                _ => None,
            },
        )
    };
    for (reply, shown) in &broken {
        Program::login(&server(reply, true)).agree().expect(0);
        // Where nothing else is better, nobody may guess what the metadata says.
        let fake = server(reply, false);
        let finished = fails(&fake, Program::login(&fake), 2, "metadata_unusable");
        assert!(
            finished.stderr.contains(shown),
            "{shown}: {}",
            finished.stderr
        );
        Program::login(&fake)
            .args(["--issuer", &fake.origin()])
            .agree()
            .expect(0);
    }
    Program::login(&server(&Reply::status(204), true))
        .agree()
        .expect(0);
}

#[apply(test)]
fn m59_no_server_is_guessed_while_the_metadata_is_not_available() {
    for status in [503, 429] {
        let fake = Fake::with(
            move |seen, _| match (seen.method.as_str(), seen.path.as_str()) {
                ("POST", "/mcp") if seen.header("authorization").is_none() => {
                    Some(Reply::status(401).with("WWW-Authenticate", "Bearer"))
                }
                ("GET", path) if path.starts_with(RESOURCE) => {
                    Some(Reply::status(status).with("Retry-After", "3600"))
                }
                _ => None,
            },
        );
        let finished = fails(&fake, Program::login(&fake), 5, "no_authorization_server");
        for shown in ["not available now", "--issuer"] {
            assert!(finished.stderr.contains(shown), "{}", finished.stderr);
        }
        Program::login(&fake)
            .args(["--issuer", &fake.origin()])
            .agree()
            .expect(0);
    }
}

#[apply(test)]
fn m59_unavailable_metadata_is_reported() {
    for status in [500, 502, 503, 429] {
        let busy = move || Reply::status(status).with("Retry-After", "3600");
        for place in [RESOURCE, SERVER, ".well-known"] {
            for has_challenge in [true, false] {
                let fake =
                    Fake::with(
                        move |seen, _| match (seen.method.as_str(), seen.path.as_str()) {
                            ("POST", "/mcp") if !has_challenge => Some(Reply::status(401)),
                            (_, path) if path.contains(place) => Some(busy()),
                            (_, path)
                                if path.contains("openid")
                                    || (!has_challenge && path == SERVER) =>
                            {
                                Some(Reply::status(404))
                            }
                            _ => None,
                        },
                    );
                let code = if has_challenge && place != SERVER {
                    "metadata_unusable"
                } else {
                    "no_authorization_server"
                };
                if place == SERVER && !has_challenge {
                    continue;
                }
                let finished = fails(&fake, Program::login(&fake), 5, code);
                for shown in [
                    "not available now",
                    &format!("status {status}"),
                    "again in a while",
                ] {
                    assert!(
                        finished.stderr.contains(shown),
                        "{place} {has_challenge}: {}",
                        finished.stderr
                    );
                }
                assert!(
                    !finished.stderr.contains("check the URL"),
                    "{}",
                    finished.stderr
                );
            }
        }
    }
}

#[apply(test)]
fn m61_a_typing_error_in_the_issuer_is_recognised() {
    // The metadata of a server like django-oauth-toolkit, whose issuer has a path.
    for has_resource in [true, false] {
        for (typed, hint) in [
            ("{O}/o/", "did you mean --issuer {O}/o?"),
            (
                "{O}",
                if has_resource {
                    "did you mean --issuer {O}/o?"
                } else {
                    "check --issuer"
                },
            ),
            (
                "{O}/oauth",
                if has_resource {
                    "did you mean --issuer {O}/o?"
                } else {
                    "check --issuer"
                },
            ),
            (
                "{O}/O",
                if has_resource {
                    "did you mean --issuer {O}/o?"
                } else {
                    "check --issuer"
                },
            ),
        ] {
            let fake = Fake::with(move |seen, fake| {
                let issuer = format!("{}/o", fake.origin());
                let (mut resource, mut server) = (fake.resource_metadata(), fake.server_metadata());
                resource["authorization_servers"] = json!([issuer]);
                server["issuer"] = issuer.into();
                match (seen.method.as_str(), seen.path.as_str()) {
                    ("POST", "/mcp") if !has_resource => Some(Reply::status(401)),
                    (_, path) if path.starts_with(RESOURCE) && has_resource => {
                        Some(Reply::json(200, &resource))
                    }
                    (_, "/o/.well-known/openid-configuration") => Some(Reply::json(200, &server)),
                    (_, path) if path.contains(".well-known") => Some(Reply::status(404)),
                    _ => None,
                }
            });
            let [typed, hint] = [typed, hint].map(|text| text.replace("{O}", &fake.origin()));
            let code = if hint.starts_with("did") {
                "issuer_mismatch"
            } else {
                "no_authorization_server"
            };
            let finished = fails(
                &fake,
                Program::login(&fake).args(["--issuer", &typed]),
                2,
                code,
            );
            assert!(
                finished.stderr.contains(&hint),
                "{typed}: {}",
                finished.stderr
            );
        }
    }
    // Without an MCP server too, and by another name of this machine.
    let fake = Fake::start();
    let local = fake.origin().replace("127.0.0.1", "localhost");
    let finished = fails(
        &fake,
        Program::login_at("work").args(["--issuer", &local]),
        2,
        "issuer_mismatch",
    );
    assert!(
        finished
            .stderr
            .contains(&format!("did you mean --issuer {}?", fake.origin())),
        "{}",
        finished.stderr
    );
}

/// A server behind a path of its own, with one document, at `place`, that names `resource`.
fn one_document(place: &'static str, resource: &'static str, challenge: bool) -> Fake {
    Fake::with(move |seen, fake| {
        let mut metadata = fake.resource_metadata();
        metadata["resource"] = format!("{}{resource}", fake.origin()).into();
        match (seen.method.as_str(), seen.path.as_str()) {
            ("POST", "/a/mcp") if seen.header("authorization").is_none() => {
                let line = format!("Bearer resource_metadata=\"{}{place}\"", fake.origin());
                Some(
                    Reply::status(401)
                        .with("WWW-Authenticate", if challenge { &line } else { "Bearer" }),
                )
            }
            (_, path) if path == place => Some(Reply::json(200, &metadata)),
            (_, path) if path.starts_with(RESOURCE) => Some(Reply::status(404)),
            _ => None,
        }
    })
}

#[apply(test)]
fn a7_a_wider_resource_is_reported_or_refused() {
    for (place, resource, challenge, accepted) in [
        ("/.well-known/oauth-protected-resource", "", false, true),
        ("/.well-known/oauth-protected-resource", "/", true, true),
        ("/.well-known/oauth-protected-resource/a", "/a", true, true),
        (
            "/.well-known/oauth-protected-resource/a/mcp",
            "/a",
            false,
            false,
        ),
        (
            "/.well-known/oauth-protected-resource/a/mcp",
            "",
            true,
            false,
        ),
        ("/a/mcp/meta", "", true, false),
        ("/a/mcp/meta", "/a", true, false),
        // It is the server itself, wherever that is said.
        ("/a/mcp/meta", "/a/mcp", true, true),
        ("/a/mcp/meta", "/a/mcp/", true, true),
    ] {
        let fake = one_document(place, resource, challenge);
        let url = format!("{}/a/mcp", fake.origin());
        let is_itself = resource.starts_with("/a/mcp");
        if accepted {
            let finished = Program::login_at(&url).agree().expect(0);
            assert_eq!(
                finished.kept(&url)["resource"],
                format!("{}{resource}", fake.origin())
            );
            let host = fake.address();
            let said = format!(
                "asks for a token for all of {host}{}",
                resource.trim_end_matches('/')
            );
            assert_eq!(
                finished.stderr.contains(&said),
                !is_itself,
                "{place}: {}",
                finished.stderr
            );
        } else {
            let finished = fails(&fake, Program::login_at(&url), 6, "resource_mismatch");
            assert!(
                finished.stderr.contains(&format!("--resource {url}")),
                "{}",
                finished.stderr
            );
            let settled = Program::login_at(&url)
                .args(["--resource", &url])
                .agree()
                .expect(0);
            assert_eq!(settled.kept(&url)["resource"], url);
        }
    }
    // A document for the whole origin stands at its place too: then that one counts.
    let fake = Fake::with(|seen, fake| {
        let mut metadata = fake.resource_metadata();
        metadata["resource"] = fake.origin().into();
        seen.path
            .starts_with(RESOURCE)
            .then(|| Reply::json(200, &metadata))
    });
    let finished = Program::login(&fake).agree().expect(0);
    assert_eq!(finished.kept(&fake.mcp())["resource"], fake.origin());
}

#[apply(test)]
fn n6_options_decide_the_resource() {
    for resource in [
        json!("http://wrong.example/mcp"),
        json!("https://{A}/mcp"),
        json!(null),
        json!(7),
        json!(""),
    ] {
        for (options, sent) in [
            (&["--resource", "{O}/mcp"][..], Some("{O}/mcp")),
            (
                &["--resource", "https://MCP.example:443/a%2fb/"],
                Some("https://MCP.example:443/a%2fb/"),
            ),
            (&["--no-resource"], None),
        ] {
            let named = resource.clone();
            let fake = Fake::with(move |seen, fake| {
                let mut metadata = fake.resource_metadata();
                metadata["resource"] = named.clone();
                seen.path
                    .starts_with(RESOURCE)
                    .then(|| Reply::json(200, &metadata))
            });
            let fill = |text: &str| text.replace("{O}", &fake.origin());
            let options = options.iter().map(|option| fill(option));
            Program::login(&fake).args(options).agree().expect(0);
            for path in ["/authorize", "/token"] {
                assert_eq!(
                    fake.seen_at(path)[0].parameter("resource"),
                    sent.map(fill),
                    "{resource} {path}"
                );
            }
        }
    }
}

#[apply(test)]
fn m55_the_message_names_the_member() {
    for (place, member, value) in [
        (RESOURCE, "resource", json!(7)),
        (SERVER, "token_endpoint", json!(["x"])),
        (SERVER, "issuer", json!({"a": 1})),
    ] {
        let named = value.clone();
        let fake = Fake::with(move |seen, fake| {
            let mut document = if place == RESOURCE {
                fake.resource_metadata()
            } else {
                fake.server_metadata()
            };
            document[member] = named.clone();
            match seen.path.as_str() {
                path if path.starts_with(place) => Some(Reply::json(200, &document)),
                path if path.contains("openid") => Some(Reply::json(200, &document)),
                _ => None,
            }
        });
        let finished = Program::login(&fake).run().expect(2);
        assert!(
            finished.stderr.contains(&format!("the member {member} ")),
            "{}",
            finished.stderr
        );
        assert!(!finished.stderr.contains("JSON"), "{}", finished.stderr);
    }
    let fake = Fake::with(|seen, fake| {
        let (mut resource, mut server) = (fake.resource_metadata(), fake.server_metadata());
        resource["authorization_servers"] = fake.origin().into();
        resource["scopes_supported"] = json!({"read": true});
        server["scopes_supported"] = 7.into();
        server["service_documentation"] = json!([]);
        match seen.path.as_str() {
            path if path.starts_with(RESOURCE) => Some(Reply::json(200, &resource)),
            SERVER => Some(Reply::json(200, &server)),
            _ => None,
        }
    });
    let finished = Program::login(&fake).agree().expect(0);
    assert!(
        finished
            .stderr
            .contains("ignoring scopes_supported in the metadata: "),
        "{}",
        finished.stderr
    );
}

#[apply(test)]
fn m60_the_doctor_lists_what_was_read() {
    // Metadata may name the very endpoints that are the default ones.
    let fake = Fake::with(|seen, fake| {
        let origin = fake.origin();
        let document = json!({
            "issuer": origin, "authorization_endpoint": format!("{origin}/authorize"),
            "token_endpoint": format!("{origin}/token"), "registration_endpoint": format!("{origin}/register"),
            "token_endpoint_auth_methods_supported": ["none"], "code_challenge_methods_supported": ["S256"],
        });
        (seen.path == SERVER).then(|| Reply::json(200, &document))
    });
    let doctor = Program::new()
        .args(["--store", "file", "doctor"])
        .arg(fake.mcp())
        .run()
        .expect(0);
    assert!(
        !doctor.stdout.contains("there is no metadata"),
        "{}",
        doctor.stdout
    );
    // Where there is none, it says so.
    let fake = Fake::with(|seen, _| match seen.path.as_str() {
        path if path.contains(".well-known") => Some(Reply::status(404)),
        "/mcp" => Some(Reply::status(401)),
        _ => None,
    });
    let doctor = Program::new()
        .args(["--store", "file", "doctor"])
        .arg(fake.mcp())
        .run()
        .expect(0);
    assert!(
        doctor.stdout.contains("there is no metadata"),
        "{}",
        doctor.stdout
    );
}
