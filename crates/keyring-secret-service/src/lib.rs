//! A [keyring-core](keyring_core) credential store for the Secret Service of a Linux or BSD session: GNOME Keyring,
//! KWallet, KeePassXC.
//!
//! What it does that its siblings do not:
//!
//! - It prompts only where it is told to. [`Options::on_prompt`] is called before the service opens a window; without it
//!   a locked keyring is [`Error::Locked`], at once and without a window.
//! - It names what is wrong, so that a program can fall back: see [`Error`].
//! - It does not make GNOME Keyring abort: the first request of a connection is one that needs no record of the client.
//! - It agrees on a key that GNOME Keyring, KWallet and KeePassXC all compute alike.
//!
//! Secrets cross the bus encrypted. Every function blocks; connecting to a bus that accepts connections and never
//! answers blocks without a limit, so a program that must go on calls it in a thread of its own.
//!
//! ```no_run
//! use keyring_secret_service::{Options, Store};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! keyring_core::set_default_store(Store::connect(Options::default())?);
//! let entry = keyring_core::Entry::new("my-program", "user@example.com")?;
//! entry.set_password("secret")?;
//! # Ok(())
//! # }
//! ```
//!
//! An item has the attributes `service` and `username`, and the label `keyring:USERNAME@SERVICE`, as other stores for
//! keyring-core write them. All items with these two attributes are found, whatever else they have.
//!
//! Source: Secret Service API draft 0.2,
//! <https://specifications.freedesktop.org/secret-service-spec/latest/>.

#![cfg(all(unix, not(target_os = "macos")))]

mod bus;
mod cipher;
mod error;
mod item;
#[cfg(target_os = "linux")]
mod owner;
mod service;
#[cfg(test)]
mod tests;

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use keyring_core::api::CredentialStoreApi;
use keyring_core::Entry;

use bus::Bus;
pub use error::Error;
use item::Item;
use service::Service;

/// What a connection is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Items are read, changed or deleted. There may be no collection at all: then there are no items.
    Read,
    /// Items are created as well: there must be a default collection, and one that outlives the session.
    #[default]
    Write,
}

/// How to use the service.
pub struct Options {
    /// What the connection is for.
    pub access: Access,
    /// How long the service may take for each answer. An answer of the user to a prompt is waited for without a limit.
    pub timeout: Duration,
    /// Called when the service waits for the user to answer a prompt. `None`: the user is never asked, and what only
    /// the user can unlock is [`Error::Locked`].
    pub on_prompt: Option<Box<dyn Fn() + Send + Sync>>,
}

impl Default for Options {
    /// Reads and writes, waits three seconds for each answer, and never prompts.
    fn default() -> Self {
        Self {
            access: Access::default(),
            timeout: Duration::from_secs(3),
            on_prompt: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("access", &self.access)
            .field("timeout", &self.timeout)
            .field("may_prompt", &self.on_prompt.is_some())
            .finish()
    }
}

/// The Secret Service on the session bus, over one connection.
pub struct Store(Arc<Service>);

impl Store {
    /// Connects to the service, starts it if the bus knows how, and agrees on a key. The default collection is unlocked
    /// if it is locked, and needs no prompt for that or [`Options::on_prompt`] allows one.
    ///
    /// # Errors
    ///
    /// - [`Error::NoService`], [`Error::ForeignBus`], [`Error::TimedOut`], [`Error::TooManyFiles`], [`Error::NoSockets`]: there
    ///   is no connection.
    /// - [`Error::Locked`], [`Error::Denied`]: the default collection is locked and stays so.
    /// - [`Error::NoCollection`], [`Error::Volatile`]: with [`Access::Write`], new items cannot be kept.
    /// - [`Error::UnsafeKey`], [`Error::NoRandomNumbers`]: no key could be agreed on.
    pub fn connect(options: Options) -> Result<Arc<Self>, Error> {
        Self::open(Bus::connect, options)
    }

    fn open(
        connect: impl FnOnce(Options) -> Result<Bus, Error>,
        options: Options,
    ) -> Result<Arc<Self>, Error> {
        let access = options.access;
        let service = Service::open(connect(options)?, access)?;
        Ok(Arc::new(Self(Arc::new(service))))
    }
}

impl CredentialStoreApi for Store {
    fn vendor(&self) -> String {
        "Secret Service, https://crates.io/crates/keyring-secret-service".to_owned()
    }

    fn id(&self) -> String {
        format!("{} {}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
    }

    /// Names an item; nothing is asked of the service yet.
    ///
    /// # Errors
    ///
    /// [`keyring_core::Error::NotSupportedByStore`] for any modifier.
    fn build(
        &self,
        service: &str,
        user: &str,
        modifiers: Option<&HashMap<&str, &str>>,
    ) -> keyring_core::Result<Entry> {
        if modifiers.is_some_and(|modifiers| !modifiers.is_empty()) {
            let reason = "items have no modifiers in this store".to_owned();
            return Err(keyring_core::Error::NotSupportedByStore(reason));
        }
        let item = Item::new(Arc::clone(&self.0), service, user);
        Ok(Entry::new_with_credential(Arc::new(item)))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn debug_fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store")
    }
}
