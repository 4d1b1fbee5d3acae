//! The entry of a server in TOML: a table, a table of an array, or an inline one.

use serde_json::Value;
use toml_edit::{
    Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table, TableLike, TomlError,
};
use zeroize::Zeroizing;

use super::{in_order, EntryPlace};
use crate::clients::config::from_toml;
use crate::clients::HandoverError;

/// Returns a text with this entry in place of the one that it has, or without it.
///
/// # Errors
///
/// [`HandoverError::UnknownFormat`].
pub(super) fn write(
    place: &EntryPlace,
    old: &str,
    entry: Option<&Value>,
) -> Result<Zeroizing<String>, HandoverError> {
    let unknown = |why: &str| HandoverError::unknown(&place.path, why);
    let mut document: DocumentMut = old
        .parse()
        .map_err(|err: TomlError| unknown(err.message()))?;
    let mut table: &mut dyn TableLike = document.as_table_mut();
    let Some((last, parents)) = place.keys.split_last() else {
        return Err(unknown("it has no servers"));
    };
    for key in parents {
        let next = table.entry(key).or_insert(hidden_table());
        table = next
            .as_table_like_mut()
            .ok_or_else(|| unknown(&format!("{key} is not a table")))?;
    }
    let servers = table.entry(last).or_insert(match place.is_list {
        true => Item::ArrayOfTables(ArrayOfTables::new()),
        false => hidden_table(),
    });
    let name = place.name.as_str();
    let is_own = |it: &dyn TableLike| it.get("name").and_then(Item::as_str) == Some(name);
    match servers {
        Item::ArrayOfTables(list) => {
            let at = list.iter().position(|it| is_own(it));
            match (at, entry) {
                (at, None) => drop(at.map(|at| list.remove(at))),
                (Some(at), Some(entry)) => {
                    list.get_mut(at).into_iter().for_each(|it| set(it, entry))
                }
                (None, Some(entry)) => {
                    let mut new = Table::new();
                    set(&mut new, entry);
                    list.push(new);
                }
            }
        }
        Item::Value(toml_edit::Value::Array(list)) => {
            let is_own = |it: &toml_edit::Value| it.as_inline_table().is_some_and(|it| is_own(it));
            let at = list.iter().position(is_own);
            if let Some(at) = at {
                list.remove(at);
            }
            if let Some(entry) = entry {
                let at = at.unwrap_or(list.len());
                list.insert(at, value(entry));
            }
        }
        servers => {
            let servers = servers
                .as_table_like_mut()
                .ok_or_else(|| unknown(&format!("{last} is not a table")))?;
            match entry {
                None => drop(servers.remove(name)),
                Some(entry) => {
                    if !servers.contains_key(name) {
                        servers.insert(name, Item::Table(Table::new()));
                    }
                    let own = servers.get_mut(name).and_then(Item::as_table_like_mut);
                    set(
                        own.ok_or_else(|| unknown("an entry is not a table"))?,
                        entry,
                    );
                }
            }
        }
    }
    let new = Zeroizing::new(document.to_string());
    Ok(Zeroizing::new(with_line_ends_of(old, &new)))
}

/// Returns the new text with the line ends of the old one, which the library makes LF: what did not change keeps its own.
fn with_line_ends_of(old: &str, new: &str) -> String {
    let lines = |text: &str| -> Vec<String> {
        let lines = text.split_inclusive('\n');
        lines.map(|line| line.replace("\r\n", "\n")).collect()
    };
    // The library ends the last line.
    let new = match new.strip_suffix('\n') {
        Some(new) if !old.ends_with('\n') && old.lines().last() == new.lines().last() => new,
        _ => new,
    };
    let (was, is) = (lines(old), lines(new));
    let common = |pairs: &mut dyn Iterator<Item = (&String, &String)>| {
        pairs.take_while(|(was, is)| was == is).count()
    };
    let first = common(&mut was.iter().zip(&is));
    let last = common(&mut was[first..].iter().rev().zip(is[first..].iter().rev()));
    let own: Vec<_> = old.split_inclusive('\n').collect();
    let end = if old.contains("\r\n") { "\r\n" } else { "\n" };
    let changed = is[first..is.len() - last].concat().replace('\n', end);
    let (before, after) = (own[..first].concat(), own[own.len() - last..].concat());
    before + &changed + &after
}

fn hidden_table() -> Item {
    let mut table = Table::new();
    table.set_implicit(true);
    Item::Table(table)
}

/// Gives a table these members; one that has its value already keeps its form.
fn set(table: &mut dyn TableLike, entry: &Value) {
    let known: Vec<_> = table.iter().map(|(key, _)| key.to_owned()).collect();
    for key in known {
        if entry.get(&key).is_none() {
            table.remove(&key);
        }
    }
    for (key, new) in in_order(entry) {
        let old = table.get(key).map(from_toml);
        if old.as_ref() != Some(new) {
            table.insert(key, Item::Value(value(new)));
        }
    }
}

fn value(json: &Value) -> toml_edit::Value {
    match json {
        Value::Null => "".into(),
        Value::Bool(truth) => (*truth).into(),
        Value::Number(number) => match number.as_i64() {
            Some(number) => number.into(),
            None => number.as_f64().unwrap_or_default().into(),
        },
        Value::String(text) => text.as_str().into(),
        Value::Array(values) => values.iter().map(value).collect::<Array>().into(),
        Value::Object(_) => {
            let mut table = InlineTable::new();
            for (key, inner) in in_order(json) {
                table.insert(key, value(inner));
            }
            table.into()
        }
    }
}
