//! The hand-over to the clients that start this program as an MCP server: what is written into their configurations, that
//! all the rest of these is kept, and that it can be taken back.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use serde_json::{json, Value};

use crate::support::fake::Fake;
use crate::support::program::{Finished, Program};
use crate::support::pty::Pty;
use crate::support::rotating::Home;

/// Each client with its configuration, an old one that calls the server `lab`, with `URL` for its URL, and what an entry of
/// ours looks like, with `PROGRAM` and `ARGS`.
const CLIENTS: &[(&str, &str, &str, &str)] = &[
    (
        "cursor",
        ".cursor/mcp.json",
        r#"{"mcpServers": {"lab": {"url": "URL"}, "b": {"command": "c"}}, "x": 1}"#,
        r#"{"command": "PROGRAM", "args": ARGS}"#,
    ),
    (
        "vscode",
        ".config/Code/User/mcp.json",
        "{\n\t// mine\n\t\"servers\": {\n\t\t\"lab\": {\"type\": \"http\", \"url\": \"URL\"},\n\t},\n\t\"inputs\": [],\n}\n",
        r#"{"type": "stdio", "command": "PROGRAM", "args": ARGS}"#,
    ),
    (
        "windsurf",
        ".codeium/windsurf/mcp_config.json",
        r#"{"mcpServers": {"lab": {"serverUrl": "URL", "disabled": false}}}"#,
        r#"{"command": "PROGRAM", "args": ARGS, "disabled": false}"#,
    ),
    (
        "claude-desktop",
        ".config/Claude/claude_desktop_config.json",
        r#"{"mcpServers": {"lab": {"command": "npx", "args": ["-y", "mcp-remote", "URL"]}}}"#,
        r#"{"command": "PROGRAM", "args": ARGS}"#,
    ),
    (
        "copilot",
        ".copilot/mcp-config.json",
        r#"{"mcpServers": {"lab": {"type": "http", "url": "URL"}}}"#,
        r#"{"type": "local", "command": "PROGRAM", "args": ARGS, "tools": ["*"]}"#,
    ),
    (
        "goose",
        ".config/goose/config.yaml",
        "GOOSE_MODEL: m # mine\nextensions:\n  lab:\n    type: streamable_http\n    uri: URL\n    enabled: true\n  b:\n    type: builtin\n\n# last\nx: 1\n",
        r#"{"name": "lab", "description": "", "type": "stdio", "enabled": true, "cmd": "PROGRAM", "args": ARGS, "timeout": 300}"#,
    ),
    (
        "zed",
        ".config/zed/settings.json",
        "// Zed settings\n{\n  \"theme\": \"x\",\n  \"context_servers\": {\"lab\": {\"url\": \"URL\", \"headers\": {}}},\n}\n",
        r#"{"source": "custom", "command": "PROGRAM", "args": ARGS, "env": {}}"#,
    ),
    (
        "lm-studio",
        ".lmstudio/mcp.json",
        r#"{"mcpServers": {"lab": {"url": "URL"}}}"#,
        r#"{"command": "PROGRAM", "args": ARGS}"#,
    ),
    (
        "kimi-code",
        ".kimi-code/mcp.json",
        r#"{"mcpServers": {"lab": {"url": "URL", "bearerTokenEnvVar": "T"}}}"#,
        r#"{"command": "PROGRAM", "args": ARGS}"#,
    ),
    (
        "droid",
        ".factory/mcp.json",
        r#"{"mcpServers": {"lab": {"type": "http", "url": "URL", "disabled": false}}}"#,
        r#"{"type": "stdio", "command": "PROGRAM", "args": ARGS, "disabled": false}"#,
    ),
    (
        "auggie",
        ".augment/settings.json",
        r#"{"mcpServers": {"lab": {"type": "http", "url": "URL"}}, "model": "m"}"#,
        r#"{"command": "PROGRAM", "args": ARGS}"#,
    ),
    (
        "qoder",
        ".qoder/settings.json",
        r#"{"mcpServers": {"lab": {"url": "URL", "type": "http", "headersHelper": "h"}}}"#,
        r#"{"command": "PROGRAM", "args": ARGS}"#,
    ),
    (
        "amp",
        ".config/amp/settings.json",
        r#"{"amp.mcpServers": {"lab": {"url": "URL"}}, "amp.x": {"mcpServers": 1}}"#,
        r#"{"command": "PROGRAM", "args": ARGS}"#,
    ),
    (
        "continue",
        ".continue/config.yaml",
        "name: mine\nversion: 1.0.0\nmcpServers:\n  - name: b\n    command: c\n  - name: lab\n    type: streamable-http\n    url: URL\n",
        r#"{"name": "lab", "type": "stdio", "command": "PROGRAM", "args": ARGS}"#,
    ),
    (
        "vibe",
        ".vibe/config.toml",
        "model = 'm' # mine\n\n[[mcp_servers]]\nname = 'lab'\ntransport = 'streamable-http'\nurl = 'URL'\n\n[mcp_servers.auth]\ntype = 'oauth'\n\n[[mcp_servers]]\nname = 'b'\n",
        r#"{"name": "lab", "transport": "stdio", "command": ["PROGRAM"], "args": ARGS}"#,
    ),
    (
        "openhands",
        ".openhands/mcp.json",
        r#"{"mcpServers": {"lab": {"url": "URL", "transport": "http", "headers": {}, "auth": null}}}"#,
        r#"{"command": "PROGRAM", "args": ARGS}"#,
    ),
    (
        "inspector",
        ".mcp-inspector/mcp.json",
        r#"{"mcpServers": {"lab": {"type": "streamable-http", "url": "URL"}}}"#,
        r#"{"type": "stdio", "command": "PROGRAM", "args": ARGS}"#,
    ),
];

