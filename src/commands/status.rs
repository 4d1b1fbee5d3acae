//! `status`: which logins are stored, until when they work, and where.

use std::collections::BTreeSet;
use std::process::ExitCode;

use clap::builder::PossibleValuesParser;
use clap::Args;
use serde::Serialize;
use serde_json::{json, Value};

use super::login::all::is_open;
use crate::cli::{names, servers, values};
use crate::clients::config::{self, ConfiguredServer};
use crate::clients::{ours, Places};
use crate::context::Context;
use crate::error::Error;
use crate::failure::{About, Class, Failure as _};
use crate::oauth::text::{json_line, printable, scope_list};
use crate::os::clock::Time;
use crate::os::terminal;
use crate::output::{self, duration_in_words, fitted};
use crate::store::{is_from_the_future, IndexEntry, Interaction, StoredId, DEFAULT_PROFILE};
use crate::warning::warn_user;

/// The options of the status.
#[derive(Clone, Debug, Args)]
pub struct StatusArgs {
    /// Only these servers; exit status 3 if one of them needs a login
    #[arg(value_name = "SERVER", value_parser = values::server)]
    pub servers: Vec<String>,

    /// The servers in this client's configuration; exit status 3 if one of them needs a login
    #[arg(long, value_name = "CLIENT", value_parser = PossibleValuesParser::new(config::names()))]
    pub from: Option<String>,
}

/// What can be expected of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LoginState {
    /// Its access token is live.
    Live,
    /// Its access token will be refreshed when it is asked for.
    RefreshDue,
    /// Only a new login helps.
    NeedsLogin,
    /// Another program has it now.
    HandedOver,
    /// There is none, and the server needs none.
    NoLoginNeeded,
}

impl LoginState {
    /// Works out the state of a login.
    pub fn of(entry: &IndexEntry) -> Self {
        let has_expired = entry.expires_at.is_some_and(Time::has_passed);
        // Nobody knows when a token from the future really expires.
        let is_odd =
            entry.expires_at.is_some() && entry.obtained_at.is_some_and(is_from_the_future);
        if entry.handed_over.is_some() {
            Self::HandedOver
        } else if entry.needs_login || has_expired && !entry.refreshable {
            Self::NeedsLogin
        } else if entry.refreshable && (has_expired || is_odd) {
            Self::RefreshDue
        } else {
            Self::Live
        }
    }

    /// Returns the state in words for people.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::RefreshDue => "refresh due",
            Self::NeedsLogin => IMPORTANT,
            Self::HandedOver => "handed over",
            Self::NoLoginNeeded => "no login needed",
        }
    }
}

/// One login.
#[derive(Clone, Debug, Serialize)]
pub struct Login {
    /// What the index says about it.
    #[serde(flatten)]
    pub entry: IndexEntry,
    /// What can be expected of it.
    pub state: LoginState,
    /// Who has it: the client that it was handed over to, or those that ask us for its token.
    pub client: Option<String>,
}

impl Login {
    /// Works out the state of a login, and which of these servers in the configurations of clients ask for it.
    pub fn of(entry: IndexEntry, configured: &[ConfiguredServer]) -> Self {
        let state = LoginState::of(&entry);
        let key = entry.key();
        let users = configured.iter().filter(|it| ours::asks_for(it, &key));
        let users: BTreeSet<_> = users.map(ConfiguredServer::full_name).collect();
        let client = match &entry.handed_over {
            Some(handed_over) => Some(handed_over.to.clone()),
            None => (!users.is_empty()).then(|| Vec::from_iter(users).join(", ")),
        };
        Self {
            entry,
            state,
            client,
        }
    }

