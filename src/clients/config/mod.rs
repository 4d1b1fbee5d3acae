//! The servers that the configurations of MCP clients name. Nothing in a configuration is changed or run.
//!
//! `table` lists the clients and their files; [`ConfiguredServer`] is one entry.

mod entry;
mod location;
mod placeholder;
mod read;
mod stream;
mod table;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::setting::EntryPlace;
use super::{Handover, HandoverError, Places};
use crate::warning::warn_user;
use placeholder::{Expansion, Notation};
use table::{ConfigSource, SOURCES};

pub(super) use entry::address;
pub use entry::OAuth;
pub(super) use read::{document, item as from_toml, parse, split_byte_order_mark};

/// A server as a client's configuration names it.
#[derive(Clone, Debug)]
pub struct ConfiguredServer {
    /// The client, such as `codex`.
    pub source: &'static str,
    /// The server's name there.
    pub name: String,
    /// Its URL, with the values of variables.
    pub url: String,
    /// Its URL as the entry has it.
    pub written: String,
    /// The file that names it.
    pub path: PathBuf,
    /// The directory of the project that it is configured for; `None` if it is for all of the user's work.
    pub project: Option<PathBuf>,
    /// The file belongs to a project: another person may have written it.
    pub in_project: bool,
    /// The whole entry.
    pub entry: Value,
}

/// The result of reading configurations.
#[derive(Debug, Default)]
pub struct Scan {
    /// The servers that are reached over HTTP; for a name in one client, only that of the nearest file.
    pub servers: Vec<ConfiguredServer>,
    /// Servers whose URL cannot be used.
    pub unusable: Vec<ConfigProblem>,
    /// Servers that are programs on this machine, which need no login.
    pub programs: Vec<ConfigProblem>,
    /// Files that cannot be read.
    pub broken: Vec<ConfigProblem>,
}

/// A file of a client's, or one server in it, that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigProblem {
    /// The client.
    pub client: &'static str,
    /// The server's name; `None` if it is the whole file.
    pub name: Option<String>,
    /// The file.
    pub path: PathBuf,
    /// What is wrong.
    pub why: String,
}

impl std::error::Error for ConfigProblem {}

impl fmt::Display for ConfigProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (client, path, why) = (self.client, self.path.display(), &self.why);
        match &self.name {
            Some(name) => write!(formatter, "cannot use {client}:{name} of {path}: {why}"),
            None => write!(
                formatter,
                "cannot read the configuration of {client}, {path}: {why}"
            ),
        }
    }
}

/// Returns the names of the clients whose configurations are known.
pub fn names() -> impl Iterator<Item = &'static str> {
    SOURCES.iter().map(|source| source.name)
}

/// Returns the names of the clients that have an entry for an MCP server that they start.
pub(super) fn that_start_servers() -> impl Iterator<Item = &'static str> {
    let starting = SOURCES.iter().filter(|source| !source.stdio.is_empty());
    starting.map(|source| source.name)
}

/// Returns the client of a name.
fn source(client: &str) -> Option<&'static ConfigSource> {
    SOURCES.iter().find(|source| source.name == client)
}

/// Returns the keys of an entry of a client that may hold the URL.
pub(super) fn url_keys(client: &str) -> &'static [&'static str] {
    source(client).map_or(&["url"], |source| source.url)
}

/// Returns the entry of a client for an MCP server that it starts, with `NAME`, `PROGRAM` and `ARGUMENTS` in it, and the
/// text of a new configuration.
pub(super) fn stdio(client: &str) -> (Value, &'static str) {
    let parsed = |it: &ConfigSource| serde_json::from_str(it.stdio).unwrap_or_default();
    source(client).map_or_else(Default::default, |it| (parsed(it), it.new_file))
}

/// Returns the place of a server in the configuration of a client: where it is already, or else in the user's own one.
///
/// # Errors
///
/// [`HandoverError::Unsuitable`] if there is no such place.
pub(super) fn place(handover: &Handover, places: &Places) -> Result<EntryPlace, HandoverError> {
    let (client, name) = (handover.client, handover.name);
    let known = handover.configured.map(|it| it.path.as_path());
    let source = source(client);
    let file = source.and_then(|it| it.file(places, known));
    let file = file.ok_or_else(|| {
        HandoverError::unsuitable(
            format!("the configuration of {client} is not known"),
            "--to any prints the setting",
        )
    })?;
    Ok(EntryPlace {
        path: file.path,
        keys: file.table,
        name: name.to_owned(),
        is_list: source.is_some_and(|it| it.is_list),
    })
}

