//! No keyring: what a build without the feature `keyring` has in its place.

use std::sync::Arc;

use super::{Access, KeyringFault, OnPrompt};

/// Nothing prompts.
pub(super) const PROMPTS_UNANNOUNCED: bool = false;

/// Says that there is no keyring support.
///
/// # Errors
///
/// Always [`KeyringFault::NotBuilt`].
pub(super) fn connect(
    _: Access,
    _: Option<OnPrompt>,
) -> Result<Arc<keyring_core::CredentialStore>, KeyringFault> {
    Err(KeyringFault::NotBuilt)
}

/// Knows no failures of its own.
pub(super) fn fault(_: &keyring_core::Error) -> Option<KeyringFault> {
    None
}
