//! From the arguments to the exit code: one arm for each command.

pub mod check;
mod complete;
mod configured;
pub mod demo;
pub mod doctor;
pub mod exec;
pub mod handover;
pub mod logout;
mod providers;
mod run_doctor;
mod run_handover;
pub mod status;
mod stored;

use std::process::ExitCode;
use std::sync::Arc;

use clap::error::ErrorKind;
use clap::Parser as _;

use crate::cli::{names, plan};
use crate::cli::{CheckArgs, Cli, ColorChoice, Command, Common, DemoArgs, LoginArgs};
use crate::commands::check::check;
use crate::context::Context;
use crate::error::Error;
use crate::failure::Class;
use crate::http;
use crate::login::{self, Event, Outcome};
use crate::oauth::endpoint;
use crate::oauth::secret::Secret;
use crate::os::browser::{BrowserChoice, Skip};
use crate::os::files;
use crate::os::signals;
use crate::os::terminal::paste::Paste;
use crate::os::terminal::question;
use crate::os::terminal::{self, Color};
use crate::output::Reporter;
use crate::store;

pub use complete::{complete, COMPLETER};

/// The exit code when what was to be printed could not be.
const LOST_OUTPUT: Class = Class::Storage;

/// Does what the arguments of this process say.
pub fn run(secret: Option<Secret>) -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(err) => return explain(&err),
    };
    let verbosity = if cli.common.quiet {
        -1
    } else {
        i8::try_from(cli.common.verbose).unwrap_or(i8::MAX)
    };
    terminal::set_up(
        verbosity,
        match cli.common.color {
            ColorChoice::Auto => Color::Auto,
            ColorChoice::Always => Color::Always,
            ColorChoice::Never => Color::Never,
        },
    );
    match &cli.command {
        None | Some(Command::Login(_) | Command::Demo(_)) => terminal::never_wait(),
        Some(Command::Token(_) | Command::Headers(_) | Command::Exec(_)) => {
            terminal::never_wait_for_talk()
        }
        Some(_) => {}
    }
    let result = match &cli.command {
        None => log_in(&cli.login, &cli.common, secret),
        Some(Command::Login(args)) => log_in(args, &cli.common, secret),
        Some(Command::Token(args)) => stored::run_token(args, &cli.common),
        Some(Command::Headers(args)) => stored::run_headers(args, &cli.common),
        Some(Command::Exec(args)) => stored::run_exec(args, &cli.common),
        Some(Command::Status(args)) => stored::run_status(args, &cli.common),
        Some(Command::Logout(args)) => stored::run_logout(args, &cli.common),
        Some(Command::Handover(args)) => run_handover::run_handover(args, &cli.common),
        Some(Command::Check(args)) => run_check(args, &cli.common),
        Some(Command::Doctor(args)) => run_doctor::run(args, &cli.common, secret),
        Some(Command::Providers) => Ok(providers::run_providers(&cli.common)),
        Some(Command::Demo(args)) => run_demo(args, &cli.common),
    };
    // Where stdout carries a token, it carries nothing else.
    let prints_token = matches!(
        cli.command,
        Some(Command::Token(_) | Command::Headers(_) | Command::Exec(_))
    );
    result.unwrap_or_else(|err| {
        let mut reporter = Reporter::new(cli.common.json, false);
        if prints_token && cli.common.json {
            let server = match &cli.command {
                Some(Command::Token(args) | Command::Headers(args)) => args.server.as_deref(),
                Some(Command::Exec(args)) => Some(args.server.as_str()),
                _ => None,
            };
            reporter.fail_on_stderr(server, &err);
        } else {
            reporter.fail(None, &err);
        }
        err.class().into()
    })
}

/// Says what is wrong with the arguments, in our own form; help and version are printed as they are.
fn explain(err: &clap::Error) -> ExitCode {
    if matches!(
        err.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    ) {
        // Nobody may be reading, as with `mcp-login --help | head -1`.
        let _ = err.print();
        return ExitCode::SUCCESS;
    }
    let text = err.to_string();
    let mut parts = text.split("\n\n");
    let what = parts
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    let tip = parts.find_map(|part| part.trim().strip_prefix("tip: "));
    let error = Error::Usage {
        message: what.trim_start_matches("error: ").to_owned(),
        hint: Some(tip.unwrap_or("see `mcp-login --help`").into()),
    };
    let json = std::env::args_os().any(|argument| argument == "--json");
    Reporter::new(json, false).fail(None, &error);
    error.class().into()
}

fn new_context(
    common: &Common,
    wish: BrowserChoice,
    timeout: std::time::Duration,
) -> Result<Context, Error> {
    let data_dir =
        store::data_dir(common.data_dir.clone(), &common.store).map_err(|err| Error::Store {
            doing: "find a place for",
            server: String::new(),
            source: Arc::new(err),
        })?;
    let http = http::HttpSettings {
        ca_file: common.ca_file.clone(),
    };
    Ok(Context::new(
        http,
        data_dir,
        common.store.clone(),
        wish,
        timeout,
    ))
}

