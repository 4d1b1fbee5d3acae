//! Claude Code: asks us for the headers of its requests, by its documented `headersHelper`.
//!
//! Its own store of logins is not written: the same file holds the user's subscription, and writes of two programs have
//! destroyed it before.

use std::path::Path;

use serde_json::json;

use super::{json as file, Change, Delivery, Handover, HandoverError, Mode, Places, Target};

/// Claude Code 2.1.
pub const TARGET: Target = Target {
    name: "claude-code",
    about: "runs `mcp-login headers` as its headersHelper",
    source: Some("claude-code"),
    asks_us: true,
    accepts_mcp_remote: false,
    modes: &[Mode::Access],
    deliver,
    note: "Claude Code reads its configuration when it starts",
};

fn deliver(handover: &Handover, places: &Places) -> Result<Delivery, HandoverError> {
    let entry = json!({"type": "http", "url": handover.url, "headersHelper": handover.helper});
    let name = handover.name.to_owned();
    let shown = json!({"mcpServers": {handover.name: entry.clone()}});
    let directory = places.path_or("CLAUDE_CONFIG_DIR", "");
    // A project's own file is shared, and not changed: the user's setting for the project wins over it.
    let project = handover.configured.and_then(|it| it.project.clone());
    let edit = move |path: &Path, old: Option<&str>| {
        file::edit(path, old, |root| {
            let mut parent = root.clone();
            if let Some(directory) = &project {
                parent = file::object(path, &parent, "projects")?;
                parent = file::object(path, &parent, &directory.to_string_lossy())?;
            }
            let servers = file::object(path, &parent, "mcpServers")?;
            let Some(server) = servers.object_value(&name) else {
                file::set(&servers, &name, &entry);
                return Ok(());
            };
            let url = server.get("url").and_then(|it| it.to_serde_value());
            // The token of this server would go to the other one.
            if url.as_ref() != entry.get("url") {
                return Err(HandoverError::other_server(path, &name, url.as_ref()));
            }
            file::set(&server, "headersHelper", &entry["headersHelper"]);
            Ok(())
        })
    };
    Ok(Delivery::Setting {
        shown: format!("{shown:#}"),
        change: Change::shared(directory.join(".claude.json"), edit),
        older: None,
    })
}
