//! Tools whose parameters are mirrored into headers: what a list of tools says about it, and the headers of a call.
//!
//! Spec: MCP 2026-07-28, Streamable HTTP, Custom Headers from Tool Parameters.

use std::collections::HashMap;

use base64::prelude::{Engine as _, BASE64_STANDARD};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::Value;

use super::json;
use super::message::{self, RpcMessage};

/// The member of a schema that names a header.
const ANNOTATION: &str = "x-mcp-header";

/// Members of a schema that hold data, in which that name means nothing.
const DATA: [&str; 5] = ["const", "default", "enum", "example", "examples"];

/// Members of a schema that hold schemas by names of their own.
const NAMED_SCHEMAS: [&str; 5] = [
    "properties",
    "patternProperties",
    "$defs",
    "definitions",
    "dependentSchemas",
];

/// A parameter that is mirrored: the name of its header, and where it is in the arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MirroredParameter {
    header: String,
    path: Vec<String>,
}

/// The mirrored parameters of each tool that has some.
pub type MirroredTools = HashMap<String, Vec<MirroredParameter>>;

/// What a list of tools says about headers.
pub struct InspectedTools {
    /// The list, without the tools whose annotations are wrong; else as it was written.
    pub message: RpcMessage,
    /// The mirrored parameters of the others.
    pub mirrored: MirroredTools,
    /// The tools that were taken out, and why.
    pub rejected: Vec<(String, &'static str)>,
}

#[derive(Deserialize)]
struct Tool {
    name: String,
    #[serde(default, rename = "inputSchema")]
    input_schema: Value,
}

/// Inspects the response to `tools/list`.
pub fn inspect(message: RpcMessage) -> InspectedTools {
    let mut inspected = InspectedTools {
        message,
        mirrored: HashMap::new(),
        rejected: Vec::new(),
    };
    let [tools] = inspected.message.members(["tools"]);
    let Some(tools) = tools.map(RawValue::get) else {
        return inspected;
    };
    let members = json::members(tools).unwrap_or_default();
    let mut kept = Vec::new();
    for member in &members {
        // What is no tool is not our business, nor what is longer than all tools that anybody could use.
        let is_looked_at =
            |text: &str| text.len() <= json::MAX_PARSED_BYTES && text.contains(ANNOTATION);
        let tool = Some(member.get()).filter(|text| is_looked_at(text));
        let tool = tool.and_then(|text| serde_json::from_str::<Tool>(text).ok());
        let mut found = Vec::new();
        match tool.map(|tool| {
            (
                annotations(&tool.input_schema, Some(Vec::new()), &mut found),
                tool.name,
            )
        }) {
            Some((Err(why), name)) => {
                inspected.rejected.push((name, why));
                continue;
            }
            Some((Ok(()), name)) => drop(inspected.mirrored.insert(name, found)),
            None => {}
        }
        kept.push(member.get());
    }
    if !inspected.rejected.is_empty() {
        let (start, text) = (inspected.message.offset_of(tools), kept.join(","));
        let end = start + tools.len();
        let mut line = inspected.message.text.clone();
        line.replace_range(start..end, &format!("[{text}]"));
        if let Some(message) = message::read_one(line) {
            inspected.message = message;
        }
    }
    inspected
}

/// Collects the annotations of a schema and what is in it. `path` is where the schema is in the arguments; `None` if it is not
/// reached by `properties` alone.
fn annotations(
    schema: &Value,
    path: Option<Vec<String>>,
    found: &mut Vec<MirroredParameter>,
) -> Result<(), &'static str> {
    if let Value::Array(schemas) = schema {
        return schemas
            .iter()
            .try_for_each(|schema| annotations(schema, None, found));
    }
    let Value::Object(members) = schema else {
        return Ok(());
    };
    if let Some(name) = members.get(ANNOTATION) {
        let path = path.clone().filter(|path| !path.is_empty());
        let path = path.ok_or("its header is not that of a property alone")?;
        let header = name
            .as_str()
            .ok_or("the name of its header is no text")?
            .to_owned();
        if header.is_empty() || !header.bytes().all(is_token_byte) {
            return Err("the name of its header is none");
        }
        if !is_primitive(members.get("type")) {
            return Err("its header is for a value that is no string, integer or boolean");
        }
        if found
            .iter()
            .any(|other| other.header.eq_ignore_ascii_case(&header))
        {
            return Err("it has two headers of one name");
        }
        found.push(MirroredParameter { header, path });
    }
    for (key, value) in members
        .iter()
        .filter(|(key, _)| !DATA.contains(&key.as_str()))
    {
        match value {
            Value::Object(schemas) if NAMED_SCHEMAS.contains(&key.as_str()) => {
                for (name, schema) in schemas {
                    let path = path.clone().filter(|_| key == "properties");
                    let below = path.map(|path| [path, vec![name.clone()]].concat());
                    annotations(schema, below, found)?;
                }
            }
            value => annotations(value, None, found)?,
        }
    }
    Ok(())
}

