//! JSON-RPC messages: what the bridge reads of them, and the few that it writes itself.
//!
//! A message is passed on as the bytes that came. Only its kind, id, method and params are looked at.
//!
//! Spec: JSON-RPC 2.0 sections 4 and 5; MCP 2025-11-25 and 2026-07-28, Base Protocol, Messages.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::de::{Deserializer as _, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{json, Value};

use crate::failure::Class;

/// JSON-RPC: the message is no valid request.
pub const INVALID_REQUEST: i64 = -32600;

/// JSON-RPC: the params do not fit the method.
pub const INVALID_PARAMS: i64 = -32602;

/// JSON-RPC: the request failed inside.
pub const INTERNAL_ERROR: i64 = -32603;

/// Most members of a batch or of a list that is looked at.
const MAX_MEMBERS: usize = 100_000;

/// Longest text that is read into memory of many times its size, in bytes.
pub const MAX_PARSED_BYTES: usize = 16 * 1024 * 1024;

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

/// A message on one line.
#[derive(Clone, Debug)]
pub struct RpcMessage {
    /// The line, without its end.
    pub text: Vec<u8>,
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
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
    #[serde(borrow, default)]
    result: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

/// Reads a line or a body: one message, or the messages of a batch. `None` if there is none.
pub fn read(text: Vec<u8>) -> Option<Vec<RpcMessage>> {
    let text = one_line(text);
    if text.first() != Some(&b'[') {
        return Some(vec![RpcMessage::read(text)?]);
    }
    let members = members(std::str::from_utf8(&text).ok()?)?;
    let messages: Vec<_> = members
        .iter()
        .filter_map(|member| RpcMessage::read(member.get().as_bytes().to_vec()))
        .collect();
    // What is no message takes none of the others with it.
    (!messages.is_empty()).then_some(messages)
}

/// Reads one message.
pub fn read_one(text: impl Into<Vec<u8>>) -> Option<RpcMessage> {
    read(text.into())?.pop()
}

/// Returns the members of an array; `None` if the text is none, or one of so many that they would take much more memory than it.
pub fn members(array: &str) -> Option<Vec<&RawValue>> {
    struct Few;

    impl<'de> Visitor<'de> for Few {
        type Value = Vec<&'de RawValue>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("an array")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
            let mut members = Vec::new();
            while let Some(member) = array.next_element()? {
                if members.len() == MAX_MEMBERS {
                    return Err(A::Error::custom("too many"));
                }
                members.push(member);
            }
            Ok(members)
        }
    }

    let mut text = serde_json::Deserializer::from_str(array);
    let members = text.deserialize_seq(Few).ok()?;
    text.end().ok()?;
    Some(members)
}

/// Returns members of an object as they are written; null is none. What is no object has none.
pub fn members_of<'a, const N: usize>(
    object: &'a str,
    names: [&str; N],
) -> [Option<&'a RawValue>; N] {
    struct Named<'n, const N: usize>([&'n str; N]);

    impl<'de, const N: usize> Visitor<'de> for Named<'_, N> {
        type Value = [Option<&'de RawValue>; N];

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
            let mut found = [None; N];
            while let Some(name) = members.next_key::<Cow<str>>()? {
                match self.0.iter().position(|it| *it == name) {
                    Some(at) => found[at] = members.next_value()?,
                    None => drop(members.next_value::<IgnoredAny>()?),
                }
            }
            Ok(found)
        }
    }

    let mut text = serde_json::Deserializer::from_str(object);
    text.deserialize_map(Named(names)).unwrap_or([None; N])
}

/// Returns a value that is a string.
pub fn string(value: Option<&RawValue>) -> Option<String> {
    serde_json::from_str(value?.get()).ok()
}

/// Puts a message on one line: line ends in JSON are white space between its tokens.
fn one_line(mut text: Vec<u8>) -> Vec<u8> {
    if text.starts_with("\u{feff}".as_bytes()) {
        text.drain(..3);
    }
    let end = text.trim_ascii_end().len();
    text.truncate(end);
    let start = text.len() - text.trim_ascii_start().len();
    if start > 0 {
        text.drain(..start);
    }
    if text.contains(&b'\n') || text.contains(&b'\r') {
        let ends = text.iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r'));
        ends.for_each(|byte| *byte = b' ');
    }
    text
}

