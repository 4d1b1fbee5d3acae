//! What is told of servers that the configurations of MCP clients name.

use std::path::Path;

use serde_json::{json, Value};

use super::table::{aligned, expiry_in_words, keeper, state_in_words};
use super::{Line, Reporter};
use crate::cli::names::Target;
use crate::cli::LoginArgs;
use crate::clients::config::{ConfigProblem, ConfiguredServer};
use crate::clients::Places;
use crate::commands::status::Login;
use crate::oauth::text::printable;
use crate::os::terminal;
use crate::store::StoredId;

/// A server that a configuration names, and the login to it.
#[derive(Debug)]
pub struct NamedLogin {
    /// What the configuration says.
    pub named: ConfiguredServer,
    /// The login's name in the store.
    pub key: StoredId,
    /// The login; `None` if there is none.
    pub login: Option<Login>,
    /// No login is needed.
    pub is_free: bool,
}

impl Reporter {
    /// Tells which server a name means, and who says so, before anything is done with it.
    pub fn named(&mut self, named: &ConfiguredServer, has_secret: bool) {
        let ConfiguredServer {
            source,
            name,
            path,
            in_project,
            ..
        } = named;
        let url = &named.shown_url();
        self.print(&Line::Named {
            server: url,
            name,
            client: source,
            path: path.display().to_string(),
            in_project: *in_project,
        });
        match in_project {
            // Who asked for quiet has to see this all the same.
            true => terminal::insist(&named.introduction()),
            false => terminal::say(&named.introduction()),
        }
        if let Some(reason) = named.skip() {
            terminal::complain(
                "warning",
                &format!(
                    "{source} may not use a login to {}: {reason}",
                    printable(name)
                ),
            );
        }
        let known = Places::look()
            .map(|places| named.oauth(&places))
            .unwrap_or_default();
        if known.has_secret && !has_secret {
            let with = if *in_project {
                "the URL, --client-id and --client-secret-file"
            } else {
                "--client-secret-file"
            };
            let text = format!(
                "the client secret in {} is not read; give it with {with}",
                shown(path)
            );
            terminal::complain("warning", &text);
        }
    }

    /// Tells what of a configuration is not used for a login, or is missing there.
    pub fn unused(&mut self, target: &Target, args: &LoginArgs) {
        let Some(named) = &target.named else { return };
        let path = shown(&named.path);
        if target.lacks_redirect(args) {
            let text = format!(
                "{path} does not say which redirect URI the client of {} is registered with; if the server refuses the \
                 login, give it with --redirect-uri",
                printable(&named.name)
            );
            terminal::complain("warning", &text);
        }
        let known = Places::look()
            .map(|places| named.oauth(&places))
            .unwrap_or_default();
        if named.in_project && (known.endpoints.is_some() || known.metadata.is_some()) {
            let text = format!(
                "the authorization server that {path} names is not used: it is a project's file"
            );
            terminal::complain("warning", &text);
        }
    }

    /// Tells that a server is left out.
    pub fn skipped(&mut self, named: &ConfiguredServer, reason: &str) {
        let ConfiguredServer { source, name, .. } = named;
        let url = &named.shown_url();
        self.print(&Line::Skipped {
            server: Some(url),
            name,
            client: source,
            reason,
        });
        terminal::say(&format!(
            "left out: {} ({}): {reason}",
            printable(&named.full_name()),
            printable(url)
        ));
    }

    /// Tells that a server is left out because its URL cannot be worked out.
    pub fn skipped_for(&mut self, trouble: &ConfigProblem) {
        let ConfigProblem {
            client, name, why, ..
        } = trouble;
        let name = name.as_deref().unwrap_or_default();
        self.print(&Line::Skipped {
            server: None,
            name,
            client,
            reason: why,
        });
        terminal::say(&format!(
            "left out: {client}:{}: {}",
            printable(name),
            printable(why)
        ));
    }

    /// Tells that a server answered without a login.
    pub fn needs_none(&mut self, server: &str) {
        terminal::countdown(None);
        self.print(&Line::NoLoginNeeded { server });
        terminal::say(&format!("{server} answers without a login: it needs none"));
    }
}

fn shown(path: &Path) -> String {
    printable(&path.display().to_string())
}

impl NamedLogin {
    /// Tells whether only a login helps.
    pub fn needs_login(&self) -> bool {
        self.state() == "needs_login"
    }

    fn state(&self) -> &'static str {
        match &self.login {
            Some(login) => login.state.word(),
            None if self.is_free => "no_login_needed",
            None => "needs_login",
        }
    }

    /// Returns what scripts are told: the members of a login, null where there is none, and the name.
    pub fn json(&self) -> Value {
        let nothing = || {
            json!({
                "server": self.key.server, "profile": self.key.profile, "issuer": null, "client_id": null,
                "scopes": [], "expires_at": null, "refreshable": false, "store": null,
            })
        };
        let login = self
            .login
            .as_ref()
            .and_then(|login| serde_json::to_value(login).ok());
        let mut members = login.unwrap_or_else(nothing);
        members["state"] = self.state().into();
        members["name"] = self.named.name.clone().into();
        members["client"] = self.named.source.into();
        members
    }
}

/// Returns the servers of a configuration as a table for people.
pub fn named_table(rows: &[NamedLogin]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut table = vec![["NAME", "SERVER", "STATE", "EXPIRES", "KEPT IN"].map(str::to_owned)];
    table.extend(rows.iter().map(|row| {
        let (state, expires, place) = match &row.login {
            Some(login) => {
                let entry = &login.entry;
                (
                    state_in_words(login.state),
                    expiry_in_words(entry.expires_at),
                    keeper(entry),
                )
            }
            None if row.is_free => ("no login needed", String::new(), String::new()),
            None => ("needs login", String::new(), String::new()),
        };
        [
            printable(&row.named.name),
            printable(&row.key.server),
            state.to_owned(),
            expires,
            place,
        ]
    }));
    aligned(&table)
}
