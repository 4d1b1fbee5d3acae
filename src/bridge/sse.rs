//! Server-sent events: reads a stream of bytes into events.
//!
//! Spec: HTML Living Standard section 9.2, Server-sent events.

use std::mem;
use std::time::Duration;

use super::memory::append;
use crate::mcp;

/// Most bytes of one event; a longer one ends the stream.
pub const MAX_EVENT_BYTES: usize = 256 * 1024 * 1024;

/// An event that is complete.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct StreamEvent {
    /// Its type; empty means `message`.
    pub name: String,
    /// Its data.
    pub data: Vec<u8>,
}

/// Reads a stream piece by piece.
#[derive(Debug, Default)]
pub struct Parser {
    /// The last id that a complete event set; none if it was one that cannot be sent back.
    pub last_id: Option<String>,
    /// The pause before the stream is opened again that the server asks for.
    pub retry: Option<Duration>,
    line: Vec<u8>,
    event: StreamEvent,
    has_data: bool,
    id: Option<String>,
    after_return: bool,
    is_begun: bool,
}

impl Parser {
    /// Reads a piece, and calls `take` with each event that is complete now. An event without data only sets the id.
    ///
    /// Returns `false` if an event is too long.
    pub fn read(&mut self, mut piece: &[u8], mut take: impl FnMut(StreamEvent)) -> bool {
        while let Some(end) = piece.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            let (line, rest) = piece.split_at(end);
            let is_second_half =
                mem::take(&mut self.after_return) && end == 0 && rest.first() == Some(&b'\n');
            self.after_return = rest.first() == Some(&b'\r');
            piece = rest.get(1..).unwrap_or_default();
            if is_second_half {
                continue;
            }
            append(&mut self.line, line);
            let line = mem::take(&mut self.line);
            self.end_line(line, &mut take);
        }
        if !piece.is_empty() {
            self.after_return = false;
            append(&mut self.line, piece);
        }
        self.length() <= MAX_EVENT_BYTES
    }

    /// Returns the length of what was read of the event that is not complete, in bytes.
    pub fn length(&self) -> usize {
        self.line.len() + self.event.data.len()
    }

    /// Forgets what was read of an event that is not complete: the stream has ended.
    pub fn forget_unfinished(&mut self) {
        let (last_id, retry) = (self.last_id.take(), self.retry);
        *self = Self {
            last_id,
            retry,
            ..Self::default()
        };
    }

    fn end_line(&mut self, mut line: Vec<u8>, take: &mut impl FnMut(StreamEvent)) {
        if !mem::replace(&mut self.is_begun, true) && line.starts_with("\u{feff}".as_bytes()) {
            line.drain(..3);
        }
        if line.is_empty() {
            if let Some(id) = self.id.take() {
                self.last_id = Some(id).filter(|id| mcp::is_header_value(id));
            }
            let event = mem::take(&mut self.event);
            if mem::take(&mut self.has_data) && !event.data.is_empty() {
                take(event);
            }
            return;
        }
        let colon = line.iter().position(|byte| *byte == b':');
        let (field, value) = line.split_at(colon.unwrap_or(line.len()));
        let value = value.strip_prefix(b":").unwrap_or(value);
        let value = value.strip_prefix(b" ").unwrap_or(value);
        let text = || String::from_utf8_lossy(value).into_owned();
        match field {
            b"data" => {
                if mem::replace(&mut self.has_data, true) {
                    self.event.data.push(b'\n');
                    append(&mut self.event.data, value);
                } else {
                    // It may be large, and is the only one in most events.
                    let start = line.len() - value.len();
                    line.drain(..start);
                    self.event.data = line;
                }
            }
            b"event" => self.event.name = text(),
            b"id" if !value.contains(&0) => self.id = Some(text()),
            b"retry" => {
                let digits = Some(text()).filter(|text| text.bytes().all(|it| it.is_ascii_digit()));
                let milliseconds = digits.and_then(|digits| digits.parse().ok());
                self.retry = milliseconds.map(Duration::from_millis).or(self.retry);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a stream in pieces of this many bytes.
    fn events(stream: &[u8], size: usize) -> (Vec<(String, String)>, Parser) {
        let (mut parser, mut found) = (Parser::default(), Vec::new());
        for piece in stream.chunks(size) {
            assert!(parser.read(piece, |event| {
                found.push((event.name, String::from_utf8(event.data).expect("UTF-8")));
            }));
        }
        (found, parser)
    }

    #[test]
    fn br40_events_however_they_are_written_and_cut() {
        let long = format!("data: {}\n\n", "x".repeat(100_000));
        for (stream, expected) in [
            ("data: a\n\n", &[("", "a")][..]),
            ("data: a\r\n\r\n", &[("", "a")]),
            ("data: a\r\r", &[("", "a")]),
            (
                "data: a\r\n\r\ndata: b\n\r\ndata: c\r\r\n",
                &[("", "a"), ("", "b"), ("", "c")],
            ),
            ("\u{feff}data: a\n\n\u{feff}data: b\n\n", &[("", "a")]),
            (": hello\n:\n\ndata: a\n: x\ndata: b\n\n", &[("", "a\nb")]),
            ("data:a\ndata:  b\ndata\n\n", &[("", "a\n b\n")]),
            (
                "event: endpoint\ndata: /x\n\ndata: y\n\n",
                &[("endpoint", "/x"), ("", "y")],
            ),
            ("id: 1\ndata:\n\n", &[]),
            ("id: 1\n\n", &[]),
            ("other: x\ndata: a\nDATA: b\n\n", &[("", "a")]),
            ("data: ü\u{2028}日\n\n", &[("", "ü\u{2028}日")]),
            ("data: a\n\ndata: unfinished\n", &[("", "a")]),
            ("data: {\"a\": \"b: c\"}\n\n", &[("", "{\"a\": \"b: c\"}")]),
            ("", &[]),
        ] {
            let expected: Vec<_> = expected
                .iter()
                .map(|(name, data)| ((*name).to_owned(), (*data).to_owned()))
                .collect();
            for size in [1, 2, 3, 7, 4096] {
                assert_eq!(
                    events(stream.as_bytes(), size).0,
                    expected,
                    "{stream:?} in pieces of {size}"
                );
            }
        }
        assert_eq!(events(long.as_bytes(), 4096).0[0].1.len(), 100_000);
    }

    #[test]
    fn br18_ids_and_pauses_of_a_stream() {
        // Longer than a header can be.
        let long = format!("id: {}\n\n", "x".repeat(5000));
        for (stream, id, retry) in [
            ("id: 1\ndata: a\n\n", Some("1"), None),
            ("id: 1\ndata:\n\n", Some("1"), None),
            ("id: 1\n\n", Some("1"), None),
            ("id: 1\ndata: a\n\nid: 2\ndata: b\n", Some("1"), None),
            ("id: 1\ndata: a\n\ndata: b\n\n", Some("1"), None),
            ("id: 1\ndata: a\n\nid\ndata: b\n\n", None, None),
            ("id: a\0b\ndata: a\n\n", None, None),
            ("id: 1\ndata: a\n\nid: a\x01b\ndata: b\n\n", None, None),
            ("id: \x1b[31m\n\n", None, None),
            ("id: \u{e4}\u{65e5} a\n\n", Some("\u{e4}\u{65e5} a"), None),
            (&long, None, None),
            ("retry: 250\ndata: a\n\n", None, Some(250)),
            ("retry: 250\n", None, Some(250)),
            ("retry: soon\n\nretry: 1.5\n\n", None, None),
            ("retry: 250\nretry: x\n", None, Some(250)),
        ] {
            let (_, parser) = events(stream.as_bytes(), 5);
            assert_eq!(parser.last_id.as_deref(), id, "{stream:?}");
            assert_eq!(parser.retry, retry.map(Duration::from_millis), "{stream:?}");
        }
    }
}
