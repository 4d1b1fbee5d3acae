//! The Credential Manager of Windows. It takes 2,560 bytes an entry, and a login is often longer: it is kept in parts.

use std::sync::Arc;

use keyring_core::{CredentialStore, Error};
use windows_native_keyring_store::Store;

use super::chunks::ChunkedStore;
use super::{KeyringFault, OnPrompt, Purpose};

/// Nothing prompts: it is open as long as the user is logged on.
pub(super) const PROMPTS_UNANNOUNCED: bool = false;

/// Entries stay on this computer; the usual ones follow the user to others.
const LOCAL: &[(&str, &str)] = &[("persistence", "Local")];

/// Opens the Credential Manager.
///
/// # Errors
///
/// The [`KeyringFault`] for which it cannot be opened.
pub(super) fn connect(
    _: Purpose,
    _: Option<OnPrompt>,
) -> Result<Arc<CredentialStore>, KeyringFault> {
    match Store::new() {
        Ok(store) => Ok(ChunkedStore::new(store, LOCAL)),
        Err(err) => Err(super::fault(err)),
    }
}

/// Says what a failure of the Credential Manager means; `None` if it is one that every store has.
pub(super) fn fault(err: &Error) -> Option<KeyringFault> {
    match err {
        // There is no session of the user's, as in a remote shell.
        Error::NoStorageAccess(_) => Some(KeyringFault::Absent),
        Error::PlatformFailure(err) => Some(KeyringFault::Other(format!(
            "the Credential Manager reported: {err}"
        ))),
        _ => None,
    }
}
