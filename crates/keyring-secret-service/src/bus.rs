//! The connection to the Secret Service, its requests, and how its prompts are waited for. The only file that names
//! libdbus.
//!
//! The order of the first requests matters: GNOME Keyring up to 50 aborts now and then, and comes back locked, when a
//! connection begins with a request that needs its record of the client (gnome-keyring issue 196: the record is made by
//! the first message, and not always in time).
//!
//! Spec: Secret Service API draft 0.2.

use std::collections::HashMap;
use std::ffi::c_int;
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixDatagram;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use dbus::arg::{AppendAll, PropMap, ReadAll, Variant};
use dbus::blocking::stdintf::org_freedesktop_dbus::Properties as _;
use dbus::blocking::{Proxy, SyncConnection};
use dbus::message::MatchRule;

use crate::{Access, Error, Options};

/// The path of an object on the bus.
pub(crate) type Path = dbus::Path<'static>;

/// A secret on the bus: the session, the parameter of its encryption, the encrypted secret, its type.
type WireSecret = (Path, Vec<u8>, Vec<u8>, String);

/// An encrypted secret.
pub(crate) struct Secret {
    pub(crate) session: Path,
    pub(crate) parameter: Vec<u8>,
    pub(crate) value: Vec<u8>,
}

const NAME: &str = "org.freedesktop.secrets";
const ROOT: &str = "/org/freedesktop/secrets";
const SERVICE: &str = "org.freedesktop.Secret.Service";
const COLLECTION: &str = "org.freedesktop.Secret.Collection";
const ITEM: &str = "org.freedesktop.Secret.Item";
const PROMPT: &str = "org.freedesktop.Secret.Prompt";

/// An alias that nobody has.
const UNUSED_ALIAS: &str = "keyring-secret-service";

/// The alias of the collection that new items go to.
const DEFAULT: &str = "default";

/// Where the default collection is too, in one request less.
const DEFAULT_PATH: &str = "/org/freedesktop/secrets/aliases/default";

/// The alias of the collection that is gone when the session ends.
const VOLATILE: &str = "session";

/// Stands for no object, and for no need of a prompt.
const NO_OBJECT: &str = "/";

/// The names and paths at which KWallet has its own interface.
const WALLETS: [(&str, &str); 2] = [
    ("org.kde.kwalletd6", "/modules/kwalletd6"),
    ("org.kde.kwalletd5", "/modules/kwalletd5"),
];

/// The type of a secret: any bytes.
const CONTENT_TYPE: &str = "application/octet-stream";

/// The highest file number with which a connection is tried: some below the 1024 of `select`, as other threads open
/// files too.
const MAX_DESCRIPTOR: c_int = 1000;

/// How long the service may take to complete a prompt by itself where nobody can be asked.
const UNATTENDED_LIMIT: Duration = Duration::from_secs(1);

impl From<dbus::Error> for Error {
    fn from(err: dbus::Error) -> Self {
        Self::of_name(err.name().unwrap_or_default())
    }
}

/// The connection.
pub(crate) struct Bus {
    connection: SyncConnection,
    options: Options,
}

impl Bus {
    /// Connects to the session bus and sends the first request, whose answer does not matter.
    pub(crate) fn connect(options: Options) -> Result<Self, Error> {
        // The system gives the lowest free number; libdbus waits with `select`, and writes past its end for a high one.
        let lowest_free = match UnixDatagram::unbound() {
            Ok(socket) => socket.as_raw_fd(),
            // ENFILE and EMFILE, which are these on every Unix.
            Err(err) if matches!(err.raw_os_error(), Some(23 | 24)) => c_int::MAX,
            Err(_) => return Err(Error::NoSockets),
        };
        if lowest_free >= MAX_DESCRIPTOR {
            return Err(Error::TooManyFiles);
        }
        Self::over(SyncConnection::new_session, options).map_err(|err| match err {
            #[cfg(target_os = "linux")]
            _ if crate::owner::is_foreign() => Error::ForeignBus,
            Error::TimedOut => Error::TimedOut,
            // No bus, no address, nobody behind the address, no service that could be started.
            _ => Error::NoService,
        })
    }

    /// Makes the service know this connection before it is asked for anything that matters.
    pub(crate) fn over(
        connect: impl FnOnce() -> Result<SyncConnection, dbus::Error>,
        options: Options,
    ) -> Result<Self, Error> {
        let bus = Self {
            connection: connect()?,
            options,
        };
        bus.alias(UNUSED_ALIAS)?;
        Ok(bus)
    }

