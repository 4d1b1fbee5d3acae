//! The command line and its commands: each in a file of its own, with its options and its words.

mod check;
mod complete;
mod completion;
mod connect;
mod demo;
mod doctor;
mod exec;
mod forget;
mod grant;
mod handover;
mod headers;
mod login;
mod logout;
mod parse;
mod providers;
mod status;
mod token;

use std::env;
use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Parser, Subcommand};

use crate::cli::servers::{COMMANDS, LIKENESS};
use crate::cli::GlobalArgs;
use crate::error::Error;
use crate::os::process::EnvironmentSecrets;
use crate::os::terminal;
use crate::output::{self, Reporter, WarningFormat};
use check::CheckArgs;
use completion::CompletionArgs;
use connect::ConnectArgs;
use demo::DemoArgs;
use doctor::DoctorArgs;
use exec::ExecArgs;
use grant::UnattendedArgs;
use handover::HandoverArgs;
use headers::HeadersArgs;
use login::options::LoginArgs;
use logout::LogoutArgs;
use parse::Deferred;
use status::StatusArgs;
use token::{ServerArgs, TokenArgs};

pub use complete::{run as complete, COMPLETER};
pub use parse::command;

/// Log in to OAuth-protected MCP servers before your client starts
///
/// Opens the authorization page in your browser, receives the response on a loopback port (or as a pasted address), and
/// stores the login in the system keyring or in a file that only you can read.
#[derive(Debug, Parser)]
#[command(
    name = "mcp-login",
    version,
    max_term_width = 80,
    subcommand_negates_reqs = true,
    override_usage = "mcp-login [OPTIONS] <SERVER>...\n       mcp-login <COMMAND> [OPTIONS]",
    help_template = "{about-with-newline}\n{usage-heading} {usage}{after-help}\n\n{all-args}",
    after_help = EXAMPLES,
    after_long_help = format!("{EXAMPLES}{MORE_EXAMPLES}")
)]
pub struct Cli {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub login: LoginArgs,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub global: GlobalArgs,

    #[command(subcommand)]
    #[allow(missing_docs)]
    pub command: Option<Command>,
}

const EXAMPLES: &str = "\
Examples:
  mcp-login https://mcp.example.com/mcp            log in, with your browser
  mcp-login linear                                 a server of your MCP clients
  mcp-login handover linear --to codex --write     let a client use the login
  mcp-login exec linear -- my-script               or a program, by a variable";

const MORE_EXAMPLES: &str = "
  mcp-login --all                                  all servers of your clients
  mcp-login --no-browser https://mcp.example.com/mcp
                                                   open the address anywhere
  mcp-login --provider google --client-file client_secret.json --tools gmail
                                                   Google, for workspace-mcp
  mcp-login demo                                   a login to a demo server

Every option that takes a value can also be set through an environment variable,
as MCP_LOGIN_TIMEOUT=2m for --timeout.";

/// Subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Log in; also what `mcp-login SERVER` does
    Login(Deferred<LoginArgs>),
    /// List the logins
    ///
    /// Their accounts, states and scopes, which client uses each, and where it is stored.
    #[command(visible_aliases = ["list", "ls"])]
    Status(Deferred<StatusArgs>),
    /// Show the account of a login
    Whoami(Deferred<StatusArgs>),
    /// Print a live access token, refreshed if necessary
    Token(Deferred<TokenArgs>),
    /// Print {"Authorization":"Bearer ..."}, for an MCP client
    Headers(Deferred<HeadersArgs>),
    /// Run a command with a live access token in its environment
    Exec(Deferred<ExecArgs>),
    /// Serve an MCP server on stdin and stdout, with a live token
    ///
    /// For clients that start MCP servers as programs: set `mcp-login connect SERVER` as the command. It opens no browser
    /// without --login: if a login is needed, the client and stderr are told the command.
    Connect(Deferred<ConnectArgs>),
    /// Refresh the access token now
    Refresh(Deferred<ServerArgs>),
    /// Revoke the tokens and remove the login
    Logout(Deferred<LogoutArgs>),
    /// Set up an MCP client to use a login
    ///
    /// Most clients are set up to ask mcp-login for live tokens, or to start it as their MCP server. In a terminal the setting
    /// is shown, and written if you agree; elsewhere it is printed, or written with --write. Clients that refresh tokens
    /// themselves get the whole login, and mcp-login keeps no token of it. `--list` lists the clients.
    Handover(Deferred<HandoverArgs>),
    /// Ask a server for its tools: does the login really work?
    Check(Deferred<CheckArgs>),
    /// Find out what works on this machine, and why a login would fail
    ///
    /// Examines loopback, browser, terminal, keyring, files, clock, proxies and certificates; with a server, also
    /// everything that a login would ask before it registers or opens anything. Takes the options of a login, and
    /// registers, opens and stores nothing. The exit status is the one that the login would end with.
    Doctor(Deferred<DoctorArgs>),
    /// List the providers with built-in settings, for --provider
    Providers,
    /// See a whole login, to a server that runs just for it
    ///
    /// Your browser opens and asks you; without a browser or a terminal the demo agrees by itself. Its login is stored in a
    /// temporary file, whatever --store says, and removed at the end.
    Demo(Deferred<DemoArgs>),
    /// Print the completion script for a shell
    ///
    /// bash with bash-completion: mcp-login completion bash > ~/.local/share/bash-completion/completions/mcp-login
    ///
    /// zsh, in a directory of $fpath: mcp-login completion zsh > DIRECTORY/_mcp-login
    ///
    /// fish: mcp-login completion fish > ~/.config/fish/completions/mcp-login.fish
    ///
    /// PowerShell, in $PROFILE: mcp-login completion powershell | Out-String | Invoke-Expression
    ///
    /// Elvish, in rc.elv: eval (mcp-login completion elvish | slurp)
    ///
    /// The directories have to exist; a new shell reads the script.
    Completion(Deferred<CompletionArgs>),
    /// Print the version
    #[command(hide = true)]
    Version,
}

