//! Who holds a lock, and the end of locks whose holders are gone where the file system has no locks of its own.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use rustix::fs::OFlags;

use super::lock::{is_at, open_to_lock, with_suffix};
use super::temporary::{is_alive, started_at, this_run};

/// The most that is read of what a holder wrote about itself, in bytes.
const HOLDER_BYTES: u64 = 512;

/// How old a marker without a word about its maker has to be before it counts as abandoned: its maker was killed between two
/// system calls, or the clock of the file server is off by less than this.
const UNSIGNED_AGE: Duration = Duration::from_secs(60);

/// Stands for what the system does not tell.
const UNKNOWN: &str = "-";

/// Who holds a lock, as it wrote about itself: `<pid> <boot id> <host name> <start of the process>`.
#[derive(Debug, PartialEq)]
pub(super) struct LockHolder {
    /// The process.
    pub(super) pid: i32,
    boot: String,
    host: String,
    /// When the process started, in ticks of the system's clock; `None` if it did not say so.
    started: Option<String>,
}

impl LockHolder {
    fn ourselves() -> Self {
        let known = |text: String| {
            if text.is_empty() {
                UNKNOWN.to_owned()
            } else {
                text
            }
        };
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let host = rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .replace(char::is_whitespace, "");
        let pid = i32::try_from(std::process::id()).unwrap_or(0);
        Self {
            pid,
            boot: known(boot.trim().to_owned()),
            host: known(host),
            started: started_at(pid),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace().map(str::to_owned);
        let pid = words.next()?.parse().ok()?;
        let (boot, host) = (words.next()?, words.next().unwrap_or_default());
        Some(Self {
            pid,
            boot,
            host,
            started: words.next().filter(|started| started != UNKNOWN),
        })
    }

    /// Tells whether the holder can no longer be running. Of another machine that shares the disk nobody knows.
    fn is_gone(&self) -> bool {
        let us = Self::ourselves();
        let is_another = || self.started.is_some() && self.started != started_at(self.pid);
        self.host == us.host && (self.boot != us.boot || !is_alive(self.pid) || is_another())
    }
}

/// Writes who we are, in one call and over what stood there, so that a reader finds one holder or none.
pub(super) fn sign(file: &mut File) -> io::Result<()> {
    let LockHolder {
        pid,
        boot,
        host,
        started,
    } = LockHolder::ourselves();
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(
        format!(
            "{pid} {boot} {host} {}\n",
            started.as_deref().unwrap_or(UNKNOWN)
        )
        .as_bytes(),
    )
}

/// Returns who holds the lock at a path, if it says so.
pub(super) fn read_holder(path: &Path) -> Option<LockHolder> {
    read(&super::open_private(path).ok()??)
}

fn read(file: &File) -> Option<LockHolder> {
    let mut text = String::new();
    file.take(HOLDER_BYTES).read_to_string(&mut text).ok()?;
    LockHolder::parse(&text)
}

/// Tells whether nobody can hold the lock that a marker stands for.
pub(super) fn is_abandoned(marker: &Path) -> bool {
    super::open_private(marker)
        .ok()
        .flatten()
        .is_some_and(|file| is_left(&file))
}

fn is_left(marker: &File) -> bool {
    match read(marker) {
        Some(holder) => holder.is_gone(),
        // Killed before it could sign.
        None => {
            let changed = marker.metadata().and_then(|found| found.modified()).ok();
            changed
                .and_then(|at| SystemTime::now().duration_since(at).ok())
                .is_some_and(|age| age > UNSIGNED_AGE)
        }
    }
}

/// Removes the marker of a holder that is gone. A second marker keeps two waiters from removing one another's; it names its
/// maker too, and is removed like the first one if that is gone.
pub(super) fn break_marker(marker: &Path) -> bool {
    let breaking = with_suffix(marker, ".breaking");
    let make = || open_to_lock(&breaking, OFlags::CREATE | OFlags::EXCL);
    let made = make().or_else(|err| {
        if remove_abandoned(&breaking) {
            make()
        } else {
            Err(err)
        }
    });
    let Ok(mut made) = made else { return false };
    // Unsigned it would count as abandoned after a while: no harm in the moment that this takes.
    let _ = sign(&mut made);
    let removed = remove_abandoned(marker);
    if is_at(&made, &breaking) {
        let _ = fs::remove_file(&breaking);
    }
    removed
}

/// Removes a marker if its maker is gone. Another process may have replaced the marker meanwhile, so it is renamed, compared,
/// and put back if it is another one.
fn remove_abandoned(marker: &Path) -> bool {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let Some(file) = super::open_private(marker).ok().flatten().filter(is_left) else {
        return false;
    };
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let aside = with_suffix(marker, &format!(".{}-{number}", this_run()));
    if !is_at(&file, marker) || fs::rename(marker, &aside).is_err() {
        return false;
    }
    let is_it = is_at(&file, &aside);
    if !is_it {
        let _ = fs::hard_link(&aside, marker);
    }
    let _ = fs::remove_file(&aside);
    is_it
}
