//! The one writer of other programs' files: under their own lock, everything else kept, whole or not at all, read back.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context;
use rustix::fs::OFlags;
use zeroize::Zeroizing;

use super::command;
use super::locks::acquire;
use super::{Change, HandoverError};
use crate::failure::{About, Code, Failure, Hint};
use crate::os::files::{self, DiskError, Durability};

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
    /// Somebody else has changed the file at the same time.
    #[error("{} does not hold what was written to it", .0.display())]
    Altered(PathBuf),
    /// A file was replaced, and cannot be read back.
    #[error("{} was written, and cannot be read back", path.display())]
    Unproven {
        /// The file.
        path: PathBuf,
        /// Why it cannot be read.
        source: Box<WriteError>,
    },
    /// The client's command cannot be run.
    #[error("cannot run {program}")]
    Command {
        /// The command.
        program: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The client's command has failed.
    #[error("{program} failed ({status})")]
    Failed {
        /// The command.
        program: &'static str,
        /// How it ended.
        status: std::process::ExitStatus,
    },
    /// The client's command did not come to an end.
    #[error("{program} did not end within {} s, and was ended", command::LIMIT.as_secs())]
    Late {
        /// The command.
        program: &'static str,
    },
    /// The client's command did not read what it was given.
    #[error("{program} ended without reading the login")]
    Unread {
        /// The command.
        program: &'static str,
    },
    /// The client's command has read the login, and does not have it where it keeps logins.
    #[error("{program} took the login, and {} does not hold it", path.display())]
    NotKept {
        /// The command.
        program: &'static str,
        /// The file that should hold it.
        path: PathBuf,
    },
}

impl Failure for WriteError {
    fn code(&self) -> Code {
        match self {
            Self::Refused(HandoverError::Unsuitable { .. }) => Code::HandoverImpossible,
            Self::Refused(HandoverError::UnknownFormat { .. }) => Code::FormatUnknown,
            Self::Command { .. } => Code::ClientMissing,
            Self::Disk(DiskError::Locked { .. }) => Code::ClientBusy,
            Self::Disk(_)
            | Self::Altered(_)
            | Self::Unproven { .. }
            | Self::Failed { .. }
            | Self::Late { .. }
            | Self::Unread { .. }
            | Self::NotKept { .. } => Code::ClientNotWritten,
        }
    }

    fn hint(&self, about: &About) -> Option<Hint> {
        let client = about.name;
        let hint = match self {
            Self::Refused(HandoverError::Unsuitable { hint, .. }) => hint.clone(),
            Self::Refused(HandoverError::UnknownFormat { .. }) => {
                format!(
                    "nothing was changed; move the file away if it is broken; if a newer {client} wrote it, see if there is a \
                     newer mcp-login"
                )
            }
            Self::Command { program, .. } => format!("install {program}, or put it on the PATH"),
            Self::Disk(DiskError::Locked { .. }) => {
                format!("end {client}, and run the command again")
            }
            Self::Altered(_) | Self::Unproven { .. } => {
                format!("end {client}, and see whether it has the login now; if it has not, log in again")
            }
            Self::Disk(_) => {
                "see that the file and its directory belong to you, and run the command again"
                    .to_owned()
            }
            Self::Failed { .. } => return None,
            Self::Unread { .. } => {
                "the login is still here; see what the command said, and run it again".to_owned()
            }
            Self::Late { .. } | Self::NotKept { .. } => {
                format!("see whether {client} has the login now; if it has not, log in again")
            }
        };
        Some(hint.into())
    }
}

impl WriteError {
    /// Tells whether the client may have got what was meant for it all the same.
    pub fn may_have_given(&self) -> bool {
        matches!(
            self,
            Self::Altered(_) | Self::Unproven { .. } | Self::Late { .. } | Self::NotKept { .. }
        )
    }
}

