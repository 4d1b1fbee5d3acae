//! The options of a login.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{
    FalseyValueParser, NonEmptyStringValueParser, PossibleValue, PossibleValuesParser,
    TypedValueParser,
};
use clap::{Args, ValueEnum};

use super::{values, PlaceArgs};
use crate::clients::config;
use crate::clients::Target;
use crate::providers::{self, Provider};

/// The options of a login.
#[derive(Clone, Debug, Args)]
pub struct LoginArgs {
    /// MCP servers: URLs, or names from the configurations of your MCP clients (NAME or CLIENT:NAME); or, with
    /// --issuer or --provider, a name of your own [default: the provider's name]
    #[arg(value_name = "SERVER", value_parser = values::server, required_unless_present_any = ["all", "provider"], conflicts_with = "all")]
    pub servers: Vec<String>,

    /// Log in to every server that your MCP clients name and that wants a login, 32 at most; to those of a project's
    /// files only with --from
    #[arg(long)]
    pub all: bool,

    /// Take names from this client's configuration only
    #[arg(long, env = "MCP_LOGIN_FROM", value_name = "CLIENT", value_parser = PossibleValuesParser::new(config::names()), hide_env = true)]
    pub from: Option<String>,

    /// Open no browser, only print the address
    #[arg(long, env = "MCP_LOGIN_NO_BROWSER", value_parser = FalseyValueParser::new(), hide_env = true)]
    pub no_browser: bool,

    /// Open this browser; %s stands for the address
    #[arg(
        long,
        env = "MCP_LOGIN_BROWSER",
        value_name = "COMMAND",
        conflicts_with = "no_browser",
        hide_env = true
    )]
    pub browser: Option<String>,

    /// Read pasted answers from stdin, even if it is no terminal
    #[arg(long, env = "MCP_LOGIN_PASTE", value_parser = FalseyValueParser::new(), hide_env = true)]
    pub paste: bool,

    /// Never read stdin
    #[arg(long, env = "MCP_LOGIN_NO_PASTE", value_parser = FalseyValueParser::new(), conflicts_with = "paste", hide_env = true)]
    pub no_paste: bool,

    /// How long to wait for all of it: 90s, 10m, 1h
    #[arg(long, env = "MCP_LOGIN_TIMEOUT", value_name = "DURATION", default_value = "10m", value_parser = values::duration, hide_env = true)]
    pub timeout: Duration,

    /// Log in again though a live login is stored
    #[arg(long)]
    pub force: bool,

    /// The account that the provider should offer
    #[arg(
        long,
        env = "MCP_LOGIN_LOGIN_HINT",
        value_name = "ACCOUNT",
        visible_alias = "email",
        hide_env = true
    )]
    pub login_hint: Option<String>,

    /// Give the login to this client afterwards; see `mcp-login handover --list`
    #[arg(long, env = "MCP_LOGIN_HANDOVER", value_name = "CLIENT", value_parser = values::client, hide_env = true)]
    pub handover: Option<&'static Target>,

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
    #[arg(
        long,
        env = "MCP_LOGIN_TOOLS",
        value_name = "LIST",
        value_delimiter = ',',
        hide_env = true
    )]
    pub tools: Vec<String>,

    /// Only let the tools read
    #[arg(long)]
    pub read_only: bool,
}

fn provider() -> impl TypedValueParser<Value = &'static Provider> {
    let names = providers::PROVIDERS
        .iter()
        .map(|provider| PossibleValue::new(provider.name).help(provider.title));
    PossibleValuesParser::new(names)
        .try_map(|name| providers::find(&name).ok_or("there is no such provider"))
}

/// Who we are at the authorization server.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "The client")]
pub struct ClientArgs {
    /// A client identifier that you registered by hand
    #[arg(long, env = "MCP_LOGIN_CLIENT_ID", value_name = "ID", hide_env = true, value_parser = NonEmptyStringValueParser::new())]
    pub client_id: Option<String>,

