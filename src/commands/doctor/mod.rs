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
use crate::discovery::{Step, Trace};
use crate::error::Error;
use crate::failure::{Class, Code, Hint};
use crate::http;
use crate::login::Request;
use crate::oauth::secret::Secret;
use crate::os::browser::BrowserChoice;
use crate::os::clock::Time;
use crate::os::environment::Environment;
use crate::os::terminal;
use crate::os::terminal::paste::Paste;
use crate::output::Reporter;
use crate::store::cache::Cache;
use crate::store::{self, StoreChoice, StoreError};

/// The options of an examination: those of a login.
#[derive(Clone, Debug, Args)]
pub struct DoctorArgs {
    /// The MCP server, as at the login [default: examine only the machine]
    #[arg(value_name = "SERVER", value_parser = values::server)]
    pub server: Option<String>,

    #[command(flatten)]
    #[allow(missing_docs)]
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
    env_secret: Option<&Secret>,
) -> Result<ExitCode, Error> {
    let method = &args.method;
    let profile = global.profile.as_deref();
    // A store that cannot be read is one of the findings.
    let stored = || {
        let stored = global.context().and_then(|context| context.stored_ids());
        Ok(stored.unwrap_or_default())
    };
    let servers = requested(args.server.as_slice(), None, method, stored)?;
    let request = match requests(method, &servers, false, profile, env_secret)?.pop() {
        Some(request) => request,
        None => request::anywhere(method, profile, env_secret)?,
    };
    let has_secret = env_secret.is_some() || method.client.client_secret_file.is_some();
    for server in &servers {
        server.introduce(&mut Reporter::new(false, false), has_secret);
    }
    let case = Case {
        request: &request,
        has_server: args.server.is_some() || method.provider.provider.is_some(),
        http: global.http(),
        data_dir: store::data_dir(global.data_dir.clone(), &global.store),
        store: global.store.clone(),
        browser: method.browser(),
        environment: Environment::look(),
        paste: method.paste(),
    };
    terminal::countdown(Some("examining this machine"));
    let diagnosis = diagnose(&case);
    terminal::countdown(None);
    let server = case.has_server.then_some(request.key.server.as_str());
    let shown = report::show(&diagnosis, server, global.json, global.quiet);
    Ok(match (diagnosis.class(), shown) {
        (Class::Success, Err(_)) => Class::Storage.into(),
        (class, _) => class.into(),
    })
}

/// What is examined.
#[derive(Debug)]
pub struct Case<'a> {
    /// The login that is wanted.
    pub request: &'a Request,
    /// Whether it is wanted at a server; if not, only the machine is examined.
    pub has_server: bool,
    /// How requests are sent.
    pub http: http::HttpSettings,
    /// The data directory.
    pub data_dir: Result<PathBuf, StoreError>,
    /// Where logins are stored.
    pub store: StoreChoice,
    /// The browser that the user wants.
    pub browser: BrowserChoice,
    /// What kind of place this is.
    pub environment: Environment,
    /// Where the answer can be pasted, if anywhere.
    pub paste: Option<Paste>,
}

/// How good a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// As it should be.
    Ok,
    /// A login works all the same.
    Warning,
    /// A login would end here.
    Failure,
}

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // the names say it
pub enum Topic {
    #[serde(rename = "surroundings")]
    Environment,
    Browser,
    Terminal,
    Loopback,
    Callback,
    Data,
    Logins,
    Refreshes,
    Clock,
    Proxy,
    Certificates,
    Login,
    Discovery,
    Issuer,
    Resource,
    Pkce,
    Endpoints,
    Registration,
    Scopes,
    /// A backend of the store, by its name.
    #[serde(untagged)]
    Store(&'static str),
}

impl Topic {
    /// Returns a number that grows in the order in which a login would come to its end over the topics.
    fn order(self) -> u8 {
        match self {
            Self::Data => 0,
            Self::Login => 1,
            Self::Callback => 2,
            Self::Registration => 4,
            Self::Store(_) => 5,
            _ => 3,
        }
    }
}

/// One thing that was examined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it is about.
    pub topic: Topic,
    /// How good it is.
    pub state: Severity,
    /// The stable word of the failure behind it, as in the error events of a login.
    pub code: Option<Code>,
    /// What was found.
    pub what: String,
    /// What can be done about it.
    #[serde(serialize_with = "crate::output::hint::serialize")]
    pub hint: Option<Hint>,
    /// The class of a failure that ends a login here.
    #[serde(skip)]
    class: Class,
}

impl Finding {
    fn ok(topic: Topic, what: impl Into<String>) -> Self {
        Self {
            topic,
            state: Severity::Ok,
            code: None,
            what: what.into(),
            hint: None,
            class: Class::Success,
        }
    }

    fn warning(topic: Topic, what: impl Into<String>, hint: Option<String>) -> Self {
        Self {
            topic,
            state: Severity::Warning,
            code: None,
            what: what.into(),
            hint: hint.map(Hint::Text),
            class: Class::Success,
        }
    }

    fn failure(topic: Topic, err: &Error) -> Self {
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

    /// Makes a warning of a failure that a login gets around, in these words.
    fn bearable(topic: Topic, err: &Error, what: String) -> Self {
        Self {
            state: Severity::Warning,
            what,
            class: Class::Success,
            ..Self::failure(topic, err)
        }
    }
}

/// All that was found.
#[derive(Debug)]
pub struct Diagnosis {
    /// What was found on this machine.
    pub machine: Vec<Finding>,
    /// What was asked of the servers, and decided.
    pub steps: Vec<Step>,
    /// What was found about the server.
    pub server: Vec<Finding>,
}

impl Diagnosis {
    /// Returns all findings.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.machine.iter().chain(&self.server)
    }

    /// Returns the class of the failure that a login would end with, as far as can be foreseen.
    pub fn class(&self) -> Class {
        let failures = self
            .findings()
            .filter(|finding| finding.state == Severity::Failure);
        failures
            .min_by_key(|finding| finding.topic.order())
            .map_or(Class::Success, |finding| finding.class)
    }
}

/// Examines the machine and, if the login is for a server, everything up to the page that the user would see.
pub fn diagnose(case: &Case) -> Diagnosis {
    let cache = Cache::new(case.data_dir.as_deref().unwrap_or(Path::new("")));
    let before = storage::before(case);
    let known = before.as_ref().ok().and_then(Option::as_ref);
    let mut machine = vec![
        machine::environment(&case.environment),
        machine::browser(case),
        machine::terminal(case),
    ];
    machine.extend(machine::loopback());
    let (callback, redirect_uri) = machine::callback(case, &cache, known);
    machine.push(callback);
    machine.extend(storage::examine(case));
    let steps = Trace::default();
    let server = match &before {
        _ if !case.has_server => Vec::new(),
        Err(err) => vec![Finding::failure(Topic::Login, err)],
        Ok(before) => server::examine(case, (&cache, before.as_ref()), &redirect_uri, &steps),
    };
    let steps = steps.into_list();
    // A proxy or a cache may tell an old time, but none that is yet to come.
    machine.push(machine::clock(
        Time::now(),
        steps.iter().filter_map(|step| step.clock_ahead).max(),
    ));
    machine.push(network::proxy(case));
    machine.push(network::certificates(case));
    Diagnosis {
        machine,
        steps,
        server,
    }
}
