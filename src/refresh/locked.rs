//! A login while its lock is held, and what only the holder of the lock may do.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::journal::Journal;
use super::ours;
use crate::context::Settings;
use crate::error::Error;
use crate::os::clock::Deadline;
use crate::os::files::LockFile;
use crate::store::file::FileBackend;
use crate::store::{
    Backend as _, Credentials, Interaction, LeaseAttempt, Leases, Store, StoreError, Stored,
    StoredId,
};
use crate::warning::warn_user;

/// A login whose lock this process holds: nobody else spends its refresh token.
pub struct LockedLogin<'a> {
    pub(super) store: &'a Store,
    pub(super) id: StoredId,
    /// The note of a refresh of this login.
    pub(super) journal: Journal,
    /// Released before the lock is.
    lease: Option<HeldLease<'a>>,
    lock: LockFile,
    stored: Result<Option<Stored>, Arc<StoreError>>,
}

/// A lease that is released when it is dropped, unless the refresh token may have been spent.
struct HeldLease<'a> {
    leases: &'a dyn Leases,
    id: StoredId,
    begin_until: Deadline,
    is_interrupted: bool,
    is_used: bool,
}

impl Drop for HeldLease<'_> {
    fn drop(&mut self) {
        if !self.is_used {
            self.leases.release(&self.id);
        }
    }
}

/// The first wait for the lease of another machine, and the longest.
const WAITS: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(1));

impl<'a> LockedLogin<'a> {
    /// Takes the lock of a login, and reads the login under it. The lock belongs to the backend that has the login: if
    /// another process moved the login while this one waited, the lock of the new backend is taken.
    ///
    /// # Errors
    ///
    /// [`StoreError::Disk`] once the deadline has passed, or if there cannot be a lock. A login that cannot be read is
    /// locked all the same.
    pub fn acquire(
        store: &'a Store,
        id: &StoredId,
        deadline: Deadline,
    ) -> Result<Self, StoreError> {
        let mut journal = Journal::before(store, id);
        loop {
            let lock = journal.lock(deadline)?;
            let stored = store.find(id);
            let now = Journal::of(store, id, &stored);
            if now == journal {
                return Ok(Self::new(store, id, journal, lock, stored));
            }
            journal = now;
        }
    }

    /// Returns the login whose lock this process was given as its stdin; `None` if that is not the lock of the login as
    /// it is now, or is held by another process.
    pub(super) fn inherited(store: &'a Store, id: &StoredId) -> Option<Self> {
        let stored = store.find(id);
        let journal = Journal::of(store, id, &stored);
        let lock = journal.inherited_lock()?;
        Some(Self::new(store, id, journal, lock, stored))
    }

    fn new(
        store: &'a Store,
        id: &StoredId,
        journal: Journal,
        lock: LockFile,
        stored: Result<Option<Stored>, StoreError>,
    ) -> Self {
        Self {
            store,
            id: id.clone(),
            journal,
            lease: None,
            lock,
            stored: stored.map_err(Arc::new),
        }
    }

    /// Excludes the other machines that share the backend, if any do. After this the login is as they left it.
    ///
    /// # Errors
    ///
    /// Those of taking the lease.
    pub fn exclude_others(&mut self, deadline: Deadline) -> Result<(), Error> {
        while !self.lease(deadline)? {}
        Ok(())
    }

    /// As [`LockedLogin::exclude_others`], but once another machine has changed the login, it is not leased; returns whether it
    /// was unchanged, and the other machines are excluded.
    ///
    /// # Errors
    ///
    /// [`Error::Busy`] once the deadline has passed; [`Error::Store`] if the login cannot be leased, and nothing may be spent.
    pub(super) fn lease(&mut self, deadline: Deadline) -> Result<bool, Error> {
        self.lease = None;
        let mut pause = WAITS.0;
        while let Ok(Some(stored)) = &self.stored {
            let Some(leases) = self.store.backend(stored).leases() else {
                break;
            };
            let attempt = leases.try_lease(&stored.credentials);
            match attempt.map_err(|err| Error::not_stored(&self.id, err))? {
                LeaseAttempt::Taken {
                    begin_until,
                    is_interrupted,
                } => {
                    self.lease = Some(HeldLease {
                        leases,
                        id: self.id.clone(),
                        begin_until,
                        is_interrupted,
                        is_used: false,
                    });
                    break;
                }
                LeaseAttempt::Changed => {
                    self.stored = self.store.find(&self.id).map_err(Arc::new);
                    return Ok(false);
                }
                LeaseAttempt::Held if deadline.passed() => {
                    return Err(Error::Busy(self.id.server.clone()));
                }
                LeaseAttempt::Held => {
                    thread::sleep(pause.min(deadline.left()));
                    pause = (pause * 2).min(WAITS.1);
                }
            }
        }
        Ok(true)
    }

    /// Marks that the refresh token is about to be spent: the lease, if there is one, ends with what is stored, or by
    /// itself. Returns `false` if it is too late to begin.
    pub(super) fn start_spending(&mut self) -> bool {
        let Some(lease) = &mut self.lease else {
            return true;
        };
        lease.is_used = !lease.begin_until.passed();
        lease.is_used
    }

    /// Tells whether another machine was about to spend this refresh token, and was not heard of again.
    pub(super) fn is_interrupted_elsewhere(&self) -> bool {
        self.lease.as_ref().is_some_and(|it| it.is_interrupted)
    }

    /// Ends the lease: what may have been spent was not.
    pub(super) fn was_not_spent(&mut self) {
        if let Some(mut lease) = self.lease.take() {
            lease.is_used = false;
        }
    }

