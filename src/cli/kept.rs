//! The options of the commands that use a stored login.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};

use super::values;
use crate::clients::config;
use crate::clients::Target;

/// The options of what prints a token.
#[derive(Clone, Debug, Args)]
pub struct TokenArgs {
    /// The server, as at the login [default: the only login there is]
    #[arg(value_name = "SERVER", value_parser = values::server)]
    pub server: Option<String>,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub need: NeedArgs,
}

/// How live a token has to be.
#[derive(Clone, Debug, Args)]
pub struct NeedArgs {
    /// Refresh when less than this is left; 0 for as long as it lives
    #[arg(long, env = "MCP_LOGIN_MIN_TTL", value_name = "DURATION", default_value = "60s", value_parser = values::duration_or_none, hide_env = true)]
    pub min_ttl: Duration,

    /// Refresh in any case, once
    #[arg(long)]
    pub refresh: bool,
}

/// The options of running a command.
#[derive(Clone, Debug, Args)]
pub struct ExecArgs {
    /// The server, as at the login
    #[arg(value_name = "SERVER", value_parser = values::server)]
    pub server: String,

    /// The variable that holds the token
    #[arg(long, env = "MCP_LOGIN_ENV", value_name = "NAME", default_value = "MCP_LOGIN_BEARER", value_parser = values::variable, hide_env = true)]
    pub env: String,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub need: NeedArgs,

    /// The command and its arguments
    #[arg(value_name = "COMMAND", last = true, required = true)]
    pub command: Vec<std::ffi::OsString>,
}

/// The options of the status.
#[derive(Clone, Debug, Args)]
pub struct StatusArgs {
    /// Only these servers; exit status 3 if one of them needs a login
    #[arg(value_name = "SERVER", value_parser = values::server)]
    pub servers: Vec<String>,

    /// The servers that this client's configuration names; exit status 3 if one of them needs a login
    #[arg(long, env = "MCP_LOGIN_FROM", value_name = "CLIENT", value_parser = PossibleValuesParser::new(config::names()), hide_env = true)]
    pub from: Option<String>,
}

/// The options of logging out.
#[derive(Clone, Debug, Args)]
pub struct LogoutArgs {
    /// The servers, as at the login
    #[arg(value_name = "SERVER", value_parser = values::server, required_unless_present = "all", conflicts_with = "all")]
    pub servers: Vec<String>,

    /// All logins there are; with --profile, all of that profile
    #[arg(long)]
    pub all: bool,
}

/// The options of a hand-over.
#[derive(Clone, Debug, Args)]
pub struct HandoverArgs {
    /// The server, as at the login
    #[arg(value_name = "SERVER", value_parser = values::server, required_unless_present = "list")]
    pub server: Option<String>,

    /// The client that gets the login
    #[arg(long, env = "MCP_LOGIN_TO", value_name = "CLIENT", value_parser = values::client, hide_env = true)]
    pub to: Option<&'static Target>,

    /// List the clients
    #[arg(long)]
    pub list: bool,

    /// Who has the refresh token afterwards [default: what serves the client]
    #[arg(long, env = "MCP_LOGIN_MODE", value_name = "MODE", hide_env = true)]
    pub mode: Option<ModeChoice>,

    /// Write the setting into the client's configuration, in place of printing it
    #[arg(long)]
    pub write: bool,

    /// The server's name in the client's configuration [default: the name that stands there]
    #[arg(long, env = "MCP_LOGIN_NAME", value_name = "NAME", hide_env = true)]
    pub name: Option<String>,

    /// The variable that holds the token, for dotenv and github-actions
    #[arg(long, env = "MCP_LOGIN_ENV", value_name = "NAME", default_value = "MCP_LOGIN_BEARER", value_parser = values::variable, hide_env = true)]
    pub env: String,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub places: PlaceArgs,
}

/// Where clients keep their things.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "The client's places")]
pub struct PlaceArgs {
    /// The directory of workspace-mcp's credentials files
    #[arg(
        long,
        env = "MCP_LOGIN_CREDENTIALS_DIR",
        value_name = "DIR",
        hide_env = true
    )]
    pub credentials_dir: Option<PathBuf>,

    /// The home directory of Hermes, or of one of its profiles
    #[arg(
        long,
        env = "MCP_LOGIN_HERMES_HOME",
        value_name = "DIR",
        hide_env = true
    )]
    pub hermes_home: Option<PathBuf>,

    /// The directory of a FastMCP application's FileTreeStore
    #[arg(
        long,
        env = "MCP_LOGIN_FASTMCP_DIR",
        value_name = "DIR",
        hide_env = true
    )]
    pub fastmcp_dir: Option<PathBuf>,
}

/// Who has the refresh token after a hand-over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ModeChoice {
    /// mcp-login: the client gets access tokens only
    Access,
    /// The client: mcp-login keeps no token of the login
    Move,
    /// Both; only for Google, which never replaces a refresh token
    Copy,
}
