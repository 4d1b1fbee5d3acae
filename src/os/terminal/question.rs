//! A question that is answered with a line.

use std::io::{self, ErrorKind, IsTerminal as _};
use std::time::Duration;

use super::{guard, name, screen};
use crate::os::clock::Deadline;
use crate::os::environment::job;
use crate::os::poll::{self, PollFlags};
use crate::os::stdio::{read_stdin, stdin};

/// Longest answer that is read, in bytes.
const MAX_BYTES: usize = 1024;

/// What somebody said to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Yes.
    Yes,
    /// Anything else, or the end of the input.
    No,
    /// Nothing in time.
    Nothing,
}

/// Tells whether somebody can be asked: stdin and stderr are the terminal, and it listens to us.
pub fn can_be_asked() -> bool {
    let is_terminal = io::stdin().is_terminal() && io::stderr().is_terminal();
    is_terminal && job::is_in_foreground(io::stdin()) != Some(false)
}

/// Asks for a yes, and waits this long for a line.
pub fn ask(question: &str, limit: Duration) -> Answer {
    match ask_line(&format!("{question} [y/N]"), limit) {
        Some(line) if is_yes(&line) => Answer::Yes,
        Some(_) => Answer::No,
        None => Answer::Nothing,
    }
}

/// Asks for a line, and waits this long for it. What cannot be read counts as an empty one.
pub fn ask_line(question: &str, limit: Duration) -> Option<String> {
    screen()
        .stderr
        .write(&format!("{} {} ", name(), guard(question)));
    let deadline = Deadline::after(limit);
    let mut line = Vec::new();
    // Byte by byte: what is typed after this line is not ours.
    while line.len() < MAX_BYTES && line.last() != Some(&b'\n') {
        let is_ready =
            stdin().and_then(|it| poll::is_ready(it, PollFlags::IN, Some(deadline.left())));
        match is_ready {
            Ok(true) => {}
            Ok(false) if deadline.passed() => {
                screen().stderr.write("\n");
                return None;
            }
            Ok(false) => continue,
            Err(_) => return Some(String::new()),
        }
        let mut byte = [0];
        match read_stdin(&mut byte) {
            Ok(1) => line.push(byte[0]),
            Err(err) if matches!(err.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => {}
            Ok(_) | Err(_) => break,
        }
    }
    Some(String::from_utf8_lossy(&line).trim().to_owned())
}

fn is_yes(line: &str) -> bool {
    ["y", "yes"].contains(&line.trim().to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_yes_is_one() {
        for (line, expected) in [
            ("y\n", true),
            (" YES \n", true),
            ("\n", false),
            ("", false),
            ("n\n", false),
            ("yy\n", false),
            ("ja\n", false),
        ] {
            assert_eq!(is_yes(line), expected, "{line:?}");
        }
    }
}
