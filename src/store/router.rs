//! The choice between keyring and file, made before a login and kept to after it; no login is lost on the way.

use std::cmp::Reverse;
use std::path::{Path, PathBuf};

use super::choice::keyring_lock_dir;
use super::file::FileStore;
use super::index::{Index, IndexEntry};
use super::journal::{self, Journal};
use super::keyring::{Interaction, KeyringStore};
use super::logins_file::LoginsFile;
use super::{CredentialStore, Credentials, Place, StoreChoice, StoreError, StoredId};
use crate::os::clock::Time;
use crate::os::files::DiskError;

/// Where credentials went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// The store that holds them now.
    pub place: Place,
    /// One line for the user if that is not the store that was chosen.
    pub notice: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Keyring,
    File,
}

impl Side {
    fn of(place: &Place) -> Self {
        match place {
            Place::Keyring => Self::Keyring,
            Place::File(_) => Self::File,
        }
    }
}

/// The stores of one run, and the choice between them.
pub struct Store {
    choice: StoreChoice,
    keyring: Box<dyn CredentialStore>,
    file: Box<dyn CredentialStore>,
    data_dir: PathBuf,
    /// A file that was named with its path needs none.
    index: Option<Index>,
    /// What a proof has shown; `None` as long as there was none.
    proven: Option<Side>,
    notice: Option<String>,
}

impl Store {
    /// Chooses a store for a new login and proves that it works.
    ///
    /// # Errors
    ///
    /// Why the chosen store cannot be used; with [`StoreChoice::Auto`], why the file cannot be used either.
    pub fn open(
        choice: &StoreChoice,
        data_dir: &Path,
        patience: Interaction,
    ) -> Result<Self, StoreError> {
        Self::open_to_read(choice, data_dir, patience).prove()
    }

    /// Opens the stores to use a login that is there. Nothing is written and nothing is asked of the keyring yet.
    pub fn open_to_read(choice: &StoreChoice, data_dir: &Path, patience: Interaction) -> Self {
        let index = match choice {
            StoreChoice::File(Some(_)) => None,
            _ => Some(Index::new(data_dir, patience.lock_limit())),
        };
        let file = Box::new(FileStore::chosen(choice, data_dir, patience.lock_limit()));
        Self::of(
            choice.clone(),
            Box::new(KeyringStore::new(patience)),
            file,
            (data_dir, index),
        )
    }

    pub(super) fn of(
        choice: StoreChoice,
        keyring: Box<dyn CredentialStore>,
        file: Box<dyn CredentialStore>,
        (data_dir, index): (&Path, Option<Index>),
    ) -> Self {
        let data_dir = data_dir.to_owned();
        Self {
            choice,
            keyring,
            file,
            data_dir,
            index,
            proven: None,
            notice: None,
        }
    }

    pub(super) fn prove(mut self) -> Result<Self, StoreError> {
        self.proven = Some(match self.choice {
            StoreChoice::Keyring => self.keyring.prove().map(|()| Side::Keyring)?,
            StoreChoice::File(_) => self.file.prove().map(|()| Side::File)?,
            StoreChoice::Auto => match self.keyring.prove() {
                Ok(()) => Side::Keyring,
                Err(err) => {
                    self.file.prove()?;
                    self.notice = Some(format!("{err}; logins are kept in {}", self.file.place()));
                    Side::File
                }
            },
        });
        Ok(self)
    }

    /// Proves that the place where a login is kept takes a new version of it.
    ///
    /// # Errors
    ///
    /// Why it does not.
    pub fn prove_place(&self, key: &StoredId) -> Result<(), StoreError> {
        match self.find(key, self.indexed(key).as_ref())? {
            Some((Side::File, _)) => self.file.prove(),
            // A keyring that has just been read is not written to for a proof: that would cost more than it tells.
            Some((Side::Keyring, _)) | None => Ok(()),
        }
    }

    /// Returns the journal of a login. It belongs to the store that keeps the login, so that all who can spend its refresh
    /// token share one lock; of a login that is not there, to the store that will keep it.
    pub fn journal(&self, key: &StoredId) -> Journal {
        if let StoreChoice::File(Some(path)) = &self.choice {
            return Journal::of(&journal::beside(path), key, true);
        }
        let in_keyring = self.side_of(key) == Side::Keyring;
        let directory = if in_keyring {
            keyring_lock_dir(&self.data_dir)
        } else {
            journal::in_data_dir(&self.data_dir)
        };
        Journal::of(&directory, key, !in_keyring)
    }

