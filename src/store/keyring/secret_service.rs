//! The Secret Service of a Linux session: GNOME Keyring, KWallet, KeePassXC.
//!
//! Spoken to directly, for the order of the first words matters: GNOME Keyring aborts now and then, and comes back locked,
//! when a connection begins with a request that needs its record of the client (gnome-keyring issue 196: the record is made
//! by the first message, and not always in time).
//!
//! Spec: Secret Service API draft 0.2.

use std::any::Any;
use std::collections::HashMap;
use std::error::Error as StdError;
use std::ffi::c_int;
use std::fs::File;
use std::os::fd::AsRawFd as _;
use std::sync::mpsc::{self, Receiver};
use std::sync::Arc;
use std::time::{Duration, Instant};

use dbus::arg::{AppendAll, PropMap, ReadAll, RefArg, Variant};
use dbus::blocking::stdintf::org_freedesktop_dbus::Properties as _;
use dbus::blocking::{Proxy, SyncConnection};
use dbus::message::MatchRule;
use dbus::Path;
use keyring::api::{CredentialApi, CredentialStoreApi};
use keyring::{Credential, Entry, Error};

use super::cipher::{self, Cipher, KeyPair};
use super::{Access, Ask, KeyringFault, ANSWER_LIMIT};

/// A prompt is announced: a locked collection is seen before it is touched.
pub(super) const PROMPTS_UNANNOUNCED: bool = false;

const NAME: &str = "org.freedesktop.secrets";
const ROOT: &str = "/org/freedesktop/secrets";
const SERVICE: &str = "org.freedesktop.Secret.Service";
const COLLECTION: &str = "org.freedesktop.Secret.Collection";
const ITEM: &str = "org.freedesktop.Secret.Item";
const PROMPT: &str = "org.freedesktop.Secret.Prompt";

/// The highest file number with which a connection is tried: some below the 1024 of `select`, as other threads open files too.
const MAX_DESCRIPTOR: c_int = 1000;

/// Most tries to agree on a key: one in 256 is not used.
const MAX_SESSIONS: usize = 4;

/// How long a service may take to answer by itself what nobody can be asked.
const UNATTENDED_LIMIT: Duration = Duration::from_secs(1);

const NO_SUCH_OBJECT: &str = "org.freedesktop.Secret.Error.NoSuchObject";

/// Stands for no object, and for no need of a prompt.
const NONE: &str = "/";

/// The collection that new items go to.
const DEFAULT: &str = "default";

/// The collection that is gone when the session ends.
const VOLATILE: &str = "session";

