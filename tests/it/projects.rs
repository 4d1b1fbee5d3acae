//! What a project's files may do: name a server, and nothing behind the user's back.

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use serde_json::{json, Value};

use crate::names::{events, live, log_in, put_servers};
use crate::support::fake::{Fake, Reply};
use crate::support::leaks::assert_plain;
use crate::support::program::Program;
use crate::support::pty::Pty;
use crate::support::rotating::{login, Home};
use crate::support::skip::needs_root;
use crate::support::visit;

/// A server of a project that brings a client of its own.
fn entry(fake: &Fake) -> Value {
    json!({"url": fake.mcp(), "oauth": {"clientId": "theirs"}})
}

#[apply(test)]
fn a_projects_client_gets_no_secret_of_the_users() {
    let fake = Fake::start();
    let home = Home::new();
    put_servers(&home, "work/.mcp.json", json!({"theirs": entry(&fake)}));
    let finished = log_in(&home, &["claude-code:theirs"])
        .env("MCP_LOGIN_CLIENT_SECRET", "c4nary")
        .agree()
        .expect(0);
    assert_eq!(finished.event("logged_in")["client_id"], "theirs");
    let tokens = fake.seen_at("/token");
    assert_eq!(tokens.len(), 1);
    assert!(
        tokens[0].header("authorization").is_none()
            && tokens[0].parameter("client_secret").is_none()
    );

    let file = home.path().join("secret");
    std::fs::write(&file, "c4nary").expect("writing");
    let file = file.to_str().expect("text");
    let refused = log_in(&home, &["theirs", "--force", "--client-secret-file", file])
        .run()
        .expect_error(2, "usage");
    assert!(
        refused.stderr.contains("give the URL and --client-id"),
        "{}",
        refused.stderr
    );
}

#[apply(test)]
fn a_projects_file_of_another_user_is_not_read() {
    needs_root();
    let fake = Fake::start();
    let home = Home::new();
    put_servers(
        &home,
        "work/.mcp.json",
        json!({"theirs": {"url": fake.mcp()}}),
    );
    let name = "claude-code:theirs";
    log_in(&home, &[name]).agree().expect(0);
    let path = home.path().join("work/.mcp.json");
    std::os::unix::fs::chown(path, Some(54321), None).expect("another owner");
    let refused = log_in(&home, &[name, "--force"]).run().expect(2);
    assert!(
        refused.stderr.contains("it belongs to another user"),
        "{}",
        refused.stderr
    );
}

/// The user's own file is trusted with the client of one login, but a secret has one client.
#[apply(test)]
fn a_secret_goes_to_one_server_only() {
    let fake = Fake::start();
    let home = Home::new();
    put_servers(
        &home,
        ".cursor/mcp.json",
        json!({"mine": {"url": fake.mcp(), "oauth": {"clientId": "mine"}}}),
    );
    let secret_sent = |args: &[&str], secret: &str| {
        log_in(&home, args)
            .arg("--force")
            .env("MCP_LOGIN_CLIENT_SECRET", secret)
            .agree()
            .expect(0);
        let last = fake.seen_at("/token").pop().expect("a request");
        let basic = last
            .header("authorization")
            .and_then(|value| value.strip_prefix("Basic "))
            .map(str::to_owned);
        basic
            .and_then(|basic| STANDARD.decode(basic).ok())
            .map(|pair| String::from_utf8_lossy(&pair).into_owned())
    };
    assert_eq!(secret_sent(&["--all"], "s3cret"), None);
    assert_eq!(
        secret_sent(&["mine"], "s3cret").as_deref(),
        Some("mine:s3cret")
    );
    // A login is repeated with its own.
    assert_eq!(
        secret_sent(&["--all"], "another").as_deref(),
        Some("mine:s3cret")
    );
}

#[apply(test)]
fn options_override_the_projects_files() {
    let fake = Fake::start();
    let home = Home::new();
    put_servers(&home, "work/.mcp.json", json!({"it": entry(&fake)}));
    put_servers(
        &home,
        ".cursor/mcp.json",
        json!({"it": {"url": fake.mcp(), "oauth": {"clientId": "mine"}}}),
    );
    let finished = log_in(&home, &["it"]).agree().expect(0);
    assert_eq!(
        (
            &finished.event("named")["client"],
            &finished.event("named")["in_project"]
        ),
        (&json!("cursor"), &json!(false))
    );
    assert_eq!(finished.event("logged_in")["client_id"], "mine");
}

