//! Where the configuration of a client is on each system.

use std::path::PathBuf;

use super::project_directories;
use crate::clients::Places;
use crate::os::places::{below, System};

use Location::{Absolute, BySystem, Here, Named, Of, Up, User};

/// Where a file is.
pub(super) enum Location {
    /// In the working directory or one above it.
    Up(&'static str),
    /// In the working directory.
    Here(&'static str),
    /// Below the directory that a variable names, or else below this directory of the home.
    User(&'static str, &'static str, &'static str),
    /// The path that a variable holds, or this file in the directory that it holds.
    Named(&'static str, &'static str),
    /// In the directory that is determined so.
    Of(fn(&Places) -> PathBuf, &'static str),
    /// An absolute path.
    Absolute(&'static str),
    /// One place for each system: that of XDG, macOS, and Windows.
    BySystem(&'static [Location; 3]),
}

pub(super) const fn home(file: &'static str) -> Location {
    User("", "", file)
}

pub(super) const fn config(file: &'static str) -> Location {
    User("XDG_CONFIG_HOME", ".config", file)
}

pub(super) const fn library(file: &'static str) -> Location {
    User("", "Library/Application Support", file)
}

pub(super) const fn roaming(file: &'static str) -> Location {
    Of(Places::roaming, file)
}

/// The file of a program whose files are where each system wants them.
macro_rules! native {
    ($file:literal) => {
        BySystem(&[config($file), library($file), roaming($file)])
    };
}

/// The file of a program that is called otherwise on Windows.
macro_rules! named {
    ($file:literal, $windows:literal) => {
        BySystem(&[config($file), config($file), roaming($windows)])
    };
}

/// The settings of all users of a machine, in a directory with the first name, and with the second one on macOS.
macro_rules! system_settings {
    ($name:literal, $mac:literal) => {
        BySystem(&[
            Absolute(concat!("/etc/", $name, "/settings.json")),
            Absolute(concat!(
                "/Library/Application Support/",
                $mac,
                "/settings.json"
            )),
            Absolute(concat!(r"C:\ProgramData\", $name, r"\settings.json")),
        ])
    };
}

pub(super) use {named, native, system_settings};

impl Location {
    /// Returns the paths, each with the directory of the project that it belongs to.
    pub fn paths(&self, places: &Places) -> Vec<(PathBuf, Option<PathBuf>)> {
        match *self {
            // Another row of the table has the file in the home directory, which is the user's.
            Up(file) => project_directories(places)
                .into_iter()
                .filter(|it| !places.is_home(it))
                .map(|directory| (below(directory, file), Some(directory.to_owned())))
                .collect(),
            Here(_) if places.is_home(&places.directory) => Vec::new(),
            Here(file) => vec![(
                below(&places.directory, file),
                Some(places.directory.clone()),
            )],
            User(variable, below_home, file) => {
                vec![(below(&places.path_or(variable, below_home), file), None)]
            }
            Named(variable, file) => {
                let path = places.path(variable);
                let path = path.map(|path| (below(&path, file), None));
                path.into_iter().collect()
            }
            Of(directory, file) => vec![(below(&directory(places), file), None)],
            Absolute(file) => vec![(PathBuf::from(file), None)],
            BySystem([xdg, mac_os, windows]) => match places.system {
                System::Xdg => xdg,
                System::MacOs => mac_os,
                System::Windows => windows,
            }
            .paths(places),
        }
    }
}
