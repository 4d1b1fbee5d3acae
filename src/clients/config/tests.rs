//! Each client's files and notations, as its documentation has them.

use std::fs;

use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::clients::claude_code::project_names;
use crate::os::places::System;

/// A home directory with a repository in it, whose inner directory is the working directory.
struct Home {
    root: TempDir,
    places: Places,
}

impl Home {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("repo/inner");
        fs::create_dir_all(&directory).unwrap();
        fs::create_dir(root.path().join("repo/.git")).unwrap();
        let places = Places {
            home: root.path().to_owned(),
            directory,
            variables: BTreeMap::new(),
            system: System::Xdg,
        };
        Self { root, places }
    }

    fn put(&self, file: &str, text: &str) -> PathBuf {
        let path = self.root.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(
            &path,
            text.replace("HOME", &project_names(self.root.path())[0]),
        )
        .unwrap();
        path
    }

    fn set(&mut self, name: &str, value: &str) {
        self.places.variables.insert(
            name.to_owned(),
            value.replace("HOME", &self.root.path().display().to_string()),
        );
    }

    fn scan(&self, source: &str) -> Scan {
        scan(&self.places, Some(source))
    }

    fn urls(&self, source: &str) -> Vec<String> {
        let servers = self.scan(source).servers;
        servers
            .iter()
            .map(|server| format!("{} {}", server.name, server.url))
            .collect()
    }
}

const URL: &str = "https://mcp.example.com/mcp";