/// Runs the command that the arguments of this process name. `env_secrets` is what the environment held of the client.
pub fn run(env_secrets: EnvironmentSecrets) -> ExitCode {
    let first = env::args_os().nth(1).unwrap_or_default();
    let first = first.to_str().unwrap_or_default();
    if matches!(first, "--version" | "-V") {
        return output::print(parse::VERSION);
    }
    let (global, command) = match parse::arguments(first) {
        Ok(parsed) => parsed,
        Err(err) => return explain(&err),
    };
    terminal::set_up(global.verbosity(), global.color);
    output::show_warnings(match &command {
        _ if !global.json => WarningFormat::Text,
        Command::Login(_) | Command::Demo(_) | Command::Logout(_) | Command::Handover(_) => {
            WarningFormat::Events
        }
        _ => WarningFormat::EventsOnStderr,
    });
    match &command {
        Command::Login(_) | Command::Demo(_) => terminal::never_block_on_output(),
        command if command.reserves_stdout() => terminal::never_block_on_stderr(),
        _ => {}
    }
    let outcome = command.run(&global, &env_secrets);
    outcome.unwrap_or_else(|err| {
        fail(
            &err,
            global.json,
            command.reserves_stdout(),
            command.server(),
        )
    })
}

impl Command {
    fn run(
        &self,
        global: &GlobalArgs,
        env_secrets: &EnvironmentSecrets,
    ) -> Result<ExitCode, Error> {
        let make = |may_store_nothing| {
            let mut context = global.context(may_store_nothing)?;
            context.secrets.clone_from(env_secrets);
            Ok::<_, Error>(context)
        };
        let context = || make(false);
        let context_of = |args: &UnattendedArgs| make(args.grant.is_unattended());
        match self {
            Self::Login(args) => login::run(args, context()?),
            Self::Token(args) => token::run(args, context_of(&args.unattended)?),
            Self::Headers(args) => headers::run(args, context_of(&args.token.unattended)?),
            Self::Exec(args) => exec::run(args, context_of(&args.token.unattended)?),
            Self::Connect(args) => connect::run(args, context_of(&args.unattended)?),
            Self::Refresh(args) => token::refresh(args, &context()?),
            Self::Status(args) => status::run(args, false, &context()?),
            Self::Whoami(args) => status::run(args, true, &context()?),
            Self::Logout(args) => logout::run(args, &context()?),
            Self::Handover(args) if args.list => Ok(handover::list(global.json)),
            Self::Handover(args) => handover::run(args, &context()?),
            Self::Check(args) => check::run(args, context_of(&args.unattended)?),
            Self::Doctor(args) => doctor::run(args, global, env_secrets),
            Self::Providers => Ok(providers::run(global.json)),
            Self::Demo(args) => demo::run(args, global.json),
            Self::Completion(args) => Ok(output::print(&args.script())),
            Self::Version => Ok(output::print(parse::VERSION)),
        }
    }

    /// Tells whether stdout carries a token or messages, and nothing else.
    fn reserves_stdout(&self) -> bool {
        matches!(
            self,
            Self::Token(_) | Self::Headers(_) | Self::Exec(_) | Self::Connect(_)
        )
    }

    /// Returns the server that one of these commands names.
    fn server(&self) -> Option<&str> {
        match self {
            Self::Token(args) => args.server.as_deref(),
            Self::Headers(args) => args.token.server.as_deref(),
            Self::Exec(args) => args.token.server.as_deref(),
            Self::Connect(args) => args.server.as_deref(),
            _ => None,
        }
    }
}

