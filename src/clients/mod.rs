//! MCP clients: how a login reaches each of them, and how their configurations name servers.
//!
//! A client is one file with one [`Target`]: pure functions from a login to what that client reads, and where it reads it.
//! [`sources`] finds the servers that the clients' configurations name; [`writer`] is the one place that writes.

mod claude_code;
mod cline;
mod codex;
pub mod command;
pub mod config;
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
mod workspace_mcp;
pub mod writer;

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::Value;
use zeroize::Zeroizing;

use crate::oauth::text::printable;
use crate::os::clock::Time;
use crate::store::Credentials;
use command::Import;
use config::ConfiguredServer;

/// All clients that a login can be handed to, in the order in which they are listed.
pub const TARGETS: &[&Target] = &[
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
    &google_adc::TARGET,
    &dotenv::TARGET,
    &github_actions::TARGET,
];

/// The [`Target::source`] of mcp-remote: each configuration that runs it.
pub const BRIDGE: &str = "mcp-remote";

/// Where the user's programs keep their things.
#[derive(Clone, Debug)]
pub struct Places {
    /// The user's home directory.
    pub home: PathBuf,
    /// The directory that the user works in.
    pub directory: PathBuf,
    /// The environment.
    pub variables: BTreeMap<String, String>,
}

impl Places {
    /// Looks at the environment; `None` if there is no home directory.
    pub fn look() -> Option<Self> {
        let text = |text: OsString| text.into_string().ok();
        let variables: BTreeMap<_, _> = env::vars_os()
            .filter_map(|(name, value)| Some((text(name)?, text(value)?)))
            .collect();
        let home = variables
            .get("HOME")
            .map(PathBuf::from)
            .filter(|home| home.is_absolute())?;
        let directory = env::current_dir().unwrap_or_else(|_| home.clone());
        Some(Self {
            home,
            directory,
            variables,
        })
    }

    /// Returns the value of an environment variable, unless it is empty.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// Returns the path that a variable holds, a leading `~` replaced.
    pub fn path(&self, variable: &str) -> Option<PathBuf> {
        let text = self.variable(variable)?;
        Some(
            match text
                .strip_prefix('~')
                .map(|rest| rest.trim_start_matches('/'))
            {
                Some(below) if text == "~" || text.starts_with("~/") => self.home.join(below),
                _ => self.directory.join(Path::new(text)),
            },
        )
    }

    /// Returns the path that a variable holds, or else this place below the home directory.
    pub fn path_or(&self, variable: &str, below_home: &str) -> PathBuf {
        self.path(variable)
            .unwrap_or_else(|| self.home.join(below_home))
    }
}

/// Who has the refresh token afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// We do: the client gets access tokens only.
    Access,
    /// The client does, and our copy is dropped.
    Move,
    /// Both do. Only where the authorization server never replaces a refresh token.
    Copy,
}

/// A program, or a format, that a login can be handed to.
pub struct Target {
    /// Its name on the command line.
    pub name: &'static str,
    /// How it is served, for the list of clients.
    pub about: &'static str,
    /// The one of [`sources`] that names its servers, or [`BRIDGE`]; `None` if it knows no names.
    pub source: Option<&'static str>,
    /// It asks us for each token, so that it needs none now.
    pub asks_us: bool,
    /// The ways in which it can be served; the first is the usual one.
    pub modes: &'static [Mode],
    /// Works out what reaches this client, and how.
    pub deliver: fn(&Handover, &Places) -> Result<Delivery, HandoverError>,
    /// What the user has to know or do afterwards.
    pub note: &'static str,
}

/// What is handed over.
pub struct Handover<'a> {
    /// The login. With [`Mode::Access`] its access token is live.
    pub login: &'a Credentials,
    /// The server's name in the client's configuration.
    pub name: &'a str,
    /// The server's URL as that configuration has it, byte for byte.
    pub url: &'a str,
    /// What that configuration says of the server, if it knows it.
    pub configured: Option<&'a ConfiguredServer>,
    /// What the authorization server says of itself, as in RFC 8414; `None` if that is not known any more.
    pub metadata: Option<&'a Value>,
    /// Who has the refresh token afterwards.
    pub mode: Mode,
    /// The command, for a shell, that prints the headers of a request.
    pub helper: &'a str,
    /// The name of an environment variable, where one is set.
    pub variable: &'a str,
    /// Now.
    pub now: Time,
}

