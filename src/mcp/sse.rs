//! Server-sent events: reads a stream of bytes into events.
//!
//! Spec: HTML Living Standard section 9.2, Server-sent events.

use std::mem;
use std::string::FromUtf8Error;
use std::time::Duration;

use super::is_header_value;
use crate::os::memory::append;

/// Most bytes of one event; a longer one ends the stream.
pub const MAX_EVENT_BYTES: usize = 256 * 1024 * 1024;

/// An event that is complete.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct StreamEvent {
    /// Its type; empty means `message`.
    pub name: String,
    /// Its data; what is no UTF-8 is U+FFFD.
    pub data: String,
}

/// Reads a stream piece by piece.
#[derive(Debug, Default)]
pub struct Parser {
    /// The last id that a complete event set; none if it was one that cannot be sent back.
    pub last_id: Option<String>,
    /// The pause before the stream is opened again that the server asks for.
    pub retry: Option<Duration>,
    line: Vec<u8>,
    /// The line is one of data, without the name of the field.
    is_value: bool,
    name: String,
    data: Option<Vec<u8>>,
    id: Option<String>,
    after_return: bool,
    is_begun: bool,
}

impl Parser {
    /// Reads a piece, and calls `take` with each event that is complete now. An event without data only sets the id.
    ///
    /// Returns `false` if an event is too long.
    pub fn read(&mut self, mut piece: &[u8], mut take: impl FnMut(StreamEvent)) -> bool {
        // Most pieces of a long event have no line end, which this finds out much faster.
        let has_end = piece.contains(&b'\n') || piece.contains(&b'\r');
        let line_end = |piece: &[u8]| match has_end {
            true => piece.iter().position(|it| matches!(it, b'\n' | b'\r')),
            false => None,
        };
        while let Some(end) = line_end(piece) {
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
            if self.line.is_empty() && !self.is_value {
                // Without the name of the field, it need not be moved in the end.
                let value = piece.strip_prefix(b"data: ");
                self.is_value = value.is_some();
                piece = value.unwrap_or(piece);
            }
            append(&mut self.line, piece);
        }
        self.length() <= MAX_EVENT_BYTES
    }

    /// Returns the length of what was read of the event that is not complete, in bytes.
    pub fn length(&self) -> usize {
        let fields = self.name.len() + self.id.as_ref().map_or(0, String::len);
        self.line.len() + self.data.as_ref().map_or(0, Vec::len) + fields
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
        let is_first = !mem::replace(&mut self.is_begun, true);
        if mem::take(&mut self.is_value) {
            return self.add_data(line);
        }
        if is_first && line.starts_with("\u{feff}".as_bytes()) {
            line.drain(..3);
        }
        if line.is_empty() {
            if let Some(id) = self.id.take() {
                self.last_id = Some(id).filter(|id| is_header_value(id));
            }
            let name = mem::take(&mut self.name);
            if let Some(data) = self.data.take().filter(|data| !data.is_empty()) {
                let lossy = |err: FromUtf8Error| String::from_utf8_lossy(err.as_bytes()).into();
                let data = String::from_utf8(data).unwrap_or_else(lossy);
                take(StreamEvent { name, data });
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
                let start = line.len() - value.len();
                line.drain(..start);
                self.add_data(line);
            }
            b"event" => self.name = text(),
            b"id" if !value.contains(&0) => self.id = Some(text()),
            b"retry" => {
                let digits = Some(text()).filter(|text| text.bytes().all(|it| it.is_ascii_digit()));
                let milliseconds = digits.and_then(|digits| digits.parse().ok());
                self.retry = milliseconds.map(Duration::from_millis).or(self.retry);
            }
            _ => {}
        }
    }

    fn add_data(&mut self, value: Vec<u8>) {
        match &mut self.data {
            Some(data) => {
                data.push(b'\n');
                append(data, &value);
            }
            // It may be large, and is the only one in most events.
            None => self.data = Some(value),
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
                found.push((event.name, event.data));
            }));
        }
        (found, parser)
    }

    #[test]
    fn br47_all_that_is_kept_of_an_event_counts() {
        let mut parser = Parser::default();
        for (piece, expected) in [
            ("event: abc\n", 3),
            ("id: 12\n", 5),
            ("data: x\n:y", 8),
            ("\ndata: y\n", 8),
            ("\n", 0),
        ] {
            assert!(parser.read(piece.as_bytes(), |_| {}));
            assert_eq!(parser.length(), expected, "{piece:?}");
        }
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
    fn br40_what_is_no_utf_8_in_an_event() {
        for (stream, expected) in [
            (&b"data: a\xffb\n\n"[..], "a\u{fffd}b"),
            (b"data: \xf0\x9f\x98\n\n", "\u{fffd}"),
            (b"data: \xe2\x82\ndata: \xac\n\n", "\u{fffd}\n\u{fffd}"),
            (b"data: \xc0\xaf\n\n", "\u{fffd}\u{fffd}"),
            (b"\xff: x\ndata: a\n\n", "a"),
            (b"data: \xe6\x97\xa5\n\n", "\u{65e5}"),
        ] {
            let found = vec![(String::new(), expected.to_owned())];
            assert_eq!(events(stream, 1).0, found, "{stream:?}");
        }
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
