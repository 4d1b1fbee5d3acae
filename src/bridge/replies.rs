//! The messages that the bridge writes itself.
//!
//! Spec: JSON-RPC 2.0 sections 4 and 5.

use serde_json::{json, Value};

use crate::failure::Class;

/// JSON-RPC: the message is no JSON.
pub const PARSE_ERROR: i64 = -32700;

/// JSON-RPC: the message is no valid request.
pub const INVALID_REQUEST: i64 = -32600;

/// JSON-RPC: the params do not fit the method.
pub const INVALID_PARAMS: i64 = -32602;

/// JSON-RPC: the request failed inside.
pub const INTERNAL_ERROR: i64 = -32603;

/// Returns a request with params that are written already.
pub fn request(id: &str, method: &str, params: &str) -> String {
    let method = Value::from(method);
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":{method},"params":{params}}}"#)
}

/// Returns a response with a result.
pub fn result(id: &str, result: &Value) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)
}

/// Returns a response with an error of JSON-RPC itself.
pub fn error(id: &str, code: i64, message: &str) -> String {
    let error = json!({"code": code, "message": message});
    format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#)
}

/// Returns a response with an error of this program: its code lies outside what JSON-RPC and MCP reserve, and ends in the
/// exit status that the same failure has elsewhere.
///
/// Spec: MCP 2026-07-28, Base Protocol, Error Codes.
pub fn failure(id: &str, class: Class, sentence: &str, code: &str, hint: Option<&str>) -> String {
    let number = -31_000 - i64::from(class.exit());
    let error = json!({"code": number, "message": sentence, "data": {"code": code, "hint": hint}});
    format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_errors_name_the_exit_status() {
        let line = failure(
            "\"a\"",
            Class::LoginNeeded,
            "x needs a login",
            "not_logged_in",
            Some("mcp-login x"),
        );
        let line: Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(line["id"], "a");
        assert_eq!(line["error"]["code"], -31_003);
        assert_eq!(line["error"]["data"]["hint"], "mcp-login x");
    }
}
