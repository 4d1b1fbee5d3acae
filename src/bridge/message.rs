//! JSON-RPC messages of others.
//!
//! A message is passed on as it came. Only its kind, id, method and params are looked at.
//!
//! Spec: JSON-RPC 2.0 sections 4 and 5; MCP 2025-11-25 and 2026-07-28, Base Protocol, Messages.

use std::borrow::Cow;
use std::ops::Range;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::Value;

use super::json::{members, members_of};

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It has a method and an id.
    Request,
    /// It has a method and no id.
    Notification,
    /// It has a result or an error.
    Response,
}

/// An id that is none, as servers write it that could not read the request.
pub const NULL: &str = "null";

/// A message on one line.
#[derive(Clone, Debug)]
pub struct RpcMessage {
    /// The line, without its end.
    pub text: String,
    /// What it is.
    pub kind: Kind,
    /// The method of a request or a notification; else empty.
    pub method: String,
    /// It is a response with an error.
    pub is_error: bool,
    id: Option<Range<usize>>,
    body: Option<Range<usize>>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default, deserialize_with = "as_written")]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "as_written")]
    result: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

/// Reads a value that may be `null`.
fn as_written<'a, D: Deserializer<'a>>(value: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(value).map(Some)
}

/// Reads a line or a body: one message, or the messages of a batch; in place of what is none, its text.
pub fn read(text: String) -> Vec<Result<RpcMessage, String>> {
    let text = one_line(text);
    if !text.starts_with('[') {
        return vec![RpcMessage::read(text)];
    }
    match members(&text).filter(|members| !members.is_empty()) {
        Some(members) => {
            let members = members.into_iter().map(|it| it.get().to_owned());
            members.map(RpcMessage::read).collect()
        }
        None => vec![Err(text)],
    }
}

/// Returns the id of what may be meant as a request but cannot be read as one.
pub fn meant_id(text: &str) -> Option<&str> {
    let [id, method] = members_of(text, ["id", "method"]);
    let id = method.and(id)?.get();
    id.starts_with(|it: char| it == '"' || it == '-' || it.is_ascii_digit())
        .then_some(id)
}

/// Reads one message.
pub fn read_one(text: impl Into<String>) -> Option<RpcMessage> {
    read(text.into()).pop()?.ok()
}

/// Puts a message on one line: line ends in JSON are white space between its tokens.
fn one_line(mut text: String) -> String {
    let message = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let message = message.trim_ascii();
    if message.len() < text.len() {
        let start = offset(&text, message);
        text.truncate(start + message.len());
        text.drain(..start);
    }
    if !text.as_bytes().contains(&b'\n') && !text.as_bytes().contains(&b'\r') {
        return text;
    }
    let mut bytes = text.into_bytes();
    let ends = bytes.iter_mut().filter(|it| matches!(it, b'\n' | b'\r'));
    ends.for_each(|byte| *byte = b' ');
    String::from_utf8(bytes).unwrap_or_default()
}

/// Returns where a part of a text begins.
fn offset(text: &str, part: &str) -> usize {
    (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize)
}

/// Tells whether two ids are the same, however they are written: to many, 1.0 is 1.
pub fn is_same_id(one: &str, other: &str) -> bool {
    let value = |id: &str| serde_json::from_str(id).ok();
    one == other
        || match (value(one), value(other)) {
            (Some(Value::Number(one)), Some(Value::Number(other)))
                if one.is_f64() != other.is_f64() =>
            {
                one.as_f64() == other.as_f64()
            }
            (one, other) => one.is_some() && one == other,
        }
}

/// Tells whether two ids may be the same to a program for which all numbers are of double precision, such as 2^53 + 1 and
/// 2^53, or for which a text of digits is a number.
pub fn may_be_same_id(one: &str, other: &str) -> bool {
    let number = |id: &str| {
        id.trim_matches('"')
            .parse()
            .ok()
            .filter(|it: &f64| it.is_finite())
    };
    is_same_id(one, other) || number(one).is_some_and(|one| Some(one) == number(other))
}

impl RpcMessage {
    fn read(text: String) -> Result<Self, String> {
        let Ok(envelope) = serde_json::from_str::<Envelope>(&text) else {
            return Err(text);
        };
        let span = |value: Option<&RawValue>| {
            let value = value?.get();
            let start = offset(&text, value);
            Some(start..start + value.len())
        };
        let answered = envelope.error.or(envelope.result);
        let asked = envelope.id.filter(|id| id.get() != NULL);
        let kind = match (&envelope.method, asked, answered) {
            (Some(_), Some(_), _) => Kind::Request,
            (Some(_), None, _) => Kind::Notification,
            (None, _, Some(_)) => Kind::Response,
            (None, _, None) => return Err(text),
        };
        let (id, body) = (span(envelope.id), span(envelope.params.or(answered)));
        let (method, is_error) = (envelope.method, envelope.error.is_some());
        let method = method.map(Cow::into_owned).unwrap_or_default();
        Ok(Self {
            kind,
            method,
            is_error,
            id,
            body,
            text,
        })
    }

