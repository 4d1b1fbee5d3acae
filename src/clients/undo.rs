//! What was written into the configurations of clients, so that it can be taken out again: a file of our own, which only
//! the user can read, because an entry that was replaced may hold a secret.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::setting::{EntryPlace, Setting};
use super::writer::{self, WriteError};
use super::{Change, HandoverError};
use crate::digest;
use crate::oauth::text::{json_line, printable};
use crate::os::files::{self, DiskError};
use crate::store::StoredId;

/// Largest file of what was written, in bytes.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// One entry that was written.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct WrittenEntry {
    /// The client, as a target.
    client: String,
    /// The login.
    #[serde(flatten)]
    key: StoredId,
    place: EntryPlace,
    /// The entry before the first writing; `None` if there was none.
    before: Option<Value>,
    /// The entry as it was written last.
    written: Value,
    /// There was no file.
    is_new_file: bool,
    /// The change of the text, if it was one change since `before`.
    splice: Option<Splice>,
}

/// The change of a text at one place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Splice {
    /// The SHA-256 of the text afterwards.
    hash: String,
    /// Where, in bytes.
    start: usize,
    /// What was there before.
    old: String,
    /// How many bytes are there instead.
    new_bytes: usize,
}

fn hash(text: &str) -> String {
    let hash = digest::sha256(text);
    digest::hex(&hash, hash.len())
}

impl Splice {
    /// Returns the change from one text to another.
    fn between(old: &str, new: &str) -> Self {
        let common = |one: &mut dyn Iterator<Item = (char, char)>| {
            let same = one.take_while(|(old, new)| old == new);
            same.map(|(old, _)| old.len_utf8()).sum::<usize>()
        };
        let start = common(&mut old.chars().zip(new.chars()));
        let (old_rest, new_rest) = (&old[start..], &new[start..]);
        let end = common(&mut old_rest.chars().rev().zip(new_rest.chars().rev()));
        Self {
            hash: hash(new),
            start,
            old: old_rest[..old_rest.len() - end].to_owned(),
            new_bytes: new_rest.len() - end,
        }
    }

    /// Returns the text before the change; `None` if the text is not the one after it.
    fn undone(&self, text: &str) -> Option<String> {
        if hash(text) != self.hash {
            return None;
        }
        let after = text.get(self.start + self.new_bytes..)?;
        Some(format!("{}{}{after}", text.get(..self.start)?, self.old))
    }
}

impl WrittenEntry {
    /// Returns the text of the configuration before the entry was written; `None` if there was no file.
    fn undone(&self, text: &str) -> Result<Option<String>, HandoverError> {
        if let Some(text) = self.splice.as_ref().and_then(|it| it.undone(text)) {
            return Ok(Some(text).filter(|_| !self.is_new_file));
        }
        let now = self.place.read(text)?;
        if now == self.before {
            return Ok(Some(text.to_owned()));
        }
        if now.as_ref() != Some(&self.written) {
            let (path, name) = (self.place.path.display(), printable(&self.place.name));
            return Err(HandoverError::unsuitable(
                format!("the entry {name} in {path} was changed since mcp-login wrote it, and is left as it is"),
                "change it back or remove it there by hand",
            ));
        }
        let text = self.place.write(text, self.before.as_ref())?;
        Ok(Some(text.to_string()))
    }
}

