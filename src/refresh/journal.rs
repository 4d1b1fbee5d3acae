//! The journal of refreshes: a note that a refresh token is about to be spent, so that an interruption is not forgotten.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::digest;
use crate::oauth::secret::Secret;
use crate::os::clock::{Deadline, Time};
use crate::os::files::{self, DiskError, LockFile, PreparedFile};
use crate::store::logins_file::Logins;
use crate::store::{text, Backend, Credentials, Store, StoreError, Stored, StoredId};

/// The largest note that is read, in bytes. It holds a URL, which may be as long as servers take.
const MAX_BYTES: u64 = 128 * 1024;

/// How much longer than twice the stored login an answer may be without its space being reserved, in bytes.
const SPARE_BYTES: u64 = 64 * 1024;

/// The most notes that are looked at.
const MAX_NOTES: usize = 10_000;

/// The lock and the note of one login.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Journal {
    lock: PathBuf,
    note: PathBuf,
    /// The file that receives the answer of the server before the store does; `None` for logins that no file may hold.
    renewed: Option<PathBuf>,
}

/// The note of a refresh that has begun. As long as it is there, the refresh is under way or was interrupted.
#[derive(Debug, Serialize, Deserialize)]
pub struct RefreshNote {
    /// The login, as in [`StoredId::store_name`].
    #[serde(rename = "account")]
    pub name: String,
    refresh_token_sha256: String,
    /// Since when.
    pub started_at: Time,
    /// The file that holds what the server answered, if it did and no store has it: that of [`Journal::prepare`], or an
    /// emergency file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rescued: Option<PathBuf>,
}

impl Journal {
    /// Returns the journal of a login, as it was found. It belongs to the backend that has the login, so that all who can
    /// spend its refresh token share one lock; of a login that is not there, to the backend that will have it.
    pub fn of(store: &Store, id: &StoredId, found: &Result<Option<Stored>, StoreError>) -> Self {
        match found {
            Ok(Some(stored)) => Self::at(store.backend(stored), id),
            _ => Self::at(store.backend_without(id), id),
        }
    }

    /// Returns the journal of a login before it was looked for: in the backend that will probably have it.
    pub fn before(store: &Store, id: &StoredId) -> Self {
        match store.backends().count() {
            1 => Self::at(store.backend_without(id), id),
            _ => Self::of(store, id, &store.find(id)),
        }
    }

    fn at(backend: &dyn Backend, id: &StoredId) -> Self {
        let name = digest::hex(&digest::sha256(id.store_name()), 8);
        let directory = backend.lock_dir();
        // A login that is in no file is written to none.
        let in_file = backend.may_use_files();
        let at = |ending: &str| directory.join(format!("{name}.{ending}"));
        Self {
            lock: at("lock"),
            note: at("json"),
            renewed: in_file.then(|| at("renewed")),
        }
    }

    /// Prepares to store what the server will answer, before the store itself takes it: a file is open and has its space.
    ///
    /// # Errors
    ///
    /// [`StoreError::Disk`]; the token must not be spent then.
    pub fn prepare(&self, login: &Credentials) -> Result<Option<PreparedFile>, StoreError> {
        let Some(path) = &self.renewed else {
            return Ok(None);
        };
        let size_bytes = (text_of(path, login)?.len() as u64)
            .saturating_mul(2)
            .saturating_add(SPARE_BYTES);
        Ok(Some(PreparedFile::new(path, size_bytes)?))
    }

    /// Stores what the server has answered in a file that was prepared. Three system calls lie between the answer and the
    /// name of the file.
    ///
    /// # Errors
    ///
    /// [`StoreError::Disk`], [`StoreError::Altered`]; the store may accept it all the same.
    pub fn store_renewed(file: PreparedFile, renewed: &Credentials) -> Result<(), StoreError> {
        let text = text_of(file.path(), renewed)?;
        Ok(file.store(text.as_bytes())?)
    }

