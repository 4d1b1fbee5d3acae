// better-auth with its MCP plugin as it comes, but with open registration, in memory, on a free port of 127.0.0.1; and a
// user of it with a browser. To be called from a directory into which the packages were installed.

import { createHash, randomBytes } from 'node:crypto';
import http from 'node:http';
import { DatabaseSync } from 'node:sqlite';
import { betterAuth } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
import { toNodeHandler } from 'better-auth/node';
import { jwt } from 'better-auth/plugins';
import { mcp } from '@better-auth/mcp';

export const REDIRECT_URI = 'http://127.0.0.1:53682/callback';

const server = http.createServer();
await new Promise((done) => server.listen(0, '127.0.0.1', done));
server.unref();
const base = `http://127.0.0.1:${server.address().port}`;
export const resource = `${base}/mcp`;
const options = {
  baseURL: base,
  secret: 'for this run only, and long enough for that',
  database: new DatabaseSync(':memory:'),
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
  ],
};
await (await getMigrations(options)).runMigrations();
server.on('request', toNodeHandler(betterAuth(options)));

/** Sends a request to an endpoint: JSON, or a form if the body is one. Returns status, headers, and the body as JSON. */
export async function ask(path, body, headers = {}) {
  const isForm = body instanceof URLSearchParams;
  const response = await fetch(`${base}/api/auth${path}`, {
    method: body ? 'POST' : 'GET',
    body: body && (isForm ? body : JSON.stringify(body)),
    headers: { ...(body && !isForm && { 'content-type': 'application/json' }), origin: base, ...headers },
    redirect: 'manual',
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text ? JSON.parse(text) : null };
}

/** Registers a public client (RFC 7591). */
export const register = (more) => ask('/oauth2/register', {
  client_name: 'an application',
  redirect_uris: [REDIRECT_URI],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  token_endpoint_auth_method: 'none',
  ...more,
});

/** Asks the token endpoint. */
export const token = (form) => ask('/oauth2/token', new URLSearchParams(form));

const signedUp = await ask('/sign-up/email', { email: 'ann@example.com', password: 'a long password', name: 'Ann' });
const cookie = signedUp.headers.getSetCookie().map((each) => each.split(';')[0]).join('; ');

/** Agrees to the client's request. Returns the code, and the verifier that goes with it. */
export async function agree(clientId, more = {}) {
  const verifier = randomBytes(48).toString('base64url');
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: REDIRECT_URI,
    state: 'a-state',
    scope: 'openid offline_access',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...more,
  });
  const asked = await ask(`/oauth2/authorize?${query}`, null, { cookie });
  // To a script it says in JSON where a browser would be sent.
  let at = new URL(asked.body.url, base);
  if (at.pathname === '/consent') {
    const agreed = await ask('/oauth2/consent', { accept: true, oauth_query: at.search.slice(1) }, { cookie });
    at = new URL(agreed.body.url);
  }
  return { code: at.searchParams.get('code'), verifier };
}

/** Agrees to the client's request and exchanges the code. */
export async function logIn(clientId, more = {}) {
  const { code, verifier } = await agree(clientId, more);
  const form = { grant_type: 'authorization_code', code, client_id: clientId };
  return token({ ...form, redirect_uri: REDIRECT_URI, code_verifier: verifier, ...more });
}

/** Prints what was found, and ends the run if it is not what was seen before. */
export function expect(what, found, wanted) {
  console.log(`${what}: ${JSON.stringify(found)}`);
  if (JSON.stringify(found) === JSON.stringify(wanted)) return;
  console.log(`this has changed: ${what} was ${JSON.stringify(wanted)}`);
  process.exit(1);
}