/// Makes all changes, in their order; returns the files.
///
/// # Errors
///
/// A [`WriteError`]. What is not in the known format is seen before any file is changed; in other cases those before the
/// one that failed are changed.
pub fn write(changes: &[Change]) -> Result<Vec<PathBuf>, WriteError> {
    changes
        .iter()
        .try_for_each(|change| edited(change).map(drop))?;
    let last = changes.len().saturating_sub(1);
    changes
        .iter()
        .enumerate()
        .map(|(place, change)| write_one(change).map_err(|err| before(err, place == last)))
        .collect()
}

/// Returns an error as it counts: the tokens come last, so that a failure before them gives nothing away.
fn before(err: WriteError, is_last: bool) -> WriteError {
    match err {
        WriteError::Unproven { source, .. } if !is_last => *source,
        err => err,
    }
}

/// Tells whether a configuration is too long to be changed.
pub fn is_long(change: &Change) -> bool {
    fs::metadata(&change.path).is_ok_and(|found| found.len() > MAX_CHANGED_BYTES)
}

type Text = Zeroizing<String>;

/// Returns the text of a file and what it is to become.
fn edited(change: &Change) -> Result<(Option<Text>, Text), WriteError> {
    let old = read(change)?;
    let new = change.apply(old.as_ref().map(|text| text.as_str()))?;
    Ok((old, new))
}

fn write_one(change: &Change) -> Result<PathBuf, WriteError> {
    let _held = change.lock.as_ref().map(acquire).transpose()?;
    let (old, new) = edited(change)?;
    if old.as_ref() != Some(&new) {
        match change.secret {
            true => files::write_atomically(&change.path, new.as_bytes(), Durability::Synced)?,
            false => files::write_shared(&change.path, new.as_bytes())?,
        }
    }
    let path = change.path.clone();
    match read(change) {
        Ok(Some(found)) if found == new => Ok(path),
        Ok(_) => Err(WriteError::Altered(path)),
        Err(source) => Err(WriteError::Unproven {
            path,
            source: Box::new(source),
        }),
    }
}

fn read(change: &Change) -> Result<Option<Text>, WriteError> {
    read_text(&change.path, change.secret)
}

/// Reads a file of a client's as text; `None` if there is none. With `secret` nobody else may be able to read it.
///
/// # Errors
///
/// [`WriteError::Disk`], and [`WriteError::Refused`] for what is no text.
pub(super) fn read_text(path: &Path, secret: bool) -> Result<Option<Text>, WriteError> {
    let bytes = if secret {
        files::read_private(path, MAX_BYTES)?
    } else {
        read_shared(path)?
    };
    let text =
        bytes.map(|bytes| std::str::from_utf8(&bytes).map(|text| Zeroizing::new(text.to_owned())));
    Ok(text
        .transpose()
        .map_err(|_| HandoverError::unknown(path, "it is not UTF-8 text"))?)
}

/// Reads a file that others may read too; `None` if there is none.
fn read_shared(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, DiskError> {
    // A pipe in its place is not waited for.
    let nonblocking = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    let file = match OpenOptions::new()
        .read(true)
        .custom_flags(nonblocking)
        .open(path)
    {
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.with_context(|| format!("cannot open {}", path.display()))?,
    };
    if !file.metadata().is_ok_and(|found| found.is_file()) {
        return Err(DiskError::Insecure {
            path: path.to_owned(),
            why: "it is not a regular file".to_owned(),
        });
    }
    let mut bytes = Zeroizing::new(Vec::new());
    let limit_bytes = MAX_BYTES;
    file.take(limit_bytes + 1)
        .read_to_end(&mut bytes)
        .with_context(|| format!("cannot read {}", path.display()))?;
    if bytes.len() as u64 > limit_bytes {
        return Err(DiskError::TooLarge {
            path: path.to_owned(),
            limit_bytes,
        });
    }
    Ok(Some(bytes))
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
    written
        .with_context(|| format!("cannot add to {}", path.display()))
        .map_err(DiskError::Io)?;
    Ok(())
}
