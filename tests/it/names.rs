//! Servers by the names that they have in the configurations of MCP clients.

use std::fs;

use serde_json::{json, Value};

use crate::support::fake::{Fake, Reply};
use crate::support::leaks::assert_plain;
use crate::support::parameter;
use crate::support::program::{Finished, Program, Running};
use crate::support::rotating::{login, login_to, Home};
use crate::support::skip::needs;

/// Writes a configuration below a home.
pub fn put(home: &Home, file: &str, text: &str) {
    let path = home.path().join(file);
    fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
    fs::write(path, text).expect("writing");
}

/// Writes a configuration in the usual notation.
pub fn put_servers(home: &Home, file: &str, servers: Value) {
    put(home, file, &json!({ "mcpServers": servers }).to_string());
}

fn codex(name: &str, url: &str) -> String {
    format!("[mcp_servers.{name}]\nurl = \"{url}\"\n")
}

/// Prepares a login in a home, in a working directory below it.
pub fn log_in(home: &Home, args: &[&str]) -> Program {
    let directory = home.path().join("work");
    fs::create_dir_all(&directory).expect("a directory");
    let mut program = home
        .command("login", &["--json", "--no-browser"])
        .env("MCP_LOGIN_TIMEOUT", "60s")
        .args(args);
    program.command().current_dir(directory);
    program
}

pub fn live(fake: &Fake) -> Value {
    login(
        fake,
        json!({"access_token": "access-live", "expires_at": "2999-01-01T00:00:00Z"}),
    )
}

pub fn events<'a>(finished: &'a Finished, kind: &str) -> Vec<&'a Value> {
    finished
        .events
        .iter()
        .filter(|event| event["event"] == kind)
        .collect()
}

#[apply(test)]
fn a_login_by_name_shows_the_url_first() {
    let fake = Fake::start();
    let home = Home::new();
    put(&home, ".codex/config.toml", &codex("linear", &fake.mcp()));
    for word in ["linear", "codex:linear"] {
        let finished = log_in(&home, &[word, "--force"]).agree().expect(0);
        let first = &finished.events[0];
        let path = home.path().join(".codex/config.toml");
        assert_eq!(
            *first,
            json!({"event": "named", "server": fake.mcp(), "name": "linear", "client": "codex",
                   "path": path, "in_project": false})
        );
        assert!(
            finished
                .stderr
                .starts_with(&format!("mcp-login: linear is {} (from ", fake.mcp())),
            "{}",
            finished.stderr
        );
        assert_eq!(finished.event("logged_in")["server"], fake.mcp());
    }
    assert!(home.logins().contains_key(&fake.mcp()));
    let quiet = log_in(&home, &["linear", "-q"]).run().expect(0);
    assert_eq!(quiet.stderr, "");
}

#[apply(test)]
fn every_command_knows_the_names() {
    let fake = Fake::with(|seen, _| {
        if seen.path == "/revoke" {
            return Some(Reply::status(200));
        }
        let is_known = seen.header("authorization") == Some("Bearer access-live");
        let body: Value = serde_json::from_str(&seen.body).unwrap_or_default();
        (is_known && seen.path == "/mcp").then(|| {
            Reply::json(
                200,
                &json!({"jsonrpc": "2.0", "id": body["id"], "result": {"tools": []}}),
            )
        })
    });
    let home = Home::new();
    home.put(&[live(&fake)]);
    put_servers(
        &home,
        ".claude.json",
        json!({"linear": {"type": "http", "url": fake.mcp()}}),
    );
    let token = home.command("token", &["linear"]).run().expect(0);
    assert_eq!(token.stdout, "access-live");
    let headers = home
        .command("headers", &["claude-code:linear"])
        .run()
        .expect(0);
    assert_eq!(headers.stdout, "{\"Authorization\":\"Bearer access-live\"}");
    let named = home
        .command("headers", &[])
        .env("CLAUDE_CODE_MCP_SERVER_NAME", "linear")
        .run()
        .expect(0);
    assert_eq!(named.stdout, headers.stdout);
    let exec = home
        .command(
            "exec",
            &["linear", "--", "sh", "-c", "echo $MCP_LOGIN_BEARER"],
        )
        .run()
        .expect(0);
    assert_eq!(exec.stdout, "access-live");
    home.command("check", &["linear"]).run().expect(0);
    let status = home
        .command("status", &["--json", "linear"])
        .run()
        .expect(0);
    assert_eq!(status.events[0]["logins"][0]["server"], fake.mcp());
    let doctor = home
        .command("doctor", &["--no-browser", "--paste", "linear"])
        .run();
    assert!(
        doctor
            .stderr
            .starts_with(&format!("mcp-login: linear is {}", fake.mcp())),
        "{}",
        doctor.stderr
    );
    assert!(fake.seen_at("/mcp").len() > 2, "{}", doctor.stdout);
    home.command("logout", &["linear"]).run().expect(0);
    assert!(home.logins().is_empty());
    home.command("token", &["linear"]).run().expect(3);
}

