//! The connection to the Secret Service: who is asked, how it is unlocked, and how its prompts are waited for.
//!
//! Spoken to directly, for the order of the first words matters: GNOME Keyring aborts now and then, and comes back locked,
//! when a connection begins with a request that needs its record of the client (gnome-keyring issue 196: the record is made
//! by the first message, and not always in time).
//!
//! Spec: Secret Service API draft 0.2.

use std::ffi::c_int;
use std::fs::File;
use std::os::fd::AsRawFd as _;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use dbus::arg::{AppendAll, ReadAll, RefArg, Variant};
use dbus::blocking::stdintf::org_freedesktop_dbus::Properties as _;
use dbus::blocking::{Proxy, SyncConnection};
use dbus::message::MatchRule;
use dbus::Path;
use keyring::Error;

use super::{Access, Ask, KeyringFault, ANSWER_LIMIT};

const NAME: &str = "org.freedesktop.secrets";
const ROOT: &str = "/org/freedesktop/secrets";
/// What the service itself does.
pub(super) const SERVICE: &str = "org.freedesktop.Secret.Service";
/// What a collection does.
pub(super) const COLLECTION: &str = "org.freedesktop.Secret.Collection";
const PROMPT: &str = "org.freedesktop.Secret.Prompt";

/// An object is not there, or not any more.
pub(super) const NO_SUCH_OBJECT: &str = "org.freedesktop.Secret.Error.NoSuchObject";

/// The highest file number with which a connection is tried: some below the 1024 of `select`, as other threads open files
/// too.
const MAX_DESCRIPTOR: c_int = 1000;

/// How long a service may take to answer by itself what nobody can be asked.
const UNATTENDED_LIMIT: Duration = Duration::from_secs(1);

/// Stands for no object, and for no need of a prompt.
const NONE: &str = "/";

/// The collection that new items go to.
const DEFAULT: &str = "default";

/// The collection that is gone when the session ends.
const VOLATILE: &str = "session";

/// Why the service did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub(super) enum Problem {
    /// The bus or the service reported it.
    #[error(transparent)]
    Bus(#[from] dbus::Error),
    /// We know what it is.
    #[error(transparent)]
    Fault(#[from] KeyringFault),
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::PlatformFailure(Box::new(problem))
    }
}

impl Problem {
    /// Says what it means.
    pub(super) fn fault(&self) -> KeyringFault {
        match self {
            Self::Bus(err) => match err.name().unwrap_or_default() {
                "org.freedesktop.DBus.Error.NoReply" | "org.freedesktop.DBus.Error.Timeout" => {
                    KeyringFault::Silent
                }
                "org.freedesktop.Secret.Error.IsLocked" => KeyringFault::Locked,
                "org.freedesktop.DBus.Error.AccessDenied" => KeyringFault::Refused,
                name => KeyringFault::Other(format!("its service reported {name}")),
            },
            Self::Fault(fault) => fault.clone(),
        }
    }
}

/// The connection.
pub(super) struct Bus {
    connection: SyncConnection,
    ask: Option<Ask>,
}

impl Bus {
    /// Connects, so that the service knows us before it is asked for anything that matters.
    pub(super) fn connect(ask: Option<Ask>) -> Result<Self, Problem> {
        // The system gives the lowest free number; libdbus waits with `select`, and writes past its end for a high one.
        let lowest_free = File::open("/dev/null").map_or(c_int::MAX, |file| file.as_raw_fd());
        if lowest_free >= MAX_DESCRIPTOR {
            return Err(KeyringFault::Other("too many files are open".to_owned()).into());
        }
        let bus = Self {
            connection: SyncConnection::new_session()?,
            ask,
        };
        // An alias that nobody has: this answer is worth nothing, and whoever got it is known to the service.
        bus.alias("mcp-login")?;
        Ok(bus)
    }

    fn proxy(&self, path: &Path<'static>) -> Proxy<'static, &SyncConnection> {
        Proxy::new(NAME, path.clone(), ANSWER_LIMIT, &self.connection)
    }

    /// Asks an object.
    pub(super) fn call<R: ReadAll, A: AppendAll>(
        &self,
        path: &Path<'static>,
        interface: &'static str,
        method: &'static str,
        arguments: A,
    ) -> Result<R, Problem> {
        Ok(self.proxy(path).method_call(interface, method, arguments)?)
    }

    /// Asks the service itself.
    pub(super) fn ask_service<R: ReadAll, A: AppendAll>(
        &self,
        method: &'static str,
        arguments: A,
    ) -> Result<R, Problem> {
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
    pub(super) fn look(&self, access: Access) -> Result<Option<Path<'static>>, Problem> {
        let Some(collection) = self.alias(DEFAULT)? else {
            return Ok(None);
        };
        if access == Access::Write
            && self
                .alias(VOLATILE)
                .is_ok_and(|volatile| volatile.as_ref() == Some(&collection))
        {
            return Err(KeyringFault::Volatile.into());
        }
        if self.proxy(&collection).get::<bool>(COLLECTION, "Locked")? {
            self.unlock(vec![collection.clone()])?;
        }
        Ok(Some(collection))
    }

    /// Unlocks what is locked, if the user can be asked.
    pub(super) fn unlock(&self, locked: Vec<Path<'static>>) -> Result<(), Problem> {
        if self.ask.is_none() {
            return Err(KeyringFault::Locked.into());
        }
        let (_, prompt): (Vec<Path<'static>>, Path<'static>) =
            self.ask_service("Unlock", (locked,))?;
        self.prompt(&prompt)
    }

    /// Lets the service ask the user, if it has to, and waits for the answer as long as it takes.
    ///
    /// KeePassXC has a prompt for each new item, though it asks nothing as long as it is unlocked: where nobody can be
    /// asked, it is given up only if it does not answer by itself.
    pub(super) fn prompt(&self, prompt: &Path<'static>) -> Result<(), Problem> {
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
    fn answers(
        &self,
        prompt: &Path<'static>,
    ) -> Result<Receiver<Result<(), KeyringFault>>, Problem> {
        let (sender, receiver) = mpsc::channel();
        let gone = sender.clone();
        let completed = MatchRule::new_signal(PROMPT, "Completed").with_path(prompt.clone());
        self.connection.add_match(
            completed,
            move |(dismissed, _): (bool, Variant<Box<dyn RefArg>>), _, _| {
                sender
                    .send(if dismissed {
                        Err(KeyringFault::Refused)
                    } else {
                        Ok(())
                    })
                    .is_ok()
            },
        )?;
        let owners = MatchRule::new_signal("org.freedesktop.DBus", "NameOwnerChanged");
        self.connection.add_match(
            owners,
            move |(name, _, _): (String, String, String), _, _| {
                name != NAME
                    || gone
                        .send(Err(KeyringFault::Other(
                            "its service has gone away".to_owned(),
                        )))
                        .is_ok()
            },
        )?;
        Ok(receiver)
    }
}
