//! A session bus with a Secret Service on it, in this process: it answers one connection as the test wants it.

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use dbus::arg::{PropMap, RefArg as _, Variant};
use dbus::blocking::SyncConnection;
use dbus::channel::Channel;
use dbus::{Message, Path};
use tempfile::TempDir;

use crate::bus::Bus;
use crate::cipher::{Cipher, KeyPair};
use crate::{Access, Error, Options, Store};

/// What the user does when a prompt opens.
#[derive(Clone, Copy, PartialEq)]
pub enum User {
    /// Nothing, until the test calls [`Service::complete`].
    Waits,
    Agrees,
    Dismisses,
}

/// What the service is like, and what it was asked.
pub struct Service {
    pub collection: &'static str,
    pub volatile: &'static str,
    pub locked: bool,
    /// Whether it is an open wallet, where the service is KWallet.
    pub wallet: Option<bool>,
    pub user: User,
    /// Whether the creation of an item needs a prompt, as in KeePassXC.
    pub prompts_for_items: bool,
    /// The public key that is given instead of a good one.
    pub bad_key: Option<Vec<u8>>,
    /// How many items are deleted by another program just before their secret is asked for.
    pub deletes: u32,
    /// Whether the service answers nothing.
    pub silent: bool,
    pub items: BTreeMap<u32, Item>,
    /// Methods with their first argument, in the order of the requests.
    pub asked: Vec<String>,
    cipher: Option<Cipher>,
    stream: Option<UnixStream>,
    serial: u32,
}

/// An item of the service.
#[derive(Clone)]
pub struct Item {
    pub label: String,
    pub attributes: HashMap<String, String>,
    pub secret: Vec<u8>,
    /// The secret as it crossed the bus.
    pub encrypted: Vec<u8>,
}

/// The bus.
pub struct Fake {
    address: String,
    service: Arc<Mutex<Service>>,
    _directory: TempDir,
}

impl Fake {
    /// Starts a bus with an unlocked, empty keyring.
    pub fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("bus");
        let listener = UnixListener::bind(&socket).unwrap();
        let service = Arc::new(Mutex::new(Service {
            collection: "/collection/login",
            volatile: "/collection/session",
            locked: false,
            wallet: None,
            user: User::Waits,
            prompts_for_items: false,
            bad_key: None,
            deletes: 0,
            silent: false,
            items: BTreeMap::new(),
            asked: Vec::new(),
            cipher: None,
            stream: None,
            serial: 0,
        }));
        let shared = Arc::clone(&service);
        thread::spawn(move || {
            for stream in listener.incoming() {
                serve(stream.unwrap(), &shared);
            }
        });
        Self {
            address: format!("unix:path={}", socket.display()),
            service,
            _directory: directory,
        }
    }

    /// Returns the state of the service.
    pub fn service(&self) -> MutexGuard<'_, Service> {
        self.service.lock().unwrap()
    }

    /// Connects without a way to ask the user.
    pub fn connect(&self, access: Access) -> Result<Arc<Store>, Error> {
        self.connect_with(Options {
            access,
            ..Options::default()
        })
    }

    pub fn connect_with(&self, options: Options) -> Result<Arc<Store>, Error> {
        let connect = || {
            let mut channel = Channel::open_private(&self.address)?;
            channel.register()?;
            Ok(SyncConnection::from(channel))
        };
        Store::open(|options| Bus::over(connect, options), options)
    }
}

/// Serves one connection until it is closed.
fn serve(mut stream: UnixStream, service: &Mutex<Service>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = Vec::new();
    loop {
        line.clear();
        reader.read_until(b'\n', &mut line).unwrap();
        let reply: &[u8] = match line.trim_ascii() {
            b"BEGIN" => break,
            b"NEGOTIATE_UNIX_FD" => b"ERROR\r\n",
            _ => b"OK 0123456789abcdef0123456789abcdef\r\n",
        };
        stream.write_all(reply).unwrap();
    }
    service.lock().unwrap().stream = Some(stream);
    while let Some(message) = receive(&mut reader) {
        let mut service = service.lock().unwrap();
        for reply in service.answer(&message) {
            service.send(reply);
        }
    }
}

fn receive(reader: &mut BufReader<UnixStream>) -> Option<Message> {
    let mut bytes = vec![0; 16];
    reader.read_exact(&mut bytes).ok()?;
    let needed = Message::demarshal_bytes_needed(&bytes).unwrap();
    bytes.resize(needed, 0);
    reader.read_exact(&mut bytes[16..]).ok()?;
    Some(Message::demarshal(&bytes).unwrap())
}

fn path(path: &str) -> Path<'static> {
    Path::new(path.to_owned()).unwrap()
}

const PROMPT: &str = "/prompt/1";

impl Service {
    /// Tells that the user has answered the prompt.
    pub fn complete(&mut self, dismissed: bool) {
        self.locked &= dismissed;
        let (interface, member) = ("org.freedesktop.Secret.Prompt", "Completed");
        let completed = Message::signal(&path(PROMPT), &interface.into(), &member.into());
        self.send(completed.append2(dismissed, Variant("")));
    }

