//! The choice between the backends, made before a login and held to after it; no login is lost on the way.

use std::cmp::Reverse;
use std::path::{Path, PathBuf};

use super::backend::{Backend, BackendKind, Interaction, Place};
use super::index::{Index, IndexEntry};
use super::logins_file::Logins;
use super::{exec, file, keyring, Credentials, StoreChoice, StoreError, StoredId};
use crate::os::clock::Time;
use crate::os::files::{self, DiskError};
use crate::warning::warn_user;

/// All backends, the preferred ones first.
pub(super) const BACKENDS: &[BackendKind] = &[keyring::KIND, file::KIND, exec::KIND];

/// Where credentials went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// Where they are now.
    pub place: Place,
    /// One line for the user if that is not the backend that was chosen.
    pub notice: Option<String>,
}

/// A login as it was found.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The login.
    pub credentials: Credentials,
    /// The backend that has it.
    backend: usize,
    /// The highest generation of the login that is known, from whatever place.
    highest: u64,
}

/// The backends of one run, and the choice between them.
pub struct Store {
    /// Those that the choice of the user covers, the preferred ones first.
    backends: Vec<Box<dyn Backend>>,
    /// The others. One of them may have an older copy of a login that is stored anew.
    others: Vec<Box<dyn Backend>>,
    data_dir: PathBuf,
    /// `None` for a backend that is its own index.
    index: Option<Index>,
    /// The first backend that a proof has shown to work; `None` before a proof.
    proven: Option<usize>,
    notice: Option<String>,
}

impl Store {
    /// Chooses a backend for a new login and proves that it works.
    ///
    /// # Errors
    ///
    /// Why the chosen backend cannot be used; if all were to be tried, why the last one cannot be used either.
    pub fn open(
        choice: &StoreChoice,
        data_dir: &Path,
        interaction: Interaction,
    ) -> Result<Self, StoreError> {
        Self::open_to_read(choice, data_dir, interaction).prove()
    }

    /// Opens the backends to use a login that is there. Nothing is written, and nothing is asked of a backend yet.
    pub fn open_to_read(choice: &StoreChoice, data_dir: &Path, interaction: Interaction) -> Self {
        let is_chosen = |kind: &&BackendKind| choice.backend().is_none_or(|name| name == kind.name);
        let has_argument = |kind: &&BackendKind| {
            choice.argument().is_some() && choice.backend() == Some(kind.name)
                || !kind.argument.as_ref().is_some_and(|it| it.is_needed)
        };
        let usable = BACKENDS.iter().filter(has_argument);
        let (chosen, others): (Vec<_>, Vec<_>) = usable.partition(is_chosen);
        let open = |kind: &BackendKind| (kind.open)(choice.argument(), data_dir, interaction);
        let backends: Vec<_> = chosen.into_iter().map(open).collect();
        let is_own_index = backends.iter().all(|backend| backend.is_own_index());
        let index = (!is_own_index).then(|| Index::new(data_dir, interaction.lock_limit()));
        Self {
            others: others.into_iter().map(open).collect(),
            ..Self::of(backends, data_dir, index)
        }
    }

    pub(super) fn of(
        backends: Vec<Box<dyn Backend>>,
        data_dir: &Path,
        index: Option<Index>,
    ) -> Self {
        Self {
            backends,
            others: Vec::new(),
            data_dir: data_dir.to_owned(),
            index,
            proven: None,
            notice: None,
        }
    }

    pub(super) fn prove(mut self) -> Result<Self, StoreError> {
        let mut first_failure = None;
        let last = self.backends.len().saturating_sub(1);
        for (number, backend) in self.backends.iter().enumerate() {
            match backend.prove() {
                Ok(()) => {
                    self.notice = first_failure.map(|err: StoreError| {
                        format!("{err}; logins are stored in {}", backend.place())
                    });
                    self.proven = Some(number);
                    return Ok(self);
                }
                Err(err) if number == last => return Err(err),
                Err(err) => first_failure = first_failure.or(Some(err)),
            }
        }
        Ok(self)
    }

