//! Private files: opening them safely, and replacing them so that no crash, full disk or other user can harm them.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{anyhow, Context};
use zeroize::Zeroizing;

use crate::failure::{About, Code, Failure, Hint};
use crate::os::shell;
use checks::resolve;

pub use given::{read_given, GivenFile};
pub use holder::boot;
use lock::is_marker;
pub use lock::LockFile;
pub use open::{is_name_taken, rename_to_free};
pub use prepared::PreparedFile;

pub mod accounts;
mod checks;
mod given;
mod holder;
mod lock;
mod mount;
pub mod open;
pub mod owner;
mod prepared;
mod temporary;
#[cfg(all(test, unix))]
mod tests;

/// What a proof writes beyond the size of the file, in bytes: more than a login takes, so that a full disk is found.
const PROOF_BYTES: usize = 64 * 1024;

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// Another user could read, plant or change it.
    #[error("cannot use {}: {why}", path.display())]
    Insecure {
        /// The file or directory at fault.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// It may be read and not replaced.
    #[error("{} cannot be written: {why}", path.display())]
    ReadOnly {
        /// The file or link.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// It is a mount of its own, as containers make them of a file: it cannot be replaced.
    #[error("cannot replace {}: this file is a mount; mount its directory instead", .0.display())]
    Mount(PathBuf),
    /// Another process held the lock until the deadline.
    #[error("cannot lock {}: {}", path.display(), holder_in_words(*holder))]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// The process that holds it, if it is known.
        holder: Option<i32>,
    },
    /// The file is larger than its reader takes.
    #[error("cannot read {}: it is larger than {limit_bytes} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The most that is read, in bytes.
        limit_bytes: u64,
    },
    /// Anything else: the disk is full, the directory is read-only, …
    #[error(transparent)]
    Io(#[from] anyhow::Error),
}

impl Failure for DiskError {
    fn code(&self) -> Code {
        match self {
            Self::Insecure { .. } => Code::StoreInsecure,
            Self::Locked { .. } => Code::StoreLocked,
            Self::TooLarge { .. } => Code::StoreCorrupt,
            Self::ReadOnly { .. } | Self::Mount(_) | Self::Io(_) => Code::StoreUnusable,
        }
    }

    fn hint(&self, _about: &About) -> Option<Hint> {
        let hint = match self {
            Self::Insecure { .. } if std::env::var_os("SUDO_UID").is_some() => {
                "run mcp-login without sudo, or keep the login elsewhere with --data-dir DIR"
            }
            Self::Locked { holder: Some(pid), .. } => {
                let command = shell::process_command(*pid);
                let hint =
                    format!("try again when process {pid} is done; `{command}` tells what it is");
                return Some(hint.into());
            }
            Self::Locked { holder: None, path } if is_marker(path) => {
                let path = path.display();
                let hint = format!(
                    "try again when the other process is done; if no machine that shares this disk runs mcp-login now, remove {path}"
                );
                return Some(hint.into());
            }
            Self::Locked { holder: None, .. } => "try again when the other process is done",
            Self::TooLarge { path, .. } => return Some(move_away(path).into()),
            Self::Mount(_) => {
                "mount the directory that the file is in, so that it can be written to, and name the file in it"
            }
            Self::ReadOnly { .. } => {
                "let the user who owns it refresh and hand the file out anew, or log in into a file of your own with \
                 --store file:PATH"
            }
            Self::Io(err) if is_open_elsewhere(err) => {
                "another program has it open: try again when that is done"
            }
            _ if self.is_full() => {
                "free some space there, and run the command again"
            }
            Self::Insecure { .. } => {
                "keep the login elsewhere with --data-dir DIR or --store file:PATH"
            }
            Self::Io(_) => {
                "let mcp-login read and write there, or keep the login elsewhere with --data-dir DIR or --store file:PATH"
            }
        };
        Some(hint.into())
    }
}

impl DiskError {
    /// Tells whether the disk is full, or what the user may have of it.
    pub fn is_full(&self) -> bool {
        let Self::Io(err) = self else { return false };
        let mut causes = err.chain().filter_map(|it| it.downcast_ref::<io::Error>());
        causes.any(|it| matches!(it.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded))
    }
}

/// Tells whether a file could not be used because another program has it open and shares it with nobody.
fn is_open_elsewhere(err: &anyhow::Error) -> bool {
    let mut causes = err.chain().filter_map(|it| it.downcast_ref());
    causes.any(open::is_open_elsewhere)
}

