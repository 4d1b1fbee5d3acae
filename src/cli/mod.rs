//! The command line: what the user typed. What it means is worked out in `plan` and `servers`.

mod authority;
mod doctor;
pub mod environment;
mod kept;
mod login;
pub mod manual;
pub mod names;
pub mod plan;
mod preset;
pub mod servers;
mod values;

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::FalseyValueParser;
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use crate::store::StoreChoice;
pub use doctor::DoctorArgs;
pub use kept::{
    ExecArgs, HandoverArgs, LogoutArgs, ModeChoice, NeedArgs, PlaceArgs, StatusArgs, TokenArgs,
};
pub use login::{
    ClientArgs, HostChoice, LoginArgs, ProviderArgs, RedirectArgs, RegistrationChoice, RequestArgs,
};

/// Log in to protected MCP servers before the client starts
///
/// Opens the authorization page in your browser, waits on a loopback port for its answer (or takes it pasted), and keeps
/// the login in the keyring of the system or in a file that only you can read.
#[derive(Debug, Parser)]
#[command(
    name = "mcp-login",
    version,
    subcommand_negates_reqs = true,
    override_usage = "mcp-login [OPTIONS] <SERVER>...\n       mcp-login <COMMAND> [OPTIONS]",
    after_help = AFTER_HELP,
    after_long_help = AFTER_HELP
)]
pub struct Cli {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub login: LoginArgs,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub common: Common,

    #[command(subcommand)]
    #[allow(missing_docs)]
    pub command: Option<Command>,
}

const AFTER_HELP: &str = "\
Examples:
  mcp-login https://mcp.example.com/mcp           log in, with your browser
  mcp-login linear                                log in to a server that your MCP clients call linear
  mcp-login --all                                 log in to all servers of your MCP clients
  mcp-login --no-browser https://mcp.example.com/mcp
                                                  log in over ssh: open the address anywhere, paste the answer
  mcp-login --provider google --client-file client_secret.json --tools gmail,drive
                                                  log in to Google, for a program on this machine
  mcp-login exec https://mcp.example.com/mcp -- CLIENT
                                                  run a client with the token in $MCP_LOGIN_BEARER
  mcp-login demo                                  see a whole login against a server of its own

Every option that takes a value can also be set by environment, as MCP_LOGIN_TIMEOUT=2m for --timeout.";

/// What there is beside logging in.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Log in: the same as without a command, for servers called like one
    #[command(hide = true)]
    Login(Box<LoginArgs>),
    /// Print a live access token, refreshed if it is due
    Token(TokenArgs),
    /// Print {"Authorization":"Bearer ..."}: for headersHelper and http_headers_helper
    Headers(TokenArgs),
    /// Run a command with a live access token in its environment
    Exec(ExecArgs),
    /// What is logged in, with which scopes, until when, kept where
    Status(StatusArgs),
    /// Give the tokens back to the authorization server, and forget them
    Logout(LogoutArgs),
    /// Give a login to an MCP client, in the way that the client documents
    ///
    /// Claude Code and Codex are told to ask mcp-login for live tokens: the setting is printed, or written with --write.
    /// Clients that refresh by themselves get the whole login, and mcp-login keeps no token of it. `--list` names all.
    Handover(HandoverArgs),
    /// Ask a server for its tools with the stored login: does it really work?
    Check(CheckArgs),
    /// Say what works on this machine, and why a login would fail
    ///
    /// Examines loopback, browser, terminal, keyring, files, clock, proxies and certificates; with a server, also
    /// everything that a login would ask before it registers or opens anything. Takes the options of a login, registers
    /// nothing, opens nothing and keeps nothing. The exit status is the one that the login would end with.
    Doctor(Box<DoctorArgs>),
    /// The providers whose ways --provider knows
    Providers,
    /// See a whole login, against a protected MCP server that runs just for it
    ///
    /// Your browser opens and you are asked; without a browser or a terminal the demo agrees by itself. Its login is kept
    /// in a temporary file, whatever --store says, and removed at the end.
    Demo(DemoArgs),
}

/// The options of every command.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Common {
    /// Where logins are kept: auto, keyring, file or file:PATH
    ///
    /// With auto, the keyring if a write, a read and a delete work there within 3 s, else the file
    /// (~/.local/share/mcp-login/credentials.json).
    #[arg(
        long,
        global = true,
        env = "MCP_LOGIN_STORE",
        value_name = "STORE",
        default_value = "auto",
        hide_env = true
    )]
    pub store: StoreChoice,

    /// Which of several accounts on one server [default: default]
    #[arg(
        long,
        global = true,
        env = "MCP_LOGIN_PROFILE",
        value_name = "NAME",
        hide_env = true
    )]
    pub profile: Option<String>,

    /// Print machine-readable output on stdout: one JSON object a line
    #[arg(long, global = true)]
    pub json: bool,

    /// Say less: only errors, and what you have to see
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Say more: each request and its answer
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,

    /// Trust the certificate authorities in this PEM file too
    #[arg(
        long,
        global = true,
        env = "MCP_LOGIN_CA_FILE",
        value_name = "PEM",
        hide_env = true
    )]
    pub ca_file: Option<PathBuf>,

    /// When to use colours
    #[arg(
        long,
        global = true,
        env = "MCP_LOGIN_COLOR",
        value_name = "WHEN",
        default_value = "auto",
        hide_env = true
    )]
    pub color: ColorChoice,

    /// The directory of everything that is kept
    #[arg(
        long,
        global = true,
        env = "MCP_LOGIN_DATA_DIR",
        value_name = "DIR",
        hide_env = true
    )]
    pub data_dir: Option<PathBuf>,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The options of a check.
#[derive(Clone, Debug, Args)]
pub struct CheckArgs {
    /// The MCP server, as at the login
    #[arg(value_name = "SERVER", value_parser = values::server)]
    pub server: String,
}

/// The options of the demo.
#[derive(Clone, Debug, Args)]
pub struct DemoArgs {
    /// Let the demo agree by itself, without your browser
    #[arg(long, env = "MCP_LOGIN_NO_BROWSER", value_parser = FalseyValueParser::new(), hide_env = true)]
    pub auto: bool,

    /// Open this browser; %s stands for the address
    #[arg(
        long,
        env = "MCP_LOGIN_BROWSER",
        value_name = "COMMAND",
        conflicts_with = "auto",
        hide_env = true
    )]
    pub browser: Option<String>,

    /// How long to wait for your answer: 90s, 10m, 1h
    #[arg(long, env = "MCP_LOGIN_TIMEOUT", value_name = "DURATION", default_value = "5m", value_parser = values::duration, hide_env = true)]
    pub timeout: Duration,
}
