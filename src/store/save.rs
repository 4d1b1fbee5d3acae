//! Storing a login, so that it is not lost on the way: a backend that fails is tried twice, then the others, then a file.

use std::path::PathBuf;

use super::backend::{Backend, Place};
use super::index::IndexEntry;
use super::logins_file::Logins;
use super::router::{Store, Stored};
use super::{Credentials, StoreError, StoredId};
use crate::os::clock::Time;
use crate::os::files::{self, DiskError};
use crate::warning::warn_user;

/// Where credentials went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// Where they are now.
    pub place: Place,
    /// One line for the user if that is not the backend that was chosen.
    pub notice: Option<String>,
}

impl Store {
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

    /// Writes credentials that no backend took to an emergency file, unless a backend has their tokens or there are none.
    fn not_stored(&self, credentials: &Credentials, failure: Option<StoreError>) -> StoreError {
        let source = failure.unwrap_or(StoreError::Altered("any store".to_owned()));
        let stored = self.find(&credentials.key()).ok().flatten();
        let has_them = |stored: Stored| {
            let ours = stored.credentials;
            ours.access_token == credentials.access_token
                && ours.refresh_token == credentials.refresh_token
        };
        if credentials.access_token.expose().is_empty() || stored.is_some_and(has_them) {
            return source;
        }
        StoreError::NotStored {
            rescued: rescue(&self.emergency_directories(), credentials),
            source: Box::new(source),
        }
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
                    warn_user!(OlderCopy, "{err:#}; an older copy of the login stays there")
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
                "{err:#}; the login is stored in {place}, but the list of logins does not show it"
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
        Time::now().unix_seconds()
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
