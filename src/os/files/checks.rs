//! Who could have planted, read or changed a file: every link, directory and file on the way to it is judged.

use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Mutex;

use anyhow::{anyhow, Context};

use super::owner::{self, belongs_to_the_system, belongs_to_us, foreign_owner};
use super::{cannot, directory_of, insecure, mount, open, DiskError};
use crate::os::sync::lock;
use crate::warning::warn_user;

/// As many symbolic links as Linux itself follows in one path.
const MAX_LINKS: usize = 40;

/// A path without links, all of whose directories are safe.
pub(super) struct Resolved {
    /// The path.
    pub(super) path: PathBuf,
    /// The link through which the file itself was reached.
    link: Option<PathBuf>,
    /// That link is the system's: its file may be read, and not replaced.
    is_systems: bool,
}

impl Resolved {
    /// Opens the file for reading; removes the permissions of others if it is ours. `None` if there is none.
    pub(super) fn open(&self) -> Result<Option<File>, DiskError> {
        // Another thread must not find the file mended, and end the program, before this one has said so.
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _turn = lock(&ONE_AT_A_TIME);
        let Some((file, found)) = self.open_checked()? else {
            return Ok(None);
        };
        if let Some((mode, taken)) = owner::take_from_others(&file, &found) {
            let path = self.path.display();
            match taken {
                Ok(()) => {
                    warn_user!(
                        FileReadable,
                        "others could read {path} (mode {mode:04o}); now only you can"
                    )
                }
                // Whoever put it there decides who reads it.
                Err(_) if !belongs_to_us(&found) => {
                    log::debug!("others can read {path} (mode {mode:04o})")
                }
                Err(err) => {
                    warn_user!(
                        FileReadable,
                        "others can read {path} (mode {mode:04o}), and that cannot be changed: {err}"
                    )
                }
            }
        }
        Ok(Some(file))
    }

    /// Opens the file for reading and changes nothing.
    pub(super) fn open_checked(&self) -> Result<Option<(File, Metadata)>, DiskError> {
        let file = match open::open_to_read(&self.path, false) {
            Ok(file) => file,
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(err) => return Err(anyhow!(err).context(cannot("open", &self.path)).into()),
        };
        let found = check_readable(&self.path, &file)?;
        if self.link.is_some() && owner::others_may_write(&found) {
            return Err(insecure(
                &self.path,
                "others can write to it, and a symbolic link leads there",
            ));
        }
        Ok(Some((file, found)))
    }

    /// Checks that the file may be replaced, or made: it is ours and no mount, and so is the link that leads there.
    pub(super) fn check_replaceable(&self) -> Result<(), DiskError> {
        if let Some(link) = self.link.as_ref().filter(|_| self.is_systems) {
            return Err(DiskError::ReadOnly {
                path: link.clone(),
                why: "it is a symbolic link of the system's".into(),
            });
        }
        match fs::symlink_metadata(&self.path) {
            Err(err) if err.kind() == io::ErrorKind::NotFound => self.check_dangling(),
            Err(err) => Err(anyhow!(err).context(cannot("open", &self.path)).into()),
            Ok(found) if belongs_to_the_system(&found) && !belongs_to_us(&found) => {
                Err(DiskError::ReadOnly {
                    path: self.path.clone(),
                    why: foreign_owner(&found),
                })
            }
            Ok(_) if mount::is_mount(&self.path) => Err(DiskError::Mount(self.path.clone())),
            Ok(_) => Ok(()),
        }
    }

    /// A link to nothing says where a new file goes: only the user may have made it.
    fn check_dangling(&self) -> Result<(), DiskError> {
        let Some(link) = &self.link else {
            return Ok(());
        };
        let place = directory_of(link);
        let directory = fs::metadata(place).with_context(|| cannot("open", link))?;
        if belongs_to_us(&directory) && !owner::is_open_to_others(place, &directory) {
            return Ok(());
        }
        Err(insecure(
            link,
            "it is a symbolic link to nothing, and others can write to its directory",
        ))
    }
}

