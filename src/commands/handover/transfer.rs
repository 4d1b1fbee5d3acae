//! The transfer of a login to a client. It has one owner afterwards.
//!
//! Where the client becomes the owner, our copy is marked before the client's files change, and loses its tokens once
//! they were read back there. Whatever interrupts this, no token is used by two, and none is lost.

use std::path::{Path, PathBuf};
use std::time::Duration;

use zeroize::Zeroizing;

use crate::cli::servers::store_name;
use crate::clients::config::ConfiguredServer;
use crate::clients::writer::{self, WriteError};
use crate::clients::{
    ours, Change, Delivery, Handover, HandoverError, Mode, Places, Target, MCP_REMOTE,
};
use crate::context::Context;
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

/// What the user wants.
pub struct HandoverOptions<'a> {
    /// Who gets the login.
    pub client: &'static Target,
    /// Who owns the refresh token afterwards; `None` for what suits the client.
    pub mode: Option<Mode>,
    /// Write a setting, in place of showing it.
    pub write: bool,
    /// The server's name in the client's configuration, if the user gives it.
    pub name: Option<&'a str>,
    /// The name by which the user called the server, in another client's configuration.
    pub typed: Option<&'a str>,
    /// The variable for the token, where one is set.
    pub variable: &'a str,
    /// The command, for a shell, that prints the headers of a request.
    pub helper: &'a str,
}

/// What was done.
pub struct Transfer {
    /// Who owns the refresh token now.
    pub mode: Mode,
    /// The server's name in the client's configuration.
    pub name: String,
    /// What was done.
    pub what: What,
    /// The servers of other clients' configurations that ask us for a token of this login, and get none any more.
    pub cut_off: Vec<ConfiguredServer>,
}

/// What was done for the client.
pub enum What {
    /// These files were changed, and read back.
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
    /// The client's own command took the login.
    Imported,
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
    context: &Context,
    places: &Places,
) -> Result<Transfer, Error> {
    let failed = |source: WriteError| Error::HandOver {
        client: options.client.name,
        source,
    };
    let store = context.store_to_read(Interaction::Allowed);
    let settings = &refresh::Settings::of(context);
    let seen = refresh::load(&store, key, settings)?;
    let mode = mode(options, &seen).map_err(|refusal| failed(refusal.into()))?;
    if seen.needs_login && mode != Mode::Access {
        return Err(refresh::refused_before(&seen, settings));
    }
    if mode == Mode::Access && !options.client.asks_us {
        refresh::live(
            key,
            Freshness {
                min_ttl: MIN_LIFE,
                refresh: false,
            },
            context,
            Deadline::after(refresh::LIMIT),
        )?;
    }
    let unreadable = |err: StoreError| Error::unreadable(key, err);
    let locked = LockedLogin::acquire(&store, key, Deadline::after(LOCK_LIMIT));
    let mut locked = locked.map_err(unreadable)?;
    locked.ours(settings)?;
    locked.adopt()?;
    let mut kept = locked.ours(settings)?.credentials;
    let configured = configured(key, options, places).map_err(|refusal| failed(refusal.into()))?;
    let name = options
        .name
        .map(str::to_owned)
        .or_else(|| configured.as_ref().map(|it| it.name.clone()));
    let name = name
        .or(options.typed.map(str::to_owned))
        .unwrap_or_else(|| name_of(&key.server));
    let url = configured
        .as_ref()
        .map_or(key.server.clone(), |it| it.url.clone());
    let metadata = login::metadata(&context.cache(), &kept);
    // A secret that came unasked with a public registration is for the server's revocation endpoint alone.
    let is_public = kept.client_auth == ClientAuth::None;
    let client_secret = kept.client_secret.clone().filter(|_| !is_public);
    let given = Credentials {
        client_secret,
        ..kept.clone()
    };
    let grant = Handover {
        login: &given,
        name: &name,
        url: &url,
        configured: configured.as_ref(),
        metadata: metadata.as_ref(),
        mode,
        helper: options.helper,
        variable: options.variable,
        now: Time::now(),
    };
    if let Some(ConfiguredServer {
        in_project: true,
        path,
        ..
    }) = &configured
    {
        warn_user!(
            ProjectFile,
            "the name {} comes from a project's file: {}",
            printable(&name),
            path.display()
        );
    }
    let delivery =
        (options.client.deliver)(&grant, places).map_err(|refusal| failed(refusal.into()))?;
    // Not every client has a lock for its files: our own processes at least take turns.
    let turn = LockFile::acquire(&own_lock(context), Deadline::after(TURN_LIMIT));
    let _turn = turn.map_err(|err| unreadable(err.into()))?;
    if mode != Mode::Move {
        return Ok(Transfer {
            mode,
            name,
            what: deliver(delivery, options.write).map_err(failed)?,
            cut_off: Vec::new(),
        });
    }
    let to = options.client.name.to_owned();
    let what = move_to_client(&mut kept, to, (&store, key), || {
        deliver(delivery, options.write)
    })?
    .map_err(failed)?;
    let cut_off = ours::that_ask_for(key, places, |url| is_server(url, key));
    Ok(Transfer {
        mode,
        name,
        what,
        cut_off,
    })
}

