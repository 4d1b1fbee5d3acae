//! The text of a file of logins: read into its members, changed, and written so that what was not changed stays as it was.

use std::collections::HashSet;
use std::fmt;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use serde::de::{DeserializeOwned, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::{RawValue, Value};
use zeroize::Zeroizing;

use super::MAX_BYTES;
use crate::os::files::DiskError;
use crate::store::{text, StoreError, StoredId};

/// The version of the format that this program writes.
const VERSION: u64 = 1;

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

    /// Returns all logins; in place of one that cannot be read, the reason.
    pub(super) fn all<T: DeserializeOwned>(&self) -> Vec<Result<T, StoreError>> {
        let entries = self.entries.0.iter();
        entries
            .map(|(name, text)| self.read_entry(name, text))
            .collect()
    }

    /// Tells whether there are no logins.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.0.is_empty()
    }

    /// Makes one line of each member that the file has in several.
    pub(super) fn put_on_one_line(&mut self) {
        self.entries.put_on_one_line();
        self.unknown.put_on_one_line();
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

    /// Checks that this version may change the file.
    pub(super) fn check_version(&self) -> Result<(), StoreError> {
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
    pub(super) fn parse(path: &Path, bytes: &'a [u8]) -> Result<Self, StoreError> {
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
