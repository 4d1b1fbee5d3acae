// The client that the MCP conformance suite judges: it logs in with our program, lets it ask for the tools, calls one
// with the token, and logs in again while the server wants more: three logins at most.
//
// Usage: node conformance-client.mjs URL     Started by the suite. In the environment:
//   MCP_CONFORMANCE_SCENARIO            from the suite; all but those about authorization are passed over
//   MCP_CONFORMANCE_PROTOCOL_VERSION    from the suite: the revision to speak
//   MCP_CONFORMANCE_CONTEXT             from the suite, sometimes: a client registered by hand
//   MCP_LOGIN_TEST_PROGRAM              our program
//   BROWSER                             follows redirects
// An answer that is not taken ends the login by a signal: the program itself would wait for a better one.

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { dieWithParent } from './bounds.mjs';

if (!process.env.MCP_CONFORMANCE_SCENARIO.startsWith('auth/')) process.exit(0);
dieWithParent();

const url = process.argv[2];
const isBound = process.env.MCP_CONFORMANCE_SCENARIO.startsWith('auth/dpop');
const revision = process.env.MCP_CONFORMANCE_PROTOCOL_VERSION;
const known = JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT ?? '{}');
const home = fs.mkdtempSync(path.join(os.tmpdir(), 'mcp-login-conformance-'));
const store = path.join(home, 'credentials.json');
process.on('exit', () => fs.rmSync(home, { recursive: true, force: true }));

/** Runs our program and returns its exit code; what it says goes to the suite, or to `receive`. */
async function run(command, options = [], receive = console.log) {
  const places = ['--json', '--data-dir', home, '--store', `file:${store}`];
  const secret = known.client_secret && { MCP_LOGIN_CLIENT_SECRET: known.client_secret };
  const program = spawn(process.env.MCP_LOGIN_TEST_PROGRAM, [command, ...places, ...options, url], {
    env: { ...process.env, ...secret },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => program.on('close', (code) => resolve(code ?? 1)));
  for await (const line of readline.createInterface({ input: program.stdout })) {
    receive(line);
    if (JSON.parse(line).event === 'rejected') program.kill();
  }
  return ended;
}

/** Logs in and returns the exit code. The suite knows one metadata document; where none is taken, we are registered. */
function logIn(challenge) {
  const options = ['--timeout', '60s', '--client-metadata-url', 'https://conformance-test.local/client-metadata.json'];
  if (known.client_id) options.push('--client-id', known.client_id);
  if (challenge) options.push('--challenge', challenge);
  if (isBound) options.push('--dpop');
  return run('login', options);
}

/** Writes a secret of the suite into a file of its own, and returns its path. */
function file(name, text) {
  const path_ = path.join(home, name);
  fs.writeFileSync(path_, text, { mode: 0o600 });
  return path_;
}

/** Returns the options of a login without a person, for the scenarios that want one. */
async function unattended(scenario) {
  const grants = {
    'auth/client-credentials-jwt': () => ['client-credentials', '--client-key-file', file('key.pem', known.private_key_pem)],
    'auth/client-credentials-basic': () => ['client-credentials'],
    'auth/wif-jwt-bearer': () => ['jwt-bearer', '--assertion-file', file('jwt', known.valid_jwt)],
    'auth/enterprise-managed-authorization': () => ['id-jag', '--idp', known.idp_issuer, '--idp-client-id', known.idp_client_id,
      '--id-token-file', file('id-token', known.idp_id_token)],
  };
  if (!grants[scenario]) return null;
  // The suite gives no issuer to pin; its resource metadata names the right one.
  const { origin, pathname } = new URL(url);
  const metadata = await fetch(`${origin}/.well-known/oauth-protected-resource${pathname}`);
  const issuer = (await metadata.json()).authorization_servers[0];
  const client = known.client_id && scenario !== 'auth/wif-jwt-bearer' ? ['--client-id', known.client_id] : [];
  return ['--grant', ...grants[scenario](), '--issuer', issuer, ...client];
}

/** Returns the headers of one request with the stored token; of a bound one with a proof, which may need the server's nonce. */
async function credentials(refused) {
  if (!isBound) {
    const { access_token: token } = JSON.parse(fs.readFileSync(store, 'utf8')).logins[url];
    return { Authorization: `Bearer ${token}` };
  }
  const options = ['--dpop', '--method', 'POST', '--url', url];
  const nonce = refused?.headers.get('DPoP-Nonce');
  if (nonce) options.push('--challenge', refused.headers.get('WWW-Authenticate'), '--dpop-nonce', nonce);
  const lines = [];
  if (await run('headers', options, (line) => lines.push(line))) process.exit(1);
  return JSON.parse(lines[0]);
}

/** Calls a tool with the stored token, once more if a proof needs a nonce. */
async function callTool(refused) {
  const headers = {
    ...await credentials(refused),
    'Content-Type': 'application/json',
    Accept: 'application/json, text/event-stream',
    'MCP-Protocol-Version': revision,
  };
  const params = { name: 'test-tool', arguments: {} };
  if (revision >= '2026-07-28') {
    Object.assign(headers, { 'Mcp-Method': 'tools/call', 'Mcp-Name': params.name });
    params._meta = {
      'io.modelcontextprotocol/protocolVersion': revision,
      'io.modelcontextprotocol/clientInfo': { name: 'conformance-client', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': {},
    };
  }
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params });
  const response = await fetch(url, { method: 'POST', headers, body });
  const wantsNonce = isBound && !refused && response.status === 401 && response.headers.has('DPoP-Nonce');
  return wantsNonce ? callTool(response) : response;
}

const options = await unattended(process.env.MCP_CONFORMANCE_SCENARIO);
if (options) {
  const refused = await run('login', options);
  if (refused) process.exit(refused);
  await run('check');
  process.exit((await callTool()).ok ? 0 : 1);
}

let challenge = null;
for (let logins = 0; logins < 3; logins += 1) {
  const refused = await logIn(challenge);
  if (refused) process.exit(refused);
  await run('check');
  const response = await callTool();
  if (response.ok) process.exit(0);
  challenge = response.headers.get('WWW-Authenticate');
  if (!challenge) process.exit(1);
}
process.exit(3);
