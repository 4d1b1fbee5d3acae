//! Crush: runs `mcp-login token` for a header, by its documented `$(command)`.

use serde_json::json;

use super::setting::Setting;
use super::{config, Delivery, Handover, HandoverError, Mode, Places, Target};

/// Crush 0.96.
pub const TARGET: Target = Target {
    name: "crush",
    about: "runs `mcp-login token` for its Authorization header",
    source: Some("crush"),
    asks_us: true,
    edits_entry: true,
    modes: &[Mode::Access],
    deliver,
    note: "Crush reads its configuration when it starts",
    ..Target::NEW
};

fn deliver(handover: &Handover, places: &Places) -> Result<Delivery, HandoverError> {
    let place = config::place(handover, places)?;
    let token = format!("Bearer $({})", handover.command.shell("token"));
    let setting = Setting {
        usual: json!({"type": "http", "url": handover.url}),
        members: json!({"headers": {"Authorization": token}}),
        ..Setting::new(handover, place)
    };
    Ok(Delivery::Setting(Box::new(setting), None))
}