/// A secret on the bus: the session, the parameter of its encryption, the encrypted secret, its type.
type Secret = (Path<'static>, Vec<u8>, Vec<u8>, String);

/// Why the service did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error(transparent)]
    Bus(#[from] dbus::Error),
    #[error(transparent)]
    Fault(#[from] KeyringFault),
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::PlatformFailure(Box::new(problem))
    }
}

impl Problem {
    fn fault(&self) -> KeyringFault {
        match self {
            Self::Bus(err) => match err.name().unwrap_or_default() {
                "org.freedesktop.DBus.Error.NoReply" | "org.freedesktop.DBus.Error.Timeout" => KeyringFault::Silent,
                "org.freedesktop.Secret.Error.IsLocked" => KeyringFault::Locked,
                "org.freedesktop.DBus.Error.AccessDenied" => KeyringFault::Refused,
                name => KeyringFault::Other(format!("its service reported {name}")),
            },
            Self::Fault(fault) => fault.clone(),
        }
    }
}

/// Connects, and looks at the collection that new items go to. A locked one is unlocked only if the user can be asked.
pub(super) fn connect(access: Access, ask: Option<Ask>) -> Result<Arc<keyring::CredentialStore>, KeyringFault> {
    let bus = Bus::connect(ask).map_err(|problem| match (problem.fault(), problem) {
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
    const NAMES: [&str; 3] =
        ["org.freedesktop.DBus.Error.UnknownMethod", "org.freedesktop.DBus.Error.UnknownObject", NO_SUCH_OBJECT];
    match err.downcast_ref() {
        Some(Problem::Bus(err)) => err.name().is_some_and(|name| NAMES.contains(&name)),
        _ => false,
    }
}

/// The connection.
struct Bus {
    connection: SyncConnection,
    ask: Option<Ask>,
}

impl Bus {
    fn connect(ask: Option<Ask>) -> Result<Self, Problem> {
        // The system gives the lowest free number; libdbus waits with `select`, and writes past its end for a high one.
        let lowest_free = File::open("/dev/null").map_or(c_int::MAX, |file| file.as_raw_fd());
        if lowest_free >= MAX_DESCRIPTOR {
            return Err(KeyringFault::Other("too many files are open".to_owned()).into());
        }
        let bus = Self { connection: SyncConnection::new_session()?, ask };
        // An alias that nobody has: this answer is worth nothing, and whoever got it is known to the service.
        bus.alias("mcp-login")?;
        Ok(bus)
    }

    fn proxy(&self, path: &Path<'static>) -> Proxy<'static, &SyncConnection> {
        Proxy::new(NAME, path.clone(), ANSWER_LIMIT, &self.connection)
    }

    fn call<R: ReadAll, A: AppendAll>(
        &self,
        path: &Path<'static>,
        interface: &'static str,
        method: &'static str,
        arguments: A,
    ) -> Result<R, Problem> {
        Ok(self.proxy(path).method_call(interface, method, arguments)?)
    }

    fn ask_service<R: ReadAll, A: AppendAll>(&self, method: &'static str, arguments: A) -> Result<R, Problem> {
        self.call(&Path::from(ROOT), SERVICE, method, arguments)
    }

    /// Returns the collection with this alias.
    fn alias(&self, name: &str) -> Result<Option<Path<'static>>, Problem> {
        match self.ask_service::<(Path<'static>,), _>("ReadAlias", (name,)) {
            Ok((collection,)) => Ok(Some(collection).filter(|collection| &**collection != NONE)),
            Err(Problem::Bus(err)) if err.name() == Some(NO_SUCH_OBJECT) => Ok(None),
            Err(problem) => Err(problem),
        }
    }

    /// Looks at the collection that new items go to; there may be none as long as nothing is to be written.
    fn look(&self, access: Access) -> Result<Option<Path<'static>>, Problem> {
        let Some(collection) = self.alias(DEFAULT)? else { return Ok(None) };
        if access == Access::Write && self.alias(VOLATILE).is_ok_and(|volatile| volatile.as_ref() == Some(&collection))
        {
            return Err(KeyringFault::Volatile.into());
        }
        if self.proxy(&collection).get::<bool>(COLLECTION, "Locked")? {
            self.unlock(vec![collection.clone()])?;
        }
        Ok(Some(collection))
    }

    fn unlock(&self, locked: Vec<Path<'static>>) -> Result<(), Problem> {
        if self.ask.is_none() {
            return Err(KeyringFault::Locked.into());
        }
        let (_, prompt): (Vec<Path<'static>>, Path<'static>) = self.ask_service("Unlock", (locked,))?;
        self.prompt(&prompt)
    }

    /// Lets the service ask the user, if it has to, and waits for the answer as long as it takes.
    ///
    /// KeePassXC has a prompt for each new item, though it asks nothing as long as it is unlocked: where nobody can be
    /// asked, it is given up only if it does not answer by itself.
    fn prompt(&self, prompt: &Path<'static>) -> Result<(), Problem> {
        if &**prompt == NONE {
            return Ok(());
        }
        let answers = self.answers(prompt)?;
        // No window of ours is on the screen.
        self.call::<(), _>(prompt, PROMPT, "Prompt", ("",))?;
        let unattended = Instant::now() + UNATTENDED_LIMIT;
        let mut announced = false;
        loop {
            self.connection.process(Duration::from_millis(200))?;
            match (answers.try_recv(), &self.ask) {
                (Ok(answer), _) => return Ok(answer?),
                (Err(_), Some(ask)) if !announced => {
                    ask();
                    announced = true;
                }
                (Err(_), None) if Instant::now() >= unattended => {
                    self.call::<(), _>(prompt, PROMPT, "Dismiss", ())?;
                    return Err(KeyringFault::Locked.into());
                }
                (Err(_), _) => {}
            }
        }
    }

    /// Returns where the answer to a prompt arrives, or that there will be none.
    fn answers(&self, prompt: &Path<'static>) -> Result<Receiver<Result<(), KeyringFault>>, Problem> {
        let (sender, receiver) = mpsc::channel();
        let gone = sender.clone();
        let completed = MatchRule::new_signal(PROMPT, "Completed").with_path(prompt.clone());
        self.connection.add_match(completed, move |(dismissed, _): (bool, Variant<Box<dyn RefArg>>), _, _| {
            sender.send(if dismissed { Err(KeyringFault::Refused) } else { Ok(()) }).is_ok()
        })?;
        let owners = MatchRule::new_signal("org.freedesktop.DBus", "NameOwnerChanged");
        self.connection.add_match(owners, move |(name, _, _): (String, String, String), _, _| {
            name != NAME || gone.send(Err(KeyringFault::Other("its service has gone away".to_owned()))).is_ok()
        })?;
        Ok(receiver)
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
                return Ok(Self { bus, collection, session, cipher });
            }
        }
        Err(KeyringFault::Other("its service gave a key that is not safe".to_owned()).into())
    }

    /// Returns all items with these attributes.
    fn search(&self, attributes: &HashMap<&str, &str>) -> Result<Vec<Path<'static>>, Problem> {
        let (mut found, locked): (Vec<_>, Vec<_>) = self.bus.ask_service("SearchItems", (attributes,))?;
        if !locked.is_empty() {
            self.bus.unlock(locked.clone())?;
            found.extend(locked);
        }
        Ok(found)
    }

    fn encrypt(&self, secret: &[u8]) -> Result<Secret, Problem> {
        let (parameter, encrypted) = self.cipher.encrypt(secret).ok_or_else(no_random_numbers)?;
        Ok((self.session.clone(), parameter, encrypted, "application/octet-stream".to_owned()))
    }

    fn get(&self, item: &Path<'static>) -> Result<Vec<u8>, Problem> {
        let (secret,): (Secret,) = self.bus.call(item, ITEM, "GetSecret", (self.session.clone(),))?;
        let (_, parameter, encrypted, _) = secret;
        let garbled = || KeyringFault::Other("its service gave a secret that cannot be decrypted".to_owned());
        Ok(self.cipher.decrypt(&parameter, &encrypted).ok_or_else(garbled)?)
    }

    fn set(&self, item: &Path<'static>, secret: &[u8]) -> Result<(), Problem> {
        self.bus.call(item, ITEM, "SetSecret", (self.encrypt(secret)?,))
    }

    fn create(&self, label: &str, attributes: &HashMap<&str, &str>, secret: &[u8]) -> Result<(), Problem> {
        let owned = |text: &str| text.to_owned();
        let attributes: HashMap<_, _> = attributes.iter().map(|(name, value)| (owned(name), owned(value))).collect();
        let mut properties = PropMap::new();
        properties.insert(format!("{ITEM}.Label"), Variant(Box::new(owned(label))));
        properties.insert(format!("{ITEM}.Attributes"), Variant(Box::new(attributes)));
        let collection = self.collection.as_ref().ok_or_else(no_collection)?;
        let arguments = (properties, self.encrypt(secret)?, true);
        let (_, prompt): (Path<'static>, _) = self.bus.call(collection, COLLECTION, "CreateItem", arguments)?;
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
        NAME.to_owned()
    }

    fn build(&self, service: &str, user: &str, _: Option<&HashMap<&str, &str>>) -> keyring::Result<Entry> {
        let item = Item { service: Arc::clone(&self.0), name: (service.to_owned(), user.to_owned()), path: None };
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
        HashMap::from([("service", self.name.0.as_str()), ("username", self.name.1.as_str())])
    }

    fn at(&self, path: Path<'static>) -> Entry {
        let item = Self { service: Arc::clone(&self.service), name: self.name.clone(), path: Some(path) };
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
            Some(last) => Err(Error::Ambiguous(found.into_iter().chain([last]).map(|path| self.at(path)).collect())),
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
