//! The command line as a contract: usage errors, server names, environment variables, events, verbosity, exit codes.

use std::net::TcpListener;

use serde_json::{json, Value};

use crate::support::fake::{Fake, Reply};
use crate::support::program::{Finished, Program};
use crate::support::{parameter, LIMITS};

/// Checks a usage error: exit 2, nothing on stdout, at most two lines on stderr, with what to do instead.
#[track_caller]
fn wrong(args: &[&str], shown: &str) -> Finished {
    let finished = Program::new().args(args).run().expect(2);
    assert_eq!(finished.stdout, "", "{args:?}");
    let lines: Vec<_> = finished.stderr.lines().collect();
    assert!(
        !lines.is_empty() && lines.len() <= 2,
        "{args:?}: {}",
        finished.stderr
    );
    assert!(
        lines[0].starts_with("mcp-login: error: "),
        "{args:?}: {}",
        finished.stderr
    );
    assert!(
        lines
            .get(1)
            .is_none_or(|line| line.starts_with("mcp-login: hint: ")),
        "{args:?}: {}",
        finished.stderr
    );
    assert!(
        finished.stderr.contains(shown),
        "{args:?}: {}",
        finished.stderr
    );
    finished
}

const SERVER: &str = "https://mcp.example/mcp";

#[apply(test)]
fn usage_errors_are_two_lines() {
    for (args, shown) in [
        (&["--no-browser"][..], "no SERVER is given"),
        (&["--nonsense"], "--nonsense"),
        (&["--tiemout", "5m", SERVER], "--timeout"),
        (
            &["--headless", SERVER],
            "hint: --no-browser only prints the address",
        ),
        (&["--no-keyring", SERVER], "hint: --store file"),
        (&["--output", "json", SERVER], "hint: --json"),
        (&["--list"], "hint: `mcp-login status`"),
        (&["--zzz", SERVER], "hint: see `mcp-login --help`"),
        (&[SERVER, "--timeout"], "--timeout"),
        (&[SERVER, "--timeout", "soon"], "soon"),
        (&[SERVER, "--timeout", "0"], "out of range"),
        (&[SERVER, "--timeout", "8000h"], "out of range"),
        (&[SERVER, "--timeout", "-5m"], "-5"),
        (
            &[SERVER, "--port", "65536"],
            "invalid value '65536' for '--port <N>': use a number from 0 to 65535",
        ),
        (
            &[SERVER, "--port", "80a"],
            "invalid value '80a' for '--port <N>': use a number from 0 to 65535",
        ),
        (
            &[SERVER, "--port", ""],
            "invalid value '' for '--port <N>': use a number from 0 to 65535",
        ),
        (&[SERVER, "--redirect-host", "example.com"], "127.0.0.1"),
        (&[SERVER, "--redirect-path", "callback"], "begins with /"),
        (&[SERVER, "--redirect-path", "/a?b"], "/a?b"),
        (
            &["https:/mcp.example/mcp"],
            "did you mean https://mcp.example/mcp?",
        ),
        (
            &["https//mcp.example/mcp"],
            "did you mean https://mcp.example/mcp?",
        ),
        (
            &["http:/localhost:8000/mcp"],
            "did you mean http://localhost:8000/mcp?",
        ),
        (
            &["token", "mcp.example/mcp"],
            "did you mean https://mcp.example/mcp?",
        ),
        (
            &[SERVER, "token"],
            "token is a command, which goes before its SERVER",
        ),
        (&[SERVER, "--redirect-uri", "https://127.0.0.1:1/x"], "http"),
        (
            &[SERVER, "--redirect-uri", "http://example.com/x"],
            "this machine",
        ),
        (
            &[SERVER, "--redirect-uri", "http://127.0.0.1:1/x?y"],
            "query",
        ),
        (
            &[SERVER, "--redirect-uri", "http://127.0.0.2:1/x"],
            "only 127.0.0.1 and ::1",
        ),
        (&[SERVER, "--client-id", ""], "--client-id"),
        (&[SERVER, "--issuer", ""], "'--issuer <URL>' but none"),
        (&[SERVER, "--resource", ""], "'--resource <URI>' but none"),
        (
            &[SERVER, "--login-hint", ""],
            "'--login-hint <ACCOUNT>' but none",
        ),
        (
            &[SERVER, "--redirect-uri", ""],
            "'--redirect-uri <URI>' but none",
        ),
        (
            &[
                SERVER,
                "--client-id",
                "x",
                "--client-secret-file",
                "/dev/zero",
            ],
            "too large",
        ),
        (
            &[
                SERVER,
                "--redirect-uri",
                "http://127.0.0.1:1/x",
                "--port",
                "2",
            ],
            "--port",
        ),
        (
            &[SERVER, "--resource", "x", "--no-resource"],
            "--no-resource",
        ),
        (&[SERVER, "--paste", "--no-paste"], "--no-paste"),
        (&[SERVER, "--browser", "x", "--no-browser"], "--no-browser"),
        (&[SERVER, "-q", "-v"], "-"),
        (&[SERVER, "--param", "x"], "KEY=VALUE"),
        (&[SERVER, "--param", "=x"], "KEY=VALUE"),
        (&[SERVER, "--param", "state=x"], "state"),
        (&[SERVER, "--param", "redirect_uri=x"], "redirect_uri"),
        (&[SERVER, "--param", "scope=x"], "--scope"),
        (&[SERVER, "--registration", "magic"], "dcr"),
        (&[SERVER, "--store", "cloud"], "file:PATH"),
        (
            &[SERVER, "--challenge", "Basic realm=x"],
            "WWW-Authenticate",
        ),
        (&[SERVER, "--challenge", ""], "WWW-Authenticate"),
        (&[SERVER, "--issuer", "as.example"], "as.example"),
        (&[SERVER, "--issuer", "https://u@as.example"], "user name"),
        (&[SERVER, "--client-secret", "x"], "--client-secret-file"),
        (
            &[SERVER, "--client-id", "a", "--client-file", "b"],
            "--client-file",
        ),
        (&["completion"], "SHELL"),
        (&["completion", "ksh"], "fish"),
        (&["handover", "--too", "codex"], "--to"),
        (&["status", "--output", "json"], "--json"),
        (
            &["exec", SERVER, "ls"],
            "put -- before the command: mcp-login exec SERVER -- COMMAND",
        ),
        (&["exec", SERVER], "see `mcp-login exec --help`"),
        (
            &["handover", SERVER, "claude-code"],
            "put --to before the client: mcp-login handover SERVER --to CLIENT",
        ),
        (
            &["--handover", "linear"],
            "put the server first: mcp-login linear --handover",
        ),
        (&["--handover", "cursr"], "a similar value exists: 'cursor'"),
        (
            &["--to", "cursor", SERVER],
            "`mcp-login handover SERVER --to CLIENT`",
        ),
        (&["check", "a", "b"], "b"),
    ] {
        wrong(args, shown);
    }
}

