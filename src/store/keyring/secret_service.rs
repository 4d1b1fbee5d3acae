//! The Secret Service of a Linux session, as a store for the keyring crate: GNOME Keyring, KWallet, KeePassXC.
//!
//! Spec: Secret Service API draft 0.2.

use std::any::Any;
use std::collections::HashMap;
use std::error::Error as StdError;
use std::sync::Arc;

use dbus::arg::{PropMap, Variant};
use dbus::Path;
use keyring::api::{CredentialApi, CredentialStoreApi};
use keyring::{Credential, Entry, Error};

use super::bus::{Bus, Problem, COLLECTION, NO_SUCH_OBJECT, SERVICE};
use super::cipher::{self, Cipher, KeyPair};
use super::{Access, Ask, KeyringFault};

/// A prompt is announced: a locked collection is seen before it is touched.
pub(super) const PROMPTS_UNANNOUNCED: bool = false;

const ITEM: &str = "org.freedesktop.Secret.Item";

/// Most tries to agree on a key: one in 256 is not used.
const MAX_SESSIONS: usize = 4;

/// A secret on the bus: the session, the parameter of its encryption, the encrypted secret, its type.
type Secret = (Path<'static>, Vec<u8>, Vec<u8>, String);

/// Connects, and looks at the collection that new items go to. A locked one is unlocked only if the user can be asked.
pub(super) fn connect(
    access: Access,
    ask: Option<Ask>,
) -> Result<Arc<keyring::CredentialStore>, KeyringFault> {
    let bus = Bus::connect(ask).map_err(|problem| match (problem.fault(), problem) {
        #[cfg(target_os = "linux")]
        (_, Problem::Bus(_)) if super::owner::is_foreign() => KeyringFault::Foreign,
        (KeyringFault::Silent, _) => KeyringFault::Silent,
        (fault, Problem::Fault(_)) => fault,
        // No bus, no address, nobody behind the address, no service that could be started.
        (_, Problem::Bus(_)) => KeyringFault::Absent,
    })?;
    let service = Service::open(bus, access).map_err(|problem| problem.fault())?;
    Ok(Arc::new(Items(Arc::new(service))))
}

/// Says what a failure of the service means.
pub(super) fn fault(err: &(dyn StdError + Send + Sync + 'static)) -> KeyringFault {
    match err.downcast_ref::<Problem>() {
        Some(problem) => problem.fault(),
        None => KeyringFault::Other("its service reported an error".to_owned()),
    }
}

/// Tells whether an item that was found is not there any more.
pub(super) fn has_vanished(err: &(dyn StdError + Send + Sync + 'static)) -> bool {
    const NAMES: [&str; 3] = [
        "org.freedesktop.DBus.Error.UnknownMethod",
        "org.freedesktop.DBus.Error.UnknownObject",
        NO_SUCH_OBJECT,
    ];
    match err.downcast_ref() {
        Some(Problem::Bus(err)) => err.name().is_some_and(|name| NAMES.contains(&name)),
        _ => false,
    }
}

/// The service, and what was agreed with it.
struct Service {
    bus: Bus,
    /// The collection that new items go to.
    collection: Option<Path<'static>>,
    session: Path<'static>,
    cipher: Cipher,
}

impl Service {
    fn open(bus: Bus, access: Access) -> Result<Self, Problem> {
        let collection = bus.look(access)?;
        if access == Access::Write && collection.is_none() {
            return Err(no_collection().into());
        }
        for _ in 0..MAX_SESSIONS {
            let keys = KeyPair::new().ok_or_else(no_random_numbers)?;
            let public = Variant(keys.public.clone());
            let (theirs, session): (Variant<Vec<u8>>, _) =
                bus.ask_service("OpenSession", (cipher::ALGORITHM, public))?;
            if let Some(cipher) = keys.agree(&theirs.0) {
                return Ok(Self {
                    bus,
                    collection,
                    session,
                    cipher,
                });
            }
        }
        Err(KeyringFault::Other("its service gave a key that is not safe".to_owned()).into())
    }

    /// Returns all items with these attributes.
    fn search(&self, attributes: &HashMap<&str, &str>) -> Result<Vec<Path<'static>>, Problem> {
        let (mut found, locked): (Vec<_>, Vec<_>) =
            self.bus.ask_service("SearchItems", (attributes,))?;
        if !locked.is_empty() {
            self.bus.unlock(locked.clone())?;
            found.extend(locked);
        }
        Ok(found)
    }

    fn encrypt(&self, secret: &[u8]) -> Result<Secret, Problem> {
        let (parameter, encrypted) = self.cipher.encrypt(secret).ok_or_else(no_random_numbers)?;
        Ok((
            self.session.clone(),
            parameter,
            encrypted,
            "application/octet-stream".to_owned(),
        ))
    }

    fn get(&self, item: &Path<'static>) -> Result<Vec<u8>, Problem> {
        let (secret,): (Secret,) =
            self.bus
                .call(item, ITEM, "GetSecret", (self.session.clone(),))?;
        let (_, parameter, encrypted, _) = secret;
        let garbled =
            || KeyringFault::Other("its service gave a secret that cannot be decrypted".to_owned());
        Ok(self
            .cipher
            .decrypt(&parameter, &encrypted)
            .ok_or_else(garbled)?)
    }

    fn set(&self, item: &Path<'static>, secret: &[u8]) -> Result<(), Problem> {
        self.bus
            .call(item, ITEM, "SetSecret", (self.encrypt(secret)?,))
    }

    fn create(
        &self,
        label: &str,
        attributes: &HashMap<&str, &str>,
        secret: &[u8],
    ) -> Result<(), Problem> {
        let owned = |text: &str| text.to_owned();
        let attributes: HashMap<_, _> = attributes
            .iter()
            .map(|(name, value)| (owned(name), owned(value)))
            .collect();
        let mut properties = PropMap::new();
        properties.insert(format!("{ITEM}.Label"), Variant(Box::new(owned(label))));
        properties.insert(format!("{ITEM}.Attributes"), Variant(Box::new(attributes)));
        let collection = self.collection.as_ref().ok_or_else(no_collection)?;
        let arguments = (properties, self.encrypt(secret)?, true);
        let (_, prompt): (Path<'static>, _) =
            self.bus
                .call(collection, COLLECTION, "CreateItem", arguments)?;
        self.bus.prompt(&prompt)
    }

    fn delete(&self, item: &Path<'static>) -> Result<(), Problem> {
        let (prompt,): (Path<'static>,) = self.bus.call(item, ITEM, "Delete", ())?;
        self.bus.prompt(&prompt)
    }
}

fn no_collection() -> KeyringFault {
    KeyringFault::Other("it has no default collection".to_owned())
}

fn no_random_numbers() -> KeyringFault {
    KeyringFault::Other("the system has no random numbers".to_owned())
}

/// The service, as the keyring crate sees it.
struct Items(Arc<Service>);

impl CredentialStoreApi for Items {
    fn vendor(&self) -> String {
        SERVICE.to_owned()
    }

    fn id(&self) -> String {
        SERVICE.to_owned()
    }

    fn build(
        &self,
        service: &str,
        user: &str,
        _: Option<&HashMap<&str, &str>>,
    ) -> keyring::Result<Entry> {
        let item = Item {
            service: Arc::clone(&self.0),
            name: (service.to_owned(), user.to_owned()),
            path: None,
        };
        Ok(Entry::new_with_credential(Arc::new(item)))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// An item, by its name or, where several have the same, by its place.
struct Item {
    service: Arc<Service>,
    name: (String, String),
    path: Option<Path<'static>>,
}

impl Item {
    fn attributes(&self) -> HashMap<&str, &str> {
        HashMap::from([
            ("service", self.name.0.as_str()),
            ("username", self.name.1.as_str()),
        ])
    }

    fn at(&self, path: Path<'static>) -> Entry {
        let item = Self {
            service: Arc::clone(&self.service),
            name: self.name.clone(),
            path: Some(path),
        };
        Entry::new_with_credential(Arc::new(item))
    }

    fn find(&self) -> keyring::Result<Path<'static>> {
        if let Some(path) = &self.path {
            return Ok(path.clone());
        }
        let mut found = self.service.search(&self.attributes())?;
        match found.pop() {
            None => Err(Error::NoEntry),
            Some(only) if found.is_empty() => Ok(only),
            Some(last) => Err(Error::Ambiguous(
                found
                    .into_iter()
                    .chain([last])
                    .map(|path| self.at(path))
                    .collect(),
            )),
        }
    }
}

impl CredentialApi for Item {
    fn set_secret(&self, secret: &[u8]) -> keyring::Result<()> {
        match self.find() {
            Ok(path) => Ok(self.service.set(&path, secret)?),
            Err(Error::NoEntry) => {
                let label = format!("keyring:{}@{}", self.name.1, self.name.0);
                Ok(self.service.create(&label, &self.attributes(), secret)?)
            }
            Err(err) => Err(err),
        }
    }

    fn get_secret(&self) -> keyring::Result<Vec<u8>> {
        Ok(self.service.get(&self.find()?)?)
    }

    fn delete_credential(&self) -> keyring::Result<()> {
        Ok(self.service.delete(&self.find()?)?)
    }

    fn get_credential(&self) -> keyring::Result<Option<Arc<Credential>>> {
        Ok(None)
    }

    fn get_specifiers(&self) -> Option<(String, String)> {
        Some(self.name.clone())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
