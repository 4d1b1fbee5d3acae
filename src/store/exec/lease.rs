//! The lease of a login: what a lock is on one machine, for all machines that share an engine.
//!
//! Whoever is about to spend a refresh token first puts a lease beside the login, in place of the revision in which it has
//! read that token; the engine lets one do so. A lease has a length, not an end: each machine measures it by its own
//! monotonic clock from when it first saw that lease, so no clocks of two machines are compared.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::backend::{LeaseAttempt, Leases};
use super::super::{text, Credentials, StoreError, StoredId};
use super::{protocol, ExecBackend, FoundRecord, Record, FORMAT};
use crate::digest;
use crate::os::clock::{self, Deadline};
use crate::os::files;
use crate::os::sync::lock;

/// How long a lease is: longer than a refresh can take. A machine that is killed leaves it behind.
const LENGTH: Duration = Duration::from_secs(45);

/// How long after its lease was asked for a machine may still begin to spend: the request itself takes at most 30 s.
const BEGIN_WITHIN: Duration = Duration::from_secs(10);

/// The longest note that is read, in bytes.
const MAX_NOTE_BYTES: u64 = 4096;

/// A lease, as the engine has it beside the login.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Its name, which no other lease has.
    id: String,
    /// How long it is, in seconds.
    seconds: u64,
    /// The hash of the refresh token that is about to be spent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    spends: Option<String>,
    /// An earlier lease on this refresh token came to its end without a word.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_interrupted: bool,
}

/// What a machine notes of a lease, in a file of its own.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    id: String,
    /// This machine has taken it. Written before the engine has it.
    is_own: bool,
    /// When it was first seen, in milliseconds since this machine started.
    since: u64,
    /// Which start of the machine that was.
    boot: String,
}

impl Note {
    fn new(id: &str, is_own: bool) -> Self {
        Self {
            id: id.to_owned(),
            is_own,
            since: now(),
            boot: files::boot(),
        }
    }

    fn read(path: &Path) -> Option<Self> {
        let bytes = files::read_private(path, MAX_NOTE_BYTES).ok()??;
        serde_json::from_slice(&bytes).ok()
    }

    fn write(&self, path: &Path) -> Result<(), StoreError> {
        let text = text::checked(self, &path.display())?;
        Ok(files::write_cache(path, text.as_bytes())?)
    }

    /// Tells how long ago the lease was first seen; `None` if the machine has been started since.
    fn age(&self) -> Option<Duration> {
        let age = now()
            .checked_sub(self.since)
            .filter(|_| self.boot == files::boot())?;
        Some(Duration::from_millis(age))
    }
}

fn now() -> u64 {
    u64::try_from(clock::since_boot().as_millis()).unwrap_or(u64::MAX)
}

fn hash_of(login: &Credentials) -> Option<String> {
    let token = login.refresh_token.as_ref()?;
    Some(digest::sha256_hex(token.expose()))
}

impl ExecBackend {
    fn note_of(&self, id: &StoredId) -> PathBuf {
        self.directory.join(format!("{}.lease", protocol::key(id)))
    }

    /// Forgets when the lease of another machine was first seen: as long as the engine cannot be used, its holder cannot
    /// store what it has received either.
    pub(super) fn forget_seen(&self, id: &StoredId) {
        let path = self.note_of(id);
        if Note::read(&path).is_some_and(|note| !note.is_own) {
            let _ = fs::remove_file(path);
        }
    }

    /// Tells whether a lease is in force, and notes when it was first seen.
    fn is_in_force(&self, id: &StoredId, lease: &Lease) -> Result<bool, StoreError> {
        let path = self.note_of(id);
        match Note::read(&path).filter(|note| note.id == lease.id) {
            // The process that took it is gone: it would hold the lock of the login on this machine.
            Some(note) if note.is_own => Ok(false),
            Some(note) if note.age().is_some() => {
                Ok(note.age() < Some(Duration::from_secs(lease.seconds)))
            }
            _ => {
                Note::new(&lease.id, false).write(&path)?;
                Ok(true)
            }
        }
    }
}

