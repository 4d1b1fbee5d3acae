//! What the Secret Service is asked for, once there is a connection and a common key.

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::bus::{Bus, Path, Secret};
use crate::cipher::{self, Cipher, KeyPair};
use crate::{Access, Error};

/// How often a key is agreed on anew: one in 256 cannot be used.
const MAX_SESSIONS: usize = 4;

/// The service, and what was agreed with it.
pub(crate) struct Service {
    bus: Bus,
    /// The collection that new items go to, unlocked. One that is unlocked already is not asked for before it is needed.
    collection: OnceLock<Option<Path>>,
    session: Path,
    cipher: Cipher,
}

impl Service {
    pub(crate) fn open(bus: Bus, access: Access) -> Result<Self, Error> {
        let collection = OnceLock::new();
        // Before the first search: KeePassXC opens a window for a search while it is locked.
        if access == Access::Write || !bus.is_default_unlocked() {
            let found = bus.default_collection(access)?;
            if access == Access::Write && found.is_none() {
                return Err(Error::NoCollection);
            }
            collection.get_or_init(|| found);
        }
        for _ in 0..MAX_SESSIONS {
            let keys = KeyPair::new().ok_or(Error::NoRandomNumbers)?;
            let (theirs, session) = bus.open_session(cipher::ALGORITHM, &keys.public)?;
            if let Some(cipher) = keys.agree(&theirs) {
                return Ok(Self {
                    bus,
                    collection,
                    session,
                    cipher,
                });
            }
        }
        Err(Error::UnsafeKey)
    }

    fn collection(&self) -> Result<Option<&Path>, Error> {
        if self.collection.get().is_none() {
            let found = self.bus.default_collection(Access::Read)?;
            self.collection.get_or_init(|| found);
        }
        Ok(self.collection.get().and_then(Option::as_ref))
    }

    /// Returns all items with these attributes, unlocked.
    pub(crate) fn search(&self, attributes: &HashMap<&str, &str>) -> Result<Vec<Path>, Error> {
        let (mut found, locked) = self.bus.search_items(attributes)?;
        if !locked.is_empty() {
            let collection = self.collection()?.ok_or(Error::Locked)?;
            self.bus.unlock(collection, locked.clone())?;
            found.extend(locked);
        }
        Ok(found)
    }

    pub(crate) fn get(&self, item: &Path) -> Result<Vec<u8>, Error> {
        let secret = self.bus.get_secret(item, &self.session)?;
        self.cipher
            .decrypt(&secret.parameter, &secret.value)
            .ok_or(Error::Undecryptable)
    }

    pub(crate) fn set(&self, item: &Path, secret: &[u8]) -> Result<(), Error> {
        self.bus.set_secret(item, self.encrypt(secret)?)
    }

    pub(crate) fn create(
        &self,
        label: &str,
        attributes: &HashMap<&str, &str>,
        secret: &[u8],
    ) -> Result<(), Error> {
        let collection = self.collection()?.ok_or(Error::NoCollection)?;
        self.bus
            .create_item(collection, label, attributes, self.encrypt(secret)?)
    }

    pub(crate) fn delete(&self, item: &Path) -> Result<(), Error> {
        self.bus.delete(item)
    }

    fn encrypt(&self, secret: &[u8]) -> Result<Secret, Error> {
        let (parameter, value) = self.cipher.encrypt(secret).ok_or(Error::NoRandomNumbers)?;
        Ok(Secret {
            session: self.session.clone(),
            parameter,
            value,
        })
    }
}