/// Returns the servers in the configurations of all clients, or of one, and warns about what cannot be read.
pub fn servers(places: &Places, source: Option<&str>) -> Vec<ConfiguredServer> {
    let found = scan(places, source);
    for problem in found.broken.iter().chain(&found.unusable) {
        warn_user!(ConfigurationIgnored, "{problem}");
    }
    found.servers
}

/// Reads the configurations of all clients, or of one.
pub fn scan(places: &Places, source: Option<&str>) -> Scan {
    let mut scan = Scan::default();
    for client in SOURCES {
        if source.is_none_or(|name| name == client.name) {
            read_client(client, places, &mut scan);
        }
    }
    scan
}

impl Scan {
    /// Warns about files that cannot be read.
    ///
    /// # Errors
    ///
    /// The first of them, if only one client was read.
    pub fn checked(self, source: Option<&str>) -> Result<Self, ConfigProblem> {
        for problem in &self.broken {
            if source.is_some() {
                return Err(problem.clone());
            }
            warn_user!(ConfigurationIgnored, "{problem}");
        }
        Ok(self)
    }
}

fn read_client(client: &ConfigSource, places: &Places, scan: &mut Scan) {
    let (mut documents, mut seen) = (BTreeMap::new(), BTreeSet::new());
    let files = client.files(places);
    for file in &files {
        let problem = |name: Option<&str>, why: &str| ConfigProblem {
            client: client.name,
            name: name.map(str::to_owned),
            path: file.path.clone(),
            why: why.to_owned(),
        };
        // A file with several tables is read once.
        let read = || {
            let same = files.iter().filter(|other| other.path == file.path);
            let tables: Vec<_> = same.map(|other| other.table.as_slice()).collect();
            read::document(&file.path, file.in_project, &tables)
        };
        let document = match documents.entry(file.path.clone()).or_insert_with(read) {
            Ok(document) => document,
            Err(why) => {
                let problem = problem(None, why);
                if !scan.broken.contains(&problem) {
                    scan.broken.push(problem);
                }
                continue;
            }
        };
        let mut keys = file.table.iter();
        let table = keys.try_fold(&*document, |value, key| value.get(key));
        for (name, entry) in table.map(entries).unwrap_or_default() {
            if !seen.insert(name.to_owned()) {
                continue;
            }
            let Some(text) = entry::address(entry, client.url) else {
                if entry::is_program(entry) {
                    let why = "it is a program that the client starts, and has no URL";
                    scan.programs.push(problem(Some(name), why));
                }
                continue;
            };
            let expansion = Expansion {
                // Every client has `${X}` in URLs.
                notations: &[&[Notation::Braced], client.notations].concat(),
                places,
                in_project: file.in_project,
                is_url: true,
            };
            match entry::expand(text, &expansion) {
                Ok(url) => scan.servers.push(ConfiguredServer {
                    source: client.name,
                    name: name.to_owned(),
                    url,
                    written: text.to_owned(),
                    path: file.path.clone(),
                    project: file.project.clone(),
                    in_project: file.in_project,
                    entry: with_general(entry, document, client.general),
                }),
                Err(why) => scan.unusable.push(problem(Some(name), &why)),
            }
        }
    }
}

/// Returns the servers of a table with their names: its members, or the elements of a list that have a name.
fn entries(table: &Value) -> Vec<(&str, &Value)> {
    if let Some(list) = table.as_array() {
        let named = list.iter().map(|entry| (entry["name"].as_str(), entry));
        return named.filter_map(|(name, it)| Some((name?, it))).collect();
    }
    let members = table.as_object().into_iter().flatten();
    members.map(|(name, it)| (name.as_str(), it)).collect()
}

/// Returns an entry with the settings of the whole file that apply to each server.
fn with_general(entry: &Value, document: &Value, names: &[&str]) -> Value {
    let mut entry = entry.clone();
    for name in names {
        if let (Some(members), Some(value)) = (entry.as_object_mut(), document.get(*name)) {
            members.entry(*name).or_insert_with(|| value.clone());
        }
    }
    entry
}

/// Returns the directories of a project's files: from the working directory up to the root of its repository, and never
/// above the home directory.
fn project_directories(places: &Places) -> Vec<&Path> {
    let mut found = Vec::new();
    for directory in places.directory.ancestors() {
        found.push(directory);
        if places.is_home(directory) || directory.join(".git").exists() {
            break;
        }
    }
    found
}
