#!/usr/bin/env bash
# fastmcp==4.2.3 (Python) as the stdio bridge (`fastmcp run URL`) between a client on mcp==2.3.0 and a server on mcp==1.30.0,
# the official SDK for Python before and after the revision 2026-07-28 of MCP.
#
# One would guess: the client asks for the newer revision with `server/discover` and falls back to `initialize` where the
# server does not know it; a bridge passes that refusal on, or translates between the two, or fails.
#
# Seen on 2026-11-28, Python 3.11: the bridge agrees to 2026-07-28 before it has asked the server, and then sends the server
# requests of that revision without `initialize`, which it refuses: `Missing session ID`. The bridge turns that into an empty
# list. So the connection stands, the server has no tools, and a call of one is `Unknown tool`; no error reaches the
# client. Nothing has changed at the server or in the bridge's configuration: an update of the client brings this about, as its
# default is to ask. With `mode="legacy"` in the client all is well, and so it is without the bridge, in either mode.
#
# Needs Python 3.10 or newer with venv, and PyPI. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
server=
trap '[[ -z $server ]] || kill "$server"; rm -rf "$temp"' EXIT
cd "$temp"
for part in fastmcp-4.2.3 mcp-proxy-0.13.0; do
    python3 -m venv "$part"
    "$part/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$here/$part.txt"
done
export HOME="$temp" PYTHONDONTWRITEBYTECODE=1

cat >server.py <<'PYTHON'
import socket

import uvicorn
from mcp.server.fastmcp import FastMCP

server = FastMCP("finding", log_level="CRITICAL")


@server.tool()
def hello() -> str:
    return "hello"


listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
uvicorn.Server(uvicorn.Config(server.streamable_http_app(), log_level="critical")).run(sockets=[listener])
PYTHON

cat >finding.py <<'PYTHON'
import sys

import anyio
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

bridge, url = sys.argv[1], f"http://127.0.0.1:{sys.argv[2]}/mcp"


async def tools(server, mode):
    with anyio.fail_after(60):
        async with Client(server, mode=mode) as client:
            names = [tool.name for tool in (await client.list_tools()).tools]
            called = await client.call_tool("hello", {})
            return client.protocol_version, names, called.content[0].text


def expect(what, server, mode, wanted):
    seen = anyio.run(tools, server, mode)
    print(f"{what}, mode {mode}: {seen}")
    assert seen == wanted, f"expected {wanted}"


old = ("2025-11-25", ["hello"], "hello")
for mode in ("legacy", "auto"):
    expect("without the bridge", url, mode, old)
parameters = StdioServerParameters(command=bridge, args=["run", url, "--no-banner", "--log-level", "CRITICAL"])
expect("with the bridge", stdio_client(parameters), "legacy", old)
expect("with the bridge", stdio_client(parameters), "auto", ("2026-07-28", [], "Unknown tool: 'hello'"))
PYTHON
mkfifo port
mcp-proxy-0.13.0/bin/python -W ignore server.py >port 2>server.log &
server=$!
read -r port <port
fastmcp-4.2.3/bin/python -W ignore finding.py "$temp/fastmcp-4.2.3/bin/fastmcp" "$port" 2>log || { cat log; exit 1; }
echo "as seen on 2026-11-28"
