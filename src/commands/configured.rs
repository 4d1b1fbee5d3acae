//! All servers of the MCP clients' configurations at once: the login to them, and the status of it.

use std::process::ExitCode;
use std::slice;
use std::time::Duration;

use serde_json::json;

use super::LOST_OUTPUT;
use crate::cli::names::{self, Target};
use crate::cli::{plan, servers, Common, LoginArgs};
use crate::clients::config::ConfiguredServer;
use crate::commands::status;
use crate::context::Context;
use crate::error::Error;
use crate::failure::{Class, Hint, LoginCommand};
use crate::login::Event;
use crate::oauth::text::{json_line, printable};
use crate::os::terminal;
use crate::os::terminal::question::{self, Answer};
use crate::output::{self, NamedLogin, Reporter};
use crate::store::cache::Cache;
use crate::store::StoredId;

/// Most logins that `--all` makes.
const MAX_LOGINS: usize = 32;

/// The kind of what the cache knows about servers that need no login.
const OPEN: &str = "open";

/// Remembers which servers answered without a login.
pub(super) struct NoLoginCache(Cache);

impl NoLoginCache {
    pub fn new(cache: Cache) -> Self {
        Self(cache)
    }

    /// Learns from what happens to a login.
    pub fn note(&self, event: &Event) {
        let (server, is_open) = match event {
            Event::Failed { server, error } if error.needs_no_login() => (*server, true),
            Event::LoggedIn(report) => (report.key.server.as_str(), false),
            _ => return,
        };
        if self.is_open(server) != is_open {
            self.0.put(OPEN, server, &is_open);
        }
    }

    fn is_open(&self, server: &str) -> bool {
        self.0.get(OPEN, server).unwrap_or(false)
    }
}

/// Returns the servers that the configurations name and that want a login; tells which are left out, and why.
pub(super) fn targets(
    args: &LoginArgs,
    common: &Common,
    reporter: &mut Reporter,
) -> Result<Vec<Target>, Error> {
    let found = names::look(args.from.as_deref())?;
    found
        .unusable
        .iter()
        .for_each(|trouble| reporter.skipped_for(trouble));
    // What is wrong with the user's own options is no server's fault.
    plan::logins(args, &[], common, None)?;
    plan::anywhere(args, common, None)?;
    let (mut targets, mut keys): (Vec<Target>, Vec<StoredId>) = Default::default();
    for named in found.servers {
        let target = Target {
            text: named.url.clone(),
            named: Some(named.clone()),
            client_given: args.from.is_some(),
        };
        let planned = match leave_out(&named, args, keys.len()) {
            Some(reason) => Err(reason),
            None => plan::logins(args, slice::from_ref(&target), common, None)
                .map_err(|err| err.to_string()),
        };
        match planned {
            Ok(requests) => {
                let new: Vec<_> = requests
                    .into_iter()
                    .map(|it| it.key)
                    .filter(|key| !keys.contains(key))
                    .collect();
                targets.extend((!new.is_empty()).then_some(target));
                keys.extend(new);
            }
            Err(reason) => reporter.skipped(&named, &reason),
        }
    }
    Ok(targets)
}

/// Tells why no login is made to a server, of so many before it; each one opens a page.
fn leave_out(named: &ConfiguredServer, args: &LoginArgs, before: usize) -> Option<String> {
    let of_project = || {
        let is_theirs = named.in_project && args.from.is_none();
        is_theirs.then(|| {
            format!(
                "a file of this project names it; --from {} takes it too",
                named.source
            )
        })
    };
    let too_many =
        || (before >= MAX_LOGINS).then(|| format!("{MAX_LOGINS} logins at once are enough"));
    named
        .skip()
        .map(str::to_owned)
        .or_else(of_project)
        .or_else(too_many)
}

/// Tells where a login by name would be made by the word of a project's file alone, if nobody can be asked about it.
///
/// # Errors
///
/// [`Error::Usage`].
pub(super) fn refuse_unasked(targets: &[Target]) -> Result<(), Error> {
    match targets.iter().find_map(Target::of_project) {
        Some(named) if !question::can_be_asked() => Err(Error::Usage {
            message: format!("not logging in unasked: {}", named.introduction()),
            hint: Some(Hint::Else(
                "if that is the server that you mean".to_owned(),
                with_client(named),
            )),
        }),
        _ => Ok(()),
    }
}

/// Asks about each login that would be made by the word of a project's file alone.
///
/// # Errors
///
/// [`Error::NotLoggedIn`] without a yes.
pub(super) fn ask(targets: &[Target], limit: Duration) -> Result<(), Error> {
    for named in targets.iter().filter_map(Target::of_project) {
        let url = printable(&named.shown_url());
        let why = match question::ask(&format!("Log in to {url}?"), limit) {
            Answer::Yes => continue,
            Answer::No => "you said no",
            Answer::Nothing => "the question was not answered in time",
        };
        let message = format!("not logged in to {url}: {why}");
        return Err(Error::NotLoggedIn {
            message,
            hint: Hint::Login(with_client(named)),
        });
    }
    Ok(())
}

/// Returns the command that logs in without a question.
fn with_client(named: &ConfiguredServer) -> Box<LoginCommand> {
    // A name that begins with `-` would be taken for an option.
    let (options, name) = match named.name.starts_with('-') {
        true => (Vec::new(), named.full_name()),
        false => (
            vec!["--from".to_owned(), named.source.to_string()],
            named.name.clone(),
        ),
    };
    Box::new(LoginCommand {
        options,
        target: vec![printable(&name)],
        ..LoginCommand::default()
    })
}

/// `status --from CLIENT`
pub(super) fn run_status(
    client: &str,
    common: &Common,
    context: &Context,
) -> Result<ExitCode, Error> {
    let found = names::look(Some(client))?;
    let (logins, openness) = (status::status(context)?, NoLoginCache::new(context.cache()));
    found
        .unusable
        .iter()
        .for_each(|trouble| log::warn!("{trouble}"));
    let mut rows = Vec::new();
    for named in found.servers {
        match servers::parse(&named.url, common, false) {
            Ok(server) => {
                let login = logins
                    .iter()
                    .find(|login| login.key() == server.key)
                    .cloned();
                let is_free = named.skip().is_some() || openness.is_open(&server.key.server);
                rows.push(NamedLogin {
                    named,
                    key: server.key,
                    login,
                    is_free,
                });
            }
            Err(err) => log::warn!("{err}"),
        }
    }
    let code = if rows.iter().any(NamedLogin::needs_login) {
        Class::LoginNeeded.into()
    } else {
        ExitCode::SUCCESS
    };
    let text = match common.json {
        true => {
            json_line(&json!({ "logins": rows.iter().map(NamedLogin::json).collect::<Vec<_>>() }))
                .unwrap_or_default()
        }
        false => output::named_table(&rows).trim_end().to_owned(),
    };
    if rows.is_empty() {
        terminal::say(&format!(
            "the configuration of {client} names no server that is reached over HTTP"
        ));
    }
    let is_lost = !text.is_empty() && terminal::product(&text).is_err();
    Ok(if is_lost {
        ExitCode::from(LOST_OUTPUT)
    } else {
        code
    })
}
