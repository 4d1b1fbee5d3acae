#!/usr/bin/env bash
# keyring==25.7.0 with keyrings.alt==5.0.2 (Python, gnome-keyring 42.1 of Debian 12) in an MCP server that a client on
# mcp==2.3.0 (the official MCP SDK for Python) starts over stdio.
#
# One would guess: a server that a person logged in for at a prompt finds that login when the client starts it. It is the same
# program of the same user in the same session; and where the keyring cannot be reached, the library raises an error.
#
# Seen on 2026-11-28, Python 3.11: the server gets six variables of the client's environment (HOME, LOGNAME, PATH, SHELL, TERM,
# USER), and so no address of the session bus, at which the keyring is. With keyrings.alt installed, as other packages bring it
# along, the library takes the next best backend in silence, a file in plain text. So the server finds no login, and one that
# it makes goes to that file: two logins of one program, each unknown to the other side. Without keyrings.alt the server gets
# `NoKeyringError`. With `env` set to the whole environment in the client's parameters it finds the login.
#
# Needs Debian 12 on x86-64 with apt-get and dbus-daemon, Python 3.10 or newer with venv, and PyPI. Fails if any of this has
# changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
packages=(gnome-keyring=42.1-1+b2)
. "$here/secret_service_session.bash"
"$temp/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$here/mcp-2.3.0.txt"
"$temp/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --target "$temp/more" keyrings.alt==5.0.2

# The server, with the whole environment of the client or the part that the SDK passes on.
cat >"$temp/server.py" <<'PYTHON'
import sys

import keyring
from keyring.errors import NoKeyringError
from mcp.server import MCPServer

sys.path.extend(sys.argv[1:])
server = MCPServer("a server")


@server.tool()
def read() -> str:
    try:
        password = keyring.get_password("a server", "ann")
    except NoKeyringError:
        return "NoKeyringError"
    return f"{type(keyring.get_keyring()).__module__}: {password}"


@server.tool()
def log_in() -> str:
    keyring.set_password("a server", "ann", "the server's login")
    return read()


server.run("stdio")
PYTHON

cat >"$temp/program.py" <<'PYTHON'
import asyncio
import os
import sys

import keyring
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

temp = os.path.dirname(os.path.abspath(__file__))


async def call(tool, more=f"{temp}/more", env=None):
    """What the tool says in a server that the SDK has started."""
    parameters = StdioServerParameters(command=sys.executable, args=[f"{temp}/server.py", more], env=env)
    async with stdio_client(parameters) as streams, ClientSession(*streams) as session:
        await session.initialize()
        return (await session.call_tool(tool, {})).content[0].text


def expect(what, seen, wanted):
    print(f"{what}: {seen}")
    assert seen == wanted, f"expected {wanted}"


async def main():
    keyring.set_password("a server", "ann", "the login")
    whole = dict(os.environ)
    expect("the server, with all variables", await call("read", env=whole), "keyring.backends.chainer: the login")
    expect("the server", await call("read"), "keyrings.alt.file: None")
    expect("a login by the server", await call("log_in"), "keyrings.alt.file: the server's login")
    expect("the login at the prompt", keyring.get_password("a server", "ann"), "the login")
    expect("the server without keyrings.alt", await call("read", more=f"{temp}/nothing"), "NoKeyringError")


asyncio.run(main())
PYTHON
in_session gnome-keyring "$temp/program.py"
echo "as seen on 2026-11-28"
