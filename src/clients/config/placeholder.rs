//! Placeholders for variables of the environment in a configuration, of which each client has its own notation.

use crate::clients::Places;

/// A notation for a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::clients) enum Notation {
    /// `${X}` and `${X:-default}`.
    Braced,
    /// `${env:X}`.
    Named,
    /// `{env:X}`.
    Curly,
    /// `$X`.
    Bare,
    /// `$env:X`.
    Shell,
    /// A placeholder for something else, such as `${input:x}` or `{file:x}`.
    Other,
}

/// How the placeholders of a text are replaced.
#[derive(Clone, Copy)]
pub(in crate::clients) struct Expansion<'a> {
    /// The notations that the client expands.
    pub notations: &'a [Notation],
    /// The user's environment.
    pub places: &'a Places,
    /// The text is in a project's file. Only defaults are used there: a URL of the project's choice could otherwise carry
    /// the user's variables away.
    pub in_project: bool,
    /// The text is a URL, which may hold a `$` of its own.
    pub is_url: bool,
}

/// A placeholder, which is at the beginning of a text.
struct Placeholder<'a> {
    length: usize,
    notation: Notation,
    name: &'a str,
    default: Option<&'a str>,
}

impl Expansion<'_> {
    /// Replaces the placeholders in a text as its client does.
    ///
    /// # Errors
    ///
    /// What is wrong with `what`: it holds a placeholder that the client does not expand, or of a variable that is not set.
    pub fn expand(&self, what: &str, text: &str) -> Result<String, String> {
        let (mut expanded, mut rest) = (String::new(), text);
        while let Some(start) = rest.find(['$', '{']) {
            expanded.push_str(&rest[..start]);
            rest = &rest[start..];
            let found = placeholder(rest).map_err(|why| format!("{what} {why}"))?;
            let length = found.as_ref().map_or(1, |found| found.length);
            let (whole, after) = rest.split_at(length);
            rest = after;
            match found {
                Some(found) => expanded.push_str(
                    self.value(&found, whole)
                        .map_err(|why| format!("{what} holds {whole}{why}"))?,
                ),
                None => expanded.push_str(whole),
            }
        }
        Ok(expanded + rest)
    }

    /// Returns what replaces a placeholder, whose text is `whole`.
    fn value<'a>(&'a self, found: &Placeholder<'a>, whole: &'a str) -> Result<&'a str, String> {
        let name = found.name;
        let is_known = self.notations.contains(&found.notation);
        let variable = match is_known && !self.in_project {
            true => self.places.variable(name),
            false => None,
        };
        if let Some(value) = variable.or(found.default) {
            return Ok(value);
        }
        let is_upper =
            |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        let is_plain = self.is_url || !(is_known || name.bytes().all(is_upper));
        if found.notation == Notation::Bare && is_plain {
            return Ok(whole);
        }
        Err(match (is_known, self.in_project) {
            (false, _) => ", which only the client itself can expand".to_owned(),
            (true, true) => {
                format!(": it needs the variable {name}, and a project's file gets none")
            }
            (true, false) => format!(": it needs the variable {name}, which is not set"),
        })
    }
}

/// Returns the placeholder at the beginning of a text, which is a `$` or a `{`; `None` if there is none.
fn placeholder(text: &str) -> Result<Option<Placeholder<'_>>, &'static str> {
    let found = |notation, name, default, length| {
        Ok(Some(Placeholder {
            length,
            notation,
            name,
            default,
        }))
    };
    if let Some(inner) = text.strip_prefix("${") {
        let (inner, _) = inner.split_once('}').ok_or("holds an unfinished ${")?;
        let length = inner.len() + "${}".len();
        let (name, default) = match inner.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inner, None),
        };
        return match name.strip_prefix("env:") {
            Some(name) if is_name(name) => found(Notation::Named, name, default, length),
            None if is_name(name) => found(Notation::Braced, name, default, length),
            _ => found(Notation::Other, inner, None, length),
        };
    }
    if text.starts_with("{env:") || text.starts_with("{file:") {
        let (start, _) = text.split_once('}').ok_or("holds an unfinished {")?;
        let length = start.len() + "}".len();
        return match start.strip_prefix("{env:") {
            Some(name) if is_name(name) => found(Notation::Curly, name, None, length),
            _ => found(Notation::Other, start, None, length),
        };
    }
    let (open, notation) = match text.starts_with("$env:") {
        true => ("$env:", Notation::Shell),
        false => ("$", Notation::Bare),
    };
    let Some(inner) = text.strip_prefix(open) else {
        return Ok(None);
    };
    let end = inner.find(|it: char| !(it.is_ascii_alphanumeric() || it == '_'));
    let name = &inner[..end.unwrap_or(inner.len())];
    if !is_name(name) || name.starts_with(|first: char| first.is_ascii_digit()) {
        return Ok(None);
    }
    found(notation, name, None, open.len() + name.len())
}

fn is_name(name: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !name.is_empty() && name.bytes().all(is_part)
}
