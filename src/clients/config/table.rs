//! Which files each client reads, nearest first, and where in them the servers stand.

use std::path::PathBuf;

use super::placeholder::Notation::{self, Bare, Braced, Curly, Named as NamedVariable, Shell};
use super::project_directories;
use crate::clients::Places;

/// A client whose configuration names servers.
pub(super) struct ConfigSource {
    /// Its name on the command line.
    pub name: &'static str,
    /// Its files; what an earlier one says of a server wins.
    files: &'static [(Location, Table)],
    /// The keys of an entry that may hold the URL; a dot goes one level down.
    pub url: &'static [&'static str],
    /// The redirect URI that it registers, with `{port}` for a colon and the port that the configuration names.
    pub callback: &'static str,
    /// The port that it uses where the configuration names none.
    pub port: Option<u16>,
    /// How it writes variables of the environment.
    pub notations: &'static [Notation],
    /// The settings beside the servers that count for each of them.
    pub general: &'static [&'static str],
}

/// Where a file is.
enum Location {
    /// In the working directory or one above it.
    Up(&'static str),
    /// In the working directory.
    Here(&'static str),
    /// Below the directory that a variable names, or else below this directory of the home.
    User(&'static str, &'static str, &'static str),
    /// Where a variable says.
    Named(&'static str),
    /// The system's.
    System(&'static str),
}

/// Where in a file the servers stand.
enum Table {
    /// Behind this key.
    At(&'static str),
    /// Behind this key, below the working directory or one above it, below `projects`.
    OfProject(&'static str),
}

/// A file to be read.
pub(super) struct ConfigFile {
    pub path: PathBuf,
    pub project: Option<PathBuf>,
    pub in_project: bool,
    pub table: Vec<String>,
}

use Location::{Here, Named, System, Up, User};
use Table::{At, OfProject};

const fn home(file: &'static str) -> Location {
    User("", "", file)
}

const fn config(file: &'static str) -> Location {
    User("XDG_CONFIG_HOME", ".config", file)
}

/// A client without ways of its own.
const PLAIN: ConfigSource = ConfigSource {
    name: "",
    files: &[],
    url: &["url"],
    callback: "",
    port: None,
    notations: &[],
    general: &[],
};

const SERVERS: Table = At("mcpServers");

/// All clients whose configurations are known.
pub(super) const SOURCES: &[ConfigSource] = &[
    ConfigSource {
        name: "claude-code",
        files: &[
            (User("CLAUDE_CONFIG_DIR", "", ".claude.json"), OfProject("mcpServers")),
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
            (Up(".codex/config.toml"), At("mcp_servers")),
            (User("CODEX_HOME", ".codex", "config.toml"), At("mcp_servers")),
        ],
        callback: "http://127.0.0.1{port}/callback",
        general: &["mcp_oauth_callback_port", "mcp_oauth_callback_url"],
        ..PLAIN
    },
    ConfigSource {
        name: "gemini-cli",
        // The system's settings overrule the user's.
        files: &[
            (Named("GEMINI_CLI_SYSTEM_SETTINGS_PATH"), SERVERS),
            (System("/etc/gemini-cli/settings.json"), SERVERS),
            (System("/Library/Application Support/GeminiCli/settings.json"), SERVERS),
            (Here(".gemini/settings.json"), SERVERS),
            (User("GEMINI_CLI_HOME", "", ".gemini/settings.json"), SERVERS),
        ],
        url: &["httpUrl", "url"],
        notations: &[Braced, Bare],
        ..PLAIN
    },
    ConfigSource {
        name: "opencode",
        files: &[
            (Up("opencode.jsonc"), At("mcp")),
            (Up("opencode.json"), At("mcp")),
            (Named("OPENCODE_CONFIG"), At("mcp")),
            (config("opencode/opencode.jsonc"), At("mcp")),
            (config("opencode/opencode.json"), At("mcp")),
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
        ..PLAIN
    },
    ConfigSource {
        name: "vscode",
        files: &[
            (Up(".vscode/mcp.json"), At("servers")),
            (config("Code/User/mcp.json"), At("servers")),
            (config("Code - Insiders/User/mcp.json"), At("servers")),
            (home("Library/Application Support/Code/User/mcp.json"), At("servers")),
            (home("Library/Application Support/Code - Insiders/User/mcp.json"), At("servers")),
        ],
        notations: &[NamedVariable],
        ..PLAIN
    },
    ConfigSource {
        name: "windsurf",
        files: &[(home(".codeium/windsurf/mcp_config.json"), SERVERS)],
        url: &["serverUrl", "url"],
        notations: &[NamedVariable],
        ..PLAIN
    },
    ConfigSource {
        name: "claude-desktop",
        files: &[
            (home("Library/Application Support/Claude/claude_desktop_config.json"), SERVERS),
            (config("Claude/claude_desktop_config.json"), SERVERS),
        ],
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
        ..PLAIN
    },
    ConfigSource {
        name: "hermes",
        files: &[(User("HERMES_HOME", ".hermes", "config.yaml"), At("mcp_servers"))],
        notations: &[Braced, NamedVariable],
        ..PLAIN
    },
    ConfigSource {
        name: "goose",
        files: &[(config("goose/config.yaml"), At("extensions"))],
        url: &["uri", "url"],
        notations: &[Braced, Bare],
        ..PLAIN
    },
    ConfigSource {
        name: "zed",
        files: &[
            (Up(".zed/settings.json"), At("context_servers")),
            (config("zed/settings.json"), At("context_servers")),
        ],
        ..PLAIN
    },
    ConfigSource {
        name: "cline",
        files: &[
            (Named("CLINE_MCP_SETTINGS_PATH"), SERVERS),
            (home(".cline/data/settings/cline_mcp_settings.json"), SERVERS),
            (config("Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json"), SERVERS),
        ],
        url: &["transport.url", "url"],
        notations: &[NamedVariable],
        ..PLAIN
    },
    ConfigSource {
        name: "mcporter",
        files: &[
            (Named("MCPORTER_CONFIG"), SERVERS),
            (Here("config/mcporter.json"), SERVERS),
            (home(".mcporter/mcporter.json"), SERVERS),
            (home(".mcporter/mcporter.jsonc"), SERVERS),
        ],
        url: &["baseUrl", "base_url", "url", "serverUrl", "server_url"],
        notations: &[Braced, Shell],
        ..PLAIN
    },
    ConfigSource { name: "lm-studio", files: &[(home(".lmstudio/mcp.json"), SERVERS)], ..PLAIN },
];

impl ConfigSource {
    /// Returns the notations of a URL: `${X}` is taken there from every client.
    pub fn notations_of_urls(&self) -> Vec<Notation> {
        [&[Braced], self.notations].concat()
    }

    /// Returns the files to be read, nearest first, whether they exist or not.
    pub fn files(&self, places: &Places) -> Vec<ConfigFile> {
        let mut files = Vec::new();
        for (location, table) in self.files {
            let in_project = matches!(location, Up(_) | Here(_));
            let mut add = |path, project, table: &[&str]| {
                files.push(ConfigFile {
                    path,
                    project,
                    in_project,
                    table: table.iter().map(|key| (*key).to_owned()).collect(),
                });
            };
            for (path, project) in location.paths(places) {
                match table {
                    At(key) => add(path, project, &[key]),
                    OfProject(key) => {
                        for directory in project_directories(places) {
                            let name = directory.display().to_string();
                            let project = Some(directory.to_owned());
                            add(path.clone(), project, &["projects", &name, key]);
                        }
                    }
                }
            }
        }
        files
    }
}

impl Location {
    /// Returns the paths, each with the directory of the project that it belongs to.
    fn paths(&self, places: &Places) -> Vec<(PathBuf, Option<PathBuf>)> {
        match *self {
            // A file in the home directory is the user's own, and another row of the table.
            Up(file) => project_directories(places)
                .into_iter()
                .filter(|it| *it != places.home)
                .map(|directory| (directory.join(file), Some(directory.to_owned())))
                .collect(),
            Here(_) if places.directory == places.home => Vec::new(),
            Here(file) => vec![(places.directory.join(file), Some(places.directory.clone()))],
            User(variable, below_home, file) => {
                vec![(places.path_or(variable, below_home).join(file), None)]
            }
            Named(variable) => {
                let path = places.path(variable);
                path.into_iter().map(|path| (path, None)).collect()
            }
            System(file) => vec![(PathBuf::from(file), None)],
        }
    }
}
