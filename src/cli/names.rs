//! From a name to a server in the configuration of an MCP client.

use std::collections::BTreeSet;

use super::servers;
use crate::clients::config::{self, ConfigProblem, ConfiguredServer, Scan};
use crate::clients::Places;
use crate::error::Error;
use crate::oauth::endpoint;
use crate::oauth::text::printable;
use crate::store::{server_name, StoredId};

/// Longest names that are compared to find what was meant, in bytes.
const MAX_COMPARED_BYTES: usize = 1024;

/// Finds the one server that the clients' configurations name so: `NAME`, or `SOURCE:NAME`.
///
/// # Errors
///
/// [`Error::Usage`] if there is none, or if the clients mean different servers by it.
pub fn find(
    word: &str,
    from: Option<&str>,
    logins: &[StoredId],
) -> Result<ConfiguredServer, Error> {
    let (source, name) =
        source_of(word).map_or((from, word), |(source, name)| (Some(source), name));
    let found = scan(source)?;
    let matching = || found.servers.iter().filter(|server| server.name == name);
    // Of those who mean the same server, the user's own word counts for more than a project's.
    let Some(best) = matching()
        .find(|server| !server.in_project)
        .or_else(|| matching().next())
    else {
        let is_meant = |trouble: &&ConfigProblem| trouble.name.as_deref() == Some(name);
        return Err(
            match (
                found.unusable.iter().find(is_meant),
                found.programs.iter().find(is_meant),
            ) {
                (Some(trouble), _) => unusable(trouble),
                (None, Some(program)) => {
                    Error::usage(program.to_string(), "a login needs the URL of a server")
                }
                (None, None) => {
                    let all = source.map(|_| scan(None)).transpose()?.unwrap_or(found);
                    let same = all.servers.iter().find(|server| server.name == name);
                    let same = same.map(|server| printable(&server.full_name()));
                    let similar = || like(word, &all.servers, logins);
                    servers::no_url(word, same.or_else(similar))
                }
            },
        );
    };
    if matching().all(|other| is_same(best, other)) {
        return Ok(best.clone());
    }
    Err(ambiguous(name, &found.servers))
}

/// Returns the client and the name of a word such as `codex:linear`.
pub fn source_of(word: &str) -> Option<(&str, &str)> {
    word.split_once(':')
        .filter(|(source, _)| config::names().any(|known| known == *source))
}

/// Looks into the configurations of all clients, or of one.
///
/// # Errors
///
/// [`Error::Usage`] if a file of the one client cannot be read.
pub fn scan(source: Option<&str>) -> Result<Scan, Error> {
    // Without a home there are no configurations.
    let Some(places) = Places::detect() else {
        return Ok(Scan::default());
    };
    config::scan(&places, source)
        .checked(source)
        .map_err(|trouble| unusable(&trouble))
}

/// Says why an entry or a file of a client's configuration cannot be used.
pub(super) fn unusable(trouble: &ConfigProblem) -> Error {
    Error::usage(
        trouble.to_string(),
        "repair it, or give the URL of the server",
    )
}

/// Tells whether two entries name the same server.
fn is_same(one: &ConfiguredServer, other: &ConfiguredServer) -> bool {
    let url = |server: &ConfiguredServer| {
        let text = server.url.split('#').next().unwrap_or(&server.url);
        endpoint::parse(text).map_or(text.to_owned(), |url| server_name(&url).to_owned())
    };
    url(one) == url(other)
}

fn ambiguous(name: &str, servers: &[ConfiguredServer]) -> Error {
    let mut files = BTreeSet::new();
    // Several clients read one and the same file.
    let choices = servers
        .iter()
        .filter(|server| server.name == name && files.insert(&server.path));
    let choices = choices
        .map(|server| {
            (
                printable(&server.full_name()),
                printable(&server.shown_url()),
            )
        })
        .collect();
    Error::Ambiguous {
        name: printable(name),
        choices,
    }
}

/// Returns the known name that is most like a word. Long words are not compared: that takes time by the product of both
/// lengths.
fn like(word: &str, servers: &[ConfiguredServer], logins: &[StoredId]) -> Option<String> {
    let short = servers.iter().map(|server| server.name.clone());
    let full = servers.iter().map(ConfiguredServer::full_name);
    let stored = logins.iter().map(|key| key.server.clone());
    let names = short.chain(full).chain(stored);
    let names = names.filter(|name| name.len().max(word.len()) <= MAX_COMPARED_BYTES);
    let ranked = names.map(|name| (strsim::jaro_winkler(&name, word), name));
    let best = ranked
        .filter(|(likeness, _)| *likeness >= servers::LIKENESS)
        .max_by(|one, other| one.0.total_cmp(&other.0));
    best.map(|(_, name)| printable(&name))
}
