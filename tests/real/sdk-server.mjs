// The demo server of the MCP TypeScript SDK, as it is, on two free ports of 127.0.0.1 (by itself it takes fixed ports of
// every interface): MCP server and authorization server at two origins, approves by itself, gives no refresh token.
//
// Usage: node sdk-server.mjs     Prints `ready <URL of the MCP server>` when both listen; ends when its stdin closes.

import net from 'node:net';
import { dieWithParent, load } from './bounds.mjs';

dieWithParent();

const listen = net.Server.prototype.listen;

/** Returns a port that was free a moment ago. */
const freePort = () => new Promise((found) => {
  const probe = net.createServer();
  listen.call(probe, 0, '127.0.0.1', () => {
    const { port } = probe.address();
    probe.close(() => found(port));
  });
});

const wanted = { MCP_PORT: await freePort(), MCP_AUTH_PORT: await freePort() };
let listening = 0;
net.Server.prototype.listen = function listenOnLoopback(port, done) {
  return listen.call(this, port, '127.0.0.1', (...found) => {
    done?.(...found);
    listening += 1;
    if (listening === 2) console.log(`ready http://localhost:${wanted.MCP_PORT}/mcp`);
  });
};
Object.assign(process.env, wanted);
process.argv.push('--oauth');
await load('@modelcontextprotocol/sdk/dist/esm/examples/server/simpleStreamableHttp.js');
