//! Where the files of a user are.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The kinds of systems that differ in where programs keep a user's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// Linux, and other systems that follow the XDG Base Directory Specification.
    Xdg,
    /// macOS.
    MacOs,
    /// Windows.
    Windows,
}

impl System {
    /// The system that this program runs on.
    pub const CURRENT: Self = if cfg!(windows) {
        Self::Windows
    } else if cfg!(target_os = "macos") {
        Self::MacOs
    } else {
        Self::Xdg
    };
}

/// The variable that names the home directory.
pub const HOME: &str = if cfg!(windows) { "USERPROFILE" } else { "HOME" };

/// The variable that names the directory of programs' data. On Windows it is that of one computer: the other one goes with the
/// user from computer to computer.
pub const DATA_HOME: &str = if cfg!(windows) {
    "LOCALAPPDATA"
} else {
    "XDG_DATA_HOME"
};

/// How people write the directory of this program's data.
pub const DATA_DIR_AS_TYPED: &str = if cfg!(windows) {
    r"%LOCALAPPDATA%\mcp-login"
} else if cfg!(target_os = "macos") {
    "~/Library/Application Support/mcp-login"
} else {
    "~/.local/share/mcp-login"
};

/// Returns the directory of this program's data, by what [`DATA_HOME`] and [`HOME`] hold.
pub fn data_dir(data_home: Option<OsString>, home: Option<OsString>) -> Option<PathBuf> {
    // Spec: XDG Base Directory Specification: a path that is not absolute is to be ignored.
    let absolute =
        |path: Option<OsString>| path.map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || absolute(home);
    if cfg!(target_os = "macos") {
        return Some(home()?.join("Library/Application Support/mcp-login"));
    }
    let below_home = match cfg!(windows) {
        true => r"AppData\Local",
        false => ".local/share",
    };
    let data_home = absolute(data_home).or_else(|| Some(home()?.join(below_home)))?;
    Some(data_home.join("mcp-login"))
}

/// Returns a path below a directory, written as the system writes it: some programs make names of whole paths.
pub fn below(directory: &Path, path: &str) -> PathBuf {
    directory.join(path).components().collect()
}

/// Returns the variables of the environment that are text, by their names: in capitals on Windows, where case does not matter.
pub fn variables() -> BTreeMap<String, String> {
    let text = |(name, value): (OsString, OsString)| {
        let name = name.into_string().ok()?;
        let name = match cfg!(windows) {
            true => name.to_uppercase(),
            false => name,
        };
        Some((name, value.into_string().ok()?))
    };
    env::vars_os().filter_map(text).collect()
}