    /// Returns the default collection, unlocked; there may be none as long as nothing is to be created.
    pub(crate) fn default_collection(&self, access: Access) -> Result<Option<Path>, Error> {
        let Some(collection) = self.alias(DEFAULT)? else {
            return Ok(None);
        };
        if access == Access::Write {
            let volatile = self.alias(VOLATILE);
            if volatile.is_ok_and(|volatile| volatile.as_ref() == Some(&collection)) {
                return Err(Error::Volatile);
            }
        }
        if self.is_locked(&collection)? {
            self.unlock(&collection, vec![collection.clone()])?;
        }
        Ok(Some(collection))
    }

    /// Tells whether the default collection is there and known to be unlocked.
    pub(crate) fn is_default_unlocked(&self) -> bool {
        self.is_locked(&DEFAULT_PATH.into()) == Ok(false)
    }

    /// Returns the public key of the service, and the session.
    pub(crate) fn open_session(
        &self,
        algorithm: &str,
        public: &[u8],
    ) -> Result<(Vec<u8>, Path), Error> {
        let arguments = (algorithm, Variant(public.to_vec()));
        let (theirs, session): (Variant<Vec<u8>>, _) =
            self.call_service("OpenSession", arguments)?;
        Ok((theirs.0, session))
    }

    /// Returns the items with these attributes that are unlocked, and those that are locked.
    pub(crate) fn search_items(
        &self,
        attributes: &HashMap<&str, &str>,
    ) -> Result<(Vec<Path>, Vec<Path>), Error> {
        self.call_service("SearchItems", (attributes,))
    }

    fn is_locked(&self, collection: &Path) -> Result<bool, Error> {
        Ok(self.proxy(collection).get(COLLECTION, "Locked")?)
    }

    /// Unlocks a collection, or items of it, if that needs no window or the user can be asked.
    pub(crate) fn unlock(&self, collection: &Path, locked: Vec<Path>) -> Result<(), Error> {
        let (_, prompt): (Vec<Path>, Path) = self.call_service("Unlock", (locked,))?;
        let may_prompt = self.options.on_prompt.is_some() || self.is_open_wallet(collection);
        if &*prompt != NO_OBJECT && !may_prompt {
            return Err(Error::Locked);
        }
        match self.prompt(&prompt) {
            // The prompt of another program has unlocked it, and KWallet has taken back ours.
            Err(_) if self.is_locked(collection) == Ok(false) => Ok(()),
            ended => ended,
        }
    }

    /// Tells whether a locked collection is a wallet that KWallet has open, as it is after a login to the desktop.
    ///
    /// KWallet 5.103 calls each wallet locked until somebody asks for it here, and has a prompt for that, which completes
    /// by itself if the wallet is open. Only its own interface tells the two apart.
    fn is_open_wallet(&self, collection: &Path) -> bool {
        let Ok(label) = self.proxy(collection).get::<String>(COLLECTION, "Label") else {
            return false;
        };
        WALLETS.iter().any(|(name, path)| {
            // Asked only if it runs: the bus would start it otherwise.
            let bus = self.proxy_of("org.freedesktop.DBus", "/org/freedesktop/DBus".into());
            let runs = bus.method_call("org.freedesktop.DBus", "NameHasOwner", (*name,));
            if !runs.is_ok_and(|(runs,): (bool,)| runs) {
                return false;
            }
            let service = self.proxy_of(name, (*path).into());
            let is_open = service.method_call("org.kde.KWallet", "isOpen", (label.as_str(),));
            is_open.is_ok_and(|(is_open,): (bool,)| is_open)
        })
    }

    pub(crate) fn get_secret(&self, item: &Path, session: &Path) -> Result<Secret, Error> {
        let (secret,): (WireSecret,) = self.call(item, ITEM, "GetSecret", (session.clone(),))?;
        let (session, parameter, value, _) = secret;
        Ok(Secret {
            session,
            parameter,
            value,
        })
    }

    pub(crate) fn set_secret(&self, item: &Path, secret: Secret) -> Result<(), Error> {
        self.call(item, ITEM, "SetSecret", (wire(secret),))
    }