    /// Returns the backends that the choice of the user covers, the preferred ones first.
    pub fn backends(&self) -> impl Iterator<Item = &dyn Backend> {
        self.backends.iter().map(Box::as_ref)
    }

    /// Returns one line for the user if the preferred backend does not work.
    pub fn notice(&self) -> Option<&str> {
        self.notice.as_deref()
    }

    /// Returns the credentials of a login; of two copies the newer.
    ///
    /// # Errors
    ///
    /// Any [`StoreError`] of a backend that may have the login.
    pub fn load(&self, id: &StoredId) -> Result<Option<Credentials>, StoreError> {
        Ok(self.find(id)?.map(|stored| stored.credentials))
    }

    /// As [`Store::load`], with what is needed to replace the login.
    ///
    /// # Errors
    ///
    /// Those of [`Store::load`].
    pub fn find(&self, id: &StoredId) -> Result<Option<Stored>, StoreError> {
        self.find_with(id, self.indexed(id).as_ref())
    }

    fn find_with(
        &self,
        id: &StoredId,
        indexed: Option<&IndexEntry>,
    ) -> Result<Option<Stored>, StoreError> {
        let known = indexed.map(|known| known.place.name.as_str());
        let mut best: Option<Stored> = None;
        let mut failure = None;
        for number in self.order(known, false) {
            match self.backends[number].read(id) {
                Ok(Some(credentials)) => {
                    let highest = credentials.generation;
                    if best.as_ref().is_none_or(|best| highest > best.highest) {
                        best = Some(Stored {
                            credentials,
                            backend: number,
                            highest,
                        });
                    }
                }
                Ok(None) => {}
                Err(err) if err.is_absence() && !self.is_expected(number, known) => {}
                Err(err) => failure = failure.or(Some((number, err))),
            }
            if let (Some(found), Some(known)) = (&best, indexed) {
                if found.highest >= known.generation {
                    return Ok(best);
                }
            }
        }
        match failure {
            Some((number, err)) if best.is_some() && !self.is_named(number, known) => {
                warn_user!(LoginUnreadable, "{err}; the other store's copy is used")
            }
            // What is out of reach may be the only copy, or a newer one than was found.
            Some((_, err)) => return Err(err),
            None => {}
        }
        let Some(mut best) = best else {
            return Ok(None);
        };
        if let Some(known) = indexed {
            best.highest = best.highest.max(known.generation);
            if self.is_replaced(&best, known) {
                return Ok(None);
            }
        }
        Ok(Some(best))
    }

    /// Tells whether a backend has to be there: no other one was chosen, or it is known to have the login.
    fn is_expected(&self, number: usize, known: Option<&str>) -> bool {
        self.backends.len() == 1 || self.is_named(number, known)
    }

    fn is_named(&self, number: usize, name: Option<&str>) -> bool {
        name == Some(self.backends[number].name())
    }

    /// Tells whether a copy was replaced by one in a backend that was not looked into: its refresh token is used up, or
    /// belongs to another grant.
    fn is_replaced(&self, found: &Stored, known: &IndexEntry) -> bool {
        let is_out_of_sight = self
            .number_of(&known.place.name)
            .is_none_or(|number| !self.order(None, false).contains(&number));
        let is_replaced = found.credentials.generation < known.generation && is_out_of_sight;
        if is_replaced {
            warn_user!(
                OlderCopy,
                "an older copy of the login in {} is not used: it is stored in {}",
                self.backends[found.backend].place(),
                known.place
            );
        }
        is_replaced
    }

    /// Returns the backend of a login that was not found: the one that is known to have it, or will have it.
    pub fn backend_without(&self, id: &StoredId) -> &dyn Backend {
        let last = self.backends.len() - 1;
        let number = if last == 0 {
            0
        } else {
            self.indexed(id)
                .and_then(|known| self.number_of(&known.place.name))
                .or(self.proven)
                .unwrap_or(last)
        };
        self.backends[number].as_ref()
    }

