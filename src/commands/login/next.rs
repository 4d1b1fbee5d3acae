//! What comes after a login: the one command that lets the user's client use it. For a URL that is the stdio MCP server which
//! a client starts, for a login without an MCP server a program that is given the token.

use std::collections::BTreeMap;

use super::servers::RequestedServer;
use crate::cli::servers::parse;
use crate::clients::config::ConfiguredServer;
use crate::clients::{ours, targets, Target};
use crate::context::Context;
use crate::login::Request;
use crate::output::hint;
use crate::store::StoredId;

/// Returns the command for each login; none where the client uses it already.
pub fn commands(
    servers: &[RequestedServer],
    requests: &[Request],
    context: &Context,
) -> BTreeMap<StoredId, String> {
    let mut commands = BTreeMap::new();
    for key in requests.iter().map(|request| &request.key) {
        let is_meant = |server: &&RequestedServer| {
            parse(&server.text, None, true).is_ok_and(|it| it.key.server == key.server)
        };
        let named = servers.iter().find(is_meant);
        let named = named.and_then(|server| server.named.as_ref());
        let command = |words: &[&str]| hint::for_login(words, key, &context.settings);
        let command = match named.and_then(|named| Some((named, target(named)?))) {
            // The client asks us for the token of this login already.
            Some((named, _)) if ours::asks_for(named, key) => continue,
            Some((named, target)) => {
                let name = named.full_name();
                let words = ["handover", &name, "--to", target.name, "--write"];
                // Only the user may change a file of the project: the setting for it is printed.
                let is_printed = named.in_project && target.edits_entry;
                command(&words[..words.len() - usize::from(is_printed)])
            }
            // A name that the user chose may begin with `-`, and would be an option.
            None if key.server.starts_with('-') => continue,
            None if key.server.contains("://") => command(&["connect", &key.server]),
            None => command(&["exec", &key.server]) + " -- COMMAND",
        };
        commands.insert(key.clone(), command);
    }
    commands
}

/// Returns what a login has to be handed to so that the client of this entry can use it.
pub fn target(named: &ConfiguredServer) -> Option<&'static Target> {
    targets().find(|target| target.reads(named) && target.wants(named).is_ok())
}
