// The demo server of the MCP TypeScript SDK, as it is, on two free ports of 127.0.0.1 (by itself it takes fixed ports of
// every interface): MCP server and authorization server at two origins, approves by itself, gives no refresh token.
//
// Usage: node sdk-server.mjs     Prints `ready <URL of the MCP server>` when both listen; ends when its stdin closes.

import net from 'node:net';
import { dieWithParent, load } from './bounds.mjs';

dieWithParent();

const listen = net.Server.prototype.listen;

/** Returns a server that holds a free port. */
const onFreePort = () => new Promise((found) => {
  const holder = net.createServer();
  listen.call(holder, 0, '127.0.0.1', () => found(holder));
});

const holders = { MCP_PORT: await onFreePort(), MCP_AUTH_PORT: await onFreePort() };
const portOf = (holder) => holder.address().port;
const wanted = Object.fromEntries(Object.entries(holders).map(([name, holder]) => [name, portOf(holder)]));
let listening = 0;
// The demo's servers take over the very sockets: no port is free in between.
net.Server.prototype.listen = function listenOnLoopback(port, done) {
  const holder = Object.values(holders).find((it) => portOf(it) === Number(port));
  return listen.call(this, holder, (...found) => {
    done?.(...found);
    listening += 1;
    if (listening === 2) console.log(`ready http://localhost:${wanted.MCP_PORT}/mcp`);
  });
};
Object.assign(process.env, wanted);
process.argv.push('--oauth');
await load('@modelcontextprotocol/sdk/dist/esm/examples/server/simpleStreamableHttp.js');