    /// Returns the backend that has this login.
    pub fn backend(&self, stored: &Stored) -> &dyn Backend {
        self.backends[stored.backend].as_ref()
    }

    /// Stores credentials under the next generation, and removes the copies that other backends have.
    ///
    /// A backend that fails is tried twice; then, if no backend was chosen, the others; then an emergency file.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotStored`], which tells where the emergency file is.
    pub fn save(&self, credentials: &mut Credentials) -> Result<Saved, StoreError> {
        let id = credentials.key();
        let indexed = self.indexed(&id);
        let found = self.find_with(&id, indexed.as_ref()).ok().flatten();
        let known = match (&indexed, &found) {
            (Some(indexed), _) => Some(indexed.place.name.clone()),
            (None, Some(found)) => Some(self.backend(found).name().to_owned()),
            (None, None) => None,
        };
        let generations = [
            indexed.map(|known| known.generation),
            found.map(|found| found.highest),
        ];
        let highest = generations.into_iter().flatten().max().unwrap_or(0);
        credentials.generation = highest.max(credentials.generation).saturating_add(1);
        let saved = self.put(credentials, known.as_deref(), None)?;
        saved.ok_or_else(|| self.not_stored(credentials, None))
    }

    /// As [`Store::save`], in place of a login that was found before. `None` if the login was changed or deleted
    /// meanwhile: nothing is stored then.
    ///
    /// # Errors
    ///
    /// Those of [`Store::save`].
    pub fn replace(
        &self,
        stored: &Stored,
        credentials: &mut Credentials,
    ) -> Result<Option<Saved>, StoreError> {
        credentials.generation = stored.highest.saturating_add(1);
        self.put(credentials, Some(self.backend(stored).name()), Some(stored))
    }

    fn put(
        &self,
        credentials: &Credentials,
        known: Option<&str>,
        replaces: Option<&Stored>,
    ) -> Result<Option<Saved>, StoreError> {
        let id = credentials.key();
        let mut failure: Option<StoreError> = None;
        for number in self.order(known, true) {
            let backend = self.backends[number].as_ref();
            let replaced = match replaces {
                Some(stored) if stored.backend == number => Some(stored.credentials.generation),
                // The login may have been moved there meanwhile.
                Some(stored) if is_newer(backend, stored) => return Ok(None),
                _ => None,
            };
            match put(backend, credentials, replaced)
                .or_else(|err| retry(backend, credentials, replaced, err))
            {
                Ok(false) => return Ok(None),
                Ok(true) => {
                    let place = backend.place();
                    let notice = failure.map(|err| format!("{err}; logins are stored in {place}"));
                    self.delete_older(number, &id, known);
                    self.note(credentials, &place);
                    return Ok(Some(Saved { place, notice }));
                }
                Err(err) => failure = failure.or(Some(err)),
            }
        }
        Err(self.not_stored(credentials, failure))
    }

    /// Writes credentials that no backend took to an emergency file.
    fn not_stored(&self, credentials: &Credentials, failure: Option<StoreError>) -> StoreError {
        let source = failure.unwrap_or(StoreError::Altered("any store".to_owned()));
        StoreError::NotStored {
            rescued: rescue(&self.emergency_directories(), credentials),
            source: Box::new(source),
        }
    }

