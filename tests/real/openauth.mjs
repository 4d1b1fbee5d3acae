// OpenAuth, an authorization server that is a library, and a small MCP server that it protects, on one free port of 127.0.0.1.
//
// All is as OpenAuth comes; the page of the login is that of the program around it, and so is this one. Prints `ready <URL of the
// MCP server>` when it listens and then a line per event that a test may ask for. It ends when its stdin closes.

import { dieWithParent, load } from './bounds.mjs';

dieWithParent();
const from = 'openauth/node_modules/';
const { serve } = await load('@hono/node-server/dist/index.mjs', from);
const { issuer } = await load('@openauthjs/openauth/dist/esm/index.js', from);
const { OauthError } = await load('@openauthjs/openauth/dist/esm/error.js', from);
const { MemoryStorage } = await load('@openauthjs/openauth/dist/esm/storage/memory.js', from);
const { createLocalJWKSet, jwtVerify } = await load('jose/dist/node/esm/index.js', from);

// A schema of its own that takes everything (Standard Schema).
const subjects = { user: { '~standard': { version: 1, vendor: 'tests', validate: (value) => ({ value }) } } };
const button = (answer) => `<button type="submit" name="answer" value="${answer}">${answer}</button>`;
const page = {
  type: 'page',
  init(routes, own) {
    routes.get('/authorize', (context) => context.html(`<form method="post">${button('deny')}${button('accept')}</form>`));
    routes.post('/authorize', async (context) => {
      if ((await context.req.formData()).get('answer') === 'deny') throw new OauthError('access_denied', 'the user said no');
      return own.success(context, {});
    });
  },
};
const authorizationServer = issuer({
  subjects, storage: MemoryStorage(), providers: { page }, success: (answer) => answer.subject('user', { id: 'somebody' }),
  ttl: { access: 3600 },
});

const tools = [{ name: 'greet', description: 'Says hello', inputSchema: { type: 'object' } }];

/** Returns the result of one MCP request: 2026-07-28 without a session, or 2025-11-25. */
function answer(method, modern) {
  if (method === 'tools/list') {
    return modern ? { resultType: 'complete', ttlMs: 0, cacheScope: 'private', tools } : { tools };
  }
  if (method === 'initialize' && !modern) {
    return { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'protected', version: '1' } };
  }
  return null;
}

/** Returns whether the request carries an access token of OpenAuth. */
async function allowed(request, origin) {
  const token = /^Bearer (\S+)$/.exec(request.headers.get('authorization') ?? '')?.[1] ?? '';
  const keys = await (await authorizationServer.fetch(new Request(`${origin}/.well-known/jwks.json`))).json();
  return jwtVerify(token, createLocalJWKSet(keys), { issuer: origin }).then(() => true, () => false);
}

async function serveMcp(request, origin) {
  if (!await allowed(request, origin)) {
    const challenge = `Bearer resource_metadata="${origin}/.well-known/oauth-protected-resource/mcp"`;
    return new Response(null, { status: 401, headers: { 'www-authenticate': challenge } });
  }
  if (request.method !== 'POST') return new Response(null, { status: 405, headers: { allow: 'POST' } });
  const { id, method } = await request.json();
  console.log(`event mcp ${method}`);
  if (id === undefined) return new Response(null, { status: 202 });
  const result = answer(method, request.headers.get('mcp-protocol-version') === '2026-07-28');
  if (result) return Response.json({ jsonrpc: '2.0', id, result });
  return Response.json({ jsonrpc: '2.0', id, error: { code: -32601, message: 'method not found' } }, { status: 404 });
}

function fetch(request) {
  const { pathname, origin } = new URL(request.url);
  if (pathname === '/mcp') return serveMcp(request, origin);
  if (pathname === '/.well-known/oauth-protected-resource/mcp') {
    return Response.json({ resource: `${origin}/mcp`, authorization_servers: [origin] });
  }
  return authorizationServer.fetch(request);
}

serve({ hostname: '127.0.0.1', port: 0, fetch }, ({ port }) => console.log(`ready http://127.0.0.1:${port}/mcp`));
