//! Credentials in the operating system's keyring. Any call into it can hang for ever, so none is waited for that long.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use keyring_core::{Entry, Error};
use zeroize::Zeroizing;

use super::backend::{Backend, BackendKind, Interaction};
use super::{lock_dir_in, text, Credentials, Fault, StoreError, StoredId};
use crate::failure::{About, Code, Failure, Hint};
use crate::os::files::accounts;
use crate::os::places;
use crate::os::sync::{lock, start_thread};
use crate::warning::warn_user;

#[cfg(all(feature = "keyring", any(windows, test)))]
mod chunks;
#[cfg_attr(not(feature = "keyring"), path = "none.rs")]
#[cfg_attr(all(feature = "keyring", target_os = "macos"), path = "keychain.rs")]
#[cfg_attr(all(feature = "keyring", windows), path = "credential_manager.rs")]
#[cfg_attr(
    all(feature = "keyring", not(any(target_os = "macos", windows))),
    path = "secret_service.rs"
)]
mod platform;
#[cfg(all(test, unix, feature = "keyring"))]
mod tests;

/// The name of this program in the keyring.
const SERVICE: &str = "mcp-login";

/// How long the keyring may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(3);

/// How long the user may take to answer the keyring's own prompt.
const PROMPT_LIMIT: Duration = Duration::from_secs(60);

/// Why the keyring cannot be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum KeyringFault {
    /// This program was built without it.
    #[error("cannot use the keyring: this build of mcp-login has no keyring support")]
    NotBuilt,
    /// There is none.
    #[error("cannot use the keyring: no keyring service is running in this session")]
    Absent,
    /// What the environment calls our session is another user's, as after `su`.
    #[error("cannot use the keyring: the session bus belongs to another user")]
    Foreign,
    /// It is locked, and there is no way to ask the user or no answer.
    #[error("cannot use the keyring: it is locked")]
    Locked,
    /// The user, or a rule of the system, said no.
    #[error("cannot use the keyring: it refused access")]
    Refused,
    /// It did not answer in time; nor will it be asked again.
    #[error("cannot use the keyring: it did not answer in time")]
    Silent,
    /// It has several entries of one name, of which nobody knows which one is meant.
    #[error("cannot use the keyring: it has several entries of the same name")]
    Ambiguous,
    /// Its contents are gone when the session ends.
    #[error("cannot use the keyring: it forgets everything when the session ends")]
    Volatile,
    /// Anything else.
    #[error("cannot use the keyring: {0}")]
    Other(String),
}

impl Failure for KeyringFault {
    fn code(&self) -> Code {
        match self {
            Self::Locked | Self::Refused => Code::KeyringLocked,
            _ => Code::StoreUnusable,
        }
    }

    fn hint(&self, _about: &About) -> Option<Hint> {
        let hint = match self {
            Self::Locked | Self::Refused => {
                "unlock the keyring and try again, or keep the login in a file with --store file"
            }
            Self::Foreign => {
                "run this in a session of your own, such as that of `su -`, or keep the login in a file with --store file"
            }
            _ => "keep the login in a file with --store file",
        };
        Some(hint.into())
    }
}

impl From<KeyringFault> for StoreError {
    fn from(failure: KeyringFault) -> Self {
        let fault = match failure {
            KeyringFault::NotBuilt | KeyringFault::Absent | KeyringFault::Foreign => Fault::Absent,
            KeyringFault::Locked | KeyringFault::Refused => Fault::Locked,
            KeyringFault::Silent => Fault::Silent,
            KeyringFault::Ambiguous | KeyringFault::Volatile | KeyringFault::Other(_) => {
                Fault::Other
            }
        };
        Self::Backend {
            fault,
            failure: Box::new(failure),
        }
    }
}

/// The backend.
pub const KIND: BackendKind = BackendKind {
    name: NAME,
    place: "the keyring",
    argument: None,
    open: |_, data_dir, interaction| Box::new(KeyringBackend::new(interaction, data_dir)),
};

/// The name of this backend.
const NAME: &str = "keyring";

/// The variable that names the directory of the locks and journals, for all programs that use the keyring.
pub const LOCK_DIR: &str = "MCP_LOGIN_LOCK_DIR";

/// A connection to the keyring, and what it was opened for.
type Connection = (Arc<keyring_core::CredentialStore>, Purpose);

/// The keyring of the user's session.
pub struct KeyringBackend {
    interaction: Interaction,
    data_dir: PathBuf,
    /// The connection of an earlier call; none is held where the user may be asked to unlock something.
    connection: Arc<Mutex<Option<Connection>>>,
    /// Once it has not answered, it is not asked again.
    silent: AtomicBool,
    /// It was there once.
    answered: AtomicBool,
}

/// What a call into the keyring is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
enum Purpose {
    /// Items are read, replaced or deleted.
    Read,
    /// An item may be made as well.
    Write,
}

