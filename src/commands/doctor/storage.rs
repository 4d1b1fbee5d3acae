//! What a login needs to be stored: the data directory and the stores.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::{Case, Finding};
use crate::commands::status::LoginState;
use crate::error::Error;
use crate::failure::{About, Failure as _};
use crate::os::files::{self, owner};
use crate::output::counted;
use crate::refresh::{self, RefreshNote};
use crate::store::{Backend, Check, Credentials, Fault, Interaction, Place, Store, StoreError};

/// The permissions of others, in the mode of a file.
const OTHERS: u32 = 0o077;

/// Reads the stored login, as a new one does first.
///
/// # Errors
///
/// What a login would end with.
pub fn stored_login(case: &Case) -> Result<Option<Credentials>, Error> {
    if !case.has_server || case.data_dir.is_err() {
        return Ok(None);
    }
    match store(case).load(&case.request.key) {
        Err(StoreError::Backend { .. }) if case.store.backend().is_none() => Ok(None),
        loaded => loaded.map_err(|err| Error::unreadable(&case.request.key, err)),
    }
}

fn store(case: &Case) -> Store {
    let directory = case.data_dir.as_deref().unwrap_or(Path::new(""));
    Store::open_to_read(&case.store, directory, Interaction::None)
}

/// Examines everything that a login is stored in.
pub fn examine(case: &Case) -> Vec<Finding> {
    let mut findings = vec![data(case)];
    let store = store(case);
    let last = store.backends().last().map(Backend::name);
    let (mut working, mut lock_dir) = (None, None);
    for backend in store.backends() {
        let place = backend.place();
        match &place.path {
            Some(_) if case.data_dir.is_err() => {}
            Some(path) => findings.push(file(case, backend, path, working.as_ref())),
            None => {
                let checks = backend.conformance();
                if !checks.is_empty() {
                    let checks = checks.into_iter();
                    findings.extend(checks.map(|check| checked(case, backend, check)));
                    lock_dir = Some(backend.lock_dir());
                    continue;
                }
                let proof = backend.prove();
                if proof.is_ok() {
                    working.get_or_insert(place);
                    lock_dir = Some(backend.lock_dir());
                }
                findings.push(service(case, backend, proof, last.unwrap_or_default()));
            }
        }
    }
    if case.data_dir.is_ok() {
        // The tests have taken the time that the calls of the first one have.
        let store = self::store(case);
        findings.extend(logins(case, &store));
        findings.extend(refreshes(&store));
        findings.extend(lock_dir.and_then(|it| cannot_lock(&it)));
    }
    findings
}

fn not_stored(case: &Case, topic: &'static str, err: StoreError) -> Finding {
    Finding::failure(topic, &Error::not_stored(&case.request.key, Arc::new(err)))
}

fn checked(case: &Case, backend: &dyn Backend, check: Check) -> Finding {
    match check.outcome {
        Ok(()) => Finding::ok(backend.name(), check.what),
        Err(err) => not_stored(case, backend.name(), err),
    }
}

fn data(case: &Case) -> Finding {
    match &case.data_dir {
        Ok(path) if path.as_os_str().is_empty() => {
            Finding::ok("data", "not used: --store names the file of the logins")
        }
        Ok(path) => {
            let shown = path.display().to_string();
            let what = match mode_of(path) {
                Some(mode) => format!("{shown}, mode {mode:04o}"),
                None if path.exists() => shown,
                None => format!("{shown}, made when it is needed"),
            };
            Finding::ok("data", what)
        }
        // The only reason for which there is none.
        Err(_) => not_stored(case, "data", StoreError::NoHome),
    }
}

fn mode_of(path: &Path) -> Option<u32> {
    owner::mode(&fs::metadata(path).ok()?)
}

