#!/usr/bin/env bash
# fastmcp==4.2.3 (`fastmcp run URL`) and mcp-proxy==0.13.0, both Python, as stdio bridges to an MCP server one of whose tools needs
# the user's consent at a third party first, which it asks for as MCP 2025-11-25 has it: by the error -32042
# (`URLElicitationRequiredError`), with the link in its `data`.
#
# One would guess: a bridge gives the client the error that the server gave, and the client shows the link, asks for the consent,
# and calls again.
#
# Seen on 2026-11-28, Python 3.11: both make the message of the error the text of a result with `isError`, and drop code and
# data. So the model reads that a link has to be opened, and neither it nor the client has the link: the tool cannot be used.
# The client said in `initialize` that it can open links, and the bridge that the server has the tool. Errors of
# requests other than calls are passed on. Without a bridge the client gets the link.
#
# Needs Python 3.10 or newer with venv, and PyPI. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
for part in fastmcp-4.2.3 mcp-proxy-0.13.0; do
    python3 -m venv "$part"
    "$part/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$here/$part.txt"
done
export HOME="$temp" PYTHONDONTWRITEBYTECODE=1

cat >finding.py <<'PYTHON'
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import anyio
from mcp import ClientSession, MCPError, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

LINK = "https://files.example.com/consent?for=ann"
elicitation = {"mode": "url", "elicitationId": "1", "url": LINK, "message": "Please agree."}
ERROR = {"code": -32042, "message": "Please open the link", "data": {"elicitations": [elicitation]}}


class Server(BaseHTTPRequestHandler):
    """An MCP server with one tool, which asks for a consent first."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(405)

    def do_DELETE(self):
        self.answer(200)

    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        reply = {"jsonrpc": "2.0", "id": message.get("id")}
        match message["method"]:
            case "initialize":
                version, info = message["params"]["protocolVersion"], {"name": "finding", "version": "1"}
                result = {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": info}
            case "tools/list":
                result = {"tools": [{"name": "files", "inputSchema": {"type": "object"}}]}
            case "tools/call":
                return self.answer(200, reply | {"error": ERROR})
            case _ if "id" in message:
                return self.answer(200, reply | {"error": {"code": -32601, "message": "Method not found"}})
            case _:
                return self.answer(202)
        self.answer(200, reply | {"result": result})

    def answer(self, status, body=None):
        body = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


async def agree(*_):
    raise AssertionError("it was not asked")


async def call(transport):
    """What came of the call, and whether the link came with it."""
    with anyio.fail_after(60):
        async with transport as streams, ClientSession(*streams[:2], elicitation_callback=agree) as session:
            await session.initialize()
            await session.list_tools()
            try:
                result = await session.call_tool("files", {})
            except MCPError as error:
                return error.error.code, error.error.message, LINK in error.error.model_dump_json()
            return "isError" if result.is_error else "ok", result.content[0].text, LINK in result.model_dump_json()


def expect(what, transport, wanted):
    seen = anyio.run(call, transport)
    print(f"{what}: {seen}")
    assert seen == wanted, f"expected {wanted}"


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}/mcp"


def bridge(command, *arguments):
    return stdio_client(StdioServerParameters(command=command, args=arguments))


expect("no bridge", streamable_http_client(url), (-32042, "Please open the link", True))
proxy = bridge("mcp-proxy-0.13.0/bin/mcp-proxy", "--transport", "streamablehttp", url)
expect("mcp-proxy", proxy, ("isError", "Please open the link", False))
fast = bridge("fastmcp-4.2.3/bin/fastmcp", "run", url, "--no-banner", "--log-level", "CRITICAL")
expect("fastmcp", fast, ("isError", "Error calling tool 'files': Please open the link", False))
PYTHON
fastmcp-4.2.3/bin/python -W ignore finding.py 2>log || { cat log; exit 1; }
echo "as seen on 2026-11-28"
