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
use std::io::{ErrorKind, Write};
use std::ops::Deref;
use std::path::{Path, PathBuf};

use serde::de::{DeserializeOwned, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::{RawValue, Value};
use zeroize::Zeroizing;

use super::{text, StoreError, StoredId};
use crate::digest;
use crate::os::clock::Deadline;
use crate::os::files::{self, DiskError, LockFile};
use crate::os::signals;

#[cfg(test)]
mod tests;

/// The version of the format that this program writes.
pub const VERSION: u64 = 1;

/// The largest file that is read, in bytes; thousands of logins take a tenth of it.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// A file of logins: where it is, and how it is used.
#[derive(Clone, Debug)]
pub struct LoginsFile {
    path: PathBuf,
    /// The user named the file. It may be anything, so it is not changed in any way before it has proved to hold logins.
    is_named: bool,
}

/// The logins of a file, by store name and in their order. One that was only read is a part of the text of the file, and
/// costs no more than to find its end.
#[derive(Debug)]
pub struct Logins<'a> {
    path: PathBuf,
    version: u64,
    entries: Members<'a>,
    /// Members of the file that this version does not know.
    unknown: Members<'a>,
}

impl LoginsFile {
    /// Returns the file at `path`, which need not exist.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            is_named: false,
        }
    }

    /// Returns a file that the user named: a file that holds something else is left as it is in every way, and an empty
    /// one holds no logins.
    pub fn named(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            is_named: true,
        }
    }

    /// Returns where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Tells whether the user named the file.
    pub fn is_named(&self) -> bool {
        self.is_named
    }

    /// Tells whether there is a file.
    ///
    /// # Errors
    ///
    /// [`StoreError::Corrupt`] if the file does not hold logins, and then a copy of it is made, unless the user named the
    /// file; [`StoreError::Disk`].
    pub fn exists(&self) -> Result<bool, StoreError> {
        Ok(self.read(|_| ())?.is_some())
    }

    /// Reads one login; `None` if the file has none of this name.
    ///
    /// # Errors
    ///
    /// Those of [`LoginsFile::exists`] and [`Logins::get`].
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, StoreError> {
        Ok(self.read(|logins| logins.get(name))?.transpose()?.flatten())
    }

    /// Reads all logins; in place of one that cannot be read, the reason.
    ///
    /// # Errors
    ///
    /// Those of [`LoginsFile::exists`].
    pub fn all<T: DeserializeOwned>(&self) -> Result<Vec<Result<T, StoreError>>, StoreError> {
        let all = |logins: &Logins<'_>| {
            let entries = logins.entries.0.iter();
            entries
                .map(|(name, text)| logins.read_entry(name, text))
                .collect()
        };
        Ok(self.read(all)?.unwrap_or_default())
    }

    /// Reads the file, and returns what `with` makes of the logins; `None` if there is no file.
    fn read<T>(&self, with: impl FnOnce(&Logins<'_>) -> T) -> Result<Option<T>, StoreError> {
        let Some(bytes) = self.read_bytes()? else {
            return Ok(None);
        };
        let logins = self.parse(&bytes)?;
        if self.is_named {
            // Only now it is known to be ours: the permissions of others are removed.
            files::open_private(&self.path)?;
        }
        Ok(Some(with(&logins)))
    }

    /// Changes the file: takes its lock, reads it again, lets `change` work on the logins, and replaces it in one step. The
    /// new text is parsed and compared before it takes the place of the old one.
    ///
    /// # Errors
    ///
    /// Those of [`LoginsFile::exists`] and of `change`; [`StoreError::Newer`] if a newer version wrote the file;
    /// [`DiskError::Locked`] if the lock is not free before the deadline; [`StoreError::Altered`] if the new text does not
    /// read as what was to be written. The file is then as it was.
    pub fn update<T>(
        &self,
        deadline: Deadline,
        change: impl FnOnce(&mut Logins<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let _lock = self.lock(deadline)?;
        let before = self.read_bytes()?;
        let mut logins = match &before {
            Some(bytes) => self.parse(bytes)?,
            None => Logins::new(&self.path),
        };
        logins.check_version()?;
        logins.entries.put_on_one_line();
        logins.unknown.put_on_one_line();
        let outcome = change(&mut logins)?;
        let after = logins.checked_text()?;
        let is_changed = match &before {
            Some(before) => before.as_slice() != after.as_bytes(),
            None => !logins.entries.0.is_empty(),
        };
        if is_changed {
            files::write_atomically(&self.path, after.as_bytes())?;
        }
        Ok(outcome)
    }

    /// Shows that [`LoginsFile::update`] would work.
    ///
    /// # Errors
    ///
    /// Those of [`LoginsFile::update`].
    pub fn prove(&self, deadline: Deadline) -> Result<(), StoreError> {
        let _lock = self.lock(deadline)?;
        self.read(|logins| logins.check_version())?.transpose()?;
        Ok(files::prove_writable(&self.path)?)
    }

    /// Takes the lock of the file. It lies beside the file itself, so that all paths to the file share it; but beside
    /// something that is no file of ours, such as a device that a link leads to, nothing is made.
    fn lock(&self, deadline: Deadline) -> Result<LockFile, StoreError> {
        if self.is_named {
            self.exists()?;
        }
        files::open_private(&self.path)?;
        let mut lock = files::real_path(&self.path)?.into_os_string();
        lock.push(".lock");
        Ok(LockFile::acquire(Path::new(&lock), deadline)?)
    }

    fn read_bytes(&self) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        Ok(if self.is_named {
            files::read_untouched(&self.path, MAX_BYTES)?
        } else {
            files::read_private(&self.path, MAX_BYTES)?
        })
    }

    fn parse<'a>(&self, bytes: &'a [u8]) -> Result<Logins<'a>, StoreError> {
        if bytes.is_empty() && self.is_named {
            return Ok(Logins::new(&self.path));
        }
        Logins::parse(&self.path, bytes).map_err(|err| match err {
            StoreError::Corrupt { path, why, .. } => StoreError::Corrupt {
                path,
                why,
                copy: self.keep_copy(),
            },
            other => other,
        })
    }

    /// Copies a broken file, unless it is one of the user's own.
    fn keep_copy(&self) -> Option<PathBuf> {
        if self.is_named {
            return None;
        }
        keep_copy(&self.path)
            .inspect_err(|err| log::debug!("cannot copy {}: {err:#}", self.path.display()))
            .ok()
    }
}

