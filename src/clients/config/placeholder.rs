//! Placeholders in a configuration that stand for variables of the environment: each client has its own notation.

use crate::clients::Places;

/// A notation for a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::clients) enum Notation {
    /// `${X}` and `${X:-otherwise}`.
    Braced,
    /// `${env:X}`.
    Named,
    /// `{env:X}`.
    Curly,
    /// `$X`.
    Bare,
    /// `$env:X`.
    Shell,
    /// What stands for something else than a variable, such as `${input:x}` or `{file:x}`.
    Other,
}

/// What a text is, where a configuration says it.
#[derive(Clone, Copy)]
pub(in crate::clients) struct Expansion<'a> {
    /// The notations that the client itself expands.
    pub known: &'a [Notation],
    /// The user's environment.
    pub places: &'a Places,
    /// The text stands in a project's file. Of its variables only the defaults count: it gets nothing out of the
    /// environment, for it could send it to an address of its choice.
    pub in_project: bool,
}

/// A placeholder in a text.
struct Placeholder<'a> {
    before: &'a str,
    whole: &'a str,
    after: &'a str,
    notation: Notation,
    name: &'a str,
    otherwise: Option<&'a str>,
}

/// Replaces the placeholders in a text as its client does. A `$` of a URL that the client does not expand is one of the
/// URL's own.
///
/// # Errors
///
/// What is wrong with `what`: it holds a placeholder that the client does not expand, or of a variable that is not set.
pub(in crate::clients) fn expand(
    what: &str,
    text: &str,
    is_url: bool,
    expansion: Expansion,
) -> Result<String, String> {
    let (mut expanded, mut rest) = (String::new(), text);
    while let Some(found) = next(rest).map_err(|why| format!("{what} {why}"))? {
        let Placeholder {
            before,
            whole,
            after,
            notation,
            name,
            otherwise,
        } = found;
        expanded.push_str(before);
        rest = after;
        let is_known = expansion.known.contains(&notation);
        let is_variable = name
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
        let value = expansion
            .places
            .variable(name)
            .filter(|_| is_known && !expansion.in_project)
            .or(otherwise);
        match value {
            Some(value) => expanded.push_str(value),
            None if notation == Notation::Bare && (is_url || !(is_known || is_variable)) => {
                expanded.push_str(whole)
            }
            None if !is_known => {
                return Err(format!(
                    "{what} holds {whole}, which only the client itself can expand"
                ))
            }
            None if expansion.in_project => {
                return Err(format!(
                    "{what} holds {whole}: it needs the variable {name}, and a project's file gets none"
                ));
            }
            None => {
                return Err(format!(
                    "{what} holds {whole}: it needs the variable {name}, which is not set"
                ))
            }
        }
    }
    expanded.push_str(rest);
    Ok(expanded)
}

/// Finds the first placeholder.
fn next(text: &str) -> Result<Option<Placeholder<'_>>, &'static str> {
    for (start, _) in text.match_indices(['$', '{']) {
        let (before, here) = text.split_at(start);
        let found = |notation, name, otherwise, end: usize| {
            let (whole, after) = here.split_at(end);
            Placeholder {
                before,
                whole,
                after,
                notation,
                name,
                otherwise,
            }
        };
        let curly = ["{env:", "{file:"]
            .iter()
            .find_map(|open| here.strip_prefix(open));
        if let Some(inner) = here.strip_prefix("${") {
            let (inner, _) = inner.split_once('}').ok_or("holds an unfinished ${")?;
            let (name, otherwise) = inner
                .split_once(":-")
                .map_or((inner, None), |(name, otherwise)| (name, Some(otherwise)));
            let end = inner.len() + "${}".len();
            return Ok(Some(match name.strip_prefix("env:") {
                Some(name) if is_name(name) => found(Notation::Named, name, otherwise, end),
                None if is_name(name) => found(Notation::Braced, name, otherwise, end),
                _ => found(Notation::Other, inner, None, end),
            }));
        }
        if let Some(inner) = curly {
            let (inner, _) = inner.split_once('}').ok_or("holds an unfinished {")?;
            let end = here.find('}').map_or(here.len(), |end| end + 1);
            let notation = if here.starts_with("{env:") && is_name(inner) {
                Notation::Curly
            } else {
                Notation::Other
            };
            return Ok(Some(found(notation, inner, None, end)));
        }
        let (open, notation) = if here.starts_with("$env:") {
            ("$env:", Notation::Shell)
        } else {
            ("$", Notation::Bare)
        };
        let Some(inner) = here.strip_prefix(open) else {
            continue;
        };
        let is_part = |it: char| it.is_ascii_alphanumeric() || it == '_';
        let name = inner.split(|it| !is_part(it)).next().unwrap_or_default();
        if is_name(name) && !name.starts_with(|first: char| first.is_ascii_digit()) {
            return Ok(Some(found(notation, name, None, open.len() + name.len())));
        }
    }
    Ok(None)
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
