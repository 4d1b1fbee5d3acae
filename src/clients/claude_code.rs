//! Claude Code: asks us for the headers of its requests, by its documented `headersHelper`.
//!
//! Its own store of logins is not written: the same file holds the user's subscription, and writes of two programs have
//! destroyed it before.

use serde_json::json;

use super::{json as file, Change, Client, Delivery, Edit, Handover, HandoverError, Mode, Places};

/// Claude Code 2.1.
pub const CLIENT: Client = Client {
    name: "claude-code",
    about: "runs `mcp-login headers` as its headersHelper",
    source: Some("claude-code"),
    asks_us: true,
    modes: &[Mode::Access],
    deliver,
    note: "Claude Code reads its configuration when it starts",
};

fn deliver(grant: &Handover, places: &Places) -> Result<Delivery, HandoverError> {
    let entry = json!({"type": "http", "url": grant.url, "headersHelper": grant.helper});
    let (name, whole) = (
        grant.name.to_owned(),
        json!({"mcpServers": {grant.name: entry.clone()}}),
    );
    let directory = places
        .path("CLAUDE_CONFIG_DIR")
        .unwrap_or_else(|| places.home.clone());
    let path = directory.join(".claude.json");
    // What a project's own file says is everybody's, and not changed: the user's setting for the project wins over it.
    let project = grant
        .configured
        .and_then(|it| it.project.as_ref())
        .map(|it| it.to_string_lossy().into_owned());
    let edited = path.clone();
    let edit: Edit = Box::new(move |old| {
        file::edit(&edited, old, |root| {
            let mut parent = root.clone();
            for step in project
                .iter()
                .flat_map(|directory| ["projects", directory.as_str()])
            {
                parent = file::object(&edited, &parent, step)?;
            }
            let servers = file::object(&edited, &parent, "mcpServers")?;
            match servers.object_value(&name) {
                Some(server) => {
                    let found = server
                        .get("url")
                        .and_then(|it| it.to_serde_value())
                        .unwrap_or_default();
                    if found != entry["url"] {
                        // The token of this server would go to that one.
                        return Err(HandoverError::other_server(
                            &edited,
                            &name,
                            found.as_str().unwrap_or_default(),
                        ));
                    }
                    file::set(&server, "headersHelper", &entry["headersHelper"]);
                }
                None => file::set(&servers, &name, &entry),
            }
            Ok(())
        })
    });
    let shown = serde_json::to_string_pretty(&whole).unwrap_or_default();
    Ok(Delivery::Setting {
        shown,
        change: Change {
            path,
            lock: None,
            secret: false,
            edit,
        },
        older: None,
    })
}