impl<'a> Logins<'a> {
    /// Returns a file without logins.
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            version: VERSION,
            entries: Members::default(),
            unknown: Members::default(),
        }
    }

    /// Returns a login; `None` if the file has none of this name.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unreadable`] if the entry is not what a login looks like; [`StoreError::Newer`] if a newer version
    /// wrote it.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, StoreError> {
        self.entries
            .get(name)
            .map(|text| self.read_entry(name, text))
            .transpose()
    }

    /// Puts a login in, in place of one of the same name.
    ///
    /// # Errors
    ///
    /// [`StoreError::Disk`] if the value has no JSON form, such as a path that is not UTF-8; [`StoreError::Altered`] if its
    /// JSON does not read as the same value.
    pub fn insert<T: Serialize + DeserializeOwned>(
        &mut self,
        name: &str,
        entry: &T,
    ) -> Result<(), StoreError> {
        let text = text::checked(entry, &self.path.display())?;
        let text = Text::New(text);
        match self.entries.0.iter_mut().find(|(found, _)| found == name) {
            Some((_, old)) => *old = text,
            None => self.entries.0.push((name.to_owned(), text)),
        }
        Ok(())
    }

    /// Removes a login; returns whether there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        self.entries.take(name).is_some()
    }

    /// Returns the text of the file, once it has been read back and found to say the same.
    ///
    /// # Errors
    ///
    /// [`StoreError::Altered`]; [`DiskError::TooLarge`].
    pub fn checked_text(&self) -> Result<Zeroizing<String>, StoreError> {
        let text = self.render();
        if text.len() as u64 > MAX_BYTES {
            return Err(DiskError::TooLarge {
                path: self.path.clone(),
                limit_bytes: MAX_BYTES,
            }
            .into());
        }
        match Logins::parse(&self.path, text.as_bytes()) {
            Ok(read)
                if read.version == self.version
                    && read.entries == self.entries
                    && read.unknown == self.unknown =>
            {
                Ok(text)
            }
            _ => Err(self.altered()),
        }
    }

    fn altered(&self) -> StoreError {
        StoreError::Altered(self.path.display().to_string())
    }

    fn check_version(&self) -> Result<(), StoreError> {
        if self.version <= VERSION {
            return Ok(());
        }
        Err(newer(&self.path, self.version))
    }

    fn read_entry<T: DeserializeOwned>(&self, name: &str, text: &str) -> Result<T, StoreError> {
        serde_json::from_str(text).map_err(|err| {
            self.check_version()
                .err()
                .unwrap_or_else(|| StoreError::Unreadable {
                    key: StoredId::of_store_name(name),
                    place: self.path.display().to_string(),
                    why: reason(&err),
                })
        })
    }

    /// Reads the text of a file. One that does not hold logins is [`StoreError::Corrupt`], without a copy.
    fn parse(path: &Path, bytes: &'a [u8]) -> Result<Self, StoreError> {
        let broken = |why: &str| StoreError::Corrupt {
            path: path.to_owned(),
            why: why.to_owned(),
            copy: None,
        };
        if bytes.is_empty() {
            return Err(broken("it is empty"));
        }
        let json = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut unknown: Members =
            serde_json::from_slice(json).map_err(|err| broken(&reason(&err)))?;
        let version = unknown.take("version").and_then(|text| text.parse().ok());
        let version = version.ok_or_else(|| broken("it has no version"))?;
        let entries = match unknown.take("logins") {
            Some(Text::Read(text)) => serde_json::from_str(text)
                .map_err(|_| broken("its logins are no object with each name once")),
            _ => Err(broken("it has no logins")),
        };
        let entries = entries.map_err(|broken| match version > VERSION {
            // A newer version may write the logins in another form.
            true => newer(path, version),
            false => broken,
        })?;
        Ok(Self {
            path: path.to_owned(),
            version,
            entries,
            unknown,
        })
    }

    fn render(&self) -> Zeroizing<String> {
        // One allocation: a string that grows would leave copies of secrets behind.
        let size_bytes = self.unknown.size_bytes() + self.entries.size_bytes() + 64;
        let mut text = Zeroizing::new(String::with_capacity(size_bytes));
        text.push_str(&format!("{{\"version\":{}", self.version));
        for (name, value) in &self.unknown.0 {
            text.push_str(&format!(",{}:", Value::from(name.as_str())));
            text.push_str(value);
        }
        text.push_str(",\"logins\":{");
        for (number, (name, entry)) in self.entries.0.iter().enumerate() {
            text.push_str(if number == 0 { "\n" } else { ",\n" });
            text.push_str(&format!("{}: ", Value::from(name.as_str())));
            text.push_str(entry);
        }
        text.push_str("\n}}\n");
        text
    }
}

