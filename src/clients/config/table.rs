//! Which files each client reads, nearest first, and which of their keys hold the servers.

use std::path::{Path, PathBuf};

use super::location::Location::{self, Absolute, BySystem, Here, Named, Of, Up, User};
use super::location::{config, home, library, roaming};
use super::location::{named, native, system_settings};
use super::placeholder::Notation::{self, Bare, Braced, Curly, Named as NamedVariable, Shell};
use super::project_directories;
use crate::clients::{claude_code, hermes, Places};

/// A client whose configuration names servers.
pub(super) struct ConfigSource {
    /// Its name on the command line.
    pub name: &'static str,
    /// Its files, each with the keys that lead to the servers, [`PROJECT`] among them; the first that names a server wins.
    files: &'static [(Location, &'static [&'static str])],
    /// The keys of an entry that may hold the URL; a dot goes one level down.
    pub url: &'static [&'static str],
    /// The redirect URI that it registers, with `{port}` for a colon and the port that the configuration names.
    pub callback: &'static str,
    /// The port that it uses where the configuration names none.
    pub port: Option<u16>,
    /// How it writes variables of the environment.
    pub notations: &'static [Notation],
    /// The settings beside the servers that apply to each of them.
    pub general: &'static [&'static str],
    /// The servers are a list, in which each has a `name`.
    pub is_list: bool,
    /// The entry of an MCP server that it starts, as JSON with `NAME`, `PROGRAM` and `ARGUMENTS`; empty if it gets none.
    pub stdio: &'static str,
    /// What a new configuration needs beside the servers.
    pub new_file: &'static str,
}

/// A file to be read.
pub(super) struct ConfigFile {
    pub path: PathBuf,
    pub project: Option<PathBuf>,
    pub in_project: bool,
    /// The user names this very file by a variable.
    pub is_named: bool,
    pub table: Vec<String>,
}

/// A client with what most have in common, to complete the rows of the table.
const PLAIN: ConfigSource = ConfigSource {
    name: "",
    files: &[],
    url: &["url"],
    callback: "",
    port: None,
    notations: &[],
    general: &[],
    is_list: false,
    stdio: "",
    new_file: "",
};

/// The entry that most clients have for an MCP server that they start.
const STDIO: &str = r#"{"command": "PROGRAM", "args": "ARGUMENTS"}"#;
const TYPED_STDIO: &str = r#"{"type": "stdio", "command": "PROGRAM", "args": "ARGUMENTS"}"#;

const SERVERS: &[&str] = &["mcpServers"];
const MCP: &[&str] = &["mcp"];

/// A key that is the path of the repository, of the working directory, or of one above it.
const PROJECT: &str = "*";

/// The servers that an administrator gives to Claude Code, which uses no other file beside this one.
const MANAGED: Location = BySystem(&[
    Absolute("/etc/claude-code/managed-mcp.json"),
    Absolute("/Library/Application Support/ClaudeCode/managed-mcp.json"),
    Absolute(r"C:\Program Files\ClaudeCode\managed-mcp.json"),
]);

