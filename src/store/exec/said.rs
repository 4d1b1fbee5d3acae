//! What a helper writes to stderr: shown, but for what it repeats of a value.

use crate::oauth::secret::quotes;
use crate::oauth::text::printable;

/// The most lines of stderr that are repeated.
const MAX_LINES: usize = 10;

/// Returns the lines that may be shown, escaped: none that quotes one of these texts, unless it is in `harmless`.
pub fn lines(stderr: &str, values: &[&str], harmless: &str) -> Vec<String> {
    let lines = stderr.lines().filter(|line| !line.trim().is_empty());
    let shown = |line: &str| match quotes(line, values, harmless) {
        true => "(a line that repeats a value)".to_owned(),
        false => printable(line),
    };
    lines.take(MAX_LINES).map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn es8_what_is_shown_of_stderr() {
        let values = [
            "eyJmb3JtYXQiOjEsImxvZ2luIjp7",
            r#"{"server":"https://mcp.example.com/mcp","token":"c4nary-c4nary-c4nary"}"#,
        ];
        let show = |stderr: &str| lines(stderr, &values, "https://mcp.example.com/mcp");
        let hidden = "(a line that repeats a value)";
        for (stderr, expected) in [
            ("", vec![]),
            ("no engine\n\n  \nat all", vec!["no engine", "at all"]),
            (
                "+ value=eyJmb3JtYXQiOjEsImxvZ2luIjp7\nfailed",
                vec![hidden, "failed"],
            ),
            ("\u{fc} 'mb3JtYXQiOjEsImxvZ2luIjp7'", vec![hidden]),
            ("bad \"token\":\"c4nary-c4nary-c4nary\"", vec![hidden]),
            (
                "cannot store https://mcp.example.com/mcp",
                vec!["cannot store https://mcp.example.com/mcp"],
            ),
            ("eyJmb3JtYXQiOjEs", vec!["eyJmb3JtYXQiOjEs"]),
            ("a\u{1b}[2J", vec!["a\\u{1b}[2J"]),
        ] {
            let shown: Vec<_> = show(stderr);
            assert_eq!(shown.len(), expected.len(), "{stderr}");
            for (shown, expected) in shown.iter().zip(&expected) {
                assert!(
                    shown == expected || stderr.contains('\u{1b}') && !shown.contains('\u{1b}'),
                    "{shown}"
                );
            }
        }
        assert_eq!(show(&"x\n".repeat(50)).len(), MAX_LINES);
    }
}
