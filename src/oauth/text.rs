//! Untrusted text made safe for a terminal: text of servers, certificates and pastes, without control sequences.

use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory, GeneralCategoryGroup};
use icu_properties::{CodePointMapData, CodePointSetData};
use serde::Serialize;

/// Most characters of an untrusted text that are shown: enough for an error description, too few to flood a screen.
const MAX_PRINTED: usize = 200;

/// Replaces the part of a text that was cut off.
const CUT: &str = "...";

/// The most marks on one letter that are shown: real writing needs no more, and more would reach into other lines.
const MAX_MARKS: u8 = 2;

/// Tells, character by character, what of a text can be shown as it is: printable ASCII; the letters, digits, punctuation
/// and currency signs of Unicode; and a few marks on a letter. Nothing that controls, hides or turns other text.
///
/// Spec: Unicode Standard section 4.5, General Category; section 5.21, Default Ignorable Code Points.
#[derive(Debug, Default)]
pub struct Readable {
    marks_left: u8,
}

impl Readable {
    /// Tells whether the next character can be shown.
    pub fn takes(&mut self, character: char) -> bool {
        let is_mark = |kind| {
            GeneralCategoryGroup::NonspacingMark
                .union(GeneralCategoryGroup::SpacingMark)
                .contains(kind)
        };
        let letters = GeneralCategoryGroup::Letter.union(GeneralCategoryGroup::Number);
        let signs = GeneralCategoryGroup::Punctuation.union(GeneralCategoryGroup::CurrencySymbol);
        let kind = CodePointMapData::<GeneralCategory>::new().get(character);
        let is_hidden = CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(character);
        let marks_left = std::mem::take(&mut self.marks_left);
        if is_mark(kind) && !is_hidden {
            self.marks_left = marks_left.saturating_sub(1);
            return marks_left > 0;
        }
        if letters.contains(kind) && !is_hidden {
            self.marks_left = MAX_MARKS;
        }
        matches!(character, ' '..='~')
            || ((letters.contains(kind) || signs.contains(kind)) && !is_hidden)
    }
}

/// Tells whether a character is a space of any kind.
fn is_space(character: char) -> bool {
    CodePointMapData::<GeneralCategory>::new().get(character) == GeneralCategory::SpaceSeparator
}

pub use crate::os::shell::quoted;

/// Tells whether a text consists of letters and digits of ASCII, and these signs.
pub fn is_plain(text: &str, signs: &str) -> bool {
    let is_plain = |next: char| next.is_ascii_alphanumeric() || signs.contains(next);
    text.chars().all(is_plain)
}

/// Returns `text` on one line, with no power over the terminal, and at most 203 characters long.
///
/// Terminal sequences go with their bodies and bidirectional controls go; a carriage return and any kind of space is a
/// space; runs of spaces are one space. A backslash is doubled, and everything that is not [`Readable`] is written as
/// `\u{…}`. What is longer than 200 characters ends in `...`. A terminal that shows ASCII only is the printer's care.
pub fn printable(text: &str) -> String {
    let (mut shown, mut length) = (String::new(), 0);
    let mut readable = Readable::default();
    let mut piece = String::new();
    let mut rest = text;
    loop {
        if let Some(after) = after_sequence(rest) {
            rest = after;
            continue;
        }
        let mut characters = rest.chars();
        let Some(next) = characters.next() else {
            return shown;
        };
        rest = characters.as_str();
        piece.clear();
        match next {
            _ if (is_space(next) || next == '\r') && shown.ends_with(' ') => {}
            _ if is_space(next) || next == '\r' => piece.push(' '),
            '\\' => piece.push_str("\\\\"),
            _ if is_bidi_control(next) => {}
            _ if readable.takes(next) => piece.push(next),
            _ => piece.extend(next.escape_unicode()),
        }
        if piece.starts_with([' ', '\\']) {
            readable = Readable::default();
        }
        length += piece.chars().count();
        if length > MAX_PRINTED {
            shown.push_str(CUT);
            return shown;
        }
        shown.push_str(&piece);
    }
}