    /// Checks, without writing anything, that a login may be replaced where it is kept.
    ///
    /// # Errors
    ///
    /// Why it may not; a refresh token must not be spent then.
    pub fn check_replaceable(&self, key: &StoredId) -> Result<(), StoreError> {
        self.side(self.side_of(key)).check_replaceable()
    }

    fn side_of(&self, key: &StoredId) -> Side {
        match self.choice {
            StoreChoice::File(_) => Side::File,
            StoreChoice::Keyring => Side::Keyring,
            StoreChoice::Auto => {
                let indexed = self.indexed(key);
                let found = self
                    .find(key, indexed.as_ref())
                    .ok()
                    .flatten()
                    .map(|(side, _)| side);
                found
                    .or(indexed.map(|known| Side::of(&known.place)))
                    .or(self.proven)
                    .unwrap_or(Side::File)
            }
        }
    }

    /// Returns one line for the user if [`StoreChoice::Auto`] came to the file.
    pub fn notice(&self) -> Option<&str> {
        self.notice.as_deref()
    }

    /// Returns the credentials of a login; of two copies the newer.
    ///
    /// # Errors
    ///
    /// Any [`StoreError`] of a store that may hold the login.
    pub fn load(&self, key: &StoredId) -> Result<Option<Credentials>, StoreError> {
        Ok(self
            .find(key, self.indexed(key).as_ref())?
            .map(|(_, credentials)| credentials))
    }

    fn find(
        &self,
        key: &StoredId,
        indexed: Option<&IndexEntry>,
    ) -> Result<Option<(Side, Credentials)>, StoreError> {
        let kept = indexed.map(|known| Side::of(&known.place));
        let mut best: Option<(Side, Credentials)> = None;
        let mut failure = None;
        for side in self.order(kept, false) {
            match self.side(side).get(key) {
                Ok(Some(found))
                    if best
                        .as_ref()
                        .is_none_or(|(_, best)| found.generation > best.generation) =>
                {
                    best = Some((side, found));
                }
                Ok(_) => {}
                Err(err) if self.is_not_there(&err, kept) => {}
                Err(err) => failure = failure.or(Some((side, err))),
            }
            if best
                .as_ref()
                .zip(indexed)
                .is_some_and(|((_, best), known)| best.generation >= known.generation)
            {
                return Ok(best);
            }
        }
        match failure {
            Some((side, err)) if best.is_some() && kept != Some(side) => {
                log::warn!("{err}; the other store's copy is used")
            }
            // What is out of reach may be the only copy, or a newer one than was found.
            Some((_, err)) => return Err(err),
            None => {}
        }
        Ok(best.filter(|(side, best)| {
            indexed.is_none_or(|known| !self.is_replaced(*side, best, known))
        }))
    }

    /// Tells whether a store is none at all: where there is no keyring there is no login in it, unless we know of one.
    fn is_not_there(&self, err: &StoreError, kept: Option<Side>) -> bool {
        let is_expected = self.choice == StoreChoice::Keyring || kept == Some(Side::Keyring);
        matches!(err, StoreError::Keyring(fault) if fault.is_absence()) && !is_expected
    }

    /// Tells whether a copy was replaced by one in a store that was not looked into: its refresh token is spent, or that
    /// of another grant.
    fn is_replaced(&self, side: Side, found: &Credentials, known: &IndexEntry) -> bool {
        let replaced = found.generation < known.generation
            && !self.order(None, false).contains(&Side::of(&known.place));
        if replaced {
            log::warn!(
                "an older copy of the login in {} is not used: it is kept in {}",
                self.side(side).place(),
                known.place
            );
        }
        replaced
    }

