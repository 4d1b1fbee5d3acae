//! A question that is answered with y or n.

use std::io::IsTerminal as _;
use std::time::Duration;

use rustix::event::{poll, PollFd, PollFlags, Timespec};
use rustix::io::{read, Errno};
use rustix::stdio::stdin;

use super::{guard, name, screen};
use crate::os::clock::Deadline;
use crate::os::environment::job;

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
    let is_terminal = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    is_terminal && job::is_in_foreground(stdin()) != Some(false)
}

/// Asks, and waits this long for a line.
pub fn ask(question: &str, limit: Duration) -> Answer {
    screen()
        .stderr
        .write(&format!("{} {} [y/N] ", name(), guard(question)));
    let deadline = Deadline::after(limit);
    let mut line = Vec::new();
    // Byte by byte: what is typed after this line is not ours.
    while line.len() < MAX_BYTES && line.last() != Some(&b'\n') {
        let timeout = Timespec::try_from(deadline.left()).ok();
        match poll(
            &mut [PollFd::new(&stdin(), PollFlags::IN)],
            timeout.as_ref(),
        ) {
            Ok(0) => {
                screen().stderr.write("\n");
                return Answer::Nothing;
            }
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            Err(_) => return Answer::No,
        }
        let mut byte = [0];
        match read(stdin(), &mut byte) {
            Ok(1) => line.push(byte[0]),
            Err(Errno::INTR | Errno::AGAIN) => {}
            Ok(_) | Err(_) => break,
        }
    }
    match is_yes(&line) {
        true => Answer::Yes,
        false => Answer::No,
    }
}

fn is_yes(line: &[u8]) -> bool {
    let word = String::from_utf8_lossy(line).trim().to_ascii_lowercase();
    ["y", "yes"].contains(&word.as_str())
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
            assert_eq!(is_yes(line.as_bytes()), expected, "{line:?}");
        }
    }
}