#[apply(test)]
fn claude_code_means_its_own_servers() {
    let fake = Fake::start();
    let home = Home::new();
    home.put(&[live(&fake)]);
    put_servers(
        &home,
        ".claude.json",
        json!({"linear": {"url": fake.mcp()}}),
    );
    put_servers(
        &home,
        ".cursor/mcp.json",
        json!({"linear": {"url": "https://other.example/mcp"}}),
    );
    let headers = home
        .command("headers", &[])
        .env("CLAUDE_CODE_MCP_SERVER_NAME", "linear")
        .run()
        .expect(0);
    assert!(headers.stdout.contains("access-live"));
    home.command("headers", &["linear"]).run().expect(2);
}

/// Whatever the configurations hold: a URL is a URL.
#[apply(test)]
fn for_a_url_no_configuration_is_read() {
    let fake = Fake::start();
    let home = Home::new();
    home.put(&[live(&fake)]);
    put(&home, ".claude.json", "{ broken");
    for command in ["token", "status"] {
        let finished = home.at(command, &fake).run().expect(0);
        assert_eq!(finished.stderr, "");
    }
    let named = home.command("token", &["linear"]).run().expect(2);
    assert!(
        named
            .stderr
            .contains("warning: cannot read the configuration of claude-code"),
        "{}",
        named.stderr
    );
    let asked = home
        .command("token", &["claude-code:linear"])
        .run()
        .expect(2);
    assert!(
        asked
            .stderr
            .contains("error: cannot read the configuration of claude-code"),
        "{}",
        asked.stderr
    );
    needs(&["strace"]);
    let wrapper = ["strace", "-f", "-e", "trace=openat,stat,statx,newfstatat"];
    let traced = home.at("token", &fake).through(&wrapper).run().expect(0);
    assert!(
        traced.stderr.contains("credentials.json"),
        "{}",
        traced.stderr
    );
    assert!(!traced.stderr.contains(".claude.json"), "{}", traced.stderr);
}

#[apply(test)]
fn the_same_name_for_different_servers_is_an_error_that_lists_them() {
    let home = Home::new();
    put(
        &home,
        ".codex/config.toml",
        &codex("linear", "https://one.example/mcp"),
    );
    put_servers(
        &home,
        ".cursor/mcp.json",
        json!({"linear": {"url": "https://two.example/\u{1b}[31m"}}),
    );
    put_servers(
        &home,
        ".lmstudio/mcp.json",
        json!({"linear": {"url": "https://one.example/mcp#x"}}),
    );
    for command in ["login", "token", "headers", "check", "logout", "status"] {
        let finished = home.command(command, &["linear"]).run().expect(2);
        assert_eq!(finished.stdout, "");
        let lines: Vec<_> = finished.stderr.lines().collect();
        assert_eq!(
            lines[0],
            "mcp-login: error: linear is the name of several servers"
        );
        assert_eq!(lines[1], "codex:linear      https://one.example/mcp");
        assert!(
            lines[2].starts_with("cursor:linear     https://two.example/"),
            "{lines:?}"
        );
        assert_eq!(
            lines[4],
            "mcp-login: hint: name the one that you mean: codex:linear or cursor:linear or lm-studio:linear"
        );
        assert_plain(&finished.stderr);
    }
    let json = home
        .command("login", &["--json", "linear"])
        .run()
        .expect_error(2, "usage");
    assert!(json.event("error")["hint"]
        .as_str()
        .is_some_and(|hint| hint.contains("cursor:linear")));
    home.command("token", &["codex:linear"]).run().expect(3);
    // With one client to look at, there is nothing to mistake.
    let one = log_in(&home, &["--from", "lm-studio", "linear", "--timeout", "1s"]).run();
    assert_eq!(one.event("named")["client"], "lm-studio");
    // The same server by every client is no question.
    put_servers(
        &home,
        ".cursor/mcp.json",
        json!({"linear": {"url": "https://ONE.example/mcp"}}),
    );
    home.command("token", &["linear"]).run().expect(3);
}