/// Remembers an entry that is about to be written for a login; the file of the client does not have it yet.
///
/// # Errors
///
/// [`WriteError`] if a file cannot be read, or ours cannot be written.
pub fn remember(
    records: &Path,
    client: &str,
    key: &StoredId,
    setting: &Setting,
) -> Result<(), WriteError> {
    let place = &setting.place;
    let found = writer::read_text(&place.path, false)?;
    let text = found.as_ref().map_or("", |text| text.as_str());
    let new = setting.edit(found.as_ref().map(|text| text.as_str()))?;
    let Some(written) = place.read(&new)? else {
        return Ok(());
    };
    let mut all = read(records)?;
    let now = place.read(text)?;
    let at = all.iter().position(|it| it.place == *place);
    let earlier = at.map(|at| all.remove(at));
    // What we wrote ourselves is not what is put back.
    let earlier = earlier.filter(|it| now.as_ref() == Some(&it.written));
    let original = match &earlier {
        None => Some(text.to_owned()),
        Some(earlier) => earlier.splice.as_ref().and_then(|it| it.undone(text)),
    };
    let (before, is_new_file) = match earlier {
        Some(earlier) => (earlier.before, earlier.is_new_file),
        None => (now, found.is_none()),
    };
    all.push(WrittenEntry {
        client: client.to_owned(),
        key: key.clone(),
        place: place.clone(),
        before,
        written,
        is_new_file,
        splice: original.map(|original| Splice::between(&original, &new)),
    });
    write(records, &all)
}

/// Takes out of the configuration of a client what was written there for a login, and puts back what was there. Returns where
/// that was, and whether an older entry is there again.
///
/// # Errors
///
/// [`WriteError::Refused`] if there is nothing, or if it was changed since; and those of reading and writing.
pub fn undo(
    records: &Path,
    client: &str,
    key: &StoredId,
) -> Result<Vec<(EntryPlace, bool)>, WriteError> {
    let mut all = read(records)?;
    let is_meant = |it: &WrittenEntry| it.client == client && it.key == *key;
    // The last one first, so that the text before each is there again.
    let wanted = all.iter().rev().filter(|it| is_meant(it));
    let wanted: Vec<_> = wanted.cloned().collect();
    if wanted.is_empty() {
        return Err(WriteError::Refused(HandoverError::unsuitable(
            format!("mcp-login has written no setting for {} into {client}", key.server),
            format!("a login that was moved to a client comes back with a new login: mcp-login --force {}", key.server),
        )));
    }
    let mut undone = Vec::new();
    for entry in wanted {
        let path = entry.place.path.clone();
        if let Some(text) = writer::read_text(&path, false)? {
            match entry.undone(&text)? {
                Some(_) => {
                    let entry = entry.clone();
                    let edit = move |_: &Path, old: Option<&str>| {
                        let old = old.unwrap_or_default();
                        Ok(entry.undone(old)?.unwrap_or_default().into())
                    };
                    writer::write(&[Change::shared(path.clone(), edit)])?;
                }
                None => fs::remove_file(&path)
                    .with_context(|| format!("cannot remove {}", path.display()))
                    .map_err(DiskError::Io)?,
            }
        }
        all.retain(|it| it.place != entry.place);
        write(records, &all)?;
        undone.push((entry.place, entry.before.is_some()));
    }
    Ok(undone)
}

/// Returns the client and the login of each entry that was written.
///
/// # Errors
///
/// [`WriteError`] if our file cannot be read.
pub fn written(records: &Path) -> Result<BTreeSet<(String, StoredId)>, WriteError> {
    let all = read(records)?.into_iter();
    Ok(all.map(|it| (it.client, it.key)).collect())
}

fn read(records: &Path) -> Result<Vec<WrittenEntry>, WriteError> {
    let Some(bytes) = files::read_private(records, MAX_BYTES)? else {
        return Ok(Vec::new());
    };
    // The parser's own words may quote a secret.
    let entries = serde_json::from_slice(&bytes);
    Ok(entries.map_err(|_| HandoverError::unknown(records, "it is not a list of entries"))?)
}

fn write(records: &Path, entries: &[WrittenEntry]) -> Result<(), WriteError> {
    if entries.is_empty() {
        return match fs::remove_file(records) {
            Err(err) if err.kind() != std::io::ErrorKind::NotFound => {
                Err(DiskError::Io(err.into()).into())
            }
            _ => Ok(()),
        };
    }
    let text = json_line(&entries).map_err(|err| DiskError::Io(err.into()))?;
    Ok(files::write_atomically(records, text.as_bytes())?)
}
