#!/usr/bin/env bash
# mcp==2.3.0 (the official MCP SDK for Python): its `OAuthClientProvider`, with a token storage that keeps all it is given,
# and a server that issues refresh tokens.
#
# One would guess: a client that holds a refresh token uses it when its access token is refused, and a person sees a login
# page only when the refresh token is refused too (RFC 6749 section 1.5). So a storage that persists is all that a program
# needs to start again without a login.
#
# Seen on 2026-11-27, Python 3.11: one thing alone makes it refresh, that `expires_in` of an answer which this very process
# received has run out. That time is not stored, and each 401 begins a whole login. The refresh token is not used, and the
# login page opens,
# - in a program that starts after the stored access token has expired;
# - where the server ends an access token early;
# - where the server sends no `expires_in` (RFC 6749 section 5.1 only recommends it), whenever an access token ends.
# And where the token endpoint answers one refresh with 503, it is not tried again: the login page opens there too.
#
# Needs Python 3.10 or newer with venv, and PyPI. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
python3 -m venv "$temp/venv"
"$temp/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$here/mcp-2.3.0.txt"

PYTHONDONTWRITEBYTECODE=1 "$temp/venv/bin/python" -W ignore - <<'PYTHON'
import asyncio
import json
import logging
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import httpx2
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.shared.auth import OAuthClientMetadata

logging.disable(logging.CRITICAL)


class Server(BaseHTTPRequestHandler):
    """Resource server and authorization server in one. `live` holds the one access token that it accepts."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        base = f"http://{self.headers['Host']}"
        resource = {"resource": f"{base}/mcp", "authorization_servers": [base]}
        issuer = {
            "issuer": base,
            "authorization_endpoint": f"{base}/authorize",
            "token_endpoint": f"{base}/token",
            "registration_endpoint": f"{base}/register",
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none"],
        }
        self.answer(200, resource if "protected-resource" in self.path else issuer)

    def do_POST(self):
        state = self.server
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self.path == "/mcp":
            live = self.headers.get("Authorization") in state.live
            return self.answer(200 if live else 401, {})
        if self.path == "/register":
            return self.answer(201, json.loads(body) | {"client_id": "a-client"})
        form = {name: values[0] for name, values in parse_qs(body).items()}
        state.grants.append(form["grant_type"])
        if form["grant_type"] == "refresh_token" and state.busy:
            return self.answer(503, {"error": "temporarily_unavailable"})
        number = len(state.grants)
        state.live = {f"Bearer access-{number}"}
        tokens = {"access_token": f"access-{number}", "token_type": "Bearer", "refresh_token": f"refresh-{number}"}
        self.answer(200, tokens | state.lifetime)

    def answer(self, status, body):
        body = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Storage:
    """Keeps what it is given, as a file would."""

    tokens = client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client


def program(server, storage):
    """A program that starts: an HTTP client with the SDK's authorization, and a person who always agrees."""
    url = f"http://127.0.0.1:{server.server_port}/mcp"
    pages = []

    async def opened(page):
        pages.append(page)
        server.pages += 1

    async def returned():
        state = parse_qs(urlsplit(pages[-1]).query)["state"][0]
        return AuthorizationCodeResult(code="a-code", state=state)

    wanted = OAuthClientMetadata(
        client_name="a program",
        redirect_uris=["http://127.0.0.1:53682/callback"],
        token_endpoint_auth_method="none",
        grant_types=["authorization_code", "refresh_token"],
    )
    auth = OAuthClientProvider(url, wanted, storage, opened, returned)
    client = httpx2.AsyncClient(auth=auth, trust_env=False, timeout=20)

    async def call():
        assert (await client.post(url, json={})).status_code == 200
        return server.pages, server.grants[1:]

    return call


def serve(lifetime):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    server.live, server.grants, server.pages, server.busy, server.lifetime = set(), [], 0, False, lifetime
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


async def case(title, wanted, lifetime, between, restart=False):
    server, storage = serve(lifetime), Storage()
    call = program(server, storage)
    assert await call() == (1, []), "the first call logs in"
    between(server)
    if lifetime.get("expires_in") == 1:
        await asyncio.sleep(1.1)
    seen = await (program(server, storage) if restart else call)()
    print(f"{title}: login pages in all {seen[0]}, requests for tokens after the first: {seen[1]}")
    assert seen == wanted, f"expected {wanted}"


def nothing(server):
    pass


def ends_token(server):
    server.live = set()


def is_busy(server):
    server.busy = True


async def main():
    await case("expires_in has run out", (1, ["refresh_token"]), {"expires_in": 1}, nothing)
    login = (2, ["authorization_code"])
    await case("the same, and the program was started anew", login, {"expires_in": 1}, ends_token, restart=True)
    await case("the server ended the access token early", login, {"expires_in": 3600}, ends_token)
    await case("no expires_in, and the access token has ended", login, {}, ends_token)
    await case("503 for the refresh", (2, ["refresh_token", "authorization_code"]), {"expires_in": 1}, is_busy)


asyncio.run(main())
PYTHON
