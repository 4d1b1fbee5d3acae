//! What the system's database of users and groups says, whatever the environment says.

use std::path::PathBuf;

use nix::unistd::{Uid, User};

/// Returns the home directory of the user whose process this is; `None` if the database does not know the user.
pub fn home() -> Option<PathBuf> {
    let user = User::from_uid(Uid::effective()).ok().flatten()?;
    Some(user.dir).filter(|home| home.is_absolute())
}
