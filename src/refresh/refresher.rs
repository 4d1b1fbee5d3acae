//! The process that refreshes.
//!
//! Between the server's answer and the store lies a moment in which the only good refresh token is in our memory. So the
//! process that spends it is not the one that a user, a client or a time limit may end: it is this program started anew,
//! in a session of its own, with the login's lock as its stdin. It holds the lock until what came is stored.

use std::io::{self, Read as _};
use std::mem;
use std::process::{Child, ExitCode, Stdio};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{renewal, LockedLogin};
use crate::context::Settings;
use crate::error::{Error, ErrorReport};
use crate::failure::Class;
use crate::os::clock::Deadline;
use crate::os::environment::job;
use crate::os::poll::{self, PollFlags};
use crate::os::process;
use crate::os::programs;
use crate::os::signals;
use crate::os::stdio::{self, PollableReader};
use crate::os::terminal;
use crate::store::{Credentials, Interaction, StoredId};
use crate::warning::{self, WarningReport};

/// The argument by which this program starts itself to refresh.
pub const REFRESHER: &str = "__refresh";

/// How long the process is waited for where it would be killed at our end: its request, and a store helper that is down.
const TO_ITS_END: Duration = Duration::from_secs(180);

/// What is said then.
const WAITING: &str =
    "waiting for the end of a refresh, which may be killed when this command ends";

/// Held for reading while a process that refreshes is waited for.
static UNDER_WAY: RwLock<()> = RwLock::new(());

/// What the process is to refresh; no secret is among it.
#[derive(Debug, Serialize, Deserialize)]
struct Job {
    key: StoredId,
    /// The generation of the login that is to be replaced, as the caller has seen it.
    #[serde(default)]
    seen: Option<u64>,
    #[serde(flatten)]
    settings: Settings,
    /// How much is said.
    #[serde(default)]
    verbosity: i8,
    /// How long the caller waits.
    #[serde(default)]
    patience: Duration,
}

/// A line that the process writes for its caller; any other line is text for the user.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RefresherMessage {
    Warning(WarningReport),
    /// The end: the login as it is now, whose access token is live. `None` if the process did not get the lock of the
    /// login, and has spent nothing.
    Refreshed(Option<Box<Credentials>>),
    /// The end: why there is no live access token.
    Failed(ErrorReport),
}

/// Lets a process of its own refresh, and waits for it until the deadline, or to its end where it would be killed at ours. After
/// that it goes on by itself. Returns `None` if there can be no such process, or if it did not get the lock: nothing is spent
/// then, and nobody has the lock. Where the system passes no lock on, this process refreshes.
///
/// # Errors
///
/// What the process reports; [`Error::Busy`] if the time is up.
pub(super) fn refresh(
    locked: LockedLogin,
    settings: &Settings,
    deadline: Deadline,
) -> Result<Option<Credentials>, Error> {
    let _under_way = UNDER_WAY.read().unwrap_or_else(PoisonError::into_inner);
    let _to_its_end = job::ends_with_us().then(signals::defer);
    let key = locked.id.clone();
    let seen = locked.generation();
    let lock = match locked.hand_over() {
        Ok(lock) => lock,
        Err(locked) => return renewal::renew(*locked, seen, settings, deadline).map(Some),
    };
    let job = Job {
        key: key.clone(),
        seen,
        settings: settings.clone(),
        verbosity: terminal::verbosity(),
        patience: deadline.left(),
    };
    let failed = |source| Error::Unexpected {
        what: "cannot wait for the process that refreshes",
        source,
    };
    let (pipe, mut child) = match start(&job, lock) {
        Ok(started) => started,
        Err(err) => {
            log::debug!("no process of its own can refresh: {err}");
            return Ok(None);
        }
    };
    let end = match read_messages(pipe, deadline) {
        Ok(end) => end,
        Err(_) if deadline.passed() => return Err(Error::Busy(key.server)),
        Err(err) => return Err(failed(err)),
    };
    match end {
        Some(RefresherMessage::Refreshed(login)) => return Ok(login.map(|login| *login)),
        Some(RefresherMessage::Failed(report)) => return Err(Error::Reported(report)),
        Some(RefresherMessage::Warning(_)) | None => {}
    }
    let status = child.wait().map_err(failed)?;
    Err(match process::was_killed(status) {
        true => Error::Interrupted(key.server),
        false => failed(io::Error::other(status.to_string())),
    })
}

