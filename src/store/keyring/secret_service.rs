//! The Secret Service of a Linux session: GNOME Keyring, KWallet, KeePassXC.

use std::sync::Arc;

use keyring_secret_service::{self as secret_service, Error, Options, Store};

use super::{KeyringFault, OnPrompt, Purpose, ANSWER_LIMIT};

/// A prompt is announced: the store sees that a collection is locked before it touches it.
pub(super) const PROMPTS_UNANNOUNCED: bool = false;

/// Connects, and looks at the collection that new items go to. A locked one is unlocked only if the user can be asked.
///
/// # Errors
///
/// The [`KeyringFault`] for which there is no connection.
pub(super) fn connect(
    access: Purpose,
    on_prompt: Option<OnPrompt>,
) -> Result<Arc<keyring_core::CredentialStore>, KeyringFault> {
    let access = match access {
        Purpose::Read => secret_service::Access::Read,
        Purpose::Write => secret_service::Access::Write,
    };
    let options = Options {
        access,
        timeout: ANSWER_LIMIT,
        on_prompt,
    };
    match Store::connect(options) {
        Ok(store) => Ok(store),
        Err(err) => Err(of(&err)),
    }
}

/// Says what a failure of the service means; `None` if it is one that every store has.
pub(super) fn fault(err: &keyring_core::Error) -> Option<KeyringFault> {
    Error::of(err).map(of)
}

fn of(err: &Error) -> KeyringFault {
    KeyringFault::Other(match err {
        Error::NoService => return KeyringFault::Absent,
        Error::ForeignBus => return KeyringFault::Foreign,
        Error::Locked => return KeyringFault::Locked,
        Error::Denied => return KeyringFault::Refused,
        Error::TimedOut => return KeyringFault::Silent,
        Error::Volatile => return KeyringFault::Volatile,
        Error::NoCollection => "it has no default collection".to_owned(),
        Error::UnsafeKey => "its service gave a key that is not safe".to_owned(),
        Error::Undecryptable => "its service gave a secret that cannot be decrypted".to_owned(),
        Error::Gone => "its service has gone away".to_owned(),
        Error::Reported(name) => format!("its service reported {name}"),
        other => other.to_string(),
    })
}
