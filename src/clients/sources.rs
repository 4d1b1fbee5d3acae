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
    /// The directory of the project that it is configured for; `None` if it is for all the user does.
    pub project: Option<PathBuf>,
    /// The file belongs to a project, and is somebody else's word.
    pub in_project: bool,
    /// The whole entry.
    pub entry: Value,
}

/// Returns the servers that the configurations name; only those of one source if it is given.
pub fn servers(_places: &super::Places, _source: Option<&str>) -> Vec<Configured> {
    Vec::new()
}
