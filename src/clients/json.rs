//! Edits of the JSON files of clients, which leave the bytes, comments and order of everything else as they are.

use std::path::{Path, PathBuf};

use jsonc_parser::cst::{CstArray, CstInputValue, CstObject, CstRootNode};
use jsonc_parser::ParseOptions;
use serde_json::Value;
use zeroize::Zeroizing;

use super::config::split_byte_order_mark;
use super::{Change, HandoverError};

/// A change of the object in a file with secrets; `edit` gets the path and the object.
pub fn change(
    path: PathBuf,
    edit: impl Fn(&Path, &CstObject) -> Result<(), HandoverError> + 'static,
) -> Change {
    Change::secret(path, move |path, old| {
        self::edit(path, old, |root| edit(path, root))
    })
}

/// A change of a file that holds nothing but `content`; `check` refuses old content that is not known.
pub fn replacement(
    path: PathBuf,
    content: String,
    check: impl Fn(&Path, &Value) -> Result<(), HandoverError> + 'static,
) -> Change {
    let content = Zeroizing::new(content);
    Change::secret(path, move |path, old| {
        if let Some(old) = old {
            let old = serde_json::from_str(old).map_err(|err| HandoverError::unknown(path, err))?;
            check(path, &old)?;
        }
        Ok(content.clone())
    })
}

/// Edits the object in a file; no file, or an empty one, counts as an empty object.
///
/// # Errors
///
/// [`HandoverError::UnknownFormat`] if the file is not a JSON object, and whatever `change` refuses.
pub fn edit(
    path: &Path,
    old: Option<&str>,
    change: impl FnOnce(&CstObject) -> Result<(), HandoverError>,
) -> Result<Zeroizing<String>, HandoverError> {
    edit_root(path, old, CstRootNode::object_value, "{\n}\n", change)
}

/// Edits the array in a file; no file, or an empty one, counts as an empty array.
///
/// # Errors
///
/// [`HandoverError::UnknownFormat`] if the file is not a JSON array, and whatever `change` refuses.
pub fn edit_array(
    path: &Path,
    old: Option<&str>,
    change: impl FnOnce(&CstArray) -> Result<(), HandoverError>,
) -> Result<Zeroizing<String>, HandoverError> {
    edit_root(path, old, CstRootNode::array_value, "[\n]\n", change)
}

fn edit_root<T>(
    path: &Path,
    old: Option<&str>,
    value: fn(&CstRootNode) -> Option<T>,
    empty: &str,
    change: impl FnOnce(&T) -> Result<(), HandoverError>,
) -> Result<Zeroizing<String>, HandoverError> {
    let (mark, old) = split_byte_order_mark(old.unwrap_or_default());
    let old = if old.trim().is_empty() { empty } else { old };
    let root = CstRootNode::parse(old, &ParseOptions::default())
        .map_err(|err| HandoverError::unknown(path, err))?;
    let kind = if empty.starts_with('{') {
        "object"
    } else {
        "array"
    };
    let value = value(&root);
    let value =
        value.ok_or_else(|| HandoverError::unknown(path, format!("it is not a JSON {kind}")))?;
    change(&value)?;
    Ok(Zeroizing::new(format!("{mark}{root}")))
}

/// Replaces an element of an array, or adds one if there is no old one.
pub fn put(array: &CstArray, old: Option<CstObject>, value: &Value) {
    match old {
        Some(old) => old.replace_with(input(value)),
        None => Some(array.append(input(value))),
    };
}

/// Returns the object under a name, made if there is none.
///
/// # Errors
///
/// [`HandoverError::UnknownFormat`] if the name has another value.
pub fn object(path: &Path, parent: &CstObject, name: &str) -> Result<CstObject, HandoverError> {
    let other = || HandoverError::unknown(path, format!("{name:?} is not an object"));
    match parent.get(name) {
        Some(found) => found.object_value().ok_or_else(other),
        None => Ok(parent.object_value_or_set(name)),
    }
}

/// Sets the value of a name.
pub fn set(parent: &CstObject, name: &str, value: &Value) {
    match parent.get(name) {
        Some(found) => found.set_value(input(value)),
        None => {
            parent.append(name, input(value));
        }
    }
}

fn input(value: &Value) -> CstInputValue {
    match value {
        Value::Null => CstInputValue::Null,
        Value::Bool(bool) => CstInputValue::Bool(*bool),
        Value::Number(number) => CstInputValue::Number(number.to_string()),
        Value::String(text) => CstInputValue::String(text.clone()),
        Value::Array(values) => CstInputValue::Array(values.iter().map(input).collect()),
        Value::Object(members) => CstInputValue::Object(
            members
                .iter()
                .map(|(name, value)| (name.clone(), input(value)))
                .collect(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn cw3_everything_else_stays() {
        let old = "// mine\n{\n  \"a\": [1, 2,], // two\n  \"servers\": {\n    \"x\": {\n      \"url\": \"u\" // here\n    }\n  }\n}\n";
        let edited = edit(Path::new("f"), Some(old), |root| {
            let servers = object(Path::new("f"), root, "servers")?;
            set(
                &object(Path::new("f"), &servers, "x")?,
                "helper",
                &json!("h"),
            );
            Ok(())
        });
        let new = edited.expect("a text").to_string();
        assert_eq!(
            new,
            old.replace("\"u\" // here", "\"u\", // here\n      \"helper\": \"h\"")
        );
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for old in ["[]", "7", "{\"servers\": 7}", "{", "not json"] {
            let edited = edit(Path::new("f"), Some(old), |root| {
                object(Path::new("f"), root, "servers").map(drop)
            });
            assert!(
                matches!(edited, Err(HandoverError::UnknownFormat { .. })),
                "{old}"
            );
        }
        let new = edit(Path::new("f"), Some(" \n"), |root| {
            set(root, "a", &json!({"b": [1.5, null, true]}));
            Ok(())
        });
        let new: Value = serde_json::from_str(&new.expect("a text")).expect("JSON");
        assert_eq!(new, json!({"a": {"b": [1.5, null, true]}}));
    }
}
