//! The options of a login.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{
    FalseyValueParser, NonEmptyStringValueParser, PossibleValue, PossibleValuesParser,
    TypedValueParser,
};
use clap::Args;

use crate::callback::RedirectHost;
use crate::cli::values;
use crate::clients::{config, Target};
use crate::commands::grant::GrantArgs;
use crate::commands::handover::PlaceArgs;
use crate::oauth::client::RegistrationKind;
use crate::oauth::jwt::algorithm::Algorithm;
use crate::oauth::jwt::assertion::CLIENT_ASSERTION_JWT;
use crate::os::browser::{BrowserChoice, Skip};
use crate::os::terminal::paste::Paste;
use crate::providers::{self, Provider};
use crate::registration::RegistrationMethod;
use crate::store::GrantType;

/// The options of a login.
#[derive(Clone, Debug, Args)]
pub struct LoginArgs {
    /// MCP servers: URLs, or names from the configurations of your MCP clients (NAME or CLIENT:NAME); or, with
    /// --issuer or --provider, a name that you choose [default: the provider's name]
    #[arg(value_name = "SERVER", value_parser = values::server, conflicts_with = "all")]
    pub servers: Vec<String>,

    /// Log in to all servers of your MCP clients
    ///
    /// Those that need a login, at most 32; those in a project's files only with --from.
    #[arg(long)]
    pub all: bool,

    /// Look up names in this client's configuration only
    #[arg(long, value_name = "CLIENT", value_parser = PossibleValuesParser::new(config::names()))]
    pub from: Option<String>,

    /// Log in with a code that you enter in any browser
    ///
    /// The browser may be on another device. For machines that no browser's answer can reach: OAuth's device authorization grant, where the server
    /// offers it. Enter the code only if you started the login yourself.
    #[arg(long, alias = "use-device-code", conflicts_with = "grant")]
    pub device: bool,

    /// With --device: do not draw the address of the page as a QR code
    #[arg(long, env = "MCP_LOGIN_NO_QR", value_parser = FalseyValueParser::new())]
    pub no_qr: bool,

    /// Give up after this long: 90s, 10m, 1h [default: 10m; with --device as long as the code is valid, at most 30m]
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub timeout: Option<Duration>,

    /// Log in again even if a live login is stored
    #[arg(long)]
    pub force: bool,

    /// Let a client use the login afterwards
    ///
    /// `mcp-login handover --list` lists the clients. Without CLIENT, the client that names the server.
    #[arg(long, value_name = "CLIENT", num_args = 0..=1, hide_possible_values = true, value_parser = values::client())]
    pub handover: Option<Option<&'static Target>>,

    /// With --handover: write without asking
    ///
    /// Without --write, a terminal shows what would be written into the client's files, and asks.
    #[arg(long, requires = "handover", hide_short_help = true)]
    pub write: bool,

    #[command(flatten)]
    pub method: MethodArgs,

    #[command(flatten)]
    pub places: PlaceArgs,
}

impl LoginArgs {
    /// Tells whether the user wants to enter a code.
    pub fn is_device(&self) -> bool {
        self.device || self.method.grant.grant == Some(GrantType::DeviceCode)
    }

    /// Returns how long the logins may take.
    pub fn timeout(&self) -> Duration {
        let usual = if self.is_device() { 30 * 60 } else { 10 * 60 };
        self.timeout.unwrap_or(Duration::from_secs(usual))
    }
}

/// How to log in: what a login and the doctor share.
#[derive(Clone, Debug, Args)]
pub struct MethodArgs {
    /// Open no browser, only print the address
    #[arg(long, env = "MCP_LOGIN_NO_BROWSER", value_parser = FalseyValueParser::new())]
    pub no_browser: bool,

    /// Do not put the address into the clipboard of the terminal
    #[arg(long, env = "MCP_LOGIN_NO_CLIPBOARD", value_parser = FalseyValueParser::new())]
    pub no_clipboard: bool,

    /// Open this browser; %s stands for the address
    #[arg(long, value_name = "COMMAND", conflicts_with = "no_browser")]
    pub browser: Option<String>,

    /// Read pasted addresses from stdin, even if it is not a terminal
    #[arg(long, env = "MCP_LOGIN_PASTE", value_parser = FalseyValueParser::new())]
    pub paste: bool,

    /// Never read stdin
    #[arg(long, env = "MCP_LOGIN_NO_PASTE", value_parser = FalseyValueParser::new(), conflicts_with = "paste")]
    pub no_paste: bool,

    #[command(flatten)]
    pub provider: ProviderArgs,

    #[command(flatten)]
    pub client: ClientArgs,

    #[command(flatten)]
    pub grant: GrantArgs,

    #[command(flatten)]
    pub redirect: RedirectArgs,

    #[command(flatten)]
    pub request: RequestArgs,
}

