// A real authorization server (oidc-provider, OpenID certified) and a small protected MCP server on one port of 127.0.0.1.
//
// Usage: node oidc-provider.mjs [PORT [TTL]]     PORT 0, the default, is any free one; TTL: seconds an access token lives.
// In the environment:
//   OIDC_CLIENTS   clients that are registered already, as a JSON list
//   OIDC_DPOP      `on`: access tokens may be bound to a key; `nonce`: proofs need a nonce as well
// Prints `ready <URL of the MCP server>` when it listens and then one line per event that a test may ask for. It ends when
// its stdin closes.

import { createHash } from 'node:crypto';
import http from 'node:http';
import { dieWithParent, load } from './bounds.mjs';

dieWithParent();
const { default: Provider } = await load('oidc-provider/lib/index.js');

const server = http.createServer();
await new Promise((done) => server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', done));
const issuer = `http://127.0.0.1:${server.address().port}`;
const resource = `${issuer}/mcp`;
const metadataPath = '/.well-known/oauth-protected-resource/mcp';
const tokenSeconds = Number(process.argv[3] ?? 300);

const dpop = process.env.OIDC_DPOP;

const provider = new Provider(issuer, {
  clients: JSON.parse(process.env.OIDC_CLIENTS ?? '[]'),
  features: {
    dPoP: { enabled: Boolean(dpop), nonceSecret: Buffer.alloc(32, 1), requireNonce: () => dpop === 'nonce' },
    devInteractions: { enabled: true },
    deviceFlow: { enabled: true },
    registration: { enabled: true },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo(_context, indicator) {
        if (indicator !== resource) throw new Error(`unknown resource ${indicator}`);
        return { scope: 'mcp:read mcp:write', audience: resource, accessTokenTTL: tokenSeconds, accessTokenFormat: 'opaque' };
      },
    },
  },
  pkce: { required: () => true },
  scopes: ['openid', 'offline_access', 'mcp:read', 'mcp:write'],
  issueRefreshToken: (_context, client) => client.grantTypeAllowed('refresh_token'),
  expiresWithSession: () => false,
  rotateRefreshToken: true,
  findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  clientDefaults: { grant_types: ['authorization_code', 'refresh_token'] },
  cookies: { keys: ['for tests only'] },
});

for (const event of ['registration_create.success', 'authorization_code.consumed', 'refresh_token.consumed',
  'access_token.destroyed', 'refresh_token.destroyed', 'grant.revoked', 'grant.error', 'server_error']) {
  provider.on(event, (...found) => {
    const error = found.find((each) => each instanceof Error);
    console.log(`event ${event}${error ? ` ${error.message} ${error.error_description ?? ''}` : ''}`);
  });
}

/** Returns whether the request carries a live access token of this provider for this resource, and a proof if it is bound. */
async function allowed(request) {
  const [, scheme, token] = /^(Bearer|DPoP) (\S+)$/.exec(request.headers.authorization ?? '') ?? [];
  const found = token && await provider.AccessToken.find(token);
  const isLive = Boolean(found) && found.isValid && [found.aud].flat().includes(resource);
  if (!isLive || scheme !== (found.jkt ? 'DPoP' : 'Bearer')) return false;
  if (!found.jkt) return true;
  const { EmbeddedJWK, calculateJwkThumbprint, jwtVerify } = await load('jose/dist/webapi/index.js');
  try {
    const verified = await jwtVerify(request.headers.dpop, EmbeddedJWK, { typ: 'dpop+jwt', maxTokenAge: '1 minute' });
    const { htm, htu, ath } = verified.payload;
    return await calculateJwkThumbprint(verified.protectedHeader.jwk) === found.jkt && htm === request.method
      && htu === resource && ath === createHash('sha256').update(token).digest('base64url');
  } catch (error) {
    console.log(`event proof.error ${error.message}`);
    return false;
  }
}

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

async function serveMcp(request, response) {
  const send = (status, body, headers = {}) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(body === undefined ? '' : JSON.stringify(body));
  };
  if (!await allowed(request)) {
    const challenge = `${dpop ? 'DPoP algs="ES256", ' : 'Bearer '}scope="mcp:read", resource_metadata="${issuer}${metadataPath}"`;
    return send(401, { error: 'invalid_token' }, { 'www-authenticate': challenge });
  }
  if (request.method !== 'POST') return send(405, undefined, { allow: 'POST' });
  let text = '';
  for await (const part of request) text += part;
  const { id, method } = JSON.parse(text);
  console.log(`event mcp ${method}`);
  if (id === undefined) return send(202);
  const result = answer(method, request.headers['mcp-protocol-version'] === '2026-07-28');
  if (!result) return send(404, { jsonrpc: '2.0', id, error: { code: -32601, message: 'method not found' } });
  send(200, { jsonrpc: '2.0', id, result });
}

const authorizationServer = provider.callback();
server.on('request', (request, response) => {
  const { pathname } = new URL(request.url, issuer);
  if (pathname === '/mcp') {
    serveMcp(request, response).catch((error) => response.destroy(error));
  } else if (pathname === metadataPath) {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ resource, authorization_servers: [issuer], scopes_supported: ['mcp:read', 'mcp:write'] }));
  } else {
    authorizationServer(request, response);
  }
});
console.log(`ready ${resource}`);
