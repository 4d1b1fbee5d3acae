//! `demo`: a whole login, against a protected MCP server that runs only for it.

mod agent;
mod authority;
mod issued;
mod pages;
mod resource;
mod response;
mod server;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::builder::FalseyValueParser;
use clap::Args;
use tempfile::TempDir;
use url::Url;

use crate::cli::values;
use crate::commands::check::check;
use crate::context::{Context, Settings};
use crate::error::Error;
use crate::http;
use crate::login::{self, Event, Outcome, Request, UserOptions};
use crate::os::browser::{self, BrowserChoice, Skip};
use crate::os::environment::Environment;
use crate::os::signals::{Signal, Signals};
use crate::os::terminal::paste::Paste;
use crate::os::terminal::{self, say};
use crate::output::Reporter;
use crate::store::file::FileBackend;
use crate::store::{StoredId, DEFAULT_PROFILE};
use crate::warning::warn_user;
use server::Servers;

/// The deadline of a login that the demo agrees to by itself.
const OWN_TIMEOUT: Duration = Duration::from_secs(30);

/// The options of the demo.
#[derive(Clone, Debug, Args)]
pub struct DemoArgs {
    /// Let the demo agree by itself, without your browser
    #[arg(long, alias = "no-browser", env = "MCP_LOGIN_NO_BROWSER", value_parser = FalseyValueParser::new())]
    pub auto: bool,

    /// Open this browser; %s stands for the address
    #[arg(long, value_name = "COMMAND", conflicts_with = "auto")]
    pub browser: Option<String>,

    /// Give up after this long: 90s, 10m, 1h
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = values::duration)]
    pub timeout: Duration,
}

/// Runs the demo. The servers and all that was stored are gone when this returns, however it went.
///
/// # Errors
///
/// If the demo cannot be set up, or its login does not work.
pub fn run(args: &DemoArgs, json: bool) -> Result<ExitCode, Error> {
    let mut reporter = Reporter::new(json, false);
    let outcome = play(args, &mut reporter)?;
    Ok(reporter.conclude(&outcome, |_| false))
}

fn play(args: &DemoArgs, reporter: &mut Reporter) -> Result<Outcome, Error> {
    let failed = Error::unexpected;
    // From here on a signal waits until all is removed.
    let mut signals = Signals::watch().map_err(failed("cannot watch for signals"))?;
    let servers = Servers::start(|request| say(&format!("     {request}")))
        .map_err(failed("cannot start the demo"))?;
    let home = tempfile::Builder::new()
        .prefix("mcp-login-demo-")
        .tempdir()
        .map_err(failed("cannot make a temporary directory"))?;
    let server = &servers.mcp;
    say(&format!("1. a protected MCP server now runs at {server}"));
    say("   with its authorization server, for this demo only");
    let outcome = log_in_and_check(server, home.path(), args, reporter);
    drop(servers);
    let removed = remove(home);
    let mut ends = std::iter::from_fn(|| signals.take()).filter_map(|signal| match signal {
        Signal::End(number) => Some(number),
        _ => None,
    });
    let outcome = ends
        .next()
        .map_or(outcome, |number| Ok(Outcome::Signal(number)))?;
    if removed && succeeded(&outcome) {
        say("5. the servers, the token and its file are removed again");
        say("   for a server of yours: mcp-login https://mcp.example.com/mcp");
    }
    Ok(outcome)
}

/// Removes the temporary directory; tells whether it is gone.
fn remove(home: TempDir) -> bool {
    let path = home.path().to_owned();
    let removed = home.close();
    if let Err(err) = &removed {
        warn_user!(
            FileNotRemoved,
            "{} could not be removed: {err}",
            path.display()
        );
    }
    removed.is_ok()
}

fn succeeded(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Done(results) if results.iter().all(Result::is_ok))
}

fn log_in_and_check(
    server: &Url,
    home: &Path,
    args: &DemoArgs,
    reporter: &mut Reporter,
) -> Result<Outcome, Error> {
    let alone = why_alone(args);
    let store = FileBackend::choice(&home.join("credentials.json"));
    let context = Arc::new(Context::new(Settings {
        store,
        data_dir: home.to_owned(),
        http: http::HttpSettings::default(),
    }));
    let options = UserOptions {
        browser: BrowserChoice {
            none: alone.map(|_| Skip::Demo),
            command: args.browser.clone(),
        },
        paste: alone.is_none().then(Paste::from_terminal).flatten(),
        timeout: match alone {
            Some(_) => args.timeout.min(OWN_TIMEOUT),
            None => args.timeout,
        },
    };
    let key = StoredId {
        server: server.to_string(),
        profile: DEFAULT_PROFILE.to_owned(),
    };
    // `tiny_http` may leave a connection without a thread while others stay open.
    let request = Request {
        closes_connections: true,
        ..Request::new(key.clone(), Some(server.clone()), server.to_string())
    };
    let outcome = login::run(vec![request], Arc::clone(&context), options, &mut |event| {
        explain(&event, alone);
        if let (Event::AuthorizationUrl(page), Some(_)) = (&event, alone) {
            agent::send(page.url);
        }
        reporter.show(&event);
    })?;
    if succeeded(&outcome) {
        say("4. asking the server for its tools, with the token and without");
        check(&key, server, &context)?.report(reporter);
    }
    Ok(outcome)
}

/// Returns why nobody can be asked; `None` if a person is there, and a browser.
fn why_alone(args: &DemoArgs) -> Option<&'static str> {
    let browser = BrowserChoice {
        none: args.auto.then_some(Skip::Asked),
        command: args.browser.clone(),
    };
    let skip = browser::skip(&browser, &Environment::detect()).map(Skip::reason);
    let is_unseen = args.browser.is_none() && !terminal::is_terminal();
    skip.or(is_unseen.then_some("nobody is at a terminal"))
}

/// Says which step of the login comes now.
fn explain(event: &Event, alone: Option<&str>) {
    match event {
        Event::Listening { redirect_uri, .. } => {
            say(&format!("2. listening for the answer at {redirect_uri}"));
            say("   and asking the servers how to log in");
        }
        Event::AuthorizationUrl(_) => match alone {
            Some(why) => say(&format!("3. a page asks the user; {why}")),
            None => say("3. a page asks you; your answer comes back to this program"),
        },
        _ => {}
    }
}
