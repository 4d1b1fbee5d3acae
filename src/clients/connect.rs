//! The clients that start `mcp-login connect` as an MCP server on this machine: nearly every client can start one.
//!
//! What is special about each of them is a row of the table in [`config`].

use std::sync::LazyLock;

use serde_json::{json, Value};
use zeroize::Zeroizing;

use super::setting::Setting;
use super::{config, Delivery, Handover, HandoverError, Mode, Places, Target};
use crate::oauth::text::ascii;

/// Any other client that can start MCP servers.
pub const ANY: Target = Target {
    name: "any",
    about: "prints the setting that starts `mcp-login connect`, for a client that is not listed",
    asks_us: true,
    is_bridged: true,
    modes: &[Mode::Access],
    deliver: print,
    note: "put this where the client has its MCP servers",
    ..Target::NEW
};

/// What the old entry of a server loses: the new one is reached in another way.
const REMOVED: &[&str] = &[
    "type",
    "transport",
    "source",
    "url",
    "httpUrl",
    "serverUrl",
    "uri",
    "headers",
    "headersHelper",
    "requestOptions",
    "bearerTokenEnvVar",
    "oauth",
    "auth",
    "command",
    "cmd",
    "args",
];

/// The clients of the table in [`config`] that have an entry for an MCP server that they start.
pub static TARGETS: LazyLock<Vec<Target>> =
    LazyLock::new(|| config::that_start_servers().map(target).collect());

fn target(client: &'static str) -> Target {
    Target {
        name: client,
        about: "starts `mcp-login connect` as its MCP server",
        source: Some(client),
        asks_us: true,
        is_bridged: true,
        edits_entry: true,
        accepts_mcp_remote: true,
        modes: &[Mode::Access],
        deliver,
        note: "restart the client, or let it read its MCP servers again",
        ..Target::NEW
    }
}

fn deliver(handover: &Handover, places: &Places) -> Result<Delivery, HandoverError> {
    let place = config::place(handover, places)?;
    let (entry, new_file) = config::stdio(handover.client);
    let usual = filled(&entry, handover);
    let mut members = usual.clone();
    if let Some(members) = members.as_object_mut() {
        members.retain(|key, _| REMOVED.contains(&key.as_str()));
    }
    let setting = Setting {
        usual,
        members,
        removed: REMOVED,
        new_file,
        ..Setting::new(handover, place)
    };
    Ok(Delivery::Setting(Box::new(setting), None))
}

/// Returns an entry with our command in place of `NAME`, `PROGRAM` and `ARGUMENTS`.
fn filled(entry: &Value, handover: &Handover) -> Value {
    match entry {
        Value::String(text) if text == "NAME" => handover.name.into(),
        Value::String(text) if text == "PROGRAM" => handover.command.program.as_str().into(),
        Value::String(text) if text == "ARGUMENTS" => handover.command.connect().into(),
        Value::Array(values) => values.iter().map(|it| filled(it, handover)).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(key, it)| (key.clone(), filled(it, handover)))
            .collect(),
        other => other.clone(),
    }
}

fn print(handover: &Handover, _: &Places) -> Result<Delivery, HandoverError> {
    let entry = format!(
        "{{\n  \"mcpServers\": {{\n    {}: {{\"command\": {}, \"args\": {}}}\n  }}\n}}",
        json!(handover.name),
        json!(handover.command.program),
        json!(handover.command.connect())
    );
    Ok(Delivery::Product {
        text: Zeroizing::new(ascii(&entry)),
        append: None,
    })
}
