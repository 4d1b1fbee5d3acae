//! `logout`: revoke the tokens of a login, and remove it in any case.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use url::Url;

use super::{forget, handover};
use crate::cli::{servers, values};
use crate::clients::{ours, Places};
use crate::context::Context;
use crate::error::Error;
use crate::failure::Class;
use crate::http::Http;
use crate::oauth::text::printable;
use crate::os::clock::{Deadline, Time};
use crate::os::terminal;
use crate::output::{self, Line, Reporter};
use crate::refresh::LockedLogin;
use crate::store::{Credentials, HandedOver, Interaction, StoreError, StoredId};
use crate::token_endpoint::{client_of, revoke};
use crate::warning::warn_user;

/// Longest time of one request.
const REQUEST_LIMIT: Duration = Duration::from_secs(10);

/// Longest wait for a refresh that is under way.
const LOCK_LIMIT: Duration = Duration::from_secs(10);

/// The options of logging out.
#[derive(Clone, Debug, Args)]
pub struct LogoutArgs {
    /// The servers, as at the login [default: the only login]
    #[arg(value_name = "SERVER", value_parser = values::server, conflicts_with = "all")]
    pub servers: Vec<String>,

    /// All logins; with --profile, all of that profile
    #[arg(long)]
    pub all: bool,

    /// With --all: also take back what handover wrote, and remove every file of mcp-login, such as registrations and locks
    #[arg(long, requires = "all", conflicts_with = "profile")]
    pub forget: bool,
}

/// How a logout went. The login is removed in each case.
enum LoggedOut {
    /// There was no login.
    NotThere,
    /// The server has revoked the tokens.
    Revoked,
    /// The server had refused the tokens before.
    Ended,
    /// The refresh token is revoked; the server cannot revoke the access token.
    AccessTokenLives(Option<Time>),
    /// Another program has the tokens, and goes on using them.
    HandedOver(String),
    /// The server cannot revoke tokens.
    CannotRevoke {
        /// When the access token expires, if the server said so.
        until: Option<Time>,
        /// There is a refresh token.
        is_refreshable: bool,
    },
}

/// Logs out of the servers.
///
/// # Errors
///
/// [`Error::Usage`]. What fails for one login is printed, and decides the exit status.
pub fn run(args: &LogoutArgs, context: &Context) -> Result<ExitCode, Error> {
    let known = context.stored_ids()?;
    let profile = context.profile.as_deref();
    let is_wanted = |key: &StoredId| profile.is_none_or(|name| name == key.profile);
    let wanted: Vec<StoredId> = match args.all {
        true => known.into_iter().filter(is_wanted).collect(),
        false if known.is_empty() && args.servers.is_empty() => Vec::new(),
        false if args.servers.is_empty() => vec![servers::find(None, context)?],
        false => args
            .servers
            .iter()
            .map(|text| servers::stored(text, None, profile, &known))
            .collect::<Result<_, _>>()?,
    };
    if wanted.is_empty() {
        terminal::say("there are no logins");
    }
    let mut worst = None;
    let mut reporter = Reporter::new(context.json, wanted.len() > 1);
    for key in &wanted {
        match logout(key, context) {
            Ok(how) => {
                let (word, sentence) = in_words(key, &how);
                let (server, profile) = (&key.server, &key.profile);
                reporter.json(&Line::LoggedOut {
                    server,
                    profile,
                    tokens: word,
                });
                terminal::say(&sentence);
            }
            Err(err) => {
                reporter.fail(Some(&key.server), &err);
                worst = worst.or(Some(err.class()));
            }
        }
    }
    if args.forget {
        if let Err(err) = forget::run(context, &mut reporter) {
            reporter.fail(None, &err);
            worst = worst.or(Some(err.class()));
        }
    }
    wanted.iter().for_each(|key| warn_of_clients(key, context));
    Ok(reporter.exit_code(worst.unwrap_or(Class::Success)))
}

