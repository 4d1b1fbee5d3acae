//! The Secret Service of a Linux session: GNOME Keyring, KWallet, KeePassXC.

use std::error::Error;
use std::sync::Arc;

use dbus_secret_service::{EncryptionType, Error as ServiceError, SecretService};
use dbus_secret_service_keyring_store::Store;

use super::{Access, KeyringFault};

/// A prompt is announced: a locked collection is seen before it is touched.
pub(super) const PROMPTS_UNANNOUNCED: bool = false;

/// Looks at the collection that new entries go to. A locked one is gone on with only if the user can be asked.
pub(super) fn prepare(access: Access, ask: Option<impl FnOnce()>) -> Result<(), KeyringFault> {
    // No secret passes through this connection.
    let service = SecretService::connect(EncryptionType::Plain).map_err(|err| connection_fault(&err))?;
    let collection = match service.get_default_collection() {
        Ok(collection) => collection,
        Err(ServiceError::NoResult) if access == Access::Read => return Ok(()),
        Err(ServiceError::NoResult) => return Err(KeyringFault::Other("it has no default collection".to_owned())),
        Err(err) => return Err(service_fault(&err)),
    };
    let session = service.get_collection_by_alias("session");
    if access == Access::Write && session.is_ok_and(|session| session.path == collection.path) {
        return Err(KeyringFault::Volatile);
    }
    if collection.is_locked().map_err(|err| service_fault(&err))? {
        ask.ok_or(KeyringFault::Locked)?();
    }
    Ok(())
}

/// Connects to the session's service.
pub(super) fn connect() -> Result<Arc<keyring::CredentialStore>, KeyringFault> {
    match Store::new() {
        Ok(store) => Ok(store),
        Err(err) => Err(super::fault(err)),
    }
}

/// Says what a failure of the service means.
pub(super) fn fault(err: &(dyn Error + Send + Sync + 'static)) -> KeyringFault {
    match err.downcast_ref() {
        Some(err) => service_fault(err),
        None => KeyringFault::Other("its service reported an error".to_owned()),
    }
}

/// Tells whether an item that was found is not there any more.
pub(super) fn has_vanished(err: &(dyn Error + Send + Sync + 'static)) -> bool {
    const NAMES: [&str; 3] = [
        "org.freedesktop.DBus.Error.UnknownMethod",
        "org.freedesktop.DBus.Error.UnknownObject",
        "org.freedesktop.Secret.Error.NoSuchObject",
    ];
    match err.downcast_ref() {
        Some(ServiceError::Dbus(err)) => err.name().is_some_and(|name| NAMES.contains(&name)),
        _ => false,
    }
}

fn connection_fault(err: &ServiceError) -> KeyringFault {
    match service_fault(err) {
        KeyringFault::Silent => KeyringFault::Silent,
        // No bus, no address, nobody behind the address, no service that could be started.
        _ => KeyringFault::Absent,
    }
}

fn service_fault(err: &ServiceError) -> KeyringFault {
    match err {
        ServiceError::Locked => KeyringFault::Locked,
        ServiceError::Prompt => KeyringFault::Refused,
        ServiceError::Unavailable => KeyringFault::Absent,
        ServiceError::Dbus(err) => match err.name().unwrap_or_default() {
            "org.freedesktop.DBus.Error.NoReply" | "org.freedesktop.DBus.Error.Timeout" => KeyringFault::Silent,
            "org.freedesktop.Secret.Error.IsLocked" => KeyringFault::Locked,
            "org.freedesktop.DBus.Error.AccessDenied" => KeyringFault::Refused,
            name => KeyringFault::Other(format!("its service reported {name}")),
        },
        _ => KeyringFault::Other("its service reported an error".to_owned()),
    }
}
