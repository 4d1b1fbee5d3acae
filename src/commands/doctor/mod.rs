//! `doctor`: find out what works on this machine, and why a login would fail. Registers, opens and stores nothing.
//!
//! Tries everything with the code that a login uses, so that the two cannot disagree.

mod machine;
mod network;
mod report;
mod server;
mod storage;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use super::login::options::MethodArgs;
use super::login::request::{self, requests};
use super::login::servers::requested;
use crate::cli::{values, GlobalArgs};
use crate::discovery::Step;
use crate::error::Error;
use crate::failure::{without_os_number, Class, Code, Hint};
use crate::http::HttpSettings;
use crate::login::Request;
use crate::os::browser::BrowserChoice;
use crate::os::clock::Time;
use crate::os::environment::Environment;
use crate::os::process::EnvironmentSecrets;
use crate::os::terminal;
use crate::os::terminal::paste::Paste;
use crate::output::{self, Reporter};
use crate::store::cache::Cache;
use crate::store::{self, StoreChoice, StoreError};

/// The options of an examination: those of a login.
#[derive(Clone, Debug, Args)]
pub struct DoctorArgs {
    /// The MCP server, as at the login [default: examine only the machine]
    #[arg(value_name = "SERVER", value_parser = values::server)]
    pub server: Option<String>,

    #[command(flatten)]
    pub method: MethodArgs,
}

/// Examines the machine and, with a server, what a login would do; prints what was found.
///
/// # Errors
///
/// [`Error::Usage`].
pub fn run(
    args: &DoctorArgs,
    global: &GlobalArgs,
    env_secrets: &EnvironmentSecrets,
) -> Result<ExitCode, Error> {
    let method = &args.method;
    let profile = global.profile.as_deref();
    // A store that cannot be read is one of the findings.
    let stored = || {
        let stored = global
            .context(false)
            .and_then(|context| context.stored_ids());
        Ok(stored.unwrap_or_default())
    };
    let servers = requested(args.server.as_slice(), None, method, stored)?;
    let request = match requests(method, &servers, false, profile, env_secrets)?.pop() {
        Some(request) => request,
        None => request::anywhere(method, profile, env_secrets)?,
    };
    let has_secret = env_secrets.is_any() || method.client.client_secret_file.is_some();
    for server in &servers {
        server.introduce(&mut Reporter::new(false, false), has_secret);
    }
    let data_dir = store::data_dir(global.data_dir.clone(), &global.store);
    let case = Case {
        request: &request,
        has_server: args.server.is_some() || method.provider.provider.is_some(),
        http: global.http(),
        cache: Cache::new(data_dir.as_deref().unwrap_or(Path::new(""))),
        data_dir,
        store: global.store.clone(),
        browser: method.browser(),
        environment: Environment::detect(),
        paste: method.paste(),
    };
    terminal::countdown(Some("examining this machine"));
    let diagnosis = diagnose(&case);
    terminal::countdown(None);
    let shown = report::show(&diagnosis, global.json, global.quiet);
    Ok(match (diagnosis.exit, shown) {
        (0, Err(err)) => output::lost(&err),
        (exit, _) => exit.into(),
    })
}

/// What is examined.
#[derive(Debug)]
struct Case<'a> {
    /// The login that is wanted.
    request: &'a Request,
    /// Whether it is wanted at a server; if not, only the machine is examined.
    has_server: bool,
    http: HttpSettings,
    data_dir: Result<PathBuf, StoreError>,
    cache: Cache,
    store: StoreChoice,
    browser: BrowserChoice,
    environment: Environment,
    /// Where the answer can be pasted, if anywhere.
    paste: Option<Paste>,
}

/// How good a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Severity {
    /// As it should be.
    Ok,
    /// A login works all the same.
    Warning,
    /// A login would end here.
    Failure,
}

