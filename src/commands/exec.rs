//! `exec`: run a command with a live access token in its environment. This process becomes the command: signals, the
//! terminal and the exit status are the command's own.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::process::{Command, ExitCode};

use clap::Args;

use super::token::TokenArgs;
use crate::cli::values;
use crate::context::Context;
use crate::error::Error;
use crate::oauth::grant::{Assertion, AssertionSource};
use crate::oauth::token::TokenType;
use crate::os::process;
use crate::os::terminal;
use crate::warning::warn_user;

/// The variable that tells the command how the token is used, if not as a Bearer token.
pub(super) const TOKEN_TYPE: &str = "MCP_LOGIN_TOKEN_TYPE";

/// The options of running a command.
#[derive(Clone, Debug, Args)]
pub struct ExecArgs {
    #[command(flatten)]
    pub token: TokenArgs,

    /// The variable that holds the token
    #[arg(long, help_heading = None, value_name = "NAME", default_value = values::VARIABLE, value_parser = values::variable)]
    pub env: String,

    /// The command and its arguments
    #[arg(help_heading = None, value_name = "COMMAND", last = true, required = true)]
    pub command: Vec<OsString>,
}

/// Becomes the command; returns only if that fails. The token is never an argument.
///
/// # Errors
///
/// If there is no login with a live token, or the command cannot be run.
pub fn run(args: &ExecArgs, mut context: Context) -> Result<ExitCode, Error> {
    let (_, login) = args.token.live(&mut context, "exec")?;
    let mut command = Command::new(&args.command[0]);
    command
        .args(&args.command[1..])
        .env(&args.env, login.access_token.expose());
    // The assertion is for us; the token that it brought is for the command.
    if let Some(Assertion {
        source: AssertionSource::Env(name),
        ..
    }) = &login.unattended.assertion
    {
        command.env_remove(name);
    }
    if login.is_bound() {
        command.env(TOKEN_TYPE, TokenType::Dpop.as_str());
        warn_user!(
            ProofNeeded,
            "the token is bound to a key (DPoP): the command needs a proof for each request, from mcp-login headers --dpop"
        );
    }
    process::restore_core_limit();
    let _ = terminal::finish();
    // Where this process stays beside the command, it needs no token.
    drop(login);
    process::become_command(command).map_err(|source| Error::Command {
        program: args.command[0].to_string_lossy().into_owned(),
        not_found: source.kind() == ErrorKind::NotFound,
        source,
    })
}
