//! What the arguments of mcp-remote say about its login.

use std::io;

use serde_json::Value;

use super::arguments::{port, Arguments, CLIENT_INFO, CLIENT_METADATA};
use super::hash;
use crate::clients::config::OAuth;
use crate::clients::Places;
use crate::os::files;

/// Longest file of a client's registration, in bytes.
const MAX_BYTES: u64 = 64 * 1024;

/// Returns what an entry that runs mcp-remote says about the login to the server at `url`; `None` if it does not run it.
/// `expand` replaces the placeholders in a text, which it gets with its description.
pub fn login(
    entry: &Value,
    url: &str,
    places: &Places,
    in_project: bool,
    expand: impl Fn(&str, &str) -> Result<String, String>,
) -> Option<OAuth> {
    let arguments = Arguments::of(entry)?;
    let document = |option| {
        let text = arguments.value(option)?;
        let document = read(text, places, in_project);
        Some(document.map_err(|why| format!("what {option} names {why}")))
    };
    let (info, metadata) = (document(CLIENT_INFO), document(CLIENT_METADATA));
    let member =
        |document: &Option<Result<Value, String>>, pointer: &str| match document.as_ref()? {
            Ok(document) => {
                let text = document.pointer(pointer)?.as_str()?;
                Some(expand(pointer.trim_start_matches('/'), text))
            }
            Err(why) => Some(Err(why.clone())),
        };
    let usual = || {
        let is_known = info.is_some() && Arguments::known(entry).is_ok();
        is_known.then(|| Ok(arguments.redirect_uri(&hash(url, &arguments))))
    };
    let at_port = match arguments.port().map(|word| expand("the port", word)) {
        Some(Ok(text)) => port(&text).map(|port| Ok(arguments.redirect_uri_at(port))),
        Some(Err(why)) => Some(Err(why)),
        None => None,
    };
    let scope = member(&metadata, "/scope").unwrap_or_else(|| Ok(String::new()));
    Some(OAuth {
        client_id: member(&info, "/client_id"),
        has_secret: matches!(&info, Some(Ok(info)) if info["client_secret"].is_string()),
        scopes: scope.map(|scope| scope.split_whitespace().map(str::to_owned).collect()),
        redirect_uri: at_port
            .or_else(|| member(&info, "/redirect_uris/0"))
            .or_else(|| member(&metadata, "/redirect_uris/0"))
            .or_else(usual),
        ..OAuth::default()
    })
}

/// Reads JSON from an argument, or from the file that it names behind an `@`.
fn read(text: &str, places: &Places, in_project: bool) -> Result<Value, String> {
    let not_json = |_| "is not JSON".to_owned();
    let Some(path) = text.strip_prefix('@') else {
        return serde_json::from_str(text).map_err(not_json);
    };
    if in_project {
        return Err(format!(
            "is the file {path}, which is not read for a project's file"
        ));
    }
    let path = places.directory.join(path);
    let bytes = files::open_regular(&path)
        .and_then(|file| file.ok_or_else(|| io::ErrorKind::NotFound.into()))
        .and_then(|file| files::read_bounded(file, MAX_BYTES))
        .map_err(|err| format!("cannot be read from {}: {err}", path.display()))?;
    serde_json::from_slice(&bytes).map_err(not_json)
}
