// better-auth with its MCP plugin, an authorization server that is a library: the login and consent pages are those of the
// program around it, and so are these. It protects a small MCP server itself, on the same port of 127.0.0.1.
//
// Usage: node better-auth.mjs DATABASE [PORT]     PORT 0, the default, is any free one; DATABASE: an SQLite file, made if it
// is missing. Every client may register; all else is as better-auth comes. A GET of /forget-clients deletes every client, as
// an administrator would. Prints `ready <URL of the MCP server>` when it listens and then a line per request. It ends when
// its stdin closes.

import http from 'node:http';
import { DatabaseSync } from 'node:sqlite';
import { dieWithParent, load } from './bounds.mjs';

dieWithParent();
const from = 'better-auth/node_modules/';
const { betterAuth } = await load('better-auth/dist/index.mjs', from);
const { getMigrations } = await load('better-auth/dist/db/get-migration.mjs', from);
const { toNodeHandler } = await load('better-auth/dist/integrations/node.mjs', from);
const { jwt } = await load('better-auth/dist/plugins/jwt/index.mjs', from);
const { oauthDeviceAuthorization } = await load('@better-auth/oauth-provider/dist/index.mjs', from);
const { mcp, requireMcpAuth } = await load('@better-auth/mcp/dist/index.mjs', from);

const database = new DatabaseSync(process.argv[2]);
const server = http.createServer();
await new Promise((done) => server.listen(Number(process.argv[3] ?? 0), '127.0.0.1', done));
const base = `http://127.0.0.1:${server.address().port}`;
const resource = `${base}/mcp`;

const options = {
  baseURL: base,
  secret: 'for tests only, and long enough for that',
  database,
  emailAndPassword: { enabled: true },
  plugins: [
    jwt(),
    mcp({
      resource,
      loginPage: '/login',
      consentPage: '/consent',
      allowDynamicClientRegistration: true,
      allowUnauthenticatedClientRegistration: true,
    }),
    oauthDeviceAuthorization({ verificationUri: '/device', interval: '2s' }),
  ],
};

const user = { email: 'somebody@example.com', password: 'anything' };
const { runMigrations, toBeCreated } = await getMigrations(options);
await runMigrations();
const auth = betterAuth(options);
if (toBeCreated.length) await auth.api.signUpEmail({ body: { ...user, name: 'Some Body' } });

/** Asks better-auth for what a form of a page stands for, as the browser that sent the form. */
function ask(request, path, body) {
  const headers = new Headers({ 'content-type': 'application/json', 'sec-fetch-mode': 'navigate', origin: base });
  if (request.headers.has('cookie')) headers.set('cookie', request.headers.get('cookie'));
  return auth.handler(new Request(`${base}/api/auth${path}`, { method: 'POST', headers, body: JSON.stringify(body) }));
}

const page = (form) => new Response(`<!doctype html><title>better-auth</title><form method="post">${form}</form>`, {
  headers: { 'content-type': 'text/html' },
});

/** Serves the login page; with its form, lets better-auth take the user on to the consent page or back to the client. */
async function serveLogin(request, query) {
  if (request.method === 'GET') {
    return page('<input name="login"><input name="password" type="password"><button type="submit">Sign in</button>');
  }
  const form = await request.formData();
  const email = `${form.get('login')}@example.com`;
  return ask(request, '/sign-in/email', { email, password: form.get('password'), oauth_query: query });
}

/** Serves the consent page; with its form, lets better-auth take the user back to the client. */
async function serveConsent(request, query) {
  if (request.method === 'GET') {
    return page('<button type="submit" name="answer" value="deny">Deny</button>'
      + '<button type="submit" name="answer" value="accept">Accept</button>');
  }
  const accept = (await request.formData()).get('answer') === 'accept';
  const { url } = await (await ask(request, '/oauth2/consent', { accept, oauth_query: query })).json();
  return new Response(null, { status: 302, headers: { location: url } });
}

/** Serves the page on which a user signs in, enters the code of a device and decides; better-auth has none of its own. */
async function serveDevice(request, code) {
  if (request.method === 'GET') {
    return page(`<input name="user_code" value="${code.replace(/[^A-Z0-9-]/gi, '')}"><input name="login">`
      + '<input name="password" type="password"><button type="submit" name="answer" value="deny">Deny</button>'
      + '<button type="submit" name="answer" value="accept">Accept</button>');
  }
  const form = await request.formData();
  const email = `${form.get('login')}@example.com`;
  const signedIn = await ask(request, '/sign-in/email', { email, password: form.get('password') });
  const cookie = signedIn.headers.getSetCookie().map((each) => each.split(';')[0]).join('; ');
  const userCode = form.get('user_code');
  // The code has to be looked up before it can be decided on.
  const headers = new Headers({ cookie, origin: base });
  await auth.handler(new Request(`${base}/api/auth/device?user_code=${encodeURIComponent(userCode)}`, { headers }));
  const path = form.get('answer') === 'accept' ? '/device/approve' : '/device/deny';
  const decided = await ask(new Request(base, { headers }), path, { userCode });
  return new Response(`${decided.status} ${await decided.text()}`);
}

const tools = [{ name: 'greet', description: 'Says hello', inputSchema: { type: 'object' } }];

/** Returns the result of one MCP request: 2026-07-28 without a session, or 2025-11-25. */
function result(method, modern) {
  if (method === 'tools/list') {
    return modern ? { resultType: 'complete', ttlMs: 0, cacheScope: 'private', tools } : { tools };
  }
  if (method === 'initialize' && !modern) {
    return { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'protected', version: '1' } };
  }
  return null;
}

const serveMcp = requireMcpAuth(auth, async (request) => {
  if (request.method !== 'POST') return new Response(null, { status: 405, headers: { allow: 'POST' } });
  const { id, method } = await request.json();
  if (id === undefined) return new Response(null, { status: 202 });
  const found = result(method, request.headers.get('mcp-protocol-version') === '2026-07-28');
  if (!found) return Response.json({ jsonrpc: '2.0', id, error: { code: -32601, message: 'method not found' } }, { status: 404 });
  return Response.json({ jsonrpc: '2.0', id, result: found });
}, { resource });

/** Answers any request. */
async function serve(request) {
  const { pathname, search } = new URL(request.url);
  switch (pathname) {
    case '/mcp': return serveMcp(request);
    case '/login': return serveLogin(request, search.slice(1));
    case '/consent': return serveConsent(request, search.slice(1));
    case '/device': return serveDevice(request, new URL(request.url).searchParams.get('user_code') ?? '');
    case '/forget-clients':
      database.exec('DELETE FROM oauthClient');
      return new Response(null, { status: 204 });
    default: return auth.handler(request);
  }
}

server.on('request', toNodeHandler(async (request) => {
  const response = await serve(request);
  console.log(`event ${request.method} ${new URL(request.url).pathname} ${response.status}`);
  return response;
}));
console.log(`ready ${resource}`);