#[apply(test)]
fn options_for_one_server_with_several() {
    let second = "https://second.example/mcp";
    for option in [
        ["--port", "8000"],
        ["--redirect-uri", "http://127.0.0.1:8000/x"],
        ["--client-id", "x"],
        ["--client-metadata-url", "https://x.example/c.json"],
        ["--resource", "x"],
        ["--challenge", "Bearer scope=x"],
        ["--issuer", "https://as.example"],
    ] {
        wrong(&[SERVER, second, option[0], option[1]], option[0]);
    }
}

#[apply(test)]
fn near_misses_of_commands_and_of_urls() {
    for (word, meant) in [
        ("chekc", "check"),
        ("chck", "check"),
        ("demmo", "demo"),
        ("logn", "login"),
        ("docter", "doctor"),
    ] {
        wrong(&[word], &format!("mcp-login {meant}"));
    }
    for (word, meant) in [
        ("mcp.example.com/mcp", "https://mcp.example.com/mcp"),
        ("localhost:8000/mcp", "http://localhost:8000/mcp"),
        ("127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://mcp.example.com/mcp", "https://mcp.example.com/mcp"),
    ] {
        wrong(&[word], meant);
    }
    for word in [
        "linear",
        "",
        "a b",
        "ftp://mcp.example",
        "https://",
        "https://user@mcp.example",
        "https://h\u{e9}.example",
    ] {
        wrong(&[word], "");
    }
}

