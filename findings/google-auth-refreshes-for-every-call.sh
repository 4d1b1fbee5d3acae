#!/usr/bin/env bash
# google-auth 2.63.0 (Python), whose `Credentials` serve other authorization servers than Google's, too, with `token_uri`;
# beside it Authlib 1.9.10. The server's access tokens live three minutes.
#
# One would guess: a token is used for most of its life, so a call every second brings a refresh every two or three minutes;
# and several threads with one session wait for one refresh.
#
# Seen on 2026-11-28, Python 3.11: google-auth refreshes before each call. It takes a token for expired 3 minutes and 45
# seconds before its end, so a token that lives no longer is never used twice, and each call waits for the token endpoint.
# Authlib refreshes once. And five threads whose token has expired refresh five times with the same refresh token, whatever
# the life of the tokens: where the server rotates and takes the second use for theft (RFC 9700 section 4.14.2) that is the
# end of the login, and where it merely refuses that, four of the five calls fail.
#
# Needs Python 3.10 or newer with venv, and PyPI. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
python3 -m venv "$temp/venv"
"$temp/venv/bin/pip" install --no-compile --quiet --disable-pip-version-check --no-deps \
    google-auth==2.63.0 cryptography==50.0.2 cffi==2.1.1 pycparser==3.12 pyasn1_modules==0.4.2 pyasn1==0.6.5 requests==2.34.2 charset-normalizer==3.5.3 urllib3==2.8.0 \
    Authlib==1.9.10 joserfc==1.8.0 typing_extensions==4.16.0 idna==3.20 certifi==2026.10.19.post1

"$temp/venv/bin/python" - <<'PYTHON'
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

from authlib.integrations.requests_client import OAuth2Session
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import AuthorizedSession
from google.oauth2.credentials import Credentials

refreshes = []


class Server(BaseHTTPRequestHandler):
    """The API, and a token endpoint that takes each refresh token once, and answers when all threads have asked it."""

    life, together, lock = 0, threading.Barrier(1), threading.Lock()

    def do_GET(self):
        self.answer({})

    def do_POST(self):
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        refresh_token = form["refresh_token"][0]
        with Server.lock:
            is_used = refresh_token in refreshes
            refreshes.append(refresh_token)
            number = len(refreshes)
        Server.together.wait(60)
        if is_used:
            return self.answer({"error": "invalid_grant"}, 400)
        tokens = {"access_token": f"access-{number}", "token_type": "Bearer", "expires_in": Server.life}
        self.answer(tokens | {"refresh_token": f"refresh-{number}"})

    def answer(self, body, status=200):
        body = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}/"


def google_auth():
    return AuthorizedSession(Credentials(None, refresh_token="refresh-0", token_uri=url, client_id="client", client_secret="secret"))


def authlib():
    expired = {"access_token": "access-0", "refresh_token": "refresh-0", "token_type": "Bearer", "expires_at": 1}
    return OAuth2Session("client", "secret", token_endpoint=url, token=expired)


def check(name, session, life, threads, wanted):
    """Makes three calls one after the other, or one in each of some threads."""
    refreshes.clear()
    Server.life, Server.together = life, threading.Barrier(max(threads, 1))
    failed = []

    def call():
        try:
            session.get(url)
        except RefreshError as error:
            failed.append(error.args[0])

    if threads:
        started = [threading.Thread(target=call) for _ in range(threads)]
        for thread in started:
            thread.start()
        for thread in started:
            thread.join()
    else:
        for _ in range(3):
            call()
    calls = f"{threads} calls in threads" if threads else "3 calls"
    print(f"{name}, {life} seconds, {calls}: {refreshes}, {len(failed)} fail")
    assert (refreshes, len(failed)) == wanted, f"expected {wanted}"


check("google-auth", google_auth(), 3600, 0, (["refresh-0"], 0))
check("google-auth", google_auth(), 180, 0, (["refresh-0", "refresh-1", "refresh-2"], 0))
check("Authlib", authlib(), 180, 0, (["refresh-0"], 0))
check("google-auth", google_auth(), 3600, 5, (["refresh-0"] * 5, 4))
PYTHON
echo "as seen on 2026-11-28"
