//! Reads parts of a JSON file of any size; the rest of it takes no memory.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek as _};

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::{Map, Value};

/// How much is read at a time, in bytes.
const CHUNK_BYTES: usize = 256 * 1024;

/// Returns the object in a file with the values at these paths, and nothing else in it.
///
/// # Errors
///
/// What the operating system or the parser reports, without a quotation of the file.
pub(super) fn parts(mut file: &File, paths: &[&[String]]) -> Result<Value, String> {
    let mut parsed = parse(BufReader::with_capacity(CHUNK_BYTES, file), paths);
    if parsed.as_ref().is_err_and(serde_json::Error::is_syntax) {
        // It may be JSON with comments or trailing commas.
        file.rewind().map_err(|err| err.to_string())?;
        let plain = PlainJson::of(BufReader::with_capacity(CHUNK_BYTES, file));
        parsed = parse(BufReader::with_capacity(CHUNK_BYTES, plain), paths);
    }
    parsed.map_err(|err| err.to_string())
}

fn parse(text: impl BufRead, paths: &[&[String]]) -> serde_json::Result<Value> {
    let mut json = serde_json::Deserializer::from_reader(text);
    let found = Paths(paths.to_vec()).deserialize(&mut json)?;
    json.end().map(|()| found)
}

/// The paths to the values that are read, from the current value; an empty path means all of it.
struct Paths<'a>(Vec<&'a [String]>);

impl<'de> DeserializeSeed<'de> for Paths<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Value, D::Error> {
        match self.0.iter().any(|path| path.is_empty()) {
            true => Value::deserialize(json),
            false => json.deserialize_any(self),
        }
    }
}

/// No path leads into a value that is no object: each is null.
macro_rules! null_for {
    ($($visit:ident($($value:ty)?)),*) => {
        $(fn $visit<E>(self $(, _: $value)?) -> Result<Value, E> {
            Ok(Value::Null)
        })*
    };
}

impl<'de> Visitor<'de> for Paths<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let mut below = Vec::new();
            for path in &self.0 {
                if let [first, rest @ ..] = path {
                    if *first == name {
                        below.push(rest);
                    }
                }
            }
            if below.is_empty() {
                members.next_value::<IgnoredAny>()?;
            } else {
                object.insert(name, members.next_value_seed(Paths(below))?);
            }
        }
        Ok(object.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Value, A::Error> {
        while values.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Null)
    }

    null_for! {
        visit_str(&str), visit_bool(bool), visit_i64(i64), visit_u64(u64), visit_f64(f64), visit_unit()
    }
}

/// JSON with comments and trailing commas, read as JSON without them.
struct PlainJson<R> {
    text: R,
    at: At,
    /// The last byte was a comma, which is passed on before a value and dropped before a bracket.
    comma: bool,
}

/// Where in the text a reader is.
#[derive(Clone, Copy, PartialEq)]
enum At {
    Start,
    Code,
    Text,
    Escape,
    Slash,
    Line,
    Block,
    Star,
}

impl<R: BufRead> PlainJson<R> {
    fn of(text: R) -> Self {
        Self {
            text,
            at: At::Start,
            comma: false,
        }
    }

    /// Reads a byte of the text, and adds it to `plain` unless it belongs to a comment or is a trailing comma.
    fn take(&mut self, byte: u8, plain: &mut Vec<u8>) {
        self.at = match (self.at, byte) {
            // The byte order mark.
            (At::Start, 0xef | 0xbb | 0xbf) => At::Start,
            (At::Text, b'\\') => At::Escape,
            (At::Text, b'"') => At::Code,
            (At::Text | At::Escape, _) => At::Text,
            (At::Start | At::Code, b'/') => return self.at = At::Slash,
            (At::Slash, b'/') => return self.at = At::Line,
            (At::Slash, b'*') => return self.at = At::Block,
            (At::Line, b'\n') => At::Code,
            (At::Block | At::Star, b'*') => return self.at = At::Star,
            (At::Star, b'/') => return self.at = At::Code,
            (At::Block | At::Star, _) => return self.at = At::Block,
            (At::Line, _) => return,
            (_, b'"') => At::Text,
            (_, _) => At::Code,
        };
        let is_code = self.at == At::Code && byte != b'"';
        match byte {
            0xef | 0xbb | 0xbf if self.at == At::Start => return,
            b',' if is_code && !self.comma => return self.comma = true,
            byte if is_code && byte.is_ascii_whitespace() => {}
            b'}' | b']' if is_code => self.comma = false,
            _ if self.comma => {
                self.comma = false;
                plain.push(b',');
            }
            _ => {}
        }
        plain.push(byte);
    }
}

impl<R: BufRead> Read for PlainJson<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut plain = Vec::with_capacity(buffer.len());
        // A byte may add two: the comma before it, and itself.
        while plain.len() + 2 <= buffer.len() {
            let chunk = self.text.fill_buf()?;
            let chunk = chunk[..chunk.len().min((buffer.len() - plain.len()) / 2)].to_vec();
            if chunk.is_empty() {
                break;
            }
            chunk.iter().for_each(|byte| self.take(*byte, &mut plain));
            self.text.consume(chunk.len());
        }
        buffer[..plain.len()].copy_from_slice(&plain);
        Ok(plain.len())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use serde_json::json;

    use super::*;

    fn read(text: &str, paths: &[&[&str]]) -> Result<Value, String> {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(text.as_bytes())
            .and_then(|()| file.rewind())
            .expect("a file");
        let paths: Vec<Vec<String>> = paths
            .iter()
            .map(|path| path.iter().map(|step| (*step).to_owned()).collect())
            .collect();
        parts(&file, &paths.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    #[test]
    fn n8_only_the_selected_members_are_parsed() {
        let text = r#"{"a": [1, {"mcpServers": 7}], "mcpServers": {"x": {"url": "u, // no comment", "n": [1.5, null]}},
            "projects": {"/p": {"mcpServers": {"y": {}}, "history": ["\ud800"]}, "/q": {"mcpServers": {"z": {}}}}}"#;
        let found = read(
            text,
            &[
                &["mcpServers"],
                &["projects", "/p", "mcpServers"],
                &["nowhere"],
                &["a", "b"],
            ],
        );
        let expected = json!({"mcpServers": {"x": {"url": "u, // no comment", "n": [1.5, null]}}, "a": null,
            "projects": {"/p": {"mcpServers": {"y": {}}}}});
        assert_eq!(found.expect("JSON"), expected);
        let commented = "\u{feff}// mine, \"all\"\n{ /* , */ \"mcpServers\": {\"x\": {\"url\": \"a//b\\\"\", \"l\": [1, 2, ],},},\n \
                         \"b\": 1, /**/ // end\n}\n";
        let expected = json!({"mcpServers": {"x": {"url": "a//b\"", "l": [1, 2]}}});
        assert_eq!(
            read(commented, &[&["mcpServers"]]).expect("JSON with comments"),
            expected
        );
    }

    #[test]
    fn n8_syntax_errors_are_reported_without_quoting_the_file() {
        for text in [
            "",
            "{",
            "{\"a\": CANARY}",
            "{} CANARY",
            "{\"mcpServers\": {\"CANARY\": }}",
            "[1,,2]",
        ] {
            let why = read(text, &[&["mcpServers"]]).expect_err(text);
            assert!(!why.contains("CANARY"), "{why}");
        }
    }
}
