// A host that only runs programs, such as Claude Desktop: starts one MCP server, calls its tool and prints the answer.
//
// Usage: node stdio-client.mjs COMMAND [ARGUMENT…]     MCP_TOOL and MCP_ARGUMENTS name another tool than `echo`.

import { load } from './bounds.mjs';

const { Client } = await load('@modelcontextprotocol/sdk/dist/esm/client/index.js');
const { StdioClientTransport } = await load('@modelcontextprotocol/sdk/dist/esm/client/stdio.js');

const [command, ...args] = process.argv.slice(2);
const client = new Client({ name: 'host', version: '1' });
await client.connect(new StdioClientTransport({ command, args, env: process.env }));
await client.listTools();
const { MCP_TOOL = 'echo', MCP_ARGUMENTS = '{}' } = process.env;
console.log(JSON.stringify(await client.callTool({ name: MCP_TOOL, arguments: JSON.parse(MCP_ARGUMENTS) })));
await client.close();
process.exit(0);