    #[cfg(test)]
    pub(super) fn lock_path(&self) -> &Path {
        &self.lock
    }

    /// Takes the lock of the login: whoever holds it may spend its refresh token, and nobody else.
    ///
    /// # Errors
    ///
    /// [`DiskError::Locked`] once the deadline has passed.
    pub fn lock(&self, deadline: Deadline) -> Result<LockFile, StoreError> {
        Ok(LockFile::acquire_transient(&self.lock, deadline)?)
    }

    /// Returns the lock that the process was given as its stdin, to be released when it is dropped.
    pub fn inherited_lock(&self) -> Option<LockFile> {
        LockFile::inherited(&self.lock)
    }

    /// Notes that the refresh token is about to be spent.
    ///
    /// # Errors
    ///
    /// If the note cannot be written; the token must not be spent then.
    pub fn begin(&self, login: &Credentials, refresh_token: &Secret) -> Result<(), StoreError> {
        self.write(login, refresh_token, self.renewed.clone())
    }

    /// Notes that the refresh token is spent, and in which emergency file its successor is.
    ///
    /// # Errors
    ///
    /// If the note cannot be written.
    pub fn point_to(
        &self,
        rescued: &Path,
        login: &Credentials,
        refresh_token: &Secret,
    ) -> Result<(), StoreError> {
        self.write(login, refresh_token, Some(rescued.to_owned()))
    }

    fn write(
        &self,
        login: &Credentials,
        spent: &Secret,
        rescued: Option<PathBuf>,
    ) -> Result<(), StoreError> {
        let note = RefreshNote {
            name: login.key().store_name(),
            refresh_token_sha256: digest::sha256_hex(spent.expose()),
            started_at: Time::now(),
            rescued,
        };
        let text = text::checked(&note, &self.note.display())?;
        if text.len() as u64 > MAX_BYTES {
            return Err(DiskError::TooLarge {
                path: self.note.clone(),
                limit_bytes: MAX_BYTES,
            }
            .into());
        }
        Ok(files::write_atomically(&self.note, text.as_bytes())?)
    }

    /// Notes that what came of it is stored, or that there is nothing left to tell.
    pub fn end(&self) {
        self.forget_renewed();
        remove(&self.note);
    }

    /// Removes the file of [`Journal::prepare`]: what it held is stored elsewhere.
    pub fn forget_renewed(&self) {
        self.renewed.iter().for_each(|path| remove(path));
    }

    /// Tells since when a refresh with this very token was under way; `None` if none was interrupted.
    pub fn interrupted(&self, refresh_token: &Secret) -> Option<Time> {
        self.read(refresh_token).map(|note| note.started_at)
    }

    /// Returns the file that holds the successor of this very token, and of no store, if there is one.
    pub fn rescued(&self, refresh_token: &Secret) -> Option<PathBuf> {
        self.read(refresh_token)?
            .rescued
            .filter(|file| is_there(file))
    }

    fn read(&self, refresh_token: &Secret) -> Option<RefreshNote> {
        let hash = digest::sha256_hex(refresh_token.expose());
        read(&self.note).filter(|note| note.refresh_token_sha256 == hash)
    }
}

/// Reads a note; one that cannot be read counts as none.
fn read(path: &Path) -> Option<RefreshNote> {
    serde_json::from_slice(&files::read_private(path, MAX_BYTES).ok()??).ok()
}

/// Returns whether there is a file, or may be one that cannot be looked at now.
fn is_there(file: &Path) -> bool {
    !matches!(file.symlink_metadata(), Err(err) if err.kind() == ErrorKind::NotFound)
}

/// Returns the text of a file with this login, which was read back.
fn text_of(path: &Path, login: &Credentials) -> Result<Zeroizing<String>, StoreError> {
    let mut logins = Logins::new(path);
    logins.insert(&login.key().store_name(), login)?;
    logins.checked_text()
}

fn remove(path: &Path) {
    match fs::remove_file(path) {
        Err(err) if err.kind() != ErrorKind::NotFound => {
            log::debug!("cannot remove {}: {err}", path.display())
        }
        _ => {}
    }
}

