//! The wire of 2026-07-28: each request says all that the server needs, also in its headers; giving up is closing its stream.
//!
//! Spec: MCP 2026-07-28, Streamable HTTP, Request Metadata and Cancellation.

use serde_json::{json, Value};

use super::exchange::{NoAnswer, Reading, ServerAnswer};
use super::json::{members_of, string};
use super::message::{self, RpcMessage};
use super::tools::{self, MirroredTools};
use super::Bridge;
use crate::error::Error;
use crate::http::{Abort, Response};
use crate::mcp;
use crate::oauth::text::printable;
use crate::os::sync::lock;
use crate::warning::warn_user;

/// The error of a server whose checks of the headers fail.
const HEADER_MISMATCH: i64 = -32020;

/// Most tools of a list that are named because they are left out.
const MAX_NAMED: usize = 10;

/// Most pages of a list of tools that are read for the headers of a call.
const MAX_PAGES: usize = 20;

/// Returns the version of a message that names one itself.
pub fn version(message: &RpcMessage) -> Option<String> {
    let [meta] = message.members(["_meta"]);
    let [version] = members_of(meta?.get(), ["io.modelcontextprotocol/protocolVersion"]);
    string(version)
}

/// Returns the headers of a message that names this version, beside the usual ones.
fn headers(message: &RpcMessage, version: &str, tools: &MirroredTools) -> Vec<(String, String)> {
    let header = |name: &str, value| (name.to_owned(), tools::encode(value));
    let mut headers = vec![
        header("MCP-Protocol-Version", version),
        header("Mcp-Method", &message.method),
    ];
    let [name, uri, arguments] = message.members(["name", "uri", "arguments"]);
    let name = match message.method.as_str() {
        "tools/call" | "prompts/get" => string(name),
        "resources/read" => string(uri),
        _ => None,
    };
    if let Some(name) = &name {
        headers.push(header("Mcp-Name", name));
    }
    if let (Some(mirrored), Some(arguments)) =
        (mirrored(message, name.as_deref(), tools), arguments)
    {
        let arguments: Value = serde_json::from_str(arguments.get()).unwrap_or_default();
        headers.extend(tools::headers(mirrored, &arguments));
    }
    headers
}

fn mirrored<'a>(
    message: &RpcMessage,
    name: Option<&str>,
    tools: &'a MirroredTools,
) -> Option<&'a Vec<tools::MirroredParameter>> {
    tools.get(name?).filter(|_| message.method == "tools/call")
}

impl Bridge {
    /// Sends a request that names its version, and answers it.
    pub fn call_stateless(
        &self,
        message: &RpcMessage,
        version: &str,
        abort: &Abort,
    ) -> Result<(), Error> {
        match self.ask(message, version, abort) {
            Ok(answer) => self.reply(message.id(), answer),
            Err(why) => return self.refuse(message.id(), why),
        }
        Ok(())
    }

    /// Sends a request that names its version, and returns the answer. If the server misses headers of a call, the list of
    /// its tools is looked at, and the request sent once more.
    pub fn ask(
        &self,
        message: &RpcMessage,
        version: &str,
        abort: &Abort,
    ) -> Result<ServerAnswer, NoAnswer> {
        let used = self.headers(message, version);
        let asked = self.ask_with(message, &used, abort);
        let is_mismatch = matches!(&asked, Err(NoAnswer::Refused(it)) if it.error_code() == Some(HEADER_MISMATCH));
        if !is_mismatch || message.method != "tools/call" {
            return asked;
        }
        self.list_tools(message, version, abort)?;
        let wanted = self.headers(message, version);
        match wanted == used {
            true => asked,
            false => self.ask_with(message, &wanted, abort),
        }
    }

    fn headers(&self, message: &RpcMessage, version: &str) -> Vec<(String, String)> {
        let tools = lock(&self.tools);
        headers(message, version, &tools)
    }

    fn ask_with(
        &self,
        message: &RpcMessage,
        headers: &[(String, String)],
        abort: &Abort,
    ) -> Result<ServerAnswer, NoAnswer> {
        let response = self.post_stateless(message, headers, abort)?;
        let answer = self.read(response, &mut Reading::of(Some(message), abort))?;
        let mut answer = answer.ok_or_else(|| self.cut(message))?;
        if message.method == mcp::LIST_TOOLS {
            answer.message = self.inspect_tools(message, answer.message);
        }
        Ok(answer)
    }

    fn post_stateless(
        &self,
        message: &RpcMessage,
        headers: &[(String, String)],
        abort: &Abort,
    ) -> Result<Response, Error> {
        let headers = headers.iter().map(|(name, value)| (&**name, &**value));
        let request = self.upstream.post(message, headers, abort);
        self.upstream.send(&request)
    }

    /// Takes tools with wrong headers out of a list, and remembers the headers of the others.
    fn inspect_tools(&self, request: &RpcMessage, list: RpcMessage) -> RpcMessage {
        let is_first = request.members(["cursor"])[0].is_none();
        let inspected = tools::inspect(list);
        for (name, why) in inspected.rejected.iter().take(MAX_NAMED) {
            warn_user!(
                ToolRejected,
                "the tool {} is left out: {why}",
                printable(name)
            );
        }
        let others = inspected.rejected.len().saturating_sub(MAX_NAMED);
        if others > 0 {
            warn_user!(ToolRejected, "{others} more tools are left out");
        }
        let mut tools = lock(&self.tools);
        if is_first {
            tools.clear();
        }
        tools.extend(inspected.mirrored);
        inspected.message
    }

    /// Asks for the tools as this request would.
    fn list_tools(&self, message: &RpcMessage, version: &str, abort: &Abort) -> Result<(), Error> {
        let [meta] = message.members(["_meta"]);
        let mut cursor = None;
        for page in 0..MAX_PAGES {
            let mut params = json!({"_meta": meta});
            if let (Some(params), Some(cursor)) = (params.as_object_mut(), cursor.take()) {
                params.insert("cursor".to_owned(), cursor);
            }
            let id = json!(format!("mcp-login:tools-{page}"));
            let request =
                json!({"jsonrpc": "2.0", "id": id, "method": mcp::LIST_TOOLS, "params": params});
            let Some(request) = message::read_one(request.to_string()) else {
                break;
            };
            let headers = self.headers(&request, version);
            let answer = match self.ask_with(&request, &headers, abort) {
                Ok(answer) => answer,
                Err(NoAnswer::Refused(_)) => break,
                Err(NoAnswer::Failed(err)) => return Err(*err),
            };
            let [next] = answer.message.members(["nextCursor"]);
            cursor = string(next).map(Value::String);
            if cursor.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// Sends a notification of a client that speaks this wire.
    pub fn notify_stateless(&self, message: &RpcMessage, version: &str) -> Result<(), Error> {
        let (headers, abort) = (self.headers(message, version), Abort::default());
        let response = self.post_stateless(message, &headers, &abort)?;
        match response.status {
            200..=299 => Ok(()),
            status => Err(self.refused(status, "")),
        }
    }
}
