//! What a login needs to be kept: the data directory and the stores.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use super::{Case, Finding, Topic};
use crate::commands::status::{Login, LoginState};
use crate::error::Error;
use crate::failure::{About, Failure as _};
use crate::refresh::{self, Unfinished};
use crate::store::{Backend, Credentials, Fault, Interaction, Place, Store, StoreError};

/// The permissions of others, in the mode of a file.
const OTHERS: u32 = 0o077;

/// Reads what is kept of an earlier login, as a new one does first.
///
/// # Errors
///
/// What a login would end with.
pub fn before(case: &Case) -> Result<Option<Credentials>, Error> {
    let (true, Ok(data_dir)) = (case.has_server, &case.data_dir) else {
        return Ok(None);
    };
    match Store::open_to_read(&case.store, data_dir, Interaction::None).load(&case.request.key) {
        Err(StoreError::Backend { .. }) if case.store.backend().is_none() => Ok(None),
        loaded => loaded.map_err(|err| Error::unreadable(&case.request.key, err)),
    }
}

/// Examines everything that a login is kept in.
pub fn examine(case: &Case) -> Vec<Finding> {
    let mut findings = vec![data(case)];
    let data_dir = case.data_dir.as_deref().ok();
    let nowhere = Path::new("");
    let store = Store::open_to_read(&case.store, data_dir.unwrap_or(nowhere), Interaction::None);
    let last = store.backends().last().map(Backend::name);
    let mut working = None;
    for backend in store.backends() {
        let place = backend.place();
        match &place.path {
            Some(path) if data_dir.is_some() => {
                findings.push(file(case, backend, path, working.as_ref()));
            }
            Some(_) => {}
            None => {
                let proof = backend.prove();
                if proof.is_ok() {
                    working.get_or_insert(place);
                }
                findings.push(judge(case, backend, proof, last.unwrap_or_default()));
            }
        }
    }
    if data_dir.is_some() {
        findings.extend(logins(case, &store));
        findings.extend(refreshes(&store));
    }
    findings
}

fn not_kept(case: &Case, err: StoreError) -> Error {
    Error::not_kept(&case.request.key, Arc::new(err))
}

fn data(case: &Case) -> Finding {
    match &case.data_dir {
        Ok(path) if path.as_os_str().is_empty() => Finding::ok(
            Topic::Data,
            "there is none, and none is needed: the login file stands for itself",
        ),
        Ok(path) => match mode(path) {
            Some(mode) => Finding::ok(Topic::Data, format!("{}, mode {mode:04o}", path.display())),
            None => Finding::ok(
                Topic::Data,
                format!("{}, made when it is needed", path.display()),
            ),
        },
        // The one way in which there is none.
        Err(_) => Finding::failure(Topic::Data, &not_kept(case, StoreError::NoHome)),
    }
}

fn mode(path: &Path) -> Option<u32> {
    fs::metadata(path)
        .ok()
        .map(|found| found.permissions().mode() & 0o7777)
}

fn judge(case: &Case, backend: &dyn Backend, proof: Result<(), StoreError>, last: &str) -> Finding {
    let topic = Topic::Store(backend.name());
    let Err(err) = proof else {
        return Finding::ok(
            topic,
            "a write, a read and a delete work; logins are kept here",
        );
    };
    if case.store.backend().is_some() {
        return Finding::failure(topic, &not_kept(case, err));
    }
    let hint = match &err {
        StoreError::Backend {
            fault: Fault::Silent,
            ..
        } => Some(format!("--store {last} saves the wait for it").into()),
        StoreError::Backend {
            fault: Fault::Locked,
            ..
        } => err.hint(&About::default()),
        _ => None,
    };
    let what = format!("{err}; logins are kept in the {last}");
    Finding {
        hint,
        ..Finding::bearable(topic, &not_kept(case, err), what)
    }
}

fn file(case: &Case, backend: &dyn Backend, path: &Path, working: Option<&Place>) -> Finding {
    let topic = Topic::Store(backend.name());
    // Whoever opens the file takes the permissions of others away.
    let mode = mode(path);
    let role = if working.is_some() {
        ""
    } else {
        "; logins are kept here"
    };
    let shown = path.display();
    match (backend.prove(), mode) {
        (Ok(()), None) => Finding::ok(topic, format!("{shown} can be made{role}")),
        (Ok(()), Some(mode)) if mode & OTHERS != 0 => {
            let hint =
                "if others use this computer, log out and in again: they may have read the tokens";
            let what = format!("{shown} was open to others (mode {mode:04o}), and is not any more");
            Finding::warning(topic, what, Some(hint.to_owned()))
        }
        (Ok(()), Some(mode)) => Finding::ok(
            topic,
            format!("{shown} can be replaced; mode {mode:04o}, only you can read it{role}"),
        ),
        (Err(err), _) => match working {
            Some(place) => {
                let what = format!("{err}; {place} keeps the logins all the same");
                Finding::bearable(topic, &not_kept(case, err), what)
            }
            None => Finding::failure(topic, &not_kept(case, err)),
        },
    }
}

fn logins(case: &Case, store: &Store) -> Vec<Finding> {
    match store.examine() {
        Ok((entries, faults)) => {
            let count = entries.len();
            let states = entries.into_iter().map(|entry| Login::of(entry).state);
            let needing = states
                .filter(|state| *state == LoginState::NeedsLogin)
                .count();
            let needing = match needing {
                0 => String::new(),
                1 => ", 1 needs a new login".to_owned(),
                many => format!(", {many} need a new login"),
            };
            let logins = if count == 1 { "login" } else { "logins" };
            let whole = Finding::ok(Topic::Logins, format!("{count} {logins}{needing}"));
            let unreadable = |err: StoreError| Finding {
                hint: err.hint(&About::default()),
                ..Finding::warning(Topic::Logins, err.to_string(), None)
            };
            [whole]
                .into_iter()
                .chain(faults.into_iter().map(unreadable))
                .collect()
        }
        Err(err) => {
            let what = format!("the list of logins cannot be read: {err}");
            vec![Finding::bearable(
                Topic::Logins,
                &Error::unreadable(&case.request.key, err),
                what,
            )]
        }
    }
}

/// Reports refreshes that have started and not finished.
fn refreshes(store: &Store) -> Vec<Finding> {
    let finding = |Unfinished { name, started_at }: Unfinished| {
        let what = format!(
            "a refresh of {name} started at {} and has not finished",
            started_at.rfc3339()
        );
        let hint = "it is under way, or was interrupted; `mcp-login token SERVER` shows whether the login works";
        Finding::warning(Topic::Refreshes, what, Some(hint.to_owned()))
    };
    let mut findings: Vec<_> = refresh::unfinished(store)
        .into_iter()
        .map(finding)
        .collect();
    if findings.is_empty() {
        findings.push(Finding::ok(Topic::Refreshes, "none was interrupted"));
    }
    findings
}
