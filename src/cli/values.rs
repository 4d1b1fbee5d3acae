//! The values of options.

use std::convert::Infallible;
use std::ffi::OsStr;
use std::time::Duration;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use crate::clients::{targets, Target};
use crate::oauth::endpoint;
use crate::oauth::text::is_plain;
use crate::store::StoreChoice;

/// The values of an option: the names of each, its help, and what it means.
pub type Words<T> = &'static [(&'static [&'static str], &'static str, T)];

/// Lists the values of an option, one a line: `name | alias, "help" => meaning;`.
macro_rules! words {
    ($($($name:literal)|+, $help:literal => $meaning:expr;)+) => {
        &[$((&[$($name),+], $help, $meaning)),+]
    };
}

pub(crate) use words;

/// Reads one of several words.
pub fn one_of<T>(words: Words<T>) -> impl TypedValueParser<Value = T>
where
    T: Clone + Send + Sync + 'static,
{
    let values = words.iter().map(|(names, help, _)| {
        let aliases = names.iter().skip(1).copied();
        let name = names.first().copied().unwrap_or_default();
        PossibleValue::new(name).aliases(aliases).help(*help)
    });
    PossibleValuesParser::new(values).try_map(|word| {
        let meant = words.iter().find(|(names, ..)| names.contains(&&*word));
        meant
            .map(|(.., value)| value.clone())
            .ok_or("unknown value")
    })
}

/// Reads the name of a client that a login can be handed over to.
pub fn client() -> impl TypedValueParser<Value = &'static Target> {
    let names = targets().map(|client| PossibleValue::new(client.name).help(client.about));
    PossibleValuesParser::new(names).try_map(|name| Target::find(&name).ok_or("unknown client"))
}

/// Reads where logins are stored. Completions offer the choices that are one word.
pub fn store() -> impl TypedValueParser<Value = StoreChoice> {
    StoreParser
}

#[derive(Clone)]
struct StoreParser;

impl TypedValueParser for StoreParser {
    type Value = StoreChoice;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<StoreChoice, clap::Error> {
        let parse = |text: &str| text.parse::<StoreChoice>();
        parse.parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(StoreChoice::words().map(PossibleValue::new)))
    }
}

/// Reads a SERVER argument without what copying adds around it: blanks, quotes, angle brackets, a comma.
///
/// # Errors
///
/// Never; what is left may still be no server.
pub fn server(text: &str) -> Result<String, Infallible> {
    const AROUND: [char; 10] = [
        '"', '`', '<', '>', '\u{201c}', '\u{201d}', '\u{2018}', '\u{2019}', '\u{ab}', '\u{bb}',
    ];
    let is_around = |next: char| next.is_whitespace() || AROUND.contains(&next);
    let word = text.trim_start_matches(|next| is_around(next) || next == '\'');
    // An apostrophe or a comma may be the end of a URL itself, but not of one in quotes.
    let is_quoted = word.len() < text.trim_start().len();
    let word =
        word.trim_end_matches(|next| is_around(next) || is_quoted && ['\'', ','].contains(&next));
    Ok(word.to_owned())
}

/// Reads the number of a port.
///
/// # Errors
///
/// A sentence for the user.
pub fn port(text: &str) -> Result<u16, &'static str> {
    text.parse().map_err(|_| "use a number from 0 to 65535")
}

/// Reads a duration: `90s`, `10m`, `1h30m`; a bare number counts seconds.
///
/// # Errors
///
/// A sentence for the user.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "use 90s, 10m or 1h".to_owned();
    let mut seconds: u64 = 0;
    let mut digits = String::new();
    for character in text.chars() {
        let unit = match character {
            '0'..='9' => {
                digits.push(character);
                continue;
            }
            's' => 1,
            'm' => 60,
            'h' => 3600,
            _ => return Err(wrong()),
        };
        let count: u64 = std::mem::take(&mut digits).parse().map_err(|_| wrong())?;
        seconds = count
            .checked_mul(unit)
            .and_then(|more| seconds.checked_add(more))
            .ok_or_else(wrong)?;
    }
    if !digits.is_empty() && seconds == 0 {
        seconds = digits.parse().map_err(|_| wrong())?;
    } else if !digits.is_empty() {
        return Err(wrong());
    }
    match seconds {
        1..=604_800 => Ok(Duration::from_secs(seconds)),
        _ => Err("out of range: use 1s to 168h".to_owned()),
    }
}

/// Reads a duration that may be zero.
///
/// # Errors
///
/// A sentence for the user.
pub fn duration_or_none(text: &str) -> Result<Duration, String> {
    match text {
        "0" | "0s" | "0m" | "0h" => Ok(Duration::ZERO),
        _ => duration(text),
    }
}

/// Reads `KEY=VALUE`. The user cannot set the parameters that protect the login.
///
/// # Errors
///
/// A sentence for the user.
pub fn parameter(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write it as KEY=VALUE")?;
    match key {
        "" => Err("write it as KEY=VALUE".to_owned()),
        "scope" | "resource" => Err(format!("set it with --{key}")),
        _ if endpoint::OUR_PARAMETERS.contains(&key) => {
            Err(format!("{key} is set by mcp-login itself"))
        }
        _ => Ok((key.to_owned(), value.to_owned())),
    }
}

/// The environment variable that holds a token, unless the user names another one.
pub const VARIABLE: &str = "MCP_LOGIN_BEARER";

/// Checks the name of an environment variable.
///
/// # Errors
///
/// A sentence for the user.
pub fn variable(name: &str) -> Result<String, String> {
    if name.is_empty()
        || !is_plain(name, "_")
        || name.starts_with(|first: char| first.is_ascii_digit())
    {
        return Err("use letters, digits and _, with no digit first".to_owned());
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c53_what_copying_adds_around_a_server_is_left_out() {
        let url = "https://mcp.example/mcp";
        let forms = [
            " {} ",
            "\"{}\"",
            "'{}'",
            "<{}>",
            "`{}`",
            "\u{201c}{}\u{201d}",
            "\"{}\",",
            "\t{}\n",
            "{}\"",
            "\u{a0}{}",
        ];
        for around in forms {
            assert_eq!(
                server(&around.replace("{}", url)).as_deref(),
                Ok(url),
                "{around}"
            );
        }
        for own in [
            "https://mcp.example/it's'",
            "https://mcp.example/a,",
            "codex:linear",
            "",
            "a b",
        ] {
            assert_eq!(server(own).as_deref(), Ok(own));
        }
    }
}
