//! Credentials in the operating system's keyring. Any call into it can hang for ever, so none is waited for that long.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use keyring_core::{Entry, Error};
use zeroize::Zeroizing;

use super::text::{self, NoText};
use super::{CredentialStore, Credentials, Place, StoreError, StoredId};
use crate::failure::{About, Code, Failure, Hint};

#[cfg_attr(not(feature = "keyring"), path = "none.rs")]
#[cfg_attr(all(feature = "keyring", target_os = "macos"), path = "keychain.rs")]
#[cfg_attr(
    all(feature = "keyring", not(target_os = "macos")),
    path = "secret_service.rs"
)]
mod platform;
#[cfg(test)]
mod tests;

/// The name of this program in the keyring.
const SERVICE: &str = "mcp-login";

/// How long the keyring may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(3);

/// How long the user may take to answer the keyring's own prompt.
const PROMPT_LIMIT: Duration = Duration::from_secs(60);

/// How long the program that called us can wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interaction {
    /// Three seconds and no prompt: another program waits for the answer.
    None,
    /// A person is there and may unlock the keyring, if there is a way to ask.
    Allowed,
}

impl Interaction {
    /// Returns the longest wait for the lock of a file.
    pub fn lock_limit(self) -> Duration {
        match self {
            Self::None => Duration::from_secs(3),
            Self::Allowed => Duration::from_secs(10),
        }
    }

    /// Tells whether the keyring may open a window and wait for the user.
    fn may_prompt(self) -> bool {
        let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let has_display =
            cfg!(target_os = "macos") || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY");
        self == Self::Allowed && has_display && std::io::stderr().is_terminal()
    }
}

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
    /// Its contents are gone when the session ends.
    #[error("cannot use the keyring: it forgets everything when the session ends")]
    Volatile,
    /// Anything else.
    #[error("cannot use the keyring: {0}")]
    Other(String),
}

impl KeyringFault {
    /// Tells whether there is no keyring at all, or none of this user's.
    pub fn is_absence(&self) -> bool {
        matches!(self, Self::NotBuilt | Self::Absent | Self::Foreign)
    }
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
            Self::NotBuilt | Self::Absent | Self::Silent | Self::Volatile | Self::Other(_) => {
                "keep the login in a file with --store file"
            }
        };
        Some(hint.into())
    }
}

/// The keyring of the user's session.
pub struct KeyringStore {
    patience: Interaction,
    /// Once it has not answered, it is not asked again.
    silent: AtomicBool,
    /// It was there once.
    answered: AtomicBool,
}

/// What a call into the keyring is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    Read,
    Write,
}

/// Called when a prompt is about to be opened.
type OnPrompt = Box<dyn Fn() + Send + Sync>;

/// What the thread of a call reports.
enum Report<T> {
    /// A prompt is about to be opened; it is the user's turn.
    Prompt,
    Done(Result<T, KeyringFault>),
}

impl KeyringStore {
    /// Returns the keyring. It is not asked for anything yet.
    pub fn new(patience: Interaction) -> Self {
        Self {
            patience,
            silent: AtomicBool::default(),
            answered: AtomicBool::default(),
        }
    }

    /// Tells whether another program keeps something under this name; nobody is asked to unlock anything for it.
    ///
    /// # Errors
    ///
    /// The [`KeyringFault`] for which that cannot be seen.
    pub fn holds(service: &'static str, account: String) -> Result<bool, KeyringFault> {
        let look = move |keyring: &keyring_core::CredentialStore| {
            let item = keyring.build(service, &account, None).map_err(fault)?;
            Ok(!matches!(read(&item)?, Found::Nothing))
        };
        Self::new(Interaction::None).call(Access::Read, look)
    }