/// Waits for what other threads of this process have begun to refresh, where it would be killed at our end.
pub fn wait_for_the_last() {
    if job::ends_with_us() && UNDER_WAY.try_write().is_err() {
        log::info!("{WAITING}");
        drop(UNDER_WAY.write());
    }
}

/// Starts the process with its lock, and returns what it writes.
fn start(job: &Job, lock: Stdio) -> io::Result<(PollableReader, Child)> {
    let job = serde_json::to_string(job)?;
    // It may outlive this process, so it keeps no stream of ours open: whoever called us waits for their end.
    let (pipe, its_end) = io::pipe()?;
    let pipe = stdio::pollable(pipe)?;
    let mut command = programs::again()?;
    command
        .args([REFRESHER, &job])
        .stdin(lock)
        .stdout(its_end.try_clone()?)
        .stderr(its_end);
    // At the end of this function our copies of the lock and of its end of the pipe are closed.
    let child = process::spawn_detached(&mut command)?;
    Ok((pipe, child))
}

/// Reads what the process writes until it has ended, and shows what is for the user. Returns how it ended, if it says so.
fn read_messages(
    mut pipe: PollableReader,
    mut deadline: Deadline,
) -> io::Result<Option<RefresherMessage>> {
    let (mut received, mut end) = (Zeroizing::new(Vec::new()), None);
    let mut may_be_killed = job::ends_with_us();
    loop {
        while !poll::is_ready(&pipe, PollFlags::IN, Some(deadline.left()))? {
            if deadline.passed() && !mem::take(&mut may_be_killed) {
                return Err(io::ErrorKind::TimedOut.into());
            } else if deadline.passed() {
                log::info!("{WAITING}");
                deadline = Deadline::after(TO_ITS_END);
            }
        }
        let mut chunk = Zeroizing::new([0; 4096]);
        let count = pipe.read(chunk.as_mut_slice())?;
        if count == 0 {
            return Ok(end);
        }
        received.extend_from_slice(&chunk[..count]);
        while let Some(length) = received.iter().position(|byte| *byte == b'\n') {
            let line: Zeroizing<Vec<u8>> = received.drain(..=length).collect::<Vec<_>>().into();
            match serde_json::from_slice(&line) {
                Ok(RefresherMessage::Warning(it)) => warning::send(it.warning, &it.message),
                Ok(message) => end = Some(message),
                Err(_) => terminal::show(String::from_utf8_lossy(&line).trim_end()),
            }
        }
    }
}

/// What this program does when it was started as [`REFRESHER`]. Its stdin is the lock, and stays open to the end.
pub fn main(job: Option<String>) -> ExitCode {
    process::leave_session();
    signals::put_off();
    let Some(job) = job.and_then(|job| serde_json::from_str::<Job>(&job).ok()) else {
        return Class::Usage.into();
    };
    terminal::set_up(job.verbosity, terminal::Color::Never);
    warning::set_receiver(|warning, message| {
        write(&RefresherMessage::Warning(WarningReport {
            warning,
            message: message.to_owned(),
        }));
    });
    let Job { key, settings, .. } = &job;
    let store = settings.store_to_read(Interaction::Detached);
    let refreshed = LockedLogin::inherited(&store, key)
        .map(|locked| renewal::renew(locked, job.seen, settings, Deadline::after(job.patience)))
        .transpose();
    match refreshed {
        Ok(login) => {
            write(&RefresherMessage::Refreshed(login.map(Box::new)));
            ExitCode::SUCCESS
        }
        Err(err) => {
            let report = err.report();
            let exit = report.class.into();
            write(&RefresherMessage::Failed(report));
            exit
        }
    }
}

fn write(message: &RefresherMessage) {
    let line = Zeroizing::new(serde_json::to_string(message).unwrap_or_default());
    // If the caller has gone, the store says it all.
    drop(terminal::product(&line));
}
