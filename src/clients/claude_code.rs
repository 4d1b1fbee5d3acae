//! Claude Code: asks us for the headers of its requests, by its documented `headersHelper`.
//!
//! Its own store of logins is not written: the same file holds the user's subscription, and writes of two programs have
//! destroyed it before.

use std::path::{Path, MAIN_SEPARATOR};

use serde_json::json;

use super::setting::{EntryPlace, Setting};
use super::{Delivery, Handover, HandoverError, Mode, Places, Target};

/// Claude Code 2.1.
pub const TARGET: Target = Target {
    name: "claude-code",
    about: "runs `mcp-login headers` as its headersHelper",
    source: Some("claude-code"),
    asks_us: true,
    modes: &[Mode::Access],
    deliver,
    note: "Claude Code reads its configuration when it starts",
    ..Target::NEW
};

/// Returns how Claude Code names the directory of a project: with slashes on Windows too, where a name with backslashes is
/// another one.
pub fn project_name(directory: &Path) -> String {
    let name = directory.display().to_string();
    name.replace(MAIN_SEPARATOR, "/")
}

fn deliver(handover: &Handover, places: &Places) -> Result<Delivery, HandoverError> {
    // A project's own file is shared, and not changed: the user's setting for the project wins over it.
    let project = handover.configured.and_then(|it| it.project.as_ref());
    let mut keys = Vec::new();
    if let Some(directory) = project {
        keys.extend(["projects".to_owned(), project_name(directory)]);
    }
    keys.push("mcpServers".to_owned());
    let place = EntryPlace {
        path: places.path_or("CLAUDE_CONFIG_DIR", "").join(".claude.json"),
        keys,
        name: handover.name.to_owned(),
        is_list: false,
    };
    let setting = Setting {
        usual: json!({"type": "http", "url": handover.url}),
        members: json!({"headersHelper": handover.command.shell("headers")}),
        ..Setting::new(handover, place)
    };
    Ok(Delivery::Setting(setting, None))
}