/// One thing that was examined. The order of its members is part of the contract with scripts.
#[derive(Debug, Serialize)]
struct Finding {
    /// What it is about; for a store, the name of its backend.
    topic: &'static str,
    state: Severity,
    /// The stable word of the failure behind it, as in the error events of a login.
    code: Option<Code>,
    /// What was found.
    what: String,
    /// What can be done about it.
    #[serde(serialize_with = "crate::output::hint::serialize")]
    hint: Option<Hint>,
    /// The class of a failure that ends a login here.
    #[serde(skip)]
    class: Class,
}

/// The topics in the order in which a login would fail at them. The stores, which are not listed, come last.
const TOPICS_OF_FAILURES: [&str; 6] = [
    "data",
    "login",
    "callback",
    "certificates",
    "discovery",
    "registration",
];

impl Finding {
    fn ok(topic: &'static str, what: impl Into<String>) -> Self {
        Self {
            topic,
            state: Severity::Ok,
            code: None,
            what: without_os_number(&what.into()),
            hint: None,
            class: Class::Success,
        }
    }

    fn warning(topic: &'static str, what: impl Into<String>) -> Self {
        Self {
            state: Severity::Warning,
            ..Self::ok(topic, what)
        }
    }

    fn failure(topic: &'static str, err: &Error) -> Self {
        let report = err.report();
        Self {
            topic,
            state: Severity::Failure,
            code: Some(report.code),
            what: report.message,
            hint: report.hint,
            class: report.class,
        }
    }

    /// Makes a failure that a login gets around a warning, in these words.
    fn into_warning(self, what: String) -> Self {
        Self {
            state: Severity::Warning,
            what: without_os_number(&what),
            class: Class::Success,
            ..self
        }
    }

    fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(Hint::Text(hint.into()));
        self
    }

    fn order(&self) -> usize {
        let mut topics = TOPICS_OF_FAILURES.iter();
        topics
            .position(|topic| *topic == self.topic)
            .unwrap_or(TOPICS_OF_FAILURES.len())
    }
}

/// All that was found. The order of its members is part of the contract with scripts.
#[derive(Debug, Serialize)]
struct Diagnosis<'a> {
    findings: Vec<Finding>,
    server: Option<&'a str>,
    /// What was asked of the servers, and decided.
    steps: Vec<Step>,
    /// The exit status that a login would end with, as far as can be foreseen.
    exit: u8,
    /// How many of the findings are about the machine; the others are about the server.
    #[serde(skip)]
    machine_findings: usize,
}

/// Examines the machine and, if the login is for a server, everything up to the page that the user would see.
fn diagnose<'a>(case: &'a Case) -> Diagnosis<'a> {
    let before = storage::stored_login(case);
    let stored = before.as_ref().ok().and_then(Option::as_ref);
    let (callback, redirect_uri) = machine::callback(case, stored);
    let (steps, about_server) = match &before {
        _ if !case.has_server => (Vec::new(), Vec::new()),
        Err(err) => (Vec::new(), vec![Finding::failure("login", err)]),
        Ok(stored) => server::examine(case, stored.as_ref(), &redirect_uri),
    };
    let mut findings = vec![
        machine::environment(&case.environment),
        machine::browser(case),
        machine::terminal(case),
    ];
    findings.extend(machine::loopback());
    findings.push(callback);
    findings.extend(storage::examine(case));
    // A proxy or a cache may report an old time, but none in the future.
    let server_ahead = steps.iter().filter_map(|step| step.clock_ahead).max();
    findings.push(machine::clock(Time::now(), server_ahead));
    findings.push(network::proxy(case));
    findings.push(network::certificates(case));
    findings.extend(machine::clients());
    let machine_findings = findings.len();
    findings.extend(about_server);
    let failures = findings.iter().filter(|it| it.state == Severity::Failure);
    let first = failures.min_by_key(|it| it.order());
    Diagnosis {
        exit: first.map_or(Class::Success, |it| it.class).exit(),
        server: case.has_server.then_some(case.request.key.server.as_str()),
        steps,
        findings,
        machine_findings,
    }
}