/// Follows a path component by component. What the system would follow silently is judged here: who could have planted
/// a link, and who could change a directory.
pub(super) fn resolve(path: &Path) -> Result<Resolved, DiskError> {
    let absolute = std::path::absolute(path).with_context(|| cannot("find", path))?;
    let mut resolved = Resolved {
        path: root_of(&absolute),
        link: None,
        is_systems: false,
    };
    let mut pending = reversed_names(&absolute);
    let mut links = 0;
    while let Some(name) = pending.pop() {
        if name == ".." {
            resolved.path.pop();
            continue;
        }
        let next = resolved.path.join(&name);
        let found = match fs::symlink_metadata(&next) {
            Ok(found) => found,
            Err(err) if err.kind() == io::ErrorKind::NotFound => {
                resolved.path = next;
                continue;
            }
            Err(err) => return Err(anyhow!(err).context(cannot("open", path)).into()),
        };
        let last = pending.is_empty();
        if found.is_symlink() {
            links += 1;
            if links > MAX_LINKS {
                return Err(insecure(path, "its symbolic links lead in a circle"));
            }
            if !belongs_to_us(&found) && !belongs_to_the_system(&found) {
                return Err(insecure(
                    &next,
                    "it is a symbolic link that another user made",
                ));
            }
            let target = fs::read_link(&next).with_context(|| cannot("open", &next))?;
            if target.is_absolute() {
                resolved.path = root_of(&target);
            }
            pending.extend(reversed_names(&target));
            if last {
                resolved.is_systems |= !belongs_to_us(&found);
                resolved.link = Some(next);
            }
        } else {
            if !last {
                check_directory(&next, &found)?;
            }
            resolved.path = next;
        }
    }
    Ok(resolved)
}

/// Returns `/` or, on Windows, a drive with its root.
fn root_of(path: &Path) -> PathBuf {
    path.components()
        .take_while(|part| matches!(part, Component::Prefix(_) | Component::RootDir))
        .collect()
}

fn reversed_names(path: &Path) -> Vec<OsString> {
    let names = path
        .components()
        .filter(|part| matches!(part, Component::Normal(_) | Component::ParentDir));
    names.rev().map(|it| it.as_os_str().to_owned()).collect()
}

fn check_directory(path: &Path, found: &Metadata) -> Result<(), DiskError> {
    if !found.is_dir() {
        return Err(anyhow!("it is not a directory")
            .context(cannot("use", path))
            .into());
    }
    if !belongs_to_us(found) && !belongs_to_the_system(found) {
        return Err(insecure(path, foreign_owner(found)));
    }
    match owner::others_who_write(path, found) {
        Some(who) => Err(insecure(path, who)),
        None => Ok(()),
    }
}

/// Checks an open file that is to be written to, or that is a lock.
pub(super) fn check_file(path: &Path, file: &File) -> Result<Metadata, DiskError> {
    let found = check_readable(path, file)?;
    if !belongs_to_us(&found) {
        return Err(insecure(path, foreign_owner(&found)));
    }
    Ok(found)
}

/// Checks an open file that is to be read: it is ours, or the system's and only the system can write to it, as with secrets
/// that Kubernetes or systemd hand out.
fn check_readable(path: &Path, file: &File) -> Result<Metadata, DiskError> {
    let found = file.metadata().with_context(|| cannot("open", path))?;
    if !found.is_file() {
        return Err(insecure(path, "it is not a regular file"));
    }
    let is_systems = belongs_to_the_system(&found) && !owner::others_may_write(&found);
    if !belongs_to_us(&found) && !is_systems {
        return Err(insecure(path, foreign_owner(&found)));
    }
    if owner::has_several_names(&found) {
        return Err(insecure(path, "it has more than one name (a hard link)"));
    }
    Ok(found)
}
