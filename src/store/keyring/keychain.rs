//! The login keychain of macOS.

use std::error::Error;
use std::sync::Arc;

use apple_native_keyring_store::keychain::Store;

use super::{Access, Ask, KeyringFault};

/// The system opens its window in the middle of a call, and tells nobody.
pub(super) const PROMPTS_UNANNOUNCED: bool = true;

/// Opens the login keychain.
pub(super) fn connect(
    _: Access,
    _: Option<Ask>,
) -> Result<Arc<keyring::CredentialStore>, KeyringFault> {
    match Store::new() {
        Ok(store) => Ok(store),
        Err(err) => Err(super::fault(err)),
    }
}

/// Says what a failure of the keychain means.
pub(super) fn fault(err: &(dyn Error + Send + Sync + 'static)) -> KeyringFault {
    KeyringFault::Other(format!("the keychain reported: {err}"))
}

/// Tells whether an item that was found is not there any more: one call does it all here.
pub(super) fn has_vanished(_: &(dyn Error + Send + Sync + 'static)) -> bool {
    false
}
