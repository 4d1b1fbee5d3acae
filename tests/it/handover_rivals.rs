//! The hand-over beside what a client has already: our own helper, an older login, a header that would win.

use std::fs;
use std::path::Path;

use serde_json::{json, Value};

use crate::support::fake::Fake;
use crate::support::program::Program;
use crate::support::rotating::{Home, Rotating};

const CONFIG: &str = ".codex/config.toml";
const LOGINS: &str = ".codex/.credentials.json";

fn hand_over(home: &Home, fake: &Fake, args: &[&str]) -> Program {
    home.command("handover", &[&fake.mcp()]).args(args)
}

fn write(home: &Home, file: &str, text: &str) {
    let path = home.path().join(file);
    fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
    fs::write(path, text).expect("a file");
}

fn read(home: &Home, file: &str) -> String {
    fs::read_to_string(home.path().join(file)).unwrap_or_default()
}

fn logins(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("the logins")).expect("JSON")
}

/// Configures Codex, which calls the server `lab`.
fn codex(home: &Home, fake: &Fake, more: &str) -> String {
    let text = format!(
        "# mine\n[mcp_servers.lab]\nurl = \"{}\" # theirs\n{more}\n[tui]\nx = 1\n",
        fake.mcp()
    );
    write(home, CONFIG, &text);
    text
}

#[apply(test)]
fn f1_a_move_takes_our_own_helper_out() {
    let servers = Rotating::start();
    let (fake, home) = (&servers.fake, Home::expired(&servers));
    let before = codex(&home, fake, "");
    hand_over(&home, fake, &["--to", "codex", "--write"])
        .run()
        .expect(0);
    assert!(read(&home, CONFIG).contains("http_headers_helper"));
    let moved = hand_over(&home, fake, &["--to", "codex", "--mode", "move", "--json"])
        .run()
        .expect(0);
    assert_eq!(read(&home, CONFIG), before, "all the rest is as it was");
    let event = moved.event("handed_over");
    assert_eq!(
        event["written"].as_array().map(Vec::len),
        Some(2),
        "{event}"
    );
    assert!(
        event["cut_off"].is_null(),
        "Codex has the login itself: {event}"
    );
    let login = logins(&home.path().join(LOGINS));
    let login = login
        .as_object()
        .expect("an object")
        .values()
        .next()
        .expect("a login");
    assert!(servers.is_good(login["refresh_token"].as_str().expect("a token")));
}

#[apply(test)]
fn f1_a_helper_of_another_program_is_not_removed() {
    let servers = Rotating::start();
    let (fake, home) = (&servers.fake, Home::expired(&servers));
    let before = codex(
        &home,
        fake,
        "http_headers_helper = \"vault read headers\"\n",
    );
    let refused = hand_over(&home, fake, &["--to", "codex", "--mode", "move"])
        .run()
        .expect(2);
    assert!(
        refused.stderr.contains("http_headers_helper"),
        "{}",
        refused.stderr
    );
    assert_eq!(read(&home, CONFIG), before);
    home.token(fake).expect(0);
}

#[apply(test)]
fn f2_an_older_login_that_we_gave_is_removed() {
    let servers = Rotating::start();
    let (fake, home) = (&servers.fake, Home::expired(&servers));
    codex(&home, fake, "");
    hand_over(&home, fake, &["--to", "codex", "--mode", "move"])
        .run()
        .expect(0);
    let path = home.path().join(LOGINS);
    let mut all = logins(&path);
    all["other|0"] =
        json!({"server_name": "other", "server_url": fake.mcp(), "access_token": "theirs"});
    write(&home, LOGINS, &all.to_string());
    Program::login(fake)
        .at_home(home.path())
        .args(["--force", "--client-id", "mine"])
        .agree()
        .expect(0);

    let shown = hand_over(&home, fake, &["--to", "codex"]).run().expect(0);
    assert!(
        shown.stderr.contains("--write removes it"),
        "{}",
        shown.stderr
    );
    assert_eq!(logins(&path), all, "nothing is changed without --write");
    let written = hand_over(&home, fake, &["--to", "codex", "--write"])
        .run()
        .expect(0);
    assert!(written.stderr.contains("is removed"), "{}", written.stderr);
    all.as_object_mut()
        .expect("an object")
        .retain(|key, _| key == "other|0");
    assert_eq!(logins(&path), all, "and nothing else");
    assert!(read(&home, CONFIG).contains("http_headers_helper"));
    home.token(fake).expect(0);
}