    /// Stores credentials under the next generation, and removes the copy that another store has.
    ///
    /// A store that fails is tried twice; then, with [`StoreChoice::Auto`], the other one; then an emergency file.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotStored`], which tells where the emergency file is.
    pub fn save(&self, credentials: &mut Credentials) -> Result<Saved, StoreError> {
        let key = credentials.key();
        let indexed = self.indexed(&key);
        let found = self.find(&key, indexed.as_ref()).ok().flatten();
        let kept = indexed
            .as_ref()
            .map(|known| Side::of(&known.place))
            .or(found.as_ref().map(|(side, _)| *side));
        let known = [
            indexed.as_ref().map(|known| known.generation),
            found.map(|(_, found)| found.generation),
        ];
        let highest = known
            .into_iter()
            .flatten()
            .fold(credentials.generation, u64::max);
        credentials.generation = highest.saturating_add(1);

        let mut failure: Option<StoreError> = None;
        for side in self.order(kept, true) {
            let store = self.side(side);
            match store
                .put(credentials)
                .or_else(|err| retry(store, credentials, err))
            {
                Ok(()) => {
                    let place = store.place();
                    let notice = failure.map(|err| format!("{err}; logins are kept in {place}"));
                    self.clear_other(side, &key, kept);
                    self.note(credentials, &place);
                    return Ok(Saved { place, notice });
                }
                Err(err) => failure = failure.or(Some(err)),
            }
        }
        let source = failure.unwrap_or(StoreError::Altered(self.file.place()));
        Err(StoreError::NotStored {
            rescued: rescue(&self.refuges(), credentials),
            source: Box::new(source),
        })
    }

    /// Forgets a login in every store; tells whether there was one.
    ///
    /// # Errors
    ///
    /// Any [`StoreError`] of a store that may hold the login.
    pub fn delete(&self, key: &StoredId) -> Result<bool, StoreError> {
        let indexed = self.indexed(key);
        let kept = indexed.as_ref().map(|known| Side::of(&known.place));
        let sides = self.order(kept, false);
        // The user named one store, and the login is kept in the other: there it stays.
        let is_elsewhere = kept.is_some_and(|kept| !sides.contains(&kept));
        let mut was_there = false;
        let mut failure = None;
        for side in sides {
            match self.side(side).delete(key) {
                Ok(deleted) => was_there |= deleted,
                Err(err) if self.is_not_there(&err, kept) => {}
                // The index says that the login is elsewhere: an old copy, if there is one at all.
                Err(err) if kept.is_some_and(|kept| kept != side) => log::warn!("{err}"),
                Err(err) => failure = failure.or(Some(err)),
            }
        }
        if let Some(err) = failure {
            return Err(err);
        }
        if let Some(index) = self.index.as_ref().filter(|_| !is_elsewhere) {
            match index.remove(key) {
                Ok(removed) => was_there |= removed,
                Err(err) => log::warn!("{err}; the login is gone all the same"),
            }
        }
        Ok(was_there)
    }

    /// Returns all logins that the choice of store covers. One that a store cannot read is among them, as one that needs
    /// a login.
    ///
    /// # Errors
    ///
    /// Any [`StoreError`] of the index or the credentials file.
    pub fn list(&self) -> Result<Vec<IndexEntry>, StoreError> {
        Ok(self.list_with_faults()?.0)
    }

    /// Returns all logins as [`Store::list`] does, asks the keyring for those that it keeps, and tells what cannot be read.
    ///
    /// # Errors
    ///
    /// Those of [`Store::list`].
    pub fn examine(&self) -> Result<(Vec<IndexEntry>, Vec<StoreError>), StoreError> {
        let (mut entries, mut faults) = self.list_with_faults()?;
        for entry in entries
            .iter_mut()
            .filter(|entry| entry.place == Place::Keyring)
        {
            match self.keyring.get(&entry.key()) {
                Ok(Some(_)) => {}
                Ok(None) => entry.needs_login = true,
                Err(err @ StoreError::Unreadable { .. }) => {
                    entry.needs_login = true;
                    faults.push(err);
                }
                // It is out of reach, and the others are there too.
                Err(err) => {
                    log::info!("{err}");
                    break;
                }
            }
        }
        Ok((entries, faults))
    }