/// Called when a prompt is about to be opened.
type OnPrompt = Box<dyn Fn() + Send + Sync>;

/// What the thread of a call reports.
enum CallEvent<T> {
    /// A prompt is about to be opened; it is the user's turn.
    Prompt,
    Done(Result<T, KeyringFault>),
}

impl KeyringBackend {
    /// Returns the keyring. It is not asked for anything yet.
    pub fn new(interaction: Interaction, data_dir: &Path) -> Self {
        Self {
            interaction,
            data_dir: data_dir.to_owned(),
            connection: Arc::default(),
            silent: AtomicBool::default(),
            answered: AtomicBool::default(),
        }
    }

    /// Runs `work` in a thread of its own, and waits for the answer for a limited time.
    ///
    /// A thread that does not come back is left alone: it blocks nothing, and ends with the process.
    fn call<T: Send + 'static>(
        &self,
        access: Purpose,
        work: impl Fn(&keyring_core::CredentialStore) -> Result<T, KeyringFault> + Send + 'static,
    ) -> Result<T, KeyringFault> {
        if self.silent.load(Ordering::Relaxed) {
            return Err(KeyringFault::Silent);
        }
        let may_prompt = self.interaction.may_prompt();
        let (sender, receiver) = mpsc::channel();
        let shared = Arc::clone(&self.connection);
        let thread = start_thread("keyring", move || {
            let connection = lock(&shared).take();
            let again = connection
                .filter(|(_, opened_for)| *opened_for >= access)
                .and_then(|connection| Some((work(&*connection.0).ok()?, connection)));
            let connect = || {
                let prompts = sender.clone();
                let on_prompt: OnPrompt = Box::new(move || drop(prompts.send(CallEvent::Prompt)));
                let keyring = platform::connect(access, may_prompt.then_some(on_prompt))?;
                Ok((work(&*keyring)?, (keyring, access)))
            };
            let outcome = again.map_or_else(connect, Ok).map(|(answer, connection)| {
                if !may_prompt {
                    *lock(&shared) = Some(connection);
                }
                answer
            });
            // Nobody may be listening any more.
            let _ = sender.send(CallEvent::Done(outcome));
        });
        thread.map_err(|err| KeyringFault::Other(format!("no thread can be started: {err}")))?;
        let outcome = Self::wait(&receiver, may_prompt);
        match outcome {
            Ok(_) => self.answered.store(true, Ordering::Relaxed),
            Err(KeyringFault::Silent) => self.silent.store(true, Ordering::Relaxed),
            // What was there a moment ago may hold the login.
            Err(KeyringFault::Absent) if self.answered.load(Ordering::Relaxed) => {
                return Err(KeyringFault::Other("its service has gone away".to_owned()));
            }
            Err(_) => {}
        }
        outcome
    }

    fn wait<T>(reports: &Receiver<CallEvent<T>>, may_prompt: bool) -> Result<T, KeyringFault> {
        let mut prompted = false;
        loop {
            match reports.recv_timeout(if prompted { PROMPT_LIMIT } else { ANSWER_LIMIT }) {
                Ok(CallEvent::Done(outcome)) => return outcome,
                Err(RecvTimeoutError::Timeout) if prompted => return Err(KeyringFault::Locked),
                Err(RecvTimeoutError::Timeout)
                    if !(may_prompt && platform::PROMPTS_UNANNOUNCED) =>
                {
                    return Err(KeyringFault::Silent);
                }
                Ok(CallEvent::Prompt) | Err(RecvTimeoutError::Timeout) => {
                    prompted = true;
                    warn_user!(WaitingForKeyring, "waiting for the keyring to be unlocked");
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(KeyringFault::Other(
                        "its thread ended unexpectedly".to_owned(),
                    ));
                }
            }
        }
    }
}

/// Tells whether another program keeps something in the keyring under this name; nobody is asked to unlock anything for it.
///
/// # Errors
///
/// The [`KeyringFault`] for which that cannot be seen.
pub fn holds(service: &'static str, account: String) -> Result<bool, KeyringFault> {
    let look = move |keyring: &keyring_core::CredentialStore| {
        let item = keyring.build(service, &account, None).map_err(fault)?;
        match read(&item) {
            Err(KeyringFault::Ambiguous) => Ok(true),
            found => Ok(found?.is_some()),
        }
    };
    KeyringBackend::new(Interaction::None, Path::new("")).call(Purpose::Read, look)
}

