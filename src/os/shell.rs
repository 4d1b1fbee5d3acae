//! What a person types here: words for the shell, and commands that tell more.

/// Returns a word in a form that a shell reads as this word: that of POSIX, or PowerShell on Windows.
///
/// Spec: POSIX.1-2024, Shell Command Language, section 2.2.2; PowerShell, about_Quoting_Rules.
pub fn quoted(word: &str) -> String {
    quoted_for(cfg!(windows), word)
}

fn quoted_for(is_powershell: bool, word: &str) -> String {
    let others: &[u8] = match is_powershell {
        true => br"-_./:\+=",
        false => b"-_./:@%+=,",
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || others.contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    let quote = if is_powershell { "''" } else { r"'\''" };
    format!("'{}'", word.replace('\'', quote))
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
