#!/usr/bin/env bash
# mcp-proxy==0.13.0 (Python) as the stdio bridge to a Streamable HTTP server that was started anew and knows no session.
#
# One would guess: 404 is how the server says that the session has ended, at which a client of MCP begins a new one; or the call
# fails with an error that the client can tell from the result of a tool.
#
# Seen on 2026-11-28, Python 3.11: the bridge goes on with the old session for good, and each call succeeds: its result has
# `isError` and the text `Session terminated`, as though the tool had said it, so that the model reads it and tries other
# arguments. An error of the protocol becomes a result in the same way, here -32602 for a tool that the server has no more.
# Only requests other than calls get errors, and that of the lost session has the code 32600, without the minus. What
# helps is to start the bridge anew, and nothing tells the client so.
#
# Needs Python 3.10 or newer with venv, and PyPI. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
python3 -m venv "$temp/venv"
"$temp/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$here/mcp-proxy-0.13.0.txt"

cat >"$temp/finding.py" <<'PYTHON'
import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

sessions = set()
methods = []


class Server(BaseHTTPRequestHandler):
    """An MCP server with the tool `good`; it has had a second one."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(405)

    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        method, params = message["method"], message.get("params") or {}
        methods.append(method)
        session = self.headers.get("Mcp-Session-Id")
        reply = {"jsonrpc": "2.0", "id": message.get("id")}
        if method == "initialize":
            session = f"session-{len(methods)}"
            sessions.add(session)
            version, info = params["protocolVersion"], {"name": "finding", "version": "1"}
            result = {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": info}
        elif session not in sessions:
            return self.answer(404, reply | {"error": {"code": -32001, "message": "Session not found"}})
        elif "id" not in message:
            return self.answer(202)
        elif method == "tools/list":
            result = {"tools": [{"name": name, "inputSchema": {"type": "object"}} for name in ("good", "old")]}
        elif params["name"] == "good":
            result = {"content": [{"type": "text", "text": "good"}]}
        else:
            return self.answer(200, reply | {"error": {"code": -32602, "message": "Unknown tool"}})
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


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}/mcp"
pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
bridge = subprocess.Popen([sys.argv[1], "--transport", "streamablehttp", url], text=True, **pipes)
watch = threading.Timer(60, bridge.kill)
watch.daemon = True
watch.start()
sent = 0


def send(message):
    bridge.stdin.write(json.dumps({"jsonrpc": "2.0"} | message) + "\n")
    bridge.stdin.flush()


def ask(method, **params):
    """What the client gets: an error, or of a result whether the tool failed and what it said."""
    global sent
    sent += 1
    send({"id": sent, "method": method, "params": params})
    answer = json.loads(bridge.stdout.readline())
    assert answer["id"] == sent, answer
    if "error" in answer:
        return "error", answer["error"]["code"], answer["error"]["message"]
    result = answer["result"]
    return "result", result.get("isError"), result.get("content", [{}])[0].get("text")


def expect(what, seen, wanted):
    print(f"{what}: {seen}")
    assert seen == wanted, f"expected {wanted}"


client = {"name": "finding", "version": "1"}
ask("initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo=client)
send({"method": "notifications/initialized"})
expect("a call", ask("tools/call", name="good", arguments={}), ("result", False, "good"))
expect("a tool that is gone", ask("tools/call", name="old", arguments={}), ("result", True, "Unknown tool"))
sessions.clear()
for what in ("a call after the server has started anew", "the next call"):
    expect(what, ask("tools/call", name="good", arguments={}), ("result", True, "Session terminated"))
expect("the list of tools", ask("tools/list"), ("error", 32600, "Session terminated"))
expect("sessions that the bridge began", methods.count("initialize"), 1)
bridge.kill()
PYTHON
PYTHONDONTWRITEBYTECODE=1 timeout 100 "$temp/venv/bin/python" -W ignore "$temp/finding.py" "$temp/venv/bin/mcp-proxy"
echo "as seen on 2026-11-28"
