// Cline without its windows: connects to the server `x` of its settings, as a session does, calls the tool and prints the
// answer.
//
// Usage: node cline.mjs

import { load } from './bounds.mjs';

const { InMemoryMcpManager, createDefaultMcpServerClientFactory, registerMcpServersFromSettingsFile } =
  await load('@cline/core/dist/index.js');

const manager = new InMemoryMcpManager({ clientFactory: createDefaultMcpServerClientFactory() });
await registerMcpServersFromSettingsFile(manager);
await manager.listTools('x');
console.log(JSON.stringify(await manager.callTool({ serverName: 'x', toolName: 'echo', arguments: {} })));
await manager.dispose();
process.exit(0);