    /// Returns when the access token expires, whose account it is, who has the login, and where it is stored.
    fn details(&self) -> [String; 4] {
        let entry = &self.entry;
        let expiry = match entry.expires_at.map(Time::seconds_left) {
            Some(left) if left > 0 => format!("in {}", duration_in_words(left.unsigned_abs())),
            Some(left) => format!("{} ago", duration_in_words(left.unsigned_abs())),
            None => "unknown".to_owned(),
        };
        let shown = |text: &Option<String>| text.as_deref().map_or(String::new(), printable);
        [
            expiry,
            shown(&entry.account),
            shown(&self.client),
            entry.place.name.clone(),
        ]
    }
}

/// What a person has to see in a table.
const IMPORTANT: &str = "needs login";

fn row(cells: impl IntoIterator<Item = impl Into<String>>) -> Vec<String> {
    cells.into_iter().map(Into::into).collect()
}

/// Prints the logins, or the servers of a client's configuration; with `of_one` the only login, if none is named.
///
/// # Errors
///
/// [`Error::Store`] if the index cannot be read; [`Error::Usage`].
pub fn run(args: &StatusArgs, of_one: bool, context: &Context) -> Result<ExitCode, Error> {
    let mut logins = list(context)?;
    if let (Some(client), true) = (&args.from, args.servers.is_empty()) {
        return run_for_client(client, &logins, context);
    }
    let profile = context.profile.as_deref();
    let keys: Vec<_> = logins.iter().map(|login| login.entry.key()).collect();
    let wanted = args
        .servers
        .iter()
        .map(|text| servers::all_stored(text, args.from.as_deref(), profile, &keys));
    let mut wanted = wanted.collect::<Result<Vec<_>, _>>()?.concat();
    if of_one && wanted.is_empty() {
        wanted.push(servers::find(None, context)?);
    }
    if !wanted.is_empty() {
        logins.retain(|login| wanted.contains(&login.entry.key()));
    } else if let Some(profile) = profile {
        logins.retain(|login| login.entry.profile == *profile);
    }
    let missing: Vec<_> = wanted.iter().filter(|key| !keys.contains(key)).collect();
    let class = match (missing.is_empty(), wanted.is_empty()) {
        (false, _) => Class::LoginNeeded,
        (true, true) => Class::Success,
        (true, false) => class_of(logins.iter().map(|login| login.state)),
    };
    if context.json {
        let text = json_line(&json!({ "logins": logins })).unwrap_or_default();
        return Ok(output::print_all(&text, class));
    }
    let code = output::print_all(&table(&logins), class);
    for key in missing {
        let login = output::hint::command(&context.settings.login(key, &[]));
        terminal::say(&format!(
            "there is no login to {}; log in with: {login}",
            key.server
        ));
    }
    if of_one && logins.iter().any(|login| login.entry.account.is_none()) {
        terminal::say("no account: the authorization server has named none");
    }
    if logins.is_empty() && wanted.is_empty() {
        terminal::say("there are no logins");
    }
    Ok(code)
}

/// Returns the class of a status that names these logins.
fn class_of(mut states: impl Iterator<Item = LoginState>) -> Class {
    match states.any(|state| state == LoginState::NeedsLogin) {
        true => Class::LoginNeeded,
        false => Class::Success,
    }
}

/// Lists all logins, by server and profile.
///
/// # Errors
///
/// [`Error::Store`] if the index cannot be read.
pub fn list(context: &Context) -> Result<Vec<Login>, Error> {
    let (entries, faults) = context
        .store_to_read(Interaction::None)
        .examine()
        .map_err(|source| Error::all_logins("read", source))?;
    for fault in &faults {
        let hint = fault
            .hint(&About::default())
            .map(|hint| format!("; {}", output::hint::hint(&hint)));
        warn_user!(LoginUnreadable, "{fault}{}", hint.unwrap_or_default());
    }
    let places = Places::detect().filter(|_| !entries.is_empty());
    let configured = places.map(|places| config::scan(&places, None).servers);
    let configured = configured.unwrap_or_default();
    let entries = entries.into_iter();
    let mut logins = Vec::from_iter(entries.map(|entry| Login::of(entry, &configured)));
    logins.sort_by_key(|login| login.entry.key());
    Ok(logins)
}

