//! A setting in the configuration of a client: the entry of one server, in JSON, TOML or YAML. Everything else is kept.

#[cfg(test)]
mod tests;
mod toml;
mod yaml;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{json, Value};
use zeroize::Zeroizing;

use super::config::{self, parse};
use super::{json as file, ours, Change, Handover, HandoverError};

/// Where the entry of a server is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryPlace {
    /// The file.
    pub path: PathBuf,
    /// The keys that lead to the servers.
    pub keys: Vec<String>,
    /// The server's name.
    pub name: String,
    /// The servers are a list, in which each has a `name`.
    pub is_list: bool,
}

/// A setting without a secret.
#[derive(Clone)]
pub struct Setting {
    /// Where it is.
    pub place: EntryPlace,
    /// The file belongs to a project, and only the user may change it.
    pub in_project: bool,
    /// The URLs that the server has in entries.
    pub urls: Vec<String>,
    /// The members of an entry that may hold its URL.
    pub url_keys: &'static [&'static str],
    /// What a new entry has beside `members`, and an old one may have in another form.
    pub usual: Value,
    /// What the entry has afterwards.
    pub members: Value,
    /// The members that an old entry loses.
    pub removed: &'static [&'static str],
    /// Refuses an old entry, which is that of the server.
    pub check: fn(&Path, &str, &Value) -> Result<(), HandoverError>,
    /// The text of a file that is made for it.
    pub new_file: &'static str,
}

/// The members that come first in an entry; the others follow by their names.
const FIRST: &[&str] = &[
    "name",
    "source",
    "type",
    "transport",
    "url",
    "command",
    "cmd",
];

/// Returns the members of an object in the order in which they are written.
fn in_order(entry: &Value) -> Vec<(&str, &Value)> {
    let members = entry.as_object().into_iter().flatten();
    let mut members: Vec<_> = members.map(|(key, it)| (key.as_str(), it)).collect();
    let rank = |key: &str| FIRST.iter().position(|first| *first == key);
    members.sort_by_key(|(key, _)| rank(key).unwrap_or(FIRST.len()));
    members
}