/// Names the clients that go on asking us for a login which is gone.
fn warn_of_clients(key: &StoredId, context: &Context) {
    let Some(places) = Places::detect() else {
        return;
    };
    let written = handover::written(context);
    for client in ours::that_ask_for(key, &places) {
        let path = client.path.display().to_string();
        let words = ["handover", &key.server, "--to", client.source, "--undo"];
        let undo = output::hint::for_login(&words, key, &context.settings);
        let is_written = written.contains(&(client.source.to_owned(), key.clone()));
        let advice = match is_written {
            true => format!("`{undo}` takes that out"),
            false => "take that out by hand".to_owned(),
        };
        warn_user!(
            TokenEnded,
            "{} ({}) still runs mcp-login for this login; {}",
            printable(&client.full_name()),
            printable(&path),
            printable(&advice)
        );
    }
}

/// Returns the word for scripts and the sentence for people.
fn in_words(key: &StoredId, how: &LoggedOut) -> (&'static str, String) {
    let server = format!("{}{}", key.server, output::profile_in_words(&key.profile));
    match how {
        LoggedOut::NotThere => ("not_there", format!("there was no login to {server}")),
        LoggedOut::Revoked => (
            "revoked",
            format!("logged out of {server}; its tokens are revoked"),
        ),
        LoggedOut::HandedOver(to) => (
            "handed_over",
            format!("removed the login to {server} here; {to} has its tokens: log out there"),
        ),
        LoggedOut::Ended => (
            "ended",
            format!("logged out of {server}; the server had refused its tokens before"),
        ),
        LoggedOut::AccessTokenLives(until) => (
            "access_token_lives",
            format!(
                "logged out of {server}; the server cannot revoke {}",
                access_token(*until)
            ),
        ),
        LoggedOut::CannotRevoke {
            until,
            is_refreshable,
        } => {
            let mut tokens = access_token(*until);
            if *is_refreshable {
                tokens.push_str(", and the refresh token, which lives until the server ends it");
            }
            (
                "cannot_revoke",
                format!("logged out of {server}; the server cannot revoke {tokens}"),
            )
        }
    }
}

fn access_token(until: Option<Time>) -> String {
    let until = until.map_or("the server ends it".to_owned(), Time::rfc3339);
    format!("the access token, which lives until {until}")
}

/// Logs out of one server. Waits for a refresh that is under way, which cannot restore the login.
fn logout(key: &StoredId, context: &Context) -> Result<LoggedOut, Error> {
    let store = context.store_to_read(Interaction::Allowed);
    let not_removed = |err| Error::not_removed(key, err);
    match store.find(key) {
        Ok(Some(_)) | Err(StoreError::Unreadable { .. }) => {}
        Ok(None) => {
            // The index may know of a login that its store does not have any more.
            store.delete(key).map_err(not_removed)?;
            return Ok(LoggedOut::NotThere);
        }
        Err(err) => return Err(Error::unreadable(key, err)),
    }
    // A refresh that hangs does not keep a login alive; it finds the login gone, and leaves it so.
    let deadline = Deadline::after(LOCK_LIMIT);
    let mut locked = LockedLogin::acquire(&store, key, deadline)
        .inspect_err(|err| warn_user!(LockNotTaken, "{err:#}"))
        .ok();
    if let Some(Err(err)) = locked.as_mut().map(|it| it.exclude_others(deadline)) {
        warn_user!(LockNotTaken, "{}", err.one_line());
    }
    let stored = match &locked {
        Some(locked) => locked.stored().map(|stored| stored.cloned()),
        None => store.find(key).map_err(Arc::new),
    };
    let stored = match stored {
        Ok(stored) => stored.map(|stored| stored.credentials),
        Err(err) if matches!(*err, StoreError::Unreadable { .. }) => {
            warn_user!(LoginUnreadable, "{err}; its tokens cannot be revoked");
            store.delete(key).map_err(not_removed)?;
            locked.iter().for_each(LockedLogin::end);
            return Ok(LoggedOut::CannotRevoke {
                until: None,
                is_refreshable: true,
            });
        }
        Err(err) => return Err(Error::unreadable(key, err)),
    };
    // What an interrupted refresh has received is revoked too.
    let rescued = locked.as_ref().map_or(Ok(None), LockedLogin::rescued);
    let is_rescued_read = rescued.is_ok();
    if let Err(err) = &rescued {
        warn_user!(
            LoginUnreadable,
            "{err:#}; the tokens in this file are not revoked"
        );
    }
    let login = rescued.ok().flatten().or(stored);
    let how = login.as_ref().map(|login| revoke_tokens(login, context));
    if let Err(err) = store.delete(key) {
        if matches!(how, Some(Ok(LoggedOut::Revoked))) {
            let server = &key.server;
            warn_user!(
                TokenEnded,
                "the tokens for {server} are revoked: what is still stored of them is of no use"
            );
        }
        return Err(not_removed(err));
    }
    if let Some(locked) = locked.filter(|_| is_rescued_read) {
        locked.end_deleted();
    }
    let (Some(login), Some(how)) = (login, how) else {
        return Ok(LoggedOut::NotThere);
    };
    match login.handed_over {
        Some(HandedOver { to, .. }) if login.refresh_token.is_none() => {
            Ok(LoggedOut::HandedOver(to))
        }
        _ => how,
    }
}

