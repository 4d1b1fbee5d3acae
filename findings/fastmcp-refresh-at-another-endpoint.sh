#!/usr/bin/env bash
# fastmcp==4.2.3 (Python): its `OAuth` with a token storage that keeps all it is given, in a program that starts again. The
# authorization server is at another origin than the MCP server, and its token endpoint is /oauth/token.
#
# One would guess: the program refreshes at the token endpoint of the server that issued the refresh token. It kept the time
# at which the access token expires, so that it refreshes ahead of a 401 where the SDK below it does not.
#
# Seen on 2026-11-28, Python 3.11: the first request of a program with an expired token is the refresh, sent to /token at the
# *MCP server*, because the metadata that name the token endpoint are not stored and only a 401 has them fetched.
# The MCP server gets the refresh token and answers 404. Then the 401 comes, the metadata are fetched, and a login page opens,
# although the refresh token was good. A program that has logged in by itself refreshes where it should.
#
# Needs Python 3.10 or newer with venv, and PyPI. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
python3 -m venv "$temp/venv"
"$temp/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$here/fastmcp-4.2.3.txt"

HOME="$temp" PYTHONDONTWRITEBYTECODE=1 "$temp/venv/bin/python" -W ignore - <<'PYTHON'
import asyncio
import json
import logging
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import httpx2
from fastmcp.client.auth import OAuth
from key_value.aio.stores.memory import MemoryStore
from mcp.client.auth import AuthorizationCodeResult

logging.disable(logging.CRITICAL)


class Server(BaseHTTPRequestHandler):
    """The MCP server, or the authorization server, which is the one that has a token endpoint."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if "protected-resource" in self.path:
            mcp = f"http://{self.headers['Host']}/mcp"
            return self.answer(200, {"resource": mcp, "authorization_servers": [issuer.base]})
        if self.server is not issuer or "oauth-authorization-server" not in self.path:
            return self.answer(404, {})
        metadata = {
            "issuer": issuer.base,
            "authorization_endpoint": f"{issuer.base}/authorize",
            "token_endpoint": f"{issuer.base}/oauth/token",
            "registration_endpoint": f"{issuer.base}/register",
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none"],
        }
        self.answer(200, metadata)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        grant = parse_qs(body).get("grant_type")
        if grant:
            where = "authorization server" if self.server is issuer else "MCP server"
            requests.append(f"{grant[0]} at {self.path} of the {where}")
        if self.path == "/mcp":
            is_live = self.headers.get("Authorization") == f"Bearer access-{len(requests)}"
            return self.answer(200 if is_live else 401, {})
        if self.server is issuer and self.path == "/register":
            return self.answer(201, json.loads(body) | {"client_id": "client"})
        if self.server is issuer and self.path == "/oauth/token":
            number = len(requests)
            tokens = {"access_token": f"access-{number}", "refresh_token": f"refresh-{number}"}
            return self.answer(200, tokens | {"token_type": "Bearer", "expires_in": 1})
        self.answer(404, {})

    def answer(self, status, body):
        body = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def serve():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    server.base = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


class Program(OAuth):
    """The program as it comes, with a person who says yes in place of the browser."""

    async def redirect_handler(self, page):
        requests.append("login page")
        self.page = page

    async def callback_handler(self):
        return AuthorizationCodeResult(code="code", state=parse_qs(urlsplit(self.page).query)["state"][0])


async def main():
    store = MemoryStore()
    mcp = f"{resource.base}/mcp"

    def start():
        return httpx2.AsyncClient(auth=Program(mcp, token_storage=store), trust_env=False)

    async def call(client, title):
        requests.clear()
        assert (await client.post(mcp, json={})).status_code == 200
        print(f"{title}: {requests}")
        return list(requests)

    login = ["login page", "authorization_code at /oauth/token of the authorization server"]
    first = start()
    assert await call(first, "the first call") == login
    await asyncio.sleep(1.1)
    seen = await call(first, "the same program after the expiry")
    assert seen == ["refresh_token at /oauth/token of the authorization server"], seen
    await asyncio.sleep(1.1)
    seen = await call(start(), "a new program after the expiry")
    assert seen == ["refresh_token at /token of the MCP server", *login], seen


requests = []
issuer, resource = serve(), serve()
asyncio.run(main())
PYTHON
echo "as seen on 2026-11-28"
