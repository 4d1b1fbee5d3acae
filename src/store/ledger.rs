//! The file format of credentials and index: one JSON object, one login a line.
//!
//! ```text
//! {"version":1,"logins":{
//! "https://mcp.example/mcp": {"server":"https://mcp.example/mcp",…},
//! "https://mcp.example/mcp#work": {"server":"https://mcp.example/mcp",…}
//! }}
//! ```
//! What this version does not know, other logins and other members, survives every change as it is. A file that cannot be
//! read is never taken for an empty one, and never written over.

use std::collections::HashSet;
use std::fmt;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::de::{DeserializeOwned, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::{RawValue, Value};
use zeroize::Zeroizing;

use super::StoreError;
use crate::clock::{Deadline, Time};
use crate::disk::{self, DiskError, Durability, LockFile};

mod line;
#[cfg(test)]
mod tests;

/// The version of the format that this program writes.
pub const VERSION: u64 = 1;

/// The largest file that is read, in bytes; thousands of logins take a tenth of it.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// The most copies of broken files that are made within one second.
const MAX_COPIES: usize = 9;

/// One file of logins, as it was read.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    version: u64,
    entries: Entries,
    /// Members of the file that this version does not know.
    unknown: Members,
}

/// The logins of a file, by account, in their order.
#[derive(Debug, Default)]
pub struct Entries(Members);

impl Ledger {
    /// Reads a file; `None` if there is none.
    ///
    /// # Errors
    ///
    /// [`StoreError::Corrupt`] if the file is not a ledger, and then a copy of it is kept; [`StoreError::Disk`].
    pub fn read(path: &Path) -> Result<Option<Self>, StoreError> {
        read_bytes(path)?.map(|bytes| Self::parse(path, &bytes)).transpose()
    }

    /// Returns one login of a file, as [`Ledger::read`] and [`Ledger::get`] would, but without reading all the others if
    /// the file has the form in which this program writes it. Damage in another login's line is not noticed then.
    ///
    /// # Errors
    ///
    /// Those of [`Ledger::read`] and [`Ledger::get`].
    pub fn find<T: DeserializeOwned>(path: &Path, account: &str) -> Result<Option<T>, StoreError> {
        if let Some(file) = disk::open_private(path)? {
            let entry = line::find(file, account).ok().flatten();
            if let Some(entry) = entry.and_then(|entry| serde_json::from_slice(&entry).ok()) {
                return Ok(Some(entry));
            }
        }
        Self::read(path)?.map_or(Ok(None), |ledger| ledger.get(account))
    }

    /// Changes a file: takes its lock, reads it again, lets `change` work on the logins, and replaces it in one step.
    ///
    /// # Errors
    ///
    /// Those of [`Ledger::read`] and of `change`; [`StoreError::Newer`] if a newer version wrote the file;
    /// [`DiskError::Locked`] if the lock is not free before the deadline. The file is then as it was.
    pub fn update<T>(
        path: &Path,
        deadline: Deadline,
        change: impl FnOnce(&mut Entries) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let _lock = lock(path, deadline)?;
        let before = read_bytes(path)?;
        let mut ledger = match &before {
            Some(bytes) => Self::parse(path, bytes)?,
            None => Self::empty(path),
        };
        if ledger.version > VERSION {
            return Err(StoreError::Newer { path: path.to_owned(), version: ledger.version });
        }
        let outcome = change(&mut ledger.entries)?;
        let after = ledger.render();
        let changed = match &before {
            Some(before) => before.as_slice() != after.as_bytes(),
            None => !ledger.entries.0 .0.is_empty(),
        };
        if changed {
            disk::write_atomically(path, after.as_bytes(), Durability::Synced)?;
        }
        Ok(outcome)
    }

    /// Writes a new file with one login, whatever is there.
    ///
    /// # Errors
    ///
    /// [`StoreError::Disk`].
    pub fn create<T: Serialize>(path: &Path, account: &str, entry: &T) -> Result<(), StoreError> {
        let mut ledger = Self::empty(path);
        ledger.entries.insert(account, entry)?;
        Ok(disk::write_atomically(path, ledger.render().as_bytes(), Durability::Synced)?)
    }

