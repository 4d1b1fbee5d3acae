// A host that only runs programs, such as Claude Desktop: starts one MCP server, calls its tool and prints the answer.
//
// Usage: node stdio-client.mjs COMMAND [ARGUMENT…]

import { load } from './bounds.mjs';

const { Client } = await load('@modelcontextprotocol/sdk/dist/esm/client/index.js');
const { StdioClientTransport } = await load('@modelcontextprotocol/sdk/dist/esm/client/stdio.js');

const [command, ...args] = process.argv.slice(2);
const client = new Client({ name: 'host', version: '1' });
await client.connect(new StdioClientTransport({ command, args, env: process.env }));
await client.listTools();
console.log(JSON.stringify(await client.callTool({ name: 'echo', arguments: {} })));
await client.close();
process.exit(0);