    /// Returns the login as it was when the lock was taken; `None` if there was none.
    ///
    /// # Errors
    ///
    /// Any [`StoreError`] of a backend that may have the login.
    pub fn stored(&self) -> Result<Option<&Stored>, Arc<StoreError>> {
        self.stored.as_ref().map(Option::as_ref).map_err(Arc::clone)
    }

    /// Returns the generation of the login as it was when the lock was taken, if there was one.
    pub(super) fn generation(&self) -> Option<u64> {
        let stored = self.stored.as_ref().ok()?.as_ref()?;
        Some(stored.credentials.generation)
    }

    /// Returns the login if it is ours.
    ///
    /// # Errors
    ///
    /// [`Error::NotLoggedIn`] if there is none, or if another program has it; [`Error::Store`].
    pub fn ours(&self, settings: &Settings) -> Result<Stored, Error> {
        let stored = self
            .stored()
            .map_err(|err| Error::unreadable(&self.id, err))?;
        ours(stored.cloned(), self.store, &self.id, settings)
    }

    /// Gives the lock to a child process as its stdin.
    ///
    /// # Errors
    ///
    /// Gives it back where the file system has no locks that can be inherited.
    pub(super) fn hand_over(self) -> Result<Stdio, Box<Self>> {
        let lock = self.lock.hand_over();
        lock.map_err(|lock| Box::new(Self { lock, ..self }))
    }

    /// Returns the login as an interrupted refresh received it, and no store has it; `None` if there is no such thing.
    ///
    /// # Errors
    ///
    /// Any [`StoreError`] of the file that may hold it.
    pub fn rescued(&self) -> Result<Option<Credentials>, StoreError> {
        let (Ok(Some(stored)), Some(file)) = (&self.stored, self.rescued_file()) else {
            return Ok(None);
        };
        let rescued = FileBackend::new(file, Interaction::None.lock_limit()).read(&self.id)?;
        // The store may have had it, or a newer login, and only the note was left.
        Ok(rescued.filter(|it| it.generation >= stored.credentials.generation))
    }

    fn rescued_file(&self) -> Option<PathBuf> {
        let stored = self.stored.as_ref().ok()?.as_ref()?;
        self.journal
            .rescued(stored.credentials.refresh_token.as_ref()?)
    }

    /// Stores what [`LockedLogin::rescued`] returns, and tells whether there was something. A file that does not hold a login is skipped, with a warning.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] if the file cannot be read now, or the store does not accept the login now either.
    pub fn adopt(&mut self) -> Result<bool, Error> {
        let rescued = match self.rescued() {
            Ok(rescued) => rescued,
            // It may hold the only good refresh token, and be readable later.
            Err(err @ StoreError::Disk(_)) => return Err(Error::unreadable(&self.id, err)),
            Err(err) => {
                warn_user!(LoginUnreadable, "{err:#}");
                None
            }
        };
        let Some(mut rescued) = rescued else {
            return Ok(false);
        };
        let file = self.rescued_file();
        self.store
            .save(&mut rescued)
            .map_err(|err| Error::not_stored(&self.id, err))?;
        self.end();
        file.iter().for_each(|file| discard(file));
        self.stored = self.store.find(&self.id).map_err(Arc::new);
        Ok(true)
    }

    /// Removes the note of a refresh and what it received: it is stored, revoked or replaced.
    pub fn end(&self) {
        self.journal.end();
    }

    /// As [`LockedLogin::end`], for a login that is deleted: its emergency file goes too.
    pub fn end_deleted(&self) {
        self.rescued_file().iter().for_each(|file| discard(file));
        self.end();
    }
}

fn discard(file: &Path) {
    match fs::remove_file(file) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => {
            warn_user!(
                FileNotRemoved,
                "cannot remove {}, which is not needed any more: {err}",
                file.display()
            );
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;
    use std::thread;
    use std::time::Duration;

    use super::*;
    use crate::store::tests::{sample, store_of, Memory, SERVER};

    const PATIENCE: Duration = Duration::from_secs(60);

    #[test]
    fn c1_a_waiter_follows_a_login_that_is_moved_to_another_store() {
        let home = tempfile::tempdir().unwrap();
        let [keyring, file] = ["keyring", "file"].map(|name| Memory::with_locks(name, home.path()));
        let store = store_of(&[Arc::clone(&keyring), Arc::clone(&file)], home.path());
        let id = sample(SERVER, 1).key();
        keyring.set(Some(1));
        let first = LockedLogin::acquire(&store, &id, Deadline::after(PATIENCE)).unwrap();
        let reads = file.reads.load(Ordering::Relaxed);
        thread::scope(|scope| {
            let second =
                scope.spawn(|| LockedLogin::acquire(&store, &id, Deadline::after(PATIENCE)));
            while file.reads.load(Ordering::Relaxed) == reads {
                thread::yield_now();
            }
            // The second one has found the login in the keyring.
            keyring.set(None);
            file.set(Some(2));
            let old_lock = first.journal.lock_path().to_owned();
            drop(first);
            let second = second.join().unwrap().unwrap();
            assert_ne!(second.journal.lock_path(), old_lock);
            let stored = second.stored().unwrap().unwrap();
            assert_eq!(stored.credentials.generation, 2);
            let third = LockedLogin::acquire(&store, &id, Deadline::after(Duration::ZERO));
            assert!(matches!(third, Err(StoreError::Disk(_))), "it is locked");
            assert!(
                !old_lock.exists(),
                "the lock of the old backend is not held"
            );
        });
    }
}
