"""The MCP Python SDK asks a server in three ways, in turns, as sdk.mjs does with the TypeScript SDK.

Usage: python sdk.py URL TOKEN PROGRAM ARGUMENT...     The server of the SDK: python sdk.py --server
"""

import asyncio
import contextlib
import importlib.metadata
import json
import os
import platform
import statistics
import sys
import time

import httpx2
import mcp_types as types
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

BIG = 5_000_000
SLOW = 0.3


async def serve():
    async def call(_context, params):
        if params.name == "slow":
            await asyncio.sleep(SLOW)
        text = "x" * params.arguments["bytes"] if params.name == "size" else params.name
        return types.CallToolResult(content=[types.TextContent(type="text", text=text)])

    async def tools(_context, _params):
        names = ["echo", "size", "slow"]
        return types.ListToolsResult(tools=[types.Tool(name=it, input_schema={"type": "object"}) for it in names])

    server = Server("plain", on_list_tools=tools, on_call_tool=call)
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


async def big(client):
    result = await client.call_tool("size", {"bytes": BIG})
    assert len(result.content[0].text) == BIG


async def sixteen(client, name):
    await asyncio.gather(*(client.call_tool(name, {}) for _ in range(16)))


async def measure(url, token, command, *args):
    http = httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=30)
    ways = [
        streamable_http_client(url, http_client=http),
        StdioServerParameters(command=command, args=list(args), env=dict(os.environ)),
        StdioServerParameters(command=sys.executable, args=[__file__, "--server"]),
    ]
    medians = []
    async with contextlib.AsyncExitStack() as stack:
        # All open a session, as the server does.
        clients = [await stack.enter_async_context(Client(way, mode="legacy")) for way in ways]
        for rounds, work in [
            (25, big),
            (7, lambda client: sixteen(client, "slow")),
            (50, lambda client: sixteen(client, "echo")),
        ]:
            times = [[] for _ in clients]
            # The first rounds are for warming up.
            for number in range(-3, rounds):
                for client, all_of_it in zip(clients, times):
                    began = time.perf_counter()
                    await work(client)
                    if number >= 0:
                        all_of_it.append(1000 * (time.perf_counter() - began))
            medians.append([statistics.median_low(all_of_it) for all_of_it in times])
    name = f"Python SDK {importlib.metadata.version('mcp')}, Python {platform.python_version()}"
    print(json.dumps({"name": name, "medians": medians}))


if sys.argv[1] == "--server":
    asyncio.run(serve())
else:
    asyncio.run(measure(*sys.argv[1:]))
