//! Acquires the locks of clients in the way in which the clients do.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::anyhow;

use super::Lock;
use crate::os::clock::{since_boot, Deadline};
use crate::os::files::{self, DiskError, LockFile};
use crate::os::signals::{self, Deferral};
use crate::warning::warn_user;

/// Longest wait for a client that holds its lock.
const LOCK_LIMIT: Duration = Duration::from_secs(10);

/// Pause between two attempts to acquire a lock.
const PAUSE: Duration = Duration::from_millis(20);

/// Age after which the directory of a lock counts as left behind by a client that was killed: opencode breaks its own
/// locks after the same time, Cline after ten seconds.
const ABANDONED: Duration = Duration::from_secs(60);

/// A lock of a client, released on drop.
pub(super) enum HeldLock {
    /// A lock of the operating system.
    File { _lock: LockFile },
    /// A directory with a file that holds `owner`, which nobody else removes. Another process may replace it by its own.
    Directory {
        path: PathBuf,
        owner: String,
        _deferral: Deferral,
    },
}

/// The name of that file.
const OWNER: &str = "owner";

/// Acquires a lock.
///
/// # Errors
///
/// [`DiskError::Locked`] if the client does not release it in time, and other errors of the file system.
pub(super) fn acquire(lock: &Lock) -> Result<HeldLock, DiskError> {
    let deadline = Deadline::after(LOCK_LIMIT);
    match lock {
        Lock::File(path) => Ok(HeldLock::File {
            _lock: LockFile::acquire(path, deadline)?,
        }),
        Lock::Directory(path) => acquire_directory(path, deadline),
    }
}

/// Makes a directory with a file in it and renames it: for Cline an empty directory is a free lock, for opencode any
/// directory is a held one. A signal ends this process while it waits, and not while there is a directory of its own.
fn acquire_directory(path: &Path, deadline: Deadline) -> Result<HeldLock, DiskError> {
    let ours = path.with_extension(format!("{}.tmp", std::process::id()));
    let now = since_boot().as_nanos();
    let owner = format!("{} {} {now}", env!("CARGO_PKG_NAME"), std::process::id());
    loop {
        let deferral = signals::defer();
        let made = files::make_private_directories(&ours)
            .and_then(|()| fs::write(ours.join(OWNER), &owner));
        let Err(err) = made.and_then(|()| files::rename_to_free(&ours, path)) else {
            return Ok(HeldLock::Directory {
                path: path.to_owned(),
                owner,
                _deferral: deferral,
            });
        };
        let _ = fs::remove_dir_all(&ours);
        if !files::is_name_taken(&err) {
            return Err(anyhow!(err).context(cannot(path)).into());
        }
        if is_abandoned(path) && remove(path, is_abandoned) {
            warn_user!(
                LockRemoved,
                "{} was left behind, and is removed",
                path.display()
            );
        } else if deadline.passed() {
            let (path, holder) = (path.to_owned(), None);
            return Err(DiskError::Locked { path, holder });
        } else {
            drop(deferral);
            std::thread::sleep(PAUSE);
        }
    }
}

/// Removes the directory of a lock if `is_meant` holds for it. Another process may have replaced it since the caller
/// checked, so it is renamed first, checked again, and put back if it is another one.
fn remove(path: &Path, is_meant: impl Fn(&Path) -> bool) -> bool {
    let away = path.with_extension(format!("{}.old", std::process::id()));
    // An earlier process with this number may have left one.
    let _ = fs::remove_dir_all(&away);
    if files::rename_to_free(path, &away).is_err() {
        return false;
    }
    let is_right = is_meant(&away);
    if is_right || files::rename_to_free(&away, path).is_err() {
        let _ = fs::remove_dir_all(&away);
    }
    is_right
}

fn is_abandoned(path: &Path) -> bool {
    let mut paths = vec![path.to_owned()];
    paths.extend(
        fs::read_dir(path)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path()),
    );
    let modified = |path: &PathBuf| fs::symlink_metadata(path).ok()?.modified().ok();
    // A clock that was set back has left it in the future.
    let age = |at: SystemTime| at.elapsed().unwrap_or_else(|err| err.duration());
    let ages = paths.iter().filter_map(modified).map(age);
    ages.min().is_some_and(|age| age > ABANDONED)
}

fn cannot(path: &Path) -> String {
    format!("cannot make {}", path.display())
}

impl Drop for HeldLock {
    fn drop(&mut self) {
        if let Self::Directory { path, owner, .. } = self {
            remove(path, |found| {
                fs::read_to_string(found.join(OWNER)).is_ok_and(|found| found == *owner)
            });
        }
    }
}

#[cfg(test)]
mod tests {
    #[cfg(unix)]
    use std::fs::FileTimes;

    use super::*;

    #[test]
    fn cw2_a_directory_is_held_by_one() {
        let place = tempfile::tempdir().expect("a directory");
        let path = place.path().join("locks/a.json.lock");
        let held = acquire_directory(&path, Deadline::after(Duration::ZERO)).expect("the lock");
        let others = || {
            fs::read_dir(place.path().join("locks"))
                .expect("a directory")
                .count()
        };
        assert_eq!((path.join("owner").exists(), others()), (true, 1));
        let again = acquire_directory(&path, Deadline::after(Duration::ZERO));
        assert!(matches!(again, Err(DiskError::Locked { .. })));
        assert_eq!(others(), 1);
        drop(held);
        assert_eq!(others(), 0);
    }

    /// Windows opens no directory in this way.
    #[cfg(unix)]
    #[test]
    fn cw2_d13_a_stale_lock_of_a_client_is_taken_over() {
        let now = SystemTime::now();
        for away in [now - ABANDONED * 2, now + ABANDONED * 2] {
            let place = tempfile::tempdir().expect("a directory");
            let path = place.path().join("a.lock");
            fs::create_dir(&path).expect("a lock");
            let touch = |path: &Path| {
                let times = FileTimes::new().set_modified(away);
                fs::File::open(path).and_then(|file| file.set_times(times))
            };
            fs::write(path.join("heartbeat"), "").expect("a file");
            touch(&path).expect("an old directory");
            let lock = Lock::Directory(path.clone());
            let held = acquire_directory(&path, Deadline::after(Duration::ZERO));
            assert!(held.is_err(), "its heart still beats");
            touch(&path.join("heartbeat"))
                .and_then(|()| touch(&path))
                .expect("an old file");
            drop(acquire(&lock).expect("the lock"));
            assert!(!path.exists());
        }
    }

    #[test]
    fn a19_a_lock_that_somebody_else_made_meanwhile_is_put_back() {
        let place = tempfile::tempdir().expect("a directory");
        let path = place.path().join("a.lock");
        let held = acquire_directory(&path, Deadline::after(Duration::ZERO)).expect("the lock");
        assert!(
            !remove(&path, is_abandoned),
            "it was abandoned at the first look, and is not now"
        );
        assert!(path.join("owner").exists());
        // A client took ours for abandoned, and holds the lock now.
        fs::remove_dir_all(&path)
            .and_then(|()| fs::create_dir(&path))
            .expect("another lock");
        drop(held);
        assert!(path.exists(), "it is not ours");
        assert!(remove(&path, |_| true) && !path.exists());
        assert_eq!(fs::read_dir(place.path()).expect("a directory").count(), 0);
    }
}
