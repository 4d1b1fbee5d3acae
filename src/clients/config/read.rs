//! Reads a configuration in any of its formats, as JSON.

use std::path::Path;

use jsonc_parser::{CollectOptions, ParseOptions};
use serde_json::Value;
use serde_saphyr::UserMessageFormatter;
use toml_edit::{DocumentMut, Item};

use super::stream;
use crate::os::files;

/// Longest file of a project, in bytes.
const MAX_PROJECT_BYTES: u64 = 1024 * 1024;

/// Longest file of the user that is read as a whole, in bytes. JSON files may be longer, for Claude Code keeps more than
/// its servers in its own.
const MAX_OWN_BYTES: u64 = 16 * 1024 * 1024;

/// The size from which a JSON file is read in parts, in bytes.
const LONG_BYTES: u64 = 1024 * 1024;

/// Reads a file; null if there is none. Of a long one, only the values at these paths are returned.
pub(in crate::clients) fn document(
    path: &Path,
    in_project: bool,
    paths: &[&[String]],
) -> Result<Value, String> {
    let opened = files::open_regular(path).map_err(|err| err.to_string())?;
    let Some(file) = opened else {
        return Ok(Value::Null);
    };
    let metadata = file.metadata().map_err(|err| err.to_string())?;
    // Any user can put a file into a directory such as /tmp.
    if in_project && files::owner::is_foreign(&metadata) {
        return Err("it belongs to another user".to_owned());
    }
    let extension = path.extension().and_then(|extension| extension.to_str());
    let is_json = !matches!(extension, Some("toml" | "yaml" | "yml"));
    if is_json && !in_project && metadata.len() > LONG_BYTES {
        return stream::parts(&file, paths);
    }
    let limit_bytes = match in_project {
        true => MAX_PROJECT_BYTES,
        false => MAX_OWN_BYTES,
    };
    let bytes = files::read_bounded(file, limit_bytes).map_err(|err| err.to_string())?;
    let text = std::str::from_utf8(&bytes).map_err(|err| err.to_string())?;
    parse(text, extension)
}

/// Reads the text of a configuration, which is JSON with comments unless its file is called otherwise; null if it is empty.
///
/// # Errors
///
/// What is wrong, without a quotation of the text.
pub(in crate::clients) fn parse(text: &str, extension: Option<&str>) -> Result<Value, String> {
    let (_, text) = split_byte_order_mark(text);
    if text.trim().is_empty() {
        return Ok(Value::Null);
    }
    match extension {
        Some("toml") => text
            .parse()
            .map(|document: DocumentMut| item(document.as_item()))
            .map_err(|err| first_line(&err)),
        Some("yaml" | "yml") => {
            // The usual words are for programmers: they name options of the parser.
            serde_saphyr::from_str(text).map_err(|err| {
                let err = err.without_snippet();
                first_line(&err.render_with_formatter(&UserMessageFormatter))
            })
        }
        _ => jsonc_parser::parse_to_ast(text, &CollectOptions::default(), &ParseOptions::default())
            .map(|document| document.value.map_or(Value::Null, Value::from))
            .map_err(|err| first_line(&err)),
    }
}

/// Returns the byte order mark of a text, which some editors write, and the rest.
pub(in crate::clients) fn split_byte_order_mark(text: &str) -> (&str, &str) {
    let rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.split_at(text.len() - rest.len())
}

/// Returns the first line of an error: what follows may quote the file, and with it a secret.
fn first_line(err: &impl ToString) -> String {
    let text = err.to_string();
    text.lines().next().unwrap_or_default().to_owned()
}

/// Returns an item of a TOML file as JSON.
pub(in crate::clients) fn item(item: &Item) -> Value {
    if let Some(table) = item.as_table_like() {
        let members = table.iter();
        return members
            .map(|(key, inner)| (key.to_owned(), self::item(inner)))
            .collect();
    }
    match item {
        Item::Value(inner) => value(inner),
        Item::ArrayOfTables(tables) => tables
            .iter()
            .map(|table| self::item(&Item::Table(table.clone())))
            .collect(),
        _ => Value::Null,
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
        Toml::InlineTable(table) => {
            let members = table.iter();
            members
                .map(|(key, inner)| (key.to_owned(), self::value(inner)))
                .collect()
        }
    }
}
