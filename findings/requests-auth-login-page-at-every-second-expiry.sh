#!/usr/bin/env bash
# requests-auth 8.0.0 and its twin httpx-auth 0.23.1 (Python): `OAuth2AuthorizationCode` on a session that makes one request
# after each expiry, and a server that refreshes without a new refresh token, as RFC 6749 section 6 allows and as Google does.
#
# One would guess: one login page at the first request, then a refresh at each expiry; an outage of the token endpoint is an
# error of that request.
#
# Seen on 2026-11-28, Python 3.11: the login page opens inside every second request. A refresh replaces the whole record, also
# the refresh token, by what the answer holds: nothing. And where the token endpoint answers a refresh with 503, the page opens
# at once, and a login made now drops the old refresh token, which was good. The request waits until the person has logged
# in.
#
# Needs Python 3.10 or newer with venv, and PyPI. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
python3 -m venv "$temp/venv"
"$temp/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps requests_auth==8.0.0 requests==2.34.2 \
    charset-normalizer==3.5.3 urllib3==2.8.0 httpx_auth==0.23.1 httpx==0.28.1 httpcore==1.0.9 h11==0.16.0 anyio==4.16.0 \
    typing_extensions==4.16.0 idna==3.20 certifi==2026.10.19.post1

cat >"$temp/finding.py" <<'PYTHON'
import json
import socket
import threading
import time
import urllib.request
import webbrowser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import httpx_auth
import requests
import requests_auth

seen = []
outage = False


class Server(BaseHTTPRequestHandler):
    """Authorization server whose person always agrees, and the API, which takes every token."""

    def do_GET(self):
        if not self.path.startswith("/authorize"):
            return self.answer(200, {})
        seen.append("page")
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        self.send_response(302)
        self.send_header("Location", f"{query['redirect_uri']}?{urlencode({'code': 'code', 'state': query['state']})}")
        self.end_headers()

    def do_POST(self):
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        tokens = {"access_token": "access", "token_type": "Bearer", "expires_in": 1}
        if form["grant_type"] == ["authorization_code"]:
            return self.answer(200, tokens | {"refresh_token": "refresh"})
        assert form["refresh_token"] == ["refresh"]
        seen.append("refresh")
        self.answer(503, {"error": "temporarily_unavailable"}) if outage else self.answer(200, tokens)

    def answer(self, status, body):
        body = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Browser(webbrowser.BaseBrowser):
    def open(self, url, **_):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        threading.Thread(target=lambda: opener.open(url).read(), daemon=True).start()
        return True


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def four_requests(library, client):
    """What each of four requests caused, each made after the token of the one before has expired."""
    what = {"client_id": "client", "case": str(outage), "redirect_uri_port": free_port()}
    auth = library.OAuth2AuthorizationCode(f"{base}/authorize", f"{base}/token", **what)
    caused = []
    for _ in range(4):
        seen.clear()
        assert client.get(f"{base}/api", auth=auth).status_code == 200
        caused.append(" ".join(seen))
        time.sleep(0.05)
    return caused


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
base = f"http://127.0.0.1:{server.server_port}"
webbrowser.register("person", None, Browser(), preferred=True)
session = requests.Session()
session.trust_env = False
for library, client in ((requests_auth, session), (httpx_auth, httpx.Client(trust_env=False))):
    for outage, title, wanted in (
        (False, "refreshes", ["page", "refresh", "page", "refresh"]),
        (True, "503 for each refresh", ["page"] + ["refresh page"] * 3),
    ):
        caused = four_requests(library, client)
        print(f"{library.__name__}, {title}: {caused}")
        assert caused == wanted, f"expected {wanted}"
PYTHON
PYTHONDONTWRITEBYTECODE=1 "$temp/venv/bin/python" -W ignore "$temp/finding.py"
echo "as seen on 2026-11-28"
