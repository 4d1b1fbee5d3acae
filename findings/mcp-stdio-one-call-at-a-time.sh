#!/usr/bin/env bash
# mcp-stdio 0.45.2 (Python) as the stdio bridge to a Streamable HTTP server: one slow call, and what the client sends meanwhile.
#
# One would guess: a bridge passes each message on when it comes, so that a second call and a `ping` are answered at once,
# and a cancellation reaches the server while there is something to cancel.
#
# Seen on 2026-11-28, Python 3.11: the next message goes to the server when the one before it has been answered. The quick call
# and the `ping` wait as long as the slow call takes, and the cancellation of the slow call reaches the server after its
# answer, which the client gets all the same. So a client that pings to learn whether the server lives finds it dead during
# each long call, and two calls of which one waits for the other never end.
#
# Needs Python 3.10 or newer with venv, and PyPI. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
python3 -m venv "$temp/venv"
"$temp/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps mcp-stdio==0.45.2 httpx==0.28.1 httpcore==1.0.9 \
    h11==0.16.0 certifi==2026.10.19.post1 idna==3.20 anyio==4.16.0 typing_extensions==4.16.0

cat >"$temp/finding.py" <<'PYTHON'
import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

seen = []
enough = threading.Event()


class Server(BaseHTTPRequestHandler):
    """An MCP server. Its tool `slow` is answered when the other messages have come, or after three seconds without them."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(405)

    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        method, params = message["method"], message.get("params", {})
        if method == "initialize":
            result = {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}}}
            result["serverInfo"] = {"name": "finding", "version": "1"}
        else:
            result = {"content": []} if method == "tools/call" else {}
            what = params.get("name", method)
            seen.append(what)
            if what == "slow":
                enough.wait(3)
                seen.append("answer to slow")
            if {"quick", "ping", "notifications/cancelled"} <= set(seen):
                enough.set()
        if "id" not in message:
            return self.answer(202)
        self.answer(200, {"jsonrpc": "2.0", "id": message["id"], "result": result})

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
pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
bridge = subprocess.Popen([sys.argv[1], url], text=True, **pipes)


def send(method, params=None, id=None):
    message = {"jsonrpc": "2.0", "method": method, "params": params or {}} | ({"id": id} if id else {})
    bridge.stdin.write(json.dumps(message) + "\n")
    bridge.stdin.flush()


def read():
    return json.loads(bridge.stdout.readline())["id"]


client = {"name": "finding", "version": "1"}
send("initialize", {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client}, 1)
assert read() == 1
send("notifications/initialized")
send("tools/call", {"name": "slow", "arguments": {}}, 2)
send("tools/call", {"name": "quick", "arguments": {}}, 3)
send("ping", id=4)
send("notifications/cancelled", {"requestId": 2})
answers = [read() for _ in range(3)]
enough.wait(10)
bridge.kill()

print(f"the server saw: {seen[1:]}")
print(f"answers in the order of: {answers}")
assert seen[1:] == ["slow", "answer to slow", "quick", "ping", "notifications/cancelled"]
assert answers == [2, 3, 4]
PYTHON
PYTHONDONTWRITEBYTECODE=1 "$temp/venv/bin/python" -W ignore "$temp/finding.py" "$temp/venv/bin/mcp-stdio"
echo "as seen on 2026-11-28"
