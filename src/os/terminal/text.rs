//! The text of a line: what of it a terminal may get, how wide it is, and where it is broken.

use std::sync::OnceLock;

use console::measure_text_width;

use crate::oauth::text::Readable;

/// The locale of a terminal for which no variable says anything.
const USUAL_LOCALE: &str = if cfg!(windows) { "UTF-8" } else { "" };

/// Replaces everything that has power over a terminal, and what this one cannot show. Our own colours are put around this.
pub fn guard(text: &str) -> String {
    guarded(text, unicode_is_shown())
}

/// Tells whether the user's terminal shows more than ASCII.
pub(super) fn unicode_is_shown() -> bool {
    static SHOWS_UNICODE: OnceLock<bool> = OnceLock::new();
    *SHOWS_UNICODE.get_or_init(|| shows_unicode(|name| std::env::var(name).ok()))
}

fn guarded(text: &str, shows_unicode: bool) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut readable = Readable::default();
    for character in text.chars() {
        match character {
            _ if readable.takes(character) && (shows_unicode || character.is_ascii()) => {
                safe.push(character)
            }
            _ => safe.extend(character.escape_unicode()),
        }
    }
    safe
}

/// Tells whether the user's terminal is one of UTF-8.
///
/// Spec: POSIX.1-2024, Base Definitions, section 8.2: the first of these variables that is not empty counts.
fn shows_unicode(variable: impl Fn(&str) -> Option<String>) -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(|name| variable(name).filter(|it| !it.is_empty()));
    // The console of Windows takes every character, whatever these variables say.
    let locale = locale
        .unwrap_or(USUAL_LOCALE.to_owned())
        .to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

/// Returns how many columns a text takes.
pub fn width(text: &str) -> usize {
    measure_text_width(text)
}

/// Breaks a text between its words where a line is full; further lines begin with `indent`. A word that is longer than a
/// line is left whole.
pub fn wrap(text: &str, room: usize, indent: &str) -> String {
    let mut wrapped = String::new();
    let mut used = 0_usize;
    for word in text.split_inclusive(' ') {
        let length = measure_text_width(word.trim_end());
        if used > 0 && used.saturating_add(length) > room {
            wrapped.truncate(wrapped.trim_end().len());
            wrapped.push('\n');
            wrapped.push_str(indent);
            used = 0;
        }
        wrapped.push_str(word);
        used += measure_text_width(word);
    }
    wrapped
}

#[cfg(test)]
mod tests {
    use super::super::INDENT;
    use super::*;

    #[test]
    fn sentences_break_between_words() {
        let long = "https://as.example/a/very/long/address";
        for (text, room, expected) in [
            ("one two three", usize::MAX, "one two three".to_owned()),
            ("one two three", 7, format!("one two\n{INDENT}three")),
            ("one two three", 8, format!("one two\n{INDENT}three")),
            ("at the address", 6, format!("at the\n{INDENT}address")),
            (long, 10, long.to_owned()),
            ("  indented", 80, "  indented".to_owned()),
            ("", 10, String::new()),
        ] {
            assert_eq!(wrap(text, room, INDENT), expected, "{text}");
        }
    }

    fn among<'a>(variables: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |name| {
            variables
                .iter()
                .find(|(it, _)| *it == name)
                .map(|(_, value)| (*value).to_owned())
        }
    }

    #[test]
    fn e4_where_unicode_is_shown() {
        for (variables, expected) in [
            (&[][..], cfg!(windows)),
            (&[("LANG", "C")], false),
            (&[("LANG", "de_DE.UTF-8")], true),
            (&[("LANG", "ja_JP.utf8")], true),
            (&[("LC_CTYPE", "UTF-8")], true),
            (&[("LC_ALL", "C.UTF-8"), ("LANG", "C")], true),
            (
                &[
                    ("LC_ALL", "POSIX"),
                    ("LC_CTYPE", "UTF-8"),
                    ("LANG", "en_US.UTF-8"),
                ],
                false,
            ),
            (&[("LC_ALL", ""), ("LANG", "en_US.UTF-8")], true),
            (&[("LANG", "de_DE.ISO-8859-1")], false),
        ] {
            assert_eq!(shows_unicode(among(variables)), expected, "{variables:?}");
        }
    }

    /// The filter of strangers' text and that of the terminal agree.
    #[test]
    fn e4_what_is_fit_for_a_terminal_reaches_it() {
        let every = ('\0'..=char::MAX)
            .step_by(29)
            .map(|it| format!("e{it}\u{301}x"))
            .chain(["F\u{fc}r \u{65e5}".to_owned()]);
        for text in every {
            let shown = crate::oauth::text::printable(&text);
            assert_eq!(guarded(&shown, true), shown, "{text:?}");
            assert!(
                guarded(&shown, false)
                    .bytes()
                    .all(|byte| matches!(byte, b' '..=b'~')),
                "{text:?}"
            );
        }
    }

    #[test]
    fn e4_wide_characters_take_two_columns() {
        let wide = "\u{65e5}\u{672c} \u{8a9e}";
        assert_eq!(wrap(wide, 7, INDENT), wide);
        assert_eq!(
            wrap(wide, 6, INDENT),
            format!("\u{65e5}\u{672c}\n{INDENT}\u{8a9e}")
        );
    }

    #[test]
    fn t3_nothing_but_printable_ascii() {
        for (text, expected) in [
            ("plain ~!", "plain ~!"),
            ("a\u{1b}[31mb", "a\\u{1b}[31mb"),
            ("a\r\nb\u{7}", "a\\u{d}\\u{a}b\\u{7}"),
            ("\u{202e}x\u{9b}", "\\u{202e}x\\u{9b}"),
        ] {
            assert_eq!(guarded(text, false), expected);
            assert_eq!(guarded(text, true), expected);
        }
    }
}