/// How a login gets to a client.
pub enum Delivery {
    /// These files are changed, in this order.
    Files(Vec<Change>),
    /// A setting without a secret: shown to the user, or written if that is wished.
    Setting {
        /// What the user would put there by hand.
        shown: String,
        /// The same, as a change of the client's configuration.
        change: Change,
        /// The removal of an older login that we gave the client, which it would use in place of ours.
        older: Option<Change>,
    },
    /// A command of the client's, which takes the login from its stdin.
    Command(Import),
    /// Text that carries the access token, and is what the user asked for.
    Product {
        /// What is printed.
        text: Zeroizing<String>,
        /// What is added to the end of a file, and which.
        append: Option<(PathBuf, Zeroizing<String>)>,
    },
}

/// A change of one file, of which everything else is login.
pub struct Change {
    /// The file.
    pub path: PathBuf,
    /// The client's own lock on it.
    pub lock: Option<Lock>,
    /// Whether it holds secrets, and is nobody else's to read.
    pub secret: bool,
    /// Makes the new text out of the old one; `None` stands for no file.
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

    /// The same change, under a lock of the client's.
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
    /// What the edit refuses.
    pub fn apply(&self, old: Option<&str>) -> Result<Zeroizing<String>, HandoverError> {
        (self.edit)(&self.path, old)
    }
}

/// Makes the new text of a file, whose path it gets, out of the old one.
pub type Edit = Box<dyn Fn(&Path, Option<&str>) -> Result<Zeroizing<String>, HandoverError>>;

/// How a client keeps its processes from writing a file at the same time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lock {
    /// A lock of the system's on this file.
    File(PathBuf),
    /// A directory that exists as long as the lock is held.
    Directory(PathBuf),
}

/// Why a client cannot be given a login.
#[derive(Debug, thiserror::Error)]
pub enum HandoverError {
    /// A file is not what the known versions of the client write; nothing is guessed, and nothing changed.
    #[error("{what} is not in the known format: {why}")]
    UnknownFormat {
        /// The file.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// The login, or what the user said, does not fit this client.
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
    /// The login, or what the user said, does not fit the client.
    pub fn unsuitable(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Unsuitable {
            message: message.into(),
            hint: hint.into(),
        }
    }

    /// The name belongs to another server in the client's file.
    pub fn other_server(path: &Path, name: &str, url: Option<&Value>) -> Self {
        let url = url.and_then(Value::as_str).unwrap_or_default();
        Self::Unsuitable {
            message: format!(
                "{} has {} under the name {}",
                path.display(),
                printable(url),
                printable(name)
            ),
            hint: "remove that there first, or choose another name with --name".to_owned(),
        }
    }

    /// Says that a file is not in the known format.
    pub fn unknown(path: &Path, why: impl fmt::Display) -> Self {
        Self::UnknownFormat {
            what: path.display().to_string(),
            why: why.to_string(),
        }
    }
}

impl Target {
    /// Finds a client by its name on the command line.
    pub fn find(name: &str) -> Option<&'static Self> {
        TARGETS.iter().copied().find(|client| client.name == name)
    }

    /// Returns the servers that this client knows.
    pub fn servers(&self, places: &Places) -> Vec<ConfiguredServer> {
        match self.source {
            None => Vec::new(),
            Some(BRIDGE) => {
                let mut servers = config::servers(places, None);
                servers.retain(|it| mcp_remote::runs(&it.entry));
                servers
            }
            source => config::servers(places, source),
        }
    }

    /// Refuses a server for which this client would not look at a login.
    ///
    /// # Errors
    ///
    /// [`HandoverError::Unsuitable`].
    pub fn wants(&self, configured: &ConfiguredServer) -> Result<(), HandoverError> {
        let ConfiguredServer {
            name, path, entry, ..
        } = configured;
        // Cline looks closer: some servers behind mcp-remote it reaches itself.
        if ![BRIDGE, cline::TARGET.name].contains(&self.name) && mcp_remote::runs(entry) {
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

impl Target {
    /// Returns where in the keyring, under a service and an account, this client would keep a login for the server that
    /// it uses in place of ours; and what to say if there is one.
    pub fn in_keyring(
        &self,
        handover: &Handover,
        places: &Places,
    ) -> Option<(&'static str, String, HandoverError)> {
        let (service, account) =
            (self.name == codex::TARGET.name).then(|| codex::in_keyring(handover, places))??;
        Some((
            service,
            account,
            codex::older_login("the keyring", handover.name),
        ))
    }
}

/// Returns a word as a shell reads it back.
pub fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@%+=,".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
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
