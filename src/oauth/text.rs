//! Strangers' text made fit for a terminal: what a server, a certificate or a paste says, and nothing that it does.

use serde::Serialize;

/// The most characters of one stranger's text that we show: enough for an error description, too few to flood a screen.
const MAX_PRINTED: usize = 200;

/// What stands for the part of a text that was cut off.
const CUT: &str = "...";

/// Returns `text` in printable ASCII, on one line, with no power over the terminal, and at most 203 bytes long.
///
/// Terminal sequences go with their bodies and bidirectional controls go; a carriage return is a space; runs of spaces
/// are one space. A backslash is doubled and everything else outside printable ASCII is written as `\u{…}`, so that
/// two different characters never look alike. What is longer than 200 characters ends in `...`.
pub fn printable(text: &str) -> String {
    let mut shown = String::new();
    let mut piece = String::new();
    let mut rest = text;
    loop {
        if let Some(after) = after_sequence(rest) {
            rest = after;
            continue;
        }
        let mut characters = rest.chars();
        let Some(next) = characters.next() else { return shown };
        rest = characters.as_str();
        piece.clear();
        match next {
            ' ' | '\r' if shown.ends_with(' ') => {}
            ' ' | '\r' => piece.push(' '),
            '\\' => piece.push_str("\\\\"),
            '!'..='~' => piece.push(next),
            _ if is_bidi_control(next) => {}
            _ => piece.extend(next.escape_unicode()),
        }
        if shown.len() + piece.len() > MAX_PRINTED {
            shown.push_str(CUT);
            return shown;
        }
        shown.push_str(&piece);
    }
}

/// Returns the first `most` of these texts in the form of [`printable`], and how many more there are.
pub fn printable_list(texts: &[String], separator: &str, most: usize) -> String {
    let shown = texts.iter().take(most).map(|text| printable(text)).collect::<Vec<_>>().join(separator);
    match texts.len().saturating_sub(most) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Returns a value as JSON, in one line of printable ASCII: a terminal may show it, and a script reads what was meant.
///
/// # Errors
///
/// If the value has no form in JSON.
///
/// Spec: RFC 8259 section 7.
pub fn json_line<T: Serialize>(value: &T) -> serde_json::Result<String> {
    Ok(ascii(&serde_json::to_string(value)?))
}

/// Returns JSON, or TOML in basic strings, with the same meaning in printable ASCII and line ends. Outside strings both are
/// ASCII, so what is not stands inside one.
pub fn ascii(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            ' '..='~' | '\n' => shown.push(character),
            _ => character.encode_utf16(&mut [0; 2]).iter().for_each(|unit| shown.push_str(&format!("\\u{unit:04x}"))),
        }
    }
    shown
}