/// A password in a URL is not taken, and not shown either.
#[apply(test)]
fn a_password_in_a_url_is_not_shown() {
    let home = Home::new();
    let url = |host: &str| json!({"url": format!("https://ann:c4nary@{host}.example/mcp")});
    put_servers(
        &home,
        ".cursor/mcp.json",
        json!({"it": url("one"), "other": url("three")}),
    );
    let unreadable = json!({"url": "https://ann:c4nary@four.example:99999/mcp"});
    put_servers(
        &home,
        ".lmstudio/mcp.json",
        json!({"it": url("two"), "odd": unreadable}),
    );
    for (args, code) in [
        (&["login", "it"][..], 2),
        (&["login", "other"], 2),
        (&["login", "odd"], 2),
        (&["token", "other"], 2),
        (&["login", "--all"], 0),
        (&["status", "--from", "cursor"], 0),
    ] {
        let finished = home
            .command(args[0], &args[1..])
            .arg("-vv")
            .run()
            .expect(code);
        assert!(
            !finished.stderr.contains("c4nary"),
            "{args:?}: {}",
            finished.stderr
        );
        assert!(
            !finished.stdout.contains("c4nary"),
            "{args:?}: {}",
            finished.stdout
        );
        assert!(
            finished.stderr.contains(".example") || finished.stderr.contains("its URL"),
            "{}",
            finished.stderr
        );
    }
}

#[apply(test)]
fn a_login_that_its_client_may_not_use_is_made_with_a_warning() {
    let fake = Fake::start();
    let home = Home::new();
    let own = json!({"url": fake.mcp(), "headers": {"Authorization": "Bearer CANARY"}});
    put_servers(
        &home,
        ".cursor/mcp.json",
        json!({"own": own, "off": {"url": fake.mcp(), "disabled": true}}),
    );
    for (name, reason) in [
        ("own", "its own credentials are set there"),
        ("off", "it is switched off there"),
    ] {
        let finished = log_in(&home, &[name, "--force"]).agree().expect(0);
        let warning = format!("warning: cursor may not use a login to {name}: {reason}");
        assert!(finished.stderr.contains(&warning), "{}", finished.stderr);
        assert!(!finished.stderr.contains("CANARY"), "{}", finished.stderr);
    }
}

