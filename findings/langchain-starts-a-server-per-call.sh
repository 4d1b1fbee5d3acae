#!/usr/bin/env bash
# langchain-mcp-adapters==0.3.2 (Python) with a stdio server, as its readme says: `MultiServerMCPClient`, `get_tools`, and the
# tools given to an agent. The server counts its calls, as others keep a login, a browser, a transaction or a cache.
#
# One would guess: the entry is a server, which is started once and lives as long as the client, as in every desktop client; the
# same entry in the same JSON starts one process there.
#
# Seen on 2026-11-28, Python 3.11: each call of a tool starts the server anew, and ends it when it has answered, as does the list
# of the tools. What a call has set is gone at the next: the count is 1 each time. Four calls at once are four
# processes at once. What a start costs, each call costs: with `npx` before a bridge that is seconds, and with a login
# at the start a login page for each call. With `client.session(NAME)` and `load_mcp_tools`, one process serves all calls.
#
# Needs Python 3.10 or newer with venv, and PyPI. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
python3 -m venv "$temp/venv"
"$temp/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$here/langchain-mcp-adapters-0.3.2.txt"

cat >"$temp/server.py" <<'PYTHON'
# A stdio server of MCP whose only tool counts its calls. Each start adds a line to the file that is named.
import json
import sys

with open(sys.argv[1], "a") as starts:
    starts.write("start\n")
calls = 0
for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message:
        continue
    method = message["method"]
    if method == "initialize":
        version, info = message["params"]["protocolVersion"], {"name": "finding", "version": "1"}
        result = {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": info}
    elif method == "tools/list":
        result = {"tools": [{"name": "count", "description": "Counts", "inputSchema": {"type": "object", "properties": {}}}]}
    else:
        calls += 1
        result = {"content": [{"type": "text", "text": str(calls)}]}
    print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)
PYTHON

cat >"$temp/finding.py" <<'PYTHON'
import asyncio
import sys
from pathlib import Path

from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.tools import load_mcp_tools

server, file = sys.argv[1], Path(sys.argv[2])


def expect(what, seen, wanted):
    print(f"{what}: {seen}")
    assert seen == wanted, f"expected {wanted}"


def starts():
    """How many servers were started since this was last asked."""
    count = len(file.read_text().split())
    file.write_text("")
    return count


async def call(tool):
    answer = await tool.ainvoke({})
    return answer if isinstance(answer, str) else answer[0]["text"]


async def main():
    entry = {"transport": "stdio", "command": sys.executable, "args": [server, str(file)]}
    client = MultiServerMCPClient({"a": entry})
    (tool,) = await client.get_tools()
    expect("starts for the list of tools", starts(), 1)
    expect("three calls, one after another", [await call(tool) for _ in range(3)], ["1", "1", "1"])
    expect("starts for them", starts(), 3)
    expect("four calls at once", await asyncio.gather(*(call(tool) for _ in range(4))), ["1"] * 4)
    expect("starts for them", starts(), 4)
    async with client.session("a") as session:
        (tool,) = await load_mcp_tools(session)
        expect("three calls in a session", [await call(tool) for _ in range(3)], ["1", "2", "3"])
    expect("starts for them", starts(), 1)


asyncio.run(main())
PYTHON
PYTHONDONTWRITEBYTECODE=1 timeout 100 "$temp/venv/bin/python" -W ignore "$temp/finding.py" "$temp/server.py" "$temp/starts"
echo "as seen on 2026-11-28"
