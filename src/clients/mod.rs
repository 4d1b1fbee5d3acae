//! MCP clients: how each of them gets a login, and which servers their configurations name.
//!
//! A target is one file with one [`Target`], which computes what the client reads from a login. [`config`] reads the
//! configurations of clients; [`writer`] writes their files.

mod claude_code;
mod cline;
mod codex;
pub mod command;
pub mod config;
mod connect;
mod crush;
mod dotenv;
mod fastmcp;
mod gemini_cli;
mod github_actions;
mod google;
mod google_adc;
mod hermes;
mod json;
mod locks;
mod mcp_remote;
mod mcporter;
mod opencode;
pub mod ours;
mod sdk;
pub mod setting;
pub mod undo;
mod workspace_mcp;
pub mod writer;

use std::collections::BTreeMap;
use std::env;
use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::Value;
use zeroize::Zeroizing;

use crate::oauth::text::printable;
use crate::os::clock::Time;
use crate::os::places::{self, System};
use crate::store::Credentials;
use command::Import;
use config::ConfiguredServer;
use ours::OwnCommand;
use setting::Setting;

/// The clients that read more of a login than the command to start, each in a file of its own.
const CLIENTS: &[&Target] = &[
    &workspace_mcp::TARGET,
    &claude_code::TARGET,
    &codex::TARGET,
    &hermes::TARGET,
    &mcp_remote::TARGET,
    &gemini_cli::TARGET,
    &opencode::TARGET,
    &mcporter::TARGET,
    &cline::TARGET,
    &fastmcp::TARGET,
    &gemini_cli::QWEN_CODE,
    &opencode::KILO,
    &crush::TARGET,
];

/// The formats, which are no client's own.
const FORMATS: &[&Target] = &[
    &connect::ANY,
    &google_adc::TARGET,
    &dotenv::TARGET,
    &github_actions::TARGET,
];

/// Returns everything that a login can be handed to, in the order of `handover --list`. The clients between the two lists are
/// rows of the table in [`config`].
pub fn targets() -> impl Iterator<Item = &'static Target> {
    let own = CLIENTS.iter().copied();
    own.chain(connect::TARGETS.iter())
        .chain(FORMATS.iter().copied())
}

/// The [`Target::source`] of mcp-remote: the entries of all configurations that run it.
pub const MCP_REMOTE: &str = "mcp-remote";

/// The directories and variables that decide where the user's programs keep their files.
#[derive(Clone, Debug)]
pub struct Places {
    /// The user's home directory.
    pub home: PathBuf,
    /// The working directory.
    pub directory: PathBuf,
    /// The variables of the environment.
    pub variables: BTreeMap<String, String>,
    /// The system, whose ways some programs follow.
    pub system: System,
}

impl Places {
    /// Reads the environment; `None` without a home directory.
    pub fn detect() -> Option<Self> {
        let variables = places::variables();
        let home = PathBuf::from(variables.get(places::HOME)?);
        if !home.is_absolute() {
            return None;
        }
        let directory = env::current_dir().unwrap_or_else(|_| home.clone());
        Some(Self {
            home,
            directory,
            variables,
            system: System::CURRENT,
        })
    }

    /// Tells whether this is the home directory, also where the environment names that through a symbolic link: the working
    /// directory is always the real one.
    pub fn is_home(&self, directory: &Path) -> bool {
        let real = || self.home.canonicalize();
        directory == self.home || real().is_ok_and(|home| home == directory)
    }

    /// Returns the value of an environment variable, unless it is empty.
    pub fn variable(&self, name: &str) -> Option<&str> {
        let value = self.variables.get(name)?;
        (!value.is_empty()).then_some(value)
    }

    /// Returns the path that a variable holds, with the home directory in place of a leading `~`.
    pub fn path(&self, variable: &str) -> Option<PathBuf> {
        let text = self.variable(variable)?;
        let separators: &[char] = match self.system {
            System::Windows => &['/', '\\'],
            System::Xdg | System::MacOs => &['/'],
        };
        let below_home = text.strip_prefix('~');
        Some(match below_home.filter(|it| it.starts_with(separators)) {
            Some(below) => self.home.join(below.trim_start_matches(separators)),
            None if text == "~" => self.home.clone(),
            None => self.directory.join(text),
        })
    }

    /// Returns the path that a variable holds, or else a path below the home directory.
    pub fn path_or(&self, variable: &str, below_home: &str) -> PathBuf {
        self.path(variable)
            .unwrap_or_else(|| places::below(&self.home, below_home))
    }

    /// Returns the directory on Windows of what goes with the user from computer to computer.
    pub fn roaming(&self) -> PathBuf {
        self.path_or("APPDATA", "AppData/Roaming")
    }

