#!/usr/bin/env bash
# mcp==2.3.0 (the official MCP SDK for Python) at both ends: its client at its authorization server, whose registration gives secrets
# for some time (`client_secret_expiry_seconds`), as RFC 7591 section 3.2.1 provides for.
#
# One would guess: the client reads `client_secret_expires_at`, which it has stored with the secret, and registers anew when that
# time has come; at the latest when the token endpoint says `invalid_client`.
#
# Seen on 2026-11-29, Python 3.11: it does neither. The login page opens, the user agrees, the token endpoint answers 401
# `invalid_client`, "Client secret has expired", and the call raises `OAuthTokenError`. The stored client stays as it is, so each
# later start of the program opens a login page for nothing, until somebody deletes the registration: then the login succeeds.
# The authorization endpoint does not look at the expiry, and shows its page.
#
# Needs Python 3.10 or newer with venv, and PyPI. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
python3 -m venv "$temp/venv"
"$temp/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$here/mcp-2.3.0.txt"

cat >"$temp/finding.py" <<'PYTHON'
import asyncio
import logging
import socket
import threading
import time
from urllib.parse import parse_qs, urlsplit

import httpx2
import uvicorn
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider, OAuthTokenError
from mcp.server.auth.provider import AuthorizationCode
from mcp.server.auth.routes import create_auth_routes
from mcp.server.auth.settings import ClientRegistrationOptions
from mcp.shared.auth import OAuthClientMetadata, OAuthToken
from pydantic import AnyHttpUrl
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

logging.disable(logging.CRITICAL)
REDIRECT_URI = "http://127.0.0.1:53682/callback"


class Provider:
    """What the SDK's authorization server asks of a program. The user agrees at once."""

    def __init__(self):
        self.clients, self.asked, self.live = {}, None, None

    async def get_client(self, client_id):
        return self.clients.get(client_id)

    async def register_client(self, client):
        self.clients[client.client_id] = client

    async def authorize(self, client, params):
        self.asked = client.client_id, params
        return f"{params.redirect_uri}?code=a-code&state={params.state}"

    async def load_authorization_code(self, client, code):
        client_id, asked = self.asked
        return AuthorizationCode(
            code=code,
            scopes=[],
            expires_at=time.time() + 60,
            client_id=client_id,
            code_challenge=asked.code_challenge,
            redirect_uri=asked.redirect_uri,
            redirect_uri_provided_explicitly=True,
        )

    async def exchange_authorization_code(self, client, code):
        self.live = f"token-of-{client.client_id}"
        return OAuthToken(access_token=self.live, token_type="Bearer", expires_in=3600)


provider = Provider()
listener = socket.create_server(("127.0.0.1", 0))
base = f"http://127.0.0.1:{listener.getsockname()[1]}"
url = f"{base}/mcp"


async def mcp(request):
    live = provider.live and request.headers.get("authorization") == f"Bearer {provider.live}"
    return JSONResponse({}, 200 if live else 401)


async def resource(request):
    return JSONResponse({"resource": url, "authorization_servers": [f"{base}/"]})


routes = create_auth_routes(
    provider,
    AnyHttpUrl(f"{base}/"),
    client_registration_options=ClientRegistrationOptions(enabled=True, client_secret_expiry_seconds=2),
)
routes += [Route("/mcp", mcp, methods=["POST"]), Route("/.well-known/oauth-protected-resource/mcp", resource)]
server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes), log_level="critical"))
threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True).start()


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


async def start(storage):
    """A program that starts and makes a call: how many login pages it opens, and what comes of it."""
    pages = []

    async def opened(page):
        pages.append(page)

    async def returned():
        async with httpx2.AsyncClient(trust_env=False, timeout=30) as browser:
            location = (await browser.get(pages[-1])).headers["location"]
        answer = parse_qs(urlsplit(location).query)
        return AuthorizationCodeResult(code=answer["code"][0], state=answer["state"][0])

    auth = OAuthClientProvider(url, OAuthClientMetadata(redirect_uris=[REDIRECT_URI]), storage, opened, returned)
    async with httpx2.AsyncClient(auth=auth, trust_env=False, timeout=30) as client:
        try:
            outcome = (await client.post(url, json={})).status_code
        except OAuthTokenError as error:
            outcome = "invalid_client" if "invalid_client" in str(error) and "has expired" in str(error) else str(error)
    return len(pages), outcome


def expect(what, seen, wanted):
    print(f"{what}: {seen}")
    assert seen == wanted, f"expected {wanted}"


async def main():
    storage = Storage()
    expect("first start, (login pages, outcome)", await start(storage), (1, 200))
    expires_at = storage.client.client_secret_expires_at
    await asyncio.sleep(expires_at - time.time() + 1.1)
    expect("the client knows that its secret has expired", expires_at < time.time(), True)
    provider.live = None
    expect("a start when the token has ended, too", await start(storage), (1, "invalid_client"))
    expect("the next start", await start(storage), (1, "invalid_client"))
    storage.client = None
    expect("a start without the stored client", await start(storage), (1, 200))


asyncio.run(main())
PYTHON
PYTHONDONTWRITEBYTECODE=1 "$temp/venv/bin/python" -W ignore "$temp/finding.py"
echo "as seen on 2026-11-29"
