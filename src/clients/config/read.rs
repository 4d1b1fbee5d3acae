//! Reads a configuration, in whichever of the formats it is written, as JSON.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use jsonc_parser::{CollectOptions, ParseOptions};
use rustix::fs::OFlags;
use rustix::process::geteuid;
use serde_json::{Map, Value};
use toml_edit::{DocumentMut, Item};

use super::stream;

/// Longest file of a project, in bytes.
const MAX_PROJECT_BYTES: u64 = 1024 * 1024;

/// Longest file of the user's own that is read as a whole, in bytes. JSON files may be longer: Claude Code keeps much else
/// in its own, and of that only the servers are login.
const MAX_OWN_BYTES: u64 = 16 * 1024 * 1024;

/// The size from which a JSON file is read in parts, in bytes.
const LONG_BYTES: u64 = 1024 * 1024;

/// Reads a file; null if there is none. Of a long one no more is returned than what stands at these paths.
pub(super) fn document(
    path: &Path,
    in_project: bool,
    paths: &[&[String]],
) -> Result<Value, String> {
    let Some((mut file, size_bytes)) = open(path, in_project)? else {
        return Ok(Value::Null);
    };
    let extension = path.extension().and_then(|extension| extension.to_str());
    let is_json = !matches!(extension, Some("toml" | "yaml" | "yml"));
    if is_json && !in_project && size_bytes > LONG_BYTES {
        return stream::parts(&mut file, paths);
    }
    let text = text(
        file,
        if in_project {
            MAX_PROJECT_BYTES
        } else {
            MAX_OWN_BYTES
        },
    )?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    if text.trim().is_empty() {
        return Ok(Value::Null);
    }
    match extension {
        Some("toml") => toml(text),
        Some("yaml" | "yml") => serde_saphyr::from_str(text).map_err(|err| first_line(&err)),
        _ => jsonc_parser::parse_to_ast(text, &CollectOptions::default(), &ParseOptions::default())
            .map(|document| document.value.map_or(Value::Null, Value::from))
            .map_err(|err| first_line(&err)),
    }
}

/// Opens a regular file, and tells its size. Nothing else is even opened, for opening can block or do something.
fn open(path: &Path, in_project: bool) -> Result<Option<(File, u64)>, String> {
    match fs::metadata(path) {
        Err(err) if matches!(err.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None)
        }
        Err(err) => return Err(err.to_string()),
        Ok(metadata) if !metadata.is_file() => return Err("it is no regular file".to_owned()),
        Ok(_) => {}
    }
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(path)
        .map_err(|err| err.to_string())?;
    // It may have been replaced meanwhile.
    let metadata = opened.metadata().map_err(|err| err.to_string())?;
    if !metadata.is_file() {
        return Err("it is no regular file".to_owned());
    }
    // Anybody can put a file into a directory such as /tmp.
    if in_project && ![0, geteuid().as_raw()].contains(&metadata.uid()) {
        return Err("it belongs to another user".to_owned());
    }
    Ok(Some((opened, metadata.len())))
}

fn text(file: File, limit_bytes: u64) -> Result<String, String> {
    let mut text = String::new();
    match file.take(limit_bytes + 1).read_to_string(&mut text) {
        // What is cut off in the middle of a letter is too large, too.
        Err(_) | Ok(_) if text.len() as u64 > limit_bytes => Err("it is too large".to_owned()),
        Err(err) => Err(err.to_string()),
        Ok(_) => Ok(text),
    }
}

/// Returns the first line of an error: what follows may quote the file, and with it a secret.
fn first_line(err: &impl ToString) -> String {
    err.to_string()
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned()
}

fn toml(text: &str) -> Result<Value, String> {
    let document: DocumentMut = text.parse().map_err(|err| first_line(&err))?;
    Ok(item(document.as_item()))
}

/// Returns what stands in a TOML file as JSON.
pub(in crate::clients) fn item(item: &Item) -> Value {
    match item {
        Item::None => Value::Null,
        Item::Value(inner) => value(inner),
        Item::Table(table) => table
            .iter()
            .map(|(key, inner)| (key.to_owned(), self::item(inner)))
            .collect(),
        Item::ArrayOfTables(tables) => tables
            .iter()
            .map(|table| {
                Value::Object(
                    table
                        .iter()
                        .map(|(key, inner)| (key.to_owned(), self::item(inner)))
                        .collect(),
                )
            })
            .collect(),
    }
}

fn value(value: &toml_edit::Value) -> Value {
    use toml_edit::Value as Toml;
    match value {
        Toml::String(text) => text.value().clone().into(),
        Toml::Integer(number) => (*number.value()).into(),
        Toml::Float(number) => (*number.value()).into(),
        Toml::Boolean(truth) => (*truth.value()).into(),
        Toml::Datetime(time) => time.value().to_string().into(),
        Toml::Array(array) => array.iter().map(self::value).collect(),
        Toml::InlineTable(table) => Value::Object(
            table
                .iter()
                .map(|(key, inner)| (key.to_owned(), self::value(inner)))
                .collect::<Map<_, _>>(),
        ),
    }
}
