//! The command line: what the user typed. What it means is worked out in `plan`.

mod doctor;
pub mod environment;
pub mod manual;
pub mod names;
pub mod plan;
mod preset;

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{FalseyValueParser, PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use crate::clients::{sources, Client};
use crate::providers::{self, Provider};
use crate::store::StoreChoice;
pub use doctor::DoctorArgs;

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
  mcp-login --no-browser https://mcp.example.com  log in over ssh: open the address anywhere, paste the answer
  mcp-login --provider google --client-file client_secret.json --tools gmail,drive
                                                  log in to Google, for a program on this machine
  mcp-login exec https://mcp.example.com -- CLIENT run a client with the token in $MCP_LOGIN_BEARER
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
    #[arg(long, global = true, env = "MCP_LOGIN_STORE", value_name = "STORE", default_value = "auto", hide_env = true)]
    pub store: StoreChoice,

    /// Which of several accounts on one server [default: default]
    #[arg(long, global = true, env = "MCP_LOGIN_PROFILE", value_name = "NAME", hide_env = true)]
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
    #[arg(long, global = true, env = "MCP_LOGIN_CA_FILE", value_name = "PEM", hide_env = true)]
    pub ca_file: Option<PathBuf>,

    /// When to use colours
    #[arg(long, global = true, env = "MCP_LOGIN_COLOR", value_name = "WHEN", default_value = "auto", hide_env = true)]
    pub color: ColorChoice,

    /// The directory of everything that is kept
    #[arg(long, global = true, env = "MCP_LOGIN_DATA_DIR", value_name = "DIR", hide_env = true)]
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

/// The options of a login.
#[derive(Clone, Debug, Args)]
pub struct LoginArgs {
    /// MCP servers: URLs, or names from the configurations of your MCP clients (NAME or CLIENT:NAME); or, with
    /// --issuer or --provider, a name of your own [default: the provider's name]
    #[arg(value_name = "SERVER", required_unless_present_any = ["all", "provider"], conflicts_with = "all")]
    pub servers: Vec<String>,

    /// Log in to every server that your MCP clients name and that wants a login
    #[arg(long)]
    pub all: bool,

    /// Take names from this client's configuration only
    #[arg(long, env = "MCP_LOGIN_FROM", value_name = "CLIENT", value_parser = PossibleValuesParser::new(sources::names()), hide_env = true)]
    pub from: Option<String>,

    /// Open no browser, only print the address
    #[arg(long, env = "MCP_LOGIN_NO_BROWSER", value_parser = FalseyValueParser::new(), hide_env = true)]
    pub no_browser: bool,

    /// Open this browser; %s stands for the address
    #[arg(long, env = "MCP_LOGIN_BROWSER", value_name = "COMMAND", conflicts_with = "no_browser", hide_env = true)]
    pub browser: Option<String>,

    /// Read pasted answers from stdin, even if it is no terminal
    #[arg(long, env = "MCP_LOGIN_PASTE", value_parser = FalseyValueParser::new(), hide_env = true)]
    pub paste: bool,

    /// Never read stdin
    #[arg(long, env = "MCP_LOGIN_NO_PASTE", value_parser = FalseyValueParser::new(), conflicts_with = "paste", hide_env = true)]
    pub no_paste: bool,

    /// How long to wait for all of it: 90s, 10m, 1h
    #[arg(long, env = "MCP_LOGIN_TIMEOUT", value_name = "DURATION", default_value = "10m", value_parser = plan::duration, hide_env = true)]
    pub timeout: Duration,

    /// Log in again though a live login is stored
    #[arg(long)]
    pub force: bool,

    /// The account that the provider should offer
    #[arg(long, env = "MCP_LOGIN_LOGIN_HINT", value_name = "ACCOUNT", visible_alias = "email", hide_env = true)]
    pub login_hint: Option<String>,

    /// Give the login to this client afterwards; see `mcp-login handover --list`
    #[arg(long, env = "MCP_LOGIN_HANDOVER", value_name = "CLIENT", value_parser = plan::client, hide_env = true)]
    pub handover: Option<&'static Client>,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub places: PlaceArgs,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub provider: ProviderArgs,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub client: ClientArgs,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub redirect: RedirectArgs,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub request: RequestArgs,
}

/// The provider, where its ways are known.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "The provider")]
pub struct ProviderArgs {
    /// Follow the ways of this provider; `mcp-login providers` lists them
    ///
    /// Its endpoints or issuer, its parameters, no resource where it refuses one. Without SERVER the login has the
    /// provider's name, and the profile is the account of --login-hint.
    #[arg(long, env = "MCP_LOGIN_PROVIDER", value_name = "NAME", value_parser = provider(), hide_env = true)]
    pub provider: Option<&'static Provider>,

    /// The tenant, where no MCP server names it: with --provider entra
    #[arg(long, env = "MCP_LOGIN_TENANT", value_name = "TENANT", hide_env = true)]
    pub tenant: Option<String>,

    /// The tools that the login is for, such as gmail,drive: with --provider google
    #[arg(long, env = "MCP_LOGIN_TOOLS", value_name = "LIST", value_delimiter = ',', hide_env = true)]
    pub tools: Vec<String>,

    /// Only let the tools read
    #[arg(long)]
    pub read_only: bool,
}

fn provider() -> impl TypedValueParser<Value = &'static Provider> {
    let names = providers::PROVIDERS.iter().map(|provider| PossibleValue::new(provider.name).help(provider.title));
    PossibleValuesParser::new(names).try_map(|name| providers::find(&name).ok_or("there is no such provider"))
}

