//! What a person types here: words for the shell, and commands that tell more.

use crate::oauth::text::is_plain;

/// Returns a word in a form that a shell reads as this word: that of POSIX, or PowerShell on Windows.
///
/// Spec: POSIX.1-2024, Shell Command Language, section 2.2.2; PowerShell, about_Quoting_Rules.
pub fn quoted(word: &str) -> String {
    quoted_for(cfg!(windows), word)
}

fn quoted_for(is_powershell: bool, word: &str) -> String {
    let signs = match is_powershell {
        true => r"-_./:\+=",
        false => "-_./:@%+=,",
    };
    if !word.is_empty() && is_plain(word, signs) {
        return word.to_owned();
    }
    let quote = if is_powershell { "''" } else { r"'\''" };
    format!("'{}'", word.replace('\'', quote))
}

/// Returns a word in a form in which the shells that clients start read it as this word. On Windows that is `cmd`, and with
/// some of them a shell of POSIX, which both know double quotes.
pub fn quoted_in_setting(word: &str) -> String {
    match cfg!(windows) {
        true => in_double_quotes(word),
        false => quoted(word),
    }
}

fn in_double_quotes(word: &str) -> String {
    match !word.is_empty() && is_plain(word, "-_./:@+,") {
        true => word.to_owned(),
        false => {
            let end = if word.ends_with('\\') { r"\" } else { "" };
            format!("\"{}{end}\"", word.replace('"', "\\\""))
        }
    }
}

/// Returns a word in a form in which [`super::command::words`] reads it as this word. On Windows it is in single quotes if it can be:
/// Windows PowerShell passes no double quotes of an argument on, and those of a setting are around it.
///
/// Spec: PowerShell, about_Parsing, `PSNativeCommandArgumentPassing`.
pub fn quoted_in_command(word: &str) -> String {
    match cfg!(windows) {
        true => in_quotes(word),
        false => quoted(word),
    }
}

fn in_quotes(word: &str) -> String {
    let is_special = |it: char| it.is_whitespace() || "'\"".contains(it);
    match word {
        _ if !word.is_empty() && !word.contains(is_special) => word.to_owned(),
        _ if word.contains('\'') => format!("\"{word}\""),
        _ => format!("'{word}'"),
    }
}

/// Returns the words of a command that [`quoted_in_setting`] or a person has quoted. Parentheses divide them too, as in
/// `$(command)`.
pub fn words_of_setting(command: &str) -> Vec<String> {
    words_of_setting_on(cfg!(windows), command)
}

fn words_of_setting_on(is_windows: bool, command: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    let mut characters = command.chars();
    while let Some(next) = characters.next() {
        match (next, quote) {
            (_, Some(end)) if next == end => quote = None,
            // Spec: CommandLineToArgvW: backslashes are special before a double quote only.
            ('\\', Some('"'))
                if is_windows
                    && [r#"""#, r#"\""#]
                        .iter()
                        .any(|it| characters.as_str().starts_with(it)) =>
            {
                word.extend(characters.next());
            }
            // It divides the names of a path on Windows.
            ('\\', None) if !is_windows => word.extend(characters.next()),
            ('\'' | '"', None) => quote = Some(next),
            (_, None) if next.is_whitespace() || "()".contains(next) => {
                words.push(std::mem::take(&mut word));
            }
            _ => word.push(next),
        }
    }
    words.push(word);
    words
}

/// Returns the command that tells what a process is.
pub fn process_command(pid: i32) -> String {
    match cfg!(windows) {
        true => format!("Get-Process -Id {pid}"),
        false => format!("ps -p {pid}"),
    }
}

/// The command that tells which ports are in use.
pub const PORTS_COMMAND: &str = if cfg!(windows) { "netstat -s" } else { "ss -s" };

/// What to do about a port that no program holds: Windows reserves ranges of them for virtual machines.
pub const RESERVED_PORTS: &str = if cfg!(windows) {
    "; Windows may have reserved it, see `netsh interface ipv4 show excludedportrange protocol=tcp`"
} else {
    ""
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn win7_words_of_settings_on_windows() {
        for (word, written) in [
            ("headers", "headers"),
            ("https://mcp.example/mcp", "https://mcp.example/mcp"),
            (
                "https://mcp.example/?a=1&b",
                r#""https://mcp.example/?a=1&b""#,
            ),
            (r"C:\x\mcp-login.exe", r#""C:\x\mcp-login.exe""#),
            (r"C:\Ann Lee\mcp-login.exe", r#""C:\Ann Lee\mcp-login.exe""#),
            ("", "\"\""),
            (r"C:\Ann Lee\", r#""C:\Ann Lee\\""#),
            (
                r#"exec:"C:\Ann's x\y.exe" z"#,
                r#""exec:\"C:\Ann's x\y.exe\" z""#,
            ),
        ] {
            assert_eq!(in_double_quotes(word), written);
            assert_eq!(words_of_setting_on(true, written), [word]);
        }
        assert_eq!(
            words_of_setting_on(true, r"$('C:\Ann Lee\x' token C:\y)"),
            ["$", r"C:\Ann Lee\x", "token", r"C:\y", ""]
        );
    }

    #[test]
    fn win10_words_of_a_helper_s_command() {
        for (word, written) in [
            (r"C:\x\helper.exe", r"C:\x\helper.exe"),
            (r"C:\Ann Lee\helper.exe", r"'C:\Ann Lee\helper.exe'"),
            (r"C:\Ann's\helper.exe", "\"C:\\Ann's\\helper.exe\""),
            ("", "''"),
        ] {
            assert_eq!(in_quotes(word), written);
        }
    }

    #[test]
    fn win6_words_for_each_shell() {
        for (word, posix, powershell) in [
            (
                "https://mcp.example/mcp",
                "https://mcp.example/mcp",
                "https://mcp.example/mcp",
            ),
            (
                "https://mcp.example/?a=1&b",
                "'https://mcp.example/?a=1&b'",
                "'https://mcp.example/?a=1&b'",
            ),
            ("", "''", "''"),
            ("it's", r"'it'\''s'", "'it''s'"),
            ("$HOME", "'$HOME'", "'$HOME'"),
            (r"C:\x y", r"'C:\x y'", r"'C:\x y'"),
            (r"C:\x", r"'C:\x'", r"C:\x"),
            ("@ann", "@ann", "'@ann'"),
            ("a,b", "a,b", "'a,b'"),
            ("%x%", "%x%", "'%x%'"),
        ] {
            assert_eq!(quoted_for(false, word), posix);
            assert_eq!(quoted_for(true, word), powershell);
        }
    }
}
