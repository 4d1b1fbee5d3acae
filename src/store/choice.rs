//! Where the user wants logins to be kept, and the directory of everything that is kept.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{journal, StoreError};
use crate::os::files::accounts;

/// Where the user wants logins to be kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum StoreChoice {
    /// In the keyring if it works, else in the file.
    #[default]
    Auto,
    /// In the keyring and nowhere else.
    Keyring,
    /// In the default file; or in one that stands for itself and is its own index.
    File(Option<PathBuf>),
}

impl FromStr for StoreChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix("file:") {
            Some("") => Err("file: needs a path, as in file:/run/user/1000/login.json".to_owned()),
            // A shell does not replace it there.
            Some(path) if path.starts_with("~/") => match std::env::var_os("HOME") {
                Some(home) => Ok(Self::File(Some(
                    PathBuf::from(home).join(path.trim_start_matches("~/")),
                ))),
                None => Err("there is no HOME that ~ could stand for".to_owned()),
            },
            Some(path) => Ok(Self::File(Some(path.into()))),
            None if text == "auto" => Ok(Self::Auto),
            None if text == "keyring" => Ok(Self::Keyring),
            None if text == "file" => Ok(Self::File(None)),
            None => Err("a store is auto, keyring, file or file:PATH".to_owned()),
        }
    }
}

/// Returns the directory of everything that is kept: `explicit` if the user named one, else the platform's place. An empty
/// path if there is neither and none is needed, since the logins are kept in a file that the user named.
///
/// # Errors
///
/// [`StoreError::NoHome`] if there is neither.
pub fn data_dir(explicit: Option<PathBuf>, store: &StoreChoice) -> Result<PathBuf, StoreError> {
    let default = || default_data_dir(std::env::var_os("XDG_DATA_HOME"), std::env::var_os("HOME"));
    let none = || matches!(store, StoreChoice::File(Some(_))).then(PathBuf::new);
    explicit
        .or_else(default)
        .or_else(none)
        .ok_or(StoreError::NoHome)
}

/// The variable that names the directory of [`keyring_lock_dir`].
const LOCK_DIR: &str = "MCP_LOGIN_LOCK_DIR";

/// Returns the directory of the locks and journals of logins in the keyring.
///
/// A user has one keyring and may have many data directories, since snaps, Flatpaks, cron and services see different
/// environments. So it is found by what the system's database says of the user; by the data directory only if the database
/// does not know the user. A variable can name another one, for all programs that use the keyring.
pub(super) fn keyring_lock_dir(data_dir: &Path) -> PathBuf {
    if let Some(named) = std::env::var_os(LOCK_DIR)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
    {
        return named;
    }
    let of_user = || default_data_dir(None, Some(accounts::home()?.into_os_string()));
    journal::in_data_dir(&of_user().unwrap_or_else(|| data_dir.to_owned()))
}

/// Returns the directory that would serve if nothing but the home directory were known.
pub fn usual_data_dir() -> Option<PathBuf> {
    default_data_dir(None, std::env::var_os("HOME"))
}

pub(super) fn default_data_dir(
    xdg_data_home: Option<OsString>,
    home: Option<OsString>,
) -> Option<PathBuf> {
    // Spec: XDG Base Directory Specification: a path that is not absolute is to be ignored.
    let absolute =
        |path: Option<OsString>| path.map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || absolute(home);
    if cfg!(target_os = "macos") {
        return Some(home()?.join("Library/Application Support/mcp-login"));
    }
    let data_home = absolute(xdg_data_home).or_else(|| Some(home()?.join(".local/share")))?;
    Some(data_home.join("mcp-login"))
}
