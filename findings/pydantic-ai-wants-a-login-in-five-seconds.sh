#!/usr/bin/env bash
# pydantic-ai-slim==2.68.0 (Pydantic AI, a framework for agents) with fastmcp==4.2.3, at an MCP server that needs a login:
# `MCPToolset(URL, auth="oauth")`.
#
# One would guess: the user has a few minutes, as with the client of fastmcp on which it is built; the time limit of five seconds that
# the toolset sets for a connection is about the network.
#
# Seen on 2026-11-29, Python 3.11: the login page opens inside the connection, so the user has five seconds for name, password and
# consent. Then the program fails with "Failed to initialize server session", which does not speak of a login, while the callback goes on
# to listen: who comes back from the page later reads that it was successful, and nobody takes the code. The next attempt opens the page
# again, for five seconds. It works for those who need no click there, such as the developer. With `init_timeout=100` there is time.
#
# Needs Python 3.10 or newer with venv, and PyPI. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
python3 -m venv "$temp/venv"
"$temp/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$here/fastmcp-4.2.3.txt"
"$temp/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps pydantic-ai-slim==2.68.0 pydantic-graph==2.68.0 \
    genai-prices==0.2.3 logfire-api==5.6.0
cp "$here/fastmcp_login.py" "$temp/"
cd "$temp"

cat >finding.py <<'PYTHON'
import threading
import time
from urllib.request import Request

import anyio
from fastmcp_login import Browser, expect, later, opener, server, tools, visitors
from pydantic_ai.mcp import MCPToolset


def run(client, seconds):
    """What a client gets whose user needs so many seconds, how often a browser was there, and what the callback answered."""
    callbacks, done = [], threading.Event()

    def user(url):
        time.sleep(seconds)
        # The page, and the one that the callback answers with.
        with opener.open(Request(url, headers={"User-Agent": "a browser", "Cookie": "user=ann"}), timeout=60) as answer:
            callbacks.append("thanked" if "successful" in answer.read().decode() else "refused")
        done.set()

    visitors.clear()
    Browser.then = later(user)

    async def program():
        got = await client()
        # The program goes on to do something else, while the user comes back from the page.
        assert await anyio.to_thread.run_sync(done.wait, 90)
        return got

    return anyio.run(program), "browser" in visitors, callbacks


def toolset(**settings):
    async def tools():
        url = f"http://127.0.0.1:{server.server_port}/mcp"
        try:
            async with MCPToolset(url, auth="oauth", **settings) as toolset:
                return [tool.name for tool in await toolset.list_tools()]
        except RuntimeError as error:
            return str(error)

    return tools


good = (["hello"], True, ["thanked"])
failed = "Client failed to connect: Failed to initialize server session"
expect("the client of fastmcp, a user of 8 seconds", run(tools, 8), good)
expect("the toolset, a user of 2 seconds", run(toolset(), 2), good)
expect("the toolset, a user of 8 seconds", run(toolset(), 8), (failed, True, ["thanked"]))
expect("the next attempt", run(toolset(), 8), (failed, True, ["thanked"]))
expect("with init_timeout=100", run(toolset(init_timeout=100), 8), good)
PYTHON
HOME="$temp" PYTHONDONTWRITEBYTECODE=1 venv/bin/python -W ignore finding.py 2>log || { cat log; exit 1; }
echo "as seen on 2026-11-29"
