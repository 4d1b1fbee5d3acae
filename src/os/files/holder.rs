//! Who holds a lock, and the end of locks whose holders are gone where the file system has no locks of its own.
//!
//! A holder writes into the lock file: `<pid> <boot id> <host name> <start of the process>`.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use super::lock::with_suffix;
use super::open::{is_at, open_new_lock};
use super::owner::is_removed;
use super::temporary::this_run;
use crate::os::clock::Deadline;
use crate::os::process::{host_name, is_alive, started_at};

/// The most that is read of what a holder wrote about itself, in bytes.
const HOLDER_BYTES: u64 = 512;

/// How far from now a marker without a word about its maker has to be before it counts as abandoned: its maker was killed
/// between two system calls, or the clock of the file server is off by less than this.
const UNSIGNED_AGE: Duration = Duration::from_secs(60);

/// How long a marker may be aside that another process has moved there.
const MOMENT: Duration = Duration::from_millis(100);

/// Stands for what the system does not tell.
const UNKNOWN: &str = "-";

/// Writes who we are, in one call and over what stood there, so that a reader finds one holder or none.
pub(super) fn sign(file: &mut File) -> io::Result<()> {
    let pid = std::process::id();
    let started = i32::try_from(pid).ok().and_then(started_at);
    let started = started.as_deref().unwrap_or(UNKNOWN);
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(format!("{pid} {} {} {started}\n", boot(), host()).as_bytes())
}

/// Returns a word for this start of the machine.
pub fn boot() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    one_word(&id)
}

fn host() -> String {
    one_word(&host_name())
}

fn one_word(text: &str) -> String {
    match text.replace(char::is_whitespace, "") {
        word if word.is_empty() => UNKNOWN.to_owned(),
        word => word,
    }
}

/// Returns the process of this machine that holds the lock at a path, if it says so.
pub(super) fn holder_of(path: &Path) -> Option<i32> {
    let text = read(&super::open_private(path).ok()??)?;
    let mut words = text.split_whitespace();
    let pid = words.next()?.parse().ok()?;
    (words.next()? == boot() && words.next()? == host()).then_some(pid)
}

fn read(file: &File) -> Option<String> {
    let mut text = String::new();
    file.take(HOLDER_BYTES).read_to_string(&mut text).ok()?;
    Some(text)
}

/// Tells whether the holder that wrote this about itself can no longer be running; `None` if it wrote nothing of use. Of
/// another machine that shares the disk nobody knows.
fn is_gone(text: &str) -> Option<bool> {
    let mut words = text.split_whitespace();
    let pid = words.next()?.parse().ok()?;
    let (its_boot, its_host) = (words.next()?, words.next()?);
    let started = words.next().filter(|started| *started != UNKNOWN);
    let is_another = || started.is_some() && started != started_at(pid).as_deref();
    Some(its_host == host() && (its_boot != boot() || !is_alive(pid) || is_another()))
}

/// Tells whether nobody can hold the lock that a marker stands for.
fn is_abandoned(marker: &File) -> bool {
    let gone = read(marker).as_deref().and_then(is_gone);
    gone.unwrap_or_else(|| {
        // Killed before it could sign.
        let changed = marker.metadata().and_then(|found| found.modified()).ok();
        let now = SystemTime::now();
        // A clock that was set back has left it in the future, where nobody waits for its age.
        let age = |at| now.duration_since(at).unwrap_or_else(|err| err.duration());
        changed.is_some_and(|at| age(at) > UNSIGNED_AGE)
    })
}

/// Removes the marker of a holder that is gone; returns whether it did. A second marker keeps two waiters from removing one
/// another's; it names its maker too, and is removed like the first one if that is gone.
pub(super) fn break_marker(marker: &Path) -> bool {
    let Some(file) = open_abandoned(marker) else {
        return false;
    };
    let breaking = with_suffix(marker, ".breaking");
    let make = || open_new_lock(&breaking).ok();
    let Some(mut ours) = make().or_else(|| take_over(&breaking).then(make)?) else {
        return false;
    };
    // Unsigned it would count as abandoned after a while: no harm in the moment that this takes.
    let _ = sign(&mut ours);
    let removed =
        is_at(&ours, &breaking) && is_at(&file, marker) && fs::remove_file(marker).is_ok();
    // Whoever takes it for the one of the dead that was there before moves it aside, and puts it back: it may come again.
    let until = Deadline::after(MOMENT);
    while !is_removed(&ours) && !until.passed() {
        match is_at(&ours, &breaking) {
            true => drop(fs::remove_file(&breaking)),
            false => thread::yield_now(),
        }
    }
    removed
}

fn open_abandoned(marker: &Path) -> Option<File> {
    let file = super::open_private(marker).ok()??;
    is_abandoned(&file).then_some(file)
}

/// Removes the second marker if its maker is gone. Another process may have replaced it meanwhile, so it is renamed,
/// compared, and put back if it is another one.
fn take_over(breaking: &Path) -> bool {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let Some(file) = open_abandoned(breaking) else {
        return false;
    };
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let aside = with_suffix(breaking, &format!(".{}-{number}", this_run()));
    if !is_at(&file, breaking) || fs::rename(breaking, &aside).is_err() {
        return false;
    }
    let is_it = is_at(&file, &aside);
    if !is_it {
        let _ = fs::hard_link(&aside, breaking);
    }
    let _ = fs::remove_file(&aside);
    is_it
}
