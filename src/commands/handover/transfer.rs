//! The transfer of a login to a client. It has one owner afterwards.
//!
//! Where the client becomes the owner, our copy is marked before the client's files change, and loses its tokens once
//! they were read back there. Whatever interrupts this, no token is used by two, and none is lost.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use super::options::HandoverOptions;
use crate::clients::config::ConfiguredServer;
use crate::clients::setting::EntryPlace;
use crate::clients::writer::{self, WriteError};
use crate::clients::{ours, undo, Delivery, Handover, HandoverError, Mode, Places, Target};
use crate::context::{Context, Settings};
use crate::error::Error;
use crate::login;
use crate::oauth::client::ClientAuth;
use crate::oauth::secret::Secret;
use crate::oauth::text::{ascii, printable};
use crate::os::clock::{Deadline, Time};
use crate::os::files::LockFile;
use crate::refresh::{self, Freshness, LockedLogin};
use crate::store::{self, Credentials, Interaction, Store, StoreError, StoredId};
use crate::warning::warn_user;

/// Longest wait for a refresh that is under way.
const LOCK_LIMIT: Duration = Duration::from_secs(10);

/// Longest wait for other hand-overs.
const TURN_LIMIT: Duration = Duration::from_secs(30);

/// The least time that an access token lives on which a client is given alone.
const MIN_LIFE: Duration = Duration::from_secs(60);

/// What the user agreed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// Everything.
    Write,
    /// A move; a setting is only shown.
    Move,
    /// Nothing: what would be done is shown.
    Nothing,
}

/// What was done.
pub struct Transfer {
    /// Who owns the refresh token now.
    pub mode: Mode,
    /// The server's name in the client's configuration.
    pub name: String,
    /// What the client got.
    pub delivered: Delivered,
    /// The servers of other clients' configurations that ask us for a token of this login, and get none any more.
    pub cut_off: Vec<ConfiguredServer>,
}

/// What a client got, or would get.
pub enum Delivered {
    /// These files were changed, and read back; none if the client's own command took the login.
    Written(Vec<PathBuf>),
    /// This setting belongs into that file.
    Shown {
        /// The setting.
        setting: String,
        /// The file.
        path: PathBuf,
        /// It can be written there by us, too.
        writable: bool,
    },
    /// The client gets the login in these files; none if it takes the login by its own command.
    Planned(Vec<PathBuf>),
    /// This is to be printed, and nothing else; it carries the access token.
    Product {
        /// What is printed.
        text: Zeroizing<String>,
        /// What is added to a file once it is printed.
        append: Option<(PathBuf, Zeroizing<String>)>,
    },
}

