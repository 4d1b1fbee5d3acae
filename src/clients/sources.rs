//! The servers that the configurations of MCP clients name.

use std::path::PathBuf;

use serde_json::Value;

/// A server as a client's configuration names it.
#[derive(Clone, Debug)]
pub struct Configured {
    /// The client, such as `codex`.
    pub source: &'static str,
    /// The server's name there.
    pub name: String,
    /// Its URL as it stands there, variables expanded.
    pub url: String,
    /// The file that names it.
    pub path: PathBuf,
    /// The file belongs to a project, and is somebody else's word.
    pub in_project: bool,
    /// The whole entry.
    pub entry: Value,
}