/// Replaces members of an object by those of another one, at all levels.
fn merge(into: &mut Value, from: &Value) {
    match (into.as_object_mut(), from.as_object()) {
        (Some(into), Some(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        _ => *into = from.clone(),
    }
}

impl Setting {
    /// A setting that changes nothing yet.
    pub fn new(handover: &Handover, place: EntryPlace) -> Self {
        let configured = handover.configured;
        let mut urls = vec![handover.url.to_owned(), handover.command.server.clone()];
        urls.extend(configured.map(|it| it.written.clone()));
        Self {
            in_project: configured.is_some_and(|it| it.in_project && it.path == place.path),
            place,
            urls,
            url_keys: config::url_keys(handover.client),
            usual: json!({}),
            members: json!({}),
            removed: &[],
            check: |_, _, _| Ok(()),
            new_file: "",
        }
    }

    /// Returns the text of the configuration with the setting.
    ///
    /// # Errors
    ///
    /// [`HandoverError::Unsuitable`] if the name belongs to another server, or if the old entry is refused;
    /// [`HandoverError::UnknownFormat`] if the file cannot be changed without a loss.
    pub fn edit(&self, old: Option<&str>) -> Result<Zeroizing<String>, HandoverError> {
        let (place, path) = (&self.place, &self.place.path);
        let old = old.filter(|text| !text.trim().is_empty());
        let mut entry = self.usual.clone();
        if let Some(old) = place.read(old.unwrap_or(self.new_file))? {
            let own = config::address(&old, self.url_keys);
            if own.is_none_or(|url| !self.urls.iter().any(|it| it == url)) {
                let url = own.map_or("another program".to_owned(), str::to_owned);
                return Err(HandoverError::other_server(path, &place.name, &url));
            }
            (self.check)(path, &place.name, &old)?;
            // An entry that starts this program as its server is ours, and no part of another one.
            if !ours::connects(&old) || ours::connects(&self.members) {
                merge(&mut entry, &old);
            }
            if let Some(members) = entry.as_object_mut() {
                members.retain(|key, _| !self.removed.contains(&key.as_str()));
            }
        }
        merge(&mut entry, &self.members);
        place.write(old.unwrap_or(self.new_file), Some(&entry))
    }

    /// Returns the lines for a user who adds the setting by hand.
    pub fn shown(&self) -> String {
        let mut entry = self.usual.clone();
        merge(&mut entry, &self.members);
        let text = self.place.write("", Some(&entry)).unwrap_or_default();
        text.trim_end().to_owned()
    }

    /// Returns the change of the file.
    pub fn change(&self) -> Change {
        let setting = self.clone();
        Change::shared(self.place.path.clone(), move |_, old| setting.edit(old))
    }
}

impl EntryPlace {
    /// Reads the entry.
    ///
    /// # Errors
    ///
    /// [`HandoverError::UnknownFormat`].
    pub fn read(&self, text: &str) -> Result<Option<Value>, HandoverError> {
        let document = self.parse(text)?;
        let mut keys = self.keys.iter();
        let table = keys.try_fold(&document, |value, key| value.get(key));
        let is_known = |table: &Value| match self.is_list {
            true => table.is_array() || table.is_null(),
            false => table.is_object() || table.is_null(),
        };
        if table.is_some_and(|table| !is_known(table)) {
            let kind = if self.is_list { "a list" } else { "a table" };
            let why = format!("{} is not {kind}", self.keys.join("."));
            return Err(HandoverError::unknown(&self.path, why));
        }
        let entry = match table {
            Some(Value::Array(list)) => list.iter().find(|it| it["name"] == self.name.as_str()),
            table => table.and_then(|table| table.get(&self.name)),
        };
        match entry {
            Some(entry) if !entry.is_object() => {
                let why = format!("{}.{} is not a table", self.keys.join("."), self.name);
                Err(HandoverError::unknown(&self.path, why))
            }
            entry => Ok(entry.cloned()),
        }
    }

    /// Returns a text with this entry in place of the one that it has, or without it.
    ///
    /// # Errors
    ///
    /// [`HandoverError::UnknownFormat`] if the text cannot be changed without a loss.
    pub fn write(
        &self,
        old: &str,
        entry: Option<&Value>,
    ) -> Result<Zeroizing<String>, HandoverError> {
        let (mark, text) = config::split_byte_order_mark(old);
        let new = match self.path.extension().and_then(|it| it.to_str()) {
            Some("toml") => toml::write(self, text, entry)?,
            Some("yaml" | "yml") => yaml::write(self, text, entry)
                .map(Zeroizing::new)
                .ok_or_else(|| self.cannot_be_kept())?,
            _ => self.write_json(text, entry)?,
        };
        let new = Zeroizing::new([mark, &new].concat());
        // The proof that nothing else has another value now.
        let mut expected = self.parse(old)?;
        self.put(&mut expected, entry);
        let is_done = self.read(&new)?.as_ref() == entry;
        // A table that has become empty may be gone.
        let mut found = self.parse(&new)?;
        self.put(&mut found, entry);
        match is_done && found == expected {
            true => Ok(new),
            false => Err(self.cannot_be_kept()),
        }
    }

    fn cannot_be_kept(&self) -> HandoverError {
        let why = "it cannot be changed without touching the rest of it";
        HandoverError::unknown(&self.path, why)
    }

    fn parse(&self, text: &str) -> Result<Value, HandoverError> {
        let extension = self.path.extension().and_then(|it| it.to_str());
        let document = parse(text, extension);
        let document = document.map_err(|why| HandoverError::unknown(&self.path, why))?;
        match document {
            Value::Null => Ok(json!({})),
            Value::Object(_) => Ok(document),
            _ => Err(HandoverError::unknown(&self.path, "it is not an object")),
        }
    }

    /// Sets the entry in a document, or removes it.
    fn put(&self, document: &mut Value, entry: Option<&Value>) {
        let mut table = document;
        for key in &self.keys {
            if table.is_null() {
                *table = json!({});
            }
            let Some(members) = table.as_object_mut() else {
                return;
            };
            table = members.entry(key).or_insert(Value::Null);
        }
        if table.is_null() {
            *table = if self.is_list { json!([]) } else { json!({}) };
        }
        let is_own = |it: &Value| it["name"] == self.name.as_str();
        match (table, entry) {
            (Value::Array(list), None) => list.retain(|it| !is_own(it)),
            (Value::Array(list), Some(entry)) => match list.iter_mut().find(|it| is_own(it)) {
                Some(old) => *old = entry.clone(),
                None => list.push(entry.clone()),
            },
            (Value::Object(table), None) => drop(table.remove(&self.name)),
            (Value::Object(table), Some(entry)) => {
                table.insert(self.name.clone(), entry.clone());
            }
            _ => {}
        }
    }

    fn write_json(
        &self,
        old: &str,
        entry: Option<&Value>,
    ) -> Result<Zeroizing<String>, HandoverError> {
        let path = &self.path;
        file::edit(path, Some(old), |root| {
            let mut table = root.clone();
            for key in &self.keys {
                table = file::object(path, &table, key)?;
            }
            match (table.object_value(&self.name), entry) {
                (Some(old), Some(entry)) => {
                    for property in old.properties() {
                        let name = property.decoded_name().unwrap_or_default();
                        if entry.get(&name).is_none() {
                            property.remove();
                        }
                    }
                    for (key, value) in in_order(entry) {
                        let known = old.get(key).and_then(|it| it.to_serde_value());
                        if known.as_ref() != Some(value) {
                            file::set(&old, key, value);
                        }
                    }
                }
                (None, Some(entry)) => {
                    let new = table.object_value_or_set(&self.name);
                    for (key, value) in in_order(entry) {
                        file::set(&new, key, value);
                    }
                }
                (_, None) => {
                    if let Some(property) = table.get(&self.name) {
                        property.remove();
                    }
                }
            }
            Ok(())
        })
    }
}
