#!/usr/bin/env bash
# google-auth 2.63.0 on requests 2.34.2 (Python), and aiohttp 3.14.5, where `~/.netrc` has a line for the host of the API,
# as git and curl use it. The program gives the header `Authorization: Bearer` itself, or lets `AuthorizedSession` do it.
#
# One would guess: a header that the program sets is the one that is sent, and a file for other programs changes at most
# requests that have none.
#
# Seen on 2026-11-28, Python 3.11: requests sends the user name and password of the file in the token's place, without a
# word, so that a good token is answered with 401 on this computer and on no other. `AuthorizedSession` of google-auth,
# which exists to send a token, is no exception, and its refresh sends that user name and password to the token endpoint
# beside the client's secret in the body, which are two methods where RFC 6749 section 2.3 allows one. aiohttp, told to use
# the proxy of the environment (`trust_env`), refuses every request that has a token. httpx 0.28.1 and Authlib 1.9.10 on
# requests send the token. The port does not matter: the file knows hosts only, so a line for one server on 127.0.0.1 is one
# for all.
#
# Needs Python 3.10 or newer with venv, and PyPI. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
python3 -m venv "$temp/venv"
"$temp/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps google-auth==2.63.0 cryptography==50.0.2 cffi==2.1.1 \
    pycparser==3.12 pyasn1_modules==0.4.2 pyasn1==0.6.5 requests==2.34.2 charset-normalizer==3.5.3 urllib3==2.8.0 \
    Authlib==1.9.10 joserfc==1.8.0 httpx==0.28.1 httpcore==1.0.9 h11==0.16.0 anyio==4.16.0 typing_extensions==4.16.0 \
    idna==3.20 certifi==2026.10.19.post1 aiohttp==3.14.5 aiohappyeyeballs==2.7.1 aiosignal==1.4.0 attrs==26.1.0 \
    frozenlist==1.8.0 multidict==7.2.1 propcache==0.5.4 yarl==1.25.1

cat >"$temp/finding.py" <<'PYTHON'
import asyncio
import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import aiohttp
import httpx
import requests
from authlib.integrations.requests_client import OAuth2Session
from google.auth.transport.requests import AuthorizedSession, Request
from google.oauth2.credentials import Credentials

seen = []


class Server(BaseHTTPRequestHandler):
    """The API, and the token endpoint."""

    def do_GET(self):
        self.answer({})

    def do_POST(self):
        self.answer({"access_token": "new", "token_type": "Bearer", "expires_in": 3600})

    def answer(self, body):
        form = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        seen.append((self.headers["Authorization"], parse_qs(form)))
        body = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}/"

os.environ["HOME"] = sys.argv[1]
with open(f"{sys.argv[1]}/.netrc", "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as netrc:
    netrc.write("machine 127.0.0.1 login ann password secret\n")

bearer = {"Authorization": "Bearer token"}
tokens = {"access_token": "token", "token_type": "Bearer"}
credentials = Credentials("token", refresh_token="refresh", token_uri=url, client_id="client", client_secret="its secret")


async def with_aiohttp():
    async with aiohttp.ClientSession(trust_env=True) as session, session.get(url, headers=bearer):
        pass


def sent(name, request):
    request()
    header, form = seen.pop()
    print(f"{name}: {header}{', and in the body ' + ', '.join(form) if form else ''}")
    return header


assert sent("requests", lambda: requests.get(url, headers=bearer)).startswith("Basic ")
assert sent("AuthorizedSession of google-auth", lambda: AuthorizedSession(credentials).get(url)).startswith("Basic ")
assert sent("refresh of google-auth", lambda: credentials.refresh(Request())).startswith("Basic ")
assert sent("httpx", lambda: httpx.get(url, headers=bearer)) == "Bearer token"
assert sent("Authlib", lambda: OAuth2Session("client", token=tokens).get(url)) == "Bearer token"
try:
    asyncio.run(with_aiohttp())
    raise SystemExit("aiohttp sends the request")
except ValueError as error:
    print(f"aiohttp: {error}")
    assert not seen
PYTHON
mkdir "$temp/home"
"$temp/venv/bin/python" "$temp/finding.py" "$temp/home"
echo "as seen on 2026-11-28"
