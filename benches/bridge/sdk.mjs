// The MCP TypeScript SDK asks a server in three ways, in turns: directly over Streamable HTTP, over stdio through a bridge, and
// over stdio a server of the SDK that gives the same results. Prints the medians in milliseconds, as JSON.
//
// Usage: node sdk.mjs URL TOKEN PROGRAM ARGUMENT...     The server of the SDK: node sdk.mjs --server

import { readFileSync } from 'node:fs';

const sdk = new URL('../../target/real/node_modules/@modelcontextprotocol/sdk/', import.meta.url);
const load = (name) => import(new URL(`dist/esm/${name}.js`, sdk));

const BIG = 5_000_000;
const SLOW = 300;

async function serve() {
    const { Server } = await load('server/index');
    const { StdioServerTransport } = await load('server/stdio');
    const { CallToolRequestSchema } = await load('types');
    const server = new Server({ name: 'plain', version: '1' }, { capabilities: { tools: {} } });
    server.setRequestHandler(CallToolRequestSchema, async ({ params: { name, arguments: given } }) => {
        if (name === 'slow') await new Promise((done) => setTimeout(done, SLOW));
        return { content: [{ type: 'text', text: name === 'size' ? 'x'.repeat(given.bytes) : name }] };
    });
    await server.connect(new StdioServerTransport());
}

async function measure(url, token, command, args) {
    const { Client } = await load('client/index');
    const { StdioClientTransport } = await load('client/stdio');
    const { StreamableHTTPClientTransport } = await load('client/streamableHttp');
    const headers = { Authorization: `Bearer ${token}` };
    const clients = [];
    for (const transport of [
        new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }),
        new StdioClientTransport({ command, args, env: process.env }),
        new StdioClientTransport({ command: process.execPath, args: [process.argv[1], '--server'] }),
    ]) {
        const client = new Client({ name: 'bench', version: '1' });
        await client.connect(transport);
        clients.push(client);
    }
    const call = async (client, name, given) => {
        const result = await client.callTool({ name, arguments: given });
        return result.content[0].text;
    };
    const sixteen = (client, name) => Promise.all(Array.from({ length: 16 }, () => call(client, name, {})));
    const medians = [];
    for (const [rounds, work] of [
        [25, async (client) => {
            const text = await call(client, 'size', { bytes: BIG });
            if (text.length !== BIG) throw new Error('not the result');
        }],
        [7, (client) => sixteen(client, 'slow')],
        [50, (client) => sixteen(client, 'echo')],
    ]) {
        const times = clients.map(() => []);
        // The first rounds are for warming up.
        for (let round = -3; round < rounds; round += 1) {
            for (const [at, client] of clients.entries()) {
                const began = performance.now();
                await work(client);
                if (round >= 0) times[at].push(performance.now() - began);
            }
        }
        medians.push(times.map((all) => all.sort((one, other) => one - other)[(all.length - 1) >> 1]));
    }
    for (const client of clients) await client.close();
    const { version } = JSON.parse(readFileSync(new URL('package.json', sdk)));
    console.log(JSON.stringify({ name: `TypeScript SDK ${version}, Node ${process.versions.node}`, medians }));
}

const [url, token, command, ...args] = process.argv.slice(2);
await (url === '--server' ? serve() : measure(url, token, command, args));