/// Returns the lock that only one of our own processes holds at a time.
fn own_lock(context: &Context) -> PathBuf {
    match context.store.argument() {
        Some(file) if context.data_dir.as_os_str().is_empty() => {
            Path::new(file).with_extension("handover.lock")
        }
        _ => context.data_dir.join("handover.lock"),
    }
}

/// Moves a login to a client: marks it before, and removes its tokens when the client has them. A change that another
/// process makes meanwhile wins.
fn move_to_client<T>(
    kept: &mut Credentials,
    to: String,
    (store, key): (&Store, &StoredId),
    deliver: impl FnOnce() -> Result<T, WriteError>,
) -> Result<Result<T, WriteError>, Error> {
    kept.handed_over = Some(store::HandedOver {
        to,
        at: Time::now(),
    });
    save(store, kept, key)?;
    let delivered = deliver();
    let now = store.load(key).map_err(|err| Error::unreadable(key, err))?;
    if now.is_none_or(|now| now.generation != kept.generation) {
        warn_user!(
            LoginChanged,
            "a new login or a logout came meanwhile, and is left as it is"
        );
        return Ok(delivered);
    }
    match &delivered {
        Ok(_) => {
            kept.access_token = Secret::new("");
            kept.refresh_token = None;
            save(store, kept, key)?;
        }
        // The mark stays: nobody knows who uses the refresh token now.
        Err(err) if err.may_have_given() => {}
        Err(_) => {
            kept.handed_over = None;
            save(store, kept, key)?;
        }
    }
    Ok(delivered)
}

fn save(store: &Store, kept: &mut Credentials, key: &StoredId) -> Result<(), Error> {
    let saved = store.save(kept).map_err(|err| Error::not_kept(key, err))?;
    saved
        .notice
        .iter()
        .for_each(|notice| warn_user!(StoreFallback, "{notice}"));
    Ok(())
}

/// Returns the mode that the user wants, or the usual one. A login that cannot be refreshed is not moved.
fn mode(options: &HandoverOptions, kept: &Credentials) -> Result<Mode, HandoverError> {
    let client = options.client;
    let cannot_move = kept.refresh_token.is_none();
    let usual = client
        .modes
        .iter()
        .copied()
        .find(|mode| *mode != Mode::Move || !cannot_move);
    match options.mode {
        Some(Mode::Move) if cannot_move => Err(HandoverError::unsuitable(
            "there is no refresh token to move: the server gave none",
            "use --mode access: the client gets the access token, until it expires",
        )),
        None => Ok(usual.unwrap_or(Mode::Access)),
        Some(mode) if client.modes.contains(&mode) => Ok(mode),
        Some(mode) => {
            let others: Vec<_> = client.modes.iter().map(Mode::to_string).collect();
            Err(HandoverError::unsuitable(
                format!("{} cannot be served with --mode {mode}", client.name),
                format!("use --mode {}, or leave it out", others.join(" or ")),
            ))
        }
    }
}

