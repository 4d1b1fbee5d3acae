#!/usr/bin/env bash
# Authlib==1.9.10 as the client of a web application on Flask 3.1.3, with the session of Flask, and an OpenID provider: `/login` calls
# `authorize_redirect`, as its documentation has it. A user is logged out while a page is open that goes on asking in the background,
# and each of its requests is redirected to `/login`, which nobody finishes.
#
# One would guess: what is not finished is forgotten, by the next one at the latest or when it expires, after an hour; a user who
# logs in then is logged in.
#
# Seen on 2026-11-29, Python 3.11, curl 7.88.1 as the browser: each one adds its state to the session, and only a login that succeeds
# takes old ones away. After some twenty of them the cookie of the session would be larger than 4,096 bytes, which browsers and curl do
# not store, without a word: they go on sending the one before. From then on each login, by hand and with the right password, ends with
# `mismatching_state`, a day later too, as none succeeds that would clear the session, until the user deletes the cookie.
# With Starlette the same library keeps the last one alone.
#
# Needs curl, Python 3.10 or newer with venv, and PyPI. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-deps --no-compile \
    Authlib==1.9.10 joserfc==1.8.0 cryptography==50.0.2 cffi==2.1.1 pycparser==3.12 Flask==3.1.3 Werkzeug==3.1.9 Jinja2==3.1.6 \
    MarkupSafe==3.0.4 itsdangerous==2.2.0 click==8.5.1 blinker==1.9.0 starlette==1.10.0 uvicorn==0.54.0 h11==0.16.0 anyio==4.16.0 \
    httpx==0.28.1 httpcore==1.0.9 requests==2.34.2 charset-normalizer==3.5.3 urllib3==2.8.0 idna==3.20 certifi==2026.10.19.post1 \
    typing_extensions==4.16.0

cat >finding.py <<'PYTHON'
import json
import logging
import os
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from urllib.parse import parse_qs, urlencode, urlsplit

import flask
import uvicorn
from authlib.integrations import flask_client, starlette_client
from authlib.integrations.base_client import OAuthError, framework_integration
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from werkzeug.serving import make_server

logging.getLogger("werkzeug").setLevel(logging.ERROR)
os.environ |= {"NO_PROXY": "*", "no_proxy": "*"}


class Provider(BaseHTTPRequestHandler):
    """An OpenID provider whose users agree at once."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        base, url = f"http://{self.headers['Host']}", urlsplit(self.path)
        if url.path == "/authorize":
            query = parse_qs(url.query)
            answer = urlencode({"code": "a-code", "state": query["state"][0]})
            return self.answer(302, {}, {"Location": f"{query['redirect_uri'][0]}?{answer}"})
        self.answer(200, {"issuer": base, "authorization_endpoint": f"{base}/authorize", "token_endpoint": f"{base}/token"})

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(200, {"access_token": "a-token", "token_type": "Bearer", "expires_in": 3600})

    def answer(self, status, body, headers={}):
        body = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


provider = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
threading.Thread(target=provider.serve_forever, daemon=True).start()
registration = {
    "client_id": "a-client",
    "client_secret": "a-secret",
    "server_metadata_url": f"http://127.0.0.1:{provider.server_port}/.well-known/openid-configuration",
    "client_kwargs": {"scope": "openid profile email", "code_challenge_method": "S256"},
}


def with_flask():
    """Starts the application, and returns its port."""
    application = flask.Flask("finding")
    application.secret_key = "a-secret-of-the-application-itself"
    client = flask_client.OAuth(application).register("provider", **registration)

    @application.get("/login")
    def login():
        return client.authorize_redirect(flask.url_for("callback", _external=True))

    @application.get("/callback")
    def callback():
        try:
            client.authorize_access_token()
        except OAuthError as error:
            return error.error
        return "logged in"

    server = make_server("127.0.0.1", 0, application, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


def with_starlette():
    client = starlette_client.OAuth().register("provider", **registration)

    async def login(request):
        return await client.authorize_redirect(request, str(request.url_for("callback")))

    async def callback(request):
        try:
            await client.authorize_access_token(request)
        except OAuthError as error:
            return PlainTextResponse(error.error)
        return PlainTextResponse("logged in")

    application = Starlette(
        routes=[Route("/login", login), Route("/callback", callback, name="callback")],
        middleware=[Middleware(SessionMiddleware, secret_key="a-secret-of-the-application-itself")],
    )
    server = uvicorn.Server(uvicorn.Config(application, "127.0.0.1", 0, log_level="error"))
    threading.Thread(target=server.run, daemon=True).start()
    while not server.started:
        time.sleep(0.02)
    return server.servers[0].sockets[0].getsockname()[1]


def browser(port, cookies, *options):
    """What the browser with these cookies shows for /login."""
    command = ["curl", "--silent", "--noproxy", "*", "--cookie", cookies, "--cookie-jar", cookies, *options]
    command.append(f"http://127.0.0.1:{port}/login")
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=60).stdout


def login(port, cookies):
    return browser(port, cookies, "--location")


def expect(what, seen, wanted):
    print(f"{what}: {seen}")
    assert seen == wanted, f"expected {wanted}"


for name, start, after in ("Flask", with_flask, "mismatching_state"), ("Starlette", with_starlette, "logged in"):
    port = start()
    expect(f"{name}, a login", login(port, f"{name}-new"), "logged in")
    for _ in range(15):
        browser(port, f"{name}-15")
    expect(f"{name}, a login after 15 that were not finished", login(port, f"{name}-15"), "logged in")
    for _ in range(25):
        browser(port, name)
    expect(f"{name}, a login after 25 that were not finished", login(port, name), after)
    expect(f"{name}, and once more", login(port, name), after)
    if name == "Flask":
        # A day later by the clock of the library.
        framework_integration.time = SimpleNamespace(time=lambda: time.time() + 24 * 3600)
        expect(f"{name}, a day later", login(port, name), after)
        os.remove(name)
        expect(f"{name}, without the cookie", login(port, name), "logged in")
PYTHON
AUTHLIB_INSECURE_TRANSPORT=1 PYTHONDONTWRITEBYTECODE=1 venv/bin/python -W ignore finding.py
echo "as seen on 2026-11-29"
