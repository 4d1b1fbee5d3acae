//! `headers`: print a live access token as the headers of a request, as clients ask a helper for them.

use std::env;
use std::process::ExitCode;

use serde_json::json;

use super::token::TokenArgs;
use crate::cli::servers;
use crate::context::Context;
use crate::error::Error;
use crate::oauth::secret::Secret;
use crate::oauth::text::json_line;
use crate::output;

/// The variables in which Claude Code gives its helper the URL and the name of the server.
const HELPER_URL: &str = "CLAUDE_CODE_MCP_SERVER_URL";
const HELPER_NAME: &str = "CLAUDE_CODE_MCP_SERVER_NAME";

/// Prints the headers.
///
/// # Errors
///
/// If there is no login with a live token.
pub fn run(
    args: &TokenArgs,
    mut context: Context,
    env_secret: Option<&Secret>,
) -> Result<ExitCode, Error> {
    let variable = |name| env::var(name).ok().filter(|value| !value.is_empty());
    let key = match (&args.server, variable(HELPER_URL), variable(HELPER_NAME)) {
        (None, None, Some(name)) => {
            let logins = context.stored_ids()?;
            servers::stored(
                &name,
                Some("claude-code"),
                context.profile.as_deref(),
                &logins,
            )?
        }
        (given, url, _) => servers::find(given.as_deref().or(url.as_deref()), &context)?,
    };
    args.unattended.apply(&key, &mut context, env_secret)?;
    let login = args.freshness.live(&key, &context)?;
    let headers = json!({"Authorization": format!("Bearer {}", login.access_token.expose())});
    Ok(output::print(&json_line(&headers).unwrap_or_default()))
}