impl Backend for KeyringBackend {
    fn name(&self) -> &'static str {
        NAME
    }

    fn read(&self, id: &StoredId) -> Result<Option<Credentials>, StoreError> {
        let name = id.store_name();
        let found = self.call(Purpose::Read, move |keyring| read(&entry(keyring, &name)?));
        let unreadable = |why: &str| StoreError::Unreadable {
            key: id.clone(),
            place: self.place().to_string(),
            why: why.to_owned(),
        };
        let bytes = match found {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Ok(None),
            Err(KeyringFault::Ambiguous) => {
                return Err(unreadable("it has several entries of this name"))
            }
            Err(err) => return Err(err.into()),
        };
        // The parser's own words may quote a secret.
        let login: Credentials =
            serde_json::from_slice(&bytes).map_err(|_| unreadable("its entry is not a login"))?;
        login.belonging_to(id, || self.place()).map(Some)
    }

    fn write(&self, credentials: &Credentials, replaces: Option<u64>) -> Result<bool, StoreError> {
        let name = credentials.key().store_name();
        let json = text::checked(credentials, &self.place())?;
        let write = move |keyring: &_| {
            let item = entry(keyring, &name)?;
            if let Some(replaces) = replaces {
                let is_changed = match read(&item) {
                    Ok(None) => true,
                    Ok(Some(bytes)) => serde_json::from_slice(&bytes)
                        .is_ok_and(|found: Credentials| found.generation != replaces),
                    Err(KeyringFault::Ambiguous) => false,
                    Err(err) => return Err(err),
                };
                if is_changed {
                    return Ok(false);
                }
            }
            match item.set_secret(json.as_bytes()) {
                // One of them takes the new login before the others go.
                Err(Error::Ambiguous(all)) => {
                    let Some((first, others)) = all.split_first() else {
                        return Ok(true);
                    };
                    first.set_secret(json.as_bytes()).map_err(fault)?;
                    others
                        .iter()
                        .try_for_each(Entry::delete_credential)
                        .map_err(fault)?;
                }
                written => written.map_err(fault)?,
            }
            Ok(true)
        };
        // What is replaced is there already, and so is its collection.
        let access = replaces.map_or(Purpose::Write, |_| Purpose::Read);
        Ok(self.call(access, write)?)
    }

    fn delete(&self, id: &StoredId) -> Result<bool, StoreError> {
        let name = id.store_name();
        Ok(self.call(Purpose::Read, move |keyring| {
            remove(&entry(keyring, &name)?)
        })?)
    }

    fn prove(&self) -> Result<(), StoreError> {
        // An item of its own per process: two proofs at once must not see one another's.
        let name = format!("mcp-login probe {}", std::process::id());
        let prove = move |keyring: &_| {
            let item = entry(keyring, &name)?;
            let read_back = item
                .set_secret(name.as_bytes())
                .map_err(fault)
                .and_then(|()| read(&item));
            let removed = remove(&item);
            match read_back? {
                Some(found) if found.as_slice() == name.as_bytes() => removed.map(drop),
                _ => Err(KeyringFault::Other(
                    "reading back gave something else than was written".to_owned(),
                )),
            }
        };
        Ok(self.call(Purpose::Write, prove)?)
    }

    /// A user has one keyring and may have many data directories, since snaps, Flatpaks, cron and services see different
    /// environments. So the directory is found by what the system's database says of the user; by the data directory only
    /// if the database does not know the user. A variable can name another one.
    fn lock_dir(&self) -> PathBuf {
        let named = std::env::var_os(LOCK_DIR).map(PathBuf::from);
        if let Some(named) = named.filter(|path| path.is_absolute()) {
            return named;
        }
        let of_user = || places::data_dir(None, Some(accounts::home()?.into_os_string()));
        lock_dir_in(&of_user().unwrap_or_else(|| self.data_dir.clone()))
    }
}

fn entry(keyring: &keyring_core::CredentialStore, account: &str) -> Result<Entry, KeyringFault> {
    keyring.build(SERVICE, account, None).map_err(fault)
}

/// Returns what the keyring holds under one name; `None` if nothing.
fn read(entry: &Entry) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringFault> {
    match entry.get_secret() {
        Ok(secret) => Ok(Some(Zeroizing::new(secret))),
        Err(Error::NoEntry) => Ok(None),
        Err(err) => Err(fault(err)),
    }
}

/// Removes an entry, and every other of the same name.
fn remove(entry: &Entry) -> Result<bool, KeyringFault> {
    match entry.delete_credential() {
        Ok(()) => Ok(true),
        Err(Error::NoEntry) => Ok(false),
        Err(Error::Ambiguous(all)) => {
            all.iter()
                .try_for_each(Entry::delete_credential)
                .map_err(fault)?;
            Ok(true)
        }
        Err(err) => Err(fault(err)),
    }
}

/// Puts the keyring's errors in our own words; theirs speak of internals, and could carry a secret.
fn fault(err: Error) -> KeyringFault {
    if let Some(fault) = platform::fault(&err) {
        return fault;
    }
    match err {
        Error::NoStorageAccess(_) => KeyringFault::Refused,
        Error::TooLong(_, limit) => {
            KeyringFault::Other(format!("it takes no more than {limit} bytes"))
        }
        Error::Ambiguous(_) => KeyringFault::Ambiguous,
        _ => KeyringFault::Other("it reported an error".to_owned()),
    }
}
