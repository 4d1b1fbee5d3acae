//! `__complete`: the names of servers, for the completion of a shell.

use std::collections::BTreeSet;
use std::env;
use std::process::ExitCode;

use crate::clients::config::{self, ConfiguredServer};
use crate::clients::Places;
use crate::oauth::text::is_plain;
use crate::os::terminal;
use crate::store::{self, Interaction, Store};

/// The hidden command that a shell's completion runs.
pub const COMPLETER: &str = "__complete";

/// Prints the names, one per line, and nothing else.
pub fn run() -> ExitCode {
    let is_wanted = env::args_os().nth(2).is_some_and(|kind| kind == "servers");
    let places = Places::detect().filter(|_| is_wanted);
    let names = places.map(|places| servers(&places)).unwrap_or_default();
    let names: Vec<String> = names.into_iter().filter(|name| is_safe(name)).collect();
    if !names.is_empty() {
        // The shell may be gone.
        let _ = terminal::product(&names.join("\n"));
    }
    ExitCode::SUCCESS
}

/// Tells whether a name is plain enough for every shell: a project's file may name a server `$(...)`.
fn is_safe(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphanumeric()) && is_plain(name, "._@+-:/%")
}

/// Returns the stored logins, and each server in a client's configuration: with the client where another one means
/// another server by the same name.
fn servers(places: &Places) -> BTreeSet<String> {
    let configured = config::scan(places, None).servers;
    let is_clear = |server: &ConfiguredServer| {
        let mut others = configured.iter();
        others.all(|other| other.name != server.name || other.url == server.url)
    };
    let name = |server: &ConfiguredServer| match is_clear(server) {
        true => server.name.clone(),
        false => server.full_name(),
    };
    configured.iter().map(name).chain(stored(places)).collect()
}

fn stored(places: &Places) -> Vec<String> {
    let choice = places
        .variable("MCP_LOGIN_STORE")
        .and_then(|text| text.parse().ok())
        .unwrap_or_default();
    let Ok(directory) = store::data_dir(places.path("MCP_LOGIN_DATA_DIR"), &choice) else {
        return Vec::new();
    };
    let store = Store::open_to_read(&choice, &directory, Interaction::None);
    let logins = store.list().unwrap_or_default();
    logins.into_iter().map(|login| login.server).collect()
}
