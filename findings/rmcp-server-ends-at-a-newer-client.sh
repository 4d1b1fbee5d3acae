#!/usr/bin/env bash
# mcp==2.3.0 (the official MCP SDK for Python, `Client`) as the client of a stdio server on rmcp 1.7.0 (the official one for Rust), here
# cnb-rs-mcp==1.3.0, which comes as a program in a wheel.
#
# One would guess: a client that asks for the newer revision of MCP with `server/discover` gets an error from a server that does not
# know it, and goes on with `initialize`: that is what the revision 2026-07-28 has for older servers, and both SDKs are official.
#
# Seen on 2026-11-28, Python 3.11: the server does not answer, it ends, as its first request has to be `initialize`. The client
# takes that for a lost connection and neither starts the server again nor tries the older way: `Connection closed`, and what the
# server says of it is on its stderr alone. An update of the client from 1.x brings this about, as its default is to ask;
# `mode="legacy"` helps. Servers on the SDKs for Python and TypeScript answer, so tests with those do not see it.
#
# Needs Linux on x86-64, Python 3.10 or newer with venv, and PyPI. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
python3 -m venv "$temp/venv"
"$temp/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$here/mcp-2.3.0.txt"
"$temp/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps cnb-rs-mcp==1.3.0

cat >"$temp/finding.py" <<'PYTHON'
import sys
import tempfile

import anyio
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.stdio import stdio_client

errors = tempfile.TemporaryFile("w+")


async def revision(mode):
    transport = stdio_client(StdioServerParameters(command=sys.argv[1]), errlog=errors)
    with anyio.fail_after(60):
        async with Client(transport, mode=mode) as client:
            assert (await client.list_tools()).tools
            return client.protocol_version


def expect(what, seen, wanted):
    print(f"{what}: {seen}")
    assert seen == wanted, f"expected {wanted}"


def starts(mode):
    """What came of a connection, how often the server was started, and whether it named the request on stderr."""
    errors.seek(0)
    errors.truncate()
    try:
        outcome = anyio.run(revision, mode)
    except BaseException as error:
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        if not isinstance(error, MCPError):
            raise
        outcome = str(error)
    errors.seek(0)
    said = errors.read()
    return outcome, said.count("cnb-rs-mcp starting"), "server/discover" in said


expect("mode legacy", starts("legacy"), ("2025-11-25", 1, False))
expect("mode auto, the default", starts("auto"), ("Connection closed", 1, True))
PYTHON
PYTHONDONTWRITEBYTECODE=1 HOME="$temp" "$temp/venv/bin/python" -W ignore "$temp/finding.py" "$temp/venv/bin/cnb-rs-mcp"
echo "as seen on 2026-11-28"