#[apply(test)]
fn every_command_shows_which_project_file_it_uses() {
    let fake = Fake::with(|seen, _| (seen.path == "/revoke").then(|| Reply::status(200)));
    let home = Home::new();
    home.put(&[live(&fake)]);
    put_servers(&home, "work/.mcp.json", json!({"theirs": entry(&fake)}));
    let expected = format!("mcp-login: theirs is {} (from ", fake.mcp());
    for (command, args) in [
        ("token", &["theirs"][..]),
        ("headers", &["theirs"]),
        ("exec", &["theirs", "--", "true"]),
        ("check", &["theirs"]),
        ("handover", &["theirs", "--to", "dotenv"]),
        ("logout", &["theirs"]),
    ] {
        let mut program = home.command(command, &["-q"]).args(args);
        program.command().current_dir(home.path().join("work"));
        let stderr = program.run().stderr;
        assert!(stderr.starts_with(&expected), "{command}: {stderr}");
        assert!(
            stderr.contains("a file of this project"),
            "{command}: {stderr}"
        );
    }
    assert!(home.logins().is_empty());
}

#[apply(test)]
fn all_takes_a_projects_servers_only_if_asked() {
    let (mine, theirs) = (Fake::start(), Fake::start());
    let home = Home::new();
    put_servers(
        &home,
        ".cursor/mcp.json",
        json!({"mine": {"url": mine.mcp()}}),
    );
    put_servers(
        &home,
        "work/.mcp.json",
        json!({"theirs": {"url": theirs.mcp()}}),
    );
    let all = log_in(&home, &["--all"]).agree().expect(0);
    assert_eq!(all.event("logged_in")["server"], mine.mcp());
    assert!(
        all.event("skipped")["reason"]
            .as_str()
            .is_some_and(|it| it.contains("--from ")),
        "{}",
        all.stdout
    );
    assert!(theirs.seen().is_empty());
    let asked = log_in(&home, &["--all", "--from", "claude-code"])
        .agree()
        .expect(0);
    assert_eq!(asked.event("logged_in")["server"], theirs.mcp());
    assert_eq!(asked.event("named")["in_project"], true);
}

#[apply(test)]
fn all_has_a_limit_and_skips_what_cannot_be_planned() {
    let home = Home::new();
    let unreachable = |path: usize| json!({"url": format!("http://127.0.0.1:1/{path}")});
    let mut servers: Vec<_> = (0..40)
        .map(|it| (format!("s{it:02}"), unreachable(it)))
        .collect();
    let mut callback = unreachable(0);
    callback["oauth"] =
        json!({"clientId": "c", "redirectUri": "http://localhost.evil.example:5/x"});
    servers.push(("a".to_owned(), callback));
    servers.push(("b".to_owned(), json!({"url": "https://b.example/\u{7f}"})));
    put_servers(
        &home,
        ".cursor/mcp.json",
        Value::Object(servers.into_iter().collect()),
    );
    let finished = log_in(&home, &["--all"]).run();
    assert_eq!(events(&finished, "error").len(), 32, "{}", finished.stdout);
    let reasons: Vec<_> = events(&finished, "skipped")
        .iter()
        .map(|it| it["reason"].to_string())
        .collect();
    assert_eq!(
        reasons
            .iter()
            .filter(|it| it.contains("32 logins at once are enough"))
            .count(),
        8,
        "{reasons:?}"
    );
    log_in(&home, &["--all", "--redirect-path", "x"])
        .run()
        .expect_error(2, "usage");
}

#[apply(test)]
fn a_variable_in_a_url_is_not_shown() {
    let fake = Fake::start();
    let home = Home::new();
    put_servers(
        &home,
        ".cursor/mcp.json",
        json!({"paid": {"url": format!("{}?key=${{PAID}}", fake.mcp())}}),
    );
    let finished = log_in(&home, &["paid"]).env("PAID", "c4nary").agree();
    let shown = format!("{}?key=${{PAID}}", fake.mcp());
    assert_eq!(finished.event("named")["server"], shown);
    assert!(
        finished
            .stderr
            .starts_with(&format!("mcp-login: paid is {shown} (from ")),
        "{}",
        finished.stderr
    );
}

