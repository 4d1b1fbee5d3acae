#!/usr/bin/env bash
# fastapi-mcp==0.4.0 with fastapi==0.121.0 and mcp==1.30.0 (Python SDK), which makes MCP tools of the routes of an API, at
# `DELETE /files/{name}`.
#
# One would guess: a tool that is called with the name `C# notes` calls the route with that name, as arguments in the query and in the
# body arrive whole; a client of an API escapes what it puts into a path.
#
# Seen on 2026-11-29, Python 3.11: fastapi-mcp puts the argument into the path as it is. Of `C# notes` the API gets `C`,
# deletes that file and says so, and the tool has succeeded; `what?` is `what`, and `50%25` is `50%`. Spaces and letters beyond
# ASCII arrive, so that it looks right.
#
# Needs Python 3.10 or newer with venv, and PyPI. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-deps --requirement "$here/fastapi-mcp-0.4.0.txt"

cat >finding.py <<'PYTHON'
import asyncio
import json
import os
import threading
import time

import uvicorn
from fastapi import FastAPI
from fastapi_mcp import FastApiMCP
from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client

api = FastAPI()


@api.delete("/files/{name}", operation_id="delete")
def delete(name: str):
    return {"deleted": name}


@api.delete("/files", operation_id="delete_by_query")
def delete_by_query(name: str):
    return {"deleted": name}


FastApiMCP(api).mount_http()
server = uvicorn.Server(uvicorn.Config(api, "127.0.0.1", 0, log_level="critical"))
threading.Thread(target=server.run, daemon=True).start()
while not server.started:
    time.sleep(0.02)
base = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
os.environ |= {"NO_PROXY": "*", "no_proxy": "*"}
NAMES = ["notes", "C# notes", "what?", "50%25", "a b", "café"]


async def expect(what, transport, query, wanted):
    """What the API has deleted when the tool is called with each name."""
    async with transport as (read, write, *_), ClientSession(read, write) as session:
        await session.initialize()
        names = [tool.name for tool in (await session.list_tools()).tools]
        [tool] = [name for name in names if ("query" in name) == query]
        seen = []
        for name in NAMES:
            result = await session.call_tool(tool, {"name": name})
            assert not result.isError, result
            seen.append(json.loads(result.content[0].text)["deleted"])
    print(f"{what}: {seen}")
    assert seen == wanted, f"expected {wanted}"


async def main():
    print(f"names that the tool is called with: {NAMES}")
    mcp = f"{base}/mcp"
    await expect("fastapi-mcp, in the path", streamablehttp_client(mcp), False, ["notes", "C", "what", "50%", "a b", "café"])
    await expect("fastapi-mcp, in the query", streamablehttp_client(mcp), True, NAMES)


asyncio.run(main())
PYTHON
PYTHONDONTWRITEBYTECODE=1 venv/bin/python -W ignore finding.py 2>errors || { cat errors >&2; exit 1; }
echo "as seen on 2026-11-29"