    /// Runs `work` in a thread of its own, and waits for it as long as there is patience.
    ///
    /// A thread that does not come back is left alone: it blocks nothing, and ends with the process.
    fn call<T: Send + 'static>(
        &self,
        access: Access,
        work: impl FnOnce(&keyring_core::CredentialStore) -> Result<T, KeyringFault> + Send + 'static,
    ) -> Result<T, KeyringFault> {
        if self.silent.load(Ordering::Relaxed) {
            return Err(KeyringFault::Silent);
        }
        let may_prompt = self.patience.may_prompt();
        let (sender, receiver) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("keyring".to_owned())
            .spawn(move || {
                let prompts = sender.clone();
                let on_prompt: OnPrompt = Box::new(move || drop(prompts.send(Report::Prompt)));
                let outcome = platform::connect(access, may_prompt.then_some(on_prompt))
                    .and_then(|keyring| work(&*keyring));
                // Nobody may be listening any more.
                let _ = sender.send(Report::Done(outcome));
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

    fn wait<T>(reports: &Receiver<Report<T>>, may_prompt: bool) -> Result<T, KeyringFault> {
        let mut prompted = false;
        loop {
            match reports.recv_timeout(if prompted { PROMPT_LIMIT } else { ANSWER_LIMIT }) {
                Ok(Report::Done(outcome)) => return outcome,
                Err(RecvTimeoutError::Timeout) if prompted => return Err(KeyringFault::Locked),
                Err(RecvTimeoutError::Timeout)
                    if !(may_prompt && platform::PROMPTS_UNANNOUNCED) =>
                {
                    return Err(KeyringFault::Silent);
                }
                Ok(Report::Prompt) | Err(RecvTimeoutError::Timeout) => {
                    prompted = true;
                    log::warn!("waiting for the keyring to be unlocked");
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

impl CredentialStore for KeyringStore {
    fn get(&self, key: &StoredId) -> Result<Option<Credentials>, StoreError> {
        let account = key.store_name();
        let found = self.call(Access::Read, move |keyring| {
            read(&entry(keyring, &account)?)
        })?;
        let unreadable = |why: &str| StoreError::Unreadable {
            key: key.clone(),
            place: self.place(),
            why: why.to_owned(),
        };
        let bytes = match found {
            Found::Nothing => return Ok(None),
            Found::One(bytes) => bytes,
            Found::Several => return Err(unreadable("it has several entries of this name")),
        };
        // The parser's own words may quote a secret.
        let login: Credentials =
            serde_json::from_slice(&bytes).map_err(|_| unreadable("its entry is not a login"))?;
        login.belonging_to(key, || self.place()).map(Some)
    }

    fn write(&self, credentials: &Credentials) -> Result<(), StoreError> {
        let account = credentials.key().store_name();
        let json = text::checked(credentials).map_err(|err| match err {
            NoText::Altered => StoreError::Altered(self.place()),
            NoText::Unwritable(err) => KeyringFault::Other(err.to_string()).into(),
        })?;
        let write = move |keyring: &_| {
            let item = entry(keyring, &account)?;
            match item.set_secret(json.as_bytes()) {
                // One of them takes the new login before the others go.
                Err(Error::Ambiguous(all)) => {
                    let Some((first, others)) = all.split_first() else {
                        return Ok(());
                    };
                    first.set_secret(json.as_bytes()).map_err(fault)?;
                    others
                        .iter()
                        .try_for_each(Entry::delete_credential)
                        .map_err(fault)
                }
                written => written.map_err(fault),
            }
        };
        Ok(self.call(Access::Write, write)?)
    }

    fn delete(&self, key: &StoredId) -> Result<bool, StoreError> {
        let account = key.store_name();
        Ok(self.call(Access::Read, move |keyring| {
            remove(&entry(keyring, &account)?)
        })?)
    }

    fn prove(&self) -> Result<(), StoreError> {
        // An item of its own per process: two proofs at once must not see one another's.
        let account = format!("mcp-login probe {}", std::process::id());
        let prove = move |keyring: &_| {
            let item = entry(keyring, &account)?;
            let read_back = item
                .set_secret(account.as_bytes())
                .map_err(fault)
                .and_then(|()| read(&item));
            let removed = remove(&item);
            match read_back? {
                Found::One(found) if found.as_slice() == account.as_bytes() => removed.map(drop),
                _ => Err(KeyringFault::Other(
                    "reading back gave something else than was written".to_owned(),
                )),
            }
        };
        Ok(self.call(Access::Write, prove)?)
    }

    fn place(&self) -> Place {
        Place::Keyring
    }
}

fn entry(keyring: &keyring_core::CredentialStore, account: &str) -> Result<Entry, KeyringFault> {
    keyring.build(SERVICE, account, None).map_err(fault)
}

/// What the keyring holds under one name.
enum Found {
    Nothing,
    One(Zeroizing<Vec<u8>>),
    /// Several entries, of which nobody knows which one is meant.
    Several,
}

fn read(entry: &Entry) -> Result<Found, KeyringFault> {
    match entry.get_secret() {
        Ok(secret) => Ok(Found::One(Zeroizing::new(secret))),
        Err(Error::NoEntry) => Ok(Found::Nothing),
        Err(Error::Ambiguous(_)) => Ok(Found::Several),
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
        Error::Ambiguous(_) => {
            KeyringFault::Other("it has several entries of the same name".to_owned())
        }
        _ => KeyringFault::Other("it reported an error".to_owned()),
    }
}
