//! The commands that use a stored login.

use std::env;
use std::io::ErrorKind;
use std::process::ExitCode;

use serde_json::json;

use super::{configured, new_context, LOST_OUTPUT};
use crate::cli::servers;
use crate::cli::{Common, ExecArgs, LogoutArgs, NeedArgs, StatusArgs, TokenArgs};
use crate::commands::exec::exec;
use crate::commands::logout::{logout, LoggedOut};
use crate::commands::status::{self, LoginState};
use crate::context::Context;
use crate::error::Error;
use crate::failure::Class;
use crate::oauth::text::json_line;
use crate::os::browser::BrowserChoice;
use crate::os::clock::Deadline;
use crate::os::terminal;
use crate::output::{self, Reporter};
use crate::refresh::{self, Freshness};
use crate::store::{Credentials, StoredId};

/// What Claude Code names the server by when it runs a helper.
const HELPER_URL: &str = "CLAUDE_CODE_MCP_SERVER_URL";
const HELPER_NAME: &str = "CLAUDE_CODE_MCP_SERVER_NAME";

/// Returns the tools of the commands that use what is stored.
pub fn use_context(common: &Common) -> Result<Context, Error> {
    new_context(common, BrowserChoice::default(), refresh::LIMIT)
}

pub(super) fn keys(context: &Context) -> Result<Vec<StoredId>, Error> {
    status::keys(context)
}

/// Finds the login that is meant; a URL needs no look into the index.
pub fn find(server: Option<&str>, common: &Common, context: &Context) -> Result<StoredId, Error> {
    match server {
        Some(text) if text.contains("://") => servers::stored(text, None, common, &[]),
        Some(text) => servers::stored(text, None, common, &keys(context)?),
        None => servers::only(common, &keys(context)?),
    }
}

fn live(key: &StoredId, need: &NeedArgs, context: &Context) -> Result<Credentials, Error> {
    let need = Freshness {
        min_ttl: need.min_ttl,
        refresh: need.refresh,
    };
    refresh::live(key, need, context, Deadline::after(refresh::LIMIT))
}

/// Prints a product; whoever wanted it may have gone.
pub fn print(text: &str) -> ExitCode {
    match terminal::product(text) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads wants no more, as `head` does.
        Err(err) if err.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(err) => {
            terminal::complain("error", &format!("cannot write to stdout: {err}"));
            ExitCode::from(LOST_OUTPUT)
        }
    }
}

/// `token`
pub fn run_token(args: &TokenArgs, common: &Common) -> Result<ExitCode, Error> {
    let context = use_context(common)?;
    let key = find(args.server.as_deref(), common, &context)?;
    let kept = live(&key, &args.need, &context)?;
    let token = kept.access_token.expose();
    if !common.json {
        return Ok(print(token));
    }
    let line = json!({"access_token": token, "token_type": "Bearer", "expires_at": kept.expires_at, "server": key.server});
    Ok(print(&json_line(&line).unwrap_or_default()))
}

/// `headers`
pub fn run_headers(args: &TokenArgs, common: &Common) -> Result<ExitCode, Error> {
    let context = use_context(common)?;
    let variable = |name| env::var(name).ok().filter(|value| !value.is_empty());
    let key = match (&args.server, variable(HELPER_URL), variable(HELPER_NAME)) {
        (None, None, Some(name)) => {
            servers::stored(&name, Some("claude-code"), common, &keys(&context)?)?
        }
        (given, url, _) => find(given.as_deref().or(url.as_deref()), common, &context)?,
    };
    let kept = live(&key, &args.need, &context)?;
    let headers = json!({"Authorization": format!("Bearer {}", kept.access_token.expose())});
    Ok(print(&json_line(&headers).unwrap_or_default()))
}

/// `exec`
pub fn run_exec(args: &ExecArgs, common: &Common) -> Result<ExitCode, Error> {
    let context = use_context(common)?;
    let key = find(Some(&args.server), common, &context)?;
    let kept = live(&key, &args.need, &context)?;
    drop(context);
    crate::os::process::restore_core_limit();
    let _ = terminal::finish();
    Err(exec(kept, &args.env, &args.command))
}

/// `status`
pub fn run_status(args: &StatusArgs, common: &Common) -> Result<ExitCode, Error> {
    let context = use_context(common)?;
    if let (Some(client), true) = (&args.from, args.servers.is_empty()) {
        return configured::run_status(client, common, &context);
    }
    let mut logins = status::status(&context)?;
    let keys: Vec<_> = logins.iter().map(status::Login::key).collect();
    let wanted = args
        .servers
        .iter()
        .map(|text| servers::all_stored(text, args.from.as_deref(), common, &keys));
    let wanted = wanted.collect::<Result<Vec<_>, _>>()?.concat();
    if !wanted.is_empty() {
        logins.retain(|login| wanted.contains(&login.key()));
    } else if let Some(profile) = &common.profile {
        logins.retain(|login| login.entry.profile == *profile);
    }
    let missing = wanted.iter().filter(|key| !keys.contains(key));
    let needing = logins
        .iter()
        .filter(|login| !wanted.is_empty() && login.state == LoginState::NeedsLogin);
    let code = if missing.clone().count() + needing.count() > 0 {
        Class::LoginNeeded.into()
    } else {
        ExitCode::SUCCESS
    };
    if common.json {
        let text = json_line(&json!({ "logins": logins })).unwrap_or_default();
        let lost = terminal::product(&text).is_err();
        return Ok(if lost {
            ExitCode::from(LOST_OUTPUT)
        } else {
            code
        });
    }
    let table = output::table(&logins);
    let lost = !table.is_empty() && terminal::product(table.trim_end()).is_err();
    for key in missing {
        let login = output::hint::command(&refresh::Settings::of(&context).login(key, &[]));
        terminal::say(&format!(
            "there is no login to {}; log in with: {login}",
            key.server
        ));
    }
    if keys.is_empty() && wanted.is_empty() {
        terminal::say("there are no logins");
    }
    Ok(if lost {
        ExitCode::from(LOST_OUTPUT)
    } else {
        code
    })
}

/// `logout`
pub fn run_logout(args: &LogoutArgs, common: &Common) -> Result<ExitCode, Error> {
    let context = use_context(common)?;
    let known = keys(&context)?;
    let wanted: Vec<StoredId> = match args.all {
        true => known
            .into_iter()
            .filter(|key| {
                common
                    .profile
                    .as_ref()
                    .is_none_or(|name| *name == key.profile)
            })
            .collect(),
        false => args
            .servers
            .iter()
            .map(|text| servers::stored(text, None, common, &known))
            .collect::<Result<_, _>>()?,
    };
    let mut worst = None;
    let mut reporter = Reporter::new(common.json, wanted.len() > 1);
    for key in wanted {
        let result = match logout(&key, &context) {
            Ok(LoggedOut::NotRevoked { source, lives }) => Err(Error::NotRevoked {
                server: key.server.clone(),
                source,
                lives,
            }),
            other => other,
        };
        match result {
            Ok(how) => reporter.logged_out(&key, &how),
            Err(err) => {
                reporter.fail(Some(&key.server), &err);
                worst = worst.or(Some(err.class()));
            }
        }
    }
    Ok(worst.unwrap_or(Class::Success).into())
}