#[apply(test)]
fn u14_account_strings() {
    let fake = Fake::with(|seen, fake| {
        let mut metadata = fake.resource_metadata();
        metadata["resource"] = fake.origin().into();
        if seen
            .path
            .starts_with("/.well-known/oauth-protected-resource")
        {
            return Some(Reply::json(200, &metadata));
        }
        (seen.method == "POST" && !["/register", "/token"].contains(&seen.path.as_str()))
            .then(|| Reply::status(401))
    });
    let port = fake.address().port();
    for (typed, account) in [
        ("http://127.0.0.1:{}", "http://127.0.0.1:{}"),
        ("http://127.0.0.1:{}/", "http://127.0.0.1:{}"),
        ("http://127.0.0.1:{}/mcp", "http://127.0.0.1:{}/mcp"),
        ("http://127.0.0.1:{}/mcp/", "http://127.0.0.1:{}/mcp/"),
        ("HTTP://127.0.0.1:{}/Mcp", "http://127.0.0.1:{}/Mcp"),
        (
            "http://127.0.0.1:{}/mcp#fragment",
            "http://127.0.0.1:{}/mcp",
        ),
        ("http://127.0.0.1:{}/mcp?a=1", "http://127.0.0.1:{}/mcp?a=1"),
        ("http://127.0.0.1:{}/?a=1", "http://127.0.0.1:{}/?a=1"),
        ("http://127.0.0.1:{}/a/../mcp", "http://127.0.0.1:{}/mcp"),
    ] {
        let fill = |text: &str| text.replace("{}", &port.to_string());
        let finished = Program::login_at(&fill(typed)).agree().expect(0);
        assert_eq!(
            finished.event("logged_in")["server"],
            fill(account),
            "{typed}"
        );
        assert!(
            finished.kept(&fill(account))["access_token"].is_string(),
            "{typed}"
        );
    }
    // The same server twice is one login.
    let url = format!("{}/mcp", fake.origin());
    let login = Program::new().args([
        "--json",
        "--store",
        "file",
        "--no-browser",
        &url,
        &format!("{url}#x"),
    ]);
    let finished = login.agree().expect(0);
    assert_eq!(
        finished
            .events
            .iter()
            .filter(|event| event["event"] == "listening")
            .count(),
        1
    );
}

#[apply(test)]
fn options_by_environment_and_the_flag_wins() {
    let fake = Fake::start();
    let port = crate::support::closed_address().port();
    let start = |login: Program| {
        let mut login = login.start();
        let url = login.authorization_url();
        (login, url)
    };
    let login = || {
        Program::new()
            .args(["--json", "--store", "file"])
            .env("MCP_LOGIN_NO_BROWSER", "1")
    };
    let (running, url) = start(
        login()
            .env("MCP_LOGIN_SCOPE", "a b")
            .env("MCP_LOGIN_PORT", port.to_string())
            .arg(fake.mcp()),
    );
    assert_eq!(parameter(&url, "scope").as_deref(), Some("a b"));
    assert_eq!(
        parameter(&url, "redirect_uri"),
        Some(format!("http://127.0.0.1:{port}/callback"))
    );
    drop(running);
    let (_, url) = start(
        login()
            .env("MCP_LOGIN_SCOPE", "a b")
            .env("MCP_LOGIN_REDIRECT_PATH", "/env")
            .env("MCP_LOGIN_CLIENT_ID", "env-id")
            .env("MCP_LOGIN_LOGIN_HINT", "ada")
            .env("MCP_LOGIN_RESOURCE", "urn:x")
            .args(["--scope", "c", "--scope", "d e", "--redirect-path", "/flag"])
            .arg(fake.mcp()),
    );
    assert_eq!(parameter(&url, "scope").as_deref(), Some("c d e"));
    assert!(parameter(&url, "redirect_uri").is_some_and(|uri| uri.ends_with("/flag")));
    assert_eq!(parameter(&url, "client_id").as_deref(), Some("env-id"));
    assert_eq!(parameter(&url, "login_hint").as_deref(), Some("ada"));
    assert_eq!(parameter(&url, "resource").as_deref(), Some("urn:x"));
    login()
        .env("MCP_LOGIN_TIMEOUT", "1s")
        .arg(fake.mcp())
        .run()
        .expect_error(4, "timed_out");
    let finished = login()
        .env("MCP_LOGIN_TIMEOUT", "soon")
        .arg(fake.mcp())
        .run()
        .expect(2);
    let words = "invalid value 'soon' for MCP_LOGIN_TIMEOUT: use 90s, 10m or 1h";
    assert!(finished.stderr.contains(words), "{}", finished.stderr);
}