fn live(fake: &Fake) -> Home {
    Home::with(fake, json!({"expires_at": "2999-01-01T00:00:00Z"}))
}

fn put(home: &Home, file: &str, text: &str) -> PathBuf {
    let path = home.path().join(file);
    fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
    fs::write(&path, text).expect("a file");
    path
}

fn read(path: &PathBuf) -> String {
    fs::read_to_string(path).unwrap_or_else(|err| panic!("{}: {err}", path.display()))
}

/// Runs the hand-over of the server that a client calls `lab`.
fn to(home: &Home, client: &str, args: &[&str]) -> Finished {
    home.command("handover", &["lab", "--to", client])
        .args(args)
        .run()
}

/// Returns the entry `lab` of a configuration, whatever its format is.
fn lab(path: &PathBuf) -> Value {
    let text = read(path);
    let extension = path.extension().and_then(|it| it.to_str());
    let value: Value = match extension {
        Some("yaml") => serde_saphyr::from_str(&text).expect("YAML"),
        Some("toml") => toml(&text),
        _ => jsonc_parser::parse_to_ast(&text, &Default::default(), &Default::default())
            .expect("JSON")
            .value
            .expect("a value")
            .into(),
    };
    let tables = [
        "mcpServers",
        "servers",
        "context_servers",
        "extensions",
        "amp.mcpServers",
        "mcp",
        "mcp_servers",
    ];
    let table = tables
        .iter()
        .find_map(|key| value.get(key))
        .expect("servers");
    match table.as_array() {
        Some(list) => list
            .iter()
            .find(|it| it["name"] == "lab")
            .expect("it")
            .clone(),
        None => table["lab"].clone(),
    }
}

fn toml(text: &str) -> Value {
    let document: toml_edit::DocumentMut = text.parse().expect("TOML");
    let list = document["mcp_servers"]
        .as_array_of_tables()
        .expect("a list");
    let texts = |item: &toml_edit::Item| match (item.as_str(), item.as_array()) {
        (Some(text), _) => json!(text),
        (_, Some(list)) => list.iter().map(|it| it.as_str()).collect(),
        _ => Value::Null,
    };
    let table = |table: &toml_edit::Table| -> Value {
        let members = table
            .iter()
            .map(|(key, item)| (key.to_owned(), texts(item)));
        members.collect::<serde_json::Map<_, _>>().into()
    };
    json!({"mcp_servers": list.iter().map(table).collect::<Vec<_>>()})
}

fn program() -> &'static str {
    env!("CARGO_BIN_EXE_mcp-login")
}

