//! Files with a secret that the user names on the command line.

use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::owner::{belongs_to_us, mode};
use super::read_bounded;
use crate::os::shell;
use crate::warning::warn_user;

/// A file that the user names.
pub struct GivenFile {
    /// What it holds.
    pub bytes: Zeroizing<Vec<u8>>,
    /// Its absolute path, if it can be read again later: a pipe cannot.
    pub path: Option<PathBuf>,
}

/// Reads a file, or a pipe to its end. One of ours that other users could read gets a warning, as `ssh` warns of a key.
///
/// # Errors
///
/// [`io::ErrorKind::FileTooLarge`] for more than `limit_bytes`, and what the operating system reports.
pub fn read_given(path: &Path, limit_bytes: u64) -> io::Result<GivenFile> {
    let file = File::open(path)?;
    let found = file.metadata()?;
    let absolute = std::path::absolute(path);
    if is_open_to_others(&found) {
        // One name for one file, which may be read again by that of a stored login.
        let path = absolute.as_deref().unwrap_or(path).to_string_lossy();
        let quoted = shell::quoted(&path);
        warn_user!(
            FileReadable,
            "other users could read {path}; run: chmod 600 {quoted}"
        );
    }
    Ok(GivenFile {
        bytes: read_bounded(file, limit_bytes)?,
        path: absolute
            .ok()
            .filter(|_| found.is_file() && !is_transient(path)),
    })
}

/// Tells whether a name means another file in each process. Others below `/dev` do not: `/dev/shm` holds files in memory.
pub(super) fn is_transient(path: &Path) -> bool {
    let transient = ["/dev/fd", "/dev/stdin", "/proc"];
    transient.iter().any(|it| path.starts_with(it))
}

fn is_open_to_others(found: &Metadata) -> bool {
    let others = mode(found).unwrap_or_default() & 0o077;
    found.is_file() && belongs_to_us(found) && others != 0
}