#[apply(test)]
fn t3_json_on_stdout_is_plain() {
    let fake = Fake::start();
    let home = Home::new();
    home.put(&[login(&fake, json!({"scopes": ["\u{9b}31m", "caf\u{e9}"]}))]);
    put_servers(
        &home,
        ".cursor/mcp.json",
        json!({"caf\u{e9}\u{9b}": {"url": fake.mcp()}}),
    );
    let one = home.command("status", &["--json"]).run().expect(0);
    assert_plain(&one.stdout);
    assert_eq!(one.events[0]["logins"][0]["scopes"][1], "caf\u{e9}");
    let named = home
        .command("status", &["--json", "--from", "cursor"])
        .run();
    assert_plain(&named.stdout);
    assert_eq!(named.events[0]["logins"][0]["name"], "caf\u{e9}\u{9b}");
}

/// What only a project's file says is not done before somebody has agreed.
#[apply(test)]
fn a_projects_name_is_refused_without_a_terminal() {
    let fake = Fake::start();
    let home = Home::new();
    put_servers(
        &home,
        "work/.mcp.json",
        json!({"theirs": entry(&fake), "o'dd": entry(&fake), "-x": entry(&fake)}),
    );
    for (name, hint) in [
        ("theirs", "mcp-login --from claude-code theirs"),
        ("o'dd", "mcp-login --from claude-code 'o'\\''dd'"),
        ("-x", "mcp-login claude-code:-x"),
    ] {
        let refused = log_in(&home, &["--", name]).run().expect_error(2, "usage");
        let said = format!("theirs is {} (from ", fake.mcp());
        assert!(
            name != "theirs" || refused.stderr.contains(&said),
            "{}",
            refused.stderr
        );
        assert!(
            refused.event("error")["hint"]
                .as_str()
                .is_some_and(|it| it.ends_with(hint)),
            "{}",
            refused.stdout
        );
    }
    assert!(fake.seen().is_empty() && !home.credentials().exists());
    log_in(&home, &["--from", "claude-code", "theirs"])
        .agree()
        .expect(0);
    log_in(&home, &["claude-code:theirs", "--force"])
        .agree()
        .expect(0);
    log_in(&home, &["theirs", "--force"])
        .env("MCP_LOGIN_FROM", "claude-code")
        .agree()
        .expect(0);
}

/// Prepares a login in a terminal, in the project.
fn on_terminal(home: &Home, args: &[&str], pty: &Pty) -> Program {
    let mut program = log_in(home, args).on(pty);
    program.command().current_dir(home.path().join("work"));
    program
}

#[apply(test)]
fn a_projects_name_is_asked_about_in_a_terminal() {
    let fake = Fake::start();
    for (typed, code) in [
        ("y\n", 0),
        ("yes\n", 0),
        ("n\n", 3),
        ("\n", 3),
        ("\u{4}", 3),
    ] {
        let home = Home::new();
        put_servers(
            &home,
            "work/.mcp.json",
            json!({"theirs": {"url": fake.mcp()}}),
        );
        let before = fake.seen().len();
        let mut pty = Pty::open();
        let mut running = on_terminal(&home, &["theirs"], &pty).start();
        pty.wait_for(&format!("log in to {}? [y/N]", fake.mcp()));
        assert_eq!(
            fake.seen().len(),
            before,
            "nothing is asked of the server before"
        );
        pty.type_in(typed);
        if code == 0 {
            let page = running.authorization_url();
            visit(&page).header("location").map(visit);
        }
        running.finish().expect(code);
        assert_eq!(home.credentials().exists(), code == 0, "{typed:?}");
        if code != 0 {
            assert!(
                pty.shown().contains("mcp-login --from claude-code theirs"),
                "{}",
                pty.shown()
            );
            assert_eq!(fake.seen().len(), before);
        }
    }
}

#[apply(test)]
fn a_question_is_not_waited_for_without_end() {
    let fake = Fake::start();
    let home = Home::new();
    put_servers(
        &home,
        "work/.mcp.json",
        json!({"theirs": {"url": fake.mcp()}}),
    );
    let pty = Pty::open();
    on_terminal(&home, &["theirs", "--timeout", "1s"], &pty)
        .run()
        .expect(3);
    assert!(fake.seen().is_empty());
}
