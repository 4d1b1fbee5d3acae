//! The words that a shell may complete an argument to.

use std::collections::BTreeSet;
use std::process::ExitCode;

use crate::clients::config::{self, ConfiguredServer};
use crate::clients::Places;
use crate::os::terminal;
use crate::store::{self, Interaction, Store, StoreChoice};

/// The hidden command that a shell's completion runs.
pub const COMPLETER: &str = "__complete";

/// Prints what there is of a kind, one a line, and nothing else.
pub fn complete(kind: Option<&str>) -> ExitCode {
    let places = Places::look().filter(|_| kind == Some("servers"));
    let names = places.map(|places| servers(&places)).unwrap_or_default();
    let names: Vec<String> = names.into_iter().filter(|name| is_safe(name)).collect();
    if !names.is_empty() {
        // Who pressed the key may be gone.
        let _ = terminal::product(&names.join("\n"));
    }
    ExitCode::SUCCESS
}

/// Tells whether a name is plain enough for every shell: a project's file may name a server `$(…)`.
fn is_safe(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._@+-:/%".contains(&byte))
}

/// Returns what is logged in, and each server that a client names: with the client where another one means another
/// server by the same name.
fn servers(places: &Places) -> BTreeSet<String> {
    let configured = config::look(places, None).servers;
    let is_clear = |server: &ConfiguredServer| {
        configured
            .iter()
            .all(|other| other.name != server.name || other.url == server.url)
    };
    let names = configured.iter().map(|it| {
        if is_clear(it) {
            it.name.clone()
        } else {
            it.full_name()
        }
    });
    names.chain(stored(places)).collect()
}

fn stored(places: &Places) -> Vec<String> {
    let choice = places
        .variable("MCP_LOGIN_STORE")
        .and_then(|text| text.parse().ok())
        .unwrap_or(StoreChoice::Auto);
    let Ok(directory) = store::data_dir(places.path("MCP_LOGIN_DATA_DIR"), &choice) else {
        return Vec::new();
    };
    let logins = Store::open_to_read(&choice, &directory, Interaction::None)
        .list()
        .unwrap_or_default();
    logins.into_iter().map(|login| login.server).collect()
}
