//! The refresh itself, in a process of its own.
//!
//! Between the server's answer and the store lies a moment in which the only good refresh token is in our memory. So the
//! process that spends it is not the one that a user, a client or a time limit may end: it is this program started anew,
//! in a session of its own, with the login's lock as its stdin. It holds the lock until what came is stored.

use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use rustix::event::{poll, PollFd, PollFlags, Timespec};
use serde::{Deserialize, Serialize};
use url::Url;
use zeroize::Zeroizing;

use super::journal::Journal;
use super::{find, needs_login, needs_login_again, Freshness, Seen, Settings};
use crate::context::Context;
use crate::error::{Error, ErrorReport};
use crate::failure::Class;
use crate::http::{self, Http};
use crate::oauth::client::{self, Client, ClientAuth, RegistrationKind};
use crate::oauth::secret::Secret;
use crate::oauth::text::{json_line, printable};
use crate::os::clock::{Deadline, Time};
use crate::os::files::LockFile;
use crate::os::signals;
use crate::os::terminal;
use crate::providers::{self, Moment, Provider};
use crate::registration;
use crate::store::cache::Cache;
use crate::store::file::FileBackend;
use crate::store::{Backend as _, Credentials, Interaction, Store, StoreError, Stored, StoredId};
use crate::token_endpoint::{ExchangeError, TokenRequest};
use crate::warning::{self, warn_user, WarningReport};

/// The argument by which this program starts itself to refresh.
pub const REFRESHER: &str = "__refresh";

/// Longest time of the request.
const REQUEST_LIMIT: Duration = Duration::from_secs(30);

/// How long before the end of the time of whoever asked a request is sent again at the latest.
const LAST_RETRY: Duration = Duration::from_secs(1);

/// What the process is to refresh; no secret is among it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Job {
    key: StoredId,
    #[serde(flatten)]
    settings: Settings,
    /// What the caller needs, and has seen; `None` to refresh in any case.
    #[serde(default)]
    wanted: Option<(Freshness, Seen)>,
    /// Whose lock the process gets; `None` for that of the login as it is found.
    #[serde(default)]
    journal: Option<Journal>,
    /// How much is said.
    #[serde(default)]
    verbosity: i8,
    /// How long the caller waits.
    #[serde(default)]
    patience: Duration,
}

/// What came of a job, as the process writes it to its stdout.
#[derive(Serialize, Deserialize)]
pub(super) enum Refreshed {
    /// The login as it is now; its access token is live.
    Live(Box<Credentials>),
    /// The login is in another backend than before, which has another lock.
    Moved,
}

/// Lets a process of its own refresh, and waits for it until the deadline. After that it goes on by itself.
///
/// # Errors
///
/// What the process reports; [`Error::Busy`] if the time is up.
pub(super) fn refresh(
    key: &StoredId,
    context: &Context,
    wanted: (Freshness, Seen),
    (journal, lock): (Journal, LockFile),
    deadline: Deadline,
) -> Result<Refreshed, Error> {
    let job = Job {
        key: key.clone(),
        settings: Settings::of(context),
        wanted: Some(wanted),
        journal: Some(journal),
        verbosity: terminal::verbosity(),
        patience: deadline.left(),
    };
    let stdin = match lock.hand_over() {
        Ok(stdin) => stdin,
        // No lock can be inherited here: it is done in this process, which holds the lock.
        Err(_lock) => return work(&job),
    };
    let failed = |source| Error::Unexpected {
        what: "cannot start the process that refreshes",
        source,
    };
    let job = serde_json::to_string(&job).map_err(|err| failed(err.into()))?;
    // It may outlive this process, so it keeps no stream of ours open: whoever called us waits for their end.
    let mut child = Command::new(std::env::current_exe().map_err(failed)?)
        .args([REFRESHER, &job])
        .process_group(0)
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let output = read_output(&mut child, deadline).ok_or_else(|| Error::Busy {
        server: key.server.clone(),
    })?;
    let status = child.wait().map_err(failed)?;
    if let Ok(outcome) = serde_json::from_slice(&output) {
        return Ok(outcome);
    }
    match serde_json::from_slice::<ErrorReport>(&output) {
        Ok(report) => Err(Error::Reported(report)),
        Err(_) if status.signal().is_some() => Err(Error::Interrupted {
            server: key.server.clone(),
        }),
        Err(_) => Err(failed(io::Error::other(status.to_string()))),
    }
}