/// Prints what is wrong with the arguments, in the form of all errors; help and version are printed as they are.
fn explain(err: &clap::Error) -> ExitCode {
    if matches!(
        err.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    ) {
        return output::printed(err.print());
    }
    let text = err.to_string();
    let mut parts = text.split("\n\n");
    let words: Vec<_> = parts
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let message = words.join(" ");
    let tip = parts.find_map(|part| part.trim().strip_prefix("tip: "));
    // How to pass an option as a value is of no use: nothing takes such values.
    let tip = tip.filter(|tip| !tip.starts_with("to pass "));
    let tip = tip.filter(|_| !is_far_fetched(err));
    let words: Vec<_> = env::args_os().skip(1).take_while(|it| it != "--").collect();
    let has = |word: &str| words.iter().any(|it| it == word);
    let command = COMMANDS
        .iter()
        .find(|command| **command != "help" && has(command));
    let option = context(err, ContextKind::InvalidArg).unwrap_or_default();
    let hint = match (tip, command) {
        (None, Some(&"exec")) if err.kind() == ErrorKind::UnknownArgument => {
            "put -- before the command: mcp-login exec SERVER -- COMMAND".to_owned()
        }
        (None, Some(&"handover"))
            if err.kind() == ErrorKind::UnknownArgument && !option.starts_with('-') =>
        {
            "put --to before the client: mcp-login handover SERVER --to CLIENT".to_owned()
        }
        (tip, _) if option.starts_with("--handover ") && err.kind() == ErrorKind::InvalidValue => {
            let value = context(err, ContextKind::InvalidValue).unwrap_or_default();
            let server =
                output::hint::shell(&["mcp-login".into(), value.to_owned(), "--handover".into()]);
            let tip = tip.map(|tip| format!("{tip}; or "));
            format!("{}put the server first: {server}", tip.unwrap_or_default())
        }
        (Some(tip), _) => tip.to_owned(),
        (None, _) if err.kind() == ErrorKind::UnknownArgument && elsewhere(err).is_some() => {
            elsewhere(err).unwrap_or_default().to_owned()
        }
        (None, Some(command)) => format!("see `mcp-login {command} --help`"),
        (None, None) => "see `mcp-login --help`".to_owned(),
    };
    let mut message = message.trim_start_matches("error: ").to_owned();
    let mut hint = hint;
    if let Some(variable) = variable_of(option, &words) {
        message = message.replace(&format!("'{option}'"), &variable);
        hint = format!("correct or unset the environment variable {variable}");
    }
    let error = Error::usage(message, hint);
    let reserves_stdout = ["token", "headers", "exec", "connect"].into_iter().any(has);
    fail(&error, has("--json"), reserves_stdout, None)
}

/// Returns the environment variable that the value of an option comes from, if the option is not among the words.
fn variable_of(option: &str, words: &[OsString]) -> Option<String> {
    let option = option.split(' ').next()?;
    let name = option.strip_prefix("--")?.replace('-', "_");
    let variable = format!("{}{}", parse::VARIABLES, name.to_ascii_uppercase());
    let is_typed = words
        .iter()
        .any(|it| it.to_string_lossy().starts_with(option));
    (!is_typed && env::var_os(&variable).is_some()).then_some(variable)
}

/// Reports a failure. Where stdout carries a token or messages, it carries nothing else.
fn fail(error: &Error, json: bool, reserves_stdout: bool, server: Option<&str>) -> ExitCode {
    match json && reserves_stdout {
        true => output::fail_on_stderr(server, error),
        false => Reporter::new(json, false).fail(None, error),
    }
    error.class().into()
}

/// Returns what does here what the unknown option does in other programs.
fn elsewhere(err: &clap::Error) -> Option<&'static str> {
    Some(match context(err, ContextKind::InvalidArg)? {
        "--output" | "--format" => "--json prints machine-readable output",
        "--headless" | "--manual" | "--no-launch-browser" | "--no-open" => {
            "--no-browser only prints the address"
        }
        "--no-keyring" | "--insecure-storage" => {
            "--store file keeps logins in a file instead of the keyring"
        }
        "--debug" | "--trace" => "-v prints each request and its response",
        "--yes" | "-y" => "with handover or --handover, --write writes without asking",
        "--to" => "use `mcp-login handover SERVER --to CLIENT`, or --handover CLIENT at a login",
        "--list" => "`mcp-login status` lists the logins",
        "--logout" => "use `mcp-login logout SERVER`",
        _ => return None,
    })
}

/// Tells whether the option that clap takes an unknown one for is not much like it.
fn is_far_fetched(err: &clap::Error) -> bool {
    let (unknown, known) = (
        context(err, ContextKind::InvalidArg),
        context(err, ContextKind::SuggestedArg),
    );
    let (Some(unknown), Some(known)) = (unknown, known) else {
        return false;
    };
    let name = |option: &str| option.trim_start_matches('-').to_owned();
    strsim::jaro_winkler(&name(unknown), &name(known)) < LIKENESS
}

fn context(err: &clap::Error, kind: ContextKind) -> Option<&str> {
    match err.get(kind) {
        Some(ContextValue::String(text)) => Some(text),
        _ => None,
    }
}
