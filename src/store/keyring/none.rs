//! No keyring: what a build without the feature `keyring` has in its place.

use std::sync::Arc;

use super::{KeyringFault, OnPrompt, Purpose};

/// Nothing prompts.
pub(super) const PROMPTS_UNANNOUNCED: bool = false;

/// Says that there is no keyring support.
///
/// # Errors
///
/// Always [`KeyringFault::NotBuilt`].
pub(super) fn connect(
    _: Purpose,
    _: Option<OnPrompt>,
) -> Result<Arc<keyring_core::CredentialStore>, KeyringFault> {
    Err(KeyringFault::NotBuilt)
}

/// Knows no failures of its own.
pub(super) fn fault(_: &keyring_core::Error) -> Option<KeyringFault> {
    None
}

#[cfg(test)]
mod tests {
    use crate::store::{Interaction, Store, StoreChoice};

    #[test]
    fn k1_a_build_without_keyring_support_is_reported() {
        let home = tempfile::tempdir().unwrap();
        let open = |choice: &StoreChoice| Store::open(choice, home.path(), Interaction::None);
        let store = open(&"auto".parse().unwrap()).unwrap();
        let reason = "cannot use the keyring: this build of mcp-login has no keyring support";
        let notice = store.notice.as_deref().unwrap();
        assert!(
            notice.starts_with(&format!("{reason}; logins are stored in ")),
            "{notice}"
        );
        let err = open(&"keyring".parse().unwrap()).err().unwrap();
        assert_eq!(err.to_string(), reason);
    }
}