#[apply(test)]
fn n10_unknown_names_have_near_misses() {
    let fake = Fake::start();
    let home = Home::new();
    home.put(&[login_to("google-work", &fake, json!({}))]);
    put(
        &home,
        ".codex/config.toml",
        &codex("linear", "https://linear.example/mcp"),
    );
    put_servers(
        &home,
        ".cursor/mcp.json",
        json!({"paid": {"url": "https://x.example/${NONE}"}, "local": {"command": "uvx", "args": ["it"]}}),
    );
    for (word, shown) in [
        ("linaer", "did you mean linear?"),
        ("codex:linaer", "did you mean codex:linear?"),
        ("vscode:linear", "did you mean codex:linear?"),
        ("gogle-work", "did you mean google-work?"),
        (
            "nothing-like-it",
            "neither a URL nor the name of a login or of a server",
        ),
        ("statsu", "`mcp-login status`"),
        ("entra", "log in first: mcp-login --provider entra"),
        ("paid", "needs the variable NONE, which is not set"),
        ("cursor:paid", "needs the variable NONE, which is not set"),
        ("local", "cursor:local"),
        (
            "cursor:local",
            "it is a program that the client starts, and has no URL",
        ),
        ("mcp.example.com/mcp", "https://mcp.example.com/mcp"),
        ("//mcp.example.com/mcp", "https://mcp.example.com/mcp"),
        (
            "/tmp",
            "neither a URL nor the name of a login or of a server",
        ),
        ("..", "neither a URL nor the name of a login or of a server"),
        ("", "the name of the server is empty"),
        ("http://127.0.0.1:65536/mcp", "its port is not valid"),
        ("http://127.0.0.1:0/mcp", "its port is not valid"),
        (
            "https://b\u{fc}cher.example/mcp",
            "hint: try https://xn--bcher-kva.example/mcp",
        ),
        (
            "https://[fe80::1%25eth0]/mcp",
            "its IP address is not valid",
        ),
    ] {
        for command in ["login", "token"] {
            let finished = home.command(command, &[word]).run().expect(2);
            assert!(
                finished.stderr.contains(shown),
                "{command} {word}: {}",
                finished.stderr
            );
        }
    }
    // A name that is right is that of the stored login, which knows where it was made.
    let stored = home
        .command("login", &["--json", "--no-browser", "google-work"])
        .agree()
        .expect(0);
    assert_eq!(stored.event("logged_in")["issuer"], fake.origin());
    let from = home
        .command("login", &["--from", "netscape", "x"])
        .run()
        .expect(2);
    assert!(
        from.stderr.contains("claude-code, codex, gemini-cli"),
        "{}",
        from.stderr
    );
}

#[apply(test)]
fn a_name_of_any_length_is_refused_at_once() {
    let home = Home::new();
    let long = "ab".repeat(35_000);
    put_servers(
        &home,
        ".cursor/mcp.json",
        json!({long.as_str(): {"url": "https://x.example/mcp"}}),
    );
    let refused = home.command("login", &[&long[1..60_000]]).run().expect(2);
    assert!(
        !refused.stderr.contains("did you mean"),
        "{}",
        refused.stderr.len()
    );
}

#[apply(test)]
fn a_stored_name_wins_over_a_configured_one() {
    let fake = Fake::start();
    let home = Home::new();
    home.put(&[login_to(
        "linear",
        &fake,
        json!({"access_token": "mine", "expires_at": null}),
    )]);
    put(
        &home,
        ".codex/config.toml",
        &codex("linear", "https://linear.example/mcp"),
    );
    assert_eq!(
        home.command("token", &["linear"]).run().expect(0).stdout,
        "mine"
    );
}

#[apply(test)]
fn a_projects_file_is_marked_and_gets_no_secret() {
    let fake = Fake::start();
    let home = Home::new();
    let (base, variable) = (fake.origin(), "${SECRET_TOKEN}");
    put_servers(
        &home,
        "work/.mcp.json",
        json!({"theirs": {"url": format!("${{NONE:-{base}}}/mcp")}, "greedy": {"url": format!("{base}/{variable}")},
               "plain": {"url": "http://mcp.example/mcp"}, "\u{1b}[31mred": {"url": "https://\u{1b}[31m.example"}}),
    );
    let run = |args: &[&str]| {
        log_in(&home, args)
            .env("NONE", "https://no.example")
            .env("SECRET_TOKEN", "c4nary")
    };
    let finished = run(&["theirs", "-q", "--from", "claude-code"])
        .agree()
        .expect(0);
    assert_eq!(finished.event("named")["in_project"], true);
    assert!(
        finished.stderr.contains("a file of this project"),
        "{}",
        finished.stderr
    );
    assert_eq!(finished.event("logged_in")["server"], fake.mcp());
    let greedy = run(&["greedy"]).run().expect(2);
    assert!(
        greedy.stderr.contains("SECRET_TOKEN") && !greedy.stderr.contains("c4nary"),
        "{}",
        greedy.stderr
    );
    let plain = run(&["plain"]).run().expect(2);
    assert!(
        plain.stderr.contains("https://mcp.example/mcp"),
        "{}",
        plain.stderr
    );
    let all = run(&["--all"]).run().expect(0);
    assert_plain(&all.stderr);
    assert!(
        !all.stderr.contains("c4nary") && !all.stdout.contains("c4nary"),
        "{}",
        all.stderr
    );
    assert!(fake.seen().iter().all(|seen| !seen.path.contains("c4nary")));
}

