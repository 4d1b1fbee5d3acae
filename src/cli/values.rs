//! What the values of options may be.

use std::convert::Infallible;
use std::time::Duration;

use crate::clients::{Target, TARGETS};
use crate::oauth::endpoint;

/// Reads a SERVER argument without what copying it adds around it: blanks, quotes, angle brackets, a comma.
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
    // An apostrophe or a comma may be the end of a URL itself, but not of one that stands in quotes.
    let is_quoted = word.len() < text.trim_start().len();
    let word =
        word.trim_end_matches(|next| is_around(next) || is_quoted && ['\'', ','].contains(&next));
    Ok(word.to_owned())
}

/// Reads a length of time: `90s`, `10m`, `1h30m`; a bare number counts seconds.
///
/// # Errors
///
/// A sentence for the user.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no length of time; write it as 90s, 10m or 1h");
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
        _ => Err(format!(
            "{text:?} is out of range; it has to be between 1 s and 7 days"
        )),
    }
}

/// Reads a length of time that may be none at all: `0`, `0s`.
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

/// Reads `KEY=VALUE`. The parameters that carry the security of the login are not the user's to set.
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

/// Finds a client that a login can be handed to.
///
/// # Errors
///
/// A sentence for the user.
pub fn client(name: &str) -> Result<&'static Target, String> {
    Target::find(name).ok_or_else(|| {
        let names: Vec<_> = TARGETS.iter().map(|client| client.name).collect();
        format!("the clients are {}", names.join(", "))
    })
}

/// Checks the name of an environment variable.
///
/// # Errors
///
/// A sentence for the user.
pub fn variable(name: &str) -> Result<String, String> {
    let plain = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !plain || name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) {
        return Err("the name of a variable holds letters, digits and _".to_owned());
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