impl RpcMessage {
    fn read(text: Vec<u8>) -> Option<Self> {
        // All of it has to be text, also what is not looked at: the other side may end at anything else.
        let envelope: Envelope = serde_json::from_str(std::str::from_utf8(&text).ok()?).ok()?;
        let span = |value: Option<&RawValue>| {
            let value = value?.get();
            let start = (value.as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
            Some(start..start + value.len())
        };
        let answered = envelope.result.or(envelope.error);
        let kind = match (&envelope.method, envelope.id, answered) {
            (Some(_), Some(_), _) => Kind::Request,
            (Some(_), None, _) => Kind::Notification,
            (None, _, Some(_)) => Kind::Response,
            (None, _, None) => return None,
        };
        let (id, body) = (span(envelope.id), span(envelope.params.or(answered)));
        let (method, is_error) = (envelope.method, envelope.error.is_some());
        let method = method.map(Cow::into_owned).unwrap_or_default();
        Some(Self {
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
        self.part(&self.id)
    }

    /// Returns the params, the result or the error as it was written; empty if there is none.
    pub fn body(&self) -> &str {
        self.part(&self.body)
    }

    fn part(&self, range: &Option<Range<usize>>) -> &str {
        let bytes = range.clone().and_then(|range| self.text.get(range));
        bytes
            .and_then(|bytes| std::str::from_utf8(bytes).ok())
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
        (part.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize)
    }

    /// Tells whether this response is for a request with this id, however the server writes the id: to many, 1.0 is 1.
    pub fn answers(&self, id: &str) -> bool {
        let value = |text: &str| serde_json::from_str::<Value>(text).ok();
        self.id() == id
            || match (value(self.id()), value(id)) {
                (Some(Value::Number(own)), Some(Value::Number(id)))
                    if own.is_f64() != id.is_f64() =>
                {
                    own.as_f64() == id.as_f64()
                }
                (own, id) => own.is_some() && own == id,
            }
    }

    /// Returns the text with another id; everything else stays as it was written, unless there was no id.
    pub fn text_with_id(mut self, id: &str) -> Vec<u8> {
        if let Some(range) = self.id {
            self.text.splice(range, id.bytes());
        } else if let Ok(Value::Object(mut members)) = serde_json::from_slice(&self.text) {
            // `null` counts as none.
            let id = serde_json::from_str(id).unwrap_or_default();
            members.insert("id".to_owned(), id);
            return Value::Object(members).to_string().into_bytes();
        }
        self.text
    }
}

/// Returns a request with params that are written already.
pub fn request(id: &str, method: &str, params: &str) -> String {
    let method = Value::from(method);
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":{method},"params":{params}}}"#)
}

/// Returns a response with a result.
pub fn result(id: &str, result: &Value) -> Vec<u8> {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#).into_bytes()
}

/// Returns a response with an error of JSON-RPC itself.
pub fn error(id: &str, code: i64, message: &str) -> Vec<u8> {
    let error = json!({"code": code, "message": message});
    format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#).into_bytes()
}

/// Returns a response with an error of this program: its code lies outside what JSON-RPC and MCP reserve, and ends in the
/// exit status that the same failure has elsewhere.
///
/// Spec: MCP 2026-07-28, Base Protocol, Error Codes.
pub fn failure(id: &str, class: Class, sentence: &str, code: &str, hint: Option<&str>) -> Vec<u8> {
    let number = -31_000 - i64::from(class.exit());
    let error = json!({"code": number, "message": sentence, "data": {"code": code, "hint": hint}});
    format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> RpcMessage {
        let mut messages = read(text.into()).expect("a message");
        assert_eq!(messages.len(), 1, "{text}");
        messages.remove(0)
    }

    fn text(message: &RpcMessage) -> &str {
        std::str::from_utf8(&message.text).expect("UTF-8")
    }

    #[test]
    fn br1_br13_messages_beside_what_is_none() {
        for (line, expected) in [
            (&br#"[{"id":1,"method":"a"},7,{"id":2}]"#[..], Some(1)),
            (br#"[{"id":1,"method":"a"},{"method":"b"}]"#, Some(2)),
            (b"[]", None),
            (b"[7]", None),
            (b"[{\"id\":1,\"method\":\"a\"}] []", None),
            (b"7", None),
            (b"{\"id\":1,\"result\":{},\"x\":\"\xff\"}", None),
            (b"{\"id\":1,\"result\":\"\xff\"}", None),
        ] {
            let messages = read(line.to_vec()).map(|messages| messages.len());
            assert_eq!(messages, expected, "{}", String::from_utf8_lossy(line));
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
            assert!(!message.text.contains(&b'\n'), "{line}");
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
            assert!(read(line.into()).is_none(), "{line}");
        }
        assert!(read(b"{\"method\":\"\xff\"}".to_vec()).is_none());
    }

    #[test]
    fn br5_a_batch_is_its_messages() {
        let messages =
            read(br#"[{"id":1,"method":"a"}, {"method":"b"}]"#.to_vec()).expect("a batch");
        let methods: Vec<_> = messages.iter().map(|it| it.method.as_str()).collect();
        assert_eq!(methods, ["a", "b"]);
        assert_eq!(text(&messages[0]), r#"{"id":1,"method":"a"}"#);
        assert!(read(b"[]".to_vec()).is_none());
    }

    #[test]
    fn br47_a_batch_of_too_many_is_none() {
        let message = r#"{"id":1,"method":"a"}"#;
        for (others, is_read) in [(MAX_MEMBERS - 1, true), (MAX_MEMBERS, false)] {
            let batch = format!("[{message}{}]", ",1".repeat(others));
            assert_eq!(read(batch.into_bytes()).is_some(), is_read, "{others}");
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
        ] {
            let text = one(line).text_with_id(id);
            assert_eq!(String::from_utf8(text).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn br13_ids_are_compared_by_their_value() {
        for (own, asked, same) in [
            ("1", "1", true),
            (r#""ü""#, r#""\u00fc""#, true),
            ("1", r#""1""#, false),
            ("9007199254740993", "9007199254740992", false),
            ("7", "7.0", true),
            ("1000", "1e3", true),
            ("-0", "0", true),
            ("1.5", "1", false),
            ("1.2345678901234568e22", "12345678901234567890123", true),
            ("1.0", r#""1""#, false),
            ("1", "2", false),
        ] {
            let message = one(&format!(r#"{{"id":{own},"result":{{}}}}"#));
            assert_eq!(message.answers(asked), same, "{own} {asked}");
        }
    }

    #[test]
    fn our_own_errors_name_the_exit_status() {
        let line = failure(
            "\"a\"",
            Class::LoginNeeded,
            "x needs a login",
            "not_logged_in",
            Some("mcp-login x"),
        );
        let line: Value = serde_json::from_slice(&line).expect("JSON");
        assert_eq!(line["id"], "a");
        assert_eq!(line["error"]["code"], -31_003);
        assert_eq!(line["error"]["data"]["hint"], "mcp-login x");
    }
}