    /// Deletes a login in every backend; returns whether there was one.
    ///
    /// # Errors
    ///
    /// Any [`StoreError`] of a backend that may have the login.
    pub fn delete(&self, id: &StoredId) -> Result<bool, StoreError> {
        let indexed = self.indexed(id);
        let known = indexed.as_ref().map(|known| known.place.name.as_str());
        let numbers = self.order(known, false);
        // The user named one backend, and the login is in another one: there it stays.
        let is_elsewhere =
            known.is_some() && !numbers.iter().any(|number| self.is_named(*number, known));
        let mut was_there = false;
        let mut failure = None;
        for number in numbers {
            match self.backends[number].delete(id) {
                Ok(deleted) => was_there |= deleted,
                Err(err) if err.is_absence() && !self.is_expected(number, known) => {}
                // The index says that the login is elsewhere: an old copy, if there is one at all.
                Err(err) if known.is_some() && !self.is_named(number, known) => {
                    warn_user!(OlderCopy, "{err}")
                }
                Err(err) => failure = failure.or(Some(err)),
            }
        }
        if let Some(err) = failure {
            return Err(err);
        }
        if let Some(index) = self.index.as_ref().filter(|_| !is_elsewhere) {
            match index.remove(id) {
                Ok(removed) => was_there |= removed,
                Err(err) => warn_user!(IndexNotUpdated, "{err}; the login is gone all the same"),
            }
        }
        Ok(was_there)
    }

    /// Returns all logins that the choice of store covers. One that a backend cannot read is among them, as one that needs
    /// a login.
    ///
    /// # Errors
    ///
    /// Any [`StoreError`] of the index or of a backend that lists its logins.
    pub fn list(&self) -> Result<Vec<IndexEntry>, StoreError> {
        Ok(self.list_with_faults()?.0)
    }

