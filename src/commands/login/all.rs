//! `--all`: a login to every server in the configurations of MCP clients; and what is asked about a project's servers.

use std::time::Duration;

use super::options::LoginArgs;
use super::request::{self, requests};
use super::servers::RequestedServer;
use crate::cli::names;
use crate::clients::config::ConfiguredServer;
use crate::context::Context;
use crate::error::Error;
use crate::failure::{Hint, LoginCommand};
use crate::login::Event;
use crate::oauth::text::printable;
use crate::os::process::EnvironmentSecrets;
use crate::os::terminal;
use crate::os::terminal::question::{self, Answer};
use crate::output::{Line, Reporter};
use crate::store::cache::Cache;

/// Most logins that `--all` makes.
const MAX_LOGINS: usize = 32;

/// The kind of cache entry for a server that needs no login.
const OPEN: &str = "open";

/// Remembers whether the server of an event answered without a login.
pub fn remember_open(cache: &Cache, event: &Event) {
    let (server, is_now_open) = match event {
        Event::Failed { server, error } if error.needs_no_login() => (*server, true),
        Event::LoggedIn(report) => (report.key.server.as_str(), false),
        _ => return,
    };
    if is_open(cache, server) != is_now_open {
        cache.put(OPEN, server, &is_now_open);
    }
}

/// Tells whether a server answered without a login when it was last asked.
pub fn is_open(cache: &Cache, server: &str) -> bool {
    cache.get(OPEN, server).unwrap_or(false)
}

/// Returns the servers in the configurations that need a login; reports which are skipped, and why.
///
/// # Errors
///
/// [`Error::Usage`] for the user's own options, and for a configuration that `--from` names and that cannot be read.
pub fn requested(
    args: &LoginArgs,
    context: &Context,
    reporter: &mut Reporter,
) -> Result<Vec<RequestedServer>, Error> {
    let found = names::scan(args.from.as_deref())?;
    for problem in &found.unusable {
        let name = problem.name.as_deref().unwrap_or_default();
        reporter.json(&Line::Skipped {
            server: None,
            name,
            client: problem.client,
            reason: &problem.why,
        });
        terminal::say(&format!(
            "left out: {}:{}: {}",
            problem.client,
            printable(name),
            printable(&problem.why)
        ));
    }
    let method = &args.method;
    let profile = context.profile.as_deref();
    // The user's own options are checked before any server is skipped because of them.
    requests(method, &[], true, profile, &EnvironmentSecrets::default())?;
    request::anywhere(method, profile, &EnvironmentSecrets::default())?;
    let mut servers = Vec::new();
    let mut keys = Vec::new();
    for named in found.servers {
        let server = RequestedServer::named(named, args.from.is_some());
        let planned = match reason_to_skip(&server, keys.len()) {
            Some(reason) => Err(reason),
            None => requests(
                method,
                std::slice::from_ref(&server),
                true,
                profile,
                &EnvironmentSecrets::default(),
            )
            .map_err(|err| err.to_string()),
        };
        match planned {
            Ok(requests) => {
                let new: Vec<_> = requests
                    .into_iter()
                    .map(|request| request.key)
                    .filter(|key| !keys.contains(key))
                    .collect();
                if !new.is_empty() {
                    servers.push(server);
                }
                keys.extend(new);
            }
            Err(reason) => report_skipped(&server, &reason, reporter),
        }
    }
    Ok(servers)
}

fn report_skipped(server: &RequestedServer, reason: &str, reporter: &mut Reporter) {
    let Some(named) = &server.named else { return };
    let url = named.shown_url();
    reporter.json(&Line::Skipped {
        server: Some(&url),
        name: &named.name,
        client: named.source,
        reason,
    });
    terminal::say(&format!(
        "left out: {} ({}): {reason}",
        printable(&named.full_name()),
        printable(&url)
    ));
}

/// Returns why no login is made to a server. Each login opens a page, so there is a limit.
fn reason_to_skip(server: &RequestedServer, count: usize) -> Option<String> {
    let named = server.named.as_ref()?;
    if let Some(reason) = named.skip() {
        return Some(reason.to_owned());
    }
    if server.of_project().is_some() {
        let client = named.source;
        return Some(format!(
            "a file of this project names it; --from {client} includes it"
        ));
    }
    (count >= MAX_LOGINS).then(|| format!("{MAX_LOGINS} logins at once are enough"))
}

/// Refuses a login to a server that only a project's file names, if nobody can be asked about it.
///
/// # Errors
///
/// [`Error::Usage`].
pub fn refuse_unasked(servers: &[RequestedServer]) -> Result<(), Error> {
    match servers.iter().find_map(RequestedServer::of_project) {
        Some(named) if !question::can_be_asked() => Err(Error::usage(
            format!("not logging in unasked: {}", named.introduction()),
            Hint::Else("if you mean that server".to_owned(), with_client(named)),
        )),
        _ => Ok(()),
    }
}

/// Asks about each server that only a project's file names.
///
/// # Errors
///
/// [`Error::NotLoggedIn`] without a yes.
pub fn ask(servers: &[RequestedServer], limit: Duration) -> Result<(), Error> {
    for named in servers.iter().filter_map(RequestedServer::of_project) {
        let url = printable(&named.shown_url());
        let why = match question::ask(&format!("log in to {url}?"), limit) {
            Answer::Yes => continue,
            Answer::No => "you said no",
            Answer::Nothing => "the question was not answered in time",
        };
        return Err(Error::NotLoggedIn {
            message: format!("not logged in to {url}: {why}"),
            hint: Hint::Login(with_client(named)),
        });
    }
    Ok(())
}

/// Returns the command that logs in without a question.
fn with_client(named: &ConfiguredServer) -> Box<LoginCommand> {
    // A name that begins with `-` would be read as an option.
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