/// Spec: RFC 9110 section 5.6.2.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn is_primitive(kind: Option<&Value>) -> bool {
    let is_one = |kind: &Value| matches!(kind.as_str(), Some("string" | "integer" | "boolean"));
    match kind {
        Some(Value::Array(kinds)) => {
            let others: Vec<_> = kinds
                .iter()
                .filter(|kind| kind.as_str() != Some("null"))
                .collect();
            matches!(others.as_slice(), [kind] if is_one(kind))
        }
        Some(kind) => is_one(kind),
        None => false,
    }
}

/// Returns the headers of a call with these arguments.
pub fn headers(mirrored: &[MirroredParameter], arguments: &Value) -> Vec<(String, String)> {
    let header = |parameter: &MirroredParameter| {
        let mut value = arguments;
        for name in &parameter.path {
            value = value.get(name)?;
        }
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Bool(is_true) => is_true.to_string(),
            Value::Number(number) => integer(number)?,
            _ => return None,
        };
        Some((format!("Mcp-Param-{}", parameter.header), encode(&text)))
    };
    mirrored.iter().filter_map(header).collect()
}

fn integer(number: &serde_json::Number) -> Option<String> {
    let exact = number.as_i64().map(|it| it.to_string());
    let exact = exact.or_else(|| number.as_u64().map(|it| it.to_string()));
    let whole = || {
        number
            .as_f64()
            .filter(|it| it.fract() == 0.0)
            .map(|it| format!("{it:.0}"))
    };
    exact.or_else(whole)
}

