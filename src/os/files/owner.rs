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
    pub fn others_who_write(path: &Path, directory: &Metadata) -> Option<String> {
        let who = who_else_writes(path, directory).filter(|_| directory.mode() & 0o1000 == 0)?;
        Some(format!("{who} can write to this directory"))
    }

    /// Tells whether somebody else can make or remove files in a directory of ours.
    pub fn is_open_to_others(path: &Path, directory: &Metadata) -> bool {
        who_else_writes(path, directory).is_some()
    }

    fn who_else_writes(path: &Path, directory: &Metadata) -> Option<String> {
        let gid = directory.gid();
        match directory.mode() & 0o022 {
            0 => None,
            0o020 if accounts::is_own_group(gid) => named_in_access_list(path),
            0o020 => Some(format!("the members of group {gid}")),
            _ => Some("every user".to_owned()),
        }
    }

    /// Returns one whom the access control list of a directory lets write, other than this user, root and their groups. Where
    /// there is such a list, the permissions of the group are those that it gives at most.
    ///
    /// Spec: acl(5); `linux/posix_acl_xattr.h`: a version, then the tag, the permissions and the id of each entry.
    #[cfg(target_os = "linux")]
    fn named_in_access_list(path: &Path) -> Option<String> {
        let mut list = [0; 4096];
        let bytes = rustix::fs::getxattr(path, "system.posix_acl_access", &mut list).ok()?;
        let mut entries = list.get(4..bytes)?.chunks_exact(8);
        entries.find_map(|entry| {
            let [tag, _, permissions, _, id @ ..] = <[u8; 8]>::try_from(entry).ok()?;
            let id = u32::from_le_bytes(id);
            let kind = match tag {
                2 if ![0, geteuid().as_raw()].contains(&id) => "user",
                8 if !accounts::is_own_group(id) => "group",
                _ => return None,
            };
            (permissions & 2 != 0).then(|| format!("{kind} {id}"))
        })
    }

    #[cfg(not(target_os = "linux"))]
    fn named_in_access_list(_: &Path) -> Option<String> {
        None
    }

    /// Removes the permissions of others. Returns the mode that the file had, if others had any, and how that went: some file
    /// systems take a new mode and keep the old one.
    pub fn take_from_others(file: &File, found: &Metadata) -> Option<(u32, io::Result<()>)> {
        let mode = found.mode() & 0o7777;
        (mode & 0o077 != 0).then(|| {
            let private = Permissions::from_mode(mode & 0o600);
            let now = file.set_permissions(private).and_then(|()| file.metadata());
            let is_kept = |now: Metadata| match now.mode() & 0o077 {
                0 => Ok(()),
                _ => Err(io::Error::other("the file system keeps its mode")),
            };
            (mode, now.and_then(is_kept))
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
    pub fn others_who_write(_: &Path, _: &Metadata) -> Option<String> {
        None
    }

    /// See [`mode`].
    pub fn is_open_to_others(_: &Path, _: &Metadata) -> bool {
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
