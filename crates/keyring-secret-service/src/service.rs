//! What the Secret Service is asked for, once there is a connection and a common key.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};

use crate::bus::{Bus, Path, Secret};
use crate::cipher::{self, Cipher, KeyPair};
use crate::{Access, Error};

/// How often a key is agreed on anew: one in 256 cannot be used.
const MAX_SESSIONS: usize = 4;

/// The service, and what was agreed with it.
pub(crate) struct Service {
    bus: Arc<Bus>,
    /// The collection that new items go to.
    collection: Option<Path>,
    session: OnceLock<Result<Session, Error>>,
    /// The thread that opens the session, until it is waited for.
    opening: Mutex<Option<JoinHandle<Result<Session, Error>>>>,
}

/// A session, and the key of its secrets.
struct Session {
    path: Path,
    cipher: Cipher,
}

impl Session {
    fn open(bus: &Bus) -> Result<Self, Error> {
        for _ in 0..MAX_SESSIONS {
            let keys = KeyPair::new().ok_or(Error::NoRandomNumbers)?;
            let (theirs, path) = bus.open_session(cipher::ALGORITHM, &keys.public)?;
            if let Some(cipher) = keys.agree(&theirs) {
                return Ok(Self { path, cipher });
            }
        }
        Err(Error::UnsafeKey)
    }
}

impl Service {
    /// Opens the session in a thread of its own: both sides compute for a while, and only a secret needs it. Who only reads
    /// waits for it when the first secret comes; who writes learns at once that there is none.
    pub(crate) fn open(bus: Bus, access: Access) -> Result<Self, Error> {
        let bus = Arc::new(bus);
        let shared = Arc::clone(&bus);
        let opening = thread::Builder::new()
            .name("keyring session".to_owned())
            .spawn(move || Session::open(&shared));
        let service = Self {
            collection: bus.default_collection(access)?,
            bus,
            session: OnceLock::new(),
            opening: Mutex::new(opening.ok()),
        };
        if access == Access::Write {
            if service.collection.is_none() {
                return Err(Error::NoCollection);
            }
            service.session()?;
        }
        Ok(service)
    }

    fn session(&self) -> Result<&Session, Error> {
        let opened = self.session.get_or_init(|| {
            let opening = self
                .opening
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
            let opened = opening.and_then(|opening| opening.join().ok());
            opened.unwrap_or_else(|| Session::open(&self.bus))
        });
        opened.as_ref().map_err(Error::clone)
    }

    /// Returns all items with these attributes, unlocked.
    pub(crate) fn search(&self, attributes: &HashMap<&str, &str>) -> Result<Vec<Path>, Error> {
        let (mut found, locked) = self.bus.search_items(attributes)?;
        if !locked.is_empty() {
            self.bus.unlock(locked.clone())?;
            found.extend(locked);
        }
        Ok(found)
    }

    pub(crate) fn get(&self, item: &Path) -> Result<Vec<u8>, Error> {
        let session = self.session()?;
        let secret = self.bus.get_secret(item, &session.path)?;
        session
            .cipher
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
        let collection = self.collection.as_ref().ok_or(Error::NoCollection)?;
        self.bus
            .create_item(collection, label, attributes, self.encrypt(secret)?)
    }

    pub(crate) fn delete(&self, item: &Path) -> Result<(), Error> {
        self.bus.delete(item)
    }

    fn encrypt(&self, secret: &[u8]) -> Result<Secret, Error> {
        let session = self.session()?;
        let encrypted = session.cipher.encrypt(secret);
        let (parameter, value) = encrypted.ok_or(Error::NoRandomNumbers)?;
        Ok(Secret {
            session: session.path.clone(),
            parameter,
            value,
        })
    }
}
