#!/usr/bin/env bash
# fastmcp==4.2.3 (Python) as the stdio bridge (`fastmcp run URL`) to an MCP server that keeps something per session, as servers
# with a browser, a database transaction or a choice of project do.
#
# One would guess: the one connection of the client is one session at the server, from its `initialize` to its end.
#
# Seen on 2026-11-28, Python 3.11: each call is a session of its own, which begins with `initialize` and ends with DELETE when
# the call has been answered. What one call has set is gone at the next, and the client, whose connection stands, learns
# nothing of it. Each call costs the server four more requests, each with its own check of the token; a limit
# of sessions or of requests is reached so much sooner. Connected to the server itself, the same client has one session.
#
# Needs Python 3.10 or newer with venv, and PyPI. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
python3 -m venv "$temp/venv"
"$temp/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$here/fastmcp-4.2.3.txt"

cat >"$temp/finding.py" <<'PYTHON'
import json
import sys
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import anyio
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

sessions = {}
requests = Counter()


class Server(BaseHTTPRequestHandler):
    """An MCP server with two tools: `set` keeps a name for this session, `get` tells it."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        requests["GET"] += 1
        self.answer(405)

    def do_DELETE(self):
        requests["DELETE"] += 1
        del sessions[self.headers["Mcp-Session-Id"]]
        self.answer(200)

    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        method, params = message["method"], message.get("params", {})
        requests[method] += 1
        session = self.headers.get("Mcp-Session-Id")
        if "id" not in message:
            return self.answer(202)
        reply = {"jsonrpc": "2.0", "id": message["id"]}
        if method == "initialize":
            session = f"session-{requests[method]}"
            sessions[session] = "nothing"
            version, info = params["protocolVersion"], {"name": "finding", "version": "1"}
            result = {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": info}
        elif method == "tools/list":
            result = {"tools": [{"name": name, "inputSchema": {"type": "object"}} for name in ("set", "get")]}
        elif method == "tools/call":
            if params["name"] == "set":
                sessions[session] = "Ann"
            result = {"content": [{"type": "text", "text": sessions[session]}]}
        else:
            return self.answer(200, reply | {"error": {"code": -32601, "message": "Method not found"}})
        self.answer(200, reply | {"result": result}, session)

    def answer(self, status, body=None, session=None):
        body = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if session:
            self.send_header("Mcp-Session-Id", session)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


async def what_get_tells(transport):
    with anyio.fail_after(60):
        async with transport as streams, ClientSession(streams[0], streams[1]) as session:
            await session.initialize()
            await session.list_tools()
            await session.call_tool("set", {})
            requests.clear()
            return (await session.call_tool("get", {})).content[0].text, dict(requests)


def expect(what, transport, wanted):
    sessions.clear()
    seen = anyio.run(what_get_tells, transport)
    print(f"{what}: `get` tells {seen[0]}, after the requests {seen[1]}")
    assert seen == wanted, f"expected {wanted}"


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}/mcp"
expect("without the bridge", streamable_http_client(url), ("Ann", {"tools/call": 1}))
parameters = StdioServerParameters(command=sys.argv[1], args=["run", url, "--no-banner", "--log-level", "CRITICAL"])
one = {"initialize": 1, "notifications/initialized": 1, "GET": 1, "tools/call": 1, "DELETE": 1}
expect("with the bridge", stdio_client(parameters), ("nothing", one))
PYTHON
HOME="$temp" PYTHONDONTWRITEBYTECODE=1 "$temp/venv/bin/python" -W ignore "$temp/finding.py" "$temp/venv/bin/fastmcp" 2>"$temp/log" ||
    { cat "$temp/log"; exit 1; }
echo "as seen on 2026-11-28"
