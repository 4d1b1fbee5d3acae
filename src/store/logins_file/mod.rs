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

use super::text::{self, NoText};
use super::{Place, StoreError, StoredId};
use crate::os::clock::{Deadline, Time};
use crate::os::files::{self, DiskError, Durability, LockFile};

mod line;
#[cfg(test)]
mod tests;

/// The version of the format that this program writes.
pub const VERSION: u64 = 1;

/// The largest file that is read, in bytes; thousands of logins take a tenth of it.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// The most copies of broken files that are made within one second.
const MAX_COPIES: usize = 9;

/// Where a file of logins is.
#[derive(Clone, Copy, Debug)]
pub struct Location<'a> {
    path: &'a Path,
    /// The user named the file. It may be anything, so it is not changed in any way before it has proved to hold logins.
    is_named: bool,
}

impl<'a> Location<'a> {
    /// Returns the location of a file that the user named with its path.
    pub fn named(path: &'a Path) -> Self {
        Self {
            path,
            is_named: true,
        }
    }
}

impl<'a> From<&'a Path> for Location<'a> {
    fn from(path: &'a Path) -> Self {
        Self {
            path,
            is_named: false,
        }
    }
}

impl<'a> From<&'a PathBuf> for Location<'a> {
    fn from(path: &'a PathBuf) -> Self {
        Self::from(path.as_path())
    }
}

/// One file of logins, as it was read.
#[derive(Debug)]
pub struct LoginsFile {
    version: u64,
    entries: Entries,
    /// Members of the file that this version does not know.
    unknown: Members,
}

/// The logins of a file, by account, in their order.
#[derive(Debug)]
pub struct Entries {
    path: PathBuf,
    members: Members,
}

