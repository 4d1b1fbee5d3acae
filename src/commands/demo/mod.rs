//! The demo: a whole login, with everything real but the server, which is one of our own and runs just for it.

mod agent;
mod authority;
mod issued;
mod messages;
mod pages;
mod registration;
mod resource;
mod server;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use url::Url;

use crate::callback::RedirectHost;
use crate::commands::check::{check, Checked};
use crate::context::Context;
use crate::error::Error;
use crate::http;
use crate::login::{self, Outcome, Request, Resource};
use crate::os::browser::{self, Skip};
use crate::os::environment::Environment;
use crate::os::signals::{Signal, Signals};
use crate::os::terminal::paste::Paste;
use crate::os::terminal::{self, say};
use crate::registration::{Identity, RegistrationMethod};
use crate::store::{StoreChoice, StoredId};
use server::Servers;

/// The deadline of a login that the demo agrees to by itself.
const OWN_TIMEOUT: Duration = Duration::from_secs(30);

/// How the demo is to go.
#[derive(Clone, Debug)]
pub struct DemoOptions {
    /// Agree without asking anyone.
    pub auto: bool,
    /// Open this browser.
    pub browser: Option<String>,
    /// How long to wait for the person.
    pub timeout: Duration,
}

/// What scripts are told, and people beside the demo's own words.
#[derive(Debug)]
pub enum Event<'a> {
    /// Something about the login.
    Login(login::Event<'a>),
    /// The login was checked.
    Checked(&'a StoredId, &'a Checked),
}

/// Runs the demo. The servers and all that was stored are gone when this returns, however it went.
///
/// # Errors
///
/// If the demo cannot be set up, or its login does not work. The login's own failure is part of the outcome.
pub fn run(wish: &DemoOptions, tell: &mut dyn FnMut(Event)) -> Result<Outcome, Error> {
    let failed = |what| move |source| Error::Unexpected { what, source };
    // From here on a signal waits until all is removed.
    let mut signals = Signals::watch().map_err(failed("cannot watch for signals"))?;
    let servers = Servers::start(|request| say(&format!("     {request}")))
        .map_err(failed("cannot start the demo"))?;
    let home = temporary_home().map_err(failed("cannot make a temporary directory"))?;
    say(&format!(
        "1. a protected MCP server now runs at {}",
        servers.mcp()
    ));
    say("   with its authorization server, for this demo only");
    let outcome = log_in_and_check(servers.mcp(), home.path(), wish, tell);
    drop(servers);
    let removed = remove(home);
    let outcome = match std::iter::from_fn(|| signals.take())
        .find(|signal| matches!(signal, Signal::End(_)))
    {
        Some(Signal::End(signal)) => Outcome::Signal(signal),
        _ => outcome?,
    };
    if removed && succeeded(&outcome) {
        say("5. the servers, the token and its file are removed again");
        say("   for a server of yours: mcp-login https://mcp.example.com/mcp");
    }
    Ok(outcome)
}

fn temporary_home() -> io::Result<TempDir> {
    tempfile::Builder::new().prefix("mcp-login-demo-").tempdir()
}

fn remove(home: TempDir) -> bool {
    let path = home.path().to_owned();
    let removed = home.close();
    removed
        .inspect_err(|err| log::warn!("{} could not be removed: {err}", path.display()))
        .is_ok()
}

fn succeeded(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Done(results) if results.iter().all(Result::is_ok))
}

fn log_in_and_check(
    server: &Url,
    home: &Path,
    wish: &DemoOptions,
    tell: &mut dyn FnMut(Event),
) -> Result<Outcome, Error> {
    let alone = why_alone(wish);
    let context = Arc::new(new_context(home, wish, alone.is_some()));
    let paste = if alone.is_none() {
        Paste::from_terminal()
    } else {
        None
    };
    let request = request(server);
    let key = request.key.clone();
    let outcome = login::run(vec![request], Arc::clone(&context), paste, &mut |event| {
        explain(&event, alone);
        if let (login::Event::AuthorizationUrl(page), Some(_)) = (&event, alone) {
            agent::send(page.url);
        }
        tell(Event::Login(event));
    })?;
    if succeeded(&outcome) {
        say("4. asking the server for its tools, with the token and without");
        let checked = check(&key, server, &context)?;
        tell(Event::Checked(&key, &checked));
    }
    Ok(outcome)
}

/// Tells why nobody can be asked; `None` if a person is there, and a browser.
fn why_alone(wish: &DemoOptions) -> Option<&'static str> {
    let browser = browser::BrowserChoice {
        none: wish.auto.then_some(Skip::Asked),
        command: wish.browser.clone(),
    };
    let skip = browser::skip(&browser, &Environment::look()).map(Skip::reason);
    let unseen = wish.browser.is_none() && !terminal::is_terminal();
    skip.or(unseen.then_some("nobody is at a terminal"))
}

/// Puts the tools of a login together. Wherever the user keeps logins, this one goes to a file of its own.
fn new_context(home: &Path, wish: &DemoOptions, alone: bool) -> Context {
    let browser = browser::BrowserChoice {
        none: alone.then_some(Skip::Demo),
        command: wish.browser.clone(),
    };
    let timeout = if alone {
        wish.timeout.min(OWN_TIMEOUT)
    } else {
        wish.timeout
    };
    let store = StoreChoice::File(Some(home.join("credentials.json")));
    Context::new(
        http::HttpSettings::default(),
        home.to_owned(),
        store,
        browser,
        timeout,
    )
}

/// Returns a login as anybody would ask for it: by the server's URL, and nothing else.
fn request(server: &Url) -> Request {
    Request {
        provider: None,
        preset: None,
        issuer_metadata: None,
        fallback: None,
        google_tools: None,
        key: StoredId {
            server: server.to_string(),
            profile: "default".to_owned(),
        },
        server: Some(server.clone()),
        server_text: server.to_string(),
        issuer: None,
        challenge: None,
        assume_pkce: false,
        force: false,
        redirect_uri: None,
        redirect_host: RedirectHost::V4,
        redirect_path: "/callback".to_owned(),
        port: None,
        is_redirect_given: false,
        likely_ports: Vec::new(),
        identity: Identity {
            method: RegistrationMethod::Auto,
            client_id: None,
            client_secret: None,
            metadata_url: None,
            issuer: None,
        },
        scopes: Vec::new(),
        resource: Resource::Discovery,
        parameters: Vec::new(),
        login_hint: None,
    }
}

/// Says which step of the login comes now.
fn explain(event: &login::Event, alone: Option<&str>) {
    match event {
        login::Event::Listening { redirect_uri, .. } => {
            say(&format!("2. listening for the answer at {redirect_uri}"));
            say("   and asking the servers how to log in");
        }
        login::Event::AuthorizationUrl(_) => match alone {
            Some(why) => say(&format!("3. a page asks the user; {why}")),
            None => say("3. a page asks you; your answer comes back to this program"),
        },
        _ => {}
    }
}
