//! All servers of the MCP clients' configurations at once: the login to them, and the status of it.

use std::process::ExitCode;

use serde_json::json;

use super::LOST_OUTPUT;
use crate::cli::names::{self, Target};
use crate::cli::{servers, Common, LoginArgs};
use crate::error::LoginError;
use crate::login::Event;
use crate::report::{self, NamedLogin, Reporter};
use crate::status;
use crate::store::cache::Cache;
use crate::store::Key;
use crate::terminal;
use crate::tools::Tools;

/// The kind of what the cache knows about servers that need no login.
const OPEN: &str = "open";

/// Remembers which servers answered without a login.
pub(super) struct Openness(Cache);

impl Openness {
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
pub(super) fn targets(args: &LoginArgs, common: &Common, reporter: &mut Reporter) -> Result<Vec<Target>, LoginError> {
    let found = names::look(args.from.as_deref())?;
    found.unusable.iter().for_each(|trouble| reporter.skipped_for(trouble));
    let (mut targets, mut keys): (Vec<Target>, Vec<Key>) = Default::default();
    for named in found.servers {
        let reason = match (named.skip(), servers::parse(&named.url, common, false)) {
            (Some(reason), _) => reason.to_owned(),
            (None, Err(err)) => err.to_string(),
            (None, Ok(server)) => {
                if !keys.contains(&server.key) {
                    keys.push(server.key);
                    targets.push(Target { text: named.url.clone(), named: Some(named) });
                }
                continue;
            }
        };
        reporter.skipped(&named, &reason);
    }
    Ok(targets)
}

/// `status --from CLIENT`
pub(super) fn run_status(client: &str, common: &Common, tools: &Tools) -> Result<ExitCode, LoginError> {
    let found = names::look(Some(client))?;
    let (logins, openness) = (status::status(tools)?, Openness::new(tools.cache()));
    found.unusable.iter().for_each(|trouble| log::warn!("{trouble}"));
    let mut rows = Vec::new();
    for named in found.servers {
        match servers::parse(&named.url, common, false) {
            Ok(server) => {
                let login = logins.iter().find(|login| login.key() == server.key).cloned();
                let is_free = named.skip().is_some() || openness.is_open(&server.key.server);
                rows.push(NamedLogin { named, key: server.key, login, is_free });
            }
            Err(err) => log::warn!("{err}"),
        }
    }
    let code = if rows.iter().any(NamedLogin::needs_login) { ExitCode::from(3) } else { ExitCode::SUCCESS };
    let text = match common.json {
        true => json!({ "logins": rows.iter().map(NamedLogin::json).collect::<Vec<_>>() }).to_string(),
        false => report::named_table(&rows).trim_end().to_owned(),
    };
    if rows.is_empty() {
        terminal::say(&format!("the configuration of {client} names no server that is reached over HTTP"));
    }
    let is_lost = !text.is_empty() && terminal::product(&text).is_err();
    Ok(if is_lost { ExitCode::from(LOST_OUTPUT) } else { code })
}
