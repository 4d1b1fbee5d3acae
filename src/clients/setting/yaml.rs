//! The entry of a server in YAML: lines below a key of the document. What is not written so is not changed.

use serde_json::Value;

use super::{in_order, EntryPlace};

/// Returns a text with this entry in place of the one that it has, or without it; `None` if that cannot be done without
/// touching the rest of it.
pub(super) fn write(place: &EntryPlace, old: &str, entry: Option<&Value>) -> Option<String> {
    let [key] = place.keys.as_slice() else {
        return None;
    };
    let end = if old.contains("\r\n") { "\r\n" } else { "\n" };
    let mut lines: Vec<String> = old.split_inclusive('\n').map(str::to_owned).collect();
    if let Some(last) = lines.last_mut().filter(|last| !last.ends_with('\n')) {
        last.push_str(end);
    }
    let prefixes = ["", "\"", "'"].map(|quote| format!("{quote}{key}{quote}:"));
    let begins = |prefix| lines.iter().position(|line| line.starts_with(prefix));
    let found = prefixes.iter().find_map(|it| Some((it, begins(it)?)));
    let Some((prefix, head)) = found else {
        lines.push(format!("{key}:{end}"));
        lines.extend(entry.map(|entry| render(place, "  ", entry, end)));
        return Some(lines.concat());
    };
    let body = body(&lines, head + 1, place.is_list);
    let first = lines[body.clone()].iter().find(|line| !is_comment(line));
    let Some(first) = first else {
        // The table is empty, or in another form.
        let rest = lines[head][prefix.len()..].trim();
        if !["", "{}", "[]", "null", "~"].contains(&rest) {
            return None;
        }
        let rendered = entry.map(|entry| render(place, "  ", entry, end))?;
        lines[head] = format!("{prefix}{end}{rendered}");
        return Some(lines.concat());
    };
    let indent = first[..first.len() - first.trim_start_matches(' ').len()].to_owned();
    let own = children(&lines, body.clone(), &indent)
        .into_iter()
        .find(|child| is_own(place, &lines[child.clone()].concat()));
    let is_only = own.as_ref().is_some_and(|own| {
        let others = lines[body.start..own.start].iter();
        let mut others = others.chain(&lines[own.end..body.end]);
        others.all(|line| is_comment(line))
    });
    let rendered = entry.map(|entry| render(place, &indent, entry, end));
    lines.splice(own.unwrap_or(body.end..body.end), rendered);
    if entry.is_none() && is_only {
        let empty = if place.is_list { "[]" } else { "{}" };
        lines[head] = format!("{prefix} {empty}{end}");
    }
    Some(lines.concat())
}

fn is_comment(line: &str) -> bool {
    let text = line.trim();
    text.is_empty() || text.starts_with('#')
}

/// Returns the lines that belong to a key of the document, without the comments after them.
fn body(lines: &[String], start: usize, is_list: bool) -> std::ops::Range<usize> {
    let is_inside = |line: &String| {
        line.starts_with(' ') || is_comment(line) || is_list && line.starts_with("- ")
    };
    let length = lines[start..].iter().take_while(|line| is_inside(line));
    let mut end = start + length.count();
    while end > start && is_comment(&lines[end - 1]) {
        end -= 1;
    }
    start..end
}

/// Returns the lines of each child, which begin at this indentation.
fn children(
    lines: &[String],
    body: std::ops::Range<usize>,
    indent: &str,
) -> Vec<std::ops::Range<usize>> {
    let begins = |at: &usize| {
        let rest = lines[*at].strip_prefix(indent);
        rest.is_some_and(|rest| !rest.starts_with(' ') && !is_comment(rest))
    };
    let starts: Vec<_> = body.clone().filter(begins).collect();
    let ends = starts.iter().skip(1).copied().chain([body.end]);
    let with_comments = starts.iter().zip(ends).map(|(start, end)| *start..end);
    // A comment before the next child is not part of this one.
    let without = |mut child: std::ops::Range<usize>| {
        while child.len() > 1 && is_comment(&lines[child.end - 1]) {
            child.end -= 1;
        }
        child
    };
    with_comments.map(without).collect()
}

/// Returns whether some lines are the entry of the server.
fn is_own(place: &EntryPlace, lines: &str) -> bool {
    let value: Value = serde_saphyr::from_str(lines).unwrap_or_default();
    match &value {
        Value::Array(list) => list.iter().any(|it| it["name"] == place.name.as_str()),
        value => value.get(&place.name).is_some(),
    }
}

/// Returns the lines of an entry. JSON in one line is YAML.
fn render(place: &EntryPlace, indent: &str, entry: &Value, end: &str) -> String {
    let mut text = String::new();
    if !place.is_list {
        text = format!("{indent}{}:{end}", scalar(&place.name));
    }
    for (number, (key, value)) in in_order(entry).into_iter().enumerate() {
        let start = match (place.is_list, number) {
            (true, 0) => "- ",
            _ => "  ",
        };
        let value = value.as_str().map_or(value.to_string(), scalar);
        text.push_str(&format!("{indent}{start}{}: {value}{end}", scalar(key)));
    }
    text
}

/// Returns a text as it is, if YAML reads it as this text, else in quotes.
fn scalar(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./".contains(&byte);
    let starts_plain = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/');
    let is_text = serde_saphyr::from_str::<Value>(text).is_ok_and(|it| it == text);
    match starts_plain && is_text && text.bytes().all(is_plain) {
        true => text.to_owned(),
        false => Value::from(text).to_string(),
    }
}