/// Tells whether `character` changes the direction in which the text around it is shown.
///
/// Spec: Unicode Standard Annex #9 section 2.
pub(super) fn is_bidi_control(character: char) -> bool {
    matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Returns what follows the control sequence or control string that `text` begins with, or `None` if it begins with
/// neither.
///
/// One that is never finished reaches to the end of `text`, as it would on a terminal.
///
/// Spec: ECMA-48 sections 5.4 and 5.6.
pub(super) fn after_sequence(text: &str) -> Option<&str> {
    let mut characters = text.chars();
    let introducer = match characters.next()? {
        // Each control of the C1 set has a form of two characters: ESC, and itself less 0x40.
        '\u{1b}' => characters.next().and_then(|second| char::from_u32(u32::from(second) + 0x40))?,
        first => first,
    };
    let body = characters.as_str();
    match introducer {
        '\u{9b}' => Some(after_control_sequence(body)),
        '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => Some(after_control_string(body)),
        _ => None,
    }
}

/// The digits and signs between the introducer of a control sequence and its end.
fn is_parameter(character: char) -> bool {
    matches!(character, '0'..='?')
}

/// What may stand before the final character of any escape sequence.
pub(super) fn is_intermediate(character: char) -> bool {
    matches!(character, ' '..='/')
}

/// Returns what follows the parameters, the intermediates and the final character of a control sequence.
fn after_control_sequence(body: &str) -> &str {
    let rest = body.trim_start_matches(is_parameter).trim_start_matches(is_intermediate);
    rest.strip_prefix(|last| matches!(last, '@'..='~')).unwrap_or(rest)
}

/// Returns what follows the end of a control string: its terminator, BEL, or what makes a terminal give it up.
fn after_control_string(body: &str) -> &str {
    let Some(end) = body.find(['\u{1b}', '\u{9c}', '\u{07}', '\u{18}', '\u{1a}']) else { return "" };
    let rest = &body[end..];
    let terminator =
        rest.strip_prefix("\u{1b}\\").or_else(|| rest.strip_prefix(['\u{9c}', '\u{07}', '\u{18}', '\u{1a}']));
    terminator.unwrap_or(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &str, expected: &str) {
        assert_eq!(printable(input), expected, "{input:?}");
    }

    #[test]
    fn t3_json_is_escaped_and_means_the_same() {
        for text in ["plain", "\u{1b}[2J\u{9b}\u{202e}\u{7f}", "\u{e9}\u{1f600}\"\\\n"] {
            let line = json_line(&[text]).expect("JSON");
            assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{line}");
            assert_eq!(serde_json::from_str::<[String; 1]>(&line).expect("JSON"), [text]);
        }
        assert_eq!(json_line(&"\u{1f600}\u{7f}").expect("JSON"), r#""\ud83d\ude00\u007f""#);
    }

    #[test]
    fn t1_plain_text_is_kept() {
        check("", "");
        check("access denied", "access denied");
        check(" !\"#$%&'()*+,-./09:;<=>?@AZ[]^_`az{|}~", " !\"#$%&'()*+,-./09:;<=>?@AZ[]^_`az{|}~");
        check("<script>alert(1)</script>", "<script>alert(1)</script>");
    }

    #[test]
    fn t1_a_long_list_is_cut() {
        let texts = ["a", "b\u{7}", "c"].map(str::to_owned);
        for (most, expected) in [(1, "a and 2 more"), (2, r"a, b\u{7} and 1 more"), (3, r"a, b\u{7}, c")] {
            assert_eq!(printable_list(&texts, ", ", most), expected);
        }
        assert_eq!(printable_list(&[], ", ", 1), "");
    }

    #[test]
    fn t1_spaces_collapse_and_a_carriage_return_is_one() {
        check("a  b    c", "a b c");
        check("a\rb", "a b");
        check("a\r\r \rb", "a b");
        check("  a  ", " a ");
        check("a \u{1b}[31m \u{202e} b", "a b");
        check("real\rfake", "real fake");
    }

    #[test]
    fn t1_everything_else_is_written_out() {
        check(r"a\b", r"a\\b");
        check(r"\u{1b}", r"\\u{1b}");
        check("a\nb", r"a\u{a}b");
        check("a\r\nb", r"a \u{a}b");
        check("a\tb", r"a\u{9}b");
        check("\0", r"\u{0}");
        check("\u{7}", r"\u{7}");
        check("\u{8}", r"\u{8}");
        check("\u{7f}", r"\u{7f}");
        check("\u{85}", r"\u{85}");
        check("\u{a0}", r"\u{a0}");
        check("caf\u{e9}", r"caf\u{e9}");
        check("\u{430}pple.com", r"\u{430}pple.com");
        check("a\u{200d}b", r"a\u{200d}b");
        check("a\u{200b}b", r"a\u{200b}b");
        check("a\u{feff}b", r"a\u{feff}b");
        check("e\u{301}", r"e\u{301}");
        check("\u{2028}", r"\u{2028}");
        check("\u{1f600}", r"\u{1f600}");
        check("\u{10ffff}", r"\u{10ffff}");
        check("\u{e0041}", r"\u{e0041}");
        check(&String::from_utf8_lossy(b"a\xffb\x9b"), r"a\u{fffd}b\u{fffd}");
    }

    #[test]
    fn t1_bidi_controls_are_dropped() {
        for control in
            ('\u{202a}'..='\u{202e}').chain('\u{2066}'..='\u{2069}').chain(['\u{61c}', '\u{200e}', '\u{200f}'])
        {
            check(&format!("a{control}b"), "ab");
        }
    }

    #[test]
    fn t1_control_sequences_are_dropped() {
        for sequence in [
            "[31m",
            "[m",
            "[2J",
            "[1;1H",
            "[?25l",
            "[?1049h",
            "[38;5;196m",
            "[38:2::1:2:3m",
            "[>4;2m",
            "[2 q",
            "[!p",
            "[6n",
        ] {
            check(&format!("a\u{1b}{sequence}b"), "ab");
            check(&format!("a\u{9b}{}b", &sequence[1..]), "ab");
        }
        check("a\u{1b}[", "a");
        check("a\u{1b}[31", "a");
        check("a\u{1b}[31\u{1b}[32mb", "ab");
        check("a\u{1b}[31\nmb", r"a\u{a}mb");
        check("a\u{1b}[3\u{e9}b", r"a\u{e9}b");
        check("\u{1b}\u{1b}[31mb", r"\u{1b}b");
        check("\u{1b}[\u{1b}[31mmb", "mb");
    }

    #[test]
    fn t1_control_strings_are_dropped_with_their_bodies() {
        for (short, long) in [('\u{9d}', ']'), ('\u{90}', 'P'), ('\u{98}', 'X'), ('\u{9e}', '^'), ('\u{9f}', '_')] {
            for end in ["\u{1b}\\", "\u{9c}", "\u{7}", "\u{18}", "\u{1a}"] {
                check(&format!("a\u{1b}{long}0;title\u{e9}\n{end}b"), "ab");
                check(&format!("a{short}0;title{end}b"), "ab");
            }
            check(&format!("a{short}never ended"), "a");
            check(&format!("a\u{1b}{long}"), "a");
            check(&format!("a{short}body\u{1b}[31mb"), "ab");
        }
        check("\u{1b}]52;c;cm0gLXJmIH4=\u{7}copied", "copied");
        check("\u{1b}]8;;https://evil.example\u{1b}\\click\u{1b}]8;;\u{1b}\\", "click");
        check("\u{1b}P1$r0m\u{1b}\\x", "x");
    }

    #[test]
    fn t1_other_escapes_are_written_out() {
        check("\u{1b}c", r"\u{1b}c");
        check("\u{1b}(0", r"\u{1b}(0");
        check("\u{1b}", r"\u{1b}");
        check("\u{9c}", r"\u{9c}");
        check("\u{1b}\u{10ffff}", r"\u{1b}\u{10ffff}");
    }

    #[test]
    fn t1_long_text_is_cut_and_says_so() {
        let long = "x".repeat(100_000);
        let cut = format!("{}...", "x".repeat(200));
        check(&"x".repeat(200), &"x".repeat(200));
        check(&"x".repeat(201), &cut);
        check(&long, &cut);
        check(&format!("{}\u{1b}[0m", "x".repeat(200)), &"x".repeat(200));
        check(&format!("{}\u{e9}", "x".repeat(195)), &format!("{}...", "x".repeat(195)));
        check(&format!("{}\\", "x".repeat(199)), &format!("{}...", "x".repeat(199)));
        check(&"\u{1b}[".repeat(50_000), "");
        check(&"\u{1b}]".repeat(50_000), "");
        check(&"\u{9d}".repeat(50_000), "");
        check(&" ".repeat(100_000), " ");
    }
}