/// All clients whose configurations are known.
pub(super) const SOURCES: &[ConfigSource] = &[
    ConfigSource {
        name: "claude-code",
        files: &[
            (MANAGED, SERVERS),
            (User("CLAUDE_CONFIG_DIR", "", ".claude.json"), &["projects", PROJECT, "mcpServers"]),
            (Up(".mcp.json"), SERVERS),
            (User("CLAUDE_CONFIG_DIR", "", ".claude.json"), SERVERS),
        ],
        callback: "http://localhost{port}/callback",
        notations: &[Braced],
        ..PLAIN
    },
    ConfigSource {
        name: "codex",
        files: &[
            (Up(".codex/config.toml"), &["mcp_servers"]),
            (User("CODEX_HOME", ".codex", "config.toml"), &["mcp_servers"]),
            (Absolute("/etc/codex/config.toml"), &["mcp_servers"]),
        ],
        callback: "http://127.0.0.1{port}/callback",
        general: &["mcp_oauth_callback_port", "mcp_oauth_callback_url"],
        ..PLAIN
    },
    ConfigSource {
        name: "gemini-cli",
        // The system's settings overrule the user's.
        files: &[
            (Named("GEMINI_CLI_SYSTEM_SETTINGS_PATH", ""), SERVERS),
            (system_settings!("gemini-cli", "GeminiCli"), SERVERS),
            (Here(".gemini/settings.json"), SERVERS),
            (User("GEMINI_CLI_HOME", "", ".gemini/settings.json"), SERVERS),
        ],
        url: &["httpUrl", "url"],
        notations: &[Braced, Bare],
        ..PLAIN
    },
    ConfigSource {
        name: "opencode",
        // In the order in which `opencode mcp list` 1.18.34 lets one overrule the next.
        files: &[
            (Named("OPENCODE_CONFIG_DIR", "opencode.jsonc"), MCP),
            (Named("OPENCODE_CONFIG_DIR", "opencode.json"), MCP),
            (home(".opencode/opencode.jsonc"), MCP),
            (home(".opencode/opencode.json"), MCP),
            (Up(".opencode/opencode.jsonc"), MCP),
            (Up(".opencode/opencode.json"), MCP),
            (Up("opencode.jsonc"), MCP),
            (Up("opencode.json"), MCP),
            (Named("OPENCODE_CONFIG", ""), MCP),
            (config("opencode/opencode.jsonc"), MCP),
            (config("opencode/opencode.json"), MCP),
            (config("opencode/config.json"), MCP),
        ],
        callback: "http://127.0.0.1{port}/mcp/oauth/callback",
        port: Some(19876),
        notations: &[Curly],
        ..PLAIN
    },
    ConfigSource {
        name: "cursor",
        files: &[(Up(".cursor/mcp.json"), SERVERS), (home(".cursor/mcp.json"), SERVERS)],
        notations: &[NamedVariable],
        stdio: STDIO,
        ..PLAIN
    },
    ConfigSource {
        name: "vscode",
        files: &[
            (Up(".vscode/mcp.json"), &["servers"]),
            (native!("Code/User/mcp.json"), &["servers"]),
            (native!("Code - Insiders/User/mcp.json"), &["servers"]),
        ],
        notations: &[NamedVariable],
        stdio: TYPED_STDIO,
        ..PLAIN
    },
    ConfigSource {
        name: "windsurf",
        files: &[(home(".codeium/windsurf/mcp_config.json"), SERVERS)],
        url: &["serverUrl", "url"],
        notations: &[NamedVariable],
        stdio: STDIO,
        ..PLAIN
    },
    ConfigSource {
        name: "claude-desktop",
        files: &[(native!("Claude/claude_desktop_config.json"), SERVERS)],
        stdio: STDIO,
        ..PLAIN
    },
    ConfigSource {
        name: "copilot",
        files: &[
            (Up(".mcp.json"), SERVERS),
            (Up(".github/mcp.json"), SERVERS),
            (User("COPILOT_HOME", ".copilot", "mcp-config.json"), SERVERS),
        ],
        callback: "http://127.0.0.1{port}/",
        notations: &[Braced, Bare],
        stdio: r#"{"type": "local", "command": "PROGRAM", "args": "ARGUMENTS", "tools": ["*"]}"#,
        ..PLAIN
    },
    ConfigSource {
        name: "hermes",
        files: &[(Of(hermes::home, "config.yaml"), &["mcp_servers"])],
        notations: &[Braced, NamedVariable],
        ..PLAIN
    },
    ConfigSource {
        name: "goose",
        files: &[(named!("goose/config.yaml", "Block/goose/config/config.yaml"), &["extensions"])],
        url: &["uri", "url"],
        notations: &[Braced, Bare],
        // Some versions skip an entry without a description.
        stdio: r#"{"name": "NAME", "description": "", "type": "stdio", "enabled": true, "cmd": "PROGRAM", "args": "ARGUMENTS", "timeout": 300}"#,
        ..PLAIN
    },
    ConfigSource {
        name: "zed",
        files: &[
            (Up(".zed/settings.json"), &["context_servers"]),
            (named!("zed/settings.json", "Zed/settings.json"), &["context_servers"]),
        ],
        stdio: r#"{"source": "custom", "command": "PROGRAM", "args": "ARGUMENTS", "env": {}}"#,
        ..PLAIN
    },
    ConfigSource {
        name: "cline",
        files: &[
            (Named("CLINE_MCP_SETTINGS_PATH", ""), SERVERS),
            (home(".cline/data/settings/cline_mcp_settings.json"), SERVERS),
            (
                native!("Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json"),
                SERVERS,
            ),
        ],
        url: &["transport.url", "url"],
        notations: &[NamedVariable],
        ..PLAIN
    },
    ConfigSource {
        name: "mcporter",
        files: &[
            (Named("MCPORTER_CONFIG", ""), SERVERS),
            (Here("config/mcporter.json"), SERVERS),
            (home(".mcporter/mcporter.json"), SERVERS),
            (home(".mcporter/mcporter.jsonc"), SERVERS),
        ],
        url: &["baseUrl", "base_url", "url", "serverUrl", "server_url"],
        notations: &[Braced, Shell],
        ..PLAIN
    },
    ConfigSource {
        name: "lm-studio",
        // The second is that of old installations.
        files: &[
            (home(".lmstudio/mcp.json"), SERVERS),
            (home(".cache/lm-studio/mcp.json"), SERVERS),
        ],
        stdio: STDIO,
        ..PLAIN
    },
    ConfigSource {
        name: "qwen-code",
        // The order of Qwen Code 0.24.4.
        files: &[
            (Named("QWEN_CODE_SYSTEM_SETTINGS_PATH", ""), SERVERS),
            (system_settings!("qwen-code", "QwenCode"), SERVERS),
            (Here(".qwen/settings.json"), SERVERS),
            (Here(".mcp.json"), SERVERS),
            (User("QWEN_HOME", ".qwen", "settings.json"), SERVERS),
        ],
        url: &["httpUrl", "url"],
        callback: "http://localhost{port}/oauth/callback",
        port: Some(7777),
        notations: &[Braced, Bare],
        ..PLAIN
    },
    ConfigSource {
        name: "qoder",
        // The order of Qoder CLI 1.1.52.
        files: &[
            (Here(".mcp.json"), SERVERS),
            (Here(".qoder/settings.local.json"), SERVERS),
            (Here(".qoder/settings.json"), SERVERS),
            (User("QODER_CONFIG_DIR", ".qoder", "settings.json"), SERVERS),
        ],
        notations: &[Braced, Bare],
        stdio: STDIO,
        ..PLAIN
    },
    ConfigSource {
        name: "kilo",
        // In the order in which `kilo mcp list` 7.7.9 lets one overrule the next.
        files: &[
            (Named("KILO_CONFIG_DIR", "kilo.json"), MCP),
            (Named("KILO_CONFIG_DIR", "kilo.jsonc"), MCP),
            (home(".kilo/kilo.json"), MCP),
            (home(".kilo/kilo.jsonc"), MCP),
            (home(".kilocode/kilo.json"), MCP),
            (home(".kilocode/kilo.jsonc"), MCP),
            (Up(".kilo/kilo.json"), MCP),
            (Up(".kilo/kilo.jsonc"), MCP),
            (Up(".kilocode/kilo.json"), MCP),
            (Up(".kilocode/kilo.jsonc"), MCP),
            (Up("opencode.jsonc"), MCP),
            (Up("opencode.json"), MCP),
            (Up("kilo.jsonc"), MCP),
            (Up("kilo.json"), MCP),
            (Named("KILO_CONFIG", ""), MCP),
            (config("kilo/kilo.jsonc"), MCP),
            (config("kilo/kilo.json"), MCP),
            (config("kilo/config.json"), MCP),
        ],
        callback: "http://127.0.0.1{port}/mcp/oauth/callback",
        port: Some(19876),
        notations: &[Curly],
        ..PLAIN
    },
    ConfigSource {
        name: "kimi-code",
        files: &[
            (Here(".kimi-code/mcp.json"), SERVERS),
            (Up(".mcp.json"), SERVERS),
            (User("KIMI_CODE_HOME", ".kimi-code", "mcp.json"), SERVERS),
        ],
        stdio: STDIO,
        ..PLAIN
    },
    ConfigSource {
        name: "droid",
        files: &[
            (Up(".factory/mcp.json"), SERVERS),
            (User("FACTORY_HOME_OVERRIDE", "", ".factory/mcp.json"), SERVERS),
        ],
        notations: &[Braced],
        stdio: TYPED_STDIO,
        ..PLAIN
    },
    ConfigSource {
        name: "auggie",
        files: &[
            (Up(".augment/settings.local.json"), SERVERS),
            (Up(".augment/settings.json"), SERVERS),
            (home(".augment/settings.json"), SERVERS),
        ],
        stdio: STDIO,
        ..PLAIN
    },
    ConfigSource {
        name: "amp",
        // One key, with a dot in it.
        files: &[
            (Up(".amp/settings.json"), &["amp.mcpServers"]),
            (Up(".amp/settings.jsonc"), &["amp.mcpServers"]),
            (Named("AMP_SETTINGS_FILE", ""), &["amp.mcpServers"]),
            (config("amp/settings.json"), &["amp.mcpServers"]),
            (config("amp/settings.jsonc"), &["amp.mcpServers"]),
        ],
        stdio: STDIO,
        ..PLAIN
    },
    ConfigSource {
        name: "crush",
        files: &[
            (Up(".crush.json"), MCP),
            (Up("crush.json"), MCP),
            (Named("CRUSH_GLOBAL_CONFIG", "crush.json"), MCP),
            (config("crush/crush.json"), MCP),
        ],
        notations: &[Braced, Bare],
        ..PLAIN
    },
    ConfigSource {
        name: "vibe",
        files: &[
            (Here(".vibe/config.toml"), &["mcp_servers"]),
            (User("VIBE_HOME", ".vibe", "config.toml"), &["mcp_servers"]),
        ],
        is_list: true,
        stdio: r#"{"name": "NAME", "transport": "stdio", "command": ["PROGRAM"], "args": "ARGUMENTS"}"#,
        ..PLAIN
    },
    ConfigSource {
        name: "continue",
        files: &[(User("CONTINUE_GLOBAL_DIR", ".continue", "config.yaml"), SERVERS)],
        is_list: true,
        stdio: r#"{"name": "NAME", "type": "stdio", "command": "PROGRAM", "args": "ARGUMENTS"}"#,
        new_file: "name: Local\nversion: 1.0.0\nschema: v1\n",
        ..PLAIN
    },
    ConfigSource {
        name: "openhands",
        files: &[(User("OPENHANDS_PERSISTENCE_DIR", ".openhands", "mcp.json"), SERVERS)],
        stdio: STDIO,
        ..PLAIN
    },
    ConfigSource {
        name: "inspector",
        files: &[
            (Named("MCP_CATALOG_PATH", ""), SERVERS),
            (home(".mcp-inspector/mcp.json"), SERVERS),
        ],
        stdio: TYPED_STDIO,
        ..PLAIN
    },
];