/// Returns the stdout of the process once it has ended, and shows its stderr line by line; `None` if the deadline passes
/// first.
fn read_output(child: &mut Child, deadline: Deadline) -> Option<Zeroizing<Vec<u8>>> {
    let (mut stdout, mut stderr) = (child.stdout.take(), child.stderr.take());
    let (mut output, mut messages) = (Zeroizing::new(Vec::new()), Vec::new());
    while stdout.is_some() || stderr.is_some() {
        if deadline.passed() {
            return None;
        }
        let [has_output, has_messages] = readable(
            [
                stdout.as_ref().map(AsFd::as_fd),
                stderr.as_ref().map(AsFd::as_fd),
            ],
            deadline,
        );
        if has_output && !read_more(&mut stdout, &mut output) {
            stdout = None;
        }
        if has_messages && !read_more(&mut stderr, &mut messages) {
            stderr = None;
        }
        while let Some(end) = messages.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = messages.drain(..=end).collect();
            match serde_json::from_slice::<WarningReport>(&line) {
                Ok(report) => warning::send(report.warning, &report.message),
                Err(_) => terminal::show(String::from_utf8_lossy(&line).trim_end()),
            }
        }
    }
    Some(output)
}

/// Waits until one of two pipes can be read, and tells which.
fn readable(pipes: [Option<BorrowedFd>; 2], deadline: Deadline) -> [bool; 2] {
    let mut watched: Vec<PollFd> = pipes
        .iter()
        .flatten()
        .map(|pipe| PollFd::from_borrowed_fd(*pipe, PollFlags::IN))
        .collect();
    let left = deadline.left();
    let timeout = Timespec {
        tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(left.subsec_nanos()),
    };
    let is_answered = poll(&mut watched, Some(&timeout)).is_ok();
    let mut ready = watched
        .iter()
        .map(|pipe| is_answered && !pipe.revents().is_empty());
    pipes.map(|pipe| pipe.is_some() && ready.next().unwrap_or(false))
}

/// Reads what has come; tells whether more may come.
fn read_more(pipe: &mut Option<impl io::Read>, read: &mut Vec<u8>) -> bool {
    let mut chunk = [0; 4096];
    match pipe.as_mut().map(|pipe| pipe.read(&mut chunk)) {
        Some(Ok(count)) if count > 0 => {
            read.extend_from_slice(chunk.get(..count).unwrap_or_default());
            true
        }
        Some(Err(err)) if err.kind() == io::ErrorKind::Interrupted => true,
        _ => false,
    }
}

/// What this program does when it was started as [`REFRESHER`]. Its stdin is the lock, and stays open to the end.
pub fn main(job: Option<String>) -> ExitCode {
    let _ = rustix::process::setsid();
    signals::put_off();
    let Some(job) = job.and_then(|job| serde_json::from_str::<Job>(&job).ok()) else {
        return Class::Usage.into();
    };
    terminal::set_up(job.verbosity, terminal::Color::Never);
    warning::set_receiver(|warning, message| {
        let report = WarningReport {
            warning,
            message: message.to_owned(),
        };
        terminal::show(&json_line(&report).unwrap_or_default());
    });
    let lock = job.journal.as_ref().and_then(Journal::inherited_lock);
    let done = work(&job);
    drop(lock);
    let (output, exit) = match done {
        Ok(outcome) => (serde_json::to_string(&outcome), ExitCode::SUCCESS),
        Err(err) => {
            let report = err.report();
            (serde_json::to_string(&report), report.class.into())
        }
    };
    // If the caller has gone, the store says it all.
    drop(terminal::product(&Zeroizing::new(
        output.unwrap_or_default(),
    )));
    exit
}