/// Revokes both tokens, the refresh token first.
fn revoke_tokens(login: &Credentials, context: &Context) -> Result<LoggedOut, Error> {
    let endpoint = login
        .revocation_endpoint
        .as_ref()
        .and_then(|endpoint| Url::parse(endpoint).ok());
    let until = login.expires_at;
    let has_expired = until.is_some_and(Time::has_passed);
    let is_refreshable = login.refresh_token.is_some() && !login.needs_login;
    let Some(endpoint) = endpoint.filter(|_| !login.access_token.expose().is_empty()) else {
        return Ok(match login.needs_login && has_expired {
            true => LoggedOut::Ended,
            false => LoggedOut::CannotRevoke {
                until,
                is_refreshable,
            },
        });
    };
    let http = Http::new(&context.settings.http, &login.typed_urls(), REQUEST_LIMIT);
    let client = client_of(login).map_err(|err| Error::NotRevoked {
        server: login.server.clone(),
        source: err.into(),
        lives: lives(login, login.refresh_token.is_some()),
    })?;
    let revoke = |kind, token| revoke(&endpoint, &client, (kind, token), &http);
    let refresh = (login.refresh_token.as_ref()).map(|token| revoke("refresh_token", token));
    let access = revoke("access_token", &login.access_token);
    let not_revoked = |source, with_refresh_token| Error::NotRevoked {
        server: login.server.clone(),
        source,
        lives: lives(login, with_refresh_token),
    };
    let is_revoked = matches!(refresh, Some(Ok(())));
    match (refresh, access) {
        // What the server has refused before needs no end.
        (Some(Err(source)), _) if is_refreshable && !source.is_of_ended_token() => {
            Err(not_revoked(source, true))
        }
        (_, Ok(())) => Ok(LoggedOut::Revoked),
        (_, Err(err)) if has_expired || err.is_of_ended_token() => Ok(match is_revoked {
            true => LoggedOut::Revoked,
            false => LoggedOut::Ended,
        }),
        (_, Err(err)) if err.is_unsupported() => Ok(LoggedOut::AccessTokenLives(until)),
        // A server that revokes the refresh token ends the access token with it, if it can end it at all.
        (_, Err(_)) if is_revoked => Ok(LoggedOut::Revoked),
        (_, Err(source)) => Err(not_revoked(source, false)),
    }
}

/// Says which tokens live, and until when.
fn lives(login: &Credentials, with_refresh_token: bool) -> String {
    let mut tokens = Vec::new();
    match login.expires_at {
        Some(at) if at.has_passed() => {}
        Some(at) => tokens.push(format!("the access token lives until {}", at.rfc3339())),
        None => tokens.push("the access token lives until the server ends it".to_owned()),
    }
    if with_refresh_token {
        tokens.push("the refresh token lives until the server ends it".to_owned());
    }
    tokens.join(", ")
}
