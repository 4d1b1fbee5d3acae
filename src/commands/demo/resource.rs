//! The protected MCP server of the demo: a few tools that need a token, in both forms of MCP.

use serde_json::{json, Value};

use tiny_http::{Method, Request};

use super::authority::{AccessRequest, CALL_TOOLS, LIST_TOOLS};
use super::response::HttpResponse;
use super::server::{has, header};
use crate::mcp::{
    CLASSIC, LIST_TOOLS as TOOLS_LIST, METHOD_NOT_FOUND, MODERN, UNSUPPORTED_VERSION,
};
use crate::os::clock::Time;

/// How long a client may keep the list of tools, in milliseconds.
const LIST_LIFE_MS: u64 = 3_600_000;

/// JSON-RPC 2.0 section 5.1 and MCP 2026-07-28, Error Codes.
const PARSE_ERROR: i64 = -32700;
const INVALID_PARAMS: i64 = -32602;
const HEADER_MISMATCH: i64 = -32020;

/// A tool: its name, what it is for, its one argument if it has one, and what it does.
struct DemoTool {
    name: &'static str,
    description: &'static str,
    argument: Option<&'static str>,
    run: fn(&str) -> String,
}

const TOOLS: [DemoTool; 3] = [
    DemoTool {
        name: "greet",
        description: "Greets somebody by name",
        argument: Some("name"),
        run: |name| format!("Hello, {name}!"),
    },
    DemoTool {
        name: "clock",
        description: "Tells the time of the machine that the demo runs on",
        argument: None,
        run: |_| Time::now().rfc3339(),
    },
    DemoTool {
        name: "count",
        description: "Counts the words of a text",
        argument: Some("text"),
        run: |text| text.split_whitespace().count().to_string(),
    },
];

impl DemoTool {
    fn description(&self) -> Value {
        let mut schema = json!({"type": "object", "properties": {}});
        if let Some(argument) = self.argument {
            schema["properties"][argument] = json!({"type": "string"});
            schema["required"] = json!([argument]);
        }
        json!({"name": self.name, "description": self.description, "inputSchema": schema})
    }
}

