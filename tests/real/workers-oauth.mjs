// The authorization server of MCP servers at Cloudflare, a library for Workers, in workerd, which runs Workers there too; and a
// small MCP server that it protects, on one port of 127.0.0.1.
//
// Every client may register; all else is as the library comes. The page of consent is that of the program around it, and so is
// this one, whose user is signed in already. Prints `ready <URL of the MCP server>` when it listens and then a line per event
// that a test may ask for. It ends when its stdin closes.

import { readFileSync } from 'node:fs';
import http from 'node:http';
import { dieWithParent, installed, load } from './bounds.mjs';

dieWithParent();
const from = 'workers-oauth/node_modules/';
const { Miniflare } = await load('miniflare/dist/src/index.js', from);
const library = new URL(`${from}@cloudflare/workers-oauth-provider/dist/oauth-provider.js`, installed);

const worker = `
import { AuthorizationError, OAuthProvider, authorizationErrorRedirect } from './oauth-provider.js';

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

const apiHandler = {
  async fetch(request) {
    if (request.method !== 'POST') return new Response(null, { status: 405, headers: { allow: 'POST' } });
    const { id, method } = await request.json();
    console.log('event mcp ' + method);
    if (id === undefined) return new Response(null, { status: 202 });
    const result = answer(method, request.headers.get('mcp-protocol-version') === '2026-07-28');
    if (result) return Response.json({ jsonrpc: '2.0', id, result });
    return Response.json({ jsonrpc: '2.0', id, error: { code: -32601, message: 'method not found' } }, { status: 404 });
  },
};

const defaultHandler = {
  async fetch(request, env) {
    if (new URL(request.url).pathname !== '/authorize') return new Response(null, { status: 404 });
    try {
      const asked = await env.OAUTH_PROVIDER.parseAuthRequest(new Request(request.url, { headers: request.headers }));
      if (request.method === 'GET') {
        const button = (answer) => '<button type="submit" name="answer" value="' + answer + '">' + answer + '</button>';
        const form = '<!doctype html><title>consent</title><form method="post">' + button('deny') + button('accept') + '</form>';
        return new Response(form, { headers: { 'content-type': 'text/html' } });
      }
      const answer = (await request.formData()).get('answer');
      if (answer !== 'accept') return Response.redirect(authorizationErrorRedirect(asked, 'access_denied'), 302);
      const { redirectTo } = await env.OAUTH_PROVIDER.completeAuthorization({
        request: asked, userId: 'somebody', metadata: {}, scope: asked.scope, props: {},
      });
      return Response.redirect(redirectTo, 302);
    } catch (error) {
      if (!(error instanceof AuthorizationError)) throw error;
      return error.redirectTo ? Response.redirect(error.redirectTo, 302) : new Response(error.message, { status: 400 });
    }
  },
};

const providers = new Map();
export default {
  fetch(request, env, context) {
    const { origin } = new URL(request.url);
    if (!providers.has(origin)) {
      providers.set(origin, new OAuthProvider({
        apiRoute: '/mcp', apiHandler, defaultHandler,
        authorizeEndpoint: '/authorize', tokenEndpoint: '/oauth/token', clientRegistrationEndpoint: '/oauth/register',
        scopesSupported: ['mcp:read', 'mcp:write', 'offline_access'],
        resourceMetadata: { resource: origin + '/mcp', authorization_servers: [origin] },
        requiredScopes: ['mcp:read'],
      }));
    }
    return providers.get(origin).fetch(request, env, context);
  },
};
`;

const miniflare = new Miniflare({
  cf: false,
  compatibilityDate: '2026-07-01',
  kvNamespaces: ['OAUTH_KV'],
  modules: [
    { type: 'ESModule', path: 'worker.js', contents: worker },
    { type: 'ESModule', path: 'oauth-provider.js', contents: readFileSync(library, 'utf8') },
  ],
});
await miniflare.ready;

// workerd keeps a connection open for five seconds whatever the client says, so it is not asked directly.
const server = http.createServer(async (request, response) => {
  const url = `http://127.0.0.1:${server.address().port}${request.url}`;
  const hasBody = !['GET', 'HEAD'].includes(request.method);
  const body = hasBody ? Buffer.concat(await request.toArray()) : undefined;
  const { connection, host, ...headers } = request.headers;
  const answer = await miniflare.dispatchFetch(url, { method: request.method, headers, body, redirect: 'manual' });
  response.writeHead(answer.status, Object.fromEntries(answer.headers));
  response.end(Buffer.from(await answer.arrayBuffer()));
});
server.listen(0, '127.0.0.1', () => console.log(`ready http://127.0.0.1:${server.address().port}/mcp`));