    /// Shows that [`Ledger::update`] would work.
    ///
    /// # Errors
    ///
    /// Those of [`Ledger::update`].
    pub fn prove(path: &Path, deadline: Deadline) -> Result<(), StoreError> {
        let _lock = lock(path, deadline)?;
        match Self::read(path)? {
            Some(found) if found.version > VERSION => {
                Err(StoreError::Newer { path: path.to_owned(), version: found.version })
            }
            _ => Ok(disk::prove_writable(path)?),
        }
    }

    /// Returns the login of an account; `None` if the file has none.
    ///
    /// # Errors
    ///
    /// [`StoreError::Corrupt`] if the entry is not what a login looks like; [`StoreError::Newer`] if a newer version wrote
    /// it.
    pub fn get<T: DeserializeOwned>(&self, account: &str) -> Result<Option<T>, StoreError> {
        self.entries.0.get(account).map(|text| self.read_entry(text)).transpose()
    }

    /// Returns all logins.
    ///
    /// # Errors
    ///
    /// Those of [`Ledger::get`].
    pub fn all<T: DeserializeOwned>(&self) -> Result<Vec<T>, StoreError> {
        self.entries.0 .0.iter().map(|(_, text)| self.read_entry(text)).collect()
    }

    fn read_entry<T: DeserializeOwned>(&self, text: &str) -> Result<T, StoreError> {
        serde_json::from_str(text).map_err(|err| match self.version {
            ..=VERSION => corrupt(&self.path, format!("an entry is broken: {}", reason(&err))),
            version => StoreError::Newer { path: self.path.clone(), version },
        })
    }

    fn empty(path: &Path) -> Self {
        Self { path: path.to_owned(), version: VERSION, entries: Entries::default(), unknown: Members::default() }
    }

    fn parse(path: &Path, bytes: &[u8]) -> Result<Self, StoreError> {
        let broken = |why: String| corrupt(path, why);
        if bytes.is_empty() {
            return Err(broken("it is empty".to_owned()));
        }
        let json = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut unknown: Members = serde_json::from_slice(json).map_err(|err| broken(reason(&err)))?;
        let version = unknown.take("version").and_then(|text| text.parse().ok());
        let version = version.ok_or_else(|| broken("it has no version".to_owned()))?;
        let logins = unknown.take("logins");
        let logins = serde_json::from_str(logins.as_ref().map_or("", |logins| logins.as_str()));
        let logins = match logins {
            Err(_) if version > VERSION => return Err(StoreError::Newer { path: path.to_owned(), version }),
            logins => logins.map_err(|err| broken(reason(&err)))?,
        };
        Ok(Self { path: path.to_owned(), version, entries: Entries(logins), unknown })
    }

    fn render(&self) -> Zeroizing<String> {
        // One allocation: a string that grows would leave copies of secrets behind.
        let mut text =
            Zeroizing::new(String::with_capacity(self.unknown.size_bytes() + self.entries.0.size_bytes() + 64));
        text.push_str(&format!("{{\"version\":{}", self.version));
        for (name, value) in &self.unknown.0 {
            text.push_str(&format!(",{}:", Value::from(name.as_str())));
            text.push_str(value);
        }
        text.push_str(",\"logins\":{");
        for (number, (account, entry)) in self.entries.0 .0.iter().enumerate() {
            text.push_str(if number == 0 { "\n" } else { ",\n" });
            text.push_str(&format!("{}: ", Value::from(account.as_str())));
            text.push_str(entry);
        }
        text.push_str("\n}}\n");
        text
    }
}

impl Entries {
    /// Puts a login in, in place of one of the same account.
    ///
    /// # Errors
    ///
    /// [`StoreError::Disk`] if the value has no JSON form, such as a path that is not UTF-8.
    pub fn insert<T: Serialize>(&mut self, account: &str, entry: &T) -> Result<(), StoreError> {
        let text = serde_json::to_string(entry).map_err(|err| DiskError::Io(anyhow::Error::new(err)))?;
        let text = Zeroizing::new(text);
        match self.0 .0.iter_mut().find(|(name, _)| name == account) {
            Some((_, old)) => *old = text,
            None => self.0 .0.push((account.to_owned(), text)),
        }
        Ok(())
    }