    pub(crate) fn create_item(
        &self,
        collection: &Path,
        label: &str,
        attributes: &HashMap<&str, &str>,
        secret: Secret,
    ) -> Result<(), Error> {
        let attributes: HashMap<String, String> = attributes
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let mut properties = PropMap::new();
        properties.insert(format!("{ITEM}.Label"), Variant(Box::new(label.to_owned())));
        properties.insert(format!("{ITEM}.Attributes"), Variant(Box::new(attributes)));
        let arguments = (properties, wire(secret), true);
        let (_, prompt): (Path, Path) =
            self.call(collection, COLLECTION, "CreateItem", arguments)?;
        self.prompt(&prompt)
    }

    pub(crate) fn delete(&self, item: &Path) -> Result<(), Error> {
        let (prompt,): (Path,) = self.call(item, ITEM, "Delete", ())?;
        self.prompt(&prompt)
    }

    /// Returns the collection with this alias.
    fn alias(&self, name: &str) -> Result<Option<Path>, Error> {
        match self.call_service::<(Path,), _>("ReadAlias", (name,)) {
            Ok((collection,)) => Ok(Some(collection).filter(|path| &**path != NO_OBJECT)),
            Err(Error::Reported(name)) if name == "org.freedesktop.Secret.Error.NoSuchObject" => {
                Ok(None)
            }
            Err(err) => Err(err),
        }
    }

    fn proxy(&self, path: &Path) -> Proxy<'static, &SyncConnection> {
        self.proxy_of(NAME, path.clone())
    }

    fn proxy_of(&self, name: &'static str, path: Path) -> Proxy<'static, &SyncConnection> {
        Proxy::new(name, path, self.options.timeout, &self.connection)
    }

    fn call<R: ReadAll, A: AppendAll>(
        &self,
        path: &Path,
        interface: &'static str,
        method: &'static str,
        arguments: A,
    ) -> Result<R, Error> {
        Ok(self.proxy(path).method_call(interface, method, arguments)?)
    }

    fn call_service<R: ReadAll, A: AppendAll>(
        &self,
        method: &'static str,
        arguments: A,
    ) -> Result<R, Error> {
        self.call(&Path::from(ROOT), SERVICE, method, arguments)
    }

    /// Lets the service ask the user, if it has to, and waits for the answer as long as it takes.
    ///
    /// KeePassXC has a prompt for each new item, though it asks nothing as long as it is unlocked: where nobody can be
    /// asked, it is given up only if it does not complete by itself.
    fn prompt(&self, prompt: &Path) -> Result<(), Error> {
        if &**prompt == NO_OBJECT {
            return Ok(());
        }
        let answers = self.answers(prompt)?;
        // There is no window of ours that the prompt could belong to.
        self.call::<(), _>(prompt, PROMPT, "Prompt", ("",))?;
        let unattended = Instant::now() + UNATTENDED_LIMIT;
        let mut announced = false;
        loop {
            self.connection.process(Duration::from_millis(200))?;
            match (answers.try_recv(), &self.options.on_prompt) {
                (Ok(answer), _) => return answer,
                (Err(_), Some(on_prompt)) if !announced => {
                    on_prompt();
                    announced = true;
                }
                (Err(_), None) if Instant::now() >= unattended => {
                    self.call::<(), _>(prompt, PROMPT, "Dismiss", ())?;
                    return Err(Error::Locked);
                }
                (Err(_), _) => {}
            }
        }
    }

    /// Returns where the answer to a prompt arrives, or a message that the service ended.
    fn answers(&self, prompt: &Path) -> Result<Receiver<Result<(), Error>>, Error> {
        let (sender, receiver) = mpsc::channel();
        let gone = sender.clone();
        let completed = MatchRule::new_signal(PROMPT, "Completed").with_path(prompt.clone());
        // Its result is not read: code that reads a value of any type is a hundredth of a program like mcp-login.
        self.connection
            .add_match(completed, move |(dismissed,): (bool,), _, _| {
                let answer = if dismissed {
                    Err(Error::Denied)
                } else {
                    Ok(())
                };
                sender.send(answer).is_ok()
            })?;
        let owners = MatchRule::new_signal("org.freedesktop.DBus", "NameOwnerChanged");
        self.connection.add_match(
            owners,
            move |(name, _, _): (String, String, String), _, _| {
                name != NAME || gone.send(Err(Error::Gone)).is_ok()
            },
        )?;
        Ok(receiver)
    }
}

fn wire(secret: Secret) -> WireSecret {
    (
        secret.session,
        secret.parameter,
        secret.value,
        CONTENT_TYPE.to_owned(),
    )
}