/// Who we are at the authorization server.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "The client")]
pub struct ClientArgs {
    /// A client identifier that you registered by hand
    #[arg(long, env = "MCP_LOGIN_CLIENT_ID", value_name = "ID", hide_env = true)]
    pub client_id: Option<String>,

    /// A file that holds the client secret; or set MCP_LOGIN_CLIENT_SECRET
    #[arg(long, env = "MCP_LOGIN_CLIENT_SECRET_FILE", value_name = "FILE", hide_env = true)]
    pub client_secret_file: Option<PathBuf>,

    /// Refused: every user of the machine can read the arguments of a program
    #[arg(long, value_name = "SECRET", hide = true)]
    pub client_secret: Option<String>,

    /// The client in a file of the provider's, such as Google's client_secret.json
    #[arg(long, env = "MCP_LOGIN_CLIENT_FILE", value_name = "FILE", conflicts_with = "client_id", hide_env = true)]
    pub client_file: Option<PathBuf>,

    /// The URL of a client ID metadata document
    #[arg(long, env = "MCP_LOGIN_CLIENT_METADATA_URL", value_name = "URL", hide_env = true)]
    pub client_metadata_url: Option<String>,

    /// How to become a client
    #[arg(long, env = "MCP_LOGIN_REGISTRATION", value_name = "HOW", default_value = "auto", hide_env = true)]
    pub registration: RegistrationChoice,
}

/// How to become a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RegistrationChoice {
    /// The given client, else the metadata document if the server takes it, else dynamic registration
    Auto,
    /// The given client
    Static,
    /// The client ID metadata document
    Cimd,
    /// Dynamic client registration
    Dcr,
}

/// Where the answer goes.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "The callback")]
pub struct RedirectArgs {
    /// A fixed port to listen on [default: any free one]
    #[arg(long, env = "MCP_LOGIN_PORT", value_name = "N", hide_env = true)]
    pub port: Option<u16>,

    /// The host of the redirect URI; with localhost both 127.0.0.1 and ::1 are held [default: 127.0.0.1]
    #[arg(long, env = "MCP_LOGIN_REDIRECT_HOST", value_name = "HOST", hide_env = true)]
    pub redirect_host: Option<HostChoice>,

    /// The path of the redirect URI
    #[arg(long, env = "MCP_LOGIN_REDIRECT_PATH", value_name = "PATH", default_value = "/callback", hide_env = true)]
    pub redirect_path: String,

    /// The whole redirect URI as you registered it
    #[arg(
        long,
        env = "MCP_LOGIN_REDIRECT_URI",
        value_name = "URI",
        conflicts_with_all = ["port", "redirect_host", "redirect_path"],
        hide_env = true
    )]
    pub redirect_uri: Option<String>,
}

/// The host of the redirect URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum HostChoice {
    /// The literal address, as RFC 8252 recommends
    #[value(name = "127.0.0.1")]
    V4,
    /// The name; both loopback addresses are held
    Localhost,
    /// The literal IPv6 address
    #[value(name = "[::1]", alias = "::1")]
    V6,
}

/// What is asked for.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "The request")]
pub struct RequestArgs {
    /// A scope to ask for; may be repeated [default: what the server wants]
    #[arg(long, env = "MCP_LOGIN_SCOPE", value_name = "SCOPE", hide_env = true)]
    pub scope: Vec<String>,

    /// Log in at this authorization server
    #[arg(long, env = "MCP_LOGIN_ISSUER", value_name = "URL", hide_env = true)]
    pub issuer: Option<String>,

    /// The resource to name in the requests, if the server's own is wrong
    #[arg(long, env = "MCP_LOGIN_RESOURCE", value_name = "URI", conflicts_with = "no_resource", hide_env = true)]
    pub resource: Option<String>,

    /// Name no resource in the requests
    #[arg(long, env = "MCP_LOGIN_NO_RESOURCE", value_parser = FalseyValueParser::new(), hide_env = true)]
    pub no_resource: bool,

