#!/usr/bin/env bash
# smolagents==1.26.0 (Hugging Face) with its `MCPClient`, on mcpadapt==0.1.19, at a stdio server on mcp==1.30.0 (Python SDK) with a tool
# that returns a list, `def search(word: str) -> list[str]`, as tools that search do, and one that raises an error. Beside it
# strands-agents==1.62.0 (AWS).
#
# One would guess: the agent gets the three files that were found, an empty list where none was, and an error where a tool fails.
#
# Seen on 2026-11-29, Python 3.11: the SDK makes each item of a list a part of the result, and smolagents takes the first part
# alone, as if one file had been found, with a line of its log. Where nothing was found it raises an error. With
# `structured_output=True` the list is whole, and the empty one an error still. A tool that fails is a result like another, whose
# text is the error, with either setting. strands-agents has all of it.
#
# Needs Python 3.10 or newer with venv, and PyPI. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-deps --no-compile --requirement "$here/smolagents-1.26.0.txt"

cat >server.py <<'PYTHON'
from mcp.server.fastmcp import FastMCP

server = FastMCP("finding", log_level="ERROR")


@server.tool()
def search(word: str) -> list[str]:
    """Finds the files with this word."""
    return [f"{number}.txt" for number in range(1, 4) if word != "nowhere"]


@server.tool()
def delete(path: str) -> str:
    """Deletes a file."""
    raise FileNotFoundError(f"there is no {path}")


server.run()
PYTHON

cat >finding.py <<'PYTHON'
import logging
import sys

from mcp import StdioServerParameters, stdio_client
from smolagents import MCPClient
from strands.tools.mcp import MCPClient as StrandsClient

logging.disable()
SERVER = StdioServerParameters(command=sys.executable, args=["server.py"])
CALLS = ("search", {"word": "somewhere"}), ("search", {"word": "nowhere"}), ("delete", {"path": "a.txt"})


def expect(what, call, wanted):
    try:
        seen = call()
    except ValueError as error:
        seen = f"an error: {error}"
    print(f"{what}: {seen!r}")
    assert seen == wanted, f"expected {wanted!r}"


FAILED = "Error executing tool delete: there is no a.txt"
EMPTY = "an error: tool search returned an empty content"
FILES = ["1.txt", "2.txt", "3.txt"]
for what, options, found in (
    ("as it comes", {}, "1.txt"),
    ("with structured output", {"structured_output": True}, {"result": FILES}),
):
    with MCPClient(SERVER, **options) as tools:
        tools = {tool.name: tool for tool in tools}
        for (name, arguments), wanted in zip(CALLS, (found, EMPTY, FAILED)):
            expect(f"smolagents {what}, {name} {arguments}", lambda: tools[name](**arguments), wanted)
with StrandsClient(lambda: stdio_client(SERVER)) as client:
    for (name, arguments), wanted in zip(CALLS, (("success", FILES), ("success", []), ("error", [FAILED]))):
        result = client.call_tool_sync("1", name, arguments)
        seen = result["status"], [part["text"] for part in result["content"]]
        expect(f"strands-agents, {name} {arguments}", lambda: seen, wanted)
PYTHON
HOME=$temp PYTHONDONTWRITEBYTECODE=1 venv/bin/python -W ignore finding.py
echo "as seen on 2026-11-29"