/// Hands a login over.
///
/// # Errors
///
/// [`Error::HandOver`] if the client cannot be given it, which leaves it as it was; [`Error::NotLoggedIn`].
pub fn hand_over(
    key: &StoredId,
    options: &HandoverOptions,
    consent: Consent,
    context: &Context,
    places: &Places,
) -> Result<Transfer, Error> {
    let client = options.client;
    let failed = |source| not_given(client, source);
    let refused = |why: HandoverError| failed(why.into());
    let store = context.store_to_read(Interaction::Allowed);
    let settings = &context.settings;
    let seen = refresh::load(&store, key, settings)?;
    let mode = options.mode_for(&seen).map_err(refused)?;
    if seen.needs_login && mode != Mode::Access {
        return Err(refresh::refused_before(&seen, settings));
    }
    if mode == Mode::Access && !client.asks_us {
        let freshness = Freshness::new(MIN_LIFE, false);
        refresh::live(key, freshness, context)?;
    }
    // A setting that is only printed says nothing that can change, and needs no store that can be written.
    let is_printed = client.asks_us && mode == Mode::Access && consent != Consent::Write;
    // The locks are held to the end.
    let (_locked, mut login) = match is_printed {
        true => (None, seen),
        false => locked(&store, key, settings).map(|(lock, login)| (Some(lock), login))?,
    };
    let configured = options.configured(key, places).map_err(refused)?;
    let name = options.name_of(key, configured.as_ref());
    if let Some(configured) = configured.as_ref().filter(|it| it.in_project) {
        warn_user!(
            ProjectFile,
            "the name {} comes from a project's file: {}",
            printable(&name),
            configured.path.display()
        );
    }
    let is_endless = login.refresh_token.is_some() && login.expires_at.is_none();
    if mode == Mode::Move && client.refreshes_by_clock && is_endless {
        warn_user!(
            ClientUnable,
            "{client:?} refreshes by the clock alone, and the server does not say how long a token lives: the login ends there with this \
             one; `mcp-login connect`, as --to any prints it, goes on"
        );
    }
    // A secret that came unasked with a public registration is for the server's revocation endpoint alone.
    let is_public = login.client_auth == ClientAuth::None;
    let given = Credentials {
        client_secret: login.client_secret.clone().filter(|_| !is_public),
        ..login.clone()
    };
    let metadata = login::metadata(&context.cache(), &login);
    let handover = Handover {
        client: client.name,
        login: &given,
        name: &name,
        url: configured.as_ref().map_or(&key.server, |it| &it.url),
        configured: configured.as_ref(),
        metadata: metadata.as_ref(),
        mode,
        command: options.command,
        variable: options.variable,
        now: Time::now(),
    };
    let delivery = (client.deliver)(&handover, places).map_err(refused)?;
    // Not every client has a lock for its files: our own processes at least take turns.
    let _turn = (!is_printed).then(|| turn(key, context)).transpose()?;
    let records = own_file(context, "handovers.json");
    let deliver = || deliver(delivery, consent, (client.name, key, &records)).map_err(failed);
    let is_moved = mode == Mode::Move && consent != Consent::Nothing;
    let (delivered, cut_off) = match is_moved {
        false => (deliver()?, Vec::new()),
        true => (
            move_to_client(&mut login, client.name, (&store, key), deliver)?,
            ours::that_ask_for(key, places),
        ),
    };
    Ok(Transfer {
        mode,
        name,
        delivered,
        cut_off,
    })
}

/// The login cannot be given to the client.
pub fn not_given(client: &Target, source: WriteError) -> Error {
    Error::HandOver {
        doing: "hand the login over to",
        client: client.name,
        source,
    }
}

/// Other processes cannot be kept from the login, or from what is written for it.
fn not_locked(key: &StoredId, source: impl Into<StoreError>) -> Error {
    Error::Store {
        doing: "lock",
        server: key.server.clone(),
        source: Arc::new(source.into()),
    }
}

/// Locks a login of ours, and returns it with what an interrupted refresh has received.
fn locked<'a>(
    store: &'a Store,
    key: &StoredId,
    settings: &Settings,
) -> Result<(LockedLogin<'a>, Credentials), Error> {
    let deadline = Deadline::after(LOCK_LIMIT);
    let locked = LockedLogin::acquire(store, key, deadline);
    let mut locked = locked.map_err(|err| not_locked(key, err))?;
    locked.ours(settings)?;
    locked.exclude_others(deadline)?;
    while locked.adopt()? {
        locked.exclude_others(deadline)?;
    }
    let login = locked.ours(settings)?.credentials;
    Ok((locked, login))
}

/// Takes back what was written into the configuration of a client for a login. Returns where that was, and whether an older
/// entry is there again.
///
/// # Errors
///
/// [`Error::HandOver`] if there is nothing, or if it was changed since.
pub fn take_back(
    key: &StoredId,
    client: &'static Target,
    context: &Context,
) -> Result<Vec<(EntryPlace, bool)>, Error> {
    let _turn = turn(key, context)?;
    let records = own_file(context, "handovers.json");
    undo::undo(&records, client.name, key).map_err(|source| Error::HandOver {
        doing: "take the login back from",
        client: client.name,
        source,
    })
}

/// Returns the client and the login of each entry that was written into the configuration of a client.
pub fn written(context: &Context) -> BTreeSet<(String, StoredId)> {
    undo::written(&own_file(context, "handovers.json")).unwrap_or_default()
}

/// Waits until no other of our own processes hands anything over.
fn turn(key: &StoredId, context: &Context) -> Result<LockFile, Error> {
    let lock = own_file(context, "handover.lock");
    LockFile::acquire(&lock, Deadline::after(TURN_LIMIT)).map_err(|err| not_locked(key, err))
}

