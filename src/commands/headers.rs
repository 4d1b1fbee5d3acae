//! `headers`: print a live access token as the headers of a request, as clients ask a helper for them.

use std::env;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Map, Value};
use url::Url;

use super::token::{refuse_bound, TokenArgs};
use crate::cli::servers;
use crate::context::Context;
use crate::error::Error;
use crate::http::dpop::Nonces;
use crate::oauth::challenge;
use crate::oauth::endpoint;
use crate::oauth::jwt::dpop::is_nonce;
use crate::output;
use crate::refresh;

/// The variables in which Claude Code gives its helper the URL and the name of the server.
const HELPER_URL: &str = "CLAUDE_CODE_MCP_SERVER_URL";
const HELPER_NAME: &str = "CLAUDE_CODE_MCP_SERVER_NAME";

/// The options of printing headers.
#[derive(Clone, Debug, Args)]
pub struct HeadersArgs {
    #[command(flatten)]
    pub token: TokenArgs,

    /// With --dpop: the method of the request that the proof is for, such as POST
    #[arg(long, value_name = "METHOD", requires = "dpop", value_parser = method)]
    pub method: Option<String>,

    /// With --dpop: the URL of that request
    #[arg(long, value_name = "URL", requires_all = ["dpop", "method"], value_parser = url)]
    pub url: Option<Url>,

    /// The WWW-Authenticate value that refused the last request: an invalid token is refreshed
    #[arg(long, value_name = "VALUE", requires = "dpop")]
    pub challenge: Option<String>,

    /// The DPoP-Nonce value of the last response
    #[arg(long, value_name = "NONCE", requires = "dpop", value_parser = nonce)]
    pub dpop_nonce: Option<String>,
}

fn url(raw: &str) -> Result<Url, String> {
    endpoint::parse(raw).map_err(|why| why.to_string())
}

fn method(raw: &str) -> Result<String, &'static str> {
    match challenge::is_token(raw) {
        true => Ok(raw.to_owned()),
        false => Err("it is not a method of HTTP"),
    }
}

fn nonce(raw: &str) -> Result<String, &'static str> {
    match is_nonce(raw) {
        true => Ok(raw.to_owned()),
        false => Err("it is not a nonce"),
    }
}

/// Checks that a proof is for a request to the server of the login.
fn check_request(server: &str, url: &Url) -> Result<(), Error> {
    match Url::parse(server) {
        Ok(server) if server.origin() != url.origin() => Err(Error::usage(
            format!("the login is for {server}, and the request goes to another server"),
            "give the URL of a request to that server",
        )),
        _ => Ok(()),
    }
}

/// Prints the headers.
///
/// # Errors
///
/// If there is no login with a live token; [`Error::Usage`] if its token is bound, and no request is named, or the other way
/// round, or the request is for another server.
pub fn run(args: &HeadersArgs, mut context: Context) -> Result<ExitCode, Error> {
    let variable = |name| env::var(name).ok().filter(|value| !value.is_empty());
    let key = match (
        &args.token.server,
        variable(HELPER_URL),
        variable(HELPER_NAME),
    ) {
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
    let proves = args.method.is_some() && args.url.is_some();
    if args.token.unattended.dpop != proves {
        return Err(Error::usage(
            "a proof is for one request",
            "name it: --dpop --method METHOD --url URL",
        ));
    }
    args.token.unattended.apply(&key, &mut context)?;
    let mut freshness = args.token.freshness();
    let challenges = challenge::parse(args.challenge.as_deref());
    let is_invalid = |it: &challenge::Challenge| it.parameter("error") == Some("invalid_token");
    freshness.refresh |= challenges.iter().any(is_invalid);
    let login = refresh::live(&key, freshness, &context)?;
    let nonces = Nonces::default();
    let credential = refresh::credential(&login, &nonces);
    let headers = match (&args.method, &args.url) {
        (Some(method), Some(url)) => {
            check_request(&login.server, url)?;
            if !login.is_bound() {
                let server = &key.server;
                return Err(Error::usage(
                    format!("the login to {server} is not bound to a key: it needs no proofs"),
                    "leave out --dpop, or log in again with --dpop",
                ));
            }
            nonces.learn(url, args.dpop_nonce.as_deref());
            credential.headers(method, url)
        }
        _ => {
            refuse_bound(&login, "headers without --dpop")?;
            vec![credential.authorization()]
        }
    };
    let headers: Map<String, Value> = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.as_str().into()))
        .collect();
    Ok(output::print_json(&headers))
}
