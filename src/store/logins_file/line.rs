//! One login of a ledger, found by its line: with a thousand logins in the file, nobody waits for the others.
//!
//! This works on a file in the very form in which this program writes it, and says "I do not know" to every other one.

use std::fs::File;
use std::io::{self, BufRead as _, Read as _};

use serde_json::Value;
use zeroize::Zeroizing;

use super::VERSION;

/// The size of the window that moves over the file, in bytes; no line may be longer.
const WINDOW_BYTES: usize = 16 * 1024;

/// What is expected next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Head,
    Login,
    End,
    Nothing,
}

/// Returns the JSON of a login; `None` if it is not there, or if that cannot be told for sure.
///
/// # Errors
///
/// That of reading.
pub(super) fn find(mut file: File, account: &str) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let head = format!("{{\"version\":{VERSION},\"logins\":{{\n");
    let start = format!("{}: ", Value::from(account));
    let size_bytes = file
        .metadata()
        .map_or(WINDOW_BYTES as u64, |found| found.len());
    // One byte more, so that a small file and its end fit in.
    let window_bytes = usize::try_from(size_bytes)
        .unwrap_or(WINDOW_BYTES)
        .saturating_add(1)
        .min(WINDOW_BYTES);
    let mut window = Zeroizing::new(vec![0; window_bytes]);
    let (mut filled, mut next, mut found) = (0, Next::Head, None);
    loop {
        let count = match file.read(&mut window[filled..]) {
            Err(err) if err.kind() == io::ErrorKind::Interrupted => continue,
            count => count?,
        };
        if count == 0 {
            // A rest without a line end, or a line that is too long for the window, is nothing that we wrote.
            return Ok(found.filter(|_| next == Next::Nothing && filled == 0));
        }
        filled += count;
        let mut rest = &window[..filled];
        loop {
            let length = { rest }.skip_until(b'\n')?;
            let (line, after) = rest.split_at(length);
            if line.last() != Some(&b'\n') {
                break;
            }
            rest = after;
            next = match (next, line) {
                (Next::Head, line) if line == head.as_bytes() => Next::Login,
                (Next::Login, [b'"', .., b'}', b',', b'\n']) => Next::Login,
                (Next::Login, [b'"', .., b'}', b'\n']) => Next::End,
                (Next::End, b"}}\n") => Next::Nothing,
                _ => return Ok(None),
            };
            if let Some(entry) = line.strip_prefix(start.as_bytes()) {
                if found.is_some() {
                    return Ok(None);
                }
                let end = entry
                    .iter()
                    .rposition(|byte| *byte == b'}')
                    .map_or(0, |last| last + 1);
                found = Some(Zeroizing::new(entry[..end].to_vec()));
            }
        }
        let kept = rest.len();
        window.copy_within(filled - kept..filled, 0);
        filled = kept;
        if filled == window.len() {
            return Ok(None);
        }
    }
}