#[apply(test)]
fn f2_an_older_login_of_codex_itself_is_named() {
    let servers = Rotating::start();
    let (fake, home) = (&servers.fake, Home::expired(&servers));
    let before = codex(&home, fake, "");
    let own = json!({"lab|0": {"server_name": "lab", "server_url": fake.mcp(), "client_id": "theirs", "access_token": "x"}});
    write(&home, LOGINS, &own.to_string());
    for write in [&["--to", "codex", "--write"][..], &["--to", "codex"]] {
        let refused = hand_over(&home, fake, write).run().expect(2);
        assert!(refused.stderr.contains(LOGINS), "{}", refused.stderr);
        assert!(
            refused.stderr.contains("codex mcp logout lab"),
            "{}",
            refused.stderr
        );
    }
    assert_eq!(
        (read(&home, CONFIG), logins(&home.path().join(LOGINS))),
        (before, own)
    );
}

#[apply(test)]
fn f3_a_header_that_would_win_is_named() {
    let servers = Rotating::start();
    let (fake, home) = (&servers.fake, Home::expired(&servers));
    for (setting, named) in [
        (
            "http_headers = { Authorization = \"Bearer c4nary\" }",
            "http_headers.Authorization",
        ),
        (
            "http_headers = { authorization = \"Bearer c4nary\" }",
            "http_headers.authorization",
        ),
        (
            "env_http_headers = { Authorization = \"VAR\" }",
            "env_http_headers.Authorization",
        ),
        ("bearer_token_env_var = \"VAR\"", "bearer_token_env_var"),
    ] {
        let before = codex(&home, fake, setting);
        for way in [
            &["--to", "codex", "--write"][..],
            &["--to", "codex"],
            &["--to", "codex", "--mode", "move"],
        ] {
            let refused = hand_over(&home, fake, way).run().expect(2);
            assert!(
                refused.stderr.contains(named) && !refused.stderr.contains("c4nary"),
                "{}",
                refused.stderr
            );
        }
        assert_eq!(read(&home, CONFIG), before);
    }
    home.token(fake).expect(0);
    // The same file of a project, which Codex puts over the user's own.
    write(&home, CONFIG, "");
    let project = format!(
        "[mcp_servers.lab]\nurl = \"{}\"\n[mcp_servers.lab.http_headers]\nAuthorization = \"Bearer c4nary\"\n",
        fake.mcp()
    );
    write(&home, "work/.codex/config.toml", &project);
    let mut program = hand_over(&home, fake, &["--to", "codex", "--write"]);
    program.command().current_dir(home.path().join("work"));
    let refused = program.run().expect(2);
    assert!(
        refused.stderr.contains("work/.codex/config.toml"),
        "{}",
        refused.stderr
    );
}

#[apply(test)]
fn f4_a_client_whose_helper_no_longer_gets_a_token_is_named() {
    let servers = Rotating::start();
    let (fake, home) = (&servers.fake, Home::expired(&servers));
    codex(&home, fake, "");
    for client in ["claude-code", "codex"] {
        hand_over(&home, fake, &["--to", client, "--name", "lab", "--write"])
            .run()
            .expect(0);
    }
    let other = json!({"mcpServers": {"other": {"url": "https://other.example/mcp", "headersHelper": "mcp-login headers x"}}});
    write(&home, ".cursor/mcp.json", &other.to_string());
    let moved = hand_over(
        &home,
        fake,
        &["--to", "opencode", "--name", "lab", "--json"],
    )
    .run()
    .expect(0);
    assert_eq!(
        moved.event("handed_over")["cut_off"],
        json!(["claude-code:lab", "codex:lab"])
    );
    for name in ["claude-code:lab", "codex:lab"] {
        let warning = format!("warning: {name} (");
        assert!(
            moved.stderr.contains(&warning) && moved.stderr.contains("gets none any more"),
            "{}",
            moved.stderr
        );
    }
    assert!(!moved.stderr.contains("cursor"), "{}", moved.stderr);
}

#[apply(test)]
fn f5_notes_and_hints_are_ascii() {
    let servers = Rotating::start();
    let (fake, home) = (&servers.fake, Home::expired(&servers));
    let store = home.path().join("store");
    let to = [
        "--to",
        "fastmcp",
        "--fastmcp-dir",
        store.to_str().expect("a path"),
    ];
    let moved = hand_over(&home, fake, &to).run().expect(0);
    assert!(
        moved.stderr.contains("FileTreeStore(...)") && !moved.stderr.contains("\\u{"),
        "{}",
        moved.stderr
    );
}
