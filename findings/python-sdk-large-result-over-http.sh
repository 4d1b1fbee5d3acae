#!/usr/bin/env bash
# mcp==2.3.0 (the official MCP SDK for Python): one tool whose result has 2 MB, called with the SDK's client at the SDK's
# server, both as they are by default, over Streamable HTTP and over stdio.
#
# One would guess: a client and a server of the same SDK, of the same version, take from each other what they may send; what
# arrives over one transport arrives over the other.
#
# Seen on 2026-11-28, Python 3.11: in a session (`mode="legacy"`: a revision up to 2025-11-25) the server answers with an
# event, and the client takes events of up to 1 MiB: the call fails with `MCPError`, "Server-sent event exceeded the 1048576
# byte limit", after the tool has run. With 2026-07-28, which both speak by default, with `json_response=True` and over stdio
# the same result arrives. So what such a client can read depends on the revision and on the form of the answer, which only
# the server chooses.
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
import sys

import uvicorn
from mcp import MCPError
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp.server.mcpserver import MCPServer

logging.disable(logging.CRITICAL)
server = MCPServer("finding", log_level="CRITICAL")
calls = 0


@server.tool(structured_output=False)
def size(bytes: int) -> str:
    global calls
    calls += 1
    return "x" * bytes


async def ask(way, mode):
    """Returns what becomes of a result of half a megabyte, and of one of two."""
    said = []
    async with Client(way, mode=mode) as client:
        for count in (500_000, 2_000_000):
            try:
                result = await client.call_tool("size", {"bytes": count})
                said.append("arrives" if len(result.content[0].text) == count else "something else")
            except MCPError as err:
                said.append(str(err))
    return said


async def main():
    global calls
    both = ["arrives", "arrives"]
    fails = ["arrives", "SSE stream failed: Server-sent event exceeded the 1048576 byte limit."]
    for is_json in (False, True):
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        app = server.streamable_http_app(json_response=is_json)
        http = uvicorn.Server(uvicorn.Config(app, log_level="critical"))
        running = asyncio.create_task(http.serve([listener]))
        while not http.started:
            await asyncio.sleep(0.05)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
        for mode in ("legacy", "auto"):
            calls = 0
            said = await ask(url, mode)
            print(f"HTTP, {mode}, json_response={is_json}: {said}, {calls} calls")
            assert said == (fails if mode == "legacy" and not is_json else both)
            assert calls == 2
        http.should_exit = True
        await running
    said = await ask(StdioServerParameters(command=sys.executable, args=[__file__, "--stdio"]), "legacy")
    print(f"stdio, legacy: {said}")
    assert said == both


if "--stdio" in sys.argv:
    server.run()
else:
    asyncio.run(main())
PYTHON
PYTHONDONTWRITEBYTECODE=1 "$temp/venv/bin/python" -W ignore "$temp/finding.py"
echo "as before"