impl ConfigSource {
    /// Returns this file if it is one of the client's, else the user's own that exists, else the usual one.
    pub fn file(&self, places: &Places, known: Option<&Path>) -> Option<ConfigFile> {
        let mut files = self.files(places);
        files.retain(|file| !file.in_project || known == Some(file.path.as_path()));
        files.into_iter().min_by_key(|file| {
            let is_known = known == Some(file.path.as_path());
            (!is_known, !file.is_named && !file.path.exists())
        })
    }

    /// Returns the files to be read, nearest first, whether they exist or not.
    pub fn files(&self, places: &Places) -> Vec<ConfigFile> {
        let mut files = Vec::new();
        for (location, keys) in self.files {
            let in_project = matches!(location, Up(_) | Here(_));
            for (path, project) in location.paths(places) {
                let mut projects = vec![(project, String::new())];
                if keys.contains(&PROJECT) {
                    projects.clear();
                    let repository = claude_code::repository(&places.directory);
                    for it in repository
                        .as_deref()
                        .into_iter()
                        .chain(project_directories(places))
                    {
                        let names = claude_code::project_names(it).into_iter();
                        projects.extend(names.map(|name| (Some(it.to_owned()), name)));
                    }
                }
                for (project, name) in projects {
                    files.push(ConfigFile {
                        path: path.clone(),
                        project,
                        in_project,
                        is_named: matches!(location, Named(..)),
                        table: keys.iter().map(|key| key.replace(PROJECT, &name)).collect(),
                    });
                }
            }
        }
        files
    }
}
