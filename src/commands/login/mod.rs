//! `login`, the command that needs no name: log in to servers.

pub mod all;
mod authority;
mod next;
pub mod options;
mod pick;
mod provider;
pub mod request;
pub mod servers;

use std::process::ExitCode;
use std::sync::Arc;

use super::handover;
use crate::context::Context;
use crate::error::Error;
use crate::login::{self, Event, Outcome, Report, Request, UserOptions};
use crate::os::terminal::question::{self, Answer};
use crate::os::terminal::{self, paste};
use crate::output::Reporter;
use crate::store::{GrantType, StoredId};
use options::LoginArgs;
use servers::{requested, RequestedServer};

/// Logs in.
///
/// # Errors
///
/// [`Error::Usage`]. What fails for one login is reported, and decides the exit status.
pub fn run(args: &LoginArgs, context: Context) -> Result<ExitCode, Error> {
    let mut args = args.clone();
    if args.servers.is_empty() && !args.all && args.method.provider.provider.is_none() {
        if args.method.grant.is_unattended() {
            return Err(Error::usage(
                "no SERVER is given",
                "name the server, or the login",
            ));
        }
        match pick::server(&args, &context)? {
            Some(server) => args.servers.push(server),
            None => return Ok(ExitCode::SUCCESS),
        }
    }
    log_in(&args, &Arc::new(context))
}

fn log_in(args: &LoginArgs, context: &Arc<Context>) -> Result<ExitCode, Error> {
    let method = &args.method;
    let is_one = !args.all && args.servers.len() <= 1;
    let mut reporter = Reporter::new(context.json, !is_one);
    let (servers, requests) = requested_logins(args, context, &mut reporter)?;
    if requests.is_empty() {
        terminal::say("there is no server to log in to in the configurations of your MCP clients");
        return Ok(ExitCode::SUCCESS);
    }
    let is_typed = is_one && servers.iter().all(|server| server.named.is_none());
    let is_unattended = requests.iter().all(Request::is_unattended);
    let can_be_asked =
        !is_unattended && is_typed && !method.paste && !context.json && question::can_be_asked();
    let is_asked_about = |error: &Error| can_be_asked && error.suggestion().is_some();
    reporter.may_copy = !method.no_clipboard;
    reporter.may_draw = !args.no_qr;
    if args.handover.is_none() {
        reporter.next = next::commands(&servers, &requests, context);
    }
    terminal::countdown(Some(&match requests.as_slice() {
        [request] => format!("contacting {}", request.key.server),
        several => format!("contacting {} servers", several.len()),
    }));
    let options = UserOptions {
        browser: method.browser(),
        // A device code needs no answer here.
        paste: method
            .paste()
            .filter(|_| !is_unattended && !args.is_device()),
        timeout: args.timeout(),
    };
    let cache = context.cache();
    let mut outcome = login::run(requests, Arc::clone(context), options, &mut |event| {
        all::remember_open(&cache, &event);
        match event {
            // It is asked about below.
            Event::Failed { error, .. } if is_asked_about(error) => terminal::countdown(None),
            event => reporter.show(&event),
        }
    })
    .inspect_err(|_| terminal::countdown(None))?;
    let failure = outcome.failure().filter(|_| can_be_asked);
    if let Some((error, meant)) = failure.and_then(|error| Some((error, error.suggestion()?))) {
        if is_meant(error, meant, args) {
            let mut args = args.clone();
            args.servers = vec![meant.to_owned()];
            return log_in(&args, context);
        }
        reporter.fail(None, error);
    }
    if let (Some(_), Outcome::Done(results)) = (args.handover, &mut outcome) {
        for result in results {
            let Ok(Report { key, .. }) = &*result else {
                continue;
            };
            let handed_over = hand_over(key, args, &servers, (context, &mut reporter));
            if let Err(err) = handed_over {
                reporter.fail(Some(&key.server), &err);
                *result = Err(err);
            }
        }
    }
    Ok(reporter.conclude(&outcome, Error::needs_no_login))
}

/// Works out which logins the user wants, says so, and asks where that is needed.
fn requested_logins(
    args: &LoginArgs,
    context: &Context,
    reporter: &mut Reporter,
) -> Result<(Vec<RequestedServer>, Vec<Request>), Error> {
    let method = &args.method;
    let servers = match args.all {
        true => all::requested(args, context, reporter)?,
        false => requested(&args.servers, args.from.as_deref(), method, || {
            context.stored_ids()
        })?,
    };
    let is_one = !args.all && servers.len() == 1;
    if matches!(args.handover, Some(None)) {
        for server in &servers {
            server.client()?;
        }
    }
    let profile = context.profile.as_deref();
    let mut requests = request::requests(method, &servers, !is_one, profile, &context.secrets)?;
    for request in &mut requests {
        request.force = args.force;
        if args.is_device() {
            request.grant = GrantType::DeviceCode;
            request.is_grant_named = true;
        }
    }
    all::refuse_unasked(&servers)?;
    let has_secret = context.secrets.is_any() || method.client.client_secret_file.is_some();
    for server in &servers {
        server.introduce(reporter, is_one && has_secret);
        server.warn_of_unused(method);
    }
    all::ask(&servers, args.timeout())?;
    Ok((servers, requests))
}

/// Shows a failure, and asks whether the user meant another server.
fn is_meant(error: &Error, meant: &str, args: &LoginArgs) -> bool {
    // Nothing else reads the terminal any more.
    paste::restore();
    terminal::insist(&error.one_line());
    let question = format!("did you mean {meant}?");
    question::ask(&question, args.timeout()) == Answer::Yes
}

/// Hands a new login over to the client that the user names, or else to the one whose configuration names the server.
fn hand_over(
    key: &StoredId,
    args: &LoginArgs,
    servers: &[RequestedServer],
    (context, reporter): (&Context, &mut Reporter),
) -> Result<(), Error> {
    let mut named = servers.iter().filter_map(|it| it.named.as_ref());
    let named = named.rfind(|it| key.is_for(&it.url));
    let client = args.handover.flatten();
    if let Some(client) = client.or_else(|| next::target(named?)) {
        let to = (client, named.map(|it| it.name.as_str()), args.write);
        handover::hand_over_new(key, to, &args.places, context, reporter)?;
    }
    Ok(())
}