/// Returns the hint for a file of logins that cannot be read.
pub fn move_away(path: &Path) -> String {
    let path = path.display();
    format!("repair the file, or log in again after `mv '{path}' '{path}.broken'`")
}

fn holder_in_words(holder: Option<i32>) -> String {
    match holder {
        Some(pid) => format!("process {pid} holds it"),
        None => "another process holds it".to_owned(),
    }
}

/// Opens a file for reading; `None` if there is none.
///
/// The file must be a regular one with a single name that belongs to us. Permissions of others are removed, with a
/// warning. A symbolic link is followed if it is ours, and its target too and not writable by others.
///
/// # Errors
///
/// [`DiskError::Insecure`] if the file, its link or a directory above it is open to another user.
pub fn open_private(path: &Path) -> Result<Option<File>, DiskError> {
    resolve(path)?.open()
}

/// Opens a file for reading as [`open_private`] does, but takes nothing away from others: it may not be ours to change.
///
/// # Errors
///
/// Those of [`open_private`].
pub fn open_untouched(path: &Path) -> Result<Option<File>, DiskError> {
    Ok(resolve(path)?.open_checked()?.map(|(file, _)| file))
}

/// Reads a file as [`open_private`] opens it; `None` if there is none.
///
/// # Errors
///
/// Those of [`open_private`], and [`DiskError::TooLarge`] if the file has more than `limit_bytes`.
pub fn read_private(
    path: &Path,
    limit_bytes: u64,
) -> Result<Option<Zeroizing<Vec<u8>>>, DiskError> {
    open_private(path)?
        .map(|file| read(path, file, limit_bytes))
        .transpose()
}

/// Reads a file as [`open_untouched`] opens it; `None` if there is none.
///
/// # Errors
///
/// Those of [`read_private`].
pub fn read_untouched(
    path: &Path,
    limit_bytes: u64,
) -> Result<Option<Zeroizing<Vec<u8>>>, DiskError> {
    open_untouched(path)?
        .map(|file| read(path, file, limit_bytes))
        .transpose()
}

fn read(path: &Path, file: File, limit_bytes: u64) -> Result<Zeroizing<Vec<u8>>, DiskError> {
    match read_bounded(file, limit_bytes) {
        Err(err) if err.kind() == io::ErrorKind::FileTooLarge => Err(DiskError::TooLarge {
            path: path.to_owned(),
            limit_bytes,
        }),
        read => Ok(read.with_context(|| cannot("read", path))?),
    }
}

/// Reads the rest of a file.
///
/// # Errors
///
/// [`io::ErrorKind::FileTooLarge`] for more than `limit_bytes`, and what the operating system reports.
pub fn read_bounded(file: File, limit_bytes: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    // One allocation: a vector that grows would leave copies of secrets behind.
    let size_bytes = file.metadata().map_or(0, |it| it.len()).min(limit_bytes);
    bytes.reserve_exact(usize::try_from(size_bytes).unwrap_or(0).saturating_add(2));
    file.take(limit_bytes.saturating_add(1))
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit_bytes {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}

/// Opens a file of another program for reading; `None` if there is none.
///
/// Anything but a regular file is refused before it is opened: opening a pipe or a device can block or have effects.
///
/// # Errors
///
/// What the operating system reports, and [`io::ErrorKind::InvalidInput`] for what is not a regular file.
pub fn open_regular(path: &Path) -> io::Result<Option<File>> {
    let check = |found: Metadata| match found.is_file() {
        true => Ok(()),
        false => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is not a regular file",
        )),
    };
    match fs::metadata(path) {
        Err(err)
            if matches!(
                err.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(None)
        }
        found => check(found?)?,
    }
    let file = open::open_to_read(path, true)?;
    // Another process may have replaced it since.
    check(file.metadata()?)?;
    Ok(Some(file))
}

/// Makes a directory and those above it, for this user only.
///
/// # Errors
///
/// What the operating system reports.
pub fn make_private_directories(directory: &Path) -> io::Result<()> {
    let missing = directory.ancestors().take_while(|above| !above.exists());
    let missing: Vec<_> = missing.collect();
    missing
        .into_iter()
        .rev()
        .try_for_each(owner::make_private_directory)
}

/// Opens a regular file for reading without waiting, whoever it belongs to.
///
/// # Errors
///
/// What the operating system reports.
pub fn open_without_waiting(path: &Path) -> io::Result<File> {
    open::open_to_read(path, true)
}