/// Returns the members of an event in the order in which they were printed.
fn members(line: &str) -> Vec<String> {
    let event: Value = serde_json::from_str(line).expect("JSON");
    let mut names: Vec<_> = event
        .as_object()
        .expect("an object")
        .keys()
        .cloned()
        .collect();
    names.sort_by_key(|name| line.find(&format!("\"{name}\":")));
    names
}

#[apply(test)]
fn events_have_their_members_in_their_order() {
    let fake = Fake::start();
    let mut login = Program::login(&fake).start();
    let url = login.authorization_url();
    let uri = parameter(&url, "redirect_uri").expect("a URI");
    crate::support::visit(&format!("{uri}?state=wrong&code=x"));
    let rejected = login.event("rejected");
    assert_eq!(
        rejected,
        json!({"event": "rejected", "server": fake.mcp(), "source": "callback", "reason": "state_mismatch"})
    );
    crate::support::visit(&login.redirect(&url));
    let finished = login.finish().expect(0);
    let refused = Program::login(&fake)
        .args(["--registration", "static"])
        .run()
        .expect(2);
    let contract = [
        ("listening", "event server redirect_uri"),
        (
            "authorization_url",
            "event server url redirect_uri expires_at",
        ),
        ("rejected", "event server source reason"),
        (
            "logged_in",
            "event server profile issuer client_id scopes expires_at refreshable store path",
        ),
        ("error", "event server code exit message hint"),
    ];
    let lines: Vec<_> = finished
        .stdout
        .lines()
        .chain(refused.stdout.lines())
        .collect();
    for (kind, expected) in contract {
        let start = format!("{{\"event\":\"{kind}\",");
        let line = lines
            .iter()
            .find(|line| line.starts_with(&start))
            .unwrap_or_else(|| panic!("no {kind}: {lines:?}"));
        let expected: Vec<_> = expected.split(' ').collect();
        // Additions are welcome, behind what is promised.
        assert_eq!(members(line)[..expected.len()], expected, "{line}");
    }
    let logged_in = finished.event("logged_in");
    assert_eq!(logged_in["profile"], "default");
    assert_eq!(
        logged_in["path"],
        finished.credentials_path().display().to_string()
    );
    for time in [
        &logged_in["expires_at"],
        &finished.event("authorization_url")["expires_at"],
    ] {
        let time = time.as_str().expect("a time");
        assert!(
            time.len() == 20 && time.ends_with('Z') && time.as_bytes()[10] == b'T',
            "{time}"
        );
    }
}

#[apply(test)]
fn without_json_stdout_stays_empty_and_the_url_has_a_line_of_its_own() {
    let fake = Fake::start();
    let login = |more: &str| {
        let attempt = |limit: &&str| {
            let login = Program::new().args(["--store", "file", "--no-browser", "--timeout"]);
            let more = Some(more).filter(|more| !more.is_empty());
            let login = login.arg(limit).args(more).arg(fake.mcp());
            let finished = login.run().expect(4);
            let has_page = finished.stderr.contains("code_challenge=");
            has_page.then_some(finished)
        };
        LIMITS.iter().find_map(attempt).expect("a page in time")
    };
    let mut said = Vec::new();
    for more in ["-q", "", "-v", "-vv"] {
        let finished = login(more);
        assert_eq!(finished.stdout, "", "{more}");
        let url: Vec<_> = finished
            .stderr
            .lines()
            .filter(|line| line.contains("code_challenge="))
            .collect();
        assert_eq!(url.len(), 1, "{more}: {}", finished.stderr);
        assert!(
            url[0].starts_with("http://127.0.0.1:") && !url[0].contains(' '),
            "{}",
            url[0]
        );
        assert!(finished.stderr.contains("mcp-login: error: "), "{more}");
        said.push(finished.stderr.lines().count());
    }
    assert!(
        said[0] < said[1] && said[1] < said[2] && said[2] <= said[3],
        "{said:?}"
    );
}