impl MethodArgs {
    /// Returns which browser the user wants.
    pub fn browser(&self) -> BrowserChoice {
        BrowserChoice {
            none: self.no_browser.then_some(Skip::Asked),
            command: self.browser.clone(),
        }
    }

    /// Returns where addresses can be pasted.
    pub fn paste(&self) -> Option<Paste> {
        match (self.paste, self.no_paste) {
            (true, _) => Some(Paste::from_stdin()),
            (false, true) => None,
            (false, false) => Paste::from_terminal(),
        }
    }

    /// Tells whether the user names the authorization server: SERVER may be a name that the user chose then.
    pub fn names_authorization_server(&self) -> bool {
        let request = &self.request;
        request.issuer.is_some()
            || request.authorization_endpoint.is_some()
            || request.issuer_metadata.is_some()
            || self.provider.provider.is_some()
    }
}

/// The provider, if it has built-in settings.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "The provider")]
pub struct ProviderArgs {
    /// Use the built-in settings for this provider; `mcp-login providers` lists them
    ///
    /// Its endpoints or issuer, its parameters, no resource where it refuses one. Without SERVER the login has the
    /// provider's name, and the profile is the account of --login-hint.
    #[arg(long, value_name = "NAME", value_parser = provider())]
    pub provider: Option<&'static Provider>,

    /// The tenant, where no MCP server names it: with --provider entra
    #[arg(long, value_name = "TENANT", value_parser = NonEmptyStringValueParser::new())]
    pub tenant: Option<String>,

    /// The tools that the login is for, such as gmail,drive: with --provider google
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
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

/// The client that logs in at the authorization server.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "The client")]
pub struct ClientArgs {
    /// A client identifier that you registered by hand
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub client_id: Option<String>,

    /// A file that holds the client secret; or set MCP_LOGIN_CLIENT_SECRET
    #[arg(long, value_name = "FILE", conflicts_with = "client_key_file")]
    pub client_secret_file: Option<PathBuf>,

    /// Refused: every user of the machine can read the arguments of a program
    #[arg(long, value_name = "SECRET", hide = true)]
    pub client_secret: Option<String>,

    #[command(flatten)]
    pub key: ClientKeyArgs,

    /// The provider's file with the client, such as Google's client_secret.json
    #[arg(long, value_name = "FILE", conflicts_with_all = ["client_id", "client_key_file"])]
    pub client_file: Option<PathBuf>,

    /// The URL of a client ID metadata document
    #[arg(long, value_name = "URL", value_parser = NonEmptyStringValueParser::new())]
    pub client_metadata_url: Option<String>,

    /// How to become a client
    #[arg(long, value_name = "HOW", default_value = "auto", value_parser = values::one_of(REGISTRATIONS))]
    pub registration: RegistrationMethod,
}

/// The private key that the client authenticates with.
#[derive(Clone, Debug, Args)]
pub struct ClientKeyArgs {
    /// A file with the private key that the client authenticates with: PEM or JWK, or a pipe
    ///
    /// The key signs an assertion for each request to the token endpoint (private_key_jwt). The file is read again at each
    /// refresh; a key from a pipe, or from the variable MCP_LOGIN_CLIENT_KEY, is stored with the login.
    #[arg(long, value_name = "FILE", env = "MCP_LOGIN_CLIENT_KEY_FILE")]
    pub client_key_file: Option<PathBuf>,

    /// Refused: every user of the machine can read the arguments of a program
    #[arg(long, value_name = "KEY", hide = true, allow_hyphen_values = true)]
    pub client_key: Option<String>,

    /// The identifier of the key (kid), as the authorization server knows it [default: that of the JWK]
    #[arg(long, value_name = "KID", value_parser = NonEmptyStringValueParser::new())]
    pub client_key_id: Option<String>,

    /// Sign with this algorithm, such as PS256 [default: one that the authorization server lists]
    #[arg(long, value_name = "ALG", value_parser = algorithm())]
    pub client_key_alg: Option<Algorithm>,

    /// For whom the assertions are: issuer, token-endpoint or a URL; another one than issuer requires --issuer
    ///
    /// For older authorization servers, which do not accept their issuer.
    #[arg(long, value_name = "AUDIENCE", default_value = AUDIENCE)]
    pub client_key_audience: String,

    /// The type in the header of the assertions; JWT for older authorization servers
    #[arg(long, value_name = "TYPE", default_value = CLIENT_ASSERTION_JWT)]
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    pub client_key_typ: String,
}

/// The default of `--client-key-audience`.
const AUDIENCE: &str = "issuer";

impl ClientKeyArgs {
    /// Returns an option that says more of a key.
    pub fn details(&self) -> Option<&'static str> {
        let options = [
            ("--client-key-id", self.client_key_id.is_some()),
            ("--client-key-alg", self.client_key_alg.is_some()),
            (
                "--client-key-audience",
                self.client_key_audience != AUDIENCE,
            ),
            (
                "--client-key-typ",
                self.client_key_typ != CLIENT_ASSERTION_JWT,
            ),
        ];
        let mut given = options.into_iter().filter(|(_, is_given)| *is_given);
        given.next().map(|(option, _)| option)
    }
}