    /// Returns the id as it was written; empty if there is none.
    pub fn id(&self) -> &str {
        Some(self.part(&self.id))
            .filter(|id| *id != NULL)
            .unwrap_or_default()
    }

    /// Returns the params, the result or the error as it was written; empty if there is none.
    pub fn body(&self) -> &str {
        self.part(&self.body)
    }

    fn part(&self, range: &Option<Range<usize>>) -> &str {
        let range = range.clone();
        range
            .and_then(|range| self.text.get(range))
            .unwrap_or_default()
    }

    /// Returns the body read as `T`.
    pub fn parse<'a, T: Deserialize<'a>>(&'a self) -> Option<T> {
        serde_json::from_str(self.body()).ok()
    }

    /// Returns members of the body, if that is an object.
    pub fn members<const N: usize>(&self, names: [&str; N]) -> [Option<&RawValue>; N] {
        members_of(self.body(), names)
    }

    /// Returns the code of an error.
    pub fn error_code(&self) -> Option<i64> {
        let error: Value = self.is_error.then(|| self.parse())??;
        error.get("code")?.as_i64()
    }

    /// Returns where a part of the text, such as of the body, begins.
    pub fn offset_of(&self, part: &str) -> usize {
        offset(&self.text, part)
    }

    /// Returns the text of a response with another id; everything else stays as it was written.
    pub fn text_with_id(mut self, id: &str) -> String {
        match self.id {
            Some(range) => self.text.replace_range(range, id),
            // It is an object with a result or an error.
            None => {
                self.text.pop();
                self.text.extend([",\"id\":", id, "}"]);
            }
        }
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::super::json::MAX_MEMBERS;
    use super::*;

    fn one(text: &str) -> RpcMessage {
        let mut messages = read(text.into());
        assert_eq!(messages.len(), 1, "{text}");
        messages.remove(0).expect("a message")
    }

    #[test]
    fn br1_br13_messages_beside_what_is_none() {
        for (line, expected) in [
            (
                r#"[{"id":1,"method":"a"},7,{"id":2}]"#,
                &["", "7", r#"{"id":2}"#][..],
            ),
            (r#"[{"id":1,"method":"a"},{"method":"b"}]"#, &["", ""]),
            ("[]", &["[]"]),
            ("[7]", &["7"]),
            (
                r#"[{"id":1,"method":"a"}] []"#,
                &[r#"[{"id":1,"method":"a"}] []"#],
            ),
            ("7", &["7"]),
        ] {
            let read = read(line.to_owned());
            let others: Vec<_> = read
                .into_iter()
                .map(|it| it.err().unwrap_or_default())
                .collect();
            assert_eq!(others, expected, "{line}");
        }
    }

    #[test]
    fn br13_ids_of_what_cannot_be_read() {
        for (text, expected) in [
            (r#"{"id":5,"method":"a","params":{"x":NaN}}"#, Some("5")),
            (r#"{"method":"a","id":"x","params":{"x""#, Some(r#""x""#)),
            (r#"{"id":-7,"method":{}}"#, Some("-7")),
            (r#"{"id":{},"method":7}"#, None),
            (r#"{"id":null,"method":7}"#, None),
            (r#"{"id":5}"#, None),
            (r#"{"id":5,"result":{"x":NaN}}"#, None),
            (r#"{"params":{"x":NaN},"id":5,"method":"a"}"#, None),
            ("7", None),
        ] {
            assert_eq!(meant_id(text), expected, "{text}");
        }
    }

    #[test]
    fn br14_what_is_read_of_a_message() {
        for (line, kind, id, method, body) in [
            (
                r#"{"jsonrpc":"2.0","id":9007199254740993,"method":"a/b","params":{"x":1.10}}"#,
                Kind::Request,
                "9007199254740993",
                "a/b",
                r#"{"x":1.10}"#,
            ),
            (
                r#"{"method":"a","id":"\u00fc-\"1","params":[ 1 ]}"#,
                Kind::Request,
                r#""\u00fc-\"1""#,
                "a",
                "[ 1 ]",
            ),
            (r#"{"method":"a","id":0}"#, Kind::Request, "0", "a", ""),
            (
                r#"{"method":"notifications/x","extra":{"id":7}}"#,
                Kind::Notification,
                "",
                "notifications/x",
                "",
            ),
            (r#"{"id":1,"result":{}}"#, Kind::Response, "1", "", "{}"),
            (r#"{"id":1,"result":null}"#, Kind::Response, "1", "", "null"),
            (
                r#"{"id":1,"result":null,"error":{"code":1}}"#,
                Kind::Response,
                "1",
                "",
                r#"{"code":1}"#,
            ),
            (
                r#"{"id":1,"result":[],"error":null}"#,
                Kind::Response,
                "1",
                "",
                "[]",
            ),
            (
                r#"{"id":null,"error":{"code":-32000,"message":"x"}}"#,
                Kind::Response,
                "",
                "",
                r#"{"code":-32000,"message":"x"}"#,
            ),
            (
                "\u{feff}  {\"id\":1,\r\n \"result\":{}}\r\n",
                Kind::Response,
                "1",
                "",
                "{}",
            ),
        ] {
            let message = one(line);
            assert_eq!(
                (
                    message.kind,
                    message.id(),
                    message.method.as_str(),
                    message.body()
                ),
                (kind, id, method, body),
                "{line}"
            );
            assert!(!message.text.contains(['\r', '\n']), "{line}");
        }
    }

    #[test]
    fn invalid_messages() {
        for line in [
            "",
            "x",
            "{}",
            "1",
            "null",
            r#"{"id":1}"#,
            r#"{"method":1,"id":1}"#,
            "[1]",
            r#"[{"id":1}]"#,
            r#"{"id":1,"id":2,"method":"a"}"#,
            "{\"id\":1,\"method\":\"a",
            "{\"method\":\"\u{1}\"}",
        ] {
            let read = read(line.into()).pop().map(Result::err);
            assert_eq!(
                read.flatten().as_deref(),
                Some(line.trim_matches(['[', ']'])),
                "{line}"
            );
        }
    }

    #[test]
    fn br5_a_batch_is_its_messages() {
        let batch = r#"[{"id":1,"method":"a"}, {"method":"b"}]"#;
        let messages: Vec<_> = read(batch.to_owned()).into_iter().flatten().collect();
        let methods: Vec<_> = messages.iter().map(|it| it.method.as_str()).collect();
        assert_eq!(methods, ["a", "b"]);
        assert_eq!(messages[0].text, r#"{"id":1,"method":"a"}"#);
    }

    #[test]
    fn br47_a_batch_of_too_many_is_none() {
        let message = r#"{"id":1,"method":"a"}"#;
        for (others, is_read) in [(MAX_MEMBERS - 1, true), (MAX_MEMBERS, false)] {
            let batch = format!("[{message}{}]", ",1".repeat(others));
            assert_eq!(read(batch)[0].is_ok(), is_read, "{others}");
        }
    }

    #[test]
    fn br13_an_id_is_put_back_as_the_client_wrote_it() {
        for (line, id, expected) in [
            (
                r#"{"jsonrpc":"2.0","id":"ü","result":{"b":1,"a":2.0}}"#,
                r#""\u00fc""#,
                r#"{"jsonrpc":"2.0","id":"\u00fc","result":{"b":1,"a":2.0}}"#,
            ),
            (
                r#"{"result":{"b":1},"id":1}"#,
                "12345",
                r#"{"result":{"b":1},"id":12345}"#,
            ),
            (
                r#"{"error":{"code":1,"message":"x"},"id":null}"#,
                "5",
                r#"{"error":{"code":1,"message":"x"},"id":5}"#,
            ),
            (
                r#"{"error":{"code":1,"message":"x"}}"#,
                r#""a""#,
                r#"{"error":{"code":1,"message":"x"},"id":"a"}"#,
            ),
            (
                r#"{"z":1.0e2,"id": null ,"result":{"n":9007199254740993,"a":1.50}}"#,
                "12345678901234567890123",
                r#"{"z":1.0e2,"id": 12345678901234567890123 ,"result":{"n":9007199254740993,"a":1.50}}"#,
            ),
            (
                r#"{"z":1.0e2,"result":{"n":9007199254740993,"a":1.50} }"#,
                "1.0",
                r#"{"z":1.0e2,"result":{"n":9007199254740993,"a":1.50} ,"id":1.0}"#,
            ),
        ] {
            assert_eq!(one(line).text_with_id(id), expected);
        }
    }

    #[test]
    fn br13_ids_are_compared_by_their_value() {
        for (one, other, is_same, may_be_same) in [
            ("1", "1", true, true),
            (r#""ü""#, r#""\u00fc""#, true, true),
            ("7", "7.0", true, true),
            ("1000", "1e3", true, true),
            ("-0", "0", true, true),
            (
                "1.2345678901234568e22",
                "12345678901234567890123",
                true,
                true,
            ),
            ("9007199254740993", "9007199254740992", false, true),
            ("9007199254740993", "9.007199254740992e15", true, true),
            ("18446744073709551617", "18446744073709552000", true, true),
            ("1", r#""1""#, false, true),
            ("1.0", r#""1""#, false, true),
            ("9007199254740993", "9007199254740995", false, false),
            ("1.5", "1", false, false),
            ("1", "2", false, false),
            (r#""a""#, r#""b""#, false, false),
            (r#""""#, "0", false, false),
            (r#""""#, "", false, false),
            (r#""inf""#, r#""Infinity""#, false, false),
            ("1e999", "2e999", false, false),
            ("", "", true, true),
        ] {
            assert_eq!(is_same_id(one, other), is_same, "{one} {other}");
            assert_eq!(may_be_same_id(one, other), may_be_same, "{one} {other}");
            assert_eq!(may_be_same_id(other, one), may_be_same, "{one} {other}");
        }
    }
}
