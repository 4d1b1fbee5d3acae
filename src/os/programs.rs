//! Programs: where they are found.

use std::path::Path;

/// Tells whether a program can be run by this name from any directory: it is an absolute path, or on this search path.
pub fn is_there(program: &str, path: &str) -> bool {
    platform::is_there(program, path)
}

/// Tells whether a word is the path of a program, and not a name.
pub fn is_path(program: &str) -> bool {
    Path::new(program).components().count() > 1 || program.starts_with('/')
}

#[cfg(unix)]
mod platform {
    use std::env;
    use std::path::Path;

    use rustix::fs::{access, Access};

    pub(super) fn is_there(program: &str, path: &str) -> bool {
        let is_program = |path: &Path| path.is_file() && access(path, Access::EXEC_OK).is_ok();
        match program.contains('/') {
            true => program.starts_with('/') && is_program(Path::new(program)),
            false => env::split_paths(path).any(|directory| is_program(&directory.join(program))),
        }
    }
}

#[cfg(windows)]
mod platform {
    use std::path::Path;

    pub(super) fn is_there(program: &str, path: &str) -> bool {
        // The endings of programs, such as `.cmd`, come from PATHEXT.
        match super::is_path(program) {
            true => Path::new(program).is_absolute() && which::which(program).is_ok(),
            false => which::which_in(program, Some(path), ".").is_ok(),
        }
    }
}
