//! The choice between the backends, made before a login and held to after it; no login is lost on the way.

use std::path::{Path, PathBuf};

use super::backend::{Backend, BackendKind, Interaction};
use super::index::{Index, IndexEntry};
use super::{exec, file, keyring, Credentials, StoreChoice, StoreError, StoredId};
use crate::warning::warn_user;

/// All backends, the preferred ones first.
pub(super) const BACKENDS: &[BackendKind] = &[keyring::KIND, file::KIND, exec::KIND];

/// A login as it was found.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The login.
    pub credentials: Credentials,
    /// The backend that has it.
    pub(super) backend: usize,
    /// The highest generation of the login that is known, from whatever place.
    pub(super) highest: u64,
}

/// The backends of one run, and the choice between them.
pub struct Store {
    /// Those that the choice of the user covers, the preferred ones first.
    pub(super) backends: Vec<Box<dyn Backend>>,
    /// The others. One of them may have an older copy of a login that is stored anew.
    pub(super) others: Vec<Box<dyn Backend>>,
    pub(super) data_dir: PathBuf,
    /// `None` for a backend that is its own index.
    pub(super) index: Option<Index>,
    /// The first backend that a proof has shown to work; `None` before a proof.
    proven: Option<usize>,
    /// One line for the user if the preferred backend does not work.
    pub notice: Option<String>,
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

    /// Opens the backends to use a login that is there. Nothing is written, and nothing is asked of a backend yet. Without
    /// a data directory where one is needed, there are no backends, and nothing is stored.
    pub fn open_to_read(choice: &StoreChoice, data_dir: &Path, interaction: Interaction) -> Self {
        if data_dir.as_os_str().is_empty() && choice.file().is_none() {
            return Self::of(Vec::new(), data_dir, None);
        }
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
                        format!("{err:#}; logins are stored in {}", backend.place())
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

    pub(super) fn find_with(
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
                warn_user!(LoginUnreadable, "{err:#}; the other store's copy is used")
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

    pub(super) fn is_named(&self, number: usize, name: Option<&str>) -> bool {
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
                    warn_user!(OlderCopy, "{err:#}")
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
                Err(err) => warn_user!(IndexNotUpdated, "{err:#}; the login is gone all the same"),
            }
        }
        Ok(was_there)
    }

    pub(super) fn number_of(&self, name: &str) -> Option<usize> {
        self.backends
            .iter()
            .position(|backend| backend.name() == name)
    }

    /// Returns the backends to look into, or to write to, in this order; `known` is the name of the one that has the login, as
    /// far as is known.
    pub(super) fn order(&self, known: Option<&str>, to_write: bool) -> Vec<usize> {
        let first = self.proven.unwrap_or(0);
        let mut numbers: Vec<_> = (first..self.backends.len()).collect();
        if self.proven.is_none() || !to_write {
            // The others stay in their order.
            numbers.sort_by_key(|number| !self.is_named(*number, known));
        }
        numbers
    }

    pub(super) fn indexed(&self, id: &StoredId) -> Option<IndexEntry> {
        self.index.as_ref().and_then(|index| index.get(id))
    }
}
