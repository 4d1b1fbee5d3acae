#!/usr/bin/env bash
# mcp==2.3.0 (the official MCP SDK for Python): one session with its `OAuthClientProvider` and a live token, at a server that
# answers calls with JSON, as the specification lets each server choose. Two calls at once, of which the first is slow.
#
# One would guess: the authorization adds a header to each request. Two calls are under way at the same time with it as without
# it, and a call that is cancelled is cancelled while the server works on it.
#
# Seen on 2026-11-28, Python 3.11: with the provider the second call is not even sent until the first has been answered, nor is
# the word that the first is cancelled. The provider holds one lock from before a request is sent until the headers of its
# answer have come, and an answer in JSON sends its headers when the tool is done. Without the provider, with the same token in
# a header, both are sent at once. So one call of ten minutes stops everything else of a program, for ten minutes, at servers
# that want a login and answer with JSON, and at no others.
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
import json
import logging
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx2
from mcp import ClientSession
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken

logging.disable(logging.CRITICAL)
# How long the slow tool works, unless something else arrives meanwhile.
PATIENCE = 5


class Server(BaseHTTPRequestHandler):
    """An MCP server that answers with JSON. The slow tool says what arrived while it worked."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        method = message["method"]
        assert self.headers["Authorization"] == "Bearer a-token"
        result = {}
        if method == "initialize":
            info = {"name": "a server", "version": "1"}
            version = message["params"]["protocolVersion"]
            result = {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": info}
        elif method == "tools/list":
            names = ("slow", "quick")
            result = {"tools": [{"name": name, "inputSchema": {"type": "object"}} for name in names]}
        elif method == "notifications/cancelled" or method == "tools/call" and message["params"]["name"] == "quick":
            self.server.arrived.set()
        elif method == "tools/call":
            self.server.working.set()
            self.server.overlapped = self.server.arrived.wait(PATIENCE)
            self.server.done.set()
        if method == "tools/call":
            result = {"content": [{"type": "text", "text": "done"}]}
        self.answer(202 if "id" not in message else 200, {"jsonrpc": "2.0", "id": message.get("id"), "result": result})

    def do_GET(self):
        self.answer(405, None)

    do_DELETE = do_GET

    def answer(self, status, body):
        body = b"" if status != 200 else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            pass

    def log_message(self, *_):
        pass


class Storage:
    """Holds a login."""

    async def get_tokens(self):
        return OAuthToken(access_token="a-token", token_type="Bearer", expires_in=3600)

    async def get_client_info(self):
        return OAuthClientInformationFull(client_id="a-client", redirect_uris=["http://127.0.0.1:53682/callback"])

    async def set_tokens(self, tokens):
        raise AssertionError("no login is made here")

    set_client_info = set_tokens


def serve():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    server.daemon_threads = True
    server.working, server.arrived, server.done = threading.Event(), threading.Event(), threading.Event()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


async def case(title, with_provider, cancel, wanted):
    server = serve()
    url = f"http://127.0.0.1:{server.server_port}/mcp"
    metadata = OAuthClientMetadata(client_name="a program", redirect_uris=["http://127.0.0.1:53682/callback"])
    auth = OAuthClientProvider(url, metadata, Storage()) if with_provider else None
    headers = {} if with_provider else {"Authorization": "Bearer a-token"}
    async with (
        httpx2.AsyncClient(auth=auth, headers=headers, trust_env=False, timeout=60) as client,
        streamable_http_client(url, http_client=client) as streams,
        ClientSession(streams[0], streams[1]) as session,
    ):
        await session.initialize()
        slow = asyncio.create_task(session.call_tool("slow", {}))
        await asyncio.to_thread(server.working.wait)
        if cancel:
            slow.cancel()
        else:
            await session.call_tool("quick", {})
        await asyncio.to_thread(server.done.wait)
        await asyncio.gather(slow, return_exceptions=True)
    what = "the cancellation" if cancel else "the quick call"
    print(f"{title}: {what} arrived while the slow call was under way: {server.overlapped}")
    assert server.overlapped == wanted, f"expected {wanted}"


async def main():
    for cancel in (False, True):
        await case("with the token in a header", False, cancel, True)
        await case("with OAuthClientProvider", True, cancel, False)


asyncio.run(main())
PYTHON
PYTHONDONTWRITEBYTECODE=1 "$temp/venv/bin/python" -W ignore "$temp/finding.py"
echo "as seen on 2026-11-28"
