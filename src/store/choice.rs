//! Where the user wants logins to be stored, and the directory of everything that is stored.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::backend::{Argument, BackendKind};
use super::router::BACKENDS;
use super::StoreError;
use crate::os::places;

/// Where the user wants logins to be stored: `auto`, `NAME` or `NAME:ARGUMENT`, with the name of a backend.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StoreChoice {
    /// The name of the backend; `None` for the first one that works.
    backend: Option<String>,
    argument: Option<OsString>,
}

impl StoreChoice {
    /// Returns the choice of this backend and no other one.
    pub(super) fn only(backend: &str, argument: Option<OsString>) -> Self {
        Self {
            backend: Some(backend.to_owned()),
            argument,
        }
    }

    /// Returns the choices that are one word, and the beginnings of those that need another.
    pub fn words() -> impl Iterator<Item = String> {
        let of = |kind: &BackendKind| match &kind.argument {
            Some(argument) if argument.is_needed => format!("{}:", kind.name),
            _ => kind.name.to_owned(),
        };
        [AUTO.to_owned()].into_iter().chain(BACKENDS.iter().map(of))
    }

    /// Returns the name of the chosen backend; `None` if the first one that works is to be used.
    pub fn backend(&self) -> Option<&str> {
        self.backend.as_deref()
    }

    /// Returns what the user wrote behind the name of the backend.
    pub(super) fn argument(&self) -> Option<&OsStr> {
        self.argument.as_deref()
    }

    /// Returns the file of the logins, if the user named one.
    pub fn file(&self) -> Option<&Path> {
        let is_file = self.kind()?.argument.as_ref()?.is_file;
        self.argument().filter(|_| is_file).map(Path::new)
    }

    fn kind(&self) -> Option<&'static BackendKind> {
        BACKENDS
            .iter()
            .find(|kind| Some(kind.name) == self.backend())
    }

    /// Returns the value of `--store` that means the same in every directory; `None` if the option is not needed.
    pub fn option(&self) -> Option<String> {
        let backend = self.backend.as_ref()?;
        Some(match &self.argument {
            None => backend.clone(),
            Some(argument) => {
                let kind = self.kind().and_then(|kind| kind.argument.as_ref());
                let shown = kind.map(|kind| (kind.option)(argument)).unwrap_or_default();
                format!("{backend}:{shown}")
            }
        })
    }
}

impl From<StoreChoice> for String {
    fn from(choice: StoreChoice) -> Self {
        match (choice.backend, choice.argument) {
            (None, _) => AUTO.to_owned(),
            (Some(backend), None) => backend,
            (Some(backend), Some(argument)) => {
                format!("{backend}:{}", argument.to_string_lossy())
            }
        }
    }
}

impl TryFrom<String> for StoreChoice {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl FromStr for StoreChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == AUTO {
            return Ok(Self::default());
        }
        let (name, argument) = match text.split_once(':') {
            Some((name, argument)) => (name, Some(argument)),
            None => (text, None),
        };
        let kind = BACKENDS.iter().find(|kind| kind.name == name);
        let needed = kind.and_then(|kind| kind.argument.as_ref());
        match (kind, needed, argument.map(str::trim)) {
            (Some(_), Some(it), None) if it.is_needed => Err(missing(name, it)),
            (Some(_), _, None) => Ok(Self::only(name, None)),
            (_, Some(it), Some("")) => Err(missing(name, it)),
            (_, Some(_), Some(argument)) => {
                // A shell does not replace it there.
                let Some(below) = argument.strip_prefix("~/") else {
                    return Ok(Self::only(name, Some(argument.into())));
                };
                let home = std::env::var_os(places::HOME).ok_or_else(|| {
                    format!(
                        "~ means the home directory, and {} is not set",
                        places::HOME
                    )
                })?;
                let path = Path::new(&home).join(below.trim_start_matches('/'));
                Ok(Self::only(name, Some(path.into())))
            }
            _ => {
                let forms = BACKENDS.iter().flat_map(|kind| {
                    let argument = kind.argument.as_ref();
                    let without = !argument.is_some_and(|it| it.is_needed);
                    [
                        without.then(|| kind.name.to_owned()),
                        argument.map(|it| format!("{}:{}", kind.name, it.what)),
                    ]
                });
                let forms: Vec<_> = forms.flatten().collect();
                let (last, others) = forms.split_last().ok_or("there is no store")?;
                Err(format!(
                    "a store is {AUTO}, {} or {last}",
                    others.join(", ")
                ))
            }
        }
    }
}

/// Says that a backend needs an argument.
fn missing(name: &str, argument: &Argument) -> String {
    let (what, example) = (argument.what.to_lowercase(), argument.example);
    format!("{name}: needs a {what}, as in {name}:{example}")
}

/// The choice of the first backend that works.
const AUTO: &str = "auto";

/// Returns the directory of everything that is stored: `explicit` if the user named one, else the platform's place. An empty
/// path if there is neither and none is needed, since the logins are stored in a file that the user named.
///
/// # Errors
///
/// [`StoreError::NoHome`] if there is neither.
pub fn data_dir(explicit: Option<PathBuf>, store: &StoreChoice) -> Result<PathBuf, StoreError> {
    let default = || {
        places::data_dir(
            std::env::var_os(places::DATA_HOME),
            std::env::var_os(places::HOME),
        )
    };
    let none = || store.file().map(|_| PathBuf::new());
    explicit
        .or_else(default)
        .or_else(none)
        .ok_or(StoreError::NoHome)
}

/// Returns the directory that would serve if nothing but the home directory were known.
pub fn usual_data_dir() -> Option<PathBuf> {
    places::data_dir(None, std::env::var_os(places::HOME))
}
