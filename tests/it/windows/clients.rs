//! Clients' configurations are read and written where they are on Windows.

use std::fs;
use std::path::Path;

use serde_json::{json, Value};

use super::{at, login, windows};
use crate::support::fake::Fake;
use crate::support::rotating::Home;

/// Writes a configuration that names the server `lab`.
fn configure(home: &Path, file: &str, key: &str, server: &str) {
    let path = home.join(file);
    fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
    let text = json!({key: {"lab": {"type": "http", "url": server}}}).to_string();
    fs::write(path, text).expect("a file");
}

/// Hands over a login that is valid, and returns what the client's file holds then.
fn handed_over(client: &str, file: &str, options: &[&str]) -> String {
    let fake = Fake::start();
    let members = json!({
        "expires_at": "2999-01-01T00:00:00Z", "refresh_token": "refresh-0", "scopes": ["read"],
    });
    let home = Home::with(&fake, members);
    let finished = at(&home, "handover", &fake)
        .args(["--to", client, "--name", "x"])
        .args(options)
        .run();
    let written = fs::read_to_string(home.path().join(file));
    let finished = finished.expect(0);
    written.unwrap_or_else(|err| panic!("{client}: {err}; {}", finished.stderr))
}

#[apply(test)]
fn win7_clients_get_the_setting_where_they_read_it() {
    for (client, file) in [
        ("codex", ".codex/config.toml"),
        ("claude-code", ".claude.json"),
        ("cursor", ".cursor/mcp.json"),
        ("vscode", "AppData/Roaming/Code/User/mcp.json"),
        (
            "claude-desktop",
            "AppData/Roaming/Claude/claude_desktop_config.json",
        ),
        ("zed", "AppData/Roaming/Zed/settings.json"),
        ("goose", "AppData/Roaming/Block/goose/config/config.yaml"),
    ] {
        let written = handed_over(client, file, &["--write"]);
        assert!(written.contains("mcp-login.exe"), "{client}: {written}");
        assert!(!written.contains("?\\"), "{client}: {written}");
    }
}

#[apply(test)]
fn win7_clients_get_the_login_where_they_keep_theirs() {
    for (client, file, member) in [
        (
            "hermes",
            ".local/share/hermes/mcp-tokens/x.json",
            "/access_token",
        ),
        (
            "opencode",
            ".local/share/opencode/mcp-auth.json",
            "/x/tokens/accessToken",
        ),
        (
            "gemini-cli",
            ".gemini/mcp-oauth-tokens.json",
            "/0/token/accessToken",
        ),
    ] {
        let written = handed_over(client, file, &["--mode", "access"]);
        let written: Value = serde_json::from_str(&written).expect("JSON");
        assert_eq!(
            written.pointer(member),
            Some(&"access-0".into()),
            "{written}"
        );
    }
}

#[apply(test)]
fn win7_servers_are_found_by_the_names_that_clients_have_for_them() {
    let fake = Fake::start();
    let home = Home::new();
    for (client, file, key) in [
        ("vscode", "AppData/Roaming/Code/User/mcp.json", "servers"),
        (
            "claude-desktop",
            "AppData/Roaming/Claude/claude_desktop_config.json",
            "mcpServers",
        ),
        (
            "zed",
            "AppData/Roaming/Zed/settings.json",
            "context_servers",
        ),
        ("hermes", ".local/share/hermes/config.yaml", "mcp_servers"),
        ("cursor", ".cursor/mcp.json", "mcpServers"),
    ] {
        configure(home.path(), file, key, &fake.mcp());
        let listed = windows()
            .at_home(home.path())
            .args(["status", "--json", "--store", "file", "--from", client])
            .run();
        let said = format!("{}{}", listed.stdout, listed.stderr);
        assert!(said.contains(&fake.mcp()), "{client}: {said}");
    }
    let words = [
        "--json",
        "--store",
        "file",
        "--no-browser",
        "--timeout",
        "60s",
        "vscode:lab",
    ];
    let finished = windows().at_home(home.path()).args(words).agree().expect(0);
    assert_eq!(finished.event("named")["client"], "vscode");
    assert_eq!(home.kept(&fake)["access_token"], "access-1");
}

/// What a setting runs is recognized again, so that `doctor` and `logout` name the clients that use a login.
#[apply(test)]
fn win7_a_setting_of_ours_is_recognized() {
    let fake = Fake::start();
    let finished = login(&fake).agree().expect(0);
    let run = |words: &[&str]| windows().at_home(finished.home()).args(words).run();
    for client in ["claude-code", "vscode"] {
        let words = ["handover", "--store", "file", &fake.mcp()];
        let to = ["--to", client, "--name", "x", "--write"];
        run(&[&words[..], &to].concat()).expect(0);
    }
    let said = run(&["doctor", "--store", "file"]).stdout;
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    for client in ["claude-code:x runs", "vscode:x runs"] {
        assert!(said.contains(client), "{said}");
    }
    assert!(!said.contains("which is not"), "{said}");
}
