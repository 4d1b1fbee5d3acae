//! The one writer of the files of clients: under the client's lock, with all else unchanged, atomic, and read back.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context;
use zeroize::Zeroizing;

use super::locks::acquire;
use super::{Change, HandoverError};
use crate::failure::{About, Code, Failure, Hint};
use crate::os::files::{self, DiskError};

/// Largest file of a client that is read as a whole, in bytes.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// Largest configuration that is changed, in bytes: an edit that keeps every other byte needs many times that memory.
const MAX_CHANGED_BYTES: u64 = 16 * 1024 * 1024;

/// Why a client did not get what was meant for it.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// It cannot be given to this client.
    #[error(transparent)]
    Refused(#[from] HandoverError),
    /// A file cannot be read or written.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// A file was replaced, and does not hold the new text now, or cannot be read.
    #[error("{message}")]
    Unverified {
        /// Which file.
        message: String,
        /// Why it cannot be read.
        source: Option<Box<WriteError>>,
    },
    /// The client's command cannot be run.
    #[error("cannot run {program}")]
    Command {
        /// The command.
        program: &'static str,
        /// What the operating system reports.
        source: io::Error,
    },
    /// The client's command failed, or did not read the login.
    #[error("{message}")]
    Failed {
        /// How it ended.
        message: String,
        /// What to do about it, unless the command said so itself.
        hint: Option<&'static str>,
    },
    /// The client's command read the login, or may have read it, and the client's file does not hold it.
    #[error("{0}")]
    Unconfirmed(String),
}

impl Failure for WriteError {
    fn code(&self) -> Code {
        match self {
            Self::Refused(HandoverError::Unsuitable { .. }) => Code::HandoverImpossible,
            Self::Refused(HandoverError::UnknownFormat { .. }) => Code::FormatUnknown,
            Self::Command { .. } => Code::ClientMissing,
            Self::Disk(DiskError::Locked { .. }) => Code::ClientBusy,
            _ => Code::ClientNotWritten,
        }
    }

    fn hint(&self, about: &About) -> Option<Hint> {
        let client = about.name;
        let hint = match self {
            Self::Refused(HandoverError::Unsuitable { hint, .. }) => hint.clone(),
            Self::Refused(HandoverError::UnknownFormat { .. }) => format!(
                "nothing was changed; move the file away if it is broken; if a newer {client} wrote it, see if there is a \
                 newer mcp-login"
            ),
            Self::Command { program, .. } => format!("install {program}, or put it on the PATH"),
            Self::Disk(DiskError::Locked { .. }) => {
                format!("end {client}, and run the command again")
            }
            Self::Disk(err) if err.is_full() => return err.hint(about),
            Self::Disk(_) => {
                "see that the file and its directory belong to you, and run the command again".into()
            }
            Self::Failed { hint, .. } => return hint.map(Hint::from),
            Self::Unverified { .. } => format!(
                "end {client}, and see whether it has the login now; if it has not, log in again"
            ),
            Self::Unconfirmed(_) => {
                format!("see whether {client} has the login now; if it has not, log in again")
            }
        };
        Some(hint.into())
    }
}

impl WriteError {
    /// Returns whether the client may have the login all the same.
    pub fn may_have_given(&self) -> bool {
        matches!(self, Self::Unverified { .. } | Self::Unconfirmed(_))
    }

    /// A file was replaced, and cannot be read.
    pub(super) fn unreadable(path: &Path, source: Self) -> Self {
        Self::Unverified {
            message: format!("{} was written, and cannot be read back", path.display()),
            source: Some(Box::new(source)),
        }
    }
}

/// Makes all changes, in their order; returns the files.
///
/// # Errors
///
/// A [`WriteError`]. A file that is not in the known format is found before any file is changed; after another error the
/// files before the failed one are changed.
pub fn write(changes: &[Change]) -> Result<Vec<PathBuf>, WriteError> {
    for change in changes {
        edited(change)?;
    }
    let mut written = Vec::new();
    for (at, change) in changes.iter().enumerate() {
        match write_one(change) {
            Ok(()) => written.push(change.path.clone()),
            // The tokens come last: a failure before them gives nothing away.
            Err(WriteError::Unverified {
                source: Some(source),
                ..
            }) if at + 1 < changes.len() => return Err(*source),
            Err(err) => return Err(err),
        }
    }
    Ok(written)
}

/// Returns whether a configuration is too long to be changed.
pub fn is_long(change: &Change) -> bool {
    fs::metadata(&change.path).is_ok_and(|found| found.len() > MAX_CHANGED_BYTES)
}

type Text = Zeroizing<String>;

/// Returns the text of a file and what it is to become.
fn edited(change: &Change) -> Result<(Option<Text>, Text), WriteError> {
    let old = read_text(&change.path, change.secret)?;
    let new = change.apply(old.as_ref().map(|text| text.as_str()))?;
    Ok((old, new))
}

fn write_one(change: &Change) -> Result<(), WriteError> {
    let path = &change.path;
    let _held = change.lock.as_ref().map(acquire).transpose()?;
    let (old, new) = edited(change)?;
    if old.as_ref() != Some(&new) {
        match change.secret {
            true => files::write_atomically(path, new.as_bytes())?,
            false => files::write_shared(path, new.as_bytes())?,
        }
    }
    match read_text(path, change.secret) {
        Ok(Some(found)) if found == new => Ok(()),
        Ok(_) => Err(WriteError::Unverified {
            message: format!("{} does not hold what was written to it", path.display()),
            source: None,
        }),
        Err(source) => Err(WriteError::unreadable(path, source)),
    }
}

/// Reads a file of a client as text; `None` if there is none. With `secret` no other user may be able to read it.
///
/// # Errors
///
/// [`WriteError::Disk`], and [`WriteError::Refused`] for what is not text.
pub(super) fn read_text(path: &Path, secret: bool) -> Result<Option<Text>, WriteError> {
    let bytes = match secret {
        true => files::read_private(path, MAX_BYTES)?,
        false => files::open_regular(path)
            .and_then(|file| {
                file.map(|it| files::read_bounded(it, MAX_BYTES))
                    .transpose()
            })
            .with_context(|| format!("cannot read {}", path.display()))
            .map_err(DiskError::Io)?,
    };
    let Some(bytes) = bytes else {
        return Ok(None);
    };
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| HandoverError::unknown(path, "it is not UTF-8 text"))?;
    Ok(Some(Zeroizing::new(text.to_owned())))
}

/// Adds lines to the end of a file that another program made for it.
///
/// # Errors
///
/// [`WriteError::Disk`].
pub fn append(path: &Path, lines: &str) -> Result<(), WriteError> {
    let written = OpenOptions::new()
        .append(true)
        .open(path)
        .and_then(|mut file| file.write_all(lines.as_bytes()));
    Ok(written
        .with_context(|| format!("cannot add to {}", path.display()))
        .map_err(DiskError::Io)?)
}