/// Returns a text as the value of a header.
///
/// Spec: MCP 2026-07-28, Streamable HTTP, Value Encoding.
pub fn encode(text: &str) -> String {
    let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let is_encoded = text.starts_with("=?base64?") && text.ends_with("?=");
    match is_plain && text.trim() == text && !is_encoded {
        true => text.to_owned(),
        false => format!("=?base64?{}?=", BASE64_STANDARD.encode(text)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn br31_values_of_headers() {
        for (text, expected) in [
            ("us-west1", "us-west1"),
            ("two words", "two words"),
            ("", ""),
            ("Hello, \u{4e16}\u{754c}", "=?base64?SGVsbG8sIOS4lueVjA==?="),
            (" padded ", "=?base64?IHBhZGRlZCA=?="),
            ("line1\nline2", "=?base64?bGluZTEKbGluZTI=?="),
            ("a\tb", "=?base64?YQli?="),
            ("a\u{7f}", "=?base64?YX8=?="),
            ("=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="),
            ("=?BASE64?literal?=", "=?BASE64?literal?="),
            ("=?base64?literal", "=?base64?literal"),
        ] {
            assert_eq!(encode(text), expected, "{text:?}");
        }
    }

    fn listed(tools: &Value) -> InspectedTools {
        let line = format!(
            r#"{{"jsonrpc":"2.0", "id":1,"result":{{"b":1.0,"tools": {tools} ,"nextCursor":"n"}}}}"#
        );
        inspect(message::read_one(line).expect("a message"))
    }

    fn tool(name: &str, schema: &Value) -> Value {
        json!({"name": name, "inputSchema": schema})
    }

    #[test]
    fn br33_wrong_annotations_take_a_tool_out() {
        let annotated = |kind: &str| json!({"type": kind, "x-mcp-header": "A"});
        for (schema, is_good) in [
            (json!({"properties": {"a": annotated("string")}}), true),
            (
                json!({"properties": {"a": {"properties": {"b": annotated("integer")}}}}),
                true,
            ),
            (
                json!({"properties": {"a": {"type": ["boolean", "null"], "x-mcp-header": "A"}}}),
                true,
            ),
            (
                json!({"properties": {"x-mcp-header": {"type": "string"}}}),
                true,
            ),
            (
                json!({"properties": {"a": {"default": annotated("string")}}}),
                true,
            ),
            (json!({"properties": {"a": annotated("number")}}), false),
            (json!({"properties": {"a": annotated("object")}}), false),
            (json!({"properties": {"a": {"x-mcp-header": "A"}}}), false),
            (
                json!({"properties": {"a": {"type": "string", "x-mcp-header": ""}}}),
                false,
            ),
            (
                json!({"properties": {"a": {"type": "string", "x-mcp-header": "a b"}}}),
                false,
            ),
            (
                json!({"properties": {"a": {"type": "string", "x-mcp-header": 1}}}),
                false,
            ),
            (
                json!({"properties": {"a": {"type": "string", "x-mcp-header": "a\r\nb"}}}),
                false,
            ),
            (
                json!({"properties": {"a": annotated("string"), "b": {"type": "string", "x-mcp-header": "a"}}}),
                false,
            ),
            (
                json!({"properties": {"a": {"items": annotated("string")}}}),
                false,
            ),
            (
                json!({"properties": {"a": {"items": {"properties": {"b": annotated("string")}}}}}),
                false,
            ),
            (
                json!({"oneOf": [{"properties": {"a": annotated("string")}}]}),
                false,
            ),
            (
                json!({"properties": {"a": {"$ref": "#/$defs/a"}}, "$defs": {"a": annotated("string")}}),
                false,
            ),
            (
                json!({"if": {"properties": {"a": annotated("string")}}}),
                false,
            ),
            (annotated("string"), false),
        ] {
            let inspected = listed(&json!([tool("t", &schema), {"name": "other"}]));
            assert_eq!(
                inspected.rejected.is_empty(),
                is_good,
                "{schema}: {:?}",
                inspected.rejected
            );
        }
    }

    #[test]
    fn br33_what_is_left_of_a_list_is_as_it_was_written() {
        let bad = tool("bad", &json!({"x-mcp-header": "A"}));
        for (tools, expected) in [
            (
                json!([bad, {"name": "a"}, {"name": "b"}]),
                r#"[{"name":"a"},{"name":"b"}]"#,
            ),
            (json!([{"name": "a"}, bad]), r#"[{"name":"a"}]"#),
            (json!([bad]), "[]"),
        ] {
            let inspected = listed(&tools);
            let next = json::string(inspected.message.members(["nextCursor"])[0]);
            assert_eq!(
                inspected.message.text,
                format!(
                    r#"{{"jsonrpc":"2.0", "id":1,"result":{{"b":1.0,"tools": {expected} ,"nextCursor":"n"}}}}"#
                )
            );
            assert_eq!(next.as_deref(), Some("n"));
        }
        let untouched = listed(&json!([{"name": "a"}]));
        assert!(untouched.rejected.is_empty() && untouched.mirrored.is_empty());
    }

    #[test]
    fn br32_headers_of_a_call() {
        let schema = json!({"properties": {
            "s": {"type": "string", "x-mcp-header": "S"},
            "i": {"type": "integer", "x-mcp-header": "I"},
            "b": {"type": "boolean", "x-mcp-header": "B"},
            "o": {"properties": {"d": {"type": "string", "x-mcp-header": "D"}}},
        }});
        let inspected = listed(&json!([tool("t", &schema)]));
        let mirrored = inspected.mirrored.get("t").expect("its parameters");
        for (arguments, expected) in [
            (
                json!({"s": "x", "i": -7, "b": true, "o": {"d": "y"}}),
                "B=true I=-7 S=x D=y",
            ),
            (json!({"i": 42.0}), "I=42"),
            (
                json!({"i": 9_007_199_254_740_991_u64, "b": false}),
                "B=false I=9007199254740991",
            ),
            (
                json!({"s": null, "d": "x", "o": {"e": 1}, "i": 1.5, "b": [1]}),
                "",
            ),
            (json!(null), ""),
        ] {
            let mut found: Vec<_> = headers(mirrored, &arguments);
            found.sort();
            let mut expected: Vec<_> = expected
                .split_whitespace()
                .map(|it| it.split_once('=').expect("a pair"))
                .map(|(name, value)| (format!("Mcp-Param-{name}"), value.to_owned()))
                .collect();
            expected.sort();
            assert_eq!(found, expected, "{arguments}");
        }
    }
}