    /// Returns the directory on Windows of what stays on one computer.
    pub fn local(&self) -> PathBuf {
        self.path_or("LOCALAPPDATA", "AppData/Local")
    }
}

/// Who has the refresh token after the hand-over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// This program; the client gets access tokens only.
    Access,
    /// The client; our copy is removed.
    Move,
    /// Both. Only where the authorization server never replaces a refresh token.
    Copy,
}

/// A program, or a format, that a login can be handed to.
pub struct Target {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it gets, for `handover --list`.
    pub about: &'static str,
    /// The client in [`config`] whose configuration names its servers, or [`MCP_REMOTE`]; `None` without names.
    pub source: Option<&'static str>,
    /// It runs this program whenever it needs a token, so that it needs none now.
    pub asks_us: bool,
    /// It reaches the server only through the bridge of this program, which sends the proofs that a bound token needs.
    pub is_bridged: bool,
    /// It gets a setting in the server's own entry, wherever that is: in a file of a project the user puts it there by hand.
    pub edits_entry: bool,
    /// Its names of servers hold letters, digits, `-` and `_` only.
    pub plain_names: bool,
    /// It refreshes a token when its clock says that it expires, and at no other time.
    pub refreshes_by_clock: bool,
    /// It can use a login to a server that its configuration reaches through mcp-remote.
    pub accepts_mcp_remote: bool,
    /// The modes that it supports, the default first.
    pub modes: &'static [Mode],
    /// Computes what the client gets.
    pub deliver: fn(&Handover, &Places) -> Result<Delivery, HandoverError>,
    /// What the user has to know or do afterwards.
    pub note: &'static str,
}

/// What is handed over.
pub struct Handover<'a> {
    /// The client.
    pub client: &'static str,
    /// The login. With [`Mode::Access`] its access token is valid.
    pub login: &'a Credentials,
    /// The server's name in the client's configuration.
    pub name: &'a str,
    /// The server's URL in that configuration, byte for byte.
    pub url: &'a str,
    /// The server's entry in that configuration, if there is one.
    pub configured: Option<&'a ConfiguredServer>,
    /// The metadata of the authorization server (RFC 8414), if they are cached.
    pub metadata: Option<&'a Value>,
    /// Who has the refresh token afterwards.
    pub mode: Mode,
    /// How the client runs this program for the login.
    pub command: &'a OwnCommand,
    /// The name of the environment variable for a target that sets one.
    pub variable: &'a str,
    /// Now.
    pub now: Time,
}

/// How a login gets to a client.
pub enum Delivery {
    /// These files are changed, in this order.
    Files(Vec<Change>),
    /// A setting without a secret: shown to the user, or written on request; and the removal of an older login of ours that
    /// the client would use instead.
    Setting(Box<Setting>, Option<Change>),
    /// A command of the client reads the login from its stdin.
    Command(Import),
    /// Text that the user asked for; it may hold the access token.
    Product {
        /// The text for stdout.
        text: Zeroizing<String>,
        /// A file, and the text that is added to its end.
        append: Option<(PathBuf, Zeroizing<String>)>,
    },
}

/// A change of one file that leaves the rest of it as it is.
pub struct Change {
    /// The file.
    pub path: PathBuf,
    /// The client's lock on it.
    pub lock: Option<Lock>,
    /// It holds secrets: no other user may read it.
    pub secret: bool,
    /// Computes the new text.
    pub edit: Edit,
}

impl Change {
    /// A change of a file that holds secrets.
    pub fn secret(
        path: PathBuf,
        edit: impl Fn(&Path, Option<&str>) -> Result<Zeroizing<String>, HandoverError> + 'static,
    ) -> Self {
        Self {
            path,
            lock: None,
            secret: true,
            edit: Box::new(edit),
        }
    }

    /// A change of a file without secrets.
    pub fn shared(
        path: PathBuf,
        edit: impl Fn(&Path, Option<&str>) -> Result<Zeroizing<String>, HandoverError> + 'static,
    ) -> Self {
        Self {
            secret: false,
            ..Self::secret(path, edit)
        }
    }

    /// The same change, under a lock of the client.
    pub fn locked(self, lock: Lock) -> Self {
        Self {
            lock: Some(lock),
            ..self
        }
    }

    /// Returns the text that the file gets.
    ///
    /// # Errors
    ///
    /// Those of the edit.
    pub fn apply(&self, old: Option<&str>) -> Result<Zeroizing<String>, HandoverError> {
        (self.edit)(&self.path, old)
    }
}

/// Computes the new text of a file from its path and its old text, which is `None` if there is no file.
pub type Edit = Box<dyn Fn(&Path, Option<&str>) -> Result<Zeroizing<String>, HandoverError>>;

