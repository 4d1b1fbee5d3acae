//! Temporary files whose names tell which run made them, so that this one, or else a later one, can tidy up.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, TryLockError};
use std::thread;
use std::time::Duration;

use anyhow::Context;
use tempfile::NamedTempFile;

use super::owner::undo_umask;
use super::{cannot, directory_of, name_of, DiskError};
use crate::os::clock::{since_boot, Deadline};
use crate::os::process::is_alive;
use crate::os::signals::{self, Deferral};
use crate::os::sync::lock;

/// Longest time for a file that is just being made, before the program ends without removing it.
const END_PATIENCE: Duration = Duration::from_millis(500);

/// The directories in which this run makes temporary files; `None` once it makes no more, because the program ends.
static PLACES: Mutex<Option<BTreeSet<PathBuf>>> = Mutex::new(Some(BTreeSet::new()));

/// Makes a file with mode 0600 under a name that tells which run made it: `.<name>.<pid>-<run>.<random>.tmp`. It is not left
/// behind by a signal, as long as it is dropped before its deferral.
pub(super) fn beside(target: &Path) -> Result<(Deferral, NamedTempFile), DiskError> {
    let deferral = signals::defer();
    let mut prefix = prefix_of(name_of(target));
    prefix.push(format!("{}.", this_run()));
    let mut places = lock(&PLACES);
    let Some(known) = places.as_mut() else {
        drop(places);
        // The program is ending: whoever wants to write now ends with it.
        loop {
            thread::park();
        }
    };
    known.insert(directory_of(target).to_owned());
    let made = tempfile::Builder::new()
        .prefix(&prefix)
        .suffix(".tmp")
        .tempfile_in(directory_of(target));
    let made = made.and_then(|made| undo_umask(made.as_file()).map(|()| made));
    let made = made.with_context(|| cannot("write in", directory_of(target)))?;
    Ok((deferral, made))
}

fn prefix_of(name: &OsStr) -> OsString {
    let mut prefix = OsString::from(".");
    prefix.push(name);
    prefix.push(".");
    prefix
}

/// Returns the process id and the moment of its first write; in a container every run may have the same id.
pub(super) fn this_run() -> &'static str {
    static THIS_RUN: OnceLock<String> = OnceLock::new();
    THIS_RUN.get_or_init(|| format!("{}-{}", std::process::id(), since_boot().as_nanos()))
}

/// Removes all temporary files of this run, while other threads may be writing, and makes no more. To be called when the
/// program ends.
pub(super) fn remove_ours() {
    let deadline = Deadline::after(END_PATIENCE);
    let places = loop {
        match PLACES.try_lock() {
            Ok(mut places) => break places.take(),
            Err(TryLockError::Poisoned(places)) => break places.into_inner().take(),
            Err(TryLockError::WouldBlock) if deadline.passed() => return,
            Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(1)),
        }
    };
    let ours = format!(".{}.", this_run());
    for directory in places.into_iter().flatten() {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.contains(&ours) && name.ends_with(".tmp") {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// Removes the temporary files for `name` of runs that are over. It is tidying: failures do not matter.
pub(super) fn sweep(directory: &Path, name: &OsStr) {
    let prefix = prefix_of(name);
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let found = entry.file_name();
        let run = found
            .as_encoded_bytes()
            .strip_prefix(prefix.as_encoded_bytes())
            .and_then(|rest| rest.strip_suffix(b".tmp"));
        let run = run
            .and_then(|rest| std::str::from_utf8(rest).ok())
            .and_then(|rest| rest.split_once('.'));
        if run.is_some_and(|(run, _)| is_over(run)) && fs::remove_file(entry.path()).is_ok() {
            log::debug!(
                "removed {}, left behind by a run that was ended",
                entry.path().display()
            );
        }
    }
}

fn is_over(run: &str) -> bool {
    let pid = run.split_once('-').and_then(|(pid, _)| pid.parse().ok());
    run != this_run() && pid.is_some_and(|pid| pid == std::process::id() as i32 || !is_alive(pid))
}