/// Looks at the login again, now that its lock is held; spends the refresh token, and stores what comes. The caller holds
/// the lock.
fn work(job: &Job) -> Result<Refreshed, Error> {
    let Job { key, settings, .. } = job;
    let retry_until = Deadline::after(job.patience.saturating_sub(LAST_RETRY));
    let store = Store::open_to_read(&settings.store, &settings.data_dir, Interaction::None);
    let mut stored = find(&store, key, settings)?;
    let journal = Journal::at(store.backend(&stored), key);
    if job.journal.as_ref().is_some_and(|held| *held != journal) {
        return Ok(Refreshed::Moved);
    }
    if let Some((need, seen)) = &job.wanted {
        if seen.is_answered_by(&stored.credentials, *need, settings)? {
            return Ok(Refreshed::Live(Box::new(stored.credentials)));
        }
    }
    if adopt_rescued(&store, &stored.credentials, &journal)?.is_some() {
        stored = find(&store, key, settings)?;
    }
    let kept = &stored.credentials;
    let Some(refresh_token) = &kept.refresh_token else {
        return Err(needs_login(key, "there is no refresh token", settings));
    };
    let interrupted = journal.interrupted(refresh_token);
    let not_kept = |err: StoreError| Error::not_kept(key, err.into());
    // What cannot be stored must not be spent.
    store
        .backend(&stored)
        .prove_replaceable()
        .map_err(not_kept)?;
    let prepared = journal.prepare(kept).map_err(not_kept)?;
    journal.begin(kept, refresh_token).map_err(not_kept)?;
    let http = http(kept, settings);
    match spend(kept, &http, retry_until) {
        Ok(renewed) => {
            // Nothing comes before this: until it is done the only good refresh token is in memory.
            let written = prepared.map_or(Ok(()), |prepared| prepared.store(&renewed));
            drop(written.inspect_err(|err| log::debug!("{err}")));
            match store_refreshed(&store, &stored, renewed) {
                Ok(now) => {
                    journal.end();
                    let now = now
                        .ok_or_else(|| needs_login(key, "it was logged out meanwhile", settings))?;
                    Ok(Refreshed::Live(Box::new(now)))
                }
                Err(err) => Err(not_kept(point_to_rescued(
                    err,
                    kept,
                    refresh_token,
                    &journal,
                ))),
            }
        }
        Err(refusal @ ExchangeError::Refused { .. }) => {
            mark_refused(&store, kept, (interrupted, &refusal), &journal, settings)
        }
        Err(source) => {
            if !source.may_have_spent() {
                journal.end();
            }
            Err(Error::Exchange {
                issuer: printable(&kept.issuer),
                provider: provider_of(kept),
                source,
            })
        }
    }
}

/// Stores the tokens of a refresh that only an emergency file has, and returns the login then; `None` if there is no such
/// file. The caller holds the login's lock.
///
/// # Errors
///
/// [`Error::Store`] if the file cannot be read, or the store does not accept the login now either.
pub fn adopt_rescued(
    store: &Store,
    kept: &Credentials,
    journal: &Journal,
) -> Result<Option<Credentials>, Error> {
    let Some(file) = kept
        .refresh_token
        .as_ref()
        .and_then(|spent| journal.rescued(spent))
    else {
        return Ok(None);
    };
    let key = kept.key();
    let rescued = FileBackend::new(&file, Interaction::None.lock_limit()).read(&key);
    let mut rescued = match rescued {
        Ok(Some(rescued)) => rescued,
        Ok(None) => return Ok(None),
        // It may hold the only good refresh token, and be readable later.
        Err(err @ StoreError::Disk(_)) => return Err(Error::unreadable(&key, err)),
        Err(err) => {
            warn_user!(LoginUnreadable, "{err}");
            return Ok(None);
        }
    };
    if rescued.generation < kept.generation {
        // The store has had it, or a newer login, and only the note was left.
        return Ok(None);
    }
    store
        .save(&mut rescued)
        .map_err(|err| Error::not_kept(&key, err.into()))?;
    journal.end();
    match fs::remove_file(&file) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => {
            warn_user!(
                FileNotRemoved,
                "cannot remove {}, which is not needed any more: {err}",
                file.display()
            );
        }
        _ => {}
    }
    Ok(Some(rescued))
}

/// Stores what came, and returns the login as it is then; `None` if it was logged out meanwhile. A new login, or a logout,
/// that could not wait for the lock wins.
fn store_refreshed(
    store: &Store,
    stored: &Stored,
    mut renewed: Credentials,
) -> Result<Option<Credentials>, StoreError> {
    let kept = &stored.credentials;
    let saved = match store.replace(stored, &mut renewed)? {
        Some(saved) => saved,
        None => match store.load(&kept.key())? {
            None => return Ok(None),
            Some(now) if now.refresh_token != kept.refresh_token => return Ok(Some(now)),
            Some(now) => {
                // The new login brought no refresh token, and kept the one that has just been spent.
                renewed = Credentials {
                    refresh_token: renewed.refresh_token,
                    ..now
                };
                store.save(&mut renewed)?
            }
        },
    };
    saved
        .notice
        .iter()
        .for_each(|notice| warn_user!(StoreFallback, "{notice}"));
    Ok(Some(renewed))
}

/// Notes in the journal which file holds what no store took.
fn point_to_rescued(
    err: StoreError,
    kept: &Credentials,
    spent: &Secret,
    journal: &Journal,
) -> StoreError {
    let StoreError::NotStored { rescued, source } = err else {
        // The file of the journal holds it.
        return err;
    };
    if let Some(file) = &rescued {
        match journal.point_to(file, kept, spent) {
            Ok(()) => journal.forget_renewed(),
            Err(err) => warn_user!(JournalNotWritten, "{err}"),
        }
    }
    StoreError::NotStored {
        rescued: rescued.or_else(|| journal.rescued(spent)),
        source,
    }
}

