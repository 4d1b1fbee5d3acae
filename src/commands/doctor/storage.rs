//! What a login needs to be kept: the data directory, the keyring, the file.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use super::{Case, Finding, Topic};
use crate::commands::status::{Login, LoginState};
use crate::error::Error;
use crate::failure::{About, Failure as _};
use crate::store::file::FileStore;
use crate::store::journal;
use crate::store::keyring::KeyringStore;
use crate::store::{
    CredentialStore as _, Credentials, Interaction, KeyringFault, Store, StoreChoice, StoreError,
};

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
        Err(StoreError::Keyring(_)) if case.store == StoreChoice::Auto => Ok(None),
        loaded => loaded.map_err(|err| Error::unreadable(&case.request.key, err)),
    }
}

/// Examines everything that a login is kept in.
pub fn examine(case: &Case) -> Vec<Finding> {
    let mut findings = vec![data(case)];
    let keyring = match case.store {
        StoreChoice::File(_) => None,
        StoreChoice::Auto | StoreChoice::Keyring => {
            Some(KeyringStore::new(Interaction::None).prove())
        }
    };
    let keyring_works = matches!(keyring, Some(Ok(())));
    findings.extend(keyring.map(|proof| judge_keyring(case, proof)));
    if let Ok(data_dir) = &case.data_dir {
        if case.store != StoreChoice::Keyring {
            findings.push(file(case, data_dir, keyring_works));
        }
        findings.extend(logins(case, data_dir));
        findings.extend(refreshes(data_dir, &case.store));
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

fn judge_keyring(case: &Case, proof: Result<(), StoreError>) -> Finding {
    let Err(err) = proof else {
        return Finding::ok(
            Topic::Keyring,
            "a write, a read and a delete work; logins are kept here",
        );
    };
    if case.store == StoreChoice::Keyring {
        return Finding::failure(Topic::Keyring, &not_kept(case, err));
    }
    let hint = match &err {
        StoreError::Keyring(KeyringFault::Silent) => {
            Some("--store file saves the wait for it".into())
        }
        StoreError::Keyring(KeyringFault::Locked | KeyringFault::Refused) => {
            err.hint(&About::default())
        }
        _ => None,
    };
    let what = format!("{err}; logins are kept in the file");
    Finding {
        hint,
        ..Finding::bearable(Topic::Keyring, &not_kept(case, err), what)
    }
}

fn file(case: &Case, data_dir: &Path, keyring_works: bool) -> Finding {
    let store = FileStore::chosen(&case.store, data_dir, Interaction::None.lock_limit());
    let Some(path) = store.place().path().map(Path::to_owned) else {
        return Finding::ok(Topic::File, "not used");
    };
    // Whoever opens the file takes the permissions of others away.
    let mode = mode(&path);
    let role = if keyring_works {
        ""
    } else {
        "; logins are kept here"
    };
    let shown = path.display();
    match (store.prove(), mode) {
        (Ok(()), None) => Finding::ok(Topic::File, format!("{shown} can be made{role}")),
        (Ok(()), Some(mode)) if mode & OTHERS != 0 => {
            let hint =
                "if others use this computer, log out and in again: they may have read the tokens";
            let what = format!("{shown} was open to others (mode {mode:04o}), and is not any more");
            Finding::warning(Topic::File, what, Some(hint.to_owned()))
        }
        (Ok(()), Some(mode)) => Finding::ok(
            Topic::File,
            format!("{shown} can be replaced; mode {mode:04o}, only you can read it{role}"),
        ),
        (Err(err), _) if keyring_works => {
            let what = format!("{err}; the keyring keeps the logins all the same");
            Finding::bearable(Topic::File, &not_kept(case, err), what)
        }
        (Err(err), _) => Finding::failure(Topic::File, &not_kept(case, err)),
    }
}

fn logins(case: &Case, data_dir: &Path) -> Vec<Finding> {
    match Store::open_to_read(&case.store, data_dir, Interaction::None).examine() {
        Ok((entries, faults)) => {
            let count = entries.len();
            let states = entries.into_iter().map(|entry| Login::of(entry).state);
            let needing = states
                .filter(|state| *state == LoginState::NeedsLogin)
                .count();
            let needing = if needing > 0 {
                format!(", {needing} of them in need of a new one")
            } else {
                String::new()
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

/// Tells of refreshes that were begun and have no end; nothing if there are none.
fn refreshes(data_dir: &Path, store: &StoreChoice) -> Vec<Finding> {
    let finding = |note: journal::Unfinished| {
        let journal::Unfinished {
            account,
            started_at,
        } = note;
        let what = format!(
            "the refresh of {account} has no end since {}",
            started_at.rfc3339()
        );
        let hint = "it is under way, or was interrupted; `mcp-login token SERVER` shows whether the login lives";
        Finding::warning(Topic::Refreshes, what, Some(hint.to_owned()))
    };
    let mut findings: Vec<_> = journal::unfinished(data_dir, store)
        .into_iter()
        .map(finding)
        .collect();
    if findings.is_empty() {
        findings.push(Finding::ok(Topic::Refreshes, "none was interrupted"));
    }
    findings
}