    /// A further parameter of the authorization request; may be repeated
    #[arg(long, env = "MCP_LOGIN_PARAM", value_name = "KEY=VALUE", value_parser = plan::parameter, hide_env = true)]
    pub param: Vec<(String, String)>,

    /// The WWW-Authenticate value that a client just received: its scopes join those asked for before
    #[arg(long, env = "MCP_LOGIN_CHALLENGE", value_name = "VALUE", hide_env = true)]
    pub challenge: Option<String>,

    /// Go on though the server does not say that it supports PKCE
    #[arg(long)]
    pub assume_pkce: bool,
}

/// The options of what prints a token.
#[derive(Clone, Debug, Args)]
pub struct TokenArgs {
    /// The server, as at the login [default: the only login there is]
    #[arg(value_name = "SERVER")]
    pub server: Option<String>,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub need: NeedArgs,
}

/// How live a token has to be.
#[derive(Clone, Debug, Args)]
pub struct NeedArgs {
    /// Refresh when less than this is left
    #[arg(long, env = "MCP_LOGIN_MIN_TTL", value_name = "DURATION", default_value = "60s", value_parser = plan::duration, hide_env = true)]
    pub min_ttl: Duration,

    /// Refresh in any case, once
    #[arg(long)]
    pub refresh: bool,
}

/// The options of running a command.
#[derive(Clone, Debug, Args)]
pub struct ExecArgs {
    /// The server, as at the login
    #[arg(value_name = "SERVER")]
    pub server: String,

    /// The variable that holds the token
    #[arg(long, env = "MCP_LOGIN_ENV", value_name = "NAME", default_value = "MCP_LOGIN_BEARER", hide_env = true)]
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
    #[arg(value_name = "SERVER")]
    pub servers: Vec<String>,

    /// The servers that this client's configuration names; exit status 3 if one of them needs a login
    #[arg(long, env = "MCP_LOGIN_FROM", value_name = "CLIENT", value_parser = PossibleValuesParser::new(sources::names()), hide_env = true)]
    pub from: Option<String>,
}

/// The options of logging out.
#[derive(Clone, Debug, Args)]
pub struct LogoutArgs {
    /// The servers, as at the login
    #[arg(value_name = "SERVER", required_unless_present = "all", conflicts_with = "all")]
    pub servers: Vec<String>,

    /// All logins there are; with --profile, all of that profile
    #[arg(long)]
    pub all: bool,
}

/// The options of a hand-over.
#[derive(Clone, Debug, Args)]
pub struct HandoverArgs {
    /// The server, as at the login
    #[arg(value_name = "SERVER", required_unless_present = "list")]
    pub server: Option<String>,

    /// The client that gets the login
    #[arg(long, env = "MCP_LOGIN_TO", value_name = "CLIENT", required_unless_present = "list", value_parser = plan::client, hide_env = true)]
    pub to: Option<&'static Client>,

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
    #[arg(long, env = "MCP_LOGIN_ENV", value_name = "NAME", default_value = "MCP_LOGIN_BEARER", value_parser = plan::variable, hide_env = true)]
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
    #[arg(long, env = "MCP_LOGIN_CREDENTIALS_DIR", value_name = "DIR", hide_env = true)]
    pub credentials_dir: Option<PathBuf>,

    /// The home directory of Hermes, or of one of its profiles
    #[arg(long, env = "MCP_LOGIN_HERMES_HOME", value_name = "DIR", hide_env = true)]
    pub hermes_home: Option<PathBuf>,

    /// The directory of a FastMCP application's FileTreeStore
    #[arg(long, env = "MCP_LOGIN_FASTMCP_DIR", value_name = "DIR", hide_env = true)]
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

/// The options of a check.
#[derive(Clone, Debug, Args)]
pub struct CheckArgs {
    /// The MCP server, as at the login
    #[arg(value_name = "SERVER")]
    pub server: String,
}

/// The options of the demo.
#[derive(Clone, Debug, Args)]
pub struct DemoArgs {
    /// Let the demo agree by itself, without your browser
    #[arg(long, env = "MCP_LOGIN_NO_BROWSER", value_parser = FalseyValueParser::new(), hide_env = true)]
    pub auto: bool,

    /// Open this browser; %s stands for the address
    #[arg(long, env = "MCP_LOGIN_BROWSER", value_name = "COMMAND", conflicts_with = "auto", hide_env = true)]
    pub browser: Option<String>,

    /// How long to wait for your answer: 90s, 10m, 1h
    #[arg(long, env = "MCP_LOGIN_TIMEOUT", value_name = "DURATION", default_value = "5m", value_parser = plan::duration, hide_env = true)]
    pub timeout: Duration,
}