#[apply(test)]
fn what_the_configuration_knows_of_the_client_is_used_and_the_user_wins() {
    let fake = Fake::start();
    let home = Home::new();
    let oauth = json!({"clientId": "registered", "callbackPort": free_port(), "scopes": "a b", "clientSecret": "s3cret"});
    put_servers(
        &home,
        ".claude.json",
        json!({"slack": {"type": "http", "url": fake.mcp(), "oauth": oauth}}),
    );
    let url = |args: &[&str]| {
        let mut running: Running = log_in(&home, args).arg("slack").start();
        running.authorization_url()
    };
    let by_default = url(&[]);
    let port = &oauth["callbackPort"];
    assert_eq!(
        parameter(&by_default, "client_id").as_deref(),
        Some("registered")
    );
    assert_eq!(parameter(&by_default, "scope").as_deref(), Some("a b"));
    assert_eq!(
        parameter(&by_default, "redirect_uri"),
        Some(format!("http://localhost:{port}/callback"))
    );
    let chosen = url(&["--client-id", "mine", "--scope", "c"]);
    assert_eq!(parameter(&chosen, "client_id").as_deref(), Some("mine"));
    assert_eq!(parameter(&chosen, "scope").as_deref(), Some("c"));
    assert!(
        parameter(&chosen, "redirect_uri").is_some_and(|uri| uri.starts_with("http://127.0.0.1:"))
    );
    let finished = log_in(&home, &["slack", "--timeout", "1s"]).run().expect(4);
    assert!(
        finished.stderr.contains("warning: the client secret in"),
        "{}",
        finished.stderr
    );
    assert!(!finished.stderr.contains("s3cret") && !finished.stdout.contains("s3cret"));
}

pub fn free_port() -> u16 {
    crate::support::closed_address().port()
}

/// A server that lists its tools for everybody, and knows no authorization server.
fn open_server() -> Fake {
    Fake::with(|seen, _| {
        let body: Value = serde_json::from_str(&seen.body).unwrap_or_default();
        Some(match seen.path.as_str() {
            "/mcp" => Reply::json(
                200,
                &json!({"jsonrpc": "2.0", "id": body["id"], "result": {"tools": []}}),
            ),
            _ => Reply::status(404),
        })
    })
}