/// Returns the notes of refreshes that have no end, by name.
pub fn unfinished(store: &Store) -> Vec<RefreshNote> {
    let directories: BTreeSet<_> = store.backends().map(|backend| backend.lock_dir()).collect();
    let files = directories
        .iter()
        .filter_map(|directory| fs::read_dir(directory).ok())
        .flat_map(|files| files.flatten().take(MAX_NOTES));
    let mut notes: Vec<_> = files
        .map(|file| file.path())
        .filter(|path| path.extension().is_some_and(|it| it == "json"))
        .filter_map(|path| read(&path))
        .collect();
    notes.sort_by(|one, other| one.name.cmp(&other.name));
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::credentials;
    use crate::store::Interaction;

    #[test]
    fn all_processes_that_can_use_a_refresh_token_share_its_lock() {
        let directory = tempfile::tempdir().expect("a directory");
        let key = StoredId::new("https://mcp.example", "default");
        let (file, other) = (directory.path().join("a"), directory.path().join("b"));
        let journal = |data_dir: &str, store: &str| {
            let (choice, data_dir) = (
                store.parse().expect("a store"),
                directory.path().join(data_dir),
            );
            let store = Store::open_to_read(&choice, &data_dir, Interaction::None);
            Journal::of(&store, &key, &Ok(None)).lock
        };
        let named = [
            format!("file:{}", file.display()),
            format!("file:{}/../a", other.display()),
        ];
        assert_eq!(journal("one", &named[0]), journal("two", &named[1]));
        assert_ne!(
            journal("one", &named[0]),
            journal("one", &format!("file:{}", other.display()))
        );
        assert_ne!(journal("one", "file"), journal("two", "file"));
        assert_ne!(journal("one", "file"), journal("one", &named[0]));
        // P57: there is one keyring, whichever data directory is used.
        assert_eq!(journal("one", "keyring"), journal("two", "keyring"));
        assert_ne!(journal("one", "keyring"), journal("one", "file"));
    }

    #[test]
    fn c3_an_interrupted_refresh_is_remembered_for_its_own_token_only() {
        let directory = tempfile::tempdir().expect("a directory");
        let key = StoredId::new("https://mcp.example", "default");
        let choice = "file".parse().expect("a store");
        let store = Store::open_to_read(&choice, directory.path(), Interaction::None);
        let journal = Journal::of(&store, &key, &Ok(None));
        let (old, new) = (Secret::new("old"), Secret::new("new"));
        assert!(journal.interrupted(&old).is_none());
        let login = credentials(&key);
        journal.begin(&login, &old).expect("a note");
        assert!(journal.interrupted(&old).is_some() && journal.interrupted(&new).is_none());
        let text = fs::read_to_string(&journal.note).expect("the note");
        assert!(!text.contains("\"old\""), "{text}");
        let names: Vec<_> = unfinished(&store)
            .into_iter()
            .map(|note| note.name)
            .collect();
        assert_eq!(names, ["https://mcp.example"]);
        assert_eq!(journal.rescued(&old), None);
        let file = directory.path().join("rescued");
        journal.point_to(&file, &login, &old).expect("a note");
        assert_eq!(journal.rescued(&old), None, "there is no such file");
        fs::write(&file, "").expect("writing");
        assert_eq!(
            (journal.rescued(&old), journal.rescued(&new)),
            (Some(file), None)
        );
        let file = journal.prepare(&login).expect("a file");
        Journal::store_renewed(file.expect("for a file"), &login).expect("stored");
        journal.begin(&login, &old).expect("a note");
        assert_eq!(journal.rescued(&old), journal.renewed);
        journal.end();
        assert_eq!(
            fs::read_dir(directory.path().join("refresh"))
                .expect("it")
                .count(),
            0
        );
        assert!(unfinished(&store).is_empty());
        assert!(journal.interrupted(&old).is_none());
    }
}
