//! What the commands share of the command line: the global options, the values of options, and how servers are named.

pub mod environment;
pub mod names;
pub mod servers;
pub mod values;

use std::path::{PathBuf, MAIN_SEPARATOR};

use clap::{ArgAction, Args};

use crate::context::{Context, Settings};
use crate::error::Error;
use crate::http;
use crate::os::places::DATA_DIR_AS_TYPED;
use crate::os::terminal::Color;
use crate::store::{self, StoreChoice, StoreError};

/// The options of every command.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Options of every command")]
pub struct GlobalArgs {
    /// Where logins are stored
    #[arg(long, global = true, value_name = "STORE", default_value = "auto", hide_possible_values = true, value_parser = values::store(), long_help = store_help())]
    pub store: StoreChoice,

    /// Keep several accounts for one server apart [default: default]
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,

    /// Print one JSON object per line on stdout
    #[arg(long, global = true)]
    pub json: bool,

    /// Print only errors and what you have to see
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Print each request and its response
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,

    /// Trust the certificate authorities in this PEM file too
    #[arg(long, global = true, value_name = "PEM")]
    pub ca_file: Option<PathBuf>,

    /// When to use colors
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", value_parser = values::one_of(COLORS))]
    pub color: Color,

    /// The directory for everything that mcp-login stores
    #[arg(long, global = true, value_name = "DIR", long_help = data_dir_help())]
    pub data_dir: Option<PathBuf>,
}

/// Returns the help on stores, which names the file of this system.
fn store_help() -> String {
    format!(
        "Where logins are stored\n\nauto, keyring, file, file:PATH or exec:COMMAND. With auto, the keyring if a write, a read and a \
         delete work there within 3 s, else the file ({DATA_DIR_AS_TYPED}{MAIN_SEPARATOR}credentials.json). COMMAND is a helper that \
         keeps the logins in an engine that several machines share: see mcp-login-store(7)."
    )
}

/// Returns the help on the directory, which names the usual one of this system.
fn data_dir_help() -> String {
    format!("The directory for everything that mcp-login stores\n\nUsually {DATA_DIR_AS_TYPED}.")
}

const COLORS: values::Words<Color> = values::words! {
    "auto", "On a terminal, unless NO_COLOR is set" => Color::Auto;
    "always", "Always" => Color::Always;
    "never", "Never" => Color::Never;
};

impl GlobalArgs {
    /// Returns what a command works with. `may_store_nothing` is for one that needs no stored login.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] if there is no data directory and one is needed.
    pub fn context(&self, may_store_nothing: bool) -> Result<Context, Error> {
        let data_dir = match store::data_dir(self.data_dir.clone(), &self.store) {
            Err(StoreError::NoHome) if may_store_nothing => PathBuf::new(),
            found => found.map_err(|source| Error::all_logins("find a place for", source))?,
        };
        let mut context = Context::new(Settings {
            store: self.store.clone(),
            data_dir,
            http: self.http(),
        });
        context.profile.clone_from(&self.profile);
        context.json = self.json;
        Ok(context)
    }

    /// Returns how requests are sent.
    pub fn http(&self) -> http::HttpSettings {
        http::HttpSettings {
            ca_file: self.ca_file.clone(),
        }
    }

    /// Returns how much is printed: below zero only errors, above zero more.
    pub fn verbosity(&self) -> i8 {
        if self.quiet {
            -1
        } else {
            i8::try_from(self.verbose).unwrap_or(i8::MAX)
        }
    }
}