    /// Takes a login out; tells whether there was one.
    pub fn remove(&mut self, account: &str) -> bool {
        self.0.take(account).is_some()
    }
}

/// The members of a JSON object as they are written, in their order, each name once.
#[derive(Debug, Default)]
struct Members(Vec<(String, Zeroizing<String>)>);

impl Members {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    fn take(&mut self, name: &str) -> Option<Zeroizing<String>> {
        let place = self.0.iter().position(|(found, _)| found == name)?;
        Some(self.0.remove(place).1)
    }

    fn size_bytes(&self) -> usize {
        // A name may be written with escapes, of at most six bytes for one.
        self.0.iter().map(|(name, value)| name.len() * 6 + value.len() + 8).sum()
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Members::default();
                let mut names = HashSet::new();
                while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
                    if !names.insert(name.clone()) {
                        return Err(A::Error::custom("a name stands there twice"));
                    }
                    // Line breaks can only be layout here, and one login is one line.
                    members.0.push((name, Zeroizing::new(value.get().replace(['\n', '\r'], " "))));
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

/// Takes the lock of a ledger. It lies beside the file itself, so that all ways to the file share it; but beside
/// something that is no file of ours, such as a device that a link leads to, nothing is made.
fn lock(path: &Path, deadline: Deadline) -> Result<LockFile, StoreError> {
    disk::open_private(path)?;
    let mut lock = disk::real_path(path)?.into_os_string();
    lock.push(".lock");
    Ok(LockFile::acquire(Path::new(&lock), deadline)?)
}

fn read_bytes(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
    Ok(disk::read_private(path, MAX_BYTES)?)
}

/// Says where and how JSON is broken, without the words of the parser: they may quote a secret.
fn reason(err: &serde_json::Error) -> String {
    let what = match err.classify() {
        serde_json::error::Category::Eof => "it ends too early",
        serde_json::error::Category::Data => "it does not have the form of a login",
        _ => "it is not valid JSON",
    };
    format!("{what}, line {} column {}", err.line(), err.column())
}

fn corrupt(path: &Path, why: String) -> StoreError {
    let copy = keep_copy(path).inspect_err(|err| log::debug!("cannot copy {}: {err:#}", path.display()));
    StoreError::Corrupt { path: path.to_owned(), why, copy: copy.ok() }
}

/// Copies a broken file once to `<name>.corrupt-<unix time>`, and returns the copy.
fn keep_copy(path: &Path) -> anyhow::Result<PathBuf> {
    let path = disk::real_path(path)?;
    let bytes = disk::read_private(&path, MAX_BYTES)?.unwrap_or_default();
    let mut prefix = path.clone().into_os_string();
    prefix.push(".corrupt-");
    let directory = path.parent().unwrap_or(Path::new("/"));
    for earlier in fs::read_dir(directory)?.flatten().map(|entry| entry.path()) {
        let is_copy = earlier.as_os_str().as_encoded_bytes().starts_with(prefix.as_encoded_bytes());
        if is_copy && disk::read_private(&earlier, MAX_BYTES).is_ok_and(|found| found.as_ref() == Some(&bytes)) {
            return Ok(earlier);
        }
    }
    // A copy appears whole: others that find the same damage at the same time may use it at once.
    let mut temporary = tempfile::NamedTempFile::new_in(directory)?;
    temporary.write_all(&bytes)?;
    prefix.push(Time::now().0.to_string());
    for number in 1..=MAX_COPIES {
        let mut copy = prefix.clone();
        if number > 1 {
            copy.push(format!("-{number}"));
        }
        let copy = PathBuf::from(copy);
        temporary = match temporary.persist_noclobber(&copy) {
            Ok(_) => return Ok(copy),
            Err(_) if disk::read_private(&copy, MAX_BYTES).is_ok_and(|found| found.as_ref() == Some(&bytes)) => {
                return Ok(copy);
            }
            Err(failed) if failed.error.kind() == ErrorKind::AlreadyExists => failed.file,
            Err(failed) => return Err(failed.error.into()),
        };
    }
    anyhow::bail!("there are too many copies already")
}
