//! The servers that the configurations of MCP clients name.
//!
//! Whatever stands there is somebody's word: it is read, and never run. Which files are read is `table`; what one
//! entry says is told by [`ConfiguredServer`].

mod entry;
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

use super::Places;
use placeholder::Rules;
use table::{Source, SOURCES};

pub use entry::OAuth;
pub(super) use read::item as from_toml;

/// A server as a client's configuration names it.
#[derive(Clone, Debug)]
pub struct ConfiguredServer {
    /// The client, such as `codex`.
    pub source: &'static str,
    /// The server's name there.
    pub name: String,
    /// Its URL, variables expanded.
    pub url: String,
    /// Its URL as it stands there.
    pub written: String,
    /// The file that names it.
    pub path: PathBuf,
    /// The directory of the project that it is configured for; `None` if it is for all the user does.
    pub project: Option<PathBuf>,
    /// The file belongs to a project, and is somebody else's word.
    pub in_project: bool,
    /// The whole entry.
    pub entry: Value,
}

/// What the configurations hold.
#[derive(Debug, Default)]
pub struct Scan {
    /// The servers that are reached over HTTP. Of one name in one client only the nearest.
    pub servers: Vec<ConfiguredServer>,
    /// Servers whose URL cannot be worked out.
    pub unusable: Vec<ConfigProblem>,
    /// Servers that are programs on this machine: there is no login to them.
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
        let Self {
            client, path, why, ..
        } = self;
        match &self.name {
            Some(name) => write!(
                formatter,
                "cannot use {client}:{name} of {}: {why}",
                path.display()
            ),
            None => write!(
                formatter,
                "cannot read the configuration of {client}, {}: {why}",
                path.display()
            ),
        }
    }
}

/// Returns the names of the clients whose configurations are known.
pub fn names() -> impl Iterator<Item = &'static str> {
    SOURCES.iter().map(|source| source.name)
}

/// Returns the servers that the configurations name; only those of one source if it is given. What cannot be read is
/// warned about.
pub fn servers(places: &Places, source: Option<&str>) -> Vec<ConfiguredServer> {
    let found = look(places, source);
    found
        .broken
        .iter()
        .chain(&found.unusable)
        .for_each(|trouble| log::warn!("{trouble}"));
    found.servers
}

/// Looks into the configurations, or into those of one client, and says nothing.
pub fn look(places: &Places, source: Option<&str>) -> Scan {
    let mut found = Scan::default();
    for client in SOURCES
        .iter()
        .filter(|client| source.is_none_or(|name| name == client.name))
    {
        look_into(client, places, &mut found);
    }
    found
}

impl Scan {
    /// Warns about files that cannot be read.
    ///
    /// # Errors
    ///
    /// The first of them, if one client was asked for.
    pub fn checked(self, source: Option<&str>) -> Result<Self, ConfigProblem> {
        for trouble in &self.broken {
            if source.is_some() {
                return Err(trouble.clone());
            }
            log::warn!("{trouble}");
        }
        Ok(self)
    }
}

fn look_into(client: &Source, places: &Places, found: &mut Scan) {
    let (mut documents, mut seen) = (BTreeMap::new(), BTreeSet::new());
    let files = client.files(places);
    for file in &files {
        let tables = files
            .iter()
            .filter(|other| other.path == file.path)
            .map(|other| other.table.as_slice());
        let read = || read::document(&file.path, file.in_project, &tables.collect::<Vec<_>>());
        let document = match documents.entry(file.path.clone()).or_insert_with(read) {
            Ok(document) => document,
            Err(why) => {
                let trouble = ConfigProblem {
                    client: client.name,
                    name: None,
                    path: file.path.clone(),
                    why: why.clone(),
                };
                found
                    .broken
                    .extend((!found.broken.contains(&trouble)).then_some(trouble));
                continue;
            }
        };
        let table = file
            .table
            .iter()
            .try_fold(&*document, |value, key| value.get(key));
        for (name, entry) in table.and_then(Value::as_object).into_iter().flatten() {
            if !seen.insert(name.clone()) {
                continue;
            }
            let trouble = |why: String| {
                let path = file.path.clone();
                ConfigProblem {
                    client: client.name,
                    name: Some(name.clone()),
                    path,
                    why,
                }
            };
            let Some(text) = entry::address(entry, client.url) else {
                let program =
                    || trouble("it is a program that the client starts, and has no URL".to_owned());
                found
                    .programs
                    .extend(entry::is_program(entry).then(program));
                continue;
            };
            let rules = Rules {
                known: &client.notations_of_urls(),
                places,
                in_project: file.in_project,
            };
            match entry::expand(text, rules) {
                Ok(url) => found.servers.push(ConfiguredServer {
                    source: client.name,
                    name: name.clone(),
                    url,
                    written: text.to_owned(),
                    path: file.path.clone(),
                    project: file.project.clone(),
                    in_project: file.in_project,
                    entry: with_general(entry, document, client.general),
                }),
                Err(why) => found.unusable.push(trouble(why)),
            }
        }
    }
}

/// Returns an entry with the settings of the whole file that count for each server.
fn with_general(entry: &Value, document: &Value, names: &[&str]) -> Value {
    let mut entry = entry.clone();
    if let Some(members) = entry.as_object_mut() {
        for (name, value) in names
            .iter()
            .filter_map(|name| Some((*name, document.get(*name)?)))
        {
            members.entry(name).or_insert_with(|| value.clone());
        }
    }
    entry
}

/// Returns the directories that a project's files may stand in: from the working directory up to the root of its
/// repository, and never above the home directory.
fn project_directories(places: &Places) -> Vec<&Path> {
    let mut found = Vec::new();
    for directory in places.directory.ancestors() {
        found.push(directory);
        if directory == places.home || directory.join(".git").exists() {
            break;
        }
    }
    found
}