/// Returns the logins as a table for people; empty if there are none.
fn table(logins: &[Login]) -> String {
    let has_profiles = logins
        .iter()
        .any(|login| login.entry.profile != DEFAULT_PROFILE);
    let heads = [
        "SERVER",
        "PROFILE",
        "STATE",
        "EXPIRES",
        "ACCOUNT",
        "CLIENT",
        "STORED IN",
        "SCOPES",
    ];
    let rows = logins.iter().map(|login| {
        let entry = &login.entry;
        let profile = has_profiles.then(|| entry.profile.clone());
        let state = login.state.in_words().to_owned();
        let first = [printable(&entry.server), profile.unwrap_or_default(), state];
        let cells = first.into_iter().chain(login.details());
        row(cells.chain([scope_list(&entry.scopes, "")]))
    });
    let rows: Vec<_> = [row(heads)].into_iter().chain(rows).collect();
    fitted(&rows, IMPORTANT)
}

/// A server in a client's configuration, and the login to it.
struct NamedLogin {
    named: ConfiguredServer,
    key: StoredId,
    login: Option<Login>,
    state: LoginState,
}

impl NamedLogin {
    /// Returns the members of a login, null where there is none, and the name.
    fn json(&self) -> Value {
        let login = self.login.as_ref();
        let mut members = login.and_then(|login| serde_json::to_value(login).ok()).unwrap_or_else(|| {
            json!({
                "server": self.key.server, "profile": self.key.profile, "issuer": null, "client_id": null,
                "scopes": [], "expires_at": null, "refreshable": false, "store": null,
            })
        });
        members["state"] = json!(self.state);
        members["name"] = self.named.name.clone().into();
        members["client"] = self.named.source.into();
        members
    }

    fn row(&self) -> Vec<String> {
        let details = self.login.as_ref().map(Login::details);
        let [expiry, account, _, place] = details.unwrap_or_default();
        row([
            printable(&self.named.name),
            printable(&self.key.server),
            self.state.in_words().to_owned(),
            expiry,
            account,
            place,
        ])
    }
}

/// `status --from CLIENT`
fn run_for_client(client: &str, logins: &[Login], context: &Context) -> Result<ExitCode, Error> {
    let found = names::scan(Some(client))?;
    let cache = context.cache();
    for problem in &found.unusable {
        warn_user!(ConfigurationIgnored, "{problem}");
    }
    let mut servers = Vec::new();
    for named in found.servers {
        match servers::parse_named(&named, context.profile.as_deref()) {
            Ok(server) => {
                let key = server.key;
                let mut stored = logins.iter().filter(|login| login.entry.key() == key);
                let login = stored.next().cloned();
                let is_free = named.skip().is_some() || is_open(&cache, &key.server);
                let state = match &login {
                    Some(login) => login.state,
                    None if is_free => LoginState::NoLoginNeeded,
                    None => LoginState::NeedsLogin,
                };
                servers.push(NamedLogin {
                    named,
                    key,
                    login,
                    state,
                });
            }
            Err(err) => warn_user!(ConfigurationIgnored, "{err}"),
        }
    }
    if servers.is_empty() {
        terminal::say(&format!(
            "the configuration of {client} has no server that is reached over HTTP"
        ));
    }
    let class = class_of(servers.iter().map(|server| server.state));
    let text = if context.json {
        let logins: Vec<_> = servers.iter().map(NamedLogin::json).collect();
        json_line(&json!({ "logins": logins })).unwrap_or_default()
    } else {
        let heads = ["NAME", "SERVER", "STATE", "EXPIRES", "ACCOUNT", "STORED IN"];
        let rows = servers.iter().map(NamedLogin::row);
        let rows: Vec<_> = [row(heads)].into_iter().chain(rows).collect();
        fitted(&rows, IMPORTANT)
    };
    Ok(output::print_all(&text, class))
}
