#!/usr/bin/env bash
# requests-oauthlib==2.0.0 on oauthlib==4.0.1 (Python): `OAuth2Session` with `auto_refresh_url`, at a server that rotates
# refresh tokens and whose administrator has taken one scope of two away, which the answer to the refresh says in `scope` as
# RFC 6749 section 5.1 demands.
#
# One would guess: the session goes on with less, or reports it by an error of OAuth, with the login as good as before. The new
# tokens were issued, after all.
#
# Seen on 2026-11-28, Python 3.11: the request ends in a bare `Warning`, raised as an exception; neither `OAuth2Error` nor an
# error of requests catches it. The answer is thrown away with the new refresh token in it: the session keeps the old one,
# which is used up, and `token_updater` is not called. So the next request is `invalid_grant`, and a change of one scope costs
# each user the login, while the server still holds a good refresh token that nobody has.
#
# Needs Python 3.10 or newer with venv, and PyPI. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
python3 -m venv "$temp/venv"
"$temp/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps requests-oauthlib==2.0.0 oauthlib==4.0.1 requests==2.34.2 \
    urllib3==2.8.0 idna==3.20 certifi==2026.10.19.post1 charset-normalizer==3.5.3

cat >"$temp/finding.py" <<'PYTHON'
import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import requests
from oauthlib.oauth2 import OAuth2Error
from requests_oauthlib import OAuth2Session

# Its way to allow http, here on loopback.
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"


class Server(BaseHTTPRequestHandler):
    """A token endpoint, and something to ask. `good` is the one refresh token that it takes."""

    def do_POST(self):
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        server = self.server
        if form["refresh_token"] != [server.good]:
            return self.answer(400, {"error": "invalid_grant"})
        server.count += 1
        server.good = f"refresh-{server.count}"
        tokens = {"access_token": f"access-{server.count}", "token_type": "Bearer", "expires_in": 3600}
        self.answer(200, tokens | {"refresh_token": server.good, "scope": server.scope})

    def do_GET(self):
        self.answer(200, {})

    def answer(self, status, body):
        body = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def serve(scope):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    server.good, server.count, server.scope = "refresh-0", 0, scope
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def two_requests(scope):
    """What two requests end in whose access token has expired, and which refresh token is stored then."""
    server = serve(scope)
    base = f"http://127.0.0.1:{server.server_port}"
    stored = {"access_token": "access-0", "token_type": "Bearer", "refresh_token": "refresh-0", "expires_in": -1}
    saved = []
    session = OAuth2Session(
        "client",
        scope=["read", "write"],
        token=stored,
        auto_refresh_url=f"{base}/token",
        auto_refresh_kwargs={"client_id": "client"},
        token_updater=lambda token: saved.append(token["refresh_token"]),
    )
    session.trust_env = False
    ends = []
    for _ in range(2):
        try:
            ends.append(session.get(f"{base}/api").status_code)
        except (OAuth2Error, requests.RequestException) as error:
            ends.append(error.error)
        except Exception as error:
            ends.append(type(error).__name__)
    return ends, saved, session.token["refresh_token"], server.good


def expect(what, seen, wanted):
    print(f"{what}: {seen}")
    assert seen == wanted, f"expected {wanted}"


print("two requests; what was saved; what the session holds; what the server takes")
expect("both scopes", two_requests("read write"), ([200, 200], ["refresh-1"], "refresh-1", "refresh-1"))
expect("one scope taken away", two_requests("read"), (["Warning", "invalid_grant"], [], "refresh-0", "refresh-1"))
PYTHON
PYTHONDONTWRITEBYTECODE=1 "$temp/venv/bin/python" "$temp/finding.py"
echo "as seen on 2026-11-28"
