//! Programs: where they are found.

use std::env;
use std::io::{self, ErrorKind};
#[cfg(unix)]
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

pub use platform::is_there;

/// Returns the name of a program whose path or name this is, without what ends the names of programs on Windows.
pub fn name(program: &str) -> &str {
    name_on(cfg!(windows), program)
}

fn name_on(is_windows: bool, program: &str) -> &str {
    if !is_windows {
        return program.rsplit('/').next().unwrap_or(program);
    }
    let name = program.rsplit(['/', '\\']).next().unwrap_or(program);
    let is_ending = |ending: &str| {
        ["exe", "cmd", "bat"]
            .iter()
            .any(|it| ending.eq_ignore_ascii_case(it))
    };
    match name.rsplit_once('.') {
        Some((stem, ending)) if is_ending(ending) => stem,
        _ => name,
    }
}

/// Returns the absolute path of the running program.
///
/// # Errors
///
/// The operating system does not tell, or the file has gone.
pub fn own() -> io::Result<PathBuf> {
    let path = env::current_exe()?;
    match cfg!(windows) {
        // What is canonical there begins with `\\?\`, which not every shell takes.
        true => Ok(path),
        // So Linux says that the file has gone, and others may have put one of that name there.
        false if path.to_string_lossy().ends_with(" (deleted)") => Err(ErrorKind::NotFound.into()),
        false => path.canonicalize(),
    }
}

/// Returns the command that starts the running program once more. On Linux that is this very program, whatever an update has put
/// in its place: the path that the system tells may be in a directory where others can write by then.
///
/// # Errors
///
/// The operating system does not tell.
pub fn again() -> io::Result<Command> {
    let path = env::current_exe()?;
    let itself = if cfg!(target_os = "linux") {
        Path::new("/proc/self/exe")
    } else {
        &path
    };
    #[cfg_attr(windows, allow(unused_mut))]
    let mut command = Command::new(itself);
    #[cfg(unix)]
    CommandExt::arg0(&mut command, &path);
    Ok(command)
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

    /// Tells whether a program can be run by this name from any directory: it is an absolute path, or on this search path.
    pub fn is_there(program: &str, path: &str) -> bool {
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

    /// Tells whether a program can be run by this name from any directory: it is an absolute path, or on this search path.
    pub fn is_there(program: &str, path: &str) -> bool {
        // The endings of programs, such as `.cmd`, come from PATHEXT.
        match super::is_path(program) {
            true => Path::new(program).is_absolute() && which::which(program).is_ok(),
            false => which::which_in(program, Some(path), ".").is_ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn win7_names_of_programs() {
        for (program, unix, windows) in [
            ("mcp-login", "mcp-login", "mcp-login"),
            ("/opt/x y/mcp-login", "mcp-login", "mcp-login"),
            ("mcp-remote@1.2.exe", "mcp-remote@1.2.exe", "mcp-remote@1.2"),
            (
                "mcp-remote@0.1.38",
                "mcp-remote@0.1.38",
                "mcp-remote@0.1.38",
            ),
            (
                r"C:\x y\MCP-Login.EXE",
                r"C:\x y\MCP-Login.EXE",
                "MCP-Login",
            ),
            (
                r"C:\npm\mcp-remote.cmd",
                r"C:\npm\mcp-remote.cmd",
                "mcp-remote",
            ),
            (r"C:\mcp-login\other", r"C:\mcp-login\other", "other"),
        ] {
            assert_eq!(name_on(false, program), unix);
            assert_eq!(name_on(true, program), windows);
        }
    }
}
