//! Credentials that a program of the user's choice keeps, in whatever engine it likes: `--store exec:COMMAND`.
//!
//! The helper only moves opaque values, and replaces one only if it has the revision that is named; so all machines that
//! share an engine see the same login. `protocol` has its words.

mod call;
mod conformance;
mod copy;
mod fault;
mod lease;
mod protocol;
mod said;

use std::ffi::OsStr;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::backend::{Argument, Backend, BackendKind, Check, Interaction, Leases};
use super::{text, Credentials, StoreError, StoredId};
use crate::digest;
use crate::oauth::text::printable;
use crate::os::clock::Deadline;
use crate::os::command;
use crate::os::programs;
use crate::os::shell::quoted_in_command;
use crate::os::sync::lock;
use crate::warning::warn_user;

use fault::ExecFault;
use lease::Lease;
use protocol::{HelperRequest, Verb};

/// The name of this backend.
const NAME: &str = "exec";

/// How long all calls of the helper may take together where another program waits for the answer.
const BUDGET: Duration = Duration::from_millis(7500);

/// How many values are read at once for a list of all logins.
const READERS: usize = 8;

/// How often a value is written anew because somebody else has changed it in between.
const MAX_TRIES: usize = 8;

/// How long a renewed login is tried to be stored while the engine is away, and the pause in between.
const PERSISTENCE: Duration = Duration::from_secs(120);
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// The version of what is in a value.
const FORMAT: u64 = 1;

/// The backend.
pub const KIND: BackendKind = BackendKind {
    name: NAME,
    place: "the store helper",
    argument: Some(Argument {
        what: "COMMAND",
        example: "/usr/local/bin/helper",
        is_needed: true,
        is_file: false,
        option: |command| anywhere(command),
    }),
    open: |command, data_dir, interaction| {
        let command = command.and_then(OsStr::to_str).unwrap_or_default();
        Box::new(ExecBackend::new(command, data_dir, interaction))
    },
};

/// Returns a command that means the same in every directory, in a form for the arguments of hints and settings.
fn anywhere(command: &OsStr) -> String {
    let text = command.to_string_lossy();
    let mut words = command::words(&text);
    let program = words.first_mut().filter(|it| programs::is_path(it));
    match program.map(|it| (std::path::absolute(&*it), it)) {
        Some((Ok(path), program)) if Path::new(program).is_relative() => {
            *program = path.to_string_lossy().into_owned();
        }
        _ if !text.contains('"') => return text.into_owned(),
        _ => {}
    }
    let words: Vec<_> = words.iter().map(|it| quoted_in_command(it)).collect();
    words.join(" ")
}

/// What a value holds.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    format: u64,
    login: Credentials,
    /// The machine that is about to spend the refresh token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lease: Option<Lease>,
    /// What a newer version wrote.
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// A value as the helper has it.
struct FoundRecord {
    revision: String,
    record: Result<Record, StoreError>,
}

/// Credentials behind a helper.
pub struct ExecBackend {
    words: Vec<String>,
    directory: PathBuf,
    interaction: Interaction,
    /// The end of the time for all calls.
    end: Option<Deadline>,
    /// Why a copy was returned in place of what the helper has; once it did not answer in time, it is not asked again.
    failure: Mutex<Option<ExecFault>>,
    /// What was read last, once.
    last: Mutex<Option<(StoredId, FoundRecord)>>,
    /// The lease of this process.
    held: Mutex<Option<String>>,
}

impl ExecBackend {
    fn new(command: &str, data_dir: &Path, interaction: Interaction) -> Self {
        let words = command::words(command);
        let hash = digest::hex(&digest::sha256(words.join("\0")), 8);
        let directory = data_dir.join(NAME).join(hash);
        let end = (interaction == Interaction::None).then(|| Deadline::after(BUDGET));
        Self::of(words, directory, interaction, end)
    }

    fn of(
        words: Vec<String>,
        directory: PathBuf,
        interaction: Interaction,
        end: Option<Deadline>,
    ) -> Self {
        Self {
            words,
            directory,
            interaction,
            end,
            failure: Mutex::default(),
            last: Mutex::default(),
            held: Mutex::default(),
        }
    }

    /// Returns what the helper has of a login.
    fn find(&self, id: &StoredId) -> Result<Option<FoundRecord>, ExecFault> {
        let found = self.get(&protocol::key(id), &id.store_name())?;
        Ok(found.map(|(revision, value)| FoundRecord {
            revision,
            record: self.record(id, &value),
        }))
    }

    fn record(&self, id: &StoredId, value: &[u8]) -> Result<Record, StoreError> {
        let record = self.parse(value, || id.clone())?;
        let login = record.login.belonging_to(id, || self.place())?;
        Ok(Record { login, ..record })
    }

    fn parse(&self, value: &[u8], id: impl FnOnce() -> StoredId) -> Result<Record, StoreError> {
        #[derive(Deserialize)]
        struct Format {
            format: u64,
        }
        let unreadable = |_| StoreError::Unreadable {
            key: id(),
            place: self.place().to_string(),
            // The parser's own words may quote a secret.
            why: "its value is not a login".to_owned(),
        };
        match serde_json::from_slice(value) {
            Ok(Format { format }) if format > FORMAT => Err(ExecFault::Newer(format).into()),
            _ => serde_json::from_slice(value).map_err(unreadable),
        }
    }

    /// Replaces what the helper has of a login in this revision; returns whether it had it.
    fn replace(&self, id: &StoredId, revision: &str, record: &Record) -> Result<bool, StoreError> {
        let value = text::checked(record, &self.place())?;
        Ok(self.put(&protocol::key(id), &id.store_name(), revision, &value)?)
    }

