#!/usr/bin/env bash
# A server on the MCP SDK for Python whose tools are plain functions (`def`), with mcp==1.30.0 and, after the names were changed, with
# mcp==2.3.0; beside it the same with fastmcp==4.2.3. One tool reads an SQLite database that the server has opened at its start, the
# other takes money from an account if there is enough.
#
# One would guess: what is no coroutine runs as before, one call after another, where the server was started; only the names are new.
#
# Seen on 2026-11-29, Python 3.11: since version 2 each call is in a worker thread. So the first tool, which worked, fails at each call, as
# SQLite objects belong to the thread that made them, and the client hears "Error executing tool count" and no reason, which
# version 1 would have sent. And two calls at once, as agents make them, both find enough money, and both take it. It is so
# with fastmcp, which tells the reason. What is `async def` stays in one thread everywhere.
#
# Needs Python 3.11 with venv, and PyPI. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
# The second one has the SDK 1.30.0.
for part in mcp-2.3.0 mcp-proxy-0.13.0 fastmcp-4.2.3; do
    python3 -m venv "$part"
    "$part/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$here/$part.txt"
done

cat >server.py <<'PYTHON'
import sqlite3
import sys
import threading

if sys.argv[1] == "fastmcp":
    from fastmcp import FastMCP as Server
elif sys.argv[1] == "2":
    from mcp.server.mcpserver import MCPServer as Server
else:
    from mcp.server.fastmcp import FastMCP as Server

server = Server("finding")
notes = sqlite3.connect(":memory:")
notes.execute("CREATE TABLE notes (text)")
money = 100
both = threading.Barrier(2)


@server.tool()
def count() -> int:
    """The number of notes."""
    return notes.execute("SELECT count(*) FROM notes").fetchone()[0]


@server.tool()
async def count_async() -> int:
    """The same."""
    return notes.execute("SELECT count(*) FROM notes").fetchone()[0]


@server.tool()
def withdraw(amount: int) -> str:
    """Takes money from the account."""
    global money
    if money < amount:
        return "there is not enough"
    try:
        # What takes a moment, as asking another service does: until there is another call, or for two seconds.
        both.wait(2)
    except threading.BrokenBarrierError:
        pass
    money -= amount
    return "taken"


server.run()
PYTHON

cat >finding.py <<'PYTHON'
import asyncio
import logging
import os

from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters

logging.disable(logging.CRITICAL)


async def ask(part, version):
    command = 'exec "$@" 2>server.log'
    way = StdioServerParameters(command="sh", args=["-c", command, "sh", f"{part}/bin/python", "server.py", version], env={"HOME": os.getcwd()})
    async with Client(way, mode="legacy") as client:
        async def call(name, **arguments):
            return (await client.call_tool(name, arguments)).content[0].text

        notes = [(await call(name)).split(": SQLite objects")[0] for name in ("count", "count_async")]
        return *notes, sorted(await asyncio.gather(*[call("withdraw", amount=100) for _ in range(2)]))


async def expect(what, part, version, *wanted):
    seen = await ask(part, version)
    print(f"{what}: notes {seen[0]!r}, by `async def` {seen[1]!r}, two who want all the money: {seen[2]}")
    assert seen == wanted, f"expected {wanted}"


async def main():
    one, two = ["taken", "there is not enough"], ["taken", "taken"]
    await expect("mcp 1.30.0", "mcp-proxy-0.13.0", "1", "0", "0", one)
    await expect("mcp 2.3.0", "mcp-2.3.0", "2", "Error executing tool count", "0", two)
    await expect("fastmcp 4.2.3", "fastmcp-4.2.3", "fastmcp", "Error calling tool 'count'", "0", two)


asyncio.run(main())
PYTHON
mcp-2.3.0/bin/python -W ignore finding.py
echo "as seen on 2026-11-29"