/// Returns a file of our own; without a data directory it is beside the file of the login.
fn own_file(context: &Context, name: &str) -> PathBuf {
    match context.settings.store.file() {
        Some(file) if context.settings.data_dir.as_os_str().is_empty() => file.with_extension(name),
        _ => context.settings.data_dir.join(name),
    }
}

/// Moves a login to a client: marks it before, and removes its tokens when the client has them. A change that another
/// process makes meanwhile wins.
fn move_to_client<T>(
    login: &mut Credentials,
    to: &str,
    (store, key): (&Store, &StoredId),
    deliver: impl FnOnce() -> Result<T, Error>,
) -> Result<T, Error> {
    login.handed_over = Some(store::HandedOver {
        to: to.to_owned(),
        at: Time::now(),
    });
    save(store, login, key)?;
    let delivered = deliver();
    let now = store.load(key).map_err(|err| Error::unreadable(key, err))?;
    if now.is_none_or(|now| now.generation != login.generation) {
        warn_user!(
            LoginChanged,
            "a new login or a logout came meanwhile, and is left as it is"
        );
        return delivered;
    }
    match &delivered {
        Ok(_) => {
            login.access_token = Secret::new("");
            login.refresh_token = None;
        }
        // The mark stays: nobody knows who uses the refresh token now.
        Err(Error::HandOver { source, .. }) if source.may_have_given() => return delivered,
        Err(_) => login.handed_over = None,
    }
    save(store, login, key)?;
    delivered
}

fn save(store: &Store, login: &mut Credentials, key: &StoredId) -> Result<(), Error> {
    let saved = store.save(login);
    if let Some(notice) = saved.map_err(|err| Error::not_stored(key, err))?.notice {
        warn_user!(StoreFallback, "{notice}");
    }
    Ok(())
}

fn deliver(
    delivery: Delivery,
    consent: Consent,
    (client, key, records): (&str, &StoredId, &Path),
) -> Result<Delivered, WriteError> {
    let (setting, older) = match delivery {
        Delivery::Files(changes) if consent == Consent::Nothing => {
            let paths = changes.into_iter().map(|change| change.path);
            return Ok(Delivered::Planned(paths.collect()));
        }
        Delivery::Command(_) if consent == Consent::Nothing => {
            return Ok(Delivered::Planned(Vec::new()))
        }
        Delivery::Files(changes) => return writer::write(&changes).map(Delivered::Written),
        Delivery::Command(import) => return import.run().map(|()| Delivered::Written(Vec::new())),
        Delivery::Product { text, append } => return Ok(Delivered::Product { text, append }),
        Delivery::Setting(setting, older) => (setting, older),
    };
    let (change, is_written) = (setting.change(), consent == Consent::Write);
    if setting.in_project && is_written {
        let (path, name) = (change.path.display(), printable(&setting.place.name));
        return Err(HandoverError::unsuitable(
            format!("{client} has {name} from {path}, a file of a project, which is not changed"),
            "leave out --write, and the setting for that file is printed; or choose another name with --name",
        )
        .into());
    }
    let writable = !writer::is_long(&change) && !setting.in_project;
    if !writable && is_written {
        warn_user!(
            ClientFileTooLarge,
            "{} is too large to be changed here, and is left as it is",
            change.path.display()
        );
    } else if let Some(older) = &older {
        let path = older.path.display();
        match is_written {
            true => warn_user!(
                OlderLogin,
                "the older login in {path} would be used in place of this one, and is removed"
            ),
            false => warn_user!(
                OlderLogin,
                "the older login in {path} is used in place of this one; --write removes it"
            ),
        }
    }
    if !writable || !is_written {
        let setting = ascii(&setting.shown());
        let path = change.path;
        return Ok(Delivered::Shown {
            setting,
            path,
            writable,
        });
    }
    undo::remember(records, client, key, &setting)?;
    let changes: Vec<_> = [change].into_iter().chain(older).collect();
    writer::write(&changes).map(Delivered::Written)
}