/// Answers one message with what the token allows; `None` if there is no good token.
///
/// Spec: MCP 2026-07-28 and 2025-11-25, Streamable HTTP; RFC 6750 section 3; RFC 9728 section 5.1.
pub fn answer(
    request: &Request,
    body: &[u8],
    allowed: Option<&AccessRequest>,
    metadata_url: &str,
) -> Result<HttpResponse, HttpResponse> {
    let challenge = |status, error: &str, scopes: &str, remark: &str| {
        let value =
            format!(r#"Bearer {error}scope="{scopes}", resource_metadata="{metadata_url}""#);
        Err(HttpResponse::status(status, remark).with("WWW-Authenticate", value))
    };
    let Some(allowed) = allowed else {
        let scopes = format!("{LIST_TOOLS} {CALL_TOOLS}");
        return match has(request, "Authorization") {
            false => challenge(401, "", &scopes, "no token; the answer names the metadata"),
            true => challenge(
                401,
                r#"error="invalid_token", "#,
                &scopes,
                "the token is not good",
            ),
        };
    };
    if *request.method() != Method::Post {
        return Err(HttpResponse::status(405, "").with("Allow", "POST"));
    }
    let Some(call) = Call::read(request, body)? else {
        return Ok(HttpResponse::status(202, "noted"));
    };
    let needed = match call.method.as_str() {
        "tools/call" => CALL_TOOLS,
        _ => LIST_TOOLS,
    };
    if !allowed.covers(needed) {
        let error = r#"error="insufficient_scope", "#;
        return challenge(403, error, needed, "the token does not cover this");
    }
    let capabilities = json!({"tools": {}});
    match (call.method.as_str(), call.is_modern) {
        (TOOLS_LIST, _) => {
            let tools: Vec<_> = TOOLS.iter().map(DemoTool::description).collect();
            let remark = format!("the token is good; here are {} tools", tools.len());
            Ok(call.result(json!({ "tools": tools }), remark))
        }
        ("tools/call", _) => call.run_tool(),
        ("server/discover", true) => {
            let result = json!({"supportedVersions": [MODERN], "capabilities": capabilities});
            Ok(call.result(result, "the token is good; here are the capabilities"))
        }
        ("initialize", false) => {
            let result = json!({
                "protocolVersion": CLASSIC,
                "capabilities": capabilities,
                "serverInfo": server_info(),
            });
            Ok(call.result(result, "the token is good; the session is open"))
        }
        ("ping", false) => Ok(call.result(json!({}), "pong")),
        _ => Err(call.error(404, METHOD_NOT_FOUND, "there is no such method")),
    }
}

fn server_info() -> Value {
    json!({"name": "mcp-login demo", "version": env!("CARGO_PKG_VERSION")})
}

/// Answers with a JSON-RPC error.
fn error(status: u16, id: &Value, error: Value) -> HttpResponse {
    let remark = error["message"].as_str().unwrap_or_default();
    let body = json!({"jsonrpc": "2.0", "id": id, "error": error});
    HttpResponse::json(status, &body, remark)
}

/// A request of JSON-RPC, and in which form of MCP it is.
struct Call {
    id: Value,
    method: String,
    params: Value,
    is_modern: bool,
}

impl Call {
    /// Reads a message; `None` if it wants no answer.
    fn read(request: &Request, body: &[u8]) -> Result<Option<Self>, HttpResponse> {
        let Ok(message) = serde_json::from_slice::<Value>(body) else {
            let data = json!({"code": PARSE_ERROR, "message": "this is not JSON"});
            return Err(error(400, &Value::Null, data));
        };
        let Some(id) = message.get("id") else {
            return Ok(None);
        };
        let version = header(request, "MCP-Protocol-Version").unwrap_or(CLASSIC);
        if ![MODERN, CLASSIC].contains(&version) {
            let data = json!({
                "code": UNSUPPORTED_VERSION,
                "message": "this version is not supported",
                "data": {"supported": [MODERN, CLASSIC], "requested": version},
            });
            return Err(error(400, id, data));
        }
        let call = Self {
            id: id.clone(),
            method: message["method"].as_str().unwrap_or_default().to_owned(),
            params: message["params"].clone(),
            is_modern: version == MODERN,
        };
        let stated = &call.params["_meta"]["io.modelcontextprotocol/protocolVersion"];
        let agrees = stated == MODERN && header(request, "Mcp-Method") == Some(&call.method);
        match call.is_modern && !agrees {
            true => Err(call.error(400, HEADER_MISMATCH, "headers and message do not agree")),
            false => Ok(Some(call)),
        }
    }

    fn result(&self, mut result: Value, remark: impl Into<String>) -> HttpResponse {
        if self.is_modern {
            result["resultType"] = "complete".into();
            result["_meta"] = json!({"io.modelcontextprotocol/serverInfo": server_info()});
            if self.method != "tools/call" {
                result["ttlMs"] = LIST_LIFE_MS.into();
                result["cacheScope"] = "private".into();
            }
        }
        let body = json!({"jsonrpc": "2.0", "id": self.id, "result": result});
        HttpResponse::json(200, &body, remark)
    }

    fn error(&self, status: u16, code: i64, why: &str) -> HttpResponse {
        // Before 2026-07-28 an error of a method is no error of HTTP.
        let status = if self.is_modern { status } else { 200 };
        error(status, &self.id, json!({"code": code, "message": why}))
    }

    fn run_tool(&self) -> Result<HttpResponse, HttpResponse> {
        let name = self.params["name"].as_str().unwrap_or_default();
        let tool = TOOLS.iter().find(|tool| tool.name == name);
        let tool = tool.ok_or_else(|| self.error(400, INVALID_PARAMS, "there is no such tool"))?;
        let argument = match tool.argument {
            Some(argument) => self.params["arguments"][argument].as_str(),
            None => Some(""),
        };
        let argument = argument
            .ok_or_else(|| self.error(400, INVALID_PARAMS, "the tool needs its argument"))?;
        let content = json!([{"type": "text", "text": (tool.run)(argument)}]);
        Ok(self.result(
            json!({ "content": content }),
            format!("the tool {name} is called"),
        ))
    }
}