    /// Returns all logins as [`Store::list`] does, asks the backends for those that only the index lists, and returns what
    /// cannot be read.
    ///
    /// # Errors
    ///
    /// Those of [`Store::list`].
    pub fn examine(&self) -> Result<(Vec<IndexEntry>, Vec<StoreError>), StoreError> {
        let (mut entries, mut faults) = self.list_with_faults()?;
        let mut out_of_reach = Vec::new();
        for entry in &mut entries {
            let number = self.number_of(&entry.place.name);
            let Some(number) = number.filter(|number| !out_of_reach.contains(number)) else {
                continue;
            };
            // The logins of a file were just read.
            if self.backends[number].place().path.is_some() {
                continue;
            }
            match self.backends[number].read(&entry.key()) {
                Ok(Some(_)) => {}
                Ok(None) => entry.needs_login = true,
                Err(err @ StoreError::Unreadable { .. }) => {
                    entry.needs_login = true;
                    faults.push(err);
                }
                // It is out of reach, and the others are there too.
                Err(err) => {
                    log::info!("{err}");
                    out_of_reach.push(number);
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
        entries.retain(|entry| self.number_of(&entry.place.name).is_some());
        for backend in self.backends() {
            let Some(logins) = backend.list()? else {
                continue;
            };
            // A backend that lists its logins knows best: a crash may have come between it and the index.
            entries.retain(|entry| entry.place.name != backend.name());
            for login in logins {
                match login {
                    Ok(credentials) => entries.push(IndexEntry::of(&credentials, backend.place())),
                    Err(StoreError::Unreadable { key, place, why }) => {
                        entries.push(IndexEntry::unreadable(&key, backend.place()));
                        faults.push(StoreError::Unreadable { key, place, why });
                    }
                    Err(err) => return Err(err),
                }
            }
        }
        entries.sort_by_key(|entry| (entry.key(), Reverse(entry.generation)));
        entries.dedup_by_key(|entry| entry.key());
        Ok((entries, faults))
    }

    fn number_of(&self, name: &str) -> Option<usize> {
        self.backends
            .iter()
            .position(|backend| backend.name() == name)
    }

    /// Returns the backends to look into, or to write to, in this order; `known` is the name of the one that has the login, as
    /// far as is known.
    fn order(&self, known: Option<&str>, to_write: bool) -> Vec<usize> {
        let first = self.proven.unwrap_or(0);
        let mut numbers: Vec<_> = (first..self.backends.len()).collect();
        if self.proven.is_none() || !to_write {
            // The others stay in their order.
            numbers.sort_by_key(|number| !self.is_named(*number, known));
        }
        numbers
    }

    fn indexed(&self, id: &StoredId) -> Option<IndexEntry> {
        self.index.as_ref().and_then(|index| index.get(id))
    }

    /// Deletes older copies of a login that was written: one login has one live copy. Where the user chose another backend
    /// than before, the earlier one has such a copy.
    fn delete_older(&self, written: usize, id: &StoredId, known: Option<&str>) {
        let usable = self.order(None, false);
        let chosen = (0..self.backends.len())
            .filter(|number| usable.contains(number) || self.is_named(*number, known))
            .filter(|number| *number != written)
            .map(|number| &self.backends[number]);
        let others = self.others.iter().filter(|it| known == Some(it.name()));
        for backend in chosen.chain(others) {
            match backend.delete(id) {
                Ok(_) => {}
                Err(err) if known == Some(backend.name()) => {
                    warn_user!(OlderCopy, "{err}; an older copy of the login stays there")
                }
                Err(err) => log::debug!("{err}"),
            }
        }
    }

    fn note(&self, credentials: &Credentials, place: &Place) {
        let Some(index) = &self.index else { return };
        if let Err(err) = index.put(&IndexEntry::of(credentials, place.clone())) {
            warn_user!(
                IndexNotUpdated,
                "{err}; the login is stored in {place}, but the list of logins does not show it"
            );
        }
    }

    /// Returns the directories for an emergency file, the best first.
    fn emergency_directories(&self) -> Vec<PathBuf> {
        let files = self.backends().filter_map(|backend| backend.place().path);
        let beside = files
            .filter_map(|file| Some(file.parent()?.to_owned()))
            .next();
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        [
            beside.or(Some(self.data_dir.clone())),
            runtime.filter(|path| path.is_absolute()),
            Some(std::env::temp_dir()),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

fn is_newer(backend: &dyn Backend, stored: &Stored) -> bool {
    let found = backend.read(&stored.credentials.key()).ok().flatten();
    found.is_some_and(|found| found.generation > stored.highest)
}

/// Stores credentials and reads them back: some keyrings cut off what is too long, and say nothing.
///
/// # Errors
///
/// Any [`StoreError`]; [`StoreError::Altered`] if something else came back.
pub(super) fn put(
    backend: &dyn Backend,
    credentials: &Credentials,
    replaces: Option<u64>,
) -> Result<bool, StoreError> {
    if !backend.write(credentials, replaces)? {
        return Ok(false);
    }
    match backend.read(&credentials.key())? {
        Some(found) if found == *credentials || found.generation > credentials.generation => {
            Ok(true)
        }
        _ => Err(StoreError::Altered(backend.place().to_string())),
    }
}

/// Tries once more, unless the first try has already waited its time for a lock.
fn retry(
    backend: &dyn Backend,
    credentials: &Credentials,
    replaces: Option<u64>,
    err: StoreError,
) -> Result<bool, StoreError> {
    match err {
        StoreError::Disk(DiskError::Locked { .. }) => Err(err),
        // The first try has replaced the login, by something else than was to be stored.
        StoreError::Altered(_) => put(backend, credentials, None),
        // It may also have stored the login before it failed.
        _ => Ok(put(backend, credentials, replaces)?
            || backend.read(&credentials.key())?.as_ref() == Some(credentials)),
    }
}

/// Writes credentials that no backend took to a file of their own, in the first directory that takes it.
pub(crate) fn rescue(directories: &[PathBuf], credentials: &Credentials) -> Option<PathBuf> {
    let name = format!(
        "credentials.rescued-{}-{}.json",
        std::process::id(),
        Time::now().0
    );
    directories
        .iter()
        .map(|directory| directory.join(&name))
        .find(|path| {
            let mut logins = Logins::new(path);
            let written = logins
                .insert(&credentials.key().store_name(), credentials)
                .and_then(|()| logins.checked_text())
                .and_then(|text| {
                    files::write_atomically(path, text.as_bytes())?;
                    Ok(())
                });
            written
                .inspect_err(|err| log::debug!("no emergency file: {err:#}"))
                .is_ok()
        })
}