fn log_in(args: &LoginArgs, common: &Common, secret: Option<Secret>) -> Result<ExitCode, Error> {
    let context = new_context(common, browser_wish(args), args.timeout)?;
    let mut reporter = Reporter::new(common.json, args.all || args.servers.len() > 1);
    let targets = match args.all {
        true => configured::targets(args, common, &mut reporter)?,
        false => names::targets(args, || stored::keys(&context))?,
    };
    let is_one = !args.all && targets.len() == 1;
    let has_secret = is_one && (secret.is_some() || args.client.client_secret_file.is_some());
    let requests = plan::logins(args, &targets, common, secret.clone())?;
    configured::refuse_unasked(&targets)?;
    targets
        .iter()
        .filter_map(|target| target.named.as_ref())
        .for_each(|named| reporter.named(named, has_secret));
    targets
        .iter()
        .for_each(|target| reporter.unused(target, args));
    configured::ask(&targets, args.timeout)?;
    if requests.is_empty() {
        terminal::say("there is no server to log in to in the configurations of your MCP clients");
        return Ok(ExitCode::SUCCESS);
    }
    let openness = configured::NoLoginCache::new(context.cache());
    let is_typed = is_one && targets.iter().all(|target| target.named.is_none());
    let can_be_asked = is_typed && !args.paste && !common.json && question::can_be_asked();
    let mut outcome = login::run(requests, Arc::new(context), paste(args), &mut |event| {
        openness.note(&event);
        match event {
            Event::Failed { server, error } if error.needs_no_login() => {
                reporter.needs_none(server)
            }
            // It is asked about below.
            Event::Failed { error, .. } if can_be_asked && error.suggestion().is_some() => {
                terminal::countdown(None)
            }
            event => reporter.show(&event),
        }
    })?;
    if let Some(error) = outcome
        .failure()
        .filter(|error| can_be_asked && error.suggestion().is_some())
    {
        if let Some(meant) = ask_whether_meant(error, args.timeout) {
            return log_in(
                &LoginArgs {
                    servers: vec![meant],
                    ..args.clone()
                },
                common,
                secret,
            );
        }
        reporter.fail(None, error);
    }
    if let (Some(client), Outcome::Done(results)) = (args.handover, &mut outcome) {
        for result in results {
            let Ok(report) = result else { continue };
            if let Err(err) =
                run_handover::give_new(&report.key, client, &args.places, common, &mut reporter)
            {
                reporter.fail(Some(&report.key.server), &err);
                *result = Err(err);
            }
        }
    }
    Ok(conclude(&outcome, &reporter, Error::needs_no_login))
}

/// Asks whether the user meant another server; returns it if so. Nothing else reads the terminal any more, or yet.
fn ask_whether_meant(error: &Error, limit: std::time::Duration) -> Option<String> {
    let meant = error.suggestion()?;
    terminal::paste::restore();
    terminal::insist(&error.one_line());
    let answer = question::ask(&format!("did you mean {meant}?"), limit);
    (answer == question::Answer::Yes).then(|| meant.to_owned())
}

fn browser_wish(args: &LoginArgs) -> BrowserChoice {
    BrowserChoice {
        none: args.no_browser.then_some(Skip::Asked),
        command: args.browser.clone(),
    }
}

fn paste(args: &LoginArgs) -> Option<Paste> {
    match (args.paste, args.no_paste) {
        (true, _) => Some(Paste::from_stdin()),
        (false, true) => None,
        (false, false) => Paste::from_terminal(),
    }
}

fn run_demo(args: &DemoArgs, common: &Common) -> Result<ExitCode, Error> {
    let wish = demo::DemoOptions {
        auto: args.auto,
        browser: args.browser.clone(),
        timeout: args.timeout,
    };
    let mut reporter = Reporter::new(common.json, false);
    let outcome = demo::run(&wish, &mut |event| match event {
        demo::Event::Login(event) => reporter.show(&event),
        demo::Event::Checked(key, checked) => reporter.checked(key, checked),
    })?;
    Ok(conclude(&outcome, &reporter, |_| false))
}

/// Ends a run of logins: by the signal that ended it, or with the code of the first that failed and is not forgiven.
fn conclude(
    outcome: &Outcome,
    reporter: &Reporter,
    is_forgiven: impl Fn(&Error) -> bool,
) -> ExitCode {
    match outcome {
        Outcome::Done(results) => {
            let mut failures = results.iter().filter_map(|result| result.as_ref().err());
            let failure = failures.find(|err| !is_forgiven(err)).map(Error::class);
            let lost = terminal::finish();
            if reporter.lost_output || lost.is_err() {
                terminal::complain(
                    "warning",
                    "what was to be written to stdout is lost: nobody reads it",
                );
            }
            let lost = (reporter.lost_output || lost.is_err()).then_some(LOST_OUTPUT);
            failure.or(lost).unwrap_or(Class::Success).into()
        }
        Outcome::Signal(signal) => {
            terminal::countdown(None);
            terminal::paste::restore();
            let _ = terminal::finish();
            files::end();
            signals::act(*signal);
            ExitCode::from(u8::try_from(128 + signal).unwrap_or(1))
        }
    }
}

fn run_check(args: &CheckArgs, common: &Common) -> Result<ExitCode, Error> {
    let context = new_context(common, BrowserChoice::default(), std::time::Duration::ZERO)?;
    let key = stored::find(Some(&args.server), common, &context)?;
    let url = endpoint::parse(&key.server).map_err(|_| Error::Usage {
        message: format!("{} is not an MCP server", args.server),
        hint: Some("give the URL of the MCP server".into()),
    })?;
    let mut reporter = Reporter::new(common.json, false);
    match check(&key, &url, &context) {
        Ok(checked) => reporter.checked(&key, &checked),
        Err(err) => {
            reporter.fail(Some(&key.server), &err);
            return Ok(err.class().into());
        }
    }
    Ok(ExitCode::from(if reporter.lost_output {
        LOST_OUTPUT
    } else {
        Class::Success
    }))
}