/// Judges a backend that is a service, such as a keyring.
fn service(
    case: &Case,
    backend: &dyn Backend,
    proof: Result<(), StoreError>,
    last: &str,
) -> Finding {
    let topic = backend.name();
    let Err(err) = proof else {
        let what = "a write, a read and a delete work; logins are stored here";
        return Finding::ok(topic, what);
    };
    if case.store.backend().is_some() {
        return not_stored(case, topic, err);
    }
    let what = format!("{err:#}; logins are stored in the {last}");
    let fault = match &err {
        StoreError::Backend { fault, .. } => Some(fault),
        _ => None,
    };
    let hint = match fault {
        Some(Fault::Silent) => Some(format!("--store {last} saves the wait for it").into()),
        Some(Fault::Locked) => err.hint(&About::default()),
        _ => None,
    };
    Finding {
        hint,
        ..not_stored(case, topic, err).into_warning(what)
    }
}

fn file(case: &Case, backend: &dyn Backend, path: &Path, working: Option<&Place>) -> Finding {
    let (topic, shown) = (backend.name(), path.display());
    // Opening the file removes the permissions of others.
    let mode = mode_of(path);
    let role = match working {
        Some(_) => "",
        None => "; logins are stored here",
    };
    match (backend.prove(), mode) {
        (Ok(()), None) => {
            let verb = if path.exists() { "replaced" } else { "made" };
            Finding::ok(topic, format!("{shown} can be {verb}{role}"))
        }
        (Ok(()), Some(was)) if was & OTHERS != 0 => {
            let what = match mode_of(path).filter(|now| now & OTHERS != 0) {
                Some(now) => {
                    format!("is open to others (mode {now:04o}): its file system keeps that")
                }
                None => format!("was open to others (mode {was:04o}), and is not any more"),
            };
            Finding::warning(topic, format!("{shown} {what}")).with_hint(
                "if others use this computer, log out, and in again where they cannot read it: they may have read the tokens",
            )
        }
        (Ok(()), Some(mode)) => {
            let what =
                format!("{shown} can be replaced; mode {mode:04o}, only you can read it{role}");
            Finding::ok(topic, what)
        }
        (Err(err), _) => {
            let what = working.map(|place| format!("{err:#}; logins are stored in {place}"));
            let failure = not_stored(case, topic, err);
            match what {
                Some(what) => failure.into_warning(what),
                None => failure,
            }
        }
    }
}

fn logins(case: &Case, store: &Store) -> Vec<Finding> {
    let (entries, faults) = match store.examine() {
        Ok(examined) => examined,
        Err(err) => {
            let what = format!("the list of logins cannot be read: {err:#}");
            let failure = Finding::failure("logins", &Error::unreadable(&case.request.key, err));
            return vec![failure.into_warning(what)];
        }
    };
    let mut what = counted(entries.len(), "login");
    let states = entries.iter().map(LoginState::of);
    let ended = states.filter(|state| *state == LoginState::NeedsLogin);
    match ended.count() {
        0 => {}
        1 => what += ", 1 needs a new login",
        many => what += &format!(", {many} need a new login"),
    }
    let unreadable = |err: StoreError| Finding {
        hint: err.hint(&About::default()),
        ..Finding::warning("logins", format!("{err:#}"))
    };
    let mut findings = vec![Finding::ok("logins", what)];
    findings.extend(faults.into_iter().map(unreadable));
    findings
}

/// Reports refreshes that have started and not finished.
fn refreshes(store: &Store) -> Vec<Finding> {
    let finding = |note: RefreshNote| {
        let (name, started_at) = (note.name, note.started_at.rfc3339());
        let what = format!("a refresh of {name} started at {started_at} and has not finished");
        Finding::warning("refreshes", what).with_hint(
            "it is still running, or was interrupted; `mcp-login token SERVER` shows whether the login works",
        )
    };
    let unfinished = refresh::unfinished(store);
    match unfinished.is_empty() {
        true => vec![Finding::ok("refreshes", "none was interrupted")],
        false => unfinished.into_iter().map(finding).collect(),
    }
}

/// Warns of the place for the locks of a service, beside which a refresh notes what it does, if it cannot be written.
fn cannot_lock(lock_dir: &Path) -> Option<Finding> {
    let err = files::prove_writable(&lock_dir.join("proof")).err()?;
    let what = format!("no login there can be refreshed: {err:#}");
    let hint = "let mcp-login write there; MCP_LOGIN_DATA_DIR names another directory, for the keyring MCP_LOGIN_LOCK_DIR";
    Some(Finding::warning("refreshes", what).with_hint(hint))
}
