//! Owners and permissions of files. On Windows a file has those of its directory: the user's profile, which is for the user, the
//! system and its administrators only.

pub(super) use platform::{
    belongs_to_the_system, belongs_to_us, has_several_names, is_open_to_others, is_removed,
    make_private_directory, others_may_write, others_who_write, take_from_others, undo_umask,
};
pub use platform::{foreign_owner, is_foreign, mode};

#[cfg(unix)]
mod platform {
    use std::fs::{self, DirBuilder, File, Metadata, Permissions};
    use std::io;
    use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
    use std::path::Path;

    use rustix::process::geteuid;

    use crate::os::files::accounts;

    /// Returns the permissions of a file; `None` where it has none of its own.
    pub fn mode(found: &Metadata) -> Option<u32> {
        Some(found.mode() & 0o7777)
    }

    /// Tells whether a file belongs to this user.
    pub fn belongs_to_us(found: &Metadata) -> bool {
        found.uid() == geteuid().as_raw()
    }

    /// Whoever owns `/` owns the machine: root, or what root looks like inside a sandbox.
    pub fn belongs_to_the_system(found: &Metadata) -> bool {
        found.uid() == 0 || fs::metadata("/").is_ok_and(|root| root.uid() == found.uid())
    }

    /// Tells whether a file belongs neither to this user nor to root.
    pub fn is_foreign(found: &Metadata) -> bool {
        ![0, geteuid().as_raw()].contains(&found.uid())
    }

    /// Says whose file it is.
    pub fn foreign_owner(found: &Metadata) -> String {
        let through_sudo = geteuid().is_root() && std::env::var_os("SUDO_UID").is_some();
        let note = if through_sudo {
            ", and this runs as root through sudo"
        } else {
            ""
        };
        format!("it belongs to another user (uid {}){note}", found.uid())
    }

    /// Tells whether others than the owner may write to a file.
    pub fn others_may_write(found: &Metadata) -> bool {
        found.mode() & 0o022 != 0
    }

    /// Says who else can replace what is in a directory, in which not even the owner of a file keeps it.
    pub fn others_who_write(directory: &Metadata) -> Option<String> {
        let mode = directory.mode();
        if mode & 0o1002 == 0o0002 {
            return Some("every user can write to this directory".to_owned());
        }
        let gid = directory.gid();
        let is_groups = mode & 0o1020 == 0o0020 && !accounts::is_own_group(gid);
        is_groups.then(|| format!("the members of group {gid} can write to this directory"))
    }

    /// Tells whether somebody else can make or remove files in a directory of ours.
    pub fn is_open_to_others(directory: &Metadata) -> bool {
        let mode = directory.mode();
        mode & 0o002 != 0 || mode & 0o020 != 0 && !accounts::is_own_group(directory.gid())
    }

    /// Removes the permissions of others. Returns the mode that the file had, if others had any, and how that went.
    pub fn take_from_others(file: &File, found: &Metadata) -> Option<(u32, io::Result<()>)> {
        let mode = found.mode() & 0o7777;
        (mode & 0o077 != 0).then(|| {
            let private = Permissions::from_mode(mode & 0o600);
            (mode, file.set_permissions(private))
        })
    }

    /// Tells whether a file has more than one name. None at all: it was replaced since it was opened, and is still whole.
    pub fn has_several_names(found: &Metadata) -> bool {
        found.nlink() > 1
    }

    /// Tells whether an open file has no name any more.
    pub fn is_removed(file: &File) -> bool {
        file.metadata().is_ok_and(|found| found.nlink() == 0)
    }

    /// Makes a directory for this user only, whatever the umask.
    pub fn make_private_directory(directory: &Path) -> io::Result<()> {
        match DirBuilder::new().mode(0o700).create(directory) {
            Err(err) if err.kind() == io::ErrorKind::AlreadyExists => {}
            made => made?,
        }
        if fs::symlink_metadata(directory).is_ok_and(|made| made.mode() & 0o700 != 0o700) {
            fs::set_permissions(directory, Permissions::from_mode(0o700))?;
        }
        Ok(())
    }

    /// Gives the owner of a new file back what an unusual umask took. It adds no right for others, and mostly does nothing.
    pub fn undo_umask(file: &File) -> io::Result<()> {
        if file.metadata()?.mode() & 0o600 == 0o600 {
            return Ok(());
        }
        file.set_permissions(Permissions::from_mode(0o600))
    }
}

#[cfg(windows)]
mod platform {
    use std::fs::{self, File, Metadata};
    use std::io;
    use std::path::Path;

    /// Windows has access control lists, which files inherit from their directories.
    pub fn mode(_: &Metadata) -> Option<u32> {
        None
    }

    /// Whoever can write where this user's files are is this user, or an administrator.
    pub fn belongs_to_us(_: &Metadata) -> bool {
        true
    }

    /// See [`belongs_to_us`].
    pub fn belongs_to_the_system(_: &Metadata) -> bool {
        false
    }

    /// See [`belongs_to_us`].
    pub fn is_foreign(_: &Metadata) -> bool {
        false
    }

    /// Says whose file it is.
    pub fn foreign_owner(_: &Metadata) -> String {
        "it belongs to another user".to_owned()
    }

    /// See [`mode`].
    pub fn others_may_write(_: &Metadata) -> bool {
        false
    }

    /// See [`mode`].
    pub fn others_who_write(_: &Metadata) -> Option<String> {
        None
    }

    /// See [`mode`].
    pub fn is_open_to_others(_: &Metadata) -> bool {
        false
    }

    /// See [`mode`].
    pub fn take_from_others(_: &File, _: &Metadata) -> Option<(u32, io::Result<()>)> {
        None
    }

    /// The standard library does not tell; making a second name takes the right to write to the file.
    pub fn has_several_names(_: &Metadata) -> bool {
        false
    }

    /// A file that is open as a lock cannot be removed.
    pub fn is_removed(_: &File) -> bool {
        false
    }

    /// Makes a directory, which is as private as the one that it is in.
    pub fn make_private_directory(directory: &Path) -> io::Result<()> {
        match fs::create_dir(directory) {
            Err(err) if err.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            made => made,
        }
    }

    /// There is no umask.
    pub fn undo_umask(_: &File) -> io::Result<()> {
        Ok(())
    }
}
