//! What the user says about a hand-over, and what follows where the user says nothing: who owns the refresh token, and the
//! server's entry and its name in the client's configuration.

use crate::clients::config::ConfiguredServer;
use crate::clients::ours::OwnCommand;
use crate::clients::{HandoverError, Mode, Places, Target, MCP_REMOTE};
use crate::store::{Credentials, StoredId};

/// What the user wants.
#[derive(Clone, Copy)]
pub struct HandoverOptions<'a> {
    /// Who gets the login.
    pub client: &'static Target,
    /// Who owns the refresh token afterwards; `None` for what suits the client.
    pub mode: Option<Mode>,
    /// The server's name in the client's configuration, if the user gives it.
    pub name: Option<&'a str>,
    /// The name by which the user called the server, in another client's configuration.
    pub typed: Option<&'a str>,
    /// The variable for the token, where one is set.
    pub variable: &'a str,
    /// How the client runs this program for the login.
    pub command: &'a OwnCommand,
}

impl HandoverOptions<'_> {
    /// Returns the mode that the user wants, or the usual one. A login that cannot be refreshed is not moved.
    pub fn mode_for(&self, login: &Credentials) -> Result<Mode, HandoverError> {
        let client = self.client;
        if login.is_unattended() {
            return Err(HandoverError::unsuitable(
            "no person takes part in this login, so there is nothing to hand over but a token that soon expires",
            "let the client run `mcp-login headers SERVER` or `mcp-login connect SERVER`, or the job `mcp-login exec`",
        ));
        }
        if login.is_bound() && !client.is_bridged {
            let (name, server) = (client.name, &login.server);
            return Err(HandoverError::unsuitable(
                format!("the token is bound to a key (DPoP), and {name} cannot send proofs"),
                format!("use --to any: the client starts `mcp-login connect {server}`, which sends them"),
            ));
        }
        let cannot_move = if login.refresh_token.is_none() {
            Some("there is no refresh token to move: the server gave none")
        } else if login.client_key.is_some() {
            Some("there is nothing to move: each refresh is signed with the private key of the client")
        } else {
            None
        };
        let usual = client
            .modes
            .iter()
            .copied()
            .find(|mode| *mode != Mode::Move || cannot_move.is_none());
        match (self.mode, cannot_move) {
            (Some(Mode::Move), Some(why)) => Err(HandoverError::unsuitable(
                why,
                "use --mode access: the client gets the access token, until it expires",
            )),
            (None, _) => Ok(usual.unwrap_or(Mode::Access)),
            (Some(mode), _) if client.modes.contains(&mode) => Ok(mode),
            (Some(mode), _) => {
                let others: Vec<_> = client.modes.iter().map(Mode::to_string).collect();
                Err(HandoverError::unsuitable(
                    format!("{} cannot be served with --mode {mode}", client.name),
                    format!("use --mode {}, or leave it out", others.join(" or ")),
                ))
            }
        }
    }

    /// Finds the server in the client's own configuration, by its URL.
    pub fn configured(
        &self,
        key: &StoredId,
        places: &Places,
    ) -> Result<Option<ConfiguredServer>, HandoverError> {
        let Some(source) = self.client.source else {
            return Ok(None);
        };
        let mut found = self.client.servers(places);
        found.retain(|it| key.is_for(&it.url) && self.name.is_none_or(|name| it.name == name));
        let is_mcp_remote = source == MCP_REMOTE;
        let is_typed = |it: &ConfiguredServer| self.typed == Some(&it.name);
        if !is_mcp_remote && found.iter().any(is_typed) {
            found.retain(is_typed);
        }
        let Some(first) = found.first() else {
            // mcp-remote knows no names.
            if self.name.is_some() || self.client.asks_us || is_mcp_remote {
                return Ok(None);
            }
            return Err(HandoverError::unsuitable(
            format!("the configuration of {source} names no server with the URL {}", key.server),
            format!("add the server to {source} first, or give the name that it will have there with --name"),
        ));
        };
        let is_other = |it: &ConfiguredServer| match is_mcp_remote {
            true => it.entry != first.entry,
            false => it.name != first.name,
        };
        if found.iter().any(is_other) {
            let name = |it: &ConfiguredServer| match is_mcp_remote {
                true => it.full_name(),
                false => it.name.clone(),
            };
            let names: Vec<_> = found.iter().map(name).collect();
            return Err(HandoverError::unsuitable(
                format!(
                    "{source} knows {} by several names: {}",
                    key.server,
                    names.join(", ")
                ),
                "choose one of them with --name, or give them the same settings",
            ));
        }
        self.client.wants(first)?;
        Ok(found.into_iter().next())
    }

    /// Returns the server's name in the client's configuration: as the user says, as it is there already, or a new one.
    pub fn name_of(&self, key: &StoredId, configured: Option<&ConfiguredServer>) -> String {
        let known = self.name.or(configured.map(|it| it.name.as_str()));
        match (known, self.typed.map(str::to_owned)) {
            (Some(name), _) => name.to_owned(),
            (None, new) => {
                let new = new.unwrap_or_else(|| usual_name(&key.server));
                match self.client.plain_names {
                    true => plain(&new),
                    false => new,
                }
            }
        }
    }
}

/// Makes a name for a server: the last part of its host before the top-level domain that is no common word, else the host.
fn usual_name(server: &str) -> String {
    let host = url::Url::parse(server)
        .ok()
        .and_then(|url| url.host_str().map(str::to_owned));
    let host = host.unwrap_or_else(|| server.to_owned());
    let labels: Vec<&str> = host.split('.').collect();
    let is_name =
        |label: &&&str| !["mcp", "www", "api"].contains(*label) && label.parse::<u16>().is_err();
    let known = labels
        .get(..labels.len().saturating_sub(1))
        .unwrap_or_default();
    known
        .iter()
        .rfind(is_name)
        .map_or(host.clone(), |it| (*it).to_owned())
}

/// Returns a name in letters, digits, `-` and `_`.
fn plain(name: &str) -> String {
    let is_plain = |it: char| it.is_ascii_alphanumeric() || "-_".contains(it);
    name.replace(|it| !is_plain(it), "-")
        .trim_matches('-')
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_servers() {
        for (server, name) in [
            ("https://mcp.linear.app/mcp", "linear"),
            ("https://linear.app", "linear"),
            ("https://api.githubcopilot.com/mcp/", "githubcopilot"),
            ("https://docs.mcp.example.com/mcp", "example"),
            ("http://127.0.0.1:8000/mcp", "127.0.0.1"),
            ("http://[::1]:8000/mcp", "[::1]"),
            ("http://localhost:8000/mcp", "localhost"),
            ("https://mcp.com", "mcp.com"),
            ("work", "work"),
        ] {
            assert_eq!(usual_name(server), name, "{server}");
        }
        for (name, expected) in [
            ("127.0.0.1", "127-0-0-1"),
            ("[::1]", "1"),
            ("linear_2", "linear_2"),
        ] {
            assert_eq!(plain(name), expected);
        }
    }
}
