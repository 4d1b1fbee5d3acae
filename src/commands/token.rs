//! `token`: print a live access token.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::grant::UnattendedArgs;
use crate::cli::servers;
use crate::cli::values;
use crate::context::Context;
use crate::error::Error;
use crate::oauth::text::printable;
use crate::os::terminal;
use crate::output::{self, duration_in_words};
use crate::refresh::{self, Freshness};
use crate::store::{Credentials, StoredId};

/// The options of what prints a token.
#[derive(Clone, Debug, Args)]
pub struct TokenArgs {
    /// The server, as at the login [default: the only login]
    #[arg(value_name = "SERVER", value_parser = values::server)]
    pub server: Option<String>,

    /// Refresh if the token expires sooner than this; 0 to use it until it expires
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = values::duration_or_none)]
    pub min_ttl: Duration,

    /// Refresh in any case, once
    #[arg(long)]
    pub refresh: bool,

    #[command(flatten)]
    pub unattended: UnattendedArgs,
}

impl TokenArgs {
    /// Finds the login, or makes one for this run, and returns it with a token that is as fresh as the user wants it,
    /// for a command that uses it after the key of a proof is gone.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`], and those of [`refresh::live`].
    pub fn live(
        &self,
        context: &mut Context,
        command: &str,
    ) -> Result<(StoredId, Credentials), Error> {
        let key = servers::find(self.server.as_deref(), context)?;
        self.unattended.refuse_dpop(command)?;
        self.unattended.apply(&key, context)?;
        let login = refresh::live(&key, self.freshness(), context)?;
        Ok((key, login))
    }

    /// Returns when the token is refreshed.
    pub fn freshness(&self) -> Freshness {
        Freshness::new(self.min_ttl, self.refresh)
    }
}

/// Refuses to give a token that is bound to a key to what cannot send a proof with each request.
///
/// # Errors
///
/// [`Error::Usage`] with what can.
pub fn refuse_bound(login: &Credentials, command: &str) -> Result<(), Error> {
    if !login.is_bound() {
        return Ok(());
    }
    let server = printable(&login.server);
    Err(Error::usage(
        format!(
            "the token for {server} is bound to a key (DPoP): each request needs a proof of its own, which {command} cannot give"
        ),
        format!(
            "use `mcp-login connect {server}` as the MCP server of a client, or `mcp-login headers --dpop --method METHOD \
             --url URL {server}` for each request; a login without --dpop has a token that needs no proofs"
        ),
    ))
}

/// Prints the access token.
///
/// # Errors
///
/// If there is no login with a live token.
pub fn run(args: &TokenArgs, mut context: Context) -> Result<ExitCode, Error> {
    let (key, login) = args.live(&mut context, "token")?;
    let token = login.access_token.expose();
    if !context.json {
        refuse_bound(&login, "token")?;
        return Ok(output::print(token));
    }
    let token_type = login.token_type.known().unwrap_or_default().as_str();
    let line = json!({"access_token": token, "token_type": token_type, "expires_at": login.expires_at, "server": key.server});
    Ok(output::print_json(&line))
}

/// The server of a command without other options.
#[derive(Clone, Debug, Args)]
pub struct ServerArgs {
    /// The server, as at the login [default: the only login]
    #[arg(value_name = "SERVER", value_parser = values::server)]
    pub server: Option<String>,
}

/// Refreshes the access token now, and prints no token.
///
/// # Errors
///
/// If there is no login with a live token, or it cannot be refreshed.
pub fn refresh(args: &ServerArgs, context: &Context) -> Result<ExitCode, Error> {
    let key = servers::find(args.server.as_deref(), context)?;
    let freshness = Freshness::new(Duration::ZERO, true);
    let login = refresh::live(&key, freshness, context)?;
    if context.json {
        let line =
            json!({"server": key.server, "profile": key.profile, "expires_at": login.expires_at});
        return Ok(output::print_json(&line));
    }
    let mut text = format!("got a new access token for {}", key.server);
    if let Some(at) = login.expires_at {
        let left = at.seconds_left().max(0).unsigned_abs();
        text += &format!("; it expires in {}", duration_in_words(left));
    }
    terminal::say_good(&text);
    Ok(ExitCode::SUCCESS)
}