/// The members of a JSON object as they are written, in their order, each name once.
#[derive(Debug, Default, PartialEq)]
struct Members<'a>(Vec<(String, Text<'a>)>);

/// The JSON text of a value.
#[derive(Debug)]
enum Text<'a> {
    /// As the file has it.
    Read(&'a str),
    New(Zeroizing<String>),
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Read(text) => text,
            Self::New(text) => text,
        }
    }
}

impl PartialEq for Text<'_> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<'a> Members<'a> {
    fn position(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|(found, _)| found == name)
    }

    fn get(&self, name: &str) -> Option<&str> {
        Some(&self.0[self.position(name)?].1)
    }

    fn take(&mut self, name: &str) -> Option<Text<'a>> {
        Some(self.0.remove(self.position(name)?).1)
    }

    /// Makes one line of each value: line breaks can only be layout in it, and one login is one line.
    fn put_on_one_line(&mut self) {
        for (_, value) in &mut self.0 {
            if value.contains('\n') || value.contains('\r') {
                *value = Text::New(Zeroizing::new(value.replace(['\n', '\r'], " ")));
            }
        }
    }

    fn size_bytes(&self) -> usize {
        // A name may be written with escapes, of at most six bytes for one.
        self.0
            .iter()
            .map(|(name, value)| name.len() * 6 + value.len() + 8)
            .sum()
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Members::default();
                let mut names = HashSet::new();
                while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
                    if !names.insert(name.clone()) {
                        return Err(A::Error::custom("a name occurs twice"));
                    }
                    members.0.push((name, Text::Read(value.get())));
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(InOrder)
    }
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

fn newer(path: &Path, version: u64) -> StoreError {
    StoreError::Newer {
        path: path.to_owned(),
        version,
    }
}

/// Copies a broken file once to `<name>.corrupt-<hash of what it holds>`, and returns the copy.
fn keep_copy(path: &Path) -> anyhow::Result<PathBuf> {
    let path = files::real_path(path)?;
    let bytes = files::read_private(&path, MAX_BYTES)?.unwrap_or_default();
    let hash = digest::hex(&digest::sha256(&*bytes), 8);
    let mut copy = path.clone().into_os_string();
    copy.push(format!(".corrupt-{hash}"));
    let copy = PathBuf::from(copy);
    // A copy appears whole: others that find the same damage at the same time may use it at once.
    let _deferral = signals::defer();
    let mut temporary = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new("/")))?;
    temporary.write_all(&bytes)?;
    match temporary.persist_noclobber(&copy) {
        Err(failed) if failed.error.kind() != ErrorKind::AlreadyExists => Err(failed.error.into()),
        _ => Ok(copy),
    }
}