/// Returns the first `most` of these texts in the form of [`printable`], and how many more there are.
pub fn printable_list(texts: &[String], separator: &str, most: usize) -> String {
    let shown = texts
        .iter()
        .take(most)
        .map(|text| printable(text))
        .collect::<Vec<_>>()
        .join(separator);
    match texts.len().saturating_sub(most) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Returns scopes for a sentence: the first twenty, and how many more there are; `none` if there are none.
pub fn scope_list(scopes: &[String], none: &str) -> String {
    match scopes {
        [] => none.to_owned(),
        scopes => printable_list(scopes, " ", 20),
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
            _ => character
                .encode_utf16(&mut [0; 2])
                .iter()
                .for_each(|unit| shown.push_str(&format!("\\u{unit:04x}"))),
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
        '\u{1b}' => characters
            .next()
            .and_then(|second| char::from_u32(u32::from(second) + 0x40))?,
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

/// The characters before the final one of an escape sequence.
pub(super) fn is_intermediate(character: char) -> bool {
    matches!(character, ' '..='/')
}

/// Returns what follows the parameters, the intermediates and the final character of a control sequence.
fn after_control_sequence(body: &str) -> &str {
    let rest = body
        .trim_start_matches(is_parameter)
        .trim_start_matches(is_intermediate);
    rest.strip_prefix(|last| matches!(last, '@'..='~'))
        .unwrap_or(rest)
}

/// Returns what follows the end of a control string: its terminator, BEL, or what makes a terminal give it up.
fn after_control_string(body: &str) -> &str {
    let Some(end) = body.find(['\u{1b}', '\u{9c}', '\u{07}', '\u{18}', '\u{1a}']) else {
        return "";
    };
    let rest = &body[end..];
    let terminator = rest
        .strip_prefix("\u{1b}\\")
        .or_else(|| rest.strip_prefix(['\u{9c}', '\u{07}', '\u{18}', '\u{1a}']));
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
        for text in [
            "plain",
            "\u{1b}[2J\u{9b}\u{202e}\u{7f}",
            "\u{e9}\u{1f600}\"\\\n",
        ] {
            let line = json_line(&[text]).expect("JSON");
            assert!(
                line.bytes().all(|byte| (b' '..=b'~').contains(&byte)),
                "{line}"
            );
            assert_eq!(
                serde_json::from_str::<[String; 1]>(&line).expect("JSON"),
                [text]
            );
        }
        assert_eq!(
            json_line(&"\u{1f600}\u{7f}").expect("JSON"),
            r#""\ud83d\ude00\u007f""#
        );
    }

    #[test]
    fn t1_plain_text_stays() {
        check("", "");
        check("access denied", "access denied");
        check(
            " !\"#$%&'()*+,-./09:;<=>?@AZ[]^_`az{|}~",
            " !\"#$%&'()*+,-./09:;<=>?@AZ[]^_`az{|}~",
        );
        check("<script>alert(1)</script>", "<script>alert(1)</script>");
    }

    #[test]
    fn t1_a_long_list_is_cut() {
        let texts = ["a", "b\u{7}", "c"].map(str::to_owned);
        for (most, expected) in [
            (1, "a and 2 more"),
            (2, r"a, b\u{7} and 1 more"),
            (3, r"a, b\u{7}, c"),
        ] {
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
    fn t1_o5_everything_else_is_written_out() {
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
        check("a\u{200d}b", r"a\u{200d}b");
        check("a\u{200b}b", r"a\u{200b}b");
        check("a\u{feff}b", r"a\u{feff}b");
        check("\u{2028}", r"\u{2028}");
        check("\u{1f600}", r"\u{1f600}");
        check("\u{10ffff}", r"\u{10ffff}");
        check("\u{e0041}", r"\u{e0041}");
        check(
            &String::from_utf8_lossy(b"a\xffb\x9b"),
            r"a\u{fffd}b\u{fffd}",
        );
    }

    #[test]
    fn e4_words_of_all_languages_are_shown() {
        for text in [
            "F\u{fc}r diese Anwendung fehlt die Zustimmung \u{2013} \u{201e}read\u{201c}",
            "\u{30a2}\u{30af}\u{30bb}\u{30b9}\u{304c}\u{62d2}\u{5426}\u{3055}\u{308c}\u{307e}\u{3057}\u{305f}\u{3002}",
            "\u{41e}\u{442}\u{43a}\u{430}\u{437}\u{430}\u{43d}\u{43e}: \u{2116}",
            "\u{e44}\u{e21}\u{e48}\u{e2d}\u{e19}\u{e38}\u{e0d}\u{e32}\u{e15}",
            "\u{939}\u{93f}\u{928}\u{94d}\u{926}\u{940}",
            "Ti\u{ea}\u{301}ng Vie\u{323}\u{302}t",
            "5 \u{20ac}",
        ] {
            check(&text.replace('\u{2116}', "1"), &text.replace('\u{2116}', "1"));
        }
        check("a\u{a0}\u{3000}b", "a b");
        // What hides, what stacks up, what draws, and what turns the text around.
        check(
            "e\u{301}\u{301}\u{301}",
            &format!("e\u{301}\u{301}{}", r"\u{301}"),
        );
        check(" \u{301}", r" \u{301}");
        check("a\u{3164}b", r"a\u{3164}b");
        check("a\u{34f}b", r"a\u{34f}b");
        check("a\u{fe0f}b", r"a\u{fe0f}b");
        check("\u{2588}\u{2500}", r"\u{2588}\u{2500}");
        check("\u{e000}\u{378}", r"\u{e000}\u{378}");
        check(
            &"\u{e9}".repeat(201),
            &format!("{}...", "\u{e9}".repeat(200)),
        );
    }

    #[test]
    fn t1_bidi_controls_are_dropped() {
        for control in ('\u{202a}'..='\u{202e}')
            .chain('\u{2066}'..='\u{2069}')
            .chain(['\u{61c}', '\u{200e}', '\u{200f}'])
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
        check("a\u{1b}[3\u{e9}b", "a\u{e9}b");
        check("\u{1b}\u{1b}[31mb", r"\u{1b}b");
        check("\u{1b}[\u{1b}[31mmb", "mb");
    }

    #[test]
    fn t1_control_strings_are_dropped_with_their_bodies() {
        for (short, long) in [
            ('\u{9d}', ']'),
            ('\u{90}', 'P'),
            ('\u{98}', 'X'),
            ('\u{9e}', '^'),
            ('\u{9f}', '_'),
        ] {
            for end in ["\u{1b}\\", "\u{9c}", "\u{7}", "\u{18}", "\u{1a}"] {
                check(&format!("a\u{1b}{long}0;title\u{e9}\n{end}b"), "ab");
                check(&format!("a{short}0;title{end}b"), "ab");
            }
            check(&format!("a{short}never ended"), "a");
            check(&format!("a\u{1b}{long}"), "a");
            check(&format!("a{short}body\u{1b}[31mb"), "ab");
        }
        check("\u{1b}]52;c;cm0gLXJmIH4=\u{7}copied", "copied");
        check(
            "\u{1b}]8;;https://evil.example\u{1b}\\click\u{1b}]8;;\u{1b}\\",
            "click",
        );
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
        check(
            &format!("{}\u{7}", "x".repeat(195)),
            &format!("{}\\u{{7}}", "x".repeat(195)),
        );
        check(
            &format!("{}\u{85}", "x".repeat(195)),
            &format!("{}...", "x".repeat(195)),
        );
        check(
            &format!("{}\\", "x".repeat(199)),
            &format!("{}...", "x".repeat(199)),
        );
        check(&"\u{1b}[".repeat(50_000), "");
        check(&"\u{1b}]".repeat(50_000), "");
        check(&"\u{9d}".repeat(50_000), "");
        check(&" ".repeat(100_000), " ");
    }
}