    /// A file that holds the client secret; or set MCP_LOGIN_CLIENT_SECRET
    #[arg(
        long,
        env = "MCP_LOGIN_CLIENT_SECRET_FILE",
        value_name = "FILE",
        hide_env = true
    )]
    pub client_secret_file: Option<PathBuf>,

    /// Refused: every user of the machine can read the arguments of a program
    #[arg(long, value_name = "SECRET", hide = true)]
    pub client_secret: Option<String>,

    /// The client in a file of the provider's, such as Google's client_secret.json
    #[arg(
        long,
        env = "MCP_LOGIN_CLIENT_FILE",
        value_name = "FILE",
        conflicts_with = "client_id",
        hide_env = true
    )]
    pub client_file: Option<PathBuf>,

    /// The URL of a client ID metadata document
    #[arg(
        long,
        env = "MCP_LOGIN_CLIENT_METADATA_URL",
        value_name = "URL",
        hide_env = true
    )]
    pub client_metadata_url: Option<String>,

    /// How to become a client
    #[arg(
        long,
        env = "MCP_LOGIN_REGISTRATION",
        value_name = "HOW",
        default_value = "auto",
        hide_env = true
    )]
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
    #[arg(
        long,
        env = "MCP_LOGIN_REDIRECT_HOST",
        value_name = "HOST",
        hide_env = true
    )]
    pub redirect_host: Option<HostChoice>,

    /// The path of the redirect URI [default: /callback]
    #[arg(
        long,
        env = "MCP_LOGIN_REDIRECT_PATH",
        value_name = "PATH",
        hide_env = true
    )]
    pub redirect_path: Option<String>,

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

    /// Log in at this authorization endpoint; --token-endpoint belongs to it
    ///
    /// For an authorization server that publishes no metadata. Nothing that the MCP server says about its authorization
    /// server counts then. --issuer says what it calls itself, if it names itself in its answers.
    #[arg(
        long,
        env = "MCP_LOGIN_AUTHORIZATION_ENDPOINT",
        value_name = "URL",
        requires = "token_endpoint",
        hide_env = true
    )]
    pub authorization_endpoint: Option<String>,

    /// Get the tokens from this token endpoint; --authorization-endpoint belongs to it
    #[arg(
        long,
        env = "MCP_LOGIN_TOKEN_ENDPOINT",
        value_name = "URL",
        requires = "authorization_endpoint",
        hide_env = true
    )]
    pub token_endpoint: Option<String>,

    /// Read the metadata of the authorization server at this URL, wherever it says that it belongs
    #[arg(
        long,
        env = "MCP_LOGIN_ISSUER_METADATA",
        value_name = "URL",
        conflicts_with_all = ["authorization_endpoint", "token_endpoint"],
        hide_env = true
    )]
    pub issuer_metadata: Option<String>,

    /// The resource to name in the requests, if the server's own is wrong
    #[arg(
        long,
        env = "MCP_LOGIN_RESOURCE",
        value_name = "URI",
        conflicts_with = "no_resource",
        hide_env = true
    )]
    pub resource: Option<String>,

    /// Name no resource in the requests
    #[arg(long, env = "MCP_LOGIN_NO_RESOURCE", value_parser = FalseyValueParser::new(), hide_env = true)]
    pub no_resource: bool,

    /// A further parameter of the authorization request; may be repeated
    #[arg(long, env = "MCP_LOGIN_PARAM", value_name = "KEY=VALUE", value_parser = values::parameter, hide_env = true)]
    pub param: Vec<(String, String)>,

    /// The WWW-Authenticate value that a client just received: its scopes join those asked for before
    #[arg(
        long,
        env = "MCP_LOGIN_CHALLENGE",
        value_name = "VALUE",
        hide_env = true
    )]
    pub challenge: Option<String>,

    /// Go on though the server does not say that it supports PKCE
    #[arg(long)]
    pub assume_pkce: bool,
}