#[apply(test)]
fn each_client_starts_this_program_and_can_be_undone() {
    let fake = Fake::start();
    for (client, file, old, ours) in CLIENTS {
        let home = live(&fake);
        let old = old.replace("URL", &fake.mcp());
        let path = put(&home, file, &old);
        let shown = to(&home, client, &[]).expect(0);
        assert_eq!(read(&path), old, "{client}: nothing without --write");
        assert!(
            shown.stdout.contains("\"connect\"") && shown.stderr.contains("--write"),
            "{client}: {} {}",
            shown.stdout,
            shown.stderr
        );
        let written = to(&home, client, &["--write", "--json"]).expect(0);
        let event = written.event("handed_over");
        assert_eq!(
            (
                &event["client"],
                &event["name"],
                &event["mode"],
                &event["written"]
            ),
            (
                &json!(client),
                &json!("lab"),
                &json!("access"),
                &json!([path])
            )
        );
        let args = json!(["connect", fake.mcp(), "--store", "file"]);
        let expected = ours
            .replace("PROGRAM", program())
            .replace("ARGS", &args.to_string());
        let expected: Value = serde_json::from_str(&expected).expect("JSON");
        assert_eq!(lab(&path), expected, "{client}: {}", read(&path));
        let text = read(&path);
        to(&home, client, &["--write"]).expect(0);
        assert_eq!(read(&path), text, "{client}: once more changes nothing");
        // The name still means the server.
        home.command("token", &[&format!("{client}:lab")])
            .run()
            .expect(0);
        let undone = to(&home, client, &["--undo", "--json"]).expect(0);
        assert_eq!(undone.event("taken_back")["restored"], true);
        assert_eq!(read(&path), old, "{client}");
        let nothing = to(&home, client, &["--undo"]).expect(2);
        let told = format!("cannot take the login back from {client}");
        assert!(nothing.stderr.contains(&told), "{}", nothing.stderr);
    }
}

#[apply(test)]
fn cw11_an_entry_keeps_all_but_the_way_to_the_server() {
    let fake = Fake::start();
    for (client, file, old, kept) in [
        (
            "copilot",
            ".copilot/mcp-config.json",
            r#"{"mcpServers": {"lab": {"type": "http", "url": "URL", "tools": ["a"]}}}"#,
            json!({"type": "local", "tools": ["a"]}),
        ),
        (
            "goose",
            ".config/goose/config.yaml",
            "\"extensions\":\n  lab:\n    name: Lab\n    type: streamable_http\n    uri: URL\n    enabled: false\n    timeout: 9\n",
            json!({"name": "Lab", "description": "", "type": "stdio", "enabled": false, "timeout": 9}),
        ),
    ] {
        let home = live(&fake);
        let old = old.replace("URL", &fake.mcp());
        let path = put(&home, file, &old);
        to(&home, client, &["--write"]).expect(0);
        let entry = lab(&path);
        for (key, value) in kept.as_object().expect("an object") {
            assert_eq!(entry[key], *value, "{client}: {entry}");
        }
        assert!(entry["args"].is_array(), "{client}: {entry}");
        to(&home, client, &["--undo"]).expect(0);
        assert_eq!(read(&path), old, "{client}");
    }
}

#[apply(test)]
fn a_new_configuration_is_made_and_goes_again() {
    let fake = Fake::start();
    for (client, file, _, ours) in CLIENTS {
        let home = live(&fake);
        let hand_over = |args: &[&str]| {
            home.command("handover", &[&fake.mcp(), "--to", client])
                .args(args)
                .run()
                .expect(0)
        };
        hand_over(&["--name", "lab", "--write"]);
        let path = home.path().join(file);
        let entry = lab(&path);
        let expected: Value = serde_json::from_str(&ours.replace("ARGS", "[]")).expect("JSON");
        for (key, value) in expected.as_object().expect("an object") {
            let is_filled = ["command", "cmd", "args", "disabled"].contains(&key.as_str());
            assert!(is_filled || entry[key] == *value, "{client}: {entry}");
        }
        hand_over(&["--undo"]);
        assert!(!path.exists(), "{client}");
        assert!(home.files_with("handovers.json").is_empty(), "{client}");
    }
}