fn algorithm() -> impl TypedValueParser<Value = Algorithm> {
    PossibleValuesParser::new(Algorithm::ALL.iter().map(|it| it.as_str()))
        .try_map(|name| Algorithm::parse(&name).ok_or("there is no such algorithm"))
}

const REGISTRATIONS: values::Words<RegistrationMethod> = values::words! {
    "auto", "The given client, else the metadata document if the server supports it, else dynamic registration" => None;
    "static", "The given client" => Some(RegistrationKind::Static);
    "cimd", "The client ID metadata document" => Some(RegistrationKind::MetadataDocument);
    "dcr", "Dynamic client registration" => Some(RegistrationKind::Dynamic);
};

/// The redirect URI.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "The callback")]
pub struct RedirectArgs {
    /// A fixed port to listen on [default: any free one]
    #[arg(long, value_name = "N", value_parser = values::port)]
    pub port: Option<u16>,

    /// The host of the redirect URI; localhost listens on both 127.0.0.1 and ::1 [default: 127.0.0.1]
    #[arg(long, value_name = "HOST", value_parser = values::one_of(HOSTS))]
    pub redirect_host: Option<RedirectHost>,

    /// The path of the redirect URI [default: /callback]
    #[arg(long, value_name = "PATH")]
    pub redirect_path: Option<String>,

    /// The whole redirect URI as you registered it
    #[arg(long, value_name = "URI", conflicts_with_all = ["port", "redirect_host", "redirect_path"], value_parser = NonEmptyStringValueParser::new())]
    pub redirect_uri: Option<String>,
}

impl RedirectArgs {
    /// Tells whether an option names a part of the redirect URI.
    pub fn names_a_part(&self) -> bool {
        self.port.is_some() || self.redirect_host.is_some() || self.redirect_path.is_some()
    }
}

const HOSTS: values::Words<RedirectHost> = values::words! {
    "127.0.0.1", "The literal address, as RFC 8252 recommends" => RedirectHost::V4;
    "localhost", "The name, which listens on both loopback addresses" => RedirectHost::Localhost;
    "[::1]" | "::1", "The literal IPv6 address" => RedirectHost::V6;
};

/// What is requested.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "The request")]
pub struct RequestArgs {
    /// A scope to ask for; may be repeated [default: what the server wants]
    #[arg(long, value_name = "SCOPE")]
    pub scope: Vec<String>,

    /// The account that the provider should offer
    #[arg(long, value_name = "ACCOUNT", visible_alias = "email", value_parser = NonEmptyStringValueParser::new())]
    pub login_hint: Option<String>,

    /// Log in at this authorization server
    #[arg(long, value_name = "URL", value_parser = NonEmptyStringValueParser::new())]
    pub issuer: Option<String>,

    /// Log in at this authorization endpoint; requires --token-endpoint
    ///
    /// For an authorization server that publishes no metadata. Ignores what the MCP server says about its authorization
    /// server. If the authorization server names itself in its responses, give that name with --issuer.
    #[arg(long, value_name = "URL", requires = "token_endpoint", value_parser = NonEmptyStringValueParser::new())]
    pub authorization_endpoint: Option<String>,

    /// Get the tokens from this token endpoint; requires --authorization-endpoint
    #[arg(long, value_name = "URL", requires = "authorization_endpoint", value_parser = NonEmptyStringValueParser::new())]
    pub token_endpoint: Option<String>,

    /// Read the metadata of the authorization server at this URL, whatever issuer it is for
    #[arg(long, value_name = "URL", conflicts_with_all = ["authorization_endpoint", "token_endpoint"], value_parser = NonEmptyStringValueParser::new())]
    pub issuer_metadata: Option<String>,

    /// Ask for tokens that are bound to a key of this login (DPoP)
    ///
    /// A stolen token is of no use then. Only this program can use it: with check, connect, and headers --dpop.
    #[arg(long, env = "MCP_LOGIN_DPOP", value_parser = FalseyValueParser::new())]
    pub dpop: bool,

    /// The resource to name in the requests, if the server's own is wrong
    #[arg(long, value_name = "URI", conflicts_with = "no_resource", value_parser = NonEmptyStringValueParser::new())]
    pub resource: Option<String>,

    /// Name no resource in the requests
    #[arg(long, env = "MCP_LOGIN_NO_RESOURCE", value_parser = FalseyValueParser::new())]
    pub no_resource: bool,

    /// A further parameter of the authorization request; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = values::parameter)]
    pub param: Vec<(String, String)>,

    /// The WWW-Authenticate value that a client just received: asks for its scopes as well as for the previous ones
    #[arg(long, value_name = "VALUE")]
    pub challenge: Option<String>,

    /// Go on even if the server does not say that it supports PKCE
    #[arg(long)]
    pub assume_pkce: bool,
}