    /// Changes a value until nobody else does so at the same time. `change` gets what is there, and returns nothing if somebody
    /// else has changed it in between.
    fn change<T>(
        &self,
        id: &StoredId,
        change: impl Fn(Option<FoundRecord>) -> Result<Option<T>, StoreError>,
    ) -> Result<T, StoreError> {
        for attempt in 0..MAX_TRIES as u32 {
            if let Some(done) = change(self.find(id)?)? {
                return Ok(done);
            }
            thread::sleep(Duration::from_millis(10) * attempt * attempt);
        }
        Err(ExecFault::Contended.into())
    }

    /// Returns the copy of a login that the helper could not give, if another program waits for it.
    fn copy(&self, id: &StoredId, failure: ExecFault) -> Result<Option<Credentials>, StoreError> {
        let is_waited_for = self.interaction == Interaction::None;
        let Some(copy) = self.live_copy(id).filter(|_| is_waited_for) else {
            return Err(failure.into());
        };
        warn_user!(
            StoreOutOfReach,
            "{failure}; the copy of the token on this machine is used"
        );
        *lock(&self.failure) = Some(failure);
        Ok(Some(copy))
    }
}

impl Backend for ExecBackend {
    fn name(&self) -> &'static str {
        NAME
    }

    fn read(&self, id: &StoredId) -> Result<Option<Credentials>, StoreError> {
        let found = match self.find(id) {
            Ok(found) => found,
            Err(failure) => {
                self.forget_seen(id);
                return self.copy(id, failure);
            }
        };
        let Some(FoundRecord { revision, record }) = found else {
            self.update_copy(id, None);
            return Ok(None);
        };
        let record = record?;
        let login = record.login.clone();
        self.update_copy(id, Some(&login));
        let record = Ok(record);
        *lock(&self.last) = Some((id.clone(), FoundRecord { revision, record }));
        Ok(Some(login))
    }

    fn write(&self, credentials: &Credentials, replaces: Option<u64>) -> Result<bool, StoreError> {
        let id = credentials.key();
        // It is the truth, also as long as the engine is out of reach.
        self.update_copy(&id, Some(credentials));
        let record = Record {
            format: FORMAT,
            login: credentials.clone(),
            lease: None,
            rest: Map::new(),
        };
        let write = |found: Option<FoundRecord>| {
            let (revision, generation) = match found {
                None => (String::new(), None),
                Some(FoundRecord { revision, record }) => match record {
                    Ok(record) => (revision, Some(record.login.generation)),
                    Err(err @ StoreError::Backend { .. }) => return Err(err),
                    // What cannot be read is replaced.
                    Err(_) => (revision, replaces),
                },
            };
            if replaces.is_some() && generation != replaces {
                return Ok(Some(false));
            }
            let is_written = self.replace(&id, &revision, &record)?;
            Ok(is_written.then_some(true))
        };
        // What was spent for is not given up while nobody else can spend, nor as soon as the engine is away for a moment.
        let is_spent_for = self.interaction == Interaction::Detached && lock(&self.held).is_some();
        let end = Deadline::after(if is_spent_for {
            PERSISTENCE
        } else {
            Duration::ZERO
        });
        loop {
            match self.change(&id, write) {
                Err(err) if end.passed() => return Err(err),
                Err(err) => log::debug!("tried again: {err}"),
                Ok(is_written) => {
                    *lock(&self.held) = None;
                    return Ok(is_written);
                }
            }
            thread::sleep(RETRY_PAUSE.min(end.left()));
        }
    }

    fn delete(&self, id: &StoredId) -> Result<bool, StoreError> {
        let (key, name) = (protocol::key(id), id.store_name());
        let deleted = self.change(id, |found| {
            let Some(found) = found else {
                return Ok(Some(false));
            };
            let is_deleted = self.remove(&key, &name, &found.revision)?;
            Ok(is_deleted.then_some(true))
        })?;
        self.update_copy(id, None);
        *lock(&self.held) = None;
        Ok(deleted)
    }

    fn prove(&self) -> Result<(), StoreError> {
        Ok(self.prove_with_probe()?)
    }

    fn check_replaceable(&self) -> Result<(), StoreError> {
        let failure = lock(&self.failure).clone();
        failure.map_or(Ok(()), |failure| Err(failure.into()))
    }

    fn conformance(&self) -> Vec<Check> {
        self.test_helper()
    }

    fn list(&self) -> Result<Option<Vec<Result<Credentials, StoreError>>>, StoreError> {
        let answer = self.call(Verb::List, &HelperRequest::default())?;
        let keys = answer.map(|answer| answer.keys).unwrap_or_default();
        let keys = keys.iter().filter(|key| !key.starts_with(protocol::PROBE));
        let keys = Mutex::new(keys);
        // An engine may be far away, and have many logins.
        let read = || {
            let mut logins = Vec::new();
            loop {
                let Some(key) = lock(&keys).next() else {
                    return Ok(logins);
                };
                let Some((_, value)) = self.get(key, "")? else {
                    continue;
                };
                let named = || StoredId::new(printable(key), super::DEFAULT_PROFILE);
                logins.push(self.parse(&value, named).map(|record| record.login));
            }
        };
        let logins: Result<Vec<_>, ExecFault> = thread::scope(|scope| {
            let others: Vec<_> = (1..READERS)
                .filter_map(|_| thread::Builder::new().spawn_scoped(scope, read).ok())
                .collect();
            let mut logins = read()?;
            for other in others {
                logins.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic))?);
            }
            Ok(logins)
        });
        Ok(Some(logins?))
    }

    fn may_use_files(&self) -> bool {
        true
    }

    fn leases(&self) -> Option<&dyn Leases> {
        Some(self)
    }

    fn is_own_index(&self) -> bool {
        true
    }

    fn lock_dir(&self) -> PathBuf {
        self.directory.clone()
    }
}