#[apply(test)]
fn crush_runs_a_command_for_its_header() {
    let fake = Fake::start();
    let home = live(&fake);
    let old = json!({"mcp": {"lab": {"type": "http", "url": fake.mcp(), "headers": {"X-A": "b", "Authorization": "Bearer old-secret"}}}});
    let path = put(&home, ".config/crush/crush.json", &old.to_string());
    to(&home, "crush", &["--write"]).expect(0);
    let token = format!("Bearer $({} --store file token {})", program(), fake.mcp());
    let headers = json!({"X-A": "b", "Authorization": token});
    assert_eq!(lab(&path)["headers"], headers);
    let records = home.files_with("handovers.json");
    let mode = fs::metadata(&records[0])
        .expect("our file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600, "it holds what was replaced");
    to(&home, "crush", &["--undo"]).expect(0);
    assert_eq!(read(&path), old.to_string());
}

#[apply(test)]
fn any_client_gets_five_lines() {
    let fake = Fake::start();
    let home = live(&fake);
    let shown = home
        .command(
            "handover",
            &[&fake.mcp(), "--to", "any", "--profile", "default"],
        )
        .run()
        .expect(0);
    assert_eq!(shown.stdout.lines().count(), 5, "{}", shown.stdout);
    let setting: Value = serde_json::from_str(&shown.stdout).expect("JSON");
    let entry = json!({"command": program(), "args": ["connect", fake.mcp(), "--store", "file"]});
    assert_eq!(setting, json!({"mcpServers": {"127.0.0.1": entry}}));
}

/// The name may be that of a project's file.
#[apply(test)]
fn t3_the_setting_for_any_client_is_plain() {
    let fake = Fake::start();
    let name = "x\u{1b}[31m\u{9b}2J\u{202e}\u{e9}";
    let args = [&fake.mcp(), "--to", "any", "--name", name];
    let shown = live(&fake).command("handover", &args).run().expect(0);
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~' | b'\n');
    assert!(shown.stdout.bytes().all(is_plain), "{}", shown.stdout);
    let setting: Value = serde_json::from_str(&shown.stdout).expect("JSON");
    assert!(setting["mcpServers"][name].is_object(), "{setting}");
}

#[apply(test)]
fn an_undo_leaves_what_others_changed_meanwhile() {
    let fake = Fake::start();
    for client in ["cursor", "claude-code", "codex", "goose"] {
        let home = live(&fake);
        let (file, old, more) = match client {
            "codex" => (
                ".codex/config.toml",
                format!("[mcp_servers.lab]\nurl = \"{}\" # mine\n", fake.mcp()),
                "\n[tui]\nx = 1\n".to_owned(),
            ),
            "goose" => (
                ".config/goose/config.yaml",
                format!("extensions:\n  lab:\n    uri: {}\n", fake.mcp()),
                "x: 1\n".to_owned(),
            ),
            _ => (
                if client == "cursor" {
                    ".cursor/mcp.json"
                } else {
                    ".claude.json"
                },
                format!(
                    "{{\"mcpServers\": {{\"lab\": {{\"url\": \"{}\"}}}}}}\n",
                    fake.mcp()
                ),
                " // more\n".to_owned(),
            ),
        };
        let path = put(&home, file, &old);
        to(&home, client, &["--write"]).expect(0);
        let written = read(&path);
        assert_ne!(written, old);
        put(&home, file, &format!("{written}{more}"));
        to(&home, client, &["--undo"]).expect(0);
        let text = read(&path);
        assert!(
            text.ends_with(&more) && !text.contains("mcp-login"),
            "{client}: {text}"
        );
        assert!(text.contains(&fake.mcp()), "{client}: {text}");
    }
}

#[apply(test)]
fn an_entry_that_was_changed_by_hand_is_left_as_it_is() {
    let fake = Fake::start();
    let home = live(&fake);
    let old = json!({"mcpServers": {"lab": {"url": fake.mcp()}}}).to_string();
    let path = put(&home, ".cursor/mcp.json", &old);
    to(&home, "cursor", &["--write"]).expect(0);
    let changed = read(&path).replace("\"connect\"", "\"connect\", \"--login\"");
    put(&home, ".cursor/mcp.json", &changed);
    let refused = to(&home, "cursor", &["--undo"]).expect(2);
    assert!(
        refused.stderr.contains("was changed since"),
        "{}",
        refused.stderr
    );
    assert_eq!(read(&path), changed);
    // What is there now is what a further undo puts back.
    to(&home, "cursor", &["--write"]).expect(0);
    assert_ne!(read(&path), changed);
    to(&home, "cursor", &["--undo"]).expect(0);
    assert_eq!(read(&path), changed);
}

#[apply(test)]
fn a_configuration_that_cannot_be_edited_is_left_alone() {
    let fake = Fake::start();
    for (client, file, old) in [
        (
            "goose",
            ".config/goose/config.yaml",
            "extensions: {lab: {uri: URL, type: x}}\n",
        ),
        (
            "continue",
            ".continue/config.yaml",
            "mcpServers: [{name: lab, url: URL}]\n",
        ),
        (
            "cursor",
            ".cursor/mcp.json",
            "{\"mcpServers\": {\"lab\": {\"url\": \"URL\"}}",
        ),
        ("vibe", ".vibe/config.toml", "mcp_servers = 7\n"),
    ] {
        let home = live(&fake);
        let old = old.replace("URL", &fake.mcp());
        let path = put(&home, file, &old);
        let refused = || {
            home.command(
                "handover",
                &[&fake.mcp(), "--to", client, "--name", "lab", "--write"],
            )
        };
        let shown = refused().run().expect(7).stdout;
        assert_eq!(read(&path), old, "{client}");
        assert!(shown.contains("connect"), "{client}: {shown}");
        // With `--json` the lines to paste are not on stdout.
        let json = refused().arg("--json").run().expect(7);
        assert_eq!(json.event("error")["exit"], 7, "{client}");
        assert!(json.stderr.contains(shown.trim_end()), "{}", json.stderr);
    }
    // Nor can a file be made where there is no directory, or in one that is read only.
    let home = live(&fake);
    put(&home, ".cursor", "");
    let words = [&fake.mcp(), "--to", "cursor", "--name", "lab", "--write"];
    let refused = home.command("handover", &words).run().expect(7);
    assert!(refused.stdout.contains("connect"), "{}", refused.stdout);
    let home = live(&fake);
    let other = json!({"mcpServers": {"lab": {"url": "https://other.example/mcp"}}}).to_string();
    let path = put(&home, ".cursor/mcp.json", &other);
    let refused = home
        .command(
            "handover",
            &[&fake.mcp(), "--to", "cursor", "--name", "lab", "--write"],
        )
        .run()
        .expect(2);
    assert!(
        refused.stderr.contains("https://other.example/mcp"),
        "{}",
        refused.stderr
    );
    assert_eq!(read(&path), other);
}

#[apply(test)]
fn a_file_of_a_project_is_not_changed() {
    let fake = Fake::start();
    for (client, file, key, users) in [
        (
            "cursor",
            "work/.cursor/mcp.json",
            "mcpServers",
            ".cursor/mcp.json",
        ),
        (
            "vscode",
            "work/.vscode/mcp.json",
            "servers",
            ".config/Code/User/mcp.json",
        ),
        (
            "crush",
            "work/crush.json",
            "mcp",
            ".config/crush/crush.json",
        ),
    ] {
        let home = live(&fake);
        let work = home.path().join("work");
        let text = json!({key: {"lab": {"url": fake.mcp()}}}).to_string();
        let path = put(&home, file, &text);
        let run = |args: &[&str]| {
            let mut program = home.command("handover", &[&fake.mcp(), "--to", client]);
            program.command().current_dir(&work);
            program.args(args).run()
        };
        let refused = run(&["--write"]).expect(2);
        let hint = "leave out --write";
        assert!(
            refused.stderr.contains("a file of a project") && refused.stderr.contains(hint),
            "{}",
            refused.stderr
        );
        let printed = run(&[]).expect(0);
        let setting: Value = serde_json::from_str(&printed.stdout).expect("the setting");
        assert!(setting[key]["lab"].is_object(), "{client}: {setting}");
        let place = format!("put this into {}:", path.display());
        assert!(printed.stderr.contains(&place), "{}", printed.stderr);
        run(&["--name", "mine", "--write"]).expect(0);
        assert_eq!(read(&path), text);
        assert!(read(&home.path().join(users)).contains("mine"));
    }
}

#[apply(test)]
fn two_entries_for_a_login_are_taken_out_at_once() {
    let fake = Fake::start();
    for (client, file) in [
        ("codex", ".codex/config.toml"),
        ("cursor", ".cursor/mcp.json"),
    ] {
        for more in ["", "\n"] {
            let home = live(&fake);
            let hand_over = |args: &[&str]| {
                let program = home.command("handover", &[&fake.mcp(), "--to", client]);
                program.args(args).run().expect(0)
            };
            hand_over(&["--name", "one", "--write"]);
            hand_over(&["--name", "two", "--write"]);
            let path = home.path().join(file);
            let text = read(&path) + more;
            put(&home, file, &text);
            hand_over(&["--undo"]);
            let left = fs::read_to_string(&path).unwrap_or_default();
            assert!(!left.contains("mcp-login"), "{client}: {left}");
            assert_eq!(path.exists(), !more.is_empty(), "{client}: {left}");
        }
    }
}

#[apply(test)]
fn cw13_the_name_that_was_typed_is_the_one_that_is_meant() {
    let fake = Fake::start();
    let servers = json!({"lab": {"url": fake.mcp()}, "a:b": {"url": fake.mcp()}});
    let old = json!({ "mcpServers": servers }).to_string();
    for (typed, name) in [
        ("lab", Some("lab")),
        ("cursor:a:b", Some("a:b")),
        ("a:b", Some("a:b")),
        (&fake.mcp(), None),
    ] {
        let home = live(&fake);
        let path = put(&home, ".cursor/mcp.json", &old);
        let hand_over = |client: &str| {
            let words = [typed, "--to", client, "--write", "--json"];
            home.command("handover", &words).run()
        };
        let Some(name) = name else {
            hand_over("cursor").expect(2);
            continue;
        };
        for client in ["cursor", "windsurf"] {
            let finished = hand_over(client).expect(0);
            let event = finished.event("handed_over");
            assert_eq!(event["name"], name, "{typed} {client}");
        }
        let entry: Value = serde_json::from_str(&read(&path)).expect("JSON");
        let entry = &entry["mcpServers"][name];
        assert_eq!(entry["command"], program(), "{typed}: {entry}");
    }
}

#[apply(test)]
fn cw12_what_was_written_is_taken_back_before_it_is_forgotten() {
    let fake = Fake::start();
    let home = live(&fake);
    let old =
        json!({"mcpServers": {"lab": {"url": fake.mcp(), "headers": {"X": "y"}}}}).to_string();
    let path = put(&home, ".cursor/mcp.json", &old);
    let changed = put(&home, ".lmstudio/mcp.json", &old);
    for client in ["cursor", "lm-studio", "zed"] {
        let program = home.command("handover", &[&fake.mcp(), "--to", client, "--write"]);
        program.args(["--name", "lab"]).run().expect(0);
    }
    let by_hand = read(&changed).replace("\"connect\"", "\"connect\", \"-v\"");
    put(&home, ".lmstudio/mcp.json", &by_hand);
    let told = |line: &str, stderr: &str| assert!(stderr.contains(line), "{line}: {stderr}");
    let out = home.command("logout", &["--all", "--forget"]).run();
    assert_eq!(read(&path), old);
    assert!(!home.path().join(".config/zed/settings.json").exists());
    // What was changed since is left, and named; there is nothing any more by which it could be taken back.
    assert_eq!(read(&changed), by_hand);
    told("was changed since mcp-login wrote it", &out.stderr);
    told(
        "still runs mcp-login for this login; take that out by hand",
        &out.stderr,
    );
    assert!(!out.stderr.contains("--undo"), "{}", out.stderr);
    assert!(!home.data().exists());
}

#[apply(test)]
fn in_a_terminal_the_user_is_asked() {
    let fake = Fake::start();
    for (client, answer, is_written) in [
        ("cursor", "n\n", false),
        ("cursor", "y\n", true),
        ("opencode", "\n", false),
        ("opencode", "y\n", true),
    ] {
        let home = live(&fake);
        let mut pty = Pty::open();
        let running = home
            .command("handover", &[&fake.mcp(), "--to", client, "--name", "lab"])
            .on(&pty)
            .start();
        pty.wait_for("[y/N]");
        assert_eq!(
            home.token(&fake).code,
            Some(0),
            "nothing is locked or gone meanwhile"
        );
        pty.type_in(answer);
        let code = running.finish().code;
        assert_eq!(
            code,
            Some(if is_written { 0 } else { 3 }),
            "{client} {answer:?}"
        );
        let file = match client {
            "cursor" => ".cursor/mcp.json",
            _ => ".local/share/opencode/mcp-auth.json",
        };
        assert_eq!(
            home.path().join(file).exists(),
            is_written,
            "{client} {answer:?}"
        );
    }
}

#[apply(test)]
fn in_a_terminal_a_login_asks_the_same() {
    let fake = Fake::start();
    for (args, answer, is_written) in [
        (&["lab", "--handover"][..], "n\n", false),
        (&["lab", "--handover"], "y\n", true),
        (&["lab", "--handover", "--write"], "", true),
    ] {
        let home = live(&fake);
        let old = json!({"mcpServers": {"lab": {"url": fake.mcp()}}}).to_string();
        let path = put(&home, ".cursor/mcp.json", &old);
        let mut pty = Pty::open();
        let running = Program::new()
            .at_home(home.path())
            .args(["--store", "file", "--no-browser"])
            .args(args)
            .on(&pty)
            .start();
        if !answer.is_empty() {
            pty.wait_for("write it for cursor? [y/N]");
            pty.type_in(answer);
        }
        running.finish().expect(0);
        assert_eq!(read(&path) != old, is_written, "{args:?} {answer:?}");
    }
}

#[apply(test)]
fn a_login_by_name_goes_to_the_client_that_has_the_name() {
    let fake = Fake::start();
    let home = Home::new();
    let old = json!({"mcpServers": {"lab": {"url": fake.mcp()}}}).to_string();
    let path = put(&home, ".cursor/mcp.json", &old);
    let log_in = |args: &[&str]| {
        Program::new()
            .at_home(home.path())
            .args(["--json", "--no-browser", "--store", "file", "--force"])
            .args(args)
    };
    let shown = log_in(&["lab", "--handover"]).agree().expect(0);
    let event = shown.event("handed_over");
    assert_eq!(
        (&event["client"], &event["name"]),
        (&json!("cursor"), &json!("lab"))
    );
    assert!(
        event["setting"].is_string() && read(&path) == old,
        "{event}"
    );
    log_in(&["lab", "--handover", "--write"]).agree().expect(0);
    assert_eq!(lab(&path)["command"], program());
    let refused = log_in(&[&fake.mcp(), "--handover"]).run().expect(2);
    assert!(
        refused.stderr.contains("--handover CLIENT"),
        "{}",
        refused.stderr
    );
}

#[apply(test)]
fn logout_and_doctor_name_the_clients_that_run_this_program() {
    let fake = Fake::start();
    let home = live(&fake);
    let entry = |program: &str, args: Value| json!({"command": program, "args": args});
    let servers = json!({
        "good": entry(program(), json!(["connect", fake.mcp()])),
        "gone": entry("/nowhere/mcp-login", json!(["connect", fake.mcp()])),
        "bare": {"command": "mcp-login", "args": ["connect", fake.mcp()], "env": {"PATH": "/nowhere"}},
        "work": entry(program(), json!(["connect", fake.mcp(), "--profile", "work"])),
        "other": entry(program(), json!(["connect", "https://other.example/mcp"])),
        "below": entry(program(), json!(["connect", format!("{}/below", fake.mcp())])),
        "theirs": {"url": fake.mcp()},
    });
    put(
        &home,
        ".cursor/mcp.json",
        &json!({"mcpServers": servers}).to_string(),
    );
    let claude = json!({"mcpServers": {"lab": {"type": "http", "url": fake.mcp(), "headersHelper": "/nowhere/mcp-login headers x"}}});
    put(&home, ".claude.json", &claude.to_string());
    let doctor = home.command("doctor", &["--json"]).run();
    let findings = doctor.events[0]["findings"].as_array().expect("findings");
    let mut of_clients: Vec<_> = findings
        .iter()
        .filter(|it| it["topic"] == "clients")
        .map(|it| {
            let name = it["what"].as_str().expect("a text").split(' ').next();
            (
                name.unwrap_or_default(),
                it["state"].as_str().expect("a state"),
            )
        })
        .collect();
    of_clients.sort_unstable();
    assert_eq!(
        of_clients,
        [
            ("claude-code:lab", "warning"),
            ("cursor:bare", "warning"),
            ("cursor:below", "ok"),
            ("cursor:gone", "warning"),
            ("cursor:good", "ok"),
            ("cursor:other", "ok"),
            ("cursor:work", "ok"),
        ]
    );
    let out = home.command("logout", &[&fake.mcp()]).run();
    for (name, is_named) in [
        ("cursor:good", true),
        ("cursor:gone", true),
        ("claude-code:lab", true),
        ("cursor:work", false),
        ("cursor:other", false),
        ("cursor:below", false),
        ("cursor:theirs", false),
    ] {
        assert_eq!(
            out.stderr.contains(name),
            is_named,
            "{name}: {}",
            out.stderr
        );
    }
}