    fn list_with_faults(&self) -> Result<(Vec<IndexEntry>, Vec<StoreError>), StoreError> {
        let mut faults = Vec::new();
        let mut entries = match &self.index {
            Some(index) => index.list()?,
            None => Vec::new(),
        };
        if self.choice != StoreChoice::Keyring {
            // What is in the file, the file itself knows best: a crash may have come between the two.
            entries.retain(|entry| entry.place == Place::Keyring);
            let place = self.file.place();
            for login in self.file.list()? {
                match login {
                    Ok(credentials) => entries.push(IndexEntry::of(&credentials, place.clone())),
                    Err(StoreError::Unreadable { key, place, why }) => {
                        entries.push(IndexEntry::unreadable(&key, place.clone()));
                        faults.push(StoreError::Unreadable { key, place, why });
                    }
                    Err(err) => return Err(err),
                }
            }
        }
        entries.sort_by_key(|entry| (entry.key(), Reverse(entry.generation)));
        entries.dedup_by_key(|entry| entry.key());
        entries.retain(|entry| match self.choice {
            StoreChoice::Auto => true,
            StoreChoice::Keyring => entry.place == Place::Keyring,
            StoreChoice::File(_) => entry.place != Place::Keyring,
        });
        Ok((entries, faults))
    }

    fn side(&self, side: Side) -> &dyn CredentialStore {
        match side {
            Side::Keyring => self.keyring.as_ref(),
            Side::File => self.file.as_ref(),
        }
    }

    /// Returns the stores to look into, or to write to, in this order.
    fn order(&self, kept: Option<Side>, to_write: bool) -> Vec<Side> {
        match (&self.choice, self.proven) {
            (StoreChoice::Keyring, _) => vec![Side::Keyring],
            (StoreChoice::File(_), _) | (StoreChoice::Auto, Some(Side::File)) => vec![Side::File],
            (StoreChoice::Auto, Some(Side::Keyring)) if to_write => vec![Side::Keyring, Side::File],
            (StoreChoice::Auto, _) if kept == Some(Side::File) => vec![Side::File, Side::Keyring],
            (StoreChoice::Auto, _) => vec![Side::Keyring, Side::File],
        }
    }

    fn indexed(&self, key: &StoredId) -> Option<IndexEntry> {
        self.index.as_ref().and_then(|index| index.get(key))
    }

    /// Removes the older copy in the store that was not written to: one login has one live copy.
    fn clear_other(&self, written: Side, key: &StoredId, kept: Option<Side>) {
        let other = if written == Side::File {
            Side::Keyring
        } else {
            Side::File
        };
        let kept_there = kept == Some(other);
        if !kept_there && !self.order(kept, false).contains(&other) {
            return;
        }
        match self.side(other).delete(key) {
            Ok(_) => {}
            Err(err) if kept_there => log::warn!("{err}; an older copy of the login stays there"),
            Err(err) => log::debug!("{err}"),
        }
    }

    fn note(&self, credentials: &Credentials, place: &Place) {
        let Some(index) = &self.index else { return };
        if let Err(err) = index.put(&IndexEntry::of(credentials, place.clone())) {
            log::warn!(
                "{err}; the login is stored in {place}, but the list of logins does not show it"
            );
        }
    }

    /// Returns the directories for an emergency file, the best first.
    fn refuges(&self) -> Vec<PathBuf> {
        let beside = self
            .file
            .place()
            .path()
            .and_then(Path::parent)
            .map(Path::to_owned);
        let runtime = std::env::var_os("XDG_RUNTIME_DIR")
            .map(PathBuf::from)
            .filter(|path| path.is_absolute());
        [beside, runtime, Some(std::env::temp_dir())]
            .into_iter()
            .flatten()
            .collect()
    }
}

/// Tries once more, unless the first try has already waited its time for a lock.
fn retry(
    store: &dyn CredentialStore,
    credentials: &Credentials,
    err: StoreError,
) -> Result<(), StoreError> {
    match err {
        StoreError::Disk(DiskError::Locked { .. }) => Err(err),
        _ => store.put(credentials),
    }
}

/// Writes credentials that no store took to a file of their own, in the first directory that takes it.
pub(super) fn rescue(directories: &[PathBuf], credentials: &Credentials) -> Option<PathBuf> {
    let name = format!(
        "credentials.rescued-{}-{}.json",
        std::process::id(),
        Time::now().0
    );
    directories
        .iter()
        .map(|directory| directory.join(&name))
        .find(|path| {
            let written = LoginsFile::create(path, &credentials.key().store_name(), credentials);
            written
                .inspect_err(|err| log::debug!("no emergency file: {err:#}"))
                .is_ok()
        })
}