/// Finds the server in the client's own configuration, by its URL.
fn configured(
    key: &StoredId,
    options: &HandoverOptions,
    places: &Places,
) -> Result<Option<ConfiguredServer>, HandoverError> {
    let Some(source) = options.client.source else {
        return Ok(None);
    };
    let mut found = options.client.servers(places);
    found.retain(|it| is_server(&it.url, key));
    found.retain(|it| options.name.is_none_or(|name| it.name == name));
    let bridged = source == MCP_REMOTE;
    let Some(first) = found.first() else {
        // The bridge knows no names.
        if options.name.is_some() || options.client.asks_us || bridged {
            return Ok(None);
        }
        return Err(HandoverError::unsuitable(format!("the configuration of {source} names no server with the URL {}", key.server), format!("add the server to {source} first, or give the name that it will have there with --name")));
    };
    let other = |it: &ConfiguredServer| {
        if bridged {
            it.entry != first.entry
        } else {
            it.name != first.name
        }
    };
    if found.iter().any(other) {
        let name = |it: &ConfiguredServer| {
            if bridged {
                it.full_name()
            } else {
                it.name.clone()
            }
        };
        let names: Vec<_> = found.iter().map(name).collect();
        return Err(HandoverError::unsuitable(
            format!(
                "{source} knows {} by several names: {}",
                key.server,
                names.join(", ")
            ),
            "choose one of them with --name, or give them the same settings",
        ));
    }
    options.client.wants(first)?;
    Ok(found.into_iter().next())
}

/// Tells whether a URL means the server of a login.
fn is_server(url: &str, key: &StoredId) -> bool {
    url::Url::parse(url).is_ok_and(|url| store_name(&url) == key.server)
}

/// Makes a name for a server: the last part of its host before the top-level domain that is no common word.
fn name_of(server: &str) -> String {
    let host = url::Url::parse(server)
        .ok()
        .and_then(|url| url.host_str().map(str::to_owned));
    let host = host.unwrap_or_else(|| server.to_owned());
    let labels: Vec<&str> = host.split('.').collect();
    let is_name =
        |label: &&&str| !["mcp", "www", "api"].contains(*label) && label.parse::<u16>().is_err();
    let known = labels
        .get(..labels.len().saturating_sub(1))
        .unwrap_or_default();
    known.iter().rfind(is_name).unwrap_or(&"server").to_string()
}

fn deliver(delivery: Delivery, write: bool) -> Result<What, WriteError> {
    match delivery {
        Delivery::Files(changes) => writer::write(&changes).map(What::Written),
        Delivery::Setting { shown, change, .. } if writer::is_long(&change) => {
            if write {
                warn_user!(
                    ClientFileTooLarge,
                    "{} is too large to be changed here, and is left as it is",
                    change.path.display()
                );
            }
            Ok(What::Shown {
                setting: ascii(&shown),
                path: change.path,
                writable: false,
            })
        }
        Delivery::Setting { change, older, .. } if write => {
            if let Some(older) = &older {
                warn_user!(
                    OlderLogin,
                    "the older login in {} would be used in place of this one, and is removed",
                    older.path.display()
                );
            }
            let changes: Vec<_> = [change].into_iter().chain(older).collect();
            writer::write(&changes).map(What::Written)
        }
        Delivery::Setting {
            shown,
            change: Change { path, .. },
            older,
        } => {
            if let Some(older) = &older {
                let path = older.path.display();
                warn_user!(
                    OlderLogin,
                    "the older login in {path} is used in place of this one; --write removes it"
                );
            }
            Ok(What::Shown {
                setting: ascii(&shown),
                path,
                writable: true,
            })
        }
        Delivery::Command(import) => import.run().map(|()| What::Imported),
        Delivery::Product { text, append } => Ok(What::Product { text, append }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_servers() {
        for (server, name) in [
            ("https://mcp.linear.app/mcp", "linear"),
            ("https://linear.app", "linear"),
            ("https://api.githubcopilot.com/mcp/", "githubcopilot"),
            ("https://docs.mcp.example.com/mcp", "example"),
            ("http://127.0.0.1:8000/mcp", "server"),
            ("http://localhost:8000/mcp", "server"),
            ("https://mcp.com", "server"),
        ] {
            assert_eq!(name_of(server), name, "{server}");
        }
    }
}