#[apply(test)]
fn several_servers_report_each_and_the_first_failure_is_the_exit_code() {
    let (good, bad) = (Fake::start(), Fake::with(|_, _| Some(Reply::status(404))));
    let login = || {
        Program::new().args([
            "--json",
            "--store",
            "file",
            "--no-browser",
            "--timeout",
            "60s",
        ])
    };
    let finished = login().args([bad.mcp(), good.mcp()]).agree().expect(2);
    assert_eq!(finished.event("logged_in")["server"], good.mcp());
    assert_eq!(finished.event("error")["server"], bad.mcp());
    assert!(finished.kept(&good.mcp())["access_token"].is_string());
    let second = Fake::start();
    let mut both = login().args([good.mcp(), second.mcp()]).start();
    for _ in 0..2 {
        assert_eq!(both.agree().status, 200);
    }
    both.finish().expect(0);
}

#[apply(test)]
fn help_and_version_are_products() {
    for args in [
        &["--help"][..],
        &["-h"],
        &["--version"],
        &["check", "--help"],
        &["doctor", "--help"],
        &["login", "--help"],
    ] {
        let finished = Program::new().args(args).run().expect(0);
        assert!(
            finished.stdout.contains("mcp-login"),
            "{args:?}: {}",
            finished.stdout
        );
        assert_eq!(finished.stderr, "", "{args:?}");
    }
}

/// A fake that answers at one path like this.
fn at(path: &'static str, reply: Reply) -> Fake {
    Fake::with(move |seen, _| (seen.path == path).then(|| reply.clone()))
}

#[apply(test)]
fn the_exit_codes() {
    let token = |body: Value| at("/token", Reply::json(400, &body));
    let unusable = at(
        "/token",
        Reply::json(200, &json!({"access_token": "x", "token_type": "mac"})),
    );
    let other = Fake::start();
    let held = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = held.local_addr().expect("an address").port().to_string();
    let denied = Fake::with(|seen, _| {
        let (uri, state) = (seen.parameter("redirect_uri")?, seen.parameter("state")?);
        (seen.path == "/authorize")
            .then(|| Reply::redirect(302, &format!("{uri}?error=access_denied&state={state}")))
    });
    let nothing = Fake::with(|_, _| Some(Reply::status(404)));
    // A server of files answers so, which knows nothing but GET.
    let files = Fake::with(|seen, _| {
        let status = if seen.path == "/mcp" { 501 } else { 404 };
        Some(Reply::status(status))
    });
    let down = Fake::with(|_, _| Some(Reply::status(503).with("Retry-After", "3600")));
    let away = at(
        "/token",
        Reply::redirect(307, &format!("{}/token", other.origin())),
    );
    for (code, fake, args) in [
        (0, Fake::start(), &[][..]),
        (1, unusable, &[]),
        (2, Fake::start(), &["--param", "state=x"]),
        (2, Fake::start(), &["--registration", "static"]),
        (3, denied, &[]),
        (3, token(json!({"error": "invalid_grant"})), &[]),
        (
            3,
            at(
                "/register",
                Reply::json(400, &json!({"error": "invalid_redirect_uri"})),
            ),
            &[],
        ),
        (
            4,
            at("/authorize", Reply::status(200)),
            &["--timeout", "1s"],
        ),
        (2, nothing, &[]),
        (2, files, &[]),
        (5, down, &[]),
        (5, at("/token", Reply::status(503)), &[]),
        (6, away, &[]),
        (2, Fake::start(), &["--issuer", "https://other.example"]),
        (7, Fake::start(), &["--data-dir", "/proc/nowhere"]),
        (8, Fake::start(), &["--no-paste", "--port", &port]),
    ] {
        let login = Program::new()
            .args(["--json", "--store", "file", "--no-browser"])
            .args(args)
            .arg(fake.mcp());
        let finished = login.agree().expect(code);
        match finished
            .events
            .iter()
            .find(|event| event["event"] == "error")
        {
            Some(error) => assert_eq!(error["exit"], code, "{error}"),
            None => assert!(
                code == 0 || finished.stdout.is_empty(),
                "{}",
                finished.stdout
            ),
        }
    }
    let home = tempfile::tempdir().expect("a directory");
    Program::new()
        .at_home(home.path())
        .args(["--store", "file", "check", &other.mcp()])
        .run()
        .expect(3);
}
