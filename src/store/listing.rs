//! Listing the logins: from the index, and from the backends that know better.

use std::cmp::Reverse;

use super::index::IndexEntry;
use super::router::Store;
use super::StoreError;

impl Store {
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
            let backend = &self.backends[number];
            // Its logins were just read.
            if backend.place().path.is_some() || backend.is_own_index() {
                continue;
            }
            match backend.read(&entry.key()) {
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
}