/// Marks a login whose refresh the server refuses, and keeps it. The store is read once more before that. Where the server
/// does not know our registration any more, the next login makes a new one.
fn mark_refused(
    store: &Store,
    kept: &Credentials,
    (interrupted, refusal): (Option<Time>, &ExchangeError),
    journal: &Journal,
    settings: &Settings,
) -> Result<Refreshed, Error> {
    let key = kept.key();
    let not_kept = |err: StoreError| Error::not_kept(&key, err.into());
    let now = store
        .load(&key)
        .map_err(|err| Error::unreadable(&key, err))?;
    let mut now = now.ok_or_else(|| needs_login(&key, "it was logged out meanwhile", settings))?;
    if now.refresh_token != kept.refresh_token {
        return Ok(Refreshed::Live(Box::new(now)));
    }
    let error = match refusal {
        ExchangeError::Refused { words, .. } => words.error.as_deref().unwrap_or_default(),
        _ => "",
    };
    let is_unknown = kept.registration == RegistrationKind::Dynamic && client::is_unknown(error);
    if is_unknown {
        let (cache, scopes) = (Cache::new(&settings.data_dir), &kept.scopes_requested);
        registration::mark_unconfirmed(
            &cache,
            &kept.issuer,
            &kept.client_id,
            &kept.redirect_uri,
            scopes,
        );
    }
    now.needs_login = true;
    store.save(&mut now).map_err(not_kept)?;
    journal.end();
    let why = match interrupted {
        _ if is_unknown => {
            format!(
                "the authorization server does not know its client any more ({})",
                printable(error)
            )
        }
        Some(since) => format!(
            "a refresh was interrupted at {}, and its token is lost",
            since.rfc3339()
        ),
        None => format!("the refresh token was refused: {refusal}"),
    };
    let why = meaning(kept, error).map_or(why.clone(), |it| format!("{why}: {it}"));
    Err(needs_login_again(kept, &why, &[], settings))
}

fn provider_of(kept: &Credentials) -> Option<&'static Provider> {
    providers::of_login(kept.provider.as_deref(), &kept.issuer)
}

/// Returns what the refusal of a refresh token means at the provider of a login, if that is known.
pub fn meaning(kept: &Credentials, error: &str) -> Option<&'static str> {
    providers::explain(provider_of(kept), Moment::Refresh, error)
}

fn http(kept: &Credentials, settings: &Settings) -> Http {
    Http::new(
        &http::HttpSettings {
            ca_file: settings.ca_file.clone(),
        },
        &kept.typed_urls(),
        REQUEST_LIMIT,
    )
}

fn spend(
    kept: &Credentials,
    http: &Http,
    retry_until: Deadline,
) -> Result<Credentials, ExchangeError> {
    let token_endpoint = Url::parse(&kept.token_endpoint).map_err(|_| ExchangeError::Request)?;
    let client = client_of(kept);
    let request = TokenRequest {
        token_endpoint: &token_endpoint,
        client: &client,
        resource: kept.resource.as_deref(),
        http,
        retry_until,
    };
    let refresh_token = kept.refresh_token.as_ref().ok_or(ExchangeError::Request)?;
    let tokens = request.refresh(refresh_token)?.tokens;
    let now = Time::now();
    let mut renewed = kept.clone();
    renewed.access_token = tokens.access_token;
    renewed.obtained_at = now;
    renewed.expires_at = tokens.expires_in.map(|seconds| now.plus(seconds));
    // A server that does not rotate sends none; the old one stays good.
    renewed.refresh_token = tokens.refresh_token.or(renewed.refresh_token);
    renewed.scopes = tokens.scopes.map_or(renewed.scopes, |scopes| {
        providers::granted(provider_of(kept), scopes)
    });
    renewed.needs_login = false;
    Ok(renewed)
}

/// Returns the client that a login belongs to.
pub fn client_of(kept: &Credentials) -> Client {
    Client {
        id: kept.client_id.clone(),
        secret: kept.client_secret.clone(),
        secret_expires_at: kept.client_secret_expires_at.map(|at| at.0),
        auth: kept.client_auth.known().unwrap_or(ClientAuth::None),
        kind: kept
            .registration
            .known()
            .unwrap_or(RegistrationKind::Static),
    }
}