#[test]
fn every_client_and_its_files() {
    let json = format!(
        r#"{{ "mcpServers": {{ "it": {{ "url": "{URL}" }}, "local": {{ "command": "x" }} }} }}"#
    );
    let commented = format!(
        "\u{feff}// ours\n{{ \"mcp\": {{ \"it\": {{ \"type\": \"remote\", \"url\": \"{URL}\", }}, /* */ }}, }}"
    );
    let toml =
        format!("model = 'x'\n[mcp_servers.it]\nurl = '{URL}'\nscopes = ['a']\n[mcp_servers.local]\ncommand = 'x'\n");
    let replaced = |from: &str, to: &str| json.replace(from, to);
    let hermes = format!("model: x\nmcp_servers:\n  it:\n    url: {URL}\n    auth: oauth\n  local:\n    command: x\n");
    let goose = format!(
        "extensions:\n  it: {{type: streamable_http, uri: '{URL}', headers: {{}}}}\n  local: {{type: stdio, cmd: x}}\n"
    );
    let local = format!(r#"{{ "projects": {{ "HOME/repo": {json} }} }}"#);
    let bridge = format!(
        r#"{{ "mcpServers": {{ "it": {{ "command": "npx", "args": ["-y", "mcp-remote@latest", "{URL}", "3334"] }} }} }}"#
    );
    let array = format!(
        r#"{{ "mcp": {{ "it": {{ "type": "local", "command": ["npx", "mcp-remote", "{URL}"] }} }} }}"#
    );
    let ours = format!(
        r#"{{ "mcpServers": {{ "it": {{ "command": "/opt/mcp-login", "args": ["connect", "{URL}", "--store", "file"] }} }} }}"#
    );
    let vibe = format!(
        "mcp_servers = [{{ name = 'it', transport = 'http', url = '{URL}' }}, {{ name = 'local', command = 'x' }}, {{ url = '{URL}' }}]\n"
    );
    let list = format!(
        "name: mine\nmcpServers:\n  - name: it\n    type: streamable-http\n    url: {URL}\n  - name: local\n    command: x\n"
    );
    let transport = format!(
        r#"{{ "mcpServers": {{ "it": {{ "transport": {{ "type": "streamableHttp", "url": "{URL}" }} }} }} }}"#
    );
    for (source, file, text, in_project) in [
        ("claude-code", ".claude.json", &json, false),
        ("claude-code", ".claude.json", &local, false),
        ("claude-code", "repo/.mcp.json", &json, true),
        ("codex", ".codex/config.toml", &toml, false),
        ("codex", "repo/.codex/config.toml", &toml, true),
        ("gemini-cli", ".gemini/settings.json", &json, false),
        (
            "gemini-cli",
            ".gemini/settings.json",
            &replaced("url", "httpUrl"),
            false,
        ),
        (
            "gemini-cli",
            "repo/inner/.gemini/settings.json",
            &json,
            true,
        ),
        (
            "opencode",
            ".config/opencode/opencode.json",
            &commented,
            false,
        ),
        (
            "opencode",
            ".config/opencode/opencode.jsonc",
            &commented,
            false,
        ),
        (
            "opencode",
            ".config/opencode/config.json",
            &commented,
            false,
        ),
        ("opencode", ".opencode/opencode.json", &commented, false),
        (
            "opencode",
            "repo/.opencode/opencode.jsonc",
            &commented,
            true,
        ),
        ("opencode", "repo/opencode.json", &commented, true),
        ("opencode", "repo/inner/opencode.jsonc", &array, true),
        ("cursor", ".cursor/mcp.json", &json, false),
        ("cursor", "repo/.cursor/mcp.json", &json, true),
        (
            "vscode",
            ".config/Code/User/mcp.json",
            &replaced("mcpServers", "servers"),
            false,
        ),
        (
            "vscode",
            ".config/Code - Insiders/User/mcp.json",
            &replaced("mcpServers", "servers"),
            false,
        ),
        (
            "vscode",
            "repo/inner/.vscode/mcp.json",
            &replaced("mcpServers", "servers"),
            true,
        ),
        (
            "windsurf",
            ".codeium/windsurf/mcp_config.json",
            &replaced("url", "serverUrl"),
            false,
        ),
        (
            "claude-desktop",
            ".config/Claude/claude_desktop_config.json",
            &bridge,
            false,
        ),
        ("copilot", ".copilot/mcp-config.json", &json, false),
        ("copilot", "repo/.mcp.json", &json, true),
        ("copilot", "repo/.github/mcp.json", &json, true),
        ("hermes", ".hermes/config.yaml", &hermes, false),
        ("goose", ".config/goose/config.yaml", &goose, false),
        (
            "zed",
            ".config/zed/settings.json",
            &replaced("mcpServers", "context_servers"),
            false,
        ),
        (
            "cline",
            ".cline/data/settings/cline_mcp_settings.json",
            &json,
            false,
        ),
        (
            "cline",
            ".cline/data/settings/cline_mcp_settings.json",
            &transport,
            false,
        ),
        (
            "mcporter",
            ".mcporter/mcporter.json",
            &replaced("url", "baseUrl"),
            false,
        ),
        ("mcporter", ".mcporter/mcporter.jsonc", &json, false),
        ("mcporter", "repo/inner/config/mcporter.json", &json, true),
        ("lm-studio", ".lmstudio/mcp.json", &json, false),
        ("lm-studio", ".lmstudio/mcp.json", &ours, false),
        ("lm-studio", ".cache/lm-studio/mcp.json", &json, false),
        ("qwen-code", ".qwen/settings.json", &json, false),
        (
            "qwen-code",
            "repo/inner/.qwen/settings.json",
            &replaced("url", "httpUrl"),
            true,
        ),
        ("qwen-code", "repo/inner/.mcp.json", &json, true),
        ("qoder", ".qoder/settings.json", &json, false),
        ("qoder", "repo/inner/.qoder/settings.json", &json, true),
        (
            "qoder",
            "repo/inner/.qoder/settings.local.json",
            &json,
            true,
        ),
        ("qoder", "repo/inner/.mcp.json", &json, true),
        ("kilo", ".config/kilo/kilo.json", &commented, false),
        ("kilo", ".config/kilo/kilo.jsonc", &commented, false),
        ("kilo", ".config/kilo/config.json", &commented, false),
        ("kilo", ".kilo/kilo.json", &commented, false),
        ("kilo", ".kilocode/kilo.jsonc", &commented, false),
        ("kilo", "repo/.kilo/kilo.jsonc", &commented, true),
        ("kilo", "repo/.kilocode/kilo.json", &commented, true),
        ("kilo", "repo/opencode.json", &commented, true),
        ("kilo", "repo/kilo.json", &commented, true),
        ("kimi-code", ".kimi-code/mcp.json", &json, false),
        ("kimi-code", "repo/inner/.kimi-code/mcp.json", &json, true),
        ("kimi-code", "repo/.mcp.json", &json, true),
        ("droid", ".factory/mcp.json", &json, false),
        ("droid", "repo/.factory/mcp.json", &json, true),
        ("auggie", ".augment/settings.json", &json, false),
        ("auggie", "repo/.augment/settings.json", &json, true),
        ("auggie", "repo/.augment/settings.local.json", &json, true),
        (
            "amp",
            ".config/amp/settings.json",
            &replaced("mcpServers", "amp.mcpServers"),
            false,
        ),
        (
            "amp",
            "repo/.amp/settings.json",
            &replaced("mcpServers", "amp.mcpServers"),
            true,
        ),
        (
            "amp",
            "repo/.amp/settings.jsonc",
            &replaced("mcpServers", "amp.mcpServers"),
            true,
        ),
        (
            "amp",
            ".config/amp/settings.jsonc",
            &replaced("mcpServers", "amp.mcpServers"),
            false,
        ),
        ("crush", ".config/crush/crush.json", &commented, false),
        ("crush", "repo/crush.json", &commented, true),
        ("crush", "repo/.crush.json", &commented, true),
        ("vibe", ".vibe/config.toml", &vibe, false),
        ("vibe", "repo/inner/.vibe/config.toml", &vibe, true),
        ("continue", ".continue/config.yaml", &list, false),
        ("openhands", ".openhands/mcp.json", &json, false),
        ("inspector", ".mcp-inspector/mcp.json", &json, false),
    ] {
        let home = Home::new();
        let path = home.put(file, text);
        let found = home.scan(source);
        assert_eq!((found.broken, found.unusable), (vec![], vec![]), "{file}");
        let [server] = &found.servers[..] else {
            panic!("{file}: {:?}", found.servers)
        };
        assert_eq!(
            (server.source, server.name.as_str(), server.url.as_str()),
            (source, "it", URL),
            "{file}"
        );
        assert_eq!(
            (&server.path, server.in_project),
            (&path, in_project),
            "{file}"
        );
        assert!(server.entry.is_object());
        let project = if file.starts_with("repo/inner") {
            Some("repo/inner")
        } else if in_project || text.contains("projects") {
            Some("repo")
        } else {
            None
        };
        assert_eq!(
            server.project,
            project.map(|directory| home.root.path().join(directory)),
            "{file}"
        );
    }
    assert_eq!(names().count(), 27);
}

#[test]
fn win7_clients_files_on_each_system() {
    let named = format!(r#"{{"it": {{"name": "it", "url": "{URL}"}}}}"#);
    let list = format!(r#"[{{"name": "it", "url": "{URL}"}}]"#);
    let windows = [
        ("claude-code", ".claude.json"),
        ("codex", ".codex/config.toml"),
        ("gemini-cli", ".gemini/settings.json"),
        ("opencode", ".config/opencode/opencode.json"),
        ("cursor", ".cursor/mcp.json"),
        ("vscode", "AppData/Roaming/Code/User/mcp.json"),
        ("vscode", "AppData/Roaming/Code - Insiders/User/mcp.json"),
        ("windsurf", ".codeium/windsurf/mcp_config.json"),
        (
            "claude-desktop",
            "AppData/Roaming/Claude/claude_desktop_config.json",
        ),
        ("copilot", ".copilot/mcp-config.json"),
        ("hermes", "AppData/Local/hermes/config.yaml"),
        ("hermes", ".hermes/config.yaml"),
        ("goose", "AppData/Roaming/Block/goose/config/config.yaml"),
        ("zed", "AppData/Roaming/Zed/settings.json"),
        ("cline", ".cline/data/settings/cline_mcp_settings.json"),
        (
            "cline",
            "AppData/Roaming/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json",
        ),
        ("mcporter", ".mcporter/mcporter.json"),
        ("lm-studio", ".lmstudio/mcp.json"),
        ("qwen-code", ".qwen/settings.json"),
        ("qoder", ".qoder/settings.json"),
        ("kilo", ".config/kilo/kilo.json"),
        ("kimi-code", ".kimi-code/mcp.json"),
        ("droid", ".factory/mcp.json"),
        ("auggie", ".augment/settings.json"),
        ("amp", ".config/amp/settings.json"),
        ("crush", ".config/crush/crush.json"),
        ("vibe", ".vibe/config.toml"),
        ("continue", ".continue/config.yaml"),
        ("openhands", ".openhands/mcp.json"),
        ("inspector", ".mcp-inspector/mcp.json"),
    ];
    for source in names() {
        assert!(windows.iter().any(|(name, _)| *name == source), "{source}");
    }
    let support = "Library/Application Support";
    let mac_os = [
        ("vscode", "Code/User/mcp.json"),
        ("vscode", "Code - Insiders/User/mcp.json"),
        ("claude-desktop", "Claude/claude_desktop_config.json"),
    ];
    let mac_os = mac_os.map(|(source, file)| (System::MacOs, source, format!("{support}/{file}")));
    let windows = windows.map(|(source, file)| (System::Windows, source, file.to_owned()));
    for (system, source, file) in windows.into_iter().chain(mac_os) {
        let mut home = Home::new();
        home.places.system = system;
        let client = super::source(source).expect("a client");
        let servers = if client.is_list { &list } else { &named };
        let tables = [
            "mcpServers",
            "servers",
            "mcp",
            "mcp_servers",
            "extensions",
            "context_servers",
            "amp.mcpServers",
        ];
        let text = match file.rsplit_once('.').expect("a suffix").1 {
            "toml" if client.is_list => format!("[[mcp_servers]]\nname = 'it'\nurl = '{URL}'\n"),
            "toml" => format!("[mcp_servers.it]\nurl = '{URL}'\n"),
            _ => {
                let tables = tables.map(|key| format!("\"{key}\": {servers}"));
                format!("{{{}}}", tables.join(", "))
            }
        };
        let path = home.put(&file, &text);
        let found = home.scan(source);
        let found: Vec<_> = found.servers.iter().map(|it| &it.path).collect();
        assert_eq!(found, [&path], "{source}");
        let own = client.file(&home.places, None).expect("a file");
        assert_eq!(own.path, path, "{source}");
        // What is for one system is not read on another.
        home.places.system = System::Xdg;
        let is_native = file.starts_with("AppData") || file.starts_with("Library");
        let found = home.scan(source).servers.len();
        assert_eq!(found, usize::from(!is_native), "{source}");
    }
}

#[test]
fn win7_a_new_file_is_where_windows_wants_it() {
    let mut home = Home::new();
    home.places.system = System::Windows;
    let own = |home: &Home, source: &str| {
        let client = super::source(source).expect("a client");
        client.file(&home.places, None).expect("a file").path
    };
    for (source, below_home) in [
        ("vscode", "AppData/Roaming/Code/User/mcp.json"),
        (
            "claude-desktop",
            "AppData/Roaming/Claude/claude_desktop_config.json",
        ),
        ("zed", "AppData/Roaming/Zed/settings.json"),
        ("hermes", "AppData/Local/hermes/config.yaml"),
    ] {
        let expected = home.root.path().join(below_home);
        assert_eq!(own(&home, source), expected, "{source}");
    }
    home.set("APPDATA", "HOME/profile");
    home.set("LOCALAPPDATA", "HOME/stays");
    for (source, below_home) in [
        ("vscode", "profile/Code/User/mcp.json"),
        ("goose", "profile/Block/goose/config/config.yaml"),
        ("hermes", "stays/hermes/config.yaml"),
        ("amp", ".config/amp/settings.json"),
        ("crush", ".config/crush/crush.json"),
    ] {
        let expected = home.root.path().join(below_home);
        assert_eq!(own(&home, source), expected, "{source}");
    }
    home.set("CODEX_HOME", r"~\else");
    assert_eq!(
        own(&home, "codex"),
        home.root.path().join("else/config.toml")
    );
}

#[test]
fn variables_that_move_a_clients_files() {
    let json = format!(
        r#"{{ "mcpServers": {{ "it": {{ "url": "{URL}" }} }}, "mcp": {{ "it": {{ "url": "{URL}" }} }}, "amp.mcpServers": {{ "it": {{ "url": "{URL}" }} }} }}"#
    );
    let toml = format!("[mcp_servers]\nit = {{ url = '{URL}' }}\n");
    let yaml =
        format!("mcp_servers: {{it: {{url: '{URL}'}}}}\nextensions: {{it: {{uri: '{URL}'}}}}\n");
    for (source, variable, value, file, text) in [
        (
            "claude-code",
            "CLAUDE_CONFIG_DIR",
            "HOME/else",
            "else/.claude.json",
            &json,
        ),
        (
            "codex",
            "CODEX_HOME",
            "HOME/else",
            "else/config.toml",
            &toml,
        ),
        ("codex", "CODEX_HOME", "~/else", "else/config.toml", &toml),
        (
            "gemini-cli",
            "GEMINI_CLI_HOME",
            "HOME/else",
            "else/.gemini/settings.json",
            &json,
        ),
        (
            "gemini-cli",
            "GEMINI_CLI_SYSTEM_SETTINGS_PATH",
            "HOME/s.json",
            "s.json",
            &json,
        ),
        (
            "opencode",
            "OPENCODE_CONFIG",
            "HOME/else.json",
            "else.json",
            &json,
        ),
        (
            "opencode",
            "XDG_CONFIG_HOME",
            "HOME/else",
            "else/opencode/opencode.json",
            &json,
        ),
        (
            "copilot",
            "COPILOT_HOME",
            "HOME/else",
            "else/mcp-config.json",
            &json,
        ),
        (
            "hermes",
            "HERMES_HOME",
            "HOME/else",
            "else/config.yaml",
            &yaml,
        ),
        (
            "goose",
            "XDG_CONFIG_HOME",
            "HOME/else",
            "else/goose/config.yaml",
            &yaml,
        ),
        (
            "cline",
            "CLINE_MCP_SETTINGS_PATH",
            "HOME/else.json",
            "else.json",
            &json,
        ),
        (
            "mcporter",
            "MCPORTER_CONFIG",
            "HOME/else.json",
            "else.json",
            &json,
        ),
        (
            "opencode",
            "OPENCODE_CONFIG_DIR",
            "HOME/else",
            "else/opencode.json",
            &json,
        ),
        (
            "kilo",
            "KILO_CONFIG_DIR",
            "HOME/else",
            "else/kilo.jsonc",
            &json,
        ),
        ("kilo", "KILO_CONFIG", "HOME/else.json", "else.json", &json),
        (
            "qwen-code",
            "QWEN_CODE_SYSTEM_SETTINGS_PATH",
            "HOME/else.json",
            "else.json",
            &json,
        ),
        (
            "droid",
            "FACTORY_HOME_OVERRIDE",
            "HOME/else",
            "else/.factory/mcp.json",
            &json,
        ),
        (
            "crush",
            "CRUSH_GLOBAL_CONFIG",
            "HOME/else",
            "else/crush.json",
            &json,
        ),
        (
            "inspector",
            "MCP_CATALOG_PATH",
            "HOME/else.json",
            "else.json",
            &json,
        ),
        (
            "amp",
            "AMP_SETTINGS_FILE",
            "HOME/else.json",
            "else.json",
            &json,
        ),
    ] {
        let mut home = Home::new();
        home.put(file, text);
        assert!(home.urls(source).is_empty(), "{variable} is not set");
        home.set(variable, value);
        assert_eq!(home.urls(source), [format!("it {URL}")], "{variable}");
    }
}

#[test]
fn a_file_that_a_variable_names_is_the_one_to_write() {
    let mut home = Home::new();
    home.put(".config/amp/settings.json", "{}");
    let amp = super::source("amp").expect("a client");
    let own = |home: &Home| amp.file(&home.places, None).expect("a file").path;
    assert_eq!(
        own(&home),
        home.root.path().join(".config/amp/settings.json")
    );
    home.set("AMP_SETTINGS_FILE", "HOME/new.json");
    assert_eq!(own(&home), home.root.path().join("new.json"));
}

/// Which file overrules which, as the clients' own lists of servers show.
#[test]
fn the_files_of_a_client_overrule_each_other_as_there() {
    for (client, files) in [
        (
            "opencode",
            &[
                ".config/opencode/config.json",
                ".config/opencode/opencode.json",
                ".config/opencode/opencode.jsonc",
                "repo/opencode.json",
                "repo/opencode.jsonc",
                "repo/.opencode/opencode.json",
                "repo/.opencode/opencode.jsonc",
                ".opencode/opencode.json",
                ".opencode/opencode.jsonc",
            ][..],
        ),
        (
            "kilo",
            &[
                ".config/kilo/config.json",
                ".config/kilo/kilo.json",
                ".config/kilo/kilo.jsonc",
                "repo/kilo.json",
                "repo/kilo.jsonc",
                "repo/opencode.json",
                "repo/opencode.jsonc",
                "repo/.kilocode/kilo.json",
                "repo/.kilo/kilo.jsonc",
                "repo/.kilo/kilo.json",
                ".kilocode/kilo.json",
                ".kilo/kilo.jsonc",
                ".kilo/kilo.json",
            ],
        ),
        (
            "qwen-code",
            &[
                ".qwen/settings.json",
                "repo/inner/.mcp.json",
                "repo/inner/.qwen/settings.json",
            ],
        ),
        (
            "qoder",
            &[
                ".qoder/settings.json",
                "repo/inner/.qoder/settings.json",
                "repo/inner/.qoder/settings.local.json",
                "repo/inner/.mcp.json",
            ],
        ),
        (
            "amp",
            &[
                ".config/amp/settings.jsonc",
                ".config/amp/settings.json",
                "repo/.amp/settings.jsonc",
                "repo/.amp/settings.json",
            ],
        ),
    ] {
        let home = Home::new();
        for (at, file) in files.iter().enumerate() {
            let servers = format!(r#"{{"it": {{"url": "https://{at}.example"}}}}"#);
            let tables = ["mcpServers", "mcp", "amp.mcpServers"];
            let tables = tables.map(|key| format!("\"{key}\": {servers}"));
            home.put(file, &format!("{{{}}}", tables.join(", ")));
            let wins = [format!("it https://{at}.example")];
            assert_eq!(home.urls(client), wins, "{client}: {file}");
        }
    }
}

#[test]
fn the_nearest_file_wins() {
    let home = Home::new();
    let servers = |text: &str| format!(r#"{{ "mcpServers": {text} }}"#);
    let named = |host: &str| format!(r#"{{ "it": {{ "url": "https://{host}.example" }} }}"#);
    let user = servers(&named("user"));
    home.put(".claude.json", &user);
    assert_eq!(home.urls("claude-code"), ["it https://user.example"]);
    home.put("repo/.mcp.json", &servers(&named("project")));
    assert_eq!(home.urls("claude-code"), ["it https://project.example"]);
    home.put("repo/inner/.mcp.json", &servers(&named("inner")));
    assert_eq!(home.urls("claude-code"), ["it https://inner.example"]);
    let local = format!(
        r#"{}, "projects": {{ "HOME/repo/inner": {} }} }}"#,
        user.strip_suffix('}').unwrap(),
        servers(&named("local"))
    );
    home.put(".claude.json", &local);
    assert_eq!(home.urls("claude-code"), ["it https://local.example"]);
    // A program of the same name nearer by is what the client would run.
    home.put(
        "repo/inner/.mcp.json",
        &servers(r#"{ "other": { "command": "x" } }"#),
    );
    home.put(
        "repo/.mcp.json",
        &servers(&named("x").replace("it", "other")),
    );
    assert_eq!(home.urls("claude-code"), ["it https://local.example"]);
}

#[test]
fn the_files_of_an_administrator() {
    let home = Home::new();
    let files = |source: &str| {
        let client = super::source(source).expect("a client");
        let files = client.files(&home.places).into_iter();
        files
            .map(|file| file.path.display().to_string())
            .collect::<Vec<_>>()
    };
    let (claude_code, codex) = (files("claude-code"), files("codex"));
    assert_eq!(claude_code[0], "/etc/claude-code/managed-mcp.json");
    assert_eq!(codex.last().expect("a file"), "/etc/codex/config.toml");
}

#[test]
fn all_worktrees_have_the_servers_of_their_repository() {
    // Where the repository is, the directory that names it, and what the link to it in the worktree begins with.
    for (repository, name, above) in [
        ("main/.git", "main", "HOME/"),
        ("bare.git", "bare.git", "HOME/"),
        ("main/.git", "main", "../"),
    ] {
        let mut home = Home::new();
        let servers =
            |host: &str| json!({"mcpServers": {"it": {"url": format!("https://{host}.example")}}});
        let named = |directory: &str, host: &str| {
            json!({format!("HOME/{directory}"): servers(host)}).to_string()
        };
        let projects = |text: &str| format!(r#"{{"projects": {text}}}"#);
        let own = format!("{repository}/worktrees/tree");
        home.put("tree/.git", &format!("gitdir: {above}{own}\n"));
        home.put("tree/inner/file", "");
        home.places.directory = home.root.path().canonicalize().unwrap().join("tree/inner");
        home.put(".claude.json", &projects(&named(name, "main")));
        home.put("HEAD", "");
        assert!(
            home.urls("claude-code").is_empty(),
            "{above}: a link to what does not exist"
        );
        home.put(&format!("{own}/gitdir"), "HOME/other/.git\n");
        assert!(
            home.urls("claude-code").is_empty(),
            "{above}: a link that the repository does not know"
        );
        home.put(&format!("{own}/gitdir"), "HOME/tree/.git\n");
        assert_eq!(
            home.urls("claude-code"),
            ["it https://main.example"],
            "{above}"
        );
        // As older versions have it.
        home.put(".claude.json", &projects(&named("tree/inner", "inner")));
        assert_eq!(home.urls("claude-code"), ["it https://inner.example"]);
    }
}

#[test]
fn a_projects_files_end_at_its_repository_and_at_home() {
    let text = format!(r#"{{ "mcpServers": {{ "it": {{ "url": "{URL}" }} }} }}"#);
    let mut home = Home::new();
    home.put(".mcp.json", &text);
    assert!(home.urls("copilot").is_empty(), "above the repository");
    fs::remove_dir(home.root.path().join("repo/.git")).unwrap();
    assert!(home.urls("copilot").is_empty(), "the home directory");
    home.places.home = PathBuf::from("/nonexistent");
    assert_eq!(home.urls("copilot").len(), 1, "neither");
}

#[cfg(unix)]
#[test]
fn what_cannot_be_read_is_named() {
    let home = Home::new();
    let deep = format!("{{\"mcpServers\": {}", "[".repeat(100_000));
    let aliases = "a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned()
        + &(0..30)
            .map(|it| {
                format!("b{it}: &b{it} [*a, *a, *a, *a, *a, *a, *a]\n").replace(
                    "*a",
                    &if it == 0 {
                        "*a".into()
                    } else {
                        format!("*b{}", it - 1)
                    },
                )
            })
            .collect::<String>();
    let long = " ".repeat(1024 * 1024 + 1);
    for (source, file, text, whose) in [
        (
            "claude-code",
            ".claude.json",
            "{ \"mcpServers\": ",
            "claude-code",
        ),
        ("claude-code", "repo/.mcp.json", &deep, "claude-code"),
        ("claude-code", "repo/.mcp.json", &long, "too large"),
        (
            "codex",
            ".codex/config.toml",
            "[mcp_servers\nx='s3cret'",
            "config.toml",
        ),
        ("hermes", ".hermes/config.yaml", "a: [", "config.yaml"),
        ("hermes", ".hermes/config.yaml", &aliases, "config.yaml"),
    ] {
        let home = Home::new();
        home.put(file, text);
        let found = home.scan(source).checked(None).unwrap();
        assert!(found.servers.is_empty(), "a warning only");
        let trouble = found.checked(Some(source)).unwrap_err().to_string();
        assert!(
            trouble.contains(whose) && !trouble.contains("s3cret") && !trouble.contains('\n'),
            "{trouble}"
        );
    }
    fs::create_dir(home.root.path().join(".claude.json")).unwrap();
    let fifo = home.root.path().join("repo/.mcp.json");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RWXU).unwrap();
    assert!(servers(&home.places, Some("claude-code")).is_empty());
    let broken = home.scan("claude-code").broken;
    assert_eq!(broken.len(), 2, "{broken:?}");
    assert!(
        broken.iter().all(|trouble| trouble.why.contains("regular")),
        "{broken:?}"
    );
    for text in [
        "",
        " \n",
        "null",
        "[]",
        "{\"mcpServers\": []}",
        "{\"mcpServers\": {\"x\": null, \"y\": \"https://x\"}}",
    ] {
        let home = Home::new();
        home.put(".cursor/mcp.json", text);
        let found = home.scan("cursor");
        assert!(
            found.servers.is_empty() && found.broken.is_empty() && found.unusable.is_empty(),
            "{text}: {found:?}"
        );
    }
}

#[test]
fn variables_in_urls() {
    for (text, expected, in_project) in [
        (
            "https://${HOST}/mcp",
            Ok("https://mcp.example/mcp"),
            Err("a project's file gets none"),
        ),
        (
            "${WHOLE}",
            Ok("https://whole.example"),
            Err("a project's file gets none"),
        ),
        (
            "https://${HOST:-other.example}/mcp",
            Ok("https://mcp.example/mcp"),
            Ok("https://other.example/mcp"),
        ),
        (
            "https://${NONE:-other.example}/${EMPTY:-x}",
            Ok("https://other.example/x"),
            Ok("https://other.example/x"),
        ),
        (
            "https://x.example/${NONE:-}",
            Ok("https://x.example/"),
            Ok("https://x.example/"),
        ),
        ("https://x.example/${NONE}", Err("NONE"), Err("NONE")),
        ("https://x.example/${EMPTY}", Err("EMPTY"), Err("EMPTY")),
        (
            "https://x.example/${MY_TOKEN}",
            Ok("https://x.example/t0ken"),
            Err("MY_TOKEN"),
        ),
        (
            "https://x.example/${LOOP}",
            Ok("https://x.example/${HOST}"),
            Err("LOOP"),
        ),
        (
            "https://x.example/$HOST/$(id)/`id`",
            Ok("https://x.example/$HOST/$(id)/`id`"),
            Ok("https://x.example/$HOST/$(id)/`id`"),
        ),
        (
            "https://x.example/${env:HOST}",
            Ok("https://x.example/mcp.example"),
            Err("env:HOST"),
        ),
        (
            "https://x.example/${input:key}",
            Err("input:key"),
            Err("input:key"),
        ),
        (
            "https://{env:HOST}/",
            Err("only the client"),
            Err("only the client"),
        ),
        (
            "https://x.example/${HOST",
            Err("unfinished"),
            Err("unfinished"),
        ),
        ("https://x.example/${}", Err("${}"), Err("${}")),
        ("file:///etc/passwd", Err("http"), Err("http")),
        ("https://", Err("http"), Err("http")),
        ("", Err("http"), Err("http")),
    ] {
        for (file, expected) in [
            (".cursor/mcp.json", expected),
            ("repo/.cursor/mcp.json", in_project),
        ] {
            let mut home = Home::new();
            for (name, value) in [
                ("HOST", "mcp.example"),
                ("WHOLE", "https://whole.example"),
                ("EMPTY", ""),
                ("MY_TOKEN", "t0ken"),
                ("LOOP", "${HOST}"),
            ] {
                home.set(name, value);
            }
            home.put(
                file,
                &json!({"mcpServers": {"it": {"url": text}}}).to_string(),
            );
            let found = home.scan("cursor");
            match expected {
                Ok(url) => assert_eq!(
                    found.servers.first().map(|it| it.url.as_str()),
                    Some(url),
                    "{found:?}"
                ),
                Err(why) => {
                    assert!(found.servers.is_empty(), "{text}");
                    assert!(
                        found
                            .unusable
                            .first()
                            .is_some_and(|it| it.why.contains(why)),
                        "{text}: {found:?}"
                    );
                }
            }
        }
    }
}

fn configured(source: &'static str, entry: Value) -> ConfiguredServer {
    ConfiguredServer {
        source,
        name: "it".into(),
        url: URL.into(),
        written: URL.into(),
        path: PathBuf::new(),
        project: None,
        in_project: false,
        entry,
    }
}

#[test]
fn who_wants_no_login_of_ours() {
    for (entry, wants) in [
        (json!({"url": URL}), true),
        (json!({"headers": {}}), true),
        (json!({"headers": {"X-Trace": "1", "Accept": "x"}}), true),
        (json!({"headers": {"authorization": "Bearer x"}}), false),
        (json!({"headers": {"X-API-Key": "x"}}), false),
        (
            json!({"headers": {"Authorization": "Bearer ${MCP_LOGIN_BEARER}"}}),
            true,
        ),
        (
            json!({"http_headers": {"Authorization": "Bearer x"}}),
            false,
        ),
        (
            json!({"env_http_headers": {"Authorization": "HEADER"}}),
            false,
        ),
        (
            json!({"requestInit": {"headers": {"Authorization": "x"}}}),
            false,
        ),
        (
            json!({"transport": {"url": URL, "headers": {"Authorization": "x"}}}),
            false,
        ),
        (json!({"bearer_token_env_var": "GITHUB_PAT"}), false),
        (json!({"bearer_token_env_var": "MCP_LOGIN_BEARER"}), true),
        (json!({"headersHelper": "get-headers linear"}), false),
        (json!({"headersHelper": "mcp-login headers linear"}), true),
        (
            json!({"http_headers_helper": "/opt/bin/mcp-login headers x"}),
            true,
        ),
        (
            json!({"command": "npx", "args": ["mcp-remote", URL, "--header", "Authorization: Bearer x"]}),
            false,
        ),
        (
            json!({"command": "npx", "args": ["mcp-remote", URL, "--header", "X-Trace: x"]}),
            true,
        ),
        (json!({"bearerTokenEnvVar": "TOKEN"}), false),
        (
            json!({"requestOptions": {"headers": {"Authorization": "x"}}}),
            false,
        ),
        (
            json!({"auth": {"type": "static", "api_key_env": "TOKEN"}}),
            false,
        ),
        (
            json!({"command": "/opt/mcp-login", "args": ["connect", URL]}),
            true,
        ),
        (json!({"oauth": false}), false),
        (json!({"enabled": false}), false),
        (json!({"disabled": true}), false),
        (json!({"disabled": false, "enabled": true}), true),
    ] {
        let skip = configured("codex", entry.clone()).skip();
        assert_eq!(skip.is_none(), wants, "{entry}: {skip:?}");
    }
}

#[test]
fn what_the_clients_know_of_the_login() {
    let known = |id: Option<&str>, scopes: &[&str], uri: Option<&str>, has_secret| OAuth {
        client_id: id.map(|id| Ok(id.to_owned())),
        has_secret,
        scopes: Ok(scopes.iter().map(|scope| (*scope).to_owned()).collect()),
        redirect_uri: uri.map(|uri| Ok(uri.to_owned())),
        ..OAuth::default()
    };
    let places = Home::new().places;
    for (source, entry, expected) in [
        ("claude-code", json!({}), OAuth::default()),
        (
            "claude-code",
            json!({"oauth": {"clientId": "c", "callbackPort": 3118, "scopes": "a b"}}),
            known(
                Some("c"),
                &["a", "b"],
                Some("http://localhost:3118/callback"),
                false,
            ),
        ),
        (
            "claude-code",
            json!({"oauth": {"clientId": "c"}}),
            known(Some("c"), &[], Some("http://localhost/callback"), false),
        ),
        (
            "claude-code",
            json!({"oauth": {"callbackPort": 0}}),
            OAuth::default(),
        ),
        (
            "claude-code",
            json!({"oauth": {"callbackPort": "3118"}}),
            known(None, &[], Some("http://localhost:3118/callback"), false),
        ),
        (
            "copilot",
            json!({"oauthClientId": "c", "auth": {"redirectPort": 8123}}),
            known(Some("c"), &[], Some("http://127.0.0.1:8123/"), false),
        ),
        (
            "cursor",
            json!({"auth": {"CLIENT_ID": "c"}}),
            known(Some("c"), &[], None, false),
        ),
        (
            "codex",
            json!({"mcp_oauth_callback_port": 5555, "oauth": {"client_id": "c"}}),
            known(
                Some("c"),
                &[],
                Some("http://127.0.0.1:5555/callback"),
                false,
            ),
        ),
        (
            "codex",
            json!({"mcp_oauth_callback_port": 5555, "mcp_oauth_callback_url": "http://localhost:5556/cb"}),
            known(None, &[], Some("http://localhost:5556/cb"), false),
        ),
        (
            "claude-desktop",
            json!({"command": "npx", "args": ["-y", "mcp-remote", URL, "9696", "--debug"]}),
            known(
                None,
                &[],
                Some("http://localhost:9696/oauth/callback"),
                false,
            ),
        ),
        (
            "claude-desktop",
            json!({"command": "npx", "args": ["mcp-remote@latest", URL, "9696", "--host", "127.0.0.1",
                "--static-oauth-client-info", "{\"client_id\": \"c\", \"client_secret\": \"s\"}",
                "--static-oauth-client-metadata", "{\"scope\": \"a b\"}"]}),
            known(
                Some("c"),
                &["a", "b"],
                Some("http://127.0.0.1:9696/oauth/callback"),
                true,
            ),
        ),
        (
            "cursor",
            json!({"command": "npx", "args": ["mcp-remote", URL, "--static-oauth-client-info", "{\"client_id\": \"c\"}"]}),
            known(
                Some("c"),
                &[],
                Some("http://localhost:41409/oauth/callback"),
                false,
            ),
        ),
        (
            "cursor",
            json!({"command": "npx", "args": ["mcp-remote", URL, "--static-oauth-client-info", "{\"client_id\": \"c\"}",
                "--static-oauth-client-metadata", "{\"redirect_uris\": [\"http://localhost:7/cb\"]}"]}),
            known(Some("c"), &[], Some("http://localhost:7/cb"), false),
        ),
        (
            "codex",
            json!({"scopes": ["a"], "oauth": {"client_id": "c", "callback_port": 4000, "client_secret": "s"}}),
            known(
                Some("c"),
                &["a"],
                Some("http://127.0.0.1:4000/callback"),
                true,
            ),
        ),
        (
            "codex",
            json!({"oauth": {"client_id": "c", "callback_url": "http://localhost:5/x"}}),
            known(Some("c"), &[], Some("http://localhost:5/x"), false),
        ),
        (
            "gemini-cli",
            json!({"oauth": {"clientId": "c", "clientSecret": "s", "scopes": ["a", "b"], "redirectUri": "http://localhost:7777/oauth/callback"}}),
            known(
                Some("c"),
                &["a", "b"],
                Some("http://localhost:7777/oauth/callback"),
                true,
            ),
        ),
        (
            "gemini-cli",
            json!({"oauth": {"clientId": "c"}}),
            known(Some("c"), &[], None, false),
        ),
        (
            "opencode",
            json!({"oauth": {"clientId": "c", "scope": "a b"}}),
            known(
                Some("c"),
                &["a", "b"],
                Some("http://127.0.0.1:19876/mcp/oauth/callback"),
                false,
            ),
        ),
        (
            "opencode",
            json!({"oauth": {"callbackPort": 5000}}),
            known(
                None,
                &[],
                Some("http://127.0.0.1:5000/mcp/oauth/callback"),
                false,
            ),
        ),
        (
            "opencode",
            json!({"oauth": {"clientId": "c", "redirectUri": "https://app.example/cb"}}),
            known(Some("c"), &[], None, false),
        ),
        (
            "opencode",
            json!({"oauth": {"clientId": "c", "redirectUri": "http://localhost.evil.example:1/x"}}),
            known(Some("c"), &[], None, false),
        ),
        ("opencode", json!({"oauth": false}), OAuth::default()),
        (
            "hermes",
            json!({"oauth": {"client_id": "c", "scope": "a", "redirect_uri": "http://127.0.0.1:9/callback"}}),
            known(
                Some("c"),
                &["a"],
                Some("http://127.0.0.1:9/callback"),
                false,
            ),
        ),
    ] {
        assert_eq!(
            configured(source, entry.clone()).oauth(&places),
            expected,
            "{source} {entry}"
        );
    }
}

#[test]
fn n2_placeholders_are_expanded_as_in_the_client_or_named() {
    let mut home = Home::new();
    home.set("ID", "c1");
    home.set("TOKEN_like", "c2");
    for (source, text, expected) in [
        ("claude-code", "${ID}", Ok("c1")),
        ("claude-code", "a-${ID}-${NONE:-z}", Ok("a-c1-z")),
        ("claude-code", "${NONE}", Err("${NONE}")),
        ("claude-code", "$ID", Err("$ID")),
        ("claude-code", "${env:ID}", Err("${env:ID}")),
        ("claude-code", "{env:ID}", Err("{env:ID}")),
        ("claude-code", "a$b", Ok("a$b")),
        ("codex", "${ID}", Err("${ID}")),
        ("gemini-cli", "$ID", Ok("c1")),
        ("gemini-cli", "x$TOKEN_like.y", Ok("xc2.y")),
        ("gemini-cli", "${ID}", Ok("c1")),
        ("gemini-cli", "$NONE", Err("$NONE")),
        ("opencode", "{env:ID}", Ok("c1")),
        ("opencode", "{env:NONE}", Err("{env:NONE}")),
        ("opencode", "{file:~/id}", Err("{file:~/id}")),
        ("opencode", "${ID}", Err("${ID}")),
        ("cursor", "${env:ID}", Ok("c1")),
        ("cursor", "${input:id}", Err("${input:id}")),
        ("vscode", "${env:ID}", Ok("c1")),
        ("vscode", "${input:id}", Err("${input:id}")),
        ("copilot", "$ID", Ok("c1")),
        ("copilot", "${ID}", Ok("c1")),
        ("copilot", "${env:ID}", Err("${env:ID}")),
        ("mcporter", "$env:ID", Ok("c1")),
        ("zed", "${ID}", Err("${ID}")),
        ("codex", "plain{x}", Ok("plain{x}")),
        ("codex", "${ID", Err("unfinished")),
    ] {
        let read = |in_project| {
            let entry = json!({"oauth": {"clientId": text, "callbackPort": text, "scopes": [text]}, "oauthClientId": text});
            let known = ConfiguredServer {
                in_project,
                ..configured(source, entry)
            }
            .oauth(&home.places);
            (
                known.client_id.expect("a client"),
                known.scopes.map(|scopes| scopes.concat()),
            )
        };
        let (client_id, scopes) = read(false);
        assert_eq!(client_id.is_ok(), scopes.is_ok());
        match (client_id, expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{source} {text}"),
            (Err(why), Err(named)) => assert!(why.contains(named), "{source} {text}: {why}"),
            (found, _) => panic!("{source} {text}: {found:?}"),
        }
        let (of_project, _) = read(true);
        let has_none = !text.contains("ID")
            && !text.contains("TOKEN")
            && !text.contains("NONE")
            && expected.is_ok();
        assert_eq!(
            of_project.is_ok(),
            has_none,
            "{source} {text}: {of_project:?}"
        );
    }
}

#[test]
fn n3_what_mcp_remote_reads_from_a_file() {
    let home = Home::new();
    let path = home.put(
        "info.json",
        "{\"client_id\": \"c\", \"client_secret\": \"s3cret\"}",
    );
    let entry = |path: &str| {
        let info = format!("@{path}");
        json!({"command": "npx", "args": ["mcp-remote", URL, "9", "--static-oauth-client-info", info]})
    };
    let server = configured("cursor", entry(&path.display().to_string()));
    let known = server.oauth(&home.places);
    assert_eq!(
        (known.client_id, known.has_secret),
        (Some(Ok("c".to_owned())), true)
    );
    let of_project = ConfiguredServer {
        in_project: true,
        ..server
    }
    .oauth(&home.places);
    assert!(of_project
        .client_id
        .is_some_and(|it| it.is_err_and(|why| why.contains("is not read"))));
    for path in ["/dev/zero", "/nonexistent", "/proc/self/mem"] {
        let known = configured("cursor", entry(path)).oauth(&home.places);
        assert!(known.client_id.is_some_and(|it| it.is_err()), "{path}");
    }
}

#[test]
fn n1_endpoints_of_a_configuration() {
    let places = Home::new().places;
    let oauth = json!({"oauth": {"authorizationUrl": "https://as.example/a", "tokenUrl": "https://as.example/t"}});
    let known = configured("gemini-cli", oauth).oauth(&places);
    assert_eq!(
        known.endpoints,
        Some((
            Ok("https://as.example/a".to_owned()),
            Ok("https://as.example/t".to_owned())
        ))
    );
    let oauth = json!({"oauth": {"authServerMetadataUrl": "https://as.example/m"}});
    let known = configured("claude-code", oauth).oauth(&places);
    assert_eq!(
        (known.endpoints, known.metadata),
        (None, Some(Ok("https://as.example/m".to_owned())))
    );
}

#[test]
fn the_manual_page_lists_every_client() {
    let page = include_str!("../../../man/mcp-login.1");
    let page = page.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut names: Vec<_> = names().map(|name| name.replace('-', "\\-")).collect();
    let last = names.pop().expect("a client");
    let list = format!("The clients are {} and {last}.", names.join(", "));
    assert!(page.contains(&list), "{list}");
}

#[test]
fn win7_claude_codes_project_by_either_case_of_its_drive() {
    let mut home = Home::new();
    let entry = |url: &str| json!({"mcpServers": {"it": {"url": url}}});
    let projects =
        json!({"projects": {"c:/Work": entry(URL), "C:/work": entry("https://other.example")}});
    home.put(".claude.json", &projects.to_string());
    for (directory, expected) in [
        ("C:/Work/inner", &[format!("it {URL}")][..]),
        ("c:/Work", &[format!("it {URL}")]),
        ("D:/Work", &[]),
    ] {
        home.places.directory = directory.into();
        assert_eq!(home.urls("claude-code"), expected, "{directory}");
    }
}

/// The working directory is the real one, whatever the environment says.
#[cfg(unix)]
#[test]
fn n9_a_home_directory_named_through_a_symbolic_link_is_no_project() {
    let mut home = Home::new();
    let real = home.root.path().canonicalize().unwrap();
    let link = real.join("link");
    std::os::unix::fs::symlink(real.join("ann"), &link).unwrap();
    home.places.home = link;
    for file in [".cursor/mcp.json", "ann/.cursor/mcp.json"] {
        let servers = json!({"mcpServers": {file: {"url": URL}}});
        home.put(file, &servers.to_string());
    }
    for directory in ["ann", "ann/work"] {
        home.places.directory = real.join(directory);
        fs::create_dir_all(&home.places.directory).unwrap();
        let servers = home.scan("cursor").servers;
        let found: Vec<_> = servers
            .iter()
            .map(|it| (it.name.as_str(), it.in_project))
            .collect();
        assert_eq!(found, [("ann/.cursor/mcp.json", false)], "{directory}");
    }
}
