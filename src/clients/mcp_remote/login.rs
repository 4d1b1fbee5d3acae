//! What the arguments of mcp-remote say about its login.

use std::fs::File;
use std::io::Read as _;

use serde_json::Value;

use super::arguments::{version, words, Arguments};
use super::hash;
use crate::clients::config::OAuth;
use crate::clients::Places;

/// Longest file of a client's registration, in bytes.
const MAX_BYTES: u64 = 64 * 1024;

/// Returns what an entry that runs mcp-remote says about the login to the server at `url`; `None` if it does not run it.
/// `expand` replaces the placeholders of a text.
pub fn login(
    entry: &Value,
    url: &str,
    places: &Places,
    in_project: bool,
    expand: impl Fn(&str, &str) -> Result<String, String>,
) -> Option<OAuth> {
    let mut words = words(entry).skip_while(|word| version(word).is_none());
    words.next()?;
    let words: Vec<_> = words.collect();
    let value = |option: &str| {
        words
            .iter()
            .position(|word| *word == option)
            .and_then(|at| words.get(at + 1))
            .copied()
    };
    let document = |option: &str| {
        let text = value(option)?;
        let text = match text.strip_prefix('@') {
            Some(path) => read(path, places, in_project),
            None => Ok(text.to_owned()),
        };
        let parse = |text: String| {
            serde_json::from_str::<Value>(&text).map_err(|_| "is not JSON".to_owned())
        };
        Some(
            text.and_then(parse)
                .map_err(|why| format!("what {option} names {why}")),
        )
    };
    let (info, metadata) = (
        document("--static-oauth-client-info"),
        document("--static-oauth-client-metadata"),
    );
    let member = |document: &Option<Result<Value, String>>,
                  pointer: &str|
     -> Option<Result<String, String>> {
        match document.as_ref()? {
            Ok(document) => document
                .pointer(pointer)?
                .as_str()
                .map(|text| expand(pointer.trim_start_matches('/'), text)),
            Err(why) => Some(Err(why.clone())),
        }
    };
    let after = words
        .iter()
        .position(|word| *word == url)
        .and_then(|at| words.get(at + 1));
    let port = after
        .filter(|word| !word.starts_with('-'))
        .and_then(|word| match expand("the port", word) {
            Ok(text) => text.parse::<u16>().ok().filter(|port| *port > 0).map(Ok),
            Err(why) => Some(Err(why)),
        });
    let (host, path) = (
        value("--host").unwrap_or("localhost"),
        value("--callback-path").unwrap_or("/oauth/callback"),
    );
    let of_port = port.map(|port| port.map(|port| format!("http://{host}:{port}{path}")));
    let named =
        || member(&info, "/redirect_uris/0").or_else(|| member(&metadata, "/redirect_uris/0"));
    let usual = || {
        let arguments = info.is_some().then(|| Arguments::of(entry).ok())??;
        Some(Ok(arguments.redirect_uri(&hash(url, &arguments))))
    };
    let scope = member(&metadata, "/scope").unwrap_or_else(|| Ok(String::new()));
    Some(OAuth {
        client_id: member(&info, "/client_id"),
        has_secret: matches!(&info, Some(Ok(info)) if info["client_secret"].is_string()),
        scopes: scope.map(|scope| scope.split_whitespace().map(str::to_owned).collect()),
        redirect_uri: of_port.or_else(named).or_else(usual),
        ..OAuth::default()
    })
}

/// Reads a file that the arguments name.
fn read(path: &str, places: &Places, in_project: bool) -> Result<String, String> {
    if in_project {
        return Err(format!(
            "is the file {path}, which is not read for a project's file"
        ));
    }
    let path = places.directory.join(path);
    let failed = |why: String| format!("cannot be read from {}: {why}", path.display());
    if !path
        .metadata()
        .map_err(|err| failed(err.to_string()))?
        .is_file()
    {
        return Err(failed("it is no regular file".to_owned()));
    }
    let mut text = String::new();
    let file = File::open(&path).map_err(|err| failed(err.to_string()))?;
    file.take(MAX_BYTES)
        .read_to_string(&mut text)
        .map_err(|err| failed(err.to_string()))?;
    Ok(text)
}
