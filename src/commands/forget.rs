//! `logout --all --forget`: removes every file of this program, and what it wrote into the configurations of clients.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::handover;
use crate::context::Context;
use crate::error::Error;
use crate::os::clock::Deadline;
use crate::os::files::LockFile;
use crate::os::terminal;
use crate::output::{counted, Line, Reporter};
use crate::store::{Interaction, Store, StoreChoice};

/// The files in the data directory, beside those that the store names.
const FILES: [&str; 4] = [
    "credentials.json",
    "index.json",
    "handover.lock",
    "handovers.json",
];

/// Removes the files of the chosen store, and everything else too unless another store has logins. What was written into the
/// configurations of clients is taken back then.
///
/// # Errors
///
/// [`Error::Usage`] if a login is left; [`Error::Unexpected`] for a file that cannot be removed.
pub fn run(context: &Context, reporter: &mut Reporter) -> Result<(), Error> {
    let logins = |store: &Store| {
        store
            .list()
            .map_err(|source| Error::all_logins("read", source))
    };
    let store = context.store_to_read(Interaction::None);
    if !logins(&store)?.is_empty() {
        return Err(Error::usage(
            "a login is left, so the files of mcp-login are left too",
            "see `mcp-login status`",
        ));
    }
    let (mut files, mut directories) = (Vec::new(), Vec::new());
    let mut add = |store: &Store| {
        for backend in store.backends() {
            directories.push(backend.lock_dir());
            files.extend(backend.place().path);
        }
    };
    add(&store);
    let data_dir = &context.settings.data_dir;
    let has_data_dir = !data_dir.as_os_str().is_empty();
    let every = Store::open_to_read(&StoreChoice::default(), data_dir, Interaction::None);
    let is_last = has_data_dir && logins(&every)?.is_empty();
    if is_last || !has_data_dir {
        // What stood there before is in a file of ours.
        handover::take_back_all(context, reporter);
    }
    if is_last {
        add(&every);
        files.extend(FILES.map(|name| data_dir.join(name)));
        directories.push(data_dir.join("cache"));
        // What store helpers have given is copied there, in a directory for each.
        let of_helpers = data_dir.join("exec");
        let entries = fs::read_dir(&of_helpers).into_iter().flatten().flatten();
        let paths = entries.map(|entry| entry.path());
        directories.extend(paths.filter(|path| path.is_dir()));
        directories.push(of_helpers);
    } else if has_data_dir {
        terminal::say(&format!(
            "other logins are stored, so the files in {} are left",
            data_dir.display()
        ));
    }
    if let Some(file) = context.settings.store.file() {
        files.push(file.with_extension("handover.lock"));
        files.push(file.with_extension("handovers.json"));
    }
    let mut removed = Vec::new();
    let failed = Error::unexpected("not every file of mcp-login could be removed");
    forget(&files, &directories, &mut removed).map_err(failed)?;
    if is_last {
        // It stays if it holds something of another program.
        let _ = fs::remove_dir(data_dir);
    }
    terminal::say(&match removed.len() {
        0 => "there are no files to remove".to_owned(),
        count => format!("removed {} of mcp-login", counted(count, "file")),
    });
    let removed = removed.iter().map(|path| path.display().to_string());
    reporter.json(&Line::Forgotten {
        removed: removed.collect(),
    });
    Ok(())
}

/// Removes files with their locks and what interrupted writes left of them, what is ours in directories, and the directories
/// that are empty then. What cannot be removed keeps nothing else; the first such failure is returned.
fn forget(
    files: &[PathBuf],
    directories: &[PathBuf],
    removed: &mut Vec<PathBuf>,
) -> io::Result<()> {
    let mut outcome = Ok(());
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let lock = format!("{name}.lock");
        let temporary = format!(".{name}.");
        let is_of_file = |other: &str| {
            other == name
                || other == lock
                || other.starts_with(&temporary) && other.ends_with(".tmp")
        };
        let of_file = remove(file.parent().unwrap_or(file), is_of_file, removed);
        outcome = outcome.and(of_file);
    }
    for directory in directories {
        outcome = outcome.and(remove(directory, is_ours, removed));
        let _ = fs::remove_dir(directory);
    }
    outcome
}

/// Removes the files of a directory that have such a name.
fn remove(
    directory: &Path,
    is_wanted: impl Fn(&str) -> bool,
    removed: &mut Vec<PathBuf>,
) -> io::Result<()> {
    // Of a relative path in the working directory the parent is empty.
    let directory = match directory.as_os_str().is_empty() {
        true => Path::new("."),
        false => directory,
    };
    let entries = match fs::read_dir(directory) {
        Err(err) if err.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let is_file = !entry.file_type()?.is_dir();
        let path = entry.path();
        if !is_file || !entry.file_name().to_str().is_some_and(&is_wanted) {
            continue;
        }
        if path.extension().is_some_and(|it| it == "lock") {
            // A lock that is held is left: without its file, another process would not see it.
            LockFile::acquire(&path, Deadline::after(Duration::ZERO)).map_err(io::Error::other)?;
        }
        match fs::remove_file(&path) {
            Err(err) if err.kind() != ErrorKind::NotFound => return Err(err),
            _ => removed.push(path),
        }
    }
    Ok(())
}

/// Returns whether a name is one of the cache, or of the locks and notes of refreshes: a kind, and a part of a hash.
fn is_ours(name: &str) -> bool {
    let stem = name.trim_start_matches('.').split('.').next();
    let hash = stem.and_then(|stem| stem.rsplit('-').next());
    hash.is_some_and(|hash| hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_ours_are_removed() {
        for (name, expected) in [
            ("af0f80e65514a9f8.lock", true),
            ("af0f80e65514a9f8.json", true),
            ("clients-af0f80e65514a9f8.json", true),
            (".clients-af0f80e65514a9f8.json.12-ab.x1.tmp", true),
            ("notes.txt", false),
            ("af0f80e65514a9f8a.lock", false),
            ("package-lock.json", false),
            ("", false),
        ] {
            assert_eq!(is_ours(name), expected, "{name}");
        }
    }
}