/// How a client keeps its processes from writing a file at the same time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lock {
    /// A lock of the operating system on this file.
    File(PathBuf),
    /// A directory that exists as long as the lock is held.
    Directory(PathBuf),
}

/// Why a client cannot be given a login.
#[derive(Debug, thiserror::Error)]
pub enum HandoverError {
    /// A file is not in the format of the known versions of the client.
    #[error("{what} is not in the known format: {why}")]
    UnknownFormat {
        /// The file.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// The client cannot use the login, or not with these options.
    #[error("{message}")]
    Unsuitable {
        /// What is missing or wrong.
        message: String,
        /// What to do about it.
        hint: String,
    },
}

impl fmt::Debug for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name)
    }
}

impl HandoverError {
    /// The client cannot use the login, or not with these options.
    pub fn unsuitable(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Unsuitable {
            message: message.into(),
            hint: hint.into(),
        }
    }

    /// The name belongs to another server in the client's file.
    pub fn other_server(path: &Path, name: &str, url: &str) -> Self {
        let (path, name, url) = (path.display(), printable(name), printable(url));
        Self::unsuitable(
            format!("{path} has {url} under the name {name}"),
            "remove that there first, or choose another name with --name",
        )
    }

    /// The file is not in the known format.
    pub fn unknown(path: &Path, why: impl fmt::Display) -> Self {
        Self::UnknownFormat {
            what: path.display().to_string(),
            why: why.to_string(),
        }
    }
}

impl Target {
    /// A client with what most have in common, to complete a target.
    const NEW: Self = Self {
        name: "",
        about: "",
        source: None,
        asks_us: false,
        is_bridged: false,
        edits_entry: false,
        plain_names: false,
        refreshes_by_clock: false,
        accepts_mcp_remote: false,
        modes: &[],
        deliver: |_, _| Err(HandoverError::unsuitable("", "")),
        note: "",
    };

    /// Finds a target by its name on the command line.
    pub fn find(name: &str) -> Option<&'static Self> {
        targets().find(|client| client.name == name)
    }

    /// Returns the servers that the client's configuration names.
    pub fn servers(&self, places: &Places) -> Vec<ConfiguredServer> {
        match self.source {
            None => Vec::new(),
            Some(MCP_REMOTE) => {
                let mut servers = config::servers(places, None);
                servers.retain(|it| mcp_remote::runs(&it.entry));
                servers
            }
            source => config::servers(places, source),
        }
    }

    /// Returns whether this is what reads the entry of a configuration: the client itself, or the bridge that it starts.
    pub fn reads(&self, configured: &ConfiguredServer) -> bool {
        match self.source {
            Some(MCP_REMOTE) => mcp_remote::runs(&configured.entry),
            source => source == Some(configured.source),
        }
    }

    /// Refuses a server for which the client would not use a login.
    ///
    /// # Errors
    ///
    /// [`HandoverError::Unsuitable`].
    pub fn wants(&self, configured: &ConfiguredServer) -> Result<(), HandoverError> {
        let ConfiguredServer {
            name, path, entry, ..
        } = configured;
        if !self.accepts_mcp_remote && mcp_remote::runs(entry) {
            return Err(HandoverError::unsuitable(
                format!("{} reaches {name} through mcp-remote", self.name),
                "hand it over with --to mcp-remote",
            ));
        }
        match configured.skip() {
            Some(why) if !self.asks_us => Err(HandoverError::unsuitable(
                format!("{} has no use for a login to {name}: {why}", self.name),
                format!("change that in {}, and run this again", path.display()),
            )),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Access => "access",
            Self::Move => "move",
            Self::Copy => "copy",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_lists_every_target_and_who_refreshes() {
        let readme = include_str!("../../README.md");
        let (_, table) = readme.split_once("| `--to` |").expect("the table");
        let mut listed = Vec::new();
        for row in table.lines().skip(2).take_while(|row| row.starts_with('|')) {
            let cells: Vec<_> = row.split('|').map(str::trim).collect();
            for name in cells[1].split(", ") {
                listed.push((name.trim_matches('`'), cells[3]));
            }
        }
        listed.sort_unstable();
        let owner = |target: &Target| match target.modes[0] {
            Mode::Access => "`mcp-login`",
            Mode::Move => "the client",
            Mode::Copy => "both",
        };
        let mut expected: Vec<_> = targets().map(|it| (it.name, owner(it))).collect();
        expected.sort_unstable();
        assert_eq!(listed, expected);
    }

    #[test]
    fn a_target_names_a_source_that_is_known() {
        for target in targets() {
            let is_known = |name| name == MCP_REMOTE || config::names().any(|it| it == name);
            assert!(target.source.is_none_or(is_known), "{target:?}");
        }
    }
}
