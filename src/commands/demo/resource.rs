//! The protected MCP server of the demo: a few tools behind a token. It speaks both forms of MCP.

use serde_json::{json, Value};

use super::authority::{AccessGrant, CALL_TOOLS, LIST_TOOLS};
use super::messages::{HttpRequest, HttpResponse};
use crate::mcp::{CLASSIC, LIST_TOOLS as TOOLS_LIST, MODERN};
use crate::os::clock::Time;

/// How long a client may keep the list of tools, in milliseconds.
const LIST_LIFE_MS: u64 = 3_600_000;

/// JSON-RPC 2.0 section 5.1 and MCP 2026-07-28, Error Codes.
const PARSE_ERROR: i64 = -32700;
const METHOD_NOT_FOUND: i64 = -32601;
const INVALID_PARAMS: i64 = -32602;
const HEADER_MISMATCH: i64 = -32020;
const UNSUPPORTED_VERSION: i64 = -32022;

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

/// What a message asks for, and in which form of MCP.
struct Call {
    id: Value,
    method: String,
    parameters: Value,
    modern: bool,
}

/// Answers one message with what the token allows; `None` is for a visitor without a good token.
///
/// Spec: MCP 2026-07-28 and 2025-11-25, Streamable HTTP.
pub fn answer(
    received: &HttpRequest,
    grant: Option<&AccessGrant>,
    metadata_url: &str,
) -> HttpResponse {
    let Some(grant) = grant else {
        return unauthorized(received.has("authorization"), metadata_url);
    };
    if received.method != "POST" {
        return HttpResponse::status(405, "").with("Allow", "POST");
    }
    let call = match read(received) {
        Ok(Some(call)) => call,
        Ok(None) => return HttpResponse::status(202, "noted"),
        Err(answer) => return answer,
    };
    let needed = if call.method == "tools/call" {
        CALL_TOOLS
    } else {
        LIST_TOOLS
    };
    if !grant.scopes.contains(&needed) {
        return challenge(
            403,
            Some("insufficient_scope"),
            needed,
            metadata_url,
            "the token does not cover this",
        );
    }
    match (call.method.as_str(), call.modern) {
        (TOOLS_LIST, _) => {
            let tools: Vec<_> = TOOLS.iter().map(DemoTool::description).collect();
            call.list(
                json!({"tools": tools}),
                format!("the token is good; here are {} tools", TOOLS.len()),
            )
        }
        ("tools/call", _) => call.run_tool(),
        ("server/discover", true) => {
            let known = json!({"supportedVersions": [MODERN], "capabilities": {"tools": {}}});
            call.list(known, "the token is good; this is what I can do")
        }
        ("initialize", false) => {
            let known = json!({"protocolVersion": CLASSIC, "capabilities": {"tools": {}}, "serverInfo": server_info()});
            call.result(known, "the token is good; the session is open")
        }
        ("ping", false) => call.result(json!({}), "still here"),
        _ => call.error(404, METHOD_NOT_FOUND, "there is no such method"),
    }
}

/// Answers a visitor without a good token.
///
/// Spec: RFC 6750 section 3; RFC 9728 section 5.1.
fn unauthorized(has_token: bool, metadata_url: &str) -> HttpResponse {
    let scopes = format!("{LIST_TOOLS} {CALL_TOOLS}");
    match has_token {
        false => challenge(
            401,
            None,
            &scopes,
            metadata_url,
            "no token; the answer names the metadata",
        ),
        true => challenge(
            401,
            Some("invalid_token"),
            &scopes,
            metadata_url,
            "this token is not good",
        ),
    }
}

fn challenge(
    status: u16,
    error: Option<&str>,
    scopes: &str,
    metadata_url: &str,
    remark: &str,
) -> HttpResponse {
    let error = error
        .map(|error| format!(r#"error="{error}", "#))
        .unwrap_or_default();
    let challenge =
        format!(r#"Bearer {error}scope="{scopes}", resource_metadata="{metadata_url}""#);
    HttpResponse::status(status, remark).with("WWW-Authenticate", challenge)
}

fn server_info() -> Value {
    json!({"name": "mcp-login demo", "version": env!("CARGO_PKG_VERSION")})
}

/// Reads a message; `None` for one that wants no answer.
fn read(received: &HttpRequest) -> Result<Option<Call>, HttpResponse> {
    let version = received.header("mcp-protocol-version").unwrap_or(CLASSIC);
    let Ok(message) = serde_json::from_slice::<Value>(&received.body) else {
        return Err(error(400, &Value::Null, PARSE_ERROR, "this is not JSON"));
    };
    let text = |name: &str| {
        message
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let Some(id) = message.get("id").cloned() else {
        return Ok(None);
    };
    let (method, modern) = (text("method"), version == MODERN);
    let parameters = message.get("params").cloned().unwrap_or_default();
    if !modern && version != CLASSIC {
        let why = "this version is not spoken here";
        let data = json!({"supported": [MODERN, CLASSIC], "requested": version});
        let error = json!({"code": UNSUPPORTED_VERSION, "message": why, "data": data});
        return Err(HttpResponse::json(
            400,
            &json!({"jsonrpc": "2.0", "id": id, "error": error}),
            why,
        ));
    }
    let stated = parameters
        .pointer("/_meta/io.modelcontextprotocol~1protocolVersion")
        .and_then(Value::as_str);
    if modern && (stated != Some(MODERN) || received.header("mcp-method") != Some(&method)) {
        return Err(error(
            400,
            &id,
            HEADER_MISMATCH,
            "headers and message do not agree",
        ));
    }
    Ok(Some(Call {
        id,
        method,
        parameters,
        modern,
    }))
}

impl Call {
    /// Answers with something that a client may keep for a while.
    fn list(&self, mut result: Value, remark: impl Into<String>) -> HttpResponse {
        if self.modern {
            result["ttlMs"] = LIST_LIFE_MS.into();
            result["cacheScope"] = "private".into();
        }
        self.result(result, remark)
    }

    fn result(&self, mut result: Value, remark: impl Into<String>) -> HttpResponse {
        if self.modern {
            result["resultType"] = "complete".into();
            result["_meta"] = json!({"io.modelcontextprotocol/serverInfo": server_info()});
        }
        HttpResponse::json(
            200,
            &json!({"jsonrpc": "2.0", "id": self.id, "result": result}),
            remark,
        )
    }

    fn error(&self, status: u16, code: i64, why: &str) -> HttpResponse {
        // Before 2026-07-28 an error of a method was no error of HTTP.
        error(if self.modern { status } else { 200 }, &self.id, code, why)
    }

    fn run_tool(&self) -> HttpResponse {
        let name = self
            .parameters
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let Some(tool) = TOOLS.iter().find(|tool| tool.name == name) else {
            return self.error(400, INVALID_PARAMS, "there is no such tool");
        };
        let argument = tool
            .argument
            .map(|argument| self.parameters.get("arguments")?.get(argument)?.as_str());
        let Some(argument) = argument.unwrap_or(Some("")) else {
            return self.error(400, INVALID_PARAMS, "the tool needs its argument");
        };
        let content = json!([{"type": "text", "text": (tool.run)(argument)}]);
        self.result(
            json!({"content": content}),
            format!("the tool {name} was used"),
        )
    }
}

fn error(status: u16, id: &Value, code: i64, why: &str) -> HttpResponse {
    let error = json!({"code": code, "message": why});
    HttpResponse::json(
        status,
        &json!({"jsonrpc": "2.0", "id": id, "error": error}),
        why,
    )
}