/// Replaces a file, or makes it, with mode 0600: whoever reads it sees the old bytes or the new ones, never a part.
///
/// Missing directories are made with mode 0700. What earlier runs left behind when they were killed is removed.
///
/// # Errors
///
/// As [`open_private`], or the failure of the disk; the old file is then as it was. A directory that cannot be
/// synchronised after the change is a warning only: the bytes are there.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), DiskError> {
    PreparedFile::open(prepare(path)?, path)?.store(bytes)
}

/// As [`write_atomically`], for what can be made again: it may not survive a power cut, and nothing waits for the disk.
///
/// # Errors
///
/// Those of [`write_atomically`].
pub fn write_cache(path: &Path, bytes: &[u8]) -> Result<(), DiskError> {
    PreparedFile::open(prepare(path)?, path)?.store_unsynced(bytes)
}

/// Replaces a file that holds no secret, or makes it: as [`write_atomically`], but it keeps the mode that it has.
///
/// # Errors
///
/// Those of [`write_atomically`].
pub fn write_shared(path: &Path, bytes: &[u8]) -> Result<(), DiskError> {
    let resolved = resolve(path)?;
    resolved.check_replaceable()?;
    let target = resolved.path;
    make_directories(directory_of(&target))?;
    let mode = match fs::symlink_metadata(&target) {
        Ok(found) if !found.is_file() => return Err(insecure(&target, "it is not a regular file")),
        Ok(found) => Some(found.permissions()),
        Err(err) if err.kind() == io::ErrorKind::NotFound => None,
        Err(err) => return Err(anyhow!(err).context(cannot("open", path)).into()),
    };
    let prepared = PreparedFile::open(target, path)?;
    if let Some(mode) = mode {
        prepared.set_mode(mode)?;
    }
    prepared.store(bytes)
}

/// Checks, without writing anything, that a file may be replaced or made: it is ours, and no mount.
///
/// # Errors
///
/// [`DiskError::ReadOnly`], [`DiskError::Mount`], [`DiskError::Insecure`].
pub fn check_replaceable(path: &Path) -> Result<(), DiskError> {
    resolve(path)?.check_replaceable()
}

/// Shows that [`write_atomically`] would work, by writing a temporary file and removing it.
///
/// # Errors
///
/// Those of [`write_atomically`].
pub fn prove_writable(path: &Path) -> Result<(), DiskError> {
    let target = prepare(path)?;
    let (_deferral, mut temporary) = temporary::beside(&target)?;
    let size_bytes = fs::metadata(&target).map_or(0, |found| found.len());
    // Not an array, which would be as long in the program.
    let piece = vec![b' '; PROOF_BYTES];
    let written = (0..=size_bytes.div_ceil(PROOF_BYTES as u64))
        .try_for_each(|_| temporary.as_file_mut().write_all(&piece))
        .and_then(|()| temporary.as_file().sync_all());
    Ok(written.with_context(|| cannot("write", path))?)
}

/// Removes what unfinished writes have left, and lets no more begin. To be called when the program ends, by itself, by a
/// signal or by a bug, since its threads are not waited for.
pub fn end() {
    temporary::remove_ours();
}

/// Returns the path that a change of `path` really changes: symbolic links followed, each under the rules of
/// [`open_private`].
///
/// # Errors
///
/// [`DiskError::Insecure`] if a link or directory on the way is open to another user.
pub fn real_path(path: &Path) -> Result<PathBuf, DiskError> {
    Ok(resolve(path)?.path)
}

/// Makes the directories above `path`, and checks that what is there may be replaced.
fn prepare(path: &Path) -> Result<PathBuf, DiskError> {
    let resolved = resolve(path)?;
    resolved.check_replaceable()?;
    make_directories(directory_of(&resolved.path))?;
    resolved.open()?;
    Ok(resolved.path)
}

fn make_directories(directory: &Path) -> Result<(), DiskError> {
    let made = make_private_directories(directory);
    Ok(made.with_context(|| cannot("make", directory))?)
}

fn directory_of(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

fn name_of(path: &Path) -> &OsStr {
    path.file_name().unwrap_or_default()
}

fn insecure(path: &Path, why: impl Into<String>) -> DiskError {
    DiskError::Insecure {
        path: path.to_owned(),
        why: why.into(),
    }
}

fn cannot(verb: &str, path: &Path) -> String {
    format!("cannot {verb} {}", path.display())
}
