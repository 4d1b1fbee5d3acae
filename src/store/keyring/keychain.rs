//! The login keychain of macOS.

use std::sync::Arc;

use apple_native_keyring_store::keychain::Store;
use keyring_core::Error;

use super::{KeyringFault, OnPrompt, Purpose};

/// The system opens its window in the middle of a call, and tells nobody.
pub(super) const PROMPTS_UNANNOUNCED: bool = true;

/// Opens the login keychain.
///
/// # Errors
///
/// The [`KeyringFault`] for which it cannot be opened.
pub(super) fn connect(
    _: Purpose,
    _: Option<OnPrompt>,
) -> Result<Arc<keyring_core::CredentialStore>, KeyringFault> {
    match Store::new() {
        Ok(store) => Ok(store),
        Err(err) => Err(super::fault(err)),
    }
}

/// Says what a failure of the keychain means; `None` if it is one that every store has.
pub(super) fn fault(err: &Error) -> Option<KeyringFault> {
    match err {
        Error::PlatformFailure(err) => {
            Some(KeyringFault::Other(format!("the keychain reported: {err}")))
        }
        _ => None,
    }
}