#[apply(test)]
fn all_servers_of_the_configurations() {
    let (wanting, kept, open) = (Fake::start(), Fake::start(), open_server());
    let home = Home::new();
    home.put(&[live(&kept)]);
    put_servers(
        &home,
        ".claude.json",
        json!({"wanting": {"url": wanting.mcp()}, "open": {"url": open.mcp()}, "local": {"command": "x"},
               "own": {"url": "https://own.example", "headers": {"Authorization": "Bearer x"}},
               "helped": {"url": "https://helped.example", "headersHelper": "other-helper"},
               "unset": {"url": "https://x.example/${NONE}"}}),
    );
    put(
        &home,
        ".codex/config.toml",
        &(codex("kept", &kept.mcp()) + &codex("again", &wanting.mcp())),
    );
    let finished = log_in(&home, &["--all"]).agree().expect(0);
    let logged_in: Vec<_> = events(&finished, "logged_in")
        .iter()
        .map(|it| it["server"].clone())
        .collect();
    assert_eq!(logged_in.len(), 2, "{}", finished.stdout);
    assert!(
        logged_in.contains(&wanting.mcp().into()) && logged_in.contains(&kept.mcp().into()),
        "{logged_in:?}"
    );
    let already: Vec<_> = events(&finished, "logged_in")
        .into_iter()
        .filter(|it| it["already"] == true)
        .collect();
    assert_eq!(already.len(), 1);
    assert_eq!(already[0]["server"], kept.mcp());
    assert_eq!(
        *finished.event("no_login_needed"),
        json!({"event": "no_login_needed", "server": open.mcp()})
    );
    assert!(
        finished
            .stderr
            .contains("answers without a login: it needs none"),
        "{}",
        finished.stderr
    );
    let skipped: Vec<_> = events(&finished, "skipped")
        .iter()
        .map(|it| it["name"].as_str().expect("a name"))
        .collect();
    assert_eq!(skipped, ["unset", "helped", "own"], "{}", finished.stdout);
    assert!(finished
        .stderr
        .contains("left out: claude-code:own (https://own.example): its own credentials"));
    assert!(events(&finished, "error").is_empty());

    // Now nothing is missing: the status of each server says so, and one more would be told.
    let status = |client: &str| home.command("status", &["--json", "--from", client]).run();
    let states = |finished: &Finished| -> Vec<(String, String)> {
        let logins = finished.events[0]["logins"].as_array().expect("logins");
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        logins
            .iter()
            .map(|login| (text(&login["name"]), text(&login["state"])))
            .collect()
    };
    let pair = |name: &str, state: &str| (name.to_owned(), state.to_owned());
    let claude = status("claude-code").expect(0);
    let free = "no_login_needed";
    assert_eq!(
        states(&claude),
        [
            pair("helped", free),
            pair("open", free),
            pair("own", free),
            pair("wanting", "live")
        ]
    );
    assert_eq!(
        states(&status("codex").expect(0)),
        [pair("again", "live"), pair("kept", "live")]
    );
    put(
        &home,
        ".codex/config.toml",
        &(codex("kept", &kept.mcp()) + &codex("new", "https://new.example/mcp")),
    );
    let codex = status("codex").expect(3);
    assert_eq!(
        states(&codex),
        [pair("kept", "live"), pair("new", "needs_login")]
    );
    let new = &codex.events[0]["logins"][1];
    assert_eq!(
        (&new["server"], &new["client"]),
        (&"https://new.example/mcp".into(), &"codex".into())
    );
    let table = home.command("status", &["--from", "codex"]).run().expect(3);
    assert!(
        table
            .stdout
            .lines()
            .any(|row| row.starts_with("new ") && row.contains("needs login")),
        "{}",
        table.stdout
    );
    home.command("status", &["--from", "codex", "kept"])
        .run()
        .expect(0);
    home.command("status", &["--from", "codex", "new"])
        .run()
        .expect(3);
    home.command("status", &["--from", "codex", "wanting"])
        .run()
        .expect(2);
    home.command("status", &[])
        .env("MCP_LOGIN_FROM", "codex")
        .run()
        .expect(3);
    let of_one = log_in(&home, &["--all", "--from", "opencode"])
        .run()
        .expect(0);
    assert!(
        of_one.stderr.contains("there is no server to log in to"),
        "{}",
        of_one.stderr
    );
    assert_eq!(status("opencode").expect(0).stdout, "{\"logins\":[]}");
}

#[apply(test)]
fn one_of_all_that_fails_gives_the_exit_code() {
    let (good, broken) = (Fake::start(), Fake::with(|_, _| Some(Reply::status(500))));
    let home = Home::new();
    put_servers(
        &home,
        ".cursor/mcp.json",
        json!({"a": {"url": broken.mcp()}, "b": {"url": good.mcp()}}),
    );
    let finished = log_in(&home, &["--all"]).agree().expect(5);
    assert_eq!(finished.event("logged_in")["server"], good.mcp());
    assert_eq!(finished.event("error")["server"], broken.mcp());
    for args in [
        &["--all", "--port", "8000"][..],
        &["--all", "https://x.example"],
        &["--all", "--client-id", "x"],
    ] {
        log_in(&home, args).run().expect(2);
    }
    put(&home, ".cursor/mcp.json", "{ broken");
    log_in(&home, &["--all", "--from", "cursor"])
        .run()
        .expect(2);
}
