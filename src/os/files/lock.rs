//! Lock files: one process at a time, for as long as it lives, and never a wait without an end.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{anyhow, Context};

use super::checks::{check_file, resolve};
use super::holder::{break_marker, holder_of, sign};
use super::open::{self, is_at, open_new_lock, open_to_lock};
use super::owner::{is_removed, undo_umask};
use super::{cannot, directory_of, make_directories, DiskError};
use crate::os::clock::Deadline;
use crate::os::stdio;

/// The first wait for a lock that is taken, and the longest.
const WAITS: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(20));

/// What is appended to the name of a lock for its marker.
const MARKER: &str = ".held";

/// A lock that this process holds until the value is dropped or the process ends.
#[derive(Debug)]
pub struct LockFile {
    /// The locked file; `None` once it was handed over.
    file: Option<File>,
    /// Where the file system has no locks, the file's existence is the lock, and this is its path.
    marker: Option<PathBuf>,
    /// The path of a file that is removed when the lock is released.
    transient: Option<PathBuf>,
}

impl LockFile {
    fn new(file: File, marker: Option<PathBuf>, transient: Option<PathBuf>) -> Self {
        let file = Some(file);
        Self {
            file,
            marker,
            transient,
        }
    }

    /// Takes the lock of the file at `path`, which is made with mode 0600 and stays.
    ///
    /// # Errors
    ///
    /// [`DiskError::Locked`] with the holder's process id once the deadline has passed; [`DiskError::Insecure`] as for
    /// [`super::open_private`].
    pub fn acquire(path: &Path, deadline: Deadline) -> Result<Self, DiskError> {
        let resolved = resolve(path)?;
        resolved.check_replaceable()?;
        let path = resolved.path;
        make_directories(directory_of(&path))?;
        let mut wait = WAITS.0;
        loop {
            match try_acquire(&path)? {
                Ok(file) if is_removed(&file) => {}
                Ok(mut file) => {
                    if let Err(err) = sign(&mut file) {
                        log::debug!("cannot write our process id to {}: {err}", path.display());
                    }
                    return Ok(Self::new(file, None, None));
                }
                Err(TryLockError::WouldBlock) if deadline.passed() => return Err(locked(path)),
                Err(TryLockError::WouldBlock) => pause(&mut wait, deadline),
                Err(TryLockError::Error(err)) if open::has_no_locks(&err) => {
                    return Self::acquire_by_marker(&path, deadline)
                }
                Err(TryLockError::Error(err)) => {
                    return Err(anyhow!(err).context(cannot("lock", &path)).into())
                }
            }
        }
    }

    /// Takes the lock on a file system without locks: whoever makes the marker file holds it.
    pub(super) fn acquire_by_marker(path: &Path, deadline: Deadline) -> Result<Self, DiskError> {
        let marker = with_suffix(path, MARKER);
        let mut wait = WAITS.0;
        loop {
            match open_new_lock(&marker) {
                Ok(mut file) => {
                    let signed = undo_umask(&file).and_then(|()| sign(&mut file));
                    signed.with_context(|| cannot("write", &marker))?;
                    return Ok(Self::new(file, Some(marker), None));
                }
                Err(err) if err.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(anyhow!(err).context(cannot("make", &marker)).into());
                }
                Err(_) => {}
            }
            if break_marker(&marker) {
                continue;
            }
            if deadline.passed() {
                return Err(locked(marker));
            }
            pause(&mut wait, deadline);
        }
    }
}

impl LockFile {
    /// Takes the lock as [`LockFile::acquire`] does; its file is removed when it is released.
    ///
    /// # Errors
    ///
    /// Those of [`LockFile::acquire`].
    pub fn acquire_transient(path: &Path, deadline: Deadline) -> Result<Self, DiskError> {
        let mut lock = Self::acquire(path, deadline)?;
        lock.transient = Some(resolve(path)?.path);
        Ok(lock)
    }

    /// Returns the transient lock on `path` that this process was given as its stdin; `None` if that is no such lock, or
    /// another process holds it.
    pub fn inherited(path: &Path) -> Option<Self> {
        let file = stdio::stdin_file().ok()?;
        let transient = resolve(path).ok()?.path;
        let is_held = open::has_lock(&file, &transient);
        is_held.then(|| Self::new(file, None, Some(transient)))
    }

    /// Gives the lock to a child process, as its stdin: it holds the lock then, also when this process ends first.
    ///
    /// # Errors
    ///
    /// Gives the lock back where the file system has no locks that can be inherited.
    pub fn hand_over(mut self) -> Result<Stdio, Self> {
        match self.file.take() {
            Some(file) if self.marker.is_none() => Ok(Stdio::from(file)),
            file => {
                self.file = file;
                Err(self)
            }
        }
    }
}

impl Drop for LockFile {
    fn drop(&mut self) {
        let Some(file) = self.file.take() else {
            return;
        };
        let released = match (&self.marker, &self.transient) {
            // Whoever took it for abandoned has made another one by now.
            (Some(marker), _) if !is_at(&file, marker) => Ok(()),
            (Some(marker), _) => fs::remove_file(marker),
            // Whoever waits for it opens the path again and sees that this file has no name any more.
            (None, Some(path)) if is_at(&file, path) => open::remove_lock(file, path),
            (None, _) => open::release_lock(file),
        };
        if let Err(err) = released {
            log::debug!("cannot release a lock: {err}");
        }
    }
}

fn locked(path: PathBuf) -> DiskError {
    let holder = holder_of(&path);
    DiskError::Locked { holder, path }
}

/// Opens a lock file and acquires its lock, without waiting.
fn try_acquire(path: &Path) -> Result<Result<File, TryLockError>, DiskError> {
    // Opened for each try: a file that somebody removed meanwhile is no lock.
    let file = match open_to_lock(path) {
        Err(err) if open::is_held(&err) => return Ok(Err(TryLockError::WouldBlock)),
        opened => opened.with_context(|| cannot("open", path))?,
    };
    check_file(path, &file)?;
    undo_umask(&file).with_context(|| cannot("lock", path))?;
    // Not the blocking call: on a network file system nothing would end it.
    Ok(open::try_lock(&file).map(|()| file))
}

fn pause(wait: &mut Duration, deadline: Deadline) {
    std::thread::sleep((*wait).min(deadline.left()));
    *wait = (*wait * 2).min(WAITS.1);
}

/// Tells whether a path is that of a marker, which stays when its machine is gone.
pub(super) fn is_marker(path: &Path) -> bool {
    path.as_os_str()
        .as_encoded_bytes()
        .ends_with(MARKER.as_bytes())
}

pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}
