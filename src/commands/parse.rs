//! How the arguments become a command. Only the options of the command that they name are built: there are some hundred
//! in all, and building them takes longer than printing a token.

use std::env;
use std::ffi::OsStr;
use std::ops::Deref;

use clap::{Args, CommandFactory as _, FromArgMatches, Subcommand as _};

use super::{exec, Cli, Command};
use crate::cli::{values, GlobalArgs};
use crate::store::keyring;

/// What `--version` prints.
pub(super) const VERSION: &str = concat!("mcp-login ", env!("CARGO_PKG_VERSION"));

/// The options that `-h` lists; `--help` lists all.
const SHORT_HELP: [&str; 19] = [
    "all",
    "auto",
    "command",
    "device",
    "env",
    "forget",
    "handover",
    "help",
    "json",
    "list",
    "min_ttl",
    "name",
    "no_browser",
    "server",
    "shell",
    "store",
    "to",
    "undo",
    "write",
];

/// Returns the command line. Every option that takes a value can be set by an environment variable too.
pub fn command() -> clap::Command {
    with_variables(Cli::command())
}

fn with_variables(command: clap::Command) -> clap::Command {
    command
        .mut_args(|arg| {
            let name = arg.get_id().as_str().to_ascii_uppercase();
            let is_option = !arg.is_positional() && arg.get_action().takes_values();
            let is_short = SHORT_HELP.contains(&arg.get_id().as_str());
            let is_short = is_short && !arg.is_hide_short_help_set();
            match is_option && !["CLIENT_SECRET", "CLIENT_KEY"].contains(&name.as_str()) {
                true => arg.env(format!("{VARIABLES}{name}")),
                false => arg,
            }
            .hide_env(true)
            .hide_short_help(!is_short)
        })
        .mut_subcommands(with_variables)
}

/// How the names of our environment variables begin.
pub(super) const VARIABLES: &str = "MCP_LOGIN_";

/// Those of our environment variables that set no option.
const NO_OPTIONS: [&str; 3] = [values::VARIABLE, exec::TOKEN_TYPE, keyring::LOCK_DIR];

/// The options of a command. What clap wants for an update, which this program never makes, is here a command whose options
/// are built when it is named.
#[derive(Clone, Debug)]
pub struct Deferred<T>(Box<T>);

impl<T: Args> Args for Deferred<T> {
    fn augment_args(command: clap::Command) -> clap::Command {
        T::augment_args(command)
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        command.defer(|command| with_variables(T::augment_args(command)))
    }
}

impl<T: FromArgMatches> FromArgMatches for Deferred<T> {
    fn from_arg_matches(matches: &clap::ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self(Box::new(T::from_arg_matches(matches)?)))
    }

    fn update_from_arg_matches(&mut self, matches: &clap::ArgMatches) -> Result<(), clap::Error> {
        self.0.update_from_arg_matches(matches)
    }
}

impl<T> Deref for Deferred<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// Parses the arguments of this process, of which `first` is the first one.
///
/// # Errors
///
/// That of clap, which may also be a text that was asked for.
pub(super) fn arguments(first: &str) -> Result<(GlobalArgs, Command), clap::Error> {
    if let Some(parsed) = of_command(first) {
        return Ok(parsed);
    }
    let lazy = with_variables(Cli::command_for_update());
    let cli = Cli::from_arg_matches(&lazy.try_get_matches()?)?;
    let login = || Command::Login(Deferred(Box::new(cli.login)));
    Ok((cli.global, cli.command.unwrap_or_else(login)))
}

/// Parses the arguments of the command that the first one names, without the options of a login. `None` if there is none, or
/// more to say: an error, a help text, or a variable that sets an option of a login, which is checked in any case.
fn of_command(name: &str) -> Option<(GlobalArgs, Command)> {
    let mut all = Command::augment_subcommands_for_update(clap::Command::default());
    let command = std::mem::take(all.find_subcommand_mut(name)?);
    let root = GlobalArgs::augment_args(clap::Command::new(env!("CARGO_PKG_NAME")));
    let root = with_variables(root);
    let is_known = |name: &str| {
        root.get_arguments().any(|arg| {
            let variable = arg.get_env().and_then(OsStr::to_str);
            variable == Some(name)
        }) || NO_OPTIONS.contains(&name)
    };
    let mut variables = env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    if variables.any(|name| name.starts_with(VARIABLES) && !is_known(&name)) {
        return None;
    }
    let matches = root.subcommand(command).try_get_matches().ok()?;
    let global = GlobalArgs::from_arg_matches(&matches).ok()?;
    Some((global, Command::from_arg_matches(&matches).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_without_an_option_sets_none() {
        let all = command();
        let commands = std::iter::once(&all).chain(all.get_subcommands());
        let options: Vec<_> = commands.flat_map(clap::Command::get_arguments).collect();
        let sets = |name: &str| {
            options
                .iter()
                .any(|arg| arg.get_env() == Some(name.as_ref()))
        };
        assert!(sets("MCP_LOGIN_TIMEOUT") && sets("MCP_LOGIN_MIN_TTL"));
        assert!(!NO_OPTIONS.into_iter().any(sets));
    }
}