impl Leases for ExecBackend {
    fn try_lease(&self, login: &Credentials) -> Result<LeaseAttempt, StoreError> {
        let id = login.key();
        // What was just read need not be read again: the engine compares the revision.
        let last = lock(&self.last).take().filter(|(of, _)| *of == id);
        let found = match last {
            Some((_, found)) => Some(found),
            None => self.find(&id).inspect_err(|_| self.forget_seen(&id))?,
        };
        let Some(FoundRecord { revision, record }) = found else {
            return Ok(LeaseAttempt::Changed);
        };
        let record = record?;
        let is_same = record.login.generation == login.generation
            && record.login.refresh_token == login.refresh_token;
        if !is_same {
            return Ok(LeaseAttempt::Changed);
        }
        let spends = hash_of(login);
        let mut is_interrupted = false;
        if let Some(lease) = &record.lease {
            if self.is_in_force(&id, lease)? {
                return Ok(LeaseAttempt::Held);
            }
            let is_own = Note::read(&self.note_of(&id)).is_some_and(|note| note.is_own);
            // What an own one has done is in the journal of this machine.
            is_interrupted = lease.spends == spends && (lease.is_interrupted || !is_own);
        }
        let lease = Lease {
            id: digest::unique(),
            seconds: LENGTH.as_secs(),
            spends,
            is_interrupted,
        };
        let begin_until = Deadline::after(BEGIN_WITHIN);
        Note::new(&lease.id, true).write(&self.note_of(&id))?;
        let lease_id = lease.id.clone();
        let leased = Record {
            format: FORMAT,
            lease: Some(lease),
            ..record
        };
        if !self.replace(&id, &revision, &leased)? {
            return Ok(LeaseAttempt::Held);
        }
        *lock(&self.held) = Some(lease_id);
        Ok(LeaseAttempt::Taken {
            begin_until,
            is_interrupted,
        })
    }

    fn release(&self, id: &StoredId) {
        let Some(held) = lock(&self.held).take() else {
            return;
        };
        let released = self.change(id, |found| {
            let Some(FoundRecord {
                revision,
                record: Ok(record),
            }) = found
            else {
                return Ok(Some(()));
            };
            if record.lease.as_ref().is_none_or(|lease| lease.id != held) {
                return Ok(Some(()));
            }
            let free = Record {
                lease: None,
                ..record
            };
            Ok(self.replace(id, &revision, &free)?.then_some(()))
        });
        if let Err(err) = released {
            log::debug!("the lease ends by itself: {err}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn es11_a_lease_is_measured_from_when_it_was_first_seen() {
        let home = tempfile::tempdir().unwrap();
        let backend = ExecBackend::new("true", home.path(), super::super::Interaction::None);
        let id = StoredId::new("https://mcp.example", "default");
        let lease = |id: &str| Lease {
            id: id.to_owned(),
            seconds: 45,
            spends: None,
            is_interrupted: false,
        };
        let is_in_force =
            |id_of_lease: &str| backend.is_in_force(&id, &lease(id_of_lease)).unwrap();
        let path = backend.note_of(&id);
        let age = |change: &dyn Fn(&mut Note)| {
            let mut note = Note::read(&path).unwrap();
            change(&mut note);
            note.write(&path).unwrap();
        };
        assert!(is_in_force("a") && is_in_force("a"));
        age(&|note| note.since = note.since.saturating_sub(30_000));
        assert!(is_in_force("a"));
        age(&|note| note.since = note.since.saturating_sub(15_000));
        assert!(!is_in_force("a") && !is_in_force("a"));
        // Another one is another one.
        assert!(is_in_force("b"));
        // A machine that was started anew measures anew, and so does one whose engine was out of reach.
        age(&|note| {
            note.since = note.since.saturating_sub(50_000);
            note.boot = "another".to_owned();
        });
        assert!(is_in_force("b"));
        age(&|note| note.since = now() + 10_000);
        assert!(is_in_force("b"));
        age(&|note| note.since = note.since.saturating_sub(50_000));
        backend.forget_seen(&id);
        assert!(is_in_force("b"));
        // One of our own is taken up at once.
        Note::new("c", true).write(&path).unwrap();
        backend.forget_seen(&id);
        assert!(!is_in_force("c"));
    }
}
