//! A copy of each live access token on this machine, for the time when the helper cannot be used. No refresh token and no
//! client secret is in it, so nothing can be spent from it.

use std::fs;
use std::path::PathBuf;

use serde_json::Map;

use super::super::{text, Credentials, StoredId};
use super::{protocol, ExecBackend};
use crate::os::files;

/// The longest copy that is read, in bytes.
const MAX_BYTES: u64 = 256 * 1024;

impl ExecBackend {
    /// Returns the copy of a login whose access token has not expired.
    pub(super) fn live_copy(&self, id: &StoredId) -> Option<Credentials> {
        let bytes = files::read_private(&self.copy_path(id), MAX_BYTES).ok()??;
        let copy: Credentials = serde_json::from_slice(&bytes).ok()?;
        (copy.key() == *id && !copy.has_expired()).then_some(copy)
    }

    /// Copies a login, or removes the copy of one that gives nobody a token. A failure costs only the copy.
    pub(super) fn update_copy(&self, id: &StoredId, login: Option<&Credentials>) {
        let path = self.copy_path(id);
        let Some(login) = login.filter(|it| !it.needs_login && it.handed_over.is_none()) else {
            let _ = fs::remove_file(path);
            return;
        };
        let copy = Credentials {
            refresh_token: None,
            client_secret: None,
            client_key: None,
            id_token: None,
            // What only a newer version knows may be secret.
            rest: Map::new(),
            ..login.clone()
        };
        let written = text::checked(&copy, &path.display()).map(|text| {
            let is_there = files::read_private(&path, MAX_BYTES)
                .ok()
                .flatten()
                .is_some_and(|found| *found == text.as_bytes());
            match is_there {
                true => Ok(()),
                false => files::write_cache(&path, text.as_bytes()),
            }
        });
        if let Ok(Err(err)) = written {
            log::debug!("no copy of the token: {err}");
        }
    }

    fn copy_path(&self, id: &StoredId) -> PathBuf {
        self.directory.join(format!("{}.copy", protocol::key(id)))
    }
}