    fn send(&mut self, mut message: Message) {
        self.serial += 1;
        message.set_serial(self.serial);
        message.set_sender(Some("org.freedesktop.secrets".into()));
        let stream = self.stream.as_mut().unwrap();
        // The other side may have closed the connection.
        let _ = message.marshal(|bytes| stream.write_all(bytes));
    }

    fn answer(&mut self, message: &Message) -> Vec<Message> {
        let method = message.member().unwrap().to_string();
        let reply = message.method_return();
        if message.interface().as_deref() == Some("org.freedesktop.DBus") {
            return vec![match method.as_str() {
                "Hello" => reply.append1(":1.1"),
                "NameHasOwner" => {
                    let name = message.read1::<&str>().unwrap();
                    reply.append1(self.wallet.is_some() && name == "org.kde.kwalletd5")
                }
                _ => reply,
            }];
        }
        let first = message.get1::<String>().unwrap_or_default();
        self.asked
            .push(format!("{method} {first}").trim_end().to_owned());
        if self.silent {
            return Vec::new();
        }
        let object = message.path().unwrap().to_string();
        vec![match method.as_str() {
            "ReadAlias" => reply.append1(path(match first.as_str() {
                "default" => self.collection,
                "session" => self.volatile,
                _ => "/",
            })),
            "Get" => match message.read2::<&str, &str>().unwrap().1 {
                "Label" => reply.append1(Variant("wallet")),
                _ => reply.append1(Variant(self.locked)),
            },
            "isOpen" => reply.append1(self.wallet == Some(true) && first == "wallet"),
            "Unlock" => reply.append2(Vec::<Path>::new(), path(PROMPT)),
            "OpenSession" => {
                let (_, theirs) = message.read2::<String, Variant<Vec<u8>>>().unwrap();
                let keys = KeyPair::new().unwrap();
                self.cipher = keys.agree(&theirs.0);
                let public = self.bad_key.clone().unwrap_or(keys.public);
                reply.append2(Variant(public), path("/session/1"))
            }
            "SearchItems" => {
                let wanted = message.read1::<HashMap<String, String>>().unwrap();
                let matches = |item: &Item| {
                    wanted
                        .iter()
                        .all(|(name, value)| item.attributes.get(name) == Some(value))
                };
                let found: Vec<_> = self
                    .items
                    .iter()
                    .filter(|(_, item)| matches(item))
                    .map(|(number, _)| path(&format!("/item/{number}")))
                    .collect();
                let locked = Vec::<Path>::new();
                match self.locked {
                    true => reply.append2(locked, found),
                    false => reply.append2(found, locked),
                }
            }
            "CreateItem" => {
                self.create(message);
                match self.prompts_for_items {
                    true => reply.append2(path("/"), path(PROMPT)),
                    false => reply.append2(path("/item/1"), path("/")),
                }
            }
            "Prompt" => {
                match self.user {
                    User::Waits => {}
                    User::Agrees => self.complete(false),
                    User::Dismisses => self.complete(true),
                }
                reply
            }
            "Dismiss" => reply,
            _ => self.item(&method, &object, message, reply),
        }]
    }

    fn create(&mut self, message: &Message) {
        let (properties, secret, _) = message
            .read3::<PropMap, (Path<'static>, Vec<u8>, Vec<u8>, String), bool>()
            .unwrap();
        let property = |name: &str| &properties[&format!("org.freedesktop.Secret.Item.{name}")].0;
        let words: Vec<_> = property("Attributes")
            .as_iter()
            .unwrap()
            .map(|word| word.as_str().unwrap().to_owned())
            .collect();
        let item = Item {
            label: property("Label").as_str().unwrap().to_owned(),
            attributes: words
                .chunks(2)
                .map(|pair| (pair[0].clone(), pair[1].clone()))
                .collect(),
            secret: self.decrypt(&secret.1, &secret.2),
            encrypted: secret.2,
        };
        self.items.insert(1, item);
    }

    fn item(&mut self, method: &str, object: &str, message: &Message, reply: Message) -> Message {
        let number: u32 = object.trim_start_matches("/item/").parse().unwrap();
        if self.deletes > 0 {
            self.deletes -= 1;
            self.items.remove(&number);
        }
        let Some(item) = self.items.get(&number).cloned() else {
            let name = "org.freedesktop.Secret.Error.NoSuchObject".into();
            return message.error(&name, c"no such item");
        };
        match method {
            "GetSecret" => {
                let (start, value) = self.cipher.as_ref().unwrap().encrypt(&item.secret).unwrap();
                reply.append1((path("/session/1"), start, value, "text/plain".to_owned()))
            }
            "SetSecret" => {
                let (_, start, encrypted, _) = message
                    .read1::<(Path<'static>, Vec<u8>, Vec<u8>, String)>()
                    .unwrap();
                let secret = self.decrypt(&start, &encrypted);
                let changed = Item {
                    secret,
                    encrypted,
                    ..item
                };
                self.items.insert(number, changed);
                reply
            }
            "Delete" => {
                self.items.remove(&number);
                reply.append1(path("/"))
            }
            other => panic!("{other}"),
        }
    }

    fn decrypt(&self, start: &[u8], value: &[u8]) -> Vec<u8> {
        self.cipher.as_ref().unwrap().decrypt(start, value).unwrap()
    }
}

/// Long enough for an answer, short enough for a test.
pub const SHORT: Duration = Duration::from_millis(200);