impl LoginsFile {
    /// Reads a file; `None` if there is none.
    ///
    /// # Errors
    ///
    /// [`StoreError::Corrupt`] if the file is not a ledger, and then a copy of it is kept, unless the user named the file;
    /// [`StoreError::Disk`].
    pub fn read<'a>(at: impl Into<Location<'a>>) -> Result<Option<Self>, StoreError> {
        let at = at.into();
        let Some(bytes) = read_bytes(at)? else {
            return Ok(None);
        };
        let ledger = Self::parse(at, &bytes)?;
        if at.is_named {
            // Only now it is known to be ours: the permissions of others are taken away.
            files::open_private(at.path)?;
        }
        Ok(Some(ledger))
    }

    /// Returns one login of a file, as [`LoginsFile::read`] and [`LoginsFile::get`] would, but without reading all the others if
    /// the file has the form in which this program writes it. Damage in another login's line is not noticed then.
    ///
    /// # Errors
    ///
    /// Those of [`LoginsFile::read`] and [`LoginsFile::get`].
    pub fn find<'a, T: DeserializeOwned>(
        at: impl Into<Location<'a>>,
        account: &str,
    ) -> Result<Option<T>, StoreError> {
        let at = at.into();
        let file = if at.is_named {
            files::open_untouched(at.path)?
        } else {
            files::open_private(at.path)?
        };
        let entry = file.and_then(|file| line::find(file, account).ok().flatten());
        if let Some(entry) = entry.and_then(|entry| serde_json::from_slice(&entry).ok()) {
            if at.is_named {
                files::open_private(at.path)?;
            }
            return Ok(Some(entry));
        }
        Self::read(at)?.map_or(Ok(None), |ledger| ledger.get(account))
    }

    /// Changes a file: takes its lock, reads it again, lets `change` work on the logins, and replaces it in one step. The
    /// new text is parsed and compared before it takes the place of the old one.
    ///
    /// # Errors
    ///
    /// Those of [`LoginsFile::read`] and of `change`; [`StoreError::Newer`] if a newer version wrote the file;
    /// [`DiskError::Locked`] if the lock is not free before the deadline; [`StoreError::Altered`] if the new text does not
    /// read as what was to be written. The file is then as it was.
    pub fn update<'a, T>(
        at: impl Into<Location<'a>>,
        deadline: Deadline,
        change: impl FnOnce(&mut Entries) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let at = at.into();
        let _lock = lock(at, deadline)?;
        let before = read_bytes(at)?;
        let mut ledger = match &before {
            Some(bytes) => Self::parse(at, bytes)?,
            None => Self::empty(at.path),
        };
        if ledger.version > VERSION {
            return Err(StoreError::Newer {
                path: at.path.to_owned(),
                version: ledger.version,
            });
        }
        let outcome = change(&mut ledger.entries)?;
        let after = ledger.checked_text(at)?;
        let changed = match &before {
            Some(before) => before.as_slice() != after.as_bytes(),
            None => !ledger.entries.members.0.is_empty(),
        };
        if changed {
            files::write_atomically(at.path, after.as_bytes(), Durability::Synced)?;
        }
        Ok(outcome)
    }

    /// Writes a new file with one login, whatever is there.
    ///
    /// # Errors
    ///
    /// [`StoreError::Disk`]; [`StoreError::Altered`] if the text does not read as what was to be written.
    pub fn create<T: Serialize + DeserializeOwned>(
        path: &Path,
        account: &str,
        entry: &T,
    ) -> Result<(), StoreError> {
        let text = Self::text_of(path, account, entry)?;
        Ok(files::write_atomically(
            path,
            text.as_bytes(),
            Durability::Synced,
        )?)
    }

    /// Returns the text of a file with one login, which was read back.
    ///
    /// # Errors
    ///
    /// [`StoreError::Altered`].
    pub fn text_of<T: Serialize + DeserializeOwned>(
        path: &Path,
        account: &str,
        entry: &T,
    ) -> Result<Zeroizing<String>, StoreError> {
        let mut ledger = Self::empty(path);
        ledger.entries.insert(account, entry)?;
        ledger.checked_text(path.into())
    }

    /// Shows that [`LoginsFile::update`] would work.
    ///
    /// # Errors
    ///
    /// Those of [`LoginsFile::update`].
    pub fn prove<'a>(at: impl Into<Location<'a>>, deadline: Deadline) -> Result<(), StoreError> {
        let at = at.into();
        let _lock = lock(at, deadline)?;
        match Self::read(at)? {
            Some(found) if found.version > VERSION => Err(StoreError::Newer {
                path: at.path.to_owned(),
                version: found.version,
            }),
            _ => Ok(files::prove_writable(at.path)?),
        }
    }

    /// Returns the login of an account; `None` if the file has none.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unreadable`] if the entry is not what a login looks like; [`StoreError::Newer`] if a newer version
    /// wrote it.
    pub fn get<T: DeserializeOwned>(&self, account: &str) -> Result<Option<T>, StoreError> {
        self.entries
            .members
            .get(account)
            .map(|text| self.read_entry(account, text))
            .transpose()
    }

    /// Returns all logins; in place of one that cannot be read, why it cannot.
    pub fn all<T: DeserializeOwned>(&self) -> Vec<Result<T, StoreError>> {
        self.entries
            .members
            .0
            .iter()
            .map(|(account, text)| self.read_entry(account, text))
            .collect()
    }

    fn read_entry<T: DeserializeOwned>(&self, account: &str, text: &str) -> Result<T, StoreError> {
        let path = || self.entries.path.clone();
        serde_json::from_str(text).map_err(|err| match self.version {
            ..=VERSION => StoreError::Unreadable {
                key: StoredId::of_store_name(account),
                place: Place::File(path()),
                why: reason(&err),
            },
            version => StoreError::Newer {
                path: path(),
                version,
            },
        })
    }

    fn empty(path: &Path) -> Self {
        let entries = Entries {
            path: path.to_owned(),
            members: Members::default(),
        };
        Self {
            version: VERSION,
            entries,
            unknown: Members::default(),
        }
    }

    fn parse(at: Location, bytes: &[u8]) -> Result<Self, StoreError> {
        let broken = |why: String| corrupt(at, why);
        if bytes.is_empty() && at.is_named {
            return Ok(Self::empty(at.path));
        }
        if bytes.is_empty() {
            return Err(broken("it is empty".to_owned()));
        }
        let json = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut unknown: Members =
            serde_json::from_slice(json).map_err(|err| broken(reason(&err)))?;
        let version = unknown.take("version").and_then(|text| text.parse().ok());
        let version = version.ok_or_else(|| broken("it has no version".to_owned()))?;
        let logins = unknown.take("logins");
        let logins = serde_json::from_str(logins.as_ref().map_or("", |logins| logins.as_str()));
        let members = match logins {
            Err(_) if version > VERSION => {
                return Err(StoreError::Newer {
                    path: at.path.to_owned(),
                    version,
                })
            }
            logins => logins.map_err(|err| broken(reason(&err)))?,
        };
        Ok(Self {
            version,
            entries: Entries {
                path: at.path.to_owned(),
                members,
            },
            unknown,
        })
    }

    /// Returns the text of the file, once it has been read back and found to say the same.
    fn checked_text(&self, at: Location) -> Result<Zeroizing<String>, StoreError> {
        let text = self.render();
        if text.len() as u64 > MAX_BYTES {
            return Err(DiskError::TooLarge {
                path: at.path.to_owned(),
                limit_bytes: MAX_BYTES,
            }
            .into());
        }
        let is_same = Self::parse(Location::named(at.path), text.as_bytes()).is_ok_and(|read| {
            let same_entries = read.entries.members == self.entries.members;
            read.version == self.version && same_entries && read.unknown == self.unknown
        });
        is_same
            .then_some(text)
            .ok_or_else(|| StoreError::Altered(Place::File(at.path.to_owned())))
    }

    fn render(&self) -> Zeroizing<String> {
        // One allocation: a string that grows would leave copies of secrets behind.
        let mut text = Zeroizing::new(String::with_capacity(
            self.unknown.size_bytes() + self.entries.members.size_bytes() + 64,
        ));
        text.push_str(&format!("{{\"version\":{}", self.version));
        for (name, value) in &self.unknown.0 {
            text.push_str(&format!(",{}:", Value::from(name.as_str())));
            text.push_str(value);
        }
        text.push_str(",\"logins\":{");
        for (number, (account, entry)) in self.entries.members.0.iter().enumerate() {
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
    /// [`StoreError::Disk`] if the value has no JSON form, such as a path that is not UTF-8; [`StoreError::Altered`] if its
    /// JSON does not read as the same value.
    pub fn insert<T: Serialize + DeserializeOwned>(
        &mut self,
        account: &str,
        entry: &T,
    ) -> Result<(), StoreError> {
        let text = text::checked(entry).map_err(|err| match err {
            NoText::Unwritable(err) => DiskError::Io(anyhow::Error::new(err)).into(),
            NoText::Altered => StoreError::Altered(Place::File(self.path.clone())),
        })?;
        match self.members.0.iter_mut().find(|(name, _)| name == account) {
            Some((_, old)) => *old = text,
            None => self.members.0.push((account.to_owned(), text)),
        }
        Ok(())
    }

    /// Takes a login out; tells whether there was one.
    pub fn remove(&mut self, account: &str) -> bool {
        self.members.take(account).is_some()
    }
}

/// The members of a JSON object as they are written, in their order, each name once.
#[derive(Debug, Default, PartialEq)]
struct Members(Vec<(String, Zeroizing<String>)>);

impl Members {
    fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
    }

    fn take(&mut self, name: &str) -> Option<Zeroizing<String>> {
        let place = self.0.iter().position(|(found, _)| found == name)?;
        Some(self.0.remove(place).1)
    }

    fn size_bytes(&self) -> usize {
        // A name may be written with escapes, of at most six bytes for one.
        self.0
            .iter()
            .map(|(name, value)| name.len() * 6 + value.len() + 8)
            .sum()
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
                    members
                        .0
                        .push((name, Zeroizing::new(value.get().replace(['\n', '\r'], " "))));
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

/// Takes the lock of a ledger. It lies beside the file itself, so that all ways to the file share it; but beside
/// something that is no file of ours, such as a device that a link leads to, nothing is made.
fn lock(at: Location, deadline: Deadline) -> Result<LockFile, StoreError> {
    if at.is_named {
        LoginsFile::read(at)?;
    }
    files::open_private(at.path)?;
    let mut lock = files::real_path(at.path)?.into_os_string();
    lock.push(".lock");
    Ok(LockFile::acquire(Path::new(&lock), deadline)?)
}

fn read_bytes(at: Location) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
    Ok(if at.is_named {
        files::read_untouched(at.path, MAX_BYTES)?
    } else {
        files::read_private(at.path, MAX_BYTES)?
    })
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

fn corrupt(at: Location, why: String) -> StoreError {
    let path = at.path;
    let copy = || {
        keep_copy(path)
            .inspect_err(|err| log::debug!("cannot copy {}: {err:#}", path.display()))
            .ok()
    };
    StoreError::Corrupt {
        path: path.to_owned(),
        why,
        copy: if at.is_named { None } else { copy() },
    }
}

/// Copies a broken file once to `<name>.corrupt-<unix time>`, and returns the copy.
fn keep_copy(path: &Path) -> anyhow::Result<PathBuf> {
    let path = files::real_path(path)?;
    let bytes = files::read_private(&path, MAX_BYTES)?.unwrap_or_default();
    let mut prefix = path.clone().into_os_string();
    prefix.push(".corrupt-");
    let directory = path.parent().unwrap_or(Path::new("/"));
    for earlier in fs::read_dir(directory)?.flatten().map(|entry| entry.path()) {
        let is_copy = earlier
            .as_os_str()
            .as_encoded_bytes()
            .starts_with(prefix.as_encoded_bytes());
        if is_copy
            && files::read_private(&earlier, MAX_BYTES)
                .is_ok_and(|found| found.as_ref() == Some(&bytes))
        {
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
            Err(_)
                if files::read_private(&copy, MAX_BYTES)
                    .is_ok_and(|found| found.as_ref() == Some(&bytes)) =>
            {
                return Ok(copy);
            }
            Err(failed) if failed.error.kind() == ErrorKind::AlreadyExists => failed.file,
            Err(failed) => return Err(failed.error.into()),
        };
    }
    anyhow::bail!("there are too many copies already")
}
