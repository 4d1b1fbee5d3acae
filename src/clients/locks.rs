//! The locks of clients, taken as they take them themselves.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Context;
use rustix::fs::{renameat_with, RenameFlags, CWD};
use rustix::io::Errno;

use super::Lock;
use crate::os::clock::Deadline;
use crate::os::files::{DiskError, LockFile};

/// Longest wait for a client that holds its lock.
const LOCK_LIMIT: Duration = Duration::from_secs(10);

/// Pause between two tries to take a lock.
const PAUSE: Duration = Duration::from_millis(20);

/// A directory that nobody has touched for so long is what a client left behind when it was killed: opencode breaks its
/// own locks after as much time, Cline after ten seconds.
const ABANDONED: Duration = Duration::from_secs(60);

/// A lock of a client's, let go when it is dropped.
pub(super) enum HeldLock {
    /// A lock of the system's.
    File(#[allow(dead_code)] LockFile),
    /// A directory, and what stands in it: it tells ours from another that has its name later.
    Directory(PathBuf, String),
}

/// The file in a directory of ours.
const OWNER: &str = "owner";

/// Takes a lock.
///
/// # Errors
///
/// [`DiskError::Locked`] if the client does not let it go in time; what else the disk refuses.
pub(super) fn acquire(lock: &Lock) -> Result<HeldLock, DiskError> {
    let deadline = Deadline::after(LOCK_LIMIT);
    match lock {
        Lock::File(path) => LockFile::acquire(path, deadline).map(HeldLock::File),
        Lock::Directory(path) => acquire_directory(path, deadline),
    }
}

/// Moves a directory to the place of the lock. It holds a file from the start: Cline takes an empty one for a free lock,
/// opencode one of any kind for a lock that is held.
fn acquire_directory(path: &Path, deadline: Deadline) -> Result<HeldLock, DiskError> {
    let ours = path.with_extension(format!("{}.tmp", std::process::id()));
    let make = |path: &Path| DirBuilder::new().recursive(true).mode(0o700).create(path);
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_nanos();
    let owner = format!("{} {} {now}", env!("CARGO_PKG_NAME"), std::process::id());
    make(&ours)
        .and_then(|()| fs::write(ours.join(OWNER), &owner))
        .with_context(|| cannot(path))?;
    loop {
        match move_to(&ours, path) {
            Ok(()) => return Ok(HeldLock::Directory(path.to_owned(), owner)),
            Err(Errno::EXIST | Errno::NOTEMPTY)
                if is_abandoned(path) && remove(path, is_abandoned) =>
            {
                log::warn!("{} was left behind, and is removed", path.display());
            }
            Err(Errno::EXIST | Errno::NOTEMPTY) if !deadline.passed() => std::thread::sleep(PAUSE),
            Err(err) => {
                let _ = fs::remove_dir_all(&ours);
                return match err {
                    Errno::EXIST | Errno::NOTEMPTY => Err(DiskError::Locked {
                        path: path.to_owned(),
                        holder: None,
                    }),
                    err => Err(io::Error::from(err))
                        .with_context(|| cannot(path))
                        .map_err(DiskError::Io),
                };
            }
        }
    }
}

/// Moves a directory to a place where there is nothing, or, on a file system that knows no such move, nothing but an
/// empty directory.
fn move_to(ours: &Path, path: &Path) -> Result<(), Errno> {
    match renameat_with(CWD, ours, CWD, path, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS) => rustix::fs::rename(ours, path),
        moved => moved,
    }
}

/// Removes a lock if `is_meant` says so of the one that is there. Another process may have put its own lock there since
/// somebody looked, so it is moved away first, and what turns out to be another one is put back.
fn remove(path: &Path, is_meant: impl Fn(&Path) -> bool) -> bool {
    let away = path.with_extension(format!("{}.old", std::process::id()));
    // What an earlier process of this number left.
    let _ = fs::remove_dir_all(&away);
    if move_to(path, &away).is_err() {
        return false;
    }
    let is_right = is_meant(&away);
    if is_right || move_to(&away, path).is_err() {
        let _ = fs::remove_dir_all(&away);
    }
    is_right
}

fn is_abandoned(path: &Path) -> bool {
    let touched = |path: &Path| {
        fs::symlink_metadata(path)
            .and_then(|found| found.modified())
            .ok()
    };
    let inside = fs::read_dir(path)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| touched(&entry.path()));
    let last = inside.chain(touched(path)).max();
    last.and_then(|last| SystemTime::now().duration_since(last).ok())
        .is_some_and(|age| age > ABANDONED)
}

fn cannot(path: &Path) -> String {
    format!("cannot make {}", path.display())
}

impl Drop for HeldLock {
    fn drop(&mut self) {
        if let Self::Directory(path, ours) = self {
            remove(path, |found| {
                fs::read_to_string(found.join(OWNER)).is_ok_and(|owner| owner == *ours)
            });
        }
    }
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn cw2_one_that_a_client_left_behind_holds_nobody_up() {
        let place = tempfile::tempdir().expect("a directory");
        let path = place.path().join("a.lock");
        fs::create_dir(&path).expect("a lock");
        let old = SystemTime::now() - ABANDONED * 2;
        let touch = |path: &Path| {
            fs::File::open(path).and_then(|file| file.set_times(FileTimes::new().set_modified(old)))
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

    #[test]
    fn a19_a_lock_that_somebody_else_made_meanwhile_is_put_back() {
        let place = tempfile::tempdir().expect("a directory");
        let path = place.path().join("a.lock");
        let held = acquire_directory(&path, Deadline::after(Duration::ZERO)).expect("the lock");
        assert!(
            !remove(&path, is_abandoned),
            "it was abandoned when somebody looked, and is not now"
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
